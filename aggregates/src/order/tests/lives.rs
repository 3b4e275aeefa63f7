//! Random lives of orders: after every step the invariants hold, and nothing happens twice.

use proptest::prelude::*;

use super::*;

/// A step of a life, small enough to shrink.
fn step() -> impl Strategy<Value = OrderCommand> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e"]);
    let line = 0..4_u16;
    let amount = 1..12_000_i64;
    let some_amount = prop::option::of(1..4000_i64);
    prop_oneof![
        2 => (name.clone(), any::<bool>()).prop_map(|(name, fits)| {
            confirm(name, if fits { usd(10_537) } else { usd(1) })
        }),
        6 => (name.clone(), line.clone(), some_amount.clone())
            .prop_map(|(name, line, amount)| reserve(name, line, amount)),
        6 => (name.clone(), line.clone(), some_amount)
            .prop_map(|(name, line, amount)| reserve_approved(name, line, amount)),
        4 => name.clone().prop_map(settle),
        4 => name.clone().prop_map(release),
        2 => (name.clone(), amount.clone())
            .prop_map(|(name, amount)| external(&format!("x{name}"), usd(amount))),
        4 => (name.clone(), amount.clone(), any::<bool>())
            .prop_map(|(name, amount, inquiry)| apply(name, usd(amount), inquiry)),
        4 => (name.clone(), amount.clone(), amount.clone(), any::<bool>())
            .prop_map(|(name, out, back, lost)| conclude(name, out.max(back), out.min(back), lost)),
        2 => (name.clone(), amount.clone())
            .prop_map(|(name, amount)| revise(name, &format!("txn_{amount}"), amount)),
        1 => name.clone().prop_map(|name| reverse(name, usd(10_537))),
        1 => (prop::option::of(prop::collection::vec(line.clone(), 1..3)), 0..5000_i64)
            .prop_map(|(lines, fee)| cancel(lines, fee)),
        1 => (name.clone(), line).prop_map(|(name, line)| ship(name, &[(line, 1)])),
        1 => name.clone().prop_map(deliver),
        1 => Just(OrderCommand::Complete),
        1 => Just(OrderCommand::Expire),
        1 => Just(OrderCommand::NoteShippingOverdue),
        1 => name.prop_map(|name| funds(name, days(2))),
    ]
}

/// How much money the command says has moved; the events must account for all of it.
fn moved_by(command: &OrderCommand) -> i64 {
    if let OrderCommand::ConcludeDispute { withdrawn, reinstated, .. } = command {
        withdrawn - reinstated
    } else if let OrderCommand::ReviseDispute { reinstated, .. } = command {
        *reinstated
    } else if let OrderCommand::AllocateExternalRefund { amount, .. } = command {
        amount.minor()
    } else {
        0
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_minor_unit_is_accounted_for(
        by_platform in any::<bool>(),
        steps in prop::collection::vec((step(), 0..4000_i64), 1..40),
    ) {
        let mut order = Order::default();
        let placing = place(|place| {
            partial_refunds(place);
            place.policy.payout_after = crate::vocabulary::PayoutAfter::Delivered;
            let funded_by = if by_platform { FundedBy::Platform } else { FundedBy::Seller };
            place.discount = Some(Discount { amount: 1000, funded_by, code: None });
        });
        let mut now = minutes(0);
        let first = (placing, 0);
        let second = (confirm("a", usd(10_537)), 1);
        let mut payable = std::collections::BTreeSet::new();
        for (command, wait) in [first, second].into_iter().chain(steps) {
            now = now.plus_seconds(wait * 60);
            let Ok(events) = super::super::decide::decide(&order, command.clone(), now) else {
                continue;
            };
            for event in events {
                invariants::check_event(&event, moved_by(&command));
                if let OrderEvent::PayabilitySet { lines, .. } = &event {
                    for (line, _) in lines {
                        prop_assert!(payable.insert(*line), "payable twice: {:?}", line);
                    }
                }
                order.apply(event);
                invariants::check(&order);
            }
            // The same command again changes nothing: it is ignored, or the world has moved on.
            let again = super::super::decide::decide(&order, command, now).unwrap_or_default();
            prop_assert_eq!(again, vec![]);
        }
    }
}

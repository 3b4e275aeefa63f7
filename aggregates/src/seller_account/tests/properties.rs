//! Random lives of a seller's account: nothing is ever negative, lost, invented or done twice.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_balance_is_negative_and_no_money_is_lost_or_invented(
        commands in prop::collection::vec(any_command(), 1..60),
    ) {
        let mut account = state(ready());
        let mut expected = 0_i128;
        for (step, command) in commands.into_iter().enumerate() {
            // Time passes, so that reserves and reminders come due.
            let now = at(i64::try_from(step).unwrap() * 4 * DAY);
            let Ok(events) = decide::decide(&account, command.clone(), now) else { continue };
            for event in events {
                expected += change(&event);
                check_amounts(&event);
                account.apply(event);
                check(&account);
                prop_assert_eq!(account.position(USD).total(), expected);
            }
            // Writing off takes two decisions that look alike; who repeats himself is tested apart.
            let is_write_off = matches!(command, Command::WriteOff { .. });
            let again = decide::decide(&account, command.clone(), now);
            let is_settled = is_write_off || again.as_ref().is_ok_and(Vec::is_empty);
            prop_assert!(is_settled, "{command:?} again: {again:?}");
        }
    }

    #[test]
    fn a_snapshot_goes_on_as_the_account_would_have(
        commands in prop::collection::vec(any_command(), 1..40),
        more in prop::collection::vec(any_command(), 1..20),
    ) {
        let mut account = state(ready());
        run(&mut account, commands, 0);
        let text = serde_json::to_string(&account).unwrap();
        let mut restored: SellerAccount = serde_json::from_str(&text).unwrap();
        let first = run(&mut account, more.clone(), 100);
        let second = run(&mut restored, more, 100);
        prop_assert_eq!(first, second);
    }
}

fn run(account: &mut SellerAccount, commands: Vec<Command>, days: i64) -> Vec<Event> {
    let mut seen = Vec::new();
    for command in commands {
        for event in decide::decide(account, command, at(days * DAY)).unwrap_or_default() {
            account.apply(event.clone());
            seen.push(event);
        }
    }
    seen
}

/// What an event adds to the seller's total position or takes from it.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other events only move money inside")]
fn change(event: &Event) -> i128 {
    match event {
        Event::Credited { amount, .. }
        | Event::CreditedBack { amount, .. }
        | Event::WrittenOff { amount, .. } => i128::from(*amount),
        Event::Debited { amount, .. }
        | Event::PayoutSettled { amount, .. }
        | Event::DisputeHoldConsumed { amount, .. } => -i128::from(*amount),
        _ => 0,
    }
}

/// The parts of an event add up to it, none is negative, and no event is about nothing.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other events have no parts")]
fn check_amounts(event: &Event) {
    let (amount, parts) = match event {
        Event::Debited { amount, split, .. } | Event::DisputeHeld { amount, split, .. } => {
            let claims = split.pending.iter().chain(&split.reserve);
            assert!(claims.clone().all(|(_, part)| *part > 0), "{event:?}");
            let mut parts = vec![split.available, split.receivable];
            parts.extend(claims.map(|(_, part)| *part));
            (*amount, parts)
        }
        Event::CreditedBack { amount, receivable, available, .. }
        | Event::DisputeHoldReleased { amount, receivable, available, .. } => {
            (*amount, vec![*receivable, *available])
        }
        Event::Released { amount, netted, reserved, available, .. } => {
            (*amount, vec![*netted, *reserved, *available])
        }
        Event::ReserveReleased { amount, netted, available, .. } => {
            (*amount, vec![*netted, *available])
        }
        Event::Credited { amount, .. }
        | Event::DisputeHoldConsumed { amount, .. }
        | Event::PayoutReserved { amount, .. }
        | Event::PayoutCommitted { amount, .. }
        | Event::PayoutSettled { amount, .. }
        | Event::RecoveryOpened { amount, .. }
        | Event::WrittenOff { amount, .. } => (*amount, vec![*amount]),
        _ => return,
    };
    assert!(amount > 0, "{event:?}");
    assert!(parts.iter().all(|part| *part >= 0), "{event:?}");
    assert_eq!(parts.iter().sum::<i64>(), amount, "{event:?}");
}

fn check(account: &SellerAccount) {
    for (currency, position) in account.positions() {
        for (name, amount) in [
            ("pending", position.pending()),
            ("available", position.available()),
            ("reserve", position.reserve()),
            ("dispute hold", position.dispute_hold()),
            ("receivable", position.receivable()),
            ("payable", account.payable(currency)),
        ] {
            assert!(amount >= 0, "{name} is {amount}");
        }
        for shelf in [&position.pending, &position.reserve] {
            assert!(shelf.oldest_first().all(|(_, amount)| amount > 0));
            assert_eq!(shelf.oldest_first().map(|(_, amount)| amount).sum::<i64>(), shelf.total());
        }
        if let Some((_, amount, PayoutStage::Reserved | PayoutStage::Committed)) = position.lane() {
            assert!(amount <= position.available(), "{amount} is set apart");
        }
    }
}

fn any_command() -> impl Strategy<Value = Command> {
    let claim = || prop::sample::select(vec!["a", "b", "c", "d", "e", "f"]);
    let amount = || 1..5000_i64;
    let number = || 1..5_u32;
    prop_oneof![
        4 => (claim(), amount()).prop_map(|(claim, amount)| credit(claim, amount)),
        3 => (claim(), amount(), prop::option::of(claim()))
            .prop_map(|(claim, amount, about)| debit(claim, amount, about)),
        1 => (claim(), amount()).prop_map(|(claim, amount)| credit_back(claim, amount)),
        4 => (claim(), 0..3000_u16).prop_map(|(claim, bps)| release(claim, bps)),
        2 => claim().prop_map(|claim| Command::ReleaseReserve { claim: claim.into() }),
        2 => (claim(), amount(), claim())
            .prop_map(|(claim, amount, about)| hold_for_dispute(claim, amount, &[about])),
        2 => (claim(), 0..6000_i64).prop_map(|(claim, lost)| conclude(claim, lost)),
        3 => (number(), prop::option::of(amount()))
            .prop_map(|(number, amount)| reserve(payout(number), amount)),
        3 => number().prop_map(|number| Command::CommitPayout { payout: payout(number) }),
        3 => number().prop_map(|number| Command::SettlePayout { payout: payout(number) }),
        1 => number().prop_map(|number| Command::ReleasePayoutReservation {
            payout: payout(number),
            reason: "refused".to_owned(),
        }),
        2 => number().prop_map(|number| Command::FreeLane { payout: payout(number) }),
        1 => number().prop_map(|number| block(payout(number))),
        1 => (claim(), amount()).prop_map(|(name, amount)| hold(name, amount)),
        1 => claim()
            .prop_map(|name| Command::ReleaseHold { hold: name.to_owned(), by: ann() }),
        1 => prop::sample::select(vec!["ann", "bob"]).prop_map(write_off),
        1 => Just(Command::RemindRecovery { currency: USD }),
        1 => Just(Command::ProposeWriteOff { currency: USD }),
    ]
}

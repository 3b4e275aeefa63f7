//! The month as data: it repeats, it adds up, it survives a file, and it can be shuffled.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::{Action, DEMO_SEED, Expected, PlannedOrder, RefundDecision, Scale, Scenario};
use crate::{Operation, Target, currency_facts};

fn orders(scenario: &Scenario) -> impl Iterator<Item = (&str, &PlannedOrder)> {
    scenario.steps.iter().filter_map(|step| match &step.action {
        Action::PlaceOrder(order) => Some((step.key.as_str(), &**order)),
        _ => None,
    })
}

#[test]
fn the_same_seed_makes_the_same_month_and_another_seed_another() {
    let month = Scenario::generate(DEMO_SEED, Scale::TENTH);
    assert_eq!(month, Scenario::generate(DEMO_SEED, Scale::TENTH));
    assert_ne!(month.steps, Scenario::generate(8, Scale::TENTH).steps);
}

#[test]
fn steps_are_in_order_and_no_two_share_a_key() {
    let month = Scenario::generate(DEMO_SEED, Scale::FULL);
    assert!(month.steps.is_sorted_by_key(|step| step.at));
    let keys: BTreeSet<&str> = month.steps.iter().map(|step| step.key.as_str()).collect();
    assert_eq!(keys.len(), month.steps.len());
    let ticks = month.ticks();
    let of_ticks: usize = ticks.iter().map(|tick| month.steps_of(*tick).len()).sum();
    assert_eq!(of_ticks, month.steps.len(), "every step lies in exactly one tick");
    for step in month.steps.iter().filter(|step| step.action.is_ours()) {
        assert!(ticks.iter().any(|tick| tick.start == step.at), "{} is at no boundary", step.key);
    }
}

#[test]
fn the_full_month_is_as_large_and_as_mixed_as_promised() {
    let month = Scenario::generate(DEMO_SEED, Scale::FULL);
    let all: Vec<&PlannedOrder> = orders(&month).map(|(_, order)| order).collect();
    assert!(all.len() >= 3_000, "{} orders", all.len());
    assert_eq!(month.header.sellers.iter().filter(|seller| seller.sells).count(), 40);
    let currencies: BTreeSet<&str> = all.iter().map(|order| order.currency.as_str()).collect();
    assert_eq!(currencies, BTreeSet::from(["eur", "jpy", "kwd", "usd"]));
    let sellers = |order: &PlannedOrder| {
        order.lines.iter().map(|line| line.seller.as_str()).collect::<BTreeSet<_>>().len()
    };
    assert!(all.iter().filter(|order| sellers(order) > 1).count() > 200);
    let guests = all
        .iter()
        .filter(|order| matches!(order.buyer, crate::scenario::PlannedBuyer::GuestEmail(_)));
    assert!(guests.count() > 500);
    let strays = month.steps.iter().filter(|step| step.key.starts_with("stray/")).count();
    assert!(strays * 100 >= all.len() * 5, "{strays} charges nobody ordered");
}

#[test]
fn every_order_adds_up_and_can_be_charged() {
    let month = Scenario::generate(DEMO_SEED, Scale::FULL);
    for (key, order) in orders(&month) {
        let sum = |of: fn(&crate::scenario::Snapshot) -> i64| -> i64 {
            order.lines.iter().map(|line| of(&line.amounts)).sum()
        };
        let facts = currency_facts(&order.currency);
        let totals = order.totals;
        let discount = order.discount.as_ref().map_or(0, |discount| discount.amount);
        assert_eq!(totals.discount, discount, "{key}");
        assert_eq!((sum(|a| a.shipping), sum(|a| a.tax)), (order.shipping, order.tax), "{key}");
        assert_eq!(totals.total, totals.goods - discount + order.shipping + order.tax, "{key}");
        assert_eq!(totals.total % facts.multiple, 0, "{key}");
        let chargeable = totals.total >= facts.charge_min || key.starts_with("free/");
        assert!(chargeable && (totals.total > 0 || key.starts_with("free/")), "{key}");
        for line in &order.lines {
            let amounts = line.amounts;
            let by_platform = order.discount.as_ref().is_some_and(|d| !d.by_seller);
            let contra = if by_platform { amounts.discount } else { 0 };
            assert_eq!(amounts.total, amounts.fee + amounts.seller_net + amounts.tax - contra);
            assert!(amounts.item >= 0 && amounts.fee >= 0 && amounts.seller_net > 0, "{key}");
            assert!(line.shippable || amounts.shipping == 0, "{key}");
            assert!(line.taxable || amounts.tax == 0, "{key}");
        }
    }
}

/// The order that a step at Stripe is about.
fn order_of(action: &Action, made_by: &BTreeMap<&str, String>) -> Option<String> {
    let of_target = |target: &Target| match target {
        Target::Made(key) => made_by.get(key.as_str()).cloned(),
        _ => None,
    };
    match action {
        Action::Pay { order, .. } | Action::PayDirectly { order, .. } => Some(order.clone()),
        Action::LinkLate { order, .. } => Some(order.clone()),
        Action::Stripe(
            Operation::Refund { payment, .. }
            | Operation::ClawBack { payment, .. }
            | Operation::CapturePayment { payment, .. },
        ) => of_target(payment),
        Action::Stripe(Operation::OpenDispute(new)) => of_target(&new.payment),
        Action::Stripe(
            Operation::CloseDispute { dispute, .. } | Operation::EscalateDispute { dispute },
        ) => of_target(dispute),
        _ => None,
    }
}

#[test]
fn what_happens_to_one_order_lies_in_different_ticks() {
    let month = Scenario::generate(DEMO_SEED, Scale::FULL);
    let mut made_by = BTreeMap::new();
    let mut seen: BTreeMap<(String, i64), &str> = BTreeMap::new();
    for step in &month.steps {
        let Some(order) = order_of(&step.action, &made_by) else { continue };
        made_by.insert(step.key.as_str(), order.clone());
        // A failed attempt moves no money, so it may share a tick with the next one.
        if step.key.starts_with("attempt/") {
            continue;
        }
        let tick = (step.at - month.header.start) / month.header.tick_s;
        if let Some(other) = seen.insert((order, tick), &step.key) {
            panic!("{} and {other} can be delivered in either order", step.key);
        }
    }
    assert!(seen.len() > 3_000);
}

#[test]
fn a_month_survives_its_file() {
    let month = Scenario::generate(DEMO_SEED, Scale::TENTH);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("month.ndjson");
    month.write_to(&path).unwrap();
    assert_eq!(Scenario::read_from(&path).unwrap(), month);
    std::fs::write(&path, "").unwrap();
    assert_eq!(Scenario::read_from(&path).unwrap_err().to_string(), "the scenario file is empty");
}

/// A month in which only the steps about one order happen.
fn only(month: &Scenario, keys: &[&str]) -> Scenario {
    let steps = month.steps.iter().filter(|step| keys.contains(&step.key.as_str()));
    Scenario { header: month.header.clone(), steps: steps.cloned().collect() }
}

fn earned(month: &Scenario, keys: &[&str]) -> i128 {
    Expected::of(&only(month, keys)).earned.values().sum()
}

#[test]
fn a_paid_order_is_owed_to_its_sellers_and_a_refunded_line_is_not() {
    let month = Scenario::generate(DEMO_SEED, Scale::FULL);
    let (decide, refund) = month
        .steps
        .iter()
        .find_map(|step| match &step.action {
            Action::DecideRefund { refund, decision: RefundDecision::Approve } => {
                Some((step.key.as_str(), refund.as_str()))
            }
            _ => None,
        })
        .unwrap();
    let order = refund.strip_prefix("refund/").unwrap();
    let planned = orders(&month).find(|(key, _)| *key == order).unwrap().1;
    let pay = format!("pay/{order}");
    let net = i128::from(planned.totals.seller_net);
    assert_eq!(earned(&month, &[order]), 0, "nobody paid");
    assert_eq!(earned(&month, &[order, &pay]), net);
    assert_eq!(earned(&month, &[order, &pay, refund]), net, "nobody has decided");
    let first = i128::from(planned.lines[0].amounts.seller_net);
    let after = earned(&month, &[order, &pay, refund, decide]);
    assert!(after < net && after >= net - first, "{after} of {net}, first line {first}");
}

#[test]
fn whatever_happens_to_an_order_its_money_is_conserved() {
    let month = Scenario::generate(DEMO_SEED, Scale::FULL);
    let expected = Expected::of(&month);
    assert!(expected.orders_paid > 2_800, "{} orders were paid", expected.orders_paid);
    // An order whose charge is refunded as a whole leaves nothing with anybody.
    let whole = month
        .steps
        .iter()
        .find_map(|step| match &step.action {
            Action::Stripe(Operation::Refund {
                payment: Target::Made(payment),
                amount: None,
                ..
            }) if step.key.starts_with("dashboard-refund/order") => {
                Some((step.key.as_str(), payment.as_str()))
            }
            _ => None,
        })
        .unwrap();
    let order = whole.1.strip_prefix("pay/").unwrap();
    let nothing = Expected::of(&only(&month, &[order, whole.1, whole.0]));
    assert_eq!(nothing.orders_paid, 1);
    for sums in [&nothing.commission, &nothing.discounts] {
        assert!(sums.values().all(|amount| *amount == 0), "{nothing:?}");
    }
    assert!(nothing.earned.values().all(|amount| *amount == 0), "{nothing:?}");
    assert!(nothing.tax.values().all(|amount| *amount == 0), "{nothing:?}");
}

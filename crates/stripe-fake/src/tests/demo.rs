//! The month played against the fake and a stub of Daybook.

use std::collections::BTreeMap;

use super::stub::{self, Stub};
use crate::demo::{Delivery, DemoKeys, DemoOptions, DemoReport, Driver};
use crate::scenario::{DEMO_SEED, Expected, Scale, Scenario};
use crate::{Endpoints, FakeStripe, Seed};

/// Every type of event that Daybook acts on, except those of memberships, invoices and coupons.
const ACTED_ON: [&str; 55] = [
    "account.application.deauthorized",
    "account.external_account.created",
    "account.external_account.deleted",
    "account.external_account.updated",
    "account.updated",
    "application_fee.created",
    "application_fee.refund.updated",
    "application_fee.refunded",
    "capability.updated",
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.expired",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "charge.updated",
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "payout.canceled",
    "payout.created",
    "payout.failed",
    "payout.paid",
    "payout.reconciliation_completed",
    "payout.updated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "refund.created",
    "refund.failed",
    "refund.updated",
    "reserve.hold.created",
    "reserve.hold.updated",
    "reserve.release.created",
    "review.closed",
    "review.opened",
    "topup.canceled",
    "topup.created",
    "topup.failed",
    "topup.reversed",
    "topup.succeeded",
    "transfer.created",
    "transfer.reversed",
    "transfer.updated",
];

struct Played {
    report: DemoReport,
    stub: Stub,
    fake: FakeStripe,
}

fn options(base: &str) -> DemoOptions {
    let keys = DemoKeys {
        admin: "dbk_sandbox_admin".into(),
        storefront: "dbk_sandbox_storefront".into(),
        finance: "dbk_sandbox_finance".into(),
    };
    let endpoints = Endpoints {
        platform: stub::endpoint(base, "/webhooks/stripe"),
        connect: stub::endpoint(base, "/webhooks/stripe/connect"),
    };
    DemoOptions { patience_s: 20, concurrency: 8, ..DemoOptions::new(base, keys, endpoints) }
}

async fn play(scenario: &Scenario, delivery: Delivery) -> Played {
    let fake = FakeStripe::new(Seed(scenario.header.seed), scenario.header.start);
    let (base, stub, server) = stub::start(&fake);
    let options = DemoOptions { delivery, ..options(&base) };
    let mut driver = Driver::new(scenario, &fake, options).unwrap();
    let mut last = 0;
    let report = driver
        .run(&mut |progress| {
            assert!(progress.ticks_done > last);
            last = progress.ticks_done;
        })
        .await
        .unwrap();
    assert_eq!(last, scenario.ticks().len());
    server.stop(false).await;
    Played { report, stub, fake }
}

fn assert_each_at_least(events: &BTreeMap<String, usize>, least: usize) {
    let rare: Vec<(&str, usize)> = ACTED_ON
        .iter()
        .map(|kind| (*kind, events.get(*kind).copied().unwrap_or(0)))
        .filter(|(_, count)| *count < least)
        .collect();
    assert!(rare.is_empty(), "fewer than {least} times: {rare:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenth_of_the_month_has_everything_in_it_once() {
    let scenario = Scenario::generate(DEMO_SEED, Scale::TENTH);
    let played = play(&scenario, Delivery::InOrder).await;
    assert_eq!(played.report.refused, []);
    assert_each_at_least(&played.stub.seen.lock().unwrap().events, 1);
    assert_eq!(played.fake.undelivered_count(), 0);
    assert_eq!(played.fake.refused(), [], "whatever was scheduled could happen");
    assert!(played.report.orders >= 300, "{} orders", played.report.orders);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_full_month_has_everything_in_it_five_times() {
    let scenario = Scenario::generate(DEMO_SEED, Scale::FULL);
    let played = play(&scenario, Delivery::InOrder).await;
    assert_eq!(played.report.refused, []);
    let seen = played.stub.seen.lock().unwrap();
    assert_each_at_least(&seen.events, 5);
    assert!(seen.deliveries >= 12_000, "{} deliveries", seen.deliveries);
    assert_eq!(seen.deliveries, played.report.deliveries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shuffled_or_doubled_deliveries_bring_the_same_events() {
    let scenario = Scenario::generate(11, Scale::TENTH);
    let straight = play(&scenario, Delivery::InOrder).await;
    let shuffled = play(&scenario, Delivery::Shuffled(Seed(3))).await;
    let doubled = play(&scenario, Delivery::Twice).await;
    assert_eq!(straight.fake.digest(), shuffled.fake.digest());
    assert_eq!(straight.fake.digest(), doubled.fake.digest());
    assert_eq!(doubled.report.deliveries, 2 * straight.report.deliveries);
    assert_eq!(straight.report.balances, shuffled.report.balances);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn driven_again_from_the_start_the_month_stays_as_it_is() {
    let scenario = Scenario::generate(13, Scale::TENTH);
    let fake = FakeStripe::new(Seed(13), scenario.header.start);
    let (base, stub, server) = stub::start(&fake);
    let folder = tempfile::tempdir().unwrap();
    let notes = Some(folder.path().join("notes.ndjson"));
    let noted = DemoOptions { notes, ..options(&base) };
    let middle = scenario.header.start + 12 * 86_400 + 1;
    let mut first = Driver::new(&scenario, &fake, noted.clone()).unwrap();
    first.run_until(middle, &mut |_| {}).await.unwrap();
    let (events, orders) = (fake.event_count(), stub.seen.lock().unwrap().orders.clone());
    // Somebody without the notes begins again and gets to the same point without doing anything.
    let mut again = Driver::new(&scenario, &fake, options(&base)).unwrap();
    again.run_until(middle, &mut |_| {}).await.unwrap();
    assert_eq!(fake.event_count(), events);
    assert_eq!(stub.seen.lock().unwrap().orders, orders);
    // Somebody with the notes goes on, to the same end as without an interruption.
    let mut second = Driver::new(&scenario, &fake, noted.clone()).unwrap();
    let report = second.run(&mut |_| {}).await.unwrap();
    let deliveries = stub.seen.lock().unwrap().deliveries;
    let mut done = Driver::new(&scenario, &fake, noted).unwrap();
    let idle = done.run(&mut |_| {}).await.unwrap();
    assert_eq!((idle.deliveries, idle.steps), (0, 0));
    assert_eq!(idle.balances, report.balances);
    assert_eq!(stub.seen.lock().unwrap().deliveries, deliveries);
    server.stop(false).await;
    let straight = play(&scenario, Delivery::InOrder).await;
    assert_eq!(straight.fake.digest(), fake.digest());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_lower_what_is_still_owed() {
    let scenario = Scenario::generate(17, Scale::TENTH);
    let played = play(&scenario, Delivery::InOrder).await;
    let expected = Expected::of(&scenario);
    assert!(expected.transferred.is_empty());
    let after = expected.clone().with_transfers(&scenario, &played.fake).unwrap();
    let paid = after.transferred[&("seller-01".to_owned(), "usd".to_owned())];
    assert_eq!(paid % 1_000, 0);
    assert!(paid >= 4_000, "four Mondays at least, but {paid}");
    let key = ("seller-01".to_owned(), "usd".to_owned());
    assert_eq!(after.positions()[&key], expected.earned[&key] - paid);
    // The transfers of these sellers' first payout were fetched back.
    let fetched = after.transferred[&("seller-08".to_owned(), "usd".to_owned())];
    assert_eq!(fetched, paid - 1_000);
}

#[test]
fn a_fake_with_another_seed_is_refused() {
    let scenario = Scenario::generate(DEMO_SEED, Scale::TENTH);
    let fake = FakeStripe::new(Seed(8), scenario.header.start);
    let refused = Driver::new(&scenario, &fake, options("http://127.0.0.1:9"));
    assert_eq!(refused.unwrap_err().to_string(), "the scenario has seed 7, but the fake has 8");
}

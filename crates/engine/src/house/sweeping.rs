//! Balance transactions that no message mentions, and what a restart asks of Stripe.

use std::sync::{Arc, Mutex};

use aggregates::{
    balance_transaction::TransactionRecord,
    seller_account::{SellerAccount, commands::SellerAccountCommand},
    vocabulary::AccountRef,
};
use async_trait::async_trait;
use kernel::Timestamp;

use super::{Machine, PATIENCE, fake_stripe::FakeStripe, toy_translator::record};
use crate::{
    Backfill, Backfilled, Engine, EngineParts, StripeCallError, SweepError, SweepReport,
    testing::NOON,
};

fn day(days: i64) -> Timestamp {
    Timestamp::from_millis(NOON).plus_days(days)
}

fn fee(txn: &str, account: Option<&str>, days: i64) -> TransactionRecord {
    TransactionRecord {
        account: account.map(Into::into),
        kind: "stripe_fee".to_owned(),
        category: "fee".to_owned(),
        source: None,
        occurred_at: day(days),
        ..record(txn, "")
    }
}

fn found(listed: u64, recorded: u64) -> Result<SweepReport, SweepError> {
    Ok(SweepReport { listed, recorded, refused: Vec::new() })
}

/// A seller whose connected account is known.
async fn connected(machine: &Machine, account: &str) {
    let seller = machine.house.seller("Wanda Wool").await;
    let start = SellerAccountCommand::StartOnboarding { account: account.into() };
    machine.house.send::<SellerAccount>(&seller.to_string(), start, "onboarding").await.unwrap();
}

/// What was walked since this was last asked.
fn walked(stripe: &FakeStripe) -> Vec<(Option<AccountRef>, Timestamp)> {
    std::mem::take(&mut *stripe.walked.lock().unwrap())
}

/// Waits until the errands were last done at this time.
async fn until_done(engine: &Engine, at: Timestamp) {
    engine.sweep.subscribe().wait_for(|sweep| sweep.last == Some(at)).await.unwrap();
}

#[tokio::test]
async fn a_sweep_records_what_is_missing_of_every_balance_and_reads_only_what_is_new() {
    let machine = Machine::new().await;
    connected(&machine, "acct_1").await;
    let stripe = Arc::new(FakeStripe::default());
    let engine = machine.rest(Some(Arc::clone(&stripe) as _)).await;
    until_done(&engine, day(0)).await;
    walked(&stripe);

    stripe.listed.lock().unwrap().extend([
        fee("txn_1", None, 0),
        fee("txn_2", None, 5),
        fee("txn_3", Some("acct_1"), 6),
    ]);
    assert_eq!(engine.sweep().await, found(3, 3));
    assert_eq!(machine.count("balance_transaction.recorded").await, 3);
    let from_the_beginning = walked(&stripe);
    assert!(from_the_beginning.iter().all(|(_, since)| *since == Timestamp::EPOCH));

    // The newest are read again, for what Stripe listed late; known ones change nothing.
    assert_eq!(engine.sweep().await, found(2, 0));
    let mut again = walked(&stripe);
    again.sort();
    assert_eq!(again, [(None, day(3)), (Some("acct_1".into()), day(4))]);
    stripe.listed.lock().unwrap().push(fee("txn_late", None, 4));
    assert_eq!(engine.sweep().await, found(3, 1));
    assert_eq!(machine.count("balance_transaction.recorded").await, 4);

    // Other figures for a known one are noticed and not booked.
    stripe.listed.lock().unwrap()[2].amount += 1;
    stripe.listed.lock().unwrap()[2].net += 1;
    assert_eq!(engine.sweep().await, found(3, 0));
    assert_eq!(machine.count("balance_transaction.contradicted").await, 1);
}

#[tokio::test]
async fn without_a_key_nothing_is_swept() {
    let machine = Machine::new().await;
    let engine = machine.rest(None).await;
    assert_eq!(engine.sweep().await, Err(SweepError::NoKey));
    assert_eq!(engine.stripe_tenant(), None);
}

/// Counts how often it is asked, and since when.
#[derive(Debug, Default)]
struct Postman(Mutex<Vec<Timestamp>>);

#[async_trait]
impl Backfill for Postman {
    async fn run(&self, since: Timestamp) -> Result<Backfilled, StripeCallError> {
        self.0.lock().unwrap().push(since);
        Ok(Backfilled::default())
    }
}

#[tokio::test]
async fn a_restart_within_the_hour_asks_stripe_nothing() {
    let machine = Machine::new().await;
    let (stripe, postman) = (Arc::new(FakeStripe::default()), Arc::new(Postman::default()));
    let start = async |last: Timestamp| {
        let views = Arc::new(store::MemoryViews::new());
        let mut parts = EngineParts::new(machine.house.another_bus(), views);
        parts.stripe = Some(Arc::clone(&stripe) as _);
        parts.backfill = Some(Arc::clone(&postman) as _);
        let engine = Engine::new(parts);
        engine.start().await.unwrap();
        until_done(&engine, last).await;
        let mut backfill = engine.backfill.subscribe();
        backfill.wait_for(|backfill| backfill.last == Some(last)).await.unwrap();
        engine.settle(PATIENCE).await.unwrap();
        engine.shutdown(PATIENCE).await;
    };
    let asked = || (walked(&stripe).len(), std::mem::take(&mut *postman.0.lock().unwrap()));
    start(day(0)).await;
    assert_eq!(asked(), (1, vec![Timestamp::EPOCH]));
    // Although the read models are gone.
    machine.house.clock.set(day(0).plus_seconds(3599));
    start(day(0)).await;
    assert_eq!(asked(), (0, vec![]));
    let later = day(0).plus_seconds(3600);
    machine.house.clock.set(later);
    start(later).await;
    assert_eq!(asked(), (1, vec![Timestamp::EPOCH]));
}

//! A log that goes on in a copy of itself, without what it had told last.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use aggregates::seller_account::SellerAccount;
use store::{Log, Position};
use tokio::time::{Instant, sleep};

use super::{
    Machine, PATIENCE, assert_live_equals_replayed, fake_stripe::FakeStripe, outbound::approve,
};
use crate::testing::credit;

async fn head(machine: &Machine) -> Position {
    machine.house.log.head().await.unwrap().position
}

#[tokio::test]
async fn after_a_fail_over_everything_is_as_the_log_has_it_now() {
    let machine = Machine::new().await;
    let stripe = Arc::new(FakeStripe::default());
    let engine = machine.rest(Some(Arc::clone(&stripe) as _)).await;
    approve(&machine, "r1").await;
    machine.receive("evt_1", "about ch_1").await;
    engine.settle(PATIENCE).await.unwrap();
    let kept = head(&machine).await;
    // Nothing of this is durable: it is shown, and nothing is done about it.
    machine.house.log.durable.send_replace(kept);
    for n in 0..40 {
        machine.receive(&format!("evt_lost_{n}"), &format!("link ch_{n}")).await;
    }
    approve(&machine, "r_lost").await;
    let lost = head(&machine).await;
    assert!(engine.wait_for(lost, PATIENCE).await);
    machine.house.log.inner.lose_after(kept);
    machine.house.log.durable.send_replace(Position(u64::MAX));
    approve(&machine, "r2").await;
    engine.settle(PATIENCE).await.unwrap();
    assert_live_equals_replayed(&engine).await;
    assert_eq!(stripe.created.load(Ordering::SeqCst), 2);
    assert_eq!(engine.status().await.unwrap().parked, 1);
    assert_eq!(machine.count("stripe_event.received").await, 1);
    // And it goes on from there, past where it had been.
    machine.receive("evt_2", "link ch_1").await;
    for n in 0..40 {
        machine.receive(&format!("evt_again_{n}"), &format!("link ch_again_{n}")).await;
    }
    engine.settle(PATIENCE).await.unwrap();
    assert!(head(&machine).await > lost);
    assert_eq!(machine.count("stripe_event.applied").await, 42);
    assert_eq!(engine.status().await.unwrap().parked, 0);
    assert_live_equals_replayed(&engine).await;
}

#[tokio::test]
async fn nothing_is_decided_by_events_that_the_log_has_lost() {
    let machine = Machine::new().await;
    let house = &machine.house;
    let seller = house.seller("wanda").await.to_string();
    house.send::<SellerAccount>(&seller, credit("c1", 10), "c1").await.unwrap();
    let kept = head(&machine).await;
    house.send::<SellerAccount>(&seller, credit("lost", 20), "lost").await.unwrap();
    house.log.inner.lose_after(kept);
    // Another process brings the stream to the version that this one remembers, by other events.
    let other = house.another_bus();
    let envelope = house.envelope("c2");
    other.send::<SellerAccount>(&seller, credit("c2", 40), envelope).await.unwrap();
    let repeated = house.send::<SellerAccount>(&seller, credit("c2", 40), "again").await.unwrap();
    assert_eq!(repeated.events, 0, "the remembered state did not know what is in the log");
    let anew = house.send::<SellerAccount>(&seller, credit("lost", 20), "lost").await.unwrap();
    assert_eq!((anew.events, anew.replayed), (1, false));
}

#[tokio::test]
async fn a_bookmark_behind_the_end_of_the_log_is_set_back_to_it() {
    let machine = Machine::new().await;
    let stripe = Arc::new(FakeStripe::default());
    for worker in ["policies", "snapshots", "fetches", "webhooks", "effects"] {
        machine.house.log.save_bookmark(worker, Position(1_000_000)).await.unwrap();
    }
    let engine = machine.rest(Some(Arc::clone(&stripe) as _)).await;
    approve(&machine, "r1").await;
    engine.settle(PATIENCE).await.unwrap();
    assert_eq!(stripe.created.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nothing_leaves_the_house_before_it_is_durable() {
    let machine = Machine::new().await;
    let stripe = Arc::new(FakeStripe::default());
    let engine = machine.rest(Some(Arc::clone(&stripe) as _)).await;
    let durable = &machine.house.log.durable;
    durable.send_replace(head(&machine).await);
    approve(&machine, "r1").await;
    let shown = head(&machine).await;
    assert!(engine.wait_for(shown, PATIENCE).await);
    // Long enough for everybody to have had a look.
    let deadline = Instant::now() + Duration::from_millis(300);
    while Instant::now() < deadline {
        assert_eq!(stripe.created.load(Ordering::SeqCst), 0);
        assert_eq!(machine.count("refund.submitted").await, 0);
        sleep(Duration::from_millis(10)).await;
    }
    // Its cause is durable and may be worked on; the announcement is not, and holds the call back.
    durable.send_replace(shown);
    let deadline = Instant::now() + PATIENCE;
    while machine.count("refund.submitted").await == 0 {
        assert!(Instant::now() < deadline, "the refund was never announced");
        sleep(Duration::from_millis(5)).await;
    }
    let deadline = Instant::now() + Duration::from_millis(300);
    while Instant::now() < deadline {
        assert_eq!(stripe.created.load(Ordering::SeqCst), 0);
        sleep(Duration::from_millis(10)).await;
    }
    durable.send_replace(Position(u64::MAX));
    engine.settle(PATIENCE).await.unwrap();
    assert_eq!(stripe.created.load(Ordering::SeqCst), 1);
}

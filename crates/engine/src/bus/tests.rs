//! Commands repeated, raced and left without an answer.

use std::sync::atomic::Ordering;

use aggregates::{
    link::{Link, LinkCommand, Subject},
    seller_account::SellerAccount,
    tenant::{Tenant, commands::TenantCommand, errors::TenantError},
};
use kernel::{OrderId, PaymentId};
use store::{Idempotency, fingerprint};

use super::*;
use crate::testing::{House, NOON, credit};

fn noon_plus(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOON).plus_seconds(seconds)
}

fn establish(object: &str, payment: &str) -> LinkCommand {
    let subject = Subject::Payment(PaymentId::derived(&[payment]));
    LinkCommand::Establish { object: object.to_owned(), subject }
}

#[tokio::test]
async fn the_same_command_has_one_effect_and_one_receipt() {
    let house = House::new().await;
    let first = house.send::<Link>("ch_1", establish("ch_1", "a"), "link").await.unwrap();
    let again = house.send::<Link>("ch_1", establish("ch_1", "a"), "link").await.unwrap();
    assert_eq!((first.events, first.replayed), (1, false));
    assert_eq!(again, Sent { replayed: true, ..first });
    let other = house.send::<Link>("ch_1", establish("ch_1", "a"), "other").await.unwrap();
    assert_eq!((other.events, other.replayed), (0, false));
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_receipt_even_if_it_would_be_refused_now() {
    let house = House::new().await;
    let id = house.tenant.to_string();
    let advance = |seconds| TenantCommand::AdvanceClock { to: noon_plus(seconds) };
    let first = house.send::<Tenant>(&id, advance(60), "first").await.unwrap();
    house.send::<Tenant>(&id, advance(120), "second").await.unwrap();
    let refused = house.send::<Tenant>(&id, advance(60), "third").await;
    assert_eq!(
        refused,
        Err(SendError::Refused(TenantError::ClockWouldGoBack { now: noon_plus(120) }))
    );
    let again = house.send::<Tenant>(&id, advance(60), "first").await.unwrap();
    assert_eq!(again, Sent { replayed: true, ..first });
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_request() {
    let house = House::new().await;
    let with_key = |id: &str, body: &str| Envelope {
        idempotency: Some(Idempotency {
            key: "wanda-1".to_owned(),
            fingerprint: fingerprint(&[body.as_bytes()]),
        }),
        ..house.envelope(id)
    };
    let send = |object: &'static str, id: &'static str, body: &'static str| {
        let envelope = with_key(id, body);
        let house = &house;
        async move { house.bus.send::<Link>(object, establish(object, "a"), envelope).await }
    };
    let first = send("ch_1", "one", "body").await.unwrap();
    let same = send("ch_1", "two", "body").await.unwrap();
    assert_eq!(same, Sent { replayed: true, ..first });
    assert_eq!(send("ch_1", "three", "other").await, Err(SendError::IdempotencyKeyReused));
    assert_eq!(send("ch_2", "four", "other").await, Err(SendError::IdempotencyKeyReused));
}

#[tokio::test]
async fn a_refusal_of_a_caller_is_recorded_and_one_of_a_policy_is_not() {
    let house = House::new().await;
    let id = house.tenant.to_string();
    let back = TenantCommand::AdvanceClock { to: noon_plus(-60) };
    house
        .send::<Tenant>(&id, TenantCommand::AdvanceClock { to: noon_plus(0) }, "on")
        .await
        .unwrap();
    let policy = house.envelope_of(ActorKind::Policy, "policy");
    assert!(house.bus.send::<Tenant>(&id, back.clone(), policy).await.is_err());
    assert!(!house.log.types().await.iter().any(|kind| kind == "rejection.recorded"));
    assert!(house.send::<Tenant>(&id, back.clone(), "caller").await.is_err());
    assert!(house.send::<Tenant>(&id, back, "caller").await.is_err());
    let page = house.log.read_all(Position::START, 100).await.unwrap();
    let recorded: Vec<_> =
        page.events.iter().filter(|event| &*event.event_type == "rejection.recorded").collect();
    assert_eq!(recorded.len(), 1);
    assert!(recorded[0].payload.contains("\"code\":\"tenant.clock_would_go_back\""));
    assert!(recorded[0].payload.contains("\"command\":\"tenant.advance_clock\""));
    assert!(!recorded[0].payload.contains("to\":"), "{}", recorded[0].payload);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_log_lose_no_update() {
    const EACH: usize = 30;
    let house = House::new().await;
    let seller = house.seller("Wanda Wool").await.to_string();
    let buses = [house.another_bus(), house.another_bus()];
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..EACH {
        for (side, bus) in buses.iter().enumerate() {
            let (bus, seller, claim) = (bus.clone(), seller.clone(), format!("claim {side} {n}"));
            let envelope = house.envelope(&claim);
            sending.spawn(async move {
                loop {
                    let sent = bus
                        .send::<SellerAccount>(&seller, credit(&claim, 100), envelope.clone())
                        .await;
                    match sent {
                        Err(SendError::Busy) => {}
                        sent => return sent.unwrap(),
                    }
                }
            });
        }
    }
    let sent = sending.join_all().await;
    let mut positions: Vec<_> = sent.iter().map(|sent| sent.position).collect();
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions.len(), 2 * EACH);
    let stream = StreamId::new("seller_account", house.tenant, &seller);
    let stored = house.log.read_stream(&stream, 0, 1000).await.unwrap();
    let credited = stored.iter().filter(|event| &*event.event_type == "seller_account.credited");
    assert_eq!(credited.count(), 2 * EACH);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_settled_by_sending_the_same_commit_again() {
    let house = House::new().await;
    house.log.stored_but_unknown.store(2, Ordering::SeqCst);
    let stored = house.send::<Link>("ch_1", establish("ch_1", "a"), "one").await.unwrap();
    assert_eq!((stored.events, stored.replayed), (1, true));
    house.log.lost_and_unknown.store(3, Ordering::SeqCst);
    let lost = house.send::<Link>("ch_2", establish("ch_2", "b"), "two").await.unwrap();
    assert_eq!((lost.events, lost.replayed), (1, false));
    let links = house.log.types().await;
    assert_eq!(links.iter().filter(|kind| *kind == "link.established").count(), 2);
    house.log.lost_and_unknown.store(u32::MAX, Ordering::SeqCst);
    let given_up = house.send::<Link>("ch_3", establish("ch_3", "c"), "three").await;
    assert!(matches!(given_up, Err(SendError::Unknown(_))), "{given_up:?}");
    house.log.lost_and_unknown.store(0, Ordering::SeqCst);
    let at_last = house.send::<Link>("ch_3", establish("ch_3", "c"), "three").await.unwrap();
    assert_eq!((at_last.events, at_last.replayed), (1, false));
}

#[tokio::test]
async fn a_suspended_tenant_takes_facts_and_refuses_callers() {
    let house = House::new().await;
    let id = house.tenant.to_string();
    let suspend = TenantCommand::Suspend { reason: "unpaid bill".to_owned() };
    house.send::<Tenant>(&id, suspend, "suspend").await.unwrap();
    let refused = house.send::<Link>("ch_1", establish("ch_1", "a"), "caller").await;
    let reason = "unpaid bill".to_owned();
    assert_eq!(refused, Err(SendError::TenantSuspended { reason }));
    let stripe = house.envelope_of(ActorKind::Stripe, "evt_1");
    house.bus.send::<Link>("ch_1", establish("ch_1", "a"), stripe).await.unwrap();
    house.send::<Tenant>(&id, TenantCommand::Resume, "resume").await.unwrap();
    house.send::<Link>("ch_2", establish("ch_2", "a"), "caller").await.unwrap();
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_is_refused() {
    let house = House::new().await;
    let envelope = Envelope { tenant: TenantId::derived(&["nobody"]), ..house.envelope("x") };
    let refused = house.bus.send::<Link>("ch_1", establish("ch_1", "a"), envelope).await;
    assert_eq!(refused, Err(SendError::TenantUnknown));
}

#[tokio::test]
async fn a_test_clock_is_the_time_of_a_sandbox_and_the_machine_s_that_of_a_live_tenant() {
    let house = House::new().await;
    let id = house.tenant.to_string();
    house.clock.set(noon_plus(5));
    let before = house.send::<Link>("ch_1", establish("ch_1", "a"), "one").await.unwrap();
    house
        .send::<Tenant>(&id, TenantCommand::AdvanceClock { to: noon_plus(86_400) }, "on")
        .await
        .unwrap();
    let after = house.send::<Link>("ch_2", establish("ch_2", "a"), "two").await.unwrap();
    let at = async |position| house.log.event_at(position).await.unwrap().unwrap().recorded_at;
    assert_eq!(at(before.position).await, noon_plus(5));
    assert_eq!(at(after.position).await, noon_plus(86_400));
    let house = House::with_mode(Mode::Live).await;
    let advance = TenantCommand::AdvanceClock { to: noon_plus(86_400) };
    let refused = house.send::<Tenant>(&house.tenant.to_string(), advance, "on").await;
    assert_eq!(refused, Err(SendError::Refused(TenantError::LiveHasNoTestClock)));
}

#[tokio::test]
async fn a_wrong_belief_that_a_stream_is_new_changes_no_decision() {
    let house = House::new().await;
    house.send::<Link>("ch_1", establish("ch_1", "a"), "one").await.unwrap();
    let fresh = house.another_bus();
    let envelope = house.envelope("two").fresh();
    let same = fresh.send::<Link>("ch_1", establish("ch_1", "a"), envelope).await.unwrap();
    assert_eq!((same.events, same.version), (0, 1));
    let envelope = house.envelope("three").fresh();
    let other = house.another_bus().send::<Link>("ch_1", establish("ch_1", "b"), envelope).await;
    assert_eq!(other.unwrap().version, 2);
    assert_eq!(house.log.types().await.last().unwrap(), "link.disputed");
}

#[tokio::test]
async fn a_snapshot_gives_the_state_that_the_events_give() {
    let house = House::new().await;
    let seller = house.seller("Wanda Wool").await.to_string();
    for n in 0..620 {
        let claim = format!("claim {n}");
        house.send::<SellerAccount>(&seller, credit(&claim, 100), &claim).await.unwrap();
    }
    let shape =
        |account: &SellerAccount, version: u64| (serde_json::to_value(account).unwrap(), version);
    let stream = StreamId::new("seller_account", house.tenant, &seller);
    let from_events =
        house.another_bus().inspect::<SellerAccount, _>(house.tenant, &seller, shape).await;
    house.bus.save_snapshot(&stream).await.unwrap();
    let saved = house.log.snapshot(&stream).await.unwrap().unwrap();
    assert!(saved.version > 500);
    house.send::<SellerAccount>(&seller, credit("one more", 100), "one more").await.unwrap();
    let from_snapshot = house.another_bus();
    let loaded = from_snapshot.inspect::<SellerAccount, _>(house.tenant, &seller, shape).await;
    let in_memory = house.bus.inspect::<SellerAccount, _>(house.tenant, &seller, shape).await;
    assert_eq!(loaded, in_memory);
    assert_ne!(loaded, from_events);
    let envelope = house.envelope("claim 3");
    let again =
        from_snapshot.send::<SellerAccount>(&seller, credit("claim 3", 100), envelope).await;
    assert!(again.unwrap().replayed);
}

#[tokio::test]
async fn a_command_of_any_aggregate_finds_its_stream_and_says_its_code() {
    use aggregates::{order::commands::OrderCommand, policies::Command};

    let house = House::new().await;
    let order = OrderId::derived(&["nobody's order"]);
    let command = Command::Order(order, OrderCommand::Expire);
    let target = Target::of(&command);
    assert_eq!((target.category, target.command.as_str()), ("order", "order.expire"));
    assert_eq!(target.id, order.to_string());
    let refused = house.bus.dispatch(command, house.envelope("expire")).await;
    let Err(SendError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert!(refusal.code.starts_with("order."), "{refusal:?}");
}

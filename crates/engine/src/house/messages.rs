//! Stripe's messages on their way through the house.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aggregates::webhook_event::{WebhookEvent, commands::WebhookEventCommand};

use super::{Machine, PATIENCE, assert_live_equals_replayed, fake_stripe::FakeStripe};

#[tokio::test]
async fn each_message_is_applied_ignored_or_put_aside_with_the_reason() {
    let machine = Machine::new().await;
    machine.receive("evt_1", "link ch_1").await;
    machine.receive("evt_2", "about ch_1").await;
    machine.receive("evt_3", "dull").await;
    machine.receive("evt_4", "what?").await;
    machine.receive("evt_5", "refused").await;
    let engine = machine.rest(None).await;
    assert_eq!(machine.count("stripe_event.applied").await, 2);
    assert_eq!(machine.payloads("stripe_event.ignored").await.len(), 1);
    let quarantined = machine.payloads("stripe_event.quarantined").await.join("\n");
    assert!(quarantined.contains("makes no sense"), "{quarantined}");
    assert!(quarantined.contains("order.expire"), "{quarantined}");
    assert_eq!(machine.count("balance_transaction.recorded").await, 1);
    let status = engine.status().await.unwrap();
    assert_eq!((status.parked, status.quarantined), (0, 2));
    assert!(status.is_ready(), "{status:?}");
    assert_live_equals_replayed(&engine).await;
}

#[tokio::test]
async fn a_parked_message_is_taken_up_again_when_its_link_appears_also_after_a_restart() {
    let machine = Machine::new().await;
    machine.receive("evt_1", "about ch_1").await;
    machine.receive("evt_2", "about ch_1").await;
    machine.receive("evt_3", "about ch_2").await;
    let engine = machine.rest(None).await;
    assert_eq!(engine.status().await.unwrap().parked, 3);
    engine.shutdown(PATIENCE).await;
    drop(engine);
    let engine = machine.rest(None).await;
    assert_eq!(engine.status().await.unwrap().parked, 3, "a restart forgets what is parked");
    machine.receive("evt_4", "link ch_1").await;
    engine.settle(PATIENCE).await.unwrap();
    assert_eq!(machine.count("balance_transaction.recorded").await, 2);
    assert_eq!(machine.count("stripe_event.applied").await, 3);
    assert_eq!(engine.status().await.unwrap().parked, 1);
}

#[tokio::test]
async fn a_person_may_have_a_quarantined_message_tried_again() {
    let machine = Machine::new().await;
    machine.receive("evt_1", "what?").await;
    let engine = machine.rest(None).await;
    for attempt in 0..2 {
        let id = format!("retry {attempt}");
        machine.house.send::<WebhookEvent>("evt_1", WebhookEventCommand::Retry, &id).await.unwrap();
        engine.settle(PATIENCE).await.unwrap();
    }
    assert_eq!(machine.count("stripe_event.retry_requested").await, 2);
    assert_eq!(machine.count("stripe_event.quarantined").await, 3);
}

#[tokio::test]
async fn what_a_message_only_mentions_is_fetched_once_there_is_a_key() {
    let machine = Machine::new().await;
    machine.receive("evt_1", "wants txn_1").await;
    machine.rest(None).await.shutdown(PATIENCE).await;
    assert_eq!(machine.count("balance_transaction.recorded").await, 0);
    let stripe = Arc::new(FakeStripe { unreachable: AtomicU32::new(2), ..FakeStripe::default() });
    machine.rest(Some(Arc::clone(&stripe) as _)).await.shutdown(PATIENCE).await;
    assert_eq!(machine.count("balance_transaction.recorded").await, 1);
    assert_eq!(stripe.asked.load(Ordering::SeqCst), 3);
    machine.rest(Some(Arc::clone(&stripe) as _)).await;
    assert_eq!(stripe.asked.load(Ordering::SeqCst), 3, "it was asked again after a restart");
}

#[tokio::test]
async fn what_moved_at_stripe_is_booked_although_the_rest_of_a_message_is_refused() {
    let machine = Machine::new().await;
    machine.receive("evt_1", "refused wants txn_1").await;
    let stripe = Arc::new(FakeStripe::default());
    machine.rest(Some(Arc::clone(&stripe) as _)).await;
    assert_eq!(machine.count("stripe_event.quarantined").await, 1);
    let recorded = machine.payloads("balance_transaction.recorded").await.join("\n");
    assert!(recorded.contains("\"txn_1_given\""), "{recorded}");
    assert!(recorded.contains("\"txn_1\""), "{recorded}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_each_message_has_its_effect_once() {
    const SEED: u32 = 20_261_121;
    const MESSAGES: u32 = 120;
    let machine = Machine::new().await;
    let mut dice = SEED;
    let mut roll = |sides: u32| {
        dice ^= dice << 13;
        dice ^= dice >> 17;
        dice ^= dice << 5;
        dice % sides
    };
    for n in 0..MESSAGES {
        // Half of the messages come before what they are about.
        let object = n / 4;
        let body = match n % 4 {
            0 | 1 => format!("about ch_{object}"),
            2 => format!("link ch_{object}"),
            _ => format!("about ch_{object}"),
        };
        machine.receive(&format!("evt_{n}"), &body).await;
        if roll(3) == 0 {
            let engine = machine.start(None).await;
            for _ in 0..roll(400) {
                tokio::task::yield_now().await;
            }
            drop(engine);
        }
    }
    let engine = machine.rest(None).await;
    let (messages, objects) = (MESSAGES as usize, MESSAGES as usize / 4);
    let counts = machine.counts().await;
    assert_eq!(counts["stripe_event.received"], messages, "seed {SEED}");
    assert_eq!(counts["stripe_event.applied"], messages, "seed {SEED}");
    assert_eq!(counts["balance_transaction.recorded"], 3 * objects, "seed {SEED}");
    assert_eq!(counts["link.established"], objects, "seed {SEED}");
    assert!(!counts.contains_key("stripe_event.quarantined"), "seed {SEED}: {counts:?}");
    assert_live_equals_replayed(&engine).await;
}

//! Calls to Stripe on their way out of the house.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use aggregates::{
    link::{Link, LinkCommand, Subject},
    payout::{Payout, commands::PayoutCommand},
    refund::{
        Refund,
        commands::RefundCommand,
        events::{ApprovedHow, RefundSource},
    },
};
use kernel::{Currency, Money, PaymentId, PayoutId, RefundId, SellerId};

use super::{Machine, PATIENCE, fake_stripe::FakeStripe};
use crate::{
    EffectState, Fetch,
    fetches::Fetcher,
    ports::{CreateRefund, StripePort},
};

pub(super) async fn approve(machine: &Machine, name: &str) -> RefundId {
    let refund = RefundId::derived(&[name]);
    let request = RefundCommand::Request {
        refund,
        source: RefundSource::Unallocated,
        payment: PaymentId::derived(&[name]),
        charge: "ch_1".into(),
        amount: Money::new(7_50, Currency::EUR),
        reason: "nobody ordered this".to_owned(),
        requested_by: "key_wanda".into(),
        decision_hours: 72,
        second_person_above: 0,
        approved: Some(ApprovedHow::Automatic),
    };
    machine.house.send::<Refund>(&refund.to_string(), request, name).await.unwrap();
    refund
}

#[tokio::test]
async fn a_refund_is_announced_made_once_and_recorded() {
    let machine = Machine::new().await;
    approve(&machine, "r1").await;
    let stripe = Arc::new(FakeStripe::default());
    let engine = machine.rest(Some(Arc::clone(&stripe) as _)).await;
    let types = machine.house.log.types().await;
    let place = |wanted: &str| types.iter().position(|known| known == wanted);
    assert!(place("refund.approved") < place("refund.submitted"));
    assert!(place("refund.submitted") < place("refund.accepted"));
    assert!(place("link.established").is_some());
    assert_eq!(stripe.created.load(Ordering::SeqCst), 1);
    assert!(engine.effects(None).await.unwrap().is_empty());
    engine.shutdown(PATIENCE).await;
    machine.rest(Some(Arc::clone(&stripe) as _)).await;
    assert_eq!(stripe.created.load(Ordering::SeqCst), 1);
    assert_eq!(stripe.asked.load(Ordering::SeqCst), 0, "a known outcome was asked for again");
}

#[tokio::test]
async fn after_silence_stripe_is_asked_before_anything_is_sent_again() {
    let machine = Machine::new().await;
    approve(&machine, "r1").await;
    let stripe =
        Arc::new(FakeStripe { done_but_silent: AtomicU32::new(1), ..FakeStripe::default() });
    machine.rest(Some(Arc::clone(&stripe) as _)).await;
    assert_eq!(machine.count("refund.submit_unknown").await, 1);
    assert_eq!(machine.count("refund.accepted").await, 1);
    assert_eq!(stripe.created.load(Ordering::SeqCst), 1);
    assert_eq!(stripe.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_stripe_that_cannot_be_reached_is_tried_again_and_one_that_refuses_is_not() {
    let machine = Machine::new().await;
    approve(&machine, "r1").await;
    let stripe = Arc::new(FakeStripe { unreachable: AtomicU32::new(3), ..FakeStripe::default() });
    machine.rest(Some(Arc::clone(&stripe) as _)).await.shutdown(PATIENCE).await;
    assert_eq!(machine.count("refund.accepted").await, 1);
    approve(&machine, "r2").await;
    let refusing = Arc::new(FakeStripe { refusing: true, ..FakeStripe::default() });
    machine.rest(Some(refusing as _)).await.shutdown(PATIENCE).await;
    let refused = machine.payloads("refund.submit_refused").await;
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("charge_already_refunded"), "{refused:?}");
}

#[tokio::test]
async fn without_a_key_a_person_is_told_what_to_do_and_a_key_given_later_does_it_once() {
    let machine = Machine::new().await;
    let refund = approve(&machine, "r1").await;
    let engine = machine.rest(None).await;
    let effects = engine.effects(None).await.unwrap();
    assert_eq!(effects.len(), 1);
    assert_eq!((effects[0].call, effects[0].state), ("create_refund", EffectState::ToDo));
    assert!(effects[0].by_hand.contains(&format!("daybook_refund={refund}")), "{effects:?}");
    let shown = serde_json::to_value(&effects[0]).unwrap();
    let key = format!("db:{}:refund:{refund}:submit-1", machine.house.tenant);
    assert_eq!(shown["call"], "create_refund");
    assert_eq!(shown["idempotency_key"], key);
    assert_eq!(
        shown["params"],
        serde_json::json!({ "charge": "ch_1", "amount": 7_50, "currency": "EUR" })
    );
    assert_eq!(
        shown["metadata"],
        serde_json::json!({
            "daybook_tenant": machine.house.tenant.to_string(),
            "daybook_refund": refund.to_string(),
            "daybook_attempt": "1",
            "daybook_key": key,
        })
    );
    assert_eq!(machine.count("refund.submitted").await, 0);
    engine.shutdown(PATIENCE).await;
    drop(engine);
    let stripe = Arc::new(FakeStripe::default());
    let engine = machine.rest(Some(Arc::clone(&stripe) as _)).await;
    assert_eq!(stripe.created.load(Ordering::SeqCst), 1);
    assert!(engine.effects(None).await.unwrap().is_empty());
}

/// Killed between the two, only the link is there.
#[tokio::test]
async fn a_refund_made_at_stripe_is_observed_although_its_link_is_there_already() {
    let machine = Machine::new().await;
    let stripe = Arc::new(FakeStripe::default());
    let call = CreateRefund {
        tenant: machine.house.tenant,
        refund: RefundId::derived(&["somebody at Stripe"]),
        attempt: 1,
        charge: "ch_1".into(),
        order: None,
        amount: Money::new(7_50, Currency::EUR),
        idempotency_key: String::new(),
    };
    let made = stripe.create_refund(&call).await.unwrap().stripe_refund.to_string();
    let refund = RefundId::derived(&[&machine.house.tenant.to_string(), &made]);
    let payment = Subject::Payment(PaymentId::derived(&["sale"]));
    for (object, subject) in [("ch_1", payment), (made.as_str(), Subject::Refund(refund))] {
        let establish = LinkCommand::Establish { object: object.to_owned(), subject };
        machine.house.send::<Link>(object, establish, object).await.unwrap();
    }
    let fetcher = Fetcher { bus: machine.house.another_bus(), port: stripe };
    let cause = machine.house.envelope("charge.refunded").cause;
    for _ in 0..2 {
        let fetch = Fetch::RefundsOfCharge("ch_1".into());
        fetcher.fetch(machine.house.tenant, &fetch, &cause).await.unwrap();
    }
    assert_eq!(machine.count("refund.external_observed").await, 1);
}

/// A payout whose money is set apart, ready to be transferred.
async fn submit_transfer(machine: &Machine, name: &str) {
    let payout = PayoutId::derived(&[name]);
    let amount = Money::new(50_00, Currency::EUR);
    let request = PayoutCommand::Request {
        payout,
        seller: SellerId::derived(&["Wanda Wool"]),
        account: "acct_1".into(),
        currency: Currency::EUR,
        amount: Some(amount.minor()),
        minimum: 0,
        by_schedule: true,
        automatic_bank: false,
        requested_by: "schedule".into(),
    };
    let steps =
        [request, PayoutCommand::NoteReserved { amount }, PayoutCommand::SubmitTransfer { amount }];
    for (n, step) in steps.into_iter().enumerate() {
        let id = format!("{name} {n}");
        machine.house.send::<Payout>(&payout.to_string(), step, &id).await.unwrap();
    }
}

#[tokio::test]
async fn a_transfer_waits_for_the_balance_and_is_given_up_for_any_other_refusal() {
    for (code, expected) in [
        ("balance_insufficient", "payout.transfer_deferred"),
        ("account_invalid", "payout.rejected"),
        ("insufficient_capabilities_for_transfer", "payout.rejected"),
    ] {
        let machine = Machine::new().await;
        submit_transfer(&machine, "p1").await;
        let stripe = FakeStripe { transfers_refused_with: Some(code), ..FakeStripe::default() };
        let engine = machine.rest(Some(Arc::new(stripe) as _)).await;
        let outcomes = [
            machine.payloads("payout.transfer_deferred").await,
            machine.payloads("payout.rejected").await,
        ];
        let [outcome] = outcomes.concat().try_into().unwrap();
        assert!(outcome.contains(&format!("{code}: ")), "{outcome}");
        assert_eq!(machine.count(expected).await, 1, "{code}");
        assert!(engine.effects(None).await.unwrap().is_empty(), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_no_refund_is_made_twice() {
    const REFUNDS: u32 = 25;
    let machine = Machine::new().await;
    let stripe = Arc::new(FakeStripe::default());
    for n in 0..REFUNDS {
        approve(&machine, &format!("r{n}")).await;
        if n % 5 == 0 {
            stripe.done_but_silent.store(1, Ordering::SeqCst);
        }
        let engine = machine.start(Some(Arc::clone(&stripe) as _)).await;
        for _ in 0..n * 11 {
            tokio::task::yield_now().await;
        }
        drop(engine);
    }
    stripe.done_but_silent.store(0, Ordering::SeqCst);
    machine.rest(Some(Arc::clone(&stripe) as _)).await;
    assert_eq!(stripe.created.load(Ordering::SeqCst), REFUNDS);
    let counts = machine.counts().await;
    assert_eq!(counts["refund.accepted"], REFUNDS as usize);
    assert_eq!(counts["refund.submitted"], REFUNDS as usize);
}

//! Which calls to Stripe are open after which events.

use std::collections::BTreeMap;

use aggregates::{
    dispute::events::DisputeEvent,
    payout::events::PayoutEvent,
    refund::events::{ApprovedHow, RefundEvent, RefundSource},
};
use kernel::{Currency, DisputeId, Money, PayoutId, RefundId, SellerId, Timestamp};

use super::*;

const AT: Timestamp = Timestamp::EPOCH;

fn stream(category: &str, id: impl ToString) -> StreamId {
    StreamId::new(category, TenantId::derived(&["acorn"]), id.to_string())
}

fn euros(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn payout() -> PayoutId {
    PayoutId::derived(&["p1"])
}

fn requested() -> PayoutEvent {
    PayoutEvent::Requested {
        payout: payout(),
        seller: SellerId::derived(&["Wanda Wool"]),
        account: "acct_1".into(),
        currency: Currency::EUR,
        amount: None,
        minimum: 0,
        by_schedule: true,
        automatic_bank: false,
        requested_by: "schedule".into(),
        at: AT,
    }
}

fn transfer_submitted(key: &str) -> PayoutEvent {
    PayoutEvent::TransferSubmitted {
        payout: payout(),
        account: "acct_1".into(),
        amount: euros(50_00),
        idempotency_key: key.to_owned(),
        at: AT,
    }
}

fn bank_submitted(attempt: u32) -> PayoutEvent {
    PayoutEvent::BankSubmitted {
        attempt,
        account: "acct_1".into(),
        amount: euros(50_00),
        idempotency_key: format!("bank-{attempt}"),
        at: AT,
    }
}

fn transfer_created() -> PayoutEvent {
    PayoutEvent::TransferCreated {
        automatic_bank: false,
        payout: payout(),
        seller: None,
        account: "acct_1".into(),
        transfer: "tr_1".into(),
        txn: None,
        amount: euros(50_00),
        occurred_at: AT,
        at: AT,
    }
}

fn open_of(stream: &StreamId, facts: Vec<Fact>) -> Vec<(&'static str, EffectState)> {
    let open = open_effects(stream, &facts);
    open.iter().map(|effect| (effect.call.name(), effect.state)).collect()
}

fn of_payout(events: Vec<PayoutEvent>) -> Vec<(&'static str, EffectState)> {
    open_of(&stream("payout", payout()), events.into_iter().map(Fact::Payout).collect())
}

#[test]
fn a_payout_makes_its_transfer_and_then_its_bank_leg() {
    use EffectState::{Submitted, Unknown};
    let deferred =
        PayoutEvent::TransferDeferred { retry_at: AT, attempt: 1, reason: String::new(), at: AT };
    let unknown = PayoutEvent::TransferUnknown { at: AT };
    let first = transfer_submitted("k1");
    assert_eq!(of_payout(vec![requested()]), []);
    assert_eq!(of_payout(vec![requested(), first.clone()]), [("create_transfer", Submitted)]);
    let silent = vec![requested(), first.clone(), unknown];
    assert_eq!(of_payout(silent), [("create_transfer", Unknown)]);
    assert_eq!(of_payout(vec![requested(), first.clone(), deferred.clone()]), []);
    let again = vec![requested(), first.clone(), deferred, transfer_submitted("k2")];
    assert_eq!(of_payout(again), [("create_transfer", Submitted)]);
    let bank = vec![requested(), first, transfer_created(), bank_submitted(1)];
    assert_eq!(of_payout(bank.clone()), [("create_payout", Submitted)]);
    let refused = PayoutEvent::BankRefused {
        attempt: 1,
        code: "no_account".to_owned(),
        message: String::new(),
        at: AT,
    };
    assert_eq!(of_payout([bank.clone(), vec![refused.clone()]].concat()), []);
    let retried = [bank, vec![refused, bank_submitted(2)]].concat();
    assert_eq!(of_payout(retried), [("create_payout", Submitted)]);
}

#[test]
fn a_reversal_goes_to_the_account_that_the_transfer_went_to() {
    let submitted = PayoutEvent::ReversalSubmitted {
        transfer: "tr_1".into(),
        amount: euros(5_00),
        idempotency_key: "back".to_owned(),
        by: "key_wanda".into(),
        at: AT,
    };
    let facts: Vec<Fact> =
        vec![transfer_created(), submitted].into_iter().map(Fact::Payout).collect();
    let open = open_effects(&stream("payout", payout()), &facts);
    let Call::Reversal(call, _) = &open[0].call else { panic!("{open:?}") };
    assert_eq!((call.account.as_str(), call.transfer.as_str()), ("acct_1", "tr_1"));
}

#[test]
fn each_attempt_of_a_refund_has_a_key_of_its_own() {
    let refund = RefundId::derived(&["r1"]);
    let approved = RefundEvent::Approved {
        refund,
        source: RefundSource::Unallocated,
        charge: "ch_1".into(),
        amount: euros(7_50),
        how: ApprovedHow::Decided,
        by: "key_wanda".into(),
        at: AT,
    };
    let failed = RefundEvent::Failed {
        refund,
        stripe_refund: "re_1".into(),
        amount: euros(7_50),
        reason: "lost_or_stolen_card".to_owned(),
        occurred_at: AT,
        at: AT,
    };
    let retried = RefundEvent::Retried { attempt: 2, by: "key_wanda".into(), at: AT };
    let stream = stream("refund", refund);
    let key_of = |events: &[RefundEvent]| {
        let facts: Vec<Fact> = events.iter().cloned().map(Fact::Refund).collect();
        open_effects(&stream, &facts).pop().map(|effect| match effect.call {
            Call::Refund(call) => (call.attempt, call.idempotency_key),
            other => panic!("{other:?}"),
        })
    };
    let (first, key) = key_of(std::slice::from_ref(&approved)).unwrap();
    assert_eq!((first, key.ends_with(":submit-1")), (1, true));
    assert_eq!(key_of(&[approved.clone(), failed.clone()]), None);
    let (second, other) = key_of(&[approved, failed, retried]).unwrap();
    assert_eq!(second, 2);
    assert_ne!(key, other);
    assert!(other.len() <= 255);
    let external = RefundEvent::Approved {
        refund,
        source: RefundSource::External,
        charge: "ch_1".into(),
        amount: euros(1),
        how: ApprovedHow::Automatic,
        by: "stripe".into(),
        at: AT,
    };
    assert_eq!(key_of(&[external]), None, "it was made at Stripe already");
}

#[test]
fn evidence_is_owed_until_stripe_confirms_it_or_the_dispute_is_over() {
    let dispute = DisputeId::derived(&["d1"]);
    let submitted = DisputeEvent::EvidenceSubmitted {
        stripe_dispute: "dp_1".into(),
        fields: BTreeMap::new(),
        idempotency_key: "evidence".to_owned(),
        by: "key_wanda".into(),
        at: AT,
    };
    let key = || "evidence".to_owned();
    let open = |events: Vec<DisputeEvent>| {
        open_of(&stream("dispute", dispute), events.into_iter().map(Fact::Dispute).collect())
    };
    let unknown = DisputeEvent::CallUnknown { idempotency_key: key(), at: AT };
    let confirmed = DisputeEvent::CallConfirmed { idempotency_key: key(), at: AT };
    assert_eq!(open(vec![submitted.clone()]), [("submit_evidence", EffectState::Submitted)]);
    let silent = vec![submitted.clone(), unknown.clone()];
    assert_eq!(open(silent), [("submit_evidence", EffectState::Unknown)]);
    assert_eq!(open(vec![submitted, unknown, confirmed]), []);
}

/// The list by which events are picked must know every type that the fold reacts to, or a call would
/// stay on the list of what is to be done.
#[test]
fn every_outcome_is_looked_at() {
    for event_type in [
        "refund.accepted",
        "refund.submit_refused",
        "payment.session_opened",
        "payment.request_refused",
        "payout.transfer_created",
        "payout.transfer_deferred",
        "payout.sent",
        "payout.bank_refused",
        "payout.transfer_reversed",
        "payout.reversal_refused",
        "dispute.call_confirmed",
        "dispute.call_refused",
    ] {
        assert!(concerns_a_call(event_type), "{event_type}");
    }
    assert!(!concerns_a_call("payment.fee_recorded"));
}

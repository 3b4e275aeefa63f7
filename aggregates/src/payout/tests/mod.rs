//! Given, when, then: a payout from the request to the bank, whatever comes in between.

mod bank_leg;
mod convergence;
mod reversals;
mod transfer;

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{Currency, Money, PayoutId, SellerId, Timestamp};

use super::{
    commands::{PayoutCommand as Command, PayoutFact, ReversalFact, TransferFact},
    errors::PayoutError,
    events::PayoutEvent as Event,
    *,
};
use crate::{
    testing::{assert_golden, at, context},
    vocabulary::{AccountRef, FactRank},
};

#[test]
fn stored_payouts_read_back_as_written() {
    assert_golden::<PayoutEvent>(include_str!("../golden.jsonl"));
}

#[test]
fn a_payout_that_does_not_exist_refuses_whatever_is_not_news() {
    for command in [
        Command::NoteReserved { amount: usd(100) },
        Command::Reject { reason: String::new() },
        Command::SubmitTransfer { amount: usd(100) },
        Command::NoteTransferUnknown,
        Command::DeferTransfer { reason: String::new() },
        Command::RetryTransfer,
        Command::SubmitBank,
        Command::NoteBankUnknown { attempt: 1 },
        bank_refused_call(1),
        Command::RetryPayout { by: "ann".into() },
        Command::ReverseTransfer { amount: None, by: "ann".into() },
        Command::NoteReversalRefused { code: String::new(), message: String::new() },
        Command::NoteReversalUnknown,
        Command::NoteReconciled { stripe_payout: "po_1".into(), transactions: 0, sum: usd(0) },
        Command::ConfirmBank { reference: String::new(), by: "ann".into() },
        Command::NoteStuck,
    ] {
        payout(vec![]).when(command).then_expect_error(PayoutError::Unknown);
    }
}

fn payout(history: Vec<Event>) -> AggregateTestExecutor<Payout> {
    payout_at(history, at(0))
}

fn payout_at(history: Vec<Event>, now: Timestamp) -> AggregateTestExecutor<Payout> {
    TestFramework::with(context(now)).given(history)
}

/// The state after these events, by way of a snapshot.
fn state(history: Vec<Event>) -> Payout {
    let mut payout = Payout::default();
    for event in history {
        payout.apply(event);
    }
    let text = serde_json::to_string(&payout).unwrap();
    assert_eq!(serde_json::from_str::<Payout>(&text).unwrap(), payout);
    payout
}

fn id() -> PayoutId {
    PayoutId::derived(&["a payout"])
}

fn seller() -> SellerId {
    SellerId::derived(&["a potter"])
}

fn account() -> AccountRef {
    AccountRef::from("acct_potter")
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn key(intent: &str) -> String {
    format!("db:{}:payout:{}:{intent}", context(at(0)).tenant, id())
}

fn request() -> Command {
    Command::Request {
        payout: id(),
        seller: seller(),
        account: account(),
        currency: Currency::USD,
        amount: None,
        minimum: 100,
        by_schedule: false,
        automatic_bank: false,
        requested_by: "ann".into(),
    }
}

fn requested(automatic_bank: bool) -> Event {
    Event::Requested {
        payout: id(),
        seller: seller(),
        account: account(),
        currency: Currency::USD,
        amount: None,
        minimum: 100,
        by_schedule: false,
        automatic_bank,
        requested_by: "ann".into(),
        at: at(0),
    }
}

fn reserved() -> Event {
    Event::Reserved { payout: id(), seller: seller(), amount: usd(3040), at: at(0) }
}

fn rejected() -> Event {
    Event::Rejected { payout: id(), seller: seller(), reason: "nothing left".to_owned(), at: at(0) }
}

fn submitted(intent: &str) -> Event {
    Event::TransferSubmitted {
        payout: id(),
        account: account(),
        amount: usd(3040),
        idempotency_key: key(intent),
        at: at(0),
    }
}

fn transfer_fact(minor: i64) -> TransferFact {
    TransferFact {
        transfer: "tr_1".into(),
        account: account(),
        amount: usd(minor),
        txn: Some("txn_1".into()),
        occurred_at: at(-3),
    }
}

fn note_transfer(minor: i64) -> Command {
    Command::NoteTransfer { payout: id(), seller: Some(seller()), fact: transfer_fact(minor) }
}

fn transferred(automatic_bank: bool) -> Event {
    Event::TransferCreated {
        automatic_bank,
        payout: id(),
        seller: Some(seller()),
        account: account(),
        transfer: "tr_1".into(),
        txn: Some("txn_1".into()),
        amount: usd(3040),
        occurred_at: at(-3),
        at: at(0),
    }
}

fn bank_submitted(attempt: u32) -> Event {
    Event::BankSubmitted {
        attempt,
        account: account(),
        amount: usd(3040),
        idempotency_key: key(&format!("bank:{attempt}")),
        at: at(0),
    }
}

fn bank_refused_call(attempt: u32) -> Command {
    Command::NoteBankRefused {
        attempt,
        code: "balance_insufficient".to_owned(),
        message: "too little".to_owned(),
    }
}

/// Everything up to the bank leg, which is about to be asked for.
fn in_the_account() -> Vec<Event> {
    vec![requested(false), reserved(), submitted("transfer"), transferred(false), bank_submitted(1)]
}

fn and(mut history: Vec<Event>, more: Vec<Event>) -> Vec<Event> {
    history.extend(more);
    history
}

fn fact(status: &str, created: i64) -> PayoutFact {
    let class = match status {
        "pending" | "in_transit" => 0,
        "paid" => 1,
        _ => 2,
    };
    PayoutFact {
        stripe_payout: "po_1".into(),
        account: Some(account()),
        seller: Some(seller()),
        rank: rank(class, created, status),
        status: status.to_owned(),
        amount: usd(3040),
        automatic: false,
        arrival: Some(at(1000)),
        balance_transaction: Some("txn_2".into()),
        failure_balance_transaction: None,
        failure_code: (class == 2).then(|| "account_closed".to_owned()),
        occurred_at: at(-2),
    }
}

fn rank(class: u8, created: i64, event: &str) -> FactRank {
    FactRank { class, created, event: format!("evt_{event}").into() }
}

fn merge(fact: PayoutFact) -> Command {
    Command::MergeFact { payout: id(), fact: Box::new(fact) }
}

fn sent() -> Event {
    Event::Sent {
        stripe_payout: "po_1".into(),
        amount: usd(3040),
        arrival: Some(at(1000)),
        txn: Some("txn_2".into()),
        occurred_at: at(-2),
        at: at(0),
    }
}

fn merged(fact: &PayoutFact) -> Event {
    Event::FactMerged {
        stripe_payout: fact.stripe_payout.clone(),
        status: fact.status.clone(),
        rank: fact.rank.clone(),
        at: at(0),
    }
}

fn failed() -> Event {
    Event::Failed {
        payout: id(),
        seller: Some(seller()),
        stripe_payout: "po_1".into(),
        code: "account_closed".to_owned(),
        occurred_at: at(-2),
        at: at(0),
    }
}

fn returned() -> Event {
    Event::Returned {
        payout: id(),
        stripe_payout: "po_1".into(),
        account: Some(account()),
        txn: Some("txn_3".into()),
        amount: usd(3040),
        occurred_at: at(-2),
        at: at(0),
    }
}

fn wrong(state: &str) -> PayoutError {
    PayoutError::WrongState { state: state.to_owned() }
}

fn reversal_fact(reversal: &str, minor: i64) -> ReversalFact {
    ReversalFact {
        reversal: reversal.into(),
        transfer: "tr_1".into(),
        account: account(),
        amount: usd(minor),
        txn: None,
        occurred_at: at(-1),
    }
}

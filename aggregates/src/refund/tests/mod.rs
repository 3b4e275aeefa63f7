//! Given, when, then: builders here, one file of tests per theme.

mod convergence;
mod deciding;
mod exchanged;
mod following;
mod golden;
mod owing;
mod submitting;

use cqrs_es::{
    Aggregate,
    test::{AggregateResultValidator, TestFramework},
};
use kernel::{Currency, Money, OrderId, PaymentId, RefundId, SellerId, Timestamp};

use super::{
    commands::{RefundCommand, RefundFact},
    errors::RefundError,
    events::{ApprovedHow, RefundEvent, RefundSource},
    state::{Refund, RefundStatus},
};
use crate::{
    testing,
    vocabulary::{
        ChargeRef, Components, EventRef, FactRank, LineNo, LineShare, Organizer, Person,
        StripeRefundRef, TxnRef,
    },
};

fn hours(hours: i64) -> Timestamp {
    testing::at(hours * 3600)
}

/// What has happened so far, and what time it is.
#[derive(Clone)]
struct Story {
    events: Vec<RefundEvent>,
    now: Timestamp,
}

impl Story {
    fn begin() -> Self {
        Self { events: vec![], now: hours(0) }
    }

    fn requested() -> Self {
        Self::begin().and(request(0))
    }

    fn approved() -> Self {
        Self::requested().and(approve("anna"))
    }

    fn submitted() -> Self {
        Self::approved().and(submit(1))
    }

    fn pending() -> Self {
        Self::submitted().and(merge(fact("pending", 1)))
    }

    fn succeeded() -> Self {
        Self::pending().and(merge(fact("succeeded", 2)))
    }

    fn failed() -> Self {
        Self::succeeded().and(merge(fact("failed", 3)))
    }

    fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    fn and(mut self, command: RefundCommand) -> Self {
        let events = self.when(command).inspect_result().unwrap();
        self.events.extend(events);
        self
    }

    fn when(&self, command: RefundCommand) -> AggregateResultValidator<Refund> {
        TestFramework::<Refund>::with(testing::context(self.now))
            .given(self.events.clone())
            .when(command)
    }

    fn refuses(&self, command: RefundCommand, error: RefundError) {
        self.when(command).then_expect_error(error);
    }

    fn answers(&self, command: RefundCommand, events: Vec<RefundEvent>) {
        self.when(command).then_expect_events(events);
    }

    fn ignores(&self, command: RefundCommand) {
        self.answers(command, vec![]);
    }

    fn refund(&self) -> Refund {
        let mut refund = Refund::default();
        self.events.iter().cloned().for_each(|event| refund.apply(event));
        refund
    }

    fn status(&self) -> RefundStatus {
        self.refund().status()
    }

    /// The names of the events from this one on.
    fn names_from(&self, from: usize) -> Vec<&str> {
        self.events[from..].iter().map(AsRef::as_ref).collect()
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn id() -> RefundId {
    RefundId::derived(&["story"])
}

fn order() -> OrderId {
    OrderId::derived(&["story"])
}

fn payment() -> PaymentId {
    PaymentId::derived(&["story"])
}

fn charge() -> ChargeRef {
    ChargeRef::from("ch_1")
}

fn re(name: &str) -> StripeRefundRef {
    StripeRefundRef::from(name)
}

fn source() -> RefundSource {
    let seller = SellerId::derived(&["anna"]);
    RefundSource::OrderLine {
        order: order(),
        share: LineShare {
            line: LineNo(0),
            seller,
            organizer: Organizer(seller.to_string()),
            product: "print".to_owned(),
            components: Components { fee: 300, seller: 2700, shipping: 350, tax: 442, discount: 0 },
        },
        tax_jurisdiction: "US-CA".to_owned(),
        commission_retained: false,
        policy_version: None,
    }
}

fn request_of(
    source: RefundSource,
    second_person_above: i64,
    approved: Option<ApprovedHow>,
) -> RefundCommand {
    RefundCommand::Request {
        refund: id(),
        source,
        payment: payment(),
        charge: charge(),
        amount: usd(3792),
        reason: "did not fit".to_owned(),
        requested_by: Person::from("buyer"),
        decision_hours: 72,
        second_person_above,
        approved,
    }
}

fn request(second_person_above: i64) -> RefundCommand {
    request_of(source(), second_person_above, None)
}

fn approve(by: &str) -> RefundCommand {
    RefundCommand::Approve { by: Person::from(by) }
}

fn force(by: &str) -> RefundCommand {
    RefundCommand::Force { by: Person::from(by), reason: "safety valve".to_owned() }
}

fn decline() -> RefundCommand {
    RefundCommand::Decline { note: "worn".to_owned(), by: Person::from("anna") }
}

fn withdraw() -> RefundCommand {
    RefundCommand::Withdraw { by: Person::from("buyer") }
}

fn submit(attempt: u32) -> RefundCommand {
    RefundCommand::NoteSubmitted { attempt, idempotency_key: format!("db:refund:{attempt}") }
}

fn submit_unknown(attempt: u32) -> RefundCommand {
    RefundCommand::NoteSubmitUnknown { attempt }
}

fn submit_refused(attempt: u32) -> RefundCommand {
    RefundCommand::NoteSubmitRefused {
        attempt,
        code: "charge_already_refunded".to_owned(),
        message: "Charge has already been refunded.".to_owned(),
    }
}

/// A fact as Stripe states it; `created` ranks it within its class.
fn fact(status: &str, created: i64) -> RefundFact {
    let class = match status {
        "succeeded" => 1,
        "failed" | "canceled" => 2,
        _ => 0,
    };
    RefundFact {
        stripe_refund: re("re_1"),
        rank: FactRank { class, created, event: EventRef(format!("evt_{created}")) },
        status: status.to_owned(),
        reason: (status == "failed").then(|| "expired_or_canceled_card".to_owned()),
        amount: usd(3792),
        balance_transaction: Some(TxnRef::from("txn_out")),
        failure_balance_transaction: (class == 2).then(|| TxnRef::from("txn_back")),
        occurred_at: hours(created),
    }
}

fn merge(fact: RefundFact) -> RefundCommand {
    RefundCommand::MergeFact(Box::new(fact))
}

fn observe(fact: RefundFact) -> RefundCommand {
    RefundCommand::ObserveExternal {
        refund: id(),
        payment: payment(),
        charge: charge(),
        fact: Box::new(fact),
    }
}

fn retry() -> RefundCommand {
    RefundCommand::Retry { by: Person::from("staff") }
}

fn pay_externally() -> RefundCommand {
    RefundCommand::PayExternally { proof: "bank letter 7".to_owned(), by: Person::from("staff") }
}

fn forgo(by: &str) -> RefundCommand {
    RefundCommand::Forgo { reason: "buyer cannot be found".to_owned(), by: Person::from(by) }
}

fn reverted(source: RefundSource, why: &str) -> RefundEvent {
    RefundEvent::Reverted {
        refund: id(),
        source,
        payment: payment(),
        charge: charge(),
        amount: usd(3792),
        why: why.to_owned(),
        at: hours(0),
    }
}

#[test]
fn whatever_is_asked_of_a_refund_nobody_requested_it_is_unknown() {
    for command in [
        withdraw(),
        approve("anna"),
        decline(),
        force("staff"),
        RefundCommand::Escalate,
        submit(1),
        submit_unknown(1),
        submit_refused(1),
        merge(fact("pending", 1)),
        retry(),
        pay_externally(),
        forgo("staff"),
        RefundCommand::ForgoForDispute { dispute: None },
        RefundCommand::NoteStuck,
    ] {
        Story::begin().refuses(command, RefundError::Unknown);
    }
}

#[test]
fn a_snapshot_remembers_all_of_a_refund() {
    let refund = Story::failed().and(retry()).and(submit(2)).refund();
    let text = serde_json::to_string(&refund).unwrap();
    assert_eq!(serde_json::from_str::<Refund>(&text).unwrap(), refund);
}

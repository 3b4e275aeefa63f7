//! Given, when, then: memberships sold in periods, rendered day by day, given back and ended.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test picks the events it is about")]

mod ending;
mod properties;
mod rendering;
mod returning;
mod selling;

use chrono::NaiveDate;
use chrono_tz::Tz;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{Currency, Money, PaymentId, Rate, RefundId, SellerId, SubjectRef, Timestamp};

use super::{
    commands::{CancelRefund, MembershipCommand, PaidPeriod},
    decide::decide,
    errors::MembershipError,
    events::{
        CommissionIncome, GivenBack, MembershipEvent, MembershipTerms, Movement, NextDay,
        RecognizedDay, ServiceMonth, SoldBy,
    },
    state::{Membership, MembershipStatus},
};
use crate::{
    testing::{assert_golden, context},
    vocabulary::{ChargeRef, MembershipRef, PeriodRef, PeriodTerms, Person},
};

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<MembershipEvent>(include_str!("../golden.jsonl"));
}

#[test]
fn a_started_membership_is_started_once() {
    let now = noon("2026-01-01");
    let start = |terms| MembershipCommand::Start { membership: id(), terms: Box::new(terms) };
    known(vec![], now).when(start(platform())).then_expect_events(vec![started(platform())]);
    known(vec![started(platform())], now).when(start(platform())).then_expect_events(vec![]);
    known(vec![started(platform())], now)
        .when(start(agent(CommissionIncome::AtOnce)))
        .then_expect_error(MembershipError::AlreadyStarted);
}

#[test]
fn a_product_is_a_word_and_a_price_is_not_negative() {
    let start = |terms| MembershipCommand::Start { membership: id(), terms: Box::new(terms) };
    for product in ["", "gold:plus", "two words", &"x".repeat(65)] {
        let product = product.to_owned();
        let terms = MembershipTerms { product: product.clone(), ..platform() };
        known(vec![], noon("2026-01-01"))
            .when(start(terms))
            .then_expect_error(MembershipError::ProductInvalid { product });
    }
    let terms = MembershipTerms { price: usd(-1), ..platform() };
    known(vec![], noon("2026-01-01"))
        .when(start(terms))
        .then_expect_error(MembershipError::AmountNotPositive);
}

// --------------------------------------------------------------------------------------- builders

fn known(events: Vec<MembershipEvent>, now: Timestamp) -> AggregateTestExecutor<Membership> {
    TestFramework::with(context(now)).given(events)
}

/// What came of some commands, one after the other, each at its instant.
fn lived(commands: Vec<(Timestamp, MembershipCommand)>) -> (Membership, Vec<MembershipEvent>) {
    let (mut membership, mut all) = (Membership::default(), Vec::new());
    for (now, command) in commands {
        for event in decide(&membership, command, now).unwrap() {
            membership.evolve(event.clone());
            all.push(event);
        }
    }
    (membership, all)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn noon(text: &str) -> Timestamp {
    format!("{text}T12:00:00Z").parse().unwrap()
}

/// The last millisecond of a day in UTC.
fn night(text: &str) -> Timestamp {
    format!("{text}T23:59:59.999Z").parse().unwrap()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn id() -> MembershipRef {
    "mem_1".into()
}

fn seller() -> SellerId {
    SellerId::derived(&["a seller"])
}

fn refund_id() -> RefundId {
    RefundId::derived(&["a refund"])
}

fn payment() -> PaymentId {
    PaymentId::derived(&["a payment"])
}

fn person() -> Person {
    "key_1".into()
}

fn words() -> String {
    "asked for".to_owned()
}

fn platform() -> MembershipTerms {
    MembershipTerms {
        member: SubjectRef::derived(&["a member"]),
        reference: Some("M-1".to_owned()),
        product: "gold".to_owned(),
        sold_by: SoldBy::Platform,
        price: usd(12_000),
        policy: 3,
    }
}

/// 10 % commission, given back with refunds.
fn agent(income: CommissionIncome) -> MembershipTerms {
    let sold_by = SoldBy::Agent {
        seller: seller(),
        organizer: "choir".into(),
        commission: Rate::try_from_bps(1000).unwrap(),
        income,
        commission_returned: true,
    };
    MembershipTerms { sold_by, ..platform() }
}

fn started(terms: MembershipTerms) -> MembershipEvent {
    MembershipEvent::Started { membership: id(), terms, at: noon("2026-01-01") }
}

fn start(terms: MembershipTerms) -> (Timestamp, MembershipCommand) {
    let command = MembershipCommand::Start { membership: id(), terms: Box::new(terms) };
    (noon("2026-01-01"), command)
}

fn terms(period: &str, start: &str, end: &str) -> PeriodTerms {
    PeriodTerms {
        period: period.into(),
        start: day(start),
        end: day(end),
        zone: Tz::UTC,
        product: "gold".to_owned(),
        tax: 0,
        tax_jurisdiction: "US-CA".to_owned(),
        replaces: None,
    }
}

/// A period paid on its first day, by a charge of its own.
fn paid(terms: PeriodTerms, minor: i64) -> PaidPeriod {
    let charge = ChargeRef(format!("ch_{}", terms.period));
    PaidPeriod {
        membership: id(),
        occurred_at: noon(&terms.start.to_string()),
        terms,
        paid: usd(minor),
        charge: (minor > 0).then(|| (payment(), charge)),
        available_on: None,
    }
}

fn record(period: PaidPeriod) -> (Timestamp, MembershipCommand) {
    (period.occurred_at, MembershipCommand::RecordPaidPeriod(Box::new(period)))
}

/// The year 2026 for 120.00.
fn year() -> PaidPeriod {
    paid(terms("2026", "2026-01-01", "2027-01-01"), 12_000)
}

fn recognise(now: Timestamp, text: &str) -> (Timestamp, MembershipCommand) {
    (now, MembershipCommand::RecogniseThrough { period: "2026".into(), day: day(text) })
}

fn cancel(text: &str, refund: CancelRefund) -> (Timestamp, MembershipCommand) {
    let period = None;
    (noon(text), MembershipCommand::Cancel { period, refund, reason: words(), by: person() })
}

fn give_back(text: &str, amount: Option<Money>) -> (Timestamp, MembershipCommand) {
    let command = MembershipCommand::RefundPeriod {
        refund: refund_id(),
        period: "2026".into(),
        amount,
        reason: words(),
        by: person(),
    };
    (noon(text), command)
}

//! Every row of the table about memberships with amounts of its own, the expected lines written out
//! by hand.

use aggregates::{
    fact::Fact,
    membership::events::{CommissionIncome, Movement, RecognizedDay, ServiceMonth},
    payment::events::PaymentEvent,
    refund::events::{ApprovedHow, RefundEvent, RefundSource},
    vocabulary::{PeriodTerms, Person},
};
use kernel::{Money, PaymentId, Rate, RefundId, TenantId};
use store::StreamId;

use super::*;
use crate::postings::{Posting, postings};

#[test]
fn a_membership_of_the_platforms_own_is_owed_until_its_days_pass() {
    assert_eq!(
        posted(&paid(SoldBy::Platform, 12_000, 0)),
        [
            "Dr assets:clearing:stripe:charge:ch_1 12900",
            "Cr liabilities:deferred-revenue:gold 12000",
            "Cr liabilities:tax:US-CA 900",
        ]
    );
}

#[test]
fn what_was_carried_over_is_deferred_already() {
    assert_eq!(
        posted(&paid(SoldBy::Platform, 14_100, 2_100)),
        [
            "Dr assets:clearing:stripe:charge:ch_1 12900",
            "Cr liabilities:deferred-revenue:gold 12000",
            "Cr liabilities:tax:US-CA 900",
        ]
    );
    let replaced = |into: &str| MembershipEvent::PeriodReplaced {
        membership: id(),
        period: "jan".into(),
        by: "2026".into(),
        product: "silver".to_owned(),
        into: into.to_owned(),
        day: "2026-01-11".parse().unwrap(),
        carried: usd(2_100),
        at: then(),
    };
    assert_eq!(
        posted(&replaced("gold")),
        [
            "Dr liabilities:deferred-revenue:silver 2100",
            "Cr liabilities:deferred-revenue:gold 2100",
        ]
    );
    assert_eq!(posted(&replaced("silver")), [""; 0]);
}

#[test]
fn each_day_is_income_on_its_own_day() {
    let event = recognized(None);
    assert_eq!(
        posted(&event),
        [
            "Dr liabilities:deferred-revenue:gold 33",
            "Cr income:membership 33",
            "Dr liabilities:deferred-revenue:gold 32",
            "Cr income:membership 32",
        ]
    );
    let entries = postings(&stream(), &Fact::Membership(event)).unwrap();
    let days: Vec<String> = entries.iter().map(|entry| entry.effective().to_string()).collect();
    assert_eq!(days, ["2026-01-31T23:59:59.999Z", "2026-02-01T23:59:59.999Z"]);
    let about = entries[0].lines()[0].dimensions();
    assert_eq!(about.membership.as_deref(), Some("mem_1"));
    assert_eq!(about.product.as_deref(), Some("gold"));
    assert_eq!(entries[0].policy().map(ToString::to_string).as_deref(), Some("commerce@3"));
}

#[test]
fn an_organisers_membership_is_his_by_months_and_the_commission_ours() {
    let [deferred, at_once] = [CommissionIncome::Deferred, CommissionIncome::AtOnce].map(agent);
    let seller = [
        "Dr assets:clearing:stripe:charge:ch_1 12900",
        "Cr assets:clearing:internal:claim:mem_1:2026:0 5900",
        "Cr assets:clearing:internal:claim:mem_1:2026:1 4900",
    ];
    let tax = "Cr liabilities:tax:US-CA 900";
    assert_eq!(
        posted(&paid(at_once, 0, 0)),
        [seller[0], seller[1], seller[2], "Cr income:commission 1200", tax]
    );
    assert_eq!(
        posted(&paid(deferred, 1_200, 0)),
        [seller[0], "Cr liabilities:deferred-revenue:gold 1200", seller[1], seller[2], tax]
    );
    assert_eq!(
        posted(&recognized(for_seller()))[..2],
        ["Dr liabilities:deferred-revenue:gold 33", "Cr income:commission 33"]
    );
}

#[test]
fn a_refund_takes_what_is_deferred_then_income() {
    let parts = GivenBack { tax: 700, deferred: 5_984, income: 4_016, seller: 0 };
    assert_eq!(
        posted(&refunded(None, parts)),
        [
            "Dr liabilities:deferred-revenue:gold 5984",
            "Dr income:membership 4016",
            "Dr liabilities:tax:US-CA 700",
            "Cr liabilities:refunds-payable 10700",
        ]
    );
    let parts = GivenBack { tax: 700, deferred: 599, income: 401, seller: 9_000 };
    assert_eq!(
        posted(&refunded(for_seller(), parts)),
        [
            "Dr liabilities:deferred-revenue:gold 599",
            "Dr income:commission-refunded 401",
            "Dr liabilities:tax:US-CA 700",
            "Dr assets:clearing:internal:claim:REFUND:SELLER 9000",
            "Cr liabilities:refunds-payable 10700",
        ]
    );
}

#[test]
fn the_refund_itself_posts_from_refunds_payable_on_only() {
    let source = RefundSource::Membership { membership: id(), period: "2026".into() };
    let approved = Fact::Refund(RefundEvent::Approved {
        refund: refund(),
        source,
        charge: "ch_1".into(),
        amount: usd(10_700),
        how: ApprovedHow::Decided,
        by: Person::from("robin"),
        at: then(),
    });
    assert_eq!(lines(&approved), [""; 0]);
    let accepted = Fact::Refund(RefundEvent::Accepted {
        refund: refund(),
        stripe_refund: "re_1".into(),
        amount: usd(10_700),
        at: then(),
    });
    assert_eq!(
        lines(&accepted),
        ["Dr liabilities:refunds-payable 10700", "Cr assets:clearing:stripe:refund:re_1 10700",]
    );
}

#[test]
fn a_refund_that_is_not_owed_any_more_is_income() {
    let reverted = |agent, given_back: GivenBack| MembershipEvent::RefundReverted {
        membership: id(),
        period: "2026".into(),
        product: "gold".to_owned(),
        refund: refund(),
        amount: usd(cash(&given_back)),
        given_back,
        agent,
        tax_jurisdiction: "US-CA".to_owned(),
        at: then(),
    };
    let parts = GivenBack { tax: 700, deferred: 5_984, income: 4_016, seller: 0 };
    assert_eq!(
        posted(&reverted(None, parts)),
        [
            "Dr liabilities:refunds-payable 10700",
            "Cr income:membership 10000",
            "Cr liabilities:tax:US-CA 700",
        ]
    );
    let parts = GivenBack { tax: 700, deferred: 599, income: 401, seller: 9_000 };
    assert_eq!(
        posted(&reverted(for_seller(), parts)),
        [
            "Dr liabilities:refunds-payable 10700",
            "Cr income:commission 599",
            "Cr income:commission-refunded 401",
            "Cr assets:clearing:internal:claim:REFUND:reverted:SELLER 9000",
            "Cr liabilities:tax:US-CA 700",
        ]
    );
}

#[test]
fn money_the_bank_takes_back_is_the_mirror_of_what_remains() {
    let reversed = |agent, given_back: GivenBack| MembershipEvent::CaptureReversed {
        membership: id(),
        period: "2026".into(),
        product: "gold".to_owned(),
        charge: "ch_1".into(),
        amount: usd(cash(&given_back)),
        given_back,
        agent,
        about: None,
        tax_jurisdiction: "US-CA".to_owned(),
        occurred_at: then(),
        at: then(),
    };
    let parts = GivenBack { tax: 900, deferred: 5_984, income: 6_016, seller: 0 };
    assert_eq!(
        posted(&reversed(None, parts)),
        [
            "Dr liabilities:deferred-revenue:gold 5984",
            "Dr income:membership 6016",
            "Dr liabilities:tax:US-CA 900",
            "Cr assets:clearing:stripe:charge:ch_1 12900",
        ]
    );
    let parts = GivenBack { tax: 900, deferred: 0, income: 1_200, seller: 10_800 };
    assert_eq!(
        posted(&reversed(for_seller(), parts)),
        [
            "Dr income:commission 1200",
            "Dr liabilities:tax:US-CA 900",
            "Dr assets:clearing:internal:claim:ch_1:reversed:SELLER 10800",
            "Cr assets:clearing:stripe:charge:ch_1 12900",
        ]
    );
}

#[test]
fn what_is_forfeited_when_a_period_is_cut_short_is_income() {
    let cancelled = |agent| MembershipEvent::PeriodCancelled {
        membership: id(),
        period: "2026".into(),
        product: "gold".to_owned(),
        agent,
        currency: Currency::USD,
        day: "2026-01-11".parse().unwrap(),
        recognized: 1_000,
        refunded: 2_050,
        forfeited: 50,
        reason: String::new(),
        by: Person::from("robin"),
        policy: 3,
        at: then(),
    };
    assert_eq!(
        posted(&cancelled(None)),
        ["Dr liabilities:deferred-revenue:gold 50", "Cr income:membership 50"]
    );
    assert_eq!(
        posted(&cancelled(for_seller())),
        ["Dr liabilities:deferred-revenue:gold 50", "Cr income:commission 50"]
    );
}

#[test]
fn set_aside_money_that_pays_a_membership_goes_back_to_clearing_first() {
    let event = PaymentEvent::AttributedToMembership {
        charge: "ch_1".into(),
        amount: usd(12_900),
        membership: id(),
        terms: terms(),
        reason: String::new(),
        available_on: None,
        occurred_at: then(),
        at: then(),
    };
    let stream = StreamId::new("payment", TenantId::default(), PaymentId::default().to_string());
    let entries = postings(&stream, &Fact::Payment(event)).unwrap();
    assert_eq!(
        written(&entries),
        ["Dr liabilities:unallocated:ch_1 12900", "Cr assets:clearing:stripe:charge:ch_1 12900",]
    );
}

#[test]
fn what_moves_no_money_posts_nothing() {
    let at = then();
    for event in [
        MembershipEvent::FundsExpected {
            period: "2026".into(),
            seller: seller(),
            available_on: at,
            releases: vec![],
            at,
        },
        MembershipEvent::PeriodRefused {
            period: "2026".into(),
            charge: "ch_1".into(),
            payment: None,
            amount: usd(5),
            code: "ended".to_owned(),
            reason: String::new(),
            at,
        },
        MembershipEvent::Lapsed {
            product: "gold".to_owned(),
            currency: Currency::USD,
            mrr_delta: -1_000,
            day: "2026-01-11".parse().unwrap(),
            at,
        },
    ] {
        assert_eq!(posted(&event), [""; 0]);
    }
}

// --------------------------------------------------------------------------------------- builders

fn posted(event: &MembershipEvent) -> Vec<String> {
    lines(&Fact::Membership(event.clone()))
}

fn lines(fact: &Fact) -> Vec<String> {
    let entries = postings(&stream(), fact).unwrap();
    assert!(entries.iter().all(|entry| entry.kind() == fact.event_type()));
    written(&entries)
}

fn written(entries: &[Entry]) -> Vec<String> {
    let lines = entries.iter().flat_map(Entry::lines);
    let line = |line: &Posting| {
        let side = if line.signed() > 0 { "Dr" } else { "Cr" };
        format!("{side} {} {}", line.account(), line.minor())
            .replace(&seller().to_string(), "SELLER")
            .replace(&refund().to_string(), "REFUND")
    };
    lines.map(line).collect()
}

fn stream() -> StreamId {
    StreamId::new("membership", TenantId::default(), "mem_1")
}

fn then() -> Timestamp {
    "2026-01-11T12:00:00Z".parse().unwrap()
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

fn refund() -> RefundId {
    RefundId::derived(&["a refund"])
}

const fn cash(given_back: &GivenBack) -> i64 {
    given_back.tax + given_back.deferred + given_back.income + given_back.seller
}

fn agent(income: CommissionIncome) -> SoldBy {
    SoldBy::Agent {
        seller: seller(),
        organizer: "choir".into(),
        commission: Rate::try_from_bps(1000).unwrap(),
        income,
        commission_returned: true,
    }
}

fn for_seller() -> Option<AgentFor> {
    Some(AgentFor { seller: seller(), organizer: "choir".into() })
}

fn terms() -> PeriodTerms {
    PeriodTerms {
        period: "2026".into(),
        start: "2026-01-11".parse().unwrap(),
        end: "2026-03-11".parse().unwrap(),
        zone: chrono_tz::Tz::UTC,
        product: "gold".to_owned(),
        tax: 900,
        tax_jurisdiction: "US-CA".to_owned(),
        replaces: None,
    }
}

/// 129.00 with 9.00 tax; 12.00 commission and two months of service if an agent sells it.
fn paid(sold_by: SoldBy, deferred: i64, carried: i64) -> MembershipEvent {
    let agent = sold_by != SoldBy::Platform;
    let month = |number: usize, amount| ServiceMonth {
        claim: format!("mem_1:2026:{number}").into(),
        amount,
        until: then(),
    };
    MembershipEvent::PeriodPaid {
        membership: id(),
        terms: terms(),
        paid: usd(12_900),
        charge: Some("ch_1".into()),
        payment: Some(PaymentId::default()),
        sold_by,
        deferred,
        carried,
        commission: if agent { 1_200 } else { 0 },
        months: if agent { vec![month(0, 5_900), month(1, 4_900)] } else { vec![] },
        mrr: 1_000,
        mrr_delta: 1_000,
        movement: Some(Movement::New),
        next: None,
        policy: 3,
        occurred_at: then(),
        at: then(),
    }
}

fn recognized(agent: Option<AgentFor>) -> MembershipEvent {
    let day = |text: &str, amount| RecognizedDay {
        day: text.parse().unwrap(),
        amount,
        effective_at: format!("{text}T23:59:59.999Z").parse().unwrap(),
    };
    MembershipEvent::RevenueRecognized {
        membership: id(),
        period: "2026".into(),
        product: "gold".to_owned(),
        agent,
        currency: Currency::USD,
        through: "2026-02-01".parse().unwrap(),
        days: vec![day("2026-01-31", 33), day("2026-02-01", 32)],
        cumulative: 1_051,
        next: None,
        policy: 3,
        at: then(),
    }
}

fn refunded(agent: Option<AgentFor>, given_back: GivenBack) -> MembershipEvent {
    MembershipEvent::PeriodRefunded {
        membership: id(),
        period: "2026".into(),
        product: "gold".to_owned(),
        refund: refund(),
        payment: PaymentId::default(),
        charge: "ch_1".into(),
        amount: usd(cash(&given_back)),
        given_back,
        agent,
        about: None,
        tax_jurisdiction: "US-CA".to_owned(),
        reason: String::new(),
        by: Person::from("robin"),
        policy: 3,
        at: then(),
    }
}

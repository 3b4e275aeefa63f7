//! Given a fact about a membership, these commands and these timers.

use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::{Currency, Money, PaymentId, Rate, RefundId, SellerId, Timestamp};

use super::{
    Command, react,
    timers::{Timer, TimerChange, TimerKind, changes},
};
use crate::{
    fact::Fact,
    membership::{
        commands::MembershipCommand,
        events::{
            AgentFor, CommissionIncome, GivenBack, MembershipEvent, NextDay, ServiceMonth, SoldBy,
        },
    },
    payment::{commands::PaymentCommand, events::PaymentEvent},
    refund::{
        commands::RefundCommand,
        events::{RefundEvent, RefundSource},
    },
    seller_account::{commands::SellerAccountCommand, events::DebitReason},
    vocabulary::{Claim, PeriodTerms, SetAsideReason},
};

const ID: &str = "mem_1";

#[test]
fn money_that_pays_a_membership_is_told_to_it() {
    let event = PaymentEvent::AttributedToMembership {
        charge: "ch_1".into(),
        amount: usd(12_000),
        membership: ID.into(),
        terms: terms(),
        reason: String::new(),
        available_on: Some(at()),
        occurred_at: at(),
        at: at(),
    };
    let payment = PaymentId::default();
    let commands = reactions(&Fact::Payment(event), &payment.to_string());
    let [Command::Membership(to, MembershipCommand::RecordPaidPeriod(period))] =
        commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert_eq!((to.as_str(), &period.terms, period.paid), (ID, &terms(), usd(12_000)));
    assert_eq!(period.charge, Some((payment, "ch_1".into())));
    assert_eq!(period.available_on, Some(at()));
}

#[test]
fn each_month_of_an_organisers_membership_is_credited_under_its_own_claim() {
    let commands = reactions(&Fact::Membership(paid()), ID);
    let credits: Vec<_> = commands
        .iter()
        .map(|command| {
            let Command::SellerAccount(
                to,
                SellerAccountCommand::Credit { claim, amount, order: None, product, .. },
            ) = command
            else {
                panic!("{command:?}")
            };
            (*to, claim.as_str(), amount.minor(), product.as_str())
        })
        .collect();
    let expected =
        [(seller(), "mem_1:2026:0", 6_000, "gold"), (seller(), "mem_1:2026:1", 4_800, "gold")];
    assert_eq!(credits, expected);
}

#[test]
fn money_a_membership_refuses_is_set_aside_again() {
    let event = MembershipEvent::PeriodRefused {
        period: "2026".into(),
        charge: "ch_1".into(),
        payment: Some(PaymentId::default()),
        amount: usd(5),
        code: "ended".to_owned(),
        reason: String::new(),
        at: at(),
    };
    let command =
        PaymentCommand::SetAside { charge: "ch_1".into(), reason: SetAsideReason::Conflict };
    assert_eq!(
        reactions(&Fact::Membership(event), ID),
        [Command::Payment(PaymentId::default(), command)]
    );
}

#[test]
fn a_refund_runs_its_course_and_the_seller_gives_his_part() {
    let refund = RefundId::derived(&["a"]);
    let event = MembershipEvent::PeriodRefunded {
        membership: ID.into(),
        period: "2026".into(),
        product: "gold".to_owned(),
        refund,
        payment: PaymentId::default(),
        charge: "ch_1".into(),
        amount: usd(6_000),
        given_back: GivenBack { tax: 0, deferred: 0, income: 600, seller: 5_400 },
        agent: for_seller(),
        about: Some("mem_1:2026:1".into()),
        tax_jurisdiction: "none".to_owned(),
        reason: String::new(),
        by: "robin".into(),
        policy: 1,
        at: at(),
    };
    let commands = reactions(&Fact::Membership(event), ID);
    let [
        Command::Refund(asked, RefundCommand::Request { source, amount, approved, .. }),
        Command::SellerAccount(_, SellerAccountCommand::Debit { claim, amount: his, reason, .. }),
    ] = commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    let expected = RefundSource::Membership { membership: ID.into(), period: "2026".into() };
    assert_eq!((*asked, source, *amount), (refund, &expected, usd(6_000)));
    assert!(approved.is_some());
    assert_eq!((claim, his.minor()), (&Claim::of_refund(refund, seller()), 5_400));
    assert_eq!(*reason, DebitReason::Refund);
}

#[test]
fn a_refund_that_is_not_owed_any_more_is_the_memberships_to_book() {
    let refund = RefundId::derived(&["a"]);
    let event = RefundEvent::Reverted {
        refund,
        source: RefundSource::Membership { membership: ID.into(), period: "2026".into() },
        payment: PaymentId::default(),
        charge: "ch_1".into(),
        amount: usd(6_000),
        why: "canceled".to_owned(),
        at: at(),
    };
    assert_eq!(
        reactions(&Fact::Refund(event), &refund.to_string()),
        [Command::Membership(ID.into(), MembershipCommand::RevertRefund { refund })]
    );
}

#[test]
fn each_days_end_is_a_timer_that_sets_the_next() {
    let set = set_timers(&paid());
    let [day, lapse] = set.as_slice() else { panic!("{set:?}") };
    assert_eq!((day.kind, day.due), (TimerKind::MembershipRecognition, night()));
    let expected =
        MembershipCommand::RecogniseThrough { period: "2026".into(), day: date("2026-01-11") };
    assert_eq!(day.command(Tz::UTC), Some(Command::Membership(ID.into(), expected)));
    assert_eq!(lapse.due, "2026-03-25T00:00:00Z".parse().unwrap());
    let expected = Command::Membership(ID.into(), MembershipCommand::Lapse);
    assert_eq!(lapse.command(Tz::UTC), Some(expected));

    let next = NextDay { day: date("2026-01-12"), due: night().plus_days(1) };
    let set = set_timers(&recognized(Some(next)));
    assert_eq!((set[0].key.as_str(), set[0].due), (day.key.as_str(), next.due));
    let cleared = changes(&Fact::Membership(recognized(None)), ID);
    assert_eq!(cleared, [TimerChange::Clear(day.key.clone())]);
}

#[test]
fn a_sellers_months_are_released_when_they_are_over() {
    let event = MembershipEvent::FundsExpected {
        period: "2026".into(),
        seller: seller(),
        available_on: at(),
        releases: vec![("mem_1:2026:0".into(), night())],
        at: at(),
    };
    let set = set_timers(&event);
    let Some(Command::SellerAccount(to, SellerAccountCommand::Release { claim, .. })) =
        set[0].command(Tz::UTC)
    else {
        panic!("{set:?}")
    };
    assert_eq!((to, claim.as_str(), set[0].due), (seller(), "mem_1:2026:0", night()));
}

fn reactions(fact: &Fact, stream: &str) -> Vec<Command> {
    react(fact, stream).into_iter().map(|reaction| reaction.command).collect()
}

fn set_timers(event: &MembershipEvent) -> Vec<Timer> {
    let set = changes(&Fact::Membership(event.clone()), ID).into_iter();
    set.filter_map(|change| match change {
        TimerChange::Set(timer) => Some(timer),
        TimerChange::Clear(_) => None,
    })
    .collect()
}

fn at() -> Timestamp {
    "2026-01-11T12:00:00Z".parse().unwrap()
}

fn night() -> Timestamp {
    "2026-01-11T23:59:59.999Z".parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn seller() -> SellerId {
    SellerId::derived(&["a"])
}

fn for_seller() -> Option<AgentFor> {
    Some(AgentFor { seller: seller(), organizer: "choir".into() })
}

fn terms() -> PeriodTerms {
    PeriodTerms {
        period: "2026".into(),
        start: date("2026-01-11"),
        end: date("2026-03-11"),
        zone: Tz::UTC,
        product: "gold".to_owned(),
        tax: 0,
        tax_jurisdiction: "none".to_owned(),
        replaces: None,
    }
}

fn paid() -> MembershipEvent {
    let month = |number: usize, amount| ServiceMonth {
        claim: Claim::of_service(&ID.into(), &"2026".into(), number),
        amount,
        until: night(),
    };
    MembershipEvent::PeriodPaid {
        membership: ID.into(),
        terms: terms(),
        paid: usd(12_000),
        charge: Some("ch_1".into()),
        payment: Some(PaymentId::default()),
        sold_by: SoldBy::Agent {
            seller: seller(),
            organizer: "choir".into(),
            commission: Rate::try_from_bps(1000).unwrap(),
            income: CommissionIncome::Deferred,
            commission_returned: true,
        },
        deferred: 1_200,
        carried: 0,
        commission: 1_200,
        months: vec![month(0, 6_000), month(1, 4_800)],
        mrr: 600,
        mrr_delta: 600,
        movement: None,
        next: Some(NextDay { day: date("2026-01-11"), due: night() }),
        policy: 1,
        occurred_at: at(),
        at: at(),
    }
}

fn recognized(next: Option<NextDay>) -> MembershipEvent {
    MembershipEvent::RevenueRecognized {
        membership: ID.into(),
        period: "2026".into(),
        product: "gold".to_owned(),
        agent: for_seller(),
        currency: Currency::USD,
        through: date("2026-01-11"),
        days: vec![],
        cumulative: 20,
        next,
        policy: 1,
        at: at(),
    }
}

//! A membership that is sold, rendered for two days, and whose money the bank takes back: in the end
//! it leaves no balance anywhere.

use aggregates::{
    fact::Fact,
    membership::events::{
        GivenBack, MembershipEvent, MembershipTerms, Movement, NextDay, RecognizedDay, SoldBy,
    },
    vocabulary::PeriodTerms,
};
use kernel::{Currency, SubjectRef};

use super::{
    shelf::Shelf,
    story::{Story, Told, a_month, day, usd},
};
use crate::{
    memberships::{Membership, MembershipMovement, MembershipPeriod, Memberships},
    timers::{TimerRow, Timers},
};

#[expect(clippy::too_many_lines, reason = "a story is told from its beginning to its end")]
pub(super) fn sold_and_taken_back(story: &mut Story) {
    let at = day(40);
    let today = at.to_datetime().date_naive();
    let terms = PeriodTerms {
        period: "first".into(),
        start: today,
        end: today + chrono::Days::new(30),
        zone: chrono_tz::Tz::UTC,
        product: "gold".to_owned(),
        tax: 300,
        tax_jurisdiction: "US-CA".to_owned(),
        replaces: None,
    };
    let next = |days| NextDay { day: today + chrono::Days::new(days), due: at.plus_days(40) };
    let mut tell = |event| story.tell("mem_1", at, Fact::Membership(event));
    tell(MembershipEvent::Started {
        membership: "mem_1".into(),
        terms: MembershipTerms {
            member: SubjectRef::derived(&["a member"]),
            reference: Some("M-1".to_owned()),
            product: "gold".to_owned(),
            sold_by: SoldBy::Platform,
            price: usd(3_300),
            policy: 1,
        },
        at,
    });
    tell(MembershipEvent::PeriodPaid {
        membership: "mem_1".into(),
        terms: terms.clone(),
        paid: usd(3_300),
        charge: Some("ch_m".into()),
        payment: None,
        sold_by: SoldBy::Platform,
        deferred: 3_000,
        carried: 0,
        commission: 0,
        months: vec![],
        mrr: 3_042,
        mrr_delta: 3_042,
        movement: Some(Movement::New),
        next: Some(next(0)),
        policy: 1,
        occurred_at: at,
        at,
    });
    let rendered = |days| RecognizedDay {
        day: today + chrono::Days::new(days),
        amount: 100,
        effective_at: at,
    };
    tell(MembershipEvent::RevenueRecognized {
        membership: "mem_1".into(),
        period: "first".into(),
        product: "gold".to_owned(),
        agent: None,
        currency: Currency::USD,
        through: today + chrono::Days::new(1),
        days: vec![rendered(0), rendered(1)],
        cumulative: 200,
        next: Some(next(2)),
        policy: 1,
        at,
    });
    tell(MembershipEvent::CaptureReversed {
        membership: "mem_1".into(),
        period: "first".into(),
        product: "gold".to_owned(),
        charge: "ch_m".into(),
        amount: usd(3_300),
        given_back: GivenBack { tax: 300, deferred: 2_800, income: 200, seller: 0 },
        agent: None,
        about: None,
        tax_jurisdiction: "US-CA".to_owned(),
        occurred_at: at,
        at,
    });
    tell(MembershipEvent::PeriodCancelled {
        membership: "mem_1".into(),
        period: "first".into(),
        product: "gold".to_owned(),
        agent: None,
        currency: Currency::USD,
        day: today,
        recognized: 200,
        refunded: 3_300,
        forfeited: 0,
        reason: "the bank took the money back".to_owned(),
        by: "bank".into(),
        policy: 1,
        at,
    });
    tell(MembershipEvent::Ended {
        product: "gold".to_owned(),
        currency: Currency::USD,
        mrr_delta: -3_042,
        day: today,
        reason: "not paid".to_owned(),
        by: "key_1".into(),
        at,
    });
}

/// The month up to the membership's first event of this type.
fn until(event_type: &str) -> Shelf {
    Shelf::folded(&Memberships, &super::story::until(event_type), 3)
}

#[test]
fn a_membership_shows_what_is_paid_rendered_and_still_owed() {
    let shelf = until("membership.started");
    let row = shelf.rows::<Membership>().remove(0);
    assert_eq!((row.status.as_str(), row.price, row.period), ("pending", 3_300, None));
    let shelf = until("membership.revenue_recognized");
    let row = shelf.rows::<Membership>().remove(0);
    assert_eq!((row.status.as_str(), row.sold_by.as_str()), ("active", "platform"));
    assert_eq!((row.paid, row.recognized, row.deferred, row.mrr), (3_300, 200, 2_800, 3_042));
    let period = shelf.rows::<MembershipPeriod>().remove(0);
    assert_eq!((period.billed, period.recognized, period.deferred), (3_000, 200, 2_800));
    assert_eq!((period.status.as_str(), period.tax), ("open", 300));
}

#[test]
fn an_ended_membership_owes_nothing() {
    let shelf = Shelf::folded(&Memberships, &a_month(), 3);
    let row = shelf.rows::<Membership>().remove(0);
    assert_eq!((row.status.as_str(), row.deferred, row.refunded, row.mrr), ("ended", 0, 3_300, 0));
    assert_eq!(row.ended_reason.as_deref(), Some("not paid"));
    let period = shelf.rows::<MembershipPeriod>().remove(0);
    // I8: what was billed is deferred, recognised, or taken out.
    assert_eq!(
        period.billed,
        period.deferred + period.recognized + period.forfeited + period.taken_out
    );
    assert_eq!((period.status.as_str(), period.taken_out), ("cancelled", 2_800));
    let moved: Vec<(String, u32, i64)> = shelf
        .rows::<MembershipMovement>()
        .into_iter()
        .map(|row| (row.movement, row.count, row.mrr_delta))
        .collect();
    assert_eq!(moved, [("churn".to_owned(), 1, -3_042), ("new".to_owned(), 1, 3_042)]);
}

#[test]
fn a_memberships_timers_go_with_it() {
    assert_eq!(timers(&super::story::until("membership.period_paid")), 2);
    assert_eq!(timers(&a_month()), 0);
}

fn timers(told: &[Told]) -> usize {
    let rows = Shelf::folded(&Timers, told, 3).rows::<TimerRow>();
    rows.into_iter().filter(|row| row.kind.starts_with("membership")).count()
}

//! Memberships: what was paid for them, what of it is rendered, and what they bring in a month.

use aggregates::{
    fact::Fact,
    membership::events::{GivenBack, MembershipEvent, Movement, SoldBy},
};
use chrono::NaiveDate;
use kernel::{Currency, Money, PaymentId, SellerId, SubjectRef, TenantId, Timestamp};
use store::Value;

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{add, key, read_model},
    words::word,
};

store::table! {
    /// A membership.
    pub struct Membership as "memberships" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            membership: String,
        }
        /// pending, active, lapsed or ended.
        status: String,
        /// Whose it is; who that is, the storefront knows.
        member: SubjectRef,
        /// The caller's own number for it.
        reference: Option<String>,
        /// The tier or product it is of now.
        product: String,
        /// platform, or agent for a seller.
        sold_by: String,
        /// The seller, if one sells it.
        seller: Option<SellerId>,
        /// What a period costs by the price list, tax included; minor units.
        price: i64,
        /// The currency of all its amounts.
        currency: Currency,
        /// The period that was paid last, by the caller's name.
        period: Option<String>,
        /// Its first day.
        period_start: Option<String>,
        /// The day after its last.
        period_end: Option<String>,
        /// All that was paid for all its periods, tax included.
        paid: i64,
        /// What went back of that.
        refunded: i64,
        /// What has become income: of the price, or of the commission if that is deferred.
        recognized: i64,
        /// What is paid and not rendered.
        deferred: i64,
        /// The platform's monthly recurring revenue from it.
        mrr: i64,
        /// When it was made known.
        started_at: Timestamp,
        /// When it ended.
        ended_at: Option<Timestamp>,
        /// Why it ended.
        ended_reason: Option<String>,
    }
    indexes [["tenant", "started_at"], ["tenant", "status", "started_at"], ["tenant", "seller", "started_at"], ["tenant", "member"]]
}

store::table! {
    /// A paid period of a membership.
    pub struct MembershipPeriod as "membership_periods" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The membership.
            #[unhashed = "minted"]
            membership: String,
            /// The caller's name for the period.
            period: String,
        }
        /// open, cancelled or replaced.
        status: String,
        /// What was sold.
        product: String,
        /// The first day.
        start: String,
        /// The day after the last.
        end: String,
        /// The zone the days are of.
        zone: String,
        /// The seller, if one sells it.
        seller: Option<SellerId>,
        /// What was paid, tax included; minor units.
        paid: i64,
        /// The tax in it.
        tax: i64,
        /// The currency.
        currency: Currency,
        /// The payment.
        #[unhashed = "minted"]
        payment: Option<PaymentId>,
        /// Stripe's charge.
        charge: Option<String>,
        /// What is recognised day by day in all, with what was carried over.
        billed: i64,
        /// What was carried over from the period it replaced.
        carried: i64,
        /// What has become income by its days.
        recognized: i64,
        /// The last day that is recognised.
        recognized_through: Option<String>,
        /// What is paid and not rendered.
        deferred: i64,
        /// What went back to the member, tax included.
        refunded: i64,
        /// What went back, or over to another period, before it was rendered.
        taken_out: i64,
        /// What became income when it was cut short.
        forfeited: i64,
    }
    indexes [["tenant", "membership", "start"]]
}

store::table! {
    /// What changed in the monthly recurring revenue in a calendar month.
    pub struct MembershipMovement as "membership_movements" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The month, `2026-03`.
            month: String,
            /// The currency.
            currency: Currency,
            /// The product.
            product: String,
            /// new, expansion, contraction, churn or reactivation.
            movement: String,
        }
        /// How often.
        count: u32,
        /// By how much in all; minor units, less is negative.
        mrr_delta: i64,
    }
}

read_model! {
    /// Every membership, with its periods, and what changed in the monthly recurring revenue.
    Memberships = "memberships", version 1, [Membership, MembershipPeriod, MembershipMovement]
}

const WHAT: &str = "money of a membership";

fn key_of(occurrence: &Occurrence<'_>) -> Vec<Value> {
    key![occurrence.tenant(), occurrence.recorded.stream.id.to_string()]
}

fn period_key(occurrence: &Occurrence<'_>, period: &str) -> Vec<Value> {
    key![occurrence.tenant(), occurrence.recorded.stream.id.to_string(), period.to_owned()]
}

/// What changed in the monthly recurring revenue, and when.
struct Moved<'a> {
    day: NaiveDate,
    currency: Currency,
    product: &'a str,
    movement: Movement,
    mrr_delta: i64,
}

impl Moved<'_> {
    fn key(&self, tenant: TenantId) -> Vec<Value> {
        let (month, product) = (self.month(), self.product.to_owned());
        key![tenant, month, self.currency, product, word(&self.movement)]
    }

    fn month(&self) -> String {
        self.day.format("%Y-%m").to_string()
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others leave it as it is")]
fn moved(event: &MembershipEvent) -> Option<Moved<'_>> {
    match event {
        MembershipEvent::PeriodPaid {
            terms, paid, mrr_delta, movement: Some(movement), ..
        } => Some(Moved {
            day: terms.start,
            currency: paid.currency(),
            product: &terms.product,
            movement: *movement,
            mrr_delta: *mrr_delta,
        }),
        MembershipEvent::Ended { product, currency, mrr_delta, day, .. }
        | MembershipEvent::Lapsed { product, currency, mrr_delta, day, .. }
            if *mrr_delta != 0 =>
        {
            let (day, currency, mrr_delta) = (*day, *currency, *mrr_delta);
            Some(Moved { day, currency, product, movement: Movement::Churn, mrr_delta })
        }
        _ => None,
    }
}

/// The period an event is about.
const fn period_of(event: &MembershipEvent) -> Option<&str> {
    match event {
        MembershipEvent::PeriodPaid { terms, .. } => Some(terms.period.0.as_str()),
        MembershipEvent::RevenueRecognized { period, .. }
        | MembershipEvent::PeriodRefunded { period, .. }
        | MembershipEvent::RefundReverted { period, .. }
        | MembershipEvent::CaptureReversed { period, .. }
        | MembershipEvent::PeriodReplaced { period, .. }
        | MembershipEvent::PeriodCancelled { period, .. } => Some(period.0.as_str()),
        MembershipEvent::Started { .. }
        | MembershipEvent::PeriodRefused { .. }
        | MembershipEvent::FundsExpected { .. }
        | MembershipEvent::Ended { .. }
        | MembershipEvent::Lapsed { .. } => None,
    }
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    let Fact::Membership(event) = occurrence.fact else { return };
    wanted.row::<Membership>(key_of(occurrence));
    if let Some(period) = period_of(event) {
        wanted.row::<MembershipPeriod>(period_key(occurrence, period));
    }
    if let Some(moved) = moved(event) {
        wanted.row::<MembershipMovement>(moved.key(occurrence.tenant()));
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::Membership(event) = occurrence.fact else { return Ok(()) };
    let tenant = occurrence.tenant();
    if let Some(moved) = moved(event) {
        let row = rows.upsert(moved.key(tenant), || MembershipMovement {
            tenant,
            month: moved.month(),
            currency: moved.currency,
            product: moved.product.to_owned(),
            movement: word(&moved.movement),
            count: 0,
            mrr_delta: 0,
        })?;
        row.count += 1;
        add(&mut row.mrr_delta, moved.mrr_delta, WHAT)?;
    }
    if let Some(row) = started(occurrence, event) {
        return rows.put(row);
    }
    let change = match sold(occurrence, event) {
        Some(row) => {
            let change =
                Change { paid: row.paid, billed: row.billed - row.carried, ..Change::default() };
            rows.put(row)?;
            change
        }
        None => change_of(event),
    };
    if let Some(period) = period_of(event)
        && let Some(row) = rows.update::<MembershipPeriod>(period_key(occurrence, period))?
    {
        of_period(row, event, &change)?;
    }
    if let Some(row) = rows.update::<Membership>(key_of(occurrence))? {
        of_membership(row, event, &change)?;
    }
    Ok(())
}

fn seller_of(sold_by: &SoldBy) -> (&'static str, Option<SellerId>) {
    match sold_by {
        SoldBy::Platform => ("platform", None),
        SoldBy::Agent { seller, .. } => ("agent", Some(*seller)),
    }
}

fn started(occurrence: &Occurrence<'_>, event: &MembershipEvent) -> Option<Membership> {
    let MembershipEvent::Started { membership, terms, at } = event else { return None };
    let (sold_by, seller) = seller_of(&terms.sold_by);
    Some(Membership {
        tenant: occurrence.tenant(),
        membership: membership.0.clone(),
        status: "pending".to_owned(),
        member: terms.member,
        reference: terms.reference.clone(),
        product: terms.product.clone(),
        sold_by: sold_by.to_owned(),
        seller,
        price: terms.price.minor(),
        currency: terms.price.currency(),
        period: None,
        period_start: None,
        period_end: None,
        paid: 0,
        refunded: 0,
        recognized: 0,
        deferred: 0,
        mrr: 0,
        started_at: *at,
        ended_at: None,
        ended_reason: None,
    })
}

fn sold(occurrence: &Occurrence<'_>, event: &MembershipEvent) -> Option<MembershipPeriod> {
    let MembershipEvent::PeriodPaid {
        membership,
        terms,
        paid,
        charge,
        payment,
        sold_by,
        deferred,
        carried,
        ..
    } = event
    else {
        return None;
    };
    Some(MembershipPeriod {
        tenant: occurrence.tenant(),
        membership: membership.0.clone(),
        period: terms.period.0.clone(),
        status: "open".to_owned(),
        product: terms.product.clone(),
        start: terms.start.to_string(),
        end: terms.end.to_string(),
        zone: terms.zone.to_string(),
        seller: seller_of(sold_by).1,
        paid: paid.minor(),
        tax: terms.tax,
        currency: paid.currency(),
        payment: *payment,
        charge: charge.as_ref().map(|charge| charge.0.clone()),
        billed: *deferred,
        carried: *carried,
        recognized: 0,
        recognized_through: None,
        deferred: *deferred,
        refunded: 0,
        taken_out: 0,
        forfeited: 0,
    })
}

/// What an event changes in the sums of a membership.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    paid: i64,
    /// To what is deferred: newly billed.
    billed: i64,
    /// From deferred to income.
    recognized: i64,
    forfeited: i64,
    /// Out of what is deferred: to the member, or to another period.
    taken_out: i64,
    carried_on: i64,
    refunded: i64,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no sum")]
fn change_of(event: &MembershipEvent) -> Change {
    let back = |amount: &Money, given_back: &GivenBack| Change {
        refunded: amount.minor(),
        taken_out: given_back.deferred,
        ..Change::default()
    };
    match event {
        MembershipEvent::RevenueRecognized { days, .. } => {
            let recognized = days.iter().fold(0_i64, |sum, day| sum.saturating_add(day.amount));
            Change { recognized, ..Change::default() }
        }
        MembershipEvent::PeriodRefunded { amount, given_back, .. }
        | MembershipEvent::CaptureReversed { amount, given_back, .. } => back(amount, given_back),
        MembershipEvent::RefundReverted { amount, .. } => {
            Change { refunded: -amount.minor(), ..Change::default() }
        }
        MembershipEvent::PeriodReplaced { carried, .. } => {
            Change { carried_on: carried.minor(), ..Change::default() }
        }
        MembershipEvent::PeriodCancelled { forfeited, .. } => {
            Change { forfeited: *forfeited, ..Change::default() }
        }
        _ => Change::default(),
    }
}

fn of_period(
    row: &mut MembershipPeriod,
    event: &MembershipEvent,
    change: &Change,
) -> Result<(), FoldError> {
    let Change { recognized, forfeited, taken_out, carried_on, refunded, .. } = *change;
    add(&mut row.recognized, recognized, WHAT)?;
    add(&mut row.forfeited, forfeited, WHAT)?;
    add(&mut row.taken_out, taken_out, WHAT)?;
    add(&mut row.taken_out, carried_on, WHAT)?;
    add(&mut row.refunded, refunded, WHAT)?;
    for out in [recognized, forfeited, taken_out, carried_on] {
        add(&mut row.deferred, -out, WHAT)?;
    }
    if let MembershipEvent::RevenueRecognized { through, .. } = event {
        row.recognized_through = Some(through.to_string());
    }
    if matches!(event, MembershipEvent::PeriodCancelled { .. }) {
        "cancelled".clone_into(&mut row.status);
    }
    if matches!(event, MembershipEvent::PeriodReplaced { .. }) {
        "replaced".clone_into(&mut row.status);
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others change sums only")]
fn of_membership(
    row: &mut Membership,
    event: &MembershipEvent,
    change: &Change,
) -> Result<(), FoldError> {
    let Change { paid, billed, recognized, forfeited, taken_out, refunded, .. } = *change;
    add(&mut row.paid, paid, WHAT)?;
    add(&mut row.refunded, refunded, WHAT)?;
    add(&mut row.recognized, recognized, WHAT)?;
    add(&mut row.recognized, forfeited, WHAT)?;
    add(&mut row.deferred, billed, WHAT)?;
    for out in [recognized, forfeited, taken_out] {
        add(&mut row.deferred, -out, WHAT)?;
    }
    match event {
        MembershipEvent::PeriodPaid { terms, mrr, .. } => {
            "active".clone_into(&mut row.status);
            row.product.clone_from(&terms.product);
            row.period = Some(terms.period.0.clone());
            row.period_start = Some(terms.start.to_string());
            row.period_end = Some(terms.end.to_string());
            row.mrr = *mrr;
        }
        MembershipEvent::Ended { reason, at, .. } => {
            "ended".clone_into(&mut row.status);
            row.mrr = 0;
            row.ended_at = Some(*at);
            row.ended_reason = Some(reason.clone());
        }
        MembershipEvent::Lapsed { .. } => {
            "lapsed".clone_into(&mut row.status);
            row.mrr = 0;
        }
        _ => {}
    }
    Ok(())
}

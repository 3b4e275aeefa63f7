//! Sellers: whether they can sell and be paid, on which schedule, and what stands in the way.

use aggregates::{fact::Fact, seller_account::events::SellerAccountEvent};
use kernel::{Currency, PayoutId, SellerId, SubjectRef, TenantId, Timestamp};
use store::Value;

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
    words::json,
};

store::table! {
    /// A seller.
    pub struct Seller as "sellers" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            seller: SellerId,
        }
        /// The storefront's own name for him.
        reference: String,
        /// The person or company behind him.
        #[unhashed = "minted"]
        subject: SubjectRef,
        /// The sealed name, JSON.
        #[unhashed = "sealed afresh every time"]
        name: String,
        /// Who organizes what he sells, unless a line says otherwise.
        organizer: String,
        /// registered, onboarding, ready, restricted or deauthorized.
        status: String,
        /// Why he is restricted.
        restricted_reason: Option<String>,
        /// Stripe's connected account.
        account: Option<String>,
        /// Whether Stripe's form was filled in.
        details_submitted: bool,
        /// Whether Stripe lets him take charges.
        charges_enabled: bool,
        /// Whether Stripe pays him out.
        payouts_enabled: bool,
        /// Whether Stripe lets him take transfers.
        transfers_active: bool,
        /// What Stripe wants next, JSON.
        currently_due: Option<String>,
        /// Until when.
        current_deadline: Option<Timestamp>,
        /// present, errored or removed.
        bank_account: Option<String>,
        /// How he is paid out, JSON; empty for only on request.
        schedule: Option<String>,
        /// How often the schedule was changed.
        schedule_version: u32,
        /// When the schedule runs next.
        next_due: Option<Timestamp>,
        /// When he was registered.
        registered_at: Timestamp,
    }
    indexes [["tenant", "reference"], ["tenant", "account"], ["tenant", "organizer"]]
}

store::table! {
    /// The one payout a seller may have under way per currency.
    pub struct PayoutLane as "payout_lanes" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The seller.
            seller: SellerId,
            /// The currency.
            currency: Currency,
        }
        /// free, reserved, committed, settled or blocked.
        status: String,
        /// The payout.
        #[unhashed = "minted"]
        payout: PayoutId,
        /// How much of the available money it takes; minor units, 0 when free.
        amount: i64,
        /// Why it is blocked.
        reason: Option<String>,
        /// What he owed when that was last noticed; minor units, 0 when he owes nothing.
        recovery: i64,
    }
}

store::table! {
    /// Available money of a seller that is held back by hand.
    pub struct SellerHold as "seller_holds" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The seller.
            seller: SellerId,
            /// Its name.
            #[unhashed = "minted"]
            hold: String,
        }
        /// How much; minor units.
        amount: i64,
        /// The currency.
        currency: Currency,
        /// Why.
        reason: String,
        /// Who placed it.
        #[unhashed = "minted"]
        placed_by: String,
        /// When.
        placed_at: Timestamp,
        /// When it was let go.
        released_at: Option<Timestamp>,
    }
}

read_model! {
    /// Every seller, his payout lanes and the holds on his money.
    Sellers = "sellers", version 1, [Seller, PayoutLane, SellerHold]
}

#[derive(Clone, Copy)]
struct Keys {
    tenant: TenantId,
    seller: SellerId,
}

impl Keys {
    fn of(occurrence: &Occurrence<'_>) -> Result<Self, FoldError> {
        Ok(Self { tenant: occurrence.tenant(), seller: occurrence.subject()? })
    }

    fn seller(self) -> Vec<Value> {
        key![self.tenant, self.seller]
    }

    fn lane(self, currency: Currency) -> Vec<Value> {
        key![self.tenant, self.seller, currency]
    }

    fn hold(self, hold: &str) -> Vec<Value> {
        key![self.tenant, self.seller, hold.to_owned()]
    }
}

/// What an event does to a lane: its currency, status, payout, amount and reason.
type LaneChange<'a> = (Currency, &'static str, Option<PayoutId>, i64, Option<&'a str>);

#[expect(clippy::wildcard_enum_match_arm, reason = "the others move no lane")]
fn lane_change(event: &SellerAccountEvent) -> Option<LaneChange<'_>> {
    Some(match event {
        SellerAccountEvent::PayoutReserved { payout, currency, amount, .. } => {
            (*currency, "reserved", Some(*payout), *amount, None)
        }
        SellerAccountEvent::PayoutCommitted { payout, currency, amount, .. } => {
            (*currency, "committed", Some(*payout), *amount, None)
        }
        SellerAccountEvent::PayoutSettled { payout, currency, .. } => {
            (*currency, "settled", Some(*payout), 0, None)
        }
        SellerAccountEvent::PayoutReservationReleased { payout, currency, reason, .. } => {
            (*currency, "free", Some(*payout), 0, Some(reason))
        }
        SellerAccountEvent::LaneFreed { payout, currency, .. } => {
            (*currency, "free", Some(*payout), 0, None)
        }
        SellerAccountEvent::LaneBlocked { payout, currency, reason, .. } => {
            (*currency, "blocked", Some(*payout), 0, Some(reason))
        }
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no debt")]
fn recovery(event: &SellerAccountEvent) -> Option<(Currency, i64)> {
    match event {
        SellerAccountEvent::RecoveryOpened { currency, amount, .. }
        | SellerAccountEvent::RecoveryReminded { currency, amount, .. }
        | SellerAccountEvent::WriteOffProposed { currency, amount, .. } => {
            Some((*currency, *amount))
        }
        SellerAccountEvent::RecoveryClosed { currency, .. }
        | SellerAccountEvent::WrittenOff { currency, .. } => Some((*currency, 0)),
        _ => None,
    }
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    let Fact::SellerAccount(event) = occurrence.fact else { return };
    let Ok(keys) = Keys::of(occurrence) else { return };
    wanted.row::<Seller>(keys.seller());
    if let Some(currency) = lane_change(event).map(|lane| lane.0).or(recovery(event).map(|r| r.0)) {
        wanted.row::<PayoutLane>(keys.lane(currency));
    }
    if let SellerAccountEvent::HoldPlaced { hold, .. }
    | SellerAccountEvent::HoldReleased { hold, .. } = event
    {
        wanted.row::<SellerHold>(keys.hold(hold));
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::SellerAccount(event) = occurrence.fact else { return Ok(()) };
    let keys = Keys::of(occurrence)?;
    if let SellerAccountEvent::Registered { .. } = event {
        return registered(keys, event, rows);
    }
    holds(keys, event, rows)?;
    lanes(keys, event, rows)?;
    if touches_seller(event)
        && let Some(row) = rows.update::<Seller>(keys.seller())?
    {
        readiness(row, event);
    }
    Ok(())
}

fn registered(keys: Keys, event: &SellerAccountEvent, rows: &mut Rows) -> Result<(), FoldError> {
    let SellerAccountEvent::Registered { reference, subject, name, organizer, at, .. } = event
    else {
        return Ok(());
    };
    rows.put(Seller {
        tenant: keys.tenant,
        seller: keys.seller,
        reference: reference.clone(),
        subject: *subject,
        name: json(name),
        organizer: organizer.0.clone(),
        status: "registered".to_owned(),
        restricted_reason: None,
        account: None,
        details_submitted: false,
        charges_enabled: false,
        payouts_enabled: false,
        transfers_active: false,
        currently_due: None,
        current_deadline: None,
        bank_account: None,
        schedule: None,
        schedule_version: 0,
        next_due: None,
        registered_at: *at,
    })
}

fn holds(keys: Keys, event: &SellerAccountEvent, rows: &mut Rows) -> Result<(), FoldError> {
    if let SellerAccountEvent::HoldPlaced { hold, amount, reason, by, at } = event {
        rows.put(SellerHold {
            tenant: keys.tenant,
            seller: keys.seller,
            hold: hold.clone(),
            amount: amount.minor(),
            currency: amount.currency(),
            reason: reason.clone(),
            placed_by: by.0.clone(),
            placed_at: *at,
            released_at: None,
        })?;
    }
    if let SellerAccountEvent::HoldReleased { hold, at, .. } = event
        && let Some(row) = rows.update::<SellerHold>(keys.hold(hold))?
    {
        row.released_at = Some(*at);
    }
    Ok(())
}

fn lanes(keys: Keys, event: &SellerAccountEvent, rows: &mut Rows) -> Result<(), FoldError> {
    let blank = |currency| PayoutLane {
        tenant: keys.tenant,
        seller: keys.seller,
        currency,
        status: "free".to_owned(),
        payout: PayoutId::default(),
        amount: 0,
        reason: None,
        recovery: 0,
    };
    if let Some((currency, status, payout, amount, reason)) = lane_change(event) {
        let row = rows.upsert(keys.lane(currency), || blank(currency))?;
        status.clone_into(&mut row.status);
        row.payout = payout.unwrap_or(row.payout);
        row.amount = amount;
        row.reason = reason.map(str::to_owned);
    }
    if let Some((currency, owed)) = recovery(event) {
        rows.upsert(keys.lane(currency), || blank(currency))?.recovery = owed;
    }
    Ok(())
}

/// Whether the seller's own row changes; most events move only money.
const fn touches_seller(event: &SellerAccountEvent) -> bool {
    matches!(
        event,
        SellerAccountEvent::OnboardingStarted { .. }
            | SellerAccountEvent::StatusMerged { .. }
            | SellerAccountEvent::BecameReady { .. }
            | SellerAccountEvent::Restricted { .. }
            | SellerAccountEvent::Deauthorized { .. }
            | SellerAccountEvent::BankAccountPresent { .. }
            | SellerAccountEvent::BankAccountErrored { .. }
            | SellerAccountEvent::BankAccountRemoved { .. }
            | SellerAccountEvent::PayoutScheduleSet { .. }
            | SellerAccountEvent::ScheduleRan { .. }
    )
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others move money, lanes or holds")]
fn readiness(row: &mut Seller, event: &SellerAccountEvent) {
    let mut status = |status: &str| status.clone_into(&mut row.status);
    match event {
        SellerAccountEvent::OnboardingStarted { account, .. } => {
            status("onboarding");
            row.account = Some(account.0.clone());
        }
        SellerAccountEvent::StatusMerged { account, flags, .. } => {
            row.account = Some(account.0.clone());
            row.details_submitted = flags.details_submitted;
            row.charges_enabled = flags.charges_enabled;
            row.payouts_enabled = flags.payouts_enabled;
            row.transfers_active = flags.transfers_active;
            row.currently_due =
                (!flags.currently_due.is_empty()).then(|| json(&flags.currently_due));
            row.current_deadline = flags.current_deadline;
        }
        SellerAccountEvent::BecameReady { .. } => {
            status("ready");
            row.restricted_reason = None;
        }
        SellerAccountEvent::Restricted { reason, .. } => {
            status("restricted");
            row.restricted_reason = Some(reason.clone());
        }
        SellerAccountEvent::Deauthorized { .. } => status("deauthorized"),
        SellerAccountEvent::BankAccountPresent { .. } => row.bank_account = Some("present".into()),
        SellerAccountEvent::BankAccountErrored { .. } => row.bank_account = Some("errored".into()),
        SellerAccountEvent::BankAccountRemoved { .. } => row.bank_account = Some("removed".into()),
        SellerAccountEvent::PayoutScheduleSet { schedule, version, next_due, .. } => {
            row.schedule = Some(json(schedule));
            row.schedule_version = *version;
            row.next_due = *next_due;
        }
        SellerAccountEvent::ScheduleRan { next_due, .. } => row.next_due = *next_due,
        _ => {}
    }
}

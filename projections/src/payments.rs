//! Payments: from the request for a Checkout session to the money, and where it went.

use aggregates::{
    fact::Fact,
    payment::events::{Destination, FactObject, PaymentEvent, Risk},
};
use kernel::{Currency, Money, OrderId, PaymentId, TenantId, Timestamp};
use store::Value;

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{add, key, read_model},
    words::word,
};

store::table! {
    /// A payment. Amounts are minor units of `currency` unless another currency stands beside them.
    pub struct Payment as "payments" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            payment: PaymentId,
        }
        /// requested, open, processing, authorized, captured, failed, canceled, expired, refused,
        /// unknown or reversed.
        status: String,
        /// The order it is for, once that is known.
        #[unhashed = "minted"]
        order_id: Option<OrderId>,
        /// What was asked for, or what came.
        amount: Option<i64>,
        /// The currency of that.
        currency: Option<Currency>,
        /// Stripe's checkout session.
        session: Option<String>,
        /// Where the buyer pays.
        session_url: Option<String>,
        /// Until when.
        session_expires_at: Option<Timestamp>,
        /// Stripe's payment intent.
        intent: Option<String>,
        /// Stripe's charge.
        charge: Option<String>,
        /// When it was first heard of.
        #[unhashed = "recorded_at is never business"]
        opened_at: Timestamp,
        /// When the money came, by Stripe's clock.
        captured_at: Option<Timestamp>,
        /// Stripe's balance transaction.
        txn: Option<String>,
        /// Stripe's fee, in `fee_currency`; empty while it is not known.
        fee: Option<i64>,
        /// Amount less fee, in `fee_currency`.
        net: Option<i64>,
        /// The currency it was settled in.
        fee_currency: Option<Currency>,
        /// When Stripe makes the money available.
        available_on: Option<Timestamp>,
        /// Why it pays no order: duplicate, conflict, late or unattributed; empty once it does.
        set_aside: Option<String>,
        /// What stands set aside now.
        unallocated: i64,
        /// What the last failed attempt failed with.
        failure: Option<String>,
        /// The latest warning of Stripe's, in a few words.
        risk: Option<String>,
    }
    indexes [["tenant", "opened_at"], ["tenant", "order_id"], ["tenant", "charge"], ["tenant", "status", "opened_at"]]
}

read_model! {
    /// Every payment.
    Payments = "payments", version 1, [Payment]
}

fn key_of(occurrence: &Occurrence<'_>) -> Result<Vec<Value>, FoldError> {
    Ok(key![occurrence.tenant(), occurrence.subject::<PaymentId>()?])
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let (Fact::Payment(_), Ok(key)) = (occurrence.fact, key_of(occurrence)) {
        wanted.row::<Payment>(key);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::Payment(event) = occurrence.fact else { return Ok(()) };
    let payment = occurrence.subject()?;
    let tenant = occurrence.tenant();
    let recorded_at = occurrence.recorded.recorded_at;
    let row = rows.upsert(key_of(occurrence)?, || Payment {
        tenant,
        payment,
        status: "observed".to_owned(),
        order_id: None,
        amount: None,
        currency: None,
        session: None,
        session_url: None,
        session_expires_at: None,
        intent: None,
        charge: None,
        opened_at: recorded_at,
        captured_at: None,
        txn: None,
        fee: None,
        net: None,
        fee_currency: None,
        available_on: None,
        set_aside: None,
        unallocated: 0,
        failure: None,
        risk: None,
    })?;
    asked(row, event);
    came(row, event)
}

impl Payment {
    /// The status, unless the money came already.
    fn before_capture(&mut self, status: &str) {
        if self.captured_at.is_none() {
            status.clone_into(&mut self.status);
        }
    }

    fn amount_is(&mut self, amount: Money) {
        self.amount = Some(amount.minor());
        self.currency = Some(amount.currency());
    }
}

/// What happens until the money comes.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about money that came")]
fn asked(row: &mut Payment, event: &PaymentEvent) {
    match event {
        PaymentEvent::Requested { order, amount, at, .. } => {
            row.before_capture("requested");
            row.order_id = Some(*order);
            row.amount_is(*amount);
            row.opened_at = *at;
        }
        PaymentEvent::RequestUnknown { .. } => row.before_capture("unknown"),
        PaymentEvent::RequestRefused { code, message, .. } => {
            row.before_capture("refused");
            row.failure = Some(format!("{code}: {message}"));
        }
        PaymentEvent::SessionOpened { session, url, expires_at, .. } => {
            row.before_capture("open");
            row.session = Some(session.0.clone());
            row.session_url.clone_from(url);
            row.session_expires_at = Some(*expires_at);
        }
        PaymentEvent::FactMerged { object, id, .. } => {
            let known = match object {
                FactObject::Session => &mut row.session,
                FactObject::Intent => &mut row.intent,
                FactObject::Charge => &mut row.charge,
            };
            known.get_or_insert_with(|| id.clone());
        }
        PaymentEvent::OrderLinked { order, .. } => row.order_id = Some(*order),
        PaymentEvent::Processing { .. } => row.before_capture("processing"),
        PaymentEvent::Authorized { intent, amount, .. } => {
            row.before_capture("authorized");
            row.intent = Some(intent.0.clone());
            row.amount_is(*amount);
        }
        PaymentEvent::AttemptFailed { code, .. } => {
            row.before_capture("failed");
            row.failure = Some(code.clone());
        }
        PaymentEvent::Canceled { reason, .. } => {
            row.before_capture("canceled");
            row.failure = Some(reason.clone());
        }
        PaymentEvent::SessionExpired { .. } => row.before_capture("expired"),
        PaymentEvent::RiskFlagged { risk, .. } => {
            row.risk = Some(match risk {
                Risk::EarlyFraudWarning { kind, .. } => format!("early fraud warning: {kind}"),
                Risk::ReviewOpened { reason, .. } => format!("review opened: {reason}"),
                Risk::ReviewClosed { reason, .. } => format!("review closed: {reason}"),
            });
        }
        _ => {}
    }
}

/// What happens to the money.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about the time before")]
fn came(row: &mut Payment, event: &PaymentEvent) -> Result<(), FoldError> {
    const WHAT: &str = "money set aside";
    match event {
        PaymentEvent::Captured { charge, intent, amount, order, occurred_at, .. } => {
            "captured".clone_into(&mut row.status);
            row.charge = Some(charge.0.clone());
            if let Some(intent) = intent {
                row.intent = Some(intent.0.clone());
            }
            row.amount_is(*amount);
            row.order_id = order.or(row.order_id);
            row.captured_at = Some(*occurred_at);
        }
        PaymentEvent::FeeRecorded { txn, fee, net, available_on, .. } => {
            row.txn = Some(txn.0.clone());
            row.fee = Some(fee.minor());
            row.net = Some(net.minor());
            row.fee_currency = Some(fee.currency());
            row.available_on = Some(*available_on);
        }
        PaymentEvent::SetAside { amount, reason, .. } => {
            row.set_aside = Some(word(reason));
            add(&mut row.unallocated, amount.minor(), WHAT)?;
        }
        PaymentEvent::AttributedToOrder { amount, order, .. } => {
            row.set_aside = None;
            row.order_id = Some(*order);
            add(&mut row.unallocated, -amount.minor(), WHAT)?;
        }
        PaymentEvent::AttributedToMembership { amount, .. } => {
            row.set_aside = None;
            add(&mut row.unallocated, -amount.minor(), WHAT)?;
        }
        PaymentEvent::MembershipCaptureReversed { .. } => {
            "reversed".clone_into(&mut row.status);
        }
        PaymentEvent::AttributedToSellers { shares, .. } => {
            for share in shares {
                add(&mut row.unallocated, -share.seller_net, WHAT)?;
                add(&mut row.unallocated, -share.fee, WHAT)?;
            }
            if row.unallocated == 0 {
                row.set_aside = None;
            }
        }
        PaymentEvent::RefundRouted { amount, to: Destination::Unallocated, .. }
        | PaymentEvent::UnallocatedRefundReserved { amount, .. } => {
            add(&mut row.unallocated, -amount.minor(), WHAT)?;
        }
        PaymentEvent::UnallocatedRefundReleased { amount, .. } => {
            add(&mut row.unallocated, amount.minor(), WHAT)?;
        }
        PaymentEvent::UnallocatedDisputeConcluded { lost, .. } => {
            add(&mut row.unallocated, -lost, WHAT)?;
        }
        PaymentEvent::UnallocatedDisputeRevised { returned, .. } => {
            add(&mut row.unallocated, *returned, WHAT)?;
        }
        PaymentEvent::CaptureReversed { amount, order, .. } => {
            "reversed".clone_into(&mut row.status);
            if order.is_none() {
                add(&mut row.unallocated, -amount.minor(), WHAT)?;
            }
        }
        _ => {}
    }
    Ok(())
}

//! The rules of a payment: what each command leads to.

mod facts;
mod money;
mod routing;
mod settling;

use kernel::{Money, OrderId, Timestamp};

use super::{
    commands::PaymentCommand,
    errors::PaymentError,
    events::PaymentEvent,
    state::{Payment, RequestState},
};
use crate::vocabulary::{FeeRef, SessionRef};

/// Stripe's sessions live between 30 minutes and 24 hours ("Create a Checkout Session",
/// `expires_at`).
const SESSION_SECONDS_MIN: i64 = 30 * 60;
const SESSION_SECONDS_MAX: i64 = 24 * 60 * 60;
/// How long captured money waits for its order before it is set aside.
const UNATTRIBUTED_SECONDS: i64 = 72 * 60 * 60;
/// How long an asynchronous payment may take before somebody looks.
const PATIENCE_DAYS: i64 = 14;

type Decided = Result<Vec<PaymentEvent>, PaymentError>;

/// A payment that remembers each event as it is decided, for commands from which several follow.
struct Decision {
    payment: Payment,
    events: Vec<PaymentEvent>,
    now: Timestamp,
}

impl Decision {
    fn new(payment: &Payment, now: Timestamp) -> Self {
        Self { payment: payment.clone(), events: Vec::new(), now }
    }

    fn record(&mut self, event: PaymentEvent) {
        self.payment.evolve(event.clone());
        self.events.push(event);
    }
}

#[expect(clippy::too_many_lines, reason = "one table: every command and the rule for it")]
pub(super) fn decide(payment: &Payment, command: PaymentCommand, now: Timestamp) -> Decided {
    match command {
        PaymentCommand::Request {
            payment: id,
            order,
            amount,
            transfer_group,
            success_url,
            cancel_url,
            expires_at,
            idempotency_key,
        } => {
            if !may_request(payment, order, amount, expires_at, &idempotency_key, now)? {
                return Ok(vec![]);
            }
            Ok(vec![PaymentEvent::Requested {
                payment: id,
                order,
                amount,
                transfer_group,
                success_url,
                cancel_url,
                expires_at,
                idempotency_key,
                at: now,
            }])
        }
        PaymentCommand::NoteRequestUnknown => after_call(
            payment,
            || PaymentEvent::RequestUnknown { at: now },
            |state| *state == RequestState::Sent,
        ),
        PaymentCommand::NoteRequestRefused { code, message } => after_call(
            payment,
            || PaymentEvent::RequestRefused { code, message, at: now },
            |state| matches!(state, RequestState::Sent | RequestState::Unknown),
        ),
        PaymentCommand::NoteSession { session, url, expires_at } => {
            note_session(payment, session, url, expires_at, now)
        }
        PaymentCommand::MergeFact { payment: _, fact } => Ok(facts::merge(payment, *fact, now)),
        PaymentCommand::LinkOrder { order, via } => facts::link_order(payment, order, via, now),
        PaymentCommand::RecordFee { .. } => Ok(settling::record_fee(payment, command, now)),
        PaymentCommand::RecordSettlement(settlement) => {
            Ok(settling::record_reversal(payment, settlement, now))
        }
        PaymentCommand::FlagRisk { risk, occurred_at } => Ok(if payment.risks.contains(&risk) {
            vec![]
        } else {
            vec![PaymentEvent::RiskFlagged { risk, occurred_at, at: now }]
        }),
        PaymentCommand::SetAside { charge, reason } => {
            money::set_aside(payment, &charge, reason, now)
        }
        PaymentCommand::GiveUpWaiting => money::give_up_waiting(payment, now),
        PaymentCommand::AttributeToOrder { order, reason } => {
            money::attribute_to_order(payment, order, reason, now)
        }
        PaymentCommand::AttributeToSellers { shares, reason } => {
            money::attribute_to_sellers(payment, shares, reason, now)
        }
        PaymentCommand::AttributeToMembership { membership, terms, reason } => {
            money::attribute_to_membership(payment, membership, *terms, reason, now)
        }
        PaymentCommand::ReserveUnallocatedRefund { refund, amount, reason } => {
            money::reserve_refund(payment, refund, amount, reason, now)
        }
        PaymentCommand::ReleaseUnallocatedRefund { refund } => {
            money::release_refund(payment, refund, now)
        }
        PaymentCommand::RouteRefund { refund, stripe_refund, amount, occurred_at } => {
            routing::route_refund(payment, refund, stripe_refund, amount, occurred_at, now)
        }
        PaymentCommand::RouteDispute { dispute, amount, inquiry } => {
            Ok(routing::route_dispute(payment, dispute, amount, inquiry, now))
        }
        PaymentCommand::ConcludeDispute {
            dispute,
            stripe_dispute,
            withdrawn,
            reinstated,
            lost,
            occurred_at,
        } => {
            let conclusion = super::state::Conclusion {
                stripe_dispute,
                withdrawn,
                reinstated,
                lost,
                occurred_at,
            };
            routing::conclude_dispute(payment, dispute, conclusion, now)
        }
        PaymentCommand::ReviseDispute { dispute, stripe_dispute, txn, reinstated, occurred_at } => {
            let revision = routing::Revision { stripe_dispute, txn, reinstated, occurred_at };
            routing::revise_dispute(payment, dispute, revision, now)
        }
        PaymentCommand::RecordApplicationFee { payment: _, fee, charge, amount, occurred_at } => {
            Ok(application_fee(payment, &fee, || PaymentEvent::ApplicationFeeEarned {
                fee: fee.clone(),
                charge,
                amount,
                occurred_at,
                at: now,
            }))
        }
        PaymentCommand::RecordApplicationFeeRefund { fee, refund, amount, occurred_at } => {
            Ok(application_fee(payment, &refund, || PaymentEvent::ApplicationFeeRefunded {
                fee,
                refund: refund.clone(),
                amount,
                occurred_at,
                at: now,
            }))
        }
        PaymentCommand::LosePatience => lose_patience(payment, now),
    }
}

/// Whether a session is to be asked for; `false` when this very call was made before.
fn may_request(
    payment: &Payment,
    order: OrderId,
    amount: Money,
    expires_at: Timestamp,
    idempotency_key: &str,
    now: Timestamp,
) -> Result<bool, PaymentError> {
    if payment.request.as_ref().is_some_and(|known| known.idempotency_key == idempotency_key) {
        return Ok(false);
    }
    if !amount.is_positive() {
        return Err(PaymentError::AmountNotPositive);
    }
    if let Some(known) = payment.order.filter(|known| *known != order) {
        return Err(PaymentError::AlreadyAttributed { order: known.to_string() });
    }
    if payment.is_paid() {
        return Err(PaymentError::AlreadyCaptured);
    }
    if payment.is_in_flight() || payment.processing_since().is_some() {
        return Err(PaymentError::PaymentInFlight);
    }
    let earliest = now.plus_seconds(SESSION_SECONDS_MIN);
    let latest = now.plus_seconds(SESSION_SECONDS_MAX);
    if expires_at < earliest || expires_at > latest {
        return Err(PaymentError::SessionLifetimeTooShort { expires_at });
    }
    Ok(true)
}

/// An answer to our call is news only while the call is in a state that waits for it.
fn after_call(
    payment: &Payment,
    event: impl FnOnce() -> PaymentEvent,
    waits: impl FnOnce(&RequestState) -> bool,
) -> Decided {
    let request = payment.request.as_ref().ok_or(PaymentError::Unknown)?;
    Ok(if waits(&request.state) { vec![event()] } else { vec![] })
}

fn note_session(
    payment: &Payment,
    session: SessionRef,
    url: Option<String>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Decided {
    let request = payment.request.as_ref().ok_or(PaymentError::Unknown)?;
    if matches!(&request.state, RequestState::Open(known) if *known == session) {
        return Ok(vec![]);
    }
    let order = payment.order;
    Ok(vec![PaymentEvent::SessionOpened { session, url, expires_at, order, at: now }])
}

fn application_fee(
    payment: &Payment,
    id: &FeeRef,
    event: impl FnOnce() -> PaymentEvent,
) -> Vec<PaymentEvent> {
    if payment.application_fees.contains(id) { vec![] } else { vec![event()] }
}

fn lose_patience(payment: &Payment, now: Timestamp) -> Decided {
    let Some(since) = payment.processing_since() else { return Ok(vec![]) };
    if payment.patience_exceeded {
        return Ok(vec![]);
    }
    let due = since.plus_days(PATIENCE_DAYS);
    if now < due {
        return Err(PaymentError::TooEarly { due });
    }
    Ok(vec![PaymentEvent::PatienceExceeded { at: now }])
}

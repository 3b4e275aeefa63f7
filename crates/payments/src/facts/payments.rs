//! Sessions, intents and charges as facts about a payment.

use aggregates::{
    payment::{
        commands::{PaymentFact, PaymentFactKind},
        events::FactObject,
    },
    vocabulary::{ChargeRef, IntentRef, SessionRef, TxnRef},
};
use kernel::{Money, TenantId};

use super::{Said, id_of, joined, order_of};
use crate::objects::{Charge, Fault, Field, Intent, Session, currency_of, instant, money};

/// What a session says: a fact, or nothing for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionNews {
    /// A fact about a payment.
    Fact(Box<PaymentFact>),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// A session as a fact. `failed` says that the event was `checkout.session.async_payment_failed`,
/// which cannot be seen from the object.
///
/// Ranks: `open` 0 < `expired` 1 < `complete` and unpaid 2 < failed 3 < paid 4.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn session_fact(
    session: &Session,
    failed: bool,
    tenant: TenantId,
    said: &Said,
) -> Result<SessionNews, Fault> {
    let id = session.id.need("id")?;
    match session.mode.get().map(String::as_str) {
        Some("subscription") => return Ok(SessionNews::Nothing(crate::translate::NOT_PRESENT)),
        Some("setup") => return Ok(SessionNews::Nothing("nothing is paid in setup mode")),
        _ => {}
    }
    let status = session.status.need("status")?;
    let payment_status = session.payment_status.get().map_or("", String::as_str);
    let (class, kind, occurred_at) = match (status.as_str(), payment_status) {
        (_, "no_payment_required") => return Ok(SessionNews::Nothing("no payment required")),
        ("complete", "paid") => {
            let intent = session.payment_intent.maybe("payment_intent")?;
            let expanded = intent.and_then(|intent| intent.object());
            let charge = expanded.and_then(|intent| id_of(&intent.latest_charge));
            let kind = PaymentFactKind::Succeeded {
                charge: charge.map(ChargeRef::from),
                intent: session_intent(session).map(IntentRef::from),
                amount: session_amount(session)?,
            };
            (4, kind, instant(&session.created, "created")?)
        }
        ("complete", _) if failed => {
            (3, PaymentFactKind::Failed { code: "async_payment_failed".into() }, said.at())
        }
        ("complete", _) => (2, PaymentFactKind::Processing, said.at()),
        ("expired", _) => {
            let session = SessionRef::from(id.as_str());
            (1, PaymentFactKind::SessionExpired { session }, said.at())
        }
        (other, _) => (0, PaymentFactKind::Noted { status: other.to_owned() }, said.at()),
    };
    Ok(SessionNews::Fact(Box::new(PaymentFact {
        object: FactObject::Session,
        id: id.clone(),
        rank: said.rank(class),
        kind,
        order: order_of(tenant, &session.metadata, &session.client_reference_id, &Field::Absent),
        occurred_at,
    })))
}

/// The intent behind a session.
pub(crate) fn session_intent(session: &Session) -> Option<&str> {
    match session.payment_intent.get()? {
        crate::objects::Expandable::Id(id) => Some(id),
        crate::objects::Expandable::Object(intent) => intent.id.get().map(String::as_str),
    }
}

/// What was asked for. Where Stripe showed the buyer another currency, that is not a conflict: the
/// amount in our own currency counts.
fn session_amount(session: &Session) -> Result<Money, Fault> {
    match session.currency_conversion.maybe("currency_conversion")? {
        Some(conversion) => {
            money(&conversion.amount_total, "amount_total", &conversion.source_currency)
                .map_err(|fault| fault.inside("currency_conversion"))
        }
        None => money(&session.amount_total, "amount_total", &session.currency),
    }
}

/// A payment intent as a fact.
///
/// Ranks: `requires_*`, `processing` 0 < `requires_capture` 1 < `canceled` 2 < `succeeded` 3.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn intent_fact(intent: &Intent, tenant: TenantId, said: &Said) -> Result<PaymentFact, Fault> {
    let id = intent.id.need("id")?;
    let status = intent.status.need("status")?;
    let (class, kind, occurred_at) = match status.as_str() {
        "succeeded" => {
            let kind = PaymentFactKind::Succeeded {
                charge: intent
                    .latest_charge
                    .maybe("latest_charge")?
                    .map(|charge| charge.0.as_str().into()),
                intent: Some(id.as_str().into()),
                amount: money(&intent.amount_received, "amount_received", &intent.currency)?,
            };
            (3, kind, instant(&intent.created, "created")?)
        }
        "canceled" => {
            let reason = joined(&[intent.cancellation_reason.get()], "canceled");
            (2, PaymentFactKind::Canceled { reason }, said.at())
        }
        "requires_capture" => {
            let amount = money(&intent.amount_capturable, "amount_capturable", &intent.currency)?;
            let intent = IntentRef::from(id.as_str());
            (1, PaymentFactKind::Authorized { intent, amount }, said.at())
        }
        "processing" => (0, PaymentFactKind::Processing, said.at()),
        other => match intent.last_payment_error.get() {
            Some(error) if other == "requires_payment_method" => {
                let code = error.decline_code.get().or(error.code.get()).or(error.kind.get());
                (0, PaymentFactKind::Failed { code: joined(&[code], "unknown") }, said.at())
            }
            _ => (0, PaymentFactKind::Noted { status: other.to_owned() }, said.at()),
        },
    };
    Ok(PaymentFact {
        object: FactObject::Intent,
        id: id.clone(),
        rank: said.rank(class),
        kind,
        order: order_of(tenant, &intent.metadata, &Field::Absent, &intent.transfer_group),
        occurred_at,
    })
}

/// A charge as a fact. `expired` says that the event was `charge.expired`.
///
/// Ranks: `pending` 0 < `failed`, or succeeded but not captured 1 < captured, or released uncaptured
/// 2 < failed after it had succeeded 3.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn charge_fact(
    charge: &Charge,
    expired: bool,
    tenant: TenantId,
    said: &Said,
) -> Result<PaymentFact, Fault> {
    let id = charge.id.need("id")?;
    let reference = ChargeRef::from(id.as_str());
    let intent = id_of(&charge.payment_intent).map(IntentRef::from);
    let failure = charge.failure_balance_transaction.maybe("failure_balance_transaction")?;
    // Older API versions do not say `captured` where nothing else is possible.
    let captured = *charge.captured.get().unwrap_or(&true);
    let released = expired || charge.refunded.get() == Some(&true);
    let (class, kind, occurred_at) = match (charge.status.need("status")?.as_str(), failure) {
        ("failed", Some(failure)) => {
            let kind = PaymentFactKind::Reversed {
                charge: reference,
                txn: TxnRef::from(super::balance::txn_id(failure, "failure_balance_transaction")?),
                amount: reversed_amount(charge)?,
            };
            (3, kind, said.at())
        }
        ("failed", None) => {
            let code = joined(&[charge.failure_code.get()], "unknown");
            (1, PaymentFactKind::Failed { code }, said.at())
        }
        ("succeeded", _) if captured => {
            let kind = PaymentFactKind::Succeeded {
                charge: Some(reference),
                intent,
                amount: captured_amount(charge)?,
            };
            (2, kind, instant(&charge.created, "created")?)
        }
        ("succeeded", _) if released => {
            let reason = if expired { "expired" } else { "released" };
            (2, PaymentFactKind::Canceled { reason: reason.into() }, said.at())
        }
        ("succeeded", _) => {
            let amount = money(&charge.amount, "amount", &charge.currency)?;
            let kind = match intent {
                Some(intent) => PaymentFactKind::Authorized { intent, amount },
                None => PaymentFactKind::Noted { status: "uncaptured".into() },
            };
            (1, kind, said.at())
        }
        ("pending", _) => (0, PaymentFactKind::Processing, said.at()),
        (other, _) => (0, PaymentFactKind::Noted { status: other.to_owned() }, said.at()),
    };
    Ok(PaymentFact {
        object: FactObject::Charge,
        id: id.clone(),
        rank: said.rank(class),
        kind,
        order: order_of(tenant, &charge.metadata, &Field::Absent, &charge.transfer_group),
        occurred_at,
    })
}

/// A partial capture brings less than the charge's amount.
fn captured_amount(charge: &Charge) -> Result<Money, Fault> {
    match charge.amount_captured.maybe("amount_captured")? {
        Some(amount) if *amount > 0 => Ok(Money::new(*amount, currency_of(&charge.currency)?)),
        _ => money(&charge.amount, "amount", &charge.currency),
    }
}

/// The bank takes back what was not refunded already.
fn reversed_amount(charge: &Charge) -> Result<Money, Fault> {
    let failure = charge.failure_balance_transaction.get().and_then(|txn| txn.object());
    if let Some(moved) = failure
        && let (Some(amount), Ok(currency)) = (moved.amount.get(), currency_of(&moved.currency))
        && Ok(currency) == currency_of(&charge.currency)
    {
        return Ok(Money::new(amount.saturating_abs(), currency));
    }
    let captured = captured_amount(charge)?;
    let refunded = *charge.amount_refunded.get().unwrap_or(&0);
    Ok(Money::new(captured.minor().saturating_sub(refunded), captured.currency()))
}

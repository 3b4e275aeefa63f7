//! Sending commands on a caller's behalf: one way, for the JSON API and for the dashboard's forms.

use aggregates::{dispute::Dispute, order::Order, refund::Refund, vocabulary::LineNo};
use engine::Managed;
use kernel::{DisputeId, OrderId, PaymentId, RefundId, SellerId, SubjectRef};
use serde::Serialize;

use crate::{
    extract::Caller,
    permissions::{Permission, Reach},
    problem::Problem,
    state::Api,
};

/// The answer to every write.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Written {
    /// What was created or changed.
    pub id: String,
    /// Reads with `?after=` this position see it.
    pub position: u64,
    /// The same request had been stored before; nothing was stored now.
    pub replayed: bool,
}

/// Sends a command and says where its effect can be read.
///
/// # Errors
/// The aggregate's refusal, or a fault, as a [`Problem`].
pub async fn send<A: Managed>(
    api: &Api,
    caller: &Caller,
    fingerprint: [u8; 32],
    id: impl ToString,
    command: A::Command,
) -> Result<Written, Problem> {
    let id = id.to_string();
    let envelope = caller.envelope(fingerprint);
    let sent = api
        .engine
        .bus()
        .send::<A>(&id, command, envelope)
        .await
        .map_err(|error| Problem::from((A::TYPE, error)))?;
    Ok(Written { id, position: sent.position.0, replayed: sent.replayed })
}

/// Who a sealed address or e-mail of an order belongs to: one person per order, so that erasing him
/// touches nobody else.
#[must_use]
pub fn subject_of(order: OrderId) -> SubjectRef {
    SubjectRef::derived(&[&order.to_string()])
}

/// May the caller do this with this order? A seller may with orders that hold lines of his.
///
/// # Errors
/// 403, or 404 for another's order.
pub async fn may_with_order(
    api: &Api,
    caller: &Caller,
    permission: Permission,
    order: OrderId,
) -> Result<(), Problem> {
    let reach = caller.may(permission)?;
    let sells = api
        .engine
        .bus()
        .inspect::<Order, _>(caller.tenant, &order.to_string(), |order, _| {
            order.id().map(|_| match reach {
                Reach::All => true,
                Reach::Own(seller) => order.sells(seller),
            })
        })
        .await?;
    if sells == Some(true) { Ok(()) } else { Err(Problem::not_found("order")) }
}

/// May the caller do this with these lines? A seller may only with his own.
///
/// # Errors
/// 403, or 404 for another's.
pub async fn may_with_lines(
    api: &Api,
    caller: &Caller,
    permission: Permission,
    order: OrderId,
    lines: &[LineNo],
) -> Result<(), Problem> {
    let reach = caller.may(permission)?;
    let permitted = api
        .engine
        .bus()
        .inspect::<Order, _>(caller.tenant, &order.to_string(), |order, _| match reach {
            Reach::All => order.id().is_some(),
            Reach::Own(seller) => {
                order.sells(seller)
                    && order
                        .lines()
                        .filter(|line| lines.contains(&line.line))
                        .all(|line| line.seller == seller)
            }
        })
        .await?;
    if permitted { Ok(()) } else { Err(Problem::not_found("order line")) }
}

/// May the caller do this with this refund? A seller may with refunds of his lines.
///
/// # Errors
/// 403, or 404 for another's.
pub async fn may_with_refund(
    api: &Api,
    caller: &Caller,
    permission: Permission,
    refund: RefundId,
) -> Result<(), Problem> {
    use aggregates::refund::events::RefundSource;
    let reach = caller.may(permission)?;
    let permitted = api
        .engine
        .bus()
        .inspect::<Refund, _>(caller.tenant, &refund.to_string(), |refund, _| {
            match (reach, refund.source()) {
                (_, None) => false,
                (Reach::All, Some(_)) => true,
                (Reach::Own(seller), Some(RefundSource::OrderLine { share, .. })) => {
                    share.seller == seller
                }
                (
                    Reach::Own(_),
                    Some(
                        RefundSource::Unallocated
                        | RefundSource::Membership { .. }
                        | RefundSource::External,
                    ),
                ) => false,
            }
        })
        .await?;
    if permitted { Ok(()) } else { Err(Problem::not_found("refund")) }
}

/// May the caller do this with this dispute? A seller may with disputes over orders of his.
///
/// # Errors
/// 403, or 404 for another's.
pub async fn may_with_dispute(
    api: &Api,
    caller: &Caller,
    permission: Permission,
    dispute: DisputeId,
) -> Result<(), Problem> {
    let reach = caller.may(permission)?;
    let payment = api
        .engine
        .bus()
        .inspect::<Dispute, _>(caller.tenant, &dispute.to_string(), |dispute, _| dispute.payment())
        .await?
        .ok_or_else(|| Problem::not_found("dispute"))?;
    match reach {
        Reach::All => Ok(()),
        Reach::Own(seller) => sells_in_payment(api, caller, payment, seller).await,
    }
}

async fn sells_in_payment(
    api: &Api,
    caller: &Caller,
    payment: PaymentId,
    seller: SellerId,
) -> Result<(), Problem> {
    let bus = api.engine.bus();
    let order = bus
        .inspect::<aggregates::payment::Payment, _>(
            caller.tenant,
            &payment.to_string(),
            |payment, _| payment.order(),
        )
        .await?
        .ok_or_else(|| Problem::not_found("dispute"))?;
    let sells = bus
        .inspect::<Order, _>(caller.tenant, &order.to_string(), |order, _| order.sells(seller))
        .await?;
    if sells { Ok(()) } else { Err(Problem::not_found("dispute")) }
}

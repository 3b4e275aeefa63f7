//! "Whenever X, then Y": the only module that may name two aggregates.
//!
//! A policy is a pure function of one fact. The engine gives each command an idempotency key
//! derived from the causing event, so that a policy killed and run again has each effect once.

mod credit_sellers;
mod hold_disputed_funds;
mod move_payouts_along;
mod pay_orders;
mod refund_buyers;
pub mod schedule;
mod sell_memberships;
mod settle_adjustments;
pub mod timers;

pub use pay_orders::{fee_of, settlement_of};
pub use refund_buyers::seller_part;

use kernel::{AdjustmentId, DisputeId, OrderId, PaymentId, PayoutId, RefundId, SellerId, TenantId};

use crate::{
    adjustment::commands::AdjustmentCommand,
    balance_transaction::BalanceTransactionCommand,
    dispute::commands::DisputeCommand,
    fact::Fact,
    link::LinkCommand,
    membership::commands::MembershipCommand,
    order::commands::OrderCommand,
    payment::commands::PaymentCommand,
    payout::commands::PayoutCommand,
    period::commands::PeriodCommand,
    refund::commands::RefundCommand,
    seller_account::commands::SellerAccountCommand,
    tenant::commands::TenantCommand,
    topup::commands::TopupCommand,
    vocabulary::{ChargeRef, EventRef, MembershipRef, StripeRefundRef, TopupRef, TxnRef},
    webhook_event::commands::WebhookEventCommand,
};

/// A command and the aggregate it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "one variant per aggregate")]
pub enum Command {
    Order(OrderId, OrderCommand),
    Payment(PaymentId, PaymentCommand),
    Refund(RefundId, RefundCommand),
    Dispute(DisputeId, DisputeCommand),
    SellerAccount(SellerId, SellerAccountCommand),
    Payout(PayoutId, PayoutCommand),
    WebhookEvent(EventRef, WebhookEventCommand),
    BalanceTransaction(TxnRef, BalanceTransactionCommand),
    Link(String, LinkCommand),
    Topup(TopupRef, TopupCommand),
    Membership(MembershipRef, MembershipCommand),
    Tenant(TenantId, TenantCommand),
    Adjustment(AdjustmentId, AdjustmentCommand),
    Period(PeriodCommand),
    /// For the payment that the link of this charge names; nothing happens while there is no link.
    PaymentOf(ChargeRef, PaymentCommand),
    /// Look whether this charge's balance transaction is recorded already, and if it is, tell the
    /// payment. (The other order of arrival is [`Command::PaymentOf`].)
    FeeOf {
        payment: PaymentId,
        charge: ChargeRef,
    },
    /// For the refund that the link of this Stripe refund names; nothing happens while there is no
    /// link.
    RefundOf(StripeRefundRef, RefundCommand),
    /// Look whether this balance transaction is recorded already, and if it is, tell whose it is
    /// what it moved. (The other order of arrival is [`Command::RefundOf`].)
    SettlementOf {
        settled: Settled,
        txn: TxnRef,
    },
}

/// Whose money a balance transaction moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "one variant per aggregate")]
pub enum Settled {
    Payment(PaymentId),
    Refund(RefundId),
}

/// What a policy wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The policy's name.
    pub policy: &'static str,
    /// What is to be done.
    pub command: Command,
}

/// What all policies want done about this fact, in order. `stream` is the id of the stream the
/// fact stands in (the part after the tenant).
#[must_use]
pub fn react(fact: &Fact, stream: &str) -> Vec<Reaction> {
    let mut reactions = Vec::new();
    match fact {
        Fact::Order(event) => {
            let Ok(order) = stream.parse() else { return reactions };
            credit_sellers::on_order(order, event, &mut reactions);
            pay_orders::on_order(event, &mut reactions);
            refund_buyers::on_order(order, event, &mut reactions);
            hold_disputed_funds::on_order(order, event, &mut reactions);
        }
        Fact::Payment(event) => {
            let Ok(payment) = stream.parse() else { return reactions };
            credit_sellers::on_payment(payment, event, &mut reactions);
            pay_orders::on_payment(payment, event, &mut reactions);
            refund_buyers::on_payment(payment, event, &mut reactions);
            hold_disputed_funds::on_payment(event, &mut reactions);
            sell_memberships::on_payment(payment, event, &mut reactions);
        }
        Fact::Refund(event) => {
            let Ok(refund) = stream.parse() else { return reactions };
            refund_buyers::on_refund(refund, event, &mut reactions);
        }
        Fact::Dispute(event) => hold_disputed_funds::on_dispute(event, &mut reactions),
        Fact::SellerAccount(event) => {
            let Ok(seller) = stream.parse() else { return reactions };
            move_payouts_along::on_seller_account(seller, event, &mut reactions);
        }
        Fact::Membership(event) => {
            sell_memberships::on_membership(&stream.into(), event, &mut reactions);
        }
        Fact::Payout(event) => move_payouts_along::on_payout(event, &mut reactions),
        Fact::BalanceTransaction(event) => {
            pay_orders::on_balance_transaction(event, &mut reactions);
        }
        Fact::Adjustment(event) => settle_adjustments::on_adjustment(event, &mut reactions),
        Fact::ApiKey(_)
        | Fact::Link(_)
        | Fact::Period(_)
        | Fact::Rejection(_)
        | Fact::Tenant(_)
        | Fact::Topup(_)
        | Fact::WebhookEvent(_) => {}
    }
    reactions
}

/// Sums the seller's parts of some lines per seller, in order of first appearance.
fn per_seller<'a>(
    shares: impl IntoIterator<Item = (&'a crate::vocabulary::LineShare, i64)>,
) -> Vec<(&'a crate::vocabulary::LineShare, Vec<crate::vocabulary::LineNo>, i64)> {
    let mut sums: Vec<(&crate::vocabulary::LineShare, Vec<crate::vocabulary::LineNo>, i64)> =
        Vec::new();
    for (share, amount) in shares {
        match sums.iter_mut().find(|(known, ..)| known.seller == share.seller) {
            Some((_, lines, sum)) => {
                lines.push(share.line);
                *sum += amount;
            }
            None => sums.push((share, vec![share.line], amount)),
        }
    }
    sums
}

#[cfg(test)]
mod membership_tests;
#[cfg(test)]
mod tests;

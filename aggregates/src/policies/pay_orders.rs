//! Whenever money comes, the order it is for is told; money that pays no order is set aside.

use kernel::{OrderId, PaymentId, Timestamp};

use super::{Command, Reaction, Settled};
use crate::{
    balance_transaction::{BalanceTransactionEvent, TransactionRecord},
    order::{commands::OrderCommand, events::OrderEvent},
    payment::{commands::PaymentCommand, events::PaymentEvent},
    refund::commands::RefundCommand,
    vocabulary::{ChargeRef, SetAsideReason, Settlement},
};

const POLICY: &str = "pay_orders";

/// The command by which a payment learns what its charge's balance transaction says, if this is one.
#[must_use]
pub fn fee_of(record: &TransactionRecord) -> Option<(ChargeRef, PaymentCommand)> {
    let is_charge = matches!(record.kind.as_str(), "charge" | "payment");
    let source = record.source.as_deref().filter(|_| is_charge && record.account.is_none())?;
    let charge = ChargeRef::from(source);
    let command = PaymentCommand::RecordFee {
        charge: charge.clone(),
        txn: record.txn.clone(),
        fee: kernel::Money::new(record.fee, record.currency),
        net: kernel::Money::new(record.net, record.currency),
        available_on: record.available_on,
        exchange_rate: record.exchange_rate.clone(),
        occurred_at: record.occurred_at,
    };
    Some((charge, command))
}

/// What a balance transaction moved, for the payment or refund it belongs to.
#[must_use]
pub fn settlement_of(record: &TransactionRecord) -> Settlement {
    Settlement {
        txn: record.txn.clone(),
        settled: kernel::Money::new(record.amount, record.currency),
        exchange_rate: record.exchange_rate.clone(),
        occurred_at: record.occurred_at,
    }
}

/// Who must know what this transaction moved, beside the payment of a charge.
fn settled_by(record: &TransactionRecord) -> Option<Command> {
    let source = record.source.as_deref().filter(|_| record.account.is_none())?;
    match record.kind.as_str() {
        "payment_failure_refund" | "payment_reversal" => Some(Command::PaymentOf(
            source.into(),
            PaymentCommand::RecordSettlement(settlement_of(record)),
        )),
        "refund" | "payment_refund" | "refund_failure" | "payment_refund_failure" => {
            let command = RefundCommand::RecordSettlement(settlement_of(record));
            Some(Command::RefundOf(source.into(), command))
        }
        _ => None,
    }
}

pub(super) fn on_balance_transaction(
    event: &BalanceTransactionEvent,
    reactions: &mut Vec<Reaction>,
) {
    let BalanceTransactionEvent::Recorded { record, .. } = event else { return };
    if let Some((charge, command)) = fee_of(record) {
        reactions.push(Reaction { policy: POLICY, command: Command::PaymentOf(charge, command) });
    }
    reactions.extend(settled_by(record).map(|command| Reaction { policy: POLICY, command }));
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_order(event: &OrderEvent, reactions: &mut Vec<Reaction>) {
    let (payment, charge, reason) = match event {
        OrderEvent::Conflicted { payment, charge, .. } => {
            (payment, charge, SetAsideReason::Conflict)
        }
        OrderEvent::DuplicatePaymentReceived { payment, charge, .. } => {
            (payment, charge, SetAsideReason::Duplicate)
        }
        OrderEvent::LatePaymentReceived { payment, charge, accepted: false, .. } => {
            (payment, charge, SetAsideReason::Late)
        }
        _ => return,
    };
    reactions.push(Reaction {
        policy: POLICY,
        command: Command::Payment(
            *payment,
            PaymentCommand::SetAside { charge: charge.clone(), reason },
        ),
    });
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
#[expect(clippy::too_many_lines, reason = "one table of facts and what the order is told")]
pub(super) fn on_payment(payment: PaymentId, event: &PaymentEvent, reactions: &mut Vec<Reaction>) {
    let mut tell = |order: OrderId, command: OrderCommand| {
        reactions.push(Reaction { policy: POLICY, command: Command::Order(order, command) });
    };
    match event {
        PaymentEvent::SessionOpened { session, expires_at, order: Some(order), .. } => {
            let session_expires_at = *expires_at;
            let session = session.clone();
            tell(*order, OrderCommand::NoteCheckout { payment, session, session_expires_at });
        }
        PaymentEvent::OrderLinked { order, captured, funds, processing_since, .. } => {
            if let Some(occurred_at) = *processing_since {
                tell(*order, OrderCommand::NotePaymentProcessing { payment, occurred_at });
            }
            if let Some(money) = captured {
                tell(
                    *order,
                    OrderCommand::ConfirmPayment {
                        payment,
                        charge: money.charge.clone(),
                        received: money.amount,
                        occurred_at: money.occurred_at,
                    },
                );
            }
            tell_of_funds(*order, funds.as_ref(), &mut tell);
        }
        PaymentEvent::Processing { order: Some(order), occurred_at, .. } => {
            let occurred_at = *occurred_at;
            tell(*order, OrderCommand::NotePaymentProcessing { payment, occurred_at });
        }
        PaymentEvent::AttemptFailed { order: Some(order), code, .. } => {
            tell(*order, OrderCommand::NotePaymentFailed { payment, code: code.clone() });
        }
        PaymentEvent::Captured { charge, amount, order, occurred_at, .. } => {
            if let Some(order) = order {
                tell(
                    *order,
                    OrderCommand::ConfirmPayment {
                        payment,
                        charge: charge.clone(),
                        received: *amount,
                        occurred_at: *occurred_at,
                    },
                );
            }
            reactions.push(Reaction {
                policy: POLICY,
                command: Command::FeeOf { payment, charge: charge.clone() },
            });
        }
        PaymentEvent::FeeRecorded { charge, available_on, order: Some(order), .. } => {
            tell_of_funds(*order, Some(&(charge.clone(), *available_on)), &mut tell);
        }
        PaymentEvent::AttributedToOrder { charge, amount, order, funds, occurred_at, .. } => {
            tell(
                *order,
                OrderCommand::ConfirmPayment {
                    payment,
                    charge: charge.clone(),
                    received: *amount,
                    occurred_at: *occurred_at,
                },
            );
            tell_of_funds(*order, funds.as_ref(), &mut tell);
        }
        PaymentEvent::CaptureReversed {
            charge, amount, order: Some(order), occurred_at, ..
        } => tell(
            *order,
            OrderCommand::ReverseCapture {
                payment,
                charge: charge.clone(),
                amount: *amount,
                occurred_at: *occurred_at,
            },
        ),
        _ => {}
    }
    // Last, so that the commands before keep their ids.
    ask_what_was_settled(payment, event, reactions);
}

/// The balance transaction may have been there before the fact it belongs to.
#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
fn ask_what_was_settled(payment: PaymentId, event: &PaymentEvent, reactions: &mut Vec<Reaction>) {
    let command = match event {
        PaymentEvent::SetAside { charge, reason: SetAsideReason::Duplicate, .. } => {
            Command::FeeOf { payment, charge: charge.clone() }
        }
        PaymentEvent::CaptureReversed { txn, .. } => {
            Command::SettlementOf { settled: Settled::Payment(payment), txn: txn.clone() }
        }
        _ => return,
    };
    reactions.push(Reaction { policy: POLICY, command });
}

fn tell_of_funds(
    order: OrderId,
    funds: Option<&(ChargeRef, Timestamp)>,
    tell: &mut impl FnMut(OrderId, OrderCommand),
) {
    if let Some((charge, available_on)) = funds.cloned() {
        tell(order, OrderCommand::NoteFundsExpected { charge, available_on });
    }
}

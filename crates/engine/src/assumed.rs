//! What a balance transaction must say where nobody can be asked: objects that move exactly their
//! own amount, without a fee.

use aggregates::{
    balance_transaction::{Provenance, TransactionRecord},
    vocabulary::{AccountRef, TxnRef},
};
use kernel::{Money, Timestamp};

/// A kind of movement that has no fee of its own and is settled in its own currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FreeMovement {
    /// Money goes back to a buyer.
    Refund,
    /// A refund failed and the money is in the balance again.
    RefundFailure,
    /// Money leaves the platform's balance for a connected account's.
    Transfer,
    /// A transfer came back.
    TransferRefund,
    /// Money leaves a balance for a bank.
    Payout,
    /// A payout failed or was cancelled and the money is in the balance again.
    PayoutFailure,
    /// The platform put money into its balance.
    Topup,
    /// A top-up was taken back.
    TopupReversal,
}

impl FreeMovement {
    /// Stripe's `type` of such a balance transaction.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Transfer => "transfer",
            Self::TransferRefund => "transfer_refund",
            Self::Payout => "payout",
            Self::PayoutFailure => "payout_failure",
            Self::Topup => "topup",
            Self::TopupReversal => "topup_reversal",
        }
    }

    /// Stripe's `reporting_category`.
    #[must_use]
    pub const fn category(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::RefundFailure => "refund_failure",
            Self::Transfer => "transfer",
            Self::TransferRefund => "transfer_reversal",
            Self::Payout => "payout",
            Self::PayoutFailure => "payout_reversal",
            Self::Topup => "topup",
            Self::TopupReversal => "topup_reversal",
        }
    }

    const fn leaves(self) -> bool {
        matches!(self, Self::Refund | Self::Transfer | Self::Payout | Self::TopupReversal)
    }
}

/// An object that moved its own amount, as its message states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// What kind of movement.
    pub movement: FreeMovement,
    /// The balance transaction that the object names.
    pub txn: TxnRef,
    /// Whose balance; `None` is the platform's.
    pub account: Option<AccountRef>,
    /// The object itself, `re_...`.
    pub source: String,
    /// For transfers and their reversals: the connected account at the other end.
    pub counterpart: Option<AccountRef>,
    /// The object's amount, never negative.
    pub amount: Money,
    /// The object's own time.
    pub occurred_at: Timestamp,
    /// When the money moves, where the object says so; otherwise its own time.
    pub available_on: Option<Timestamp>,
}

/// The balance transaction of an object that moved its own amount, without having seen it. Marked as
/// such ([`Provenance::Object`]); figures from Stripe that differ contradict it visibly.
#[must_use]
pub fn assumed_record(moved: &Moved) -> TransactionRecord {
    let minor = moved.amount.minor();
    let amount = if moved.movement.leaves() { minor.saturating_neg() } else { minor };
    TransactionRecord {
        txn: moved.txn.clone(),
        account: moved.account.clone(),
        kind: moved.movement.kind().to_owned(),
        category: moved.movement.category().to_owned(),
        source: Some(moved.source.clone()),
        counterpart: moved.counterpart.clone(),
        currency: moved.amount.currency(),
        amount,
        fee: 0,
        net: amount,
        fee_details: Vec::new(),
        exchange_rate: None,
        available_on: moved.available_on.unwrap_or(moved.occurred_at),
        occurred_at: moved.occurred_at,
        provenance: Provenance::Object,
    }
}

#[cfg(test)]
mod tests {
    use kernel::Currency;

    use super::*;

    fn moved(movement: FreeMovement) -> TransactionRecord {
        assumed_record(&Moved {
            movement,
            txn: "txn_1".into(),
            account: None,
            source: "re_1".to_owned(),
            counterpart: None,
            amount: Money::new(12_50, Currency::EUR),
            occurred_at: Timestamp::EPOCH,
            available_on: None,
        })
    }

    #[test]
    fn what_leaves_a_balance_is_negative_and_what_comes_back_is_not() {
        assert_eq!(moved(FreeMovement::Refund).net, -12_50);
        assert_eq!(moved(FreeMovement::RefundFailure).net, 12_50);
        assert_eq!(moved(FreeMovement::Payout).net, -12_50);
        assert_eq!(moved(FreeMovement::PayoutFailure).net, 12_50);
        assert_eq!(moved(FreeMovement::TransferRefund).net, 12_50);
        assert_eq!(moved(FreeMovement::TopupReversal).net, -12_50);
    }

    #[test]
    fn it_says_that_nobody_has_seen_it() {
        let record = moved(FreeMovement::Transfer);
        assert_eq!((record.fee, record.provenance), (0, Provenance::Object));
        assert_eq!((record.kind.as_str(), record.category.as_str()), ("transfer", "transfer"));
    }
}

//! What a top-up can be asked to do.

use kernel::{Money, Timestamp};

use crate::vocabulary::{FactRank, TopupRef, TxnRef};

/// What a top-up can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopupCommand {
    /// Merge a fact about it.
    MergeFact {
        /// Stripe's id.
        topup: TopupRef,
        /// The amount.
        amount: Money,
        /// Stripe's status.
        status: String,
        /// Class pending = 0 < succeeded = 1 < {failed, canceled, reversed} = 2.
        rank: FactRank,
        /// The transaction that moved the money, once known.
        txn: Option<TxnRef>,
        /// The Stripe object's own time.
        occurred_at: Timestamp,
    },
}

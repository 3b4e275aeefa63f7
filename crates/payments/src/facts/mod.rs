//! From Stripe's objects to the facts that the aggregates merge. Messages and answers to our own
//! questions go through the same functions, so both say the same.

mod balance;
mod connect;
mod payments;
mod returns;

use std::fmt::Write as _;

use aggregates::{
    payment::events::LinkedVia,
    vocabulary::{EventRef, FactRank},
};
use kernel::{OrderId, TenantId, Timestamp};

pub(crate) use balance::maybe_txn;
pub use balance::{
    NORMAL_BALANCE, category_of_kind, kind_of_category, topup_class, transaction_record,
};
pub use connect::{account_flags, payout_fact, reversal_fact, transfer_fact};
pub use engine::stripe_metadata as keys;
pub(crate) use payments::session_intent;
pub use payments::{SessionNews, charge_fact, intent_fact, session_fact};
pub use returns::{dispute_fact, refund_fact};

use crate::objects::{Field, Metadata, Reference};

/// When Stripe said something, for the rank of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// `created` of the event, in unix seconds; for answers, the time of the answer.
    pub created: i64,
    /// The event's id, or `fetch`.
    pub event: EventRef,
}

impl Said {
    /// An answer to our question.
    #[must_use]
    pub fn in_answer(at: Timestamp) -> Self {
        Self { created: at.unix_seconds(), event: EventRef::from("fetch") }
    }

    /// The rank of a fact of this class.
    #[must_use]
    pub fn rank(&self, class: u8) -> FactRank {
        FactRank { class, created: self.created, event: self.event.clone() }
    }

    /// The time of it.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.created)
    }
}

/// One of our ids in the metadata of an object, unless the metadata names another tenant.
///
/// A missing tenant is no objection: the secret that signed the message belongs to this one.
#[must_use]
pub fn ours<T: std::str::FromStr>(
    metadata: &Field<Metadata>,
    key: &str,
    tenant: TenantId,
) -> Option<T> {
    let metadata = metadata.get()?;
    if metadata.get(keys::TENANT).is_some_and(|named| *named != tenant.to_string()) {
        return None;
    }
    metadata.get(key)?.trim().parse().ok()
}

/// Which order a payment's object names: our metadata first, then the reference we gave the
/// session, then the transfer group.
#[must_use]
pub fn order_of(
    tenant: TenantId,
    metadata: &Field<Metadata>,
    client_reference: &Field<String>,
    transfer_group: &Field<String>,
) -> Option<(OrderId, LinkedVia)> {
    let text = |field: &Field<String>| field.get().and_then(|text| text.trim().parse().ok());
    ours(metadata, keys::ORDER, tenant)
        .map(|order| (order, LinkedVia::Metadata))
        .or_else(|| text(client_reference).map(|order| (order, LinkedVia::ClientReference)))
        .or_else(|| text(transfer_group).map(|order| (order, LinkedVia::TransferGroup)))
}

/// The id a reference holds.
#[must_use]
pub fn id_of(field: &Field<Reference>) -> Option<&str> {
    field.get().map(|reference| reference.0.as_str())
}

/// Several texts in one, for reasons.
fn joined(parts: &[Option<&String>], otherwise: &str) -> String {
    let mut text = String::new();
    for part in parts.iter().flatten().filter(|part| !part.is_empty()) {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing into a String cannot fail.
        let _ = write!(text, "{separator}{part}");
    }
    if text.is_empty() { otherwise.to_owned() } else { text }
}

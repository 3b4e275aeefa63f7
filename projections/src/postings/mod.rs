//! From a fact to balanced double entry: the heart of the ledger, one pure function.
//!
//! Two kinds of facts post, and nothing else does: **our decisions** (order paid, refund approved,
//! seller credited) post the business side, and **balance transactions** post the Stripe side. The
//! two meet in `assets:clearing:stripe:*`, and what is on its way between two of our own streams
//! stands in `assets:clearing:internal:claim:*`. A status of Stripe's posts nothing.
//!
//! Every variant of every event is named here or in a module below, so a new event does not compile
//! until somebody has decided what it does to the books. Amounts are never computed here beyond
//! adding and taking shares apart; what depends on an order of events (the waterfall over a
//! seller's balances) was decided by an aggregate and stands in the event.

use aggregates::{
    api_key::events::ApiKeyEvent, fact::Fact, link::LinkEvent, rejection::RejectionEvent,
    tenant::events::TenantEvent, webhook_event::events::WebhookEventEvent,
};
use store::StreamId;

mod adjustment;
mod balance_transaction;
mod conversion;
mod dispute;
mod entry;
mod membership;
mod order;
mod payment;
mod payout;
mod period;
mod refund;
mod seller_account;
mod topup;

#[cfg(test)]
mod tests;

pub use entry::{Dimensions, Entry, Nature, PolicyRef, Posting, PostingFault};

/// Raised whenever the same fact would post differently, so that every projection of entries is
/// rebuilt.
pub const POSTINGS_VERSION: u32 = 2;

/// What a fact does to the books. `stream` is the stream it stands in: some facts (an order's) do
/// not repeat their own id.
///
/// An event's entries are keyed by the event's id and their place in the answer, so each is posted
/// once.
///
/// # Errors
/// [`PostingFault`] for a fact that cannot be posted; the projection concerned then stops, visibly,
/// and nothing else does.
pub fn postings(stream: &StreamId, fact: &Fact) -> Result<Vec<Entry>, PostingFault> {
    match fact {
        Fact::Order(event) => order::postings(stream, event),
        Fact::Payment(event) => payment::postings(stream, event),
        Fact::Refund(event) => refund::postings(event),
        Fact::Dispute(event) => dispute::postings(event),
        Fact::SellerAccount(event) => seller_account::postings(event),
        Fact::Payout(event) => payout::postings(event),
        Fact::Adjustment(event) => adjustment::postings(event),
        Fact::Period(event) => period::postings(event),
        Fact::Topup(event) => topup::postings(event),
        Fact::Membership(event) => membership::postings(event),
        Fact::BalanceTransaction(event) => balance_transaction::postings(event),
        Fact::ApiKey(
            ApiKeyEvent::Issued { .. } | ApiKeyEvent::Rotated { .. } | ApiKeyEvent::Revoked { .. },
        )
        | Fact::Link(LinkEvent::Established { .. } | LinkEvent::Disputed { .. })
        | Fact::Rejection(RejectionEvent::Recorded { .. })
        | Fact::Tenant(
            TenantEvent::Provisioned { .. }
            | TenantEvent::PolicySet { .. }
            | TenantEvent::TimeZoneSet { .. }
            | TenantEvent::StripeConnected { .. }
            | TenantEvent::SecretRotated { .. }
            | TenantEvent::ClockAdvanced { .. }
            | TenantEvent::AccountOpened { .. }
            | TenantEvent::AccountClosed { .. }
            | TenantEvent::Suspended { .. }
            | TenantEvent::Resumed { .. }
            | TenantEvent::CloseRequested { .. }
            | TenantEvent::Closed { .. },
        )
        | Fact::WebhookEvent(
            WebhookEventEvent::Received { .. }
            | WebhookEventEvent::Applied { .. }
            | WebhookEventEvent::Ignored { .. }
            | WebhookEventEvent::Parked { .. }
            | WebhookEventEvent::Quarantined { .. }
            | WebhookEventEvent::DeadLettered { .. }
            | WebhookEventEvent::RetryRequested { .. },
        ) => Ok(Vec::new()),
    }
}

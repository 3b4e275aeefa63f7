//! A seller's statement: every entry that touched his balances, signed from his point of view.
//!
//! Sale +, refund -, chargeback -, payout -, payout returned +, adjustment + or -. Releases and
//! holds move money between his own balances and have the amount 0. The running balance is the sum
//! of the amounts up to a line and is computed when asked for, never stored.

use kernel::{Currency, DisputeId, OrderId, PayoutId, RefundId, SellerId, TenantId, Timestamp};
use store::{Position, Table, TableDef};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    figures::effects,
    postings::{Nature, POSTINGS_VERSION},
};

store::table! {
    /// One line of a seller's statement; all amounts in minor units.
    pub struct SellerEntry as "seller_entries" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Whose statement.
            seller: SellerId,
            /// The event that posted it.
            #[unhashed = "positions are a log's own"]
            position: Position,
            /// Which of the event's entries, from 0.
            entry: u32,
        }
        /// The currency of every amount in the row.
        currency: Currency,
        /// sale, refund, chargeback, payout, payout_returned, adjustment, release or hold.
        nature: Nature,
        /// By how much the seller is better off (+) or worse (-).
        amount: i64,
        /// Change of what waits for the release policy.
        pending: i64,
        /// Change of what may be paid out.
        available: i64,
        /// Change of what is kept back after release.
        reserve: i64,
        /// Change of what is kept back for disputes.
        dispute_hold: i64,
        /// Change of what the seller owes.
        receivable: i64,
        /// When it took effect.
        effective_at: Timestamp,
        /// The event's type, such as `seller_account.credited`.
        event_type: String,
        /// Who organizes what was sold; the seller where nobody was named.
        organizer: String,
        /// The order.
        #[unhashed = "minted"]
        order_id: Option<OrderId>,
        /// The line of the order, from 0.
        order_line: Option<u32>,
        /// What was sold, by the storefront's name.
        product: Option<String>,
        /// The refund.
        #[unhashed = "minted"]
        refund: Option<RefundId>,
        /// The dispute.
        #[unhashed = "minted"]
        dispute: Option<DisputeId>,
        /// The payout.
        #[unhashed = "minted"]
        payout: Option<PayoutId>,
        /// The claim by which the amount came or went.
        #[unhashed = "built from minted ids"]
        claim: Option<String>,
    }
    indexes [["tenant", "seller", "currency", "effective_at"]]
}

/// Every seller's statement.
#[derive(Debug, Clone, Copy, Default)]
pub struct SellerEntries;

impl Projection for SellerEntries {
    fn name(&self) -> &'static str {
        "seller_entries"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[SellerEntry::TABLE] }
    }

    fn keys(&self, _: &Occurrence<'_>, _: &mut Wanted) {}

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        for (number, entry) in (0_u32..).zip(occurrence.entries) {
            for (seller, effect) in effects(entry)? {
                if !effect.touches_balance {
                    continue;
                }
                let amount = effect.position()?;
                let about = entry
                    .lines()
                    .iter()
                    .map(crate::postings::Posting::dimensions)
                    .find(|about| about.seller == Some(seller))
                    .cloned()
                    .unwrap_or_default();
                rows.append(&SellerEntry {
                    tenant: occurrence.tenant(),
                    seller,
                    position: occurrence.recorded.position,
                    entry: number,
                    currency: entry.currency(),
                    nature: entry.nature(),
                    amount,
                    pending: effect.pending,
                    available: effect.available,
                    reserve: effect.reserve,
                    dispute_hold: effect.dispute_hold,
                    receivable: effect.receivable,
                    effective_at: entry.effective(),
                    event_type: entry.kind().to_owned(),
                    organizer: effect.organizer,
                    order_id: about.order,
                    order_line: about.line.map(|line| u32::from(line.0)),
                    product: about.product,
                    refund: about.refund,
                    dispute: about.dispute,
                    payout: about.payout,
                    claim: about.claim.map(|claim| claim.0),
                });
            }
        }
        Ok(())
    }
}

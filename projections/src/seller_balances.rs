//! What every seller is owed and owes, and what he has earned to date.
//!
//! `net = pending + available + reserve + dispute_hold - receivable + transferred - reversed`, at
//! every position: the left side is read off the natures of the entries, the right side off the
//! seller's accounts.

use kernel::{Currency, SellerId, TenantId};
use store::{Table, TableDef};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    figures::{Earned, effects},
    postings::POSTINGS_VERSION,
    projection::{add, key},
};

store::table! {
    /// A seller's money in one currency; all amounts in minor units.
    pub struct SellerBalance as "seller_balances" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Who is owed.
            seller: SellerId,
            /// The currency of every amount in the row.
            currency: Currency,
        }
        /// Earned, waiting for the release policy.
        pending: i64,
        /// May be paid out.
        available: i64,
        /// Kept back for a time after release.
        reserve: i64,
        /// Kept back while a dispute is open.
        dispute_hold: i64,
        /// What the seller owes.
        receivable: i64,
        /// Transferred to his connected account, ever.
        transferred: i64,
        /// Come back from there, ever.
        reversed: i64,
        /// Item and shipping after seller-funded discount, without tax, before commission; ever.
        gross: i64,
        /// Commission and fees passed on, less fees returned; ever.
        fees: i64,
        /// Refunds, with the commission that came back; ever.
        refunds: i64,
        /// Losses of disputes and fees charged on, less what was reinstated; ever.
        disputes: i64,
        /// Debt given up; ever.
        adjustments: i64,
        /// Gross less fees, refunds and disputes, and adjustments; ever.
        net: i64,
    }
}

impl SellerBalance {
    fn new(tenant: TenantId, seller: SellerId, currency: Currency) -> Self {
        Self {
            tenant,
            seller,
            currency,
            pending: 0,
            available: 0,
            reserve: 0,
            dispute_hold: 0,
            receivable: 0,
            transferred: 0,
            reversed: 0,
            gross: 0,
            fees: 0,
            refunds: 0,
            disputes: 0,
            adjustments: 0,
            net: 0,
        }
    }

    /// What the seller is owed altogether, less what he owes; minor units.
    ///
    /// # Errors
    /// [`FoldError::Overflow`] when the sum does not fit.
    pub fn position(&self) -> Result<i64, FoldError> {
        let mut total = self.pending;
        for part in [self.available, self.reserve, self.dispute_hold] {
            add(&mut total, part, "position of a seller")?;
        }
        total.checked_sub(self.receivable).ok_or(FoldError::Overflow("position of a seller"))
    }
}

/// Every seller's balances.
#[derive(Debug, Clone, Copy, Default)]
pub struct SellerBalances;

impl Projection for SellerBalances {
    fn name(&self) -> &'static str {
        "seller_balances"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[SellerBalance::TABLE] }
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        for entry in occurrence.entries {
            for seller in entry.lines().iter().filter_map(|line| line.dimensions().seller) {
                let key = key![occurrence.tenant(), seller, entry.currency()];
                wanted.row::<SellerBalance>(key);
            }
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        const WHAT: &str = "balance of a seller";
        let tenant = occurrence.tenant();
        for entry in occurrence.entries {
            let currency = entry.currency();
            for (seller, effect) in effects(entry)? {
                let earned = Earned::of(entry.nature(), &effect)?;
                let row = rows.upsert(key![tenant, seller, currency], || {
                    SellerBalance::new(tenant, seller, currency)
                })?;
                for (total, change) in [
                    (&mut row.pending, effect.pending),
                    (&mut row.available, effect.available),
                    (&mut row.reserve, effect.reserve),
                    (&mut row.dispute_hold, effect.dispute_hold),
                    (&mut row.receivable, effect.receivable),
                    (&mut row.transferred, earned.transferred),
                    (&mut row.reversed, earned.reversed),
                    (&mut row.gross, earned.gross),
                    (&mut row.fees, earned.fees),
                    (&mut row.refunds, earned.refunds),
                    (&mut row.disputes, earned.disputes),
                    (&mut row.adjustments, earned.adjustments),
                    (&mut row.net, earned.net()?),
                ] {
                    add(total, change, WHAT)?;
                }
            }
        }
        Ok(())
    }
}

//! Order by order: what came in, whose it was, and what became of it. From postings only.
//!
//! `captured = seller_net + commission + tax - discount` for every order, and what was refunded or
//! lost never exceeds it; the checker in [`crate::invariants`] watches both.

use aggregates::{fact::Fact, payment::events::PaymentEvent};
use kernel::{Currency, OrderId, TenantId};
use store::{Table, TableDef, Value};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    chart::{Account, Clearing, SellerPart},
    postings::{Entry, Nature, POSTINGS_VERSION, Posting},
    projection::{add, key},
};

store::table! {
    /// The money of one order; all amounts in minor units of the order's currency.
    pub struct OrderReconciliation as "order_reconciliation" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The order.
            #[unhashed = "minted"]
            order_id: OrderId,
        }
        /// The currency of every amount but Stripe's fee.
        currency: Currency,
        /// What the buyer paid.
        captured: i64,
        /// The sellers' part of it: items and shipping after commission.
        seller_net: i64,
        /// The platform's commission.
        commission: i64,
        /// Tax.
        tax: i64,
        /// Discount the platform funded.
        discount: i64,
        /// Released to the sellers so far, reserve included.
        released: i64,
        /// Refunded to the buyer, or owed to him.
        refunded: i64,
        /// The sellers' part of the refunds.
        refunded_sellers: i64,
        /// Lost in disputes and clawbacks, what was refunded before included.
        lost: i64,
        /// The sellers' part of that.
        lost_sellers: i64,
        /// The platform's own part of that.
        lost_platform: i64,
        /// Stripe's fee for the charge, in its currency; empty while it is not known.
        stripe_fee: Option<i64>,
        /// The currency of Stripe's fee.
        stripe_fee_currency: Option<Currency>,
        /// `captured - (seller_net + commission + tax - discount)`: never anything but 0.
        difference: i64,
    }
    indexes [["tenant", "difference"]]
}

/// The reconciliation of every order.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrderReconciliations;

/// The order an entry is about: by its lines, or (a release) by the claim of an order's line.
fn order_of(entry: &Entry) -> Option<OrderId> {
    let about = entry.lines().first()?.dimensions();
    about.order.or_else(|| about.claim.as_ref()?.0.split_once(':')?.0.parse().ok())
}

/// The fee of an order's charge, when Stripe has said it.
fn fee_of<'a>(occurrence: &Occurrence<'a>) -> Option<(OrderId, &'a kernel::Money)> {
    match occurrence.fact {
        Fact::Payment(PaymentEvent::FeeRecorded { order: Some(order), fee, .. }) => {
            Some((*order, fee))
        }
        Fact::Payment(_)
        | Fact::Adjustment(_)
        | Fact::ApiKey(_)
        | Fact::BalanceTransaction(_)
        | Fact::Dispute(_)
        | Fact::Link(_)
        | Fact::Membership(_)
        | Fact::Order(_)
        | Fact::Payout(_)
        | Fact::Period(_)
        | Fact::Refund(_)
        | Fact::Rejection(_)
        | Fact::SellerAccount(_)
        | Fact::WebhookEvent(_)
        | Fact::Tenant(_)
        | Fact::Topup(_) => None,
    }
}

impl Projection for OrderReconciliations {
    fn name(&self) -> &'static str {
        "order_reconciliation"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[OrderReconciliation::TABLE] }
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        let orders = occurrence.entries.iter().filter_map(order_of);
        for order in orders.chain(fee_of(occurrence).map(|(order, _)| order)) {
            wanted.row::<OrderReconciliation>(key![occurrence.tenant(), order]);
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        let tenant = occurrence.tenant();
        if let Some((order, fee)) = fee_of(occurrence) {
            let row = row_of(rows, key![tenant, order], (tenant, order, fee.currency()))?;
            row.stripe_fee = Some(fee.minor());
            row.stripe_fee_currency = Some(fee.currency());
        }
        for entry in occurrence.entries {
            let Some(order) = order_of(entry) else { continue };
            let row = row_of(rows, key![tenant, order], (tenant, order, entry.currency()))?;
            // The first entry decides; a fee may have come before and may be in another currency.
            row.currency = entry.currency();
            for line in entry.lines() {
                note(row, entry, line)?;
            }
            row.difference = [row.seller_net, row.commission, row.tax]
                .into_iter()
                .try_fold(row.captured, i64::checked_sub)
                .and_then(|rest| rest.checked_add(row.discount))
                .ok_or(FoldError::Overflow(WHAT))?;
        }
        Ok(())
    }
}

fn row_of(
    rows: &mut Rows,
    key: Vec<Value>,
    (tenant, order_id, currency): (TenantId, OrderId, Currency),
) -> Result<&mut OrderReconciliation, FoldError> {
    rows.upsert(key, || OrderReconciliation {
        tenant,
        order_id,
        currency,
        captured: 0,
        seller_net: 0,
        commission: 0,
        tax: 0,
        discount: 0,
        released: 0,
        refunded: 0,
        refunded_sellers: 0,
        lost: 0,
        lost_sellers: 0,
        lost_platform: 0,
        stripe_fee: None,
        stripe_fee_currency: None,
        difference: 0,
    })
}

const WHAT: &str = "money of an order";

#[expect(clippy::wildcard_enum_match_arm, reason = "most accounts say nothing of an order's money")]
fn note(row: &mut OrderReconciliation, entry: &Entry, line: &Posting) -> Result<(), FoldError> {
    let debit = line.signed();
    let credit = -debit;
    match entry.kind() {
        "order.paid" => sold(row, line.account(), debit),
        "seller_account.released" => match line.account() {
            Account::Seller(_, SellerPart::Pending) => add(&mut row.released, debit, WHAT),
            _ => Ok(()),
        },
        kind if kind.starts_with("order.") || kind.starts_with("refund.") => match entry.nature() {
            Nature::Refund => match line.account() {
                Account::RefundsPayable | Account::Clearing(Clearing::Refund, _) => {
                    add(&mut row.refunded, credit, WHAT)
                }
                Account::Claim(_) => add(&mut row.refunded_sellers, debit, WHAT),
                _ => Ok(()),
            },
            Nature::Chargeback => match line.account() {
                Account::DisputesOpen(_) | Account::Clearing(Clearing::Charge, _) => {
                    add(&mut row.lost, credit, WHAT)
                }
                Account::Claim(_) => add(&mut row.lost_sellers, debit, WHAT),
                Account::ChargebackLoss => add(&mut row.lost_platform, debit, WHAT),
                _ => Ok(()),
            },
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most accounts say nothing of an order's money")]
fn sold(row: &mut OrderReconciliation, account: &Account, debit: i64) -> Result<(), FoldError> {
    let total = match account {
        Account::Clearing(..) => &mut row.captured,
        Account::Claim(_) => &mut row.seller_net,
        Account::Commission => &mut row.commission,
        Account::Tax(_) => &mut row.tax,
        Account::Discounts => &mut row.discount,
        _ => return Ok(()),
    };
    let on_the_left = matches!(account, Account::Clearing(..) | Account::Discounts);
    add(total, if on_the_left { debit } else { -debit }, WHAT)
}

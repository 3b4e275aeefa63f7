//! The answers. One module per read model, each a pure fold of facts into rows; and
//! [`postings`], the one function that turns a fact into movements of money.

#![deny(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    clippy::float_arithmetic
)]

pub mod account_balances;
pub mod adjustments;
pub mod api_keys;
pub mod audit_trail;
pub mod balance_series;
pub mod chart;
pub mod chart_accounts;
pub mod dating;
pub mod disputes;
pub mod earnings;
mod figures;
pub mod invariants;
pub mod journal;
pub mod memberships;
pub mod order_reconciliation;
pub mod orders;
pub mod outbox;
pub mod payments;
pub mod payouts;
pub mod periods;
pub mod postings;
mod projection;
pub mod refunds;
pub mod reports;
pub mod selectors;
pub mod seller_balances;
pub mod seller_entries;
pub mod sellers;
pub mod tenants;
pub mod timers;
pub mod webhooks;
mod words;
pub mod work_items;

pub use projection::{FoldError, Occurrence, Projection, Rows, Wanted, Writes};

/// Every read model.
#[must_use]
pub fn all() -> Vec<Box<dyn Projection>> {
    vec![
        Box::new(journal::Journal),
        Box::new(account_balances::AccountBalances),
        Box::new(balance_series::BalancesOverTime),
        Box::new(seller_balances::SellerBalances),
        Box::new(seller_entries::SellerEntries),
        Box::new(earnings::Earnings),
        Box::new(order_reconciliation::OrderReconciliations),
        Box::new(orders::Orders),
        Box::new(payments::Payments),
        Box::new(refunds::Refunds),
        Box::new(disputes::Disputes),
        Box::new(sellers::Sellers),
        Box::new(payouts::Payouts),
        Box::new(adjustments::Adjustments),
        Box::new(periods::Periods),
        Box::new(chart_accounts::ChartAccounts),
        Box::new(memberships::Memberships),
        Box::new(audit_trail::AuditTrail),
        Box::new(webhooks::Webhooks),
        Box::new(work_items::WorkItems),
        Box::new(timers::Timers),
        Box::new(outbox::Outbox),
        Box::new(api_keys::ApiKeys),
        Box::new(tenants::Tenants),
        Box::new(invariants::Invariants),
    ]
}

#[cfg(test)]
mod tests;

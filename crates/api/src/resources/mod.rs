//! One file per resource. A handler parses, asks for permission, sends, and answers.

pub(crate) mod adjustments;
pub(crate) mod books;
pub(crate) mod catalogue;
pub(crate) mod chart;
pub(crate) mod disputes;
pub(crate) mod exports;
pub(crate) mod figures;
pub(crate) mod invariants;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod memberships;
pub(crate) mod operations;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod payouts;
pub(crate) mod periods;
pub(crate) mod personal;
pub(crate) mod refunds;
pub(crate) mod reports;
pub(crate) mod sellers;
pub(crate) mod shared;
pub(crate) mod tenant;
pub(crate) mod webhooks;

#[cfg(test)]
mod membership_tests;
#[cfg(test)]
mod tests;

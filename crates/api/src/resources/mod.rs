//! One file per resource. A handler parses, asks for permission, sends, and answers.

pub mod books;
pub mod catalogue;
pub mod disputes;
pub mod keys;
pub mod lists;
pub mod operations;
pub mod orders;
pub mod payments;
pub mod payouts;
pub mod refunds;
pub mod sellers;
pub mod tenant;
pub mod webhooks;

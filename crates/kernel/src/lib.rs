//! The ground everybody stands on: money, identifiers, time, and who caused what.
//!
//! Money, time and identifiers enter Daybook through one door each, and the doors are here.
//! Nothing in this crate reads a file, a socket or (outside [`SystemClock`] and the `mint`
//! functions) the machine's clock.

#![deny(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    clippy::float_arithmetic
)]

mod allocate;
mod cause;
mod currency;
mod emit;
mod ids;
mod money;
mod sealed;
mod spreadsheet;
mod text;
mod time;

pub use allocate::{AllocationError, allocate};
pub use cause::{Actor, ActorKind, Cause, Context, Mode};
pub use currency::{CURRENCIES, Currency, CurrencyFacts, UnknownCurrency};
pub use emit::emit;
pub use ids::{
    AdjustmentId, DisputeId, IdError, KeyId, OrderId, PaymentId, PayoutId, RefundId, RequestId,
    SellerId, SubjectRef, TenantId, derived_uuid,
};
pub use money::{Money, MoneyError, Rate, RateError};
pub use sealed::{KeyRef, Sealed};
pub use spreadsheet::spreadsheet_cell;
pub use time::{Clock, FixedClock, SystemClock, Timestamp, TimestampError};

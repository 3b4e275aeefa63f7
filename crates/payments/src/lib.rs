//! The edge to Stripe: signatures, messages in, calls out, and files of balance transactions.
//!
//! * [`StripeIntake`] verifies, seals and stores what Stripe delivers.
//! * [`StripeTranslator`] says what a stored message means.
//! * [`StripeGateway`] asks Stripe, and asks things of it.
//! * [`StripeBackfill`] fetches what could not be delivered.
//! * [`import`] reads balance transactions from Stripe's files.
//!
//! # Wiring
//!
//! ```text
//! let intake = StripeIntake::new(bus.clone(), secrets, Arc::new(SystemClock));
//! let translator: Arc<dyn Translator> = Arc::new(StripeTranslator::new());
//! // With a key only. `clock` is the tenant's: it ranks answers among Stripe's events.
//! let gateway = StripeGateway::try_new(StripeConfig::new(key), clock)?;
//! let port: Arc<dyn StripePort> = Arc::new(gateway);
//! let backfill = StripeBackfill::new(tenant, port.clone(), intake.clone());
//! ```

mod backfill;
pub mod classes;
mod clock;
#[cfg(test)]
mod end_to_end;
pub mod envelope;
pub mod facts;
pub mod import;
mod intake;
pub mod objects;
mod port;
pub mod signature;
pub mod translate;

pub use backfill::StripeBackfill;
pub use clock::TenantClock;
pub use intake::{EndpointSecret, RECEIVED, StripeIntake};
pub use port::{StripeConfig, StripeConfigError, StripeGateway};
pub use signature::Secret;
pub use translate::StripeTranslator;

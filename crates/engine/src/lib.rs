//! The machine between the rules and the stores: it sends commands, keeps the answers up to date,
//! lets policies react, fires timers, calls Stripe, works on Stripe's messages, replays, exports and
//! verifies. It knows no store and no transport in particular.
//!
//! Everything here may be killed at any point and started again: what was done is in the log, and
//! doing it again changes nothing.

mod alarms;
mod assumed;
mod backfill;
mod bus;
mod directory;
mod effects;
mod engine;
mod errands;
pub mod explain;
pub mod export;
mod fetches;
pub mod figures;
#[cfg(test)]
mod house;
mod lease;
pub mod merkle;
pub mod metrics_names;
mod policies;
pub mod ports;
mod projector;
pub mod reports;
pub mod sealing;
mod snapshots;
mod station;
pub mod stripe_metadata;
mod sweep;
#[cfg(test)]
mod testing;
mod timers;
mod transaction_index;
pub mod translator;
mod webhooks;
pub mod whatif;

pub use alarms::{by_now, open_alarms};
pub use assumed::{FreeMovement, Moved, assumed_record};
pub use backfill::BackfillStatus;
pub use bus::{
    Bus, DECISIONS_MAX, Envelope, Managed, Refusal, SendError, Sent, Target, TransactionIndex,
};
pub use directory::{TenantDirectory, TenantInfo};
pub use effects::{Call, EffectState, EffectStatus, StripeParams, StripeRequest};
pub use engine::{Engine, EngineParts, EngineStatus, NotSettled, Readiness, all_projections};
pub use ports::{
    Backfill, Backfilled, Intake, IntakeError, StripeCallError, StripePort, WebhookIntake,
};
pub use projector::{
    ProjectionStatus, Projector, ProjectorError, ReplayError, Replayed, WaitError, replay,
};
pub use sealing::{OpenError, SealError, Sealer};
pub use snapshots::SNAPSHOT_EVENTS;
pub use station::StationStatus;
pub use sweep::{SweepError, SweepReport, SweepStatus};
pub use timers::TimersStatus;
pub use transaction_index::{TransactionSource, TransactionSources};
pub use translator::{Fetch, Links, LinksUnavailable, ReceivedInfo, Translation, Translator, Want};

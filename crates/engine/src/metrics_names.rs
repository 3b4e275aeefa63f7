//! The names of the engine's metrics, once.

/// Commands, by aggregate and result.
pub const COMMANDS: &str = "daybook_commands_total";
/// Seconds a command took, by aggregate.
pub const COMMAND_SECONDS: &str = "daybook_command_seconds";
/// Commands that had to be decided again, by aggregate.
pub const CONFLICTS: &str = "daybook_command_conflicts_total";
/// Refusals that could not be recorded.
pub const REFUSALS_LOST: &str = "daybook_refusals_lost_total";
/// Events folded, by projection.
pub const FOLDED: &str = "daybook_projection_events_total";
/// Events a projection is behind the log, by projection.
pub const PROJECTION_LAG: &str = "daybook_projection_lag_events";
/// Projections that stand still, by projection: 1 or 0.
pub const PROJECTION_STOPPED: &str = "daybook_projection_stopped";
/// Invariants that are broken: open alarms, by invariant.
pub const ALARMS_OPEN: &str = "daybook_alarms_open";
/// Events a worker is behind the log, by worker.
pub const WORKER_LAG: &str = "daybook_worker_lag_events";
/// Times a worker had to try again, by worker.
pub const WORKER_RETRIES: &str = "daybook_worker_retries_total";
/// Times a worker went back to its bookmark because the log went on elsewhere, by worker.
pub const WORKER_RESTARTS: &str = "daybook_worker_restarts_total";
/// Commands of policies, by policy and result.
pub const REACTIONS: &str = "daybook_policy_commands_total";
/// Timers fired, by kind and result.
pub const TIMERS: &str = "daybook_timers_total";
/// Webhooks worked on, by result.
pub const WEBHOOKS: &str = "daybook_webhooks_total";
/// Calls to Stripe, by call and result.
pub const STRIPE_CALLS: &str = "daybook_stripe_calls_total";
/// Seconds a call to Stripe took, by call.
pub const STRIPE_CALL_SECONDS: &str = "daybook_stripe_call_seconds";

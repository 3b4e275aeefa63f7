//! What goes with a command, and what comes back.

use std::fmt::{self, Debug, Write};

use kernel::{Actor, ActorKind, Cause, RequestId, TenantId};
use serde::Serialize;
use store::{AppendError, Idempotency, LogError, Position, SealingKey};

/// Everything about a command that is not business.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Whose data.
    pub tenant: TenantId,
    /// The command's id: the same id again in the same tenant returns the first receipt.
    pub command_id: String,
    /// Who asks, in which request, because of what.
    pub cause: Cause,
    /// The caller's idempotency key, if he gave one.
    pub idempotency: Option<Idempotency>,
    /// Keys that seal parts of what will be stored.
    pub sealing_keys: Vec<SealingKey>,
    /// The caller believes that the stream does not exist yet; saves reading it. A wrong belief is
    /// found by the append and costs one more round, never a wrong decision.
    pub fresh: bool,
    /// The position of the fact that this reacts to; [`Position::START`] if there is none.
    pub reacts_to: Position,
}

impl Envelope {
    /// For a command with nothing special about it.
    #[must_use]
    pub fn new(tenant: TenantId, command_id: impl Into<String>, cause: Cause) -> Self {
        Self {
            tenant,
            command_id: command_id.into(),
            cause,
            idempotency: None,
            sealing_keys: Vec::new(),
            fresh: false,
            reacts_to: Position::START,
        }
    }

    /// For a request of an authenticated caller. The command's id derives from the caller's
    /// idempotency key where he gave one, otherwise from the request.
    #[must_use]
    pub fn of_request(
        tenant: TenantId,
        actor: Actor,
        request: RequestId,
        idempotency: Option<Idempotency>,
    ) -> Self {
        let command_id = idempotency
            .as_ref()
            .map_or_else(|| request.to_string(), |given| format!("key/{}", given.key));
        let cause = Cause {
            actor,
            request: Some(request),
            causation: None,
            correlation: request.to_string(),
            webhook: None,
        };
        Self { idempotency, ..Self::new(tenant, command_id, cause) }
    }

    /// Because of an operator at the command line.
    #[must_use]
    pub fn of_operator(tenant: TenantId, who: &str, request: RequestId) -> Self {
        let actor = Actor::new(ActorKind::Operator, who);
        Self::of_request(tenant, actor, request, None)
    }

    /// The stream is believed not to exist yet.
    #[must_use]
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// These keys travel with what will be stored.
    #[must_use]
    pub fn with_keys(mut self, keys: Vec<SealingKey>) -> Self {
        self.sealing_keys = keys;
        self
    }
}

/// A command was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The version of the stream afterwards (for a repeated command: after its first time).
    pub version: u64,
    /// The position of the first event it stored, if it stored any.
    pub first: Option<Position>,
    /// Read the answers at or after this position to see what it did.
    pub position: Position,
    /// It had been stored before; nothing was stored now.
    pub replayed: bool,
    /// How many events it stored, now or the first time. 0: there was nothing to change.
    pub events: usize,
}

/// Why a command was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError<E: std::error::Error> {
    /// The rules say no. Nothing has changed.
    #[error("{0}")]
    Refused(E),
    /// Others were faster each time; nothing has changed. Try again.
    #[error("too many changes at once; try again")]
    Busy,
    /// The idempotency key was used for another request.
    #[error("this idempotency key was already used for another request; use a new key")]
    IdempotencyKeyReused,
    /// There is no such tenant.
    #[error("there is no such tenant")]
    TenantUnknown,
    /// The tenant may not write now.
    #[error("the tenant is suspended: {reason}")]
    TenantSuspended {
        /// Why.
        reason: String,
    },
    /// Certain: nothing has changed. The log cannot be reached; try again.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// Whether it was stored is not known; send the same command with the same id again.
    #[error("the outcome is not known: {0}")]
    Unknown(String),
    /// It cannot be stored as it is (too large, an id that is too long).
    #[error("it cannot be stored: {0}")]
    Invalid(String),
    /// The log contradicts itself.
    #[error("the log is corrupt: {0}")]
    Corrupt(String),
}

impl<E: std::error::Error> SendError<E> {
    /// Whether the same command may succeed later without anything else changing.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_) | Self::Unknown(_) | Self::Corrupt(_))
    }

    /// The same with another kind of refusal.
    pub fn map<F: std::error::Error>(self, refusal: impl FnOnce(E) -> F) -> SendError<F> {
        match self {
            Self::Refused(error) => SendError::Refused(refusal(error)),
            Self::Busy => SendError::Busy,
            Self::IdempotencyKeyReused => SendError::IdempotencyKeyReused,
            Self::TenantUnknown => SendError::TenantUnknown,
            Self::TenantSuspended { reason } => SendError::TenantSuspended { reason },
            Self::Unavailable(problem) => SendError::Unavailable(problem),
            Self::Unknown(problem) => SendError::Unknown(problem),
            Self::Invalid(problem) => SendError::Invalid(problem),
            Self::Corrupt(problem) => SendError::Corrupt(problem),
        }
    }
}

impl<E: std::error::Error> From<LogError> for SendError<E> {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(problem) => Self::Unavailable(problem),
            LogError::Corrupt(problem) => Self::Corrupt(problem),
        }
    }
}

impl<E: std::error::Error> From<AppendError> for SendError<E> {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } => Self::Busy,
            AppendError::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            AppendError::Unknown(problem) => Self::Unknown(problem),
            AppendError::Unavailable(problem) => Self::Unavailable(problem),
            AppendError::Corrupt(problem) => Self::Corrupt(problem),
            refused @ (AppendError::AlreadyStored(_)
            | AppendError::TooLarge { .. }
            | AppendError::Invalid(_)) => Self::Invalid(refused.to_string()),
        }
    }
}

/// A refusal of any aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable: `{aggregate}.{why}`, such as `order.already_paid`.
    pub code: String,
    /// In words.
    pub message: String,
}

/// The name of a command's variant as events spell theirs: `ConfirmPayment { .. }` becomes
/// `confirm_payment`.
pub(crate) fn variant_name(command: &impl Debug) -> String {
    let mut name = First(String::new());
    // Stops, as an error, after the first word; there is nothing to report.
    let _stopped = write!(name, "{command:?}");
    let mut snake = String::new();
    for letter in name.0.chars().take_while(|letter| letter.is_alphanumeric()) {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

struct First(String);

impl Write for First {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.0.is_empty() {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_after_its_variant() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "the fields are there to be left out")]
        enum Deed {
            Plant,
            PickApples { count: u8 },
            SellTo(&'static str),
        }
        assert_eq!(variant_name(&Deed::Plant), "plant");
        assert_eq!(variant_name(&Deed::PickApples { count: 3 }), "pick_apples");
        assert_eq!(variant_name(&Deed::SellTo("Orla Orchard")), "sell_to");
    }
}

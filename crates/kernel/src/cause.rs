//! Who asked, in which request, and because of what: the part of an event that is not business.

use serde::{Deserialize, Serialize};

use crate::{RequestId, TenantId, Timestamp};

/// What kind of somebody acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person or program holding an API key.
    ApiKey,
    /// A guest holding an order's token.
    Guest,
    /// Stripe, by a verified webhook or an answer to our question.
    Stripe,
    /// A policy of Daybook's: "whenever X, then Y".
    Policy,
    /// A durable timer.
    Timer,
    /// An operator at the command line.
    Operator,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// Which one: a key id, a policy's name, a webhook's event id.
    pub id: String,
    /// In which role, where roles exist (`platform_admin`, `seller_owner`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Actor {
    /// Somebody without a role.
    #[must_use]
    pub fn new(kind: ActorKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), role: None }
    }
}

/// Live money, or play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Real money.
    Live,
    /// Test data; may have a test clock.
    Sandbox,
}

/// Why an event exists. Turned into metadata once, when it is appended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Who asked.
    pub actor: Actor,
    /// The request it came in, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// The id of the event that led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<String>,
    /// What all consequences of one first cause share.
    pub correlation: String,
    /// The Stripe event (`evt_...`) that brought the news, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

/// What an aggregate may know beside its state and the command: `cqrs_es`'s services.
#[derive(Debug, Clone)]
pub struct Context {
    /// Whose data this is.
    pub tenant: TenantId,
    /// Live or sandbox.
    pub mode: Mode,
    /// The present instant, read once per command.
    pub now: Timestamp,
    /// Who asked, and why.
    pub cause: Cause,
}

impl Context {
    /// The one reading of the clock that this command may use.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }
}

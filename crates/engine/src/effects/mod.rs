//! The worker that makes our calls to Stripe: driven by the log, announced before, recorded after,
//! and looked up at Stripe before anything is sent a second time.

mod open;
mod perform;
mod request;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use aggregates::{fact::Fact, order::events::OrderEvent};
use async_trait::async_trait;
use kernel::{Actor, ActorKind, Cause, TenantId};
use serde::Serialize;
use store::{Metadata, Position, Recorded, StreamId};

pub use open::{Call, EffectState};
pub use request::{StripeParams, StripeRequest};

use crate::{
    bus::{Bus, now_of},
    ports::StripePort,
    station::{Problem, Routed, Station},
};
use open::{OpenEffect, open_effects};

/// A call to Stripe that has no outcome yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectStatus {
    /// Whose.
    pub tenant: TenantId,
    /// What it is for: `refund-ten_.../rfd_...`.
    pub stream: String,
    /// The call, `create_refund`.
    pub call: &'static str,
    /// How it stands.
    pub state: EffectState,
    /// What to do by hand in Stripe where no key is configured, with the metadata to set.
    pub by_hand: String,
    /// The same for programs.
    #[serde(flatten)]
    pub request: StripeRequest,
}

/// Makes the calls, or keeps the list of what is to be done by hand where there is no key.
#[derive(Debug)]
pub(crate) struct Effects {
    bus: Bus,
    port: Option<Arc<dyn StripePort>>,
    /// Calls announced up to here may have been made before this process started.
    started_at: Position,
    open: Mutex<BTreeMap<StreamId, Vec<EffectStatus>>>,
}

/// Look whether a stream has a call to be made.
#[derive(Debug)]
pub(crate) struct Look {
    stream: StreamId,
    position: Position,
    cause: Cause,
    /// The order is over: its open session is to be closed.
    expire_session: bool,
}

impl Effects {
    /// `started_at` is the head of the log when the process started.
    pub(crate) fn new(bus: Bus, port: Option<Arc<dyn StripePort>>, started_at: Position) -> Self {
        Self { bus, port, started_at, open: Mutex::default() }
    }

    /// Every call without an outcome.
    pub(crate) fn status(&self) -> Vec<EffectStatus> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().flatten().cloned().collect()
    }

    /// The calls a stream still has to make, as the log has it now.
    async fn look(&self, stream: &StreamId) -> Result<Vec<OpenEffect>, Problem> {
        let mut facts = Vec::new();
        let mut version = 0;
        loop {
            let page = self.bus.log().read_stream(stream, version, 500).await?;
            let ended = page.len() < 500;
            for recorded in page {
                version = recorded.version;
                facts.push(decode(&recorded)?);
            }
            if ended {
                break;
            }
        }
        let effects = open_effects(stream, &facts);
        let shown: Vec<EffectStatus> = effects
            .iter()
            .map(|effect| EffectStatus {
                tenant: stream.tenant,
                stream: stream.to_string(),
                call: effect.call.name(),
                state: effect.state,
                by_hand: effect.call.by_hand(),
                request: effect.call.request(),
            })
            .collect();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.is_empty() {
            open.remove(stream);
        } else {
            open.insert(stream.clone(), shown);
        }
        Ok(effects)
    }

    async fn expire_sessions(&self, look: &Look, port: &dyn StripePort) -> Result<(), Problem> {
        let now = now_of(&self.bus, look.stream.tenant).await?;
        for recorded in self.bus.log().read_stream(&look.stream, 0, 500).await? {
            if let Fact::Order(OrderEvent::CheckoutStarted { session, session_expires_at, .. }) =
                decode(&recorded)?
                && session_expires_at > now
            {
                perform::expire_session(port, look.stream.tenant, &session).await?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Station for Effects {
    type Job = Look;

    fn name(&self) -> &'static str {
        "effects"
    }

    /// Without a key nothing is ever done, so nothing is passed by: a key configured later finds
    /// everything.
    fn keeps_bookmark(&self) -> bool {
        self.port.is_some()
    }

    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Look>>, Problem> {
        let mut routed = Vec::new();
        for recorded in page {
            let expire_session =
                matches!(&*recorded.event_type, "order.expired" | "order.cancelled");
            let about_a_call =
                matches!(&*recorded.stream.category, "refund" | "payment" | "payout" | "dispute")
                    && concerns_a_call(&recorded.event_type);
            let may_expire = expire_session && self.port.is_some();
            if !(about_a_call || may_expire) {
                continue;
            }
            let metadata = Metadata::from_json(&recorded.metadata)
                .map_err(|error| Problem(format!("position {}: {error}", recorded.position)))?;
            let cause = Cause {
                actor: Actor::new(ActorKind::Policy, "effects"),
                causation: Some(recorded.id.to_string()),
                ..metadata.cause
            };
            routed.push(Routed {
                position: recorded.position,
                lane: recorded.stream.to_string(),
                job: Look {
                    stream: recorded.stream.clone(),
                    position: recorded.position,
                    cause,
                    expire_session,
                },
            });
        }
        Ok(routed)
    }

    async fn work(&self, look: &Look, attempt: u32) -> Result<(), Problem> {
        if look.expire_session {
            return match &self.port {
                Some(port) => self.expire_sessions(look, &**port).await,
                None => Ok(()),
            };
        }
        let effects = self.look(&look.stream).await?;
        let Some(port) = &self.port else { return Ok(()) };
        // What another process of ours may have sent is looked for before it is sent.
        let perhaps_sent = attempt > 0 || look.position <= self.started_at;
        let mut failed = None;
        for effect in effects {
            if let Err(problem) = self.perform(port, look, effect, perhaps_sent).await {
                failed = Some(problem);
            }
        }
        self.look(&look.stream).await?;
        failed.map_or(Ok(()), Err)
    }
}

/// Whether an event of this type opens a call or ends one.
fn concerns_a_call(event_type: &str) -> bool {
    matches!(
        event_type,
        "refund.approved"
            | "refund.submitted"
            | "refund.submit_unknown"
            | "refund.submit_refused"
            | "refund.accepted"
            | "refund.retried"
            | "refund.paid_externally"
            | "refund.forgone"
            | "refund.reverted"
            | "refund.failed"
            | "refund.canceled"
            | "payment.requested"
            | "payment.request_unknown"
            | "payment.request_refused"
            | "payment.session_opened"
            | "payment.captured"
            | "payment.canceled"
            | "payment.session_expired"
            | "payout.transfer_submitted"
            | "payout.transfer_unknown"
            | "payout.transfer_deferred"
            | "payout.transfer_created"
            | "payout.bank_submitted"
            | "payout.bank_unknown"
            | "payout.bank_refused"
            | "payout.sent"
            | "payout.rejected"
            | "payout.paid"
            | "payout.failed"
            | "payout.canceled"
            | "payout.reversal_submitted"
            | "payout.reversal_unknown"
            | "payout.reversal_refused"
            | "payout.transfer_reversed"
            | "dispute.evidence_submitted"
            | "dispute.accepted"
            | "dispute.call_confirmed"
            | "dispute.call_unknown"
            | "dispute.call_refused"
            | "dispute.closed"
    )
}

fn decode(recorded: &Recorded) -> Result<Fact, Problem> {
    Fact::decode(&recorded.stream.category, &recorded.payload)
        .map_err(|error| Problem(format!("position {}: {error}", recorded.position)))
}

//! The worker that makes our calls to Stripe: driven by the log, announced before, recorded after,
//! and looked up at Stripe before anything is sent a second time.

mod open;
mod perform;
mod request;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aggregates::{fact::Fact, order::events::OrderEvent};
use async_trait::async_trait;
use kernel::{Actor, ActorKind, Cause, TenantId};
use serde::Serialize;
use store::{Log, LogError, Metadata, Position, Recorded, StreamId, whole_stream};

pub use open::{Call, EffectState};
pub use request::{StripeParams, StripeRequest};
pub(crate) use shown::{Counted, counted, shown, tenants};

use crate::{
    bus::{Bus, now_of},
    lease::Post,
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

/// Makes the calls. Without a key it does not run, and begins where it stopped once there is one.
#[derive(Debug)]
pub(crate) struct Effects {
    bus: Bus,
    port: Arc<dyn StripePort>,
    post: Arc<Post>,
    /// Calls announced up to here may have been made by another process, or by an earlier one: the
    /// head of the log when this one took over.
    began_at: AtomicU64,
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
    pub(crate) fn new(bus: Bus, port: Arc<dyn StripePort>, post: Arc<Post>) -> Self {
        Self { bus, port, post, began_at: AtomicU64::new(u64::MAX) }
    }

    /// Returns when everything that a call rests on is as durable as the log promises, if the work
    /// is still ours then. Directly before each call that changes something at Stripe.
    async fn may_leave(&self, known: Known) -> Result<(), Problem> {
        let log = self.bus.log();
        log.ensure_durable(known.position).await?;
        if log.timeline() != known.timeline {
            return Err(Problem("the log went on elsewhere".to_owned()));
        }
        if !self.post.is_ours() {
            return Err(Problem("another process may be making our calls to Stripe".to_owned()));
        }
        Ok(())
    }

    async fn expire_sessions(&self, look: &Look, port: &dyn StripePort) -> Result<(), Problem> {
        let now = now_of(&self.bus, look.stream.tenant).await?;
        let timeline = self.bus.log().timeline();
        for recorded in self.bus.log().read_stream(&look.stream, 0, 500).await? {
            if let Fact::Order(OrderEvent::CheckoutStarted { session, session_expires_at, .. }) =
                decode(&recorded)?
                && session_expires_at > now
            {
                let position = look.position.max(recorded.position);
                self.may_leave(Known { position, timeline }).await?;
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

    async fn prepare(&self, _from: Position) -> Result<(), Problem> {
        let head = self.bus.log().head().await?.position;
        self.began_at.store(head.0, Ordering::SeqCst);
        Ok(())
    }

    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Look>>, Problem> {
        let mut routed = Vec::new();
        for recorded in page {
            let expire_session =
                matches!(&*recorded.event_type, "order.expired" | "order.cancelled");
            let about_a_call =
                matches!(&*recorded.stream.category, "refund" | "payment" | "payout" | "dispute")
                    && concerns_a_call(&recorded.event_type);
            if !(about_a_call || expire_session) {
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
            return self.expire_sessions(look, &*self.port).await;
        }
        let Open { effects, known } = open_of(&**self.bus.log(), &look.stream).await?;
        let known = Known { position: known.position.max(look.position), ..known };
        // What another process of ours may have sent is looked for before it is sent.
        let perhaps_sent = attempt > 0 || look.position.0 <= self.began_at.load(Ordering::SeqCst);
        let mut failed = None;
        for effect in effects {
            if let Err(problem) = self.perform(look, effect, known, perhaps_sent).await {
                failed = Some(problem);
            }
        }
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

/// The calls that a stream still has to make.
struct Open {
    effects: Vec<OpenEffect>,
    known: Known,
}

/// What a call rests on: the log up to a position, as it was on one timeline.
#[derive(Debug, Clone, Copy)]
struct Known {
    position: Position,
    timeline: u64,
}

/// The calls that a stream still has to make, as the log has it now.
async fn open_of(log: &dyn Log, stream: &StreamId) -> Result<Open, LogError> {
    let timeline = log.timeline();
    let events = whole_stream(log, stream).await?;
    let facts = events.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let position = events.last().map_or(Position::START, |last| last.position);
    let known = Known { position, timeline };
    Ok(Open { effects: open_effects(stream, &facts), known })
}

fn decode(recorded: &Recorded) -> Result<Fact, LogError> {
    Fact::decode(&recorded.stream.category, &recorded.payload)
        .map_err(|error| LogError::Corrupt(format!("position {}: {error}", recorded.position)))
}

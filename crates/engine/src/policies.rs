//! The worker that lets policies react: each fact, its reactions, each with an id of its own.

use std::{convert::Infallible, sync::Arc, time::Duration};

use aggregates::{
    fact::Fact,
    policies::{Reaction, react},
};
use async_trait::async_trait;
use kernel::{Actor, ActorKind, Cause, derived_uuid};
use store::{LogError, Metadata, Position, Recorded, follow};
use tokio::time::sleep;

use crate::{
    bus::{Bus, Envelope, SendError, Target},
    metrics_names as names,
    station::{Problem, Routed, Station},
};

/// How long the tenants may be out of date after the log could not be read.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Sends what policies want done about each fact.
#[derive(Debug)]
pub(crate) struct Policies {
    pub(crate) bus: Bus,
}

/// The reactions to one fact, in order.
pub(crate) struct Reactions {
    event: String,
    position: Position,
    tenant: kernel::TenantId,
    metadata: Metadata,
    reactions: Vec<Reaction>,
}

#[async_trait]
impl Station for Policies {
    type Job = Reactions;

    fn name(&self) -> &'static str {
        "policies"
    }

    /// Up to here, another process has seen to it; this one may have missed what tenants did.
    async fn prepare(&self, _from: Position) -> Result<(), Problem> {
        Ok(self.bus.directory().refresh_known().await?)
    }

    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Reactions>>, Problem> {
        let mut routed = Vec::new();
        for recorded in page {
            match &*recorded.stream.category {
                // Sealed messages are long, and what they say becomes facts of other streams.
                "stripe_event" => continue,
                "tenant" => {
                    self.bus.directory().refresh(recorded.stream.tenant).await?;
                }
                _ => {}
            }
            let fact = Fact::decode(&recorded.stream.category, &recorded.payload)
                .map_err(|error| Problem(format!("position {}: {error}", recorded.position)))?;
            let reactions = react(&fact, &recorded.stream.id);
            if reactions.is_empty() {
                continue;
            }
            let metadata = Metadata::from_json(&recorded.metadata)
                .map_err(|error| Problem(format!("position {}: {error}", recorded.position)))?;
            routed.push(Routed {
                position: recorded.position,
                // Facts of one stream stay in order; different streams go side by side.
                lane: recorded.stream.to_string(),
                job: Reactions {
                    event: recorded.id.to_string(),
                    position: recorded.position,
                    tenant: recorded.stream.tenant,
                    metadata,
                    reactions,
                },
            });
        }
        Ok(routed)
    }

    async fn work(&self, job: &Reactions, _attempt: u32) -> Result<(), Problem> {
        for (at, Reaction { policy, command }) in job.reactions.iter().enumerate() {
            // Counted per policy, so that another policy's reactions do not move the ids.
            let earlier = job.reactions.iter().take(at).filter(|other| other.policy == *policy);
            let envelope = envelope(job, policy, earlier.count());
            let target = Target::of(command);
            let result = match self.bus.dispatch(command.clone(), envelope).await {
                Ok(sent) if sent.events == 0 => "unchanged",
                Ok(_) => "stored",
                Err(SendError::Refused(refusal)) => {
                    // Some are expected: the world has moved on since the fact.
                    tracing::info!(
                        policy,
                        command = target.command,
                        target = target.id,
                        code = refusal.code,
                        "a policy's command was refused: {refusal}"
                    );
                    "refused"
                }
                Err(error) => {
                    return Err(Problem(format!(
                        "{policy}: {} of {} after position {}: {error}",
                        target.command, target.id, job.position
                    )));
                }
            };
            metrics::counter!(names::REACTIONS, "policy" => *policy, "result" => result)
                .increment(1);
        }
        Ok(())
    }

    /// While another process reacts, somebody must still notice here what tenants do: their clocks,
    /// their secrets, whether they may write.
    async fn meanwhile(&self) {
        loop {
            let Err(error) = self.follow_tenants().await;
            tracing::debug!(%error, "the tenants are read again");
            sleep(LOOK_AGAIN_AFTER).await;
        }
    }
}

impl Policies {
    async fn follow_tenants(&self) -> Result<Infallible, LogError> {
        let (log, directory) = (self.bus.log(), self.bus.directory());
        let head = log.head().await?.position;
        directory.refresh_known().await?;
        let mut reader = follow(Arc::clone(log), head);
        loop {
            for recorded in reader.next_page().await? {
                if &*recorded.stream.category == "tenant" {
                    directory.refresh(recorded.stream.tenant).await?;
                }
            }
        }
    }
}

fn envelope(job: &Reactions, policy: &'static str, n: usize) -> Envelope {
    let Reactions { event, position, tenant, metadata, .. } = job;
    let id = reaction_id(*tenant, event, policy, n);
    let cause = Cause {
        actor: Actor::new(ActorKind::Policy, policy),
        request: metadata.cause.request,
        causation: Some(event.clone()),
        correlation: metadata.cause.correlation.clone(),
        webhook: metadata.cause.webhook.clone(),
    };
    Envelope { reacts_to: *position, ..Envelope::new(*tenant, id, cause) }
}

/// The id of the command that a policy has sent as its `n`-th reaction to an event.
pub(crate) fn reaction_id(
    tenant: kernel::TenantId,
    event: &str,
    policy: &'static str,
    n: usize,
) -> String {
    let id = derived_uuid(&["policy", &tenant.to_string(), event, policy, &n.to_string()]);
    format!("policy/{id}")
}

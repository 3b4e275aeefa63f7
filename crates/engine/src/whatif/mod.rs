//! Real history under another policy: the same payments, refunds and payouts, with every decision of
//! ours about money taken anew by the real aggregates and policies, in the same order, into a scratch
//! log. See docs/decisions/0015.

mod agenda;
mod books;
mod outside;
mod policy;
mod report;
mod seam;
#[cfg(test)]
mod tests;
mod world;

use std::sync::Arc;

use aggregates::fact::Fact;
use kernel::{ActorKind, TenantId};
use store::{Log, LogError, Metadata, Position, Recorded};

pub use policy::{PolicyChange, PolicyChangeError, TermChange};
pub use report::{AccountRow, Decisions, Remark, RemarkKind, Report, SellerRow, TrialRow};

use agenda::Agenda;
use seam::Step;
use world::World;

const PAGE_EVENTS: usize = 2000;

/// Which part of history is replayed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope {
    /// Only this tenant's.
    pub tenant: Option<TenantId>,
    /// Only up to this position, and to the end of the commit it lies in.
    pub through: Option<Position>,
}

/// How far it is. History is read twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Which decisions history holds is being read.
    Reading(Position),
    /// They are being taken anew.
    Deciding(Position),
}

/// Why a what-if came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// A log cannot be read, or the scratch log not written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An event cannot be understood or posted.
    #[error("position {position}: {problem}")]
    Event {
        /// Where, in the log it stands in.
        position: Position,
        /// Why.
        problem: String,
    },
    /// The terms do not make a policy.
    #[error(transparent)]
    Policy(#[from] PolicyChangeError),
    /// A command could neither be decided nor refused.
    #[error("{command} of {target}: {problem}")]
    Command {
        /// The command.
        command: String,
        /// Whom it was for.
        target: String,
        /// What happened.
        problem: String,
    },
}

/// Replays a log under other terms into an empty scratch log. The real log is only read.
///
/// # Errors
/// [`WhatIfError`].
pub async fn what_if(
    real: &dyn Log,
    scratch: Arc<dyn Log>,
    change: PolicyChange,
    scope: Scope,
    mut progress: impl FnMut(Stage) + Send,
) -> Result<Report, WhatIfError> {
    let head = real.head().await?.position;
    let through = scope.through.unwrap_or(head).min(head);
    let mut agenda = Agenda::default();
    let mut after = Position::START;
    while after < head {
        let page = real.read_all(after, PAGE_EVENTS).await?;
        let Some(last) = page.events.last().map(|recorded| recorded.position) else { break };
        for recorded in page.events.iter().filter(|one| is_wanted(one, scope)) {
            let metadata = metadata_of(recorded)?;
            if matches!(metadata.cause.actor.kind, ActorKind::Policy | ActorKind::Timer) {
                agenda.expect(&metadata.command);
            }
        }
        after = last;
        progress(Stage::Reading(after));
    }
    let mut world = World::new(scratch, change, agenda);
    let mut steps = Steps::default();
    let mut after = Position::START;
    'pages: while after < head {
        let page = real.read_all(after, PAGE_EVENTS).await?;
        let Some(last) = page.events.last().map(|recorded| recorded.position) else { break };
        for recorded in page.events {
            if !is_wanted(&recorded, scope) {
                continue;
            }
            let position = recorded.position;
            if let Some(step) = steps.take(recorded)? {
                world.take(&step).await?;
                if position > through {
                    break 'pages;
                }
            }
        }
        after = last;
        progress(Stage::Deciding(after.min(through)));
    }
    // The event that ended the loop, if one did, is the first of a later commit.
    if let Some(step) = steps.rest(through) {
        world.take(&step).await?;
    }
    world.conclude().await
}

/// Messages of Stripe's are long, and what they say stands in the facts they became.
fn is_wanted(recorded: &Recorded, scope: Scope) -> bool {
    &*recorded.stream.category != "stripe_event"
        && scope.tenant.is_none_or(|tenant| recorded.stream.tenant == tenant)
}

fn metadata_of(recorded: &Recorded) -> Result<Metadata, WhatIfError> {
    Metadata::from_json(&recorded.metadata).map_err(|error| at(recorded, &error))
}

fn fact_of(recorded: &Recorded) -> Result<Fact, WhatIfError> {
    Fact::decode(&recorded.stream.category, &recorded.payload).map_err(|error| at(recorded, &error))
}

fn at(recorded: &Recorded, problem: &impl ToString) -> WhatIfError {
    WhatIfError::Event { position: recorded.position, problem: problem.to_string() }
}

/// Puts the events of one commit together again.
#[derive(Default)]
struct Steps(Option<Step>);

impl Steps {
    /// Takes an event, and gives the commit before it if it begins another.
    fn take(&mut self, recorded: Recorded) -> Result<Option<Step>, WhatIfError> {
        let (metadata, fact) = (metadata_of(&recorded)?, fact_of(&recorded)?);
        if let Some(step) = &mut self.0
            && step.metadata.command == metadata.command
            && step.events.first().is_some_and(|(first, _)| first.stream == recorded.stream)
        {
            step.events.push((recorded, fact));
            return Ok(None);
        }
        Ok(self.0.replace(Step { metadata, events: vec![(recorded, fact)] }))
    }

    fn rest(self, through: Position) -> Option<Step> {
        self.0.filter(|step| step.events.first().is_some_and(|(one, _)| one.position <= through))
    }
}

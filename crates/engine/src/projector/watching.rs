//! Answering while another process keeps the read models up to date: its checkpoints say how far it
//! has come.

use std::{sync::PoisonError, time::Duration};

use store::{Checkpoint, Position, RowHash};
use tokio::time::{sleep, timeout};

use super::{ProjectionStatus, Projector, ProjectorError, running::fits};
use crate::lease::Post;

/// How often checkpoints are read while they are behind the log.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often when they are at its end.
const LOOK_WHEN_IDLE: Duration = Duration::from_millis(500);
/// How soon after the log has grown.
const LOOK_AFTER_GROWTH: Duration = Duration::from_millis(15);
/// Every so many looks, it is asked anew which version is live.
const LIVE_EVERY: u32 = 10;

/// What is known of one projection.
#[derive(Debug, Clone, Default)]
struct Seen {
    checkpoint: Option<Checkpoint>,
    live: bool,
}

impl Projector {
    /// Keeps the status true while another process keeps the read models up to date. Never returns.
    pub(crate) async fn watch_others(&self, post: &Post) {
        let mut seen = vec![Seen::default(); self.projections().len()];
        let mut grown = self.log.watch();
        let mut asked = self.rebuild_asked.subscribe();
        let mut verified = None;
        for looks in 0_u32.. {
            grown.borrow_and_update();
            asked.borrow_and_update();
            let timeline = self.log.timeline();
            let again = looks.is_multiple_of(LIVE_EVERY) || verified != Some(timeline);
            let looked = self.look(&mut seen, again, verified != Some(timeline)).await;
            let pause = match &looked {
                Ok(fit) => {
                    verified = fit.then_some(timeline);
                    let head = *self.log.watch().borrow();
                    let there = seen.iter().all(|one| one.live && one.position() >= head);
                    if there { LOOK_WHEN_IDLE } else { LOOK_EVERY }
                }
                Err(error) => {
                    tracing::debug!(%error, "the checkpoints could not be read");
                    LOOK_EVERY
                }
            };
            let fit = looked.is_ok() && verified == Some(timeline);
            self.tell(&seen, looked.err().map(|error| error.to_string()), post);
            if fit {
                self.verified.send_replace(Some(timeline));
            }
            tokio::select! {
                changed = timeout(pause, grown.changed()) => match changed {
                    Ok(Ok(())) => sleep(LOOK_AFTER_GROWTH).await,
                    // The log is closed, which others will notice.
                    Ok(Err(_)) => sleep(pause).await,
                    Err(_) => {}
                },
                _ = asked.changed() => {}
            }
        }
    }

    /// Looks once. `false` when a checkpoint does not fit the log, which its holder will find out.
    async fn look(
        &self,
        seen: &mut [Seen],
        ask_what_is_live: bool,
        verify: bool,
    ) -> Result<bool, ProjectorError> {
        self.discard_asked().await?;
        let stored = self.views.checkpoints().await?;
        let mut fit = true;
        for (projection, one) in self.projections().iter().zip(seen) {
            let versioned = format!("{}@{}", projection.name(), projection.version());
            let found = stored.iter().find(|found| found.projection == versioned).cloned();
            let Some(found) = found else {
                *one = Seen::default();
                continue;
            };
            if verify && !fits(&found, &*self.log).await? {
                *one = Seen::default();
                fit = false;
                continue;
            }
            if ask_what_is_live || !one.live || found.position < one.position() {
                let live = self.views.live(projection.name()).await?;
                one.live = live.as_deref() == Some(versioned.as_str());
            }
            one.checkpoint = Some(found);
        }
        Ok(fit)
    }

    /// What this process was asked to rebuild is discarded here, and built anew by whoever keeps it.
    async fn discard_asked(&self) -> Result<(), ProjectorError> {
        let asked = self.rebuild.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for projection in self.projections().iter().filter(|one| asked.contains(one.name())) {
            let versioned = format!("{}@{}", projection.name(), projection.version());
            self.views.discard(&versioned, projection.tables()).await?;
            let mut asked = self.rebuild.lock().unwrap_or_else(PoisonError::into_inner);
            asked.remove(projection.name());
        }
        Ok(())
    }

    fn tell(&self, seen: &[Seen], problem: Option<String>, post: &Post) {
        let (head, held_by) = (*self.log.watch().borrow(), post.held_by());
        let status = self.projections().iter().zip(seen).map(|(projection, one)| {
            let checkpoint = one.checkpoint.as_ref();
            ProjectionStatus {
                name: projection.name(),
                version: projection.version(),
                position: one.position(),
                lag: head.0.saturating_sub(one.position().0),
                rows: checkpoint.map_or(0, |at| at.rows),
                state_hash: checkpoint
                    .map_or_else(|| RowHash::ZERO.to_string(), |at| at.state_hash.clone()),
                live: one.live,
                stopped: checkpoint.and_then(|at| at.stopped.clone()),
                problem: problem.clone(),
                held_by: held_by.clone(),
            }
        });
        self.publish(status.collect());
    }
}

impl Seen {
    fn position(&self) -> Position {
        self.checkpoint.as_ref().map_or(Position::START, |at| at.position)
    }
}

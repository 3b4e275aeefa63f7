//! The worker that fires durable timers: rows that are due, one command each, again after a crash.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aggregates::policies::timers::{Timer, TimerKind};
use chrono_tz::Tz;
use futures::{StreamExt, stream};
use kernel::{Actor, ActorKind, Cause, Mode, TenantId, Timestamp, derived_uuid};
use projections::timers::TimerRow;
use serde::Serialize;
use store::{Direction, Field, Filter, Position, Query, Table, Value, Views, ViewsError, ViewsExt};
use tokio::{sync::watch, time::timeout};

use crate::{
    bus::{Bus, Envelope, SendError},
    metrics_names as names,
    projector::Projector,
    station::{BOOKMARK_EVERY, Backoff, Problem, Reached, Stop},
};

/// The projection that keeps the timers.
const PROJECTION: &str = "timers";
/// Under which name the log remembers where nothing was due, for processes that do not fire.
pub(crate) const BOOKMARK: &str = "timers";
/// How many timers are fired before everybody else gets to react to them.
const FIRED_AT_ONCE: usize = 256;
/// How many different subjects are spoken to side by side.
const SUBJECTS_AT_ONCE: usize = 32;
/// Timers further apart than this do not fire side by side: what the earlier one sets off comes
/// first, also when a test clock jumps over both.
const SLICE_SECONDS: i64 = 3600;
/// The table is looked at at least so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A timer that was too early, or is refused, is left alone for so long.
const LEFT_ALONE: Duration = Duration::from_secs(60);
/// How many timers are remembered as done before they are forgotten.
const RESTING_MAX: usize = 50_000;
/// How long the answers and policies may take before the next slice.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the timers stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct TimersStatus {
    /// The projections' position when the last look began that found nothing due.
    pub idle_at: Position,
    /// Timers fired since the start.
    pub fired: u64,
    /// Timers that were refused since the start, and are tried again later.
    pub refused: u64,
    /// What it is trying again because of, if it is.
    pub problem: Option<String>,
    /// The other process that fires them, if it is not this one.
    pub held_by: Option<String>,
}

/// Fires timers.
pub(crate) struct Timers {
    bus: Bus,
    views: Arc<dyn Views>,
    projector: Arc<Projector>,
    /// Everything policies have reacted to.
    policies: Reached,
    /// Timers that are left alone until then, by tenant, key and due time.
    resting: Mutex<HashMap<(TenantId, String, Timestamp), Resting>>,
    status: watch::Sender<TimersStatus>,
    /// The timeline of the log, and where nothing was due on it.
    idle: watch::Sender<(u64, Position)>,
}

#[derive(Debug, Clone, Copy)]
enum Resting {
    /// It has done all it can; its row goes when the fact that clears it comes.
    Done,
    /// Not before then, unless the tenant's clock has moved beyond this instant.
    Until(Instant, Timestamp),
}

/// What firing one timer came to.
enum Fired {
    /// It stored something at this position.
    Stored(Position),
    Unchanged,
    Refused,
    TooEarly,
}

impl Timers {
    /// `None` when no projection keeps a table of timers.
    pub(crate) fn new(
        bus: Bus,
        views: Arc<dyn Views>,
        projector: Arc<Projector>,
        policies: Reached,
    ) -> Option<Self> {
        let kept = projector
            .projections()
            .iter()
            .any(|known| known.tables().iter().any(|table| table.name == TimerRow::TABLE.name));
        if !kept {
            return None;
        }
        Some(Self {
            bus,
            views,
            projector,
            policies,
            resting: Mutex::default(),
            status: watch::Sender::default(),
            idle: watch::Sender::default(),
        })
    }

    pub(crate) fn watch(&self) -> watch::Receiver<TimersStatus> {
        self.status.subscribe()
    }

    /// The timeline of the log, and where nothing was due on it.
    pub(crate) fn idle(&self) -> watch::Receiver<(u64, Position)> {
        self.idle.subscribe()
    }

    /// Fires timers until told to stop.
    pub(crate) async fn run(&self, mut stop: Stop) {
        let mut backoff = Backoff::new();
        let mut moved = self.projector.watch();
        let mut begun = None;
        let mut noted = None;
        while !stop.is_set() {
            let timeline = self.bus.log().timeline();
            if begun.replace(timeline) != Some(timeline) {
                // What was fired before, by us or anybody, may have been taken back.
                self.resting().clear();
                self.status.send_modify(|status| status.idle_at = Position::START);
                noted = None;
            }
            moved.borrow_and_update();
            let at = self.position();
            match self.fire_due(&mut stop, timeline).await {
                Ok(true) => {
                    backoff = Backoff::new();
                    continue;
                }
                Ok(false) => {
                    backoff = Backoff::new();
                    self.status.send_modify(|status| {
                        status.idle_at = status.idle_at.max(at);
                        status.problem = None;
                    });
                    self.idle.send_replace((timeline, self.status.borrow().idle_at));
                    self.note(&mut noted, timeline).await;
                }
                Err(problem) => {
                    tracing::warn!(%problem, "timers will try again");
                    self.status.send_modify(|status| status.problem = Some(problem.to_string()));
                    if !backoff.wait(&mut stop).await {
                        return;
                    }
                    continue;
                }
            }
            let unsaid = noted.map(|(at, _)| at) != Some(self.status.borrow().idle_at);
            let pause = if unsaid { BOOKMARK_EVERY } else { LOOK_EVERY };
            tokio::select! {
                () = stop.wait() => return,
                _ = timeout(pause, moved.changed()) => {}
            }
        }
    }

    /// Tells other processes where nothing was due, but not too often.
    async fn note(&self, noted: &mut Option<(Position, Instant)>, timeline: u64) {
        let idle_at = self.status.borrow().idle_at;
        let said =
            |(at, when): (Position, Instant)| at == idle_at || when.elapsed() < BOOKMARK_EVERY;
        if noted.is_some_and(said) {
            return;
        }
        let log = self.bus.log();
        match timeout(LOOK_EVERY, log.ensure_durable(idle_at)).await {
            Ok(Ok(())) if log.timeline() == timeline => {
                match log.save_bookmark(BOOKMARK, idle_at).await {
                    Ok(()) => *noted = Some((idle_at, Instant::now())),
                    Err(error) => tracing::debug!(%error, "the bookmark was not written"),
                }
            }
            // It is said later, or never needs to be.
            Ok(Ok(()) | Err(_)) | Err(_) => {}
        }
    }

    /// Where the table of timers has come to.
    fn position(&self) -> Position {
        let status = self.projector.watch();
        let status = status.borrow();
        status
            .iter()
            .find(|one| one.name == PROJECTION && one.live)
            .map_or(Position::START, |one| one.position)
    }

    /// Fires one slice of due timers of every tenant. `true` when there may be more.
    async fn fire_due(&self, stop: &mut Stop, timeline: u64) -> Result<bool, Problem> {
        let mut more = false;
        for tenant in self.tenants().await? {
            let Some(mut info) = self.bus.directory().tenant(tenant).await? else { continue };
            if info.mode == Mode::Sandbox {
                // A test clock is moved by an event, which may have been another process's.
                info = self.bus.directory().refresh(tenant).await?.unwrap_or(info);
            }
            if info.stopped.is_some() {
                continue;
            }
            let now = self.bus.directory().now(Some(&info));
            let due = self.due(tenant, now).await?;
            if due.is_empty() {
                continue;
            }
            more = true;
            // Rows may come of events that a fail-over takes back, and commands must not.
            let log = self.bus.log();
            log.ensure_durable(self.position()).await?;
            if log.timeline() != timeline {
                return Err(Problem("the log went on elsewhere".to_owned()));
            }
            let stored = self.fire(tenant, info.zone, now, due).await?;
            if stop.is_set() {
                return Ok(false);
            }
            if let Some(position) = stored {
                self.let_others_react(position).await;
            }
        }
        Ok(more)
    }

    /// Rows change and policies react before the next slice, so that what was due earlier has had
    /// its effect.
    async fn let_others_react(&self, position: Position) {
        let reacted = timeout(PATIENCE, self.policies.wait(position)).await;
        let shown = self.projector.wait_for_one(PROJECTION, position, PATIENCE).await;
        if reacted.is_err() || shown.is_err() {
            // Not a reason to wait for ever: a timer that fires twice changes nothing.
            tracing::warn!(%position, "the reactions to timers take long");
        }
    }

    /// The tenants that have timers, by skipping through the key.
    async fn tenants(&self) -> Result<Vec<TenantId>, Problem> {
        let mut tenants: Vec<TenantId> = Vec::new();
        loop {
            let mut query =
                Query::across_tenants().order_by("tenant", Direction::Ascending).limit(1);
            if let Some(last) = tenants.last() {
                let after = vec![last.to_value()];
                query = query.filter(Filter::Beyond(vec!["tenant"], after, Direction::Ascending));
            }
            let Some(row) = self.select(query).await?.pop() else { return Ok(tenants) };
            tenants.push(row.tenant);
        }
    }

    /// The next slice of a tenant's due timers that are not resting, the earliest first.
    async fn due(&self, tenant: TenantId, now: Timestamp) -> Result<Vec<Timer>, Problem> {
        let mut due: Vec<Timer> = Vec::new();
        let mut from = None;
        // Resting timers may fill whole pages, so the pages go on until something is found.
        while due.is_empty() {
            let mut query = Query::of(tenant)
                .filter(Filter::Below("due", Timestamp::from_millis(now.millis() + 1).to_value()))
                .order_by("due", Direction::Ascending)
                .order_by("key", Direction::Ascending)
                .limit(FIRED_AT_ONCE);
            if let Some((due, key)) = from.take() {
                let after = vec![Timestamp::to_value(&due), Value::text(key)];
                let columns = vec!["due", "key"];
                query = query.filter(Filter::Beyond(columns, after, Direction::Ascending));
            }
            let page = self.select(query).await?;
            let full = page.len() == FIRED_AT_ONCE;
            for row in page {
                from = Some((row.due, row.key.clone()));
                let Some(timer) = timer(row) else { continue };
                if !self.rests(tenant, &timer, now) {
                    due.push(timer);
                }
            }
            if !full {
                break;
            }
        }
        if let Some(first) = due.first() {
            let end = first.due.plus_seconds(SLICE_SECONDS);
            due.retain(|timer| timer.due < end);
        }
        Ok(due)
    }

    /// Fires timers, each subject's in order, and says up to where something was stored.
    async fn fire(
        &self,
        tenant: TenantId,
        zone: Tz,
        now: Timestamp,
        due: Vec<Timer>,
    ) -> Result<Option<Position>, Problem> {
        let mut by_subject: BTreeMap<String, Vec<Timer>> = BTreeMap::new();
        for timer in due {
            by_subject.entry(timer.subject.clone()).or_default().push(timer);
        }
        let firing = stream::iter(by_subject.into_values().map(|timers| async move {
            let mut stored = None;
            for timer in timers {
                let fired = self.fire_one(tenant, zone, &timer).await?;
                let key = (tenant, timer.key.clone(), timer.due);
                let later = Resting::Until(Instant::now() + LEFT_ALONE, now);
                let (rest, result) = match fired {
                    Fired::Stored(position) => {
                        stored = stored.max(Some(position));
                        (Resting::Done, "stored")
                    }
                    Fired::Unchanged => (Resting::Done, "unchanged"),
                    Fired::TooEarly => (later, "early"),
                    Fired::Refused => (later, "refused"),
                };
                self.rest(key, rest);
                metrics::counter!(
                    names::TIMERS, "kind" => timer.kind.as_ref().to_owned(), "result" => result
                )
                .increment(1);
                self.status.send_modify(|status| {
                    status.fired += 1;
                    status.refused += u64::from(result == "refused");
                });
            }
            Ok::<_, Problem>(stored)
        }))
        .buffer_unordered(SUBJECTS_AT_ONCE)
        .collect::<Vec<_>>()
        .await;
        let mut stored = None;
        for one in firing {
            stored = stored.max(one?);
        }
        Ok(stored)
    }

    async fn fire_one(&self, tenant: TenantId, zone: Tz, timer: &Timer) -> Result<Fired, Problem> {
        let Some(command) = timer.command(zone) else {
            tracing::error!(key = timer.key, "a timer cannot be read and is left alone");
            return Ok(Fired::Refused);
        };
        match self.bus.dispatch(command, envelope(tenant, timer)).await {
            Ok(sent) if sent.events == 0 || sent.replayed => Ok(Fired::Unchanged),
            Ok(sent) => Ok(Fired::Stored(sent.position)),
            Err(SendError::Refused(refusal)) if refusal.code.ends_with(".too_early") => {
                Ok(Fired::TooEarly)
            }
            Err(SendError::Refused(refusal)) => {
                tracing::info!(
                    key = timer.key,
                    code = refusal.code,
                    "a timer was refused: {refusal}"
                );
                Ok(Fired::Refused)
            }
            Err(SendError::TenantSuspended { .. }) => Ok(Fired::Refused),
            Err(error) => Err(Problem(format!("{}: {error}", timer.key))),
        }
    }

    fn rests(&self, tenant: TenantId, timer: &Timer, now: Timestamp) -> bool {
        let key = (tenant, timer.key.clone(), timer.due);
        let mut resting = self.resting();
        match resting.get(&key) {
            None => false,
            Some(Resting::Done) => true,
            Some(Resting::Until(end, clock)) => {
                // A test clock may jump a month within a second; then it is worth another try.
                let over = *end <= Instant::now() || now > clock.plus_seconds(60);
                if over {
                    resting.remove(&key);
                }
                !over
            }
        }
    }

    fn rest(&self, key: (TenantId, String, Timestamp), rest: Resting) {
        let mut resting = self.resting();
        if resting.len() >= RESTING_MAX {
            // Most rows are long gone. One that is not fires once more, which changes nothing.
            resting.retain(|_, rest| matches!(rest, Resting::Until(..)));
        }
        resting.insert(key, rest);
    }

    fn resting(&self) -> MutexGuard<'_, HashMap<(TenantId, String, Timestamp), Resting>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn select(&self, query: Query) -> Result<Vec<TimerRow>, Problem> {
        match self.views.rows(query).await {
            Ok(rows) => Ok(rows),
            // Not there yet, or still being built: nothing is known to be due.
            Err(ViewsError::Unavailable(_) | ViewsError::UnknownName(_))
                if self.position() == Position::START =>
            {
                Ok(Vec::new())
            }
            Err(error) => Err(Problem(error.to_string())),
        }
    }
}

/// What goes with a timer's command.
pub(crate) fn envelope(tenant: TenantId, timer: &Timer) -> Envelope {
    let id = command_id(tenant, &timer.key, timer.due);
    let cause = Cause {
        actor: Actor::new(ActorKind::Timer, timer.key.clone()),
        request: None,
        causation: None,
        correlation: id.clone(),
        webhook: None,
    };
    Envelope::new(tenant, id, cause)
}

/// The id of a timer's command. A timer that is moved is another command.
pub(crate) fn command_id(tenant: TenantId, key: &str, due: Timestamp) -> String {
    format!("timer/{}", derived_uuid(&["timer", &tenant.to_string(), key, &due.to_string()]))
}

/// `None` for a kind that this version does not know; a newer one wrote it.
fn timer(row: TimerRow) -> Option<Timer> {
    let TimerRow { tenant: _, key, due, kind, subject, detail } = row;
    Some(Timer { key, due, kind: TimerKind::from_str(&kind).ok()?, subject, detail })
}

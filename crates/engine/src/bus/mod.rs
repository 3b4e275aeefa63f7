//! The command bus: load, decide, append; decide again on conflict; one receipt per command.

mod cache;
mod dispatch;
mod receipt;
#[cfg(test)]
mod tests;

use std::{
    fmt::Debug,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use aggregates::rejection::{Rejection, RejectionCommand};
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use kernel::{ActorKind, Context, Mode, TenantId, Timestamp, derived_uuid};
use store::{
    AppendError, Appended, Commit, Expected, Log, Metadata, NewEvent, Position, Receipt, StreamId,
};
use tokio::time::sleep;

pub use dispatch::{Target, TransactionIndex};
pub use receipt::{Envelope, Refusal, SendError, Sent};

use crate::{
    directory::{TenantDirectory, TenantInfo},
    metrics_names as names,
};
use cache::{Cache, Cached};

/// How often a command is decided again because somebody else was faster.
pub const DECISIONS_MAX: u32 = 8;

/// How long the same commit is sent again while its outcome is not known.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(30);

/// An aggregate that the bus can run.
pub trait Managed:
    Aggregate<
        Services = Context,
        Command: Clone + Debug + Send + Sync + 'static,
        Error: AsRef<str> + Clone + Send + Sync + 'static,
    > + 'static
{
}

impl<A> Managed for A where
    A: Aggregate<
            Services = Context,
            Command: Clone + Debug + Send + Sync + 'static,
            Error: AsRef<str> + Clone + Send + Sync + 'static,
        > + 'static
{
}

/// Sends commands to aggregates. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    log: Arc<dyn Log>,
    directory: TenantDirectory,
    cache: Cache,
    index: OnceLock<Arc<dyn TransactionIndex>>,
}

/// What deciding and appending came to, before anybody is told.
type Outcome<A> = Result<Sent, SendError<<A as Aggregate>::Error>>;

impl Bus {
    /// A bus on a log; keeps at most so many aggregates of each type in memory.
    #[must_use]
    pub fn new(
        log: Arc<dyn Log>,
        clock: Arc<dyn kernel::Clock>,
        cached_per_type_max: usize,
    ) -> Self {
        let directory = TenantDirectory::new(Arc::clone(&log), clock);
        let cache = Cache::new(cached_per_type_max);
        Self { inner: Arc::new(Inner { log, directory, cache, index: OnceLock::new() }) }
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.inner.log
    }

    /// The tenants.
    #[must_use]
    pub fn directory(&self) -> &TenantDirectory {
        &self.inner.directory
    }

    /// Sends a command to the aggregate `id` of type `A` in the envelope's tenant.
    ///
    /// A command that was stored before returns its first receipt. A refusal of an authenticated
    /// caller's command is recorded in the log before it is returned.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send<A: Managed>(
        &self,
        id: &str,
        command: A::Command,
        envelope: Envelope,
    ) -> Outcome<A> {
        let started = Instant::now();
        let stream = StreamId::new(A::TYPE, envelope.tenant, id);
        let outcome = self.decide::<A>(&stream, &command, &envelope).await;
        if let Err(SendError::Refused(refusal)) = &outcome {
            let refused = Refused {
                command: format!("{}.{}", A::TYPE, receipt::variant_name(&command)),
                target: stream.to_string(),
                code: format!("{}.{}", A::TYPE, refusal.as_ref()),
                message: refusal.to_string(),
            };
            self.record_refusal(refused, &envelope).await;
        }
        let result = match &outcome {
            Ok(sent) if sent.replayed => "replayed",
            Ok(sent) if sent.events == 0 => "unchanged",
            Ok(_) => "stored",
            Err(SendError::Refused(_)) => "refused",
            Err(SendError::Busy) => "busy",
            Err(_) => "failed",
        };
        metrics::counter!(names::COMMANDS, "aggregate" => A::TYPE, "result" => result).increment(1);
        metrics::histogram!(names::COMMAND_SECONDS, "aggregate" => A::TYPE)
            .record(started.elapsed().as_secs_f64());
        outcome
    }

    /// Shows an aggregate as the log has it now, with the version of its last event (0 if there is
    /// none: then it is the default).
    ///
    /// # Errors
    /// [`store::LogError`].
    pub async fn inspect<A: Managed, R>(
        &self,
        tenant: TenantId,
        id: &str,
        view: impl FnOnce(&A, u64) -> R,
    ) -> Result<R, store::LogError> {
        let stream = StreamId::new(A::TYPE, tenant, id);
        let slot = self.inner.cache.slot(&stream);
        let mut held = slot.lock().await;
        let timeline = self.inner.log.timeline();
        let remembered = held.take().filter(|remembered| remembered.is_of(timeline));
        let cached = cache::load::<A>(&*self.inner.log, &stream, remembered).await?;
        let answer = view(&cached.state, cached.version);
        *held = Some(cached.forget_type(timeline));
        Ok(answer)
    }

    /// A copy of an aggregate and the version of its last event.
    ///
    /// # Errors
    /// [`store::LogError`].
    pub async fn load<A: Managed + Clone>(
        &self,
        tenant: TenantId,
        id: &str,
    ) -> Result<(A, u64), store::LogError> {
        self.inspect::<A, _>(tenant, id, |state, version| (state.clone(), version)).await
    }

    async fn decide<A: Managed>(
        &self,
        stream: &StreamId,
        command: &A::Command,
        envelope: &Envelope,
    ) -> Outcome<A> {
        let tenant = self.admit::<A>(stream, envelope).await?;
        let slot = self.inner.cache.slot(stream);
        // Held until the verdict is there: commands to one stream queue here, not on conflicts.
        let mut held = slot.lock().await;
        let mut refreshed = false;
        let mut conflicts = 0;
        while conflicts < DECISIONS_MAX {
            let timeline = self.inner.log.timeline();
            let remembered = held.take().filter(|remembered| remembered.is_of(timeline));
            let from_memory = remembered.is_some() && !refreshed;
            let Cached { version, mut state } = match remembered {
                Some(remembered) if from_memory => match remembered.into_type::<A>() {
                    Some(cached) => cached,
                    None => cache::load::<A>(&*self.inner.log, stream, None).await?,
                },
                None if envelope.fresh && conflicts == 0 => Cached::absent(),
                remembered => cache::load::<A>(&*self.inner.log, stream, remembered).await?,
            };
            let context = self.context(tenant.as_deref(), command, envelope);
            let sink = EventSink::default();
            let verdict = state.handle(command.clone(), &context, &sink).await;
            let events = sink.collect().await;
            let refusal = match verdict {
                Ok(()) if !events.is_empty() => {
                    let commit = commit(stream, version, &events, &context, envelope)?;
                    match self.append(commit, timeline).await {
                        Ok(appended) => {
                            if !appended.replayed {
                                let version = appended.receipt.version;
                                *held = Some(Cached { version, state }.forget_type(timeline));
                            }
                            self.after_append(stream).await;
                            return Ok(Sent::stored(appended.receipt, appended.replayed));
                        }
                        Err(AppendError::Conflict { .. }) => {
                            conflicts += 1;
                            metrics::counter!(names::CONFLICTS, "aggregate" => A::TYPE)
                                .increment(1);
                            continue;
                        }
                        Err(AppendError::AlreadyStored(receipt)) => {
                            return Ok(Sent::stored(receipt, true));
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
                Ok(()) => None,
                Err(refusal) => Some(refusal),
            };
            // Nothing is to be stored, so nobody has checked yet that this state is the latest.
            if events.is_empty() {
                *held = Some(Cached { version, state }.forget_type(timeline));
            }
            if (from_memory || envelope.fresh) && !refreshed {
                refreshed = true;
                continue;
            }
            if let Some(receipt) = self.earlier(envelope).await? {
                return Ok(Sent::stored(receipt, true));
            }
            return match refusal {
                Some(refusal) => Err(SendError::Refused(refusal)),
                None => Ok(Sent::unchanged(version, *self.inner.log.watch().borrow())),
            };
        }
        Err(SendError::Busy)
    }

    /// Whether the tenant exists and may be written to by this actor.
    async fn admit<A: Managed>(
        &self,
        stream: &StreamId,
        envelope: &Envelope,
    ) -> Result<Option<Arc<TenantInfo>>, SendError<A::Error>> {
        let tenant = self.inner.directory.tenant(envelope.tenant).await?;
        let own = &*stream.category == "tenant";
        let Some(info) = tenant else {
            return if own { Ok(None) } else { Err(SendError::TenantUnknown) };
        };
        // Webhooks are still taken, and what follows from facts still follows; nobody else writes.
        let from_facts = matches!(envelope.cause.actor.kind, ActorKind::Stripe | ActorKind::Policy);
        match &info.stopped {
            Some(reason) if !own && !from_facts => {
                Err(SendError::TenantSuspended { reason: reason.clone() })
            }
            _ => Ok(Some(info)),
        }
    }

    fn context<C: 'static>(
        &self,
        tenant: Option<&TenantInfo>,
        command: &C,
        envelope: &Envelope,
    ) -> Context {
        Context {
            tenant: envelope.tenant,
            mode: tenant
                .map(|info| info.mode)
                .or_else(|| dispatch::mode_of(command))
                .unwrap_or(Mode::Sandbox),
            now: self.inner.directory.now(tenant),
            cause: envelope.cause.clone(),
        }
    }

    /// Appends; while the outcome is unknown, the same commit is sent again. What was decided by the
    /// events of another timeline of the log is a conflict: deciding again is harmless, because the
    /// log recognizes the command.
    async fn append(&self, commit: Commit, timeline: u64) -> Result<Appended, AppendError> {
        let started = tokio::time::Instant::now();
        let mut delay = Duration::from_millis(5);
        loop {
            if self.inner.log.timeline() != timeline {
                return Err(AppendError::Conflict { actual: commit.expected.version() });
            }
            match self.inner.log.append(commit.clone()).await {
                Err(AppendError::Unknown(problem)) if started.elapsed() < UNKNOWN_PATIENCE => {
                    tracing::warn!(%problem, command = commit.command_id, "append outcome unknown");
                    sleep(delay).await;
                    delay = (delay * 2).min(Duration::from_secs(1));
                }
                verdict => return verdict,
            }
        }
    }

    async fn after_append(&self, stream: &StreamId) {
        if &*stream.category == "tenant"
            && let Err(error) = self.inner.directory.refresh(stream.tenant).await
        {
            // It is read again at the next change; the log has it in any case.
            tracing::error!(%error, tenant = %stream.tenant, "a tenant could not be read again");
        }
    }

    /// The receipt of this very command, if it was stored earlier.
    async fn earlier<E: std::error::Error>(
        &self,
        envelope: &Envelope,
    ) -> Result<Option<Receipt>, SendError<E>> {
        if let Some(asked) = &envelope.idempotency {
            let found = self.inner.log.find_idempotency_key(envelope.tenant, &asked.key).await?;
            if let Some((fingerprint, _, receipt)) = found {
                return if fingerprint == asked.fingerprint {
                    Ok(Some(receipt))
                } else {
                    Err(SendError::IdempotencyKeyReused)
                };
            }
        }
        Ok(self.inner.log.find_command(envelope.tenant, &envelope.command_id).await?)
    }

    async fn record_refusal(&self, refused: Refused, envelope: &Envelope) {
        let authenticated = matches!(
            envelope.cause.actor.kind,
            ActorKind::ApiKey | ActorKind::Guest | ActorKind::Operator
        );
        let Some(request) = envelope.cause.request.filter(|_| authenticated) else { return };
        let stream = StreamId::new(Rejection::TYPE, envelope.tenant, request.to_string());
        let record = Envelope {
            command_id: format!("{}/refused", envelope.command_id),
            idempotency: None,
            sealing_keys: Vec::new(),
            fresh: true,
            ..envelope.clone()
        };
        let Refused { command, target, code, message } = refused;
        let command = RejectionCommand::Record { command, target, code, message };
        match self.decide::<Rejection>(&stream, &command, &record).await {
            // What was refused is a tenant's very beginning: there is nobody to record it for.
            Ok(_) | Err(SendError::TenantUnknown) => {}
            Err(error) => {
                tracing::error!(%error, %request, "a refusal could not be recorded");
                metrics::counter!(names::REFUSALS_LOST).increment(1);
            }
        }
    }
}

struct Refused {
    command: String,
    target: String,
    code: String,
    message: String,
}

/// What is to be stored. The ids of the events derive from the command's, so that every attempt to
/// store it is the same commit.
fn commit<V: DomainEvent, E: std::error::Error>(
    stream: &StreamId,
    version: u64,
    events: &[V],
    context: &Context,
    envelope: &Envelope,
) -> Result<Commit, SendError<E>> {
    let invalid = |error: serde_json::Error| SendError::Invalid(error.to_string());
    let metadata = Metadata {
        cause: context.cause.clone(),
        mode: context.mode,
        command: envelope.command_id.clone(),
    };
    let tenant = envelope.tenant.to_string();
    let mut stored = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        stored.push(NewEvent {
            id: derived_uuid(&["event", &tenant, &envelope.command_id, &index.to_string()]),
            event_type: event.event_type().into(),
            event_version: event.event_version().into(),
            payload: serde_json::to_string(event).map_err(invalid)?.into(),
        });
    }
    Ok(Commit {
        command_id: envelope.command_id.clone(),
        stream: stream.clone(),
        expected: if version == 0 { Expected::Absent } else { Expected::At(version) },
        events: stored,
        metadata: metadata.to_json().map_err(invalid)?,
        recorded_at: context.now,
        idempotency: envelope.idempotency.clone(),
        sealing_keys: envelope.sealing_keys.clone(),
    })
}

impl Sent {
    fn stored(receipt: Receipt, replayed: bool) -> Self {
        let events = usize::try_from(receipt.last.0 - receipt.first.0 + 1).unwrap_or(usize::MAX);
        Self {
            version: receipt.version,
            first: Some(receipt.first),
            position: receipt.last,
            replayed,
            events,
        }
    }

    const fn unchanged(version: u64, head: Position) -> Self {
        Self { version, first: None, position: head, replayed: false, events: 0 }
    }
}

/// The tenant's present instant, for callers outside of a command.
///
/// # Errors
/// [`store::LogError`].
pub(crate) async fn now_of(bus: &Bus, tenant: TenantId) -> Result<Timestamp, store::LogError> {
    let info = bus.directory().tenant(tenant).await?;
    Ok(bus.directory().now(info.as_deref()))
}

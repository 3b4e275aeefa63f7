//! The worker that turns stored messages of Stripe's into commands, in the order they were received.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aggregates::{
    balance_transaction::BalanceTransactionCommand,
    link::{LinkCommand, LinkEvent, Subject},
    policies::Command,
    vocabulary::EventRef,
    webhook_event::{commands::WebhookEventCommand, events::WebhookEventEvent},
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{Actor, ActorKind, Cause, Mode, TenantId, derived_uuid};
use store::{Metadata, Position, Recorded, StreamId};

use crate::{
    bus::{Bus, Envelope, SendError, Target},
    fetches::Fetcher,
    metrics_names as names,
    sealing::{OpenError, Sealer},
    station::{Problem, Routed, Station},
    translator::{Links, LinksUnavailable, ReceivedInfo, Translation, Translator, Want},
};

const CATEGORY: &str = "stripe_event";
/// From here on the log has to be read to know what is parked.
const PARKED_BOOKMARK: &str = "webhooks_parked";
const SCAN_EVENTS: usize = 2000;
/// Messages that are opened at once.
const OPENED_AT_ONCE: usize = 16;
/// How often a message may be parked for one thing after the other before it waits for the next
/// link.
const PARKED_IN_A_ROW_MAX: u32 = 8;

/// Works on Stripe's messages.
pub(crate) struct Webhooks {
    bus: Bus,
    sealer: Sealer,
    translator: Arc<dyn Translator>,
    /// For what parked messages want; `None` without a Stripe key.
    fetcher: Option<Arc<Fetcher>>,
    inbox: Mutex<Inbox>,
}

/// What is parked, folded from the log.
#[derive(Debug, Default)]
struct Inbox {
    /// By the Stripe object that a link is missing of.
    by: HashMap<(TenantId, String), HashSet<EventRef>>,
    /// Where each parked message was received, and what it waits for.
    parked: HashMap<(TenantId, EventRef), (Position, String)>,
    received: HashMap<(TenantId, EventRef), Position>,
    positions: BTreeSet<Position>,
}

/// One message to be worked on.
pub(crate) struct Message {
    /// Version of its stream when it was looked at.
    version: u64,
    received: Recorded,
    info: ReceivedInfo,
    body: Result<Bytes, String>,
}

impl Webhooks {
    pub(crate) fn new(
        bus: Bus,
        translator: Arc<dyn Translator>,
        fetcher: Option<Arc<Fetcher>>,
    ) -> Self {
        let sealer = Sealer::new(Arc::clone(bus.log()));
        Self { bus, sealer, translator, fetcher, inbox: Mutex::default() }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message that is still to be worked on, opened; `None` when it is done already.
    async fn message(&self, stream: &StreamId) -> Result<Option<Message>, Problem> {
        let mut events = self.bus.log().read_stream(stream, 0, 100).await?;
        let decoded: Vec<WebhookEventEvent> = events
            .iter()
            .map(|event| serde_json::from_str(&event.payload))
            .collect::<Result<_, _>>()
            .map_err(|error| Problem(format!("{stream}: {error}")))?;
        let version = events.last().map_or(0, |event| event.version);
        let open = matches!(
            decoded.last(),
            Some(
                WebhookEventEvent::Received { .. }
                    | WebhookEventEvent::Parked { .. }
                    | WebhookEventEvent::RetryRequested { .. }
            )
        );
        let Some(WebhookEventEvent::Received {
            event,
            kind,
            account,
            livemode,
            api_version,
            created,
            endpoint,
            backfilled,
            body,
            ..
        }) = decoded.into_iter().next().filter(|_| open)
        else {
            return Ok(None);
        };
        let body = match self.sealer.open(stream.tenant, &body).await {
            Ok(body) => Ok(Bytes::from(body)),
            Err(OpenError::Log(error)) => return Err(error.into()),
            Err(error) => Err(error.to_string()),
        };
        let tenant = self.bus.directory().tenant(stream.tenant).await?;
        let info = ReceivedInfo {
            tenant: stream.tenant,
            mode: tenant.map_or(Mode::Sandbox, |tenant| tenant.mode),
            event,
            kind,
            account,
            livemode,
            api_version,
            created,
            endpoint,
            backfilled,
        };
        let received = events.swap_remove(0);
        Ok(Some(Message { version, received, info, body }))
    }

    fn cause(message: &Message) -> Cause {
        let event = message.info.event.to_string();
        let correlation = Metadata::from_json(&message.received.metadata)
            .map_or_else(|_| event.clone(), |metadata| metadata.cause.correlation);
        Cause {
            actor: Actor::new(ActorKind::Stripe, event.as_str()),
            request: None,
            causation: Some(message.received.id.to_string()),
            correlation,
            webhook: Some(event),
        }
    }

    /// Sends one command of a message. Its id derives from what it says, so that the same message
    /// translated again repeats what was sent before and nothing else.
    async fn send(
        &self,
        message: &Message,
        part: &str,
        command: Command,
        fresh: bool,
    ) -> Result<Result<(), String>, Problem> {
        let target = Target::of(&command);
        let tenant = message.info.tenant.to_string();
        let content = format!("{command:?}");
        let parts =
            ["webhook", &tenant, message.info.event.as_str(), part, target.category, &content];
        let envelope = Envelope {
            fresh,
            reacts_to: message.received.position,
            ..Envelope::new(
                message.info.tenant,
                format!("webhook/{}", derived_uuid(&parts)),
                Self::cause(message),
            )
        };
        match self.bus.dispatch(command, envelope).await {
            Ok(_) => Ok(Ok(())),
            Err(SendError::Refused(refusal)) => Ok(Err(format!(
                "{} of {} was refused: {} ({refusal})",
                target.command, target.id, refusal.code
            ))),
            Err(SendError::Invalid(problem)) => {
                Ok(Err(format!("{} of {}: {problem}", target.command, target.id)))
            }
            Err(error) => Err(Problem(format!(
                "{}: {} of {}: {error}",
                message.info.event, target.command, target.id
            ))),
        }
    }

    /// Links, commands and wishes of a message. `Ok(Err(..))` says what was refused; what moved at
    /// Stripe is booked in any case, because it has moved whatever we think of the rest.
    async fn apply(
        &self,
        message: &Message,
        links: Vec<(String, Subject)>,
        commands: Vec<Command>,
        wants: &[Want],
    ) -> Result<Result<Vec<String>, String>, Problem> {
        let mut names = Vec::with_capacity(commands.len());
        let mut refusal = None;
        for (object, subject) in links {
            let establish = LinkCommand::Establish { object: object.clone(), subject };
            let command = Command::Link(object, establish);
            if let Err(refused) = self.send(message, "link", command, false).await? {
                refusal = refusal.or(Some(refused));
            }
        }
        for (n, command) in commands.into_iter().enumerate() {
            let moves_a_balance = matches!(command, Command::BalanceTransaction(..));
            if refusal.is_some() && !moves_a_balance {
                continue;
            }
            let target = Target::of(&command);
            match self.send(message, &n.to_string(), command, false).await? {
                Ok(()) => names.push(format!("{} {}", target.command, target.id)),
                Err(refused) => refusal = refusal.or(Some(refused)),
            }
        }
        for want in wants {
            match self.assume(message, want).await? {
                Some(Ok(name)) => names.push(name),
                Some(Err(refused)) => refusal = refusal.or(Some(refused)),
                None => names.push(want.fetch().to_string()),
            }
        }
        let Some(refused) = refusal else { return Ok(Ok(names)) };
        self.fetch_now(message, wants).await?;
        Ok(Err(refused))
    }

    /// Without a key, a balance transaction that can be told from its object is recorded as that.
    async fn assume(
        &self,
        message: &Message,
        want: &Want,
    ) -> Result<Option<Result<String, String>>, Problem> {
        let (None, Want::Transaction { txn, assumed: Some(record), .. }) = (&self.fetcher, want)
        else {
            return Ok(None);
        };
        let record = BalanceTransactionCommand::Record(record.clone());
        let command = Command::BalanceTransaction(txn.clone(), record);
        let sent = self.send(message, "assumed", command, true).await?;
        Ok(Some(sent.map(|()| format!("balance_transaction.record {txn}"))))
    }

    async fn conclude(
        &self,
        message: &Message,
        round: u32,
        command: WebhookEventCommand,
        result: &'static str,
    ) -> Result<(), Problem> {
        metrics::counter!(names::WEBHOOKS, "result" => result).increment(1);
        let part = format!("conclude {} {round}", message.version);
        let command = Command::WebhookEvent(message.info.event.clone(), command);
        if let Err(refused) = self.send(message, &part, command, false).await? {
            // Somebody else concluded it meanwhile; what it said was applied in any case.
            tracing::warn!(event = %message.info.event, refused, "already concluded");
        }
        Ok(())
    }
}

#[async_trait]
impl Links for (Bus, TenantId) {
    async fn subject(&self, object: &str) -> Result<Option<Subject>, LinksUnavailable> {
        let (bus, tenant) = self;
        bus.subject(*tenant, object).await.map_err(|error| LinksUnavailable(error.to_string()))
    }
}

#[async_trait]
impl Station for Webhooks {
    type Job = Message;

    fn name(&self) -> &'static str {
        "webhooks"
    }

    async fn prepare(&self, from: Position) -> Result<(), Problem> {
        let log = self.bus.log();
        let marked = log.bookmark(PARKED_BOOKMARK).await?.unwrap_or_default();
        // One that is further on speaks of another log than this one.
        let mut position = if marked <= from { marked } else { Position::START };
        let mut inbox = Inbox::default();
        while position < from {
            let page = log.read_all(position, SCAN_EVENTS).await?;
            let Some(last) = page.events.last() else { break };
            position = last.position;
            for recorded in page.events.iter().filter(|event| event.position <= from) {
                inbox.fold(recorded)?;
            }
        }
        *self.inbox() = inbox;
        Ok(())
    }

    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Message>>, Problem> {
        let mut wanted: Vec<(Position, StreamId)> = Vec::new();
        {
            let mut inbox = self.inbox();
            for recorded in page {
                let tenant = recorded.stream.tenant;
                match &*recorded.event_type {
                    "stripe_event.received" | "stripe_event.retry_requested" => {
                        wanted.push((recorded.position, recorded.stream.clone()));
                    }
                    "link.established" => {
                        let waiting = inbox.waiting_for(recorded)?;
                        wanted.extend(waiting.into_iter().map(|event| {
                            let stream = StreamId::new(CATEGORY, tenant, event.as_str());
                            (recorded.position, stream)
                        }));
                    }
                    _ => {}
                }
                inbox.fold(recorded)?;
            }
        }
        let opened: Vec<(Position, Option<Message>)> = stream::iter(wanted)
            .map(|(position, stream)| async move {
                self.message(&stream).await.map(|message| (position, message))
            })
            .buffered(OPENED_AT_ONCE)
            .try_collect()
            .await?;
        Ok(opened
            .into_iter()
            .filter_map(|(position, message)| {
                let job = message?;
                let lane = match &job.body {
                    Ok(body) => self.translator.lane(&job.info, body),
                    Err(_) => job.info.event.to_string(),
                };
                Some(Routed { position, lane, job })
            })
            .collect())
    }

    async fn work(&self, message: &Message, attempt: u32) -> Result<(), Problem> {
        let body = match &message.body {
            Ok(body) => body,
            Err(problem) => {
                let quarantine = WebhookEventCommand::Quarantine { error: problem.clone() };
                return self.conclude(message, 0, quarantine, "quarantined").await;
            }
        };
        let links = (self.bus.clone(), message.info.tenant);
        for round in 0..PARKED_IN_A_ROW_MAX {
            let translation = self
                .translator
                .translate(&message.info, body, &links)
                .await
                .map_err(|error| Problem(error.to_string()))?;
            let (conclusion, result) = match translation {
                Translation::Apply { links, commands, wants } => {
                    match self.apply(message, links, commands, &wants).await? {
                        Ok(commands) => (WebhookEventCommand::NoteApplied { commands }, "applied"),
                        Err(error) => (WebhookEventCommand::Quarantine { error }, "quarantined"),
                    }
                }
                Translation::Ignore { why } => {
                    (WebhookEventCommand::NoteIgnored { why }, "ignored")
                }
                Translation::Quarantine { error } => {
                    (WebhookEventCommand::Quarantine { error }, "quarantined")
                }
                Translation::Park { by, commands, wants } => {
                    if let Err(error) = self.apply(message, Vec::new(), commands, &wants).await? {
                        let quarantine = WebhookEventCommand::Quarantine { error };
                        return self.conclude(message, round, quarantine, "quarantined").await;
                    }
                    self.fetch_now(message, &wants).await?;
                    let park = WebhookEventCommand::Park { by: by.clone() };
                    self.conclude(message, round, park, "parked").await?;
                    // The link may have come between the translation and the parking; then nobody
                    // else would look again.
                    if links
                        .subject(&by)
                        .await
                        .map_err(|error| Problem(error.to_string()))?
                        .is_none()
                    {
                        return Ok(());
                    }
                    continue;
                }
            };
            return self.conclude(message, round, conclusion, result).await;
        }
        let problem = format!("{} is parked again and again ({attempt})", message.info.event);
        Err(Problem(problem))
    }

    async fn noted(&self, done: Position) -> Result<(), Problem> {
        let oldest = {
            let mut inbox = self.inbox();
            inbox.received.retain(|_, position| *position > done);
            inbox.positions.first().map_or(done, |first| Position(first.0.saturating_sub(1)))
        };
        Ok(self.bus.log().save_bookmark(PARKED_BOOKMARK, oldest.min(done)).await?)
    }
}

impl Webhooks {
    /// What a parked or quarantined message wants is fetched here and now: nothing in the log would
    /// remember it.
    async fn fetch_now(&self, message: &Message, wants: &[Want]) -> Result<(), Problem> {
        let Some(fetcher) = &self.fetcher else { return Ok(()) };
        for want in wants {
            fetcher.fetch(message.info.tenant, &want.fetch(), &Self::cause(message)).await?;
        }
        Ok(())
    }
}

impl Inbox {
    fn fold(&mut self, recorded: &Recorded) -> Result<(), Problem> {
        if &*recorded.stream.category != CATEGORY {
            return Ok(());
        }
        let key = (recorded.stream.tenant, EventRef::from(&*recorded.stream.id));
        match &*recorded.event_type {
            "stripe_event.received" => {
                self.received.insert(key, recorded.position);
            }
            "stripe_event.parked" => {
                let event: WebhookEventEvent = decode(recorded)?;
                let WebhookEventEvent::Parked { by, .. } = event else { return Ok(()) };
                let position = self.released(&key).unwrap_or(recorded.position);
                self.by.entry((key.0, by.clone())).or_default().insert(key.1.clone());
                self.positions.insert(position);
                self.parked.insert(key, (position, by));
            }
            _ => {
                self.released(&key);
            }
        }
        Ok(())
    }

    /// Takes a message out of what is parked; says where it was received, if that is known.
    fn released(&mut self, key: &(TenantId, EventRef)) -> Option<Position> {
        let received = self.received.remove(key);
        let Some((position, by)) = self.parked.remove(key) else { return received };
        self.positions.remove(&position);
        let waiting_for = (key.0, by);
        if let Some(waiting) = self.by.get_mut(&waiting_for) {
            waiting.remove(&key.1);
            if waiting.is_empty() {
                self.by.remove(&waiting_for);
            }
        }
        Some(position)
    }

    fn waiting_for(&self, recorded: &Recorded) -> Result<Vec<EventRef>, Problem> {
        let LinkEvent::Established { object, .. } = decode(recorded)? else {
            return Ok(Vec::new());
        };
        let waiting = self.by.get(&(recorded.stream.tenant, object));
        let mut events: Vec<EventRef> = waiting.into_iter().flatten().cloned().collect();
        // In the order they were received, as far as it is known, and always the same.
        let key = |event: &EventRef| {
            let parked = self.parked.get(&(recorded.stream.tenant, event.clone()));
            parked.map(|(position, _)| *position)
        };
        events.sort_by_key(|event| (key(event), event.clone()));
        Ok(events)
    }
}

fn decode<E: serde::de::DeserializeOwned>(recorded: &Recorded) -> Result<E, Problem> {
    serde_json::from_str(&recorded.payload)
        .map_err(|error| Problem(format!("position {}: {error}", recorded.position)))
}

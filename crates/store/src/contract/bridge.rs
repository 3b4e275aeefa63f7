//! The stock `cqrs_es` framework, with a small aggregate of its own kind, runs on the log.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cqrs_es::{
    Aggregate, AggregateError, CqrsFramework, DomainEvent, EventEnvelope, EventStore, Query,
    event_sink::EventSink,
    persist::{
        EventUpcaster, PersistedEventRepository, PersistedEventStore, PersistenceError,
        QueryReplay, SemanticVersionEventUpcaster, SerializedEvent,
    },
};
use kernel::FixedClock;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Outcome, Subject,
    sample::{at, holds, same, saying, tenant, text},
};
use crate::{Expected, Log, LogEventRepository, StreamId};

/// A box that things are put into: an aggregate as users of `cqrs_es` write them.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Crate {
    things: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum CrateEvent {
    Put { thing: String },
}

impl DomainEvent for CrateEvent {
    fn event_type(&self) -> String {
        "Put".to_owned()
    }

    fn event_version(&self) -> String {
        "2.0.0".to_owned()
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the crate is full")]
struct Full;

impl Aggregate for Crate {
    const TYPE: &'static str = "crate";
    type Command = Vec<&'static str>;
    type Event = CrateEvent;
    type Error = Full;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Full> {
        if self.things.len() + command.len() > 4 {
            return Err(Full);
        }
        for thing in command {
            sink.write(CrateEvent::Put { thing: thing.to_owned() }, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: CrateEvent) {
        let CrateEvent::Put { thing } = event;
        self.things.push(thing);
    }
}

#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Query<Crate> for Seen {
    async fn dispatch(&self, aggregate_id: &str, events: &[EventEnvelope<Crate>]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let CrateEvent::Put { thing } = &event.payload;
            let id = aggregate_id.rsplit('/').next().unwrap_or_default();
            seen.push(format!("{id}:{}:{thing}", event.sequence));
        }
    }
}

type Store = PersistedEventStore<LogEventRepository, Crate>;

fn repository(log: &Arc<dyn Log>) -> LogEventRepository {
    LogEventRepository::new(Arc::clone(log), Arc::new(FixedClock::new(at(0))))
}

fn framework(log: &Arc<dyn Log>, seen: &Seen) -> CqrsFramework<Crate, Store> {
    let store = Store::new_event_store(repository(log));
    CqrsFramework::new(store, vec![Box::new(seen.clone())], ())
}

fn id(name: &str) -> String {
    format!("{}/{name}", tenant("acme"))
}

/// Commands are decided, stored, dispatched and loaded again, over a restart too.
pub async fn the_stock_framework_runs_on_the_log<S: Subject>(mut subject: S) -> Outcome {
    let seen = Seen::default();
    let cqrs = framework(&subject.log(), &seen);
    cqrs.execute(&id("a"), vec!["pear", "plum"]).await.map_err(text)?;
    cqrs.execute(&id("b"), vec!["nut"]).await.map_err(text)?;
    cqrs.execute(&id("b"), vec![]).await.map_err(text)?;
    drop(cqrs);
    subject.reopen().await?;
    let cqrs = framework(&subject.log(), &seen);
    cqrs.execute(&id("a"), vec!["fig"]).await.map_err(text)?;
    let full = cqrs.execute(&id("a"), vec!["oat", "rye"]).await;
    holds(matches!(full, Err(AggregateError::UserError(Full))), "the rules are asked")?;
    same("dispatched", &seen.take().join(" "), &"a:1:pear a:2:plum b:1:nut a:3:fig".to_owned())?;

    let stream = StreamId::new("crate", tenant("acme"), "a");
    let stored = subject.log().read_stream(&stream, 0, 10).await.map_err(text)?;
    same("stored", &stored.len(), &3)?;
    for event in &stored {
        same("the type", &&*event.event_type, &"Put")?;
        same("the type's version", &&*event.event_version, &"2.0.0")?;
        same("the time", &event.recorded_at, &at(0))?;
    }
    let nameless = cqrs.execute("no-tenant", vec!["fig"]).await;
    holds(nameless.is_err(), "an aggregate id without a tenant is refused")
}

/// Two that loaded the same version: one is stored, the other may try again.
pub async fn a_stock_writer_that_is_late_gets_an_optimistic_lock_error<S: Subject>(
    subject: S,
) -> Outcome {
    let store = Store::new_event_store(repository(&subject.log()));
    let one = store.load_aggregate(&id("a")).await.map_err(text)?;
    let two = store.load_aggregate(&id("a")).await.map_err(text)?;
    let put = |thing: &str| vec![CrateEvent::Put { thing: thing.to_owned() }];
    store.commit(put("pear"), one, Default::default()).await.map_err(text)?;
    let late = store.commit(put("plum"), two, Default::default()).await;
    holds(matches!(late, Err(AggregateError::AggregateConflict)), "the late one conflicts")?;

    let event = SerializedEvent {
        aggregate_id: id("a"),
        sequence: 1,
        aggregate_type: "crate".to_owned(),
        event_type: "Put".to_owned(),
        event_version: "2.0.0".to_owned(),
        payload: json!({"Put": {"thing": "fig"}}),
        metadata: Value::Object(Map::new()),
    };
    let refused = repository(&subject.log()).persist::<Crate>(&[event], None).await;
    holds(
        matches!(refused, Err(PersistenceError::OptimisticLockError)),
        "the repository says optimistic lock",
    )?;
    let context = store.load_aggregate(&id("a")).await.map_err(text)?;
    same("the aggregate", &context.aggregate.things, &vec!["pear".to_owned()])
}

/// Old shapes are lifted by the framework's own upcasters, and replays come in the log's order.
pub async fn stock_replays_and_upcasters_read_the_log<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let seen = Seen::default();
    let old = StreamId::new("crate", tenant("acme"), "old");
    let mut given = saying(&old, Expected::Absent, "old", "{\"Packed\":\"tea\"}");
    for event in &mut given.events {
        event.event_type = "Put".into();
        event.event_version = "1.0.0".into();
    }
    given.metadata = "{}".into();
    log.append(given).await.map_err(text)?;
    let cqrs = framework(&log, &seen);
    for (name, thing) in [("a", "pear"), ("b", "nut"), ("a", "plum")] {
        cqrs.execute(&id(name), vec![thing]).await.map_err(text)?;
    }
    // Another category in between is not the framework's business.
    let order = StreamId::new("order", tenant("acme"), "1");
    log.append(saying(&order, Expected::Absent, "order", "{}")).await.map_err(text)?;
    seen.take();

    let upcasters = || -> Vec<Box<dyn EventUpcaster>> {
        let lift = |payload: Value| json!({"Put": {"thing": payload["Packed"]}});
        vec![Box::new(SemanticVersionEventUpcaster::new("Put", "2.0.0", Box::new(lift)))]
    };
    let replay = || {
        QueryReplay::<_, _, Crate>::new(repository(&log), seen.clone()).with_upcasters(upcasters())
    };
    replay().replay_all().await.map_err(text)?;
    same("all", &seen.take().join(" "), &"old:1:tea a:1:pear b:1:nut a:2:plum".to_owned())?;
    replay().replay(&id("a")).await.map_err(text)?;
    same("one", &seen.take().join(" "), &"a:1:pear a:2:plum".to_owned())?;
    let store = Store::new_event_store(repository(&log)).with_upcasters(upcasters());
    let context = store.load_aggregate(&id("old")).await.map_err(text)?;
    same("lifted", &context.aggregate.things, &vec!["tea".to_owned()])
}

/// Daybook's metadata is not a map of texts; the framework gets one all the same.
pub async fn the_stock_framework_reads_what_daybook_wrote<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let stream = StreamId::new("crate", tenant("acme"), "a");
    let mut given = saying(&stream, Expected::Absent, "a", "{\"Put\":{\"thing\":\"fig\"}}");
    given.metadata = "{\"actor\":{\"kind\":\"policy\"},\"correlation\":\"c\"}".into();
    log.append(given).await.map_err(text)?;
    let store = Store::new_event_store(repository(&log));
    let events = store.load_events(&id("a")).await.map_err(text)?;
    let metadata = events.first().map(|event| event.metadata.clone()).unwrap_or_default();
    same("a text", &metadata.get("correlation"), &Some(&"c".to_owned()))?;
    same("the rest", &metadata.get("actor"), &Some(&"{\"kind\":\"policy\"}".to_owned()))
}

/// They would apply every event twice.
pub async fn snapshots_of_the_stock_framework_are_refused<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let store = Store::new_snapshot_store(repository(&log), 1);
    let cqrs = CqrsFramework::<Crate, _>::new(store, vec![], ());
    let refused = cqrs.execute(&id("a"), vec!["fig"]).await;
    holds(matches!(refused, Err(AggregateError::UnexpectedError(_))), "it is refused")?;
    same("the log", &log.head().await.map_err(text)?.position.0, &0)
}

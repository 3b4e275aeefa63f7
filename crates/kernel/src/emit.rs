//! Handing decided events to `cqrs_es`.

use cqrs_es::{Aggregate, event_sink::EventSink};

/// Writes each event to the sink, which also applies it to the aggregate.
pub async fn emit<A: Aggregate>(aggregate: &mut A, events: Vec<A::Event>, sink: &EventSink<A>) {
    for event in events {
        sink.write(event, aggregate).await;
    }
}

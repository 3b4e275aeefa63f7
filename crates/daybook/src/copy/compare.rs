//! Whether one log is a beginning of another.

use store::{Inventory, Position, Recorded};

use super::{Begun, Progress, Stage, pages::Pages};
use crate::outcome::{Failure, Outcome};

/// Compares everything in the target with the source, event by event, and answers how much of the
/// source is there already.
pub(super) async fn beginning(
    source: &dyn Inventory,
    target: &dyn Inventory,
    through: Position,
    progress: Progress<'_>,
) -> Outcome<Begun> {
    let target_end = target.head().await.map_err(Failure::unavailable)?.position;
    let mut ours = Pages::new(source, Position::START, through);
    let mut theirs = Pages::new(target, Position::START, target_end);
    let mut begun = Begun { position: Position::START, events: 0 };
    while let Some(there) = theirs.next().await? {
        let Some(here) = ours.next().await? else {
            return Err(Failure::usage(format!(
                "the target is not a beginning of the source: its position {} is behind the \
                 source's end ({through})",
                there.position
            )));
        };
        if let Some(what) = difference(&here, &there) {
            return Err(Failure::usage(format!(
                "the target is not a beginning of the source: the first difference is at position \
                 {}, another {what}; give an empty target",
                here.position
            )));
        }
        begun = Begun { position: here.position, events: begun.events + 1 };
        if begun.events.is_multiple_of(1000) {
            progress(Stage::Comparing, there.position.0, target_end.0);
        }
    }
    Ok(begun)
}

/// In what two events differ, but for their positions, which only some engines count from 1.
fn difference(one: &Recorded, other: &Recorded) -> Option<&'static str> {
    let Recorded {
        position: _,
        stream,
        version,
        id,
        event_type,
        event_version,
        payload,
        metadata,
        recorded_at,
    } = one;
    [
        ("stream", *stream == other.stream),
        ("event", *id == other.id),
        ("version", *version == other.version),
        ("type", *event_type == other.event_type && *event_version == other.event_version),
        ("payload", *payload == other.payload),
        ("metadata", *metadata == other.metadata),
        ("time of recording", *recorded_at == other.recorded_at),
    ]
    .into_iter()
    .find_map(|(what, same)| (!same).then_some(what))
}

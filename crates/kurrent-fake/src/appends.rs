//! Appending and deleting: what a client proposes, checked against where its stream is.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio_stream::StreamExt;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::{
    AppendFault,
    cluster::Cluster,
    history::{Event, Expected, Refused, Written},
    proto::{
        self, StreamIdentifier,
        streams::{
            AppendReq, AppendResp, append_req::Content,
            append_req::options::ExpectedStreamRevision, append_resp,
        },
    },
};

/// Reads a proposed append, stores it, and answers; or fails as a test has asked for.
pub(crate) async fn append(
    cluster: &Arc<Cluster>,
    node: usize,
    mut request: Streaming<AppendReq>,
) -> Result<AppendResp, Status> {
    cluster.appends.fetch_add(1, Ordering::SeqCst);
    let proposed = proposed(&mut request, cluster.append_bytes_max).await?;
    match cluster.faults.take_append() {
        None => proposed.store(cluster),
        Some(AppendFault::DropBeforeCommit) => Err(lost(cluster, node)),
        Some(AppendFault::DropAfterCommit) => {
            proposed.store(cluster)?;
            Err(lost(cluster, node))
        }
        Some(AppendFault::CommitLate(delay)) => {
            let late = Arc::clone(cluster);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let stored = proposed.store(&late);
                late.late_commits.fetch_add(1, Ordering::SeqCst);
                stored
            });
            Err(lost(cluster, node))
        }
        Some(AppendFault::NeverAnswer) => {
            proposed.store(cluster)?;
            loop {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        }
    }
}

/// Cuts the connection; what is returned is never received.
fn lost(cluster: &Cluster, node: usize) -> Status {
    cluster.cut(node);
    Status::unavailable("the connection was cut")
}

struct Proposed {
    stream: String,
    expected: Expected,
    events: Vec<Event>,
}

async fn proposed(
    request: &mut Streaming<AppendReq>,
    bytes_max: usize,
) -> Result<Proposed, Status> {
    let mut header = None;
    let (mut events, mut size) = (Vec::new(), 0);
    while let Some(part) = request.next().await {
        match part?.content {
            Some(Content::Options(options)) => header = Some(options),
            Some(Content::ProposedMessage(message)) => {
                size += message.data.len() + message.custom_metadata.len();
                if !message.metadata.contains_key("type") {
                    return Err(Status::invalid_argument("Required Metadata Property 'type'"));
                }
                events.push(Event {
                    id: uuid_of(message.id)?,
                    metadata: message.metadata,
                    custom_metadata: message.custom_metadata.to_vec(),
                    data: message.data.to_vec(),
                });
            }
            None => return Err(Status::invalid_argument("an empty message")),
        }
    }
    if size > bytes_max {
        return Err(too_large(bytes_max));
    }
    let header = header.ok_or_else(|| Status::invalid_argument("no options"))?;
    let expected = match header.expected_stream_revision {
        Some(ExpectedStreamRevision::Revision(revision)) => Expected::Revision(revision),
        Some(ExpectedStreamRevision::NoStream(())) => Expected::NoStream,
        Some(ExpectedStreamRevision::StreamExists(())) => Expected::Exists,
        Some(ExpectedStreamRevision::Any(())) => Expected::Any,
        None => return Err(Status::invalid_argument("no expected revision")),
    };
    Ok(Proposed { stream: name(header.stream_identifier)?, expected, events })
}

impl Proposed {
    fn store(self, cluster: &Cluster) -> Result<AppendResp, Status> {
        let expected = self.expected;
        let stored = cluster.history().append(&self.stream, expected, self.events);
        let result = match stored {
            Ok(Written { revision, position }) => {
                use append_resp::success::{CurrentRevisionOption, PositionOption};
                append_resp::Result::Success(append_resp::Success {
                    current_revision_option: Some(CurrentRevisionOption::CurrentRevision(revision)),
                    position_option: Some(PositionOption::Position(append_resp::Position {
                        commit_position: position,
                        prepare_position: position,
                    })),
                })
            }
            Err(Refused::WrongRevision(current)) => wrong_version(expected, current),
            Err(refused) => return Err(status(refused, &self.stream)),
        };
        Ok(AppendResp { result: Some(result) })
    }
}

fn wrong_version(expected: Expected, current: Option<u64>) -> append_resp::Result {
    use append_resp::wrong_expected_version::{CurrentRevisionOption, ExpectedRevisionOption};
    append_resp::Result::WrongExpectedVersion(append_resp::WrongExpectedVersion {
        current_revision_option: Some(match current {
            Some(revision) => CurrentRevisionOption::CurrentRevision(revision),
            None => CurrentRevisionOption::CurrentNoStream(()),
        }),
        expected_revision_option: Some(match expected {
            Expected::Any => ExpectedRevisionOption::ExpectedAny(()),
            Expected::NoStream => ExpectedRevisionOption::ExpectedNoStream(()),
            Expected::Exists => ExpectedRevisionOption::ExpectedStreamExists(()),
            Expected::Revision(revision) => ExpectedRevisionOption::ExpectedRevision(revision),
        }),
        ..append_resp::WrongExpectedVersion::default()
    })
}

/// A refusal as the services say it.
pub(crate) fn status(refused: Refused, stream: &str) -> Status {
    match refused {
        Refused::Tombstone => with_exception(
            Status::failed_precondition(format!("Event stream '{stream}' is deleted.")),
            "stream-deleted",
        ),
        Refused::WrongRevision(_) => with_exception(
            Status::failed_precondition(format!("Stream '{stream}' has another revision.")),
            "wrong-expected-version",
        ),
        Refused::Io(error) => Status::internal(error.to_string()),
    }
}

fn too_large(bytes_max: usize) -> Status {
    let text = format!("Maximum Append Size of {bytes_max} Exceeded.");
    with_exception(Status::new(Code::InvalidArgument, text), "maximum-append-size-exceeded")
}

fn with_exception(mut status: Status, exception: &'static str) -> Status {
    status
        .metadata_mut()
        .insert("exception", tonic::metadata::MetadataValue::from_static(exception));
    status
}

/// The name of a stream, as text.
pub(crate) fn name(identifier: Option<StreamIdentifier>) -> Result<String, Status> {
    let bytes = identifier.map(|it| it.stream_name).unwrap_or_default();
    String::from_utf8(bytes)
        .ok()
        .filter(|name| !name.is_empty() && name != "$all")
        .ok_or_else(|| Status::invalid_argument("not the name of a stream"))
}

fn uuid_of(id: Option<proto::Uuid>) -> Result<Uuid, Status> {
    let invalid = || Status::invalid_argument("not an event id");
    match id.and_then(|id| id.value).ok_or_else(invalid)? {
        proto::uuid::Value::String(text) => text.parse().map_err(|_| invalid()),
        proto::uuid::Value::Structured(halves) => {
            let mut bytes = [0; 16];
            let (most, least) = bytes.split_at_mut(8);
            most.copy_from_slice(&halves.most_significant_bits.to_be_bytes());
            least.copy_from_slice(&halves.least_significant_bits.to_be_bytes());
            Ok(Uuid::from_bytes(bytes))
        }
    }
}

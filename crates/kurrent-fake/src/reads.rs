//! Reading one stream or the whole log, forwards or backwards, by bounded pages.

use tonic::Status;

use crate::{
    appends,
    cluster::Cluster,
    history::{History, Record},
    proto::{
        self, StreamIdentifier,
        streams::{
            ReadReq, ReadResp,
            read_req::{
                Options,
                options::{
                    AllOptions, CountOption, FilterOption, FilterOptions, ReadDirection,
                    StreamOption, StreamOptions, UuidOption, all_options::AllOption,
                    filter_options::Filter, stream_options::RevisionOption, uuid_option,
                },
            },
            read_resp::{Content, ReadEvent, StreamNotFound, read_event},
        },
    },
};

/// All answers to a read.
pub(crate) fn read(cluster: &Cluster, request: ReadReq) -> Result<Vec<ReadResp>, Status> {
    let invalid = |what: &str| Status::invalid_argument(what.to_owned());
    let options = request.options.ok_or_else(|| invalid("no options"))?;
    let count = match options.count_option {
        Some(CountOption::Count(count)) => usize::try_from(count).unwrap_or(usize::MAX),
        _ => return Err(Status::unimplemented("this server has no subscriptions")),
    };
    let backwards = options.read_direction() == ReadDirection::Backwards;
    let structured = matches!(
        options.uuid_option,
        Some(UuidOption { content: Some(uuid_option::Content::Structured(())) })
    );
    let history = cluster.history();
    let records = match options.stream_option.clone() {
        Some(StreamOption::Stream(stream)) => match one_stream(&history, stream, backwards)? {
            Ok(records) => records,
            Err(not_found) => return Ok(vec![not_found]),
        },
        Some(StreamOption::All(all)) => whole_log(&history, &options, all, backwards, count)?,
        None => return Err(invalid("neither a stream nor the whole log")),
    };
    Ok(records.into_iter().take(count).map(|record| answer(record, structured)).collect())
}

fn one_stream(
    history: &History,
    options: StreamOptions,
    backwards: bool,
) -> Result<Result<Vec<&Record>, ReadResp>, Status> {
    let identifier = options.stream_identifier;
    let name = appends::name(identifier.clone())?;
    let stored = history.stream(&name).map_err(|refused| appends::status(refused, &name))?;
    let Some(mut records) = stored else {
        let not_found = StreamNotFound { stream_identifier: identifier };
        return Ok(Err(ReadResp { content: Some(Content::StreamNotFound(not_found)) }));
    };
    if backwards {
        records.reverse();
    }
    if let Some(RevisionOption::Revision(from)) = options.revision_option {
        records.retain(
            |record| {
                if backwards { record.revision <= from } else { record.revision >= from }
            },
        );
    }
    Ok(Ok(records))
}

fn whole_log<'a>(
    history: &'a History,
    options: &Options,
    all: AllOptions,
    backwards: bool,
    count: usize,
) -> Result<Vec<&'a Record>, Status> {
    let records = history.records();
    let place = match all.all_option {
        Some(AllOption::Position(position)) => {
            let from = position.commit_position;
            records
                .binary_search_by_key(&from, |record| record.position)
                .map_err(|_| Status::invalid_argument("Trying to read from an invalid position."))?
        }
        Some(AllOption::End(())) => records.len(),
        Some(AllOption::Start(())) | None => 0,
    };
    let (before, after) = records.split_at(place);
    let wanted = |record: &&Record| matches(record, options.filter_option.as_ref());
    Ok(if backwards {
        before.iter().rev().filter(wanted).take(count).collect()
    } else {
        after.iter().filter(wanted).take(count).collect()
    })
}

/// Only prefixes are understood; a regular expression matches nothing here.
fn matches(record: &Record, filter: Option<&FilterOption>) -> bool {
    let Some(FilterOption::Filter(FilterOptions { filter: Some(filter), .. })) = filter else {
        return true;
    };
    let (expression, text) = match filter {
        Filter::StreamIdentifier(expression) => (expression, &*record.stream),
        Filter::EventType(expression) => {
            (expression, record.event.metadata.get("type").map_or("", String::as_str))
        }
    };
    expression.prefix.iter().any(|prefix| text.starts_with(prefix.as_str()))
}

fn answer(record: &Record, structured: bool) -> ReadResp {
    let id = if structured {
        let (most, least) = record.event.id.as_u64_pair();
        proto::uuid::Value::Structured(proto::uuid::Structured {
            most_significant_bits: most.cast_signed(),
            least_significant_bits: least.cast_signed(),
        })
    } else {
        proto::uuid::Value::String(record.event.id.to_string())
    };
    let mut metadata = record.event.metadata.clone();
    metadata.insert("created".to_owned(), "0".to_owned());
    let event = read_event::RecordedEvent {
        id: Some(proto::Uuid { value: Some(id) }),
        stream_identifier: Some(StreamIdentifier {
            stream_name: record.stream.as_bytes().to_vec(),
        }),
        stream_revision: record.revision,
        prepare_position: record.position,
        commit_position: record.position,
        metadata,
        custom_metadata: record.event.custom_metadata.clone().into(),
        data: record.event.data.clone().into(),
    };
    let position = Some(read_event::Position::CommitPosition(record.position));
    ReadResp {
        content: Some(Content::Event(ReadEvent { event: Some(event), link: None, position })),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::{history::Event, proto::streams::read_req::options::filter_options::Expression};

    #[test]
    fn a_filter_knows_streams_and_types_by_their_prefix() {
        let event = Event {
            id: uuid::Uuid::nil(),
            metadata: HashMap::from([("type".to_owned(), "order.paid".to_owned())]),
            custom_metadata: vec![],
            data: vec![],
        };
        let record = Record { position: 1, stream: "acme-1".into(), revision: 0, event };
        let expression = |prefix: &str| Expression {
            prefix: vec!["other".to_owned(), prefix.to_owned()],
            ..Expression::default()
        };
        for (filter, wanted) in [
            (Filter::StreamIdentifier(expression("acme")), true),
            (Filter::StreamIdentifier(expression("order")), false),
            (Filter::EventType(expression("order")), true),
            (Filter::EventType(expression("acme")), false),
        ] {
            let options = FilterOptions { filter: Some(filter), ..FilterOptions::default() };
            assert_eq!(matches(&record, Some(&FilterOption::Filter(options))), wanted);
        }
        assert!(matches(&record, Some(&FilterOption::NoFilter(()))));
    }
}

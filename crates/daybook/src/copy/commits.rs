//! The commits of a log, put together again from its events and its answered commands.

use std::collections::VecDeque;

use store::{Commit, Expected, Inventory, NewEvent, Position, Recorded, StoredCommand};

use super::pages::Pages;
use crate::outcome::{Failure, Outcome};

/// Commands listed at once: many, because a page may cost a look at all of them; about 20 MB.
const PAGE_COMMANDS: usize = 100_000;

/// What events that no command wrote (a stock `cqrs_es` writer's) are copied as: one command each,
/// named by the event.
pub(super) const STRANGERS_COMMAND: &str = "copied:";

/// The commits of a log from one position to another, in order.
pub(super) struct Commits<'a> {
    source: &'a dyn Inventory,
    events: Pages<'a>,
    /// How far commands were listed.
    listed: Position,
    all_listed: bool,
    commands: VecDeque<StoredCommand>,
}

impl<'a> Commits<'a> {
    pub(super) fn new(source: &'a dyn Inventory, after: Position, through: Position) -> Self {
        Self {
            source,
            events: Pages::new(source, after, through),
            listed: after,
            all_listed: false,
            commands: VecDeque::new(),
        }
    }

    /// About how many events are still to come.
    pub(super) fn remaining(&self) -> u64 {
        self.events.remaining()
    }

    /// The next commit; `None` after the last.
    pub(super) async fn next(&mut self) -> Outcome<Option<Commit>> {
        self.list().await?;
        let Some(first) = self.events.next().await? else { return Ok(None) };
        match self.commands.front() {
            Some(command) if command.receipt.first < first.position => Err(unsound(
                command,
                &format!("begins at {}, where no event of it is", command.receipt.first),
            )),
            Some(command) if command.receipt.first == first.position => {
                let command = command.clone();
                self.commands.pop_front();
                self.whole(first, command).await.map(Some)
            }
            Some(_) | None => Ok(Some(strangers(first))),
        }
    }

    /// The commit of a command that begins with this event.
    async fn whole(&mut self, first: Recorded, command: StoredCommand) -> Outcome<Commit> {
        let wrong =
            |event: &Recorded| event.stream != first.stream || event.metadata != first.metadata;
        let mut events = vec![new_event(&first)];
        let mut last = (first.position, first.version);
        while last.0 < command.receipt.last {
            let Some(event) = self.events.next().await? else { break };
            if wrong(&event) || event.version != last.1 + 1 {
                return Err(unsound(
                    &command,
                    &format!("does not hold position {}", event.position),
                ));
            }
            last = (event.position, event.version);
            events.push(new_event(&event));
        }
        if last != (command.receipt.last, command.receipt.version) {
            return Err(unsound(&command, "does not end where its receipt says"));
        }
        Ok(Commit {
            command_id: command.command_id,
            stream: first.stream,
            expected: expected(first.version),
            events,
            metadata: first.metadata,
            recorded_at: first.recorded_at,
            idempotency: command.idempotency,
            // The log does not say which came with which commit.
            sealing_keys: Vec::new(),
        })
    }

    async fn list(&mut self) -> Outcome {
        if self.commands.is_empty() && !self.all_listed {
            let page = self.source.commands(self.listed, PAGE_COMMANDS).await;
            let page = page.map_err(Failure::unavailable)?;
            self.all_listed = page.len() < PAGE_COMMANDS;
            self.listed = page.last().map_or(self.listed, |last| last.receipt.first);
            self.commands.extend(page);
        }
        Ok(())
    }
}

fn strangers(event: Recorded) -> Commit {
    Commit {
        command_id: format!("{STRANGERS_COMMAND}{}", event.id),
        expected: expected(event.version),
        events: vec![new_event(&event)],
        stream: event.stream,
        metadata: event.metadata,
        recorded_at: event.recorded_at,
        idempotency: None,
        sealing_keys: Vec::new(),
    }
}

fn new_event(event: &Recorded) -> NewEvent {
    NewEvent {
        id: event.id,
        event_type: event.event_type.clone(),
        event_version: event.event_version.clone(),
        payload: event.payload.clone(),
    }
}

/// Where a stream is before the event of this version.
fn expected(version: u64) -> Expected {
    match version.saturating_sub(1) {
        0 => Expected::Absent,
        before => Expected::At(before),
    }
}

fn unsound(command: &StoredCommand, why: &str) -> Failure {
    Failure::check(format!(
        "the source is not sound: the command {} of {} {why}",
        command.command_id, command.tenant
    ))
}

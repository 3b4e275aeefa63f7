//! What a message from Stripe answers to each command.

use kernel::Timestamp;

use super::{
    commands::{ReceivedMessage, WebhookEventCommand as Command},
    errors::WebhookEventError,
    events::WebhookEventEvent as Event,
    state::WebhookEvent as State,
};

type Decision = Result<Vec<Event>, WebhookEventError>;

/// How long a message waits for what it is about.
const PATIENCE_SECONDS: i64 = 72 * 3600;

pub(super) fn decide(state: &State, command: Command, now: Timestamp) -> Decision {
    match (state, command) {
        (State::Absent, Command::Receive(message)) => Ok(receive(*message, now)),
        // Stripe repeated itself; the second copy may even differ in a counter.
        (_, Command::Receive(_)) => Ok(vec![]),
        (State::Absent, _) => Err(WebhookEventError::Unknown),

        (State::Open | State::Parked { .. }, Command::NoteApplied { commands }) => {
            Ok(vec![Event::Applied { commands, at: now }])
        }
        (State::Applied { commands: known }, Command::NoteApplied { commands })
            if *known == commands =>
        {
            Ok(vec![])
        }
        (State::Open | State::Parked { .. }, Command::NoteIgnored { why }) => {
            Ok(vec![Event::Ignored { why, at: now }])
        }
        (State::Ignored, Command::NoteIgnored { .. }) => Ok(vec![]),
        (State::Parked { by: known, .. }, Command::Park { by }) if *known == by => Ok(vec![]),
        (State::Open | State::Parked { .. }, Command::Park { by }) => {
            Ok(vec![Event::Parked { by, at: now }])
        }
        (State::Open | State::Parked { .. }, Command::Quarantine { error }) => {
            Ok(vec![Event::Quarantined { error, at: now }])
        }
        (State::Quarantined, Command::Quarantine { .. }) => Ok(vec![]),
        (
            State::Quarantined | State::DeadLettered | State::Applied { .. } | State::Ignored,
            Command::NoteApplied { .. }
            | Command::NoteIgnored { .. }
            | Command::Park { .. }
            | Command::Quarantine { .. },
        ) => Err(WebhookEventError::AlreadyDone),

        (State::Parked { since, .. }, Command::DeadLetter) => {
            let due = since.plus_seconds(PATIENCE_SECONDS);
            if now < due {
                return Err(WebhookEventError::TooEarly { due });
            }
            Ok(vec![Event::DeadLettered { at: now }])
        }
        // What it waited for came, or the timer fired twice.
        (_, Command::DeadLetter) => Ok(vec![]),

        (State::Quarantined | State::DeadLettered | State::Parked { .. }, Command::Retry) => {
            Ok(vec![Event::RetryRequested { at: now }])
        }
        (State::Open, Command::Retry) => Ok(vec![]),
        (State::Applied { .. } | State::Ignored, Command::Retry) => {
            Err(WebhookEventError::AlreadyDone)
        }
    }
}

fn receive(message: ReceivedMessage, now: Timestamp) -> Vec<Event> {
    let mut events = vec![Event::Received {
        event: message.event,
        kind: message.kind,
        account: message.account,
        livemode: message.livemode,
        api_version: message.api_version,
        created: message.created,
        endpoint: message.endpoint,
        backfilled: message.backfilled,
        body: message.body,
        body_sha256: message.body_sha256,
        at: now,
    }];
    events.extend(message.quarantine.map(|error| Event::Quarantined { error, at: now }));
    events
}

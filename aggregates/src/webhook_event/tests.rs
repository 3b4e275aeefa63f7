//! Given, when, then: a message from Stripe is kept once and ends in exactly one way.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{KeyRef, Sealed, Timestamp};

use super::*;
use crate::{
    testing::{assert_golden, at, context},
    vocabulary::AccountRef,
};
use commands::ReceivedMessage;
use events::Endpoint;

const PATIENCE: i64 = 72 * 3600;

#[test]
fn a_verified_message_is_kept_as_it_came() {
    message(vec![]).when(receive(None)).then_expect_events(vec![received()]);
}

#[test]
fn a_message_that_cannot_be_read_is_kept_and_quarantined() {
    let events = vec![received(), quarantined("no id")];
    message(vec![]).when(receive(Some("no id"))).then_expect_events(events);
}

#[test]
fn stripe_may_deliver_a_message_as_often_as_it_likes() {
    for more in [vec![], vec![applied()], vec![quarantined("no id")], vec![parked("ch_1", 0)]] {
        message(with(more)).when(receive(Some("another"))).then_expect_events(vec![]);
    }
}

#[test]
fn nothing_can_be_done_with_a_message_that_never_came() {
    for command in
        [apply(), ignore(), park("ch_1"), quarantine(), Command::DeadLetter, Command::Retry]
    {
        message(vec![]).when(command).then_expect_error(WebhookEventError::Unknown);
    }
}

#[test]
fn a_message_is_applied_ignored_or_quarantined_and_that_again_changes_nothing() {
    for (command, event) in
        [(apply(), applied()), (ignore(), ignored()), (quarantine(), quarantined("strange"))]
    {
        message(with(vec![])).when(command.clone()).then_expect_events(vec![event.clone()]);
        message(with(vec![event])).when(command).then_expect_events(vec![]);
    }
}

#[test]
fn a_message_ends_in_one_way_only() {
    let dead = WebhookEventEvent::DeadLettered { at: at(0) };
    let other = Command::NoteApplied { commands: vec!["order.confirm_payment".to_owned()] };
    for (end, command) in [
        (applied(), other),
        (applied(), ignore()),
        (applied(), park("ch_1")),
        (applied(), quarantine()),
        (applied(), Command::Retry),
        (ignored(), apply()),
        (ignored(), Command::Retry),
        (quarantined("strange"), apply()),
        (dead, apply()),
    ] {
        message(with(vec![end])).when(command).then_expect_error(WebhookEventError::AlreadyDone);
    }
}

#[test]
fn a_message_waits_for_what_it_is_about() {
    message(with(vec![])).when(park("ch_1")).then_expect_events(vec![parked("ch_1", 0)]);
    let waits = || with(vec![parked("ch_1", 0)]);
    message(waits()).when(park("ch_1")).then_expect_events(vec![]);
    message(waits()).when(park("pi_1")).then_expect_events(vec![parked("pi_1", 0)]);
    message(waits()).when(apply()).then_expect_events(vec![applied()]);
    message(waits()).when(ignore()).then_expect_events(vec![ignored()]);
    message(waits()).when(quarantine()).then_expect_events(vec![quarantined("strange")]);
}

#[test]
fn after_72_hours_of_waiting_it_is_a_dead_letter_and_not_a_second_earlier() {
    let due = at(PATIENCE);
    message_at(with(vec![parked("ch_1", 0)]), at(PATIENCE - 1))
        .when(Command::DeadLetter)
        .then_expect_error(WebhookEventError::TooEarly { due });
    let dead = || WebhookEventEvent::DeadLettered { at: due };
    message_at(with(vec![parked("ch_1", 0)]), due)
        .when(Command::DeadLetter)
        .then_expect_events(vec![dead()]);
    message_at(with(vec![parked("ch_1", 0), parked("pi_1", 3600)]), due)
        .when(Command::DeadLetter)
        .then_expect_events(vec![dead()]);
    for over in [vec![], vec![applied()], vec![parked("ch_1", 0), dead()]] {
        message_at(with(over), due).when(Command::DeadLetter).then_expect_events(vec![]);
    }
}

#[test]
fn a_person_can_have_it_tried_again_and_the_wait_starts_anew() {
    let retried = || WebhookEventEvent::RetryRequested { at: at(0) };
    for end in [
        quarantined("strange"),
        WebhookEventEvent::DeadLettered { at: at(0) },
        parked("ch_1", -PATIENCE),
    ] {
        message(with(vec![end.clone()])).when(Command::Retry).then_expect_events(vec![retried()]);
        message(with(vec![end, retried()])).when(apply()).then_expect_events(vec![applied()]);
    }
    message(with(vec![])).when(Command::Retry).then_expect_events(vec![]);
    message(with(vec![parked("ch_1", -PATIENCE), retried(), parked("ch_1", 0)]))
        .when(Command::DeadLetter)
        .then_expect_error(WebhookEventError::TooEarly { due: at(PATIENCE) });
}

#[test]
fn stored_messages_read_back_as_written() {
    assert_golden::<WebhookEventEvent>(include_str!("golden.jsonl"));
}

#[test]
fn the_state_survives_a_snapshot() {
    let mut state = WebhookEvent::default();
    for event in with(vec![parked("ch_1", 0)]) {
        state.apply(event);
    }
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<WebhookEvent>(&text).unwrap(), state);
}

use WebhookEventCommand as Command;

fn message(history: Vec<WebhookEventEvent>) -> AggregateTestExecutor<WebhookEvent> {
    message_at(history, at(0))
}

fn message_at(
    history: Vec<WebhookEventEvent>,
    now: Timestamp,
) -> AggregateTestExecutor<WebhookEvent> {
    TestFramework::with(context(now)).given(history)
}

fn with(more: Vec<WebhookEventEvent>) -> Vec<WebhookEventEvent> {
    [vec![received()], more].concat()
}

fn sealed() -> Sealed {
    Sealed {
        v: 1,
        key: KeyRef("webhook:evt_1".to_owned()),
        nonce: "AAAAAAAAAAAAAAAA".to_owned(),
        ciphertext: "c2VhbGVk".to_owned(),
    }
}

fn receive(quarantine: Option<&str>) -> Command {
    Command::Receive(Box::new(ReceivedMessage {
        event: "evt_1".into(),
        kind: "charge.succeeded".to_owned(),
        account: Some(AccountRef::from("acct_1")),
        livemode: Some(false),
        api_version: None,
        created: Some(at(-5)),
        endpoint: Endpoint::Connect,
        backfilled: false,
        body: sealed(),
        body_sha256: "00".repeat(32),
        quarantine: quarantine.map(str::to_owned),
    }))
}

fn received() -> WebhookEventEvent {
    WebhookEventEvent::Received {
        event: "evt_1".into(),
        kind: "charge.succeeded".to_owned(),
        account: Some(AccountRef::from("acct_1")),
        livemode: Some(false),
        api_version: None,
        created: Some(at(-5)),
        endpoint: Endpoint::Connect,
        backfilled: false,
        body: sealed(),
        body_sha256: "00".repeat(32),
        at: at(0),
    }
}

fn apply() -> Command {
    Command::NoteApplied { commands: vec!["payment.merge_fact".to_owned()] }
}

fn applied() -> WebhookEventEvent {
    WebhookEventEvent::Applied { commands: vec!["payment.merge_fact".to_owned()], at: at(0) }
}

fn ignore() -> Command {
    Command::NoteIgnored { why: "class C".to_owned() }
}

fn ignored() -> WebhookEventEvent {
    WebhookEventEvent::Ignored { why: "class C".to_owned(), at: at(0) }
}

fn park(by: &str) -> Command {
    Command::Park { by: by.to_owned() }
}

fn parked(by: &str, seconds: i64) -> WebhookEventEvent {
    WebhookEventEvent::Parked { by: by.to_owned(), at: at(seconds) }
}

fn quarantine() -> Command {
    Command::Quarantine { error: "strange".to_owned() }
}

fn quarantined(error: &str) -> WebhookEventEvent {
    WebhookEventEvent::Quarantined { error: error.to_owned(), at: at(0) }
}

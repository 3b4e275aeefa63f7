//! Given, when, then: what a dispute answers to each command.

use std::collections::BTreeMap;

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{Currency, DisputeId, Money, PaymentId, SellerId, Timestamp};

use super::{
    Answer, Dispute,
    commands::{DisputeCommand, DisputeFact, DisputeMovement},
    errors::DisputeError,
    events::{DisputeEvent, DisputeOutcome, FeeShare},
};
use crate::{
    testing::{assert_golden, at, context},
    vocabulary::{FactRank, Person},
};

const DUE: i64 = 7 * 86_400;

#[test]
fn the_first_message_opens_it_whatever_it_is() {
    no_dispute().when(merge(fact(4, "lost", &[withdrawal()]))).then_expect_events(vec![
        opened_as(false, None),
        withdrawn(),
        status("unknown", "lost", 4),
        closed(DisputeOutcome::Lost, 0),
    ]);
}

#[test]
fn the_same_message_again_is_no_news() {
    let command = merge(fact(1, "needs_response", &[]));
    dispute(chargeback()).when(command).then_expect_events(vec![]);
}

#[test]
fn an_older_message_still_tells_of_its_transactions() {
    dispute(vec![opened(false), status("unknown", "under_review", 9)])
        .when(merge(fact(3, "needs_response", &[withdrawal()])))
        .then_expect_events(vec![withdrawn()]);
}

#[test]
fn an_inquiry_becomes_a_chargeback_when_its_class_rises() {
    dispute(inquiry()).when(merge(fact(2, "needs_response", &[withdrawal()]))).then_expect_events(
        vec![escalated(), withdrawn(), status("warning_needs_response", "needs_response", 2)],
    );
}

#[test]
fn a_closed_inquiry_ends_without_money() {
    dispute(inquiry()).when(merge(fact(2, "warning_closed", &[]))).then_expect_events(vec![
        status("warning_needs_response", "warning_closed", 2),
        DisputeEvent::Closed {
            dispute: id(),
            stripe_dispute: "dp_1".into(),
            payment: payment(),
            outcome: DisputeOutcome::WarningClosed,
            withdrawn: usd(0),
            reinstated: usd(0),
            partial: false,
            occurred_at: at(0),
            at: at(100),
        },
    ]);
}

#[test]
fn an_inquiry_that_was_closed_and_comes_back_is_escalated_and_open_again() {
    let mut events = inquiry();
    events.extend([
        status("warning_needs_response", "warning_closed", 2),
        closed(DisputeOutcome::WarningClosed, 0),
    ]);
    dispute(events.clone())
        .when(merge(fact(3, "needs_response", &[])))
        .then_expect_events(vec![escalated(), status("warning_closed", "needs_response", 3)]);
    events.push(escalated());
    assert_eq!(fold(events).closed(), None);
}

#[test]
fn a_dispute_that_is_partly_won_is_lost_with_a_reinstatement() {
    let movements = [withdrawal(), reinstatement(1000)];
    dispute(chargeback()).when(merge(fact(5, "lost", &movements))).then_expect_events(vec![
        withdrawn(),
        reinstated(1000, false),
        status("needs_response", "lost", 5),
        closed(DisputeOutcome::Lost, 1000),
    ]);
}

#[test]
fn money_that_comes_back_after_the_end_is_marked() {
    let mut events = chargeback();
    events.extend([withdrawn(), closed(DisputeOutcome::Won, 0)]);
    let command = merge(fact(1, "needs_response", &[withdrawal(), reinstatement(5413)]));
    dispute(events).when(command).then_expect_events(vec![reinstated(5413, true)]);
}

#[test]
fn a_transaction_of_nothing_is_left_to_its_own_posting() {
    let fee_only = DisputeMovement { amount: usd(0), ..withdrawal() };
    dispute(chargeback())
        .when(merge(fact(1, "needs_response", &[fee_only])))
        .then_expect_events(vec![]);
}

#[test]
fn every_command_needs_a_dispute() {
    for command in [
        DisputeCommand::Assign { to: ada(), by: bert() },
        DisputeCommand::AddNote { note: "x".to_owned(), by: ada() },
        draft("delivered"),
        submit("delivered"),
        accept(ada(), 0),
        DisputeCommand::RefundInquiry { by: ada() },
        DisputeCommand::NoteCallConfirmed { idempotency_key: key("accept") },
        DisputeCommand::NoteCallUnknown { idempotency_key: key("accept") },
        refused(&key("accept")),
        DisputeCommand::NoteDeadline { hours: 72 },
        DisputeCommand::NoteDeadlineMissed,
        DisputeCommand::ChargeFee { weights: vec![] },
    ] {
        no_dispute().when(command).then_expect_error(DisputeError::Unknown);
    }
}

#[test]
fn somebody_is_put_in_charge_once() {
    let assigned = DisputeEvent::ActionLogged {
        action: "assigned".to_owned(),
        detail: ada().0,
        by: bert(),
        at: at(100),
    };
    let command = DisputeCommand::Assign { to: ada(), by: bert() };
    dispute(chargeback()).when(command.clone()).then_expect_events(vec![assigned.clone()]);
    let mut events = chargeback();
    events.push(assigned);
    assert_eq!(fold(events.clone()).assigned_to(), Some(&ada()));
    dispute(events).when(command).then_expect_events(vec![]);
}

#[test]
fn notes_are_kept_even_after_the_end() {
    let mut events = chargeback();
    events.push(closed(DisputeOutcome::Lost, 0));
    dispute(events)
        .when(DisputeCommand::AddNote { note: "next time, track it".to_owned(), by: ada() })
        .then_expect_events(vec![DisputeEvent::ActionLogged {
            action: "noted".to_owned(),
            detail: "next time, track it".to_owned(),
            by: ada(),
            at: at(100),
        }]);
}

#[test]
fn drafted_evidence_is_sent_with_what_is_added() {
    let mut events = chargeback();
    dispute(events.clone()).when(draft("delivered")).then_expect_events(vec![drafted("delivered")]);
    events.push(drafted("delivered"));
    dispute(events.clone()).when(draft("delivered")).then_expect_events(vec![]);
    let more = BTreeMap::from([("refund_policy".to_owned(), "none".to_owned())]);
    let mut all = fields("delivered");
    all.extend(more.clone());
    dispute(events)
        .when(DisputeCommand::SubmitEvidence { fields: more, by: ada() })
        .then_expect_events(vec![submitted(all, "evidence")]);
}

#[test]
fn evidence_is_sent_once() {
    let mut events = chargeback();
    events.push(submitted(fields("delivered"), "evidence"));
    dispute(events.clone()).when(submit("delivered")).then_expect_events(vec![]);
    for command in [submit("something else"), draft("something else")] {
        dispute(events.clone())
            .when(command)
            .then_expect_error(DisputeError::EvidenceAlreadySubmitted);
    }
}

#[test]
fn evidence_that_stripe_refused_is_sent_again_under_a_key_of_its_own() {
    let mut events = chargeback();
    events.push(submitted(fields("delivered"), "evidence"));
    let refusal = DisputeEvent::CallRefused {
        idempotency_key: key("evidence"),
        code: "invalid".to_owned(),
        message: "no".to_owned(),
        at: at(100),
    };
    dispute(events.clone())
        .when(refused(&key("evidence")))
        .then_expect_events(vec![refusal.clone()]);
    events.push(refusal);
    dispute(events.clone()).when(refused(&key("evidence"))).then_expect_events(vec![]);
    dispute(events)
        .when(submit("delivered"))
        .then_expect_events(vec![submitted(fields("delivered"), "evidence:2")]);
}

#[test]
fn evidence_without_a_field_is_refused() {
    let nothing = BTreeMap::new();
    for command in [
        DisputeCommand::SubmitEvidence { fields: nothing.clone(), by: ada() },
        DisputeCommand::DraftEvidence { fields: nothing, by: ada() },
    ] {
        dispute(chargeback()).when(command).then_expect_error(DisputeError::EvidenceEmpty);
    }
}

#[test]
fn evidence_is_refused_from_the_deadline_on() {
    for command in [submit("delivered"), draft("delivered")] {
        dispute_at(DUE, chargeback())
            .when(command)
            .then_expect_error(DisputeError::EvidenceTooLate { due_by: at(DUE) });
    }
    let events = dispute_at(DUE - 1, chargeback()).when(submit("x")).inspect_result().unwrap();
    assert_eq!(events.len(), 1);
}

#[test]
fn a_dispute_without_a_deadline_allows_no_response() {
    let events = vec![opened_as(false, None)];
    dispute(events).when(submit("x")).then_expect_error(DisputeError::NoResponseAllowed);
}

#[test]
fn a_closed_dispute_is_not_answered() {
    let mut events = chargeback();
    events.push(closed(DisputeOutcome::Lost, 0));
    for command in
        [submit("x"), draft("x"), accept(ada(), 0), DisputeCommand::RefundInquiry { by: ada() }]
    {
        dispute(events.clone()).when(command).then_expect_error(DisputeError::Closed);
    }
}

#[test]
fn accepting_is_one_decision_below_the_limit() {
    let mut events = chargeback();
    dispute(events.clone()).when(accept(ada(), 5413)).then_expect_events(vec![accepted(ada())]);
    events.push(accepted(ada()));
    for command in [accept(ada(), 5413), submit("x"), DisputeCommand::RefundInquiry { by: ada() }] {
        dispute(events.clone()).when(command).then_expect_error(DisputeError::AlreadyAccepted);
    }
}

#[test]
fn accepting_takes_two_people_above_the_limit() {
    let proposed = DisputeEvent::AcceptProposed { by: ada(), at: at(100) };
    let mut events = chargeback();
    dispute(events.clone()).when(accept(ada(), 5412)).then_expect_events(vec![proposed.clone()]);
    events.push(proposed);
    dispute(events.clone())
        .when(accept(ada(), 5412))
        .then_expect_error(DisputeError::NeedsSecondApprover { first: ada().0 });
    dispute(events).when(accept(bert(), 5412)).then_expect_events(vec![accepted(bert())]);
}

#[test]
fn an_inquiry_may_be_answered_by_a_refund_once() {
    let refunded = DisputeEvent::InquiryRefunded { by: ada(), at: at(100) };
    let mut events = inquiry();
    let command = DisputeCommand::RefundInquiry { by: ada() };
    dispute(events.clone()).when(command.clone()).then_expect_events(vec![refunded.clone()]);
    events.push(refunded);
    dispute(events.clone()).when(command).then_expect_events(vec![]);
    dispute(events.clone()).when(accept(ada(), 0)).then_expect_error(DisputeError::AlreadyAccepted);
    assert_eq!(fold(events).answer(), &Answer::Refunded);
}

#[test]
fn a_chargeback_is_never_answered_by_a_refund() {
    let command = DisputeCommand::RefundInquiry { by: ada() };
    dispute(chargeback()).when(command.clone()).then_expect_error(DisputeError::NotRefundable);
    let mut events = inquiry();
    events.push(escalated());
    dispute(events).when(command).then_expect_error(DisputeError::NotRefundable);
}

#[test]
fn the_outcome_of_a_call_is_noted_once_and_a_confirmed_one_is_final() {
    let idempotency_key = key("accept");
    let unknown = DisputeCommand::NoteCallUnknown { idempotency_key: idempotency_key.clone() };
    let confirm = DisputeCommand::NoteCallConfirmed { idempotency_key: idempotency_key.clone() };
    let was_unknown =
        DisputeEvent::CallUnknown { idempotency_key: idempotency_key.clone(), at: at(100) };
    let confirmed = DisputeEvent::CallConfirmed { idempotency_key, at: at(100) };
    let mut events = chargeback();
    dispute(events.clone()).when(confirm.clone()).then_expect_events(vec![]);
    events.push(accepted(ada()));
    dispute(events.clone()).when(unknown.clone()).then_expect_events(vec![was_unknown.clone()]);
    events.push(was_unknown);
    dispute(events.clone()).when(unknown).then_expect_events(vec![]);
    dispute(events.clone()).when(confirm.clone()).then_expect_events(vec![confirmed.clone()]);
    events.push(confirmed);
    dispute(events.clone()).when(confirm).then_expect_events(vec![]);
    dispute(events).when(refused(&key("accept"))).then_expect_events(vec![]);
}

#[test]
fn deadlines_are_announced_in_time_and_once() {
    let due = at(DUE - 72 * 3600);
    let command = DisputeCommand::NoteDeadline { hours: 72 };
    dispute(chargeback()).when(command.clone()).then_expect_error(DisputeError::TooEarly { due });
    let near = DisputeEvent::DeadlineNear { hours: 72, due_by: at(DUE), at: due };
    let mut events = chargeback();
    dispute_at(DUE - 72 * 3600, events.clone())
        .when(command.clone())
        .then_expect_events(vec![near.clone()]);
    events.push(near);
    dispute_at(DUE - 72 * 3600, events.clone()).when(command.clone()).then_expect_events(vec![]);
    dispute_at(DUE, chargeback()).when(command.clone()).then_expect_events(vec![]);
    events.push(submitted(fields("x"), "evidence"));
    dispute_at(DUE - 3600, events)
        .when(DisputeCommand::NoteDeadline { hours: 6 })
        .then_expect_events(vec![]);
}

#[test]
fn a_new_deadline_is_announced_anew() {
    let mut events = chargeback();
    let early = at(DUE - 72 * 3600);
    events.push(DisputeEvent::DeadlineNear { hours: 72, due_by: at(DUE), at: early });
    events.push(DisputeEvent::StatusChanged {
        from: "needs_response".to_owned(),
        to: "needs_response".to_owned(),
        due_by: Some(at(2 * DUE)),
        amount: None,
        rank: rank("needs_response", 5),
        at: early,
    });
    let now = 2 * DUE - 72 * 3600;
    dispute_at(now, events).when(DisputeCommand::NoteDeadline { hours: 72 }).then_expect_events(
        vec![DisputeEvent::DeadlineNear { hours: 72, due_by: at(2 * DUE), at: at(now) }],
    );
}

#[test]
fn a_missed_deadline_is_told_once_and_only_if_nobody_answered() {
    let command = DisputeCommand::NoteDeadlineMissed;
    dispute(chargeback())
        .when(command.clone())
        .then_expect_error(DisputeError::TooEarly { due: at(DUE) });
    let missed = DisputeEvent::EvidenceDeadlineMissed { due_by: at(DUE), at: at(DUE) };
    let mut events = chargeback();
    dispute_at(DUE, events.clone()).when(command.clone()).then_expect_events(vec![missed.clone()]);
    events.push(missed);
    dispute_at(DUE, events).when(command.clone()).then_expect_events(vec![]);
    for answered in [
        submitted(fields("x"), "evidence"),
        status("needs_response", "under_review", 3),
        closed(DisputeOutcome::Won, 0),
    ] {
        let mut events = chargeback();
        events.push(answered);
        dispute_at(DUE, events).when(command.clone()).then_expect_events(vec![]);
    }
    dispute(vec![opened_as(false, None)]).when(command).then_expect_events(vec![]);
}

#[test]
fn the_fee_is_shared_by_weight_to_the_last_unit_and_once() {
    let sellers = ["a", "b", "c"].map(|name| SellerId::derived(&[name]));
    let weights = vec![(sellers[0], 1), (sellers[1], 1), (sellers[2], 1)];
    let command = DisputeCommand::ChargeFee { weights };
    let mut events = chargeback();
    dispute(events.clone()).when(command.clone()).then_expect_events(vec![]);
    events.push(withdrawn());
    let shares = [501, 500, 500].into_iter().zip(sellers);
    let charged = DisputeEvent::FeeCharged {
        dispute: id(),
        currency: Currency::USD,
        shares: shares.map(|(amount, seller)| FeeShare { seller, amount }).collect(),
        at: at(100),
    };
    dispute(events.clone()).when(command.clone()).then_expect_events(vec![charged.clone()]);
    let nobody = DisputeCommand::ChargeFee { weights: vec![(sellers[0], 0)] };
    dispute(events.clone()).when(nobody).then_expect_events(vec![]);
    events.push(charged);
    dispute(events).when(command).then_expect_events(vec![]);
}

#[test]
fn a_fee_that_stripe_returned_is_not_charged_on() {
    let mut events = chargeback();
    events.extend([withdrawn(), reinstated(5413, false)]);
    if let Some(DisputeEvent::FundsReinstated { fee_returned, .. }) = events.last_mut() {
        *fee_returned = 1501;
    }
    let weights = vec![(SellerId::derived(&["a"]), 1)];
    dispute(events).when(DisputeCommand::ChargeFee { weights }).then_expect_events(vec![]);
}

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<DisputeEvent>(include_str!("golden.jsonl"));
}

fn no_dispute() -> AggregateTestExecutor<Dispute> {
    dispute(vec![])
}

fn dispute(events: Vec<DisputeEvent>) -> AggregateTestExecutor<Dispute> {
    dispute_at(100, events)
}

fn dispute_at(seconds: i64, events: Vec<DisputeEvent>) -> AggregateTestExecutor<Dispute> {
    TestFramework::with(context(at(seconds))).given(events)
}

fn fold(events: Vec<DisputeEvent>) -> Dispute {
    let mut dispute = Dispute::default();
    events.into_iter().for_each(|event| dispute.evolve(event));
    dispute
}

fn id() -> DisputeId {
    DisputeId::derived(&["dp_1"])
}

fn payment() -> PaymentId {
    PaymentId::derived(&["ch_1"])
}

fn ada() -> Person {
    "user_ada".into()
}

fn bert() -> Person {
    "user_bert".into()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn key(intent: &str) -> String {
    format!("db:{}:dispute:{}:{intent}", context(at(0)).tenant, id())
}

fn fields(text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("uncategorized_text".to_owned(), text.to_owned())])
}

fn draft(text: &str) -> DisputeCommand {
    DisputeCommand::DraftEvidence { fields: fields(text), by: ada() }
}

fn drafted(text: &str) -> DisputeEvent {
    DisputeEvent::EvidenceDrafted { fields: fields(text), by: ada(), at: at(100) }
}

fn submit(text: &str) -> DisputeCommand {
    DisputeCommand::SubmitEvidence { fields: fields(text), by: ada() }
}

fn submitted(fields: BTreeMap<String, String>, intent: &str) -> DisputeEvent {
    DisputeEvent::EvidenceSubmitted {
        stripe_dispute: "dp_1".into(),
        fields,
        idempotency_key: key(intent),
        by: ada(),
        at: at(100),
    }
}

fn accept(by: Person, second_person_above: i64) -> DisputeCommand {
    DisputeCommand::Accept { by, second_person_above }
}

fn accepted(by: Person) -> DisputeEvent {
    DisputeEvent::Accepted {
        stripe_dispute: "dp_1".into(),
        idempotency_key: key("accept"),
        by,
        at: at(100),
    }
}

fn refused(idempotency_key: &str) -> DisputeCommand {
    DisputeCommand::NoteCallRefused {
        idempotency_key: idempotency_key.to_owned(),
        code: "invalid".to_owned(),
        message: "no".to_owned(),
    }
}

fn rank(status: &str, created: i64) -> FactRank {
    let class = super::classes::class(status);
    FactRank { class, created, event: format!("evt_{created}").into() }
}

fn fact(created: i64, status: &str, movements: &[DisputeMovement]) -> DisputeFact {
    DisputeFact {
        stripe_dispute: "dp_1".into(),
        charge: "ch_1".into(),
        rank: rank(status, created),
        status: status.to_owned(),
        amount: usd(5413),
        reason: "fraudulent".to_owned(),
        network: Some("visa".to_owned()),
        due_by: due_by(status),
        charge_refundable: false,
        movements: movements.to_vec(),
        occurred_at: at(0),
    }
}

fn due_by(status: &str) -> Option<Timestamp> {
    super::classes::outcome(status).is_none().then(|| at(DUE))
}

fn merge(fact: DisputeFact) -> DisputeCommand {
    DisputeCommand::MergeFact { dispute: id(), payment: payment(), fact: Box::new(fact) }
}

fn opened(inquiry: bool) -> DisputeEvent {
    opened_as(inquiry, Some(at(DUE)))
}

fn opened_as(inquiry: bool, due_by: Option<Timestamp>) -> DisputeEvent {
    DisputeEvent::Opened {
        dispute: id(),
        stripe_dispute: "dp_1".into(),
        charge: "ch_1".into(),
        payment: payment(),
        amount: usd(5413),
        reason: "fraudulent".to_owned(),
        network: Some("visa".to_owned()),
        inquiry,
        due_by,
        charge_refundable: inquiry,
        occurred_at: at(0),
        at: at(100),
    }
}

fn inquiry() -> Vec<DisputeEvent> {
    vec![opened(true), status("unknown", "warning_needs_response", 1)]
}

fn chargeback() -> Vec<DisputeEvent> {
    vec![opened(false), status("unknown", "needs_response", 1)]
}

fn escalated() -> DisputeEvent {
    DisputeEvent::Escalated { dispute: id(), payment: payment(), amount: usd(5413), at: at(100) }
}

fn status(from: &str, to: &str, created: i64) -> DisputeEvent {
    DisputeEvent::StatusChanged {
        from: from.to_owned(),
        to: to.to_owned(),
        due_by: due_by(to),
        amount: Some(usd(5413)),
        rank: rank(to, created),
        at: at(100),
    }
}

fn withdrawal() -> DisputeMovement {
    DisputeMovement { txn: "txn_1".into(), amount: usd(-5413), fee: 1501, occurred_at: at(2) }
}

fn withdrawn() -> DisputeEvent {
    DisputeEvent::FundsWithdrawn {
        dispute: id(),
        stripe_dispute: "dp_1".into(),
        txn: "txn_1".into(),
        amount: usd(5413),
        fee: 1501,
        occurred_at: at(2),
        at: at(100),
    }
}

fn reinstatement(minor: i64) -> DisputeMovement {
    DisputeMovement { txn: "txn_2".into(), amount: usd(minor), fee: 0, occurred_at: at(4) }
}

fn reinstated(minor: i64, after_close: bool) -> DisputeEvent {
    DisputeEvent::FundsReinstated {
        dispute: id(),
        stripe_dispute: "dp_1".into(),
        payment: payment(),
        txn: "txn_2".into(),
        amount: usd(minor),
        fee_returned: 0,
        after_close,
        occurred_at: at(4),
        at: at(100),
    }
}

fn closed(outcome: DisputeOutcome, reinstated: i64) -> DisputeEvent {
    DisputeEvent::Closed {
        dispute: id(),
        stripe_dispute: "dp_1".into(),
        payment: payment(),
        outcome,
        withdrawn: usd(5413),
        reinstated: usd(reinstated),
        partial: outcome == DisputeOutcome::Lost && reinstated > 0,
        occurred_at: at(0),
        at: at(100),
    }
}

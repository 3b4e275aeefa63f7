//! The second half: from the connected account to the bank.

use super::*;

const DAY: i64 = 86_400;

#[test]
fn the_bank_leg_is_asked_for_once() {
    let history = || vec![requested(true), reserved(), submitted("transfer"), transferred(true)];
    payout(history()).when(Command::SubmitBank).then_expect_events(vec![bank_submitted(1)]);
    payout(in_the_account()).when(Command::SubmitBank).then_expect_events(vec![]);
    payout(vec![requested(false), reserved()])
        .when(Command::SubmitBank)
        .then_expect_error(wrong("reserved"));
    let refused = and(in_the_account(), vec![bank_refused(1)]);
    payout(refused).when(Command::SubmitBank).then_expect_error(wrong("bank_refused"));
}

#[test]
fn an_unknown_outcome_is_repeated_under_the_same_key() {
    let unknown = || Event::BankUnknown { attempt: 1, at: at(0) };
    let note = |attempt| Command::NoteBankUnknown { attempt };
    payout(in_the_account()).when(note(1)).then_expect_events(vec![unknown()]);
    let waiting = || and(in_the_account(), vec![unknown()]);
    payout(waiting()).when(note(1)).then_expect_events(vec![]);
    payout(waiting()).when(Command::SubmitBank).then_expect_events(vec![bank_submitted(1)]);
    payout(and(in_the_account(), vec![sent()])).when(note(1)).then_expect_events(vec![]);
    for attempt in [0, 2] {
        payout(waiting()).when(note(attempt)).then_expect_error(wrong("bank_unknown"));
    }
    payout(and(in_the_account(), vec![bank_refused(1)]))
        .when(note(1))
        .then_expect_error(wrong("bank_refused"));
}

#[test]
fn a_refusal_is_noted_and_a_person_may_try_again() {
    payout(in_the_account()).when(bank_refused_call(1)).then_expect_events(vec![bank_refused(1)]);
    let refused = || and(in_the_account(), vec![bank_refused(1)]);
    payout(refused()).when(bank_refused_call(1)).then_expect_events(vec![]);
    payout(refused()).when(retry()).then_expect_events(vec![retried(2), bank_submitted(2)]);
    let again = || and(refused(), vec![retried(2), bank_submitted(2)]);
    payout(again()).when(retry()).then_expect_events(vec![]);
    payout(again()).when(bank_refused_call(1)).then_expect_events(vec![]);
    payout(again()).when(bank_refused_call(2)).then_expect_events(vec![bank_refused(2)]);
    payout(again()).when(bank_refused_call(3)).then_expect_error(wrong("bank_submitted"));
    payout(and(in_the_account(), vec![sent()]))
        .when(bank_refused_call(1))
        .then_expect_error(wrong("sent"));
}

#[test]
fn stripes_facts_move_the_payout_along() {
    let mut history = in_the_account();
    let pending = fact("pending", 1);
    payout(history.clone())
        .when(merge(pending.clone()))
        .then_expect_events(vec![sent(), merged(&pending)]);
    history.extend([sent(), merged(&pending)]);
    assert_eq!(state(history.clone()).state(), "pending");

    let moving = fact("in_transit", 2);
    let in_transit = || Event::InTransit { stripe_payout: "po_1".into(), at: at(0) };
    payout(history.clone())
        .when(merge(moving.clone()))
        .then_expect_events(vec![merged(&moving), in_transit()]);
    history.extend([merged(&moving), in_transit()]);

    let arrived = fact("paid", 3);
    payout(history.clone())
        .when(merge(arrived.clone()))
        .then_expect_events(vec![merged(&arrived), paid()]);
    history.extend([merged(&arrived), paid()]);
    for known in [pending, moving, arrived] {
        payout(history.clone()).when(merge(known)).then_expect_events(vec![]);
    }
    assert_eq!(state(history).state(), "paid");
}

#[test]
fn a_fact_told_again_later_is_no_second_crossing() {
    let (first, second) = (fact("paid", 3), fact("paid", 4));
    let history = and(in_the_account(), vec![sent(), merged(&first), paid()]);
    payout(history).when(merge(second.clone())).then_expect_events(vec![merged(&second)]);
}

#[test]
fn e65_a_payout_may_fail_after_it_was_paid_and_its_money_comes_back_once() {
    let arrived = fact("paid", 3);
    let history = || and(in_the_account(), vec![sent(), merged(&arrived), paid()]);
    let mut refused = fact("failed", 4);
    payout(history())
        .when(merge(refused.clone()))
        .then_expect_events(vec![merged(&refused), failed()]);
    let so_far = and(history(), vec![merged(&refused), failed()]);
    // The transaction that returned the money may be told of later, even by an older fact.
    refused.failure_balance_transaction = Some("txn_3".into());
    payout(so_far.clone()).when(merge(refused.clone())).then_expect_events(vec![returned()]);
    let over = and(so_far, vec![returned()]);
    payout(over.clone()).when(merge(refused)).then_expect_events(vec![]);
    assert_eq!(state(over).state(), "returned");
}

#[test]
fn a_cancelled_payout_comes_back_too() {
    let mut cancelled = fact("canceled", 2);
    cancelled.failure_balance_transaction = Some("txn_3".into());
    let event = Event::Canceled {
        payout: id(),
        seller: Some(seller()),
        stripe_payout: "po_1".into(),
        occurred_at: at(-2),
        at: at(0),
    };
    payout(in_the_account()).when(merge(cancelled.clone())).then_expect_events(vec![
        sent(),
        merged(&cancelled),
        event,
        returned(),
    ]);
}

#[test]
fn a_returned_payout_is_tried_again_with_the_same_transfer() {
    let refused = fact("failed", 2);
    let waiting = || and(in_the_account(), vec![sent(), merged(&refused), failed()]);
    payout(waiting()).when(retry()).then_expect_error(wrong("failed"));
    let back = || and(waiting(), vec![returned()]);
    payout(back()).when(retry()).then_expect_events(vec![retried(2), bank_submitted(2)]);
    payout(in_the_account()).when(retry()).then_expect_error(wrong("bank_submitted"));
    payout(vec![requested(false)]).when(retry()).then_expect_error(wrong("requested"));
    let mut second = fact("pending", 9);
    second.stripe_payout = "po_2".into();
    let again = and(back(), vec![retried(2), bank_submitted(2)]);
    let events = payout(again.clone()).when(merge(second)).inspect_result().unwrap();
    assert!(matches!(events[0], Event::Sent { .. }));
    // What Stripe still says about the first one does not touch the second.
    let after = and(again, events);
    payout(after.clone()).when(merge(refused)).then_expect_events(vec![]);
    assert_eq!(state(after).state(), "pending");
}

#[test]
fn what_stripe_says_of_the_amount_is_kept() {
    let mut other = fact("pending", 1);
    other.amount = usd(3000);
    let events = payout(in_the_account()).when(merge(other)).inspect_result().unwrap();
    assert!(matches!(events[0], Event::Sent { amount, .. } if amount == usd(3000)));
}

#[test]
fn a_payout_nobody_asked_for_is_observed() {
    let moving = own_fact("in_transit");
    let crossing = Event::InTransit { stripe_payout: "po_1".into(), at: at(0) };
    payout(vec![]).when(merge(moving.clone())).then_expect_events(vec![
        observed(None),
        merged(&moving),
        crossing,
    ]);
    payout(vec![observed(None), merged(&moving)]).when(merge(moving)).then_expect_events(vec![]);
}

#[test]
fn the_platforms_own_payout_is_confirmed_by_the_bank_once() {
    let confirm = |reference: &str| Command::ConfirmBank {
        reference: reference.to_owned(),
        by: "ann".into(),
    };
    let arrived = own_fact("paid");
    let confirmed = Event::BankConfirmed {
        payout: id(),
        stripe_payout: "po_1".into(),
        amount: usd(3040),
        reference: "line 4".to_owned(),
        by: "ann".into(),
        at: at(0),
    };
    let history = || vec![observed(None), merged(&arrived), paid()];
    payout(history()).when(confirm("line 4")).then_expect_events(vec![confirmed.clone()]);
    let over = || and(history(), vec![confirmed.clone()]);
    payout(over()).when(confirm("line 4")).then_expect_events(vec![]);
    payout(over()).when(confirm("line 5")).then_expect_error(wrong("confirmed as line 4"));
    for others in [vec![observed(Some(account()))], in_the_account()] {
        payout(others).when(confirm("line 4")).then_expect_error(PayoutError::NotThePlatforms);
    }
    let refused = own_fact("failed");
    payout(vec![observed(None), merged(&refused), failed()])
        .when(confirm("line 4"))
        .then_expect_error(wrong("failed"));
}

#[test]
fn the_transactions_of_a_payout_are_compared_with_its_amount() {
    let note = |sum| Command::NoteReconciled { stripe_payout: "po_1".into(), transactions: 2, sum };
    let reconciled = |minor, difference| Event::Reconciled {
        stripe_payout: "po_1".into(),
        transactions: 2,
        sum: usd(minor),
        difference,
        at: at(0),
    };
    let history = || and(in_the_account(), vec![sent()]);
    payout(history()).when(note(usd(3040))).then_expect_events(vec![reconciled(3040, 0)]);
    payout(history()).when(note(usd(3000))).then_expect_events(vec![reconciled(3000, -40)]);
    payout(and(history(), vec![reconciled(3000, -40)]))
        .when(note(usd(3000)))
        .then_expect_events(vec![]);
    payout(history()).when(note(Money::new(1, Currency::EUR))).then_expect_error(
        PayoutError::CurrencyMismatch { expected: Currency::USD, given: Currency::EUR },
    );
    payout(in_the_account()).when(note(usd(3040))).then_expect_error(PayoutError::Unknown);
}

#[test]
fn a_payout_is_stuck_three_days_after_it_should_have_arrived() {
    let pending = fact("in_transit", 1);
    let history = || and(in_the_account(), vec![sent(), merged(&pending)]);
    let due = at(1000 + 3 * DAY);
    payout_at(history(), at(1000 + 3 * DAY - 1))
        .when(Command::NoteStuck)
        .then_expect_error(PayoutError::TooEarly { due });
    let stuck = Event::Stuck { at: due };
    payout_at(history(), due).when(Command::NoteStuck).then_expect_events(vec![stuck.clone()]);
    payout_at(and(history(), vec![stuck]), due).when(Command::NoteStuck).then_expect_events(vec![]);
    let arrived = and(history(), vec![merged(&fact("paid", 2)), paid()]);
    payout_at(arrived, due).when(Command::NoteStuck).then_expect_events(vec![]);
    payout_at(in_the_account(), due).when(Command::NoteStuck).then_expect_events(vec![]);
}

fn paid() -> Event {
    Event::Paid {
        payout: id(),
        seller: Some(seller()),
        stripe_payout: "po_1".into(),
        occurred_at: at(-2),
        at: at(0),
    }
}

fn bank_refused(attempt: u32) -> Event {
    Event::BankRefused {
        attempt,
        code: "balance_insufficient".to_owned(),
        message: "too little".to_owned(),
        at: at(0),
    }
}

fn retry() -> Command {
    Command::RetryPayout { by: "ann".into() }
}

fn retried(attempt: u32) -> Event {
    Event::RetryRequested { attempt, by: "ann".into(), at: at(0) }
}

fn own_fact(status: &str) -> PayoutFact {
    PayoutFact { account: None, seller: None, automatic: true, ..fact(status, 1) }
}

fn observed(account: Option<AccountRef>) -> Event {
    Event::Observed {
        payout: id(),
        stripe_payout: "po_1".into(),
        account,
        seller: None,
        automatic: true,
        amount: usd(3040),
        arrival: Some(at(1000)),
        occurred_at: at(-2),
        at: at(0),
    }
}

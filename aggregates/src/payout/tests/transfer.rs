//! The first half: request, reserve, transfer.

use super::*;

#[test]
fn a_seller_is_paid_once_per_request() {
    payout(vec![]).when(request()).then_expect_events(vec![requested(false)]);
    payout(vec![requested(false)]).when(request()).then_expect_events(vec![]);
    payout(in_the_account()).when(request()).then_expect_events(vec![]);
    payout(vec![requested(true)]).when(request()).then_expect_error(PayoutError::AlreadyRequested);
    payout(vec![transferred(true)])
        .when(request())
        .then_expect_error(PayoutError::AlreadyRequested);
}

#[test]
fn an_amount_that_stripe_cannot_pay_out_is_refused() {
    let huf: Currency = "HUF".parse().unwrap();
    let ask = |currency, amount| Command::Request {
        payout: id(),
        seller: seller(),
        account: account(),
        currency,
        amount: Some(amount),
        minimum: 1,
        by_schedule: false,
        automatic_bank: false,
        requested_by: "ann".into(),
    };
    for amount in [0, -5] {
        payout(vec![])
            .when(ask(Currency::USD, amount))
            .then_expect_error(PayoutError::AmountNotPositive);
    }
    payout(vec![])
        .when(ask(huf, 1045))
        .then_expect_error(PayoutError::CurrencyMultiple { currency: huf, multiple: 100 });
}

#[test]
fn the_sellers_balance_sets_the_money_apart() {
    let note = |amount| Command::NoteReserved { amount };
    payout(vec![requested(false)]).when(note(usd(3040))).then_expect_events(vec![reserved()]);
    payout(vec![requested(false), reserved()]).when(note(usd(3040))).then_expect_events(vec![]);
    payout(vec![requested(false), reserved()])
        .when(note(usd(3041)))
        .then_expect_error(PayoutError::AmountDiffers { expected: usd(3040), given: usd(3041) });
    payout(vec![requested(false)])
        .when(note(usd(0)))
        .then_expect_error(PayoutError::AmountNotPositive);
    payout(vec![requested(false)]).when(note(Money::new(5, Currency::EUR))).then_expect_error(
        PayoutError::CurrencyMismatch { expected: Currency::USD, given: Currency::EUR },
    );
    payout(vec![requested(false), rejected()])
        .when(note(usd(3040)))
        .then_expect_error(wrong("rejected"));
}

#[test]
fn a_payout_is_rejected_until_its_transfer_exists() {
    let reject = || Command::Reject { reason: "nothing left".to_owned() };
    for history in [
        vec![requested(false)],
        vec![requested(false), reserved()],
        vec![requested(false), reserved(), submitted("transfer")],
        vec![requested(false), reserved(), submitted("transfer"), unknown()],
    ] {
        payout(history).when(reject()).then_expect_events(vec![rejected()]);
    }
    payout(vec![requested(false), rejected()]).when(reject()).then_expect_events(vec![]);
    payout(in_the_account()).when(reject()).then_expect_error(wrong("bank_submitted"));
}

#[test]
fn the_transfer_is_submitted_once_and_for_no_more_than_was_reserved() {
    let submit = |minor| Command::SubmitTransfer { amount: usd(minor) };
    let history = || vec![requested(false), reserved()];
    payout(history()).when(submit(3040)).then_expect_events(vec![submitted("transfer")]);
    payout(history())
        .when(submit(3041))
        .then_expect_error(PayoutError::AmountDiffers { expected: usd(3040), given: usd(3041) });
    let reduced = payout(history()).when(submit(3000)).inspect_result().unwrap();
    assert!(
        matches!(reduced[..], [Event::TransferSubmitted { amount, .. }] if amount == usd(3000))
    );
    let submitted = and(history(), vec![submitted("transfer")]);
    payout(submitted.clone()).when(submit(3040)).then_expect_events(vec![]);
    payout(submitted)
        .when(submit(3000))
        .then_expect_error(PayoutError::AmountDiffers { expected: usd(3040), given: usd(3000) });
    payout(in_the_account()).when(submit(3040)).then_expect_events(vec![]);
    payout(vec![requested(false)]).when(submit(3040)).then_expect_error(wrong("requested"));
    payout(vec![requested(false), rejected()])
        .when(submit(3040))
        .then_expect_error(wrong("rejected"));
}

#[test]
fn a_transfer_whose_outcome_is_unknown_is_repeated_under_the_same_key() {
    let history = || vec![requested(false), reserved(), submitted("transfer")];
    payout(history()).when(Command::NoteTransferUnknown).then_expect_events(vec![unknown()]);
    let waiting = || and(history(), vec![unknown()]);
    payout(waiting()).when(Command::NoteTransferUnknown).then_expect_events(vec![]);
    payout(in_the_account()).when(Command::NoteTransferUnknown).then_expect_events(vec![]);
    payout(waiting())
        .when(Command::SubmitTransfer { amount: usd(3040) })
        .then_expect_events(vec![submitted("transfer")]);
    payout(waiting())
        .when(note_transfer(3040))
        .then_expect_events(vec![transferred(false), bank_submitted(1)]);
    payout(vec![requested(false)])
        .when(Command::NoteTransferUnknown)
        .then_expect_error(wrong("requested"));
    assert!(key("transfer").len() <= 255 && key("reversal:4294967295").len() <= 255);
}

#[test]
fn a_transfer_waits_1_then_4_then_24_hours_for_the_platforms_balance() {
    let defer = || Command::DeferTransfer { reason: "balance_insufficient".to_owned() };
    let deferred = |hours, attempt| Event::TransferDeferred {
        retry_at: at(hours * 3600),
        attempt,
        reason: "balance_insufficient".to_owned(),
        at: at(0),
    };
    let mut history = vec![requested(false), reserved(), submitted("transfer")];
    for (hours, attempt) in [(1, 1), (4, 2), (24, 3), (24, 4)] {
        let event = deferred(hours, attempt);
        payout(history.clone()).when(defer()).then_expect_events(vec![event.clone()]);
        history.push(event);
        payout(history.clone()).when(defer()).then_expect_events(vec![]);
        let due = at(hours * 3600);
        payout_at(history.clone(), at(hours * 3600 - 1))
            .when(Command::RetryTransfer)
            .then_expect_error(PayoutError::TooEarly { due });
        // Stripe would answer the first key with the old refusal.
        let again = payout_at(history.clone(), due).when(Command::RetryTransfer);
        let events = again.inspect_result().unwrap();
        let [Event::TransferSubmitted { idempotency_key, amount, .. }] = &events[..] else {
            unreachable!("{events:?}")
        };
        assert_eq!(*idempotency_key, key(&format!("transfer:{attempt}")));
        assert_eq!(*amount, usd(3040));
        history.extend(events);
        payout_at(history.clone(), due).when(Command::RetryTransfer).then_expect_events(vec![]);
    }
    payout(in_the_account()).when(defer()).then_expect_error(wrong("bank_submitted"));
    payout(in_the_account()).when(Command::RetryTransfer).then_expect_events(vec![]);
}

#[test]
fn e73_a_transfer_is_recorded_once_whether_the_answer_or_the_webhook_comes_first() {
    let history = || vec![requested(false), reserved(), submitted("transfer")];
    payout(history())
        .when(note_transfer(3040))
        .then_expect_events(vec![transferred(false), bank_submitted(1)]);
    payout(in_the_account()).when(note_transfer(3040)).then_expect_events(vec![]);
    payout(vec![requested(true), reserved(), submitted("transfer")])
        .when(note_transfer(3040))
        .then_expect_events(vec![transferred(true)]);
}

#[test]
fn a_transfer_given_up_and_found_after_all_is_recorded() {
    payout(vec![requested(false), reserved(), submitted("transfer"), rejected()])
        .when(note_transfer(3040))
        .then_expect_events(vec![transferred(false), bank_submitted(1)]);
}

#[test]
fn a_transfer_of_another_amount_is_refused() {
    let differs = || PayoutError::AmountDiffers { expected: usd(3040), given: usd(3041) };
    payout(vec![requested(false), reserved(), submitted("transfer")])
        .when(note_transfer(3041))
        .then_expect_error(differs());
    payout(in_the_account()).when(note_transfer(3041)).then_expect_error(differs());
    payout(vec![]).when(note_transfer(0)).then_expect_error(PayoutError::AmountNotPositive);
    let mut second = transfer_fact(3040);
    second.transfer = "tr_2".into();
    payout(in_the_account())
        .when(Command::NoteTransfer { payout: id(), seller: None, fact: second })
        .then_expect_error(wrong("transferred as tr_1"));
}

#[test]
fn a_transfer_nobody_asked_for_is_recorded_and_not_paid_on() {
    payout(vec![]).when(note_transfer(3040)).then_expect_events(vec![transferred(true)]);
    payout(vec![transferred(true)])
        .when(Command::SubmitBank)
        .then_expect_error(wrong("transferred"));
}

fn unknown() -> Event {
    Event::TransferUnknown { at: at(0) }
}

//! Fetching money back from the connected account.

use super::*;

#[test]
fn money_is_fetched_back_up_to_what_remains_of_the_transfer() {
    payout(in_the_account()).when(reverse(1000)).then_expect_events(vec![asked(1000, 1)]);
    payout(in_the_account())
        .when(Command::ReverseTransfer { amount: None, by: "ann".into() })
        .then_expect_events(vec![asked(3040, 1)]);
    let after = || and(in_the_account(), vec![asked(1000, 1), reversed("trr_1", 1000)]);
    payout(after()).when(reverse(2040)).then_expect_events(vec![asked(2040, 2)]);
    payout(after())
        .when(reverse(2041))
        .then_expect_error(PayoutError::ExceedsTransfer { remaining: usd(2040) });
    let over = and(after(), vec![reversed("trr_2", 2040)]);
    payout(over)
        .when(Command::ReverseTransfer { amount: None, by: "ann".into() })
        .then_expect_error(PayoutError::ExceedsTransfer { remaining: usd(0) });
}

#[test]
fn what_cannot_be_fetched_back_is_refused() {
    payout(in_the_account()).when(reverse(0)).then_expect_error(PayoutError::AmountNotPositive);
    let euros = Some(Money::new(5, Currency::EUR));
    payout(in_the_account())
        .when(Command::ReverseTransfer { amount: euros, by: "ann".into() })
        .then_expect_error(PayoutError::CurrencyMismatch {
            expected: Currency::USD,
            given: Currency::EUR,
        });
    payout(vec![requested(false)]).when(reverse(1)).then_expect_error(wrong("requested"));
}

#[test]
fn one_reversal_is_under_way_at_a_time() {
    let waiting = || and(in_the_account(), vec![asked(1000, 1)]);
    payout(waiting()).when(reverse(1000)).then_expect_events(vec![]);
    payout(waiting())
        .when(reverse(500))
        .then_expect_error(wrong("reversal of 10.00 USD submitted"));
    let unknown = || Event::ReversalUnknown { at: at(0) };
    payout(waiting()).when(Command::NoteReversalUnknown).then_expect_events(vec![unknown()]);
    let lost = || and(waiting(), vec![unknown()]);
    payout(lost()).when(Command::NoteReversalUnknown).then_expect_events(vec![]);
    payout(lost()).when(reverse(1000)).then_expect_events(vec![asked(1000, 1)]);
    payout(lost())
        .when(reverse(500))
        .then_expect_error(wrong("outcome of the reversal of 10.00 USD unknown"));
    payout(in_the_account())
        .when(Command::NoteReversalUnknown)
        .then_expect_error(wrong("bank_submitted"));
}

#[test]
fn after_a_refusal_the_next_question_has_its_own_key() {
    let note = || Command::NoteReversalRefused {
        code: "balance_insufficient".to_owned(),
        message: "too little".to_owned(),
    };
    let refused = || Event::ReversalRefused {
        code: "balance_insufficient".to_owned(),
        message: "too little".to_owned(),
        at: at(0),
    };
    let waiting = || and(in_the_account(), vec![asked(1000, 1)]);
    payout(waiting()).when(note()).then_expect_events(vec![refused()]);
    payout(and(waiting(), vec![refused()])).when(note()).then_expect_events(vec![]);
    payout(and(waiting(), vec![refused()]))
        .when(reverse(1000))
        .then_expect_events(vec![asked(1000, 2)]);
    payout(in_the_account()).when(note()).then_expect_error(wrong("bank_submitted"));
}

#[test]
fn each_reversal_counts_once_whoever_asked_for_it() {
    payout(in_the_account())
        .when(note("trr_9", 700))
        .then_expect_events(vec![reversed("trr_9", 700)]);
    let known = || and(in_the_account(), vec![asked(1000, 1), reversed("trr_9", 700)]);
    payout(known()).when(note("trr_9", 700)).then_expect_events(vec![]);
    payout(known())
        .when(note("trr_9", 701))
        .then_expect_error(PayoutError::AmountDiffers { expected: usd(700), given: usd(701) });
    // Ours is still under way, so it is not asked for twice.
    payout(known()).when(reverse(1000)).then_expect_events(vec![]);
    payout(known())
        .when(note("trr_1", 2341))
        .then_expect_error(PayoutError::ExceedsTransfer { remaining: usd(2340) });
    payout(known()).when(note("trr_1", 0)).then_expect_error(PayoutError::AmountNotPositive);
    payout(in_the_account())
        .when(Command::NoteReversal {
            payout: id(),
            seller: None,
            fact: ReversalFact {
                amount: Money::new(1, Currency::EUR),
                ..reversal_fact("trr_1", 1)
            },
        })
        .then_expect_error(PayoutError::CurrencyMismatch {
            expected: Currency::USD,
            given: Currency::EUR,
        });
}

#[test]
fn a_reversal_may_be_told_of_before_its_transfer() {
    payout(vec![]).when(note("trr_1", 1000)).then_expect_events(vec![reversed("trr_1", 1000)]);
    let events =
        payout(vec![requested(false), reserved(), submitted("transfer"), reversed("trr_1", 1000)])
            .when(note_transfer(3040))
            .inspect_result()
            .unwrap();
    assert!(
        matches!(events[..], [Event::TransferCreated { .. }, Event::BankSubmitted { amount, .. }]
            if amount == usd(2040))
    );
    let history = vec![requested(false), transferred(false), reversed("trr_1", 3040)];
    payout(history).when(Command::SubmitBank).then_expect_error(wrong("transferred"));
}

fn reverse(minor: i64) -> Command {
    Command::ReverseTransfer { amount: Some(usd(minor)), by: "ann".into() }
}

fn asked(minor: i64, attempt: u32) -> Event {
    Event::ReversalSubmitted {
        transfer: "tr_1".into(),
        amount: usd(minor),
        idempotency_key: key(&format!("reversal:{attempt}")),
        by: "ann".into(),
        at: at(0),
    }
}

fn note(reversal: &str, minor: i64) -> Command {
    Command::NoteReversal {
        payout: id(),
        seller: Some(seller()),
        fact: reversal_fact(reversal, minor),
    }
}

fn reversed(reversal: &str, minor: i64) -> Event {
    Event::TransferReversed {
        payout: id(),
        seller: Some(seller()),
        account: account(),
        transfer: "tr_1".into(),
        reversal: reversal.into(),
        txn: None,
        amount: usd(minor),
        occurred_at: at(-1),
        at: at(0),
    }
}

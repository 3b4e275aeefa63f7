//! The one open payout lane per currency.

use super::*;

#[test]
fn a_payout_takes_all_that_is_available() {
    seller(rich()).when(reserve(payout(1), None)).then_expect_events(vec![reserved(1, 3040)]);
    let history = || and(rich(), vec![reserved(1, 3040)]);
    seller(history()).when(reserve(payout(1), None)).then_expect_events(vec![]);
    let account = state(history());
    let lane = account.position(USD).lane();
    assert_eq!(lane, Some((payout(1), 3040, &PayoutStage::Reserved)));
    assert_eq!((account.payable(USD), account.position(USD).available()), (0, 3040));
}

#[test]
fn e67_two_payouts_at_once_are_refused() {
    let history =
        || after(vec![credit("a", 3040), release("a", 0), reserve(payout(1), Some(1000))]);
    seller(history())
        .when(reserve(payout(2), Some(1000)))
        .then_expect_error(Refusal::LaneBusy { payout: payout(1).to_string() });
    let euros = Command::ReserveForPayout {
        payout: payout(1),
        currency: Currency::EUR,
        amount: None,
        minimum: 1,
        by: ann(),
    };
    seller(history())
        .when(euros)
        .then_expect_error(Refusal::ClaimDiffers { claim: payout(1).to_string() });
}

#[test]
fn a_payout_that_is_too_small_or_too_large_is_refused() {
    for amount in [0, -1] {
        seller(rich())
            .when(reserve(payout(1), Some(amount)))
            .then_expect_error(Refusal::AmountNotPositive);
    }
    seller(rich())
        .when(reserve(payout(1), Some(99)))
        .then_expect_error(Refusal::BelowMinimum { minimum: usd(100) });
    seller(rich())
        .when(reserve(payout(1), Some(3041)))
        .then_expect_error(Refusal::InsufficientAvailable { available: usd(3040) });
    // E68: money that waits is not counted.
    seller(after(vec![credit("a", 3040)]))
        .when(reserve(payout(1), None))
        .then_expect_error(Refusal::InsufficientAvailable { available: usd(0) });
    seller(after(vec![credit("a", 99), release("a", 0)]))
        .when(reserve(payout(1), None))
        .then_expect_error(Refusal::BelowMinimum { minimum: usd(100) });
}

#[test]
fn what_people_hold_back_is_not_paid_out() {
    let history = || after(vec![credit("a", 3040), release("a", 0), hold("case", 1000)]);
    seller(history()).when(reserve(payout(1), None)).then_expect_events(vec![reserved(1, 2040)]);
    seller(history())
        .when(reserve(payout(1), Some(2041)))
        .then_expect_error(Refusal::InsufficientAvailable { available: usd(2040) });
    let more = and(history(), after(vec![hold("all", i64::MAX)])[4..].to_vec());
    assert_eq!(state(more).payable(USD), 0);
}

#[test]
fn e71_hungarian_and_kuwaiti_payouts_round_down_to_what_stripe_can_pay() {
    for (code, had, paid) in [("HUF", 1045, 1000), ("KWD", 5124, 5120), ("USD", 1045, 1045)] {
        let currency: Currency = code.parse().unwrap();
        let history = after(vec![credit_in("a", Money::new(had, currency)), release("a", 0)]);
        let ask = |amount| Command::ReserveForPayout {
            payout: payout(1),
            currency,
            amount,
            minimum: 1,
            by: ann(),
        };
        let events = seller(history.clone()).when(ask(None)).inspect_result().unwrap();
        assert!(matches!(events[..], [Event::PayoutReserved { amount, .. }] if amount == paid));
        if paid != had {
            let multiple = currency.facts().payout_multiple;
            seller(history)
                .when(ask(Some(had)))
                .then_expect_error(Refusal::CurrencyMultiple { currency, multiple });
        }
    }
}

#[test]
fn a_seller_who_is_not_ready_or_owes_is_not_paid() {
    seller(vec![registered()])
        .when(reserve(payout(1), None))
        .then_expect_error(Refusal::SellerNotReady);
    let owing = after(vec![debit("r", 300, None)]);
    seller(owing)
        .when(reserve(payout(1), None))
        .then_expect_error(Refusal::PayoutsBlocked { why: "the seller owes 3.00 USD".to_owned() });
}

#[test]
fn a_reserved_payout_is_committed_settled_and_its_lane_freed() {
    let mut history = and(rich(), vec![reserved(1, 3040)]);
    let freed = Event::LaneFreed { payout: payout(1), currency: USD, at: at(0) };
    for (command, event) in
        [(commit(), committed(3040, None)), (settle(), settled(3040)), (free(), freed)]
    {
        seller(history.clone()).when(command.clone()).then_expect_events(vec![event.clone()]);
        history.push(event);
        seller(history.clone()).when(command).then_expect_events(vec![]);
    }
    for again in [commit(), settle(), free()] {
        seller(history.clone()).when(again).then_expect_events(vec![]);
    }
    let account = state(history);
    assert_eq!(account.position(USD).available(), 0);
    assert_eq!(account.position(USD).lane(), None);
    assert_eq!(account.payout_stage(payout(1)), Some(&PayoutStage::Done));
}

#[test]
fn e66_a_refund_that_arrives_in_between_reduces_the_payout_or_ends_it() {
    let refunded = |minor| {
        after(vec![
            credit("a", 3040),
            release("a", 0),
            reserve(payout(1), None),
            debit("r", minor, None),
        ])
    };
    seller(refunded(40)).when(commit()).then_expect_events(vec![committed(3000, Some(3040))]);
    assert_eq!(state(refunded(40)).position(USD).lane().unwrap().1, 3000);
    for minor in [2941, 3040] {
        let reason =
            format!("only {} is still available, less than the least payout", usd(3040 - minor));
        seller(refunded(minor)).when(commit()).then_expect_events(vec![ended(3040, &reason)]);
    }
    let held = after(vec![
        credit("a", 3040),
        release("a", 0),
        reserve(payout(1), None),
        hold("case", 1000),
    ]);
    seller(held).when(commit()).then_expect_events(vec![committed(2040, Some(3040))]);
}

#[test]
fn a_payout_of_somebody_no_longer_ready_is_not_committed() {
    let stopped = AccountFlags { payouts_enabled: false, ..ready_flags() };
    let history = after(vec![
        credit("a", 3040),
        release("a", 0),
        reserve(payout(1), None),
        merge_status(stopped, 2),
    ]);
    let reason = "the seller is not ready: payouts are not enabled";
    seller(history).when(commit()).then_expect_events(vec![ended(3040, reason)]);
}

#[test]
fn a_debit_never_takes_what_is_committed() {
    let history =
        after(vec![credit("a", 3040), release("a", 0), reserve(payout(1), Some(3000)), commit()]);
    seller(history)
        .when(debit("r", 100, None))
        .then_expect_events(vec![debited("r", 100, split(&[], 40, &[], 60)), opened(60)]);
}

#[test]
fn a_payout_that_did_not_happen_gives_the_lane_back() {
    let give_up =
        || Command::ReleasePayoutReservation { payout: payout(1), reason: "refused".to_owned() };
    for history in [
        and(rich(), vec![reserved(1, 3040)]),
        and(rich(), vec![reserved(1, 3040), committed(3040, None)]),
    ] {
        seller(history.clone()).when(give_up()).then_expect_events(vec![ended(3040, "refused")]);
        let over = and(history, vec![ended(3040, "refused")]);
        seller(over.clone()).when(give_up()).then_expect_events(vec![]);
        seller(over.clone()).when(commit()).then_expect_events(vec![]);
        seller(over.clone()).when(free()).then_expect_events(vec![]);
        seller(over.clone()).when(block(payout(1))).then_expect_events(vec![]);
        seller(over).when(reserve(payout(2), None)).then_expect_events(vec![reserved(2, 3040)]);
    }
    let gone = and(rich(), vec![reserved(1, 3040), committed(3040, None), settled(3040)]);
    seller(gone).when(give_up()).then_expect_error(unknown(1));
}

#[test]
fn e73_a_transfer_found_after_it_was_given_up_is_still_settled() {
    let given_up =
        || and(rich(), vec![reserved(1, 3040), committed(3040, None), ended(3040, "not found")]);
    seller(given_up()).when(settle()).then_expect_events(vec![settled(3040)]);
    let over = and(given_up(), vec![settled(3040)]);
    let account = state(over.clone());
    assert_eq!((account.position(USD).available(), account.position(USD).lane()), (0, None));
    seller(over).when(settle()).then_expect_events(vec![]);
    let never = and(rich(), vec![reserved(1, 3040), ended(3040, "nothing left")]);
    seller(never).when(settle()).then_expect_error(unknown(1));
    // What another payout has merely reserved gives way to what is already gone.
    let shrunk = and(given_up(), vec![reserved(2, 3040), settled(3040)]);
    assert_eq!(state(shrunk).position(USD).lane(), Some((payout(2), 0, &PayoutStage::Reserved)));
    let taken = and(given_up(), vec![reserved(2, 3040)]);
    let mut account = state(taken);
    for event in
        decide::decide(&account, Command::CommitPayout { payout: payout(2) }, at(0)).unwrap()
    {
        account.apply(event);
    }
    assert_eq!(
        decide::decide(&account, settle(), at(0)),
        Err(Refusal::InsufficientAvailable { available: usd(0) })
    );
}

#[test]
fn steps_of_a_payout_that_is_not_his_are_refused_and_its_bank_leg_is_not_his_business() {
    for command in [
        commit(),
        settle(),
        Command::ReleasePayoutReservation { payout: payout(1), reason: String::new() },
    ] {
        seller(rich()).when(command).then_expect_error(unknown(1));
    }
    for command in [free(), block(payout(1))] {
        seller(rich()).when(command).then_expect_events(vec![]);
    }
    let history = || and(rich(), vec![reserved(1, 3040)]);
    seller(history()).when(settle()).then_expect_error(unknown(1));
    for early in [free(), block(payout(1))] {
        seller(history())
            .when(early)
            .then_expect_error(Refusal::LaneBusy { payout: payout(1).to_string() });
    }
}

#[test]
fn e65_a_refused_payout_blocks_the_lane_until_a_bank_account_is_there() {
    let sent = || and(rich(), vec![reserved(1, 3040), committed(3040, None), settled(3040)]);
    let blocked = || Event::LaneBlocked {
        payout: payout(1),
        currency: USD,
        reason: "account_closed".to_owned(),
        at: at(0),
    };
    let freed = || Event::LaneFreed { payout: payout(1), currency: USD, at: at(0) };
    // Before or after it was paid makes no difference.
    for history in [sent(), and(sent(), vec![freed()])] {
        seller(history.clone()).when(block(payout(1))).then_expect_events(vec![blocked()]);
        let history = and(history, vec![blocked()]);
        seller(history.clone()).when(block(payout(1))).then_expect_events(vec![]);
        let why = format!("the bank refused payout {}: account_closed", payout(1));
        seller(history.clone())
            .when(reserve(payout(2), None))
            .then_expect_error(Refusal::PayoutsBlocked { why });
        seller(history.clone()).when(free()).then_expect_events(vec![freed()]);
        let new_bank =
            Event::BankAccountPresent { bank_account: "ba_2".to_owned(), rank: rank(9), at: at(0) };
        seller(history)
            .when(bank("ba_2", BankAccountFact::Present, 9))
            .then_expect_events(vec![new_bank, freed()]);
    }
    // Another payout is under way by now; the failed bank account blocks the next one by itself.
    let busy = and(sent(), vec![freed(), reserved(2, 1)]);
    seller(busy).when(block(payout(1))).then_expect_events(vec![]);
}

/// A seller with 30.40 available.
fn rich() -> Vec<Event> {
    after(vec![credit("a", 3040), release("a", 0)])
}

fn reserved(number: u32, amount: i64) -> Event {
    Event::PayoutReserved {
        seller: id(),
        account: "acct_1".into(),
        payout: payout(number),
        currency: USD,
        amount,
        minimum: 100,
        by_schedule: false,
        automatic_bank: false,
        requested_by: ann(),
        at: at(0),
    }
}

fn commit() -> Command {
    Command::CommitPayout { payout: payout(1) }
}

fn committed(amount: i64, reduced_from: Option<i64>) -> Event {
    Event::PayoutCommitted { payout: payout(1), currency: USD, amount, reduced_from, at: at(0) }
}

fn settle() -> Command {
    Command::SettlePayout { payout: payout(1) }
}

fn settled(amount: i64) -> Event {
    Event::PayoutSettled {
        seller: id(),
        payout: payout(1),
        claim: ClaimRef(payout(1).to_string()),
        currency: USD,
        amount,
        organizer: "spring-fair".into(),
        at: at(0),
    }
}

fn free() -> Command {
    Command::FreeLane { payout: payout(1) }
}

fn ended(amount: i64, reason: &str) -> Event {
    Event::PayoutReservationReleased {
        payout: payout(1),
        currency: USD,
        amount,
        reason: reason.to_owned(),
        at: at(0),
    }
}

fn unknown(number: u32) -> Refusal {
    Refusal::PayoutUnknown { payout: payout(number).to_string() }
}

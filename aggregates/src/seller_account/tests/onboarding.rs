//! Who a seller is and whether Stripe lets him be paid.

use super::*;
use crate::testing::orders;

#[test]
fn a_seller_is_registered_once() {
    seller(vec![]).when(register("shop-17")).then_expect_events(vec![registered()]);
    seller(vec![registered()]).when(register("shop-17")).then_expect_events(vec![]);
    seller(vec![registered()])
        .when(register("shop-18"))
        .then_expect_error(Refusal::AlreadyRegistered);
}

#[test]
fn a_seller_organizes_himself_unless_somebody_else_does() {
    let command = Command::Register {
        seller: id(),
        reference: String::new(),
        subject: SubjectRef::derived(&["a potter"]),
        name: sealed("bmFtZQ=="),
        organizer: None,
    };
    let events = seller(vec![]).when(command.clone()).inspect_result().unwrap();
    let [Event::Registered { organizer, .. }] = &events[..] else { unreachable!("{events:?}") };
    assert_eq!(organizer.as_str(), id().to_string());
    seller(events).when(command).then_expect_events(vec![]);
}

#[test]
fn a_seller_uses_one_account() {
    let start = |account: &str| Command::StartOnboarding { account: account.into() };
    seller(vec![registered()]).when(start("acct_1")).then_expect_events(vec![started()]);
    seller(ready()).when(start("acct_1")).then_expect_events(vec![]);
    let other = || Refusal::OtherAccount { known: "acct_1".to_owned() };
    seller(ready()).when(start("acct_2")).then_expect_error(other());
    for fact in [
        Command::MergeStatus {
            account: "acct_2".into(),
            flags: AccountFlags::default(),
            rank: rank(9),
        },
        Command::MergeTransfersCapability { account: "acct_2".into(), active: true, rank: rank(9) },
        Command::Deauthorize { account: "acct_2".into(), occurred_at: at(0) },
    ] {
        seller(ready()).when(fact).then_expect_error(other());
    }
}

#[test]
fn a_fact_may_be_the_first_to_name_the_account() {
    seller(vec![registered()]).when(merge_status(ready_flags(), 1)).then_expect_events(vec![
        started(),
        merged(ready_flags(), 1, StatusSource::Account),
        Event::BecameReady { at: at(0) },
    ]);
}

#[test]
fn readiness_is_told_when_it_comes_and_when_it_goes_and_only_then() {
    seller(ready()).when(merge_status(ready_flags(), 2)).then_expect_events(vec![merged(
        ready_flags(),
        2,
        StatusSource::Account,
    )]);
    let flags = AccountFlags {
        payouts_enabled: false,
        disabled_reason: Some("requirements.past_due".to_owned()),
        currently_due: vec!["external_account".to_owned()],
        ..ready_flags()
    };
    let restricted = Event::Restricted {
        reason: "payouts are not enabled; Stripe disabled the account: requirements.past_due; \
                 still due: external_account"
            .to_owned(),
        at: at(0),
    };
    let stopped = vec![merged(flags.clone(), 2, StatusSource::Account), restricted];
    seller(ready()).when(merge_status(flags.clone(), 2)).then_expect_events(stopped.clone());
    let history = and(ready(), stopped);
    assert!(!state(history.clone()).is_ready());
    seller(history.clone()).when(merge_status(flags.clone(), 3)).then_expect_events(vec![merged(
        flags,
        3,
        StatusSource::Account,
    )]);
    seller(history).when(merge_status(ready_flags(), 3)).then_expect_events(vec![
        merged(ready_flags(), 3, StatusSource::Account),
        Event::BecameReady { at: at(0) },
    ]);
}

#[test]
fn somebody_still_filling_in_the_form_is_on_his_way_and_not_restricted() {
    let nothing = AccountFlags::default();
    seller(vec![registered(), started()])
        .when(merge_status(nothing.clone(), 1))
        .then_expect_events(vec![merged(nothing, 1, StatusSource::Account)]);
    let submitted = AccountFlags { details_submitted: true, ..AccountFlags::default() };
    let events = seller(vec![registered(), started()])
        .when(merge_status(submitted, 1))
        .inspect_result()
        .unwrap();
    assert!(matches!(events[..], [Event::StatusMerged { .. }, Event::Restricted { .. }]));
}

#[test]
fn facts_about_account_and_capability_end_in_one_state_in_any_order_and_twice() {
    let capability = |active, created| Command::MergeTransfersCapability {
        account: "acct_1".into(),
        active,
        rank: rank(created),
    };
    let inactive = AccountFlags { transfers_active: false, ..ready_flags() };
    let restricted = AccountFlags { payouts_enabled: false, ..inactive.clone() };
    let facts = [
        merge_status(restricted, 10),
        capability(true, 20),
        merge_status(inactive, 15),
        capability(false, 12),
    ];
    for order in orders(facts.len()) {
        let mut account = state(vec![registered(), started()]);
        for index in order.iter().flat_map(|index| [index, index]).chain(&order) {
            for event in decide::decide(&account, facts[*index].clone(), at(0)).unwrap() {
                account.apply(event);
            }
        }
        assert!(account.is_ready(), "{order:?}: {:?}", account.missing());
        assert_eq!(account.connection.flags, ready_flags());
    }
}

#[test]
fn e70_a_seller_who_disconnects_is_not_paid_until_he_comes_back() {
    let leave =
        |seconds| Command::Deauthorize { account: "acct_1".into(), occurred_at: at(seconds) };
    let left = vec![
        Event::Deauthorized { occurred_at: at(-1), at: at(0) },
        Event::Restricted { reason: "the Stripe account was disconnected".to_owned(), at: at(0) },
    ];
    seller(ready()).when(leave(-1)).then_expect_events(left.clone());
    let gone = and(ready(), left);
    seller(gone.clone()).when(leave(-1)).then_expect_events(vec![]);
    seller(gone.clone()).when(reserve(payout(1), None)).then_expect_error(Refusal::SellerNotReady);
    // Facts still under way do not bring him back.
    seller(gone.clone()).when(merge_status(ready_flags(), 9)).then_expect_events(vec![merged(
        ready_flags(),
        9,
        StatusSource::Account,
    )]);
    let back = vec![started(), Event::BecameReady { at: at(0) }];
    seller(gone.clone())
        .when(Command::StartOnboarding { account: "acct_1".into() })
        .then_expect_events(back.clone());
    seller(and(gone.clone(), back)).when(leave(-1)).then_expect_events(vec![]);
    seller(gone)
        .when(Command::StartOnboarding { account: "acct_2".into() })
        .then_expect_events(vec![Event::OnboardingStarted { account: "acct_2".into(), at: at(0) }]);
}

#[test]
fn a_failed_bank_account_blocks_payouts_until_one_is_there_again() {
    let sold = || after(vec![credit("a", 1000), release("a", 0)]);
    let errored = bank("ba_1", BankAccountFact::Errored, 5);
    let event =
        Event::BankAccountErrored { bank_account: "ba_1".to_owned(), rank: rank(5), at: at(0) };
    seller(sold()).when(errored.clone()).then_expect_events(vec![event.clone()]);
    let broken = and(sold(), vec![event]);
    seller(broken.clone()).when(errored).then_expect_events(vec![]);
    let why = "bank account ba_1 failed and was not replaced".to_owned();
    seller(broken.clone())
        .when(reserve(payout(1), None))
        .then_expect_error(Refusal::PayoutsBlocked { why });
    let mut account = state(broken);
    // A bank account seen before the failure does not help; one seen after it does.
    for (created, is_blocked) in [(4, true), (6, false)] {
        let fact = bank(&format!("ba_{created}"), BankAccountFact::Present, created);
        for event in decide::decide(&account, fact, at(0)).unwrap() {
            account.apply(event);
        }
        assert_eq!(account.payouts_blocked().is_some(), is_blocked);
    }
}

#[test]
fn a_removed_bank_account_blocks_payouts_unless_there_is_another() {
    let removed = || bank("ba_1", BankAccountFact::Removed, 5);
    let blocked = state(after(vec![bank("ba_1", BankAccountFact::Present, 1), removed()]));
    assert_eq!(
        blocked.payouts_blocked().unwrap(),
        "bank account ba_1 was removed and not replaced"
    );
    let replaced = after(vec![
        bank("ba_1", BankAccountFact::Present, 1),
        bank("ba_2", BankAccountFact::Present, 4),
        removed(),
    ]);
    assert_eq!(state(replaced).payouts_blocked(), None);
    assert_eq!(state(ready()).payouts_blocked(), None);
}

#[test]
fn money_is_held_back_by_name() {
    let placed = Event::HoldPlaced {
        hold: "case".to_owned(),
        amount: usd(500),
        reason: "under review".to_owned(),
        by: ann(),
        at: at(0),
    };
    let let_go = || Command::ReleaseHold { hold: "case".to_owned(), by: ann() };
    let released = Event::HoldReleased { hold: "case".to_owned(), by: ann(), at: at(0) };
    seller(ready()).when(hold("case", 500)).then_expect_events(vec![placed.clone()]);
    let held = and(ready(), vec![placed]);
    seller(held.clone()).when(hold("case", 500)).then_expect_events(vec![]);
    seller(held.clone())
        .when(hold("case", 501))
        .then_expect_error(Refusal::HoldExists { hold: "case".to_owned() });
    for minor in [0, -1] {
        seller(ready()).when(hold("case", minor)).then_expect_error(Refusal::AmountNotPositive);
    }
    assert_eq!(state(held.clone()).held_back(USD), 500);
    seller(held.clone()).when(let_go()).then_expect_events(vec![released.clone()]);
    let over = and(held, vec![released]);
    assert_eq!(state(over.clone()).held_back(USD), 0);
    seller(over).when(let_go()).then_expect_events(vec![]);
    seller(ready())
        .when(let_go())
        .then_expect_error(Refusal::HoldUnknown { hold: "case".to_owned() });
}

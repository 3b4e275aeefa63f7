//! Given, when, then: two people, lines that are possible, and a period that is open.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{AdjustmentId, Currency, SellerId, Timestamp};

use super::{
    commands::{AdjustmentCommand as Command, Ruling},
    events::{AdjustmentEvent as Event, AdjustmentLine, Content, Reason},
    *,
};
use crate::{
    testing::{assert_golden, at, context},
    vocabulary::Side,
};

fn id() -> AdjustmentId {
    AdjustmentId::derived(&["a"])
}

fn ada() -> SellerId {
    SellerId::derived(&["ada"])
}

fn line(account: &str, side: Side, minor: i64) -> AdjustmentLine {
    AdjustmentLine { account: Some(account.to_owned()), side, minor, seller: None }
}

fn of_ada(side: Side, minor: i64) -> AdjustmentLine {
    AdjustmentLine { account: None, side, minor, seller: Some(ada()) }
}

/// The bank shows that Ada has paid what she owed.
fn content() -> Content {
    Content {
        lines: vec![line("assets:bank:main", Side::Debit, 3040), of_ada(Side::Credit, 3040)],
        currency: Currency::USD,
        effective: at(-86_400),
        reason: Reason::BankMovement,
        memo: "statement 7, line 3".to_owned(),
        evidence_hash: "ab".repeat(32),
        reverses: None,
    }
}

fn propose(content: Content) -> Command {
    let rulings = vec![Ruling::Allowed; content.lines.len()];
    Command::Propose { adjustment: id(), content, rulings, open_from: None, by: "key_1".into() }
}

fn approve(by: &str) -> Command {
    Command::Approve { rulings: vec![Ruling::Allowed; 2], open_from: None, by: by.into() }
}

fn reject(by: &str) -> Command {
    Command::Reject { note: "not ours".to_owned(), by: by.into() }
}

fn withdraw(by: &str) -> Command {
    Command::Withdraw { by: by.into() }
}

fn proposed() -> Event {
    Event::Proposed { adjustment: id(), content: content(), by: "key_1".into(), at: at(0) }
}

fn approved() -> Event {
    Event::Approved {
        adjustment: id(),
        content: content(),
        proposed_by: "key_1".into(),
        approved_by: "key_2".into(),
        at: at(0),
    }
}

fn rejected() -> Event {
    Event::Rejected { note: "not ours".to_owned(), by: "key_2".into(), at: at(0) }
}

fn withdrawn() -> Event {
    Event::Withdrawn { by: "key_1".into(), at: at(0) }
}

fn given(events: Vec<Event>) -> AggregateTestExecutor<Adjustment> {
    TestFramework::with(context(at(0))).given(events)
}

fn refused(content: Content, error: AdjustmentError) {
    given(vec![]).when(propose(content)).then_expect_error(error);
}

#[test]
fn a_proposal_waits_and_an_approval_repeats_its_lines() {
    given(vec![]).when(propose(content())).then_expect_events(vec![proposed()]);
    given(vec![proposed()]).when(approve("key_2")).then_expect_events(vec![approved()]);
}

#[test]
fn the_same_again_is_no_news_and_another_under_its_id_is_refused() {
    given(vec![proposed()]).when(propose(content())).then_expect_events(vec![]);
    let other = Content { memo: "another".to_owned(), ..content() };
    given(vec![proposed()])
        .when(propose(other))
        .then_expect_error(AdjustmentError::AlreadyProposed);
    given(vec![proposed(), approved()]).when(approve("key_3")).then_expect_events(vec![]);
    given(vec![proposed(), rejected()]).when(reject("key_3")).then_expect_events(vec![]);
    given(vec![proposed(), withdrawn()]).when(withdraw("key_1")).then_expect_events(vec![]);
}

#[test]
fn nobody_decides_what_he_has_proposed_himself() {
    let same = || AdjustmentError::SamePerson { proposer: "key_1".to_owned() };
    given(vec![proposed()]).when(approve("key_1")).then_expect_error(same());
    given(vec![proposed()]).when(reject("key_1")).then_expect_error(same());
    given(vec![proposed()]).when(reject("key_2")).then_expect_events(vec![rejected()]);
}

#[test]
fn only_the_proposer_takes_it_back() {
    given(vec![proposed()]).when(withdraw("key_1")).then_expect_events(vec![withdrawn()]);
    let not_his = AdjustmentError::NotProposer { proposer: "key_1".to_owned() };
    given(vec![proposed()]).when(withdraw("key_2")).then_expect_error(not_his);
}

#[test]
fn what_is_decided_stays_decided() {
    let decided = |status| AdjustmentError::AlreadyDecided { status };
    for (event, command, status) in [
        (rejected(), approve("key_2"), "rejected"),
        (withdrawn(), approve("key_2"), "withdrawn"),
        (approved(), reject("key_2"), "approved"),
        (withdrawn(), reject("key_2"), "withdrawn"),
        (approved(), withdraw("key_1"), "approved"),
        (rejected(), withdraw("key_1"), "rejected"),
    ] {
        given(vec![proposed(), event]).when(command).then_expect_error(decided(status));
    }
}

#[test]
fn what_was_never_proposed_is_unknown() {
    for command in [approve("key_2"), reject("key_2"), withdraw("key_1")] {
        given(vec![]).when(command).then_expect_error(AdjustmentError::Unknown);
    }
}

#[test]
fn the_lines_balance_and_are_positive() {
    let with = |lines| Content { lines, reason: Reason::Other, ..content() };
    let bank = |side, minor| line("assets:bank:main", side, minor);
    refused(with(vec![]), AdjustmentError::LinesMissing { max: 100 });
    refused(with(vec![bank(Side::Debit, 1)]), AdjustmentError::LinesMissing { max: 100 });
    refused(
        with(vec![bank(Side::Debit, 2), bank(Side::Credit, 1)]),
        AdjustmentError::Unbalanced { debits: 2, credits: 1 },
    );
    for minor in [0, -1] {
        refused(
            with(vec![bank(Side::Debit, minor), bank(Side::Credit, minor)]),
            AdjustmentError::AmountNotPositive,
        );
    }
    let much = |side| [bank(side, i64::MAX), bank(side, 1)];
    refused(with([much(Side::Debit), much(Side::Credit)].concat()), AdjustmentError::Overflow);
}

#[test]
fn a_line_names_an_account_or_one_seller() {
    let with = |lines| Content { lines, reason: Reason::Other, ..content() };
    let nobody = AdjustmentLine { account: None, side: Side::Debit, minor: 5, seller: None };
    refused(with(vec![nobody, of_ada(Side::Credit, 5)]), AdjustmentError::LineWithoutAccount);
    refused(
        with(vec![of_ada(Side::Debit, 5), of_ada(Side::Credit, 5)]),
        AdjustmentError::SellerTwice { seller: ada() },
    );
}

#[test]
fn the_chart_says_who_posts_to_an_account() {
    let account = || "assets:bank:main".to_owned();
    for (ruling, error) in [
        (Ruling::Unknown, AdjustmentError::AccountUnknown { account: account() }),
        (Ruling::NotByHand, AdjustmentError::AccountNotByHand { account: account() }),
        (Ruling::Closed, AdjustmentError::AccountClosed { account: account() }),
        (Ruling::OtherCurrency, AdjustmentError::AccountCurrency { account: account() }),
    ] {
        let (adjustment, open_from, by) = (id(), None, "key_1".into());
        let rulings = vec![ruling, Ruling::Allowed];
        let propose = Command::Propose { adjustment, content: content(), rulings, open_from, by };
        given(vec![]).when(propose).then_expect_error(error.clone());
        // What was possible when it was proposed may not be any more.
        let rulings = vec![ruling, Ruling::Allowed];
        let approve = Command::Approve { rulings, open_from, by: "key_2".into() };
        given(vec![proposed()]).when(approve).then_expect_error(error);
    }
    let (adjustment, open_from, by) = (id(), None, "key_1".into());
    let rulings = vec![Ruling::Allowed];
    let propose = Command::Propose { adjustment, content: content(), rulings, open_from, by };
    given(vec![]).when(propose).then_expect_error(AdjustmentError::SellerUnknown { seller: ada() });
}

#[test]
fn a_closed_period_is_refused_and_the_open_one_named() {
    let closed = |open_from: Timestamp| AdjustmentError::PeriodClosed { open_from };
    let rulings = || vec![Ruling::Allowed; 2];
    for (open_from, is_closed) in [(at(-86_399), true), (at(-86_400), false)] {
        let (adjustment, by) = (id(), "key_1".into());
        let content = content();
        let open = Some(open_from);
        let propose =
            Command::Propose { adjustment, content, rulings: rulings(), open_from: open, by };
        let approve = Command::Approve { rulings: rulings(), open_from: open, by: "key_2".into() };
        let (first, second) = (given(vec![]).when(propose), given(vec![proposed()]).when(approve));
        if is_closed {
            first.then_expect_error(closed(open_from));
            second.then_expect_error(closed(open_from));
        } else {
            first.then_expect_events(vec![proposed()]);
            second.then_expect_events(vec![approved()]);
        }
    }
}

#[test]
fn nothing_takes_effect_in_the_future() {
    refused(
        Content { effective: at(1), ..content() },
        AdjustmentError::EffectiveInFuture { now: at(0) },
    );
}

#[test]
fn somebody_says_why_and_names_the_proof() {
    for memo in ["", "  ", &"x".repeat(1001)] {
        let memo = memo.to_owned();
        refused(Content { memo, ..content() }, AdjustmentError::MemoMissing { max: 1000 });
    }
    for evidence_hash in ["", "ab", &"AB".repeat(32), &"xy".repeat(32)] {
        let evidence_hash = evidence_hash.to_owned();
        refused(Content { evidence_hash, ..content() }, AdjustmentError::EvidenceInvalid);
    }
}

#[test]
fn the_lines_keep_what_the_reason_promises() {
    let bank = |side| line("assets:bank:main", side, 5);
    let pairs = |reason, debit: &str, credit: &str| Content {
        lines: vec![line(debit, Side::Debit, 5), line(credit, Side::Credit, 5)],
        reason,
        ..content()
    };
    for (reason, debit, credit) in [
        (Reason::OpeningBalance, "assets:bank:main", "equity:opening"),
        (Reason::OpeningBalance, "equity:opening", "liabilities:tax:DE"),
        (Reason::WriteOff, "expenses:bad-debt:seller", "assets:own:loans"),
        (Reason::Goodwill, "expenses:goodwill", "assets:bank:main"),
        (Reason::TaxRemitted, "liabilities:tax:DE", "assets:bank:main"),
        (Reason::BankMovement, "assets:bank:main", "income:own:interest"),
        (Reason::Reclassification, "expenses:own:rent", "expenses:own:travel"),
        (Reason::Correction, "equity:opening", "assets:bank:main"),
        (Reason::Other, "assets:bank:main", "income:own:grants"),
    ] {
        let content = pairs(reason, debit, credit);
        let (adjustment, by, at) = (id(), "key_1".into(), at(0));
        given(vec![]).when(propose(content.clone())).then_expect_events(vec![Event::Proposed {
            adjustment,
            content,
            by,
            at,
        }]);
    }
    let why = |reason, content: Content| match given(vec![]).when(propose(content)).inspect_result()
    {
        Err(AdjustmentError::ReasonDoesNotFit { reason: found, .. }) => assert_eq!(found, reason),
        other => panic!("{reason}: {other:?}"),
    };
    for (reason, debit, credit) in [
        (Reason::OpeningBalance, "assets:bank:main", "income:own:grants"),
        (Reason::WriteOff, "assets:bank:main", "expenses:own:rent"),
        (Reason::Goodwill, "expenses:own:rent", "assets:bank:main"),
        (Reason::TaxRemitted, "expenses:own:rent", "assets:bank:main"),
        (Reason::TaxRemitted, "assets:bank:main", "liabilities:tax:DE"),
        (Reason::BankMovement, "expenses:own:rent", "income:own:grants"),
        (Reason::Other, "equity:opening", "assets:bank:main"),
    ] {
        why(reason, pairs(reason, debit, credit));
    }
    // A seller's own money is no expense.
    let seller = vec![of_ada(Side::Debit, 5), bank(Side::Credit)];
    why(Reason::Goodwill, Content { lines: seller, reason: Reason::Goodwill, ..content() });
}

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<AdjustmentEvent>(include_str!("golden.jsonl"));
}

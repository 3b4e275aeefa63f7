//! Given, when, then: a seller's readiness, his money, his payouts and his debts.

mod disputes;
mod money;
mod onboarding;
mod payouts;
mod properties;
mod recovery;
mod schedule;

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{
    Currency, KeyRef, Money, OrderId, PayoutId, Rate, Sealed, SellerId, SubjectRef, Timestamp,
};

use super::{
    commands::{BankAccountFact, SellerAccountCommand as Command},
    errors::SellerAccountError as Refusal,
    events::{
        AccountFlags, CreditBackReason, DebitReason, PayoutInterval, PayoutSchedule,
        SellerAccountEvent as Event, Split, StatusSource,
    },
    *,
};
use crate::{
    testing::{assert_golden, at, context},
    vocabulary::{ClaimRef, FactRank, LineNo, Person},
};

const DAY: i64 = 86_400;
const USD: Currency = Currency::USD;

#[test]
fn stored_accounts_read_back_as_written() {
    assert_golden::<SellerAccountEvent>(include_str!("../golden.jsonl"));
}

#[test]
fn a_seller_nobody_registered_refuses_everything() {
    let commands = vec![
        Command::StartOnboarding { account: "acct_1".into() },
        merge_status(ready_flags(), 1),
        Command::MergeTransfersCapability { account: "acct_1".into(), active: true, rank: rank(1) },
        Command::Deauthorize { account: "acct_1".into(), occurred_at: at(0) },
        bank("ba_1", BankAccountFact::Present, 1),
        Command::SetPayoutSchedule { schedule: weekly(), next_due: Some(at(DAY)) },
        Command::RunSchedule { due: at(0), next_due: None },
        hold("case", 1),
        Command::ReleaseHold { hold: "case".to_owned(), by: ann() },
        credit("a", 1),
        debit("r", 1, None),
        credit_back("b", 1),
        release("a", 0),
        Command::ReleaseReserve { claim: "a".into() },
        hold_for_dispute("d", 1, &[]),
        conclude("d", 1),
        reserve(payout(1), None),
        Command::CommitPayout { payout: payout(1) },
        Command::SettlePayout { payout: payout(1) },
        Command::ReleasePayoutReservation { payout: payout(1), reason: String::new() },
        Command::FreeLane { payout: payout(1) },
        block(payout(1)),
        Command::RemindRecovery { currency: USD },
        Command::ProposeWriteOff { currency: USD },
        write_off("ann"),
    ];
    for command in commands {
        seller(vec![]).when(command).then_expect_error(Refusal::Unknown);
    }
}

fn seller(history: Vec<Event>) -> AggregateTestExecutor<SellerAccount> {
    seller_at(history, at(0))
}

fn seller_at(history: Vec<Event>, now: Timestamp) -> AggregateTestExecutor<SellerAccount> {
    TestFramework::with(context(now)).given(history)
}

/// A seller who can be paid, after these commands, each of which must succeed.
fn after(commands: Vec<Command>) -> Vec<Event> {
    after_at(commands.into_iter().map(|command| (0, command)).collect())
}

/// The same, with the instant of each command.
fn after_at(commands: Vec<(i64, Command)>) -> Vec<Event> {
    let mut history = ready();
    let mut account = state(history.clone());
    for (seconds, command) in commands {
        let said = format!("{command:?}");
        match decide::decide(&account, command, at(seconds)) {
            Ok(events) => {
                for event in &events {
                    account.apply(event.clone());
                }
                history.extend(events);
            }
            Err(refusal) => unreachable!("{said}: {refusal}"),
        }
    }
    history
}

/// The state after these events, by way of a snapshot.
fn state(history: Vec<Event>) -> SellerAccount {
    let mut account = SellerAccount::default();
    for event in history {
        account.apply(event);
    }
    let text = serde_json::to_string(&account).unwrap();
    let restored: SellerAccount = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&restored).unwrap(), text);
    restored
}

fn position(history: Vec<Event>) -> Position {
    state(history).position(USD).clone()
}

fn id() -> SellerId {
    SellerId::derived(&["a potter"])
}

fn order() -> OrderId {
    OrderId::derived(&["an order"])
}

fn payout(number: u32) -> PayoutId {
    PayoutId::derived(&[&number.to_string()])
}

fn ann() -> Person {
    Person::from("ann")
}

fn usd(minor: i64) -> Money {
    Money::new(minor, USD)
}

fn rank(created: i64) -> FactRank {
    FactRank { class: 0, created, event: format!("evt_{created}").into() }
}

fn sealed(name: &str) -> Sealed {
    Sealed {
        v: 1,
        key: KeyRef("subject".to_owned()),
        nonce: "AAAAAAAAAAAAAAAA".to_owned(),
        ciphertext: name.to_owned(),
    }
}

fn register(reference: &str) -> Command {
    Command::Register {
        seller: id(),
        reference: reference.to_owned(),
        subject: SubjectRef::derived(&["a potter"]),
        name: sealed("bmFtZQ=="),
        organizer: Some("spring-fair".into()),
    }
}

fn registered() -> Event {
    Event::Registered {
        seller: id(),
        reference: "shop-17".to_owned(),
        subject: SubjectRef::derived(&["a potter"]),
        name: sealed("bmFtZQ=="),
        organizer: "spring-fair".into(),
        at: at(0),
    }
}

fn started() -> Event {
    Event::OnboardingStarted { account: "acct_1".into(), at: at(0) }
}

fn ready_flags() -> AccountFlags {
    AccountFlags {
        details_submitted: true,
        charges_enabled: true,
        payouts_enabled: true,
        transfers_active: true,
        ..AccountFlags::default()
    }
}

fn merge_status(flags: AccountFlags, created: i64) -> Command {
    Command::MergeStatus { account: "acct_1".into(), flags, rank: rank(created) }
}

fn merged(flags: AccountFlags, created: i64, source: StatusSource) -> Event {
    Event::StatusMerged { account: "acct_1".into(), flags, rank: rank(created), source, at: at(0) }
}

/// A seller who can be paid and has nothing.
fn ready() -> Vec<Event> {
    vec![
        registered(),
        started(),
        merged(ready_flags(), 1, StatusSource::Account),
        Event::BecameReady { at: at(0) },
    ]
}

fn and(mut history: Vec<Event>, more: Vec<Event>) -> Vec<Event> {
    history.extend(more);
    history
}

fn bank(name: &str, fact: BankAccountFact, created: i64) -> Command {
    Command::MergeBankAccount { bank_account: name.to_owned(), fact, rank: rank(created) }
}

fn weekly() -> PayoutSchedule {
    PayoutSchedule {
        automatic_bank: false,
        interval: PayoutInterval::Weekly(1),
        minimum: 100,
        delay_days: None,
        reserve_bps: None,
        payout_after: None,
    }
}

fn hold(name: &str, minor: i64) -> Command {
    Command::PlaceHold {
        hold: name.to_owned(),
        amount: usd(minor),
        reason: "under review".to_owned(),
        by: ann(),
    }
}

fn credit(claim: &str, minor: i64) -> Command {
    credit_in(claim, usd(minor))
}

fn credit_in(claim: &str, amount: Money) -> Command {
    Command::Credit {
        claim: claim.into(),
        amount,
        organizer: "spring-fair".into(),
        order: Some(order()),
        line: Some(LineNo(0)),
        product: "Walnut bowl".to_owned(),
        occurred_at: at(-9),
    }
}

fn debit(claim: &str, minor: i64, about: Option<&str>) -> Command {
    Command::Debit {
        claim: claim.into(),
        amount: usd(minor),
        reason: DebitReason::Refund,
        about: about.map(ClaimRef::from),
        organizer: "spring-fair".into(),
        order: Some(order()),
        occurred_at: at(-9),
    }
}

fn credit_back(claim: &str, minor: i64) -> Command {
    Command::CreditBack {
        claim: claim.into(),
        amount: usd(minor),
        reason: CreditBackReason::RefundReverted,
        organizer: "spring-fair".into(),
        order: Some(order()),
        occurred_at: at(-9),
    }
}

fn release(claim: &str, bps: u16) -> Command {
    Command::Release {
        claim: claim.into(),
        reserve: Rate::try_from_bps(bps).unwrap(),
        reserve_days: 90,
    }
}

fn hold_for_dispute(claim: &str, minor: i64, about: &[&str]) -> Command {
    Command::HoldForDispute {
        claim: claim.into(),
        amount: usd(minor),
        about: about.iter().map(|claim| ClaimRef::from(*claim)).collect(),
        organizer: "spring-fair".into(),
        order: Some(order()),
    }
}

fn conclude(claim: &str, lost: i64) -> Command {
    Command::ConcludeDisputeHold { claim: claim.into(), lost: usd(lost), occurred_at: at(-9) }
}

fn reserve(payout: PayoutId, amount: Option<i64>) -> Command {
    Command::ReserveForPayout { payout, currency: USD, amount, minimum: 100, by: ann() }
}

fn block(payout: PayoutId) -> Command {
    Command::BlockLane { payout, reason: "account_closed".to_owned() }
}

fn write_off(by: &str) -> Command {
    Command::WriteOff { currency: USD, reason: "closed shop".to_owned(), by: by.into() }
}

fn split(pending: &[(&str, i64)], available: i64, reserve: &[(&str, i64)], owed: i64) -> Split {
    let claims = |parts: &[(&str, i64)]| {
        parts.iter().map(|(claim, amount)| (ClaimRef::from(*claim), *amount)).collect()
    };
    Split { pending: claims(pending), available, reserve: claims(reserve), receivable: owed }
}

fn debited(claim: &str, minor: i64, split: Split) -> Event {
    Event::Debited {
        seller: id(),
        claim: claim.into(),
        currency: USD,
        amount: minor,
        reason: DebitReason::Refund,
        organizer: "spring-fair".into(),
        order: Some(order()),
        split,
        occurred_at: at(-9),
        at: at(0),
    }
}

fn opened(minor: i64) -> Event {
    Event::RecoveryOpened { currency: USD, amount: minor, at: at(0) }
}

fn closed() -> Event {
    Event::RecoveryClosed { currency: USD, at: at(0) }
}

//! Given, when, then: what a tenant may be and become.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{Mode, TenantId};

use super::*;
use crate::{
    testing::{assert_golden, at, context},
    vocabulary::{AccountRef, CommercePolicy},
};
use accounts::OwnAccount;
use events::SecretFingerprint;

#[test]
fn a_tenant_starts_with_a_policy_and_a_time_zone() {
    tenant(vec![]).when(provision(Mode::Sandbox)).then_expect_events(sandbox());
}

#[test]
fn the_same_tenant_again_is_no_news_and_another_under_its_id_is_refused() {
    tenant(sandbox()).when(provision(Mode::Sandbox)).then_expect_events(vec![]);
    tenant(sandbox())
        .when(provision(Mode::Live))
        .then_expect_error(TenantError::AlreadyProvisioned);
}

#[test]
fn a_tenant_that_does_not_exist_refuses_everything() {
    for command in [
        Command::SetPolicy { policy: CommercePolicy::default() },
        Command::SetTimeZone { time_zone: "UTC".to_owned() },
        Command::ConnectStripe { account: "acct_p".into(), secrets: vec![] },
        rotate("a", &[]),
        Command::AdvanceClock { to: at(0) },
        Command::Suspend { reason: String::new() },
        Command::Resume,
        Command::RequestClose,
        Command::Close,
    ] {
        tenant(vec![]).when(command).then_expect_error(TenantError::Unknown);
    }
}

#[test]
fn a_new_policy_replaces_the_version_it_was_made_from() {
    let wanted = CommercePolicy { delay_days: 3, ..CommercePolicy::default() };
    let set = TenantEvent::PolicySet {
        policy: CommercePolicy { version: 2, ..wanted.clone() },
        at: at(0),
    };
    let command = || Command::SetPolicy { policy: wanted.clone() };
    tenant(sandbox()).when(command()).then_expect_events(vec![set.clone()]);
    tenant(and(vec![set.clone()])).when(command()).then_expect_events(vec![]);
    let other = CommercePolicy { delay_days: 4, ..CommercePolicy::default() };
    tenant(and(vec![set]))
        .when(Command::SetPolicy { policy: other })
        .then_expect_error(TenantError::StaleVersion { current: 2 });
}

#[test]
fn an_impossible_policy_is_refused_with_the_reason() {
    let good = CommercePolicy::default;
    for (policy, problem) in [
        (
            CommercePolicy { order_expiry_minutes: 29, ..good() },
            "order_expiry_minutes is 29, but must be at least 30",
        ),
        (
            CommercePolicy { order_expiry_minutes: 1441, ..good() },
            "order_expiry_minutes is 1441, but must be at most 1440",
        ),
        (
            CommercePolicy { reserve_bps: 10_001, ..good() },
            "reserve_bps is 10001, but must be at most 10000",
        ),
        (
            CommercePolicy { payout_minimum: 0, ..good() },
            "payout_minimum is 0, but must be at least 1",
        ),
        (
            CommercePolicy { second_person_above: -1, ..good() },
            "second_person_above is -1, but must be at least 0",
        ),
    ] {
        let error = TenantError::PolicyInvalid { problem: problem.to_owned() };
        tenant(sandbox())
            .when(Command::SetPolicy { policy: policy.clone() })
            .then_expect_error(error.clone());
        let Command::Provision { tenant: id, name, mode, time_zone, .. } = provision(Mode::Live)
        else {
            unreachable!()
        };
        tenant(vec![])
            .when(Command::Provision { tenant: id, name, mode, time_zone, policy })
            .then_expect_error(error);
    }
}

#[test]
fn time_zones_are_those_of_iana() {
    let command = |zone: &str| Command::SetTimeZone { time_zone: zone.to_owned() };
    let set = TenantEvent::TimeZoneSet { time_zone: "Asia/Tokyo".to_owned(), at: at(0) };
    tenant(sandbox()).when(command("Asia/Tokyo")).then_expect_events(vec![set]);
    tenant(sandbox()).when(command("Europe/Berlin")).then_expect_events(vec![]);
    let error = TenantError::TimeZoneUnknown { zone: "Middle/Earth".to_owned() };
    tenant(sandbox()).when(command("Middle/Earth")).then_expect_error(error);
    assert_eq!(state(sandbox()).time_zone(), chrono_tz::Europe::Berlin);
}

#[test]
fn a_tenant_has_one_stripe_account() {
    let command =
        |account: &str, secrets| Command::ConnectStripe { account: account.into(), secrets };
    let connected = || TenantEvent::StripeConnected {
        account: AccountRef::from("acct_p"),
        secrets: vec![secret("a")],
        at: at(0),
    };
    tenant(sandbox())
        .when(command("acct_p", vec![secret("a")]))
        .then_expect_events(vec![connected()]);
    tenant(and(vec![connected()]))
        .when(command("acct_p", vec![secret("a")]))
        .then_expect_events(vec![]);
    tenant(and(vec![connected()]))
        .when(command("acct_other", vec![secret("a")]))
        .then_expect_error(TenantError::AlreadyProvisioned);
    tenant(sandbox())
        .when(command("acct_p", vec![secret("a"), secret("b"), secret("c")]))
        .then_expect_error(TenantError::TooManySecrets);
}

#[test]
fn two_secrets_of_an_endpoint_are_valid_while_one_replaces_the_other() {
    let one = || and(vec![rotated("a", &[])]);
    let two = || and(vec![rotated("a", &[]), rotated("b", &[])]);
    tenant(sandbox()).when(rotate("a", &[])).then_expect_events(vec![rotated("a", &[])]);
    tenant(one()).when(rotate("a", &[])).then_expect_events(vec![]);
    tenant(one()).when(rotate("b", &[])).then_expect_events(vec![rotated("b", &[])]);
    tenant(two()).when(rotate("c", &[])).then_expect_error(TenantError::TooManySecrets);
    let retire = rotated("b", &["platform"]);
    tenant(two()).when(rotate("b", &["platform"])).then_expect_events(vec![retire.clone()]);
    let after = state([two(), vec![retire]].concat());
    assert_eq!(after.secrets(), [secret("b")]);
    tenant(two())
        .when(rotate("b", &["nobody"]))
        .then_expect_error(TenantError::SecretUnknown { name: "nobody".to_owned() });
    let connect = SecretFingerprint { name: "connect".to_owned(), fingerprint: "c".to_owned() };
    let other = TenantEvent::SecretRotated { secret: connect.clone(), retired: vec![], at: at(0) };
    tenant(two())
        .when(Command::RotateSecret { secret: connect, retire: vec![] })
        .then_expect_events(vec![other]);
}

#[test]
fn only_a_sandbox_has_a_test_clock_and_it_never_goes_back() {
    let advance = |seconds| Command::AdvanceClock { to: at(seconds) };
    let advanced = |seconds| TenantEvent::ClockAdvanced { to: at(seconds), at: at(0) };
    tenant(sandbox()).when(advance(-500)).then_expect_events(vec![advanced(-500)]);
    tenant(and(vec![advanced(-500)])).when(advance(-400)).then_expect_events(vec![advanced(-400)]);
    tenant(and(vec![advanced(-400)])).when(advance(-400)).then_expect_events(vec![]);
    tenant(and(vec![advanced(-400)]))
        .when(advance(-401))
        .then_expect_error(TenantError::ClockWouldGoBack { now: at(-400) });
    tenant(provisioned(Mode::Live))
        .when(advance(1))
        .then_expect_error(TenantError::LiveHasNoTestClock);
}

#[test]
fn a_suspended_tenant_changes_nothing_until_it_is_resumed() {
    let reason = || "unpaid invoice".to_owned();
    let suspended = || TenantEvent::Suspended { reason: reason(), at: at(0) };
    let suspend = || Command::Suspend { reason: reason() };
    tenant(sandbox()).when(suspend()).then_expect_events(vec![suspended()]);
    tenant(and(vec![suspended()])).when(suspend()).then_expect_events(vec![]);
    for command in writes() {
        tenant(and(vec![suspended()]))
            .when(command)
            .then_expect_error(TenantError::Suspended { reason: reason() });
    }
    let resumed = TenantEvent::Resumed { at: at(0) };
    tenant(and(vec![suspended()])).when(Command::Resume).then_expect_events(vec![resumed.clone()]);
    tenant(sandbox()).when(Command::Resume).then_expect_events(vec![]);
    assert_eq!(state(and(vec![suspended(), resumed])).check_writable(), Ok(()));
}

#[test]
fn a_tenant_is_closed_in_two_steps_and_for_good() {
    let closing = || TenantEvent::CloseRequested { at: at(0) };
    let closed = || TenantEvent::Closed { at: at(0) };
    tenant(sandbox()).when(Command::RequestClose).then_expect_events(vec![closing()]);
    tenant(and(vec![closing()])).when(Command::RequestClose).then_expect_events(vec![]);
    tenant(and(vec![closing()])).when(suspend()).then_expect_events(vec![]);
    tenant(and(vec![closing()])).when(Command::Close).then_expect_events(vec![closed()]);
    tenant(sandbox()).when(Command::Close).then_expect_events(vec![closing(), closed()]);
    let resumed = TenantEvent::Resumed { at: at(0) };
    tenant(and(vec![closing()])).when(Command::Resume).then_expect_events(vec![resumed]);
    let over = || and(vec![closing(), closed()]);
    tenant(over()).when(Command::Close).then_expect_events(vec![]);
    let refused = [suspend(), Command::Resume, Command::RequestClose];
    for command in writes().into_iter().chain(refused) {
        tenant(over()).when(command).then_expect_error(TenantError::Closed);
    }
}

#[test]
fn stored_tenants_read_back_as_written() {
    assert_golden::<TenantEvent>(include_str!("golden.jsonl"));
}

use TenantCommand as Command;

fn tenant(history: Vec<TenantEvent>) -> AggregateTestExecutor<Tenant> {
    TestFramework::with(context(at(0))).given(history)
}

fn state(history: Vec<TenantEvent>) -> Tenant {
    let mut tenant = Tenant::default();
    for event in history {
        tenant.apply(event);
    }
    serde_json::from_str(&serde_json::to_string(&tenant).unwrap()).unwrap()
}

fn provision(mode: Mode) -> Command {
    Command::Provision {
        tenant: TenantId::derived(&["a tenant"]),
        name: "Example Market".to_owned(),
        mode,
        time_zone: "Europe/Berlin".to_owned(),
        policy: CommercePolicy { version: 7, ..CommercePolicy::default() },
    }
}

fn provisioned(mode: Mode) -> Vec<TenantEvent> {
    vec![
        TenantEvent::Provisioned {
            tenant: TenantId::derived(&["a tenant"]),
            name: "Example Market".to_owned(),
            mode,
            at: at(0),
        },
        TenantEvent::PolicySet { policy: CommercePolicy::default(), at: at(0) },
        TenantEvent::TimeZoneSet { time_zone: "Europe/Berlin".to_owned(), at: at(0) },
    ]
}

fn sandbox() -> Vec<TenantEvent> {
    provisioned(Mode::Sandbox)
}

fn and(more: Vec<TenantEvent>) -> Vec<TenantEvent> {
    [sandbox(), more].concat()
}

fn secret(fingerprint: &str) -> SecretFingerprint {
    SecretFingerprint { name: "platform".to_owned(), fingerprint: fingerprint.to_owned() }
}

fn rotate(fingerprint: &str, retire: &[&str]) -> Command {
    let retire = retire.iter().map(|name| (*name).to_owned()).collect();
    Command::RotateSecret { secret: secret(fingerprint), retire }
}

fn rotated(fingerprint: &str, retired: &[&str]) -> TenantEvent {
    let retired = retired.iter().map(|name| (*name).to_owned()).collect();
    TenantEvent::SecretRotated { secret: secret(fingerprint), retired, at: at(0) }
}

fn suspend() -> Command {
    Command::Suspend { reason: "unpaid invoice".to_owned() }
}

fn writes() -> Vec<Command> {
    vec![
        Command::SetPolicy {
            policy: CommercePolicy { delay_days: 1, ..CommercePolicy::default() },
        },
        Command::SetTimeZone { time_zone: "UTC".to_owned() },
        Command::ConnectStripe { account: "acct_p".into(), secrets: vec![] },
        rotate("a", &[]),
        Command::AdvanceClock { to: at(1) },
    ]
}

#[test]
fn a_tenant_opens_accounts_of_its_own_and_closes_them_for_good() {
    let account = own_account("expenses:own:rent:berlin");
    let by: crate::vocabulary::Person = "key_1".into();
    let open =
        |account: &OwnAccount| Command::OpenAccount { account: account.clone(), by: by.clone() };
    let close = || Command::CloseAccount { name: account.name.clone(), by: by.clone() };
    let opened = TenantEvent::AccountOpened { account: account.clone(), by: by.clone(), at: at(0) };
    let closed =
        TenantEvent::AccountClosed { name: account.name.clone(), by: by.clone(), at: at(0) };
    tenant(sandbox()).when(open(&account)).then_expect_events(vec![opened.clone()]);
    tenant(and(vec![opened.clone()])).when(open(&account)).then_expect_events(vec![]);
    let other = OwnAccount { note: "another".to_owned(), ..account.clone() };
    let exists = || TenantError::AccountExists { name: account.name.clone() };
    tenant(and(vec![opened.clone()])).when(open(&other)).then_expect_error(exists());
    tenant(and(vec![opened.clone()])).when(close()).then_expect_events(vec![closed.clone()]);
    let both = || and(vec![opened.clone(), closed.clone()]);
    tenant(both()).when(close()).then_expect_events(vec![]);
    tenant(both()).when(open(&account)).then_expect_error(exists());
    let unknown = TenantError::AccountUnknown { name: account.name.clone() };
    tenant(sandbox()).when(close()).then_expect_error(unknown);
}

#[test]
fn an_own_account_is_named_after_its_class() {
    for name in ["expenses:rent", "costs:own:rent", "expenses:own:", "expenses:own:Rent", ""] {
        tenant(sandbox())
            .when(Command::OpenAccount { account: own_account(name), by: "key_1".into() })
            .then_expect_error(TenantError::AccountNameInvalid { name: name.to_owned() });
    }
}

fn own_account(name: &str) -> OwnAccount {
    OwnAccount {
        name: name.to_owned(),
        normal_side: crate::vocabulary::Side::Debit,
        currency: None,
        may_be_negative: false,
        must_return_to_zero: false,
        note: "the office".to_owned(),
    }
}

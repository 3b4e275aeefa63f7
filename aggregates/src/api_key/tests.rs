//! Given, when, then: which keys can be issued, and what they open when.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{KeyId, Mode, SellerId, Timestamp};

use super::*;
use crate::testing::{assert_golden, at, context};
use events::Role;

#[test]
fn a_partners_key_has_scopes() {
    key(vec![]).when(partner(&["orders:write"])).then_expect_events(vec![issued()]);
    key(vec![]).when(partner(&[])).then_expect_error(ApiKeyError::ScopesNeeded);
}

#[test]
fn the_same_key_again_is_no_news_and_another_under_its_id_is_refused() {
    key(vec![issued()]).when(partner(&["orders:write"])).then_expect_events(vec![]);
    key(vec![issued(), rotated()]).when(partner(&["orders:write"])).then_expect_events(vec![]);
    key(vec![issued()])
        .when(partner(&["orders:read"]))
        .then_expect_error(ApiKeyError::AlreadyIssued);
}

#[test]
fn a_scope_must_be_one_that_exists() {
    for scope in SCOPES {
        key(vec![]).when(partner(&[scope])).inspect_result().unwrap();
    }
    key(vec![]).when(partner(&["orders:write", "adjustments:write"])).then_expect_error(
        ApiKeyError::ScopeUnknown {
            scope: "adjustments:write".to_owned(),
            known: SCOPES.join(", "),
        },
    );
}

#[test]
fn a_sellers_key_names_the_seller_and_a_platform_key_does_not() {
    for role in [Role::SellerOwner, Role::SellerManager, Role::SellerViewer] {
        key(vec![]).when(with_role(role, Some(seller()))).inspect_result().unwrap();
        let error = key(vec![]).when(with_role(role, None)).inspect_result().unwrap_err();
        assert!(matches!(error, ApiKeyError::SellerNeeded { .. }), "{error}");
    }
    for role in [Role::PlatformAdmin, Role::FinanceOps, Role::Auditor, Role::Support] {
        key(vec![]).when(with_role(role, None)).inspect_result().unwrap();
        let error = key(vec![]).when(with_role(role, Some(seller()))).inspect_result().unwrap_err();
        assert!(matches!(error, ApiKeyError::SellerNotAllowed { .. }), "{error}");
    }
}

#[test]
fn a_key_of_the_other_mode_is_refused() {
    let command = issue(|grant| grant.mode = Mode::Live);
    key(vec![]).when(command).then_expect_error(ApiKeyError::LivemodeMismatch);
}

#[test]
fn a_key_that_could_never_be_used_is_refused() {
    let command = issue(|grant| grant.expires_at = Some(at(0)));
    key(vec![]).when(command).then_expect_error(ApiKeyError::ExpiryInThePast);
    let command = issue(|grant| grant.rate_per_minute = 0);
    key(vec![]).when(command).then_expect_error(ApiKeyError::RateInvalid);
}

#[test]
fn a_rotated_key_opens_with_both_secrets_for_a_while() {
    key(vec![issued()]).when(rotate()).then_expect_events(vec![rotated()]);
    key(vec![issued(), rotated()]).when(rotate()).then_expect_events(vec![]);
    let state = state(vec![issued(), rotated()]);
    assert_eq!(state.check(&hash('b'), at(99)), Ok(()));
    assert_eq!(state.check(&hash('a'), at(99)), Ok(()));
    assert_eq!(state.check(&hash('a'), at(100)), Err(KeyRefusal::WrongSecret));
    assert_eq!(state.check(&hash('b'), at(100)), Ok(()));
}

#[test]
fn a_secret_that_is_not_the_keys_opens_nothing() {
    let state = state(vec![issued()]);
    assert_eq!(state.check(&hash('a'), at(0)), Ok(()));
    for wrong in [hash('b'), String::new(), hash('a')[1..].to_owned()] {
        assert_eq!(state.check(&wrong, at(0)), Err(KeyRefusal::WrongSecret));
    }
    assert_eq!(ApiKey::default().check("", at(0)), Err(KeyRefusal::WrongSecret));
}

#[test]
fn an_expired_key_opens_nothing_from_that_instant() {
    let mut event = issued();
    if let ApiKeyEvent::Issued { expires_at, .. } = &mut event {
        *expires_at = Some(at(50));
    }
    let state = state(vec![event]);
    assert_eq!(state.check(&hash('a'), at(49)), Ok(()));
    assert_eq!(state.check(&hash('a'), at(50)), Err(KeyRefusal::KeyExpired));
}

#[test]
fn a_revoked_key_opens_nothing_and_is_not_rotated() {
    let revoke = || ApiKeyCommand::Revoke { reason: "lost".to_owned() };
    let revoked = || ApiKeyEvent::Revoked { key: id(), reason: "lost".to_owned(), at: at(0) };
    key(vec![issued()]).when(revoke()).then_expect_events(vec![revoked()]);
    key(vec![issued(), revoked()]).when(revoke()).then_expect_events(vec![]);
    key(vec![issued(), revoked()]).when(rotate()).then_expect_error(ApiKeyError::Revoked);
    let state = state(vec![issued(), revoked()]);
    assert_eq!(state.check(&hash('a'), at(0)), Err(KeyRefusal::KeyRevoked));
}

#[test]
fn a_key_that_was_never_issued_is_neither_rotated_nor_revoked() {
    key(vec![]).when(rotate()).then_expect_error(ApiKeyError::Unknown);
    let revoke = ApiKeyCommand::Revoke { reason: "lost".to_owned() };
    key(vec![]).when(revoke).then_expect_error(ApiKeyError::Unknown);
}

#[test]
fn a_key_says_whose_it_is_and_what_it_may_do() {
    let state = state(vec![issued()]);
    assert_eq!((state.key(), state.role()), (Some(id()), Some(Role::Partner)));
    assert_eq!((state.mode(), state.seller()), (Some(Mode::Sandbox), None));
    assert_eq!((state.scopes(), state.rate_per_minute()), (&["orders:write".to_owned()][..], 600));
}

#[test]
fn stored_keys_read_back_as_written() {
    assert_golden::<ApiKeyEvent>(include_str!("golden.jsonl"));
}

fn key(history: Vec<ApiKeyEvent>) -> AggregateTestExecutor<ApiKey> {
    TestFramework::with(context(at(0))).given(history)
}

fn state(history: Vec<ApiKeyEvent>) -> ApiKey {
    let mut key = ApiKey::default();
    for event in history {
        key.apply(event);
    }
    serde_json::from_str(&serde_json::to_string(&key).unwrap()).unwrap()
}

fn id() -> KeyId {
    KeyId::derived(&["storefront"])
}

fn seller() -> SellerId {
    SellerId::derived(&["a potter"])
}

fn hash(letter: char) -> String {
    letter.to_string().repeat(64)
}

struct Wanted {
    role: Role,
    scopes: Vec<String>,
    seller: Option<SellerId>,
    mode: Mode,
    rate_per_minute: u32,
    expires_at: Option<Timestamp>,
}

fn issue(change: impl FnOnce(&mut Wanted)) -> ApiKeyCommand {
    let mut wanted = Wanted {
        role: Role::Partner,
        scopes: vec!["orders:write".to_owned()],
        seller: None,
        mode: Mode::Sandbox,
        rate_per_minute: 600,
        expires_at: None,
    };
    change(&mut wanted);
    ApiKeyCommand::Issue {
        key: id(),
        name: "Storefront".to_owned(),
        prefix: "dbk_a".to_owned(),
        hash: hash('a'),
        role: wanted.role,
        scopes: wanted.scopes,
        seller: wanted.seller,
        mode: wanted.mode,
        rate_per_minute: wanted.rate_per_minute,
        expires_at: wanted.expires_at,
    }
}

fn partner(scopes: &[&str]) -> ApiKeyCommand {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    issue(|wanted| wanted.scopes = scopes)
}

fn with_role(role: Role, seller: Option<SellerId>) -> ApiKeyCommand {
    issue(|wanted| {
        wanted.role = role;
        wanted.seller = seller;
    })
}

fn issued() -> ApiKeyEvent {
    ApiKeyEvent::Issued {
        key: id(),
        name: "Storefront".to_owned(),
        prefix: "dbk_a".to_owned(),
        hash: hash('a'),
        role: Role::Partner,
        scopes: vec!["orders:write".to_owned()],
        seller: None,
        mode: Mode::Sandbox,
        rate_per_minute: 600,
        expires_at: None,
        at: at(0),
    }
}

fn rotate() -> ApiKeyCommand {
    ApiKeyCommand::Rotate { prefix: "dbk_b".to_owned(), hash: hash('b'), old_valid_until: at(100) }
}

fn rotated() -> ApiKeyEvent {
    ApiKeyEvent::Rotated {
        key: id(),
        prefix: "dbk_b".to_owned(),
        hash: hash('b'),
        old_valid_until: at(100),
        at: at(0),
    }
}

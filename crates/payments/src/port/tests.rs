//! The port against the fake Stripe over HTTP, with everything that can go wrong on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use aggregates::{
    link::Subject, payment::commands::PaymentCommand, payout::commands::PayoutCommand,
    policies::Command, refund::commands::RefundCommand, webhook_event::events::Endpoint,
};
use async_trait::async_trait;
use engine::{
    Links, LinksUnavailable, ReceivedInfo, StripeCallError, StripePort, Translation, Translator,
    ports::{
        CloseDispute, CreatePayout, CreateRefund, CreateSession, CreateTransfer, ReverseTransfer,
        SubmitEvidence,
    },
};
use kernel::{
    Currency, DisputeId, FixedClock, Mode, Money, OrderId, PaymentId, PayoutId, RefundId, TenantId,
    Timestamp,
};
use stripe_fake::{
    BarePayment, FakeStripe, Fault, NewAccount, NewDispute, Operation, PendingEvent, Seed,
    ServerHandle, Target, serve,
};

use super::{StripeConfig, StripeConfigError, StripeGateway};
use crate::StripeTranslator;

const NOW: i64 = 1_790_000_000;
const DAY: i64 = 86_400;

struct Stripe {
    fake: FakeStripe,
    server: ServerHandle,
    gateway: StripeGateway,
}

fn tenant() -> TenantId {
    TenantId::derived(&["Orchard Market"])
}

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::new(Timestamp::from_unix_seconds(NOW)))
}

fn gateway(url: &str) -> StripeGateway {
    let config =
        StripeConfig::new("sk_test_orchard").with_url(url).with_timeout(Duration::from_secs(10));
    StripeGateway::try_new(config, tenant(), clock()).unwrap()
}

fn stripe() -> Stripe {
    let fake = FakeStripe::new(Seed(5), NOW);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = serve(fake.clone(), listener).unwrap();
    let gateway = gateway(&server.url());
    Stripe { fake, server, gateway }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn paid(fake: &FakeStripe, key: &str, amount: i64) -> String {
    let payment = BarePayment { amount, ..BarePayment::default() };
    fake.apply(key, Operation::Pay(payment)).unwrap();
    fake.find_charge(&Target::made(key)).unwrap()
}

fn refund_call(charge: &str, key: &str) -> CreateRefund {
    CreateRefund {
        tenant: tenant(),
        refund: RefundId::derived(&[key]),
        attempt: 1,
        charge: charge.into(),
        order: Some(OrderId::derived(&["an order"])),
        amount: usd(325),
        idempotency_key: key.to_owned(),
    }
}

#[tokio::test]
async fn a_session_carries_our_ids_and_is_opened_once() {
    let Stripe { fake, server, gateway } = stripe();
    let order = OrderId::derived(&["an order"]);
    let call = CreateSession {
        tenant: tenant(),
        payment: PaymentId::derived(&["a payment"]),
        order,
        amount: usd(10_325),
        transfer_group: order.to_string(),
        success_url: "https://orchard.example/thanks".to_owned(),
        cancel_url: "https://orchard.example/basket".to_owned(),
        expires_at: Timestamp::from_unix_seconds(NOW + 3600),
        idempotency_key: "open".to_owned(),
    };
    let opened = gateway.create_session(&call).await.unwrap();
    assert!(opened.url.is_some());
    assert_eq!(opened.expires_at, call.expires_at);
    assert_eq!(gateway.create_session(&call).await.unwrap(), opened);
    let session = fake.object(opened.session.as_str()).unwrap();
    assert_eq!(session["client_reference_id"], order.to_string());
    assert_eq!(session["metadata"]["daybook_payment"], call.payment.to_string());
    assert_eq!(session["metadata"]["daybook_tenant"], tenant().to_string());
    assert_eq!(session["amount_total"], 10_325);

    gateway.expire_session(tenant(), &opened.session).await.unwrap();
    let session = fake.object(opened.session.as_str()).unwrap();
    assert_eq!(session["status"], "expired");
    server.stop().await;
}

#[tokio::test]
async fn a_refund_is_made_once_and_found_again() {
    let Stripe { fake, server, gateway } = stripe();
    let charge = paid(&fake, "sale", 10_325);
    let call = refund_call(&charge, "refund one");
    assert_eq!(gateway.find_refund(&call).await.unwrap(), None);
    let made = gateway.create_refund(&call).await.unwrap();
    assert_eq!((made.status.as_str(), made.amount), ("succeeded", usd(325)));
    assert_eq!((made.rank.created, made.rank.event.as_str()), (NOW, "fetch"));
    let again = gateway.create_refund(&call).await.unwrap();
    assert_eq!(again, made);
    let found = gateway.find_refund(&call).await.unwrap().unwrap();
    assert_eq!(found.stripe_refund, made.stripe_refund);
    let listed = gateway.refunds_of_charge(&charge.as_str().into()).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].ours, Some((call.refund, 1)));
    let second = CreateRefund { attempt: 2, ..call };
    assert_eq!(gateway.find_refund(&second).await.unwrap(), None);
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_has_stripes_code_and_words() {
    let Stripe { fake, server, gateway } = stripe();
    let charge = paid(&fake, "sale", 325);
    gateway.create_refund(&refund_call(&charge, "one")).await.unwrap();
    let error = gateway.create_refund(&refund_call(&charge, "two")).await.unwrap_err();
    let StripeCallError::Refused { code, message, status } = error else { panic!("{error:?}") };
    assert_eq!((code.as_str(), status), ("charge_already_refunded", 400));
    assert!(message.contains("already been refunded"));
    server.stop().await;
}

#[tokio::test]
async fn the_kinds_of_failure_are_told_apart() {
    let Stripe { fake, server, gateway } = stripe();
    let charge = paid(&fake, "sale", 10_325);
    let route = "POST /v1/refunds";
    for (fault, unknown) in [
        (Fault::Refuse(500), true),
        (Fault::Refuse(503), true),
        (Fault::DropBefore, true),
        (Fault::Refuse(429), false),
        (Fault::Refuse(409), false),
        (Fault::Refuse(401), false),
    ] {
        fake.fail_next(route, fault, 1);
        let error = gateway.create_refund(&refund_call(&charge, "r")).await.unwrap_err();
        let right = if unknown {
            matches!(error, StripeCallError::Unknown(_))
        } else {
            matches!(error, StripeCallError::Unavailable(_))
        };
        assert!(right, "{fault:?}: {error:?}");
    }
    fake.fail_next("GET /v1/charges/:id", Fault::Refuse(500), 1);
    let error = gateway.charge(&charge.as_str().into()).await.unwrap_err();
    assert!(matches!(error, StripeCallError::Unavailable(_)), "{error:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_then_found() {
    let Stripe { fake, server, gateway } = stripe();
    let charge = paid(&fake, "sale", 10_325);
    let call = refund_call(&charge, "lost");
    fake.fail_next("POST /v1/refunds", Fault::DropAfter, 1);
    let error = gateway.create_refund(&call).await.unwrap_err();
    assert!(matches!(error, StripeCallError::Unknown(_)), "{error:?}");
    assert!(gateway.find_refund(&call).await.unwrap().is_some());
    server.stop().await;
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gateway = gateway(&format!("http://{address}/"));
    let error = gateway.create_refund(&refund_call("ch_1", "r")).await.unwrap_err();
    assert!(matches!(error, StripeCallError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_unknown() {
    // It takes the connection (the system does) and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config =
        StripeConfig::new("rk_test_orchard").with_url(url).with_timeout(Duration::from_millis(50));
    let gateway = StripeGateway::try_new(config, tenant(), clock()).unwrap();
    let error = gateway.create_refund(&refund_call("ch_1", "r")).await.unwrap_err();
    assert!(matches!(error, StripeCallError::Unknown(_)), "{error:?}");
    let error = gateway.balance(None).await.unwrap_err();
    assert!(matches!(error, StripeCallError::Unavailable(_)), "{error:?}");
    drop(listener);
}

#[test]
fn a_key_that_cannot_be_one_is_refused_and_none_is_shown() {
    for key in ["", "pk_test_1", "sk_test_\n1", "whsec_1"] {
        let result = StripeGateway::try_new(StripeConfig::new(key), tenant(), clock());
        assert_eq!(result.unwrap_err(), StripeConfigError::Key);
    }
    let odd = StripeConfig::new("sk_test_hidden").with_url("ftp://stripe.example");
    assert!(!format!("{odd:?}").contains("hidden"));
    let error = StripeGateway::try_new(odd, tenant(), clock()).unwrap_err();
    assert!(matches!(error, StripeConfigError::Url(_)));
}

#[tokio::test]
async fn money_goes_to_a_seller_and_comes_back() {
    let Stripe { fake, server, gateway } = stripe();
    let new = Operation::CreateAccount(NewAccount::default());
    let account = fake.apply("seller", new).unwrap().id.unwrap();
    paid(&fake, "sale", 100_000);
    fake.advance_to(NOW + 10 * DAY).unwrap();
    let payout = PayoutId::derived(&["a payout"]);
    let transfer_call = CreateTransfer {
        tenant: tenant(),
        payout,
        account: account.as_str().into(),
        amount: usd(3_000),
        idempotency_key: "t".to_owned(),
    };
    assert_eq!(gateway.find_transfer(&transfer_call).await.unwrap(), None);
    let transfer = gateway.create_transfer(&transfer_call).await.unwrap();
    assert_eq!(gateway.find_transfer(&transfer_call).await.unwrap(), Some(transfer.clone()));
    assert_eq!(gateway.transfer(&transfer.transfer).await.unwrap(), transfer);
    let other_key = CreateTransfer { idempotency_key: "t2".to_owned(), ..transfer_call };
    assert_eq!(gateway.find_transfer(&other_key).await.unwrap(), None);

    let back_call = ReverseTransfer {
        tenant: tenant(),
        payout,
        transfer: transfer.transfer.clone(),
        account: account.as_str().into(),
        amount: usd(500),
        idempotency_key: "v".to_owned(),
    };
    let back = gateway.reverse_transfer(&back_call).await.unwrap();
    assert_eq!(gateway.find_reversal(&back_call).await.unwrap(), Some(back.clone()));
    assert_eq!(gateway.reversal(&transfer.transfer, &back.reversal).await.unwrap(), back);

    // Both balance transactions name the account at the other end.
    for txn in [transfer.txn.unwrap(), back.txn.unwrap()] {
        let record = gateway.balance_transaction(&txn, None).await.unwrap();
        assert_eq!(record.counterpart, Some(account.as_str().into()), "{}", record.kind);
        assert_eq!(record.net, record.amount);
    }

    let bank_call = CreatePayout {
        tenant: tenant(),
        payout,
        attempt: 1,
        account: account.as_str().into(),
        amount: usd(1_000),
        idempotency_key: "p".to_owned(),
    };
    assert_eq!(gateway.find_payout(&bank_call).await.unwrap(), None);
    let bank = gateway.create_payout(&bank_call).await.unwrap();
    assert_eq!((bank.amount, bank.account.clone()), (usd(1_000), Some(account.as_str().into())));
    let found = gateway.find_payout(&bank_call).await.unwrap().unwrap();
    assert_eq!(found.stripe_payout, bank.stripe_payout);
    let read = gateway.payout(&bank.stripe_payout, bank.account.as_ref()).await.unwrap();
    assert_eq!(read.stripe_payout, bank.stripe_payout);
    server.stop().await;
}

#[tokio::test]
async fn balances_and_their_transactions_are_the_fakes_own() {
    let Stripe { fake, server, gateway } = stripe();
    for number in 0..130 {
        paid(&fake, &format!("sale {number}"), 1_000 + number);
    }
    let figures = gateway.balance(None).await.unwrap();
    assert_eq!(figures.len(), 1);
    assert_eq!(figures[0].total(), fake.balance(None)["usd"]);

    let (mut net, mut count, mut cursor) = (0, 0, None);
    loop {
        let since = Timestamp::from_unix_seconds(NOW);
        let page =
            gateway.balance_transactions_after(None, since, cursor.as_deref()).await.unwrap();
        net += page.items.iter().map(|record| record.net).sum::<i64>();
        count += page.items.len();
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!((count, net), (130, fake.balance(None)["usd"]));
    let later = Timestamp::from_unix_seconds(NOW + 1);
    let none = gateway.balance_transactions_after(None, later, None).await.unwrap();
    assert!(none.items.is_empty() && none.next.is_none());
    server.stop().await;
}

#[tokio::test]
async fn objects_are_read_as_facts() {
    let Stripe { fake, server, gateway } = stripe();
    let account =
        fake.apply("seller", Operation::CreateAccount(NewAccount::default())).unwrap().id.unwrap();
    let snapshot = gateway.account(&account.as_str().into()).await.unwrap();
    assert!(snapshot.flags.payouts_enabled && snapshot.flags.transfers_active);

    let charge = paid(&fake, "sale", 5_000);
    let snapshot = gateway.charge(&charge.as_str().into()).await.unwrap();
    assert_eq!(snapshot.fact.rank.class, 2);
    let txn = snapshot.balance_transaction.unwrap();
    let record = gateway.balance_transaction(&txn, None).await.unwrap();
    assert_eq!((record.kind.as_str(), record.amount), ("charge", 5_000));
    assert_eq!(record.source.as_deref(), Some(charge.as_str()));
    let missing = gateway.balance_transaction(&"txn_nowhere".into(), None).await.unwrap_err();
    assert!(matches!(missing, StripeCallError::Refused { status: 404, .. }), "{missing:?}");

    let dispute = NewDispute::chargeback(Target::made("sale"));
    let id = fake.apply("dispute", Operation::OpenDispute(dispute)).unwrap().id.unwrap();
    let snapshot = gateway.dispute(&id.as_str().into()).await.unwrap();
    assert!(!snapshot.evidence_submitted);
    assert_eq!(snapshot.fact.movements[0].amount, usd(-5_000));
    server.stop().await;
}

#[tokio::test]
async fn evidence_is_sent_and_a_dispute_accepted() {
    let Stripe { fake, server, gateway } = stripe();
    paid(&fake, "one", 5_000);
    paid(&fake, "two", 5_000);
    let open = |key: &str, payment: &str| {
        let dispute = NewDispute::chargeback(Target::made(payment));
        fake.apply(key, Operation::OpenDispute(dispute)).unwrap().id.unwrap()
    };
    let (answered, accepted) = (open("first", "one"), open("second", "two"));
    let fields =
        BTreeMap::from([("product_description".to_owned(), "Pears, 2 kg & a basket".to_owned())]);
    let evidence = SubmitEvidence {
        tenant: tenant(),
        dispute: DisputeId::derived(&["first"]),
        stripe_dispute: answered.as_str().into(),
        fields,
        idempotency_key: "e".to_owned(),
    };
    gateway.submit_evidence(&evidence).await.unwrap();
    assert!(gateway.dispute(&answered.as_str().into()).await.unwrap().evidence_submitted);
    let stored = fake.object(&answered).unwrap();
    assert_eq!(stored["evidence"]["product_description"], "Pears, 2 kg & a basket");

    let close = CloseDispute {
        tenant: tenant(),
        dispute: DisputeId::derived(&["second"]),
        stripe_dispute: accepted.as_str().into(),
        idempotency_key: "c".to_owned(),
    };
    gateway.close_dispute(&close).await.unwrap();
    let snapshot = gateway.dispute(&accepted.as_str().into()).await.unwrap();
    assert_eq!((snapshot.fact.status.as_str(), snapshot.fact.rank.class), ("lost", 3));
    server.stop().await;
}

#[tokio::test]
async fn undelivered_events_are_listed_to_the_last() {
    let Stripe { fake, server, gateway } = stripe();
    for number in 0..60 {
        paid(&fake, &format!("sale {number}"), 1_000);
    }
    let expected = fake.undelivered_count();
    assert!(expected > 100, "{expected}");
    let since = Timestamp::from_unix_seconds(NOW - 1);
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = gateway.undelivered_events(since, cursor.as_deref()).await.unwrap();
        for body in &page.items {
            ids.push(crate::envelope::Envelope::read(body).id.unwrap());
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), expected);
    server.stop().await;
}

/// What we make at Stripe comes back in its messages, and must be found under our ids.
#[tokio::test]
async fn what_we_made_comes_back_under_our_ids() {
    let Stripe { fake, server, gateway } = stripe();
    let new = Operation::CreateAccount(NewAccount::default());
    let account = fake.apply("seller", new).unwrap().id.unwrap();
    paid(&fake, "float", 1_000_000);
    fake.advance_to(NOW + 10 * DAY).unwrap();
    let before = fake.undelivered_count();

    let order = OrderId::derived(&["an order"]);
    let payment = PaymentId::derived(&["a payment"]);
    let session = CreateSession {
        tenant: tenant(),
        payment,
        order,
        amount: usd(10_325),
        transfer_group: order.to_string(),
        success_url: "https://orchard.example/thanks".to_owned(),
        cancel_url: "https://orchard.example/basket".to_owned(),
        expires_at: Timestamp::from_unix_seconds(NOW + 10 * DAY + 3600),
        idempotency_key: "open".to_owned(),
    };
    let opened = gateway.create_session(&session).await.unwrap();
    let buy = Operation::PaySession {
        session: Target::id(opened.session.as_str()),
        payment: stripe_fake::Payment::default(),
        forget: stripe_fake::Forget::default(),
    };
    fake.apply("buy", buy).unwrap();
    let charge = fake.find_charge(&Target::id(opened.session.as_str())).unwrap();
    let refund = refund_call(&charge, "refund");
    gateway.create_refund(&refund).await.unwrap();
    let payout = PayoutId::derived(&["a payout"]);
    let transfer = CreateTransfer {
        tenant: tenant(),
        payout,
        account: account.as_str().into(),
        amount: usd(3_000),
        idempotency_key: "t".to_owned(),
    };
    gateway.create_transfer(&transfer).await.unwrap();

    let mut found = BTreeSet::new();
    for event in fake.take_undelivered(usize::MAX, &BTreeSet::new()).iter().skip(before) {
        for command in commands_of(event).await {
            match command {
                Command::Payment(id, PaymentCommand::MergeFact { fact, .. }) => {
                    assert_eq!(id, payment, "{}", event.kind);
                    assert_eq!(fact.order.map(|(order, _)| order), Some(order), "{}", event.kind);
                    found.insert("payment");
                }
                Command::Refund(id, RefundCommand::MergeFact(_)) => {
                    assert_eq!(id, refund.refund);
                    found.insert("refund");
                }
                Command::Payout(id, PayoutCommand::NoteTransfer { .. }) => {
                    assert_eq!(id, payout);
                    found.insert("payout");
                }
                other => panic!("{}: {other:?}", event.kind),
            }
        }
    }
    assert_eq!(found, BTreeSet::from(["payment", "payout", "refund"]));
    server.stop().await;
}

/// Nothing at all is linked yet.
struct NoLinks;

#[async_trait]
impl Links for NoLinks {
    async fn subject(&self, _object: &str) -> Result<Option<Subject>, LinksUnavailable> {
        Ok(None)
    }
}

async fn commands_of(event: &PendingEvent) -> Vec<Command> {
    let info = ReceivedInfo {
        tenant: tenant(),
        mode: Mode::Sandbox,
        event: event.id.as_str().into(),
        kind: event.kind.clone(),
        account: event.account.as_deref().map(Into::into),
        livemode: Some(false),
        api_version: None,
        created: Some(Timestamp::from_unix_seconds(event.created)),
        endpoint: Endpoint::Platform,
        backfilled: false,
    };
    let body = event.body.as_bytes();
    match StripeTranslator::new().translate(&info, body, &NoLinks).await.unwrap() {
        Translation::Apply { commands, .. } => commands,
        Translation::Ignore { .. } | Translation::Park { .. } => Vec::new(),
        Translation::Quarantine { error } => panic!("{}: {error}", event.kind),
    }
}

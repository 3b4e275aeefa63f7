//! The real Stripe client reads every answer.

use std::collections::HashMap;
use std::net::TcpListener;

use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession, ListCheckoutSession,
    ListLineItemsCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_connect::account::{
    CreateAccount, CreateAccountType, ListAccount, RetrieveAccount, UpdateAccount,
};
use stripe_connect::account_link::{CreateAccountLink, CreateAccountLinkType};
use stripe_connect::application_fee::ListApplicationFee;
use stripe_connect::topup::ListTopup;
use stripe_connect::transfer::{CreateTransfer, ListTransfer, RetrieveTransfer};
use stripe_connect::transfer_reversal::{
    CreateIdTransferReversal, ListIdTransferReversal, RetrieveTransferReversal,
};
use stripe_core::balance::RetrieveForMyAccountBalance;
use stripe_core::balance_transaction::{ListBalanceTransaction, RetrieveBalanceTransaction};
use stripe_core::charge::{ListCharge, RetrieveCharge};
use stripe_core::dispute::{
    CloseDispute, ListDispute, RetrieveDispute, UpdateDispute, UpdateDisputeEvidence,
};
use stripe_core::event::{ListEvent, RetrieveEvent};
use stripe_core::payment_intent::{ListPaymentIntent, RetrievePaymentIntent};
use stripe_core::payout::{CancelPayout, CreatePayout, ListPayout, RetrievePayout};
use stripe_core::refund::{CancelRefund, CreateRefund, ListRefund, RetrieveRefund};

use super::{DAY, START, paid_order, pay, seller, stripe};
use crate::{
    BarePayment, DisputeOutcome, FakeStripe, Fault, NewDispute, Operation, Payment, RefundPlan,
    ServerHandle, Target, TopUpPlan, serve,
};

fn served(fake: &FakeStripe) -> (ServerHandle, Client) {
    let server = serve(fake.clone(), TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
    // A build that has KurrentDB's client too has two to choose from.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let client = ClientBuilder::new("sk_test_fake").url(server.url()).build().unwrap();
    (server, client)
}

fn key(key: &str) -> RequestStrategy {
    RequestStrategy::Idempotent(IdempotencyKey::new(key).unwrap())
}

fn order_session() -> CreateCheckoutSession {
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(currency());
    price.unit_amount = Some(2_500);
    price.product_data = Some(ProductData::new("Walnut chair"));
    let mut line = CreateCheckoutSessionLineItems::new();
    line.price_data = Some(price);
    line.quantity = Some(2);
    let metadata = HashMap::from([("daybook_order".to_owned(), "ord 1&2".to_owned())]);
    let mut intent = CreateCheckoutSessionPaymentIntentData::new();
    intent.metadata = Some(metadata.clone());
    CreateCheckoutSession::new()
        .mode(stripe_checkout::CheckoutSessionMode::Payment)
        .line_items(vec![line])
        .metadata(metadata)
        .payment_intent_data(intent)
        .success_url("https://shop.example/done?session={CHECKOUT_SESSION_ID}")
}

fn currency() -> stripe_types::Currency {
    stripe_types::Currency::USD
}

#[tokio::test]
async fn the_client_reads_sessions_intents_charges_and_transactions() {
    let fake = stripe();
    let (server, client) = served(&fake);
    let session =
        order_session().customize().request_strategy(key("s1")).send(&client).await.unwrap();
    assert_eq!(session.amount_total, Some(5_000));
    assert!(session.url.is_some());
    pay(&fake, session.id.as_str(), Payment::default());
    let session = RetrieveCheckoutSession::new(session.id.clone()).send(&client).await.unwrap();
    let intent = session.payment_intent.as_ref().unwrap().id().clone();
    assert_eq!(session.metadata.unwrap()["daybook_order"], "ord 1&2");
    let lines = ListLineItemsCheckoutSession::new(session.id.clone()).send(&client).await.unwrap();
    assert_eq!(lines.data[0].amount_total, 5_000);

    let intent = RetrievePaymentIntent::new(intent).send(&client).await.unwrap();
    let charge = intent.latest_charge.as_ref().unwrap().id().clone();
    let expanded = RetrieveCharge::new(charge.clone())
        .expand(vec!["balance_transaction".to_owned()])
        .send(&client)
        .await
        .unwrap();
    let booked = expanded.balance_transaction.unwrap().into_object().unwrap();
    assert_eq!((booked.amount, booked.fee, booked.net), (5_000, 175, 4_825));
    let booked = RetrieveBalanceTransaction::new(booked.id).send(&client).await.unwrap();
    assert_eq!(booked.reporting_category, "charge");

    let second = order_session().send(&client).await.unwrap();
    let expired = ExpireCheckoutSession::new(second.id).send(&client).await.unwrap();
    assert!(expired.url.is_none());
    assert_eq!(ListCheckoutSession::new().send(&client).await.unwrap().data.len(), 2);
    assert_eq!(ListPaymentIntent::new().send(&client).await.unwrap().data.len(), 1);
    assert_eq!(ListCharge::new().send(&client).await.unwrap().data.len(), 1);
    assert_eq!(
        ListBalanceTransaction::new()
            .source(charge.as_str())
            .send(&client)
            .await
            .unwrap()
            .data
            .len(),
        1
    );
    let balance = RetrieveForMyAccountBalance::new().send(&client).await.unwrap();
    assert_eq!(balance.pending[0].amount, 4_825);
    assert_eq!(fake.calls()["GET /v1/charges/:id"], 1);
    server.stop().await;
}

#[tokio::test]
async fn the_client_reads_refunds_disputes_and_events() {
    let fake = stripe();
    let (server, client) = served(&fake);
    let charge = paid_order(&fake, "ord_1", 10_000, "usd");
    let request = CreateRefund::new().charge(charge.as_str()).amount(1_000);
    let refund = request.customize().request_strategy(key("r1")).send(&client).await.unwrap();
    let again = request.customize().request_strategy(key("r1")).send(&client).await.unwrap();
    assert_eq!(refund.id, again.id);
    let waiting = Operation::Refund {
        payment: Target::id(charge.as_str()),
        amount: Some(500),
        reason: Some("requested_by_customer".into()),
        metadata: std::collections::BTreeMap::new(),
        plan: Some(RefundPlan::requires_action()),
    };
    fake.apply("waiting", waiting).unwrap();
    CancelRefund::new(fake.id_of("re", "waiting")).send(&client).await.unwrap();
    let reread = RetrieveRefund::new(refund.id.clone()).send(&client).await.unwrap();
    assert_eq!(reread.amount, 1_000);
    assert_eq!(
        ListRefund::new().charge(charge.as_str()).send(&client).await.unwrap().data.len(),
        2
    );

    for (name, outcome) in [("won", DisputeOutcome::won(true)), ("open", DisputeOutcome::lost())] {
        fake.apply(
            name,
            Operation::OpenDispute(NewDispute::chargeback(Target::id(charge.as_str()))),
        )
        .unwrap();
        if name == "won" {
            fake.apply("close", Operation::CloseDispute { dispute: Target::made(name), outcome })
                .unwrap();
        }
    }
    let dispute = RetrieveDispute::new(fake.id_of("dp", "won")).send(&client).await.unwrap();
    assert_eq!(dispute.balance_transactions.len(), 2);
    let mut evidence = UpdateDisputeEvidence::new();
    evidence.product_description = Some("A chair".into());
    UpdateDispute::new(fake.id_of("dp", "open")).evidence(evidence).send(&client).await.unwrap();
    CloseDispute::new(fake.id_of("dp", "open")).send(&client).await.unwrap();
    assert_eq!(ListDispute::new().send(&client).await.unwrap().data.len(), 2);

    let events = ListEvent::new().limit(100).delivery_success(false).send(&client).await.unwrap();
    assert_eq!(events.data.len(), fake.event_count());
    for event in events.data {
        RetrieveEvent::new(event.id).send(&client).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn the_client_reads_accounts_transfers_payouts_and_fees() {
    let fake = stripe();
    let (server, client) = served(&fake);
    let create = CreateAccount::new().type_(CreateAccountType::Express).country("DE");
    let invited = create.customize().request_strategy(key("a1")).send(&client).await.unwrap();
    let link =
        CreateAccountLink::new(invited.id.as_str(), CreateAccountLinkType::AccountOnboarding)
            .refresh_url("https://shop.example/again")
            .return_url("https://shop.example/back");
    assert!(link.send(&client).await.unwrap().url.contains(invited.id.as_str()));
    let email = UpdateAccount::new(invited.id.clone())
        .metadata(HashMap::from([("daybook_seller".to_owned(), "sel_1".to_owned())]));
    email.send(&client).await.unwrap();
    let account = seller(&fake, "seller");
    let read = RetrieveAccount::new(account.as_str()).send(&client).await.unwrap();
    assert_eq!(read.payouts_enabled, Some(true));
    assert_eq!(ListAccount::new().send(&client).await.unwrap().data.len(), 2);

    paid_order(&fake, "ord_1", 100_000, "usd");
    fake.apply(
        "topup",
        Operation::TopUp { amount: 500, currency: "usd".into(), plan: TopUpPlan::Succeeded },
    )
    .unwrap();
    fake.advance_to(START + 2 * DAY).unwrap();
    let transfer = CreateTransfer::new(currency(), account.as_str()).amount(9_000);
    let transfer = transfer.customize().request_strategy(key("t1")).send(&client).await.unwrap();
    let reversal = CreateIdTransferReversal::new(transfer.id.clone())
        .amount(1_000)
        .send(&client)
        .await
        .unwrap();
    RetrieveTransferReversal::new(reversal.id, transfer.id.clone()).send(&client).await.unwrap();
    assert_eq!(
        ListIdTransferReversal::new(transfer.id.clone()).send(&client).await.unwrap().data.len(),
        1
    );
    let transfer = RetrieveTransfer::new(transfer.id).send(&client).await.unwrap();
    assert_eq!((transfer.amount_reversed, transfer.reversals.data.len()), (1_000, 1));
    assert_eq!(ListTransfer::new().send(&client).await.unwrap().data.len(), 1);

    let on_account = |account: &str| account.parse::<stripe::AccountId>().unwrap();
    let create = CreatePayout::new(2_000, currency());
    let payout = create.customize().account_id(on_account(&account)).send(&client).await.unwrap();
    let read = RetrievePayout::new(payout.id.clone()).customize().account_id(on_account(&account));
    assert_eq!(read.send(&client).await.unwrap().amount, 2_000);
    let cancel = CancelPayout::new(payout.id).customize().account_id(on_account(&account));
    assert_eq!(cancel.send(&client).await.unwrap().status, "canceled");
    let listed = ListPayout::new().customize().account_id(on_account(&account));
    assert_eq!(listed.send(&client).await.unwrap().data.len(), 1);
    let listed = ListBalanceTransaction::new().customize().account_id(on_account(&account));
    assert_eq!(listed.send(&client).await.unwrap().data.len(), 4);

    let direct = BarePayment {
        on_account: Some(account),
        application_fee: Some(50),
        ..BarePayment::default()
    };
    fake.apply("direct", Operation::Pay(direct)).unwrap();
    assert_eq!(ListApplicationFee::new().send(&client).await.unwrap().data.len(), 1);
    assert_eq!(ListTopup::new().send(&client).await.unwrap().data.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn refusals_arrive_as_the_errors_stripe_would_send() {
    let fake = stripe();
    let (server, client) = served(&fake);
    let missing = RetrieveCharge::new("ch_missing1").send(&client).await;
    let Err(StripeError::Stripe(error, status)) = missing else { panic!("{missing:?}") };
    assert_eq!(
        (status, error.code.map(|code| code.to_string())),
        (404, Some("resource_missing".into()))
    );
    let stranger = ClientBuilder::new("sk_live_real").url(server.url()).build().unwrap();
    let refused = RetrieveForMyAccountBalance::new().send(&stranger).await;
    assert!(matches!(refused, Err(StripeError::Stripe(_, 401))), "{refused:?}");
    let account = seller(&fake, "seller");
    let broke = CreateTransfer::new(currency(), account).amount(1);
    let refused = broke.send(&client).await;
    let Err(StripeError::Stripe(error, 400)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code.map(|code| code.to_string()), Some("balance_insufficient".into()));
    server.stop().await;
}

#[tokio::test]
async fn a_dropped_answer_leaves_the_outcome_unknown_and_a_repeat_finds_it_done() {
    let fake = stripe();
    let (server, client) = served(&fake);
    let charge = paid_order(&fake, "ord_1", 10_000, "usd");
    let refund = |name: &str| {
        CreateRefund::new()
            .charge(charge.as_str())
            .amount(1_000)
            .customize()
            .request_strategy(key(name))
    };
    fake.fail_next("POST /v1/refunds", Fault::DropAfter, 1);
    let lost = refund("r1").send(&client).await;
    assert!(matches!(lost, Err(StripeError::ClientError(_))), "{lost:?}");
    assert_eq!(fake.balance(None)["usd"], 10_000 - 320 - 1_000, "it was done");
    refund("r1").send(&client).await.unwrap();
    assert_eq!(fake.balance(None)["usd"], 10_000 - 320 - 1_000, "and only once");

    fake.fail_next("POST /v1/refunds", Fault::DropBefore, 1);
    assert!(refund("r2").send(&client).await.is_err());
    fake.fail_next("POST /v1/refunds", Fault::Refuse(500), 1);
    fake.fail_next("POST /v1/refunds", Fault::Refuse(429), 1);
    for status in [500, 429] {
        let refused = refund("r2").send(&client).await;
        assert!(
            matches!(&refused, Err(StripeError::Stripe(_, found)) if *found == status),
            "{refused:?}"
        );
    }
    assert_eq!(fake.balance(None)["usd"], 10_000 - 320 - 1_000, "none of these did anything");
    assert_eq!((fake.calls()["POST /v1/refunds"], fake.call_count()), (5, 5));
    server.stop().await;
}

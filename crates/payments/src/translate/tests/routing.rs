//! Which of our things a message is about.

use aggregates::{
    balance_transaction::{BalanceTransactionCommand, Provenance},
    dispute::commands::DisputeCommand,
    payment::{
        commands::{PaymentCommand, PaymentFact, PaymentFactKind},
        events::LinkedVia,
    },
    payout::commands::PayoutCommand,
    refund::commands::RefundCommand,
    seller_account::commands::{BankAccountFact, SellerAccountCommand},
    vocabulary::{ChargeRef, TxnRef},
};
use kernel::{Currency, DisputeId, Money, OrderId, PaymentId, PayoutId, RefundId};

use super::*;

fn derived_payment(object: &str) -> PaymentId {
    PaymentId::derived(&[&tenant().to_string(), object])
}

fn paid_session(changes: Value) -> Value {
    let mut object = made(
        "checkout.session",
        json!({
            "id": "cs_1", "status": "complete", "payment_status": "paid",
            "amount_total": 10_325, "currency": "usd", "payment_intent": "pi_1",
        }),
    );
    for (field, value) in changes.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

fn charge(changes: Value) -> Value {
    let mut object = made(
        "charge",
        json!({ "id": "ch_1", "payment_intent": "pi_1", "captured": true, "amount_captured": 100 }),
    );
    for (field, value) in changes.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

#[track_caller]
fn merged(translation: Translation) -> (PaymentId, PaymentFact) {
    let (_, commands, _) = applied(translation);
    for command in commands {
        if let Command::Payment(id, PaymentCommand::MergeFact { payment, fact }) = command {
            assert_eq!(id, payment);
            return (id, *fact);
        }
    }
    panic!("no fact about a payment");
}

#[tokio::test]
async fn session_intent_and_charge_come_to_one_payment_in_any_order() {
    let intent = made(
        "payment_intent",
        json!({
            "id": "pi_1", "status": "succeeded", "amount_received": 100, "latest_charge": "ch_1",
        }),
    );
    let messages = [
        ("checkout.session.completed", paid_session(json!({}))),
        ("payment_intent.succeeded", intent),
        ("charge.succeeded", charge(json!({}))),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let known = Known::default();
        for index in order {
            let (kind, object) = &messages[index];
            let (links, ..) = applied(platform(kind, object, &known).await);
            for (object, subject) in links {
                known.add(&object, subject);
            }
        }
        let payment = Subject::Payment(derived_payment("pi_1"));
        let expected: Vec<(String, Subject)> =
            ["ch_1", "cs_1", "pi_1"].map(|object| (object.to_owned(), payment)).to_vec();
        let mut all: Vec<(String, Subject)> = known.all().into_iter().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(all, expected);
    }
}

#[tokio::test]
async fn our_metadata_names_the_payment_and_the_order() {
    let (payment, order) = (PaymentId::derived(&["ours"]), OrderId::derived(&["ours"]));
    let metadata = json!({
        "daybook_tenant": tenant().to_string(),
        "daybook_payment": payment.to_string(),
        "daybook_order": order.to_string(),
    });
    let object = paid_session(json!({ "metadata": metadata }));
    let (id, fact) =
        merged(platform("checkout.session.completed", &object, &Known::default()).await);
    assert_eq!((id, fact.order), (payment, Some((order, LinkedVia::Metadata))));
}

#[tokio::test]
async fn metadata_of_another_tenant_is_nothing_to_us() {
    let metadata = json!({
        "daybook_tenant": TenantId::derived(&["somebody else"]).to_string(),
        "daybook_payment": PaymentId::derived(&["theirs"]).to_string(),
        "daybook_order": OrderId::derived(&["theirs"]).to_string(),
    });
    let object = charge(json!({ "metadata": metadata }));
    let (id, fact) = merged(platform("charge.succeeded", &object, &Known::default()).await);
    assert_eq!((id, fact.order), (derived_payment("pi_1"), None));
}

#[tokio::test]
async fn the_order_is_found_by_reference_and_by_transfer_group() {
    let order = OrderId::derived(&["ours"]);
    let session = paid_session(json!({ "client_reference_id": order.to_string() }));
    let (_, fact) =
        merged(platform("checkout.session.completed", &session, &Known::default()).await);
    assert_eq!(fact.order, Some((order, LinkedVia::ClientReference)));
    let object = charge(json!({ "transfer_group": order.to_string() }));
    let (_, fact) = merged(platform("charge.succeeded", &object, &Known::default()).await);
    assert_eq!(fact.order, Some((order, LinkedVia::TransferGroup)));
    let object = charge(json!({ "transfer_group": "group_of_somebody" }));
    let (_, fact) = merged(platform("charge.succeeded", &object, &Known::default()).await);
    assert_eq!(fact.order, None);
}

#[tokio::test]
async fn a_known_charge_keeps_its_payment_whatever_the_metadata_says() {
    let known = PaymentId::derived(&["known"]);
    let links = Known::with(&[("pi_1", Subject::Payment(known))]);
    let other = PaymentId::derived(&["other"]);
    let object = charge(json!({ "metadata": { "daybook_payment": other.to_string() } }));
    let (links, commands, _) = applied(platform("charge.succeeded", &object, &links).await);
    assert_eq!(links, [("ch_1".to_owned(), Subject::Payment(known))]);
    assert!(matches!(commands[0], Command::Payment(id, _) if id == known));
}

#[tokio::test]
async fn a_session_we_opened_keeps_its_payment_when_its_intent_was_taken_for_another() {
    let (asked, found) = (PaymentId::derived(&["asked for"]), derived_payment("pi_1"));
    let links =
        || Known::with(&[("cs_1", Subject::Payment(asked)), ("pi_1", Subject::Payment(found))]);
    let order = OrderId::derived(&["ours"]);
    let object = paid_session(json!({ "client_reference_id": order.to_string() }));
    let translation = platform("checkout.session.completed", &object, &links()).await;
    assert_eq!(applied(translation.clone()).0, [], "the session is claimed by two");
    let (id, fact) = merged(translation);
    assert_eq!((id, fact.order), (found, Some((order, LinkedVia::ClientReference))));
    // Before the intent is known, the session says whose it is.
    let known = Known::with(&[("cs_1", Subject::Payment(asked))]);
    let (links, ..) = applied(platform("checkout.session.completed", &object, &known).await);
    assert_eq!(links, [("pi_1".to_owned(), Subject::Payment(asked))]);
}

#[tokio::test]
async fn sessions_say_paid_processing_failed_and_expired() {
    let none = Known::default();
    let unpaid = json!({ "payment_status": "unpaid" });
    let cases = [
        ("checkout.session.completed", json!({}), 4),
        ("checkout.session.completed", unpaid.clone(), 2),
        ("checkout.session.async_payment_failed", unpaid, 3),
        ("checkout.session.expired", json!({ "status": "expired", "payment_status": "unpaid" }), 1),
    ];
    for (kind, changes, class) in cases {
        let (_, fact) = merged(platform(kind, &paid_session(changes), &none).await);
        let right = match class {
            4 => {
                matches!(&fact.kind, PaymentFactKind::Succeeded { charge: None, intent: Some(_), amount }
                if *amount == Money::new(10_325, Currency::USD))
            }
            3 => matches!(fact.kind, PaymentFactKind::Failed { .. }),
            2 => matches!(fact.kind, PaymentFactKind::Processing),
            _ => matches!(fact.kind, PaymentFactKind::SessionExpired { .. }),
        };
        assert!(right, "{kind}: {:?}", fact.kind);
        assert_eq!((fact.rank.class, fact.rank.created), (class, NOW));
    }
    let free = paid_session(json!({ "payment_status": "no_payment_required" }));
    let translation = platform("checkout.session.completed", &free, &none).await;
    assert_eq!(translation, ignored("no payment required"));
    let subscription = paid_session(json!({ "mode": "subscription" }));
    let translation = platform("checkout.session.completed", &subscription, &none).await;
    assert_eq!(translation, ignored("class A, aggregate not present yet"));
}

#[tokio::test]
async fn the_amount_in_our_own_currency_counts() {
    let object = paid_session(json!({
        "amount_total": 11_000, "currency": "eur",
        "currency_conversion": { "amount_total": 12_000, "source_currency": "usd" },
    }));
    let (_, fact) =
        merged(platform("checkout.session.completed", &object, &Known::default()).await);
    let PaymentFactKind::Succeeded { amount, .. } = fact.kind else { panic!("{:?}", fact.kind) };
    assert_eq!(amount, Money::new(12_000, Currency::USD));
}

#[tokio::test]
async fn a_charge_that_fails_after_it_succeeded_is_reversed() {
    let object = charge(json!({
        "status": "failed", "failure_balance_transaction": "txn_back", "amount_refunded": 40,
    }));
    let (_, commands, wants) = applied(platform("charge.failed", &object, &Known::default()).await);
    let Command::Payment(_, PaymentCommand::MergeFact { fact, .. }) = &commands[0] else {
        panic!()
    };
    assert_eq!(
        fact.kind,
        PaymentFactKind::Reversed {
            charge: "ch_1".into(),
            txn: "txn_back".into(),
            amount: Money::new(60, Currency::USD),
        }
    );
    assert_eq!(wants, [Want::Transaction { txn: "txn_back".into(), account: None, assumed: None }]);
    let plain = charge(json!({ "status": "failed", "failure_code": "card_declined" }));
    let (_, fact) = merged(platform("charge.failed", &plain, &Known::default()).await);
    assert_eq!(fact.kind, PaymentFactKind::Failed { code: "card_declined".into() });
}

#[tokio::test]
async fn an_authorisation_is_not_a_capture() {
    let held = charge(json!({ "captured": false, "amount_captured": 0 }));
    let (_, fact) = merged(platform("charge.succeeded", &held, &Known::default()).await);
    assert!(matches!(fact.kind, PaymentFactKind::Authorized { .. }));
    let (_, lapsed) = merged(platform("charge.expired", &held, &Known::default()).await);
    assert_eq!(lapsed.kind, PaymentFactKind::Canceled { reason: "expired".into() });
    assert!(lapsed.rank > fact.rank);
}

#[tokio::test]
async fn an_expanded_transaction_is_recorded_and_not_asked_for() {
    let expanded = made("balance_transaction", json!({ "id": "txn_1", "exchange_rate": 1.085 }));
    let object = charge(json!({ "balance_transaction": expanded }));
    let (_, commands, wants) =
        applied(platform("charge.succeeded", &object, &Known::default()).await);
    assert_eq!(wants, []);
    let Command::BalanceTransaction(txn, BalanceTransactionCommand::Record(record)) = &commands[1]
    else {
        panic!("{commands:?}")
    };
    assert_eq!((txn, record.provenance), (&TxnRef::from("txn_1"), Provenance::Inline));
    assert_eq!(record.exchange_rate.as_deref(), Some("1.085"));
}

#[tokio::test]
async fn a_refunded_charge_asks_for_its_refunds() {
    let object = charge(json!({}));
    let (.., wants) = applied(platform("charge.refunded", &object, &Known::default()).await);
    assert_eq!(wants, [Want::RefundsOfCharge(ChargeRef::from("ch_1"))]);
}

fn refund(changes: Value) -> Value {
    let mut object = made(
        "refund",
        json!({ "id": "re_1", "charge": "ch_1", "payment_intent": "pi_1", "balance_transaction": "txn_1" }),
    );
    for (field, value) in changes.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

#[tokio::test]
async fn a_refund_of_ours_is_merged_where_its_metadata_says() {
    let ours = RefundId::derived(&["ours"]);
    let metadata =
        json!({ "daybook_tenant": tenant().to_string(), "daybook_refund": ours.to_string() });
    let object = refund(json!({ "metadata": metadata }));
    let (links, commands, wants) =
        applied(platform("refund.created", &object, &Known::default()).await);
    assert_eq!(links, [("re_1".to_owned(), Subject::Refund(ours))]);
    assert!(
        matches!(&commands[0], Command::Refund(id, RefundCommand::MergeFact(_)) if *id == ours)
    );
    let Want::Transaction { assumed: Some(record), .. } = &wants[0] else { panic!("{wants:?}") };
    assert_eq!((record.amount, record.fee, record.net), (-100, 0, -100));
    assert_eq!((record.kind.as_str(), record.source.as_deref()), ("refund", Some("re_1")));
}

#[tokio::test]
async fn a_refund_nobody_asked_for_here_is_observed_and_then_observed_again() {
    let payment = PaymentId::derived(&["known"]);
    let external = RefundId::derived(&[&tenant().to_string(), "re_1"]);
    let known = Known::with(&[("ch_1", Subject::Payment(payment))]);
    for _ in 0..2 {
        let translation = platform("refund.updated", &refund(json!({})), &known).await;
        let Command::Refund(id, RefundCommand::ObserveExternal { payment: of, .. }) =
            only_command(translation)
        else {
            panic!("not observed")
        };
        assert_eq!((id, of), (external, payment));
        // A crash between link and command must not lose the refund.
        known.add("re_1", Subject::Refund(external));
    }
}

#[tokio::test]
async fn a_refund_of_an_unknown_payment_waits_but_its_money_does_not() {
    let translation = platform("refund.created", &refund(json!({})), &Known::default()).await;
    let Translation::Park { by, commands, wants } = translation else { panic!("{translation:?}") };
    assert_eq!((by.as_str(), commands.len(), wants.len()), ("pi_1", 0, 1));
    let without_intent = refund(json!({ "payment_intent": null }));
    let translation = platform("refund.created", &without_intent, &Known::default()).await;
    assert!(matches!(translation, Translation::Park { by, .. } if by == "ch_1"));
}

fn dispute() -> Value {
    let moved = made(
        "balance_transaction",
        json!({
            "id": "txn_d", "type": "adjustment", "reporting_category": "dispute", "amount": -1000,
            "fee": 1500, "net": -2500, "source": null,
        }),
    );
    made(
        "dispute",
        json!({
            "id": "dp_1", "charge": "ch_1", "status": "needs_response",
            "evidence_details": { "due_by": 0 }, "balance_transactions": [moved],
        }),
    )
}

#[tokio::test]
async fn a_dispute_records_its_transactions_at_once_and_waits_for_its_charge() {
    let translation = platform("charge.dispute.created", &dispute(), &Known::default()).await;
    let Translation::Park { by, commands, .. } = translation else { panic!("{translation:?}") };
    assert_eq!(by, "ch_1");
    let Command::BalanceTransaction(_, BalanceTransactionCommand::Record(record)) = &commands[0]
    else {
        panic!("{commands:?}")
    };
    assert_eq!((record.source.as_deref(), record.net), (Some("dp_1"), -2500));

    let payment = PaymentId::derived(&["known"]);
    let known = Known::with(&[("ch_1", Subject::Payment(payment))]);
    let (links, commands, _) =
        applied(platform("charge.dispute.created", &dispute(), &known).await);
    let ours = DisputeId::derived(&[&tenant().to_string(), "dp_1"]);
    assert_eq!(links, [("dp_1".to_owned(), Subject::Dispute(ours))]);
    let Command::Dispute(id, DisputeCommand::MergeFact { payment: of, fact, .. }) = &commands[1]
    else {
        panic!("{commands:?}")
    };
    assert_eq!((*id, *of, fact.rank.class, fact.due_by), (ours, payment, 2, None));
    assert_eq!(fact.movements[0].amount, Money::new(-1000, Currency::USD));
}

#[tokio::test]
async fn transfers_of_ours_and_of_others_are_told_apart() {
    let ours = PayoutId::derived(&["ours"]);
    let known = Known::with(&[(ACCOUNT, Subject::Seller(seller()))]);
    let metadata = json!({ "daybook_payout": ours.to_string() });
    let changes = json!({ "id": "tr_1", "destination": ACCOUNT, "metadata": metadata });
    let (_, commands, wants) =
        applied(platform("transfer.created", &made("transfer", changes), &known).await);
    let Command::Payout(id, PayoutCommand::NoteTransfer { seller: of, .. }) = &commands[0] else {
        panic!("{commands:?}")
    };
    assert_eq!((*id, *of), (ours, Some(seller())));
    let Want::Transaction { assumed: Some(record), .. } = &wants[0] else { panic!("{wants:?}") };
    assert_eq!(record.counterpart, Some(ACCOUNT.into()));
    assert_eq!((record.kind.as_str(), record.amount), ("transfer", -1100));

    let foreign = made("transfer", json!({ "id": "tr_2", "destination": "acct_unknown" }));
    let (_, commands, _) = applied(platform("transfer.created", &foreign, &known).await);
    let expected = PayoutId::derived(&[&tenant().to_string(), "tr_2"]);
    assert!(matches!(
        commands[0],
        Command::Payout(id, PayoutCommand::NoteTransfer { seller: None, .. }) if id == expected
    ));
}

#[tokio::test]
async fn each_reversal_of_a_transfer_is_noted() {
    let reversal = |id: &str| made("transfer_reversal", json!({ "id": id, "amount": 100 }));
    let object = made(
        "transfer",
        json!({
            "id": "tr_1", "destination": ACCOUNT,
            "reversals": { "data": [reversal("trr_2"), reversal("trr_1")], "has_more": false },
        }),
    );
    let (links, commands, _) =
        applied(platform("transfer.reversed", &object, &Known::default()).await);
    assert_eq!(commands.len(), 3);
    let linked: Vec<&str> = links.iter().map(|(object, _)| object.as_str()).collect();
    assert_eq!(linked, ["tr_1", "trr_2", "trr_1"]);
}

#[tokio::test]
async fn payouts_are_the_sellers_or_the_platforms() {
    let known = Known::with(&[(ACCOUNT, Subject::Seller(seller()))]);
    let object = made(
        "payout",
        json!({ "id": "po_1", "status": "failed",
        "failure_balance_transaction": "txn_back" }),
    );
    let (_, commands, wants) = applied(connected("payout.failed", &object, &known).await);
    let Command::Payout(id, PayoutCommand::MergeFact { fact, .. }) = &commands[0] else { panic!() };
    assert_eq!(*id, PayoutId::derived(&[&tenant().to_string(), "po_1"]));
    assert_eq!((fact.seller, fact.rank.class), (Some(seller()), 2));
    let amounts: Vec<i64> = wants
        .iter()
        .map(|want| match want {
            Want::Transaction { assumed: Some(record), account: Some(_), .. } => record.amount,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(amounts, [-1100, 1100]);

    let (_, commands, _) = applied(platform("payout.paid", &object, &known).await);
    assert!(matches!(&commands[0], Command::Payout(_, PayoutCommand::MergeFact { fact, .. })
        if fact.account.is_none() && fact.seller.is_none()));
}

#[tokio::test]
async fn a_payout_whose_transactions_can_be_listed_wants_them() {
    let known = Known::with(&[(ACCOUNT, Subject::Seller(seller()))]);
    let object = made("payout", json!({ "id": "po_1", "status": "paid", "automatic": true }));
    let wanted = async |kind: &str| {
        let (_, _, wants) = applied(connected(kind, &object, &known).await);
        wants.iter().map(|want| want.fetch().to_string()).collect::<Vec<_>>()
    };
    let list = format!("fetch payout po_1 of {ACCOUNT}");
    assert!(wanted("payout.reconciliation_completed").await.contains(&list));
    assert!(!wanted("payout.paid").await.contains(&list));
    let ours = platform("payout.reconciliation_completed", &object, &known).await;
    let (payout, account) = ("po_1".into(), None);
    assert!(applied(ours).2.contains(&Want::TransactionsOfPayout { payout, account }));
}

#[tokio::test]
async fn nothing_of_an_unknown_account_is_booked_before_it_is_known() {
    for (kind, object) in [
        ("payout.paid", fixture("payout")),
        ("account.updated", fixture("account")),
        ("charge.dispute.created", dispute()),
    ] {
        let translation = connected(kind, &object, &Known::default()).await;
        let Translation::Park { by, commands, wants } = translation else {
            panic!("{translation:?}")
        };
        assert_eq!((by.as_str(), commands.len(), wants.len()), (ACCOUNT, 0, 0), "{kind}");
    }
}

#[tokio::test]
async fn a_sellers_own_charges_only_move_his_own_balance() {
    let known = Known::with(&[(ACCOUNT, Subject::Seller(seller()))]);
    let object = charge(json!({ "balance_transaction": "txn_1" }));
    let (links, commands, wants) = applied(connected("charge.succeeded", &object, &known).await);
    assert_eq!((links.len(), commands.len()), (0, 0));
    assert!(matches!(&wants[0], Want::Transaction { account: Some(account), .. }
        if account.as_str() == ACCOUNT));
    let paid = paid_session(json!({}));
    let translation = connected("checkout.session.completed", &paid, &known).await;
    assert_eq!(translation, ignored("a connected account's own payment"));
}

#[tokio::test]
async fn news_of_an_account_reach_its_seller() {
    let known = Known::with(&[(ACCOUNT, Subject::Seller(seller()))]);
    let object = made(
        "account",
        json!({
            "id": ACCOUNT, "charges_enabled": true, "payouts_enabled": true, "details_submitted": true,
            "capabilities": { "transfers": "active" }, "requirements": { "disabled_reason": null },
        }),
    );
    let Command::SellerAccount(of, SellerAccountCommand::MergeStatus { flags, .. }) =
        only_command(connected("account.updated", &object, &known).await)
    else {
        panic!("not merged")
    };
    assert_eq!(of, seller());
    assert!(flags.transfers_active && flags.disabled_reason.is_none());

    let errored = made("bank_account", json!({ "id": "ba_1", "status": "errored" }));
    for (kind, expected) in [
        ("account.external_account.updated", BankAccountFact::Errored),
        ("account.external_account.deleted", BankAccountFact::Removed),
    ] {
        let Command::SellerAccount(_, SellerAccountCommand::MergeBankAccount { fact, .. }) =
            only_command(connected(kind, &errored, &known).await)
        else {
            panic!("not merged")
        };
        assert_eq!(fact, expected);
    }
    let other = fixture("capability");
    assert_eq!(
        connected("capability.updated", &other, &known).await,
        ignored("only the transfers capability matters")
    );
}

#[tokio::test]
async fn application_fees_find_their_payment_once() {
    let fee = made("application_fee", json!({ "id": "fee_1", "charge": "ch_1" }));
    let (links, commands, _) =
        applied(platform("application_fee.created", &fee, &Known::default()).await);
    let direct = derived_payment("ch_1");
    assert_eq!(links, [("fee_1".to_owned(), Subject::Payment(direct))]);
    assert!(matches!(commands[0], Command::Payment(id, _) if id == direct));

    // Known under one payment, it stays there, although its charge has another now.
    let known = Known::with(&[
        ("fee_1", Subject::Payment(direct)),
        ("ch_1", Subject::Payment(PaymentId::derived(&["later"]))),
    ]);
    let (_, commands, _) = applied(platform("application_fee.refunded", &fee, &known).await);
    assert!(matches!(commands[0], Command::Payment(id, _) if id == direct));

    let destination = made("application_fee", json!({ "originating_transaction": "ch_platform" }));
    let translation = platform("application_fee.created", &destination, &Known::default()).await;
    assert!(matches!(translation, Translation::Park { by, .. } if by == "ch_platform"));
}

#[tokio::test]
async fn messages_about_one_payment_share_a_lane() {
    let translator = StripeTranslator::new();
    let lane = |kind: &str, object: &Value| translator.lane(&info(kind), &body(object));
    let intent = made("payment_intent", json!({ "id": "pi_1" }));
    assert_eq!(lane("payment_intent.succeeded", &intent), "pi_1");
    assert_eq!(lane("charge.succeeded", &charge(json!({}))), "pi_1");
    assert_eq!(lane("checkout.session.completed", &paid_session(json!({}))), "pi_1");
    assert_eq!(lane("refund.created", &refund(json!({}))), "pi_1");
    assert_eq!(lane("payout.paid", &made("payout", json!({ "id": "po_1" }))), "po_1");
    let seller = ReceivedInfo { account: Some(ACCOUNT.into()), ..info("capability.updated") };
    assert_eq!(translator.lane(&seller, &body(&fixture("capability"))), ACCOUNT);
    assert_eq!(translator.lane(&info("charge.succeeded"), b"rubbish"), "evt_1");
}

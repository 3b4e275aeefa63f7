//! What the API answers to whom, over a small house.

mod reports;

use actix_web::test::TestRequest;
use aggregates::{
    api_key::events::Role,
    dispute::{
        Dispute,
        commands::{DisputeCommand, DisputeFact},
    },
    order::{Order, commands::OrderCommand},
    seller_account::{SellerAccount, commands::SellerAccountCommand},
    vocabulary::FactRank,
};
use engine::export::{Manifest, verify};
use kernel::{Currency, DisputeId, Money, OrderId, PaymentId, SellerId, SubjectRef};
use serde_json::{Value as Json, json};

use super::catalogue::{DISPUTE_OF_SELLER, LISTS, ORDER_OF_SELLER};
use crate::{
    Limits,
    dashboard::{
        samples::HOSTILE,
        tests::house::{Answer, House},
    },
    secrets::KeySecret,
};

mod adjusting;

const STAFF: [Role; 4] = [Role::PlatformAdmin, Role::FinanceOps, Role::Support, Role::Auditor];

async fn house() -> House {
    House::build(Limits::default()).await
}

fn with_key(request: TestRequest, key: &KeySecret) -> TestRequest {
    request.insert_header(("Authorization", format!("Bearer {}", key.reveal())))
}

async fn get(house: &House, key: &KeySecret, path: &str) -> Answer {
    house.call(with_key(TestRequest::get().uri(path), key)).await
}

async fn post(house: &House, key: &KeySecret, path: &str, body: Json) -> Answer {
    house.call(with_key(TestRequest::post().uri(path), key).set_json(body)).await
}

async fn read(house: &House, key: &KeySecret, path: &str) -> Json {
    let answer = get(house, key, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn ids(page: &Json, column: &str) -> Vec<String> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| row[column].as_str().unwrap().to_owned()).collect()
}

/// Another paid order, of one thing of this seller's.
async fn order_of(house: &House, seller: SellerId, reference: &str) -> OrderId {
    let admin = house.key(Role::PlatformAdmin, None).await;
    let order = json!({
        "reference": reference, "currency": "USD", "buyer": { "account": "cust-1" },
        "lines": [{
            "listing": "bowl", "title": "A bowl", "seller": seller, "quantity": 1,
            "unit_price": 1000, "fee_bps": 1000,
            "amounts": { "list": 1000, "discount": 0, "item": 1000, "shipping": 0, "tax": 0,
                "fee": 100, "seller_net": 900, "total": 1000 },
        }],
        "totals": { "goods": 1000, "discount": 0, "shipping": 0, "tax": 0, "total": 1000,
            "fee": 100, "seller_net": 900 },
    });
    let answer = post(house, &admin, "/v1/orders", order).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let placed: Json = serde_json::from_str(&answer.body).unwrap();
    house.settle().await;
    placed["id"].as_str().unwrap().parse().unwrap()
}

/// The bank of the order's buyer asks for the money back.
async fn dispute_over(house: &House, order: OrderId, name: &str) -> DisputeId {
    let confirm = OrderCommand::ConfirmPayment {
        payment: PaymentId::derived(&[name]),
        charge: name.into(),
        received: Money::new(1000, Currency::USD),
        occurred_at: "2026-03-10T12:01:00Z".parse().unwrap(),
    };
    house.send::<Order>(order, confirm).await;
    let dispute = DisputeId::derived(&[name]);
    let amount = Money::new(1000, Currency::USD);
    let fact = DisputeFact {
        stripe_dispute: name.into(),
        charge: name.into(),
        rank: FactRank { class: 2, created: 1, event: "evt_1".into() },
        status: "needs_response".to_owned(),
        amount,
        reason: "fraudulent".to_owned(),
        network: None,
        due_by: Some("2026-03-20T12:00:00Z".parse().unwrap()),
        charge_refundable: false,
        movements: vec![],
        occurred_at: "2026-03-11T12:00:00Z".parse().unwrap(),
    };
    let payment = PaymentId::derived(&[name]);
    let merge = DisputeCommand::MergeFact { dispute, payment, fact: Box::new(fact) };
    house.send::<Dispute>(dispute, merge).await;
    let apply = OrderCommand::ApplyDispute { dispute, amount, inquiry: false };
    house.send::<Order>(order, apply).await;
    house.settle().await;
    dispute
}

#[actix_web::test]
async fn what_is_sealed_is_opened_for_those_who_may_see_it_and_left_out_for_others() {
    let house = house().await;
    let (order, _) = house.guest_order().await;
    for role in STAFF {
        let key = house.key(role, None).await;
        let seller = read(&house, &key, &format!("/v1/sellers/{}", house.ada)).await;
        let row = read(&house, &key, &format!("/v1/orders/{order}")).await;
        let sellers = read(&house, &key, "/v1/sellers").await;
        let orders = read(&house, &key, "/v1/orders").await;
        if role == Role::Auditor {
            for (row, column) in [(&seller, "name"), (&sellers["data"][0], "name")] {
                assert!(row.get(column).is_none(), "{row}");
            }
            for row in [&row, &orders["data"][0]] {
                assert!(row.get("guest_email").is_none(), "{row}");
            }
        } else {
            assert_eq!(
                (&seller["name"], &sellers["data"][1]["name"]),
                (&json!(HOSTILE), &json!(HOSTILE))
            );
            assert_eq!(row["guest_email"], "guest@example.com");
            assert_eq!(orders["data"][0]["guest_email"], "guest@example.com");
        }
    }
    let own = house.key(Role::SellerViewer, Some(house.ada)).await;
    assert_eq!(read(&house, &own, "/v1/sellers").await["data"][0]["name"], HOSTILE);
    let partner = house.partner(&["orders:read", "sellers:read"]).await;
    let seen = get(&house, &partner, "/v1/sellers").await.body
        + &get(&house, &partner, "/v1/orders").await.body;
    assert!(!seen.contains("guest_email") && !seen.contains("\"name\""), "{seen}");
}

#[actix_web::test]
async fn what_is_erased_is_null() {
    let house = house().await;
    let seller = SellerId::derived(&["gone"]);
    // Sealed under a key that nobody keeps.
    let sealer = house.api.engine.sealer();
    let (name, _) = sealer.seal_body(house.tenant, "gone", b"Wanda Wool").unwrap();
    let register = SellerAccountCommand::Register {
        seller,
        reference: "gone".to_owned(),
        subject: SubjectRef::derived(&["gone"]),
        name,
        organizer: None,
    };
    house.send::<SellerAccount>(seller, register).await;
    house.settle().await;
    let admin = house.key(Role::PlatformAdmin, None).await;
    let row = read(&house, &admin, &format!("/v1/sellers/{seller}")).await;
    assert_eq!((&row["name"], &row["reference"]), (&Json::Null, &json!("gone")));
}

#[actix_web::test]
async fn no_list_hands_out_ciphertext_to_anybody() {
    let house = house().await;
    let (order, _) = house.guest_order().await;
    let mut keys = vec![house.key(Role::SellerOwner, Some(house.ada)).await];
    for role in STAFF {
        keys.push(house.key(role, None).await);
    }
    for list in LISTS {
        let path = list.path.replace("{order}", &order.to_string());
        let path = path.replace("{seller}", &house.ada.to_string());
        for key in &keys {
            let answer = get(&house, key, &path).await;
            assert!([200, 403, 404].contains(&answer.status), "{path}: {}", answer.body);
            assert!(!answer.body.contains("ciphertext"), "{path}: {}", answer.body);
        }
    }
}

#[actix_web::test]
async fn a_seller_pages_through_the_orders_that_hold_his_lines() {
    let house = house().await;
    let (both, _) = house.guest_order().await;
    let bens = order_of(&house, house.ben, "B-1").await;
    let adas = order_of(&house, house.ada, "A-1").await;
    let ada = house.key(Role::SellerViewer, Some(house.ada)).await;
    let ben = house.key(Role::SellerViewer, Some(house.ben)).await;

    let mut expected = vec![both.to_string(), adas.to_string()];
    expected.sort();
    let mut found = ids(&read(&house, &ada, "/v1/orders").await, "order_id");
    found.sort();
    assert_eq!(found, expected);

    let (mut path, mut paged) = ("/v1/orders?limit=1".to_owned(), Vec::new());
    loop {
        let page = read(&house, &ben, &path).await;
        paged.extend(ids(&page, "order_id"));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(page["data"].as_array().unwrap().len(), 1);
        path = format!("/v1/orders?limit=1&cursor={cursor}");
    }
    let all = ids(&read(&house, &ben, "/v1/orders").await, "order_id");
    assert_eq!((paged.len(), &paged), (2, &all));

    let narrowed = |query: &str| format!("/v1/orders?{query}");
    for (query, count) in [
        ("reference=A-1", 1),
        ("reference=B-1", 0),
        ("status=confirmed", 1),
        ("placed_at.from=2026-03-10T00:00:00Z", 2),
        ("placed_at.before=2026-03-10T00:00:00Z", 0),
    ] {
        let page = read(&house, &ada, &narrowed(query)).await;
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(page["next_cursor"], Json::Null);
    }
    assert_eq!(get(&house, &ada, &format!("/v1/orders/{bens}")).await.status, 404);
    assert_eq!(get(&house, &ada, &format!("/v1/orders/{}", OrderId::mint())).await.status, 404);
}

#[actix_web::test]
async fn a_seller_sees_neither_the_buyer_nor_what_others_earn() {
    let house = house().await;
    let (order, _) = house.guest_order().await;
    let ada = house.key(Role::SellerOwner, Some(house.ada)).await;
    let one = read(&house, &ada, &format!("/v1/orders/{order}")).await;
    let page = read(&house, &ada, "/v1/orders").await;
    assert_eq!(one, page["data"][0]);
    assert_eq!((&one["reference"], &one["status"]), (&json!("R-1"), &json!("confirmed")));
    let mut expected = ORDER_OF_SELLER.to_vec();
    expected.sort_unstable();
    let mut names: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    for path in ["/v1/payments", "/v1/journal", "/v1/work-items", "/v1/alarms", "/v1/audit"] {
        assert_eq!(get(&house, &ada, path).await.status, 403, "{path}");
    }
}

#[actix_web::test]
async fn an_account_that_stays_open_is_an_alarm_when_its_time_is_up() {
    let house = house().await;
    house.guest_order().await;
    let admin = house.key(Role::PlatformAdmin, None).await;
    let violated = |standings: &Json| -> Vec<String> {
        let all = standings["data"].as_array().unwrap().iter();
        let broken = all.filter(|one| one["verdict"] == "violated");
        broken.map(|one| one["invariant"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&read(&house, &admin, "/v1/alarms").await, "subject"), [""; 0]);
    let standings = read(&house, &admin, "/v1/invariants").await;
    assert_eq!((standings["data"].as_array().unwrap().len(), violated(&standings)), (18, vec![]));

    // Stripe's side of the charge never came.
    let later = json!({ "to": "2026-06-01T00:00:00Z" });
    assert_eq!(post(&house, &admin, "/v1/test-clock", later).await.status, 200);
    house.settle().await;
    let alarms = read(&house, &admin, "/v1/alarms?invariant=I5&state=open").await;
    assert_eq!(ids(&alarms, "subject"), ["assets:clearing:stripe:charge:ch_1 USD"]);
    assert_eq!(
        (&alarms["data"][0]["amount"], &alarms["data"][0]["count"]),
        (&json!(6000), &json!(1))
    );
    assert_eq!(violated(&read(&house, &admin, "/v1/invariants").await), ["I5"]);
    let page = house.visit(&admin, "/dashboard/alarms").await.body;
    let event = format!("/dashboard/events/{}", alarms["data"][0]["entries"].as_str().unwrap());
    assert!(page.contains(&event) && page.contains("60.00 USD have not arrived"), "{page}");
}

#[actix_web::test]
async fn a_seller_sees_the_disputes_over_his_orders() {
    let house = house().await;
    let adas = order_of(&house, house.ada, "A-1").await;
    let bens = order_of(&house, house.ben, "B-1").await;
    let (his, others) =
        (dispute_over(&house, adas, "dp_1").await, dispute_over(&house, bens, "dp_2").await);
    let admin = house.key(Role::PlatformAdmin, None).await;
    assert_eq!(ids(&read(&house, &admin, "/v1/disputes").await, "dispute").len(), 2);
    let ada = house.key(Role::SellerManager, Some(house.ada)).await;
    let page = read(&house, &ada, "/v1/disputes").await;
    assert_eq!(ids(&page, "dispute"), [his.to_string()]);
    assert_eq!((&page["data"][0]["order_id"], &page["next_cursor"]), (&json!(adas), &Json::Null));
    let mut expected = DISPUTE_OF_SELLER.to_vec();
    expected.sort_unstable();
    let one = read(&house, &ada, &format!("/v1/disputes/{his}")).await;
    let mut names: Vec<_> = one.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(get(&house, &ada, &format!("/v1/disputes/{others}")).await.status, 404);
    assert_eq!(ids(&read(&house, &ada, "/v1/disputes?status=won").await, "dispute").len(), 0);
}

#[actix_web::test]
async fn the_time_zone_can_be_changed_by_an_admin() {
    let house = house().await;
    let admin = house.key(Role::PlatformAdmin, None).await;
    let body = json!({ "time_zone": "America/New_York" });
    assert_eq!(post(&house, &admin, "/v1/time-zone", body.clone()).await.status, 200);
    assert_eq!(read(&house, &admin, "/v1/policy").await["time_zone"], "America/New_York");
    let moon =
        post(&house, &admin, "/v1/time-zone", json!({ "time_zone": "Moon/Copernicus" })).await;
    assert_eq!(moon.status, 422, "{}", moon.body);
    assert!(moon.body.contains("tenant.time_zone_unknown"), "{}", moon.body);
    let finance = house.key(Role::FinanceOps, None).await;
    assert_eq!(post(&house, &finance, "/v1/time-zone", body).await.status, 403);
}

#[actix_web::test]
async fn an_export_agrees_with_its_manifest() {
    let house = house().await;
    house.guest_order().await;
    let auditor = house.key(Role::Auditor, None).await;
    house.settle().await;
    let whole = get(&house, &auditor, "/v1/export").await;
    let through = whole.header("daybook-through").to_owned();
    // Asking with the same position proves the same lines, whatever was recorded since.
    order_of(&house, house.ada, "A-1").await;
    let path = format!("/v1/export/manifest?through={through}");
    let manifest: Manifest = serde_json::from_value(read(&house, &auditor, &path).await).unwrap();
    let verified = verify(whole.body.as_bytes(), &manifest, &mut |_| {}).unwrap();
    assert_eq!((manifest.through.to_string(), verified.count), (through, manifest.count));
    assert_eq!(manifest.tenant, Some(house.tenant));

    let part = get(&house, &auditor, "/v1/export?through=3").await;
    assert_eq!((part.body.lines().count(), part.header("daybook-through")), (3, "3"));
    for path in ["/v1/export?through=100000", "/v1/export/manifest?through=100000"] {
        let beyond = get(&house, &auditor, path).await;
        assert_eq!(beyond.status, 400, "{}", beyond.body);
        assert!(beyond.body.contains("does not exist yet"), "{}", beyond.body);
    }
    let support = house.key(Role::Support, None).await;
    for path in ["/v1/export", "/v1/export/manifest"] {
        assert_eq!(get(&house, &support, path).await.status, 403);
    }
}

#[actix_web::test]
async fn the_books_are_sent_as_accounting_programs_read_them() {
    let house = house().await;
    house.guest_order().await;
    let auditor = house.key(Role::Auditor, None).await;
    house.settle().await;
    for (format, kind, mention) in [
        ("hledger", "text/plain; charset=utf-8", "; Daybook's journal"),
        ("ledger", "text/plain; charset=utf-8", "\ntag event-id\n"),
        ("beancount", "text/plain; charset=utf-8", "option \"title\""),
        ("csv", "text/csv; charset=utf-8", "date,journal_id,line,book,account"),
    ] {
        let sent = get(&house, &auditor, &format!("/v1/books?format={format}")).await;
        assert_eq!((sent.status, sent.header("content-type")), (200, kind), "{}", sent.body);
        assert!(sent.body.contains(mention), "{}", sent.body);
        assert!(sent.header("daybook-through").parse::<u64>().unwrap() > 0);
    }
    for (query, mention) in [
        ("format=abacus", "is not a format"),
        ("format=parquet", "Parquet is not a text"),
        ("format=csv&from=March", "is not a day"),
        ("format=csv&through=100000", "does not exist yet"),
    ] {
        let refused = get(&house, &auditor, &format!("/v1/books?{query}")).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains(mention), "{}", refused.body);
    }
    let support = house.key(Role::Support, None).await;
    assert_eq!(get(&house, &support, "/v1/books?format=csv").await.status, 403);
}

#[actix_web::test]
async fn the_log_says_what_it_promises_to_an_admin() {
    let house = house().await;
    let admin = house.key(Role::PlatformAdmin, None).await;
    let told = read(&house, &admin, "/v1/guarantees").await;
    assert_eq!(told["log"], json!(house.api.engine.log().log_id()));
    assert_eq!(told["guarantees"]["durability"], "memory");
    let auditor = house.key(Role::Auditor, None).await;
    assert_eq!(get(&house, &auditor, "/v1/guarantees").await.status, 403);
}

#[actix_web::test]
async fn a_figure_has_a_name_a_day_and_an_explanation_that_ends_in_it() {
    let house = house().await;
    house.guest_order().await;
    let key = house.key(Role::FinanceOps, None).await;
    let catalogue = read(&house, &key, "/v1/figures").await;
    let figures = catalogue["figures"].as_array().unwrap();
    assert!(figures.iter().any(|figure| figure["name"] == "seller_pending"));

    let ada = house.ada;
    let whole = read(&house, &key, &format!("/v1/figures/seller_pending?seller={ada}")).await;
    assert_eq!(whole["amounts"][0]["minor"], 2700, "{whole}");
    let before = format!("/v1/figures/seller_pending?seller={ada}&as_of=2001-01-01");
    let before = read(&house, &key, &before).await;
    assert_eq!(before["amounts"], json!([]), "nothing had taken effect");
    let unknown = format!("/v1/figures/seller_pending?seller={ada}&known_at=1");
    let unknown = read(&house, &key, &unknown).await;
    assert_eq!((&unknown["known_at"], &unknown["amounts"]), (&json!(1), &json!([])));
    let all = read(&house, &key, "/v1/balance?account=liabilities:seller:*:pending").await;
    assert!(all["amounts"][0]["minor"].as_i64() >= Some(2700), "{all}");
    for wrong in [
        "/v1/balance?account=assets:nothing",
        "/v1/balance",
        "/v1/figures/gross?as_of=yesterday",
        "/v1/figures/gross?as_of=2026-01-01&to=2026-02-01",
        "/v1/explain?currency=USD",
    ] {
        assert_eq!(get(&house, &key, wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(get(&house, &key, "/v1/figures/wealth").await.status, 404);

    for figure in ["gross", "fees", "net", "seller_total", "commission_gross", "paid_by_buyers"] {
        let named = read(&house, &key, &format!("/v1/figures/{figure}?currency=USD")).await;
        let path = format!("/v1/explain?figure={figure}&currency=USD");
        let explained = read(&house, &key, &path).await;
        assert_eq!(explained["minor"], named["amounts"][0]["minor"], "{figure}");
        let last = explained["lines"].as_array().unwrap().last().unwrap();
        assert_eq!(last["running"], explained["minor"], "{figure}");
        assert!(last["causes"][0]["event_type"].is_string(), "{figure}");
        let page = format!("/dashboard/explain?figure={figure}&currency=USD");
        assert_eq!(house.visit(&key, &page).await.status, 200, "{figure}");
    }
    let old = read(&house, &key, &format!("/v1/explain?seller={ada}&currency=USD")).await;
    assert_eq!((&old["part"], &old["opening"]), (&json!("total"), &json!(0)));

    let trial = read(&house, &key, "/v1/trial-balance?as_of=2100-01-01").await;
    assert!(trial["totals"].as_array().unwrap().iter().all(|total| total["balanced"] == true));
    let changed = read(&house, &key, "/v1/restatement?first=1").await;
    assert!(changed["lines"].as_u64() > Some(3), "{changed}");
}

#[actix_web::test]
async fn a_seller_asks_for_his_own_figures_only() {
    let house = house().await;
    house.guest_order().await;
    let key = house.key(Role::SellerOwner, Some(house.ada)).await;
    let own = read(&house, &key, "/v1/figures/seller_pending").await;
    assert_eq!(own["amounts"][0]["minor"], 2700, "{own}");
    let anothers = format!("/v1/figures/seller_pending?seller={}", house.ben);
    assert_eq!(get(&house, &key, &anothers).await.status, 404);
    for ours in [
        "/v1/figures/commission_gross",
        "/v1/balance?account=assets:stripe:balance",
        "/v1/explain?account=assets:stripe:balance&currency=USD",
        "/v1/restatement?first=1",
        "/v1/trial-balance?as_of=2100-01-01",
    ] {
        assert_eq!(get(&house, &key, ours).await.status, 403, "{ours}");
    }
    let catalogue = read(&house, &key, "/v1/figures").await;
    let mut shown = catalogue["figures"].as_array().unwrap().iter();
    assert!(shown.all(|figure| figure["for_sellers"] == true));
}

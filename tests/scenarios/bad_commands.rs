//! What is refused: with a typed reason, changing nothing, and on the record.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Caller, Daybook, House, Settings, goods};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_figure_is_named_with_the_right_one_and_the_difference() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let mut wrong = goods::order(&seller.id, &[10_000]);
    wrong["lines"][0]["amounts"]["fee"] = json!(999);
    wrong["lines"][0]["amounts"]["seller_net"] = json!(9_001);
    let before = state(&house).await;
    let detail = house.admin().post("/v1/orders", wrong).await.problem(422, "order.price_mismatch");
    assert_eq!(detail, "lines[0].fee should be 1000, not 999 (difference -1 minor units)");
    assert_eq!(state(&house).await, before, "nothing changed");

    let row = last_rejection(&house).await;
    assert!(row["summary"].as_str().unwrap().contains("order.price_mismatch"), "{row}");
    assert_eq!(row["actor_kind"], "api_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_of_an_order_has_a_code_of_its_own() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let body = json!({ "reference": "willow", "name": "Willow & Sons" });
    let stranger = house.admin().post("/v1/sellers", body).await.id();
    let good = || goods::order(&seller.id, &[10_000]);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut order = good();
        change(&mut order);
        order
    };
    let cases = [
        (with(&|order| order["lines"] = json!([])), 422, "order.empty_order"),
        (with(&|order| order["lines"][0]["quantity"] = json!(0)), 422, "order.invalid_line"),
        (
            with(&|order| order["lines"][0]["shippable"] = json!(true)),
            422,
            "order.address_required",
        ),
        (with(&|order| order["totals"]["total"] = json!(1)), 422, "order.price_mismatch"),
        (
            with(&|order| order["pay_by"] = json!("2001-01-01T00:00:00Z")),
            409,
            "order.pay_by_out_of_bounds",
        ),
        (goods::order(&seller.id, &[10]), 422, "order.amount_below_processor_minimum"),
        (goods::order(&stranger, &[10_000]), 409, "order.seller_not_ready"),
    ];
    let before = house.admin().rows("/v1/orders").await.len();
    for (order, status, code) in cases {
        house.admin().post("/v1/orders", order).await.problem(status, code);
    }
    house.settle().await;
    assert_eq!(house.admin().rows("/v1/orders").await.len(), before);
    let refused = house.admin().rows("/v1/audit?category=rejection").await;
    assert_eq!(refused.len(), 7, "each of them is on the record");

    let placed = house.place(good()).await;
    let early =
        json!({ "shipment": "s1", "lines": [{ "line": 0, "quantity": 1 }], "carrier": "EP" });
    let early = house.admin().post(&format!("/v1/orders/{placed}/shipments"), early).await;
    early.problem(409, "order.not_paid");
    let owed = json!({ "line": 0, "reason": "broken" });
    let owed = house.admin().post(&format!("/v1/orders/{placed}/refunds"), owed).await;
    owed.problem(409, "order.not_paid");
    let payout = format!("/v1/sellers/{}/payouts", seller.id);
    let payout = house.admin().post(&payout, json!({ "currency": "USD", "amount": 1 })).await;
    assert_eq!(payout.status, 409, "{}", payout.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_malformed_and_says_where() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let with = |field: &str, value: Value| {
        let mut order = goods::order(&seller.id, &[10_000]);
        order[field] = value;
        order
    };
    let cases = [
        (with("currency", json!("XYZ")), "XYZ"),
        (with("colour", json!("red")), "unknown field `colour`"),
        (with("shipping", json!(1.5)), "1.5"),
        (with("buyer", json!({ "guest_email": "nobody" })), "guest_email"),
        (with("lines", json!([{ "listing": "x" }])), "missing field"),
    ];
    let before = position(&house).await;
    for (order, part) in cases {
        let detail = house.admin().post("/v1/orders", order).await;
        let detail = detail.problem(400, "request.malformed");
        assert!(detail.contains(part), "{detail}");
    }
    let broken = house.admin().send(Method::POST, "/v1/orders", Some("{".to_owned()), &[]).await;
    broken.problem(400, "request.malformed");
    let large = format!("{{\"reference\": \"{}\"}}", "x".repeat(1 << 20));
    let large = house.admin().send(Method::POST, "/v1/orders", Some(large), &[]).await;
    large.problem(413, "request.too_large");
    for path in
        ["/v1/orders?limit=0", "/v1/orders?colour=red", "/v1/orders?cursor=x", "/v1/orders?after=x"]
    {
        house.admin().get(path).await.problem(400, "request.malformed");
    }
    house.admin().get("/v1/nothing").await.problem(404, "not_found");
    house.admin().get("/v1/orders/ord_not-an-id").await.problem(404, "not_found");
    assert_eq!(position(&house).await, before, "noise is counted, not recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_is_one_and_another_under_its_key_is_refused() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = goods::order(&seller.id, &[10_000]);
    let first = house.admin().post_as("cart-1", "/v1/orders", order.clone()).await.json();
    let second = house.admin().post_as("cart-1", "/v1/orders", order.clone()).await.json();
    assert_eq!((&first["replayed"], &second["replayed"]), (&false.into(), &true.into()));
    for field in ["id", "position", "status", "expires_at", "stripe"] {
        assert_eq!(first[field], second[field], "{field}");
    }
    let other = goods::order(&seller.id, &[20_000]);
    let reused = house.admin().post_as("cart-1", "/v1/orders", other).await;
    reused.problem(422, "idempotency_key.reused");
    let third = house.admin().post_as("cart-2", "/v1/orders", order).await.json();
    assert_ne!(first["id"], third["id"], "the same goods under another key are another order");
    house.settle().await;
    assert_eq!(house.admin().rows("/v1/orders").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_sees_what_is_his_and_nothing_of_anybody_elses() {
    let house = House::open().await;
    let (mine, other) = (house.seller("walnut").await, house.seller("willow").await);
    house.paid(goods::order(&mine.id, &[10_000])).await;
    let others_order = house.paid(goods::order(&other.id, &[20_000])).await;
    for role in ["seller_owner", "seller_manager", "seller_viewer"] {
        let seller = house.holder(role, Some(&mine)).await;
        for list in ["/v1/order-lines", "/v1/earnings", "/v1/balances", "/v1/sellers"] {
            let rows = seller.rows(list).await;
            assert!(!rows.is_empty(), "{list}");
            assert!(rows.iter().all(|row| row["seller"] == mine.id.as_str()), "{list}: {rows:?}");
        }
        // Another's is answered like one that does not exist.
        let path = format!("/v1/sellers/{}", other.id);
        seller.get(&path).await.problem(404, "not_found");
        assert_eq!(seller.rows(&format!("{path}/balances")).await, Vec::<Value>::new());
        assert_eq!(seller.rows(&format!("{path}/entries")).await, Vec::<Value>::new());
        let explain = format!("/v1/explain?seller={}&currency=USD", other.id);
        seller.get(&explain).await.problem(404, "not_found");
        let shipment =
            json!({ "shipment": "s", "lines": [{ "line": 0, "quantity": 1 }], "carrier": "EP" });
        let shipped = seller.post(&format!("/v1/orders/{others_order}/shipments"), shipment).await;
        assert_eq!(shipped.status, if role == "seller_viewer" { 403 } else { 404 });
        for books in ["/v1/journal", "/v1/trial-balance", "/v1/audit", "/v1/keys", "/v1/payments"] {
            seller.get(books).await.problem(403, "permission.denied");
        }
        let payout = format!("/v1/sellers/{}/payouts", other.id);
        let payout = seller.post(&payout, json!({ "currency": "USD" })).await;
        assert_eq!(payout.status, if role == "seller_owner" { 404 } else { 403 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_everything_and_writes_nothing() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    let auditor = house.holder("auditor", None).await;
    for path in ["/v1/journal", "/v1/trial-balance", "/v1/audit", "/v1/orders", "/v1/balances"] {
        auditor.read(path).await;
    }
    let before = position(&house).await;
    let writes = [
        ("/v1/orders".to_owned(), goods::order(&seller.id, &[10_000])),
        (format!("/v1/orders/{order}/refunds"), json!({ "line": 0, "reason": "x" })),
        (format!("/v1/orders/{order}/cancel"), json!({ "reason": "x" })),
        (format!("/v1/sellers/{}/payouts", seller.id), json!({ "currency": "USD" })),
        ("/v1/sellers".to_owned(), json!({ "reference": "x", "name": "x" })),
        ("/v1/keys".to_owned(), json!({ "name": "x", "role": "platform_admin" })),
        ("/v1/test-clock".to_owned(), json!({ "to": "2030-01-01T00:00:00Z" })),
    ];
    for (path, body) in writes {
        let answer = auditor.post(&path, body).await;
        answer.problem(403, "permission.denied");
    }
    assert_eq!(position(&house).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_nothing_before_it_exists_and_nothing_after_it_is_revoked() {
    let daybook = Daybook::start(Settings::default()).await;
    daybook.stranger().get("/v1/orders").await.problem(401, "authentication.required");
    let secret = daybook.admin().secret().unwrap().to_owned();
    assert!(secret.starts_with("dbk_sandbox_"), "the mode stands in the key");
    let altered =
        format!("{}{}", &secret[..secret.len() - 1], if secret.ends_with('A') { 'B' } else { 'A' });
    let as_live = secret.replace("sandbox", "live");
    for wrong in [altered.as_str(), as_live.as_str(), "dbk_sandbox_x", "sk_test_1"] {
        daybook.holder(wrong).get("/v1/orders").await.problem(401, "authentication.required");
    }
    let body = json!({ "name": "till", "role": "finance_ops" });
    let issued = daybook.admin().post("/v1/keys", body).await.json();
    let till = daybook.holder(issued["secret"].as_str().unwrap());
    till.read("/v1/orders").await;
    let path = format!("/v1/keys/{}/revoke", issued["id"].as_str().unwrap());
    daybook.admin().post(&path, json!({ "reason": "lost" })).await.json();
    till.get("/v1/orders").await.problem(401, "authentication.required");
    // A seller's role without a seller, and a partner without scopes, are no keys at all.
    for body in [
        json!({ "name": "x", "role": "seller_owner" }),
        json!({ "name": "x", "role": "partner" }),
        json!({ "name": "x", "role": "partner", "scopes": ["everything"] }),
    ] {
        assert_eq!(daybook.admin().post("/v1/keys", body).await.status, 422);
    }
    // No secret ever comes back, in no list and no export of events.
    for path in ["/v1/keys", "/v1/audit?limit=500", "/v1/events"] {
        let text = daybook.admin().get(path).await.text;
        assert!(!text.contains(issued["secret"].as_str().unwrap()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_does_what_its_scopes_say() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let body = json!({ "name": "shop", "role": "partner", "scopes": ["orders:write"] });
    let issued = house.admin().post("/v1/keys", body).await.json();
    let shop = house.daybook.holder(issued["secret"].as_str().unwrap());
    shop.post("/v1/orders", goods::order(&seller.id, &[10_000])).await.json();
    shop.get("/v1/orders").await.problem(403, "permission.denied");
    shop.get("/v1/balances").await.problem(403, "permission.denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_are_told_when_to_come_back() {
    let daybook = Daybook::start(Settings::default()).await;
    let body = json!({ "name": "slow", "role": "auditor", "rate_per_minute": 3 });
    let issued = daybook.admin().post("/v1/keys", body).await.json();
    let slow = daybook.holder(issued["secret"].as_str().unwrap());
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(slow.get("/v1/orders").await);
    }
    let (admitted, refused) = answers.split_at(3);
    assert!(admitted.iter().all(|answer| answer.status == 200));
    for answer in refused {
        answer.problem(429, "rate_limited");
        assert_eq!(answer.headers.get("retry-after").unwrap(), "20");
    }
    daybook.admin().read("/v1/orders").await;
}

/// What a refused command must leave as it was: everything but the record of the refusal.
async fn state(house: &House) -> Value {
    house.settle().await;
    let mut hashes = house.admin().read("/v1/hashes").await;
    let state = hashes["state"].as_object_mut().unwrap();
    state.retain(|name, _| !name.starts_with("audit_trail"));
    hashes
}

async fn position(house: &House) -> u64 {
    house.settle().await;
    house.admin().read("/v1/status").await["head"].as_u64().unwrap()
}

async fn last_rejection(house: &House) -> Value {
    let admin: Caller = house.admin();
    let rows = admin.rows("/v1/audit?event_type=rejection.recorded").await;
    rows.first().cloned().expect("a rejection")
}

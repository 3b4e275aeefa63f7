//! Adjustments by two people, closed periods, a tenant's own accounts, and revaluations.

use super::*;

const EVIDENCE: &str = "abababababababababababababababababababababababababababababababab";

fn adjustment(effective_at: &str, reason: &str, lines: Json) -> Json {
    json!({
        "lines": lines, "currency": "EUR", "effective_at": effective_at, "reason": reason,
        "memo": "statement 7", "evidence_hash": EVIDENCE,
    })
}

fn opening(house: &House) -> Json {
    adjustment(
        "2026-03-01T00:00:00Z",
        "opening_balance",
        json!([
            { "account": "assets:bank:main", "side": "debit", "minor": 90_000 },
            { "seller": house.ada, "side": "credit", "minor": 10_000 },
            { "account": "equity:opening", "side": "credit", "minor": 80_000 },
        ]),
    )
}

fn rent() -> Json {
    adjustment(
        "2026-03-09T00:00:00Z",
        "other",
        json!([
            { "account": "expenses:own:rent", "side": "debit", "minor": 5000 },
            { "account": "assets:bank:main", "side": "credit", "minor": 5000 },
        ]),
    )
}

/// What a write answers: its id, or the code of its refusal with the status.
async fn write(
    house: &House,
    key: &KeySecret,
    path: &str,
    body: Json,
) -> Result<String, (u16, String)> {
    let answer = post(house, key, path, body).await;
    let told: Json = serde_json::from_str(&answer.body).unwrap();
    match answer.status {
        200 | 201 => Ok(told["id"].as_str().unwrap().to_owned()),
        status => Err((status, told["code"].as_str().unwrap_or(&answer.body).to_owned())),
    }
}

fn refused(status: u16, code: &str) -> Result<String, (u16, String)> {
    Err((status, code.to_owned()))
}

async fn balances(house: &House, key: &KeySecret) -> Vec<(String, i64)> {
    house.settle().await;
    let trial = read(house, key, "/v1/trial-balance").await;
    let of = |row: &Json| {
        (row["account"].as_str().unwrap().to_owned(), row["balance"].as_i64().unwrap())
    };
    trial["accounts"].as_array().unwrap().iter().map(of).collect()
}

#[actix_web::test]
async fn an_adjustment_is_posted_when_another_person_approves_it() {
    let house = house().await;
    let maker = house.key(Role::FinanceOps, None).await;
    let checker = house.key(Role::PlatformAdmin, None).await;
    let id = write(&house, &maker, "/v1/adjustments", opening(&house)).await.unwrap();
    assert_eq!(balances(&house, &maker).await, []);
    let approve = format!("/v1/adjustments/{id}/approve");
    let same = write(&house, &maker, &approve, json!({})).await;
    assert_eq!(same, refused(409, "adjustment.same_person"));
    write(&house, &checker, &approve, json!({})).await.unwrap();
    // The seller's line went to a claim, and his account took it from there.
    let expected = [
        ("assets:bank:main".to_owned(), 90_000),
        ("equity:opening".to_owned(), -80_000),
        (format!("liabilities:seller:{}:available", house.ada), -10_000),
    ];
    assert_eq!(balances(&house, &maker).await, expected);
    let row = read(&house, &maker, &format!("/v1/adjustments/{id}")).await;
    assert_eq!((&row["status"], &row["minor"]), (&json!("approved"), &json!(90_000)));
    let again = format!("/v1/adjustments/{id}/withdraw");
    let decided = write(&house, &maker, &again, json!({})).await;
    assert_eq!(decided, refused(409, "adjustment.already_decided"));
}

#[actix_web::test]
async fn an_adjustment_is_rejected_or_withdrawn() {
    let house = house().await;
    let maker = house.key(Role::FinanceOps, None).await;
    let checker = house.key(Role::FinanceOps, None).await;
    for (who, action) in [(&checker, "reject"), (&maker, "withdraw")] {
        let id = write(&house, &maker, "/v1/adjustments", opening(&house)).await.unwrap();
        let path = format!("/v1/adjustments/{id}/{action}");
        let body = if action == "reject" { json!({ "note": "not ours" }) } else { json!({}) };
        write(&house, who, &path, body).await.unwrap();
    }
    house.settle().await;
    let page = read(&house, &maker, "/v1/adjustments?status=rejected").await;
    assert_eq!(page["data"][0]["note"], "not ours");
    assert_eq!(ids(&read(&house, &maker, "/v1/adjustments").await, "adjustment").len(), 2);
    assert_eq!(balances(&house, &maker).await, []);
    let unknown = format!("/v1/adjustments/{}/approve", kernel::AdjustmentId::mint());
    assert_eq!(write(&house, &checker, &unknown, json!({})).await, refused(404, "not_found"));
}

#[actix_web::test]
async fn the_chart_and_the_lines_are_checked_before_anything_is_stored() {
    let house = house().await;
    let maker = house.key(Role::FinanceOps, None).await;
    let pair = |account: &str| {
        json!([
            { "account": account, "side": "debit", "minor": 5 },
            { "account": "assets:bank:main", "side": "credit", "minor": 5 },
        ])
    };
    let seller = kernel::SellerId::derived(&["nobody"]);
    let pending = format!("liabilities:seller:{}:pending", house.ada);
    for (lines, code) in [
        (pair("assets:stripe:balance"), "adjustment.account_not_by_hand"),
        (pair("assets:clearing:stripe:charge:ch_1"), "adjustment.account_not_by_hand"),
        (pair(&pending), "adjustment.account_not_by_hand"),
        (pair("equity:rounding"), "adjustment.account_unknown"),
        (pair("expenses:own:rent"), "adjustment.account_unknown"),
        (
            json!([{ "seller": seller, "side": "debit", "minor": 5 },
                { "account": "assets:bank:main", "side": "credit", "minor": 5 }]),
            "adjustment.seller_unknown",
        ),
        (
            json!([{ "account": "expenses:goodwill", "side": "debit", "minor": 6 },
                { "account": "assets:bank:main", "side": "credit", "minor": 5 }]),
            "adjustment.unbalanced",
        ),
    ] {
        let new = adjustment("2026-03-01T00:00:00Z", "other", lines);
        assert_eq!(write(&house, &maker, "/v1/adjustments", new).await, refused(422, code));
    }
    let future = adjustment("2027-01-01T00:00:00Z", "other", pair("expenses:goodwill"));
    let told = write(&house, &maker, "/v1/adjustments", future).await;
    assert_eq!(told, refused(422, "adjustment.effective_in_future"));
}

#[actix_web::test]
async fn a_tenants_own_account_takes_adjustments_until_it_is_closed() {
    let house = house().await;
    let maker = house.key(Role::FinanceOps, None).await;
    let checker = house.key(Role::FinanceOps, None).await;
    let account = json!({ "name": "expenses:own:rent", "normal_side": "debit", "currency": "EUR" });
    write(&house, &maker, "/v1/chart/accounts", account).await.unwrap();
    let wrong = json!({ "name": "expenses:rent", "normal_side": "debit" });
    assert_eq!(
        write(&house, &maker, "/v1/chart/accounts", wrong).await,
        refused(422, "tenant.account_name_invalid")
    );
    let id = write(&house, &maker, "/v1/adjustments", rent()).await.unwrap();
    write(&house, &checker, &format!("/v1/adjustments/{id}/approve"), json!({})).await.unwrap();
    let expected = [("assets:bank:main".to_owned(), -5000), ("expenses:own:rent".to_owned(), 5000)];
    assert_eq!(balances(&house, &maker).await, expected);
    let page = read(&house, &maker, "/v1/chart?origin=own").await;
    assert_eq!(ids(&page, "name"), ["expenses:own:rent"]);
    let page = read(&house, &maker, "/v1/chart?limit=500").await;
    assert!(ids(&page, "name").contains(&"assets:stripe:balance".to_owned()));
    let waiting = write(&house, &maker, "/v1/adjustments", rent()).await.unwrap();
    let close = TestRequest::delete().uri("/v1/chart/accounts/expenses:own:rent");
    assert_eq!(house.call(with_key(close, &maker)).await.status, 200);
    let approve = format!("/v1/adjustments/{waiting}/approve");
    let told = write(&house, &checker, &approve, json!({})).await;
    assert_eq!(told, refused(409, "adjustment.account_closed"));
}

#[actix_web::test]
async fn a_closed_period_takes_nothing_and_what_is_late_is_dated_after_it() {
    let house = house().await;
    let maker = house.key(Role::FinanceOps, None).await;
    let checker = house.key(Role::FinanceOps, None).await;
    let waiting = write(&house, &maker, "/v1/adjustments", opening(&house)).await.unwrap();
    let close = |day: &str| json!({ "day": day });
    let today = write(&house, &maker, "/v1/periods", close("2026-03-10")).await;
    assert_eq!(today, refused(422, "period.day_not_over"));
    write(&house, &maker, "/v1/periods", close("2026-03-09")).await.unwrap();
    let earlier = write(&house, &maker, "/v1/periods", close("2026-03-08")).await;
    assert_eq!(earlier, refused(409, "period.already_closed"));
    // Midnight in Berlin, where the tenant is.
    let answer = post(&house, &maker, "/v1/adjustments", opening(&house)).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("the open one begins at 2026-03-09T23:00:00Z"), "{}", answer.body);
    let approve = format!("/v1/adjustments/{waiting}/approve");
    let told = write(&house, &checker, &approve, json!({})).await;
    assert_eq!(told, refused(409, "adjustment.period_closed"));
    // A fact of the closed period that comes now.
    let late = SellerAccountCommand::Credit {
        claim: "ord_1:0".into(),
        amount: Money::new(700, Currency::EUR),
        organizer: "spring fair".into(),
        order: None,
        line: None,
        product: String::new(),
        occurred_at: "2026-03-05T12:00:00Z".parse().unwrap(),
    };
    house.send::<SellerAccount>(house.ada, late).await;
    house.settle().await;
    let journal = read(&house, &maker, "/v1/journal").await;
    for line in journal["data"].as_array().unwrap() {
        assert_eq!(line["effective_at"], "2026-03-09T23:00:00.000Z");
        assert_eq!(line["prior_period"], "2026-03-05T12:00:00.000Z");
    }
    let periods = read(&house, &maker, "/v1/periods").await;
    assert_eq!(
        (&periods["data"][0]["day"], &periods["data"][0]["status"]),
        (&json!("2026-03-09"), &json!("closed"))
    );
}

#[actix_web::test]
async fn a_period_is_opened_again_by_two_people_unless_it_is_locked() {
    let house = house().await;
    let (first, second) =
        (house.key(Role::FinanceOps, None).await, house.key(Role::FinanceOps, None).await);
    let reopen = || json!({ "reason": "an invoice was missing" });
    let nothing = write(&house, &first, "/v1/periods/reopen", reopen()).await;
    assert_eq!(nothing, refused(409, "period.nothing_closed"));
    let day = || json!({ "day": "2026-02-28" });
    write(&house, &first, "/v1/periods", day()).await.unwrap();
    write(&house, &first, "/v1/periods/reopen", reopen()).await.unwrap();
    let alone = write(&house, &first, "/v1/periods/reopen", reopen()).await;
    assert_eq!(alone, refused(409, "period.needs_second_approver"));
    write(&house, &second, "/v1/periods/reopen", json!({})).await.unwrap();
    write(&house, &first, "/v1/periods", day()).await.unwrap();
    write(&house, &second, "/v1/periods/lock", json!({})).await.unwrap();
    let locked = write(&house, &first, "/v1/periods/reopen", reopen()).await;
    assert_eq!(locked, refused(409, "period.locked"));
}

#[actix_web::test]
async fn a_revaluation_needs_something_that_was_exchanged() {
    let house = house().await;
    let finance = house.key(Role::FinanceOps, None).await;
    let rates = json!({
        "day": "2026-03-09", "functional": "USD", "source": "ECB",
        "rates": [{ "currency": "EUR", "rate": "1.0850" }],
    });
    let nothing = write(&house, &finance, "/v1/revaluations", rates).await;
    assert_eq!(nothing, refused(409, "period.nothing_converted"));
}

#[actix_web::test]
async fn what_was_exchanged_is_revalued_once() {
    let house = house().await;
    let finance = house.key(Role::FinanceOps, None).await;
    an_exchange(&house).await;
    let rates = |day: &str| {
        json!({
            "day": day, "functional": "EUR", "source": "ECB",
            "rates": [{ "currency": "USD", "rate": "0.93" }],
        })
    };
    let of = |balances: Vec<(String, i64)>| {
        let is_ours = |(name, _): &(String, i64)| {
            name == "equity:conversion" || name.starts_with("expenses:fx-loss")
        };
        balances.into_iter().filter(is_ours).collect::<Vec<_>>()
    };
    let line = |name: &str, minor: i64| (name.to_owned(), minor);
    let conversion = "equity:conversion";
    let before = of(balances(&house, &finance).await);
    assert_eq!(before, [line(conversion, -9250), line(conversion, 10_000)]);
    write(&house, &finance, "/v1/revaluations", rates("2026-03-09")).await.unwrap();
    // 100.00 USD are worth 93.00 EUR now, and 92.50 were got for them.
    let after = of(balances(&house, &finance).await);
    let expected =
        [line(conversion, -9300), line(conversion, 10_000), line("expenses:fx-loss", 50)];
    assert_eq!(after, expected);
    write(&house, &finance, "/v1/revaluations", rates("2026-03-09")).await.unwrap();
    assert_eq!(of(balances(&house, &finance).await), expected);
    let rows = read(&house, &finance, "/v1/revaluations").await;
    let differences: Vec<_> =
        rows["data"].as_array().unwrap().iter().map(|row| row["difference"].clone()).collect();
    assert_eq!(differences, [json!(0), json!(50)]);
}

/// A charge of 100.00 USD that Stripe settled as 92.50 EUR.
async fn an_exchange(house: &House) {
    use aggregates::payment::{
        Payment,
        commands::{PaymentCommand, PaymentFact, PaymentFactKind},
        events::FactObject,
    };
    let payment = PaymentId::derived(&["exchanged"]);
    let occurred_at = "2026-03-08T12:00:00Z".parse().unwrap();
    let fact = PaymentFact {
        object: FactObject::Charge,
        id: "ch_1".to_owned(),
        rank: FactRank { class: 2, created: 1, event: "evt_1".into() },
        kind: PaymentFactKind::Succeeded {
            charge: Some("ch_1".into()),
            intent: Some("pi_1".into()),
            amount: Money::new(10_000, Currency::USD),
        },
        order: None,
        occurred_at,
    };
    let merge = PaymentCommand::MergeFact { payment, fact: Box::new(fact) };
    house.send::<Payment>(payment, merge).await;
    let fee = PaymentCommand::RecordFee {
        charge: "ch_1".into(),
        txn: "txn_1".into(),
        fee: Money::new(345, Currency::EUR),
        net: Money::new(8905, Currency::EUR),
        available_on: occurred_at,
        exchange_rate: Some("0.925".to_owned()),
        occurred_at,
    };
    house.send::<Payment>(payment, fee).await;
    house.settle().await;
}

#[actix_web::test]
async fn only_finance_adjusts_closes_and_opens_accounts() {
    let house = house().await;
    let mut keys = vec![house.key(Role::SellerOwner, Some(house.ada)).await];
    keys.push(house.partner(&["ledger:read"]).await);
    for role in [Role::Auditor, Role::Support] {
        keys.push(house.key(role, None).await);
    }
    let account = json!({ "name": "expenses:own:rent", "normal_side": "debit" });
    let rates = json!({ "day": "2026-03-09", "functional": "USD", "source": "x", "rates": [] });
    let id = kernel::AdjustmentId::mint();
    let approve = format!("/v1/adjustments/{id}/approve");
    for key in &keys {
        for (path, body) in [
            ("/v1/adjustments", opening(&house)),
            (approve.as_str(), json!({})),
            ("/v1/periods", json!({ "day": "2026-03-09" })),
            ("/v1/periods/reopen", json!({})),
            ("/v1/periods/lock", json!({})),
            ("/v1/revaluations", rates.clone()),
            ("/v1/chart/accounts", account.clone()),
        ] {
            assert_eq!(post(&house, key, path, body).await.status, 403, "{path}");
        }
    }
    let auditor = &keys[2];
    for path in ["/v1/adjustments", "/v1/periods", "/v1/revaluations", "/v1/chart"] {
        assert_eq!(get(&house, auditor, path).await.status, 200, "{path}");
        assert_eq!(get(&house, &keys[3], path).await.status, 403, "{path}");
    }
}

#[actix_web::test]
async fn people_adjust_and_close_in_a_browser() {
    let house = house().await;
    let maker = house.key(Role::FinanceOps, None).await;
    let checker = house.key(Role::PlatformAdmin, None).await;
    let page = house.visit(&maker, "/dashboard/adjustments").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let (csrf, once) = (page.field("csrf"), page.field("once"));
    let form = |debit: &'static str| {
        vec![
            ("csrf", csrf.as_str()),
            ("once", once.as_str()),
            ("reason", "goodwill"),
            ("day", "2026-03-09"),
            ("currency", "EUR"),
            ("memo", "for the trouble"),
            ("evidence_hash", EVIDENCE),
            ("account_1", "expenses:goodwill"),
            ("debit_1", debit),
            ("credit_1", ""),
            ("account_2", "assets:bank:main"),
            ("debit_2", ""),
            ("credit_2", "12.50"),
        ]
    };
    let wrong = house.submit(&maker, "/dashboard/adjustments", &form("12,5,x")).await;
    assert_eq!(wrong.status, 400);
    let sent = house.submit(&maker, "/dashboard/adjustments", &form("12.50")).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    house.settle().await;
    assert!(house.visit(&maker, "/dashboard/adjustments").await.body.contains("Withdraw"));
    let page = house.visit(&checker, "/dashboard/adjustments").await;
    let rows = read(&house, &maker, "/v1/adjustments").await;
    let id = rows["data"][0]["adjustment"].as_str().unwrap().to_owned();
    let action = format!("/dashboard/adjustments/{id}/approve");
    assert!(page.body.contains(&action), "{}", page.body);
    let (csrf, once) = (page.field("csrf"), page.field("once"));
    let approve = [("csrf", csrf.as_str()), ("once", once.as_str())];
    assert_eq!(house.submit(&checker, &action, &approve).await.status, 303);
    let expected = [("assets:bank:main".to_owned(), -1250), ("expenses:goodwill".to_owned(), 1250)];
    assert_eq!(balances(&house, &maker).await, expected);

    let page = house.visit(&maker, "/dashboard/periods").await;
    let (csrf, once) = (page.field("csrf"), page.field("once"));
    let close = [("csrf", csrf.as_str()), ("once", once.as_str()), ("day", "2026-03-09")];
    assert_eq!(house.submit(&maker, "/dashboard/periods", &close).await.status, 303);
    house.settle().await;
    let page = house.visit(&maker, "/dashboard/periods").await;
    assert!(page.body.contains("2026-03-09") && page.body.contains("platform: 12.50 EUR"));
    let foreign = [("csrf", "x"), ("once", "y"), ("day", "2026-03-09")];
    assert_eq!(house.submit(&maker, "/dashboard/periods", &foreign).await.status, 403);
}

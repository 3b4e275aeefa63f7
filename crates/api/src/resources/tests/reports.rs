//! Reports over HTTP: who sees which, in which form, and what a mistake is answered with.

use aggregates::api_key::events::Role;
use kernel::SellerId;
use serde_json::{Value as Json, json};

use super::{get, house, read};
use crate::dashboard::frame::CONTENT_SECURITY_POLICY;

fn names(catalogue: &Json) -> Vec<&str> {
    let entries = catalogue["data"].as_array().unwrap().iter();
    entries.map(|entry| entry["report"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn finance_and_auditors_see_all_reports_and_a_seller_his_statement() {
    let house = house().await;
    for role in [Role::PlatformAdmin, Role::FinanceOps, Role::Auditor] {
        let key = house.key(role, None).await;
        let catalogue = read(&house, &key, "/v1/reports").await;
        assert_eq!(names(&catalogue).len(), 12, "{role:?}");
        assert!(catalogue["parameters"]["known_at"].is_string());
    }
    let ada = house.key(Role::SellerViewer, Some(house.ada)).await;
    assert_eq!(names(&read(&house, &ada, "/v1/reports").await), ["seller-statement"]);
    let support = house.key(Role::Support, None).await;
    for path in ["/v1/reports", "/v1/reports/trial-balance", "/v1/reports/seller-statement"] {
        assert_eq!(get(&house, &support, path).await.status, 403, "{path}");
    }
}

#[actix_web::test]
async fn a_trial_balance_is_balanced_and_says_what_each_figure_is_the_sum_of() {
    let house = house().await;
    house.guest_order().await;
    let key = house.key(Role::Auditor, None).await;
    let report = read(&house, &key, "/v1/reports/trial-balance?as_of=2026-03-10").await;
    assert_eq!(report["sections"][0]["heading"], "platform, USD");
    let rows = report["sections"][0]["rows"].as_array().unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&row["account"], &row["debit"]["minor"], &row["credit"]["amount"]))
        .collect();
    let null = &Json::Null;
    assert_eq!(
        shown,
        [
            (&json!("assets:clearing:stripe:charge:*"), &json!(6000), null),
            (&json!("liabilities:seller:*:pending"), null, &json!("54.00")),
            (&json!("income:commission"), null, &json!("6.00")),
        ]
    );
    let figure = &rows[2]["credit"]["figure"];
    assert_eq!(figure["name"], "commission_gross");
    assert_eq!(figure["terms"], json!([{ "more": "credit", "accounts": ["income:commission"] }]));
    assert_eq!(
        (&figure["to"], &figure["known_at"]),
        (&json!("2026-03-10T23:00:00Z"), &report["known_at"])
    );
    assert_eq!(report["checks"][0]["name"], "debits_equal_credits");
    assert_eq!(report["checks"][0]["holds"], true);
    let before = read(&house, &key, "/v1/reports/trial-balance?as_of=2026-03-09").await;
    assert_eq!(before["sections"], json!([]));
    let unknown = read(&house, &key, "/v1/reports/trial-balance?known_at=1&month=2026-03").await;
    assert_eq!(unknown["sections"], json!([]));
}

#[actix_web::test]
async fn a_report_is_csv_for_machines_and_a_page_for_paper() {
    let house = house().await;
    house.guest_order().await;
    let key = house.key(Role::FinanceOps, None).await;
    let csv = get(&house, &key, "/v1/reports/revenue?month=2026-03&format=csv").await;
    assert_eq!(csv.status, 200, "{}", csv.body);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(csv.header("content-disposition").contains("revenue.csv"));
    assert_eq!(
        csv.body,
        "section,section_currency,kind,month,stream,gross,contra,net\n\
         USD,USD,row,2026-03,Commission,6.00,0.00,6.00\n\
         USD,USD,total,Total,Commission,6.00,0.00,6.00\n\
         USD,USD,total,Total,All streams,6.00,0.00,6.00\n"
    );
    let path =
        format!("/v1/reports/seller-statement?seller={}&month=2026-03&format=html", house.ada);
    let page = get(&house, &key, &path).await;
    assert_eq!(page.header("content-security-policy"), CONTENT_SECURITY_POLICY);
    assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
    assert!(page.body.contains("1 March 2026 to 31 March 2026"), "{}", page.body);
    assert!(!page.body.contains("<i>kiln"), "a seller's name is words: {}", page.body);
    assert!(page.body.contains("27.00"), "{}", page.body);
}

#[actix_web::test]
async fn a_seller_gets_his_own_statement_and_nobody_elses() {
    let house = house().await;
    house.guest_order().await;
    let ada = house.key(Role::SellerOwner, Some(house.ada)).await;
    let path = "/v1/reports/seller-statement?month=2026-03";
    let own = read(&house, &ada, path).await;
    let closing = &own["sections"][0]["totals"][0]["balance"];
    assert_eq!(closing["minor"], 2700);
    let movement = &own["sections"][1]["rows"][0];
    assert_eq!((&movement["about"], &movement["amount"]["minor"]), (&json!("R-1"), &json!(2700)));
    let named = read(&house, &ada, &format!("{path}&seller={}", house.ada)).await;
    assert_eq!(named, own);
    assert_eq!(get(&house, &ada, &format!("{path}&seller={}", house.ben)).await.status, 404);
    for other in ["trial-balance", "revenue", "general-ledger?account=income:commission"] {
        let answer = get(&house, &ada, &format!("/v1/reports/{other}")).await;
        assert_eq!(answer.status, 403, "{other}");
    }
}

#[actix_web::test]
async fn what_is_asked_wrongly_is_told_what_would_be_right() {
    let house = house().await;
    let key = house.key(Role::FinanceOps, None).await;
    let nobody = SellerId::derived(&["nobody"]);
    for (path, status, code, part) in [
        ("profit", 404, "report.unknown", "trial-balance"),
        ("revenue?month=2026-13", 400, "report.month_invalid", "such as 2026-03"),
        ("revenue?from=2026-04-01&to=2026-03-01", 400, "report.period_empty", "must be before"),
        ("revenue?week=9", 400, "report.parameter_unknown", "month"),
        ("revenue?format=pdf", 400, "report.format_unknown", "json, csv and html"),
        ("aged-clearing?from=2026-03-01", 400, "report.no_period", "as_of"),
        ("general-ledger", 400, "report.account_missing", "account="),
        ("general-ledger?account=cash", 400, "report.account_unknown", "liabilities:tax:*"),
        ("seller-statement", 400, "report.seller_missing", "seller="),
        ("revenue?known_at=999999", 400, "report.known_at_beyond", "does not exist yet"),
        (
            &format!("seller-statement?seller={nobody}"),
            404,
            "report.seller_unknown",
            "there is no seller",
        ),
    ] {
        let answer = get(&house, &key, &format!("/v1/reports/{path}")).await;
        let problem: Json = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &problem["code"]), (status, &json!(code)), "{path}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{path}: {detail}");
    }
}

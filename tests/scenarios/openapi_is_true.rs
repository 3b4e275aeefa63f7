//! What the OpenAPI document and the reference say is what the server does.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;
use serde_json::{Map, Value};
use tests::{House, goods, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_address_is_there() {
    let house = House::open().await;
    let document = document(&house).await;
    let mut seen = 0;
    for (path, method) in operations(&document) {
        let address = filled(&path);
        let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let body = (method != "get").then(|| "{\"surprise\": 1}".to_owned());
        let answer = house.admin().send(verb, &address, body, &[]).await;
        assert!(answer.status != 405 && answer.status < 500, "{method} {path}: {}", answer.text);
        let nothing = answer.text.contains("there is nothing at this address");
        assert!(!nothing, "{method} {path} is documented and not there");
        seen += 1;
    }
    assert!(seen > 60, "only {seen} operations are documented");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_address_is_documented() {
    let house = House::open().await;
    let documented: BTreeSet<(String, String)> = operations(&document(&house).await).collect();
    let source = root().join("crates/api/src/routes.rs");
    let mut seen = 0;
    for line in fs::read_to_string(source).unwrap().lines() {
        let Some(route) = line.trim().strip_prefix(".route(\"") else { continue };
        let (path, rest) = route.split_once("\", ").unwrap();
        let (method, _) = rest.split_once("()").unwrap();
        if path == "/openapi.json" {
            continue;
        }
        let operation = (path.to_owned(), method.to_owned());
        assert!(documented.contains(&operation), "{method} {path} is not documented");
        seen += 1;
    }
    assert!(seen > 30, "the routes have moved: {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_answers_with_the_documented_fields() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    let document = document(&house).await;
    let (mut lists, mut rows) = (0, 0);
    for (path, method) in operations(&document) {
        let schema = &document["paths"][&path][&method]["responses"]["200"]["content"]["application/json"]
            ["schema"]["properties"];
        if method != "get" || schema["data"].is_null() {
            continue;
        }
        let address = path.replace("{order}", &order).replace("{seller}", &seller.id);
        let answer = house.admin().read(&filled(&address)).await;
        let fields = fields(&schema["data"]["items"]["properties"]);
        assert!(!fields.is_empty(), "{path}");
        for row in answer["data"].as_array().unwrap() {
            assert_eq!(self::fields(row), fields, "{path}");
            rows += 1;
        }
        lists += 1;
    }
    assert!(lists > 20 && rows > 30, "{lists} lists, {rows} rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_paged_without_gaps_and_narrowed_by_what_it_says() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    for price in [1_000, 2_000, 3_000] {
        house.paid(goods::order(&seller.id, &[price])).await;
    }
    let admin = house.admin();
    for path in ["/v1/orders", "/v1/journal", "/v1/audit", "/v1/accounts", "/v1/webhook-events"] {
        let whole = admin.rows(path).await;
        let mut parts = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = admin.read(&format!("{path}?limit=2{cursor}")).await;
            parts.extend(page["data"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert!(whole.len() > 2, "{path}");
        assert_eq!(parts, whole, "{path}");
    }
    let sales = admin.rows("/v1/journal?event_type=order.paid&account=income:commission").await;
    let minors: Vec<_> = sales.iter().map(|row| row["minor"].as_i64().unwrap()).collect();
    assert_eq!(minors, [-100, -200, -300]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_committed_reference_is_what_the_code_says() {
    let folder = tempfile::tempdir().unwrap();
    run(&["reference", "--out", folder.path().to_str().unwrap()]).await.fine();
    let mut written = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let committed = root().join("docs/reference").join(path.file_name().unwrap());
        let committed_text = fs::read_to_string(&committed).unwrap_or_default();
        let same = committed_text == fs::read_to_string(&path).unwrap();
        assert!(same, "{} is out of date: run `make schemas`", committed.display());
        written += 1;
    }
    assert!(written >= 2);
    let house = House::open().await;
    let committed = fs::read_to_string(root().join("docs/reference/openapi.json")).unwrap();
    let committed: Value = serde_json::from_str(&committed).unwrap();
    assert_eq!(document(&house).await, committed, "and what the server serves");
}

async fn document(house: &House) -> Value {
    let document = house.daybook.stranger().read("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    document
}

/// Path and method of every documented operation.
fn operations(document: &Value) -> impl Iterator<Item = (String, String)> {
    let paths: Map<String, Value> = document["paths"].as_object().unwrap().clone();
    paths.into_iter().flat_map(|(path, item)| {
        let methods = ["get", "post", "put", "delete"].map(str::to_owned);
        let known = methods.into_iter().filter(move |method| item.get(method).is_some());
        known.map(move |method| (path.clone(), method))
    })
}

/// The path with ids of things that are not there.
fn filled(path: &str) -> String {
    let id = "0197aaaa00007000800000000000aaaa";
    let mut filled = path.to_owned();
    for (name, value) in [
        ("{order}", format!("ord_{id}")),
        ("{seller}", format!("sel_{id}")),
        ("{payment}", format!("pay_{id}")),
        ("{refund}", format!("rfd_{id}")),
        ("{payout}", format!("pyt_{id}")),
        ("{dispute}", format!("dsp_{id}")),
        ("{key}", format!("key_{id}")),
        ("{event}", "evt_1".to_owned()),
        ("{shipment}", "s1".to_owned()),
        ("{hold}", "h1".to_owned()),
        ("{adjustment}", format!("adj_{id}")),
        ("{membership}", format!("mem_{id}")),
        ("{period}", "2026-03".to_owned()),
        ("/figures/{name}", "/figures/seller_total".to_owned()),
        ("/reports/{name}", "/reports/revenue".to_owned()),
        ("/accounts/{name}", "/accounts/expenses:own:rent".to_owned()),
    ] {
        filled = filled.replace(name, &value);
    }
    let action = if path.contains("dispute") {
        "assign"
    } else if path.contains("payout") {
        "retry"
    } else {
        "approve"
    };
    let filled = filled.replace("{action}", action);
    assert!(!filled.contains('{'), "what stands for a part of {path}?");
    filled
}

fn fields(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

//! What Stripe, or somebody who is not Stripe, may send, and what becomes of it.

use reqwest::Method;
use serde_json::{Value, json};
use stripe_fake::{NewAccount, Operation, real_time, signature_header};
use tests::{
    Answer, Daybook, House, Settings,
    daybook::{CONNECT_SECRET, PLATFORM_SECRET},
    goods,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_did_not_sign_is_refused_with_a_reason_and_not_stored() {
    let daybook = Daybook::start(Settings::default()).await;
    let before = position(&daybook).await;
    let body = event("evt_1", "charge.succeeded").to_string();
    let now = real_time();

    let unsigned = post(&daybook, PLATFORM, &body, None).await;
    unsigned.problem(400, "webhook.signature_missing");
    for header in ["", "rubbish", "v1=00", "t=1"] {
        let odd = post(&daybook, PLATFORM, &body, Some(header)).await;
        odd.problem(400, "webhook.signature_missing");
    }
    let forged = signature_header(&["whsec_guessed".to_owned()], now, body.as_bytes());
    let forged = post(&daybook, PLATFORM, &body, Some(&forged)).await;
    forged.problem(400, "webhook.signature_invalid");
    let other_endpoint = sign(CONNECT_SECRET, now, &body);
    let other_endpoint = post(&daybook, PLATFORM, &body, Some(&other_endpoint)).await;
    other_endpoint.problem(400, "webhook.signature_invalid");
    let truncated = &body[..body.len() - 1];
    let truncated = post(&daybook, PLATFORM, truncated, Some(&signed(now, &body))).await;
    truncated.problem(400, "webhook.signature_invalid");
    let stale = post(&daybook, PLATFORM, &body, Some(&signed(now - 301, &body))).await;
    stale.problem(400, "webhook.timestamp_out_of_tolerance");
    let future = post(&daybook, PLATFORM, &body, Some(&signed(now + 400, &body))).await;
    future.problem(400, "webhook.timestamp_out_of_tolerance");
    let large = "x".repeat((1 << 20) + 1);
    let large = post(&daybook, PLATFORM, &large, Some(&signed(now, &large))).await;
    large.problem(413, "request.too_large");

    assert_eq!(position(&daybook).await, before, "nothing was stored");
    let metrics = daybook.stranger().get("/metrics").await.text;
    let refused =
        metrics.lines().filter(|line| line.starts_with("daybook_webhooks_received_total"));
    let refused: Vec<&str> = refused.collect();
    for result in ["signature_invalid", "signature_missing", "timestamp_out_of_tolerance"] {
        assert!(refused.iter().any(|line| line.contains(result)), "{result}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_counts_once_however_often_it_is_delivered() {
    an_event_delivered_again(Daybook::start(Settings::default()).await).await;
}

/// The same event three times.
pub(super) async fn an_event_delivered_again(daybook: Daybook) {
    let body = event("evt_1", "charge.updated").to_string();
    let first = deliver(&daybook, PLATFORM, &body).await.json();
    assert_eq!(first, json!({ "received": "evt_1", "duplicate": false }));
    let position = position(&daybook).await;
    // Stripe counts `pending_webhooks` down: the second delivery has other bytes.
    let mut again = event("evt_1", "charge.updated");
    again["pending_webhooks"] = json!(7);
    for body in [body, again.to_string()] {
        let repeated = deliver(&daybook, PLATFORM, &body).await.json();
        assert_eq!(repeated, json!({ "received": "evt_1", "duplicate": true }));
    }
    assert_eq!(self::position(&daybook).await, position);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_authentic_is_stored_and_shown_whatever_it_says() {
    let daybook = Daybook::start(Settings::default()).await;
    let mut live = event("evt_live", "charge.succeeded");
    live["livemode"] = json!(true);
    let mut hollow = event("evt_hollow", "charge.succeeded");
    hollow["data"] = json!({ "object": { "object": "charge" } });
    let cases = [
        (
            event("evt_odd", "sunrise.observed").to_string(),
            "evt_odd",
            "quarantined",
            "unknown type",
        ),
        (event("evt_c", "customer.created").to_string(), "evt_c", "ignored", "class"),
        (live.to_string(), "evt_live", "ignored", "livemode"),
        (hollow.to_string(), "evt_hollow", "quarantined", "charge.succeeded"),
        (json!({ "id": "evt_typeless" }).to_string(), "evt_typeless", "quarantined", "type"),
        ("{not json".to_owned(), "sha256-", "quarantined", "not a JSON object"),
        ("[]".to_owned(), "sha256-", "quarantined", "not a JSON object"),
    ];
    for (body, id, status, reason) in cases {
        let answer = deliver(&daybook, PLATFORM, &body).await.json();
        let stored = answer["received"].as_str().unwrap();
        assert!(stored.starts_with(id), "{stored}");
        settle(&daybook).await;
        let row = daybook.admin().read(&format!("/v1/webhook-events/{stored}")).await;
        assert_eq!(row["status"], status, "{row}");
        assert!(row["reason"].as_str().unwrap().contains(reason), "{row}");
    }
    let quarantined = daybook.admin().rows("/v1/webhook-events?status=quarantined").await;
    assert_eq!(quarantined.len(), 5);
    let work = daybook.admin().rows("/v1/work-items").await;
    let kinds = work.iter().filter(|item| item["kind"].as_str().unwrap().contains("quarantine"));
    assert_eq!(kinds.count(), 5, "{work:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_event_can_be_tried_again() {
    let daybook = Daybook::start(Settings::default()).await;
    let mut hollow = event("evt_hollow", "charge.succeeded");
    hollow["data"] = json!({ "object": { "object": "charge" } });
    deliver(&daybook, PLATFORM, &hollow.to_string()).await.json();
    settle(&daybook).await;
    let before = position(&daybook).await;
    let retried = daybook.admin().post("/v1/webhook-events/evt_hollow/retry", json!({})).await;
    retried.json();
    settle(&daybook).await;
    let row = daybook.admin().read("/v1/webhook-events/evt_hollow").await;
    assert_eq!(row["status"], "quarantined", "it is as hollow as before");
    assert!(position(&daybook).await > before, "but it was tried");
    let unknown = daybook.admin().post("/v1/webhook-events/evt_nowhere/retry", json!({})).await;
    assert_eq!(unknown.status, 404, "{}", unknown.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_stranger_waits_until_he_is_known() {
    let house = House::open().await;
    let reference = json!({ "reference": "walnut", "name": "Walnut & Daughters" });
    let seller = house.admin().post("/v1/sellers", reference).await.id();
    let account = house.happen(Operation::CreateAccount(NewAccount::default())).unwrap();
    house.deliver().await;
    let rows = house.admin().rows("/v1/webhook-events?status=parked").await;
    assert!(!rows.is_empty(), "the account is nobody's yet");
    assert!(rows.iter().all(|row| row["parked_by"] == account.as_str()), "{rows:?}");

    let onboarding = format!("/v1/sellers/{seller}/onboarding");
    house.admin().post(&onboarding, json!({ "account": account })).await.json();
    house.settle().await;
    assert_eq!(house.admin().rows("/v1/webhook-events?status=parked").await, Vec::<Value>::new());
    let row = house.admin().read(&format!("/v1/sellers/{seller}")).await;
    assert_eq!(row["status"], "ready");
    house.place(goods::order(&seller, &[1_000])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_secrets_webhooks_are_refused_and_nothing_else() {
    let mut command = tests::daybook_command(&["serve", "--listen", "127.0.0.1:0"]);
    let folder = tempfile::tempdir().unwrap();
    let mut child = command
        .args(["--data", folder.path().to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut out, &mut line).await.unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    let stranger = tests::Caller::new(told["url"].as_str().unwrap(), None);
    let body = event("evt_1", "charge.succeeded").to_string();
    let signature = signed(real_time(), &body);
    let headers = [("Stripe-Signature", signature.as_str())];
    let refused = stranger.send(Method::POST, PLATFORM, Some(body), &headers).await;
    refused.problem(503, "unavailable");
    stranger.read("/healthz").await;
    child.kill().await.unwrap();
}

const PLATFORM: &str = "/webhooks/stripe";

fn event(id: &str, kind: &str) -> Value {
    json!({
        "id": id, "object": "event", "api_version": "2026-09-30.endive", "created": 1_790_000_000,
        "livemode": false, "pending_webhooks": 1, "type": kind, "data": { "object": {} },
    })
}

fn sign(secret: &str, at: i64, body: &str) -> String {
    signature_header(&[secret.to_owned()], at, body.as_bytes())
}

fn signed(at: i64, body: &str) -> String {
    sign(PLATFORM_SECRET, at, body)
}

async fn post(daybook: &Daybook, path: &str, body: &str, signature: Option<&str>) -> Answer {
    let headers: Vec<_> = signature.map(|text| ("Stripe-Signature", text)).into_iter().collect();
    daybook.stranger().send(Method::POST, path, Some(body.to_owned()), &headers).await
}

async fn deliver(daybook: &Daybook, path: &str, body: &str) -> Answer {
    post(daybook, path, body, Some(&signed(real_time(), body))).await
}

async fn settle(daybook: &Daybook) {
    let status = daybook.admin().read("/v1/status?settle=60").await;
    assert_eq!(status["settled"], true, "{status}");
}

/// Where the log ends.
async fn position(daybook: &Daybook) -> u64 {
    daybook.admin().read("/v1/status?settle=60").await["head"].as_u64().unwrap()
}

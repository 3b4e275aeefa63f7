//! Deliveries to a real listener, judged by Stripe's own Python package.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::{Value, json};

use super::{ask, paid_order, seller, stripe};
use crate::{
    ApiRequest, DeliveryOptions, DeliveryOrder, Endpoints, FakeStripe, Seed, WebhookEndpoint,
    deliver, sign, signature_header,
};

#[derive(Debug)]
struct Received {
    path: String,
    signature: String,
    body: String,
}

/// A listener that keeps what it receives and answers the planned statuses, then 200.
#[derive(Clone, Default)]
struct Listener {
    received: Arc<Mutex<Vec<Received>>>,
    refusals: Arc<Mutex<Vec<u16>>>,
}

impl Listener {
    fn start(&self) -> Endpoints {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let listener = Data::new(self.clone());
        let server = HttpServer::new(move || {
            App::new().app_data(listener.clone()).default_service(web::to(receive))
        });
        tokio::spawn(server.workers(1).disable_signals().listen(socket).unwrap().run());
        let endpoint = |path: &str, secrets: &[&str]| {
            Some(WebhookEndpoint {
                url: format!("http://{address}/{path}"),
                secrets: secrets.iter().map(|secret| (*secret).to_owned()).collect(),
            })
        };
        Endpoints {
            platform: endpoint("platform", &["whsec_platform"]),
            connect: endpoint("connect", &["whsec_connect", "whsec_connect_old"]),
        }
    }

    fn ids(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        received
            .iter()
            .map(|one| super::text(&serde_json::from_str(&one.body).unwrap(), "id"))
            .collect()
    }
}

async fn receive(request: HttpRequest, body: Bytes, listener: Data<Listener>) -> HttpResponse {
    let signature = request.headers().get("Stripe-Signature").unwrap().to_str().unwrap();
    listener.received.lock().unwrap().push(Received {
        path: request.path().to_owned(),
        signature: signature.to_owned(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let status = listener.refusals.lock().unwrap().pop().unwrap_or(200);
    HttpResponse::new(StatusCode::from_u16(status).unwrap())
}

/// A platform with events of its own and of a seller.
fn busy() -> FakeStripe {
    let stripe = stripe();
    seller(&stripe, "seller");
    paid_order(&stripe, "ord_1", 1_000, "usd");
    paid_order(&stripe, "ord_2", 2_000, "eur");
    stripe
}

fn undelivered(stripe: &FakeStripe) -> Vec<String> {
    let events = stripe.take_undelivered(usize::MAX, &BTreeSet::new());
    events.into_iter().map(|event| event.id).collect()
}

#[test]
fn the_signature_follows_the_documented_scheme() {
    // Computed with Python's hmac module over `1700000000.{}`.
    let expected = "35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91";
    assert_eq!(sign("whsec_test", 1_700_000_000, b"{}"), expected);
    let secrets = ["a".to_owned(), "b".to_owned()];
    let header = signature_header(&secrets, 5, b"{}");
    assert_eq!(header, format!("t=5,v1={},v1={}", sign("a", 5, b"{}"), sign("b", 5, b"{}")));
}

#[tokio::test]
async fn the_python_package_of_stripe_verifies_every_delivery() {
    let python = std::env::var_os("DAYBOOK_TEST_PYTHON").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/test-venv/bin/python"),
        PathBuf::from,
    );
    assert!(
        python.exists(),
        "{} does not exist: run .ci/setup-python, or name an interpreter that has the stripe \
         package in DAYBOOK_TEST_PYTHON",
        python.display()
    );
    let stripe = busy();
    let listener = Listener::default();
    let endpoints = listener.start();
    let report = deliver(&stripe, &endpoints, &DeliveryOptions::default()).await.unwrap();
    assert_eq!(report.acknowledged, stripe.event_count());

    let rows: Vec<Value> = listener
        .received
        .lock()
        .unwrap()
        .iter()
        .map(|one| {
            let connect = one.path == "/connect";
            let secret = if connect { "whsec_connect_old" } else { "whsec_platform" };
            let wrong = if connect { "whsec_platform" } else { "whsec_connect" };
            json!({ "body": one.body, "header": one.signature, "secret": secret, "wrong": wrong })
        })
        .collect();
    let script = "
import json, sys, stripe
count = 0
for row in json.load(sys.stdin):
    event = stripe.Webhook.construct_event(row['body'], row['header'], row['secret'])
    assert event['id'].startswith('evt_') and event['data']['object'], event
    try:
        stripe.Webhook.construct_event(row['body'], row['header'], row['wrong'])
    except stripe.SignatureVerificationError:
        count += 1
print(count)
";
    let mut child = Command::new(&python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    serde_json::to_writer(child.stdin.take().unwrap(), &rows).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), rows.len().to_string(), "{errors}");
}

#[tokio::test]
async fn each_endpoint_gets_its_own_events_in_the_order_they_happened() {
    let stripe = busy();
    let expected = undelivered(&stripe);
    let listener = Listener::default();
    let endpoints = listener.start();
    let report = deliver(&stripe, &endpoints, &DeliveryOptions::default()).await.unwrap();
    assert_eq!(listener.ids(), expected);
    assert_eq!(
        (report.events, report.attempts, stripe.undelivered_count()),
        (expected.len(), expected.len(), 0)
    );
    for one in listener.received.lock().unwrap().iter() {
        let event: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!(one.path == "/connect", event["account"].is_string(), "{}", one.body);
        assert_eq!(event["api_version"], crate::API_VERSION);
        assert_eq!(event["pending_webhooks"], 1);
    }
    let again = deliver(&stripe, &endpoints, &DeliveryOptions::default()).await.unwrap();
    assert_eq!(again.attempts, 0, "what was acknowledged is not sent again");
}

#[tokio::test]
async fn shuffled_and_doubled_deliveries_are_the_same_for_the_same_seed() {
    let options = DeliveryOptions {
        order: DeliveryOrder::Shuffled(Seed(9)),
        copies: 2,
        ..DeliveryOptions::default()
    };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let stripe = busy();
        let listener = Listener::default();
        let report = deliver(&stripe, &listener.start(), &options).await.unwrap();
        assert_eq!(report.attempts, 2 * stripe.event_count());
        assert_eq!(report.acknowledged, stripe.event_count());
        runs.push(listener.ids());
    }
    assert_eq!(runs[0], runs[1]);
    let stripe = busy();
    let in_order: Vec<String> =
        undelivered(&stripe).into_iter().flat_map(|id| [id.clone(), id]).collect();
    assert_ne!(runs[0], in_order);
    let (mut sorted, mut expected) = (runs[0].clone(), in_order);
    sorted.sort();
    expected.sort();
    assert_eq!(sorted, expected);
}

#[tokio::test]
async fn refused_deliveries_are_tried_again_and_what_never_succeeds_is_listed() {
    let stripe = busy();
    let listener = Listener::default();
    let endpoints = listener.start();
    let held = BTreeSet::from(["charge.succeeded".to_owned()]);
    let options = DeliveryOptions { held, attempts_max: 2, ..DeliveryOptions::default() };
    // The first event is refused once, the second for good.
    listener.refusals.lock().unwrap().extend([500, 500, 200, 503]);
    let before = undelivered(&stripe);
    let report = deliver(&stripe, &endpoints, &options).await.unwrap();
    assert_eq!(report.failed, [before[1].clone()]);
    assert_eq!((report.statuses[&500], report.statuses[&503]), (2, 1));
    assert_eq!(stripe.undelivered_count(), 3, "one refused for good, two held back");

    let listed = ApiRequest {
        parameters: json!({ "delivery_success": "false", "limit": "100" }),
        ..ApiRequest::get("/v1/events")
    };
    let listed = ask(&stripe, &listed).body;
    let kinds: Vec<&Value> =
        listed["data"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["charge.succeeded", "charge.succeeded"], "the platform's own only");
    let late = deliver(&stripe, &endpoints, &DeliveryOptions::default()).await.unwrap();
    assert_eq!((late.acknowledged, stripe.undelivered_count()), (3, 0));
}

#[tokio::test]
async fn many_deliveries_at_once_reach_the_listener_once_each() {
    let stripe = busy();
    let mut expected = undelivered(&stripe);
    let listener = Listener::default();
    let options = DeliveryOptions { concurrency: 8, ..DeliveryOptions::default() };
    deliver(&stripe, &listener.start(), &options).await.unwrap();
    let mut ids = listener.ids();
    ids.sort();
    expected.sort();
    assert_eq!(ids, expected);
}

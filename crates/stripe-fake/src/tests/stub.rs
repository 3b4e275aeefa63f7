//! Just enough of Daybook's API to play a month: it answers, counts, and moves money at the fake.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::{ApiRequest, FakeStripe, Target, WebhookEndpoint};

const WEEK: i64 = 7 * 86_400;
/// Monday, 2 March 2026, 02:00 UTC.
const FIRST_MONDAY: i64 = 1_772_416_800;

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) orders: BTreeMap<String, Value>,
    pub(super) refunds: BTreeMap<String, (String, Option<i64>)>,
    pub(super) sellers: BTreeMap<String, String>,
    pub(super) automatic: BTreeSet<String>,
    pub(super) events: BTreeMap<String, usize>,
    pub(super) deliveries: usize,
    ids: BTreeSet<String>,
    lists: BTreeMap<&'static str, Vec<Value>>,
    clock: i64,
}

#[derive(Clone)]
pub(super) struct Stub {
    pub(super) fake: FakeStripe,
    pub(super) seen: Arc<Mutex<Seen>>,
}

pub(super) fn endpoint(base: &str, path: &str) -> Option<WebhookEndpoint> {
    Some(WebhookEndpoint { url: format!("{base}{path}"), secrets: vec!["whsec_test".into()] })
}

/// Starts the stub on a free port; answers its address.
pub(super) fn start(fake: &FakeStripe) -> (String, Stub, actix_web::dev::ServerHandle) {
    let stub = Stub { fake: fake.clone(), seen: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let data = web::Data::new(stub.clone());
    let server =
        HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
            .workers(2)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
    let handle = server.handle();
    tokio::spawn(server);
    (base, stub, handle)
}

async fn answer(stub: web::Data<Stub>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let path: Vec<&str> = request.path().trim_matches('/').split('/').collect();
    let key = request.headers().get("Idempotency-Key").and_then(|key| key.to_str().ok());
    let key = key.unwrap_or_default().to_owned();
    if path[0] == "webhooks" {
        stub.take_in(&body);
        return HttpResponse::Ok().json(json!({}));
    }
    HttpResponse::Ok().json(stub.act(request.method().as_str(), &path[1..], &body, &key))
}

impl Stub {
    fn take_in(&self, event: &Value) {
        let mut seen = self.seen.lock().unwrap();
        seen.deliveries += 1;
        if !seen.ids.insert(event["id"].as_str().unwrap().to_owned()) {
            return;
        }
        let kind = event["type"].as_str().unwrap().to_owned();
        let object = &event["data"]["object"];
        let id = object["id"].as_str().unwrap_or_default();
        let row = match kind.as_str() {
            "charge.succeeded" => {
                Some(("payments", json!({ "payment": format!("pay_{id}"), "charge": id })))
            }
            "charge.dispute.created" => {
                Some(("disputes", json!({ "dispute": id, "stripe_dispute": id })))
            }
            "payout.created" => {
                Some(("payouts", json!({ "payout": format!("pyt_{id}"), "stripe_payout": id })))
            }
            _ => None,
        };
        if let Some((list, row)) = row {
            seen.lists.entry(list).or_default().push(row);
        }
        *seen.events.entry(kind).or_insert(0) += 1;
    }

    fn act(&self, method: &str, path: &[&str], body: &Value, key: &str) -> Value {
        match (method, path) {
            ("GET", ["policy"]) => json!({ "test_clock": null, "policy": { "version": 1 } }),
            ("GET", ["status"]) => json!({ "settled": true }),
            ("GET", [list]) => {
                let seen = self.seen.lock().unwrap();
                json!({ "data": seen.lists.get(list).cloned().unwrap_or_default() })
            }
            ("POST", ["test-clock"]) => self.move_clock(body),
            ("POST", ["sellers"]) => json!({ "id": format!("sel_{}", key.replace('/', "_")) }),
            (_, ["sellers", id, what]) => self.settle_seller(id, what, body),
            ("POST", ["orders"]) => self.place(key, body),
            ("POST", ["orders", id, "checkout"]) => self.open_session(id, key),
            ("POST", ["orders", id, "refunds"]) => self.ask_for_refund(id, key, body),
            ("POST", ["refunds", id, "approve" | "retry"]) => self.refund(id, key),
            ("POST", ["disputes", id, "evidence"]) => {
                let form = "evidence[uncategorized_text]=yes";
                self.call(ApiRequest::post(format!("/v1/disputes/{id}"), form).key(key))
            }
            ("POST", ["disputes", id, "accept"]) => {
                self.call(ApiRequest::post(format!("/v1/disputes/{id}/close"), "").key(key))
            }
            ("POST", ["payouts", payout, "reverse"]) => self.reverse(payout, key),
            _ => json!({ "id": key }),
        }
    }

    fn call(&self, request: ApiRequest) -> Value {
        self.fake.call(&request).unwrap().body
    }

    fn settle_seller(&self, id: &str, what: &str, body: &Value) -> Value {
        let mut seen = self.seen.lock().unwrap();
        if what == "onboarding" {
            seen.sellers.insert(id.to_owned(), body["account"].as_str().unwrap().to_owned());
        }
        if body["automatic_bank"] == true {
            seen.automatic.insert(id.to_owned());
        }
        json!({ "id": id })
    }

    fn place(&self, key: &str, body: &Value) -> Value {
        let id = format!("ord_{}", key.replace('/', "_"));
        assert!(body["lines"][0]["seller"].is_string(), "{body}");
        self.seen.lock().unwrap().orders.insert(id.clone(), body.clone());
        json!({
            "id": id,
            "stripe": {
                "metadata": { "daybook_tenant": "ten_1", "daybook_order": id },
                "client_reference_id": id, "transfer_group": id,
            },
        })
    }

    fn open_session(&self, id: &str, key: &str) -> Value {
        let order = self.seen.lock().unwrap().orders[id].clone();
        let (total, currency) = (&order["totals"]["total"], order["currency"].as_str().unwrap());
        let form = format!(
            "mode=payment&metadata[daybook_order]={id}&client_reference_id={id}\
             &expires_at={}&payment_intent_data[metadata][daybook_order]={id}\
             &payment_intent_data[transfer_group]={id}\
             &line_items[0][price_data][currency]={currency}\
             &line_items[0][price_data][unit_amount]={total}&line_items[0][quantity]=1",
            self.fake.now() + 3_600
        );
        self.call(ApiRequest::post("/v1/checkout/sessions", &form).key(key))
    }

    fn ask_for_refund(&self, order: &str, key: &str, body: &Value) -> Value {
        let wanted = (order.to_owned(), body["amount"].as_i64());
        let id = format!("rfd_{}", key.replace('/', "_"));
        self.seen.lock().unwrap().refunds.insert(id.clone(), wanted);
        if body["force"] == true {
            self.refund(&id, key);
        }
        json!({ "id": id })
    }

    fn refund(&self, id: &str, key: &str) -> Value {
        let (order, amount) = self.seen.lock().unwrap().refunds[id].clone();
        let target = Target::metadata("daybook_order", order);
        let Some(charge) = self.fake.find_charge(&target) else { return json!({ "id": id }) };
        let amount = amount.map(|amount| format!("&amount={amount}")).unwrap_or_default();
        let form = format!("charge={charge}{amount}&metadata[daybook_refund]={id}");
        self.call(ApiRequest::post("/v1/refunds", &form).key(key));
        json!({ "id": id })
    }

    /// Pays every seller a little on each Monday that the clock passes.
    fn move_clock(&self, body: &Value) -> Value {
        let to = chrono::DateTime::parse_from_rfc3339(body["to"].as_str().unwrap()).unwrap();
        let to = to.timestamp();
        let (from, sellers, automatic) = {
            let mut seen = self.seen.lock().unwrap();
            let from = std::mem::replace(&mut seen.clock, to);
            (from, seen.sellers.clone(), seen.automatic.clone())
        };
        for monday in (0..5).map(|week| FIRST_MONDAY + week * WEEK) {
            if !(from < monday && monday <= to) {
                continue;
            }
            for (seller, account) in &sellers {
                let payout = format!("pyt_{seller}_{monday}");
                let form = format!(
                    "amount=1000&currency=usd&destination={account}\
                     &metadata[daybook_payout]={payout}"
                );
                let key = format!("transfer/{payout}");
                let transfer = self.call(ApiRequest::post("/v1/transfers", &form).key(key));
                if transfer["id"].is_string() && !automatic.contains(seller) {
                    let form =
                        format!("amount=1000&currency=usd&metadata[daybook_payout]={payout}");
                    let request = ApiRequest::post("/v1/payouts", &form).on_account(account);
                    self.call(request.key(format!("bank/{payout}")));
                }
            }
        }
        json!({ "id": "clock" })
    }

    fn reverse(&self, payout: &str, key: &str) -> Value {
        let target = Target::metadata("daybook_payout", payout);
        let transfer = self.fake.find(&target, "transfer").unwrap();
        self.call(ApiRequest::post(format!("/v1/transfers/{transfer}/reversals"), "").key(key))
    }
}

//! Without a Stripe key Daybook lists the calls it would make; here a person makes them.

use serde_json::{Map, Value, json};

use super::{DemoError, Driver, Refused};
use crate::api::ApiRequest;

impl Driver<'_> {
    /// Does what is on the list at Stripe, with the metadata and the idempotency key that it asks
    /// for; answers how much was done. Daybook learns of it by webhook, as from any other person.
    pub(super) async fn do_by_hand(&mut self) -> Result<usize, DemoError> {
        let mut done = 0;
        for effect in self.daybook.list("/v1/effects").await? {
            let Some(key) = effect["idempotency_key"].as_str().map(str::to_owned) else { continue };
            if !self.done_by_hand.insert(key.clone()) {
                continue;
            }
            let Some(request) = request_of(&effect) else { continue };
            let answer = self.fake.call(&request.key(key.clone()))?;
            done += 1;
            if answer.status >= 300 {
                let error = &answer.body["error"];
                let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                self.report.refused.push(Refused {
                    step: key,
                    by: "stripe",
                    code: text("code"),
                    detail: text("message"),
                });
            }
        }
        Ok(done)
    }
}

/// The request at Stripe that an entry of the list stands for. Entries have `call`, `params` (with
/// Stripe's names, amounts as whole minor units) and `metadata`.
fn request_of(effect: &Value) -> Option<ApiRequest> {
    let params = &effect["params"];
    let text = |name: &str| match &params[name] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let mut form = Map::new();
    let mut take = |names: &[&str]| {
        for name in names {
            if let Some(value) = text(name) {
                form.insert((*name).to_owned(), Value::String(value));
            }
        }
    };
    let (path, account) = match effect["call"].as_str()? {
        "create_session" => {
            take(&["success_url", "cancel_url", "expires_at", "client_reference_id"]);
            ("/v1/checkout/sessions".to_owned(), None)
        }
        "create_refund" => {
            take(&["charge", "amount", "reason"]);
            ("/v1/refunds".to_owned(), None)
        }
        "create_transfer" => {
            take(&["amount", "currency", "destination", "transfer_group"]);
            ("/v1/transfers".to_owned(), None)
        }
        "create_payout" => {
            take(&["amount", "currency"]);
            ("/v1/payouts".to_owned(), text("account"))
        }
        "reverse_transfer" => {
            take(&["amount"]);
            (format!("/v1/transfers/{}/reversals", text("transfer")?), None)
        }
        "submit_evidence" => (format!("/v1/disputes/{}", text("dispute")?), None),
        "close_dispute" => (format!("/v1/disputes/{}/close", text("dispute")?), None),
        _ => return None,
    };
    let mut parameters = Value::Object(form);
    if let Some(currency) = parameters["currency"].as_str().map(str::to_lowercase) {
        parameters["currency"] = json!(currency);
    }
    let metadata = effect["metadata"].clone();
    match effect["call"].as_str()? {
        "create_session" => complete_session(&mut parameters, params, &metadata, text("amount")?),
        "submit_evidence" => parameters["evidence"] = params["evidence"].clone(),
        "close_dispute" => {}
        _ => parameters["metadata"] = metadata,
    }
    let mut request = ApiRequest::post(path, "");
    request.parameters = parameters;
    Some(match account {
        Some(account) => request.on_account(account),
        None => request,
    })
}

fn complete_session(parameters: &mut Value, params: &Value, metadata: &Value, amount: String) {
    let currency = params["currency"].as_str().unwrap_or_default().to_lowercase();
    parameters["mode"] = json!("payment");
    parameters["metadata"] = metadata.clone();
    parameters["payment_intent_data"] =
        json!({ "metadata": metadata, "transfer_group": params["transfer_group"] });
    parameters["line_items"] = json!([{
        "quantity": "1",
        "price_data": {
            "currency": currency, "unit_amount": amount, "product_data": { "name": "Order" },
        },
    }]);
    if let Some(map) = parameters.as_object_mut() {
        map.remove("currency");
    }
}

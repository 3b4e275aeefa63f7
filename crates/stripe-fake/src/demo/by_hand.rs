//! Without a Stripe key Daybook lists the calls it would make; here a person makes them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{DemoError, Driver, Refused};
use crate::api::ApiRequest;
use crate::export::balance_transactions_csv;
use crate::fake::FakeStripe;

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

/// Writes what a person would download from Stripe and import into Daybook afterwards:
/// `platform.json` (everything), `platform.csv` (without the reserve, as in Stripe's report), and
/// `acct_....json` for each connected account that ever had money. Answers the files, JSON first.
///
/// # Errors
/// When a file cannot be written.
pub fn write_statements(fake: &FakeStripe, folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    let accounts = fake.accounts();
    let owners = std::iter::once(None).chain(accounts.iter().map(|id| Some(id.as_str())));
    for owner in owners {
        let transactions = fake.balance_transactions(owner);
        if transactions.is_empty() {
            continue;
        }
        let now = fake.now();
        let rows: Vec<Value> =
            transactions.iter().rev().map(|transaction| transaction.render(now)).collect();
        let list = json!({
            "object": "list", "data": rows, "has_more": false, "url": "/v1/balance_transactions",
        });
        let path = folder.join(format!("{}.json", owner.unwrap_or("platform")));
        std::fs::write(&path, list.to_string())?;
        files.push(path);
    }
    let path = folder.join("platform.csv");
    let csv = balance_transactions_csv(fake).map_err(std::io::Error::other)?;
    std::fs::write(&path, csv)?;
    files.push(path);
    Ok(files)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BarePayment, Operation, Seed};

    #[test]
    fn a_refund_on_the_list_becomes_the_request_that_makes_it() {
        let fake = FakeStripe::new(Seed(1), 1_772_323_200);
        fake.apply("sale", Operation::Pay(BarePayment::default())).unwrap();
        let charge = fake.id_of("ch", "sale");
        let effect = json!({
            "call": "create_refund", "idempotency_key": "db:ten_1:refund:rfd_1:1",
            "params": { "charge": charge, "amount": 400 },
            "metadata": { "daybook_tenant": "ten_1", "daybook_refund": "rfd_1" },
        });
        let request = request_of(&effect).unwrap().key("db:ten_1:refund:rfd_1:1");
        let answer = fake.call(&request).unwrap();
        assert_eq!((answer.status, &answer.body["amount"]), (200, &json!(400)));
        assert_eq!(answer.body["metadata"]["daybook_refund"], "rfd_1");
    }

    #[test]
    fn a_session_on_the_list_can_be_paid() {
        let fake = FakeStripe::new(Seed(1), 1_772_323_200);
        let effect = json!({
            "call": "create_session",
            "params": {
                "amount": 1_000, "currency": "USD", "client_reference_id": "ord_1",
                "transfer_group": "ord_1", "expires_at": 1_772_323_200 + 3_600,
                "success_url": "https://shop.example/thanks",
                "cancel_url": "https://shop.example/cart",
            },
            "metadata": { "daybook_order": "ord_1" },
        });
        let answer = fake.call(&request_of(&effect).unwrap().key("s")).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let pay = Operation::PaySession {
            session: crate::Target::metadata("daybook_order", "ord_1"),
            payment: crate::Payment::default(),
            forget: crate::Forget::default(),
        };
        fake.apply("pay", pay).unwrap();
        assert_eq!(fake.object(&fake.id_of("ch", "pay")).unwrap()["amount"], 1_000);
    }

    #[test]
    fn what_nobody_can_do_by_hand_is_left_alone() {
        assert_eq!(request_of(&json!({ "call": "paint_the_fence", "params": {} })), None);
    }

    #[test]
    fn statements_hold_every_balance_transaction() {
        let fake = FakeStripe::new(Seed(1), 1_772_323_200);
        for number in 0..12 {
            fake.apply(&number.to_string(), Operation::Pay(BarePayment::default())).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let files = write_statements(&fake, folder.path()).unwrap();
        assert_eq!(files.len(), 2);
        let list: Value =
            serde_json::from_str(&std::fs::read_to_string(&files[0]).unwrap()).unwrap();
        assert_eq!(list["data"].as_array().unwrap().len(), 12);
    }
}

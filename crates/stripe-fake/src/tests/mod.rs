//! What the fake promises, tried from outside.

mod client;
mod conservation;
mod demo;
mod disputes;
mod durability;
mod exports;
mod linking;
mod payments;
mod payouts;
mod refunds;
mod scenario;
mod sellers;
mod stub;
mod webhooks;

use serde_json::Value;

use crate::{ApiAnswer, ApiRequest, FakeStripe, NewAccount, Operation, Payment, Seed, Target};

/// A Thursday, midnight UTC.
const START: i64 = 1_790_812_800;
const DAY: i64 = 86_400;

fn stripe() -> FakeStripe {
    FakeStripe::new(Seed(42), START)
}

fn session_form(order: &str, amount: i64, currency: &str) -> String {
    format!(
        "mode=payment&success_url=https%3A%2F%2Fshop.example%2Fdone\
         &line_items[0][price_data][currency]={currency}\
         &line_items[0][price_data][unit_amount]={amount}\
         &line_items[0][price_data][product_data][name]=Walnut+chair\
         &line_items[0][quantity]=1&client_reference_id={order}\
         &metadata[daybook_tenant]=acme&metadata[daybook_order]={order}\
         &payment_intent_data[metadata][daybook_tenant]=acme\
         &payment_intent_data[metadata][daybook_order]={order}\
         &payment_intent_data[transfer_group]=group_{order}"
    )
}

fn ask(stripe: &FakeStripe, request: &ApiRequest) -> ApiAnswer {
    stripe.call(request).expect("no journal, no journal error")
}

fn accepted(stripe: &FakeStripe, request: &ApiRequest) -> Value {
    let answer = ask(stripe, request);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn refusal_code(stripe: &FakeStripe, request: &ApiRequest) -> String {
    let answer = ask(stripe, request);
    assert_eq!(answer.status, 400, "{}", answer.body);
    answer.body["error"]["code"].as_str().unwrap_or_default().to_owned()
}

fn get(stripe: &FakeStripe, path: &str) -> Value {
    accepted(stripe, &ApiRequest::get(path))
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Creates a session for an order; answers its id.
fn open_session(stripe: &FakeStripe, order: &str, amount: i64, currency: &str) -> String {
    let form = session_form(order, amount, currency);
    let request = ApiRequest::post("/v1/checkout/sessions", &form).key(format!("session-{order}"));
    text(&accepted(stripe, &request), "id")
}

/// Creates and pays a session by card; answers the charge.
fn paid_order(stripe: &FakeStripe, order: &str, amount: i64, currency: &str) -> String {
    let session = open_session(stripe, order, amount, currency);
    pay(stripe, &session, Payment::default());
    stripe.find_charge(&Target::id(session)).expect("a paid session has a charge")
}

fn pay(stripe: &FakeStripe, session: &str, payment: Payment) {
    let pay = Operation::PaySession {
        session: Target::id(session),
        payment,
        forget: crate::Forget::default(),
    };
    let key = format!("pay-{session}-{}", stripe.event_count());
    stripe.apply(&key, pay).expect("the session is open");
}

fn seller(stripe: &FakeStripe, key: &str) -> String {
    let applied = stripe.apply(key, Operation::CreateAccount(NewAccount::default()));
    applied.expect("accounts can always be created").id.expect("an account has an id")
}

/// Sends money to a connected account once it is available; answers the transfer.
fn transferred(stripe: &FakeStripe, account: &str, amount: i64) -> String {
    let form = format!("amount={amount}&currency=usd&destination={account}");
    let key = format!("transfer-{account}-{amount}");
    text(&accepted(stripe, &ApiRequest::post("/v1/transfers", &form).key(key)), "id")
}

fn kinds_since(stripe: &FakeStripe, before: usize) -> Vec<String> {
    stripe.event_kinds().split_off(before)
}

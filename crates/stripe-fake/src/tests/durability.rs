//! Keys, journals and faults: what survives repetition and sudden death.

use std::fs::OpenOptions;
use std::io::Write as _;

use super::{
    DAY, START, accepted, ask, open_session, paid_order, seller, session_form, stripe, text,
};
use crate::{
    ApiRequest, BarePayment, FakeStripe, JournalError, NewDispute, Operation, OperationError,
    Payment, Seed, Target,
};

#[test]
fn the_same_key_answers_the_same_and_another_body_is_refused() {
    let stripe = stripe();
    let form = session_form("ord_1", 1_000, "usd");
    let request = ApiRequest::post("/v1/checkout/sessions", &form).key("k");
    let first = ask(&stripe, &request);
    let again = ask(&stripe, &request);
    assert_eq!((&again.body, again.replayed), (&first.body, true));
    let other = session_form("ord_1", 2_000, "usd");
    let other = ask(&stripe, &ApiRequest::post("/v1/checkout/sessions", &other).key("k"));
    assert_eq!((other.status, &other.body["error"]["type"]), (400, &"idempotency_error".into()));
    assert_eq!(
        accepted(&stripe, &ApiRequest::get("/v1/checkout/sessions"))["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn once_keys_are_forgotten_a_repeated_request_makes_a_second_object() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 1_000, "usd");
    let request = ApiRequest::post("/v1/refunds", &format!("charge={charge}&amount=100")).key("k");
    let first = accepted(&stripe, &request);
    stripe.apply("forget", Operation::ForgetIdempotencyKeys).unwrap();
    let second = accepted(&stripe, &request);
    assert_ne!(first["id"], second["id"]);
}

#[test]
fn a_repeated_operation_changes_nothing_and_its_key_belongs_to_it() {
    let stripe = stripe();
    let pay = Operation::Pay(BarePayment::default());
    let first = stripe.apply("sale", pay.clone()).unwrap();
    let digest = stripe.digest();
    assert_eq!(stripe.apply("sale", pay).unwrap(), first);
    assert_eq!(stripe.digest(), digest);
    let other = Operation::Pay(BarePayment { amount: 2_000, ..BarePayment::default() });
    assert!(matches!(stripe.apply("sale", other), Err(OperationError::Refused(_))));
}

#[test]
fn ids_do_not_depend_on_the_order_of_arrival() {
    let (one, other) = (stripe(), stripe());
    let orders = ["ord_1", "ord_2", "ord_3"];
    let forwards: Vec<String> =
        orders.iter().map(|order| open_session(&one, order, 1_000, "usd")).collect();
    let mut backwards: Vec<String> =
        orders.iter().rev().map(|order| open_session(&other, order, 1_000, "usd")).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    assert_ne!(forwards[0], open_session(&FakeStripe::new(Seed(43), START), "ord_1", 1_000, "usd"));
}

/// A little of everything, with operations still scheduled at the end.
fn live(stripe: &FakeStripe) {
    let charge = paid_order(stripe, "ord_1", 10_000, "usd");
    let session = open_session(stripe, "ord_2", 3_000, "eur");
    stripe
        .apply(
            "pay-2",
            Operation::PaySession {
                session: Target::id(session),
                payment: Payment::debit(5 * DAY),
                forget: crate::Forget::default(),
            },
        )
        .unwrap();
    let account = seller(stripe, "seller");
    stripe.advance_to(START + 2 * DAY).unwrap();
    let form = format!("amount=5000&currency=usd&destination={account}");
    accepted(stripe, &ApiRequest::post("/v1/transfers", &form));
    ask(stripe, &ApiRequest::post("/v1/transfers", &form.replace("5000", "50000")).key("too much"));
    let payout = ApiRequest::post("/v1/payouts", "amount=4000&currency=usd").on_account(account);
    accepted(stripe, &payout.key("payout"));
    stripe
        .apply("dispute", Operation::OpenDispute(NewDispute::chargeback(Target::id(charge))))
        .unwrap();
    assert!(
        stripe
            .apply("nonsense", Operation::ReplaceExternalAccount { account: "acct_0".into() })
            .is_err()
    );
    let events = stripe.take_undelivered(3, &std::collections::BTreeSet::new());
    let ids: Vec<String> = events.into_iter().map(|event| event.id).collect();
    stripe.acknowledge(&ids).unwrap();
}

#[test]
fn a_reopened_journal_leads_to_the_same_state_and_the_same_future() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ndjson");
    let first = FakeStripe::open(&path, Seed(42), START).unwrap();
    live(&first);
    let reopened = FakeStripe::open(&path, Seed(42), START).unwrap();
    assert_eq!(reopened.digest(), first.digest());
    assert_eq!(reopened.undelivered_count(), first.undelivered_count());

    let in_memory = stripe();
    live(&in_memory);
    assert_eq!(in_memory.digest(), first.digest(), "the journal changes nothing");

    reopened.advance_to(START + 20 * DAY).unwrap();
    in_memory.advance_to(START + 20 * DAY).unwrap();
    assert_eq!(reopened.digest(), in_memory.digest());
    assert_ne!(reopened.digest(), first.digest());
    let refunded = ApiRequest::post("/v1/transfers", "").key("too much");
    assert_eq!(
        ask(&reopened, &refunded).body["error"]["type"],
        "idempotency_error",
        "keys survive"
    );
}

#[test]
fn a_torn_last_line_is_discarded_and_what_was_answered_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ndjson");
    let first = FakeStripe::open(&path, Seed(42), START).unwrap();
    live(&first);
    let digest = first.digest();
    drop(first);
    let torn = br#"{"clock":1790985600,"entry":{"operation":{"key":"never answ"#;
    OpenOptions::new().append(true).open(&path).unwrap().write_all(torn).unwrap();
    let reopened = FakeStripe::open(&path, Seed(42), START).unwrap();
    assert_eq!(reopened.digest(), digest);
    reopened.apply("after", Operation::Pay(BarePayment::default())).unwrap();
    let again = FakeStripe::open(&path, Seed(42), START).unwrap();
    assert_eq!(again.digest(), reopened.digest());
}

#[test]
fn a_journal_of_another_fake_and_a_damaged_one_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ndjson");
    live(&FakeStripe::open(&path, Seed(42), START).unwrap());
    let foreign = FakeStripe::open(&path, Seed(43), START);
    assert!(matches!(foreign, Err(JournalError::Foreign { .. })));
    let text =
        std::fs::read_to_string(&path).unwrap().replacen("\"operation\"", "\"oparation\"", 1);
    std::fs::write(&path, text).unwrap();
    let damaged = FakeStripe::open(&path, Seed(42), START);
    assert!(matches!(damaged, Err(JournalError::Unreadable { .. })));
}

#[test]
fn lists_page_from_newest_to_oldest_without_gaps_or_repeats() {
    let stripe = stripe();
    let sessions: Vec<String> =
        (0..7).map(|n| open_session(&stripe, &format!("ord_{n}"), 1_000, "usd")).collect();
    let mut seen = Vec::new();
    let mut form = "limit=3".to_owned();
    loop {
        let request = ApiRequest {
            parameters: crate::parse_form(&form),
            ..ApiRequest::get("/v1/checkout/sessions")
        };
        let page = accepted(&stripe, &request);
        let ids: Vec<String> =
            page["data"].as_array().unwrap().iter().map(|session| text(session, "id")).collect();
        form = format!("limit=3&starting_after={}", ids.last().unwrap());
        seen.extend(ids);
        if page["has_more"] == false {
            break;
        }
    }
    seen.reverse();
    assert_eq!(seen, sessions);
}

//! The files that balances can be compared with.

use super::{DAY, START, accepted, paid_order, seller, stripe, transferred};
use crate::{
    ApiRequest, BarePayment, DisputeOutcome, NewDispute, Operation, Target,
    balance_transactions_csv, balance_transactions_json, currency_facts,
};

#[test]
fn the_csv_has_one_line_per_transaction_and_adds_up_to_the_balance() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 10_325, "usd");
    stripe.advance_to(START + 2 * DAY).unwrap();
    let refund = format!("charge={charge}&amount=325");
    let refund = accepted(&stripe, &ApiRequest::post("/v1/refunds", &refund).key("r"));
    let account = seller(&stripe, "seller");
    transferred(&stripe, &account, 5_000);
    let yen = BarePayment { amount: 900, currency: "jpy".into(), ..BarePayment::default() };
    stripe.apply("yen", Operation::Pay(yen)).unwrap();
    let lost = NewDispute {
        outcome: Some((60, DisputeOutcome::won(true))),
        ..NewDispute::chargeback(Target::made("yen"))
    };
    stripe.apply("dispute", Operation::OpenDispute(lost)).unwrap();
    stripe.advance_to(START + 3 * DAY).unwrap();

    let text = balance_transactions_csv(&stripe).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), stripe.balance_transactions(None).len());
    let first = &rows[0];
    assert_eq!(&first[column("created_utc")], "2026-10-01 00:00:00");
    assert_eq!(&first[column("available_on_utc")], "2026-10-03 00:00:00");
    let amounts = ["gross", "fee", "net"].map(|name| &first[column(name)]);
    assert_eq!(amounts, ["103.25", "3.29", "99.96"]);
    assert_eq!(&first[column("charge_id")], charge);
    assert_eq!(&first[column("payment_metadata[daybook_order]")], "ord_1");
    assert_eq!(&rows[1][column("refund_id")], refund["id"].as_str().unwrap());
    assert_eq!(&rows[1][column("charge_id")], charge);
    assert_eq!(&rows[2][column("connected_account_id")], account);

    for (currency, balance) in stripe.balance(None) {
        let decimals = currency_facts(&currency).decimals;
        let net: i64 = rows
            .iter()
            .filter(|row| row[column("currency")] == currency)
            .map(|row| row[column("net")].replace('.', "").parse::<i64>().unwrap())
            .sum();
        assert_eq!(net, balance, "{currency} with {decimals} decimals");
    }
}

#[test]
fn the_json_list_is_what_the_api_lists() {
    let stripe = stripe();
    paid_order(&stripe, "ord_1", 10_325, "usd");
    stripe
        .apply("hold", Operation::HoldReserve { account: None, amount: 9, currency: "usd".into() })
        .unwrap();
    let listed = accepted(&stripe, &ApiRequest::get("/v1/balance_transactions"));
    assert_eq!(balance_transactions_json(&stripe), listed);
    assert_eq!(listed["data"].as_array().unwrap().len(), 3);
}

#[test]
fn a_delivered_body_says_what_the_events_list_says() {
    let stripe = stripe();
    paid_order(&stripe, "ord_1", 10_325, "usd");
    let dispute = NewDispute::chargeback(Target::metadata("daybook_order", "ord_1"));
    stripe.apply("dispute", Operation::OpenDispute(dispute)).unwrap();
    let close = Operation::CloseDispute {
        dispute: Target::made("dispute"),
        outcome: DisputeOutcome::lost(),
    };
    stripe.apply("close", close).unwrap();
    for event in stripe.take_undelivered(usize::MAX, &std::collections::BTreeSet::new()) {
        let body: serde_json::Value = serde_json::from_str(&event.body).unwrap();
        assert_eq!(body, accepted(&stripe, &ApiRequest::get(format!("/v1/events/{}", event.id))));
    }
}

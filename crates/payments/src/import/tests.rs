//! Files as Stripe writes them, and files that somebody has edited.

use aggregates::balance_transaction::{Provenance, TransactionRecord};
use stripe_fake::{
    BarePayment, FakeStripe, Operation, Seed, balance_transactions_csv, balance_transactions_json,
};

use super::*;

fn all(content: &str) -> Vec<TransactionRecord> {
    transactions(content.as_bytes(), None).unwrap().map(Result::unwrap).collect()
}

fn first_error(content: &str) -> String {
    match transactions(content.as_bytes(), None) {
        Err(error) => error.to_string(),
        Ok(records) => records.into_iter().find_map(Result::err).unwrap().to_string(),
    }
}

const HEADER: &str = "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,\
                      reporting_category,source_id";

fn file(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

#[test]
fn an_itemised_report_is_read() {
    let records = all(&file(&[
        "txn_1,2026-03-01 12:00:00,2026-03-03 00:00:00,usd,103.25,3.29,99.96,charge,ch_1",
        "txn_2,2026-03-02 12:00:00,2026-03-02 12:00:00,kwd,-5.130,0.000,-5.130,payout,po_1",
        "txn_3,2026-03-02 12:00:00,,jpy,-5000,0,-5000,dispute,dp_1",
        "txn_4,2026-03-02 12:00:00,,usd,-2.00,0.40,-2.40,fee,",
    ]));
    let charge = &records[0];
    assert_eq!((charge.kind.as_str(), charge.category.as_str()), ("charge", "charge"));
    assert_eq!((charge.amount, charge.fee, charge.net), (10_325, 329, 9_996));
    assert_eq!(charge.available_on, "2026-03-03T00:00:00Z".parse().unwrap());
    assert_eq!(charge.provenance, Provenance::Imported);
    assert_eq!((records[1].kind.as_str(), records[1].amount), ("payout", -5_130));
    assert_eq!((records[2].kind.as_str(), records[2].category.as_str()), ("adjustment", "dispute"));
    assert_eq!(records[2].available_on, records[2].occurred_at);
    let bill = &records[3];
    assert_eq!((bill.kind.as_str(), bill.source.as_ref()), ("stripe_fee", None));
    assert_eq!((bill.fee_details[0].kind.as_str(), bill.fee_details[0].amount), ("tax", 40));
}

#[test]
fn the_export_of_the_balance_page_is_read() {
    let records = all("id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC)\n\
         txn_1,adjustment,du_1,-54.13,15.00,-69.13,usd,2026-03-01 12:00,2026-03-01 12:00\n");
    assert_eq!((records[0].kind.as_str(), records[0].category.as_str()), ("adjustment", "dispute"));
}

#[test]
fn an_error_names_the_line_and_the_column() {
    let right = "txn_1,2026-03-01 12:00:00,,usd,1.00,0.00,1.00,charge,ch_1";
    let cases = [
        ("txn_2,2026-03-01 12:00:00,,usd,1.0x,0.00,1.00,charge,ch_1", "line 3, column gross"),
        ("txn_2,2026-03-01 12:00:00,,usd,1.00,0.00,0.99,charge,ch_1", "line 3, column net"),
        ("txn_2,yesterday,,usd,1.00,0.00,1.00,charge,ch_1", "line 3, column created_utc"),
        ("txn_2,2026-03-01 12:00:00,,xxx,1.00,0.00,1.00,charge,ch_1", "line 3, column currency"),
        (",2026-03-01 12:00:00,,usd,1.00,0.00,1.00,charge,ch_1", "line 3, column balance_"),
        ("txn_2,2026-03-01 12:00:00,,usd,1.00,0.00,1.00,,ch_1", "line 3, column reporting_"),
        ("txn_2,usd", "line 3"),
    ];
    for (row, expected) in cases {
        let error = first_error(&file(&[right, row]));
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(first_error("a,b\n1,2\n").contains("no column \"balance_transaction_id\" or \"id\""));
    assert!(first_error("").contains("empty"));
}

#[test]
fn json_is_read_in_every_shape_it_comes_in() {
    let one = r#"{"id":"txn_1","type":"charge","amount":100,"fee":3,"net":97,"currency":"usd",
        "created":1790000000,"reporting_category":"charge","source":"ch_1"}"#;
    let line = one.replace('\n', " ");
    let reserve = line
        .replace("txn_1", "txn_2")
        .replace("\"id\"", "\"balance_type\":\"risk_reserved\",\"id\"");
    for content in [
        one.to_owned(),
        format!("[{one},{reserve}]"),
        format!("{{\"object\":\"list\",\"data\":[{one}],\"has_more\":false}}"),
        format!("{line}\n\n{reserve}\n"),
    ] {
        let records = all(&content);
        assert_eq!(records.len(), 1, "{content}");
        assert_eq!((records[0].txn.as_str(), records[0].net), ("txn_1", 97));
    }
    let broken = format!("[{one},\n{}]", line.replace("100", "\"100\""));
    assert!(first_error(&broken).starts_with("line 3, column amount"), "{}", first_error(&broken));
    let wrong = format!("{line}\n{}\n", line.replace("97", "98"));
    assert!(first_error(&wrong).starts_with("line 2, column net"));
    assert!(first_error("[1").starts_with("line 1"));
}

#[test]
fn the_report_and_the_list_say_the_same() {
    let stripe = FakeStripe::new(Seed(3), 1_790_000_000);
    for (name, amount, currency) in
        [("one", 10_325, "usd"), ("two", 5_000, "jpy"), ("three", 5_130, "kwd")]
    {
        let payment =
            BarePayment { amount, currency: currency.to_owned(), ..BarePayment::default() };
        stripe.apply(name, Operation::Pay(payment)).unwrap();
    }
    let mut from_csv = all(&balance_transactions_csv(&stripe).unwrap());
    let mut from_json = all(&balance_transactions_json(&stripe).to_string());
    from_csv.sort_by(|a, b| a.txn.cmp(&b.txn));
    from_json.sort_by(|a, b| a.txn.cmp(&b.txn));
    assert_eq!(from_csv.len(), 3);
    for (csv, json) in from_csv.iter().zip(&from_json) {
        assert!(csv.same_figures(json), "{csv:?} {json:?}");
        assert_eq!((&csv.kind, &csv.category), (&json.kind, &json.category));
        assert_eq!((csv.available_on, csv.occurred_at), (json.available_on, json.occurred_at));
    }
}

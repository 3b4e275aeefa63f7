//! What Stripe settles in another currency than the buyer's.

use super::*;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn charged(presented: i64, settled: i64) -> Fact {
    payment(PaymentEvent::Converted {
        charge: "ch_1".into(),
        txn: "txn_1".into(),
        presented: eur(presented),
        settled: usd(settled),
        exchange_rate: Some("1.085".to_owned()),
        order: Some(order_id()),
        occurred_at: then(),
        at: later(),
    })
}

#[test]
fn a_charge_in_euros_that_settles_in_dollars_leaves_clearing_empty_in_both() {
    let charge = charged(10_000, 10_850);
    assert_eq!(
        posted(&charge),
        [
            "Dr equity:conversion 10000 EUR",
            "Cr assets:clearing:stripe:charge:ch_1 10000 EUR",
            "Dr assets:clearing:stripe:charge:ch_1 10850",
            "Cr equity:conversion 10850",
        ]
    );
    let settled = transaction("charge", "charge", "ch_1", 10_850, 345);
    assert_eq!(
        posted(&settled),
        [
            "Dr assets:stripe:balance 10505",
            "Dr expenses:stripe-fees:processing 345",
            "Cr assets:clearing:stripe:charge:ch_1 10850",
        ]
    );
    let entries = postings(&stream("payment", &PaymentId::default()), &charge).unwrap();
    assert_eq!(entries[0].effective(), then());
    let about = entries[1].lines()[0].dimensions();
    assert_eq!((about.order, about.txn.clone()), (Some(order_id()), Some("txn_1".into())));
}

#[test]
fn a_charge_the_bank_took_back_is_exchanged_the_other_way() {
    assert_eq!(
        posted(&charged(-10_000, -10_900)),
        [
            "Cr equity:conversion 10000 EUR",
            "Dr assets:clearing:stripe:charge:ch_1 10000 EUR",
            "Cr assets:clearing:stripe:charge:ch_1 10900",
            "Dr equity:conversion 10900",
        ]
    );
}

#[test]
fn a_refund_in_euros_is_taken_from_a_balance_in_dollars() {
    let converted = Fact::Refund(RefundEvent::Converted {
        refund: refund_id(),
        stripe_refund: "re_1".into(),
        txn: "txn_2".into(),
        presented: eur(-3930),
        settled: usd(-4300),
        exchange_rate: None,
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&converted),
        [
            "Cr equity:conversion 3930 EUR",
            "Dr assets:clearing:stripe:refund:re_1 3930 EUR",
            "Cr assets:clearing:stripe:refund:re_1 4300",
            "Dr equity:conversion 4300",
        ]
    );
    assert_eq!(
        posted(&transaction("refund", "refund", "re_1", -4300, 0)),
        ["Cr assets:stripe:balance 4300", "Dr assets:clearing:stripe:refund:re_1 4300"]
    );
}

#[test]
fn a_dispute_in_euros_moves_dollars_out_and_in() {
    let moved = |presented: i64, settled: i64| {
        Fact::Dispute(DisputeEvent::Converted {
            dispute: DisputeId::default(),
            stripe_dispute: "dp_1".into(),
            txn: "txn_3".into(),
            presented: eur(presented),
            settled: usd(settled),
            occurred_at: then(),
            at: later(),
        })
    };
    assert_eq!(
        posted(&moved(-5413, -5900)),
        [
            "Cr equity:conversion 5413 EUR",
            "Dr assets:clearing:stripe:dispute:dp_1 5413 EUR",
            "Cr assets:clearing:stripe:dispute:dp_1 5900",
            "Dr equity:conversion 5900",
        ]
    );
    assert_eq!(
        posted(&moved(1000, 1090)),
        [
            "Dr equity:conversion 1000 EUR",
            "Cr assets:clearing:stripe:dispute:dp_1 1000 EUR",
            "Dr assets:clearing:stripe:dispute:dp_1 1090",
            "Cr equity:conversion 1090",
        ]
    );
}

#[test]
fn an_exchange_of_a_currency_for_itself_is_a_fault() {
    let senseless = payment(PaymentEvent::Converted {
        charge: "ch_1".into(),
        txn: "txn_1".into(),
        presented: usd(1),
        settled: usd(1),
        exchange_rate: None,
        order: None,
        occurred_at: then(),
        at: later(),
    });
    assert!(matches!(
        postings(&stream("payment", &PaymentId::default()), &senseless),
        Err(PostingFault::Senseless { kind: "payment.converted", .. })
    ));
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 5] = [
    a_charge_in_euros_that_settles_in_dollars_leaves_clearing_empty_in_both,
    a_charge_the_bank_took_back_is_exchanged_the_other_way,
    a_refund_in_euros_is_taken_from_a_balance_in_dollars,
    a_dispute_in_euros_moves_dollars_out_and_in,
    an_exchange_of_a_currency_for_itself_is_a_fault,
];

//! Stripe's own movements, and what meets them.

use super::*;

#[test]
fn a_monthly_fee_shows_its_tax() {
    let fee = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord {
            fee_details: vec![
                FeeDetail { kind: "stripe_fee".to_owned(), amount: 200 },
                FeeDetail { kind: "tax".to_owned(), amount: 40 },
            ],
            ..record("stripe_fee", "fee", "", -240, 0)
        },
        at: later(),
    });
    assert_eq!(
        posted(&fee),
        [
            "Cr assets:stripe:balance 240",
            "Dr expenses:stripe-fees:connect 200",
            "Dr assets:vat-recoverable 40",
        ]
    );
}

#[test]
fn a_reserve_is_only_another_part_of_the_balance() {
    assert_eq!(
        posted(&transaction("reserve_hold", "risk_reserved_funds", "rsv_1", -300, 0)),
        ["Cr assets:stripe:balance 300", "Dr assets:stripe:reserved 300"]
    );
}

#[test]
fn a_kind_nobody_mapped_goes_to_suspense() {
    assert_eq!(
        posted(&transaction("climate_order_purchase", "climate", "co_1", -300, 0)),
        ["Cr assets:stripe:balance 300", "Dr assets:suspense:stripe 300"]
    );
    let nameless = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord { source: None, ..record("charge", "charge", "", 100, 3) },
        at: later(),
    });
    assert_eq!(
        posted(&nameless),
        [
            "Dr assets:stripe:balance 97",
            "Dr expenses:stripe-fees:processing 3",
            "Cr assets:suspense:stripe 100",
        ]
    );
}

#[test]
fn a_contradicted_transaction_posts_nothing() {
    let contradicted = Fact::BalanceTransaction(BalanceTransactionEvent::Contradicted {
        known: record("charge", "charge", "ch_1", 100, 3),
        given: record("charge", "charge", "ch_1", 101, 3),
        at: later(),
    });
    assert_eq!(posted(&contradicted), Vec::<String>::new());
}

#[test]
fn a_topup_and_its_transaction_meet() {
    let credited = Fact::Topup(TopupEvent::Credited {
        topup: "tu_1".into(),
        txn: "txn_t".into(),
        amount: usd(10_000),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&credited),
        ["Dr assets:clearing:stripe:topup:tu_1 10000", "Cr assets:bank:main 10000"]
    );
    assert_eq!(
        posted(&transaction("topup", "topup", "tu_1", 10_000, 0)),
        ["Dr assets:stripe:balance 10000", "Cr assets:clearing:stripe:topup:tu_1 10000"]
    );
    let reversed = Fact::Topup(TopupEvent::Reversed {
        topup: "tu_1".into(),
        amount: usd(10_000),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&reversed),
        ["Dr assets:bank:main 10000", "Cr assets:clearing:stripe:topup:tu_1 10000"]
    );
}

#[test]
fn an_application_fee_is_commission() {
    let earned = payment(PaymentEvent::ApplicationFeeEarned {
        fee: "fee_1".into(),
        charge: "ch_1".into(),
        amount: usd(1000),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&earned),
        ["Dr assets:clearing:stripe:appfee:fee_1 1000", "Cr income:commission 1000"]
    );
    assert_eq!(
        posted(&transaction("application_fee", "platform_earning", "fee_1", 1000, 0)),
        ["Dr assets:stripe:balance 1000", "Cr assets:clearing:stripe:appfee:fee_1 1000"]
    );
    let refunded = payment(PaymentEvent::ApplicationFeeRefunded {
        fee: "fee_1".into(),
        refund: "fr_1".into(),
        amount: usd(400),
        occurred_at: then(),
        at: later(),
    });
    assert_eq!(
        posted(&refunded),
        ["Dr income:commission-refunded 400", "Cr assets:clearing:stripe:appfee-refund:fr_1 400"]
    );
}

#[test]
fn fees_for_exchange_and_tax_on_fees_are_told_apart() {
    let fx = transaction("stripe_fx_fee", "fee", "ch_9", -217, 0);
    assert_eq!(posted(&fx), ["Cr assets:stripe:balance 217", "Dr expenses:stripe-fees:fx 217"]);
    let tax = transaction("tax_fee", "fee", "ch_9", -38, 0);
    assert_eq!(posted(&tax), ["Cr assets:stripe:balance 38", "Dr assets:vat-recoverable 38"]);
}

#[test]
fn the_tax_in_a_fee_is_recoverable_whatever_the_fee_is_for() {
    let taxed = |kind: &str, category: &str, source: &str, amount, fee, tax| {
        Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
            record: TransactionRecord {
                fee_details: vec![
                    FeeDetail { kind: "stripe_fee".to_owned(), amount: fee - tax },
                    FeeDetail { kind: "tax".to_owned(), amount: tax },
                ],
                ..record(kind, category, source, amount, fee)
            },
            at: later(),
        })
    };
    assert_eq!(
        posted(&taxed("charge", "charge", "ch_1", 7200, 357, 57)),
        [
            "Dr assets:stripe:balance 6843",
            "Dr expenses:stripe-fees:processing 300",
            "Dr assets:vat-recoverable 57",
            "Cr assets:clearing:stripe:charge:ch_1 7200",
        ]
    );
    assert_eq!(
        posted(&taxed("adjustment", "dispute", "dp_1", -5413, 1785, 285)),
        [
            "Cr assets:stripe:balance 7198",
            "Dr expenses:stripe-fees:dispute 1500",
            "Dr assets:vat-recoverable 285",
            "Dr assets:clearing:stripe:dispute:dp_1 5413",
        ]
    );
}

#[test]
fn a_mirror_book_takes_the_net_and_the_other_end_the_amount() {
    let details = |amounts: [i64; 3]| {
        amounts.map(|amount| FeeDetail { kind: "stripe_fee".to_owned(), amount }).to_vec()
    };
    let own = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord {
            account: Some("acct_1".into()),
            fee_details: details([121, 77, 52]),
            ..record("charge", "charge", "ch_7", 9000, 250)
        },
        at: later(),
    });
    assert_eq!(
        posted(&own),
        ["acct_1: Dr assets:stripe:balance 8750", "acct_1: Cr liabilities:owner 8750"]
    );
    let transfer = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: TransactionRecord {
            counterpart: Some("acct_1".into()),
            fee_details: details([21, 17, 12]),
            ..record("transfer", "transfer", "tr_2", -4040, 50)
        },
        at: later(),
    });
    assert_eq!(
        posted(&transfer),
        [
            "Cr assets:stripe:balance 4090",
            "Dr expenses:stripe-fees:connect 50",
            "Dr assets:clearing:stripe:transfer:tr_2 4040",
            "acct_1: Dr assets:stripe:balance 4040",
            "acct_1: Cr liabilities:owner 4040",
        ]
    );
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 9] = [
    a_monthly_fee_shows_its_tax,
    a_reserve_is_only_another_part_of_the_balance,
    a_kind_nobody_mapped_goes_to_suspense,
    a_contradicted_transaction_posts_nothing,
    a_topup_and_its_transaction_meet,
    an_application_fee_is_commission,
    fees_for_exchange_and_tax_on_fees_are_told_apart,
    the_tax_in_a_fee_is_recoverable_whatever_the_fee_is_for,
    a_mirror_book_takes_the_net_and_the_other_end_the_amount,
];

//! What holds whatever the amounts.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn every_balance_transaction_balances_whatever_its_kind_and_sign(
        kind in prop::sample::select(vec![
            "charge", "refund", "adjustment", "transfer", "transfer_refund", "payout", "stripe_fee",
            "tax_fee", "reserve_hold", "topup", "application_fee_refund", "something_new",
        ]),
        amount in -1_000_000_i64..1_000_000,
        fee in -5000_i64..5000,
        tax in 0_i64..500,
        connected in any::<bool>(),
    ) {
        let fact = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
            record: TransactionRecord {
                account: connected.then(|| "acct_1".into()),
                counterpart: Some("acct_2".into()),
                fee_details: vec![FeeDetail { kind: "tax".to_owned(), amount: tax }],
                ..record(kind, "dispute", "obj_1", amount, fee)
            },
            at: later(),
        });
        let entries = postings(&stream("balance_transaction", &"txn_1"), &fact).unwrap();
        let mut stripe = 0;
        for entry in &entries {
            prop_assert_eq!(entry.lines().iter().map(Posting::signed).sum::<i64>(), 0);
            prop_assert!(entry.lines().iter().all(|line| line.minor() > 0));
            if *entry.book() == crate::chart::Book::Platform {
                stripe += entry
                    .lines()
                    .iter()
                    .filter(|line| line.account().is_stripe())
                    .filter(|line| kind != "reserve_hold" || line.account().name().ends_with("balance"))
                    .map(Posting::signed)
                    .sum::<i64>();
            }
        }
        prop_assert_eq!(stripe, if connected { 0 } else { amount - fee });
    }

    #[test]
    fn every_refund_of_a_line_is_undone_exactly_by_its_reversal(
        fee in 0_i64..500, seller in 1_i64..5000, shipping in 0_i64..300, tax in 0_i64..900,
        cut in 1_i64..5000, retained in any::<bool>(),
    ) {
        let whole = Components { fee, seller, shipping, tax, discount: fee };
        let part = whole.split(cut.min(whole.cash())).unwrap();
        let source = RefundSource::OrderLine {
            order: order_id(),
            share: share(0, s1(), part),
            tax_jurisdiction: "DE".to_owned(),
            commission_retained: retained,
            policy_version: None,
        };
        let amount = usd(part.cash());
        let there = Fact::Refund(RefundEvent::Approved {
            refund: refund_id(),
            source: source.clone(),
            charge: "ch_1".into(),
            amount,
            how: ApprovedHow::Decided,
            by: Person::default(),
            at: then(),
        });
        let back = Fact::Refund(RefundEvent::Reverted {
            refund: refund_id(), source, payment: PaymentId::default(), charge: "ch_1".into(), amount,
            why: String::new(), at: then(),
        });
        let refund = stream("refund", &refund_id());
        let mut totals = std::collections::BTreeMap::<String, i64>::new();
        for fact in [there, back] {
            for entry in postings(&refund, &fact).unwrap() {
                prop_assert_eq!(entry.lines().iter().map(Posting::signed).sum::<i64>(), 0);
                for line in entry.lines() {
                    let name = line.account().name().replace(":reverted", "");
                    *totals.entry(name).or_default() += line.signed();
                }
            }
        }
        prop_assert!(totals.values().all(|total| *total == 0), "{:?}", totals);
    }
}

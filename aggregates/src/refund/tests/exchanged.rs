//! A refund that Stripe takes from a balance in another currency.

use super::*;
use crate::vocabulary::Settlement;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn settlement(txn: &str, settled: Money) -> RefundCommand {
    RefundCommand::RecordSettlement(Settlement {
        txn: txn.into(),
        settled,
        exchange_rate: Some("0.92".to_owned()),
        occurred_at: hours(1),
    })
}

fn converted(txn: &str, presented: i64, settled: i64) -> RefundEvent {
    RefundEvent::Converted {
        refund: id(),
        stripe_refund: re("re_1"),
        txn: txn.into(),
        presented: usd(presented),
        settled: eur(settled),
        exchange_rate: Some("0.92".to_owned()),
        occurred_at: hours(1),
        at: hours(0),
    }
}

#[test]
fn what_was_exchanged_is_told_once_both_are_known() {
    let out = settlement("txn_out", eur(-3489));
    // Its transaction is not known here yet: the refund will ask.
    Story::submitted().ignores(out.clone());
    Story::begin().ignores(out.clone());
    let story = Story::pending();
    story.answers(out.clone(), vec![converted("txn_out", -3792, -3489)]);
    story.and(out.clone()).ignores(out);
}

#[test]
fn what_comes_back_is_exchanged_at_its_own_amount() {
    let mut failed = fact("failed", 3);
    failed.failure_balance_transaction = Some("txn_in".into());
    let story = Story::pending().and(merge(failed));
    story.answers(settlement("txn_in", eur(3501)), vec![converted("txn_in", 3792, 3501)]);
}

#[test]
fn nothing_is_exchanged_where_there_is_one_currency() {
    Story::pending().ignores(settlement("txn_out", usd(-3792)));
}

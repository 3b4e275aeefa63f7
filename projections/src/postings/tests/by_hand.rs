//! What people post by hand, and the revaluation of what was exchanged.

use aggregates::{
    adjustment::events::{AdjustmentEvent, AdjustmentLine, Content, Reason},
    period::events::PeriodEvent,
};
use kernel::AdjustmentId;

use super::*;
use crate::chart::Side;

#[test]
fn an_adjustment_posts_the_lines_it_states_and_a_sellers_by_his_claim() {
    let line = |account: Option<&str>, side, minor| AdjustmentLine {
        account: account.map(ToOwned::to_owned),
        side,
        minor,
        seller: account.is_none().then(s1),
    };
    let adjustment = AdjustmentId::derived(&["a"]);
    let approved = Fact::Adjustment(AdjustmentEvent::Approved {
        adjustment,
        content: Content {
            lines: vec![
                line(Some("expenses:goodwill"), Side::Debit, 500),
                line(Some("liabilities:tax:DE"), Side::Debit, 825),
                line(Some("equity:opening"), Side::Debit, 40),
                line(Some("expenses:bad-debt:seller"), Side::Debit, 9),
                line(Some("assets:bank:main"), Side::Credit, 865),
                line(None, Side::Credit, 509),
            ],
            currency: Currency::USD,
            effective: then(),
            reason: Reason::Other,
            memo: "several at once".to_owned(),
            evidence_hash: "0".repeat(64),
            reverses: None,
        },
        proposed_by: "key_1".into(),
        approved_by: "key_2".into(),
        at: later(),
    });
    assert_eq!(
        posted(&approved),
        [
            "Dr expenses:goodwill 500".to_owned(),
            "Dr liabilities:tax:DE 825".to_owned(),
            "Dr equity:opening 40".to_owned(),
            "Dr expenses:bad-debt:seller 9".to_owned(),
            "Cr assets:bank:main 865".to_owned(),
            format!("Cr assets:clearing:internal:claim:{adjustment}:S1 509"),
        ]
    );
}

#[test]
fn a_revaluation_books_a_loss_or_a_gain() {
    let revalued = |difference: i64| {
        Fact::Period(PeriodEvent::Revalued {
            functional: Currency::USD,
            day: "2026-03-31".to_owned(),
            effective: then(),
            parts: vec![],
            difference,
            source: "ECB".to_owned(),
            by: "key_1".into(),
            at: later(),
        })
    };
    assert_eq!(posted(&revalued(25)), ["Dr expenses:fx-loss 25", "Cr equity:conversion 25"]);
    assert_eq!(posted(&revalued(-40)), ["Cr income:fx-gain 40", "Dr equity:conversion 40"]);
}

/// The rows of this file, for the mutation test.
pub(super) const ROWS: [fn(); 2] = [
    an_adjustment_posts_the_lines_it_states_and_a_sellers_by_his_claim,
    a_revaluation_books_a_loss_or_a_gain,
];

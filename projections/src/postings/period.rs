//! What a tenant's periods do to the books: closing them posts nothing; a revaluation books what
//! `equity:conversion` has lost or gained, in the functional currency.

use aggregates::period::events::PeriodEvent;

use super::{Dimensions, Entry, Nature, PostingFault, entry::Draft};
use crate::chart::Account;

pub(super) fn postings(event: &PeriodEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        PeriodEvent::Revalued { functional, effective, difference, .. } => {
            let kind = "period.revalued";
            let about = Dimensions::default();
            let mut draft = Draft::new(kind, Nature::Adjustment, *functional, *effective, about);
            let overflow = || PostingFault::Overflow { kind };
            let opposite = difference.checked_neg().ok_or_else(overflow)?;
            let result = if *difference > 0 { Account::FxLoss } else { Account::FxGain };
            draft.signed(result, *difference).signed(Account::Conversion, opposite);
            draft.alone()
        }
        PeriodEvent::Closed { .. }
        | PeriodEvent::ReopenRequested { .. }
        | PeriodEvent::Reopened { .. }
        | PeriodEvent::Locked { .. } => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, Timestamp};

    use super::*;
    use crate::chart::Side::{self, Credit, Debit};

    fn revalued(difference: i64) -> Vec<Vec<(String, Side, i64)>> {
        let event = PeriodEvent::Revalued {
            functional: Currency::USD,
            day: "2026-03-31".to_owned(),
            effective: "2026-03-31T23:59:59.999Z".parse().unwrap(),
            parts: vec![],
            difference,
            source: "ECB".to_owned(),
            by: "key_1".into(),
            at: Timestamp::EPOCH,
        };
        let shown = |entry: &Entry| {
            assert_eq!(entry.currency(), Currency::USD);
            let lines = entry.lines().iter();
            lines.map(|line| (line.account().name(), line.side(), line.minor())).collect()
        };
        postings(&event).unwrap().iter().map(shown).collect()
    }

    #[test]
    fn a_loss_is_an_expense() {
        let expected = vec![
            ("expenses:fx-loss".to_owned(), Debit, 25),
            ("equity:conversion".to_owned(), Credit, 25),
        ];
        assert_eq!(revalued(25), [expected]);
    }

    #[test]
    fn a_gain_is_income() {
        let expected = vec![
            ("income:fx-gain".to_owned(), Credit, 40),
            ("equity:conversion".to_owned(), Debit, 40),
        ];
        assert_eq!(revalued(-40), [expected]);
    }

    #[test]
    fn the_same_rates_again_post_nothing() {
        assert_eq!(revalued(0), Vec::<Vec<_>>::new());
    }
}

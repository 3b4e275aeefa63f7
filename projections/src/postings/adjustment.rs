//! What a manual adjustment does to the books: only its approval posts, exactly the lines it states.
//! A seller's line goes to a claim; `seller_account.*` takes it from there.

use aggregates::adjustment::events::{AdjustmentEvent, Content};
use kernel::AdjustmentId;

use super::{Dimensions, Entry, Nature, PostingFault, entry::Draft};
use crate::chart::{Account, ByHand};

const KIND: &str = "adjustment.approved";

pub(super) fn postings(event: &AdjustmentEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        AdjustmentEvent::Approved { adjustment, content, .. } => approved(*adjustment, content),
        AdjustmentEvent::Proposed { .. }
        | AdjustmentEvent::Rejected { .. }
        | AdjustmentEvent::Withdrawn { .. } => Ok(Vec::new()),
    }
}

fn approved(adjustment: AdjustmentId, content: &Content) -> Result<Vec<Entry>, PostingFault> {
    let about = Dimensions::default();
    let mut draft =
        Draft::new(KIND, Nature::Adjustment, content.currency, content.effective, about);
    for line in &content.lines {
        let about = Dimensions { seller: line.seller, ..Dimensions::default() };
        let account = match (line.claim(adjustment), &line.account) {
            (Some((_, claim)), _) => Account::Claim(claim),
            (None, Some(name)) => by_hand(name)?,
            (None, None) => {
                let why = "a line names neither an account nor a seller";
                return Err(PostingFault::Senseless { kind: KIND, why });
            }
        };
        draft.line(account, line.side, line.minor, about);
    }
    draft.alone()
}

/// The chart says who may post; a fact that got past the people who decide is still no posting.
fn by_hand(name: &str) -> Result<Account, PostingFault> {
    let fault = |why| PostingFault::Senseless { kind: KIND, why };
    let account = Account::parse(name).map_err(|_| fault("an account is not of the chart"))?;
    match account.family().posters.by_hand() {
        ByHand::Always | ByHand::IfOpened => Ok(account),
        ByHand::Never => Err(fault("nobody posts by hand to one of its accounts")),
    }
}

#[cfg(test)]
mod tests {
    use aggregates::{
        adjustment::events::{AdjustmentLine, Reason},
        vocabulary::Side,
    };
    use kernel::{Currency, SellerId, Timestamp};

    use super::*;

    /// Account (or `seller`), side and amount, as an accountant writes them.
    type Lines<'a> = &'a [(&'a str, Side, i64)];

    fn ada() -> SellerId {
        SellerId::derived(&["ada"])
    }

    fn effective() -> Timestamp {
        "2026-03-31T22:00:00Z".parse().unwrap()
    }

    fn content(reason: Reason, lines: Lines<'_>) -> Content {
        let line = |(name, side, minor): &(&str, Side, i64)| AdjustmentLine {
            account: (*name != "seller").then(|| (*name).to_owned()),
            side: *side,
            minor: *minor,
            seller: (*name == "seller").then(ada),
        };
        Content {
            lines: lines.iter().map(line).collect(),
            currency: Currency::USD,
            effective: effective(),
            reason,
            memo: "why".to_owned(),
            evidence_hash: "0".repeat(64),
            reverses: None,
        }
    }

    fn post(reason: Reason, lines: Lines<'_>) -> Result<Vec<(String, Side, i64)>, PostingFault> {
        let adjustment = AdjustmentId::derived(&["a"]);
        let event = AdjustmentEvent::Approved {
            adjustment,
            content: content(reason, lines),
            proposed_by: "key_1".into(),
            approved_by: "key_2".into(),
            at: Timestamp::EPOCH,
        };
        let entries = postings(&event)?;
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!((entry.nature(), entry.effective()), (Nature::Adjustment, effective()));
        let claim = format!("assets:clearing:internal:claim:{adjustment}:{}", ada());
        let shown = |posting: &super::super::Posting| {
            let name = posting.account().name();
            let name = if name == claim { "claim".to_owned() } else { name };
            (name, posting.side(), posting.minor())
        };
        Ok(entry.lines().iter().map(shown).collect())
    }

    fn assert_posts(reason: Reason, lines: Lines<'_>, expected: Lines<'_>) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, side, minor)| ((*name).to_owned(), *side, *minor))
            .collect();
        assert_eq!(post(reason, lines), Ok(expected));
    }

    use Side::{Credit, Debit};

    #[test]
    fn opening_balances_stand_against_equity() {
        assert_posts(
            Reason::OpeningBalance,
            &[
                ("assets:bank:main", Debit, 500_000),
                ("liabilities:tax:DE", Credit, 40_000),
                ("seller", Credit, 60_000),
                ("equity:opening", Credit, 400_000),
            ],
            &[
                ("assets:bank:main", Debit, 500_000),
                ("liabilities:tax:DE", Credit, 40_000),
                ("claim", Credit, 60_000),
                ("equity:opening", Credit, 400_000),
            ],
        );
    }

    #[test]
    fn tax_is_remitted_from_the_bank() {
        let lines: Lines<'_> =
            &[("liabilities:tax:DE", Debit, 825), ("assets:bank:main", Credit, 825)];
        assert_posts(Reason::TaxRemitted, lines, lines);
    }

    #[test]
    fn a_sellers_debt_paid_by_bank_debit_goes_by_his_claim() {
        assert_posts(
            Reason::BankMovement,
            &[("assets:bank:main", Debit, 3040), ("seller", Credit, 3040)],
            &[("assets:bank:main", Debit, 3040), ("claim", Credit, 3040)],
        );
    }

    #[test]
    fn a_payout_seen_on_the_statement_is_no_longer_in_transit() {
        let lines: Lines<'_> =
            &[("assets:bank:main", Debit, 990), ("assets:payout-in-transit:po_1", Credit, 990)];
        assert_posts(Reason::BankMovement, lines, lines);
    }

    #[test]
    fn goodwill_is_an_expense_a_seller_may_get() {
        assert_posts(
            Reason::Goodwill,
            &[("expenses:goodwill", Debit, 500), ("seller", Credit, 500)],
            &[("expenses:goodwill", Debit, 500), ("claim", Credit, 500)],
        );
    }

    #[test]
    fn a_debt_is_written_off_by_his_claim() {
        assert_posts(
            Reason::WriteOff,
            &[("expenses:bad-debt:seller", Debit, 1500), ("seller", Credit, 1500)],
            &[("expenses:bad-debt:seller", Debit, 1500), ("claim", Credit, 1500)],
        );
    }

    #[test]
    fn a_tenants_own_account_needs_no_posting_code() {
        let lines: Lines<'_> =
            &[("expenses:own:rent:berlin", Debit, 120_000), ("assets:bank:main", Credit, 120_000)];
        assert_posts(Reason::Other, lines, lines);
    }

    #[test]
    fn what_nobody_may_post_by_hand_is_a_fault_even_if_it_was_approved() {
        for name in
            ["assets:stripe:balance", "assets:clearing:stripe:charge:ch_1", "equity:conversion"]
        {
            let lines = [(name, Debit, 1), ("assets:bank:main", Credit, 1)];
            assert!(matches!(post(Reason::Other, &lines), Err(PostingFault::Senseless { .. })));
        }
        let unbalanced = [("assets:bank:main", Debit, 2), ("expenses:goodwill", Credit, 1)];
        assert!(matches!(
            post(Reason::Other, &unbalanced),
            Err(PostingFault::Unbalanced { difference: 1, .. })
        ));
    }

    #[test]
    fn what_is_only_proposed_posts_nothing() {
        let event = AdjustmentEvent::Proposed {
            adjustment: AdjustmentId::derived(&["a"]),
            content: content(Reason::Other, &[]),
            by: "key_1".into(),
            at: Timestamp::EPOCH,
        };
        assert_eq!(postings(&event), Ok(vec![]));
    }
}

//! Whether the lines of an adjustment are possible, and are what its reason says.

use std::collections::BTreeSet;

use kernel::Timestamp;

use super::{
    commands::{Ruling, ruled},
    errors::AdjustmentError,
    events::{AdjustmentLine, Content, Reason},
};
use crate::vocabulary::Side;

/// A person reads them before he agrees.
const LINES_MAX: usize = 100;
const MEMO_CHARS_MAX: usize = 1000;
const SHA256_DIGITS: usize = 64;
const OPENING: &str = "equity:opening";

/// Everything that does not change with time.
pub(super) fn check(content: &Content, now: Timestamp) -> Result<(), AdjustmentError> {
    check_amounts(&content.lines)?;
    check_sellers(&content.lines)?;
    let memo = content.memo.trim();
    if memo.is_empty() || memo.chars().count() > MEMO_CHARS_MAX {
        return Err(AdjustmentError::MemoMissing { max: MEMO_CHARS_MAX });
    }
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let evidence = &content.evidence_hash;
    if evidence.len() != SHA256_DIGITS || !evidence.bytes().all(is_digit) {
        return Err(AdjustmentError::EvidenceInvalid);
    }
    if content.effective > now {
        return Err(AdjustmentError::EffectiveInFuture { now });
    }
    check_reason(content)
}

/// What may have become different between the proposal and the approval.
pub(super) fn check_today(
    content: &Content,
    rulings: &[Ruling],
    open_from: Option<Timestamp>,
) -> Result<(), AdjustmentError> {
    for (line, ruling) in ruled(content, rulings) {
        check_ruling(line, ruling)?;
    }
    match open_from {
        Some(open_from) if content.effective < open_from => {
            Err(AdjustmentError::PeriodClosed { open_from })
        }
        Some(_) | None => Ok(()),
    }
}

fn check_ruling(line: &AdjustmentLine, ruling: Ruling) -> Result<(), AdjustmentError> {
    let account = line.account.clone().unwrap_or_default();
    match (ruling, line.seller) {
        (Ruling::Allowed, _) => Ok(()),
        (Ruling::Unknown, Some(seller)) if line.account.is_none() => {
            Err(AdjustmentError::SellerUnknown { seller })
        }
        (Ruling::Unknown, _) => Err(AdjustmentError::AccountUnknown { account }),
        (Ruling::NotByHand, _) => Err(AdjustmentError::AccountNotByHand { account }),
        (Ruling::Closed, _) => Err(AdjustmentError::AccountClosed { account }),
        (Ruling::OtherCurrency, _) => Err(AdjustmentError::AccountCurrency { account }),
    }
}

fn check_amounts(lines: &[AdjustmentLine]) -> Result<(), AdjustmentError> {
    if lines.len() < 2 || lines.len() > LINES_MAX {
        return Err(AdjustmentError::LinesMissing { max: LINES_MAX });
    }
    if lines.iter().any(|line| line.minor <= 0) {
        return Err(AdjustmentError::AmountNotPositive);
    }
    let sum = |side| -> i128 {
        lines.iter().filter(|line| line.side == side).map(|line| i128::from(line.minor)).sum()
    };
    let (debits, credits) = (sum(Side::Debit), sum(Side::Credit));
    if debits != credits {
        return Err(AdjustmentError::Unbalanced { debits, credits });
    }
    if debits > i128::from(i64::MAX) { Err(AdjustmentError::Overflow) } else { Ok(()) }
}

/// A seller's claim holds one amount, so that his account answers it once.
fn check_sellers(lines: &[AdjustmentLine]) -> Result<(), AdjustmentError> {
    let mut seen = BTreeSet::new();
    for line in lines.iter().filter(|line| line.account.is_none()) {
        let seller = line.seller.ok_or(AdjustmentError::LineWithoutAccount)?;
        if !seen.insert(seller) {
            return Err(AdjustmentError::SellerTwice { seller });
        }
    }
    Ok(())
}

/// A reason is a promise to the reader of a report, so the lines have to keep it.
fn check_reason(content: &Content) -> Result<(), AdjustmentError> {
    let reason = content.reason;
    let is = |line: &AdjustmentLine, side: Side, prefix: &str| {
        line.side == side && line.account.as_ref().is_some_and(|name| name.starts_with(prefix))
    };
    let any = |side, prefix: &str| content.lines.iter().any(|line| is(line, side, prefix));
    let either = |prefix: &str| any(Side::Debit, prefix) || any(Side::Credit, prefix);
    let why = match reason {
        Reason::OpeningBalance if !either(OPENING) => Some("no line is on equity:opening"),
        Reason::WriteOff if !any(Side::Debit, "expenses:") => Some("no expense is debited"),
        Reason::Goodwill if !any(Side::Debit, "expenses:goodwill") => {
            Some("expenses:goodwill is not debited")
        }
        Reason::TaxRemitted => {
            let fits = |line: &AdjustmentLine| {
                is(line, Side::Debit, "liabilities:tax:") || is(line, Side::Credit, "assets:bank:")
            };
            (!content.lines.iter().all(fits))
                .then_some("liabilities:tax:* are debited, assets:bank:* credited, nothing else")
        }
        Reason::BankMovement if !either("assets:bank:") && !either("assets:payout-in-transit:") => {
            Some("no line is on a bank or on a payout in transit")
        }
        Reason::OpeningBalance
        | Reason::WriteOff
        | Reason::Goodwill
        | Reason::BankMovement
        | Reason::Reclassification
        | Reason::Correction
        | Reason::Other => None,
    };
    match why {
        Some(why) => Err(AdjustmentError::ReasonDoesNotFit { reason, why }),
        None if reason == Reason::Other && either(OPENING) => {
            let why = "equity:opening is for opening balances and their corrections";
            Err(AdjustmentError::ReasonDoesNotFit { reason, why })
        }
        None => Ok(()),
    }
}

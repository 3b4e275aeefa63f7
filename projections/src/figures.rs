//! What an entry does to a seller: his balances, and the figures of his earnings. Everything that is
//! shown about a seller's money is a sum of these, and they are read off postings only.

use std::collections::BTreeMap;

use aggregates::vocabulary::Organizer;
use kernel::SellerId;

use crate::{
    FoldError,
    chart::{Account, SellerPart, Side},
    postings::{Entry, Nature, Posting},
    projection::add,
};

/// What one entry does to one seller, in minor units of the entry's currency.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Effect {
    /// Who organizes it; the seller himself where nobody was named.
    pub(crate) organizer: String,
    pub(crate) pending: i64,
    pub(crate) available: i64,
    pub(crate) reserve: i64,
    pub(crate) dispute_hold: i64,
    /// More of this is worse for him.
    pub(crate) receivable: i64,
    /// Commission taken from him; less what was given back.
    pub(crate) fees: i64,
    /// Whether one of his accounts was touched, and not only the platform's commission.
    pub(crate) touches_balance: bool,
}

impl Effect {
    /// By how much he is better off: the change of his total position.
    pub(crate) fn position(&self) -> Result<i64, FoldError> {
        let mut total = self.pending;
        for part in [self.available, self.reserve, self.dispute_hold] {
            add(&mut total, part, POSITION)?;
        }
        total.checked_sub(self.receivable).ok_or(FoldError::Overflow(POSITION))
    }
}

const POSITION: &str = "position of a seller";

/// What an entry does, seller by seller.
pub(crate) fn effects(entry: &Entry) -> Result<BTreeMap<SellerId, Effect>, FoldError> {
    let mut effects: BTreeMap<SellerId, Effect> = BTreeMap::new();
    for line in entry.lines() {
        let Some(seller) = line.dimensions().seller else { continue };
        // Credits are good for a seller, so his amounts are the postings' with the sign turned.
        let credited = match line.side() {
            Side::Credit => line.minor(),
            Side::Debit => -line.minor(),
        };
        let Some(part) = Part::of(line) else { continue };
        let effect = effects
            .entry(seller)
            .or_insert_with(|| Effect { organizer: seller.to_string(), ..Effect::default() });
        if let Some(Organizer(organizer)) = &line.dimensions().organizer
            && !organizer.is_empty()
        {
            effect.organizer.clone_from(organizer);
        }
        effect.touches_balance |= !matches!(part, Part::Fees);
        let (total, change) = match part {
            Part::Own(SellerPart::Pending) => (&mut effect.pending, credited),
            Part::Own(SellerPart::Available) => (&mut effect.available, credited),
            Part::Own(SellerPart::Reserve) => (&mut effect.reserve, credited),
            Part::Own(SellerPart::DisputeHold) => (&mut effect.dispute_hold, credited),
            Part::Receivable => (&mut effect.receivable, -credited),
            Part::Fees => (&mut effect.fees, credited),
        };
        add(total, change, POSITION)?;
    }
    Ok(effects)
}

/// Which of a seller's figures a line belongs to.
enum Part {
    Own(SellerPart),
    Receivable,
    Fees,
}

impl Part {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not named is none of his")]
    const fn of(line: &Posting) -> Option<Self> {
        match line.account() {
            Account::Seller(_, part) => Some(Self::Own(*part)),
            Account::Receivable(_) => Some(Self::Receivable),
            Account::Commission | Account::CommissionRefunded => Some(Self::Fees),
            _ => None,
        }
    }
}

/// A seller's earnings, in minor units of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Earned {
    pub(crate) gross: i64,
    pub(crate) fees: i64,
    pub(crate) refunds: i64,
    pub(crate) disputes: i64,
    pub(crate) adjustments: i64,
    pub(crate) transferred: i64,
    pub(crate) reversed: i64,
}

impl Earned {
    /// The figures of one effect.
    ///
    /// Gross is what the goods and their shipping came to before commission, so commission is added
    /// to what the seller was credited and taken off again as a fee; the same with a refund or a
    /// dispute, whose commission comes back. So `net` moves exactly with the seller's position,
    /// whatever was paid out apart.
    pub(crate) fn of(nature: Nature, effect: &Effect) -> Result<Self, FoldError> {
        let position = effect.position()?;
        let mut before_fees = position;
        add(&mut before_fees, effect.fees, POSITION)?;
        let taken = before_fees.checked_neg().ok_or(FoldError::Overflow(POSITION))?;
        let mut earned = Self { fees: effect.fees, ..Self::default() };
        match nature {
            // A commission that was deferred is taken, and shown, as its days pass.
            Nature::Sale | Nature::Recognition => earned.gross = before_fees,
            Nature::Refund => earned.refunds = taken,
            Nature::Chargeback => earned.disputes = taken,
            Nature::Payout => {
                earned.transferred = position.checked_neg().ok_or(FoldError::Overflow(POSITION))?;
                earned.adjustments = effect.fees;
            }
            Nature::PayoutReturned => {
                earned.reversed = position;
                earned.adjustments = effect.fees;
            }
            Nature::Adjustment
            | Nature::Release
            | Nature::Hold
            | Nature::Unallocated
            | Nature::Settlement => earned.adjustments = before_fees,
        }
        Ok(earned)
    }

    /// Gross less fees, refunds and disputes, and adjustments.
    pub(crate) fn net(&self) -> Result<i64, FoldError> {
        [self.fees, self.refunds, self.disputes]
            .into_iter()
            .try_fold(self.gross, i64::checked_sub)
            .and_then(|net| net.checked_add(self.adjustments))
            .ok_or(FoldError::Overflow("net earnings of a seller"))
    }

    pub(crate) const fn is_nothing(&self) -> bool {
        self.gross == 0
            && self.fees == 0
            && self.refunds == 0
            && self.disputes == 0
            && self.adjustments == 0
            && self.transferred == 0
            && self.reversed == 0
    }
}

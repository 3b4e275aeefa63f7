//! What an adjustment can be asked to do.

use kernel::{AdjustmentId, Timestamp};

use super::events::{AdjustmentLine, Content};
use crate::vocabulary::Person;

/// What the chart of accounts says about a line's account (or about its seller), found out by the
/// one who sends the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// It may be posted to by hand.
    Allowed,
    /// There is no such account, or no such seller.
    Unknown,
    /// Only balance transactions, sellers' accounts or our own decisions post to it.
    NotByHand,
    /// The tenant had opened it and has closed it.
    Closed,
    /// The tenant's account is in another currency.
    OtherCurrency,
}

/// What an adjustment can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdjustmentCommand {
    /// Propose it.
    Propose {
        /// Its id.
        adjustment: AdjustmentId,
        /// What is to be posted, and why.
        content: Content,
        /// What the chart says about each line, in the order of the lines.
        rulings: Vec<Ruling>,
        /// The first instant of the open period, if any period was closed.
        open_from: Option<Timestamp>,
        /// Who proposes.
        by: Person,
    },
    /// Agree; another person than the one who proposed.
    Approve {
        /// What the chart says about each line now.
        rulings: Vec<Ruling>,
        /// The first instant of the open period, if any period was closed.
        open_from: Option<Timestamp>,
        /// Who agrees.
        by: Person,
    },
    /// Disagree; another person than the one who proposed.
    Reject {
        /// Why.
        note: String,
        /// Who disagrees.
        by: Person,
    },
    /// Take the proposal back; only the one who proposed.
    Withdraw {
        /// Who takes it back.
        by: Person,
    },
}

/// The lines of a content beside what the chart says of them.
pub(super) fn ruled<'a>(
    content: &'a Content,
    rulings: &'a [Ruling],
) -> impl Iterator<Item = (&'a AdjustmentLine, Ruling)> {
    // A line nobody has ruled on is not known to be allowed.
    let rulings = rulings.iter().copied().chain(std::iter::repeat(Ruling::Unknown));
    content.lines.iter().zip(rulings)
}

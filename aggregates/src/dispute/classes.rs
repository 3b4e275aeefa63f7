//! How far along a dispute's Stripe status is, and how it ended.

use super::events::DisputeOutcome;

/// From this class on it is a chargeback and no inquiry any more.
pub const CHARGEBACK: u8 = 2;

/// `warning_needs_response`, `warning_under_review` < `warning_closed` < `needs_response`,
/// `under_review` < `won`, `lost`, `prevented`.
#[must_use]
pub fn class(status: &str) -> u8 {
    match status {
        "warning_closed" => 1,
        "needs_response" | "under_review" => CHARGEBACK,
        "won" | "lost" | "prevented" => 3,
        _ => 0,
    }
}

/// How the dispute ended, if this status is an end.
#[must_use]
pub fn outcome(status: &str) -> Option<DisputeOutcome> {
    match status {
        "won" => Some(DisputeOutcome::Won),
        "lost" => Some(DisputeOutcome::Lost),
        "warning_closed" => Some(DisputeOutcome::WarningClosed),
        "prevented" => Some(DisputeOutcome::Prevented),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_rank_as_stripe_moves_through_them() {
        let path = ["warning_needs_response", "warning_closed", "needs_response", "lost"];
        assert_eq!(path.map(class), [0, 1, 2, 3]);
        assert_eq!(class("warning_under_review"), 0);
        assert_eq!(["under_review", "won", "prevented"].map(class), [2, 3, 3]);
    }

    #[test]
    fn only_ends_have_an_outcome() {
        assert_eq!(outcome("under_review"), None);
        assert_eq!(outcome("warning_closed"), Some(DisputeOutcome::WarningClosed));
        assert_eq!(outcome("prevented"), Some(DisputeOutcome::Prevented));
    }
}

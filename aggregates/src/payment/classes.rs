//! How far along a Stripe status is: facts about one object merge by this class first, so that a
//! late, older message never undoes a newer one.

/// The class of a charge that failed after it had succeeded. Its status text is `failed`, as that
/// of a charge that never succeeded; the failure balance transaction tells them apart.
pub const CHARGE_REVERSED: u8 = 3;

/// A payment intent: `requires_*` and `processing` < `requires_capture` < `canceled` < `succeeded`.
#[must_use]
pub fn intent(status: &str) -> u8 {
    match status {
        "requires_capture" => 1,
        "canceled" => 2,
        "succeeded" => 3,
        _ => 0,
    }
}

/// A Checkout session: `open` < `expired` < `complete`.
#[must_use]
pub fn session(status: &str) -> u8 {
    match status {
        "expired" => 1,
        "complete" => 2,
        _ => 0,
    }
}

/// A charge: `pending` < `failed` < `succeeded` (< [`CHARGE_REVERSED`]).
#[must_use]
pub fn charge(status: &str) -> u8 {
    match status {
        "failed" => 1,
        "succeeded" => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_rank_as_stripe_moves_through_them() {
        let intents = ["requires_payment_method", "requires_capture", "canceled", "succeeded"];
        assert_eq!(intents.map(intent), [0, 1, 2, 3]);
        assert_eq!(intent("processing"), intent("requires_action"));
        assert_eq!(["open", "expired", "complete"].map(session), [0, 1, 2]);
        assert_eq!(["pending", "failed", "succeeded"].map(charge), [0, 1, 2]);
        assert!(CHARGE_REVERSED > charge("succeeded"));
    }
}

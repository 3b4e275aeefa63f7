//! Which commerce policies are possible.

use crate::vocabulary::CommercePolicy;

/// Refuses what Stripe or common sense does not allow, and says why.
///
/// # Errors
/// Which field is out of its bounds, in words.
pub fn check(policy: &CommercePolicy) -> Result<(), String> {
    // Bounds of the numbers; Stripe's checkout sessions live between 30 minutes and 24 hours.
    let bounds: [(&str, i64, i64, i64); 13] = [
        ("order_expiry_minutes", i64::from(policy.order_expiry_minutes), 30, 1440),
        ("async_patience_days", i64::from(policy.async_patience_days), 1, 90),
        ("delay_days", i64::from(policy.delay_days), 0, 365),
        (
            "release_without_bt_after_days",
            i64::from(policy.release_without_bt_after_days.unwrap_or(0)),
            0,
            365,
        ),
        ("reserve_bps", i64::from(policy.reserve_bps), 0, 10_000),
        ("reserve_days", i64::from(policy.reserve_days), 0, 730),
        ("refund_window_days", i64::from(policy.refund_window_days), 0, 3650),
        ("refund_decision_hours", i64::from(policy.refund_decision_hours), 1, 8760),
        ("second_person_above", policy.second_person_above, 0, i64::MAX),
        ("ship_by_days", i64::from(policy.ship_by_days), 1, 365),
        ("auto_deliver_days", i64::from(policy.auto_deliver_days), 1, 365),
        ("issue_window_days", i64::from(policy.issue_window_days), 0, 365),
        ("payout_minimum", policy.payout_minimum, 1, i64::MAX),
    ];
    for (name, value, least, most) in bounds {
        if value < least {
            return Err(format!("{name} is {value}, but must be at least {least}"));
        }
        if value > most {
            return Err(format!("{name} is {value}, but must be at most {most}"));
        }
    }
    Ok(())
}

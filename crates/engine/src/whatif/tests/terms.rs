//! What a policy file may not say, and how it is told.

use serde_json::json;

use crate::whatif::PolicyChange;

#[test]
fn a_bad_policy_is_refused_in_one_line_that_names_the_term() {
    for (terms, said) in [
        (json!([]), "a policy is a table of terms"),
        (json!({"comission": 1}), "there is no term \"comission\"; known are commission_bps"),
        (
            json!({"order_expiry_minutes": 30}),
            "order_expiry_minutes decides what people and Stripe do",
        ),
        (json!({"version": 2}), "version decides what"),
        (json!({"reserve_bps": 10_001}), "reserve_bps is 10001, but must be at most 10000"),
        (json!({"reserve_bps": "much"}), "invalid type: string \"much\""),
        (json!({"delay_days": -1}), "invalid value: integer `-1`"),
        (json!({"payout_after": "never"}), "unknown variant `never`"),
        (json!({"commission_bps": 10_001}), "must be a whole number from 0 to 10000"),
        (json!({"commission_percent": 1.5}), "must be a whole number from 0 to 10000"),
        (json!({"commission_percent": 50, "commission_bps": 1}), "not both"),
    ] {
        let refused = PolicyChange::read(&terms).unwrap_err().to_string();
        assert!(refused.contains(said), "{terms}: {refused}");
        assert!(!refused.contains('\n'), "{refused}");
    }
}

#[test]
fn a_policy_without_terms_changes_nothing() {
    assert!(PolicyChange::read(&json!({})).unwrap().is_empty());
    assert!(!PolicyChange::read(&json!({"reserve_bps": 0})).unwrap().is_empty());
    let never = json!({"release_without_bt_after_days": null});
    assert!(!PolicyChange::read(&never).unwrap().is_empty());
}

//! What the tests of several aggregates share: one instant, golden lines, every order of arrival.

use cqrs_es::DomainEvent;
use kernel::{Actor, ActorKind, Cause, Context, Mode, TenantId, Timestamp};
use strum::VariantNames;

/// An instant so many seconds after noon on 1 March 2026.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_772_366_400).plus_seconds(seconds)
}

/// Stripe decides at that instant, for a tenant that is always the same.
pub(crate) fn context(now: Timestamp) -> Context {
    Context {
        tenant: TenantId::derived(&["a tenant"]),
        mode: Mode::Sandbox,
        now,
        cause: Cause {
            actor: Actor::new(ActorKind::Stripe, "evt_test"),
            request: None,
            causation: None,
            correlation: "test".to_owned(),
            webhook: None,
        },
    }
}

/// Every line reads back, is written the same way again, and there is one for each variant.
pub(crate) fn assert_golden<E>(stored: &str)
where
    E: DomainEvent + VariantNames + AsRef<str>,
{
    let mut variants = Vec::new();
    for line in stored.lines() {
        let event: E = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        variants.push(event.as_ref().to_owned());
    }
    variants.sort_unstable();
    let mut expected = E::VARIANTS.to_vec();
    expected.sort_unstable();
    assert_eq!(variants, expected);
}

/// Every order in which so many things can arrive.
pub(crate) fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = orders(count - 1);
    let places = |order: &Vec<usize>| {
        let order = order.clone();
        (0..count).map(move |place| {
            let mut longer = order.clone();
            longer.insert(place, count - 1);
            longer
        })
    };
    shorter.iter().flat_map(places).collect()
}

#[test]
fn all_orders_of_arrival_are_there() {
    let mut all = orders(4);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 24);
}

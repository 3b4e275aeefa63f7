//! How an amount that falls on a whole order is shared over its lines, without losing a minor unit.

use kernel::allocate;

use crate::vocabulary::{Components, LineNo};

/// The cash of all lines together.
pub(super) fn cash(lines: &[(LineNo, Components)]) -> i64 {
    lines.iter().map(|(_, components)| components.cash()).sum()
}

/// Takes `amount` from the lines in proportion to their cash, and of each line by the one rule of
/// [`Components::split`]. At most all cash is taken; lines from which nothing is taken are left out.
pub(super) fn take(lines: &[(LineNo, Components)], amount: i64) -> Vec<(LineNo, Components)> {
    let amount = amount.min(cash(lines)).max(0);
    let weights: Vec<i64> = lines.iter().map(|(_, components)| components.cash()).collect();
    // Without any cash there is nothing to share, and nothing is what is taken.
    let parts = allocate(amount, &weights).unwrap_or_default();
    lines
        .iter()
        .zip(parts)
        .filter_map(|((line, components), part)| Some((*line, components.split(part).ok()?)))
        .collect()
}

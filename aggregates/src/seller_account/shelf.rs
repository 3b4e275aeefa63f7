//! Amounts that belong to claims, the oldest first.

use std::{collections::BTreeMap, sync::Arc};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::vocabulary::ClaimRef;

/// Amounts that belong to claims, in the order in which they came. None is zero.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Slot>", into = "Vec<Slot>")]
pub(super) struct Shelf {
    slots: Arc<BTreeMap<u64, Slot>>,
    ages: Arc<BTreeMap<ClaimRef, u64>>,
    next_age: u64,
    total: i64,
}

/// What belongs to one claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Slot {
    claim: ClaimRef,
    amount: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Shelf {
    /// The sum over all claims, minor units.
    pub(super) const fn total(&self) -> i64 {
        self.total
    }

    /// What belongs to this claim, minor units.
    pub(super) fn amount_of(&self, claim: &ClaimRef) -> i64 {
        self.slot(claim).map_or(0, |slot| slot.amount)
    }

    /// Until when this claim's amount stays here.
    pub(super) fn until(&self, claim: &ClaimRef) -> Option<Timestamp> {
        self.slot(claim)?.until
    }

    /// Every claim with its amount, the oldest first.
    pub(super) fn oldest_first(&self) -> impl Iterator<Item = (&ClaimRef, i64)> {
        self.slots.values().map(|slot| (&slot.claim, slot.amount))
    }

    /// Puts an amount on the shelf.
    pub(super) fn add(&mut self, claim: ClaimRef, amount: i64, until: Option<Timestamp>) {
        self.total = self.total.saturating_add(amount);
        let slots = Arc::make_mut(&mut self.slots);
        if let Some(slot) = self.ages.get(&claim).and_then(|age| slots.get_mut(age)) {
            slot.amount = slot.amount.saturating_add(amount);
            slot.until = until.max(slot.until);
            return;
        }
        Arc::make_mut(&mut self.ages).insert(claim.clone(), self.next_age);
        slots.insert(self.next_age, Slot { claim, amount, until });
        self.next_age += 1;
    }

    /// Takes an amount from a claim; a claim with nothing left leaves the shelf.
    pub(super) fn take(&mut self, claim: &ClaimRef, amount: i64) {
        let Some(age) = self.ages.get(claim).copied() else { return };
        let slots = Arc::make_mut(&mut self.slots);
        let Some(slot) = slots.get_mut(&age) else { return };
        let taken = amount.min(slot.amount);
        slot.amount -= taken;
        self.total -= taken;
        if slot.amount == 0 {
            slots.remove(&age);
            Arc::make_mut(&mut self.ages).remove(claim);
        }
    }

    /// Chooses claims until `wanted` is covered: those named first, then the oldest. What cannot be
    /// covered is returned beside the choice.
    pub(super) fn choose(&self, wanted: i64, first: &[ClaimRef]) -> (Vec<(ClaimRef, i64)>, i64) {
        let mut chosen: Vec<(ClaimRef, i64)> = Vec::new();
        let mut left = wanted;
        let named = first
            .iter()
            .enumerate()
            .filter(|(index, claim)| !first[..*index].contains(claim))
            .map(|(_, claim)| (claim, self.amount_of(claim)));
        let others = self.oldest_first().filter(|(claim, _)| !first.contains(claim));
        for (claim, amount) in named.chain(others) {
            if left == 0 {
                break;
            }
            let part = amount.min(left);
            if part > 0 {
                left -= part;
                chosen.push((claim.clone(), part));
            }
        }
        (chosen, left)
    }

    fn slot(&self, claim: &ClaimRef) -> Option<&Slot> {
        self.slots.get(self.ages.get(claim)?)
    }
}

impl From<Vec<Slot>> for Shelf {
    fn from(slots: Vec<Slot>) -> Self {
        let mut shelf = Self::default();
        for slot in slots {
            shelf.add(slot.claim, slot.amount, slot.until);
        }
        shelf
    }
}

impl From<Shelf> for Vec<Slot> {
    fn from(shelf: Shelf) -> Self {
        shelf.slots.values().cloned().collect()
    }
}

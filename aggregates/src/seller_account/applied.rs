//! Which claims were already applied, kept small, because a seller may have hundreds of thousands.

use std::{collections::BTreeMap, sync::Arc};

use kernel::{Currency, Money, derived_uuid};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::vocabulary::ClaimRef;

/// In which way a claim was applied; each claim is applied once in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Kind {
    Credit,
    Debit,
    CreditBack,
    DisputeHold,
    DisputeConclusion,
}

/// A digest of each applied claim, with the amount it was applied with.
///
/// It is spread over shards that a cloned state shares with its original: after a clone, the next
/// change copies one shard of up to 256 and not the whole memory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Applied(BTreeMap<u8, Arc<Shard>>);

type Shard = BTreeMap<Uuid, (Currency, i64)>;

impl Applied {
    /// The amount with which the claim was applied, if it was.
    pub(super) fn get(&self, kind: Kind, claim: &ClaimRef) -> Option<Money> {
        let digest = digest(kind, claim);
        let (currency, minor) = self.0.get(&shard_of(digest))?.get(&digest)?;
        Some(Money::new(*minor, *currency))
    }

    /// Remembers the first amount with which the claim is applied.
    pub(super) fn note(&mut self, kind: Kind, claim: &ClaimRef, amount: Money) {
        let digest = digest(kind, claim);
        let shard = Arc::make_mut(self.0.entry(shard_of(digest)).or_default());
        shard.entry(digest).or_insert((amount.currency(), amount.minor()));
    }
}

fn digest(kind: Kind, claim: &ClaimRef) -> Uuid {
    derived_uuid(&["applied", kind.as_ref(), claim.as_str()])
}

const fn shard_of(digest: Uuid) -> u8 {
    digest.as_bytes()[0]
}

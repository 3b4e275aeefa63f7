//! The sealing keys that a copy does not have yet. They travel with commits, because each by itself
//! would be a wait for the disk; to which commit a key once belonged does not matter.

use std::collections::VecDeque;

use kernel::{KeyRef, TenantId};
use store::{Inventory, SealingKey};

use super::PAGE_KEYS;
use crate::outcome::{Failure, Outcome};

/// Keys that travel with one commit.
const KEYS_PER_COMMIT: usize = 64;

/// The sealing keys of one log that another does not have.
pub(super) struct MissingKeys<'a> {
    source: &'a dyn Inventory,
    target: &'a dyn Inventory,
    listed: Option<(TenantId, KeyRef)>,
    all_listed: bool,
    missing: VecDeque<SealingKey>,
}

impl<'a> MissingKeys<'a> {
    pub(super) fn new(source: &'a dyn Inventory, target: &'a dyn Inventory) -> Self {
        Self { source, target, listed: None, all_listed: false, missing: VecDeque::new() }
    }

    /// Some keys for a commit of this tenant: all of one tenant before the next one's.
    pub(super) async fn take(&mut self, tenant: TenantId) -> Outcome<Vec<SealingKey>> {
        self.fill().await?;
        let fitting = self.missing.iter().take(KEYS_PER_COMMIT);
        let count = fitting.take_while(|key| key.tenant == tenant).count();
        Ok(self.missing.drain(..count).collect())
    }

    /// Stores the keys for which no commit came by.
    pub(super) async fn store_rest(&mut self) -> Outcome {
        loop {
            self.fill().await?;
            if self.missing.is_empty() {
                return Ok(());
            }
            let keys: Vec<_> = self.missing.drain(..).collect();
            let stored = keys.iter().map(|key| self.target.ensure_sealing_key(key.clone()));
            for (key, stored) in keys.iter().zip(store::all_in_order(stored.collect()).await) {
                check(key, stored.map_err(Failure::unavailable)?)?;
            }
        }
    }

    async fn fill(&mut self) -> Outcome {
        while self.missing.is_empty() && !self.all_listed {
            let keys = self.source.sealing_keys(self.listed.take(), PAGE_KEYS).await;
            let keys = keys.map_err(Failure::unavailable)?;
            self.all_listed = keys.len() < PAGE_KEYS;
            self.listed = keys.last().map(|last| (last.tenant, last.key.clone()));
            let known = keys.iter().map(|key| self.target.sealing_key(key.tenant, &key.key));
            let known = store::all_in_order(known.collect()).await;
            for (key, known) in keys.into_iter().zip(known) {
                match known.map_err(Failure::unavailable)? {
                    Some(secret) => check(&key, secret)?,
                    None => self.missing.push_back(key),
                }
            }
        }
        Ok(())
    }
}

fn check(key: &SealingKey, stored: [u8; 32]) -> Outcome {
    if stored == key.secret {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the target has another secret for the sealing key {} of {}",
        key.key.0, key.tenant
    )))
}

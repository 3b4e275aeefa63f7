//! Listing what the log holds beside its events: commands and idempotency keys are in the envelopes
//! of the events, sealing keys in streams of their own.

use std::future::ready;

use async_trait::async_trait;
use eventstore::RecordedEvent;
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{KeyRef, TenantId};
use store::{
    Idempotency, Inventory, LogError, Position, SealingKey, StoredCommand, StreamId, Tally,
};

use crate::{KurrentLog, envelope::Envelope, log::READ_EVENTS_MAX};

/// How many streams of sealing keys are read at the same time.
const KEYS_AT_ONCE: usize = 32;

/// How many sealing keys are looked at before they are counted.
const TALLY_KEYS: usize = 1000;

#[async_trait]
impl Inventory for KurrentLog {
    async fn commands(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredCommand>, LogError> {
        self.open_or_closed()?;
        let head = self.tail.catch_up().await?.position;
        let timeline = self.tail.timeline();
        let (mut commands, mut after) = (Vec::new(), after);
        while commands.len() < limit {
            let events = self.tail.next_events(after, head, READ_EVENTS_MAX).await?;
            let Some((_, last)) = events.last() else { break };
            after = Position(last.position.commit);
            for (stream, event) in &events {
                commands.extend(self.command_begun_by(stream, event)?);
            }
        }
        if self.tail.timeline() != timeline {
            return Err(LogError::Unavailable("it went back while it was listed".to_owned()));
        }
        commands.truncate(limit);
        Ok(commands)
    }

    async fn sealing_keys(
        &self,
        after: Option<(TenantId, KeyRef)>,
        limit: usize,
    ) -> Result<Vec<SealingKey>, LogError> {
        self.open_or_closed()?;
        self.tail.catch_up().await?;
        let (mut keys, mut after) = (Vec::new(), after);
        while keys.len() < limit {
            let wanted = limit - keys.len();
            let names = self.tail.index().sealing_keys_after(after.as_ref(), wanted);
            let Some(last) = names.last() else { break };
            after = Some(last.clone());
            keys.append(&mut self.not_destroyed(names).await?);
        }
        Ok(keys)
    }

    async fn tally(&self) -> Result<Tally, LogError> {
        let (mut sealing_keys, mut after) = (0, None);
        loop {
            let keys = self.sealing_keys(after.take(), TALLY_KEYS).await?;
            let Some(last) = keys.last() else { break };
            after = Some((last.tenant, last.key.clone()));
            sealing_keys += keys.len() as u64;
        }
        Ok(Tally { sealing_keys, ..self.tail.index().tally() })
    }
}

impl KurrentLog {
    /// The command whose first event this is. A command that two processes have stored in two
    /// streams is the first of them, as it is when it is asked for; so is a key.
    fn command_begun_by(
        &self,
        stream: &StreamId,
        event: &RecordedEvent,
    ) -> Result<Option<StoredCommand>, LogError> {
        let Envelope { command: command_id, idempotency, .. } = Envelope::of(event)?;
        let (tenant, position) = (stream.tenant, Position(event.position.commit));
        let index = self.tail.index();
        let receipt = index.command(tenant, &command_id);
        let Some(receipt) = receipt.filter(|receipt| receipt.first == position) else {
            return Ok(None);
        };
        let idempotency = idempotency
            .filter(|asked| index.key(tenant, &asked.key) == Some(position))
            .map(|asked| Idempotency { key: asked.key, fingerprint: asked.fingerprint });
        Ok(Some(StoredCommand { tenant, command_id, receipt, idempotency }))
    }

    /// Those of these sealing keys that are still there.
    async fn not_destroyed(
        &self,
        names: Vec<(TenantId, KeyRef)>,
    ) -> Result<Vec<SealingKey>, LogError> {
        let reading = names.into_iter().map(|(tenant, key)| async move {
            let secret = self.keys().secret(tenant, &key).await?;
            Ok(secret.map(|secret| SealingKey { key, tenant, secret }))
        });
        let found = stream::iter(reading).buffered(KEYS_AT_ONCE);
        found.try_filter_map(|key| ready(Ok(key))).try_collect().await
    }
}

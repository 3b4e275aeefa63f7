//! What happened outside comes into the other history: as it is, with this history's shares in it, or
//! with the part of a payout that a seller did not have here.

use aggregates::{
    fact::Fact,
    policies::Command,
    refund::events::{RefundEvent, RefundSource},
    seller_account::{
        SellerAccount,
        commands::SellerAccountCommand,
        events::{DebitReason, SellerAccountEvent},
    },
};
use kernel::Money;
use store::{Commit, Expected, NewEvent, Recorded, StreamId};

use super::{
    WhatIfError,
    agenda::Errand,
    at,
    report::RemarkKind,
    seam::Step,
    world::{World, name_of},
};

impl World {
    /// A commit with these events, whatever they say. A fact cannot be refused.
    pub(super) async fn take_over(
        &mut self,
        step: &Step,
        events: Vec<(&Recorded, Box<str>)>,
    ) -> Result<(), WhatIfError> {
        let Some((first, _)) = events.first() else { return Ok(()) };
        let stream = first.stream.clone();
        // What was sent a moment ago stands in the log and may not have been read yet.
        self.read_new().await?;
        let version = self.versions.get(&stream).copied().unwrap_or_default();
        let commit = Commit {
            command_id: step.metadata.command.clone(),
            expected: if version == 0 { Expected::Absent } else { Expected::At(version) },
            metadata: first.metadata.clone(),
            recorded_at: first.recorded_at,
            idempotency: None,
            sealing_keys: Vec::new(),
            events: events
                .iter()
                .map(|(recorded, payload)| NewEvent {
                    id: recorded.id,
                    event_type: recorded.event_type.clone(),
                    event_version: recorded.event_version.clone(),
                    payload: payload.clone(),
                })
                .collect(),
            stream: stream.clone(),
        };
        let position = first.position;
        self.bus.log().append(commit).await.map_err(|error| WhatIfError::Event {
            position,
            problem: format!("it cannot be taken over: {error}"),
        })?;
        if &*stream.category == "tenant" {
            self.bus.directory().refresh(stream.tenant).await?;
        }
        self.decisions.taken_over += 1;
        Ok(())
    }

    /// A refund takes its course as it did; what its parts are, this history has decided.
    pub(super) async fn refund(&mut self, step: &Step) -> Result<(), WhatIfError> {
        let mut events = Vec::new();
        for (recorded, fact) in &step.events {
            let Fact::Refund(event) = fact else { continue };
            let mut event = event.clone();
            let (RefundEvent::Approved { source, .. } | RefundEvent::Reverted { source, .. }) =
                &mut event
            else {
                events.push((recorded, recorded.payload.clone()));
                continue;
            };
            if matches!(source, RefundSource::OrderLine { .. }) {
                let Some(here) = self.sources.get(&recorded.stream) else {
                    self.remarks.add(RemarkKind::WithoutGround, || name_of(step));
                    return Ok(());
                };
                *source = here.clone();
            }
            let payload = serde_json::to_string(&event).map_err(|error| at(recorded, &error))?;
            events.push((recorded, payload.into()));
        }
        self.take_over(step, events).await
    }

    /// Money has left for a connected account: as much of it as the seller has available here is a
    /// payout; the rest is taken from him like any other debt. The claim of the payout gets all of it.
    pub(super) async fn paid(&mut self, step: &Step) -> Result<(), WhatIfError> {
        let mut events = Vec::new();
        for (recorded, fact) in &step.events {
            let Fact::SellerAccount(event) = fact else { continue };
            let mut event = event.clone();
            if let SellerAccountEvent::PayoutSettled {
                seller,
                claim,
                currency,
                amount,
                organizer,
                at: when,
                ..
            } = &mut event
            {
                self.decisions.payouts_kept += 1;
                let available = self.available(recorded, *currency).await?;
                let covered = available.max(0).min(*amount);
                let missing = *amount - covered;
                if missing > 0 {
                    let debit = SellerAccountCommand::Debit {
                        claim: claim.clone(),
                        amount: Money::new(missing, *currency),
                        reason: DebitReason::Adjustment,
                        about: None,
                        organizer: organizer.clone(),
                        order: None,
                        occurred_at: *when,
                    };
                    let money = Money::new(missing, *currency);
                    let who = self.references.get(seller).cloned().unwrap_or_default();
                    let about = format!("{claim} to {who} ({seller}): {money}");
                    self.remarks.add(RemarkKind::PaidBeyondAvailable, || about);
                    self.remarks.add_money(RemarkKind::PaidBeyondAvailable, money);
                    let id = format!("beyond/{}", step.metadata.command);
                    let envelope = self.envelope(step, id);
                    let command = Command::SellerAccount(*seller, debit);
                    let sent = self.send(Errand { command, envelope }).await?;
                    self.refused(step, &sent);
                    *amount = covered;
                }
            }
            let payload = serde_json::to_string(&event).map_err(|error| at(recorded, &error))?;
            events.push((recorded, payload.into()));
        }
        self.take_over(step, events).await
    }

    async fn available(
        &self,
        recorded: &Recorded,
        currency: kernel::Currency,
    ) -> Result<i64, WhatIfError> {
        let StreamId { tenant, id, .. } = &recorded.stream;
        let view = |seller: &SellerAccount, _| seller.position(currency).available();
        Ok(self.bus.inspect::<SellerAccount, _>(*tenant, id, view).await?)
    }
}

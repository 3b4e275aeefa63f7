//! Which of our things a Stripe object belongs to, one stream per object, so that the answer is
//! there as soon as it is stored and the store itself refuses a second one.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use kernel::{Context, DisputeId, PaymentId, PayoutId, RefundId, SellerId, Timestamp, emit};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

/// One of our things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Subject {
    Payment(PaymentId),
    Refund(RefundId),
    Dispute(DisputeId),
    Payout(PayoutId),
    Seller(SellerId),
}

/// What has happened to a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LinkEvent {
    /// The Stripe object belongs to this thing of ours.
    Established {
        /// Stripe's id.
        object: String,
        /// Ours.
        subject: Subject,
        /// When.
        at: Timestamp,
    },
    /// Somebody claims it belongs to another thing; the first link stays, a person must look.
    Disputed {
        /// Stripe's id.
        object: String,
        /// The claim.
        claimed: Subject,
        /// When.
        at: Timestamp,
    },
}

impl DomainEvent for LinkEvent {
    fn event_type(&self) -> String {
        format!("link.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// What a link can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkCommand {
    /// Establish it. The same again: no event.
    Establish {
        /// Stripe's id.
        object: String,
        /// Ours.
        subject: Subject,
    },
}

/// A link never refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
pub enum LinkError {}

/// The link of one Stripe object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Link {
    subject: Option<Subject>,
    disputed: Vec<Subject>,
}

impl Link {
    /// What the object belongs to.
    #[must_use]
    pub const fn subject(&self) -> Option<Subject> {
        self.subject
    }
}

impl Aggregate for Link {
    const TYPE: &'static str = "link";
    type Command = LinkCommand;
    type Event = LinkEvent;
    type Error = LinkError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: Self::Command,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let LinkCommand::Establish { object, subject } = command;
        let at = context.now();
        let events = match self.subject {
            None => vec![LinkEvent::Established { object, subject, at }],
            Some(known) if known == subject || self.disputed.contains(&subject) => vec![],
            Some(_) => vec![LinkEvent::Disputed { object, claimed: subject, at }],
        };
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            LinkEvent::Established { subject, .. } => self.subject = Some(subject),
            LinkEvent::Disputed { claimed, .. } => self.disputed.push(claimed),
        }
    }
}

#[cfg(test)]
mod tests;

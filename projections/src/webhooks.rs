//! The inbox: every message from Stripe, and what became of it.

use aggregates::{fact::Fact, webhook_event::events::WebhookEventEvent};
use kernel::{TenantId, Timestamp};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
    words::word,
};

store::table! {
    /// A message from Stripe.
    pub struct Webhook as "webhooks" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Stripe's event, or `sha256-` and the body's hash where none could be read.
            event: String,
        }
        /// Stripe's event type; empty where none could be read.
        kind: String,
        /// received, applied, ignored, parked, quarantined or dead_lettered.
        status: String,
        /// The connected account it is about.
        account: Option<String>,
        /// Whether it is about real money.
        livemode: Option<bool>,
        /// Stripe's API version.
        api_version: Option<String>,
        /// When Stripe made it.
        created_at: Option<Timestamp>,
        /// platform or connect.
        endpoint: String,
        /// Whether it was fetched from Stripe's list, and not delivered.
        backfilled: bool,
        /// SHA-256 of the body as it came, hexadecimal.
        body_sha256: String,
        /// The Stripe object it waits for.
        parked_by: Option<String>,
        /// Why it was ignored or quarantined.
        reason: Option<String>,
        /// The commands it became, one per line.
        commands: Option<String>,
        /// When it came in.
        #[unhashed = "differs from delivery to delivery"]
        received_at: Timestamp,
        /// When the status was last changed.
        #[unhashed = "differs from delivery to delivery"]
        changed_at: Timestamp,
    }
    indexes [["tenant", "received_at"], ["tenant", "status", "received_at"], ["tenant", "kind", "received_at"]]
}

read_model! {
    /// Every message from Stripe.
    Webhooks = "webhooks", version 1, [Webhook]
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let Fact::WebhookEvent(_) = occurrence.fact {
        wanted.row::<Webhook>(key![occurrence.tenant(), occurrence.recorded.stream.id.to_string()]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::WebhookEvent(event) = occurrence.fact else { return Ok(()) };
    let id = occurrence.recorded.stream.id.to_string();
    if let WebhookEventEvent::Received {
        kind,
        account,
        livemode,
        api_version,
        created,
        endpoint,
        backfilled,
        body_sha256,
        at,
        ..
    } = event
    {
        return rows.put(Webhook {
            tenant: occurrence.tenant(),
            event: id,
            kind: kind.clone(),
            status: "received".to_owned(),
            account: account.as_ref().map(|account| account.0.clone()),
            livemode: *livemode,
            api_version: api_version.clone(),
            created_at: *created,
            endpoint: word(endpoint),
            backfilled: *backfilled,
            body_sha256: body_sha256.clone(),
            parked_by: None,
            reason: None,
            commands: None,
            received_at: *at,
            changed_at: *at,
        });
    }
    let Some(row) = rows.update::<Webhook>(key![occurrence.tenant(), id])? else { return Ok(()) };
    let (status, at) = match event {
        WebhookEventEvent::Received { .. } => return Ok(()),
        WebhookEventEvent::Applied { commands, at } => {
            row.commands = Some(commands.join("\n"));
            row.reason = None;
            ("applied", at)
        }
        WebhookEventEvent::Ignored { why, at } => {
            row.reason = Some(why.clone());
            ("ignored", at)
        }
        WebhookEventEvent::Parked { by, at } => {
            row.parked_by = Some(by.clone());
            ("parked", at)
        }
        WebhookEventEvent::Quarantined { error, at } => {
            row.reason = Some(error.clone());
            ("quarantined", at)
        }
        WebhookEventEvent::DeadLettered { at } => ("dead_lettered", at),
        WebhookEventEvent::RetryRequested { at } => ("received", at),
    };
    if status != "parked" {
        row.parked_by = None;
    }
    status.clone_into(&mut row.status);
    row.changed_at = *at;
    Ok(())
}

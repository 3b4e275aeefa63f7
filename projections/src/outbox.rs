//! Our calls to Stripe, one row each: what is to be sent, what was sent, and what came of it. And
//! the balance transactions that are known by name and not yet by their figures.
//!
//! The engine makes the calls from the log itself; this is what people look at.

use aggregates::{
    balance_transaction::BalanceTransactionEvent,
    dispute::events::DisputeEvent,
    fact::Fact,
    payment::events::PaymentEvent,
    payout::events::PayoutEvent,
    refund::events::{RefundEvent, RefundSource},
    topup::events::TopupEvent,
    vocabulary::{AccountRef, TxnRef},
};
use kernel::{Currency, Money, TenantId, Timestamp};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
};

store::table! {
    /// A call to Stripe that changes something there.
    pub struct Effect as "outbox" {
        key {
            /// Owner.
            tenant: TenantId,
            /// create_session, create_refund, create_transfer, create_payout, reverse_transfer,
            /// submit_evidence or close_dispute.
            call: String,
            /// The payment, refund, payout or dispute it is for.
            #[unhashed = "minted"]
            subject: String,
        }
        /// to_do, submitted, unknown, deferred, done, refused or dropped.
        status: String,
        /// How much; minor units.
        amount: Option<i64>,
        /// The currency of that.
        currency: Option<Currency>,
        /// How often it was tried for a new reason.
        attempt: u32,
        /// Stripe's idempotency key of the latest call.
        #[unhashed = "built from minted ids"]
        idempotency_key: Option<String>,
        /// Stripe's object that came of it.
        outcome: Option<String>,
        /// Why it was refused or deferred.
        failure: Option<String>,
        /// When it was first owed.
        #[unhashed = "recorded_at is never business"]
        opened_at: Timestamp,
        /// When the status last changed.
        #[unhashed = "recorded_at is never business"]
        changed_at: Timestamp,
    }
    indexes [["tenant", "status", "changed_at"]]
}

store::table! {
    /// A balance transaction that something names and whose figures are not known yet.
    pub struct WantedTransaction as "wanted_transactions" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Stripe's balance transaction.
            txn: String,
        }
        /// The connected account whose balance it is of; empty for the platform's.
        account: Option<String>,
        /// The event type that named it first.
        #[unhashed = "depends on the order of arrival"]
        named_by: String,
        /// When it was named first.
        #[unhashed = "recorded_at is never business"]
        named_at: Timestamp,
        /// Whether its figures are known by now.
        recorded: bool,
    }
    indexes [["tenant", "recorded", "named_at"]]
}

read_model! {
    /// Our calls to Stripe, and the balance transactions that are still wanted.
    Outbox = "outbox", version 1, [Effect, WantedTransaction]
}

/// What an event does to a call.
struct Change<'a> {
    call: &'static str,
    status: &'static str,
    amount: Option<Money>,
    attempt: Option<u32>,
    idempotency_key: Option<&'a str>,
    outcome: Option<&'a str>,
    failure: Option<String>,
    /// Only if it is this call that was meant (disputes name it by its idempotency key).
    only_with_key: Option<&'a str>,
    /// Only a call that is still open.
    only_open: bool,
}

impl<'a> Change<'a> {
    const fn new(call: &'static str, status: &'static str) -> Self {
        Self {
            call,
            status,
            amount: None,
            attempt: None,
            idempotency_key: None,
            outcome: None,
            failure: None,
            only_with_key: None,
            only_open: false,
        }
    }

    const fn of(mut self, amount: Money) -> Self {
        self.amount = Some(amount);
        self
    }

    const fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = Some(attempt);
        self
    }

    const fn keyed(mut self, key: &'a str) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    const fn became(mut self, object: &'a str) -> Self {
        self.outcome = Some(object);
        self
    }

    fn because(mut self, code: &str, message: &str) -> Self {
        self.failure = Some(format!("{code}: {message}"));
        self
    }

    const fn if_keyed(mut self, key: &'a str) -> Self {
        self.only_with_key = Some(key);
        self
    }

    const fn if_open(mut self) -> Self {
        self.only_open = true;
        self
    }
}

fn changes(fact: &Fact) -> Vec<Change<'_>> {
    match fact {
        Fact::Payment(event) => of_payment(event).into_iter().collect(),
        Fact::Refund(event) => of_refund(event).into_iter().collect(),
        Fact::Payout(event) => of_payout(event).into_iter().collect(),
        Fact::Dispute(event) => of_dispute(event),
        Fact::Adjustment(_)
        | Fact::ApiKey(_)
        | Fact::BalanceTransaction(_)
        | Fact::Link(_)
        | Fact::Membership(_)
        | Fact::Order(_)
        | Fact::Period(_)
        | Fact::Rejection(_)
        | Fact::SellerAccount(_)
        | Fact::WebhookEvent(_)
        | Fact::Tenant(_)
        | Fact::Topup(_) => Vec::new(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no call")]
fn of_payment(event: &PaymentEvent) -> Option<Change<'_>> {
    const CALL: &str = "create_session";
    Some(match event {
        PaymentEvent::Requested { amount, idempotency_key, .. } => {
            Change::new(CALL, "to_do").of(*amount).keyed(idempotency_key)
        }
        PaymentEvent::RequestUnknown { .. } => Change::new(CALL, "unknown"),
        PaymentEvent::RequestRefused { code, message, .. } => {
            Change::new(CALL, "refused").because(code, message)
        }
        PaymentEvent::SessionOpened { session, .. } => Change::new(CALL, "done").became(&session.0),
        PaymentEvent::Captured { .. } | PaymentEvent::Canceled { .. } => {
            Change::new(CALL, "dropped").if_open()
        }
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no call")]
fn of_refund(event: &RefundEvent) -> Option<Change<'_>> {
    const CALL: &str = "create_refund";
    Some(match event {
        RefundEvent::Approved { source, amount, .. } if *source != RefundSource::External => {
            Change::new(CALL, "to_do").of(*amount)
        }
        RefundEvent::Retried { attempt, .. } => Change::new(CALL, "to_do").attempt(*attempt),
        RefundEvent::Submitted { attempt, idempotency_key, .. } => {
            Change::new(CALL, "submitted").attempt(*attempt).keyed(idempotency_key)
        }
        RefundEvent::SubmitUnknown { .. } => Change::new(CALL, "unknown"),
        RefundEvent::SubmitRefused { code, message, .. } => {
            Change::new(CALL, "refused").because(code, message)
        }
        RefundEvent::Accepted { stripe_refund, .. } => {
            Change::new(CALL, "done").became(&stripe_refund.0)
        }
        RefundEvent::PaidExternally { .. }
        | RefundEvent::Forgone { .. }
        | RefundEvent::Reverted { .. } => Change::new(CALL, "dropped").if_open(),
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no call")]
fn of_payout(event: &PayoutEvent) -> Option<Change<'_>> {
    const TRANSFER: &str = "create_transfer";
    const BANK: &str = "create_payout";
    const REVERSAL: &str = "reverse_transfer";
    Some(match event {
        PayoutEvent::TransferSubmitted { amount, idempotency_key, .. } => {
            Change::new(TRANSFER, "submitted").of(*amount).keyed(idempotency_key)
        }
        PayoutEvent::TransferUnknown { .. } => Change::new(TRANSFER, "unknown"),
        PayoutEvent::TransferDeferred { attempt, reason, .. } => {
            Change::new(TRANSFER, "deferred").attempt(*attempt).because("deferred", reason)
        }
        PayoutEvent::TransferCreated { transfer, amount, .. } => {
            Change::new(TRANSFER, "done").of(*amount).became(&transfer.0)
        }
        PayoutEvent::Rejected { .. } => Change::new(TRANSFER, "dropped").if_open(),
        PayoutEvent::BankSubmitted { attempt, amount, idempotency_key, .. } => {
            Change::new(BANK, "submitted").of(*amount).attempt(*attempt).keyed(idempotency_key)
        }
        PayoutEvent::BankUnknown { .. } => Change::new(BANK, "unknown"),
        PayoutEvent::BankRefused { code, message, .. } => {
            Change::new(BANK, "refused").because(code, message)
        }
        PayoutEvent::Sent { stripe_payout, .. } => {
            Change::new(BANK, "done").became(&stripe_payout.0)
        }
        PayoutEvent::ReversalSubmitted { amount, idempotency_key, .. } => {
            Change::new(REVERSAL, "submitted").of(*amount).keyed(idempotency_key)
        }
        PayoutEvent::ReversalUnknown { .. } => Change::new(REVERSAL, "unknown"),
        PayoutEvent::ReversalRefused { code, message, .. } => {
            Change::new(REVERSAL, "refused").because(code, message)
        }
        PayoutEvent::TransferReversed { reversal, .. } => {
            Change::new(REVERSAL, "done").became(&reversal.0).if_open()
        }
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no call")]
fn of_dispute(event: &DisputeEvent) -> Vec<Change<'_>> {
    const EVIDENCE: &str = "submit_evidence";
    const ACCEPT: &str = "close_dispute";
    let either = |change: fn(&'static str) -> Change<'static>| [change(EVIDENCE), change(ACCEPT)];
    match event {
        DisputeEvent::EvidenceSubmitted { idempotency_key, .. } => {
            vec![Change::new(EVIDENCE, "submitted").keyed(idempotency_key)]
        }
        DisputeEvent::Accepted { idempotency_key, .. } => {
            vec![Change::new(ACCEPT, "submitted").keyed(idempotency_key)]
        }
        DisputeEvent::CallConfirmed { idempotency_key, .. } => {
            either(|call| Change::new(call, "done"))
                .map(|change| change.if_keyed(idempotency_key))
                .into()
        }
        DisputeEvent::CallUnknown { idempotency_key, .. } => {
            either(|call| Change::new(call, "unknown"))
                .map(|change| change.if_keyed(idempotency_key))
                .into()
        }
        DisputeEvent::CallRefused { idempotency_key, code, message, .. } => {
            either(|call| Change::new(call, "refused"))
                .map(|change| change.if_keyed(idempotency_key).because(code, message))
                .into()
        }
        DisputeEvent::Closed { .. } => {
            either(|call| Change::new(call, "dropped")).map(Change::if_open).into()
        }
        _ => Vec::new(),
    }
}

/// The balance transaction an event names: which, of whose balance, and whether with its figures.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others name none")]
fn named(fact: &Fact) -> Option<(&TxnRef, Option<&AccountRef>, bool)> {
    Some(match fact {
        Fact::BalanceTransaction(BalanceTransactionEvent::Recorded { record, .. }) => {
            (&record.txn, record.account.as_ref(), true)
        }
        Fact::Payment(PaymentEvent::CaptureReversed { txn, .. })
        | Fact::Refund(RefundEvent::Debited { txn, .. } | RefundEvent::Reversed { txn, .. })
        | Fact::Dispute(
            DisputeEvent::FundsWithdrawn { txn, .. } | DisputeEvent::FundsReinstated { txn, .. },
        )
        | Fact::Payout(
            PayoutEvent::TransferCreated { txn: Some(txn), .. }
            | PayoutEvent::TransferReversed { txn: Some(txn), .. },
        )
        | Fact::Topup(TopupEvent::Credited { txn, .. }) => (txn, None, false),
        Fact::Payout(PayoutEvent::Returned { txn: Some(txn), account, .. }) => {
            (txn, account.as_ref(), false)
        }
        _ => return None,
    })
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    let tenant = occurrence.tenant();
    for change in changes(occurrence.fact) {
        let subject = occurrence.recorded.stream.id.to_string();
        wanted.row::<Effect>(key![tenant, change.call.to_owned(), subject]);
    }
    if let Some((txn, ..)) = named(occurrence.fact) {
        wanted.row::<WantedTransaction>(key![tenant, txn.0]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let tenant = occurrence.tenant();
    let at = occurrence.recorded.recorded_at;
    for change in changes(occurrence.fact) {
        apply(occurrence, rows, change)?;
    }
    if let Some((txn, account, recorded)) = named(occurrence.fact) {
        let row = rows.upsert(key![tenant, txn.0], || WantedTransaction {
            tenant,
            txn: txn.0.clone(),
            account: account.map(|account| account.0.clone()),
            named_by: occurrence.recorded.event_type.to_string(),
            named_at: at,
            recorded,
        })?;
        row.recorded |= recorded;
    }
    Ok(())
}

fn apply(
    occurrence: &Occurrence<'_>,
    rows: &mut Rows,
    change: Change<'_>,
) -> Result<(), FoldError> {
    let tenant = occurrence.tenant();
    let at = occurrence.recorded.recorded_at;
    let subject = occurrence.recorded.stream.id.to_string();
    let key = key![tenant, change.call.to_owned(), subject];
    let conditional = change.only_open || change.only_with_key.is_some();
    if conditional {
        let meant = rows.get::<Effect>(key.clone())?.is_some_and(|row| {
            let open = !matches!(row.status.as_str(), "done" | "refused" | "dropped");
            change.only_with_key.is_none_or(|wanted| row.idempotency_key.as_deref() == Some(wanted))
                && (open || !change.only_open)
        });
        if !meant {
            return Ok(());
        }
    }
    let row = rows.upsert(key, || Effect {
        tenant,
        call: change.call.to_owned(),
        subject,
        status: String::new(),
        amount: None,
        currency: None,
        attempt: 1,
        idempotency_key: None,
        outcome: None,
        failure: None,
        opened_at: at,
        changed_at: at,
    })?;
    change.status.clone_into(&mut row.status);
    row.changed_at = at;
    if let Some(amount) = change.amount {
        row.amount = Some(amount.minor());
        row.currency = Some(amount.currency());
    }
    row.attempt = change.attempt.unwrap_or(row.attempt);
    if let Some(key) = change.idempotency_key {
        row.idempotency_key = Some(key.to_owned());
    }
    if let Some(outcome) = change.outcome {
        row.outcome = Some(outcome.to_owned());
    }
    row.failure = change.failure;
    Ok(())
}

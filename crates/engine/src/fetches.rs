//! The worker that reads from Stripe what its messages only mention, above all balance transactions.

use std::{sync::Arc, time::Instant};

use aggregates::{
    balance_transaction::{BalanceTransactionCommand, TransactionRecord},
    dispute::events::DisputeEvent,
    fact::Fact,
    link::{LinkCommand, Subject},
    payment::events::PaymentEvent,
    payout::{commands::PayoutCommand, events::PayoutEvent},
    policies::Command,
    refund::{commands::RefundCommand, events::RefundEvent},
    seller_account::commands::SellerAccountCommand,
    topup::events::TopupEvent,
    vocabulary::{AccountRef, ChargeRef, FactRank, StripePayoutRef, TxnRef},
    webhook_event::events::WebhookEventEvent,
};
use async_trait::async_trait;
use kernel::{Actor, ActorKind, Cause, Money, RefundId, TenantId, derived_uuid};
use store::{Metadata, Recorded, StreamId};

use crate::{
    bus::{Bus, Envelope, SendError},
    metrics_names as names,
    ports::{FoundRefund, StripeCallError, StripePort},
    station::{Problem, Routed, Station},
    translator::Fetch,
};

/// Fetches one thing.
#[derive(Debug)]
pub(crate) struct Fetcher {
    pub(crate) bus: Bus,
    pub(crate) port: Arc<dyn StripePort>,
}

impl Fetcher {
    /// Reads one thing from Stripe and records it. What Stripe does not have is noted in the trace
    /// and not asked for again.
    pub(crate) async fn fetch(
        &self,
        tenant: TenantId,
        fetch: &Fetch,
        cause: &Cause,
    ) -> Result<(), Problem> {
        match fetch {
            Fetch::Transaction { txn, account } => {
                let stream = StreamId::new("balance_transaction", tenant, txn.as_str());
                if self.bus.exists(&stream).await? {
                    return Ok(());
                }
                let asked = self.port.balance_transaction(txn, account.as_ref());
                let Some(record) = answered("balance_transaction", asked).await? else {
                    return Ok(());
                };
                self.record(tenant, record, cause).await.map(drop)
            }
            Fetch::RefundsOfCharge(charge) => {
                let asked = self.port.refunds_of_charge(charge);
                let found = answered("refunds_of_charge", asked).await?;
                for refund in found.unwrap_or_default() {
                    self.merge_refund(tenant, charge, refund, cause).await?;
                }
                Ok(())
            }
            Fetch::TransactionsOfPayout { payout, account } => {
                self.reconcile(tenant, payout, account.as_ref(), cause).await
            }
            Fetch::Account(account) => self.refresh(tenant, account, cause).await,
        }
    }

    /// Tells a seller's account what Stripe says of it now. Within one second this outranks what
    /// messages said (their ids sort before the word `fetch`).
    async fn refresh(
        &self,
        tenant: TenantId,
        account: &AccountRef,
        cause: &Cause,
    ) -> Result<(), Problem> {
        let Some(now) = answered("account", self.port.account(account)).await? else {
            return Ok(());
        };
        let subject = self.bus.subject(tenant, account.as_str()).await?;
        let Some(Subject::Seller(seller)) = subject else { return Ok(()) };
        let created = now.fetched_at.unix_seconds();
        let rank = FactRank { class: 0, created, event: "fetch".into() };
        let command =
            SellerAccountCommand::MergeStatus { account: now.account, flags: now.flags, rank };
        self.send(tenant, Command::SellerAccount(seller, command), cause, false).await
    }

    /// Records what a payout consists of, and compares the two.
    async fn reconcile(
        &self,
        tenant: TenantId,
        payout: &StripePayoutRef,
        account: Option<&AccountRef>,
        cause: &Cause,
    ) -> Result<(), Problem> {
        let asked = self.port.balance_transactions_of_payout(payout, account);
        let Some(records) = answered("balance_transactions_of_payout", asked).await? else {
            return Ok(());
        };
        let mut sum = None;
        let mut transactions = 0;
        for record in records {
            // The payout itself is on the list as well, with what it took. Another one that came
            // back is money like any other.
            if record.source.as_deref() != Some(payout.as_str()) {
                let so_far = sum.unwrap_or_else(|| Money::new(0, record.currency));
                let added = so_far.checked_add(Money::new(record.net, record.currency));
                sum = Some(added.map_err(|error| Problem(format!("{payout}: {error}")))?);
                transactions += 1;
            }
            self.record(tenant, record, cause).await?;
        }
        let subject = self.bus.subject(tenant, payout.as_str()).await?;
        let (Some(Subject::Payout(id)), Some(sum)) = (subject, sum) else { return Ok(()) };
        let stripe_payout = payout.clone();
        let note = PayoutCommand::NoteReconciled { stripe_payout, transactions, sum };
        self.send(tenant, Command::Payout(id, note), cause, false).await
    }

    /// Records a balance transaction that Stripe has stated; `true` if it was not known yet. One
    /// that is known changes nothing, unless its figures are others: that is noted.
    pub(crate) async fn record(
        &self,
        tenant: TenantId,
        record: TransactionRecord,
        cause: &Cause,
    ) -> Result<bool, Problem> {
        let txn = record.txn.clone();
        let stream = StreamId::new("balance_transaction", tenant, txn.as_str());
        let new = !self.bus.exists(&stream).await?;
        let record = BalanceTransactionCommand::Record(Box::new(record));
        self.send(tenant, Command::BalanceTransaction(txn, record), cause, new).await?;
        Ok(new)
    }

    async fn merge_refund(
        &self,
        tenant: TenantId,
        charge: &ChargeRef,
        found: FoundRefund,
        cause: &Cause,
    ) -> Result<(), Problem> {
        let FoundRefund { fact, ours } = found;
        let object = fact.stripe_refund.to_string();
        // The same id as when its own message comes first.
        let external = RefundId::derived(&[&tenant.to_string(), &object]);
        let known = match self.bus.subject(tenant, &object).await? {
            Some(Subject::Refund(refund)) => Some(refund),
            _ => ours.map(|(refund, _)| refund),
        };
        let (refund, command) = match known.filter(|known| *known != external) {
            Some(refund) => (refund, RefundCommand::MergeFact(Box::new(fact))),
            // The link alone does not prove that the refund was observed: we may have stopped
            // between the two. Observing again merges the fact.
            None => {
                let Some(Subject::Payment(payment)) =
                    self.bus.subject(tenant, charge.as_str()).await?
                else {
                    // Its own message waits for the charge; nothing is lost.
                    return Ok(());
                };
                let (charge, fact, refund) = (charge.clone(), Box::new(fact), external);
                (refund, RefundCommand::ObserveExternal { refund, payment, charge, fact })
            }
        };
        let establish =
            LinkCommand::Establish { object: object.clone(), subject: Subject::Refund(refund) };
        self.send(tenant, Command::Link(object, establish), cause, false).await?;
        self.send(tenant, Command::Refund(refund, command), cause, false).await
    }

    async fn send(
        &self,
        tenant: TenantId,
        command: Command,
        cause: &Cause,
        fresh: bool,
    ) -> Result<(), Problem> {
        let id = derived_uuid(&["fetch", &tenant.to_string(), &format!("{command:?}")]);
        let envelope =
            Envelope { fresh, ..Envelope::new(tenant, format!("fetch/{id}"), cause.clone()) };
        match self.bus.dispatch(command, envelope).await {
            Ok(_) => Ok(()),
            Err(SendError::Refused(refusal)) => {
                tracing::error!(code = refusal.code, "what Stripe answered was refused: {refusal}");
                Ok(())
            }
            Err(error) => Err(Problem(error.to_string())),
        }
    }
}

/// The answer; `None` when Stripe says there is no such thing.
async fn answered<T>(
    call: &'static str,
    asked: impl Future<Output = Result<T, StripeCallError>>,
) -> Result<Option<T>, Problem> {
    match timed(call, asked).await {
        Ok(answer) => Ok(Some(answer)),
        Err(StripeCallError::Refused { code, message, .. }) => {
            tracing::warn!(call, code, message, "Stripe does not have what was asked for");
            Ok(None)
        }
        Err(error) => Err(Problem(format!("{call}: {error}"))),
    }
}

/// Makes a call and measures it.
pub(crate) async fn timed<T>(
    call: &'static str,
    asked: impl Future<Output = Result<T, StripeCallError>>,
) -> Result<T, StripeCallError> {
    let started = Instant::now();
    let answer = asked.await;
    let result = match &answer {
        Ok(_) => "ok",
        Err(StripeCallError::Refused { .. }) => "refused",
        Err(StripeCallError::Unknown(_)) => "unknown",
        Err(StripeCallError::Unavailable(_)) => "unavailable",
    };
    metrics::counter!(names::STRIPE_CALLS, "call" => call, "result" => result).increment(1);
    metrics::histogram!(names::STRIPE_CALL_SECONDS, "call" => call)
        .record(started.elapsed().as_secs_f64());
    answer
}

/// Reads what facts and messages mention. Without a Stripe key it does not run, and begins where it
/// stopped once there is one.
pub(crate) struct Fetches {
    pub(crate) fetcher: Arc<Fetcher>,
}

/// Something to fetch, and why.
pub(crate) struct Wanted {
    tenant: TenantId,
    fetch: Fetch,
    cause: Cause,
}

#[async_trait]
impl Station for Fetches {
    type Job = Wanted;

    fn name(&self) -> &'static str {
        "fetches"
    }

    fn lanes(&self) -> usize {
        16
    }

    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Wanted>>, Problem> {
        let mut routed = Vec::new();
        for recorded in page.iter().filter(|event| may_want(&event.event_type)) {
            let problem =
                |error: String| Problem(format!("position {}: {error}", recorded.position));
            let fact = Fact::decode(&recorded.stream.category, &recorded.payload)
                .map_err(|error| problem(error.to_string()))?;
            let fetches = wanted_by(&fact);
            if fetches.is_empty() {
                continue;
            }
            let metadata = Metadata::from_json(&recorded.metadata)
                .map_err(|error| problem(error.to_string()))?;
            let cause = Cause {
                actor: Actor::new(ActorKind::Stripe, "fetch"),
                causation: Some(recorded.id.to_string()),
                ..metadata.cause
            };
            routed.extend(fetches.into_iter().map(|fetch| Routed {
                position: recorded.position,
                lane: fetch.to_string(),
                job: Wanted { tenant: recorded.stream.tenant, fetch, cause: cause.clone() },
            }));
        }
        Ok(routed)
    }

    async fn work(&self, job: &Wanted, _attempt: u32) -> Result<(), Problem> {
        self.fetcher.fetch(job.tenant, &job.fetch, &job.cause).await
    }
}

/// Whether events of this type can mention something; the others are not even decoded.
fn may_want(event_type: &str) -> bool {
    matches!(
        event_type,
        "stripe_event.applied"
            | "payment.capture_reversed"
            | "refund.debited"
            | "refund.reversed"
            | "dispute.funds_withdrawn"
            | "dispute.funds_reinstated"
            | "payout.transfer_created"
            | "payout.transfer_reversed"
            | "payout.returned"
            | "topup.credited"
    )
}

/// What a fact mentions and does not carry.
fn wanted_by(fact: &Fact) -> Vec<Fetch> {
    let one = |txn: &TxnRef, account: Option<&AccountRef>| {
        vec![Fetch::Transaction { txn: txn.clone(), account: account.cloned() }]
    };
    match fact {
        Fact::WebhookEvent(WebhookEventEvent::Applied { commands, .. }) => {
            commands.iter().filter_map(|text| text.parse().ok()).collect()
        }
        Fact::Payment(PaymentEvent::CaptureReversed { txn, .. })
        | Fact::Refund(RefundEvent::Debited { txn, .. } | RefundEvent::Reversed { txn, .. })
        | Fact::Dispute(
            DisputeEvent::FundsWithdrawn { txn, .. } | DisputeEvent::FundsReinstated { txn, .. },
        )
        | Fact::Topup(TopupEvent::Credited { txn, .. })
        | Fact::Payout(
            PayoutEvent::TransferCreated { txn: Some(txn), .. }
            | PayoutEvent::TransferReversed { txn: Some(txn), .. },
        ) => one(txn, None),
        Fact::Payout(PayoutEvent::Returned { txn: Some(txn), account, .. }) => {
            one(txn, account.as_ref())
        }
        _ => Vec::new(),
    }
}

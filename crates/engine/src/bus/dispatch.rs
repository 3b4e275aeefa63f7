//! Sending a command of any aggregate, and the questions about streams that know no type.

use std::{any::Any, sync::Arc};

use aggregates::{
    adjustment::Adjustment,
    api_key::ApiKey,
    balance_transaction::{BalanceTransaction, BalanceTransactionEvent, TransactionRecord},
    dispute::Dispute,
    link::{Link, Subject},
    membership::Membership,
    order::Order,
    payment::{Payment, commands::PaymentCommand},
    payout::Payout,
    period::{self, Period},
    policies::{Command, Settled, fee_of, settlement_of},
    refund::{Refund, commands::RefundCommand},
    rejection::Rejection,
    seller_account::SellerAccount,
    tenant::{Tenant, commands::TenantCommand},
    topup::Topup,
    vocabulary::{ChargeRef, TxnRef},
    webhook_event::WebhookEvent,
};
use async_trait::async_trait;
use cqrs_es::Aggregate;
use kernel::{Mode, PaymentId, TenantId};
use store::{LogError, Position, Snapshot, StreamId};

use super::{Bus, Envelope, Managed, Refusal, SendError, Sent, cache, receipt::variant_name};

/// Finds balance transactions by the object they belong to.
#[async_trait]
pub trait TransactionIndex: Send + Sync + std::fmt::Debug {
    /// The first balance transaction of a Stripe object on the platform's balance, of all that the
    /// log held at `known_at`.
    async fn transaction_of(
        &self,
        tenant: TenantId,
        source: &str,
        known_at: Position,
    ) -> Result<Option<TxnRef>, LogError>;
}

/// Which aggregate a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The aggregate type, `order`.
    pub category: &'static str,
    /// Its id within the tenant.
    pub id: String,
    /// The command, `order.confirm_payment`.
    pub command: String,
}

impl Target {
    /// Where a command goes. The payment of a charge is looked up when it is sent; until then the
    /// charge stands for it.
    #[must_use]
    pub fn of(command: &Command) -> Self {
        fn target<A: Aggregate>(id: impl ToString, command: &impl std::fmt::Debug) -> Target {
            let command = format!("{}.{}", A::TYPE, variant_name(command));
            Target { category: A::TYPE, id: id.to_string(), command }
        }
        match command {
            Command::Order(id, command) => target::<Order>(id, command),
            Command::Payment(id, command) => target::<Payment>(id, command),
            Command::Refund(id, command) => target::<Refund>(id, command),
            Command::Dispute(id, command) => target::<Dispute>(id, command),
            Command::SellerAccount(id, command) => target::<SellerAccount>(id, command),
            Command::Payout(id, command) => target::<Payout>(id, command),
            Command::WebhookEvent(id, command) => target::<WebhookEvent>(id, command),
            Command::BalanceTransaction(id, command) => target::<BalanceTransaction>(id, command),
            Command::Link(id, command) => target::<Link>(id, command),
            Command::Topup(id, command) => target::<Topup>(id, command),
            Command::Membership(id, command) => target::<Membership>(id, command),
            Command::Tenant(id, command) => target::<Tenant>(id, command),
            Command::Adjustment(id, command) => target::<Adjustment>(id, command),
            Command::Period(command) => target::<Period>(period::STREAM, command),
            Command::PaymentOf(charge, command) => target::<Payment>(charge, command),
            Command::FeeOf { payment, .. } => target::<Payment>(payment, command),
            Command::RefundOf(refund, command) => target::<Refund>(refund, command),
            Command::SettlementOf { settled: Settled::Payment(payment), .. } => {
                target::<Payment>(payment, command)
            }
            Command::SettlementOf { settled: Settled::Refund(refund), .. } => {
                target::<Refund>(refund, command)
            }
        }
    }
}

impl Bus {
    /// Sends a command of any aggregate.
    ///
    /// # Errors
    /// [`SendError`]; a refusal carries its stable code.
    pub async fn dispatch(
        &self,
        command: Command,
        envelope: Envelope,
    ) -> Result<Sent, SendError<Refusal>> {
        match command {
            Command::Order(id, command) => self.erased::<Order>(id, command, envelope).await,
            Command::Payment(id, command) => self.erased::<Payment>(id, command, envelope).await,
            Command::Refund(id, command) => self.erased::<Refund>(id, command, envelope).await,
            Command::Dispute(id, command) => self.erased::<Dispute>(id, command, envelope).await,
            Command::SellerAccount(id, command) => {
                self.erased::<SellerAccount>(id, command, envelope).await
            }
            Command::Payout(id, command) => self.erased::<Payout>(id, command, envelope).await,
            Command::WebhookEvent(id, command) => {
                self.erased::<WebhookEvent>(id, command, envelope).await
            }
            Command::BalanceTransaction(id, command) => {
                self.erased::<BalanceTransaction>(id, command, envelope).await
            }
            Command::Link(id, command) => self.erased::<Link>(id, command, envelope).await,
            Command::Topup(id, command) => self.erased::<Topup>(id, command, envelope).await,
            Command::Membership(id, command) => {
                self.erased::<Membership>(id, command, envelope).await
            }
            Command::Tenant(id, command) => self.erased::<Tenant>(id, command, envelope).await,
            Command::Adjustment(id, command) => {
                self.erased::<Adjustment>(id, command, envelope).await
            }
            Command::Period(command) => {
                self.erased::<Period>(period::STREAM, command, envelope).await
            }
            Command::PaymentOf(charge, command) => {
                self.to_payment_of(&charge, command, envelope).await
            }
            Command::FeeOf { payment, charge } => self.fee(payment, &charge, envelope).await,
            Command::RefundOf(refund, command) => {
                match self.subject(envelope.tenant, refund.as_str()).await? {
                    Some(Subject::Refund(refund)) => {
                        self.erased::<Refund>(refund, command, envelope).await
                    }
                    // Not known here yet; the refund asks by itself once it is.
                    _ => Ok(Sent::unchanged(0, *self.log().watch().borrow())),
                }
            }
            Command::SettlementOf { settled, txn } => {
                self.settlement(settled, &txn, envelope).await
            }
        }
    }

    async fn erased<A: Managed>(
        &self,
        id: impl ToString,
        command: A::Command,
        envelope: Envelope,
    ) -> Result<Sent, SendError<Refusal>> {
        // Boxed, because the states of all aggregates together make a large future.
        let id = id.to_string();
        let sending = Box::pin(self.send::<A>(&id, command, envelope));
        sending.await.map_err(|error| {
            error.map(|refusal| Refusal {
                code: format!("{}.{}", A::TYPE, refusal.as_ref()),
                message: refusal.to_string(),
            })
        })
    }

    async fn to_payment_of(
        &self,
        charge: &ChargeRef,
        command: PaymentCommand,
        envelope: Envelope,
    ) -> Result<Sent, SendError<Refusal>> {
        match self.subject(envelope.tenant, charge.as_str()).await? {
            Some(Subject::Payment(payment)) => {
                self.erased::<Payment>(payment, command, envelope).await
            }
            // Not captured yet; the payment asks by itself once it is.
            _ => Ok(Sent::unchanged(0, *self.log().watch().borrow())),
        }
    }

    async fn fee(
        &self,
        payment: PaymentId,
        charge: &ChargeRef,
        envelope: Envelope,
    ) -> Result<Sent, SendError<Refusal>> {
        let nothing = || Sent::unchanged(0, *self.log().watch().borrow());
        let Some(index) = self.inner.index.get() else { return Ok(nothing()) };
        let found =
            index.transaction_of(envelope.tenant, charge.as_str(), envelope.reacts_to).await?;
        let Some(txn) = found else { return Ok(nothing()) };
        let record = self.transaction(&txn, envelope.tenant).await?;
        match record.as_ref().and_then(fee_of) {
            Some((_, command)) => self.erased::<Payment>(payment, command, envelope).await,
            None => Ok(nothing()),
        }
    }

    async fn settlement(
        &self,
        settled: Settled,
        txn: &TxnRef,
        envelope: Envelope,
    ) -> Result<Sent, SendError<Refusal>> {
        let Some(record) = self.transaction(txn, envelope.tenant).await? else {
            // Not recorded yet; it finds its object by itself once it is.
            return Ok(Sent::unchanged(0, *self.log().watch().borrow()));
        };
        let settlement = settlement_of(&record);
        match settled {
            Settled::Payment(payment) => {
                let command = PaymentCommand::RecordSettlement(settlement);
                self.erased::<Payment>(payment, command, envelope).await
            }
            Settled::Refund(refund) => {
                let command = RefundCommand::RecordSettlement(settlement);
                self.erased::<Refund>(refund, command, envelope).await
            }
        }
    }

    /// A balance transaction as it was first recorded.
    async fn transaction(
        &self,
        txn: &TxnRef,
        tenant: TenantId,
    ) -> Result<Option<TransactionRecord>, SendError<Refusal>> {
        let stream = StreamId::new(BalanceTransaction::TYPE, tenant, txn.as_str());
        let first = self.log().read_stream(&stream, 0, 1).await?.pop();
        let Some(first) = first else { return Ok(None) };
        let event: BalanceTransactionEvent = serde_json::from_str(&first.payload)
            .map_err(|error| SendError::Corrupt(format!("{stream}: {error}")))?;
        Ok(Some(match event {
            BalanceTransactionEvent::Recorded { record, .. } => record,
            BalanceTransactionEvent::Contradicted { known, .. } => known,
        }))
    }

    /// Says how balance transactions are found by their object; only the first call counts.
    pub fn set_transaction_index(&self, index: Arc<dyn TransactionIndex>) {
        if self.inner.index.set(index).is_err() {
            tracing::debug!("the index of balance transactions was set before");
        }
    }

    /// What a Stripe object belongs to, as the log has it now.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn subject(
        &self,
        tenant: TenantId,
        object: &str,
    ) -> Result<Option<Subject>, LogError> {
        self.inspect::<Link, _>(tenant, object, |link, _| link.subject()).await
    }

    /// Whether a stream has any event.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn exists(&self, stream: &StreamId) -> Result<bool, LogError> {
        Ok(!self.log().read_stream(stream, 0, 1).await?.is_empty())
    }

    /// Writes a snapshot of a stream as it is now. Streams of unknown types are left alone.
    pub(crate) async fn save_snapshot(&self, stream: &StreamId) -> Result<(), LogError> {
        match &*stream.category {
            Adjustment::TYPE => self.snapshot_of::<Adjustment>(stream).await,
            ApiKey::TYPE => self.snapshot_of::<ApiKey>(stream).await,
            BalanceTransaction::TYPE => self.snapshot_of::<BalanceTransaction>(stream).await,
            Dispute::TYPE => self.snapshot_of::<Dispute>(stream).await,
            Link::TYPE => self.snapshot_of::<Link>(stream).await,
            Membership::TYPE => self.snapshot_of::<Membership>(stream).await,
            Order::TYPE => self.snapshot_of::<Order>(stream).await,
            Payment::TYPE => self.snapshot_of::<Payment>(stream).await,
            Payout::TYPE => self.snapshot_of::<Payout>(stream).await,
            Period::TYPE => self.snapshot_of::<Period>(stream).await,
            Refund::TYPE => self.snapshot_of::<Refund>(stream).await,
            Rejection::TYPE => self.snapshot_of::<Rejection>(stream).await,
            SellerAccount::TYPE => self.snapshot_of::<SellerAccount>(stream).await,
            Tenant::TYPE => self.snapshot_of::<Tenant>(stream).await,
            Topup::TYPE => self.snapshot_of::<Topup>(stream).await,
            WebhookEvent::TYPE => self.snapshot_of::<WebhookEvent>(stream).await,
            _ => Ok(()),
        }
    }

    async fn snapshot_of<A: Managed>(&self, stream: &StreamId) -> Result<(), LogError> {
        let timeline = self.log().timeline();
        let (state, version) = self
            .inspect::<A, _>(stream.tenant, &stream.id, |state, version| {
                (serde_json::to_string(state), version)
            })
            .await?;
        // A state that cannot be written has no shortcut; its events are all there.
        let Ok(state) = state else { return Ok(()) };
        // A snapshot outlives this process, so nothing is in it that a fail-over could take back.
        self.log().ensure_durable(self.log().head().await?.position).await?;
        if self.log().timeline() != timeline {
            return Err(LogError::Unavailable("it has just gone on elsewhere".to_owned()));
        }
        let schema = cache::snapshot_schema(A::TYPE);
        let snapshot = Snapshot { stream: stream.clone(), version, schema, state: state.into() };
        self.log().save_snapshot(snapshot).await
    }
}

/// The mode a tenant is created with; nothing knows it before the command that creates it.
pub(super) fn mode_of(command: &dyn Any) -> Option<Mode> {
    match command.downcast_ref::<TenantCommand>()? {
        TenantCommand::Provision { mode, .. } => Some(*mode),
        TenantCommand::SetPolicy { .. }
        | TenantCommand::SetTimeZone { .. }
        | TenantCommand::ConnectStripe { .. }
        | TenantCommand::RotateSecret { .. }
        | TenantCommand::AdvanceClock { .. }
        | TenantCommand::OpenAccount { .. }
        | TenantCommand::CloseAccount { .. }
        | TenantCommand::Suspend { .. }
        | TenantCommand::Resume
        | TenantCommand::RequestClose
        | TenantCommand::Close => None,
    }
}

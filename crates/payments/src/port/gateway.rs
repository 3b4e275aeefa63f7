//! The gateway to one platform account, and the engine's trait on it.

use std::{fmt, sync::Arc, time::Duration};

use aggregates::{
    balance_transaction::TransactionRecord,
    payout::commands::{PayoutFact, ReversalFact, TransferFact},
    refund::commands::RefundFact,
    vocabulary::{
        AccountRef, ChargeRef, ReversalRef, SessionRef, StripeDisputeRef, StripePayoutRef,
        TransferRef, TxnRef,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{
    AccountSnapshot, BalanceFigure, ChargeSnapshot, CloseDispute, CreatePayout, CreateRefund,
    CreateSession, CreateTransfer, DisputeSnapshot, FoundRefund, Listed, OpenedSession,
    ReverseTransfer, StripeCallError, StripePort, SubmitEvidence,
};
use kernel::{Clock, TenantId, Timestamp};

use crate::facts::Said;

/// How long one call may take. Stripe's own libraries allow 80 seconds; the engine would rather
/// know sooner that it does not know.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How to reach Stripe.
#[derive(Clone)]
pub struct StripeConfig {
    /// The secret or restricted key of the platform's account (`sk_...`, `rk_...`).
    key: String,
    /// Where Stripe is.
    url: Option<String>,
    /// How long one call may take.
    timeout: Duration,
}

impl StripeConfig {
    /// Stripe itself, with this key.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), url: None, timeout: TIMEOUT }
    }

    /// Another base URL, such as a local server's.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Another timeout per call.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Whether a client can be made with this, found out before anything else is touched.
    ///
    /// # Errors
    /// [`StripeConfigError`].
    pub fn check(&self) -> Result<(), StripeConfigError> {
        let plausible = self.key.starts_with("sk_") || self.key.starts_with("rk_");
        if !plausible || !self.key.chars().all(|letter| letter.is_ascii_graphic()) {
            return Err(StripeConfigError::Key);
        }
        match &self.url {
            Some(url) if !(url.starts_with("https://") || url.starts_with("http://")) => {
                Err(StripeConfigError::Url(url.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Debug for StripeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeConfig")
            .field("url", &self.url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why the client cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StripeConfigError {
    /// The key cannot be one.
    #[error("the Stripe key must begin with sk_ or rk_ and consist of visible characters")]
    Key,
    /// The base URL cannot be one.
    #[error("the Stripe URL \"{0}\" is not a URL such as https://api.stripe.com/")]
    Url(String),
}

/// Calls to Stripe for one tenant's platform account. Cheap to clone.
#[derive(Clone)]
pub struct StripeGateway {
    pub(super) client: stripe::Client,
    pub(super) tenant: TenantId,
    clock: Arc<dyn Clock>,
}

impl StripeGateway {
    /// A gateway. `clock` is the tenant's ([`crate::TenantClock`]): what Stripe answers about an
    /// object that exists already ranks by it among Stripe's events.
    ///
    /// # Errors
    /// [`StripeConfigError`].
    pub fn try_new(
        config: StripeConfig,
        tenant: TenantId,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StripeConfigError> {
        config.check()?;
        install_crypto_provider();
        let mut builder = stripe::ClientBuilder::new(config.key).timeout(config.timeout).app_info(
            "daybook",
            Some(env!("CARGO_PKG_VERSION").to_owned()),
            None,
        );
        if let Some(url) = &config.url {
            // The client joins base and path without a slash in between.
            builder = builder.url(format!("{}/", url.trim_end_matches('/')));
        }
        let client =
            builder.build().map_err(|_| StripeConfigError::Url(config.url.unwrap_or_default()))?;
        Ok(Self { client, tenant, clock })
    }

    /// The rank of what Stripe answers now about something that exists already.
    pub(super) fn answered(&self) -> Said {
        Said::in_answer(self.now())
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for StripeGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeGateway").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// The client panics when it is built before any provider is installed. Somebody else may have
/// installed one; then that one serves, and the error says only this.
fn install_crypto_provider() {
    let _already_there = rustls::crypto::ring::default_provider().install_default();
}

#[async_trait]
impl StripePort for StripeGateway {
    fn tenant(&self) -> TenantId {
        self.tenant
    }

    async fn create_session(&self, call: &CreateSession) -> Result<OpenedSession, StripeCallError> {
        self.open_session(call).await
    }

    async fn expire_session(
        &self,
        tenant: TenantId,
        session: &SessionRef,
    ) -> Result<(), StripeCallError> {
        self.end_session(tenant, session).await
    }

    async fn create_refund(&self, call: &CreateRefund) -> Result<RefundFact, StripeCallError> {
        self.make_refund(call).await
    }

    async fn find_refund(
        &self,
        call: &CreateRefund,
    ) -> Result<Option<RefundFact>, StripeCallError> {
        self.look_for_refund(call).await
    }

    async fn create_transfer(
        &self,
        call: &CreateTransfer,
    ) -> Result<TransferFact, StripeCallError> {
        self.make_transfer(call).await
    }

    async fn find_transfer(
        &self,
        call: &CreateTransfer,
    ) -> Result<Option<TransferFact>, StripeCallError> {
        self.look_for_transfer(call).await
    }

    async fn create_payout(&self, call: &CreatePayout) -> Result<PayoutFact, StripeCallError> {
        self.make_payout(call).await
    }

    async fn find_payout(
        &self,
        call: &CreatePayout,
    ) -> Result<Option<PayoutFact>, StripeCallError> {
        self.look_for_payout(call).await
    }

    async fn reverse_transfer(
        &self,
        call: &ReverseTransfer,
    ) -> Result<ReversalFact, StripeCallError> {
        self.make_reversal(call).await
    }

    async fn find_reversal(
        &self,
        call: &ReverseTransfer,
    ) -> Result<Option<ReversalFact>, StripeCallError> {
        self.look_for_reversal(call).await
    }

    async fn submit_evidence(&self, call: &SubmitEvidence) -> Result<(), StripeCallError> {
        self.send_evidence(call).await
    }

    async fn close_dispute(&self, call: &CloseDispute) -> Result<(), StripeCallError> {
        self.accept_dispute(call).await
    }

    async fn balance_transaction(
        &self,
        txn: &TxnRef,
        account: Option<&AccountRef>,
    ) -> Result<TransactionRecord, StripeCallError> {
        self.read_transaction(txn, account).await
    }

    async fn balance_transactions_of_payout(
        &self,
        payout: &StripePayoutRef,
        account: Option<&AccountRef>,
    ) -> Result<Vec<TransactionRecord>, StripeCallError> {
        self.list_transactions_of_payout(payout, account).await
    }

    async fn balance_transactions_after(
        &self,
        account: Option<&AccountRef>,
        created: Timestamp,
        cursor: Option<&str>,
    ) -> Result<Listed<TransactionRecord>, StripeCallError> {
        self.list_transactions(account, created, cursor).await
    }

    async fn charge(&self, charge: &ChargeRef) -> Result<ChargeSnapshot, StripeCallError> {
        self.read_charge(charge).await
    }

    async fn refunds_of_charge(
        &self,
        charge: &ChargeRef,
    ) -> Result<Vec<FoundRefund>, StripeCallError> {
        self.list_refunds(charge).await
    }

    async fn dispute(
        &self,
        dispute: &StripeDisputeRef,
    ) -> Result<DisputeSnapshot, StripeCallError> {
        self.read_dispute(dispute).await
    }

    async fn payout(
        &self,
        payout: &StripePayoutRef,
        account: Option<&AccountRef>,
    ) -> Result<PayoutFact, StripeCallError> {
        self.read_payout(payout, account).await
    }

    async fn transfer(&self, transfer: &TransferRef) -> Result<TransferFact, StripeCallError> {
        self.read_transfer(transfer).await
    }

    async fn reversal(
        &self,
        transfer: &TransferRef,
        reversal: &ReversalRef,
    ) -> Result<ReversalFact, StripeCallError> {
        self.read_reversal(transfer, reversal).await
    }

    async fn account(&self, account: &AccountRef) -> Result<AccountSnapshot, StripeCallError> {
        self.read_account(account).await
    }

    async fn balance(
        &self,
        account: Option<&AccountRef>,
    ) -> Result<Vec<BalanceFigure>, StripeCallError> {
        self.read_balance(account).await
    }

    async fn undelivered_events(
        &self,
        since: Timestamp,
        cursor: Option<&str>,
    ) -> Result<Listed<Bytes>, StripeCallError> {
        self.list_undelivered(since, cursor).await
    }
}

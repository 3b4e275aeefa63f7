//! A Stripe that makes refunds, and whose line goes dead when it is told to.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use aggregates::balance_transaction::TransactionRecord;
use aggregates::{
    payout::commands::{PayoutFact, ReversalFact, TransferFact},
    refund::commands::RefundFact,
    vocabulary::{
        AccountRef, ChargeRef, FactRank, ReversalRef, SessionRef, StripeDisputeRef,
        StripePayoutRef, TransferRef, TxnRef,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use kernel::{TenantId, Timestamp};

use super::toy_translator::record;
use crate::{
    ports::{
        AccountSnapshot, BalanceFigure, ChargeSnapshot, CloseDispute, CreatePayout, CreateRefund,
        CreateSession, CreateTransfer, DisputeSnapshot, FoundRefund, Listed, OpenedSession,
        ReverseTransfer, StripeCallError, StripePort, SubmitEvidence,
    },
    testing::{self, NOON},
};

type Answer<T> = Result<T, StripeCallError>;

/// Remembers what was asked of it.
#[derive(Debug, Default)]
pub(super) struct FakeStripe {
    pub(super) refunds: Mutex<BTreeMap<String, RefundFact>>,
    pub(super) created: AtomicU32,
    pub(super) asked: AtomicU32,
    /// So many calls are carried out and answered by silence.
    pub(super) done_but_silent: AtomicU32,
    /// So many calls do not get through.
    pub(super) unreachable: AtomicU32,
    /// The idempotency keys of all requests to refund.
    pub(super) keys: Mutex<Vec<String>>,
    /// The next request to refund freezes the process that makes it, just before it gets through.
    pub(super) freeze: Mutex<Option<Freeze>>,
    /// Everything that changes something is refused.
    pub(super) refusing: bool,
    /// With which code transfers are refused.
    pub(super) transfers_refused_with: Option<&'static str>,
    /// All balance transactions, the oldest first.
    pub(super) listed: Mutex<Vec<TransactionRecord>>,
    /// Which balances were walked, and from when on.
    pub(super) walked: Mutex<Vec<(Option<AccountRef>, Timestamp)>>,
}

/// Stops a whole process, as SIGSTOP does: its runtime has one thread, and this blocks it.
#[derive(Debug)]
pub(super) struct Freeze {
    /// Told when it is frozen.
    pub(super) frozen: tokio::sync::oneshot::Sender<()>,
    /// It goes on when told so.
    pub(super) thaw: mpsc::Receiver<()>,
}

fn takes_one(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

fn not_here<T>() -> Answer<T> {
    Err(StripeCallError::Unavailable("not in this test".to_owned()))
}

#[async_trait]
impl StripePort for FakeStripe {
    fn tenant(&self) -> TenantId {
        testing::tenant()
    }

    async fn create_refund(&self, call: &CreateRefund) -> Answer<RefundFact> {
        if takes_one(&self.unreachable) {
            return Err(StripeCallError::Unavailable("no route".to_owned()));
        }
        if self.refusing {
            let code = "charge_already_refunded".to_owned();
            let message = "It was refunded.".to_owned();
            return Err(StripeCallError::Refused { code, message, status: 400 });
        }
        let freeze = self.freeze.lock().unwrap().take();
        if let Some(Freeze { frozen, thaw }) = freeze {
            frozen.send(()).unwrap();
            thaw.recv().unwrap();
        }
        self.keys.lock().unwrap().push(call.idempotency_key.clone());
        let mut refunds = self.refunds.lock().unwrap();
        let id = format!("re_{}", refunds.len() + 1);
        let fact =
            refunds.entry(format!("{}/{}", call.refund, call.attempt)).or_insert_with(|| {
                self.created.fetch_add(1, Ordering::SeqCst);
                RefundFact {
                    stripe_refund: id.into(),
                    rank: FactRank { class: 0, created: NOON / 1000, event: "fetch".into() },
                    status: "pending".to_owned(),
                    reason: None,
                    amount: call.amount,
                    balance_transaction: None,
                    failure_balance_transaction: None,
                    occurred_at: Timestamp::from_millis(NOON),
                }
            });
        if takes_one(&self.done_but_silent) {
            return Err(StripeCallError::Unknown("timed out".to_owned()));
        }
        Ok(fact.clone())
    }

    async fn find_refund(&self, call: &CreateRefund) -> Answer<Option<RefundFact>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let refunds = self.refunds.lock().unwrap();
        Ok(refunds.get(&format!("{}/{}", call.refund, call.attempt)).cloned())
    }

    async fn balance_transaction(
        &self,
        txn: &TxnRef,
        _account: Option<&AccountRef>,
    ) -> Answer<TransactionRecord> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if takes_one(&self.unreachable) {
            return Err(StripeCallError::Unavailable("no route".to_owned()));
        }
        Ok(record(txn.as_str(), "ch_fetched"))
    }

    async fn create_session(&self, _: &CreateSession) -> Answer<OpenedSession> {
        not_here()
    }
    async fn expire_session(&self, _: TenantId, _: &SessionRef) -> Answer<()> {
        not_here()
    }
    async fn create_transfer(&self, _: &CreateTransfer) -> Answer<TransferFact> {
        let Some(code) = self.transfers_refused_with else { return not_here() };
        let (code, message) = (code.to_owned(), "It cannot be sent.".to_owned());
        Err(StripeCallError::Refused { code, message, status: 400 })
    }
    async fn find_transfer(&self, _: &CreateTransfer) -> Answer<Option<TransferFact>> {
        Ok(None)
    }
    async fn create_payout(&self, _: &CreatePayout) -> Answer<PayoutFact> {
        not_here()
    }
    async fn find_payout(&self, _: &CreatePayout) -> Answer<Option<PayoutFact>> {
        not_here()
    }
    async fn reverse_transfer(&self, _: &ReverseTransfer) -> Answer<ReversalFact> {
        not_here()
    }
    async fn find_reversal(&self, _: &ReverseTransfer) -> Answer<Option<ReversalFact>> {
        not_here()
    }
    async fn submit_evidence(&self, _: &SubmitEvidence) -> Answer<()> {
        not_here()
    }
    async fn close_dispute(&self, _: &CloseDispute) -> Answer<()> {
        not_here()
    }
    async fn balance_transactions_of_payout(
        &self,
        _: &StripePayoutRef,
        _: Option<&AccountRef>,
    ) -> Answer<Vec<TransactionRecord>> {
        not_here()
    }
    async fn balance_transactions_after(
        &self,
        account: Option<&AccountRef>,
        created: Timestamp,
        cursor: Option<&str>,
    ) -> Answer<Listed<TransactionRecord>> {
        self.walked.lock().unwrap().push((account.cloned(), created));
        let listed = self.listed.lock().unwrap();
        let fits = |record: &&TransactionRecord| {
            record.account.as_ref() == account && record.occurred_at >= created
        };
        let mut items: Vec<TransactionRecord> = listed.iter().filter(fits).cloned().collect();
        items.reverse();
        // One at a time, so that every walk has pages.
        let done = cursor.map_or(0, |text| text.parse().unwrap());
        let next = (done + 1 < items.len()).then(|| (done + 1).to_string());
        Ok(Listed { items: items.into_iter().skip(done).take(1).collect(), next })
    }
    async fn charge(&self, _: &ChargeRef) -> Answer<ChargeSnapshot> {
        not_here()
    }
    async fn refunds_of_charge(&self, _: &ChargeRef) -> Answer<Vec<FoundRefund>> {
        let facts = self.refunds.lock().unwrap().values().cloned().collect::<Vec<_>>();
        Ok(facts.into_iter().map(|fact| FoundRefund { fact, ours: None }).collect())
    }
    async fn dispute(&self, _: &StripeDisputeRef) -> Answer<DisputeSnapshot> {
        not_here()
    }
    async fn payout(&self, _: &StripePayoutRef, _: Option<&AccountRef>) -> Answer<PayoutFact> {
        not_here()
    }
    async fn transfer(&self, _: &TransferRef) -> Answer<TransferFact> {
        not_here()
    }
    async fn reversal(&self, _: &TransferRef, _: &ReversalRef) -> Answer<ReversalFact> {
        not_here()
    }
    async fn account(&self, _: &AccountRef) -> Answer<AccountSnapshot> {
        not_here()
    }
    async fn balance(&self, _: Option<&AccountRef>) -> Answer<Vec<BalanceFigure>> {
        not_here()
    }
    async fn undelivered_events(&self, _: Timestamp, _: Option<&str>) -> Answer<Listed<Bytes>> {
        not_here()
    }
}

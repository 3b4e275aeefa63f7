//! The sweep: walks the balance transactions of the platform and of every connected account, and
//! records those that no message has mentioned (monthly fees, reserves, what Stripe moves by itself).

use std::{sync::Arc, time::Duration};

use aggregates::{balance_transaction::TransactionRecord, vocabulary::AccountRef};
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{Actor, ActorKind, Cause, TenantId, Timestamp};
use projections::sellers::Seller;
use serde::Serialize;
use store::{Query, Views, ViewsExt};
use tokio::sync::{Mutex, watch};

use crate::{
    errands::{Errand, instant, second},
    fetches::{Fetcher, timed},
    ports::StripeCallError,
    projector::Projector,
    station::{Problem, Stop},
};

/// The projection that knows the connected accounts.
const SELLERS: &str = "sellers";
/// Days before the newest transaction seen that are read again: Stripe does not promise that a list
/// shows everything at once.
const OVERLAP_DAYS: i64 = 2;
/// How many accounts are read side by side. Stripe takes 25 requests a second in a sandbox.
const ACCOUNTS_AT_ONCE: usize = 4;
/// How many transactions of a page are recorded side by side.
const RECORDS_AT_ONCE: usize = 32;
/// How many sellers are read at once.
const SELLERS_AT_ONCE: usize = 1000;
/// How long the list of sellers may take to catch up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SweepReport {
    /// Balance transactions that Stripe listed.
    pub listed: u64,
    /// Those that were not known yet.
    pub recorded: u64,
    /// Connected accounts that Stripe would not let us read, such as those that have left.
    pub refused: Vec<AccountRef>,
}

impl SweepReport {
    fn add(&mut self, other: Self) {
        self.listed += other.listed;
        self.recorded += other.recorded;
        self.refused.extend(other.refused);
    }
}

/// How the sweep stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SweepStatus {
    /// When it last succeeded, by the machine's clock.
    pub last: Option<Timestamp>,
    /// What came of it, if this process did it.
    pub report: SweepReport,
    /// Why it did not succeed since, if it did not.
    pub problem: Option<String>,
}

/// Why nothing was swept, or not everything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// Nobody can ask Stripe for this tenant.
    #[error("no Stripe key is configured, so there is nobody to ask; import a file instead")]
    NoKey,
    /// Stripe, the log or the read models could not be asked; the next sweep goes on.
    #[error("not everything could be swept: {0}")]
    Unavailable(String),
}

impl From<Problem> for SweepError {
    fn from(problem: Problem) -> Self {
        Self::Unavailable(problem.0)
    }
}

/// Walks balance transactions, one walk at a time.
pub(crate) struct Sweeper {
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) projector: Arc<Projector>,
    pub(crate) views: Arc<dyn Views>,
    alone: Mutex<()>,
}

impl Sweeper {
    pub(crate) fn new(
        fetcher: Arc<Fetcher>,
        projector: Arc<Projector>,
        views: Arc<dyn Views>,
    ) -> Self {
        Self { fetcher, projector, views, alone: Mutex::new(()) }
    }

    /// Whose books it fills.
    pub(crate) fn tenant(&self) -> TenantId {
        self.fetcher.port.tenant()
    }

    /// Sweeps whenever it is due.
    pub(crate) async fn run(
        &self,
        errand: &Errand,
        status: &watch::Sender<SweepStatus>,
        stop: Stop,
    ) {
        if let Ok(last) = errand.last().await {
            status.send_modify(|status| status.last = last);
        }
        let attempt = || async {
            self.sweep_and_tell(status).await.map(drop).map_err(|error| error.to_string())
        };
        errand.run(stop, attempt).await;
    }

    /// Sweeps, and says in the status what came of it.
    pub(crate) async fn sweep_and_tell(
        &self,
        status: &watch::Sender<SweepStatus>,
    ) -> Result<SweepReport, SweepError> {
        let swept = self.sweep().await;
        let now = self.fetcher.bus.directory().clock().now();
        status.send_modify(|status| match &swept {
            Ok(report) => {
                *status = SweepStatus { last: Some(now), report: report.clone(), problem: None };
            }
            Err(error) => status.problem = Some(error.to_string()),
        });
        swept
    }

    /// Sweeps everything that is new since the last time. What one account lacks does not keep the
    /// others waiting.
    async fn sweep(&self) -> Result<SweepReport, SweepError> {
        let _alone = self.alone.lock().await;
        let tenant = self.tenant();
        let mut owners = vec![None];
        owners.extend(self.accounts(tenant).await?.into_iter().map(Some));
        let swept: Vec<Result<SweepReport, Problem>> = stream::iter(owners)
            .map(|owner| async move { self.sweep_account(tenant, owner.as_ref()).await })
            .buffered(ACCOUNTS_AT_ONCE)
            .collect()
            .await;
        let mut report = SweepReport::default();
        for one in swept {
            report.add(one?);
        }
        Ok(report)
    }

    /// The connected accounts of all sellers.
    async fn accounts(&self, tenant: TenantId) -> Result<Vec<AccountRef>, Problem> {
        let kept = self.projector.projections().iter().any(|known| known.name() == SELLERS);
        if !kept {
            return Ok(Vec::new());
        }
        let head = self.fetcher.bus.log().head().await?.position;
        let problem = |error: &dyn std::error::Error| Problem(format!("{SELLERS}: {error}"));
        let shown = self.projector.wait_for_one(SELLERS, head, PATIENCE).await;
        shown.map_err(|error| problem(&error))?;
        let sellers: Vec<Seller> = self
            .views
            .all(Query::of(tenant), SELLERS_AT_ONCE)
            .await
            .map_err(|error| problem(&error))?;
        Ok(sellers.into_iter().filter_map(|row| row.account).map(AccountRef).collect())
    }

    /// Sweeps one balance, the newest first, and remembers how new only when it has come to the end:
    /// a walk that was cut short is walked again.
    async fn sweep_account(
        &self,
        tenant: TenantId,
        account: Option<&AccountRef>,
    ) -> Result<SweepReport, Problem> {
        let whose = account.map_or("platform", AccountRef::as_str);
        let (log, bookmark) = (self.fetcher.bus.log(), format!("sweep/{tenant}/{whose}"));
        let seen = log.bookmark(&bookmark).await?.and_then(instant);
        let since = seen.map_or(Timestamp::EPOCH, |seen| seen.plus_days(-OVERLAP_DAYS));
        let mut report = SweepReport::default();
        let mut newest = seen;
        let mut cursor: Option<String> = None;
        loop {
            let port = &self.fetcher.port;
            let asked = port.balance_transactions_after(account, since, cursor.as_deref());
            let page = match (timed("balance_transactions", asked).await, account) {
                (Ok(page), _) => page,
                (Err(StripeCallError::Refused { code, message, .. }), Some(account)) => {
                    tracing::warn!(%account, code, message, "Stripe does not let us read it");
                    return Ok(SweepReport { refused: vec![account.clone()], ..report });
                }
                (Err(error), _) => return Err(Problem(format!("{whose}: {error}"))),
            };
            newest = newest.max(page.items.iter().map(|record| record.occurred_at).max());
            report.listed += u64::try_from(page.items.len()).unwrap_or(u64::MAX);
            report.recorded += self.record(tenant, whose, page.items).await?;
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        if let Some(newest) = newest.filter(|newest| Some(*newest) != seen).and_then(second) {
            log.save_bookmark(&bookmark, newest).await?;
        }
        Ok(report)
    }

    /// Records a page and says how many were new. Those that were not are compared.
    async fn record(
        &self,
        tenant: TenantId,
        whose: &str,
        records: Vec<TransactionRecord>,
    ) -> Result<u64, Problem> {
        let cause = Cause {
            actor: Actor::new(ActorKind::Stripe, "sweep"),
            request: None,
            causation: None,
            correlation: format!("sweep/{whose}"),
            webhook: None,
        };
        let new: Vec<bool> = stream::iter(records)
            .map(|record| self.fetcher.record(tenant, record, &cause))
            .buffer_unordered(RECORDS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(new.into_iter().map(u64::from).sum())
    }
}

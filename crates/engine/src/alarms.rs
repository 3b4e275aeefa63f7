//! How many alarms are open: for the metrics, and for people.

use std::collections::BTreeMap;

use kernel::{TenantId, Timestamp};
use projections::invariants::{Alarm, AlarmState, CheckedTenant, Invariant};
use store::{Field, Filter, Query, Views, ViewsError, ViewsExt};

use crate::{Engine, effects::tenants, metrics_names as names};

/// How many rows are read at once.
const PAGE_ROWS: usize = 5000;

/// The condition that an alarm is one by now, and not only the date on which an account's time is up.
#[must_use]
pub fn by_now(now: Timestamp) -> Filter {
    let after = Timestamp::from_millis(now.millis().saturating_add(1));
    Filter::Below(Alarm::COLUMNS.since, after.to_value())
}

/// How many alarms of a tenant are open by now, by invariant; those that have none are left out.
///
/// # Errors
/// [`ViewsError`].
pub async fn open_alarms(
    views: &dyn Views,
    tenant: TenantId,
    now: Timestamp,
) -> Result<BTreeMap<Invariant, u64>, ViewsError> {
    let mut counts: BTreeMap<Invariant, u64> = BTreeMap::new();
    let question = Query::of(tenant)
        .eq(Alarm::COLUMNS.state, AlarmState::Open.to_string())
        .filter(by_now(now));
    let count = |row: Alarm| -> Result<(), ViewsError> {
        *counts.entry(row.invariant).or_default() += 1;
        Ok(())
    };
    views.each(question, PAGE_ROWS, count).await?;
    Ok(counts)
}

impl Engine {
    /// Brings the gauge of open alarms up to date; where the answers are not there, it stays as it
    /// is.
    pub async fn publish_alarms(&self) {
        match self.all_alarms().await {
            Ok(counts) => {
                for invariant in Invariant::ALL {
                    let open = counts.get(&invariant).copied().unwrap_or_default();
                    let open = u32::try_from(open).unwrap_or(u32::MAX);
                    metrics::gauge!(names::ALARMS_OPEN, "invariant" => invariant.to_string())
                        .set(f64::from(open));
                }
            }
            Err(error) => tracing::debug!(%error, "the alarms could not be counted"),
        }
    }

    async fn all_alarms(&self) -> Result<BTreeMap<Invariant, u64>, ViewsError> {
        let views = &**self.views();
        let directory = self.bus().directory();
        let mut all: BTreeMap<Invariant, u64> = BTreeMap::new();
        for tenant in tenants::<CheckedTenant>(views).await? {
            // By the clock of the tenant where it has one of its own.
            let info = directory.tenant(tenant).await.ok().flatten();
            let now = directory.now(info.as_deref());
            for (invariant, count) in open_alarms(views, tenant, now).await? {
                *all.entry(invariant).or_default() += count;
            }
        }
        Ok(all)
    }
}

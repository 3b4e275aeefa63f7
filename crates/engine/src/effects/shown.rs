//! The calls to Stripe without an outcome, as people see them: the same in every process, whichever
//! of them makes the calls.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use kernel::TenantId;
use projections::{outbox::Effect, webhooks::Webhook};
use store::{
    Direction, Field, Filter, Log, Query, StreamId, Table, Value, Views, ViewsError, ViewsExt,
};

use super::{EffectStatus, open_of};
use crate::projector::ProjectorError;

/// How a call stands in the outbox while it has no outcome: announced or not, and unknown.
const TO_DO: [&str; 2] = ["to_do", "submitted"];
const UNKNOWN: &str = "unknown";
/// How many rows are read at once.
const PAGE_ROWS: usize = 1000;
/// How many streams are read side by side.
const STREAMS_AT_ONCE: usize = 16;

/// How much is to be done, or waits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    pub(crate) effects_to_do: usize,
    pub(crate) effects_unknown: usize,
    pub(crate) parked: usize,
    pub(crate) quarantined: usize,
}

/// Every call without an outcome, of one tenant or of all. The outbox says which streams have some,
/// and their events say what they are.
pub(crate) async fn shown(
    log: &dyn Log,
    views: &dyn Views,
    tenant: Option<TenantId>,
) -> Result<Vec<EffectStatus>, ProjectorError> {
    let tenants = match tenant {
        Some(tenant) => vec![tenant],
        None => tenants::<Effect>(views).await?,
    };
    let mut streams = BTreeSet::new();
    for tenant in tenants {
        for status in TO_DO.into_iter().chain([UNKNOWN]) {
            for row in with_status::<Effect>(views, tenant, status).await? {
                let Some(category) = category(&row.call) else { continue };
                streams.insert(StreamId::new(category, tenant, &row.subject));
            }
        }
    }
    let shown: Vec<Vec<EffectStatus>> = stream::iter(streams)
        .map(|stream| async move { of_stream(log, &stream).await })
        .buffered(STREAMS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(shown.concat())
}

async fn of_stream(log: &dyn Log, stream: &StreamId) -> Result<Vec<EffectStatus>, ProjectorError> {
    let open = open_of(log, stream).await?;
    let status = |effect: &super::OpenEffect| EffectStatus {
        tenant: stream.tenant,
        stream: stream.to_string(),
        call: effect.call.name(),
        state: effect.state,
        by_hand: effect.call.by_hand(),
        request: effect.call.request(),
    };
    Ok(open.effects.iter().map(status).collect())
}

/// What is to be done or waits, of all tenants.
pub(crate) async fn counted(views: &dyn Views) -> Result<Counted, ViewsError> {
    let mut counted = Counted::default();
    for tenant in tenants::<Effect>(views).await? {
        for status in TO_DO {
            counted.effects_to_do += with_status::<Effect>(views, tenant, status).await?.len();
        }
        counted.effects_unknown += with_status::<Effect>(views, tenant, UNKNOWN).await?.len();
    }
    for tenant in tenants::<Webhook>(views).await? {
        counted.parked += with_status::<Webhook>(views, tenant, "parked").await?.len();
        counted.quarantined += with_status::<Webhook>(views, tenant, "quarantined").await?.len();
    }
    Ok(counted)
}

/// The stream that a call belongs to.
fn category(call: &str) -> Option<&'static str> {
    Some(match call {
        "create_session" => "payment",
        "create_refund" => "refund",
        "create_transfer" | "create_payout" | "reverse_transfer" => "payout",
        "submit_evidence" | "close_dispute" => "dispute",
        _ => return None,
    })
}

/// The tenants that have rows, by skipping through the key.
pub(crate) async fn tenants<T: Table>(views: &dyn Views) -> Result<Vec<TenantId>, ViewsError> {
    let mut tenants: Vec<TenantId> = Vec::new();
    loop {
        let mut query = Query::across_tenants().order_by("tenant", Direction::Ascending).limit(1);
        if let Some(last) = tenants.last() {
            let after = vec![last.to_value()];
            query = query.filter(Filter::Beyond(vec!["tenant"], after, Direction::Ascending));
        }
        let Some(row) = views.rows::<T>(query).await?.pop() else { return Ok(tenants) };
        let tenant = row.to_values().into_iter().next().unwrap_or(Value::Null);
        tenants.push(TenantId::from_value(tenant)?);
    }
}

/// All rows of a tenant with this status.
async fn with_status<T: Table>(
    views: &dyn Views,
    tenant: TenantId,
    status: &'static str,
) -> Result<Vec<T>, ViewsError> {
    views.all(Query::of(tenant).eq("status", status), PAGE_ROWS).await
}

//! What every handler shares.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use engine::{Engine, ports::WebhookIntake};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use kernel::{KeyId, TenantId};

use crate::problem::Problem;

/// Limits, on by default.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest request body, bytes.
    pub body_bytes_max: usize,
    /// The largest webhook body, bytes.
    pub webhook_bytes_max: usize,
    /// How long a read may wait for `after=`.
    pub read_wait_max: Duration,
    /// Requests per minute and tenant, all keys together.
    pub tenant_per_minute: u32,
    /// Refund requests per minute and key.
    pub refunds_per_minute: u32,
    /// Login attempts per minute and address.
    pub logins_per_minute: u32,
    /// How long a dashboard session lasts.
    pub session_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1 << 20,
            webhook_bytes_max: 1 << 20,
            read_wait_max: Duration::from_secs(5),
            tenant_per_minute: 60_000,
            refunds_per_minute: 600,
            logins_per_minute: 20,
            session_max: Duration::from_secs(8 * 3600),
        }
    }
}

/// Renders all metrics in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What every handler shares.
pub struct Api {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Takes webhooks in; absent where none are configured.
    pub intake: Option<Arc<dyn WebhookIntake>>,
    /// Renders metrics; absent where none are collected.
    pub metrics: Option<RenderMetrics>,
    /// Limits.
    pub limits: Limits,
    keys: DefaultKeyedRateLimiter<(KeyId, u32)>,
    tenants: DefaultKeyedRateLimiter<TenantId>,
    refunds: DefaultKeyedRateLimiter<KeyId>,
    logins: DefaultKeyedRateLimiter<String>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Api {
    /// Shares this engine with the handlers.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        intake: Option<Arc<dyn WebhookIntake>>,
        metrics: Option<RenderMetrics>,
        limits: Limits,
    ) -> Self {
        Self {
            // A key's own rate is checked by cost: a slower key pays more cells per request.
            keys: RateLimiter::keyed(per_minute(KEY_CELLS_PER_MINUTE)),
            tenants: RateLimiter::keyed(per_minute(limits.tenant_per_minute)),
            refunds: RateLimiter::keyed(per_minute(limits.refunds_per_minute)),
            logins: RateLimiter::keyed(per_minute(limits.logins_per_minute)),
            engine,
            intake,
            metrics,
            limits,
        }
    }

    /// Counts a request against its key's and its tenant's rates.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn admit(&self, tenant: TenantId, key: KeyId, per_minute: u32) -> Result<(), Problem> {
        let cells =
            NonZeroU32::new(KEY_CELLS_PER_MINUTE / per_minute.max(1)).unwrap_or(NonZeroU32::MIN);
        let key_admits = self.keys.check_key_n(&(key, per_minute), cells);
        let admitted = matches!(key_admits, Ok(Ok(()))) && self.tenants.check_key(&tenant).is_ok();
        if admitted {
            Ok(())
        } else {
            Err(too_many("requests", 60_u64.div_ceil(u64::from(per_minute.max(1)))))
        }
    }

    /// Counts a refund request, which has a lower rate of its own.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn admit_refund(&self, key: KeyId) -> Result<(), Problem> {
        self.refunds.check_key(&key).map_err(|_| too_many("refund requests", 1))
    }

    /// Counts a login attempt from an address.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn admit_login(&self, address: &str) -> Result<(), Problem> {
        self.logins.check_key(&address.to_owned()).map_err(|_| too_many("logins", 3))
    }
}

/// The bucket of one key, in cells: a key that may make `n` requests per minute pays this divided by
/// `n` for each.
const KEY_CELLS_PER_MINUTE: u32 = 6_000_000;

fn per_minute(count: u32) -> Quota {
    Quota::per_minute(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
}

fn too_many(what: &str, seconds: u64) -> Problem {
    let status = actix_web::http::StatusCode::TOO_MANY_REQUESTS;
    let detail = format!("too many {what}; slow down");
    Problem { retry_after: Some(seconds.max(1)), ..Problem::new(status, "rate_limited", detail) }
}

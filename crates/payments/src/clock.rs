//! The time by which a tenant lives, for ranking Stripe's answers among its events.

use engine::Bus;
use kernel::{Clock, TenantId, Timestamp};
use store::LogError;

/// A tenant's clock: the machine's, or a sandbox's test clock as the log has it now.
#[derive(Debug, Clone)]
pub struct TenantClock {
    bus: Bus,
    tenant: TenantId,
}

impl TenantClock {
    /// Makes the tenant known to the engine, so that its test clock is seen from the first look.
    ///
    /// # Errors
    /// [`LogError`] when the tenant cannot be read.
    pub async fn open(bus: Bus, tenant: TenantId) -> Result<Self, LogError> {
        bus.directory().tenant(tenant).await?;
        Ok(Self { bus, tenant })
    }
}

impl Clock for TenantClock {
    fn now(&self) -> Timestamp {
        let directory = self.bus.directory();
        let known = directory.known();
        let info = known.iter().find(|info| info.tenant == self.tenant);
        directory.now(info.map(std::convert::AsRef::as_ref))
    }
}

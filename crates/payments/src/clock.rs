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

#[cfg(test)]
mod tests {
    use aggregates::tenant::{Tenant, commands::TenantCommand};
    use engine::Envelope;
    use kernel::RequestId;

    use super::*;
    use crate::intake::tests::{NOW, house, tenant};

    #[tokio::test]
    async fn a_sandbox_lives_by_its_test_clock_from_the_first_look() {
        let house = house().await;
        let shown = TenantClock::open(house.bus.clone(), tenant("pears")).await.unwrap();
        assert_eq!(shown.now(), Timestamp::from_unix_seconds(NOW));
        let to = Timestamp::from_unix_seconds(NOW + 86_400);
        let envelope =
            Envelope::of_operator(tenant("pears"), "test", RequestId::derived(&["advance"]));
        let command = TenantCommand::AdvanceClock { to };
        house.bus.send::<Tenant>(&tenant("pears").to_string(), command, envelope).await.unwrap();
        assert_eq!(shown.now(), to);
        let other = TenantClock::open(house.bus, tenant("plums")).await.unwrap();
        assert_eq!(other.now(), Timestamp::from_unix_seconds(NOW));
    }
}

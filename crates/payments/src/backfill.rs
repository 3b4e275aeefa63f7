//! Fetching what Stripe could not deliver: its list of events goes back 30 days.

use std::sync::Arc;

use aggregates::webhook_event::events::Endpoint;
use async_trait::async_trait;
use engine::{Backfill, Backfilled, IntakeError, StripeCallError, StripePort};
use kernel::{TenantId, Timestamp};

use crate::intake::StripeIntake;

/// Pages fetched in one run; the next run goes on where this one stopped, because what was taken in
/// once is a duplicate afterwards.
const PAGES_MAX: usize = 1000;

/// Fetches one tenant's undelivered events and takes them in as if they had been delivered.
///
/// Stripe lists the events of the platform's own account. What happened on connected accounts is
/// listed per account and is not asked for here.
#[derive(Debug, Clone)]
pub struct StripeBackfill {
    tenant: TenantId,
    port: Arc<dyn StripePort>,
    intake: StripeIntake,
}

impl StripeBackfill {
    /// For the tenant whose key the port uses.
    #[must_use]
    pub fn new(tenant: TenantId, port: Arc<dyn StripePort>, intake: StripeIntake) -> Self {
        Self { tenant, port, intake }
    }
}

#[async_trait]
impl Backfill for StripeBackfill {
    async fn run(&self, since: Timestamp) -> Result<Backfilled, StripeCallError> {
        let mut done = Backfilled::default();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = self.port.undelivered_events(since, cursor.as_deref()).await?;
            for body in &page.items {
                let taken =
                    self.intake.accept(self.tenant, Endpoint::Platform, body, true).await.map_err(
                        |error: IntakeError| StripeCallError::Unavailable(error.to_string()),
                    )?;
                done.listed += 1;
                done.new += u64::from(!taken.duplicate);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(done),
            }
        }
        tracing::warn!(tenant = %self.tenant, "more undelivered events remain for the next run");
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use kernel::FixedClock;
    use stripe_fake::{BarePayment, FakeStripe, Operation, Seed, serve};

    use super::*;
    use crate::{
        StripeConfig, StripeGateway,
        intake::tests::{NOW, house, tenant},
    };

    #[tokio::test]
    async fn what_was_not_delivered_is_taken_in_once() {
        let stripe = FakeStripe::new(Seed(9), NOW);
        stripe.apply("sale", Operation::Pay(BarePayment::default())).unwrap();
        let server = serve(stripe.clone(), TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        let config = StripeConfig::new("sk_test_orchard").with_url(server.url());
        let since = Timestamp::from_unix_seconds(NOW);
        let owner = tenant("pears");
        let clock = Arc::new(FixedClock::new(since));
        let port = Arc::new(StripeGateway::try_new(config, owner, clock).unwrap());
        let house = house().await;
        let backfill = StripeBackfill::new(owner, port, house.intake.clone());

        let expected = u64::try_from(stripe.undelivered_count()).unwrap();
        let first = backfill.run(since).await.unwrap();
        assert_eq!(first, Backfilled { listed: expected, new: expected });
        let second = backfill.run(since).await.unwrap();
        assert_eq!(second, Backfilled { listed: expected, new: 0 });
        server.stop().await;
        let unreachable = backfill.run(since).await.unwrap_err();
        assert!(matches!(unreachable, StripeCallError::Unavailable(_)), "{unreachable:?}");
    }
}

//! Waiting until everything that was begun is done: deliveries, Daybook's work, what is to do.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::client::{Ask, Who};
use super::{Delivery, DemoError, Driver};
use crate::webhook::{DeliveryOptions, DeliveryOrder, deliver};

/// Seconds that Daybook is given to come to rest, each time it is asked.
const SETTLE_S: u64 = 60;

impl Driver<'_> {
    /// Delivers, lets Daybook work, does by hand what it cannot do, until nothing is left.
    pub(super) async fn rest(&mut self) -> Result<(), DemoError> {
        let patience = Duration::from_secs(self.options.patience_s);
        let mut deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(25);
        loop {
            let delivered = self.deliver().await?;
            let settled = self.settle().await?;
            let by_hand = if self.options.without_key { self.do_by_hand().await? } else { 0 };
            let waiting = self.deliverable();
            if waiting == 0 && by_hand == 0 && settled {
                return Ok(());
            }
            if delivered > 0 || by_hand > 0 {
                deadline = Instant::now() + patience;
                pause = Duration::from_millis(25);
                continue;
            }
            if Instant::now() >= deadline {
                let what = format!("{waiting} events wait for delivery, settled: {settled}");
                return Err(DemoError::Restless(what));
            }
            // Daybook is gone for the moment or still busy: nothing helps but trying again.
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Lets Daybook ask Stripe for what no message has told it of. Without a key it cannot, and
    /// statements are imported instead.
    pub(super) async fn ask_stripe(&mut self) -> Result<(), DemoError> {
        if self.options.without_key {
            return Ok(());
        }
        let ask = Ask::post(Who::Finance, "/v1/stripe-sync", Value::Null, "demo-stripe-sync");
        match self.daybook.ask(ask).await {
            Ok(_) => self.rest().await,
            // It has no key, although it was said to have one; the comparison will show it.
            Err(DemoError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Delivers what has happened; answers how many events were acknowledged.
    async fn deliver(&mut self) -> Result<usize, DemoError> {
        if self.deliverable() == 0 {
            return Ok(0);
        }
        let (order, copies) = match self.options.delivery {
            Delivery::InOrder => (DeliveryOrder::AsHappened, 1),
            Delivery::Shuffled(seed) => (DeliveryOrder::Shuffled(seed), 1),
            Delivery::Twice => (DeliveryOrder::AsHappened, 2),
        };
        let options = DeliveryOptions {
            order,
            copies,
            attempts_max: 2,
            concurrency: self.options.concurrency.max(1),
            ..DeliveryOptions::default()
        };
        let report = deliver(self.fake, &self.options.endpoints, &options).await?;
        self.report.deliveries += report.attempts;
        Ok(report.acknowledged)
    }

    /// How many events have an endpoint to go to and have not reached it.
    fn deliverable(&self) -> usize {
        let endpoints = &self.options.endpoints;
        if endpoints.platform.is_some() && endpoints.connect.is_some() {
            return self.fake.undelivered_count();
        }
        let has_endpoint = |account: &Option<String>| match account {
            Some(_) => endpoints.connect.is_some(),
            None => endpoints.platform.is_some(),
        };
        let waiting = self.fake.take_undelivered(usize::MAX, &BTreeSet::new());
        waiting.iter().filter(|event| has_endpoint(&event.account)).count()
    }

    /// Whether Daybook came to rest in the time it was given.
    async fn settle(&self) -> Result<bool, DemoError> {
        let path = format!("/v1/status?settle={SETTLE_S}");
        let status = self.daybook.ask(Ask::get(Who::Finance, path)).await?;
        Ok(status["settled"] == true)
    }
}

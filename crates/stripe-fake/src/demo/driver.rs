//! Plays a month tick by tick: what we do, what Stripe does, deliveries, the clock, rest.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use serde_json::{Value, json};

use super::client::{Ask, Daybook, Who};
use super::notes::{Notes, OrderIds};
use super::{DemoError, DemoOptions, DemoReport, Progress, Refused, check_seed};
use crate::fake::FakeStripe;
use crate::scenario::{Action, PlannedOrder, Scenario, Step, Tick};

/// Plays one scenario.
#[derive(Debug)]
pub struct Driver<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) fake: &'a FakeStripe,
    pub(super) options: DemoOptions,
    pub(super) daybook: Daybook,
    pub(super) notes: Notes,
    pub(super) report: DemoReport,
    pub(super) progress: Progress,
    /// Calls done by hand, by idempotency key.
    pub(super) done_by_hand: BTreeSet<String>,
    /// Which step places an order or asks for a refund, by its key.
    pub(super) steps: BTreeMap<&'a str, &'a Step>,
    /// Daybook's clock as far as it is known; Unix seconds.
    clock: Option<i64>,
}

impl<'a> Driver<'a> {
    /// A driver for this scenario. The fake must have the scenario's seed and start.
    ///
    /// # Errors
    /// When they do not belong together, or the notes cannot be read.
    pub fn new(
        scenario: &'a Scenario,
        fake: &'a FakeStripe,
        options: DemoOptions,
    ) -> Result<Self, DemoError> {
        check_seed(scenario, fake)?;
        let steps = scenario.steps.iter().map(|step| (step.key.as_str(), step)).collect();
        let progress = Progress {
            ticks: scenario.ticks().len(),
            steps: scenario.steps.len(),
            ..Progress::default()
        };
        Ok(Self {
            daybook: Daybook::new(&options)?,
            notes: Notes::open(options.notes.as_ref())?,
            scenario,
            fake,
            options,
            report: DemoReport::default(),
            progress,
            done_by_hand: BTreeSet::new(),
            steps,
            clock: None,
        })
    }

    /// Plays the whole month, or what is missing of it.
    ///
    /// # Errors
    /// [`DemoError`] when it cannot go on; run it again to resume.
    pub async fn run(
        &mut self,
        progress: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<DemoReport, DemoError> {
        self.run_until(i64::MAX, progress).await?;
        self.ask_stripe().await?;
        self.report.read_from(self.fake);
        Ok(self.report.clone())
    }

    /// Plays the ticks that begin before this time; Unix seconds.
    ///
    /// # Errors
    /// [`DemoError`] when it cannot go on; run it again to resume.
    pub async fn run_until(
        &mut self,
        until: i64,
        progress: &mut (dyn FnMut(&Progress) + Send),
    ) -> Result<DemoReport, DemoError> {
        let ticks = self.scenario.ticks();
        let missing = ticks.iter().any(|tick| !self.notes.ticks_done.contains(&tick.number));
        if missing {
            self.begin().await?;
        }
        for tick in ticks.into_iter().filter(|tick| tick.start < until) {
            if !self.notes.ticks_done.contains(&tick.number) {
                self.play(tick).await?;
                self.notes.tick(tick.number)?;
            }
            self.progress.ticks_done = tick.number + 1;
            self.progress.steps_done += self.scenario.steps_of(tick).len();
            self.progress.deliveries = self.report.deliveries;
            self.progress.now = tick.end;
            progress(&self.progress);
        }
        self.report.orders = self.notes.orders.len();
        self.report.read_from(self.fake);
        Ok(self.report.clone())
    }

    /// The policy of the demo, and both clocks at the beginning.
    async fn begin(&mut self) -> Result<(), DemoError> {
        let known = self.daybook.ask(Ask::get(Who::Admin, "/v1/policy")).await?;
        self.clock = known["test_clock"].as_str().and_then(unix_seconds);
        self.move_clock(self.scenario.header.start).await?;
        let mut policy = known["policy"].clone();
        let wanted = &self.scenario.header.policy;
        if let Some(fields) = policy.as_object_mut()
            && wanted.iter().any(|(name, value)| fields.get(name) != Some(value))
        {
            fields.extend(wanted.clone());
            let key = format!("demo-policy-{}", fields.get("version").unwrap_or(&Value::Null));
            self.daybook.ask(Ask::post(Who::Admin, "/v1/policy", policy, &key)).await?;
        }
        Ok(())
    }

    async fn play(&mut self, tick: Tick) -> Result<(), DemoError> {
        let steps = self.scenario.steps_of(tick);
        self.fake.advance_to(tick.start)?;
        let (ours, others): (Vec<&Step>, Vec<&Step>) =
            steps.iter().partition(|step| step.action.is_ours());
        self.do_ours(&ours).await?;
        if !ours.is_empty() {
            self.rest().await?;
        }
        for step in others {
            self.fake.advance_to(step.at)?;
            self.perform(step).await?;
        }
        self.fake.advance_to(tick.end)?;
        self.rest().await?;
        self.move_clock(tick.end).await?;
        self.rest().await?;
        self.report.steps += steps.len();
        Ok(())
    }

    /// Orders are placed several at a time; everything else one after the other.
    async fn do_ours(&mut self, steps: &[&Step]) -> Result<(), DemoError> {
        let orders: Vec<(&Step, Value)> = steps
            .iter()
            .filter(|step| !self.notes.orders.contains_key(&step.key))
            .filter_map(|step| match &step.action {
                Action::PlaceOrder(planned) => Some((*step, self.order_body(planned))),
                _ => None,
            })
            .collect();
        for step in steps.iter().filter(|s| matches!(s.action, Action::RegisterSeller { .. })) {
            self.perform(step).await?;
        }
        let daybook = &self.daybook;
        let answers: Vec<(&Step, Result<Value, DemoError>)> = futures::stream::iter(orders)
            .map(|(step, body)| async move {
                let ask = Ask::post(Who::Storefront, "/v1/orders", body, &step.key);
                (step, daybook.ask(ask).await)
            })
            .buffered(self.options.concurrency.max(1))
            .collect()
            .await;
        for (step, answer) in answers {
            match answer {
                Ok(answer) => self.notes.order(&step.key, order_ids(&answer))?,
                Err(error) => self.note_refusal(&step.key, error)?,
            }
        }
        let rest = |step: &&&Step| {
            !matches!(step.action, Action::RegisterSeller { .. } | Action::PlaceOrder(_))
        };
        for step in steps.iter().filter(rest) {
            self.perform(step).await?;
        }
        Ok(())
    }

    async fn perform(&mut self, step: &Step) -> Result<(), DemoError> {
        match self.act(step).await {
            Ok(None) => Ok(()),
            Ok(Some(refused)) => {
                self.report.refused.push(Refused { step: step.key.clone(), ..refused });
                Ok(())
            }
            Err(error) => self.note_refusal(&step.key, error),
        }
    }

    /// A refused step is reported; anything else ends the run.
    fn note_refusal(&mut self, step: &str, error: DemoError) -> Result<(), DemoError> {
        let DemoError::Refused { what, status, code, detail } = error else { return Err(error) };
        self.report.refused.push(Refused {
            step: step.to_owned(),
            by: "daybook",
            code,
            detail: format!("{what}: {status}: {detail}"),
        });
        Ok(())
    }

    /// Moves Daybook's test clock, unless it is there already.
    async fn move_clock(&mut self, to: i64) -> Result<(), DemoError> {
        if self.clock.is_some_and(|clock| clock >= to) {
            return Ok(());
        }
        let body = json!({ "to": rfc3339(to) });
        let key = format!("demo-clock-{to}");
        self.daybook.ask(Ask::post(Who::Admin, "/v1/test-clock", body, &key)).await?;
        self.clock = Some(to);
        Ok(())
    }

    /// An order's ids; asked for again if they are not in the notes.
    pub(super) async fn order(&mut self, key: &str) -> Result<Option<OrderIds>, DemoError> {
        if let Some(ids) = self.notes.orders.get(key) {
            return Ok(Some(ids.clone()));
        }
        let Some(Action::PlaceOrder(planned)) = self.steps.get(key).map(|step| &step.action) else {
            return Ok(None);
        };
        let body = self.order_body(planned);
        match self.daybook.ask(Ask::post(Who::Storefront, "/v1/orders", body, key)).await {
            Ok(answer) => {
                let ids = order_ids(&answer);
                self.notes.order(key, ids.clone())?;
                Ok(Some(ids))
            }
            Err(DemoError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A refund's id; asked for again if it is not in the notes.
    pub(super) async fn refund(&mut self, key: &str) -> Result<Option<String>, DemoError> {
        if let Some(id) = self.notes.refunds.get(key) {
            return Ok(Some(id.clone()));
        }
        let Some(step) = self.steps.get(key).copied() else { return Ok(None) };
        match Box::pin(self.act(step)).await {
            Ok(_) => Ok(self.notes.refunds.get(key).cloned()),
            Err(DemoError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The request that places an order.
    fn order_body(&self, planned: &PlannedOrder) -> Value {
        let lines: Vec<Value> = planned
            .lines
            .iter()
            .map(|line| {
                json!({
                    "listing": line.listing, "title": line.title,
                    "seller": self.notes.sellers.get(&line.seller),
                    "quantity": line.quantity, "unit_price": line.unit_price,
                    "shippable": line.shippable, "taxable": line.taxable,
                    "fee_bps": line.fee_bps, "amounts": line.amounts,
                })
            })
            .collect();
        let mut body = json!({
            "reference": planned.reference, "currency": planned.currency.to_uppercase(),
            "buyer": planned.buyer, "lines": lines,
            "shipping": planned.shipping, "tax": planned.tax,
            "tax_jurisdiction": planned.tax_jurisdiction, "totals": planned.totals,
        });
        if planned.lines.iter().any(|line| line.shippable) {
            body["ship_to"] = json!({
                "name": "Sam Sample", "line1": "1 Example Street", "city": "Sampleton",
                "postal_code": "00000", "country": "US",
            });
        }
        if let Some(discount) = &planned.discount {
            let funded_by = if discount.by_seller { "seller" } else { "platform" };
            body["discount"] = json!({
                "amount": discount.amount, "funded_by": funded_by, "code": discount.code,
            });
        }
        if let Some(pay_by) = planned.pay_by {
            body["pay_by"] = json!(rfc3339(pay_by));
        }
        body
    }
}

fn order_ids(answer: &Value) -> OrderIds {
    let stripe = &answer["stripe"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = stripe["metadata"].as_object().into_iter().flatten();
    OrderIds {
        id: text(&answer["id"]),
        metadata: metadata.map(|(name, value)| (name.clone(), text(value))).collect(),
        client_reference_id: text(&stripe["client_reference_id"]),
        transfer_group: text(&stripe["transfer_group"]),
    }
}

pub(super) fn rfc3339(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .map(|time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

pub(super) fn unix_seconds(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp())
}

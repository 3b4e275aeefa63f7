//! What follows a paid order: refunds of every kind, cancellations, warnings, shipments.

use super::{
    Action, DAY_S, HOUR_S, Operation, Paid, Placed, Plan, Pool, RefundPlan, TICKS_A_DAY, made,
    round_down,
};
use crate::plan::{Payment, RefundStatus, RefundStep};
use crate::scenario::random::Random;
use crate::scenario::step::RefundDecision;

/// The last tick in which something can begin that takes days.
const EARLY: usize = 22 * TICKS_A_DAY;

impl Plan {
    pub(super) fn refund(&mut self, pool: &mut Pool<Paid>) {
        let mut random = self.random("refunds");
        for paid in pool.draw(self.scale.of(70), early) {
            self.request(&paid, None, Some(RefundDecision::Approve), &mut random);
        }
        for paid in pool.draw(self.scale.of(42), early) {
            let part = self.part(&paid, &mut random);
            self.request(&paid, Some(part), Some(RefundDecision::Approve), &mut random);
        }
        for (count, decision) in [
            (16, Some(RefundDecision::Decline)),
            (12, Some(RefundDecision::Withdraw)),
            // Nobody decides; after three days it is escalated.
            (6, None),
        ] {
            for paid in pool.draw(self.scale.of(count), early) {
                self.request(&paid, None, decision, &mut random);
            }
        }
        self.refunds_that_take_their_time(pool, &mut random);
        self.refunds_that_fail(pool, &mut random);
        self.refunds_in_the_dashboard(pool, &mut random);
    }

    /// A refund of the first line is asked for and, a day or so later, decided.
    fn request(
        &mut self,
        paid: &Paid,
        amount: Option<i64>,
        decision: Option<RefundDecision>,
        random: &mut Random,
    ) -> (String, usize) {
        let key = format!("refund/{}", paid.placed.key);
        let tick = paid.tick + 3 + random.below(12);
        let force = amount.is_none() && decision.is_some() && random.chance(15);
        let request =
            Action::RequestRefund { order: paid.placed.key.clone(), line: 0, amount, force };
        self.ours(key.clone(), tick, request);
        let decided = tick + 2 + random.below(6);
        if let Some(decision) = decision.filter(|_| !force) {
            let decide = Action::DecideRefund { refund: key.clone(), decision };
            self.ours(format!("decide/{key}"), decided, decide);
        }
        (key, decided)
    }

    /// A part of the first line that Stripe could refund.
    fn part(&self, paid: &Paid, random: &mut Random) -> i64 {
        let order = &paid.placed.order;
        let whole = order.lines[0].amounts.total;
        let part = round_down(whole * random.between(15, 70) / 100, &order.currency);
        part.clamp(super::step_of(&order.currency), whole)
    }

    fn refunds_that_take_their_time(&mut self, pool: &mut Pool<Paid>, random: &mut Random) {
        let canceled =
            RefundStep { after_s: 30 * HOUR_S, to: RefundStatus::Canceled, failure_reason: None };
        let waiting = RefundPlan { then: vec![canceled], ..RefundPlan::requires_action() };
        for (count, plan) in [(12, RefundPlan::succeeds_after(40 * HOUR_S)), (7, waiting)] {
            for paid in pool.draw(self.scale.of(count), early) {
                self.refunds_of(&paid.charge, paid.tick + 1, plan.clone());
                self.request(&paid, None, Some(RefundDecision::Approve), random);
            }
        }
    }

    /// Refunds that fail after they had succeeded: the money is owed until somebody sees to it.
    fn refunds_that_fail(&mut self, pool: &mut Pool<Paid>, random: &mut Random) {
        let then = [
            (5, Some(RefundDecision::Retry)),
            (4, Some(RefundDecision::PayExternally)),
            (4, Some(RefundDecision::Forgo)),
            (3, None),
        ];
        for (count, decision) in then {
            for paid in pool.draw(self.scale.of(count), early) {
                let fails = RefundPlan::fails_after_success(2 * DAY_S);
                self.refunds_of(&paid.charge, paid.tick + 1, fails);
                let (refund, decided) =
                    self.request(&paid, None, Some(RefundDecision::Approve), random);
                if let Some(decision) = decision {
                    let tick = decided + 3 * TICKS_A_DAY;
                    let settle = Action::DecideRefund { refund: refund.clone(), decision };
                    self.ours(format!("settle/{refund}"), tick, settle);
                }
            }
        }
    }

    /// Refunds nobody asked Daybook for.
    fn refunds_in_the_dashboard(&mut self, pool: &mut Pool<Paid>, random: &mut Random) {
        let fails = RefundPlan::fails_after_success(DAY_S);
        for (count, whole, plan) in [(22, true, None), (30, false, None), (4, true, Some(fails))] {
            for paid in pool.draw(self.scale.of(count), early) {
                let total = paid.placed.order.totals.total;
                let part =
                    round_down(total * random.between(10, 80) / 100, &paid.placed.order.currency);
                let tick = paid.tick + 2 + random.below(20);
                self.dashboard_refund(&paid, tick, (!whole).then_some(part), plan.clone());
            }
        }
    }

    pub(super) fn dashboard_refund(
        &mut self,
        paid: &Paid,
        tick: usize,
        amount: Option<i64>,
        plan: Option<RefundPlan>,
    ) {
        let refund = Operation::Refund {
            payment: made(&paid.payment),
            amount,
            reason: Some("requested_by_customer".into()),
            metadata: Default::default(),
            plan: Some(plan.unwrap_or_default()),
        };
        self.stripe(format!("dashboard-refund/{}", paid.placed.key), tick, 2_400, refund);
    }

    /// Orders that staff cancels after they were paid, and payments somebody has doubts about.
    pub(super) fn cancel_and_warn(&mut self, pool: &mut Pool<Paid>) {
        let mut random = self.random("cancellations");
        for (number, paid) in (0..).zip(pool.draw(self.scale.of(14), early)) {
            let kept =
                if number % 4 == 3 { super::of_cents(100, &paid.placed.order.currency) } else { 0 };
            let cancel =
                Action::CancelOrder { order: paid.placed.key.clone(), lines: None, fee: kept };
            let tick = paid.tick + 1 + random.below(4);
            self.ours(format!("cancel/{}", paid.placed.key), tick, cancel);
        }
        let several = |paid: &Paid| early(paid) && paid.placed.order.lines.len() > 1;
        for paid in pool.draw(self.scale.of(8), several) {
            let cancel = Action::CancelOrder {
                order: paid.placed.key.clone(),
                lines: Some(vec![1]),
                fee: 0,
            };
            let tick = paid.tick + 1 + random.below(4);
            self.ours(format!("cancel/{}", paid.placed.key), tick, cancel);
        }
        for (number, paid) in (0..).zip(pool.draw(self.scale.of(14), early)) {
            let key = format!("fraud-warning/{}", paid.placed.key);
            let warn = Operation::WarnOfFraud {
                payment: made(&paid.payment),
                fraud_type: "made_with_stolen_card".into(),
            };
            self.stripe(key.clone(), paid.tick + 1, 500, warn);
            if number < self.scale.of(7) {
                self.dashboard_refund(&paid, paid.tick + 3, None, None);
                let settle = Operation::SettleFraudWarning { warning: made(&key) };
                self.stripe(format!("settled-{key}"), paid.tick + 5, 500, settle);
            }
        }
        for (number, paid) in (0..).zip(pool.draw(self.scale.of(12), early)) {
            let key = format!("review/{}", paid.placed.key);
            let open = Operation::OpenReview { payment: made(&paid.payment) };
            self.stripe(key.clone(), paid.tick + 1, 700, open);
            if number < self.scale.of(10) {
                let close =
                    Operation::CloseReview { review: made(&key), reason: "approved".into() };
                self.stripe(format!("closed-{key}"), paid.tick + 4, 700, close);
            }
        }
    }

    /// Some of the goods are handed over, and some of those arrive, as far as nobody took part of
    /// the order back meanwhile. What the sellers get does not depend on it.
    pub(super) fn ship(&mut self, orders: &[Placed]) {
        let mut random = self.random("shipments");
        let troubled: std::collections::BTreeSet<String> =
            self.steps.iter().filter_map(|step| trouble(&step.key)).collect();
        let calm = orders.iter().filter(|placed| !troubled.contains(&placed.key));
        let calm = calm.filter(|placed| placed.tick <= EARLY);
        // Only what is paid at once: nobody ships while a bank debit is still on its way.
        let paid_at_once: std::collections::BTreeSet<String> = self
            .steps
            .iter()
            .filter(|step| {
                matches!(&step.action, Action::Pay { how, .. } if !matches!(how, Payment::Async { .. }))
            })
            .map(|step| step.key.clone())
            .collect();
        let calm: Vec<Placed> = calm
            .filter(|placed| paid_at_once.contains(&format!("pay/{}", placed.key)))
            .cloned()
            .collect();
        let mut pool = Pool::new(calm, &mut random);
        let shipped = self.scale.of(420);
        for (number, placed) in (0..).zip(pool.draw(shipped, ships)) {
            let order = placed.key.clone();
            let shipment = format!("ship-{}", order.replace('/', "-"));
            let lines = (0_u16..).zip(&placed.order.lines);
            let lines = lines.filter(|(_, line)| line.shippable);
            let lines = lines.map(|(number, line)| (number, line.quantity)).collect();
            let tick = placed.tick + 6 + random.below(6);
            let step = Action::Ship { order: order.clone(), shipment: shipment.clone(), lines };
            self.ours(format!("ship/{order}"), tick, step);
            if number % 15 == 0 {
                let amend =
                    Action::AmendTracking { order: order.clone(), shipment: shipment.clone() };
                self.ours(format!("amend/{order}"), tick + 2, amend);
            }
            if number % 3 != 0 {
                let deliver = Action::Deliver { order: order.clone(), shipment };
                self.ours(format!("deliver/{order}"), tick + 8 + random.below(8), deliver);
            }
        }
    }
}

fn early(paid: &Paid) -> bool {
    paid.tick <= EARLY
}

fn ships(placed: &Placed) -> bool {
    placed.order.lines.iter().any(|line| line.shippable)
}

/// The order that a step makes unfit for shipping.
fn trouble(key: &str) -> Option<String> {
    let (what, order) = key.split_once('/')?;
    [
        "refund",
        "cancel",
        "dashboard-refund",
        "dispute",
        "claw-back",
        "attempt",
        "review",
        "fraud-warning",
    ]
    .contains(&what)
    .then(|| order.to_owned())
}

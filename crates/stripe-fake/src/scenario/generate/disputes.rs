//! Disputes over paid orders: won, lost, partly lost, inquired, accepted, left open.

use super::{Action, DAY_S, Operation, Paid, Plan, Pool, TICKS_A_DAY, made, round_down};
use crate::operation::NewDispute;
use crate::plan::DisputeOutcome;
use crate::scenario::random::Random;
use crate::scenario::step::DisputeAnswer;

/// The last tick in which something can begin that takes days.
const EARLY: usize = 20 * TICKS_A_DAY;

impl Plan {
    pub(super) fn dispute(&mut self, pool: &mut Pool<Paid>) {
        let mut random = self.random("disputes");
        for (number, paid) in (0..).zip(pool.draw(self.scale.of(14), early)) {
            let key = self.charge_back(&paid, &mut random);
            self.answer(&key, paid.tick + 8, DisputeAnswer::Note);
            self.answer(&key, paid.tick + 14, DisputeAnswer::Evidence);
            self.close(
                &key,
                paid.tick + 24 + random.below(16),
                DisputeOutcome::won(number % 3 == 0),
            );
        }
        for paid in pool.draw(self.scale.of(16), early) {
            let key = self.charge_back(&paid, &mut random);
            self.close(&key, paid.tick + 20 + random.below(20), DisputeOutcome::lost());
        }
        self.partly_lost(pool, &mut random);
        self.inquiries(pool);
        for paid in pool.draw(self.scale.of(5), early) {
            let key = self.charge_back(&paid, &mut random);
            self.answer(&key, paid.tick + 13, DisputeAnswer::Accept);
        }
        for paid in pool.draw(self.scale.of(3), early) {
            self.charge_back(&paid, &mut random);
        }
        for paid in pool.draw(self.scale.of(3), early) {
            // Stopped by the card network before any money moved.
            let new = NewDispute { withdraw: false, ..NewDispute::chargeback(made(&paid.payment)) };
            let key = self.open(&paid, paid.tick + 4, new);
            self.close(&key, paid.tick + 12, DisputeOutcome::prevented());
        }
    }

    fn charge_back(&mut self, paid: &Paid, random: &mut Random) -> String {
        let reason = *random
            .pick(&["fraudulent", "product_not_received", "product_unacceptable"])
            .unwrap_or(&"general");
        let mut new = NewDispute::chargeback(made(&paid.payment));
        new.reason = reason.into();
        new.due_in_s = Some(14 * DAY_S);
        if random.chance(20) {
            let total = paid.placed.order.totals.total;
            new.amount = Some(round_down(total * 60 / 100, &paid.placed.order.currency));
        }
        self.open(paid, paid.tick + 3 + random.below(4), new)
    }

    /// After part of it had been refunded the whole charge is disputed, and what had been refunded
    /// comes back although the dispute is lost.
    fn partly_lost(&mut self, pool: &mut Pool<Paid>, random: &mut Random) {
        for paid in pool.draw(self.scale.of(9), early) {
            let order = &paid.placed.order;
            let part = round_down(order.totals.total * 40 / 100, &order.currency);
            self.dashboard_refund(&paid, paid.tick + 2, Some(part), None);
            let key = self.open(&paid, paid.tick + 5, NewDispute::chargeback(made(&paid.payment)));
            let outcome = DisputeOutcome::partly_lost(part);
            self.close(&key, paid.tick + 20 + random.below(8), outcome);
        }
    }

    fn inquiries(&mut self, pool: &mut Pool<Paid>) {
        for paid in pool.draw(self.scale.of(8), early) {
            let key = self.open(&paid, paid.tick + 4, NewDispute::inquiry(made(&paid.payment)));
            self.close(&key, paid.tick + 20, DisputeOutcome::warning_closed());
        }
        for (number, paid) in (0..).zip(pool.draw(self.scale.of(7), early)) {
            let key = self.open(&paid, paid.tick + 4, NewDispute::inquiry(made(&paid.payment)));
            let escalate = Operation::EscalateDispute { dispute: made(&key) };
            self.stripe(format!("escalate/{}", paid.placed.key), paid.tick + 12, 1_300, escalate);
            let outcome =
                if number % 2 == 0 { DisputeOutcome::lost() } else { DisputeOutcome::won(true) };
            self.close(&key, paid.tick + 26, outcome);
        }
    }

    fn open(&mut self, paid: &Paid, tick: usize, new: NewDispute) -> String {
        let key = format!("dispute/{}", paid.placed.key);
        self.stripe(key.clone(), tick, 1_300, Operation::OpenDispute(new));
        key
    }

    fn answer(&mut self, dispute: &str, tick: usize, answer: DisputeAnswer) {
        let action = Action::AnswerDispute { dispute: dispute.to_owned(), answer };
        let name = match answer {
            DisputeAnswer::Note => "note",
            DisputeAnswer::Evidence => "evidence",
            DisputeAnswer::Accept => "accept",
        };
        self.ours(format!("{name}/{dispute}"), tick, action);
    }

    fn close(&mut self, dispute: &str, tick: usize, outcome: DisputeOutcome) {
        let close = Operation::CloseDispute { dispute: made(dispute), outcome };
        self.stripe(format!("close/{dispute}"), tick, 1_400, close);
    }
}

fn early(paid: &Paid) -> bool {
    paid.tick <= EARLY && paid.placed.order.totals.total > 0
}

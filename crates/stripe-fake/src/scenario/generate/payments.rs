//! How orders are paid: at once, at the second attempt, late, twice, wrongly, or not at all.

use super::{Action, HOUR_S, Operation, Paid, Placed, Plan, Pool, TICKS_A_DAY, made, tick_start};
use crate::operation::BarePayment;
use crate::plan::{Forget, Payment};
use crate::scenario::random::Random;
use crate::scenario::step::Attribution;

/// The last tick in which something can begin that takes days.
const EARLY: usize = 24 * TICKS_A_DAY;
const METHODS: [&str; 3] = ["sepa_debit", "us_bank_account", "customer_balance"];

impl Plan {
    /// Decides how each order is paid; answers those that are, one payment each.
    pub(super) fn pay_orders(&mut self, orders: &mut [Placed]) -> Vec<Paid> {
        let mut random = self.random("payments");
        let firsts: Vec<Placed> =
            orders.iter().filter(|placed| placed.key.starts_with("first/")).cloned().collect();
        let rest = orders.iter().filter(|placed| !placed.key.starts_with("first/")).cloned();
        let mut pool = Pool::new(rest.collect(), &mut random);
        let mut paid = Vec::new();
        for placed in firsts {
            self.place(&placed);
            paid.push(self.pay_directly(&placed, Payment::default(), Forget::default()));
        }
        self.never_paid(&mut pool, &mut random);
        paid.extend(self.paid_by_debit(&mut pool, &mut random));
        paid.extend(self.paid_at_second_attempt(&mut pool, &mut random));
        self.paid_too_late(&mut pool, &mut random);
        self.paid_wrongly(&mut pool);
        self.paid_by_hand(&mut pool, &mut random);
        self.paid_without_a_trace(&mut pool);
        for placed in pool.left {
            paid.push(self.paid_at_once(&placed, &mut random));
        }
        self.paid_twice(&paid, &mut random);
        paid
    }

    /// The usual way, by one of three routes, with or without some of the links.
    fn paid_at_once(&mut self, placed: &Placed, random: &mut Random) -> Paid {
        self.place(placed);
        let late = random.chance(3).then(|| random.between(2, 9) * HOUR_S);
        let country = if random.chance(80) { "US" } else { "GB" };
        let card = Payment::Card { country: country.into(), late_balance_transaction_s: late };
        match random.between(1, 100) {
            1..=34 => self.pay_session(placed, true, card, lossy(random), random),
            35..=66 => self.pay_session(placed, false, card, lossy(random), random),
            67..=92 => self.pay_directly(placed, card, Forget::default()),
            _ => {
                let forget = Forget { intent_metadata: true, ..Forget::default() };
                self.pay_directly(placed, card, forget)
            }
        }
    }

    fn pay_session(
        &mut self,
        placed: &Placed,
        by_daybook: bool,
        how: Payment,
        forget: Forget,
        random: &mut Random,
    ) -> Paid {
        let order = placed.key.clone();
        self.open_session(placed, by_daybook);
        let prefix = if matches!(how, Payment::Async { .. }) { "py" } else { "ch" };
        let payment = format!("pay/{order}");
        let charge = self.seed.id(prefix, &payment, 0);
        let pay = Action::Pay { order, how, forget };
        self.later(payment.clone(), placed.tick, random.between(240, 3_000), pay);
        Paid { placed: placed.clone(), payment, charge, tick: placed.tick }
    }

    fn open_session(&mut self, placed: &Placed, by_daybook: bool) {
        let order = placed.key.clone();
        let open = if by_daybook {
            Action::AskForCheckout { order }
        } else {
            Action::OpenSession { order }
        };
        self.ours(format!("session/{}", placed.key), placed.tick, open);
    }

    fn pay_directly(&mut self, placed: &Placed, payment: Payment, forget: Forget) -> Paid {
        let bare = self.bare(placed, payment, forget);
        let tick = placed.tick;
        self.bare_payment(placed, format!("pay/{}", placed.key), tick, bare)
    }

    fn bare(&self, placed: &Placed, payment: Payment, forget: Forget) -> BarePayment {
        BarePayment {
            amount: placed.order.totals.total,
            currency: placed.order.currency.clone(),
            description: Some(format!("Order {}", placed.key)),
            forget,
            payment,
            ..BarePayment::default()
        }
    }

    fn bare_payment(
        &mut self,
        placed: &Placed,
        key: String,
        tick: usize,
        payment: BarePayment,
    ) -> Paid {
        let charge = self.seed.id("ch", &key, 0);
        let mut random = self.random(&key);
        let after_s = random.between(240, 3_000);
        let pay = Action::PayDirectly { order: placed.key.clone(), payment };
        self.later(key.clone(), tick, after_s, pay);
        Paid { placed: placed.clone(), payment: key, charge, tick }
    }

    /// Sessions nobody completes, and orders nobody tries to pay.
    fn never_paid(&mut self, pool: &mut Pool<Placed>, random: &mut Random) {
        for placed in pool.draw(self.scale.of(90), |_| true) {
            self.place(&placed);
            match random.between(1, 3) {
                1 => self.open_session(&placed, true),
                2 => self.open_session(&placed, false),
                _ => {}
            }
        }
        for placed in pool.draw(self.scale.of(16), |_| true) {
            // A card that was declined, and no second attempt before the session is over.
            self.place(&placed);
            self.open_session(&placed, false);
            let how = Payment::declined("insufficient_funds");
            let pay = Action::Pay { order: placed.key.clone(), how, forget: Forget::default() };
            self.later(format!("declined/{}", placed.key), placed.tick, 1_500, pay);
        }
    }

    /// Bank debits: most arrive after days, some are returned, and some of those that had arrived
    /// are taken back.
    fn paid_by_debit(&mut self, pool: &mut Pool<Placed>, random: &mut Random) -> Vec<Paid> {
        let mut paid = Vec::new();
        for placed in pool.draw(self.scale.of(26), |placed| placed.tick <= EARLY) {
            self.place(&placed);
            let failing = Payment::failing_debit(random.between(2, 4) * 24 * HOUR_S);
            let by_daybook = random.chance(50);
            self.pay_session(&placed, by_daybook, failing, Forget::default(), random);
        }
        for (number, placed) in
            (0..).zip(pool.draw(self.scale.of(150), |placed| placed.tick <= EARLY))
        {
            self.place(&placed);
            // Stripe's word on the money must come within the week after which it is released, and
            // yen take longest.
            let days = random.between(1, if placed.order.currency == "jpy" { 2 } else { 3 });
            let debit = Payment::Async {
                method: METHODS[random.below(METHODS.len())].into(),
                settles_in_s: days * 24 * HOUR_S,
                failure: None,
                late_balance_transaction_s: random.chance(20).then_some(5 * HOUR_S),
            };
            let by_daybook = random.chance(50);
            let mut done = self.pay_session(&placed, by_daybook, debit, Forget::default(), random);
            let days = usize::try_from(days).unwrap_or(3);
            done.tick += days * TICKS_A_DAY + 2;
            if number < self.scale.of(10) {
                let back = Operation::ClawBack {
                    payment: made(&done.payment),
                    failure_code: "insufficient_funds".into(),
                };
                let tick = done.tick + 2 + number % 3;
                self.stripe(format!("claw-back/{}", placed.key), tick, 2_000, back);
            } else {
                paid.push(done);
            }
        }
        paid
    }

    fn paid_at_second_attempt(
        &mut self,
        pool: &mut Pool<Placed>,
        random: &mut Random,
    ) -> Vec<Paid> {
        let mut paid = Vec::new();
        let declined = pool.draw(self.scale.of(60), |_| true);
        let asked = pool.draw(self.scale.of(24), |_| true);
        let attempts = declined
            .into_iter()
            .map(|placed| (placed, Payment::declined("card_velocity_exceeded")))
            .chain(asked.into_iter().map(|placed| (placed, Payment::RequiresAction)));
        for (placed, first) in attempts {
            self.place(&placed);
            let pay =
                Action::Pay { order: placed.key.clone(), how: first, forget: Forget::default() };
            self.later(format!("attempt/{}", placed.key), placed.tick, 120, pay);
            let by_daybook = random.chance(50);
            let card = Payment::default();
            paid.push(self.pay_session(&placed, by_daybook, card, Forget::default(), random));
        }
        paid
    }

    /// Money that arrives when nobody waits for it any more: it revives an order that has expired,
    /// and goes back if the order was cancelled.
    fn paid_too_late(&mut self, pool: &mut Pool<Placed>, random: &mut Random) {
        let fits = |placed: &Placed| placed.tick <= EARLY;
        for placed in pool.draw(self.scale.of(15), fits) {
            self.place(&placed);
            let tick = placed.tick + 2 + random.below(4);
            let bare = self.bare(&placed, Payment::default(), Forget::default());
            self.bare_payment(&placed, format!("late/{}", placed.key), tick, bare);
        }
        for mut placed in pool.draw(self.scale.of(7), fits) {
            // Time enough to be cancelled before it expires by itself.
            placed.order.pay_by = Some(tick_start(placed.tick + TICKS_A_DAY));
            self.place(&placed);
            let cancel = Action::CancelOrder { order: placed.key.clone(), lines: None, fee: 0 };
            self.ours(format!("cancel/{}", placed.key), placed.tick + 1, cancel);
            let bare = self.bare(&placed, Payment::default(), Forget::default());
            self.bare_payment(&placed, format!("late/{}", placed.key), placed.tick + 3, bare);
        }
    }

    /// Another amount than was asked for: it goes back, the right amount follows, or it stays open.
    fn paid_wrongly(&mut self, pool: &mut Pool<Placed>) {
        let drawn = pool.draw(self.scale.of(12), |placed| placed.tick <= EARLY);
        for (number, placed) in drawn.into_iter().enumerate() {
            self.place(&placed);
            let mut bare = self.bare(&placed, Payment::default(), Forget::default());
            bare.amount += super::of_cents(500, &placed.order.currency);
            let key = format!("wrong/{}", placed.key);
            self.bare_payment(&placed, key.clone(), placed.tick, bare);
            match number % 3 {
                0 => {
                    let back = Action::ReturnMoney { payment: key };
                    self.ours(format!("return/{}", placed.key), placed.tick + 5, back);
                }
                1 => {
                    let bare = self.bare(&placed, Payment::default(), Forget::default());
                    let tick = placed.tick + 3;
                    self.bare_payment(&placed, format!("right/{}", placed.key), tick, bare);
                }
                _ => {}
            }
        }
    }

    /// Cards that are only authorised at first; some are never captured.
    fn paid_by_hand(&mut self, pool: &mut Pool<Placed>, random: &mut Random) {
        let captured = self.scale.of(14);
        let drawn = pool.draw(captured + self.scale.of(7), |placed| placed.tick <= EARLY - 12);
        for (number, mut placed) in drawn.into_iter().enumerate() {
            placed.order.pay_by = Some(tick_start(placed.tick + 4 * TICKS_A_DAY));
            self.place(&placed);
            let mut bare = self.bare(&placed, Payment::default(), Forget::default());
            bare.manual_capture = true;
            let done =
                self.bare_payment(&placed, format!("hold/{}", placed.key), placed.tick, bare);
            if number < captured {
                let capture =
                    Operation::CapturePayment { payment: made(&done.payment), amount: None };
                let tick = placed.tick + 2 + random.below(8);
                self.stripe(format!("capture/{}", placed.key), tick, 1_000, capture);
            }
        }
    }

    /// Payments without any link: somebody finds out later which order they are for.
    fn paid_without_a_trace(&mut self, pool: &mut Pool<Placed>) {
        let count = 2 * self.scale.of(5);
        let drawn = pool.draw(count, |placed| placed.tick <= EARLY - 12);
        for (number, mut placed) in drawn.into_iter().enumerate() {
            placed.order.pay_by = Some(tick_start(placed.tick + 6 * TICKS_A_DAY));
            self.place(&placed);
            let bare = self.bare(&placed, Payment::default(), Forget::everything());
            let key = format!("traceless/{}", placed.key);
            self.bare_payment(&placed, key.clone(), placed.tick, bare);
            if number % 2 == 0 {
                let link = Action::LinkLate { payment: key, order: placed.key.clone() };
                let tick = placed.tick + 4 + number;
                self.later(format!("link/{}", placed.key), tick, 800, link);
            } else {
                // After three days the money is set aside, and a person decides.
                let to = Attribution::Order(placed.key.clone());
                let attribute = Action::Attribute { payment: key, to };
                let tick = placed.tick + 3 * TICKS_A_DAY + 4;
                self.ours(format!("attribute/{}", placed.key), tick, attribute);
            }
        }
    }

    /// A second payment for an order that was paid already.
    fn paid_twice(&mut self, paid: &[Paid], random: &mut Random) {
        let fits: Vec<&Paid> = paid.iter().filter(|paid| paid.tick <= EARLY).collect();
        for number in 0..self.scale.of(16) {
            let Some(paid) = fits.get(number * 7 % fits.len().max(1)) else { return };
            let tick = paid.tick + 1 + random.below(3);
            let bare = self.bare(&paid.placed, Payment::default(), Forget::default());
            self.bare_payment(&paid.placed, format!("again/{}", paid.placed.key), tick, bare);
        }
    }
}

/// Most payments keep every link; some keep a single one.
fn lossy(random: &mut Random) -> Forget {
    let all = Forget::everything();
    match random.between(1, 20) {
        1 => Forget { session_metadata: false, ..all },
        2 => Forget { intent_metadata: false, ..all },
        3 => Forget { client_reference_id: false, ..all },
        4 => Forget { transfer_group: false, ..all },
        _ => Forget::default(),
    }
}

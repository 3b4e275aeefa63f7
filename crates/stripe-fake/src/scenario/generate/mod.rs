//! Making a month from a seed.
//!
//! What happens to one order, payment or seller always lies in different ticks, so that deliveries
//! may be shuffled within a tick and still lead to the same decisions.

mod aftermath;
mod disputes;
mod goods;
mod payments;
mod sellers;
mod strays;
mod treasury;

use serde_json::{Map, json};

use super::random::Random;
use super::step::{Action, Step};
use super::{Header, MONTH_START, PlannedOrder, Scale, Scenario, SellerSpec};
use crate::id::Seed;
use crate::operation::{Operation, Target};
use crate::plan::{Behaviour, RefundPlan, Rule, When};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
const TICK_S: i64 = 6 * HOUR_S;
const TICKS_A_DAY: usize = 4;
const DAYS: usize = 31;
/// After the month, what is under way comes to its end.
const DAYS_AFTER: i64 = 5;

pub(super) fn month(seed: Seed, scale: Scale) -> Scenario {
    let mut plan = Plan::new(seed, scale);
    plan.join_sellers();
    plan.disturb_sellers();
    let mut orders = plan.place_orders();
    let paid = plan.pay_orders(&mut orders);
    let mut paid = Pool::new(paid, &mut Random::of(seed, "aftermath"));
    // In a small part of the month a seller may have nothing else to be paid on the day his payout
    // is to fail.
    paid.left.retain(|paid| !plan.pays_the_bad_payday(paid));
    plan.dispute(&mut paid);
    plan.refund(&mut paid);
    plan.cancel_and_warn(&mut paid);
    plan.ship(&orders);
    plan.stray_charges();
    plan.run_treasury();
    plan.finish()
}

/// The month in the making.
struct Plan {
    seed: Seed,
    scale: Scale,
    sellers: Vec<SellerSpec>,
    /// When sellers cannot sell: key, first and last tick.
    away: Vec<(String, usize, usize)>,
    steps: Vec<Step>,
}

/// An order and where it stands in the month.
#[derive(Clone, Debug)]
struct Placed {
    key: String,
    tick: usize,
    order: PlannedOrder,
}

/// An order that was paid, by which payment, and when at the latest.
#[derive(Clone, Debug)]
struct Paid {
    placed: Placed,
    payment: String,
    /// The charge's id.
    charge: String,
    tick: usize,
}

/// Things that are dealt out, each one once.
struct Pool<T> {
    left: Vec<T>,
}

impl<T> Pool<T> {
    fn new(mut all: Vec<T>, random: &mut Random) -> Self {
        random.shuffle(&mut all);
        Self { left: all }
    }

    /// Up to so many that fit.
    fn draw(&mut self, count: usize, fits: impl Fn(&T) -> bool) -> Vec<T> {
        let mut drawn = Vec::new();
        let mut place = self.left.len();
        while place > 0 && drawn.len() < count {
            place -= 1;
            if fits(&self.left[place]) {
                drawn.push(self.left.swap_remove(place));
            }
        }
        drawn
    }
}

impl Plan {
    fn new(seed: Seed, scale: Scale) -> Self {
        Self { seed, scale, sellers: sellers::all(), away: Vec::new(), steps: Vec::new() }
    }

    fn finish(mut self) -> Scenario {
        self.steps.sort_by_key(|step| (step.at, stage(&step.action)));
        let month_end = tick_start(DAYS * TICKS_A_DAY);
        let mut policy = Map::new();
        // Money is released seven days after it came. Waiting at most five for Stripe's word on it
        // makes no difference where there is one, and lets the month be played without a key.
        policy.insert("release_without_bt_after_days".into(), json!(5));
        policy.insert("refund_granularity".into(), json!("partial"));
        Scenario {
            header: Header {
                seed: self.seed.0,
                scale: self.scale,
                start: MONTH_START,
                month_end,
                until: month_end + DAYS_AFTER * DAY_S,
                tick_s: TICK_S,
                policy,
                sellers: self.sellers,
            },
            steps: self.steps,
        }
    }

    /// Something the platform does, at the beginning of a tick.
    fn ours(&mut self, key: impl Into<String>, tick: usize, action: Action) {
        self.steps.push(Step { key: key.into(), at: tick_start(tick), action });
    }

    /// Something that happens so many seconds into a tick.
    fn later(&mut self, key: impl Into<String>, tick: usize, after_s: i64, action: Action) {
        let after_s = after_s.clamp(1, TICK_S - 1);
        self.steps.push(Step { key: key.into(), at: tick_start(tick) + after_s, action });
    }

    fn stripe(&mut self, key: impl Into<String>, tick: usize, after_s: i64, what: Operation) {
        self.later(key, tick, after_s, Action::Stripe(what));
    }

    /// From now on the next refund of this charge follows a plan.
    fn refunds_of(&mut self, charge: &str, tick: usize, plan: RefundPlan) {
        let rule = Rule {
            when: When::Payment(charge.to_owned()),
            then: Behaviour::Refund(plan),
            times: Some(1),
        };
        self.stripe(format!("rule/{charge}"), tick, 30, Operation::AddRule(rule));
    }

    fn account(&self, seller: &str) -> String {
        self.seed.id("acct", &account_key(seller), 0)
    }

    fn random(&self, part: &str) -> Random {
        Random::of(self.seed, part)
    }

    fn is_away(&self, seller: &str, tick: usize) -> bool {
        self.away.iter().any(|(key, first, last)| key == seller && (*first..=*last).contains(&tick))
    }
}

/// What has to be done before what, among the things done at the same instant.
fn stage(action: &Action) -> u8 {
    match action {
        Action::RegisterSeller { .. } => 0,
        Action::PlaceOrder(_) => 1,
        Action::AskForCheckout { .. } | Action::OpenSession { .. } => 2,
        _ => 3,
    }
}

/// The key of the operation that creates a seller's connected account.
pub(crate) fn account_key(seller: &str) -> String {
    format!("account/{seller}")
}

fn tick_start(tick: usize) -> i64 {
    MONTH_START + i64::try_from(tick).unwrap_or(0) * TICK_S
}

fn made(payment: &str) -> Target {
    Target::made(payment)
}

/// The smallest step in which a currency is charged, minor units.
fn step_of(currency: &str) -> i64 {
    crate::currency::currency_facts(currency).multiple
}

/// Rounded down to what the currency can be charged in.
fn round_down(amount: i64, currency: &str) -> i64 {
    amount - amount.rem_euclid(step_of(currency))
}

/// An amount in US cents, brought to the size and steps of another currency.
fn of_cents(cents: i64, currency: &str) -> i64 {
    match currency {
        "jpy" => cents * 3 / 2,
        "kwd" => round_down(cents * 3, "kwd"),
        _ => cents,
    }
}

//! The platform's own money: top-ups, payouts, reserves, Stripe's bills, and application fees of
//! payments that connected accounts take themselves.

use super::{Action, DAYS, Operation, Plan, TICKS_A_DAY, made, of_cents};
use crate::operation::BarePayment;
use crate::plan::{PayoutPlan, TopUpPlan};

impl Plan {
    pub(super) fn run_treasury(&mut self) {
        for currency in ["usd", "eur", "jpy", "kwd"] {
            // Working capital, so that a seller's transfer never waits for a buyer's money.
            let fund = Operation::TopUp {
                amount: of_cents(5_000_000, currency),
                currency: currency.into(),
                plan: TopUpPlan::Succeeded,
            };
            self.stripe(format!("fund/{currency}"), 0, 300, fund);
        }
        for (name, plan) in [
            ("good", TopUpPlan::Succeeded),
            ("failed", TopUpPlan::Failed),
            ("canceled", TopUpPlan::Canceled),
            ("reversed", TopUpPlan::Reversed),
        ] {
            for number in 0..self.scale.of(6) {
                let top_up = Operation::TopUp { amount: 25_000, currency: "usd".into(), plan };
                self.stripe(format!("topup/{name}/{number}"), 6 + 9 * number, 3_000, top_up);
            }
        }
        self.platform_payouts();
        self.reserves();
        self.bills();
        self.direct_charges();
        for place in (10..16).chain([26]).take(self.scale.of(7)) {
            let seller = super::sellers::key(place);
            let name = Action::NameTransfer { seller: seller.clone() };
            self.later(format!("name-transfer/{seller}"), 10 * TICKS_A_DAY, 4_000, name);
        }
    }

    fn platform_payouts(&mut self) {
        let refused = PayoutPlan::Failed { code: "could_not_process".into() };
        for (name, plan) in [
            ("paid", PayoutPlan::Paid),
            ("failed", refused),
            ("canceled", PayoutPlan::Canceled),
            ("late", PayoutPlan::paid_then_failed()),
        ] {
            for number in 0..self.scale.of(6) {
                let key = format!("sweep/{name}/{number}");
                let tick = 8 + 13 * number;
                let sweep = Operation::SendPayout {
                    account: None,
                    amount: Some(100_000),
                    currency: "usd".into(),
                    plan: Some(plan.clone()),
                };
                self.stripe(key.clone(), tick, 3_300, sweep);
                if plan == PayoutPlan::Paid {
                    let confirm = Action::ConfirmBank { payout: key.clone() };
                    self.ours(format!("statement/{key}"), tick + 3 * TICKS_A_DAY, confirm);
                }
            }
        }
    }

    fn reserves(&mut self) {
        for number in 0..self.scale.of(6) {
            let key = format!("reserve/{number}");
            let hold =
                Operation::HoldReserve { account: None, amount: 40_000, currency: "usd".into() };
            let tick = 12 + 11 * number;
            self.stripe(key.clone(), tick, 3_500, hold);
            // The last one stays.
            if number == 0 || number + 1 < self.scale.of(6) {
                let amount = (number % 2 == 1).then_some(15_000);
                let release = Operation::ReleaseReserve { hold: made(&key), amount };
                self.stripe(format!("release/{key}"), tick + 16, 3_500, release);
            }
        }
    }

    fn bills(&mut self) {
        let last = DAYS * TICKS_A_DAY - 2;
        for (currency, amount, tax) in [("usd", 20_000, 4_000), ("eur", 9_000, 1_710)] {
            let bill = Operation::ChargeStripeFee {
                amount,
                tax,
                currency: currency.into(),
                description: "Connect, March 2026".into(),
            };
            self.stripe(format!("bill/{currency}"), last, 5_000, bill);
        }
    }

    /// Payments that a seller's own account takes, with a fee for the platform.
    fn direct_charges(&mut self) {
        let automatic: Vec<(String, String)> = self
            .sellers
            .iter()
            .filter(|seller| seller.automatic)
            .map(|seller| (seller.key.clone(), seller.currencies[0].clone()))
            .collect();
        for number in 0..self.scale.of(9) {
            let (seller, currency) = automatic[number % automatic.len()].clone();
            let amount = of_cents(6_000 + 500 * i64::try_from(number).unwrap_or(0), &currency);
            let key = format!("direct/{number}");
            let payment = BarePayment {
                amount,
                currency,
                on_account: Some(self.account(&seller)),
                application_fee: Some(amount / 10),
                description: Some("Sold at the counter".into()),
                ..BarePayment::default()
            };
            let tick = 5 + 8 * number;
            self.stripe(key.clone(), tick, 4_200, Operation::Pay(payment));
            if number < self.scale.of(6) {
                let amount = (number % 2 == 1).then_some(amount / 20);
                let back = Operation::RefundApplicationFee { fee: made(&key), amount };
                self.stripe(format!("fee-back/{number}"), tick + 7, 4_200, back);
            }
        }
    }
}

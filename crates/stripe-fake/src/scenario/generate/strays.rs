//! Charges nobody ordered: one in twenty, and what people do about them.

use super::{Action, Operation, Plan, TICKS_A_DAY, made, of_cents};
use crate::operation::{BarePayment, NewDispute};
use crate::plan::{DisputeOutcome, Forget, RefundPlan};
use crate::scenario::step::Attribution;

/// Charges nobody ordered, in a whole month.
const STRAYS: usize = 170;

impl Plan {
    pub(super) fn stray_charges(&mut self) {
        let mut random = self.random("strays");
        for number in 0..self.scale.of(STRAYS) {
            let tick = 1 + random.below(25 * TICKS_A_DAY);
            let currency = *random.pick(&["usd", "usd", "eur", "jpy", "kwd"]).unwrap_or(&"usd");
            let amount = of_cents(random.between(20, 400) * 50, currency);
            let key = format!("stray/{:03}", number + 1);
            let payment = BarePayment {
                amount,
                currency: currency.to_owned(),
                description: Some("Invoice paid by link".into()),
                forget: Forget::default(),
                ..BarePayment::default()
            };
            self.stripe(key.clone(), tick, random.between(100, 5_000), Operation::Pay(payment));
            // After three days it is set aside; decisions come after that.
            let decided = tick + 3 * TICKS_A_DAY + 2 + random.below(8);
            match number % 17 {
                0 | 5 | 9 => self.ours(
                    format!("return/{key}"),
                    decided,
                    Action::ReturnMoney { payment: key },
                ),
                1 | 7 | 12 => {
                    let fee = amount / 10;
                    let seller = self.stray_seller(currency, number);
                    let to = Attribution::Seller { seller, seller_net: amount - fee, fee };
                    let attribute = Action::Attribute { payment: key.clone(), to };
                    self.ours(format!("attribute/{key}"), decided, attribute);
                }
                3 => {
                    let refund = Operation::Refund {
                        payment: made(&key),
                        amount: None,
                        reason: None,
                        metadata: Default::default(),
                        plan: Some(RefundPlan::succeeds()),
                    };
                    self.stripe(format!("dashboard-refund/{key}"), decided, 900, refund);
                }
                14 => {
                    let dispute = format!("dispute/{key}");
                    let new = NewDispute::chargeback(made(&key));
                    self.stripe(dispute.clone(), decided, 900, Operation::OpenDispute(new));
                    let close = Operation::CloseDispute {
                        dispute: made(&dispute),
                        outcome: DisputeOutcome::lost(),
                    };
                    self.stripe(format!("close/{dispute}"), decided + 9, 900, close);
                }
                _ => {}
            }
        }
    }

    fn stray_seller(&self, currency: &str, number: usize) -> String {
        let able: Vec<&str> = self
            .sellers
            .iter()
            .filter(|s| s.sells && s.currencies[0] == currency)
            .map(|s| s.key.as_str())
            .collect();
        able[number % able.len()].to_owned()
    }
}

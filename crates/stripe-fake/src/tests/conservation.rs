//! Money is conserved, whatever happens in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{START, session_form};
use crate::{
    ApiRequest, BalanceType, BarePayment, DisputeOutcome, FakeStripe, NewAccount, NewDispute,
    Operation, Payment, PayoutPlan, PayoutSchedule, RefundPlan, Seed, Target, TopUpPlan,
    currency_facts,
};

const CURRENCIES: [&str; 4] = ["usd", "eur", "jpy", "kwd"];

/// The life of a platform as random numbers: what happens, to which object, how much.
fn histories() -> impl Strategy<Value = Vec<(u8, u16, u16)>> {
    prop::collection::vec((0_u8..20, any::<u16>(), any::<u16>()), 1..80)
}

struct World {
    stripe: FakeStripe,
    accounts: Vec<String>,
    keys: Vec<String>,
    billed: BTreeMap<String, i64>,
}

/// One step of a history.
struct Dice {
    key: String,
    what: u8,
    pick: u16,
    size: u16,
}

impl Dice {
    fn at(&self) -> usize {
        usize::from(self.pick) % CURRENCIES.len()
    }

    fn currency(&self) -> &'static str {
        CURRENCIES[self.at()]
    }

    fn amount(&self) -> i64 {
        100 + i64::from(self.size) * 10
    }
}

impl World {
    fn new() -> Self {
        let stripe = FakeStripe::new(Seed(1), START);
        let accounts = CURRENCIES
            .iter()
            .map(|currency| {
                let new = NewAccount { currency: (*currency).into(), ..NewAccount::default() };
                let key = format!("seller-{currency}");
                stripe.apply(&key, Operation::CreateAccount(new)).unwrap().id.unwrap()
            })
            .collect();
        Self { stripe, accounts, keys: Vec::new(), billed: BTreeMap::new() }
    }

    fn earlier(&self, pick: u16) -> String {
        let count = self.keys.len().max(1);
        self.keys.get(usize::from(pick) % count).cloned().unwrap_or_default()
    }

    /// Lets one thing happen. What Stripe refuses simply does not happen.
    fn step(&mut self, number: usize, (what, pick, size): (u8, u16, u16)) {
        let dice = Dice { key: format!("step-{number}"), what, pick, size };
        if what == 19 {
            self.stripe.advance_to(self.stripe.now() + i64::from(size) * 20).unwrap();
        } else if let Some(request) = self.request(&dice) {
            self.stripe.call(&request).unwrap();
        } else if let Some(operation) = self.buyers(&dice).or_else(|| self.balances(&dice)) {
            let _ = self.stripe.apply(&dice.key, operation);
        }
    }

    /// What the platform asks for.
    fn request(&self, dice: &Dice) -> Option<ApiRequest> {
        let (amount, currency) = (dice.amount(), dice.currency());
        let account = &self.accounts[dice.at()];
        let form = format!("amount={amount}&currency={currency}");
        let request = match dice.what {
            3 => {
                let form = session_form(&dice.key, amount, currency);
                ApiRequest::post("/v1/checkout/sessions", &form)
            }
            9 | 10 => ApiRequest::post("/v1/transfers", &format!("{form}&destination={account}")),
            11 => {
                let latest = self.stripe.call(&ApiRequest::get("/v1/transfers")).unwrap().body;
                let id = latest["data"][0]["id"].as_str()?;
                let path = format!("/v1/transfers/{id}/reversals");
                ApiRequest::post(path, &format!("amount={}", amount / 4))
            }
            12 => ApiRequest::post("/v1/payouts", &form).on_account(account.as_str()),
            _ => return None,
        };
        Some(request.key(dice.key.as_str()))
    }

    /// What buyers, card holders and banks do.
    fn buyers(&mut self, dice: &Dice) -> Option<Operation> {
        let (amount, size) = (dice.amount(), i64::from(dice.size));
        let account = self.accounts[dice.at()].clone();
        let payment = Target::made(self.earlier(dice.pick));
        let sale =
            BarePayment { amount, currency: dice.currency().into(), ..BarePayment::default() };
        if dice.what <= 2 {
            self.keys.push(dice.key.clone());
        }
        Some(match dice.what {
            0 => Operation::Pay(sale),
            1 => Operation::Pay(BarePayment {
                destination: Some(account),
                application_fee: Some(amount / 10),
                ..sale
            }),
            2 => Operation::Pay(BarePayment { payment: Payment::debit(size), ..sale }),
            4 => Operation::PaySession {
                session: Target::metadata("daybook_tenant", "acme"),
                payment: Payment::default(),
                forget: crate::Forget::default(),
            },
            5 | 6 => Operation::Refund {
                payment,
                amount: (dice.what == 5).then_some(amount / 3),
                reason: None,
                metadata: BTreeMap::new(),
                plan: Some(match size % 4 {
                    0 => RefundPlan::succeeds(),
                    1 => RefundPlan::succeeds_after(100),
                    2 => RefundPlan::fails_after_success(200),
                    _ => RefundPlan::requires_action(),
                }),
            },
            7 => {
                let outcome = match size % 4 {
                    0 => DisputeOutcome::won(true),
                    1 => DisputeOutcome::won(false),
                    2 => DisputeOutcome::partly_lost(10),
                    _ => DisputeOutcome::lost(),
                };
                let outcome = Some((size, outcome));
                Operation::OpenDispute(NewDispute { outcome, ..NewDispute::chargeback(payment) })
            }
            8 => Operation::ClawBack { payment, failure_code: "debit_disputed".into() },
            18 => Operation::Pay(BarePayment {
                on_account: Some(account),
                application_fee: Some(amount / 20),
                ..sale
            }),
            _ => return None,
        })
    }

    /// What happens to balances without a buyer.
    fn balances(&mut self, dice: &Dice) -> Option<Operation> {
        let (amount, currency) = (dice.amount(), dice.currency().to_owned());
        let account = self.accounts[dice.at()].clone();
        let even = dice.size.is_multiple_of(2);
        Some(match dice.what {
            13 => Operation::SendPayout {
                account: even.then_some(account),
                amount: None,
                currency,
                plan: Some(match dice.size % 3 {
                    0 => PayoutPlan::Paid,
                    1 => PayoutPlan::paid_then_failed(),
                    _ => PayoutPlan::Canceled,
                }),
            },
            14 => Operation::TopUp {
                amount,
                currency,
                plan: [TopUpPlan::Succeeded, TopUpPlan::Failed, TopUpPlan::Reversed][dice.at() % 3],
            },
            15 => Operation::HoldReserve { account: None, amount, currency },
            16 => {
                *self.billed.entry(currency.clone()).or_insert(0) += amount + 7;
                Operation::ChargeStripeFee { amount, tax: 7, currency, description: "Fees".into() }
            }
            17 => {
                let schedule = if even { PayoutSchedule::Daily } else { PayoutSchedule::Manual };
                Operation::SetPayoutSchedule { account: Some(account), schedule }
            }
            _ => return None,
        })
    }

    fn objects(&self, account: Option<&str>, path: &str) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        loop {
            let mut form = "limit=100".to_owned();
            if let Some(last) = rows.last() {
                form = format!("{form}&starting_after={}", last["id"].as_str().unwrap());
            }
            let mut request = ApiRequest::get(path);
            request.parameters = crate::parse_form(&form);
            request.account = account.map(str::to_owned);
            let page = self.stripe.call(&request).unwrap().body;
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] == false {
                return rows;
            }
        }
    }

    /// The balance as the objects tell it, with the processing fee computed from the schedule.
    fn told_by_objects(&self, account: Option<&str>) -> BTreeMap<String, i64> {
        let mut sums = Sums::default();
        for charge in self.objects(account, "/v1/charges") {
            self.add_charge(&mut sums, &charge, account.is_some());
        }
        for refund in self.objects(account, "/v1/refunds") {
            if is_set(&refund, "balance_transaction")
                && !is_set(&refund, "failure_balance_transaction")
            {
                sums.add(&refund, -number(&refund, "amount"));
            }
        }
        for dispute in self.objects(account, "/v1/disputes") {
            let fee = currency_facts(dispute["currency"].as_str().unwrap()).dispute_fee;
            sums.add(&dispute, -number(&dispute, "amount") - fee);
            for back in dispute["balance_transactions"].as_array().unwrap().iter().skip(1) {
                sums.add(&dispute, number(back, "amount") - number(back, "fee"));
            }
        }
        for payout in self.objects(account, "/v1/payouts") {
            if !is_set(&payout, "failure_balance_transaction") {
                sums.add(&payout, -number(&payout, "amount"));
            }
        }
        match account {
            Some(account) => self.add_transfers_to(&mut sums, account),
            None => self.add_platform(&mut sums),
        }
        sums.0.retain(|_, sum| *sum != 0);
        sums.0
    }

    fn add_charge(&self, sums: &mut Sums, charge: &Value, connected: bool) {
        if !is_set(charge, "balance_transaction") {
            return;
        }
        let captured = number(charge, "amount_captured");
        let facts = currency_facts(charge["currency"].as_str().unwrap());
        let from_platform = is_set(charge, "source_transfer");
        let fee = if from_platform { 0 } else { facts.processing_fee(captured) };
        sums.add(charge, captured - fee);
        if connected && !from_platform {
            sums.add(charge, -number(charge, "application_fee_amount"));
        }
        // The bank takes what was not refunded at that moment; a refund may still fail later, so only
        // the transaction can tell how much it was.
        if let Some(id) = charge["failure_balance_transaction"].as_str() {
            sums.add(charge, number(&self.stripe.object(id).unwrap(), "amount"));
        }
    }

    /// What arrived is a charge of the account; what was reversed and the platform's fee left it.
    fn add_transfers_to(&self, sums: &mut Sums, account: &str) {
        for transfer in self.objects(None, "/v1/transfers") {
            if transfer["destination"].as_str() == Some(account) {
                let source = transfer["source_transaction"].as_str();
                let charge = source.and_then(|id| self.stripe.object(id)).unwrap_or_default();
                let fee = number(&charge, "application_fee_amount");
                sums.add(&transfer, -number(&transfer, "amount_reversed") - fee);
            }
        }
    }

    fn add_platform(&self, sums: &mut Sums) {
        for transfer in self.objects(None, "/v1/transfers") {
            sums.add(&transfer, number(&transfer, "amount_reversed") - number(&transfer, "amount"));
        }
        for fee in self.objects(None, "/v1/application_fees") {
            sums.add(&fee, number(&fee, "amount"));
        }
        for topup in self.objects(None, "/v1/topups") {
            if topup["status"] == "succeeded" {
                sums.add(&topup, number(&topup, "amount"));
            }
        }
        for hold in self.objects(None, "/v1/reserve/holds") {
            sums.add(&hold, -number(&hold, "amount_releasable"));
        }
        for (currency, billed) in &self.billed {
            *sums.0.entry(currency.clone()).or_insert(0) -= billed;
        }
    }

    fn check(&self) {
        let platform = std::iter::once(None);
        for account in platform.chain(self.accounts.iter().map(|id| Some(id.as_str()))) {
            let mut balance = self.stripe.balance(account);
            balance.retain(|_, sum| *sum != 0);
            let mut booked: BTreeMap<String, i64> = BTreeMap::new();
            for transaction in self.stripe.balance_transactions(account) {
                if transaction.balance_type == BalanceType::Payments {
                    *booked.entry(transaction.currency.clone()).or_insert(0) += transaction.net();
                }
            }
            booked.retain(|_, sum| *sum != 0);
            assert_eq!(balance, booked, "balance and its transactions, {account:?}");
            assert_eq!(balance, self.told_by_objects(account), "balance and objects, {account:?}");
        }
    }
}

#[derive(Default)]
struct Sums(BTreeMap<String, i64>);

impl Sums {
    fn add(&mut self, object: &Value, amount: i64) {
        *self.0.entry(object["currency"].as_str().unwrap().to_owned()).or_insert(0) += amount;
    }
}

fn number(object: &Value, field: &str) -> i64 {
    object[field].as_i64().unwrap_or(0)
}

fn is_set(object: &Value, field: &str) -> bool {
    object[field].is_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_balance_is_what_its_transactions_and_its_objects_say(history in histories()) {
        let mut world = World::new();
        for (number, step) in history.into_iter().enumerate() {
            world.step(number, step);
        }
        world.check();
        world.stripe.advance_to(world.stripe.now() + 30 * super::DAY).unwrap();
        world.check();
    }
}

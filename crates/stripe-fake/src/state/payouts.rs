//! Payouts to banks, asked for or automatic, and top-ups from the platform's bank.

use serde_json::{Map, Value, json};

use super::State;
use super::money::Movement;
use crate::currency::currency_facts;
use crate::document::Document;
use crate::ledger::{BalanceType, Owner};
use crate::operation::{Operation, Target};
use crate::plan::{Behaviour, PayoutPlan, PayoutSchedule, TopUpPlan};
use crate::refusal::Refusal;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
const BANK_DAYS: i64 = 2;

/// A payout somebody asks for. The amount is minor units.
#[derive(Clone, Debug, Default)]
pub(crate) struct PayoutRequest {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) description: Option<String>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) plan: Option<PayoutPlan>,
}

impl State {
    /// `POST /v1/payouts`, and payouts made in the dashboard.
    pub(crate) fn create_payout(
        &mut self,
        owner: &Owner,
        request: PayoutRequest,
    ) -> Result<String, Refusal> {
        let multiple = currency_facts(&request.currency).payout_multiple;
        if request.amount <= 0 || request.amount.rem_euclid(multiple) != 0 {
            return Err(Refusal::invalid(
                "amount",
                format!("Payouts must be positive multiples of {multiple}."),
            ));
        }
        self.check_payouts_enabled(owner)?;
        let available = self.available(owner, &request.currency);
        if request.amount > available {
            return Err(Refusal::not_now(
                "balance_insufficient",
                format!(
                    "You have insufficient funds in your Stripe account for this payout: \
                     {available} available."
                ),
            ));
        }
        Ok(self.send_payout(owner, request, false))
    }

    fn send_payout(&mut self, owner: &Owner, request: PayoutRequest, automatic: bool) -> String {
        let id = self.mint("po");
        let mut document = Document::template("payout");
        let arrival = self.midnight_after(BANK_DAYS);
        document.set("id", id.as_str());
        document.set("amount", request.amount);
        document.set("arrival_date", arrival);
        document.set("automatic", automatic);
        document.set("created", self.clock);
        document.set("currency", request.currency.as_str());
        document.set("description", request.description);
        document.set("destination", self.bank_account_of(owner));
        document.set("metadata", Value::Object(request.metadata));
        document.set("statement_descriptor", request.statement_descriptor);
        document.set("status", "pending");
        let reconciliation = if automatic { "in_progress" } else { "not_applicable" };
        document.set("reconciliation_status", reconciliation);
        let movement = Movement::new("payout", "payout", -request.amount, &request.currency, &id)
            .describe("STRIPE PAYOUT");
        let transaction = self.post(owner, movement);
        document.set("balance_transaction", transaction.as_str());
        let plan = match request.plan {
            Some(plan) => plan,
            None => self
                .behaviour(&document, owner, |behaviour| match behaviour {
                    Behaviour::Payout(plan) => Some(plan.clone()),
                    _ => None,
                })
                .unwrap_or_default(),
        };
        self.insert(owner, "payout", document);
        self.emit_for("payout.created", &id);
        self.schedule_payout(&id, arrival, &plan);
        id
    }

    fn schedule_payout(&mut self, id: &str, arrival: i64, plan: &PayoutPlan) {
        let now = self.clock;
        let mut step = |at: i64, to: &str, code: Option<&str>| {
            let operation = Operation::MovePayout {
                payout: Target::id(id),
                to: to.to_owned(),
                failure_code: code.map(str::to_owned),
            };
            self.schedule(at, &format!("{id}/{to}"), operation);
        };
        if let PayoutPlan::Canceled = plan {
            step(now + HOUR_S / 2, "canceled", None);
            return;
        }
        step(now + HOUR_S, "in_transit", None);
        match plan {
            PayoutPlan::Paid => step(arrival, "paid", None),
            PayoutPlan::PaidThenFailed { after_s, code } => {
                step(arrival, "paid", None);
                step(arrival + after_s, "failed", Some(code));
            }
            PayoutPlan::Failed { code } => step(arrival, "failed", Some(code)),
            PayoutPlan::Canceled | PayoutPlan::Stuck => {}
        }
    }

    /// A payout changes its status; one that has failed or was canceled stays as it is.
    pub(super) fn move_payout(
        &mut self,
        payout: &str,
        to: &str,
        failure_code: Option<&str>,
    ) -> Result<String, Refusal> {
        let document = self.document(payout)?;
        let before = document.owned("status").unwrap_or_default();
        if ["failed", "canceled"].contains(&before.as_str()) || before == to {
            return Ok(payout.to_owned());
        }
        let owner = self.owner_of(payout);
        let amount = document.integer("amount");
        let currency = document.currency();
        let returned = match to {
            "failed" => Some(("payout_failure", "payout_reversal")),
            "canceled" => Some(("payout_cancel", "payout_reversal")),
            "in_transit" | "paid" => None,
            _ => return Err(Refusal::invalid("to", "No status of a payout.")),
        };
        if let Some((kind, category)) = returned {
            let movement = Movement::new(kind, category, amount, &currency, payout)
                .describe("STRIPE PAYOUT RETURNED");
            let transaction = self.post(&owner, movement);
            self.edit(payout, |payout| payout.set("failure_balance_transaction", transaction));
        }
        self.edit(payout, |payout| {
            payout.set("status", to);
            if to == "failed" {
                payout.set("failure_code", failure_code.unwrap_or("could_not_process"));
                payout.set("failure_message", "The bank could not process this payout.");
            }
        });
        match to {
            "in_transit" => self.emit_change("payout.updated", payout, &before),
            status => self.emit_change(&format!("payout.{status}"), payout, &before),
        }
        if to == "failed"
            && let Some(account) = owner.account()
        {
            self.fail_external_account(account)?;
        }
        Ok(payout.to_owned())
    }

    /// `POST /v1/payouts/:id/cancel`: only before the bank has it.
    pub(crate) fn cancel_payout(&mut self, payout: &str) -> Result<String, Refusal> {
        if !self.document(payout)?.is("status", "pending") {
            return Err(Refusal::not_now(
                "payout_not_cancelable",
                "This payout cannot be canceled because it is already on its way.",
            ));
        }
        self.move_payout(payout, "canceled", None)
    }

    /// A payout made in the dashboard; everything available if no amount is given.
    pub(super) fn send_dashboard_payout(
        &mut self,
        owner: &Owner,
        amount: Option<i64>,
        currency: &str,
        plan: Option<PayoutPlan>,
    ) -> Result<String, Refusal> {
        let multiple = currency_facts(currency).payout_multiple;
        let available = self.available(owner, currency);
        let everything = available - available.rem_euclid(multiple);
        self.create_payout(
            owner,
            PayoutRequest {
                amount: amount.unwrap_or(everything),
                currency: currency.to_owned(),
                description: Some("Payout from the dashboard".into()),
                plan,
                ..PayoutRequest::default()
            },
        )
    }

    pub(super) fn set_payout_schedule(
        &mut self,
        account: Option<&str>,
        schedule: PayoutSchedule,
    ) -> Result<(), Refusal> {
        let owner = Owner::of(account);
        if let Some(account) = account {
            self.owned(&Owner::Connected(account.to_owned()), "account", account)?;
            let interval = match schedule {
                PayoutSchedule::Manual => json!({ "delay_days": 2, "interval": "manual" }),
                PayoutSchedule::Daily => json!({ "delay_days": 2, "interval": "daily" }),
            };
            self.edit(account, |account| {
                account.get_mut("settings")["payouts"]["schedule"] = interval
            });
            self.emit_for("account.updated", account);
        }
        self.schedules.insert(owner.clone(), schedule);
        if schedule == PayoutSchedule::Daily {
            self.schedule_run(&owner);
        }
        Ok(())
    }

    /// Schedules the next daily run, unless one is already on its way from an earlier time at which
    /// the account was on the daily schedule.
    fn schedule_run(&mut self, owner: &Owner) {
        if !self.pending_runs.insert(owner.clone()) {
            return;
        }
        let account = owner.account().map(str::to_owned);
        let name = account.as_deref().unwrap_or("platform").to_owned();
        let at = self.midnight_after(1);
        self.sequence += 1;
        let run = super::Scheduled {
            key: format!("payouts/{name}/{at}"),
            operation: Operation::RunPayoutSchedule { account },
        };
        self.scheduled.insert((at, self.sequence), run);
    }

    /// The daily run: everything available and not yet swept goes to the bank, one payout for each
    /// currency, and those balance transactions belong to it.
    pub(super) fn run_payout_schedule(&mut self, owner: &Owner) {
        self.pending_runs.remove(owner);
        if self.schedules.get(owner) != Some(&PayoutSchedule::Daily) {
            return;
        }
        self.schedule_run(owner);
        if self.check_payouts_enabled(owner).is_err() {
            return;
        }
        for currency in self.ledger.balances(owner, BalanceType::Payments).into_keys() {
            let (swept, amount) = self.ledger.sweepable(owner, &currency, self.clock);
            let multiple = currency_facts(&currency).payout_multiple;
            if amount <= 0 || amount.rem_euclid(multiple) != 0 {
                continue;
            }
            let request = PayoutRequest {
                amount,
                currency: currency.clone(),
                description: Some("STRIPE PAYOUT".into()),
                ..PayoutRequest::default()
            };
            let payout = self.send_payout(owner, request, true);
            let mut ids = swept;
            ids.extend(
                self.stored(&payout)
                    .and_then(|stored| stored.document.owned("balance_transaction")),
            );
            self.ledger.sweep(owner, &currency, &ids, &payout);
            let reconcile = Operation::ReconcilePayout { payout: Target::id(payout.as_str()) };
            self.schedule(self.clock + 2 * HOUR_S, &format!("{payout}/reconcile"), reconcile);
        }
    }

    pub(super) fn reconcile_payout(&mut self, payout: &str) -> String {
        self.edit(payout, |payout| payout.set("reconciliation_status", "completed"));
        self.emit_for("payout.reconciliation_completed", payout);
        payout.to_owned()
    }

    pub(super) fn top_up(
        &mut self,
        amount: i64,
        currency: &str,
        plan: TopUpPlan,
    ) -> Result<String, Refusal> {
        if amount <= 0 {
            return Err(Refusal::invalid("amount", "A top-up is a positive amount."));
        }
        let mut document = Document::template("topup");
        let id = self.mint("tu");
        document.set("id", id.as_str());
        document.set("amount", amount);
        document.set("created", self.clock);
        document.set("currency", currency);
        document.set("description", "Top-up");
        document.set("expected_availability_date", self.clock + DAY_S);
        self.insert(&Owner::Platform, "topup", document);
        self.emit_for("topup.created", &id);
        let steps: &[(i64, &str)] = match plan {
            TopUpPlan::Succeeded => &[(DAY_S, "succeeded")],
            TopUpPlan::Failed => &[(DAY_S, "failed")],
            TopUpPlan::Canceled => &[(HOUR_S, "canceled")],
            TopUpPlan::Reversed => &[(DAY_S, "succeeded"), (4 * DAY_S, "reversed")],
        };
        for (after_s, to) in steps {
            let step = Operation::MoveTopUp { topup: Target::id(id.as_str()), to: (*to).into() };
            self.schedule(self.clock + after_s, to, step);
        }
        Ok(id)
    }

    pub(super) fn move_top_up(&mut self, topup: &str, to: &str) -> Result<String, Refusal> {
        let document = self.document(topup)?;
        let before = document.owned("status").unwrap_or_default();
        let amount = document.integer("amount");
        let currency = document.currency();
        match (before.as_str(), to) {
            ("pending", "succeeded") => {
                let movement =
                    Movement::new("topup", "topup", amount, &currency, topup).describe("Top-up");
                let transaction = self.post(&Owner::Platform, movement);
                self.edit(topup, |topup| topup.set("balance_transaction", transaction));
            }
            ("succeeded", "reversed") => {
                let movement =
                    Movement::new("topup_reversal", "topup_reversal", -amount, &currency, topup)
                        .describe("Top-up reversal");
                self.post(&Owner::Platform, movement);
            }
            ("pending", "failed") => self.edit(topup, |topup| {
                topup.set("failure_code", "insufficient_funds");
                topup.set("failure_message", "The bank account has too little money.");
            }),
            ("pending", "canceled") => {}
            _ => {
                return Err(Refusal::not_now(
                    "topup_unexpected_state",
                    format!("A top-up that is {before} cannot become {to}."),
                ));
            }
        }
        self.edit(topup, |topup| topup.set("status", to));
        self.emit_change(&format!("topup.{to}"), topup, &before);
        Ok(topup.to_owned())
    }
}

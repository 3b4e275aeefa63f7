//! Charges and the money they bring: fees, late balance transactions, destination and direct
//! charges, and payments that the bank takes back.

use serde_json::json;

use super::State;
use super::money::Movement;
use crate::currency::currency_facts;
use crate::document::Document;
use crate::ledger::Owner;
use crate::operation::{Operation, Target};
use crate::plan::Forget;
use crate::refusal::Refusal;

impl State {
    /// A new charge for an intent; it has not succeeded, failed or moved money yet.
    pub(super) fn create_charge(
        &mut self,
        intent: &str,
        method: &str,
        forget: Forget,
    ) -> Result<String, Refusal> {
        let source = self.document(intent)?;
        let owner = self.owner_of(intent);
        let mut document = Document::template("charge");
        let id = self.mint(if method == "card" { "ch" } else { "py" });
        document.set("id", id.as_str());
        document.set("created", self.clock);
        document.set("payment_intent", intent);
        document.set("paid", false);
        for field in [
            "amount",
            "currency",
            "customer",
            "description",
            "transfer_group",
            "transfer_data",
            "application_fee_amount",
        ] {
            document.set(field, source.get(field).clone());
        }
        let metadata =
            if forget.charge_metadata { json!({}) } else { source.get("metadata").clone() };
        document.set("metadata", metadata);
        if method == "card" {
            document.set("payment_method", self.mint("pm"));
        } else {
            let mut details = json!({ "type": method });
            details[method] = json!({});
            document.set("payment_method_details", details);
        }
        self.insert(&owner, "charge", document);
        self.edit(intent, |intent| intent.set("latest_charge", id.as_str()));
        Ok(id)
    }

    pub(super) fn fail_charge(&mut self, charge: &str, code: &str, decline_code: Option<&str>) {
        self.edit(charge, |charge| {
            charge.set("status", "failed");
            charge.set("paid", false);
            charge.set("captured", false);
            charge.set("failure_code", code);
            charge.set("failure_message", "The payment failed.");
            charge.set(
                "outcome",
                json!({
                    "advice_code": null, "network_advice_code": null,
                    "network_decline_code": null, "network_status": "declined_by_network",
                    "reason": decline_code.unwrap_or(code), "risk_level": "normal",
                    "seller_message": "The bank declined the payment.", "type": "issuer_declined",
                }),
            );
        });
    }

    /// An authorisation that will never be captured.
    pub(super) fn void_charge(&mut self, charge: &str) {
        self.edit(charge, |charge| {
            let amount = charge.integer("amount");
            charge.set("amount_refunded", amount);
            charge.set("refunded", true);
        });
    }

    /// Takes the money of a charge, now or, if it is late, when its balance transaction follows.
    pub(super) fn settle_charge(
        &mut self,
        charge: &str,
        amount: i64,
        late_s: Option<i64>,
    ) -> Result<(), Refusal> {
        self.edit(charge, |charge| {
            charge.set("captured", true);
            charge.set("amount_captured", amount);
        });
        match late_s {
            Some(late_s) => {
                let book = Operation::BookCharge { payment: Target::id(charge) };
                self.schedule(self.clock + late_s, &format!("book/{charge}"), book);
                Ok(())
            }
            None => self.book_charge(charge),
        }
    }

    /// A late balance transaction arrives.
    pub(super) fn book_late(&mut self, charge: &str) -> Result<String, Refusal> {
        if self.document(charge)?.text("balance_transaction").is_none() {
            self.book_charge(charge)?;
            self.emit_for("charge.updated", charge);
        }
        Ok(charge.to_owned())
    }

    fn book_charge(&mut self, charge: &str) -> Result<(), Refusal> {
        let document = self.document(charge)?;
        let owner = self.owner_of(charge);
        let amount = document.integer("amount_captured");
        let currency = document.currency();
        let kind = if charge.starts_with("py_") { "payment" } else { "charge" };
        let application_fee =
            document.get("application_fee_amount").as_i64().map(|fee| fee.min(amount));
        let direct = owner != Owner::Platform;
        let mut movement = Movement::new(kind, "charge", amount, &currency, charge)
            .describe(document.owned("description").unwrap_or_default())
            .fee("stripe_fee", currency_facts(&currency).processing_fee(amount), "Processing fees")
            .available(self.available_on(&currency));
        if direct && let Some(fee) = application_fee {
            movement = movement.fee("application_fee", fee, "Application fee");
        }
        let transaction = self.post(&owner, movement);
        self.edit(charge, |charge| charge.set("balance_transaction", transaction));
        if direct && let Some(fee) = application_fee {
            self.collect_application_fee(charge, &owner, fee, &currency);
        }
        if let Some(destination) = document.get("transfer_data").get("destination") {
            let destination = destination.as_str().unwrap_or_default().to_owned();
            self.forward_to_destination(charge, &destination, amount, application_fee)?;
        }
        Ok(())
    }

    /// The bank takes a payment back after it had succeeded.
    pub(super) fn claw_back(&mut self, charge: &str, code: &str) -> Result<String, Refusal> {
        let document = self.document(charge)?;
        if !document.is("status", "succeeded") || !document.flag("captured") {
            return Err(Refusal::not_now("charge_not_captured", "The charge took no money."));
        }
        let owner = self.owner_of(charge);
        let amount = document.integer("amount") - document.integer("amount_refunded");
        let movement = Movement::new(
            "payment_failure_refund",
            "charge_failure",
            -amount,
            &document.currency(),
            charge,
        )
        .describe(format!("Payment failure for {charge}"));
        if document.text("balance_transaction").is_none() {
            self.book_charge(charge)?;
        }
        let transaction = self.post(&owner, movement);
        self.fail_charge(charge, code, None);
        self.edit(charge, |charge| {
            charge.set("captured", true);
            charge.set("failure_balance_transaction", transaction);
        });
        self.emit_for("charge.failed", charge);
        if let Some(intent) = document.owned("payment_intent") {
            self.disappoint_intent(&intent, charge, code, None);
        }
        Ok(charge.to_owned())
    }
}

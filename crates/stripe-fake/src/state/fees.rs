//! Application fees, Stripe's own bills, and reserves.

use serde_json::{Value, json};

use super::State;
use super::money::Movement;
use crate::document::Document;
use crate::ledger::{BalanceType, Owner};
use crate::refusal::Refusal;

impl State {
    /// The platform's part of a direct or destination charge.
    pub(super) fn collect_application_fee(
        &mut self,
        charge: &str,
        account: &Owner,
        amount: i64,
        currency: &str,
    ) {
        let mut document = Document::template("application_fee");
        let id = self.mint("fee");
        let account = account.account().unwrap_or_default().to_owned();
        document.set("id", id.as_str());
        document.set("account", account);
        document.set("amount", amount);
        document.set("charge", charge);
        document.set("created", self.clock);
        document.set("currency", currency);
        document.set("fee_source", json!({ "charge": charge, "type": "charge" }));
        document.set("refunds", list_of(&format!("/v1/application_fees/{id}/refunds")));
        let movement = Movement::new("application_fee", "platform_earning", amount, currency, &id)
            .describe("Application fee")
            .available(self.available_on(currency));
        let transaction = self.post(&Owner::Platform, movement);
        document.set("balance_transaction", transaction);
        self.insert(&Owner::Platform, "application_fee", document);
        self.edit(charge, |charge| charge.set("application_fee", id.as_str()));
        self.emit_for("application_fee.created", &id);
    }

    /// The platform gives an application fee back to the connected account.
    pub(crate) fn refund_application_fee(
        &mut self,
        fee: &str,
        amount: Option<i64>,
    ) -> Result<String, Refusal> {
        let document = self.document(fee)?;
        let rest = document.integer("amount") - document.integer("amount_refunded");
        let amount = amount.unwrap_or(rest);
        if amount <= 0 || amount > rest {
            return Err(Refusal::invalid("amount", "More than remains of the fee."));
        }
        let currency = document.currency();
        let mut refund = Document::template("fee_refund");
        let id = self.mint("fr");
        refund.set("id", id.as_str());
        refund.set("amount", amount);
        refund.set("created", self.clock);
        refund.set("currency", currency.as_str());
        refund.set("fee", fee);
        let category = "platform_earning_refund";
        let back = Movement::new("application_fee_refund", category, -amount, &currency, &id)
            .describe("Application fee refund");
        let transaction = self.post(&Owner::Platform, back);
        refund.set("balance_transaction", transaction);
        let account = Owner::of(document.text("account"));
        let received = Movement::new("application_fee_refund", category, amount, &currency, &id)
            .describe("Application fee refund");
        self.post(&account, received);
        let value = refund.value();
        self.insert(&Owner::Platform, "fee_refund", refund);
        self.edit(fee, |fee| {
            let refunded = fee.integer("amount_refunded") + amount;
            fee.set("amount_refunded", refunded);
            fee.set("refunded", refunded == fee.integer("amount"));
            fee.prepend("refunds", value);
        });
        self.emit_for("application_fee.refunded", fee);
        self.emit_for("application_fee.refund.updated", &id);
        Ok(id)
    }

    /// Stripe bills the platform. The tax is the transaction's fee, with its own fee detail.
    pub(super) fn charge_stripe_fee(
        &mut self,
        amount: i64,
        tax: i64,
        currency: &str,
        description: &str,
    ) -> String {
        let mut movement = Movement::new("stripe_fee", "fee", -amount, currency, "")
            .describe(description)
            .fee("tax", tax, "VAT");
        movement.source = None;
        self.post(&Owner::Platform, movement)
    }

    /// Stripe moves money from the balance to the reserve: one transaction on each of the two.
    pub(super) fn hold_reserve(
        &mut self,
        owner: &Owner,
        amount: i64,
        currency: &str,
    ) -> Result<String, Refusal> {
        if amount <= 0 {
            return Err(Refusal::invalid("amount", "A reserve holds a positive amount."));
        }
        let mut document = Document::template("reserve.hold");
        let id = self.mint("reshold");
        document.set("id", id.as_str());
        document.set("amount", amount);
        document.set("amount_releasable", amount);
        document.set("created", self.clock);
        document.set("created_by", "stripe");
        document.set("currency", currency);
        document.set("is_releasable", true);
        document.set("metadata", json!({}));
        document.set("reason", "standalone");
        self.insert(owner, "reserve.hold", document);
        self.move_reserve(owner, "reserve_hold", "risk_reserved_funds", amount, currency, &id);
        self.emit_for("reserve.hold.created", &id);
        Ok(id)
    }

    /// Stripe releases a reserve, wholly or in part.
    pub(super) fn release_reserve(
        &mut self,
        hold: &str,
        amount: Option<i64>,
    ) -> Result<String, Refusal> {
        let held = self.document(hold)?;
        let owner = self.owner_of(hold);
        let rest = held.integer("amount_releasable");
        let amount = amount.unwrap_or(rest);
        if amount <= 0 || amount > rest {
            return Err(Refusal::invalid("amount", "More than the reserve still holds."));
        }
        let currency = held.currency();
        let mut document = Document::template("reserve.release");
        let id = self.mint("resrel");
        document.set("id", id.as_str());
        document.set("amount", amount);
        document.set("created", self.clock);
        document.set("created_by", "stripe");
        document.set("currency", currency.as_str());
        document.set("metadata", json!({}));
        document.set("released_at", self.clock);
        document.set("reserve_hold", hold);
        self.insert(&owner, "reserve.release", document);
        self.edit(hold, |held| {
            held.set("amount_releasable", rest - amount);
            held.set("is_releasable", rest > amount);
        });
        self.move_reserve(
            &owner,
            "reserve_release",
            "risk_reserved_funds",
            -amount,
            &currency,
            &id,
        );
        self.emit_for("reserve.release.created", &id);
        self.emit_for("reserve.hold.updated", hold);
        Ok(id)
    }

    fn move_reserve(
        &mut self,
        owner: &Owner,
        kind: &'static str,
        category: &'static str,
        amount: i64,
        currency: &str,
        source: &str,
    ) {
        for (balance_type, amount) in
            [(BalanceType::Payments, -amount), (BalanceType::RiskReserved, amount)]
        {
            let movement = Movement::new(kind, category, amount, currency, source)
                .describe("Reserve")
                .on(balance_type);
            self.post(owner, movement);
        }
    }
}

/// An empty list object.
pub(super) fn list_of(url: &str) -> Value {
    json!({ "object": "list", "data": [], "has_more": false, "url": url })
}

//! Transfers to connected accounts and their reversals.

use serde_json::{Map, Value, json};

use super::State;
use super::fees::list_of;
use super::money::Movement;
use crate::document::Document;
use crate::ledger::Owner;
use crate::plan::Behaviour;
use crate::refusal::Refusal;

/// A transfer the platform asks for. Amounts are minor units.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransferRequest {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) destination: String,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) transfer_group: Option<String>,
    pub(crate) source_transaction: Option<String>,
    pub(crate) application_fee: Option<i64>,
}

impl State {
    /// `POST /v1/transfers`. Without a source charge the available balance must suffice; with one
    /// the money follows when the charge's becomes available.
    pub(crate) fn create_transfer(&mut self, request: TransferRequest) -> Result<String, Refusal> {
        if request.amount <= 0 {
            return Err(Refusal::invalid("amount", "Invalid positive integer"));
        }
        self.check_destination(&request.destination)?;
        let mut probe = Document::default();
        probe.set("metadata", Value::Object(request.metadata.clone()));
        probe.set("destination", request.destination.as_str());
        probe.set("transfer_group", request.transfer_group.clone());
        probe.set("source_transaction", request.source_transaction.clone());
        let refused = self.behaviour(&probe, &Owner::Platform, |behaviour| {
            matches!(behaviour, Behaviour::RefuseTransfer).then_some(())
        });
        let funds_follow_charge = match &request.source_transaction {
            Some(charge) => Some(self.source_charge_available_on(charge, &request)?),
            None => None,
        };
        let short = request.source_transaction.is_none()
            && request.amount > self.available(&Owner::Platform, &request.currency);
        if refused.is_some() || short {
            return Err(Refusal::not_now(
                "balance_insufficient",
                "You have insufficient available funds in your Stripe account.",
            ));
        }
        Ok(self.move_to_account(request, funds_follow_charge))
    }

    pub(super) fn check_destination(&self, destination: &str) -> Result<(), Refusal> {
        let account = self
            .stored(destination)
            .filter(|stored| stored.kind == "account")
            .ok_or_else(|| Refusal {
                param: Some("destination".into()),
                status: 400,
                ..Refusal::unknown("destination", destination)
            })?;
        if self.is_deauthorized(destination) {
            return Err(Refusal::no_access(destination));
        }
        if account.document.get("capabilities").get("transfers") != Some(&json!("active")) {
            return Err(Refusal::not_now(
                "insufficient_capabilities_for_transfer",
                "Your destination account needs to have at least one of the following \
                 capabilities enabled: transfers, crypto_transfers, legacy_payments",
            ));
        }
        Ok(())
    }

    /// When the money of the charge that funds a transfer is available.
    fn source_charge_available_on(
        &self,
        charge: &str,
        request: &TransferRequest,
    ) -> Result<i64, Refusal> {
        let document = &self.owned(&Owner::Platform, "charge", charge)?.document;
        let sent: i64 = self
            .children(charge)
            .iter()
            .filter_map(|id| self.stored(id))
            .filter(|stored| stored.kind == "transfer")
            .map(|stored| stored.document.integer("amount"))
            .sum();
        if document.currency() != request.currency {
            return Err(Refusal::invalid("currency", "The charge has another currency."));
        }
        if !document.is("status", "succeeded")
            || sent + request.amount > document.integer("amount_captured")
        {
            return Err(Refusal::not_now(
                "transfer_source_balance_parameters_mismatch",
                "The transfers from this charge would exceed what it brought.",
            ));
        }
        let booked = document
            .text("balance_transaction")
            .and_then(|id| self.ledger.get(id))
            .map(|transaction| transaction.available_on);
        Ok(booked.unwrap_or_else(|| self.available_on(&request.currency)))
    }

    /// A destination charge sends everything on and takes its fee back from the account. Whether the
    /// account may receive it was checked when the payment was asked for; from there it follows.
    pub(super) fn forward_to_destination(
        &mut self,
        charge: &str,
        destination: &str,
        amount: i64,
        application_fee: Option<i64>,
    ) -> Result<(), Refusal> {
        let source = self.document(charge)?;
        let currency = source.currency();
        let request = TransferRequest {
            amount,
            currency: currency.clone(),
            destination: destination.to_owned(),
            transfer_group: source.owned("transfer_group"),
            source_transaction: Some(charge.to_owned()),
            application_fee,
            ..TransferRequest::default()
        };
        let transfer = self.move_to_account(request, Some(self.available_on(&currency)));
        self.edit(charge, |charge| charge.set("transfer", transfer));
        if let Some(fee) = application_fee {
            let account = Owner::of(Some(destination));
            self.collect_application_fee(charge, &account, fee, &currency);
        }
        Ok(())
    }

    fn move_to_account(&mut self, request: TransferRequest, available_on: Option<i64>) -> String {
        let account = Owner::of(Some(&request.destination));
        let available_on = available_on.unwrap_or(self.clock).max(self.clock);
        let id = self.mint("tr");
        let payment = self.mint("py");
        let out = Movement::new("transfer", "transfer", -request.amount, &request.currency, &id)
            .describe(request.description.clone().unwrap_or_default())
            .available(available_on);
        let transaction = self.post(&Owner::Platform, out);
        let mut into =
            Movement::new("payment", "charge", request.amount, &request.currency, &payment)
                .available(available_on);
        if let Some(fee) = request.application_fee {
            into = into.fee("application_fee", fee, "Application fee");
        }
        let received = self.post(&account, into);

        let mut arrived = Document::template("charge");
        arrived.set("id", payment.as_str());
        arrived.set("amount", request.amount);
        arrived.set("amount_captured", request.amount);
        arrived.set("balance_transaction", received);
        arrived.set("captured", true);
        arrived.set("created", self.clock);
        arrived.set("currency", request.currency.as_str());
        arrived.set("source_transfer", id.as_str());
        arrived.set("payment_method_details", json!({ "type": "stripe_account" }));
        self.insert(&account, "charge", arrived);

        let mut document = Document::template("transfer");
        document.set("id", id.as_str());
        document.set("amount", request.amount);
        document.set("balance_transaction", transaction);
        document.set("created", self.clock);
        document.set("currency", request.currency);
        document.set("description", request.description);
        document.set("destination", request.destination);
        document.set("destination_payment", payment);
        document.set("metadata", Value::Object(request.metadata));
        document.set("reversals", list_of(&format!("/v1/transfers/{id}/reversals")));
        document.set("source_transaction", request.source_transaction);
        document.set("transfer_group", request.transfer_group);
        self.insert(&Owner::Platform, "transfer", document);
        self.emit_for("transfer.created", &id);
        id
    }

    /// `POST /v1/transfers/:id/reversals`: works only if the account still has the money.
    pub(crate) fn reverse_transfer(
        &mut self,
        transfer: &str,
        amount: Option<i64>,
        metadata: Map<String, Value>,
    ) -> Result<String, Refusal> {
        let document = self.owned(&Owner::Platform, "transfer", transfer)?.document.clone();
        let rest = document.integer("amount") - document.integer("amount_reversed");
        let amount = amount.unwrap_or(rest);
        if rest == 0 {
            return Err(Refusal::not_now("transfer_already_reversed", "Nothing is left of it."));
        }
        if amount <= 0 || amount > rest {
            return Err(Refusal::invalid(
                "amount",
                format!("Reversal amount ({amount}) is greater than the remaining {rest}."),
            ));
        }
        let account = Owner::of(document.text("destination"));
        let currency = document.currency();
        if amount > self.available(&account, &currency) {
            return Err(Refusal::not_now(
                "balance_insufficient",
                "Insufficient funds in the connected account to reverse this transfer.",
            ));
        }
        let id = self.mint("trr");
        let refund = self.mint("pyr");
        let back = Movement::new("transfer_refund", "transfer_reversal", amount, &currency, &id)
            .describe(format!("REFUND FOR TRANSFER ({transfer})"));
        let transaction = self.post(&Owner::Platform, back);
        let out = Movement::new("payment_refund", "refund", -amount, &currency, &refund)
            .describe(format!("REFUND FOR PAYMENT ({transfer})"));
        self.post(&account, out);
        let mut reversal = Document::template("transfer_reversal");
        reversal.set("id", id.as_str());
        reversal.set("amount", amount);
        reversal.set("balance_transaction", transaction);
        reversal.set("created", self.clock);
        reversal.set("currency", currency);
        reversal.set("destination_payment_refund", refund);
        reversal.set("metadata", Value::Object(metadata));
        reversal.set("transfer", transfer);
        let value = reversal.value();
        self.insert(&Owner::Platform, "transfer_reversal", reversal);
        self.edit(transfer, |transfer| {
            let reversed = transfer.integer("amount_reversed") + amount;
            transfer.set("amount_reversed", reversed);
            transfer.set("reversed", reversed == transfer.integer("amount"));
            transfer.prepend("reversals", value);
        });
        self.emit_for("transfer.reversed", transfer);
        Ok(id)
    }
}

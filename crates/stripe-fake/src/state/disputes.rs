//! Disputes: inquiries and chargebacks, the money they withdraw, and how they end.

use serde_json::{Value, json};

use super::State;
use super::money::Movement;
use crate::currency::currency_facts;
use crate::document::Document;
use crate::form::Parameters;
use crate::operation::{NewDispute, Operation, Target};
use crate::plan::{DisputeOutcome, Reinstated};
use crate::refusal::Refusal;

impl State {
    /// Whether a charge is under a chargeback that has not been won.
    pub(super) fn has_chargeback(&self, charge: &str) -> bool {
        self.children(charge)
            .iter()
            .filter_map(|id| self.stored(id))
            .filter(|stored| stored.kind == "dispute")
            .any(|stored| {
                ["needs_response", "under_review", "lost"]
                    .iter()
                    .any(|status| stored.document.is("status", status))
            })
    }

    pub(super) fn open_dispute(&mut self, new: &NewDispute) -> Result<String, Refusal> {
        let charge_id = self.find_charge(&new.payment)?;
        let charge = self.document(&charge_id)?;
        if !charge.is("status", "succeeded") || !charge.flag("captured") {
            return Err(Refusal::not_now("charge_not_captured", "The charge took no money."));
        }
        let owner = self.owner_of(&charge_id);
        let amount = new.amount.unwrap_or_else(|| charge.integer("amount_captured"));
        let status = if new.inquiry { "warning_needs_response" } else { "needs_response" };
        let mut document = Document::template("dispute");
        let id = self.mint("dp");
        document.set("id", id.as_str());
        document.set("amount", amount);
        document.set("charge", charge_id.as_str());
        document.set("payment_intent", charge.get("payment_intent").clone());
        document.set("created", self.clock);
        document.set("currency", charge.currency());
        document.set("is_charge_refundable", new.inquiry);
        document.set("reason", new.reason.as_str());
        document.set("status", status);
        let due_by = new.due_in_s.map_or(0, |due_in_s| self.clock + due_in_s);
        if let Some(details) = document.get_mut("evidence_details").as_object_mut() {
            details.insert("due_by".into(), json!(due_by));
        }
        if let Some(card) = document.get_mut("payment_method_details").get_mut("card") {
            card["case_type"] = json!(if new.inquiry { "inquiry" } else { "chargeback" });
        }
        self.insert(&owner, "dispute", document);
        if let Some(fee) = new.fee {
            self.dispute_fees.insert(id.clone(), fee);
        }
        self.edit(&charge_id, |charge| charge.set("disputed", true));
        let withdraw = new.withdraw && !new.inquiry;
        if withdraw {
            self.withdraw(&id)?;
        }
        self.emit_for("charge.dispute.created", &id);
        if withdraw {
            self.emit_for("charge.dispute.funds_withdrawn", &id);
        }
        if let Some((after_s, outcome)) = &new.outcome {
            let close = Operation::CloseDispute {
                dispute: Target::id(id.as_str()),
                outcome: outcome.clone(),
            };
            self.schedule(self.clock + after_s, "close", close);
        }
        Ok(id)
    }

    /// The amount and the fee leave the balance in one transaction.
    fn withdraw(&mut self, dispute: &str) -> Result<(), Refusal> {
        let document = self.document(dispute)?;
        let currency = document.currency();
        let fee = self
            .dispute_fees
            .get(dispute)
            .copied()
            .unwrap_or_else(|| currency_facts(&currency).dispute_fee);
        let movement =
            Movement::new("adjustment", "dispute", -document.integer("amount"), &currency, dispute)
                .describe(format!(
                    "Chargeback withdrawal for {}",
                    document.text("charge").unwrap_or_default()
                ))
                .fee("stripe_fee", fee, "Dispute fee");
        self.book_on_dispute(dispute, movement);
        Ok(())
    }

    fn book_on_dispute(&mut self, dispute: &str, movement: Movement) {
        let owner = self.owner_of(dispute);
        let transaction = self.post(&owner, movement);
        let rendered = self.render(&transaction).unwrap_or(Value::Null);
        self.edit(dispute, |dispute| {
            if let Some(list) = dispute.get_mut("balance_transactions").as_array_mut() {
                list.push(rendered);
            }
        });
    }

    /// An inquiry becomes a chargeback.
    pub(super) fn escalate_dispute(&mut self, dispute: &str) -> Result<String, Refusal> {
        let document = self.document(dispute)?;
        let before = document.owned("status").unwrap_or_default();
        if !before.starts_with("warning_") {
            return Err(Refusal::not_now("dispute_not_inquiry", "It is no inquiry."));
        }
        self.withdraw(dispute)?;
        self.edit(dispute, |dispute| {
            dispute.set("status", "needs_response");
            dispute.set("is_charge_refundable", false);
            if let Some(card) = dispute.get_mut("payment_method_details").get_mut("card") {
                card["case_type"] = json!("chargeback");
            }
        });
        self.emit_change("charge.dispute.updated", dispute, &before);
        self.emit_for("charge.dispute.funds_withdrawn", dispute);
        Ok(dispute.to_owned())
    }

    /// `POST /v1/disputes/:id`: evidence and metadata; submitted evidence puts it under review.
    pub(crate) fn update_dispute(
        &mut self,
        dispute: &str,
        parameters: &Parameters<'_>,
    ) -> Result<String, Refusal> {
        let document = self.document(dispute)?;
        let before = document.owned("status").unwrap_or_default();
        let evidence = parameters.strings("evidence");
        let submits = parameters.text("submit") != Some("false") && !evidence.is_empty();
        if !evidence.is_empty() && !before.ends_with("needs_response") {
            return Err(Refusal::not_now(
                "dispute_closed",
                "This dispute no longer accepts evidence.",
            ));
        }
        let metadata = parameters.strings("metadata");
        self.edit(dispute, |dispute| {
            dispute.merge_metadata(&metadata);
            if let Some(fields) = dispute.get_mut("evidence").as_object_mut() {
                fields.extend(evidence.clone());
            }
            if let Some(details) = dispute.get_mut("evidence_details").as_object_mut() {
                let had = details.get("has_evidence").and_then(Value::as_bool).unwrap_or(false);
                details.insert("has_evidence".into(), json!(had || !evidence.is_empty()));
                if submits {
                    details.insert("submission_count".into(), json!(1));
                }
            }
            if submits {
                let inquiry = before.starts_with("warning_");
                let next = if inquiry { "warning_under_review" } else { "under_review" };
                dispute.set("status", next);
            }
        });
        self.tag(dispute, false);
        self.emit_change("charge.dispute.updated", dispute, &before);
        Ok(dispute.to_owned())
    }

    /// A dispute ends; one that has ended stays as it is.
    pub(crate) fn close_dispute(
        &mut self,
        dispute: &str,
        outcome: &DisputeOutcome,
    ) -> Result<String, Refusal> {
        let document = self.document(dispute)?;
        let ended = ["won", "lost", "warning_closed", "prevented"];
        if ended.iter().any(|status| document.is("status", status)) {
            return Ok(dispute.to_owned());
        }
        let before = document.owned("status").unwrap_or_default();
        let withdrawn = self.withdrawn(&document);
        let back = match outcome.reinstated {
            Reinstated::Nothing => 0,
            Reinstated::All => withdrawn.map_or(0, |(amount, _)| amount),
            Reinstated::Part(part) => part,
        };
        if back < 0 || back > withdrawn.map_or(0, |(amount, _)| amount) {
            return Err(Refusal::invalid("reinstated", "More than was withdrawn."));
        }
        let fee = withdrawn.filter(|_| outcome.fee_returned).map_or(0, |(_, fee)| fee);
        if back != 0 || fee != 0 {
            let movement = Movement::new(
                "adjustment",
                "dispute_reversal",
                back,
                &document.currency(),
                dispute,
            )
            .describe(format!(
                "Chargeback reversal for {}",
                document.text("charge").unwrap_or_default()
            ))
            .fee("stripe_fee", -fee, "Dispute fee refund");
            self.book_on_dispute(dispute, movement);
        }
        self.edit(dispute, |dispute| {
            dispute.set("status", outcome.status.as_str());
            dispute.set("is_charge_refundable", false);
        });
        self.emit_change("charge.dispute.closed", dispute, &before);
        if back != 0 || fee != 0 {
            self.emit_for("charge.dispute.funds_reinstated", dispute);
        }
        Ok(dispute.to_owned())
    }

    /// The amount and fee that the dispute withdrew.
    fn withdrawn(&self, dispute: &Document) -> Option<(i64, i64)> {
        let first = dispute.get("balance_transactions").get(0)?;
        let transaction = self.ledger.get(first.get("id")?.as_str()?)?;
        Some((-transaction.amount, transaction.fee))
    }
}

//! Early fraud warnings and reviews.

use super::State;
use crate::document::Document;
use crate::operation::Target;
use crate::refusal::Refusal;

impl State {
    pub(super) fn warn_of_fraud(
        &mut self,
        payment: &Target,
        fraud_type: &str,
    ) -> Result<String, Refusal> {
        let charge = self.find_charge(payment)?;
        let source = self.document(&charge)?;
        let owner = self.owner_of(&charge);
        let mut document = Document::template("radar.early_fraud_warning");
        let id = self.mint("issfr");
        document.set("id", id.as_str());
        document.set("actionable", !source.flag("refunded"));
        document.set("charge", charge.as_str());
        document.set("payment_intent", source.get("payment_intent").clone());
        document.set("created", self.clock);
        document.set("fraud_type", fraud_type);
        self.insert(&owner, "radar.early_fraud_warning", document);
        self.emit_for("radar.early_fraud_warning.created", &id);
        Ok(id)
    }

    pub(super) fn settle_fraud_warning(&mut self, warning: &Target) -> Result<String, Refusal> {
        let id = self.find(warning, "radar.early_fraud_warning")?;
        self.edit(&id, |warning| warning.set("actionable", false));
        self.emit_for("radar.early_fraud_warning.updated", &id);
        Ok(id)
    }

    pub(super) fn open_review(&mut self, payment: &Target) -> Result<String, Refusal> {
        let charge = self.find_charge(payment)?;
        let source = self.document(&charge)?;
        let owner = self.owner_of(&charge);
        let mut document = Document::template("review");
        let id = self.mint("prv");
        document.set("id", id.as_str());
        document.set("charge", charge.as_str());
        document.set("payment_intent", source.get("payment_intent").clone());
        document.set("created", self.clock);
        document.set("reason", "rule");
        self.insert(&owner, "review", document);
        for field in [Some(charge), source.owned("payment_intent")].into_iter().flatten() {
            self.edit(&field, |holder| holder.set("review", id.as_str()));
        }
        self.emit_for("review.opened", &id);
        Ok(id)
    }

    pub(super) fn close_review(
        &mut self,
        review: &Target,
        reason: &str,
    ) -> Result<String, Refusal> {
        let id = self.find(review, "review")?;
        if !self.document(&id)?.flag("open") {
            return Ok(id);
        }
        self.edit(&id, |review| {
            review.set("open", false);
            review.set("closed_reason", reason);
            review.set("reason", reason);
        });
        self.emit_for("review.closed", &id);
        Ok(id)
    }
}

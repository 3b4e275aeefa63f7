//! Refunds: asked for over the API or in the dashboard, and what banks make of them.

use serde_json::{Map, Value, json};

use super::State;
use super::money::Movement;
use crate::document::Document;
use crate::operation::{Operation, Target};
use crate::plan::{Behaviour, RefundPlan, RefundStatus};
use crate::refusal::Refusal;

/// A refund somebody asks for. The amount is minor units; what remains if absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct RefundRequest {
    pub(crate) charge: String,
    pub(crate) amount: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) plan: Option<RefundPlan>,
    pub(crate) reverse_transfer: bool,
    pub(crate) refund_application_fee: bool,
}

impl State {
    /// `POST /v1/refunds`, and refunds made in the dashboard.
    pub(crate) fn create_refund(&mut self, request: RefundRequest) -> Result<String, Refusal> {
        let charge = self.document(&request.charge)?;
        let amount = self.refundable(&charge, &request)?;
        let owner = self.owner_of(&request.charge);
        let mut document = Document::template("refund");
        let id = self.mint(if request.charge.starts_with("py_") { "pyr" } else { "re" });
        document.set("id", id.as_str());
        document.set("amount", amount);
        document.set("charge", request.charge.as_str());
        document.set("payment_intent", charge.get("payment_intent").clone());
        document.set("created", self.clock);
        document.set("currency", charge.currency());
        document.set("metadata", Value::Object(request.metadata));
        document.set("reason", request.reason);
        let plan = match request.plan {
            Some(plan) => plan,
            None => self
                .behaviour(&document, &owner, |behaviour| match behaviour {
                    Behaviour::Refund(plan) => Some(plan.clone()),
                    _ => None,
                })
                .unwrap_or_default(),
        };
        document.set("status", plan.first.as_str());
        if plan.first == RefundStatus::RequiresAction {
            document.set(
                "next_action",
                json!({
                    "type": "display_details",
                    "display_details": {
                        "email_sent": { "email_sent_at": self.clock, "email_sent_to": "buyer@example.com" },
                        "expires_at": self.clock + 45 * 86_400,
                    },
                }),
            );
        }
        if request.reverse_transfer {
            self.reverse_for_refund(&charge, &request.charge, amount)?;
        }
        if request.refund_application_fee
            && let Some(fee) = charge.owned("application_fee")
        {
            let share =
                proportion(&self.document(&fee)?, amount, charge.integer("amount_captured"));
            if share > 0 {
                self.refund_application_fee(&fee, Some(share))?;
            }
        }
        self.insert(&owner, "refund", document);
        if matches!(plan.first, RefundStatus::Pending | RefundStatus::Succeeded) {
            self.debit_refund(&id)?;
        }
        self.count_refund(&request.charge, amount);
        self.emit_for("refund.created", &id);
        self.emit_for("charge.refunded", &request.charge);
        for (position, step) in plan.then.iter().enumerate() {
            let operation = Operation::MoveRefund {
                refund: Target::id(id.as_str()),
                to: step.to,
                failure_reason: step.failure_reason.clone(),
            };
            self.schedule(self.clock + step.after_s, &format!("refund/{position}"), operation);
        }
        if matches!(plan.first, RefundStatus::Failed | RefundStatus::Canceled) {
            self.count_refund(&request.charge, -amount);
        }
        Ok(id)
    }

    /// The amount, if this charge can give it back.
    fn refundable(&self, charge: &Document, request: &RefundRequest) -> Result<i64, Refusal> {
        let rest = charge.integer("amount") - charge.integer("amount_refunded");
        let amount = request.amount.unwrap_or(rest);
        if !charge.is("status", "succeeded") || !charge.flag("captured") {
            return Err(Refusal::not_now(
                "charge_not_refundable",
                format!("Charge {} took no money that could be refunded.", request.charge),
            ));
        }
        if self.has_chargeback(&request.charge) {
            return Err(Refusal::not_now(
                "charge_disputed",
                format!("Charge {} has been charged back; cannot issue a refund.", request.charge),
            ));
        }
        if rest == 0 {
            return Err(Refusal::not_now(
                "charge_already_refunded",
                format!("Charge {} has already been refunded.", request.charge),
            ));
        }
        if amount <= 0 || amount > rest {
            return Err(Refusal {
                param: Some("amount".into()),
                ..Refusal::not_now(
                    "amount_too_large",
                    format!(
                        "Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})"
                    ),
                )
            });
        }
        Ok(amount)
    }

    fn reverse_for_refund(
        &mut self,
        charge: &Document,
        id: &str,
        amount: i64,
    ) -> Result<(), Refusal> {
        let transfer = charge.owned("transfer").ok_or_else(|| {
            Refusal::invalid("reverse_transfer", format!("Charge {id} has no transfer."))
        })?;
        self.reverse_transfer(&transfer, Some(amount), Map::new())?;
        Ok(())
    }

    fn count_refund(&mut self, charge: &str, amount: i64) {
        self.edit(charge, |charge| {
            let refunded = charge.integer("amount_refunded") + amount;
            charge.set("amount_refunded", refunded);
            charge.set("refunded", refunded == charge.integer("amount"));
        });
    }

    /// The money of a refund leaves the balance.
    fn debit_refund(&mut self, refund: &str) -> Result<(), Refusal> {
        let document = self.document(refund)?;
        let owner = self.owner_of(refund);
        let kind = if refund.starts_with("pyr_") { "payment_refund" } else { "refund" };
        let charge = document.owned("charge").unwrap_or_default();
        let movement = Movement::new(
            kind,
            "refund",
            -document.integer("amount"),
            &document.currency(),
            refund,
        )
        .describe(format!("REFUND FOR CHARGE ({charge})"));
        let transaction = self.post(&owner, movement);
        self.edit(refund, |refund| refund.set("balance_transaction", transaction));
        Ok(())
    }

    /// A refund changes its status; one that has failed or was canceled stays as it is.
    pub(crate) fn move_refund(
        &mut self,
        refund: &str,
        to: RefundStatus,
        failure_reason: Option<&str>,
    ) -> Result<String, Refusal> {
        let document = self.document(refund)?;
        let before = document.owned("status").unwrap_or_default();
        if ["failed", "canceled", to.as_str()].contains(&before.as_str()) {
            return Ok(refund.to_owned());
        }
        let amount = document.integer("amount");
        let charge = document.owned("charge").unwrap_or_default();
        let debited = document.text("balance_transaction").is_some();
        match to {
            RefundStatus::Pending | RefundStatus::Succeeded => {
                if !debited {
                    self.debit_refund(refund)?;
                }
            }
            RefundStatus::Failed | RefundStatus::Canceled => {
                if debited {
                    self.return_refund(refund, &document);
                }
                self.count_refund(&charge, -amount);
            }
            RefundStatus::RequiresAction => {}
        }
        self.edit(refund, |refund| {
            refund.set("status", to.as_str());
            refund.remove("next_action");
            if to == RefundStatus::Failed {
                refund.set("failure_reason", failure_reason.unwrap_or("unknown"));
            }
        });
        if to == RefundStatus::Failed {
            self.emit_change("refund.failed", refund, &before);
        }
        self.emit_change("refund.updated", refund, &before);
        self.emit_change("charge.refund.updated", refund, &before);
        Ok(refund.to_owned())
    }

    fn return_refund(&mut self, refund: &str, document: &Document) {
        let owner = self.owner_of(refund);
        let movement = Movement::new(
            "refund_failure",
            "refund_failure",
            document.integer("amount"),
            &document.currency(),
            refund,
        )
        .describe(format!("REFUND FAILURE ({refund})"));
        let transaction = self.post(&owner, movement);
        self.edit(refund, |refund| refund.set("failure_balance_transaction", transaction));
    }

    /// `POST /v1/refunds/:id/cancel`: only while the buyer has to act.
    pub(crate) fn cancel_refund(&mut self, refund: &str) -> Result<String, Refusal> {
        if !self.document(refund)?.is("status", "requires_action") {
            return Err(Refusal::not_now(
                "refund_not_cancelable",
                "Only refunds in a requires_action state can be canceled.",
            ));
        }
        self.move_refund(refund, RefundStatus::Canceled, None)
    }
}

/// The share of an application fee that belongs to a part of its charge, rounded down.
fn proportion(fee: &Document, part: i64, whole: i64) -> i64 {
    let rest = fee.integer("amount") - fee.integer("amount_refunded");
    let share = i128::from(fee.integer("amount")) * i128::from(part) / i128::from(whole.max(1));
    i64::try_from(share).unwrap_or(rest).min(rest)
}

//! Requests that change something.

use serde_json::{Value, json};

use super::{ApiRequest, Method};
use crate::document::Document;
use crate::form::Parameters;
use crate::ledger::Owner;
use crate::plan::DisputeOutcome;
use crate::refusal::Refusal;
use crate::state::{PayoutRequest, RefundRequest, State, TransferRequest};

impl State {
    /// Answers a `POST`.
    pub(crate) fn change(&mut self, request: &ApiRequest) -> Result<Value, Refusal> {
        let owner = request.owner();
        if let Some(account) = owner.account() {
            self.check_access(account)?;
        }
        let parameters = Parameters(&request.parameters);
        let segments = request.segments();
        let id = match segments.as_slice() {
            ["account_links"] => return self.account_link(&parameters),
            ["accounts"] => self.create_account_by_request(&parameters)?,
            ["transfers", ..] | ["payouts", ..] | ["application_fees", ..] => {
                self.change_money_out(request, &owner, &parameters, &segments)?
            }
            _ => self.change_payments(request, &owner, &parameters, &segments)?,
        };
        let mut answer = self.render(&id).unwrap_or_default();
        self.expand(&mut answer, &parameters);
        Ok(answer)
    }

    fn change_payments(
        &mut self,
        request: &ApiRequest,
        owner: &Owner,
        parameters: &Parameters<'_>,
        segments: &[&str],
    ) -> Result<String, Refusal> {
        match segments {
            ["checkout", "sessions"] => self.create_session(owner, parameters),
            ["checkout", "sessions", id, "expire"] => {
                self.owned(owner, "checkout.session", id)?;
                self.expire_session(id)
            }
            ["payment_intents", id, "capture"] => {
                self.owned(owner, "payment_intent", id)?;
                self.capture(id, parameters.integer("amount_to_capture")?)
            }
            ["payment_intents", id, "cancel"] => {
                self.owned(owner, "payment_intent", id)?;
                self.cancel_intent(id, parameters.text("cancellation_reason"))
            }
            ["refunds"] => self.refund_by_request(owner, parameters),
            ["refunds", id, "cancel"] => {
                self.owned(owner, "refund", id)?;
                self.cancel_refund(id)
            }
            ["disputes", id] => {
                self.owned(owner, "dispute", id)?;
                self.update_dispute(id, parameters)
            }
            ["disputes", id, "close"] => {
                self.owned(owner, "dispute", id)?;
                self.close_dispute(id, &DisputeOutcome::lost())
            }
            ["checkout", "sessions", id] => {
                self.update_metadata(owner, "checkout.session", id, parameters)
            }
            ["payment_intents", id] => {
                self.update_metadata(owner, "payment_intent", id, parameters)
            }
            ["charges", id] => self.update_metadata(owner, "charge", id, parameters),
            ["refunds", id] => self.update_metadata(owner, "refund", id, parameters),
            ["accounts", id] => {
                self.check_access(id)?;
                let owner = Owner::Connected((*id).to_owned());
                self.update_metadata(&owner, "account", id, parameters)
            }
            _ => Err(Refusal::no_route(Method::Post.as_str(), &request.path)),
        }
    }

    fn change_money_out(
        &mut self,
        request: &ApiRequest,
        owner: &Owner,
        parameters: &Parameters<'_>,
        segments: &[&str],
    ) -> Result<String, Refusal> {
        match segments {
            ["transfers"] if *owner == Owner::Platform => {
                let transfer = TransferRequest {
                    amount: parameters.required_integer("amount")?,
                    currency: parameters.required_text("currency")?.to_lowercase(),
                    destination: parameters.required_text("destination")?.to_owned(),
                    description: parameters.text("description").map(str::to_owned),
                    metadata: parameters.strings("metadata"),
                    transfer_group: parameters.text("transfer_group").map(str::to_owned),
                    source_transaction: parameters.text("source_transaction").map(str::to_owned),
                    application_fee: None,
                };
                self.create_transfer(transfer)
            }
            ["transfers", id, "reversals"] => {
                let amount = parameters.integer("amount")?;
                self.reverse_transfer(id, amount, parameters.strings("metadata"))
            }
            ["transfers", id] => self.update_metadata(owner, "transfer", id, parameters),
            ["payouts"] => {
                let payout = PayoutRequest {
                    amount: parameters.required_integer("amount")?,
                    currency: parameters.required_text("currency")?.to_lowercase(),
                    description: parameters.text("description").map(str::to_owned),
                    statement_descriptor: parameters
                        .text("statement_descriptor")
                        .map(str::to_owned),
                    metadata: parameters.strings("metadata"),
                    plan: None,
                };
                self.create_payout(owner, payout)
            }
            ["payouts", id, "cancel"] => {
                self.owned(owner, "payout", id)?;
                self.cancel_payout(id)
            }
            ["payouts", id] => self.update_metadata(owner, "payout", id, parameters),
            ["application_fees", id, "refunds"] => {
                self.owned(owner, "application_fee", id)?;
                self.refund_application_fee(id, parameters.integer("amount")?)
            }
            _ => Err(Refusal::no_route(Method::Post.as_str(), &request.path)),
        }
    }

    fn refund_by_request(
        &mut self,
        owner: &Owner,
        parameters: &Parameters<'_>,
    ) -> Result<String, Refusal> {
        let charge = match (parameters.text("charge"), parameters.text("payment_intent")) {
            (Some(charge), _) => charge.to_owned(),
            (None, Some(intent)) => self
                .owned(owner, "payment_intent", intent)?
                .document
                .owned("latest_charge")
                .ok_or_else(|| {
                    Refusal::not_now(
                        "payment_intent_unexpected_state",
                        "This PaymentIntent does not have a successful charge to refund.",
                    )
                })?,
            (None, None) => return Err(Refusal::missing("payment_intent")),
        };
        self.owned(owner, "charge", &charge)?;
        self.create_refund(RefundRequest {
            charge,
            amount: parameters.integer("amount")?,
            reason: parameters.text("reason").map(str::to_owned),
            metadata: parameters.strings("metadata"),
            plan: None,
            reverse_transfer: parameters.flag("reverse_transfer"),
            refund_application_fee: parameters.flag("refund_application_fee"),
        })
    }

    fn account_link(&mut self, parameters: &Parameters<'_>) -> Result<Value, Refusal> {
        let account = parameters.required_text("account")?;
        self.check_access(account)?;
        for field in ["refresh_url", "return_url"] {
            parameters.required_text(field)?;
        }
        let mut link = Document::template("account_link");
        link.set("created", self.clock);
        link.set("expires_at", self.clock + 300);
        link.set("url", format!("https://connect.stripe.com/setup/e/{account}/{}", self.clock));
        Ok(link.value())
    }

    /// Changes the metadata and description of an object and says so, where Stripe has an event.
    fn update_metadata(
        &mut self,
        owner: &Owner,
        kind: &'static str,
        id: &str,
        parameters: &Parameters<'_>,
    ) -> Result<String, Refusal> {
        self.owned(owner, kind, id)?;
        let event = match kind {
            "charge" | "refund" | "transfer" | "payout" | "account" => {
                Some(format!("{kind}.updated"))
            }
            _ => None,
        };
        let description = parameters.text("description").map(|text| json!(text));
        self.amend(id, &parameters.strings("metadata"), description, event.as_deref());
        if kind == "account"
            && let Some(interval) = parameters.text("settings.payouts.schedule.interval")
        {
            self.set_payout_interval(id, interval)?;
        }
        Ok(id.to_owned())
    }
}

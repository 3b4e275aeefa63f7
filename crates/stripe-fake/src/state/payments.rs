//! Payment intents: created, attempted, waiting for a person, captured later, canceled.

use serde_json::{Map, Value, json};

use super::State;
use crate::document::Document;
use crate::ledger::Owner;
use crate::operation::{BarePayment, Operation, Target};
use crate::plan::{Forget, Payment};
use crate::refusal::Refusal;

const AUTHORIZATION_S: i64 = 7 * 86_400;

/// What a new intent knows. The amount is minor units.
#[derive(Clone, Debug)]
pub(super) struct NewIntent {
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) metadata: Map<String, Value>,
    pub(super) transfer_group: Option<String>,
    pub(super) description: Option<String>,
    pub(super) manual_capture: bool,
    pub(super) customer: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) application_fee: Option<i64>,
}

impl State {
    pub(super) fn create_intent(&mut self, owner: &Owner, new: NewIntent) -> String {
        let mut document = Document::template("payment_intent");
        let id = self.mint("pi");
        document.set("id", id.as_str());
        document.set("client_secret", format!("{id}_secret_fake"));
        document.set("created", self.clock);
        document.set("amount", new.amount);
        document.set("currency", new.currency);
        document.set("metadata", Value::Object(new.metadata));
        document.set("transfer_group", new.transfer_group);
        document.set("description", new.description);
        document.set("customer", new.customer);
        document.set("application_fee_amount", new.application_fee);
        if let Some(destination) = new.destination {
            document.set("transfer_data", json!({ "destination": destination }));
        }
        if new.manual_capture {
            document.set("capture_method", "manual");
        }
        self.insert(owner, "payment_intent", document);
        self.emit_for("payment_intent.created", &id);
        id
    }

    /// Somebody pays without a session.
    pub(super) fn pay(&mut self, payment: &BarePayment) -> Result<String, Refusal> {
        super::sessions::check_amount(payment.amount, &payment.currency)?;
        let owner = Owner::of(payment.on_account.as_deref());
        if let Some(account) = &payment.on_account {
            self.document(account)?;
        }
        if let Some(destination) = &payment.destination {
            self.check_destination(destination)?;
        }
        let mut metadata = Map::new();
        if !payment.forget.intent_metadata {
            metadata.extend(payment.metadata.iter().map(|(k, v)| (k.clone(), json!(v))));
        }
        let group = payment.transfer_group.clone().filter(|_| !payment.forget.transfer_group);
        let intent = self.create_intent(
            &owner,
            NewIntent {
                amount: payment.amount,
                currency: payment.currency.clone(),
                metadata,
                transfer_group: group,
                description: payment.description.clone(),
                manual_capture: payment.manual_capture,
                customer: None,
                destination: payment.destination.clone(),
                application_fee: payment.application_fee,
            },
        );
        self.attempt(&intent, &payment.payment, payment.forget)?;
        Ok(intent)
    }

    /// One attempt to pay an intent that still waits for one.
    pub(super) fn attempt(
        &mut self,
        intent: &str,
        payment: &Payment,
        forget: Forget,
    ) -> Result<(), Refusal> {
        let document = self.document(intent)?;
        let waiting = ["requires_payment_method", "requires_confirmation", "requires_action"];
        if !waiting.iter().any(|status| document.is("status", status)) {
            return Err(Refusal::not_now(
                "payment_intent_unexpected_state",
                format!("The intent {intent} does not wait for a payment."),
            ));
        }
        match payment {
            Payment::Card { country, late_balance_transaction_s } => {
                self.pay_by_card(intent, country, *late_balance_transaction_s, forget)?;
            }
            Payment::Declined { code } => self.decline(intent, code, forget)?,
            Payment::RequiresAction => self.ask_for_action(intent),
            Payment::Async { method, settles_in_s, failure, late_balance_transaction_s } => {
                self.accept_asynchronous(intent, method, forget)?;
                let settle = Operation::SettlePayment {
                    payment: Target::id(intent),
                    failure: failure.clone(),
                    late_balance_transaction_s: *late_balance_transaction_s,
                };
                self.schedule(self.clock + settles_in_s, &format!("settle/{intent}"), settle);
            }
        }
        self.follow_intent(intent);
        Ok(())
    }

    fn pay_by_card(
        &mut self,
        intent: &str,
        country: &str,
        late_s: Option<i64>,
        forget: Forget,
    ) -> Result<(), Refusal> {
        let charge = self.create_charge(intent, "card", forget)?;
        let amount = self.document(intent)?.integer("amount");
        let manual = self.document(intent)?.is("capture_method", "manual");
        self.edit(&charge, |charge| {
            charge.set("status", "succeeded");
            charge.set("paid", true);
            if let Some(card) = charge.get_mut("payment_method_details").get_mut("card") {
                card["country"] = json!(country);
            }
        });
        if manual {
            self.emit_for("charge.succeeded", &charge);
            self.edit(intent, |intent| {
                intent.set("status", "requires_capture");
                intent.set("amount_capturable", amount);
                intent.set("last_payment_error", Value::Null);
            });
            self.emit_for("payment_intent.amount_capturable_updated", intent);
            let expire = Operation::ExpireAuthorization { payment: Target::id(intent) };
            self.schedule(self.clock + AUTHORIZATION_S, &format!("lapse/{intent}"), expire);
            return Ok(());
        }
        self.settle_charge(&charge, amount, late_s)?;
        self.emit_for("charge.succeeded", &charge);
        self.succeed_intent(intent, amount);
        Ok(())
    }

    /// Marks the intent as paid and says so.
    pub(super) fn succeed_intent(&mut self, intent: &str, received: i64) {
        self.edit(intent, |intent| {
            intent.set("status", "succeeded");
            intent.set("amount_received", received);
            intent.set("amount_capturable", 0);
            intent.set("last_payment_error", Value::Null);
            intent.set("next_action", Value::Null);
            intent.set("processing", Value::Null);
        });
        self.emit_for("payment_intent.succeeded", intent);
    }

    fn decline(&mut self, intent: &str, code: &str, forget: Forget) -> Result<(), Refusal> {
        let charge = self.create_charge(intent, "card", forget)?;
        self.fail_charge(&charge, "card_declined", Some(code));
        self.emit_for("charge.failed", &charge);
        self.disappoint_intent(intent, &charge, "card_declined", Some(code));
        Ok(())
    }

    /// The intent waits for another payment method, and says why.
    pub(super) fn disappoint_intent(
        &mut self,
        intent: &str,
        charge: &str,
        code: &str,
        decline_code: Option<&str>,
    ) {
        let error = json!({
            "type": "card_error", "code": code, "decline_code": decline_code, "charge": charge,
            "message": "The payment was declined.",
        });
        self.edit(intent, |intent| {
            intent.set("status", "requires_payment_method");
            intent.set("last_payment_error", error);
            intent.set("amount_received", 0);
            intent.set("amount_capturable", 0);
            intent.set("processing", Value::Null);
            intent.set("next_action", Value::Null);
        });
        self.emit_for("payment_intent.payment_failed", intent);
    }

    fn ask_for_action(&mut self, intent: &str) {
        self.edit(intent, |intent| {
            intent.set("status", "requires_action");
            intent.set("next_action", json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} }));
        });
        self.emit_for("payment_intent.requires_action", intent);
    }

    fn accept_asynchronous(
        &mut self,
        intent: &str,
        method: &str,
        forget: Forget,
    ) -> Result<(), Refusal> {
        let charge = self.create_charge(intent, method, forget)?;
        self.edit(&charge, |charge| charge.set("status", "pending"));
        self.edit(intent, |intent| {
            intent.set("status", "processing");
            intent.set("payment_method_types", json!([method]));
        });
        self.emit_for("charge.pending", &charge);
        self.emit_for("payment_intent.processing", intent);
        Ok(())
    }

    pub(super) fn paid_asynchronously(&self, intent: &str) -> bool {
        self.stored(intent)
            .and_then(|stored| stored.document.owned("latest_charge"))
            .is_some_and(|charge| charge.starts_with("py_"))
    }

    /// The bank answers an asynchronous payment.
    pub(super) fn settle_payment(
        &mut self,
        intent: &str,
        failure: Option<&str>,
        late_s: Option<i64>,
    ) -> Result<String, Refusal> {
        let document = self.document(intent)?;
        let charge = document.owned("latest_charge").unwrap_or_default();
        if !document.is("status", "processing") {
            return Ok(intent.to_owned());
        }
        if let Some(code) = failure {
            self.fail_charge(&charge, code, None);
            self.emit_for("charge.failed", &charge);
            self.disappoint_intent(intent, &charge, code, None);
        } else {
            let amount = document.integer("amount");
            self.edit(&charge, |charge| {
                charge.set("status", "succeeded");
                charge.set("paid", true);
            });
            self.settle_charge(&charge, amount, late_s)?;
            self.emit_for("charge.succeeded", &charge);
            self.succeed_intent(intent, amount);
        }
        self.follow_intent(intent);
        Ok(intent.to_owned())
    }

    /// Captures an authorised payment, wholly or in part.
    pub(crate) fn capture(&mut self, intent: &str, amount: Option<i64>) -> Result<String, Refusal> {
        let document = self.document(intent)?;
        let capturable = document.integer("amount_capturable");
        let amount = amount.unwrap_or(capturable);
        if !document.is("status", "requires_capture") {
            return Err(Refusal::not_now(
                "payment_intent_unexpected_state",
                "This PaymentIntent could not be captured because it is not authorised.",
            ));
        }
        if amount <= 0 || amount > capturable {
            return Err(Refusal::invalid("amount_to_capture", "More than was authorised."));
        }
        let charge = document.owned("latest_charge").unwrap_or_default();
        self.settle_charge(&charge, amount, None)?;
        let rest = capturable - amount;
        self.edit(&charge, |charge| charge.set("amount_refunded", rest));
        self.emit_for("charge.captured", &charge);
        self.succeed_intent(intent, amount);
        self.follow_intent(intent);
        Ok(intent.to_owned())
    }

    /// An authorisation lapses; nothing happens if it was captured or canceled before.
    pub(super) fn expire_authorization(&mut self, intent: &str) -> Result<String, Refusal> {
        let document = self.document(intent)?;
        if document.is("status", "requires_capture") {
            let charge = document.owned("latest_charge").unwrap_or_default();
            self.void_charge(&charge);
            self.emit_for("charge.expired", &charge);
            self.mark_canceled(intent, Some("expired"));
        }
        Ok(intent.to_owned())
    }

    /// Cancels an intent that has not taken money.
    pub(crate) fn cancel_intent(
        &mut self,
        intent: &str,
        reason: Option<&str>,
    ) -> Result<String, Refusal> {
        let document = self.document(intent)?;
        if ["succeeded", "canceled", "processing"].iter().any(|done| document.is("status", done)) {
            return Err(Refusal::not_now(
                "payment_intent_unexpected_state",
                "You cannot cancel this PaymentIntent because of its status.",
            ));
        }
        if document.is("status", "requires_capture") {
            let charge = document.owned("latest_charge").unwrap_or_default();
            self.void_charge(&charge);
            self.emit_for("charge.refunded", &charge);
        }
        self.mark_canceled(intent, reason);
        Ok(intent.to_owned())
    }

    fn mark_canceled(&mut self, intent: &str, reason: Option<&str>) {
        let now = self.clock;
        self.edit(intent, |intent| {
            intent.set("status", "canceled");
            intent.set("canceled_at", now);
            intent.set("cancellation_reason", reason);
            intent.set("amount_capturable", 0);
            intent.set("next_action", Value::Null);
        });
        self.emit_for("payment_intent.canceled", intent);
    }
}

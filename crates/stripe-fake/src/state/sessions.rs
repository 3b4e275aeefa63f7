//! Checkout sessions: created by the platform, paid by buyers, expired by time.

use serde_json::{Map, Value, json};

use super::State;
use crate::currency::currency_facts;
use crate::document::Document;
use crate::form::Parameters;
use crate::ledger::Owner;
use crate::operation::{Operation, Target};
use crate::plan::{Behaviour, Forget, Payment};
use crate::refusal::Refusal;

const HALF_HOUR_S: i64 = 30 * 60;
const DAY_S: i64 = 24 * 60 * 60;

struct Line {
    description: String,
    currency: String,
    unit_amount: i64,
    quantity: i64,
}

impl State {
    /// `POST /v1/checkout/sessions` in payment mode.
    pub(crate) fn create_session(
        &mut self,
        owner: &Owner,
        parameters: &Parameters<'_>,
    ) -> Result<String, Refusal> {
        if parameters.required_text("mode")? != "payment" {
            return Err(Refusal::invalid("mode", "The fake knows sessions in payment mode only."));
        }
        let lines = session_lines(parameters)?;
        let currency = lines.first().map(|line| line.currency.clone()).unwrap_or_default();
        if lines.iter().any(|line| line.currency != currency) {
            return Err(Refusal::invalid("line_items", "All line items must share one currency."));
        }
        let subtotal: i64 =
            lines.iter().map(|line| line.unit_amount.saturating_mul(line.quantity)).sum();
        let shipping = first_shipping(parameters)?.unwrap_or(0);
        let total = subtotal + shipping;
        check_amount(total, &currency)?;
        let expires_at = self.session_deadline(parameters)?;
        if let Some(destination) = parameters.text("payment_intent_data.transfer_data.destination")
        {
            self.check_destination(destination)?;
        }

        let mut document = Document::template("checkout.session");
        let id = self.mint("cs_test");
        document.set("id", id.as_str());
        document.set("created", self.clock);
        document.set("expires_at", expires_at);
        document.set("currency", currency.as_str());
        document.set("amount_subtotal", subtotal);
        document.set("amount_total", total);
        document.set(
            "total_details",
            json!({ "amount_discount": 0, "amount_shipping": shipping, "amount_tax": 0 }),
        );
        document.set("metadata", Value::Object(parameters.strings("metadata")));
        for field in
            ["success_url", "cancel_url", "client_reference_id", "customer_email", "customer"]
        {
            document.set(field, parameters.text(field));
        }
        document.set("customer_creation", parameters.text("customer_creation"));
        document.set("url", format!("https://checkout.stripe.com/c/pay/{id}"));
        let paid = if total == 0 { "no_payment_required" } else { "unpaid" };
        document.set("payment_status", paid);
        let intent_data = parameters.get("payment_intent_data").cloned().unwrap_or(Value::Null);
        self.intent_data.insert(id.clone(), intent_data);
        self.insert(owner, "checkout.session", document);
        self.insert_lines(owner, &id, &lines);
        self.follow_session_rules(owner, &id, expires_at)?;
        Ok(id)
    }

    fn insert_lines(&mut self, owner: &Owner, session: &str, lines: &[Line]) {
        for line in lines {
            let id = self.mint("li");
            let total = line.unit_amount.saturating_mul(line.quantity);
            let mut item = Document::template("item");
            item.set("id", id.as_str());
            item.set("description", line.description.as_str());
            item.set("currency", line.currency.as_str());
            item.set("quantity", line.quantity);
            item.set("amount_subtotal", total);
            item.set("amount_total", total);
            let price = self.mint("price");
            if let Value::Object(fields) = item.get_mut("price") {
                fields.insert("id".into(), json!(price));
                fields.insert("created".into(), json!(self.clock));
                fields.insert("currency".into(), json!(line.currency));
                fields.insert("unit_amount".into(), json!(line.unit_amount));
                fields.insert("unit_amount_decimal".into(), json!(line.unit_amount.to_string()));
            }
            self.insert(owner, "item", item);
            self.relate(session, &id);
        }
    }

    fn session_deadline(&self, parameters: &Parameters<'_>) -> Result<i64, Refusal> {
        let expires_at = parameters.integer("expires_at")?.unwrap_or(self.clock + DAY_S);
        if expires_at < self.clock + HALF_HOUR_S || expires_at > self.clock + DAY_S {
            return Err(Refusal::invalid(
                "expires_at",
                "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout \
                 Session creation.",
            ));
        }
        Ok(expires_at)
    }

    fn follow_session_rules(
        &mut self,
        owner: &Owner,
        id: &str,
        expires_at: i64,
    ) -> Result<(), Refusal> {
        let session = Target::id(id);
        self.schedule(expires_at, "expire", Operation::ExpireSession { session: session.clone() });
        let document = self.document(id)?;
        let planned = self.behaviour(&document, owner, |behaviour| match behaviour {
            Behaviour::Session { after_s, payment, forget } => {
                Some((*after_s, payment.clone(), *forget))
            }
            _ => None,
        });
        if let Some((after_s, payment, forget)) = planned {
            let pay = Operation::PaySession { session, payment, forget };
            self.schedule(self.clock + after_s, "pay", pay);
        }
        Ok(())
    }

    /// A buyer tries to pay an open session.
    pub(super) fn pay_session(
        &mut self,
        session: &Target,
        payment: &Payment,
        forget: Forget,
    ) -> Result<String, Refusal> {
        let id = self.find(session, "checkout.session")?;
        let document = self.document(&id)?;
        if !document.is("status", "open") {
            return Err(Refusal::not_now(
                "checkout_session_not_open",
                format!("The session {id} is no longer open."),
            ));
        }
        self.forget_on_session(&id, forget);
        self.name_customer(&id, &document);
        if document.is("payment_status", "no_payment_required") {
            self.edit(&id, |session| session.set("status", "complete"));
            self.emit_for("checkout.session.completed", &id);
            return Ok(id);
        }
        let intent = match document.owned("payment_intent") {
            Some(intent) => intent,
            None => self.intent_for_session(&id, forget)?,
        };
        self.attempt(&intent, payment, forget)?;
        Ok(id)
    }

    fn forget_on_session(&mut self, id: &str, forget: Forget) {
        self.edit(id, |session| {
            if forget.session_metadata {
                session.set("metadata", json!({}));
            }
            if forget.client_reference_id {
                session.set("client_reference_id", Value::Null);
            }
        });
    }

    /// The buyer's details become known, and a customer is created if the session asked for one.
    fn name_customer(&mut self, id: &str, document: &Document) {
        let email = document.owned("customer_email").unwrap_or_else(|| "buyer@example.com".into());
        let owner = self.owner_of(id);
        if document.is("customer_creation", "always") && document.text("customer").is_none() {
            let customer = self.mint("cus");
            let mut fields = Document::template("customer");
            fields.set("id", customer.as_str());
            fields.set("created", self.clock);
            fields.set("email", email.as_str());
            fields.set("currency", Value::Null);
            self.insert(&owner, "customer", fields);
            self.emit_for("customer.created", &customer);
            self.edit(id, |session| session.set("customer", customer));
        }
        self.edit(id, |session| {
            session.set(
                "customer_details",
                json!({
                    "address": null, "business_name": null, "email": email,
                    "individual_name": null, "name": "Example Buyer", "phone": null,
                    "tax_exempt": "none", "tax_ids": [],
                }),
            );
        });
    }

    fn intent_for_session(&mut self, id: &str, forget: Forget) -> Result<String, Refusal> {
        let session = self.document(id)?;
        let data = self.intent_data.get(id).cloned().unwrap_or(Value::Null);
        let data = Parameters(&data);
        let mut fields = Map::new();
        if !forget.intent_metadata {
            fields = data.strings("metadata");
        }
        let owner = self.owner_of(id);
        let intent = self.create_intent(
            &owner,
            super::payments::NewIntent {
                amount: session.integer("amount_total"),
                currency: session.currency(),
                metadata: fields,
                transfer_group: (!forget.transfer_group)
                    .then(|| data.text("transfer_group").map(str::to_owned))
                    .flatten(),
                description: data.text("description").map(str::to_owned),
                manual_capture: data.text("capture_method") == Some("manual"),
                customer: session.owned("customer"),
                destination: data.text("transfer_data.destination").map(str::to_owned),
                application_fee: data.integer("application_fee_amount")?,
            },
        );
        self.relate(&intent, id);
        self.edit(id, |session| session.set("payment_intent", intent.as_str()));
        Ok(intent)
    }

    /// Brings the session in line with its intent and says what changed.
    pub(super) fn follow_intent(&mut self, intent: &str) {
        let session = self.children(intent).iter().find(|id| id.starts_with("cs_")).cloned();
        let (Some(session), Some(status)) =
            (session, self.stored(intent).and_then(|stored| stored.document.owned("status")))
        else {
            return;
        };
        let Ok(document) = self.document(&session) else { return };
        let open = document.is("status", "open");
        let unpaid = document.is("payment_status", "unpaid");
        let complete = |state: &mut Self, paid: bool| {
            state.edit(&session, |session| {
                session.set("status", "complete");
                session.set("payment_status", if paid { "paid" } else { "unpaid" });
                session.set("url", Value::Null);
            });
        };
        match status.as_str() {
            "succeeded" if open => {
                complete(self, true);
                self.emit_for("checkout.session.completed", &session);
            }
            "processing" | "requires_capture" if open => {
                complete(self, false);
                self.emit_for("checkout.session.completed", &session);
            }
            "succeeded" if unpaid => {
                complete(self, true);
                if self.paid_asynchronously(intent) {
                    self.emit_for("checkout.session.async_payment_succeeded", &session);
                }
            }
            "requires_payment_method" if !open && unpaid => {
                self.emit_for("checkout.session.async_payment_failed", &session);
            }
            _ => {}
        }
    }

    /// The deadline of a session passes, or somebody expires it.
    pub(crate) fn expire_session(&mut self, id: &str) -> Result<String, Refusal> {
        let document = self.document(id)?;
        if !document.is("status", "open") {
            return Err(Refusal::not_now(
                "checkout_session_not_open",
                "Only Checkout Sessions with a status in [\"open\"] can be expired.",
            ));
        }
        self.edit(id, |session| {
            session.set("status", "expired");
            session.set("url", Value::Null);
        });
        if let Some(intent) = document.owned("payment_intent") {
            self.cancel_intent(&intent, Some("abandoned"))?;
        }
        self.emit_for("checkout.session.expired", id);
        Ok(id.to_owned())
    }
}

fn first_shipping(parameters: &Parameters<'_>) -> Result<Option<i64>, Refusal> {
    match parameters.list("shipping_options").first() {
        Some(option) => Parameters(option).integer("shipping_rate_data.fixed_amount.amount"),
        None => Ok(None),
    }
}

fn session_lines(parameters: &Parameters<'_>) -> Result<Vec<Line>, Refusal> {
    let lines = parameters.list("line_items");
    if lines.is_empty() {
        return Err(Refusal::missing("line_items"));
    }
    lines
        .into_iter()
        .map(|line| {
            let line = Parameters(line);
            let description = line.text("price_data.product_data.name").unwrap_or("Item");
            Ok(Line {
                description: description.to_owned(),
                currency: line.required_text("price_data.currency")?.to_lowercase(),
                unit_amount: line.required_integer("price_data.unit_amount")?,
                quantity: line.integer("quantity")?.unwrap_or(1),
            })
        })
        .collect()
}

/// Refuses amounts that Stripe would not charge in this currency.
pub(super) fn check_amount(amount: i64, currency: &str) -> Result<(), Refusal> {
    let facts = currency_facts(currency);
    if currency.len() != 3 {
        return Err(Refusal::invalid("currency", format!("Invalid currency: {currency}")));
    }
    if amount < 0 || (amount > 0 && amount < facts.charge_min) {
        return Err(Refusal {
            code: Some("amount_too_small".into()),
            ..Refusal::invalid("amount", "The amount is below the smallest chargeable amount.")
        });
    }
    if amount > 99_999_999_999 {
        return Err(Refusal {
            code: Some("amount_too_large".into()),
            ..Refusal::invalid("amount", "The amount is larger than Stripe accepts.")
        });
    }
    if amount.rem_euclid(facts.multiple) != 0 {
        return Err(Refusal::invalid(
            "amount",
            format!("Amounts in {currency} must be multiples of {}.", facts.multiple),
        ));
    }
    Ok(())
}

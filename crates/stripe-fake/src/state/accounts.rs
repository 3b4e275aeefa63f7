//! Connected accounts: onboarding, capabilities, bank accounts, disconnection.

use serde_json::{Map, Value, json};

use super::State;
use super::fees::list_of;
use crate::document::Document;
use crate::form::Parameters;
use crate::ledger::Owner;
use crate::operation::{NewAccount, Operation};
use crate::plan::{AccountStanding, Behaviour, PayoutSchedule};
use crate::refusal::Refusal;

impl State {
    pub(super) fn is_deauthorized(&self, account: &str) -> bool {
        self.deauthorized.contains(account)
    }

    /// Whether the platform may act for this account.
    pub(crate) fn check_access(&self, account: &str) -> Result<(), Refusal> {
        let known = self.stored(account).is_some_and(|stored| stored.kind == "account");
        if known && !self.is_deauthorized(account) {
            Ok(())
        } else {
            Err(Refusal::no_access(account))
        }
    }

    /// A connected account appears without the API.
    pub(super) fn create_account(&mut self, new: &NewAccount) -> Result<String, Refusal> {
        let metadata = new.metadata.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let id = self.insert_account(&new.country, &new.currency, new.email.as_deref(), metadata);
        self.set_standing(&id, &new.standing)?;
        self.set_payout_schedule(Some(&id), new.payouts)?;
        Ok(id)
    }

    /// `POST /v1/accounts`: onboarding is still to come, unless a rule says when it ends.
    pub(crate) fn create_account_by_request(
        &mut self,
        parameters: &Parameters<'_>,
    ) -> Result<String, Refusal> {
        let country = parameters.text("country").unwrap_or("US").to_uppercase();
        let currency = parameters
            .text("default_currency")
            .map_or_else(|| currency_of(&country).to_owned(), str::to_lowercase);
        let id = self.insert_account(
            &country,
            &currency,
            parameters.text("email"),
            parameters.strings("metadata"),
        );
        let capabilities = parameters.strings("capabilities");
        self.edit(&id, |account| {
            for (name, _) in capabilities {
                account.get_mut("capabilities")[&name] = json!("inactive");
            }
        });
        let interval = parameters.text("settings.payouts.schedule.interval");
        let schedule =
            if interval == Some("manual") { PayoutSchedule::Manual } else { PayoutSchedule::Daily };
        self.set_payout_schedule(Some(&id), schedule)?;
        let document = self.document(&id)?;
        let owner = Owner::Connected(id.clone());
        let planned = self.behaviour(&document, &owner, |behaviour| match behaviour {
            Behaviour::Account { after_s, standing } => Some((*after_s, standing.clone())),
            _ => None,
        });
        if let Some((after_s, standing)) = planned {
            let operation = Operation::SetStanding { account: id.clone(), standing };
            self.schedule(self.clock + after_s, "standing", operation);
        }
        Ok(id)
    }

    /// `POST /v1/accounts/:id` with another payout interval.
    pub(crate) fn set_payout_interval(
        &mut self,
        account: &str,
        interval: &str,
    ) -> Result<(), Refusal> {
        let schedule =
            if interval == "manual" { PayoutSchedule::Manual } else { PayoutSchedule::Daily };
        self.set_payout_schedule(Some(account), schedule)
    }

    fn insert_account(
        &mut self,
        country: &str,
        currency: &str,
        email: Option<&str>,
        metadata: Map<String, Value>,
    ) -> String {
        let id = self.mint("acct");
        let mut document = Document::template("account");
        document.set("id", id.as_str());
        document.set("country", country);
        document.set("created", self.clock);
        document.set("default_currency", currency);
        document.set("email", email);
        document.set("metadata", Value::Object(metadata));
        document
            .set("capabilities", json!({ "card_payments": "inactive", "transfers": "inactive" }));
        document.set("external_accounts", list_of(&format!("/v1/accounts/{id}/external_accounts")));
        document.get_mut("requirements")["disabled_reason"] = json!("requirements.past_due");
        self.insert(&Owner::Connected(id.clone()), "account", document);
        id
    }

    /// An account changes its standing and its listeners hear of it.
    pub(super) fn set_standing(
        &mut self,
        account: &str,
        standing: &AccountStanding,
    ) -> Result<String, Refusal> {
        let document = self.document(account)?;
        let submitted =
            document.flag("details_submitted") || *standing != AccountStanding::Onboarding;
        let (enabled, reason) = match standing {
            AccountStanding::Ready => (true, None),
            AccountStanding::Onboarding => (false, Some("requirements.past_due")),
            AccountStanding::Restricted { reason } | AccountStanding::Rejected { reason } => {
                (false, Some(reason.as_str()))
            }
        };
        if enabled && document.get("external_accounts")["data"] == json!([]) {
            self.add_bank_account(account);
        }
        let due: &[&str] = if enabled { &[] } else { &["individual.verification.document"] };
        let capability = if enabled { "active" } else { "inactive" };
        self.edit(account, |account| {
            account.set("details_submitted", submitted);
            account.set("charges_enabled", enabled);
            account.set("payouts_enabled", enabled);
            if let Value::Object(capabilities) = account.get_mut("capabilities") {
                for value in capabilities.values_mut() {
                    *value = json!(capability);
                }
            }
            let requirements = account.get_mut("requirements");
            requirements["disabled_reason"] = json!(reason);
            for list in ["currently_due", "eventually_due", "past_due"] {
                requirements[list] = json!(due);
            }
        });
        self.emit_capability(account, capability);
        self.emit_for("account.updated", account);
        Ok(account.to_owned())
    }

    fn emit_capability(&mut self, account: &str, status: &str) {
        let mut capability = Document::template("capability");
        capability.set("id", "transfers");
        capability.set("account", account);
        capability.set("requested_at", self.clock);
        capability.set("status", status);
        let owner = Owner::Connected(account.to_owned());
        self.emit(&owner, "capability.updated", &capability.value(), None);
    }

    fn add_bank_account(&mut self, account: &str) {
        let Ok(holder) = self.document(account) else { return };
        let id = self.mint("ba");
        let mut bank = Document::template("bank_account");
        bank.set("id", id.as_str());
        bank.set("account", account);
        bank.set("country", holder.get("country").clone());
        bank.set("currency", holder.get("default_currency").clone());
        bank.set("default_for_currency", true);
        let value = bank.value();
        let owner = Owner::Connected(account.to_owned());
        self.insert(&owner, "bank_account", bank);
        self.edit(account, |account| account.get_mut("external_accounts")["data"] = json!([value]));
        self.emit_for("account.external_account.created", &id);
    }

    /// The bank account that payouts of this owner go to.
    pub(super) fn bank_account_of(&self, owner: &Owner) -> Option<String> {
        match owner {
            Owner::Platform => Some(self.seed.id("ba", "platform", 0)),
            Owner::Connected(account) => {
                let bank =
                    self.stored(account)?.document.get("external_accounts")["data"].get(0)?;
                Some(bank.get("id")?.as_str()?.to_owned())
            }
        }
    }

    pub(super) fn check_payouts_enabled(&self, owner: &Owner) -> Result<(), Refusal> {
        let Owner::Connected(account) = owner else { return Ok(()) };
        let document = self.document(account)?;
        if document.flag("payouts_enabled") && self.bank_account_of(owner).is_some() {
            Ok(())
        } else {
            Err(Refusal::not_now(
                "payouts_not_allowed",
                "Payouts have been disabled for this account.",
            ))
        }
    }

    /// The bank refuses the bank account; payouts stop.
    pub(super) fn fail_external_account(&mut self, account: &str) -> Result<String, Refusal> {
        let owner = Owner::Connected(account.to_owned());
        self.owned(&owner, "account", account)?;
        let Some(bank) = self.bank_account_of(&owner) else { return Ok(account.to_owned()) };
        self.edit(&bank, |bank| bank.set("status", "errored"));
        let value = self.document(&bank)?.value();
        self.edit(account, |account| {
            account.get_mut("external_accounts")["data"] = json!([value]);
            account.set("payouts_enabled", false);
            let requirements = account.get_mut("requirements");
            requirements["currently_due"] = json!(["external_account"]);
            requirements["past_due"] = json!(["external_account"]);
        });
        self.emit_change("account.external_account.updated", &bank, "new");
        self.emit_for("account.updated", account);
        Ok(bank)
    }

    /// The holder removes the bank account.
    pub(super) fn remove_external_account(&mut self, account: &str) -> Result<String, Refusal> {
        let removed = self.take_bank_account(account)?;
        if removed.is_some() {
            self.edit(account, |account| {
                account.set("payouts_enabled", false);
                account.get_mut("requirements")["currently_due"] = json!(["external_account"]);
            });
            self.emit_for("account.updated", account);
        }
        Ok(removed.unwrap_or_else(|| account.to_owned()))
    }

    /// Takes the bank account off the account; what that means for payouts is the caller's.
    fn take_bank_account(&mut self, account: &str) -> Result<Option<String>, Refusal> {
        let owner = Owner::Connected(account.to_owned());
        self.owned(&owner, "account", account)?;
        let Some(bank) = self.bank_account_of(&owner) else { return Ok(None) };
        self.edit(account, |account| {
            account.get_mut("external_accounts")["data"] = json!([]);
        });
        self.emit_for("account.external_account.deleted", &bank);
        Ok(Some(bank))
    }

    /// The holder enters a new bank account; payouts resume.
    pub(super) fn replace_external_account(&mut self, account: &str) -> Result<String, Refusal> {
        // One change of the account, so one event of it.
        self.take_bank_account(account)?;
        self.add_bank_account(account);
        self.edit(account, |account| {
            let ready = account.flag("charges_enabled");
            account.set("payouts_enabled", ready);
            let requirements = account.get_mut("requirements");
            requirements["currently_due"] = json!([]);
            requirements["past_due"] = json!([]);
        });
        self.emit_for("account.updated", account);
        Ok(account.to_owned())
    }

    /// The holder disconnects the account from the platform.
    pub(super) fn deauthorize_account(&mut self, account: &str) -> Result<String, Refusal> {
        let owner = Owner::Connected(account.to_owned());
        self.owned(&owner, "account", account)?;
        if self.deauthorized.insert(account.to_owned()) {
            let mut application = Document::template("application");
            application.set("id", self.seed.id("ca", "application", 0));
            application.set("name", "Example Platform");
            let value = application.value();
            self.emit(&owner, "account.application.deauthorized", &value, None);
        }
        Ok(account.to_owned())
    }
}

fn currency_of(country: &str) -> &'static str {
    match country {
        "JP" => "jpy",
        "KW" => "kwd",
        "GB" => "gbp",
        "AT" | "BE" | "DE" | "ES" | "FI" | "FR" | "IE" | "IT" | "LU" | "NL" | "PT" => "eur",
        _ => "usd",
    }
}

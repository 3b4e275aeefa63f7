//! Posting balance transactions and answering balances.

use serde_json::{Value, json};

use super::State;
use crate::currency::currency_facts;
use crate::ledger::{BalanceTransaction, BalanceType, FeeDetail, Owner};

const DAY_S: i64 = 86_400;

/// What a balance transaction needs besides its id and time. Amounts are minor units.
#[derive(Clone, Debug)]
pub(super) struct Movement {
    pub(super) kind: &'static str,
    pub(super) category: &'static str,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) source: Option<String>,
    pub(super) description: Option<String>,
    pub(super) fees: Vec<FeeDetail>,
    /// When the net becomes available; at once if absent.
    pub(super) available_on: Option<i64>,
    pub(super) balance_type: BalanceType,
}

impl Movement {
    /// A movement without a fee, available at once.
    pub(super) fn new(
        kind: &'static str,
        category: &'static str,
        amount: i64,
        currency: &str,
        source: &str,
    ) -> Self {
        Self {
            kind,
            category,
            amount,
            currency: currency.to_owned(),
            source: Some(source.to_owned()),
            description: None,
            fees: Vec::new(),
            available_on: None,
            balance_type: BalanceType::Payments,
        }
    }

    pub(super) fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    pub(super) fn fee(mut self, kind: &'static str, amount: i64, description: &str) -> Self {
        if amount != 0 {
            self.fees.push(FeeDetail { kind, amount, description: description.to_owned() });
        }
        self
    }

    pub(super) fn available(mut self, available_on: i64) -> Self {
        self.available_on = Some(available_on);
        self
    }

    pub(super) fn on(mut self, balance_type: BalanceType) -> Self {
        self.balance_type = balance_type;
        self
    }
}

impl State {
    /// Posts a movement on the owner's balance; answers the id of the balance transaction.
    pub(super) fn post(&mut self, owner: &Owner, movement: Movement) -> String {
        let id = self.mint("txn");
        self.sequence += 1;
        let transaction = BalanceTransaction {
            id: id.clone(),
            owner: owner.clone(),
            balance_type: movement.balance_type,
            kind: movement.kind,
            category: movement.category,
            amount: movement.amount,
            fee: movement.fees.iter().map(|fee| fee.amount).sum(),
            fee_details: movement.fees,
            currency: movement.currency,
            created: self.clock,
            available_on: movement.available_on.unwrap_or(self.clock),
            source: movement.source,
            description: movement.description,
            payout: None,
            sequence: self.sequence,
        };
        self.ledger.post(transaction, self.clock);
        id
    }

    /// When the net of a payment made now is available: a midnight UTC some days ahead.
    pub(super) fn available_on(&self, currency: &str) -> i64 {
        let today = self.clock - self.clock.rem_euclid(DAY_S);
        today + currency_facts(currency).available_after_days * DAY_S
    }

    pub(super) fn midnight_after(&self, days: i64) -> i64 {
        self.clock - self.clock.rem_euclid(DAY_S) + days * DAY_S
    }

    pub(super) fn available(&self, owner: &Owner, currency: &str) -> i64 {
        self.ledger.funds(owner, currency, BalanceType::Payments).available
    }

    /// The `balance` object of an owner.
    pub(crate) fn balance_object(&self, owner: &Owner) -> Value {
        let balances = self.ledger.balances(owner, BalanceType::Payments);
        let line = |amount: i64, currency: &String| json!({ "amount": amount, "currency": currency, "source_types": { "card": amount } });
        let mut available: Vec<Value> =
            balances.iter().map(|(currency, funds)| line(funds.available, currency)).collect();
        let mut pending: Vec<Value> =
            balances.iter().map(|(currency, funds)| line(funds.pending, currency)).collect();
        if balances.is_empty() {
            let currency = owner
                .account()
                .and_then(|account| self.stored(account))
                .and_then(|stored| stored.document.owned("default_currency"))
                .unwrap_or_else(|| "usd".into());
            available.push(line(0, &currency));
            pending.push(line(0, &currency));
        }
        let mut balance = json!({
            "object": "balance",
            "available": available,
            "livemode": false,
            "pending": pending,
        });
        if *owner == Owner::Platform {
            balance["connect_reserved"] = json!([]);
        }
        let reserved = self.ledger.balances(owner, BalanceType::RiskReserved);
        if !reserved.is_empty() {
            let lines: Vec<Value> =
                reserved.iter().map(|(currency, funds)| line(funds.available, currency)).collect();
            balance["risk_reserved"] = json!({ "available": lines, "pending": [] });
        }
        balance
    }
}

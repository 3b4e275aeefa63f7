//! Stripe's objects, read with patience: only the fields Daybook needs, every one of them optional,
//! everything else ignored.
//!
//! The typed structs of the Stripe crates refuse a whole object when one expected field is missing.
//! A ledger cannot. Here a field is missing only when somebody asks for it, and then it is named.

mod balance;
mod connect;
mod payments;
mod returns;

use std::collections::BTreeMap;

use kernel::{Currency, Money, Timestamp};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

pub use balance::{Balance, BalanceAmount, BalanceTransaction, Fee, Source, Topup};
pub use connect::{
    Account, ApplicationFee, Capabilities, Capability, ExternalAccount, FeeRefund, Payout,
    Requirements, Reversal, Transfer,
};
pub use payments::{
    Charge, CurrencyConversion, EarlyFraudWarning, Intent, LastPaymentError, Review, Session,
};
pub use returns::{CardDetails, Dispute, EvidenceDetails, PaymentMethodDetails, Refund};

/// Something essential that an object lacks, or that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Fault {
    /// The field's name at Stripe.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Fault {
    /// Says what is wrong with a field.
    pub fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self { field, problem: problem.into() }
    }

    /// The same, of something that stands inside this field.
    #[must_use]
    pub fn inside(self, field: &'static str) -> Self {
        Self { field, problem: self.to_string() }
    }
}

/// One field of an object: absent (or `null`), readable, or something else than expected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Not there, or `null`.
    #[default]
    Absent,
    /// There, but not what it should be; the problem.
    Wrong(String),
    /// There.
    Present(T),
}

impl<T> Field<T> {
    /// The value, if it is there and readable. For what is only nice to have.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Wrong(_) => None,
        }
    }

    /// The value, if it is there. Something unreadable is a fault, for it may be about money.
    ///
    /// # Errors
    /// [`Fault`], naming the field.
    pub fn maybe(&self, field: &'static str) -> Result<Option<&T>, Fault> {
        match self {
            Self::Present(value) => Ok(Some(value)),
            Self::Absent => Ok(None),
            Self::Wrong(problem) => Err(Fault::new(field, problem.clone())),
        }
    }

    /// The value, which must be there.
    ///
    /// # Errors
    /// [`Fault`], naming the field.
    pub fn need(&self, field: &'static str) -> Result<&T, Fault> {
        self.maybe(field)?.ok_or_else(|| Fault::new(field, "missing"))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(match serde_json::from_str::<Option<T>>(raw.get()) {
            Ok(None) => Self::Absent,
            Ok(Some(value)) => Self::Present(value),
            Err(error) => Self::Wrong(error.to_string()),
        })
    }
}

/// A number exactly as it was written, such as an exchange rate: never read as a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalText(pub String);

impl<'de> Deserialize<'de> for DecimalText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().trim_matches('"').to_owned()))
    }
}

/// A reference that Stripe writes as an id or, where it was asked to, as the whole object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expandable<T> {
    /// The id only.
    Id(String),
    /// The object.
    Object(Box<T>),
}

impl<T> Expandable<T> {
    /// The object, if it was expanded.
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        let read = match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw.get()).map(Self::Id),
            Some(b'{') => serde_json::from_str(raw.get()).map(|it| Self::Object(Box::new(it))),
            _ => return Err(serde::de::Error::custom("neither an id nor an object")),
        };
        read.map_err(serde::de::Error::custom)
    }
}

/// An id, read from a text or from the object it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(pub String);

#[derive(Deserialize)]
struct OnlyId {
    id: String,
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Expandable::<OnlyId>::deserialize(deserializer)? {
            Expandable::Id(id) => id,
            Expandable::Object(object) => object.id,
        }))
    }
}

/// The first page of a list that stands inside an object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub struct List<T> {
    /// The items.
    #[serde(default = "Vec::new")]
    pub data: Vec<T>,
    /// Whether there are more.
    #[serde(default)]
    pub has_more: bool,
}

/// Our ids, and other people's notes.
pub type Metadata = BTreeMap<String, String>;

/// Reads an object.
///
/// # Errors
/// [`Fault`] when the text is no JSON object at all.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::new("object", error.to_string()))
}

/// An amount of minor units and Stripe's lower-case currency code, as money.
///
/// # Errors
/// [`Fault`] when one is missing or the currency is unknown.
pub fn money(
    amount: &Field<i64>,
    amount_field: &'static str,
    currency: &Field<String>,
) -> Result<Money, Fault> {
    Ok(Money::new(*amount.need(amount_field)?, currency_of(currency)?))
}

/// A currency.
///
/// # Errors
/// [`Fault`] when it is missing or unknown.
pub fn currency_of(currency: &Field<String>) -> Result<Currency, Fault> {
    let code = currency.need("currency")?;
    code.parse::<Currency>().map_err(|error| Fault::new("currency", error.to_string()))
}

/// An instant from unix seconds.
///
/// # Errors
/// [`Fault`] when it is missing.
pub fn instant(field: &Field<i64>, name: &'static str) -> Result<Timestamp, Fault> {
    field.need(name).map(|seconds| Timestamp::from_unix_seconds(*seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Sample {
        amount: Field<i64>,
        currency: Field<String>,
        balance_transaction: Field<Reference>,
        rate: Field<DecimalText>,
        items: Field<List<Reference>>,
    }

    fn sample(text: &str) -> Sample {
        read(text).unwrap()
    }

    #[test]
    fn a_missing_field_is_missing_only_when_somebody_asks() {
        let object = sample("{}");
        assert_eq!(object.amount.get(), None);
        assert_eq!(object.amount.maybe("amount"), Ok(None));
        assert_eq!(object.amount.need("amount").unwrap_err().to_string(), "amount: missing");
    }

    #[test]
    fn an_unreadable_field_does_not_spoil_the_others() {
        let object = sample(r#"{"amount":"12.50","currency":"usd","unknown":{"a":[1]}}"#);
        assert_eq!(object.currency.get().map(String::as_str), Some("usd"));
        let fault = object.amount.maybe("amount").unwrap_err();
        assert!(fault.to_string().starts_with("amount: "), "{fault}");
        let fraction = sample(r#"{"amount":12.5,"currency":"usd"}"#);
        assert!(money(&fraction.amount, "amount", &fraction.currency).is_err());
    }

    #[test]
    fn a_reference_reads_from_an_id_or_from_the_object() {
        let by_id = sample(r#"{"balance_transaction":"txn_1"}"#);
        let expanded = sample(r#"{"balance_transaction":{"id":"txn_1","amount":5}}"#);
        for object in [by_id, expanded] {
            assert_eq!(object.balance_transaction.get(), Some(&Reference("txn_1".into())));
        }
        let neither = sample(r#"{"balance_transaction":{"amount":5}}"#);
        assert!(neither.balance_transaction.maybe("balance_transaction").is_err());
        assert_eq!(sample(r#"{"balance_transaction":null}"#).balance_transaction, Field::Absent);
    }

    #[test]
    fn a_rate_keeps_the_digits_it_was_written_with() {
        let object = sample(r#"{"rate":1.08500}"#);
        assert_eq!(object.rate.get(), Some(&DecimalText("1.08500".into())));
    }

    #[test]
    fn lists_inside_objects_are_read() {
        let object =
            sample(r#"{"items":{"object":"list","data":["a",{"id":"b"}],"has_more":true}}"#);
        let list = object.items.get().unwrap();
        assert_eq!(list.data, [Reference("a".into()), Reference("b".into())]);
        assert!(list.has_more);
    }
}

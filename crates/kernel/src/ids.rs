//! Identifiers: a prefix that says what is meant, and a UUID.
//!
//! New ids are UUIDv7, minted at the edge. What is created in reaction to something, or under an
//! idempotency key, gets a UUIDv5 derived from its cause, so that a retry names the same thing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is not an identifier of this kind; it should be {prefix}_ and 32 hexadecimal digits"
)]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// The prefix the identifier should have.
    pub prefix: &'static str,
}

const NAMESPACE: Uuid = Uuid::from_u128(0x6461_7962_6f6f_6b00_8000_0000_0000_0001);

/// A UUIDv5 (RFC 9562) over the parts, so that the same cause always names the same thing.
#[must_use]
pub fn derived_uuid(parts: &[&str]) -> Uuid {
    // The unit separator cannot occur in ids or keys, so ("a", "bc") and ("ab", "c") differ.
    Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(Uuid);

        impl $name {
            /// The text in front of the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new identifier (UUIDv7, so that ids sort by the time they were minted).
            #[must_use]
            #[expect(clippy::disallowed_methods, reason = "this is the door for identifiers")]
            pub fn mint() -> Self {
                Self(Uuid::now_v7())
            }

            /// The identifier that belongs to this cause, the same every time.
            #[must_use]
            pub fn derived(parts: &[&str]) -> Self {
                let mut all = vec![$prefix];
                all.extend_from_slice(parts);
                Self(derived_uuid(&all))
            }

            /// The UUID without its prefix.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| rest.len() == 32)
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.to_owned(), prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::deserialize(deserializer)
            }
        }
    )+};
}

ids! {
    /// An organisation in one mode (live or sandbox): the owner of every stream and row.
    TenantId = "ten";
    /// An order.
    OrderId = "ord";
    /// One attempt, or several, to be paid for one thing.
    PaymentId = "pay";
    /// Money on its way back to a buyer.
    RefundId = "rfd";
    /// A card or bank dispute, in our books.
    DisputeId = "dsp";
    /// Somebody who sells and is owed money.
    SellerId = "sel";
    /// Money on its way to a seller.
    PayoutId = "pyt";
    /// A manual adjustment of the books.
    AdjustmentId = "adj";
    /// An API key.
    KeyId = "key";
    /// One request to Daybook.
    RequestId = "req";
    /// A person whose personal data is sealed elsewhere.
    SubjectRef = "sub";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_written() {
        let id = OrderId::mint();
        assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
        assert!(id.to_string().starts_with("ord_"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let payment = PaymentId::mint().to_string();
        assert_eq!(payment.parse::<OrderId>().unwrap_err().prefix, "ord");
        assert!("ord_12".parse::<OrderId>().is_err());
    }

    #[test]
    fn a_derived_id_is_the_same_every_time_and_its_own_per_cause() {
        assert_eq!(RefundId::derived(&["evt", "a"]), RefundId::derived(&["evt", "a"]));
        assert_ne!(RefundId::derived(&["ab", "c"]), RefundId::derived(&["a", "bc"]));
        assert_ne!(RefundId::derived(&["a"]).uuid(), PayoutId::derived(&["a"]).uuid());
    }
}

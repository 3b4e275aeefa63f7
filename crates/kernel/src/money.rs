//! Money is a whole number of minor units and a currency, and two currencies never meet in a sum.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};

use crate::{Currency, allocate};

/// An amount in one currency, in *Stripe's* minor units (see [`Currency`]): cents for USD, yen for
/// JPY, fils for KWD, and hundredths for ISK and UGX although ISO 4217 gives those none.
///
/// It has no `+`: sums go through the checked functions, which refuse mixed currencies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// Why an amount of money could not be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met in one sum.
    #[error("cannot combine {left} with {right}; convert one of them first")]
    CurrencyMismatch {
        /// The currency of the left side.
        left: Currency,
        /// The currency of the right side.
        right: Currency,
    },
    /// The result does not fit into 64 bits of minor units.
    #[error("the amount is outside the range of 64-bit minor units")]
    Overflow,
}

impl Money {
    /// An amount of `minor` minor units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The number of minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Is this exactly nothing?
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Is this more than nothing?
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }

    /// The sum of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError`] when the currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference of two amounts of one currency.
    ///
    /// # Errors
    /// [`MoneyError`] when the currencies differ or the difference does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// The same amount with the other sign.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for the one amount that has no mirror image.
    pub fn checked_neg(self) -> Result<Self, MoneyError> {
        self.minor.checked_neg().map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }

    /// Splits the amount by largest remainder (see [`allocate()`]).
    ///
    /// # Errors
    /// [`crate::AllocationError`] when no weight is positive or one is negative.
    pub fn allocate(self, weights: &[i64]) -> Result<Vec<Self>, crate::AllocationError> {
        let parts = allocate(self.minor, weights)?;
        Ok(parts.into_iter().map(|minor| Self { minor, ..self }).collect())
    }

    /// The amount as a decimal number of major units, exact.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, u32::from(self.currency.facts().stripe_exponent))
    }

    /// The amount without its currency, with the digits its holders expect: `103.25`, `5000`.
    #[must_use]
    pub fn amount_text(self) -> String {
        let facts = self.currency.facts();
        let digits = u32::from(facts.exponent.min(facts.stripe_exponent));
        let mut shown = self.to_decimal();
        // UGX and ISK carry two zeros for Stripe's sake only; a fraction, should one ever be
        // there, is shown rather than hidden.
        if shown.normalize().scale() <= digits {
            shown.rescale(digits);
        }
        shown.to_string()
    }

    fn combine(
        self,
        other: Self,
        operation: fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            });
        }
        operation(self.minor, other.minor)
            .map(|minor| Self { minor, ..self })
            .ok_or(MoneyError::Overflow)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount_text(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A share in basis points (hundredths of a percent), from 0 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Rate(u16);

/// A rate outside 0 to 10,000 basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate of {0} basis points is outside 0 to 10000")]
pub struct RateError(pub u16);

impl Rate {
    /// No share at all.
    pub const ZERO: Self = Self(0);

    /// A rate from basis points.
    ///
    /// # Errors
    /// [`RateError`] above 10,000.
    pub const fn try_from_bps(bps: u16) -> Result<Self, RateError> {
        if bps > 10_000 { Err(RateError(bps)) } else { Ok(Self(bps)) }
    }

    /// The rate in basis points.
    #[must_use]
    pub const fn bps(self) -> u16 {
        self.0
    }

    /// The share of `amount`, rounded half-even: the one rounding of a percentage.
    #[must_use]
    pub fn of(self, amount: Money) -> Money {
        self.rounded(amount, RoundingStrategy::MidpointNearestEven)
    }

    /// The share of `amount`, rounded down towards zero: for reserves, in the seller's favour.
    #[must_use]
    pub fn of_rounded_down(self, amount: Money) -> Money {
        self.rounded(amount, RoundingStrategy::ToZero)
    }

    fn rounded(self, amount: Money, strategy: RoundingStrategy) -> Money {
        let share =
            Decimal::from_i128_with_scale(i128::from(amount.minor()) * i128::from(self.0), 4)
                .round_dp_with_strategy(0, strategy);
        // A share of at most the whole fits where the whole fitted.
        Money::new(share.to_i64().unwrap_or(amount.minor()), amount.currency())
    }
}

impl TryFrom<u16> for Rate {
    type Error = RateError;

    fn try_from(bps: u16) -> Result<Self, RateError> {
        Self::try_from_bps(bps)
    }
}

impl From<Rate> for u16 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    #[test]
    fn two_currencies_never_meet_in_one_sum() {
        let error = money(1, "USD").checked_add(money(1, "EUR")).unwrap_err();
        assert!(matches!(error, MoneyError::CurrencyMismatch { .. }));
    }

    #[test]
    fn a_sum_that_does_not_fit_is_an_error() {
        assert_eq!(money(i64::MAX, "USD").checked_add(money(1, "USD")), Err(MoneyError::Overflow));
        assert_eq!(money(i64::MIN, "USD").checked_neg(), Err(MoneyError::Overflow));
    }

    #[test]
    fn amounts_show_the_digits_their_holders_expect() {
        assert_eq!(money(10325, "USD").to_string(), "103.25 USD");
        assert_eq!(money(-5, "USD").to_string(), "-0.05 USD");
        assert_eq!(money(5000, "JPY").to_string(), "5000 JPY");
        assert_eq!(money(5120, "KWD").to_string(), "5.120 KWD");
        assert_eq!(money(150_000, "ISK").to_string(), "1500 ISK");
        assert_eq!(money(150_050, "ISK").to_string(), "1500.50 ISK");
        assert_eq!(money(700, "MGA").to_string(), "700 MGA");
    }

    #[test]
    fn rates_round_half_to_even_once() {
        let ten = Rate::try_from_bps(1000).unwrap();
        assert_eq!(ten.of(money(3333, "USD")), money(333, "USD"));
        assert_eq!(ten.of(money(25, "USD")), money(2, "USD"));
        assert_eq!(ten.of(money(35, "USD")), money(4, "USD"));
        assert_eq!(ten.of_rounded_down(money(3377, "USD")), money(337, "USD"));
        assert_eq!(Rate::try_from_bps(10_001), Err(RateError(10_001)));
    }

    #[test]
    fn money_travels_as_integers() {
        let text = serde_json::to_string(&money(10325, "USD")).unwrap();
        assert_eq!(text, r#"{"minor":10325,"currency":"USD"}"#);
        assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), money(10325, "USD"));
        assert!(serde_json::from_str::<Money>(r#"{"minor":1.5,"currency":"USD"}"#).is_err());
    }
}

//! Valuing what stands on `equity:conversion` at the rates of a day.
//!
//! Every exchange leaves a debit in one currency and a credit in another there. Valued at one day's
//! rates, they should come to nothing; what they come to is what was lost (a debit) or gained (a
//! credit) since the exchanges were made. Booking the difference against the same account brings it
//! to nothing again, so doing it twice books nothing the second time.

use kernel::Currency;
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use super::{
    commands::{Converted, StatedRate},
    errors::PeriodError,
    events::Revaluation,
};

/// More digits are no rate but noise, and would not multiply exactly.
const RATE_DIGITS_MAX: usize = 20;

/// The value of each balance in the functional currency.
pub(super) fn parts(
    functional: Currency,
    balances: &[Converted],
    rates: &[StatedRate],
) -> Result<Vec<Revaluation>, PeriodError> {
    let mut parts = Vec::new();
    for balance in balances.iter().filter(|balance| balance.minor != 0) {
        let Converted { currency, minor } = *balance;
        if currency == functional {
            parts.push(Revaluation { currency, minor, rate: "1".to_owned(), value: minor });
            continue;
        }
        let mut stated = rates.iter().filter(|rate| rate.currency == currency);
        let (Some(rate), None) = (stated.next(), stated.next()) else {
            return Err(PeriodError::RateMissing { currency });
        };
        let value = value_of(balance, functional, &rate.rate)?;
        parts.push(Revaluation { currency, minor, rate: rate.rate.clone(), value });
    }
    if parts.is_empty() { Err(PeriodError::NothingConverted) } else { Ok(parts) }
}

/// The sum of the values.
pub(super) fn sum(parts: &[Revaluation]) -> Result<i64, PeriodError> {
    let total: i128 = parts.iter().map(|part| i128::from(part.value)).sum();
    i64::try_from(total).map_err(|_| PeriodError::Overflow)
}

fn value_of(balance: &Converted, functional: Currency, rate: &str) -> Result<i64, PeriodError> {
    let invalid = || PeriodError::RateInvalid { rate: rate.to_owned() };
    if rate.len() > RATE_DIGITS_MAX {
        return Err(invalid());
    }
    let factor: Decimal = rate.parse().map_err(|_| invalid())?;
    if factor <= Decimal::ZERO {
        return Err(invalid());
    }
    // Rates are between whole units, amounts in minor units, and the exponents may differ.
    let digits = |currency: Currency| u32::from(currency.facts().stripe_exponent);
    let units = Decimal::new(balance.minor, digits(balance.currency));
    let scale = Decimal::from(10_i64.checked_pow(digits(functional)).ok_or(PeriodError::Overflow)?);
    units
        .checked_mul(factor)
        .and_then(|value| value.checked_mul(scale))
        .map(|value| value.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven))
        .and_then(|value| value.to_i64())
        .ok_or(PeriodError::Overflow)
}

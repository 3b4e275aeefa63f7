//! Currencies as ISO 4217 names them and as Stripe counts them, which is not the same thing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is known of one currency.
///
/// Sources: ISO 4217 for `exponent`; Stripe's "Supported currencies" page (zero-decimal and
/// three-decimal currencies, special cases, minimum charge amounts) for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyFacts {
    /// The ISO 4217 code, in upper case.
    pub code: &'static str,
    /// Decimal digits by ISO 4217: what people write.
    pub exponent: u8,
    /// Decimal digits of Stripe's minor unit: what every amount in Daybook is counted in.
    pub stripe_exponent: u8,
    /// Charges must be a multiple of this many minor units (10 for three-decimal currencies,
    /// 100 for ISK and UGX, which Stripe keeps at two decimals that are always zero).
    pub stripe_multiple: i64,
    /// Payouts must be a multiple of this many minor units (100 for HUF and TWD).
    pub payout_multiple: i64,
    /// The least amount Stripe charges, in minor units; 0 where it publishes none.
    pub min_charge: i64,
}

const fn row(
    code: &'static str,
    exponent: u8,
    stripe_exponent: u8,
    stripe_multiple: i64,
    payout_multiple: i64,
    min_charge: i64,
) -> CurrencyFacts {
    CurrencyFacts { code, exponent, stripe_exponent, stripe_multiple, payout_multiple, min_charge }
}

/// Every currency Daybook can hold, sorted by code.
pub static CURRENCIES: &[CurrencyFacts] = &[
    row("AED", 2, 2, 1, 1, 200),
    row("AFN", 2, 2, 1, 1, 0),
    row("ALL", 2, 2, 1, 1, 0),
    row("AMD", 2, 2, 1, 1, 0),
    row("ANG", 2, 2, 1, 1, 0),
    row("AOA", 2, 2, 1, 1, 0),
    row("ARS", 2, 2, 1, 1, 0),
    row("AUD", 2, 2, 1, 1, 50),
    row("AWG", 2, 2, 1, 1, 0),
    row("AZN", 2, 2, 1, 1, 0),
    row("BAM", 2, 2, 1, 1, 0),
    row("BBD", 2, 2, 1, 1, 0),
    row("BDT", 2, 2, 1, 1, 0),
    row("BGN", 2, 2, 1, 1, 100),
    row("BHD", 3, 3, 10, 10, 0),
    row("BIF", 0, 0, 1, 1, 0),
    row("BMD", 2, 2, 1, 1, 0),
    row("BND", 2, 2, 1, 1, 0),
    row("BOB", 2, 2, 1, 1, 0),
    row("BRL", 2, 2, 1, 1, 50),
    row("BSD", 2, 2, 1, 1, 0),
    row("BWP", 2, 2, 1, 1, 0),
    row("BYN", 2, 2, 1, 1, 0),
    row("BZD", 2, 2, 1, 1, 0),
    row("CAD", 2, 2, 1, 1, 50),
    row("CDF", 2, 2, 1, 1, 0),
    row("CHF", 2, 2, 1, 1, 50),
    row("CLP", 0, 0, 1, 1, 0),
    row("CNY", 2, 2, 1, 1, 0),
    row("COP", 2, 2, 1, 1, 0),
    row("CRC", 2, 2, 1, 1, 0),
    row("CVE", 2, 2, 1, 1, 0),
    row("CZK", 2, 2, 1, 1, 1500),
    row("DJF", 0, 0, 1, 1, 0),
    row("DKK", 2, 2, 1, 1, 250),
    row("DOP", 2, 2, 1, 1, 0),
    row("DZD", 2, 2, 1, 1, 0),
    row("EGP", 2, 2, 1, 1, 0),
    row("ETB", 2, 2, 1, 1, 0),
    row("EUR", 2, 2, 1, 1, 50),
    row("FJD", 2, 2, 1, 1, 0),
    row("FKP", 2, 2, 1, 1, 0),
    row("GBP", 2, 2, 1, 1, 30),
    row("GEL", 2, 2, 1, 1, 0),
    row("GIP", 2, 2, 1, 1, 0),
    row("GMD", 2, 2, 1, 1, 0),
    row("GNF", 0, 0, 1, 1, 0),
    row("GTQ", 2, 2, 1, 1, 0),
    row("GYD", 2, 2, 1, 1, 0),
    row("HKD", 2, 2, 1, 1, 400),
    row("HNL", 2, 2, 1, 1, 0),
    row("HTG", 2, 2, 1, 1, 0),
    row("HUF", 2, 2, 1, 100, 17500),
    row("IDR", 2, 2, 1, 1, 0),
    row("ILS", 2, 2, 1, 1, 0),
    row("INR", 2, 2, 1, 1, 50),
    row("ISK", 0, 2, 100, 100, 0),
    row("JMD", 2, 2, 1, 1, 0),
    row("JOD", 3, 3, 10, 10, 0),
    row("JPY", 0, 0, 1, 1, 50),
    row("KES", 2, 2, 1, 1, 0),
    row("KGS", 2, 2, 1, 1, 0),
    row("KHR", 2, 2, 1, 1, 0),
    row("KMF", 0, 0, 1, 1, 0),
    row("KRW", 0, 0, 1, 1, 0),
    row("KWD", 3, 3, 10, 10, 0),
    row("KYD", 2, 2, 1, 1, 0),
    row("KZT", 2, 2, 1, 1, 0),
    row("LAK", 2, 2, 1, 1, 0),
    row("LBP", 2, 2, 1, 1, 0),
    row("LKR", 2, 2, 1, 1, 0),
    row("LRD", 2, 2, 1, 1, 0),
    row("LSL", 2, 2, 1, 1, 0),
    row("MAD", 2, 2, 1, 1, 0),
    row("MDL", 2, 2, 1, 1, 0),
    row("MGA", 2, 0, 1, 1, 0),
    row("MKD", 2, 2, 1, 1, 0),
    row("MMK", 2, 2, 1, 1, 0),
    row("MNT", 2, 2, 1, 1, 0),
    row("MOP", 2, 2, 1, 1, 0),
    row("MUR", 2, 2, 1, 1, 0),
    row("MVR", 2, 2, 1, 1, 0),
    row("MWK", 2, 2, 1, 1, 0),
    row("MXN", 2, 2, 1, 1, 1000),
    row("MYR", 2, 2, 1, 1, 200),
    row("MZN", 2, 2, 1, 1, 0),
    row("NAD", 2, 2, 1, 1, 0),
    row("NGN", 2, 2, 1, 1, 0),
    row("NIO", 2, 2, 1, 1, 0),
    row("NOK", 2, 2, 1, 1, 300),
    row("NPR", 2, 2, 1, 1, 0),
    row("NZD", 2, 2, 1, 1, 50),
    row("OMR", 3, 3, 10, 10, 0),
    row("PAB", 2, 2, 1, 1, 0),
    row("PEN", 2, 2, 1, 1, 0),
    row("PGK", 2, 2, 1, 1, 0),
    row("PHP", 2, 2, 1, 1, 0),
    row("PKR", 2, 2, 1, 1, 0),
    row("PLN", 2, 2, 1, 1, 200),
    row("PYG", 0, 0, 1, 1, 0),
    row("QAR", 2, 2, 1, 1, 0),
    row("RON", 2, 2, 1, 1, 200),
    row("RSD", 2, 2, 1, 1, 0),
    row("RUB", 2, 2, 1, 1, 0),
    row("RWF", 0, 0, 1, 1, 0),
    row("SAR", 2, 2, 1, 1, 0),
    row("SBD", 2, 2, 1, 1, 0),
    row("SCR", 2, 2, 1, 1, 0),
    row("SEK", 2, 2, 1, 1, 300),
    row("SGD", 2, 2, 1, 1, 50),
    row("SHP", 2, 2, 1, 1, 0),
    row("SLE", 2, 2, 1, 1, 0),
    row("SOS", 2, 2, 1, 1, 0),
    row("SRD", 2, 2, 1, 1, 0),
    row("STD", 2, 2, 1, 1, 0),
    row("SZL", 2, 2, 1, 1, 0),
    row("THB", 2, 2, 1, 1, 1000),
    row("TJS", 2, 2, 1, 1, 0),
    row("TND", 3, 3, 10, 10, 0),
    row("TOP", 2, 2, 1, 1, 0),
    row("TRY", 2, 2, 1, 1, 0),
    row("TTD", 2, 2, 1, 1, 0),
    row("TWD", 2, 2, 1, 100, 0),
    row("TZS", 2, 2, 1, 1, 0),
    row("UAH", 2, 2, 1, 1, 0),
    row("UGX", 0, 2, 100, 100, 0),
    row("USD", 2, 2, 1, 1, 50),
    row("UYU", 2, 2, 1, 1, 0),
    row("UZS", 2, 2, 1, 1, 0),
    row("VND", 0, 0, 1, 1, 0),
    row("VUV", 0, 0, 1, 1, 0),
    row("WST", 2, 2, 1, 1, 0),
    row("XAF", 0, 0, 1, 1, 0),
    row("XCD", 2, 2, 1, 1, 0),
    row("XOF", 0, 0, 1, 1, 0),
    row("XPF", 0, 0, 1, 1, 0),
    row("YER", 2, 2, 1, 1, 0),
    row("ZAR", 2, 2, 1, 1, 0),
    row("ZMW", 2, 2, 1, 1, 0),
];

/// A currency of the table, in one byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(u8);

/// A code that is not in the currency table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a currency Daybook knows; use a three-letter ISO 4217 code such as USD")]
pub struct UnknownCurrency(pub String);

impl Currency {
    /// US dollars.
    pub const USD: Self = Self::known("USD");
    /// Euros.
    pub const EUR: Self = Self::known("EUR");
    /// Japanese yen: no decimals.
    pub const JPY: Self = Self::known("JPY");
    /// Kuwaiti dinars: three decimals, the last always zero at Stripe.
    pub const KWD: Self = Self::known("KWD");

    /// What is known of this currency.
    #[must_use]
    pub fn facts(self) -> &'static CurrencyFacts {
        &CURRENCIES[usize::from(self.0)]
    }

    /// The ISO 4217 code, in upper case.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.facts().code
    }

    /// The code as Stripe writes it, in lower case.
    #[must_use]
    pub fn stripe_code(self) -> String {
        self.code().to_ascii_lowercase()
    }

    /// Every currency, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).take(CURRENCIES.len()).map(Self)
    }

    const fn known(code: &str) -> Self {
        let wanted = code.as_bytes();
        let mut index = 0_u8;
        let mut at = 0_usize;
        while at < CURRENCIES.len() {
            let found = CURRENCIES[at].code.as_bytes();
            if found[0] == wanted[0] && found[1] == wanted[1] && found[2] == wanted[2] {
                return Self(index);
            }
            at += 1;
            index += 1;
        }
        // Evaluated at compile time only: a wrong constant does not build.
        assert!(at < CURRENCIES.len(), "not in the currency table");
        Self(0)
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        <[u8; 3]>::try_from(code.as_bytes())
            .ok()
            .map(|code| code.map(|letter| letter.to_ascii_uppercase()))
            .and_then(|upper| {
                CURRENCIES.binary_search_by(|facts| facts.code.as_bytes().cmp(&upper[..])).ok()
            })
            .and_then(|index| u8::try_from(index).ok())
            .map(Self)
            .ok_or_else(|| UnknownCurrency(code.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(code: &str) -> &'static CurrencyFacts {
        code.parse::<Currency>().unwrap().facts()
    }

    #[test]
    fn the_table_is_sorted_so_that_every_code_is_found() {
        assert!(CURRENCIES.windows(2).all(|pair| pair[0].code < pair[1].code));
        for currency in Currency::all() {
            assert_eq!(currency.code().parse::<Currency>().unwrap(), currency);
            assert_eq!(currency.stripe_code().parse::<Currency>().unwrap(), currency);
        }
    }

    #[test]
    fn stripe_counts_some_currencies_differently_from_iso() {
        for code in "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF".split(' ') {
            assert_eq!((facts(code).exponent, facts(code).stripe_exponent), (0, 0), "{code}");
        }
        for code in ["ISK", "UGX"] {
            assert_eq!((facts(code).exponent, facts(code).stripe_exponent), (0, 2), "{code}");
            assert_eq!(facts(code).stripe_multiple, 100, "{code}");
        }
        assert_eq!((facts("MGA").exponent, facts("MGA").stripe_exponent), (2, 0));
        for code in ["BHD", "JOD", "KWD", "OMR", "TND"] {
            assert_eq!((facts(code).exponent, facts(code).stripe_exponent), (3, 3), "{code}");
            assert_eq!(facts(code).stripe_multiple, 10, "{code}");
        }
        for code in ["HUF", "TWD"] {
            assert_eq!((facts(code).stripe_multiple, facts(code).payout_multiple), (1, 100));
        }
        assert_eq!(facts("USD").min_charge, 50);
    }

    #[test]
    fn an_unknown_code_says_what_would_be_right() {
        let error = "DOUBLOON".parse::<Currency>().unwrap_err();
        assert!(error.to_string().contains("ISO 4217"));
    }
}

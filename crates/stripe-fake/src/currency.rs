//! What Stripe charges in each currency and how it counts minor units.

/// The facts about one currency that the fake needs. Amounts are minor units as Stripe sends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyFacts {
    /// Decimal places between the minor unit and the major unit, as Stripe counts them.
    pub decimals: u32,
    /// Every charge must be a multiple of this many minor units.
    pub multiple: i64,
    /// Every payout must be a multiple of this many minor units.
    pub payout_multiple: i64,
    /// The smallest amount a buyer can pay.
    pub charge_min: i64,
    /// Whole days until the net of a charge is available.
    pub available_after_days: i64,
    /// The variable part of the processing fee in hundredths of a percent.
    pub fee_basis_points: i64,
    /// The fixed part of the processing fee.
    pub fee_fixed: i64,
    /// What a chargeback costs besides the disputed amount.
    pub dispute_fee: i64,
}

/// Facts for a lower-case ISO code. Unlisted currencies have two decimals and the US dollar's fees;
/// the zero-decimal and three-decimal lists follow Stripe's page on supported currencies, where
/// ISK and UGX are sent with two decimals that must be zero.
#[must_use]
pub fn currency_facts(currency: &str) -> CurrencyFacts {
    let usual = CurrencyFacts {
        decimals: 2,
        multiple: 1,
        payout_multiple: 1,
        charge_min: 50,
        available_after_days: 2,
        fee_basis_points: 290,
        fee_fixed: 30,
        dispute_fee: 1500,
    };
    match currency {
        "eur" => {
            CurrencyFacts { available_after_days: 3, fee_basis_points: 150, fee_fixed: 25, ..usual }
        }
        "jpy" => CurrencyFacts {
            decimals: 0,
            available_after_days: 4,
            fee_basis_points: 360,
            fee_fixed: 0,
            ..usual
        },
        "bif" | "clp" | "djf" | "gnf" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "vnd" | "vuv"
        | "xaf" | "xof" | "xpf" => {
            CurrencyFacts { decimals: 0, fee_basis_points: 360, fee_fixed: 0, ..usual }
        }
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => CurrencyFacts {
            decimals: 3,
            multiple: 10,
            payout_multiple: 10,
            charge_min: 100,
            fee_fixed: 150,
            dispute_fee: 5000,
            ..usual
        },
        "isk" | "ugx" => CurrencyFacts { multiple: 100, payout_multiple: 100, ..usual },
        "huf" | "twd" => CurrencyFacts { payout_multiple: 100, ..usual },
        _ => usual,
    }
}

impl CurrencyFacts {
    /// The processing fee on a payment of `amount` minor units: the percentage rounded half to even
    /// at the currency's multiple, plus the fixed part.
    #[must_use]
    pub fn processing_fee(&self, amount: i64) -> i64 {
        let numerator = i128::from(amount) * i128::from(self.fee_basis_points);
        let denominator = 10_000 * i128::from(self.multiple);
        let steps = half_even(numerator, denominator);
        let variable = i64::try_from(steps).unwrap_or(i64::MAX).saturating_mul(self.multiple);
        variable.saturating_add(self.fee_fixed)
    }

    /// The amount as a decimal string of major units, as Stripe's CSV reports write it.
    #[must_use]
    pub fn decimal(&self, amount: i64) -> String {
        if self.decimals == 0 {
            return amount.to_string();
        }
        let sign = if amount < 0 { "-" } else { "" };
        let scale = 10_u64.pow(self.decimals);
        let digits = amount.unsigned_abs();
        let width = usize::try_from(self.decimals).unwrap_or(2);
        format!("{sign}{}.{:0width$}", digits / scale, digits % scale)
    }
}

fn half_even(numerator: i128, denominator: i128) -> i128 {
    let floor = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    match twice.cmp(&denominator) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_round_half_to_even_at_the_multiple_of_the_currency() {
        assert_eq!(currency_facts("usd").processing_fee(10_325), 299 + 30);
        assert_eq!(currency_facts("usd").processing_fee(50), 1 + 30, "1.45 rounds down");
        assert_eq!(currency_facts("usd").processing_fee(500), 14 + 30, "14.5 goes to the even 14");
        assert_eq!(
            currency_facts("usd").processing_fee(1_500),
            44 + 30,
            "43.5 goes to the even 44"
        );
        assert_eq!(currency_facts("jpy").processing_fee(1_000), 36);
        assert_eq!(currency_facts("kwd").processing_fee(5_130), 150 + 150, "148.77 fils is 150");
    }

    #[test]
    fn decimal_strings_follow_the_scale_of_the_currency() {
        assert_eq!(currency_facts("usd").decimal(-5), "-0.05");
        assert_eq!(currency_facts("jpy").decimal(1200), "1200");
        assert_eq!(currency_facts("kwd").decimal(5130), "5.130");
    }
}

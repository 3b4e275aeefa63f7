//! Amounts as decimal text, exact, also for sums that 64 bits do not hold.

use kernel::Currency;

/// The amount with the digits its holders expect, as `kernel::Money` writes it: `103.25`, `5000`.
/// Digits that only Stripe counts are left out where they are zero, and shown where they are not.
pub(crate) fn amount_text(minor: i128, currency: Currency) -> String {
    let facts = currency.facts();
    let shown = usize::from(facts.exponent.min(facts.stripe_exponent));
    let scale = usize::from(facts.stripe_exponent);
    let digits = format!("{:0width$}", minor.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let hidden = fraction.get(shown..).unwrap_or_default();
    let fraction =
        if hidden.bytes().all(|digit| digit == b'0') { &fraction[..shown] } else { fraction };
    let sign = if minor < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// How many digits a currency is declared with: as many as amounts are counted in, not as people write.
/// hledger balances a transaction at the declared digits only, and would let a fraction of a króna pass.
pub(crate) fn digits_counted(currency: Currency) -> usize {
    usize::from(currency.facts().stripe_exponent)
}

#[cfg(test)]
mod tests {
    use kernel::Money;

    use super::*;

    #[test]
    fn amounts_read_as_money_writes_them_in_every_currency() {
        for currency in Currency::all() {
            for minor in [0, 1, -1, 9, 10, -10, 99, 100, -105, 12_345, -9_900, i64::MAX, i64::MIN] {
                let money = Money::new(minor, currency);
                let text = amount_text(i128::from(minor), currency);
                assert_eq!(text, money.amount_text(), "{minor} {currency}");
            }
        }
    }

    #[test]
    fn a_sum_beyond_64_bits_is_exact() {
        let sum = i128::from(i64::MAX) * 3;
        assert_eq!(amount_text(sum, Currency::USD), "276701161105643274.21");
        assert_eq!(amount_text(-sum, Currency::JPY), "-27670116110564327421");
    }
}

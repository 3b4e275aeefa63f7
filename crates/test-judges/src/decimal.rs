//! Decimal numbers as texts that are equal when the numbers are.

/// The number without anything that does not change it: `-5.00`, `-5.` and `-5` are `-5`.
#[must_use]
pub fn canonical(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let digits = digits.replace(',', "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    match (whole, fraction) {
        ("", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        ("", fraction) => format!("{sign}0.{fraction}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

/// A mantissa with the point `places` digits from its right end.
pub(crate) fn scaled(mantissa: &str, places: usize) -> String {
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", mantissa),
    };
    let digits = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_equal_texts() {
        for (number, text) in
            [("-5.00", "-5"), ("5.", "5"), ("0.00", "0"), ("-0.10", "-0.1"), ("1,234.50", "1234.5")]
        {
            assert_eq!(canonical(number), text);
        }
        assert_eq!(scaled("-5", 2), "-0.05");
        assert_eq!(scaled("1234", 0), "1234.");
    }
}

//! Texts in the cells of a spreadsheet.

/// A text as a cell of a CSV file that no spreadsheet takes for a formula: what begins like one gets an
/// apostrophe before it (OWASP, "CSV Injection"). Numbers of our own need none.
#[must_use]
pub fn spreadsheet_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::spreadsheet_cell;

    #[test]
    fn words_never_become_formulas() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            assert_eq!(spreadsheet_cell(text), format!("'{text}"));
        }
        for text in ["A-1", "mug = cup"] {
            assert_eq!(spreadsheet_cell(text), text);
        }
    }
}

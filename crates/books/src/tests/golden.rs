//! A small history in each format, as it stands in the folder `golden`. `DAYBOOK_WRITE_GOLDEN=1` writes
//! those files anew, to be read before they are committed.

use super::{
    history::{one_order, tenant},
    text_of,
};
use crate::{Format, Scope};

async fn is_golden(format: Format, name: &str) {
    let history = one_order().await;
    let text = text_of(&history.log, Scope::of(tenant()), format).await;
    let golden = format!("{}/src/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("DAYBOOK_WRITE_GOLDEN").is_some() {
        std::fs::write(golden, &text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(golden).unwrap();
    assert_eq!(text, golden, "the dialect of {format} has changed");
}

#[tokio::test]
async fn the_journal_for_hledger_and_ledger_reads_as_written_there() {
    is_golden(Format::Hledger, "one_order.journal").await;
    is_golden(Format::Ledger, "one_order.journal").await;
}

#[tokio::test]
async fn the_journal_for_beancount_reads_as_written_there() {
    is_golden(Format::Beancount, "one_order.beancount").await;
}

#[tokio::test]
async fn the_general_ledger_reads_as_written_there() {
    is_golden(Format::Csv, "one_order.csv").await;
}

#[tokio::test]
async fn no_cell_of_the_general_ledger_is_a_formula() {
    let history = one_order().await;
    let text = text_of(&history.log, Scope::of(tenant()), Format::Csv).await;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut odd = 0;
    for row in reader.records() {
        for cell in &row.unwrap() {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            odd += usize::from(cell.starts_with("'=HYPERLINK"));
        }
    }
    assert!(odd > 0);
}

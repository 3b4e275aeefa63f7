//! A report for programs: JSON in a shape that stays, and CSV that a spreadsheet cannot be tricked
//! by.

use kernel::{Currency, spreadsheet_cell};
use projections::reports::{Cell, Column, Report, Row};
use serde_json::{Map, Value as Json, json as object};

/// A report as JSON. Amounts are minor units, with the same for people beside them, and with the
/// lines they are the sum of as `figure`; ratios are decimal numbers as text.
#[must_use]
pub fn json(report: &Report) -> Json {
    let sections: Vec<Json> = report
        .sections
        .iter()
        .map(|section| {
            let rows = |rows: &[Row]| -> Vec<Json> {
                rows.iter().map(|row| json_row(&report.columns, row)).collect()
            };
            object!({
                "heading": section.heading,
                "currency": section.currency,
                "rows": rows(&section.rows),
                "totals": rows(&section.totals),
            })
        })
        .collect();
    let columns: Vec<Json> = report
        .columns
        .iter()
        .map(|column| {
            object!({
                "name": column.name,
                "title": column.title,
                "unit": column.unit.to_string(),
            })
        })
        .collect();
    let checks: Vec<Json> = report
        .checks
        .iter()
        .map(|check| object!({ "name": check.name, "holds": check.holds, "says": check.says }))
        .collect();
    object!({
        "report": report.name.to_string(),
        "title": report.name.title(),
        "subject": report.subject,
        "from": report.window.from,
        "to": report.window.to,
        "time_zone": report.zone.to_string(),
        "known_at": report.known_at,
        "columns": columns,
        "sections": sections,
        "checks": checks,
        "notes": report.notes,
    })
}

fn json_row(columns: &[Column], row: &Row) -> Json {
    let cells = columns.iter().zip(&row.cells);
    let fields: Map<String, Json> =
        cells.map(|(column, cell)| (column.name.to_owned(), json_cell(cell))).collect();
    Json::Object(fields)
}

fn json_cell(cell: &Cell) -> Json {
    match cell {
        Cell::Empty => Json::Null,
        Cell::Text(text) => Json::from(text.as_str()),
        Cell::Instant(instant) => Json::from(instant.to_string()),
        Cell::Count(count) => Json::from(*count),
        Cell::Ratio(ratio) => Json::from(ratio.to_string()),
        Cell::Money(money, figure) => {
            let mut amount = object!({
                "minor": money.minor(),
                "amount": money.amount_text(),
                "currency": money.currency(),
            });
            if let (Some(figure), Some(fields)) = (figure, amount.as_object_mut()) {
                let mut told = serde_json::to_value(figure).unwrap_or(Json::Null);
                if let (Some(named), Some(told)) = (figure.named(), told.as_object_mut()) {
                    told.insert("name".to_owned(), Json::from(named.name));
                }
                fields.insert("figure".to_owned(), told);
            }
            amount
        }
    }
}

/// A report as CSV: one table, with the section, its currency, and whether a row is a total before
/// the report's own columns. Amounts are decimal numbers of major units.
///
/// # Errors
/// When the writer fails, which memory does not.
pub fn csv_text(report: &Report) -> Result<String, csv::Error> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let own = report.columns.iter().map(|column| column.name);
    out.write_record(["section", "section_currency", "kind"].into_iter().chain(own))?;
    for section in &report.sections {
        let currency = section.currency.map_or("", Currency::code);
        let rows = section.rows.iter().map(|row| ("row", row));
        for (kind, row) in rows.chain(section.totals.iter().map(|row| ("total", row))) {
            let first = [spreadsheet_cell(&section.heading), currency.to_owned(), kind.to_owned()];
            out.write_record(first.into_iter().chain(row.cells.iter().map(csv_cell)))?;
        }
    }
    let bytes = out.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => spreadsheet_cell(text),
        Cell::Instant(instant) => instant.to_string(),
        Cell::Count(count) => count.to_string(),
        Cell::Ratio(ratio) => ratio.to_string(),
        Cell::Money(money, _) => money.amount_text(),
    }
}

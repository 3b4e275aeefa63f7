//! Reports as pages: a sheet that prints well, with or without the console around it.

use askama::Template;
use chrono::TimeDelta;
use chrono_tz::Tz;
use kernel::{Money, Timestamp};
use projections::reports::{Cell, Figure, Report, ReportName, Row, Span, Unit, Window};
use rust_decimal::Decimal;

use crate::dashboard::{
    frame::STYLE_SHEET,
    shown::{Amount, encoded, shortened},
};

/// From how many columns on a sheet is printed on its side.
const WIDE: usize = 8;

/// Up to how many letters a text is kept on one line.
const WORD: usize = 24;

/// A cell as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct SheetCell {
    /// Its style.
    pub(crate) class: &'static str,
    /// What it says.
    pub(crate) text: String,
    /// What it is the sum of, for who points at it.
    pub(crate) title: Option<String>,
    /// Where its lines are.
    pub(crate) href: Option<String>,
}

/// A row as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct SheetRow {
    /// Whether it sums up.
    pub(crate) strong: bool,
    /// Its cells.
    pub(crate) cells: Vec<SheetCell>,
}

/// A section as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct SheetSection {
    /// Its heading.
    pub(crate) heading: String,
    /// Its rows.
    pub(crate) rows: Vec<SheetRow>,
    /// The rows that sum it up.
    pub(crate) totals: Vec<SheetRow>,
}

/// A report as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// What it is called.
    pub(crate) title: &'static str,
    /// Whom or what it is about.
    pub(crate) subject: Option<String>,
    /// Over which time.
    pub(crate) period: String,
    /// In which time zone.
    pub(crate) zone: String,
    /// As known where.
    pub(crate) known_at: u64,
    /// Titles of columns, and whether they hold numbers.
    pub(crate) columns: Vec<(&'static str, bool)>,
    /// Its sections.
    pub(crate) sections: Vec<SheetSection>,
    /// What it proves, and whether that holds.
    pub(crate) checks: Vec<(bool, String)>,
    /// What its reader should know.
    pub(crate) notes: Vec<&'static str>,
    /// Whether it is printed on its side.
    pub(crate) wide: bool,
}

impl Sheet {
    /// A report as it is shown; its figures lead to their lines where the reader may follow.
    pub(crate) fn of(report: &Report, with_links: bool) -> Self {
        let zone = report.zone;
        let row = |row: &Row| SheetRow {
            strong: row.strong,
            cells: report
                .columns
                .iter()
                .zip(&row.cells)
                .map(|(column, cell)| shown(cell, column.name, zone, with_links))
                .collect(),
        };
        let sections = report.sections.iter().map(|section| SheetSection {
            heading: section.heading.clone(),
            rows: section.rows.iter().map(row).collect(),
            totals: section.totals.iter().map(row).collect(),
        });
        let is_number = |unit| match unit {
            Unit::Count | Unit::Money | Unit::Ratio => true,
            Unit::Text | Unit::Instant => false,
        };
        Self {
            title: report.name.title(),
            subject: report.subject.clone(),
            period: period(report.name, report.window, zone),
            zone: zone.to_string(),
            known_at: report.known_at,
            columns: report
                .columns
                .iter()
                .map(|column| (column.title, is_number(column.unit)))
                .collect(),
            sections: sections.collect(),
            checks: report.checks.iter().map(|check| (check.holds, check.says.clone())).collect(),
            notes: report.notes.clone(),
            wide: report.columns.len() >= WIDE,
        }
    }
}

/// A sheet by itself: to be printed, or to be kept as a file.
#[derive(Debug, Template)]
#[template(path = "pages/report_print.html")]
struct PrintedPage {
    tenant: String,
    sheet: Sheet,
    style: Option<&'static str>,
}

/// A report as a page of its own that needs nothing else: its style is in it.
///
/// # Errors
/// When the template cannot be written, which is a fault of ours.
pub fn html(report: &Report, tenant: &str) -> Result<String, askama::Error> {
    let style = Some(STYLE_SHEET);
    PrintedPage { tenant: tenant.to_owned(), sheet: Sheet::of(report, false), style }.render()
}

/// The same as an answer of the server, which has the style sheet beside it.
pub(crate) fn printed(report: &Report, tenant: &str) -> impl Template {
    PrintedPage { tenant: tenant.to_owned(), sheet: Sheet::of(report, false), style: None }
}

fn shown(cell: &Cell, column: &str, zone: Tz, with_links: bool) -> SheetCell {
    let plain = |class, text: String| SheetCell { class, text, title: None, href: None };
    match cell {
        Cell::Empty => plain("", String::new()),
        Cell::Text(text) => {
            let short = shortened(text);
            let class = if short.chars().count() > WORD { "words" } else { "" };
            let title = (short != *text).then(|| text.clone());
            SheetCell { title, ..plain(class, short) }
        }
        Cell::Instant(instant) => {
            let local = instant.to_datetime().with_timezone(&zone);
            plain("", local.format("%Y-%m-%d %H:%M").to_string())
        }
        Cell::Count(count) if with_links && column == "position" => SheetCell {
            href: Some(format!("/dashboard/events/{count}")),
            ..plain("number", count.to_string())
        },
        Cell::Count(count) => plain("number", count.to_string()),
        Cell::Ratio(ratio) => plain("number", percent(*ratio)),
        Cell::Money(money, figure) => SheetCell {
            class: match money.minor() {
                0 => "number zero",
                minor if minor < 0 => "number negative",
                _ => "number",
            },
            text: digits(*money),
            title: figure.as_ref().map(|figure| figure.words()),
            href: figure.as_ref().filter(|_| with_links).and_then(|figure| lines(figure)),
        },
    }
}

fn digits(money: Money) -> String {
    Amount(money).digits()
}

/// A ratio as people read it: 0.1250 is 12.50 %.
fn percent(ratio: Decimal) -> String {
    let hundred = Decimal::ONE_HUNDRED;
    let Some(mut percent) = ratio.checked_mul(hundred) else { return ratio.to_string() };
    percent.rescale(2);
    format!("{percent}\u{a0}%").replacen('-', "\u{2212}", 1)
}

/// Where the lines of a figure stand: explained one by one, or in the ledger of its account.
fn lines(figure: &Figure) -> Option<String> {
    let one_side = figure.terms.iter().any(|term| term.side.is_some());
    let mut address = match (figure.named(), figure.account()) {
        (Some(named), _) => format!("/dashboard/explain?figure={}", named.name),
        (None, Some(account)) if one_side => {
            format!("/dashboard/reports/general-ledger?account={}", encoded(account))
        }
        (None, Some(account)) => format!("/dashboard/explain?account={}", encoded(account)),
        (None, None) => return None,
    };
    let about = [
        ("book", Some(figure.book.to_string())),
        ("currency", Some(figure.currency.to_string())),
        ("seller", figure.dimensions.get("seller").cloned()),
        ("from", figure.window.from.map(|from| from.to_string())),
        ("to", Some(figure.window.to.to_string())),
        ("known_at", Some(figure.known_at.to_string())),
    ];
    for (name, value) in about {
        if let Some(value) = value {
            address.push('&');
            address.push_str(name);
            address.push('=');
            address.push_str(&encoded(&value));
        }
    }
    Some(address)
}

/// The time a report is over, in words.
fn period(name: ReportName, window: Window, zone: Tz) -> String {
    let to = until(window.to, zone);
    match (name.span(), window.from) {
        (Span::Instant, _) | (Span::Either, None) => format!("as of {to}"),
        (Span::Period, None) => format!("until {to}"),
        (Span::Period | Span::Either, Some(from)) => {
            let local = from.to_datetime().with_timezone(&zone);
            let is_midnight = local.time() == chrono::NaiveTime::MIN;
            let format = if is_midnight { DAY } else { MINUTE };
            format!("{} to {to}", local.format(format))
        }
    }
}

const DAY: &str = "%-d %B %Y";
const MINUTE: &str = "%-d %B %Y, %H:%M:%S";

/// The end of a period: the last day that counts, or the instant that does not any more.
fn until(to: Timestamp, zone: Tz) -> String {
    let local = to.to_datetime().with_timezone(&zone);
    if local.time() == chrono::NaiveTime::MIN {
        let last = local.checked_sub_signed(TimeDelta::hours(1)).unwrap_or(local);
        return last.format(DAY).to_string();
    }
    local.format(MINUTE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_named_by_its_first_and_its_last_day() {
        let window = "2026-03".parse::<projections::reports::Month>().unwrap();
        let berlin = Tz::Europe__Berlin;
        let window = window.window(berlin);
        let words = period(ReportName::Revenue, window, berlin);
        assert_eq!(words, "1 March 2026 to 31 March 2026");
        assert_eq!(period(ReportName::AgedClearing, window, berlin), "as of 31 March 2026");
        let instant = Window::until("2026-03-31T12:00:00Z".parse().unwrap());
        let words = period(ReportName::TrialBalance, instant, berlin);
        assert_eq!(words, "as of 31 March 2026, 14:00:00");
    }

    #[test]
    fn ratios_are_shown_in_percent() {
        assert_eq!(percent(Decimal::new(952, 4)), "9.52\u{a0}%");
        assert_eq!(percent(Decimal::new(-5782, 4)), "\u{2212}57.82\u{a0}%");
    }
}

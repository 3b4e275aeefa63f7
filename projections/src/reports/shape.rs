//! What a report consists of, whatever it is about.

use kernel::{Currency, Money, Timestamp};
use rust_decimal::Decimal;

use super::{Figure, ReportFault, ReportName, Scope, Window};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Unit {
    /// Words: names, months, kinds.
    Text,
    /// Instants.
    Instant,
    /// Whole numbers.
    Count,
    /// Minor units of the section's currency.
    Money,
    /// A ratio, as a decimal number: 0.125 is 12.5 %.
    Ratio,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name for programs, in `snake_case`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it holds.
    pub unit: Unit,
}

impl Column {
    /// A column of words.
    pub(super) const fn text(name: &'static str, title: &'static str) -> Self {
        Self { name, title, unit: Unit::Text }
    }

    /// A column of instants.
    pub(super) const fn instant(name: &'static str, title: &'static str) -> Self {
        Self { name, title, unit: Unit::Instant }
    }

    /// A column of whole numbers.
    pub(super) const fn count(name: &'static str, title: &'static str) -> Self {
        Self { name, title, unit: Unit::Count }
    }

    /// A column of amounts.
    pub(super) const fn money(name: &'static str, title: &'static str) -> Self {
        Self { name, title, unit: Unit::Money }
    }

    /// A column of ratios.
    pub(super) const fn ratio(name: &'static str, title: &'static str) -> Self {
        Self { name, title, unit: Unit::Ratio }
    }
}

/// What stands in a place of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// An instant.
    Instant(Timestamp),
    /// A whole number.
    Count(u64),
    /// An amount, and the lines it is the sum of; none where it runs down the column, or is not
    /// read off the books.
    Money(Money, Option<Box<Figure>>),
    /// A ratio, with four digits behind the point.
    Ratio(Decimal),
}

impl Cell {
    /// Words.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The amount of a figure.
    pub(super) fn figure(sum: i128, figure: Figure) -> Result<Self, ReportFault> {
        Ok(Self::Money(money(sum, figure.currency)?, Some(Box::new(figure))))
    }

    /// An amount that is the sum of amounts beside or above it.
    pub(super) fn sum(sum: i128, currency: Currency) -> Result<Self, ReportFault> {
        Ok(Self::Money(money(sum, currency)?, None))
    }

    /// The amount, if it is one.
    #[must_use]
    pub const fn money(&self) -> Option<Money> {
        if let Self::Money(money, _) = self { Some(*money) } else { None }
    }
}

fn money(sum: i128, currency: Currency) -> Result<Money, ReportFault> {
    let minor = i64::try_from(sum).map_err(|_| ReportFault::Overflow("figure of a report"))?;
    Ok(Money::new(minor, currency))
}

/// A row: as many cells as the report has columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whether it sums others up, or begins or ends them.
    pub strong: bool,
    /// Its cells.
    pub cells: Vec<Cell>,
}

impl Row {
    /// An ordinary row.
    pub(super) const fn of(cells: Vec<Cell>) -> Self {
        Self { strong: false, cells }
    }

    /// A row that sums up.
    pub(super) const fn strong(cells: Vec<Cell>) -> Self {
        Self { strong: true, cells }
    }
}

/// A part of a report: one table, of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub heading: String,
    /// The currency of its amounts.
    pub currency: Option<Currency>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Rows that sum it up.
    pub totals: Vec<Row>,
}

/// Something that must hold in a report, and whether it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name for programs, in `snake_case`.
    pub name: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What it says, with the figures.
    pub says: String,
}

impl Check {
    /// That two amounts are equal.
    pub(super) fn equal(
        name: &'static str,
        (left_name, left): (&str, i128),
        (right_name, right): (&str, i128),
        currency: Currency,
    ) -> Result<Self, ReportFault> {
        let (left_text, right_text) =
            (money(left, currency)?.amount_text(), money(right, currency)?.amount_text());
        let holds = left == right;
        let sign = if holds { "=" } else { "\u{2260}" };
        let says = format!("{left_name} {left_text} {sign} {right_name} {right_text} {currency}");
        Ok(Self { name, holds, says })
    }
}

/// A finished report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which one.
    pub name: ReportName,
    /// Whom or what it is about, where there is something.
    pub subject: Option<String>,
    /// When what it counts took effect.
    pub window: Window,
    /// The time zone of its days and months.
    pub zone: chrono_tz::Tz,
    /// The last position of the log that counts.
    pub known_at: u64,
    /// Its columns; the same in all sections.
    pub columns: Vec<Column>,
    /// Its sections.
    pub sections: Vec<Section>,
    /// What it proves.
    pub checks: Vec<Check>,
    /// What its reader should know.
    pub notes: Vec<&'static str>,
}

impl Report {
    /// An empty report.
    pub(super) fn new(name: ReportName, scope: &Scope, columns: &[Column]) -> Self {
        Self {
            name,
            subject: None,
            window: scope.window,
            zone: scope.zone,
            known_at: scope.known_at,
            columns: columns.to_vec(),
            sections: Vec::new(),
            checks: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whether everything it proves holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

//! Revenue by stream and month: gross, contra and net. Gross is what stands on the income account,
//! contra what stands on its contra-account, so both agree with the trial balance.

use super::{
    Cell, Column, Fold, Names, Report, ReportFault, ReportName, Row, Scope, Selection,
    figure::Pick,
    monthly::{ByMonth, MONTH, measure, section},
};
use crate::{chart::Side, journal::JournalLine};

/// What the platform is paid for, and the measures of it.
struct Stream {
    name: &'static str,
    gross: &'static [Pick],
    contra: &'static [Pick],
    net: &'static [Pick],
}

macro_rules! stream {
    ($name:literal, [$($gross:literal),*], [$($contra:literal),*]) => {
        Stream {
            name: $name,
            gross: &[Pick::all(Side::Credit, &[$($gross),*])],
            contra: &[Pick::all(Side::Debit, &[$($contra),*])],
            net: &[Pick::all(Side::Credit, &[$($gross,)* $($contra),*])],
        }
    };
}

const STREAMS: [Stream; 7] = [
    stream!("Commission", ["income:commission"], ["income:commission-refunded"]),
    stream!("Discounts", [], ["income:discounts"]),
    stream!("Memberships", ["income:membership"], []),
    stream!("Fees charged on", ["income:fee-recovery"], []),
    stream!("Dispute fees charged on", ["income:dispute-fee-recovery"], []),
    stream!("Exchange gains", ["income:fx-gain"], []),
    stream!("Own accounts", ["income:own:*"], []),
];

const ALL: Stream = stream!(
    "All streams",
    [
        "income:commission",
        "income:membership",
        "income:fee-recovery",
        "income:dispute-fee-recovery",
        "income:fx-gain",
        "income:own:*"
    ],
    ["income:commission-refunded", "income:discounts"]
);

const COLUMNS: [Column; 5] = [
    MONTH,
    Column::text("stream", "Stream"),
    Column::money("gross", "Gross"),
    Column::money("contra", "Contra"),
    Column::money("net", "Net"),
];
const PER_STREAM: usize = 3;

/// Revenue by stream and month.
#[derive(Debug, Clone)]
pub struct Revenue(ByMonth);

impl Revenue {
    /// Over this scope, in the platform's book.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        let measures = STREAMS.iter().chain([&ALL]).flat_map(|stream| {
            [
                measure!("gross", "Gross", stream.gross),
                measure!("contra", "Contra", stream.contra),
                measure!("net", "Net", stream.net),
            ]
        });
        Self(ByMonth::new(scope, measures.collect()))
    }

    fn row(
        &self,
        (currency, month): (kernel::Currency, Option<super::Month>),
        (place, stream): (usize, &Stream),
        sums: &[i128],
    ) -> Result<Option<Row>, ReportFault> {
        let places = place * PER_STREAM..(place + 1) * PER_STREAM;
        let is_part = place < STREAMS.len();
        if is_part && places.clone().all(|place| sums.get(place).copied().unwrap_or_default() == 0)
        {
            return Ok(None);
        }
        let first = month.map_or_else(|| "Total".to_owned(), |month| month.to_string());
        let mut cells = vec![Cell::text(first), Cell::text(stream.name)];
        for place in places {
            cells.push(self.0.cell(currency, month, place, sums)?);
        }
        let strong = month.is_none();
        Ok(Some(Row { strong, cells }))
    }
}

impl Fold for Revenue {
    fn selection(&self) -> Selection {
        Selection { families: self.0.families(), ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        self.0.take(line)
    }

    fn finish(self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::Revenue, self.0.scope(), &COLUMNS);
        for currency in self.0.currencies() {
            let mut section = section(currency);
            for (month, sums) in self.0.months(currency) {
                for stream in STREAMS.iter().enumerate() {
                    section.rows.extend(self.row((currency, Some(month)), stream, sums)?);
                }
            }
            let whole = self.0.whole(currency)?;
            for stream in STREAMS.iter().chain([&ALL]).enumerate() {
                section.totals.extend(self.row((currency, None), stream, &whole)?);
            }
            report.sections.push(section);
        }
        report.notes.push(
            "Gross is what stands on an income account, contra what stands on its contra-account.",
        );
        Ok(report)
    }
}

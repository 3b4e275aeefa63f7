//! A seller's statement: what he was owed, what moved it, and what he is owed at the end.
//!
//! Amounts are signed from his point of view: a sale is positive, a refund negative. What only moved
//! between his own balances (a release, a hold) is no movement of his position and no row.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, OrderId, PayoutId, SellerId, Timestamp};

use super::{
    Cell, Check, Column, Figure, Fold, Mentions, Names, Natures, ROWS_MAX, Report, ReportFault,
    ReportName, Row, Scope, Section, Selection, Term, Window, add,
};
use crate::{
    chart::{Book, Side},
    journal::JournalLine,
    postings::Nature,
};

const COLUMNS: [Column; 5] = [
    Column::instant("effective_at", "Date"),
    Column::text("what", "What"),
    Column::text("about", "About"),
    Column::money("amount", "Amount"),
    Column::money("balance", "Balance"),
];

/// What the platform takes of what a seller sells.
const FEES: &[&str] = &["income:commission", "income:commission-refunded", "income:fee-recovery"];
const PAYOUTS: &[Nature] = &[Nature::Payout, Nature::PayoutReturned];
const OTHER_THAN: &[Nature] = &[
    Nature::Sale,
    Nature::Recognition,
    Nature::Refund,
    Nature::Chargeback,
    Nature::Payout,
    Nature::PayoutReturned,
];

/// The lines of the summary: which entries, and whether what the platform took is added to what the
/// seller got, so that a sale is shown before commission.
const SUMMARY: [(&str, Natures, bool); 6] = [
    ("Sales before commission", Natures::Only(&[Nature::Sale, Nature::Recognition]), true),
    ("Refunds", Natures::Only(&[Nature::Refund]), true),
    ("Disputes", Natures::Only(&[Nature::Chargeback]), true),
    ("Other", Natures::Except(OTHER_THAN), true),
    ("Paid out", Natures::Only(&[Nature::Payout]), false),
    ("Payouts returned", Natures::Only(&[Nature::PayoutReturned]), false),
];

/// Everything a seller is owed, less what he owes, part by part.
const POSITION: [&str; 5] = [
    "liabilities:seller:*:pending",
    "liabilities:seller:*:available",
    "liabilities:seller:*:reserve",
    "liabilities:seller:*:dispute-hold",
    "assets:receivable:seller:*",
];
const PARTS: [&str; 5] =
    ["pending", "available", "in reserve", "held for disputes", "owed by the seller"];

/// One entry that moved his position.
#[derive(Debug, Clone)]
struct Movement {
    effective_at: Timestamp,
    nature: Nature,
    order: Option<OrderId>,
    payout: Option<PayoutId>,
    claim: Option<String>,
    amount: i128,
}

/// What happened in one currency.
#[derive(Debug, Clone, Default)]
struct Money {
    opening: i128,
    closing: i128,
    parts: BTreeMap<&'static str, i128>,
    /// His accounts' change and the platform's take within the period, by nature.
    natures: BTreeMap<Nature, (i128, i128)>,
    movements: BTreeMap<(u64, u32), Movement>,
}

/// A seller's statement.
#[derive(Debug, Clone)]
pub struct SellerStatement {
    scope: Scope,
    seller: SellerId,
    money: BTreeMap<Currency, Money>,
    rows: usize,
}

impl SellerStatement {
    /// Of this seller, in the platform's book.
    #[must_use]
    pub const fn new(scope: Scope, seller: SellerId) -> Self {
        Self { scope, seller, money: BTreeMap::new(), rows: 0 }
    }

    fn figure(&self, currency: Currency, window: Window, terms: Vec<Term>) -> Figure {
        let place = (&Book::Platform, currency);
        Figure::of_terms(&self.scope, place, window, terms).of_seller(self.seller)
    }

    fn position(&self, natures: Natures) -> Term {
        let accounts = POSITION.iter().map(|family| (*family).to_owned()).collect();
        Term { more: Side::Credit, accounts, natures, side: None }
    }

    fn summary(&self, currency: Currency, money: &Money) -> Result<Section, ReportFault> {
        let window = self.scope.window;
        let mut rows = vec![self.bound("Opening balance", currency, money.opening, window.from)?];
        let mut fees = 0;
        for (what, natures, with_fees) in SUMMARY {
            let mut sum = 0;
            for (_, (own, taken)) in money.natures.iter().filter(|(of, _)| natures.admit(**of)) {
                add(&mut sum, *own)?;
                if with_fees {
                    add(&mut sum, *taken)?;
                    add(&mut fees, -*taken)?;
                }
            }
            let mut terms = vec![self.position(natures)];
            if with_fees {
                terms.push(taken(Side::Credit, natures));
            }
            rows.push(line(what, Cell::figure(sum, self.figure(currency, window, terms))?));
        }
        let terms = vec![taken(Side::Debit, Natures::Except(PAYOUTS))];
        let figure = self.figure(currency, window, terms);
        rows.insert(
            2,
            line("Commission and fees, less what came back", Cell::figure(fees, figure)?),
        );
        let closing = self.bound("Closing balance", currency, money.closing, Some(window.to))?;
        Ok(Section {
            heading: format!("Summary, {currency}"),
            currency: Some(currency),
            rows,
            totals: vec![closing],
        })
    }

    /// The row of what stood before an instant; zero where there is no instant.
    fn bound(
        &self,
        what: &str,
        currency: Currency,
        sum: i128,
        at: Option<Timestamp>,
    ) -> Result<Row, ReportFault> {
        let window = Window { from: None, to: at.unwrap_or(Timestamp::EPOCH) };
        let figure = self.figure(currency, window, vec![self.position(Natures::Any)]);
        let balance = Cell::figure(sum, figure)?;
        Ok(Row::strong(vec![Cell::Empty, Cell::text(what), Cell::Empty, Cell::Empty, balance]))
    }

    fn movements(
        &self,
        currency: Currency,
        money: &Money,
        names: &Names,
    ) -> Result<(Section, i128), ReportFault> {
        let mut movements: Vec<_> =
            money.movements.iter().filter(|(_, movement)| movement.amount != 0).collect();
        movements.sort_by_key(|(place, movement)| (movement.effective_at, **place));
        let mut running = money.opening;
        let mut rows = Vec::with_capacity(movements.len());
        for ((position, entry), movement) in movements {
            add(&mut running, movement.amount)?;
            let figure = self
                .figure(currency, self.scope.window, vec![self.position(Natures::Any)])
                .about("position", position)
                .about("entry", entry);
            rows.push(Row::of(vec![
                Cell::Instant(movement.effective_at),
                Cell::text(words(movement.nature)),
                about(movement, names),
                Cell::figure(movement.amount, figure)?,
                Cell::sum(running, currency)?,
            ]));
        }
        let closing =
            self.bound("Closing balance", currency, money.closing, Some(self.scope.window.to))?;
        let heading = format!("Movements, {currency}");
        let totals = vec![closing];
        Ok((Section { heading, currency: Some(currency), rows, totals }, running))
    }

    fn consists_of(&self, currency: Currency, money: &Money) -> Result<Section, ReportFault> {
        let window = Window::until(self.scope.window.to);
        let mut rows = Vec::new();
        for (what, family) in PARTS.into_iter().zip(POSITION) {
            let sum = money.parts.get(family).copied().unwrap_or_default();
            let term = Term {
                more: Side::Credit,
                accounts: vec![family.to_owned()],
                natures: Natures::Any,
                side: None,
            };
            rows.push(line(what, Cell::figure(sum, self.figure(currency, window, vec![term]))?));
        }
        let closing =
            self.bound("Closing balance", currency, money.closing, Some(self.scope.window.to))?;
        Ok(Section {
            heading: format!("The closing balance consists of, {currency}"),
            currency: Some(currency),
            rows,
            totals: vec![closing],
        })
    }
}

/// What the platform took, or gave back.
fn taken(more: Side, natures: Natures) -> Term {
    let accounts = FEES.iter().map(|fee| (*fee).to_owned()).collect();
    Term { more, accounts, natures, side: None }
}

/// A row of the summary.
fn line(what: &str, amount: Cell) -> Row {
    Row::of(vec![Cell::Empty, Cell::text(what), Cell::Empty, amount, Cell::Empty])
}

fn about(movement: &Movement, names: &Names) -> Cell {
    let order = movement.order.map(|order| names.order(order));
    order
        .or_else(|| movement.payout.map(|payout| payout.to_string()))
        .or_else(|| movement.claim.clone())
        .map_or(Cell::Empty, Cell::Text)
}

const fn words(nature: Nature) -> &'static str {
    match nature {
        Nature::Sale => "Sale, after commission",
        Nature::Refund => "Refund",
        Nature::Chargeback => "Dispute",
        Nature::Payout => "Payout",
        Nature::PayoutReturned => "Payout returned",
        Nature::Adjustment => "Adjustment",
        Nature::Recognition => "Recognition",
        Nature::Release => "Release",
        Nature::Hold => "Hold",
        Nature::Unallocated => "Attribution",
        Nature::Settlement => "Settlement",
    }
}

impl Fold for SellerStatement {
    fn selection(&self) -> Selection {
        Selection { seller: Some(self.seller), since_ever: true, ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        let ours = line.book == Book::Platform && line.seller == Some(self.seller);
        if !ours || !self.scope.holds(line) {
            return Ok(());
        }
        let own = line.account.seller() == Some(self.seller);
        if !own && !FEES.contains(&line.family.as_str()) {
            return Ok(());
        }
        let moves = self.scope.moves(line);
        let money = self.money.entry(line.currency).or_default();
        let credited = -i128::from(line.minor);
        if own {
            add(&mut money.closing, credited)?;
            add(money.parts.entry(line.account.family().pattern).or_default(), credited)?;
        }
        if !moves {
            return if own { add(&mut money.opening, credited) } else { Ok(()) };
        }
        let (of_seller, of_platform) = money.natures.entry(line.nature).or_default();
        if !own {
            return add(of_platform, credited);
        }
        add(of_seller, credited)?;
        let place = (line.position.0, line.entry);
        let known = money.movements.len();
        let movement = money.movements.entry(place).or_insert_with(|| Movement {
            effective_at: line.effective_at,
            nature: line.nature,
            order: line.order_id,
            payout: line.payout,
            claim: line.claim.clone(),
            amount: 0,
        });
        add(&mut movement.amount, credited)?;
        self.rows = self.rows.saturating_add(money.movements.len().saturating_sub(known));
        if self.rows > ROWS_MAX { Err(ReportFault::TooLong) } else { Ok(()) }
    }

    fn mentions(&self) -> Mentions {
        let movements = self.money.values().flat_map(|money| money.movements.values());
        Mentions {
            orders: movements.filter_map(|movement| movement.order).collect(),
            sellers: BTreeSet::from([self.seller]),
        }
    }

    fn finish(self: Box<Self>, names: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::SellerStatement, &self.scope, &COLUMNS);
        report.subject = Some(names.seller(self.seller));
        for (currency, money) in &self.money {
            report.sections.push(self.summary(*currency, money)?);
            let (movements, reached) = self.movements(*currency, money, names)?;
            report.sections.push(movements);
            report.sections.push(self.consists_of(*currency, money)?);
            report.checks.push(Check::equal(
                "opening_and_movements_are_closing",
                ("opening and movements", reached),
                ("closing", money.closing),
                *currency,
            )?);
        }
        report.notes.push(
            "Amounts are from the seller's side: what he is owed is positive. What is released or \
             held moves between his balances and changes nothing of their sum.",
        );
        Ok(report)
    }
}

//! The payout register: every payout that was opened in a period, where it stands, and what the
//! books say was transferred for it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, PayoutId, SellerId};

use super::{
    Cell, Check, Column, Figure, Fold, Mentions, Names, ROWS_MAX, Report, ReportFault, ReportName,
    Row, Scope, Selection, Window, add, monthly::section,
};
use crate::{
    chart::{Book, Side},
    journal::JournalLine,
    payouts::Payout,
};

const COLUMNS: [Column; 11] = [
    Column::instant("opened_at", "Opened"),
    Column::text("payout", "Payout"),
    Column::text("seller", "Seller"),
    Column::text("status", "Status"),
    Column::money("amount", "Amount"),
    Column::text("transfer", "Transfer"),
    Column::money("transferred", "Transferred"),
    Column::money("returned", "Returned"),
    Column::text("bank_payout", "Bank payout"),
    Column::instant("paid_at", "Paid"),
    Column::text("failure", "Failure"),
];

/// Our side of what leaves for a connected account or for our own bank, and of what comes back. The
/// balance transactions on these accounts name no payout of ours, so they do not count.
const OUT: &[&str] = &["assets:clearing:stripe:transfer:*", "assets:clearing:stripe:payout:*"];
const BACK: &[&str] =
    &["assets:clearing:stripe:transfer-reversal:*", "assets:clearing:stripe:payout:*"];

/// What the books say of one payout.
#[derive(Debug, Clone, Copy, Default)]
struct Booked {
    transferred: i128,
    returned: i128,
}

/// The payout register.
#[derive(Debug, Clone)]
pub struct PayoutRegister {
    scope: Scope,
    payouts: Vec<Payout>,
    booked: BTreeMap<PayoutId, Booked>,
}

impl PayoutRegister {
    /// Of these payouts; those that were opened outside the period are left out.
    ///
    /// # Errors
    /// [`ReportFault::TooLong`].
    pub fn new(scope: Scope, payouts: Vec<Payout>) -> Result<Self, ReportFault> {
        let mut payouts = payouts;
        payouts.retain(|payout| {
            scope.window.holds(payout.opened_at)
                && scope.currency.is_none_or(|currency| currency == payout.currency)
        });
        payouts.sort_by_key(|payout| (payout.opened_at, payout.payout));
        if payouts.len() > ROWS_MAX {
            return Err(ReportFault::TooLong);
        }
        let booked = payouts.iter().map(|payout| (payout.payout, Booked::default())).collect();
        Ok(Self { scope, payouts, booked })
    }

    fn row(&self, payout: &Payout, names: &Names) -> Result<Row, ReportFault> {
        let currency = payout.currency;
        let text = |text: &Option<String>| text.clone().map_or(Cell::Empty, Cell::Text);
        let booked = self.booked.get(&payout.payout).copied().unwrap_or_default();
        let figure = |more: Side, families: &[&str]| {
            let accounts = families.iter().map(|family| (*family).to_owned()).collect();
            let window = Window::until(self.scope.window.to);
            Figure::of_accounts(&self.scope, (&Book::Platform, currency), window, more, accounts)
                .only(more)
                .about("payout", payout.payout)
        };
        let amount = match payout.amount {
            Some(minor) => Cell::sum(i128::from(minor), currency)?,
            None => Cell::Empty,
        };
        Ok(Row::of(vec![
            Cell::Instant(payout.opened_at),
            Cell::text(payout.payout.to_string()),
            Cell::text(payout.seller.map_or_else(
                || "the platform".to_owned(),
                |seller: SellerId| names.seller(seller),
            )),
            Cell::text(payout.status.replace('_', " ")),
            amount,
            text(&payout.transfer),
            Cell::figure(booked.transferred, figure(Side::Credit, OUT))?,
            Cell::figure(booked.returned, figure(Side::Debit, BACK))?,
            text(&payout.stripe_payout),
            payout.paid_at.map_or(Cell::Empty, Cell::Instant),
            text(&payout.failure),
        ]))
    }

    /// What the register says of transfers, and what the books say of them.
    fn check(&self, currency: Currency) -> Result<Check, ReportFault> {
        let (mut register, mut books) = (0, 0);
        for payout in self.payouts.iter().filter(|payout| payout.currency == currency) {
            let made = payout.transferred_at.is_some_and(|at| at < self.scope.window.to);
            if made && payout.seller.is_some() {
                add(&mut register, i128::from(payout.amount.unwrap_or_default()))?;
                let booked = self.booked.get(&payout.payout).copied().unwrap_or_default();
                add(&mut books, booked.transferred)?;
            }
        }
        let says = ("transfers in the register", register);
        Check::equal("register_is_books", says, ("in the books", books), currency)
    }
}

impl Fold for PayoutRegister {
    fn selection(&self) -> Selection {
        let families: BTreeSet<_> = OUT.iter().chain(BACK).copied().collect();
        let families = families.into_iter().collect();
        Selection { families, since_ever: true, ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        if line.book != Book::Platform || !self.scope.holds(line) {
            return Ok(());
        }
        let Some(booked) = line.payout.and_then(|payout| self.booked.get_mut(&payout)) else {
            return Ok(());
        };
        let family = line.family.as_str();
        let minor = i128::from(line.minor);
        if minor < 0 && OUT.contains(&family) {
            add(&mut booked.transferred, -minor)
        } else if minor > 0 && BACK.contains(&family) {
            add(&mut booked.returned, minor)
        } else {
            Ok(())
        }
    }

    fn mentions(&self) -> Mentions {
        let sellers = self.payouts.iter().filter_map(|payout| payout.seller);
        Mentions { sellers: sellers.collect(), ..Mentions::default() }
    }

    fn finish(self: Box<Self>, names: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::PayoutRegister, &self.scope, &COLUMNS);
        let currencies: BTreeSet<_> = self.payouts.iter().map(|payout| payout.currency).collect();
        for currency in currencies {
            let mut section = section(currency);
            let (mut asked, mut out, mut back) = (0, 0, 0);
            for payout in self.payouts.iter().filter(|payout| payout.currency == currency) {
                section.rows.push(self.row(payout, names)?);
                add(&mut asked, i128::from(payout.amount.unwrap_or_default()))?;
                let booked = self.booked.get(&payout.payout).copied().unwrap_or_default();
                add(&mut out, booked.transferred)?;
                add(&mut back, booked.returned)?;
            }
            let mut cells = vec![Cell::Empty; COLUMNS.len()];
            for (place, cell) in [
                (0, Cell::text("Total")),
                (4, Cell::sum(asked, currency)?),
                (6, Cell::sum(out, currency)?),
                (7, Cell::sum(back, currency)?),
            ] {
                if let Some(there) = cells.get_mut(place) {
                    *there = cell;
                }
            }
            section.totals.push(Row::strong(cells));
            report.sections.push(section);
            report.checks.push(self.check(currency)?);
        }
        report.notes.push(
            "Payouts by the time they were asked for or first seen. Status, transfer and bank payout \
             are those of now; transferred and returned are read off the books at the end of the \
             period.",
        );
        Ok(report)
    }
}

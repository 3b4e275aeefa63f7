//! Earnings, balances, statements and the trial balance, as the pages show them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use kernel::{Currency, SellerId};
use projections::{
    chart::{Book, Class},
    earnings::{DailyEarnings, day_in},
    seller_balances::SellerBalance,
    seller_entries::SellerEntry,
};
use store::{Filter, Query, Value};

use super::{
    chart::{self, DayBars},
    lists::once,
    query::{Parameters, link},
    reading::Reader,
    shown::{Amount, Reference, Status, encoded},
    trouble::Trouble,
    views::{Balances, Card, Choice, Earnings, EarningsRow, EntryRow, TrialRow},
};
use crate::{
    permissions::{Permission, Reach},
    resources::books,
};

/// Whose earnings.
#[derive(Debug, Clone)]
pub(crate) enum Scope {
    /// Everybody's.
    Platform,
    /// One seller's.
    Seller(SellerId),
    /// One organizer's sellers'.
    Organizer(String),
}

/// The days that are shown, both included.
#[derive(Debug, Clone, Copy)]
struct Period {
    from: NaiveDate,
    to: NaiveDate,
}

/// Earnings with the rows they are the sum of.
pub(crate) struct Earned {
    /// For the page.
    pub(crate) panel: Earnings,
    /// The currency chosen.
    pub(crate) currency: Currency,
    /// Seller by seller, the highest net first.
    pub(crate) sellers: Vec<(SellerId, EarningsRow)>,
}

const PERIODS: [(&str, u64); 4] =
    [("7 days", 7), ("30 days", 30), ("90 days", 90), ("1 year", 365)];
const DAYS_DEFAULT: u64 = 30;
/// The longest period anybody may look at on one page.
const DAYS_MAX: u64 = 366;

impl Reader<'_> {
    /// Earnings by day in the currency and period that the address asks for.
    pub(crate) async fn earnings(
        &self,
        scope: &Scope,
        path: &str,
        parameters: &Parameters,
    ) -> Result<Earned, Trouble> {
        let days = parameters.number("days").unwrap_or(DAYS_DEFAULT).clamp(1, DAYS_MAX);
        let period = self.period(days)?;
        let mut query = Query::of(self.tenant())
            .filter(Filter::AtLeast("day", Value::text(period.from.to_string())))
            .filter(Filter::Below("day", Value::text(following(period.to)?.to_string())));
        query = match scope {
            Scope::Platform => query,
            Scope::Seller(seller) => query.eq("seller", seller.to_string()),
            Scope::Organizer(organizer) => query.eq("organizer", organizer.as_str()),
        };
        let rows: Vec<DailyEarnings> = self.all(query).await?;
        let currencies = self.currencies(scope, &rows).await?;
        let currency = chosen(parameters, &rows, &currencies);
        let rows: Vec<DailyEarnings> =
            rows.into_iter().filter(|row| row.currency == currency).collect();
        let choice = |label: String, changed: (&str, &str), current| Choice {
            label,
            href: link(path, &parameters.with(changed.0, changed.1)),
            current,
        };
        let panel = Earnings {
            currency: currency.to_string(),
            currencies: currencies
                .iter()
                .map(|code| choice(code.to_string(), ("currency", code.code()), *code == currency))
                .collect(),
            periods: PERIODS
                .iter()
                .map(|(label, count)| {
                    choice((*label).to_owned(), ("days", &count.to_string()), *count == days)
                })
                .collect(),
            period: format!(
                "{} to {}",
                period.from.format("%-d %b %Y"),
                period.to.format("%-d %b %Y")
            ),
            ..by_day(&rows, period, currency)?
        };
        Ok(Earned { panel, currency, sellers: by_seller(&rows, currency)? })
    }

    fn period(&self, days: u64) -> Result<Period, Trouble> {
        let today = day_in(self.zone(), self.now());
        let to: NaiveDate = today.parse().map_err(|_| Trouble::fault("today is no day"))?;
        let from = to.checked_sub_days(Days::new(days.saturating_sub(1))).unwrap_or(to);
        Ok(Period { from, to })
    }

    /// The currencies there are: those with a balance, and those with earnings in the period.
    async fn currencies(
        &self,
        scope: &Scope,
        rows: &[DailyEarnings],
    ) -> Result<BTreeSet<Currency>, Trouble> {
        let mut currencies: BTreeSet<Currency> = rows.iter().map(|row| row.currency).collect();
        if let Scope::Seller(seller) = scope {
            let balances = self.balances_of(*seller).await?;
            currencies.extend(balances.iter().map(|row| row.currency));
        }
        Ok(currencies)
    }

    /// What a seller is owed and owes.
    pub(crate) async fn balances_of(
        &self,
        seller: SellerId,
    ) -> Result<Vec<SellerBalance>, Trouble> {
        self.all(Query::of(self.tenant()).eq("seller", seller.to_string())).await
    }

    /// A seller's balances as cards.
    pub(crate) async fn balances(&self, seller: SellerId) -> Result<Vec<Balances>, Trouble> {
        let pays = match self.reach(Permission::RequestPayouts) {
            Some(Reach::All) => true,
            Some(Reach::Own(own)) => own == seller,
            None => false,
        };
        let mut shown = Vec::new();
        for row in self.balances_of(seller).await? {
            let of = |minor| Amount::of(minor, row.currency);
            let card = |label, part: &str, minor, hint| Card {
                label,
                amount: of(minor),
                hint,
                explain: Some(format!(
                    "/dashboard/explain?seller={seller}&currency={}&part={part}",
                    row.currency
                )),
            };
            let owed = row.receivable.checked_neg().unwrap_or(i64::MIN);
            let total = row.position().map_err(|error| Trouble::fault(error.to_string()))?;
            let payout = if pays && row.available > 0 {
                Some((of(row.available).plain(), once()?))
            } else {
                None
            };
            shown.push(Balances {
                currency: row.currency.to_string(),
                total: of(total),
                cards: vec![
                    card("Pending", "pending", row.pending, "Earned, waiting for its release"),
                    card("Available", "available", row.available, "May be paid out"),
                    card("Reserve", "reserve", row.reserve, "Kept back for a time"),
                    card(
                        "Dispute hold",
                        "dispute-hold",
                        row.dispute_hold,
                        "Kept back for disputes",
                    ),
                    card("Owed", "receivable", owed, "Netted with what is released next"),
                ],
                payout,
            });
        }
        Ok(shown)
    }

    /// The latest lines of a seller's statement, with the total after each.
    pub(crate) async fn statement(
        &self,
        seller: SellerId,
        currency: Currency,
        limit: usize,
    ) -> Result<Vec<EntryRow>, Trouble> {
        let query = Query::of(self.tenant())
            .eq("seller", seller.to_string())
            .eq("currency", currency.code());
        let rows: Vec<SellerEntry> = self.all(query).await?;
        let mut running = 0_i64;
        let mut totals = Vec::with_capacity(rows.len());
        for row in &rows {
            running = sum([running, row.amount])?;
            totals.push(running);
        }
        let from = rows.len().saturating_sub(limit);
        let latest = &rows[from..];
        let orders = self.order_names(latest.iter().filter_map(|row| row.order_id)).await?;
        let shown = latest.iter().zip(&totals[from..]).rev().map(|(row, total)| {
            let about = row.order_id.and_then(|order| orders.get(&order).cloned());
            EntryRow {
                when: self.when(row.effective_at),
                nature: Status::of(row.nature.to_string()),
                about: about.or_else(|| row.payout.map(Reference::plain)),
                product: row.product.clone().unwrap_or_default(),
                amount: Amount::of(row.amount, currency),
                running: Amount::of(*total, currency),
                explain: format!("/dashboard/events/{}", row.position.0),
            }
        });
        Ok(shown.collect())
    }

    /// The books in five figures per currency.
    pub(crate) async fn trial(&self) -> Result<Vec<TrialRow>, Trouble> {
        let mut sums: BTreeMap<(bool, Currency), [i64; 5]> = BTreeMap::new();
        for row in books::balances(self.api, self.tenant()).await? {
            let mirror = matches!(row.book, Book::Mirror(_));
            let place = match row.account.class() {
                Class::Assets => 0,
                Class::Liabilities => 1,
                Class::Equity => 2,
                Class::Income => 3,
                Class::Expenses => 4,
            };
            let total = &mut sums.entry((mirror, row.currency)).or_default()[place];
            *total = sum([*total, row.balance])?;
        }
        sums.into_iter()
            .map(|((mirror, currency), [assets, liabilities, equity, income, expenses])| {
                let credit = |minor: i64| {
                    let minor = minor.checked_neg().ok_or_else(too_much)?;
                    Ok::<_, Trouble>(Amount::of(minor, currency))
                };
                let difference = sum([assets, liabilities, equity, income, expenses])?;
                Ok(TrialRow {
                    book: if mirror { "Connected accounts" } else { "Platform" }.to_owned(),
                    currency: currency.to_string(),
                    assets: Amount::of(assets, currency),
                    liabilities: credit(liabilities)?,
                    equity: credit(equity)?,
                    income: credit(income)?,
                    expenses: Amount::of(expenses, currency),
                    difference: Amount::of(difference, currency),
                })
            })
            .collect()
    }
}

/// The currency asked for, or the one in which most was going on.
fn chosen(
    parameters: &Parameters,
    rows: &[DailyEarnings],
    currencies: &BTreeSet<Currency>,
) -> Currency {
    let asked = parameters.get("currency").and_then(|code| code.parse().ok());
    if let Some(currency) = asked {
        return currency;
    }
    let mut counts: BTreeMap<Currency, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.currency).or_default() += 1;
    }
    let busiest = counts.iter().max_by_key(|(_, count)| **count).map(|(currency, _)| *currency);
    busiest.or_else(|| currencies.first().copied()).unwrap_or(Currency::USD)
}

fn by_day(rows: &[DailyEarnings], period: Period, currency: Currency) -> Result<Earnings, Trouble> {
    let mut of_day: BTreeMap<&str, Vec<&DailyEarnings>> = BTreeMap::new();
    for row in rows {
        of_day.entry(&row.day).or_default().push(row);
    }
    let mut days = Vec::new();
    let mut bars = Vec::new();
    let mut day = period.from;
    while day <= period.to {
        let label = day.to_string();
        let that_day = of_day.remove(label.as_str()).unwrap_or_default();
        let row = total(that_day, &label, currency)?;
        let (gross, net) = (row.gross.0.minor(), row.net.0.minor());
        bars.push(DayBars { day: label, gross, net });
        days.push(row);
        day = following(day)?;
    }
    Ok(Earnings {
        pictures: if rows.is_empty() { None } else { chart::earnings(&bars, currency) },
        total: total(rows, "Together", currency)?,
        days,
        currency: String::new(),
        currencies: Vec::new(),
        periods: Vec::new(),
        period: String::new(),
    })
}

fn by_seller(
    rows: &[DailyEarnings],
    currency: Currency,
) -> Result<Vec<(SellerId, EarningsRow)>, Trouble> {
    let mut of_seller: BTreeMap<SellerId, Vec<&DailyEarnings>> = BTreeMap::new();
    for row in rows {
        of_seller.entry(row.seller).or_default().push(row);
    }
    let mut sellers = of_seller
        .into_iter()
        .map(|(seller, rows)| Ok((seller, total(rows, "", currency)?)))
        .collect::<Result<Vec<_>, Trouble>>()?;
    sellers.sort_by_key(|(seller, row)| (std::cmp::Reverse(row.net.0.minor()), *seller));
    Ok(sellers)
}

fn total<'a>(
    rows: impl IntoIterator<Item = &'a DailyEarnings>,
    label: &str,
    currency: Currency,
) -> Result<EarningsRow, Trouble> {
    let mut sums = [0_i64; 6];
    for row in rows {
        let parts = [row.gross, row.fees, row.refunds, row.disputes, row.adjustments, row.net];
        for (total, part) in sums.iter_mut().zip(parts) {
            *total = sum([*total, part])?;
        }
    }
    let [gross, fees, refunds, disputes, adjustments, net] =
        sums.map(|minor| Amount::of(minor, currency));
    Ok(EarningsRow { label: label.to_owned(), gross, fees, refunds, disputes, adjustments, net })
}

/// The sum of minor units, or a fault: a figure that does not fit is never shown cut.
pub(crate) fn sum(parts: impl IntoIterator<Item = i64>) -> Result<i64, Trouble> {
    parts.into_iter().try_fold(0_i64, i64::checked_add).ok_or_else(too_much)
}

fn too_much() -> Trouble {
    Trouble::fault("a sum exceeds 64-bit minor units")
}

fn following(day: NaiveDate) -> Result<NaiveDate, Trouble> {
    day.succ_opt().ok_or_else(|| Trouble::fault("the calendar ends"))
}

/// An organizer's page.
pub(crate) fn organizer_reference(organizer: &str) -> Reference {
    Reference {
        label: String::new(),
        id: organizer.to_owned(),
        href: Some(format!("/dashboard/organizers/{}", encoded(organizer))),
    }
    .called(Some(organizer))
}

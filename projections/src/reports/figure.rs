//! Which journal lines a figure is the sum of.

use std::collections::BTreeMap;

use kernel::{Currency, SellerId};
use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::{ReportFault, Scope, Window, add};
use crate::{
    chart::{Book, Side},
    journal::JournalLine,
    postings::Nature,
    selectors::{self, FIGURES, Natures, signed},
};

/// A part of a figure, as it is declared in code: lines of families of accounts, with a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    /// The side that counts as more.
    pub(super) more: Side,
    /// Families of accounts, by pattern.
    pub(super) families: &'static [&'static str],
    /// Which entries.
    pub(super) natures: Natures,
}

impl Pick {
    /// Everything of these families.
    pub(super) const fn all(more: Side, families: &'static [&'static str]) -> Self {
        Self { more, families, natures: Natures::Any }
    }

    /// What entries of these natures did to these families.
    pub(super) const fn of(
        more: Side,
        families: &'static [&'static str],
        natures: &'static [Nature],
    ) -> Self {
        Self { more, families, natures: Natures::Only(natures) }
    }

    /// By how much a line changes the figure, if it does.
    pub(super) fn value(&self, line: &JournalLine) -> Option<i128> {
        let counts = self.natures.admit(line.nature)
            && self.families.iter().any(|family| *family == line.family);
        counts.then(|| signed(self.more, line.minor))
    }

    fn term(&self) -> Term {
        Term {
            more: self.more,
            accounts: self.families.iter().map(|family| (*family).to_owned()).collect(),
            natures: self.natures,
            side: None,
        }
    }
}

/// A part of a figure: lines of accounts, with a sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// The side whose lines are added; those of the other are taken off.
    #[serde(serialize_with = "display")]
    pub more: Side,
    /// Accounts, or families of accounts with a `*`.
    pub accounts: Vec<String>,
    /// Which entries, by what they are about.
    #[serde(serialize_with = "natures", skip_serializing_if = "is_all")]
    pub natures: Natures,
    /// Only lines of this side.
    #[serde(serialize_with = "some_display", skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
}

/// The lines of one book and one currency that a figure is the sum of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// The parts that are added up.
    pub terms: Vec<Term>,
    /// Whose books.
    #[serde(serialize_with = "display")]
    pub book: Book,
    /// The currency.
    pub currency: Currency,
    /// When the lines took effect.
    #[serde(flatten)]
    pub window: Window,
    /// Known at this position of the log, and before.
    pub known_at: u64,
    /// What else the lines have in common, by the columns of the journal.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dimensions: BTreeMap<&'static str, String>,
}

impl Figure {
    /// The sum of picks within a period of a scope.
    pub(super) fn of_picks(
        scope: &Scope,
        (book, currency): (&Book, Currency),
        window: Window,
        picks: &[Pick],
    ) -> Self {
        let terms = picks.iter().map(Pick::term).collect();
        Self::of_terms(scope, (book, currency), window, terms)
    }

    /// The sum of everything on some accounts within a period of a scope.
    pub(super) fn of_accounts(
        scope: &Scope,
        place: (&Book, Currency),
        window: Window,
        more: Side,
        accounts: Vec<String>,
    ) -> Self {
        let term = Term { more, accounts, natures: Natures::Any, side: None };
        Self::of_terms(scope, place, window, vec![term])
    }

    pub(super) fn of_terms(
        scope: &Scope,
        (book, currency): (&Book, Currency),
        window: Window,
        terms: Vec<Term>,
    ) -> Self {
        let known_at = scope.known_at;
        let dimensions = BTreeMap::new();
        Self { terms, book: book.clone(), currency, window, known_at, dimensions }
    }

    /// Only lines that are about this.
    pub(super) fn about(mut self, column: &'static str, value: impl ToString) -> Self {
        self.dimensions.insert(column, value.to_string());
        self
    }

    /// Only a seller's lines.
    pub(super) fn of_seller(self, seller: SellerId) -> Self {
        self.about("seller", seller)
    }

    /// Only one side of every part.
    pub(super) fn only(mut self, side: Side) -> Self {
        for term in &mut self.terms {
            term.side = Some(side);
        }
        self
    }

    /// The one account or family it is the whole balance or movement of, if it is of one: what its
    /// general ledger lists.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self.terms.as_slice() {
            [term] if self.dimensions.is_empty() && term.natures == Natures::Any => {
                match term.accounts.as_slice() {
                    [account] => Some(account),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The figure of the catalogue that it is a narrowing of, if there is one: by its name it can be
    /// asked for and explained.
    #[must_use]
    pub fn named(&self) -> Option<&'static selectors::Figure> {
        let narrows = self.dimensions.keys().all(|column| *column == "seller");
        let of_seller = self.dimensions.contains_key("seller");
        FIGURES.iter().find(|figure| {
            narrows
                && figure.terms.len() == self.terms.len()
                && figure.terms.iter().zip(&self.terms).all(|(known, term)| {
                    term.side.is_none()
                        && (of_seller || !known.of_sellers)
                        && known.side == term.more
                        && known.natures == term.natures
                        && known.accounts == term.accounts
                })
        })
    }

    /// What it is the sum of, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        for term in &self.terms {
            let less = match term.side {
                Some(side) => format!("{side}s"),
                None => format!("{}s less {}s", term.more, term.more.other()),
            };
            let mut part = format!("{less} of {}", term.accounts.join(", "));
            if let Natures::Only(natures) | Natures::Except(natures) = term.natures {
                let but = if matches!(term.natures, Natures::Except(_)) { "not " } else { "" };
                let natures: Vec<_> = natures.iter().map(ToString::to_string).collect();
                part.push_str(&format!(" in entries that are {but}{}", natures.join(" or ")));
            }
            words.push(part);
        }
        let mut words = words.join("; and ");
        for (column, value) in &self.dimensions {
            words.push_str(&format!("; {column} {value}"));
        }
        words
    }

    /// By how much a line changes it: zero if it is none of its lines.
    ///
    /// # Errors
    /// [`ReportFault::Overflow`].
    pub fn value(&self, line: &JournalLine) -> Result<i128, ReportFault> {
        let mut total = 0;
        let ours = line.book == self.book
            && line.currency == self.currency
            && line.position.0 <= self.known_at
            && self.window.holds(line.effective_at)
            && self.dimensions.iter().all(|(column, value)| is_about(line, column, value));
        if !ours {
            return Ok(total);
        }
        let (account, side) = (line.account.name(), side_of(line));
        for term in &self.terms {
            let counts = term.natures.admit(line.nature)
                && term.side.is_none_or(|only| only == side)
                && term.accounts.iter().any(|one| *one == account || *one == line.family);
            if counts {
                add(&mut total, signed(term.more, line.minor))?;
            }
        }
        Ok(total)
    }
}

const fn side_of(line: &JournalLine) -> Side {
    if line.minor > 0 { Side::Debit } else { Side::Credit }
}

/// Whether a column of the journal has this value.
fn is_about(line: &JournalLine, column: &str, value: &str) -> bool {
    let is = |found: Option<String>| found.as_deref() == Some(value);
    match column {
        "seller" => is(line.seller.map(|seller| seller.to_string())),
        "payout" => is(line.payout.map(|payout| payout.to_string())),
        "refund" => is(line.refund.map(|refund| refund.to_string())),
        "position" => line.position.0.to_string() == value,
        "entry" => line.entry.to_string() == value,
        "line" => line.line.to_string() == value,
        _ => false,
    }
}

fn is_all(natures: &Natures) -> bool {
    *natures == Natures::Any
}

fn display<S: Serializer>(
    value: &impl std::fmt::Display,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
fn some_display<S: Serializer>(value: &Option<Side>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(side) => serializer.collect_str(side),
        None => serializer.serialize_none(),
    }
}

/// `["sale"]`, or `["-payout"]` where all but these count.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn natures<S: Serializer>(natures: &Natures, serializer: S) -> Result<S::Ok, S::Error> {
    let (sign, these): (&str, &[Nature]) = match natures {
        Natures::Any => ("", &[]),
        Natures::Only(these) => ("", these),
        Natures::Except(these) => ("-", these),
    };
    let mut list = serializer.serialize_seq(Some(these.len()))?;
    for nature in these {
        list.serialize_element(&format!("{sign}{nature}"))?;
    }
    list.end()
}

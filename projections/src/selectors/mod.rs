//! Figures are selectors: what a figure is the sum of, as data.
//!
//! Every money figure that is shown anywhere has a name here, a sentence, and the lines of the
//! journal it adds up: of which accounts, on which side, in entries about what. Whoever asks narrows
//! it further: one seller, one order, a window of effective time, what was known at a position. So
//! the same description gives the figure, its balance over time, and the lines that explain it.

use kernel::{Currency, OrderId, SellerId, Timestamp};
use store::Position;

use crate::{
    chart::{Account, Book, Family, Members, Side, UnknownAccount},
    journal::JournalLine,
    postings::Nature,
};

mod catalogue;

pub use catalogue::FIGURES;

/// What entries must be about for their lines to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Natures {
    /// Anything.
    Any,
    /// One of these.
    Only(&'static [Nature]),
    /// None of these.
    Except(&'static [Nature]),
}

impl Natures {
    /// Whether an entry of this nature counts.
    #[must_use]
    pub fn admit(&self, nature: Nature) -> bool {
        match self {
            Self::Any => true,
            Self::Only(natures) => natures.contains(&nature),
            Self::Except(natures) => !natures.contains(&nature),
        }
    }
}

/// Lines that count for a figure, with one sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The accounts: a family's pattern (`liabilities:seller:*:pending`), or one account's name.
    pub accounts: &'static [&'static str],
    /// The side that counts as positive.
    pub side: Side,
    /// In entries about what.
    pub natures: Natures,
    /// Only lines that are about some seller.
    pub of_sellers: bool,
}

/// A named figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Its name, such as `seller_available`.
    pub name: &'static str,
    /// What it says, in one sentence.
    pub sentence: &'static str,
    /// What it is the sum of.
    pub terms: &'static [Term],
    /// Whether a seller may ask for his own part of it.
    pub for_sellers: bool,
}

impl Figure {
    /// The figure of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FIGURES.iter().find(|figure| figure.name == name)
    }

    /// The figure, narrowed down.
    #[must_use]
    pub fn selector(&self, narrowing: Narrowing) -> Selector {
        let part = |term: &Term| Part {
            accounts: term.accounts.iter().map(|name| (*name).to_owned()).collect(),
            side: term.side,
            natures: term.natures,
            of_sellers: term.of_sellers,
        };
        Selector { parts: self.terms.iter().map(part).collect(), narrowing }
    }
}

/// How a figure is narrowed: what is `None` is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Narrowing {
    pub currency: Option<Currency>,
    /// The platform's own book, unless another one is named.
    pub book: Option<Book>,
    pub seller: Option<SellerId>,
    pub organizer: Option<String>,
    pub order: Option<OrderId>,
    pub product: Option<String>,
    pub event: Option<String>,
    pub membership: Option<String>,
    pub channel: Option<String>,
    pub event_type: Option<String>,
    /// What took effect at or after it.
    pub from: Option<Timestamp>,
    /// What took effect before it: *as of*.
    pub to: Option<Timestamp>,
    /// What was recorded at or before it: *as known at*.
    pub known_at: Option<Position>,
}

impl Narrowing {
    /// The book asked for.
    #[must_use]
    pub fn book(&self) -> Book {
        self.book.clone().unwrap_or(Book::Platform)
    }

    /// Whether lines are chosen by something other than account, book, currency and time.
    /// A seller is not counted: his own accounts name him.
    #[must_use]
    pub const fn by_dimension(&self) -> bool {
        self.organizer.is_some()
            || self.order.is_some()
            || self.product.is_some()
            || self.event.is_some()
            || self.membership.is_some()
            || self.channel.is_some()
            || self.event_type.is_some()
    }
}

/// Lines of some accounts that count with one sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Patterns of families, or names of accounts.
    pub accounts: Vec<String>,
    /// The side that counts as positive.
    pub side: Side,
    /// In entries about what.
    pub natures: Natures,
    /// Only lines that are about some seller.
    pub of_sellers: bool,
}

/// Which lines are added up, and with which sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The lines, by account.
    pub parts: Vec<Part>,
    /// Narrowed to these.
    pub narrowing: Narrowing,
}

impl Selector {
    /// The balance of an account, or of all accounts of a family, on a side.
    #[must_use]
    pub fn balance(name: &str, side: Side, narrowing: Narrowing) -> Self {
        let part = Part {
            accounts: vec![name.to_owned()],
            side,
            natures: Natures::Any,
            of_sellers: false,
        };
        Self { parts: vec![part], narrowing }
    }

    /// The balance of an account, or of all accounts of a family, on the side on which it grows.
    ///
    /// # Errors
    /// [`UnknownAccount`] when the name is neither.
    pub fn of_account(name: &str, narrowing: Narrowing) -> Result<Self, UnknownAccount> {
        let side = match Family::named(name) {
            Some(family) => family.normal_side,
            None => Account::parse(name)?.normal_side(),
        };
        Ok(Self::balance(name, side, narrowing))
    }

    /// The same for another window of effective time and another state of knowledge.
    #[must_use]
    pub fn within(
        &self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        known_at: Option<Position>,
    ) -> Self {
        let narrowing = Narrowing { from, to, known_at, ..self.narrowing.clone() };
        Self { parts: self.parts.clone(), narrowing }
    }

    /// The same in one currency.
    #[must_use]
    pub fn in_currency(&self, currency: Currency) -> Self {
        let narrowing = Narrowing { currency: Some(currency), ..self.narrowing.clone() };
        Self { parts: self.parts.clone(), narrowing }
    }

    /// The series a part is the sum of, if it is one of whole series: no line has to be looked at
    /// to know whether it counts.
    #[must_use]
    pub fn series_of(&self, part: &Part) -> Option<Vec<String>> {
        if self.narrowing.by_dimension() || part.natures != Natures::Any {
            return None;
        }
        part.accounts.iter().map(|name| self.one_series(name, part.of_sellers)).collect()
    }

    fn one_series(&self, name: &str, of_sellers: bool) -> Option<String> {
        let family = Family::named(name);
        match (family, self.narrowing.seller) {
            (Some(family), Some(seller)) if matches!(family.members, Members::PerSeller) => {
                Some(family.pattern.replacen('*', &seller.to_string(), 1))
            }
            (Some(family), None) => {
                let all_of_sellers = matches!(family.members, Members::PerSeller);
                (!of_sellers || all_of_sellers).then(|| family.pattern.to_owned())
            }
            (Some(_), Some(_)) => None,
            (None, seller) => {
                let account = Account::parse(name).ok()?;
                let fits = match (seller, account.seller()) {
                    (None, own) => !of_sellers || own.is_some(),
                    (Some(seller), own) => own == Some(seller),
                };
                (fits && crate::balance_series::has_series(&account)).then(|| name.to_owned())
            }
        }
    }

    /// What a line adds to the figure, if it counts: minor units. One whose accounts are named
    /// twice counts twice.
    #[must_use]
    pub fn counts(&self, part: &Part, line: &JournalLine) -> Option<i128> {
        let Narrowing {
            currency,
            book: _,
            seller,
            organizer,
            order,
            product,
            event,
            membership,
            channel,
            event_type,
            from,
            to,
            known_at,
        } = &self.narrowing;
        let same = |asked: &Option<String>, has: &Option<String>| asked.is_none() || asked == has;
        let name = line.account.name();
        let counts = part.accounts.iter().any(|one| *one == line.family || *one == name)
            && part.natures.admit(line.nature)
            && (!part.of_sellers || line.seller.is_some())
            && currency.is_none_or(|currency| currency == line.currency)
            && line.book == self.narrowing.book()
            && seller.is_none_or(|seller| line.seller == Some(seller))
            && same(organizer, &line.organizer)
            && order.is_none_or(|order| line.order_id == Some(order))
            && same(product, &line.product)
            && same(event, &line.event)
            && same(membership, &line.membership)
            && same(channel, &line.channel)
            && event_type.as_ref().is_none_or(|event_type| *event_type == line.event_type)
            && from.is_none_or(|from| line.effective_at >= from)
            && to.is_none_or(|to| line.effective_at < to)
            && known_at.is_none_or(|known_at| line.position <= known_at);
        counts.then(|| signed(part.side, line.minor))
    }
}

/// An amount of the journal, where debits are positive, on a side; minor units.
#[must_use]
pub fn signed(side: Side, minor: i64) -> i128 {
    match side {
        Side::Debit => i128::from(minor),
        Side::Credit => -i128::from(minor),
    }
}

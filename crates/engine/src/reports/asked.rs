//! What is asked of a report, in words, and what it comes to.

use chrono_tz::Tz;
use kernel::{Currency, SellerId, Timestamp};
use projections::{
    chart::{Account, Book, Family},
    reports::{Detail, Month, Needs, NotAMonth, ReportName, Scope, Span, Window},
};

use crate::figures::{KnownAt, Moment};

/// What may be asked of a report, by name, with what it means.
pub const PARAMETERS: [(&str, &str); 10] = [
    ("from", "the first instant or day that counts, such as 2026-03-01"),
    ("to", "the first instant or day that does not count any more"),
    ("month", "a calendar month instead of from and to, such as 2026-03"),
    ("as_of", "what had taken effect before this instant, or by the end of this day"),
    (
        "known_at",
        "what was known at this position of the log, at this instant, or by the end of this day",
    ),
    ("seller", "which seller"),
    ("account", "which account, or family of accounts with a *"),
    ("currency", "only this currency"),
    ("book", "platform, all, or a connected account (acct_...)"),
    ("detail", "families or accounts (trial balance)"),
];

/// What is asked of a report, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "see PARAMETERS")]
pub struct Asked {
    pub from: Option<String>,
    pub to: Option<String>,
    pub month: Option<String>,
    pub as_of: Option<String>,
    pub known_at: Option<String>,
    pub seller: Option<String>,
    pub account: Option<String>,
    pub currency: Option<String>,
    pub book: Option<String>,
    pub detail: Option<String>,
}

/// A report that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which one.
    pub name: ReportName,
    /// About what time, book and currency.
    pub scope: Scope,
    /// Which seller, where one is needed.
    pub seller: Option<SellerId>,
    /// Which account, where one is needed.
    pub account: Option<String>,
    /// How much the trial balance tells apart.
    pub detail: Detail,
}

/// What is wrong with what was asked, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case", prefix = "report.")]
pub enum AskError {
    /// There is no such report.
    #[error("there is no report \"{asked}\"; there are {known}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: String,
    },
    /// There is no such parameter.
    #[error("a report cannot be asked for by \"{asked}\"; it knows {known}")]
    ParameterUnknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: String,
    },
    /// It is not a month.
    #[error(transparent)]
    MonthInvalid(#[from] NotAMonth),
    /// It is neither an instant nor a day.
    #[error(
        "{parameter} is \"{asked}\", which is neither a day, such as 2026-03-01, nor an instant, such \
         as 2026-03-01T12:00:00Z"
    )]
    TimeInvalid {
        /// Which parameter.
        parameter: &'static str,
        /// What it says.
        asked: String,
    },
    /// The period ends before it begins.
    #[error("from ({from}) must be before to ({to})")]
    PeriodEmpty {
        /// Where it begins.
        from: Timestamp,
        /// Where it ends.
        to: Timestamp,
    },
    /// Two parameters say the same thing in two ways.
    #[error("give either month, or from and to, or as_of; not {0}")]
    PeriodTwice(&'static str),
    /// It is about an instant, and a beginning was given.
    #[error("{0} is about what stands at an instant; give as_of, not from")]
    NoPeriod(ReportName),
    /// It is neither a position nor a time.
    #[error(
        "known_at is \"{0}\"; write a position of the log, a day, such as 2026-03-01, or an instant"
    )]
    KnownAtInvalid(String),
    /// The log does not reach that far.
    #[error("position {asked} does not exist yet; the last one is {head}")]
    KnownAtBeyond {
        /// What was asked for.
        asked: u64,
        /// What there is.
        head: u64,
    },
    /// It is not a currency.
    #[error("\"{0}\" is not a currency; write its three letters, such as EUR")]
    CurrencyInvalid(String),
    /// It is not a seller.
    #[error("\"{0}\" is not a seller; write an id, such as sel_0123456789abcdef0123456789abcdef")]
    SellerInvalid(String),
    /// It is not an account.
    #[error(
        "\"{0}\" is not an account of the chart; write one, such as assets:stripe:balance, or a \
         family, such as liabilities:tax:*"
    )]
    AccountUnknown(String),
    /// It needs a seller.
    #[error("the seller statement needs a seller; give seller=sel_...")]
    SellerMissing,
    /// There is no such seller.
    #[error("there is no seller {0}")]
    SellerUnknown(SellerId),
    /// It needs an account.
    #[error("the general ledger needs an account; give account=assets:stripe:balance, for example")]
    AccountMissing,
    /// It is no level of detail.
    #[error("detail is \"{0}\"; it is families or accounts")]
    DetailInvalid(String),
}

/// The report of this name.
///
/// # Errors
/// [`AskError::Unknown`].
pub fn named(asked: &str) -> Result<ReportName, AskError> {
    asked.parse().map_err(|_| AskError::Unknown {
        asked: asked.to_owned(),
        known: ReportName::all().map(|name| name.to_string()).collect::<Vec<_>>().join(", "),
    })
}

impl Asked {
    /// Takes one parameter. Empty ones say nothing, as a form sends them.
    ///
    /// # Errors
    /// [`AskError::ParameterUnknown`].
    pub fn set(&mut self, name: &str, value: String) -> Result<(), AskError> {
        let place = match name {
            "from" => &mut self.from,
            "to" => &mut self.to,
            "month" => &mut self.month,
            "as_of" => &mut self.as_of,
            "known_at" => &mut self.known_at,
            "seller" => &mut self.seller,
            "account" => &mut self.account,
            "currency" => &mut self.currency,
            "book" => &mut self.book,
            "detail" => &mut self.detail,
            _ => {
                let known = PARAMETERS.map(|(name, _)| name).join(", ");
                return Err(AskError::ParameterUnknown { asked: name.to_owned(), known });
            }
        };
        let value = value.trim().to_owned();
        *place = (!value.is_empty()).then_some(value);
        Ok(())
    }

    /// As known when, if that is asked.
    ///
    /// # Errors
    /// [`AskError::KnownAtInvalid`].
    pub fn known_at(&self) -> Result<Option<KnownAt>, AskError> {
        let Some(text) = &self.known_at else { return Ok(None) };
        text.parse().map(Some).map_err(|_| AskError::KnownAtInvalid(text.clone()))
    }

    /// What it comes to, in a tenant's time zone, at this instant, as known at this position.
    ///
    /// Without an end, a report counts everything up to now; without a beginning, from the first
    /// event on.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn resolve(
        &self,
        name: ReportName,
        zone: Tz,
        now: Timestamp,
        known_at: u64,
    ) -> Result<Request, AskError> {
        let scope = Scope {
            window: self.window(name, zone, now)?,
            zone,
            known_at,
            book: match self.book.as_deref().unwrap_or("platform") {
                "all" => None,
                "platform" => Some(Book::Platform),
                account => Some(Book::Mirror(account.into())),
            },
            currency: match &self.currency {
                None => None,
                Some(code) => {
                    let invalid = |_| AskError::CurrencyInvalid(code.clone());
                    Some(code.parse::<Currency>().map_err(invalid)?)
                }
            },
        };
        let seller = match &self.seller {
            None => None,
            Some(id) => Some(id.parse().map_err(|_| AskError::SellerInvalid(id.clone()))?),
        };
        let account = match &self.account {
            Some(account)
                if Account::parse(account).is_err() && Family::named(account).is_none() =>
            {
                return Err(AskError::AccountUnknown(account.clone()));
            }
            account => account.clone(),
        };
        match name.needs() {
            Needs::Seller if seller.is_none() => return Err(AskError::SellerMissing),
            Needs::Account if account.is_none() => return Err(AskError::AccountMissing),
            Needs::Seller | Needs::Account | Needs::Nothing => {}
        }
        let detail = match &self.detail {
            None => Detail::default(),
            Some(word) => word.parse().map_err(|_| AskError::DetailInvalid(word.clone()))?,
        };
        Ok(Request { name, scope, seller, account, detail })
    }

    fn window(&self, name: ReportName, zone: Tz, now: Timestamp) -> Result<Window, AskError> {
        let from = moment("from", self.from.as_ref())?.map(|from| from.begin(zone));
        let to = moment("to", self.to.as_ref())?.map(|to| to.begin(zone));
        let as_of = moment("as_of", self.as_of.as_ref())?.map(|as_of| as_of.end(zone));
        let mut window = match (&self.month, from.or(to).or(as_of)) {
            (Some(_), Some(_)) => return Err(AskError::PeriodTwice("month with another")),
            (Some(month), None) => month.parse::<Month>()?.window(zone),
            (None, _) if to.is_some() && as_of.is_some() => {
                return Err(AskError::PeriodTwice("both to and as_of"));
            }
            // A second, so that what takes effect at this very instant counts.
            (None, _) => Window { from, to: to.or(as_of).unwrap_or_else(|| now.plus_seconds(1)) },
        };
        if name.span() == Span::Instant {
            if from.is_some() {
                return Err(AskError::NoPeriod(name));
            }
            window.from = None;
        }
        match window.from {
            Some(from) if from >= window.to => Err(AskError::PeriodEmpty { from, to: window.to }),
            Some(_) | None => Ok(window),
        }
    }
}

fn moment(parameter: &'static str, asked: Option<&String>) -> Result<Option<Moment>, AskError> {
    let Some(asked) = asked else { return Ok(None) };
    let invalid = |_| AskError::TimeInvalid { parameter, asked: asked.clone() };
    asked.parse().map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        let mut asked = Asked::default();
        for (name, value) in pairs {
            asked.set(name, (*value).to_owned()).unwrap();
        }
        asked
    }

    fn resolve(name: ReportName, pairs: &[(&str, &str)]) -> Result<Request, AskError> {
        let now = "2026-04-02T10:00:00Z".parse().unwrap();
        asked(pairs).resolve(name, Tz::Europe__Berlin, now, 500)
    }

    fn window(name: ReportName, pairs: &[(&str, &str)]) -> (Option<String>, String) {
        let window = resolve(name, pairs).unwrap().scope.window;
        (window.from.map(|from| from.to_string()), window.to.to_string())
    }

    #[test]
    fn days_and_months_are_those_of_the_tenant() {
        let march = (Some("2026-02-28T23:00:00Z".to_owned()), "2026-03-31T22:00:00Z".to_owned());
        assert_eq!(window(ReportName::Revenue, &[("month", "2026-03")]), march);
        let days = [("from", "2026-03-01"), ("to", "2026-04-01")];
        assert_eq!(window(ReportName::Revenue, &days), march);
        let (from, to) = window(ReportName::AgedClearing, &[("month", "2026-03")]);
        assert_eq!((from, to), (None, march.1.clone()));
        let (from, to) = window(ReportName::TrialBalance, &[("as_of", "2026-03-31")]);
        assert_eq!((from, to), (None, march.1));
        let (from, to) = window(ReportName::Fees, &[("from", ""), ("as_of", "")]);
        assert_eq!((from, to.as_str()), (None, "2026-04-02T10:00:01Z"));
    }

    #[test]
    fn what_is_wrong_says_what_would_be_right() {
        use ReportName::{AgedReceivables, GeneralLedger, Revenue, SellerStatement, TrialBalance};
        for (name, pairs, code, part) in [
            (Revenue, &[("month", "2026-13")][..], "report.month_invalid", "2026-03"),
            (Revenue, &[("from", "March")][..], "report.time_invalid", "2026-03-01"),
            (
                Revenue,
                &[("from", "2026-04-01"), ("to", "2026-03-01")][..],
                "report.period_empty",
                "must be before",
            ),
            (
                Revenue,
                &[("month", "2026-03"), ("from", "2026-03-01")][..],
                "report.period_twice",
                "either month",
            ),
            (AgedReceivables, &[("from", "2026-03-01")][..], "report.no_period", "as_of"),
            (TrialBalance, &[("currency", "EURO")][..], "report.currency_invalid", "EUR"),
            (TrialBalance, &[("detail", "all")][..], "report.detail_invalid", "families"),
            (SellerStatement, &[][..], "report.seller_missing", "seller="),
            (SellerStatement, &[("seller", "potter")][..], "report.seller_invalid", "sel_"),
            (GeneralLedger, &[][..], "report.account_missing", "account="),
            (
                GeneralLedger,
                &[("account", "cash")][..],
                "report.account_unknown",
                "liabilities:tax:*",
            ),
        ] {
            let error = resolve(name, pairs).unwrap_err();
            assert_eq!(error.as_ref(), code);
            assert!(error.to_string().contains(part), "{error}");
        }
        let known = asked(&[("known_at", "yesterday")]).known_at().unwrap_err();
        assert_eq!(known.as_ref(), "report.known_at_invalid");
        let unknown = named("profit").unwrap_err().to_string();
        assert!(unknown.contains("trial-balance") && unknown.contains("take-rate"), "{unknown}");
        assert!(Asked::default().set("week", String::new()).is_err());
    }
}

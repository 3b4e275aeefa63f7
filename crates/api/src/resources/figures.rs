//! Figures: named sums of journal lines, as of a day and as known at a position; why they are what
//! they are; and what is different about a month since it was reported.

use actix_web::{HttpResponse, web};
use engine::{
    explain::{BALANCE_OF_AN_ACCOUNT, Question, explain_figure, figure_of_part},
    figures::{FigureError, Figures, KnownAt, LineCursor, Moment, month},
};
use kernel::{Money, Timestamp};
use projections::{
    chart::{Book, UnknownAccount},
    selectors::{FIGURES, Figure, Narrowing, Selector},
};
use serde::Deserialize;
use store::Position;

use crate::{
    extract::{After, Caller},
    permissions::{Permission, Reach},
    problem::Problem,
    state::Api,
};

/// How many lines an explanation gives at once, unless fewer or more are asked for.
const LINES: usize = 100;
const LINES_MAX: usize = 1000;

/// A figure, and how it is narrowed down.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Asked {
    pub(crate) figure: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) part: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) book: Option<String>,
    pub(crate) seller: Option<String>,
    pub(crate) organizer: Option<String>,
    pub(crate) order: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) membership: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) event_type: Option<String>,
    /// A day, or an instant: what had taken effect by then.
    pub(crate) as_of: Option<String>,
    /// Where a window of effective time begins.
    pub(crate) from: Option<String>,
    /// Where it ends; not included.
    pub(crate) to: Option<String>,
    /// A position, or an instant or day: what was recorded by then.
    pub(crate) known_at: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) after: Option<u64>,
}

impl From<FigureError> for Problem {
    fn from(error: FigureError) -> Self {
        match error {
            FigureError::Views(error) => error.into(),
            FigureError::Log(error) => error.into(),
            FigureError::Overflow => Self::fault(error.to_string()),
            FigureError::Unknown(_) | FigureError::Moment(_) => Self::malformed(error.to_string()),
        }
    }
}

/// A parameter, read.
fn read<T: std::str::FromStr>(name: &str, text: Option<&String>) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse())
        .transpose()
        .map_err(|_| Problem::malformed(format!("\"{name}\" cannot be read")))
}

/// The figures of the caller's tenant.
pub(crate) fn figures<'a>(api: &'a Api, caller: &Caller) -> Figures<'a> {
    Figures { log: &**api.engine.log(), views: &**api.engine.views(), tenant: caller.tenant }
}

/// What was known at a moment, as a position.
pub(crate) async fn known_at(
    api: &Api,
    caller: &Caller,
    text: Option<&String>,
) -> Result<Option<Position>, Problem> {
    let known: Option<KnownAt> = read("known_at", text)?;
    Ok(match known {
        Some(known) => Some(known.position(&**api.engine.log(), caller.info.zone).await?),
        None => None,
    })
}

impl Asked {
    /// The window of effective time: half open.
    pub(crate) fn window(
        &self,
        caller: &Caller,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
        let zone = caller.info.zone;
        let from: Option<Moment> = read("from", self.from.as_ref())?;
        let to: Option<Moment> = read("to", self.to.as_ref())?;
        let as_of: Option<Moment> = read("as_of", self.as_of.as_ref())?;
        let end = match (as_of, to) {
            (Some(_), Some(_)) => {
                return Err(Problem::malformed("ask as_of a moment, or for a window, not both"));
            }
            (Some(as_of), None) => Some(as_of.end(zone)),
            (None, to) => to.map(|to| to.begin(zone)),
        };
        Ok((from.map(|from| from.begin(zone)), end))
    }

    pub(crate) async fn narrowing(&self, api: &Api, caller: &Caller) -> Result<Narrowing, Problem> {
        let (from, to) = self.window(caller)?;
        Ok(Narrowing {
            currency: read("currency", self.currency.as_ref())?,
            book: read("book", self.book.as_ref())?,
            seller: read("seller", self.seller.as_ref())?,
            organizer: self.organizer.clone(),
            order: read("order", self.order.as_ref())?,
            product: self.product.clone(),
            event: self.event.clone(),
            membership: self.membership.clone(),
            channel: self.channel.clone(),
            event_type: self.event_type.clone(),
            from,
            to,
            known_at: known_at(api, caller, self.known_at.as_ref()).await?,
        })
    }
}

/// Whether the caller may see this figure; a seller sees his own part of what is for sellers.
fn permitted(caller: &Caller, figure: &Figure, narrowing: &mut Narrowing) -> Result<(), Problem> {
    if !figure.for_sellers {
        return caller.may(Permission::SeeBooks).map(|_| ());
    }
    match (caller.may(Permission::SeeBalances)?, narrowing.seller) {
        (Reach::Own(own), None) => narrowing.seller = Some(own),
        (_, Some(seller)) => caller.may_for(Permission::SeeBalances, seller)?,
        (Reach::All, None) => {}
    }
    Ok(())
}

fn named(name: &str) -> Result<&'static Figure, Problem> {
    Figure::named(name).ok_or_else(|| Problem::not_found("figure"))
}

/// Every figure that has a name, and what it says.
#[utoipa::path(get, path = "/v1/figures", tag = "books",
    responses((status = 200, body = Object)))]
pub(crate) async fn catalogue(caller: Caller) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBalances)?;
    let all = caller.may(Permission::SeeBooks).is_ok();
    let shown: Vec<_> = FIGURES
        .iter()
        .filter(|figure| all || figure.for_sellers)
        .map(|figure| {
            let terms: Vec<_> = figure
                .terms
                .iter()
                .map(|term| {
                    serde_json::json!({
                        "accounts": term.accounts,
                        "positive_side": term.side.to_string(),
                        "natures": natures(term.natures),
                        "of_sellers": term.of_sellers,
                    })
                })
                .collect();
            serde_json::json!({
                "name": figure.name,
                "sentence": figure.sentence,
                "for_sellers": figure.for_sellers,
                "terms": terms,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({ "figures": shown })))
}

fn natures(natures: projections::selectors::Natures) -> serde_json::Value {
    use projections::selectors::Natures;
    let names = |natures: &[projections::postings::Nature]| {
        natures.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    match natures {
        Natures::Any => serde_json::json!("any"),
        Natures::Only(only) => serde_json::json!({ "only": names(only) }),
        Natures::Except(except) => serde_json::json!({ "except": names(except) }),
    }
}

/// A figure by its name, per currency; as of a day or for a window, and as known at a position.
#[utoipa::path(get, path = "/v1/figures/{name}", tag = "books",
    params(("currency" = Option<String>, Query), ("seller" = Option<String>, Query),
        ("organizer" = Option<String>, Query), ("order" = Option<String>, Query),
        ("product" = Option<String>, Query), ("event" = Option<String>, Query),
        ("membership" = Option<String>, Query), ("channel" = Option<String>, Query),
        ("event_type" = Option<String>, Query), ("book" = Option<String>, Query),
        ("as_of" = Option<String>, Query), ("from" = Option<String>, Query),
        ("to" = Option<String>, Query), ("known_at" = Option<String>, Query),
        ("after" = Option<u64>, Query)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(crate) async fn figure(
    api: web::Data<Api>,
    caller: Caller,
    name: web::Path<String>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let figure = named(&name)?;
    let mut narrowing = asked.narrowing(&api, &caller).await?;
    permitted(&caller, figure, &mut narrowing)?;
    After { after: asked.after }.wait(&api).await?;
    let answer = figures(&api, &caller).figure(&figure.selector(narrowing)).await?;
    Ok(HttpResponse::Ok().json(shown(figure.name, figure.sentence, &answer)))
}

fn shown(name: &str, sentence: &str, answer: &engine::figures::FigureAnswer) -> serde_json::Value {
    let amounts: Vec<_> = answer
        .amounts
        .iter()
        .map(|amount| {
            serde_json::json!({
                "currency": amount.currency,
                "minor": amount.minor,
                "amount": Money::new(amount.minor, amount.currency).amount_text(),
                "debits": amount.debits,
                "credits": amount.credits,
                "lines": amount.lines,
            })
        })
        .collect();
    serde_json::json!({
        "figure": name,
        "sentence": sentence,
        "as_of": answer.as_of,
        "known_at": answer.known_at,
        "amounts": amounts,
    })
}

fn unknown(error: &UnknownAccount) -> Problem {
    Problem::malformed(error.to_string())
}

/// The balance of an account, or of a family of accounts, on its normal side.
#[utoipa::path(get, path = "/v1/balance", tag = "books",
    params(("account" = String, Query), ("currency" = Option<String>, Query),
        ("book" = Option<String>, Query), ("as_of" = Option<String>, Query),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("known_at" = Option<String>, Query), ("after" = Option<u64>, Query)),
    responses((status = 200, body = Object)))]
pub(crate) async fn balance(
    api: web::Data<Api>,
    caller: Caller,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBooks)?;
    let account = asked.account.as_deref();
    let account = account.ok_or_else(|| Problem::malformed("name an account"))?;
    let narrowing = asked.narrowing(&api, &caller).await?;
    let selector = Selector::of_account(account, narrowing).map_err(|error| unknown(&error))?;
    After { after: asked.after }.wait(&api).await?;
    let answer = figures(&api, &caller).figure(&selector).await?;
    Ok(HttpResponse::Ok().json(shown(account, BALANCE_OF_AN_ACCOUNT, &answer)))
}

/// Why a figure is what it is: its latest lines with a running sum that ends in the figure, and for
/// each the event, its causes, and the webhook it began with. Name a figure, an account, or a seller
/// (and a part of his balance).
#[utoipa::path(get, path = "/v1/explain", tag = "books",
    params(("figure" = Option<String>, Query), ("account" = Option<String>, Query),
        ("seller" = Option<String>, Query), ("part" = Option<String>, Query),
        ("currency" = String, Query), ("organizer" = Option<String>, Query),
        ("order" = Option<String>, Query), ("product" = Option<String>, Query),
        ("event" = Option<String>, Query), ("membership" = Option<String>, Query),
        ("channel" = Option<String>, Query), ("event_type" = Option<String>, Query),
        ("book" = Option<String>, Query), ("as_of" = Option<String>, Query),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("known_at" = Option<String>, Query), ("before" = Option<String>, Query),
        ("limit" = Option<usize>, Query), ("after" = Option<u64>, Query)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(crate) async fn explain(
    api: web::Data<Api>,
    caller: Caller,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let question = question(&api, &caller, &asked).await?;
    After { after: asked.after }.wait(&api).await?;
    let explained = explain_figure(figures(&api, &caller), &question).await?;
    Ok(HttpResponse::Ok().json(explained))
}

/// What is to be explained, within what the caller may see.
pub(crate) async fn question(
    api: &Api,
    caller: &Caller,
    asked: &Asked,
) -> Result<Question, Problem> {
    let mut narrowing = asked.narrowing(api, caller).await?;
    let currency = narrowing.currency.ok_or_else(|| Problem::malformed("name a currency"))?;
    let before: Option<LineCursor> = read("before", asked.before.as_ref())?;
    let limit = asked.limit.unwrap_or(LINES).clamp(1, LINES_MAX);
    if let Some(account) = asked.account.as_deref() {
        caller.may(Permission::SeeBooks)?;
        let question = Question::of_account(account, narrowing, currency);
        return Ok(question.map_err(|error| unknown(&error))?.latest(limit, before));
    }
    let figure = match asked.figure.as_deref() {
        Some(name) => named(name)?,
        None if narrowing.seller.is_none() => {
            return Err(Problem::malformed("name a figure, an account or a seller"));
        }
        None => figure_of_part(asked.part.as_deref())
            .map_err(|error| Problem::malformed(error.to_string()))?,
    };
    permitted(caller, figure, &mut narrowing)?;
    let question = Question::of(figure, narrowing, currency).latest(limit, before);
    let is_part = asked.figure.is_none();
    Ok(if is_part { question.as_part(asked.part.as_deref()) } else { question })
}

/// The trial balance by family of accounts, as of a moment or for a window, as known at a position.
pub(crate) async fn trial_balance(
    api: &Api,
    caller: &Caller,
    asked: &Asked,
) -> Result<HttpResponse, Problem> {
    let book = read("book", asked.book.as_ref())?.unwrap_or(Book::Platform);
    let window = asked.window(caller)?;
    let known = known_at(api, caller, asked.known_at.as_ref()).await?;
    let (known, rows) = figures(api, caller).trial_balance(&book, window, known).await?;
    let mut totals: std::collections::BTreeMap<_, (i128, i128)> = std::collections::BTreeMap::new();
    for row in &rows {
        let (debits, credits) = totals.entry(row.currency).or_default();
        let balance = i128::from(row.balance);
        if balance > 0 { *debits += balance } else { *credits -= balance }
    }
    let totals: Vec<_> = totals
        .into_iter()
        .map(|(currency, (debits, credits))| {
            serde_json::json!({
                "book": book.to_string(),
                "currency": currency,
                "debits": i64::try_from(debits).ok(),
                "credits": i64::try_from(credits).ok(),
                "balanced": debits == credits,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({
        "as_of": window.1,
        "from": window.0,
        "known_at": known.0,
        "accounts": rows,
        "totals": totals,
    })))
}

/// Two states of knowledge of a window of effective time.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Compared {
    first: String,
    second: Option<String>,
    month: Option<String>,
    since: Option<String>,
    until: Option<String>,
    book: Option<String>,
    limit: Option<usize>,
    after: Option<u64>,
}

/// What is different about a month, or any window of effective time, since it was reported: per
/// account and currency what was known first and later, and the lines recorded in between, with why.
#[utoipa::path(get, path = "/v1/restatement", tag = "books",
    params(("first" = String, Query), ("second" = Option<String>, Query),
        ("month" = Option<String>, Query), ("since" = Option<String>, Query),
        ("until" = Option<String>, Query), ("book" = Option<String>, Query),
        ("limit" = Option<usize>, Query), ("after" = Option<u64>, Query)),
    responses((status = 200, body = Object)))]
pub(crate) async fn restatement(
    api: web::Data<Api>,
    caller: Caller,
    asked: web::Query<Compared>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBooks)?;
    After { after: asked.after }.wait(&api).await?;
    let first = known_at(&api, &caller, Some(&asked.first)).await?.unwrap_or(Position::START);
    let second = known_at(&api, &caller, asked.second.as_ref()).await?;
    let zone = caller.info.zone;
    let window = match &asked.month {
        Some(text) => {
            let window = month(text, zone);
            let (from, to) = window.ok_or_else(|| Problem::malformed("a month is like 2026-03"))?;
            (Some(from), Some(to))
        }
        None => {
            let since: Option<Moment> = read("since", asked.since.as_ref())?;
            let until: Option<Moment> = read("until", asked.until.as_ref())?;
            (since.map(|since| since.begin(zone)), until.map(|until| until.begin(zone)))
        }
    };
    let book = read("book", asked.book.as_ref())?.unwrap_or(Book::Platform);
    let limit = asked.limit.unwrap_or(LINES).clamp(1, LINES_MAX);
    let figures = figures(&api, &caller);
    let restatement = figures.restatement(&book, window, (first, second), limit).await?;
    Ok(HttpResponse::Ok().json(restatement))
}

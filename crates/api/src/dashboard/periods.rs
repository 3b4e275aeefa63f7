//! Closed periods and revaluations: the lists, and the forms that close, open again and lock.

use actix_web::{HttpResponse, http::StatusCode, web};
use aggregates::period::{Period as PeriodStream, STREAM, commands::PeriodCommand, events::Total};
use askama::Template;
use chrono::NaiveDate;
use kernel::Money;
use projections::periods::{Period, Revaluation};
use serde::Deserialize;
use store::{Direction, Query, fingerprint};

use super::{
    forms::sender,
    frame::{page, see_other},
    lists::once,
    query::Parameters,
    reading::Reader,
    shown::{Amount, Reference, Status, When},
    trouble::{Trouble, Visitor},
    views::Frame,
};
use crate::{
    commands::send, permissions::Permission, resources::periods::close_through, state::Api,
};

const PATH: &str = "/dashboard/periods";
/// Ten years of months.
const ROWS_MAX: usize = 120;

/// A closing in the list.
#[derive(Debug, Clone)]
pub(crate) struct PeriodRow {
    /// The last day that is closed.
    pub(crate) day: String,
    /// closed, reopening, reopened or locked.
    pub(crate) status: Status,
    /// When it was closed.
    pub(crate) closed: When,
    /// By whom.
    pub(crate) by: Reference,
    /// The position of the log that was closed.
    pub(crate) position: u64,
    /// The trial balance there: each book's sum of one side.
    pub(crate) totals: Vec<String>,
    /// Why it is to be opened again, if somebody has asked.
    pub(crate) note: String,
}

/// A revaluation in the list.
#[derive(Debug, Clone)]
pub(crate) struct RevaluationRow {
    /// The day whose rates were used.
    pub(crate) day: String,
    /// Who published them.
    pub(crate) source: String,
    /// A loss, a gain, or nothing.
    pub(crate) result: &'static str,
    /// How much.
    pub(crate) amount: Amount,
    /// When it was done.
    pub(crate) when: When,
}

/// Words for one use, for who may close.
#[derive(Debug, Clone)]
pub(crate) struct Closing {
    /// For closing.
    pub(crate) close: String,
    /// For asking to open the last one again, or agreeing; for locking. If anything is closed.
    pub(crate) undo: Option<(String, String)>,
    /// Yesterday, in the tenant's time zone.
    pub(crate) yesterday: String,
}

/// Periods.
#[derive(Debug, Template)]
#[template(path = "pages/periods.html")]
pub(crate) struct PeriodsPage {
    pub(crate) frame: Frame,
    pub(crate) periods: Vec<PeriodRow>,
    pub(crate) revaluations: Vec<RevaluationRow>,
    pub(crate) closing: Option<Closing>,
}

/// The lists, and the forms.
pub(crate) async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    visitor.0.may(Permission::SeeBooks)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let latest =
        |column| Query::of(reader.tenant()).order_by(column, Direction::Descending).limit(ROWS_MAX);
    let periods: Vec<Period> = reader.rows(latest("through")).await?;
    let revaluations: Vec<Revaluation> = reader.rows(latest("position")).await?;
    let is_closed = |row: &Period| matches!(row.status.as_str(), "closed" | "reopening");
    let closing = if reader.sees_all(Permission::DecideMoney) {
        let today = aggregates::calendar::day_of(reader.now(), reader.zone());
        let yesterday = today.pred_opt().unwrap_or(today).to_string();
        let undo = if periods.iter().any(is_closed) { Some((once()?, once()?)) } else { None };
        Some(Closing { close: once()?, undo, yesterday })
    } else {
        None
    };
    let periods = periods.into_iter().map(|row| period(&reader, row)).collect();
    let revaluations = revaluations.into_iter().map(|row| revaluation(&reader, row)).collect();
    let frame = reader.frame("Periods", PATH, &parameters);
    Ok(page(StatusCode::OK, &PeriodsPage { frame, periods, revaluations, closing }))
}

fn period(reader: &Reader<'_>, row: Period) -> PeriodRow {
    let totals: Vec<Total> = serde_json::from_str(&row.totals).unwrap_or_default();
    let words =
        |total: Total| format!("{}: {}", total.book, Money::new(total.debits, total.currency));
    PeriodRow {
        day: row.day,
        status: Status::of(row.status),
        closed: reader.when(row.closed_at),
        by: Reference::plain(&row.closed_by),
        position: row.evidence_position,
        totals: totals.into_iter().map(words).collect(),
        note: row.reopen_reason.unwrap_or_default(),
    }
}

fn revaluation(reader: &Reader<'_>, row: Revaluation) -> RevaluationRow {
    let result = match row.difference {
        0 => "nothing",
        1.. => "loss",
        i64::MIN..0 => "gain",
    };
    RevaluationRow {
        day: row.day,
        source: row.source,
        result,
        amount: Amount::of(row.difference.saturating_abs(), row.currency),
        when: reader.when(row.revalued_at),
    }
}

/// A period to be closed, opened again or locked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PeriodForm {
    csrf: String,
    once: String,
    #[serde(default)]
    day: String,
    #[serde(default)]
    reason: String,
}

/// Closes everything through a day.
pub(crate) async fn close(
    api: web::Data<Api>,
    visitor: Visitor,
    form: web::Form<PeriodForm>,
) -> Result<HttpResponse, Trouble> {
    let caller = sender(visitor, &form.csrf, &form.once)?;
    let day: NaiveDate = form
        .day
        .parse()
        .map_err(|_| Trouble::malformed("write the day as 2026-03-31").back_to(PATH))?;
    let print = fingerprint(&[b"close", form.day.as_bytes()]);
    let written = close_through(&api, &caller, print, day)
        .await
        .map_err(|problem| Trouble::from(problem).back_to(PATH))?;
    Ok(see_other(&format!("{PATH}?done=closed&after={}", written.position)))
}

/// Asks to open the last period again, or agrees.
pub(crate) async fn reopen(
    api: web::Data<Api>,
    visitor: Visitor,
    form: web::Form<PeriodForm>,
) -> Result<HttpResponse, Trouble> {
    let reason = form.reason.trim().to_owned();
    command(&api, visitor, form, "reopening", |by| PeriodCommand::Reopen { reason, by }).await
}

/// Makes every closing final.
pub(crate) async fn lock(
    api: web::Data<Api>,
    visitor: Visitor,
    form: web::Form<PeriodForm>,
) -> Result<HttpResponse, Trouble> {
    command(&api, visitor, form, "locked", |by| PeriodCommand::Lock { by }).await
}

async fn command(
    api: &Api,
    visitor: Visitor,
    form: web::Form<PeriodForm>,
    done: &str,
    command: impl FnOnce(aggregates::vocabulary::Person) -> PeriodCommand,
) -> Result<HttpResponse, Trouble> {
    let caller = sender(visitor, &form.csrf, &form.once)?;
    caller.may(Permission::DecideMoney)?;
    let print = fingerprint(&[done.as_bytes(), form.reason.as_bytes()]);
    let written = send::<PeriodStream>(api, &caller, print, STREAM, command(caller.person()))
        .await
        .map_err(|problem| Trouble::from(problem).back_to(PATH))?;
    Ok(see_other(&format!("{PATH}?done={done}&after={}", written.position)))
}

//! Accounting periods: closed, opened again by two people, locked; and the valuation of what was
//! exchanged.

use std::{collections::BTreeMap, time::Duration};

use actix_web::{HttpResponse, web};
use aggregates::period::{
    self, Period,
    commands::{Converted, PeriodCommand, StatedRate},
    events::{Evidence, Total},
};
use chrono::NaiveDate;
use kernel::Currency;
use projections::{
    Projection,
    account_balances::{AccountBalance, AccountBalances, balance_hash},
    chart::{Account, Book},
};
use serde::Deserialize;

use super::{books, sellers::Empty};
use crate::{
    commands::{Written, send},
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// How often the balances are read until nothing was folded meanwhile.
const READS_MAX: usize = 20;
const BETWEEN_READS: Duration = Duration::from_millis(20);

/// The last day to be closed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClosing {
    /// `2026-03-31`, a day of the tenant's time zone that is over.
    #[schema(value_type = String)]
    day: NaiveDate,
}

/// Closes the books through a day. What takes effect there and comes later is dated into the open
/// period.
#[utoipa::path(post, path = "/v1/periods", tag = "books", request_body = NewClosing,
    responses((status = 201, body = Written), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn close(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewClosing>,
) -> Result<HttpResponse, Problem> {
    let written = close_through(&api, &caller, body.fingerprint, body.value.day).await?;
    Ok(HttpResponse::Created().json(written))
}

/// Closes the books through a day, for the API and for the dashboard's form.
///
/// # Errors
/// 403, the aggregate's refusal, or a fault.
pub(crate) async fn close_through(
    api: &Api,
    caller: &Caller,
    fingerprint: [u8; 32],
    day: NaiveDate,
) -> Result<Written, Problem> {
    caller.may(Permission::DecideMoney)?;
    let (position, balances) = settled_balances(api, caller).await?;
    let evidence = Evidence {
        position,
        balance_hash: balance_hash(&balances).to_string(),
        totals: totals(&balances)?,
    };
    let zone = caller.info.zone;
    let command = PeriodCommand::Close { day, zone, evidence, by: caller.person() };
    send::<Period>(api, caller, fingerprint, period::STREAM, command).await
}

/// All balances, and the position of the log that they are of.
async fn settled_balances(
    api: &Api,
    caller: &Caller,
) -> Result<(u64, Vec<AccountBalance>), Problem> {
    let head = api.engine.log().head().await?.position;
    crate::extract::After { after: Some(head.0) }.wait(api).await?;
    for _ in 0..READS_MAX {
        let before = position_of_balances(api).await?;
        let balances = books::balances(api, caller.tenant).await?;
        if before.is_some() && position_of_balances(api).await? == before {
            return Ok((before.unwrap_or_default(), balances));
        }
        tokio::time::sleep(BETWEEN_READS).await;
    }
    Err(Problem::unavailable("the balances are changing too fast to be read at one position"))
}

async fn position_of_balances(api: &Api) -> Result<Option<u64>, Problem> {
    let name = AccountBalances.name();
    let checkpoints = api.engine.views().checkpoints().await?;
    let is_it = |known: &str| known.split('@').next() == Some(name);
    let found = checkpoints.iter().filter(|known| is_it(&known.projection));
    Ok(found.map(|checkpoint| checkpoint.position.0).max())
}

/// The sums of both sides of the trial balance.
fn totals(balances: &[AccountBalance]) -> Result<Vec<Total>, Problem> {
    let mut sums: BTreeMap<(String, Currency), (i128, i128)> = BTreeMap::new();
    for row in balances.iter().filter(|row| row.balance != 0) {
        let (debits, credits) = sums.entry((row.book.to_string(), row.currency)).or_default();
        let side = if row.balance > 0 { debits } else { credits };
        *side += i128::from(row.balance.unsigned_abs());
    }
    let fits = |sum: i128| {
        i64::try_from(sum).map_err(|_| Problem::fault("a total exceeds 64-bit minor units"))
    };
    sums.into_iter()
        .map(|((book, currency), (debits, credits))| {
            Ok(Total { book, currency, debits: fits(debits)?, credits: fits(credits)? })
        })
        .collect()
}

/// Why the last closing is to be undone.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReopening {
    /// The first person's words count.
    #[serde(default)]
    reason: String,
}

/// Undoes the last closing; the second of two different people makes it so.
#[utoipa::path(post, path = "/v1/periods/reopen", tag = "books", request_body = NewReopening,
    responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn reopen(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewReopening>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let command = PeriodCommand::Reopen { reason: body.value.reason, by: caller.person() };
    let written = send::<Period>(&api, &caller, body.fingerprint, period::STREAM, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// Makes every closing so far final.
#[utoipa::path(post, path = "/v1/periods/lock", tag = "books",
    responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn lock(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let command = PeriodCommand::Lock { by: caller.person() };
    let written = send::<Period>(&api, &caller, body.fingerprint, period::STREAM, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// A rate: one unit of the currency is worth so many units of the functional currency.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRate {
    #[schema(value_type = String)]
    currency: Currency,
    /// A decimal number as text, such as `1.0850`.
    rate: String,
}

/// The rates of a day.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRevaluation {
    /// The day whose rates these are; the difference takes effect in its last instant.
    #[schema(value_type = String)]
    day: NaiveDate,
    /// The currency in which the tenant reckons.
    #[schema(value_type = String)]
    functional: Currency,
    rates: Vec<NewRate>,
    /// Who published the rates.
    source: String,
}

/// Values what stands on `equity:conversion` at the rates of a day and books the loss or the gain.
#[utoipa::path(post, path = "/v1/revaluations", tag = "books", request_body = NewRevaluation,
    responses((status = 201, body = Written), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn revalue(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewRevaluation>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let NewRevaluation { day, functional, rates, source } = body.value;
    let (_, balances) = settled_balances(&api, &caller).await?;
    let balances = balances
        .into_iter()
        .filter(|row| row.book == Book::Platform && row.account == Account::Conversion)
        .map(|row| Converted { currency: row.currency, minor: row.balance })
        .collect();
    let rates =
        rates.into_iter().map(|NewRate { currency, rate }| StatedRate { currency, rate }).collect();
    let (zone, by) = (caller.info.zone, caller.person());
    let command = PeriodCommand::Revalue { day, zone, functional, balances, rates, source, by };
    let written = send::<Period>(&api, &caller, body.fingerprint, period::STREAM, command).await?;
    Ok(HttpResponse::Created().json(written))
}

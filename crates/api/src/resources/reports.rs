//! Reports: which there are, and each as JSON, CSV or a page that prints well.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web,
};
use engine::reports::{self, AskError, Asked, PARAMETERS, ReportError};
use projections::reports::{Needs, Report, ReportFault, ReportName, Span};
use serde_json::{Value as Json, json};

use crate::{
    dashboard::frame,
    extract::{After, Caller},
    paper,
    permissions::{Permission, Reach},
    problem::Problem,
    state::Api,
};

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        let status = match error {
            AskError::Unknown { .. } | AskError::SellerUnknown(_) => StatusCode::NOT_FOUND,
            AskError::ParameterUnknown { .. }
            | AskError::MonthInvalid(_)
            | AskError::TimeInvalid { .. }
            | AskError::PeriodEmpty { .. }
            | AskError::PeriodTwice(_)
            | AskError::NoPeriod(_)
            | AskError::KnownAtInvalid(_)
            | AskError::KnownAtBeyond { .. }
            | AskError::CurrencyInvalid(_)
            | AskError::SellerInvalid(_)
            | AskError::AccountUnknown(_)
            | AskError::SellerMissing
            | AskError::AccountMissing
            | AskError::DetailInvalid(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.as_ref(), error.to_string())
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Asked(error) => error.into(),
            ReportError::Views(error) => error.into(),
            ReportError::Log(error) => error.into(),
            ReportError::Fault(fault @ ReportFault::TooLong) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "report.too_long", fault.to_string())
            }
            ReportError::Fault(fault @ ReportFault::Overflow(_)) => Self::fault(fault.to_string()),
        }
    }
}

/// Whether a caller may see a report at all.
pub(crate) fn permitted(caller: &Caller, name: ReportName) -> Result<Reach, Problem> {
    match name {
        ReportName::SellerStatement => caller.may(Permission::SeeBalances),
        ReportName::TrialBalance
        | ReportName::GeneralLedger
        | ReportName::Revenue
        | ReportName::MrrMovements
        | ReportName::TaxLiability
        | ReportName::AgedClearing
        | ReportName::AgedReceivables
        | ReportName::PayoutRegister
        | ReportName::Fees
        | ReportName::Gmv
        | ReportName::TakeRate => caller.may(Permission::SeeBooks),
    }
}

/// Makes the report that is asked for by these parameters. A seller gets his own statement.
pub(crate) async fn report(
    api: &Api,
    caller: &Caller,
    name: ReportName,
    parameters: impl IntoIterator<Item = (String, String)>,
) -> Result<Report, Problem> {
    let reach = permitted(caller, name)?;
    let mut asked = Asked::default();
    for (parameter, value) in parameters {
        asked.set(&parameter, value)?;
    }
    if let Reach::Own(own) = reach {
        let own = own.to_string();
        match &asked.seller {
            Some(seller) if *seller != own => return Err(Problem::not_found("seller")),
            Some(_) | None => asked.seller = Some(own),
        }
    }
    let now = api.engine.bus().directory().now(Some(&caller.info));
    let (views, zone) = (&**api.engine.views(), caller.info.zone);
    let known_at = reports::known(&**api.engine.log(), views, zone, &asked).await?;
    let request = asked.resolve(name, zone, now, known_at)?;
    Ok(reports::make(views, caller.tenant, &request).await?)
}

/// The reports a caller may ask for, and by what.
#[utoipa::path(get, path = "/v1/reports", tag = "reports",
    responses((status = 200, body = Object)))]
pub(crate) async fn catalogue(caller: Caller) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBalances)?;
    let data: Vec<Json> = ReportName::all()
        .filter(|name| permitted(&caller, *name).is_ok())
        .map(|name| {
            json!({
                "report": name.to_string(),
                "title": name.title(),
                "summary": name.summary(),
                "over": match name.span() {
                    Span::Period => "period",
                    Span::Instant => "instant",
                    Span::Either => "period or instant",
                },
                "needs": match name.needs() {
                    Needs::Nothing => None,
                    Needs::Account => Some("account"),
                    Needs::Seller => Some("seller"),
                },
            })
        })
        .collect();
    let parameters: BTreeMap<_, _> = PARAMETERS.into_iter().collect();
    Ok(HttpResponse::Ok().json(json!({
        "data": data,
        "parameters": parameters,
        "formats": ["json", "csv", "html"],
    })))
}

/// A report, over a period or as of an instant, as known at a position. Every amount of the JSON
/// names the lines it is the sum of (`figure`).
#[utoipa::path(get, path = "/v1/reports/{name}", tag = "reports",
    params(
        ("format" = Option<String>, Query, description = "json (default), csv or html"),
        ("from" = Option<String>, Query, description = "First instant or day that counts"),
        ("to" = Option<String>, Query, description = "First instant or day that does not count"),
        ("month" = Option<String>, Query, description = "Instead of from and to: 2026-03"),
        ("as_of" = Option<String>, Query, description = "Before this instant, or by the end of this day"),
        ("known_at" = Option<String>, Query, description = "As known at this position, instant or day"),
        ("seller" = Option<String>, Query, description = "Seller statement: which seller"),
        ("account" = Option<String>, Query, description = "General ledger: which account, or family with a *"),
        ("currency" = Option<String>, Query),
        ("book" = Option<String>, Query, description = "platform (default), all, or acct_..."),
        ("detail" = Option<String>, Query, description = "Trial balance: families (default) or accounts"),
        ("after" = Option<u64>, Query)),
    responses((status = 200, body = Object), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn answer(
    api: web::Data<Api>,
    caller: Caller,
    name: web::Path<String>,
    parameters: web::Query<BTreeMap<String, String>>,
) -> Result<HttpResponse, Problem> {
    let name = reports::named(&name)?;
    let mut parameters = parameters.into_inner();
    let after = match parameters.remove("after").map(|text| text.parse()) {
        Some(Ok(position)) => Some(position),
        Some(Err(_)) => {
            return Err(Problem::malformed("after must be a position, a whole number"));
        }
        None => None,
    };
    After { after }.wait(&api).await?;
    let format = parameters.remove("format").unwrap_or_else(|| "json".to_owned());
    if !["json", "csv", "html"].contains(&format.as_str()) {
        let detail = format!("there is no format \"{format}\"; there are json, csv and html");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "report.format_unknown", detail));
    }
    let report = report(&api, &caller, name, parameters).await?;
    Ok(match format.as_str() {
        "csv" => {
            let text =
                reports::csv_text(&report).map_err(|error| Problem::fault(error.to_string()))?;
            let file = format!("attachment; filename=\"{name}.csv\"");
            HttpResponse::Ok()
                .content_type("text/csv; charset=utf-8")
                .insert_header((header::CONTENT_DISPOSITION, file))
                .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .body(text)
        }
        "html" => frame::page(StatusCode::OK, &paper::printed(&report, &caller.info.name)),
        _ => HttpResponse::Ok().json(reports::json(&report)),
    })
}

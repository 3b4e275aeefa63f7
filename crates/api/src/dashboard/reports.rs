//! The reports in the console: a list with a form for each, and each with its other forms.

use actix_web::{HttpResponse, http::StatusCode, web};
use projections::reports::{Needs, ReportName, Span};

use super::{
    frame::page,
    query::{Parameters, link},
    reading::Reader,
    trouble::{Trouble, Visitor},
    views::{Choice, FormField, ReportEntry, ReportPage, ReportsPage},
};
use crate::{
    paper::Sheet,
    permissions::{Permission, Reach},
    resources::reports,
    state::Api,
};

const PATH: &str = "/dashboard/reports";

/// What a page's address may say that is no question to a report.
const PASSING: [&str; 4] = ["after", "done", "cursor", "format"];

/// All reports the visitor may see.
pub(crate) async fn list(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    let reach = visitor.0.may(Permission::SeeBalances)?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let entries = ReportName::all()
        .filter(|name| reports::permitted(&visitor.0, *name).is_ok())
        .map(|name| ReportEntry {
            title: name.title(),
            summary: name.summary(),
            here: format!("{PATH}/{name}"),
            direct: name.needs() == Needs::Nothing || reach != Reach::All,
            fields: fields(name, reach, &Parameters::default()),
        })
        .collect();
    let frame = reader.frame("Reports", PATH, &parameters);
    Ok(page(StatusCode::OK, &ReportsPage { frame, entries }))
}

/// One report.
pub(crate) async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    name: web::Path<String>,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    let back = |problem| Trouble::from(problem).back_to(PATH);
    let name = engine::reports::named(&name).map_err(|error| back(error.into()))?;
    let reach = reports::permitted(&visitor.0, name)?;
    parameters.wait(&api).await?;
    let asked = parameters.without(&PASSING);
    let made = reports::report(&api, &visitor.0, name, asked.pairs()).await.map_err(back)?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let form = |label: &str, format: &str| Choice {
        label: label.to_owned(),
        href: link(&format!("/v1/reports/{name}"), &asked.with("format", format)),
        current: false,
    };
    let shown = ReportPage {
        frame: reader.frame(name.title(), PATH, &parameters),
        here: format!("{PATH}/{name}"),
        forms: vec![form("Print", "html"), form("CSV", "csv"), form("JSON", "json")],
        fields: fields(name, reach, &asked),
        sheet: Sheet::of(&made, reader.sees_all(Permission::SeeBooks)),
    };
    Ok(page(StatusCode::OK, &shown))
}

/// What the form of a report asks.
fn fields(name: ReportName, reach: Reach, asked: &Parameters) -> Vec<FormField> {
    let field = |name: &'static str, label, hint, required| FormField {
        name,
        label,
        hint,
        required,
        value: asked.get(name).unwrap_or_default().to_owned(),
    };
    let mut fields = Vec::new();
    match name.needs() {
        Needs::Seller if reach == Reach::All => {
            fields.push(field("seller", "Seller", "sel_\u{2026}", true));
        }
        Needs::Account => {
            fields.push(field("account", "Account", "assets:stripe:balance", true));
        }
        Needs::Seller | Needs::Nothing => {}
    }
    if name.span() == Span::Instant {
        fields.push(field("as_of", "As of", "2026-03-31", false));
    } else {
        fields.push(field("month", "Month", "2026-03", false));
        fields.push(field("from", "From", "2026-03-01", false));
        fields.push(field("to", "Before", "2026-04-01", false));
    }
    if name.span() == Span::Either {
        fields.push(field("as_of", "As of", "2026-03-31", false));
        fields.push(field("detail", "Detail", "accounts", false));
        fields.push(field("book", "Book", "platform", false));
    }
    fields.push(field("currency", "Currency", "all", false));
    fields.push(field("known_at", "Known at", "now", false));
    fields
}

//! The event stream as a file an auditor can check offline, and the books as accounting programs read
//! them: sent while they are read, a page at a time.

use ::books::{BooksFault, Format, Scope, TextExport, day};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use engine::export::{ExportError, ExportScope, Exporter};
use futures::{Stream, stream};
use serde::Deserialize;
use store::Position;

use crate::{extract::Caller, permissions::Permission, problem::Problem, state::Api};

/// Up to where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportThrough {
    /// Position; default: the end.
    through: Option<u64>,
}

/// The tenant's event stream up to and including a position (by default the last one now), one JSON
/// object per line. The header `Daybook-Through` says up to which; ask for the manifest with it.
#[utoipa::path(get, path = "/v1/export", tag = "audit",
    params(("through" = Option<u64>, Query, description = "Position; default: the end")),
    responses((status = 200, content_type = "application/x-ndjson", body = String,
        headers(("Daybook-Through" = u64, description = "Up to and including this position"))),
        (status = 400, body = Problem)))]
pub(crate) async fn stream(
    api: web::Data<Api>,
    caller: Caller,
    part: web::Query<ExportThrough>,
) -> Result<HttpResponse, Problem> {
    let exporter = start(&api, &caller, &part).await?;
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((THROUGH, exporter.through().to_string()))
        .streaming(pages(exporter)))
}

/// The manifest of an export through the same position: count, first and last position, and the
/// RFC 6962 root that `daybook verify` checks the lines against.
#[utoipa::path(get, path = "/v1/export/manifest", tag = "audit",
    params(("through" = Option<u64>, Query, description = "Position; default: the end")),
    responses((status = 200, body = Object), (status = 400, body = Problem)))]
pub(crate) async fn manifest(
    api: web::Data<Api>,
    caller: Caller,
    part: web::Query<ExportThrough>,
) -> Result<HttpResponse, Problem> {
    let mut exporter = start(&api, &caller, &part).await?;
    let mut lines = Vec::new();
    while exporter.next_page(&mut lines).await.map_err(problem)? {
        lines.clear();
    }
    Ok(HttpResponse::Ok()
        .insert_header((THROUGH, exporter.through().to_string()))
        .json(exporter.manifest()))
}

const THROUGH: &str = "Daybook-Through";

async fn start(
    api: &Api,
    caller: &Caller,
    part: &ExportThrough,
) -> Result<Exporter<'static>, Problem> {
    caller.may(Permission::ReadAudit)?;
    let scope = ExportScope { tenant: Some(caller.tenant), through: part.through.map(Position) };
    Exporter::shared(api.engine.log().clone(), scope).await.map_err(problem)
}

fn problem(error: ExportError) -> Problem {
    match error {
        ExportError::BeyondHead { .. } => Problem::malformed(error.to_string()),
        ExportError::Log(error) => error.into(),
        ExportError::Write(error) => Problem::fault(error.to_string()),
    }
}

/// The lines, read only as fast as they are taken. A fault cuts the answer off, so that nobody takes
/// half of it for the whole.
fn pages(exporter: Exporter<'static>) -> impl Stream<Item = Result<Bytes, ExportError>> {
    stream::try_unfold(exporter, |mut exporter| async move {
        let mut lines = Vec::new();
        while lines.is_empty() {
            if !exporter.next_page(&mut lines).await? {
                return Ok(None);
            }
        }
        Ok(Some((Bytes::from(lines), exporter)))
    })
}

/// Which part of the books, written as what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BooksWanted {
    /// hledger, ledger, beancount or csv.
    format: String,
    /// First day.
    from: Option<String>,
    /// Last day.
    to: Option<String>,
    /// `platform`, or a connected account.
    book: Option<String>,
    /// Position; default: the end.
    through: Option<u64>,
}

/// The books as accounting programs read them: a journal for hledger, ledger or beancount that asserts
/// its own balances, or a general ledger as CSV. The header `Daybook-Through` says up to which position.
#[utoipa::path(get, path = "/v1/books", tag = "audit",
    params(
        ("format" = String, Query, description = "hledger, ledger, beancount or csv"),
        ("from" = Option<String>, Query, description = "First day, in the tenant's time zone; \
            what stood before becomes opening balances"),
        ("to" = Option<String>, Query, description = "Last day; it is included"),
        ("book" = Option<String>, Query, description = "platform, or a connected account; \
            default: all"),
        ("through" = Option<u64>, Query, description = "As known at this position; default: the end")),
    responses((status = 200, content_type = "text/plain", body = String,
        headers(("Daybook-Through" = u64, description = "Up to and including this position"))),
        (status = 400, body = Problem)))]
pub(crate) async fn books(
    api: web::Data<Api>,
    caller: Caller,
    wanted: web::Query<BooksWanted>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadAudit)?;
    let malformed = |error: &dyn std::fmt::Display| Problem::malformed(error.to_string());
    let format = Format::named(&wanted.format).map_err(|error| malformed(&error))?;
    let read = |text: &Option<String>| text.as_deref().map(day).transpose();
    let scope = Scope {
        tenant: caller.tenant,
        through: wanted.through.map(Position),
        from: read(&wanted.from).map_err(|error| malformed(&error))?,
        to: read(&wanted.to).map_err(|error| malformed(&error))?,
        book: wanted
            .book
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| Problem::malformed("a book is platform or a connected account"))?,
    };
    let log = api.engine.log().clone();
    let export = TextExport::start(log, scope, format).await.map_err(books_problem)?;
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((THROUGH, export.through().to_string()))
        .streaming(stream::try_unfold(export, |mut export| async move {
            let mut text = String::new();
            while text.is_empty() {
                if !export.next_page(&mut text).await? {
                    return Ok::<_, BooksFault>(None);
                }
            }
            Ok(Some((Bytes::from(text), export)))
        })))
}

fn books_problem(fault: BooksFault) -> Problem {
    match fault {
        BooksFault::BeyondHead { .. } | BooksFault::Senseless(_) => {
            Problem::malformed(fault.to_string())
        }
        BooksFault::Log(error) => error.into(),
        BooksFault::Fact { .. }
        | BooksFault::Overflow(_)
        | BooksFault::File { .. }
        | BooksFault::Parquet(_)
        | BooksFault::Row(_) => Problem::fault(fault.to_string()),
    }
}

//! Manual adjustments: the list, the form that proposes one, and the buttons that decide.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, http::StatusCode, web};
use aggregates::{
    adjustment::events::{AdjustmentLine, Content, Reason},
    calendar,
    vocabulary::Side,
};
use askama::Template;
use chrono::NaiveDate;
use kernel::{AdjustmentId, Currency, SellerId, Timestamp};
use projections::adjustments::Adjustment;
use serde::Deserialize;
use store::fingerprint;

use super::{
    forms::{minor_of, sender},
    frame::{page, see_other},
    lists::{cut, once},
    pages::{filters, next, words},
    query::Parameters,
    reading::{PAGE_ROWS, Reader, cursor_of, page_of},
    shown::{Amount, Reference, Status, When},
    trouble::{Trouble, Visitor},
    views::{Frame, Paging},
};
use crate::{
    extract::Caller,
    permissions::Permission,
    resources::adjustments::{AdjustmentAction, decide, propose_content},
    state::Api,
};

const PATH: &str = "/dashboard/adjustments";
/// How many lines the form offers; the API takes more.
const FORM_LINES: u8 = 6;

/// A line of an adjustment.
#[derive(Debug, Clone)]
pub(crate) struct LineRow {
    /// The account's name, or the seller.
    pub(crate) account: String,
    /// How much on the left, if it is on the left.
    pub(crate) debit: Option<Amount>,
    /// How much on the right, if it is on the right.
    pub(crate) credit: Option<Amount>,
}

/// An adjustment in the list.
#[derive(Debug, Clone)]
pub(crate) struct AdjustmentRow {
    /// The adjustment.
    pub(crate) adjustment: Reference,
    /// Why, as a code.
    pub(crate) reason: Status,
    /// How it stands.
    pub(crate) status: Status,
    /// When it takes effect.
    pub(crate) effective: When,
    /// Who proposed it.
    pub(crate) proposed_by: Reference,
    /// Why, in words; and what the one who rejected it said.
    pub(crate) memo: String,
    /// Its debits.
    pub(crate) amount: Amount,
    /// Its lines.
    pub(crate) lines: Vec<LineRow>,
    /// Its id and a word for one use, for who may approve or reject it.
    pub(crate) decide: Option<(String, String)>,
    /// The same, for the one who proposed it.
    pub(crate) withdraw: Option<(String, String)>,
}

/// What the form that proposes one needs.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// A word for one use.
    pub(crate) once: String,
    /// The reasons, as codes and as words.
    pub(crate) reasons: Vec<(String, String)>,
    /// The numbers of its lines.
    pub(crate) lines: Vec<u8>,
    /// Today, in the tenant's time zone.
    pub(crate) today: String,
}

/// Manual adjustments.
#[derive(Debug, Template)]
#[template(path = "pages/adjustments.html")]
pub(crate) struct AdjustmentsPage {
    pub(crate) frame: Frame,
    pub(crate) paging: Paging,
    pub(crate) adjustments: Vec<AdjustmentRow>,
    pub(crate) proposal: Option<Proposal>,
}

/// The list, and the form.
pub(crate) async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    visitor.0.may(Permission::SeeBooks)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let decides = reader.sees_all(Permission::DecideMoney);
    let columns = ["proposed_at", "adjustment"];
    let mut query = page_of(reader.tenant(), columns, parameters.get("cursor"))?;
    if let Some(status) = parameters.get("status") {
        query = query.eq("status", status);
    }
    let rows: Vec<Adjustment> = reader.rows(query.limit(PAGE_ROWS + 1)).await?;
    let (rows, cursor) = cut(rows, PAGE_ROWS, |row| cursor_of(row.proposed_at, &row.adjustment));
    let me = visitor.0.person();
    let mut adjustments = Vec::with_capacity(rows.len());
    for row in rows {
        let waits = row.status == "proposed" && decides;
        let mine = row.proposed_by == me.as_str();
        let button = |shown: bool| -> Result<Option<(String, String)>, Trouble> {
            if shown { Ok(Some((row.adjustment.clone(), once()?))) } else { Ok(None) }
        };
        let (decide, withdraw) = (button(waits && !mine)?, button(waits && mine)?);
        adjustments.push(shown(&reader, row, decide, withdraw));
    }
    let known = words(&["proposed", "approved", "rejected", "withdrawn"]);
    let paging = Paging {
        filters: filters(PATH, &parameters, "status", known),
        next: next(PATH, &parameters, cursor),
    };
    let proposal = if decides { Some(proposal(&reader)?) } else { None };
    let frame = reader.frame("Adjustments", PATH, &parameters);
    Ok(page(StatusCode::OK, &AdjustmentsPage { frame, paging, adjustments, proposal }))
}

fn proposal(reader: &Reader<'_>) -> Result<Proposal, Trouble> {
    let today = calendar::day_of(reader.now(), reader.zone());
    let reasons = Reason::ALL
        .iter()
        .map(|reason| (reason.to_string(), reason.to_string().replace('_', " ")))
        .collect();
    let lines = (1..=FORM_LINES).collect();
    Ok(Proposal { once: once()?, reasons, lines, today: today.to_string() })
}

fn shown(
    reader: &Reader<'_>,
    row: Adjustment,
    decide: Option<(String, String)>,
    withdraw: Option<(String, String)>,
) -> AdjustmentRow {
    let lines: Vec<AdjustmentLine> = serde_json::from_str(&row.lines).unwrap_or_default();
    let line = |line: AdjustmentLine| {
        let amount = Some(Amount::of(line.minor, row.currency));
        let (debit, credit) = match line.side {
            Side::Debit => (amount, None),
            Side::Credit => (None, amount),
        };
        let seller = || line.seller.map(|seller| seller.to_string()).unwrap_or_default();
        LineRow { account: line.account.clone().unwrap_or_else(seller), debit, credit }
    };
    AdjustmentRow {
        adjustment: Reference::plain(&row.adjustment),
        reason: Status::of(row.reason),
        status: Status::of(row.status),
        effective: reader.when(row.effective_at),
        proposed_by: Reference::plain(&row.proposed_by),
        memo: row.note.map_or(row.memo.clone(), |note| format!("{} – {note}", row.memo)),
        amount: Amount::of(row.minor, row.currency),
        lines: lines.into_iter().map(line).collect(),
        decide,
        withdraw,
    }
}

/// Proposes an adjustment: what an accountant writes on a voucher.
pub(crate) async fn propose(
    api: web::Data<Api>,
    visitor: Visitor,
    form: web::Form<BTreeMap<String, String>>,
) -> Result<HttpResponse, Trouble> {
    let field = |name: &str| form.get(name).map_or("", |text| text.trim());
    let caller = sender(visitor, field("csrf"), field("once"))?;
    caller.may(Permission::DecideMoney)?;
    let content =
        content_of(&caller, &form).map_err(|words| Trouble::malformed(words).back_to(PATH))?;
    let text = serde_json::to_string(&content).unwrap_or_default();
    let print = fingerprint(&[b"adjustment", text.as_bytes()]);
    let written = propose_content(&api, &caller, print, content)
        .await
        .map_err(|problem| Trouble::from(problem).back_to(PATH))?;
    Ok(see_other(&format!("{PATH}?done=proposed&after={}", written.position)))
}

fn content_of(caller: &Caller, form: &BTreeMap<String, String>) -> Result<Content, String> {
    let field = |name: &str| form.get(name).map_or("", |text| text.trim());
    let currency: Currency =
        field("currency").parse().map_err(|_| "this is no currency".to_owned())?;
    let day: NaiveDate =
        field("day").parse().map_err(|_| "write the day as 2026-03-31".to_owned())?;
    let effective: Timestamp = calendar::start_of(day, caller.info.zone)
        .ok_or_else(|| "there is no such day".to_owned())?;
    let reason: Reason = field("reason").parse().map_err(|_| "choose a reason".to_owned())?;
    let mut lines = Vec::new();
    for number in 1..=FORM_LINES {
        let part = |name: &str| field(&format!("{name}_{number}")).to_owned();
        let (account, debit, credit) = (part("account"), part("debit"), part("credit"));
        let (side, amount) = match (debit.as_str(), credit.as_str()) {
            ("", "") if account.is_empty() => continue,
            ("", amount) => (Side::Credit, amount),
            (amount, "") => (Side::Debit, amount),
            (_, _) => return Err(format!("line {number} is on both sides")),
        };
        let minor = minor_of(amount, currency).ok_or_else(|| {
            format!("write the amount of line {number} in digits, such as 120.50")
        })?;
        let seller: Option<SellerId> = account.parse().ok();
        let account = seller.is_none().then_some(account);
        lines.push(AdjustmentLine { account, side, minor, seller });
    }
    Ok(Content {
        lines,
        currency,
        effective,
        reason,
        memo: field("memo").to_owned(),
        evidence_hash: field("evidence_hash").to_ascii_lowercase(),
        reverses: None,
    })
}

/// A decision about an adjustment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    csrf: String,
    once: String,
    #[serde(default)]
    note: String,
}

/// Approves, rejects or withdraws one.
pub(crate) async fn act(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<(String, AdjustmentAction)>,
    form: web::Form<Decision>,
) -> Result<HttpResponse, Trouble> {
    let caller = sender(visitor, &form.csrf, &form.once)?;
    let (id, action) = path.into_inner();
    let adjustment: AdjustmentId = id.parse().map_err(|_| Trouble::not_found("adjustment"))?;
    let done = match action {
        AdjustmentAction::Approve => "adjusted",
        AdjustmentAction::Reject => "rejected",
        AdjustmentAction::Withdraw => "withdrawn",
    };
    let note = form.note.trim().to_owned();
    let print = fingerprint(&[done.as_bytes(), id.as_bytes(), note.as_bytes()]);
    let written = decide(&api, &caller, print, (adjustment, action), note)
        .await
        .map_err(|problem| Trouble::from(problem).back_to(PATH))?;
    Ok(see_other(&format!("{PATH}?done={done}&after={}", written.position)))
}

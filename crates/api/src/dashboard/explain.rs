//! Where a figure comes from: its lines, their events, the causes of these, and Stripe's messages.

use actix_web::{HttpResponse, http::StatusCode, web};
use engine::explain::{ExplainedLine, Explanation, Question, explain_figure};
use kernel::{SellerId, Timestamp};
use projections::{chart::Book, journal::JournalLine, selectors::FIGURES};
use store::{Filter, Metadata, Position, Query, Recorded, Value};
use uuid::Uuid;

use super::{
    frame::page,
    order::actor_words,
    query::{Parameters, link},
    reading::Reader,
    shown::{Amount, Reference},
    trouble::{Trouble, Visitor},
    views::{CauseRow, Choice, EventPage, ExplainPage, FigureLine, JournalRow},
};
use crate::{
    permissions::{Permission, Reach},
    resources::figures::{Asked, figures, question},
    state::Api,
};

const PATH: &str = "/dashboard/explain";
const LINES: usize = 100;
const CAUSES_MAX: usize = 32;

/// The parts of a seller's balance.
const PARTS: [(&str, &str); 6] = [
    ("total", "Total"),
    ("pending", "Pending"),
    ("available", "Available"),
    ("reserve", "Reserve"),
    ("dispute-hold", "Dispute hold"),
    ("receivable", "Owed"),
];

/// What the address asks for.
fn asked(parameters: &Parameters) -> Asked {
    let text = |name| parameters.get(name).map(str::to_owned);
    Asked {
        figure: text("figure"),
        account: text("account"),
        part: text("part"),
        currency: text("currency"),
        book: text("book"),
        seller: text("seller"),
        organizer: text("organizer"),
        order: text("order"),
        product: text("product"),
        event: text("event"),
        membership: text("membership"),
        channel: text("channel"),
        event_type: text("event_type"),
        as_of: text("as_of"),
        from: text("from"),
        to: text("to"),
        known_at: text("known_at"),
        before: text("before"),
        limit: Some(LINES),
        after: None,
    }
}

/// Any figure, line by line: a seller's, the platform's, or the balance of an account.
pub(crate) async fn figure(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    let asked = asked(&parameters);
    let seller: Option<SellerId> = asked.seller.as_ref().and_then(|id| id.parse().ok());
    if seller.is_none() && (asked.seller.is_some() || is_about_a_seller(&asked)) {
        return Err(Trouble::not_found("seller"));
    }
    if let Some(seller) = seller {
        visitor.0.may_for(Permission::SeeBalances, seller)?;
    }
    let mut question = question(&api, &visitor.0, &asked).await?;
    question.causes = false;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let explained = explain_figure(figures(&api, &visitor.0), &question)
        .await
        .map_err(crate::problem::Problem::from)?;
    let label = label(&asked, &explained.figure);
    let of = match explained.seller {
        Some(seller) => reader
            .seller_names([seller])
            .await?
            .remove(&seller)
            .ok_or_else(|| Trouble::not_found("seller"))?,
        None => Reference::plain("the books"),
    };
    let amount = |minor| Amount::of(minor, explained.currency);
    let page_of = ExplainPage {
        frame: reader.frame(&label, PATH, &parameters),
        figure: label,
        account: accounts_of(&question),
        of,
        choices: choices(&asked, &parameters),
        amount: amount(explained.minor),
        lines: shown(&reader, &explained).await?,
        earlier: (explained.earlier.is_some() || explained.opening != 0)
            .then(|| amount(explained.opening)),
        older: explained
            .earlier
            .as_ref()
            .map(|cursor| link(PATH, &parameters.with("before", cursor))),
    };
    Ok(page(StatusCode::OK, &page_of))
}

const fn is_about_a_seller(asked: &Asked) -> bool {
    asked.figure.is_none() && asked.account.is_none()
}

/// What the figure is called on the page.
fn label(asked: &Asked, figure: &str) -> String {
    let part = asked.part.as_deref().unwrap_or("total");
    match PARTS.into_iter().find(|(word, _)| *word == part) {
        Some((_, label)) if is_about_a_seller(asked) => label.to_owned(),
        _ => figure.replace('_', " "),
    }
}

/// The account, if it is one.
fn accounts_of(question: &Question) -> String {
    let accounts: Vec<String> = question
        .selector
        .parts
        .iter()
        .flat_map(|part| question.selector.series_of(part).unwrap_or_else(|| part.accounts.clone()))
        .collect();
    match accounts.as_slice() {
        [account] => account.clone(),
        _ => "several accounts".to_owned(),
    }
}

/// The other figures one may look at from here.
fn choices(asked: &Asked, parameters: &Parameters) -> Vec<Choice> {
    let parameters = parameters.with("before", "");
    if is_about_a_seller(asked) {
        let part = asked.part.as_deref().unwrap_or("total");
        return PARTS
            .into_iter()
            .map(|(word, label)| Choice {
                label: label.to_owned(),
                href: link(PATH, &parameters.with("part", word)),
                current: word == part,
            })
            .collect();
    }
    let parameters = parameters.with("account", "");
    FIGURES
        .iter()
        .filter(|figure| asked.seller.is_none() || figure.for_sellers)
        .map(|figure| Choice {
            label: figure.name.replace('_', " "),
            href: link(PATH, &parameters.with("figure", figure.name)),
            current: asked.figure.as_deref() == Some(figure.name),
        })
        .collect()
}

/// The lines of a figure, the latest first.
async fn shown(reader: &Reader<'_>, explained: &Explanation) -> Result<Vec<FigureLine>, Trouble> {
    let order = |line: &ExplainedLine| line.order.as_ref().and_then(|id| id.parse().ok());
    let orders = reader.order_names(explained.lines.iter().filter_map(order)).await?;
    let mut lines = Vec::with_capacity(explained.lines.len());
    for line in explained.lines.iter().rev() {
        let effective: Timestamp = line
            .effective_at
            .parse()
            .map_err(|_| Trouble::fault(format!("line {}: no instant", line.position)))?;
        lines.push(FigureLine {
            position: line.position,
            when: reader.when(effective),
            event: line.event_type.clone(),
            about: order(line).and_then(|id| orders.get(&id).cloned()).or_else(|| about(line)),
            amount: Amount::of(line.minor, explained.currency),
            running: Amount::of(line.running, explained.currency),
            explain: format!("/dashboard/events/{}", line.position),
        });
    }
    Ok(lines)
}

fn about(line: &ExplainedLine) -> Option<Reference> {
    let objects = &line.objects;
    [&objects.refund, &objects.dispute, &objects.payout, &line.claim, &objects.txn]
        .into_iter()
        .find_map(|id| id.as_ref().map(Reference::plain))
}

/// One event: what it posted, and why it happened. A seller sees the lines that are about him.
pub(crate) async fn event(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<String>,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    let unknown = || Trouble::not_found("event");
    let position: u64 = path.parse().map_err(|_| unknown())?;
    let before = position.checked_sub(1).ok_or_else(unknown)?;
    let reach = visitor.0.may(Permission::SeeBalances)?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let read = api.engine.log().read_all(Position(before), 1).await?;
    let recorded = read
        .events
        .into_iter()
        .find(|recorded| {
            recorded.position.0 == position && recorded.stream.tenant == reader.tenant()
        })
        .ok_or_else(unknown)?;
    let at = Value::Int(i64::try_from(position).map_err(|_| unknown())?);
    let query = Query::of(reader.tenant()).filter(Filter::Eq("position", at));
    let mut lines: Vec<JournalLine> = reader.all(query).await?;
    if let Reach::Own(seller) = reach {
        lines.retain(|line| line.seller == Some(seller));
        if lines.is_empty() {
            return Err(unknown());
        }
    }
    let audits = reader.sees_all(Permission::ReadAudit);
    let shown = EventPage {
        frame: reader.frame(&format!("Event {position}"), PATH, &parameters),
        position,
        event_id: recorded.id.to_string(),
        lines: lines.iter().map(journal_row).collect(),
        payload: audits.then(|| indented(&recorded.payload)),
        causes: causes(&reader, recorded, audits).await?,
    };
    Ok(page(StatusCode::OK, &shown))
}

fn journal_row(line: &JournalLine) -> JournalRow {
    let size = Amount::of(line.minor.checked_abs().unwrap_or(i64::MAX), line.currency);
    JournalRow {
        entry: line.entry.saturating_add(1),
        book: match &line.book {
            Book::Platform => "Platform".to_owned(),
            Book::Mirror(account) => account.0.clone(),
        },
        account: line.account.name(),
        debit: (line.minor > 0).then_some(size),
        credit: (line.minor < 0).then_some(size),
    }
}

fn indented(payload: &str) -> String {
    serde_json::from_str::<serde_json::Value>(payload)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| payload.to_owned())
}

/// From an event back to its first cause. Who acted, and in which request, is for auditors.
async fn causes(
    reader: &Reader<'_>,
    event: Recorded,
    audits: bool,
) -> Result<Vec<CauseRow>, Trouble> {
    let mut rows = Vec::new();
    let mut next = Some(event);
    while let Some(recorded) = next.take().filter(|_| rows.len() < CAUSES_MAX) {
        if recorded.stream.tenant != reader.tenant() {
            break;
        }
        let metadata = Metadata::from_json(&recorded.metadata)
            .map_err(|error| Trouble::fault(format!("event {}: {error}", recorded.position.0)))?;
        let cause = metadata.cause;
        let kind = serde_json::to_value(cause.actor.kind).unwrap_or_default();
        let who = actor_words(kind.as_str().unwrap_or_default(), &cause.actor.id);
        rows.push(CauseRow {
            position: recorded.position.0,
            what: recorded.event_type.to_string(),
            stream: format!("{} {}", recorded.stream.category, recorded.stream.id),
            when: reader.when(recorded.recorded_at),
            who: if audits { who } else { kind.as_str().unwrap_or_default().replace('_', " ") },
            request: cause.request.filter(|_| audits).map(|request| request.to_string()),
            webhook: cause.webhook,
            href: format!("/dashboard/events/{}", recorded.position.0),
        });
        let causation = cause.causation.and_then(|id| Uuid::try_parse(&id).ok());
        next = match causation {
            Some(id) => reader.api.engine.log().event_by_id(id).await?,
            None => None,
        };
    }
    Ok(rows)
}

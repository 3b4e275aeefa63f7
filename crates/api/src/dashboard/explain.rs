//! Where a figure comes from: its lines, their events, the causes of these, and Stripe's messages.

use actix_web::{HttpResponse, http::StatusCode, web};
use kernel::{Currency, SellerId};
use projections::{
    chart::{Account, Book, SellerPart},
    journal::JournalLine,
};
use store::{Filter, Metadata, Position, Query, Recorded, Value};
use uuid::Uuid;

use super::{
    frame::page,
    money::sum,
    order::actor_words,
    query::{Parameters, link},
    reading::Reader,
    shown::{Amount, Reference},
    trouble::{Trouble, Visitor},
    views::{CauseRow, Choice, EventPage, ExplainPage, FigureLine, JournalRow},
};
use crate::{
    permissions::{Permission, Reach},
    state::Api,
};

const PATH: &str = "/dashboard/explain";
const LINES: usize = 100;
const CAUSES_MAX: usize = 32;

/// The figures of a seller that can be explained, and the accounts each is the sum of.
const PARTS: [(&str, &str); 6] = [
    ("total", "Total"),
    ("pending", "Pending"),
    ("available", "Available"),
    ("reserve", "Reserve"),
    ("dispute-hold", "Dispute hold"),
    ("receivable", "Owed"),
];

fn accounts(seller: SellerId, part: &str) -> Vec<Account> {
    let own = |part| Account::Seller(seller, part);
    match part {
        "pending" => vec![own(SellerPart::Pending)],
        "available" => vec![own(SellerPart::Available)],
        "reserve" => vec![own(SellerPart::Reserve)],
        "dispute-hold" => vec![own(SellerPart::DisputeHold)],
        "receivable" => vec![Account::Receivable(seller)],
        _ => vec![
            own(SellerPart::Pending),
            own(SellerPart::Available),
            own(SellerPart::Reserve),
            own(SellerPart::DisputeHold),
            Account::Receivable(seller),
        ],
    }
}

/// A seller's figure, line by line.
pub(crate) async fn figure(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    let seller: Option<SellerId> = parameters.get("seller").and_then(|id| id.parse().ok());
    let seller = seller.ok_or_else(|| Trouble::not_found("seller"))?;
    visitor.0.may_for(Permission::SeeBalances, seller)?;
    let currency = parameters.get("currency").and_then(|code| code.parse().ok());
    let currency: Currency = currency.ok_or_else(|| Trouble::malformed("name a currency"))?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let asked = parameters.get("part").unwrap_or("total");
    let (part, label) = PARTS
        .into_iter()
        .find(|(part, _)| *part == asked)
        .ok_or_else(|| Trouble::not_found("figure"))?;
    let accounts = accounts(seller, part);
    let names: Vec<Value> = accounts.iter().map(|account| Value::text(account.name())).collect();
    let query = Query::of(reader.tenant())
        .filter(Filter::In("account", names))
        .eq("currency", currency.code())
        .eq("book", "platform");
    let lines: Vec<JournalLine> = reader.all(query).await?;
    let before = parameters.number("before");
    let of = reader.seller_names([seller]).await?.remove(&seller);
    let (amount, shown, earlier) = running(&reader, &lines, currency, before).await?;
    let older = earlier
        .and_then(|_| shown.last())
        .map(|line| link(PATH, &parameters.with("before", &line.position.to_string())));
    let explained = ExplainPage {
        frame: reader.frame(label, PATH, &parameters),
        figure: label.to_owned(),
        account: if accounts.len() == 1 { accounts[0].name() } else { "all parts".to_owned() },
        of: of.ok_or_else(|| Trouble::not_found("seller"))?,
        choices: PARTS
            .into_iter()
            .map(|(word, label)| Choice {
                label: label.to_owned(),
                href: link(PATH, &parameters.with("before", "").with("part", word)),
                current: word == part,
            })
            .collect(),
        amount,
        lines: shown,
        earlier,
        older,
    };
    Ok(page(StatusCode::OK, &explained))
}

/// The figure, its latest lines with the sum after each, and what all earlier ones come to.
async fn running(
    reader: &Reader<'_>,
    lines: &[JournalLine],
    currency: Currency,
    before: Option<u64>,
) -> Result<(Amount, Vec<FigureLine>, Option<Amount>), Trouble> {
    let mut sums = Vec::with_capacity(lines.len());
    let mut total = 0_i64;
    for line in lines {
        // Debits are positive in the journal; what a seller is owed stands on the credit side.
        total = sum([total, minor_of(line)?])?;
        sums.push(total);
    }
    let end = lines.partition_point(|line| before.is_none_or(|before| line.position.0 < before));
    // Lines of one event stay on one page, so that the next page can begin behind a position.
    let mut start = end.saturating_sub(LINES);
    while start > 0 && lines[start - 1].position == lines[start].position {
        start -= 1;
    }
    let page = &lines[start..end];
    let orders = reader.order_names(page.iter().filter_map(|line| line.order_id)).await?;
    let mut shown = Vec::with_capacity(page.len());
    for (line, running) in page.iter().zip(&sums[start..end]).rev() {
        shown.push(FigureLine {
            position: line.position.0,
            when: reader.when(line.effective_at),
            event: line.event_type.clone(),
            about: about(line, |order| orders.get(&order).cloned()),
            amount: Amount::of(minor_of(line)?, currency),
            running: Amount::of(*running, currency),
            explain: format!("/dashboard/events/{}", line.position.0),
        });
    }
    let earlier = if start == 0 { None } else { Some(Amount::of(sums[start - 1], currency)) };
    let figure = if end == 0 { 0 } else { sums[end - 1] };
    Ok((Amount::of(figure, currency), shown, earlier))
}

fn minor_of(line: &JournalLine) -> Result<i64, Trouble> {
    line.minor.checked_neg().ok_or_else(|| Trouble::fault("a line exceeds 64-bit minor units"))
}

fn about(
    line: &JournalLine,
    order: impl Fn(kernel::OrderId) -> Option<Reference>,
) -> Option<Reference> {
    line.order_id
        .and_then(order)
        .or_else(|| line.refund.map(Reference::plain))
        .or_else(|| line.dispute.map(Reference::plain))
        .or_else(|| line.payout.map(Reference::plain))
        .or_else(|| line.claim.as_ref().map(Reference::plain))
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

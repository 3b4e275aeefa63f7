//! Why a balance is what it is: from the figure down to lines, events, causes and raw webhooks.
//!
//! A figure is a selection of journal lines. Their running sum ends in the figure, by construction;
//! every line names its event, every event its cause, up to the request or the webhook it began with.

use std::collections::HashMap;

use kernel::{Currency, Money, SellerId, TenantId};
use projections::journal::JournalLine;
use serde::Serialize;
use store::{
    Direction, Filter, Log, LogError, Metadata, Query, Value, Views, ViewsError, ViewsExt,
};
use uuid::Uuid;

/// Which of a seller's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SellerFigure {
    /// Whose data.
    pub tenant: TenantId,
    /// Whose balance.
    pub seller: SellerId,
    /// In which currency.
    pub currency: Currency,
    /// One part of it (`pending`, `available`, `reserve`, `dispute-hold`, `receivable`), or all.
    pub part: Option<String>,
}

/// A figure and all that makes it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whose balance.
    pub seller: SellerId,
    /// In which currency; all amounts are its minor units.
    pub currency: Currency,
    /// Which part, or `total`.
    pub part: String,
    /// The figure, from the seller's side: what he is owed is positive.
    pub minor: i64,
    /// The same for people.
    pub amount: String,
    /// The lines, in the order of the log.
    pub lines: Vec<ExplainedLine>,
}

/// One journal line of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedLine {
    /// Where the event stands in the log.
    pub position: u64,
    /// When it took effect, RFC 3339.
    pub effective_at: String,
    /// The account.
    pub account: String,
    /// What it was, such as `sale` or `refund`.
    pub nature: String,
    /// From the seller's side, minor units.
    pub minor: i64,
    /// The sum so far; in the last line, the figure.
    pub running: i64,
    /// The order it is about.
    pub order: Option<String>,
    /// The claim it settles.
    pub claim: Option<String>,
    /// The event that posted it, and what led to it: the event itself first, the first cause last.
    pub causes: Vec<CauseStep>,
}

/// One event in a chain of causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseStep {
    /// Where it stands in the log.
    pub position: u64,
    /// Its identity.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: String,
    /// Who acted.
    pub actor: String,
    /// In which request.
    pub request: Option<String>,
    /// The webhook that brought the news.
    pub webhook: Option<String>,
    /// When it was recorded, RFC 3339.
    pub recorded_at: String,
}

/// Why a figure could not be explained.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// The read models cannot be read.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The sum of the lines does not fit into 64 bits of minor units.
    #[error("the lines of this figure exceed 64-bit minor units")]
    Overflow,
    /// There is no such part.
    #[error(
        "\"{0}\" is no part of a balance; use pending, available, reserve, dispute-hold or receivable"
    )]
    UnknownPart(String),
}

const PAGE_LINES: usize = 1000;
const CAUSES_MAX: usize = 32;
const PARTS: [&str; 4] = ["pending", "available", "reserve", "dispute-hold"];

/// Explains a seller's balance.
///
/// # Errors
/// [`ExplainError`].
pub async fn explain(
    log: &dyn Log,
    views: &dyn Views,
    figure: &SellerFigure,
) -> Result<Explanation, ExplainError> {
    let mut lines = Vec::new();
    for account in accounts_of(figure)? {
        lines.append(&mut lines_of(views, figure, &account).await?);
    }
    lines.sort_by_key(|line| (line.position, line.entry, line.line));
    let mut causes = Causes { log, known: HashMap::new() };
    let mut running = 0_i64;
    let mut explained = Vec::with_capacity(lines.len());
    for line in lines {
        // Debits are positive in the journal; what a seller is owed stands on the credit side.
        let minor = line.minor.checked_neg().ok_or(ExplainError::Overflow)?;
        running = running.checked_add(minor).ok_or(ExplainError::Overflow)?;
        explained.push(ExplainedLine {
            position: line.position.0,
            effective_at: line.effective_at.to_string(),
            account: line.account.to_string(),
            nature: line.nature.to_string(),
            minor,
            running,
            order: line.order_id.map(|order| order.to_string()),
            claim: line.claim,
            causes: causes.chain(line.event_id).await?,
        });
    }
    Ok(Explanation {
        seller: figure.seller,
        currency: figure.currency,
        part: figure.part.clone().unwrap_or_else(|| "total".to_owned()),
        minor: running,
        amount: Money::new(running, figure.currency).to_string(),
        lines: explained,
    })
}

fn accounts_of(figure: &SellerFigure) -> Result<Vec<String>, ExplainError> {
    let seller = figure.seller;
    let liability = |part: &str| format!("liabilities:seller:{seller}:{part}");
    let receivable = format!("assets:receivable:seller:{seller}");
    match figure.part.as_deref() {
        None => Ok(PARTS.into_iter().map(liability).chain([receivable]).collect()),
        Some("receivable") => Ok(vec![receivable]),
        Some(part) if PARTS.contains(&part) => Ok(vec![liability(part)]),
        Some(other) => Err(ExplainError::UnknownPart(other.to_owned())),
    }
}

async fn lines_of(
    views: &dyn Views,
    figure: &SellerFigure,
    account: &str,
) -> Result<Vec<JournalLine>, ExplainError> {
    let mut lines: Vec<JournalLine> = Vec::new();
    loop {
        let mut query = Query::of(figure.tenant)
            .eq("account", account)
            .eq("currency", figure.currency.code())
            .eq("book", "platform")
            .order_by("position", Direction::Ascending)
            .order_by("entry", Direction::Ascending)
            .order_by("line", Direction::Ascending)
            .limit(PAGE_LINES);
        if let Some(last) = lines.last() {
            let behind = vec![
                store::Field::to_value(&last.position),
                Value::Int(i64::from(last.entry)),
                Value::Int(i64::from(last.line)),
            ];
            let columns = vec!["position", "entry", "line"];
            query = query.filter(Filter::Beyond(columns, behind, Direction::Ascending));
        }
        let mut page: Vec<JournalLine> = views.rows(query).await?;
        let is_last = page.len() < PAGE_LINES;
        lines.append(&mut page);
        if is_last {
            return Ok(lines);
        }
    }
}

struct Causes<'a> {
    log: &'a dyn Log,
    known: HashMap<Uuid, Option<(CauseStep, Option<Uuid>)>>,
}

impl Causes<'_> {
    async fn chain(&mut self, event: Uuid) -> Result<Vec<CauseStep>, LogError> {
        let mut chain = Vec::new();
        let mut next = Some(event);
        while let Some(id) = next.filter(|_| chain.len() < CAUSES_MAX) {
            let Some((step, cause)) = self.step(id).await? else { break };
            chain.push(step);
            next = cause;
        }
        Ok(chain)
    }

    async fn step(&mut self, id: Uuid) -> Result<Option<(CauseStep, Option<Uuid>)>, LogError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let step = self.log.event_by_id(id).await?.map(|recorded| {
            let metadata = Metadata::from_json(&recorded.metadata).ok();
            let cause = metadata.as_ref().map(|metadata| &metadata.cause);
            let causation = cause.and_then(|cause| cause.causation.as_deref());
            let step = CauseStep {
                position: recorded.position.0,
                event_id: recorded.id,
                event_type: recorded.event_type.to_string(),
                stream: recorded.stream.to_string(),
                actor: cause.map_or_else(String::new, |cause| {
                    format!("{:?} {}", cause.actor.kind, cause.actor.id)
                }),
                request: cause.and_then(|cause| cause.request).map(|request| request.to_string()),
                webhook: cause.and_then(|cause| cause.webhook.clone()),
                recorded_at: recorded.recorded_at.to_string(),
            };
            (step, causation.and_then(|id| Uuid::try_parse(id).ok()))
        });
        self.known.insert(id, step.clone());
        Ok(step)
    }
}

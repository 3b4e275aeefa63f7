//! Why a figure is what it is: from the figure down to lines, events, causes and raw webhooks.
//!
//! A figure is a selection of journal lines. Their running sum ends in the figure, by construction;
//! every line names its event, every event its cause, up to the request or the webhook it began with.
//! Of a long figure the latest lines are given, with what all earlier ones come to.

use std::collections::{HashMap, VecDeque};

use kernel::{Currency, Money, SellerId, Timestamp};
use projections::{
    chart::UnknownAccount,
    journal::JournalLine,
    selectors::{Figure, Narrowing, Selector},
};
use serde::Serialize;
use store::{Log, LogError, Metadata};
use uuid::Uuid;

use crate::figures::{FigureError, Figures, LineCursor, Lines, whole};

/// A figure and all that makes it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its name.
    pub figure: String,
    /// What it says.
    pub sentence: String,
    /// Whose, if it is about a seller.
    pub seller: Option<SellerId>,
    /// In which currency; all amounts are its minor units.
    pub currency: Currency,
    /// Which part of a seller's balance, or `total`; empty for other figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// What took effect before it counts; everything, if there is none.
    pub as_of: Option<Timestamp>,
    /// Everything up to this position of the log is in it, and nothing behind it.
    pub known_at: u64,
    /// The figure. What a seller is owed is positive.
    pub minor: i64,
    /// The same for people.
    pub amount: String,
    /// What the lines before the first one below come to.
    pub opening: i64,
    /// The lines, in the order in which they took effect.
    pub lines: Vec<ExplainedLine>,
    /// Where the lines before these end, if there are any: ask again with `before`.
    pub earlier: Option<String>,
}

/// One journal line of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedLine {
    /// Where the event stands in the log.
    pub position: u64,
    /// Which of the event's entries, and which line of it.
    pub entry: (u32, u32),
    /// The event that posted it.
    pub event_type: String,
    /// When it took effect, RFC 3339.
    pub effective_at: String,
    /// The account.
    pub account: String,
    /// What it was, such as `sale` or `refund`.
    pub nature: String,
    /// What it adds to the figure, minor units.
    pub minor: i64,
    /// The sum so far; in the last line, the figure.
    pub running: i64,
    /// The policy that decided the amount.
    pub policy: Option<String>,
    /// The order it is about.
    pub order: Option<String>,
    /// The claim it settles.
    pub claim: Option<String>,
    /// What it is about at Stripe and with us.
    pub objects: LineObjects,
    /// The event that posted it, and what led to it: the event itself first, the first cause last.
    pub causes: Vec<CauseStep>,
}

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LineObjects {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seller: Option<String>,
    /// Stripe's charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// Stripe's balance transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub txn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout: Option<String>,
    /// The Stripe object the account is named after: a refund, dispute, transfer or payout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stripe_object: Option<String>,
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

/// There is no such part of a seller's balance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no part of a balance; use pending, available, reserve, dispute-hold or receivable"
)]
pub struct UnknownPart(pub String);

/// Which lines of a figure to explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What the figure is called.
    pub figure: String,
    /// What it says.
    pub sentence: String,
    /// Which part of a seller's balance it is, or `total`; nothing for other figures.
    pub part: Option<String>,
    /// What it is the sum of.
    pub selector: Selector,
    /// In which currency.
    pub currency: Currency,
    /// At most so many lines: the latest.
    pub limit: usize,
    /// Lines before this one only.
    pub before: Option<LineCursor>,
    /// Whether to follow the causes of every line.
    pub causes: bool,
}

impl Question {
    /// All lines of a named figure.
    #[must_use]
    pub fn of(figure: &Figure, narrowing: Narrowing, currency: Currency) -> Self {
        Self {
            figure: figure.name.to_owned(),
            sentence: figure.sentence.to_owned(),
            part: None,
            selector: figure.selector(narrowing),
            currency,
            limit: usize::MAX,
            before: None,
            causes: true,
        }
    }

    /// All lines of an account, or of a family of accounts.
    ///
    /// # Errors
    /// [`UnknownAccount`] when the name is neither.
    pub fn of_account(
        name: &str,
        narrowing: Narrowing,
        currency: Currency,
    ) -> Result<Self, UnknownAccount> {
        Ok(Self {
            figure: name.to_owned(),
            sentence: BALANCE_OF_AN_ACCOUNT.to_owned(),
            part: None,
            selector: Selector::of_account(name, narrowing)?,
            currency,
            limit: usize::MAX,
            before: None,
            causes: true,
        })
    }

    /// Asked for as a part of a seller's balance, or as all of it.
    #[must_use]
    pub fn as_part(mut self, part: Option<&str>) -> Self {
        self.part = Some(part.unwrap_or("total").to_owned());
        self
    }

    /// The latest lines only.
    #[must_use]
    pub const fn latest(mut self, limit: usize, before: Option<LineCursor>) -> Self {
        self.limit = limit;
        self.before = before;
        self
    }
}

/// What the balance of an account says, in one sentence.
pub const BALANCE_OF_AN_ACCOUNT: &str = "The balance of an account.";

const CAUSES_MAX: usize = 32;

/// The figures that are parts of a seller's balance.
const PARTS: [(&str, &str); 5] = [
    ("pending", "seller_pending"),
    ("available", "seller_available"),
    ("reserve", "seller_reserve"),
    ("dispute-hold", "seller_dispute_hold"),
    ("receivable", "seller_receivable"),
];

/// The figure that is a part of a seller's balance, or all of it.
///
/// # Errors
/// [`UnknownPart`].
pub fn figure_of_part(part: Option<&str>) -> Result<&'static Figure, UnknownPart> {
    let unknown = || UnknownPart(part.unwrap_or_default().to_owned());
    let name = match part {
        None | Some("total") => "seller_total",
        Some(part) => PARTS.iter().find(|(name, _)| *name == part).ok_or_else(unknown)?.1,
    };
    Figure::named(name).ok_or_else(unknown)
}

/// Explains any figure.
///
/// # Errors
/// [`FigureError`].
pub async fn explain_figure(
    figures: Figures<'_>,
    question: &Question,
) -> Result<Explanation, FigureError> {
    let narrowing = &question.selector.narrowing;
    let known = figures.known(narrowing.known_at).await?;
    let selector = question
        .selector
        .within(narrowing.from, narrowing.to, Some(known))
        .in_currency(question.currency);
    let figure = figures.minor(&selector, question.currency, known).await?;
    let mut lines: VecDeque<(JournalLine, i128)> = VecDeque::new();
    let mut read = Lines::backward(figures, &selector, question.before);
    let mut is_more = false;
    while let Some(found) = read.next().await? {
        if lines.len() >= question.limit {
            is_more = true;
            break;
        }
        lines.push_front(found);
    }
    let shown: i128 = lines.iter().map(|(_, minor)| minor).sum();
    let closing = match question.before {
        None => figure,
        Some(before) => until(figures, &selector, question.currency, before).await?,
    };
    let opening = closing - shown;
    let mut causes = Causes::new(figures.log);
    let mut running = opening;
    let mut explained = Vec::with_capacity(lines.len());
    let earlier = lines.front().filter(|_| is_more).map(|(line, _)| LineCursor::of(line));
    for (line, minor) in lines {
        running += minor;
        let chain = if question.causes { causes.chain(line.event_id).await? } else { Vec::new() };
        explained.push(line_of(line, whole(minor)?, whole(running)?, chain));
    }
    let minor = whole(figure)?;
    Ok(Explanation {
        figure: question.figure.clone(),
        sentence: question.sentence.clone(),
        seller: narrowing.seller,
        currency: question.currency,
        part: question.part.clone(),
        as_of: narrowing.to,
        known_at: known.0,
        minor,
        amount: Money::new(minor, question.currency).to_string(),
        opening: whole(opening)?,
        lines: explained,
        earlier: earlier.map(|cursor| cursor.to_string()),
    })
}

/// What the lines before one come to.
async fn until(
    figures: Figures<'_>,
    selector: &Selector,
    currency: Currency,
    before: LineCursor,
) -> Result<i128, FigureError> {
    let narrowing = &selector.narrowing;
    let known = narrowing.known_at.unwrap_or(store::Position::START);
    let limit = |to: Timestamp| Some(narrowing.to.map_or(to, |end| end.min(to)));
    let instant = before.effective_at;
    let earlier = selector.within(narrowing.from, limit(instant), Some(known));
    let mut sum = figures.minor(&earlier, currency, known).await?;
    // Several lines may take effect at one instant.
    let next = Timestamp::from_millis(instant.millis().saturating_add(1));
    let start = narrowing.from.map_or(instant, |from| from.max(instant));
    let mut same = Lines::forward(figures, &selector.within(Some(start), limit(next), Some(known)));
    while let Some((line, minor)) = same.next().await? {
        if LineCursor::of(&line) < before {
            sum += minor;
        }
    }
    Ok(sum)
}

fn line_of(line: JournalLine, minor: i64, running: i64, causes: Vec<CauseStep>) -> ExplainedLine {
    let account = line.account.name();
    let is_object = line.family.starts_with("assets:clearing:stripe:")
        || line.family.starts_with("assets:disputes-open:")
        || line.family.starts_with("assets:payout-in-transit:");
    let object = account.rsplit(':').next().filter(|_| is_object).map(str::to_owned);
    ExplainedLine {
        position: line.position.0,
        entry: (line.entry, line.line),
        event_type: line.event_type,
        effective_at: line.effective_at.to_string(),
        account,
        nature: line.nature.to_string(),
        minor,
        running,
        policy: line.policy,
        order: line.order_id.map(|order| order.to_string()),
        claim: line.claim,
        objects: LineObjects {
            seller: line.seller.map(|seller| seller.to_string()),
            charge: line.charge,
            txn: line.txn,
            payment: line.payment.map(|payment| payment.to_string()),
            refund: line.refund.map(|refund| refund.to_string()),
            dispute: line.dispute.map(|dispute| dispute.to_string()),
            payout: line.payout.map(|payout| payout.to_string()),
            stripe_object: object,
        },
        causes,
    }
}

/// The causes of events, each looked up once.
pub(crate) struct Causes<'a> {
    log: &'a dyn Log,
    known: HashMap<Uuid, Option<(CauseStep, Option<Uuid>)>>,
}

impl<'a> Causes<'a> {
    pub(crate) fn new(log: &'a dyn Log) -> Self {
        Self { log, known: HashMap::new() }
    }

    pub(crate) async fn chain(&mut self, event: Uuid) -> Result<Vec<CauseStep>, LogError> {
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

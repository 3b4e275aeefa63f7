//! Reads what a report wants, a page at a time, and makes it.

use kernel::TenantId;
use projections::{
    journal::JournalLine,
    memberships::MembershipMovement,
    orders::Order,
    payouts::Payout,
    reports::{
        AgedClearing, AgedReceivables, Fees, Fold, GeneralLedger, Gmv, Mentions, Mrr, MrrMovement,
        Names, PayoutRegister, Report, ReportFault, ReportName, Revenue, Scope, Selection,
        SellerStatement, TakeRate, TaxLiability, TrialBalance,
    },
    sellers::Seller,
};
use store::{
    Direction, Field, Filter, Log, LogError, Position, Query, Table, Value, Views, ViewsError,
    ViewsExt,
};

use super::{AskError, Asked, Request};

/// How many rows are read at a time.
const PAGE_ROWS: usize = 2000;

/// Why a report could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// What was asked for makes no sense.
    #[error(transparent)]
    Asked(#[from] AskError),
    /// The read models cannot be read.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// It cannot be made of what was read.
    #[error(transparent)]
    Fault(#[from] ReportFault),
}

/// Up to where everything a report counts is known: the position asked for, or less while the
/// journal has not come so far.
///
/// # Errors
/// [`ReportError`].
pub async fn known(
    log: &dyn Log,
    views: &dyn Views,
    zone: chrono_tz::Tz,
    asked: &Asked,
) -> Result<u64, ReportError> {
    let unbuilt = || ViewsError::Unavailable("the journal is still being built".to_owned());
    let live = views.live("journal").await?.ok_or_else(unbuilt)?;
    let reached = views.checkpoint(&live).await?;
    let reached = reached.map_or(Position::START, |checkpoint| checkpoint.position);
    let Some(known_at) = asked.known_at()? else { return Ok(reached.0) };
    let position = known_at.position(log, zone).await?;
    let head = log.head().await?.position;
    if position > head {
        return Err(AskError::KnownAtBeyond { asked: position.0, head: head.0 }.into());
    }
    Ok(position.min(reached).0)
}

/// Makes a report of a tenant's books.
///
/// # Errors
/// [`ReportError`].
pub async fn make(
    views: &dyn Views,
    tenant: TenantId,
    request: &Request,
) -> Result<Report, ReportError> {
    let mut fold = begin(views, tenant, request).await?;
    let selection = fold.selection();
    for source in sources(&selection) {
        read_lines(views, tenant, &request.scope, &selection, source, &mut *fold).await?;
    }
    let names = names(views, tenant, &fold.mentions()).await?;
    Ok(fold.finish(&names)?)
}

async fn begin(
    views: &dyn Views,
    tenant: TenantId,
    request: &Request,
) -> Result<Box<dyn Fold>, ReportError> {
    let scope = request.scope.clone();
    Ok(match request.name {
        ReportName::TrialBalance => Box::new(TrialBalance::new(scope, request.detail)),
        ReportName::GeneralLedger => {
            let account = request.account.clone().ok_or(AskError::AccountMissing)?;
            Box::new(GeneralLedger::new(scope, account))
        }
        ReportName::SellerStatement => {
            let seller = request.seller.ok_or(AskError::SellerMissing)?;
            let known = views.row::<Seller>(tenant, (seller,)).await?;
            known.ok_or(AskError::SellerUnknown(seller))?;
            Box::new(SellerStatement::new(scope, seller))
        }
        ReportName::Revenue => Box::new(Revenue::new(scope)),
        ReportName::MrrMovements => Box::new(Mrr::new(scope, mrr_movements(views, tenant).await?)?),
        ReportName::TaxLiability => Box::new(TaxLiability::new(scope)),
        ReportName::AgedClearing => Box::new(AgedClearing::new(scope)),
        ReportName::AgedReceivables => Box::new(AgedReceivables::new(scope)),
        ReportName::PayoutRegister => {
            let payouts = payouts(views, tenant, &scope).await?;
            Box::new(PayoutRegister::new(scope, payouts)?)
        }
        ReportName::Fees => Box::new(Fees::new(scope)),
        ReportName::Gmv => Box::new(Gmv::new(scope)),
        ReportName::TakeRate => Box::new(TakeRate::new(scope)),
    })
}

/// How recurring revenue moved. Rows are few: months, products and kinds.
async fn mrr_movements(
    views: &dyn Views,
    tenant: TenantId,
) -> Result<Vec<MrrMovement>, ViewsError> {
    let corrupt = |what: &str| ViewsError::Corrupt(format!("a movement of a membership: {what}"));
    let mut movements = Vec::new();
    let take = |row: MembershipMovement| -> Result<(), ViewsError> {
        movements.push(MrrMovement {
            month: row.month.parse().map_err(|_| corrupt(&row.month))?,
            kind: row.movement.parse().map_err(|_| corrupt(&row.movement))?,
            currency: row.currency,
            delta: row.mrr_delta,
        });
        Ok(())
    };
    views.each(Query::of(tenant), PAGE_ROWS, take).await?;
    Ok(movements)
}

/// Where lines are read from: one after the other, each by an index of its own.
fn sources(selection: &Selection) -> Vec<Option<Filter>> {
    if let Some(seller) = selection.seller {
        return vec![Some(Filter::Eq("seller", seller.to_value()))];
    }
    let accounts = selection.accounts.iter().map(|account| ("account", account.clone()));
    let families = selection.families.iter().map(|family| ("family", (*family).to_owned()));
    let named: Vec<_> = accounts
        .chain(families)
        .map(|(column, name)| Some(Filter::Eq(column, Value::text(name))))
        .collect();
    if named.is_empty() { vec![None] } else { named }
}

async fn read_lines(
    views: &dyn Views,
    tenant: TenantId,
    scope: &Scope,
    selection: &Selection,
    source: Option<Filter>,
    fold: &mut dyn Fold,
) -> Result<(), ReportError> {
    let mut question = Query::of(tenant);
    // A source is an index, and an index is ordered by the effective time.
    if source.is_some() {
        for column in ["effective_at", "position", "entry", "line"] {
            question = question.order_by(column, Direction::Ascending);
        }
    }
    question.filters.extend(source);
    question.filters.extend(filters(scope, selection));
    let take = |line: JournalLine| fold.take(&line).map_err(ReportError::from);
    views.each(question, PAGE_ROWS, take).await
}

fn filters(scope: &Scope, selection: &Selection) -> Vec<Filter> {
    let known = i64::try_from(scope.known_at).unwrap_or(i64::MAX).saturating_add(1);
    let mut filters = vec![
        Filter::Below("position", Value::Int(known)),
        Filter::Below("effective_at", scope.window.to.to_value()),
    ];
    if let (Some(from), false) = (scope.window.from, selection.since_ever) {
        filters.push(Filter::AtLeast("effective_at", from.to_value()));
    }
    if let Some(book) = &scope.book {
        filters.push(Filter::Eq("book", book.to_value()));
    }
    if let Some(currency) = scope.currency {
        filters.push(Filter::Eq("currency", currency.to_value()));
    }
    filters
}

async fn payouts(
    views: &dyn Views,
    tenant: TenantId,
    scope: &Scope,
) -> Result<Vec<Payout>, ReportError> {
    let mut question = Query::of(tenant)
        .filter(Filter::Below("opened_at", scope.window.to.to_value()))
        .order_by("opened_at", Direction::Ascending)
        .order_by("payout", Direction::Ascending);
    if let Some(from) = scope.window.from {
        question = question.filter(Filter::AtLeast("opened_at", from.to_value()));
    }
    let mut payouts: Vec<Payout> = Vec::new();
    let take = |row| {
        payouts.push(row);
        let is_long = payouts.len() > projections::reports::ROWS_MAX;
        if is_long { Err(ReportError::from(ReportFault::TooLong)) } else { Ok(()) }
    };
    views.each(question, PAGE_ROWS, take).await?;
    Ok(payouts)
}

/// What the mentioned orders and sellers are called by the storefront.
async fn names(
    views: &dyn Views,
    tenant: TenantId,
    mentions: &Mentions,
) -> Result<Names, ViewsError> {
    let mut names = Names::default();
    let orders = mentions.orders.iter().map(Field::to_value).collect();
    for order in rows_of::<Order>(views, tenant, "order_id", orders).await? {
        if let Some(reference) = order.reference.filter(|reference| !reference.is_empty()) {
            names.orders.insert(order.order_id, reference);
        }
    }
    let sellers = mentions.sellers.iter().map(Field::to_value).collect();
    for seller in rows_of::<Seller>(views, tenant, "seller", sellers).await? {
        names.sellers.insert(seller.seller, seller.reference);
    }
    Ok(names)
}

async fn rows_of<T: Table>(
    views: &dyn Views,
    tenant: TenantId,
    column: &'static str,
    ids: Vec<Value>,
) -> Result<Vec<T>, ViewsError> {
    let mut rows = Vec::new();
    for part in ids.chunks(PAGE_ROWS) {
        let query = Query::of(tenant).filter(Filter::In(column, part.to_vec())).limit(part.len());
        rows.append(&mut views.rows::<T>(query).await?);
    }
    Ok(rows)
}

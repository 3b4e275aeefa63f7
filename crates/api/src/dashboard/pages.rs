//! The overview, sellers, organizers, and the lists. Each page asks for permission, reads, shows.

use actix_web::{HttpResponse, http::StatusCode, web};
use engine::OpenError;
use kernel::{Sealed, SellerId};
use projections::{seller_balances::SellerBalance, sellers::Seller};
use store::{Direction, Field, Filter, Query, Value};

use super::{
    frame::{page, see_other},
    lists::Part,
    money::{Scope, organizer_reference, sum},
    query::{Parameters, link},
    reading::{PAGE_ROWS, Reader},
    shown::{Amount, Status},
    trouble::{Trouble, Visitor},
    views::{
        Choice, DisputesPage, OrdersPage, OrganizerPage, OverviewPage, Paging, PayoutsPage,
        Progress, RefundsPage, SellerMoney, SellerPage, SellerPageMoney, SellerRow, SellersPage,
        WebhooksPage, WorkItemsPage,
    },
};
use crate::{
    permissions::{Permission, Reach},
    state::Api,
};

type Answer = Result<HttpResponse, Trouble>;

const FEW: usize = 8;

/// The platform at a glance; a seller is led to his own page.
pub(crate) async fn overview(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let reader = Reader { api: &api, caller: &visitor.0 };
    if let Reach::Own(seller) = visitor.0.may(Permission::SeeSellers)? {
        return Ok(see_other(&format!("/dashboard/sellers/{seller}")));
    }
    parameters.wait(&api).await?;
    let sees = |permission| reader.sees_all(permission);
    let (mut earnings, mut top_sellers) = (None, Vec::new());
    if sees(Permission::SeeBalances) {
        let earned = reader.earnings(&Scope::Platform, "/dashboard", &parameters).await?;
        let best = earned.sellers.iter().take(5);
        let names = reader.seller_names(best.clone().map(|(seller, _)| *seller)).await?;
        top_sellers =
            best.filter_map(|(seller, row)| Some((names.get(seller)?.clone(), row.net))).collect();
        earnings = Some(earned.panel);
    }
    let books = sees(Permission::SeeBooks);
    let few = Part::latest(None, FEW);
    let overview = OverviewPage {
        frame: reader.frame("Overview", "/dashboard", &parameters),
        trial: if books { Some(reader.trial().await?) } else { None },
        earnings,
        top_sellers,
        work_items: if books { Some(reader.work_items(None, FEW).await?.0) } else { None },
        orders: reader.orders(None, None, None, FEW).await?.0,
        refunds: reader.refunds(few).await?.0,
        disputes: reader.open_disputes(None, FEW).await?,
        payouts: reader.payouts(few).await?.0,
        progress: progress(&api).await?,
    };
    Ok(page(StatusCode::OK, &overview))
}

async fn progress(api: &Api) -> Result<Progress, Trouble> {
    let status = api.engine.readiness().await?;
    let behind = status.projections.iter().filter(|known| known.live).map(|known| known.lag).max();
    let stopped = status
        .projections
        .iter()
        .filter_map(|known| Some((known.name.to_owned(), known.stopped.clone()?)))
        .collect();
    Ok(Progress { head: status.head.0, behind: behind.unwrap_or(0), stopped })
}

/// All sellers, by name.
pub(crate) async fn sellers(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let reader = Reader { api: &api, caller: &visitor.0 };
    if let Reach::Own(seller) = visitor.0.may(Permission::SeeSellers)? {
        return Ok(see_other(&format!("/dashboard/sellers/{seller}")));
    }
    parameters.wait(&api).await?;
    let mut query = Query::of(reader.tenant())
        .order_by("reference", Direction::Ascending)
        .order_by("seller", Direction::Ascending)
        .limit(PAGE_ROWS + 1);
    if let Some((reference, seller)) =
        parameters.get("cursor").and_then(|cursor| cursor.rsplit_once('~'))
    {
        let behind = vec![Value::text(reference), Value::text(seller)];
        let columns = vec!["reference", "seller"];
        query = query.filter(Filter::Beyond(columns, behind, Direction::Ascending));
    }
    let mut rows: Vec<Seller> = reader.rows(query).await?;
    let more = rows.len() > PAGE_ROWS;
    rows.truncate(PAGE_ROWS);
    let next = rows.last().filter(|_| more).map(|row| {
        let cursor = format!("{}~{}", row.reference, row.seller);
        link("/dashboard/sellers", &parameters.with("cursor", &cursor))
    });
    let with_money = reader.sees_all(Permission::SeeBalances);
    let shown = SellersPage {
        frame: reader.frame("Sellers", "/dashboard/sellers", &parameters),
        sellers: seller_rows(&reader, rows, with_money).await?,
        next,
        with_money,
    };
    Ok(page(StatusCode::OK, &shown))
}

async fn seller_rows(
    reader: &Reader<'_>,
    rows: Vec<Seller>,
    with_money: bool,
) -> Result<Vec<SellerRow>, Trouble> {
    let ids: Vec<Value> = rows.iter().map(|row| row.seller.to_value()).collect();
    let balances: Vec<SellerBalance> = if with_money && !ids.is_empty() {
        reader.all(Query::of(reader.tenant()).filter(Filter::In("seller", ids))).await?
    } else {
        Vec::new()
    };
    let names = reader.seller_names(rows.iter().map(|row| row.seller)).await?;
    rows.into_iter()
        .map(|row| {
            let own = balances.iter().filter(|balance| balance.seller == row.seller);
            Ok(SellerRow {
                seller: names.get(&row.seller).cloned().ok_or_else(|| unknown("seller"))?,
                organizer: organizer_of(&row),
                balances: own.map(seller_money).collect::<Result<_, Trouble>>()?,
                status: Status::of(row.status),
            })
        })
        .collect()
}

fn seller_money(row: &SellerBalance) -> Result<SellerMoney, Trouble> {
    let of = |minor| Amount::of(minor, row.currency);
    Ok(SellerMoney {
        net: of(row.net),
        pending: of(row.pending),
        available: of(row.available),
        held: of(sum([row.reserve, row.dispute_hold])?),
        owed: of(row.receivable),
    })
}

fn organizer_of(row: &Seller) -> Option<super::shown::Reference> {
    let named = !row.organizer.is_empty() && row.organizer != row.seller.to_string();
    named.then(|| organizer_reference(&row.organizer))
}

fn unknown(what: &str) -> Trouble {
    Trouble::not_found(what)
}

/// One seller; his own home.
pub(crate) async fn seller(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<String>,
    parameters: Parameters,
) -> Answer {
    let id: SellerId = path.parse().map_err(|_| unknown("seller"))?;
    visitor.0.may_for(Permission::SeeSellers, id)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let query = Query::of(reader.tenant()).eq("seller", id.to_string()).limit(1);
    let row: Seller =
        reader.rows(query).await?.into_iter().next().ok_or_else(|| unknown("seller"))?;
    let here = format!("/dashboard/sellers/{id}");
    let money = if visitor.0.may_for(Permission::SeeBalances, id).is_ok() {
        let earned = reader.earnings(&Scope::Seller(id), &here, &parameters).await?;
        Some(SellerPageMoney {
            balances: reader.balances(id).await?,
            entries: reader.statement(id, earned.currency, 25).await?,
            earnings: earned.panel,
        })
    } else {
        None
    };
    let name = seller_name(&reader, &row).await?;
    let own_home = reader.reach(Permission::SeeSellers) == Some(Reach::Own(id));
    let current = if own_home { here.as_str() } else { "/dashboard/sellers" };
    let few = Part::latest(Some(id), FEW);
    let shown = SellerPage {
        frame: reader.frame(&name, current, &parameters),
        id: id.to_string(),
        name,
        organizer: if own_home { None } else { organizer_of(&row) },
        status: Status::of(row.status),
        money,
        orders: reader.orders(Some(id), None, None, FEW).await?.0,
        refunds: reader.refunds(few).await?.0,
        disputes: reader.open_disputes(Some(id), FEW).await?,
        payouts: reader.payouts(few).await?.0,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// A seller's own name, for those who may read personal data; otherwise, and once it is erased, the
/// storefront's.
async fn seller_name(reader: &Reader<'_>, row: &Seller) -> Result<String, Trouble> {
    use aggregates::api_key::events::Role;
    if matches!(reader.caller.holder.role, Role::Auditor | Role::Partner) {
        return Ok(row.reference.clone());
    }
    let Ok(sealed) = serde_json::from_str::<Sealed>(&row.name) else {
        return Ok(row.reference.clone());
    };
    match reader.api.engine.sealer().open(reader.tenant(), &sealed).await {
        Ok(name) => Ok(String::from_utf8(name).unwrap_or_else(|_| row.reference.clone())),
        Err(OpenError::Erased { .. }) => Ok(row.reference.clone()),
        Err(error) => Err(Trouble::fault(error.to_string())),
    }
}

/// What one organizer's sellers earned.
pub(crate) async fn organizer(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<String>,
    parameters: Parameters,
) -> Answer {
    if visitor.0.may(Permission::SeeBalances)? != Reach::All {
        return Err(unknown("organizer"));
    }
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let name = path.into_inner();
    let here = organizer_reference(&name).href.unwrap_or_default();
    let earned = reader.earnings(&Scope::Organizer(name.clone()), &here, &parameters).await?;
    let names = reader.seller_names(earned.sellers.iter().map(|(seller, _)| *seller)).await?;
    let sellers = earned
        .sellers
        .into_iter()
        .filter_map(|(seller, row)| Some((names.get(&seller)?.clone(), row)))
        .collect();
    let shown = OrganizerPage {
        frame: reader.frame(&name, "/dashboard/sellers", &parameters),
        name,
        earnings: earned.panel,
        sellers,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// Which seller's part of a list is asked for: his own, or by staff anybody's.
pub(super) fn seller_of(
    visitor: &Visitor,
    permission: Permission,
    parameters: &Parameters,
) -> Result<Option<SellerId>, Trouble> {
    let asked = parameters.get("seller").map(str::parse).transpose();
    let asked = asked.map_err(|_| unknown("seller"))?;
    match (visitor.0.may(permission)?, asked) {
        (Reach::All, asked) => Ok(asked),
        (Reach::Own(own), Some(asked)) if asked != own => Err(unknown("seller")),
        (Reach::Own(own), _) => Ok(Some(own)),
    }
}

pub(crate) fn filters(
    path: &str,
    parameters: &Parameters,
    name: &str,
    words: impl IntoIterator<Item = String>,
) -> Vec<Choice> {
    let chosen = parameters.get(name).unwrap_or_default();
    std::iter::once(String::new())
        .chain(words)
        .map(|word| Choice {
            label: if word.is_empty() { "All".to_owned() } else { word.replace('_', " ") },
            href: link(path, &parameters.with(name, &word)),
            current: word == chosen,
        })
        .collect()
}

pub(crate) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn next(path: &str, parameters: &Parameters, cursor: Option<String>) -> Option<String> {
    cursor.map(|cursor| link(path, &parameters.with("cursor", &cursor)))
}

/// Orders.
pub(crate) async fn orders(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let path = "/dashboard/orders";
    let seller = seller_of(&visitor, Permission::SeeOrders, &parameters)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let cursor = parameters.get("cursor");
    let status = parameters.get("status");
    let (orders, cursor) = reader.orders(seller, status, cursor, PAGE_ROWS).await?;
    let known = words(&["placed", "confirmed", "completed", "expired", "cancelled", "conflicted"]);
    let paging = Paging {
        filters: if seller.is_none() {
            filters(path, &parameters, "status", known)
        } else {
            Vec::new()
        },
        next: next(path, &parameters, cursor),
    };
    let frame = reader.frame("Orders", path, &parameters);
    Ok(page(StatusCode::OK, &OrdersPage { frame, paging, orders }))
}

/// Refunds.
pub(crate) async fn refunds(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let path = "/dashboard/refunds";
    let seller = seller_of(&visitor, Permission::SeeRefunds, &parameters)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let (refunds, cursor) = reader.refunds(part(seller, &parameters)).await?;
    let known = words(&["requested", "escalated", "pending", "succeeded", "owed", "declined"]);
    let paging = Paging {
        filters: filters(path, &parameters, "status", known),
        next: next(path, &parameters, cursor),
    };
    let frame = reader.frame("Refunds", path, &parameters);
    Ok(page(StatusCode::OK, &RefundsPage { frame, paging, refunds }))
}

pub(super) fn part(seller: Option<SellerId>, parameters: &Parameters) -> Part<'_> {
    Part {
        seller,
        status: parameters.get("status"),
        cursor: parameters.get("cursor"),
        limit: PAGE_ROWS,
    }
}

/// Disputes, the most urgent first.
pub(crate) async fn disputes(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let path = "/dashboard/disputes";
    let seller = seller_of(&visitor, Permission::SeeDisputes, &parameters)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let closed = parameters.get("status") == Some("closed");
    let (disputes, cursor) = if closed {
        reader.closed_disputes(part(seller, &parameters)).await?
    } else {
        (reader.open_disputes(seller, usize::MAX).await?, None)
    };
    let choice = |label: &str, status: &str, current| Choice {
        label: label.to_owned(),
        href: link(path, &parameters.with("status", status)),
        current,
    };
    let paging = Paging {
        filters: vec![choice("Open", "", !closed), choice("Closed", "closed", closed)],
        next: next(path, &parameters, cursor),
    };
    let frame = reader.frame("Disputes", path, &parameters);
    Ok(page(StatusCode::OK, &DisputesPage { frame, paging, disputes }))
}

/// Payouts.
pub(crate) async fn payouts(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let path = "/dashboard/payouts";
    let seller = seller_of(&visitor, Permission::SeePayouts, &parameters)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let (payouts, cursor) = reader.payouts(part(seller, &parameters)).await?;
    let known = words(&["reserved", "transferred", "in_transit", "paid", "failed", "reversed"]);
    let paging = Paging {
        filters: filters(path, &parameters, "status", known),
        next: next(path, &parameters, cursor),
    };
    let frame = reader.frame("Payouts", path, &parameters);
    Ok(page(StatusCode::OK, &PayoutsPage { frame, paging, payouts }))
}

/// What waits for somebody.
pub(crate) async fn work_items(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let path = "/dashboard/work-items";
    visitor.0.may(Permission::SeeBooks)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let (work_items, kinds) = reader.work_items(parameters.get("kind"), 500).await?;
    let paging = Paging { filters: filters(path, &parameters, "kind", kinds), next: None };
    let frame = reader.frame("Work items", path, &parameters);
    Ok(page(StatusCode::OK, &WorkItemsPage { frame, paging, work_items }))
}

/// Stripe's events.
pub(crate) async fn webhooks(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Answer {
    let path = "/dashboard/webhooks";
    visitor.0.may(Permission::SeeBooks)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let (webhooks, cursor) = reader.webhooks(part(None, &parameters)).await?;
    let known =
        words(&["received", "applied", "ignored", "parked", "quarantined", "dead_lettered"]);
    let paging = Paging {
        filters: filters(path, &parameters, "status", known),
        next: next(path, &parameters, cursor),
    };
    let frame = reader.frame("Stripe events", path, &parameters);
    Ok(page(StatusCode::OK, &WebhooksPage { frame, paging, webhooks }))
}

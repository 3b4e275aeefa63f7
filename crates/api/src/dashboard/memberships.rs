//! Memberships: what is paid, what of it is rendered, and what they bring in a month.

use actix_web::{HttpResponse, http::StatusCode, web};
use projections::memberships::Membership;

use super::{
    frame::page,
    lists::{Page, Part, cut},
    pages::{filters, next, part, seller_of, words},
    query::Parameters,
    reading::{Reader, cursor_of},
    shown::{Amount, Reference, Status, day_label},
    trouble::{Trouble, Visitor},
    views::{MembershipRow, MembershipsPage, Paging},
};
use crate::{permissions::Permission, state::Api};

impl Reader<'_> {
    /// Memberships, those that were started last first.
    async fn memberships(&self, part: Part<'_>) -> Result<Page<MembershipRow>, Trouble> {
        let rows = self.rows(self.part(part, ["started_at", "membership"])?).await?;
        let (rows, next) =
            cut(rows, part.limit, |row: &Membership| cursor_of(row.started_at, &row.membership));
        let sellers = self.seller_names(rows.iter().filter_map(|row| row.seller)).await?;
        let shown = rows.into_iter().map(|row| {
            let of = |minor| Amount::of(minor, row.currency);
            MembershipRow {
                membership: Reference::plain(&row.membership).called(row.reference.as_deref()),
                product: row.product.clone(),
                seller: row.seller.and_then(|seller| sellers.get(&seller).cloned()),
                status: Status::of(row.status.clone()),
                until: row.period_end.as_deref().map(day_label),
                paid: of(row.paid),
                recognized: of(row.recognized),
                deferred: of(row.deferred),
                mrr: of(row.mrr),
            }
        });
        Ok((shown.collect(), next))
    }
}

/// Every membership.
pub(crate) async fn list(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    let path = "/dashboard/memberships";
    let seller = seller_of(&visitor, Permission::SeeOrders, &parameters)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let (memberships, cursor) = reader.memberships(part(seller, &parameters)).await?;
    let known = words(&["pending", "active", "lapsed", "ended"]);
    let paging = Paging {
        filters: filters(path, &parameters, "status", known),
        next: next(path, &parameters, cursor),
    };
    let frame = reader.frame("Memberships", path, &parameters);
    Ok(page(StatusCode::OK, &MembershipsPage { frame, paging, memberships }))
}

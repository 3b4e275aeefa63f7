//! Manual adjustments: proposed by one person, approved by another.

use actix_web::{HttpResponse, web};
use aggregates::{
    adjustment::{
        Adjustment,
        commands::{AdjustmentCommand, Ruling},
        events::{AdjustmentLine, Content, Reason},
    },
    period::{self, Period},
    seller_account::SellerAccount,
    tenant::Tenant,
};
use kernel::{AdjustmentId, Currency, Timestamp};
use projections::chart::ruling;
use serde::Deserialize;

use crate::{
    commands::{Written, send},
    created_id,
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// An adjustment to be proposed. Each line names an account of the chart or one the tenant has
/// opened; a line about a seller's own money names the seller and no account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAdjustment {
    /// `{account | seller, side: debit | credit, minor}`, two or more; they balance.
    #[schema(value_type = Vec<Object>)]
    lines: Vec<AdjustmentLine>,
    #[schema(value_type = String)]
    currency: Currency,
    /// When it takes effect: RFC 3339, not in the future, not in a closed period.
    #[schema(value_type = String)]
    effective_at: Timestamp,
    /// `opening_balance`, `write_off`, `goodwill`, `tax_remitted`, `bank_movement`,
    /// `reclassification`, `correction` or `other`.
    #[schema(value_type = String)]
    reason: Reason,
    memo: String,
    /// SHA-256 of the document that proves it, 64 hexadecimal digits.
    evidence_hash: String,
    /// The adjustment that this one takes back.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reverses: Option<AdjustmentId>,
}

/// Proposes an adjustment. Nothing is posted before another person approves it.
#[utoipa::path(post, path = "/v1/adjustments", tag = "books", request_body = NewAdjustment,
    responses((status = 201, body = Written), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn propose(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewAdjustment>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let new = body.value;
    let content = Content {
        lines: new.lines,
        currency: new.currency,
        effective: new.effective_at,
        reason: new.reason,
        memo: new.memo,
        evidence_hash: new.evidence_hash,
        reverses: new.reverses,
    };
    let written = propose_content(&api, &caller, body.fingerprint, content).await?;
    Ok(HttpResponse::Created().json(written))
}

/// Proposes an adjustment, for the API and for the dashboard's form.
///
/// # Errors
/// The aggregate's refusal, or a fault.
pub(crate) async fn propose_content(
    api: &Api,
    caller: &Caller,
    fingerprint: [u8; 32],
    content: Content,
) -> Result<Written, Problem> {
    let adjustment = created_id!(AdjustmentId, caller);
    let rulings = rulings(api, caller, &content).await?;
    let open_from = open_from(api, caller).await?;
    let by = caller.person();
    let command = AdjustmentCommand::Propose { adjustment, content, rulings, open_from, by };
    send::<Adjustment>(api, caller, fingerprint, adjustment, command).await
}

/// What the chart says about each line, as the log has it now.
async fn rulings(api: &Api, caller: &Caller, content: &Content) -> Result<Vec<Ruling>, Problem> {
    let bus = api.engine.bus();
    let mut rulings = bus
        .inspect::<Tenant, _>(caller.tenant, &caller.tenant.to_string(), |tenant, _| {
            let of_line = |line: &AdjustmentLine| match &line.account {
                Some(name) => ruling(name, content.currency, tenant),
                None => Ruling::Unknown,
            };
            content.lines.iter().map(of_line).collect::<Vec<_>>()
        })
        .await?;
    for (line, ruling) in content.lines.iter().zip(&mut rulings) {
        if let Some(seller) = line.seller.filter(|_| line.account.is_none()) {
            let is_known = bus
                .inspect::<SellerAccount, _>(caller.tenant, &seller.to_string(), |account, _| {
                    account.seller().is_some()
                })
                .await?;
            *ruling = if is_known { Ruling::Allowed } else { Ruling::Unknown };
        }
    }
    Ok(rulings)
}

async fn open_from(api: &Api, caller: &Caller) -> Result<Option<Timestamp>, Problem> {
    let bus = api.engine.bus();
    let open =
        bus.inspect::<Period, _>(caller.tenant, period::STREAM, |known, _| known.open_from());
    Ok(open.await?)
}

/// What can be done with a proposed adjustment.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AdjustmentAction {
    /// Another person agrees: it is posted.
    Approve,
    /// Another person disagrees.
    Reject,
    /// The one who proposed takes it back.
    Withdraw,
}

/// A few words for the record.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Note {
    /// Why it is rejected.
    note: String,
}

/// Approves, rejects or withdraws an adjustment. Whoever proposed it cannot approve or reject it.
#[utoipa::path(post, path = "/v1/adjustments/{adjustment}/{action}", tag = "books",
    request_body = Note, responses((status = 200, body = Written), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn act(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(AdjustmentId, AdjustmentAction)>,
    body: Body<Note>,
) -> Result<HttpResponse, Problem> {
    let (adjustment, action) = path.into_inner();
    let note = body.value.note;
    let written = decide(&api, &caller, body.fingerprint, (adjustment, action), note).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// Approves, rejects or withdraws, for the API and for the dashboard's forms.
///
/// # Errors
/// 403, 404, the aggregate's refusal, or a fault.
pub(crate) async fn decide(
    api: &Api,
    caller: &Caller,
    fingerprint: [u8; 32],
    (adjustment, action): (AdjustmentId, AdjustmentAction),
    note: String,
) -> Result<Written, Problem> {
    caller.may(Permission::DecideMoney)?;
    let by = caller.person();
    let command = match action {
        AdjustmentAction::Approve => {
            let id = adjustment.to_string();
            let bus = api.engine.bus();
            let content = bus
                .inspect::<Adjustment, _>(caller.tenant, &id, |known, _| known.content().cloned())
                .await?
                .ok_or_else(|| Problem::not_found("adjustment"))?;
            let rulings = rulings(api, caller, &content).await?;
            AdjustmentCommand::Approve { rulings, open_from: open_from(api, caller).await?, by }
        }
        AdjustmentAction::Reject => AdjustmentCommand::Reject { note, by },
        AdjustmentAction::Withdraw => AdjustmentCommand::Withdraw { by },
    };
    send::<Adjustment>(api, caller, fingerprint, adjustment, command).await
}

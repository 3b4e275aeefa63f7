//! Refunds: decided by sellers and staff, made at Stripe, and what becomes of those that fail.

use actix_web::{HttpResponse, web};
use aggregates::refund::{Refund, commands::RefundCommand};
use kernel::RefundId;
use serde::Deserialize;

use crate::{
    commands::{Written, may_with_refund, send},
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// A few words for the record.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Words {
    /// For a decision.
    note: String,
    /// For a forced, forgone or withdrawn refund.
    reason: String,
    /// For a refund paid by other means: the bank's reference.
    proof: String,
}

/// What can be done with a refund.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RefundAction {
    /// The buyer withdraws the request.
    Withdraw,
    /// The seller or staff says yes.
    Approve,
    /// The seller or staff says no.
    Decline,
    /// Staff approves without the seller.
    Force,
    /// A failed refund is tried again.
    Retry,
    /// A failed refund was paid by other means.
    PayExternally,
    /// Two people agree that a failed refund is not owed any more.
    Forgo,
}

impl RefundAction {
    const fn permission(self) -> Permission {
        match self {
            Self::Withdraw => Permission::RequestRefunds,
            Self::Approve | Self::Decline => Permission::DecideRefunds,
            Self::Force | Self::Retry | Self::PayExternally | Self::Forgo => {
                Permission::DecideMoney
            }
        }
    }
}

/// Withdraws, approves, declines, forces, retries, pays otherwise or forgoes a refund.
#[utoipa::path(post, path = "/v1/refunds/{refund}/{action}", tag = "refunds",
    request_body = Words, responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn act(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(RefundId, RefundAction)>,
    body: Body<Words>,
) -> Result<HttpResponse, Problem> {
    let (refund, action) = path.into_inner();
    may_with_refund(&api, &caller, action.permission(), refund).await?;
    let command = command_of(action, body.value, caller.person());
    let written = send::<Refund>(&api, &caller, body.fingerprint, refund, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

fn command_of(
    action: RefundAction,
    words: Words,
    by: aggregates::vocabulary::Person,
) -> RefundCommand {
    match action {
        RefundAction::Withdraw => RefundCommand::Withdraw { by },
        RefundAction::Approve => RefundCommand::Approve { by },
        RefundAction::Decline => RefundCommand::Decline { note: words.note, by },
        RefundAction::Force => RefundCommand::Force { by, reason: words.reason },
        RefundAction::Retry => RefundCommand::Retry { by },
        RefundAction::PayExternally => RefundCommand::PayExternally { proof: words.proof, by },
        RefundAction::Forgo => RefundCommand::Forgo { reason: words.reason, by },
    }
}

//! Disputes: who works on them, what is answered, and what is accepted.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use aggregates::dispute::{Dispute, commands::DisputeCommand};
use kernel::DisputeId;
use serde::Deserialize;

use crate::{
    commands::{Written, may_with_dispute, send},
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// What is to be done; each action needs its own part of it.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DisputeWork {
    /// `assign`: to whom.
    to: Option<String>,
    /// `notes`: the note.
    note: Option<String>,
    /// `evidence`: Stripe's evidence fields and their texts.
    fields: BTreeMap<String, String>,
    /// `evidence`: send it now, once and for all; otherwise it is a draft.
    submit: bool,
}

/// What can be done with a dispute.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DisputeAction {
    /// Put somebody in charge.
    Assign,
    /// Write into the action log.
    Notes,
    /// Draft or send evidence.
    Evidence,
    /// Accept it; irreversible.
    Accept,
    /// Answer an inquiry by refunding everything.
    RefundInquiry,
}

/// Assigns, notes, answers or accepts a dispute.
#[utoipa::path(post, path = "/v1/disputes/{dispute}/{action}", tag = "disputes",
    request_body = DisputeWork,
    responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn act(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(DisputeId, DisputeAction)>,
    body: Body<DisputeWork>,
) -> Result<HttpResponse, Problem> {
    let (dispute, action) = path.into_inner();
    let permission = match action {
        DisputeAction::Assign | DisputeAction::Notes | DisputeAction::Evidence => {
            Permission::WorkOnDisputes
        }
        DisputeAction::Accept | DisputeAction::RefundInquiry => Permission::DecideMoney,
    };
    may_with_dispute(&api, &caller, permission, dispute).await?;
    let command = command_of(action, body.value, &caller)?;
    let written = send::<Dispute>(&api, &caller, body.fingerprint, dispute, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

fn command_of(
    action: DisputeAction,
    work: DisputeWork,
    caller: &Caller,
) -> Result<DisputeCommand, Problem> {
    let by = caller.person();
    let missing = |what: &str| Problem::malformed(format!("this action needs \"{what}\""));
    Ok(match action {
        DisputeAction::Assign => {
            DisputeCommand::Assign { to: work.to.ok_or_else(|| missing("to"))?.into(), by }
        }
        DisputeAction::Notes => {
            DisputeCommand::AddNote { note: work.note.ok_or_else(|| missing("note"))?, by }
        }
        DisputeAction::Evidence if work.submit => {
            DisputeCommand::SubmitEvidence { fields: work.fields, by }
        }
        DisputeAction::Evidence => DisputeCommand::DraftEvidence { fields: work.fields, by },
        DisputeAction::Accept => DisputeCommand::Accept {
            by,
            second_person_above: caller.info.policy.second_person_above,
        },
        DisputeAction::RefundInquiry => DisputeCommand::RefundInquiry { by },
    })
}

//! API keys: issued, rotated, revoked. A secret is shown once.

use actix_web::{HttpResponse, web};
use aggregates::api_key::{ApiKey, commands::ApiKeyCommand, events::Role};
use kernel::{KeyId, SellerId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    commands::{Written, send},
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    secrets::KeySecret,
    state::Api,
};

/// A key to be issued.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    name: String,
    /// `platform_admin`, `finance_ops`, `auditor`, `support`, `seller_owner`, `seller_manager`,
    /// `seller_viewer` or `partner`.
    #[schema(value_type = String)]
    role: Role,
    /// For partners: what it may do.
    #[serde(default)]
    scopes: Vec<String>,
    /// For seller roles: whose data.
    #[schema(value_type = Option<String>)]
    seller: Option<SellerId>,
    #[serde(default = "default_rate")]
    rate_per_minute: u32,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

const fn default_rate() -> u32 {
    6000
}

/// A key and its secret, which is not kept and never shown again.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct IssuedKey {
    #[serde(flatten)]
    written: Written,
    secret: String,
}

/// Issues a key.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = NewKey,
    responses((status = 201, body = IssuedKey), (status = 422, body = Problem)))]
pub(crate) async fn issue(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewKey>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    no_repeats(&caller)?;
    let key = KeyId::mint();
    let secret = draw(&caller, key)?;
    let new = body.value;
    let command = ApiKeyCommand::Issue {
        key,
        name: new.name,
        prefix: secret.hint(),
        hash: secret.hash(),
        role: new.role,
        scopes: new.scopes,
        seller: new.seller,
        mode: caller.info.mode,
        rate_per_minute: new.rate_per_minute,
        expires_at: new.expires_at,
    };
    let written = send::<ApiKey>(&api, &caller, body.fingerprint, key, command).await?;
    let secret = secret.reveal().to_owned();
    Ok(HttpResponse::Created().json(IssuedKey { written, secret }))
}

/// A repeated request could not be answered with the same secret, because it is not kept.
fn no_repeats(caller: &Caller) -> Result<(), Problem> {
    if caller.idempotency_key.is_none() {
        return Ok(());
    }
    let detail =
        "secrets are shown once, so this cannot be repeated; leave the Idempotency-Key out";
    Err(Problem::malformed(detail))
}

fn draw(caller: &Caller, key: KeyId) -> Result<KeySecret, Problem> {
    let drawn = KeySecret::draw(caller.tenant, key, caller.info.mode);
    drawn.map_err(|error| Problem::fault(error.to_string()))
}

/// Until when the old secret stays good.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSecret {
    #[schema(value_type = String)]
    old_valid_until: Timestamp,
}

/// Gives a key a new secret; the old one stays good for a while.
#[utoipa::path(post, path = "/v1/keys/{key}/rotate", tag = "keys", request_body = NewSecret,
    responses((status = 200, body = IssuedKey), (status = 404, body = Problem)))]
pub(crate) async fn rotate(
    api: web::Data<Api>,
    caller: Caller,
    key: web::Path<KeyId>,
    body: Body<NewSecret>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    no_repeats(&caller)?;
    let secret = draw(&caller, *key)?;
    let command = ApiKeyCommand::Rotate {
        prefix: secret.hint(),
        hash: secret.hash(),
        old_valid_until: body.value.old_valid_until,
    };
    let written = send::<ApiKey>(&api, &caller, body.fingerprint, *key, command).await?;
    Ok(HttpResponse::Ok().json(IssuedKey { written, secret: secret.reveal().to_owned() }))
}

/// Why a key is revoked.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRevocation {
    reason: String,
}

/// Makes a key worthless at once.
#[utoipa::path(post, path = "/v1/keys/{key}/revoke", tag = "keys", request_body = NewRevocation,
    responses((status = 200, body = Written), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    api: web::Data<Api>,
    caller: Caller,
    key: web::Path<KeyId>,
    body: Body<NewRevocation>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    let command = ApiKeyCommand::Revoke { reason: body.value.reason };
    let written = send::<ApiKey>(&api, &caller, body.fingerprint, *key, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

//! What handlers take: the caller, the body with its fingerprint, and how to page.

use std::{future::Future, pin::Pin, sync::Arc};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use aggregates::api_key::{ApiKey, events::Role};
use engine::{Envelope, TenantInfo};
use kernel::{Actor, ActorKind, KeyId, RequestId, SellerId, TenantId};
use serde::de::DeserializeOwned;
use store::{Idempotency, Position, fingerprint};

use crate::{
    permissions::{Holder, Permission, Reach, reach},
    problem::Problem,
    secrets::KeySecret,
    session,
    state::Api,
};

/// An authenticated caller of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Whose data.
    pub tenant: TenantId,
    /// What is known of the tenant.
    pub info: Arc<TenantInfo>,
    /// With which key.
    pub key: KeyId,
    /// Role, scopes, seller.
    pub holder: Holder,
    /// This request.
    pub request: RequestId,
    /// The caller's idempotency key, if he sent one.
    pub idempotency_key: Option<String>,
    /// Secret that forms of a browser session must repeat; `None` for API clients.
    pub csrf: Option<String>,
}

impl Caller {
    /// How far the caller may go.
    ///
    /// # Errors
    /// 403 if he may not at all.
    pub fn may(&self, permission: Permission) -> Result<Reach, Problem> {
        reach(&self.holder, permission).ok_or_else(|| {
            let role = role_text(self.holder.role);
            Problem::forbidden(format!("a {role} key does not permit this ({permission:?})"))
        })
    }

    /// May the caller do this for this seller? Another's is answered like one that does not exist.
    ///
    /// # Errors
    /// 403 if he may not at all, 404 if it is another's.
    pub fn may_for(&self, permission: Permission, seller: SellerId) -> Result<(), Problem> {
        match self.may(permission)? {
            Reach::Own(own) if own != seller => Err(Problem::not_found("seller")),
            Reach::All | Reach::Own(_) => Ok(()),
        }
    }

    /// Who acts, for the record.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor {
            kind: ActorKind::ApiKey,
            id: self.key.to_string(),
            role: Some(role_text(self.holder.role)),
        }
    }

    /// The name under which this caller decides.
    #[must_use]
    pub fn person(&self) -> aggregates::vocabulary::Person {
        self.key.to_string().into()
    }

    /// What goes with a command of this request.
    #[must_use]
    pub fn envelope(&self, fingerprint: [u8; 32]) -> Envelope {
        let idempotency = self.idempotency_key.clone().map(|key| Idempotency { key, fingerprint });
        Envelope::of_request(self.tenant, self.actor(), self.request, idempotency)
    }

    /// What a new thing's id derives from: the same request always names the same thing. `None`
    /// without an idempotency key; then an id is minted.
    #[must_use]
    pub fn derivation(&self) -> Option<[String; 3]> {
        let key = self.idempotency_key.clone()?;
        Some([self.tenant.to_string(), "idempotency".to_owned(), key])
    }
}

/// The id of what this request creates.
#[macro_export]
#[doc(hidden)]
macro_rules! created_id {
    ($kind:ty, $caller:expr) => {
        match $caller.derivation() {
            Some(parts) => <$kind>::derived(&[&parts[0], &parts[1], &parts[2]]),
            None => <$kind>::mint(),
        }
    };
}

fn role_text(role: Role) -> String {
    serde_json::to_value(role)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { authenticate(&request).await })
    }
}

async fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let api = request
        .app_data::<web::Data<Api>>()
        .ok_or_else(|| Problem::fault("the API was started without its state"))?;
    let idempotency_key = idempotency_key(request)?;
    if let Some(secret) = bearer(request)? {
        return caller_of_secret(api, &secret, idempotency_key, None).await;
    }
    let unknown = || Problem::unauthenticated("send your API key as a Bearer token");
    // Browsers send cookies by themselves. A form proves with its token that it is ours; the API has
    // no such proof, so there a cookie only reads.
    if !request.method().is_safe() && request.path().starts_with("/v1/") {
        return Err(unknown());
    }
    let (secret, csrf) = session::of_request(request).ok_or_else(unknown)?;
    caller_of_secret(api, &secret, idempotency_key, Some(csrf)).await
}

/// Finds the caller that a secret belongs to and counts the request against his rate.
///
/// # Errors
/// 401 if the secret is not valid now, 429 if there were too many requests.
pub async fn caller_of_secret(
    api: &Api,
    secret: &KeySecret,
    idempotency_key: Option<String>,
    csrf: Option<String>,
) -> Result<Caller, Problem> {
    let unknown = || Problem::unauthenticated("this key is not valid (any more)");
    let bus = api.engine.bus();
    let info = bus.directory().tenant(secret.tenant).await?.ok_or_else(unknown)?;
    if info.mode != secret.mode {
        return Err(unknown());
    }
    let now = bus.directory().clock().now();
    let hash = secret.hash();
    let id = secret.key.to_string();
    let checked = bus.inspect::<ApiKey, _>(secret.tenant, &id, |key, _| {
        let holder =
            Holder { role: key.role()?, scopes: key.scopes().to_vec(), seller: key.seller() };
        Some((key.check(&hash, now), holder, key.rate_per_minute()))
    });
    let (checked, holder, rate_per_minute) = checked.await?.ok_or_else(unknown)?;
    checked.map_err(|refusal| Problem::unauthenticated(refusal.to_string()))?;
    api.admit(secret.tenant, secret.key, rate_per_minute)?;
    Ok(Caller {
        tenant: secret.tenant,
        info,
        key: secret.key,
        holder,
        request: RequestId::mint(),
        idempotency_key,
        csrf,
    })
}

fn bearer(request: &HttpRequest) -> Result<Option<KeySecret>, Problem> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
    value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .and_then(|text| KeySecret::parse(text.trim()))
        .map(Some)
        .ok_or_else(|| Problem::unauthenticated("the Authorization header must be: Bearer dbk_..."))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get("Idempotency-Key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let fits = !text.is_empty() && text.len() <= 255 && text.chars().all(|c| !c.is_control());
    fits.then(|| Some(text.to_owned()))
        .ok_or_else(|| Problem::malformed("an Idempotency-Key has 1 to 255 visible characters"))
}

/// A JSON body, read strictly, with the fingerprint of the whole request.
#[derive(Debug)]
pub struct Body<T> {
    /// What it says.
    pub value: T,
    /// SHA-256 over method, path and body.
    pub fingerprint: [u8; 32],
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| body_problem(&error))?;
            let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
            let value = serde_json::from_slice(text)
                .map_err(|error| Problem::malformed(format!("the body is not right: {error}")))?;
            let parts = [request.method().as_str().as_bytes(), request.path().as_bytes(), text];
            Ok(Self { value, fingerprint: fingerprint(&parts) })
        })
    }
}

/// A body as it came, whatever it is.
#[derive(Debug)]
pub struct RawBody(pub web::Bytes);

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move { bytes.await.map(Self).map_err(|error| body_problem(&error)) })
    }
}

fn body_problem(error: &actix_web::Error) -> Problem {
    let status = error.as_response_error().status_code();
    if status == actix_web::http::StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            status,
            "request.too_large",
            "the body is larger than this server takes",
        );
    }
    Problem::malformed(format!("the body cannot be read: {error}"))
}

/// `?after=<position>`: read your writes.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
pub struct After {
    /// The position that the answer must include.
    pub after: Option<u64>,
}

impl After {
    /// Waits briefly until the read models include the position.
    ///
    /// # Errors
    /// 503 if they do not in time.
    pub async fn wait(self, api: &Api) -> Result<(), Problem> {
        let Some(position) = self.after else { return Ok(()) };
        let reached = api.engine.wait_for(Position(position), api.limits.read_wait_max).await;
        if reached {
            return Ok(());
        }
        Err(Problem::unavailable(format!(
            "the read models have not reached position {position} yet"
        )))
    }
}

//! The fake over HTTP, in Stripe's wire format.

use std::net::{SocketAddr, TcpListener};

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};

use crate::api::{ApiAnswer, ApiRequest, Method};
use crate::fake::FakeStripe;
use crate::fault::Fault;
use crate::form::parse_form;
use crate::refusal::Refusal;

/// A running server. Dropping the handle leaves it running; [`ServerHandle::stop`] ends it.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    server: actix_web::dev::ServerHandle,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl ServerHandle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base address that a Stripe client is pointed at, with a closing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Stops the server at once; connections under way are dropped.
    pub async fn stop(self) {
        self.server.stop(false).await;
        if let Err(error) = self.task.await {
            tracing::debug!(%error, "the fake's server task did not end by itself");
        }
    }
}

/// Serves the fake on a listener, which may be bound to port 0. Must be called inside a tokio runtime.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(fake: FakeStripe, listener: TcpListener) -> std::io::Result<ServerHandle> {
    let address = listener.local_addr()?;
    let fake = Data::new(fake);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(fake.clone())
            .app_data(web::PayloadConfig::new(4 * 1024 * 1024))
            .default_service(web::to(respond))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(0)
    .listen(listener)?
    .run();
    let handle = server.handle();
    let task = tokio::spawn(server);
    Ok(ServerHandle { address, server: handle, task })
}

async fn respond(http: HttpRequest, body: Bytes, fake: Data<FakeStripe>) -> HttpResponse {
    let request = match decode(&http, &body) {
        Ok(request) => request,
        Err(refusal) => return encode_refusal(&refusal),
    };
    let fault = fake.count_call(&request.route());
    match fault {
        Some(Fault::Refuse(status)) => return encode_refusal(&injected(status)),
        Some(Fault::DropBefore) => return dropped(),
        Some(Fault::DropAfter) | None => {}
    }
    match fake.call(&request) {
        Ok(_) if fault == Some(Fault::DropAfter) => dropped(),
        Ok(answer) => encode(&answer),
        Err(error) => {
            tracing::error!(%error, "the fake could not write its journal");
            encode_refusal(&injected(500))
        }
    }
}

fn decode(http: &HttpRequest, body: &Bytes) -> Result<ApiRequest, Refusal> {
    let header = |name: &str| {
        http.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let key = header("Authorization").unwrap_or_default();
    let key = key.strip_prefix("Bearer ").unwrap_or_default();
    if !key.starts_with("sk_test_") && !key.starts_with("rk_test_") {
        return Err(Refusal::unauthorized());
    }
    let method = match http.method().as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => return Err(Refusal::no_route(other, http.path())),
    };
    let text = match method {
        Method::Get => http.query_string().to_owned(),
        Method::Post => String::from_utf8_lossy(body).into_owned(),
    };
    if !http.path().starts_with("/v1/") {
        return Err(Refusal::no_route(method.as_str(), http.path()));
    }
    let idempotency_key = header("Idempotency-Key");
    if idempotency_key.as_ref().is_some_and(|key| key.len() > 255) {
        return Err(Refusal::invalid("Idempotency-Key", "Keys are at most 255 characters long."));
    }
    Ok(ApiRequest {
        method,
        path: http.path().to_owned(),
        parameters: parse_form(&text),
        account: header("Stripe-Account"),
        idempotency_key,
    })
}

fn encode(answer: &ApiAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header(("Request-Id", answer.request_id.as_str()))
        .insert_header(("Stripe-Version", crate::event::API_VERSION));
    if answer.replayed {
        response.insert_header(("Idempotent-Replayed", "true"));
    }
    response.body(answer.body.to_string())
}

fn encode_refusal(refusal: &Refusal) -> HttpResponse {
    encode(&ApiAnswer {
        status: refusal.status,
        body: refusal.body(),
        request_id: "req_none".into(),
        replayed: false,
    })
}

fn injected(status: u16) -> Refusal {
    Refusal {
        status,
        kind: if status == 429 { "invalid_request_error" } else { "api_error" }.into(),
        code: (status == 429).then(|| "rate_limit".into()),
        message: "The fake was asked to fail this call.".into(),
        param: None,
        begun: false,
    }
}

/// An answer whose body breaks off, so that the caller sees a lost connection.
fn dropped() -> HttpResponse {
    let broken = futures::stream::once(async {
        Err::<Bytes, std::io::Error>(std::io::ErrorKind::ConnectionReset.into())
    });
    HttpResponse::Ok().body(actix_web::body::SizedStream::new(1_000_000, broken))
}

//! Listening, answering, and stopping without dropping what is under way.

use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpServer,
    dev::ServerHandle,
    http::{StatusCode, header},
    middleware::{Compress, DefaultHeaders, from_fn},
    web,
};

use crate::{problem::Problem, routes, state::Api};

/// Why the server could not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The operating system says no.
    #[error("the server cannot start: {0}")]
    Io(#[from] io::Error),
}

/// A running server.
#[derive(Debug)]
pub struct Running {
    handle: ServerHandle,
    task: tokio::task::JoinHandle<io::Result<()>>,
    /// Where it listens.
    pub address: std::net::SocketAddr,
}

impl Running {
    /// Stops taking requests, finishes those under way, and returns.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        // The task ends with the server; how it ended was logged by it.
        let _ended = self.task.await;
    }

    /// Waits until the server ends by itself.
    pub async fn wait(self) -> io::Result<()> {
        self.task.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// A handle that can stop the server from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }
}

/// How long a client may take to send its request.
const CLIENT_PATIENCE: Duration = Duration::from_secs(15);
/// How long requests under way may take when the server stops.
const SHUTDOWN_SECONDS: u64 = 20;

/// Serves the API on a listener.
///
/// # Errors
/// [`ServeError`] when the listener cannot be used.
pub fn serve(api: Arc<Api>, listener: TcpListener, workers: usize) -> Result<Running, ServeError> {
    let address = listener.local_addr()?;
    let state = web::Data::from(api);
    let server = HttpServer::new(move || {
        let limits = &state.limits;
        App::new()
            .app_data(state.clone())
            .app_data(web::PayloadConfig::new(limits.body_bytes_max.max(limits.webhook_bytes_max)))
            .app_data(web::QueryConfig::default().error_handler(|error, _| {
                Problem::malformed(format!("the query is not right: {error}")).into()
            }))
            .app_data(web::PathConfig::default().error_handler(|_, _| {
                Problem::not_found("thing (the id in the path is not one of ours)").into()
            }))
            .wrap(from_fn(crate::observe::observe))
            .wrap(Compress::default())
            .wrap(
                DefaultHeaders::new()
                    .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                    .add((header::CACHE_CONTROL, "no-store")),
            )
            .configure(routes::configure)
            .default_service(web::to(|| async {
                Err::<String, Problem>(Problem::new(
                    StatusCode::NOT_FOUND,
                    "not_found",
                    "there is nothing at this address; see /openapi.json",
                ))
            }))
    })
    .client_request_timeout(CLIENT_PATIENCE)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .workers(workers)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(Running { handle, task: tokio::spawn(server), address })
}

//! The least a webhook endpoint can do and still lose nothing: verify, insert, answer.

use std::{net::TcpListener, path::Path, sync::Arc, thread, time::Duration};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use kernel::{Clock, SystemClock};
use payments::{Secret, signature};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use super::{WORKERS, check_stored, messages::Requests, send_all};
use crate::fault::{Doing, Fault, Outcome};

/// As many share one transaction as in our log.
const GROUP_MAX: usize = 512;

struct Insert {
    body: web::Bytes,
    reply: oneshot::Sender<Result<(), String>>,
}

struct Endpoint {
    secret: Secret,
    inserts: mpsc::Sender<Insert>,
}

/// Measures on a database of its own.
pub(super) async fn measure(
    folder: &TempDir,
    requests: &Requests,
    secret: &Secret,
) -> Outcome<Duration> {
    let path = folder.path().join("bare.sqlite");
    let connection = open(&path).doing("open a bare database")?;
    let (inserts, waiting) = mpsc::channel(GROUP_MAX);
    let writer = thread::spawn(move || write(connection, waiting));
    let endpoint = web::Data::from(Arc::new(Endpoint { secret: secret.clone(), inserts }));
    let listener = TcpListener::bind("127.0.0.1:0").doing("find a port")?;
    let address = listener.local_addr().doing("find a port")?;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(endpoint.clone())
            .app_data(web::PayloadConfig::new(1 << 20))
            .route("/webhooks/stripe", web::post().to(receive))
    })
    .workers(WORKERS)
    .disable_signals()
    .listen(listener)
    .doing("serve the bare handler")?
    .run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    let elapsed = send_all(address, requests).await;
    handle.stop(true).await;
    serving.await.doing("stop the bare server")?.doing("stop the bare server")?;
    // With the server the last sender is gone, and the writer comes to its end.
    let connection = tokio::task::spawn_blocking(move || writer.join())
        .await
        .doing("stop the bare writer")?
        .map_err(|_| Fault::new("stop the bare writer", "it panicked"))?;
    let stored: u64 = connection
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .doing("count the bare rows")?;
    check_stored(stored, requests)?;
    elapsed
}

async fn receive(
    endpoint: web::Data<Endpoint>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let header = request.headers().get("Stripe-Signature").and_then(|value| value.to_str().ok());
    let now = SystemClock.now();
    if let Err(error) = signature::verify(&body, header, &[&endpoint.secret], now) {
        return HttpResponse::BadRequest().body(error.to_string());
    }
    let (reply, stored) = oneshot::channel();
    if endpoint.inserts.send(Insert { body, reply }).await.is_err() {
        return HttpResponse::ServiceUnavailable().finish();
    }
    match stored.await {
        Ok(Ok(())) => HttpResponse::Ok().finish(),
        Ok(Err(problem)) => HttpResponse::ServiceUnavailable().body(problem),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// With the settings of our log.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 10000; \
         PRAGMA cache_size = -65536; \
         CREATE TABLE messages (message INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;",
    )?;
    Ok(connection)
}

/// Group commit: whatever waits shares one transaction.
fn write(mut connection: Connection, mut waiting: mpsc::Receiver<Insert>) -> Connection {
    while let Some(first) = waiting.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let outcome = insert(&mut connection, &group).map_err(|error| error.to_string());
        for one in group {
            // A client that has gone away does not need its answer.
            let _gone = one.reply.send(outcome.clone());
        }
    }
    connection
}

fn insert(connection: &mut Connection, group: &[Insert]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut statement = transaction.prepare_cached("INSERT INTO messages (body) VALUES (?1)")?;
    for one in group {
        statement.execute([&one.body[..]])?;
    }
    drop(statement);
    transaction.commit()
}

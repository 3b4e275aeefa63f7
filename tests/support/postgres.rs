//! A real PostgreSQL for the whole house, and its own programs for dumps and base backups.

use std::{path::PathBuf, process::Command};

use test_postgres::{Database, Server};

use crate::daybook::Engine;

/// A new database on the server that all tests of this process share.
pub async fn database() -> Database {
    tokio::task::spawn_blocking(|| Server::shared().database()).await.unwrap()
}

/// A new database as an engine.
pub async fn engine() -> Engine {
    Engine::Postgres(database().await.url().to_owned())
}

/// The address of a database on whichever of the two servers is the primary, as the guide has it.
#[must_use]
pub fn url_of_both(one: &Server, other: &Server, database: &str) -> String {
    let (one, other) = (one.port(), other.port());
    format!(
        "postgres://postgres@127.0.0.1:{one},127.0.0.1:{other}/{database}\
         ?target_session_attrs=read-write"
    )
}

/// One of the server's own programs, such as `pg_dump`, with nothing of this process's settings.
#[must_use]
pub fn program(server: &Server, name: &str) -> Command {
    let folder = server.psql("SELECT setting FROM pg_config() WHERE name = 'BINDIR'");
    let mut command = Command::new(PathBuf::from(folder).join(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("PG") {
            command.env_remove(variable);
        }
    }
    command.env("LC_ALL", "C");
    command
}

/// Runs a program to its end.
///
/// # Panics
/// If it fails, with what it said.
pub fn finish(mut command: Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

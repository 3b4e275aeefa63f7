//! A running `daybook serve`: started, killed, stopped and started again on the same data.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use stripe_fake::{Endpoints, WebhookEndpoint};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    time::{Instant, timeout},
};

use crate::{
    caller::Caller,
    command::{Said, daybook_command, run_in},
};

/// The signing secret of the platform's endpoint.
pub const PLATFORM_SECRET: &str = "whsec_platform";
/// The signing secret of the endpoint for connected accounts.
pub const CONNECT_SECRET: &str = "whsec_connect";

/// How long the server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where Stripe is; without it there is no Stripe key.
    pub stripe_url: Option<String>,
    /// What holds its log and its read models.
    pub engine: Engine,
    /// For how long it takes over work before it renews that, in seconds; 10 unless told otherwise.
    pub lease_seconds: Option<u64>,
    /// Whether its log has to survive the loss of a machine.
    pub high_availability: bool,
}

/// What holds a log and its read models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Engine {
    /// Files in the data folder.
    #[default]
    Sqlite,
    /// The PostgreSQL database at this URL.
    Postgres(String),
    /// The log on the KurrentDB server at this URL, the read models in the data folder.
    Kurrent(String),
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
            Self::Kurrent(_) => "KurrentDB",
        })
    }
}

/// A running server and its data. Killed and cleaned up when dropped.
#[derive(Debug)]
pub struct Daybook {
    folder: TempDir,
    settings: Settings,
    child: Option<Child>,
    url: String,
    tenant: String,
    admin: String,
}

impl Daybook {
    /// Starts a server with new data.
    pub async fn start(settings: Settings) -> Self {
        let mut server = Self::not_started(settings, String::new());
        server.launch("127.0.0.1:0").await;
        server.admin = fs::read_to_string(server.key_file()).unwrap();
        server
    }

    /// Starts another process on the same log and read models, which have the same keys.
    ///
    /// # Panics
    /// On SQLite, where there can be no other.
    pub async fn start_beside(&self) -> Self {
        assert_ne!(self.settings.engine, Engine::Sqlite, "one process has it alone");
        let mut server = Self::not_started(self.settings.clone(), self.admin.clone());
        server.launch("127.0.0.1:0").await;
        assert_eq!(server.tenant, self.tenant, "they serve the same data");
        server
    }

    fn not_started(settings: Settings, admin: String) -> Self {
        let folder = tempfile::Builder::new().prefix("daybook-").tempdir().unwrap();
        let (url, tenant) = (String::new(), String::new());
        Self { folder, settings, child: None, url, tenant, admin }
    }

    /// Where it can be reached.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whose data it serves.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// What holds its log and its read models.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.settings.engine
    }

    /// The folder of the log and of what is derived from it.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The same, as an argument.
    #[must_use]
    pub fn data_text(&self) -> String {
        self.data().to_str().unwrap().to_owned()
    }

    /// The variables by which a command finds its log and its read models.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut environment = vec![("DAYBOOK_DATA".to_owned(), self.data_text())];
        if let Engine::Postgres(url) | Engine::Kurrent(url) = &self.settings.engine {
            environment.push(("DAYBOOK_LOG".to_owned(), url.clone()));
        }
        if self.settings.high_availability {
            environment.push(("DAYBOOK_HIGH_AVAILABILITY".to_owned(), "true".to_owned()));
        }
        environment
    }

    /// Runs another command on its log and its read models.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        let environment = self.environment();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        run_in(&environment, arguments).await
    }

    /// A place for files of the test, gone with the server.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The holder of the first key.
    #[must_use]
    pub fn admin(&self) -> Caller {
        Caller::new(&self.url, Some(&self.admin))
    }

    /// Somebody with this key.
    #[must_use]
    pub fn holder(&self, secret: &str) -> Caller {
        Caller::new(&self.url, Some(secret))
    }

    /// Somebody without a key.
    #[must_use]
    pub fn stranger(&self) -> Caller {
        Caller::new(&self.url, None)
    }

    /// What it has said on standard error, in all its lives.
    #[must_use]
    pub fn said(&self) -> String {
        fs::read_to_string(self.error_file()).unwrap_or_default()
    }

    /// Ends it at once, as a power failure would.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// Asks it to finish what is under way and to stop.
    ///
    /// # Panics
    /// If it does not stop in time, or not well.
    pub async fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        self.signal("TERM", &child);
        let ended = timeout(PATIENCE, child.wait()).await.expect("it stops when told").unwrap();
        assert!(ended.success(), "{ended}: {}", self.said());
    }

    /// Stops it in the middle of whatever it does, as a machine does whose memory is full or which is
    /// moved; it does not notice.
    ///
    /// # Panics
    /// If it does not run.
    pub fn freeze(&self) {
        self.signal("STOP", self.child.as_ref().expect("it runs"));
    }

    /// Lets it go on after [`Daybook::freeze`].
    ///
    /// # Panics
    /// If it does not run.
    pub fn thaw(&self) {
        self.signal("CONT", self.child.as_ref().expect("it runs"));
    }

    fn signal(&self, name: &str, child: &Child) {
        let process = child.id().expect("it runs").to_string();
        let told = std::process::Command::new("kill").args(["-s", name, &process]).status();
        assert!(told.unwrap().success(), "the server is gone already: {}", self.said());
    }

    /// Where Stripe delivers to.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        let endpoint = |path: &str, secret: &str| {
            let url = format!("{}{path}", self.url);
            Some(WebhookEndpoint { url, secrets: vec![secret.to_owned()] })
        };
        Endpoints {
            platform: endpoint("/webhooks/stripe", PLATFORM_SECRET),
            connect: endpoint("/webhooks/stripe/connect", CONNECT_SECRET),
        }
    }

    /// Starts it again with the same data on the same port.
    pub async fn restart(&mut self) {
        self.kill().await;
        let address = self.url.trim_start_matches("http://").to_owned();
        self.launch(&address).await;
    }

    async fn launch(&mut self, address: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.try_launch(address).await {
                Ok(()) => return,
                // Somebody else may have been given the port meanwhile.
                Err(why) if why.contains("cannot listen") && Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(why) => panic!("the server does not start: {why}"),
            }
        }
    }

    async fn try_launch(&mut self, address: &str) -> Result<(), String> {
        let errors = File::options().create(true).append(true).open(self.error_file()).unwrap();
        let key_file = self.key_file();
        let mut command = daybook_command(&["serve", "--listen", address]);
        command
            .envs(self.environment())
            .arg("--first-key-file")
            .arg(key_file)
            .env("RUST_LOG", "warn")
            .env("DAYBOOK_STRIPE_WEBHOOK_SECRETS", PLATFORM_SECRET)
            .env("DAYBOOK_STRIPE_CONNECT_SECRETS", CONNECT_SECRET)
            .stdout(Stdio::piped())
            .stderr(errors);
        if let Some(seconds) = self.settings.lease_seconds {
            command.env("DAYBOOK_LEASE_SECONDS", seconds.to_string());
        }
        if let Some(url) = &self.settings.stripe_url {
            command.env("DAYBOOK_STRIPE_KEY", "sk_test_fake").args(["--stripe-url", url]);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line()).await;
        let line = line.map_err(|_| format!("it says nothing: {}", self.said()))?.unwrap();
        let Some(line) = line else { return Err(self.said()) };
        let told: Value = serde_json::from_str(&line).expect("the first line is JSON");
        told["url"].as_str().unwrap().clone_into(&mut self.url);
        told["tenant"].as_str().unwrap().clone_into(&mut self.tenant);
        self.child = Some(child);
        self.be_ready().await;
        Ok(())
    }

    /// Waits until every read model is there.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn be_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ready = self.stranger().get("/readyz").await;
            if ready.status == 200 {
                return;
            }
            assert!(Instant::now() < deadline, "it does not become ready: {}", ready.text);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("first-key")
    }

    fn error_file(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    /// Removes the read models, which are built anew at the next start.
    ///
    /// # Panics
    /// While it runs.
    pub fn delete_views(&self) {
        assert!(self.child.is_none(), "the server still uses them");
        for entry in fs::read_dir(self.data()).unwrap() {
            let path = entry.unwrap().path();
            if is_of_views(&path) {
                fs::remove_file(path).unwrap();
            }
        }
    }
}

fn is_of_views(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("views.db"))
}

impl Drop for Daybook {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself; the test has failed then for a better reason.
            let _ = child.start_kill();
        }
        if std::thread::panicking() {
            eprintln!("the server had said:\n{}", self.said());
        } else {
            assert!(!self.said().contains("panicked"), "{}", self.said());
        }
    }
}

//! A server of one's own: made in a temporary folder, started, killed, started again.

use std::{
    collections::hash_map::RandomState,
    fs::{self, OpenOptions},
    hash::BuildHasher,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    Database, Options,
    programs::{Programs, run, try_run},
    supervisor::{self, Supervisor},
    until,
};

/// Below the ports that systems lend to outgoing connections, so that nobody takes the port of a
/// server that is down for a moment.
const PORTS: std::ops::Range<u16> = 15_000..32_000;

/// Starts that may fail because another process took the port first.
const STARTS_MAX: u32 = 20;

/// How a server is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Waits for clients to leave.
    Smart,
    /// Ends its clients, rolls back, writes everything out.
    Fast,
    /// Ends at once; the next start recovers, as after a crash.
    Immediate,
}

/// A real PostgreSQL, which ends when this value or this process does.
#[derive(Debug)]
pub struct Server {
    pub(crate) programs: Programs,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    pub(crate) name: String,
    supervisor: Supervisor,
    running: Option<u32>,
}

impl Server {
    /// The server that all tests of this process share, started by the first who asks. It cannot
    /// be killed or stopped (that takes `&mut`); each test takes its own [`Server::database`].
    ///
    /// # Panics
    /// When there is no PostgreSQL or it does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server for faults: one that may be killed.
    ///
    /// # Panics
    /// When there is no PostgreSQL or it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&Options::new())
    }

    /// A server with further settings.
    ///
    /// # Panics
    /// When there is no PostgreSQL or it does not start.
    #[must_use]
    pub fn start_with(options: &Options) -> Self {
        let mut server = Self::empty();
        let mut initdb = server.programs.server("initdb");
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8"]);
        initdb.args(["--locale=C.UTF-8", "--data-checksums", "--no-sync", "--pgdata"]);
        initdb.arg(server.data());
        run(initdb);
        let usual = ["shared_buffers = 64MB", "max_connections = 200", "wal_keep_size = 1GB"];
        server.configure("postgresql.conf", &usual.map(str::to_owned));
        server.configure("postgresql.conf", options.settings());
        server.start_on(None);
        server
    }

    /// A folder with a supervisor and no data in it yet.
    pub(crate) fn empty() -> Self {
        static SERVERS: AtomicU64 = AtomicU64::new(1);
        let programs = Programs::find();
        let folder = tempfile::Builder::new()
            .prefix("daybook-postgres-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"))
            // From here on the supervisor removes it, also when this process is killed.
            .keep();
        let data = folder.join("data").display().to_string();
        let mut words = programs.server_words("postgres");
        words.extend(["-D".to_owned(), data]);
        let supervisor = Supervisor::start(&folder, &folder.join("server.log"), &words);
        programs.hand_over(&folder);
        let name = format!("server_{}", SERVERS.fetch_add(1, Ordering::Relaxed));
        Self { programs, folder, port: 0, name, supervisor, running: None }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Adds lines to a file of settings.
    pub(crate) fn configure(&self, file: &str, lines: &[String]) {
        let path = self.data().join(file);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let written = OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()));
        written.unwrap_or_else(|error| panic!("{} cannot be written: {error}", path.display()));
    }

    /// Starts for the first time, on this port or a free one.
    pub(crate) fn start_on(&mut self, port: Option<u16>) {
        for attempt in 1..=STARTS_MAX {
            self.port = port.unwrap_or_else(free_port);
            self.configure(
                "postgresql.conf",
                &[
                    "listen_addresses = '127.0.0.1'".to_owned(),
                    format!("port = {}", self.port),
                    format!("unix_socket_directories = '{}'", self.folder.display()),
                    format!("cluster_name = '{}'", self.name),
                ],
            );
            match self.try_start() {
                Ok(()) => return,
                Err(words) if attempt < STARTS_MAX && words.contains("could not bind") => {}
                Err(words) => panic!("PostgreSQL did not start: {words}"),
            }
        }
    }

    /// Starts again after [`Server::kill`] or [`Server::stop`], on the same data and port.
    ///
    /// # Panics
    /// When it runs already or does not start.
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "the server runs already");
        if let Err(words) = self.try_start() {
            panic!("PostgreSQL did not start again: {words}");
        }
    }

    fn try_start(&mut self) -> Result<(), String> {
        let before = self.log().len();
        let process = self.supervisor.start_server();
        let ready = until(|| {
            if !supervisor::runs(process) {
                return Some(false);
            }
            is_ready(&self.data(), process).then_some(true)
        });
        if ready == Some(true) {
            self.running = Some(process);
            return Ok(());
        }
        self.supervisor.signal("KILL");
        self.supervisor.wait_for_server();
        Err(self.log().get(before..).unwrap_or_default().to_owned())
    }

    /// What the server has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.join("server.log"))
            .map(|words| String::from_utf8_lossy(&words).into_owned())
            .unwrap_or_default()
    }

    /// The process id of the postmaster.
    ///
    /// # Panics
    /// When the server is down.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.unwrap_or_else(|| panic!("the server is down"))
    }

    /// The loopback port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder of everything: `data`, the unix socket, `server.log`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name, by which a primary knows it as a standby (`application_name`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of a database, as the superuser, over the loopback address.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// The address of a database over the unix socket.
    #[must_use]
    pub fn socket_url_of(&self, database: &str) -> String {
        let folder = self.folder.display();
        format!("postgres://postgres@localhost:{}/{database}?host={folder}", self.port)
    }

    /// A new, empty database.
    ///
    /// # Panics
    /// When the server does not make it.
    pub fn database(&self) -> Database {
        static DATABASES: AtomicU64 = AtomicU64::new(1);
        let name = format!("test_{}_{}", process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
        self.psql(&format!("CREATE DATABASE {name}"));
        Database { url: self.url_of(&name), name }
    }

    /// Runs SQL in the database `postgres`; the rows it answers, with `|` between columns.
    ///
    /// # Panics
    /// When it fails.
    pub fn psql(&self, sql: &str) -> String {
        self.psql_in("postgres", sql)
    }

    /// Runs SQL in a database.
    ///
    /// # Panics
    /// When it fails.
    pub fn psql_in(&self, database: &str, sql: &str) -> String {
        self.try_psql(database, sql).unwrap_or_else(|trouble| panic!("{trouble}"))
    }

    /// Runs SQL in a database.
    ///
    /// # Errors
    /// The words of `psql` when it fails.
    pub fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.programs.client("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        psql.arg("-h").arg(&self.folder).args(["-p", &self.port.to_string()]);
        psql.args(["-d", database, "-c", sql]);
        try_run(psql)
    }

    /// Reads the files of settings again.
    ///
    /// # Panics
    /// When the server is down.
    pub fn reload(&self) {
        self.psql("SELECT pg_reload_conf()");
    }

    /// Adds a line to the settings and reads them again.
    ///
    /// # Panics
    /// When the server is down.
    pub fn set(&self, line: &str) {
        self.configure("postgresql.conf", &[line.to_owned()]);
        self.reload();
    }

    /// Kills the postmaster and all its processes with SIGKILL, as a power cut would; returns when
    /// every one is gone.
    ///
    /// # Panics
    /// When the server is down already.
    pub fn kill(&mut self) {
        let postmaster = self.pid();
        self.running = None;
        // Stopped first, so that it cannot start another process between the look and the kill.
        self.supervisor.signal("STOP");
        let children = supervisor::children(postmaster);
        self.supervisor.signal("KILL");
        supervisor::signal("KILL", &children);
        self.supervisor.wait_for_server();
        supervisor::wait_until_gone(&children);
    }

    /// Asks the server to end, and returns when it has.
    ///
    /// # Panics
    /// When the server is down already.
    pub fn stop(&mut self, mode: StopMode) {
        let children = supervisor::children(self.pid());
        self.running = None;
        self.supervisor.signal(match mode {
            StopMode::Smart => "TERM",
            StopMode::Fast => "INT",
            StopMode::Immediate => "QUIT",
        });
        self.supervisor.wait_for_server();
        supervisor::wait_until_gone(&children);
    }
}

/// Whether a postmaster says, in the file of its lock, that it answers.
fn is_ready(data: &Path, process: u32) -> bool {
    let Ok(lock) = fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let lines: Vec<&str> = lock.lines().map(str::trim).collect();
    // The file of a killed one is still there until the next one has written its own.
    lines.first() == Some(&process.to_string().as_str()) && lines.get(7) == Some(&"ready")
}

/// A port that nobody listens on at this moment; another process may still take it first.
fn free_port() -> u16 {
    let count = u64::from(PORTS.end - PORTS.start);
    let from = RandomState::new().hash_one(process::id()) % count;
    let free = (0..count).find_map(|step| {
        let port = PORTS.start + u16::try_from((from + step) % count).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(port)
    });
    free.unwrap_or_else(|| panic!("no port between {} and {} is free", PORTS.start, PORTS.end))
}

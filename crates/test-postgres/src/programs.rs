//! Where PostgreSQL's programs are, and as whom they run.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where Debian keeps the programs, one folder per version; they are not on the path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs of one version.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
    as_postgres: bool,
}

impl Programs {
    /// Finds them: where `DAYBOOK_TEST_POSTGRES` says, else the newest of Debian's, else on the
    /// path.
    pub(crate) fn find() -> Self {
        let folder = named().or_else(newest_of_debian).or_else(on_path).unwrap_or_else(|| {
            panic!(
                "no PostgreSQL: install Debian's package postgresql (.ci/setup does), or name the \
                 folder of its programs in DAYBOOK_TEST_POSTGRES"
            )
        });
        // PostgreSQL refuses to run as root, and /proc/self belongs to the user we run as.
        let as_postgres = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        Self { folder, as_postgres }
    }

    /// The words of a command that runs a program as a user it accepts.
    pub(crate) fn server_words(&self, program: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        if self.as_postgres {
            let drop_root =
                ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
            words.extend(drop_root.map(str::to_owned));
        }
        words.push(self.folder.join(program).display().to_string());
        words
    }

    /// A program of the server's, as its user.
    pub(crate) fn server(&self, program: &str) -> Command {
        let words = self.server_words(program);
        let mut command = Command::new(words.first().map_or(program, String::as_str));
        command.args(words.iter().skip(1));
        plain(command)
    }

    /// A client, as ourselves.
    pub(crate) fn client(&self, program: &str) -> Command {
        plain(Command::new(self.folder.join(program)))
    }

    /// Gives a folder to the server's user.
    pub(crate) fn hand_over(&self, folder: &Path) {
        if self.as_postgres {
            let mut command = Command::new("chown");
            command.arg("postgres:postgres").arg(folder);
            run(command);
        }
    }
}

/// Runs a command to its end and returns what it said; panics when it fails.
pub(crate) fn run(command: Command) -> String {
    match try_run(command) {
        Ok(said) => said,
        Err(trouble) => panic!("{trouble}"),
    }
}

/// Runs a command to its end; its words, or those of its failure.
pub(crate) fn try_run(mut command: Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?} did not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed ({}): {said}\n{complaint}", output.status))
}

/// Without the caller's `PG*` variables and language, which would change what the programs do.
fn plain(mut command: Command) -> Command {
    let ours = env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").current_dir("/");
    command
}

fn named() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("DAYBOOK_TEST_POSTGRES")?);
    assert!(has_server(&folder), "there is no postgres in DAYBOOK_TEST_POSTGRES: {folder:?}");
    Some(folder)
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).ok()?.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin")))
    });
    versions.filter(|(_, folder)| has_server(folder)).max().map(|(_, folder)| folder)
}

fn on_path() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).find(|folder| has_server(folder))
}

fn has_server(folder: &Path) -> bool {
    ["postgres", "initdb", "psql"].iter().all(|program| folder.join(program).is_file())
}

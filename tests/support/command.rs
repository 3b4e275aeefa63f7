//! The binary on the command line: what it says, and how it ends.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::{process::Command, time::timeout};

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a command said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    /// What it said, if it ended well.
    #[track_caller]
    pub fn fine(self) -> Self {
        assert_eq!(self.code, Some(0), "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// Its output as JSON, if it ended well.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.fine().out).expect("the output is JSON")
    }

    /// The one line it said when it gave up with this code.
    #[track_caller]
    pub fn refusal(self, code: i32) -> String {
        let Self { code: found, out, err } = self;
        assert_eq!(found, Some(code), "out: {out}\nerr: {err}");
        assert!(!err.contains("panicked"), "{err}");
        let lines: Vec<&str> = err.lines().collect();
        let [line] = lines.as_slice() else { panic!("not one line: {err}") };
        (*line).to_owned()
    }
}

/// Where `cargo build` puts a binary: beside the folder of the test's own executable.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(Path::parent).unwrap();
    let binary = folder.join(name);
    assert!(
        binary.is_file(),
        "{} is not there; the end-to-end tests drive real binaries: run `make test` (or `make \
         kurrent`), or `cargo build --package {name}` first",
        binary.display()
    );
    binary
}

/// The binary with nothing of this process's environment, so that a developer's own settings do not
/// change what is tested.
#[must_use]
pub fn daybook_command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("daybook"));
    command.env_clear().args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs the binary to its end.
pub async fn run(arguments: &[&str]) -> Said {
    finish(daybook_command(arguments)).await
}

/// Runs the binary to its end with these variables.
pub async fn run_in(environment: &[(&str, &str)], arguments: &[&str]) -> Said {
    let mut command = daybook_command(arguments);
    command.envs(environment.iter().copied());
    finish(command).await
}

async fn finish(mut command: Command) -> Said {
    let output = timeout(PATIENCE, command.output());
    let output = output.await.unwrap_or_else(|_| panic!("{command:?} does not end")).unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

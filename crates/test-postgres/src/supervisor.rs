//! The small shell that holds a server, so that it never outlives the test process.
//!
//! The shell reads a pipe whose other end only this process has. When the process ends, even by
//! SIGKILL, the system closes the pipe, and the shell ends the server and removes its folder.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::until;

const SCRIPT: &str = include_str!("supervisor.sh");

/// The shell of one server.
#[derive(Debug)]
pub(crate) struct Supervisor {
    shell: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the shell for a folder, which it will remove, and the command of a server.
    pub(crate) fn start(folder: &Path, server_words: &Path, server: &[String]) -> Self {
        let started = Command::new("sh")
            .args(["-c", SCRIPT, "supervisor"])
            .args([folder, server_words])
            .args(server)
            // A group of its own: what interrupts the tests must not interrupt the cleaning up.
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Whoever reads our errors to their end shall not wait for the cleaning up.
            .stderr(Stdio::null())
            .spawn();
        let mut shell = started.unwrap_or_else(|error| panic!("sh did not start: {error}"));
        let words = shell.stdin.take();
        let Some(answers) = shell.stdout.take() else { panic!("sh has no output") };
        Self { shell, words, answers: BufReader::new(answers) }
    }

    /// Starts the server; its process id.
    pub(crate) fn start_server(&mut self) -> u32 {
        self.ask("start")
    }

    /// Sends the server a signal (`INT`, `KILL`, ...); whether it was there to get it.
    pub(crate) fn signal(&mut self, name: &str) -> bool {
        self.ask(name) == 0
    }

    /// Waits until the server has ended.
    pub(crate) fn wait_for_server(&mut self) {
        self.ask("wait");
    }

    fn ask(&mut self, word: &str) -> u32 {
        let sent = self.words.as_mut().map(|words| writeln!(words, "{word}"));
        let mut answer = String::new();
        let answered = self.answers.read_line(&mut answer);
        answer.trim().parse().unwrap_or_else(|_| {
            panic!("the shell that holds PostgreSQL is gone: {sent:?}, {answered:?}, {answer}")
        })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.words.take());
        // A shell that cannot be waited for has ended; there is nothing left to do.
        let _ = self.shell.wait();
    }
}

/// The processes that a process has started and that still run.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { panic!("there is no /proc") };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|process| state_and_parent(*process).is_some_and(|(_, found)| found == parent))
        .collect()
}

/// Whether a process still runs; one that has ended and only waits to be noticed does not.
pub(crate) fn runs(process: u32) -> bool {
    state_and_parent(process).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// Waits until none of the processes runs.
pub(crate) fn wait_until_gone(processes: &[u32]) {
    let gone = until(|| processes.iter().all(|process| !runs(*process)).then_some(()));
    assert!(gone.is_some(), "of {processes:?} some will not end");
}

/// Sends a signal to processes, some of which may have ended by themselves.
pub(crate) fn signal(name: &str, processes: &[u32]) {
    if !processes.is_empty() {
        let ids = processes.iter().map(u32::to_string);
        let mut kill = Command::new("sh");
        kill.args(["-c", "kill -s \"$@\"", "kill", name]).args(ids).stderr(Stdio::null());
        // Whether they are gone is looked at, not believed.
        let _ = kill.status();
    }
}

fn state_and_parent(process: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The program's name stands in parentheses and may contain any character.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

//! How a command ends: one line, and an exit code that means something.
//!
//! 0 it worked; 1 a check found something wrong (verify, replay, doctor); 2 the command or the
//! configuration is not right; 3 something it needs is not there (database in use, port taken, disk
//! full, server down).

use std::{fmt::Display, process::ExitCode};

/// A command did not work.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    line: String,
}

impl Failure {
    /// A check found something wrong.
    pub(crate) fn check(line: impl Display) -> Self {
        Self::new(1, line)
    }

    /// The command or the configuration is not right.
    pub(crate) fn usage(line: impl Display) -> Self {
        Self::new(2, line)
    }

    /// Something it needs is not there.
    pub(crate) fn unavailable(line: impl Display) -> Self {
        Self::new(3, line)
    }

    fn new(code: u8, line: impl Display) -> Self {
        let words: Vec<_> = line.to_string().split_whitespace().map(str::to_owned).collect();
        Self { code, line: words.join(" ") }
    }

    /// Says it, in one line.
    pub(crate) fn tell(self) -> ExitCode {
        eprintln!("daybook: {}", self.line);
        ExitCode::from(self.code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.line)
    }
}

/// What every command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_it_was_made_of() {
        for (said, line) in [
            ("all is well", "all is well"),
            ("no such table:\n  orders__1\r\n", "no such table: orders__1"),
            ("\ttoo\u{2028}wide  apart ", "too wide apart"),
        ] {
            for failure in [Failure::check(said), Failure::usage(said), Failure::unavailable(said)]
            {
                assert_eq!(failure.line, line);
            }
        }
    }
}

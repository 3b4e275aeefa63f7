//! The binary as cargo builds it. That this test names it is also what makes `cargo test` build it,
//! with the libraries all other tests use, before the end-to-end tests of the package `tests` run.

#![allow(clippy::unwrap_used, reason = "a test may fail by it")]

use std::process::{Command, Output};

fn daybook(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_daybook")).env_clear().args(arguments).output().unwrap()
}

#[test]
fn it_says_its_version() {
    let said = daybook(&["--version"]);
    assert!(said.status.success());
    let version = format!("daybook {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(said.stdout).unwrap(), version);
}

#[test]
fn what_it_does_not_know_is_refused() {
    let said = daybook(&["cook-the-books"]);
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8(said.stderr).unwrap().contains("cook-the-books"));
}

//! The server as a process. That this test names it is also what makes `cargo test` build it before
//! the end-to-end tests of the package `tests` run.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

#[test]
fn it_says_where_it_listens() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_kurrent-fake"))
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(line.starts_with("esdb://127.0.0.1:"), "{line}");
}

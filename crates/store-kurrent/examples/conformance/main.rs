//! Prints every case of the log's contract on KurrentDB, and whether it was kept.

mod subject;

use std::{env, process::ExitCode};

use comfy_table::{Table, presets::NOTHING};
use subject::{OnKurrent, SERVER};

#[tokio::main]
async fn main() -> ExitCode {
    let server = match env::var(SERVER) {
        Ok(_) => format!("the server that {SERVER} names"),
        Err(_) => "kurrent-fake, the protocol test server".to_owned(),
    };
    eprintln!("on {server}:");
    let outcomes = store::contract::run_all::<OnKurrent>().await;
    let kept = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).count();
    let mut table = Table::new();
    table.load_style(NOTHING);
    for (case, outcome) in &outcomes {
        let outcome = outcome.as_ref().err().map_or("kept", String::as_str);
        table.add_row([case.replace('_', " ").as_str(), outcome]);
    }
    println!("{table}");
    println!("{kept} of {} cases kept", outcomes.len());
    if kept == outcomes.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! Accounting programs that nobody here wrote, as judges of the books: hledger, ledger and beancount
//! read a journal, say whether it is sound, and add it up on their own.
//!
//! It depends on none of our crates, so that its opinion is a second one. `.ci/setup` installs the
//! programs; what cannot be run panics: a test without its judge has failed.

#![allow(
    clippy::panic,
    reason = "this crate exists for tests: a judge that cannot be had fails the test that asked"
)]

mod decimal;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

pub use decimal::canonical;

/// Balances that are not zero, by account and currency, as [`canonical`] decimals.
pub type Balances = BTreeMap<(String, String), String>;

/// What a program made of a journal.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Whether its strict check passed.
    pub sound: bool,
    /// What it said, on both outputs.
    pub said: String,
    /// What it added up itself; empty if the check did not pass.
    pub balances: Balances,
}

impl Verdict {
    /// The balances, if the journal is sound.
    #[must_use]
    #[track_caller]
    pub fn balances(self) -> Balances {
        assert!(self.sound, "the journal is not sound: {}", self.said);
        self.balances
    }
}

/// `hledger check --strict`, and its balances from exact mantissas.
#[must_use]
pub fn hledger(journal: &Path) -> Verdict {
    let check = run(Command::new("hledger").arg("-f").arg(journal).args(["check", "--strict"]));
    let (sound, said) = words(&check);
    let mut balances = Balances::new();
    if sound {
        let json = run(Command::new("hledger").arg("-f").arg(journal).args([
            "balance",
            "--flat",
            "--no-total",
            "-O",
            "json",
        ]));
        let table: Value = serde_json::from_slice(&json.stdout)
            .unwrap_or_else(|error| panic!("hledger's balances are not JSON: {error}"));
        for row in table[0].as_array().into_iter().flatten() {
            for amount in row[3].as_array().into_iter().flatten() {
                let quantity = &amount["aquantity"];
                let text = decimal::scaled(
                    &quantity["decimalMantissa"].to_string(),
                    usize::try_from(quantity["decimalPlaces"].as_u64().unwrap_or(0)).unwrap_or(0),
                );
                let commodity = amount["acommodity"].as_str().unwrap_or_default();
                keep(&mut balances, row[0].as_str().unwrap_or_default(), commodity, &text);
            }
        }
    }
    Verdict { sound, said, balances }
}

/// `ledger --pedantic`, which refuses undeclared accounts, currencies and tags and wrong assertions.
#[must_use]
pub fn ledger(journal: &Path) -> Verdict {
    let output = run(Command::new("ledger").arg("-f").arg(journal).args([
        "--pedantic",
        "balance",
        "--flat",
        "--no-total",
        // Also those whose sub-accounts make up for them.
        "--empty",
        "--format",
        "%(account)\\t%(scrub(display_amount))\\n",
    ]));
    let (sound, said) = words(&output);
    let mut balances = Balances::new();
    if sound {
        let mut account = String::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            // A second currency stands on a line without the account.
            let amount = match line.split_once('\t') {
                Some((name, amount)) => {
                    name.clone_into(&mut account);
                    amount
                }
                None => line,
            };
            if let Some((number, commodity)) = amount.trim().split_once(' ') {
                keep(&mut balances, &account, commodity, number);
            }
        }
    }
    Verdict { sound, said, balances }
}

/// beancount: what `bean-check` checks, and the balances of its realized accounts.
#[must_use]
pub fn beancount(journal: &Path) -> Verdict {
    let script = "
import json, sys
from beancount import loader
from beancount.core import realization
from beancount.parser import printer
entries, errors, _ = loader.load_file(sys.argv[1])
printer.print_errors(errors, file=sys.stderr)
rows = []
for account in realization.iter_children(realization.realize(entries)):
    for position in account.balance:
        rows.append([account.account, position.units.currency, format(position.units.number, 'f')])
json.dump(rows, sys.stdout)
sys.exit(1 if errors else 0)
";
    let output = run(Command::new(python()).args(["-c", script]).arg(journal));
    let sound = output.status.success();
    // The other output is the balances.
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut balances = Balances::new();
    if sound {
        let rows: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("beancount's balances are not JSON: {error}"));
        for row in rows.as_array().into_iter().flatten() {
            let text = |place: usize| row[place].as_str().unwrap_or_default();
            keep(&mut balances, text(0), text(1), text(2));
        }
    }
    Verdict { sound, said, balances }
}

/// What a Python script writes as JSON; for DuckDB and pyarrow.
#[must_use]
pub fn python_json(script: &str, arguments: &[&Path]) -> Value {
    let output = run(Command::new(python()).args(["-c", script]).args(arguments));
    let (fine, said) = words(&output);
    assert!(fine, "{said}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("the script did not write JSON: {error}: {said}"))
}

fn keep(balances: &mut Balances, account: &str, commodity: &str, number: &str) {
    let number = canonical(number);
    if number != "0" {
        balances.insert((account.to_owned(), commodity.to_owned()), number);
    }
}

fn python() -> PathBuf {
    let python = std::env::var_os("DAYBOOK_TEST_PYTHON").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/test-venv/bin/python"),
        PathBuf::from,
    );
    assert!(
        python.exists(),
        "{} does not exist: run .ci/setup, or name an interpreter that has beancount, duckdb and \
         pyarrow in DAYBOOK_TEST_PYTHON",
        python.display()
    );
    python
}

fn run(command: &mut Command) -> Output {
    command
        // The journals are UTF-8; hledger reads what the locale says.
        .env("LC_ALL", "C.UTF-8")
        // A developer's own settings are not to change what is tested.
        .env("HOME", "/nonexistent")
        .env_remove("LEDGER_FILE")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}; run .ci/setup"))
}

fn words(output: &Output) -> (bool, String) {
    let said = [&output.stdout, &output.stderr].map(|part| String::from_utf8_lossy(part));
    (output.status.success(), said.concat())
}

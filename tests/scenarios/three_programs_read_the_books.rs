//! The demo month in the hands of programs that nobody here wrote: hledger, ledger and beancount find
//! it sound and add up what we add up, account by account; DuckDB and pyarrow read the Parquet.
//!
//! A hundredth of the month: beancount takes its time.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;
use test_judges::{Balances, beancount, canonical, hledger, ledger, python_json};
use tests::{Said, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_month_is_what_they_add_up_to() {
    let folder = TempDir::new().unwrap();
    let data = demo(folder.path()).await;
    let ours = ours(&data).await;
    assert!(ours.len() > 30, "{}", ours.len());

    let journal = books(&data, folder.path(), "hledger", "month.journal").await;
    let same = books(&data, folder.path(), "ledger", "month.ledger").await;
    assert_eq!(fs::read(&journal).unwrap(), fs::read(&same).unwrap(), "one dialect passes both");
    let found = hledger(Path::new(&journal)).balances();
    assert_eq!(found, ours, "hledger");
    assert_eq!(ledger(Path::new(&journal)).balances(), ours, "ledger");

    let bean = books(&data, folder.path(), "beancount", "month.beancount").await;
    let translated = translated(&bean, beancount(Path::new(&bean)).balances());
    assert_eq!(translated, ours, "beancount");
    show(&ours, &found, &translated);

    // One cent, and none of them is content.
    for (path, judge) in
        [(&journal, hledger as fn(&Path) -> _), (&journal, ledger), (&bean, beancount)]
    {
        let wrong = folder.path().join("wrong");
        fs::write(&wrong, one_cent_off(&fs::read_to_string(path).unwrap())).unwrap();
        let verdict = judge(&wrong);
        assert!(!verdict.sound, "a cent passed in {path}");
        println!("one cent: {}", verdict.said.lines().take(3).collect::<Vec<_>>().join(" | "));
    }

    let csv = books(&data, folder.path(), "csv", "month.csv").await;
    let rows = fs::read_to_string(&csv).unwrap().lines().count() - 1;
    let lines = books(&data, folder.path(), "parquet", "lines").await;
    assert_eq!(counted_by_duckdb(Path::new(&lines), rows), ours, "Parquet");

    // One book from a day on opens with what stood before, and is still what they add up to.
    let part = path(folder.path(), "part.journal");
    let told = export(&data, "hledger", &part, &["--book", "platform", "--from", "2026-03-10"]);
    told.await.fine();
    let platform = ours.iter().filter(|((account, _), _)| account.starts_with("platform:"));
    let platform: Balances = platform.map(|(key, sum)| (key.clone(), sum.clone())).collect();
    assert_eq!(hledger(Path::new(&part)).balances(), platform);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    let data = path(folder.path(), "nothing");
    for (arguments, wanted) in [
        (["--format", "abacus"], "is not a format"),
        (["--from", "March"], "is not a day"),
        (["--contents", "ghosts"], "ghosts"),
    ] {
        let out = path(folder.path(), "x");
        let all = [&["books", "--data", &data, "--out", &out], &arguments[..]].concat();
        let said = run(&all).await;
        assert_eq!(said.code, Some(2), "{}", said.err);
        assert!(said.err.contains(wanted), "{}", said.err);
    }
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

async fn demo(folder: &Path) -> String {
    let data = path(folder, "data");
    let arguments =
        ["demo", "--data", &data, "--listen", "127.0.0.1:0", "--percent", "1", "--no-serve"];
    let said = run(&arguments).await;
    assert!(said.fine().err.contains("no difference"));
    data
}

async fn export(data: &str, format: &str, out: &str, more: &[&str]) -> Said {
    let all = ["books", "--data", data, "--format", format, "--out", out];
    run(&[&all[..], more].concat()).await
}

async fn books(data: &str, folder: &Path, format: &str, name: &str) -> String {
    let out = path(folder, name);
    let said = export(data, format, &out, &[]).await.fine();
    println!("{format}: {}", said.out.trim());
    out
}

/// Our own balances, as `daybook balance` answers them.
async fn ours(data: &str) -> Balances {
    let lines = run(&["balance", "--data", data, "--json"]).await.json();
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            let account = format!("{}:{}", text(line, "book"), text(line, "account"));
            ((account, text(line, "currency")), canonical(&text(line, "amount")))
        })
        .collect()
}

/// Beancount's names as ours again, by what the file says of each account it opens.
fn translated(journal: &str, found: Balances) -> Balances {
    let mut names = std::collections::HashMap::new();
    let text = fs::read_to_string(journal).unwrap();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(rest) = line.strip_prefix("1970-01-01 open ") else { continue };
        let said = [lines.next().unwrap(), lines.next().unwrap()];
        let [account, book] = said.map(|line| line.split('"').nth(1).unwrap().to_owned());
        let name = rest.split(' ').next().unwrap().to_owned();
        assert!(names.insert(name, format!("{book}:{account}")).is_none(), "{line}");
    }
    found
        .into_iter()
        .map(|((name, currency), sum)| ((names[&name].clone(), currency), sum))
        .collect()
}

/// A digit of the first amount that a journal posts is another one.
fn one_cent_off(journal: &str) -> String {
    let amount = journal
        .lines()
        .skip_while(|line| !line.contains("order.paid"))
        .find(|line| line.starts_with(' ') && line.ends_with(" USD"))
        .unwrap();
    let (before, currency) = amount.rsplit_once(' ').unwrap();
    let (kept, last) = before.split_at(before.len() - 1);
    let other = (last.parse::<u8>().unwrap() + 1) % 10;
    journal.replacen(amount, &format!("{kept}{other} {currency}"), 1)
}

fn counted_by_duckdb(folder: &Path, rows: usize) -> Balances {
    let script = "
import json, sys, duckdb, pyarrow.dataset as ds
table = sys.argv[1] + '/*.parquet'
rows = duckdb.sql(f'''select book || ':' || account, currency, sum(amount)::varchar
    from read_parquet('{table}') group by all having sum(amount) <> 0''').fetchall()
json.dump([rows, ds.dataset(sys.argv[1], format='parquet').count_rows()], sys.stdout)
";
    let read = python_json(script, &[folder]);
    assert_eq!(read[1], rows, "pyarrow counts the rows of the general ledger");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = read[0].as_array().unwrap().iter();
    rows.map(|row| ((text(&row[0]), text(&row[1])), canonical(&text(&row[2])))).collect()
}

/// Some balances side by side, for whoever reads the test's output.
fn show(ours: &Balances, hledger: &Balances, beancount: &Balances) {
    println!("{} accounts and currencies agree; some of them:", ours.len());
    let some = ours.iter().filter(|((account, _), _)| {
        ["stripe:", "income", "expenses", "tax", "refunds-payable", "owner"]
            .iter()
            .any(|part| account.contains(part))
            && !account.contains("clearing")
    });
    for (key, sum) in some.take(24) {
        println!("{:44} {} {:>12} {:>12} {:>12}", key.0, key.1, sum, hledger[key], beancount[key]);
    }
}

//! DuckDB and pyarrow read the Parquet files and find the same sums, types and texts.

use std::{path::Path, sync::Arc};

use store::Log;
use tempfile::TempDir;
use test_judges::{Balances, canonical, python_json};

use super::history::{at_random, seed, tenant};
use crate::{Contents, Dataset, Pace, Scope, columns_of_events, columns_of_journal_lines};

const SCRIPT: &str = "
import json, sys, glob, duckdb, pyarrow.parquet as pq
lines, events = (sys.argv[1] + '/*.parquet', sys.argv[2] + '/*.parquet')
sums = duckdb.sql(f'''select book || ':' || account, currency, sum(amount)::varchar, sum(minor)::varchar
    from read_parquet('{lines}') group by all''').fetchall()
types = {name: kind for name, kind, *_ in
    duckdb.sql(f\"describe select * from read_parquet('{lines}')\").fetchall()}
mug = duckdb.sql(f'''select count(*) from read_parquet('{lines}') where product like '日本%' ''').fetchone()[0]
unbalanced = duckdb.sql(f'''select count(*) from (select position, entry, sum(minor) s
    from read_parquet('{lines}') group by all) where s <> 0''').fetchone()[0]
paid = duckdb.sql(f'''select count(*), sum((payload::json->'paid'->>'amount')::bigint)::varchar
    from read_parquet('{events}') where event_type = 'order.paid' ''').fetchone()
tables = [pq.read_table(name) for name in sorted(glob.glob(lines))]
columns = {field.name: [str(field.type), field.nullable] for field in tables[0].schema}
total = sum(sum(table['minor'].to_pylist()) for table in tables)
rows = sum(table.num_rows for table in tables)
event_columns = {field.name: [str(field.type), field.nullable]
    for field in pq.read_table(sorted(glob.glob(events))[0]).schema}
json.dump(dict(sums=sums, types=types, mug=mug, unbalanced=unbalanced, paid=paid, columns=columns,
    total=total, rows=rows, event_columns=event_columns), sys.stdout)
";

async fn dataset(log: Arc<dyn Log>, folder: &Path, contents: Contents) -> u64 {
    let pace = Pace { rows_per_group: 100, rows_per_part: 400, ..Pace::default() };
    let pace = Pace { page_events: 50, ..pace };
    let mut dataset =
        Dataset::open(folder, log, Scope::of(tenant()), contents, pace).await.unwrap();
    while dataset.step().await.unwrap() {}
    dataset.finish().unwrap().rows
}

#[tokio::test]
async fn duckdb_and_pyarrow_find_the_same_sums() {
    let history = at_random(seed(), 150).await;
    let log: Arc<dyn Log> = Arc::new(history.log.reopen());
    let folder = TempDir::new().unwrap();
    let (lines, events) = (folder.path().join("lines"), folder.path().join("events"));
    let rows = dataset(Arc::clone(&log), &lines, Contents::JournalLines).await;
    dataset(log, &events, Contents::Events).await;
    let read = python_json(SCRIPT, &[&lines, &events]);

    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let sums: Balances = read["sums"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| ((text(&row[0]), text(&row[1])), canonical(&text(&row[2]))))
        .filter(|(_, sum)| sum != "0")
        .collect();
    let ours = history.balances(|book, account| format!("{book}:{account}"), |_| true);
    assert_eq!(sums, ours);
    assert_eq!(read["rows"], rows);
    assert_eq!((&read["total"], &read["unbalanced"]), (&0.into(), &0.into()));
    assert!(read["mug"].as_u64().unwrap() > 0, "texts beyond ASCII arrive");
    assert_eq!(read["paid"][0], 150);
    // What the payloads say was paid is what was posted to clearing.
    let posted: i128 = (history.entries.iter())
        .filter(|entry| entry.kind() == "order.paid")
        .filter_map(|entry| entry.lines().first())
        .map(|line| i128::from(line.signed()))
        .sum();
    assert_eq!(read["paid"][1], posted.to_string());

    assert_eq!(read["types"]["amount"], "DECIMAL(38,3)");
    assert_eq!(read["types"]["effective_at"], "TIMESTAMP WITH TIME ZONE");
    assert_eq!(read["types"]["day"], "DATE");
    assert_eq!(read["columns"]["amount"][0], "decimal128(38, 3)");
    assert_eq!(read["columns"]["available_on"][0], "timestamp[ms, tz=UTC]");
    for (shown, columns) in [
        (columns_of_journal_lines(), &read["columns"]),
        (columns_of_events(), &read["event_columns"]),
    ] {
        assert_eq!(columns.as_object().unwrap().len(), shown.len());
        for column in shown {
            assert_eq!(columns[column.name][1], column.optional, "{}", column.name);
        }
    }
}

//! `daybook export`: the event stream with its manifest, or one table as CSV.

use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

use engine::{
    all_projections,
    export::{ExportScope, export},
};
use store::{Direction, Filter, Position, Query, TableDef, Value};

use crate::{
    config::DataArgs,
    engines::read_log,
    house::{Reading, some_tenant_of},
    outcome::{Failure, Outcome},
    show,
};

/// What to export.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The file to write; its manifest goes beside it as FILE.manifest.json
    file: PathBuf,
    /// Up to and including this position; the end of the log, if none is given
    #[arg(long)]
    through: Option<u64>,
    /// Write this table as CSV instead of the event stream
    #[arg(long, value_name = "TABLE")]
    csv: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    match &args.csv {
        Some(table) => export_table(&args, table).await,
        None => export_events(&args).await,
    }
}

/// Where the manifest of an export stands.
pub(crate) fn manifest_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".manifest.json");
    PathBuf::from(name)
}

async fn export_events(args: &Args) -> Outcome {
    let log = read_log(&args.data).await?;
    let bar = show::bar("exporting");
    let mut out = BufWriter::new(create(&args.file)?);
    let scope = ExportScope { tenant: None, through: args.through.map(Position) };
    let manifest = export(&*log, scope, &mut out, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })
    .await
    .map_err(Failure::unavailable)?;
    bar.finish_and_clear();
    let beside = manifest_path(&args.file);
    serde_json::to_writer_pretty(create(&beside)?, &manifest).map_err(Failure::unavailable)?;
    if args.json {
        return show::json(&manifest);
    }
    println!(
        "{} events, positions {} to {}, root {}",
        manifest.count, manifest.first, manifest.last, manifest.root
    );
    eprintln!("manifest: {}", beside.display());
    Ok(())
}

fn create(path: &Path) -> Outcome<File> {
    File::create(path).map_err(|error| {
        Failure::unavailable(format!("{} cannot be written: {error}", path.display()))
    })
}

async fn export_table(args: &Args, name: &str) -> Outcome {
    let tables: Vec<(&'static str, &'static TableDef)> = all_projections()
        .iter()
        .flat_map(|one| one.tables().iter().map(|table| (one.name(), table)))
        .collect();
    let found = tables.iter().find(|(_, table)| table.name == name).copied();
    let (projection, table) = found.ok_or_else(|| {
        let known: Vec<_> = tables.iter().map(|(_, table)| table.name).collect();
        Failure::usage(format!("there is no table {name}; there are {}", known.join(", ")))
    })?;
    let log = read_log(&args.data).await?;
    let tenant = some_tenant_of(&*log).await?;
    let reading = Reading::of(log, &[projection], &show::bar("reading")).await?;
    let head = reading.head;
    let written = write_rows(&reading, table, tenant, &args.file).await;
    reading.close().await;
    println!("{} rows of {name} as of position {head}", written?);
    Ok(())
}

async fn write_rows(
    reading: &Reading,
    table: &'static TableDef,
    tenant: kernel::TenantId,
    file: &Path,
) -> Outcome<u64> {
    let mut out = csv::Writer::from_writer(BufWriter::new(create(file)?));
    out.write_record(table.columns.iter().map(|column| column.name))
        .map_err(Failure::unavailable)?;
    let mut count = 0_u64;
    let mut last: Option<Vec<Value>> = None;
    loop {
        let page = page_of(reading, table, tenant, last.take()).await?;
        let Some(end) = page.last() else { break };
        last = Some(end[1..table.key_columns].to_vec());
        for row in &page {
            out.write_record(row.iter().map(text)).map_err(Failure::unavailable)?;
            count += 1;
        }
    }
    out.flush().map_err(Failure::unavailable)?;
    Ok(count)
}

async fn page_of(
    reading: &Reading,
    table: &'static TableDef,
    tenant: kernel::TenantId,
    behind: Option<Vec<Value>>,
) -> Outcome<Vec<Vec<Value>>> {
    let key: Vec<_> = table.columns[1..table.key_columns].iter().map(|one| one.name).collect();
    let mut query = Query::of(tenant).limit(2000);
    for column in &key {
        query = query.order_by(column, Direction::Ascending);
    }
    if let Some(values) = behind {
        if key.is_empty() {
            return Ok(Vec::new());
        }
        query = query.filter(Filter::Beyond(key, values, Direction::Ascending));
    }
    reading.engine.views().select(table, query).await.map_err(Failure::unavailable)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
    }
}

//! `daybook reference`: what is generated from the code under docs/reference.

use std::{fs, path::PathBuf};

use engine::all_projections;
use projections::chart::CHART;

use crate::outcome::{Failure, Outcome};

/// Where to write.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder
    #[arg(long, default_value = "docs/reference")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let document = serde_json::to_string_pretty(&api::openapi()).map_err(Failure::unavailable)?;
    write(args, "openapi.json", &format!("{document}\n"))?;
    write(args, "tables.md", &tables())?;
    write(args, "chart-of-accounts.md", &chart())
}

fn write(args: &Args, name: &str, text: &str) -> Outcome {
    let path = args.out.join(name);
    fs::create_dir_all(&args.out).and_then(|()| fs::write(&path, text)).map_err(|error| {
        Failure::unavailable(format!("{} cannot be written: {error}", path.display()))
    })
}

fn tables() -> String {
    let mut text = String::from(
        "# Tables\n\nEvery read model's table, generated from the code by `make schemas`. Amounts \
         are minor units.\n",
    );
    for projection in all_projections() {
        for table in projection.tables() {
            text.push_str(&format!("\n## {}\n\n{}\n\n", table.name, table.comment));
            text.push_str("| column | type | meaning |\n|---|---|---|\n");
            for (place, column) in table.columns.iter().enumerate() {
                let key = if place < table.key_columns { " (key)" } else { "" };
                let kind = format!("{:?}", column.kind).to_lowercase();
                text.push_str(&format!("| {}{key} | {kind} | {} |\n", column.name, column.comment));
            }
        }
    }
    text
}

fn chart() -> String {
    let mut text = String::from(
        "# Chart of accounts\n\nGenerated from `projections/src/chart/families.rs` by `make \
         schemas`. An asterisk stands for an id, a name or a path. \"Below zero\" is on the normal \
         side. \"Open\" accounts are unfinished business while they are not zero.\n\n\
         | account | normal side | currencies | who posts | accounts | below zero | open | what it \
         holds |\n|---|---|---|---|---|---|---|---|\n",
    );
    for family in CHART {
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |\n",
            family.pattern,
            family.normal_side,
            family.currencies,
            words(&family.posters.to_string()),
            words(&family.members.to_string()),
            if family.may_be_negative { "may" } else { "never" },
            if family.must_return_to_zero { "yes" } else { "" },
            family.holds,
        ));
    }
    text
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

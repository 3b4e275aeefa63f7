//! `daybook books`: the journal as files that accounting programs and data tools read, straight from
//! the log.

use std::{path::PathBuf, sync::Arc};

use ::books::{Beginning, Contents, Dataset, Format, Pace, Scope, TextFile};
use chrono::NaiveDate;
use indicatif::ProgressBar;
use projections::chart::Book;
use store::{Log, Position};

use crate::{
    config::DataArgs,
    engines::read_log,
    house::some_tenant_of,
    outcome::{Failure, Outcome},
    show,
};

/// What to write.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// hledger, ledger, beancount, csv or parquet
    #[arg(long, value_parser = Format::named)]
    format: Format,
    /// The file to write (for parquet, the folder); interrupted, it goes on when asked again
    #[arg(long)]
    out: PathBuf,
    /// From this day on, in the tenant's time zone; what stood before becomes opening balances
    #[arg(long, value_name = "DAY", value_parser = ::books::day)]
    from: Option<NaiveDate>,
    /// To this day, which is included
    #[arg(long, value_name = "DAY", value_parser = ::books::day)]
    to: Option<NaiveDate>,
    /// As known at this position; the end of the log, if none is given
    #[arg(long, value_name = "POSITION")]
    through: Option<u64>,
    /// Only this book: platform, or a connected account
    #[arg(long)]
    book: Option<Book>,
    /// For parquet: `journal_lines`, or `events` as they are stored
    #[arg(long, default_value = "journal_lines")]
    contents: Contents,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    if args.format != Format::Parquet && args.contents != Contents::JournalLines {
        return Err(Failure::usage("only parquet has other contents than the journal"));
    }
    let log = read_log(&args.data).await?;
    let tenant = some_tenant_of(&*log).await?;
    let scope = Scope {
        tenant,
        through: args.through.map(Position),
        from: args.from,
        to: args.to,
        book: args.book.clone(),
    };
    let bar = show::bar("writing");
    let written = match args.format {
        Format::Parquet => dataset(&args, Arc::clone(&log), scope, &bar).await,
        Format::Hledger | Format::Ledger | Format::Beancount | Format::Csv => {
            text(&args, Arc::clone(&log), scope, &bar).await
        }
    };
    log.close().await;
    written
}

async fn text(args: &Args, log: Arc<dyn Log>, scope: Scope, bar: &ProgressBar) -> Outcome {
    let mut file = TextFile::open(&args.out, log, scope, args.format, Pace::default())
        .await
        .map_err(failed)?;
    begin(file.beginning());
    bar.set_length(file.through().0);
    while file.step().await.map_err(failed)? {
        bar.set_position(file.passed().0);
    }
    bar.finish_and_clear();
    let written = file.finish().map_err(failed)?;
    if args.json {
        return show::json(&written);
    }
    println!(
        "{} entries, {} lines, {} bytes, through position {}, sha256 {}",
        written.entries, written.lines, written.bytes, written.through, written.sha256
    );
    Ok(())
}

async fn dataset(args: &Args, log: Arc<dyn Log>, scope: Scope, bar: &ProgressBar) -> Outcome {
    let mut dataset = Dataset::open(&args.out, log, scope, args.contents, Pace::default())
        .await
        .map_err(failed)?;
    begin(dataset.beginning());
    bar.set_length(dataset.through().0);
    while dataset.step().await.map_err(failed)? {
        bar.set_position(dataset.passed().0);
    }
    bar.finish_and_clear();
    let manifest = dataset.finish().map_err(failed)?;
    if args.json {
        return show::json(&manifest);
    }
    println!(
        "{} rows of {} in {} files, through position {}",
        manifest.rows,
        manifest.contents,
        manifest.files.len(),
        manifest.through
    );
    Ok(())
}

fn begin(beginning: &Beginning) {
    match beginning {
        Beginning::Afresh => {}
        Beginning::GoneOn(position) => eprintln!("going on behind position {position}"),
        Beginning::Over(why) => eprintln!("beginning again: {why}"),
    }
}

fn failed(fault: ::books::BooksFault) -> Failure {
    use ::books::BooksFault as Fault;
    match fault {
        Fault::BeyondHead { .. } | Fault::Senseless(_) => Failure::usage(fault),
        Fault::Fact { .. } | Fault::Overflow(_) => Failure::check(fault),
        Fault::Log(_) | Fault::File { .. } | Fault::Parquet(_) | Fault::Row(_) => {
            Failure::unavailable(fault)
        }
    }
}

//! `daybook copy`: a log moved into another engine, whole, with its order, commands and keys.

use std::time::Instant;

use serde_json::json;

use crate::{
    address::LogAddress,
    config::named_log,
    copy::{Copied, Stage, copy},
    engines::Opened,
    outcome::{Failure, Outcome},
    show,
};

/// From where to where.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The log to be copied; it is only read (or the variable `DAYBOOK_COPY_FROM`)
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// An empty log, or the beginning of a copy (or the variable `DAYBOOK_COPY_TO`)
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let from = address("from", args.from.as_deref(), "DAYBOOK_COPY_FROM")?;
    let to = address("to", args.to.as_deref(), "DAYBOOK_COPY_TO")?;
    if from == to {
        return Err(Failure::usage("--from and --to are the same log"));
    }
    let source = Opened::to_read(&from, false).await?;
    let target = Opened::to_copy(&to, source.log().log_id()).await?;
    let (source_log, target_log) = (source.inventory(), target.inventory());
    let started = Instant::now();
    let bar = show::bar("comparing");
    let copied = copy(source_log, target_log, &mut |stage, done, all| {
        bar.set_message(match stage {
            Stage::Comparing => "comparing",
            Stage::Copying => "copying",
            Stage::Verifying => "verifying",
        });
        bar.set_length(all);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    source.log().close().await;
    target.log().close().await;
    tell(&copied?, started.elapsed().as_secs_f64(), args.json)
}

fn address(flag: &str, given: Option<&str>, variable: &str) -> Outcome<LogAddress> {
    named_log(flag, given, variable)?
        .ok_or_else(|| Failure::usage(format!("--{flag} URL (or {variable}) is missing")))
}

fn tell(copied: &Copied, seconds: f64, as_json: bool) -> Outcome {
    let Copied { found, copied, verified } = copied;
    if as_json {
        return show::json(&json!({ "found": found, "copied": copied, "both_hold": verified }));
    }
    eprintln!("{found} events were there, {copied} were copied, in {seconds:.1} s");
    println!(
        "the same log {} twice: {} events, {} commands, {} idempotency keys, {} sealing keys, {}, \
         root {}",
        verified.log,
        verified.events,
        verified.commands,
        verified.idempotency_keys,
        verified.sealing_keys,
        if verified.same_positions { "the same positions" } else { "positions of its own" },
        verified.root
    );
    Ok(())
}

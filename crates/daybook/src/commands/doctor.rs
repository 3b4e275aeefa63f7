//! `daybook doctor`: can this set-up keep its promises?

use serde::Serialize;
use store::Log;
use store_sqlite::{LogOptions, SqliteLog, read_checkpoints};

use crate::{
    config::{DataArgs, StripeSecrets},
    house::{exists, log_failure},
    outcome::{Failure, Outcome},
    show,
};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// One thing that was checked.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    found: String,
    ok: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let mut findings = Vec::new();
    log_findings(&args.data, &mut findings).await?;
    views_findings(&args.data, &mut findings).await;
    stripe_findings(&mut findings)?;
    let wrong = findings.iter().filter(|finding| !finding.ok).count();
    if args.json {
        show::json(&findings)?;
    } else {
        for finding in &findings {
            let mark = if finding.ok { "ok   " } else { "WRONG" };
            println!("{mark} {}: {}", finding.what, finding.found);
        }
    }
    if wrong == 0 {
        return Ok(());
    }
    Err(Failure::check(format!("{wrong} things are wrong; see the lines marked WRONG")))
}

async fn log_findings(data: &DataArgs, findings: &mut Vec<Finding>) -> Outcome {
    let log = SqliteLog::open(data.log(), LogOptions::read_only()).await.map_err(log_failure)?;
    let guarantees = log.guarantees().await.map_err(Failure::unavailable)?;
    let head = log.head().await.map_err(Failure::unavailable)?;
    findings.push(Finding {
        what: "log".to_owned(),
        found: format!(
            "{}, {} events, {:?}",
            guarantees.engine, head.position, guarantees.durability
        ),
        ok: guarantees.broken.is_empty(),
    });
    for (name, value) in guarantees.settings {
        findings.push(Finding { what: format!("log setting {name}"), found: value, ok: true });
    }
    for problem in guarantees.broken {
        findings.push(Finding { what: "log promise".to_owned(), found: problem, ok: false });
    }
    let problems = log.integrity().await.map_err(Failure::unavailable)?;
    let found = if problems.is_empty() { "sound".to_owned() } else { problems.join("; ") };
    findings.push(Finding { what: "log integrity".to_owned(), found, ok: problems.is_empty() });
    Ok(())
}

async fn views_findings(data: &DataArgs, findings: &mut Vec<Finding>) {
    if !exists(&data.views()) {
        let found = "not there; they are built when the server starts".to_owned();
        findings.push(Finding { what: "read models".to_owned(), found, ok: true });
        return;
    }
    match read_checkpoints(data.views()).await {
        Ok(checkpoints) => {
            for checkpoint in checkpoints {
                let ok = checkpoint.stopped.is_none();
                let found = checkpoint.stopped.unwrap_or_else(|| {
                    format!("position {}, {} rows", checkpoint.position, checkpoint.rows)
                });
                let what = format!("read model {}", checkpoint.projection);
                findings.push(Finding { what, found, ok });
            }
        }
        Err(error) => {
            let found = error.to_string();
            findings.push(Finding { what: "read models".to_owned(), found, ok: false });
        }
    }
}

fn stripe_findings(findings: &mut Vec<Finding>) -> Outcome {
    let secrets = StripeSecrets::read()?;
    let count = |what: &str, count: usize| Finding {
        what: format!("secrets of the {what} endpoint"),
        found: count.to_string(),
        ok: count <= 2,
    };
    findings.push(count("platform", secrets.platform.len()));
    findings.push(count("Connect", secrets.connect.len()));
    let found = match secrets.key {
        Some(_) => "set",
        None => "not set: what is to be done at Stripe is done by hand (/v1/effects)",
    };
    findings.push(Finding { what: "Stripe key".to_owned(), found: found.to_owned(), ok: true });
    Ok(())
}

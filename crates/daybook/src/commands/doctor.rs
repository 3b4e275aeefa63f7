//! `daybook doctor`: can this set-up keep its promises?

use std::path::Path;

use serde::Serialize;
use store::{Guarantees, Log, LogId};
use store_sqlite::{LogOptions, OpenLogError, SqliteLog, read_checkpoints};

use crate::{
    config::{DataArgs, StripeSecrets},
    house::{exists, log_failure},
    outcome::{Failure, Outcome},
    remote::{Remote, RemoteArgs},
    show,
};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    remote: RemoteArgs,
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
    log_findings(&args, &mut findings).await?;
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

async fn log_findings(args: &Args, findings: &mut Vec<Finding>) -> Outcome {
    let path = args.data.log();
    let log = SqliteLog::open(&path, LogOptions::read_only()).await.map_err(log_failure)?;
    let stored = log.guarantees().await.map_err(Failure::unavailable)?;
    let head = log.head().await.map_err(Failure::unavailable)?;
    let found = format!("{}, {} events, {:?}", stored.engine, head.position, stored.durability);
    findings.push(Finding { what: "log".to_owned(), found, ok: true });
    // Of a connection that only reads, no setting but the file's own says anything about the writer.
    let is_broken = !stored.broken.is_empty();
    findings.extend(stored.broken.into_iter().map(broken_promise));
    let writer = match args.remote.remote()? {
        Some(remote) => ask_writer(&remote, log.log_id()).await?,
        None if is_broken => {
            Writer::NotChecked("not checked: the file itself is not as it should be")
        }
        None => open_writer(&path).await,
    };
    findings.append(&mut writer.findings());
    let problems = log.integrity().await.map_err(Failure::unavailable)?;
    let found = if problems.is_empty() { "sound".to_owned() } else { problems.join("; ") };
    findings.push(Finding { what: "log integrity".to_owned(), found, ok: problems.is_empty() });
    log.close().await;
    Ok(())
}

fn broken_promise(problem: String) -> Finding {
    Finding { what: "log promise".to_owned(), found: problem, ok: false }
}

/// What is known of the settings that the log is, or would be, written with.
#[derive(Debug)]
enum Writer {
    Known(Guarantees),
    NotChecked(&'static str),
    Wrong(String),
}

impl Writer {
    fn findings(self) -> Vec<Finding> {
        let what = || "log writer".to_owned();
        match self {
            Self::NotChecked(why) => {
                vec![Finding { what: what(), found: why.to_owned(), ok: true }]
            }
            Self::Wrong(found) => vec![Finding { what: what(), found, ok: false }],
            Self::Known(guarantees) => {
                let settings = guarantees.settings.into_iter().map(|(name, value)| Finding {
                    what: format!("log writer's {name}"),
                    found: value,
                    ok: true,
                });
                settings.chain(guarantees.broken.into_iter().map(broken_promise)).collect()
            }
        }
    }
}

/// Asks the server that writes the log.
async fn ask_writer(remote: &Remote, log: &LogId) -> Outcome<Writer> {
    let answer = remote.get("/v1/guarantees").await?;
    if answer["log"].as_str() != Some(log.0.as_str()) {
        return Ok(Writer::Wrong(
            "the server writes another log than the one in --data".to_owned(),
        ));
    }
    let guarantees = serde_json::from_value(answer["guarantees"].clone());
    Ok(guarantees.map_or_else(
        |error| Writer::Wrong(format!("the server's answer cannot be read: {error}")),
        Writer::Known,
    ))
}

/// Opens the log for a moment as the server would. It is known to be there and of this schema.
async fn open_writer(path: &Path) -> Writer {
    match SqliteLog::open(path, LogOptions::default()).await {
        Ok(log) => {
            let guarantees = log.guarantees().await;
            log.close().await;
            guarantees.map_or_else(|error| Writer::Wrong(error.to_string()), Writer::Known)
        }
        Err(OpenLogError::Locked { .. }) => Writer::NotChecked(
            "not checked: a server holds the log; ask it with --server and DAYBOOK_KEY",
        ),
        Err(error) => Writer::Wrong(error.to_string()),
    }
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
            let found = format!("{error}; they may be deleted, they are rebuilt from the log");
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

#[cfg(test)]
mod tests {
    use store::Durability;

    use super::*;

    #[test]
    fn a_broken_promise_of_the_writer_is_wrong_and_its_settings_are_shown() {
        let guarantees = |broken: Vec<String>| Guarantees {
            engine: "SQLite".to_owned(),
            durability: Durability::Disk,
            settings: vec![("synchronous".to_owned(), "1".to_owned())],
            broken,
        };
        let told = |writer: Writer| {
            let findings = writer.findings().into_iter();
            findings.map(|one| (one.what, one.found, one.ok)).collect::<Vec<_>>()
        };
        let setting = ("log writer's synchronous".to_owned(), "1".to_owned(), true);
        assert_eq!(told(Writer::Known(guarantees(vec![]))), std::slice::from_ref(&setting));
        let problem = "synchronous is 1, below 2 (FULL)".to_owned();
        assert_eq!(
            told(Writer::Known(guarantees(vec![problem.clone()]))),
            [setting, ("log promise".to_owned(), problem, false)]
        );
        assert!(told(Writer::NotChecked("not checked"))[0].2);
        assert!(!told(Writer::Wrong("another log".to_owned()))[0].2);
    }
}

//! `daybook doctor`: can this set-up keep its promises?

use serde::Serialize;
use store::{Checkpoint, Log, LogId, Position};

use crate::{
    address::LogAddress,
    config::{DataArgs, StripeSecrets},
    engines::{Opened, Writer, checkpoints, not_replicated, writer_of},
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
    let address = args.data.log()?;
    let opened = Opened::to_read(&address, false).await?;
    let log = opened.log();
    let found = all_findings(&args, &address, &opened, &*log, &mut findings).await;
    log.close().await;
    found?;
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

async fn all_findings(
    args: &Args,
    address: &LogAddress,
    opened: &Opened,
    log: &dyn Log,
    findings: &mut Vec<Finding>,
) -> Outcome {
    log_findings(args, address, opened, log, findings).await?;
    views_findings(&args.data, log, findings).await?;
    stripe_findings(findings)
}

async fn log_findings(
    args: &Args,
    address: &LogAddress,
    opened: &Opened,
    log: &dyn Log,
    findings: &mut Vec<Finding>,
) -> Outcome {
    let stored = log.guarantees().await.map_err(Failure::unavailable)?;
    let head = log.head().await.map_err(Failure::unavailable)?;
    let found =
        format!("{}, to position {}, {:?}", stored.engine, head.position, stored.durability);
    findings.push(Finding { what: "log".to_owned(), found, ok: true });
    if args.data.high_availability
        && let Some(why) = not_replicated(address).await
    {
        findings.push(broken_promise(format!("high availability was asked for: {why}")));
    }
    // Where every process sees the settings that matter, the reader's are the writer's.
    if address.is_served() {
        findings.extend(settings(stored.settings, "log's"));
    }
    // Of a connection that only reads a file, no setting but the file's own says anything about the
    // writer.
    let is_broken = !stored.broken.is_empty();
    findings.extend(stored.broken.into_iter().map(broken_promise));
    let writer = match args.remote.remote()? {
        Some(remote) => ask_writer(&remote, log.log_id()).await?,
        None if is_broken => {
            Writer::NotChecked("not checked: the log itself is not as it should be")
        }
        None => writer_of(address).await,
    };
    findings.append(&mut writer.findings());
    let problems = opened.integrity().await.map_err(Failure::unavailable)?;
    let found = if problems.is_empty() { "sound".to_owned() } else { problems.join("; ") };
    findings.push(Finding { what: "log integrity".to_owned(), found, ok: problems.is_empty() });
    Ok(())
}

fn settings(settings: Vec<(String, String)>, whose: &str) -> Vec<Finding> {
    let finding =
        |(name, value)| Finding { what: format!("{whose} {name}"), found: value, ok: true };
    settings.into_iter().map(finding).collect()
}

fn broken_promise(problem: String) -> Finding {
    Finding { what: "log promise".to_owned(), found: problem, ok: false }
}

impl Writer {
    /// What there is to say about it.
    fn findings(self) -> Vec<Finding> {
        let what = || "log writer".to_owned();
        match self {
            Self::NotChecked(why) => {
                vec![Finding { what: what(), found: why.to_owned(), ok: true }]
            }
            Self::Wrong(found) => vec![Finding { what: what(), found, ok: false }],
            Self::Known(guarantees) => {
                let mut findings = settings(guarantees.settings, "log writer's");
                findings.extend(guarantees.broken.into_iter().map(broken_promise));
                findings
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

async fn views_findings(data: &DataArgs, log: &dyn Log, findings: &mut Vec<Finding>) -> Outcome {
    let what = || "read models".to_owned();
    match checkpoints(&data.views()?).await {
        Ok(None) => {
            let found = "not there; they are built when the server starts".to_owned();
            findings.push(Finding { what: what(), found, ok: true });
        }
        Ok(Some(checkpoints)) => {
            for checkpoint in checkpoints {
                let wrong = match checkpoint.stopped.clone() {
                    Some(why) => Some(why),
                    None => contradiction(log, &checkpoint).await?,
                };
                let ok = wrong.is_none();
                let found = wrong.unwrap_or_else(|| {
                    format!("position {}, {} rows", checkpoint.position, checkpoint.rows)
                });
                let what = format!("read model {}", checkpoint.projection);
                findings.push(Finding { what, found, ok });
            }
        }
        Err(failure) => {
            findings.push(Finding { what: what(), found: failure.to_string(), ok: false })
        }
    }
    Ok(())
}

/// Why a checkpoint is not one of this log. The server would build such a read model anew.
async fn contradiction(log: &dyn Log, checkpoint: &Checkpoint) -> Outcome<Option<String>> {
    let position = checkpoint.position;
    if checkpoint.log != *log.log_id() {
        return Ok(Some(format!(
            "made from another log ({}); rebuilt at the next start",
            checkpoint.log.0
        )));
    }
    if position == Position::START {
        return Ok(None);
    }
    let found = log.event_at(position).await.map_err(Failure::unavailable)?;
    Ok(match found {
        Some(event) if event.id == checkpoint.event_id => None,
        Some(_) => Some(format!(
            "the log has another event at position {position} than was folded; rebuilt at the next \
             start"
        )),
        None => Some(format!(
            "folded up to position {position}, which the log does not have; rebuilt at the next start"
        )),
    })
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
    use store::{Durability, Guarantees};

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

//! Part A: durable commands per second through the whole command path, beside stock `cqrs-es`.
//!
//! Both sides run the very same aggregate (the link of a Stripe object) with the same commands, so
//! both store the same events. Each client makes a new stream and sends four more commands to it,
//! then goes on to the next: one command in five meets a new stream.

pub(crate) mod ours;
pub(crate) mod stock;

use std::path::Path;

use aggregates::link::{LinkCommand, Subject as LinkSubject};
use kernel::PaymentId;
use tempfile::TempDir;

use crate::{
    Plan,
    fault::{Doing, Fault, Outcome},
    load::Driven,
    report::{Comparison, Round, Subject},
};

/// How many clients at once.
const CLIENTS: [usize; 4] = [1, 8, 32, 256];

/// The aim holds for this many clients.
const CLIENTS_OF_THE_AIM: usize = 32;

/// How many times as many durable commands as the stock framework.
const AIM: f64 = 10.0;

const COMMANDS_PER_STREAM: u32 = 5;

/// Measures every number of clients.
pub(crate) async fn compare(plan: &Plan, folder: &Path) -> Outcome<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for clients in CLIENTS {
        let mut rounds = Vec::new();
        let mut notes = Vec::new();
        for number in 1..=plan.rounds {
            eprintln!("a: {clients} clients, round {number} of {}", plan.rounds);
            let peer = stock::measure(&fresh(folder)?, clients, plan.window).await?;
            let ours = ours::measure(&fresh(folder)?, clients, plan.window).await?;
            notes.extend(failures("stock", clients, &peer));
            notes.extend(failures("ours", clients, &ours));
            rounds.push(Round { peer: peer.rate, ours: ours.rate });
        }
        let subject = Subject {
            part: "a",
            what: format!("durable commands, {clients} clients"),
            unit: "commands",
            peer: "cqrs-es + sqlite-es, synchronous=FULL",
            aim: (clients == CLIENTS_OF_THE_AIM).then_some(AIM),
        };
        comparisons.push(Comparison::of(subject, &rounds, notes));
    }
    Ok(comparisons)
}

/// A folder of its own for each measurement, removed afterwards.
fn fresh(folder: &Path) -> Outcome<TempDir> {
    tempfile::Builder::new().prefix("commands-").tempdir_in(folder).doing("make a folder")
}

pub(crate) fn failures(who: &str, clients: usize, driven: &Driven) -> Option<String> {
    let (count, first) = driven.failures.as_ref()?;
    Some(format!("{who}, {clients} clients: {count} commands failed and do not count: {first}"))
}

/// A run in which less is stored than was acknowledged measures nothing.
pub(crate) fn check_stored(driven: Driven, stored: u64) -> Outcome<Driven> {
    if stored < driven.acknowledged {
        let why = format!("{} commands acknowledged, {stored} stored", driven.acknowledged);
        return Err(Fault::new("trust the measurement", why));
    }
    Ok(driven)
}

/// What one client does next.
#[derive(Debug)]
pub(crate) struct Life {
    client: usize,
    stream: u64,
    step: u32,
}

pub(crate) struct Next {
    pub(crate) stream: String,
    pub(crate) command: LinkCommand,
    /// Whether the stream is new.
    pub(crate) fresh: bool,
}

impl Life {
    pub(crate) const fn of(client: usize) -> Self {
        Self { client, stream: 0, step: 0 }
    }

    pub(crate) fn next(&mut self) -> Next {
        let stream = format!("ch_{:04}x{:012}", self.client, self.stream);
        let subject = LinkSubject::Payment(PaymentId::mint());
        let command = LinkCommand::Establish { object: stream.clone(), subject };
        let fresh = self.step == 0;
        self.step += 1;
        if self.step == COMMANDS_PER_STREAM {
            (self.step, self.stream) = (0, self.stream + 1);
        }
        Next { stream, command, fresh }
    }
}

//! Part D: durable commands on PostgreSQL, beside stock `cqrs-es` with `postgres-es`, and appends
//! beside the least that a group commit can do.
//!
//! All sides use the same throw-away server with `fsync` on, each a database of its own.

mod bare;
mod log;
mod stock;

use test_postgres::Server;

use crate::{
    Plan,
    commands::{failures, ours},
    fault::{Doing, Outcome},
    house,
    load::Driven,
    report::{Comparison, Round, Subject},
};

/// How many clients at once, and how many times as many durable commands as the stock framework.
const CLIENTS: [(usize, Option<f64>); 4] =
    [(1, Some(2.0)), (8, Some(3.0)), (32, Some(5.0)), (256, None)];

/// How many clients at once append beside the bare group commit.
const CLIENTS_BESIDE_BARE: [usize; 2] = [32, 256];

/// The share of a bare group commit that is left after everything we do beside it.
const AIM_BESIDE_BARE: f64 = 0.7;

/// Measures every number of clients.
pub(crate) async fn compare(plan: &Plan) -> Outcome<Vec<Comparison>> {
    let server = tokio::task::spawn_blocking(Server::start).await.doing("start PostgreSQL")?;
    let mut comparisons = Vec::new();
    for (clients, aim) in CLIENTS {
        let subject = Subject {
            part: "d",
            what: format!("durable commands on PostgreSQL, {clients} clients"),
            unit: "commands",
            peer: "cqrs-es + postgres-es",
            aim,
        };
        let (mut rounds, mut notes) = (Vec::new(), Vec::new());
        for number in 1..=plan.rounds {
            eprintln!("d: {clients} clients, round {number} of {}", plan.rounds);
            let peer = stock::measure(server.database().url(), clients, plan.window).await?;
            let log = house::open_postgres_log(server.database().url()).await?;
            let ours = ours::measure_on(log, clients, plan.window).await?;
            note(&mut notes, clients, &peer, &ours);
            rounds.push(Round { peer: peer.rate, ours: ours.rate });
        }
        comparisons.push(Comparison::of(subject, &rounds, notes));
    }
    for clients in CLIENTS_BESIDE_BARE {
        let subject = Subject {
            part: "d",
            what: format!("appends to the log on PostgreSQL, {clients} clients"),
            unit: "appends",
            peer: "bare UNNEST group commit",
            aim: Some(AIM_BESIDE_BARE),
        };
        let (mut rounds, mut notes) = (Vec::new(), Vec::new());
        for number in 1..=plan.rounds {
            eprintln!("d: {clients} clients beside bare, round {number} of {}", plan.rounds);
            let peer = bare::measure(server.database().url(), clients, plan.window).await?;
            let ours = log::measure(server.database().url(), clients, plan.window).await?;
            note(&mut notes, clients, &peer, &ours);
            rounds.push(Round { peer: peer.rate, ours: ours.rate });
        }
        comparisons.push(Comparison::of(subject, &rounds, notes));
    }
    Ok(comparisons)
}

fn note(notes: &mut Vec<String>, clients: usize, peer: &Driven, ours: &Driven) {
    notes.extend(failures("peer", clients, peer));
    notes.extend(failures("ours", clients, ours));
}

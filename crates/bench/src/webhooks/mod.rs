//! Part B: webhooks per second over HTTP, beside a bare handler that verifies and stores.
//!
//! Both sides are actix servers in this process, on the loopback device, with as many workers, and
//! get the same messages from the same client over the same number of connections. The bare one
//! checks the same signature and puts the body into one table by group commit; ours does all that
//! is promised: seals the body under a key of its own, names the command, keeps streams and order.

mod bare;
mod client;
mod messages;
mod ours;

use std::{path::Path, time::Duration};

use payments::Secret;
use tempfile::TempDir;

use crate::{
    Plan,
    fault::{Doing, Fault, Outcome},
    report::{Comparison, Rate, Round, Subject},
};
use messages::Requests;

/// What is left beside doing the least.
const AIM: f64 = 0.7;

/// HTTP workers on each side.
const WORKERS: usize = 2;

const CONNECTIONS: usize = 32;

/// Measures the intake alone, and with everything that follows from a message under way.
pub(crate) async fn compare(plan: &Plan, folder: &Path) -> Outcome<Vec<Comparison>> {
    let secret = Secret::new("whsec_bench");
    let (mut alone, mut working) = (Vec::new(), Vec::new());
    for number in 1..=plan.rounds {
        eprintln!("b: round {number} of {}", plan.rounds);
        let seed = u64::try_from(number).unwrap_or_default();
        let requests = Requests::signed(seed, plan.messages, &secret)?;
        let peer = bare::measure(&fresh(folder)?, &requests, &secret).await?;
        let ours = ours::measure(&fresh(folder)?, &requests, &secret, false).await?;
        let busy = ours::measure(&fresh(folder)?, &requests, &secret, true).await?;
        let rate = |elapsed| Rate::new(requests.measured_count(), elapsed);
        alone.push(Round { peer: rate(peer), ours: rate(ours) });
        working.push(Round { peer: rate(peer), ours: rate(busy) });
    }
    let subject = |what: &str, aim| Subject {
        part: "b",
        what: format!("webhooks over HTTP, {CONNECTIONS} connections{what}"),
        unit: "messages",
        peer: "bare actix: HMAC, one group-committed insert",
        aim,
    };
    let note = format!(
        "b: client and servers share the cores; the first line has the intake alone (no workers \
         started), the second also reads and books the messages meanwhile; {} messages per round, \
         no metrics recorder and no log subscriber on either side",
        plan.messages,
    );
    Ok(vec![
        Comparison::of(subject("", Some(AIM)), &alone, vec![note]),
        Comparison::of(subject(", workers running", None), &working, Vec::new()),
    ])
}

fn fresh(folder: &Path) -> Outcome<TempDir> {
    tempfile::Builder::new().prefix("webhooks-").tempdir_in(folder).doing("make a folder")
}

/// Sends everything, first some to warm up, and says how long the rest took.
async fn send_all(address: std::net::SocketAddr, requests: &Requests) -> Outcome<Duration> {
    client::send(address, &requests.warm_up).await?;
    client::send(address, &requests.measured).await
}

/// A run in which less is stored than was acknowledged measures nothing.
fn check_stored(stored: u64, requests: &Requests) -> Outcome<()> {
    if stored < requests.count() {
        let why = format!("{} messages acknowledged, {stored} stored", requests.count());
        return Err(Fault::new("trust the measurement", why));
    }
    Ok(())
}

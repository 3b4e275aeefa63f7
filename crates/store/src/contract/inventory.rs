//! What an [`Inventory`] lists is what was stored. Not part of the list of cases, because a log that
//! lists nothing is still a log.

use kernel::KeyRef;

use super::{
    Outcome,
    sample::{commit, commit_of, keyed, order, same, tenant, text},
};
use crate::{Commit, Expected, Idempotency, Inventory, Position, SealingKey, Tally, fingerprint};

/// Run against a new, empty log: every command, idempotency key and sealing key is listed, in order
/// and in pages of any size.
///
/// # Errors
/// What was not kept.
pub async fn an_inventory_lists_everything(log: &dyn Inventory) -> Outcome {
    same("the tally of nothing", &log.tally().await.map_err(text)?, &Tally::default())?;
    let sealing = |name: &str| SealingKey {
        key: KeyRef(name.to_owned()),
        tenant: tenant("acme"),
        secret: [7; 32],
    };
    // Names that a language would sort in another order than their bytes.
    let names = ["Z", "a", "person/2", "raw/1", "\u{e4}"];
    let mut sealed = commit(&order("1"), Expected::Absent, "zebra");
    sealed.sealing_keys = names.iter().rev().map(|name| sealing(name)).collect();
    let commits = [
        sealed,
        keyed(commit_of(&order("2"), Expected::Absent, "ant", 3), "till-1", "body"),
        commit(&order("1"), Expected::At(1), "mole"),
        keyed(commit_of(&order("1"), Expected::At(2), "bee", 2), "till-2", "other"),
    ];
    let mut receipts = Vec::new();
    for commit in &commits {
        receipts.push(log.append(commit.clone()).await.map_err(text)?.receipt);
    }
    let tally = Tally { events: 7, commands: 4, idempotency_keys: 2, sealing_keys: 5 };
    same("the tally", &log.tally().await.map_err(text)?, &tally)?;
    for limit in [1, 3, 100] {
        commands_in_pages(log, limit, &commits, &receipts).await?;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = log.sealing_keys(after.take(), limit).await.map_err(text)?;
            let Some(last) = page.last() else { break };
            after = Some((last.tenant, last.key.clone()));
            found.extend(page);
        }
        let wanted: Vec<_> = names.iter().map(|name| sealing(name)).collect();
        same("the sealing keys", &found, &wanted)?;
    }
    Ok(())
}

async fn commands_in_pages(
    log: &dyn Inventory,
    limit: usize,
    commits: &[Commit],
    receipts: &[crate::Receipt],
) -> Outcome {
    let (mut found, mut after) = (Vec::new(), Position::START);
    loop {
        let page = log.commands(after, limit).await.map_err(text)?;
        let Some(last) = page.last() else { break };
        after = last.receipt.first;
        found.extend(page);
    }
    let told: Vec<_> = found.iter().map(|one| (one.command_id.as_str(), one.tenant)).collect();
    let wanted: Vec<_> =
        commits.iter().map(|one| (one.command_id.as_str(), one.stream.tenant)).collect();
    same("the commands", &told, &wanted)?;
    let told: Vec<_> = found.iter().map(|one| one.receipt).collect();
    same("the receipts", &told.as_slice(), &receipts)?;
    let told: Vec<Option<Idempotency>> = found.into_iter().map(|one| one.idempotency).collect();
    let asked = |key: &str, body: &str| {
        Some(Idempotency { key: key.to_owned(), fingerprint: fingerprint(&[body.as_bytes()]) })
    };
    let wanted = vec![None, asked("till-1", "body"), None, asked("till-2", "other")];
    same("the idempotency keys", &told, &wanted)
}

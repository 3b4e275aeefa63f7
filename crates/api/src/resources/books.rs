//! The books: trial balance, hashes, and the import of balance transactions.

use actix_web::{HttpResponse, web};
use kernel::Currency;
use projections::account_balances::AccountBalance;
use serde::Deserialize;
use store::{Query, ViewsExt};

use super::figures::{self, Asked};
use crate::{
    extract::{After, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

const PAGE: usize = 5000;

/// All account balances of a tenant.
pub(crate) async fn balances(
    api: &Api,
    tenant: kernel::TenantId,
) -> Result<Vec<AccountBalance>, Problem> {
    Ok(api.engine.views().all(Query::of(tenant), PAGE).await?)
}

/// Every account with a balance, per book and currency, and the sums of both sides, which are equal.
/// As of a moment, for a window of effective time, or as known at a position: by family of accounts.
#[utoipa::path(get, path = "/v1/trial-balance", tag = "books",
    params(("as_of" = Option<String>, Query), ("from" = Option<String>, Query),
        ("to" = Option<String>, Query), ("known_at" = Option<String>, Query),
        ("book" = Option<String>, Query), ("after" = Option<u64>, Query)),
    responses((status = 200, body = Object)))]
pub(crate) async fn trial_balance(
    api: web::Data<Api>,
    caller: Caller,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBooks)?;
    After { after: asked.after }.wait(&api).await?;
    let in_time = [&asked.as_of, &asked.from, &asked.to, &asked.known_at, &asked.book];
    if in_time.iter().any(|parameter| parameter.is_some()) {
        return figures::trial_balance(&api, &caller, &asked).await;
    }
    let balances = balances(&api, caller.tenant).await?;
    let trial = trial_balance_of(&balances);
    Ok(HttpResponse::Ok().json(trial))
}

/// A trial balance: accounts that are not zero, and the sums of both sides per book and currency.
#[must_use]
pub(crate) fn trial_balance_of(balances: &[AccountBalance]) -> serde_json::Value {
    let mut totals: std::collections::BTreeMap<(String, Currency), (i128, i128)> =
        std::collections::BTreeMap::new();
    let mut accounts = Vec::new();
    for row in balances.iter().filter(|row| row.balance != 0) {
        let book = row.book.to_string();
        let (debit, credit) = totals.entry((book.clone(), row.currency)).or_default();
        if row.balance > 0 {
            *debit += i128::from(row.balance);
        } else {
            *credit -= i128::from(row.balance);
        }
        accounts.push(serde_json::json!({
            "book": book,
            "account": row.account.to_string(),
            "currency": row.currency,
            "balance": row.balance,
            "amount": kernel::Money::new(row.balance, row.currency).amount_text(),
        }));
    }
    let totals: Vec<_> = totals
        .into_iter()
        .map(|((book, currency), (debits, credits))| {
            serde_json::json!({
                "book": book,
                "currency": currency,
                "debits": i64::try_from(debits).ok(),
                "credits": i64::try_from(credits).ok(),
                "balanced": debits == credits,
            })
        })
        .collect();
    serde_json::json!({ "accounts": accounts, "totals": totals })
}

/// The state hash of every read model, and the balance hash: equal books have equal hashes.
#[utoipa::path(get, path = "/v1/hashes", tag = "books", responses((status = 200, body = Object)))]
pub(crate) async fn hashes(
    api: web::Data<Api>,
    caller: Caller,
    after: web::Query<After>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBooks)?;
    after.wait(&api).await?;
    let balances = balances(&api, caller.tenant).await?;
    let checkpoints = api.engine.views().checkpoints().await?;
    let state: std::collections::BTreeMap<_, _> = checkpoints
        .into_iter()
        .map(|checkpoint| (checkpoint.projection, checkpoint.state_hash))
        .collect();
    let balance = projections::account_balances::balance_hash(&balances).to_string();
    Ok(HttpResponse::Ok().json(serde_json::json!({ "balance": balance, "state": state })))
}

/// Balance transactions to be recorded, as `daybook import` read them.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTransactions {
    #[schema(value_type = Vec<Object>)]
    records: Vec<aggregates::balance_transaction::TransactionRecord>,
}

/// Records balance transactions from a file of Stripe's. Those already known change nothing.
#[utoipa::path(post, path = "/v1/balance-transactions", tag = "books",
    request_body = NewTransactions, responses((status = 200, body = Object)))]
pub(crate) async fn import(
    api: web::Data<Api>,
    caller: Caller,
    body: crate::extract::Body<NewTransactions>,
) -> Result<HttpResponse, Problem> {
    use aggregates::balance_transaction::{BalanceTransaction, BalanceTransactionCommand};
    caller.may(Permission::DecideMoney)?;
    let (mut recorded, mut known) = (0_u32, 0_u32);
    for record in body.value.records {
        let txn = record.txn.clone();
        let mut envelope = caller.envelope(body.fingerprint).fresh();
        // One request, many commits: each is known by its transaction, not by the request.
        envelope.command_id = format!("import/{txn}");
        envelope.idempotency = None;
        let command = BalanceTransactionCommand::Record(Box::new(record));
        let bus = api.engine.bus();
        let sent = bus.send::<BalanceTransaction>(txn.as_str(), command, envelope).await;
        let sent = sent.map_err(|error| Problem::from(("balance_transaction", error)))?;
        let is_new = sent.events > 0 && !sent.replayed;
        if is_new { recorded += 1 } else { known += 1 }
    }
    Ok(HttpResponse::Ok().json(serde_json::json!({ "recorded": recorded, "known": known })))
}

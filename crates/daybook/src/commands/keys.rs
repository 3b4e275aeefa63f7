//! `daybook keys`: API keys listed, created and revoked, at the log or through a running server.

use std::sync::Arc;

use aggregates::api_key::{ApiKey, commands::ApiKeyCommand, events::Role};
use engine::{Bus, Envelope};
use kernel::{Clock, KeyId, RequestId, SellerId, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::{
    config::DataArgs,
    engines::open_log,
    house::{NewKey, issue_key, some_tenant_of},
    outcome::{Failure, Outcome},
    remote::RemoteArgs,
    show,
};

/// What to do with keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Create a key; its secret goes to standard output, once
    Create {
        /// What it is called
        #[arg(long)]
        name: String,
        /// `platform_admin`, `finance_ops`, `auditor`, `support`, `seller_owner`, `seller_manager`,
        /// `seller_viewer` or `partner`
        #[arg(long, value_parser = role)]
        role: Role,
        /// For partners: scopes, separated by commas
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// For seller roles: whose data
        #[arg(long)]
        seller: Option<SellerId>,
        /// Requests per minute
        #[arg(long, default_value_t = 6000)]
        rate: u32,
    },
    /// Make a key worthless
    Revoke {
        /// Which key
        key: KeyId,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// List the keys (through a running server)
    List {
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

fn role(text: &str) -> Result<Role, String> {
    serde_json::from_value(Value::from(text))
        .map_err(|_| format!("\"{text}\" is no role; roles are platform_admin, finance_ops, auditor, support, seller_owner, seller_manager, seller_viewer, partner"))
}

pub(crate) async fn run(args: Args) -> Outcome {
    let remote = args.remote.remote()?;
    match (args.what, remote) {
        (What::Create { name, role, scopes, seller, rate }, Some(remote)) => {
            let body = json!({
                "name": name, "role": role, "scopes": scopes, "seller": seller,
                "rate_per_minute": rate,
            });
            let issued = remote.post("/v1/keys", &body).await?;
            println!("{}", issued["secret"].as_str().unwrap_or_default());
            Ok(())
        }
        (What::Create { name, role, scopes, seller, rate }, None) => {
            let (bus, tenant) = bus(&args.data).await?;
            let info = bus.directory().tenant(tenant).await.map_err(Failure::unavailable)?;
            let mode = info.ok_or_else(|| Failure::usage("the log has no tenant"))?.mode;
            let new = NewKey { name, role, scopes, seller, rate_per_minute: rate };
            let secret = issue_key(&bus, tenant, mode, new).await?;
            bus.log().close().await;
            println!("{}", secret.reveal());
            Ok(())
        }
        (What::Revoke { key, reason }, Some(remote)) => {
            remote.post(&format!("/v1/keys/{key}/revoke"), &json!({ "reason": reason })).await?;
            Ok(())
        }
        (What::Revoke { key, reason }, None) => {
            let (bus, tenant) = bus(&args.data).await?;
            let envelope = Envelope::of_operator(tenant, "keys", RequestId::mint());
            let command = ApiKeyCommand::Revoke { reason };
            let revoked = bus.send::<ApiKey>(&key.to_string(), command, envelope).await;
            revoked.map_err(Failure::usage)?;
            bus.log().close().await;
            Ok(())
        }
        (What::List { json }, Some(remote)) => {
            let keys = remote.get("/v1/keys?limit=500").await?;
            if json { show::json(&keys["data"]) } else { list(&keys["data"]) }
        }
        (What::List { .. }, None) => {
            Err(Failure::usage("listing asks a running server: give --server and DAYBOOK_KEY"))
        }
    }
}

async fn bus(data: &DataArgs) -> Outcome<(Bus, kernel::TenantId)> {
    let log = open_log(data).await?;
    let tenant = some_tenant_of(&*log).await?;
    Ok((Bus::new(log, Arc::new(SystemClock), 100), tenant))
}

fn list(keys: &Value) -> Outcome {
    let now = SystemClock.now();
    let rows = keys
        .as_array()
        .into_iter()
        .flatten()
        .map(|key| {
            let mut row: Vec<String> = ["key", "name", "role", "prefix"]
                .into_iter()
                .map(|field| key[field].as_str().unwrap_or_default().to_owned())
                .collect();
            row.push(status(key, now).to_owned());
            row
        })
        .collect();
    println!("{}", show::table(&["key", "name", "role", "secret", "status"], &[], rows));
    Ok(())
}

/// Whether a key opens anything; it ends by the machine's clock, never by a tenant's test clock.
fn status(key: &Value, now: Timestamp) -> &'static str {
    let expires_at = key["expires_at"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    if !key["revoked_at"].is_null() {
        "revoked"
    } else if expires_at.is_some_and(|end| end <= now) {
        "expired"
    } else {
        "active"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_active_until_it_expires_or_is_revoked() {
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let key = |expires_at: Value, revoked_at: Value| {
            let key = json!({ "expires_at": expires_at, "revoked_at": revoked_at });
            status(&key, now)
        };
        assert_eq!(key(Value::Null, Value::Null), "active");
        assert_eq!(key(json!("2026-03-10T12:00:00.001Z"), Value::Null), "active");
        assert_eq!(key(json!("2026-03-10T12:00:00Z"), Value::Null), "expired");
        assert_eq!(key(json!("2026-03-11T12:00:00Z"), json!("2026-03-10T11:00:00Z")), "revoked");
        assert_eq!(key(json!("2026-03-09T12:00:00Z"), json!("2026-03-08T11:00:00Z")), "revoked");
    }
}

//! What every message becomes, whatever it lacks and whenever it comes.

mod against_the_fake;
mod every_type;
mod routing;

use std::{collections::HashMap, sync::Mutex};

use aggregates::{link::Subject, policies::Command, webhook_event::events::Endpoint};
use async_trait::async_trait;
use engine::{Links, LinksUnavailable, ReceivedInfo, Translation, Translator, Want};
use kernel::{Mode, SellerId, TenantId, Timestamp};
use serde_json::{Value, json};

use super::StripeTranslator;

const NOW: i64 = 1_790_000_000;
const ACCOUNT: &str = "acct_orchard";

fn tenant() -> TenantId {
    TenantId::derived(&["Orchard Market"])
}

fn seller() -> SellerId {
    SellerId::derived(&["Pear & Co"])
}

/// The links of a test.
#[derive(Debug, Default)]
struct Known(Mutex<HashMap<String, Subject>>);

impl Known {
    fn with(links: &[(&str, Subject)]) -> Self {
        let all = links.iter().map(|(object, subject)| ((*object).to_owned(), *subject));
        Self(Mutex::new(all.collect()))
    }

    fn add(&self, object: &str, subject: Subject) {
        let mut links = self.0.lock().unwrap();
        let known = *links.entry(object.to_owned()).or_insert(subject);
        assert_eq!(known, subject, "{object} is claimed by two");
    }

    fn all(&self) -> HashMap<String, Subject> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Links for Known {
    async fn subject(&self, object: &str) -> Result<Option<Subject>, LinksUnavailable> {
        Ok(self.0.lock().unwrap().get(object).copied())
    }
}

fn fixture(name: &str) -> Value {
    let text = match name {
        "account" => include_str!("../../../fixtures/account.json"),
        "application" => include_str!("../../../fixtures/application.json"),
        "application_fee" => include_str!("../../../fixtures/application_fee.json"),
        "balance_transaction" => include_str!("../../../fixtures/balance_transaction.json"),
        "bank_account" => include_str!("../../../fixtures/bank_account.json"),
        "capability" => include_str!("../../../fixtures/capability.json"),
        "charge" => include_str!("../../../fixtures/charge.json"),
        "checkout.session" => include_str!("../../../fixtures/checkout.session.json"),
        "dispute" => include_str!("../../../fixtures/dispute.json"),
        "fee_refund" => include_str!("../../../fixtures/fee_refund.json"),
        "payment_intent" => include_str!("../../../fixtures/payment_intent.json"),
        "payout" => include_str!("../../../fixtures/payout.json"),
        "radar.early_fraud_warning" => {
            include_str!("../../../fixtures/radar.early_fraud_warning.json")
        }
        "refund" => include_str!("../../../fixtures/refund.json"),
        "reserve.hold" => include_str!("../../../fixtures/reserve.hold.json"),
        "reserve.release" => include_str!("../../../fixtures/reserve.release.json"),
        "review" => include_str!("../../../fixtures/review.json"),
        "topup" => include_str!("../../../fixtures/topup.json"),
        "transfer" => include_str!("../../../fixtures/transfer.json"),
        "transfer_reversal" => include_str!("../../../fixtures/transfer_reversal.json"),
        other => panic!("no fixture {other}"),
    };
    serde_json::from_str(text).unwrap()
}

/// A fixture with some fields replaced.
fn made(name: &str, changes: Value) -> Value {
    let mut object = fixture(name);
    for (field, value) in changes.as_object().unwrap() {
        object[field] = value.clone();
    }
    object
}

fn info(kind: &str) -> ReceivedInfo {
    ReceivedInfo {
        tenant: tenant(),
        mode: Mode::Sandbox,
        event: "evt_1".into(),
        kind: kind.to_owned(),
        account: None,
        livemode: Some(false),
        api_version: None,
        created: Some(Timestamp::from_unix_seconds(NOW)),
        endpoint: Endpoint::Platform,
        backfilled: false,
    }
}

fn body(object: &Value) -> Vec<u8> {
    json!({ "id": "evt_1", "data": { "object": object } }).to_string().into_bytes()
}

async fn translated(info: &ReceivedInfo, object: &Value, links: &Known) -> Translation {
    StripeTranslator::new().translate(info, &body(object), links).await.unwrap()
}

async fn platform(kind: &str, object: &Value, links: &Known) -> Translation {
    translated(&info(kind), object, links).await
}

async fn connected(kind: &str, object: &Value, links: &Known) -> Translation {
    let info =
        ReceivedInfo { account: Some(ACCOUNT.into()), endpoint: Endpoint::Connect, ..info(kind) };
    translated(&info, object, links).await
}

#[track_caller]
fn applied(translation: Translation) -> (Vec<(String, Subject)>, Vec<Command>, Vec<Want>) {
    match translation {
        Translation::Apply { links, commands, wants } => (links, commands, wants),
        other => panic!("not applied: {other:?}"),
    }
}

#[track_caller]
fn only_command(translation: Translation) -> Command {
    let (_, mut commands, _) = applied(translation);
    assert_eq!(commands.len(), 1, "{commands:?}");
    commands.remove(0)
}

fn ignored(why: &str) -> Translation {
    Translation::Ignore { why: why.to_owned() }
}

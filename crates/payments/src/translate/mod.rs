//! From a stored message to what it means: links, commands, and what has to be read from Stripe.
//!
//! Everything in here is pure but for the links that are looked up, so a message may be translated
//! again at any time. What each type becomes is one function per family of types; the reading of
//! objects is in [`crate::objects`], their meaning in [`crate::facts`].

mod accounts;
mod draft;
mod fees;
mod payments;
mod payouts;
mod returns;

#[cfg(test)]
mod tests;

use aggregates::{link::Subject, vocabulary::AccountRef};
use async_trait::async_trait;
use engine::{Links, LinksUnavailable, ReceivedInfo, Translation, Translator};
use kernel::{Mode, SellerId, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    classes::{Class, class_of, is_of_absent_aggregate},
    facts::Said,
    objects::{Fault, Reference, read},
};
use draft::{Draft, Moves};

/// Why messages about memberships, invoices and coupons are not acted on.
pub const NOT_PRESENT: &str = "class A, aggregate not present yet";

/// Reads Stripe's messages.
#[derive(Debug, Clone, Copy, Default)]
pub struct StripeTranslator;

impl StripeTranslator {
    /// One for all tenants: it keeps nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// Why a translation ended early.
enum Stop {
    /// The object lacks something essential.
    Fault(Fault),
    /// The links cannot be read now.
    Links(LinksUnavailable),
}

impl Stop {
    /// The same, of something that stands inside this field.
    fn inside(self, field: &'static str) -> Self {
        match self {
            Self::Fault(fault) => Self::Fault(fault.inside(field)),
            Self::Links(error) => Self::Links(error),
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<LinksUnavailable> for Stop {
    fn from(error: LinksUnavailable) -> Self {
        Self::Links(error)
    }
}

type Outcome = Result<Translation, Stop>;

#[async_trait]
impl Translator for StripeTranslator {
    fn lane(&self, received: &ReceivedInfo, body: &[u8]) -> String {
        lane_of(received, body).unwrap_or_else(|| received.event.to_string())
    }

    async fn translate(
        &self,
        received: &ReceivedInfo,
        body: &[u8],
        links: &dyn Links,
    ) -> Result<Translation, LinksUnavailable> {
        let outcome = match sort(received, body) {
            Ok(object) => Message { info: received, object, links }.translate().await,
            Err(early) => return Ok(early),
        };
        match outcome {
            Ok(translation) => Ok(translation),
            Err(Stop::Links(error)) => Err(error),
            Err(Stop::Fault(fault)) => {
                Ok(Translation::Quarantine { error: format!("{}: {fault}", received.kind) })
            }
        }
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: Option<&'a RawValue>,
}

fn ignore(why: impl Into<String>) -> Translation {
    Translation::Ignore { why: why.into() }
}

/// What needs no look at the object; otherwise the object's text.
fn sort<'a>(info: &ReceivedInfo, body: &'a [u8]) -> Result<&'a str, Translation> {
    if info.livemode.is_some_and(|live| live != (info.mode == Mode::Live)) {
        return Err(ignore("livemode"));
    }
    match class_of(&info.kind) {
        // Stripe may have invented it since: somebody should see it, and it can be tried again.
        None => {
            let error = format!("unknown type {:?}: this version has no rule for it", info.kind);
            return Err(Translation::Quarantine { error });
        }
        Some(Class::C) => return Err(ignore("class C")),
        Some(Class::B) => return Err(ignore("class B: recorded")),
        Some(Class::A) if is_of_absent_aggregate(&info.kind) => return Err(ignore(NOT_PRESENT)),
        Some(Class::A) => {}
    }
    let broken = |error: String| Translation::Quarantine { error };
    let text = std::str::from_utf8(body).map_err(|error| broken(error.to_string()))?;
    let event: Body<'_> =
        serde_json::from_str(text).map_err(|error| broken(format!("data: {error}")))?;
    let object = event.data.and_then(|data| data.object).map(RawValue::get);
    object
        .filter(|object| object.starts_with('{'))
        .ok_or_else(|| broken("data.object: missing".into()))
}

/// One message on its way.
struct Message<'a> {
    info: &'a ReceivedInfo,
    /// The JSON text of `data.object`.
    object: &'a str,
    links: &'a dyn Links,
}

impl Message<'_> {
    async fn translate(&self) -> Outcome {
        let seller = match self.sender().await? {
            Sender::Platform => None,
            Sender::Seller(seller) => Some(seller),
            // Nothing of it is booked: it may as well be the account of somebody else.
            Sender::Unknown(account) => return Ok(Draft::default().park(account.to_string())),
        };
        let kind = self.info.kind.as_str();
        match kind.split_once('.').map_or(kind, |(first, _)| first) {
            "checkout" => self.session().await,
            "payment_intent" => self.intent().await,
            "refund" => self.refund().await,
            "charge" if kind == "charge.refund.updated" => self.refund().await,
            "charge" if kind.starts_with("charge.dispute.") => self.dispute().await,
            "charge" => self.charge().await,
            "radar" => self.early_fraud_warning().await,
            "review" => self.review().await,
            "transfer" => self.transfer().await,
            "payout" => self.payout(seller),
            "account" | "capability" => self.account(seller).await,
            "application_fee" => self.application_fee().await,
            "topup" => self.topup(),
            "reserve" => Ok(ignore("recorded: moves by balance transaction only")),
            _ => Ok(ignore("class A without a translation")),
        }
    }

    async fn sender(&self) -> Result<Sender, Stop> {
        let Some(account) = &self.info.account else { return Ok(Sender::Platform) };
        Ok(match self.seller_of(account).await? {
            Some(seller) => Sender::Seller(seller),
            None => Sender::Unknown(account.clone()),
        })
    }

    async fn seller_of(&self, account: &AccountRef) -> Result<Option<SellerId>, Stop> {
        Ok(match self.links.subject(account.as_str()).await? {
            Some(Subject::Seller(seller)) => Some(seller),
            _ => None,
        })
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        read(self.object)
    }

    /// When Stripe said this. An event without a time, which Stripe does not send, ranks lowest.
    fn said(&self) -> Said {
        Said {
            created: self.info.created.map_or(0, Timestamp::unix_seconds),
            event: self.info.event.clone(),
        }
    }

    /// Money of a connected account's own is his, and only its balance transactions concern us.
    const fn is_of_connected_account(&self) -> bool {
        self.info.account.is_some()
    }

    fn tenant_text(&self) -> String {
        self.info.tenant.to_string()
    }
}

enum Sender {
    Platform,
    Seller(SellerId),
    Unknown(AccountRef),
}

#[derive(Deserialize)]
struct LaneBody {
    data: Option<LaneData>,
}

#[derive(Deserialize)]
struct LaneData {
    object: Option<LaneObject>,
}

#[derive(Deserialize)]
struct LaneObject {
    id: Option<Reference>,
    object: Option<String>,
    payment_intent: Option<Reference>,
    charge: Option<Reference>,
    fee: Option<Reference>,
}

/// Session, intent, charges, refunds and disputes of one payment share a lane, so do all messages
/// about one account's state; everything else runs by its own id.
fn lane_of(received: &ReceivedInfo, body: &[u8]) -> Option<String> {
    let (family, _) = received.kind.split_once('.')?;
    if matches!(family, "account" | "capability")
        && let Some(account) = &received.account
    {
        return Some(account.to_string());
    }
    let object = serde_json::from_slice::<LaneBody>(body).ok()?.data?.object?;
    let named = match object.object.as_deref() {
        Some("payment_intent") => object.id,
        _ => object.payment_intent.or(object.charge).or(object.fee).or(object.id),
    };
    named.map(|reference| reference.0)
}

//! What Stripe delivers: messages of the fake Stripe, signed and ready to be sent.

use std::{collections::BTreeSet, sync::Arc};

use kernel::{Clock, SystemClock};
use payments::{Secret, signature};
use stripe_fake::{BarePayment, FakeStripe, Operation, Seed};

use super::CONNECTIONS;
use crate::fault::{Doing, Outcome};

/// One in ten messages is sent before the clock starts.
const WARM_UP_SHARE: usize = 10;

const OPENING: i64 = 1_790_000_000;

/// The bytes of requests, dealt out to connections.
pub(super) type Dealt = Vec<Arc<[Vec<u8>]>>;

/// Requests to be sent, whole.
pub(super) struct Requests {
    pub(super) warm_up: Dealt,
    pub(super) measured: Dealt,
}

impl Requests {
    /// About so many messages about payments nobody has heard of yet, other ones for each seed.
    pub(super) fn signed(seed: u64, count: usize, secret: &Secret) -> Outcome<Self> {
        let fake = FakeStripe::new(Seed(seed), OPENING);
        let mut payment = 0_i64;
        while fake.undelivered_count() < count {
            payment += 1;
            let pay = BarePayment { amount: 1_000 + payment, ..BarePayment::default() };
            let key = format!("payment {payment}");
            fake.apply(&key, Operation::Pay(pay)).doing("make a payment at the fake Stripe")?;
        }
        // The listener's clock is the real one, and it accepts what was signed minutes ago.
        let now = SystemClock.now().unix_seconds();
        let mut requests: Vec<Vec<u8>> = fake
            .take_undelivered(count, &BTreeSet::new())
            .into_iter()
            .map(|message| request(message.body.as_bytes(), secret, now))
            .collect();
        let measured = requests.split_off(requests.len() / WARM_UP_SHARE);
        Ok(Self { warm_up: deal(requests), measured: deal(measured) })
    }

    pub(super) fn measured_count(&self) -> u64 {
        count(&self.measured)
    }

    pub(super) fn count(&self) -> u64 {
        count(&self.warm_up) + count(&self.measured)
    }
}

fn count(dealt: &Dealt) -> u64 {
    dealt.iter().map(|share| u64::try_from(share.len()).unwrap_or_default()).sum()
}

fn deal(requests: Vec<Vec<u8>>) -> Dealt {
    let mut shares = vec![Vec::new(); CONNECTIONS];
    for (number, request) in requests.into_iter().enumerate() {
        shares[number % CONNECTIONS].push(request);
    }
    shares.into_iter().map(Arc::from).collect()
}

/// As Stripe sends it.
fn request(body: &[u8], secret: &Secret, now: i64) -> Vec<u8> {
    let signature = signature::header(&[secret], now, body);
    let mut request = format!(
        "POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1\r\n\
         Content-Type: application/json; charset=utf-8\r\nAccept: */*; q=0.5, application/xml\r\n\
         User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n\
         Cache-Control: no-cache\r\nStripe-Signature: {signature}\r\nContent-Length: {}\r\n\r\n",
        body.len(),
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

//! A deterministic Stripe for the demo and the tests.
//!
//! The fake is an independent second opinion about money: it depends on none of our other crates,
//! keeps its own balances, and answers in Stripe's wire format, so that whatever Daybook's books say
//! can be compared with what "Stripe" says.
//!
//! # What it is
//!
//! * [`FakeStripe`] holds balances, payments, refunds, disputes, connected accounts, transfers,
//!   payouts, top-ups, fees, reserves and events. It has its own clock, which moves only with
//!   [`FakeStripe::advance_to`]; whatever is due on the way happens in due order.
//! * [`Operation`]s are what buyers, banks and Stripe do by themselves: a buyer pays, a card holder
//!   disputes, a payout fails after it was paid. [`Rule`]s say beforehand what objects that Daybook
//!   creates over HTTP will do later.
//! * [`serve`] answers the Stripe API on a local port; [`FakeStripe::fail_next`] makes calls fail and
//!   [`FakeStripe::calls`] counts them.
//! * [`deliver`] sends the events to the platform's two webhook endpoints, signed, in order or
//!   shuffled, once or several times, late or not at all.
//! * [`FakeStripe::balance`] and [`balance_transactions_csv`] are the truth to compare with.
//! * [`scenario`] makes the demo month from a seed, and works out what everybody must be owed in the
//!   end; [`demo`] plays it against a running Daybook.
//!
//! # What can be relied on
//!
//! * **Identifiers** derive from the seed and the operation's key (for requests: the idempotency
//!   key), never from the order of arrival. [`FakeStripe::id_of`] tells them beforehand.
//! * **Repeats** do nothing: the same key with the same content answers what it answered first,
//!   another content is refused. Requests whose parameters were refused are not remembered, requests
//!   that had begun (a balance too small, a charge already refunded) are, as at Stripe.
//! * **A journal** ([`FakeStripe::open`]) keeps every change before its answer is given. After the
//!   process was killed, opening it again leads to the same state.
//! * **Conservation**: every balance is the sum of the net of its balance transactions.
//!
//! # What it leaves out
//!
//! Presentment and settlement currency are always the same. Checkout sessions know payment mode with
//! inline prices only. Subscriptions and invoices do not exist. A reserve is two balance
//! transactions, one on each of the two balances (`balance_type`), with the same source.
//!
//! # Example
//!
//! ```
//! use stripe_fake::{ApiRequest, BarePayment, FakeStripe, Operation, Seed, Target};
//!
//! let stripe = FakeStripe::new(Seed(7), 1_790_000_000);
//! let payment = BarePayment { amount: 10_325, ..BarePayment::default() };
//! stripe.apply("first sale", Operation::Pay(payment)).unwrap();
//! assert_eq!(stripe.balance(None)["usd"], 10_325 - 329);
//!
//! let charge = stripe.id_of("ch", "first sale");
//! let answer = stripe.call(&ApiRequest::get(format!("/v1/charges/{charge}"))).unwrap();
//! assert_eq!(answer.body["amount"], 10_325);
//!
//! let refund = ApiRequest::post("/v1/refunds", &format!("charge={charge}&amount=325")).key("r1");
//! assert_eq!(stripe.call(&refund).unwrap().body["status"], "succeeded");
//! assert_eq!(stripe.balance(None)["usd"], 10_000 - 329);
//! assert_eq!(stripe.find_charge(&Target::made("first sale")), Some(charge));
//! ```

mod api;
mod currency;
pub mod demo;
mod document;
mod event;
mod export;
mod fake;
mod fault;
mod form;
mod id;
mod journal;
mod ledger;
mod observe;
mod operation;
mod plan;
mod refusal;
pub mod scenario;
mod server;
mod state;
mod webhook;

#[cfg(test)]
mod tests;

pub use api::{ApiAnswer, ApiRequest, Method};
pub use currency::{CurrencyFacts, currency_facts};
pub use event::API_VERSION;
pub use export::{balance_transactions_csv, balance_transactions_json};
pub use fake::{Applied, FakeStripe, OperationError};
pub use fault::Fault;
pub use form::parse_form;
pub use id::Seed;
pub use journal::JournalError;
pub use ledger::{BalanceTransaction, BalanceType, FeeDetail, Funds, Owner};
pub use observe::PendingEvent;
pub use operation::{BarePayment, NewAccount, NewDispute, Operation, Target};
pub use plan::{
    AccountStanding, Behaviour, DisputeOutcome, Forget, Payment, PayoutPlan, PayoutSchedule,
    RefundPlan, RefundStatus, RefundStep, Reinstated, Rule, TopUpPlan, When,
};
pub use refusal::Refusal;
pub use server::{ServerHandle, serve};
pub use webhook::{
    DeliveryError, DeliveryOptions, DeliveryOrder, DeliveryReport, Endpoints, WebhookEndpoint,
    deliver, real_time, sign, signature_header,
};

//! Every row of the postings table with amounts of its own, the expected lines written out by hand;
//! and what becomes of them when a rule is altered.

use std::cell::RefCell;

use aggregates::{
    balance_transaction::{BalanceTransactionEvent, FeeDetail, Provenance, TransactionRecord},
    dispute::events::{DisputeEvent, FeeShare},
    fact::Fact,
    order::events::{DisputeShare, OrderEvent},
    payment::events::{AttributedShare, Destination, LinkedVia, PaymentEvent},
    payout::events::PayoutEvent,
    refund::events::{ApprovedHow, RefundEvent, RefundSource},
    seller_account::events::{CreditBackReason, DebitReason, SellerAccountEvent, Split},
    topup::events::TopupEvent,
    vocabulary::{Claim, Components, LineNo, LineShare, Organizer, Person, SetAsideReason},
};
use kernel::{
    Currency, DisputeId, Money, OrderId, PaymentId, PayoutId, RefundId, SellerId, TenantId,
    Timestamp,
};
use store::StreamId;

use super::*;

mod by_hand;
mod conversions;
mod disputes;
pub(super) mod mutants;
mod mutation;
mod orders;
mod payouts;
mod properties;
mod refunds;
mod stripe;
mod unallocated;

thread_local! {
    /// What the rows say, while the mutation test listens: fact, stream, and lines.
    static HEARD: RefCell<Option<Vec<Row>>> = const { RefCell::new(None) };
}

/// A row of the postings table as its test has asserted it.
#[derive(Debug, Clone)]
struct Row {
    stream: StreamId,
    fact: Fact,
    lines: Vec<String>,
    /// Every amount the fact names.
    amounts: Vec<i64>,
}

fn posted(fact: &Fact) -> Vec<String> {
    let subject = match fact {
        Fact::Order(_) => order_id().to_string(),
        Fact::Adjustment(_)
        | Fact::ApiKey(_)
        | Fact::Period(_)
        | Fact::BalanceTransaction(_)
        | Fact::Dispute(_)
        | Fact::Link(_)
        | Fact::Membership(_)
        | Fact::Payment(_)
        | Fact::Payout(_)
        | Fact::Refund(_)
        | Fact::Rejection(_)
        | Fact::SellerAccount(_)
        | Fact::WebhookEvent(_)
        | Fact::Tenant(_)
        | Fact::Topup(_) => PaymentId::default().to_string(),
    };
    let category = fact.event_type();
    let category = category.split('.').next().unwrap_or_default();
    let stream = stream(category, &subject);
    let lines = written(&stream, fact).unwrap();
    HEARD.with_borrow_mut(|heard| {
        let amounts = mutation::amounts_of(fact);
        let row = || Row { stream, fact: fact.clone(), lines: lines.clone(), amounts };
        heard.as_mut().map(|heard| heard.push(row()))
    });
    lines
}

/// The lines of a fact as the rows write them.
fn written(stream: &StreamId, fact: &Fact) -> Result<Vec<String>, PostingFault> {
    let entries = postings(stream, fact)?;
    let mut lines = Vec::new();
    for entry in entries {
        assert_eq!(entry.kind(), fact.event_type());
        let book = match entry.book() {
            crate::chart::Book::Platform => String::new(),
            crate::chart::Book::Mirror(account) => format!("{account}: "),
        };
        // Most rows are in dollars and need not say so.
        let currency = match entry.currency() {
            Currency::USD => String::new(),
            other => format!(" {other}"),
        };
        for line in entry.lines() {
            let side = if line.signed() > 0 { "Dr" } else { "Cr" };
            let (account, minor) = (line.account(), line.minor());
            lines.push(short(&format!("{book}{side} {account} {minor}{currency}")));
        }
    }
    Ok(lines)
}

/// Ids as the tests write them.
fn short(text: &str) -> String {
    text.replace(&s1().to_string(), "S1")
        .replace(&s2().to_string(), "S2")
        .replace(&order_id().to_string(), "ORDER")
        .replace(&refund_id().to_string(), "REFUND")
        .replace(&payout_id().to_string(), "PAYOUT")
        .replace(&PaymentId::default().to_string(), "PAYMENT")
        .replace(&DisputeId::default().to_string(), "DISPUTE")
}

fn stream(category: &str, id: &dyn std::fmt::Display) -> StreamId {
    StreamId::new(category, TenantId::default(), id.to_string())
}

fn order(event: OrderEvent) -> Fact {
    Fact::Order(event)
}

fn payment(event: PaymentEvent) -> Fact {
    Fact::Payment(event)
}

fn share(line: u16, seller: SellerId, components: Components) -> LineShare {
    let organizer = Organizer(seller.to_string());
    LineShare { line: LineNo(line), seller, organizer, product: "mug".to_owned(), components }
}

fn of_line(commission_retained: bool) -> RefundSource {
    let components = Components { fee: 400, seller: 3600, shipping: 0, tax: 330, discount: 400 };
    RefundSource::OrderLine {
        order: order_id(),
        share: share(1, s2(), components),
        tax_jurisdiction: "US-CA".to_owned(),
        commission_retained,
        policy_version: Some(4),
    }
}

fn approved(commission_retained: bool) -> Fact {
    Fact::Refund(RefundEvent::Approved {
        refund: refund_id(),
        source: of_line(commission_retained),
        charge: "ch_1".into(),
        amount: usd(3930),
        how: ApprovedHow::Decided,
        by: Person::from("robin"),
        at: then(),
    })
}

fn transaction(kind: &str, category: &str, source: &str, amount: i64, fee: i64) -> Fact {
    Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: record(kind, category, source, amount, fee),
        at: later(),
    })
}

fn record(kind: &str, category: &str, source: &str, amount: i64, fee: i64) -> TransactionRecord {
    TransactionRecord {
        txn: "txn_1".into(),
        account: None,
        kind: kind.to_owned(),
        category: category.to_owned(),
        source: Some(source.to_owned()),
        counterpart: None,
        currency: Currency::USD,
        amount,
        fee,
        net: amount - fee,
        fee_details: Vec::new(),
        exchange_rate: None,
        available_on: later(),
        occurred_at: then(),
        provenance: Provenance::Fetched,
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn s1() -> SellerId {
    SellerId::derived(&["s1"])
}

fn s2() -> SellerId {
    SellerId::derived(&["s2"])
}

fn order_id() -> OrderId {
    OrderId::derived(&["order"])
}

fn refund_id() -> RefundId {
    RefundId::derived(&["refund"])
}

fn payout_id() -> PayoutId {
    PayoutId::derived(&["payout"])
}

fn then() -> Timestamp {
    Timestamp::from_unix_seconds(1_772_366_400)
}

fn later() -> Timestamp {
    then().plus_days(1)
}

//! Given, when, then: builders here, one file of tests per theme.

mod cancelling;
mod disputing;
mod fulfilling;
mod golden;
mod invariants;
mod lives;
mod paying;
mod placing;
mod refunding;
mod releasing;

use cqrs_es::{
    Aggregate,
    test::{AggregateResultValidator, TestFramework},
};
use kernel::{
    Currency, DisputeId, KeyRef, Money, OrderId, PaymentId, Rate, RefundId, Sealed, SellerId,
    SubjectRef, Timestamp,
};

use super::{
    commands::{OrderCommand, PlaceOrder, PricedLine},
    errors::OrderError,
    events::{Buyer, DeliveredBy, Discount, LineAmounts, OrderEvent, Origin, ShippedLine, Totals},
    pricing,
    state::Order,
};
use crate::{
    testing,
    vocabulary::{
        ChargeRef, CommercePolicy, FundedBy, LineNo, Person, SessionRef, StripeDisputeRef,
        StripeRefundRef, TxnRef,
    },
};

fn minutes(minutes: i64) -> Timestamp {
    testing::at(minutes * 60)
}

fn days(days: i64) -> Timestamp {
    minutes(0).plus_days(days)
}

/// What has happened so far, and what time it is.
#[derive(Clone, Default)]
struct Story {
    events: Vec<OrderEvent>,
    now: Timestamp,
}

impl Story {
    fn begin() -> Self {
        Self { events: vec![], now: minutes(0) }
    }

    /// An order as in the golden vector, placed.
    fn placed() -> Self {
        Self::placed_with(|_| {})
    }

    fn placed_with(change: impl FnOnce(&mut PlaceOrder)) -> Self {
        Self::begin().and(place(change))
    }

    /// The same, paid a minute later.
    fn paid() -> Self {
        Self::paid_with(|_| {})
    }

    fn paid_with(change: impl FnOnce(&mut PlaceOrder)) -> Self {
        let story = Self::placed_with(change).at(minutes(1));
        let total = story.order().total().unwrap();
        story.and(confirm("first", total))
    }

    fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Sends a command that must succeed.
    fn and(mut self, command: OrderCommand) -> Self {
        let events = self.when(command).inspect_result().unwrap();
        self.events.extend(events);
        self
    }

    fn when(&self, command: OrderCommand) -> AggregateResultValidator<Order> {
        TestFramework::<Order>::with(testing::context(self.now))
            .given(self.events.clone())
            .when(command)
    }

    fn refuses(&self, command: OrderCommand, error: OrderError) {
        self.when(command).then_expect_error(error);
    }

    fn answers(&self, command: OrderCommand, events: Vec<OrderEvent>) {
        self.when(command).then_expect_events(events);
    }

    /// Asserts that a repeated command changes nothing.
    fn ignores(&self, command: OrderCommand) {
        self.answers(command, vec![]);
    }

    fn order(&self) -> Order {
        let mut order = Order::default();
        self.events.iter().cloned().for_each(|event| order.apply(event));
        order
    }

    fn last(&self) -> &OrderEvent {
        self.events.last().unwrap()
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn order_id() -> OrderId {
    OrderId::derived(&["story"])
}

fn anna() -> SellerId {
    SellerId::derived(&["anna"])
}

fn bruno() -> SellerId {
    SellerId::derived(&["bruno"])
}

fn payment(name: &str) -> PaymentId {
    PaymentId::derived(&[name])
}

fn charge(name: &str) -> ChargeRef {
    ChargeRef(format!("ch_{name}"))
}

fn refund(name: &str) -> RefundId {
    RefundId::derived(&[name])
}

fn dispute(name: &str) -> DisputeId {
    DisputeId::derived(&[name])
}

fn line(listing: &str, unit_price: i64, shippable: bool, taxable: bool) -> PricedLine {
    PricedLine {
        listing: listing.to_owned(),
        title: format!("A {listing}"),
        seller: anna(),
        seller_ready: true,
        organizer: None,
        quantity: 1,
        unit_price,
        shippable,
        taxable,
        fee_bps: Rate::try_from_bps(1000).unwrap(),
        claimed: LineAmounts::default(),
    }
}

/// The order of the golden vector: 105.37 USD, of which the last line is Bruno's.
fn golden_order() -> PlaceOrder {
    let last = PricedLine { seller: bruno(), ..line("vase", 3334, true, false) };
    PlaceOrder {
        order: order_id(),
        reference: Some("A-1001".to_owned()),
        buyer: Buyer::Registered(SubjectRef::derived(&["buyer"])),
        currency: Currency::USD,
        origin: Origin::Cart,
        lines: vec![line("print", 3333, true, true), line("ebook", 3333, false, true), last],
        discount: Some(Discount { amount: 1000, funded_by: FundedBy::Seller, code: None }),
        shipping: 700,
        tax: 837,
        tax_jurisdiction: "US-CA".to_owned(),
        ship_to: Some(SubjectRef::derived(&["buyer"])),
        claimed: Totals::default(),
        policy: CommercePolicy::default(),
        pay_by: None,
    }
}

fn guest() -> Buyer {
    Buyer::Guest {
        subject: SubjectRef::derived(&["guest"]),
        email: Sealed {
            v: 1,
            key: KeyRef("subject:1".to_owned()),
            nonce: "AAAAAAAAAAAAAAAA".to_owned(),
            ciphertext: "c2VhbGVk".to_owned(),
        },
        token_hash: "ab".repeat(32),
    }
}

/// Claims exactly what it comes to, so that a test can be about something else.
fn claim(mut place: PlaceOrder) -> PlaceOrder {
    if let Ok(priced) = pricing::price(&place) {
        place.claimed = priced.totals;
        for (line, priced) in place.lines.iter_mut().zip(priced.lines) {
            line.claimed = priced.amounts;
        }
    }
    place
}

fn place(change: impl FnOnce(&mut PlaceOrder)) -> OrderCommand {
    let mut order = golden_order();
    change(&mut order);
    OrderCommand::Place(Box::new(claim(order)))
}

fn confirm(name: &str, received: Money) -> OrderCommand {
    OrderCommand::ConfirmPayment {
        payment: payment(name),
        charge: charge(name),
        received,
        occurred_at: minutes(1),
    }
}

fn funds(name: &str, available_on: Timestamp) -> OrderCommand {
    OrderCommand::NoteFundsExpected { charge: charge(name), available_on }
}

fn cancel(lines: Option<Vec<u16>>, cancellation_fee: i64) -> OrderCommand {
    OrderCommand::Cancel {
        lines: lines.map(|lines| lines.into_iter().map(LineNo).collect()),
        reason: "out of stock".to_owned(),
        cancellation_fee,
    }
}

fn ship(shipment: &str, lines: &[(u16, u32)]) -> OrderCommand {
    let part =
        |(line, quantity): &(u16, u32)| ShippedLine { line: LineNo(*line), quantity: *quantity };
    OrderCommand::Ship {
        shipment: shipment.to_owned(),
        lines: lines.iter().map(part).collect(),
        carrier: "Example Post".to_owned(),
        tracking: Some("EX1".to_owned()),
    }
}

fn deliver(shipment: &str) -> OrderCommand {
    OrderCommand::Deliver { shipment: shipment.to_owned(), how: DeliveredBy::Carrier }
}

fn reserve(name: &str, line: u16, amount: Option<i64>) -> OrderCommand {
    OrderCommand::ReserveRefund {
        refund: refund(name),
        line: LineNo(line),
        amount: amount.map(usd),
        reason: "did not fit".to_owned(),
        by: Person::from("buyer"),
        approved: false,
        despite_inquiry: false,
    }
}

fn reserve_approved(name: &str, line: u16, amount: Option<i64>) -> OrderCommand {
    OrderCommand::ReserveRefund {
        refund: refund(name),
        line: LineNo(line),
        amount: amount.map(usd),
        reason: "cancelled".to_owned(),
        by: Person::from("staff"),
        approved: true,
        despite_inquiry: false,
    }
}

fn settle(name: &str) -> OrderCommand {
    OrderCommand::SettleRefund { refund: refund(name) }
}

fn release(name: &str) -> OrderCommand {
    OrderCommand::ReleaseRefund { refund: refund(name) }
}

fn external(name: &str, amount: Money) -> OrderCommand {
    OrderCommand::AllocateExternalRefund {
        refund: refund(name),
        stripe_refund: StripeRefundRef(format!("re_{name}")),
        amount,
        occurred_at: minutes(5),
    }
}

fn apply(name: &str, amount: Money, inquiry: bool) -> OrderCommand {
    OrderCommand::ApplyDispute { dispute: dispute(name), amount, inquiry }
}

fn conclude(name: &str, withdrawn: i64, reinstated: i64, lost: bool) -> OrderCommand {
    OrderCommand::ConcludeDispute {
        dispute: dispute(name),
        stripe_dispute: StripeDisputeRef(format!("dp_{name}")),
        withdrawn,
        reinstated,
        lost,
        occurred_at: minutes(9),
    }
}

fn revise(name: &str, txn: &str, reinstated: i64) -> OrderCommand {
    OrderCommand::ReviseDispute {
        dispute: dispute(name),
        stripe_dispute: StripeDisputeRef(format!("dp_{name}")),
        txn: TxnRef::from(txn),
        reinstated,
        occurred_at: minutes(10),
    }
}

fn reverse(name: &str, amount: Money) -> OrderCommand {
    OrderCommand::ReverseCapture {
        payment: payment(name),
        charge: charge(name),
        amount,
        occurred_at: minutes(11),
    }
}

fn note_checkout(name: &str, session: &str, until: Timestamp) -> OrderCommand {
    OrderCommand::NoteCheckout {
        payment: payment(name),
        session: SessionRef::from(session),
        session_expires_at: until,
    }
}

fn processing(name: &str) -> OrderCommand {
    OrderCommand::NotePaymentProcessing { payment: payment(name), occurred_at: minutes(1) }
}

fn failed(name: &str, code: &str) -> OrderCommand {
    OrderCommand::NotePaymentFailed { payment: payment(name), code: code.to_owned() }
}

fn partial_refunds(place: &mut PlaceOrder) {
    place.policy.refund_granularity = crate::vocabulary::RefundGranularity::Partial;
}

#[test]
fn whatever_is_asked_of_an_order_nobody_placed_it_is_unknown() {
    let commands = vec![
        note_checkout("first", "cs_1", minutes(60)),
        processing("first"),
        failed("first", "card_declined"),
        confirm("first", usd(1)),
        OrderCommand::Expire,
        cancel(None, 0),
        funds("first", days(2)),
        OrderCommand::AssumeFundsAvailable,
        ship("S1", &[(0, 1)]),
        OrderCommand::AmendTracking {
            shipment: "S1".to_owned(),
            carrier: "Example Post".to_owned(),
            tracking: "EX2".to_owned(),
        },
        deliver("S1"),
        OrderCommand::AutoDeliver { shipment: "S1".to_owned() },
        OrderCommand::NoteShippingOverdue,
        OrderCommand::Complete,
        reserve("r", 0, None),
        settle("r"),
        release("r"),
        external("r", usd(1)),
        apply("d", usd(1), false),
        conclude("d", 1, 0, true),
        revise("d", "txn_1", 1),
        reverse("first", usd(1)),
    ];
    for command in commands {
        Story::begin().refuses(command, OrderError::Unknown);
    }
}

#[test]
fn a_snapshot_remembers_all_of_an_order() {
    let story = Story::paid().and(ship("S1", &[(0, 1)])).and(reserve("r", 0, None)).and(apply(
        "d",
        usd(500),
        false,
    ));
    let order = story.order();
    let text = serde_json::to_string(&order).unwrap();
    assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
}

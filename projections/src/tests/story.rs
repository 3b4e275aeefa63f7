//! A small month of a small market: two sellers, one order of two lines, a refund, a dispute that is
//! lost in part, a payout, and money that nobody ordered.

#![expect(clippy::too_many_lines, reason = "a story is told from its beginning to its end")]

use aggregates::{
    api_key::events::{ApiKeyEvent, Role},
    balance_transaction::{BalanceTransactionEvent, Provenance, TransactionRecord},
    dispute::events::{DisputeEvent, DisputeOutcome},
    fact::Fact,
    order::events::{Buyer, DisputeShare, Line, LineAmounts, OrderEvent, Origin, Totals},
    payment::events::{Destination, PaymentEvent},
    payout::events::PayoutEvent,
    refund::events::{ApprovedHow, RefundEvent, RefundSource},
    seller_account::events::{
        AccountFlags, DebitReason, PayoutInterval, PayoutSchedule, SellerAccountEvent, Split,
        StatusSource,
    },
    tenant::events::TenantEvent,
    vocabulary::{
        Claim, ClaimRef, CommercePolicy, Components, FactRank, LineNo, LineShare, Organizer,
        Person, SetAsideReason,
    },
    webhook_event::events::{Endpoint, WebhookEventEvent},
};
use kernel::{
    Actor, ActorKind, Cause, Currency, DisputeId, KeyId, KeyRef, Mode, Money, OrderId, PaymentId,
    PayoutId, Rate, RefundId, Sealed, SellerId, SubjectRef, TenantId, Timestamp, derived_uuid,
};
use store::{Metadata, Position, Recorded, StreamId};

use crate::{
    Occurrence,
    dating::Calendar,
    postings::{Entry, postings},
};

/// An event and what it does to the books.
pub(super) struct Told {
    pub(super) recorded: Recorded,
    fact: Fact,
    metadata: Metadata,
    entries: Vec<Entry>,
}

impl Told {
    pub(super) fn occurrence(&self) -> Occurrence<'_> {
        Occurrence {
            recorded: &self.recorded,
            fact: &self.fact,
            metadata: &self.metadata,
            entries: &self.entries,
        }
    }

    /// One event, apart from the story.
    pub(super) fn one(id: impl std::fmt::Display, at: Timestamp, fact: Fact) -> Self {
        let mut story = Story::default();
        story.tell(id, at, fact);
        story.told.pop().unwrap()
    }

    /// The same, with other entries than it has.
    pub(super) fn posting(mut self, entries: Vec<Entry>) -> Self {
        self.entries = entries;
        self
    }

    /// The same, stating something else.
    pub(super) fn stating(mut self, fact: Fact) -> Self {
        self.fact = fact;
        self
    }

    /// The same, at another place of the log.
    pub(super) fn at(mut self, position: u64) -> Self {
        self.recorded.position = Position(position);
        self.recorded.id = derived_uuid(&[&position.to_string()]);
        self
    }
}

pub(super) fn tenant() -> TenantId {
    TenantId::derived(&["acorn"])
}

pub(super) fn potter() -> SellerId {
    SellerId::derived(&["potter"])
}

pub(super) fn weaver() -> SellerId {
    SellerId::derived(&["weaver"])
}

pub(super) fn order() -> OrderId {
    OrderId::derived(&["order"])
}

pub(super) fn payment() -> PaymentId {
    PaymentId::derived(&["payment"])
}

pub(super) fn stray() -> PaymentId {
    PaymentId::derived(&["stray"])
}

pub(super) fn refund() -> RefundId {
    RefundId::derived(&["refund"])
}

pub(super) fn dispute() -> DisputeId {
    DisputeId::derived(&["dispute"])
}

pub(super) fn payout() -> PayoutId {
    PayoutId::derived(&["payout"])
}

pub(super) fn key() -> KeyId {
    KeyId::derived(&["key"])
}

/// Late in the evening in UTC, so that the day differs in Berlin.
pub(super) fn day(day: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_772_320_000).plus_seconds(86_300).plus_days(day)
}

pub(super) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn sealed() -> Sealed {
    let text = || "c2VhbGVk".to_owned();
    Sealed { v: 1, key: KeyRef("k".to_owned()), nonce: text(), ciphertext: text() }
}

fn rank(class: u8) -> FactRank {
    FactRank { class, created: 1, event: "evt_1".into() }
}

fn organizer() -> Organizer {
    Organizer::from("fair")
}

fn share(line: u16, seller: SellerId, components: Components) -> LineShare {
    let product = "mug".to_owned();
    LineShare { line: LineNo(line), seller, organizer: organizer(), product, components }
}

/// The line of the potter: 60.00 with 5.00 shipping; of it 5.40 discount.
const POTTER: Components =
    Components { fee: 600, seller: 5400, shipping: 500, tax: 495, discount: 600 };
/// The line of the weaver: 40.00.
const WEAVER: Components =
    Components { fee: 400, seller: 3600, shipping: 0, tax: 330, discount: 400 };
/// What of the potter's line is lost in the dispute.
const LOST: Components =
    Components { fee: 300, seller: 2700, shipping: 250, tax: 248, discount: 300 };

#[derive(Default)]
pub(super) struct Story {
    pub(super) told: Vec<Told>,
    calendar: Calendar,
}

impl Story {
    pub(super) fn tell(&mut self, id: impl std::fmt::Display, at: Timestamp, fact: Fact) {
        let place = self.told.len() + 1;
        let (category, payload) = match &fact {
            Fact::Adjustment(event) => ("adjustment", serde_json::to_string(event)),
            Fact::Period(event) => ("period", serde_json::to_string(event)),
            Fact::ApiKey(event) => ("api_key", serde_json::to_string(event)),
            Fact::BalanceTransaction(event) => {
                ("balance_transaction", serde_json::to_string(event))
            }
            Fact::Dispute(event) => ("dispute", serde_json::to_string(event)),
            Fact::Link(event) => ("link", serde_json::to_string(event)),
            Fact::Membership(event) => ("membership", serde_json::to_string(event)),
            Fact::Order(event) => ("order", serde_json::to_string(event)),
            Fact::Payment(event) => ("payment", serde_json::to_string(event)),
            Fact::Payout(event) => ("payout", serde_json::to_string(event)),
            Fact::Refund(event) => ("refund", serde_json::to_string(event)),
            Fact::Rejection(event) => ("rejection", serde_json::to_string(event)),
            Fact::SellerAccount(event) => ("seller_account", serde_json::to_string(event)),
            Fact::WebhookEvent(event) => ("stripe_event", serde_json::to_string(event)),
            Fact::Tenant(event) => ("tenant", serde_json::to_string(event)),
            Fact::Topup(event) => ("topup", serde_json::to_string(event)),
        };
        let payload = payload.unwrap();
        assert_eq!(Fact::decode(category, &payload).as_ref(), Ok(&fact));
        let stream = StreamId::new(category, tenant(), id.to_string());
        let mut entries = postings(&stream, &fact).unwrap();
        let position = Position(u64::try_from(place).unwrap());
        self.calendar.note(tenant(), position, &fact);
        self.calendar.date(tenant(), position, &mut entries);
        let metadata = Metadata {
            cause: Cause {
                actor: Actor::new(ActorKind::ApiKey, "key_1"),
                request: None,
                causation: None,
                correlation: "c".to_owned(),
                webhook: Some("evt_1".to_owned()),
            },
            mode: Mode::Sandbox,
            command: format!("command {place}"),
        };
        let recorded = Recorded {
            position,
            version: 1,
            id: derived_uuid(&[&place.to_string()]),
            event_type: fact.event_type().into(),
            event_version: "1".into(),
            payload: payload.into(),
            metadata: metadata.to_json().unwrap(),
            recorded_at: at,
            stream,
        };
        self.told.push(Told { recorded, fact, metadata, entries });
    }

    fn order(&mut self, at: Timestamp, event: OrderEvent) {
        self.tell(order(), at, Fact::Order(event));
    }

    fn payment(&mut self, id: PaymentId, at: Timestamp, event: PaymentEvent) {
        self.tell(id, at, Fact::Payment(event));
    }

    fn refund(&mut self, at: Timestamp, event: RefundEvent) {
        self.tell(refund(), at, Fact::Refund(event));
    }

    fn dispute(&mut self, at: Timestamp, event: DisputeEvent) {
        self.tell(dispute(), at, Fact::Dispute(event));
    }

    fn payout(&mut self, at: Timestamp, event: PayoutEvent) {
        self.tell(payout(), at, Fact::Payout(event));
    }

    fn seller(&mut self, seller: SellerId, at: Timestamp, event: SellerAccountEvent) {
        self.tell(seller, at, Fact::SellerAccount(event));
    }

    fn webhook(&mut self, at: Timestamp, event: WebhookEventEvent) {
        self.tell("evt_1", at, Fact::WebhookEvent(event));
    }

    fn transaction(
        &mut self,
        txn: &str,
        (kind, category, source): (&str, &str, &str),
        (amount, fee): (i64, i64),
        at: Timestamp,
    ) {
        let counterpart = kind.starts_with("transfer").then(|| "acct_1".into());
        let record = TransactionRecord {
            txn: txn.into(),
            account: None,
            kind: kind.to_owned(),
            category: category.to_owned(),
            source: Some(source.to_owned()),
            counterpart,
            currency: Currency::USD,
            amount,
            fee,
            net: amount - fee,
            fee_details: Vec::new(),
            exchange_rate: None,
            available_on: at.plus_days(2),
            occurred_at: at,
            provenance: Provenance::Fetched,
        };
        let event = BalanceTransactionEvent::Recorded { record, at };
        self.tell(txn, at, Fact::BalanceTransaction(event));
    }

    fn credited(&mut self, seller: SellerId, line: u16, amount: i64, at: Timestamp) {
        self.seller(
            seller,
            at,
            SellerAccountEvent::Credited {
                seller,
                claim: Claim::of_line(order(), LineNo(line)),
                currency: Currency::USD,
                amount,
                organizer: organizer(),
                order: Some(order()),
                line: Some(LineNo(line)),
                product: "mug".to_owned(),
                occurred_at: day(0),
                at,
            },
        );
    }
}

/// The whole month.
pub(super) fn a_month() -> Vec<Told> {
    the_story_of_a_month().told
}

/// The same, to go on telling.
pub(super) fn the_story_of_a_month() -> Story {
    let mut story = Story::default();
    opening(&mut story);
    an_order_is_paid(&mut story);
    a_seller_is_paid_out(&mut story);
    a_line_is_refunded(&mut story);
    a_dispute_is_lost_in_part(&mut story);
    money_nobody_ordered(&mut story);
    super::memberships::sold_and_taken_back(&mut story);
    story
}

/// The month up to the first event of this type, that event included.
pub(super) fn until(event_type: &str) -> Vec<Told> {
    let mut month = a_month();
    let place = month.iter().position(|told| &*told.recorded.event_type == event_type).unwrap();
    month.truncate(place + 1);
    month
}

fn opening(story: &mut Story) {
    let at = day(0);
    let tenant_event = |event| Fact::Tenant(event);
    story.tell(
        tenant(),
        at,
        tenant_event(TenantEvent::Provisioned {
            tenant: tenant(),
            name: "Acorn Fair".to_owned(),
            mode: Mode::Sandbox,
            at,
        }),
    );
    let zone = TenantEvent::TimeZoneSet { time_zone: "Europe/Berlin".to_owned(), at };
    story.tell(tenant(), at, tenant_event(zone));
    story.tell(
        key(),
        at,
        Fact::ApiKey(ApiKeyEvent::Issued {
            key: key(),
            name: "till".to_owned(),
            prefix: "dbk_sandbox_ab".to_owned(),
            hash: "00".repeat(32),
            role: Role::FinanceOps,
            scopes: vec!["orders:write".to_owned()],
            seller: None,
            mode: Mode::Sandbox,
            rate_per_minute: 600,
            expires_at: None,
            at,
        }),
    );
    story.tell(
        key(),
        at,
        Fact::ApiKey(ApiKeyEvent::Rotated {
            key: key(),
            prefix: "dbk_sandbox_cd".to_owned(),
            hash: "11".repeat(32),
            old_valid_until: day(1),
            at,
        }),
    );
    story.seller(
        potter(),
        at,
        SellerAccountEvent::Registered {
            seller: potter(),
            reference: "potter-7".to_owned(),
            subject: SubjectRef::derived(&["potter"]),
            name: sealed(),
            organizer: organizer(),
            at,
        },
    );
    let account = || "acct_1".into();
    story.seller(potter(), at, SellerAccountEvent::OnboardingStarted { account: account(), at });
    story.seller(
        potter(),
        at,
        SellerAccountEvent::StatusMerged {
            account: account(),
            flags: AccountFlags { payouts_enabled: true, ..AccountFlags::default() },
            rank: rank(0),
            source: StatusSource::Account,
            at,
        },
    );
    story.seller(potter(), at, SellerAccountEvent::BecameReady { at });
    story.seller(
        potter(),
        at,
        SellerAccountEvent::PayoutScheduleSet {
            schedule: PayoutSchedule {
                automatic_bank: false,
                interval: PayoutInterval::Daily,
                minimum: 100,
                delay_days: None,
                reserve_bps: None,
                payout_after: None,
            },
            version: 1,
            next_due: Some(day(1)),
            at,
        },
    );
}

fn line(number: u16, seller: SellerId, list: i64, components: Components) -> Line {
    let total = components.cash();
    Line {
        line: LineNo(number),
        listing: "mug".to_owned(),
        title: "A mug".to_owned(),
        seller,
        organizer: organizer(),
        quantity: 2,
        unit_price: list / 2,
        shippable: components.shipping > 0,
        taxable: true,
        fee_bps: Rate::try_from_bps(1000).unwrap(),
        amounts: LineAmounts {
            list,
            discount: components.discount,
            item: list - components.discount,
            shipping: components.shipping,
            tax: components.tax,
            fee: components.fee,
            seller_net: components.seller_part(),
            total,
        },
    }
}

fn an_order_is_paid(story: &mut Story) {
    let at = day(0);
    let (first, second) = (line(0, potter(), 6000, POTTER), line(1, weaver(), 4000, WEAVER));
    let total = POTTER.cash() + WEAVER.cash();
    story.order(
        at,
        OrderEvent::Placed {
            order: order(),
            reference: Some("A-1".to_owned()),
            buyer: Buyer::Guest {
                subject: SubjectRef::derived(&["buyer"]),
                email: sealed(),
                token_hash: "22".repeat(32),
            },
            currency: Currency::USD,
            origin: Origin::Cart,
            lines: vec![first, second],
            discount: None,
            tax_jurisdiction: "US-CA".to_owned(),
            ship_to: None,
            totals: Totals {
                goods: 10_000,
                discount: 1000,
                shipping: 500,
                tax: 825,
                total,
                fee: 1000,
                seller_net: 9500,
            },
            policy: CommercePolicy::default(),
            expires_at: at.plus_seconds(3600),
            at,
        },
    );
    story.payment(
        payment(),
        at,
        PaymentEvent::Requested {
            payment: payment(),
            order: order(),
            amount: usd(total),
            transfer_group: order().to_string(),
            success_url: "https://shop.example/thanks".to_owned(),
            cancel_url: "https://shop.example/cart".to_owned(),
            expires_at: at.plus_seconds(3600),
            idempotency_key: "db:session".to_owned(),
            at,
        },
    );
    story.payment(
        payment(),
        at,
        PaymentEvent::SessionOpened {
            session: "cs_1".into(),
            url: Some("https://pay.example/cs_1".to_owned()),
            expires_at: at.plus_seconds(3600),
            order: Some(order()),
            at,
        },
    );
    story.webhook(
        at,
        WebhookEventEvent::Received {
            event: "evt_1".into(),
            kind: "charge.succeeded".to_owned(),
            account: None,
            livemode: Some(false),
            api_version: None,
            created: Some(at),
            endpoint: Endpoint::Platform,
            backfilled: false,
            body: sealed(),
            body_sha256: "33".repeat(32),
            at,
        },
    );
    story.webhook(at, WebhookEventEvent::Parked { by: "ch_1".to_owned(), at });
    story
        .webhook(at, WebhookEventEvent::Applied { commands: vec!["payment.merge".to_owned()], at });
    story.payment(
        payment(),
        at,
        PaymentEvent::Captured {
            charge: "ch_1".into(),
            intent: Some("pi_1".into()),
            amount: usd(total),
            order: Some(order()),
            occurred_at: at,
            at,
        },
    );
    story.order(
        at,
        OrderEvent::Paid {
            payment: payment(),
            charge: "ch_1".into(),
            currency: Currency::USD,
            amount: total,
            tax_jurisdiction: "US-CA".to_owned(),
            lines: vec![share(0, potter(), POTTER), share(1, weaver(), WEAVER)],
            assume_funds_at: None,
            occurred_at: at,
            at,
        },
    );
    let ship_by = Some(at.plus_days(14));
    story.order(at, OrderEvent::Confirmed { free: false, ship_by, complete_at: None, at });
    story.credited(potter(), 0, POTTER.seller_part(), at);
    story.credited(weaver(), 1, WEAVER.seller_part(), at);
    story.transaction("txn_1", ("charge", "charge", "ch_1"), (total, 329), at);
    story.payment(
        payment(),
        at,
        PaymentEvent::FeeRecorded {
            charge: "ch_1".into(),
            txn: "txn_1".into(),
            fee: usd(329),
            net: usd(total - 329),
            available_on: at.plus_days(2),
            exchange_rate: None,
            order: Some(order()),
            at,
        },
    );
}

fn a_seller_is_paid_out(story: &mut Story) {
    let at = day(7);
    story.order(
        at,
        OrderEvent::PayabilitySet {
            lines: vec![(LineNo(0), potter())],
            payable_at: at,
            reserve_bps: Rate::try_from_bps(1000).unwrap(),
            reserve_days: 90,
            at,
        },
    );
    let claim = Claim::of_line(order(), LineNo(0));
    story.seller(
        potter(),
        at,
        SellerAccountEvent::Released {
            seller: potter(),
            claim,
            currency: Currency::USD,
            amount: 5900,
            netted: 0,
            reserved: 590,
            available: 5310,
            reserve_until: Some(day(97)),
            at,
        },
    );
    story.seller(
        potter(),
        at,
        SellerAccountEvent::PayoutReserved {
            seller: potter(),
            account: "acct_1".into(),
            payout: payout(),
            currency: Currency::USD,
            amount: 5000,
            minimum: 100,
            by_schedule: true,
            automatic_bank: false,
            requested_by: Person::from("schedule"),
            at,
        },
    );
    story.payout(
        at,
        PayoutEvent::Requested {
            payout: payout(),
            seller: potter(),
            account: "acct_1".into(),
            currency: Currency::USD,
            amount: Some(5000),
            minimum: 100,
            by_schedule: true,
            automatic_bank: false,
            requested_by: Person::from("schedule"),
            at,
        },
    );
    story.payout(
        at,
        PayoutEvent::TransferSubmitted {
            payout: payout(),
            account: "acct_1".into(),
            amount: usd(5000),
            idempotency_key: "db:transfer".to_owned(),
            at,
        },
    );
    story.payout(at, PayoutEvent::TransferUnknown { at });
    story.payout(
        at,
        PayoutEvent::TransferCreated {
            automatic_bank: false,
            payout: payout(),
            seller: Some(potter()),
            account: "acct_1".into(),
            transfer: "tr_1".into(),
            txn: Some("txn_2".into()),
            amount: usd(5000),
            occurred_at: at,
            at,
        },
    );
    story.seller(
        potter(),
        at,
        SellerAccountEvent::PayoutSettled {
            seller: potter(),
            payout: payout(),
            claim: Claim::of_payout(payout()),
            currency: Currency::USD,
            amount: 5000,
            organizer: organizer(),
            at,
        },
    );
    story.transaction("txn_2", ("transfer", "transfer", "tr_1"), (-5000, 0), at);
}

fn a_line_is_refunded(story: &mut Story) {
    let at = day(8);
    let source = RefundSource::OrderLine {
        order: order(),
        share: share(1, weaver(), WEAVER),
        tax_jurisdiction: "US-CA".to_owned(),
        commission_retained: false,
        policy_version: None,
    };
    let amount = WEAVER.cash();
    story.order(
        at,
        OrderEvent::RefundReserved {
            refund: refund(),
            payment: payment(),
            charge: "ch_1".into(),
            currency: Currency::USD,
            tax_jurisdiction: "US-CA".to_owned(),
            share: share(1, weaver(), WEAVER),
            amount,
            commission_retained: false,
            reason: "broken".to_owned(),
            requested_by: Person::from("buyer"),
            approved: false,
            policy_version: 1,
            decision_hours: 72,
            second_person_above: 0,
            at,
        },
    );
    story.refund(
        at,
        RefundEvent::Requested {
            refund: refund(),
            source: source.clone(),
            payment: payment(),
            charge: "ch_1".into(),
            amount: usd(amount),
            reason: "broken".to_owned(),
            requested_by: Person::from("buyer"),
            decide_by: day(11),
            second_person_above: 0,
            at,
        },
    );
    story.refund(
        at,
        RefundEvent::Approved {
            refund: refund(),
            source,
            charge: "ch_1".into(),
            amount: usd(amount),
            how: ApprovedHow::Decided,
            by: Person::from("robin"),
            at,
        },
    );
    story.seller(
        weaver(),
        at,
        SellerAccountEvent::Debited {
            seller: weaver(),
            claim: Claim::of_refund(refund(), weaver()),
            currency: Currency::USD,
            amount: 3600,
            reason: DebitReason::Refund,
            organizer: organizer(),
            order: Some(order()),
            split: Split {
                pending: vec![(Claim::of_line(order(), LineNo(1)), 3600)],
                ..Split::default()
            },
            occurred_at: at,
            at,
        },
    );
    let idempotency_key = "db:refund".to_owned();
    story.refund(at, RefundEvent::Submitted { attempt: 1, idempotency_key, at });
    let stripe_refund = || "re_1".into();
    story.refund(
        at,
        RefundEvent::Accepted {
            refund: refund(),
            stripe_refund: stripe_refund(),
            amount: usd(amount),
            at,
        },
    );
    let txn = "txn_3".into();
    let stripe = stripe_refund();
    story.refund(at, RefundEvent::Debited { stripe_refund: stripe, txn, amount: usd(amount), at });
    story.transaction("txn_3", ("refund", "refund", "re_1"), (-amount, 0), at);
    let order_of = Some(order());
    story.refund(at, RefundEvent::Succeeded { order: order_of, occurred_at: at, at });
    story.order(at, OrderEvent::RefundSettled { refund: refund(), complete_at: None, at });
}

/// Stripe waits for an answer to the dispute.
fn dispute_waits(due_by: Option<Timestamp>, amount: Option<Money>) -> DisputeEvent {
    DisputeEvent::StatusChanged {
        from: "unknown".to_owned(),
        to: "needs_response".to_owned(),
        due_by,
        amount,
        rank: FactRank { class: 2, created: 1, event: "evt_1".into() },
        at: day(9),
    }
}

/// The month until its dispute is answered, and then Stripe waits for another answer.
pub(super) fn answered_and_asked_again() -> Vec<Told> {
    let mut story = Story { told: until("dispute.evidence_submitted"), ..Story::default() };
    story.dispute(day(9), dispute_waits(Some(day(18)), Some(usd(POTTER.cash()))));
    story.told
}

fn a_dispute_is_lost_in_part(story: &mut Story) {
    let at = day(9);
    let amount = POTTER.cash();
    story.dispute(
        at,
        DisputeEvent::Opened {
            dispute: dispute(),
            stripe_dispute: "dp_1".into(),
            charge: "ch_1".into(),
            payment: payment(),
            amount: usd(amount),
            reason: "product_not_received".to_owned(),
            network: Some("visa".to_owned()),
            inquiry: false,
            due_by: Some(day(16)),
            charge_refundable: false,
            occurred_at: at,
            at,
        },
    );
    story.dispute(at, dispute_waits(Some(day(17)), None));
    story.dispute(
        at,
        DisputeEvent::FundsWithdrawn {
            dispute: dispute(),
            stripe_dispute: "dp_1".into(),
            txn: "txn_4".into(),
            amount: usd(amount),
            fee: 1500,
            occurred_at: at,
            at,
        },
    );
    story.transaction("txn_4", ("adjustment", "dispute", "dp_1"), (-amount, 1500), at);
    story.order(
        at,
        OrderEvent::DisputeApplied {
            dispute: dispute(),
            currency: Currency::USD,
            amount,
            shares: vec![share(0, potter(), POTTER)],
            overlap: 0,
            excess: 0,
            on_sellers: true,
            fee_on_sellers: false,
            inquiry: false,
            at,
        },
    );
    let claim: ClaimRef = Claim::of_dispute(dispute(), potter());
    story.seller(
        potter(),
        at,
        SellerAccountEvent::DisputeHeld {
            seller: potter(),
            claim: claim.clone(),
            currency: Currency::USD,
            amount: 5900,
            organizer: organizer(),
            order: Some(order()),
            split: Split {
                available: 310,
                reserve: vec![(Claim::of_line(order(), LineNo(0)), 590)],
                receivable: 5000,
                ..Split::default()
            },
            at,
        },
    );
    story.dispute(
        at,
        DisputeEvent::EvidenceSubmitted {
            stripe_dispute: "dp_1".into(),
            fields: [("receipt".to_owned(), "file_1".to_owned())].into(),
            idempotency_key: "db:evidence".to_owned(),
            by: Person::from("robin"),
            at,
        },
    );
    let idempotency_key = "db:evidence".to_owned();
    story.dispute(at, DisputeEvent::CallConfirmed { idempotency_key, at });
    the_dispute_ends(story, &claim);
}

fn the_dispute_ends(story: &mut Story, claim: &ClaimRef) {
    let at = day(20);
    let back = POTTER.cash() - LOST.cash();
    story.dispute(
        at,
        DisputeEvent::FundsReinstated {
            dispute: dispute(),
            stripe_dispute: "dp_1".into(),
            payment: payment(),
            txn: "txn_5".into(),
            amount: usd(back),
            fee_returned: 0,
            after_close: false,
            occurred_at: at,
            at,
        },
    );
    story.transaction("txn_5", ("adjustment", "dispute_reversal", "dp_1"), (back, 0), at);
    story.dispute(
        at,
        DisputeEvent::Closed {
            dispute: dispute(),
            stripe_dispute: "dp_1".into(),
            payment: payment(),
            outcome: DisputeOutcome::Lost,
            withdrawn: usd(POTTER.cash()),
            reinstated: usd(back),
            partial: true,
            occurred_at: at,
            at,
        },
    );
    story.order(
        at,
        OrderEvent::DisputeConcluded {
            dispute: dispute(),
            stripe_dispute: "dp_1".into(),
            currency: Currency::USD,
            tax_jurisdiction: "US-CA".to_owned(),
            shares: vec![DisputeShare { lost: share(0, potter(), LOST), held: POTTER }],
            on_sellers: true,
            policy_version: Some(1),
            fee_on_sellers: false,
            overlap_lost: 0,
            excess: 0,
            occurred_at: at,
            at,
        },
    );
    let lost = LOST.seller_part();
    story.seller(
        potter(),
        at,
        SellerAccountEvent::DisputeHoldConsumed {
            seller: potter(),
            claim: claim.clone(),
            currency: Currency::USD,
            amount: lost,
            organizer: organizer(),
            order: Some(order()),
            occurred_at: at,
            at,
        },
    );
    story.seller(
        potter(),
        at,
        SellerAccountEvent::DisputeHoldReleased {
            seller: potter(),
            claim: claim.clone(),
            currency: Currency::USD,
            amount: 5900 - lost,
            receivable: 5900 - lost,
            available: 0,
            at,
        },
    );
}

fn money_nobody_ordered(story: &mut Story) {
    let at = day(21);
    story.payment(
        stray(),
        at,
        PaymentEvent::Captured {
            charge: "ch_2".into(),
            intent: None,
            amount: usd(700),
            order: None,
            occurred_at: at,
            at,
        },
    );
    story.payment(
        stray(),
        at,
        PaymentEvent::SetAside {
            charge: "ch_2".into(),
            amount: usd(700),
            reason: SetAsideReason::Unattributed,
            occurred_at: at,
            at,
        },
    );
    story.transaction("txn_6", ("charge", "charge", "ch_2"), (700, 50), at);
    let strange = RefundId::derived(&["strange"]);
    let observed = RefundEvent::ExternalObserved {
        refund: strange,
        stripe_refund: "re_2".into(),
        payment: stray(),
        charge: "ch_2".into(),
        amount: usd(700),
        occurred_at: at,
        at,
    };
    story.tell(strange, at, Fact::Refund(observed));
    story.payment(
        stray(),
        at,
        PaymentEvent::RefundRouted {
            refund: strange,
            stripe_refund: "re_2".into(),
            charge: "ch_2".into(),
            amount: usd(700),
            to: Destination::Unallocated,
            occurred_at: at,
            at,
        },
    );
    story.transaction("txn_7", ("refund", "refund", "re_2"), (-700, 0), at);
}

//! A small market that does anything: what happens next is drawn from a seed.
//!
//! The market knows the truth about Stripe: what it has charged, refunded and paid out. What it says
//! of that waits in a pile and is delivered in any order, some of it twice.

use aggregates::{
    balance_transaction::{BalanceTransactionCommand, FeeDetail, Provenance, TransactionRecord},
    dispute::commands::{DisputeCommand, DisputeFact, DisputeMovement},
    fact::Fact,
    order::{
        commands::{OrderCommand, PlaceOrder, PricedLine},
        events::{Buyer, Discount, LineAmounts, OrderEvent, Origin, Totals},
    },
    payment::{
        commands::{PaymentCommand, PaymentFact, PaymentFactKind},
        events::{AttributedShare, FactObject, LinkedVia, PaymentEvent},
    },
    payout::{
        commands::{PayoutCommand, PayoutFact, ReversalFact, TransferFact},
        events::PayoutEvent,
    },
    policies::Command,
    refund::{
        commands::{RefundCommand, RefundFact},
        events::RefundEvent,
    },
    seller_account::{commands::SellerAccountCommand, events::AccountFlags},
    topup::commands::TopupCommand,
    vocabulary::{
        AccountRef, CommercePolicy, DisputeBearer, FactRank, FundedBy, LineNo, Person,
        RefundGranularity, StripeRefundRef, TxnRef,
    },
};
use kernel::{
    Currency, DisputeId, KeyRef, Money, OrderId, PaymentId, PayoutId, Rate, RefundId, Sealed,
    SellerId, SubjectRef, allocate,
};

use super::world::World;

/// Numbers from a seed (splitmix64): the same life again for the same seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// From 0 to one less than `sides`.
    pub(super) fn below(&mut self, sides: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        i64::try_from(z >> 1).unwrap() % sides.max(1)
    }

    pub(super) fn percent(&mut self, chance: i64) -> bool {
        self.below(100) < chance
    }

    fn place(&mut self, count: usize) -> usize {
        usize::try_from(self.below(i64::try_from(count).unwrap())).unwrap()
    }
}

/// A charge at Stripe and what has become of it there.
#[derive(Debug, Clone)]
pub(super) struct Sale {
    pub(super) order: OrderId,
    pub(super) payment: PaymentId,
    pub(super) charge: String,
    pub(super) amount: Money,
    pub(super) settles_in: Currency,
    /// Stripe's own count, the buyer's minor units.
    refunded: i64,
    disputed: bool,
    lines: u16,
}

impl Sale {
    /// What Stripe's balance moves for this much of the buyer's money.
    fn settled(&self, minor: i64, rate: i64) -> Money {
        let same = self.settles_in == self.amount.currency();
        Money::new(if same { minor } else { minor * rate / 100 }, self.settles_in)
    }
}

#[derive(Debug)]
pub(super) struct Market {
    pub(super) world: World,
    pub(super) dice: Dice,
    /// What Stripe has to say and nobody has heard.
    pub(super) pile: Vec<Command>,
    pub(super) sales: Vec<Sale>,
    /// Nothing happens that is decided by what comes first, as which of two charges pays.
    at_stripe: bool,
    heard: usize,
    calls: Vec<Call>,
    count: u32,
}

/// A call to Stripe that waits for its answer.
#[derive(Debug, Clone)]
enum Call {
    Refund(RefundId, u32),
    Transfer(PayoutId, AccountRef, Money),
    Bank(PayoutId, AccountRef, Money),
    Reversal(PayoutId, AccountRef, String, Money),
}

const SELLERS: [&str; 3] = ["anna", "bruno", "carla"];

fn seller(at: usize) -> SellerId {
    SellerId::derived(&[SELLERS[at % SELLERS.len()]])
}

fn account(at: usize) -> AccountRef {
    format!("acct_{}", SELLERS[at % SELLERS.len()]).into()
}

fn person(name: &str) -> Person {
    Person::from(name)
}

impl Market {
    /// Three sellers who can be paid.
    pub(super) fn open(seed: u64) -> Self {
        let mut market = Self {
            world: World::new(),
            dice: Dice::new(seed),
            pile: Vec::new(),
            sales: Vec::new(),
            at_stripe: false,
            heard: 0,
            calls: Vec::new(),
            count: 0,
        };
        for (at, name) in SELLERS.into_iter().enumerate() {
            let mut tell = |command| market.world.send(Command::SellerAccount(seller(at), command));
            tell(SellerAccountCommand::Register {
                seller: seller(at),
                reference: name.to_owned(),
                subject: SubjectRef::derived(&[name]),
                name: Sealed {
                    v: 1,
                    key: KeyRef("subject".to_owned()),
                    nonce: "AAAAAAAAAAAAAAAA".to_owned(),
                    ciphertext: "bmFtZQ==".to_owned(),
                },
                organizer: (at == 0).then(|| "spring-fair".into()),
            });
            tell(SellerAccountCommand::StartOnboarding { account: account(at) });
            tell(SellerAccountCommand::MergeStatus {
                account: account(at),
                flags: AccountFlags {
                    details_submitted: true,
                    charges_enabled: true,
                    payouts_enabled: true,
                    transfers_active: true,
                    ..AccountFlags::default()
                },
                rank: FactRank { class: 0, created: 1, event: "evt_ready".into() },
            });
        }
        market
    }

    pub(super) fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    fn rank(&mut self, class: u8) -> FactRank {
        let created = i64::from(self.next());
        FactRank { class, created, event: format!("evt_{created}").into() }
    }

    /// Something happens.
    pub(super) fn step(&mut self) {
        match self.dice.below(100) {
            0..14 => self.sell(),
            14..44 => self.deliver_one(),
            44..56 => self.answer_one(),
            56..66 => self.ask_for_a_refund(),
            66..70 => self.refund_at_stripe(),
            70..76 => self.dispute(),
            76..84 => self.world.wait(self.dice.below(6 * 86_400)),
            84..90 => self.pay_out(),
            90..92 => self.take_back_a_transfer(),
            92..95 => self.decide_over_what_is_set_aside(),
            95..97 => self.move_stripes_own(),
            97 => self.reverse_a_capture(),
            98 => self.write_off(),
            _ => self.platform_payout(),
        }
        self.listen();
    }

    /// Only what Stripe does by itself, nothing of which anybody here decides: at most one thing
    /// befalls each charge, because what is left for the second depends on the first.
    pub(super) fn happen_at_stripe(&mut self) {
        self.at_stripe = true;
        for _ in 0..3 {
            let before = self.sales.len();
            self.sell();
            let charged = self.sales.split_off(before);
            let untouched = std::mem::replace(&mut self.sales, charged);
            match self.dice.below(5) {
                0 => self.refund_at_stripe(),
                1 | 2 => self.dispute(),
                3 => self.reverse_a_capture(),
                _ => {}
            }
            let charged = std::mem::replace(&mut self.sales, untouched);
            self.sales.extend(charged);
        }
        self.move_stripes_own();
        self.platform_payout();
    }

    /// Everything that is under way arrives.
    pub(super) fn settle(&mut self) {
        for _ in 0..4 {
            while !self.pile.is_empty() || !self.calls.is_empty() {
                self.listen();
                if self.pile.is_empty() { self.answer_one() } else { self.deliver_one() }
            }
            self.world.wait(60 * 86_400);
            self.listen();
        }
    }

    fn deliver_one(&mut self) {
        if self.pile.is_empty() {
            return;
        }
        let at = self.dice.place(self.pile.len());
        let command = self.pile.swap_remove(at);
        if self.dice.percent(10) {
            self.pile.push(command.clone());
        }
        self.world.send(command);
        self.listen();
    }

    /// Our own calls to Stripe are driven by events.
    fn listen(&mut self) {
        while let Some(told) = self.world.told.get(self.heard) {
            self.heard += 1;
            let id = told.recorded.stream.id.to_string();
            match &told.fact {
                Fact::Refund(RefundEvent::Approved { refund, .. }) => {
                    self.calls.push(Call::Refund(*refund, 1));
                }
                Fact::Refund(RefundEvent::Retried { attempt, .. }) => {
                    self.calls.push(Call::Refund(id.parse().unwrap(), *attempt));
                }
                Fact::Payout(PayoutEvent::TransferSubmitted {
                    payout, account, amount, ..
                }) => {
                    self.calls.push(Call::Transfer(*payout, account.clone(), *amount));
                }
                Fact::Payout(PayoutEvent::BankSubmitted { account, amount, .. }) => {
                    let payout = id.parse().unwrap();
                    self.calls.push(Call::Bank(payout, account.clone(), *amount));
                }
                Fact::Payout(PayoutEvent::ReversalSubmitted { transfer, amount, .. }) => {
                    let payout = id.parse().unwrap();
                    let account = self.account_of(payout);
                    let transfer = transfer.0.clone();
                    self.calls.push(Call::Reversal(payout, account, transfer, *amount));
                }
                _ => {}
            }
        }
    }

    fn account_of(&self, payout: PayoutId) -> AccountRef {
        let mut accounts = self.world.told.iter().filter_map(|told| match &told.fact {
            Fact::Payout(PayoutEvent::TransferCreated { payout: known, account, .. })
                if *known == payout =>
            {
                Some(account.clone())
            }
            _ => None,
        });
        accounts.next_back().unwrap_or_else(|| account(0))
    }

    // ------------------------------------------------------------------------------- selling

    pub(super) fn sell(&mut self) {
        let number = self.next();
        let currency = if self.dice.percent(50) { Currency::EUR } else { Currency::USD };
        let settles_in = if self.dice.percent(40) { Currency::USD } else { currency };
        let order = OrderId::derived(&[&number.to_string()]);
        let placed = self.priced(order, currency);
        let amount = Money::new(placed.claimed.total, currency);
        let lines = u16::try_from(placed.lines.len()).unwrap();
        self.world.send(Command::Order(order, OrderCommand::Place(Box::new(placed))));
        if !amount.is_positive() {
            return;
        }
        let sale = Sale {
            order,
            payment: PaymentId::derived(&[&number.to_string()]),
            charge: format!("ch_{number}"),
            amount,
            settles_in,
            refunded: 0,
            disputed: false,
            lines,
        };
        // Most money is what was asked for; some is not, some comes twice, some names no order.
        let named = self.dice.percent(90);
        let other = self.dice.percent(5);
        let paid = if other { Money::new(amount.minor() + 7, currency) } else { amount };
        self.charge(Sale { amount: paid, ..sale.clone() }, named);
        if self.dice.percent(5) && !self.at_stripe {
            let charge = format!("ch_{number}_again");
            self.charge(Sale { charge, ..sale }, named);
        }
    }

    pub(super) fn charge(&mut self, sale: Sale, named: bool) {
        let rank = self.rank(2);
        self.pile.push(Command::Payment(
            sale.payment,
            PaymentCommand::MergeFact {
                payment: sale.payment,
                fact: Box::new(PaymentFact {
                    object: FactObject::Charge,
                    id: sale.charge.clone(),
                    rank,
                    kind: PaymentFactKind::Succeeded {
                        charge: Some(sale.charge.as_str().into()),
                        intent: Some(format!("pi_{}", sale.charge).into()),
                        amount: sale.amount,
                    },
                    order: named.then_some((sale.order, LinkedVia::Metadata)),
                    occurred_at: self.world.now,
                }),
            },
        ));
        let settled = sale.settled(sale.amount.minor(), 108);
        let fee = 30 + settled.minor() * 29 / 1000;
        self.transaction("charge", "charge", &sale.charge, settled, fee);
        self.sales.push(sale);
    }

    fn priced(&mut self, order: OrderId, currency: Currency) -> PlaceOrder {
        let count = 1 + self.dice.below(4);
        let lines: Vec<PricedLine> = (0..count)
            .map(|at| PricedLine {
                listing: format!("thing-{at}"),
                title: "A thing".to_owned(),
                seller: seller(self.dice.place(SELLERS.len())),
                seller_ready: true,
                organizer: self.dice.percent(30).then(|| "autumn-fair".into()),
                quantity: u32::try_from(1 + self.dice.below(3)).unwrap(),
                unit_price: 1 + self.dice.below(9000),
                shippable: true,
                taxable: true,
                fee_bps: Rate::try_from_bps(u16::try_from(self.dice.below(3000)).unwrap()).unwrap(),
                claimed: LineAmounts::default(),
            })
            .collect();
        let goods: i64 = lines.iter().map(|line| line.unit_price * i64::from(line.quantity)).sum();
        let discount = self.dice.percent(50).then(|| Discount {
            amount: self.dice.below(goods / 2 + 1),
            funded_by: if self.dice.percent(50) { FundedBy::Platform } else { FundedBy::Seller },
            code: None,
        });
        let policy = CommercePolicy {
            refund_granularity: RefundGranularity::Partial,
            commission_returned: self.dice.percent(60),
            disputes_borne_by: if self.dice.percent(75) {
                DisputeBearer::Sellers
            } else {
                DisputeBearer::Platform
            },
            dispute_fee_on_sellers: self.dice.percent(40),
            reserve_bps: u16::try_from(self.dice.below(3) * 1000).unwrap(),
            reserve_days: 20,
            delay_days: u32::try_from(self.dice.below(5)).unwrap(),
            accept_late_payments: self.dice.percent(50),
            refund_window_days: 3000,
            ..CommercePolicy::default()
        };
        let placed = PlaceOrder {
            order,
            reference: None,
            buyer: Buyer::Registered(SubjectRef::derived(&["buyer"])),
            currency,
            origin: Origin::Cart,
            lines,
            discount,
            shipping: self.dice.below(900),
            tax: self.dice.below(1500),
            tax_jurisdiction: if self.dice.percent(50) { "DE" } else { "US-CA" }.to_owned(),
            ship_to: Some(SubjectRef::derived(&["buyer"])),
            claimed: Totals::default(),
            policy,
            pay_by: None,
        };
        as_a_storefront_claims(placed)
    }

    // --------------------------------------------------------------- what Stripe moves and says

    pub(super) fn transaction(
        &mut self,
        kind: &str,
        category: &str,
        source: &str,
        amount: Money,
        fee: i64,
    ) -> TxnRef {
        self.transaction_of(None, None, (kind, category, source), amount, fee)
    }

    fn transaction_of(
        &mut self,
        account: Option<AccountRef>,
        counterpart: Option<AccountRef>,
        (kind, category, source): (&str, &str, &str),
        amount: Money,
        fee: i64,
    ) -> TxnRef {
        let txn = TxnRef(format!("txn_{}", self.next()));
        let tax = if fee > 100 && self.dice.percent(30) { fee / 10 } else { 0 };
        let record = TransactionRecord {
            txn: txn.clone(),
            account,
            kind: kind.to_owned(),
            category: category.to_owned(),
            source: Some(source.to_owned()),
            counterpart,
            currency: amount.currency(),
            amount: amount.minor(),
            fee,
            net: amount.minor() - fee,
            fee_details: vec![FeeDetail { kind: "tax".to_owned(), amount: tax }],
            exchange_rate: None,
            available_on: self.world.now.plus_days(2),
            occurred_at: self.world.now,
            provenance: Provenance::Fetched,
        };
        let command = BalanceTransactionCommand::Record(Box::new(record));
        self.pile.push(Command::BalanceTransaction(txn.clone(), command));
        txn
    }

    fn a_sale(&mut self) -> Option<Sale> {
        if self.sales.is_empty() {
            return None;
        }
        let at = self.dice.place(self.sales.len());
        Some(self.sales[at].clone())
    }

    fn change(&mut self, charge: &str, change: impl FnOnce(&mut Sale)) {
        if let Some(sale) = self.sales.iter_mut().find(|sale| sale.charge == charge) {
            change(sale);
        }
    }

    fn is_paid(&self, order: OrderId) -> bool {
        self.world.told.iter().any(|told| {
            matches!(&told.fact, Fact::Order(OrderEvent::Paid { .. }))
                && told.recorded.stream.id.parse() == Ok(order)
        })
    }

    // -------------------------------------------------------------------------------- refunds

    fn ask_for_a_refund(&mut self) {
        let Some(sale) = self.a_sale() else { return };
        if sale.disputed || !self.is_paid(sale.order) || sale.refunded > 0 {
            return;
        }
        let number = self.next();
        let line = LineNo(u16::try_from(self.dice.below(i64::from(sale.lines))).unwrap());
        let part = Money::new(1 + self.dice.below(2000), sale.amount.currency());
        let amount = self.dice.percent(70).then_some(part);
        self.world.send(Command::Order(
            sale.order,
            OrderCommand::ReserveRefund {
                refund: RefundId::derived(&[&number.to_string()]),
                line,
                amount,
                reason: "did not fit".to_owned(),
                by: person("staff"),
                approved: true,
                despite_inquiry: false,
            },
        ));
    }

    fn stripe_refund(
        &mut self,
        refund: RefundId,
        name: &str,
        (amount, sale): (Money, &Sale),
        external: bool,
    ) {
        let stripe_refund = StripeRefundRef(name.to_owned());
        let out = sale.settled(-amount.minor(), 107);
        let debit = self.transaction("refund", "refund", name, out, 0);
        let fails = self.dice.percent(15);
        let back = fails.then(|| {
            let back = Money::new(-out.minor(), out.currency());
            self.transaction("refund_failure", "refund_failure", name, back, 0)
        });
        let mut fact = RefundFact {
            stripe_refund,
            rank: self.rank(0),
            status: "pending".to_owned(),
            reason: None,
            amount,
            balance_transaction: Some(debit),
            failure_balance_transaction: None,
            occurred_at: self.world.now,
        };
        let (payment, charge) = (sale.payment, sale.charge.as_str().into());
        let tell = |fact: &RefundFact| {
            let fact = Box::new(fact.clone());
            let command = if external {
                RefundCommand::ObserveExternal {
                    refund,
                    payment,
                    charge: Clone::clone(&charge),
                    fact,
                }
            } else {
                RefundCommand::MergeFact(fact)
            };
            Command::Refund(refund, command)
        };
        // Stripe's answer to our own call comes first.
        if external {
            self.pile.push(tell(&fact));
        } else {
            self.world.send(tell(&fact));
        }
        fact.rank = self.rank(if fails { 2 } else { 1 });
        fact.status = if fails { "failed" } else { "succeeded" }.to_owned();
        fact.failure_balance_transaction = back;
        self.pile.push(tell(&fact));
    }

    fn refund_at_stripe(&mut self) {
        let Some(sale) = self.a_sale() else { return };
        let left = sale.amount.minor() - sale.refunded;
        let ours = self.world.told.iter().any(|told| {
            matches!(&told.fact, Fact::Order(OrderEvent::RefundReserved { payment, .. })
                if *payment == sale.payment)
                || matches!(&told.fact, Fact::Payment(PaymentEvent::SetAside { .. })
                    if told.recorded.stream.id.parse() == Ok(sale.payment))
        });
        if left <= 0 || sale.disputed || ours || sale.charge.ends_with("again") {
            return;
        }
        let minor = if self.dice.percent(40) { left } else { 1 + self.dice.below(left) };
        self.change(&sale.charge, |sale| sale.refunded += minor);
        let name = format!("re_{}", self.next());
        let refund = RefundId::derived(&[&name]);
        let amount = Money::new(minor, sale.amount.currency());
        self.stripe_refund(refund, &name, (amount, &sale), true);
    }

    // ------------------------------------------------------------------------------- disputes

    fn dispute(&mut self) {
        let Some(sale) = self.a_sale() else { return };
        if sale.disputed || sale.charge.ends_with("again") {
            return;
        }
        self.change(&sale.charge, |sale| sale.disputed = true);
        let number = self.next();
        let name = format!("dp_{number}");
        let whole = sale.amount.minor();
        let minor = if self.dice.percent(60) { whole } else { 1 + self.dice.below(whole) };
        let amount = Money::new(minor, sale.amount.currency());
        let out = sale.settled(-minor, 109);
        if out.minor() == 0 {
            return;
        }
        let mut movements = vec![self.movement(&name, out, 1500)];
        let mut fact = DisputeFact {
            stripe_dispute: name.as_str().into(),
            charge: sale.charge.as_str().into(),
            rank: self.rank(2),
            status: "needs_response".to_owned(),
            amount,
            reason: "fraudulent".to_owned(),
            network: Some("visa".to_owned()),
            due_by: Some(self.world.now.plus_days(9)),
            charge_refundable: false,
            movements: Vec::new(),
            occurred_at: self.world.now,
        };
        self.tell_dispute(&sale, &fact);
        fact.movements.clone_from(&movements);
        fact.rank = self.rank(2);
        self.tell_dispute(&sale, &fact);
        let lost = self.dice.percent(60);
        let back = if !lost {
            -out.minor()
        } else if self.dice.percent(30) && !self.at_stripe {
            // Split over the lines with the loss, or after it: a matter of what comes first.
            1 + self.dice.below(-out.minor())
        } else {
            0
        };
        let late = self.dice.percent(30);
        if back > 0 && !late {
            movements.push(self.movement(&name, Money::new(back, out.currency()), 0));
        }
        fact.movements.clone_from(&movements);
        fact.status = if lost { "lost" } else { "won" }.to_owned();
        fact.due_by = None;
        fact.rank = self.rank(3);
        self.tell_dispute(&sale, &fact);
        if back > 0 && late {
            movements.push(self.movement(&name, Money::new(back, out.currency()), 0));
            fact.movements = movements;
            fact.rank = self.rank(3);
            self.tell_dispute(&sale, &fact);
        }
    }

    fn movement(&mut self, name: &str, amount: Money, fee: i64) -> DisputeMovement {
        let category = if amount.minor() < 0 { "dispute" } else { "dispute_reversal" };
        let txn = self.transaction("adjustment", category, name, amount, fee);
        DisputeMovement { txn, amount, fee, occurred_at: self.world.now }
    }

    fn tell_dispute(&mut self, sale: &Sale, fact: &DisputeFact) {
        let dispute = DisputeId::derived(&[fact.stripe_dispute.as_str()]);
        self.pile.push(Command::Dispute(
            dispute,
            DisputeCommand::MergeFact {
                dispute,
                payment: sale.payment,
                fact: Box::new(fact.clone()),
            },
        ));
    }

    fn reverse_a_capture(&mut self) {
        let Some(sale) = self.a_sale() else { return };
        if sale.disputed || sale.refunded > 0 || sale.charge.ends_with("again") {
            return;
        }
        // The bank takes back what nobody has refunded or will.
        self.change(&sale.charge, |sale| {
            sale.disputed = true;
            sale.refunded = sale.amount.minor();
        });
        let back = sale.settled(-sale.amount.minor(), 106);
        let kind = "payment_failure_refund";
        let txn = self.transaction(kind, "charge_failure", &sale.charge, back, 0);
        let rank = self.rank(3);
        self.pile.push(Command::Payment(
            sale.payment,
            PaymentCommand::MergeFact {
                payment: sale.payment,
                fact: Box::new(PaymentFact {
                    object: FactObject::Charge,
                    id: sale.charge.clone(),
                    rank,
                    kind: PaymentFactKind::Reversed {
                        charge: sale.charge.as_str().into(),
                        txn,
                        amount: sale.amount,
                    },
                    order: None,
                    occurred_at: self.world.now,
                }),
            },
        ));
    }

    // -------------------------------------------------------------------------------- payouts

    fn pay_out(&mut self) {
        let number = self.next();
        let currency = if self.dice.percent(50) { Currency::EUR } else { Currency::USD };
        self.world.send(Command::SellerAccount(
            seller(self.dice.place(SELLERS.len())),
            SellerAccountCommand::ReserveForPayout {
                payout: PayoutId::derived(&[&number.to_string()]),
                currency,
                amount: None,
                minimum: 1,
                by: person("staff"),
            },
        ));
    }

    fn take_back_a_transfer(&mut self) {
        let transfers: Vec<PayoutId> = self
            .world
            .told
            .iter()
            .filter_map(|told| match &told.fact {
                Fact::Payout(PayoutEvent::TransferCreated { payout, .. }) => Some(*payout),
                _ => None,
            })
            .collect();
        if transfers.is_empty() {
            return;
        }
        let payout = transfers[self.dice.place(transfers.len())];
        let by = person("staff");
        self.world
            .send(Command::Payout(payout, PayoutCommand::ReverseTransfer { amount: None, by }));
    }

    fn answer_one(&mut self) {
        if self.calls.is_empty() {
            return;
        }
        let at = self.dice.place(self.calls.len());
        match self.calls.swap_remove(at) {
            Call::Refund(refund, attempt) => self.answer_refund(refund, attempt),
            Call::Transfer(payout, account, amount) => {
                let transfer = format!("tr_{}", self.next());
                let out = Money::new(-amount.minor(), amount.currency());
                let about = ("transfer", "transfer", transfer.as_str());
                let txn = self.transaction_of(None, Some(account.clone()), about, out, 0);
                let fact = TransferFact {
                    transfer: transfer.as_str().into(),
                    account,
                    amount,
                    txn: Some(txn),
                    occurred_at: self.world.now,
                };
                let command = PayoutCommand::NoteTransfer { payout, seller: None, fact };
                self.pile.push(Command::Payout(payout, command));
            }
            Call::Bank(payout, account, amount) => self.answer_bank(payout, account, amount),
            Call::Reversal(payout, account, transfer, amount) => {
                let reversal = format!("trr_{}", self.next());
                let about = ("transfer_refund", "transfer_reversal", reversal.as_str());
                let txn = self.transaction_of(None, Some(account.clone()), about, amount, 0);
                let fact = ReversalFact {
                    reversal: reversal.as_str().into(),
                    transfer: transfer.into(),
                    account,
                    amount,
                    txn: Some(txn),
                    occurred_at: self.world.now,
                };
                let command = PayoutCommand::NoteReversal { payout, seller: None, fact };
                self.pile.push(Command::Payout(payout, command));
            }
        }
        self.listen();
    }

    fn answer_refund(&mut self, refund: RefundId, attempt: u32) {
        let approved = self.world.told.iter().find_map(|told| match &told.fact {
            Fact::Refund(RefundEvent::Approved { refund: known, charge, amount, .. })
                if *known == refund =>
            {
                Some((charge.0.clone(), *amount))
            }
            _ => None,
        });
        let Some((charge, amount)) = approved else { return };
        let Some(sale) = self.sales.iter().find(|sale| sale.charge == charge).cloned() else {
            return;
        };
        let idempotency_key = format!("db:{refund}:{attempt}");
        let note = RefundCommand::NoteSubmitted { attempt, idempotency_key };
        self.world.send(Command::Refund(refund, note));
        let name = format!("re_{}", self.next());
        self.stripe_refund(refund, &name, (amount, &sale), false);
        // One that failed is tried again, paid otherwise, or forgone by two people.
        let command = match self.dice.below(3) {
            0 => RefundCommand::Retry { by: person("staff") },
            1 => RefundCommand::PayExternally { proof: "cash".to_owned(), by: person("staff") },
            _ => RefundCommand::Forgo { reason: "gone".to_owned(), by: person("staff") },
        };
        self.pile.push(Command::Refund(refund, command));
        let second = RefundCommand::Forgo { reason: "gone".to_owned(), by: person("boss") };
        self.pile.push(Command::Refund(refund, second));
    }

    fn answer_bank(&mut self, payout: PayoutId, account: AccountRef, amount: Money) {
        let name = format!("po_{}", self.next());
        self.bank_payout(payout, Some(account), &name, amount, 25);
    }

    fn bank_payout(
        &mut self,
        payout: PayoutId,
        account: Option<AccountRef>,
        name: &str,
        amount: Money,
        fails: i64,
    ) {
        let out = Money::new(-amount.minor(), amount.currency());
        let txn = self.transaction_of(account.clone(), None, ("payout", "payout", name), out, 0);
        let mut fact = PayoutFact {
            stripe_payout: name.into(),
            account: account.clone(),
            seller: None,
            rank: self.rank(0),
            status: "in_transit".to_owned(),
            amount,
            automatic: false,
            arrival: Some(self.world.now.plus_days(2)),
            balance_transaction: Some(txn),
            failure_balance_transaction: None,
            failure_code: None,
            occurred_at: self.world.now,
        };
        let tell = |fact: &PayoutFact| {
            let fact = Box::new(fact.clone());
            Command::Payout(payout, PayoutCommand::MergeFact { payout, fact })
        };
        self.pile.push(tell(&fact));
        fact.rank = self.rank(1);
        fact.status = "paid".to_owned();
        self.pile.push(tell(&fact));
        if self.dice.percent(fails) {
            let about = ("payout_failure", "payout_reversal", name);
            let back = self.transaction_of(account, None, about, amount, 0);
            fact.rank = self.rank(2);
            fact.status = "failed".to_owned();
            fact.failure_code = Some("account_closed".to_owned());
            fact.failure_balance_transaction = Some(back);
            self.pile.push(tell(&fact));
        } else if account.is_none() {
            let reference = "statement 7".to_owned();
            let command = PayoutCommand::ConfirmBank { reference, by: person("staff") };
            self.pile.push(Command::Payout(payout, command));
        }
    }

    fn platform_payout(&mut self) {
        let name = format!("po_{}", self.next());
        let amount = Money::new(1 + self.dice.below(5000), Currency::USD);
        self.bank_payout(PayoutId::derived(&[&name]), None, &name, amount, 30);
    }

    // ------------------------------------------------------------------------------- the rest

    fn decide_over_what_is_set_aside(&mut self) {
        let Some(sale) = self.a_sale() else { return };
        let set_aside = self.world.told.iter().any(|told| {
            matches!(&told.fact, Fact::Payment(PaymentEvent::SetAside { .. }))
                && told.recorded.stream.id.parse() == Ok(sale.payment)
        });
        if !set_aside || sale.disputed {
            return;
        }
        let reason = "as agreed".to_owned();
        let minor = sale.amount.minor();
        let command = match self.dice.below(3) {
            0 => PaymentCommand::AttributeToOrder { order: sale.order, reason },
            1 => PaymentCommand::AttributeToSellers {
                shares: vec![AttributedShare {
                    seller: seller(0),
                    organizer: "spring-fair".into(),
                    seller_net: minor - minor / 10,
                    fee: minor / 10,
                }],
                reason,
            },
            _ => PaymentCommand::ReserveUnallocatedRefund {
                refund: RefundId::derived(&["set aside", &self.next().to_string()]),
                amount: None,
                reason,
            },
        };
        self.world.send(Command::Payment(sale.payment, command));
    }

    fn move_stripes_own(&mut self) {
        let usd = |minor| Money::new(minor, Currency::USD);
        let number = self.next();
        match self.dice.below(6) {
            0 => {
                self.transaction("stripe_fee", "fee", "", usd(-240), 0);
            }
            1 => {
                self.transaction("reserved_funds", "risk_reserved_funds", "", usd(-500), 0);
            }
            2 => {
                self.transaction("tax_fee", "fee", "", usd(-38), 0);
            }
            3 => {
                let amount = usd(1 + self.dice.below(9000));
                let topup = format!("tu_{number}");
                let txn = self.transaction("topup", "topup", &topup, amount, 0);
                let rank = self.rank(1);
                self.pile.push(Command::Topup(
                    topup.as_str().into(),
                    TopupCommand::MergeFact {
                        topup: topup.as_str().into(),
                        amount,
                        status: "succeeded".to_owned(),
                        rank,
                        txn: Some(txn),
                        occurred_at: self.world.now,
                    },
                ));
            }
            4 => self.application_fee(number),
            _ => {
                self.transaction("stripe_fx_fee", "fee", "", usd(-17), 0);
            }
        }
    }

    fn application_fee(&mut self, number: u32) {
        let Some(sale) = self.a_sale() else { return };
        let amount = Money::new(1 + self.dice.below(900), Currency::USD);
        let (fee, back) = (format!("fee_{number}"), format!("fr_{number}"));
        self.transaction("application_fee", "platform_earning", &fee, amount, 0);
        let (payment, occurred_at) = (sale.payment, self.world.now);
        self.pile.push(Command::Payment(
            payment,
            PaymentCommand::RecordApplicationFee {
                payment,
                fee: fee.as_str().into(),
                charge: sale.charge.as_str().into(),
                amount,
                occurred_at,
            },
        ));
        if self.dice.percent(40) {
            let returned = Money::new(1 + self.dice.below(amount.minor()), Currency::USD);
            let out = Money::new(-returned.minor(), Currency::USD);
            self.transaction("application_fee_refund", "platform_earning_refund", &back, out, 0);
            self.pile.push(Command::Payment(
                payment,
                PaymentCommand::RecordApplicationFeeRefund {
                    fee: fee.into(),
                    refund: back.into(),
                    amount: returned,
                    occurred_at,
                },
            ));
        }
    }

    fn write_off(&mut self) {
        let seller = seller(self.dice.place(SELLERS.len()));
        let currency = if self.dice.percent(50) { Currency::EUR } else { Currency::USD };
        for by in ["staff", "boss"] {
            let (reason, by) = ("gone".to_owned(), person(by));
            let command = SellerAccountCommand::WriteOff { currency, reason, by };
            self.world.send(Command::SellerAccount(seller, command));
        }
    }
}

/// What a storefront claims an order comes to, added up by the book and not by the order's code.
fn as_a_storefront_claims(mut placed: PlaceOrder) -> PlaceOrder {
    let shared = |amount: i64, weights: &[i64]| {
        let equal = vec![1; weights.len()];
        let weights = if weights.iter().all(|weight| *weight == 0) { &equal } else { weights };
        allocate(amount, weights).unwrap()
    };
    let lists: Vec<i64> =
        placed.lines.iter().map(|line| line.unit_price * i64::from(line.quantity)).collect();
    let (off, by_seller) = placed
        .discount
        .as_ref()
        .map_or((0, false), |discount| (discount.amount, discount.funded_by == FundedBy::Seller));
    let discounts = shared(off, &lists);
    let items: Vec<i64> = lists.iter().zip(&discounts).map(|(list, part)| list - part).collect();
    let shippings = shared(placed.shipping, &items);
    let bases: Vec<i64> = items.iter().zip(&shippings).map(|(item, part)| item + part).collect();
    let taxes = shared(placed.tax, &bases);
    for (at, line) in placed.lines.iter_mut().enumerate() {
        let price = if by_seller { items[at] } else { lists[at] };
        let fee = line.fee_bps.of(Money::new(price, placed.currency)).minor();
        line.claimed = LineAmounts {
            list: lists[at],
            discount: discounts[at],
            item: items[at],
            shipping: shippings[at],
            tax: taxes[at],
            fee,
            seller_net: price - fee + shippings[at],
            total: items[at] + shippings[at] + taxes[at],
        };
    }
    let goods: i64 = lists.iter().sum();
    placed.claimed = Totals {
        goods,
        discount: off,
        shipping: placed.shipping,
        tax: placed.tax,
        total: goods - off + placed.shipping + placed.tax,
        fee: placed.lines.iter().map(|line| line.claimed.fee).sum(),
        seller_net: placed.lines.iter().map(|line| line.claimed.seller_net).sum(),
    };
    placed
}

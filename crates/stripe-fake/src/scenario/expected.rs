//! What everybody must be owed in the end, worked out from the scenario alone.
//!
//! This is the second opinion that Daybook's books are compared with. It knows the published rules
//! (who gets what of an order, how refunds, disputes and cancellations are split) and nothing of how
//! Daybook applies them; only the transfers that were really made are read from the fake.

use std::collections::BTreeMap;

use super::arithmetic::{Parts, largest_remainder, take_over_lines};
use super::generate::account_key;
use super::order::PlannedOrder;
use super::step::{Action, Attribution, DisputeAnswer, RefundDecision};
use super::{Scenario, Step};
use crate::api::ApiRequest;
use crate::fake::FakeStripe;
use crate::id::Seed;
use crate::journal::JournalError;
use crate::operation::{NewDispute, Operation, Target};
use crate::plan::{Behaviour, DisputeOutcome, Payment, RefundPlan, RefundStatus, Reinstated, When};

/// A seller's key and a lower-case currency.
pub type SellerCurrency = (String, String);

/// What the books must say in the end. Amounts are minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// What each seller is owed in each currency, before any transfer: what was credited, less
    /// refunds, lost disputes and captures the bank took back.
    pub earned: BTreeMap<SellerCurrency, i128>,
    /// What was transferred to each seller and did not come back.
    pub transferred: BTreeMap<SellerCurrency, i128>,
    /// The commission that stays with the platform, by currency.
    pub commission: BTreeMap<String, i128>,
    /// The tax that is owed, by jurisdiction and currency.
    pub tax: BTreeMap<(String, String), i128>,
    /// The discounts that the platform paid for, by currency.
    pub discounts: BTreeMap<String, i128>,
    /// Orders that were paid at some time.
    pub orders_paid: usize,
}

impl Expected {
    /// Works through the steps of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let mut bookkeeper = Bookkeeper { seed: scenario.header.seed, ..Bookkeeper::default() };
        for step in &scenario.steps {
            bookkeeper.note(step);
        }
        bookkeeper.expected
    }

    /// The same, with the transfers that the fake has made and reversed.
    ///
    /// # Errors
    /// When the fake cannot be read.
    pub fn with_transfers(
        mut self,
        scenario: &Scenario,
        fake: &FakeStripe,
    ) -> Result<Self, JournalError> {
        let seed = Seed(scenario.header.seed);
        let of_account: BTreeMap<String, String> = scenario
            .header
            .sellers
            .iter()
            .map(|seller| (seed.id("acct", &account_key(&seller.key), 0), seller.key.clone()))
            .collect();
        let mut request = ApiRequest::get("/v1/transfers");
        request.parameters["limit"] = "100".into();
        loop {
            let page = fake.call(&request)?.body;
            let transfers = page["data"].as_array().cloned().unwrap_or_default();
            for transfer in &transfers {
                let ours = transfer["metadata"]["daybook_payout"].is_string();
                let account = transfer["destination"].as_str().unwrap_or_default();
                let Some(seller) = of_account.get(account).filter(|_| ours) else { continue };
                let currency = transfer["currency"].as_str().unwrap_or_default().to_owned();
                let amount = |field: &str| i128::from(transfer[field].as_i64().unwrap_or(0));
                *self.transferred.entry((seller.clone(), currency)).or_default() +=
                    amount("amount") - amount("amount_reversed");
            }
            let last = transfers.last().and_then(|transfer| transfer["id"].as_str());
            match last {
                Some(last) if page["has_more"] == true => {
                    request.parameters["starting_after"] = last.into();
                }
                _ => return Ok(self),
            }
        }
    }

    /// What each seller must still be owed (or owe, if negative).
    #[must_use]
    pub fn positions(&self) -> BTreeMap<SellerCurrency, i128> {
        let mut positions = self.earned.clone();
        for (whose, amount) in &self.transferred {
            *positions.entry(whose.clone()).or_default() -= amount;
        }
        positions
    }
}

/// An order and what is left of each of its lines.
#[derive(Debug)]
struct OrderBook {
    planned: PlannedOrder,
    left: Vec<Parts>,
    was_paid: bool,
    is_paid: bool,
    cancelled: bool,
    cancelled_lines: Vec<usize>,
}

/// A payment: its amount, and whose it is if that is known.
#[derive(Debug)]
struct PaymentBook {
    order: Option<String>,
    amount: i128,
    fee: i128,
    currency: String,
    charge: String,
    placed: bool,
}

#[derive(Debug)]
struct RefundBook {
    order: String,
    line: usize,
    parts: Parts,
    booked: bool,
}

#[derive(Debug)]
struct DisputeBook {
    order: Option<String>,
    amount: i128,
    withdrawn: i128,
    held: Vec<(usize, Parts)>,
    open: bool,
}

#[derive(Debug, Default)]
struct Bookkeeper {
    seed: u64,
    orders: BTreeMap<String, OrderBook>,
    payments: BTreeMap<String, PaymentBook>,
    refunds: BTreeMap<String, RefundBook>,
    disputes: BTreeMap<String, DisputeBook>,
    /// What becomes of the next refund of a charge.
    plans: BTreeMap<String, RefundPlan>,
    expected: Expected,
}

impl Bookkeeper {
    fn note(&mut self, step: &Step) {
        match &step.action {
            Action::PlaceOrder(planned) => {
                let left = vec![Parts::default(); planned.lines.len()];
                let book = OrderBook {
                    planned: (**planned).clone(),
                    left,
                    was_paid: false,
                    is_paid: false,
                    cancelled: false,
                    cancelled_lines: Vec::new(),
                };
                self.orders.insert(step.key.clone(), book);
            }
            Action::CancelOrder { order, lines, fee } => self.cancel(order, lines.as_deref(), *fee),
            Action::RequestRefund { order, line, amount, force } => {
                self.request_refund(&step.key, order, usize::from(*line), *amount, *force);
            }
            Action::DecideRefund { refund, decision } => self.decide_refund(refund, *decision),
            Action::AnswerDispute { dispute, answer: DisputeAnswer::Accept } => {
                self.close_dispute(dispute, &DisputeOutcome::lost());
            }
            Action::Attribute { payment, to } => self.attribute(payment, to),
            Action::LinkLate { payment, order } => self.give(payment, order),
            Action::Pay { order, how, .. } => {
                let total = self.orders.get(order).map_or(0, |book| book.planned.totals.total);
                let currency = self.orders.get(order).map(|book| book.planned.currency.clone());
                let prefix = if matches!(how, Payment::Async { .. }) { "py" } else { "ch" };
                self.new_payment(step, prefix, total, &currency.unwrap_or_default());
                if brings_money(how) {
                    self.give(&step.key, order);
                }
            }
            Action::PayDirectly { order, payment } => {
                self.new_payment(step, "ch", payment.amount, &payment.currency);
                let linked = !(payment.forget.intent_metadata && payment.forget.transfer_group);
                if let Some(known) = self.payments.get_mut(&step.key) {
                    known.order = linked.then(|| order.clone());
                }
                if linked && !payment.manual_capture && brings_money(&payment.payment) {
                    self.give(&step.key, order);
                }
            }
            Action::Stripe(operation) => self.note_operation(step, operation),
            Action::RegisterSeller { .. }
            | Action::AskForCheckout { .. }
            | Action::OpenSession { .. }
            | Action::Ship { .. }
            | Action::AmendTracking { .. }
            | Action::Deliver { .. }
            | Action::AnswerDispute { .. }
            | Action::ReturnMoney { .. }
            | Action::RetryPayout { .. }
            | Action::ReversePayout { .. }
            | Action::ConfirmBank { .. }
            | Action::NameTransfer { .. } => {}
        }
    }

    fn note_operation(&mut self, step: &Step, operation: &Operation) {
        match operation {
            Operation::AddRule(rule) => {
                if let (When::Payment(charge), Behaviour::Refund(plan)) = (&rule.when, &rule.then) {
                    self.plans.insert(charge.clone(), plan.clone());
                }
            }
            Operation::Pay(payment) => {
                self.new_payment(step, "ch", payment.amount, &payment.currency);
                if let (Some(_), Some(fee)) = (&payment.on_account, payment.application_fee) {
                    let currency = payment.currency.clone();
                    *self.expected.commission.entry(currency).or_default() += i128::from(fee);
                    if let Some(known) = self.payments.get_mut(&step.key) {
                        known.placed = true;
                        known.fee = i128::from(fee);
                    }
                }
            }
            Operation::RefundApplicationFee { fee: Target::Made(payment), amount } => {
                if let Some(known) = self.payments.get_mut(payment) {
                    let back = amount.map_or(known.fee, i128::from);
                    known.fee -= back;
                    *self.expected.commission.entry(known.currency.clone()).or_default() -= back;
                }
            }
            Operation::CapturePayment { payment: Target::Made(payment), .. } => {
                if let Some(order) = self.payments.get(payment).and_then(|p| p.order.clone()) {
                    self.give(payment, &order);
                }
            }
            Operation::Refund { payment: Target::Made(payment), amount, .. } => {
                self.refund_at_stripe(payment, *amount);
            }
            Operation::ClawBack { payment: Target::Made(payment), .. } => self.claw_back(payment),
            Operation::OpenDispute(new) => self.open_dispute(&step.key, new),
            Operation::EscalateDispute { dispute: Target::Made(dispute) } => {
                if let Some(known) = self.disputes.get_mut(dispute) {
                    known.withdrawn = known.amount;
                }
                self.hold(dispute);
            }
            Operation::CloseDispute { dispute: Target::Made(dispute), outcome } => {
                self.close_dispute(dispute, outcome);
            }
            _ => {}
        }
    }

    fn new_payment(&mut self, step: &Step, prefix: &str, amount: i64, currency: &str) {
        let charge = Seed(self.seed).id(prefix, &step.key, 0);
        let book = PaymentBook {
            order: None,
            amount: i128::from(amount),
            fee: 0,
            currency: currency.to_owned(),
            charge,
            placed: false,
        };
        self.payments.insert(step.key.clone(), book);
    }

    /// Gives the money of a payment to an order, which takes it if it is the right amount and nobody
    /// has paid or cancelled it before.
    fn give(&mut self, payment: &str, order: &str) {
        let (Some(book), Some(money)) =
            (self.orders.get_mut(order), self.payments.get_mut(payment))
        else {
            return;
        };
        let fits = money.amount == i128::from(book.planned.totals.total);
        if book.was_paid || book.cancelled || !fits || money.placed {
            return;
        }
        money.order = Some(order.to_owned());
        money.placed = true;
        book.was_paid = true;
        book.is_paid = true;
        book.left = book.planned.parts();
        self.expected.orders_paid += 1;
        for (line, parts) in (0..).zip(book.left.clone()) {
            self.book(order, line, &parts, 1);
        }
    }

    /// Books what a line's parts mean for everybody, in one direction or the other.
    fn book(&mut self, order: &str, line: usize, parts: &Parts, sign: i128) {
        let Some(book) = self.orders.get(order) else { return };
        let planned = &book.planned;
        let Some(sold) = planned.lines.get(line) else { return };
        let currency = planned.currency.clone();
        let expected = &mut self.expected;
        *expected.earned.entry((sold.seller.clone(), currency.clone())).or_default() +=
            sign * parts.of_seller();
        *expected.commission.entry(currency.clone()).or_default() += sign * parts.fee;
        *expected.discounts.entry(currency.clone()).or_default() += sign * parts.discount;
        if parts.tax != 0 {
            *expected.tax.entry((planned.tax_jurisdiction.clone(), currency)).or_default() +=
                sign * parts.tax;
        }
    }

    /// Takes parts out of what is left of a line, and books them as gone.
    fn give_back(&mut self, order: &str, line: usize, parts: &Parts) {
        self.reserve(order, line, parts);
        self.book(order, line, parts, -1);
    }

    fn reserve(&mut self, order: &str, line: usize, parts: &Parts) {
        if let Some(left) = self.orders.get_mut(order).and_then(|book| book.left.get_mut(line)) {
            left.take(parts);
        }
    }

    fn release(&mut self, order: &str, line: usize, parts: &Parts) {
        if let Some(left) = self.orders.get_mut(order).and_then(|book| book.left.get_mut(line)) {
            left.add(parts);
        }
    }

    fn cancel(&mut self, order: &str, lines: Option<&[u16]>, fee: i64) {
        let Some(book) = self.orders.get_mut(order) else { return };
        if !book.is_paid {
            book.cancelled = true;
            return;
        }
        let all = 0..book.left.len();
        let chosen: Vec<usize> = all
            .filter(|line| lines.is_none_or(|named| named.iter().any(|n| usize::from(*n) == *line)))
            .filter(|line| !book.cancelled_lines.contains(line))
            .collect();
        book.cancelled_lines.extend(&chosen);
        let cash: Vec<i128> = chosen.iter().map(|line| book.left[*line].cash()).collect();
        let kept = largest_remainder(i128::from(fee).min(cash.iter().sum()), &cash);
        let refunds: Vec<(usize, Parts)> = chosen
            .iter()
            .zip(cash.iter().zip(kept))
            .map(|(line, (cash, kept))| (*line, book.left[*line].split(cash - kept)))
            .collect();
        for (line, parts) in refunds {
            self.give_back(order, line, &parts);
        }
    }

    fn request_refund(
        &mut self,
        key: &str,
        order: &str,
        line: usize,
        amount: Option<i64>,
        force: bool,
    ) {
        let Some(left) = self.orders.get(order).and_then(|book| book.left.get(line)) else {
            return;
        };
        let parts = amount.map_or(*left, |amount| left.split(i128::from(amount)));
        self.reserve(order, line, &parts);
        let book = RefundBook { order: order.to_owned(), line, parts, booked: false };
        self.refunds.insert(key.to_owned(), book);
        if force {
            self.decide_refund(key, RefundDecision::Approve);
        }
    }

    fn decide_refund(&mut self, refund: &str, decision: RefundDecision) {
        let Some(known) = self.refunds.get_mut(refund) else { return };
        let (order, line, parts) = (known.order.clone(), known.line, known.parts);
        let was_booked = known.booked;
        match decision {
            RefundDecision::Approve if !was_booked => {
                known.booked = true;
                self.book(&order, line, &parts, -1);
                if self.plan_of(&order).is_some_and(is_canceled) {
                    self.undo(refund);
                }
            }
            RefundDecision::Decline | RefundDecision::Withdraw if !was_booked => {
                self.release(&order, line, &parts);
            }
            RefundDecision::Forgo => self.undo(refund),
            RefundDecision::Approve
            | RefundDecision::Decline
            | RefundDecision::Withdraw
            | RefundDecision::Retry
            | RefundDecision::PayExternally => {}
        }
    }

    /// The refund never reached the buyer and is not owed any more: everybody gets his part back.
    fn undo(&mut self, refund: &str) {
        let Some(known) = self.refunds.get_mut(refund).filter(|known| known.booked) else { return };
        known.booked = false;
        let (order, line, parts) = (known.order.clone(), known.line, known.parts);
        self.release(&order, line, &parts);
        self.book(&order, line, &parts, 1);
    }

    /// What was laid down for the next refund of the payment that paid this order.
    fn plan_of(&mut self, order: &str) -> Option<RefundPlan> {
        let paid =
            |payment: &&PaymentBook| payment.placed && payment.order.as_deref() == Some(order);
        let charge = self.payments.values().find(paid)?.charge.clone();
        self.plans.remove(&charge)
    }

    fn refund_at_stripe(&mut self, payment: &str, amount: Option<i64>) {
        let Some(order) = self.order_paid_by(payment) else { return };
        let Some(book) = self.orders.get(&order) else { return };
        let whole: i128 = book.left.iter().map(Parts::cash).sum();
        let taken = take_over_lines(&book.left, amount.map_or(whole, i128::from));
        for (line, parts) in taken {
            self.give_back(&order, line, &parts);
        }
    }

    fn order_paid_by(&self, payment: &str) -> Option<String> {
        self.payments.get(payment).filter(|known| known.placed)?.order.clone()
    }

    fn claw_back(&mut self, payment: &str) {
        let Some(order) = self.order_paid_by(payment) else { return };
        let Some(book) = self.orders.get_mut(&order) else { return };
        book.is_paid = false;
        book.cancelled = true;
        let left = book.left.clone();
        for (line, parts) in (0..).zip(left) {
            self.give_back(&order, line, &parts);
        }
    }

    fn attribute(&mut self, payment: &str, to: &Attribution) {
        match to {
            Attribution::Order(order) => self.give(payment, order),
            Attribution::Seller { seller, seller_net, fee } => {
                let Some(known) = self.payments.get_mut(payment) else { return };
                known.placed = true;
                let currency = known.currency.clone();
                let whose = (seller.clone(), currency.clone());
                *self.expected.earned.entry(whose).or_default() += i128::from(*seller_net);
                *self.expected.commission.entry(currency).or_default() += i128::from(*fee);
            }
        }
    }

    fn open_dispute(&mut self, key: &str, new: &NewDispute) {
        let Target::Made(payment) = &new.payment else { return };
        let charged = self.payments.get(payment).map_or(0, |known| known.amount);
        let amount = new.amount.map_or(charged, i128::from);
        let withdrawn = if new.withdraw && !new.inquiry { amount } else { 0 };
        let order = self.order_paid_by(payment);
        let book = DisputeBook { order, amount, withdrawn, held: Vec::new(), open: true };
        self.disputes.insert(key.to_owned(), book);
        if !new.inquiry {
            self.hold(key);
        }
    }

    /// Sets apart what is left of the order, up to the disputed amount.
    fn hold(&mut self, dispute: &str) {
        let Some(known) = self.disputes.get_mut(dispute) else { return };
        let Some(order) = known.order.clone() else { return };
        let Some(book) = self.orders.get(&order) else { return };
        let held = take_over_lines(&book.left, known.amount);
        known.held.clone_from(&held);
        for (line, parts) in held {
            self.reserve(&order, line, &parts);
        }
    }

    /// What did not come back of a lost dispute is gone, as far as the lines hold it; the rest of
    /// what was set apart is free again.
    fn close_dispute(&mut self, dispute: &str, outcome: &DisputeOutcome) {
        let Some(known) = self.disputes.get_mut(dispute).filter(|known| known.open) else { return };
        known.open = false;
        let Some(order) = known.order.clone() else { return };
        let held = std::mem::take(&mut known.held);
        let back = match outcome.reinstated {
            Reinstated::Nothing => 0,
            Reinstated::All => known.withdrawn,
            Reinstated::Part(part) => i128::from(part),
        };
        let gone = if outcome.status == "lost" { (known.withdrawn - back).max(0) } else { 0 };
        let parts: Vec<Parts> = held.iter().map(|(_, parts)| *parts).collect();
        let lost = take_over_lines(&parts, gone);
        for (line, parts) in &held {
            self.release(&order, *line, parts);
        }
        for (place, parts) in lost {
            self.give_back(&order, held[place].0, &parts);
        }
    }
}

fn brings_money(how: &Payment) -> bool {
    match how {
        Payment::Card { .. } => true,
        Payment::Async { failure, .. } => failure.is_none(),
        Payment::Declined { .. } | Payment::RequiresAction => false,
    }
}

fn is_canceled(plan: RefundPlan) -> bool {
    plan.then.last().map_or(plan.first, |step| step.to) == RefundStatus::Canceled
}

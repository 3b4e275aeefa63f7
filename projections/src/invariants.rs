//! What must be true after every event, checked after every event: in tests, in the simulation, and
//! by `daybook replay`.
//!
//! The numbers are those of docs/ARCHITECTURE.md: I1 entries balance, I2 so does the trial balance,
//! I3 an amount on its way keeps its currency, I4 only balance transactions move Stripe's balance,
//! I6 what is owed is never negative, I7 no line gives back more than it took in, I9 a reconciled
//! payout agrees with its transactions, I12 nothing is posted twice. I5 (clearing returns to zero)
//! is a list, not a violation: see [`Checker::open_accounts`]. `earnings` is the identity of
//! [`crate::seller_balances`].

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use aggregates::{
    balance_transaction::BalanceTransactionEvent, fact::Fact, payout::events::PayoutEvent,
};
use kernel::{Currency, OrderId, SellerId, TenantId};
use store::Position;
use uuid::Uuid;

use crate::{
    Occurrence,
    chart::{Account, Book, Currencies, SellerPart, Side},
    figures::{Earned, effects},
    postings::{Entry, Nature},
};

/// Something that must never be, and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant: `I1` and so on, or `earnings`.
    pub invariant: &'static str,
    /// After which event.
    pub position: Position,
    /// What is wrong, with the figures.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at position {}: {}", self.invariant, self.position, self.what)
    }
}

/// An account that has not returned to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAccount {
    /// Owner.
    pub tenant: TenantId,
    /// Whose books.
    pub book: Book,
    /// The account.
    pub account: Account,
    /// Its currency.
    pub currency: Currency,
    /// Debits less credits, minor units.
    pub balance: i128,
}

/// The money of one line of an order, or what came back of it.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    seller: i128,
    fee: i128,
    tax: i128,
    discount: i128,
    /// Lost without touching the parts: the platform bears it.
    absorbed: i128,
}

impl Parts {
    const fn cash(&self) -> i128 {
        self.seller + self.fee + self.tax - self.discount + self.absorbed
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct OfSeller {
    position: i128,
    net: i128,
    transferred: i128,
    reversed: i128,
}

type AccountKey = (TenantId, Book, Account, Currency);
type LineKey = (TenantId, OrderId, u16);

/// Watches the books event by event. Feed it every occurrence from the first on.
#[derive(Debug, Default)]
pub struct Checker {
    balances: HashMap<AccountKey, i128>,
    books: HashMap<(TenantId, Book, Currency), i128>,
    currencies: HashMap<(TenantId, Account), Currency>,
    stripe_net: HashMap<(TenantId, Currency), i128>,
    sellers: HashMap<(TenantId, SellerId, Currency), OfSeller>,
    lines: HashMap<LineKey, (Parts, Parts)>,
    events: HashSet<Uuid>,
    last: Position,
    found: Vec<Violation>,
}

impl Checker {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one event in, and says what is wrong now.
    pub fn check(&mut self, occurrence: &Occurrence<'_>) -> Vec<Violation> {
        self.check_once(occurrence);
        for entry in occurrence.entries {
            self.check_entry(entry);
            self.check_stripe(occurrence, entry);
            self.post(occurrence.tenant(), entry);
            self.check_sellers(occurrence.tenant(), entry);
            self.check_lines(occurrence.tenant(), entry);
        }
        self.check_transaction(occurrence);
        if let Fact::Payout(PayoutEvent::Reconciled { stripe_payout, sum, difference, .. }) =
            occurrence.fact
            && *difference != 0
        {
            self.found("I9", format!("{stripe_payout}: its transactions come to {sum}, {difference} minor units too little"));
        }
        std::mem::take(&mut self.found)
    }

    /// The accounts that should return to zero and stand elsewhere now (I5), sorted by name. How old
    /// each may be is a question of its kind.
    #[must_use]
    pub fn open_accounts(&self) -> Vec<OpenAccount> {
        let open: BTreeMap<&AccountKey, i128> = self
            .balances
            .iter()
            .filter(|((_, _, account, _), balance)| account.must_return_to_zero() && **balance != 0)
            .map(|(key, balance)| (key, *balance))
            .collect();
        open.into_iter()
            .map(|((tenant, book, account, currency), balance)| OpenAccount {
                tenant: *tenant,
                book: book.clone(),
                account: account.clone(),
                currency: *currency,
                balance,
            })
            .collect()
    }

    fn found(&mut self, invariant: &'static str, what: String) {
        self.found.push(Violation { invariant, position: self.last, what });
    }

    /// I12: positions rise, and no event is taken in twice.
    fn check_once(&mut self, occurrence: &Occurrence<'_>) {
        let position = occurrence.recorded.position;
        let before = std::mem::replace(&mut self.last, position);
        if position <= before {
            self.found("I12", format!("it comes after position {before}"));
        }
        if !self.events.insert(occurrence.recorded.id) {
            self.found("I12", format!("the event {} was there before", occurrence.recorded.id));
        }
    }

    /// I1: one entry.
    fn check_entry(&mut self, entry: &Entry) {
        let sum: i128 = entry.lines().iter().map(|line| i128::from(line.signed())).sum();
        if sum != 0 {
            self.found("I1", format!("{} is {sum} minor units out of balance", entry.kind()));
        }
        if entry.lines().iter().any(|line| line.minor() <= 0) {
            self.found("I1", format!("{} has a line that is not positive", entry.kind()));
        }
    }

    /// I4: who may touch Stripe's balance.
    fn check_stripe(&mut self, occurrence: &Occurrence<'_>, entry: &Entry) {
        let touches = entry.lines().iter().any(|line| line.account().is_stripe());
        if touches && !matches!(occurrence.fact, Fact::BalanceTransaction(_)) {
            self.found("I4", format!("{} touches Stripe's balance", entry.kind()));
        }
    }

    /// I4: what Stripe's balance should be by its transactions.
    fn check_transaction(&mut self, occurrence: &Occurrence<'_>) {
        let Fact::BalanceTransaction(BalanceTransactionEvent::Recorded { record, .. }) =
            occurrence.fact
        else {
            return;
        };
        if record.account.is_some() {
            return;
        }
        let tenant = occurrence.tenant();
        let net = self.stripe_net.entry((tenant, record.currency)).or_default();
        *net += i128::from(record.net);
        let net = *net;
        let key = (tenant, Book::Platform, Account::StripeBalance, record.currency);
        let balance = self.balances.get(&key).copied().unwrap_or_default();
        if balance != net {
            let currency = record.currency;
            self.found(
                "I4",
                format!(
                    "Stripe's balance stands at {balance} {currency}, its transactions say {net}"
                ),
            );
        }
    }

    /// I2, I3 and I6, while the lines are posted.
    fn post(&mut self, tenant: TenantId, entry: &Entry) {
        let mut touched = Vec::new();
        for line in entry.lines() {
            let account = line.account().clone();
            if matches!(account.family().currencies, Currencies::One) {
                let first = *self
                    .currencies
                    .entry((tenant, account.clone()))
                    .or_insert_with(|| entry.currency());
                if first != entry.currency() {
                    let currency = entry.currency();
                    self.found("I3", format!("{account} is in {first}, not {currency}"));
                }
            }
            let key = (tenant, entry.book().clone(), account, entry.currency());
            *self.balances.entry(key.clone()).or_default() += i128::from(line.signed());
            let book = (tenant, entry.book().clone(), entry.currency());
            *self.books.entry(book).or_default() += i128::from(line.signed());
            touched.push(key);
        }
        let trial = (tenant, entry.book().clone(), entry.currency());
        if let Some(sum) = self.books.get(&trial).copied().filter(|sum| *sum != 0) {
            let (_, book, currency) = trial;
            self.found("I2", format!("the trial balance of {book} in {currency} is {sum}"));
        }
        for key in touched {
            self.check_sign(&key);
        }
        if matches!(entry.kind(), "seller_account.released" | "seller_account.reserve_released") {
            self.check_netting(tenant, entry);
        }
    }

    fn check_sign(&mut self, key: &AccountKey) {
        let (_, book, account, currency) = key;
        if account.may_be_negative() {
            return;
        }
        let balance = self.balances.get(key).copied().unwrap_or_default();
        let own = match account.normal_side() {
            Side::Debit => balance,
            Side::Credit => -balance,
        };
        if own < 0 {
            self.found("I6", format!("{account} of {book} stands at {own} {currency}"));
        }
    }

    /// I6: after a release nobody owes and is owed at once.
    fn check_netting(&mut self, tenant: TenantId, entry: &Entry) {
        let Some(seller) = entry.lines().iter().find_map(|line| line.account().seller()) else {
            return;
        };
        let balance = |account| {
            let key = (tenant, Book::Platform, account, entry.currency());
            self.balances.get(&key).copied().unwrap_or_default()
        };
        let owes = balance(Account::Receivable(seller));
        let owed = -balance(Account::Seller(seller, SellerPart::Available));
        if owes > 0 && owed > 0 {
            let currency = entry.currency();
            self.found("I6", format!("{seller} owes {owes} and is owed {owed} {currency}"));
        }
    }

    /// The earnings identity.
    fn check_sellers(&mut self, tenant: TenantId, entry: &Entry) {
        let Ok(effects) = effects(entry) else {
            self.found("earnings", format!("{} does not fit into 64 bits", entry.kind()));
            return;
        };
        for (seller, effect) in effects {
            let figures = Earned::of(entry.nature(), &effect)
                .and_then(|earned| Ok((earned, earned.net()?, effect.position()?)));
            let Ok((earned, net, position)) = figures else {
                self.found("earnings", format!("{} does not fit into 64 bits", entry.kind()));
                continue;
            };
            let all = self.sellers.entry((tenant, seller, entry.currency())).or_default();
            all.position += i128::from(position);
            all.net += i128::from(net);
            all.transferred += i128::from(earned.transferred);
            all.reversed += i128::from(earned.reversed);
            let OfSeller { position, net, transferred, reversed } = *all;
            if net != position + transferred - reversed {
                self.found(
                    "earnings",
                    format!(
                        "{seller}: net {net}, but position {position} + transferred {transferred} \
                         - reversed {reversed}"
                    ),
                );
            }
        }
    }

    /// I7: what an order took in, line by line, and what of it went back or was lost.
    fn check_lines(&mut self, tenant: TenantId, entry: &Entry) {
        let sold = entry.kind() == "order.paid";
        let undone = matches!(entry.nature(), Nature::Refund | Nature::Chargeback)
            && (entry.kind().starts_with("order.") || entry.kind().starts_with("refund."));
        if !sold && !undone {
            return;
        }
        let mut touched = Vec::new();
        for line in entry.lines() {
            let about = line.dimensions();
            let (Some(order), Some(number)) = (about.order, about.line) else { continue };
            let key = (tenant, order, number.0);
            let (original, returned) = self.lines.entry(key).or_default();
            let parts = if sold { original } else { returned };
            // What was sold was credited; what is undone is debited.
            let minor = i128::from(line.signed()) * if sold { -1 } else { 1 };
            match part_of(line.account()) {
                Some(LinePart::Seller) => parts.seller += minor,
                Some(LinePart::Fee) => parts.fee += minor,
                Some(LinePart::Tax) => parts.tax += minor,
                Some(LinePart::Discount) => parts.discount -= minor,
                Some(LinePart::Absorbed) => parts.absorbed += minor,
                None => continue,
            }
            if touched.last() != Some(&key) {
                touched.push(key);
            }
        }
        for key in touched {
            self.check_line(key);
        }
    }

    fn check_line(&mut self, key: LineKey) {
        let Some((had, gone)) = self.lines.get(&key).copied() else { return };
        // Commission that the platform keeps is the seller's to give back, so the two are one here.
        let within = gone.seller + gone.fee <= had.seller + had.fee
            && gone.fee <= had.fee
            && gone.tax <= had.tax
            && gone.discount <= had.discount
            && gone.cash() <= had.cash();
        let sound = gone.seller >= 0 && gone.fee >= 0 && gone.tax >= 0 && gone.discount >= 0;
        if !within || !sound {
            let (_, order, line) = key;
            self.found("I7", format!("line {line} of {order} had {had:?} and gave back {gone:?}"));
        }
    }
}

enum LinePart {
    Seller,
    Fee,
    Tax,
    Discount,
    Absorbed,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other account is a part of a line")]
const fn part_of(account: &Account) -> Option<LinePart> {
    match account {
        Account::Claim(_) => Some(LinePart::Seller),
        Account::Commission | Account::CommissionRefunded => Some(LinePart::Fee),
        Account::Tax(_) => Some(LinePart::Tax),
        Account::Discounts => Some(LinePart::Discount),
        Account::ChargebackLoss => Some(LinePart::Absorbed),
        _ => None,
    }
}

//! Altering the posting rules at run time, one at a time.
//!
//! A rule is one call that writes a line: where it stands, of which event, to which family of
//! accounts. Rules are found by running the postings. The draft of an entry shows its lines and
//! their rules to [`alter`] before it is checked, so a mutant behaves exactly as if the rule had been
//! written otherwise.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt,
    panic::Location,
};

use aggregates::vocabulary::{ClaimRef, StripeDisputeRef, StripePayoutRef};
use kernel::SellerId;

use super::Posting;
use crate::chart::{Account, Class, Clearing, SellerPart, StripeFee};

/// One line-writing call of one event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::postings) struct Rule {
    pub(super) kind: &'static str,
    file: &'static str,
    line: u32,
    family: &'static str,
}

impl Rule {
    /// The rule of whoever called the draft.
    #[track_caller]
    pub(in crate::postings) fn here(kind: &'static str, account: &Account) -> Self {
        let place = Location::caller();
        let file = place.file().rsplit('/').next().unwrap_or_default();
        Self { kind, file, line: place.line(), family: account.family().pattern }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}:{})", self.kind, self.family, self.file, self.line)
    }
}

/// What is done to one line, or to two lines of one entry, or to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Change {
    /// Another account of the same class.
    Account(usize),
    FlipSide,
    Drop,
    OneMore,
    Double,
    /// Another amount of the same event.
    Amount(usize),
    /// The two lines write each other's account.
    SwapAccounts,
    /// The two lines exchange their sides.
    SwapSides,
    /// One minor unit, or all, goes from the first line to the second, on the same side.
    MoveOne,
    MoveAll,
    /// Both lines, on opposite sides, are one more, or have another amount of the event.
    BothOneMore,
    BothAmount(usize),
    /// The whole entry: sides exchanged, doubled, or not written.
    FlipAll,
    DoubleAll,
    DropAll,
}

/// A change of certain rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Mutant {
    pub(super) rules: Vec<Rule>,
    pub(super) change: Change,
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<String> = self.rules.iter().map(ToString::to_string).collect();
        write!(f, "{:?} of {}", self.change, rules.join(" and "))
    }
}

/// The rules that were seen, with an account of each, and which of them share an entry.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) rules: BTreeMap<Rule, Account>,
    pub(super) pairs: BTreeSet<(Rule, Rule)>,
}

thread_local! {
    static ACTIVE: RefCell<Option<Mutant>> = const { RefCell::new(None) };
    static AMOUNTS: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
    static TOUCHED: Cell<bool> = const { Cell::new(false) };
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// Runs something while rules are collected.
pub(super) fn watching(run: impl FnOnce()) -> Seen {
    SEEN.set(Some(Seen::default()));
    run();
    SEEN.take().unwrap_or_default()
}

/// Runs something under a mutant; the other answer says whether the mutant changed anything.
/// `amounts` are the amounts of the event.
pub(super) fn mutated<T>(mutant: &Mutant, amounts: &[i64], run: impl FnOnce() -> T) -> (T, bool) {
    ACTIVE.with_borrow_mut(|active| *active = Some(mutant.clone()));
    AMOUNTS.with_borrow_mut(|known| amounts.clone_into(known));
    TOUCHED.set(false);
    let result = run();
    ACTIVE.set(None);
    (result, TOUCHED.get())
}

/// Called with every entry before it is checked.
pub(in crate::postings) fn alter(lines: &mut Vec<Posting>, rules: &[Rule]) {
    SEEN.with_borrow_mut(|seen| {
        let Some(seen) = seen else { return };
        for (line, rule) in lines.iter().zip(rules) {
            seen.rules.entry(rule.clone()).or_insert_with(|| line.account.clone());
            for other in rules.iter().filter(|other| *other != rule) {
                seen.pairs.insert((rule.clone(), other.clone()));
            }
        }
    });
    let Some(mutant) = ACTIVE.with_borrow(Clone::clone) else { return };
    let before = lines.clone();
    let places = |rule: &Rule| -> Vec<usize> {
        rules.iter().enumerate().filter(|(_, known)| *known == rule).map(|(at, _)| at).collect()
    };
    match &mutant.rules[..] {
        [rule] => {
            if matches!(mutant.change, Change::FlipAll | Change::DoubleAll | Change::DropAll) {
                if rules.contains(rule) {
                    whole(lines, mutant.change);
                }
            } else {
                places(rule).into_iter().for_each(|at| one(&mut lines[at], mutant.change));
            }
        }
        [first, second] => {
            for (first, second) in places(first).into_iter().zip(places(second)) {
                two(lines, first, second, mutant.change);
            }
        }
        _ => {}
    }
    lines.retain(|line| line.minor != 0);
    if *lines != before {
        TOUCHED.set(true);
    }
}

fn amount(at: usize) -> Option<i64> {
    AMOUNTS.with_borrow(|amounts| amounts.get(at).copied())
}

fn one(line: &mut Posting, change: Change) {
    match change {
        Change::Account(at) => {
            if let Some(account) = others(&line.account).get(at) {
                line.account = account.clone();
            }
        }
        Change::FlipSide => line.side = line.side.other(),
        Change::Drop => line.minor = 0,
        Change::OneMore => line.minor += 1,
        Change::Double => line.minor *= 2,
        Change::Amount(at) => line.minor = amount(at).unwrap_or(line.minor),
        Change::SwapAccounts
        | Change::SwapSides
        | Change::MoveOne
        | Change::MoveAll
        | Change::BothOneMore
        | Change::BothAmount(_)
        | Change::FlipAll
        | Change::DoubleAll
        | Change::DropAll => {}
    }
}

fn two(lines: &mut [Posting], first: usize, second: usize, change: Change) {
    let same_side = lines[first].side == lines[second].side;
    let same_amount = lines[first].minor == lines[second].minor;
    let (account, side) = (lines[first].account.clone(), lines[first].side);
    match change {
        Change::SwapAccounts => {
            lines[first].account = lines[second].account.clone();
            lines[second].account = account;
        }
        Change::SwapSides if !same_side => {
            lines[first].side = lines[second].side;
            lines[second].side = side;
        }
        Change::MoveOne if same_side => {
            lines[first].minor -= 1;
            lines[second].minor += 1;
        }
        Change::MoveAll if same_side => {
            lines[second].minor += lines[first].minor;
            lines[first].minor = 0;
        }
        Change::BothOneMore if !same_side => {
            lines[first].minor += 1;
            lines[second].minor += 1;
        }
        Change::BothAmount(at) if !same_side && same_amount => {
            let minor = amount(at).unwrap_or(lines[first].minor);
            lines[first].minor = minor;
            lines[second].minor = minor;
        }
        Change::SwapSides
        | Change::MoveOne
        | Change::MoveAll
        | Change::BothOneMore
        | Change::BothAmount(_)
        | Change::Account(_)
        | Change::FlipSide
        | Change::Drop
        | Change::OneMore
        | Change::Double
        | Change::Amount(_)
        | Change::FlipAll
        | Change::DoubleAll
        | Change::DropAll => {}
    }
}

fn whole(lines: &mut Vec<Posting>, change: Change) {
    if change == Change::DropAll {
        lines.clear();
    }
    for line in lines {
        if change == Change::FlipAll {
            line.side = line.side.other();
        } else {
            line.minor *= 2;
        }
    }
}

/// Every other account that could have stood there: of the same class, and about the same thing
/// where it is about one; the last ones are the same kind of account of something else. The list is
/// as long for every account of a class.
#[expect(clippy::too_many_lines, reason = "one list of accounts for each class")]
pub(super) fn others(account: &Account) -> Vec<Account> {
    let name = account.name();
    let id = name.rsplit(':').next().unwrap_or_default().to_owned();
    let other = format!("{id}-other");
    let seller = account.seller().unwrap_or_else(|| SellerId::derived(&["s1"]));
    let stranger = SellerId::derived(&["a stranger"]);
    match account.class() {
        Class::Assets => {
            let mut all = vec![
                Account::StripeBalance,
                Account::StripeReserved,
                Account::StripePrefunding,
                Account::Claim(ClaimRef(id.clone())),
                Account::Claim(ClaimRef(other.clone())),
                Account::InternalAppFee(id.clone()),
                Account::PayoutInTransit(StripePayoutRef(id.clone())),
                Account::PayoutInTransit(StripePayoutRef(other.clone())),
                Account::Bank("main".to_owned()),
                Account::Bank("external".to_owned()),
                Account::Receivable(seller),
                Account::Receivable(stranger),
                Account::DisputesOpen(StripeDisputeRef(id.clone())),
                Account::DisputesOpen(StripeDisputeRef(other.clone())),
                Account::VatRecoverable,
                Account::SuspenseStripe,
            ];
            let kinds = [
                Clearing::Charge,
                Clearing::Refund,
                Clearing::Dispute,
                Clearing::Transfer,
                Clearing::TransferReversal,
                Clearing::Payout,
                Clearing::Topup,
                Clearing::ApplicationFee,
                Clearing::ApplicationFeeRefund,
            ];
            for kind in kinds {
                all.push(Account::Clearing(kind, id.clone()));
                all.push(Account::Clearing(kind, other.clone()));
            }
            all
        }
        Class::Liabilities => {
            let parts = [
                SellerPart::Pending,
                SellerPart::Available,
                SellerPart::Reserve,
                SellerPart::DisputeHold,
            ];
            let mut all = vec![
                Account::Tax(id.clone()),
                Account::Tax(other.clone()),
                Account::RefundsPayable,
                Account::Unallocated(id.clone()),
                Account::Unallocated(other),
                Account::DeferredRevenue(id.clone()),
                Account::StoreCredit(id.clone()),
                Account::BuyerDeposit(id.clone()),
                Account::Carrier(id),
                Account::Owner,
            ];
            for part in parts {
                all.push(Account::Seller(seller, part));
                all.push(Account::Seller(stranger, part));
            }
            all
        }
        Class::Equity => vec![Account::Opening, Account::Conversion],
        Class::Income => vec![
            Account::Commission,
            Account::Membership,
            Account::FeeRecovery,
            Account::DisputeFeeRecovery,
            Account::CommissionRefunded,
            Account::Discounts,
            Account::FxGain,
        ],
        Class::Expenses => vec![
            Account::StripeFees(StripeFee::Processing),
            Account::StripeFees(StripeFee::Dispute),
            Account::StripeFees(StripeFee::Connect),
            Account::StripeFees(StripeFee::Fx),
            Account::StripeFees(StripeFee::Payout),
            Account::ChargebackLoss,
            Account::BadDebtSeller,
            Account::Goodwill,
            Account::FxLoss,
        ],
    }
}

/// Every mutant of these rules, for events with at most so many amounts.
pub(super) fn of(seen: &Seen, amounts_max: usize) -> Vec<Mutant> {
    let mut all = BTreeSet::new();
    for (rule, account) in &seen.rules {
        let mut changes: Vec<Change> = (0..others(account).len()).map(Change::Account).collect();
        changes.extend((0..amounts_max).map(Change::Amount));
        changes.extend([
            Change::FlipSide,
            Change::Drop,
            Change::OneMore,
            Change::Double,
            Change::FlipAll,
            Change::DoubleAll,
            Change::DropAll,
        ]);
        all.extend(changes.into_iter().map(|change| Mutant { rules: vec![rule.clone()], change }));
    }
    for (first, second) in &seen.pairs {
        let mut changes = vec![
            Change::SwapAccounts,
            Change::SwapSides,
            Change::MoveOne,
            Change::MoveAll,
            Change::BothOneMore,
        ];
        changes.extend((0..amounts_max).map(Change::BothAmount));
        for change in changes {
            let directed = matches!(change, Change::MoveOne | Change::MoveAll);
            if directed || first < second {
                all.insert(Mutant { rules: vec![first.clone(), second.clone()], change });
            }
        }
    }
    all.into_iter().collect()
}

//! An entry: lines of one book and one currency that balance, by construction.

use aggregates::vocabulary::{ChargeRef, ClaimRef, LineNo, LineShare, Organizer, TxnRef};
use kernel::{
    Currency, DisputeId, Money, OrderId, PaymentId, PayoutId, RefundId, SellerId, Timestamp,
};

use crate::chart::{Account, Book, Side};

/// Why a fact could not be posted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostingFault {
    /// The amounts of the fact contradict each other.
    #[error("{kind} does not balance: debits exceed credits by {difference} minor units")]
    Unbalanced {
        /// The event type.
        kind: &'static str,
        /// Debits less credits, minor units.
        difference: i128,
    },
    /// An amount that should be zero or more is less.
    #[error("{kind} would post {minor} minor units to {account}; amounts are never negative")]
    Negative {
        /// The event type.
        kind: &'static str,
        /// The account.
        account: String,
        /// The amount.
        minor: i64,
    },
    /// An amount does not fit into 64 bits.
    #[error("an amount of {kind} does not fit into 64-bit minor units")]
    Overflow {
        /// The event type.
        kind: &'static str,
    },
    /// The stream is not named after the thing its events are about.
    #[error("the stream {0} is not named after the thing its events are about")]
    Stream(String),
    /// The fact makes no sense for the books.
    #[error("{kind} cannot be posted: {why}")]
    Senseless {
        /// The event type.
        kind: &'static str,
        /// What is wrong.
        why: &'static str,
    },
}

/// What an entry is about, in the words of the one who is paid. Signs, from the seller's point of
/// view: sale +, refund -, chargeback -, payout -, payout returned +, adjustment + or -.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "snake_case")]
pub enum Nature {
    /// Something was sold.
    Sale,
    /// Money goes back to a buyer, or a refund that will not happen is undone.
    Refund,
    /// A dispute's loss, its fee, a capture the bank took back; or money of those that came back.
    Chargeback,
    /// Money leaves for a seller's connected account, or for the platform's bank.
    Payout,
    /// It came back.
    PayoutReturned,
    /// Debt given up.
    Adjustment,
    /// Days of a membership passed: what was owed for them is income.
    Recognition,
    /// From one part of a seller's balance to another.
    Release,
    /// Held for a dispute, or let go again.
    Hold,
    /// Money set aside, or found to belong somewhere.
    Unallocated,
    /// The Stripe side: a balance transaction, or an amount withdrawn for a dispute.
    Settlement,
}

store::text_field!(Nature);

/// What a line is about, beside its account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Dimensions {
    pub seller: Option<SellerId>,
    pub organizer: Option<Organizer>,
    pub order: Option<OrderId>,
    pub line: Option<LineNo>,
    /// What is sold, by the storefront's name.
    pub product: Option<String>,
    pub payment: Option<PaymentId>,
    pub charge: Option<ChargeRef>,
    pub refund: Option<RefundId>,
    pub dispute: Option<DisputeId>,
    pub payout: Option<PayoutId>,
    pub claim: Option<ClaimRef>,
    pub txn: Option<TxnRef>,
    /// The membership that is sold or rendered.
    pub membership: Option<String>,
    /// The event (concert, fair, ...) that is sold, by the storefront's name.
    pub event: Option<String>,
    /// Through which channel it was sold, by the storefront's name.
    pub channel: Option<String>,
    /// When Stripe makes the money of a balance transaction available.
    pub available_on: Option<Timestamp>,
}

impl Dimensions {
    /// The same, for one line of an order.
    #[must_use]
    pub fn of_line(&self, share: &LineShare) -> Self {
        Self {
            line: Some(share.line),
            product: Some(share.product.clone()),
            ..self.of_seller(share.seller, &share.organizer)
        }
    }

    /// The same, for one seller.
    #[must_use]
    pub fn of_seller(&self, seller: SellerId, organizer: &Organizer) -> Self {
        Self { seller: Some(seller), organizer: Some(organizer.clone()), ..self.clone() }
    }
}

/// One line of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub(super) account: Account,
    pub(super) side: Side,
    pub(super) minor: i64,
    dimensions: Dimensions,
}

impl Posting {
    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Left or right.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// The amount in minor units, always more than zero.
    #[must_use]
    pub const fn minor(&self) -> i64 {
        self.minor
    }

    /// The amount in minor units: debits positive, credits negative.
    #[must_use]
    pub const fn signed(&self) -> i64 {
        match self.side {
            Side::Debit => self.minor,
            Side::Credit => -self.minor,
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn dimensions(&self) -> &Dimensions {
        &self.dimensions
    }
}

/// The policy by which amounts of an entry were decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolicyRef {
    /// Which policy, such as `commerce`.
    pub id: &'static str,
    /// Its version; the tenant's first is 1.
    pub version: u32,
}

impl std::fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

/// A balanced entry of one book in one currency. It can only be made by [`super::postings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    kind: &'static str,
    nature: Nature,
    book: Book,
    currency: Currency,
    effective: Timestamp,
    prior_period: Option<Timestamp>,
    policy: Option<PolicyRef>,
    lines: Vec<Posting>,
}

impl Entry {
    /// The event type it comes from, such as `order.paid`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// What it is about.
    #[must_use]
    pub const fn nature(&self) -> Nature {
        self.nature
    }

    /// Whose books.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The one currency of all its lines.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// When it took effect: the fact's own time, never the time it was recorded; the beginning of
    /// the open period where the fact's own was closed already.
    #[must_use]
    pub const fn effective(&self) -> Timestamp {
        self.effective
    }

    /// When it would have taken effect, had that period not been closed already.
    #[must_use]
    pub const fn prior_period(&self) -> Option<Timestamp> {
        self.prior_period
    }

    /// Takes effect in the open period, if it would have in a closed one; see [`crate::dating`].
    pub(crate) fn date_from(&mut self, open_from: Timestamp) {
        if self.effective < open_from {
            self.prior_period = Some(self.effective);
            self.effective = open_from;
        }
    }

    /// The policy by which its amounts were decided, where one decided them.
    #[must_use]
    pub const fn policy(&self) -> Option<&PolicyRef> {
        self.policy.as_ref()
    }

    /// The lines; debits and credits are equal.
    #[must_use]
    pub fn lines(&self) -> &[Posting] {
        &self.lines
    }
}

/// For tests of those who check: entries that nobody could write.
#[cfg(test)]
impl Entry {
    pub(crate) fn unchecked(
        (kind, nature): (&'static str, Nature),
        book: Book,
        currency: Currency,
        effective: Timestamp,
        lines: Vec<(Account, Side, i64, Dimensions)>,
    ) -> Self {
        let lines = lines
            .into_iter()
            .map(|(account, side, minor, dimensions)| Posting { account, side, minor, dimensions })
            .collect();
        Self { kind, nature, book, currency, effective, prior_period: None, policy: None, lines }
    }
}

/// The tenant's commerce policy, by which most amounts are decided.
pub(super) const COMMERCE: &str = "commerce";

/// An entry being written. Zero amounts leave no line; the first fault is kept until the end.
#[derive(Debug)]
pub(super) struct Draft {
    entry: Entry,
    about: Dimensions,
    fault: Option<PostingFault>,
    /// Which rule wrote each line, so that the mutation test can alter one at a time.
    #[cfg(test)]
    rules: Vec<super::tests::mutants::Rule>,
}

impl Draft {
    /// In the platform's book.
    pub(super) const fn new(
        kind: &'static str,
        nature: Nature,
        currency: Currency,
        effective: Timestamp,
        about: Dimensions,
    ) -> Self {
        let lines = Vec::new();
        let book = Book::Platform;
        let policy = None;
        let prior_period = None;
        let entry = Entry { kind, nature, book, currency, effective, prior_period, policy, lines };
        Self {
            entry,
            about,
            fault: None,
            #[cfg(test)]
            rules: Vec::new(),
        }
    }

    /// In another book.
    pub(super) fn in_book(mut self, book: Book) -> Self {
        self.entry.book = book;
        self
    }

    /// Decided by this policy.
    pub(super) fn by_policy(mut self, id: &'static str, version: u32) -> Self {
        self.entry.policy = Some(PolicyRef { id, version });
        self
    }

    /// Decided by this version of the tenant's commerce policy, if the fact says by which.
    pub(super) fn decided_by(self, version: Option<u32>) -> Self {
        match version {
            Some(version) => self.by_policy(COMMERCE, version),
            None => self,
        }
    }

    /// About something else than before.
    pub(super) fn with(mut self, about: Dimensions) -> Self {
        self.about = about;
        self
    }

    pub(super) const fn about(&self) -> &Dimensions {
        &self.about
    }

    #[cfg_attr(test, track_caller)]
    pub(super) fn debit(&mut self, account: Account, minor: i64) -> &mut Self {
        let about = self.about.clone();
        self.line(account, Side::Debit, minor, about)
    }

    #[cfg_attr(test, track_caller)]
    pub(super) fn credit(&mut self, account: Account, minor: i64) -> &mut Self {
        let about = self.about.clone();
        self.line(account, Side::Credit, minor, about)
    }

    /// A debit if the amount is positive, else a credit of its opposite.
    #[cfg_attr(test, track_caller)]
    pub(super) fn signed(&mut self, account: Account, minor: i64) -> &mut Self {
        let Some(opposite) = minor.checked_neg() else {
            self.fault.get_or_insert(PostingFault::Overflow { kind: self.entry.kind });
            return self;
        };
        if minor >= 0 { self.debit(account, minor) } else { self.credit(account, opposite) }
    }

    /// A credit if the amount is positive, else a debit of its opposite.
    #[cfg_attr(test, track_caller)]
    pub(super) fn opposite(&mut self, account: Account, minor: i64) -> &mut Self {
        match minor.checked_neg() {
            Some(negated) => self.signed(account, negated),
            None => {
                self.fault.get_or_insert(PostingFault::Overflow { kind: self.entry.kind });
                self
            }
        }
    }

    /// On a side, about something more particular than the entry.
    #[cfg_attr(test, track_caller)]
    pub(super) fn line(
        &mut self,
        account: Account,
        side: Side,
        minor: i64,
        about: Dimensions,
    ) -> &mut Self {
        if minor < 0 {
            let account = account.name();
            let kind = self.entry.kind;
            self.fault.get_or_insert(PostingFault::Negative { kind, account, minor });
        }
        if minor > 0 {
            let mut dimensions = about;
            if dimensions.seller.is_none() {
                dimensions.seller = account.seller();
            }
            if let Account::Claim(claim) = &account {
                dimensions.claim = Some(claim.clone());
            }
            #[cfg(test)]
            self.rules.push(super::tests::mutants::Rule::here(self.entry.kind, &account));
            self.entry.lines.push(Posting { account, side, minor, dimensions });
        }
        self
    }

    /// The entry, unless nothing was posted at all.
    ///
    /// # Errors
    /// [`PostingFault`] when an amount was negative or the sides differ.
    pub(super) fn finish(self) -> Result<Option<Entry>, PostingFault> {
        #[cfg(test)]
        let mut this = self;
        #[cfg(not(test))]
        let this = self;
        #[cfg(test)]
        super::tests::mutants::alter(&mut this.entry.lines, &this.rules);
        this.balanced()
    }

    fn balanced(self) -> Result<Option<Entry>, PostingFault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let difference: i128 = self.entry.lines.iter().map(|line| i128::from(line.signed())).sum();
        if difference != 0 {
            return Err(PostingFault::Unbalanced { kind: self.entry.kind, difference });
        }
        Ok((!self.entry.lines.is_empty()).then_some(self.entry))
    }

    /// An entry of two lines: an amount from the credited account to the debited one.
    #[cfg_attr(test, track_caller)]
    pub(super) fn moved(
        mut self,
        debit: Account,
        credit: Account,
        amount: Money,
    ) -> Result<Vec<Entry>, PostingFault> {
        if amount.currency() != self.entry.currency {
            let kind = self.entry.kind;
            return Err(PostingFault::Senseless { kind, why: "it mixes two currencies" });
        }
        self.debit(debit, amount.minor()).credit(credit, amount.minor());
        self.alone()
    }

    /// The entry as the whole answer of a fact that posts one.
    pub(super) fn alone(self) -> Result<Vec<Entry>, PostingFault> {
        Ok(self.finish()?.into_iter().collect())
    }
}

/// Adds shares up; an overflow is a fault, never a wrong sum.
pub(super) fn sum(
    kind: &'static str,
    amounts: impl IntoIterator<Item = i64>,
) -> Result<i64, PostingFault> {
    amounts.into_iter().try_fold(0_i64, i64::checked_add).ok_or(PostingFault::Overflow { kind })
}

//! The journal: every line of every entry, in the order of the log. It is only ever added to.

use kernel::{
    Currency, DisputeId, OrderId, PaymentId, PayoutId, RefundId, SellerId, TenantId, Timestamp,
};
use store::{Position, Table, TableDef};
use uuid::Uuid;

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    chart::{Account, Book},
    postings::{Entry, Nature, POSTINGS_VERSION, Posting},
};

store::table! {
    /// One line of the journal. The lines of one entry are of one book and one currency, and their
    /// sum is zero.
    pub struct JournalLine as "journal_lines" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The event that posted it.
            #[unhashed = "positions are a log's own"]
            position: Position,
            /// Which of the event's entries, from 0.
            entry: u32,
            /// Which line of the entry, from 0.
            line: u32,
        }
        /// The event's id.
        #[unhashed = "minted"]
        event_id: Uuid,
        /// The event's type, such as `order.paid`.
        event_type: String,
        /// What the entry is about: sale, refund, chargeback, payout, ...
        nature: Nature,
        /// `platform`, or the connected account whose mirror this is.
        book: Book,
        /// The account.
        account: Account,
        /// The family it belongs to, such as `assets:clearing:stripe:charge:*`.
        family: String,
        /// Minor units of the currency; debits positive, credits negative, never zero.
        minor: i64,
        /// The currency.
        currency: Currency,
        /// When it took effect in the books.
        effective_at: Timestamp,
        /// When it would have taken effect, had that period not been closed already.
        prior_period: Option<Timestamp>,
        /// The policy that decided the amounts, with its version: `commerce@3`.
        policy: Option<String>,
        /// Whose money it is about.
        seller: Option<SellerId>,
        /// Who organizes what was sold.
        organizer: Option<String>,
        /// The order.
        #[unhashed = "minted"]
        order_id: Option<OrderId>,
        /// The line of the order, from 0.
        order_line: Option<u32>,
        /// What was sold, by the storefront's name.
        product: Option<String>,
        /// The payment.
        #[unhashed = "minted"]
        payment: Option<PaymentId>,
        /// Stripe's charge.
        charge: Option<String>,
        /// The refund.
        #[unhashed = "minted"]
        refund: Option<RefundId>,
        /// The dispute.
        #[unhashed = "minted"]
        dispute: Option<DisputeId>,
        /// The payout.
        #[unhashed = "minted"]
        payout: Option<PayoutId>,
        /// The claim by which the amount went from one stream to another.
        #[unhashed = "built from minted ids"]
        claim: Option<String>,
        /// Stripe's balance transaction.
        txn: Option<String>,
        /// When Stripe makes the money available.
        available_on: Option<Timestamp>,
        /// The membership that was sold or rendered.
        #[unhashed = "minted"]
        membership: Option<String>,
        /// The event (concert, fair, ...) that was sold, by the storefront's name.
        event: Option<String>,
        /// Through which channel it was sold.
        channel: Option<String>,
    }
    indexes [
        ["tenant", "account", "effective_at"],
        ["tenant", "family", "effective_at"],
        ["tenant", "seller", "effective_at"],
        ["tenant", "order_id"],
    ]
}

impl JournalLine {
    /// The lines an event posts, entry by entry: what the journal stores of it.
    pub fn entries_of(occurrence: &Occurrence<'_>) -> impl Iterator<Item = Vec<Self>> {
        (0_u32..).zip(occurrence.entries).map(|(number, entry)| {
            (0_u32..)
                .zip(entry.lines())
                .map(|(line, posting)| Self::new(occurrence, entry, (number, line), posting))
                .collect()
        })
    }

    fn new(
        occurrence: &Occurrence<'_>,
        entry: &Entry,
        place: (u32, u32),
        posting: &Posting,
    ) -> Self {
        let about = posting.dimensions();
        Self {
            tenant: occurrence.tenant(),
            position: occurrence.recorded.position,
            entry: place.0,
            line: place.1,
            event_id: occurrence.recorded.id,
            event_type: entry.kind().to_owned(),
            nature: entry.nature(),
            book: entry.book().clone(),
            account: posting.account().clone(),
            family: posting.account().family().pattern.to_owned(),
            minor: posting.signed(),
            currency: entry.currency(),
            effective_at: entry.effective(),
            prior_period: entry.prior_period(),
            policy: entry.policy().map(ToString::to_string),
            seller: about.seller,
            organizer: about.organizer.as_ref().map(|organizer| organizer.0.clone()),
            order_id: about.order,
            order_line: about.line.map(|line| u32::from(line.0)),
            product: about.product.clone(),
            payment: about.payment,
            charge: about.charge.as_ref().map(|charge| charge.0.clone()),
            refund: about.refund,
            dispute: about.dispute,
            payout: about.payout,
            claim: about.claim.as_ref().map(|claim| claim.0.clone()),
            txn: about.txn.as_ref().map(|txn| txn.0.clone()),
            available_on: about.available_on,
            membership: about.membership.clone(),
            event: about.event.clone(),
            channel: about.channel.clone(),
        }
    }
}

/// The journal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Journal;

impl Projection for Journal {
    fn name(&self) -> &'static str {
        "journal"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[JournalLine::TABLE] }
    }

    fn keys(&self, _: &Occurrence<'_>, _: &mut Wanted) {}

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        for line in JournalLine::entries_of(occurrence).flatten() {
            rows.append(&line);
        }
        Ok(())
    }
}

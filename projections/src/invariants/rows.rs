//! What the checker remembers between events, and what it has found.

use kernel::{Currency, OrderId, SellerId, TenantId, Timestamp};
use store::Position;

use super::catalogue::Invariant;
use crate::chart::{Account, Book};

/// Whether something is wrong still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum AlarmState {
    /// It is.
    Open,
    /// It was.
    Cleared,
}

store::text_field!(AlarmState);

store::table! {
    /// An invariant that is broken, or was, with the entries that broke it. An account that is on
    /// its way to zero (I5) has its row from its first entry on, with `since` when its time is up:
    /// a row whose `since` lies ahead is no alarm yet, and goes when the account arrives in time.
    pub struct Alarm as "alarms" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Which invariant: I1 to I17, or `earnings`.
            invariant: Invariant,
            /// What it is about: an account, an order, a payout, an event.
            #[unhashed = "built from minted ids"]
            subject: String,
        }
        /// `open`, or `cleared` when it is as it should be again.
        state: AlarmState,
        /// Since when it is an alarm; not before.
        #[unhashed = "depends on the order of arrival"]
        since: Timestamp,
        /// By how much it is wrong; minor units.
        amount: Option<i64>,
        /// The currency of that.
        currency: Option<Currency>,
        /// What is wrong, with the figures, as the last entry left it.
        #[unhashed = "built from minted ids"]
        what: String,
        /// The first event that broke it.
        #[unhashed = "positions are a log's own"]
        first_position: Position,
        /// The last one.
        #[unhashed = "positions are a log's own"]
        last_position: Position,
        /// How many events did.
        count: u32,
        /// The positions of the first of these, by spaces.
        #[unhashed = "positions are a log's own"]
        entries: String,
        /// The event that cleared it.
        #[unhashed = "positions are a log's own"]
        cleared_position: Option<Position>,
    }
    indexes [["tenant", "state", "since"], ["tenant", "since"]]
}

store::table! {
    /// The checker's own balance of an account that may not be negative.
    pub struct CheckedAccount as "checked_accounts" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Whose books.
            book: Book,
            /// The account.
            #[unhashed = "built from minted ids"]
            account: Account,
            /// The currency.
            currency: Currency,
        }
        /// On its normal side; minor units.
        balance: i64,
        /// Whether an alarm about it is open.
        alarmed: bool,
    }
}

store::table! {
    /// The checker's own balances of a seller.
    pub struct CheckedSeller as "checked_sellers" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The seller.
            seller: SellerId,
            /// The currency of every amount in the row.
            currency: Currency,
        }
        /// Owed to him, waiting; minor units.
        pending: i64,
        /// Owed to him, to be paid out; minor units.
        available: i64,
        /// Owed to him, in reserve; minor units.
        reserve: i64,
        /// Owed to him, held for disputes; minor units.
        dispute_hold: i64,
        /// Owed by him; minor units.
        receivable: i64,
        /// Whether an alarm about him is open.
        alarmed: bool,
    }
}

store::table! {
    /// What a line of an order took in, by part, and what of it went back or was lost; minor units.
    pub struct CheckedLine as "checked_lines" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The order.
            #[unhashed = "minted"]
            order_id: OrderId,
            /// The line.
            line: u32,
        }
        /// The event that sold it.
        #[unhashed = "positions are a log's own"]
        sold_position: Option<Position>,
        /// The seller's part.
        seller: i64,
        /// Commission.
        fee: i64,
        /// Tax.
        tax: i64,
        /// Discount the platform funded.
        discount: i64,
        /// Of the seller's part: gone.
        gone_seller: i64,
        /// Of the commission: gone.
        gone_fee: i64,
        /// Of the tax: gone.
        gone_tax: i64,
        /// Of the discount: gone.
        gone_discount: i64,
        /// Lost without touching the parts: the platform bears it.
        absorbed: i64,
    }
}

store::table! {
    /// Why a liability is what it is: tax of one jurisdiction, or revenue deferred for one product
    /// (and one membership). Minor units, on the normal side.
    pub struct CheckedLiability as "checked_liabilities" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The account.
            account: Account,
            /// The membership, or empty for the whole account.
            #[unhashed = "minted"]
            membership: String,
            /// The currency.
            currency: Currency,
        }
        /// Tax collected; revenue billed.
        raised: i64,
        /// Refunded, or lost in a dispute.
        returned: i64,
        /// Tax remitted; revenue recognised.
        settled: i64,
        /// Put right by hand.
        adjusted: i64,
        /// Whether an alarm about it is open.
        alarmed: bool,
    }
}

store::table! {
    /// A reversal that was posted, so that it is not posted again.
    pub struct CheckedReversal as "checked_reversals" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The event type and what was reversed.
            #[unhashed = "built from minted ids"]
            reversal: String,
        }
        /// Where.
        #[unhashed = "positions are a log's own"]
        position: Position,
    }
}

store::table! {
    /// How far a tenant's books have come.
    pub struct CheckedTenant as "checked_tenants" {
        key {
            /// Owner.
            tenant: TenantId,
        }
        /// The newest effective time of its entries: the clock by which ages are measured.
        clock: Timestamp,
        /// Everything that takes effect before is closed.
        closed_through: Option<Timestamp>,
        /// The last event that posted.
        #[unhashed = "positions are a log's own"]
        position: Position,
    }
}

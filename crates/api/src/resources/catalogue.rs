//! What each list of the API is.

use projections::{
    account_balances::AccountBalance,
    adjustments::Adjustment,
    api_keys::ApiKey,
    audit_trail::AuditEntry,
    chart_accounts::ChartAccount,
    disputes::{Dispute, DisputeAction},
    earnings::DailyEarnings,
    invariants::Alarm,
    journal::JournalLine,
    memberships::{Membership, MembershipMovement, MembershipPeriod},
    order_reconciliation::OrderReconciliation,
    orders::{Order, OrderLine, Shipment},
    outbox::Effect,
    payments::Payment,
    payouts::Payout,
    periods::{Period, Revaluation},
    refunds::Refund,
    seller_balances::SellerBalance,
    seller_entries::SellerEntry,
    sellers::Seller,
    webhooks::Webhook,
    work_items::WorkItem,
};
use store::{Direction, Table, TableDef};

use crate::permissions::Permission;

/// One list, or one thing.
pub(crate) struct List {
    /// Its address.
    pub(crate) path: &'static str,
    /// Its heading in the OpenAPI document.
    pub(crate) tag: &'static str,
    /// What one row is, for "there is no such ...".
    pub(crate) what: &'static str,
    /// Its rows.
    pub(crate) table: TableDef,
    /// Who may see it.
    pub(crate) permission: Permission,
    /// The column that says whose a row is.
    pub(crate) seller_column: Option<&'static str>,
    /// Of rows about orders, which may concern several sellers: the columns that a seller sees if
    /// the order holds a line of his. Without these and without a seller's column, sellers do not
    /// see the list.
    pub(crate) shared: &'static [&'static str],
    /// Parameters of the path and the columns they fix.
    pub(crate) path_columns: &'static [(&'static str, &'static str)],
    /// Columns it can be narrowed by; also with `.from` and `.before`.
    pub(crate) filters: &'static [&'static str],
    /// Columns it is ordered by, before the rest of the key.
    pub(crate) order: &'static [&'static str],
    /// Up or down.
    pub(crate) direction: Direction,
    /// Only rows whose `since` has come, by the tenant's clock.
    pub(crate) by_now: bool,
    /// Not a list but the one row that the path names.
    pub(crate) single: bool,
}

impl List {
    const fn of<T: Table>(
        path: &'static str,
        tag: &'static str,
        what: &'static str,
        permission: Permission,
    ) -> Self {
        Self {
            path,
            tag,
            what,
            table: T::TABLE,
            permission,
            seller_column: None,
            shared: &[],
            path_columns: &[],
            filters: &[],
            order: &[],
            direction: Direction::Descending,
            by_now: false,
            single: false,
        }
    }

    const fn seller(mut self, column: &'static str) -> Self {
        self.seller_column = Some(column);
        self
    }

    const fn shared(mut self, columns: &'static [&'static str]) -> Self {
        self.shared = columns;
        self
    }

    const fn by(mut self, filters: &'static [&'static str]) -> Self {
        self.filters = filters;
        self
    }

    const fn newest(mut self, order: &'static [&'static str]) -> Self {
        self.order = order;
        self
    }

    const fn rising(mut self) -> Self {
        self.direction = Direction::Ascending;
        self
    }

    const fn at(mut self, columns: &'static [(&'static str, &'static str)]) -> Self {
        self.path_columns = columns;
        self
    }

    const fn by_now(mut self) -> Self {
        self.by_now = true;
        self
    }

    const fn one(mut self) -> Self {
        self.single = true;
        self
    }
}

use Permission as P;

/// What a seller sees of an order: where it stands, and neither the buyer nor a figure that others'
/// lines are part of. His lines and his money have lists of their own.
pub(crate) const ORDER_OF_SELLER: &[&str] = &[
    "order_id",
    "reference",
    "status",
    "payment_status",
    "currency",
    "placed_at",
    "paid_at",
    "confirmed_at",
    "completed_at",
    "closed_at",
];

/// What a seller sees of a dispute: what it takes to answer it. His part of the money stands in his
/// entries.
pub(crate) const DISPUTE_OF_SELLER: &[&str] = &[
    "dispute",
    "stripe_dispute",
    "order_id",
    "status",
    "track",
    "currency",
    "reason",
    "network",
    "inquiry",
    "due_by",
    "missed",
    "outcome",
    "partial",
    "opened_at",
    "closed_at",
];

/// Every list.
pub(crate) static LISTS: &[List] = &[
    List::of::<Order>("/v1/orders", "orders", "order", P::SeeOrders)
        .shared(ORDER_OF_SELLER)
        .by(&[
            "reference",
            "status",
            "payment_status",
            "currency",
            "charge",
            "placed_at",
            "paid_at",
        ])
        .newest(&["placed_at"]),
    List::of::<Order>("/v1/orders/{order}", "orders", "order", P::SeeOrders)
        .shared(ORDER_OF_SELLER)
        .at(&[("order", "order_id")])
        .one(),
    List::of::<OrderLine>("/v1/orders/{order}/lines", "orders", "order", P::SeeOrders)
        .seller("seller")
        .at(&[("order", "order_id")])
        .by(&["seller", "fulfilment"])
        .rising(),
    List::of::<OrderLine>("/v1/order-lines", "orders", "order line", P::SeeOrders)
        .seller("seller")
        .by(&["seller", "organizer", "currency", "fulfilment", "placed_at"])
        .newest(&["placed_at"]),
    List::of::<Shipment>("/v1/orders/{order}/shipments", "orders", "shipment", P::SeeOrders)
        .at(&[("order", "order_id")])
        .rising(),
    List::of::<OrderReconciliation>(
        "/v1/orders/{order}/reconciliation",
        "orders",
        "order",
        P::SeeBooks,
    )
    .at(&[("order", "order_id")])
    .one(),
    List::of::<OrderReconciliation>("/v1/order-reconciliation", "orders", "order", P::SeeBooks)
        .by(&["currency", "difference"]),
    List::of::<Payment>("/v1/payments", "payments", "payment", P::SeeBooks)
        .by(&["status", "order_id", "charge", "intent", "set_aside", "opened_at"])
        .newest(&["opened_at"]),
    List::of::<Payment>("/v1/payments/{payment}", "payments", "payment", P::SeeBooks)
        .at(&[("payment", "payment")])
        .one(),
    List::of::<Refund>("/v1/refunds", "refunds", "refund", P::SeeRefunds)
        .seller("seller")
        .by(&["status", "source", "order_id", "seller", "currency", "opened_at", "stripe_refund"])
        .newest(&["opened_at"]),
    List::of::<Refund>("/v1/refunds/{refund}", "refunds", "refund", P::SeeRefunds)
        .seller("seller")
        .at(&[("refund", "refund")])
        .one(),
    List::of::<Dispute>("/v1/disputes", "disputes", "dispute", P::SeeDisputes)
        .shared(DISPUTE_OF_SELLER)
        .by(&[
            "status",
            "track",
            "order_id",
            "charge",
            "currency",
            "opened_at",
            "due_by",
            "outcome",
        ])
        .newest(&["opened_at"]),
    List::of::<Dispute>("/v1/disputes/{dispute}", "disputes", "dispute", P::SeeDisputes)
        .shared(DISPUTE_OF_SELLER)
        .at(&[("dispute", "dispute")])
        .one(),
    List::of::<DisputeAction>(
        "/v1/disputes/{dispute}/actions",
        "disputes",
        "dispute",
        P::SeeDisputes,
    )
    .at(&[("dispute", "dispute")])
    .rising(),
    List::of::<Payout>("/v1/payouts", "payouts", "payout", P::SeePayouts)
        .seller("seller")
        .by(&["status", "seller", "currency", "account", "opened_at", "stripe_payout"])
        .newest(&["opened_at"]),
    List::of::<Payout>("/v1/payouts/{payout}", "payouts", "payout", P::SeePayouts)
        .seller("seller")
        .at(&[("payout", "payout")])
        .one(),
    List::of::<Membership>("/v1/memberships", "memberships", "membership", P::SeeOrders)
        .seller("seller")
        .by(&[
            "status",
            "product",
            "sold_by",
            "seller",
            "member",
            "reference",
            "currency",
            "started_at",
        ])
        .newest(&["started_at"]),
    List::of::<Membership>(
        "/v1/memberships/{membership}",
        "memberships",
        "membership",
        P::SeeOrders,
    )
    .seller("seller")
    .at(&[("membership", "membership")])
    .one(),
    List::of::<MembershipPeriod>(
        "/v1/memberships/{membership}/periods",
        "memberships",
        "membership",
        P::SeeOrders,
    )
    .seller("seller")
    .at(&[("membership", "membership")])
    .by(&["status", "product", "charge"])
    .newest(&["start"]),
    List::of::<MembershipMovement>(
        "/v1/membership-movements",
        "memberships",
        "movement",
        P::SeeBooks,
    )
    .by(&["month", "currency", "product", "movement"])
    .rising(),
    List::of::<Seller>("/v1/sellers", "sellers", "seller", P::SeeSellers)
        .seller("seller")
        .by(&["reference", "status", "account", "organizer"])
        .rising(),
    List::of::<Seller>("/v1/sellers/{seller}", "sellers", "seller", P::SeeSellers)
        .seller("seller")
        .at(&[("seller", "seller")])
        .one(),
    List::of::<SellerBalance>("/v1/balances", "books", "seller", P::SeeBalances)
        .seller("seller")
        .by(&["seller", "currency"])
        .rising(),
    List::of::<SellerBalance>("/v1/sellers/{seller}/balances", "sellers", "seller", P::SeeBalances)
        .seller("seller")
        .at(&[("seller", "seller")])
        .by(&["currency"])
        .rising(),
    List::of::<SellerEntry>("/v1/sellers/{seller}/entries", "sellers", "seller", P::SeeBalances)
        .seller("seller")
        .at(&[("seller", "seller")])
        .by(&["currency", "nature", "order_id", "refund", "dispute", "payout", "effective_at"]),
    List::of::<DailyEarnings>("/v1/earnings", "books", "day", P::SeeBalances)
        .seller("seller")
        .by(&["day", "organizer", "seller", "currency"])
        .rising(),
    List::of::<AccountBalance>("/v1/accounts", "books", "account", P::SeeBooks)
        .by(&["book", "account", "currency"])
        .rising(),
    List::of::<JournalLine>("/v1/journal", "books", "journal line", P::SeeBooks)
        .by(&[
            "book",
            "account",
            "currency",
            "nature",
            "event_type",
            "seller",
            "order_id",
            "refund",
            "dispute",
            "payout",
            "charge",
            "txn",
            "position",
            "effective_at",
        ])
        .rising(),
    List::of::<ChartAccount>("/v1/chart", "books", "account", P::SeeBooks)
        .by(&["name", "origin", "status", "class", "by_hand"])
        .rising(),
    List::of::<Adjustment>("/v1/adjustments", "books", "adjustment", P::SeeBooks)
        .by(&[
            "status",
            "reason",
            "currency",
            "proposed_by",
            "proposed_at",
            "effective_at",
            "reverses",
        ])
        .newest(&["proposed_at"]),
    List::of::<Adjustment>("/v1/adjustments/{adjustment}", "books", "adjustment", P::SeeBooks)
        .at(&[("adjustment", "adjustment")])
        .one(),
    List::of::<Period>("/v1/periods", "books", "period", P::SeeBooks)
        .by(&["day", "status", "through"])
        .newest(&["through"]),
    List::of::<Revaluation>("/v1/revaluations", "books", "revaluation", P::SeeBooks).by(&[
        "day",
        "currency",
        "effective_at",
    ]),
    List::of::<WorkItem>("/v1/work-items", "operations", "work item", P::SeeBooks)
        .by(&["kind", "subject", "currency", "opened_at", "due_by"])
        .newest(&["opened_at"]),
    List::of::<Alarm>("/v1/alarms", "operations", "alarm", P::SeeBooks)
        .by(&["invariant", "state", "subject", "currency", "since"])
        .newest(&["since"])
        .by_now(),
    List::of::<Webhook>("/v1/webhook-events", "webhooks", "webhook event", P::SeeBooks)
        .by(&["status", "kind", "account", "parked_by", "received_at"])
        .newest(&["received_at"]),
    List::of::<Webhook>("/v1/webhook-events/{event}", "webhooks", "webhook event", P::SeeBooks)
        .at(&[("event", "event")])
        .one(),
    List::of::<Effect>("/v1/outbox", "operations", "call to Stripe", P::SeeBooks)
        .by(&["status", "call", "subject", "opened_at"])
        .newest(&["opened_at"]),
    List::of::<AuditEntry>("/v1/audit", "audit", "audit entry", P::ReadAudit).by(&[
        "event_type",
        "category",
        "stream_id",
        "actor",
        "actor_kind",
        "request",
        "correlation",
        "webhook",
        "recorded_at",
        "position",
    ]),
    List::of::<ApiKey>("/v1/keys", "keys", "key", P::ManageTenant)
        .by(&["role", "seller", "name"])
        .newest(&["issued_at"]),
];

//! Every kind of fact the log can hold, decoded.

use crate::{
    adjustment::events::AdjustmentEvent, api_key::events::ApiKeyEvent,
    balance_transaction::BalanceTransactionEvent, dispute::events::DisputeEvent, link::LinkEvent,
    membership::events::MembershipEvent, order::events::OrderEvent, payment::events::PaymentEvent,
    payout::events::PayoutEvent, period::events::PeriodEvent, refund::events::RefundEvent,
    rejection::RejectionEvent, seller_account::events::SellerAccountEvent,
    tenant::events::TenantEvent, topup::events::TopupEvent,
    webhook_event::events::WebhookEventEvent,
};

/// Why stored text is not a fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// No aggregate of this name; a newer Daybook may have written it.
    #[error("there is no aggregate named {0}; was this log written by a newer Daybook?")]
    UnknownCategory(String),
    /// The payload is not an event of the aggregate.
    #[error("this is not an event of {category}: {problem}")]
    Undecodable {
        /// The aggregate.
        category: String,
        /// What serde says.
        problem: String,
    },
}

macro_rules! facts {
    ($($category:literal => $variant:ident($event:ty),)+) => {
        /// One fact of any aggregate.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "one variant per aggregate")]
        pub enum Fact {
            $($variant($event),)+
        }

        impl Fact {
            /// Every stream category.
            pub const CATEGORIES: &'static [&'static str] = &[$($category),+];

            /// Decodes a stored payload of a stream of this category.
            ///
            /// # Errors
            /// [`FactError`] when the category or the payload is unknown.
            pub fn decode(category: &str, payload: &str) -> Result<Self, FactError> {
                match category {
                    $($category => serde_json::from_str(payload).map(Self::$variant).map_err(
                        |problem| FactError::Undecodable {
                            category: category.to_owned(),
                            problem: problem.to_string(),
                        },
                    ),)+
                    other => Err(FactError::UnknownCategory(other.to_owned())),
                }
            }

            /// The stored name of the event, such as `order.paid`.
            #[must_use]
            pub fn event_type(&self) -> String {
                match self {
                    $(Self::$variant(event) => cqrs_es::DomainEvent::event_type(event),)+
                }
            }
        }
    };
}

facts! {
    "adjustment" => Adjustment(AdjustmentEvent),
    "api_key" => ApiKey(ApiKeyEvent),
    "balance_transaction" => BalanceTransaction(BalanceTransactionEvent),
    "dispute" => Dispute(DisputeEvent),
    "link" => Link(LinkEvent),
    "membership" => Membership(MembershipEvent),
    "order" => Order(OrderEvent),
    "payment" => Payment(PaymentEvent),
    "payout" => Payout(PayoutEvent),
    "period" => Period(PeriodEvent),
    "refund" => Refund(RefundEvent),
    "rejection" => Rejection(RejectionEvent),
    "seller_account" => SellerAccount(SellerAccountEvent),
    "stripe_event" => WebhookEvent(WebhookEventEvent),
    "tenant" => Tenant(TenantEvent),
    "topup" => Topup(TopupEvent),
}

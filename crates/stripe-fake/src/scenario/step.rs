//! What can happen: through Daybook's API, or at Stripe by itself.

use serde::{Deserialize, Serialize};

use super::order::PlannedOrder;
use crate::operation::{BarePayment, Operation};
use crate::plan::{Forget, Payment};

/// A seller of the demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerSpec {
    /// Names the seller in the scenario.
    pub key: String,
    /// What people read.
    pub name: String,
    /// The ISO country code of the connected account.
    pub country: String,
    /// The currencies he sells in, lower case; the first is his account's.
    pub currencies: Vec<String>,
    /// Whether Stripe's own daily schedule pays his account out.
    pub automatic: bool,
    /// Whether he sells at all; some only join and leave.
    pub sells: bool,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Names it; the key that makes a repeat harmless.
    pub key: String,
    /// When; Unix seconds. What the platform does happens at the first instant of a tick.
    pub at: i64,
    /// What.
    pub action: Action,
}

/// What somebody decides about a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefundDecision {
    /// Yes.
    Approve,
    /// No.
    Decline,
    /// The buyer changed his mind.
    Withdraw,
    /// It failed and is tried again.
    Retry,
    /// It failed and was paid by other means.
    PayExternally,
    /// It failed, and two people agree that it is not owed any more.
    Forgo,
}

impl RefundDecision {
    /// The word in the address of the request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
            Self::Withdraw => "withdraw",
            Self::Retry => "retry",
            Self::PayExternally => "pay-externally",
            Self::Forgo => "forgo",
        }
    }
}

/// How a dispute is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeAnswer {
    /// A note is written.
    Note,
    /// Evidence is sent.
    Evidence,
    /// It is accepted.
    Accept,
}

/// To whom money that was set aside belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribution {
    /// To an order, by the key of the step that placed it.
    Order(String),
    /// To a seller, by his key.
    Seller {
        /// The key of the seller.
        seller: String,
        /// What he gets, minor units.
        seller_net: i64,
        /// The commission, minor units.
        fee: i64,
    },
}

/// What happens. Orders are named by the key of the step that placed them, refunds by the key of
/// the step that asked for them, payments and disputes by the key of the step that made them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A seller is registered, gets a connected account and a payout schedule.
    RegisterSeller {
        /// The key of the seller.
        seller: String,
    },
    /// An order is placed.
    PlaceOrder(Box<PlannedOrder>),
    /// Daybook is asked for a Checkout session.
    AskForCheckout {
        /// The order.
        order: String,
    },
    /// The storefront opens a Checkout session itself, with Daybook's ids on it.
    OpenSession {
        /// The order.
        order: String,
    },
    /// An order, or lines of it, are cancelled.
    CancelOrder {
        /// The order.
        order: String,
        /// All of them if absent.
        lines: Option<Vec<u16>>,
        /// Kept from the refund, minor units.
        fee: i64,
    },
    /// Lines are handed to a carrier.
    Ship {
        /// The order.
        order: String,
        /// The storefront's number of the shipment.
        shipment: String,
        /// Line and quantity.
        lines: Vec<(u16, u32)>,
    },
    /// A tracking number is corrected.
    AmendTracking {
        /// The order.
        order: String,
        /// The shipment.
        shipment: String,
    },
    /// A shipment arrives.
    Deliver {
        /// The order.
        order: String,
        /// The shipment.
        shipment: String,
    },
    /// A refund of a line is asked for.
    RequestRefund {
        /// The order.
        order: String,
        /// The line.
        line: u16,
        /// Minor units; what remains if absent.
        amount: Option<i64>,
        /// Whether staff approves it at once.
        force: bool,
    },
    /// A refund is decided, or dealt with after it failed.
    DecideRefund {
        /// The refund.
        refund: String,
        /// What is decided.
        decision: RefundDecision,
    },
    /// A dispute is answered.
    AnswerDispute {
        /// The dispute.
        dispute: String,
        /// How.
        answer: DisputeAnswer,
    },
    /// A person says whose the money of a payment is.
    Attribute {
        /// The payment.
        payment: String,
        /// Whose.
        to: Attribution,
    },
    /// A person sends money back that was set aside.
    ReturnMoney {
        /// The payment.
        payment: String,
    },
    /// The bank leg of the seller's oldest payout that failed is tried again.
    RetryPayout {
        /// The key of the seller.
        seller: String,
    },
    /// The transfer of the seller's oldest payout that failed is reversed.
    ReversePayout {
        /// The key of the seller.
        seller: String,
    },
    /// The platform's own payout is seen on its bank statement.
    ConfirmBank {
        /// The payout.
        payout: String,
    },
    /// A buyer pays, or tries to pay, the order's open session.
    Pay {
        /// The order.
        order: String,
        /// How.
        how: Payment,
        /// Which links the payment loses.
        forget: Forget,
    },
    /// A buyer pays without a session; the order's ids are put on the payment first.
    PayDirectly {
        /// The order it is meant for.
        order: String,
        /// The payment.
        payment: BarePayment,
    },
    /// Somebody writes the order's id on a charge that lacked it.
    LinkLate {
        /// The payment.
        payment: String,
        /// The order.
        order: String,
    },
    /// Somebody writes a note on the seller's oldest transfer.
    NameTransfer {
        /// The key of the seller.
        seller: String,
    },
    /// Something that needs no id of Daybook's.
    Stripe(Operation),
}

impl Action {
    /// Whether the platform does it, at the first instant of a tick.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        !matches!(
            self,
            Self::Pay { .. }
                | Self::PayDirectly { .. }
                | Self::LinkLate { .. }
                | Self::NameTransfer { .. }
                | Self::Stripe(_)
        )
    }

    /// Its name, for reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RegisterSeller { .. } => "register_seller",
            Self::PlaceOrder(_) => "place_order",
            Self::AskForCheckout { .. } => "ask_for_checkout",
            Self::OpenSession { .. } => "open_session",
            Self::CancelOrder { .. } => "cancel_order",
            Self::Ship { .. } => "ship",
            Self::AmendTracking { .. } => "amend_tracking",
            Self::Deliver { .. } => "deliver",
            Self::RequestRefund { .. } => "request_refund",
            Self::DecideRefund { .. } => "decide_refund",
            Self::AnswerDispute { .. } => "answer_dispute",
            Self::Attribute { .. } => "attribute",
            Self::ReturnMoney { .. } => "return_money",
            Self::RetryPayout { .. } => "retry_payout",
            Self::ReversePayout { .. } => "reverse_payout",
            Self::ConfirmBank { .. } => "confirm_bank",
            Self::Pay { .. } => "pay",
            Self::PayDirectly { .. } => "pay_directly",
            Self::LinkLate { .. } => "link_late",
            Self::NameTransfer { .. } => "name_transfer",
            Self::Stripe(_) => "stripe",
        }
    }
}

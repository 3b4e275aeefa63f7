//! Why an order refuses.

use kernel::{Currency, Money, SellerId, Timestamp};

/// Why an order refuses. Each is a state of the world, not a fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum OrderError {
    #[error("there is no such order")]
    Unknown,
    #[error("an order with this id was already placed")]
    AlreadyPlaced,
    #[error("an order needs at least one line and at most 1000")]
    EmptyOrder,
    #[error("line {line}: {problem}")]
    InvalidLine { line: usize, problem: String },
    #[error("seller {seller} cannot sell yet: the Stripe account is not ready")]
    SellerNotReady { seller: SellerId },
    #[error("{what} should be {computed}, not {claimed} (difference {difference} minor units)")]
    PriceMismatch { what: String, claimed: i64, computed: i64, difference: i64 },
    #[error("the discount of {discount} exceeds the goods' total of {goods} minor units")]
    DiscountTooLarge { discount: i64, goods: i64 },
    #[error("an order with a shippable line needs ship_to")]
    AddressRequired,
    #[error("the total of {total} is below the processor's minimum of {minimum}")]
    AmountBelowProcessorMinimum { total: Money, minimum: Money },
    #[error("{currency} amounts must be a multiple of {multiple} minor units; {amount} is not")]
    NotChargeable { currency: Currency, multiple: i64, amount: i64 },
    #[error("the order is in {expected}, not {given}")]
    CurrencyMismatch { expected: Currency, given: Currency },
    #[error("an amount does not fit into 64-bit minor units")]
    Overflow,
    #[error("pay_by must lie between now and {latest}, not at {pay_by}")]
    PayByOutOfBounds { pay_by: Timestamp, latest: Timestamp },
    #[error("the order is already paid")]
    AlreadyPaid,
    #[error("the order has expired")]
    Expired,
    #[error("the order was cancelled")]
    Cancelled,
    #[error("the order is completed; what was sold can only be refunded now")]
    Completed,
    #[error("a person must first decide what becomes of the payment that does not match")]
    InConflict,
    #[error("a checkout session is already open until {until}")]
    CheckoutAlreadyOpen { session: String, until: Timestamp },
    #[error("the order is not paid")]
    NotPaid,
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
    #[error("there is no line {line} in this order")]
    LineUnknown { line: u16 },
    #[error("line {line} is not shippable")]
    NotShippable { line: u16 },
    #[error("line {line}: only {left} of it are left to ship")]
    QuantityExceeds { line: u16, left: u32 },
    #[error("line {line} has been shipped already")]
    AlreadyShipped { line: u16 },
    #[error("there is no shipment {shipment}")]
    ShipmentUnknown { shipment: String },
    #[error("a shipment named {shipment} exists with other contents")]
    ShipmentExists { shipment: String },
    #[error("nothing of this line is left to refund")]
    NothingToRefund,
    #[error("only {remaining} of this line can still be refunded")]
    RefundExceedsRefundable { remaining: Money },
    #[error("an amount must be positive")]
    AmountNotPositive,
    #[error("this order can only be refunded line by line in full; leave the amount out")]
    PartialRefundsDisabled,
    #[error("a refund of this line is already open")]
    RefundAlreadyOpen,
    #[error("refunds could be asked for until {until}")]
    RefundWindowClosed { until: Timestamp },
    #[error("the payment is under dispute; Stripe decides now")]
    ChargeUnderDispute,
    #[error("there is no refund {refund} on this order")]
    RefundUnknown { refund: String },
    #[error("there is no dispute {dispute} on this order")]
    DisputeUnknown { dispute: String },
    #[error("the guest token does not fit this order")]
    GuestTokenInvalid,
}

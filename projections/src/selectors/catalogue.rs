//! The figures that are shown anywhere, each with its name.

use super::{Figure, Natures, Term};
use crate::{chart::Side, postings::Nature};

const PENDING: &str = "liabilities:seller:*:pending";
const AVAILABLE: &str = "liabilities:seller:*:available";
const RESERVE: &str = "liabilities:seller:*:reserve";
const DISPUTE_HOLD: &str = "liabilities:seller:*:dispute-hold";
const RECEIVABLE: &str = "assets:receivable:seller:*";
const COMMISSION: &str = "income:commission";
const COMMISSION_REFUNDED: &str = "income:commission-refunded";
const CHARGE: &str = "assets:clearing:stripe:charge:*";
const CLEARING_REFUND: &str = "assets:clearing:stripe:refund:*";
const DISPUTES_OPEN: &str = "assets:disputes-open:*";
const UNALLOCATED: &str = "liabilities:unallocated:*";
const BANK: &str = "assets:bank:*";

/// Everything that is a seller's.
const POSITION: &[&str] = &[PENDING, AVAILABLE, RESERVE, DISPUTE_HOLD, RECEIVABLE];
/// The same with the commission that was taken from him: what his business came to before fees.
const BEFORE_FEES: &[&str] =
    &[PENDING, AVAILABLE, RESERVE, DISPUTE_HOLD, RECEIVABLE, COMMISSION, COMMISSION_REFUNDED];
const FEES: &[&str] = &[COMMISSION, COMMISSION_REFUNDED];
const STRIPE_FEES: &[&str] = &[
    "expenses:stripe-fees:processing",
    "expenses:stripe-fees:dispute",
    "expenses:stripe-fees:connect",
    "expenses:stripe-fees:fx",
    "expenses:stripe-fees:payout",
];
const CLEARING: &[&str] = &[
    CHARGE,
    CLEARING_REFUND,
    "assets:clearing:stripe:dispute:*",
    "assets:clearing:stripe:transfer:*",
    "assets:clearing:stripe:transfer-reversal:*",
    "assets:clearing:stripe:payout:*",
    "assets:clearing:stripe:topup:*",
    "assets:clearing:stripe:appfee:*",
    "assets:clearing:stripe:appfee-refund:*",
];

/// A term of whole accounts.
const fn all(accounts: &'static [&'static str], side: Side) -> Term {
    Term { accounts, side, natures: Natures::Any, of_sellers: false }
}

/// A term of lines in entries about some things.
const fn only(accounts: &'static [&'static str], side: Side, natures: &'static [Nature]) -> Term {
    Term { accounts, side, natures: Natures::Only(natures), of_sellers: false }
}

/// The same, of lines about sellers.
const fn sellers(accounts: &'static [&'static str], side: Side, natures: Natures) -> Term {
    Term { accounts, side, natures, of_sellers: true }
}

/// A figure a seller may ask for.
const fn theirs(name: &'static str, sentence: &'static str, terms: &'static [Term]) -> Figure {
    Figure { name, sentence, terms, for_sellers: true }
}

/// A figure of the platform's.
const fn ours(name: &'static str, sentence: &'static str, terms: &'static [Term]) -> Figure {
    Figure { name, sentence, terms, for_sellers: false }
}

const PAID_OUT: &[Nature] = &[Nature::Payout, Nature::PayoutReturned];
/// What is neither sale, refund nor chargeback, and no payout.
const NOT_ADJUSTMENTS: &[Nature] =
    &[Nature::Sale, Nature::Refund, Nature::Chargeback, Nature::Payout, Nature::PayoutReturned];

/// Every figure.
pub const FIGURES: &[Figure] = &[
    theirs(
        "seller_total",
        "What sellers are owed altogether, less what they owe.",
        &[all(POSITION, Side::Credit)],
    ),
    theirs(
        "seller_pending",
        "What sellers have earned and what waits for the release policy.",
        &[all(&[PENDING], Side::Credit)],
    ),
    theirs(
        "seller_available",
        "What may be paid out to sellers.",
        &[all(&[AVAILABLE], Side::Credit)],
    ),
    theirs(
        "seller_reserve",
        "What is kept back for a time after release.",
        &[all(&[RESERVE], Side::Credit)],
    ),
    theirs(
        "seller_dispute_hold",
        "What is kept back while disputes are open.",
        &[all(&[DISPUTE_HOLD], Side::Credit)],
    ),
    theirs("seller_receivable", "What sellers owe.", &[all(&[RECEIVABLE], Side::Debit)]),
    theirs(
        "gross",
        "Goods and shipping sold, after discounts sellers fund, without tax, before commission.",
        &[sellers(BEFORE_FEES, Side::Credit, Natures::Only(&[Nature::Sale]))],
    ),
    theirs(
        "fees",
        "Commission taken from sellers, less commission given back.",
        &[sellers(FEES, Side::Credit, Natures::Any)],
    ),
    theirs(
        "refunds",
        "Refunds at sellers' expense, with the commission that came back.",
        &[sellers(BEFORE_FEES, Side::Debit, Natures::Only(&[Nature::Refund]))],
    ),
    theirs(
        "disputes",
        "Losses of disputes and fees charged on to sellers, less what was reinstated.",
        &[sellers(BEFORE_FEES, Side::Debit, Natures::Only(&[Nature::Chargeback]))],
    ),
    theirs(
        "adjustments",
        "What else changed what sellers are owed: debt given up, corrections.",
        &[
            sellers(BEFORE_FEES, Side::Credit, Natures::Except(NOT_ADJUSTMENTS)),
            sellers(FEES, Side::Credit, Natures::Only(PAID_OUT)),
        ],
    ),
    theirs(
        "net",
        "Gross less fees, refunds and disputes, and adjustments.",
        &[sellers(POSITION, Side::Credit, Natures::Except(PAID_OUT))],
    ),
    theirs(
        "transferred",
        "Transferred to sellers' connected accounts.",
        &[sellers(POSITION, Side::Debit, Natures::Only(&[Nature::Payout]))],
    ),
    theirs(
        "reversed",
        "Come back from sellers' connected accounts.",
        &[sellers(POSITION, Side::Credit, Natures::Only(&[Nature::PayoutReturned]))],
    ),
    ours(
        "stripe_balance",
        "The platform's balance at Stripe.",
        &[all(&["assets:stripe:balance"], Side::Debit)],
    ),
    ours(
        "stripe_reserved",
        "What Stripe holds in reserve of it.",
        &[all(&["assets:stripe:reserved"], Side::Debit)],
    ),
    ours(
        "stripe_prefunding",
        "What was paid in to fund refunds and disputes.",
        &[all(&["assets:stripe:prefunding"], Side::Debit)],
    ),
    ours("stripe_fees", "What Stripe charges, of every kind.", &[all(STRIPE_FEES, Side::Debit)]),
    ours(
        "stripe_fees_processing",
        "Stripe's fees for payments.",
        &[all(&["expenses:stripe-fees:processing"], Side::Debit)],
    ),
    ours(
        "stripe_fees_dispute",
        "Stripe's fees for disputes.",
        &[all(&["expenses:stripe-fees:dispute"], Side::Debit)],
    ),
    ours(
        "stripe_fees_connect",
        "Stripe's fees for connected accounts.",
        &[all(&["expenses:stripe-fees:connect"], Side::Debit)],
    ),
    ours(
        "stripe_fees_fx",
        "Stripe's fees for currency conversion.",
        &[all(&["expenses:stripe-fees:fx"], Side::Debit)],
    ),
    ours(
        "stripe_fees_payout",
        "Stripe's fees for payouts.",
        &[all(&["expenses:stripe-fees:payout"], Side::Debit)],
    ),
    ours(
        "commission_gross",
        "Commission before what was given back.",
        &[all(&[COMMISSION], Side::Credit)],
    ),
    ours(
        "commission_refunded",
        "Commission given back.",
        &[all(&[COMMISSION_REFUNDED], Side::Debit)],
    ),
    ours("commission_net", "Commission less what was given back.", &[all(FEES, Side::Credit)]),
    ours("discounts", "Discounts the platform funds.", &[all(&["income:discounts"], Side::Debit)]),
    ours(
        "fee_recovery",
        "Stripe's fees and dispute fees charged on to sellers.",
        &[all(&["income:fee-recovery", "income:dispute-fee-recovery"], Side::Credit)],
    ),
    ours(
        "chargeback_loss",
        "Lost disputes that nobody else bears.",
        &[all(&["expenses:chargeback-loss"], Side::Debit)],
    ),
    ours(
        "bad_debt",
        "What sellers owed and will not pay.",
        &[all(&["expenses:bad-debt:seller"], Side::Debit)],
    ),
    ours(
        "membership_revenue",
        "Memberships rendered.",
        &[all(&["income:membership"], Side::Credit)],
    ),
    ours(
        "deferred_revenue",
        "Memberships paid and not yet rendered.",
        &[all(&["liabilities:deferred-revenue:*"], Side::Credit)],
    ),
    ours(
        "tax",
        "Tax collected and not yet remitted, of all jurisdictions; name one for its own.",
        &[all(&["liabilities:tax:*"], Side::Credit)],
    ),
    ours(
        "vat_recoverable",
        "Tax on Stripe's fees.",
        &[all(&["assets:vat-recoverable"], Side::Debit)],
    ),
    ours(
        "unallocated",
        "Money received that pays nothing yet.",
        &[all(&[UNALLOCATED], Side::Credit)],
    ),
    ours(
        "refunds_payable",
        "Refunds owed to buyers and not yet sent.",
        &[all(&["liabilities:refunds-payable"], Side::Credit)],
    ),
    ours(
        "clearing_open",
        "What our decisions and Stripe's balance transactions do not agree on yet.",
        &[all(CLEARING, Side::Debit)],
    ),
    ours(
        "claims_open",
        "Money between two of our own streams.",
        &[all(
            &["assets:clearing:internal:claim:*", "assets:clearing:internal:appfee:*"],
            Side::Debit,
        )],
    ),
    ours(
        "suspense",
        "Balance transactions nobody has mapped.",
        &[all(&["assets:suspense:stripe"], Side::Debit)],
    ),
    ours(
        "disputes_open",
        "Money withdrawn for disputes whose outcome is open.",
        &[all(&[DISPUTES_OPEN], Side::Debit)],
    ),
    ours(
        "payouts_in_transit",
        "The platform's own payouts that the bank has not shown yet.",
        &[all(&["assets:payout-in-transit:*"], Side::Debit)],
    ),
    ours("bank", "The platform's banks.", &[all(&[BANK], Side::Debit)]),
    ours(
        "paid_by_buyers",
        "What buyers paid for orders and memberships, with tax, after discounts.",
        &[only(&[CHARGE, UNALLOCATED], Side::Debit, &[Nature::Sale])],
    ),
    ours(
        "refunded_to_buyers",
        "Refunds sent to buyers, less those that failed.",
        &[only(&[CLEARING_REFUND, BANK], Side::Credit, &[Nature::Refund])],
    ),
    ours(
        "lost_to_buyers",
        "Disputes lost and captures taken back, less what was reinstated.",
        &[only(&[DISPUTES_OPEN, CHARGE], Side::Credit, &[Nature::Chargeback])],
    ),
    ours(
        "paid_by_buyers_net",
        "What buyers paid for orders and memberships, less refunds sent, disputes lost and captures taken back.",
        &[
            only(&[CHARGE, UNALLOCATED], Side::Debit, &[Nature::Sale]),
            only(&[CLEARING_REFUND, BANK], Side::Debit, &[Nature::Refund]),
            only(&[DISPUTES_OPEN, CHARGE], Side::Debit, &[Nature::Chargeback]),
        ],
    ),
];

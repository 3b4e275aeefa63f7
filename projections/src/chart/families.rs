//! The families of accounts: the chart of accounts as data.
//!
//! Everything that is asked of an account beside its name is answered from this table: adding an
//! account to the chart is a line here and a variant of [`Account`].

use super::{Account, Class, Clearing, SellerPart, Side, StripeFee};

/// In which currencies an account may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Currencies {
    /// Any, one balance for each.
    Any,
    /// It is named after one amount of money, which has one currency.
    One,
}

/// Which facts may post to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Posters {
    /// Stripe's balance transactions only.
    BalanceTransactions,
    /// `seller_account.*` only.
    SellerAccounts,
    /// Our decisions, and the Stripe side that meets them; nobody by hand.
    Decisions,
    /// Manual adjustments only.
    Adjustments,
    /// Our decisions, balance transactions and manual adjustments.
    Anybody,
}

/// How many accounts a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Members {
    /// One, named by the pattern.
    One,
    /// A handful that live long: tax jurisdictions, banks, products.
    Few,
    /// One for each seller.
    PerSeller,
    /// One for each charge, refund, claim, ...: many, and each soon done with.
    PerObject,
}

/// What the accounts of one family have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Its name: an account's, with `*` where the accounts differ.
    pub pattern: &'static str,
    /// Assets, liabilities, ...
    pub class: Class,
    /// The side on which its accounts grow.
    pub normal_side: Side,
    /// In which currencies.
    pub currencies: Currencies,
    /// Who may post.
    pub posters: Posters,
    /// Whether a balance, on the normal side, may fall below zero.
    ///
    /// Stripe's balance may, and so may clearing and claims, because either side may come first. A
    /// mirror book may see a bank payout before the transfer that fed it. What is owed to sellers,
    /// buyers and tax offices never may, nor what they owe: one stream decides those in one order.
    pub may_be_negative: bool,
    /// Whether a balance other than zero is unfinished business.
    pub must_return_to_zero: bool,
    /// How many accounts there are.
    pub members: Members,
    /// What they hold.
    pub holds: &'static str,
}

impl Family {
    /// Whether an account of this name would be of this family.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        match self.pattern.split_once('*') {
            None => name == self.pattern,
            Some((before, after)) => name
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|middle| {
                    // A seller's name has no further parts; a path a tenant chose may.
                    !middle.is_empty() && (after.is_empty() || !middle.contains(':'))
                }),
        }
    }

    /// The family of this pattern.
    #[must_use]
    pub fn named(pattern: &str) -> Option<&'static Self> {
        CHART.iter().find(|family| family.pattern == pattern)
    }
}

const STRIPE_BALANCE: Family = Family {
    pattern: "assets:stripe:balance",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::BalanceTransactions,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "our balance at Stripe; in a mirror book, the connected account's",
};
const STRIPE_RESERVED: Family = Family {
    pattern: "assets:stripe:reserved",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::BalanceTransactions,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what Stripe holds in reserve of it",
};
const STRIPE_PREFUNDING: Family = Family {
    pattern: "assets:stripe:prefunding",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::BalanceTransactions,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what was paid in to fund refunds and disputes",
};
const CLEARING_CHARGE: Family = Family {
    pattern: "assets:clearing:stripe:charge:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one charge",
};
const CLEARING_REFUND: Family = Family {
    pattern: "assets:clearing:stripe:refund:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one refund",
};
const CLEARING_DISPUTE: Family = Family {
    pattern: "assets:clearing:stripe:dispute:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one dispute",
};
const CLEARING_TRANSFER: Family = Family {
    pattern: "assets:clearing:stripe:transfer:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one transfer",
};
const CLEARING_TRANSFER_REVERSAL: Family = Family {
    pattern: "assets:clearing:stripe:transfer-reversal:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one transfer reversal",
};
const CLEARING_PAYOUT: Family = Family {
    pattern: "assets:clearing:stripe:payout:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one payout",
};
const CLEARING_TOPUP: Family = Family {
    pattern: "assets:clearing:stripe:topup:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one topup",
};
const CLEARING_APPFEE: Family = Family {
    pattern: "assets:clearing:stripe:appfee:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one application fee",
};
const CLEARING_APPFEE_REFUND: Family = Family {
    pattern: "assets:clearing:stripe:appfee-refund:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "our side and Stripe's of one application fee refund",
};
const CLAIM: Family = Family {
    pattern: "assets:clearing:internal:claim:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::One,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "money between two of our streams",
};
const INTERNAL_APPFEE: Family = Family {
    pattern: "assets:clearing:internal:appfee:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::One,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "the fee of a destination charge until Stripe names it",
};
const PAYOUT_IN_TRANSIT: Family = Family {
    pattern: "assets:payout-in-transit:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::One,
    posters: Posters::Anybody,
    may_be_negative: false,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "the platform's own payout until it is seen on the bank statement",
};
const BANK: Family = Family {
    pattern: "assets:bank:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "the platform's bank; `external` for money paid by other means",
};
const RECEIVABLE: Family = Family {
    pattern: "assets:receivable:seller:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::SellerAccounts,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::PerSeller,
    holds: "what a seller owes",
};
const DISPUTES_OPEN: Family = Family {
    pattern: "assets:disputes-open:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::One,
    posters: Posters::Decisions,
    // Money of a lost dispute that comes back late is here before the order takes back the loss.
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "money withdrawn for a dispute whose outcome is open",
};
const VAT_RECOVERABLE: Family = Family {
    pattern: "assets:vat-recoverable",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "tax on Stripe's fees",
};
const SUSPENSE_STRIPE: Family = Family {
    pattern: "assets:suspense:stripe",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: true,
    members: Members::One,
    holds: "a balance transaction of a kind nobody has mapped, or without the object it needs",
};
const SELLER_PENDING: Family = Family {
    pattern: "liabilities:seller:*:pending",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::SellerAccounts,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::PerSeller,
    holds: "what a seller is owed: earned, waiting for the release policy",
};
const SELLER_AVAILABLE: Family = Family {
    pattern: "liabilities:seller:*:available",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::SellerAccounts,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::PerSeller,
    holds: "what a seller is owed: may be paid out",
};
const SELLER_RESERVE: Family = Family {
    pattern: "liabilities:seller:*:reserve",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::SellerAccounts,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::PerSeller,
    holds: "what a seller is owed: kept back for a time after release",
};
const SELLER_DISPUTE_HOLD: Family = Family {
    pattern: "liabilities:seller:*:dispute-hold",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::SellerAccounts,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::PerSeller,
    holds: "what a seller is owed: kept back while a dispute is open",
};
const TAX: Family = Family {
    pattern: "liabilities:tax:*",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "tax collected, by jurisdiction",
};
const REFUNDS_PAYABLE: Family = Family {
    pattern: "liabilities:refunds-payable",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: false,
    must_return_to_zero: true,
    members: Members::One,
    holds: "refunds owed to buyers and not yet sent",
};
const UNALLOCATED: Family = Family {
    pattern: "liabilities:unallocated:*",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::One,
    posters: Posters::Decisions,
    may_be_negative: false,
    must_return_to_zero: true,
    members: Members::PerObject,
    holds: "money that pays nothing yet, by charge; each is a work item",
};
const DEFERRED_REVENUE: Family = Family {
    pattern: "liabilities:deferred-revenue:*",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "memberships paid and not yet rendered, by product",
};
const STORE_CREDIT: Family = Family {
    pattern: "liabilities:store-credit:buyer:*",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::PerObject,
    holds: "credit a buyer may spend",
};
const BUYER_DEPOSIT: Family = Family {
    pattern: "liabilities:buyer-deposit:*",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::PerObject,
    holds: "a deposit taken for an auction",
};
const CARRIER: Family = Family {
    pattern: "liabilities:carrier:*",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: false,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "what a carrier is owed",
};
const OWNER: Family = Family {
    pattern: "liabilities:owner",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "mirror books only: the seller's own money",
};
const OPENING: Family = Family {
    pattern: "equity:opening",
    class: Class::Equity,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what was there before the first event",
};
const CONVERSION: Family = Family {
    pattern: "equity:conversion",
    class: Class::Equity,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Decisions,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "amounts exchanged for another currency, one balance per currency",
};
const COMMISSION: Family = Family {
    pattern: "income:commission",
    class: Class::Income,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "commission, gross",
};
const MEMBERSHIP: Family = Family {
    pattern: "income:membership",
    class: Class::Income,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "memberships the platform sells itself, as they are rendered",
};
const FEE_RECOVERY: Family = Family {
    pattern: "income:fee-recovery",
    class: Class::Income,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "Stripe's fees charged on to sellers",
};
const DISPUTE_FEE_RECOVERY: Family = Family {
    pattern: "income:dispute-fee-recovery",
    class: Class::Income,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "dispute fees charged on to sellers",
};
const FX_GAIN: Family = Family {
    pattern: "income:fx-gain",
    class: Class::Income,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "exchange gains",
};
const COMMISSION_REFUNDED: Family = Family {
    pattern: "income:commission-refunded",
    class: Class::Income,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "commission given back (contra-income)",
};
const DISCOUNTS: Family = Family {
    pattern: "income:discounts",
    class: Class::Income,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "discounts the platform funds (contra-income)",
};
const FEES_PROCESSING: Family = Family {
    pattern: "expenses:stripe-fees:processing",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what Stripe charges: processing",
};
const FEES_DISPUTE: Family = Family {
    pattern: "expenses:stripe-fees:dispute",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what Stripe charges: dispute",
};
const FEES_CONNECT: Family = Family {
    pattern: "expenses:stripe-fees:connect",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what Stripe charges: connect",
};
const FEES_FX: Family = Family {
    pattern: "expenses:stripe-fees:fx",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what Stripe charges: fx",
};
const FEES_PAYOUT: Family = Family {
    pattern: "expenses:stripe-fees:payout",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what Stripe charges: payout",
};
const CHARGEBACK_LOSS: Family = Family {
    pattern: "expenses:chargeback-loss",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "lost disputes that nobody else bears",
};
const BAD_DEBT: Family = Family {
    pattern: "expenses:bad-debt:seller",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what sellers owed and will not pay",
};
const GOODWILL: Family = Family {
    pattern: "expenses:goodwill",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "what the platform gives away of its own free will",
};
const FX_LOSS: Family = Family {
    pattern: "expenses:fx-loss",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Anybody,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::One,
    holds: "exchange losses",
};
const OWN_ASSETS: Family = Family {
    pattern: "assets:own:*",
    class: Class::Assets,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Adjustments,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "accounts a tenant has opened",
};
const OWN_LIABILITIES: Family = Family {
    pattern: "liabilities:own:*",
    class: Class::Liabilities,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Adjustments,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "accounts a tenant has opened",
};
const OWN_EQUITY: Family = Family {
    pattern: "equity:own:*",
    class: Class::Equity,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Adjustments,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "accounts a tenant has opened",
};
const OWN_INCOME: Family = Family {
    pattern: "income:own:*",
    class: Class::Income,
    normal_side: Side::Credit,
    currencies: Currencies::Any,
    posters: Posters::Adjustments,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "accounts a tenant has opened",
};
const OWN_EXPENSES: Family = Family {
    pattern: "expenses:own:*",
    class: Class::Expenses,
    normal_side: Side::Debit,
    currencies: Currencies::Any,
    posters: Posters::Adjustments,
    may_be_negative: true,
    must_return_to_zero: false,
    members: Members::Few,
    holds: "accounts a tenant has opened",
};

/// Every family, in the order of a balance sheet.
pub const CHART: &[Family] = &[
    STRIPE_BALANCE,
    STRIPE_RESERVED,
    STRIPE_PREFUNDING,
    CLEARING_CHARGE,
    CLEARING_REFUND,
    CLEARING_DISPUTE,
    CLEARING_TRANSFER,
    CLEARING_TRANSFER_REVERSAL,
    CLEARING_PAYOUT,
    CLEARING_TOPUP,
    CLEARING_APPFEE,
    CLEARING_APPFEE_REFUND,
    CLAIM,
    INTERNAL_APPFEE,
    PAYOUT_IN_TRANSIT,
    BANK,
    RECEIVABLE,
    DISPUTES_OPEN,
    VAT_RECOVERABLE,
    SUSPENSE_STRIPE,
    SELLER_PENDING,
    SELLER_AVAILABLE,
    SELLER_RESERVE,
    SELLER_DISPUTE_HOLD,
    TAX,
    REFUNDS_PAYABLE,
    UNALLOCATED,
    DEFERRED_REVENUE,
    STORE_CREDIT,
    BUYER_DEPOSIT,
    CARRIER,
    OWNER,
    OPENING,
    CONVERSION,
    COMMISSION,
    MEMBERSHIP,
    FEE_RECOVERY,
    DISPUTE_FEE_RECOVERY,
    FX_GAIN,
    COMMISSION_REFUNDED,
    DISCOUNTS,
    FEES_PROCESSING,
    FEES_DISPUTE,
    FEES_CONNECT,
    FEES_FX,
    FEES_PAYOUT,
    CHARGEBACK_LOSS,
    BAD_DEBT,
    GOODWILL,
    FX_LOSS,
    OWN_ASSETS,
    OWN_LIABILITIES,
    OWN_EQUITY,
    OWN_INCOME,
    OWN_EXPENSES,
];

/// The family of an account.
pub(super) const fn of(account: &Account) -> &'static Family {
    match account {
        Account::StripeBalance => &STRIPE_BALANCE,
        Account::StripeReserved => &STRIPE_RESERVED,
        Account::StripePrefunding => &STRIPE_PREFUNDING,
        Account::Clearing(kind, _) => match kind {
            Clearing::Charge => &CLEARING_CHARGE,
            Clearing::Refund => &CLEARING_REFUND,
            Clearing::Dispute => &CLEARING_DISPUTE,
            Clearing::Transfer => &CLEARING_TRANSFER,
            Clearing::TransferReversal => &CLEARING_TRANSFER_REVERSAL,
            Clearing::Payout => &CLEARING_PAYOUT,
            Clearing::Topup => &CLEARING_TOPUP,
            Clearing::ApplicationFee => &CLEARING_APPFEE,
            Clearing::ApplicationFeeRefund => &CLEARING_APPFEE_REFUND,
        },
        Account::Claim(_) => &CLAIM,
        Account::InternalAppFee(_) => &INTERNAL_APPFEE,
        Account::PayoutInTransit(_) => &PAYOUT_IN_TRANSIT,
        Account::Bank(_) => &BANK,
        Account::Receivable(_) => &RECEIVABLE,
        Account::DisputesOpen(_) => &DISPUTES_OPEN,
        Account::VatRecoverable => &VAT_RECOVERABLE,
        Account::SuspenseStripe => &SUSPENSE_STRIPE,
        Account::Seller(_, part) => match part {
            SellerPart::Pending => &SELLER_PENDING,
            SellerPart::Available => &SELLER_AVAILABLE,
            SellerPart::Reserve => &SELLER_RESERVE,
            SellerPart::DisputeHold => &SELLER_DISPUTE_HOLD,
        },
        Account::Tax(_) => &TAX,
        Account::RefundsPayable => &REFUNDS_PAYABLE,
        Account::Unallocated(_) => &UNALLOCATED,
        Account::DeferredRevenue(_) => &DEFERRED_REVENUE,
        Account::StoreCredit(_) => &STORE_CREDIT,
        Account::BuyerDeposit(_) => &BUYER_DEPOSIT,
        Account::Carrier(_) => &CARRIER,
        Account::Owner => &OWNER,
        Account::Opening => &OPENING,
        Account::Conversion => &CONVERSION,
        Account::Commission => &COMMISSION,
        Account::Membership => &MEMBERSHIP,
        Account::FeeRecovery => &FEE_RECOVERY,
        Account::DisputeFeeRecovery => &DISPUTE_FEE_RECOVERY,
        Account::FxGain => &FX_GAIN,
        Account::CommissionRefunded => &COMMISSION_REFUNDED,
        Account::Discounts => &DISCOUNTS,
        Account::StripeFees(kind) => match kind {
            StripeFee::Processing => &FEES_PROCESSING,
            StripeFee::Dispute => &FEES_DISPUTE,
            StripeFee::Connect => &FEES_CONNECT,
            StripeFee::Fx => &FEES_FX,
            StripeFee::Payout => &FEES_PAYOUT,
        },
        Account::ChargebackLoss => &CHARGEBACK_LOSS,
        Account::BadDebtSeller => &BAD_DEBT,
        Account::Goodwill => &GOODWILL,
        Account::FxLoss => &FX_LOSS,
        Account::Own(class, _) => match class {
            Class::Assets => &OWN_ASSETS,
            Class::Liabilities => &OWN_LIABILITIES,
            Class::Equity => &OWN_EQUITY,
            Class::Income => &OWN_INCOME,
            Class::Expenses => &OWN_EXPENSES,
        },
    }
}

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

/// A family of one account that anybody posts to, on the side of its class, in any currency, and
/// that may fall below zero: what most are. What is different about one is said of it below.
const fn family(class: Class, pattern: &'static str, holds: &'static str) -> Family {
    let normal_side = match class {
        Class::Assets | Class::Expenses => Side::Debit,
        Class::Liabilities | Class::Equity | Class::Income => Side::Credit,
    };
    Family {
        pattern,
        class,
        normal_side,
        currencies: Currencies::Any,
        posters: Posters::Anybody,
        may_be_negative: true,
        must_return_to_zero: false,
        members: Members::One,
        holds,
    }
}

impl Family {
    const fn with(mut self, members: Members) -> Self {
        self.members = members;
        self
    }

    const fn posted_by(mut self, posters: Posters) -> Self {
        self.posters = posters;
        self
    }

    const fn in_one_currency(mut self) -> Self {
        self.currencies = Currencies::One;
        self
    }

    const fn never_below_zero(mut self) -> Self {
        self.may_be_negative = false;
        self
    }

    const fn back_to_zero(mut self) -> Self {
        self.must_return_to_zero = true;
        self
    }

    /// Income that was given away, or given back.
    const fn contra(mut self) -> Self {
        self.normal_side = self.normal_side.other();
        self
    }
}

const fn assets(pattern: &'static str, holds: &'static str) -> Family {
    family(Class::Assets, pattern, holds)
}

const fn liabilities(pattern: &'static str, holds: &'static str) -> Family {
    family(Class::Liabilities, pattern, holds)
}

const fn equity(pattern: &'static str, holds: &'static str) -> Family {
    family(Class::Equity, pattern, holds)
}

const fn income(pattern: &'static str, holds: &'static str) -> Family {
    family(Class::Income, pattern, holds)
}

const fn expenses(pattern: &'static str, holds: &'static str) -> Family {
    family(Class::Expenses, pattern, holds)
}

/// What two sides have to say of one thing.
const fn clearing(pattern: &'static str, holds: &'static str) -> Family {
    assets(pattern, holds).with(Members::PerObject).posted_by(Posters::Decisions).back_to_zero()
}

/// What a seller is owed, or owes.
const fn sellers(class: Class, pattern: &'static str, holds: &'static str) -> Family {
    family(class, pattern, holds)
        .with(Members::PerSeller)
        .posted_by(Posters::SellerAccounts)
        .never_below_zero()
}

/// What tenants open for themselves.
const fn own(class: Class, pattern: &'static str) -> Family {
    family(class, pattern, "accounts a tenant has opened")
        .with(Members::Few)
        .posted_by(Posters::Adjustments)
}

const STRIPE_BALANCE: Family = assets(
    "assets:stripe:balance",
    "our balance at Stripe; in a mirror book, the connected account's",
)
.posted_by(Posters::BalanceTransactions);
const STRIPE_RESERVED: Family =
    assets("assets:stripe:reserved", "what Stripe holds in reserve of it")
        .posted_by(Posters::BalanceTransactions);
const STRIPE_PREFUNDING: Family =
    assets("assets:stripe:prefunding", "what was paid in to fund refunds and disputes")
        .posted_by(Posters::BalanceTransactions);
const CLEARING_CHARGE: Family =
    clearing("assets:clearing:stripe:charge:*", "our side and Stripe's of one charge");
const CLEARING_REFUND: Family =
    clearing("assets:clearing:stripe:refund:*", "our side and Stripe's of one refund");
const CLEARING_DISPUTE: Family =
    clearing("assets:clearing:stripe:dispute:*", "our side and Stripe's of one dispute");
const CLEARING_TRANSFER: Family =
    clearing("assets:clearing:stripe:transfer:*", "our side and Stripe's of one transfer");
const CLEARING_TRANSFER_REVERSAL: Family = clearing(
    "assets:clearing:stripe:transfer-reversal:*",
    "our side and Stripe's of one transfer reversal",
);
const CLEARING_PAYOUT: Family =
    clearing("assets:clearing:stripe:payout:*", "our side and Stripe's of one payout");
const CLEARING_TOPUP: Family =
    clearing("assets:clearing:stripe:topup:*", "our side and Stripe's of one topup");
const CLEARING_APPFEE: Family =
    clearing("assets:clearing:stripe:appfee:*", "our side and Stripe's of one application fee");
const CLEARING_APPFEE_REFUND: Family = clearing(
    "assets:clearing:stripe:appfee-refund:*",
    "our side and Stripe's of one application fee refund",
);
const CLAIM: Family =
    clearing("assets:clearing:internal:claim:*", "money between two of our streams")
        .in_one_currency();
const INTERNAL_APPFEE: Family = clearing(
    "assets:clearing:internal:appfee:*",
    "the fee of a destination charge until Stripe names it",
)
.in_one_currency();
const PAYOUT_IN_TRANSIT: Family = assets(
    "assets:payout-in-transit:*",
    "the platform's own payout until it is seen on the bank statement",
)
.with(Members::PerObject)
.in_one_currency()
.never_below_zero()
.back_to_zero();
const BANK: Family =
    assets("assets:bank:*", "the platform's bank; `external` for money paid by other means")
        .with(Members::Few);
const RECEIVABLE: Family =
    sellers(Class::Assets, "assets:receivable:seller:*", "what a seller owes");
const DISPUTES_OPEN: Family =
    assets("assets:disputes-open:*", "money withdrawn for a dispute whose outcome is open")
        .with(Members::PerObject)
        .posted_by(Posters::Decisions)
        .in_one_currency()
        .back_to_zero();
const VAT_RECOVERABLE: Family = assets("assets:vat-recoverable", "tax on Stripe's fees");
const SUSPENSE_STRIPE: Family = assets(
    "assets:suspense:stripe",
    "a balance transaction of a kind nobody has mapped, or without the object it needs",
)
.posted_by(Posters::Decisions)
.back_to_zero();
const SELLER_PENDING: Family = sellers(
    Class::Liabilities,
    "liabilities:seller:*:pending",
    "what a seller is owed: earned, waiting for the release policy",
);
const SELLER_AVAILABLE: Family = sellers(
    Class::Liabilities,
    "liabilities:seller:*:available",
    "what a seller is owed: may be paid out",
);
const SELLER_RESERVE: Family = sellers(
    Class::Liabilities,
    "liabilities:seller:*:reserve",
    "what a seller is owed: kept back for a time after release",
);
const SELLER_DISPUTE_HOLD: Family = sellers(
    Class::Liabilities,
    "liabilities:seller:*:dispute-hold",
    "what a seller is owed: kept back while a dispute is open",
);
const TAX: Family = liabilities("liabilities:tax:*", "tax collected, by jurisdiction")
    .with(Members::Few)
    .never_below_zero();
const REFUNDS_PAYABLE: Family =
    liabilities("liabilities:refunds-payable", "refunds owed to buyers and not yet sent")
        .posted_by(Posters::Decisions)
        .never_below_zero()
        .back_to_zero();
const UNALLOCATED: Family = liabilities(
    "liabilities:unallocated:*",
    "money that pays nothing yet, by charge; each is a work item",
)
.with(Members::PerObject)
.posted_by(Posters::Decisions)
.in_one_currency()
.never_below_zero()
.back_to_zero();
const DEFERRED_REVENUE: Family = liabilities(
    "liabilities:deferred-revenue:*",
    "memberships paid and not yet rendered, by product",
)
.with(Members::Few)
.never_below_zero();
const STORE_CREDIT: Family =
    liabilities("liabilities:store-credit:buyer:*", "credit a buyer may spend")
        .with(Members::PerObject)
        .never_below_zero();
const BUYER_DEPOSIT: Family =
    liabilities("liabilities:buyer-deposit:*", "a deposit taken for an auction")
        .with(Members::PerObject)
        .never_below_zero();
const CARRIER: Family = liabilities("liabilities:carrier:*", "what a carrier is owed")
    .with(Members::Few)
    .never_below_zero();
const OWNER: Family = liabilities("liabilities:owner", "mirror books only: the seller's own money")
    .posted_by(Posters::Decisions);
const OPENING: Family = equity("equity:opening", "what was there before the first event");
const CONVERSION: Family =
    equity("equity:conversion", "amounts exchanged for another currency, one balance per currency")
        .posted_by(Posters::Decisions);
const COMMISSION: Family = income("income:commission", "commission, gross");
const MEMBERSHIP: Family =
    income("income:membership", "memberships the platform sells itself, as they are rendered");
const FEE_RECOVERY: Family = income("income:fee-recovery", "Stripe's fees charged on to sellers");
const DISPUTE_FEE_RECOVERY: Family =
    income("income:dispute-fee-recovery", "dispute fees charged on to sellers");
const FX_GAIN: Family = income("income:fx-gain", "exchange gains");
const COMMISSION_REFUNDED: Family =
    income("income:commission-refunded", "commission given back (contra-income)").contra();
const DISCOUNTS: Family =
    income("income:discounts", "discounts the platform funds (contra-income)").contra();
const FEES_PROCESSING: Family =
    expenses("expenses:stripe-fees:processing", "what Stripe charges: processing");
const FEES_DISPUTE: Family =
    expenses("expenses:stripe-fees:dispute", "what Stripe charges: dispute");
const FEES_CONNECT: Family =
    expenses("expenses:stripe-fees:connect", "what Stripe charges: connect");
const FEES_FX: Family = expenses("expenses:stripe-fees:fx", "what Stripe charges: fx");
const FEES_PAYOUT: Family = expenses("expenses:stripe-fees:payout", "what Stripe charges: payout");
const CHARGEBACK_LOSS: Family =
    expenses("expenses:chargeback-loss", "lost disputes that nobody else bears");
const BAD_DEBT: Family = expenses("expenses:bad-debt:seller", "what sellers owed and will not pay");
const GOODWILL: Family =
    expenses("expenses:goodwill", "what the platform gives away of its own free will");
const FX_LOSS: Family = expenses("expenses:fx-loss", "exchange losses");
const OWN_ASSETS: Family = own(Class::Assets, "assets:own:*");
const OWN_LIABILITIES: Family = own(Class::Liabilities, "liabilities:own:*");
const OWN_EQUITY: Family = own(Class::Equity, "equity:own:*");
const OWN_INCOME: Family = own(Class::Income, "income:own:*");
const OWN_EXPENSES: Family = own(Class::Expenses, "expenses:own:*");

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

//! The chart of accounts: every account the books can name. What the accounts of one family have in
//! common (class, normal side, who may post, when they must be empty again) is data, in
//! [`CHART`].
//!
//! Accounts are per currency; the currency is a column beside the account, not a part of its name.
//! There is deliberately no rounding account: allocation is exact, so a rounding balance would
//! always be a mistake.

use std::{fmt, str::FromStr};

use aggregates::{
    tenant::accounts::is_own_path,
    vocabulary::{AccountRef, ClaimRef, StripeDisputeRef, StripePayoutRef},
};
use kernel::SellerId;

mod by_hand;
mod families;

pub use aggregates::vocabulary::Side;
pub use by_hand::{ByHand, ruling};
pub use families::{CHART, Currencies, Family, Members, Posters};

/// Whose books: the platform's own, or the mirror of a connected account's money, which is the
/// seller's and stands outside the platform's balance sheet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Book {
    /// The platform's.
    Platform,
    /// What we know of a connected account.
    Mirror(AccountRef),
}

/// The five classes of accounts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the words of bookkeeping")]
pub enum Class {
    Assets,
    Liabilities,
    Equity,
    Income,
    Expenses,
}

/// The kinds of Stripe objects whose two sides, ours and the balance transaction's, meet in
/// clearing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "Stripe's own words")]
pub enum Clearing {
    Charge,
    Refund,
    Dispute,
    Transfer,
    TransferReversal,
    Payout,
    Topup,
    #[strum(serialize = "appfee")]
    ApplicationFee,
    #[strum(serialize = "appfee-refund")]
    ApplicationFeeRefund,
}

/// The parts of what a seller is owed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "kebab-case")]
pub enum SellerPart {
    /// Earned, waiting for the release policy.
    Pending,
    /// May be paid out.
    Available,
    /// Kept back for a time after release.
    Reserve,
    /// Kept back while a dispute is open.
    DisputeHold,
}

/// What Stripe charges for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum StripeFee {
    Processing,
    Dispute,
    Connect,
    Fx,
    Payout,
}

/// An account. Written as a path, `assets:clearing:stripe:charge:ch_1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Account {
    /// Our balance at Stripe (or, in a mirror book, the connected account's). Only balance
    /// transactions touch it. May be negative.
    StripeBalance,
    /// The part of it that Stripe holds in reserve.
    StripeReserved,
    /// What was paid in to fund refunds and disputes (`refund_and_dispute_prefunding`).
    StripePrefunding,
    /// What our decision and Stripe's balance transaction say of one Stripe object; zero when both
    /// have spoken.
    Clearing(Clearing, String),
    /// An amount between two of our own streams; zero when it has arrived.
    Claim(ClaimRef),
    /// The application fee of a destination charge, between the transfer it is taken from and the
    /// fee Stripe names; zero when both are known.
    InternalAppFee(String),
    /// A payout of the platform's own, until it is seen on the bank statement.
    PayoutInTransit(StripePayoutRef),
    /// A bank account of the platform's: `main`, or `external` for money paid by other means.
    Bank(String),
    /// What a seller owes.
    Receivable(SellerId),
    /// Money withdrawn for a dispute whose outcome is open.
    DisputesOpen(StripeDisputeRef),
    /// Value added tax on Stripe's fees.
    VatRecoverable,
    /// A balance transaction of a kind that nobody has mapped: an alarm when not zero.
    SuspenseStripe,
    /// What a seller is owed.
    Seller(SellerId, SellerPart),
    /// Tax collected for a jurisdiction.
    Tax(String),
    /// Refunds that are owed to buyers and not yet sent.
    RefundsPayable,
    /// Money that belongs to no order, by charge: each one is a work item.
    Unallocated(String),
    /// Memberships that are paid and not yet rendered, by product.
    DeferredRevenue(String),
    /// Credit a buyer may spend.
    StoreCredit(String),
    /// A deposit taken for an auction.
    BuyerDeposit(String),
    /// What a carrier is owed.
    Carrier(String),
    /// Mirror books only: the seller's own money.
    Owner,
    /// What was there before the first event.
    Opening,
    /// Amounts exchanged for another currency: one balance per currency (currency trading account).
    Conversion,
    /// Commission, gross.
    Commission,
    /// Memberships the platform sells itself, as they are rendered.
    Membership,
    /// Stripe's fees charged on to sellers.
    FeeRecovery,
    /// Dispute fees charged on to sellers.
    DisputeFeeRecovery,
    /// Commission given back: contra-income, so that gross and net are both visible.
    CommissionRefunded,
    /// Discounts the platform funds: contra-income.
    Discounts,
    /// Exchange gains.
    FxGain,
    /// What Stripe charges.
    StripeFees(StripeFee),
    /// Lost disputes that nobody else bears.
    ChargebackLoss,
    /// What sellers owed and will not pay.
    BadDebtSeller,
    /// What the platform gives away of its own free will.
    Goodwill,
    /// Exchange losses.
    FxLoss,
    /// An account a tenant has opened for himself, `expenses:own:rent`: class and path.
    Own(Class, String),
}

/// A text that names no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an account of the chart")]
pub struct UnknownAccount(pub String);

impl Account {
    /// The family it belongs to, with everything its accounts have in common.
    #[must_use]
    pub const fn family(&self) -> &'static Family {
        families::of(self)
    }

    /// Its class, the first part of its name.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.family().class
    }

    /// The side on which it grows. Contra-income grows on the left although it is income.
    #[must_use]
    pub const fn normal_side(&self) -> Side {
        self.family().normal_side
    }

    /// Whether its balance, on its normal side, may fall below zero.
    #[must_use]
    pub const fn may_be_negative(&self) -> bool {
        self.family().may_be_negative
    }

    /// Whether a balance other than zero is unfinished business.
    #[must_use]
    pub const fn must_return_to_zero(&self) -> bool {
        self.family().must_return_to_zero
    }

    /// Whether only balance transactions may touch it.
    #[must_use]
    pub const fn is_stripe(&self) -> bool {
        matches!(self.family().posters, Posters::BalanceTransactions)
    }

    /// Whose position it is part of, if it is a seller's account.
    #[must_use]
    pub const fn seller(&self) -> Option<SellerId> {
        if let Self::Seller(seller, _) | Self::Receivable(seller) = self {
            Some(*seller)
        } else {
            None
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// The account of this name.
    ///
    /// # Errors
    /// [`UnknownAccount`].
    pub fn parse(name: &str) -> Result<Self, UnknownAccount> {
        name.parse()
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StripeBalance => f.write_str("assets:stripe:balance"),
            Self::StripeReserved => f.write_str("assets:stripe:reserved"),
            Self::StripePrefunding => f.write_str("assets:stripe:prefunding"),
            Self::Clearing(kind, id) => write!(f, "assets:clearing:stripe:{kind}:{id}"),
            Self::Claim(claim) => write!(f, "assets:clearing:internal:claim:{claim}"),
            Self::InternalAppFee(fee) => write!(f, "assets:clearing:internal:appfee:{fee}"),
            Self::PayoutInTransit(payout) => write!(f, "assets:payout-in-transit:{payout}"),
            Self::Bank(bank) => write!(f, "assets:bank:{bank}"),
            Self::Receivable(seller) => write!(f, "assets:receivable:seller:{seller}"),
            Self::DisputesOpen(dispute) => write!(f, "assets:disputes-open:{dispute}"),
            Self::VatRecoverable => f.write_str("assets:vat-recoverable"),
            Self::SuspenseStripe => f.write_str("assets:suspense:stripe"),
            Self::Seller(seller, part) => write!(f, "liabilities:seller:{seller}:{part}"),
            Self::Tax(jurisdiction) => write!(f, "liabilities:tax:{jurisdiction}"),
            Self::RefundsPayable => f.write_str("liabilities:refunds-payable"),
            Self::Unallocated(charge) => write!(f, "liabilities:unallocated:{charge}"),
            Self::DeferredRevenue(product) => {
                write!(f, "liabilities:deferred-revenue:{product}")
            }
            Self::StoreCredit(buyer) => write!(f, "liabilities:store-credit:buyer:{buyer}"),
            Self::BuyerDeposit(auction) => write!(f, "liabilities:buyer-deposit:{auction}"),
            Self::Carrier(carrier) => write!(f, "liabilities:carrier:{carrier}"),
            Self::Owner => f.write_str("liabilities:owner"),
            Self::Opening => f.write_str("equity:opening"),
            Self::Conversion => f.write_str("equity:conversion"),
            Self::Membership => f.write_str("income:membership"),
            Self::FeeRecovery => f.write_str("income:fee-recovery"),
            Self::FxGain => f.write_str("income:fx-gain"),
            Self::Goodwill => f.write_str("expenses:goodwill"),
            Self::FxLoss => f.write_str("expenses:fx-loss"),
            Self::Own(class, path) => write!(f, "{class}:own:{path}"),
            Self::Commission => f.write_str("income:commission"),
            Self::DisputeFeeRecovery => f.write_str("income:dispute-fee-recovery"),
            Self::CommissionRefunded => f.write_str("income:commission-refunded"),
            Self::Discounts => f.write_str("income:discounts"),
            Self::StripeFees(kind) => write!(f, "expenses:stripe-fees:{kind}"),
            Self::ChargebackLoss => f.write_str("expenses:chargeback-loss"),
            Self::BadDebtSeller => f.write_str("expenses:bad-debt:seller"),
        }
    }
}

impl FromStr for Account {
    type Err = UnknownAccount;

    fn from_str(name: &str) -> Result<Self, UnknownAccount> {
        let unknown = || UnknownAccount(name.to_owned());
        match name {
            "assets:stripe:balance" => return Ok(Self::StripeBalance),
            "assets:stripe:reserved" => return Ok(Self::StripeReserved),
            "assets:stripe:prefunding" => return Ok(Self::StripePrefunding),
            "equity:opening" => return Ok(Self::Opening),
            "equity:conversion" => return Ok(Self::Conversion),
            "income:membership" => return Ok(Self::Membership),
            "income:fee-recovery" => return Ok(Self::FeeRecovery),
            "income:fx-gain" => return Ok(Self::FxGain),
            "expenses:goodwill" => return Ok(Self::Goodwill),
            "expenses:fx-loss" => return Ok(Self::FxLoss),
            "assets:vat-recoverable" => return Ok(Self::VatRecoverable),
            "assets:suspense:stripe" => return Ok(Self::SuspenseStripe),
            "liabilities:refunds-payable" => return Ok(Self::RefundsPayable),
            "liabilities:owner" => return Ok(Self::Owner),
            "income:commission" => return Ok(Self::Commission),
            "income:dispute-fee-recovery" => return Ok(Self::DisputeFeeRecovery),
            "income:commission-refunded" => return Ok(Self::CommissionRefunded),
            "income:discounts" => return Ok(Self::Discounts),
            "expenses:chargeback-loss" => return Ok(Self::ChargebackLoss),
            "expenses:bad-debt:seller" => return Ok(Self::BadDebtSeller),
            _ => {}
        }
        let after = |prefix: &str| {
            name.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned)
        };
        if let Some(rest) = after("assets:clearing:stripe:") {
            let (kind, id) = rest.split_once(':').ok_or_else(unknown)?;
            return Ok(Self::Clearing(kind.parse().map_err(|_| unknown())?, id.to_owned()));
        }
        if let Some(rest) = after("liabilities:seller:") {
            let (seller, part) = rest.split_once(':').ok_or_else(unknown)?;
            let seller = seller.parse().map_err(|_| unknown())?;
            return Ok(Self::Seller(seller, part.parse().map_err(|_| unknown())?));
        }
        if let Some(rest) = after("assets:receivable:seller:") {
            return rest.parse().map(Self::Receivable).map_err(|_| unknown());
        }
        if let Some(rest) = after("expenses:stripe-fees:") {
            return rest.parse().map(Self::StripeFees).map_err(|_| unknown());
        }
        if let Some((class, path)) = name.split_once(":own:")
            && let Ok(class) = class.parse()
            && is_own_path(path)
        {
            return Ok(Self::Own(class, path.to_owned()));
        }
        after("assets:clearing:internal:claim:")
            .map(|rest| Self::Claim(ClaimRef(rest)))
            .or_else(|| {
                after("assets:payout-in-transit:")
                    .map(|rest| Self::PayoutInTransit(StripePayoutRef(rest)))
            })
            .or_else(|| after("assets:clearing:internal:appfee:").map(Self::InternalAppFee))
            .or_else(|| after("assets:bank:").map(Self::Bank))
            .or_else(|| {
                after("assets:disputes-open:")
                    .map(|rest| Self::DisputesOpen(StripeDisputeRef(rest)))
            })
            .or_else(|| after("liabilities:tax:").map(Self::Tax))
            .or_else(|| after("liabilities:unallocated:").map(Self::Unallocated))
            .or_else(|| after("liabilities:deferred-revenue:").map(Self::DeferredRevenue))
            .or_else(|| after("liabilities:store-credit:buyer:").map(Self::StoreCredit))
            .or_else(|| after("liabilities:buyer-deposit:").map(Self::BuyerDeposit))
            .or_else(|| after("liabilities:carrier:").map(Self::Carrier))
            .ok_or_else(unknown)
    }
}

impl fmt::Display for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Mirror(account) => account.fmt(f),
        }
    }
}

impl FromStr for Book {
    type Err = std::convert::Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name {
            "platform" => Self::Platform,
            account => Self::Mirror(AccountRef(account.to_owned())),
        })
    }
}

store::text_field!(Account, Book);

#[cfg(test)]
mod tests {
    use super::*;

    fn every_account() -> Vec<(Account, &'static str)> {
        let seller = SellerId::default();
        vec![
            (Account::StripeBalance, "assets:stripe:balance"),
            (Account::StripeReserved, "assets:stripe:reserved"),
            (
                Account::Clearing(Clearing::Charge, "ch_1".into()),
                "assets:clearing:stripe:charge:ch_1",
            ),
            (
                Account::Clearing(Clearing::TransferReversal, "trr_1".into()),
                "assets:clearing:stripe:transfer-reversal:trr_1",
            ),
            (
                Account::Clearing(Clearing::ApplicationFeeRefund, "fr_1".into()),
                "assets:clearing:stripe:appfee-refund:fr_1",
            ),
            (Account::Claim("ord_1:0".into()), "assets:clearing:internal:claim:ord_1:0"),
            (Account::InternalAppFee("fee_1".into()), "assets:clearing:internal:appfee:fee_1"),
            (Account::PayoutInTransit("po_1".into()), "assets:payout-in-transit:po_1"),
            (Account::Bank("main".into()), "assets:bank:main"),
            (
                Account::Receivable(seller),
                "assets:receivable:seller:sel_00000000000000000000000000000000",
            ),
            (Account::DisputesOpen("dp_1".into()), "assets:disputes-open:dp_1"),
            (Account::VatRecoverable, "assets:vat-recoverable"),
            (Account::SuspenseStripe, "assets:suspense:stripe"),
            (
                Account::Seller(seller, SellerPart::DisputeHold),
                "liabilities:seller:sel_00000000000000000000000000000000:dispute-hold",
            ),
            (Account::Tax("US-CA".into()), "liabilities:tax:US-CA"),
            (Account::RefundsPayable, "liabilities:refunds-payable"),
            (Account::Unallocated("ch_1".into()), "liabilities:unallocated:ch_1"),
            (
                Account::DeferredRevenue("gold-yearly".into()),
                "liabilities:deferred-revenue:gold-yearly",
            ),
            (Account::StoreCredit("sub_1".into()), "liabilities:store-credit:buyer:sub_1"),
            (Account::BuyerDeposit("auc_1".into()), "liabilities:buyer-deposit:auc_1"),
            (Account::Carrier("post".into()), "liabilities:carrier:post"),
            (Account::Owner, "liabilities:owner"),
            (Account::StripePrefunding, "assets:stripe:prefunding"),
            (Account::Opening, "equity:opening"),
            (Account::Conversion, "equity:conversion"),
            (Account::Membership, "income:membership"),
            (Account::FeeRecovery, "income:fee-recovery"),
            (Account::FxGain, "income:fx-gain"),
            (Account::Goodwill, "expenses:goodwill"),
            (Account::FxLoss, "expenses:fx-loss"),
            (Account::Own(Class::Expenses, "rent:berlin".into()), "expenses:own:rent:berlin"),
            (Account::Commission, "income:commission"),
            (Account::DisputeFeeRecovery, "income:dispute-fee-recovery"),
            (Account::CommissionRefunded, "income:commission-refunded"),
            (Account::Discounts, "income:discounts"),
            (Account::StripeFees(StripeFee::Fx), "expenses:stripe-fees:fx"),
            (Account::ChargebackLoss, "expenses:chargeback-loss"),
            (Account::BadDebtSeller, "expenses:bad-debt:seller"),
        ]
    }

    #[test]
    fn every_account_has_its_name_and_reads_back() {
        for (account, name) in every_account() {
            assert_eq!(account.name(), name);
            assert_eq!(Account::parse(name), Ok(account.clone()));
            assert_eq!(name.split(':').next(), Some(account.class().to_string().as_str()));
            let family = account.family();
            assert!(family.covers(name), "{name} is not of the family {}", family.pattern);
            let covering = CHART.iter().filter(|family| family.covers(name)).count();
            assert_eq!(covering, 1, "{name} is of {covering} families");
        }
    }

    #[test]
    fn what_is_not_in_the_chart_is_refused() {
        for name in [
            "equity:rounding",
            "assets:clearing:stripe:charge",
            "assets:clearing:stripe:cheque:c_1",
            "liabilities:seller:sel_1:pending",
            "liabilities:tax:",
            "costs:own:rent",
            "expenses:own:",
            "expenses:own:Rent",
            "expenses:own:rent:",
            "",
        ] {
            assert_eq!(Account::parse(name), Err(UnknownAccount(name.to_owned())));
        }
    }

    #[test]
    fn contra_income_grows_on_the_left() {
        assert_eq!(Account::Discounts.normal_side(), Side::Debit);
        assert_eq!(Account::Commission.normal_side(), Side::Credit);
        assert_eq!(Account::RefundsPayable.normal_side(), Side::Credit);
        assert_eq!(Account::SuspenseStripe.normal_side(), Side::Debit);
    }

    #[test]
    fn books_read_back_as_written() {
        for book in [Book::Platform, Book::Mirror("acct_1".into())] {
            assert_eq!(book.to_string().parse(), Ok(book));
        }
    }
}

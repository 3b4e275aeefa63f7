//! The chart of accounts: every account the books can name, what it may hold, and when it must be
//! empty again.
//!
//! Accounts are per currency; the currency is a column beside the account, not a part of its name.
//! There is deliberately no rounding account: allocation is exact, so a rounding balance would
//! always be a mistake.

use std::{fmt, str::FromStr};

use aggregates::vocabulary::{AccountRef, ClaimRef, StripeDisputeRef, StripePayoutRef};
use kernel::SellerId;

/// Whose books: the platform's own, or the mirror of a connected account's money, which is the
/// seller's and stands outside the platform's balance sheet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Book {
    /// The platform's.
    Platform,
    /// What we know of a connected account.
    Mirror(AccountRef),
}

/// The two sides of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Side {
    /// The left side: assets and expenses grow.
    Debit,
    /// The right side: liabilities, equity and income grow.
    Credit,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

/// The five classes of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display)]
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
    /// What our decision and Stripe's balance transaction say of one Stripe object; zero when both
    /// have spoken.
    Clearing(Clearing, String),
    /// An amount between two of our own streams; zero when it has arrived.
    Claim(ClaimRef),
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
    /// Mirror books only: the seller's own money.
    Owner,
    /// Commission, gross.
    Commission,
    /// Dispute fees charged on to sellers.
    DisputeFeeRecovery,
    /// Commission given back: contra-income, so that gross and net are both visible.
    CommissionRefunded,
    /// Discounts the platform funds: contra-income.
    Discounts,
    /// What Stripe charges.
    StripeFees(StripeFee),
    /// Lost disputes that nobody else bears.
    ChargebackLoss,
    /// What sellers owed and will not pay.
    BadDebtSeller,
}

/// A text that names no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an account of the chart")]
pub struct UnknownAccount(pub String);

impl Account {
    /// Its class, the first part of its name.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::StripeBalance
            | Self::StripeReserved
            | Self::Clearing(..)
            | Self::Claim(_)
            | Self::PayoutInTransit(_)
            | Self::Bank(_)
            | Self::Receivable(_)
            | Self::DisputesOpen(_)
            | Self::VatRecoverable
            | Self::SuspenseStripe => Class::Assets,
            Self::Seller(..)
            | Self::Tax(_)
            | Self::RefundsPayable
            | Self::Unallocated(_)
            | Self::Owner => Class::Liabilities,
            Self::Commission
            | Self::DisputeFeeRecovery
            | Self::CommissionRefunded
            | Self::Discounts => Class::Income,
            Self::StripeFees(_) | Self::ChargebackLoss | Self::BadDebtSeller => Class::Expenses,
        }
    }

    /// The side on which it grows. Contra-income grows on the left although it is income.
    #[must_use]
    pub const fn normal_side(&self) -> Side {
        match self {
            Self::CommissionRefunded | Self::Discounts => Side::Debit,
            Self::StripeBalance
            | Self::StripeReserved
            | Self::Clearing(..)
            | Self::Claim(_)
            | Self::PayoutInTransit(_)
            | Self::Bank(_)
            | Self::Receivable(_)
            | Self::DisputesOpen(_)
            | Self::VatRecoverable
            | Self::SuspenseStripe
            | Self::Seller(..)
            | Self::Tax(_)
            | Self::RefundsPayable
            | Self::Unallocated(_)
            | Self::Owner
            | Self::Commission
            | Self::DisputeFeeRecovery
            | Self::StripeFees(_)
            | Self::ChargebackLoss
            | Self::BadDebtSeller => match self.class() {
                Class::Assets | Class::Expenses => Side::Debit,
                Class::Liabilities | Class::Equity | Class::Income => Side::Credit,
            },
        }
    }

    /// Whether its balance, on its normal side, may fall below zero.
    ///
    /// Stripe's balance may, and so may clearing and claims, because either side may come first. A
    /// mirror book may see a bank payout before the transfer that fed it. What is owed to sellers,
    /// buyers and tax offices never may, nor what they owe: one stream decides those in one order.
    #[must_use]
    pub const fn may_be_negative(&self) -> bool {
        match self {
            Self::Seller(..)
            | Self::Receivable(_)
            | Self::Tax(_)
            | Self::RefundsPayable
            | Self::Unallocated(_)
            | Self::DisputesOpen(_)
            | Self::PayoutInTransit(_) => false,
            Self::StripeBalance
            | Self::StripeReserved
            | Self::Clearing(..)
            | Self::Claim(_)
            | Self::Bank(_)
            | Self::VatRecoverable
            | Self::SuspenseStripe
            | Self::Owner
            | Self::Commission
            | Self::DisputeFeeRecovery
            | Self::CommissionRefunded
            | Self::Discounts
            | Self::StripeFees(_)
            | Self::ChargebackLoss
            | Self::BadDebtSeller => true,
        }
    }

    /// Whether a balance other than zero is unfinished business.
    #[must_use]
    pub const fn must_return_to_zero(&self) -> bool {
        match self {
            Self::Clearing(..)
            | Self::Claim(_)
            | Self::PayoutInTransit(_)
            | Self::DisputesOpen(_)
            | Self::SuspenseStripe
            | Self::RefundsPayable
            | Self::Unallocated(_) => true,
            Self::StripeBalance
            | Self::StripeReserved
            | Self::Bank(_)
            | Self::Receivable(_)
            | Self::VatRecoverable
            | Self::Seller(..)
            | Self::Tax(_)
            | Self::Owner
            | Self::Commission
            | Self::DisputeFeeRecovery
            | Self::CommissionRefunded
            | Self::Discounts
            | Self::StripeFees(_)
            | Self::ChargebackLoss
            | Self::BadDebtSeller => false,
        }
    }

    /// Whether only balance transactions may touch it.
    #[must_use]
    pub const fn is_stripe(&self) -> bool {
        matches!(self, Self::StripeBalance | Self::StripeReserved)
    }

    /// Whose position it is part of, if it is a seller's account.
    #[must_use]
    pub const fn seller(&self) -> Option<SellerId> {
        match self {
            Self::Seller(seller, _) | Self::Receivable(seller) => Some(*seller),
            Self::StripeBalance
            | Self::StripeReserved
            | Self::Clearing(..)
            | Self::Claim(_)
            | Self::PayoutInTransit(_)
            | Self::Bank(_)
            | Self::DisputesOpen(_)
            | Self::VatRecoverable
            | Self::SuspenseStripe
            | Self::Tax(_)
            | Self::RefundsPayable
            | Self::Unallocated(_)
            | Self::Owner
            | Self::Commission
            | Self::DisputeFeeRecovery
            | Self::CommissionRefunded
            | Self::Discounts
            | Self::StripeFees(_)
            | Self::ChargebackLoss
            | Self::BadDebtSeller => None,
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
            Self::Clearing(kind, id) => write!(f, "assets:clearing:stripe:{kind}:{id}"),
            Self::Claim(claim) => write!(f, "assets:clearing:internal:claim:{claim}"),
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
            Self::Owner => f.write_str("liabilities:owner"),
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
        after("assets:clearing:internal:claim:")
            .map(|rest| Self::Claim(ClaimRef(rest)))
            .or_else(|| {
                after("assets:payout-in-transit:")
                    .map(|rest| Self::PayoutInTransit(StripePayoutRef(rest)))
            })
            .or_else(|| after("assets:bank:").map(Self::Bank))
            .or_else(|| {
                after("assets:disputes-open:")
                    .map(|rest| Self::DisputesOpen(StripeDisputeRef(rest)))
            })
            .or_else(|| after("liabilities:tax:").map(Self::Tax))
            .or_else(|| after("liabilities:unallocated:").map(Self::Unallocated))
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
            (Account::Owner, "liabilities:owner"),
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

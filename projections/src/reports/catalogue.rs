//! Which reports there are, and what each must be told.

/// The name of a report, as it is asked for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumString,
    strum::EnumIter,
)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "each says what it is in `summary`")]
pub enum ReportName {
    TrialBalance,
    GeneralLedger,
    SellerStatement,
    Revenue,
    MrrMovements,
    TaxLiability,
    AgedClearing,
    AgedReceivables,
    PayoutRegister,
    Fees,
    Gmv,
    TakeRate,
}

/// Over which time a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A period: from, to, or a month.
    Period,
    /// An instant: what stands at the end of a day.
    Instant,
    /// Either: what stands, with what moved if a beginning is named.
    Either,
}

/// What a report must be told beside the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Which account, or family of accounts.
    Account,
    /// Which seller.
    Seller,
}

impl ReportName {
    /// All, in the order they are listed.
    pub fn all() -> impl Iterator<Item = Self> {
        use strum::IntoEnumIterator;
        Self::iter()
    }

    /// What it is called on paper.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::TrialBalance => "Trial balance",
            Self::GeneralLedger => "General ledger",
            Self::SellerStatement => "Seller statement",
            Self::Revenue => "Revenue by stream and month",
            Self::MrrMovements => "Movements of monthly recurring revenue",
            Self::TaxLiability => "Tax liability",
            Self::AgedClearing => "Aged clearing",
            Self::AgedReceivables => "Aged receivables",
            Self::PayoutRegister => "Payout register",
            Self::Fees => "Fees",
            Self::Gmv => "Gross merchandise value",
            Self::TakeRate => "Take rate",
        }
    }

    /// What it answers, in a sentence.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::TrialBalance => {
                "The balance of every account; debits and credits are equal in each currency."
            }
            Self::GeneralLedger => "Every line of one account, with the balance after each.",
            Self::SellerStatement => {
                "What a seller was owed, what moved it, and what he is owed at the end."
            }
            Self::Revenue => {
                "What the platform earned, by stream and month: gross, contra-income and net."
            }
            Self::MrrMovements => {
                "How monthly recurring revenue changed: new, expansion, contraction, churn."
            }
            Self::TaxLiability => {
                "Tax collected, refunded and remitted, and what is owed, by jurisdiction and month."
            }
            Self::AgedClearing => {
                "What is on its way or unfinished, by kind and age of the oldest open amount."
            }
            Self::AgedReceivables => "What sellers owe, by the age of the oldest open amount.",
            Self::PayoutRegister => {
                "Every payout that was opened, with its state and its transfer."
            }
            Self::Fees => {
                "What Stripe charged by kind and month, what was charged on, and commission."
            }
            Self::Gmv => "What was sold by month, before and after refunds and lost disputes.",
            Self::TakeRate => "What the platform keeps of what is sold, as a ratio, by month.",
        }
    }

    /// Over which time it is.
    #[must_use]
    pub const fn span(self) -> Span {
        match self {
            Self::TrialBalance => Span::Either,
            Self::AgedClearing | Self::AgedReceivables => Span::Instant,
            Self::GeneralLedger
            | Self::SellerStatement
            | Self::Revenue
            | Self::MrrMovements
            | Self::TaxLiability
            | Self::PayoutRegister
            | Self::Fees
            | Self::Gmv
            | Self::TakeRate => Span::Period,
        }
    }

    /// What it must be told beside the time.
    #[must_use]
    pub const fn needs(self) -> Needs {
        match self {
            Self::GeneralLedger => Needs::Account,
            Self::SellerStatement => Needs::Seller,
            Self::TrialBalance
            | Self::Revenue
            | Self::MrrMovements
            | Self::TaxLiability
            | Self::AgedClearing
            | Self::AgedReceivables
            | Self::PayoutRegister
            | Self::Fees
            | Self::Gmv
            | Self::TakeRate => Needs::Nothing,
        }
    }
}

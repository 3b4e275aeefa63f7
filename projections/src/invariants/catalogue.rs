//! The invariants by name: what each says, and who watches it.

use strum::{Display, EnumString};

/// What must always hold. The numbers are those of docs/ACCOUNTING.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString)]
#[expect(missing_docs, reason = "each has its sentence below")]
pub enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I10,
    I11,
    I12,
    I13,
    I14,
    I15,
    I16,
    I17,
    #[strum(serialize = "earnings")]
    Earnings,
}

store::text_field!(Invariant);

/// Who watches an invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display)]
#[strum(serialize_all = "snake_case")]
pub enum WatchedBy {
    /// The read model `invariants`, after every event.
    ReadModel,
    /// `daybook check` and `daybook replay`: it takes the whole history.
    Replay,
    /// Tests and simulations: it is about histories that did not happen.
    Simulation,
}

impl Invariant {
    /// All of them, in their order.
    pub const ALL: [Self; 18] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I11,
        Self::I12,
        Self::I13,
        Self::I14,
        Self::I15,
        Self::I16,
        Self::I17,
        Self::Earnings,
    ];

    /// What it says.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::I1 => "every entry balances, and every amount is more than zero",
            Self::I2 => "the trial balance of every book and currency is zero",
            Self::I3 => "an amount on its way keeps its currency",
            Self::I4 => {
                "only balance transactions move Stripe's balance, each once and by its net amount"
            }
            Self::I5 => "what is on its way arrives within the limit of its kind",
            Self::I6 => {
                "what is owed is never negative, and after a release no seller owes and is owed"
            }
            Self::I7 => "an order took in the sum of its parts, and no part gives back more",
            Self::I8 => "deferred, recognised and refunded revenue come to what was billed",
            Self::I9 => "a reconciled payout is the sum of its transactions",
            Self::I10 => "what the platform transfers arrives in the mirror book of the account",
            Self::I11 => "tax owed is tax collected less refunded and remitted, by jurisdiction",
            Self::I12 => "every event is posted once, and so is every reversal",
            Self::I13 => "a replay from the first event comes to the live state",
            Self::I14 => "the order in which Stripe's facts arrive does not change any balance",
            Self::I15 => "no entry takes effect in a closed period",
            Self::I16 => "nothing stands in suspense",
            Self::I17 => "there is no rounding account",
            Self::Earnings => "a seller's net earnings are his position and what was paid out",
        }
    }

    /// Who watches it.
    #[must_use]
    pub const fn watched_by(self) -> WatchedBy {
        match self {
            Self::I13 => WatchedBy::Replay,
            Self::I14 => WatchedBy::Simulation,
            Self::I1
            | Self::I2
            | Self::I3
            | Self::I4
            | Self::I5
            | Self::I6
            | Self::I7
            | Self::I8
            | Self::I9
            | Self::I10
            | Self::I11
            | Self::I12
            | Self::I15
            | Self::I16
            | Self::I17
            | Self::Earnings => WatchedBy::ReadModel,
        }
    }

    /// Whether it may be broken for a time without anything being wrong with the history: only what
    /// stands open counts. The others must hold at every position.
    #[must_use]
    pub const fn may_heal(self) -> bool {
        matches!(self, Self::I5 | Self::I9 | Self::I16)
    }

    /// Its place in [`Self::ALL`].
    pub(super) fn place(self) -> usize {
        Self::ALL.iter().position(|known| *known == self).unwrap_or_default()
    }
}

/// How long an account of a family may be open before that is an alarm (I5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgeLimit {
    /// The family, as the chart names it.
    pub family: &'static str,
    /// Days from the first entry on, by the effective times of the tenant's entries.
    pub days: i64,
}

const fn limit(family: &'static str, days: i64) -> AgeLimit {
    AgeLimit { family, days }
}

/// The limits by kind. They are long enough for a set-up without a Stripe key, where the side of the
/// balance transactions comes with a monthly file.
pub const AGE_LIMITS: &[AgeLimit] = &[
    limit("assets:clearing:stripe:charge:*", 35),
    limit("assets:clearing:stripe:refund:*", 35),
    limit("assets:clearing:stripe:dispute:*", 35),
    limit("assets:clearing:stripe:transfer:*", 35),
    limit("assets:clearing:stripe:transfer-reversal:*", 35),
    limit("assets:clearing:stripe:payout:*", 35),
    limit("assets:clearing:stripe:topup:*", 35),
    limit("assets:clearing:stripe:appfee:*", 35),
    limit("assets:clearing:stripe:appfee-refund:*", 35),
    limit("assets:clearing:internal:claim:*", 3),
    limit("assets:clearing:internal:appfee:*", 35),
    limit("assets:payout-in-transit:*", 35),
    limit("assets:disputes-open:*", 180),
    limit("liabilities:unallocated:*", 60),
];

/// For a family that has no limit of its own.
pub(super) const DAYS_OTHERWISE: i64 = 35;

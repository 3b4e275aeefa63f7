//! What a membership can be asked to do.

use chrono::NaiveDate;
use kernel::{Money, PaymentId, RefundId, Timestamp};

use super::events::MembershipTerms;
use crate::vocabulary::{ChargeRef, MembershipRef, PeriodRef, PeriodTerms, Person};

/// A period somebody paid for, or whose price is covered by what is carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaidPeriod {
    /// The membership's own name.
    pub membership: MembershipRef,
    /// What is sold.
    pub terms: PeriodTerms,
    /// The cash, tax included.
    pub paid: Money,
    /// The charge that brought it; there is none exactly when nothing is paid.
    pub charge: Option<(PaymentId, ChargeRef)>,
    /// When Stripe makes the money available, if that is known.
    pub available_on: Option<Timestamp>,
    /// When it was paid.
    pub occurred_at: Timestamp,
}

/// How much of a cancelled period goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelRefund {
    /// Nothing.
    Nothing,
    /// The part of the time that is left.
    ProRata(RefundId),
    /// So much, tax included.
    Amount(RefundId, Money),
}

/// What a membership can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum MembershipCommand {
    /// Make it known.
    Start { membership: MembershipRef, terms: Box<MembershipTerms> },
    /// A period was paid. Money is never lost: what cannot be sold as told is answered by
    /// `PeriodRefused` where there is a charge, and refused where there is none.
    RecordPaidPeriod(Box<PaidPeriod>),
    /// Stripe has said when the money of a period is available.
    NoteFunds { period: PeriodRef, available_on: Timestamp },
    /// Recognise every day up to this one, and every later one that is over (timer; early is
    /// refused).
    RecogniseThrough { period: PeriodRef, day: NaiveDate },
    /// Give money of a period back; `None` is all that is left of it. The period goes on.
    RefundPeriod {
        refund: RefundId,
        period: PeriodRef,
        amount: Option<Money>,
        reason: String,
        by: Person,
    },
    /// That refund is not owed any more.
    RevertRefund { refund: RefundId },
    /// The bank took the money of this charge back.
    ReverseCapture { charge: ChargeRef, amount: Money, occurred_at: Timestamp },
    /// Cut a period short today (`None`: the one that ends last) and, when no other is open, end
    /// the membership.
    Cancel { period: Option<PeriodRef>, refund: CancelRefund, reason: String, by: Person },
    /// No further period follows; a running one is rendered to its end.
    End { reason: String, by: Person },
    /// Nobody has paid a further period (timer; early is refused).
    Lapse,
}

//! How things turn out: the plans and rules that a script lays down beforehand.

use serde::{Deserialize, Serialize};

const DAY_S: i64 = 86_400;

/// Where the onboarding of a connected account stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStanding {
    /// Details submitted, charges, transfers and payouts enabled.
    #[default]
    Ready,
    /// Nothing submitted yet.
    Onboarding,
    /// Stripe asks for more; transfers and payouts are off until then.
    Restricted {
        /// Stripe's disabled reason, for example `requirements.past_due`.
        reason: String,
    },
    /// Stripe refuses the account for good.
    Rejected {
        /// Stripe's disabled reason, for example `rejected.fraud`.
        reason: String,
    },
}

/// Who sends the payouts of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutSchedule {
    /// Only payouts that somebody asks for.
    #[default]
    Manual,
    /// Stripe sends everything available at each midnight UTC.
    Daily,
}

/// Which of our ids are lost on the way, so that linking by the remaining ones is exercised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forget {
    /// The session loses its metadata.
    pub session_metadata: bool,
    /// The intent loses its metadata.
    pub intent_metadata: bool,
    /// The charge does not take over the intent's metadata.
    pub charge_metadata: bool,
    /// The session loses its client reference.
    pub client_reference_id: bool,
    /// Intent and charge lose their transfer group.
    pub transfer_group: bool,
}

impl Forget {
    /// Everything is lost: only the ids of intent and charge remain as a link.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            session_metadata: true,
            intent_metadata: true,
            charge_metadata: true,
            client_reference_id: true,
            transfer_group: true,
        }
    }
}

/// How a buyer pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// A card that works.
    Card {
        /// The card's country.
        country: String,
        /// Seconds until the charge's balance transaction follows, if it is late.
        late_balance_transaction_s: Option<i64>,
    },
    /// A card that is declined; the buyer may try again.
    Declined {
        /// Stripe's decline code, for example `insufficient_funds`.
        code: String,
    },
    /// The bank wants to see the buyer first; the payment waits.
    RequiresAction,
    /// A bank debit or transfer: accepted now, answered later.
    Async {
        /// Stripe's payment method type, for example `sepa_debit`.
        method: String,
        /// Seconds until the bank answers.
        settles_in_s: i64,
        /// `None` if the money arrives, otherwise the failure code.
        failure: Option<String>,
        /// Seconds from the answer until the balance transaction follows, if it is late.
        late_balance_transaction_s: Option<i64>,
    },
}

impl Default for Payment {
    fn default() -> Self {
        Self::Card { country: "US".into(), late_balance_transaction_s: None }
    }
}

impl Payment {
    /// A card that is declined with this code.
    pub fn declined(code: impl Into<String>) -> Self {
        Self::Declined { code: code.into() }
    }

    /// A bank debit that arrives after this many seconds.
    #[must_use]
    pub fn debit(settles_in_s: i64) -> Self {
        Self::Async {
            method: "sepa_debit".into(),
            settles_in_s,
            failure: None,
            late_balance_transaction_s: None,
        }
    }

    /// A bank debit that is returned after this many seconds.
    #[must_use]
    pub fn failing_debit(settles_in_s: i64) -> Self {
        Self::Async {
            method: "sepa_debit".into(),
            settles_in_s,
            failure: Some("insufficient_funds".into()),
            late_balance_transaction_s: None,
        }
    }
}

/// Stripe's statuses of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// On its way; the money has left the balance.
    Pending,
    /// The buyer has to act first; the money has not left the balance.
    RequiresAction,
    /// Done, as far as Stripe knows.
    Succeeded,
    /// It came back; the money returned to the balance.
    Failed,
    /// Canceled before the money left.
    Canceled,
}

impl RefundStatus {
    /// Stripe's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// One later change of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundStep {
    /// Seconds after the refund was made.
    pub after_s: i64,
    /// The new status.
    pub to: RefundStatus,
    /// Stripe's failure reason, if it failed.
    pub failure_reason: Option<String>,
}

/// What becomes of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPlan {
    /// The status in the answer to the request.
    pub first: RefundStatus,
    /// What follows.
    pub then: Vec<RefundStep>,
}

impl Default for RefundPlan {
    fn default() -> Self {
        Self { first: RefundStatus::Succeeded, then: Vec::new() }
    }
}

impl RefundPlan {
    /// Succeeds at once.
    #[must_use]
    pub fn succeeds() -> Self {
        Self::default()
    }

    /// Pending, then succeeded after this many seconds.
    #[must_use]
    pub fn succeeds_after(after_s: i64) -> Self {
        Self {
            first: RefundStatus::Pending,
            then: vec![RefundStep { after_s, to: RefundStatus::Succeeded, failure_reason: None }],
        }
    }

    /// Succeeds at once and fails after this many seconds, with the money back on the balance.
    #[must_use]
    pub fn fails_after_success(after_s: i64) -> Self {
        Self {
            first: RefundStatus::Succeeded,
            then: vec![RefundStep {
                after_s,
                to: RefundStatus::Failed,
                failure_reason: Some("expired_or_canceled_card".into()),
            }],
        }
    }

    /// Waits for the buyer; what follows is up to the script or to a cancellation.
    #[must_use]
    pub fn requires_action() -> Self {
        Self { first: RefundStatus::RequiresAction, then: Vec::new() }
    }
}

/// How a dispute ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeOutcome {
    /// `won`, `lost`, `warning_closed` or `prevented`.
    pub status: String,
    /// What comes back to the balance.
    pub reinstated: Reinstated,
    /// Whether the dispute fee comes back with it.
    pub fee_returned: bool,
}

/// How much of the withdrawn money comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reinstated {
    /// Nothing.
    Nothing,
    /// Everything that was withdrawn.
    All,
    /// This many minor units.
    Part(i64),
}

impl DisputeOutcome {
    /// Won: everything comes back, with or without the fee.
    #[must_use]
    pub fn won(fee_returned: bool) -> Self {
        Self { status: "won".into(), reinstated: Reinstated::All, fee_returned }
    }

    /// Lost: nothing comes back.
    #[must_use]
    pub fn lost() -> Self {
        Self { status: "lost".into(), reinstated: Reinstated::Nothing, fee_returned: false }
    }

    /// Lost, but this part comes back, as after an earlier partial refund.
    #[must_use]
    pub fn partly_lost(reinstated: i64) -> Self {
        Self { reinstated: Reinstated::Part(reinstated), ..Self::lost() }
    }

    /// An inquiry that came to nothing.
    #[must_use]
    pub fn warning_closed() -> Self {
        Self { status: "warning_closed".into(), ..Self::lost() }
    }

    /// A dispute stopped before it became a chargeback.
    #[must_use]
    pub fn prevented() -> Self {
        Self { status: "prevented".into(), ..Self::lost() }
    }
}

/// What becomes of a payout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutPlan {
    /// In transit after an hour, paid on its arrival date.
    #[default]
    Paid,
    /// Paid, and failed this many seconds later, with the money back on the balance.
    PaidThenFailed {
        /// Seconds after it was paid.
        after_s: i64,
        /// Stripe's failure code.
        code: String,
    },
    /// Failed on its arrival date.
    Failed {
        /// Stripe's failure code.
        code: String,
    },
    /// Canceled half an hour after it was made.
    Canceled,
    /// In transit for ever.
    Stuck,
}

impl PayoutPlan {
    /// Paid, and failed two days later because the bank account is closed.
    #[must_use]
    pub fn paid_then_failed() -> Self {
        Self::PaidThenFailed { after_s: 2 * DAY_S, code: "account_closed".into() }
    }
}

/// What becomes of a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TopUpPlan {
    /// Succeeds after a day.
    Succeeded,
    /// Fails after a day.
    Failed,
    /// Is canceled after an hour.
    Canceled,
    /// Succeeds after a day and is reversed three days later.
    Reversed,
}

/// Which objects a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// All of them.
    Always,
    /// Those that carry this metadata themselves, or whose charge, intent or session does. The names
    /// `client_reference_id` and `transfer_group` match the fields of those names.
    Metadata {
        /// The name of the metadata.
        key: String,
        /// Its value.
        value: String,
    },
    /// Those of this charge or intent.
    Payment(String),
    /// Those of this connected account.
    Account(String),
}

/// What the objects a rule is about will do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// A refund follows this plan.
    Refund(RefundPlan),
    /// A payout follows this plan.
    Payout(PayoutPlan),
    /// A transfer is refused because the balance is too small.
    RefuseTransfer,
    /// A session is paid this many seconds after it was created.
    Session {
        /// Seconds after its creation.
        after_s: i64,
        /// How the buyer pays.
        payment: Payment,
        /// Which links the payment loses.
        forget: Forget,
    },
    /// A connected account created over the API reaches this standing after this many seconds.
    Account {
        /// Seconds after its creation.
        after_s: i64,
        /// Its standing then.
        standing: AccountStanding,
    },
}

/// A behaviour laid down beforehand. The latest rule that matches wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Which objects it is about.
    pub when: When,
    /// What they will do.
    pub then: Behaviour,
    /// How many objects it is good for; all of them if absent.
    pub times: Option<u32>,
}

impl Rule {
    /// A rule for every object that matches.
    #[must_use]
    pub fn new(when: When, then: Behaviour) -> Self {
        Self { when, then, times: None }
    }
}

//! Durable timers: which fact sets or clears which, and what each asks for when it is due.
//!
//! A timer fires at or after its due time and takes effect *at* it. Firing early is refused by the
//! aggregate (`TooEarly`), firing twice changes nothing.

mod changes;

pub use changes::changes;

use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::{Rate, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumString};

use super::{Command, schedule};
use crate::{
    dispute::commands::DisputeCommand,
    membership::commands::MembershipCommand,
    order::commands::OrderCommand,
    payment::commands::PaymentCommand,
    payout::commands::PayoutCommand,
    refund::commands::RefundCommand,
    seller_account::{commands::SellerAccountCommand, events::PayoutInterval},
    vocabulary::{ClaimRef, EventRef, MembershipRef, PeriodRef},
    webhook_event::commands::WebhookEventCommand,
};

/// What a timer is for. Written as `order_expiry` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, EnumString, Serialize, Deserialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// A placed order must be paid by now.
    OrderExpiry,
    /// Shippable lines should have been shipped by now.
    ShippingOverdue,
    /// A shipment is taken to have arrived.
    AutoDeliver,
    /// The time for issues is over.
    OrderCompletion,
    /// No balance transaction turned up in the time the policy allows.
    AssumeFunds,
    /// A claim's money may be released.
    Release,
    /// A claim's reserve may be let go.
    ReserveRelease,
    /// Captured money has waited 72 hours for its order.
    Unattributed,
    /// An asynchronous payment has taken too long.
    PaymentPatience,
    /// The seller should have decided a refund by now.
    RefundDecision,
    /// A refund has been pending for ten days.
    RefundStuck,
    /// Evidence is due in 72, 24 or 6 hours.
    DisputeDeadlineNear,
    /// Evidence was due.
    DisputeDeadlineMissed,
    /// Try a deferred transfer again.
    PayoutRetry,
    /// A payout should have arrived three days ago.
    PayoutStuck,
    /// A seller's payout schedule runs.
    PayoutSchedule,
    /// A seller has owed money for 90 days.
    RecoveryReminder,
    /// A seller has owed money for 180 days.
    WriteOffProposal,
    /// A parked webhook has waited 72 hours.
    WebhookDeadLetter,
    /// A day of a membership's period is over.
    MembershipRecognition,
    /// A membership's last period has been over for two weeks.
    MembershipLapse,
}

/// One timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Unique within the tenant; setting it again replaces it.
    pub key: String,
    /// When it is due.
    pub due: Timestamp,
    /// What it is for.
    pub kind: TimerKind,
    /// The id of the aggregate it speaks to.
    pub subject: String,
    /// What else the command needs, as JSON text; empty where nothing.
    pub detail: String,
}

/// What a fact does to the timers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimerChange {
    /// Set it, or move it.
    Set(Timer),
    /// It is not needed any more.
    Clear(String),
}

#[derive(Serialize, Deserialize)]
struct ReleaseDetail {
    claim: ClaimRef,
    reserve_bps: Rate,
    reserve_days: u32,
}

#[derive(Serialize, Deserialize)]
struct DisputeDetail {
    hours: u32,
}

#[derive(Serialize, Deserialize)]
struct RecognitionDetail {
    period: PeriodRef,
    day: NaiveDate,
}

impl Timer {
    fn new(kind: TimerKind, subject: impl ToString, due: Timestamp) -> Self {
        let subject = subject.to_string();
        Self { key: key(kind, &subject), due, kind, subject, detail: String::new() }
    }

    fn about(mut self, name: &str, detail: &impl Serialize) -> Self {
        self.key = format!("{}:{name}", self.key);
        // A struct of numbers and texts always becomes JSON; an empty detail fires nothing.
        self.detail = serde_json::to_string(detail).unwrap_or_default();
        self
    }

    /// What to send when it is due. `zone` is the tenant's. `None` for a timer that does not read
    /// as one: it was written by another version and is left alone.
    #[must_use]
    pub fn command(&self, zone: Tz) -> Option<Command> {
        self.order_command().or_else(|| self.seller_command(zone)).or_else(|| self.other_command())
    }

    fn order_command(&self) -> Option<Command> {
        let command = match self.kind {
            TimerKind::OrderExpiry => OrderCommand::Expire,
            TimerKind::ShippingOverdue => OrderCommand::NoteShippingOverdue,
            TimerKind::AutoDeliver => {
                OrderCommand::AutoDeliver { shipment: serde_json::from_str(&self.detail).ok()? }
            }
            TimerKind::OrderCompletion => OrderCommand::Complete,
            TimerKind::AssumeFunds => OrderCommand::AssumeFundsAvailable,
            TimerKind::Release
            | TimerKind::ReserveRelease
            | TimerKind::Unattributed
            | TimerKind::PaymentPatience
            | TimerKind::RefundDecision
            | TimerKind::RefundStuck
            | TimerKind::DisputeDeadlineNear
            | TimerKind::DisputeDeadlineMissed
            | TimerKind::PayoutRetry
            | TimerKind::PayoutStuck
            | TimerKind::PayoutSchedule
            | TimerKind::RecoveryReminder
            | TimerKind::WriteOffProposal
            | TimerKind::WebhookDeadLetter
            | TimerKind::MembershipRecognition
            | TimerKind::MembershipLapse => return None,
        };
        Some(Command::Order(self.subject.parse().ok()?, command))
    }

    fn seller_command(&self, zone: Tz) -> Option<Command> {
        let command = match self.kind {
            TimerKind::Release => {
                let detail: ReleaseDetail = serde_json::from_str(&self.detail).ok()?;
                SellerAccountCommand::Release {
                    claim: detail.claim,
                    reserve: detail.reserve_bps,
                    reserve_days: detail.reserve_days,
                }
            }
            TimerKind::ReserveRelease => SellerAccountCommand::ReleaseReserve {
                claim: serde_json::from_str(&self.detail).ok()?,
            },
            TimerKind::PayoutSchedule => {
                let interval: PayoutInterval = serde_json::from_str(&self.detail).ok()?;
                SellerAccountCommand::RunSchedule {
                    due: self.due,
                    next_due: schedule::next_due(&interval, zone, self.due),
                }
            }
            TimerKind::RecoveryReminder => SellerAccountCommand::RemindRecovery {
                currency: serde_json::from_str(&self.detail).ok()?,
            },
            TimerKind::WriteOffProposal => SellerAccountCommand::ProposeWriteOff {
                currency: serde_json::from_str(&self.detail).ok()?,
            },
            TimerKind::OrderExpiry
            | TimerKind::ShippingOverdue
            | TimerKind::AutoDeliver
            | TimerKind::OrderCompletion
            | TimerKind::AssumeFunds
            | TimerKind::Unattributed
            | TimerKind::PaymentPatience
            | TimerKind::RefundDecision
            | TimerKind::RefundStuck
            | TimerKind::DisputeDeadlineNear
            | TimerKind::DisputeDeadlineMissed
            | TimerKind::PayoutRetry
            | TimerKind::PayoutStuck
            | TimerKind::WebhookDeadLetter
            | TimerKind::MembershipRecognition
            | TimerKind::MembershipLapse => return None,
        };
        Some(Command::SellerAccount(self.subject.parse().ok()?, command))
    }

    fn other_command(&self) -> Option<Command> {
        match self.kind {
            TimerKind::Unattributed => {
                Some(Command::Payment(self.subject.parse().ok()?, PaymentCommand::GiveUpWaiting))
            }
            TimerKind::PaymentPatience => {
                Some(Command::Payment(self.subject.parse().ok()?, PaymentCommand::LosePatience))
            }
            TimerKind::RefundDecision => {
                Some(Command::Refund(self.subject.parse().ok()?, RefundCommand::Escalate))
            }
            TimerKind::RefundStuck => {
                Some(Command::Refund(self.subject.parse().ok()?, RefundCommand::NoteStuck))
            }
            TimerKind::DisputeDeadlineNear => {
                let detail: DisputeDetail = serde_json::from_str(&self.detail).ok()?;
                let command = DisputeCommand::NoteDeadline { hours: detail.hours };
                Some(Command::Dispute(self.subject.parse().ok()?, command))
            }
            TimerKind::DisputeDeadlineMissed => Some(Command::Dispute(
                self.subject.parse().ok()?,
                DisputeCommand::NoteDeadlineMissed,
            )),
            TimerKind::PayoutRetry => {
                Some(Command::Payout(self.subject.parse().ok()?, PayoutCommand::RetryTransfer))
            }
            TimerKind::PayoutStuck => {
                Some(Command::Payout(self.subject.parse().ok()?, PayoutCommand::NoteStuck))
            }
            TimerKind::WebhookDeadLetter => Some(Command::WebhookEvent(
                EventRef(self.subject.clone()),
                WebhookEventCommand::DeadLetter,
            )),
            TimerKind::MembershipRecognition => {
                let RecognitionDetail { period, day } = serde_json::from_str(&self.detail).ok()?;
                let command = MembershipCommand::RecogniseThrough { period, day };
                Some(Command::Membership(MembershipRef(self.subject.clone()), command))
            }
            TimerKind::MembershipLapse => Some(Command::Membership(
                MembershipRef(self.subject.clone()),
                MembershipCommand::Lapse,
            )),
            TimerKind::OrderExpiry
            | TimerKind::ShippingOverdue
            | TimerKind::AutoDeliver
            | TimerKind::OrderCompletion
            | TimerKind::AssumeFunds
            | TimerKind::Release
            | TimerKind::ReserveRelease
            | TimerKind::PayoutSchedule
            | TimerKind::RecoveryReminder
            | TimerKind::WriteOffProposal => None,
        }
    }
}

fn key(kind: TimerKind, subject: impl ToString) -> String {
    format!("{}:{}", kind.as_ref(), subject.to_string())
}

#[cfg(test)]
mod tests;

//! What is remembered of a payout.

use std::collections::BTreeMap;

use kernel::{Currency, Money, PayoutId, SellerId, Timestamp};
use serde::{Deserialize, Serialize};

use super::bank_leg::BankLeg;
use crate::vocabulary::{AccountRef, Person, ReversalRef, StripePayoutRef, TransferRef};

/// A payout: what was asked for, the transfer, and the bank leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payout {
    pub(super) request: Option<Request>,
    pub(super) observed: Option<ObservedPayout>,
    pub(super) stage: TransferStage,
    pub(super) reserved: Option<Money>,
    pub(super) submitted: Option<Money>,
    pub(super) deferrals: u32,
    pub(super) transfer: Option<Transfer>,
    pub(super) reversal: ReversalStage,
    pub(super) reversals: BTreeMap<ReversalRef, Money>,
    pub(super) reversal_attempts: u32,
    pub(super) bank: BankStage,
    pub(super) attempt: u32,
    pub(super) legs: BTreeMap<StripePayoutRef, BankLeg>,
    pub(super) current_leg: Option<StripePayoutRef>,
    pub(super) confirmed: Option<String>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) payout: PayoutId,
    pub(super) seller: SellerId,
    pub(super) account: AccountRef,
    pub(super) currency: Currency,
    pub(super) amount: Option<i64>,
    pub(super) minimum: i64,
    pub(super) by_schedule: bool,
    pub(super) automatic_bank: bool,
    pub(super) requested_by: Person,
}

/// A payout nobody asked Daybook for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ObservedPayout {
    pub(super) payout: PayoutId,
    pub(super) account: Option<AccountRef>,
    pub(super) seller: Option<SellerId>,
}

/// How far the transfer is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TransferStage {
    #[default]
    None,
    Requested,
    Reserved,
    Rejected,
    Submitted,
    Unknown,
    Deferred {
        retry_at: Timestamp,
    },
    Transferred,
}

/// The transfer, once it exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transfer {
    pub(super) transfer: TransferRef,
    pub(super) account: AccountRef,
    pub(super) amount: Money,
}

/// How far our call for a bank payout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BankStage {
    #[default]
    None,
    Submitted,
    Unknown,
    Refused,
    /// Stripe has it; the leg says how far it is.
    Sent,
}

/// How far our call for a reversal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReversalStage {
    #[default]
    None,
    Submitted(Money),
    Unknown(Money),
    Refused,
}

impl Payout {
    /// Whether anything is known of it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.request.is_some()
            || self.observed.is_some()
            || self.transfer.is_some()
            || !self.reversals.is_empty()
    }

    /// Whose it is.
    #[must_use]
    pub fn seller(&self) -> Option<SellerId> {
        match (&self.request, &self.observed) {
            (Some(request), _) => Some(request.seller),
            (None, Some(observed)) => observed.seller,
            (None, None) => None,
        }
    }

    /// The connected account; `None` for the platform's own payouts.
    #[must_use]
    pub fn account(&self) -> Option<&AccountRef> {
        self.request
            .as_ref()
            .map(|request| &request.account)
            .or_else(|| self.observed.as_ref().and_then(|observed| observed.account.as_ref()))
            .or_else(|| self.transfer.as_ref().map(|transfer| &transfer.account))
    }

    /// The transfer, once it exists.
    #[must_use]
    pub fn transfer(&self) -> Option<(&TransferRef, Money)> {
        self.transfer.as_ref().map(|known| (&known.transfer, known.amount))
    }

    /// Stripe's id of the latest bank payout.
    #[must_use]
    pub const fn stripe_payout(&self) -> Option<&StripePayoutRef> {
        self.current_leg.as_ref()
    }

    /// What of the transfer has not been fetched back.
    #[must_use]
    pub fn transfer_remaining(&self) -> Option<Money> {
        let transfer = self.transfer.as_ref()?;
        let back: i64 = self.reversals.values().map(|part| part.minor()).sum();
        Some(Money::new(transfer.amount.minor() - back, transfer.amount.currency()))
    }

    /// How far it is, in one word: `requested`, `reserved`, `rejected`, `transfer_submitted`,
    /// `transfer_unknown`, `transfer_deferred`, `transferred`, `bank_submitted`, `bank_unknown`,
    /// `bank_refused`, or the bank payout's own status at Stripe (`returned` once its money is
    /// back).
    #[must_use]
    pub fn state(&self) -> &str {
        match self.bank {
            BankStage::Sent => return self.leg().map_or("sent", leg_state),
            BankStage::Submitted => return "bank_submitted",
            BankStage::Unknown => return "bank_unknown",
            BankStage::Refused => return "bank_refused",
            BankStage::None => {}
        }
        match self.stage {
            TransferStage::None => "unknown",
            TransferStage::Requested => "requested",
            TransferStage::Reserved => "reserved",
            TransferStage::Rejected => "rejected",
            TransferStage::Submitted => "transfer_submitted",
            TransferStage::Unknown => "transfer_unknown",
            TransferStage::Deferred { .. } => "transfer_deferred",
            TransferStage::Transferred => "transferred",
        }
    }

    pub(super) fn leg(&self) -> Option<&BankLeg> {
        self.legs.get(self.current_leg.as_ref()?)
    }
}

fn leg_state(leg: &BankLeg) -> &str {
    if leg.returned {
        "returned"
    } else if leg.status.is_empty() {
        "sent"
    } else {
        &leg.status
    }
}

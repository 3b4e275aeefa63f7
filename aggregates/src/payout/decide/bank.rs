//! The second half of a payout: from the connected account to the bank, and back when that fails.

use kernel::{Money, PayoutId};

use super::{Decision, Desk};
use crate::{
    payout::{
        bank_leg::BankLeg, commands::PayoutFact, errors::PayoutError, events::PayoutEvent,
        state::BankStage,
    },
    vocabulary::{AccountRef, Person, StripePayoutRef},
};

/// Days after its arrival date at which a payout that is still under way is stuck.
const STUCK_AFTER_DAYS: i64 = 3;

impl Desk<'_> {
    pub(super) fn submit_bank(self) -> Decision {
        let (payout, account, left) = self.transferred()?;
        match self.state.bank {
            // All of it was fetched back.
            BankStage::None | BankStage::Unknown if !left.is_positive() => self.wrong_state(),
            BankStage::None => Ok(vec![self.bank_submitted(payout, account, left, 1)]),
            BankStage::Unknown => {
                Ok(vec![self.bank_submitted(payout, account, left, self.state.attempt)])
            }
            BankStage::Submitted | BankStage::Sent => Ok(vec![]),
            BankStage::Refused => self.wrong_state(),
        }
    }

    pub(super) fn note_bank_unknown(self, attempt: u32) -> Decision {
        if attempt == 0 || attempt > self.state.attempt {
            return self.wrong_state();
        }
        match self.state.bank {
            BankStage::Submitted if attempt == self.state.attempt => {
                Ok(vec![PayoutEvent::BankUnknown { attempt, at: self.now }])
            }
            BankStage::Refused if attempt == self.state.attempt => self.wrong_state(),
            BankStage::None
            | BankStage::Submitted
            | BankStage::Unknown
            | BankStage::Refused
            | BankStage::Sent => Ok(vec![]),
        }
    }

    pub(super) fn note_bank_refused(self, attempt: u32, code: String, message: String) -> Decision {
        if attempt == 0 || attempt > self.state.attempt {
            return self.wrong_state();
        }
        match self.state.bank {
            BankStage::Submitted | BankStage::Unknown if attempt == self.state.attempt => {
                Ok(vec![PayoutEvent::BankRefused { attempt, code, message, at: self.now }])
            }
            BankStage::Sent if attempt == self.state.attempt => self.wrong_state(),
            BankStage::None
            | BankStage::Submitted
            | BankStage::Unknown
            | BankStage::Refused
            | BankStage::Sent => Ok(vec![]),
        }
    }

    /// Facts merge by rank; each crossing is recorded once, and the transaction that returned the
    /// money is united with whatever else is known, in any order of arrival.
    pub(super) fn merge_fact(self, payout: PayoutId, fact: PayoutFact) -> Vec<PayoutEvent> {
        let payout = self.payout_or(payout);
        let at = self.now;
        let mut events = Vec::new();
        let mut leg = match self.state.legs.get(&fact.stripe_payout) {
            Some(known) => known.clone(),
            None => {
                events.push(self.first_seen(payout, &fact));
                BankLeg::new(fact.amount, fact.arrival)
            }
        };
        if leg.is_outranked_by(&fact.rank) {
            events.push(PayoutEvent::FactMerged {
                stripe_payout: fact.stripe_payout.clone(),
                status: fact.status.clone(),
                rank: fact.rank.clone(),
                at,
            });
            if leg.status != fact.status {
                events.extend(self.crossing(payout, &fact));
            }
            leg.status.clone_from(&fact.status);
        }
        if leg.is_refused() && !leg.returned && fact.failure_balance_transaction.is_some() {
            events.push(PayoutEvent::Returned {
                payout,
                stripe_payout: fact.stripe_payout,
                account: self.state.account().cloned().or(fact.account),
                txn: fact.failure_balance_transaction,
                amount: leg.amount,
                occurred_at: fact.occurred_at,
                at,
            });
        }
        events
    }

    pub(super) fn retry_payout(self, by: Person) -> Decision {
        let (payout, account, left) = self.transferred()?;
        let can_retry = match self.state.bank {
            BankStage::Refused => true,
            BankStage::Sent => self.state.leg().is_some_and(|leg| leg.returned),
            // The retry is under way already.
            BankStage::Submitted | BankStage::Unknown if self.state.attempt > 1 => {
                return Ok(vec![]);
            }
            BankStage::None | BankStage::Submitted | BankStage::Unknown => false,
        };
        if !can_retry || !left.is_positive() {
            return self.wrong_state();
        }
        let attempt = self.state.attempt + 1;
        Ok(vec![
            PayoutEvent::RetryRequested { attempt, by, at: self.now },
            self.bank_submitted(payout, account, left, attempt),
        ])
    }

    pub(super) fn note_reconciled(
        self,
        stripe_payout: StripePayoutRef,
        transactions: u32,
        sum: Money,
    ) -> Decision {
        let leg = self.state.legs.get(&stripe_payout).ok_or(PayoutError::Unknown)?;
        let expected = leg.amount.currency();
        if sum.currency() != expected {
            return Err(PayoutError::CurrencyMismatch { expected, given: sum.currency() });
        }
        if leg.reconciled == Some((transactions, sum)) {
            return Ok(vec![]);
        }
        let difference = sum.minor().saturating_sub(leg.amount.minor());
        let at = self.now;
        Ok(vec![PayoutEvent::Reconciled { stripe_payout, transactions, sum, difference, at }])
    }

    pub(super) fn confirm_bank(self, reference: String, by: Person) -> Decision {
        let platforms = self.state.observed.as_ref().filter(|seen| seen.account.is_none());
        let (Some(observed), Some(stripe_payout), Some(leg)) =
            (platforms, &self.state.current_leg, self.state.leg())
        else {
            return Err(PayoutError::NotThePlatforms);
        };
        match &self.state.confirmed {
            Some(known) if *known == reference => Ok(vec![]),
            Some(known) => Err(PayoutError::WrongState { state: format!("confirmed as {known}") }),
            None if leg.is_refused() => self.wrong_state(),
            None => Ok(vec![PayoutEvent::BankConfirmed {
                payout: observed.payout,
                stripe_payout: stripe_payout.clone(),
                amount: leg.amount,
                reference,
                by,
                at: self.now,
            }]),
        }
    }

    pub(super) fn note_stuck(self) -> Decision {
        let Some((leg, arrival)) = self.state.leg().and_then(|leg| Some((leg, leg.arrival?)))
        else {
            return Ok(vec![]);
        };
        if leg.stuck || !leg.is_open() {
            return Ok(vec![]);
        }
        let due = arrival.plus_days(STUCK_AFTER_DAYS);
        if self.now < due {
            return Err(PayoutError::TooEarly { due });
        }
        Ok(vec![PayoutEvent::Stuck { at: self.now }])
    }

    pub(super) fn bank_submitted(
        &self,
        payout: PayoutId,
        account: AccountRef,
        amount: Money,
        attempt: u32,
    ) -> PayoutEvent {
        let idempotency_key = self.key(payout, &format!("bank:{attempt}"));
        PayoutEvent::BankSubmitted { attempt, account, amount, idempotency_key, at: self.now }
    }

    /// A payout we asked for was sent; one nobody asked for is observed.
    fn first_seen(&self, payout: PayoutId, fact: &PayoutFact) -> PayoutEvent {
        if self.state.request.is_some() {
            return PayoutEvent::Sent {
                stripe_payout: fact.stripe_payout.clone(),
                amount: fact.amount,
                arrival: fact.arrival,
                txn: fact.balance_transaction.clone(),
                occurred_at: fact.occurred_at,
                at: self.now,
            };
        }
        PayoutEvent::Observed {
            payout,
            stripe_payout: fact.stripe_payout.clone(),
            account: fact.account.clone(),
            seller: fact.seller,
            automatic: fact.automatic,
            amount: fact.amount,
            arrival: fact.arrival,
            occurred_at: fact.occurred_at,
            at: self.now,
        }
    }

    fn crossing(&self, payout: PayoutId, fact: &PayoutFact) -> Option<PayoutEvent> {
        let seller = self.seller_or(fact.seller);
        let stripe_payout = fact.stripe_payout.clone();
        let (occurred_at, at) = (fact.occurred_at, self.now);
        match fact.status.as_str() {
            "in_transit" => Some(PayoutEvent::InTransit { stripe_payout, at }),
            "paid" => Some(PayoutEvent::Paid { payout, seller, stripe_payout, occurred_at, at }),
            "failed" => {
                let code = fact.failure_code.clone().unwrap_or_else(|| "unknown".to_owned());
                Some(PayoutEvent::Failed { payout, seller, stripe_payout, code, occurred_at, at })
            }
            "canceled" => {
                Some(PayoutEvent::Canceled { payout, seller, stripe_payout, occurred_at, at })
            }
            _ => None,
        }
    }

    /// Our payout, its account and what of its transfer is still there.
    fn transferred(&self) -> Result<(PayoutId, AccountRef, Money), PayoutError> {
        match (&self.state.request, &self.state.transfer, self.state.transfer_remaining()) {
            (Some(request), Some(transfer), Some(left)) => {
                Ok((request.payout, transfer.account.clone(), left))
            }
            (_, None, _) | (None, _, _) | (_, _, None) => self.wrong_state(),
        }
    }
}

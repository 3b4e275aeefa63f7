//! What a seller's account answers to each command.

mod disputes;
mod money;
mod onboarding;
mod payouts;
mod recovery;

use kernel::{Currency, Money, OrderId, SellerId, Timestamp};

use super::{
    applied::Kind, commands::SellerAccountCommand, errors::SellerAccountError,
    events::SellerAccountEvent, position::Position, state::SellerAccount,
};
use crate::vocabulary::{ClaimRef, Organizer};

pub(super) type Decision = Result<Vec<SellerAccountEvent>, SellerAccountError>;

pub(super) fn decide(
    account: &SellerAccount,
    command: SellerAccountCommand,
    now: Timestamp,
) -> Decision {
    use SellerAccountCommand as Command;
    let desk = || Desk::open(account, now);
    match command {
        Command::Register { seller, reference, subject, name, organizer } => {
            onboarding::register(account, (seller, reference, subject, organizer), name, now)
        }
        Command::StartOnboarding { account } => desk()?.start_onboarding(account),
        Command::MergeStatus { account, flags, rank } => desk()?.merge_status(account, flags, rank),
        Command::MergeTransfersCapability { account, active, rank } => {
            desk()?.merge_capability(account, active, rank)
        }
        Command::Deauthorize { account, occurred_at } => desk()?.deauthorize(account, occurred_at),
        Command::MergeBankAccount { bank_account, fact, rank } => {
            desk()?.merge_bank_account(bank_account, fact, rank)
        }
        Command::SetPayoutSchedule { schedule, next_due } => {
            desk()?.set_schedule(schedule, next_due)
        }
        Command::RunSchedule { due, next_due } => desk()?.run_schedule(due, next_due),
        Command::PlaceHold { hold, amount, reason, by } => {
            desk()?.place_hold(hold, amount, reason, by)
        }
        Command::ReleaseHold { hold, by } => desk()?.release_hold(hold, by),
        Command::Credit { claim, amount, organizer, order, line, product, occurred_at } => {
            desk()?.credit(claim, amount, Origin { organizer, order, occurred_at }, line, product)
        }
        Command::Debit { claim, amount, reason, about, organizer, order, occurred_at } => {
            desk()?.debit(claim, amount, reason, about, Origin { organizer, order, occurred_at })
        }
        Command::CreditBack { claim, amount, reason, organizer, order, occurred_at } => {
            desk()?.credit_back(claim, amount, reason, Origin { organizer, order, occurred_at })
        }
        Command::Release { claim, reserve, reserve_days } => {
            desk()?.release(claim, reserve, reserve_days)
        }
        Command::ReleaseReserve { claim } => desk()?.release_reserve(claim),
        Command::HoldForDispute { claim, amount, about, organizer, order } => {
            desk()?.hold_for_dispute(claim, amount, &about, (organizer, order))
        }
        Command::ConcludeDisputeHold { claim, lost, occurred_at } => {
            desk()?.conclude_dispute(claim, lost, occurred_at)
        }
        Command::ReserveForPayout { payout, currency, amount, minimum, by } => {
            desk()?.reserve_for_payout(payout, currency, amount, minimum, by)
        }
        Command::CommitPayout { payout } => desk()?.commit_payout(payout),
        Command::SettlePayout { payout } => desk()?.settle_payout(payout),
        Command::ReleasePayoutReservation { payout, reason } => {
            desk()?.release_payout(payout, reason)
        }
        Command::FreeLane { payout } => desk()?.free_lane(payout),
        Command::BlockLane { payout, reason } => desk()?.block_lane(payout, reason),
        Command::RemindRecovery { currency } => desk()?.remind(currency),
        Command::ProposeWriteOff { currency } => desk()?.propose_write_off(currency),
        Command::WriteOff { currency, reason, by } => desk()?.write_off(currency, reason, by),
    }
}

/// Where a decision is taken: a registered seller's account, at one instant.
#[derive(Clone, Copy)]
struct Desk<'a> {
    account: &'a SellerAccount,
    seller: SellerId,
    now: Timestamp,
}

/// What every movement of money says about where it comes from.
struct Origin {
    organizer: Organizer,
    order: Option<OrderId>,
    occurred_at: Timestamp,
}

impl<'a> Desk<'a> {
    fn open(account: &'a SellerAccount, now: Timestamp) -> Result<Self, SellerAccountError> {
        let seller = account.seller().ok_or(SellerAccountError::Unknown)?;
        Ok(Self { account, seller, now })
    }

    fn position(&self, currency: Currency) -> &'a Position {
        self.account.position(currency)
    }

    /// Is there nothing to do, because the claim was applied already or moves nothing?
    fn is_done(
        &self,
        kind: Kind,
        claim: &ClaimRef,
        amount: Money,
    ) -> Result<bool, SellerAccountError> {
        if amount.minor() < 0 {
            return Err(SellerAccountError::AmountNotPositive);
        }
        match self.account.applied.get(kind, claim) {
            None => Ok(amount.is_zero()),
            Some(known) if known == amount => Ok(true),
            Some(_) => Err(SellerAccountError::ClaimDiffers { claim: claim.to_string() }),
        }
    }

    /// No account of his may ever hold more than 64 bits of minor units.
    fn check_room(&self, amount: Money) -> Result<(), SellerAccountError> {
        let position = self.position(amount.currency());
        let gross =
            position.total() + 2 * i128::from(position.receivable()) + i128::from(amount.minor());
        if gross > i128::from(i64::MAX) { Err(SellerAccountError::Overflow) } else { Ok(()) }
    }

    /// Says when he begins to owe, or owes nothing any more.
    fn crossing(&self, currency: Currency, owed: i64, events: &mut Vec<SellerAccountEvent>) {
        let before = self.position(currency).receivable();
        let at = self.now;
        if before == 0 && owed > 0 {
            events.push(SellerAccountEvent::RecoveryOpened { currency, amount: owed, at });
        } else if before > 0 && owed == 0 {
            events.push(SellerAccountEvent::RecoveryClosed { currency, at });
        }
    }
}

//! How a seller's account changes with what has happened to it. A stored fact cannot be refused.

use kernel::{Currency, Money, PayoutId, Timestamp};

use super::{
    applied::Kind,
    connection::{BankAccount, BankStanding, Standing},
    events::SellerAccountEvent as Event,
    position::{DisputeHold, PayoutLane, PayoutStage, Position, Recovery, WriteOffRequest},
    state::{ManualHold, Registration, Scheduled, SellerAccount},
};
use crate::vocabulary::{ClaimRef, FactRank};

#[expect(clippy::too_many_lines, reason = "one arm per event: the table of what is remembered")]
pub(super) fn evolve(account: &mut SellerAccount, event: Event) {
    match event {
        Event::Registered { seller, reference, subject, organizer, .. } => {
            account.registration = Some(Registration { seller, reference, subject, organizer });
        }
        Event::OnboardingStarted { account: named, .. } => account.connection.connect(named),
        Event::StatusMerged { flags, rank, source, .. } => {
            account.connection.merge(flags, rank, source);
        }
        Event::BecameReady { .. } => account.connection.standing = Standing::Ready,
        Event::Restricted { .. } => account.connection.standing = Standing::Restricted,
        Event::Deauthorized { occurred_at, .. } => account.connection.disconnect(occurred_at),
        Event::BankAccountPresent { bank_account, rank, .. } => {
            bank(account, bank_account, BankStanding::Present, rank);
        }
        Event::BankAccountErrored { bank_account, rank, .. } => {
            bank(account, bank_account, BankStanding::Errored, rank);
        }
        Event::BankAccountRemoved { bank_account, rank, .. } => {
            bank(account, bank_account, BankStanding::Removed, rank);
        }
        Event::PayoutScheduleSet { schedule, version, next_due, .. } => {
            account.schedule = Some(Scheduled { schedule, next_due });
            account.schedule_version = version;
        }
        Event::ScheduleRan { next_due, .. } => {
            if let Some(known) = &mut account.schedule {
                known.next_due = next_due;
            }
        }
        Event::HoldPlaced { hold, amount, .. } => {
            account.holds.insert(hold, ManualHold { amount, released: false });
        }
        Event::HoldReleased { hold, .. } => {
            if let Some(known) = account.holds.get_mut(&hold) {
                known.released = true;
            }
        }
        Event::Credited { claim, currency, amount, .. } => {
            account.applied.note(Kind::Credit, &claim, Money::new(amount, currency));
            account.position_mut(currency).pending.add(claim, amount, None);
        }
        Event::Debited { claim, currency, amount, split, .. } => {
            account.applied.note(Kind::Debit, &claim, Money::new(amount, currency));
            account.position_mut(currency).take(&split);
        }
        Event::CreditedBack { claim, currency, amount, receivable, available, .. } => {
            account.applied.note(Kind::CreditBack, &claim, Money::new(amount, currency));
            account.position_mut(currency).give(receivable, available);
        }
        Event::Released {
            claim,
            currency,
            amount,
            netted,
            reserved,
            available,
            reserve_until,
            ..
        } => {
            let position = account.position_mut(currency);
            position.pending.take(&claim, amount);
            position.give(netted, available);
            if reserved > 0 {
                position.reserve.add(claim, reserved, reserve_until);
            }
        }
        Event::ReserveReleased { claim, currency, amount, netted, available, .. } => {
            let position = account.position_mut(currency);
            position.reserve.take(&claim, amount);
            position.give(netted, available);
        }
        Event::DisputeHeld { claim, currency, amount, organizer, order, split, .. } => {
            account.applied.note(Kind::DisputeHold, &claim, Money::new(amount, currency));
            let position = account.position_mut(currency);
            position.take(&split);
            let hold = position.dispute_holds.entry(claim).or_insert_with(|| DisputeHold {
                organizer,
                order,
                ..DisputeHold::default()
            });
            hold.held = hold.held.saturating_add(amount);
        }
        Event::DisputeHoldReleased { claim, currency, amount, receivable, available, .. } => {
            account.position_mut(currency).give(receivable, available);
            unhold(account, &claim, currency, amount, 0);
        }
        Event::DisputeHoldConsumed { claim, currency, amount, .. } => {
            unhold(account, &claim, currency, amount, amount);
        }
        Event::PayoutReserved { payout, currency, amount, minimum, .. } => {
            let position = account.position_mut(currency);
            let stage = PayoutStage::Reserved;
            position.payouts.insert(
                payout,
                PayoutLane { asked: amount, amount, minimum, was_committed: false, stage },
            );
            position.lane = Some(payout);
        }
        Event::PayoutCommitted { payout, currency, amount, .. } => {
            stage(account.position_mut(currency), payout, PayoutStage::Committed);
            if let Some(lane) = account.position_mut(currency).payouts.get_mut(&payout) {
                lane.amount = amount;
                lane.was_committed = true;
            }
        }
        Event::PayoutSettled { payout, currency, amount, .. } => {
            let position = account.position_mut(currency);
            position.available -= amount;
            // A payout that had given up its lane before its transfer was found stays without one.
            let has_lane = position.lane == Some(payout);
            let next = if has_lane { PayoutStage::Settled } else { PayoutStage::Done };
            stage(position, payout, next);
            position.shrink_reservation();
        }
        Event::PayoutReservationReleased { payout, currency, .. } => {
            end(account.position_mut(currency), payout, PayoutStage::Released);
        }
        Event::LaneFreed { payout, currency, .. } => {
            end(account.position_mut(currency), payout, PayoutStage::Done);
        }
        Event::LaneBlocked { payout, currency, reason, .. } => {
            let position = account.position_mut(currency);
            stage(position, payout, PayoutStage::Blocked { reason });
            position.lane = Some(payout);
        }
        Event::RecoveryOpened { currency, at, .. } => {
            account.position_mut(currency).recovery = Some(opened(at));
        }
        Event::RecoveryClosed { currency, .. } => account.position_mut(currency).recovery = None,
        Event::RecoveryReminded { currency, at, .. } => {
            recovery(account.position_mut(currency), at).reminded = true;
        }
        Event::WriteOffProposed { currency, at, .. } => {
            recovery(account.position_mut(currency), at).proposed = true;
        }
        Event::WriteOffRequested { currency, amount, reason, by, at } => {
            let request = WriteOffRequest { by, amount, reason };
            recovery(account.position_mut(currency), at).request = Some(request);
        }
        Event::WrittenOff { currency, amount, at, .. } => {
            let position = account.position_mut(currency);
            position.receivable -= amount;
            recovery(position, at).request = None;
        }
    }
}

fn bank(account: &mut SellerAccount, name: String, standing: BankStanding, rank: FactRank) {
    account.bank_accounts.insert(name, BankAccount { standing, rank });
}

/// Takes from a dispute's hold; when nothing is left of it, the dispute is concluded.
fn unhold(
    account: &mut SellerAccount,
    claim: &ClaimRef,
    currency: Currency,
    amount: i64,
    consumed: i64,
) {
    let position = account.position_mut(currency);
    let Some(hold) = position.dispute_holds.get_mut(claim) else { return };
    hold.held -= amount;
    hold.consumed = hold.consumed.saturating_add(consumed);
    if hold.held == 0 {
        let lost = Money::new(hold.consumed, currency);
        position.dispute_holds.remove(claim);
        account.applied.note(Kind::DisputeConclusion, claim, lost);
    }
}

fn stage(position: &mut Position, payout: PayoutId, stage: PayoutStage) {
    if let Some(lane) = position.payouts.get_mut(&payout) {
        lane.stage = stage;
    }
}

fn end(position: &mut Position, payout: PayoutId, last: PayoutStage) {
    stage(position, payout, last);
    if position.lane == Some(payout) {
        position.lane = None;
    }
}

fn recovery(position: &mut Position, at: Timestamp) -> &mut Recovery {
    position.recovery.get_or_insert_with(|| opened(at))
}

const fn opened(at: Timestamp) -> Recovery {
    Recovery { opened_at: at, reminded: false, proposed: false, request: None }
}

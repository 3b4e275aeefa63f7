//! What a seller's account decides about his money. Only these facts touch `liabilities:seller:*`
//! and `assets:receivable:seller:*`; the waterfall was decided in the fact and is not repeated here.

use aggregates::{
    seller_account::events::{CreditBackReason, DebitReason, SellerAccountEvent, Split},
    vocabulary::{ClaimRef, Organizer},
};
use kernel::{Currency, OrderId, SellerId, Timestamp};

use super::{
    Dimensions, Entry, Nature, PostingFault,
    entry::{Draft, sum},
};
use crate::chart::{Account, SellerPart};

pub(super) fn postings(event: &SellerAccountEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        SellerAccountEvent::Credited { .. } => credited(event),
        SellerAccountEvent::Debited { .. } => debited(event),
        SellerAccountEvent::CreditedBack { .. } => credited_back(event),
        SellerAccountEvent::Released { .. } | SellerAccountEvent::ReserveReleased { .. } => {
            releases(event)
        }
        SellerAccountEvent::DisputeHeld { .. }
        | SellerAccountEvent::DisputeHoldReleased { .. }
        | SellerAccountEvent::DisputeHoldConsumed { .. } => holds(event),
        SellerAccountEvent::PayoutSettled { .. } | SellerAccountEvent::WrittenOff { .. } => {
            endings(event)
        }
        SellerAccountEvent::Registered { .. }
        | SellerAccountEvent::OnboardingStarted { .. }
        | SellerAccountEvent::StatusMerged { .. }
        | SellerAccountEvent::BecameReady { .. }
        | SellerAccountEvent::Restricted { .. }
        | SellerAccountEvent::Deauthorized { .. }
        | SellerAccountEvent::BankAccountPresent { .. }
        | SellerAccountEvent::BankAccountErrored { .. }
        | SellerAccountEvent::BankAccountRemoved { .. }
        | SellerAccountEvent::PayoutScheduleSet { .. }
        | SellerAccountEvent::ScheduleRan { .. }
        | SellerAccountEvent::HoldPlaced { .. }
        | SellerAccountEvent::HoldReleased { .. }
        | SellerAccountEvent::PayoutReserved { .. }
        | SellerAccountEvent::PayoutCommitted { .. }
        | SellerAccountEvent::PayoutReservationReleased { .. }
        | SellerAccountEvent::LaneFreed { .. }
        | SellerAccountEvent::LaneBlocked { .. }
        | SellerAccountEvent::RecoveryOpened { .. }
        | SellerAccountEvent::RecoveryClosed { .. }
        | SellerAccountEvent::RecoveryReminded { .. }
        | SellerAccountEvent::WriteOffProposed { .. }
        | SellerAccountEvent::WriteOffRequested { .. } => Ok(Vec::new()),
    }
}

/// A seller's own accounts.
struct Accounts(SellerId);

impl Accounts {
    const fn part(&self, part: SellerPart) -> Account {
        Account::Seller(self.0, part)
    }

    const fn receivable(&self) -> Account {
        Account::Receivable(self.0)
    }

    /// Takes an amount from the seller as its split says.
    fn take(
        &self,
        draft: &mut Draft,
        kind: &'static str,
        split: &Split,
    ) -> Result<(), PostingFault> {
        let pending = sum(kind, split.pending.iter().map(|(_, minor)| *minor))?;
        let reserve = sum(kind, split.reserve.iter().map(|(_, minor)| *minor))?;
        draft
            .debit(self.part(SellerPart::Pending), pending)
            .debit(self.part(SellerPart::Available), split.available)
            .debit(self.part(SellerPart::Reserve), reserve)
            .debit(self.receivable(), split.receivable);
        Ok(())
    }
}

fn about(
    seller: SellerId,
    claim: &ClaimRef,
    organizer: Option<&Organizer>,
    order: Option<OrderId>,
) -> Dimensions {
    Dimensions {
        seller: Some(seller),
        claim: Some(claim.clone()),
        organizer: organizer.cloned(),
        order,
        ..Dimensions::default()
    }
}

/// Money that arrives from another stream.
fn credited(event: &SellerAccountEvent) -> Result<Vec<Entry>, PostingFault> {
    let SellerAccountEvent::Credited {
        seller,
        claim,
        currency,
        amount,
        organizer,
        order,
        line,
        product,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about = Dimensions {
        line: *line,
        product: Some(product.clone()),
        ..about(*seller, claim, Some(organizer), *order)
    };
    let kind = "seller_account.credited";
    let mut draft = Draft::new(kind, Nature::Sale, *currency, *occurred_at, about);
    draft
        .debit(Account::Claim(claim.clone()), *amount)
        .credit(Accounts(*seller).part(SellerPart::Pending), *amount);
    draft.alone()
}

/// Money that goes back to another stream.
fn debited(event: &SellerAccountEvent) -> Result<Vec<Entry>, PostingFault> {
    let SellerAccountEvent::Debited {
        seller,
        claim,
        currency,
        amount,
        reason,
        organizer,
        order,
        split,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let kind = "seller_account.debited";
    let nature = match reason {
        DebitReason::Refund => Nature::Refund,
        DebitReason::Adjustment => Nature::Adjustment,
        DebitReason::DisputeFee | DebitReason::CaptureReversed => Nature::Chargeback,
    };
    let about = about(*seller, claim, Some(organizer), *order);
    let mut draft = Draft::new(kind, nature, *currency, *occurred_at, about);
    Accounts(*seller).take(&mut draft, kind, split)?;
    draft.credit(Account::Claim(claim.clone()), *amount);
    draft.alone()
}

/// Money that had gone and comes back.
fn credited_back(event: &SellerAccountEvent) -> Result<Vec<Entry>, PostingFault> {
    let SellerAccountEvent::CreditedBack {
        seller,
        claim,
        currency,
        amount,
        reason,
        organizer,
        order,
        receivable,
        available,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let nature = match reason {
        CreditBackReason::RefundReverted => Nature::Refund,
        CreditBackReason::TransferReversed => Nature::PayoutReturned,
        CreditBackReason::DisputeReinstated => Nature::Chargeback,
        CreditBackReason::Adjustment => Nature::Adjustment,
    };
    let about = about(*seller, claim, Some(organizer), *order);
    let kind = "seller_account.credited_back";
    let mut draft = Draft::new(kind, nature, *currency, *occurred_at, about);
    draft
        .debit(Account::Claim(claim.clone()), *amount)
        .credit(Accounts(*seller).receivable(), *receivable)
        .credit(Accounts(*seller).part(SellerPart::Available), *available);
    draft.alone()
}

/// From pending or reserve to what may be paid out, after what is owed.
fn releases(event: &SellerAccountEvent) -> Result<Vec<Entry>, PostingFault> {
    let (kind, from, seller, claim, currency, amount, netted, reserved, available, at) =
        if let SellerAccountEvent::Released {
            seller,
            claim,
            currency,
            amount,
            netted,
            reserved,
            available,
            at,
            ..
        } = event
        {
            let kind = "seller_account.released";
            let from = SellerPart::Pending;
            (kind, from, seller, claim, currency, amount, netted, *reserved, available, at)
        } else if let SellerAccountEvent::ReserveReleased {
            seller,
            claim,
            currency,
            amount,
            netted,
            available,
            at,
        } = event
        {
            let kind = "seller_account.reserve_released";
            let from = SellerPart::Reserve;
            (kind, from, seller, claim, currency, amount, netted, 0, available, at)
        } else {
            return Ok(Vec::new());
        };
    let accounts = Accounts(*seller);
    let about = about(*seller, claim, None, None);
    let mut draft = Draft::new(kind, Nature::Release, *currency, *at, about);
    draft
        .debit(accounts.part(from), *amount)
        .credit(accounts.receivable(), *netted)
        .credit(accounts.part(SellerPart::Reserve), reserved)
        .credit(accounts.part(SellerPart::Available), *available);
    draft.alone()
}

/// Held for a dispute, let go, or gone.
fn holds(event: &SellerAccountEvent) -> Result<Vec<Entry>, PostingFault> {
    if let SellerAccountEvent::DisputeHeld {
        seller,
        claim,
        currency,
        amount,
        organizer,
        order,
        split,
        at,
    } = event
    {
        let kind = "seller_account.dispute_held";
        let about = about(*seller, claim, Some(organizer), *order);
        let mut draft = Draft::new(kind, Nature::Hold, *currency, *at, about);
        Accounts(*seller).take(&mut draft, kind, split)?;
        draft.credit(Accounts(*seller).part(SellerPart::DisputeHold), *amount);
        return draft.alone();
    }
    if let SellerAccountEvent::DisputeHoldReleased {
        seller,
        claim,
        currency,
        amount,
        receivable,
        available,
        at,
    } = event
    {
        let kind = "seller_account.dispute_hold_released";
        let about = about(*seller, claim, None, None);
        let mut draft = Draft::new(kind, Nature::Hold, *currency, *at, about);
        draft
            .debit(Accounts(*seller).part(SellerPart::DisputeHold), *amount)
            .credit(Accounts(*seller).receivable(), *receivable)
            .credit(Accounts(*seller).part(SellerPart::Available), *available);
        return draft.alone();
    }
    if let SellerAccountEvent::DisputeHoldConsumed {
        seller,
        claim,
        currency,
        amount,
        organizer,
        order,
        occurred_at,
        ..
    } = event
    {
        let kind = "seller_account.dispute_hold_consumed";
        let about = about(*seller, claim, Some(organizer), *order);
        let mut draft = Draft::new(kind, Nature::Chargeback, *currency, *occurred_at, about);
        draft
            .debit(Accounts(*seller).part(SellerPart::DisputeHold), *amount)
            .credit(Account::Claim(claim.clone()), *amount);
        return draft.alone();
    }
    Ok(Vec::new())
}

/// Money that is the connected account's now, and debt that is given up.
fn endings(event: &SellerAccountEvent) -> Result<Vec<Entry>, PostingFault> {
    if let SellerAccountEvent::PayoutSettled {
        seller,
        payout,
        claim,
        currency,
        amount,
        organizer,
        at,
    } = event
    {
        let about =
            Dimensions { payout: Some(*payout), ..about(*seller, claim, Some(organizer), None) };
        let kind = "seller_account.payout_settled";
        let mut draft = Draft::new(kind, Nature::Payout, *currency, *at, about);
        draft
            .debit(Accounts(*seller).part(SellerPart::Available), *amount)
            .credit(Account::Claim(claim.clone()), *amount);
        return draft.alone();
    }
    if let SellerAccountEvent::WrittenOff { seller, currency, amount, organizer, at, .. } = event {
        return written_off(*seller, *currency, *amount, organizer, *at);
    }
    Ok(Vec::new())
}

fn written_off(
    seller: SellerId,
    currency: Currency,
    amount: i64,
    organizer: &Organizer,
    at: Timestamp,
) -> Result<Vec<Entry>, PostingFault> {
    let about = Dimensions::default().of_seller(seller, organizer);
    let kind = "seller_account.written_off";
    let mut draft = Draft::new(kind, Nature::Adjustment, currency, at, about);
    draft.debit(Account::BadDebtSeller, amount).credit(Accounts(seller).receivable(), amount);
    draft.alone()
}

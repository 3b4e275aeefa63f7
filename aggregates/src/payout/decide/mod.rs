//! What a payout answers to each command.

mod bank;
mod reversal;
mod transfer;

use kernel::{Currency, Money, PayoutId, SellerId, TenantId, Timestamp};

use super::{
    commands::PayoutCommand,
    errors::PayoutError,
    events::PayoutEvent,
    state::{Payout, Request},
};

pub(super) type Decision = Result<Vec<PayoutEvent>, PayoutError>;

pub(super) fn decide(
    state: &Payout,
    command: PayoutCommand,
    tenant: TenantId,
    now: Timestamp,
) -> Decision {
    use PayoutCommand as Command;
    let desk = || Desk { state, tenant, now };
    let known = || if state.exists() { Ok(desk()) } else { Err(PayoutError::Unknown) };
    match command {
        Command::Request {
            payout,
            seller,
            account,
            currency,
            amount,
            minimum,
            by_schedule,
            automatic_bank,
            requested_by,
        } => desk().request(Request {
            payout,
            seller,
            account,
            currency,
            amount,
            minimum,
            by_schedule,
            automatic_bank,
            requested_by,
        }),
        Command::NoteReserved { amount } => known()?.note_reserved(amount),
        Command::Reject { reason } => known()?.reject(reason),
        Command::SubmitTransfer { amount } => known()?.submit_transfer(amount),
        Command::NoteTransferUnknown => known()?.note_transfer_unknown(),
        Command::DeferTransfer { reason } => known()?.defer_transfer(reason),
        Command::RetryTransfer => known()?.retry_transfer(),
        Command::NoteTransfer { payout, seller, fact } => {
            desk().note_transfer(payout, seller, fact)
        }
        Command::SubmitBank => known()?.submit_bank(),
        Command::NoteBankUnknown { attempt } => known()?.note_bank_unknown(attempt),
        Command::NoteBankRefused { attempt, code, message } => {
            known()?.note_bank_refused(attempt, code, message)
        }
        Command::MergeFact { payout, fact } => Ok(desk().merge_fact(payout, *fact)),
        Command::RetryPayout { by } => known()?.retry_payout(by),
        Command::ReverseTransfer { amount, by } => known()?.reverse_transfer(amount, by),
        Command::NoteReversalRefused { code, message } => {
            known()?.note_reversal_refused(code, message)
        }
        Command::NoteReversalUnknown => known()?.note_reversal_unknown(),
        Command::NoteReversal { payout, seller, fact } => {
            desk().note_reversal(payout, seller, fact)
        }
        Command::NoteReconciled { stripe_payout, transactions, sum } => {
            known()?.note_reconciled(stripe_payout, transactions, sum)
        }
        Command::ConfirmBank { reference, by } => known()?.confirm_bank(reference, by),
        Command::NoteStuck => known()?.note_stuck(),
    }
}

/// Where a decision is taken: one payout, at one instant.
#[derive(Clone, Copy)]
struct Desk<'a> {
    state: &'a Payout,
    tenant: TenantId,
    now: Timestamp,
}

impl Desk<'_> {
    fn wrong_state<T>(&self) -> Result<T, PayoutError> {
        Err(PayoutError::WrongState { state: self.state.state().to_owned() })
    }

    /// Our id of this payout: the one it was requested or observed under, else the given one.
    fn payout_or(&self, given: PayoutId) -> PayoutId {
        match (&self.state.request, &self.state.observed) {
            (Some(request), _) => request.payout,
            (None, Some(observed)) => observed.payout,
            (None, None) => given,
        }
    }

    fn seller_or(&self, given: Option<SellerId>) -> Option<SellerId> {
        self.state.seller().or(given)
    }

    /// Stripe's idempotency key of one intent; ids have a fixed length, so it is far below Stripe's
    /// 255 characters.
    fn key(&self, payout: PayoutId, intent: &str) -> String {
        format!("db:{}:payout:{payout}:{intent}", self.tenant)
    }
}

fn check_amount(amount: Money, currency: Currency) -> Result<(), PayoutError> {
    if amount.currency() != currency {
        return Err(PayoutError::CurrencyMismatch { expected: currency, given: amount.currency() });
    }
    if !amount.is_positive() {
        return Err(PayoutError::AmountNotPositive);
    }
    let multiple = currency.facts().payout_multiple;
    if amount.minor() % multiple != 0 {
        return Err(PayoutError::CurrencyMultiple { currency, multiple });
    }
    Ok(())
}

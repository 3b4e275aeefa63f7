//! Who a seller is, whether Stripe lets him be paid, and when he is paid out.

use kernel::{Money, Sealed, SellerId, SubjectRef, Timestamp};

use super::{Decision, Desk};
use crate::{
    seller_account::{
        commands::BankAccountFact,
        connection::{BankAccount, BankStanding, Connection, bank_trouble},
        errors::SellerAccountError,
        events::{AccountFlags, PayoutInterval, PayoutSchedule, SellerAccountEvent, StatusSource},
        position::PayoutStage,
        state::{ManualHold, Registration, Scheduled, SellerAccount},
    },
    vocabulary::{AccountRef, FactRank, Organizer, Person},
};

pub(super) fn register(
    account: &SellerAccount,
    (seller, reference, subject, organizer): (SellerId, String, SubjectRef, Option<Organizer>),
    name: Sealed,
    now: Timestamp,
) -> Decision {
    let organizer = organizer.unwrap_or_else(|| seller.to_string().into());
    let wanted = Registration { seller, reference, subject, organizer };
    match &account.registration {
        // The name is sealed anew with every request, so it cannot be compared.
        Some(known) if *known == wanted => Ok(vec![]),
        Some(_) => Err(SellerAccountError::AlreadyRegistered),
        None => Ok(vec![SellerAccountEvent::Registered {
            seller,
            reference: wanted.reference,
            subject,
            name,
            organizer: wanted.organizer,
            at: now,
        }]),
    }
}

impl Desk<'_> {
    pub(super) fn start_onboarding(self, account: AccountRef) -> Decision {
        let known = &self.account.connection;
        match &known.account {
            Some(present) if *present == account && !known.deauthorized => Ok(vec![]),
            Some(present) if *present != account && !known.deauthorized => {
                Err(SellerAccountError::OtherAccount { known: present.to_string() })
            }
            // Nobody is connected, or he comes back after he had disconnected.
            Some(_) | None => {
                let mut after = known.clone();
                after.connect(account.clone());
                let mut events =
                    vec![SellerAccountEvent::OnboardingStarted { account, at: self.now }];
                events.extend(after.crossing(self.now));
                Ok(events)
            }
        }
    }

    pub(super) fn merge_status(
        self,
        account: AccountRef,
        mut flags: AccountFlags,
        rank: FactRank,
    ) -> Decision {
        let (mut after, mut events) = self.adopt(&account)?;
        if after.status_rank.as_ref().is_some_and(|known| *known >= rank) {
            return Ok(vec![]);
        }
        if after.capability_rank.as_ref().is_some_and(|known| *known > rank) {
            flags.transfers_active = after.flags.transfers_active;
        }
        let source = StatusSource::Account;
        after.merge(flags.clone(), rank.clone(), source);
        events.push(SellerAccountEvent::StatusMerged {
            account,
            flags,
            rank,
            source,
            at: self.now,
        });
        events.extend(after.crossing(self.now));
        Ok(events)
    }

    pub(super) fn merge_capability(
        self,
        account: AccountRef,
        active: bool,
        rank: FactRank,
    ) -> Decision {
        let (mut after, mut events) = self.adopt(&account)?;
        let older = |known: &Option<FactRank>| known.as_ref().is_some_and(|known| *known >= rank);
        if older(&after.capability_rank) || older(&after.status_rank) {
            return Ok(vec![]);
        }
        let flags = AccountFlags { transfers_active: active, ..after.flags.clone() };
        let source = StatusSource::TransfersCapability;
        after.merge(flags.clone(), rank.clone(), source);
        events.push(SellerAccountEvent::StatusMerged {
            account,
            flags,
            rank,
            source,
            at: self.now,
        });
        events.extend(after.crossing(self.now));
        Ok(events)
    }

    pub(super) fn deauthorize(self, account: AccountRef, occurred_at: Timestamp) -> Decision {
        let (mut after, mut events) = self.adopt(&account)?;
        // A disconnection from before he came back is old news.
        if after.deauthorized || after.deauthorized_at.is_some_and(|known| known >= occurred_at) {
            return Ok(vec![]);
        }
        after.disconnect(occurred_at);
        events.push(SellerAccountEvent::Deauthorized { occurred_at, at: self.now });
        events.extend(after.crossing(self.now));
        Ok(events)
    }

    pub(super) fn merge_bank_account(
        self,
        bank_account: String,
        fact: BankAccountFact,
        rank: FactRank,
    ) -> Decision {
        let known = self.account.bank_accounts.get(&bank_account);
        if known.is_some_and(|known| known.rank >= rank) {
            return Ok(vec![]);
        }
        let was_present = known.is_some_and(|known| known.standing == BankStanding::Present);
        let at = self.now;
        let name = bank_account.clone();
        let (standing, event) = match fact {
            BankAccountFact::Present => (
                BankStanding::Present,
                SellerAccountEvent::BankAccountPresent { bank_account, rank: rank.clone(), at },
            ),
            BankAccountFact::Errored => (
                BankStanding::Errored,
                SellerAccountEvent::BankAccountErrored { bank_account, rank: rank.clone(), at },
            ),
            BankAccountFact::Removed => (
                BankStanding::Removed,
                SellerAccountEvent::BankAccountRemoved { bank_account, rank: rank.clone(), at },
            ),
        };
        let mut events = vec![event];
        let mut accounts = self.account.bank_accounts.clone();
        accounts.insert(name, BankAccount { standing, rank });
        let is_new = standing == BankStanding::Present && !was_present;
        if is_new && bank_trouble(&accounts).is_none() {
            // A bank account to pay to is what a blocked lane was waiting for.
            for (currency, position) in self.account.positions() {
                if let Some((payout, _, PayoutStage::Blocked { .. })) = position.lane() {
                    events.push(SellerAccountEvent::LaneFreed { payout, currency, at });
                }
            }
        }
        Ok(events)
    }

    pub(super) fn set_schedule(
        self,
        schedule: PayoutSchedule,
        next_due: Option<Timestamp>,
    ) -> Decision {
        check_schedule(&schedule, next_due)
            .map_err(|problem| SellerAccountError::ScheduleInvalid { problem })?;
        let wanted = Scheduled { schedule, next_due };
        if self.account.schedule.as_ref() == Some(&wanted) {
            return Ok(vec![]);
        }
        Ok(vec![SellerAccountEvent::PayoutScheduleSet {
            schedule: wanted.schedule,
            version: self.account.schedule_version + 1,
            next_due,
            at: self.now,
        }])
    }

    pub(super) fn place_hold(
        self,
        hold: String,
        amount: Money,
        reason: String,
        by: Person,
    ) -> Decision {
        if !amount.is_positive() {
            return Err(SellerAccountError::AmountNotPositive);
        }
        match self.account.holds.get(&hold) {
            Some(known) if known.amount == amount => Ok(vec![]),
            Some(_) => Err(SellerAccountError::HoldExists { hold }),
            None => {
                let at = self.now;
                Ok(vec![SellerAccountEvent::HoldPlaced { hold, amount, reason, by, at }])
            }
        }
    }

    pub(super) fn release_hold(self, hold: String, by: Person) -> Decision {
        match self.account.holds.get(&hold) {
            None => Err(SellerAccountError::HoldUnknown { hold }),
            Some(ManualHold { released: true, .. }) => Ok(vec![]),
            Some(ManualHold { released: false, .. }) => {
                Ok(vec![SellerAccountEvent::HoldReleased { hold, by, at: self.now }])
            }
        }
    }

    /// A fact may be the first to name the account; a fact about another one is refused.
    fn adopt(
        &self,
        account: &AccountRef,
    ) -> Result<(Connection, Vec<SellerAccountEvent>), SellerAccountError> {
        let mut after = self.account.connection.clone();
        match &after.account {
            Some(known) if known == account => Ok((after, vec![])),
            Some(known) => Err(SellerAccountError::OtherAccount { known: known.to_string() }),
            None => {
                after.connect(account.clone());
                let account = account.clone();
                Ok((after, vec![SellerAccountEvent::OnboardingStarted { account, at: self.now }]))
            }
        }
    }
}

fn check_schedule(schedule: &PayoutSchedule, next_due: Option<Timestamp>) -> Result<(), String> {
    match schedule.interval {
        PayoutInterval::Weekly(day) if !(1..=7).contains(&day) => {
            return Err(format!("day {day} of the week; 1 is Monday and 7 is Sunday"));
        }
        PayoutInterval::Monthly(day) if !(1..=31).contains(&day) => {
            return Err(format!("day {day} of the month; it must be 1 to 31"));
        }
        PayoutInterval::Manual if next_due.is_some() => {
            return Err("a manual schedule is never due".to_owned());
        }
        PayoutInterval::Daily | PayoutInterval::Weekly(_) | PayoutInterval::Monthly(_)
            if next_due.is_none() =>
        {
            return Err("it must say when it is due first".to_owned());
        }
        PayoutInterval::Manual
        | PayoutInterval::Daily
        | PayoutInterval::Weekly(_)
        | PayoutInterval::Monthly(_) => {}
    }
    if schedule.minimum < 1 {
        return Err("the least amount must be at least one minor unit".to_owned());
    }
    if schedule.reserve_bps.is_some_and(|bps| bps > 10_000) {
        return Err("a reserve cannot be more than 10000 basis points".to_owned());
    }
    if schedule.delay_days.is_some_and(|days| days > 365) {
        return Err("money cannot wait for more than 365 days".to_owned());
    }
    Ok(())
}

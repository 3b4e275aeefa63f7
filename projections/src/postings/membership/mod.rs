//! What memberships do to the books: what is paid in advance is owed, and becomes income day by day.
//!
//! Sold by the platform, the whole net price is deferred revenue. Sold by a seller, the platform is
//! his agent: his part goes to claims, one for each month of service, and only the commission is
//! income, at once or as the days pass.

use aggregates::{
    membership::events::{AgentFor, GivenBack, MembershipEvent, SoldBy},
    vocabulary::{Claim, ClaimRef, MembershipRef},
};
use kernel::{Currency, SellerId, Timestamp};

use super::{
    Dimensions, Entry, Nature, PostingFault,
    entry::{COMMERCE, Draft, sum},
};
use crate::chart::{Account, Clearing};

#[cfg(test)]
mod tests;

pub(super) fn postings(event: &MembershipEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        MembershipEvent::PeriodPaid { .. } => paid(event),
        MembershipEvent::RevenueRecognized { .. } => recognized(event),
        MembershipEvent::PeriodRefunded { .. } => refunded(event),
        MembershipEvent::RefundReverted { .. } => reverted(event),
        MembershipEvent::CaptureReversed { .. } => reversed(event),
        MembershipEvent::PeriodReplaced { membership, product, into, carried, at, .. } => {
            let about = about(membership, product, None);
            let kind = "membership.period_replaced";
            let draft = Draft::new(kind, Nature::Sale, carried.currency(), *at, about);
            if product == into {
                // It stays where it is.
                return Ok(Vec::new());
            }
            let (from, to) = (deferred(product), deferred(into));
            draft.moved(from, to, *carried)
        }
        MembershipEvent::PeriodCancelled {
            membership,
            product,
            agent,
            currency,
            forfeited,
            policy,
            at,
            ..
        } => {
            let about = about(membership, product, agent.as_ref());
            let kind = "membership.period_cancelled";
            let draft = Draft::new(kind, Nature::Recognition, *currency, *at, about);
            let mut draft = draft.by_policy(COMMERCE, *policy);
            draft.debit(deferred(product), *forfeited).credit(income(agent.as_ref()), *forfeited);
            draft.alone()
        }
        MembershipEvent::Started { .. }
        | MembershipEvent::PeriodRefused { .. }
        | MembershipEvent::FundsExpected { .. }
        | MembershipEvent::Ended { .. }
        | MembershipEvent::Lapsed { .. } => Ok(Vec::new()),
    }
}

fn deferred(product: &str) -> Account {
    Account::DeferredRevenue(product.to_owned())
}

const fn income(agent: Option<&AgentFor>) -> Account {
    match agent {
        None => Account::Membership,
        Some(_) => Account::Commission,
    }
}

fn about(membership: &MembershipRef, product: &str, agent: Option<&AgentFor>) -> Dimensions {
    Dimensions {
        membership: Some(membership.0.clone()),
        product: Some(product.to_owned()),
        seller: agent.map(|agent| agent.seller),
        organizer: agent.map(|agent| agent.organizer.clone()),
        ..Dimensions::default()
    }
}

fn paid(event: &MembershipEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "membership.period_paid";
    let MembershipEvent::PeriodPaid {
        membership,
        terms,
        paid,
        charge,
        payment,
        sold_by,
        deferred: whole,
        carried,
        commission,
        months,
        policy,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let agent = match sold_by {
        SoldBy::Platform => None,
        SoldBy::Agent { seller, organizer, .. } => {
            Some(AgentFor { seller: *seller, organizer: organizer.clone() })
        }
    };
    let about = Dimensions {
        charge: charge.clone(),
        payment: *payment,
        ..about(membership, &terms.product, agent.as_ref())
    };
    let draft = Draft::new(KIND, Nature::Sale, paid.currency(), *occurred_at, about);
    let mut draft = draft.by_policy(COMMERCE, *policy);
    if let Some(charge) = charge {
        draft.debit(Account::Clearing(Clearing::Charge, charge.0.clone()), paid.minor());
    }
    draft.credit(deferred(&terms.product), sum(KIND, [*whole, -carried])?);
    if agent.is_some() {
        for month in months {
            draft.credit(Account::Claim(month.claim.clone()), month.amount);
        }
        draft.credit(Account::Commission, sum(KIND, [*commission, -whole])?);
    }
    draft.credit(Account::Tax(terms.tax_jurisdiction.clone()), terms.tax);
    draft.alone()
}

/// One entry a day, in effect on that day: whenever it is recorded, a report of a month is the same.
fn recognized(event: &MembershipEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "membership.revenue_recognized";
    let MembershipEvent::RevenueRecognized {
        membership,
        product,
        agent,
        currency,
        days,
        policy,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    for day in days {
        let about = about(membership, product, agent.as_ref());
        let draft = Draft::new(KIND, Nature::Recognition, *currency, day.effective_at, about);
        let mut draft = draft.by_policy(COMMERCE, *policy);
        draft.debit(deferred(product), day.amount).credit(income(agent.as_ref()), day.amount);
        entries.extend(draft.finish()?);
    }
    Ok(entries)
}

fn refunded(event: &MembershipEvent) -> Result<Vec<Entry>, PostingFault> {
    let MembershipEvent::PeriodRefunded {
        membership,
        product,
        refund,
        payment,
        charge,
        amount,
        given_back,
        agent,
        tax_jurisdiction,
        policy,
        at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about = Dimensions {
        refund: Some(*refund),
        payment: Some(*payment),
        charge: Some(charge.clone()),
        ..about(membership, product, agent.as_ref())
    };
    let kind = "membership.period_refunded";
    let draft = draft(kind, Nature::Refund, amount.currency(), *at, about);
    let mut draft = draft.by_policy(COMMERCE, *policy);
    let contra = match agent {
        None => Account::Membership,
        Some(_) => Account::CommissionRefunded,
    };
    let claim = agent.as_ref().map(|agent| Claim::of_refund(*refund, agent.seller));
    take(&mut draft, given_back, (deferred(product), contra), claim, tax_jurisdiction);
    draft.credit(Account::RefundsPayable, amount.minor());
    draft.alone()
}

fn draft(
    kind: &'static str,
    nature: Nature,
    currency: Currency,
    effective: Timestamp,
    about: Dimensions,
) -> Draft {
    Draft::new(kind, nature, currency, effective, about)
}

/// What goes back leaves the accounts it stands in.
fn take(
    draft: &mut Draft,
    given_back: &GivenBack,
    (deferred, income): (Account, Account),
    claim: Option<ClaimRef>,
    tax_jurisdiction: &str,
) {
    draft
        .debit(deferred, given_back.deferred)
        .debit(income, given_back.income)
        .debit(Account::Tax(tax_jurisdiction.to_owned()), given_back.tax);
    if let Some(claim) = claim {
        draft.debit(Account::Claim(claim), given_back.seller);
    }
}

/// The money stays after all. Whatever it was taken from, it is income now: the days it had been
/// paid for were cut out of the period and are not rendered a second time.
fn reverted(event: &MembershipEvent) -> Result<Vec<Entry>, PostingFault> {
    let MembershipEvent::RefundReverted {
        membership,
        product,
        refund,
        amount,
        given_back,
        agent,
        tax_jurisdiction,
        at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about = Dimensions { refund: Some(*refund), ..about(membership, product, agent.as_ref()) };
    let kind = "membership.refund_reverted";
    let mut draft = draft(kind, Nature::Refund, amount.currency(), *at, about);
    draft.debit(Account::RefundsPayable, amount.minor());
    match agent {
        None => {
            let whole = sum(kind, [given_back.deferred, given_back.income])?;
            draft.credit(Account::Membership, whole);
        }
        Some(AgentFor { seller, .. }) => {
            draft
                .credit(Account::Commission, given_back.deferred)
                .credit(Account::CommissionRefunded, given_back.income)
                .credit(claim_of_reverted(*refund, *seller), given_back.seller);
        }
    }
    draft.credit(Account::Tax(tax_jurisdiction.clone()), given_back.tax);
    draft.alone()
}

fn claim_of_reverted(refund: kernel::RefundId, seller: SellerId) -> Account {
    Account::Claim(Claim::of_reverted_refund(refund, seller))
}

/// The mirror image of the sale, over what remains of it.
fn reversed(event: &MembershipEvent) -> Result<Vec<Entry>, PostingFault> {
    let MembershipEvent::CaptureReversed {
        membership,
        product,
        charge,
        amount,
        given_back,
        agent,
        tax_jurisdiction,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about =
        Dimensions { charge: Some(charge.clone()), ..about(membership, product, agent.as_ref()) };
    let kind = "membership.capture_reversed";
    let mut draft = draft(kind, Nature::Chargeback, amount.currency(), *occurred_at, about);
    let claim = agent.as_ref().map(|agent| Claim::of_reversed_capture(charge, agent.seller));
    let accounts = (deferred(product), income(agent.as_ref()));
    take(&mut draft, given_back, accounts, claim, tax_jurisdiction);
    draft.credit(Account::Clearing(Clearing::Charge, charge.0.clone()), amount.minor());
    draft.alone()
}

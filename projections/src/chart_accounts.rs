//! The chart of accounts as a list: the families everybody has, and a tenant's own accounts.

use aggregates::{
    fact::Fact,
    tenant::{accounts::OwnAccount, events::TenantEvent},
};
use kernel::{TenantId, Timestamp};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    chart::{CHART, Family},
    projection::{key, read_model},
};

store::table! {
    /// A family of accounts of the chart, or an account the tenant has opened for himself.
    pub struct ChartAccount as "chart_accounts" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Its name; a family's has `*` where its accounts differ.
            name: String,
        }
        /// chart or own.
        origin: String,
        /// open or closed.
        status: String,
        /// assets, liabilities, equity, income or expenses.
        class: String,
        /// The side on which it grows: debit or credit.
        normal_side: String,
        /// any, one (named after one amount), or the one currency of a tenant's own account.
        currencies: String,
        /// Who posts: balance_transactions, seller_accounts, decisions, adjustments or anybody.
        posters: String,
        /// yes, if_opened or no: whether a person may post to it, by a manual adjustment.
        by_hand: String,
        /// yes or no: whether its balance, on the normal side, may fall below zero.
        may_be_negative: String,
        /// yes or no: whether a balance other than zero is unfinished business.
        must_return_to_zero: String,
        /// one, few, per_seller or per_object.
        members: String,
        /// What it holds.
        holds: String,
        /// When the tenant opened it.
        opened_at: Option<Timestamp>,
        /// When the tenant closed it.
        closed_at: Option<Timestamp>,
    }
}

read_model! {
    /// Every account and family. Raise the version with every change of the chart.
    ChartAccounts = "chart_accounts", version 1, [ChartAccount]
}

fn yes(whether: bool) -> String {
    if whether { "yes" } else { "no" }.to_owned()
}

fn of_family(tenant: TenantId, family: &Family) -> ChartAccount {
    ChartAccount {
        tenant,
        name: family.pattern.to_owned(),
        origin: "chart".to_owned(),
        status: "open".to_owned(),
        class: family.class.to_string(),
        normal_side: family.normal_side.to_string(),
        currencies: family.currencies.to_string(),
        posters: family.posters.to_string(),
        by_hand: family.posters.by_hand().to_string(),
        may_be_negative: yes(family.may_be_negative),
        must_return_to_zero: yes(family.must_return_to_zero),
        members: family.members.to_string(),
        holds: family.holds.to_owned(),
        opened_at: None,
        closed_at: None,
    }
}

fn of_tenant(tenant: TenantId, account: &OwnAccount, at: Timestamp) -> ChartAccount {
    ChartAccount {
        tenant,
        name: account.name.clone(),
        origin: "own".to_owned(),
        status: "open".to_owned(),
        class: account.name.split(':').next().unwrap_or_default().to_owned(),
        normal_side: account.normal_side.to_string(),
        currencies: account.currency.map_or_else(|| "any".to_owned(), |only| only.to_string()),
        posters: "adjustments".to_owned(),
        by_hand: "yes".to_owned(),
        may_be_negative: yes(account.may_be_negative),
        must_return_to_zero: yes(account.must_return_to_zero),
        members: "one".to_owned(),
        holds: account.note.clone(),
        opened_at: Some(at),
        closed_at: None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no account")]
fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    let tenant = occurrence.tenant();
    let Fact::Tenant(event) = occurrence.fact else { return };
    match event {
        TenantEvent::Provisioned { .. } => {
            for family in CHART {
                wanted.row::<ChartAccount>(key![tenant, family.pattern.to_owned()]);
            }
        }
        TenantEvent::AccountOpened { account: OwnAccount { name, .. }, .. }
        | TenantEvent::AccountClosed { name, .. } => {
            wanted.row::<ChartAccount>(key![tenant, name.clone()]);
        }
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no account")]
fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let tenant = occurrence.tenant();
    let Fact::Tenant(event) = occurrence.fact else { return Ok(()) };
    match event {
        TenantEvent::Provisioned { .. } => {
            CHART.iter().try_for_each(|family| rows.put(of_family(tenant, family)))
        }
        TenantEvent::AccountOpened { account, at, .. } => rows.put(of_tenant(tenant, account, *at)),
        TenantEvent::AccountClosed { name, at, .. } => {
            if let Some(row) = rows.update::<ChartAccount>(key![tenant, name.clone()])? {
                "closed".clone_into(&mut row.status);
                "no".clone_into(&mut row.by_hand);
                row.closed_at = Some(*at);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

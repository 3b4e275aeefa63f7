//! The frame of a visitor's pages: where he may go, and what he has just done.

use aggregates::api_key::events::Role;
use kernel::Mode;

use super::{
    query::Parameters,
    reading::Reader,
    views::{Frame, NavItem},
};
use crate::permissions::{Permission, Reach};

const STAFF: [(&str, &str, Permission); 13] = [
    ("Overview", "/dashboard", Permission::SeeSellers),
    ("Sellers", "/dashboard/sellers", Permission::SeeSellers),
    ("Orders", "/dashboard/orders", Permission::SeeOrders),
    ("Memberships", "/dashboard/memberships", Permission::SeeOrders),
    ("Refunds", "/dashboard/refunds", Permission::SeeRefunds),
    ("Disputes", "/dashboard/disputes", Permission::SeeDisputes),
    ("Payouts", "/dashboard/payouts", Permission::SeePayouts),
    ("Reports", "/dashboard/reports", Permission::SeeBalances),
    ("Adjustments", "/dashboard/adjustments", Permission::SeeBooks),
    ("Periods", "/dashboard/periods", Permission::SeeBooks),
    ("Work items", "/dashboard/work-items", Permission::SeeBooks),
    ("Alarms", "/dashboard/alarms", Permission::SeeBooks),
    ("Stripe events", "/dashboard/webhooks", Permission::SeeBooks),
];

/// Done, in words. Only these are ever shown, whatever an address says.
const NOTICES: [(&str, &str); 11] = [
    ("approved", "The refund was approved. Stripe is asked to make it."),
    ("declined", "The refund was declined."),
    ("proposed", "The adjustment was proposed. Another person has to approve it."),
    ("adjusted", "The adjustment was approved and posted."),
    ("rejected", "The adjustment was rejected."),
    ("withdrawn", "The adjustment was withdrawn."),
    ("closed", "The books are closed through that day."),
    ("reopening", "Opening the last period again takes two people; yours is recorded."),
    ("locked", "Every closing is final now."),
    ("payout", "The payout was requested. The transfer follows."),
    ("refund", "We have asked for your refund. You will find its state below."),
];

/// The words for what was done.
pub(crate) fn notice(parameters: &Parameters) -> Option<&'static str> {
    let done = parameters.get("done")?;
    NOTICES.iter().find(|(code, _)| *code == done).map(|(_, words)| *words)
}

impl Reader<'_> {
    /// The frame of the page with this title at this address.
    pub(crate) fn frame(&self, title: &str, here: &str, parameters: &Parameters) -> Frame {
        let info = &self.caller.info;
        let nav = STAFF
            .into_iter()
            .filter_map(|(label, href, permission)| match self.reach(permission)? {
                Reach::All => Some((label, href.to_owned())),
                // A seller's home is his own page; of the others he sees his part.
                Reach::Own(_) if href == "/dashboard/sellers" => None,
                Reach::Own(seller) if href == "/dashboard" => {
                    Some(("My page", format!("/dashboard/sellers/{seller}")))
                }
                Reach::Own(_) => Some((label, href.to_owned())),
            })
            .map(|(label, href)| NavItem { label, current: href == here, href })
            .collect();
        Frame {
            title: title.to_owned(),
            tenant: info.name.clone(),
            sandbox: info.mode == Mode::Sandbox,
            role: role_words(self.caller.holder.role).to_owned(),
            nav,
            csrf: self.caller.csrf.clone().unwrap_or_default(),
            zone: info.zone.to_string(),
            notice: notice(parameters),
        }
    }
}

const fn role_words(role: Role) -> &'static str {
    match role {
        Role::PlatformAdmin => "platform admin",
        Role::FinanceOps => "finance ops",
        Role::Auditor => "auditor",
        Role::Support => "support",
        Role::SellerOwner => "seller, owner",
        Role::SellerManager => "seller, manager",
        Role::SellerViewer => "seller, viewer",
        Role::Partner => "partner",
    }
}

//! Who may do what: the one place where permissions are decided. Deny by default.

use aggregates::api_key::events::Role;
use kernel::SellerId;

/// Something a caller may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Place, check out, cancel and fulfil orders for the storefront.
    PlaceOrders,
    /// See orders.
    SeeOrders,
    /// Ship and deliver.
    FulfilOrders,
    /// Ask for a refund on a buyer's behalf.
    RequestRefunds,
    /// Approve or decline a refund.
    DecideRefunds,
    /// See refunds.
    SeeRefunds,
    /// Force refunds, accept disputes, forgo, write off, attribute, adjust the books, close periods:
    /// finance's own decisions.
    DecideMoney,
    /// Write notes and evidence on disputes.
    WorkOnDisputes,
    /// See disputes.
    SeeDisputes,
    /// Request payouts and set schedules.
    RequestPayouts,
    /// See payouts.
    SeePayouts,
    /// See earnings, balances and entries.
    SeeBalances,
    /// See the journal, the trial balance, work items and Stripe's side.
    SeeBooks,
    /// Read the audit trail and export the event stream.
    ReadAudit,
    /// Register and onboard sellers.
    ManageSellers,
    /// See sellers.
    SeeSellers,
    /// See what is sealed, opened: names of sellers, e-mail addresses of guests.
    SeePersonalData,
    /// Policy, keys, time zone, test clock, guarantees of the log.
    ManageTenant,
}

/// How far a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Everything of the tenant.
    All,
    /// Only what is this seller's.
    Own(SellerId),
}

/// Somebody with a valid key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// In which role.
    pub role: Role,
    /// With which scopes (partners have nothing else).
    pub scopes: Vec<String>,
    /// Whose data, for seller roles.
    pub seller: Option<SellerId>,
}

/// How far the holder may go with this permission; `None` is not at all.
#[must_use]
pub fn reach(holder: &Holder, permission: Permission) -> Option<Reach> {
    match holder.role {
        Role::SellerOwner | Role::SellerManager | Role::SellerViewer => {
            seller_may(holder.role, permission).then_some(Reach::Own(holder.seller?))
        }
        Role::PlatformAdmin | Role::FinanceOps | Role::Auditor | Role::Support => {
            staff_may(holder.role, permission).then_some(Reach::All)
        }
        Role::Partner => {
            let scope = scope_of(permission)?;
            holder.scopes.iter().any(|held| held == scope).then_some(Reach::All)
        }
    }
}

fn seller_may(role: Role, permission: Permission) -> bool {
    use Permission as P;
    let owner = role == Role::SellerOwner;
    let manager = owner || role == Role::SellerManager;
    match permission {
        P::SeeOrders
        | P::SeeRefunds
        | P::SeeDisputes
        | P::SeePayouts
        | P::SeeBalances
        | P::SeeSellers
        | P::SeePersonalData => true,
        P::FulfilOrders | P::DecideRefunds | P::WorkOnDisputes => manager,
        P::RequestPayouts => owner,
        P::PlaceOrders
        | P::RequestRefunds
        | P::DecideMoney
        | P::SeeBooks
        | P::ReadAudit
        | P::ManageSellers
        | P::ManageTenant => false,
    }
}

fn staff_may(role: Role, permission: Permission) -> bool {
    use Permission as P;
    let admin = role == Role::PlatformAdmin;
    let finance = admin || role == Role::FinanceOps;
    let auditor = finance || role == Role::Auditor;
    let support = role == Role::Support;
    match permission {
        P::SeeOrders | P::SeeRefunds | P::SeeDisputes | P::SeePayouts | P::SeeSellers => {
            auditor || support
        }
        P::SeeBalances | P::SeeBooks | P::ReadAudit => auditor,
        P::DecideRefunds | P::DecideMoney | P::WorkOnDisputes | P::RequestPayouts => finance,
        P::SeePersonalData => finance || support,
        P::RequestRefunds => admin || support,
        P::FulfilOrders => admin || support,
        P::PlaceOrders | P::ManageSellers | P::ManageTenant => admin,
    }
}

/// The partner scope that grants a permission; `None` for what no partner may ever do.
const fn scope_of(permission: Permission) -> Option<&'static str> {
    use Permission as P;
    match permission {
        P::PlaceOrders | P::FulfilOrders => Some("orders:write"),
        P::SeeOrders => Some("orders:read"),
        P::RequestRefunds | P::SeeRefunds => Some("refunds:request"),
        P::DecideRefunds => Some("refunds:decide"),
        P::WorkOnDisputes => Some("disputes:write"),
        P::SeeDisputes => Some("disputes:read"),
        P::RequestPayouts => Some("payouts:write"),
        P::SeePayouts => Some("payouts:read"),
        P::SeeBalances | P::SeeBooks => Some("ledger:read"),
        P::ReadAudit => Some("audit:export"),
        P::ManageSellers => Some("sellers:write"),
        P::SeeSellers => Some("sellers:read"),
        P::DecideMoney | P::SeePersonalData | P::ManageTenant => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Permission; 18] = [
        Permission::PlaceOrders,
        Permission::SeeOrders,
        Permission::FulfilOrders,
        Permission::RequestRefunds,
        Permission::DecideRefunds,
        Permission::SeeRefunds,
        Permission::DecideMoney,
        Permission::WorkOnDisputes,
        Permission::SeeDisputes,
        Permission::RequestPayouts,
        Permission::SeePayouts,
        Permission::SeeBalances,
        Permission::SeeBooks,
        Permission::ReadAudit,
        Permission::ManageSellers,
        Permission::SeeSellers,
        Permission::SeePersonalData,
        Permission::ManageTenant,
    ];

    fn granted(role: Role, scopes: &[&str]) -> Vec<Permission> {
        let seller = matches!(role, Role::SellerOwner | Role::SellerManager | Role::SellerViewer)
            .then(|| SellerId::derived(&["a"]));
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let holder = Holder { role, scopes, seller };
        ALL.into_iter().filter(|permission| reach(&holder, *permission).is_some()).collect()
    }

    #[test]
    fn a_seller_only_ever_reaches_his_own() {
        let seller = SellerId::derived(&["a"]);
        for role in [Role::SellerOwner, Role::SellerManager, Role::SellerViewer] {
            let holder = Holder { role, scopes: vec![], seller: Some(seller) };
            for permission in ALL {
                let reach = reach(&holder, permission);
                assert!(matches!(reach, None | Some(Reach::Own(_))), "{role:?} {permission:?}");
            }
        }
    }

    #[test]
    fn a_seller_key_without_a_seller_opens_nothing() {
        let holder = Holder { role: Role::SellerOwner, scopes: vec![], seller: None };
        assert!(ALL.into_iter().all(|permission| reach(&holder, permission).is_none()));
    }

    #[test]
    fn only_the_owner_requests_payouts_and_only_managers_decide_refunds() {
        assert!(granted(Role::SellerOwner, &[]).contains(&Permission::RequestPayouts));
        assert!(!granted(Role::SellerManager, &[]).contains(&Permission::RequestPayouts));
        assert!(granted(Role::SellerManager, &[]).contains(&Permission::DecideRefunds));
        assert!(!granted(Role::SellerViewer, &[]).contains(&Permission::DecideRefunds));
    }

    #[test]
    fn an_auditor_sees_everything_but_people_and_changes_nothing() {
        let granted = granted(Role::Auditor, &[]);
        assert!(granted.contains(&Permission::ReadAudit));
        assert!(granted.contains(&Permission::SeeBooks));
        for permission in [
            Permission::PlaceOrders,
            Permission::FulfilOrders,
            Permission::RequestRefunds,
            Permission::DecideRefunds,
            Permission::DecideMoney,
            Permission::WorkOnDisputes,
            Permission::RequestPayouts,
            Permission::ManageSellers,
            Permission::SeePersonalData,
            Permission::ManageTenant,
        ] {
            assert!(!granted.contains(&permission), "{permission:?}");
        }
    }

    #[test]
    fn a_partner_may_do_what_its_scopes_say_and_never_finances_own_decisions() {
        assert_eq!(granted(Role::Partner, &[]), []);
        assert_eq!(granted(Role::Partner, &["orders:read"]), [Permission::SeeOrders]);
        let everything: Vec<_> = ALL.into_iter().filter_map(scope_of).collect();
        let granted = granted(Role::Partner, &everything);
        assert!(!granted.contains(&Permission::DecideMoney));
        assert!(!granted.contains(&Permission::ManageTenant));
    }

    #[test]
    fn every_scope_that_can_be_granted_opens_something() {
        for scope in aggregates::api_key::SCOPES {
            assert_ne!(granted(Role::Partner, &[scope]), [], "{scope}");
        }
    }

    #[test]
    fn support_sees_orders_but_no_balances() {
        let granted = granted(Role::Support, &[]);
        assert!(granted.contains(&Permission::SeeOrders));
        assert!(!granted.contains(&Permission::SeeBalances));
    }
}

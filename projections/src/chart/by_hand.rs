//! What the chart says about posting to an account by hand.

use aggregates::{adjustment::commands::Ruling, tenant::Tenant};
use kernel::Currency;

use super::{Account, Posters};

/// A longer name, or one with a blank in it, is a slip of the hand and no account.
const NAME_BYTES_MAX: usize = 200;

impl Posters {
    /// Whether a person may post.
    #[must_use]
    pub const fn by_hand(self) -> ByHand {
        match self {
            Self::Adjustments => ByHand::IfOpened,
            Self::Anybody => ByHand::Always,
            Self::BalanceTransactions | Self::SellerAccounts | Self::Decisions => ByHand::Never,
        }
    }
}

/// Whether a person may post to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum ByHand {
    /// Yes.
    #[strum(serialize = "yes")]
    Always,
    /// If the tenant has opened it.
    IfOpened,
    /// No.
    #[strum(serialize = "no")]
    Never,
}

/// Whether this tenant's people may post this currency to the account of this name.
#[must_use]
pub fn ruling(name: &str, currency: Currency, tenant: &Tenant) -> Ruling {
    let is_odd = |byte: u8| !byte.is_ascii_graphic();
    if name.len() > NAME_BYTES_MAX || name.bytes().any(is_odd) {
        return Ruling::Unknown;
    }
    let Ok(account) = Account::parse(name) else { return Ruling::Unknown };
    match account.family().posters.by_hand() {
        ByHand::Always => Ruling::Allowed,
        ByHand::Never => Ruling::NotByHand,
        ByHand::IfOpened => match tenant.account(name) {
            None => Ruling::Unknown,
            Some((_, false)) => Ruling::Closed,
            Some((known, true)) if known.currency.is_some_and(|only| only != currency) => {
                Ruling::OtherCurrency
            }
            Some((_, true)) => Ruling::Allowed,
        },
    }
}

#[cfg(test)]
mod tests {
    use aggregates::tenant::{accounts::OwnAccount, events::TenantEvent};
    use cqrs_es::Aggregate;
    use kernel::Timestamp;

    use super::*;
    use crate::chart::Side;

    fn tenant() -> Tenant {
        let mut tenant = Tenant::default();
        for (name, currency) in [
            ("expenses:own:rent", None),
            ("assets:own:till", Some(Currency::EUR)),
            ("income:own:old", None),
        ] {
            tenant.apply(TenantEvent::AccountOpened {
                account: OwnAccount {
                    name: name.to_owned(),
                    normal_side: Side::Debit,
                    currency,
                    may_be_negative: false,
                    must_return_to_zero: false,
                    note: String::new(),
                },
                by: "key_1".into(),
                at: Timestamp::EPOCH,
            });
        }
        tenant.apply(TenantEvent::AccountClosed {
            name: "income:own:old".to_owned(),
            by: "key_1".into(),
            at: Timestamp::EPOCH,
        });
        tenant
    }

    #[test]
    fn the_chart_says_where_a_person_may_post() {
        for (name, expected) in [
            ("assets:bank:main", Ruling::Allowed),
            ("equity:opening", Ruling::Allowed),
            ("expenses:goodwill", Ruling::Allowed),
            ("liabilities:tax:DE", Ruling::Allowed),
            ("assets:payout-in-transit:po_1", Ruling::Allowed),
            ("assets:stripe:balance", Ruling::NotByHand),
            ("assets:clearing:stripe:charge:ch_1", Ruling::NotByHand),
            ("assets:clearing:internal:claim:ord_1:0", Ruling::NotByHand),
            ("equity:conversion", Ruling::NotByHand),
            ("liabilities:refunds-payable", Ruling::NotByHand),
            ("liabilities:seller:sel_00000000000000000000000000000000:pending", Ruling::NotByHand),
            ("assets:receivable:seller:sel_00000000000000000000000000000000", Ruling::NotByHand),
            ("liabilities:owner", Ruling::NotByHand),
            ("expenses:own:rent", Ruling::Allowed),
            ("expenses:own:cake", Ruling::Unknown),
            ("assets:own:till", Ruling::OtherCurrency),
            ("income:own:old", Ruling::Closed),
            ("equity:rounding", Ruling::Unknown),
            ("assets:bank:my bank", Ruling::Unknown),
        ] {
            assert_eq!(ruling(name, Currency::USD, &tenant()), expected, "{name}");
        }
    }
}

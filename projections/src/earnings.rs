//! What was earned per day, organizer, seller and currency, from postings only.
//!
//! A day is a calendar day in the tenant's time zone (UTC until one is set) at the entry's own time.
//! A change of zone applies from then on and moves nothing that was counted before.

use aggregates::{calendar, fact::Fact, tenant::events::TenantEvent};
use chrono::Days;
use chrono_tz::Tz;
use kernel::{Currency, SellerId, TenantId, Timestamp};
use store::{Table, TableDef};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    figures::{Earned, effects},
    postings::POSTINGS_VERSION,
    projection::{add, key},
};

store::table! {
    /// The earnings of a day; all amounts in minor units. Stripe's own fees are the platform's and
    /// appear nowhere here.
    pub struct DailyEarnings as "earnings_daily" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The day in the tenant's time zone, `2026-03-01`.
            day: String,
            /// Who organizes what was sold; the seller where nobody was named.
            organizer: String,
            /// Who sold it.
            seller: SellerId,
            /// The currency of every amount in the row.
            currency: Currency,
        }
        /// Item and shipping after seller-funded discount, without tax, before commission.
        gross: i64,
        /// Commission and fees passed on, less fees returned.
        fees: i64,
        /// Refunds, with the commission that came back.
        refunds: i64,
        /// Losses of disputes and fees charged on, less what was reinstated.
        disputes: i64,
        /// Debt given up.
        adjustments: i64,
        /// Gross less fees, refunds and disputes, and adjustments.
        net: i64,
    }
    indexes [["tenant", "seller", "day"], ["tenant", "organizer", "day"]]
}

store::table! {
    /// In which time zone a tenant's report days are from now on.
    pub struct EarningsZone as "earnings_zones" {
        key {
            /// Owner.
            tenant: TenantId,
        }
        /// IANA name, such as `Europe/Berlin`.
        time_zone: String,
    }
}

/// The earnings of every day.
#[derive(Debug, Clone, Copy, Default)]
pub struct Earnings;

/// The calendar day of an instant in a zone, as `2026-03-01`.
#[must_use]
pub fn day_in(zone: Tz, instant: Timestamp) -> String {
    calendar::day_of(instant, zone).to_string()
}

/// The days an instant may fall on, wherever the tenant is: the row of the zone is loaded together
/// with these, so the day is not known yet.
fn possible_days(instant: Timestamp) -> [String; 3] {
    let day = instant.to_datetime().date_naive();
    let before = day.checked_sub_days(Days::new(1)).unwrap_or(day);
    let after = day.checked_add_days(Days::new(1)).unwrap_or(day);
    [before.to_string(), day.to_string(), after.to_string()]
}

impl Projection for Earnings {
    fn name(&self) -> &'static str {
        "earnings"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[DailyEarnings::TABLE, EarningsZone::TABLE] }
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        let tenant = occurrence.tenant();
        if matches!(occurrence.fact, Fact::Tenant(TenantEvent::TimeZoneSet { .. })) {
            wanted.row::<EarningsZone>(key![tenant]);
        }
        for entry in occurrence.entries {
            // An entry that does not add up is refused when it is folded.
            for (seller, effect) in effects(entry).unwrap_or_default() {
                wanted.row::<EarningsZone>(key![tenant]);
                for day in possible_days(entry.effective()) {
                    wanted.row::<DailyEarnings>(key![
                        tenant,
                        day,
                        effect.organizer,
                        seller,
                        entry.currency()
                    ]);
                }
            }
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        let tenant = occurrence.tenant();
        if let Fact::Tenant(TenantEvent::TimeZoneSet { time_zone, .. }) = occurrence.fact {
            return rows.put(EarningsZone { tenant, time_zone: time_zone.clone() });
        }
        for entry in occurrence.entries {
            for (seller, effect) in effects(entry)? {
                let mut earned = Earned::of(entry.nature(), &effect)?;
                (earned.transferred, earned.reversed) = (0, 0);
                if earned.is_nothing() {
                    continue;
                }
                let zone = rows
                    .get::<EarningsZone>(key![tenant])?
                    .and_then(|row| row.time_zone.parse().ok())
                    .unwrap_or(Tz::UTC);
                let day = day_in(zone, entry.effective());
                let currency = entry.currency();
                let key = key![tenant, day, effect.organizer, seller, currency];
                let row = rows.upsert(key, || DailyEarnings {
                    tenant,
                    day,
                    organizer: effect.organizer,
                    seller,
                    currency,
                    gross: 0,
                    fees: 0,
                    refunds: 0,
                    disputes: 0,
                    adjustments: 0,
                    net: 0,
                })?;
                for (total, change) in [
                    (&mut row.gross, earned.gross),
                    (&mut row.fees, earned.fees),
                    (&mut row.refunds, earned.refunds),
                    (&mut row.disputes, earned.disputes),
                    (&mut row.adjustments, earned.adjustments),
                    (&mut row.net, earned.net()?),
                ] {
                    add(total, change, "earnings of a day")?;
                }
            }
        }
        Ok(())
    }
}

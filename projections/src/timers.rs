//! Durable timers: what is to be done when, if nothing happens before. Set and cleared by facts, as
//! [`aggregates::policies::timers`] says; fired by the engine.

use aggregates::policies::timers::{TimerChange, changes};
use kernel::{TenantId, Timestamp};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
};

store::table! {
    /// A timer that is set.
    pub struct TimerRow as "timers" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Its name; setting it again replaces it.
            #[unhashed = "built from minted ids"]
            key: String,
        }
        /// When it is due. It takes effect at this time, whenever it fires.
        due: Timestamp,
        /// What it is for, such as `order_expiry`.
        kind: String,
        /// The id of the aggregate it speaks to.
        #[unhashed = "minted"]
        subject: String,
        /// What else its command needs, JSON; empty where nothing.
        #[unhashed = "built from minted ids"]
        detail: String,
    }
    indexes [["tenant", "due", "key"]]
}

read_model! {
    /// Every timer that is set.
    Timers = "timers", version 1, [TimerRow]
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    for change in changes(occurrence.fact, &occurrence.recorded.stream.id) {
        let key = match change {
            TimerChange::Set(timer) => timer.key,
            TimerChange::Clear(key) => key,
        };
        wanted.row::<TimerRow>(key![occurrence.tenant(), key]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let tenant = occurrence.tenant();
    for change in changes(occurrence.fact, &occurrence.recorded.stream.id) {
        match change {
            TimerChange::Set(timer) => rows.put(TimerRow {
                tenant,
                key: timer.key,
                due: timer.due,
                kind: timer.kind.as_ref().to_owned(),
                subject: timer.subject,
                detail: timer.detail,
            })?,
            TimerChange::Clear(key) => rows.delete::<TimerRow>(key![tenant, key])?,
        }
    }
    Ok(())
}

//! What an examination comes to, and how it becomes alarms.

use kernel::{Currency, Timestamp};

use super::{
    catalogue::Invariant,
    rows::{Alarm, AlarmState},
};
use crate::{FoldError, Occurrence, Rows, Wanted, projection::key};

/// So many positions are kept of an alarm; the count goes on.
const POSITIONS_MAX: u32 = 20;

/// Something that must never be, and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) invariant: Invariant,
    pub(super) subject: String,
    pub(super) what: String,
    pub(super) amount: Option<(i64, Currency)>,
}

/// What the examination of one event came to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How often each invariant was looked at, in the order of [`Invariant::ALL`].
    pub(super) checked: [u64; Invariant::ALL.len()],
    pub(super) wrong: Vec<Finding>,
    /// What is wrong and has its row already.
    pub(super) standing: Vec<(Invariant, String, String)>,
    /// What is as it should be again.
    pub(super) right: Vec<(Invariant, String)>,
}

impl Found {
    pub(super) fn looked(&mut self, invariant: Invariant) {
        if let Some(count) = self.checked.get_mut(invariant.place()) {
            *count = count.saturating_add(1);
        }
    }

    pub(super) fn wrong(&mut self, invariant: Invariant, subject: String, what: String) {
        self.wrong.push(Finding { invariant, subject, what, amount: None });
    }

    pub(super) fn wrong_by(
        &mut self,
        invariant: Invariant,
        subject: String,
        (minor, currency): (i64, Currency),
        what: String,
    ) {
        let amount = Some((minor, currency));
        self.wrong.push(Finding { invariant, subject, what, amount });
    }
}

/// The alarm about something.
pub(super) fn want(
    occurrence: &Occurrence<'_>,
    wanted: &mut Wanted,
    invariant: Invariant,
    subject: String,
) {
    wanted.row::<Alarm>(key![occurrence.tenant(), invariant, subject]);
}

/// A new alarm that nothing has broken yet.
pub(super) fn blank(
    occurrence: &Occurrence<'_>,
    invariant: Invariant,
    subject: String,
    since: Timestamp,
) -> Alarm {
    Alarm {
        tenant: occurrence.tenant(),
        invariant,
        subject,
        state: AlarmState::Open,
        since,
        amount: None,
        currency: None,
        what: String::new(),
        first_position: occurrence.recorded.position,
        last_position: occurrence.recorded.position,
        count: 0,
        entries: String::new(),
        cleared_position: None,
    }
}

/// One more event has to do with it.
pub(super) fn note_position(alarm: &mut Alarm, occurrence: &Occurrence<'_>) {
    let position = occurrence.recorded.position;
    if alarm.count > 0 && alarm.last_position == position {
        return;
    }
    if alarm.count < POSITIONS_MAX {
        if !alarm.entries.is_empty() {
            alarm.entries.push(' ');
        }
        alarm.entries.push_str(&position.to_string());
    }
    alarm.count = alarm.count.saturating_add(1);
    alarm.last_position = position;
}

/// Raises an alarm, or adds to it.
pub(super) fn raise(
    occurrence: &Occurrence<'_>,
    rows: &mut Rows,
    finding: Finding,
) -> Result<(), FoldError> {
    let Finding { invariant, subject, what, amount } = finding;
    // A fact may be dated ahead, and is wrong now all the same.
    let recorded = occurrence.recorded.recorded_at;
    let effective = occurrence.entries.first().map_or(recorded, |entry| entry.effective());
    let since = effective.min(recorded);
    let key = key![occurrence.tenant(), invariant, subject];
    let alarm = rows.upsert(key, || blank(occurrence, invariant, subject, since))?;
    if alarm.state == AlarmState::Cleared {
        alarm.state = AlarmState::Open;
        alarm.cleared_position = None;
        alarm.since = since;
    }
    alarm.amount = amount.map(|(minor, _)| minor);
    alarm.currency = amount.map(|(_, currency)| currency);
    alarm.what = what;
    note_position(alarm, occurrence);
    Ok(())
}

/// Clears an alarm, if there is one.
pub(super) fn clear(
    occurrence: &Occurrence<'_>,
    rows: &mut Rows,
    (invariant, subject): (Invariant, String),
) -> Result<(), FoldError> {
    let key = key![occurrence.tenant(), invariant, subject];
    let is_open = rows.get::<Alarm>(key.clone())?.is_some_and(|row| row.state == AlarmState::Open);
    if is_open && let Some(alarm) = rows.update::<Alarm>(key)? {
        alarm.state = AlarmState::Cleared;
        alarm.cleared_position = Some(occurrence.recorded.position);
    }
    Ok(())
}

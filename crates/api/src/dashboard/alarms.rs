//! What must always hold, and what does not: the invariants with their verdicts, and the alarms with
//! the entries that broke them.

use actix_web::{HttpResponse, http::StatusCode, web};
use projections::invariants::{Alarm, AlarmState};
use store::{Direction, Query};

use super::{
    frame::page,
    query::{Parameters, link},
    reading::{Reader, amount},
    shown::{Reference, Status},
    trouble::{Trouble, Visitor},
    views::{AlarmRow, AlarmsPage, Choice, InvariantRow, Paging},
};
use crate::{permissions::Permission, resources::invariants::standings, state::Api};

const PATH: &str = "/dashboard/alarms";
const ALARMS_MAX: usize = 200;

/// The alarms.
pub(crate) async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    visitor.0.may(Permission::SeeBooks)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let standings = standings(&api, &visitor.0).await?;
    let invariants = standings.into_iter().map(|standing| InvariantRow {
        href: link(PATH, &parameters.with("invariant", &standing.invariant)),
        name: standing.invariant,
        sentence: standing.sentence,
        verdict: Status::of(match standing.watched_by.as_str() {
            "replay" => "by daybook check",
            "simulation" => "by simulation",
            _ => standing.verdict,
        }),
        open: standing.open_alarms,
    });
    let state = match parameters.get("state") {
        Some("cleared") => AlarmState::Cleared,
        Some(_) | None => AlarmState::Open,
    };
    let shown = AlarmsPage {
        frame: reader.frame("Alarms", PATH, &parameters),
        paging: Paging { filters: choices(state, &parameters), next: None },
        invariants: invariants.collect(),
        alarms: reader.alarms(state, parameters.get("invariant")).await?,
    };
    Ok(page(StatusCode::OK, &shown))
}

fn choices(state: AlarmState, parameters: &Parameters) -> Vec<Choice> {
    let of_state = |label: &str, word: &str, current| Choice {
        label: label.to_owned(),
        href: link(PATH, &parameters.with("state", word)),
        current,
    };
    let mut choices = vec![
        of_state("Open", "", state == AlarmState::Open),
        of_state("Cleared", "cleared", state == AlarmState::Cleared),
    ];
    if let Some(invariant) = parameters.get("invariant").filter(|name| !name.is_empty()) {
        choices.push(Choice {
            label: format!("{invariant} only"),
            href: link(PATH, &parameters.with("invariant", "")),
            current: true,
        });
    }
    choices
}

impl Reader<'_> {
    /// Alarms that are some by now, the latest first.
    async fn alarms(
        &self,
        state: AlarmState,
        invariant: Option<&str>,
    ) -> Result<Vec<AlarmRow>, Trouble> {
        let mut query = Query::of(self.tenant())
            .eq(Alarm::COLUMNS.state, state.to_string())
            .filter(engine::by_now(self.now()))
            .order_by(Alarm::COLUMNS.since, Direction::Descending)
            .limit(ALARMS_MAX);
        if let Some(invariant) = invariant.filter(|name| !name.is_empty()) {
            query = query.eq(Alarm::COLUMNS.invariant, invariant);
        }
        let rows: Vec<Alarm> = self.rows(query).await?;
        Ok(rows.into_iter().map(|row| self.alarm(row)).collect())
    }

    fn alarm(&self, row: Alarm) -> AlarmRow {
        let events: Vec<Choice> = row.entries.split(' ').map(event).collect();
        let shown = u32::try_from(events.len()).unwrap_or(u32::MAX);
        AlarmRow {
            invariant: row.invariant.to_string(),
            status: Status::of(match row.state {
                AlarmState::Open => "violated",
                AlarmState::Cleared => "cleared",
            }),
            about: Reference::plain(&row.subject),
            what: row.what,
            amount: amount(row.amount, row.currency),
            since: self.when(row.since),
            events,
            more: row.count.saturating_sub(shown),
            cleared: row.cleared_position.map(|position| event(&position.to_string()).href),
        }
    }
}

fn event(position: &str) -> Choice {
    Choice {
        label: position.to_owned(),
        href: format!("/dashboard/events/{position}"),
        current: false,
    }
}

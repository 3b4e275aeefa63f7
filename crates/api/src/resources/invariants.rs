//! What must always hold, and whether it does.

use actix_web::{HttpResponse, web};
use engine::open_alarms;
use projections::invariants::{Invariant, WatchedBy};
use serde::Serialize;

use crate::{
    extract::{After, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// One invariant, and how it stands.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    /// Its name, such as `I6`.
    pub(crate) invariant: String,
    /// What it says.
    pub(crate) sentence: &'static str,
    /// Who watches it: `read_model`, `replay` or `simulation`.
    pub(crate) watched_by: String,
    /// How many alarms about it are open.
    pub(crate) open_alarms: u64,
    /// `holds` or `violated`; `not_watched_here` where it takes a replay or a simulation to tell.
    pub(crate) verdict: &'static str,
}

/// How every invariant stands for a tenant, by its own clock.
pub(crate) async fn standings(api: &Api, caller: &Caller) -> Result<Vec<Standing>, Problem> {
    let now = api.engine.bus().directory().now(Some(&caller.info));
    let open = open_alarms(&**api.engine.views(), caller.tenant, now).await?;
    let standing = |invariant: Invariant| {
        let open_alarms = open.get(&invariant).copied().unwrap_or_default();
        let verdict = match invariant.watched_by() {
            WatchedBy::ReadModel if open_alarms == 0 => "holds",
            WatchedBy::ReadModel => "violated",
            WatchedBy::Replay | WatchedBy::Simulation => "not_watched_here",
        };
        Standing {
            invariant: invariant.to_string(),
            sentence: invariant.sentence(),
            watched_by: invariant.watched_by().to_string(),
            open_alarms,
            verdict,
        }
    };
    Ok(Invariant::ALL.into_iter().map(standing).collect())
}

/// Every invariant of the books: what it says, who watches it, how many alarms about it are open.
#[utoipa::path(get, path = "/v1/invariants", tag = "operations",
    responses((status = 200, body = Object)))]
pub(crate) async fn list(
    api: web::Data<Api>,
    caller: Caller,
    after: web::Query<After>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBooks)?;
    after.wait(&api).await?;
    let standings = standings(&api, &caller).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "data": standings })))
}

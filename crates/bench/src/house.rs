//! Our side of every comparison: a log in a file, a tenant in it, and the bus on top.

use std::{path::Path, sync::Arc};

use aggregates::{
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::CommercePolicy,
};
use engine::{Bus, Envelope};
use kernel::{Clock, Mode, RequestId, SystemClock, TenantId};
use store::Log;
use store_postgres::{PostgresLog, PostgresLogOptions};
use store_sqlite::{LogOptions, SqliteLog};

use crate::fault::{Doing, Outcome};

/// How many aggregates of each type are kept in memory, as the server does.
const CACHED_PER_TYPE_MAX: usize = 20_000;

/// Opens the log in this folder with the settings the server uses: WAL, `synchronous=FULL`.
pub(crate) async fn open_log(folder: &Path) -> Outcome<Arc<dyn Log>> {
    let log = SqliteLog::open(folder.join("log.sqlite"), LogOptions::default()).await;
    Ok(Arc::new(log.doing("open a log")?))
}

/// Opens the log in this PostgreSQL database with the settings the server uses.
pub(crate) async fn open_postgres_log(url: &str) -> Outcome<Arc<dyn Log>> {
    let log = PostgresLog::open(url, PostgresLogOptions::default()).await;
    Ok(Arc::new(log.doing("open a log in PostgreSQL")?))
}

/// A bus on this log, by the machine's clock.
pub(crate) fn bus_on(log: &Arc<dyn Log>) -> Bus {
    Bus::new(Arc::clone(log), Arc::new(SystemClock) as Arc<dyn Clock>, CACHED_PER_TYPE_MAX)
}

/// A new tenant in sandbox mode.
pub(crate) async fn tenant_on(bus: &Bus, policy: CommercePolicy) -> Outcome<TenantId> {
    let tenant = TenantId::mint();
    let command = TenantCommand::Provision {
        tenant,
        name: "Acorn Market".to_owned(),
        mode: Mode::Sandbox,
        time_zone: "UTC".to_owned(),
        policy,
    };
    let envelope = Envelope::of_operator(tenant, "bench", RequestId::mint());
    bus.send::<Tenant>(&tenant.to_string(), command, envelope).await.doing("make a tenant")?;
    Ok(tenant)
}

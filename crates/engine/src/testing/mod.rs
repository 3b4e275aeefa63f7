//! What the engine's tests share: a tenant, a clock, and a log that fails when it is told to.

mod leases;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use aggregates::{
    seller_account::{SellerAccount, commands::SellerAccountCommand},
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::CommercePolicy,
};
use async_trait::async_trait;
use kernel::{
    Actor, ActorKind, Cause, Currency, FixedClock, KeyRef, Mode, Money, RequestId, SellerId,
    SubjectRef, TenantId, Timestamp,
};
use store::{
    AppendError, Appended, Commit, Guarantees, Head, Lease, Log, LogError, LogId, MemoryLog, Page,
    Position, Receipt, Recorded, SealingKey, Snapshot, StreamId,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Bus, Envelope, sealing};
pub(crate) use leases::{LeaseTable, SharedViews};

/// A log whose next appends are stored, or not, without anybody being told; which grants leases like
/// a shared one if it has a table of them; and which is durable up to where it is told to be.
#[derive(Debug)]
pub(crate) struct FlakyLog {
    pub(crate) inner: MemoryLog,
    /// None: it grants every lease, like a log that one process has to itself.
    pub(crate) leases: Option<LeaseTable>,
    /// Nobody can ask for a lease.
    pub(crate) leases_unreachable: AtomicBool,
    /// What a fail-over could take back is behind this.
    pub(crate) durable: Arc<watch::Sender<Position>>,
    /// So many appends are stored and answered with "unknown".
    pub(crate) stored_but_unknown: AtomicU32,
    /// So many appends are not stored and answered with "unknown".
    pub(crate) lost_and_unknown: AtomicU32,
    /// It says that its positions have no holes, whether they have or not.
    pub(crate) hides_holes: AtomicBool,
}

impl Default for FlakyLog {
    fn default() -> Self {
        Self::of(MemoryLog::new())
    }
}

impl FlakyLog {
    /// A log whose positions have holes.
    pub(crate) fn with_holes() -> Self {
        Self::of(MemoryLog::with_holes())
    }

    fn of(inner: MemoryLog) -> Self {
        Self {
            inner,
            leases: None,
            leases_unreachable: AtomicBool::new(false),
            durable: Arc::new(watch::Sender::new(Position(u64::MAX))),
            stored_but_unknown: AtomicU32::new(0),
            lost_and_unknown: AtomicU32::new(0),
            hides_holes: AtomicBool::new(false),
        }
    }

    /// The same history as another process has it.
    pub(crate) fn of_another_process(&self, leases: LeaseTable) -> Arc<Self> {
        let durable = Arc::clone(&self.durable);
        Arc::new(Self { leases: Some(leases), durable, ..Self::of(self.inner.reopen()) })
    }
}

fn takes_one(counter: &AtomicU32) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

#[async_trait]
impl Log for FlakyLog {
    fn log_id(&self) -> &LogId {
        self.inner.log_id()
    }
    async fn append(&self, commit: Commit) -> Result<Appended, AppendError> {
        if takes_one(&self.lost_and_unknown) {
            return Err(AppendError::Unknown("the line went dead".to_owned()));
        }
        let appended = self.inner.append(commit).await;
        if takes_one(&self.stored_but_unknown) {
            return Err(AppendError::Unknown("the line went dead".to_owned()));
        }
        appended
    }
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        self.inner.read_stream(stream, after, limit).await
    }
    async fn read_all(&self, after: Position, limit: usize) -> Result<Page, LogError> {
        self.inner.read_all(after, limit).await
    }
    async fn head(&self) -> Result<Head, LogError> {
        self.inner.head().await
    }
    fn has_contiguous_positions(&self) -> bool {
        self.hides_holes.load(Ordering::SeqCst) || self.inner.has_contiguous_positions()
    }
    fn watch(&self) -> tokio::sync::watch::Receiver<Position> {
        self.inner.watch()
    }
    async fn find_command(&self, tenant: TenantId, id: &str) -> Result<Option<Receipt>, LogError> {
        self.inner.find_command(tenant, id).await
    }
    async fn find_idempotency_key(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, LogError> {
        self.inner.find_idempotency_key(tenant, key).await
    }
    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        self.inner.event_at(position).await
    }
    async fn event_by_id(&self, id: Uuid) -> Result<Option<Recorded>, LogError> {
        self.inner.event_by_id(id).await
    }
    async fn sealing_key(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, LogError> {
        self.inner.sealing_key(tenant, key).await
    }
    async fn ensure_sealing_key(&self, key: SealingKey) -> Result<[u8; 32], LogError> {
        self.inner.ensure_sealing_key(key).await
    }
    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, LogError> {
        self.inner.snapshot(stream).await
    }
    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), LogError> {
        self.inner.save_snapshot(snapshot).await
    }
    async fn bookmark(&self, worker: &str) -> Result<Option<Position>, LogError> {
        self.inner.bookmark(worker).await
    }
    async fn save_bookmark(&self, worker: &str, position: Position) -> Result<(), LogError> {
        if self.leases.as_ref().is_some_and(|leases| leases.is_fenced_off(worker)) {
            return Err(LogError::Unavailable("another process does this work".to_owned()));
        }
        self.inner.save_bookmark(worker, position).await
    }
    async fn lease(&self, worker: &str, holder: &str, time: Duration) -> Result<Lease, LogError> {
        if self.leases_unreachable.load(Ordering::SeqCst) {
            return Err(LogError::Unavailable("the line went dead".to_owned()));
        }
        match &self.leases {
            Some(leases) => Ok(leases.lease(worker, holder, time)),
            None => self.inner.lease(worker, holder, time).await,
        }
    }
    async fn release(&self, worker: &str, holder: &str) -> Result<(), LogError> {
        if let Some(leases) = &self.leases {
            leases.release(worker, holder);
        }
        Ok(())
    }
    fn timeline(&self) -> u64 {
        self.inner.timeline()
    }
    async fn ensure_durable(&self, position: Position) -> Result<(), LogError> {
        let mut durable = self.durable.subscribe();
        let there = durable.wait_for(|durable| *durable >= position).await;
        there.map(drop).map_err(|_| LogError::Unavailable("it is closed".to_owned()))
    }
    async fn guarantees(&self) -> Result<Guarantees, LogError> {
        self.inner.guarantees().await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Noon of a day in March.
pub(crate) const NOON: i64 = 1_772_366_400_000;

/// The one tenant.
pub(crate) fn tenant() -> TenantId {
    TenantId::derived(&["Acorn Market"])
}

/// A log, a bus on it, and one tenant.
pub(crate) struct House {
    pub(crate) log: Arc<FlakyLog>,
    pub(crate) clock: FixedClock,
    pub(crate) bus: Bus,
    pub(crate) tenant: TenantId,
}

impl House {
    /// With a sandbox tenant.
    pub(crate) async fn new() -> Self {
        Self::with_mode(Mode::Sandbox).await
    }

    pub(crate) async fn with_mode(mode: Mode) -> Self {
        Self::on(FlakyLog::default(), mode).await
    }

    pub(crate) async fn on(log: FlakyLog, mode: Mode) -> Self {
        let log = Arc::new(log);
        let clock = FixedClock::new(Timestamp::from_millis(NOON));
        let tenant = tenant();
        let bus = bus_on(&log, &clock);
        let house = Self { log, clock, bus, tenant };
        let provision = TenantCommand::Provision {
            tenant,
            name: "Acorn Market".to_owned(),
            mode,
            time_zone: "UTC".to_owned(),
            policy: CommercePolicy::default(),
        };
        house.send::<Tenant>(&tenant.to_string(), provision, "provision").await.unwrap();
        house
    }

    /// A second process on the same log: nothing remembered, the same clock.
    pub(crate) fn another_bus(&self) -> Bus {
        bus_on(&self.log, &self.clock)
    }

    pub(crate) fn dyn_log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    pub(crate) fn envelope(&self, id: &str) -> Envelope {
        self.envelope_of(ActorKind::ApiKey, id)
    }

    pub(crate) fn envelope_of(&self, kind: ActorKind, id: &str) -> Envelope {
        let cause = Cause {
            actor: Actor::new(kind, "key_wanda"),
            request: Some(RequestId::derived(&[id])),
            causation: None,
            correlation: id.to_owned(),
            webhook: None,
        };
        Envelope::new(self.tenant, id, cause)
    }

    pub(crate) async fn send<A: crate::Managed>(
        &self,
        id: &str,
        command: A::Command,
        command_id: &str,
    ) -> Result<crate::Sent, crate::SendError<A::Error>> {
        self.bus.send::<A>(id, command, self.envelope(command_id)).await
    }

    /// A seller who exists.
    pub(crate) async fn seller(&self, name: &str) -> SellerId {
        let seller = SellerId::derived(&[name]);
        let key = sealing::fresh_key(self.tenant, format!("subject/{name}"));
        let register = SellerAccountCommand::Register {
            seller,
            reference: name.to_owned(),
            subject: SubjectRef::derived(&[name]),
            name: sealing::seal(&key, name.as_bytes()).unwrap(),
            organizer: None,
        };
        self.send::<SellerAccount>(&seller.to_string(), register, name).await.unwrap();
        seller
    }
}

pub(crate) fn bus_on(log: &Arc<FlakyLog>, clock: &FixedClock) -> Bus {
    Bus::new(Arc::clone(log) as Arc<dyn Log>, Arc::new(clock.clone()), 100)
}

/// A credit of so many cents under a claim of its own.
pub(crate) fn credit(claim: &str, minor: i64) -> SellerAccountCommand {
    SellerAccountCommand::Credit {
        claim: claim.into(),
        amount: Money::new(minor, Currency::EUR),
        organizer: "org".into(),
        order: None,
        line: None,
        product: "wool".to_owned(),
        occurred_at: Timestamp::from_millis(NOON),
    }
}

impl FlakyLog {
    /// The types of all events, in order.
    pub(crate) async fn types(&self) -> Vec<String> {
        let page = self.inner.read_all(Position::START, usize::MAX).await.unwrap();
        page.events.iter().map(|event| event.event_type.to_string()).collect()
    }
}

//! The tenants as the engine needs to know them: mode, clock, time zone, and whether they may write.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use aggregates::{
    tenant::events::{SecretFingerprint, TenantEvent},
    vocabulary::{AccountRef, CommercePolicy},
};
use chrono_tz::Tz;
use kernel::{Clock, Mode, TenantId, Timestamp};
use store::{Log, LogError, StreamId};

const PAGE_EVENTS: usize = 500;

/// One tenant, folded from its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantInfo {
    /// Its id.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// Live or sandbox.
    pub mode: Mode,
    /// The zone of its report days and schedules.
    pub zone: Tz,
    /// Where its test clock stands, if it has one.
    pub test_clock: Option<Timestamp>,
    /// Why it may not write, if it may not.
    pub stopped: Option<String>,
    /// Its Stripe account.
    pub account: Option<AccountRef>,
    /// The endpoint secrets that are valid, by name and fingerprint.
    pub secrets: Vec<SecretFingerprint>,
    /// Its commerce policy.
    pub policy: CommercePolicy,
    /// The version of its stream that this was folded from.
    pub version: u64,
}

impl TenantInfo {
    fn provisioned(tenant: TenantId, name: String, mode: Mode) -> Self {
        Self {
            tenant,
            name,
            mode,
            zone: Tz::UTC,
            test_clock: None,
            stopped: None,
            account: None,
            secrets: Vec::new(),
            policy: CommercePolicy::default(),
            version: 0,
        }
    }

    fn apply(&mut self, event: TenantEvent) {
        match event {
            TenantEvent::Provisioned { name, mode, .. } => {
                self.name = name;
                self.mode = mode;
            }
            TenantEvent::PolicySet { policy, .. } => self.policy = policy,
            // The aggregate refuses zones that do not exist, so this always parses.
            TenantEvent::TimeZoneSet { time_zone, .. } => {
                self.zone = time_zone.parse().unwrap_or(Tz::UTC);
            }
            TenantEvent::StripeConnected { account, secrets, .. } => {
                self.account = Some(account);
                self.secrets = secrets;
            }
            TenantEvent::SecretRotated { secret, retired, .. } => {
                self.secrets.retain(|known| !retired.contains(&known.name));
                self.secrets.push(secret);
            }
            TenantEvent::ClockAdvanced { to, .. } => self.test_clock = Some(to),
            TenantEvent::Suspended { reason, .. } => self.stopped = Some(reason),
            TenantEvent::Resumed { .. } => self.stopped = None,
            TenantEvent::AccountOpened { .. }
            | TenantEvent::AccountClosed { .. }
            | TenantEvent::CloseRequested { .. } => {}
            TenantEvent::Closed { .. } => self.stopped = Some("it is closed".to_owned()),
        }
    }
}

/// What is known of all tenants met so far; a fold of their streams, read on demand.
#[derive(Debug)]
pub struct TenantDirectory {
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
}

/// What is remembered, and on which timeline of the log it was read.
#[derive(Debug, Default)]
struct Known {
    timeline: u64,
    tenants: HashMap<TenantId, Arc<TenantInfo>>,
}

impl TenantDirectory {
    /// Reads tenants from this log; live ones use this clock.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock, known: RwLock::default() }
    }

    /// A tenant, if it exists.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn tenant(&self, tenant: TenantId) -> Result<Option<Arc<TenantInfo>>, LogError> {
        let known = self.remembered(tenant);
        if known.is_some() {
            return Ok(known);
        }
        self.refresh(tenant).await
    }

    /// The tenant as its stream has it now. Called whenever its stream has grown.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn refresh(&self, tenant: TenantId) -> Result<Option<Arc<TenantInfo>>, LogError> {
        let stream = StreamId::new("tenant", tenant, tenant.to_string());
        let timeline = self.log.timeline();
        let before = self.remembered(tenant);
        let mut info = before.as_deref().cloned();
        let mut version = info.as_ref().map_or(0, |info| info.version);
        loop {
            let page = self.log.read_stream(&stream, version, PAGE_EVENTS).await?;
            let ended = page.len() < PAGE_EVENTS;
            for recorded in page {
                let event: TenantEvent = serde_json::from_str(&recorded.payload)
                    .map_err(|error| LogError::Corrupt(format!("{stream}: {error}")))?;
                version = recorded.version;
                let mut next = info.take().unwrap_or_else(|| {
                    TenantInfo::provisioned(tenant, String::new(), Mode::Sandbox)
                });
                next.apply(event);
                next.version = version;
                info = Some(next);
            }
            if ended {
                break;
            }
        }
        let Some(info) = info else { return Ok(None) };
        if self.log.timeline() != timeline {
            return Err(LogError::Unavailable("it has just gone on elsewhere".to_owned()));
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.timeline != timeline {
            *known = Known { timeline, tenants: HashMap::new() };
        }
        let entry = known.tenants.entry(tenant).or_insert_with(|| Arc::new(info.clone()));
        // Two refreshes may overlap; the one that has seen more stays.
        if entry.version < info.version {
            *entry = Arc::new(info);
        }
        Ok(Some(Arc::clone(entry)))
    }

    /// Reads all tenants met so far again.
    ///
    /// # Errors
    /// [`LogError`].
    pub(crate) async fn refresh_known(&self) -> Result<(), LogError> {
        for info in self.known() {
            self.refresh(info.tenant).await?;
        }
        Ok(())
    }

    /// The tenants met so far.
    #[must_use]
    pub fn known(&self) -> Vec<Arc<TenantInfo>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.tenants.values().cloned().collect()
    }

    /// The present instant of a tenant: the machine's, unless it is a sandbox with a test clock.
    #[must_use]
    pub fn now(&self, tenant: Option<&TenantInfo>) -> Timestamp {
        tenant
            .filter(|info| info.mode == Mode::Sandbox)
            .and_then(|info| info.test_clock)
            .unwrap_or_else(|| self.clock.now())
    }

    /// The machine's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn remembered(&self, tenant: TenantId) -> Option<Arc<TenantInfo>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // What was read on another timeline may never have happened on this one.
        let current = known.timeline == self.log.timeline();
        known.tenants.get(&tenant).filter(|_| current).cloned()
    }
}

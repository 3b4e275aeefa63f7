//! Putting the parts together: engine, Stripe, API, and answers beside a running server.

use std::{net::TcpListener, sync::Arc, time::Duration};

use aggregates::{
    api_key::{ApiKey, commands::ApiKeyCommand, events::Role},
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::CommercePolicy,
    webhook_event::events::Endpoint,
};
use api::{Api, Limits, RenderMetrics, secrets::KeySecret};
use engine::{Bus, Engine, EngineParts, Envelope, StripePort, all_projections};
use kernel::{KeyId, RequestId, SystemClock, TenantId};
use payments::{
    EndpointSecret, Secret, StripeBackfill, StripeConfig, StripeGateway, StripeIntake,
    StripeTranslator, TenantClock,
};
use store::{Log, MemoryViews, Position, Views};

use crate::{
    config::{ServeArgs, StripeSecrets},
    engines::{open_log, open_views},
    outcome::{Failure, Outcome},
};

/// How many aggregates of each type are kept in memory.
const CACHED_PER_TYPE_MAX: usize = 20_000;
/// How long workers may take to finish what is under way.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(20);

/// The tenant of a log: whoever stands in its first event.
pub(crate) async fn tenant_of(log: &dyn Log) -> Outcome<Option<TenantId>> {
    let page = log.read_all(Position::START, 1).await.map_err(Failure::unavailable)?;
    Ok(page.events.first().map(|recorded| recorded.stream.tenant))
}

/// The tenant of a log that should have one.
pub(crate) async fn some_tenant_of(log: &dyn Log) -> Outcome<TenantId> {
    tenant_of(log).await?.ok_or_else(|| {
        Failure::usage("the log is empty; start `daybook serve` once to make a tenant")
    })
}

/// A server and everything behind it.
pub(crate) struct House {
    /// The engine.
    pub(crate) engine: Arc<Engine>,
    /// The HTTP server.
    pub(crate) server: api::Running,
    /// Whose log it is.
    pub(crate) tenant: TenantId,
    /// The secret of the first key, if it was made just now.
    pub(crate) first_key: Option<KeySecret>,
    log: Arc<dyn Log>,
    views: Arc<dyn Views>,
}

impl House {
    /// Opens the log, makes a tenant if there is none, and serves.
    pub(crate) async fn open(
        args: &ServeArgs,
        secrets: &StripeSecrets,
        metrics: Option<RenderMetrics>,
        wanted_tenant: Option<TenantId>,
    ) -> Outcome<Self> {
        // The configuration and the port first: a server that cannot run should touch nothing.
        args.data.log()?;
        args.data.views()?;
        let stripe_config = stripe_config(args, secrets);
        stripe_config.as_ref().map_or(Ok(()), StripeConfig::check).map_err(Failure::usage)?;
        let listener = TcpListener::bind(&args.listen).map_err(|error| {
            Failure::unavailable(format!("cannot listen on {}: {error}", args.listen))
        })?;
        let log = open_log(&args.data).await?;
        let views = open_views(&args.data).await?;
        let bus = Bus::new(Arc::clone(&log), Arc::new(SystemClock), CACHED_PER_TYPE_MAX);
        let (tenant, first_key) = tenant_and_key(&bus, args, wanted_tenant).await?;
        let intake = StripeIntake::new(
            bus.clone(),
            endpoint_secrets(tenant, secrets),
            Arc::new(SystemClock),
        );
        let stripe = gateway(&bus, tenant, stripe_config).await?;
        let mut parts = EngineParts::new(bus, Arc::clone(&views));
        parts.translator = Some(Arc::new(StripeTranslator::new()));
        if let Some(port) = &stripe {
            let backfill = StripeBackfill::new(tenant, Arc::clone(port), intake.clone());
            parts.backfill = Some(Arc::new(backfill));
        }
        parts.stripe = stripe;
        parts.lease_time = Duration::from_secs(args.lease_seconds);
        let engine = Arc::new(Engine::new(parts));
        engine.start().await.map_err(Failure::unavailable)?;
        let configured = !secrets.platform.is_empty() || !secrets.connect.is_empty();
        let intake = configured.then(|| Arc::new(intake) as Arc<dyn engine::WebhookIntake>);
        let api = Arc::new(Api::new(Arc::clone(&engine), intake, metrics, Limits::default()));
        let server = api::serve(api, listener, args.workers).map_err(Failure::unavailable)?;
        Ok(Self { engine, server, tenant, first_key, log, views })
    }

    /// Where it can be reached.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Finishes what is under way, in order: requests, workers, read models, log.
    pub(crate) async fn close(self) {
        self.server.stop().await;
        self.engine.shutdown(SHUTDOWN_PATIENCE).await;
        self.views.close().await;
        self.log.close().await;
    }
}

fn endpoint_secrets(tenant: TenantId, secrets: &StripeSecrets) -> Vec<EndpointSecret> {
    let of = |endpoint: Endpoint, texts: &[String]| {
        texts
            .iter()
            .map(|text| EndpointSecret { tenant, endpoint, secret: Secret::new(text.as_str()) })
            .collect::<Vec<_>>()
    };
    let mut all = of(Endpoint::Platform, &secrets.platform);
    all.extend(of(Endpoint::Connect, &secrets.connect));
    all
}

fn stripe_config(args: &ServeArgs, secrets: &StripeSecrets) -> Option<StripeConfig> {
    let config = StripeConfig::new(secrets.key.as_deref()?);
    Some(match &args.stripe_url {
        Some(url) => config.with_url(url.as_str()),
        None => config,
    })
}

async fn gateway(
    bus: &Bus,
    tenant: TenantId,
    config: Option<StripeConfig>,
) -> Outcome<Option<Arc<dyn StripePort>>> {
    let Some(config) = config else { return Ok(None) };
    let clock = TenantClock::open(bus.clone(), tenant).await.map_err(Failure::unavailable)?;
    let gateway =
        StripeGateway::try_new(config, tenant, Arc::new(clock)).map_err(Failure::usage)?;
    Ok(Some(Arc::new(gateway)))
}

async fn tenant_and_key(
    bus: &Bus,
    args: &ServeArgs,
    wanted: Option<TenantId>,
) -> Outcome<(TenantId, Option<KeySecret>)> {
    if let Some(tenant) = tenant_of(&**bus.log()).await? {
        return Ok((tenant, None));
    }
    let tenant = wanted.unwrap_or_else(TenantId::mint);
    let command = TenantCommand::Provision {
        tenant,
        name: args.tenant_name.clone(),
        mode: args.mode(),
        time_zone: args.time_zone.clone(),
        policy: CommercePolicy::default(),
    };
    let envelope = Envelope::of_operator(tenant, "serve", RequestId::mint());
    let provisioned = bus.send::<Tenant>(&tenant.to_string(), command, envelope).await;
    provisioned.map_err(Failure::usage)?;
    let secret = issue_key(bus, tenant, args.mode(), NewKey::first()).await?;
    Ok((tenant, Some(secret)))
}

/// A key to be issued at the command line.
#[derive(Debug, Clone)]
pub(crate) struct NewKey {
    /// What it is called.
    pub(crate) name: String,
    /// In which role its holder acts.
    pub(crate) role: Role,
    /// For partners: what it may do.
    pub(crate) scopes: Vec<String>,
    /// For seller roles: whose data.
    pub(crate) seller: Option<kernel::SellerId>,
    /// Requests per minute.
    pub(crate) rate_per_minute: u32,
}

impl NewKey {
    fn first() -> Self {
        Self {
            name: "first key".to_owned(),
            role: Role::PlatformAdmin,
            scopes: Vec::new(),
            seller: None,
            rate_per_minute: 60_000,
        }
    }
}

/// Issues a key and returns its secret, which is not kept.
pub(crate) async fn issue_key(
    bus: &Bus,
    tenant: TenantId,
    mode: kernel::Mode,
    new: NewKey,
) -> Outcome<KeySecret> {
    let key = KeyId::mint();
    let secret = KeySecret::draw(tenant, key, mode).map_err(Failure::unavailable)?;
    let command = ApiKeyCommand::Issue {
        key,
        name: new.name,
        prefix: secret.hint(),
        hash: secret.hash(),
        role: new.role,
        scopes: new.scopes,
        seller: new.seller,
        mode,
        rate_per_minute: new.rate_per_minute,
        expires_at: None,
    };
    let envelope = Envelope::of_operator(tenant, "keys", RequestId::mint());
    let issued = bus.send::<ApiKey>(&key.to_string(), command, envelope).await;
    issued.map_err(Failure::usage)?;
    Ok(secret)
}

/// Answers built in memory from a log that is only read: for questions beside a running server.
pub(crate) struct Reading {
    /// The engine with its projections.
    pub(crate) engine: Engine,
    /// Where the log ended when it was read.
    pub(crate) head: Position,
}

impl Reading {
    /// Builds these projections (all, if none are named) up to the end of the log.
    pub(crate) async fn of(
        log: Arc<dyn Log>,
        names: &[&str],
        progress: &indicatif::ProgressBar,
    ) -> Outcome<Self> {
        let head = log.head().await.map_err(Failure::unavailable)?.position;
        let bus = Bus::new(log, Arc::new(SystemClock), CACHED_PER_TYPE_MAX);
        let wanted = all_projections()
            .into_iter()
            .filter(|projection| names.is_empty() || names.contains(&projection.name()))
            .collect();
        let parts = EngineParts::new(bus, Arc::new(MemoryViews::new()));
        let engine = Engine::with_projections(parts, wanted);
        engine.start_projections();
        let reading = Self { engine, head };
        match reading.catch_up(progress).await {
            Ok(()) => Ok(reading),
            Err(failure) => {
                reading.close().await;
                Err(failure)
            }
        }
    }

    async fn catch_up(&self, progress: &indicatif::ProgressBar) -> Outcome {
        let Self { engine, head } = self;
        progress.set_length(head.0);
        while !engine.wait_for(*head, Duration::from_millis(100)).await {
            let status = engine.projector().status(*head);
            let stopped =
                status.iter().find_map(|one| one.stopped.as_ref().map(|why| (one.name, why)));
            if let Some((name, why)) = stopped {
                return Err(Failure::check(format!("{name} stands still: {why}")));
            }
            let reached = status.iter().map(|one| one.position.0).min().unwrap_or_default();
            progress.set_position(reached);
        }
        progress.finish_and_clear();
        Ok(())
    }

    /// Stops reading. Without this the workers would be cut off in the middle and complain.
    pub(crate) async fn close(self) {
        self.engine.shutdown(SHUTDOWN_PATIENCE).await;
        self.engine.log().close().await;
    }
}

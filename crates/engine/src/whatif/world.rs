//! The other history while it is being decided: its log, its books, and what is compared on the way.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use aggregates::{
    fact::Fact,
    order::{commands::OrderCommand, events::OrderEvent, placed_again},
    period::events::PeriodEvent,
    policies::{Command, Reaction, react, timers},
    refund::events::{RefundEvent, RefundSource},
    seller_account::events::SellerAccountEvent,
};
use kernel::{Actor, ActorKind, Cause, FixedClock, SellerId, TenantId, Timestamp};
use projections::{Occurrence, dating::Calendar, invariants::Checker, postings::postings};
use store::{Log, Position, Recorded, StreamId};

use super::{
    WhatIfError,
    agenda::{Agenda, Errand, Stretch, errand_of},
    at,
    books::{self, Books},
    fact_of, metadata_of,
    policy::{PolicyChange, TermsSeen},
    report::{Decisions, RemarkKind, Remarks, Report},
    seam::{Origin, Step, commission_outside, is_decided, is_left_out},
};
use crate::{Bus, Envelope, SendError, Target, bus::Sent, policies::reaction_id};

/// Aggregates kept in memory, of each type.
const CACHED_PER_TYPE_MAX: usize = 10_000;
/// Broken invariants listed; more would say nothing more.
const VIOLATIONS_MAX: usize = 20;
const PAGE_EVENTS: usize = 500;

/// The other history.
pub(super) struct World {
    pub(super) bus: Bus,
    clock: FixedClock,
    change: PolicyChange,
    agenda: Agenda,
    /// What is to be decided now, first come first served.
    now: VecDeque<Errand>,
    /// How far the scratch log has been read.
    read: Position,
    pub(super) versions: HashMap<StreamId, u64>,
    /// What each refund is of, here.
    pub(super) sources: HashMap<StreamId, RefundSource>,
    pub(super) references: HashMap<SellerId, String>,
    actual: Books,
    what_if: Books,
    checker: Checker,
    calendar: Calendar,
    terms: TermsSeen,
    pub(super) remarks: Remarks,
    pub(super) decisions: Decisions,
    violations: Vec<String>,
    through: Position,
    events: u64,
    scratch_events: u64,
}

impl World {
    pub(super) fn new(scratch: Arc<dyn Log>, change: PolicyChange, agenda: Agenda) -> Self {
        let clock = FixedClock::new(Timestamp::from_millis(0));
        let bus = Bus::new(scratch, Arc::new(clock.clone()), CACHED_PER_TYPE_MAX);
        Self {
            bus,
            clock,
            change,
            agenda,
            now: VecDeque::new(),
            read: Position::START,
            versions: HashMap::new(),
            sources: HashMap::new(),
            references: HashMap::new(),
            actual: Books::default(),
            what_if: Books::default(),
            checker: Checker::new(),
            calendar: Calendar::default(),
            terms: TermsSeen::default(),
            remarks: Remarks::default(),
            decisions: Decisions::default(),
            violations: Vec::new(),
            through: Position::START,
            events: 0,
            scratch_events: 0,
        }
    }

    /// The next commit of real history.
    pub(super) async fn take(&mut self, step: &Step) -> Result<(), WhatIfError> {
        let (Some(tenant), Some(at)) = (step.tenant(), step.at()) else { return Ok(()) };
        let stretch = self.agenda.go_to(tenant, at);
        self.let_timers_fire(stretch).await?;
        self.note_real(step)?;
        self.clock.set(at);
        match step.origin() {
            Origin::Ignored => {}
            Origin::Outside => {
                let kept = step.events.iter().filter(|(_, fact)| !is_left_out(fact));
                self.take_over(step, kept.map(plain).collect()).await?;
            }
            Origin::Refund => self.refund(step).await?,
            Origin::Paid => self.paid(step).await?,
            Origin::Derived => {
                let zone = self.zone(tenant).await?;
                match self.agenda.come_to(&step.metadata.command, zone) {
                    Some(errand) => {
                        let sent = self.send(errand).await?;
                        self.compare(step, &sent).await?;
                    }
                    None => self.omit(step),
                }
            }
            Origin::Asked(Some(command)) => self.ask_again(step, *command).await?,
            Origin::Asked(None) => {
                self.remarks.add(RemarkKind::CopiedAsItWas, || name_of(step));
                self.take_over(step, step.events.iter().map(plain).collect()).await?;
            }
            Origin::Placed => self.place(step).await?,
        }
        self.settle().await
    }

    /// The real side of everything that is compared.
    fn note_real(&mut self, step: &Step) -> Result<(), WhatIfError> {
        for (recorded, fact) in &step.events {
            let entries = postings(&recorded.stream, fact).map_err(|fault| at(recorded, &fault))?;
            for entry in &entries {
                self.actual.post(recorded.stream.tenant, entry);
            }
            for change in timers::changes(fact, &recorded.stream.id) {
                self.agenda.note_real(recorded.stream.tenant, change);
            }
            self.note_kept(step, fact);
            self.through = recorded.position;
            self.events += 1;
        }
        Ok(())
    }

    /// Figures that would follow the other policy if anybody could say how.
    fn note_kept(&mut self, step: &Step, fact: &Fact) {
        if self.change.is_about_commission()
            && let Some(money) = commission_outside(fact)
        {
            self.remarks.add(RemarkKind::CommissionKept, || format!("{money}: {}", name_of(step)));
            self.remarks.add_money(RemarkKind::CommissionKept, money);
        }
        if !self.change.is_empty() && matches!(fact, Fact::Period(PeriodEvent::Revalued { .. })) {
            self.remarks.add(RemarkKind::RevaluationKept, || name_of(step));
        }
    }

    /// Everything that follows at once from what is in the scratch log.
    async fn settle(&mut self) -> Result<(), WhatIfError> {
        loop {
            self.read_new().await?;
            let Some(errand) = self.now.pop_front() else { return Ok(()) };
            if let Reply::Stored(events) = self.send(errand).await? {
                for recorded in events {
                    *self
                        .decisions
                        .additional
                        .entry(recorded.event_type.to_string())
                        .or_default() += 1;
                }
            }
        }
    }

    async fn let_timers_fire(&mut self, stretch: Stretch) -> Result<(), WhatIfError> {
        while let Some((tenant, timer)) = self.agenda.next_due(stretch) {
            let zone = self.zone(tenant).await?;
            if let Some(errand) = errand_of(tenant, &timer, zone) {
                self.clock.set(timer.due);
                self.now.push_back(errand);
                self.settle().await?;
            }
        }
        Ok(())
    }

    async fn zone(&self, tenant: TenantId) -> Result<chrono_tz::Tz, WhatIfError> {
        let info = self.bus.directory().tenant(tenant).await?;
        Ok(info.map_or(chrono_tz::Tz::UTC, |info| info.zone))
    }

    /// Posts, checks, and finds out what follows.
    pub(super) async fn read_new(&mut self) -> Result<(), WhatIfError> {
        loop {
            let page = self.bus.log().read_all(self.read, PAGE_EVENTS).await?;
            let Some(last) = page.events.last() else { return Ok(()) };
            self.read = last.position;
            for recorded in &page.events {
                self.follow(recorded)?;
            }
        }
    }

    fn follow(&mut self, recorded: &Recorded) -> Result<(), WhatIfError> {
        let tenant = recorded.stream.tenant;
        let (fact, metadata) = (fact_of(recorded)?, metadata_of(recorded)?);
        let mut entries =
            postings(&recorded.stream, &fact).map_err(|fault| at(recorded, &fault))?;
        self.calendar.note(tenant, recorded.position, &fact);
        self.calendar.date(tenant, recorded.position, &mut entries);
        let occurrence =
            Occurrence { recorded, fact: &fact, metadata: &metadata, entries: &entries };
        for violation in self.checker.check(&occurrence) {
            // What may be broken for a time rests on facts that both histories share.
            if !violation.invariant.may_heal() && self.violations.len() < VIOLATIONS_MAX {
                self.violations.push(violation.to_string());
            }
        }
        for entry in &entries {
            self.what_if.post(tenant, entry);
        }
        self.scratch_events += 1;
        self.versions.insert(recorded.stream.clone(), recorded.version);
        match &fact {
            Fact::Refund(RefundEvent::Requested { source, .. }) => {
                self.sources.insert(recorded.stream.clone(), source.clone());
            }
            Fact::SellerAccount(SellerAccountEvent::Registered { seller, reference, .. }) => {
                self.references.insert(*seller, reference.clone());
            }
            _ => {}
        }
        for change in timers::changes(&fact, &recorded.stream.id) {
            self.agenda.change(tenant, change);
        }
        let reactions = react(&fact, &recorded.stream.id);
        for (place, Reaction { policy, command }) in reactions.iter().enumerate() {
            let earlier = reactions.iter().take(place).filter(|other| other.policy == *policy);
            let id = reaction_id(tenant, &recorded.id.to_string(), policy, earlier.count());
            if !is_decided(command) {
                continue;
            }
            let cause = Cause {
                actor: Actor::new(ActorKind::Policy, *policy),
                causation: Some(recorded.id.to_string()),
                ..metadata.cause.clone()
            };
            let envelope = Envelope::new(tenant, id, cause);
            let errand = Errand { command: command.clone(), envelope };
            self.now.extend(self.agenda.react(errand));
        }
        Ok(())
    }

    /// An order is placed under the other terms.
    async fn place(&mut self, step: &Step) -> Result<(), WhatIfError> {
        let Some((recorded, Fact::Order(event @ OrderEvent::Placed { policy, lines, order, .. }))) =
            step.events.first()
        else {
            return Ok(());
        };
        self.terms.note(&self.change, policy, lines.iter().map(|line| line.fee_bps));
        let mut capped = 0_u64;
        let changed = self.change.of(policy)?;
        for line in lines {
            capped += u64::from(self.change.rate(line.fee_bps).1);
        }
        let again = placed_again(event, changed, |own| self.change.rate(own).0);
        let Some(place) = again.map_err(|error| at(recorded, &error))? else { return Ok(()) };
        for _ in 0..capped {
            self.remarks.add(RemarkKind::CommissionCapped, || order.to_string());
        }
        let command = OrderCommand::Place(Box::new(place));
        self.ask_again(step, Command::Order(*order, command)).await
    }

    async fn ask_again(&mut self, step: &Step, command: Command) -> Result<(), WhatIfError> {
        let envelope = self.envelope(step, step.metadata.command.clone());
        let errand = Errand { command, envelope };
        // An inquiry may be answered by refunding all of a line, and only if that is how it is asked.
        let of_all = match &errand.command {
            Command::Order(order, OrderCommand::ReserveRefund { amount: Some(_), .. }) => {
                Some((*order, errand.command.clone()))
            }
            _ => None,
        };
        let mut sent = self.send(errand).await?;
        if let (Reply::Refused(code), Some((order, Command::Order(_, mut wish)))) = (&sent, of_all)
            && code == "order.charge_under_dispute"
        {
            if let OrderCommand::ReserveRefund { amount, .. } = &mut wish {
                *amount = None;
            }
            let command = Command::Order(order, wish);
            let envelope = self.envelope(step, step.metadata.command.clone());
            sent = self.send(Errand { command, envelope }).await?;
        }
        self.compare(step, &sent).await
    }

    pub(super) fn envelope(&self, step: &Step, id: String) -> Envelope {
        let tenant = step.tenant().unwrap_or_default();
        // Without the request, so that a refusal here is not recorded as one of real history's.
        let cause = Cause { request: None, ..step.metadata.cause.clone() };
        Envelope::new(tenant, id, cause)
    }

    pub(super) async fn send(&mut self, errand: Errand) -> Result<Reply, WhatIfError> {
        let target = Target::of(&errand.command);
        match self.bus.dispatch(errand.command, errand.envelope.clone()).await {
            Ok(Sent { events: 0, .. }) => Ok(Reply::Unchanged),
            Ok(sent) => {
                let stream = StreamId::new(target.category, errand.envelope.tenant, &target.id);
                let before = sent.version.saturating_sub(u64::try_from(sent.events).unwrap_or(0));
                let events = self.bus.log().read_stream(&stream, before, sent.events).await?;
                Ok(Reply::Stored(events))
            }
            Err(SendError::Refused(refusal)) => Ok(Reply::Refused(refusal.code)),
            Err(SendError::TenantSuspended { .. }) => Ok(Reply::Refused("suspended".to_owned())),
            Err(error) => Err(WhatIfError::Command {
                command: target.command,
                target: target.id,
                problem: error.to_string(),
            }),
        }
    }

    /// Compares what was decided with what real history decided by the same command.
    async fn compare(&mut self, step: &Step, sent: &Reply) -> Result<(), WhatIfError> {
        match sent {
            Reply::Stored(events) => {
                let same = events.len() == step.events.len()
                    && events
                        .iter()
                        .zip(&step.events)
                        .all(|(here, (there, _))| here.payload == there.payload);
                if same {
                    self.decisions.same += 1;
                } else {
                    self.decisions.different += 1;
                }
            }
            Reply::Unchanged => self.omit(step),
            Reply::Refused(_) => {
                self.refused(step, sent);
                self.omit(step);
            }
        }
        Ok(())
    }

    pub(super) fn refused(&mut self, step: &Step, sent: &Reply) {
        if let Reply::Refused(code) = sent {
            self.remarks.add(RemarkKind::Refused, || format!("{}: {code}", name_of(step)));
        }
    }

    fn omit(&mut self, step: &Step) {
        for (recorded, _) in &step.events {
            *self.decisions.omitted.entry(recorded.event_type.to_string()).or_default() += 1;
        }
    }

    /// What it all comes to.
    pub(super) async fn conclude(mut self) -> Result<Report, WhatIfError> {
        for end in self.agenda.ends() {
            self.let_timers_fire(end).await?;
        }
        Ok(Report {
            through: self.through.0,
            events: self.events,
            scratch_events: self.scratch_events,
            terms: self.terms.changes(&self.change),
            accounts: books::accounts(&self.actual, &self.what_if),
            accounts_differing: self.actual.differing(&self.what_if),
            sellers: books::sellers(&self.actual, &self.what_if, &self.references),
            trial: books::trial(&self.actual, &self.what_if),
            decisions: self.decisions,
            remarks: self.remarks.into_list(),
            violations: self.violations,
        })
    }
}

/// What a command came to here.
pub(super) enum Reply {
    Stored(Vec<Recorded>),
    Unchanged,
    Refused(String),
}

fn plain((recorded, _): &(Recorded, Fact)) -> (&Recorded, Box<str>) {
    (recorded, recorded.payload.clone())
}

/// A real commit, for people: its first event and where it stands.
pub(super) fn name_of(step: &Step) -> String {
    step.events.first().map_or_else(String::new, |(recorded, _)| {
        format!(
            "{} of {} at position {}",
            recorded.event_type, recorded.stream.id, recorded.position
        )
    })
}

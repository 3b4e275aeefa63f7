//! Deciding about a batch of commits in memory, on what is known or else on what is usual.
//!
//! The usual commit is new, and its stream is where the writer believes it to be. So a batch is decided
//! on that assumption, and the statement that stores it checks every assumption under the lock of the
//! log. Only if one does not hold, nothing is stored, the server says what is so, and the batch is
//! decided again on facts.

use std::collections::{HashMap, hash_map::Entry};

use kernel::{TenantId, Timestamp};
use store::{AppendError, Appended, Commit, NewEvent, Position, Receipt, StreamId};

/// A command, a key or a secret: whose, and its name.
type Named<'g> = (TenantId, &'g str);

/// What the server said is so, or is not there. What is not in here at all is assumed.
#[derive(Debug, Default)]
pub(super) struct Facts<'g> {
    pub(super) streams: HashMap<&'g StreamId, (u64, Option<Timestamp>)>,
    pub(super) commands: HashMap<Named<'g>, Option<Receipt>>,
    pub(super) keys: HashMap<Named<'g>, Option<KnownKey>>,
    pub(super) secrets: HashMap<Named<'g>, Option<Vec<u8>>>,
}

/// An idempotency key that is in use; without a receipt the log contradicts itself.
#[derive(Debug, Clone)]
pub(super) struct KnownKey {
    pub(super) fingerprint: Vec<u8>,
    pub(super) receipt: Option<Receipt>,
}

/// A commit to be decided about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'g> {
    pub(super) commit: &'g Commit,
    /// It was decided in a history that the log has left: events it rests on may be gone. It is
    /// looked for, and not stored.
    pub(super) outdated: bool,
}

/// An event with its place.
#[derive(Debug)]
pub(super) struct PlannedEvent<'g> {
    pub(super) commit: &'g Commit,
    pub(super) event: &'g NewEvent,
    pub(super) version: u64,
    pub(super) recorded_at: Timestamp,
}

/// A commit that is to be stored; positions are counted from the head of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) version: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Placed {
    /// Its receipt, when the batch begins after this position.
    const fn after(self, before: u64) -> Receipt {
        let Self { version, first, last } = self;
        Receipt {
            version,
            first: Position(before.saturating_add(first)),
            last: Position(before.saturating_add(last)),
        }
    }
}

#[derive(Debug)]
enum Verdict {
    Stored(Placed),
    Replayed(Known),
    AlreadyStored(Known),
    Refused(AppendError),
}

/// Something stored earlier, or by an earlier commit of the same batch.
#[derive(Debug, Clone, Copy)]
enum Known {
    Stored(Receipt),
    Placed(Placed),
}

impl Known {
    const fn after(self, before: u64) -> Receipt {
        match self {
            Self::Stored(receipt) => receipt,
            Self::Placed(placed) => placed.after(before),
        }
    }
}

/// Where a stream is assumed to end, to be checked by the server.
#[derive(Debug)]
pub(super) struct AssumedStream<'g> {
    pub(super) stream: &'g StreamId,
    pub(super) version: u64,
    /// Its last event is not recorded later than this.
    pub(super) time: Timestamp,
}

/// The decisions about a batch.
#[derive(Debug, Default)]
pub(super) struct Plan<'g> {
    pub(super) streams: Vec<AssumedStream<'g>>,
    pub(super) commands: Vec<Named<'g>>,
    pub(super) keys: Vec<Named<'g>>,
    pub(super) secrets: Vec<(TenantId, &'g str, &'g [u8; 32])>,
    pub(super) events: Vec<PlannedEvent<'g>>,
    /// The commits to be stored, in order.
    pub(super) stored: Vec<(&'g Commit, Placed)>,
    /// Whether anything rests on an assumption.
    assumes: bool,
    verdicts: Vec<Verdict>,
}

/// An idempotency key that is used up, and by what.
struct UsedKey {
    fingerprint: Vec<u8>,
    known: Known,
}

/// What the batch itself does to what is known.
#[derive(Default)]
struct Overlay<'g> {
    heads: HashMap<&'g StreamId, (u64, Timestamp)>,
    commands: HashMap<Named<'g>, Option<Known>>,
    keys: HashMap<Named<'g>, Option<UsedKey>>,
    secrets: HashMap<Named<'g>, [u8; 32]>,
}

impl<'g> Plan<'g> {
    /// Decides about commits, one after the other.
    pub(super) fn decide(candidates: &[Candidate<'g>], facts: &Facts<'g>) -> Result<Self, String> {
        let mut plan = Self::default();
        let mut overlay = Overlay::default();
        for candidate in candidates {
            let verdict = plan.decide_one(*candidate, facts, &mut overlay)?;
            plan.verdicts.push(verdict);
        }
        Ok(plan)
    }

    /// Whether the verdicts stand without asking the server.
    pub(super) fn is_settled(&self) -> bool {
        !self.assumes && self.events.is_empty()
    }

    /// The answers, when the batch begins after this position.
    pub(super) fn answers(self, before: u64) -> Vec<Result<Appended, AppendError>> {
        let answer = |verdict| match verdict {
            Verdict::Stored(placed) => {
                Ok(Appended { receipt: placed.after(before), replayed: false })
            }
            Verdict::Replayed(known) => {
                Ok(Appended { receipt: known.after(before), replayed: true })
            }
            Verdict::AlreadyStored(known) => Err(AppendError::AlreadyStored(known.after(before))),
            Verdict::Refused(error) => Err(error),
        };
        self.verdicts.into_iter().map(answer).collect()
    }

    fn decide_one(
        &mut self,
        Candidate { commit, outdated }: Candidate<'g>,
        facts: &Facts<'g>,
        overlay: &mut Overlay<'g>,
    ) -> Result<Verdict, String> {
        if let Some(known) = self.known_command(commit, facts, overlay) {
            return Ok(Verdict::Replayed(known));
        }
        if let Some(verdict) = self.known_key(commit, facts, overlay)? {
            return Ok(verdict);
        }
        let (actual, time) = self.head_of(commit, facts, overlay);
        if outdated || actual != commit.expected.version() {
            return Ok(Verdict::Refused(AppendError::Conflict { actual }));
        }
        if let Some(why) = self.other_secret(commit, facts, overlay) {
            return Ok(Verdict::Refused(AppendError::Invalid(why)));
        }
        Ok(Verdict::Stored(self.place(commit, actual, time, overlay)))
    }

    fn known_command(
        &mut self,
        commit: &'g Commit,
        facts: &Facts<'g>,
        overlay: &mut Overlay<'g>,
    ) -> Option<Known> {
        let key = (commit.stream.tenant, commit.command_id.as_str());
        match overlay.commands.entry(key) {
            Entry::Occupied(met) => *met.get(),
            Entry::Vacant(new) => {
                let fact = facts.commands.get(&key);
                self.assumes |= fact.is_none();
                let known = fact.copied().flatten().map(Known::Stored);
                if known.is_none() {
                    self.commands.push(key);
                }
                *new.insert(known)
            }
        }
    }

    fn known_key(
        &mut self,
        commit: &'g Commit,
        facts: &Facts<'g>,
        overlay: &mut Overlay<'g>,
    ) -> Result<Option<Verdict>, String> {
        let Some(asked) = &commit.idempotency else { return Ok(None) };
        let key = (commit.stream.tenant, asked.key.as_str());
        let known = match overlay.keys.entry(key) {
            Entry::Occupied(met) => met.into_mut(),
            Entry::Vacant(new) => match facts.keys.get(&key) {
                fact @ (None | Some(None)) => {
                    self.assumes |= fact.is_none();
                    self.keys.push(key);
                    new.insert(None)
                }
                Some(Some(known)) => {
                    let receipt = known.receipt.ok_or("an idempotency key without its command")?;
                    let fingerprint = known.fingerprint.clone();
                    new.insert(Some(UsedKey { fingerprint, known: Known::Stored(receipt) }))
                }
            },
        };
        Ok(known.as_ref().map(|used| {
            if used.fingerprint == asked.fingerprint {
                Verdict::AlreadyStored(used.known)
            } else {
                Verdict::Refused(AppendError::IdempotencyKeyReused)
            }
        }))
    }

    fn head_of(
        &mut self,
        commit: &'g Commit,
        facts: &Facts<'g>,
        overlay: &mut Overlay<'g>,
    ) -> (u64, Timestamp) {
        let stream = &commit.stream;
        *overlay.heads.entry(stream).or_insert_with(|| {
            let (version, time) = match facts.streams.get(stream) {
                Some((version, time)) => (*version, time.unwrap_or(commit.recorded_at)),
                None => {
                    self.assumes = true;
                    (commit.expected.version(), commit.recorded_at)
                }
            };
            self.streams.push(AssumedStream { stream, version, time });
            (version, time)
        })
    }

    fn other_secret(
        &mut self,
        commit: &'g Commit,
        facts: &Facts<'g>,
        overlay: &mut Overlay<'g>,
    ) -> Option<String> {
        // All are compared before any is noted, so that a refused commit leaves nothing behind.
        for sealing in &commit.sealing_keys {
            let key = (sealing.tenant, sealing.key.0.as_str());
            let known = overlay.secrets.get(&key).map(|secret| secret.as_slice());
            let known = known.or_else(|| facts.secrets.get(&key)?.as_deref());
            if known.is_some_and(|secret| secret != sealing.secret) {
                return Some(format!(
                    "the sealing key {} exists with another secret",
                    sealing.key.0
                ));
            }
        }
        for sealing in &commit.sealing_keys {
            let key = (sealing.tenant, sealing.key.0.as_str());
            if overlay.secrets.insert(key, sealing.secret).is_none() {
                self.secrets.push((key.0, key.1, &sealing.secret));
            }
        }
        None
    }

    fn place(
        &mut self,
        commit: &'g Commit,
        actual: u64,
        time: Timestamp,
        overlay: &mut Overlay<'g>,
    ) -> Placed {
        let recorded_at = time.max(commit.recorded_at);
        let before = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        let mut version = actual;
        for event in &commit.events {
            version = version.saturating_add(1);
            self.events.push(PlannedEvent { commit, event, version, recorded_at });
        }
        let last = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        let placed = Placed { version, first: before.saturating_add(1), last };
        overlay.heads.insert(&commit.stream, (version, recorded_at));
        let (tenant, known) = (commit.stream.tenant, Known::Placed(placed));
        overlay.commands.insert((tenant, &commit.command_id), Some(known));
        if let Some(asked) = &commit.idempotency {
            let fingerprint = asked.fingerprint.to_vec();
            overlay.keys.insert((tenant, &asked.key), Some(UsedKey { fingerprint, known }));
        }
        self.stored.push((commit, placed));
        placed
    }
}

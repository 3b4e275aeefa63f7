//! The cluster: nodes that share one history, one of them the leader.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio_util::sync::CancellationToken;
use tonic::{Status, metadata::MetadataMap};

use crate::{FakeOptions, Faults, history::History};

/// What the nodes share.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) history: Mutex<History>,
    pub(crate) faults: Faults,
    pub(crate) append_bytes_max: usize,
    pub(crate) acknowledge_at_once: bool,
    pub(crate) nodes: Vec<Node>,
    leader: AtomicUsize,
    pub(crate) appends: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) late_commits: AtomicU64,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    state: Mutex<NodeState>,
}

#[derive(Debug, Default)]
struct NodeState {
    alive: bool,
    /// Cancelled to cut all connections made so far.
    connections: CancellationToken,
}

impl Node {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, NodeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.state().alive
    }

    pub(crate) fn set_alive(&self, alive: bool) {
        self.state().alive = alive;
    }

    /// What a new connection is cut by.
    pub(crate) fn connections(&self) -> CancellationToken {
        self.state().connections.clone()
    }

    /// Cuts every connection there is.
    pub(crate) fn cut(&self) {
        std::mem::take(&mut self.state().connections).cancel();
    }
}

impl Cluster {
    pub(crate) fn new(history: History, addresses: &[SocketAddr], options: &FakeOptions) -> Self {
        Self {
            history: Mutex::new(history),
            faults: Faults::default(),
            append_bytes_max: options.append_bytes_max,
            acknowledge_at_once: options.acknowledge_at_once,
            nodes: addresses.iter().copied().map(Node::new).collect(),
            leader: AtomicUsize::new(0),
            appends: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            late_commits: AtomicU64::new(0),
        }
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leader(&self) -> usize {
        self.leader.load(Ordering::SeqCst)
    }

    pub(crate) fn elect(&self, node: usize) {
        self.leader.store(node, Ordering::SeqCst);
    }

    /// Refuses a request that wants the leader and came to another node.
    pub(crate) fn lead(&self, node: usize, metadata: &MetadataMap) -> Result<(), Status> {
        let wanted = metadata.get("requires-leader").is_some_and(|value| value == "true");
        let leader = self.leader();
        if !wanted || leader == node {
            return Ok(());
        }
        let mut status = Status::not_found("Leader info available");
        if let Some(leader) = self.nodes.get(leader) {
            let details = [
                ("exception", "not-leader".to_owned()),
                ("leader-endpoint-host", leader.address.ip().to_string()),
                ("leader-endpoint-port", leader.address.port().to_string()),
            ];
            for (name, value) in details {
                if let Ok(value) = value.parse() {
                    status.metadata_mut().insert(name, value);
                }
            }
        }
        Err(status)
    }

    /// Cuts the connections of one node.
    pub(crate) fn cut(&self, node: usize) {
        if let Some(node) = self.nodes.get(node) {
            node.cut();
        }
    }
}

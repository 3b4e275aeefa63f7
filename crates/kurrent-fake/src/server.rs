//! Starting, stopping and killing nodes.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use axum::routing::get;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{service::Routes, transport::Server};

use crate::{
    Faults,
    cluster::Cluster,
    history::History,
    members::Members,
    proto::{
        gossip::gossip_server::GossipServer,
        server_features::server_features_server::ServerFeaturesServer,
        streams::streams_server::StreamsServer,
    },
    services::StreamsOfNode,
    wire::Wire,
};

/// Larger than anything a server takes, so that it is the server that refuses and not its framework.
const MESSAGE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// How a server is started.
#[derive(Debug, Clone)]
pub struct FakeOptions {
    /// How many nodes; the first is the leader.
    pub nodes: usize,
    /// Where each node listens; those not named take any free port of this machine.
    pub listen: Vec<SocketAddr>,
    /// Where the history is kept; in memory if not given.
    pub file: Option<PathBuf>,
    /// The largest append in bytes, as a real server's `MaxAppendSize` (one mebibyte there unless
    /// set otherwise).
    pub append_bytes_max: usize,
    /// Whether packets are acknowledged at once, as by a server whose routes have `quickack 1`.
    /// Otherwise every request on a quiet connection takes the 40 ms that the client makes it take.
    pub acknowledge_at_once: bool,
}

impl Default for FakeOptions {
    fn default() -> Self {
        Self {
            nodes: 1,
            listen: vec![],
            file: None,
            append_bytes_max: 8 * 1024 * 1024,
            acknowledge_at_once: true,
        }
    }
}

/// A running server of one or more nodes; it stops when dropped.
#[derive(Debug)]
pub struct FakeServer {
    cluster: Arc<Cluster>,
    running: Mutex<Vec<Option<JoinHandle<()>>>>,
}

impl FakeServer {
    /// Starts a server.
    ///
    /// # Errors
    /// When an address is taken or the file cannot be read.
    pub async fn start(options: FakeOptions) -> io::Result<Self> {
        let history = match &options.file {
            Some(path) => History::in_file(path)?,
            None => History::in_memory()?,
        };
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for number in 0..options.nodes {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let wanted = options.listen.get(number).copied().unwrap_or(any);
            let listener = TcpListener::bind(wanted).await?;
            addresses.push(listener.local_addr()?);
            listeners.push(listener);
        }
        let cluster = Arc::new(Cluster::new(history, &addresses, &options));
        let running = listeners
            .into_iter()
            .enumerate()
            .map(|(node, listener)| Some(serve(&cluster, node, listener)))
            .collect();
        Ok(Self { cluster, running: Mutex::new(running) })
    }

    /// Where the nodes listen.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.cluster.nodes.iter().map(|node| node.address).collect()
    }

    /// The connection string of the whole cluster.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.addresses().iter().map(ToString::to_string).collect();
        format!("esdb://{}?tls=false", hosts.join(","))
    }

    /// What can be made to go wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.cluster.faults
    }

    /// Makes another node the leader; the old one answers requests for a leader with its address.
    pub fn elect(&self, node: usize) {
        self.cluster.elect(node);
    }

    /// Cuts every connection of a node, which goes on listening.
    pub fn cut(&self, node: usize) {
        self.cluster.cut(node);
    }

    /// Stops a node at once: nobody listens at its address any more.
    pub async fn kill(&self, node: usize) {
        let task = self.running().get_mut(node).and_then(Option::take);
        if let Some(task) = task {
            task.abort();
            // The error says that it was aborted, which is what was wanted.
            task.await.ok();
        }
        if let Some(killed) = self.cluster.nodes.get(node) {
            killed.set_alive(false);
            killed.cut();
        }
    }

    /// Starts a killed node again at its old address.
    ///
    /// # Errors
    /// When somebody else listens there now.
    pub async fn revive(&self, node: usize) -> io::Result<()> {
        let Some(dead) = self.cluster.nodes.get(node) else { return Ok(()) };
        let listener = TcpListener::bind(dead.address).await?;
        let task = serve(&self.cluster, node, listener);
        if let Some(slot) = self.running().get_mut(node) {
            *slot = Some(task);
        }
        Ok(())
    }

    /// Forgets the last events, as a server restored from an older backup has.
    pub fn forget_last(&self, events: usize) {
        self.cluster.history().forget_last(events);
    }

    /// How many appends have reached the server.
    #[must_use]
    pub fn appends(&self) -> u64 {
        self.cluster.appends.load(Ordering::SeqCst)
    }

    /// How many reads have reached the server.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.cluster.reads.load(Ordering::SeqCst)
    }

    /// How many commits that came late have been carried out or recognized.
    #[must_use]
    pub fn late_commits(&self) -> u64 {
        self.cluster.late_commits.load(Ordering::SeqCst)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Vec<Option<JoinHandle<()>>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        for task in self.running().iter_mut().filter_map(Option::take) {
            task.abort();
        }
        for node in &self.cluster.nodes {
            node.cut();
        }
    }
}

fn serve(cluster: &Arc<Cluster>, node: usize, listener: TcpListener) -> JoinHandle<()> {
    if let Some(starting) = cluster.nodes.get(node) {
        starting.set_alive(true);
    }
    let members = Members(Arc::clone(cluster));
    let http = members.clone();
    let streams = StreamsOfNode { cluster: Arc::clone(cluster), node };
    let router = Routes::new(
        StreamsServer::new(streams)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX),
    )
    .add_service(GossipServer::new(members.clone()))
    .add_service(ServerFeaturesServer::new(members))
    .into_axum_router()
    .route("/gossip", get(move || async move { http.as_json().to_string() }));
    let (connections, incoming) = mpsc::channel::<io::Result<Wire>>(16);
    let accepting = Arc::clone(cluster);
    tokio::spawn(async move {
        let serving = Server::builder()
            .accept_http1(true)
            .add_routes(Routes::from(router))
            .serve_with_incoming(ReceiverStream::new(incoming));
        let accepted = async {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(node) = accepting.nodes.get(node) else { return };
                if !accepting.faults.refusing() {
                    // Small answers must not wait for the acknowledgement of the one before.
                    stream.set_nodelay(true).ok();
                    let wire = Wire::new(stream, node.connections(), accepting.acknowledge_at_once);
                    if connections.send(Ok(wire)).await.is_err() {
                        return;
                    }
                }
            }
        };
        // Both run until the task is stopped; a server that cannot go on simply stops answering.
        let (_served, ()) = tokio::join!(serving, accepted);
    })
}

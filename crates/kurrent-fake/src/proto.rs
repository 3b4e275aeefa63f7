//! The generated services: what the published definitions say, and nothing of ours.
#![expect(
    missing_docs,
    unreachable_pub,
    clippy::doc_markdown,
    clippy::allow_attributes_without_reason,
    reason = "generated from the published definitions"
)]

/// Google's words for a failed request.
pub(crate) mod google {
    /// `google.rpc`.
    pub(crate) mod rpc {
        tonic::include_proto!("google.rpc");
    }
}

/// The services.
pub(crate) mod event_store {
    /// What they share.
    pub(crate) mod client {
        tonic::include_proto!("event_store.client");
        /// Append, read, delete.
        pub(crate) mod streams {
            tonic::include_proto!("event_store.client.streams");
        }
        /// Who is in the cluster.
        pub(crate) mod gossip {
            tonic::include_proto!("event_store.client.gossip");
        }
        /// What the server can do.
        pub(crate) mod server_features {
            tonic::include_proto!("event_store.client.server_features");
        }
    }
}

pub(crate) use event_store::client::{
    StreamIdentifier, Uuid, gossip, server_features, streams, uuid,
};

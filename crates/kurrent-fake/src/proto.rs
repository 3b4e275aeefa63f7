//! The generated services: what the published definitions say, and nothing of ours.
#![allow(dead_code, reason = "an expectation of it is reported as unfulfilled while it works")]
#![expect(
    unreachable_pub,
    clippy::allow_attributes_without_reason,
    clippy::doc_markdown,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::too_many_lines,
    reason = "generated from the published definitions, of which this server uses a part"
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

//! What a node says about the cluster and about itself.

use std::sync::Arc;

use serde_json::{Value, json};
use tonic::{Request, Response, Status};

use crate::{
    cluster::Cluster,
    proto::{
        gossip::{
            ClusterInfo, EndPoint, MemberInfo, gossip_server::Gossip, member_info::VNodeState,
        },
        server_features::{
            SupportedMethod, SupportedMethods, server_features_server::ServerFeatures,
        },
    },
};

/// The version this server claims to have; the protocol is that version's.
pub(crate) const CLAIMED_VERSION: &str = "23.10.0.0";

/// The gossip and server features services.
#[derive(Clone)]
pub(crate) struct Members(pub(crate) Arc<Cluster>);

#[tonic::async_trait]
impl Gossip for Members {
    async fn read(&self, _request: Request<()>) -> Result<Response<ClusterInfo>, Status> {
        let leader = self.0.leader();
        let members = self.0.nodes.iter().enumerate().map(|(number, node)| MemberInfo {
            instance_id: None,
            time_stamp: 0,
            state: if number == leader { VNodeState::Leader } else { VNodeState::Follower }.into(),
            is_alive: node.is_alive(),
            http_end_point: Some(EndPoint {
                address: node.address.ip().to_string(),
                port: node.address.port().into(),
            }),
        });
        Ok(Response::new(ClusterInfo { members: members.collect() }))
    }
}

#[tonic::async_trait]
impl ServerFeatures for Members {
    async fn get_supported_methods(
        &self,
        _request: Request<()>,
    ) -> Result<Response<SupportedMethods>, Status> {
        let methods = ["append", "read", "delete", "tombstone"].map(|name| SupportedMethod {
            method_name: name.to_owned(),
            service_name: "event_store.client.streams.streams".to_owned(),
            features: vec![],
        });
        Ok(Response::new(SupportedMethods {
            methods: methods.into(),
            event_store_server_version: CLAIMED_VERSION.to_owned(),
        }))
    }
}

impl Members {
    /// The gossip as the HTTP interface has it.
    pub(crate) fn as_json(&self) -> Value {
        let leader = self.0.leader();
        let members = self.0.nodes.iter().enumerate().map(|(number, node)| {
            let (host, port) = (node.address.ip().to_string(), node.address.port());
            json!({
                "instanceId": uuid::Uuid::nil(),
                "timeStamp": "2024-01-01T00:00:00Z",
                "state": if number == leader { "Leader" } else { "Follower" },
                "isAlive": node.is_alive(),
                "internalTcpIp": host,
                "internalTcpPort": 1112,
                "internalSecureTcpPort": 0,
                "externalTcpIp": host,
                "externalTcpPort": 1113,
                "externalSecureTcpPort": 0,
                "httpEndPointIp": host,
                "httpEndPointPort": port,
                "lastCommitPosition": 0,
                "writerCheckpoint": 0,
                "chaserCheckpoint": 0,
                "epochPosition": 0,
                "epochNumber": 0,
                "epochId": uuid::Uuid::nil(),
                "nodePriority": 0,
            })
        });
        json!({ "members": members.collect::<Vec<_>>() })
    }
}

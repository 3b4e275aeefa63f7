//! The streams service of one node.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};

use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    appends,
    cluster::Cluster,
    history::Expected,
    proto::streams::{
        AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq,
        ReadResp, TombstoneReq, TombstoneResp, delete_req, delete_resp, streams_server::Streams,
        tombstone_req, tombstone_resp,
    },
    reads,
};

/// The streams service of one node.
#[derive(Clone)]
pub(crate) struct StreamsOfNode {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) node: usize,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Streams for StreamsOfNode {
    type ReadStream = Answers<ReadResp>;
    type BatchAppendStream = Answers<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        self.cluster.reads.fetch_add(1, Ordering::SeqCst);
        self.cluster.lead(self.node, request.metadata())?;
        let delay = self.cluster.faults.read_delay();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let answers = reads::read(&self.cluster, request.into_inner())?;
        Ok(Response::new(Box::pin(tokio_stream::iter(answers).map(Ok))))
    }

    async fn append(
        &self,
        request: Request<Streaming<AppendReq>>,
    ) -> Result<Response<AppendResp>, Status> {
        self.cluster.lead(self.node, request.metadata())?;
        appends::append(&self.cluster, self.node, request.into_inner()).await.map(Response::new)
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        use delete_req::options::ExpectedStreamRevision as Given;
        self.cluster.lead(self.node, request.metadata())?;
        let options = request.into_inner().options.unwrap_or_default();
        let expected = match options.expected_stream_revision {
            Some(Given::Revision(revision)) => Expected::Revision(revision),
            Some(Given::NoStream(())) => Expected::NoStream,
            Some(Given::StreamExists(())) => Expected::Exists,
            Some(Given::Any(())) | None => Expected::Any,
        };
        let name = appends::name(options.stream_identifier)?;
        let deleted = self.cluster.history().delete(&name, expected);
        let position = deleted.map_err(|refused| appends::status(refused, &name))?;
        let place = delete_resp::Position { commit_position: position, prepare_position: position };
        let position_option = Some(delete_resp::PositionOption::Position(place));
        Ok(Response::new(DeleteResp { position_option }))
    }

    async fn tombstone(
        &self,
        request: Request<TombstoneReq>,
    ) -> Result<Response<TombstoneResp>, Status> {
        use tombstone_req::options::ExpectedStreamRevision as Given;
        self.cluster.lead(self.node, request.metadata())?;
        let options = request.into_inner().options.unwrap_or_default();
        let expected = match options.expected_stream_revision {
            Some(Given::Revision(revision)) => Expected::Revision(revision),
            Some(Given::NoStream(())) => Expected::NoStream,
            Some(Given::StreamExists(())) => Expected::Exists,
            Some(Given::Any(())) | None => Expected::Any,
        };
        let name = appends::name(options.stream_identifier)?;
        let deleted = self.cluster.history().tombstone(&name, expected);
        let position = deleted.map_err(|refused| appends::status(refused, &name))?;
        let place =
            tombstone_resp::Position { commit_position: position, prepare_position: position };
        let position_option = Some(tombstone_resp::PositionOption::Position(place));
        Ok(Response::new(TombstoneResp { position_option }))
    }

    /// Not claimed in the server's features, so that no client uses it.
    async fn batch_append(
        &self,
        _request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        Err(Status::unimplemented("this server has no batch append"))
    }
}

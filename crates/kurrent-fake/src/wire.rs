//! A connection that can be cut from outside, as a network does it.
//!
//! The client neither sets `TCP_NODELAY` nor sends a request in one piece: its second piece waits until
//! the first is acknowledged, which Linux delays by 40 ms when there is nothing to answer yet. A server
//! whose routes have `quickack 1` acknowledges at once, and unless told otherwise so does this one.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// A connection, until it is cut.
pub(crate) struct Wire {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    acknowledge_at_once: bool,
}

impl Wire {
    pub(crate) fn new(
        stream: TcpStream,
        cut: CancellationToken,
        acknowledge_at_once: bool,
    ) -> Self {
        Self { stream, cut: Box::pin(cut.cancelled_owned()), acknowledge_at_once }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        if self.acknowledge_at_once && cfg!(target_os = "linux") {
            // The kernel forgets it again and again; an error costs 40 ms and nothing else.
            rustix::net::sockopt::set_tcp_quickack(&self.stream, true).ok();
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Connected for Wire {
    type ConnectInfo = Option<SocketAddr>;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.peer_addr().ok()
    }
}

//! An HTTP client that costs next to nothing, so that what is measured is the servers.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::messages::Dealt;
use crate::fault::{Doing, Fault, Outcome};

const ASKING: &str = "send a webhook";

/// An answer longer than this is not one of ours.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Sends each connection's share, one request after the other, all connections at once.
pub(super) async fn send(address: SocketAddr, dealt: &Dealt) -> Outcome<Duration> {
    let mut connections = Vec::with_capacity(dealt.len());
    for _ in dealt {
        let connection = TcpStream::connect(address).await.doing("connect to a server")?;
        connection.set_nodelay(true).doing("connect to a server")?;
        connections.push(connection);
    }
    let started = Instant::now();
    let tasks = connections
        .into_iter()
        .zip(dealt)
        .map(|(connection, share)| tokio::spawn(send_share(connection, Arc::clone(share))));
    for sent in try_join_all(tasks).await.doing(ASKING)? {
        sent?;
    }
    Ok(started.elapsed())
}

async fn send_share(mut connection: TcpStream, share: Arc<[Vec<u8>]>) -> Outcome<()> {
    let mut answer = Vec::with_capacity(4096);
    for request in share.iter() {
        connection.write_all(request).await.doing(ASKING)?;
        answer.clear();
        while !is_whole(&answer)? {
            let read = connection.read_buf(&mut answer).await.doing(ASKING)?;
            if read == 0 || answer.len() > ANSWER_BYTES_MAX {
                return Err(Fault::new(ASKING, "the answer is cut off, or has no end"));
            }
        }
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            return Err(Fault::new(ASKING, String::from_utf8_lossy(&answer)));
        }
    }
    Ok(())
}

/// Whether head and body are there.
fn is_whole(answer: &[u8]) -> Outcome<bool> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(false);
    };
    let (head, body) = answer.split_at(end + 4);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .ok_or_else(|| Fault::new(ASKING, "the answer has no Content-Length"))?;
    Ok(body.len() >= length)
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_whole_when_its_body_is_there() {
        for (answer, whole) in [
            ("HTTP/1.1 200 OK\r\ncontent-le", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ] {
            assert_eq!(is_whole(answer.as_bytes()).unwrap(), whole, "{answer}");
        }
        assert!(is_whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

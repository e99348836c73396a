//! Events over WebSocket, RFC 6455: at the gate, each event of the stream behind it becomes a text frame. What the peer
//! sends is not looked at, but for pings and the end.

use core::time::Duration;
use futures_util::{SinkExt, StreamExt};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// Largest message of a peer that is read.
const PEER_BYTES: usize = 4096;
/// Largest event, and largest head of an answer.
const EVENT_BYTES: usize = 256 * 1024;

/// The answer to a `Sec-WebSocket-Key`, §4.2.2; `None` if that is not one.
pub(super) fn accept(key: &str) -> Option<String> {
    use base64ct::{Base64, Encoding};
    use sha1::{Digest, Sha1};
    let mut nonce = [0; 16];
    let whole = Base64::decode(key, &mut nonce).is_ok_and(|nonce| nonce.len() == 16);
    let hash = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    whole.then(|| Base64::encode_string(&hash))
}

/// Carries the stream from `server` to `peer`; an answer that is no stream goes on as it is.
pub(super) async fn carry(
    mut server: UnixStream,
    mut peer: impl super::gate::Peer,
    accept: &str,
    idle: Duration,
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(4096);
    let head = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > EVENT_BYTES || timeout(idle, server.read_buf(&mut bytes)).await?? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    if !bytes.starts_with(b"HTTP/1.1 200 ") {
        timeout(idle, peer.write_all(&bytes)).await??;
        timeout(idle, tokio::io::copy(&mut server, &mut peer)).await??;
        return peer.shutdown().await;
    }
    bytes.drain(..head);
    let switch = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    timeout(idle, peer.write_all(switch.as_bytes())).await??;
    let config =
        WebSocketConfig::default().max_message_size(Some(PEER_BYTES)).max_frame_size(Some(PEER_BYTES));
    let mut socket = WebSocketStream::from_raw_socket(peer, Role::Server, Some(config)).await;
    loop {
        while let Some(at) = find(&bytes, b"\n\n") {
            let block: Vec<u8> = bytes.drain(..at + 2).collect();
            let message = match data(&block) {
                Some(data) => Message::text(data),
                // A heartbeat.
                None => Message::Ping(Vec::new().into()),
            };
            timeout(idle, socket.send(message)).await?.map_err(io::Error::other)?;
        }
        tokio::select! {
            read = timeout(idle, server.read_buf(&mut bytes)) => if read?? == 0 || bytes.len() > EVENT_BYTES {
                let _ = timeout(idle, socket.close(None)).await;
                return Ok(());
            },
            // Pings are answered by reading on.
            got = socket.next() => match got {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                Some(Ok(_)) => {}
            },
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The data of one event.
fn data(block: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(block).ok()?;
    text.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_key_is_that_of_the_standard() {
        let told = accept("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(told.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(accept("short"), None);
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ==\r\nX: y"), None);
    }
}

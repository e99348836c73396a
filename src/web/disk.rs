//! A body that is too large for memory: from the peer to the disk, a piece at a time.

use super::gate::Peer;
use super::head::{Head, Refusal};
use crate::update::{self, Folder, Incoming};
use core::time::Duration;
use std::io::{self, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Bytes that are read before they are written.
const PIECE: usize = 256 * 1024;

const FULL: Refusal = Refusal {
    status: 409,
    words: "There is not enough room on the disk for this file: delete old recordings under Privacy.",
};
const BUSY: Refusal = Refusal { status: 409, words: "Another update is on its way: wait until it is done." };
const LATE: Refusal = Refusal { status: 408, words: "The request's body took too long." };
const FAILED: Refusal = Refusal { status: 503, words: "The disk does not take the file. The log says why." };

/// Receives the whole body; `bytes` is what came with its head. No piece may keep us waiting for longer than `idle`. Nobody else
/// brings one while the answer is held.
pub(super) async fn receive(
    folder: &Folder,
    peer: &mut impl Peer,
    head: &Head,
    mut bytes: Vec<u8>,
    idle: Duration,
) -> io::Result<Result<Incoming, Refusal>> {
    let failed = |error: io::Error| {
        tracing::warn!(%error, "an update was not received");
        folder.discard();
        FAILED
    };
    let mut file = match folder.receive(head.body as u64) {
        Ok(file) => file,
        Err(update::Refusal::NoRoom) => return Ok(Err(FULL)),
        Err(update::Refusal::Busy) => return Ok(Err(BUSY)),
        Err(other) => return Ok(Err(failed(io::Error::other(other)))),
    };
    let mut piece = bytes.split_off(head.taken);
    if head.expects_continue && piece.len() < head.body {
        peer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    piece.truncate(head.body);
    let mut left = head.body - piece.len();
    loop {
        while left > 0 && piece.len() < PIECE {
            let most = left.min(PIECE - piece.len()) as u64;
            match timeout(idle, (&mut *peer).take(most).read_buf(&mut piece)).await {
                Ok(Ok(read)) if read > 0 => left -= read,
                Ok(gone) => {
                    folder.discard();
                    return gone.and(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Err(_) => {
                    folder.discard();
                    return Ok(Err(LATE));
                }
            }
        }
        (file, piece) = match write(file, piece, left == 0).await {
            Ok(both) => both,
            Err(error) => return Ok(Err(failed(error))),
        };
        if left == 0 {
            return Ok(Ok(file));
        }
    }
}

/// A slow card keeps nobody else's page waiting.
async fn write(mut file: Incoming, mut piece: Vec<u8>, last: bool) -> io::Result<(Incoming, Vec<u8>)> {
    let written = spawn_blocking(move || {
        file.write_all(&piece)?;
        piece.clear();
        if last {
            file.sync()?;
        }
        Ok((file, piece))
    });
    written.await.map_err(io::Error::other)?
}

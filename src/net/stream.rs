//! One connection: made or taken, its messages cut out and handed over, ended when it is of no use.

use super::tls::{self, Trust};
use crate::sip::framing::{Broken, Frame, PONG, Stream};
use crate::sip::{Hop, Transport};
use core::time::Duration;
use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

/// A connection, and the handshake after it, must be there within this time: a caller waits for it.
const CONNECT: Duration = Duration::from_secs(4);
/// Whoever connects says something within this time, and whoever begins a message ends it.
const SPEAK: Duration = Duration::from_secs(15);
/// Longer than the longest registration that is granted: whoever is silent for so long is gone.
const IDLE: Duration = Duration::from_secs(65 * 60);
/// A peer that takes nothing for so long is gone. Three times a keep-alive would be too late for a call.
const UNREAD: Duration = Duration::from_secs(20);
/// Read at one time.
const PIECE: usize = 4096;

/// What a connection, or a listener, tells.
#[derive(Debug)]
pub(super) enum Fact {
    Accepted(Transport, TcpStream, SocketAddr),
    Message(Hop, Vec<u8>),
    /// With its number and the reason.
    Ended(Hop, u64, String),
}

/// A connection's end of its channels.
pub(super) struct Link {
    pub hop: Hop,
    pub number: u64,
    pub orders: mpsc::Receiver<Vec<u8>>,
    pub facts: mpsc::Sender<Fact>,
    pub incoming: bool,
}

impl Link {
    async fn end(self, why: String) {
        // Nobody listens: the box stops.
        let _ = self.facts.send(Fact::Ended(self.hop, self.number, why)).await;
    }
}

/// A connection that came in.
pub(super) async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, mut link: Link) {
    prepare(&stream);
    let why = match acceptor {
        None => run(stream, &mut link).await,
        Some(acceptor) => match timeout(SPEAK, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => run(stream, &mut link).await,
            Ok(Err(error)) => tls::explain(&error, "the peer"),
            Err(_) => "the peer did not finish its TLS handshake".to_owned(),
        },
    };
    link.end(why).await;
}

/// A connection of our own.
pub(super) async fn connect(own: Option<IpAddr>, trust: Option<Trust>, mut link: Link) {
    let until = Instant::now() + CONNECT;
    let why = match timeout_at(until, reach(own, link.hop.addr)).await {
        Err(_) => "nobody answers there".to_owned(),
        Ok(Err(error)) => format!("no connection could be made: {error}"),
        Ok(Ok(stream)) => match trust {
            None => run(stream, &mut link).await,
            Some(trust) => match timeout_at(until, trust.connect(stream)).await {
                Ok(Ok(stream)) => run(stream, &mut link).await,
                Ok(Err(error)) => tls::explain(&error, trust.host()),
                Err(_) => format!("{} did not finish its TLS handshake", trust.host()),
            },
        },
    };
    link.end(why).await;
}

async fn reach(own: Option<IpAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(own) = own {
        socket.bind(SocketAddr::new(own, 0))?;
    }
    let stream = socket.connect(to).await?;
    prepare(&stream);
    Ok(stream)
}

/// Small messages leave at once, and a peer that has vanished is noticed by the first keep-alive that it leaves
/// unacknowledged.
fn prepare(stream: &TcpStream) {
    let unread = u32::try_from(UNREAD.as_millis()).unwrap_or(u32::MAX);
    let set =
        stream.set_nodelay(true).and_then(|()| Ok(setsockopt(stream, sockopt::TcpUserTimeout, &unread)?));
    if let Err(error) = set {
        tracing::debug!(%error, "a connection keeps the system's own timeouts");
    }
}

/// Carries messages both ways until there is a reason to end.
async fn run(stream: impl AsyncRead + AsyncWrite, link: &mut Link) -> String {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let (mut frames, mut piece) = (Stream::default(), [0; PIECE]);
    let mut spoken = !link.incoming;
    let mut patience = Instant::now() + if spoken { IDLE } else { SPEAK };
    loop {
        let room = frames.room().min(PIECE);
        tokio::select! {
            read = reader.read(piece.get_mut(..room).unwrap_or_default()) => {
                let read = match read {
                    Ok(0) => return super::ENDED_BY_PEER.to_owned(),
                    Ok(read) => read,
                    Err(error) => return format!("the connection broke: {error}"),
                };
                let was_amid = frames.is_amid();
                frames.push(piece.get(..read).unwrap_or_default());
                match deliver(&mut frames, link, &mut writer).await {
                    Ok(messages) => spoken |= messages > 0,
                    Err(why) => return why,
                }
                if !frames.is_amid() {
                    patience = Instant::now() + if spoken { IDLE } else { SPEAK };
                } else if !was_amid {
                    patience = Instant::now() + SPEAK;
                }
            }
            order = link.orders.recv() => {
                let Some(bytes) = order else { return "the box has ended it".to_owned() };
                if let Err(why) = write(&mut writer, &bytes).await {
                    return why;
                }
            }
            () = tokio::time::sleep_until(patience) => return "the peer is silent".to_owned(),
        }
    }
}

/// Hands over what is whole, and answers keep-alives. The number of messages, or why the connection has to end.
async fn deliver(
    frames: &mut Stream,
    link: &Link,
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<u32, String> {
    let (mut messages, mut pongs) = (0, Vec::new());
    loop {
        match frames.frame() {
            Ok(Some(Frame::Message(bytes))) => {
                messages += 1;
                if link.facts.send(Fact::Message(link.hop, bytes)).await.is_err() {
                    return Err("the box stops".to_owned());
                }
            }
            Ok(Some(Frame::Ping)) => pongs.extend_from_slice(PONG),
            Ok(None) => break,
            Err(Broken::Junk) => return Err("what came was no SIP".to_owned()),
            Err(Broken::Refused(answer)) => {
                write(writer, &answer.unwrap_or_default()).await?;
                return Err("a message came that has no end, or one too far away".to_owned());
            }
        }
    }
    write(writer, &pongs).await?;
    Ok(messages)
}

async fn write(writer: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() {
        return Ok(());
    }
    let written = timeout(UNREAD, async {
        writer.write_all(bytes).await?;
        writer.flush().await
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the connection broke: {error}")),
        Err(_) => Err("the peer does not read what it is sent".to_owned()),
    }
}

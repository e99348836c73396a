//! The gate: the only socket of the page on the network, and the one for people on the box. It reads one request, judges
//! it, and only then hands it to the web server, with the body already complete. One request for each connection.
//!
//! Invariants: at most [`WEB_CONNECTIONS`] connections; a connection that says nothing gives way to the next; nothing is
//! waited for without a deadline; no error of `accept` ends the gate; [`WEB_SPARE_FILES`] file descriptors are left to
//! calls and to tiny_http, which panics where it can have none for a connection that it has just accepted.

use super::Patience;
use super::access::Scope;
use super::answer::Answer;
use super::head::{self, Head, Keys, Reading, Refusal, Rules};
use super::language::{self, Language};
use super::{disk, form, route, websocket};
use crate::limits::{WEB_BODY_BYTES, WEB_CONNECTIONS, WEB_HEAD_BYTES, WEB_SPARE_FILES};
use crate::net::{TlsAcceptor, tls};
use crate::update::Folder;
use core::time::Duration;
use nix::sys::resource::{Resource, getrlimit};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::net as unix;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// For a whole file to arrive.
const UPLOAD: Duration = Duration::from_secs(120);

/// What is said to who brings an update to a box that was not made from an image.
pub(super) const NO_SLOTS: &str =
    "This box was installed as a package or by hand and is updated the same way: the page Update says how.";

/// Whether whoever has these keys may do what needs this scope.
type MayUpload = Box<dyn Fn(&Keys, Scope) -> bool + Send + Sync>;

/// What every connection needs to know.
pub(super) struct Gate {
    /// Names by which the owner reaches the box, lower case.
    pub(super) names: Vec<String>,
    /// Shared with the server behind the gate and with nobody else.
    pub(super) secret: String,
    /// Where the server listens.
    pub(super) behind: unix::SocketAddr,
    /// The deadlines.
    pub(super) patience: Patience,
    /// And so send a body larger than others.
    pub(super) may_upload: MayUpload,
    /// They come one at a time.
    pub(super) uploads: Semaphore,
    /// Where an update is received; `None`: this box takes none.
    pub(super) updates: Option<Folder>,
}

/// A connection that has been admitted.
struct Guest {
    task: AbortHandle,
    /// Has not sent a whole request yet.
    silent: Arc<AtomicBool>,
}

/// Where connections come in.
pub(super) enum Door {
    /// With TLS, if it is encrypted.
    Network(TcpListener, Option<TlsAcceptor>),
    /// The socket of the box itself: whoever may open it may do everything.
    Console(UnixListener),
}

/// One that has come in.
enum Arrival {
    Network(TcpStream, SocketAddr, Option<TlsAcceptor>),
    Console(UnixStream),
}

impl Door {
    async fn accept(&self) -> io::Result<Arrival> {
        match self {
            Self::Network(listener, tls) => {
                listener.accept().await.map(|(peer, from)| Arrival::Network(peer, from, tls.clone()))
            }
            Self::Console(listener) => listener.accept().await.map(|(peer, _)| Arrival::Console(peer)),
        }
    }
}

impl Arrival {
    /// Whether few file descriptors are left: a new one has the lowest number that is free (POSIX.1, `open`).
    fn is_one_of_the_last(&self) -> bool {
        let number = match self {
            Self::Network(peer, ..) => peer.as_raw_fd(),
            Self::Console(peer) => peer.as_raw_fd(),
        };
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
        limit.saturating_sub(WEB_SPARE_FILES) <= u64::try_from(number).unwrap_or(0)
    }

    /// Best effort and no waiting: the peer may see a plain close instead.
    fn refuse(&self) {
        let full = Answer::text(503, "Too many connections. Try again in a moment.").bytes(false);
        let _ = match self {
            // Who waits for a handshake sees a close.
            Self::Network(_, _, Some(_)) => return,
            Self::Network(peer, _, None) => peer.try_write(&full),
            Self::Console(peer) => peer.try_write(&full),
        };
    }
}

/// By which way a request came, as the server behind is told.
pub(super) const BY_CONSOLE: &str = "console";
const BY_NETWORK: &str = "network";

/// The ends of a connection.
#[derive(Clone, Copy)]
struct Ends {
    from: IpAddr,
    local: IpAddr,
    by: &'static str,
}

/// Admits connections until `stop` says true.
pub(super) async fn run(gate: Arc<Gate>, door: Door, mut stop: watch::Receiver<bool>) {
    let mut guests: Vec<Guest> = Vec::with_capacity(WEB_CONNECTIONS);
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = door.accept() => accepted,
        };
        match accepted {
            Ok(arrival) => {
                if !arrival.is_one_of_the_last() && make_room(&mut guests) {
                    guests.push(admit(&gate, arrival));
                } else {
                    arrival.refuse();
                }
            }
            Err(error) => {
                // Out of file descriptors, or a connection that went at once.
                tracing::warn!(%error, "a connection to the page was not accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    guests.iter().for_each(|guest| guest.task.abort());
}

/// Sees that one more connection fits. The silent one that came first goes, if someone must.
fn make_room(guests: &mut Vec<Guest>) -> bool {
    guests.retain(|guest| !guest.task.is_finished());
    if guests.len() < WEB_CONNECTIONS {
        return true;
    }
    let Some(at) = guests.iter().position(|guest| guest.silent.load(Ordering::Relaxed)) else { return false };
    guests.remove(at).task.abort();
    true
}

fn admit(gate: &Arc<Gate>, arrival: Arrival) -> Guest {
    let silent = Arc::new(AtomicBool::new(true));
    let (gate, speaks) = (Arc::clone(gate), Arc::clone(&silent));
    let task = tokio::spawn(async move {
        let served = match arrival {
            Arrival::Network(peer, from, tls) => welcome(&gate, peer, (from, tls), &speaks).await,
            Arrival::Console(peer) => {
                let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
                let ends = Ends { from: here, local: here, by: BY_CONSOLE };
                serve(&gate, peer, ends, &speaks).await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection to the page ended early");
        }
    });
    Guest { task: task.abort_handle(), silent }
}

async fn welcome(
    gate: &Gate,
    peer: TcpStream,
    (from, tls): (SocketAddr, Option<TlsAcceptor>),
    silent: &AtomicBool,
) -> io::Result<()> {
    peer.set_nodelay(true)?;
    let local = peer.local_addr()?.ip().to_canonical();
    let ends = Ends { from: from.ip().to_canonical(), local, by: BY_NETWORK };
    let Some(tls) = tls else { return serve(gate, peer, ends, silent).await };
    // RFC 8446 §5.1: a handshake begins with the record type 22, which is no letter of any method.
    let mut first = [0];
    if timeout(gate.patience.head, peer.peek(&mut first)).await?? == 0 {
        return Ok(());
    }
    if first == [22] {
        let peer = timeout(gate.patience.head, tls::welcome(&tls, peer)).await??;
        return serve(gate, peer, ends, silent).await;
    }
    plain(gate, peer, ends, silent).await
}

/// Whoever comes in plain text to an encrypted page is shown the way. An adapter that is being set up, which knows no
/// certificate, and a collector on the box itself are served.
async fn plain(gate: &Gate, mut peer: TcpStream, ends: Ends, silent: &AtomicBool) -> io::Result<()> {
    let mut bytes = vec![0; 2048];
    let read = timeout(gate.patience.head, peer.peek(&mut bytes)).await??;
    let text = String::from_utf8_lossy(bytes.get(..read).unwrap_or_default()).into_owned();
    let target = text.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_file = super::phones::is_file(path, &super::form::pairs(query));
    if is_file || path == "/metrics" && ends.from.is_loopback() {
        return serve(gate, peer, ends, silent).await;
    }
    let Ends { local, .. } = ends;
    let rules = Rules { names: &gate.names, local, stamp: "none" };
    let (head, _) = match timeout(gate.patience.head, read_head(&mut peer, &rules)).await?? {
        Ok(request) => request,
        Err((refusal, asked)) => return turn_away(&mut peer, refusal, &asked).await,
    };
    let forward = String::from_utf8_lossy(&head.forward).into_owned();
    let host = forward.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let target = forward.split(' ').nth(1).unwrap_or("/");
    let way = Answer::text(308, "This page is encrypted: use https.")
        .with("Location", format!("https://{host}{target}"));
    timeout(gate.patience.idle, peer.write_all(&way.bytes(false))).await??;
    peer.shutdown().await
}

async fn serve(gate: &Gate, mut peer: impl Peer, ends: Ends, silent: &AtomicBool) -> io::Result<()> {
    let Ends { from, local, by } = ends;
    let stamp = format!("{} {from} {local} {by}", gate.secret);
    let rules = Rules { names: &gate.names, local, stamp: &stamp };
    let request = match timeout(gate.patience.head, read_head(&mut peer, &rules)).await {
        Ok(read) => read?,
        Err(_) => {
            Err((Refusal { status: 408, words: "The request took too long to arrive." }, Asked::default()))
        }
    };
    let (head, bytes) = match request {
        Ok(request) => request,
        Err((refusal, asked)) => return turn_away(&mut peer, refusal, &asked).await,
    };
    let (mut patience, mut turn) = (gate.patience.body, None);
    if head.body > WEB_BODY_BYTES || head.to_disk {
        match upload(gate, &head, by) {
            Ok(free) => (patience, turn) = (UPLOAD, Some(free)),
            Err(refusal) => return turn_away(&mut peer, refusal, &Asked::of(&head.forward)).await,
        }
    }
    if head.to_disk {
        let received = match &gate.updates {
            Some(folder) => disk::receive(folder, &mut peer, &head, bytes, gate.patience.idle).await?,
            None => Err(Refusal { status: 409, words: NO_SLOTS }),
        };
        let _incoming = match received {
            Ok(incoming) => incoming,
            Err(refusal) => return turn_away(&mut peer, refusal, &Asked::of(&head.forward)).await,
        };
        silent.store(false, Ordering::Relaxed);
        let mut server = connect(gate)?;
        server.write_all(&head.forward).await?;
        // The next one waits until this is judged, and that takes its time.
        return bring_back(&mut server, &mut peer, UPLOAD).await;
    }
    let Ok(body) = timeout(patience, read_body(&mut peer, &head, bytes)).await else {
        let refusal = Refusal { status: 408, words: "The request's body took too long." };
        return turn_away(&mut peer, refusal, &Asked::of(&head.forward)).await;
    };
    let body = body?;
    silent.store(false, Ordering::Relaxed);
    let mut server = match connect(gate) {
        Ok(server) => server,
        Err(_) => {
            let words = "The page is restarting. Try again in a moment.";
            return turn_away(&mut peer, Refusal { status: 503, words }, &Asked::of(&head.forward)).await;
        }
    };
    server.write_all(&head.forward).await?;
    server.write_all(&body).await?;
    drop((body, turn));
    if let Some(accept) = &head.websocket {
        return websocket::carry(server, peer, accept, gate.patience.idle).await;
    }
    bring_back(&mut server, &mut peer, gate.patience.idle).await
}

/// The turn of a body that is larger than others, from who may send one.
fn upload<'g>(gate: &'g Gate, head: &Head, by: &str) -> Result<SemaphorePermit<'g>, Refusal> {
    let may = |scope| by == BY_CONSOLE || (gate.may_upload)(&head.keys, scope);
    if !head.larger_by.is_some_and(may) {
        return Err(Refusal {
            status: 401,
            words: "Only who is logged in, or a token with the scope for it, may send so much.",
        });
    }
    let busy = Refusal { status: 503, words: "Another file is being sent. Try again in a moment." };
    gate.uploads.try_acquire().map_err(|_| busy)
}

/// A connection of whatever kind.
pub(super) trait Peer: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Peer for T {}

fn connect(gate: &Gate) -> io::Result<UnixStream> {
    let stream = unix::UnixStream::connect_addr(&gate.behind)?;
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

/// What a refusal has to know of the request.
struct Asked {
    /// Without its query.
    path: String,
    language: Language,
}

impl Default for Asked {
    fn default() -> Self {
        Self { path: String::new(), language: Language::English }
    }
}

impl Asked {
    /// From a head, whatever it is worth.
    fn of(head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head);
        let target = head.split(' ').nth(1).unwrap_or_default();
        let fields: Vec<(&str, &str)> = head.lines().filter_map(|line| line.split_once(':')).collect();
        let field = |name| {
            fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let chosen = field("cookie").and_then(|cookies| form::cookie(cookies, language::COOKIE));
        Self {
            path: target.split('?').next().unwrap_or_default().to_owned(),
            language: Language::of(chosen.as_deref(), field("accept-language")),
        }
    }
}

/// Reads until the head is whole. Returns it with all that was read, or why it may not pass.
/// A refusal comes with what was asked for, as far as it can be told.
async fn read_head(
    peer: &mut impl Peer,
    rules: &Rules<'_>,
) -> io::Result<Result<(Head, Vec<u8>), (Refusal, Asked)>> {
    let mut bytes = Vec::with_capacity(2048);
    loop {
        if read_some(peer, &mut bytes, WEB_HEAD_BYTES).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match head::read(&bytes, rules) {
            Reading::More => {}
            Reading::Done(head) => return Ok(Ok((head, bytes))),
            Reading::Refused(refusal) => return Ok(Err((refusal, Asked::of(&bytes)))),
        }
    }
}

async fn read_body(peer: &mut impl Peer, head: &Head, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = bytes.split_off(head.taken);
    if head.expects_continue && body.len() < head.body {
        peer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    while body.len() < head.body {
        if read_some(peer, &mut body, head.body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    body.truncate(head.body);
    Ok(body)
}

/// Reads what there is, so that `bytes` holds at most `most`.
async fn read_some(peer: &mut impl Peer, bytes: &mut Vec<u8>, most: usize) -> io::Result<usize> {
    let room = most.saturating_sub(bytes.len()) as u64;
    (&mut *peer).take(room).read_buf(bytes).await
}

/// Carries the answer back until the server ends it, the peer goes, or either is idle for too long. An event stream
/// is never idle: it beats.
async fn bring_back(server: &mut UnixStream, peer: &mut impl Peer, idle: Duration) -> io::Result<()> {
    let mut answer = vec![0; 16 * 1024];
    let mut ignored = [0; 512];
    let (mut from_peer, mut to_peer) = tokio::io::split(peer);
    loop {
        tokio::select! {
            read = timeout(idle, server.read(&mut answer)) => match read?? {
                0 => return timeout(idle, to_peer.shutdown()).await?,
                n => timeout(idle, to_peer.write_all(&answer[..n])).await??,
            },
            // One request a connection: what else the peer sends is not looked at, but its going is.
            more = from_peer.read(&mut ignored) => if more? == 0 { return Ok(()) },
        }
    }
}

/// Answers instead of the server. What the peer still sends is read for a moment: closing on it would destroy the answer
/// on its way.
async fn turn_away(peer: &mut impl Peer, refusal: Refusal, asked: &Asked) -> io::Result<()> {
    const LINGER: Duration = Duration::from_secs(1);
    let Refusal { status, words } = refusal;
    let answer = match route::is_for_programs(&asked.path) {
        true => Answer::problem(status, words),
        false => Answer::page(status, super::page::error(status, words)).read_in(asked.language),
    };
    let answer =
        if status == 405 { answer.with("Allow", route::allowed(&asked.path).into()) } else { answer };
    timeout(LINGER, peer.write_all(&answer.bytes(false))).await??;
    peer.shutdown().await?;
    let mut rest = (&mut *peer).take(2 * WEB_BODY_BYTES as u64);
    let mut nowhere = tokio::io::sink();
    let _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut nowhere)).await;
    Ok(())
}

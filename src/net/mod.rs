//! The box on the network: SIP, and by [`http`] what it asks of other machines.
//!
//! SIP on the wire: one UDP socket, and a bounded table of TCP and TLS connections that come in or go out.
//!
//! [`Wire`] has one owner, the control loop. Every connection is a task of its own that hands whole messages over by one
//! bounded channel and takes messages by another; a peer that does not read, or speaks no SIP, loses its connection and
//! nobody else anything.

pub mod backoff;
pub mod certificate;
pub mod http;
pub mod listen;
pub mod mdns;
pub mod names;
mod order;
mod refused;
mod stream;
pub mod tls;

use crate::limits::{SIP_QUEUE, SIP_STREAM_QUEUE, SIP_STREAMS, SIP_STREAMS_FROM_ONE};
use crate::sip::{Hop, Transport};
use crate::units::AccountId;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use stream::{Fact, Link};
use tls::Trust;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
pub use tokio_rustls::TlsAcceptor;

/// How long a listener rests when the system gives no connection: it has run out of something.
const REST: Duration = Duration::from_millis(100);

/// Why a connection is gone that its peer has ended in good order.
pub const ENDED_BY_PEER: &str = "the peer ended the connection";

/// Sockets that are bound already, none of them blocking.
pub struct Sockets {
    /// Datagrams.
    pub udp: std::net::UdpSocket,
    /// Lets TCP connections in.
    pub tcp: Option<std::net::TcpListener>,
    /// Lets TLS connections in.
    pub tls: Option<(std::net::TcpListener, TlsAcceptor)>,
}

/// Something from the wire.
#[derive(Debug)]
pub enum Arrival {
    /// So many bytes from there are in the buffer.
    Datagram(SocketAddr, usize),
    /// A message from a connection.
    Message(Hop, Vec<u8>),
    /// A connection is gone or could not be made, and why, in plain words.
    Lost(Hop, String),
}

/// A connection as the table knows it.
struct Entry {
    number: u64,
    orders: mpsc::Sender<Vec<u8>>,
    task: AbortHandle,
    incoming: bool,
}

/// All of the box's SIP traffic.
pub struct Wire {
    udp: UdpSocket,
    /// Where connections of our own start from, so that peers that know us by our address do.
    own: IpAddr,
    streams: HashMap<Hop, Entry>,
    /// Whom we trust under which name: each TLS upstream and its addresses.
    trusted: Vec<(AccountId, Trust, Vec<SocketAddr>)>,
    acceptor: Option<TlsAcceptor>,
    facts: mpsc::Receiver<Fact>,
    tell: mpsc::Sender<Fact>,
    /// Found out while sending: told next.
    broken: VecDeque<(Hop, String)>,
    numbers: u64,
}

impl Wire {
    /// Starts to listen. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// If the runtime cannot watch a socket.
    pub fn new(sockets: Sockets) -> io::Result<Self> {
        let (tell, facts) = mpsc::channel(SIP_QUEUE);
        let udp = UdpSocket::from_std(sockets.udp)?;
        refused::want(&udp)?;
        if let Some(listener) = sockets.tcp {
            tokio::spawn(listen(TcpListener::from_std(listener)?, Transport::Tcp, tell.clone()));
        }
        let mut acceptor = None;
        if let Some((listener, tls)) = sockets.tls {
            tokio::spawn(listen(TcpListener::from_std(listener)?, Transport::Tls, tell.clone()));
            acceptor = Some(tls);
        }
        Ok(Self {
            own: udp.local_addr()?.ip(),
            udp,
            streams: HashMap::new(),
            trusted: Vec::new(),
            acceptor,
            facts,
            tell,
            broken: VecDeque::new(),
            numbers: 0,
        })
    }

    /// TLS connections to this account's peer are made under this trust, once [`Self::located`] says where it is.
    pub fn trust(&mut self, account: AccountId, trust: Trust) {
        self.trusted.push((account, trust, Vec::new()));
    }

    /// Where an account's peer is.
    pub fn located(&mut self, account: AccountId, hops: &[Hop]) {
        if let Some((.., known)) = self.trusted.iter_mut().find(|(id, ..)| *id == account) {
            *known = hops.iter().map(|hop| hop.addr).collect();
        }
    }

    /// Waits for the next thing. Nothing is lost if the wait is given up.
    pub async fn next(&mut self, bytes: &mut [u8]) -> Arrival {
        loop {
            if let Some((hop, why)) = self.broken.pop_front() {
                return Arrival::Lost(hop, why);
            }
            tokio::select! {
                received = self.udp.recv_from(bytes) => match received {
                    Ok((len, from)) => return Arrival::Datagram(canonical(from), len),
                    // What became of what was sent earlier shows up here.
                    Err(_) => self.refusals(),
                },
                Some(fact) = self.facts.recv() => {
                    if let Some(arrival) = self.take(fact) {
                        return arrival;
                    }
                }
            }
        }
    }

    /// The next thing if it is there already.
    pub fn try_next(&mut self, bytes: &mut [u8]) -> Option<Arrival> {
        if let Some((hop, why)) = self.broken.pop_front() {
            return Some(Arrival::Lost(hop, why));
        }
        match self.udp.try_recv_from(bytes) {
            Ok((len, from)) => return Some(Arrival::Datagram(canonical(from), len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.refusals(),
        }
        let fact = self.facts.try_recv().ok()?;
        self.take(fact)
    }

    fn take(&mut self, fact: Fact) -> Option<Arrival> {
        match fact {
            Fact::Accepted(transport, stream, from) => {
                self.accepted(Hop::new(transport, canonical(from)), stream);
                None
            }
            Fact::Message(hop, bytes) => Some(Arrival::Message(hop, bytes)),
            Fact::Ended(hop, number, why) => {
                // A connection that has taken its place since is another one.
                self.streams.get(&hop).filter(|entry| entry.number == number)?;
                self.streams.remove(&hop);
                Some(Arrival::Lost(hop, why))
            }
        }
    }

    fn accepted(&mut self, hop: Hop, stream: TcpStream) {
        let incoming = || self.streams.iter().filter(|(_, entry)| entry.incoming);
        let from_there = incoming().filter(|(other, _)| other.ip() == hop.ip()).count();
        // A quarter of the table is kept for connections of our own.
        if incoming().count() >= SIP_STREAMS * 3 / 4 || from_there >= SIP_STREAMS_FROM_ONE {
            return tracing::debug!(%hop, "a connection was not taken: there are too many");
        }
        let acceptor = self.acceptor.clone().filter(|_| hop.transport == Transport::Tls);
        let (link, entry) = self.link(hop, true);
        let task = tokio::spawn(stream::serve(stream, acceptor, link));
        self.enter(hop, entry, task.abort_handle());
    }

    /// Sends a message: as a datagram, or on the connection to there, which is made if there is none. UDP may lose it, and
    /// the transaction sends it again; of a connection that fails [`Arrival::Lost`] tells.
    pub fn send(&mut self, to: Hop, bytes: Vec<u8>) {
        if to.transport == Transport::Udp {
            let addr = if self.own.is_ipv6() { mapped(to.addr) } else { to.addr };
            if self.udp.try_send_to(&bytes, addr).is_err() {
                // The system reports here what became of an earlier datagram, perhaps to somebody else, and sends nothing.
                self.refusals();
                if let Err(error) = self.udp.try_send_to(&bytes, addr) {
                    tracing::debug!(%error, %to, "a SIP datagram could not be sent");
                }
            }
            return;
        }
        let bytes = match self.streams.get(&to).map(|entry| entry.orders.try_send(bytes.clone())) {
            Some(Ok(())) => return,
            Some(Err(mpsc::error::TrySendError::Full(_))) => {
                return self.drop_stream(to, "the peer does not read what it is sent");
            }
            // It has just ended.
            Some(Err(mpsc::error::TrySendError::Closed(bytes))) => bytes,
            None => bytes,
        };
        self.open(to, bytes);
    }

    fn open(&mut self, to: Hop, first: Vec<u8>) {
        if self.streams.len() >= SIP_STREAMS && !self.streams.contains_key(&to) {
            return self.broken.push_back((to, "there are too many connections".to_owned()));
        }
        let trust = match to.transport {
            Transport::Tls => match self.trust_for(to.addr) {
                Some(trust) => Some(trust),
                None => {
                    let why = "no trunk says whose certificate to expect there".to_owned();
                    return self.broken.push_back((to, why));
                }
            },
            _ => None,
        };
        let (link, entry) = self.link(to, false);
        if entry.0.try_send(first).is_err() {
            return;
        }
        let own = Some(self.own).filter(|own| !own.is_unspecified() && own.is_ipv4() == to.addr.is_ipv4());
        let task = tokio::spawn(stream::connect(own, trust, link));
        self.enter(to, entry, task.abort_handle());
    }

    /// Notes where datagrams were turned away, RFC 3261 §18.4: their transactions need not wait for silence.
    fn refusals(&mut self) {
        while let Ok(refused) = refused::next(&self.udp) {
            let Some(addr) = refused.map(canonical) else { continue };
            let hop = Hop::udp(addr);
            if !self.broken.iter().any(|(known, _)| *known == hop) {
                self.broken.push_back((hop, format!("nothing listens at {addr}")));
            }
        }
    }

    fn trust_for(&self, addr: SocketAddr) -> Option<Trust> {
        let by = |fits: &dyn Fn(&SocketAddr) -> bool| {
            self.trusted.iter().find(|(.., known)| known.iter().any(fits)).map(|(_, trust, _)| trust.clone())
        };
        by(&|known| *known == addr).or_else(|| by(&|known| known.ip() == addr.ip()))
    }

    fn link(&mut self, hop: Hop, incoming: bool) -> (Link, (mpsc::Sender<Vec<u8>>, bool)) {
        self.numbers += 1;
        let (orders, taken) = mpsc::channel(SIP_STREAM_QUEUE);
        let link = Link { hop, number: self.numbers, orders: taken, facts: self.tell.clone(), incoming };
        (link, (orders, incoming))
    }

    fn enter(&mut self, hop: Hop, (orders, incoming): (mpsc::Sender<Vec<u8>>, bool), task: AbortHandle) {
        let entry = Entry { number: self.numbers, orders, task, incoming };
        if let Some(before) = self.streams.insert(hop, entry) {
            before.task.abort();
        }
    }

    fn drop_stream(&mut self, hop: Hop, why: &str) {
        if let Some(entry) = self.streams.remove(&hop) {
            entry.task.abort();
            self.broken.push_back((hop, why.to_owned()));
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.streams.values().for_each(|entry| entry.task.abort());
    }
}

async fn listen(listener: TcpListener, transport: Transport, tell: mpsc::Sender<Fact>) {
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                if tell.send(Fact::Accepted(transport, stream, from)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "no SIP connection can be taken");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// An IPv4 peer as such, also where it came in through an IPv6 socket.
fn canonical(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

/// An address as an IPv6 socket wants it, RFC 4291 §2.5.5.2.
fn mapped(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), addr.port()),
        IpAddr::V6(_) => addr,
    }
}

//! Dialogs: whom a request within a call names and where it goes, RFC 3261 §12.

use super::hop::{Hop, Transport};
use super::message::{Method, Request, Response};
use super::value::{NameAddr, Uri};
use std::net::{IpAddr, SocketAddr};

/// Where the peer of a dialog is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// A provider or static peer: known by this address, and may name other hops of the same kind of network.
    Fixed(Hop),
    /// A registered phone, seen at this source address: everything goes back there, through its NAT.
    Seen(Hop),
}

impl Flow {
    /// The address itself.
    pub const fn addr(self) -> Hop {
        match self {
            Self::Fixed(addr) | Self::Seen(addr) => addr,
        }
    }
}

/// One end's view of a dialog, RFC 3261 §12.
#[derive(Clone, Debug)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Our identity with our tag.
    pub local: NameAddr,
    /// The peer's identity, with its tag once it is known.
    pub remote: NameAddr,
    /// CSeq number of our latest request.
    pub local_seq: u32,
    /// CSeq number of the peer's latest request.
    pub remote_seq: Option<u32>,
    /// The peer's Contact.
    pub target: Uri,
    /// Route set, nearest hop first.
    pub routes: Vec<NameAddr>,
    /// Where the peer is reached if the route set does not say.
    pub flow: Flow,
}

impl Dialog {
    /// The callee's view, RFC 3261 §12.1.1.
    pub fn of_request(request: &Request, tag: &str, flow: Flow) -> Self {
        let remote = request.from();
        Self {
            call_id: request.call_id().to_owned(),
            local: request.to().with_tag(tag),
            local_seq: 0,
            remote_seq: Some(request.cseq().0),
            target: request.contact().map_or_else(|| remote.uri.clone(), |contact| contact.uri),
            routes: request.record_route(),
            remote,
            flow,
        }
    }

    /// The caller's view of an INVITE or re-INVITE of ours: what `request` says.
    pub fn of_invite(request: &Request, flow: Flow) -> Self {
        Self {
            call_id: request.call_id().to_owned(),
            local: request.from(),
            remote: request.to(),
            local_seq: request.cseq().0,
            remote_seq: None,
            target: request.uri.clone(),
            routes: request.headers.addresses("Route"),
            flow,
        }
    }

    /// The caller's view completed by a response with a To tag, RFC 3261 §12.1.2.
    pub fn learn(&mut self, response: &Response) {
        // RFC 3261 §12.2.1.2: within a dialog the target may change, the route set never.
        if self.remote.tag().is_none() {
            self.routes = response.record_route();
            self.routes.reverse();
            // Other branches of a fork count for themselves.
            self.remote_seq = None;
        }
        self.remote = response.to();
        if let Some(contact) = response.contact() {
            self.target = contact.uri;
        }
    }

    /// Takes the CSeq number of a request from the peer. False if it is not higher than all before,
    /// RFC 3261 §12.2.2.
    pub fn advance(&mut self, seq: u32) -> bool {
        let fresh = self.remote_seq.is_none_or(|last| last < seq);
        if fresh {
            self.remote_seq = Some(seq);
        }
        fresh
    }

    /// The next request of ours, without Via and Contact.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_seq += 1;
        self.numbered(method, self.local_seq)
    }

    /// The ACK for the 2xx to our INVITE number `seq`, RFC 3261 §13.2.2.4.
    pub fn ack(&self, seq: u32) -> Request {
        self.numbered(Method::Ack, seq)
    }

    fn numbered(&self, method: Method, seq: u32) -> Request {
        // RFC 3261 §12.2.1.1: a strict router in front wants its own URI as Request-URI, and the target last.
        let strict = self.routes.first().filter(|route| route.uri.param("lr").is_none());
        let uri = strict.map_or(&self.target, |route| &route.uri).clone();
        let mut request = Request::new(method, uri, &self.local, &self.remote, &self.call_id, seq);
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            request.headers.push("Route", route.to_string());
        }
        if strict.is_some() {
            request.headers.push("Route", NameAddr::new(self.target.clone()).to_string());
        }
        request
    }

    /// Where the next request goes. This is the only place that decides it for requests within a dialog.
    ///
    /// RFC 3261 §8.1.2 says the first Route, else the remote target. A phone behind NAT writes an address there that
    /// only it can reach, so requests to phones always go to where it was last heard from. A provider's hop is
    /// believed if it is a literal address in the same kind of network as the provider's own: a name would have to be
    /// resolved, and a private address from a public provider leads nowhere. What began encrypted stays so, and the
    /// connection that there is serves for all of the same machine: a new one may not get through its NAT or ours.
    pub fn hop(&self) -> Hop {
        let Flow::Fixed(own) = self.flow else { return self.flow.addr() };
        let next = self.routes.first().map_or(&self.target, |route| &route.uri);
        let believed = |addr: &SocketAddr| addr.port() != 0 && reach(addr.ip()) == reach(own.ip());
        let Some(addr) = next.addr().filter(believed) else { return own };
        let transport = match (own.transport, next.transport()) {
            (Transport::Udp, Some(Transport::Tcp)) => Transport::Tcp,
            (own, _) => own,
        };
        let same = transport.is_reliable() && transport == own.transport && addr.ip() == own.ip();
        if same { own } else { Hop::new(transport, addr) }
    }
}

#[derive(PartialEq, Eq)]
enum Reach {
    Host,
    Home,
    World,
    Nowhere,
}

fn reach(ip: IpAddr) -> (Reach, bool) {
    let reach = match ip {
        _ if ip.is_unspecified() || ip.is_multicast() => Reach::Nowhere,
        _ if ip.is_loopback() => Reach::Host,
        IpAddr::V4(v4) if v4.is_broadcast() => Reach::Nowhere,
        IpAddr::V4(v4) if v4.is_private() || v4.is_link_local() => Reach::Home,
        // RFC 6598 §7: the addresses behind a carrier's NAT are private, too.
        IpAddr::V4(v4) if v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64 => Reach::Home,
        IpAddr::V6(v6) if v6.is_unique_local() || v6.is_unicast_link_local() => Reach::Home,
        _ => Reach::World,
    };
    (reach, ip.is_ipv4())
}

//! Asks each trunk for real whether it answers and whether it takes the password. From ports of its own and without a
//! Contact, so that a box that runs keeps its calls and its registration.

use super::{Answer, Trunk};
use crate::app::look_up::servers;
use crate::app::plan::{self, Family, Lookup};
use crate::clock;
use crate::config::{Config, TrunkPeer};
use crate::net::{Arrival, Sockets, Wire};
use crate::sip::auth::{self, Asked};
use crate::sip::message::{self, Message, Method, Request, Response};
use crate::sip::value::{NameAddr, Uri, Via};
use crate::sip::{Account, AccountKind, Hop, Side, Transport, Upstream};
use core::time::Duration;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a trunk may take to answer; and a connection, with its handshake, to come about as well.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_WITH_CONNECTION: Duration = Duration::from_secs(6);
/// A datagram is repeated after this long: UDP loses some.
const REPEAT: Duration = Duration::from_millis(500);
/// Most servers of one trunk that are tried.
const SERVERS: usize = 3;

/// What came of asking each trunk, a few seconds for each that is silent; nothing if this machine gives no means to ask.
pub fn trunks(config: &Config) -> Vec<Trunk> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let asked = runtime.block_on(each(config));
    // The name service may keep a question for half a minute: nobody waits for its answer any more.
    runtime.shutdown_background();
    asked
}

async fn each(config: &Config) -> Vec<Trunk> {
    let (accounts, lookups) = plan::accounts(config);
    let mut asked = Vec::new();
    for (trunk, account) in config.trunks.iter().zip(accounts.iter().filter(|a| a.side == Side::Trunk)) {
        let server = match &trunk.peer {
            TrunkPeer::Register { host, port, .. } => format!("{host}:{port}"),
            TrunkPeer::Static { addr } => addr.to_string(),
        };
        let lookup = lookups.iter().find(|lookup| lookup.account == account.id);
        let answer = match places(account, lookup, config.sip.listen.ip()).await {
            Ok(hops) => one(config, account, &hops).await,
            Err(answer) => answer,
        };
        asked.push(Trunk { name: trunk.name.clone(), server, answer });
    }
    asked
}

/// Where the trunk is, best first and never empty.
async fn places(account: &Account, lookup: Option<&Lookup>, own: IpAddr) -> Result<Vec<Hop>, Answer> {
    let Some(lookup) = lookup else {
        let hop = match &account.kind {
            AccountKind::RegisterAt(upstream) => upstream.addr,
            AccountKind::Static { addr } => *addr,
            AccountKind::RegistersHere { .. } | AccountKind::Paired { .. } => return Err(Answer::NotAsked),
        };
        return if Family::of(own).takes(hop.addr) { Ok(vec![hop]) } else { Err(Answer::OtherFamily) };
    };
    if lookup.srv {
        let (hops, _) = servers(lookup).await;
        let why = "the name service names no server for it";
        return if hops.is_empty() { Err(Answer::NoSuchHost(why.into())) } else { Ok(hops) };
    }
    let found = tokio::net::lookup_host((lookup.host.as_str(), lookup.port)).await;
    let found = found.map_err(|error| Answer::NoSuchHost(error.to_string()))?;
    let transport = lookup.transport.unwrap_or_default();
    let hops = found.filter(|addr| lookup.family.takes(*addr)).map(|addr| Hop::new(transport, addr));
    let hops: Vec<Hop> = hops.collect();
    if hops.is_empty() { Err(Answer::OtherFamily) } else { Ok(hops) }
}

/// The first server that says anything decides; else the last one's silence.
async fn one(config: &Config, account: &Account, hops: &[Hop]) -> Answer {
    let mut last = Answer::NotAsked;
    for hop in hops.iter().take(SERVERS) {
        let asked = match Line::open(config, account, *hop).await {
            Ok(mut line) => match &account.kind {
                AccountKind::RegisterAt(upstream) => line.password(upstream).await,
                _ => line.sign_of_life().await,
            },
            Err(answer) => Err(answer),
        };
        match asked {
            Ok(answer) => return answer,
            Err(answer) => last = answer,
        }
    }
    last
}

/// A way to one server.
struct Line {
    hop: Hop,
    own: SocketAddr,
    way: Way,
    /// Makes Call-ID, tags and branches differ from run to run.
    id: u64,
    seq: u32,
}

enum Way {
    /// Connected, so that the system tells of a closed port.
    Datagrams(UdpSocket),
    Stream(Box<Wire>),
}

impl Line {
    async fn open(config: &Config, account: &Account, hop: Hop) -> Result<Self, Answer> {
        let no_way = |error: std::io::Error| Answer::NoWay(hop.ip(), error.to_string());
        let listen = config.sip.listen.ip();
        // Every address of the other family than the server's would be mapped, and written so into the Via.
        let from = match (listen.is_unspecified(), hop.addr) {
            (true, SocketAddr::V4(_)) => IpAddr::from([0; 4]),
            (true, SocketAddr::V6(_)) => IpAddr::from([0; 16]),
            (false, _) => listen,
        };
        let (way, own) = if hop.transport == Transport::Udp {
            let socket = UdpSocket::bind((from, 0)).await.map_err(no_way)?;
            socket.connect(hop.addr).await.map_err(no_way)?;
            let own = socket.local_addr().map_err(no_way)?;
            (Way::Datagrams(socket), own)
        } else {
            let udp = std::net::UdpSocket::bind((from, 0)).map_err(no_way)?;
            udp.set_nonblocking(true).map_err(no_way)?;
            let own = udp.local_addr().map_err(no_way)?;
            let mut wire = Wire::new(Sockets { udp, tcp: None, tls: None }).map_err(no_way)?;
            let (trusts, wrong) = plan::trusts(config);
            if let Some(why) = wrong.into_iter().next().filter(|_| trusts.is_empty()) {
                return Err(Answer::NoConnection(hop.ip(), why));
            }
            trusts.into_iter().for_each(|(id, trust)| wire.trust(id, trust));
            wire.located(account.id, &[hop]);
            (Way::Stream(Box::new(wire)), own)
        };
        Ok(Self { hop, own, way, id: clock::wall().0, seq: 0 })
    }

    /// RFC 3261 §10.2.3: a REGISTER without Contact asks which bindings there are, is challenged as any other, and changes
    /// nothing.
    async fn password(&mut self, upstream: &Upstream) -> Result<Answer, Answer> {
        let ip = self.hop.ip();
        let own = NameAddr::new(Uri::sip(&upstream.user, &upstream.domain, None));
        let uri = Uri::sip("", &upstream.domain, None);
        let mut credentials: Option<(&str, String)> = None;
        // The second try may meet a nonce that is stale already; a third one is for a wrong password.
        for _ in 0..3 {
            let mut request = self.request(Method::Register, uri.clone(), &own, &own);
            if let Some((name, value)) = &credentials {
                request.headers.push(name, value.clone());
            }
            let response = self.exchange(&request).await?;
            let (asks, says) = match response.status {
                401 => ("WWW-Authenticate", "Authorization"),
                407 => ("Proxy-Authenticate", "Proxy-Authorization"),
                403 => return Ok(Answer::Forbidden(ip)),
                404 => return Ok(Answer::NoSuchUser(ip)),
                200..=299 if credentials.is_some() => return Ok(Answer::Accepted(ip)),
                status => return Ok(Answer::Status(status, ip)),
            };
            let challenges: Vec<&str> = response.headers.all(asks).collect();
            let stale =
                challenges.iter().any(|c| c.to_ascii_lowercase().replace(' ', "").contains("stale=true"));
            if credentials.is_some() && !stale {
                return Ok(Answer::WrongPassword(ip));
            }
            let (text, cnonce) = (uri.to_string(), format!("{:016x}", self.id));
            let asked = Asked::bare(&Method::Register, &text);
            let ours = upstream.realm.as_ref().map(|realm| auth::of_realm(&challenges, realm));
            let challenges =
                ours.as_ref().map_or(challenges, |ours| ours.iter().map(String::as_str).collect());
            let answer = auth::answer(&challenges, &upstream.auth_user, &upstream.secret, asked, 1, &cnonce);
            let Some(answer) = answer else { return Ok(Answer::UnknownChallenge(ip)) };
            credentials = Some((says, answer));
        }
        Ok(Answer::WrongPassword(ip))
    }

    /// OPTIONS, RFC 3261 §11: any answer will do.
    async fn sign_of_life(&mut self) -> Result<Answer, Answer> {
        let (to, own) = (Uri::at("", self.hop.addr).by(self.hop.transport), Uri::at("check", self.own));
        let mut request =
            self.request(Method::Options, to.clone(), &NameAddr::new(own.clone()), &NameAddr::new(to));
        request.headers.push("Contact", NameAddr::new(own).to_string());
        let response = self.exchange(&request).await?;
        Ok(Answer::Status(response.status, self.hop.ip()))
    }

    fn request(&mut self, method: Method, uri: Uri, from: &NameAddr, to: &NameAddr) -> Request {
        self.seq += 1;
        let (id, seq) = (self.id, self.seq);
        let from = from.clone().with_tag(&format!("check{id}"));
        let mut request = Request::new(method, uri, &from, to, &format!("check{id}"), seq);
        let via = Via::own(self.hop.transport, self.own, &format!("z9hG4bKcheck{id}x{seq}"));
        request.headers.push_front("Via", via.to_string());
        request
    }

    /// The final response to this request, or why there is none.
    async fn exchange(&mut self, request: &Request) -> Result<Response, Answer> {
        let (bytes, hop) = (request.emit(), self.hop);
        match &mut self.way {
            Way::Datagrams(socket) => by_datagrams(socket, hop.ip(), &bytes, request).await,
            Way::Stream(wire) => {
                wire.send(hop, bytes);
                let answered = timeout(PATIENCE_WITH_CONNECTION, by_stream(wire, hop, request)).await;
                answered.unwrap_or(Err(Answer::Silence(hop.ip())))
            }
        }
    }
}

async fn by_datagrams(
    socket: &UdpSocket,
    ip: IpAddr,
    bytes: &[u8],
    request: &Request,
) -> Result<Response, Answer> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::ConnectionRefused => Answer::Refused(ip),
        _ => Answer::NoWay(ip, error.to_string()),
    };
    let until = Instant::now() + PATIENCE;
    let mut buffer = [0; 4096];
    while Instant::now() < until {
        socket.send(bytes).await.map_err(failed)?;
        let again = until.min(Instant::now() + REPEAT);
        while let Ok(length) = timeout_at(again, socket.recv(&mut buffer)).await {
            let length = length.map_err(failed)?;
            if let Some(response) = final_response(buffer.get(..length).unwrap_or_default(), request) {
                return Ok(response);
            }
        }
    }
    Err(Answer::Silence(ip))
}

async fn by_stream(wire: &mut Wire, hop: Hop, request: &Request) -> Result<Response, Answer> {
    loop {
        match wire.next(&mut [0; 64]).await {
            Arrival::Message(_, bytes) => {
                if let Some(response) = final_response(&bytes, request) {
                    return Ok(response);
                }
            }
            Arrival::Lost(_, why) => return Err(Answer::NoConnection(hop.ip(), why)),
            Arrival::Datagram(..) => {}
        }
    }
}

fn final_response(bytes: &[u8], request: &Request) -> Option<Response> {
    let Ok(Message::Response(response)) = message::parse(bytes) else { return None };
    let ours = response.cseq() == request.cseq() && response.call_id() == request.call_id();
    (ours && response.status >= 200).then_some(response)
}

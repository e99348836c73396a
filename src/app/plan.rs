//! The checked configuration, cut into what each room needs.

use crate::call::{Peer, Plan};
use crate::clock;
use crate::config::{Config, PageTls, PhonePeer, TrunkPeer};
use crate::net::certificate::{Certificate, self_signed};
use crate::net::tls::Trust;
use crate::net::{TlsAcceptor, tls};
use crate::sip::{Account, AccountKind, Hop, Identity, Side, Transport, Upstream};
use crate::slay::Policy;
use crate::slay::talk::Limits;
use crate::store::{HISTORY_PAGE, Store};
use crate::trunk::number::Numbering;
use crate::trunk::{Dialling, Rules};
use crate::units::AccountId;
use crate::update::{Desk, Folder, Slots};
use crate::web::Updates;
use core::time::Duration;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Stands for a registrar whose name has not been resolved yet: nothing is sent there, and nobody calls from it.
pub(super) const UNRESOLVED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What takes updates, on a box that was made from an image, as `slots` says: the page's part and the control loop's.
pub(super) fn updates(
    slots: Option<&Path>,
    data: &Path,
    troubles: &mut Vec<String>,
) -> Option<(Updates, Desk)> {
    let folder = Folder::of(data);
    let open = |slots| -> Result<Option<(Updates, Desk)>, String> {
        let Some(slots) = Slots::read(slots)? else { return Ok(None) };
        let desk = folder.tidy().and_then(|()| Desk::new(folder.clone(), slots.clone()));
        let desk = desk.map_err(|error| error.to_string())?;
        Ok(Some((Updates { folder: folder.clone(), slots }, desk)))
    };
    open(slots?).unwrap_or_else(|why| {
        troubles.push(format!("updates are not taken: {why}"));
        None
    })
}

/// What encrypts the page, and the file of its certificate. A page that shall be encrypted and cannot is not served in the
/// clear.
pub(super) fn page_tls(
    config: &Config,
    data: &Path,
    ip: IpAddr,
) -> Result<Option<(TlsAcceptor, PathBuf)>, String> {
    let (cert, key) = match &config.web.tls {
        PageTls::Off => return Ok(None),
        PageTls::Files { cert, key } => (cert.clone(), key.clone()),
        PageTls::SelfSigned => {
            let local = Some(format!("{}.local", config.web.local_name)).filter(|name| name != ".local");
            // Without a network the one of before is good enough.
            let reached = Some(ip).filter(|ip| !ip.is_loopback()).map(|ip| ip.to_string());
            let own = [local, Some("localhost".to_owned()), reached].into_iter().flatten();
            // A clock that was never set makes none that is over for everybody else.
            let now = clock::wall().max(clock::WRITTEN);
            self_signed(data, config.web.names.iter().cloned().chain(own).collect(), now)?
        }
    };
    tls::acceptor(&cert, &key).map(|acceptor| Some((acceptor, cert)))
}

/// Those that are shown to browsers, and to phones where they are served by TLS, to be told of before their time is over; and
/// what is wrong with one already.
pub(super) fn certificates(
    config: &Config,
    page: Option<&Path>,
    phones: bool,
) -> (Vec<Certificate>, Vec<String>) {
    let own = config.web.tls == PageTls::SelfSigned;
    let page = page.map(|file| ("page", file, own));
    let phones =
        config.sip.tls.as_ref().filter(|_| phones).map(|tls| ("SIP over TLS", tls.cert.as_path(), false));
    let (mut good, mut troubles) = (Vec::new(), Vec::new());
    for (about, file, own) in page.into_iter().chain(phones) {
        match Certificate::look(about, file, own, clock::wall()) {
            Ok(certificate) => good.push(certificate),
            Err(why) => troubles.push(format!("{about}: {why}")),
        }
    }
    (good, troubles)
}

/// A registrar whose address the name service must tell.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) account: AccountId,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) transport: Option<Transport>,
    /// The name stands for servers, not for an address alone.
    pub(crate) srv: bool,
    pub(crate) family: Family,
}

/// The kind of address that our socket reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
    Both,
}

impl Family {
    /// What a socket bound to `listen` reaches: one bound to every IPv6 address takes IPv4 as well.
    pub(crate) fn of(listen: IpAddr) -> Self {
        match listen {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(ip) if ip.is_unspecified() => Self::Both,
            IpAddr::V6(_) => Self::V6,
        }
    }

    pub(crate) fn takes(self, addr: SocketAddr) -> bool {
        self == Self::Both || (self == Self::V4) == addr.is_ipv4()
    }
}

/// Upstreams and static peers on the trunk side that need no name service.
pub(super) fn fixed(accounts: &[Account]) -> Vec<(AccountId, Hop)> {
    let hop = |account: &Account| match &account.kind {
        AccountKind::RegisterAt(upstream) => Some(upstream.addr).filter(|hop| hop.port() != 0),
        AccountKind::Static { addr } => Some(*addr),
        AccountKind::RegistersHere { .. } | AccountKind::Paired { .. } => None,
    };
    let trunks = accounts.iter().filter(|account| account.side == Side::Trunk);
    trunks.filter_map(|account| Some((account.id, hop(account)?))).collect()
}

/// Whom each TLS trunk trusts under which name; and what cannot be used.
pub(crate) fn trusts(config: &Config) -> (Vec<(AccountId, Trust)>, Vec<String>) {
    let (mut trusts, mut wrong) = (Vec::new(), Vec::new());
    for (id, trunk) in (0_u8..).zip(&config.trunks) {
        let tls =
            trunk.way.transport == Some(Transport::Tls) || (trunk.way.srv && trunk.way.transport.is_none());
        // Reading the system's authorities takes a third of the time of a start.
        if !tls {
            continue;
        }
        let host = match &trunk.peer {
            TrunkPeer::Register { host, .. } => host.clone(),
            TrunkPeer::Static { addr } => addr.ip().to_string(),
        };
        match Trust::new(&host, trunk.way.ca.as_deref()) {
            Ok(trust) => trusts.push((AccountId(id), trust)),
            Err(why) => wrong.push(format!("TLS to the trunk {} cannot be had: {why}", trunk.name)),
        }
    }
    (trusts, wrong)
}

/// Trunks and phones in the order of the file: trunks first.
pub(crate) fn accounts(config: &Config) -> (Vec<Account>, Vec<Lookup>) {
    let mut accounts = Vec::new();
    let mut lookups = Vec::new();
    let family = Family::of(config.sip.listen.ip());
    let id = |n: usize| AccountId(u8::try_from(n).unwrap_or(u8::MAX));
    for trunk in &config.trunks {
        let id = id(accounts.len());
        let transport = trunk.way.transport.unwrap_or_default();
        let kind = match &trunk.peer {
            TrunkPeer::Static { addr } => AccountKind::Static { addr: Hop::new(transport, *addr) },
            TrunkPeer::Register { host, port, user, auth_user, secret, domain, realm, expires } => {
                let literal = host.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, *port));
                if literal.is_err() {
                    let (host, port) = (host.clone(), *port);
                    let (transport, srv) = (trunk.way.transport, trunk.way.srv);
                    lookups.push(Lookup { account: id, host, port, transport, srv, family });
                }
                AccountKind::RegisterAt(Upstream {
                    addr: Hop::new(transport, literal.unwrap_or(UNRESOLVED)),
                    domain: domain.clone(),
                    user: user.clone(),
                    auth_user: auth_user.clone(),
                    secret: secret.expose().into(),
                    realm: realm.clone(),
                    expires: *expires,
                })
            }
        };
        accounts.push(Account {
            id,
            side: Side::Trunk,
            kind,
            identity: trunk.identity.clone(),
            srtp: trunk.srtp,
        });
    }
    for phone in &config.phones {
        let kind = match &phone.peer {
            PhonePeer::Static { addr } => AccountKind::Static { addr: Hop::udp(*addr) },
            PhonePeer::Register { user, secret } => {
                AccountKind::RegistersHere { user: user.clone(), secret: secret.expose().into() }
            }
        };
        let id = id(accounts.len());
        let (identity, srtp) = (Identity::default(), phone.srtp);
        accounts.push(Account { id, side: Side::Phone, kind, identity, srtp });
    }
    (accounts, lookups)
}

/// What the switchboard knows beforehand.
pub(super) fn plan(config: &Config, accounts: &[Account], media_ip: IpAddr, rtp_ports: Vec<u16>) -> Plan {
    let names =
        config.trunks.iter().map(|t| (&t.name, t.channels, t.rules.clone(), Duration::ZERO, false, false));
    let names = names.chain(
        config.phones.iter().map(|p| (&p.name, u16::MAX, Rules::default(), p.rings, p.wideband, p.listens)),
    );
    let own = |name: &String| config.handset.as_ref().is_some_and(|handset| handset.name == *name);
    let peers =
        accounts.iter().zip(names).map(|(account, (name, channels, rules, rings, wideband, listens))| Peer {
            rings,
            listens,
            own: account.side == Side::Phone && own(name),
            id: account.id,
            side: account.side,
            name: name.clone(),
            channels: usize::from(channels),
            is_static: matches!(account.kind, AccountKind::Static { .. }),
            rules,
            wideband,
        });
    Plan {
        peers: peers.collect(),
        media_ip,
        rtp_ports,
        emergency: config.line.emergency.clone(),
        codes: config.codes.clone(),
        order: config.line.order,
        hold: Policy {
            cap: config.hold.cap,
            ring_for: config.hold.ring,
            ring_again: config.hold.ring_again,
            greet: config.hold.greet,
            unanswered: config.hold.unanswered,
            call_back: config.hold.call_back,
            still_there: config.hold.still_there,
            voicemail: config.hold.voicemail,
        },
        dialling: Dialling {
            numbering: Numbering::of(config.line.country.code()),
            rewrite: config.line.rewrite.clone(),
            private: config.line.private,
            allowed: config.guard.allowed.clone(),
        },
        longest: config.guard.longest,
        recording: config.record.plan,
        transcript: config.words.transcript,
        speech: None,
        announce: config.speech.announce,
        replay: config.hold.replay,
        language: config.words.language,
        max_holds: usize::from(config.hold.calls),
        redial: config.hold.redial,
        also_ring: config.hold.also_ring.clone(),
        also_after: config.hold.also_after,
        waits: crate::call::Waits::default(),
        learn: config.menu.learn,
        explore: config.menu.explore,
        adviser: config.assistant.is_some(),
        assisted: assisted(config),
        speed: config.menu.speed.clone(),
        extension: config.menu.extension.clone(),
    }
}

/// How far the language model may lead calls. Whether words are understood and texts spoken is not known yet.
fn assisted(config: &Config) -> Result<Limits, String> {
    config.assisted.ok_or_else(|| {
        "the language model may lead no calls: name one under [assistant], and write calls = true there (Settings, Language model)"
            .to_owned()
    })
}

/// How to find the address that peers reach the box at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    /// By configuration.
    fixed: Option<IpAddr>,
    /// Where it shall be reached from.
    far: SocketAddr,
    /// The same in the other family, for a socket that takes both.
    other: Option<SocketAddr>,
}

/// TEST-NET-1, RFC 5737, and the prefix of RFC 3849: only the routing table is asked.
const FAR: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 5060),
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 5060),
];

impl Address {
    /// Towards the first registrar whose address is known.
    pub(super) fn new(config: &Config, accounts: &[Account]) -> Self {
        let listen = config.sip.listen.ip();
        let upstream = accounts.iter().find_map(|account| match &account.kind {
            AccountKind::RegisterAt(upstream) if upstream.addr.addr != UNRESOLVED => Some(upstream.addr.addr),
            _ => None,
        });
        let [v4, v6] = FAR;
        let far = upstream.unwrap_or(v4);
        Self {
            fixed: config.sip.advertise.or((!listen.is_unspecified()).then_some(listen)),
            far,
            other: (Family::of(listen) == Family::Both).then_some(if far.is_ipv4() { v6 } else { v4 }),
        }
    }

    /// The address at this moment; for a socket bound to every address, the one the system would send from (no packet is
    /// sent to find out), or any where nothing leads further than the house. `None` while there is no network.
    pub(super) fn find(&self) -> Option<IpAddr> {
        self.fixed.or_else(|| towards(self.far)).or_else(|| at_home(self.far.is_ipv4()))
    }

    /// The address of the other family than [`Self::find`] gives, where the box listens on both and has one.
    pub(super) fn find_other(&self) -> Option<IpAddr> {
        let fixed = self.fixed.map(|ip| if ip.is_ipv4() { FAR[1] } else { FAR[0] });
        self.other.map(|other| fixed.unwrap_or(other)).and_then(towards)
    }
}

/// The address that the system would send from.
fn towards(far: SocketAddr) -> Option<IpAddr> {
    let any = match far {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect(far).ok()?;
    socket.local_addr().ok().map(|addr| addr.ip())
}

/// An address of a network that is plugged in; one that the machine gave itself (RFC 3927) only if there is no other.
fn at_home(v4: bool) -> Option<IpAddr> {
    let plugged = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    let all = getifaddrs()
        .ok()?
        .filter(|one| one.flags.contains(plugged) && !one.flags.contains(InterfaceFlags::IFF_LOOPBACK));
    let (own, others): (Vec<IpAddr>, Vec<IpAddr>) = all
        .filter_map(|one| {
            let address = one.address?;
            match v4 {
                true => Some(IpAddr::V4(address.as_sockaddr_in()?.ip())),
                false => Some(IpAddr::V6(address.as_sockaddr_in6()?.ip())),
            }
        })
        // Those of IPv6 lead nowhere without the name of their network.
        .filter(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()))
        .partition(|ip| matches!(ip, IpAddr::V4(ip) if ip.is_link_local()));
    others.into_iter().chain(own).next()
}

/// Pages of the history that are looked through for waits at the start.
const HISTORY_PAGES: usize = 10;

/// How long one waited at each number, by the last calls.
pub(super) fn note_waits(plan: &mut Plan, store: &Store) {
    let mut pages = Vec::new();
    let mut before = None;
    while pages.len() < HISTORY_PAGES {
        let page = store.history(before, HISTORY_PAGE).unwrap_or_default();
        before = page.last().map(|oldest| oldest.id);
        let whole = page.len() == HISTORY_PAGE;
        pages.push(page);
        if !whole {
            break;
        }
    }
    pages.iter().flatten().rev().for_each(|record| plan.note_wait(record));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_trunk_is_looked_for_as_its_way_says() {
        let trunk =
            |n: u8, more: &str| format!("[[trunk]]\nname = \"t{n}\"\nuser = \"u\"\nsecret = \"s\"\n{more}\n");
        let text = [
            trunk(0, "server = \"a.example\""),
            trunk(1, "server = \"b.example\"\nsrv = true"),
            trunk(2, "server = \"c.example\"\nsrv = true\ntransport = \"tcp\""),
            trunk(3, "server = \"d.example\"\ntransport = \"tls\""),
            trunk(4, "server = \"[2001:db8::1]\"\ntransport = \"tcp\""),
        ];
        let open = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let config = crate::config::parse(&text.concat(), "t.toml", &open).unwrap();
        let (accounts, lookups) = accounts(&config);
        let asked: Vec<_> = lookups.iter().map(|l| (l.account.0, l.srv, l.transport, l.port)).collect();
        let (tcp, tls) = (Some(Transport::Tcp), Some(Transport::Tls));
        let wanted =
            [(0, false, None, 5060), (1, true, None, 5060), (2, true, tcp, 5060), (3, false, tls, 5061)];
        assert_eq!(asked, wanted);
        let known = Hop::new(Transport::Tcp, "[2001:db8::1]:5060".parse().unwrap());
        assert_eq!(fixed(&accounts), [(AccountId(4), known)]);
    }

    #[test]
    fn addresses_are_taken_that_the_socket_reaches() {
        let (v4, v6) = ("192.0.2.1:5060".parse().unwrap(), "[2001:db8::1]:5060".parse().unwrap());
        for (listen, both) in
            [("0.0.0.0", [true, false]), ("2001:db8::9", [false, true]), ("::", [true, true])]
        {
            let family = Family::of(listen.parse().unwrap());
            assert_eq!([family.takes(v4), family.takes(v6)], both, "{listen}");
        }
    }
}

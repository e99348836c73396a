//! The checked configuration, cut into what each room needs.

use crate::call::{Peer, Plan};
use crate::config::{Config, PhonePeer, TrunkPeer};
use crate::phone::dial::Codes;
use crate::sip::{Account, AccountKind, Identity, Side, Upstream};
use crate::slay::Policy;
use crate::trunk::number::Numbering;
use crate::trunk::{Dialling, Rules};
use crate::units::AccountId;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Stands for a registrar whose name has not been resolved yet: nothing is sent there, and nobody calls from it.
pub(super) const UNRESOLVED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// A registrar whose address the name service must tell.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) account: AccountId,
    pub(super) host: String,
    pub(super) port: u16,
}

/// Trunks and phones in the order of the file: trunks first.
pub(super) fn accounts(config: &Config) -> (Vec<Account>, Vec<Lookup>) {
    let mut accounts = Vec::new();
    let mut lookups = Vec::new();
    let id = |n: usize| AccountId(u8::try_from(n).unwrap_or(u8::MAX));
    for trunk in &config.trunks {
        let id = id(accounts.len());
        let kind = match &trunk.peer {
            TrunkPeer::Static { addr } => AccountKind::Static { addr: *addr },
            TrunkPeer::Register { host, port, user, auth_user, secret, domain, expires } => {
                let literal = host.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, *port));
                if literal.is_err() {
                    lookups.push(Lookup { account: id, host: host.clone(), port: *port });
                }
                AccountKind::RegisterAt(Upstream {
                    addr: literal.unwrap_or(UNRESOLVED),
                    domain: domain.clone(),
                    user: user.clone(),
                    auth_user: auth_user.clone(),
                    secret: secret.expose().into(),
                    expires: *expires,
                })
            }
        };
        accounts.push(Account { id, side: Side::Trunk, kind, identity: trunk.identity.clone() });
    }
    for phone in &config.phones {
        let kind = match &phone.peer {
            PhonePeer::Static { addr } => AccountKind::Static { addr: *addr },
            PhonePeer::Register { user, secret } => {
                AccountKind::RegistersHere { user: user.clone(), secret: secret.expose().into() }
            }
        };
        let id = id(accounts.len());
        accounts.push(Account { id, side: Side::Phone, kind, identity: Identity::default() });
    }
    (accounts, lookups)
}

/// What the switchboard knows beforehand.
pub(super) fn plan(config: &Config, accounts: &[Account], media_ip: IpAddr, rtp_ports: Vec<u16>) -> Plan {
    let names = config.trunks.iter().map(|t| (&t.name, t.channels, t.rules.clone()));
    let names = names.chain(config.phones.iter().map(|p| (&p.name, u16::MAX, Rules::default())));
    let peers = accounts.iter().zip(names).map(|(account, (name, channels, rules))| Peer {
        id: account.id,
        side: account.side,
        name: name.clone(),
        channels: usize::from(channels),
        is_static: matches!(account.kind, AccountKind::Static { .. }),
        rules,
    });
    Plan {
        peers: peers.collect(),
        media_ip,
        rtp_ports,
        emergency: config.line.emergency.clone(),
        codes: Codes {
            hold: config.codes.hold.clone(),
            rejoin: config.codes.rejoin.clone(),
            status: config.codes.status.clone(),
            cancel: config.codes.cancel.clone(),
            gesture: config.codes.gesture.clone(),
            withhold: config.codes.withhold.clone(),
        },
        hold: Policy {
            cap: config.hold.cap,
            ring_for: config.hold.ring,
            ring_again: config.hold.ring_again,
            greet: config.hold.greet,
        },
        dialling: Dialling {
            numbering: Numbering::of(config.line.country.code()),
            rewrite: config.line.rewrite.clone(),
            private: config.line.private,
            allowed: config.guard.allowed.clone(),
        },
        longest: config.guard.longest,
        max_holds: usize::from(config.hold.calls),
    }
}

/// How to find the address that peers reach the box at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    /// By configuration.
    fixed: Option<IpAddr>,
    /// Where it shall be reached from.
    far: SocketAddr,
}

impl Address {
    /// Towards the first registrar whose address is known.
    pub(super) fn new(config: &Config, accounts: &[Account]) -> Self {
        let listen = config.sip.listen.ip();
        let upstream = accounts.iter().find_map(|account| match &account.kind {
            AccountKind::RegisterAt(upstream) if upstream.addr != UNRESOLVED => Some(upstream.addr),
            _ => None,
        });
        Self {
            fixed: config.sip.advertise.or((!listen.is_unspecified()).then_some(listen)),
            // TEST-NET-1, RFC 5737: only the routing table is asked.
            far: upstream.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 5060)),
        }
    }

    /// The address at this moment; for a socket bound to every address, the one the system would send from (no packet is
    /// sent to find out). `None` while there is no network.
    pub(super) fn find(&self) -> Option<IpAddr> {
        if self.fixed.is_some() {
            return self.fixed;
        }
        let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect(self.far).ok()?;
        socket.local_addr().ok().map(|addr| addr.ip())
    }
}

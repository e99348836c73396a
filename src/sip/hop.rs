//! Where a message goes or came from: an address and the transport that leads there, RFC 3261 §18.

use core::fmt;
use std::net::{IpAddr, SocketAddr};

/// How messages travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    #[default]
    Udp,
    /// A stream.
    Tcp,
    /// An encrypted stream whose server has proved its name.
    Tls,
}

impl Transport {
    /// As Via writes it, RFC 3261 §20.42.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// The value of the URI parameter that asks for it, RFC 3261 §19.1.1; UDP needs none.
    pub const fn param(self) -> Option<&'static str> {
        match self {
            Self::Udp => None,
            Self::Tcp => Some("tcp"),
            Self::Tls => Some("tls"),
        }
    }

    /// Nothing that was sent has to be sent again, RFC 3261 §17.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// The port where it is found if none is written, RFC 3261 §19.1.2.
    pub const fn port(self) -> u16 {
        if matches!(self, Self::Tls) { 5061 } else { 5060 }
    }
}

/// A neighbour: one UDP address, or one connection by the address of its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// How messages get there.
    pub transport: Transport,
    /// Its address.
    pub addr: SocketAddr,
}

impl Hop {
    /// This address by this transport.
    pub const fn new(transport: Transport, addr: SocketAddr) -> Self {
        Self { transport, addr }
    }

    /// This address by UDP.
    pub const fn udp(addr: SocketAddr) -> Self {
        Self::new(Transport::Udp, addr)
    }

    /// Its IP address.
    pub const fn ip(self) -> IpAddr {
        self.addr.ip()
    }

    /// Its port.
    pub const fn port(self) -> u16 {
        self.addr.port()
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.transport.name(), self.addr)
    }
}

//! Where the box listens when it cannot where it shall: a telephone on another address or port is better than none.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket that listens.
#[derive(Debug)]
pub struct Bound<S> {
    /// The socket.
    pub socket: S,
    /// Where it listens.
    pub at: SocketAddr,
    /// Why that is not where it should.
    pub why: Option<String>,
}

/// Listens at `wanted`. If this machine has no such address, at all of its kind; if the port is not for the box's user, at
/// `port`.
///
/// # Errors
/// The port is in use, or the system gives no socket.
pub fn listen<S>(
    wanted: SocketAddr,
    port: u16,
    bind: impl Fn(SocketAddr) -> io::Result<S>,
) -> io::Result<Bound<S>> {
    let (mut at, mut why) = (wanted, None);
    loop {
        match bind(at) {
            Ok(socket) => return Ok(Bound { socket, at, why }),
            Err(error) => {
                let Some(other) = instead(at, error.kind(), port).filter(|other| *other != at) else {
                    return Err(error);
                };
                why = why.or_else(|| why_not(at, error.kind()));
                at = other;
            }
        }
    }
}

fn instead(at: SocketAddr, kind: ErrorKind, port: u16) -> Option<SocketAddr> {
    match kind {
        ErrorKind::AddrNotAvailable if at.is_ipv4() => Some((Ipv4Addr::UNSPECIFIED, at.port()).into()),
        ErrorKind::AddrNotAvailable => Some((Ipv6Addr::UNSPECIFIED, at.port()).into()),
        ErrorKind::PermissionDenied => Some((at.ip(), port).into()),
        _ => None,
    }
}

/// Why nobody here can listen at `at`, where that is the reason.
pub fn why_not(at: SocketAddr, kind: ErrorKind) -> Option<String> {
    let all = if at.is_ipv4() { "0.0.0.0" } else { "[::]" };
    match kind {
        ErrorKind::AddrNotAvailable => {
            Some(format!("{} is not an address of this machine; {all} stands for all that it has", at.ip()))
        }
        ErrorKind::PermissionDenied => {
            Some(format!("port {} is the system's; take one from 1024 up", at.port()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::UdpSocket;

    /// TEST-NET-2, RFC 5737: nobody's.
    const NOBODYS: [u8; 4] = [198, 51, 100, 7];

    #[test]
    fn what_cannot_be_had_is_replaced_and_told() {
        let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let bound = listen(free, 5060, UdpSocket::bind).unwrap();
        assert_eq!((bound.at, bound.why), (free, None));
        let foreign = SocketAddr::from((NOBODYS, free.port()));
        drop(bound.socket);
        let bound = listen(foreign, 5060, UdpSocket::bind).unwrap();
        assert_eq!(bound.at, SocketAddr::from((Ipv4Addr::UNSPECIFIED, free.port())));
        assert!(bound.why.unwrap().contains("198.51.100.7 is not an address of this machine; 0.0.0.0"));
        // A port in use is told by who asks for it.
        assert_eq!(listen(bound.at, 5060, UdpSocket::bind).unwrap_err().kind(), ErrorKind::AddrInUse);
    }

    #[test]
    fn a_port_of_the_systems_gives_way_to_a_free_one_on_the_same_address() {
        let bind = |at: SocketAddr| {
            if at.port() < 1024 { Err(io::Error::from(ErrorKind::PermissionDenied)) } else { Ok(at) }
        };
        let bound = listen("127.0.0.1:80".parse().unwrap(), 8080, bind).unwrap();
        assert_eq!(bound.socket, "127.0.0.1:8080".parse().unwrap());
        let refused = listen("127.0.0.1:80".parse().unwrap(), 80, bind);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
}

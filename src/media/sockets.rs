//! The UDP sockets of the table, one for each port, opened at start.

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

/// RFC 4594 §4.1: telephony is expedited forwarding, code point 46.
const EXPEDITED: i32 = 46 << 2;
/// Room for a dozen reports.
const REPORT_SOCKET_BYTES: usize = 8 * 1024;
/// How often the operating system is asked for another port if the one beside it is taken.
const TRIES: usize = 64;
/// Room in each socket for 250 ms of packets; the kernel's default would be four times that.
const SOCKET_BYTES: usize = 48 * 1024;

/// Which UDP ports to use for RTP. They are even; the odd ones beside them are for RTCP, RFC 3550 §11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdpPorts {
    /// This one, the next but one and so on; one in use is an error.
    From(u16),
    /// From this one on, leaving out those in use.
    Search(u16),
    /// Whatever the operating system gives, even or not.
    Any,
}

impl UdpPorts {
    /// So many of them, where they are known before they are open.
    pub fn beforehand(self, count: u16) -> Option<Vec<u16>> {
        match self {
            Self::From(first) => Some((first..=u16::MAX).step_by(2).take(usize::from(count)).collect()),
            Self::Search(_) | Self::Any => None,
        }
    }
}

/// The two sockets of a port.
pub(super) struct Pair {
    pub(super) rtp: UdpSocket,
    pub(super) rtcp: UdpSocket,
}

/// Opens so many. An error names the port that could not be had.
pub(super) fn open(ip: IpAddr, ports: UdpPorts, count: u16) -> io::Result<Box<[Pair]>> {
    let mut next = match ports {
        UdpPorts::From(first) | UdpPorts::Search(first) => Some(first),
        UdpPorts::Any => None,
    };
    let mut sockets = Vec::with_capacity(usize::from(count));
    while sockets.len() < usize::from(count) {
        let pair = match next {
            Some(port) => pair(ip, port),
            None => any_pair(ip),
        };
        match pair {
            Ok(pair) => sockets.push(pair),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && matches!(ports, UdpPorts::Search(_)) => {}
            Err(e) => return Err(e),
        }
        if let Some(port) = &mut next {
            let had = sockets.len();
            *port = port.checked_add(2).ok_or_else(|| {
                let what = format!("only {had} of {} RTP ports are free up to 65535", count);
                io::Error::new(io::ErrorKind::AddrInUse, what)
            })?;
        }
    }
    Ok(sockets.into_boxed_slice())
}

fn pair(ip: IpAddr, port: u16) -> io::Result<Pair> {
    let rtp = open_one(SocketAddr::new(ip, port), SOCKET_BYTES)?;
    let port = if port == 0 { rtp.local_addr()?.port() } else { port };
    let beside = port.checked_add(1).ok_or(io::ErrorKind::AddrInUse)?;
    Ok(Pair { rtcp: open_one(SocketAddr::new(ip, beside), REPORT_SOCKET_BYTES)?, rtp })
}

fn any_pair(ip: IpAddr) -> io::Result<Pair> {
    let taken = |pair: &io::Result<Pair>| pair.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::AddrInUse);
    let mut tries = core::iter::repeat_with(|| pair(ip, 0)).take(TRIES).filter(|pair| !taken(pair));
    tries.next().unwrap_or_else(|| Err(io::ErrorKind::AddrInUse.into()))
}

/// There may be thousands: no system call but those that each needs.
fn open_one(at: SocketAddr, room: usize) -> io::Result<UdpSocket> {
    let family = if at.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, SockType::Datagram, flags, None)?;
    setsockopt(&socket, sockopt::RcvBuf, &room)?;
    setsockopt(&socket, sockopt::Ipv4Tos, &EXPEDITED)?;
    // A socket of IPv6 has both marks: what it sends to IPv4 peers bears that of IPv4.
    if at.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6TClass, &EXPEDITED)?;
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(at)).map_err(|e| {
        let e = io::Error::from(e);
        io::Error::new(e.kind(), format!("RTP port {at}: {e}"))
    })?;
    Ok(socket.into())
}

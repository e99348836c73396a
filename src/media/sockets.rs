//! The UDP sockets of the table, one for each port, opened at start.

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, setsockopt, socket, sockopt,
};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

/// RFC 4594 §4.1: telephony is expedited forwarding, code point 46.
const EXPEDITED: i32 = 46 << 2;
/// Room in each socket for 250 ms of packets; the kernel's default would be four times that.
const SOCKET_BYTES: usize = 48 * 1024;

/// Which UDP ports to use for RTP. They are even; the odd ones beside them stay free for RTCP, RFC 3550 §11.
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

/// Opens so many. An error names the port that could not be had.
pub(super) fn open(ip: IpAddr, ports: UdpPorts, count: u16) -> io::Result<Box<[UdpSocket]>> {
    let mut next = match ports {
        UdpPorts::From(first) | UdpPorts::Search(first) => Some(first),
        UdpPorts::Any => None,
    };
    let mut sockets = Vec::with_capacity(usize::from(count));
    while sockets.len() < usize::from(count) {
        let port = next.unwrap_or(0);
        match bound(SocketAddr::new(ip, port)) {
            Ok(socket) => sockets.push(socket),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && matches!(ports, UdpPorts::Search(_)) => {}
            Err(e) => {
                let what = format!("RTP port {}: {e}", SocketAddr::new(ip, port));
                return Err(io::Error::new(e.kind(), what));
            }
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

/// There may be thousands: no system call but those that each needs.
fn bound(at: SocketAddr) -> io::Result<UdpSocket> {
    let family = if at.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(family, SockType::Datagram, flags, None)?;
    setsockopt(&socket, sockopt::RcvBuf, &SOCKET_BYTES)?;
    match at {
        SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4Tos, &EXPEDITED)?,
        SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6TClass, &EXPEDITED)?,
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(at))?;
    Ok(socket.into())
}

//! The UDP sockets of the table, one for each port, opened at start.

use nix::sys::socket::{setsockopt, sockopt};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

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

/// Opens so many. An error names the port that could not be had.
pub(super) fn open(bind: IpAddr, ports: UdpPorts, count: u16) -> io::Result<Box<[UdpSocket]>> {
    let mut next = match ports {
        UdpPorts::From(first) | UdpPorts::Search(first) => Some(first),
        UdpPorts::Any => None,
    };
    let mut sockets = Vec::with_capacity(usize::from(count));
    while sockets.len() < usize::from(count) {
        let port = next.unwrap_or(0);
        match UdpSocket::bind((bind, port)) {
            Ok(socket) => sockets.push(prepared(socket)?),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && matches!(ports, UdpPorts::Search(_)) => {}
            Err(e) => {
                let what = format!("RTP port {}: {e}", SocketAddr::new(bind, port));
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

fn prepared(socket: UdpSocket) -> io::Result<UdpSocket> {
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::RcvBuf, &SOCKET_BYTES)?;
    match socket.local_addr()? {
        SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4Tos, &EXPEDITED)?,
        SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6TClass, &EXPEDITED)?,
    }
    Ok(socket)
}

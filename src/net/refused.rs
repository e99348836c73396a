//! Which datagrams were turned away: what ICMP says of them, by the socket's error queue.

use nix::cmsg_space;
use nix::libc::{self, sock_extended_err};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt,
    sockopt::{Ipv4RecvErr, Ipv6RecvErr},
};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use tokio::net::UdpSocket;

/// Asks the system to keep what ICMP says.
///
/// # Errors
/// It does not know how.
pub(super) fn want(udp: &UdpSocket) -> io::Result<()> {
    // A socket of IPv6 may carry datagrams of IPv4, too.
    if udp.local_addr()?.is_ipv6() {
        setsockopt(udp, Ipv6RecvErr, &true)?;
    }
    Ok(setsockopt(udp, Ipv4RecvErr, &true)?)
}

/// The next datagram that came to grief: where it should have gone, if nothing listens there.
///
/// # Errors
/// `WouldBlock`: there is none. Else the socket is unusable.
pub(super) fn next(udp: &UdpSocket) -> io::Result<Option<SocketAddr>> {
    // What was sent does not matter.
    let mut start = [0; 1];
    let mut pieces = [IoSliceMut::new(&mut start)];
    let mut space = cmsg_space!(sock_extended_err, libc::sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let told = recvmsg::<SockaddrStorage>(udp.as_raw_fd(), &mut pieces, Some(&mut space), flags)?;
    let refused = told.cmsgs()?.any(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, _) | ControlMessageOwned::Ipv6RecvErr(error, _) => {
            i32::try_from(error.ee_errno) == Ok(libc::ECONNREFUSED)
        }
        _ => false,
    });
    let at = told.address.and_then(|to| {
        let v4 = to.as_sockaddr_in().map(|to| SocketAddr::V4(SocketAddrV4::from(*to)));
        v4.or_else(|| to.as_sockaddr_in6().map(|to| SocketAddr::V6(SocketAddrV6::from(*to))))
    });
    Ok(at.filter(|_| refused))
}

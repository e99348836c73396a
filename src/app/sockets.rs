//! The sockets that SIP comes in by.

use super::start::Options;
use crate::config::{Config, SipTls};
use crate::net::{self, tls};
use anyhow::{Context, Result};
use core::time::Duration;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

/// How long a machine that has just come on may take to have the addresses that the box shall listen to.
const ADDRESSES: Duration = Duration::from_secs(20);

/// Waits for the addresses that the configuration names to listen at, where it names any. One that never comes is told of by
/// who binds it.
pub(super) fn await_addresses(config: &Config) {
    let tls = config.sip.tls.as_ref().map(|tls| tls.listen);
    let named = [Some(config.sip.listen), Some(config.web.listen), tls].into_iter().flatten();
    let missing = |addr: &SocketAddr| {
        std::net::UdpSocket::bind((addr.ip(), 0))
            .is_err_and(|error| error.kind() == std::io::ErrorKind::AddrNotAvailable)
    };
    let mut missed: Vec<SocketAddr> = named.filter(missing).collect();
    let begun = std::time::Instant::now();
    while !missed.is_empty() && begun.elapsed() < ADDRESSES {
        std::thread::sleep(Duration::from_millis(200));
        missed.retain(missing);
    }
}

/// The one socket that must be had.
pub(super) fn bind_sip(config: &Config, options: &Options, data: &Path) -> Result<std::net::UdpSocket> {
    let listen = config.sip.listen;
    let bound = std::net::UdpSocket::bind(listen);
    let bound = match bound {
        Err(error) if options.any_port && error.kind() == std::io::ErrorKind::AddrInUse => {
            std::net::UdpSocket::bind(SocketAddr::new(listen.ip(), 0))
        }
        bound => bound,
    };
    let socket = bound.with_context(|| {
        if crate::store::is_in_use(data) {
            return format!(
                "cannot listen for SIP on {listen}: the box is running already with {}. Its page restarts it; \
                 `systemctl stop hold-slayer`, or Ctrl-C where it runs, stops it",
                data.display()
            );
        }
        format!("cannot listen for SIP on {listen}: is another telephone program running, or another Hold Slayer? `ss -lunp` shows who has the port; \
                 [sip] listen chooses another")
    })?;
    socket.set_nonblocking(true).context("the SIP socket cannot be made non-blocking")?;
    Ok(socket)
}

/// TCP beside UDP on the same port. Telephones do without, so what is wrong is only told.
pub(super) fn bind_tcp(config: &Config, sip: SocketAddr, troubles: &mut Vec<String>) -> Option<TcpListener> {
    if !config.sip.tcp {
        return None;
    }
    listen(sip)
        .map_err(|error| {
            troubles
                .push(format!("SIP over TCP is not served on {sip}: {error}; [sip] tcp = false does without"))
        })
        .ok()
}

/// For phones that ask for it.
pub(super) fn bind_tls(
    config: &Config,
    troubles: &mut Vec<String>,
) -> Option<(TcpListener, net::TlsAcceptor)> {
    let SipTls { listen: addr, cert, key } = config.sip.tls.as_ref()?;
    let both = tls::acceptor(cert, key)
        .and_then(|acceptor| Ok((listen(*addr).map_err(|error| error.to_string())?, acceptor)));
    both.map_err(|error| troubles.push(format!("SIP over TLS is not served on {addr}: {error}"))).ok()
}

fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

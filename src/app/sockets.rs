//! The sockets that SIP comes in by.

use super::start::Options;
use crate::clock;
use crate::config::{Config, SIP_PORT, SIP_TLS_PORT, SipTls};
use crate::media::thread::UdpPorts;
use crate::net::{self, listen, tls};
use anyhow::{Context, Result};
use core::time::Duration;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

/// By then a machine that came on has the addresses that the box shall listen to.
const ADDRESSES: Duration = Duration::from_secs(60);

/// Waits for the addresses that the configuration names to listen at, where it names any, and says meanwhile that it
/// lives.
pub(super) fn await_addresses(config: &Config, alive: impl Fn()) {
    let tls = config.sip.tls.as_ref().map(|tls| tls.listen);
    let named = [Some(config.sip.listen), Some(config.web.listen), tls].into_iter().flatten();
    let missing = |addr: &SocketAddr| {
        UdpSocket::bind((addr.ip(), 0)).is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable)
    };
    let mut missed: Vec<SocketAddr> = named.filter(missing).collect();
    while !missed.is_empty() && clock::since_power_on() < ADDRESSES {
        std::thread::sleep(Duration::from_millis(200));
        alive();
        missed.retain(missing);
    }
}

/// The one socket that must be had. Where it is another than `config` says, that is changed.
pub(super) fn bind_sip(
    config: &mut Config,
    options: &Options,
    data: &Path,
    troubles: &mut Vec<String>,
) -> Result<UdpSocket> {
    let wanted = config.sip.listen;
    let bound = match listen::listen(wanted, SIP_PORT, UdpSocket::bind) {
        Err(error) if options.any_port && error.kind() == ErrorKind::AddrInUse => {
            UdpSocket::bind(SocketAddr::new(wanted.ip(), 0))
        }
        bound => bound.map(|bound| {
            config.sip.listen = bound.at;
            troubles.extend(bound.why.map(|why| {
                format!("SIP is not taken at {wanted} as [sip] listen says, but at {}: {why}", bound.at)
            }));
            bound.socket
        }),
    };
    let socket = bound.with_context(|| {
        if crate::store::is_in_use(data) {
            return format!(
                "cannot listen for SIP on {wanted}: the box is running already with {}. Its page restarts it; \
                 `systemctl stop hold-slayer`, or Ctrl-C where it runs, stops it",
                data.display()
            );
        }
        format!("cannot listen for SIP on {wanted}: is another telephone program running, or another Hold Slayer? `ss -lunp` shows who has the port; \
                 [sip] listen chooses another")
    })?;
    socket.set_nonblocking(true).context("the SIP socket cannot be made non-blocking")?;
    Ok(socket)
}

/// The ports for sound: those of the configuration, or free ones after them.
pub(super) fn udp_ports(
    config: &Config,
    options: &Options,
    count: u16,
    troubles: &mut Vec<String>,
) -> UdpPorts {
    let first = config.media.rtp_ports;
    let is_taken = |port: &u16| {
        let bound = UdpSocket::bind((config.sip.listen.ip(), *port));
        bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
    };
    match (first..=u16::MAX).take(2 * usize::from(count)).find(is_taken) {
        _ if options.any_port => UdpPorts::Any,
        None => UdpPorts::From(first),
        Some(taken) => {
            troubles.push(format!(
                "port {taken} is taken by another program, and is of those for sound: others after them are used; \
                 [media] rtp_ports chooses which"
            ));
            UdpPorts::Search(first)
        }
    }
}

/// TCP beside UDP on the same port. Telephones do without, so what is wrong is only told.
pub(super) fn bind_tcp(config: &Config, sip: SocketAddr, troubles: &mut Vec<String>) -> Option<TcpListener> {
    if !config.sip.tcp {
        return None;
    }
    open(sip)
        .map_err(|error| {
            troubles
                .push(format!("SIP over TCP is not served on {sip}: {error}; [sip] tcp = false does without"))
        })
        .ok()
}

/// For phones that ask for it. Where it is another place than `config` says, that is changed.
pub(super) fn bind_tls(
    config: &mut Config,
    troubles: &mut Vec<String>,
) -> Option<(TcpListener, net::TlsAcceptor)> {
    let SipTls { listen: wanted, cert, key } = config.sip.tls.as_mut()?;
    let bound = tls::acceptor(cert, key).and_then(|acceptor| {
        Ok((listen::listen(*wanted, SIP_TLS_PORT, open).map_err(|error| error.to_string())?, acceptor))
    });
    match bound {
        Ok((bound, acceptor)) => {
            troubles.extend(bound.why.map(|why| {
                format!(
                    "SIP over TLS is not served on {wanted} as [sip] tls_listen says, but on {}: {why}",
                    bound.at
                )
            }));
            *wanted = bound.at;
            Some((bound.socket, acceptor))
        }
        Err(error) => {
            troubles.push(format!("SIP over TLS is not served on {wanted}: {error}"));
            None
        }
    }
}

fn open(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

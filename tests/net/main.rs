//! SIP over real sockets on loopback: connections that come and go, TLS with right and wrong certificates, and SIPp.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod asking;
mod connections;
mod encrypted;
mod peers;
mod resolving;

use core::time::Duration;
use hold_slayer::net::{Arrival, Sockets, TlsAcceptor, Wire};
use hold_slayer::sip::Hop;
use std::future::Future;
use std::net::SocketAddr;

/// Nothing here takes longer; what waits for ever fails.
const LONG: Duration = Duration::from_secs(30);

/// Runs this in a runtime like the control thread's.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LONG, test).await.expect("it takes too long") })
}

/// A wire on free ports of loopback, and where its TCP (or TLS) listener is.
fn wire(ip: &str, tls: Option<TlsAcceptor>) -> (Wire, SocketAddr) {
    let udp = std::net::UdpSocket::bind((ip, 0)).unwrap();
    let listener = std::net::TcpListener::bind((ip, 0)).unwrap();
    udp.set_nonblocking(true).unwrap();
    listener.set_nonblocking(true).unwrap();
    let addr = listener.local_addr().unwrap();
    let (tcp, tls) = match tls {
        None => (Some(listener), None),
        Some(acceptor) => (None, Some((listener, acceptor))),
    };
    (Wire::new(Sockets { udp, tcp, tls }).unwrap(), addr)
}

/// The next message, and whose it is.
async fn message(wire: &mut Wire) -> (Hop, String) {
    match wire.next(&mut [0; 2048]).await {
        Arrival::Message(from, bytes) => (from, String::from_utf8(bytes).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// The next thing is that a connection is gone: which, and why.
async fn lost(wire: &mut Wire) -> (Hop, String) {
    match wire.next(&mut [0; 2048]).await {
        Arrival::Lost(hop, why) => (hop, why),
        other => panic!("{other:?}"),
    }
}

fn options(body: &str) -> String {
    format!(
        "OPTIONS sip:box SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1;rport\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:box>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

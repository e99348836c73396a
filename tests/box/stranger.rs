//! Somebody who sends from any address of 127.0.0.0/12 that he likes, and listens to no answer.

use nix::libc::{in_addr, in_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, sendmsg};
use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.next() % most).map(|_| self.next() as u8).collect()
    }
}

/// What stands in a model where each packet has something of its own.
const OWN: &[u8] = b"################";

/// The one who knocks.
pub struct Stranger {
    socket: UdpSocket,
    to: SockaddrIn,
    models: Vec<Vec<u8>>,
    random: Random,
}

impl Stranger {
    pub fn new(to: SocketAddr, seed: u64) -> Self {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let SocketAddr::V4(v4) = to else { panic!("{to} is IPv6") };
        Self { socket, to: v4.into(), models: models(v4), random: Random(seed) }
    }

    /// One packet: an INVITE, a REGISTER, an OPTIONS, a request with a password, or garbage; from one of a few addresses, or
    /// from one of a million.
    pub fn knock(&mut self) {
        let dice = self.random.next();
        let own = format!("{:016x}", self.random.next());
        let mut bytes = match self.models.get((dice % 6) as usize) {
            Some(model) => model.clone(),
            None => self.random.bytes(600),
        };
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(OWN.len()).position(|part| part == OWN) {
            at += found + OWN.len();
            bytes[at - OWN.len()..at].copy_from_slice(own.as_bytes());
        }
        let host = if dice & 0x100 == 0 { (dice >> 32) % 8 } else { (dice >> 32) % (1 << 20) };
        let source = Ipv4Addr::from(0x7F00_0100 + u32::try_from(host).unwrap());
        let source = in_pktinfo {
            ipi_ifindex: 0,
            ipi_spec_dst: in_addr { s_addr: u32::from(source).to_be() },
            ipi_addr: in_addr { s_addr: 0 },
        };
        let fields = [ControlMessage::Ipv4PacketInfo(&source)];
        // Nobody is told what the other end's buffer does not take.
        let _ = sendmsg(
            self.socket.as_raw_fd(),
            &[IoSlice::new(&bytes)],
            &fields,
            MsgFlags::empty(),
            Some(&self.to),
        );
    }
}

fn models(to: SocketAddrV4) -> Vec<Vec<u8>> {
    let own = String::from_utf8_lossy(OWN);
    let message = |method: &str, uri: &str, more: &str| {
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{own};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:hall@{to}>;tag={own}\r\nTo: <{uri}>\r\nCall-ID: {own}@10.0.0.1\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:hall@10.0.0.1:5060>\r\nUser-Agent: friendly\r\n{more}"
        );
        text.into_bytes()
    };
    let plain = "Content-Length: 0\r\n\r\n";
    let sdp =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    let offer = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len());
    let guess = format!(
        "Authorization: Digest username=\"hall\", realm=\"hold-slayer\", nonce=\"{own}\", uri=\"sip:{to}\", \
         response=\"{own}{own}\", algorithm=MD5\r\n{plain}"
    );
    let (number, house) = (format!("sip:18005550123@{to}"), format!("sip:{to}"));
    vec![
        message("INVITE", &number, &offer),
        message("REGISTER", &house, plain),
        message("REGISTER", &house, &guess),
        message("OPTIONS", &house, plain),
        message("BYE", &number, plain),
    ]
}

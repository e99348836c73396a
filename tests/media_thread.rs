//! The media thread over real sockets on loopback. Nothing here sleeps: every wait is for something that happens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use hold_slayer::dsp::tone::Country;
use hold_slayer::media::thread::{Config, Started, UdpPorts, start};
use hold_slayer::media::{self, Event, MediaCommand, Stream};
use hold_slayer::rtp::packet::{self, HEADER_BYTES, Header};
use hold_slayer::units::{Codec, Digit, FRAME_SAMPLES, PortId};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

const TRUNK: PortId = PortId(0);
const PHONE: PortId = PortId(1);
const PATIENCE: Duration = Duration::from_secs(20);

fn config(ports: u16, udp_ports: UdpPorts) -> Config {
    let media = media::Config {
        ports,
        country: Country::by_code("us").unwrap(),
        sounds: vec![],
        wideband: false,
        studio_frames: 50,
    };
    Config { media, bind: Ipv4Addr::LOCALHOST.into(), udp_ports, real_time: false, core: None }
}

fn address(started: &mut Started, port: PortId) -> SocketAddr {
    started.opening.wait().unwrap().addresses[usize::from(port.0)]
}

/// The far end of one port.
struct Peer {
    socket: UdpSocket,
    port: SocketAddr,
    sequence: u16,
}

impl Peer {
    fn open(started: &mut Started, port: PortId) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let remote = socket.local_addr().unwrap();
        let stream = Stream {
            remote,
            codec: Codec::Pcmu,
            payload_type: 0,
            event_type: Some(101),
            rtcp: None,
            send: true,
            keys: None,
        };
        started.control.send(MediaCommand::Open { port, stream, seed: u64::from(port.0) }).unwrap();
        Self { socket, port: address(started, port), sequence: 0 }
    }

    fn send(&mut self, payload_type: u8, payload: &[u8]) {
        let mut datagram = vec![0; HEADER_BYTES];
        datagram.extend_from_slice(payload);
        self.sequence += 1;
        let timestamp = u32::from(self.sequence) * 160;
        let header = Header { payload_type, marker: false, sequence: self.sequence, timestamp, ssrc: 3 };
        packet::prefix(&header, &mut datagram, HEADER_BYTES).unwrap();
        self.socket.send_to(&datagram, self.port).unwrap();
    }

    /// The next packet's payload type and payload.
    fn receive(&self) -> (u8, Vec<u8>) {
        let mut datagram = [0; 2048];
        let (length, from) = self.socket.recv_from(&mut datagram).expect("a packet in time");
        assert_eq!(from, self.port, "symmetric RTP");
        let (header, payload) = packet::parse(&datagram[..length]).unwrap();
        (header.payload_type, datagram[payload].to_vec())
    }

    fn receive_until(&self, wanted: &[u8]) {
        let end = Instant::now() + PATIENCE;
        while self.receive().1 != wanted {
            assert!(Instant::now() < end, "never came");
        }
    }
}

#[test]
fn sockets_of_every_ipv6_address_take_ipv4_peers_as_well() {
    let mut started =
        start(&Config { bind: Ipv6Addr::UNSPECIFIED.into(), ..config(4, UdpPorts::Any) }).unwrap();
    let mut peers = [TRUNK, PHONE].map(|port| {
        let mut peer = Peer::open(&mut started, port);
        peer.port = SocketAddr::from((Ipv4Addr::LOCALHOST, peer.port.port()));
        peer
    });
    peers.iter().for_each(|peer| peer.receive_until(&[0xff; FRAME_SAMPLES]));
    started.control.send(MediaCommand::Join(TRUNK, PHONE)).unwrap();
    let [trunk, phone] = &mut peers;
    phone.send(0, &[7; FRAME_SAMPLES]);
    trunk.receive_until(&[7; FRAME_SAMPLES]);
    started.control.stop();
}

#[test]
fn sound_orders_facts_and_frames_find_their_way() {
    let mut started = start(&config(4, UdpPorts::Any)).unwrap();
    let mut trunk = Peer::open(&mut started, TRUNK);
    let mut phone = Peer::open(&mut started, PHONE);
    trunk.receive_until(&[0xff; FRAME_SAMPLES]);
    phone.receive_until(&[0xff; FRAME_SAMPLES]);

    started.control.send(MediaCommand::Join(TRUNK, PHONE)).unwrap();
    started.control.send(MediaCommand::Tap(TRUNK, true)).unwrap();
    let mut quickest = Duration::MAX;
    for n in 0..25u8 {
        let said = [n; FRAME_SAMPLES];
        let at = Instant::now();
        phone.send(0, &said);
        trunk.receive_until(&said);
        quickest = quickest.min(at.elapsed());
    }
    println!("through the box in {quickest:?} at best");
    assert!(quickest < Duration::from_millis(10), "at once, not on the next tick");

    trunk.send(101, &[5, 10, 0, 160]);
    let key = Event::Digit(TRUNK, Digit::from_char('5').unwrap());
    let mut events = Vec::new();
    while !events.contains(&key) {
        assert!(started.events.wait(PATIENCE), "an event in time, after {events:?}");
        events.extend(std::iter::from_fn(|| started.events.pop()));
    }
    assert!(events.contains(&Event::Heard(PHONE)));

    let mut ticks = Vec::new();
    while ticks.len() < 10 {
        assert!(started.taps.wait(PATIENCE), "a frame in time");
        ticks.extend(std::iter::from_fn(|| started.taps.pop()).map(|f| f.tick.0));
    }
    assert!(ticks.windows(2).all(|w| w[1] > w[0]), "{ticks:?}");
    started.control.stop();
    assert!(started.counters.read().forwarded >= 25);
}

/// A socket that tells with each datagram how it was marked.
fn marked(ip: IpAddr) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    match ip {
        IpAddr::V4(_) => setsockopt(&socket, sockopt::IpRecvTos, &true).unwrap(),
        IpAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6RecvTClass, &true).unwrap(),
    }
    socket
}

/// The traffic class octet of the next datagram.
fn mark(socket: &UdpSocket) -> i32 {
    let (mut datagram, mut room) = ([0; 2048], nix::cmsg_space!(i32));
    let mut parts = [IoSliceMut::new(&mut datagram)];
    let got = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut room), MsgFlags::empty());
    let got = got.expect("a datagram in time");
    let mark = got.cmsgs().unwrap().find_map(|message| match message {
        ControlMessageOwned::Ipv4Tos(tos) => Some(i32::from(tos)),
        ControlMessageOwned::Ipv6TClass(class) => Some(class),
        _ => None,
    });
    mark.expect("it is told")
}

#[test]
fn rtp_and_rtcp_are_marked_as_telephony_for_peers_of_either_family() {
    const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    for (bind, peer) in [(V4, V4), (V6, V6), (Ipv6Addr::UNSPECIFIED.into(), V4)] {
        let mut started = start(&Config { bind, ..config(2, UdpPorts::Any) }).unwrap();
        let (rtp, rtcp) = (marked(peer), marked(peer));
        let stream = Stream {
            remote: rtp.local_addr().unwrap(),
            codec: Codec::Pcmu,
            payload_type: 0,
            event_type: None,
            rtcp: Some(rtcp.local_addr().unwrap()),
            send: true,
            keys: None,
        };
        started.control.send(MediaCommand::Open { port: TRUNK, stream, seed: 1 }).unwrap();
        // RFC 4594 §4.1, RFC 3246: code point 46, above the two bits of congestion.
        assert_eq!((mark(&rtp), mark(&rtcp)), (46 << 2, 46 << 2), "{bind} to {peer}");
    }
}

#[test]
fn a_port_in_use_is_named_or_left_out() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = start(&config(2, UdpPorts::From(port))).unwrap().opening.wait().err().expect("it is in use");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    let mut started = start(&config(2, UdpPorts::Search(port))).unwrap();
    assert_eq!(started.opening.wait().expect("others are free").addresses.len(), 2);
    let ports = [TRUNK, PHONE].map(|p| address(&mut started, p).port());
    assert!(
        ports[0] > port && ports[1] > ports[0] && ports.iter().all(|p| (p - port).is_multiple_of(2)),
        "{ports:?}"
    );
}

#[test]
fn a_thousand_ports_are_cheap() {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4
    };
    let before = resident();
    let mut started = start(&config(1024, UdpPorts::Any)).unwrap();
    assert_eq!(started.opening.wait().unwrap().addresses.len(), 1024);
    let grown = resident() - before;
    println!("{grown} KiB for 1024 ports");
    assert!(grown < 4096, "{grown} KiB");
}

#[test]
fn what_is_said_to_be_granted_is_granted() {
    let mut started = start(&Config { real_time: true, ..config(2, UdpPorts::Any) }).unwrap();
    let granted = started.opening.wait().unwrap().granted;
    // Other tests' media threads were not to be raised, so one of all is enough.
    let policies = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|task| {
        let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once(") ")?;
        // Field 41, proc(5): the scheduling policy; 1 is SCHED_FIFO.
        name.ends_with("(media").then(|| rest.split(' ').nth(38) == Some("1"))
    });
    assert_eq!(policies.filter(|fifo| *fifo).count() == 1, granted.priority.is_ok());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let locked = status.lines().find_map(|l| l.strip_prefix("VmLck:")).unwrap();
    assert_eq!(locked.trim() != "0 kB", granted.memory.is_ok());
    println!("{:?}", granted);
}

#[test]
fn a_core_of_its_own_is_nobody_elses() {
    let allowed = |of: &str| {
        let status = std::fs::read_to_string(format!("/proc/{of}/status")).unwrap();
        let cores = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:")).unwrap();
        cores.trim().split(',').fold(Vec::new(), |mut all, range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            all.extend(first.parse::<u16>().unwrap()..=last.parse().unwrap());
            all
        })
    };
    let cores = allowed("thread-self");
    let own = *cores.last().unwrap();
    let started = |core| {
        let mut started =
            start(&Config { real_time: true, core: Some(core), ..config(2, UdpPorts::Any) }).unwrap();
        let granted = started.opening.wait().unwrap().granted;
        (started, granted.core.unwrap())
    };
    // Refused: it runs on any, and says so.
    let (refused, none) = started(1023);
    assert!(none.0 == 1023 && none.1.is_err(), "{none:?}");
    drop(refused);
    assert_eq!(allowed("thread-self"), cores);
    let (_running, got) = started(own);
    assert_eq!(got, (own, Ok(())));
    // Other tests run in this process too, without a core.
    let media = std::fs::read_dir("/proc/self/task").unwrap().filter_map(|task| {
        let id = task.unwrap().file_name().into_string().unwrap();
        let name = std::fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?;
        (name.trim() == "media").then(|| allowed(&format!("self/task/{id}")))
    });
    assert!(media.into_iter().any(|cores| cores == [own]));
    let others: Vec<u16> = cores.iter().copied().filter(|core| *core != own).collect();
    assert_eq!(allowed("thread-self"), if others.is_empty() { cores } else { others });
}

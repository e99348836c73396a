//! What a packet and a tick cost in instructions, counted by valgrind: the same on every run and every machine, however
//! busy. `make bench` keeps the numbers; run alone: `cargo test --release --test cost -- --ignored --nocapture`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use hold_slayer::dsp::tone::Country;
use hold_slayer::media::{Config, Media, MediaCommand, Outlets, SoundId, Stream};
use hold_slayer::rtp::packet::{self, HEADER_BYTES, Header};
use hold_slayer::units::{Codec, Instant, PortId};
use std::net::SocketAddr;

const PACKETS: u64 = 2_000;
/// Names the case that a run under valgrind plays.
const CASE: &str = "HOLD_SLAYER_COST";

struct Line {
    media: Media,
    outlets: Outlets,
    sequence: u16,
    now: u64,
    sent: u64,
}

fn remote(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 4000 + port))
}

impl Line {
    fn new(ports: u16, codec: impl Fn(u16) -> Codec) -> Self {
        let country = Country::by_code("us").unwrap();
        let (media, outlets) = Media::new(&Config {
            ports,
            country,
            sounds: vec![vec![1000; 8000]],
            wideband: false,
            studio_frames: 1,
        })
        .unwrap();
        let mut line = Self { media, outlets, sequence: 0, now: 1_000_000, sent: 0 };
        for i in 0..ports {
            let codec = codec(i);
            let payload_type = if codec == Codec::Pcmu { 0 } else { 8 };
            let stream = Stream {
                remote: remote(i),
                codec,
                payload_type,
                event_type: Some(101),
                rtcp: None,
                send: true,
                keys: None,
            };
            line.order(MediaCommand::Open { port: PortId(i), stream, seed: u64::from(i) });
        }
        line
    }

    fn order(&mut self, command: MediaCommand) {
        self.media.command(Instant(self.now), command);
    }

    /// 20 ms: each of these ports hears a packet, and what is due on the tick is done.
    fn frame(&mut self, speaking: u16, payload_type: impl Fn(u16) -> u8) {
        self.now += 20_000;
        self.sequence = self.sequence.wrapping_add(1);
        let sent = &mut self.sent;
        for i in 0..speaking {
            let mut datagram = [0x42; HEADER_BYTES + 160];
            let timestamp = u32::from(self.sequence) * 160;
            let header = Header {
                payload_type: payload_type(i),
                marker: false,
                sequence: self.sequence,
                timestamp,
                ssrc: 5 + u32::from(i),
            };
            packet::prefix(&header, &mut datagram, HEADER_BYTES).unwrap();
            let now = Instant(self.now + 1_000);
            self.media.packet(now, PortId(i), remote(i), &mut datagram, &mut |_| *sent += 1);
        }
        let now = Instant(self.now + 2_000);
        while self.media.deadline().is_some_and(|at| at <= now) {
            self.media.tick(now, &mut |_| *sent += 1);
        }
        while self.outlets.taps.pop().is_ok() {}
        while self.outlets.events.pop().is_ok() {}
    }
}

/// Name, and what `frames` times 20 ms of it are.
type Case = (&'static str, fn(frames: u64));

fn joined(frames: u64, codec: fn(u16) -> Codec, tapped: bool) {
    let mut line = Line::new(2, codec);
    line.order(MediaCommand::Join(PortId(0), PortId(1)));
    if tapped {
        line.order(MediaCommand::Tap(PortId(0), true));
    }
    for _ in 0..frames {
        line.frame(2, |i| if codec(i) == Codec::Pcmu { 0 } else { 8 });
    }
    assert!(line.sent + 4 >= 2 * frames);
}

/// Each is two packets in and two out for each 20 ms, or two out on a tick.
const CASES: [Case; 5] = [
    ("joined, same law", |n| joined(n, |_| Codec::Pcmu, false)),
    ("joined, two laws", |n| joined(n, |i| if i == 0 { Codec::Pcmu } else { Codec::Pcma }, false)),
    ("joined and tapped", |n| joined(n, |_| Codec::Pcmu, true)),
    ("silence", |n| {
        let mut line = Line::new(2, |_| Codec::Pcmu);
        (0..n).for_each(|_| line.frame(0, |_| 0));
    }),
    ("prompt", |n| {
        let mut line = Line::new(2, |_| Codec::Pcmu);
        for port in [PortId(0), PortId(1)] {
            line.order(MediaCommand::Play { port, sound: SoundId(0), repeat: true });
        }
        (0..n).for_each(|_| line.frame(0, |_| 0));
    }),
];

/// Under valgrind: one case, so many frames of it.
#[test]
#[ignore = "run by the one below"]
fn play_one_case() {
    let Ok(case) = std::env::var(CASE) else { return };
    let (name, frames) = case.split_once('*').unwrap();
    CASES.iter().find(|(n, _)| *n == name).unwrap().1(frames.parse().unwrap());
}

/// The instructions of a run of one case.
fn instructions(name: &str, frames: u64) -> u64 {
    let out = std::process::Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "play_one_case", "--ignored", "--test-threads=1"])
        .env(CASE, format!("{name}*{frames}"))
        .output()
        .expect("valgrind is installed");
    let log = String::from_utf8_lossy(&out.stderr);
    let count = log.lines().find_map(|l| l.split_once("Collected :")).expect("callgrind counts").1;
    count.trim().parse().unwrap()
}

/// The difference of a long run and a longer one is what the frames cost, without what starting does.
#[test]
#[ignore = "takes valgrind, and is to be run with --release"]
fn what_packets_and_ticks_cost() {
    println!("instructions for two packets in and out, or two on a tick; RTCP is counted in");
    for (name, _) in CASES {
        let cost = (instructions(name, 2 * PACKETS) - instructions(name, PACKETS)) / PACKETS;
        println!("{name:24} {cost:6}");
        assert!(cost < 60_000, "{name}: {cost}");
    }
}

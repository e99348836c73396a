//! A network made of one seed: delay, jitter (and so reordering), loss and duplicates.

use core::time::Duration;
use hold_slayer::units::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;

/// What a path does to datagrams.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The shortest way.
    pub delay: Duration,
    /// Up to this much more, evenly.
    pub jitter: Duration,
    /// Lost, of 1000.
    pub loss: u64,
    /// Arriving twice, of 1000.
    pub duplicate: u64,
}

impl Weather {
    pub const FINE: Self =
        Self { delay: Duration::from_millis(5), jitter: Duration::ZERO, loss: 0, duplicate: 0 };

    /// Home Wi-Fi on a bad day.
    pub const FOUL: Self =
        Self { delay: Duration::from_millis(20), jitter: Duration::from_millis(30), loss: 50, duplicate: 20 };
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packet {
    pub at: Instant,
    order: u64,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// Packets under way.
pub struct Net {
    pub weather: Weather,
    /// Nothing gets through to or from this host.
    pub cut: Option<std::net::IpAddr>,
    random: Random,
    order: u64,
    packets: BinaryHeap<Reverse<Packet>>,
}

impl Net {
    pub fn new(weather: Weather, seed: u64) -> Self {
        Self { weather, cut: None, random: Random(seed), order: 0, packets: BinaryHeap::new() }
    }

    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let cut = |addr: SocketAddr| self.cut == Some(addr.ip());
        if cut(from) || cut(to) || self.random.below(1000) < self.weather.loss {
            return;
        }
        let copies = if self.random.below(1000) < self.weather.duplicate { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = self.random.below(self.weather.jitter.as_micros() as u64 + 1);
            let at = now + self.weather.delay + Duration::from_micros(jitter);
            self.order += 1;
            self.packets.push(Reverse(Packet { at, order: self.order, from, to, bytes: bytes.to_vec() }));
        }
    }

    pub fn next_at(&self) -> Option<Instant> {
        self.packets.peek().map(|Reverse(packet)| packet.at)
    }

    pub fn take(&mut self, now: Instant) -> Option<Packet> {
        if self.next_at()? > now {
            return None;
        }
        self.packets.pop().map(|Reverse(packet)| packet)
    }
}

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

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

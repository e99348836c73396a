//! The two directions of one RTP stream: what arrives is counted as RFC 3550 Appendix A counts it, what leaves is one
//! unbroken stream whatever it is made of.

use super::digit::Begins;
use super::packet::Header;
use crate::units::{Instant, SAMPLE_RATE_HZ};

/// RFC 3550 §A.1: a jump forward up to this is loss, beyond it a restart.
const MAX_DROPOUT: u16 = 3000;
/// How far back packets are remembered to tell late ones from copies.
const WINDOW: u16 = 64;

/// What an arriving packet is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first of a stream: the peer began, restarted or changed its SSRC.
    First,
    /// The next, after so many missing ones.
    Next {
        /// Packets skipped.
        missing: u16,
    },
    /// One of the missing, late.
    Reordered,
    /// Seen before.
    Duplicate,
    /// Far away from the stream. If its successor comes, the stream restarts there.
    Stray,
}

/// The receiving side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receiver {
    ssrc: Option<u32>,
    first: u32,
    highest: u32,
    seen: u64,
    received: u32,
    restart_at: Option<u16>,
    transit: Option<u32>,
    jitter_16ths: u32,
}

impl Receiver {
    /// Places one packet.
    pub fn accept(&mut self, header: &Header) -> Arrival {
        if self.ssrc != Some(header.ssrc) || self.restart_at == Some(header.sequence) {
            self.start(header);
            return Arrival::First;
        }
        let ahead = header.sequence.wrapping_sub(self.highest as u16);
        let behind = ahead.wrapping_neg();
        if ahead != 0 && ahead < MAX_DROPOUT {
            self.highest = self.highest.wrapping_add(u32::from(ahead));
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
        } else if behind < WINDOW {
            let bit = 1u64 << behind;
            if self.seen & bit != 0 {
                return Arrival::Duplicate;
            }
            self.seen |= bit;
        } else {
            // RFC 3550 §A.1: two in a row far away are a restart.
            self.restart_at = Some(header.sequence.wrapping_add(1));
            return Arrival::Stray;
        }
        self.restart_at = None;
        self.received = self.received.wrapping_add(1);
        if ahead < MAX_DROPOUT { Arrival::Next { missing: ahead - 1 } } else { Arrival::Reordered }
    }

    fn start(&mut self, header: &Header) {
        let first = u32::from(header.sequence);
        // Everything before the first counts as seen: it belongs to no packet that was ever missed.
        *self =
            Self { ssrc: Some(header.ssrc), first, highest: first, seen: 1, received: 1, ..Self::default() };
    }

    /// Takes the arrival time of an audio packet into the jitter, RFC 3550 §A.8.
    pub fn timing(&mut self, now: Instant, header: &Header) {
        let arrival = (now.0 * u64::from(SAMPLE_RATE_HZ) / 1_000_000) as u32;
        let transit = arrival.wrapping_sub(header.timestamp);
        if let Some(before) = self.transit {
            let change = (transit.wrapping_sub(before) as i32).unsigned_abs().min(SAMPLE_RATE_HZ);
            self.jitter_16ths = self.jitter_16ths + change - ((self.jitter_16ths + 8) >> 4);
        }
        self.transit = Some(transit);
    }

    /// Packets missing since the stream began; negative if copies outnumber them. RFC 3550 §A.3.
    pub fn lost(&self) -> i32 {
        match self.ssrc {
            Some(_) => {
                (self.highest.wrapping_sub(self.first).wrapping_add(1)).wrapping_sub(self.received) as i32
            }
            None => 0,
        }
    }

    /// The source that is heard.
    pub const fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// Packets received, and those expected since the stream began.
    pub fn received(&self) -> (u32, u32) {
        match self.ssrc {
            Some(_) => (self.received, self.highest.wrapping_sub(self.first).wrapping_add(1)),
            None => (0, 0),
        }
    }

    /// Highest sequence number with its rounds, RFC 3550 §6.4.1.
    pub const fn highest(&self) -> u32 {
        self.highest
    }

    /// Interarrival jitter in samples, RFC 3550 §6.4.1.
    pub fn jitter(&self) -> u32 {
        self.jitter_16ths >> 4
    }
}

/// How the numbers of a forwarded stream become ours.
#[derive(Clone, Copy, Debug)]
struct Mapping {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    anchor: u16,
    last: Header,
}

/// Forwarded packets further apart than this are another stretch of sound: one second.
const STRETCH_PACKETS: u16 = 100;
const STRETCH_SAMPLES: u32 = SAMPLE_RATE_HZ;
/// RFC 4733 §2.3: octets of an event's payload.
const EVENT_BYTES: u32 = 4;

/// The sending side: sequence numbers and timestamps go on across prompts, tones, silence, keys and forwarded sound.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    event_timestamp: u32,
    mapping: Option<Mapping>,
    packets: u32,
    octets: u32,
}

impl Sender {
    /// A stream with a random start, RFC 3550 §5.1.
    pub fn new(seed: u64) -> Self {
        // SplitMix64, so that any seed gives three unrelated numbers.
        let mix = |n: u64| {
            let z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let timestamp = mix(3) as u32;
        Self {
            ssrc: mix(1) as u32,
            // RFC 3711 §3.3.1: below 2^15, so that a receiver that misses the first packets counts the same rounds.
            sequence: mix(2) as u16 & 0x7fff,
            timestamp,
            event_timestamp: timestamp,
            mapping: None,
            packets: 0,
            octets: 0,
        }
    }

    /// Our source.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The timestamp of the next sample.
    pub const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Packets and octets of payload sent, RFC 3550 §6.4.1.
    pub const fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// Takes another number for our source, RFC 3550 §8.2. Returns the old one.
    pub fn renumber(&mut self) -> u32 {
        let old = self.ssrc;
        self.ssrc = old.wrapping_mul(0x9e37_79b1).wrapping_add(0x7f4a_7c15);
        (self.packets, self.octets) = (0, 0);
        old
    }

    fn count(&mut self, octets: u32) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(octets);
    }

    /// The header of a packet of our own sound.
    pub fn own(&mut self, payload_type: u8, samples: u32, marker: bool) -> Header {
        let header = self.header(payload_type, self.timestamp, marker);
        self.timestamp = self.timestamp.wrapping_add(samples);
        self.count(samples);
        header
    }

    /// The header of a packet of a telephone-event, which lasts `samples` longer with it.
    pub fn event(&mut self, payload_type: u8, samples: u32, begins: Begins) -> Header {
        // RFC 4733 §2.5.1.2: all packets of an event, or of its segment, bear the time of its start. The clock goes on
        // meanwhile.
        match begins {
            Begins::Press => self.event_timestamp = self.timestamp,
            Begins::Segment => self.event_timestamp = self.event_timestamp.wrapping_add(Begins::SEGMENT),
            Begins::Nothing => {}
        }
        self.timestamp = self.timestamp.wrapping_add(samples);
        self.count(EVENT_BYTES);
        self.header(payload_type, self.event_timestamp, begins == Begins::Press)
    }

    fn header(&mut self, payload_type: u8, timestamp: u32, marker: bool) -> Header {
        self.mapping = None;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Header { payload_type, marker, sequence, timestamp, ssrc: self.ssrc }
    }

    /// Whether a packet from elsewhere belongs before something of our own already sent.
    pub fn overtook(&self, incoming: &Header) -> bool {
        let mapping = self.mapping.filter(|m| m.continues(incoming));
        mapping.is_some_and(|m| (incoming.sequence.wrapping_sub(m.anchor) as i16) < 0)
    }

    /// The header with which a packet of `samples` from elsewhere, not overtaken, goes on as part of this stream. Its gaps
    /// and reordering stay visible to the receiver.
    pub fn forward(&mut self, incoming: &Header, payload_type: u8, samples: u32) -> Header {
        let fresh = Mapping {
            ssrc: incoming.ssrc,
            sequence: self.sequence.wrapping_sub(incoming.sequence),
            timestamp: self.timestamp.wrapping_sub(incoming.timestamp),
            anchor: incoming.sequence,
            last: *incoming,
        };
        let kept = self.mapping.filter(|m| m.continues(incoming));
        let first = kept.is_none();
        let mut mapping = kept.unwrap_or(fresh);
        let sequence = incoming.sequence.wrapping_add(mapping.sequence);
        let timestamp = incoming.timestamp.wrapping_add(mapping.timestamp);
        if first || (incoming.sequence.wrapping_sub(mapping.last.sequence) as i16) > 0 {
            mapping.last = *incoming;
            self.sequence = sequence.wrapping_add(1);
            self.timestamp = timestamp.wrapping_add(samples);
        }
        // The anchor follows at a distance, so that it never seems to lie ahead after half a round of numbers.
        if mapping.last.sequence.wrapping_sub(mapping.anchor) > 2 * WINDOW {
            mapping.anchor = mapping.last.sequence.wrapping_sub(WINDOW);
        }
        self.mapping = Some(mapping);
        self.count(samples);
        // RFC 3551 §4.1: the marker bit tells the receiver that it may adjust its playout here.
        Header { payload_type, marker: incoming.marker || first, sequence, timestamp, ssrc: self.ssrc }
    }
}

impl Mapping {
    fn continues(&self, incoming: &Header) -> bool {
        let step = incoming.sequence.wrapping_sub(self.last.sequence) as i16;
        let time = incoming.timestamp.wrapping_sub(self.last.timestamp) as i32;
        self.ssrc == incoming.ssrc
            && step.unsigned_abs() <= STRETCH_PACKETS
            && time.unsigned_abs() <= STRETCH_SAMPLES
            && (step < 0) == (time < 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(ssrc: u32, sequence: u16) -> Header {
        Header {
            payload_type: 0,
            marker: false,
            sequence,
            timestamp: u32::from(sequence).wrapping_mul(160),
            ssrc,
        }
    }

    #[test]
    fn arrivals_are_told_apart() {
        use Arrival::*;
        let next = |missing| Next { missing };
        // SSRC, sequence number, what it is, loss so far.
        let table = [
            (1, 65_533, First, 0),
            (1, 65_534, next(0), 0),
            (1, 65_534, Duplicate, 0),
            (1, 1, next(2), 2),
            (1, 0, Reordered, 1),
            (1, 0, Duplicate, 1),
            (1, 2, next(0), 1),
            (1, 30_000, Stray, 1),
            (1, 3, next(0), 1),
            (1, 40_000, Stray, 1),
            (1, 40_001, First, 0),
            (1, 40_002, next(0), 0),
            (2, 7, First, 0),
            (2, 200, next(192), 192),
            (2, 140, Reordered, 191),
            (2, 100, Stray, 191),
        ];
        let mut receiver = Receiver::default();
        for (i, (ssrc, sequence, expected, lost)) in table.into_iter().enumerate() {
            assert_eq!(
                (receiver.accept(&header(ssrc, sequence)), receiver.lost()),
                (expected, lost),
                "row {i}"
            );
        }
    }

    #[test]
    fn jitter_follows_the_rfc() {
        let (mut even, mut uneven) = (Receiver::default(), Receiver::default());
        for i in 0..500u16 {
            let at = Instant(u64::from(i) * 20_000);
            even.timing(at, &header(1, i));
            uneven.timing(Instant(at.0 + u64::from(i % 2) * 5_000), &header(1, i));
        }
        assert_eq!(even.jitter(), 0);
        // 5 ms back and forth is a mean change of transit of 40 samples.
        assert!((38..=41).contains(&uneven.jitter()), "{}", uneven.jitter());
    }

    #[test]
    fn own_and_forwarded_sound_are_one_stream() {
        let mut sender = Sender::new(9);
        let a = sender.own(0, 160, true);
        let b = sender.own(0, 160, false);
        let c = sender.forward(&header(77, 5000), 0, 240);
        let next = Header { timestamp: header(77, 5000).timestamp + 240, ..header(77, 5001) };
        let d = sender.forward(&next, 0, 240);
        let e = sender.own(0, 160, false);
        let f = sender.forward(&header(77, 5002), 0, 160);
        let steps: Vec<_> = [a, b, c, d, e, f]
            .windows(2)
            .map(|w| (w[1].sequence.wrapping_sub(w[0].sequence), w[1].timestamp.wrapping_sub(w[0].timestamp)))
            .collect();
        assert_eq!(steps, [(1, 160), (1, 160), (1, 240), (1, 240), (1, 160)]);
        assert_eq!([a, b, c, d, e, f].map(|h| h.marker), [true, false, true, false, false, true]);
        assert!([b, c, d, e, f].iter().all(|h| h.ssrc == a.ssrc));
    }

    #[test]
    fn loss_and_reordering_pass_through_but_nothing_lands_on_what_was_sent() {
        let mut sender = Sender::new(1);
        let own = sender.own(8, 160, true);
        let mut out = |sequence| {
            if sender.overtook(&header(5, sequence)) {
                return None;
            }
            let h = sender.forward(&header(5, sequence), 8, 160);
            Some((h.sequence.wrapping_sub(own.sequence), h.timestamp.wrapping_sub(own.timestamp)))
        };
        assert_eq!(out(100), Some((1, 160)));
        assert_eq!(out(99), None, "older than the first one forwarded");
        assert_eq!(out(103), Some((4, 640)));
        assert_eq!(out(102), Some((3, 480)));
        assert_eq!(out(104), Some((5, 800)));
        assert_eq!(out(20_000), Some((6, 960)), "another stretch goes on without a jump");
        assert_eq!(sender.own(8, 160, false).sequence.wrapping_sub(own.sequence), 7);
    }

    #[test]
    fn forwarding_goes_on_past_every_wrap() {
        let mut sender = Sender::new(2);
        let mut last = sender.own(0, 160, true);
        for i in 0..200_000u32 {
            let incoming = Header { timestamp: i.wrapping_mul(160), ..header(3, i as u16) };
            let h = sender.forward(&incoming, 0, 160);
            assert_eq!(h.sequence, last.sequence.wrapping_add(1));
            assert_eq!(h.timestamp, last.timestamp.wrapping_add(160));
            last = h;
        }
    }
}

//! Puts received sound back in time, for what is decoded here. Forwarded sound does not pass through it.
//!
//! A ring of samples, indexed by RTP timestamp: packets of any length, out of order, twice or overlapping fall into
//! their places by themselves. What is not there when its time comes is concealed. The ring itself is the caller's, so
//! that a large table of them costs no memory before it is used.

use crate::dsp::conceal::Conceal;
use crate::dsp::g711;
use crate::units::{Codec, FRAME_SAMPLES, Frame};

/// Samples in the ring: 256 ms. A power of two, so that timestamps wrap with it.
pub const RING: usize = 2048;
/// Where the samples lie. What is in it before the first packet does not matter.
pub type Ring = [i16; RING];
/// Playout delay in samples: 60 ms, the longest packet in use, or three of the usual ones.
const DELAY: i32 = 480;
/// Sound further ahead than this has piled up (a burst, a faster clock) …
const PILED: i32 = DELAY + 800;
/// … and is skipped, as is a stream that is late, after so many packets in a row.
const PATIENCE: u8 = 8;
/// Empty frames after which the next packet starts anew: 200 ms.
const DRY_FRAMES: u8 = 10;
/// G.711 decodes to multiples of four: the lowest bit is free to say that a sample is there.
const PRESENT: i16 = 1;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Its sound will be played.
    Kept,
    /// Its time is over.
    Late,
}

/// The jitter buffer of one stream.
#[derive(Clone, Debug)]
pub struct Jitter {
    /// Timestamp of the next sample to be played; `None` until a packet sets the clock.
    next: Option<u32>,
    misfits: u8,
    dry: u8,
    conceal: Conceal,
}

impl Jitter {
    /// Empty.
    pub const fn new() -> Self {
        Self { next: None, misfits: 0, dry: 0, conceal: Conceal::new() }
    }

    /// The peer began another stream: the next packet starts anew.
    pub fn restart(&mut self) {
        self.next = None;
    }

    /// Takes in a packet's sound. At most 196 ms of it are kept.
    pub fn put(&mut self, ring: &mut Ring, timestamp: u32, codec: Codec, payload: &[u8]) -> Put {
        let payload = payload.get(..RING - DELAY as usize).unwrap_or(payload);
        let mut next = self.next.unwrap_or_else(|| start(ring, timestamp));
        let mut ahead = timestamp.wrapping_sub(next) as i32;
        let length = payload.len() as i32;
        let fits = ahead > -length && ahead <= PILED;
        self.misfits = if fits { 0 } else { self.misfits + 1 };
        let jumped = ahead.saturating_add(length) > RING as i32 || ahead < -(RING as i32);
        if jumped || self.misfits >= PATIENCE {
            self.misfits = 0;
            next = start(ring, timestamp);
            ahead = DELAY;
        }
        self.next = Some(next);
        let gone = usize::try_from(-ahead).unwrap_or(0);
        let Some(rest) = payload.get(gone..).filter(|r| !r.is_empty()) else { return Put::Late };
        let from = timestamp.wrapping_add(gone as u32) as usize;
        for (i, &octet) in rest.iter().enumerate() {
            ring[(from + i) % RING] = g711::decode(codec, octet) | PRESENT;
        }
        Put::Kept
    }

    /// The next 20 ms. True if any of it was received, false if all of it is concealment or silence.
    pub fn take(&mut self, ring: &mut Ring, frame: &mut Frame) -> bool {
        let Some(next) = self.next else {
            frame.0.fill_with(|| self.conceal.sample(None));
            return false;
        };
        let mut heard = false;
        for (i, out) in frame.0.iter_mut().enumerate() {
            let slot = &mut ring[(next as usize + i) % RING];
            let sample = (*slot & PRESENT != 0).then_some(*slot & !PRESENT);
            *slot = 0;
            heard |= sample.is_some();
            *out = self.conceal.sample(sample);
        }
        self.dry = if heard { 0 } else { self.dry + 1 };
        self.next = (self.dry < DRY_FRAMES).then_some(next.wrapping_add(FRAME_SAMPLES as u32));
        self.dry %= DRY_FRAMES;
        heard
    }
}

/// Empties the ring for a stream that begins with this timestamp, and says which one is played next.
fn start(ring: &mut Ring, timestamp: u32) -> u32 {
    ring.fill(0);
    timestamp.wrapping_sub(DELAY as u32)
}

impl Default for Jitter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CODEC: Codec = Codec::Pcmu;

    /// The octet that sounds at a timestamp: a different one for each of 120 neighbours, never silence.
    fn octet(timestamp: u32) -> u8 {
        (timestamp % 120) as u8
    }

    fn packet(timestamp: u32, length: u32) -> Vec<u8> {
        (0..length).map(|i| octet(timestamp.wrapping_add(i))).collect()
    }

    /// Plays `(at frame, timestamp, length)` and returns all frames.
    fn play(packets: &[(usize, u32, u32)], frames: usize) -> Vec<i16> {
        let (mut jitter, mut ring) = (Jitter::new(), [PRESENT; RING]);
        let mut out = Vec::new();
        for n in 0..frames {
            for (_, timestamp, length) in packets.iter().filter(|p| p.0 == n) {
                jitter.put(&mut ring, *timestamp, CODEC, &packet(*timestamp, *length));
            }
            let mut frame = Frame::SILENCE;
            jitter.take(&mut ring, &mut frame);
            out.extend(frame.0);
        }
        out
    }

    /// That `out` from `skip` on is the sound of `timestamp` on, for `length` samples.
    fn assert_sound(name: &str, out: &[i16], skip: usize, timestamp: u32, length: u32) {
        for i in 0..length {
            let expected = g711::decode(CODEC, octet(timestamp.wrapping_add(i)));
            assert_eq!(out[skip + i as usize], expected, "{name}: sample {i}");
        }
    }

    #[test]
    fn packets_of_every_length_come_out_as_one_sound_after_60_ms() {
        for ms in [10u32, 20, 30, 40, 60] {
            for start in [0u32, 12_345, u32::MAX - 700] {
                let length = ms * 8;
                let packets: Vec<_> = (0..600 / ms)
                    .map(|i| ((i * ms / 20) as usize, start.wrapping_add(i * length), length))
                    .collect();
                let out = play(&packets, 30);
                assert!(out[..480].iter().all(|s| *s == 0), "{ms} ms: silence first");
                assert_sound(&format!("{ms} ms from {start}"), &out, 480, start, 8 * 500);
            }
        }
    }

    #[test]
    fn disorder_within_the_delay_is_not_heard() {
        // Each table: frame of arrival and number of the packet.
        let tables: [(&str, &[(usize, u32)]); 4] = [
            ("reordered", &[(0, 0), (1, 2), (2, 1), (3, 3), (4, 5), (4, 4), (5, 6)]),
            ("duplicated", &[(0, 0), (0, 0), (1, 1), (2, 2), (2, 1), (3, 3), (4, 4), (5, 5), (5, 6)]),
            ("two late at once", &[(0, 0), (3, 1), (3, 2), (3, 3), (4, 4), (5, 5), (6, 6)]),
            ("all at once", &[(0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6)]),
        ];
        for (name, table) in tables {
            let packets: Vec<_> = table.iter().map(|(frame, n)| (*frame, 1000 + n * 160, 160)).collect();
            assert_sound(name, &play(&packets, 12), 480, 1000, 7 * 160);
        }
    }

    #[test]
    fn a_lost_packet_is_concealed_and_the_rest_stays_in_time() {
        let packets: Vec<_> = (0..10).filter(|n| *n != 4).map(|n| (n as usize, n * 160, 160)).collect();
        let out = play(&packets, 15);
        assert_sound("before", &out, 480, 0, 4 * 160);
        assert!(out[480 + 640..480 + 800].iter().any(|s| *s != 0), "concealed, not silent");
        assert_sound("after", &out, 480 + 800, 800, 5 * 160);
    }

    #[test]
    fn a_late_packet_is_counted_and_harmless() {
        let (mut jitter, mut ring) = (Jitter::new(), [PRESENT; RING]);
        let mut frame = Frame::SILENCE;
        assert_eq!(jitter.put(&mut ring, 1600, CODEC, &packet(1600, 160)), Put::Kept);
        for _ in 0..4 {
            jitter.take(&mut ring, &mut frame);
        }
        assert_eq!(jitter.put(&mut ring, 1600, CODEC, &packet(1600, 160)), Put::Late);
        assert_eq!(
            jitter.put(&mut ring, 1680, CODEC, &packet(1680, 160)),
            Put::Kept,
            "its second half is in time"
        );
    }

    #[test]
    fn the_buffer_follows_a_jump_either_way_and_a_pause() {
        for jump in [1_000_000u32, 4_000_000_000, 3000] {
            let before = (0..10).map(|n| (n as usize, 50_000 + n * 160, 160));
            let after = (10..30).map(|n| (n as usize, 50_000u32.wrapping_add(jump + n * 160), 160));
            let out = play(&before.chain(after).collect::<Vec<_>>(), 30);
            let start = 50_000u32.wrapping_add(jump + 10 * 160);
            assert_sound("jump", &out, 13 * 160, start, 15 * 160);
        }
        let before = (0..10).map(|n| (n as usize, n * 160, 160));
        let after = (100..120).map(|n| (n as usize, n * 160 + 77, 160));
        let out = play(&before.chain(after).collect::<Vec<_>>(), 120);
        assert_sound("pause", &out, 103 * 160, 100 * 160 + 77, 15 * 160);
        assert!(out[20 * 160..103 * 160].iter().all(|s| *s == 0));
    }

    #[test]
    fn delay_that_stays_is_followed() {
        // From frame 10 on every packet comes 100 ms later than before.
        let packets: Vec<_> =
            (0..60u32).map(|n| ((if n < 10 { n } else { n + 5 }) as usize, n * 160, 160)).collect();
        let out = play(&packets, 65);
        let last = g711::decode(CODEC, octet(59 * 160 - 480));
        assert!(out[60 * 160..].contains(&last), "sound is heard again");
        assert_sound("in time again", &out, 40 * 160, (40 - 5 - 3) * 160, 20 * 160);
    }

    #[test]
    fn a_clock_that_runs_fast_never_overflows() {
        // 21 frames of sound in the time of 20, for a minute.
        let (mut jitter, mut ring) = (Jitter::new(), [PRESENT; RING]);
        let mut frame = Frame::SILENCE;
        let (mut timestamp, mut silent) = (0u32, 0);
        for n in 0..3000 {
            for _ in 0..if n % 20 == 0 { 2 } else { 1 } {
                jitter.put(&mut ring, timestamp, CODEC, &packet(timestamp, 160));
                timestamp = timestamp.wrapping_add(160);
            }
            silent += u32::from(!jitter.take(&mut ring, &mut frame));
            let ahead = timestamp.wrapping_sub(jitter.next.unwrap()) as i32;
            assert!((0..=RING as i32).contains(&ahead), "{ahead}");
        }
        assert!(silent < 3000 / 20, "{silent} silent frames");
    }
}

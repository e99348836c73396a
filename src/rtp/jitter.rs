//! Puts received sound back in time, for what is decoded here. Forwarded sound does not pass through it.
//!
//! A ring of octets, indexed by RTP timestamp: packets of any length, out of order, twice or overlapping fall into their
//! places by themselves. The delay follows the jitter that is measured: an empty buffer waits for what is late (and has
//! grown by that), a quiet moment gives the time back. What is not there when its time comes is concealed. The ring itself
//! is the caller's, so that a large table of them costs no memory before it is used.

use super::delay::Delay;
use crate::dsp::conceal::Conceal;
use crate::dsp::noise::Noise;
use crate::dsp::{g711, splice};
use crate::units::{Codec, FRAME_SAMPLES, Frame};

/// Octets in the ring: 256 ms. A power of two, so that timestamps wrap with it.
pub const RING: usize = 2048;
/// Where the octets lie, each beside the mark of its coding; 0 is none. What is in it before the first packet does not
/// matter.
pub type Ring = [u16; RING];
/// One frame.
const FRAME: i32 = FRAME_SAMPLES as i32;
/// Sound further ahead than this has piled up after a stall …
const PILED: i32 = 1280;
/// … and is skipped, as is a stream that is late, after so many packets in a row.
const PATIENCE: u8 = 8;
/// Samples of waiting after which the next packet starts anew: 200 ms.
const DRY: i32 = 1600;
/// Delay beyond what is needed that is given back in a quiet moment, and at the latest.
const SPARE_QUIET: i32 = FRAME;
const SPARE: i32 = 2 * FRAME;
/// Frames between two splices of sound that is not quiet.
const SPLICE_PAUSE: u8 = 5;
/// Mean absolute value of a frame that counts as quiet: about −42 dBm0.
const QUIET: u32 = 128;

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
    /// The timestamp after the last sample that came.
    end: u32,
    /// Samples waited for what did not come yet.
    waited: i32,
    misfits: u8,
    since_splice: u8,
    quiet: bool,
    concealed: u64,
    delay: Delay,
    conceal: Conceal,
    /// The peer is silent and said how loud its room is, RFC 3389.
    comfort: Option<Noise>,
}

impl Jitter {
    /// Empty.
    pub const fn new() -> Self {
        Self {
            next: None,
            end: 0,
            waited: 0,
            misfits: 0,
            since_splice: 0,
            quiet: false,
            concealed: 0,
            delay: Delay::new(),
            conceal: Conceal::new(),
            comfort: None,
        }
    }

    /// The peer began another stream: the next packet starts anew.
    pub fn restart(&mut self) {
        self.next = None;
    }

    /// The peer has nothing to say: after what is left there is noise instead of silence, until the next packet.
    pub fn comfort(&mut self, noise: Noise) {
        self.comfort = Some(noise);
    }

    /// Samples of concealment played so far in holes of the stream.
    pub const fn concealed(&self) -> u64 {
        self.concealed
    }

    /// How long sound waits here at present, samples.
    pub const fn delay(&self) -> u32 {
        match self.next {
            Some(next) => self.delay.of(next),
            None => 0,
        }
    }

    /// Takes in a packet's sound. At most 196 ms of it are kept.
    pub fn put(&mut self, ring: &mut Ring, timestamp: u32, codec: Codec, payload: &[u8]) -> Put {
        let payload = payload.get(..RING - 3 * FRAME_SAMPLES).unwrap_or(payload);
        let length = payload.len() as i32;
        self.comfort = None;
        let mut next = match self.next {
            Some(next) => self.resume(ring, next, timestamp),
            None => self.start(ring, timestamp),
        };
        let mut ahead = timestamp.wrapping_sub(next) as i32;
        let fits = ahead > -length && ahead <= PILED;
        self.misfits = if fits { 0 } else { self.misfits + 1 };
        let jumped = ahead.saturating_add(length) > RING as i32 || ahead < -(RING as i32);
        if jumped || self.misfits >= PATIENCE {
            next = self.start(ring, timestamp);
            ahead = timestamp.wrapping_sub(next) as i32;
        }
        self.next = Some(next);
        self.delay.arrived(timestamp, ahead < 0);
        let gone = usize::try_from(-ahead).unwrap_or(0);
        let Some(rest) = payload.get(gone..).filter(|r| !r.is_empty()) else { return Put::Late };
        let from = timestamp.wrapping_add(gone as u32);
        for (i, &octet) in rest.iter().enumerate() {
            ring[(from as usize + i) % RING] = slot(codec, octet);
        }
        let end = from.wrapping_add(rest.len() as u32);
        if end.wrapping_sub(self.end) as i32 > 0 {
            self.end = end;
        }
        Put::Kept
    }

    /// What a wait was for has come. If it was in vain, because that packet is lost, what was waited counts as its time.
    fn resume(&mut self, ring: &mut Ring, next: u32, timestamp: u32) -> u32 {
        let hole = timestamp.wrapping_sub(next) as i32;
        if hole < 0 {
            return next;
        }
        let skip = hole.min(self.waited);
        self.waited = 0;
        clear(ring, next, skip)
    }

    /// Empties the ring for a stream that begins with this timestamp, and says which one is played next.
    fn start(&mut self, ring: &mut Ring, timestamp: u32) -> u32 {
        ring.fill(0);
        (self.waited, self.misfits, self.end) = (0, 0, timestamp);
        self.delay.start(timestamp)
    }

    /// The next 20 ms. True if any of it was received or is the noise that the peer asked for, false if all of it is
    /// concealment or silence.
    pub fn take(&mut self, ring: &mut Ring, frame: &mut Frame) -> bool {
        let next = self.next.filter(|next| self.end.wrapping_sub(*next) as i32 > 0);
        let short = next.map_or(0, |next| self.delay.short_by(next));
        self.delay.tick();
        self.since_splice = self.since_splice.saturating_add(1);
        let Some(next) = next else { return self.nothing(frame) };
        if short >= FRAME && self.quiet && !self.conceal.is_silent() {
            self.conceal.fill(&mut frame.0);
            return false;
        }
        let hurry = self.since_splice >= SPLICE_PAUSE && -short >= SPARE;
        let spliced = (hurry || self.quiet && -short >= SPARE_QUIET) && self.splice(ring, next, frame);
        let heard = spliced || self.play(ring, next, frame);
        if heard {
            let sum: u32 = frame.0.iter().map(|s| u32::from(s.unsigned_abs())).sum();
            self.quiet = sum < QUIET * FRAME_SAMPLES as u32;
        }
        heard
    }

    /// Plays what is there and conceals what is not. What would come after the end is waited for.
    fn play(&mut self, ring: &mut Ring, next: u32, frame: &mut Frame) -> bool {
        let ready = (self.end.wrapping_sub(next) as i32).clamp(0, FRAME) as usize;
        let (mut at, mut heard) = (0, false);
        while at < ready {
            let here = |i: usize| ring[(next as usize + i) % RING] != 0;
            let present = here(at);
            let to = (at..ready).find(|i| here(*i) != present).unwrap_or(ready);
            if present {
                for i in at..to {
                    frame.0[i] = sound(ring[(next as usize + i) % RING]);
                }
                self.conceal.heard(&mut frame.0[at..to]);
                heard = true;
            } else {
                self.fill(&mut frame.0[at..to]);
            }
            at = to;
        }
        self.next = Some(clear(ring, next, ready as i32));
        if ready < FRAME_SAMPLES {
            self.fill(&mut frame.0[ready..]);
            self.waited += FRAME - ready as i32;
        }
        heard
    }

    /// Nothing is left to be played.
    fn nothing(&mut self, frame: &mut Frame) -> bool {
        if let Some(noise) = &mut self.comfort {
            frame.0.fill_with(|| noise.sample());
            self.conceal.heard(&mut frame.0);
            self.next = None;
            return true;
        }
        self.fill(&mut frame.0);
        self.waited += FRAME;
        if self.waited >= DRY {
            self.next = None;
        }
        false
    }

    fn fill(&mut self, hole: &mut [i16]) {
        if !self.conceal.is_silent() {
            self.concealed += hole.len() as u64;
        }
        self.conceal.fill(hole);
    }

    /// Plays two frames in the time of one, or a little less. False if they are not both there.
    fn splice(&mut self, ring: &mut Ring, next: u32, frame: &mut Frame) -> bool {
        let mut source = [0; 2 * FRAME_SAMPLES];
        for (i, out) in source.iter_mut().enumerate() {
            let slot = ring[(next as usize + i) % RING];
            if slot == 0 {
                return false;
            }
            *out = sound(slot);
        }
        let Some(skipped) = splice::splice(&source, &mut frame.0, self.quiet) else { return false };
        self.conceal.heard(&mut frame.0);
        self.since_splice = 0;
        self.next = Some(clear(ring, next, FRAME + skipped as i32));
        true
    }
}

/// An octet with the mark of its coding; what is wide-band comes as µ-law of its lower band.
const fn slot(codec: Codec, octet: u8) -> u16 {
    let mark = match codec {
        Codec::Pcmu | Codec::G722 => 0x100,
        Codec::Pcma => 0x200,
    };
    mark | octet as u16
}

fn sound(slot: u16) -> i16 {
    let codec = if slot & 0x200 != 0 { Codec::Pcma } else { Codec::Pcmu };
    g711::decode(codec, slot as u8)
}

/// Empties so many places and says which comes next.
fn clear(ring: &mut Ring, from: u32, samples: i32) -> u32 {
    let samples = u32::try_from(samples).unwrap_or(0);
    for i in 0..samples as usize {
        ring[(from as usize + i) % RING] = 0;
    }
    from.wrapping_add(samples)
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
        let (mut jitter, mut ring) = (Jitter::new(), [0x1ff; RING]);
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
    fn packets_of_every_length_come_out_as_one_sound_after_40_ms() {
        for ms in [10u32, 20, 30, 40, 60] {
            for start in [0u32, 12_345, u32::MAX - 700] {
                let length = ms * 8;
                let packets: Vec<_> = (0..600 / ms)
                    .map(|i| ((i * ms / 20) as usize, start.wrapping_add(i * length), length))
                    .collect();
                let out = play(&packets, 30);
                assert!(out[..320].iter().all(|s| *s == 0), "{ms} ms: silence first");
                assert_sound(&format!("{ms} ms from {start}"), &out, 320, start, 8 * 500);
            }
        }
    }

    #[test]
    fn disorder_within_the_delay_is_not_heard() {
        // Each table: frame of arrival and number of the packet.
        let tables: [(&str, &[(usize, u32)]); 3] = [
            ("reordered", &[(0, 0), (1, 2), (2, 1), (3, 3), (4, 5), (4, 4), (5, 6)]),
            ("duplicated", &[(0, 0), (0, 0), (1, 1), (2, 2), (2, 1), (3, 3), (4, 4), (5, 5), (5, 6)]),
            ("two late at once", &[(0, 0), (3, 1), (3, 2), (3, 3), (4, 4), (5, 5), (6, 6)]),
        ];
        for (name, table) in tables {
            let packets: Vec<_> = table.iter().map(|(frame, n)| (*frame, 1000 + n * 160, 160)).collect();
            assert_sound(name, &play(&packets, 12), 320, 1000, 7 * 160);
        }
    }

    #[test]
    fn a_lost_packet_is_concealed_and_the_rest_stays_in_time() {
        let packets: Vec<_> = (0..10).filter(|n| *n != 4).map(|n| (n as usize, n * 160, 160)).collect();
        let out = play(&packets, 15);
        assert_sound("before", &out, 320, 0, 4 * 160);
        assert!(out[320 + 640..320 + 800].iter().any(|s| *s != 0), "concealed, not silent");
        // What returns is blended in for 10 ms.
        assert_sound("after", &out, 320 + 880, 880, 5 * 160 - 80);
    }

    #[test]
    fn a_late_packet_is_counted_and_harmless() {
        let (mut jitter, mut ring) = (Jitter::new(), [0x1ff; RING]);
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
            let start = 50_000u32.wrapping_add(jump + 10 * 160 + 80);
            assert_sound("jump", &out, 12 * 160 + 80, start, 15 * 160);
        }
        let before = (0..10).map(|n| (n as usize, n * 160, 160));
        let after = (100..120).map(|n| (n as usize, n * 160 + 77, 160));
        let out = play(&before.chain(after).collect::<Vec<_>>(), 120);
        assert_sound("pause", &out, 102 * 160, 100 * 160 + 77, 15 * 160);
        assert!(out[20 * 160..102 * 160].iter().all(|s| *s == 0));
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
        let (mut jitter, mut ring) = (Jitter::new(), [0x1ff; RING]);
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

    /// What a trace of arrivals does to the sound of a voice that speaks for 1.5 s and is quiet for half a second.
    #[derive(Debug)]
    struct Outcome {
        /// Milliseconds of 20 ms frames of speech in which nothing was received.
        missed_ms: u64,
        late: usize,
        /// Delay in the last second, ms.
        delay_ms: u32,
        longest_gap_ms: u64,
    }

    /// Plays packets of 20 ms that arrive at these microseconds.
    fn trace(arrivals: &[(u64, u32)], seconds: u64) -> Outcome {
        let (mut jitter, mut ring, mut frame) = (Jitter::new(), [0; RING], Frame::SILENCE);
        let mut order: Vec<_> = arrivals.to_vec();
        order.sort_by_key(|a| a.0);
        let mut waiting = order.into_iter().peekable();
        let mut outcome = Outcome { missed_ms: 0, late: 0, delay_ms: 0, longest_gap_ms: 0 };
        let mut gap = 0;
        for tick in 1..seconds * 50 {
            while let Some((_, n)) = waiting.next_if(|a| a.0 < tick * 20_000 + 7_000) {
                let talks = n % 100 < 75;
                let payload: Vec<u8> =
                    (0..160).map(|i| if talks { 0x10 + (i % 50) as u8 } else { 0xff }).collect();
                outcome.late += usize::from(jitter.put(&mut ring, n * 160, CODEC, &payload) == Put::Late);
            }
            let heard = jitter.take(&mut ring, &mut frame);
            gap = if heard { 0 } else { gap + 20 };
            if tick > 50 && !heard {
                outcome.missed_ms += 20;
                outcome.longest_gap_ms = outcome.longest_gap_ms.max(gap);
            }
            if tick > (seconds - 1) * 50 {
                outcome.delay_ms = outcome.delay_ms.max(jitter.delay() / 8);
            }
        }
        outcome
    }

    /// A small generator, so that a seed names a trace.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % sides
        }
    }

    #[test]
    fn the_delay_follows_what_the_network_does() {
        type Network = fn(u64, u64, &mut Dice) -> Option<u64>;
        // Name; arrival of packet n sent at a time; most ms missed in a minute; most late; delay in the end, ms.
        let tables: [(&str, Network, u64, usize, core::ops::RangeInclusive<u32>); 12] = [
            ("clean", |_, at, _| Some(at), 0, 0, 20..=40),
            ("jitter of 15 ms", |_, at, d| Some(at + d.roll(15_000)), 100, 10, 20..=60),
            ("jitter of 50 ms", |_, at, d| Some(at + d.roll(50_000)), 600, 60, 40..=80),
            // Every second the air is taken for 60 ms, and all comes at once.
            (
                "Wi-Fi",
                |_, at, _| {
                    Some(if at % 1_000_000 < 60_000 { at / 1_000_000 * 1_000_000 + 60_000 } else { at })
                },
                300,
                10,
                20..=100,
            ),
            ("1 % lost", |_, at, d| (d.roll(100) >= 1).then_some(at), 60 * 20, 0, 20..=60),
            ("3 % lost", |_, at, d| (d.roll(100) >= 3).then_some(at), 150 * 20, 0, 20..=60),
            ("10 % lost", |_, at, d| (d.roll(100) >= 10).then_some(at), 400 * 20, 0, 20..=60),
            ("bursts of 5 lost", |n, at, _| (n % 100 > 4).then_some(at), 3200, 0, 20..=60),
            ("reordered", |n, at, _| Some(if n % 10 == 3 { at + 25_000 } else { at }), 200, 30, 20..=60),
            ("fast by 200 ppm", |_, at, _| Some(at - at / 5_000), 40, 0, 20..=60),
            ("slow by 200 ppm", |_, at, _| Some(at + at / 5_000), 60, 0, 20..=60),
            // Later by 80 ms from the middle on.
            ("another route", |n, at, _| Some(if n > 1500 { at + 80_000 } else { at }), 200, 8, 20..=60),
        ];
        for (name, network, missed, late, delay) in tables {
            let mut dice = Dice(7);
            let arrivals: Vec<(u64, u32)> = (0..3000u32)
                .filter_map(|n| {
                    network(u64::from(n), u64::from(n) * 20_000 + 3_000, &mut dice).map(|at| (at, n))
                })
                .collect();
            let outcome = trace(&arrivals, 60);
            println!("{name}: {outcome:?}");
            assert!(outcome.missed_ms <= missed && outcome.late <= late, "{name}: {outcome:?}");
            assert!(delay.contains(&outcome.delay_ms), "{name}: {outcome:?}");
        }
    }

    #[test]
    fn what_piled_up_is_given_back_within_two_seconds() {
        let arrivals: Vec<(u64, u32)> =
            (0..500u32).map(|n| (if n < 10 { 200_000 } else { u64::from(n) * 20_000 + 3_000 }, n)).collect();
        let outcome = trace(&arrivals, 10);
        assert!(outcome.delay_ms <= 80 && outcome.missed_ms == 0, "{outcome:?}");
    }

    #[test]
    fn a_peer_that_is_silent_is_followed_by_the_noise_it_named_and_then_by_its_voice() {
        let (mut jitter, mut ring, mut frame) = (Jitter::new(), [0; RING], Frame::SILENCE);
        jitter.put(&mut ring, 0, CODEC, &packet(0, 160));
        jitter.comfort(Noise::new(&[40], 9));
        let heard: Vec<bool> = (0..20).map(|_| jitter.take(&mut ring, &mut frame)).collect();
        assert!(heard[2..].iter().all(|h| *h), "{heard:?}");
        let level = crate::dsp::level::level(&frame).0;
        assert!((-36.0..-31.0).contains(&level), "−40 dBov is −34 dBm0: {level}");
        assert_eq!(jitter.concealed(), 0);
        jitter.put(&mut ring, 99_000, CODEC, &packet(99_000, 160));
        let back: Vec<bool> = (0..3).map(|_| jitter.take(&mut ring, &mut frame)).collect();
        assert_eq!(back, [false, false, true]);
        assert_eq!(frame.0[80], g711::decode(CODEC, octet(99_080)), "after it was blended in");
    }
}

//! The sound side of one leg of a far end: sends 20 ms of G.711 after 20 ms, sends and hears telephone-events.

use super::ear::Ear;
use super::sounds::Sound;
use crate::dsp::g711;
use crate::dsp::tone::{Generator, Signal};
use crate::rtp::srtp::{Context, TAIL_BYTES};
use crate::sip::Session;
use crate::units::{Codec, Digit, FRAME_SAMPLES, FRAME_TIME, Instant};
use core::time::Duration;
use rtp_rs::{RtpPacketBuilder, RtpReader};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// A key press of somebody who does not hold it.
pub const USUAL: Duration = Duration::from_millis(100);
/// After a key its end thrice (RFC 4733 §2.5.1.4), then a pause before the next. It lasts at most what one segment can say.
const KEY_MOST: u16 = 400;
const KEY_END_FRAMES: u16 = 3;
const KEY_PAUSE_FRAMES: u16 = 4;
/// A sender later than this has slept, and goes on from now instead of sending a burst.
const LATE: Duration = Duration::from_millis(200);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Playing {
    /// A quiet line: steps of a few units around zero, as a real one has.
    Quiet,
    /// A sound to its end, then quiet.
    Once(Sound),
    /// A sound around and around.
    Loop(Sound),
    /// Any recording, µ-law at 8 kHz; around and around if true, else to its end.
    Clip(&'static [u8], bool),
    /// A pure tone, Hz.
    Tone(u16),
    /// Tones in a rhythm.
    Signal(Signal),
}

impl Playing {
    /// Ringback of the US: 440 + 480 Hz, 2 s on, 4 s off.
    pub const RINGBACK: Self =
        Self::Signal(Signal { hz: [440, 480], cadence_ms: [2_000, 4_000, 0, 0, 0, 0] });
}

struct Key {
    digit: Digit,
    /// Frames that it is held.
    held: u16,
    frame: u16,
    timestamp: u32,
}

/// One leg's RTP.
pub struct Line {
    session: Session,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    due: Instant,
    playing: Playing,
    frame: usize,
    tone: Option<Generator>,
    key: Option<Key>,
    keys: VecDeque<(Digit, u16)>,
    last_event: Option<(u32, u8)>,
    digits: VecDeque<Digit>,
    /// Keys heard, and how long each was held.
    presses: Vec<(Digit, Duration)>,
    noise: u32,
    /// Out and in, if the session is encrypted.
    secure: Option<(Context, Context)>,
    /// Packets that came and could not be opened.
    pub unopened: u32,
    /// What comes in.
    pub ear: Ear,
}

impl Line {
    /// Opens at `now`; the first packet is due at once. `seed` starts SSRC, sequence and timestamp.
    pub fn new(now: Instant, session: Session, seed: u64) -> Self {
        Self {
            session,
            secure: secure(&session),
            unopened: 0,
            // RFC 3711 §3.3.1: below 2^15.
            sequence: seed as u16 & 0x7fff,
            timestamp: (seed >> 16) as u32,
            ssrc: (seed >> 24) as u32,
            due: now,
            playing: Playing::Quiet,
            frame: 0,
            tone: None,
            key: None,
            keys: VecDeque::new(),
            last_event: None,
            digits: VecDeque::new(),
            presses: Vec::new(),
            noise: 1,
            ear: Ear::new(),
        }
    }

    /// The session after a renegotiation.
    pub fn change(&mut self, session: Session) {
        match (self.secure.as_mut(), session.keys) {
            (Some((out, into)), Some(keys)) => {
                out.change(keys.ours);
                into.change(keys.theirs);
            }
            _ => self.secure = secure(&session),
        }
        self.session = session;
    }

    /// Where RTP goes to and comes from.
    pub fn remote(&self) -> SocketAddr {
        self.session.remote
    }

    /// Plays this from its start.
    pub fn play(&mut self, playing: Playing) {
        self.playing = playing;
        self.frame = 0;
        self.tone = match playing {
            Playing::Tone(hz) => Some(Generator::new(Signal { hz: [hz, 0], cadence_ms: [0; 6] })),
            Playing::Signal(signal) => Some(Generator::new(signal)),
            _ => None,
        };
    }

    /// A sound that ends by itself has not ended yet, or keys are being sent.
    pub fn is_busy(&self) -> bool {
        matches!(self.playing, Playing::Once(_) | Playing::Clip(_, false))
            || self.key.is_some()
            || !self.keys.is_empty()
    }

    /// Presses a key and holds it, up to 8 s, after those before it. At most 32 wait.
    pub fn press(&mut self, digit: Digit, held: Duration) {
        if self.keys.len() < 32 {
            let frames = u16::try_from(held.as_millis() / FRAME_TIME.as_millis()).unwrap_or(KEY_MOST);
            self.keys.push_back((digit, frames.clamp(1, KEY_MOST)));
        }
    }

    /// The next key heard, once per press.
    pub fn take_digit(&mut self) -> Option<Digit> {
        self.digits.pop_front()
    }

    /// The last 32 keys heard, and how long each was held so far.
    pub fn presses(&self) -> &[(Digit, Duration)] {
        &self.presses
    }

    /// When the next packet is due.
    pub fn deadline(&self) -> Instant {
        self.due
    }

    /// A packet, if one is due. Call until `None`.
    pub fn packet(&mut self, now: Instant) -> Option<Vec<u8>> {
        if now < self.due {
            return None;
        }
        if now.since(self.due) > LATE {
            self.due = now;
        }
        self.due += FRAME_TIME;
        let at = self.timestamp;
        self.timestamp = self.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        if let Some((payload, event_type, key_at, first)) = self.key_payload(at) {
            return self.build(event_type, key_at, first, &payload);
        }
        // A line that is held still counts its time: what it plays has passed when it is resumed.
        let payload = self.audio();
        if self.session.send { self.build(self.session.payload_type, at, false, &payload) } else { None }
    }

    /// A datagram from [`Line::remote`].
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        if let Some((_, into)) = &mut self.secure {
            match into.open(&mut bytes) {
                Ok(length) => bytes.truncate(length),
                Err(_) => return self.unopened += 1,
            }
        }
        let Ok(packet) = RtpReader::new(&bytes) else { return };
        let payload = packet.payload();
        let audio = match self.session.codec {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::G722 => 9,
        };
        if packet.payload_type() == audio {
            self.ear.hear(now, self.session.codec, payload);
        } else if let (true, [event, ..]) = (packet.payload_type() >= 96, payload) {
            // RFC 4733 §2.5.1.2: all packets of one event share its timestamp.
            let id = (packet.timestamp(), *event);
            let (&[_, _, high, low, ..], Some(digit)) = (payload, Digit::from_event(*event)) else { return };
            if self.last_event != Some(id) {
                self.last_event = Some(id);
                self.digits.push_back(digit);
                self.digits.truncate(32);
                if self.presses.len() == 32 {
                    self.presses.remove(0);
                }
                self.presses.push((digit, Duration::ZERO));
            }
            if let Some((_, held)) = self.presses.last_mut() {
                *held = Duration::from_micros(u64::from(u16::from_be_bytes([high, low])) * 125).max(*held);
            }
        }
    }

    fn build(&mut self, payload_type: u8, timestamp: u32, marked: bool, payload: &[u8]) -> Option<Vec<u8>> {
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = RtpPacketBuilder::new()
            .payload_type(payload_type)
            .ssrc(self.ssrc)
            .sequence(sequence.into())
            .timestamp(timestamp)
            .marked(marked)
            .payload(payload)
            .build()
            .ok()?;
        if let Some((out, _)) = &mut self.secure {
            let length = packet.len();
            packet.resize(length + TAIL_BYTES, 0);
            let length = out.protect(&mut packet, length).ok()?;
            packet.truncate(length);
        }
        Some(packet)
    }

    /// The telephone-event packet of this frame: payload, type, the event's timestamp, marker.
    fn key_payload(&mut self, at: u32) -> Option<([u8; 4], u8, u32, bool)> {
        let event_type = self.session.event_type?;
        if self.key.is_none() {
            self.key =
                self.keys.pop_front().map(|(digit, held)| Key { digit, held, frame: 0, timestamp: at });
        }
        let key = self.key.as_mut()?;
        key.frame += 1;
        let (digit, held, frame, timestamp) = (key.digit, key.held, key.frame, key.timestamp);
        let total = held + KEY_END_FRAMES - 1;
        if frame > total + KEY_PAUSE_FRAMES {
            self.key = None;
        }
        if frame > total {
            return None;
        }
        let end = if frame >= held { 0x80 } else { 0 };
        let [high, low] = (frame.min(held) * FRAME_SAMPLES as u16).to_be_bytes();
        Some(([digit.event(), end | 10, high, low], event_type, timestamp, frame == 1))
    }

    fn audio(&mut self) -> Vec<u8> {
        let n = self.frame;
        self.frame += 1;
        let mut coded = match self.playing {
            Playing::Quiet => self.quiet(),
            Playing::Tone(_) | Playing::Signal(_) => self.signal(),
            Playing::Loop(sound) => {
                let samples = sound.samples();
                let start = n % (samples.len() / FRAME_SAMPLES) * FRAME_SAMPLES;
                samples.get(start..start + FRAME_SAMPLES).map_or_else(|| self.quiet(), <[u8]>::to_vec)
            }
            Playing::Clip(samples, true) => {
                let start = n % (samples.len() / FRAME_SAMPLES).max(1) * FRAME_SAMPLES;
                samples.get(start..start + FRAME_SAMPLES).map_or_else(|| self.quiet(), <[u8]>::to_vec)
            }
            Playing::Once(_) | Playing::Clip(_, false) => {
                let samples = match self.playing {
                    Playing::Once(sound) => sound.samples(),
                    Playing::Clip(samples, _) => samples,
                    _ => &[],
                };
                let start = n * FRAME_SAMPLES;
                match samples.get(start..start + FRAME_SAMPLES) {
                    Some(frame) => frame.to_vec(),
                    None => {
                        self.playing = Playing::Quiet;
                        self.quiet()
                    }
                }
            }
        };
        g711::translate(Codec::Pcmu, self.session.codec, &mut coded);
        coded
    }

    fn signal(&mut self) -> Vec<u8> {
        let mut sample = || self.tone.as_mut().map_or(0, Generator::sample);
        (0..FRAME_SAMPLES).map(|_| g711::encode(Codec::Pcmu, sample())).collect()
    }

    fn quiet(&mut self) -> Vec<u8> {
        let mut step = || {
            self.noise ^= self.noise << 13;
            self.noise ^= self.noise >> 17;
            self.noise ^= self.noise << 5;
            g711::encode(Codec::Pcmu, (self.noise % 17) as i16 - 8)
        };
        (0..FRAME_SAMPLES).map(|_| step()).collect()
    }
}

fn secure(session: &Session) -> Option<(Context, Context)> {
    let keys = session.keys?;
    Context::new(keys.ours).zip(Context::new(keys.theirs))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::demo::ear::Kind;

    fn session(codec: Codec) -> Session {
        let payload_type = if codec == Codec::Pcmu { 0 } else { 8 };
        let remote = "127.0.0.1:4000".parse().unwrap();
        Session {
            remote,
            codec,
            payload_type,
            event_type: Some(101),
            rtcp: None,
            send: true,
            receive: true,
            keys: None,
        }
    }

    /// Runs one line into another for `ms` and returns the ends.
    fn run(codec: Codec, ms: u64, first: impl Fn(&mut Line)) -> (Line, Line, u32) {
        let (mut a, mut b) =
            (Line::new(Instant::ZERO, session(codec), 7), Line::new(Instant::ZERO, session(codec), 9));
        first(&mut a);
        let mut packets = 0;
        for t in 0..ms {
            let now = Instant(t * 1_000);
            while let Some(bytes) = a.packet(now) {
                packets += 1;
                b.receive(now, &bytes);
            }
        }
        (a, b, packets)
    }

    #[test]
    fn a_packet_leaves_every_20_ms_whatever_is_sent() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let (_, b, packets) = run(codec, 10_000, |a| a.play(Playing::Once(Sound::AgentGreeting)));
            assert_eq!(packets, 500);
            assert_eq!(b.ear.spans().first().map(|s| s.kind), Some(Kind::Known(Sound::AgentGreeting)));
            assert!(b.ear.pause(Instant(10_000_000)) > Duration::from_secs(5), "quiet after the end");
        }
    }

    #[test]
    fn keys_are_heard_once_each_and_in_order() {
        let (_, mut b, packets) = run(Codec::Pcmu, 2_000, |a| {
            "1**!".chars().for_each(|c| a.press(Digit::from_char(c).unwrap(), USUAL))
        });
        let heard: String = core::iter::from_fn(|| b.take_digit()).map(Digit::as_char).collect();
        assert_eq!((heard.as_str(), packets), ("1**!", 100));
    }

    #[test]
    fn a_tone_arrives_as_that_tone() {
        let (_, b, _) = run(Codec::Pcma, 400, |a| a.play(Playing::Tone(1_200)));
        assert_eq!(b.ear.spans().iter().map(|s| s.kind).collect::<Vec<_>>(), [Kind::Tone(1_200)]);
        let level = b.ear.level_dbm0().unwrap();
        assert!((level + 13.0).abs() < 0.5, "{level} dBm0");
    }

    #[test]
    fn a_sleeper_does_not_send_a_burst() {
        let mut a = Line::new(Instant::ZERO, session(Codec::Pcmu), 7);
        assert!(a.packet(Instant::ZERO).is_some());
        let late = Instant(5_000_000);
        assert!(core::iter::from_fn(|| a.packet(late)).count() <= 2);
    }
}

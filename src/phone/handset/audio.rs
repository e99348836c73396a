//! The handset's sound, 20 ms at a time: microphone to RTP, RTP and tones to the ear, the bell. Pure; nothing is allocated
//! after it was made.
//!
//! ```text
//!   packet() ──► jitter buffer ──┐
//!   tones, keys ─────────────────┴─► ear (or the loudspeaker)     microphone ──┬─► packet out
//!                                         ▲──────── sidetone ──────────────────┘
//! ```

use super::Sound;
use crate::dsp::g711;
use crate::dsp::level::level;
use crate::dsp::noise::Noise;
use crate::dsp::tone::{BEEP, Country, Generator, Signal};
use crate::media::Tone;
use crate::rtp::digit::{Hold, PAUSE_FRAMES, SHORTEST, Sending};
use crate::rtp::jitter::{Jitter, RING, Ring};
use crate::rtp::packet::{self, HEADER_BYTES};
use crate::rtp::stream::Sender;
use crate::sip::Session;
use crate::units::{Codec, Dbm0, Digit, FRAME_SAMPLES, Frame};
use std::net::SocketAddr;

/// Keys that wait for their turn.
const KEYS: usize = 16;
/// Frames of a key's own sound in the ear: 100 ms.
const CLICK_FRAMES: u8 = 5;
/// How much softer than in the band a key sounds in the ear, dB.
const CLICK_SOFTER_DB: f32 = 9.0;
/// Static payload types, RFC 3551 §6, and comfort noise, RFC 3389 §3.
const PCMU: u8 = 0;
const PCMA: u8 = 8;
const NOISE: u8 = 13;
/// Two tones 25 Hz apart trill as a bell does.
const BELL_HZ: [u16; 2] = [1_000, 1_025];

/// How loud, dB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gains {
    /// Of the microphone.
    pub microphone: f32,
    /// Of the ear.
    pub ear: f32,
    /// Of the own voice in the ear; `None`: it is not heard.
    pub sidetone: Option<f32>,
    /// Of what is heard aloud.
    pub aloud: f32,
}

impl Default for Gains {
    /// The sidetone of a good telephone: the own voice 18 dB softer than it is sent.
    fn default() -> Self {
        Self { microphone: 0.0, ear: 0.0, sidetone: Some(-18.0), aloud: 0.0 }
    }
}

/// What is sent instead of the microphone.
#[derive(Clone, Copy, Debug)]
enum Pressing {
    Nothing,
    Event(Sending),
    InBand(Generator, u8),
    Pause(u8),
}

/// The sound of the handset.
pub struct Audio {
    country: &'static Country,
    /// Factors of microphone, ear, sidetone and what is heard aloud.
    gains: [f32; 4],
    talk: Option<Session>,
    sender: Sender,
    jitter: Jitter,
    ring: Box<Ring>,
    /// The source of the stream that is heard.
    source: Option<u32>,
    tone: Option<Generator>,
    click: Option<(Generator, u8)>,
    keys: [Digit; KEYS],
    waiting: usize,
    pressing: Pressing,
    bell: Option<Generator>,
    aloud: bool,
    testing: Option<Generator>,
    level: Dbm0,
    datagram: [u8; HEADER_BYTES + FRAME_SAMPLES],
}

impl Audio {
    /// Silent. `seed` starts the stream's numbers.
    pub fn new(country: &'static Country, gains: Gains, seed: u64) -> Self {
        crate::dsp::tone::prepare();
        let factor = |db: f32| 10f32.powf(db / 20.0);
        Self {
            country,
            gains: [
                factor(gains.microphone),
                factor(gains.ear),
                gains.sidetone.map_or(0.0, factor),
                factor(gains.aloud),
            ],
            talk: None,
            sender: Sender::new(seed),
            jitter: Jitter::new(),
            ring: Box::new([0; RING]),
            source: None,
            tone: None,
            click: None,
            keys: [Digit::STAR; KEYS],
            waiting: 0,
            pressing: Pressing::Nothing,
            bell: None,
            aloud: false,
            testing: None,
            level: Dbm0(f32::NEG_INFINITY),
            datagram: [0; HEADER_BYTES + FRAME_SAMPLES],
        }
    }

    /// Takes an order.
    pub fn order(&mut self, sound: Sound) {
        match sound {
            Sound::Talk(session) => {
                // Another call, or another place of it: nothing of the former may be heard.
                if self.talk.is_none_or(|talk| talk.remote != session.remote) {
                    self.hush();
                }
                self.talk = Some(session);
            }
            Sound::Quiet => {
                self.talk = None;
                self.hush();
            }
            Sound::Tone(tone) => self.tone = tone.map(|tone| self.generator(tone)),
            Sound::Key(digit) => {
                self.click(digit);
                if let Some(place) = self.keys.get_mut(self.waiting) {
                    *place = digit;
                    self.waiting += 1;
                }
            }
            Sound::Click(digit) => self.click(digit),
            Sound::Ring(rings) => {
                let cadence_ms = self.country.ringback.cadence_ms;
                self.bell = rings.then(|| Generator::new(Signal { hz: BELL_HZ, cadence_ms }));
            }
            Sound::Aloud(aloud) => self.aloud = aloud,
            Sound::Test(on) => self.testing = on.then(|| Generator::new(BEEP)),
        }
    }

    /// A datagram came. What is not from whom is talked to, or no sound, is passed over.
    pub fn packet(&mut self, from: SocketAddr, datagram: &[u8]) {
        let Some(talk) = self.talk.filter(|talk| talk.remote == from && talk.receive) else { return };
        let Ok((header, payload)) = packet::parse(datagram) else { return };
        let payload = datagram.get(payload).unwrap_or_default();
        if self.source.replace(header.ssrc) != Some(header.ssrc) {
            self.jitter.restart();
        }
        match header.payload_type {
            PCMU => drop(self.jitter.put(&mut self.ring, header.timestamp, Codec::Pcmu, payload)),
            PCMA => drop(self.jitter.put(&mut self.ring, header.timestamp, Codec::Pcma, payload)),
            NOISE => self.jitter.comfort(Noise::new(payload, talk.remote.port().into())),
            _ => {}
        }
    }

    /// The next 20 ms: what the microphone heard in, what ear and bell play out, and what is to be sent, if anything.
    pub fn tick(&mut self, mic: &Frame, ear: &mut Frame, bell: &mut Frame) -> Option<(SocketAddr, &[u8])> {
        self.level = level(mic);
        *ear = Frame::SILENCE;
        *bell = Frame::SILENCE;
        let talk = self.talk;
        if talk.is_some() {
            self.jitter.take(&mut self.ring, ear);
        }
        let [microphone, loud, mut side, aloud] = self.gains;
        if self.aloud {
            core::mem::swap(ear, bell);
            bell.0.iter_mut().for_each(|heard| *heard = clip(f32::from(*heard) * aloud));
        }
        if let Some(ringing) = &mut self.bell {
            bell.0.fill_with(|| ringing.sample());
        }
        if let Some(tone) = &mut self.tone {
            ear.0.fill_with(|| tone.sample());
        }
        if let Some((click, frames)) = &mut self.click {
            ear.0.fill_with(|| click.sample());
            *frames -= 1;
            if *frames == 0 {
                self.click = None;
            }
        }
        if let Some(test) = &mut self.testing {
            ear.0.fill_with(|| test.sample());
            *bell = *ear;
        }
        if talk.is_none() || self.aloud {
            side = 0.0;
        }
        for (heard, said) in ear.0.iter_mut().zip(mic.0) {
            *heard = clip(f32::from(*heard) * loud + f32::from(said) * side);
        }
        self.say(talk?, mic, if self.aloud { 0.0 } else { microphone })
    }

    /// How loud the last 20 ms were at the microphone.
    pub const fn level(&self) -> Dbm0 {
        self.level
    }

    /// Somebody is talked to or heard, something rings or sounds: the sound card is needed.
    pub const fn is_busy(&self) -> bool {
        self.talk.is_some()
            || self.tone.is_some()
            || self.bell.is_some()
            || self.click.is_some()
            || self.testing.is_some()
    }

    fn say(&mut self, talk: Session, mic: &Frame, gain: f32) -> Option<(SocketAddr, &[u8])> {
        self.press(&talk);
        let header = match &mut self.pressing {
            Pressing::Event(sending) => {
                let (packet, event_type) = (sending.poll()?, talk.event_type?);
                let payload = self.datagram.get_mut(HEADER_BYTES..HEADER_BYTES + packet.payload.len())?;
                payload.copy_from_slice(&packet.payload);
                let header = self.sender.event(event_type, FRAME_SAMPLES as u32, packet.begins);
                packet::prefix(&header, &mut self.datagram, HEADER_BYTES)?;
                return Some((talk.remote, self.datagram.get(..HEADER_BYTES + packet.payload.len())?));
            }
            Pressing::InBand(generator, _) => {
                let payload = self.datagram.get_mut(HEADER_BYTES..)?;
                payload.fill_with(|| g711::encode(talk.codec, generator.sample()));
                self.sender.own(talk.payload_type, FRAME_SAMPLES as u32, false)
            }
            Pressing::Nothing | Pressing::Pause(_) => {
                let payload = self.datagram.get_mut(HEADER_BYTES..)?;
                for (octet, said) in payload.iter_mut().zip(mic.0) {
                    *octet = g711::encode(talk.codec, clip(f32::from(said) * gain));
                }
                self.sender.own(talk.payload_type, FRAME_SAMPLES as u32, false)
            }
        };
        if !talk.send {
            return None;
        }
        packet::prefix(&header, &mut self.datagram, HEADER_BYTES)?;
        Some((talk.remote, &self.datagram))
    }

    /// Goes on to the next key, RFC 4733 §2.5.1: each is whole, and a pause follows.
    fn press(&mut self, talk: &Session) {
        self.pressing = match self.pressing {
            Pressing::Event(sending) if sending.is_over() => Pressing::Pause(PAUSE_FRAMES),
            Pressing::InBand(_, 0) => Pressing::Pause(PAUSE_FRAMES),
            Pressing::InBand(generator, left) => Pressing::InBand(generator, left - 1),
            Pressing::Pause(left) if left > 0 => Pressing::Pause(left - 1),
            Pressing::Nothing | Pressing::Pause(_) if self.waiting > 0 => {
                let digit = self.keys[0];
                self.keys.rotate_left(1);
                self.waiting -= 1;
                match (talk.event_type, Generator::key(digit)) {
                    (Some(_), _) => Pressing::Event(Sending::new(digit, Hold::new(Some(SHORTEST)))),
                    (None, Some(generator)) => Pressing::InBand(generator, CLICK_FRAMES),
                    (None, None) => Pressing::Nothing,
                }
            }
            Pressing::Pause(_) => Pressing::Nothing,
            goes_on => goes_on,
        };
    }

    fn click(&mut self, digit: Digit) {
        self.click = Generator::key_softer(digit, CLICK_SOFTER_DB).map(|generator| (generator, CLICK_FRAMES));
    }

    fn hush(&mut self) {
        self.jitter = Jitter::new();
        self.source = None;
        self.waiting = 0;
        self.pressing = Pressing::Nothing;
    }

    fn generator(&self, tone: Tone) -> Generator {
        let country = self.country;
        match tone {
            Tone::Ringback => Generator::new(country.ringback),
            Tone::Busy => Generator::new(country.busy),
            Tone::Congestion => Generator::new(country.congestion),
            Tone::Dial => Generator::new(country.dial),
            Tone::Stutter => Generator::stuttering(country.dial),
            Tone::Special => Generator::sequence(country.special),
            Tone::Beep => Generator::new(BEEP),
        }
    }
}

fn clip(sample: f32) -> i16 {
    // A cast saturates.
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dsp::detect::{Goertzel, mean_power};
    use crate::rtp::digit::{Key, Presses};
    use crate::units::Instant;

    fn session(event_type: Option<u8>) -> Session {
        Session {
            remote: "127.0.0.1:16000".parse().unwrap(),
            codec: Codec::Pcma,
            payload_type: PCMA,
            event_type,
            rtcp: None,
            send: true,
            receive: true,
            keys: None,
        }
    }

    fn audio(gains: Gains) -> Audio {
        Audio::new(Country::by_code("de").unwrap(), gains, 7)
    }

    /// Runs it for so many frames with a microphone that hears a sine of 1 kHz at this peak; what ear and bell played, and
    /// what was sent.
    fn run(audio: &mut Audio, frames: usize, peak: f32) -> (Vec<i16>, Vec<i16>, Vec<Vec<u8>>) {
        let (mut ears, mut bells, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        let mic =
            Frame(core::array::from_fn(|i| ((i as f32 * 0.25 * core::f32::consts::PI).sin() * peak) as i16));
        for _ in 0..frames {
            let (mut ear, mut bell) = (Frame::SILENCE, Frame::SILENCE);
            sent.extend(audio.tick(&mic, &mut ear, &mut bell).map(|(_, bytes)| bytes.to_vec()));
            ears.extend(ear.0);
            bells.extend(bell.0);
        }
        (ears, bells, sent)
    }

    /// Whether it is this tone and hardly anything else.
    fn is_tone(samples: &[i16], hz: f32) -> bool {
        let block: Vec<f32> = samples.iter().map(|s| f32::from(*s)).collect();
        Goertzel::new(hz).power(&block) > 0.9 * mean_power(&block) && mean_power(&block) > 1_000.0
    }

    fn loudest(samples: &[i16]) -> i16 {
        samples.iter().map(|s| s.saturating_abs()).max().unwrap_or(0)
    }

    #[test]
    fn the_microphone_is_sent_with_its_gain_and_heard_as_sidetone() {
        let gains = Gains { microphone: 6.02, ear: 0.0, sidetone: Some(-20.0), aloud: 0.0 };
        let mut audio = audio(gains);
        assert!(run(&mut audio, 5, 4_000.0).2.is_empty(), "nobody is talked to");
        audio.order(Sound::Talk(session(Some(101))));
        let (ears, _, sent) = run(&mut audio, 50, 4_000.0);
        assert_eq!(sent.len(), 50);
        let said: Vec<i16> = sent
            .iter()
            .flat_map(|p| p[HEADER_BYTES..].iter().map(|o| g711::decode(Codec::Pcma, *o)))
            .collect();
        assert!(is_tone(&said, 1_000.0) && (7_700..8_300).contains(&loudest(&said)), "{}", loudest(&said));
        assert!(is_tone(&ears, 1_000.0) && (380..420).contains(&loudest(&ears)), "{}", loudest(&ears));
        // The clock of the packets goes on without a gap.
        let headers: Vec<_> = sent.iter().map(|p| packet::parse(p).unwrap().0).collect();
        assert!(headers.windows(2).all(|w| {
            w[1].sequence == w[0].sequence.wrapping_add(1)
                && w[1].timestamp == w[0].timestamp.wrapping_add(160)
        }));
        audio.order(Sound::Talk(Session { send: false, ..session(Some(101)) }));
        assert!(run(&mut audio, 5, 4_000.0).2.is_empty(), "who holds the handset is sent nothing");
    }

    #[test]
    fn what_comes_is_heard_and_nothing_of_somebody_else() {
        let mut audio = audio(Gains { sidetone: None, ear: 0.0, microphone: 0.0, aloud: -6.02 });
        audio.order(Sound::Talk(session(None)));
        let mut sender = Sender::new(3);
        let mut tone = Generator::new(BEEP);
        let mut heard = Vec::new();
        for _ in 0..50 {
            let mut datagram = vec![0; HEADER_BYTES];
            datagram.extend((0..160).map(|_| g711::encode(Codec::Pcma, tone.sample())));
            packet::prefix(&sender.own(PCMA, 160, false), &mut datagram, HEADER_BYTES).unwrap();
            audio.packet("127.0.0.1:17000".parse().unwrap(), &[0x80; 172]);
            audio.packet(session(None).remote, &datagram);
            heard.extend(run(&mut audio, 1, 0.0).0);
        }
        assert!(is_tone(&heard[800..], 1_000.0));
        audio.order(Sound::Aloud(true));
        let (ears, bells, sent) = run(&mut audio, 1, 8_000.0);
        assert!(loudest(&ears) == 0, "heard on the loudspeaker alone");
        let (there, here) = (f32::from(loudest(&bells)), f32::from(loudest(&heard[800..])));
        assert!(here > 500.0 && (there * 2.0 / here - 1.0).abs() < 0.1, "6 dB softer: {there}, {here}");
        let silence = g711::silence(Codec::Pcma);
        assert!(
            sent[0][HEADER_BYTES..].iter().all(|o| *o == silence || *o == silence ^ 0x80),
            "nothing of the room is sent"
        );
        audio.order(Sound::Quiet);
        assert!(!audio.is_busy());
    }

    #[test]
    fn keys_are_sent_as_events_or_in_the_band_each_once() {
        let keys = [Digit::STAR, Digit::STAR, Digit::from_char('7').unwrap()];
        let mut with = audio(Gains::default());
        with.order(Sound::Talk(session(Some(101))));
        keys.iter().for_each(|key| with.order(Sound::Key(*key)));
        let mut presses = Presses::default();
        let mut pressed = Vec::new();
        for (n, datagram) in run(&mut with, 80, 0.0).2.iter().enumerate() {
            let (header, payload) = packet::parse(datagram).unwrap();
            if header.payload_type == 101 {
                let told = presses.hear(Instant(n as u64 * 20_000), &header, &datagram[payload]);
                pressed.extend(told.into_iter().flatten().filter_map(|key| match key {
                    Key::Pressed(digit) => Some(digit),
                    Key::Released(..) => None,
                }));
            }
        }
        assert_eq!(pressed, keys);
        let mut without = audio(Gains::default());
        without.order(Sound::Talk(session(None)));
        without.order(Sound::Key(keys[2]));
        let sent = run(&mut without, 5, 0.0).2;
        let said: Vec<i16> = sent
            .iter()
            .flat_map(|p| p[HEADER_BYTES..].iter().map(|o| g711::decode(Codec::Pcma, *o)))
            .collect();
        let block: Vec<f32> = said.iter().map(|s| f32::from(*s)).collect();
        let both = Goertzel::new(852.0).power(&block) + Goertzel::new(1_209.0).power(&block);
        assert!(both > 0.9 * mean_power(&block));
    }

    #[test]
    fn tones_are_the_countrys_and_the_bell_has_its_rhythm() {
        let mut audio = audio(Gains { ear: -6.02, ..Gains::default() });
        audio.order(Sound::Tone(Some(Tone::Dial)));
        assert!(is_tone(&run(&mut audio, 50, 0.0).0, 425.0));
        audio.order(Sound::Click(Digit::STAR));
        let (ears, ..) = run(&mut audio, 6, 0.0);
        assert!(!is_tone(&ears[..800], 425.0) && is_tone(&ears[800..], 425.0), "a key sounds for 100 ms");
        audio.order(Sound::Tone(None));
        audio.order(Sound::Ring(true));
        let (ears, bells, sent) = run(&mut audio, 250, 0.0);
        assert!(loudest(&ears) == 0 && sent.is_empty());
        // One second in five.
        assert!(loudest(&bells[..8_000]) > 4_000 && loudest(&bells[8_000..]) == 0);
        audio.order(Sound::Ring(false));
        assert!(!audio.is_busy());
    }
}

//! What a port says to its peer when it is not the partner who speaks: keys before prompts and tones before silence.

use super::command::{SoundId, Stream, Tone};
use super::counters::Counters;
use crate::dsp::g711;
use crate::dsp::tone::{BEEP, BEEP_MS, Country, Generator};
use crate::limits::{LOOSE_SECONDS, LOOSE_SOUNDS, PROMPT_SECONDS, PROMPTS};
use crate::rtp::digit::{EventPacket, Hold, PAUSE_FRAMES, Sending};
use crate::units::{Codec, Digit, FRAME_SAMPLES, SAMPLE_RATE_HZ};
use core::time::Duration;

/// Keys that wait for their turn.
const KEYS: usize = 32;

/// Octets of a loose sound.
const LOOSE_OCTETS: usize = LOOSE_SECONDS * SAMPLE_RATE_HZ as usize;

/// What ports can play.
pub(super) struct Sounds {
    /// All prompts, coded once for each law, so that playing one is copying.
    prompts: Box<[[Box<[u8]>; 2]]>,
    /// Those that are loaded while the loop turns, µ-law. Set aside at the start, touched when they are used.
    loose: Box<[u8]>,
    lengths: [usize; LOOSE_SOUNDS],
}

/// Why the prompts cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundError {
    /// More than [`PROMPTS`].
    TooMany,
    /// This one, counted from 0, is longer than [`PROMPT_SECONDS`].
    TooLong(usize),
}

impl core::fmt::Display for SoundError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooMany => write!(f, "more than {PROMPTS} prompts"),
            Self::TooLong(n) => write!(f, "prompt {n} is longer than {PROMPT_SECONDS} s"),
        }
    }
}

impl core::error::Error for SoundError {}

impl Sounds {
    /// Codes the prompts, given as linear sound at 8 kHz.
    pub(super) fn new(linear: &[Vec<i16>]) -> Result<Self, SoundError> {
        if linear.len() > PROMPTS {
            return Err(SoundError::TooMany);
        }
        if let Some(n) = linear.iter().position(|s| s.len() > PROMPT_SECONDS * SAMPLE_RATE_HZ as usize) {
            return Err(SoundError::TooLong(n));
        }
        let coded = |codec, s: &[i16]| s.iter().map(|&v| g711::encode(codec, v)).collect();
        Ok(Self {
            prompts: linear.iter().map(|s| [coded(Codec::Pcmu, s), coded(Codec::Pcma, s)]).collect(),
            loose: vec![0; LOOSE_SOUNDS * LOOSE_OCTETS].into_boxed_slice(),
            lengths: [0; LOOSE_SOUNDS],
        })
    }

    /// Puts a frame into a loose sound. What is beyond its room is left out.
    pub(super) fn load(&mut self, sound: SoundId, frame: u16, octets: &[u8; FRAME_SAMPLES]) {
        let at = usize::from(frame) * FRAME_SAMPLES;
        let Some(place) = sound.place().filter(|_| at + FRAME_SAMPLES <= LOOSE_OCTETS) else { return };
        let start = place * LOOSE_OCTETS + at;
        if let Some(room) = self.loose.get_mut(start..start + FRAME_SAMPLES) {
            room.copy_from_slice(octets);
            self.lengths[place] = at + FRAME_SAMPLES;
        }
    }

    /// The sound and its law: the one asked for, if there is one for each.
    pub(super) fn get(&self, sound: SoundId, codec: Codec) -> (&[u8], Codec) {
        if let Some(place) = sound.place() {
            let start = place * LOOSE_OCTETS;
            let loose = self.loose.get(start..start + self.lengths[place]).unwrap_or_default();
            return (loose, Codec::Pcmu);
        }
        let place = match codec {
            Codec::Pcmu | Codec::G722 => 0,
            Codec::Pcma => 1,
        };
        let octets: &[u8] = self.prompts.get(usize::from(sound.0)).map_or(&[], |laws| &laws[place]);
        (octets, codec)
    }
}

#[derive(Clone, Copy, Debug)]
enum Playing {
    Nothing,
    Prompt { sound: SoundId, at: u32, repeat: bool },
    Tone { generator: Generator, left: Option<u32> },
}

#[derive(Clone, Copy, Debug)]
enum Key {
    None,
    Event(Sending),
    InBand { digit: Digit, generator: Generator, hold: Hold },
    Pause(u8),
}

/// One frame of a port's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A payload of sound was written; true if something begins with it.
    Sound(bool),
    /// A packet of a telephone-event.
    Event(EventPacket),
}

/// A port's mouth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    playing: Playing,
    begins: bool,
    key: Key,
    keys: [(Digit, Hold); KEYS],
    first_key: u8,
    key_count: u8,
}

impl Voice {
    pub(super) fn new() -> Self {
        let keys = [(Digit::STAR, Hold::new(None)); KEYS];
        Self { playing: Playing::Nothing, begins: true, key: Key::None, keys, first_key: 0, key_count: 0 }
    }

    /// Starts a prompt.
    pub(super) fn play(&mut self, sound: SoundId, repeat: bool) {
        self.playing = Playing::Prompt { sound, at: 0, repeat };
        self.begins = true;
    }

    /// Starts a tone of the country.
    pub(super) fn tone(&mut self, country: &Country, tone: Tone) {
        let (generator, ms) = match tone {
            Tone::Ringback => (Generator::new(country.ringback), None),
            Tone::Busy => (Generator::new(country.busy), None),
            Tone::Congestion => (Generator::new(country.congestion), None),
            Tone::Dial => (Generator::new(country.dial), None),
            Tone::Stutter => (Generator::stuttering(country.dial), None),
            Tone::Special => (Generator::sequence(country.special), None),
            Tone::Beep => (Generator::new(BEEP), Some(BEEP_MS)),
        };
        let left = ms.map(|ms| u32::from(ms) * (SAMPLE_RATE_HZ / 1000));
        self.playing = Playing::Tone { generator, left };
        self.begins = true;
    }

    /// Ends a prompt or tone.
    pub(super) fn quiet(&mut self) {
        self.playing = Playing::Nothing;
    }

    /// Queues a key that is held for so long, or until [`Self::release`]. False if too many wait already.
    pub(super) fn press(&mut self, digit: Digit, held: Option<Duration>) -> bool {
        if usize::from(self.key_count) >= KEYS {
            return false;
        }
        self.keys[(usize::from(self.first_key) + usize::from(self.key_count)) % KEYS] =
            (digit, Hold::new(held));
        self.key_count += 1;
        true
    }

    /// The key pressed last of this sign was held for so long.
    pub(super) fn release(&mut self, digit: Digit, held: Duration) {
        let newest = self.held().filter(|(key, _)| *key == digit).last();
        if let Some((_, hold)) = newest {
            hold.end(held);
        }
    }

    /// Who held the keys has gone.
    pub(super) fn let_go(&mut self) {
        self.held().for_each(|(_, hold)| hold.end(Duration::ZERO));
    }

    /// Keys whose end is not known, the oldest first.
    fn held(&mut self) -> impl Iterator<Item = (Digit, &mut Hold)> {
        let (first, count) = (usize::from(self.first_key), usize::from(self.key_count));
        let sounding = match &mut self.key {
            Key::Event(sending) => Some((sending.digit(), sending.hold())),
            Key::InBand { digit, hold, .. } => Some((*digit, hold)),
            Key::None | Key::Pause(_) => None,
        };
        let (wrapped, straight) = self.keys.split_at_mut(first);
        let waiting = straight.iter_mut().chain(wrapped).take(count).map(|(digit, hold)| (*digit, hold));
        sounding.into_iter().chain(waiting).filter(|(_, hold)| hold.is_open())
    }

    /// Whether it speaks, so that the partner is not heard.
    pub(super) const fn busy(&self) -> bool {
        matches!(self.key, Key::Event(_) | Key::InBand { .. }) || !matches!(self.playing, Playing::Nothing)
    }

    /// Whether nothing is said and nothing waits.
    pub(super) const fn idle(&self) -> bool {
        matches!((self.playing, self.key), (Playing::Nothing, Key::None)) && self.key_count == 0
    }

    /// Every tick, before anything is said: lets pauses pass and begins the next key.
    pub(super) fn beat(&mut self, stream: &Stream, counters: &Counters) {
        match self.key {
            Key::Pause(frames) if frames > 1 => self.key = Key::Pause(frames - 1),
            Key::Pause(_) | Key::None => self.key = self.next_key(stream, counters),
            Key::Event(_) | Key::InBand { .. } => {}
        }
    }

    fn next_key(&mut self, stream: &Stream, counters: &Counters) -> Key {
        if self.key_count == 0 {
            return Key::None;
        }
        let (digit, hold) = self.keys[usize::from(self.first_key)];
        self.first_key = (self.first_key + 1) % KEYS as u8;
        self.key_count -= 1;
        if stream.event_type.is_some() {
            return Key::Event(Sending::new(digit, hold));
        }
        match Generator::key(digit) {
            Some(generator) => Key::InBand { digit, generator, hold },
            None => {
                counters.digit_lost();
                Key::None
            }
        }
    }

    /// Says 20 ms into `payload`. The second is what has ended with it.
    pub(super) fn speak(
        &mut self,
        codec: Codec,
        sounds: &Sounds,
        payload: &mut [u8; FRAME_SAMPLES],
    ) -> (Said, Option<SoundId>) {
        match &mut self.key {
            Key::Event(sending) => {
                if let Some(packet) = sending.poll() {
                    return (Said::Event(packet), None);
                }
                self.key = Key::Pause(PAUSE_FRAMES);
            }
            Key::InBand { generator, hold, .. } => {
                if hold.step() {
                    payload.fill_with(|| g711::encode(codec, generator.sample()));
                    return (Said::Sound(false), None);
                }
                self.key = Key::Pause(PAUSE_FRAMES);
            }
            Key::None | Key::Pause(_) => {}
        }
        let ended = self.sing(codec, sounds, payload);
        (Said::Sound(core::mem::take(&mut self.begins)), ended)
    }

    fn sing(&mut self, codec: Codec, sounds: &Sounds, payload: &mut [u8; FRAME_SAMPLES]) -> Option<SoundId> {
        match &mut self.playing {
            Playing::Nothing => payload.fill(g711::silence(codec)),
            Playing::Prompt { sound, at, repeat } => {
                let (sound, (octets, law)) = (*sound, sounds.get(*sound, codec));
                for out in payload.iter_mut() {
                    if *repeat && *at as usize >= octets.len() {
                        *at = 0;
                    }
                    *out = octets.get(*at as usize).copied().unwrap_or(g711::silence(law));
                    *at = at.saturating_add(1);
                }
                g711::translate(law, codec, payload);
                if octets.is_empty() || (!*repeat && *at as usize >= octets.len()) {
                    self.playing = Playing::Nothing;
                    return Some(sound);
                }
            }
            Playing::Tone { generator, left } => {
                for out in payload {
                    let over = *left == Some(0);
                    *out = g711::encode(codec, if over { 0 } else { generator.sample() });
                    *left = left.map(|n| n.saturating_sub(1));
                }
                if *left == Some(0) {
                    self.playing = Playing::Nothing;
                    return Some(SoundId::BEEP);
                }
            }
        }
        None
    }
}

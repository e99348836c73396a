//! What a far end hears: level, voice and pause, pure tones, and the demo's and the box's sounds, recognised frame by frame.

use super::sounds::Sound;
use crate::dsp::detect::{Goertzel, mean_power};
use crate::dsp::{g711, level::level};
use crate::sounds::Prompt;
use crate::units::{Codec, FRAME_SAMPLES, Frame, Instant};
use core::time::Duration;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

/// Louder than this is a sound, softer is the line.
const FLOOR_DBM0: f32 = -42.0;
/// A gap this long ends a voice; shorter ones are between words.
const WORD_GAP: Duration = Duration::from_millis(450);
/// The same sound after a gap up to this long is still the same hearing of it.
const SPAN_GAP: Duration = Duration::from_millis(1_500);
/// Spans kept; older ones go first.
const SPANS: usize = 4_096;
/// Tones the ear knows, Hz: what phone and company may send so that the other can tell.
pub const TONES_HZ: [u16; 4] = [660, 800, 1_200, 1_500];

/// A thing told apart from others by ear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of the demo's sounds, bit for bit.
    Known(Sound),
    /// One of the box's prompts.
    Prompt(Prompt),
    /// One of [`TONES_HZ`], alone.
    Tone(u16),
    /// Anything else that is not silence.
    Unknown,
}

/// A stretch of one kind of sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Arrival of its first frame.
    pub from: Instant,
    /// Arrival of its last frame.
    pub until: Instant,
    /// What it was.
    pub kind: Kind,
    /// Frames of it.
    pub frames: u32,
}

/// Every frame that is known, by its digest: made once, the same for all ears.
static KNOWN: LazyLock<HashMap<u64, Kind>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    let sounds = Sound::ALL.into_iter().map(|sound| (Kind::Known(sound), sound.samples()));
    let prompts = Prompt::ALL.into_iter().map(|prompt| (Kind::Prompt(prompt), prompt.samples()));
    for (kind, samples) in sounds.chain(prompts) {
        for frame in samples.chunks_exact(FRAME_SAMPLES) {
            learn(&mut known, kind, frame);
        }
    }
    known
});

/// Hears one line.
#[derive(Default)]
pub struct Ear {
    voice_began: Option<Instant>,
    last_loud: Option<Instant>,
    level_dbm0: Option<f32>,
    last_known: Option<(Instant, Sound)>,
    spans: Vec<Heard>,
    fresh: Option<Kind>,
}

impl Ear {
    /// An ear that recognises every sound of the demo and every prompt of the box, in either coding.
    pub fn new() -> Self {
        Self::default()
    }

    /// A frame of 20 ms has come.
    pub fn hear(&mut self, now: Instant, codec: Codec, payload: &[u8]) {
        let frame = decoded(codec, payload);
        let level = level(&frame).0;
        self.level_dbm0 = Some(level);
        if level <= FLOOR_DBM0 {
            return;
        }
        if self.pause(now) > WORD_GAP {
            self.voice_began = Some(now);
        }
        self.last_loud = Some(now);
        let kind = match (KNOWN.get(&digest(codec, payload)), tone(&frame)) {
            (Some(kind), _) => *kind,
            (None, Some(hz)) => Kind::Tone(hz),
            (None, None) => Kind::Unknown,
        };
        if let Kind::Known(sound) = kind {
            self.last_known = Some((now, sound));
        }
        self.note(now, kind);
    }

    /// Level of the latest frame, dBm0; `None` before the first.
    pub fn level_dbm0(&self) -> Option<f32> {
        self.level_dbm0
    }

    /// How long somebody (or something) has been talking without a pause; zero in a pause.
    pub fn voice(&self, now: Instant) -> Duration {
        match self.voice_began {
            Some(began) if self.pause(now) <= WORD_GAP => now.since(began),
            _ => Duration::ZERO,
        }
    }

    /// How long it has been quiet. For ever, if nothing was heard yet.
    pub fn pause(&self, now: Instant) -> Duration {
        self.last_loud.map_or(Duration::MAX, |at| now.since(at))
    }

    /// The known sound heard within the last `within`.
    pub fn recognised(&self, now: Instant, within: Duration) -> Option<Sound> {
        self.last_known.filter(|(at, _)| now.since(*at) <= within).map(|(_, sound)| sound)
    }

    /// All that was heard, oldest first, overlapping where sounds alternate.
    pub fn spans(&self) -> &[Heard] {
        &self.spans
    }

    /// The longest time in which nothing was heard between two moments, but for gaps of 1.5 s within one sound.
    pub fn longest_silence(&self, from: Instant, to: Instant) -> Duration {
        let within = self.spans.iter().filter(|span| span.until >= from && span.from <= to);
        let (mut since, mut longest) = (from, Duration::ZERO);
        for span in within {
            longest = longest.max(span.from.since(since));
            since = since.max(span.until);
        }
        longest.max(to.since(since))
    }

    /// A kind of sound that has just become certain (its third frame), once per span.
    pub fn take_fresh(&mut self) -> Option<Kind> {
        self.fresh.take()
    }

    fn note(&mut self, now: Instant, kind: Kind) {
        let recent = self.spans.iter_mut().rev().take(8);
        if let Some(span) = recent.into_iter().find(|s| s.kind == kind && now.since(s.until) <= SPAN_GAP) {
            span.until = now;
            span.frames += 1;
            // Two frames alike happen by chance, in fade-ins; an unknown voice must last longer still.
            if span.frames == if kind == Kind::Unknown { 15 } else { 3 } {
                self.fresh = Some(kind);
            }
            return;
        }
        if self.spans.len() == SPANS {
            self.spans.remove(0);
        }
        self.spans.push(Heard { from: now, until: now, kind, frames: 1 });
    }
}

/// In µ-law, in A-law, and in µ-law again: the box may have translated it on the way, or played it from linear sound.
fn learn(known: &mut HashMap<u64, Kind>, kind: Kind, mu_law: &[u8]) {
    let linear = decoded(Codec::Pcmu, mu_law);
    if level(&linear).0 <= FLOOR_DBM0 {
        return;
    }
    let encoded: Vec<u8> = linear.0.iter().map(|&sample| g711::encode(Codec::Pcma, sample)).collect();
    let mut coded = mu_law.to_vec();
    known.insert(digest(Codec::Pcmu, &coded), kind);
    known.insert(digest(Codec::Pcma, &encoded), kind);
    g711::translate(Codec::Pcmu, Codec::Pcma, &mut coded);
    known.insert(digest(Codec::Pcma, &coded), kind);
    g711::translate(Codec::Pcma, Codec::Pcmu, &mut coded);
    known.insert(digest(Codec::Pcmu, &coded), kind);
}

fn digest(codec: Codec, payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (codec, payload).hash(&mut hasher);
    hasher.finish()
}

/// 20 ms of linear sound; a shorter packet ends in silence.
fn decoded(codec: Codec, payload: &[u8]) -> Frame {
    let mut frame = Frame::SILENCE;
    for (sample, octet) in frame.0.iter_mut().zip(payload) {
        *sample = g711::decode(codec, *octet);
    }
    frame
}

/// The one of [`TONES_HZ`] that holds nine tenths of the frame's power.
fn tone(frame: &Frame) -> Option<u16> {
    let block = frame.0.map(f32::from);
    TONES_HZ.into_iter().find(|&hz| Goertzel::new(f32::from(hz)).power(&block) > 0.9 * mean_power(&block))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000)
    }

    #[test]
    fn a_known_sound_is_recognised_in_either_coding_and_once() {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let mut ear = Ear::new();
            let mut fresh = Vec::new();
            for (i, frame) in Sound::AgentGreeting.samples().chunks_exact(160).enumerate() {
                let mut coded = frame.to_vec();
                g711::translate(Codec::Pcmu, codec, &mut coded);
                ear.hear(ms(20 * i as u64), codec, &coded);
                fresh.extend(ear.take_fresh());
            }
            assert_eq!(fresh, [Kind::Known(Sound::AgentGreeting)], "{codec:?}");
        }
    }

    #[test]
    fn a_tone_is_told_from_the_others_and_from_speech() {
        for hz in TONES_HZ {
            let mut ear = Ear::new();
            for i in 0..10u64 {
                let sample = |n: u64| {
                    ((n as f64 * f64::from(hz) / 8_000.0 * core::f64::consts::TAU).sin() * 8_000.0) as i16
                };
                let frame: Vec<u8> =
                    (0..160).map(|n| g711::encode(Codec::Pcmu, sample(i * 160 + n))).collect();
                ear.hear(ms(20 * i), Codec::Pcmu, &frame);
            }
            assert_eq!(ear.spans().iter().map(|s| s.kind).collect::<Vec<_>>(), [Kind::Tone(hz)]);
        }
    }

    #[test]
    fn silence_is_what_no_sound_fills() {
        let mut ear = Ear::new();
        let loud = [0x10u8; 160];
        for t in (1_000..3_000).chain(8_000..9_000).step_by(20) {
            ear.hear(ms(t), Codec::Pcmu, &loud);
        }
        let longest = |from, to| ear.longest_silence(ms(from), ms(to)).as_millis();
        assert_eq!((longest(0, 2_000), longest(0, 10_000), longest(8_200, 8_800)), (1_000, 5_020, 0));
        assert_eq!(longest(8_000, 20_000), 11_020, "to the end");
    }

    #[test]
    fn a_voice_begins_lasts_and_pauses() {
        let mut ear = Ear::new();
        let loud = [0x10u8; 160];
        assert_eq!(ear.voice(ms(0)), Duration::ZERO);
        for t in (0..500).step_by(20) {
            ear.hear(ms(t), Codec::Pcmu, &loud);
        }
        assert_eq!(ear.voice(ms(480)), Duration::from_millis(480));
        assert_eq!(ear.voice(ms(600)), Duration::from_millis(600));
        assert_eq!(ear.voice(ms(1_000)), Duration::ZERO);
        assert_eq!(ear.pause(ms(1_480)), Duration::from_secs(1));
    }
}

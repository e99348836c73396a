//! The tones of every country, ITU-T E.180 Supplement 2 and BT SIN 350, and their sound on a telephone line.

use std::f32::consts::TAU;

/// What a cadence of tones means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Dial,
    Ringback,
    Busy,
    Waiting,
    Special,
    Fax,
}

/// A burst: its lines, Hz (none: a pause), and its length, ms.
type Burst = (&'static [f32], u16);

/// A tone by name: its meaning and the bursts of one cadence.
pub struct Tone {
    pub name: &'static str,
    pub kind: Kind,
    pub bursts: &'static [Burst],
}

const fn tone(name: &'static str, kind: Kind, bursts: &'static [Burst]) -> Tone {
    Tone { name, kind, bursts }
}

const OFF: &[f32] = &[];
const P425: &[f32] = &[425.0];
const P400: &[f32] = &[400.0];
const P420: &[f32] = &[420.0];
const P440: &[f32] = &[440.0];
const SIT: &[Burst] = &[(&[950.0], 330), (&[1400.0], 330), (&[1800.0], 330), (OFF, 1000)];
const ONE_FOUR: &[Burst] = &[(P425, 1000), (OFF, 4000)];
const HALVES: &[Burst] = &[(P425, 500), (OFF, 500)];
const FIFTHS: &[Burst] = &[(P425, 200), (OFF, 200)];

/// Domain.md's table, a line per country in its order, each from dial tone to special information.
pub const COUNTRIES: &[Tone] = &[
    tone("US dial", Kind::Dial, &[(&[350.0, 440.0], 6000)]),
    tone("US ringback", Kind::Ringback, &[(&[440.0, 480.0], 2000), (OFF, 4000)]),
    tone("US busy", Kind::Busy, &[(&[480.0, 620.0], 500), (OFF, 500)]),
    tone("US congestion", Kind::Busy, &[(&[480.0, 620.0], 250), (OFF, 250)]),
    tone("US waiting", Kind::Waiting, &[(P440, 300), (OFF, 10_000)]),
    tone("US special", Kind::Special, SIT),
    tone("UK dial", Kind::Dial, &[(&[350.0, 440.0], 6000)]),
    tone(
        "UK ringback",
        Kind::Ringback,
        &[(&[400.0, 450.0], 400), (OFF, 200), (&[400.0, 450.0], 400), (OFF, 2000)],
    ),
    tone("UK busy", Kind::Busy, &[(P400, 375), (OFF, 375)]),
    tone("UK congestion", Kind::Busy, &[(P400, 400), (OFF, 350), (P400, 225), (OFF, 525)]),
    tone("UK waiting", Kind::Waiting, &[(P400, 100), (OFF, 4000)]),
    tone("UK special", Kind::Special, SIT),
    tone("DE dial", Kind::Dial, &[(P425, 6000)]),
    tone("DE ringback", Kind::Ringback, ONE_FOUR),
    tone("DE busy", Kind::Busy, &[(P425, 480), (OFF, 480)]),
    tone("DE congestion", Kind::Busy, &[(P425, 240), (OFF, 240)]),
    tone("DE waiting", Kind::Waiting, &[(P425, 200), (OFF, 200), (P425, 200), (OFF, 5000)]),
    tone("DE special", Kind::Special, SIT),
    tone("FR dial", Kind::Dial, &[(P440, 6000)]),
    tone("FR ringback", Kind::Ringback, &[(P440, 1500), (OFF, 3500)]),
    tone("FR busy", Kind::Busy, &[(P440, 500), (OFF, 500)]),
    tone("FR congestion", Kind::Busy, &[(P440, 250), (OFF, 250)]),
    tone("FR waiting", Kind::Waiting, &[(P440, 300), (OFF, 10_000)]),
    tone("FR special", Kind::Special, SIT),
    tone("NL dial", Kind::Dial, &[(P425, 6000)]),
    tone("NL ringback", Kind::Ringback, ONE_FOUR),
    tone("NL busy", Kind::Busy, HALVES),
    tone("NL congestion", Kind::Busy, &[(P425, 250), (OFF, 250)]),
    tone("NL waiting", Kind::Waiting, &[(P425, 500), (OFF, 9500)]),
    tone("NL special", Kind::Special, SIT),
    tone("IT dial", Kind::Dial, &[(P425, 200), (OFF, 200), (P425, 600), (OFF, 1000)]),
    tone("IT ringback", Kind::Ringback, ONE_FOUR),
    tone("IT busy", Kind::Busy, HALVES),
    tone("IT congestion", Kind::Busy, FIFTHS),
    tone(
        "IT waiting",
        Kind::Waiting,
        &[(P425, 400), (OFF, 100), (P425, 250), (OFF, 100), (P425, 150), (OFF, 14_000)],
    ),
    tone("IT special", Kind::Special, SIT),
    tone("ES dial", Kind::Dial, &[(P425, 6000)]),
    tone("ES ringback", Kind::Ringback, &[(P425, 1500), (OFF, 3000)]),
    tone("ES busy", Kind::Busy, FIFTHS),
    tone(
        "ES congestion",
        Kind::Busy,
        &[(P425, 200), (OFF, 200), (P425, 200), (OFF, 200), (P425, 200), (OFF, 600)],
    ),
    tone("ES waiting", Kind::Waiting, &[(P425, 175), (OFF, 175), (P425, 175), (OFF, 3500)]),
    tone("ES special", Kind::Special, &[(&[950.0], 330), (OFF, 1000)]),
    tone("AT dial", Kind::Dial, &[(P420, 6000)]),
    tone("AT ringback", Kind::Ringback, &[(P420, 1000), (OFF, 5000)]),
    tone("AT busy", Kind::Busy, &[(P420, 400), (OFF, 400)]),
    tone("AT congestion", Kind::Busy, &[(P420, 200), (OFF, 200)]),
    tone("AT waiting", Kind::Waiting, &[(P420, 40), (OFF, 1960)]),
    tone("AT special", Kind::Special, &[(&[950.0], 330), (&[1450.0], 330), (&[1850.0], 330), (OFF, 1000)]),
    tone("CH dial", Kind::Dial, &[(P425, 6000)]),
    tone("CH ringback", Kind::Ringback, ONE_FOUR),
    tone("CH busy", Kind::Busy, HALVES),
    tone("CH congestion", Kind::Busy, FIFTHS),
    tone("CH waiting", Kind::Waiting, &[(P425, 200), (OFF, 200), (P425, 200), (OFF, 4000)]),
    tone("CH special", Kind::Special, SIT),
    tone("BE dial", Kind::Dial, &[(P425, 6000)]),
    tone("BE ringback", Kind::Ringback, &[(P425, 1000), (OFF, 3000)]),
    tone("BE busy", Kind::Busy, HALVES),
    tone("BE congestion", Kind::Busy, &[(P425, 167), (OFF, 167)]),
    tone("BE waiting", Kind::Waiting, &[(&[1400.0], 175), (OFF, 175), (&[1400.0], 175), (OFF, 3500)]),
    tone("BE special", Kind::Special, &[(&[900.0], 330), (&[1400.0], 330), (&[1800.0], 330), (OFF, 1000)]),
    tone("SE dial", Kind::Dial, &[(P425, 6000)]),
    tone("SE ringback", Kind::Ringback, &[(P425, 1000), (OFF, 5000)]),
    tone("SE busy", Kind::Busy, &[(P425, 250), (OFF, 250)]),
    tone("SE congestion", Kind::Busy, &[(P425, 250), (OFF, 750)]),
    tone("SE waiting", Kind::Waiting, &[(P425, 200), (OFF, 500), (P425, 200), (OFF, 9100)]),
    tone("SE special", Kind::Special, SIT),
    tone("AU dial", Kind::Dial, &[(&[413.0, 438.0], 6000)]),
    tone(
        "AU ringback",
        Kind::Ringback,
        &[(&[413.0, 438.0], 400), (OFF, 200), (&[413.0, 438.0], 400), (OFF, 2000)],
    ),
    tone("AU busy", Kind::Busy, &[(P425, 375), (OFF, 375)]),
    tone("AU waiting", Kind::Waiting, &[(P425, 200), (OFF, 200), (P425, 200), (OFF, 4400)]),
    tone("AU special", Kind::Special, &[(P425, 2500), (OFF, 500)]),
    tone("JP dial", Kind::Dial, &[(P400, 6000)]),
    // 400 Hz modulated by 16 Hz.
    tone("JP ringback", Kind::Ringback, &[(&[384.0, 400.0, 416.0], 1000), (OFF, 2000)]),
    tone("JP busy", Kind::Busy, &[(P400, 500), (OFF, 500)]),
    tone("JP waiting", Kind::Waiting, &[(P400, 500), (OFF, 8000)]),
    tone("JP special", Kind::Special, SIT),
    // ITU-T T.30 and V.25; Bell 103's answer.
    tone("fax calling", Kind::Fax, &[(&[1100.0], 500), (OFF, 3000)]),
    tone("fax answer", Kind::Fax, &[(&[2100.0], 3000), (OFF, 1000)]),
    tone("modem answer", Kind::Fax, &[(&[2225.0], 3000), (OFF, 1000)]),
];

/// ITU-T Q.23: the keys and their lines.
pub const KEYS: [(char, [f32; 2]); 16] = [
    ('1', [697.0, 1209.0]),
    ('2', [697.0, 1336.0]),
    ('3', [697.0, 1477.0]),
    ('A', [697.0, 1633.0]),
    ('4', [770.0, 1209.0]),
    ('5', [770.0, 1336.0]),
    ('6', [770.0, 1477.0]),
    ('B', [770.0, 1633.0]),
    ('7', [852.0, 1209.0]),
    ('8', [852.0, 1336.0]),
    ('9', [852.0, 1477.0]),
    ('C', [852.0, 1633.0]),
    ('*', [941.0, 1209.0]),
    ('0', [941.0, 1336.0]),
    ('#', [941.0, 1477.0]),
    ('D', [941.0, 1633.0]),
];

/// Noise without a crate: Xorshift, summed to something bell-shaped.
pub struct Noise(pub u64);

impl Noise {
    pub fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn bell(&mut self) -> f32 {
        ((0..4).map(|_| self.uniform()).sum::<f32>() - 2.0) * 1.732
    }
}

/// What the line does to a tone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Of the tone while it sounds, dBm0.
    pub level: f32,
    /// Noise so far below it, dB.
    pub snr: f32,
    /// Factor of all frequencies.
    pub drift: f32,
    /// Factor of all times.
    pub stretch: f32,
}

/// Silence before the tone, s.
pub const LEAD: f32 = 0.6;

/// A burst as it lies in the sound, in seconds.
pub type Span = (f32, f32);

/// The samples of `cadences` after [`LEAD`], and when the bursts sound.
pub fn sound(bursts: &[(&[f32], u16)], cadences: usize, line: Line, seed: u64) -> (Vec<i16>, Vec<Span>) {
    // ITU-T G.711: a full-scale sine is 3.14 dBm0.
    #[allow(clippy::approx_constant)]
    let rms = 10f32.powf((line.level - 3.14) / 20.0) / 2f32.sqrt();
    let floor = rms * 10f32.powf(-line.snr / 20.0);
    let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (mut samples, mut spans) = (Vec::new(), Vec::<Span>::new());
    let mut add = |hz: &[f32], seconds: f32, samples: &mut Vec<i16>| {
        let each = rms * (2.0 / hz.len().max(1) as f32).sqrt();
        for i in 0..(seconds * 8000.0).round() as usize {
            let t = i as f32 / 8000.0;
            let tone: f32 = hz.iter().map(|f| (TAU * f * line.drift * t).sin() * each).sum();
            let x = tone + noise.bell() * floor;
            samples.push((x.clamp(-1.0, 1.0) * 32767.0) as i16);
        }
    };
    add(&[], LEAD, &mut samples);
    for _ in 0..cadences {
        for (hz, ms) in bursts {
            let from = samples.len() as f32 / 8000.0;
            add(hz, f32::from(*ms) * 1e-3 * line.stretch, &mut samples);
            if !hz.is_empty() {
                spans.push((from, samples.len() as f32 / 8000.0));
            }
        }
    }
    (samples, spans)
}

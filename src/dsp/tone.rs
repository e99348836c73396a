//! Call-progress tones of the countries (ITU-T E.180 Supplement 2), the beep, and keys in the band (ITU-T Q.23).

use super::level;
use crate::units::{Dbm0, Digit, SAMPLE_RATE_HZ};
use std::sync::LazyLock;

/// Level of a tone as a whole, E.180 §2: −10 dBm0 ± 5.
const TONE_DBM0: f32 = -13.0;
/// Low and high frequency of a key, Q.23 with 2 dB of twist towards the high one.
const KEY_DBM0: [f32; 2] = [-10.0, -8.0];

/// One second of a full-scale sine of 1 Hz: every whole frequency is a walk through it that never drifts.
static SINE: LazyLock<Box<[i16]>> = LazyLock::new(|| {
    let step = std::f64::consts::TAU / f64::from(SAMPLE_RATE_HZ);
    (0..SAMPLE_RATE_HZ).map(|i| ((f64::from(i) * step).sin() * 32_767.0).round() as i16).collect()
});

/// Frequencies sounding together and their rhythm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Hz below 4000; 0 is none.
    pub hz: [u16; 2],
    /// Milliseconds on, off, on, off …; 0 ends the list, an empty list is a steady tone.
    pub cadence_ms: [u16; 6],
}

const fn signal(low: u16, high: u16, cadence_ms: [u16; 6]) -> Signal {
    Signal { hz: [low, high], cadence_ms }
}

/// A special information tone of three steps.
const fn three(first: u16, second: u16, third: u16) -> [Signal; 3] {
    [
        signal(first, 0, on_off(SIT_MS, 0)),
        signal(second, 0, on_off(SIT_MS, 0)),
        signal(third, 0, on_off(SIT_MS, SIT_PAUSE_MS)),
    ]
}

/// One of a single step.
const fn one(hz: u16, on: u16, off: u16) -> [Signal; 3] {
    [signal(hz, 0, on_off(on, off)); 3]
}

const fn on_off(on: u16, off: u16) -> [u16; 6] {
    [on, off, 0, 0, 0, 0]
}

const STEADY: [u16; 6] = [0; 6];
/// The pauses that make a dial tone say that messages wait: so many of this rhythm, then the tone as always.
const STUTTER: ([u16; 6], u8) = (on_off(100, 100), 10);
/// Said over a call that is recorded: 1400 Hz for 200 ms every 15 s, FCC 47 CFR §64.501.
pub const RECORDED: Signal = signal(1400, 0, on_off(200, 14_800));
/// Length of one tone of most special information tones, and the pause after the last, E.180 §8.
const SIT_MS: u16 = 330;
const SIT_PAUSE_MS: u16 = 1000;
/// 1000 Hz for 120 ms; the player stops it there.
pub const BEEP: Signal = signal(1000, 0, STEADY);
/// Length of [`BEEP`] in milliseconds.
pub const BEEP_MS: u16 = 120;

/// The tones a household of one country knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166 code, lower case; `uk` for `gb`.
    pub code: &'static str,
    /// "You may dial."
    pub dial: Signal,
    /// "It rings over there."
    pub ringback: Signal,
    /// "They are talking."
    pub busy: Signal,
    /// "No way through."
    pub congestion: Signal,
    /// "Somebody else calls": sounds over the call, softly.
    pub waiting: Signal,
    /// "This number cannot be reached": one after the other.
    pub special: [Signal; 3],
}

/// Every country whose tones are known.
#[rustfmt::skip]
pub static COUNTRIES: [Country; 13] = [
    Country { code: "us", dial: signal(350, 440, STEADY), ringback: signal(440, 480, on_off(2000, 4000)),
        busy: signal(480, 620, on_off(500, 500)), congestion: signal(480, 620, on_off(250, 250)),
        waiting: signal(440, 0, on_off(300, 10_000)), special: three(950, 1400, 1800) },
    Country { code: "uk", dial: signal(350, 440, STEADY), ringback: signal(400, 450, [400, 200, 400, 2000, 0, 0]),
        busy: signal(400, 0, on_off(375, 375)), congestion: signal(400, 0, [400, 350, 225, 525, 0, 0]),
        waiting: signal(400, 0, on_off(100, 4000)), special: three(950, 1400, 1800) },
    Country { code: "de", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(480, 480)), congestion: signal(425, 0, on_off(240, 240)),
        waiting: signal(425, 0, [200, 200, 200, 5000, 0, 0]), special: three(950, 1400, 1800) },
    Country { code: "fr", dial: signal(440, 0, STEADY), ringback: signal(440, 0, on_off(1500, 3500)),
        busy: signal(440, 0, on_off(500, 500)), congestion: signal(440, 0, on_off(250, 250)),
        waiting: signal(440, 0, on_off(300, 10_000)), special: three(950, 1400, 1800) },
    Country { code: "nl", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(250, 250)),
        waiting: signal(425, 0, on_off(500, 9500)), special: three(950, 1400, 1800) },
    Country { code: "it", dial: signal(425, 0, [200, 200, 600, 1000, 0, 0]), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(200, 200)),
        waiting: signal(425, 0, [400, 100, 250, 100, 150, 14_000]), special: three(950, 1400, 1800) },
    Country { code: "es", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1500, 3000)),
        busy: signal(425, 0, on_off(200, 200)), congestion: signal(425, 0, [200, 200, 200, 200, 200, 600]),
        waiting: signal(425, 0, [175, 175, 175, 3500, 0, 0]), special: one(950, 330, 1000) },
    Country { code: "at", dial: signal(420, 0, STEADY), ringback: signal(420, 0, on_off(1000, 5000)),
        busy: signal(420, 0, on_off(400, 400)), congestion: signal(420, 0, on_off(200, 200)),
        waiting: signal(420, 0, on_off(40, 1960)), special: three(950, 1450, 1850) },
    Country { code: "ch", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(200, 200)),
        waiting: signal(425, 0, [200, 200, 200, 4000, 0, 0]), special: three(950, 1400, 1800) },
    Country { code: "be", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 3000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(167, 167)),
        waiting: signal(1400, 0, [175, 175, 175, 3500, 0, 0]), special: three(900, 1400, 1800) },
    Country { code: "se", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 5000)),
        busy: signal(425, 0, on_off(250, 250)), congestion: signal(425, 0, on_off(250, 750)),
        waiting: signal(425, 0, [200, 500, 200, 9100, 0, 0]), special: three(950, 1400, 1800) },
    Country { code: "au", dial: signal(413, 438, STEADY), ringback: signal(413, 438, [400, 200, 400, 2000, 0, 0]),
        busy: signal(425, 0, on_off(375, 375)), congestion: signal(425, 0, on_off(375, 375)),
        waiting: signal(425, 0, [200, 200, 200, 4400, 0, 0]), special: one(425, 2500, 500) },
    // 400 Hz whose loudness swells 16 times a second is the sum of its two sidebands.
    Country { code: "jp", dial: signal(400, 0, STEADY), ringback: signal(392, 408, on_off(1000, 2000)),
        busy: signal(400, 0, on_off(500, 500)), congestion: signal(400, 0, on_off(500, 500)),
        waiting: signal(400, 0, on_off(500, 8000)), special: three(950, 1400, 1800) },
];

impl Country {
    /// The country with this code, in any case; `gb` is `uk`.
    pub fn by_code(code: &str) -> Option<&'static Self> {
        let code = if code.eq_ignore_ascii_case("gb") { "uk" } else { code };
        COUNTRIES.iter().find(|c| c.code.eq_ignore_ascii_case(code))
    }
}

/// Sounding [`Signal`]s: 16-bit samples without end.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    /// One after the other, each for one round of its rhythm; then again from the first.
    signals: [Signal; 3],
    /// The rounds for which the first is interrupted before it begins.
    stutter: u8,
    peak: [i16; 2],
    phase: [u16; 2],
    step: u8,
    part: u8,
    left: u32,
}

impl Generator {
    /// The signal from the start of its rhythm, −13 dBm0.
    pub fn new(signal: Signal) -> Self {
        Self::sequence([signal; 3])
    }

    /// Three signals in turn, from the start of the first, −13 dBm0.
    pub fn sequence(signals: [Signal; 3]) -> Self {
        let both = signals[0].hz[1] != 0;
        let each = level::amplitude(Dbm0(if both { TONE_DBM0 - 3.01 } else { TONE_DBM0 }));
        Self::with(signals, [each, if both { each } else { 0 }])
    }

    /// The signal, interrupted ten times before it begins: messages wait.
    pub fn stuttering(signal: Signal) -> Self {
        Self { stutter: STUTTER.1, left: samples(STUTTER.0[0]), ..Self::new(signal) }
    }

    /// The signal `db` softer, for what sounds over a conversation.
    pub fn softer(signal: Signal, db: f32) -> Self {
        Self::new(signal).by(db)
    }

    /// A key `db` softer than in the band.
    pub fn key_softer(digit: Digit, db: f32) -> Option<Self> {
        Some(Self::key(digit)?.by(db))
    }

    fn by(self, db: f32) -> Self {
        Self { peak: self.peak.map(|p| (f32::from(p) * 10f32.powf(-db / 20.0)) as i16), ..self }
    }

    /// A key in the band, steady. `None` for a hook flash, which has no sound.
    pub fn key(digit: Digit) -> Option<Self> {
        const LOW: [u16; 4] = [697, 770, 852, 941];
        const HIGH: [u16; 4] = [1209, 1336, 1477, 1633];
        // Q.23: the keypad read row by row.
        let place = "123A456B789C*0#D".find(digit.as_char())?;
        let hz = [LOW[place / 4], HIGH[place % 4]];
        let key = Signal { hz, cadence_ms: STEADY };
        Some(Self::with([key; 3], KEY_DBM0.map(|l| level::amplitude(Dbm0(l)))))
    }

    fn with(signals: [Signal; 3], peak: [i16; 2]) -> Self {
        LazyLock::force(&SINE);
        let left = samples(signals[0].cadence_ms[0]);
        Self { signals, stutter: 0, peak, phase: [0; 2], step: 0, part: 0, left }
    }

    fn cadence_ms(&self) -> [u16; 6] {
        if self.stutter > 0 { STUTTER.0 } else { self.signals[usize::from(self.step) % 3].cadence_ms }
    }

    /// The next sample.
    pub fn sample(&mut self) -> i16 {
        let hz = self.signals[usize::from(self.step) % 3].hz;
        let sounding = self.part.is_multiple_of(2);
        self.advance();
        if !sounding {
            self.phase = [0; 2];
            return 0;
        }
        let mut sum = 0i32;
        for ((phase, peak), hz) in self.phase.iter_mut().zip(self.peak).zip(hz) {
            let sine = SINE.get(usize::from(*phase)).copied().unwrap_or(0);
            sum += i32::from(sine) * i32::from(peak) / 32_767;
            *phase = (*phase + hz) % SAMPLE_RATE_HZ as u16;
        }
        sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }

    /// One sample further in the rhythm.
    fn advance(&mut self) {
        let cadence = self.cadence_ms();
        if cadence[0] == 0 {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return;
        }
        let next = usize::from(self.part) + 1;
        if cadence.get(next).is_some_and(|&ms| ms > 0) {
            self.part = next as u8;
        } else {
            self.part = 0;
            match self.stutter {
                0 => self.step = (self.step + 1) % 3,
                rounds => self.stutter = rounds - 1,
            }
        }
        self.left = samples(self.cadence_ms()[usize::from(self.part)]);
    }
}

const fn samples(ms: u16) -> u32 {
    ms as u32 * (SAMPLE_RATE_HZ / 1000)
}

/// Makes the sine table. Whoever may not allocate later calls it first.
pub fn prepare() {
    LazyLock::force(&SINE);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dsp::detect::Goertzel;

    fn take(generator: &mut Generator, n: usize) -> Vec<i16> {
        (0..n).map(|_| generator.sample()).collect()
    }

    /// Power at one frequency relative to the whole, 0 to 1.
    fn share(samples: &[i16], hz: f64) -> f64 {
        let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
        for (i, &s) in samples.iter().enumerate() {
            let (s, angle) = (f64::from(s), i as f64 * std::f64::consts::TAU * hz / 8000.0);
            re += s * angle.cos();
            im += s * angle.sin();
            all += s * s;
        }
        2.0 * (re * re + im * im) / (samples.len() as f64 * all)
    }

    /// The level of one frequency in dBm0.
    fn dbm0(samples: &[i16], hz: u16) -> f32 {
        let block: Vec<f32> = samples.iter().map(|s| f32::from(*s)).collect();
        let full = f32::from(level::amplitude(Dbm0(0.0)));
        10.0 * (Goertzel::new(f32::from(hz)).power(&block) * 2.0 / (full * full)).log10()
    }

    /// That a generator sounds exactly this: each part on its sample, each frequency at its level, nothing beside them.
    fn assert_sounds(name: &str, generator: &mut Generator, parts: &[([u16; 2], u16)], on_level: f32) {
        for (i, &(hz, ms)) in parts.iter().enumerate() {
            let part = take(generator, samples(ms) as usize);
            if hz == [0; 2] {
                assert!(part.iter().all(|s| *s == 0), "{name}: part {i} is not silent");
                continue;
            }
            let lines = hz.iter().filter(|hz| **hz > 0).count() as f32;
            let wanted = on_level - 10.0 * lines.log10();
            // Two tones too close for the length of the part run into one line of the filter.
            let apart = hz[1] == 0 || u32::from(ms) * u32::from(hz[0].abs_diff(hz[1])) > 8_000;
            for &hz in hz.iter().filter(|hz| **hz > 0 && apart) {
                let found = dbm0(&part, hz);
                assert!((found - wanted).abs() < 0.5, "{name}: part {i}: {hz} Hz at {found:.2} dBm0");
                for beside in [hz - hz / 8, hz + hz / 8] {
                    let far = ms >= 200 && hz != 0 && parts[i].0.iter().all(|f| f.abs_diff(beside) > 30);
                    assert!(!far || dbm0(&part, beside) < found - 12.0, "{name}: part {i}: {beside} Hz too");
                }
            }
            let whole = part.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / part.len() as f32;
            let full = f32::from(level::amplitude(Dbm0(0.0)));
            let all = 10.0 * (whole * 2.0 / (full * full)).log10();
            assert!((all - on_level).abs() < 0.6, "{name}: part {i} at {all:.2} dBm0");
        }
    }

    /// The parts of one round of a signal's rhythm; two seconds of a steady one.
    fn parts(signal: Signal) -> Vec<([u16; 2], u16)> {
        let steady = signal.cadence_ms[0] == 0;
        let on = |i: usize| if i.is_multiple_of(2) { signal.hz } else { [0; 2] };
        let rhythm = signal.cadence_ms.iter().take_while(|ms| **ms > 0).enumerate();
        if steady { vec![(signal.hz, 2000)] } else { rhythm.map(|(i, ms)| (on(i), *ms)).collect() }
    }

    #[test]
    fn each_country_sounds_its_own_tones_in_its_own_time() {
        for country in &COUNTRIES {
            let signals = [
                ("dial", country.dial),
                ("ringback", country.ringback),
                ("busy", country.busy),
                ("congestion", country.congestion),
                ("waiting", country.waiting),
            ];
            for (what, signal) in signals {
                let two_rounds = [parts(signal), parts(signal)].concat();
                let name = format!("{} {what}", country.code);
                assert_sounds(&name, &mut Generator::new(signal), &two_rounds, TONE_DBM0);
            }
            let special: Vec<_> = country.special.iter().flat_map(|signal| parts(*signal)).collect();
            let name = format!("{} special information", country.code);
            let mut generator = Generator::sequence(country.special);
            assert_sounds(&name, &mut generator, &[special.clone(), special].concat(), TONE_DBM0);
            let stutter: Vec<_> = (0..10).flat_map(|_| [(country.dial.hz, 100), ([0; 2], 100)]).collect();
            let name = format!("{} stutter", country.code);
            let mut generator = Generator::stuttering(country.dial);
            assert_sounds(&name, &mut generator, &[stutter, parts(country.dial)].concat(), TONE_DBM0);
        }
        let recorded = parts(RECORDED);
        assert_sounds("recorded", &mut Generator::softer(RECORDED, 10.0), &recorded, TONE_DBM0 - 10.0);
    }

    /// Country; ringback's Hz, on and off; the call waiting tone's; the special information tone's Hz.
    type Row = (&'static str, [u16; 2], &'static [u16], u16, &'static [u16], [u16; 3]);

    /// Domain facts §6, written down once more: on and off in milliseconds, Hz.
    #[test]
    fn the_tables_are_those_of_the_recommendation() {
        let round =
            |signal: Signal| -> Vec<u16> { signal.cadence_ms.into_iter().take_while(|ms| *ms > 0).collect() };
        #[rustfmt::skip]
        let expected: [Row; 13] = [
            ("us", [440, 480], &[2000, 4000], 440, &[300, 10_000], [950, 1400, 1800]),
            ("uk", [400, 450], &[400, 200, 400, 2000], 400, &[100, 4000], [950, 1400, 1800]),
            ("de", [425, 0], &[1000, 4000], 425, &[200, 200, 200, 5000], [950, 1400, 1800]),
            ("fr", [440, 0], &[1500, 3500], 440, &[300, 10_000], [950, 1400, 1800]),
            ("nl", [425, 0], &[1000, 4000], 425, &[500, 9500], [950, 1400, 1800]),
            ("it", [425, 0], &[1000, 4000], 425, &[400, 100, 250, 100, 150, 14_000], [950, 1400, 1800]),
            ("es", [425, 0], &[1500, 3000], 425, &[175, 175, 175, 3500], [950; 3]),
            ("at", [420, 0], &[1000, 5000], 420, &[40, 1960], [950, 1450, 1850]),
            ("ch", [425, 0], &[1000, 4000], 425, &[200, 200, 200, 4000], [950, 1400, 1800]),
            ("be", [425, 0], &[1000, 3000], 1400, &[175, 175, 175, 3500], [900, 1400, 1800]),
            ("se", [425, 0], &[1000, 5000], 425, &[200, 500, 200, 9100], [950, 1400, 1800]),
            ("au", [413, 438], &[400, 200, 400, 2000], 425, &[200, 200, 200, 4400], [425; 3]),
            ("jp", [392, 408], &[1000, 2000], 400, &[500, 8000], [950, 1400, 1800]),
        ];
        for (country, (code, ring_hz, ring, wait_hz, wait, special)) in COUNTRIES.iter().zip(expected) {
            assert_eq!(country.code, code);
            assert_eq!((country.ringback.hz, round(country.ringback)), (ring_hz, ring.to_vec()), "{code}");
            assert_eq!((country.waiting.hz, round(country.waiting)), ([wait_hz, 0], wait.to_vec()), "{code}");
            assert_eq!(country.special.map(|signal| signal.hz[0]), special, "{code}");
        }
    }

    #[test]
    fn every_key_sounds_its_row_and_column() {
        for (key, low, high) in [
            ('1', 697., 1209.),
            ('5', 770., 1336.),
            ('0', 941., 1336.),
            ('D', 941., 1633.),
            ('#', 941., 1477.),
        ] {
            let samples = take(&mut Generator::key(Digit::from_char(key).unwrap()).unwrap(), 800);
            assert!(share(&samples, low) > 0.3 && share(&samples, high) > 0.45, "{key}");
        }
        assert!(Generator::key(Digit::FLASH).is_none());
    }

    #[test]
    fn countries_are_found_in_any_case() {
        assert_eq!(Country::by_code("GB").unwrap().code, "uk");
        assert_eq!(Country::by_code("zz"), None);
    }
}

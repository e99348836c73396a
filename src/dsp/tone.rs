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

const fn on_off(on: u16, off: u16) -> [u16; 6] {
    [on, off, 0, 0, 0, 0]
}

const STEADY: [u16; 6] = [0; 6];
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
}

/// Every country whose tones are known.
#[rustfmt::skip]
pub static COUNTRIES: [Country; 13] = [
    Country { code: "us", dial: signal(350, 440, STEADY), ringback: signal(440, 480, on_off(2000, 4000)),
        busy: signal(480, 620, on_off(500, 500)), congestion: signal(480, 620, on_off(250, 250)) },
    Country { code: "uk", dial: signal(350, 440, STEADY), ringback: signal(400, 450, [400, 200, 400, 2000, 0, 0]),
        busy: signal(400, 0, on_off(375, 375)), congestion: signal(400, 0, [400, 350, 225, 525, 0, 0]) },
    Country { code: "de", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(480, 480)), congestion: signal(425, 0, on_off(240, 240)) },
    Country { code: "fr", dial: signal(440, 0, STEADY), ringback: signal(440, 0, on_off(1500, 3500)),
        busy: signal(440, 0, on_off(500, 500)), congestion: signal(440, 0, on_off(250, 250)) },
    Country { code: "nl", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(250, 250)) },
    Country { code: "it", dial: signal(425, 0, [200, 200, 600, 1000, 0, 0]), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(200, 200)) },
    Country { code: "es", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1500, 3000)),
        busy: signal(425, 0, on_off(200, 200)), congestion: signal(425, 0, [200, 200, 200, 200, 200, 600]) },
    Country { code: "at", dial: signal(420, 0, STEADY), ringback: signal(420, 0, on_off(1000, 5000)),
        busy: signal(420, 0, on_off(400, 400)), congestion: signal(420, 0, on_off(200, 200)) },
    Country { code: "ch", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 4000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(200, 200)) },
    Country { code: "be", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 3000)),
        busy: signal(425, 0, on_off(500, 500)), congestion: signal(425, 0, on_off(167, 167)) },
    Country { code: "se", dial: signal(425, 0, STEADY), ringback: signal(425, 0, on_off(1000, 5000)),
        busy: signal(425, 0, on_off(250, 250)), congestion: signal(425, 0, on_off(250, 750)) },
    Country { code: "au", dial: signal(413, 438, STEADY), ringback: signal(413, 438, [400, 200, 400, 2000, 0, 0]),
        busy: signal(425, 0, on_off(375, 375)), congestion: signal(425, 0, on_off(375, 375)) },
    // 400 Hz whose loudness swells 16 times a second is the sum of its two sidebands.
    Country { code: "jp", dial: signal(400, 0, STEADY), ringback: signal(392, 408, on_off(1000, 2000)),
        busy: signal(400, 0, on_off(500, 500)), congestion: signal(400, 0, on_off(500, 500)) },
];

impl Country {
    /// The country with this code, in any case; `gb` is `uk`.
    pub fn by_code(code: &str) -> Option<&'static Self> {
        let code = if code.eq_ignore_ascii_case("gb") { "uk" } else { code };
        COUNTRIES.iter().find(|c| c.code.eq_ignore_ascii_case(code))
    }
}

/// A sounding [`Signal`]: 16-bit samples without end.
#[derive(Clone, Copy, Debug)]
pub struct Generator {
    hz: [u16; 2],
    peak: [i16; 2],
    phase: [u16; 2],
    cadence_ms: [u16; 6],
    part: u8,
    left: u32,
}

impl Generator {
    /// The signal from the start of its rhythm, −13 dBm0.
    pub fn new(signal: Signal) -> Self {
        let both = signal.hz[1] != 0;
        let each = level::amplitude(Dbm0(if both { TONE_DBM0 - 3.01 } else { TONE_DBM0 }));
        Self::with(signal, [each, if both { each } else { 0 }])
    }

    /// A key in the band, steady. `None` for a hook flash, which has no sound.
    pub fn key(digit: Digit) -> Option<Self> {
        const LOW: [u16; 4] = [697, 770, 852, 941];
        const HIGH: [u16; 4] = [1209, 1336, 1477, 1633];
        // Q.23: the keypad read row by row.
        let place = "123A456B789C*0#D".find(digit.as_char())?;
        let hz = [LOW[place / 4], HIGH[place % 4]];
        Some(Self::with(Signal { hz, cadence_ms: STEADY }, KEY_DBM0.map(|l| level::amplitude(Dbm0(l)))))
    }

    fn with(signal: Signal, peak: [i16; 2]) -> Self {
        LazyLock::force(&SINE);
        let left = samples(signal.cadence_ms[0]);
        Self { hz: signal.hz, peak, phase: [0; 2], cadence_ms: signal.cadence_ms, part: 0, left }
    }

    /// The next sample.
    pub fn sample(&mut self) -> i16 {
        let sounding = self.part.is_multiple_of(2);
        self.step();
        if !sounding {
            self.phase = [0; 2];
            return 0;
        }
        let mut sum = 0i32;
        for i in 0..2 {
            let sine = SINE.get(usize::from(self.phase[i])).copied().unwrap_or(0);
            sum += i32::from(sine) * i32::from(self.peak[i]) / 32_767;
            self.phase[i] = (self.phase[i] + self.hz[i]) % SAMPLE_RATE_HZ as u16;
        }
        sum.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }

    /// One sample further in the rhythm.
    fn step(&mut self) {
        if self.cadence_ms[0] == 0 {
            return;
        }
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            let next = usize::from(self.part) + 1;
            self.part = if self.cadence_ms.get(next).is_none_or(|&ms| ms == 0) { 0 } else { next as u8 };
            self.left = samples(self.cadence_ms[usize::from(self.part)]);
        }
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
    use crate::units::{FRAME_SAMPLES, Frame};

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

    #[test]
    fn each_country_rings_in_its_own_time() {
        for country in &COUNTRIES {
            for signal in [country.dial, country.ringback, country.busy, country.congestion] {
                let mut generator = Generator::new(signal);
                for _ in 0..2 {
                    for (i, &ms) in signal.cadence_ms.iter().enumerate().take_while(|(_, ms)| **ms > 0) {
                        let part = take(&mut generator, samples(ms) as usize);
                        let loud = part.iter().filter(|s| s.abs() > 50).count();
                        if i % 2 == 0 {
                            assert!(loud > part.len() / 2, "{} {signal:?} part {i}", country.code);
                        } else {
                            assert_eq!(loud, 0, "{} {signal:?} part {i}", country.code);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn tones_have_their_frequencies_and_level() {
        for country in &COUNTRIES {
            let samples = take(&mut Generator::new(country.dial), 1600);
            let found: f64 =
                country.dial.hz.iter().filter(|f| **f > 0).map(|&f| share(&samples, f64::from(f))).sum();
            assert!(found > 0.98, "{}: {found}", country.code);
        }
        let mut frame = Frame::SILENCE;
        let mut generator = Generator::new(Country::by_code("DE").unwrap().dial);
        frame.0.copy_from_slice(&take(&mut generator, FRAME_SAMPLES));
        assert!((level::level(&frame).0 - TONE_DBM0).abs() < 0.5);
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

//! One frame in, one [`Look`] out: level, spectrum, pitch, steady lines. Everything later in the ear reads this.

use crate::units::{FRAME_SAMPLES, Frame};
use core::f32::consts::TAU;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Bands of the coarse spectrum, evenly spaced in mel from 150 to 3,700 Hz.
pub const BANDS: usize = 16;
/// Bands of [`Look::mel`], evenly spaced in mel from 100 to 3,800 Hz.
pub const MEL_BANDS: usize = 32;
/// Quarter decibels and a bit: a band from -65 to +5 dBm0 fills the eight bits.
const MEL_STEPS_PER_DB: f32 = 3.6;
/// Level of a zero in [`Look::mel`].
const MEL_ZERO_DBM0: f32 = -30.0;
/// What lies deeper is the studio or the line, not the sound.
const MEL_FLOOR_DBM0: f32 = -65.0;
/// A band at or below that floor.
pub const MEL_FAINT: i8 = -126;
/// Bands whose relations make one [`Look::print`], from 200 to 3,500 Hz.
const PRINT_BANDS: usize = 33;
/// Samples of the long window (64 ms): resolves lines 16 Hz apart.
const LONG: usize = 512;
/// Samples of the short window (32 ms): follows syllables.
const SHORT: usize = 256;
/// Level given to digital silence.
pub const FLOOR_DBM0: f32 = -90.0;
/// Below this lies nothing that a telephone carries: G.711's smallest steps. Silent queues last for hours, and cost
/// nothing.
pub const FAINT_DBM0: f32 = -68.0;
/// Faint frames after which nothing else is left in the long window.
const FAINT_FRAMES: u32 = LONG.div_ceil(FRAME_SAMPLES) as u32;
/// Frames over which a print smooths, so that a second hearing need not fall on the same 20 ms grid.
const PRINT_SMOOTH: usize = 4;

/// One or two narrow lines that hold most of the power.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    /// Share of the power in both lines, 0 to 1.
    pub share: f32,
    /// Centre of the stronger line, Hz.
    pub first_hz: f32,
    /// Centre of the weaker line, Hz; zero when it is more than 12 dB below the stronger.
    pub second_hz: f32,
    /// Power of both lines over the long window, dBm0.
    pub level_dbm0: f32,
}

/// What one frame of 20 ms looks like, with 44 ms before it.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Level of the frame.
    pub level_dbm0: f32,
    /// Level of each mel band, dBm0.
    pub bands: [f32; BANDS],
    /// The finer spectrum that the classifier reads: -126 is -65 dBm0 and below, 0 is -30 dBm0, a step 0.28 dB.
    pub mel: [i8; MEL_BANDS],
    /// Height of the pitch peak of the autocorrelation, 0 to 1.
    pub voicing: f32,
    /// Pitch in octaves above 62.5 Hz; meaningful when `voicing` is above 0.5.
    pub pitch: f32,
    /// The strongest lines.
    pub lines: Lines,
    /// Signs of differences between neighbouring bands and moments: alike for two hearings of one recording.
    pub print: u32,
}

/// Turns frames into looks. Allocates when made, never after.
pub struct Spectrum {
    sound: [f32; LONG],
    windowed: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    correlation: Vec<f32>,
    power: [f32; LONG / 2 + 1],
    long: Arc<dyn RealToComplex<f32>>,
    short: Arc<dyn RealToComplex<f32>>,
    back: Arc<dyn ComplexToReal<f32>>,
    long_window: [f32; LONG],
    short_window: [f32; SHORT],
    edges: [usize; BANDS + 1],
    mel_edges: [usize; MEL_BANDS + 1],
    print_edges: [usize; PRINT_BANDS + 1],
    print_past: [[f32; PRINT_BANDS]; 2 * PRINT_SMOOTH],
    print_at: usize,
    /// Faint frames in a row.
    faint: u32,
}

impl Default for Spectrum {
    fn default() -> Self {
        let mut planner = RealFftPlanner::new();
        let long = planner.plan_fft_forward(LONG);
        let short = planner.plan_fft_forward(SHORT);
        let back = planner.plan_fft_inverse(LONG);
        let most = long.get_scratch_len().max(short.get_scratch_len()).max(back.get_scratch_len());
        Self {
            sound: [0.0; LONG],
            windowed: vec![0.0; LONG],
            bins: vec![Complex::default(); LONG / 2 + 1],
            scratch: vec![Complex::default(); most],
            correlation: vec![0.0; LONG],
            power: [0.0; LONG / 2 + 1],
            long,
            short,
            back,
            long_window: core::array::from_fn(|i| hann(i, LONG)),
            short_window: core::array::from_fn(|i| hann(i, SHORT)),
            edges: edges(150.0, 3700.0, SHORT),
            mel_edges: edges(100.0, 3800.0, SHORT),
            print_edges: edges(200.0, 3500.0, LONG),
            print_past: [[0.0; PRINT_BANDS]; 2 * PRINT_SMOOTH],
            print_at: 0,
            faint: 0,
        }
    }
}

fn hann(i: usize, n: usize) -> f32 {
    // Scaled so that mean power survives the window: the mean of Hann squared is 3/8.
    (0.5 - 0.5 * (TAU * i as f32 / n as f32).cos()) / 0.375_f32.sqrt()
}

/// Edges of bands evenly spaced in mel, in bins of an `n`-point transform, each band at least one bin wide.
fn edges<const N: usize>(from_hz: f32, to_hz: f32, n: usize) -> [usize; N] {
    let mel = |hz: f32| (1.0 + hz / 700.0).ln();
    let mut last = 0;
    core::array::from_fn(|i| {
        let at = mel(from_hz) + (mel(to_hz) - mel(from_hz)) * i as f32 / (N - 1) as f32;
        let bin = (700.0 * (at.exp() - 1.0) * n as f32 / 8000.0).round() as usize;
        last = if i == 0 { bin } else { bin.max(last + 1) };
        last
    })
}

/// ITU-T G.711 table 5: a full-scale sine in A-law, dBm0.
#[allow(clippy::approx_constant)]
const OVERLOAD_DBM0: f32 = 3.14;

/// Mean power (full scale 1) as dBm0: a full-scale sine is +3.14.
pub fn dbm0(power: f32) -> f32 {
    (10.0 * (power * 2.0).max(1e-12).log10() + OVERLOAD_DBM0).max(FLOOR_DBM0)
}

impl Spectrum {
    /// The newest 40 ms of sound, full scale 1.
    pub fn recent(&self) -> &[f32] {
        &self.sound[LONG - 2 * FRAME_SAMPLES..]
    }

    /// Looks at the next frame.
    pub fn look(&mut self, frame: &Frame) -> Look {
        self.sound.copy_within(FRAME_SAMPLES.., 0);
        for (to, &from) in self.sound[LONG - FRAME_SAMPLES..].iter_mut().zip(&frame.0) {
            *to = f32::from(from) / 32768.0;
        }
        let newest = &self.sound[LONG - FRAME_SAMPLES..];
        let level = newest.iter().map(|x| x * x).sum::<f32>() / FRAME_SAMPLES as f32;
        self.faint = if dbm0(level) < FAINT_DBM0 { self.faint.saturating_add(1) } else { 0 };
        if self.faint >= FAINT_FRAMES {
            return self.nothing(dbm0(level));
        }
        let (bands, mel) = self.bands();
        let total = self.long_power();
        let lines = self.lines(total);
        let print = self.print();
        let (voicing, pitch) = self.pitch();
        Look { level_dbm0: dbm0(level), bands, mel, voicing, pitch, lines, print }
    }

    /// The look of a faint frame among faint frames: no lines, no voice, nothing to recognise.
    fn nothing(&mut self, level_dbm0: f32) -> Look {
        self.print_past = [[0.0; PRINT_BANDS]; 2 * PRINT_SMOOTH];
        Look {
            level_dbm0,
            bands: [FLOOR_DBM0; BANDS],
            mel: [MEL_FAINT; MEL_BANDS],
            voicing: 0.0,
            pitch: 0.0,
            lines: Lines::default(),
            print: 0,
        }
    }

    fn bands(&mut self) -> ([f32; BANDS], [i8; MEL_BANDS]) {
        let part = &self.sound[LONG - SHORT..];
        for ((to, x), w) in self.windowed.iter_mut().zip(part).zip(&self.short_window) {
            *to = x * w;
        }
        let bins = &mut self.bins[..=SHORT / 2];
        // The lengths come from the planner itself, so this cannot fail.
        let _ = self.short.process_with_scratch(&mut self.windowed[..SHORT], bins, &mut self.scratch);
        for (p, c) in self.power.iter_mut().zip(&*bins) {
            *p = c.norm_sqr() * 2.0 / (SHORT * SHORT) as f32;
        }
        let level = |from: usize, to: usize| dbm0(self.power[from..to].iter().sum());
        let bands = core::array::from_fn(|b| level(self.edges[b], self.edges[b + 1]));
        let mel = core::array::from_fn(|b| {
            let level = level(self.mel_edges[b], self.mel_edges[b + 1]).max(MEL_FLOOR_DBM0);
            ((level - MEL_ZERO_DBM0) * MEL_STEPS_PER_DB).round().clamp(-126.0, 126.0) as i8
        });
        (bands, mel)
    }

    /// Fills `power` with the long window's spectrum and returns its sum, the mean power of the window.
    fn long_power(&mut self) -> f32 {
        for ((to, x), w) in self.windowed.iter_mut().zip(&self.sound).zip(&self.long_window) {
            *to = x * w;
        }
        let _ = self.long.process_with_scratch(&mut self.windowed, &mut self.bins, &mut self.scratch);
        let mut total = 0.0;
        for (i, (p, c)) in self.power.iter_mut().zip(&self.bins).enumerate() {
            // Below 100 Hz lie mains hum and offsets that no telephone carries on purpose.
            *p = if i < 6 { 0.0 } else { c.norm_sqr() * 2.0 / (LONG * LONG) as f32 };
            total += *p;
        }
        total
    }

    fn lines(&self, total: f32) -> Lines {
        if total < 1e-9 {
            return Lines::default();
        }
        let top = |skip: Option<usize>| {
            (8..LONG / 2 - 8)
                .filter(|&k| skip.is_none_or(|s| k.abs_diff(s) > 4))
                .max_by(|&a, &b| self.power[a].total_cmp(&self.power[b]))
                .unwrap_or(8)
        };
        let first = top(None);
        let second = top(Some(first));
        let (first_hz, p1) = self.centre(first, None);
        let (second_hz, p2) = self.centre(second, Some(first));
        let double = p2 * 16.0 > p1;
        let both = if double { p1 + p2 } else { p1 };
        Lines {
            share: (both / total).min(1.0),
            first_hz,
            second_hz: if double { second_hz } else { 0.0 },
            level_dbm0: dbm0(both),
        }
    }

    /// Centre of gravity and power of the line around bin `k`, without what belongs to the `other` line.
    fn centre(&self, k: usize, other: Option<usize>) -> (f32, f32) {
        let (mut sum, mut moment) = (0.0, 0.0);
        for j in (k - 4..=k + 4).filter(|j| other.is_none_or(|o| j.abs_diff(o) > 4)) {
            sum += self.power[j];
            moment += self.power[j] * j as f32;
        }
        (moment / sum.max(1e-20) * 8000.0 / LONG as f32, sum)
    }

    fn print(&mut self) -> u32 {
        let bands: [f32; PRINT_BANDS] = core::array::from_fn(|b| {
            let band = &self.power[self.print_edges[b]..self.print_edges[b + 1]];
            (band.iter().sum::<f32>() + 1e-10).ln()
        });
        let slots = 2 * PRINT_SMOOTH;
        self.print_past[self.print_at] = bands;
        self.print_at = (self.print_at + 1) % slots;
        let mut slope = [0.0; PRINT_BANDS];
        for age in 0..slots {
            let sign = if age < PRINT_SMOOTH { -1.0 } else { 1.0 };
            let past = &self.print_past[(self.print_at + age) % slots];
            for (s, p) in slope.iter_mut().zip(past) {
                *s += sign * p;
            }
        }
        slope.windows(2).enumerate().fold(0, |bits, (i, w)| bits | u32::from(w[0] > w[1]) << i)
    }

    /// Height and place of the autocorrelation's highest peak between 62.5 and 400 Hz.
    fn pitch(&mut self) -> (f32, f32) {
        for (to, p) in self.bins.iter_mut().zip(&self.power) {
            *to = Complex::new(*p, 0.0);
        }
        let _ = self.back.process_with_scratch(&mut self.bins, &mut self.correlation, &mut self.scratch);
        let zero = self.correlation[0];
        if zero < 1e-9 {
            return (0.0, 0.0);
        }
        // The window's own correlation falls with the lag; dividing by a line keeps long lags comparable.
        let height = |lag: usize| self.correlation[lag] / zero / (1.0 - lag as f32 / (LONG as f32 * 0.75));
        let mut best = (20, 0.0);
        for lag in 20..128 {
            let h = height(lag);
            if h > best.1 && h > height(lag - 1) && h >= height(lag + 1) {
                best = (lag, h);
            }
        }
        (best.1.clamp(0.0, 1.0), (128.0 / best.0 as f32).log2())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn tone(hz: &[f32], amplitude: f32, frames: usize) -> Look {
        let mut spectrum = Spectrum::default();
        let mut last = None;
        for n in 0..frames {
            let frame = Frame(core::array::from_fn(|i| {
                let t = (n * FRAME_SAMPLES + i) as f32 / 8000.0;
                (hz.iter().map(|f| (TAU * f * t).sin()).sum::<f32>() * amplitude * 32767.0) as i16
            }));
            last = Some(spectrum.look(&frame));
        }
        last.unwrap()
    }

    #[test]
    fn a_full_scale_sine_is_3_dbm0_and_one_line() {
        let look = tone(&[425.0], 1.0, 30);
        assert!((look.level_dbm0 - OVERLOAD_DBM0).abs() < 0.1, "{}", look.level_dbm0);
        assert!(look.lines.share > 0.99);
        assert!((look.lines.first_hz - 425.0).abs() < 2.0, "{}", look.lines.first_hz);
        assert_eq!(look.lines.second_hz, 0.0);
    }

    #[test]
    fn two_lines_are_told_apart() {
        let look = tone(&[480.0, 620.0], 0.2, 30);
        let mut found = [look.lines.first_hz, look.lines.second_hz];
        found.sort_by(f32::total_cmp);
        assert!((found[0] - 480.0).abs() < 5.0 && (found[1] - 620.0).abs() < 5.0, "{found:?}");
    }

    #[test]
    fn pitch_of_a_buzz_is_found() {
        let harmonics: Vec<f32> = (1..20).map(|h| 140.0 * h as f32).collect();
        let look = tone(&harmonics, 0.03, 10);
        assert!(look.voicing > 0.8, "{}", look.voicing);
        assert!((look.pitch - (140.0_f32 / 62.5).log2()).abs() < 0.05, "{}", look.pitch);
    }

    #[test]
    fn silence_has_a_floor_and_no_lines() {
        let look = tone(&[425.0], 0.0, 10);
        assert_eq!(look.level_dbm0, FLOOR_DBM0);
        assert_eq!(look.lines.share, 0.0);
        assert_eq!(look.mel, [MEL_FAINT; MEL_BANDS]);
    }
}

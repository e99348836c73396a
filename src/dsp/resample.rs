//! Between 8 kHz and what sound cards have: 8, 16 and 48 kHz, by whole factors. A windowed sinc of 24 taps a phase.

use crate::units::{FRAME_SAMPLES, Frame};

/// The largest factor: 48 kHz.
pub const MOST: usize = 6;
/// Taps of each phase; half of them are the delay, 1.5 ms.
const TAPS: usize = 24;
/// Where the band ends, as a part of 8 kHz: telephone sound goes to 3.4 kHz.
const EDGE: f32 = 3_650.0 / 8_000.0;

/// The low pass at `factor` times 8 kHz: sums to 1.
fn taps(factor: usize) -> [f32; TAPS * MOST] {
    let mut taps = [0.0; TAPS * MOST];
    let length = TAPS * factor;
    let cut = EDGE / factor as f32;
    let middle = (length - 1) as f32 / 2.0;
    for (i, tap) in taps.iter_mut().take(length).enumerate() {
        let at = i as f32 - middle;
        let turn = core::f32::consts::TAU * i as f32 / (length - 1) as f32;
        let window = 0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos();
        let x = core::f32::consts::TAU * cut * at;
        *tap = window * if x.abs() < 1e-6 { 2.0 * cut } else { 2.0 * cut * x.sin() / x };
    }
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// From 8 kHz to a card.
#[derive(Clone, Debug)]
pub struct Up {
    factor: usize,
    taps: [f32; TAPS * MOST],
    /// The last samples, the newest first.
    past: [f32; TAPS],
}

impl Up {
    /// To `factor` times 8 kHz, 1 to [`MOST`].
    pub fn new(factor: usize) -> Self {
        let factor = factor.clamp(1, MOST);
        Self { factor, taps: taps(factor), past: [0.0; TAPS] }
    }

    /// One frame; `out` has `factor` times as many samples.
    pub fn frame(&mut self, frame: &Frame, out: &mut [i16]) {
        if self.factor == 1 {
            out.iter_mut().zip(frame.0).for_each(|(out, sample)| *out = sample);
            return;
        }
        for (sample, out) in frame.0.iter().zip(out.chunks_exact_mut(self.factor)) {
            self.past.copy_within(..TAPS - 1, 1);
            self.past[0] = f32::from(*sample);
            for (phase, out) in out.iter_mut().enumerate() {
                let taps = self.taps.iter().skip(phase).step_by(self.factor);
                let sum: f32 = taps.zip(self.past).map(|(tap, past)| tap * past).sum();
                // A cast saturates.
                *out = (sum * self.factor as f32).round() as i16;
            }
        }
    }
}

/// From a card to 8 kHz.
#[derive(Clone, Debug)]
pub struct Down {
    factor: usize,
    taps: [f32; TAPS * MOST],
    /// The end of the frame before, and this one behind it.
    past: [f32; TAPS * MOST + FRAME_SAMPLES * MOST],
}

impl Down {
    /// From `factor` times 8 kHz, 1 to [`MOST`].
    pub fn new(factor: usize) -> Self {
        let factor = factor.clamp(1, MOST);
        Self { factor, taps: taps(factor), past: [0.0; TAPS * MOST + FRAME_SAMPLES * MOST] }
    }

    /// One frame of `factor` times [`FRAME_SAMPLES`]; what is missing at its end is silence.
    pub fn frame(&mut self, samples: &[i16]) -> Frame {
        let mut frame = Frame::SILENCE;
        if self.factor == 1 {
            frame.0.iter_mut().zip(samples).for_each(|(out, sample)| *out = *sample);
            return frame;
        }
        let (length, new) = (TAPS * self.factor, FRAME_SAMPLES * self.factor);
        self.past.copy_within(new..new + length, 0);
        for (i, past) in self.past.iter_mut().skip(length).take(new).enumerate() {
            *past = samples.get(i).map_or(0.0, |sample| f32::from(*sample));
        }
        for (i, out) in frame.0.iter_mut().enumerate() {
            let past = self.past.iter().skip(self.factor * (i + 1)).take(length);
            let sum: f32 = past.zip(self.taps).map(|(past, tap)| past * tap).sum();
            *out = sum.round() as i16;
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_db(samples: &[i16]) -> f32 {
        let power = samples.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / samples.len() as f32;
        10.0 * power.max(1e-3).log10()
    }

    fn sine(hz: f32, rate: f32, n: usize) -> Vec<i16> {
        (0..n).map(|i| ((i as f32 * hz / rate * core::f32::consts::TAU).sin() * 8_000.0) as i16).collect()
    }

    /// Up and down again, and how loud each is; the beginning is left out.
    fn there_and_back(factor: usize, hz: f32) -> (f32, f32) {
        let (mut up, mut down) = (Up::new(factor), Down::new(factor));
        let (mut high, mut low) = (Vec::new(), Vec::new());
        for frame in sine(hz, 8_000.0, 20 * FRAME_SAMPLES).chunks_exact(FRAME_SAMPLES) {
            let mut out = vec![0; FRAME_SAMPLES * factor];
            up.frame(&Frame(core::array::from_fn(|i| frame[i])), &mut out);
            low.extend(down.frame(&out).0);
            high.extend(out);
        }
        (level_db(&high[FRAME_SAMPLES * factor..]), level_db(&low[FRAME_SAMPLES..]))
    }

    #[test]
    fn the_telephones_band_passes_and_what_is_beyond_does_not() {
        let whole = level_db(&sine(1_000.0, 8_000.0, 3_200));
        for factor in [1, 2, 6] {
            for hz in [300.0, 1_000.0, 2_000.0, 3_000.0] {
                let (high, low) = there_and_back(factor, hz);
                assert!(
                    (high - whole).abs() < 0.5 && (low - whole).abs() < 1.0,
                    "{factor} {hz}: {high} {low}"
                );
            }
        }
        for (factor, hz) in [(2, 5_500.0), (6, 5_500.0), (6, 7_000.0), (6, 15_000.0)] {
            let mut down = Down::new(factor);
            let rate = 8_000.0 * factor as f32;
            let sound = sine(hz, rate, 10 * FRAME_SAMPLES * factor);
            let frames = sound.chunks_exact(FRAME_SAMPLES * factor).flat_map(|chunk| down.frame(chunk).0);
            let low: Vec<i16> = frames.collect();
            assert!(level_db(&low[FRAME_SAMPLES..]) < whole - 45.0, "{factor} {hz}");
        }
    }

    #[test]
    fn frames_join_without_a_seam() {
        for factor in [2, 6] {
            let mut up = Up::new(factor);
            let mut high = Vec::new();
            for frame in sine(400.0, 8_000.0, 10 * FRAME_SAMPLES).chunks_exact(FRAME_SAMPLES) {
                let mut out = vec![0; FRAME_SAMPLES * factor];
                up.frame(&Frame(core::array::from_fn(|i| frame[i])), &mut out);
                high.extend(out);
            }
            // The steepest step of the sine itself, and what rounding adds.
            let most = 8_000.0 * core::f32::consts::TAU * 400.0 / (8_000.0 * factor as f32) * 1.05 + 2.0;
            let steps = high[200..].windows(2).map(|w| (w[1] - w[0]).unsigned_abs());
            assert!(steps.max().is_some_and(|step| f32::from(step) < most));
        }
    }
}

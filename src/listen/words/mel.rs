//! Sound as Whisper reads it: 80 mel bands every 10 ms, straight from 8 kHz.
//!
//! Whisper was trained on 16 kHz in windows of 400 samples. Windows of 200 samples at 8 kHz have the same bins up to 4 kHz,
//! with half the amplitude; above them a telephone has nothing.

use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Bands of one column.
pub const BANDS: usize = 80;
/// Samples between two columns: 10 ms.
pub const STEP: usize = 80;
/// Samples that a column looks at: 25 ms.
const WINDOW: usize = 200;
/// Bins of a window, 40 Hz apart.
const BINS: usize = WINDOW / 2 + 1;
/// What is fainter than the loudest by more than this (in powers of ten) is as good as that.
const RANGE: f32 = 8.0;

/// Computes columns.
pub struct Mel {
    fft: Arc<dyn RealToComplex<f32>>,
    window: [f32; WINDOW],
    filters: Vec<[f32; BINS]>,
}

impl Default for Mel {
    fn default() -> Self {
        let hann = |n: usize| 0.5 - 0.5 * (core::f32::consts::TAU * n as f32 / WINDOW as f32).cos();
        Self {
            fft: RealFftPlanner::new().plan_fft_forward(WINDOW),
            window: core::array::from_fn(hann),
            filters: filters(),
        }
    }
}

impl Mel {
    /// `columns` columns of [`BANDS`] for the samples and the silence after them, one after the other.
    pub fn columns(&self, samples: &[i16], columns: usize) -> Vec<f32> {
        let mut all = Vec::with_capacity(columns * BANDS);
        let (mut input, mut bins) = (self.fft.make_input_vec(), self.fft.make_output_vec());
        for column in 0..columns {
            for (n, x) in input.iter_mut().enumerate() {
                // The first columns look at the begin in a mirror.
                let at = (column * STEP + n).abs_diff(WINDOW / 2);
                let sample = samples.get(at).copied().unwrap_or(0);
                *x = f32::from(sample) / 32_768.0 * self.window[n];
            }
            // It fails for buffers of the wrong size alone.
            let _ = self.fft.process(&mut input, &mut bins);
            let mut power = [0.0; BINS];
            power.iter_mut().zip(&bins).for_each(|(power, bin)| *power = 4.0 * bin.norm_sqr());
            all.extend(self.filters.iter().map(|filter| {
                let sum: f32 = filter.iter().zip(&power).map(|(f, p)| f * p).sum();
                sum.max(1e-10).log10()
            }));
        }
        let loudest = all.iter().fold(f32::MIN, |most, x| most.max(*x));
        all.iter_mut().for_each(|x| *x = (x.max(loudest - RANGE) + 4.0) / 4.0);
        all
    }
}

/// Triangles on the mel scale of Slaney's Auditory Toolbox, each with an area of one.
fn filters() -> Vec<[f32; BINS]> {
    const LINEAR_HZ: f64 = 200.0 / 3.0;
    const LOG_FROM_HZ: f64 = 1000.0;
    let log_from = LOG_FROM_HZ / LINEAR_HZ;
    let step = 6.4_f64.ln() / 27.0;
    let top = log_from + (8000.0 / LOG_FROM_HZ).ln() / step;
    let hz = |mel: f64| {
        if mel < log_from { mel * LINEAR_HZ } else { LOG_FROM_HZ * (step * (mel - log_from)).exp() }
    };
    let corner = |n: usize| hz(top * n as f64 / (BANDS + 1) as f64);
    (0..BANDS)
        .map(|band| {
            let (low, middle, high) = (corner(band), corner(band + 1), corner(band + 2));
            core::array::from_fn(|bin| {
                let at = bin as f64 * 40.0;
                let height = ((at - low) / (middle - low)).min((high - at) / (high - middle)).max(0.0);
                (height * 2.0 / (high - low)) as f32
            })
        })
        .collect()
}

/// The place of each of `columns` columns of the encoder (20 ms each) in a window, as waves of falling frequency.
pub fn places(columns: usize, width: usize) -> Vec<f32> {
    let half = width / 2;
    let step = 10_000_f32.ln() / (half - 1) as f32;
    let angle = |column: usize, n: usize| column as f32 * (-step * n as f32).exp();
    (0..columns)
        .flat_map(|c| {
            (0..half).map(move |n| angle(c, n).sin()).chain((0..half).map(move |n| angle(c, n).cos()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn tone(hz: f32, amplitude: f32) -> Vec<i16> {
        (0..4000)
            .map(|n| (amplitude * (core::f32::consts::TAU * hz * n as f32 / 8000.0).sin()) as i16)
            .collect()
    }

    const PEAKS: [(f32, usize, f32); 5] = [
        (200.0, 4, 1.2629),
        (440.0, 11, 1.2825),
        (1000.0, 26, 1.284),
        (2500.0, 50, 1.2016),
        (3400.0, 58, 1.1701),
    ];

    /// What faster-whisper's extractor says of the same tones at 16 kHz: band and value of the loudest at 0.2 s.
    #[test]
    fn the_bands_are_whispers() {
        for (hz, band, value) in PEAKS {
            let all = Mel::default().columns(&tone(hz, 8000.0), 50);
            let column = &all[20 * BANDS..21 * BANDS];
            let loudest = (0..BANDS).max_by(|a, b| column[*a].total_cmp(&column[*b])).unwrap();
            assert_eq!(loudest, band, "{hz} Hz");
            assert!((column[loudest] - value).abs() < 0.01, "{hz} Hz: {} for {value}", column[loudest]);
        }
    }

    #[test]
    fn silence_and_too_few_samples_are_columns_too() {
        let all = Mel::default().columns(&[], 10);
        assert_eq!(all.len(), 10 * BANDS);
        assert!(all.iter().all(|x| x.is_finite() && (*x - all[0]).abs() < 1e-6));
        // What lies more than eight powers of ten under the loudest is lifted to there.
        let all = Mel::default().columns(&tone(500.0, 20_000.0), 100);
        let (least, most) = all.iter().fold((f32::MAX, f32::MIN), |(l, m), x| (l.min(*x), m.max(*x)));
        assert!((most - least - 2.0).abs() < 1e-4);
    }

    #[test]
    fn places_are_waves() {
        let all = places(3, 8);
        assert_eq!(all.len(), 24);
        assert_eq!(all[..8], [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
        assert!((all[8] - 1_f32.sin()).abs() < 1e-6 && (all[12] - 1_f32.cos()).abs() < 1e-6);
        assert!((all[11] - 1e-4).abs() < 1e-7, "the slowest");
    }
}

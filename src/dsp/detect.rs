//! Goertzel filters: how much of a block of sound lies at one frequency, and which DTMF key is pressed.

use crate::units::{Digit, SAMPLE_RATE_HZ};
use core::f32::consts::TAU;

/// One bin of a discrete Fourier transform at any frequency, ITU-T Q.24 receivers' usual tool.
#[derive(Clone, Copy, Debug)]
pub struct Goertzel {
    coefficient: f32,
}

impl Goertzel {
    /// A filter at `hz`, meaningful from 0 to 4,000.
    pub fn new(hz: f32) -> Self {
        Self { coefficient: 2.0 * (TAU * hz / SAMPLE_RATE_HZ as f32).cos() }
    }

    /// Mean power of the sine at this frequency: a sine of amplitude `a` alone gives `a²/2`. Zero for an empty block.
    pub fn power(&self, block: &[f32]) -> f32 {
        if block.is_empty() {
            return 0.0;
        }
        let (mut s1, mut s2) = (0.0_f32, 0.0_f32);
        for &x in block {
            let s0 = x + self.coefficient * s1 - s2;
            s2 = s1;
            s1 = s0;
        }
        let n = block.len() as f32;
        (s1 * s1 + s2 * s2 - self.coefficient * s1 * s2).max(0.0) * 2.0 / (n * n)
    }
}

/// Mean power of a block.
pub fn mean_power(block: &[f32]) -> f32 {
    if block.is_empty() { 0.0 } else { block.iter().map(|x| x * x).sum::<f32>() / block.len() as f32 }
}

/// ITU-T Q.23: the frequencies of the push-button keys.
const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Finds the key in a block of sound. Speech is refused by demanding that two lines carry nearly all power.
#[derive(Clone, Debug)]
pub struct Dtmf {
    low: [[Goertzel; 3]; 4],
    high: [[Goertzel; 3]; 4],
}

impl Default for Dtmf {
    fn default() -> Self {
        Self { low: LOW_HZ.map(drifting), high: HIGH_HZ.map(drifting) }
    }
}

impl Dtmf {
    /// Share of the block's power that two lines of a key must carry. Noise 12 dB below leaves 0.94.
    const SHARE: f32 = 0.68;
    /// ITU-T Q.24: twist of 8 dB either way is met in national networks; codecs add a little.
    const TWIST: f32 = 10.0;

    /// The key that sounds through the block of 20 ms, if any. Longer blocks are finer and refuse keys that drift.
    pub fn key(&self, block: &[f32]) -> Option<Digit> {
        let total = mean_power(block);
        let (row, low) = strongest(&self.low, block);
        let (column, high) = strongest(&self.high, block);
        let twist = low / high.max(f32::MIN_POSITIVE);
        let clear = low + high > Self::SHARE * total;
        let balanced = twist < Self::TWIST && twist > 1.0 / Self::TWIST;
        if total > 0.0 && clear && balanced { Digit::from_char(KEYS[row][column]) } else { None }
    }
}

/// ITU-T Q.24: keys within 1.5 % must be accepted, half a filter's width at 20 ms, so each has three filters.
fn drifting(hz: f32) -> [Goertzel; 3] {
    [0.988, 1.0, 1.012].map(|drift| Goertzel::new(hz * drift))
}

fn strongest(filters: &[[Goertzel; 3]; 4], block: &[f32]) -> (usize, f32) {
    let mut best = (0, 0.0);
    for (i, filter) in filters.iter().flatten().enumerate() {
        let power = filter.power(block);
        if power > best.1 {
            best = (i / 3, power);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn sine(hz: f32, amplitude: f32, samples: usize) -> Vec<f32> {
        (0..samples).map(|i| amplitude * (TAU * hz * i as f32 / 8000.0 + 0.3).sin()).collect()
    }

    #[test]
    fn power_of_a_sine_is_half_its_amplitude_squared() {
        for hz in [350.0, 440.0, 1000.0, 2100.0] {
            let power = Goertzel::new(hz).power(&sine(hz, 0.5, 800));
            assert!((power - 0.125).abs() < 0.004, "{hz} Hz: {power}");
            assert!(Goertzel::new(hz + 200.0).power(&sine(hz, 0.5, 800)) < 0.001);
        }
        assert_eq!(Goertzel::new(440.0).power(&[]), 0.0);
    }

    #[test]
    fn every_key_is_found_with_drift_and_twist_and_nothing_else_is() {
        let dtmf = Dtmf::default();
        for (row, low) in LOW_HZ.iter().enumerate() {
            for (column, high) in HIGH_HZ.iter().enumerate() {
                for (drift, twist) in [(1.0, 1.0), (1.014, 1.0), (0.986, 1.0), (1.0, 0.45), (1.0, 2.0)] {
                    let a = sine(low * drift, 0.2, 160);
                    let b = sine(high * drift, 0.2 * twist, 160);
                    let block: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
                    assert_eq!(dtmf.key(&block).map(Digit::as_char), Some(KEYS[row][column]));
                }
            }
        }
        assert_eq!(dtmf.key(&sine(697.0, 0.3, 320)), None);
        assert_eq!(dtmf.key(&sine(440.0, 0.3, 320)), None);
        assert_eq!(dtmf.key(&[0.0; 320]), None);
    }
}

//! How loud.

use crate::units::{Dbm0, Frame};

/// A full-scale sine in dBm0 (ITU-T G.711, A-law).
#[allow(clippy::approx_constant)] // Decibels, not a circle.
const OVERLOAD_DBM0: f32 = 3.14;
/// What digital silence is called: below anything G.711 can carry.
const FLOOR_DBM0: f32 = -100.0;

/// The power of a frame. Digital silence is −100 dBm0.
pub fn level(frame: &Frame) -> Dbm0 {
    let energy: f64 = frame.0.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    let full_scale_sine = 32_768.0 * 32_768.0 / 2.0 * frame.0.len() as f64;
    let level = 10.0 * (energy / full_scale_sine).log10() as f32 + OVERLOAD_DBM0;
    Dbm0(level.max(FLOOR_DBM0))
}

/// The peak value of a sine of this level, 16-bit full scale; no more than full scale.
pub fn amplitude(level: Dbm0) -> i16 {
    (32_767.0 * 10f32.powf((level.0 - OVERLOAD_DBM0) / 20.0)).min(32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(peak: f32) -> Frame {
        let mut frame = Frame::SILENCE;
        for (i, sample) in frame.0.iter_mut().enumerate() {
            *sample = (peak * (i as f32 * core::f32::consts::TAU * 1000.0 / 8000.0).sin()) as i16;
        }
        frame
    }

    #[test]
    fn sines_measure_what_they_were_made_for() {
        for dbm0 in [OVERLOAD_DBM0, 0.0, -10.0, -20.0, -40.0] {
            let heard = level(&sine(f32::from(amplitude(Dbm0(dbm0))))).0;
            assert!((heard - dbm0).abs() < 0.1, "{dbm0} measured {heard}");
        }
    }

    #[test]
    fn silence_has_a_floor() {
        assert_eq!(level(&Frame::SILENCE).0, -100.0);
    }
}

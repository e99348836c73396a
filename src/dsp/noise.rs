//! Comfort noise as a peer describes it, RFC 3389: its level. What its colour would be is not followed.

use super::level;
use crate::units::Dbm0;

/// A full-scale square wave, 0 dBov, in dBm0: RFC 3389 §3 counts from there.
const OVERLOAD_DBM0: f32 = 6.18;
/// The peak of noise spread evenly is this much above its power: √3.
const SPREAD: f32 = 1.732;

/// White noise without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    peak: i32,
    state: u32,
}

impl Noise {
    /// Of the level in a comfort-noise payload: its first octet, −dBov from 0 to 127. An empty payload says nothing, and
    /// is taken for a quiet room.
    pub fn new(payload: &[u8], seed: u32) -> Self {
        let below = payload.first().map_or(78, |octet| octet & 0x7f);
        // A sine of the same power has a peak √2 above it.
        let sine = level::amplitude(Dbm0(OVERLOAD_DBM0 - f32::from(below)));
        let peak = f32::from(sine) / core::f32::consts::SQRT_2 * SPREAD;
        Self { peak: peak as i32, state: seed | 1 }
    }

    /// The next sample.
    pub fn sample(&mut self) -> i16 {
        // Marsaglia's xorshift: even enough for a rustle.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        let even = i32::from((self.state >> 16) as u16 as i16);
        (even * self.peak / 32_768).clamp(-32_768, 32_767) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Frame;

    #[test]
    fn noise_has_the_level_that_was_named() {
        for below in [20u8, 30, 40, 50, 60] {
            let mut noise = Noise::new(&[below, 3, 4], 77);
            let mut frame = Frame::SILENCE;
            let mut power = 0.0;
            for _ in 0..50 {
                frame.0.fill_with(|| noise.sample());
                power += 10f32.powf(level::level(&frame).0 / 10.0) / 50.0;
            }
            let (heard, named) = (10.0 * power.log10(), OVERLOAD_DBM0 - f32::from(below));
            assert!((heard - named).abs() < 0.7, "−{below} dBov is {named} dBm0, heard {heard}");
        }
    }

    #[test]
    fn the_faintest_noise_is_silence() {
        let mut noise = Noise::new(&[127], 1);
        assert!((0..100).all(|_| noise.sample().abs() <= 1));
    }
}

//! Many voices as one: what each hears is the sum of the others, kept below overload by a gain that rides on it.
//!
//! A sum that is cut off at full scale sounds harsh. Here the whole sum becomes quieter for as long as it is too loud:
//! down before the first sample that would not fit, and up again slowly, so that no wave changes its shape.

use crate::units::{FRAME_SAMPLES, Frame};

/// A sum of frames before it is made to fit.
pub type Sum = [i32; FRAME_SAMPLES];

/// The loudest sample that leaves: 0.2 dB below overload, so that companding rounds into full scale.
const CEILING: f32 = 32_000.0;
/// How much louder each frame may be than the one before: 0.25 dB, 12 dB in a second.
const RISE: f32 = 1.029_2;

/// Adds a frame to a sum.
pub fn add(sum: &mut Sum, frame: &Frame) {
    for (all, one) in sum.iter_mut().zip(frame.0) {
        *all += i32::from(one);
    }
}

/// One hearer's gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limiter {
    gain: f32,
}

impl Limiter {
    /// At rest: what fits passes unchanged.
    pub const fn new() -> Self {
        Self { gain: 1.0 }
    }

    /// The sum without the hearer's own `voice`, made to fit.
    pub fn hear(&mut self, sum: &Sum, voice: &Frame) -> Frame {
        let mut rest = [0_i32; FRAME_SAMPLES];
        let mut peak = 0;
        for ((rest, all), own) in rest.iter_mut().zip(sum).zip(voice.0) {
            *rest = all - i32::from(own);
            peak = peak.max(rest.unsigned_abs());
        }
        let fits = if peak as f32 > CEILING { CEILING / peak as f32 } else { 1.0 };
        let target = fits.min(self.gain * RISE);
        if self.gain == 1.0 && target == 1.0 {
            return Frame(rest.map(|s| s as i16));
        }
        let from = core::mem::replace(&mut self.gain, target);
        // Down: reached where the first sample would not fit. Up: over the whole frame.
        let over = rest.iter().position(|s| s.unsigned_abs() as f32 * from > CEILING);
        let ramp = over.unwrap_or(FRAME_SAMPLES) as f32;
        let mut frame = Frame::SILENCE;
        for (i, (out, s)) in frame.0.iter_mut().zip(rest).enumerate() {
            let way = if (i as f32) < ramp { i as f32 / ramp } else { 1.0 };
            *out = (s as f32 * (from + (target - from) * way)) as i16;
        }
        frame
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::detect::Goertzel;
    use crate::dsp::level;

    fn tone(hz: f32, peak: f32, frame: usize) -> Frame {
        let at = |i: usize| core::f32::consts::TAU * hz * (frame * FRAME_SAMPLES + i) as f32 / 8000.0;
        Frame(core::array::from_fn(|i| (peak * at(i).sin()) as i16))
    }

    /// Everybody's hearing for a second: `tones` are their voices.
    fn meet(tones: &[(f32, f32)]) -> Vec<Vec<f32>> {
        let mut limiters = vec![Limiter::new(); tones.len()];
        let mut heard = vec![Vec::new(); tones.len()];
        for n in 0..50 {
            let voices: Vec<Frame> = tones.iter().map(|(hz, peak)| tone(*hz, *peak, n)).collect();
            let mut sum = [0; FRAME_SAMPLES];
            voices.iter().for_each(|voice| add(&mut sum, voice));
            for (who, voice) in voices.iter().enumerate() {
                heard[who].extend(limiters[who].hear(&sum, voice).0.map(f32::from));
            }
        }
        heard
    }

    #[test]
    fn each_hears_all_others_at_their_level_and_not_itself() {
        let tones = [(500.0, 4000.0), (800.0, 4000.0), (1300.0, 2000.0), (2100.0, 6000.0)];
        for (who, heard) in meet(&tones).iter().enumerate() {
            for (other, (hz, peak)) in tones.iter().enumerate() {
                let db = 10.0 * (Goertzel::new(*hz).power(heard) / (peak * peak / 2.0)).log10();
                if who == other {
                    assert!(db < -60.0, "{who} hears itself at {db:.1} dB");
                } else {
                    assert!(db.abs() < 0.1, "{who} hears {other} at {db:.2} dB");
                }
            }
        }
    }

    #[test]
    fn eight_at_full_scale_make_no_new_tones_and_never_wrap() {
        let full = f32::from(level::amplitude(crate::units::Dbm0(3.0)));
        let hz = [300.0, 500.0, 800.0, 1100.0, 1400.0, 1900.0, 2500.0, 3100.0];
        let tones: Vec<(f32, f32)> = hz.map(|hz| (hz, full)).into();
        for heard in meet(&tones) {
            // The last half second: 2 Hz apart, each of the tones is a line of its own.
            let late = &heard[4000..];
            let all = late.iter().map(|s| s * s).sum::<f32>() / late.len() as f32;
            let tones: f32 = hz.iter().map(|hz| Goertzel::new(*hz).power(late)).sum();
            let distortion = 10.0 * ((all - tones).max(1.0) / all).log10();
            assert!(distortion < -50.0, "{distortion:.1} dB is not what was said");
            assert!(late.iter().all(|s| s.abs() <= CEILING));
        }
    }

    #[test]
    fn a_shout_ducks_without_a_click_and_the_level_comes_back() {
        let mut limiter = Limiter::new();
        let mut last = 0.0;
        let mut levels = Vec::new();
        for n in 0..150 {
            let mut sum = [0; FRAME_SAMPLES];
            add(&mut sum, &tone(400.0, 8000.0, n));
            if (20..40).contains(&n) {
                (0..4).for_each(|_| add(&mut sum, &tone(400.0, 24_000.0, n)));
            }
            let heard = limiter.hear(&sum, &Frame::SILENCE);
            for s in heard.0.map(f32::from) {
                // 400 Hz at full scale changes by 0.314 of it from one sample to the next.
                assert!((s - last).abs() < 12_000.0, "a click of {} in frame {n}", s - last);
                last = s;
            }
            levels.push(level::level(&heard).0);
        }
        assert!((levels[149] - levels[10]).abs() < 0.1, "{} after {}", levels[149], levels[10]);
        assert!(levels[30] > levels[10]);
    }
}

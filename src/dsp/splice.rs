//! Takes a little time out of sound, where it is least heard: one piece of it is blended into another that is like it.

use crate::units::FRAME_SAMPLES;

/// Samples over which the two pieces are blended: 10 ms.
const BLEND: usize = FRAME_SAMPLES / 2;
/// Shortest and longest piece taken out: 2.5 and 20 ms.
const SHORTEST: usize = 20;
const LONGEST: usize = FRAME_SAMPLES;
/// Pieces less alike than this are not blended unless they are quiet; 1 is the same sound.
const ALIKE: f32 = 0.6;

/// Makes one frame of the first part of two, and says how many samples it left out. `None` if no two pieces of the sound
/// are alike; `anyhow` takes the most alike in any case, for sound so quiet that nobody hears it.
pub fn splice(
    source: &[i16; 2 * FRAME_SAMPLES],
    out: &mut [i16; FRAME_SAMPLES],
    anyhow: bool,
) -> Option<usize> {
    let (start, _) = source.split_at(BLEND);
    let mut best = (f32::MIN, LONGEST);
    for shift in SHORTEST..=LONGEST {
        let (mut product, mut energy, mut other) = (0.0f32, 1.0f32, 1.0f32);
        for (a, b) in start.iter().zip(source.iter().skip(shift)) {
            product += f32::from(*a) * f32::from(*b);
            energy += f32::from(*a) * f32::from(*a);
            other += f32::from(*b) * f32::from(*b);
        }
        let likeness = product / (energy * other).sqrt();
        // The longer of two that are as good.
        if likeness >= best.0 {
            best = (likeness, shift);
        }
    }
    let (likeness, shift) = if anyhow { (1.0, LONGEST) } else { best };
    if likeness < ALIKE {
        return None;
    }
    for (i, out) in out.iter_mut().enumerate() {
        let (early, late) = (i32::from(source[i]), i32::from(source[i + shift]));
        let at = i.min(BLEND) as i32;
        *out = ((early * (BLEND as i32 - at) + late * at) / BLEND as i32) as i16;
    }
    Some(shift)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sine(hz: f64) -> [i16; 2 * FRAME_SAMPLES] {
        core::array::from_fn(|i| (8000.0 * (i as f64 * core::f64::consts::TAU * hz / 8000.0).sin()) as i16)
    }

    #[test]
    fn a_steady_sound_loses_whole_periods_and_nothing_else() {
        for hz in [100.0, 200.0, 400.0, 440.0] {
            let (source, mut out) = (sine(hz), [0; FRAME_SAMPLES]);
            let skipped = splice(&source, &mut out, false).unwrap();
            assert!(skipped >= SHORTEST, "{hz}");
            let error = out.iter().zip(&source[..]).map(|(a, b)| (a - b).abs()).max().unwrap();
            assert!(error < 600, "{hz} Hz, {skipped} samples: {error} of 8000");
        }
    }

    #[test]
    fn noise_is_left_alone_unless_it_is_quiet() {
        let mut dice = 1u32;
        let noise: [i16; 2 * FRAME_SAMPLES] = core::array::from_fn(|_| {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (dice >> 20) as i16 - 2048
        });
        let mut out = [0; FRAME_SAMPLES];
        assert_eq!(splice(&noise, &mut out, false), None);
        assert_eq!(splice(&noise, &mut out, true), Some(LONGEST));
        assert_eq!(out[FRAME_SAMPLES - 1], noise[2 * FRAME_SAMPLES - 1], "ends where the next frame begins");
    }
}

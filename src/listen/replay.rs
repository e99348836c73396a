//! A person's first words for the owner who has just picked up: without their pauses and in fast motion.

use crate::dsp::level::level;
use crate::dsp::quicken::quicken;
use crate::units::{FRAME_SAMPLES, Frame};

/// As fast as one still follows without effort.
const SPEED: f32 = 1.7;
/// Softer than this is a pause.
const FLOOR_DBM0: f32 = -38.0;
/// So much of a pause is left: 200 ms.
const PAUSE: usize = 10;
/// Less than this was not said: 400 ms.
const LEAST: usize = 20;

/// What is left of it, at 8 kHz; `None` if nobody has spoken.
pub fn first_words<'a>(frames: impl Iterator<Item = &'a Frame>) -> Option<Vec<i16>> {
    let (mut said, mut loud, mut quiet) = (Vec::new(), 0, PAUSE);
    for frame in frames {
        let speaks = level(frame).0 > FLOOR_DBM0;
        loud += usize::from(speaks);
        quiet = if speaks { 0 } else { quiet + 1 };
        if quiet <= PAUSE {
            said.extend_from_slice(&frame.0);
        }
    }
    let mut fast = vec![0; said.len()];
    let length = quicken(&said, SPEED, &mut fast);
    fast.truncate(length / FRAME_SAMPLES * FRAME_SAMPLES);
    (loud >= LEAST).then_some(fast)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_shrink_and_the_rest_is_faster() {
        let (loud, quiet) = (Frame([3_000; FRAME_SAMPLES]), Frame::SILENCE);
        let said = |parts: &[(Frame, usize)]| {
            let frames: Vec<Frame> =
                parts.iter().flat_map(|(frame, count)| core::iter::repeat_n(*frame, *count)).collect();
            first_words(frames.iter()).map(|words| words.len() / FRAME_SAMPLES)
        };
        assert_eq!(said(&[(quiet, 100), (loud, 80), (quiet, 300), (loud, 80), (quiet, 300)]), Some(105));
        assert_eq!(said(&[(quiet, 500)]), None);
        assert_eq!(said(&[(quiet, 100), (loud, 19), (quiet, 100)]), None);
        assert_eq!(said(&[]), None);
    }
}

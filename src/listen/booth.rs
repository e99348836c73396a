//! Whoever speaks a sentence for the box to keep: where it begins and ends.

use crate::dsp::level::level;
use crate::units::Frame;

/// Longest sentence, frames: 8 s.
const LONGEST: usize = 400;
/// Quiet that ends it: 2 s.
const ENDS: usize = 100;
/// Who has not begun after so long says nothing: 6 s.
const BEGINS: usize = 300;
/// Softer than this is the line.
const FLOOR_DBM0: f32 = -38.0;
/// Frames before a key that may hold its tone: 160 ms.
const KEY: usize = 8;

/// What was said since the tone.
#[derive(Clone, Debug)]
pub struct Booth {
    frames: Vec<Frame>,
    spoken: bool,
    quiet: usize,
}

impl Default for Booth {
    fn default() -> Self {
        Self { frames: Vec::with_capacity(LONGEST), spoken: false, quiet: 0 }
    }
}

impl Booth {
    /// Takes the next frame. True: the sentence is over.
    pub fn hear(&mut self, frame: &Frame) -> bool {
        let loud = level(frame).0 > FLOOR_DBM0;
        self.spoken |= loud;
        self.quiet = if loud { 0 } else { self.quiet + 1 };
        self.frames.push(*frame);
        let patience = if self.spoken { ENDS } else { BEGINS };
        self.quiet >= patience || self.frames.len() >= LONGEST
    }

    /// A key has ended it.
    pub fn cut(&mut self) {
        self.frames.truncate(self.frames.len().saturating_sub(KEY));
    }

    /// All of it, 8 kHz.
    pub fn samples(&self) -> Vec<i16> {
        self.frames.iter().flat_map(|frame| frame.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::FRAME_SAMPLES;

    const LOUD: Frame = Frame([3_000; FRAME_SAMPLES]);

    fn lasts(sound: &[(Frame, usize)]) -> usize {
        let mut booth = Booth::default();
        let frames = sound.iter().flat_map(|(frame, count)| core::iter::repeat_n(frame, *count));
        frames.take_while(|frame| !booth.hear(frame)).count() + 1
    }

    #[test]
    fn a_sentence_ends_with_silence_or_at_its_longest_and_no_sentence_after_a_while() {
        let quiet = Frame::SILENCE;
        assert_eq!(lasts(&[(quiet, 50), (LOUD, 100), (quiet, 90), (LOUD, 10), (quiet, 200)]), 350);
        assert_eq!(lasts(&[(LOUD, 1_000)]), LONGEST);
        assert_eq!(lasts(&[(quiet, 1_000)]), BEGINS);
    }
}

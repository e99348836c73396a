//! Fills holes in a stream with its own last 20 ms, fading: short losses go unheard, long ones become silence.

use crate::units::FRAME_SAMPLES;

/// Samples after which a hole has faded to silence: 60 ms, as ITU-T G.711 Appendix I does.
const FADE_SAMPLES: u16 = 480;

/// What was last heard of one stream.
#[derive(Clone, Debug)]
pub struct Conceal {
    history: [i16; FRAME_SAMPLES],
    at: u16,
    hole: u16,
}

impl Conceal {
    /// Nothing heard yet: a hole at the beginning is silent.
    pub const fn new() -> Self {
        Self { history: [0; FRAME_SAMPLES], at: 0, hole: FADE_SAMPLES }
    }

    /// The next sample of the stream, or what stands in for a missing one.
    pub fn sample(&mut self, heard: Option<i16>) -> i16 {
        let slot = &mut self.history[usize::from(self.at) % FRAME_SAMPLES];
        self.at = (self.at + 1) % FRAME_SAMPLES as u16;
        match heard {
            Some(sample) => {
                *slot = sample;
                self.hole = 0;
                sample
            }
            None if self.hole >= FADE_SAMPLES => 0,
            None => {
                self.hole += 1;
                let left = i32::from(FADE_SAMPLES - self.hole);
                (i32::from(*slot) * left / i32::from(FADE_SAMPLES)) as i16
            }
        }
    }
}

impl Default for Conceal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_repeats_the_last_frame_and_fades_to_silence_in_60_ms() {
        let mut conceal = Conceal::new();
        for i in 0..400 {
            assert_eq!(conceal.sample(Some(1000 + i % 2)), 1000 + i % 2);
        }
        let hole: Vec<i16> = (0..600).map(|_| conceal.sample(None)).collect();
        assert!(hole[0] > 990, "starts at full level: {}", hole[0]);
        assert!((450..=550).contains(&hole[240]), "half way at 30 ms: {}", hole[240]);
        assert!(hole[480..].iter().all(|&s| s == 0), "silent after 60 ms");
        assert_eq!(conceal.sample(Some(7)), 7);
    }

    #[test]
    fn before_anything_was_heard_there_is_silence() {
        let mut conceal = Conceal::new();
        assert!((0..200).all(|_| conceal.sample(None) == 0));
    }
}

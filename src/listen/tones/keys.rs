//! Keys pressed by the far end, ITU-T Q.23, as a receiver of ITU-T Q.24 hears them.

use super::super::spectrum::{Lines, Look};
use super::burst::WEAKEST_DBM0;
use crate::dsp::detect::Dtmf;
use crate::units::{Digit, Tick};

/// Share of power in two lines: noise 10 dB below leaves 0.87 of a short press.
const SHARE: f32 = 0.8;

/// Follows the keys of one leg.
#[derive(Default)]
pub struct Keys {
    dtmf: Dtmf,
    key: Option<Digit>,
    frames: u32,
    misses: u32,
    struck: bool,
}

impl Keys {
    /// Since when a key is pressed. `sound` is the newest 40 ms, full scale 1; `levels` those of the frames, newest last.
    pub fn hear(&mut self, at: Tick, look: &Look, sound: &[f32], levels: &[f32]) -> Option<Tick> {
        // The block before the newest, which lies well within the long window of the lines: speech has other lines.
        let lines = &look.lines;
        let candidate = lines.level_dbm0 > WEAKEST_DBM0 && lines.share > SHARE && of_keys(lines);
        let key = if candidate { self.dtmf.key(&sound[..sound.len() / 2]) } else { None };
        match key {
            Some(key) if self.key == Some(key) => {
                self.frames += 1;
                self.misses = 0;
                self.struck |= self.frames <= 3 && struck(levels);
            }
            Some(_) => (self.key, self.frames, self.misses, self.struck) = (key, 1, 0, false),
            None => {
                self.misses += 1;
                if self.misses > 1 {
                    (self.key, self.frames) = (None, 0);
                }
            }
        }
        // ITU-T Q.24: 40 ms must be accepted; two frames in a row are the least that speech does not imitate.
        (self.frames >= 2 && self.struck).then(|| Tick(at.0.saturating_sub(u64::from(self.frames) + 1)))
    }
}

/// The two frames before the newest are equally loud, and what was before them was not: a key, and no chord or vowel.
fn struck(levels: &[f32]) -> bool {
    let [.., a, b, c, d, first, second, _] = levels else { return false };
    let softest = a.min(*b).min(*c).min(*d);
    (first - second).abs() < 3.0 && softest < first.max(*second) - 7.0
}

/// The two lines are one of each group, 1.5 % off at most, and some more for a short window.
fn of_keys(lines: &Lines) -> bool {
    let low = lines.first_hz.min(lines.second_hz);
    let high = lines.first_hz.max(lines.second_hz);
    let near = |hz: f32, wanted: [f32; 4]| wanted.iter().any(|w| (hz - w).abs() < w * 0.022);
    near(low, [697.0, 770.0, 852.0, 941.0]) && near(high, [1209.0, 1336.0, 1477.0, 1633.0])
}

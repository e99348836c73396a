//! Speech cut into segments for the recogniser: from a pause to the next, never longer than it can take at once.

use super::network::LONGEST;
use crate::listen::Sound;
use crate::listen::ear::Moment;
use crate::units::{FRAME_SAMPLES, Frame, Tick};
use std::collections::VecDeque;

/// Sound before speech was recognised as such that belongs to it, frames: its class is known 0.4 s after it began.
const BEFORE: usize = 40;
/// A pause this long ends a segment, frames: agents are waited for, so it is short.
const PAUSE: u32 = 14;
/// A segment has at least so many active frames.
const ENOUGH: u32 = 15;
/// Longest segment, frames.
const LONG: usize = LONGEST / FRAME_SAMPLES;
/// Segments waiting to be taken. Full: the oldest is lost.
const WAITING: usize = 4;

/// A stretch of speech to be recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its first frame, and the one after its last.
    pub from: Tick,
    /// The one after its last.
    pub to: Tick,
    /// The sound, 8 kHz.
    pub samples: Vec<i16>,
}

/// Cuts one leg's sound.
#[derive(Debug)]
pub struct Cutter {
    /// The frames of the segment, or while there is none the last before it; the newest is `newest`.
    frames: VecDeque<Frame>,
    newest: Tick,
    open: bool,
    active: u32,
    quiet: u32,
    out: VecDeque<Segment>,
}

impl Default for Cutter {
    fn default() -> Self {
        Self {
            frames: VecDeque::with_capacity(LONG + 1),
            newest: Tick(0),
            open: false,
            active: 0,
            quiet: 0,
            out: VecDeque::with_capacity(WAITING),
        }
    }
}

impl Cutter {
    /// Takes the next frame and what the ear says of it. `deaf`: what sounds now may be the box's own echo.
    pub fn hear(&mut self, at: Tick, frame: &Frame, moment: &Moment, deaf: bool) {
        self.newest = at;
        self.frames.push_back(*frame);
        let speech = moment.sound == Sound::Speech && !deaf;
        if !self.open {
            while self.frames.len() > BEFORE {
                self.frames.pop_front();
            }
            if speech && moment.active {
                self.begin(moment.since);
            }
            return;
        }
        self.active += u32::from(moment.active);
        self.quiet = if moment.active { 0 } else { self.quiet + 1 };
        if !speech || self.quiet >= PAUSE || self.frames.len() >= LONG {
            self.cut();
        }
    }

    /// The next segment, oldest first.
    pub fn poll(&mut self) -> Option<Segment> {
        self.out.pop_front()
    }

    fn begin(&mut self, since: Tick) {
        // A little more than the speech: its first sound is faint.
        let wanted = self.newest.since(since) as usize + 6;
        while self.frames.len() > wanted.max(6) {
            self.frames.pop_front();
        }
        (self.open, self.active, self.quiet) = (true, self.frames.len() as u32 / 2, 0);
    }

    fn cut(&mut self) {
        let enough = self.active >= ENOUGH;
        (self.open, self.active, self.quiet) = (false, 0, 0);
        if !enough {
            return;
        }
        let to = self.newest.next();
        let from = Tick(to.0.saturating_sub(self.frames.len() as u64));
        let samples = self.frames.drain(..).flat_map(|frame| frame.0).collect();
        if self.out.len() == WAITING {
            self.out.pop_front();
        }
        self.out.push_back(Segment { from, to, samples });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::listen::classifier::Classes;
    use crate::listen::spectrum::Spectrum;

    /// Runs through stretches of (frames, class, active) and answers what was cut.
    fn cut(stretches: &[(u64, Sound, bool)]) -> Vec<(u64, u64)> {
        let (mut cutter, mut at, mut found) = (Cutter::default(), 0, Vec::new());
        let look = Spectrum::default().look(&Frame::SILENCE);
        for (frames, sound, active) in stretches {
            let since = Tick(at);
            for _ in 0..*frames {
                let moment =
                    Moment { sound: *sound, since, classes: Classes::default(), active: *active, look };
                cutter.hear(Tick(at), &Frame([at as i16; FRAME_SAMPLES]), &moment, false);
                at += 1;
                while let Some(segment) = cutter.poll() {
                    assert_eq!(
                        segment.samples.len() as u64,
                        (segment.to.0 - segment.from.0) * FRAME_SAMPLES as u64
                    );
                    assert_eq!(segment.samples[0], segment.from.0 as i16, "the sound is that of its time");
                    found.push((segment.from.0, segment.to.0));
                }
            }
        }
        found
    }

    #[test]
    fn a_pause_ends_a_segment_and_its_first_sound_belongs_to_it() {
        use Sound::{Silence, Speech};
        let found = cut(&[
            (100, Silence, false),
            (60, Speech, true),
            (40, Speech, false),
            (50, Speech, true),
            (30, Silence, false),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], (95, 160 + u64::from(PAUSE)));
        assert!(found[1].0 >= 174 && found[1].0 <= 200 && found[1].1 <= 252, "{found:?}");
    }

    #[test]
    fn long_speech_is_cut_without_a_hole_and_music_never_begins_one() {
        use Sound::{Music, Speech};
        let found = cut(&[(100, Music, true), (1200, Speech, true), (100, Music, true)]);
        assert!(found.len() >= 2 && found.iter().all(|(from, to)| to - from <= LONG as u64), "{found:?}");
        assert!(found.windows(2).all(|pair| pair[0].1 == pair[1].0), "{found:?}");
        assert!(found.last().unwrap().1 <= 1302);
    }

    #[test]
    fn a_click_is_none() {
        use Sound::{Silence, Speech};
        assert_eq!(cut(&[(100, Silence, false), (4, Speech, true), (40, Speech, false)]), []);
    }
}

//! The last seconds of a line, from which a clip is cut around each voice that was greeted or rung for, and what a person
//! has said is replayed.

use crate::units::{Frame, Tick};
use std::collections::VecDeque;

/// Frames of a clip: 20 s.
const FRAMES: usize = 1_000;
/// Ticks of it that come after the verdict: what a greeting is answered with, 6 s.
const AFTER: u64 = 300;

/// Some seconds of a line, as `hold-slayer listen` hears them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// When the verdict fell for which it was cut.
    pub at: Tick,
    /// 16-bit samples at 8 kHz.
    pub samples: Vec<i16>,
}

/// Keeps the last seconds. All memory is taken when it is made.
#[derive(Clone, Debug)]
pub struct Reel {
    frames: VecDeque<Frame>,
    now: Tick,
    due: Option<Tick>,
    cut: Option<Tick>,
}

impl Default for Reel {
    fn default() -> Self {
        Self { frames: VecDeque::with_capacity(FRAMES), now: Tick(0), due: None, cut: None }
    }
}

impl Reel {
    /// Takes the next frame; a lost one is silence. Gives the clip that has become due.
    pub fn hear(&mut self, at: Tick, frame: &Frame) -> Option<Clip> {
        if self.frames.len() == FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(*frame);
        self.now = at;
        let due = self.due.is_some_and(|due| at >= Tick(due.0 + AFTER));
        due.then(|| self.cut()).flatten()
    }

    /// What came at this tick and after it, as far as it is still there.
    pub fn since(&self, from: Tick) -> impl Iterator<Item = &Frame> {
        let wanted = self.now.next().since(from).min(self.frames.len() as u64) as usize;
        self.frames.iter().skip(self.frames.len() - wanted)
    }

    /// A voice is greeted or rung for: a clip is due some seconds later, unless one is already.
    pub fn mark(&mut self) {
        self.due.get_or_insert(self.now);
    }

    /// The clip that is due, before its time: nothing more will be heard for now.
    pub fn cut(&mut self) -> Option<Clip> {
        let at = self.due.take()?;
        self.cut = Some(at);
        Some(Clip { at, samples: self.frames.iter().flat_map(|frame| frame.0).collect() })
    }

    /// What was heard just now shall be kept: a clip of it, unless it is in one already. And when it was, to tell that clip by.
    pub fn cut_now(&mut self) -> (Option<Clip>, Tick) {
        let recent = self.cut.filter(|cut| self.now.since(*cut) < FRAMES as u64);
        if recent.is_none() {
            self.mark();
        }
        (self.cut(), self.cut.unwrap_or(self.now))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn run(reel: &mut Reel, ticks: core::ops::Range<u64>) -> Vec<Clip> {
        let frame = |n: u64| Frame([n as i16; crate::units::FRAME_SAMPLES]);
        ticks.filter_map(|n| reel.hear(Tick(n), &frame(n))).collect()
    }

    #[test]
    fn a_clip_holds_what_led_to_the_verdict_and_what_followed() {
        let mut reel = Reel::default();
        assert!(run(&mut reel, 0..2000).is_empty());
        reel.mark();
        assert!(run(&mut reel, 2000..2050).is_empty());
        reel.mark(); // the ring after the greeting: the same clip
        let clips = run(&mut reel, 2050..4000);
        assert_eq!(clips.len(), 1);
        assert_eq!((clips[0].at, clips[0].samples.len()), (Tick(1999), FRAMES * 160));
        assert_eq!((clips[0].samples[0], *clips[0].samples.last().unwrap()), (1300, 2299));
    }

    #[test]
    fn what_the_owner_speaks_of_is_cut_at_once_and_only_once() {
        let mut reel = Reel::default();
        run(&mut reel, 0..100);
        let (clip, at) = reel.cut_now();
        assert_eq!((clip.unwrap().samples.len(), at), (100 * 160, Tick(99)), "no more was heard yet");
        run(&mut reel, 100..300);
        assert_eq!(reel.cut_now(), (None, Tick(99)), "it is in that clip");
        run(&mut reel, 300..2000);
        reel.mark();
        run(&mut reel, 2000..2010);
        let (clip, at) = reel.cut_now();
        assert_eq!((clip.unwrap().at, at), (Tick(1999), Tick(1999)), "the one that was due");
        assert_eq!(reel.cut(), None);
    }
}

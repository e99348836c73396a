//! Recorded prompts known again by their prints, in another call: what was said before a key, and whether it is said now.
//!
//! A print gives no sound away (see [`super::spectrum`]). A hearing is followed along all diagonals at once, as in
//! [`super::memory`]; but here the whole prompt must be heard alike, word for word: a menu in which one word has changed
//! is another menu.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Prints of one prompt, one every 40 ms: the last 12 s of it.
pub const MOST: usize = 300;
/// With less than this much voice, 1 s, a prompt is not told from others.
const LEAST: usize = 25;
/// Most bits of 32 that may differ in a step of a second hearing: strangers differ in 16, a second hearing in 4–8.
const LIKE: u32 = 10;
/// Of the last eight steps, so many unlike are a changed word (280 ms).
const CHANGED: u32 = 7;
/// Steps at the beginning that may be unlike, 1 s: a line that opens late cuts a word off.
const BEGINNING: usize = 25;
/// The last prints of a prompt may be missing: the owner's key may have cut them off.
const EARLY: usize = 4;
/// Of the voice in a prompt, so many hundredths must have been heard alike.
const ALIKE: usize = 78;

/// The fingerprint of a recorded prompt. Zero is a pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print(Vec<u32>);

impl Print {
    /// Of these prints without the pauses around them, the last [`MOST`]. `None`: too little of a voice to be known by.
    pub fn new(prints: &[u32]) -> Option<Self> {
        let begin = prints.iter().position(|print| *print != 0)?;
        let end = prints.iter().rposition(|print| *print != 0)? + 1;
        let whole = prints.get(begin.max(end.saturating_sub(MOST))..end)?;
        let begin = whole.iter().position(|print| *print != 0)?;
        let kept = Self(whole.get(begin..)?.to_vec());
        (kept.voice() >= LEAST).then_some(kept)
    }

    /// Prints that are no pause.
    fn voice(&self) -> usize {
        self.0.iter().filter(|print| **print != 0).count()
    }

    /// Seconds from its first sound to its last.
    pub fn seconds(&self) -> f32 {
        self.0.len() as f32 * 0.04
    }

    /// As text: eight hexadecimal digits for each print, `.` for a pause.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.0.len() * 8);
        for print in &self.0 {
            match print {
                0 => text.push('.'),
                print => text.push_str(&format!("{print:08x}")),
            }
        }
        text
    }

    /// From what [`Self::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut prints = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                prints.push(0);
                rest = after;
                continue;
            }
            let (digits, after) = rest.split_at_checked(8)?;
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            prints.push(u32::from_str_radix(digits, 16).ok().filter(|print| *print != 0)?);
            rest = after;
        }
        // Nothing may be lost on the way: what is longer or has pauses at its ends is not one of ours.
        Self::new(&prints).filter(|print| print.0 == prints)
    }

    /// Whether the other is a second hearing of this one.
    pub fn is_in(&self, other: &Self) -> bool {
        let mut spotter = Spotter::new(Arc::new([self.clone()]));
        other.0.iter().any(|print| spotter.step(0, *print, *print != 0))
    }
}

/// What is told of the prompts of a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompted {
    /// This one of those expected has just been said.
    Known(usize),
    /// What was said since the last time that this was asked; nothing if too little was.
    Said(Option<Print>),
}

/// Writes down what is said, until it is asked for.
#[derive(Debug, Default)]
pub struct Scribe {
    prints: VecDeque<u32>,
    odd: bool,
}

impl Scribe {
    /// Takes the print of the next frame; of every second one is kept. Not `loud` is a pause.
    pub fn hear(&mut self, print: u32, loud: bool) {
        self.odd = !self.odd;
        if !self.odd {
            return;
        }
        if self.prints.len() == MOST {
            self.prints.pop_front();
        }
        // A print of nothing but zeros in a voice is one in four thousand million; it is taken for a pause.
        self.prints.push_back(if loud { print } else { 0 });
    }

    /// What was said since the last time.
    pub fn take(&mut self) -> Option<Print> {
        let print = Print::new(self.prints.make_contiguous());
        self.prints.clear();
        print
    }
}

/// How one diagonal stands: a hearing that began with the first print of the prompt.
#[derive(Clone, Copy, Debug, Default)]
struct Trace {
    /// Steps that were alike.
    hits: u16,
    /// The last eight steps of voice on both sides; a set bit was unlike.
    unlike: u8,
    /// A word of it has changed.
    spoilt: bool,
}

/// Listens for prompts that are expected.
#[derive(Debug)]
pub struct Spotter {
    expected: Arc<[Print]>,
    /// For each prompt the diagonals on even and on odd frames: the second hearing may begin on either.
    traces: Vec<[Vec<Trace>; 2]>,
    odd: bool,
}

impl Spotter {
    /// One that has heard nothing yet.
    pub fn new(expected: Arc<[Print]>) -> Self {
        let traces = expected.iter().map(|print| {
            let none = vec![Trace::default(); print.0.len()];
            [none.clone(), none]
        });
        Self { traces: traces.collect(), expected, odd: false }
    }

    /// Takes the print of the next frame. The place of the prompt among those expected that has just been said.
    pub fn hear(&mut self, print: u32, loud: bool) -> Option<usize> {
        self.odd = !self.odd;
        let said = (0..self.expected.len()).find(|which| self.step(*which, print, loud))?;
        // The next time it must be said anew.
        self.traces.iter_mut().flatten().for_each(|traces| traces.fill(Trace::default()));
        Some(said)
    }

    fn step(&mut self, which: usize, print: u32, loud: bool) -> bool {
        let (Some(expected), Some(pair)) = (self.expected.get(which), self.traces.get_mut(which)) else {
            return false;
        };
        let traces = &mut pair[usize::from(self.odd)];
        // Backwards, so that each diagonal moves one place on within the same array.
        for p in (0..traces.len()).rev() {
            let before = if p == 0 { Trace::default() } else { traces[p - 1] };
            traces[p] = before.next(p, expected.0[p], print, loud);
        }
        let needed = expected.voice() * ALIKE / 100;
        let end = traces.len().saturating_sub(EARLY);
        traces[end..].iter().any(|t| !t.spoilt && usize::from(t.hits) >= needed)
    }
}

impl Trace {
    fn next(self, p: usize, kept: u32, print: u32, loud: bool) -> Self {
        if kept == 0 || !loud {
            return self;
        }
        let like = (kept ^ print).count_ones() <= LIKE;
        let unlike = self.unlike << 1 | u8::from(!like);
        let spoilt = self.spoilt || p >= BEGINNING + 8 && unlike.count_ones() >= CHANGED;
        Self { hits: self.hits.saturating_add(u16::from(like)), unlike, spoilt }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Prints that change every few frames as those of speech do, and the same with so many bits wrong.
    fn speech(seed: u32, frames: usize, wrong: u32) -> Vec<u32> {
        let mut state = seed.wrapping_mul(2_654_435_761);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state ^ state >> 15
        };
        let mut base = next();
        let mut damage = seed ^ wrong;
        (0..frames)
            .map(|n| {
                base = if n % 6 == 0 { next() } else { base };
                (0..wrong).fold(base, |p, _| {
                    damage = damage.wrapping_mul(22_695_477).wrapping_add(1);
                    p ^ 1 << (damage >> 27)
                })
            })
            .collect()
    }

    fn written(prints: &[u32]) -> Print {
        let mut scribe = Scribe::default();
        prints.iter().for_each(|print| scribe.hear(*print, *print != 0));
        scribe.take().unwrap()
    }

    /// The frame at which it is said, if it is.
    fn spotted(expected: &Print, prints: &[u32]) -> Option<usize> {
        let mut spotter = Spotter::new(Arc::new([expected.clone()]));
        prints.iter().position(|print| spotter.hear(*print, *print != 0).is_some())
    }

    #[test]
    fn a_second_hearing_is_known_at_its_end_and_a_stranger_never() {
        for seed in 1..20 {
            let print = written(&speech(seed, 300, 0));
            let again = [speech(seed + 500, 77, 0), vec![0; 31], speech(seed, 300, 5), vec![0; 50]].concat();
            let at = spotted(&print, &again).unwrap();
            assert!((390..=408).contains(&at), "{seed}: {at}");
            assert_eq!(spotted(&print, &speech(seed + 1_000, 2_000, 0)), None, "{seed}");
        }
    }

    #[test]
    fn a_changed_word_is_another_menu() {
        // 320 ms in the middle, near the beginning and near the end.
        let print = written(&speech(1, 400, 0));
        for at in [60, 200, 340] {
            let mut changed = speech(1, 400, 4);
            changed[at..at + 18].copy_from_slice(&speech(99, 18, 0));
            assert_eq!(spotted(&print, &changed), None, "{at}");
        }
        // A packet or two that are lost are no word.
        let mut damaged = speech(1, 400, 4);
        damaged[100..104].copy_from_slice(&speech(98, 4, 0));
        assert!(spotted(&print, &damaged).is_some());
    }

    #[test]
    fn half_a_prompt_is_not_the_prompt_and_the_next_time_it_is_said_anew() {
        let whole = speech(3, 300, 3);
        let print = written(&whole);
        assert_eq!(spotted(&print, &whole[..200]), None);
        assert_eq!(spotted(&print, &whole[150..]), None);
        let mut spotter = Spotter::new(Arc::new([print]));
        let twice = [whole.clone(), vec![0; 40], whole].concat();
        let said = twice.iter().filter(|print| spotter.hear(**print, **print != 0).is_some()).count();
        assert_eq!(said, 2);
    }

    #[test]
    fn prints_survive_the_way_through_text() {
        let prints = [vec![0; 9], speech(1, 60, 0), vec![0; 8], speech(2, 60, 0), vec![0; 30]].concat();
        let print = Print::new(&prints).unwrap();
        assert_eq!(Print::from_text(&print.to_text()), Some(print.clone()));
        assert!(print.is_in(&print) && !print.is_in(&Print::new(&speech(9, 200, 0)).unwrap()));
        for bad in ["", "....", "0123456", "0123456g", "00000000", "deadbeef", &"é".repeat(40)] {
            assert_eq!(Print::from_text(bad), None, "{bad}");
        }
        assert_eq!(Print::new(&speech(1, 20, 0)), None, "too short to be known by");
        assert_eq!(Print::new(&speech(1, 900, 0)).unwrap().0.len(), MOST);
    }
}

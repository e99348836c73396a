//! Speech heard in this call, as prints that give no sound away, and whether what is heard now was heard before.
//!
//! Every second frame's print is kept. A hearing is followed along all diagonals at once: likeness adds to a diagonal's
//! score, unlikeness takes from it, never below zero. A changed word breaks one diagonal and another takes over.

/// Prints kept: ten minutes of speech, one print every 40 ms. The oldest is overwritten.
const KEPT: usize = 15_000;
/// Prints of the speech that goes on, not yet matched against: one minute. What is longer is learnt in pieces.
const PENDING: usize = 1_500;
/// Most bits of 32 that may differ in a step that speaks for a match: strangers differ in 16, a second hearing in 4–8.
const LIKE: i16 = 11;
/// Score at which a diagonal is a second hearing.
const KNOWN: i16 = 50;
/// What a step in a pause takes: after a second of pause a known announcement must show itself again.
const PAUSE: i16 = -2;
/// Scores stop growing here, so that a stranger who speaks after a known announcement is soon seen as one.
const MOST: i16 = 70;

/// Fixed memory of speech.
pub struct Memory {
    kept: Vec<u32>,
    next: usize,
    /// Scores of all diagonals, for even and odd frames: the second hearing may begin on either.
    scores: [Vec<i16>; 2],
    pending: Vec<u32>,
    odd: bool,
    best: [i16; 2],
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            kept: Vec::with_capacity(KEPT),
            next: 0,
            scores: [vec![0; KEPT + 1], vec![0; KEPT + 1]],
            pending: Vec::with_capacity(PENDING),
            odd: false,
            best: [0; 2],
        }
    }
}

impl Memory {
    /// Takes a frame of speech. `loud` is false in the pauses between words, whose prints are noise.
    pub fn hear(&mut self, print: u32, loud: bool) {
        self.odd = !self.odd;
        let scores = &mut self.scores[usize::from(self.odd)];
        let n = self.kept.len();
        let mut best = 0;
        // Backwards, so that each diagonal moves one place on within the same array.
        for p in (0..n).rev() {
            let before = if p == 0 { 0 } else { scores[p - 1] };
            let step = if loud { LIKE - (self.kept[p] ^ print).count_ones() as i16 } else { PAUSE };
            let score = (before + step).clamp(0, MOST);
            scores[p] = score;
            best = best.max(score);
        }
        self.best[usize::from(self.odd)] = best;
        if self.odd && loud {
            if self.pending.len() == PENDING {
                self.learn();
            }
            self.pending.push(print);
        } else if self.odd && !self.pending.is_empty() && self.pending.len() < PENDING {
            self.pending.push(print);
        }
    }

    /// True while what is heard matches something learnt earlier.
    pub fn known(&self) -> bool {
        self.best.iter().any(|&b| b >= KNOWN)
    }

    /// Learns what was heard since the last time, for later hearings.
    pub fn learn(&mut self) {
        for &print in &self.pending {
            if self.kept.len() < KEPT {
                self.kept.push(print);
            } else {
                self.kept[self.next] = print;
            }
            self.next = (self.next + 1) % KEPT;
        }
        self.pending.clear();
        self.rest();
    }

    /// The next speech begins without a score.
    fn rest(&mut self) {
        self.scores.iter_mut().for_each(|s| s.fill(0));
        self.best = [0; 2];
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Prints that change every few frames as those of speech do, and the same with a share of bits wrong.
    fn speech(seed: u32, frames: usize, wrong: u32) -> Vec<u32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state ^ state >> 15
        };
        let mut base = next();
        let mut damage = seed ^ wrong;
        (0..frames)
            .map(|n| {
                base = if n % 6 == 0 { next() } else { base };
                let p = base;
                (0..wrong).fold(p, |p, _| {
                    damage = damage.wrapping_mul(22_695_477).wrapping_add(1);
                    p ^ 1 << (damage >> 27)
                })
            })
            .collect()
    }

    /// Frames until it is known, if it becomes so.
    fn known_after(memory: &mut Memory, prints: &[u32]) -> Option<usize> {
        let mut known = None;
        for (n, print) in prints.iter().enumerate() {
            memory.hear(*print, true);
            known = known.or(memory.known().then_some(n));
        }
        known
    }

    #[test]
    fn a_second_hearing_is_known_within_a_second_and_a_half_and_a_stranger_never() {
        for seed in 1..20 {
            let mut memory = Memory::default();
            assert_eq!(known_after(&mut memory, &speech(seed, 250, 0)), None);
            memory.learn();
            // An odd offset: the second hearing begins on the other of the two frames.
            let again = known_after(&mut memory, &speech(seed, 250, 5)[1..]);
            assert!(again.is_some_and(|n| n < 75), "{seed}: {again:?}");
            memory.learn();
            assert_eq!(known_after(&mut memory, &speech(seed + 1_000, 500, 0)), None, "{seed}");
        }
    }

    #[test]
    fn a_changed_number_does_not_hide_an_announcement() {
        let mut memory = Memory::default();
        let (first, last, five, seven) =
            (speech(1, 90, 3), speech(2, 90, 3), speech(3, 30, 0), speech(4, 22, 0));
        known_after(&mut memory, &[first.clone(), five, last.clone()].concat());
        memory.learn();
        known_after(&mut memory, &[first, seven].concat());
        let again = known_after(&mut memory, &last);
        assert!(again.is_some_and(|n| n < 50), "{again:?}");
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_goes_first() {
        let mut memory = Memory::default();
        known_after(&mut memory, &speech(1, 200, 0));
        memory.learn();
        for seed in 2..160 {
            known_after(&mut memory, &speech(seed, 200, 0));
            memory.learn();
        }
        assert!(memory.kept.len() == KEPT && memory.kept.capacity() == KEPT);
        assert_eq!(known_after(&mut memory, &speech(1, 200, 0)), None, "forgotten");
        memory.learn();
        assert!(known_after(&mut memory, &speech(159, 200, 0)).is_some(), "remembered");
    }
}

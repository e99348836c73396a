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

    /// The score of the best diagonal, for measuring.
    pub fn score(&self) -> i16 {
        self.best[0].max(self.best[1])
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
        self.forget_pending();
    }

    /// Lets go what was heard since the last `learn`: it is known already, or it was not speech.
    pub fn forget_pending(&mut self) {
        self.pending.clear();
        self.rest();
    }

    /// Speech has ended: the next begins without a score.
    pub fn rest(&mut self) {
        self.scores.iter_mut().for_each(|s| s.fill(0));
        self.best = [0; 2];
    }
}

//! Prints in the order in which they were heard, and how well what is heard now follows each place in them.
//!
//! A hearing is followed along all diagonals at once: likeness adds to a diagonal's score, unlikeness takes from it, never
//! below zero. A changed word breaks one diagonal and another takes over.

/// A print is kept of every so many frames: one in 40 ms, 100 bytes for a second.
pub const STEP: usize = 2;
/// How a match is scored, a step at a time.
#[derive(Clone, Copy, Debug)]
pub struct Scoring {
    /// Most bits of 32 that may differ in a step that speaks for a match: strangers differ in 16, a second hearing in 4–8, in
    /// 11 through two worse codecs or over music.
    like: i16,
    /// What one step takes at most.
    unlike: i16,
    /// What a step in a pause takes: after it a known announcement must show itself again.
    pause: i16,
    /// Score at which a diagonal is a second hearing.
    known: i16,
    /// Scores stop growing here, so that a stranger who speaks after a known announcement is soon seen as one.
    most: i16,
}

/// Within a call: the line is the same, and people who say the same word twice are near.
pub const HERE: Scoring = Scoring { like: 11, unlike: -21, pause: -2, known: 50, most: 70 };
/// Between calls: the line may be another, and no person is among the prints. A lost packet or a beat of the music beneath
/// breaks no match. In 73 minutes of 1,570 people's sentences beside nine minutes of recordings none came above 40.
pub const BEFORE: Scoring = Scoring { like: 13, unlike: -5, pause: -1, known: 50, most: 70 };

/// Prints, and the scores of all diagonals through them: one set for each frame of a step, as a second hearing may begin on
/// any of them.
#[derive(Clone, Debug)]
pub struct Prints {
    scoring: Scoring,
    kept: Vec<u32>,
    scores: [Vec<i16>; STEP],
    /// The diagonal that is at the first print now. Diagonals stay where they are, the prints pass by.
    turn: [usize; STEP],
    best: [i16; STEP],
}

impl Prints {
    /// Room for so many.
    pub fn with_room(most: usize, scoring: Scoring) -> Self {
        let scores = core::array::from_fn(|_| Vec::with_capacity(most));
        Self { scoring, kept: Vec::with_capacity(most), scores, turn: [0; STEP], best: [0; STEP] }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Those from one place to another.
    pub fn part(&self, places: core::ops::Range<usize>) -> &[u32] {
        self.kept.get(places).unwrap_or_default()
    }

    /// Puts one more after the last. The next hearing begins without a score.
    pub fn push(&mut self, print: u32) {
        self.kept.push(print);
        self.scores.iter_mut().for_each(|s| s.push(0));
    }

    /// Puts one in the place of another. The next hearing begins without a score.
    pub fn replace(&mut self, place: usize, print: u32) {
        self.kept.get_mut(place).into_iter().for_each(|p| *p = print);
    }

    /// The next speech begins without a score.
    pub fn rest(&mut self) {
        self.scores.iter_mut().for_each(|s| s.fill(0));
        (self.turn, self.best) = ([0; STEP], [0; STEP]);
    }

    /// Follows one more frame; `phase` counts frames. `loud` is false in the pauses between words, whose prints are noise.
    pub fn hear(&mut self, phase: usize, print: u32, loud: bool) {
        let (phase, n) = (phase % STEP, self.kept.len());
        let Scoring { like, unlike, pause, most, .. } = self.scoring;
        if n == 0 {
            return;
        }
        let (scores, turn) = (&mut self.scores[phase], &mut self.turn[phase]);
        *turn = (*turn + n - 1) % n;
        // What was at the last print has left; what enters at the first has no past.
        scores[*turn] = 0;
        let (entered, earlier) = scores.split_at_mut(*turn);
        let (first, last) = self.kept.split_at(n - *turn);
        let step = |scores: &mut [i16], kept: &[u32]| {
            let mut best = 0;
            for (score, kept) in scores.iter_mut().zip(kept) {
                let likeness = (like - (kept ^ print).count_ones() as i16).max(unlike);
                let step = if loud { likeness } else { pause };
                *score = (*score + step).clamp(0, most);
                best = best.max(*score);
            }
            best
        };
        self.best[phase] = step(earlier, first).max(step(entered, last));
    }

    /// True while what is heard follows some diagonal.
    pub fn known(&self) -> bool {
        self.best.iter().any(|&best| best >= self.scoring.known)
    }

    /// The place that is heard, while it is known.
    pub fn place(&self) -> Option<usize> {
        let phase = (0..STEP).max_by_key(|&phase| self.best[phase])?;
        let best = self.best[phase];
        let diagonal =
            self.scores[phase].iter().position(|&score| score == best && score >= self.scoring.known)?;
        Some((diagonal + self.kept.len() - self.turn[phase]) % self.kept.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_place_that_is_heard_is_found_wherever_the_hearing_begins() {
        let prints: Vec<u32> = (1..200_u32).map(|n| n.wrapping_mul(2_654_435_761) ^ n << 7).collect();
        for begins in [0, 1, 77, 150] {
            let mut kept = Prints::with_room(300, BEFORE);
            prints.iter().for_each(|p| kept.push(*p));
            kept.rest();
            for (n, print) in prints[begins..begins + 20].iter().enumerate() {
                kept.hear(0, *print, true);
                kept.hear(1, 0, true);
                assert_eq!(kept.known(), n >= 3, "{begins}+{n}");
                assert_eq!(kept.place(), (n >= 3).then_some(begins + n));
            }
        }
        let mut none = Prints::with_room(0, HERE);
        none.hear(0, 7, true);
        assert_eq!((none.known(), none.place()), (false, None));
    }
}

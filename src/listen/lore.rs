//! What is known of one company's recordings from earlier calls: prints, never sound. Bounded, and what is not heard again is
//! forgotten.

use super::prints::STEP;
use serde::{Deserialize, Serialize};

/// Bytes of one print.
const PRINT: usize = 4;
/// Milliseconds from one print to the next.
pub const STEP_MS: u64 = STEP as u64 * 20;
/// Most prints kept of one company: four minutes of different sentences, 24 kB.
pub const MOST: usize = 6_000;
/// Most of them of voices that may have been people; the oldest go first.
const MOST_DOUBTED: usize = 1_500;
/// Calls after which a piece that was heard in one call alone is forgotten, and one that was heard in several.
const FORGETS: [u32; 2] = [6, 40];
/// What the owner says of a moment is said of what was heard from so long before it until so long after.
const BEFORE_MS: u64 = 12_000;
const AFTER_MS: u64 = 4_000;
/// Voices that may have been people's are forgotten when nothing was heard of the company for so long: 30 days.
const DOUBTED_MS: u64 = 30 * 86_400_000;
/// A shorter piece is not worth keeping: 0.6 s, a "Hello?".
pub const SHORTEST: usize = 15;
/// A longer one is kept as several: 10 s.
pub const LONGEST: usize = 250;

/// What is known of one company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lore {
    /// Calls that were held with it.
    pub calls: u32,
    /// When the last of them ended, milliseconds since 1970.
    pub last: u64,
    next: u32,
    pieces: Vec<Piece>,
}

/// When something was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hearing {
    /// The call.
    pub call: u64,
    /// Milliseconds since it began.
    pub at_ms: u64,
}

/// Some seconds of one recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Unique in its company.
    id: u32,
    /// Four bytes each, little-endian: packed as numbers they would take five.
    prints: Vec<u8>,
    learnt: Hearing,
    /// Heard again, last then.
    again: Option<Hearing>,
    /// In so many calls.
    calls: u16,
    /// [`Lore::calls`] when it was heard last.
    used: u32,
    /// It may have been a person: not taken for known until the owner says that it was a recording, or another call plays it
    /// again.
    doubted: bool,
}

/// What is known of one piece, without its prints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// Unique in its company.
    pub id: u32,
    /// How long it is.
    pub seconds: f32,
    /// In so many calls.
    pub calls: u16,
    /// When it was heard last; `None`: by another box.
    pub last: Option<Hearing>,
    /// It may have been a person.
    pub doubted: bool,
}

/// What the owner says of a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taught {
    /// It was a recording.
    Recording,
    /// It was a person.
    Person,
}

/// A piece that was heard for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// When it began, milliseconds since the call began.
    pub at_ms: u64,
    /// One in 40 ms.
    pub prints: Vec<u32>,
    /// It may have been a person.
    pub doubted: bool,
}

/// What one call has taught.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lesson {
    /// Heard for the first time.
    pub fresh: Vec<Fresh>,
    /// Pieces that were heard again, and when, milliseconds since the call began.
    pub again: Vec<(u32, u64)>,
    /// Pieces that turned out to be a person.
    pub wrong: Vec<u32>,
}

impl Piece {
    fn len(&self) -> usize {
        self.prints.len() / PRINT
    }

    fn is_around(&self, call: u64, (from_ms, to_ms): (u64, u64)) -> bool {
        let near = |hearing: &Hearing| {
            let ended = hearing.at_ms + self.len() as u64 * STEP_MS;
            let (from, to) = (from_ms.saturating_sub(BEFORE_MS), to_ms.saturating_add(AFTER_MS));
            hearing.call == call && hearing.at_ms <= to && ended >= from
        };
        near(&self.learnt) || self.again.as_ref().is_some_and(near)
    }

    fn is_shared(&self) -> bool {
        self.calls > 1 && !self.doubted
    }
}

fn pack(prints: &[u32]) -> Vec<u8> {
    prints.iter().flat_map(|p| p.to_le_bytes()).collect()
}

fn unpack(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks::<PRINT>().0.iter().map(|b| u32::from_le_bytes(*b))
}

impl Lore {
    /// All pieces with their ids, and whether they may have been people.
    pub fn pieces(&self) -> impl Iterator<Item = (u32, bool, impl Iterator<Item = u32>)> {
        self.pieces.iter().map(|piece| (piece.id, piece.doubted, unpack(&piece.prints)))
    }

    /// The pieces that are recordings, with their ids.
    pub fn known(&self) -> impl Iterator<Item = (u32, impl Iterator<Item = u32>)> {
        self.pieces.iter().filter(|piece| !piece.doubted).map(|piece| (piece.id, unpack(&piece.prints)))
    }

    /// Seconds of sound that are known, and seconds that are doubted.
    pub fn seconds(&self) -> (f32, f32) {
        let sum = |doubted| {
            let pieces = self.pieces.iter().filter(|p| p.doubted == doubted);
            pieces.map(Piece::len).sum::<usize>() as f32 * STEP_MS as f32 / 1000.0
        };
        (sum(false), sum(true))
    }

    /// Every piece, those that were heard last first.
    pub fn heard(&self) -> Vec<Heard> {
        let heard = |piece: &Piece| Heard {
            id: piece.id,
            seconds: piece.len() as f32 * STEP_MS as f32 / 1000.0,
            calls: piece.calls,
            last: Some(piece.again.unwrap_or(piece.learnt)).filter(|hearing| hearing.call > 0),
            doubted: piece.doubted,
        };
        let mut all: Vec<Heard> = self.pieces.iter().map(heard).collect();
        all.sort_by_key(|piece| core::cmp::Reverse(piece.last.map(|last| (last.call, last.at_ms))));
        all
    }

    /// Forgets one piece. True if there was such a one.
    pub fn forget_piece(&mut self, id: u32) -> bool {
        let before = self.pieces.len();
        self.pieces.retain(|piece| piece.id != id);
        self.pieces.len() < before
    }

    /// Takes what a call has taught; `now` is the date, milliseconds since 1970.
    pub fn learn(&mut self, call: u64, now: u64, lesson: Lesson) {
        self.calls += 1;
        self.last = now;
        self.pieces.retain(|piece| !lesson.wrong.contains(&piece.id));
        for (id, at_ms) in lesson.again {
            if let Some(piece) = self.pieces.iter_mut().find(|piece| piece.id == id) {
                piece.again = Some(Hearing { call, at_ms });
                piece.calls = piece.calls.saturating_add(1);
                piece.doubted = false;
                piece.used = self.calls;
            }
        }
        for Fresh { at_ms, prints, doubted } in lesson.fresh {
            self.add(&prints, Hearing { call, at_ms }, 1, doubted);
        }
        self.forget();
    }

    fn add(&mut self, prints: &[u32], learnt: Hearing, calls: u16, doubted: bool) {
        let (id, used) = (self.next, self.calls);
        self.next = self.next.wrapping_add(1);
        self.pieces.push(Piece { id, prints: pack(prints), learnt, again: None, calls, used, doubted });
    }

    /// What was not heard for long goes, and then what was heard longest ago, first of all what was heard once.
    fn forget(&mut self) {
        let calls = self.calls;
        self.pieces.retain(|piece| calls - piece.used < FORGETS[usize::from(piece.is_shared())]);
        for (doubted, most) in [(true, MOST_DOUBTED), (false, MOST)] {
            let mut total: usize = self.pieces.iter().filter(|p| p.doubted || !doubted).map(Piece::len).sum();
            while total > most {
                let oldest = self.pieces.iter().enumerate().filter(|(_, p)| p.doubted || !doubted);
                let oldest = oldest.min_by_key(|(_, p)| (p.is_shared(), p.used, p.id)).map(|(at, _)| at);
                let Some(at) = oldest else { return };
                total -= self.pieces.remove(at).len();
            }
        }
    }

    /// Corrects what was learnt of a stretch of a call, milliseconds after it began. True if anything was remembered of it.
    pub fn teach(&mut self, call: u64, stretch: (u64, u64), taught: Taught) -> bool {
        let there = self.pieces.iter().any(|piece| piece.is_around(call, stretch));
        match taught {
            Taught::Recording => {
                let pieces = self.pieces.iter_mut().filter(|piece| piece.is_around(call, stretch));
                pieces.for_each(|piece| piece.doubted = false);
            }
            Taught::Person => self.pieces.retain(|piece| !piece.is_around(call, stretch)),
        }
        there
    }

    /// Forgets voices that may have been people's, if the company was not called for long. True if there were any.
    pub fn forget_old_doubts(&mut self, now: u64) -> bool {
        let before = self.pieces.len();
        if now.saturating_sub(self.last) > DOUBTED_MS {
            self.pieces.retain(|piece| !piece.doubted);
        }
        self.pieces.len() < before
    }

    /// What may be given to others: the prints of what was heard in several calls, and so is no caller's and no agent's.
    pub fn shared(&self) -> Vec<Vec<u32>> {
        self.pieces.iter().filter(|p| p.is_shared()).map(|p| unpack(&p.prints).collect()).collect()
    }

    /// Takes what others gave, as far as there is room. What is known already is not taken again, and what is new is given on
    /// only when it was heard here, too. Returns how many pieces are new.
    pub fn take(&mut self, pieces: &[Vec<u32>]) -> usize {
        let fits = |piece: &&Vec<u32>| (SHORTEST..=LONGEST).contains(&piece.len());
        let before = self.pieces.len();
        for piece in pieces.iter().filter(fits) {
            let packed = pack(piece);
            let total: usize = self.pieces.iter().map(Piece::len).sum();
            if total + piece.len() <= MOST && self.pieces.iter().all(|known| known.prints != packed) {
                // Heard by others in several calls; by this box in none.
                self.add(piece, Hearing { call: 0, at_ms: 0 }, 1, false);
            }
        }
        self.pieces.len() - before
    }

    /// Nothing is left that anything could be compared with.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn fresh(seed: u32, len: usize, at_ms: u64, doubted: bool) -> Fresh {
        Fresh { at_ms, prints: (0..len as u32).map(|n| n.wrapping_mul(seed * 7919 + 1)).collect(), doubted }
    }

    fn of(fresh: Vec<Fresh>) -> Lesson {
        Lesson { fresh, ..Lesson::default() }
    }

    #[test]
    fn what_is_heard_again_stays_and_the_rest_is_forgotten() {
        let mut lore = Lore::default();
        lore.learn(1, 10, of(vec![fresh(1, 100, 0, false), fresh(2, 100, 9_000, false)]));
        let ids: Vec<u32> = lore.known().map(|(id, _)| id).collect();
        for call in 2..=12 {
            lore.learn(call, call * 10, Lesson { again: vec![(ids[0], 5)], ..Lesson::default() });
        }
        assert_eq!(lore.known().map(|(id, _)| id).collect::<Vec<_>>(), [ids[0]]);
        assert_eq!((lore.calls, lore.last), (12, 120));
        let prints: Vec<u32> = lore.known().next().unwrap().1.collect();
        assert_eq!(prints, fresh(1, 100, 0, false).prints);
        assert_eq!(lore.shared(), std::slice::from_ref(&prints), "heard in several calls");
        for call in 13..=60 {
            lore.learn(call, 0, Lesson::default());
        }
        assert!(lore.is_empty(), "the company has new announcements");
        let mut other = Lore::default();
        assert_eq!(other.take(&[prints.clone(), prints.clone(), vec![1; 3]]), 1);
        assert_eq!(other.take(std::slice::from_ref(&prints)), 0);
        assert_eq!(other.known().next().unwrap().1.collect::<Vec<_>>(), prints);
    }

    #[test]
    fn it_is_bounded_and_what_was_heard_in_several_calls_stays_longest() {
        let mut lore = Lore::default();
        lore.learn(1, 0, of(vec![fresh(1, 200, 0, false)]));
        lore.learn(2, 0, Lesson { again: vec![(0, 0)], ..Lesson::default() });
        lore.learn(3, 0, of((2..100).map(|n| fresh(n, 250, 0, n % 3 == 0)).collect()));
        let (known, doubted) = lore.seconds();
        assert!(known + doubted <= MOST as f32 * 0.04 && known + doubted > MOST as f32 * 0.035, "{known}");
        assert!(doubted <= MOST_DOUBTED as f32 * 0.04 && doubted > 40.0, "{doubted}");
        assert_eq!(lore.known().next().unwrap().0, 0);
    }

    #[test]
    fn the_owner_corrects_what_was_learnt() {
        let lesson = of(vec![fresh(1, 100, 60_000, false), fresh(2, 100, 90_000, true)]);
        let mut lore = Lore::default();
        lore.learn(7, 0, lesson.clone());
        assert_eq!((lore.known().count(), lore.shared().len()), (1, 0));
        let at = |ms| (ms, ms);
        assert!(!lore.teach(6, at(92_000), Taught::Recording) && !lore.teach(7, at(5_000), Taught::Person));
        assert!(lore.teach(7, at(93_000), Taught::Recording), "the ring came when the voice had ended");
        assert_eq!(lore.known().count(), 2);
        assert!(lore.teach(7, at(61_000), Taught::Person));
        assert_eq!(lore.known().map(|(id, _)| id).collect::<Vec<_>>(), [1]);
        // What was heard again in another call is corrected there, too.
        lore.learn(8, 0, Lesson { again: vec![(1, 30_000)], ..Lesson::default() });
        assert!(lore.teach(8, at(31_000), Taught::Person));
        assert!(lore.is_empty());
        let long = of((0..4).map(|n| fresh(n + 1, 250, u64::from(n) * 10_000, false)).collect());
        lore.learn(8, 0, long);
        assert!(lore.teach(8, (0, 38_000), Taught::Person) && lore.is_empty(), "all of a long talk");
        lore.learn(9, 0, lesson);
        let ids = |lore: &Lore| lore.pieces().map(|(id, doubted, _)| (id, doubted)).collect::<Vec<_>>();
        let both = ids(&lore);
        lore.learn(10, 0, Lesson { wrong: vec![both[0].0], ..Lesson::default() });
        assert_eq!(ids(&lore), [(both[1].0, true)]);
        assert!(!lore.forget_old_doubts(86_400_000));
        let mut heard_again = lore.clone();
        heard_again.learn(11, 0, Lesson { again: vec![(both[1].0, 5)], ..Lesson::default() });
        assert_eq!(ids(&heard_again), [(both[1].0, false)], "another call plays it again");
        assert!(lore.forget_old_doubts(40 * 86_400_000) && lore.is_empty());
    }
}

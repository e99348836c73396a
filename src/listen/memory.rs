//! Speech heard in this call and in earlier ones with the same company, as prints that give no sound away, and whether what
//! is heard now was heard before.
//!
//! All of a call's speech is remembered until the call ends. What then goes into the company's [`Lore`] is what was heard
//! for the first time, marked where it may have been a person; what was a person for sure does not go.

use super::lore::{self, Fresh, LONGEST, Lesson, Lore, SHORTEST};
use super::prints::{BEFORE, HERE, Prints, STEP};
use crate::units::Tick;

/// Prints kept of a call: ten minutes of speech. The oldest is overwritten.
const KEPT: usize = 15_000;
/// Prints of the speech that goes on, not yet matched against: one minute. What is longer is learnt in pieces.
const PENDING: usize = 1_500;
/// Pieces of this call that may go into the company's lore. The oldest is let go.
const MARKS: usize = 256;
/// A match is sure when so much of it has passed: 1 s.
const SURE: usize = 25;
/// Of what the owner says that it was a person or a recording, when there is no verdict to tell: 10 s.
const JUST_NOW: u64 = 500;

/// So long before the last word of a call an agent may have begun to speak who was missed: 30 s.
const THE_END: u64 = 1_500;

/// A print that was not yet learnt.
#[derive(Clone, Copy, Debug)]
struct Heard {
    print: u32,
    at: Tick,
    known: bool,
}

/// A piece that was heard for the first time, as a place in the call's memory.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Counted from the first print of the call.
    from: u64,
    len: usize,
    at: Tick,
    /// Its last print: pauses lie between.
    last: Tick,
    doubted: bool,
    /// The owner said that it was a recording.
    sure: bool,
}

/// Fixed memory of speech.
#[derive(Clone, Debug)]
pub struct Memory {
    here: Prints,
    /// Prints of this call ever learnt; those older than [`KEPT`] are overwritten.
    learnt: u64,
    pending: Vec<Heard>,
    marks: Vec<Mark>,
    /// Counts frames of speech.
    phase: usize,
    now: Tick,
    /// Ticks that were not listened to.
    skipped: u64,
    /// A person was rung for: what was heard since then is doubted.
    doubted_since: Option<Tick>,
    /// The last stretch that was doubted and seemed a recording then: some of it may not be learnt yet.
    doubted: (Tick, Tick),
    before: Prints,
    pieces: Vec<Piece>,
    wrong: Vec<u32>,
    /// The owner has talked to whom was found, until then.
    met: Option<Tick>,
}

/// A piece of the lore.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it begins in `before`.
    from: usize,
    id: u32,
    doubted: bool,
    /// When it was heard in this call.
    heard: Option<Tick>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::of(&Lore::default())
    }
}

impl Memory {
    /// One that knows what earlier calls taught.
    pub fn of(lore: &Lore) -> Self {
        let mut before = Prints::with_room(lore::MOST, BEFORE);
        let mut pieces = Vec::new();
        for (id, doubted, prints) in lore.pieces() {
            pieces.push(Piece { from: before.len(), id, doubted, heard: None });
            prints.for_each(|print| before.push(print));
        }
        Self {
            here: Prints::with_room(KEPT, HERE),
            learnt: 0,
            pending: Vec::with_capacity(PENDING),
            marks: Vec::with_capacity(MARKS),
            phase: 0,
            now: Tick(0),
            skipped: 0,
            doubted_since: None,
            doubted: (Tick(1), Tick(0)),
            before,
            wrong: Vec::with_capacity(pieces.len()),
            pieces,
            met: None,
        }
    }

    /// Takes a frame of speech. `loud` is false in the pauses between words, whose prints are noise.
    pub fn hear(&mut self, at: Tick, print: u32, loud: bool) {
        let at = Tick(at.0 + self.skipped);
        self.now = at;
        self.phase = (self.phase + 1) % STEP;
        self.here.hear(self.phase, print, loud);
        self.before.hear(self.phase, print, loud);
        if let Some(place) = self.piece() {
            self.pieces[place].heard = Some(self.now);
        }
        let known = self.known();
        if self.phase != 0 || self.pending.is_empty() && !loud {
            return;
        }
        if self.pending.len() == PENDING {
            self.learn();
        }
        if known && self.pending.last().is_some_and(|last| !last.known) {
            self.pending.iter_mut().rev().take(SURE).for_each(|heard| heard.known = true);
        }
        self.pending.push(Heard { print, at, known });
    }

    /// From here on so many ticks were not listened to, and lack in the time that is told.
    pub fn skip(&mut self, ticks: u64) {
        self.skipped = ticks;
    }

    /// Which piece of an earlier call is heard.
    fn piece(&self) -> Option<usize> {
        let place = self.before.place().filter(|_| self.before.known())?;
        self.pieces.partition_point(|piece| piece.from <= place).checked_sub(1)
    }

    /// True while what is heard matches something learnt earlier.
    pub fn known(&self) -> bool {
        self.here.known() || self.known_before()
    }

    /// True while it matches a recording of an earlier call.
    pub fn known_before(&self) -> bool {
        self.piece().and_then(|place| self.pieces.get(place)).is_some_and(|piece| !piece.doubted)
    }

    /// Learns what was heard since the last time, for later hearings.
    pub fn learn(&mut self) {
        for at in 0..self.pending.len() {
            let heard = self.pending[at];
            self.mark(heard, at == 0);
            if self.here.len() < KEPT {
                self.here.push(heard.print);
            } else {
                self.here.replace((self.learnt % KEPT as u64) as usize, heard.print);
            }
            self.learnt += 1;
        }
        self.pending.clear();
        self.marks.retain(|mark| mark.len >= SHORTEST);
        self.here.rest();
        self.before.rest();
    }

    /// Adds a print to the piece that goes on, or begins another: what is learnt at different times does not hang together.
    fn mark(&mut self, heard: Heard, first: bool) {
        if heard.known {
            return;
        }
        let (from, to) = self.doubted;
        let doubted =
            self.doubted_since.is_some_and(|since| heard.at >= since) || (from..=to).contains(&heard.at);
        let goes_on = self.marks.last_mut().filter(|mark| {
            !first
                && mark.from + mark.len as u64 == self.learnt
                && mark.len < LONGEST
                && mark.doubted == doubted
        });
        if let Some(mark) = goes_on {
            mark.len += 1;
            mark.last = heard.at;
            return;
        }
        self.marks.pop_if(|mark| mark.len < SHORTEST);
        if self.marks.len() == MARKS {
            self.marks.remove(0);
        }
        self.marks.push(Mark {
            from: self.learnt,
            len: 1,
            at: heard.at,
            last: heard.at,
            doubted,
            sure: false,
        });
    }

    /// A person is rung for. He may have spoken since then.
    pub fn doubt(&mut self, since: Tick) {
        self.doubt_since(Tick(since.0 + self.skipped));
    }

    fn doubt_since(&mut self, since: Tick) {
        self.doubted_since = Some(since);
        self.marks.iter_mut().filter(|mark| mark.reaches(since)).for_each(|mark| mark.doubted = !mark.sure);
    }

    /// The owner takes the call: he may have heard a person.
    pub fn doubt_just_now(&mut self) {
        self.learn();
        if self.doubted_since.is_none() {
            self.doubt_since(Tick(self.now.0.saturating_sub(JUST_NOW)));
        }
    }

    /// It was a recording, as it seems: what comes is not doubted any more. What was heard stays so, for music comes back after
    /// a person, too, who is not answered.
    pub fn seems_recording(&mut self) {
        if let Some(since) = self.doubted_since.take() {
            self.doubted = (since, self.now);
        }
    }

    /// It was a recording, says the owner.
    pub fn was_recording(&mut self) {
        self.learn();
        let since = self.since();
        let marks = self.marks.iter_mut().filter(|mark| mark.reaches(since));
        marks.for_each(|mark| (mark.doubted, mark.sure) = (false, true));
    }

    /// The call is over: an agent who was missed has spoken last, and left.
    pub fn doubt_the_end(&mut self) {
        self.learn();
        if self.met.is_none_or(|met| met < self.now) {
            let since = Tick(self.now.0.saturating_sub(THE_END)).max(self.met.unwrap_or(Tick(0)));
            self.doubt_since(self.doubted_since.map_or(since, |doubted| doubted.min(since)));
        }
    }

    /// It is a person, says the owner: nothing of him is kept, and he may go on.
    pub fn was_person(&mut self) {
        self.forget_the_person();
        self.doubted_since = Some(self.now);
    }

    /// The owner has talked to the person: nothing of him is kept.
    pub fn met(&mut self) {
        self.forget_the_person();
        self.met = Some(self.now);
    }

    fn forget_the_person(&mut self) {
        self.learn();
        // What a ring was for was not known; only the owner can say that what is known was none.
        let taught = self.doubted_since.is_none();
        let since = self.since();
        for at in 0..self.marks.len() {
            let mark = self.marks[at];
            if mark.reaches(since) {
                let places =
                    (mark.from..mark.from + mark.len as u64).filter(|n| n + KEPT as u64 >= self.learnt);
                places.for_each(|n| self.here.replace((n % KEPT as u64) as usize, 0));
            }
        }
        self.marks.retain(|mark| !mark.reaches(since));
        for piece in &mut self.pieces {
            if (taught || piece.doubted) && piece.heard.is_some_and(|at| at >= since) {
                self.wrong.push(piece.id);
                piece.heard = None;
            }
        }
    }

    /// Since when what was heard is in doubt; the doubt is over with it.
    fn since(&mut self) -> Tick {
        let just_now = Tick(self.now.0.saturating_sub(JUST_NOW));
        let (from, to) = self.doubted;
        self.doubted_since.take().unwrap_or(if to >= just_now { from.min(just_now) } else { just_now })
    }

    /// What this call taught. `offset_ms`: from the begin of the call to the first tick.
    pub fn lesson(&mut self, offset_ms: u64) -> Lesson {
        self.learn();
        let at_ms = |at: Tick| offset_ms + at.as_millis();
        let there = |mark: &&Mark| mark.from + KEPT as u64 >= self.learnt;
        let fresh = self.marks.iter().filter(there).map(|mark| {
            let from = (mark.from % KEPT as u64) as usize;
            let (to, over) = (from + mark.len, (from + mark.len).saturating_sub(KEPT));
            let prints = [self.here.part(from..to.min(KEPT)), self.here.part(0..over)].concat();
            Fresh { at_ms: at_ms(mark.at), prints, doubted: mark.doubted }
        });
        let in_doubt = |at: Tick| self.doubted_since.is_some_and(|since| at >= since);
        let again = self.pieces.iter().filter_map(|piece| {
            let heard = piece.heard.filter(|at| !piece.doubted || !in_doubt(*at))?;
            Some((piece.id, at_ms(heard)))
        });
        Lesson { fresh: fresh.collect(), again: again.collect(), wrong: self.wrong.clone() }
    }
}

impl Mark {
    /// More than a word of it was heard since then.
    fn reaches(&self, since: Tick) -> bool {
        self.last.0 > since.0 + (SHORTEST * STEP) as u64 || self.at >= since
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
            memory.hear(memory.now.next(), *print, true);
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
        assert_eq!(memory.here.len(), KEPT);
        assert_eq!(known_after(&mut memory, &speech(1, 200, 0)), None, "forgotten");
        memory.learn();
        assert!(known_after(&mut memory, &speech(159, 200, 0)).is_some(), "remembered");
    }

    #[test]
    fn the_next_call_knows_what_this_one_heard_and_learns_what_is_new_alone() {
        let mut lore = Lore::default();
        let (menu, queue) = (speech(1, 400, 0), speech(2, 300, 0));
        let mut call = Memory::default();
        for sound in [&menu, &queue, &queue, &menu] {
            known_after(&mut call, sound);
            call.learn();
        }
        let lesson = call.lesson(3_000);
        assert_eq!(lesson.fresh.iter().map(|f| f.prints.len()).sum::<usize>(), 350, "each of them once");
        assert_eq!(lesson.fresh[0].at_ms, 3_040);
        lore.learn(1, 0, lesson);

        let mut call = Memory::of(&lore);
        let again = known_after(&mut call, &speech(2, 300, 5)[11..]);
        assert!(again.is_some_and(|n| n < 50) && call.known_before(), "{again:?}");
        call.learn();
        assert_eq!(known_after(&mut call, &speech(3, 300, 0)), None);
        let lesson = call.lesson(0);
        assert_eq!(lesson.again.len(), 1);
        assert_eq!(lesson.fresh.iter().map(|f| f.prints.len()).sum::<usize>(), 150, "{lesson:?}");
    }

    #[test]
    fn a_person_is_not_kept_and_whom_nobody_confirmed_is_doubted() {
        let said = |memory: &mut Memory, seed| {
            let began = memory.now.next();
            known_after(memory, &speech(seed, 200, 0));
            memory.learn();
            began
        };
        let doubted =
            |memory: &mut Memory| memory.lesson(0).fresh.iter().map(|f| f.doubted).collect::<Vec<_>>();
        let mut call = Memory::default();
        said(&mut call, 1);
        let began = said(&mut call, 2);
        call.doubt(began);
        said(&mut call, 3);
        assert_eq!(doubted(&mut call.clone()), [false, true, true]);
        let mut taught = call.clone();
        taught.was_recording();
        assert_eq!(doubted(&mut taught), [false, false, false]);
        let mut false_ring = call.clone();
        false_ring.seems_recording();
        said(&mut false_ring, 4);
        assert_eq!(
            doubted(&mut false_ring),
            [false, true, true, false],
            "music comes back after a person, too"
        );
        let mut agrees = call.clone();
        agrees.was_person();
        said(&mut agrees, 4);
        assert_eq!(doubted(&mut agrees), [false, true], "he goes on");
        call.met();
        assert_eq!(doubted(&mut call), [false]);
        call.doubt_the_end();
        assert_eq!(doubted(&mut call), [false], "he spoke last");
        assert_eq!(known_after(&mut call, &speech(2, 200, 0)), None, "not even in this call");
        call.learn();
        call.doubt_the_end();
        assert_eq!(doubted(&mut call), [false, true], "another may have spoken since");
        // The owner takes the call without a ring: what was heard just then is not for sure a recording.
        call.doubt_just_now();
        assert_eq!(doubted(&mut call), [false, true]);
        // A person who was taken for a known recording.
        let mut lore = Lore::default();
        let mut call = Memory::default();
        said(&mut call, 5);
        lore.learn(1, 0, call.lesson(0));
        let mut call = Memory::of(&lore);
        said(&mut call, 5);
        call.was_person();
        lore.learn(2, 0, call.lesson(0));
        assert!(lore.is_empty());
        // What was rung for in vain is not known in the next call, but plays again there, and is known in the third; unless
        // the owner has met him.
        let mut call = Memory::default();
        let began = said(&mut call, 6);
        call.doubt(began);
        lore.learn(3, 0, call.lesson(0));
        let hear = |lore: &Lore| {
            let mut call = Memory::of(lore);
            let known = known_after(&mut call, &speech(6, 200, 0));
            (call, known)
        };
        let (mut second, known) = hear(&lore);
        assert_eq!(known, None);
        let mut met = lore.clone();
        let mut with_him = second.clone();
        with_him.doubt(Tick(0));
        with_him.met();
        met.learn(4, 0, with_him.lesson(0));
        assert!(met.is_empty());
        lore.learn(4, 0, second.lesson(0));
        assert!(hear(&lore).1.is_some_and(|n| n < 75));
    }
}

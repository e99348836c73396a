//! What the far end does when the box speaks to it: who stops and answers is alive, who talks on is a recording.

use super::verdict::frames;
use crate::units::Tick;

/// Speech without a pause for so long after the greeting began is a recording's.
const TALKS_ON: u64 = frames(3_000);
/// A pause shorter than this stands between two sentences.
const BREATH: u64 = frames(500);
/// Whoever stops for our greeting does so within this time of its beginning.
const STOPS: u64 = frames(1_200);
/// Quiet for so long while we speak: it listens. A recording would have gone on, or the music.
const LISTENS: u64 = frames(2_200);
/// Quiet for so long when our greeting ends: it was listened to.
const LISTENED: u64 = frames(800);
/// A live voice answers within this time of the greeting's end.
const PATIENCE: u64 = frames(6_000);
/// Active frames that make an answer.
const ANSWER: u64 = frames(260);

/// The greeting that is being spoken, or was spoken last, and what was heard since it began.
#[derive(Clone, Copy, Debug)]
pub struct Challenge {
    began: Tick,
    ended: Option<Tick>,
    paused: bool,
    quiet_at_end: u64,
    answered: u64,
}

/// What can be said of the far end so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reaction {
    /// Not enough yet.
    Open,
    /// It spoke on evenly: a recording.
    TalksOn,
    /// It fell silent: nats for a person, and the reason in words.
    Waits(f32, &'static str),
    /// It fell silent because the box speaks, and listens: nats for a person, and the reason in words.
    Listens(f32, &'static str),
    /// It fell silent and then spoke: nats for a person, and the reason in words.
    Answers(f32, &'static str),
    /// Nothing came of it.
    Over,
}

impl Challenge {
    /// The box begins to speak; `quiet`: into silence, so that who speaks later does not speak on.
    pub fn begin(at: Tick, quiet: bool) -> Self {
        Self { began: at, ended: None, paused: quiet, quiet_at_end: 0, answered: 0 }
    }

    /// The box stops speaking; the far end has been quiet for `pause` frames.
    pub fn end(&mut self, at: Tick, pause: u64) {
        self.ended = Some(at);
        self.quiet_at_end = pause;
    }

    /// Hears a frame: `loud` when the far voice is active, `pause` frames since it last was.
    pub fn hear(&mut self, at: Tick, loud: bool, pause: u64) -> Reaction {
        self.paused |= pause >= BREATH;
        if !self.paused && loud && at.since(self.began) >= TALKS_ON {
            return Reaction::TalksOn;
        }
        let Some(ended) = self.ended else { return self.meanwhile(at, pause) };
        self.answered += u64::from(loud);
        let since = at.since(ended);
        let listened = self.quiet_at_end >= LISTENED;
        match () {
            () if since > PATIENCE => Reaction::Over,
            () if listened && self.answered >= ANSWER => {
                Reaction::Answers(3.0, "stopped for our greeting and answered it")
            }
            () if listened && since >= frames(700) && self.answered == 0 => {
                Reaction::Waits(1.0, "stopped for our greeting, and the line waits")
            }
            () if self.paused && !loud && pause >= frames(1_200) => {
                Reaction::Waits(0.6, "ended at our greeting, and the line waits")
            }
            () => Reaction::Open,
        }
    }

    /// While the box speaks.
    fn meanwhile(&self, at: Tick, pause: u64) -> Reaction {
        let spoken = at.since(self.began);
        match pause {
            p if p < LISTENS => Reaction::Open,
            p if p > spoken => Reaction::Waits(0.6, "listens to our greeting"),
            p if spoken - p <= STOPS => Reaction::Listens(1.5, "stopped for our greeting and listens"),
            _ => Reaction::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// Two seconds of greeting; `far` says when the far voice is active, in milliseconds after the greeting's begin.
    fn reaction(far: &[(u64, u64)], until: u64) -> Reaction {
        let mut challenge = Challenge::begin(Tick(0), false);
        let (mut last, mut found) = (0, Reaction::Open);
        for tick in 0..frames(until) {
            let loud = far.iter().any(|(a, b)| (frames(*a)..frames(*b)).contains(&tick));
            last = if loud { tick } else { last };
            if tick == frames(2_000) {
                challenge.end(Tick(tick), tick - last);
            }
            match challenge.hear(Tick(tick), loud, tick - last) {
                Reaction::Open => {}
                other => found = other,
            }
            if found == Reaction::TalksOn {
                break;
            }
        }
        found
    }

    #[test]
    fn who_talks_on_is_a_recording_and_who_stops_is_not() {
        assert_eq!(reaction(&[(0, 5_000)], 5_000), Reaction::TalksOn);
        assert!(matches!(reaction(&[(0, 600), (2_500, 3_200)], 3_300), Reaction::Answers(n, _) if n > 2.0));
        assert!(matches!(reaction(&[(0, 900)], 4_000), Reaction::Waits(..)));
        assert!(matches!(reaction(&[(0, 600)], 1_900), Reaction::Open));
        // A pause between two sentences is neither.
        assert_eq!(reaction(&[(0, 700), (1_300, 5_000)], 5_000), Reaction::Open);
        assert_eq!(reaction(&[(0, 900)], 9_000), Reaction::Over);
    }

    #[test]
    fn who_stops_for_a_long_greeting_is_known_before_it_ends() {
        let hear = |last: u64| {
            let mut challenge = Challenge::begin(Tick(100), false);
            let mut at =
                |t: u64| challenge.hear(Tick(100 + frames(t)), t < last, frames(t.saturating_sub(last)));
            (0..150).map(|n| at(n * 20)).last()
        };
        assert!(matches!(hear(600), Some(Reaction::Listens(n, _)) if n > 1.0));
        // A recording that ends later, or begins its next sentence, has not stopped for us.
        assert_eq!(hear(2_000), Some(Reaction::Open));
        let mut silent = Challenge::begin(Tick(100), true);
        assert!(matches!(silent.hear(Tick(100 + frames(2_000)), false, frames(2_400)), Reaction::Waits(..)));
    }
}

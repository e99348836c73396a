//! A push button: contact bounce in, presses out. Pure.
//!
//! ```text
//!            pressed for `debounce`                 held for LONG
//!   Up ───────────────────────────► Down{untold} ─────────────────► Down{told} ── Long
//!    ▲                                 │ released for `debounce`       │
//!    └──────────── Short ──────────────┴───────────── nothing ─────────┘
//! ```

use crate::units::Instant;
use core::time::Duration;

/// A press held this long is a long one; it is told while the finger is still down.
pub const LONG: Duration = Duration::from_secs(3);

/// What a finger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Pressed and released.
    Short,
    /// Held for [`LONG`].
    Long,
}

/// What the button is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The line as it is at this moment; true is pressed. Repetitions do no harm.
    Level(bool),
    /// A deadline has passed.
    Timeout,
}

/// The machine of one button.
#[derive(Debug)]
pub struct Button {
    debounce: Duration,
    /// The line as last seen, and since when.
    raw: (bool, Instant),
    state: State,
    out: Option<Press>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Up,
    Down { since: Instant, told: bool },
}

impl Button {
    /// A button whose line is at `level` now. One that is down already counts from its next press on: it may be stuck, or
    /// held for the firmware.
    pub fn new(now: Instant, debounce: Duration, level: bool) -> Self {
        let state = if level { State::Down { since: now, told: true } } else { State::Up };
        Self { debounce, raw: (level, now), state, out: None }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.settle(now);
        if let Input::Level(level) = input
            && level != self.raw.0
        {
            self.raw = (level, now);
            self.settle(now);
        }
    }

    /// The next press; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<Press> {
        self.out.take()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        let (level, since) = self.raw;
        match self.state {
            State::Up if level => Some(since + self.debounce),
            State::Down { .. } if !level => Some(since + self.debounce),
            State::Down { since, told: false } => Some(since + LONG),
            State::Up | State::Down { .. } => None,
        }
    }

    /// Believes the line once it has been still for long enough. At most one press comes of it.
    fn settle(&mut self, now: Instant) {
        let (level, since) = self.raw;
        let still = now.since(since) >= self.debounce;
        self.state = match self.state {
            State::Up if level && still => State::Down { since, told: false },
            State::Down { told, .. } if !level && still => {
                if !told {
                    self.out = Some(Press::Short);
                }
                State::Up
            }
            State::Down { since, told: false } if level && now.since(since) >= LONG => {
                self.out = Some(Press::Long);
                State::Down { since, told: true }
            }
            as_it_is => as_it_is,
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const DEBOUNCE: Duration = Duration::from_millis(20);

    fn at(ms: u64) -> Instant {
        Instant(ms * 1000)
    }

    /// Plays the levels (time in ms, pressed) with every deadline met, until 20 s, and returns the presses with their times.
    fn play(first: bool, levels: &[(u64, bool)]) -> Vec<(u64, Press)> {
        let mut button = Button::new(at(0), DEBOUNCE, first);
        let mut presses = Vec::new();
        let mut levels = levels.iter().peekable();
        for _ in 0..10_000 {
            let next = levels.peek().map_or(at(20_000), |(ms, _)| at(*ms));
            let (now, input) = match button.deadline().filter(|deadline| *deadline < next) {
                Some(deadline) => (deadline, Input::Timeout),
                None => match levels.next() {
                    Some((ms, level)) => (at(*ms), Input::Level(*level)),
                    None => return presses,
                },
            };
            button.handle(now, input);
            while let Some(press) = button.poll() {
                presses.push((now.as_millis(), press));
            }
        }
        panic!("the button never comes to rest");
    }

    #[test]
    fn presses() {
        use Press::{Long, Short};
        type Case = (&'static str, bool, &'static [(u64, bool)], &'static [(u64, Press)]);
        let table: &[Case] = &[
            ("a clean press", false, &[(100, true), (300, false)], &[(320, Short)]),
            (
                "bounce at both ends is one press",
                false,
                &[
                    (100, true),
                    (103, false),
                    (105, true),
                    (109, false),
                    (110, true),
                    (300, false),
                    (304, true),
                    (306, false),
                ],
                &[(326, Short)],
            ),
            ("a spike is none", false, &[(100, true), (110, false)], &[]),
            (
                "a train of spikes is none",
                false,
                &[(100, true), (115, false), (130, true), (145, false)],
                &[],
            ),
            (
                "a gap of a moment is one press",
                false,
                &[(100, true), (200, false), (210, true), (300, false)],
                &[(320, Short)],
            ),
            (
                "two presses",
                false,
                &[(100, true), (200, false), (300, true), (400, false)],
                &[(220, Short), (420, Short)],
            ),
            (
                "long is told at three seconds, and once",
                false,
                &[(100, true), (9000, false)],
                &[(3100, Long)],
            ),
            ("just short of long", false, &[(100, true), (3095, false)], &[(3115, Short)]),
            ("stuck from the start is none", true, &[], &[]),
            ("stuck, then pressed", true, &[(5000, false), (6000, true), (6100, false)], &[(6120, Short)]),
            (
                "repeated levels change nothing",
                false,
                &[(100, true), (110, true), (200, true), (300, false), (310, false)],
                &[(320, Short)],
            ),
        ];
        for (what, first, levels, expected) in table {
            assert_eq!(play(*first, levels), *expected, "{what}");
        }
    }

    #[test]
    fn a_late_timeout_loses_no_press() {
        let mut button = Button::new(at(0), DEBOUNCE, false);
        button.handle(at(100), Input::Level(true));
        // The thread was late: the release is the next thing it sees.
        button.handle(at(400), Input::Level(false));
        button.handle(at(900), Input::Timeout);
        assert_eq!(button.poll(), Some(Press::Short));
        assert_eq!(button.deadline(), None);
    }
}

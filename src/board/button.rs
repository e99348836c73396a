//! A push button: contact bounce in, presses out. Pure.
//!
//! ```text
//!        still for `debounce`            LONG, still down              CLAIM, still down
//!   Up ───────────────────────► Down ───────────────────► Down, Held ──────────────────► Down, told ── Claim
//!    ▲                           │ up again                 │ up again                      │ up again
//!    │        a second press within AGAIN: Double           │                               │
//!    └── Short, AGAIN later ─────┘  ◄────────── Long ───────┘  ◄───────── nothing ──────────┘
//! ```
//!
//! One that is down at the first look says nothing until it is released, unless that was soon after power came on, it stays
//! down for CLAIM and is released within RESET: that is the wish to forget the page's password.

use crate::units::Instant;
use core::time::Duration;

/// A press held this long is a long one, if it is released before [`CLAIM`].
pub const LONG: Duration = Duration::from_secs(3);
/// A press held this long is told while the finger is still down.
pub const CLAIM: Duration = Duration::from_secs(10);
/// A finger that was there at power-on and lets go after [`CLAIM`], but so soon, wants the password forgotten. A button that is
/// stuck never does.
pub const RESET: Duration = Duration::from_secs(60);
/// A second press that begins so soon after the first one's end makes both one double press.
pub const AGAIN: Duration = Duration::from_millis(400);

/// What a finger did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Pressed and released: hold this call for me.
    Short,
    /// Twice in quick succession: I take it now.
    Double,
    /// Held for [`LONG`], then released: end the held call.
    Long,
    /// Held for [`CLAIM`]: whoever holds it may claim the page.
    Claim,
    /// Held for [`CLAIM`] when power had come on, and released within [`RESET`]: the page's password is forgotten.
    Forget,
}

/// What a finger that is still down will have meant if it lets go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Longer than [`LONG`].
    Long,
    /// Longer than [`CLAIM`]: it has been told.
    Claim,
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
    /// Released; `first` is when a short press ended that may become a double one.
    Up { first: Option<Instant> },
    /// Pressed; `second` of a double press, or down at the `start`, when power had come on.
    Down { since: Instant, second: bool, start: bool },
    /// All that this press means has been told. `start`: but that the password is to be forgotten, down since then.
    Told { held: bool, start: Option<Instant> },
}

impl Button {
    /// A button whose line is at `level` now; `power_on`: the machine has just come on.
    pub fn new(now: Instant, debounce: Duration, level: bool, power_on: bool) -> Self {
        let state = match (level, power_on) {
            (true, true) => State::Down { since: now, second: false, start: true },
            (true, false) => State::Told { held: false, start: None },
            (false, _) => State::Up { first: None },
        };
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

    /// What the finger that is down has come to, for the lamp to show.
    pub fn held(&self, now: Instant) -> Option<Held> {
        match self.state {
            State::Down { since, start: false, .. } if now.since(since) >= LONG => Some(Held::Long),
            State::Told { held: true, start } if start.is_none_or(|start| now.since(start) < RESET) => {
                Some(Held::Claim)
            }
            State::Up { .. } | State::Down { .. } | State::Told { .. } => None,
        }
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        let (level, since) = self.raw;
        let settles = since + self.debounce;
        match self.state {
            State::Up { .. } if level => Some(settles),
            State::Up { first } => first.map(|first| first + AGAIN),
            State::Down { .. } | State::Told { .. } if !level => Some(settles),
            State::Down { since, .. } => Some(since + CLAIM),
            State::Told { .. } => None,
        }
    }

    /// Believes the line once it has been still for long enough. At most one press comes of it.
    fn settle(&mut self, now: Instant) {
        let (level, since) = self.raw;
        let still = now.since(since) >= self.debounce;
        self.state = match self.state {
            State::Up { first } if level && still => {
                // A press that began too late for a double one: the first is told now, if nobody asked in between.
                let again = first.is_some_and(|first| since.since(first) < AGAIN);
                if first.is_some() && !again {
                    self.out = Some(Press::Short);
                }
                State::Down { since, second: again, start: false }
            }
            State::Up { first: Some(first) } if !level && now.since(first) >= AGAIN => {
                self.out = Some(Press::Short);
                State::Up { first: None }
            }
            State::Down { since: down, second, start } if !level && still => {
                self.released(since, down, second, start)
            }
            State::Down { since: down, start, .. } if level && now.since(down) >= CLAIM => {
                self.out = (!start).then_some(Press::Claim);
                State::Told { held: true, start: start.then_some(down) }
            }
            State::Told { start, .. } if !level && still => {
                let forget = start.is_some_and(|start| since.since(start) < RESET);
                self.out = forget.then_some(Press::Forget);
                State::Up { first: None }
            }
            as_it_is => as_it_is,
        };
    }

    /// `up` is when the finger let go.
    fn released(&mut self, up: Instant, down: Instant, second: bool, start: bool) -> State {
        let held = up.since(down);
        self.out = match (start, held) {
            (true, _) => None,
            (false, held) if held >= LONG => Some(Press::Long),
            (false, _) if second => Some(Press::Double),
            (false, _) => return State::Up { first: Some(up) },
        };
        State::Up { first: None }
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
        let mut button = Button::new(at(0), DEBOUNCE, first, true);
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
        use Press::{Claim, Double, Forget, Long, Short};
        type Case = (&'static str, bool, &'static [(u64, bool)], &'static [(u64, Press)]);
        let table: &[Case] = &[
            ("a clean press", false, &[(100, true), (300, false)], &[(700, Short)]),
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
                &[(706, Short)],
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
                &[(700, Short)],
            ),
            (
                "two presses in quick succession are a double one",
                false,
                &[(100, true), (200, false), (400, true), (500, false)],
                &[(520, Double)],
            ),
            (
                "three are a double and a short one",
                false,
                &[(100, true), (200, false), (300, true), (400, false), (500, true), (600, false)],
                &[(420, Double), (1000, Short)],
            ),
            (
                "two presses with a pause are two",
                false,
                &[(100, true), (200, false), (700, true), (800, false)],
                &[(600, Short), (1200, Short)],
            ),
            (
                "bounce does not make a press begin earlier: this one is too late for a double",
                false,
                &[(100, true), (200, false), (590, true), (595, false), (610, true), (700, false)],
                &[(600, Short), (1100, Short)],
            ),
            (
                "a spike after a press does not hide it",
                false,
                &[(100, true), (200, false), (595, true), (605, false)],
                &[(605, Short)],
            ),
            ("long is told when it ends", false, &[(100, true), (5000, false)], &[(5020, Long)]),
            ("just short of long", false, &[(100, true), (3095, false)], &[(3495, Short)]),
            (
                "a claim is told at ten seconds, and once",
                false,
                &[(100, true), (15_000, false)],
                &[(10_100, Claim)],
            ),
            (
                "after a claim it is a button again",
                false,
                &[(100, true), (11_000, false), (12_000, true), (12_100, false)],
                &[(10_100, Claim), (12_500, Short)],
            ),
            (
                "down from the start for ten seconds, then released",
                true,
                &[(12_000, false)],
                &[(12_020, Forget)],
            ),
            ("stuck from the start", true, &[], &[]),
            ("down from the start for less is none", true, &[(9000, false)], &[]),
            ("stuck, then pressed", true, &[(5000, false), (6000, true), (6100, false)], &[(6500, Short)]),
            (
                "repeated levels change nothing",
                false,
                &[(100, true), (110, true), (200, true), (300, false), (310, false)],
                &[(700, Short)],
            ),
        ];
        for (what, first, levels, expected) in table {
            assert_eq!(play(*first, levels), *expected, "{what}");
        }
    }

    #[test]
    fn what_the_finger_has_come_to_can_be_seen() {
        let mut button = Button::new(at(0), DEBOUNCE, false, true);
        button.handle(at(100), Input::Level(true));
        button.handle(at(120), Input::Timeout);
        assert_eq!(button.held(at(3000)), None);
        assert_eq!(button.held(at(3100)), Some(Held::Long));
        button.handle(at(10_100), Input::Timeout);
        assert_eq!(button.held(at(11_000)), Some(Held::Claim));
        button.handle(at(12_000), Input::Level(false));
        button.handle(at(12_020), Input::Timeout);
        assert_eq!(button.held(at(12_020)), None);
    }

    #[test]
    fn a_finger_at_power_on_sees_when_it_has_been_long_enough() {
        let mut button = Button::new(at(0), DEBOUNCE, true, true);
        assert_eq!((button.deadline(), button.held(at(9_999))), (Some(at(10_000)), None));
        button.handle(at(10_000), Input::Timeout);
        assert_eq!((button.poll(), button.held(at(10_000))), (None, Some(Held::Claim)), "now it may let go");
        button.handle(at(11_000), Input::Level(false));
        button.handle(at(11_020), Input::Timeout);
        assert_eq!((button.poll(), button.held(at(11_020))), (Some(Press::Forget), None));
    }

    #[test]
    fn a_button_that_is_stuck_forgets_nothing() {
        let mut button = Button::new(at(0), DEBOUNCE, true, true);
        button.handle(at(10_000), Input::Timeout);
        assert_eq!(button.held(at(60_000)), None, "the lamp goes on as ever");
        button.handle(at(60_000), Input::Level(false));
        button.handle(at(60_020), Input::Timeout);
        assert_eq!(button.poll(), None);
    }

    #[test]
    fn a_button_that_is_down_when_the_box_begins_anew_says_nothing_until_it_is_let_go() {
        let mut button = Button::new(at(0), DEBOUNCE, true, false);
        button.handle(at(60_000), Input::Timeout);
        assert_eq!((button.poll(), button.held(at(60_000)), button.deadline()), (None, None, None));
        button.handle(at(61_000), Input::Level(false));
        button.handle(at(61_020), Input::Timeout);
        button.handle(at(62_000), Input::Level(true));
        button.handle(at(62_020), Input::Timeout);
        button.handle(at(72_000), Input::Timeout);
        assert_eq!(button.poll(), Some(Press::Claim), "and then it is a button as any other");
    }

    #[test]
    fn a_late_timeout_loses_no_press() {
        let mut button = Button::new(at(0), DEBOUNCE, false, true);
        button.handle(at(100), Input::Level(true));
        // The thread was late: the release is the next thing it sees.
        button.handle(at(400), Input::Level(false));
        button.handle(at(900), Input::Timeout);
        assert_eq!(button.poll(), None);
        button.handle(at(1000), Input::Timeout);
        assert_eq!(button.poll(), Some(Press::Short));
        assert_eq!(button.deadline(), None);
    }
}

//! What becomes of a bundle that was taken in, and of the boot that tries it. Pure: every clock, file and command is outside.
//!
//! ```text
//!   Begin ─► bundle? ─► write, only while no call is up ─► all written ─► quiet? ─► boot the other slot once
//!     │
//!     ├─ the slot that is tried runs ─► its page answers, several times ─► confirm
//!     │                                └─ not within five minutes ─► boot the old one
//!     └─ another slot runs than the one that is tried ─► it fell back: tell
//! ```

use super::bundle::{Manifest, Version};
use super::slots::Slot;
use crate::units::Instant;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A new system must answer so many times one after the other.
pub const ANSWERS: u32 = 3;

/// How long things take, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// No call was up for so long before an update goes on: who has just hung up often calls again.
    pub rest_ms: u64,
    /// How often it is looked whether a call has ended.
    pub look_ms: u64,
    /// How often a new system is asked,
    pub ask_ms: u64,
    /// and how long it has to answer well.
    pub trial_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rest_ms: 60_000, look_ms: 2_000, ask_ms: 10_000, trial_ms: 300_000 }
    }
}

/// What outlives a boot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Kept {
    /// No update was ever made.
    #[default]
    Nothing,
    /// This version is being written to the other slot.
    Writing {
        /// Which.
        version: Version,
    },
    /// It was written, and the next boot tries it.
    Trying {
        /// Which.
        version: Version,
        /// In this slot.
        to: Slot,
    },
    /// It runs and has answered.
    Good {
        /// Which.
        version: Version,
    },
    /// It was tried and did not do: the one before runs.
    FellBack {
        /// Which.
        version: Version,
        /// Why, in plain words.
        why: String,
    },
    /// It was not tried.
    Refused {
        /// Why, in plain words.
        why: String,
    },
}

/// What the machine is told.
#[derive(Debug)]
pub enum Input {
    /// How things stand, once, before anything else.
    Begin {
        /// The slot that runs.
        runs: Slot,
        /// What was kept.
        kept: Kept,
        /// What waits to be written, or why it cannot be.
        bundle: Option<Result<Manifest, String>>,
        /// No call is up.
        quiet: bool,
    },
    /// Whether a call is up.
    Quiet(bool),
    /// A stretch was written; whether that was all, or why it failed.
    Wrote(Result<bool, String>),
    /// Whether the page has answered.
    Answered(bool),
    /// A deadline has passed.
    Timeout,
}

/// What it wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write this down.
    Keep(Kept),
    /// Write the next stretch into this slot; answered by [`Input::Wrote`].
    Write(Slot),
    /// Look whether a call is up; answered by [`Input::Quiet`].
    Look,
    /// Ask for the page; answered by [`Input::Answered`].
    Ask,
    /// The bundle is not needed any more.
    Drop,
    /// From now on this slot is the one that boots.
    Confirm(Slot),
    /// Boot this slot, once.
    Try(Slot),
    /// Boot the slot that is confirmed.
    Reboot,
}

#[derive(Debug)]
enum State {
    /// Nothing is to be done any more.
    Over,
    Writing {
        to: Slot,
        version: Version,
        quiet: bool,
    },
    Written {
        to: Slot,
        version: Version,
    },
    Trial {
        slot: Slot,
        version: Version,
        until: Instant,
        answers: u32,
    },
}

/// The machine.
#[derive(Debug)]
pub struct Update {
    pace: Pace,
    state: State,
    at: Option<Instant>,
    out: VecDeque<Output>,
}

impl Update {
    /// One that has nothing to do yet.
    pub const fn new(pace: Pace) -> Self {
        Self { pace, state: State::Over, at: None, out: VecDeque::new() }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let state = core::mem::replace(&mut self.state, State::Over);
        self.at = None;
        self.state = match (state, input) {
            (_, Input::Begin { runs, kept, bundle, quiet }) => self.begin(now, runs, kept, bundle, quiet),
            (State::Writing { to, version, .. }, Input::Wrote(Ok(true))) => {
                self.out.push_back(Output::Look);
                State::Written { to, version }
            }
            (State::Writing { to, version, quiet }, Input::Wrote(Ok(false))) => {
                self.out.push_back(Output::Look);
                State::Writing { to, version, quiet }
            }
            (State::Writing { .. }, Input::Wrote(Err(why))) => self.refuse(why),
            (State::Writing { to, version, .. }, Input::Quiet(quiet)) => {
                self.write_if(now, quiet, to);
                State::Writing { to, version, quiet }
            }
            (State::Written { to, version }, Input::Quiet(true)) => {
                // Whatever comes between these leaves the old slot in charge.
                self.out.extend([Output::Keep(Kept::Trying { version, to }), Output::Drop, Output::Try(to)]);
                State::Over
            }
            (state @ State::Written { .. }, Input::Quiet(false)) => {
                self.at = Some(now + Duration::from_millis(self.pace.look_ms));
                state
            }
            (State::Trial { slot, version, until, answers }, Input::Answered(well)) => {
                self.answered(now, (slot, version), until, if well { answers + 1 } else { 0 })
            }
            (state @ State::Trial { .. }, Input::Timeout) => {
                self.out.push_back(Output::Ask);
                state
            }
            (state @ (State::Writing { .. } | State::Written { .. }), Input::Timeout) => {
                self.out.push_back(Output::Look);
                state
            }
            (state, _) => state,
        };
    }

    fn begin(
        &mut self,
        now: Instant,
        runs: Slot,
        kept: Kept,
        bundle: Option<Result<Manifest, String>>,
        quiet: bool,
    ) -> State {
        match kept {
            Kept::Trying { version, to } if to == runs => {
                self.at = Some(now + Duration::from_millis(self.pace.ask_ms));
                return State::Trial {
                    slot: to,
                    version,
                    until: now + Duration::from_millis(self.pace.trial_ms),
                    answers: 0,
                };
            }
            Kept::Trying { version, .. } => {
                let why = "It did not start, or the power failed while it was tried.".to_owned();
                self.out.push_back(Output::Keep(Kept::FellBack { version, why }));
            }
            _ => {}
        }
        match bundle {
            None => State::Over,
            Some(Err(why)) => self.refuse(why),
            Some(Ok(Manifest { version, .. })) => {
                let to = runs.other();
                self.out.push_back(Output::Keep(Kept::Writing { version }));
                self.write_if(now, quiet, to);
                State::Writing { to, version, quiet }
            }
        }
    }

    fn write_if(&mut self, now: Instant, quiet: bool, to: Slot) {
        match quiet {
            true => self.out.push_back(Output::Write(to)),
            false => self.at = Some(now + Duration::from_millis(self.pace.look_ms)),
        }
    }

    fn refuse(&mut self, why: String) -> State {
        self.out.extend([Output::Keep(Kept::Refused { why }), Output::Drop]);
        State::Over
    }

    fn answered(
        &mut self,
        now: Instant,
        (slot, version): (Slot, Version),
        until: Instant,
        answers: u32,
    ) -> State {
        if answers >= ANSWERS {
            self.out.extend([Output::Confirm(slot), Output::Keep(Kept::Good { version })]);
            return State::Over;
        }
        if now >= until {
            let why = "Its page did not answer in time.".to_owned();
            self.out.extend([Output::Keep(Kept::FellBack { version, why }), Output::Reboot]);
            return State::Over;
        }
        self.at = Some(now + Duration::from_millis(self.pace.ask_ms));
        State::Trial { slot, version, until, answers }
    }

    /// The next thing to do; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `handle(Timeout)` if nothing else happens. `None` when all is done.
    pub fn deadline(&self) -> Option<Instant> {
        self.at
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::bundle::Part;
    use super::*;

    fn manifest(version: &str) -> Manifest {
        let part = Part { bytes: 1, sha256: String::new() };
        Manifest { version: version.parse().unwrap(), board: "pi".into(), boot: part.clone(), root: part }
    }

    fn begin(runs: Slot, kept: Kept, bundle: Option<Result<Manifest, String>>, quiet: bool) -> Update {
        let mut update = Update::new(Pace::default());
        update.handle(Instant::ZERO, Input::Begin { runs, kept, bundle, quiet });
        update
    }

    fn outputs(update: &mut Update) -> Vec<Output> {
        core::iter::from_fn(|| update.poll()).collect()
    }

    fn after(update: &mut Update, seconds: u64, input: Input) -> Vec<Output> {
        update.handle(Instant::ZERO + Duration::from_secs(seconds), input);
        outputs(update)
    }

    fn v(version: &str) -> Version {
        version.parse().unwrap()
    }

    #[test]
    fn the_other_slot_is_written_and_tried_between_calls_only() {
        let mut update = begin(Slot::A, Kept::Nothing, Some(Ok(manifest("0.2.0"))), false);
        assert_eq!(outputs(&mut update), [Output::Keep(Kept::Writing { version: v("0.2.0") })]);
        assert_eq!(after(&mut update, 2, Input::Timeout), [Output::Look]);
        assert_eq!(after(&mut update, 2, Input::Quiet(false)), [], "a call is up");
        assert_eq!(update.deadline(), Some(Instant::ZERO + Duration::from_secs(4)));
        assert_eq!(after(&mut update, 4, Input::Quiet(true)), [Output::Write(Slot::B)]);
        assert_eq!(after(&mut update, 5, Input::Wrote(Ok(false))), [Output::Look]);
        assert_eq!(after(&mut update, 5, Input::Quiet(false)), [], "a call came in between");
        assert_eq!(after(&mut update, 9, Input::Quiet(true)), [Output::Write(Slot::B)]);
        assert_eq!(after(&mut update, 9, Input::Wrote(Ok(true))), [Output::Look]);
        assert_eq!(after(&mut update, 9, Input::Quiet(false)), [], "no boot in a call");
        assert_eq!(after(&mut update, 11, Input::Timeout), [Output::Look]);
        let trying = Kept::Trying { version: v("0.2.0"), to: Slot::B };
        assert_eq!(
            after(&mut update, 11, Input::Quiet(true)),
            [Output::Keep(trying), Output::Drop, Output::Try(Slot::B)]
        );
        assert_eq!(update.deadline(), None);
    }

    #[test]
    fn a_new_system_that_answers_is_confirmed() {
        let trying = Kept::Trying { version: v("0.2.0"), to: Slot::B };
        // Whatever else waits: first it is seen whether this one is good.
        let mut update = begin(Slot::B, trying, Some(Ok(manifest("0.3.0"))), true);
        assert_eq!(outputs(&mut update), []);
        for (at, well) in [(10, false), (20, true), (30, true), (40, false), (50, true), (60, true)] {
            assert_eq!(after(&mut update, at, Input::Timeout), [Output::Ask]);
            assert_eq!(after(&mut update, at, Input::Answered(well)), [], "{at}");
        }
        assert_eq!(after(&mut update, 70, Input::Timeout), [Output::Ask]);
        assert_eq!(
            after(&mut update, 70, Input::Answered(true)),
            [Output::Confirm(Slot::B), Output::Keep(Kept::Good { version: v("0.2.0") })]
        );
        assert_eq!(update.deadline(), None);
    }

    #[test]
    fn one_that_does_not_answer_makes_room_for_the_old_one() {
        let mut update = begin(Slot::B, Kept::Trying { version: v("0.2.0"), to: Slot::B }, None, true);
        let mut at = 0;
        let last = loop {
            at += 10;
            assert_eq!(after(&mut update, at, Input::Timeout), [Output::Ask]);
            let told = after(&mut update, at, Input::Answered(false));
            if !told.is_empty() {
                break told;
            }
        };
        assert_eq!(at, 300);
        assert!(matches!(last.as_slice(), [Output::Keep(Kept::FellBack { .. }), Output::Reboot]), "{last:?}");
    }

    #[test]
    fn a_boot_of_the_old_slot_tells_that_the_new_one_failed() {
        let trying = Kept::Trying { version: v("0.2.0"), to: Slot::B };
        let mut update = begin(Slot::A, trying.clone(), None, true);
        assert!(matches!(outputs(&mut update).as_slice(), [Output::Keep(Kept::FellBack { .. })]));
        assert_eq!(update.deadline(), None);
        // And the next one is written.
        let mut update = begin(Slot::A, trying, Some(Ok(manifest("0.2.1"))), true);
        assert!(matches!(outputs(&mut update).last(), Some(Output::Write(Slot::B))));
    }

    #[test]
    fn what_cannot_be_written_is_refused_and_the_old_slot_stays() {
        let mut update = begin(Slot::B, Kept::Nothing, Some(Err("wrong".into())), true);
        assert_eq!(outputs(&mut update), [Output::Keep(Kept::Refused { why: "wrong".into() }), Output::Drop]);
        let mut update = begin(Slot::B, Kept::Nothing, Some(Ok(manifest("0.2.0"))), true);
        assert!(matches!(outputs(&mut update).last(), Some(Output::Write(Slot::A))));
        let told = after(&mut update, 1, Input::Wrote(Err("the card fails".into())));
        assert_eq!(told, [Output::Keep(Kept::Refused { why: "the card fails".into() }), Output::Drop]);
        assert_eq!(update.deadline(), None);
    }
}

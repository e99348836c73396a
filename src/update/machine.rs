//! What becomes of a bundle that was taken in, and of the boot that tries it. Pure: every clock, file and command is outside.
//!
//! ```text
//!   Begin ─► bundle? ─► write, only while no call is up ─► which lines are up? ─► choose the other slot ─► quiet? ─► boot
//!     │
//!     ├─ the slot that is tried runs ─► its page answers and its lines are back, several times ─► confirm
//!     │                                └─ not within five minutes, or it cannot be confirmed ─► quiet? ─► boot the old one
//!     ├─ another slot runs than the one that is tried ─► it fell back: tell
//!     └─ a slot runs that is neither confirmed nor tried ─► quiet? ─► boot the confirmed one
//! ```

use super::bundle::{Manifest, Version};
use super::slots::Slot;
use crate::units::Instant;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A new system must do well so many times one after the other.
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
    /// and how long it has to do well.
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
        /// The trunks that were up before: they must come up again.
        #[serde(default)]
        lines: Vec<String>,
    },
    /// It runs and has done well.
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

/// How the box is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// It does not run.
    Gone,
    /// It runs and does not answer.
    Silent,
    /// It answers, and these of its trunks are up.
    Well(Vec<String>),
}

/// What the machine is told.
#[derive(Debug)]
pub enum Input {
    /// How things stand, once, before anything else.
    Begin {
        /// The slot that runs.
        runs: Slot,
        /// It is the one that boots whatever happens.
        confirmed: bool,
        /// What was kept.
        kept: Kept,
        /// What waits to be written, or why it cannot be.
        bundle: Option<Result<Manifest, String>>,
        /// No call is up.
        quiet: bool,
    },
    /// Whether no call is up.
    Quiet(bool),
    /// A stretch was written; whether that was all, or why it failed.
    Wrote(Result<bool, String>),
    /// How the box is.
    Asked(Sign),
    /// Whether the slot is the one that boots from now on, or why not.
    Confirmed(Result<(), String>),
    /// The machine could not be started anew.
    NotBooted(String),
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
    /// The same, and nothing is taken that the box has said a while ago: the machine boots next.
    LookAnew,
    /// Ask the box how it is; answered by [`Input::Asked`].
    Ask,
    /// The bundle is not needed any more.
    Drop,
    /// From now on this slot is the one that boots; answered by [`Input::Confirmed`].
    Confirm(Slot),
    /// The next start is this slot's, which turns that back by itself; answered by [`Input::NotBooted`] if that fails.
    Choose(Slot),
    /// Start the machine anew; answered by [`Input::NotBooted`] if that fails.
    Reboot,
}

/// A new system that is seen whether it does.
#[derive(Debug)]
struct Trial {
    slot: Slot,
    version: Version,
    lines: Vec<String>,
    until: Instant,
    answers: u32,
}

#[derive(Debug)]
enum State {
    /// Nothing is to be done any more.
    Over,
    Writing {
        to: Slot,
        version: Version,
    },
    Written {
        to: Slot,
        version: Version,
        lines: Vec<String>,
    },
    /// All is done but the start itself, as soon as no call is up: a trial of this version, or the way back.
    Leaving(Option<Version>),
    Trial(Trial),
    Confirming(Version),
    /// The confirmed slot is to boot as soon as no call is up; this is to be kept then.
    Falling(Option<Kept>),
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
            (_, Input::Begin { runs, confirmed, kept, bundle, quiet }) => {
                self.begin(now, (runs, confirmed), kept, bundle, quiet)
            }
            (State::Writing { to, version }, Input::Wrote(Ok(true))) => {
                self.out.push_back(Output::Ask);
                State::Written { to, version, lines: Vec::new() }
            }
            (state @ State::Writing { .. }, Input::Wrote(Ok(false)) | Input::Timeout) => {
                self.out.push_back(Output::Look);
                state
            }
            (State::Writing { .. }, Input::Wrote(Err(why))) => self.refuse(why),
            (State::Writing { to, version }, Input::Quiet(quiet)) => {
                self.write_if(now, quiet, to);
                State::Writing { to, version }
            }
            // A box that does not answer now does not say what must come up again.
            (State::Written { to, version, .. }, Input::Asked(Sign::Well(lines))) => {
                self.out.push_back(Output::LookAnew);
                State::Written { to, version, lines }
            }
            (State::Written { to, version, lines }, Input::Quiet(true)) => {
                // Whatever comes between these leaves the old slot in charge.
                self.out.extend([
                    Output::Keep(Kept::Trying { version, to, lines }),
                    Output::Drop,
                    Output::Choose(to),
                ]);
                self.leave(Some(version))
            }
            (state @ State::Written { .. }, Input::Asked(_)) => {
                self.at = Some(now + Duration::from_millis(self.pace.look_ms));
                state
            }
            (
                state @ (State::Written { .. } | State::Falling(_) | State::Leaving(_)),
                Input::Quiet(false),
            ) => {
                self.at = Some(now + Duration::from_millis(self.pace.look_ms));
                state
            }
            (State::Leaving(Some(version)), Input::NotBooted(why)) => {
                let why = format!("It could not be started: {why}.");
                self.out.push_back(Output::Keep(Kept::FellBack { version, why }));
                State::Over
            }
            // It must boot, however often that is tried.
            (state @ State::Leaving(None), Input::NotBooted(_)) => {
                self.at = Some(now + Duration::from_millis(self.pace.look_ms));
                state
            }
            (State::Trial(trial), Input::Asked(sign)) => self.asked(now, trial, &sign),
            (State::Confirming(version), Input::Confirmed(Ok(()))) => {
                self.out.push_back(Output::Keep(Kept::Good { version }));
                State::Over
            }
            (State::Confirming(version), Input::Confirmed(Err(why))) => {
                self.fall(Some(Kept::FellBack { version, why: format!("It could not be kept: {why}.") }))
            }
            // Without a box there is no call. One that runs and says nothing may have one.
            (State::Falling(kept), Input::Quiet(true) | Input::Asked(Sign::Gone)) => {
                self.out.extend(kept.map(Output::Keep));
                self.leave(None)
            }
            (state @ State::Leaving(_), Input::Quiet(true) | Input::Asked(Sign::Gone)) => {
                self.out.push_back(Output::Reboot);
                state
            }
            (state @ (State::Falling(_) | State::Leaving(_)), Input::Asked(_)) => {
                self.out.push_back(Output::LookAnew);
                state
            }
            (
                state @ (State::Trial(_) | State::Written { .. } | State::Falling(_) | State::Leaving(_)),
                Input::Timeout,
            ) => {
                self.out.push_back(Output::Ask);
                state
            }
            (state, _) => state,
        };
    }

    fn begin(
        &mut self,
        now: Instant,
        (runs, confirmed): (Slot, bool),
        kept: Kept,
        bundle: Option<Result<Manifest, String>>,
        quiet: bool,
    ) -> State {
        match kept {
            Kept::Trying { version, to, .. } if to == runs && confirmed => {
                // The power went after the firmware was told and before that was written down.
                self.out.push_back(Output::Keep(Kept::Good { version }));
            }
            Kept::Trying { version, to, lines } if to == runs => {
                self.at = Some(now + Duration::from_millis(self.pace.ask_ms));
                let until = now + Duration::from_millis(self.pace.trial_ms);
                return State::Trial(Trial { slot: to, version, lines, until, answers: 0 });
            }
            Kept::Trying { version, .. } => {
                let why = "It did not start, or the power failed while it was tried.".to_owned();
                // In case its first program has not done that.
                self.out.extend([Output::Choose(runs), Output::Keep(Kept::FellBack { version, why })]);
            }
            _ => {}
        }
        if !confirmed {
            return self.fall(None);
        }
        match bundle {
            None => State::Over,
            Some(Err(why)) => self.refuse(why),
            Some(Ok(Manifest { version, .. })) => {
                let to = runs.other();
                self.out.push_back(Output::Keep(Kept::Writing { version }));
                self.write_if(now, quiet, to);
                State::Writing { to, version }
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

    fn fall(&mut self, kept: Option<Kept>) -> State {
        self.out.push_back(Output::Ask);
        State::Falling(kept)
    }

    fn leave(&mut self, version: Option<Version>) -> State {
        self.out.push_back(Output::Ask);
        State::Leaving(version)
    }

    fn asked(&mut self, now: Instant, trial: Trial, sign: &Sign) -> State {
        let Trial { slot, version, lines, until, answers } = trial;
        let wrong = wrong(&lines, sign);
        let answers = if wrong.is_none() { answers + 1 } else { 0 };
        if answers >= ANSWERS {
            self.out.push_back(Output::Confirm(slot));
            return State::Confirming(version);
        }
        match wrong.filter(|_| now >= until) {
            Some(why) => self.fall(Some(Kept::FellBack { version, why })),
            None => {
                self.at = Some(now + Duration::from_millis(self.pace.ask_ms));
                State::Trial(Trial { slot, version, lines, until, answers })
            }
        }
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

/// What a new system lacks; `lines` were up before it.
fn wrong(lines: &[String], sign: &Sign) -> Option<String> {
    match sign {
        Sign::Gone => Some("It did not run.".to_owned()),
        Sign::Silent => Some("Its page did not answer in time.".to_owned()),
        Sign::Well(up) => lines
            .iter()
            .find(|line| !up.contains(line))
            .map(|line| format!("The line {line} did not come up again in time.")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::bundle::Part;
    use super::*;

    fn manifest(version: &str) -> Manifest {
        let part = Part { bytes: 1, sha256: String::new() };
        Manifest { version: v(version), board: "pi".into(), boot: part.clone(), root: part }
    }

    /// Slot A is the confirmed one.
    fn begin(runs: Slot, kept: Kept, bundle: Option<Result<Manifest, String>>, quiet: bool) -> Update {
        let mut update = Update::new(Pace::default());
        let confirmed = runs == Slot::A;
        update.handle(Instant::ZERO, Input::Begin { runs, confirmed, kept, bundle, quiet });
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

    fn well(lines: &[&str]) -> Input {
        Input::Asked(Sign::Well(lines.iter().map(|line| (*line).to_owned()).collect()))
    }

    fn trying(lines: &[&str]) -> Kept {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Kept::Trying { version: v("0.2.0"), to: Slot::B, lines }
    }

    /// A trial in which each question is answered so, up to its end; when that was.
    fn trial(update: &mut Update, sign: &Sign) -> (u64, Vec<Output>) {
        assert_eq!(outputs(update), []);
        let mut at = 0;
        loop {
            at += 10;
            assert_eq!(after(update, at, Input::Timeout), [Output::Ask]);
            let told = after(update, at, Input::Asked(sign.clone()));
            if !told.is_empty() {
                return (at, told);
            }
        }
    }

    fn fell(why: &str) -> Output {
        Output::Keep(Kept::FellBack { version: v("0.2.0"), why: why.into() })
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
        assert_eq!(after(&mut update, 9, Input::Wrote(Ok(true))), [Output::Ask]);
        assert_eq!(after(&mut update, 9, well(&["home"])), [Output::LookAnew]);
        assert_eq!(after(&mut update, 9, Input::Quiet(false)), [], "no boot in a call");
        assert_eq!(after(&mut update, 11, Input::Timeout), [Output::Ask]);
        assert_eq!(after(&mut update, 11, well(&["home", "mobile"])), [Output::LookAnew]);
        // Nor does a box that is silent for a moment make it forget the lines.
        assert_eq!(after(&mut update, 11, Input::Quiet(false)), []);
        assert_eq!(after(&mut update, 13, Input::Timeout), [Output::Ask]);
        assert_eq!(after(&mut update, 13, Input::Asked(Sign::Silent)), []);
        assert_eq!(after(&mut update, 15, Input::Timeout), [Output::Ask]);
        assert_eq!(after(&mut update, 15, well(&["home", "mobile"])), [Output::LookAnew]);
        assert_eq!(
            after(&mut update, 15, Input::Quiet(true)),
            [Output::Keep(trying(&["home", "mobile"])), Output::Drop, Output::Choose(Slot::B), Output::Ask]
        );
        // Somebody has called meanwhile. The last word is asked for directly before the start.
        assert_eq!(after(&mut update, 16, well(&["home"])), [Output::LookAnew]);
        assert_eq!(after(&mut update, 16, Input::Quiet(false)), []);
        assert_eq!(after(&mut update, 18, Input::Timeout), [Output::Ask]);
        assert_eq!(after(&mut update, 18, well(&["home"])), [Output::LookAnew]);
        assert_eq!(after(&mut update, 18, Input::Quiet(true)), [Output::Reboot]);
        assert_eq!(update.deadline(), None);
        // A system that does not go down is told of, and nothing is left half done.
        let told = after(&mut update, 19, Input::NotBooted("no systemd".into()));
        assert_eq!(told, [fell("It could not be started: no systemd.")]);
    }

    #[test]
    fn a_new_system_that_does_well_is_confirmed() {
        // Whatever else waits: first it is seen whether this one is good.
        let mut update = begin(Slot::B, trying(&["home"]), Some(Ok(manifest("0.3.0"))), true);
        assert_eq!(outputs(&mut update), []);
        let (up, down) = (&["mobile", "home"][..], &["mobile"][..]);
        for (at, lines) in [(10, down), (20, up), (30, up), (40, down), (50, up), (60, up)] {
            assert_eq!(after(&mut update, at, Input::Timeout), [Output::Ask]);
            assert_eq!(after(&mut update, at, well(lines)), [], "{at}");
        }
        assert_eq!(after(&mut update, 70, Input::Timeout), [Output::Ask]);
        assert_eq!(after(&mut update, 70, well(up)), [Output::Confirm(Slot::B)]);
        let good = [Output::Keep(Kept::Good { version: v("0.2.0") })];
        assert_eq!(after(&mut update, 70, Input::Confirmed(Ok(()))), good);
        assert_eq!(update.deadline(), None);
        // The power went between the two.
        let mut update = Update::new(Pace::default());
        let input = Input::Begin {
            runs: Slot::B,
            confirmed: true,
            kept: trying(&["home"]),
            bundle: None,
            quiet: true,
        };
        assert_eq!(after(&mut update, 0, input), good);
    }

    #[test]
    fn one_that_does_not_do_well_makes_room_for_the_old_one() {
        let table = [
            (Sign::Silent, "Its page did not answer in time."),
            (Sign::Well(vec!["mobile".into()]), "The line home did not come up again in time."),
        ];
        for (sign, why) in table {
            let mut update = begin(Slot::B, trying(&["home"]), None, true);
            assert_eq!(trial(&mut update, &sign), (300, vec![Output::Ask]));
            // Somebody calls through it all the same: nobody is cut off.
            assert_eq!(after(&mut update, 300, Input::Asked(sign.clone())), [Output::LookAnew]);
            assert_eq!(after(&mut update, 303, Input::Quiet(false)), []);
            assert_eq!(update.deadline(), Some(Instant::ZERO + Duration::from_secs(305)));
            assert_eq!(after(&mut update, 305, Input::Timeout), [Output::Ask]);
            assert_eq!(after(&mut update, 305, Input::Asked(sign.clone())), [Output::LookAnew]);
            assert_eq!(after(&mut update, 306, Input::Quiet(true)), [fell(why), Output::Ask]);
            assert_eq!(after(&mut update, 306, Input::Asked(sign)), [Output::LookAnew]);
            assert_eq!(after(&mut update, 306, Input::Quiet(true)), [Output::Reboot]);
            assert_eq!(update.deadline(), None);
            // It is tried until it works.
            assert_eq!(after(&mut update, 307, Input::NotBooted(String::new())), []);
            assert_eq!(after(&mut update, 309, Input::Timeout), [Output::Ask]);
        }
        // No box, no call.
        let mut update = begin(Slot::B, trying(&[]), None, true);
        assert_eq!(trial(&mut update, &Sign::Gone), (300, vec![Output::Ask]));
        assert_eq!(after(&mut update, 300, Input::Asked(Sign::Gone)), [fell("It did not run."), Output::Ask]);
        assert_eq!(after(&mut update, 300, Input::Asked(Sign::Gone)), [Output::Reboot]);
    }

    #[test]
    fn a_trial_always_ends() {
        // It does well and cannot be confirmed.
        let mut update = begin(Slot::B, trying(&[]), None, true);
        let (at, told) = trial(&mut update, &Sign::Well(Vec::new()));
        assert_eq!((at, told), (30, vec![Output::Confirm(Slot::B)]));
        assert_eq!(after(&mut update, 30, Input::Confirmed(Err("the card fails".into()))), [Output::Ask]);
        assert_eq!(
            after(&mut update, 30, Input::Asked(Sign::Gone)),
            [fell("It could not be kept: the card fails."), Output::Ask]
        );
        // Nobody knows any more why the slot runs that is not confirmed: not a new one is written over the good one.
        for kept in [Kept::Nothing, fell_back()] {
            let mut update = begin(Slot::B, kept, Some(Ok(manifest("0.3.0"))), true);
            assert_eq!(outputs(&mut update), [Output::Ask]);
            assert_eq!(after(&mut update, 1, well(&[])), [Output::LookAnew]);
            assert_eq!(after(&mut update, 1, Input::Quiet(true)), [Output::Ask]);
            assert_eq!(after(&mut update, 1, Input::Asked(Sign::Gone)), [Output::Reboot]);
        }
    }

    fn fell_back() -> Kept {
        Kept::FellBack { version: v("0.2.0"), why: String::new() }
    }

    #[test]
    fn a_boot_of_the_old_slot_tells_that_the_new_one_failed() {
        let mut update = begin(Slot::A, trying(&[]), None, true);
        let told = outputs(&mut update);
        let [Output::Choose(Slot::A), Output::Keep(Kept::FellBack { .. })] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!(update.deadline(), None);
        // And the next one is written.
        let mut update = begin(Slot::A, trying(&[]), Some(Ok(manifest("0.2.1"))), true);
        assert!(matches!(outputs(&mut update).last(), Some(Output::Write(Slot::B))));
    }

    #[test]
    fn what_cannot_be_written_is_refused_and_the_old_slot_stays() {
        let mut update = begin(Slot::A, Kept::Nothing, Some(Err("wrong".into())), true);
        assert_eq!(outputs(&mut update), [Output::Keep(Kept::Refused { why: "wrong".into() }), Output::Drop]);
        let mut update = begin(Slot::A, Kept::Nothing, Some(Ok(manifest("0.2.0"))), true);
        assert!(matches!(outputs(&mut update).last(), Some(Output::Write(Slot::B))));
        let told = after(&mut update, 1, Input::Wrote(Err("the card fails".into())));
        assert_eq!(told, [Output::Keep(Kept::Refused { why: "the card fails".into() }), Output::Drop]);
        assert_eq!(update.deadline(), None);
    }
}

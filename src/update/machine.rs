//! What becomes of a bundle that was taken in, and of the boot that tries it. Pure: every clock, file and command is outside.
//!
//! ```text
//!   Begin ─► bundle? ─► write, only while no call is up ─► what has the box? ─► choose the other slot ─► quiet? ─► boot
//!     │
//!     ├─ the slot that is tried runs ─► it answers, and has all that the old one had, several times ─► confirm
//!     │                                └─ not within five minutes, or it cannot be confirmed ─► quiet? ─► boot the old one
//!     ├─ another slot runs than the one that is tried ─► nobody knows why, for the first time? ─► choose it once more
//!     │                                               └─ it fell back: tell
//!     └─ a slot runs that is neither confirmed nor tried ─► quiet? ─► boot the confirmed one
//! ```
//!
//! Who has begun to go back waits for a quiet moment for some hours at most.

use super::bundle::{Manifest, Version};
use super::slots::Slot;
use super::standing::{Sign, Standing};
use crate::limits::HOLD_CAP;
use crate::units::Instant;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A new system must do well so many times one after the other.
pub const ANSWERS: u32 = 3;
/// So many trials must end without anybody knowing why, until that counts as one that did not do: the power may have failed.
const UNEXPLAINED: u8 = 2;

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
    /// How long one that did not do waits for the end of a call before it makes room: the longest hold.
    pub fall_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            rest_ms: 60_000,
            look_ms: 2_000,
            ask_ms: 10_000,
            trial_ms: 300_000,
            fall_ms: HOLD_CAP.as_secs() * 1000,
        }
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
        /// What the box had before: it must have it again.
        #[serde(default)]
        was: Standing,
        /// So many trials of it have ended without anybody knowing why.
        #[serde(default)]
        unexplained: u8,
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

impl Kept {
    /// It is a trial of the slot that runs.
    pub(super) fn is_trial_of(&self, runs: &Result<Slot, String>) -> bool {
        matches!(self, Self::Trying { to, .. } if *runs == Ok(*to))
    }
}

/// How things stand.
#[derive(Debug)]
pub struct Begin {
    /// The slot that runs.
    pub runs: Slot,
    /// It is the one that boots whatever happens.
    pub confirmed: bool,
    /// The last trial was given up in order by a system whose program could not be started.
    pub lame: bool,
    /// What was kept.
    pub kept: Kept,
    /// What waits to be written, or why it cannot be.
    pub bundle: Option<Result<Manifest, String>>,
    /// No call is up.
    pub quiet: bool,
}

/// What the machine is told.
#[derive(Debug)]
pub enum Input {
    /// Once, before anything else.
    Begin(Begin),
    /// Whether no call is up.
    Quiet(bool),
    /// The bundle that is being written waits no more.
    Withdrawn,
    /// Whether the bundle was still there to be taken away.
    Taken(bool),
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
    /// Look whether a call is up; answered by [`Input::Quiet`], or by [`Input::Withdrawn`].
    Look,
    /// The same, and nothing is taken that the box has said a while ago: the machine boots next.
    LookAnew,
    /// Ask the box how it is; answered by [`Input::Asked`].
    Ask,
    /// The bundle is not needed any more.
    Drop,
    /// Take the bundle away: from here on it cannot be withdrawn. Answered by [`Input::Taken`].
    Take,
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
    was: Standing,
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
        was: Standing,
    },
    /// All is done but the start itself, as soon as no call is up: a trial of this version,
    Leaving,
    Trial(Trial),
    Confirming(Version),
    /// or the confirmed slot's, which does not wait for ever; this is to be kept then.
    Falling(Option<Kept>, Instant),
    /// The same, and all is kept.
    Fallen(Instant),
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
            (_, Input::Begin(begin)) => self.begin(now, begin),
            (State::Writing { to, version }, Input::Wrote(Ok(true))) => {
                self.out.push_back(Output::Ask);
                State::Written { to, version, was: Standing::default() }
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
            (State::Writing { .. }, Input::Withdrawn) | (State::Written { .. }, Input::Taken(false)) => {
                self.out.push_back(Output::Keep(Kept::Refused { why: "It was withdrawn.".to_owned() }));
                State::Over
            }
            // A box that does not answer now does not say what must be there again.
            (State::Written { to, version, .. }, Input::Asked(Sign::Well(was))) => {
                self.out.push_back(Output::LookAnew);
                State::Written { to, version, was }
            }
            (state @ State::Written { .. }, Input::Quiet(true)) => {
                self.out.push_back(Output::Take);
                state
            }
            (State::Written { to, version, was }, Input::Taken(true)) => {
                self.try_out(Kept::Trying { version, to, was, unexplained: 0 }, to)
            }
            (State::Leaving, Input::NotBooted(why)) => {
                let why = format!("It could not be started: {why}.");
                self.out.push_back(Output::Keep(Kept::Refused { why }));
                State::Over
            }
            (State::Trial(trial), Input::Asked(sign)) => self.asked(now, trial, &sign),
            (State::Confirming(version), Input::Confirmed(Ok(()))) => {
                self.out.push_back(Output::Keep(Kept::Good { version }));
                State::Over
            }
            (State::Confirming(version), Input::Confirmed(Err(why))) => {
                let why = format!("It could not be kept: {why}.");
                self.fall(now, Some(Kept::FellBack { version, why }))
            }
            // Without a box there is no call. One that runs and says nothing may have one.
            (State::Falling(kept, until), Input::Quiet(true) | Input::Asked(Sign::Gone)) => {
                self.out.extend(kept.map(Output::Keep));
                self.out.push_back(Output::Ask);
                State::Fallen(until)
            }
            (State::Falling(kept, until), Input::Quiet(false)) if now >= until => {
                self.out.extend(kept.map(without_rest).map(Output::Keep));
                self.out.push_back(Output::Reboot);
                State::Fallen(until)
            }
            (state @ State::Fallen(until), Input::Quiet(false)) if now >= until => {
                self.out.push_back(Output::Reboot);
                state
            }
            (state @ (State::Leaving | State::Fallen(_)), Input::Quiet(true) | Input::Asked(Sign::Gone)) => {
                self.out.push_back(Output::Reboot);
                state
            }
            (state @ (State::Falling(..) | State::Fallen(_) | State::Leaving), Input::Asked(_)) => {
                self.out.push_back(Output::LookAnew);
                state
            }
            // The old one must boot, however often that is tried.
            (
                state @ (State::Written { .. } | State::Falling(..) | State::Fallen(_) | State::Leaving),
                Input::Quiet(false) | Input::Asked(_) | Input::NotBooted(_),
            ) => {
                self.at = Some(now + Duration::from_millis(self.pace.look_ms));
                state
            }
            (
                state @ (State::Trial(_)
                | State::Written { .. }
                | State::Falling(..)
                | State::Fallen(_)
                | State::Leaving),
                Input::Timeout,
            ) => {
                self.out.push_back(Output::Ask);
                state
            }
            (state, _) => state,
        };
    }

    fn begin(&mut self, now: Instant, begin: Begin) -> State {
        let Begin { runs, confirmed, lame, kept, bundle, quiet } = begin;
        if let Kept::Trying { version, to, was, unexplained } = kept {
            if to == runs && confirmed {
                // The power went after the firmware was told and before that was written down.
                self.out.push_back(Output::Keep(Kept::Good { version }));
            } else if to == runs {
                self.at = Some(now + Duration::from_millis(self.pace.ask_ms));
                let until = now + Duration::from_millis(self.pace.trial_ms);
                return State::Trial(Trial { slot: to, version, was, until, answers: 0 });
            } else if lame || unexplained.saturating_add(1) >= UNEXPLAINED {
                let why = if lame {
                    "Its program did not start."
                } else {
                    "It did not start, or the power failed while it was tried, and that twice."
                };
                // In case its first program has not done that.
                self.out.extend(confirmed.then_some(Output::Choose(runs)));
                self.out.push_back(Output::Keep(Kept::FellBack { version, why: why.to_owned() }));
            } else if confirmed && bundle.is_none() {
                // What was written is still there. Another one that waits goes first.
                let again = Kept::Trying { version, to, was, unexplained: unexplained + 1 };
                return self.try_out(again, to);
            }
        }
        if !confirmed {
            return self.fall(now, None);
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

    /// Whatever comes between these leaves the old slot in charge.
    fn try_out(&mut self, trying: Kept, to: Slot) -> State {
        self.out.extend([Output::Keep(trying), Output::Choose(to), Output::Ask]);
        State::Leaving
    }

    fn fall(&mut self, now: Instant, kept: Option<Kept>) -> State {
        self.out.push_back(Output::Ask);
        State::Falling(kept, now + Duration::from_millis(self.pace.fall_ms))
    }

    fn asked(&mut self, now: Instant, trial: Trial, sign: &Sign) -> State {
        let Trial { slot, version, was, until, answers } = trial;
        let lacks = was.lacks(sign);
        let answers = if lacks.is_none() { answers + 1 } else { 0 };
        if answers >= ANSWERS {
            self.out.push_back(Output::Confirm(slot));
            return State::Confirming(version);
        }
        match lacks.filter(|_| now >= until) {
            Some(why) => self.fall(now, Some(Kept::FellBack { version, why })),
            None => {
                self.at = Some(now + Duration::from_millis(self.pace.ask_ms));
                State::Trial(Trial { slot, version, was, until, answers })
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

/// What is kept of one that makes room although nobody has said that no call is up.
fn without_rest(kept: Kept) -> Kept {
    match kept {
        Kept::FellBack { version, why } => Kept::FellBack {
            version,
            why: format!("{why} It did not come to rest and went back all the same."),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::bundle::Part;
    use super::super::standing::History;
    use super::*;

    fn manifest(version: &str) -> Manifest {
        let part = Part { bytes: 1, sha256: String::new() };
        Manifest { version: v(version), board: "pi".into(), boot: part.clone(), root: part }
    }

    /// Slot A is the confirmed one.
    fn begin(runs: Slot, kept: Kept, bundle: Option<Result<Manifest, String>>, quiet: bool) -> Update {
        let mut update = Update::new(Pace::default());
        let confirmed = runs == Slot::A;
        let lame = false;
        update.handle(Instant::ZERO, Input::Begin(Begin { runs, confirmed, lame, kept, bundle, quiet }));
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

    fn standing(lines: &[&str]) -> Standing {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Standing {
            lines: names(lines),
            names: names(&["home", "mobile"]),
            history: History::Kept,
            newest_call: None,
        }
    }

    fn well(lines: &[&str]) -> Input {
        Input::Asked(Sign::Well(standing(lines)))
    }

    fn trying(lines: &[&str]) -> Kept {
        again(lines, 0)
    }

    fn again(lines: &[&str], unexplained: u8) -> Kept {
        Kept::Trying { version: v("0.2.0"), to: Slot::B, was: standing(lines), unexplained }
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
        assert_eq!(after(&mut update, 15, Input::Quiet(true)), [Output::Take]);
        assert_eq!(
            after(&mut update, 15, Input::Taken(true)),
            [Output::Keep(trying(&["home", "mobile"])), Output::Choose(Slot::B), Output::Ask]
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
        let why = "It could not be started: no systemd.".to_owned();
        assert_eq!(told, [Output::Keep(Kept::Refused { why })], "which is no fault of this version");
    }

    #[test]
    fn what_is_withdrawn_is_not_started() {
        let withdrawn = [Output::Keep(Kept::Refused { why: "It was withdrawn.".into() })];
        let waiting = || begin(Slot::A, Kept::Nothing, Some(Ok(manifest("0.2.0"))), true);
        let mut update = waiting();
        let _ = (outputs(&mut update), after(&mut update, 1, Input::Wrote(Ok(false))));
        assert_eq!(after(&mut update, 1, Input::Withdrawn), withdrawn);
        assert_eq!(update.deadline(), None);
        // In the last moment.
        let mut update = waiting();
        let _ = (outputs(&mut update), after(&mut update, 1, Input::Wrote(Ok(true))));
        let _ = after(&mut update, 1, well(&[]));
        assert_eq!(after(&mut update, 1, Input::Quiet(true)), [Output::Take]);
        assert_eq!(after(&mut update, 1, Input::Taken(false)), withdrawn);
        assert_eq!(update.deadline(), None);
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
        let begin = Begin {
            runs: Slot::B,
            confirmed: true,
            lame: false,
            kept: trying(&["home"]),
            bundle: None,
            quiet: true,
        };
        assert_eq!(after(&mut update, 0, Input::Begin(begin)), good);
    }

    #[test]
    fn one_that_does_not_do_well_makes_room_for_the_old_one() {
        let table = [
            (Sign::Silent, "Its page did not answer in time."),
            (Sign::Well(standing(&["mobile"])), "The line home did not come up again in time."),
            (
                Sign::Well(Standing { history: History::BegunAnew, ..standing(&["home"]) }),
                "It had to begin the history anew.",
            ),
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
        let (at, told) = trial(&mut update, &Sign::Well(standing(&[])));
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
    fn who_does_not_come_to_rest_goes_back_all_the_same_in_the_end() {
        let hours = HOLD_CAP.as_secs();
        let mut update = begin(Slot::B, trying(&["home"]), None, true);
        assert_eq!(trial(&mut update, &Sign::Silent), (300, vec![Output::Ask]));
        let silent = |update: &mut Update, at| {
            assert_eq!(after(update, at, Input::Asked(Sign::Silent)), [Output::LookAnew]);
            after(update, at, Input::Quiet(false))
        };
        assert_eq!(silent(&mut update, 300), []);
        assert_eq!(after(&mut update, 300 + hours - 1, Input::Timeout), [Output::Ask]);
        assert_eq!(silent(&mut update, 300 + hours - 1), []);
        assert_eq!(after(&mut update, 300 + hours, Input::Timeout), [Output::Ask]);
        let why = "Its page did not answer in time. It did not come to rest and went back all the same.";
        assert_eq!(silent(&mut update, 300 + hours), [fell(why), Output::Reboot]);
        // A system that does not go down at once is told again.
        assert_eq!(after(&mut update, 301 + hours, Input::NotBooted(String::new())), []);
        assert_eq!(after(&mut update, 303 + hours, Input::Timeout), [Output::Ask]);
        assert_eq!(silent(&mut update, 303 + hours), [Output::Reboot]);
    }

    #[test]
    fn a_boot_of_the_old_slot_tells_that_the_new_one_failed_if_it_did_so_twice() {
        let lame = |kept| {
            let mut update = Update::new(Pace::default());
            let begin = Begin { runs: Slot::A, confirmed: true, lame: true, kept, bundle: None, quiet: true };
            after(&mut update, 0, Input::Begin(begin))
        };
        // The power may have failed.
        let mut update = begin(Slot::A, trying(&["home"]), None, true);
        let once_more = [Output::Keep(again(&["home"], 1)), Output::Choose(Slot::B), Output::Ask];
        assert_eq!(outputs(&mut update), once_more);
        assert_eq!(after(&mut update, 60, well(&["home"])), [Output::LookAnew]);
        assert_eq!(after(&mut update, 60, Input::Quiet(true)), [Output::Reboot]);
        // In that trial it does.
        let mut update = begin(Slot::B, again(&["home"], 1), None, true);
        assert_eq!(
            trial(&mut update, &Sign::Well(standing(&["home"]))),
            (30, vec![Output::Confirm(Slot::B)])
        );
        // Or it does not.
        let mut update = begin(Slot::A, again(&["home"], 1), None, true);
        let told = outputs(&mut update);
        let [Output::Choose(Slot::A), Output::Keep(Kept::FellBack { why, .. })] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(why.contains("twice") && update.deadline().is_none(), "{why}");
        // One that says itself that it does not is not started again.
        let told = lame(trying(&[]));
        assert_eq!(told, [Output::Choose(Slot::A), fell("Its program did not start.")]);
        assert_eq!(lame(Kept::Nothing), []);
        // And the next one is written, also if the one before could be tried once more.
        let mut update = begin(Slot::A, trying(&[]), Some(Ok(manifest("0.2.1"))), true);
        let told = outputs(&mut update);
        assert_eq!(told, [Output::Keep(Kept::Writing { version: v("0.2.1") }), Output::Write(Slot::B)]);
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

//! Calls that the box places by itself to wait on hold: again, after a queue has hung up on it.
//!
//! Never a storm: so many times and no more, each pause twice as long as the one before, one call to a number at a time,
//! and none while somebody calls for help or help may call back.

use super::conversation::Call;
use super::dialling::{Wanted, wanted};
use super::record::Outcome;
use super::snapshot::RedialView;
use super::switchboard::Switchboard;
use crate::slay::Told;
use crate::slay::schedule::Way;
use crate::units::{AccountId, Instant};
use core::time::Duration;

/// How often and how soon a number is dialled again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redialling {
    /// Calls after the first; 0: never.
    pub tries: u8,
    /// Before the first of them; each pause after it is twice as long.
    pub pause: Duration,
}

/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// While the line is needed for something else, it is looked at this often.
const LATER: Duration = Duration::from_secs(60);

/// A number that will be dialled again.
#[derive(Clone, Debug)]
pub(super) struct Redial {
    number: String,
    private: bool,
    /// The household's calls to it so far.
    attempts: u16,
    pub(super) at: Instant,
    why: &'static str,
    way: Way,
}

/// Why a call that is over should be dialled again; `None`: it should not.
fn reason(call: &Call) -> Option<&'static str> {
    let waited = call.record.hold_started.is_some() || call.by_box;
    let talked = call.served || call.slain.is_some();
    let keyed = call.keyed || call.menu.help.is_some();
    if !waited || talked || !call.record.outgoing || call.emergency || keyed {
        return None;
    }
    match (call.record.outcome, call.nobody_comes) {
        (Outcome::CompanyHungUp, Some(Told::AllBusy)) => Some("all agents were busy"),
        (Outcome::CompanyHungUp, _) => Some("the far side hung up before anyone came"),
        (Outcome::Busy, _) if call.by_box => Some("it was busy"),
        (Outcome::NoAnswer, _) if call.by_box => Some("nobody answered"),
        (Outcome::Failed, _) if call.by_box => Some("the call failed"),
        _ => None,
    }
}

impl Switchboard {
    /// A call is over. True if its number will be dialled again.
    pub(super) fn dial_again(&mut self, call: &Call) -> bool {
        let plan = self.desk.plan.redial;
        let Some(why) = reason(call).filter(|_| !self.stopping) else { return false };
        if call.record.figures.attempt > u16::from(plan.tries) {
            return false;
        }
        let doublings = u32::from(call.record.figures.attempt.saturating_sub(1)).min(16);
        let pause = plan.pause.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        self.redials.retain(|redial| redial.number != call.record.number);
        self.redials.push(Redial {
            number: call.record.number.clone(),
            private: call.private,
            attempts: call.record.figures.attempt,
            at: self.desk.now + pause,
            why,
            way: call.menu.way.clone(),
        });
        true
    }

    /// Dials what is due.
    pub(super) fn redials_due(&mut self) {
        let now = self.desk.now;
        while let Some(at) = self.redials.iter().position(|redial| now >= redial.at) {
            let redial = self.redials.swap_remove(at);
            if self.calls.values().any(|call| call.record.number == redial.number) {
                // The household was quicker.
                continue;
            }
            match self.free_line(Some(&redial.number)).ok().filter(|_| !self.is_helping()) {
                Some(line) => self.place_again(&redial, line),
                None => self.redials.push(Redial { at: now + LATER, ..redial }),
            }
        }
    }

    /// A call is up, or may come from the help that was called.
    pub fn is_needed(&self) -> bool {
        !self.calls.is_empty() || !self.booths.is_empty() || self.is_helping()
    }

    /// Somebody calls for help, or may be called back by it.
    pub(super) fn is_helping(&self) -> bool {
        self.call_back_until.is_some_and(|until| self.desk.now < until)
            || self.calls.values().any(|call| call.emergency)
    }

    fn place_again(&mut self, redial: &Redial, line: (AccountId, String)) {
        // The rules of dialling may have changed with the configuration, never while the box runs.
        let wanted = wanted(&self.desk.plan, &redial.number).filter(|wanted| wanted.refused.is_none());
        let Some(wanted) = wanted else { return };
        let tries = self.desk.plan.redial.tries;
        let why = format!("{}: redial {} of {tries}", redial.why, redial.attempts);
        let mut call = self.errand_call(&Wanted { private: redial.private, ..wanted }, redial.way.clone());
        call.record.figures.attempt = redial.attempts.saturating_add(1);
        self.place(call, line, &why);
    }

    /// Nothing is dialled again. False if nothing would have been.
    pub(super) fn forget_redials(&mut self) -> bool {
        let some = !self.redials.is_empty();
        self.redials.clear();
        some
    }

    /// Somebody of the house dials this number himself.
    pub(super) fn dialled_by_hand(&mut self, number: &str) {
        self.redials.retain(|redial| redial.number != number);
    }

    pub(super) fn redial_views(&self) -> Vec<RedialView> {
        let wall = self.desk.wall();
        let view = |redial: &Redial| RedialView {
            number: redial.number.clone(),
            at: wall.plus(redial.at.since(self.desk.now)),
            attempt: redial.attempts.saturating_add(1),
            why: redial.why.into(),
        };
        self.redials.iter().map(view).collect()
    }
}

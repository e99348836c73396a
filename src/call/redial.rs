//! Calls that the box places by itself to wait on hold: again, after a queue has hung up on it.
//!
//! Never a storm: so many times and no more, each pause twice as long as the one before, one call to a number at a time,
//! and none while somebody calls for help or help may call back.

use super::conversation::Call;
use super::dialling::wanted;
use super::record::Outcome;
use super::snapshot::RedialView;
use super::switchboard::Switchboard;
use crate::slay::Told;
use crate::slay::schedule::Way;
use crate::units::Instant;
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
/// A call that is placed for nobody in particular is given up after so long without an answer.
const RINGS: Duration = Duration::from_secs(60);

/// A number that will be dialled again.
#[derive(Clone, Debug)]
pub(super) struct Redial {
    number: String,
    private: bool,
    /// The household's calls to it so far.
    attempts: u16,
    pub(super) at: Instant,
    why: &'static str,
}

/// Why a call that is over should be dialled again; `None`: it should not.
fn reason(call: &Call) -> Option<&'static str> {
    let waited = call.record.hold_started.is_some() || call.by_box;
    let talked = call.served || call.slain.is_some();
    if !waited || talked || !call.record.outgoing || call.emergency || call.keyed {
        return None;
    }
    match (call.record.outcome, call.nobody_comes) {
        (Outcome::CompanyHungUp, Some(Told::AllBusy)) => Some("all agents were busy"),
        // Nobody will be there in a minute either.
        (Outcome::CompanyHungUp, Some(Told::Closed)) => None,
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
            let help = self.call_back_until.is_some_and(|until| now < until)
                || self.calls.values().any(|call| call.emergency);
            let full = self.desk.holds.len() >= self.desk.plan.max_holds || self.desk.free_ports() < 2;
            let (route, through) = self.desk.route(&[], false);
            match route.trunk().filter(|_| !help && !full) {
                Some(trunk) => {
                    let tries = self.desk.plan.redial.tries;
                    let why = format!("{}: redial {} of {tries}, {through}", redial.why, redial.attempts);
                    self.place(&redial, trunk, why);
                }
                None => self.redials.push(Redial { at: now + LATER, ..redial }),
            }
        }
    }

    /// Places a call that is held from its first sound on.
    fn place(&mut self, redial: &Redial, trunk: crate::units::AccountId, why: String) {
        // The rules of dialling may have changed with the configuration, never while the box runs.
        if wanted(&self.desk.plan, &redial.number).is_none_or(|wanted| wanted.refused.is_some()) {
            return;
        }
        let mut call = self.new_call(true, &redial.number);
        call.private = redial.private;
        (call.by_box, call.errand) = (true, true);
        call.choose_flow(&self.desk, Way::Known);
        call.record.figures.attempt = redial.attempts.saturating_add(1);
        call.gives_up = Some(self.desk.now + RINGS);
        call.decide(&mut self.desk, "dial", why);
        let id = call.id;
        self.calls.insert(id, Box::new(call));
        self.call_trunk(id, trunk);
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

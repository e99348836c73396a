//! An outgoing call on its way through the trunks, until the callee is heard of.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::Role;
use super::policy::{in_words, outcome_of};
use super::record::Outcome;
use super::switchboard::Switchboard;
use crate::sip::{Caller, Cause, Manner};
use crate::trunk::route::{Route, View, is_the_trunks_own_failure, reason, route};
use crate::units::{AccountId, CallId, Codec, Instant, LegId};
use core::time::Duration;

/// A trunk that was pre-empted needs a moment until the provider has freed the channel.
const EMERGENCY_AGAIN: Duration = Duration::from_millis(500);
/// How often an emergency call goes through all trunks.
const EMERGENCY_ROUNDS: u8 = 8;
/// A trunk that says nothing at all for so long (four copies of the INVITE) is given up if there is another one. Timer B
/// of RFC 3261 §17.1.1.2 would wait 32 s, longer than people do.
const SILENCE: Duration = Duration::from_secs(4);
/// A trunk that has an emergency call and tells nothing more of it for so long is given up if there is another one.
const PROCEEDING: Duration = Duration::from_secs(15);

/// What is known of the trunks that were tried for one call.
#[derive(Debug, Default)]
pub(super) struct Trying {
    /// Trunks that refused, in this round.
    tried: Vec<AccountId>,
    /// Trunks that do not know the number of an emergency call: they are not asked again.
    useless: Vec<AccountId>,
    /// Trunks that did not answer an emergency call at all: they are asked again when all the others are so too.
    silent: Vec<AccountId>,
    /// Trunks that would not have an emergency call's sound as it was offered: they are offered it in the clear next, or
    /// encrypted again.
    clear: Vec<AccountId>,
    /// What the last of them said.
    refusal: Option<Cause>,
    /// When to choose a trunk again.
    again: Option<Instant>,
    /// When a trunk that has said nothing is given up.
    silent_until: Option<Instant>,
    /// It has said that it has the call.
    proceeding: bool,
    /// The callee rang or was heard: from then on no other trunk is tried.
    reached: bool,
    rounds: u8,
}

impl Trying {
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.again, self.silent_until].into_iter().flatten().min()
    }

    pub(super) fn heard_of_callee(&mut self) {
        self.reached = true;
        self.silent_until = None;
    }

    /// A trunk refused the call. True if another one is to be asked.
    pub(super) fn refused(&mut self, now: Instant, trunk: AccountId, cause: Cause, emergency: bool) -> bool {
        let again = match emergency {
            true => self.rounds < EMERGENCY_ROUNDS,
            false => !self.reached && is_the_trunks_own_failure(cause),
        };
        if again {
            match cause {
                Cause::NoSuchNumber if emergency => self.useless.push(trunk),
                Cause::Timeout if emergency => self.silent.push(trunk),
                Cause::Unencrypted | Cause::NotAcceptable if emergency => {
                    match self.clear.iter().position(|other| *other == trunk) {
                        Some(at) => drop(self.clear.swap_remove(at)),
                        None => self.clear.push(trunk),
                    }
                }
                _ => {}
            }
            self.tried.push(trunk);
            self.refusal = Some(cause);
            self.again = Some(now);
        }
        self.silent_until = None;
        again
    }

    fn asked(&self) -> Vec<AccountId> {
        [self.useless.as_slice(), self.silent.as_slice(), self.tried.as_slice()].concat()
    }

    /// Goes around once more. False if there is nobody left to ask.
    fn around(&mut self, now: Instant, trunks: &[AccountId]) -> bool {
        let hope: Vec<&AccountId> = trunks.iter().filter(|id| !self.useless.contains(id)).collect();
        if hope.iter().all(|id| self.silent.contains(id)) {
            self.silent.clear();
        }
        self.tried.clear();
        self.rounds += 1;
        self.again = Some(now + EMERGENCY_AGAIN);
        !hope.is_empty()
    }

    fn take_due(&mut self, now: Instant) -> bool {
        self.again.take_if(|at| now >= *at).is_some()
    }
}

impl Call {
    /// The trunk has the call: it may take its time, but not for ever where somebody needs help.
    pub(super) fn trying(&mut self, now: Instant, leg: LegId) {
        if self.is_far(leg) && !core::mem::replace(&mut self.trying.proceeding, true) {
            let waits = self.trying.silent_until.filter(|_| self.emergency);
            self.trying.silent_until = waits.map(|_| now + PROCEEDING);
        }
    }

    /// Gives up a trunk that does not answer at all.
    pub(super) fn trunk_silent(&mut self, desk: &mut Desk) {
        if self.trying.silent_until.take_if(|at| desk.now >= *at).is_none() {
            return;
        }
        if let (State::Dialing, Some(far)) = (&self.state, self.far.take()) {
            let again = self.trying.refused(desk.now, far.account, Cause::Timeout, self.emergency);
            desk.hang_up(far, Cause::Timeout);
            if !again {
                let reason = format!("the far side: {}", in_words(Cause::Timeout));
                self.end(desk, outcome_of(Cause::Timeout), &reason, Cause::Timeout);
            }
        }
    }
}

impl Switchboard {
    pub(super) fn call_trunk(&mut self, id: CallId, trunk: AccountId) {
        let tried = self.calls.get(&id).map(|call| call.trying.asked()).unwrap_or_default();
        let emergency = self.calls.get(&id).is_some_and(|call| call.emergency);
        let useless = self.calls.get(&id).map(|call| call.trying.useless.clone()).unwrap_or_default();
        let others = match emergency {
            // Every other one is worth more than a silent one, even one that was silent before.
            true => self.desk.plan.trunks().any(|t| t.id != trunk && !useless.contains(&t.id)),
            false => self.desk.route(&[tried, vec![trunk]].concat(), false).0.trunk().is_some(),
        };
        self.with(id, |call, desk| {
            let codec = call.near.first().and_then(|l| l.session).map_or(Codec::Pcmu, |s| s.codec);
            call.record.figures.trunk = desk.peer(trunk).map(|p| p.name.clone()).unwrap_or_default();
            let (line, peer) = (&desk.plan.dialling, desk.peer(trunk));
            let rules = peer.map(|p| p.rules.clone()).unwrap_or_default();
            let own = line.numbering.write(&rules.number, rules.form);
            let number = match call.emergency {
                true => call.record.number.clone(),
                false => rules.dialled(line.numbering, &call.record.number),
            };
            let caller = Caller { name: String::new(), number: own, private: call.private };
            call.trying.silent_until = others.then(|| desk.now + SILENCE);
            call.trying.proceeding = false;
            // Help comes before secrecy.
            let manner = Manner { clear: call.trying.clear.contains(&trunk), ..call.manner() };
            call.far = desk.call(id, trunk, &number, caller, codec, (Role::Talks, manner));
            if call.far.is_none() {
                call.end(desk, Outcome::Failed, "all lines of the box are in use", Cause::Congestion);
            }
        });
    }

    /// A call whose trunk refused it goes on to the next one; an emergency call goes around until one takes it.
    pub(super) fn redial(&mut self, id: CallId) {
        let now = self.desk.now;
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.far.is_some() || !call.trying.take_due(now) {
            return;
        }
        let (emergency, tried) = (call.emergency, call.trying.asked());
        let cause = call.trying.refusal.unwrap_or(Cause::Unavailable);
        let (found, through) = self.desk.route(&tried, emergency);
        if let Some(trunk) = found.trunk() {
            if matches!(found, Route::PreEmpt(_)) {
                self.pre_empt(Some(trunk));
            }
            while emergency && self.desk.free_ports() == 0 && self.pre_empt(None) {}
            let why = format!(
                "{}: {}; {through}",
                self.names(&tried[tried.len().saturating_sub(1)..]),
                in_words(cause)
            );
            self.with(id, |call, desk| call.decide(desk, "dial again", why));
            return self.call_trunk(id, trunk);
        }
        let reason = format!("the far side: {}", in_words(cause));
        let trunks: Vec<AccountId> = self.desk.plan.trunks().map(|trunk| trunk.id).collect();
        self.with(id, |call, desk| {
            if emergency && !tried.is_empty() && call.trying.around(desk.now, &trunks) {
                call.decide(desk, "dial again", reason);
            } else {
                call.end(desk, outcome_of(cause), &reason, cause);
            }
        });
    }

    fn names(&self, accounts: &[AccountId]) -> String {
        let names = accounts.iter().filter_map(|id| self.desk.peer(*id)).map(|p| p.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    }
}

impl Desk {
    /// Where a call goes, and why there.
    pub(super) fn route(&self, tried: &[AccountId], emergency: bool) -> (Route, String) {
        let trunks = self.plan.trunks().filter_map(|p| {
            let state = self.peers.get(&p.id)?;
            Some(View { id: p.id, name: &p.name, up: state.up, busy: state.busy, channels: p.channels })
        });
        let trunks: Vec<View<'_>> = trunks.collect();
        let found = route(&trunks, tried, emergency);
        let why = found.trunk().map(|trunk| reason(&trunks, tried, trunk)).unwrap_or_default();
        (found, why)
    }
}

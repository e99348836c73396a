//! How a call begins: what a phone dialled, what a trunk brings in.

use super::conversation::{Call, State};
use super::dialling::{Wanted, to_be_slain, wanted};
use super::leg::Leg;
use super::notice::{Notice, Saying};
use super::record::Outcome;
use super::switchboard::Switchboard;
use crate::phone::dial::{Dialled, read};
use crate::phone::handset::ALOUD;
use crate::sip::{Caller, Cause, Command, Session, Side};
use crate::sounds::Prompt;
use crate::trunk::route::Route;
use crate::units::{AccountId, CallId, LegId};
use std::collections::VecDeque;

pub(super) const NO_LINE: &str = "no line is connected";
pub(super) const LINES_FULL: &str = "all channels of the line are in use";
pub(super) const BOX_FULL: &str = "the box has no port left for another call";

/// A leg that a peer opened, before it is known what becomes of it.
pub(super) struct Arrival {
    pub(super) leg: LegId,
    pub(super) account: AccountId,
    pub(super) session: Option<Session>,
    /// Max-Forwards, at least 1.
    pub(super) hops: u8,
    /// The leg in whose place it wants to be.
    pub(super) replaces: Option<LegId>,
}

impl Switchboard {
    pub(super) fn incoming(&mut self, arrival: Arrival, called: &str, caller: &Caller) {
        match self.desk.side(arrival.account) {
            _ if self.stopping => self.desk.sip(Command::Hangup(arrival.leg, Cause::Unavailable)),
            Some(Side::Phone) => match arrival.replaces {
                Some(old) => self.take_over(&arrival, old),
                None => self.phone_calls(&arrival, called),
            },
            Some(Side::Trunk) => self.trunk_calls(&arrival, called, caller),
            None => self.desk.sip(Command::Hangup(arrival.leg, Cause::Rejected)),
        }
    }

    fn phone_calls(&mut self, arrival: &Arrival, dialled: &str) {
        // A loudspeaker is no owner who has come.
        if dialled == ALOUD {
            return match self.held() {
                Some(id) => self
                    .lend(id, arrival, |call, desk, leg| call.listen_along(desk, Leg { aloud: true, ..leg })),
                None => self.nothing_held(arrival),
            };
        }
        self.desk.noticed();
        if self.desk.plan.is_extension(dialled) {
            return self.take_in(arrival, &Caller::default());
        }
        if let Some(wanted) = to_be_slain(&self.desk.plan, dialled) {
            return match wanted.emergency {
                true => self.dial(arrival, &wanted),
                false => self.slay_from_phone(arrival, &wanted),
            };
        }
        if let Some(wanted) = wanted(&self.desk.plan, dialled) {
            return match &wanted.refused {
                Some(why) => self.refuse(arrival, &wanted.number, why, Cause::Rejected),
                None => self.dial(arrival, &wanted),
            };
        }
        let (emergency, codes) = (&self.desk.plan.emergency, &self.desk.plan.codes);
        match read(dialled, emergency, codes) {
            Dialled::Hold => self.hold_by_code(arrival),
            Dialled::Rejoin => match self.held() {
                Some(id) => self.lend(id, arrival, Call::rejoin),
                None => self.nothing_held(arrival),
            },
            Dialled::Listen => match self.held() {
                Some(id) => self.lend(id, arrival, Call::listen_along),
                None => self.nothing_held(arrival),
            },
            Dialled::Status => self.tell_status(arrival),
            Dialled::Greeting => self.make_greeting(arrival),
            Dialled::Cancel => match self.held() {
                Some(id) => {
                    self.with(id, |call, desk| {
                        call.end(desk, Outcome::OwnerGaveUp, "cancelled from the phone", Cause::Normal);
                    });
                    self.notice(arrival, Prompt::Cancelled);
                }
                None if self.forget_redials() => self.notice(arrival, Prompt::Cancelled),
                None => self.notice(arrival, Prompt::NothingToHold),
            },
            Dialled::Emergency(_) | Dialled::Slay(_) | Dialled::Number(_) | Dialled::Nothing => {
                self.desk.sip(Command::Hangup(arrival.leg, Cause::NoSuchNumber));
            }
        }
    }

    /// `*58`: the call this phone has parked by a flash, else the newest that is up; one that is held already is
    /// confirmed again.
    fn hold_by_code(&mut self, arrival: &Arrival) {
        let target = self.holdable(Some(arrival.account)).or_else(|| self.holdable(None));
        if let Some(id) = target
            && self.hold(id, "the owner dialled the hold code").is_ok()
        {
            return self.lend(id, arrival, Call::confirm_to);
        }
        match self.held() {
            Some(id) => self.lend(id, arrival, Call::confirm_to),
            None => self.notice(arrival, Prompt::NothingToHold),
        }
    }

    /// The newest held call.
    pub(super) fn held(&self) -> Option<CallId> {
        let held = |c: &Call| matches!(c.state, State::Held(_)) || c.is_on_errand();
        self.calls.values().rev().find(|c| held(c)).map(|c| c.id)
    }

    /// Gives the arriving leg to a call that is up.
    pub(super) fn lend(
        &mut self,
        id: CallId,
        arrival: &Arrival,
        act: impl FnOnce(&mut Call, &mut super::desk::Desk, Leg),
    ) {
        if let Some(leg) = self.arrive(id, arrival) {
            self.with(id, |call, desk| act(call, desk, leg));
        }
    }

    pub(super) fn notice(&mut self, arrival: &Arrival, prompt: Prompt) {
        self.notices_of(arrival, prompt, VecDeque::new());
    }

    pub(super) fn notices_of(&mut self, arrival: &Arrival, prompt: Prompt, then: VecDeque<Saying>) {
        let nobody = CallId(0);
        if let Some(leg) = self.arrive(nobody, arrival) {
            self.desk.legs.remove(&leg.id);
            self.notices.insert(leg.id, Notice::begin(&mut self.desk, leg, prompt).followed_by(then));
        }
    }

    /// Says that nothing is held; to who has not heard it yet, that it has ended.
    pub(super) fn nothing_held(&mut self, arrival: &Arrival) {
        let ended = core::mem::take(&mut self.desk.hold_ended);
        self.notice(arrival, if ended { Prompt::Ended } else { Prompt::NothingToHold });
    }

    /// A port for the arriving leg; without one it is refused.
    pub(super) fn arrive(&mut self, id: CallId, arrival: &Arrival) -> Option<Leg> {
        let leg = self.desk.incoming_leg(id, arrival.leg, arrival.account, arrival.session);
        if leg.is_none() {
            self.desk.sip(Command::Hangup(arrival.leg, Cause::Congestion));
        }
        leg
    }

    pub(super) fn new_call(&mut self, outgoing: bool, number: &str) -> Call {
        let id = CallId(self.next_call);
        self.next_call += 1;
        Call::new(&self.desk, id, outgoing, number)
    }

    // ---- outgoing ----

    /// A call that was not placed leaves a record that says why.
    pub(super) fn not_placed(&mut self, outgoing: bool, number: &str, why: &str) {
        let mut call = self.new_call(outgoing, number);
        call.end(&mut self.desk, Outcome::Failed, why, Cause::Rejected);
    }

    pub(super) fn refuse(&mut self, arrival: &Arrival, number: &str, why: &str, cause: Cause) {
        self.not_placed(true, number, why);
        self.desk.sip(Command::Hangup(arrival.leg, cause));
    }

    fn dial(&mut self, arrival: &Arrival, wanted: &Wanted) {
        let (number, emergency) = (wanted.number.as_str(), wanted.emergency);
        self.dialled_by_hand(number);
        if !emergency && self.desk.free_ports() < 2 {
            return self.refuse(arrival, number, BOX_FULL, Cause::Congestion);
        }
        let (route, through) = self.desk.route(&[], emergency);
        let trunk = match route {
            Route::NoTrunk if !emergency => {
                self.not_placed(true, number, NO_LINE);
                return self.notice(arrival, Prompt::NoTrunk);
            }
            Route::NoTrunk => return self.refuse(arrival, number, NO_LINE, Cause::Unavailable),
            Route::Full => return self.refuse(arrival, number, LINES_FULL, Cause::Congestion),
            Route::PreEmpt(trunk) => {
                self.pre_empt(Some(trunk));
                trunk
            }
            Route::Trunk(trunk) => trunk,
        };
        // One port for either leg; a call that is ended may give back just one.
        while emergency && self.desk.free_ports() < 2 && self.pre_empt(None) {}
        let mut call = self.new_call(true, number);
        (call.emergency, call.private) = (emergency, wanted.private);
        call.hops = arrival.hops - 1;
        let Some(leg) = self.arrive(call.id, arrival) else { return };
        call.near.push(leg);
        let reason = if emergency { "emergency number" } else { "dialled on the phone" };
        call.decide(&mut self.desk, "dial", format!("{reason}, {through}"));
        let id = call.id;
        self.calls.insert(id, Box::new(call));
        self.call_trunk(id, trunk);
    }

    /// Ends one call to make room for an emergency call: a held one first, an emergency call never. False: there was none.
    pub(super) fn pre_empt(&mut self, trunk: Option<AccountId>) -> bool {
        let on_trunk = |call: &Call| {
            let mut legs = call.near.iter().chain(&call.far);
            let uses = call.far.is_some() && legs.any(|leg| trunk.is_none_or(|t| leg.account == t));
            uses && !call.emergency
        };
        let rings: Vec<CallId> = self.calls.keys().copied().collect();
        if rings
            .into_iter()
            .any(|id| self.with(id, |call, desk| call.yield_channel(desk, trunk)) == Some(true))
        {
            return true;
        }
        let calls = || self.calls.values().map(Box::as_ref).filter(|call| on_trunk(call));
        let held = calls().find(|c| matches!(c.state, State::Held(_)));
        let victim = held.or_else(|| calls().next()).map(|c| c.id);
        if let Some(id) = victim {
            self.with(id, |call, desk| {
                call.end(desk, Outcome::PreEmpted, "the line is needed for an emergency call", Cause::Normal);
            });
        }
        victim.is_some()
    }

    // ---- incoming ----

    fn trunk_calls(&mut self, arrival: &Arrival, called: &str, caller: &Caller) {
        let trunk = self.desk.peer(arrival.account).map_or(0, |p| p.channels);
        let busy = self.desk.peers.get(&arrival.account).map_or(0, |p| p.busy);
        let call_back = self.call_back_until.is_some_and(|until| self.desk.now < until);
        while call_back && self.desk.free_ports() < 2 && self.pre_empt(None) {}
        if (busy >= trunk && !call_back) || self.desk.free_ports() < 2 {
            self.not_placed(false, &caller.number, "a call came in while every channel was in use");
            return self.desk.sip(Command::Hangup(arrival.leg, Cause::Busy));
        }
        let form = self.desk.peer(arrival.account).map(|p| p.rules.form).unwrap_or_default();
        let number = self.desk.plan.dialling.numbering.shown(&caller.number, form);
        let caller = &Caller { number, ..caller.clone() };
        if self.desk.plan.is_extension(called) && !call_back {
            return self.take_in(arrival, caller);
        }
        let mut call = self.new_call(false, &caller.number);
        // Help that calls back is never held and never makes room for anything.
        call.emergency = call_back;
        let Some(leg) = self.arrive(call.id, arrival) else { return };
        call.far = Some(leg);
        call.hops = arrival.hops - 1;
        let reason = match call_back {
            true => "a call came in soon after an emergency call: it is taken for help that calls back",
            false => "a call came in",
        };
        call.decide(&mut self.desk, "ring", reason.into());
        let id = call.id;
        self.calls.insert(id, Box::new(call));
        self.with(id, |call, desk| {
            call.ring_phones(desk, caller, Some(called));
            if call.near.is_empty() {
                call.end(desk, Outcome::Failed, "no phone could be rung", Cause::Unavailable);
            }
        });
    }
}

//! Calls that nobody dialled on a phone: the page or a program asked for them.
//!
//! The phones of the house ring first, and who answers is connected to the number; or the box calls by itself and holds
//! ([`super::errand`]). The same rules hold as for a phone, and help is called on a phone only.

use super::begin::{BOX_FULL, LINES_FULL, NO_LINE};
use super::conversation::{Call, State};
use super::desk::Desk;
use super::dialling::{Wanted, wanted};
use super::event::Event;
use super::leg::{Leg, Role};
use super::record::Outcome;
use super::switchboard::Switchboard;
use super::{Errand, Request};
use crate::media::{MediaCommand, Tone};
use crate::sip::{Caller, Cause};
use crate::trunk::route::Route;
use crate::units::{AccountId, CallId, Digit, LegId};
use core::time::Duration;

/// A key from the page is held for so long, as by a finger.
const PRESSED: Duration = Duration::from_millis(160);

const NO_PHONE: &str = "no phone could be rung: connect one first";
const NO_NUMBER: &str =
    "this is no number to call: write digits, with + and the country first if it is abroad";

impl Switchboard {
    /// Rings the phones, and then places a call. Refused with the reason and what to do.
    pub(super) fn connect_asked(&mut self, number: &str) -> Result<CallId, String> {
        let wanted = self.wanted_by_request(number)?;
        self.free_line(None)?;
        let mut call = self.new_call(true, &wanted.number);
        (call.private, call.rings_first) = (wanted.private, true);
        call.state = State::Incoming(self.desk.now);
        let caller = Caller { name: format!("CALL: {number}"), number: wanted.number, private: false };
        call.decide(&mut self.desk, "ring", format!("{}: who answers is connected", self.door.asked()));
        call.ring_phones(&mut self.desk, &caller, None);
        let (id, rings) = (call.id, !call.near.is_empty());
        self.calls.insert(id, Box::new(call));
        if rings {
            return Ok(id);
        }
        self.with(id, |call, desk| {
            call.end(desk, Outcome::Failed, "no phone could be rung", Cause::Unavailable);
        });
        Err(NO_PHONE.into())
    }

    /// A number that was not dialled on a phone, or what a speed dial stands for.
    pub(super) fn wanted_by_request(&self, number: &str) -> Result<Wanted, String> {
        let number = self.desk.plan.speed_dial(number).unwrap_or(number);
        let wanted = wanted(&self.desk.plan, number).ok_or(NO_NUMBER)?;
        let plain = |sign: char| sign.is_ascii_digit() || matches!(sign, '*' | '#' | '+');
        if !wanted.number.chars().all(plain) {
            return Err(NO_NUMBER.into());
        }
        if wanted.emergency {
            return Err("an emergency number is dialled on a phone: pick one up and dial it now".into());
        }
        match wanted.refused {
            Some(why) => Err(why),
            None => Ok(wanted),
        }
    }

    /// A trunk for a call that is placed now and why it, with ports and, for a number where it is to be held, room for one
    /// more hold.
    pub(super) fn free_line(&self, to_hold: Option<&str>) -> Result<(AccountId, String), String> {
        if self.stopping {
            return Err("the box is being stopped".into());
        }
        if self.desk.free_ports() < 2 {
            return Err(format!("{BOX_FULL}: end another call first"));
        }
        let waits = |call: &Call| matches!(call.state, State::Held(_)) || call.is_on_errand();
        let waiting = || self.calls.values().filter(|call| waits(call));
        let holds = waiting().count();
        if to_hold.is_some() && holds >= self.desk.plan.max_holds {
            return Err(format!("the box holds {holds} already, which is the most it may: end one first"));
        }
        if waiting().any(|call| to_hold == Some(&call.record.number)) {
            return Err("another call waits at this number already: a queue is waited in once".into());
        }
        match self.desk.route(&[], false) {
            (Route::Trunk(trunk), through) => Ok((trunk, through)),
            (Route::Full | Route::PreEmpt(_), _) => Err(format!("{LINES_FULL}: end another call first")),
            (Route::NoTrunk, _) => {
                Err(format!("{NO_LINE}: the start page says beside each line what is wrong"))
            }
        }
    }

    /// Somebody of the house has answered: now the number is called.
    pub(super) fn placed_answered(&mut self, leg: LegId) {
        let Some(id) = self.desk.legs.get(&leg).copied() else { return };
        let Some(call) = self.calls.get(&id) else { return };
        let waits = call.rings_first && matches!(call.state, State::Dialing) && call.far.is_none();
        if !waits || call.is_far(leg) {
            return;
        }
        match self.free_line(None) {
            Ok((trunk, _)) => self.call_trunk(id, trunk),
            Err(why) => {
                self.with(id, |call, desk| call.end(desk, Outcome::Failed, &why, Cause::Congestion));
            }
        }
    }

    /// Puts the far side of a phone's call through to a number.
    pub(super) fn transfer(&mut self, id: CallId, number: &str) -> Result<(), String> {
        let call = self.calls.get(&id).ok_or("there is no such call: it may have ended")?;
        let talks = call.near.iter().find(|leg| leg.role == Role::Talks).map(|leg| leg.id);
        let leg = talks.ok_or("no phone talks in this call: take it first")?;
        self.put_through_to_number(leg, number, self.door.name()).map_err(|(_, why)| why)
    }

    /// Whether this would be done now, or why not.
    pub(super) fn would(&self, request: &Request) -> Result<(), String> {
        const NONE: &str = "there is no such call: it may have ended";
        match request {
            Request::Connect(number) => {
                self.wanted_by_request(number)?;
                self.free_line(None)?;
                let rings = self.desk.plan.peers.iter().any(super::Peer::is_phone);
                if rings { Ok(()) } else { Err(NO_PHONE.into()) }
            }
            Request::Errand(Errand::Call(number, way)) => self.may_call(number, way).map(drop),
            Request::Errand(Errand::Keep(number, _)) => self.wanted_by_request(number).map(drop),
            Request::Keys(id, _) => self.calls.get(id).ok_or(NONE)?.hears_keys().map(drop),
            Request::HangUp(id) => self.calls.get(id).ok_or_else(|| NONE.into()).map(drop),
            _ => Ok(()),
        }
    }
}

impl Call {
    /// It was placed, and the phones ring for it.
    pub(super) fn placed_is_answered(&self) -> bool {
        self.rings_first && self.far.is_none() && matches!(self.state, State::Incoming(_))
    }

    /// Who wanted the call has lifted the handset.
    pub(super) fn placer_answered(&mut self, desk: &mut Desk, at: usize) {
        let winner = self.near.swap_remove(at);
        self.ringing = None;
        for other in core::mem::take(&mut self.near) {
            desk.hang_up(other, Cause::Elsewhere);
        }
        self.near.push(Leg { role: Role::Talks, ..winner });
        self.state = State::Dialing;
        self.decide(desk, "dial", "the phone was answered".into());
    }

    /// Who has answered already hears by a tone that it rings.
    pub(super) fn ring_back_to_placer(&self, desk: &mut Desk) {
        for near in self.near.iter().filter(|near| near.up && self.rings_first) {
            desk.media(MediaCommand::Tone(near.port, Tone::Ringback));
        }
    }

    /// It rings at the other side, or more.
    pub(super) fn is_heard_ringing(&self) -> bool {
        self.record.outgoing && self.trying.has_reached()
    }

    /// Who hears keys, or why nobody does.
    fn hears_keys(&self) -> Result<&Leg, String> {
        let far = self.far.as_ref().filter(|far| far.open.is_some());
        let far = far.ok_or("the far side is not heard yet: wait until it answers")?;
        if self.emergency {
            return Err("keys in an emergency call are pressed on the phone".into());
        }
        Ok(far)
    }

    /// Sends keys to the far side.
    pub(super) fn keys(&mut self, desk: &mut Desk, keys: &[Digit]) -> Result<(), String> {
        let far = self.hears_keys()?;
        keys.iter().for_each(|key| desk.digit(far, *key, Some(PRESSED)));
        keys.iter().for_each(|key| self.menu_key(desk, *key));
        // What they led to is not known: nobody dials that again.
        self.keyed = true;
        desk.happened(Some(self.id), Event::keys_sent(keys));
        Ok(())
    }
}

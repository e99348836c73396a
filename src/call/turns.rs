//! The phones of the house ring for a call: all at once, or in turn.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::{Leg, Role};
use crate::phone::hunt::{Candidate, Order, Turns};
use crate::sip::{Caller, Cause};
use crate::units::{AccountId, Codec, Instant};
use core::time::Duration;

/// A call whose phones ring in turn.
#[derive(Debug)]
pub(super) struct Ringing {
    turns: Turns,
    caller: Caller,
    called: Option<String>,
    /// Whose turn it is, for how long, and until when; `None` while nobody comes after it.
    turn: Option<(AccountId, Duration, Instant)>,
}

impl Ringing {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.turn.map(|(_, _, until)| until)
    }
}

impl Call {
    /// Rings the phones of the house; who answers first has the call. `called`: the number that was called, if the call
    /// came from outside. Help that calls back rings everywhere at once.
    pub(super) fn ring_phones(&mut self, desk: &mut Desk, caller: &Caller, called: Option<&str>) {
        let phones = desk.plan.peers.iter().filter(|p| p.is_phone());
        if desk.plan.order == Order::AtOnce || self.emergency {
            let all: Vec<AccountId> = phones.map(|p| p.id).collect();
            return all.into_iter().for_each(|id| self.ring_one(desk, id, caller, called));
        }
        let candidate = |p: &super::Peer| {
            let state = desk.peers.get(&p.id);
            let (up, busy) = state.map_or((false, false), |state| (state.up, state.busy > 0));
            Candidate { id: p.id, rings: p.rings, up, busy }
        };
        let turns = Turns::new(phones.map(candidate), matches!(self.state, State::Held(_)));
        let (caller, called) = (caller.clone(), called.map(str::to_owned));
        self.ringing = Some(Ringing { turns, caller, called, turn: None });
        self.ring_next(desk);
    }

    /// Rings the phone whose turn it is. False: there is none.
    pub(super) fn ring_next(&mut self, desk: &mut Desk) -> bool {
        while let Some(mut ringing) = self.ringing.take() {
            let Some((id, rings)) = ringing.turns.take() else { return false };
            ringing.turn = rings.map(|rings| (id, rings, desk.now + rings));
            let (caller, called, before) = (ringing.caller.clone(), ringing.called.clone(), self.near.len());
            self.ringing = Some(ringing);
            self.ring_one(desk, id, &caller, called.as_deref());
            if self.near.len() > before {
                return true;
            }
        }
        false
    }

    /// The time of the phone that rings is over: the next one's turn.
    pub(super) fn turn_over(&mut self, desk: &mut Desk) {
        let Some(ringing) = &mut self.ringing else { return };
        let Some((id, rings, _)) = ringing.turn.take_if(|(_, _, until)| desk.now >= *until) else { return };
        ringing.turns.again(id, rings);
        let over: Vec<Leg> =
            self.near.extract_if(.., |leg| leg.role == Role::Rings && !leg.outside).collect();
        over.into_iter().for_each(|leg| desk.hang_up(leg, Cause::Cancelled));
        self.ring_next(desk);
    }

    /// Ends every leg that only rings.
    pub(super) fn hush_phones(&mut self, desk: &mut Desk, cause: Cause) {
        let rings = |leg: &Leg| matches!(leg.role, Role::Rings | Role::Asked);
        let (ringing, rest): (Vec<Leg>, Vec<Leg>) = self.near.drain(..).partition(rings);
        self.near = rest;
        for leg in ringing {
            let cause = if leg.role == Role::Asked { Cause::Normal } else { cause };
            desk.hang_up(leg, cause);
        }
    }

    /// Rings one phone beside those that ring.
    pub(super) fn ring_one(
        &mut self,
        desk: &mut Desk,
        phone: AccountId,
        caller: &Caller,
        called: Option<&str>,
    ) {
        let codec = self.far.as_ref().and_then(|f| f.session).map_or(Codec::Pcmu, |s| s.codec);
        let to = called.or(desk.peer(phone).map(|p| p.name.as_str())).unwrap_or_default().to_owned();
        let role = (Role::Rings, self.manner());
        self.near.extend(desk.call(self.id, phone, &to, caller.clone(), codec, role));
    }
}

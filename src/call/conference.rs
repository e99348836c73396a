//! Three and more who talk: calls of one phone in one room; and the owner who listens along while the box holds.
//!
//! Each call keeps its own far side. The one that the owner is in lends the room, the others have no leg of the house.
//! When the far side of his call leaves, another call of the room takes the owner over; when he leaves, all end.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::{Leg, Role};
use super::record::Outcome;
use super::switchboard::Switchboard;
use crate::media::{MediaCommand, Seat};
use crate::sip::Cause;
use crate::units::{CallId, LegId, PortId};

impl Switchboard {
    /// Puts a call and the newest other one that waits for the same owner together.
    pub(super) fn conference(&mut self, id: CallId) -> Result<(), String> {
        let (room, phone) =
            self.calls.get(&id).and_then(|call| call.lends_room()).ok_or("nobody talks in this call")?;
        let mut others = self.calls.values().rev().filter(|call| call.id != id);
        let other = others.find(|call| call.waits_for(phone)).map(|call| call.id);
        let other = other.ok_or("there is no other call, parked or held, to be joined to this one")?;
        self.with(other, |call, desk| call.enter(desk, room));
        self.with(id, |call, desk| {
            call.room = Some(room);
            call.connect(desk);
            call.decide(desk, "conference", format!("call {} has been joined to this one", other.0));
        });
        Ok(())
    }

    /// The far side of a call has gone: if others are in its room, one of them takes the owner.
    pub(super) fn hand_over(&mut self, leg: LegId) {
        let Some(id) = self.desk.legs.get(&leg).copied() else { return };
        let Some(room) = self.calls.get(&id).filter(|call| call.is_far(leg)).and_then(|call| call.room)
        else {
            return;
        };
        let heir =
            self.calls.values().find(|call| call.id != id && call.room == Some(room)).map(|call| call.id);
        let Some(heir) = heir else { return };
        let legs = self.calls.get_mut(&id).map(|call| core::mem::take(&mut call.near)).unwrap_or_default();
        for near in &legs {
            self.desk.legs.insert(near.id, heir);
            self.desk.port_calls.insert(near.port, heir);
        }
        if let Some(call) = self.calls.get_mut(&heir) {
            call.near.extend(legs);
        }
    }

    /// A call of this room is over: nobody is left alone in it.
    pub(super) fn leave_room(&mut self, room: PortId) {
        let inside = self.calls.values().filter(|call| call.room == Some(room));
        let (mut rest, mut owner) = (Vec::new(), false);
        for call in inside {
            rest.push(call.id);
            owner |= !call.near.is_empty();
        }
        match rest.as_slice() {
            _ if !owner => rest.iter().for_each(|id| {
                self.with(*id, |call, desk| {
                    call.room = None;
                    call.end(desk, Outcome::Talked, "the owner has left the conference", Cause::Normal);
                });
            }),
            [last] => {
                self.with(*last, |call, desk| {
                    call.room = None;
                    call.connect(desk);
                });
            }
            _ => {}
        }
    }
}

impl Call {
    /// The room that it may lend, and whose phone talks in it.
    fn lends_room(&self) -> Option<(PortId, crate::units::AccountId)> {
        let talks = self.near.iter().find(|near| near.role == Role::Talks && near.up && !near.parked)?;
        let free =
            matches!(self.state, State::Talking) && !self.emergency && !self.onward && !self.transferred;
        let far = self.far.as_ref().filter(|_| free)?;
        Some((self.room.unwrap_or(far.port), talks.account))
    }

    /// It is parked by this phone, or held by the box.
    fn waits_for(&self, phone: crate::units::AccountId) -> bool {
        let parked =
            self.near.iter().all(|near| near.parked && near.account == phone) && !self.near.is_empty();
        match self.state {
            State::Talking => parked && !self.emergency && !self.onward && self.room.is_none(),
            State::Held(_) => true,
            _ => false,
        }
    }

    /// Its far side comes into a room; its legs of the house are needed no more.
    fn enter(&mut self, desk: &mut Desk, room: PortId) {
        self.leave_hold(desk);
        for near in core::mem::take(&mut self.near) {
            let cause = if near.role == Role::Rings { Cause::Cancelled } else { Cause::Normal };
            desk.hang_up(near, cause);
        }
        self.state = State::Talking;
        self.talking_since.get_or_insert(desk.now);
        self.room = Some(room);
        if let Some(far) = &self.far {
            desk.media(MediaCommand::Meet { port: far.port, room, seat: Seat::Talks });
        }
        self.decide(desk, "conference", "joined to the owner's other call".into());
    }

    // ---- listening along ----

    /// A leg of the house listens to the held line; nothing of it is in the line.
    pub(super) fn listen_along(&mut self, desk: &mut Desk, leg: Leg) {
        self.near.push(Leg { role: Role::Listens, ..leg });
        self.answer_near(desk, self.near.len() - 1);
        self.decide(desk, "listen", "the owner listens to the held call and is not heard".into());
        self.hear_along(desk);
    }

    /// Whoever listens hears the line as soon as his leg is open.
    pub(super) fn hear_along(&mut self, desk: &mut Desk) {
        let Some(far) = self.far.as_ref().filter(|far| far.open.is_some()) else { return };
        let listening = self.near.iter().filter(|near| near.role == Role::Listens && near.open.is_some());
        let ports: Vec<PortId> = listening.map(|near| near.port).collect();
        if ports.is_empty() {
            return;
        }
        desk.media(MediaCommand::Meet { port: far.port, room: far.port, seat: Seat::Talks });
        for port in ports {
            desk.media(MediaCommand::Meet { port, room: far.port, seat: Seat::Listens });
        }
    }

    /// The owner pressed `**` while hearing the confirmation, or the line: he wants the call back.
    pub(super) fn take_back(&mut self, desk: &mut Desk) {
        let pressed = self.near.iter().position(|leg| Some(leg.port) == self.pressed_on);
        if let Some(at) = pressed.filter(|at| self.near[*at].is_with_owner()).or_else(|| self.on_the_phone())
        {
            let leg = self.near.swap_remove(at);
            self.join_owner(desk, leg, "the owner took the call back");
        }
    }

    /// The leg of the house that hears the confirmation or the line.
    pub(super) fn on_the_phone(&self) -> Option<usize> {
        self.near.iter().position(Leg::is_with_owner)
    }

    /// One who listened has hung up.
    pub(super) fn heard_enough(&mut self, desk: &mut Desk) {
        if let Some(far) =
            self.far.as_ref().filter(|_| self.near.iter().all(|near| near.role != Role::Listens))
        {
            desk.media(MediaCommand::Part(far.port));
        }
        self.decide(desk, "wait", "the owner has listened and hung up: the box holds the line".into());
    }
}

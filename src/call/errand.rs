//! Calls that the box places and holds by itself, and calls that are sent to it to be held.
//!
//! `*59` and a number, the page, a program or the schedule: the box calls, follows the flow of the number if there is one,
//! and holds. The owner who dialled hears it all along without being heard; he may hang up at once.

use super::begin::{Arrival, NO_LINE};
use super::conversation::{Call, State};
use super::desk::Desk;
use super::dialling::Wanted;
use super::leg::{Leg, Role};
use super::record::Outcome;
use super::switchboard::Switchboard;
use super::{Answer, Effect, ListenOrder};
use crate::media::{MediaCommand, Tone};
use crate::sip::{Caller, Cause, Command};
use crate::slay::flow::Flow;
use crate::slay::schedule::{Due, Way};
use crate::sounds::Prompt;
use crate::trunk::route::Route;
use crate::units::{AccountId, CallId, Codec, Wall};
use core::time::Duration;

/// Nobody answers and nothing is heard for so long.
const RINGS: Duration = Duration::from_secs(90);
/// Whoever sends a call to the box hears what becomes of it, and then leaves.
const LEAVES: Duration = Duration::from_secs(8);

/// What the owner asks the box to do by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Call this number now and hold.
    Call(String, Way),
    /// The same at a later time.
    At(String, Way, Wall),
    /// Not any more.
    Forget(u32),
    /// Keep a flow that the owner wrote.
    Keep(String, Box<Flow>),
    /// Forget one version of a number's flow, or all.
    Drop(String, Option<u32>),
}

impl Switchboard {
    /// Carries out an errand, or says why not.
    pub(super) fn errand(&mut self, errand: Errand) -> Answer {
        match errand {
            Errand::Call(number, way) => {
                let (wanted, line) = self.may_call(&number, &way)?;
                let call = self.errand_call(&wanted, way);
                return Ok(Some(self.place(call, line, self.door.asked())));
            }
            Errand::At(_, Way::Task(_), _) if self.desk.plan.assisted.is_err() => {
                return Err(self.desk.plan.assisted.clone().err().unwrap_or_default());
            }
            Errand::At(number, way, at) => {
                let wanted = self.wanted_by_request(&number)?;
                let now = self.desk.wall();
                self.desk.schedule.add(&wanted.number, at, way, now)?;
                self.write_schedule();
            }
            Errand::Forget(id) if self.desk.schedule.remove(id) => self.write_schedule(),
            Errand::Forget(_) => return Err("this call is not planned: it may have been placed".into()),
            Errand::Keep(number, flow) => {
                let number = self.wanted_by_request(&number)?.number;
                let company = self.desk.plan.company(&number);
                let entry = self.desk.book.keep(&company, *flow, false, self.desk.wall())?;
                self.desk.write_flows(entry);
            }
            Errand::Drop(number, version) => {
                match self.desk.book.forget(&self.desk.plan.company(&number), version) {
                    None => return Err("there is no such flow: it may have been removed".into()),
                    entry => self.desk.write_flows(entry),
                }
            }
        }
        Ok(None)
    }

    /// What a call that the box places and holds needs at this moment, or why it would not be placed.
    pub(super) fn may_call(&self, number: &str, way: &Way) -> Result<(Wanted, (AccountId, String)), String> {
        if let (Way::Task(_), Err(why)) = (way, &self.desk.plan.assisted) {
            return Err(why.clone());
        }
        let wanted = self.wanted_by_request(number)?;
        let line = self.free_line(Some(&wanted.number))?;
        Ok((wanted, line))
    }

    fn write_schedule(&mut self) {
        let list = self.desk.schedule.list().to_vec();
        self.desk.out.push_back(Effect::Schedule(list));
    }

    /// The code that slays and a number, on a phone.
    pub(super) fn slay_from_phone(&mut self, arrival: &Arrival, wanted: &Wanted) {
        if let Some(why) = &wanted.refused {
            return self.refuse(arrival, &wanted.number, why, Cause::Rejected);
        }
        if self.desk.route(&[], false).0 == Route::NoTrunk {
            self.not_placed(true, &wanted.number, NO_LINE);
            return self.notice(arrival, Prompt::NoTrunk);
        }
        let line = match self.free_line(Some(&wanted.number)) {
            Ok(line) => line,
            Err(why) => return self.refuse(arrival, &wanted.number, &why, Cause::Congestion),
        };
        let mut call = self.errand_call(wanted, Way::Known);
        call.hops = arrival.hops - 1;
        let Some(leg) = self.arrive(call.id, arrival) else { return };
        call.near.push(Leg { role: Role::Listens, ..leg });
        call.answer_near(&mut self.desk, 0);
        call.near.iter().for_each(|near| self.desk.say(near, Prompt::Calling));
        self.place(call, line, "dialled on the phone, to be held");
    }

    /// A call that the box holds by itself, not yet placed.
    pub(super) fn errand_call(&mut self, wanted: &Wanted, way: Way) -> Call {
        let mut call = self.new_call(true, &wanted.number);
        (call.errand, call.by_box, call.private) = (true, true, wanted.private);
        call.gives_up = Some(self.desk.now + RINGS);
        call.choose_flow(&mut self.desk, &way);
        call.menu.way = way;
        call
    }

    /// Places it.
    pub(super) fn place(
        &mut self,
        mut call: Call,
        (trunk, through): (AccountId, String),
        reason: &str,
    ) -> CallId {
        call.decide(&mut self.desk, "dial", format!("{reason}, {through}"));
        let id = call.id;
        self.calls.insert(id, Box::new(call));
        self.call_trunk(id, trunk);
        id
    }

    /// Calls whose time has come.
    pub(super) fn keep_appointments(&mut self) {
        let now = self.desk.wall();
        let before = self.desk.schedule.list().len();
        for due in self.desk.schedule.due(now) {
            let number = match &due {
                Due::Call(a) | Due::Missed(a) => &a.number,
            };
            let line = self.free_line(Some(number)).ok().filter(|_| !self.is_helping());
            match (due, line) {
                (Due::Call(a), Some(line)) => match self.wanted_by_request(&a.number) {
                    Ok(wanted) => {
                        let call = self.errand_call(&wanted, a.way.clone());
                        self.place(call, line, "it was planned for this time");
                    }
                    Err(why) => self.not_placed(true, &a.number, &why),
                },
                (Due::Call(a), None) => self.desk.schedule.put_back(a, now),
                (Due::Missed(a), _) => {
                    let why = "the box was off, or had no line, when this call was planned";
                    self.not_placed(true, &a.number, why);
                    self.desk.missed();
                }
            }
        }
        if self.desk.schedule.list().len() < before {
            self.write_schedule();
        }
    }

    /// A call is sent to the box's own extension: it is held as it comes.
    pub(super) fn take_in(&mut self, arrival: &Arrival, caller: &Caller) {
        if self.desk.holds.len() >= self.desk.plan.max_holds || self.desk.free_ports() == 0 {
            let why = "a call was sent here while the box held as many as it may";
            self.not_placed(false, &caller.number, why);
            return self.desk.sip(Command::Hangup(arrival.leg, Cause::Busy));
        }
        let mut call = self.new_call(false, &caller.number);
        let Some(leg) = self.arrive(call.id, arrival) else { return };
        call.far = Some(leg);
        call.decide(&mut self.desk, "take in", "the call was sent to the box's extension".into());
        let id = call.id;
        self.calls.insert(id, Box::new(call));
        self.with(id, Call::hold_arrived);
    }
}

impl Call {
    /// It was placed to be held, and nothing is heard of it yet.
    pub(super) fn is_on_errand(&self) -> bool {
        self.errand && matches!(self.state, State::Dialing)
    }

    /// Something is heard of the far side: the box holds from here on. A menu cannot take keys before it has answered.
    pub(super) fn errand_sounds(&mut self, desk: &mut Desk) {
        let answered = self.record.answered.is_some();
        if (answered || !self.has_flow()) && !matches!(self.state, State::Held(_)) {
            let comfort = core::mem::take(&mut self.menu.comfort);
            for near in self.near.iter().filter(|near| comfort && near.open.is_some()) {
                desk.media(MediaCommand::Quiet(near.port));
            }
            if let Err(why) = self.hold(desk, "the box placed the call to hold it") {
                return self.end(desk, Outcome::Failed, &why, Cause::Normal);
            }
        }
        self.hear_along(desk);
    }

    /// While the box waits for an answer, the owner hears that it rings.
    pub(super) fn errand_comfort(&mut self, desk: &mut Desk) {
        self.menu.comfort = true;
        for near in self.near.iter().filter(|near| near.role == Role::Listens && near.open.is_some()) {
            desk.media(MediaCommand::Tone(near.port, Tone::Ringback));
        }
    }

    /// The leg that has arrived is answered and held.
    fn hold_arrived(&mut self, desk: &mut Desk) {
        let Some(far) = &mut self.far else { return };
        let first = far.session.map_or(Codec::Pcmu, |session| session.codec);
        let local = desk.local(far, first);
        desk.sip(Command::Answer(far.id, local));
        far.up = true;
        self.record.answered = Some(desk.wall());
        self.state = State::Talking;
        match far.session {
            Some(session) => {
                desk.settle(far, session);
                self.hold_sent(desk);
            }
            // The offer was ours: it is held when it is known where to listen.
            None => self.errand = true,
        }
    }

    /// Whoever sent the call hears that it is held, and is not taken for the person waited for.
    pub(super) fn hold_sent(&mut self, desk: &mut Desk) {
        self.errand = false;
        if let Err(why) = self.hold(desk, "it was sent here to be held") {
            return self.end(desk, Outcome::Failed, &why, Cause::Busy);
        }
        if let Some(far) = &self.far {
            desk.media(MediaCommand::Tap(far.port, false));
            desk.listen(ListenOrder::Pause(far.port));
            desk.say(far, Prompt::Holding);
            self.menu.deaf_until = Some(desk.now + LEAVES);
        }
    }
}

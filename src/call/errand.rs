//! Calls that the box places and holds by itself, and calls that are sent to it to be held.
//!
//! `*59` and a number, the page, a script or the schedule: the box calls, follows the flow of the number if there is one,
//! and holds. The owner who dialled hears it all along without being heard; he may hang up at once.

use super::begin::{Arrival, BOX_FULL, LINES_FULL, NO_LINE};
use super::conversation::{Call, State};
use super::desk::Desk;
use super::dialling::{Wanted, wanted};
use super::leg::Role;
use super::record::Outcome;
use super::switchboard::Switchboard;
use super::{Effect, ListenOrder};
use crate::media::{MediaCommand, Tone};
use crate::sip::{Caller, Cause, Command, plain};
use crate::slay::flow::Flow;
use crate::slay::schedule::{Due, Way};
use crate::sounds::Prompt;
use crate::trunk::route::Route;
use crate::units::{Codec, Wall};
use core::time::Duration;

/// Nobody answers and nothing is heard for so long.
const RINGS: Duration = Duration::from_secs(180);
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
    pub(super) fn errand(&mut self, errand: Errand) -> Result<(), String> {
        match errand {
            Errand::Call(number, way) => {
                let wanted = self.for_errand(&number)?;
                self.place(&wanted, way, "asked for on the page", None)
            }
            Errand::At(number, way, at) => {
                let wanted = self.for_errand(&number)?;
                let now = self.desk.wall();
                self.desk.schedule.add(&wanted.number, at, way, now)?;
                self.write_schedule();
                Ok(())
            }
            Errand::Forget(id) => match self.desk.schedule.remove(id) {
                true => {
                    self.write_schedule();
                    Ok(())
                }
                false => Err("this call is not planned: it may have been placed".into()),
            },
            Errand::Keep(number, flow) => {
                let number = self.for_errand(&number)?.number;
                let entry = self.desk.book.keep(&number, *flow, false, self.desk.wall())?;
                self.desk.write_flows(entry);
                Ok(())
            }
            Errand::Drop(number, version) => {
                let entry = self.desk.book.forget(&number, version);
                let found = entry.is_some();
                self.desk.write_flows(entry);
                found.then_some(()).ok_or_else(|| "there is no such flow: it may have been removed".into())
            }
        }
    }

    /// The number of an errand. Help is called by hand.
    fn for_errand(&self, number: &str) -> Result<Wanted, String> {
        let number = self.desk.plan.speed_dial(number).unwrap_or(number);
        match wanted(&self.desk.plan, number) {
            Some(wanted) if wanted.emergency => Err("calls for help are made by hand".into()),
            Some(Wanted { refused: Some(why), .. }) => Err(why),
            Some(wanted) if plain(&wanted.number).bytes().all(|b| b.is_ascii_digit()) => Ok(wanted),
            _ => Err(format!("{number} is no number that can be called")),
        }
    }

    fn write_schedule(&mut self) {
        let list = self.desk.schedule.list().to_vec();
        self.desk.out.push_back(Effect::Schedule(list));
    }

    /// `*59` and a number on a phone.
    pub(super) fn slay_from_phone(&mut self, arrival: &Arrival, wanted: &Wanted) {
        if let Some(why) = &wanted.refused {
            return self.refuse(arrival, &wanted.number, why, Cause::Rejected);
        }
        if let Err(why) = self.place(wanted, Way::Known, "dialled on the phone, to be held", Some(arrival)) {
            match why.as_str() {
                NO_LINE => self.notice(arrival, Prompt::NoTrunk),
                _ => self.desk.sip(Command::Hangup(arrival.leg, Cause::Congestion)),
            }
        }
    }

    /// Places a call that the box holds by itself.
    fn place(
        &mut self,
        wanted: &Wanted,
        way: Way,
        reason: &str,
        arrival: Option<&Arrival>,
    ) -> Result<(), String> {
        let placed = self.line_for_errand();
        let (trunk, through) = match placed {
            Ok(placed) => placed,
            Err(why) => {
                self.not_placed(true, &wanted.number, &why);
                return Err(why);
            }
        };
        let mut call = self.new_call(true, &wanted.number);
        (call.errand, call.by_box, call.private) = (true, true, wanted.private);
        call.gives_up = Some(self.desk.now + RINGS);
        call.choose_flow(&self.desk, way);
        call.decide(&mut self.desk, "dial", format!("{reason}, {through}"));
        let id = call.id;
        if let Some(arrival) = arrival {
            call.hops = arrival.hops - 1;
            let Some(leg) = self.arrive(id, arrival) else { return Err(BOX_FULL.into()) };
            call.near.push(super::leg::Leg { role: Role::Listens, ..leg });
            call.answer_near(&mut self.desk, 0);
            call.near.iter().for_each(|near| self.desk.say(near, Prompt::Calling));
        }
        self.calls.insert(id, Box::new(call));
        self.call_trunk(id, trunk);
        Ok(())
    }

    fn line_for_errand(&self) -> Result<(crate::units::AccountId, String), String> {
        let on_errand = self.calls.values().filter(|call| call.is_on_errand()).count();
        if self.stopping {
            return Err("the box is stopping".into());
        }
        if self.desk.holds.len() + on_errand >= self.desk.plan.max_holds {
            let most = self.desk.plan.max_holds;
            return Err(format!("the box holds {most} already, which is the most it may"));
        }
        if self.desk.free_ports() < 2 {
            return Err(BOX_FULL.into());
        }
        match self.route(&[], false) {
            (Route::Trunk(trunk), through) => Ok((trunk, through)),
            (Route::NoTrunk, _) => Err(NO_LINE.into()),
            (Route::Full | Route::PreEmpt(_), _) => Err(LINES_FULL.into()),
        }
    }

    /// Calls whose time has come.
    pub(super) fn keep_appointments(&mut self) {
        let now = self.desk.wall();
        let before = self.desk.schedule.list().len();
        let due = self.desk.schedule.due(now);
        for due in due {
            match due {
                Due::Call(a) if self.line_for_errand().is_err() => self.desk.schedule.put_back(a, now),
                // Why it could not be placed stands in its record.
                Due::Call(a) => match self.for_errand(&a.number) {
                    Ok(wanted) => {
                        let _ = self.place(&wanted, a.way, "it was planned for this time", None);
                    }
                    Err(why) => self.not_placed(true, &a.number, &why),
                },
                Due::Missed(a) => {
                    let why = "the box was off, or had no line, when this call was planned";
                    self.not_placed(true, &a.number, why);
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
            self.not_placed(
                false,
                &caller.number,
                "a call was sent here while the box held as many as it may",
            );
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

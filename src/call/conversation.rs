//! One call: a trunk's leg, the legs of the house, and what is between them.

use super::Event;
use super::desk::Desk;
use super::holding::Holding;
use super::leg::{Leg, Role};
use super::menu::Menu;
use super::policy::{in_words, outcome_of, told_to_caller};
use super::record::{Decision, Outcome, Record};
use super::replay::Replay;
use super::trying::Trying;
use super::turns::Ringing;
use crate::media::{MediaCommand, Seat};
use crate::phone::gesture::Gesture;
use crate::rtp::report::Quality;
use crate::sip::{Cause, Command, Manner, Session};
use crate::units::{AccountId, CallId, Instant, LegId, PortId};
use core::time::Duration;

/// By this word in Alert-Info a phone knows that a held call comes back.
const RING_BACK: &str = "HOLD";
/// A call that rings longer than this has lost its caller, whose end was never told (RFC 3261 §16.6, Timer C).
const RINGS: Duration = Duration::from_secs(240);

/// Who hangs up this soon after he was joined to a person was rung for none.
const HUNG_UP: Duration = Duration::from_secs(5);

/// A call without a packet from either side for so long is abandoned. Both may hold each other for a while.
const ABANDONED_S: u32 = 15 * 60;

#[derive(Debug)]
pub(super) enum State {
    /// The house called; the far side has not answered.
    Dialing,
    /// The far side called, or its call comes back; the phones ring since.
    Incoming(Instant),
    /// Answered; joined unless the phone has parked the call.
    Talking,
    /// The box holds the line.
    Held(Box<Holding>),
    /// Nothing left to do.
    Over,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: CallId,
    pub(super) record: Record,
    pub(super) started: Instant,
    pub(super) far: Option<Leg>,
    pub(super) near: Vec<Leg>,
    pub(super) state: State,
    pub(super) gesture: Gesture,
    /// The leg on which the owner pressed a key last.
    pub(super) pressed_on: Option<PortId>,
    pub(super) emergency: bool,
    /// How far the call may still go, Max-Forwards.
    pub(super) hops: u8,
    /// The caller is not to be shown.
    pub(super) private: bool,
    /// Both sides are joined since.
    pub(super) talking_since: Option<Instant>,
    /// And for no longer than this.
    longest: Duration,
    /// Why the phones that rang did not answer.
    pub(super) causes: Vec<Cause>,
    pub(super) trying: Trying,
    /// It was placed, or sent here, to be held from the start.
    pub(super) errand: bool,
    /// What is known of the company's menu.
    pub(super) menu: Menu,
    /// Phones that are on another call and did not ring for this one, which is held and wants its owner.
    pub(super) refused: Vec<AccountId>,
    /// The phones ring in turn.
    pub(super) ringing: Option<Ringing>,
    /// The owner was joined to a person after a hold, last at.
    pub(super) slain: Option<Instant>,
    /// He was joined while he was about to hang up, at.
    pub(super) surprised: Option<Instant>,
    /// The call ended while he talked to whom the box had found.
    pub(super) met: bool,
    /// The box held it first, at.
    pub(super) first_held: Option<Instant>,
    /// He was, before the hold that goes on.
    pub(super) served: bool,
    /// The box has placed it by itself.
    pub(super) by_box: bool,
    /// The owner has pressed keys for the far side: what they led to is not known.
    pub(super) keyed: bool,
    /// What the far side said before it hung up, if it explains that.
    pub(super) nobody_comes: Option<crate::slay::Told>,
    /// When the numbers outside the house ring as well.
    pub(super) also_at: Option<Instant>,
    /// How many of them have been rung in this go.
    pub(super) also_rung: usize,
    /// Legs of the house that still have to hear that the held call has ended.
    pub(super) to_tell: Vec<Leg>,
    /// The owner asked on his phone for a conference.
    pub(super) wants_conference: bool,
    /// What the studio does with it.
    pub(super) studio: super::recording::Studio,
    /// Several calls of one phone talk together in this room.
    pub(super) room: Option<PortId>,
    /// Somebody is being called to take the phone's place.
    pub(super) onward: bool,
    /// Somebody outside has taken it: no leg of the house is left.
    pub(super) transferred: bool,
    /// No phone waits for the callee, and the box no longer than this.
    pub(super) gives_up: Option<Instant>,
    /// What its last legs were told.
    pub(super) cause: Cause,
    /// It was asked for elsewhere than on a phone: the phones ring before it is placed.
    pub(super) rings_first: bool,
    /// What programs were told of it.
    pub(super) told: super::event::Told,
    /// The owner hears what the person has said before he is joined.
    pub(super) replay: Option<Replay>,
}

impl Call {
    pub(super) fn new(desk: &Desk, id: CallId, outgoing: bool, number: &str) -> Self {
        Self {
            id,
            record: Record::new(id, outgoing, number, desk.wall()),
            started: desk.now,
            far: None,
            near: Vec::with_capacity(1),
            state: if outgoing { State::Dialing } else { State::Incoming(desk.now) },
            gesture: Gesture::new(&desk.plan.codes.gesture, &desk.plan.codes.hold),
            pressed_on: None,
            emergency: false,
            hops: Manner::default().hops,
            private: false,
            talking_since: None,
            longest: desk.plan.longest,
            causes: Vec::new(),
            trying: Trying::default(),
            errand: false,
            menu: Menu::default(),
            refused: Vec::new(),
            ringing: None,
            slain: None,
            surprised: None,
            met: false,
            first_held: None,
            served: false,
            by_box: false,
            keyed: false,
            nobody_comes: None,
            also_at: None,
            also_rung: 0,
            to_tell: Vec::new(),
            wants_conference: false,
            studio: super::recording::Studio::default(),
            room: None,
            onward: false,
            transferred: false,
            gives_up: None,
            cause: Cause::Normal,
            rings_first: false,
            told: super::event::Told::default(),
            replay: None,
        }
    }

    /// How a leg of this call is called.
    pub(super) fn manner(&self) -> Manner {
        let back = matches!(self.state, State::Held(_));
        Manner { hops: self.hops, alert: back.then_some(RING_BACK), clear: false }
    }

    /// Nobody took the call, or the hold ended without the owner.
    pub(super) fn was_missed(&self) -> bool {
        self.record.outcome.is_lost() || !self.record.outgoing && self.record.answered.is_none()
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let own = match &self.state {
            State::Held(holding) => holding.deadline(),
            State::Incoming(since) => Some(*since + RINGS),
            State::Dialing => self.gives_up,
            State::Talking if !self.emergency => self.talking_since.map(|at| at + self.longest),
            State::Talking | State::Over => None,
        };
        let turn = self.ringing.as_ref().and_then(Ringing::deadline);
        let asked = self.near.iter().filter_map(|leg| leg.asked_until).min();
        let (trying, menu) = (self.trying.deadline(), self.menu.deadline());
        let replay = self.replay.map(Replay::until);
        let all = [own, turn, asked, self.also_at, self.gesture.deadline(), trying, menu, replay];
        all.into_iter().flatten().min()
    }

    pub(super) fn timeout(&mut self, desk: &mut Desk) {
        self.gesture.timeout(desk.now);
        self.drain_gesture(desk);
        self.trunk_silent(desk);
        self.turn_over(desk);
        self.outside_timeout(desk);
        self.holding_timeout(desk);
        self.menu_timeout(desk);
        self.replay_timeout(desk);
        let rang = match self.state {
            State::Incoming(since) => Some(since + RINGS),
            State::Dialing => self.gives_up,
            _ => None,
        };
        if rang.is_some_and(|until| desk.now >= until) {
            self.end(desk, self.unless_talked(Outcome::NoAnswer), "it rang too long", Cause::NoAnswer);
        }
        if matches!(self.state, State::Talking)
            && !self.emergency
            && self.talking_since.is_some_and(|at| desk.now >= at + self.longest)
        {
            self.end(desk, Outcome::CapReached, "the longest call allowed was reached", Cause::Normal);
        }
    }

    // ---- the user agent's facts ----

    pub(super) fn ringing(&mut self, desk: &mut Desk, leg: LegId) {
        if self.is_far(leg) {
            self.trying.heard_of_callee();
        }
        match self.state {
            State::Dialing if self.errand => {}
            State::Dialing if self.is_far(leg) && self.far.as_ref().is_some_and(|f| f.open.is_none()) => {
                for near in self.near.iter().filter(|near| !near.up) {
                    desk.sip(Command::Ringing(near.id));
                }
                self.ring_back_to_placer(desk);
            }
            State::Incoming(_) => {
                if let Some(far) = &self.far {
                    desk.sip(Command::Ringing(far.id));
                }
            }
            State::Held(_) => {
                if let Some(phone) = self.near.iter().find(|l| l.id == leg).map(|l| l.account) {
                    self.phone_busy(phone, false);
                }
            }
            _ => {}
        }
    }

    /// RFC 3960: what the far side plays before it answers belongs to the caller at once; queues live in it.
    pub(super) fn progress(&mut self, desk: &mut Desk, leg: LegId, session: Session) {
        if !self.is_far(leg) || !self.record.outgoing {
            return;
        }
        self.trying.heard_of_callee();
        let Some(far) = &mut self.far else { return };
        desk.settle(far, session);
        if !matches!(self.state, State::Dialing) {
            return;
        }
        if self.errand {
            return self.errand_sounds(desk);
        }
        for near in &mut self.near {
            let Some(session) = near.session else { continue };
            if near.open.is_none() {
                let local = desk.local(near, session.codec);
                desk.sip(Command::Progress(near.id, local));
                desk.settle(near, session);
            }
            desk.join(near, far);
        }
    }

    pub(super) fn answered(&mut self, desk: &mut Desk, leg: LegId, session: Session) {
        if self.is_far(leg) {
            return self.far_answered(desk, session);
        }
        let Some(at) = self.near.iter().position(|l| l.id == leg) else { return };
        desk.settle(&mut self.near[at], session);
        self.near[at].up = true;
        if self.placed_is_answered() {
            return self.placer_answered(desk, at);
        }
        match (&self.state, self.near[at].role) {
            (State::Incoming(_), _) => self.phone_answered(desk, at),
            (State::Talking, _) => self.connect(desk),
            (State::Held(_), Role::Rings) if self.near[at].outside => self.ask_outside(desk, at),
            (State::Held(_), Role::Rings) => self.owner_answered(desk, at),
            (State::Held(_), Role::Confirms) => self.confirm(desk, at),
            (State::Held(_), Role::Listens) => self.hear_along(desk),
            _ => {}
        }
    }

    fn far_answered(&mut self, desk: &mut Desk, session: Session) {
        let Some(far) = &mut self.far else { return };
        self.trying.heard_of_callee();
        desk.settle(far, session);
        far.up = true;
        self.record.answered.get_or_insert(desk.wall());
        if self.errand && self.record.outgoing {
            self.errand_sounds(desk);
        } else if self.errand {
            self.hold_sent(desk);
        } else if matches!(self.state, State::Dialing) {
            self.state = State::Talking;
            for at in 0..self.near.len() {
                self.answer_near(desk, at);
            }
        }
        if matches!(self.state, State::Talking) {
            self.connect(desk);
            self.hear_menu(desk);
        }
        desk.record(&self.record);
    }

    /// Answers a leg the house opened.
    pub(super) fn answer_near(&mut self, desk: &mut Desk, at: usize) {
        let Some(near) = self.near.get_mut(at).filter(|near| !near.up) else { return };
        let codec = near.session.or(self.far.as_ref().and_then(|f| f.session));
        let local = desk.local(near, codec.map_or(crate::units::Codec::Pcmu, |s| s.codec));
        desk.sip(Command::Answer(near.id, local));
        if let Some(session) = near.session {
            desk.settle(near, session);
        }
    }

    pub(super) fn phone_answered(&mut self, desk: &mut Desk, at: usize) {
        let winner = self.near.swap_remove(at);
        self.ringing = None;
        for other in self.near.drain(..) {
            desk.hang_up(other, Cause::Elsewhere);
        }
        let codec = winner.session.map(|s| s.codec);
        self.near.push(Leg { role: Role::Talks, ..winner });
        self.state = State::Talking;
        if let Some(far) = self.far.as_mut().filter(|far| !far.up) {
            let first = far.session.map(|s| s.codec).or(codec).unwrap_or(crate::units::Codec::Pcmu);
            let local = desk.local(far, first);
            desk.sip(Command::Answer(far.id, local));
            if let Some(session) = far.session {
                desk.settle(far, session);
            }
        }
        self.record.answered.get_or_insert(desk.wall());
        self.connect(desk);
        desk.record(&self.record);
    }

    /// Joins the talking leg with the trunk's, unless the phone has parked the call.
    pub(super) fn connect(&mut self, desk: &mut Desk) {
        if matches!(self.state, State::Talking) {
            self.talking_since.get_or_insert(desk.now);
        }
        let talks = |leg: &&Leg| leg.role == Role::Talks && !leg.parked;
        let talking = self.near.iter().find(talks).filter(|_| !self.is_replayed());
        match (talking, &self.far, self.room) {
            (Some(near), Some(far), None) => desk.join(near, far),
            (Some(near), Some(far), Some(room)) => {
                for port in [near.port, far.port] {
                    desk.media(MediaCommand::Meet { port, room, seat: Seat::Talks });
                }
            }
            _ => {}
        }
    }

    /// Each leg's hold is its own: the phone's is never passed to the trunk, the trunk's never to the phone.
    pub(super) fn changed(&mut self, desk: &mut Desk, leg: LegId, session: Session) {
        if self.is_far(leg) {
            if let Some(far) = &mut self.far {
                desk.settle(far, session);
            }
            return;
        }
        let Some(near) = self.near.iter_mut().find(|l| l.id == leg) else { return };
        desk.settle(near, session);
        let was = core::mem::replace(&mut near.parked, !session.send);
        if near.role != Role::Talks || was == near.parked {
            return;
        }
        if near.parked {
            desk.media(MediaCommand::Part(near.port));
            self.comfort(desk);
        } else if matches!(self.state, State::Talking) || self.far.as_ref().is_some_and(|f| f.open.is_some())
        {
            self.connect(desk);
        }
    }

    pub(super) fn ended(&mut self, desk: &mut Desk, leg: LegId, cause: Cause) {
        if self.is_far(leg) {
            return self.far_ended(desk, cause);
        }
        let Some(at) = self.near.iter().position(|l| l.id == leg) else { return };
        let gone = self.near.swap_remove(at);
        let (role, phone, outside) = (gone.role, gone.account, gone.outside);
        desk.forget(gone);
        let talking = matches!(self.state, State::Talking) && !self.onward;
        let no_person = self.is_replayed() || self.is_false_alarm(desk.now, HUNG_UP);
        if talking && no_person && self.back_to_hold(desk) {
            return;
        }
        match &self.state {
            State::Dialing if self.errand => {
                self.decide(desk, "wait", "the owner has hung up: the box goes on by itself".into());
            }
            State::Dialing => self.end(desk, Outcome::Cancelled, "the caller hung up", Cause::Cancelled),
            State::Talking if self.onward => self.left_behind(desk),
            State::Talking => {
                let who = if self.transferred { "who had it put through to them" } else { "the owner" };
                self.end(desk, self.talked(), &format!("{who} hung up"), Cause::Normal);
            }
            State::Incoming(_) => {
                self.causes.push(cause);
                if self.near.is_empty() && !self.ring_next(desk) {
                    let told = told_to_caller(&self.causes);
                    self.end(desk, self.unless_talked(outcome_of(told)), &in_words(told), told);
                }
            }
            State::Held(_) if matches!(role, Role::Rings | Role::Asked) => {
                self.causes.push(cause);
                self.phone_busy(phone, cause == Cause::Busy && !outside);
                self.ring_ended(desk);
            }
            State::Held(_) if role == Role::Listens => self.heard_enough(desk),
            State::Held(_) => self.away(desk),
            State::Over => {}
        }
    }

    fn far_ended(&mut self, desk: &mut Desk, cause: Cause) {
        let trunk = self.far.take().map(|far| {
            let account = far.account;
            desk.forget(far);
            account
        });
        let reason = format!("the far side: {}", in_words(cause));
        match &self.state {
            State::Dialing
                if trunk.is_some_and(|t| self.trying.refused(desk.now, t, cause, self.emergency)) => {}
            State::Dialing => self.end(desk, outcome_of(cause), &reason, cause),
            State::Incoming(_) => {
                self.end(desk, self.unless_talked(Outcome::Cancelled), &reason, Cause::Cancelled);
            }
            State::Talking if self.is_replayed() => {
                self.end(desk, Outcome::AgentLost, &reason, Cause::Normal);
            }
            State::Talking => self.end(desk, self.talked(), &reason, Cause::Normal),
            State::Held(holding) => {
                let outcome = self.outcome_of_talk().unwrap_or_else(|| holding.outcome_if_far_leaves());
                self.nobody_comes = holding.nobody_comes();
                self.end(desk, outcome, &reason, Cause::Normal);
            }
            State::Over => {}
        }
    }

    /// Ends every leg and closes the record.
    pub(super) fn end(&mut self, desk: &mut Desk, outcome: Outcome, reason: &str, cause: Cause) {
        self.tell_news(desk);
        self.menu_over(desk, outcome);
        self.leave_hold(desk);
        let held = matches!(self.state, State::Held(_));
        let replayed = self.is_replayed();
        self.met = !held && !replayed && self.has_met(desk.now, HUNG_UP);
        self.drop_replay(desk);
        self.ringing = None;
        self.also_at = None;
        self.state = State::Over;
        self.cause = cause;
        for near in self.near.drain(..) {
            let hears = match near.role {
                Role::Listens | Role::Confirms => held,
                Role::Talks => replayed && cause == Cause::Normal,
                Role::Rings | Role::Asked => false,
            };
            if hears && near.open.is_some() {
                self.to_tell.push(near);
                continue;
            }
            // A phone that only rings is told by CANCEL, whatever became of the caller.
            let cause = if near.role == Role::Rings { Cause::Cancelled } else { cause };
            desk.hang_up(near, cause);
        }
        self.count_the_cost(desk);
        if let Some(far) = self.far.take() {
            desk.hang_up(far, cause);
        }
        self.push_decision(desk, "end", reason.into());
        self.record.outcome = outcome;
        self.record.ended = Some(desk.wall());
        desk.record(&self.record);
        self.tell_end(desk, outcome, reason);
    }

    /// How the streams of one leg fare.
    pub(super) fn quality(&mut self, port: PortId, quality: Quality) {
        if let Some(leg) = self.near.iter_mut().chain(&mut self.far).find(|leg| leg.port == port) {
            leg.quality = Some(quality);
        }
    }

    /// Nothing has come from this port's peer for so long. One that is quiet may be listening; when both are, nobody is
    /// there: the end of the call was never told.
    pub(super) fn starved(&mut self, desk: &mut Desk, port: PortId, seconds: u32) {
        if let Some(leg) = self.near.iter_mut().chain(&mut self.far).find(|leg| leg.port == port) {
            leg.silent_s = seconds;
        }
        let silent = |leg: &Leg| leg.silent_s >= ABANDONED_S;
        if matches!(self.state, State::Talking) && self.near.iter().chain(&self.far).all(silent) {
            self.end(
                desk,
                self.talked(),
                "neither side has sent any sound for a quarter of an hour",
                Cause::Normal,
            );
        }
    }

    // ---- small things ----

    pub(super) fn is_far(&self, leg: LegId) -> bool {
        self.far.as_ref().is_some_and(|f| f.id == leg)
    }

    pub(super) fn since_start_ms(&self, now: Instant) -> u64 {
        u64::try_from(now.since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// What the trunk has probably charged: every minute that was begun.
    fn count_the_cost(&mut self, desk: &Desk) {
        let price = self
            .far
            .as_ref()
            .and_then(|far| desk.peer(far.account))
            .or_else(|| desk.plan.trunks().find(|peer| peer.name == self.record.figures.trunk));
        let price = price.filter(|_| self.record.outgoing).and_then(|peer| peer.rules.cents_per_minute);
        let answered = self.record.answered.map(|at| desk.wall().0.saturating_sub(at.0).div_ceil(60_000));
        self.record.figures.cents = price.zip(answered).map(|(price, minutes)| price * minutes as f32);
    }

    pub(super) fn decide(&mut self, desk: &mut Desk, what: &str, reason: String) {
        self.tell_start(desk);
        let event = Event::CallDecided { what: what.into(), reason: reason.clone() };
        desk.happened(Some(self.id), event);
        self.push_decision(desk, what, reason);
        desk.record(&self.record);
    }

    pub(super) fn push_decision(&mut self, desk: &Desk, what: &str, reason: String) {
        let at_ms = self.since_start_ms(desk.now);
        self.record.decide(Decision { at_ms, what: what.into(), reason });
    }
}

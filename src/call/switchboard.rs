//! Routes every input to the call it belongs to.

use super::begin::Arrival;
use super::conversation::{Call, State};
use super::desk::Desk;
use super::greeting::Booth;
use super::leg::{Leg, Role};
use super::notice::Notice;
use super::plan::{Plan, Which};
use super::record::Outcome;
use super::redial::Redial;
use super::snapshot::{CallView, Phase, Snapshot, StreamView};
use super::transfer::{Referral, Transfer};
use super::{Answer, Door, Effect, Event as Told, Input, Request};
use crate::sip::{Cause, Discard, Event, Side};
use crate::slay::book::Book;
use crate::slay::schedule::Schedule;
use crate::sounds::Prompt;
use crate::units::{AccountId, CallId, Instant, LegId, PortId};
use crate::{listen, media};
use core::time::Duration;
use std::collections::BTreeMap;

/// After an emergency call whoever calls may be the help that was called.
const CALL_BACK: Duration = Duration::from_secs(3600);

/// All calls of the house.
#[derive(Debug)]
pub struct Switchboard {
    pub(super) desk: Desk,
    pub(super) calls: BTreeMap<CallId, Box<Call>>,
    pub(super) notices: BTreeMap<LegId, Notice>,
    /// Where the owner makes his greeting.
    pub(super) booths: BTreeMap<LegId, Booth>,
    /// Calls that were placed to put others through to them.
    pub(super) transfers: BTreeMap<CallId, Transfer>,
    pub(super) next_call: u64,
    /// Whoever calls until then may be the help that was called.
    pub(super) call_back_until: Option<Instant>,
    /// Calls that providers were asked to put through, by the leg that was asked.
    pub(super) referrals: BTreeMap<LegId, Referral>,
    /// Numbers to be dialled again.
    pub(super) redials: Vec<Redial>,
    discards: BTreeMap<Discard, u64>,
    troubles: Vec<String>,
    /// Something that the page shows has changed since `take_news`.
    news: bool,
    /// When the first call or notice has to be looked at: known after each input, for it is asked for more often.
    due: Option<Instant>,
    /// Somebody hears the call-waiting beep.
    pub(super) beeping: bool,
    /// The box is being stopped: nobody is let in any more.
    pub(super) stopping: bool,
    /// By which the request came that is carried out now.
    pub(super) door: Door,
}

impl Switchboard {
    /// A switchboard without calls. `first_call` is the number of its first record; `seed` makes RTP streams differ.
    pub fn new(plan: Plan, first_call: CallId, seed: u64) -> Self {
        Self {
            desk: Desk::new(plan, seed),
            calls: BTreeMap::new(),
            notices: BTreeMap::new(),
            booths: BTreeMap::new(),
            transfers: BTreeMap::new(),
            next_call: first_call.0,
            call_back_until: None,
            referrals: BTreeMap::new(),
            redials: Vec::new(),
            discards: BTreeMap::new(),
            troubles: Vec::new(),
            news: true,
            due: None,
            beeping: false,
            stopping: false,
            door: Door::default(),
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.desk.now = now;
        // Told of every stream all the time. It moves no deadline, and is seen when the page is made anew next.
        if let Input::Media(media::Event::Quality(port, quality)) = input {
            let call = self.desk.port_calls.get(&port).and_then(|id| self.calls.get_mut(id));
            return call.into_iter().for_each(|call| call.quality(port, quality));
        }
        self.news = true;
        match input {
            Input::Sip(event) => self.sip(event),
            Input::Media(event) => self.media(event),
            Input::Heard(port, epoch, heard) => self.heard(port, epoch, heard),
            Input::Prompt(port, epoch, prompted) => {
                self.with_port(port, |call, desk| call.prompted(desk, epoch, prompted));
            }
            Input::Recall(entries, planned) => {
                let (book, moved) = Book::gathered(entries, |number| self.desk.plan.company(number));
                self.desk.book = book;
                moved.into_iter().for_each(|entry| self.desk.write_flows(Some(entry)));
                self.desk.schedule = Schedule::new(planned);
            }
            Input::Request(number, request) => {
                let answer = self.request(request);
                self.desk.reply(number, answer);
            }
            Input::NotLocated(account) => {
                let words =
                    "its server's name cannot be resolved: check the network, and server in [[trunk]]";
                self.peer(account, false, words.into());
            }
            Input::NoWay(account, why) => self.desk.no_way(account, why),
            Input::Address(ip) => self.desk.plan.media_ip = ip,
            Input::Admit(peer) => self.desk.admit(peer),
            Input::Dismiss(account) => self.dismiss(account),
            Input::Clock(wall) => self.desk.set_clock(wall),
            Input::Troubles(troubles) => self.tell_troubles(troubles),
            Input::Cut(port, epoch, sound) => {
                self.with_port(port, |call, desk| call.replay(desk, epoch, sound.as_ref()));
                self.sentence(port, epoch, sound);
            }
            Input::Advice(number, answer) => {
                let asked = self.calls.iter().find(|(_, call)| call.has_asked(number)).map(|(id, _)| *id);
                asked.map(|id| self.with(id, |call, desk| call.advised(desk, answer)));
            }
            Input::Greeting(own) => self.desk.greeting = own,
            Input::Spoken(text, sound) => {
                self.desk.spoken(text.clone(), sound);
                self.text_spoken(&text);
            }
            Input::Timeout => {}
        }
        self.timeout();
        self.attend_waiting();
        self.due = self.next();
    }

    /// The next thing to do; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<Effect> {
        self.desk.poll()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    fn next(&self) -> Option<Instant> {
        let calls = self.calls.values().filter_map(|call| call.deadline()).min();
        let notices = self.notices.values().map(|n| n.until).min();
        let booths = self.booths.values().map(|booth| booth.until).min();
        let planned = self.desk.schedule.next(self.desk.wall()).map(|wait| self.desk.now + wait);
        let redials = self.redials.iter().map(|redial| redial.at).min();
        [calls, notices, booths, redials, planned].into_iter().flatten().min()
    }

    /// Whether the snapshot may have changed; asking changes nothing.
    pub fn peek_news(&self) -> bool {
        self.news
    }

    /// Whether the snapshot may have changed since the last call.
    pub fn take_news(&mut self) -> bool {
        core::mem::take(&mut self.news)
    }

    /// Ends every call, and refuses those that come: the box is being stopped.
    pub fn stop(&mut self, now: Instant) {
        self.desk.now = now;
        self.stopping = true;
        self.forget_redials();
        self.end_booths_of(None);
        for leg in self.notices.keys().copied().collect::<Vec<_>>() {
            self.end_notice(leg);
        }
        for id in self.calls.keys().copied().collect::<Vec<_>>() {
            self.with(id, |call, desk| {
                call.end(desk, Outcome::Interrupted, "the box was stopped", Cause::Normal)
            });
        }
        self.due = self.next();
    }

    fn timeout(&mut self) {
        self.keep_appointments();
        let now = self.desk.now;
        let due: Vec<CallId> = self
            .calls
            .iter()
            .filter(|(_, c)| c.deadline().is_some_and(|at| now >= at))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.with(id, |call, desk| call.timeout(desk));
            self.redial(id);
        }
        self.redials_due();
        self.booths_timeout();
        let late: Vec<LegId> =
            self.notices.iter().filter(|(_, n)| now >= n.until).map(|(id, _)| *id).collect();
        for leg in late {
            self.end_notice(leg);
        }
    }

    /// Gives one call the desk, and buries it if it is over afterwards.
    pub(super) fn with<T>(&mut self, id: CallId, act: impl FnOnce(&mut Call, &mut Desk) -> T) -> Option<T> {
        let call = self.calls.get_mut(&id)?;
        let port = call.far.as_ref().map(|f| f.port);
        let result = act(call, &mut self.desk);
        call.attend_studio(&mut self.desk);
        call.tell_news(&mut self.desk);
        let (room, wants_conference) = (call.room, core::mem::take(&mut call.wants_conference));
        if call.is_over()
            && let Some(mut call) = self.calls.remove(&id)
        {
            let again = self.dial_again(&call);
            self.desk.plan.note_wait(&call.record);
            self.left_to_provider(id);
            let ended = if again { Prompt::Redialling } else { Prompt::Ended };
            for leg in core::mem::take(&mut call.to_tell) {
                self.desk.legs.remove(&leg.id);
                self.notices.insert(leg.id, Notice::tell(&mut self.desk, leg, ended));
            }
            let (missed, cause) = (call.was_missed() && !again, call.cause);
            self.desk.hold_ended |= call.record.hold_started.is_some() && missed;
            let met = call.met;
            if call.emergency && call.record.outgoing {
                self.help_may_call_back();
            }
            self.transfer_over(id, cause);
            if missed {
                self.desk.missed();
            }
            if let Some(port) = port {
                self.desk.stop_listening(port, met);
            }
            if let Some(room) = room {
                self.leave_room(room);
            }
        } else if wants_conference {
            // Refused while there is nothing to join: the keys are spent.
            let _ = self.conference(id);
        }
        Some(result)
    }

    /// Somebody has called for help.
    pub(super) fn help_may_call_back(&mut self) {
        self.call_back_until = Some(self.desk.now + CALL_BACK);
    }

    fn sip(&mut self, event: Event) {
        match event {
            Event::Incoming { leg, account, called, caller, session, hops, replaces } => {
                self.incoming(Arrival { leg, account, session, hops, replaces }, &called, &caller);
            }
            Event::Trying(leg) => self.with_leg(leg, |call, desk| call.trying(desk.now, leg)),
            Event::Ringing(leg) => {
                self.with_leg(leg, |call, desk| call.ringing(desk, leg));
                self.transfer_rings(leg);
            }
            Event::Progress(leg, session) => {
                self.with_leg(leg, |call, desk| call.progress(desk, leg, session))
            }
            Event::Answered(leg, session) => match self.notices.get_mut(&leg) {
                Some(notice) => notice.answered(&mut self.desk, session),
                None => {
                    self.with_leg(leg, |call, desk| call.answered(desk, leg, session));
                    self.transfer_answered(leg);
                    self.placed_answered(leg);
                }
            },
            Event::Refer { leg, to, replaces, by } => self.refer(leg, &to, replaces, &by),
            Event::Referred(leg, progress) => self.provider_tells(leg, progress),
            Event::Changed(leg, session) if self.booth_changed(leg, session) => {}
            Event::Changed(leg, session) => self.with_leg(leg, |call, desk| call.changed(desk, leg, session)),
            Event::Info(leg, digit, _) if self.booth_told(leg, digit) => {}
            Event::Info(leg, digit, held) => self.with_leg(leg, |call, desk| {
                let legs = call.near.iter().chain(&call.far);
                if let Some(port) = legs.into_iter().find(|l| l.id == leg).map(|l| l.port) {
                    call.digit(desk, port, digit, Some(held));
                }
            }),
            Event::InfoRefused(leg, digit, held) => self.with_leg(leg, |call, desk| {
                let legs = call.near.iter().chain(&call.far);
                if let Some(port) = legs.into_iter().find(|l| l.id == leg).map(|l| l.port) {
                    desk.media(media::MediaCommand::Digit(port, digit, Some(held)));
                }
            }),
            Event::Ended(leg, _) if self.booth_left(leg) => {}
            Event::Ended(leg, cause) => match self.notices.remove(&leg) {
                Some(notice) => self.desk.forget(notice.leg),
                None => {
                    self.hand_over(leg);
                    self.with_leg(leg, |call, desk| call.ended(desk, leg, cause));
                }
            },
            Event::RoundTrip(account, took) => self.desk.took(account, took),
            Event::Registered(account, until) => self.desk.registered(account, until),
            Event::RegisterFailed(account, cause, again) => self.desk.not_registered(account, cause, again),
            Event::PhoneRegistered(account, addr) => {
                self.peer(account, true, format!("registered from {addr}"));
                self.desk.phone_since(account, true);
            }
            Event::PhoneGone(account) => {
                self.peer(account, false, "its registration has ended".into());
                self.desk.phone_since(account, false);
            }
            Event::Discarded(kind) => *self.discards.entry(kind).or_default() += 1,
        }
    }

    /// Ends the legs of a phone as if it had hung up, then forgets it.
    fn dismiss(&mut self, account: AccountId) {
        let mut legs = Vec::new();
        for call in self.calls.values() {
            legs.extend(call.near.iter().filter(|leg| leg.account == account).map(|leg| leg.id));
        }
        for leg in legs {
            self.desk.sip(crate::sip::Command::Hangup(leg, Cause::Normal));
            self.with_leg(leg, |call, desk| call.ended(desk, leg, Cause::Unavailable));
        }
        let notices: Vec<LegId> =
            self.notices.values().filter(|n| n.leg.account == account).map(|n| n.leg.id).collect();
        notices.into_iter().for_each(|leg| self.end_notice(leg));
        self.end_booths_of(Some(account));
        self.desk.plan.peers.retain(|peer| peer.id != account);
        self.desk.peers.remove(&account);
    }

    fn with_leg(&mut self, leg: LegId, act: impl FnOnce(&mut Call, &mut Desk)) {
        if let Some(id) = self.desk.legs.get(&leg).copied() {
            self.with(id, act);
        }
    }

    fn peer(&mut self, account: AccountId, up: bool, status: String) {
        if let Some(peer) = self.desk.peers.get_mut(&account) {
            let (was, news) = (peer.up, peer.status != status);
            peer.up = up;
            peer.status = status;
            self.desk.tell_peer(account, was, news);
        }
    }

    fn tell_troubles(&mut self, troubles: Vec<String>) {
        for new in troubles.iter().filter(|trouble| !self.troubles.contains(trouble)) {
            self.desk.happened(None, Told::Trouble { words: new.clone() });
        }
        self.troubles = troubles;
    }

    fn media(&mut self, event: media::Event) {
        match event {
            media::Event::Digit(port, digit) if self.booth_key(port, digit) => {}
            media::Event::Digit(port, digit) => {
                self.with_port(port, |call, desk| call.digit(desk, port, digit, None));
            }
            media::Event::DigitEnd(port, digit, held) => {
                self.with_port(port, |call, desk| call.digit_end(desk, port, digit, held));
            }
            media::Event::Played(port, _) if self.booth_played(port) => {}
            media::Event::Played(port, _) => {
                let notice = self.notices.values().find(|n| n.leg.port == port).map(|n| n.leg.id);
                match notice {
                    Some(leg) if self.notices.get_mut(&leg).is_some_and(|n| n.go_on(&mut self.desk)) => {}
                    Some(leg) => self.end_notice(leg),
                    None => self.with_port(port, |call, desk| call.played(desk, port)),
                }
            }
            media::Event::Starved(port, seconds) => {
                self.with_port(port, |call, desk| call.starved(desk, port, seconds));
            }
            media::Event::Heard(port) => self.with_port(port, |call, desk| call.starved(desk, port, 0)),
            media::Event::Quality(..) | media::Event::Alive => {}
        }
    }

    fn with_port(&mut self, port: PortId, act: impl FnOnce(&mut Call, &mut Desk)) {
        if let Some(id) = self.desk.port_calls.get(&port).copied() {
            self.with(id, act);
        }
    }

    fn heard(&mut self, port: PortId, epoch: u32, heard: listen::Heard) {
        self.with_port(port, |call, desk| call.heard(desk, epoch, heard));
    }

    fn end_notice(&mut self, leg: LegId) {
        if let Some(notice) = self.notices.remove(&leg) {
            notice.end(&mut self.desk);
        }
    }

    fn request(&mut self, request: Request) -> Answer {
        match request {
            Request::Connect(number) => self.connect_asked(&number).map(Some),
            Request::Errand(errand) => self.errand(errand),
            Request::Through(door, request) => {
                self.door = door;
                let answer = self.request(*request);
                self.door = Door::default();
                answer
            }
            Request::Would(request) => self.would(&request).map(|()| None),
            request => self.act(request).map(|()| None),
        }
    }

    fn act(&mut self, request: Request) -> Result<(), String> {
        const NONE: &str = "there is no such call: it may have ended";
        match request {
            Request::HoldNow(None) | Request::Button => {
                let id = self.holdable(None).ok_or("no call is up: there is nothing to hold")?;
                let how = match request {
                    Request::Button => "the button was pressed",
                    _ => self.door.asked(),
                };
                self.hold(id, how)
            }
            Request::HoldNow(Some(id)) => self.hold(id, self.door.asked()),
            Request::HangUp(id) => {
                let why = self.door.hung_up();
                self.with(id, |call, desk| {
                    let outcome = match &call.state {
                        State::Held(_) => Outcome::OwnerGaveUp,
                        State::Talking => call.talked(),
                        _ => Outcome::Cancelled,
                    };
                    call.end(desk, outcome, why, Cause::Normal);
                })
                .ok_or_else(|| NONE.into())
            }
            Request::ListenIn(id) => {
                self.with(id, |call, desk| call.listen_in(desk)).unwrap_or(Err(NONE.into()))
            }
            Request::ListenEnd(id) => {
                self.with(id, |call, _| call.listen_end());
                Ok(())
            }
            Request::Conference(id) => self.conference(id),
            Request::Cancel if self.held().is_none() && self.forget_redials() => Ok(()),
            Request::Cancel => {
                let id = self.held().ok_or("no call is held: there is nothing to cancel")?;
                self.with(id, |call, desk| {
                    call.end(desk, Outcome::OwnerGaveUp, "the button was held down", Cause::Normal);
                });
                Ok(())
            }
            Request::TryTrunks => match self.desk.try_trunks() {
                true => Ok(()),
                false => Err("every line is ready".into()),
            },
            Request::TakeHeld => {
                let id = self.held().ok_or("no call is held: there is nothing to take")?;
                self.take(id).unwrap_or(Err(NONE.into()))
            }
            Request::Teach(id, taught) => {
                self.with(id, |call, desk| call.teach(desk, taught)).unwrap_or(Err(NONE.into()))
            }
            Request::Take(id) => self.take(id).unwrap_or(Err(NONE.into())),
            Request::Keys(id, keys) => {
                self.with(id, |call, desk| call.keys(desk, &keys)).unwrap_or(Err(NONE.into()))
            }
            Request::Greeting(own) => self.set_greeting(own),
            Request::Transfer(id, number) => self.transfer(id, &number),
            // Answered before.
            Request::Connect(_) | Request::Errand(_) | Request::Through(..) | Request::Would(_) => Ok(()),
        }
    }

    /// Starts holding `id`.
    pub(super) fn hold(&mut self, id: CallId, how: &str) -> Result<(), String> {
        let gone = Err("there is no such call: it may have ended".into());
        if let Some(State::Held(holding)) = self.calls.get_mut(&id).map(|call| &mut call.state) {
            holding.extend(self.desk.now);
            return Ok(());
        }
        self.with(id, |call, desk| call.hold(desk, how)).unwrap_or(gone)
    }

    /// The call a gesture means: the newest that can be held, of this phone if one is given.
    pub(super) fn holdable(&self, phone: Option<AccountId>) -> Option<CallId> {
        let of_phone = |call: &Call| phone.is_none_or(|p| call.near.iter().any(|l| l.account == p));
        let mut calls = self.calls.values().rev().filter(|call| call.can_hold().is_ok());
        calls.find(|call| of_phone(call)).map(|call| call.id)
    }

    /// The state of everything.
    pub fn snapshot(&self) -> Snapshot {
        let side = |side| {
            let shown = move |p: &&super::Peer| p.side == side && (side == Side::Trunk || p.is_phone());
            let peers = self.desk.plan.peers.iter().filter(shown);
            peers.filter_map(|p| {
                let state = self.desk.peers.get(&p.id)?;
                Some(self.desk.peer_view(p, state))
            })
        };
        Snapshot {
            calls: self.calls.values().map(|call| self.view(call)).collect(),
            redials: self.redial_views(),
            trunks: side(Side::Trunk).collect(),
            phones: side(Side::Phone).collect(),
            discards: self
                .discards
                .iter()
                .map(|(kind, n)| (format!("{kind:?}").to_lowercase(), *n))
                .collect(),
            troubles: self.troubles.clone(),
        }
    }
}

impl Switchboard {
    fn view(&self, call: &Call) -> CallView {
        let ends_at = match &call.state {
            State::Held(holding) => Some(self.desk.wall().plus(holding.ends_at().since(self.desk.now))),
            _ => None,
        };
        let usual_wait_ms = ends_at.and_then(|_| self.desk.plan.usual_wait(&call.record.number));
        let queue = match &call.state {
            State::Held(holding) => Some(holding.queue(self.desk.now, usual_wait_ms)),
            _ => None,
        };
        CallView { ends_at, usual_wait_ms, queue, ..view(call, self.desk.plan.recording.listen_in) }
    }
}

/// Stretches of sound that the page's strip shows.
const STRIP: usize = 48;

fn view(call: &Call, listen_in: Which) -> CallView {
    let confirming = call.near.iter().any(|l| l.role == Role::Confirms);
    let phase = match &call.state {
        State::Dialing => Phase::Dialing,
        State::Incoming(_) => Phase::Incoming,
        State::Held(_) if call.menu.is_walked() => Phase::Menu,
        State::Held(_) if call.menu.assisted.is_on_hold() => Phase::Holding,
        State::Held(_) if call.menu.assisted.is_leading() => Phase::Assisted,
        State::Held(holding) => holding.phase(confirming),
        State::Talking if call.near.iter().any(|l| l.parked) => Phase::Parked,
        State::Talking | State::Over => Phase::Talking,
    };
    let held = match &call.state {
        State::Held(holding) => Some(holding),
        _ => None,
    };
    let record = &call.record;
    let recent = record.heard.len().saturating_sub(STRIP);
    CallView {
        id: call.id,
        outgoing: record.outgoing,
        number: record.number.clone(),
        phase,
        started: record.started,
        hold_started: held.and(record.hold_started),
        ends_at: None,
        usual_wait_ms: None,
        queue: None,
        sound: held.and_then(|h| h.sound),
        captions: held.map(|h| h.captions.iter().cloned().collect()).unwrap_or_default(),
        heard: record.heard[recent..].iter().map(|s| (s.at_ms, s.sound)).collect(),
        recording: call.is_recorded(),
        may_listen: call.may_listen(listen_in),
        found: call.slain.is_some() && matches!(call.state, State::Talking),
        weighs: held.and_then(|h| h.weighs.as_deref().cloned()),
        streams: call
            .far
            .iter()
            .map(|leg| (true, leg))
            .chain(call.near.iter().map(|leg| (false, leg)))
            .filter_map(|(trunk, leg)| Some(StreamView { trunk, quality: leg.quality? }))
            .collect(),
        last: record.decisions.last().map(|d| format!("{}: {}", d.what, d.reason)).unwrap_or_default(),
        line_encrypted: call.far.iter().any(Leg::is_encrypted),
        phones_encrypted: !call.near.is_empty() && call.near.iter().all(Leg::is_encrypted),
    }
}

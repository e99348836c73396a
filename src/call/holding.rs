//! A call while the box holds it: the holding machine's wishes carried out on the legs.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::{Leg, Role};
use super::meeting::FALSE_ALARM;
use super::policy::{ring_end, told_to_caller};
use super::record::{By, Outcome, SPANS, Span};
use super::snapshot::QueueView;
use super::understood::Understood;
use super::{Event, ListenOrder, Phase};
use crate::listen::{Heard, Sound, Weighs};
use crate::media::{MediaCommand, SoundId, Tone};
use crate::rtp::digit::SHORTEST;
use crate::sip::{Caller, Cause};
use crate::slay::{self, Comfort, Doing, Ending, Hold, RingEnd, Told};
use crate::sounds::Prompt;
use crate::trunk::number::Form;
use crate::units::{AccountId, Instant, PortId};
use core::time::Duration;
use std::collections::VecDeque;

/// After the confirmation the owner has this long to hang up before the box does it for him.
const HANG_UP_WAIT: Duration = Duration::from_secs(4);
/// A confirmation that was never reported as played.
const CONFIRMATION: Duration = Duration::from_secs(20);
/// What was heard waits this long for the disk.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// Stretches of speech that the page shows in words.
const CAPTIONS: usize = 6;

#[derive(Debug)]
pub(super) struct Holding {
    hold: Hold,
    since: Instant,
    /// Held before, milliseconds.
    before_ms: u64,
    /// What was heard is written then: soon enough for a power cut, seldom enough for a memory card.
    write_at: Option<Instant>,
    /// When the leg that hears the confirmation is ended by us.
    confirm_until: Option<Instant>,
    pub(super) speaking: bool,
    /// The listener said that a person is there, and has not taken it back.
    person: bool,
    /// When he was first heard of.
    person_at: Option<Instant>,
    /// The phone has been told to ring and nobody has answered yet.
    ringing: bool,
    /// The far side hears the ringback tone.
    ring_back_tone: bool,
    pub(super) sound: Option<Sound>,
    /// What the listener weighs.
    pub(super) weighs: Option<Box<Weighs>>,
    /// What was said of late, oldest first.
    pub(super) captions: VecDeque<String>,
    /// And what it told.
    pub(super) understood: Understood,
}

impl Holding {
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.hold.deadline(), self.confirm_until, self.write_at].into_iter().flatten().min()
    }

    fn held_ms(&self, now: Instant) -> u64 {
        let held = u64::try_from(now.since(self.since).as_millis()).unwrap_or(u64::MAX);
        self.before_ms.saturating_add(held)
    }

    /// A person is there.
    pub(super) const fn is_person(&self) -> bool {
        self.person
    }

    /// A person speaks.
    pub(super) fn found(&mut self, now: Instant) {
        self.person = true;
        self.person_at.get_or_insert(now);
    }

    /// The phones ring for it.
    pub(super) const fn is_ringing(&self) -> bool {
        self.ringing
    }

    pub(super) fn outcome_if_far_leaves(&self) -> Outcome {
        match self.hold.nobody_comes() {
            _ if self.person => Outcome::AgentLost,
            Some(Told::CallBack(_)) => Outcome::CallBack,
            Some(told) if told.is_vain() => Outcome::NobodyThere,
            _ => Outcome::CompanyHungUp,
        }
    }

    /// What is known of the queue by what the line says; `usual_ms`: how long one waits here.
    pub(super) fn queue(&self, now: Instant, usual_ms: Option<u64>) -> QueueView {
        let waited = Duration::from_millis(self.held_ms(now));
        let left = self.understood.left(now, waited, usual_ms.map(Duration::from_millis));
        let left_ms = left.and_then(|left| u64::try_from(left.as_millis()).ok());
        QueueView { left_ms, ..self.understood.view(now) }
    }

    /// What the far side said of why nobody comes.
    pub(super) fn nobody_comes(&self) -> Option<Told> {
        self.hold.nobody_comes()
    }

    /// When the longest hold allowed ends it.
    pub(super) fn ends_at(&self) -> Instant {
        self.hold.ends_at()
    }

    /// The owner asks again for what is done already: the longest hold is counted anew.
    pub(super) fn extend(&mut self, now: Instant) {
        self.hold.extend(now);
    }

    pub(super) fn phase(&self, confirming: bool) -> Phase {
        match self.hold.doing() {
            Doing::Waiting if confirming => Phase::Confirming,
            Doing::Waiting => Phase::Holding,
            Doing::Greeting | Doing::Parting => Phase::Greeting,
            Doing::Ringing => Phase::Ringing,
        }
    }
}

impl Call {
    /// Starts holding. Refused with what to do instead.
    pub(super) fn hold(&mut self, desk: &mut Desk, how: &str) -> Result<(), String> {
        self.can_hold()?;
        let number = desk.plan.dialling.numbering.write(&self.record.number, Form::Plus);
        if desk.holds.iter().any(|(_, other)| !number.is_empty() && *other == number) {
            return Err("another call waits at this number already: a queue is waited in once".into());
        }
        if desk.holds.len() >= desk.plan.max_holds {
            return Err(format!("the box holds {} already, which is the most it may", desk.holds.len()));
        }
        let Some(far) = &self.far else { return Err("there is no call to hold".into()) };
        let far_port = far.port;
        let line = self.line(desk, far);
        self.drop_replay(desk);
        desk.media(MediaCommand::Part(far_port));
        desk.media(MediaCommand::Tap(far_port, true));
        let false_alarm = self.is_false_alarm(desk.now, FALSE_ALARM);
        if self.has_met(desk.now, FALSE_ALARM) {
            desk.listen(ListenOrder::Met(far_port));
        } else if false_alarm {
            desk.listen(ListenOrder::WasRecording(far_port));
            self.record.figures.false_alarms = self.record.figures.false_alarms.saturating_add(1);
        }
        desk.listen(ListenOrder::Start(line));
        self.served |= self.slain.take().is_some() && !false_alarm;
        desk.holds.push((self.id, number));
        self.state = State::Held(Box::new(Holding {
            hold: Hold::new(desk.now, desk.plan.hold),
            since: desk.now,
            before_ms: self.record.held_ms,
            write_at: None,
            confirm_until: None,
            speaking: false,
            person: false,
            person_at: None,
            ringing: false,
            ring_back_tone: false,
            sound: None,
            weighs: None,
            captions: VecDeque::with_capacity(CAPTIONS),
            understood: Understood::default(),
        }));
        self.talking_since = None;
        self.causes.clear();
        self.record.hold_started.get_or_insert(desk.wall());
        self.first_held.get_or_insert(desk.now);
        if false_alarm {
            self.push_decision(desk, "false alarm", "the owner was joined to no person".into());
        }
        self.decide(desk, "hold", how.into());
        self.want_prompts(desk);
        self.confirm_to_owner(desk);
        self.enter_menu(desk);
        Ok(())
    }

    pub(super) fn can_hold(&self) -> Result<(), String> {
        match &self.state {
            _ if self.emergency => Err("an emergency call is never held".into()),
            _ if self.onward => Err("the call is being put through to somebody else".into()),
            _ if self.transferred => Err("the call was put through: the house has no part in it".into()),
            State::Held(_) => Err("this call is held already".into()),
            State::Incoming(_) => Err("answer the call first".into()),
            State::Dialing if self.far.as_ref().is_none_or(|f| f.open.is_none()) => {
                Err("the far side has not answered yet: hold the call when you hear it".into())
            }
            State::Talking if self.room.is_some() => Err("several talk in this call: it is not held".into()),
            State::Over => Err("the call is over".into()),
            State::Dialing | State::Talking => Ok(()),
        }
    }

    /// A parked leg is ended at once, or the ATA's reminder ring rings for it; a talking one hears the confirmation.
    fn confirm_to_owner(&mut self, desk: &mut Desk) {
        let (parked, rest): (Vec<Leg>, Vec<Leg>) = self.near.drain(..).partition(|leg| leg.parked);
        for leg in parked {
            desk.hang_up(leg, Cause::Normal);
        }
        let (talking, listening) = rest.into_iter().partition::<Vec<Leg>, _>(|leg| leg.role == Role::Talks);
        self.near = listening;
        for leg in talking {
            self.near.push(Leg { role: Role::Confirms, ..leg });
            self.confirm(desk, self.near.len() - 1);
        }
    }

    /// Says to a leg of the house that the box holds the line.
    pub(super) fn confirm(&mut self, desk: &mut Desk, at: usize) {
        let (Some(leg), State::Held(holding)) = (self.near.get(at), &mut self.state) else { return };
        if leg.open.is_some() && holding.confirm_until.is_none() {
            desk.say(leg, Prompt::Holding);
            holding.confirm_until = Some(desk.now + CONFIRMATION);
        }
    }

    /// Another leg of the house asked (a star code): it hears the confirmation.
    pub(super) fn confirm_to(&mut self, desk: &mut Desk, leg: Leg) {
        self.near.push(Leg { role: Role::Confirms, ..leg });
        let at = self.near.len() - 1;
        self.answer_near(desk, at);
        self.confirm(desk, at);
        if let State::Held(holding) = &mut self.state {
            holding.extend(desk.now);
        }
    }

    // ---- facts ----

    pub(super) fn heard(&mut self, desk: &mut Desk, epoch: u32, heard: Heard) {
        if self.far.as_ref().and_then(|f| f.open).is_some_and(|(_, open)| open == epoch) {
            self.heard_now(desk, heard);
        }
    }

    /// Something is heard in this opening of the far side's port.
    pub(super) fn heard_now(&mut self, desk: &mut Desk, heard: Heard) {
        let aside = self.menu_heard(desk, &heard);
        let Some((opened, _)) = self.far.as_ref().and_then(|f| f.open) else { return };
        let State::Held(holding) = &mut self.state else { return };
        match &heard {
            Heard::Sound { at, sound, confidence } => {
                holding.sound = Some(*sound);
                holding.write_at.get_or_insert(desk.now + WRITE_WAIT);
                let offset = opened.since(self.started) + Duration::from_millis(at.as_millis());
                // What began before the box listened is known from there on only.
                let offset = offset.max(holding.since.since(self.started));
                let at_ms = u64::try_from(offset.as_millis()).unwrap_or(u64::MAX);
                if self.record.heard.len() >= SPANS {
                    self.record.heard.remove(0);
                }
                self.record.heard.push(Span { at_ms, sound: *sound, confidence: *confidence });
            }
            _ if aside => {}
            Heard::Person { .. } => holding.found(desk.now),
            Heard::Recording { .. } => (holding.person, holding.person_at) = (false, None),
            Heard::Perhaps { .. } => {}
            Heard::Weighs { weighs, .. } => {
                holding.weighs = weighs.clone().map(Box::new);
                return;
            }
            Heard::Words { at, text } => {
                if desk.plan.transcript {
                    let at = opened.since(self.started) + Duration::from_millis(at.as_millis());
                    self.record.say(u64::try_from(at.as_millis()).unwrap_or(u64::MAX), By::Line, text);
                    holding.write_at.get_or_insert(desk.now + WRITE_WAIT);
                }
                if holding.captions.len() == CAPTIONS {
                    holding.captions.pop_front();
                }
                holding.captions.push_back(text.clone());
                let text = text.clone();
                desk.happened(Some(self.id), Event::AudioTranscript { text: text.clone() });
                self.understand(desk, &text);
            }
        }
        if !aside {
            self.tell(desk, slay::Input::Heard(heard));
        }
        self.if_person_behind(desk);
    }

    pub(super) fn played(&mut self, desk: &mut Desk, port: PortId) {
        if self.replay_played(desk, port) {
            return;
        }
        let far = self.far.as_ref().is_some_and(|f| f.port == port);
        if !far && self.is_on_errand() {
            return self.errand_comfort(desk);
        }
        let State::Held(holding) = &mut self.state else { return };
        if far && core::mem::take(&mut holding.speaking) {
            desk.listen(ListenOrder::Speaking(port, false));
            self.tell(desk, slay::Input::Played);
            self.menu_spoken(desk);
            self.ring_back_tone(desk);
        } else if !far && holding.confirm_until.is_some() {
            holding.confirm_until = Some(desk.now + HANG_UP_WAIT);
        }
    }

    /// While the phone is to ring, whoever waits hears it ring between the box's words: dead air makes agents hang up.
    fn ring_back_tone(&mut self, desk: &mut Desk) {
        let (Some(far), State::Held(holding)) = (&self.far, &mut self.state) else { return };
        let spoken_to = holding.hold.doing() == Doing::Ringing && !holding.hold.is_mute();
        if spoken_to && !holding.speaking && !holding.ring_back_tone {
            holding.ring_back_tone = true;
            desk.media(MediaCommand::Tone(far.port, Tone::Ringback));
        }
    }

    pub(super) fn take(&mut self, desk: &mut Desk) -> Result<(), String> {
        match self.state {
            State::Held(_) => {
                self.tell(desk, slay::Input::Take);
                Ok(())
            }
            _ => Err("this call is not held: there is nothing to take".into()),
        }
    }

    pub(super) fn holding_timeout(&mut self, desk: &mut Desk) {
        let State::Held(holding) = &mut self.state else { return };
        if holding.confirm_until.is_some_and(|until| desk.now >= until) {
            holding.confirm_until = None;
            let (confirming, rest): (Vec<Leg>, Vec<Leg>) =
                self.near.drain(..).partition(|l| l.role == Role::Confirms);
            self.near = rest;
            for leg in confirming {
                desk.hang_up(leg, Cause::Normal);
            }
        }
        if holding.write_at.take_if(|at| desk.now >= *at).is_some() {
            self.record.held_ms = holding.held_ms(desk.now);
            desk.record(&self.record);
        }
        if holding.hold.deadline().is_some_and(|at| desk.now >= at) {
            self.tell(desk, slay::Input::Timeout);
        }
    }

    /// The owner has hung up after the confirmation.
    pub(super) fn away(&mut self, desk: &mut Desk) {
        if let State::Held(holding) = &mut self.state {
            holding.confirm_until = None;
            self.decide(desk, "wait", "the owner has hung up: the box holds the line".into());
        }
    }

    /// A phone takes no second call, or rings for it after all.
    pub(super) fn phone_busy(&mut self, phone: AccountId, busy: bool) {
        self.refused.retain(|known| *known != phone);
        self.refused.extend(busy.then_some(phone));
    }

    /// A phone that took no second call has ended its first.
    pub(super) fn phone_free(&mut self, desk: &mut Desk, phone: AccountId) {
        self.phone_busy(phone, false);
        // Others may be ringing meanwhile: then it rings with them.
        if self.near.iter().any(|leg| leg.role == Role::Rings) {
            self.ring_one(desk, phone, &self.back(), None);
        } else {
            self.tell(desk, slay::Input::PhoneFree);
        }
    }

    /// A phone stopped ringing without an answer; the last one decides.
    pub(super) fn ring_ended(&mut self, desk: &mut Desk) {
        if self.near.iter().any(|l| matches!(l.role, Role::Rings | Role::Asked)) {
            return;
        }
        if !matches!(&self.state, State::Held(holding) if holding.ringing) || self.ring_next(desk) {
            return;
        }
        if self.also_at.is_some() {
            self.ring_outside(desk);
            if self.near.iter().any(|l| l.role == Role::Rings) {
                return;
            }
        }
        if let State::Held(holding) = &mut self.state {
            holding.ringing = false;
            self.let_go_of_phones(desk);
            let end = ring_end(told_to_caller(&core::mem::take(&mut self.causes)));
            self.tell(desk, slay::Input::RingEnded(end));
        }
    }

    /// A leg of the house asks for the held call (a star code).
    pub(super) fn rejoin(&mut self, desk: &mut Desk, leg: Leg) {
        if self.is_on_errand() {
            return self.listen_along(desk, leg);
        }
        self.join_owner(desk, leg, "the owner asked for the held call");
        self.near.iter().for_each(|near| desk.say(near, Prompt::Rejoin));
    }

    /// The handshake: whoever else rings or listens is let go, and the two talk.
    pub(super) fn join_owner(&mut self, desk: &mut Desk, winner: Leg, reason: &str) {
        let person = match &self.state {
            State::Held(holding) if holding.person => holding.person_at.or(Some(desk.now)),
            _ => None,
        };
        self.leave_hold(desk);
        self.far.iter().for_each(|far| desk.listen(ListenOrder::Pause(far.port)));
        self.ringing = None;
        self.also_at = None;
        self.hush_phones(desk, Cause::Elsewhere);
        for other in core::mem::take(&mut self.near) {
            desk.hang_up(other, Cause::Normal);
        }
        self.near.push(Leg { role: Role::Talks, ..winner });
        self.state = State::Talking;
        self.answer_near(desk, 0);
        self.connect(desk);
        self.leave_menu(desk);
        if let Some(at) = person {
            self.slain = Some(desk.now);
            let since = self.first_held.map_or(at, |held| held.min(at));
            self.record.figures.waited_ms = u64::try_from(at.since(since).as_millis()).ok();
        }
        self.decide(desk, "join", reason.into());
    }

    /// Stops listening and speaking, and counts the time.
    pub(super) fn leave_hold(&mut self, desk: &mut Desk) {
        let State::Held(holding) = &self.state else { return };
        self.refused.clear();
        self.record.held_ms = holding.held_ms(desk.now);
        desk.holds.retain(|(id, _)| *id != self.id);
        self.let_go_of_phones(desk);
        if let Some(far) = &self.far {
            desk.media(MediaCommand::Quiet(far.port));
            desk.media(MediaCommand::Tap(far.port, false));
        }
    }

    // ---- the machine's wishes ----

    pub(super) fn tell(&mut self, desk: &mut Desk, input: slay::Input) {
        if let State::Held(holding) = &mut self.state {
            holding.hold.handle(desk.now, input);
        }
        while let State::Held(holding) = &mut self.state {
            let Some(output) = holding.hold.poll() else { break };
            self.carry_out(desk, output);
        }
    }

    fn carry_out(&mut self, desk: &mut Desk, output: slay::Output) {
        match output {
            slay::Output::Greet => self.greet(desk),
            slay::Output::Reassure(comfort) => self.speak(
                desk,
                match comfort {
                    Comfort::Ringing => Prompt::Moment,
                    Comfort::StillRinging => Prompt::StillRinging,
                    Comfort::StillHere => Prompt::StillHere,
                    Comfort::OtherCall => Prompt::OtherCall,
                },
            ),
            slay::Output::Press(key) => {
                if let State::Held(holding) = &mut self.state {
                    holding.understood.pressed(key);
                }
                self.far.iter().for_each(|far| desk.digit(far, key, Some(SHORTEST)));
                desk.happened(Some(self.id), Event::keys_sent(&[key]));
            }
            // The phones show that there is something to know; the page says what.
            slay::Output::Warn(minutes) => {
                desk.happened(Some(self.id), Event::EndsSoon { minutes });
                desk.missed();
            }
            slay::Output::Apologise => self.speak(desk, Prompt::Sorry),
            slay::Output::Hush => self.hush(desk),
            slay::Output::Ring => self.ring(desk),
            slay::Output::StopRinging => self.stop_ringing(desk),
            slay::Output::Decided(what, reason) => self.decide(desk, what, reason),
            slay::Output::End(ending) => {
                let (outcome, reason) = match ending {
                    Ending::OwnerNotReached if self.menu.help.is_some() => {
                        (Outcome::Failed, "the menu has changed, and the owner was not reached")
                    }
                    Ending::OwnerNotReached => (Outcome::AgentLost, "the owner was not reached"),
                    Ending::Declined => (Outcome::OwnerGaveUp, "the owner declined"),
                    Ending::FarGone => (Outcome::CompanyHungUp, "the far side has gone"),
                    Ending::Cap => (Outcome::CapReached, "the longest hold was reached"),
                    Ending::NobodyThere => (Outcome::NobodyThere, "the far side says that nobody comes"),
                };
                self.end(desk, outcome, reason, Cause::Normal);
            }
        }
    }

    pub(super) fn speak(&mut self, desk: &mut Desk, prompt: Prompt) {
        let (sound, words) = desk.prompt(prompt);
        self.speak_sound(desk, sound, words);
    }

    /// Says a sound to the far end; in words it is this.
    pub(super) fn speak_sound(&mut self, desk: &mut Desk, sound: SoundId, words: &str) {
        if self.menu.help.is_some() {
            // A menu is not spoken to.
            return;
        }
        let (Some(far), State::Held(holding)) = (&self.far, &mut self.state) else { return };
        holding.speaking = true;
        holding.ring_back_tone = false;
        if desk.plan.transcript {
            let at = desk.now.since(self.started).as_millis();
            self.record.say(u64::try_from(at).unwrap_or(u64::MAX), By::Box, words);
        }
        desk.listen(ListenOrder::Speaking(far.port, true));
        desk.media(MediaCommand::Play { port: far.port, sound, repeat: false });
    }

    fn hush(&mut self, desk: &mut Desk) {
        let (Some(far), State::Held(holding)) = (&self.far, &mut self.state) else { return };
        if core::mem::take(&mut holding.ring_back_tone) {
            desk.media(MediaCommand::Quiet(far.port));
        }
        if core::mem::take(&mut holding.speaking) {
            desk.media(MediaCommand::Quiet(far.port));
            desk.listen(ListenOrder::Speaking(far.port, false));
        }
    }

    fn ring(&mut self, desk: &mut Desk) {
        if let Some(at) = self.on_the_phone() {
            let leg = self.near.swap_remove(at);
            self.join_owner(desk, leg, "a person came while the owner was still on the phone");
            self.surprised = Some(desk.now);
            return;
        }
        if desk.phones_for.is_some_and(|other| other != self.id) {
            self.ring_back_tone(desk);
            return self.tell(desk, slay::Input::RingEnded(RingEnd::Elsewhere));
        }
        desk.phones_for = Some(self.id);
        self.want_name(desk);
        self.ring_phones(desk, &self.back(), None);
        self.also_rung = 0;
        self.also_at = (!desk.plan.also_ring.is_empty()).then(|| desk.now + desk.plan.also_after);
        if let State::Held(holding) = &mut self.state {
            holding.ringing = true;
        }
        self.ring_back_tone(desk);
        self.outside_timeout(desk);
        self.ring_ended(desk);
    }

    /// What a phone shows when the held call comes back.
    fn back(&self) -> Caller {
        let number = if self.record.number.is_empty() { "held call" } else { &self.record.number };
        let what = if self.menu.help.is_some() { "MENU" } else { "HOLD" };
        Caller { name: format!("{what}: {number}"), number: self.record.number.clone(), private: false }
    }

    /// The next held call whose person waits may ring.
    fn let_go_of_phones(&mut self, desk: &mut Desk) {
        desk.phones_for.take_if(|id| *id == self.id);
    }

    fn stop_ringing(&mut self, desk: &mut Desk) {
        self.ringing = None;
        self.also_at = None;
        self.let_go_of_phones(desk);
        self.hush_phones(desk, Cause::Cancelled);
        self.refused.clear();
        if let State::Held(holding) = &mut self.state {
            holding.ringing = false;
            if holding.hold.doing() == Doing::Waiting {
                self.without_owner(desk);
            }
        }
        self.causes.clear();
    }
}

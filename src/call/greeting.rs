//! The owner speaks the greeting himself, on a phone of the house.
//!
//! ```text
//!  invited ──prompt said──► beep ──► speaks ──#, silence, 8 s──► hears it ──► asked ──1──► kept
//!     ▲                                │ nothing said                          │ 2   3 ──► the box's own again
//!     └────────────────────────────────┴───────────────────────────────────────┘
//! ```
//! Whoever hangs up before he has pressed 1 changes nothing.

use super::begin::Arrival;
use super::conversation::Call;
use super::desk::Desk;
use super::leg::Leg;
use super::notice::Notice;
use super::{Effect, ListenOrder, Switchboard};
use crate::limits::{GREETING_LONGEST, GREETING_SHORTEST};
use crate::media::{MediaCommand, Tone};
use crate::sip::{Cause, Command, Session};
use crate::sounds::Prompt;
use crate::units::{AccountId, CallId, Codec, Digit, FRAME_SAMPLES, Instant, LegId, PortId};
use core::time::Duration;
use std::sync::Arc;

/// No step takes longer; who does nothing for so long has left the phone lying.
const STEP: Duration = Duration::from_secs(30);
/// Sentences that were not heard, until the box gives up.
const TRIES: u8 = 3;

#[derive(Clone, Debug)]
enum Step {
    Invited,
    Beeps,
    Speaks,
    Hears(Arc<[u8]>),
    Asked(Arc<[u8]>),
}

/// A leg of the house whose owner makes his greeting.
#[derive(Debug)]
pub(super) struct Booth {
    leg: Leg,
    step: Step,
    tries: u8,
    pub(super) until: Instant,
}

impl Booth {
    fn invite(&mut self, desk: &mut Desk) {
        self.enter(desk, Step::Invited);
        desk.say(&self.leg, Prompt::GreetingRecord);
    }

    fn enter(&mut self, desk: &mut Desk, step: Step) {
        if matches!(self.step, Step::Speaks) {
            desk.media(MediaCommand::Tap(self.leg.port, false));
            desk.listen(ListenOrder::NoSentence(self.leg.port));
        }
        self.step = step;
        self.until = desk.now + STEP;
    }

    fn beep(&mut self, desk: &mut Desk) {
        self.enter(desk, Step::Beeps);
        desk.media(MediaCommand::Tone(self.leg.port, Tone::Beep));
    }

    /// What was being said has been said.
    fn played(&mut self, desk: &mut Desk) {
        match self.step.clone() {
            Step::Invited => self.beep(desk),
            Step::Beeps => {
                self.enter(desk, Step::Speaks);
                if let Some((_, epoch)) = self.leg.open {
                    desk.media(MediaCommand::Tap(self.leg.port, true));
                    desk.listen(ListenOrder::Sentence(self.leg.port, epoch));
                }
            }
            Step::Hears(said) => {
                self.enter(desk, Step::Asked(said));
                desk.say(&self.leg, Prompt::GreetingReview);
            }
            Step::Speaks | Step::Asked(_) => {}
        }
    }

    /// The sentence is over. False: there was none, again.
    fn said(&mut self, desk: &mut Desk, said: Option<Arc<[u8]>>) -> bool {
        if !matches!(self.step, Step::Speaks) {
            return true;
        }
        let sound = said.as_ref().and_then(|said| desk.load(said));
        match (said, sound) {
            (Some(said), Some(sound)) => {
                self.enter(desk, Step::Hears(said));
                desk.media(MediaCommand::Play { port: self.leg.port, sound, repeat: false });
            }
            _ => {
                self.tries += 1;
                self.invite(desk);
            }
        }
        self.tries < TRIES
    }
}

impl Desk {
    /// Greets with this from now on, and keeps it.
    fn keep_greeting(&mut self, own: Option<Arc<[u8]>>) {
        self.greeting.clone_from(&own);
        self.out.push_back(Effect::Greeting(own));
    }
}

impl Call {
    /// Greets in the owner's own voice, if he has spoken a greeting.
    pub(super) fn greet(&mut self, desk: &mut Desk) {
        let own = desk.greeting.clone().and_then(|own| desk.load(&own));
        match own {
            Some(sound) => self.speak_sound(desk, sound, "(your own greeting)"),
            None => self.speak(desk, Prompt::Greet),
        }
    }
}

impl Switchboard {
    /// The code was dialled.
    pub(super) fn make_greeting(&mut self, arrival: &Arrival) {
        let Some(mut leg) = self.arrive(CallId(0), arrival) else { return };
        self.desk.legs.remove(&leg.id);
        let local = self.desk.local(&leg, leg.session.map_or(Codec::Pcmu, |s| s.codec));
        self.desk.sip(Command::Answer(leg.id, local));
        if let Some(session) = leg.session {
            self.desk.settle(&mut leg, session);
        }
        let (id, until) = (leg.id, self.desk.now);
        let mut booth = Booth { leg, step: Step::Invited, tries: 0, until };
        booth.invite(&mut self.desk);
        self.booths.insert(id, booth);
    }

    /// Something was played on this port. False: it is not a booth's.
    pub(super) fn booth_played(&mut self, port: PortId) -> bool {
        let booth = self.booths.values_mut().find(|booth| booth.leg.port == port);
        let found = booth.is_some();
        booth.into_iter().for_each(|booth| booth.played(&mut self.desk));
        found
    }

    /// A key was pressed there. False: it is not a booth's.
    pub(super) fn booth_key(&mut self, port: PortId, key: Digit) -> bool {
        let Some(booth) = self.booths.values_mut().find(|booth| booth.leg.port == port) else { return false };
        let (id, desk) = (booth.leg.id, &mut self.desk);
        match (booth.step.clone(), key.as_char()) {
            (Step::Invited, '#') => booth.beep(desk),
            (Step::Speaks, '#') => desk.listen(ListenOrder::SentenceEnds(port)),
            (Step::Hears(said) | Step::Asked(said), '1') => {
                desk.keep_greeting(Some(said));
                self.end_booth(id, Some(Prompt::GreetingKept));
            }
            (Step::Hears(_) | Step::Asked(_), '2') => booth.invite(desk),
            (Step::Invited | Step::Hears(_) | Step::Asked(_), '3') => {
                desk.keep_greeting(None);
                self.end_booth(id, Some(Prompt::GreetingOwn));
            }
            _ => {}
        }
        true
    }

    /// The leg's phone tells of a key by INFO. False: it is not a booth's.
    pub(super) fn booth_told(&mut self, leg: LegId, key: Digit) -> bool {
        let port = self.booths.get(&leg).map(|booth| booth.leg.port);
        port.is_some_and(|port| self.booth_key(port, key))
    }

    /// The phone changes its sound. False: it is not a booth's.
    pub(super) fn booth_changed(&mut self, leg: LegId, session: Session) -> bool {
        let booth = self.booths.get_mut(&leg);
        let found = booth.is_some();
        booth.into_iter().for_each(|booth| self.desk.settle(&mut booth.leg, session));
        found
    }

    /// The sentence spoken there is over.
    pub(super) fn sentence(&mut self, port: PortId, epoch: u32, said: Option<Arc<[u8]>>) {
        let is_there = |booth: &&mut Booth| {
            booth.leg.port == port && booth.leg.open.is_some_and(|(_, open)| open == epoch)
        };
        let Some(booth) = self.booths.values_mut().find(is_there) else { return };
        let id = booth.leg.id;
        if !booth.said(&mut self.desk, said) {
            self.end_booth(id, None);
        }
    }

    /// The leg was ended by its phone. False: it is not a booth's.
    pub(super) fn booth_left(&mut self, leg: LegId) -> bool {
        let Some(mut booth) = self.booths.remove(&leg) else { return false };
        booth.enter(&mut self.desk, Step::Invited);
        self.desk.forget(booth.leg);
        true
    }

    /// Ends it, with a last word.
    fn end_booth(&mut self, leg: LegId, last: Option<Prompt>) {
        let Some(mut booth) = self.booths.remove(&leg) else { return };
        booth.enter(&mut self.desk, Step::Invited);
        match last {
            Some(prompt) => drop(self.notices.insert(leg, Notice::tell(&mut self.desk, booth.leg, prompt))),
            None => self.desk.hang_up(booth.leg, Cause::Normal),
        }
    }

    /// Ends those of which this is so.
    fn end_booths(&mut self, is_over: impl Fn(&Booth) -> bool) {
        let over: Vec<LegId> = self.booths.values().filter(|b| is_over(b)).map(|b| b.leg.id).collect();
        over.into_iter().for_each(|leg| self.end_booth(leg, None));
    }

    /// Nobody does anything any more in some.
    pub(super) fn booths_timeout(&mut self) {
        let now = self.desk.now;
        self.end_booths(|booth| now >= booth.until);
    }

    /// The box stops, or a phone is taken away.
    pub(super) fn end_booths_of(&mut self, phone: Option<AccountId>) {
        self.end_booths(|booth| phone.is_none_or(|phone| booth.leg.account == phone));
    }

    /// The page sets it, or takes it away.
    pub(super) fn set_greeting(&mut self, own: Option<Arc<[u8]>>) -> Result<(), String> {
        let fits = |sound: &Arc<[u8]>| {
            (GREETING_SHORTEST..=GREETING_LONGEST).contains(&sound.len())
                && sound.len().is_multiple_of(FRAME_SAMPLES)
        };
        if !own.as_ref().is_none_or(fits) {
            return Err("a greeting lasts from 1 to 8 seconds".into());
        }
        self.desk.keep_greeting(own);
        Ok(())
    }
}

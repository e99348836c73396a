//! One hold: from the owner's gesture to the handshake. One table of (state, input).
//!
//! ```text
//!            Perhaps                    Person                     owner answers
//!  Waiting ──────────► Greeting ──────────────────► Ringing ───────────────────────► (joined: the call's business)
//!     ▲  ▲                │                          │   │
//!     │  └── Recording ───┴────────── Recording ─────┘   └── nobody answers ──► Parting ──► end
//!     └───────────────── silence: nobody there ──┘
//! ```
//!
//! The machine owns no leg and plays no sound: it says what should be done and why, the call does it.

use super::policy::{Policy, Unanswered, Voicemail};
use crate::listen::{Heard, Sound};
use crate::units::{Digit, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// Pause before a phone that was busy or unreachable is tried again.
const RING_AGAIN: Duration = Duration::from_secs(4);
/// The agent hears words this long after the last ones while the phone rings, and its ringing between them: so nothing but
/// the pause of a ringing telephone is silent, and never 4 s. Dead air makes agents hang up.
const REASSURE: Duration = Duration::from_secs(5);
/// A greeting that neither a voice nor the listener's verdict followed for this long was spoken to nobody.
const NOBODY: Duration = Duration::from_secs(12);
/// A busy or congestion tone this long means that the far side has gone without a BYE.
const GONE: Duration = Duration::from_secs(8);
/// The owner is warned this long before the longest hold ends it; a quarter of it, if it is short.
const WARNING: Duration = Duration::from_secs(600);
/// What is answered by a key is not answered again for so long: recordings repeat themselves.
const ANSWERED: Duration = Duration::from_secs(20);
/// Where they are closed by their own words, it is waited so long for music, a ringing tone or a person that says otherwise:
/// "we are closed on Sundays" is also said to those who wait on a Monday, and some of them wait in silence.
const CLOSED: Duration = Duration::from_secs(180);
/// And where a machine takes a message.
const VOICEMAIL: Duration = Duration::from_secs(20);
/// A farewell that was never reported as played ends all the same.
const FAREWELL: Duration = Duration::from_secs(15);

/// What the call tells the machine.
#[derive(Clone, Debug)]
pub enum Input {
    /// The listener concluded something.
    Heard(Heard),
    /// What was said means something to whoever waits.
    Told(Told),
    /// The prompt asked for last has been played to its end.
    Played,
    /// No phone rings any more and none answered.
    RingEnded(RingEnd),
    /// A phone that was busy is so no longer.
    PhoneFree,
    /// The owner asks for the call now, person or not.
    Take,
    /// He is needed for this, whatever is heard.
    Need(&'static str),
    /// Time passed.
    Timeout,
}

/// Something a recording says to those who wait, where its words are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// "Are you still there?", and the key that says yes, if one does.
    StillThere(Option<Digit>),
    /// "We can call you back", and the key that takes the offer, if one does.
    CallBack(Option<Digit>),
    /// "All our agents are busy, goodbye."
    AllBusy,
    /// "We are closed."
    Closed,
    /// "Leave a message after the tone."
    Voicemail,
    /// "How satisfied were you?"
    Survey,
}

impl Told {
    /// Nobody comes today, however long one waits.
    pub const fn is_vain(self) -> bool {
        matches!(self, Self::Closed | Self::Voicemail)
    }
}

/// Why no phone rings any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingEnd {
    /// The phones ring for another held call, whose person came first.
    Elsewhere,
    /// Busy with another call.
    Busy,
    /// Not registered, unplugged, unreachable.
    Unreachable,
    /// Rang and nobody came.
    NoAnswer,
    /// The owner pressed "decline".
    Declined,
}

/// What should be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Say to the far end that a machine holds the line and connects the caller.
    Greet,
    /// Say something to the person who waits for the owner.
    Reassure(Comfort),
    /// Press this key.
    Press(Digit),
    /// Tell the owner that the longest hold allowed will end it in so many minutes.
    Warn(u64),
    /// Say that the caller cannot be reached.
    Apologise,
    /// Fall silent.
    Hush,
    /// Ring the owner's phones.
    Ring,
    /// Stop ringing them.
    StopRinging,
    /// End the call.
    End(Ending),
    /// For the record: what and why.
    Decided(&'static str, String),
}

/// What a person hears while the phone rings: never the same twice in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comfort {
    /// The phone is being rung.
    Ringing,
    /// It still rings.
    StillRinging,
    /// The box is still there.
    StillHere,
    /// Another call comes first.
    OtherCall,
}

impl Comfort {
    /// The `n`th, from 0, to somebody for whom the phone rings, or whose turn it is after another call.
    const fn nth(n: u8, elsewhere: bool) -> Self {
        match (elsewhere, n % 3) {
            (true, 1) | (false, 2) => Self::StillHere,
            (true, _) => Self::OtherCall,
            (false, 0) => Self::Ringing,
            (false, _) => Self::StillRinging,
        }
    }
}

/// How a hold ends by the machine's own decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A person was there and the owner was not reached.
    OwnerNotReached,
    /// The owner declined.
    Declined,
    /// The far side plays a busy tone: it has gone.
    FarGone,
    /// The longest hold was reached.
    Cap,
    /// The far side said that nobody will come.
    NobodyThere,
}

/// What the machine is doing, for the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Waiting for a person.
    Waiting,
    /// Speaking to someone, perhaps.
    Greeting,
    /// Ringing the owner.
    Ringing,
    /// Saying goodbye.
    Parting,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Waiting,
    Greeting { until: Instant },
    Ringing(Ring),
    Parting { ending: Ending, until: Instant },
    Over,
}

#[derive(Clone, Copy, Debug)]
struct Ring {
    /// End of this go.
    until: Instant,
    /// Goes left after this one.
    left: u8,
    /// No phone rings: when to try again.
    again: Option<Instant>,
    /// When the far end must hear something.
    reassure: Instant,
    speaking: bool,
    /// How often it was reassured.
    said: u8,
    /// Another held call has the phones.
    elsewhere: bool,
    /// The owner wants the call whatever is heard on it.
    asked: bool,
    /// Nobody is there to be spoken to.
    mute: bool,
    /// Whoever is there has been greeted.
    greeted: bool,
}

/// One hold.
#[derive(Debug)]
pub struct Hold {
    policy: Policy,
    cap_at: Instant,
    /// When the owner is warned of the cap; `None` once he was.
    warn_at: Option<Instant>,
    /// No question is answered by a key before then.
    answers_from: Instant,
    /// The far side has said that nobody will come.
    nobody_comes: Option<Told>,
    /// Then it acts upon that.
    vain_at: Option<Instant>,
    /// What is heard.
    sound: Option<Sound>,
    /// Since when a busy tone is heard.
    busy_since: Option<Instant>,
    state: State,
    out: VecDeque<Output>,
}

impl Hold {
    /// A hold that begins at `now`.
    pub fn new(now: Instant, policy: Policy) -> Self {
        let mut hold = Self {
            policy,
            cap_at: now,
            warn_at: None,
            answers_from: now,
            nobody_comes: None,
            vain_at: None,
            sound: None,
            busy_since: None,
            state: State::Waiting,
            out: VecDeque::new(),
        };
        hold.extend(now);
        hold
    }

    /// The owner asks for it again: the longest hold is counted anew.
    pub fn extend(&mut self, now: Instant) {
        self.cap_at = now + self.policy.cap;
        self.warn_at = Some(now + (self.policy.cap - WARNING.min(self.policy.cap / 4)));
    }

    /// When the longest hold allowed ends it.
    pub fn ends_at(&self) -> Instant {
        self.cap_at
    }

    /// What the far side said last that explains why it hangs up on whoever waits.
    pub fn nobody_comes(&self) -> Option<Told> {
        self.nobody_comes
    }

    /// What the machine is doing.
    pub fn doing(&self) -> Doing {
        match self.state {
            State::Waiting | State::Over => Doing::Waiting,
            State::Greeting { .. } => Doing::Greeting,
            State::Ringing(_) => Doing::Ringing,
            State::Parting { .. } => Doing::Parting,
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `handle(Timeout)` at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        let own = match self.state {
            State::Waiting => None,
            State::Greeting { until } | State::Parting { until, .. } => Some(until),
            State::Ringing(ring) => Some(ring.until.min(ring.reassure).min(ring.again.unwrap_or(ring.until))),
            State::Over => return None,
        };
        let gone = self.busy_since.map(|since| since + GONE);
        [own, gone, self.vain_at, self.warn_at, Some(self.cap_at)].into_iter().flatten().min()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        if let Input::Heard(Heard::Sound { sound, .. }) = &input {
            self.sound = Some(*sound);
            self.busy_since = (*sound == Sound::Busy).then(|| self.busy_since.unwrap_or(now));
            if matches!(sound, Sound::Music | Sound::Ringback) && self.nobody_comes.is_some_and(Told::is_vain)
            {
                // Somebody is waited for after all.
                (self.nobody_comes, self.vain_at) = (None, None);
            }
        }
        match (self.state, input) {
            (State::Over, _) => {}
            (_, Input::Told(told)) => self.told(now, told),
            // A person after all, where a message was to be left, or the owner is rung for another reason.
            (State::Ringing(ring), Input::Heard(Heard::Person { .. })) if !ring.greeted => {
                self.out.push_back(Output::Greet);
                let until = now + self.policy.ring_for;
                self.state =
                    State::Ringing(Ring { mute: false, greeted: true, speaking: true, until, ..ring });
            }
            // Who takes messages is not spoken to.
            (State::Waiting, Input::Heard(Heard::Perhaps { .. }))
                if self.vain_at.is_some() && self.nobody_comes == Some(Told::Voicemail) => {}
            (State::Waiting, Input::Heard(Heard::Perhaps { reason, .. })) if self.policy.greet => {
                self.decide("greet", reason);
                self.greet(now);
            }
            (State::Waiting, Input::Heard(Heard::Person { reason, .. })) => {
                self.out.push_back(Output::Greet);
                self.ring(now, reason, true, false);
            }
            (State::Greeting { .. }, Input::Heard(Heard::Person { reason, .. })) => {
                self.ring(now, reason, false, false);
            }
            (State::Waiting | State::Greeting { .. }, Input::Need(why)) => {
                self.ring(now, why.into(), false, true);
            }
            (State::Waiting | State::Greeting { .. }, Input::Take) => {
                self.ring(now, "the owner asked for the call".into(), false, true);
            }
            (State::Greeting { .. }, Input::Heard(Heard::Recording { reason, .. })) => {
                self.decide("wait on", reason);
                self.out.push_back(Output::Hush);
                self.state = State::Waiting;
            }
            (State::Ringing(ring), Input::Heard(Heard::Recording { reason, .. })) if !ring.asked => {
                self.decide("stop ringing", reason);
                self.out.extend([Output::StopRinging, Output::Hush]);
                self.state = State::Waiting;
            }
            (State::Ringing(ring), Input::Played) => {
                self.state = State::Ringing(Ring { reassure: now + REASSURE, speaking: false, ..ring });
            }
            (State::Ringing(_), Input::RingEnded(RingEnd::Declined)) => {
                self.part(now, Ending::Declined, "the owner declined the call");
            }
            (State::Ringing(ring), Input::RingEnded(end)) => {
                let elsewhere = end == RingEnd::Elsewhere;
                if !(elsewhere && ring.elsewhere) {
                    self.decide("ring again soon", ring_end(end).into());
                }
                self.state = State::Ringing(Ring { again: Some(now + RING_AGAIN), elsewhere, ..ring });
            }
            (State::Ringing(ring), Input::PhoneFree) if ring.again.is_some() => {
                self.out.push_back(Output::Ring);
                self.state = State::Ringing(Ring { again: None, ..ring });
            }
            (State::Parting { ending, .. }, Input::Played) => self.end(ending),
            (_, Input::Timeout) => self.timeout(now),
            _ => {}
        }
    }

    fn timeout(&mut self, now: Instant) {
        if now >= self.cap_at && !matches!(self.state, State::Ringing(_) | State::Parting { .. }) {
            self.decide("end", "the longest hold allowed was reached".into());
            return self.end(Ending::Cap);
        }
        if now >= self.cap_at {
            // A person is being connected: that is what the wait was for. Asked again when it is settled.
            self.cap_at = now + REASSURE;
        }
        if self.warn_at.take_if(|at| now >= *at).is_some() {
            let minutes = self.cap_at.since(now).as_secs().div_ceil(60);
            self.decide("warn", format!("the longest hold allowed ends it in {minutes} min"));
            self.out.push_back(Output::Warn(minutes));
        }
        if self.busy_since.is_some_and(|since| now >= since + GONE) {
            self.decide("end", "the far side plays a busy tone: it has hung up".into());
            return self.end(Ending::FarGone);
        }
        if self.vain_at.take_if(|at| now >= *at).is_some() {
            return self.in_vain(now);
        }
        match self.state {
            State::Greeting { until } if now >= until => {
                self.decide("wait on", "nobody answered the greeting".into());
                self.state = State::Waiting;
            }
            State::Ringing(ring) if now >= ring.until => self.go_over(now, ring),
            State::Ringing(ring) if ring.again.is_some_and(|at| now >= at) => {
                self.out.push_back(Output::Ring);
                self.state = State::Ringing(Ring { again: None, ..ring });
            }
            State::Ringing(ring) if now >= ring.reassure => {
                let mut said = ring.said;
                if !ring.speaking && !ring.mute {
                    self.out.push_back(Output::Reassure(Comfort::nth(said, ring.elsewhere)));
                    said = said.wrapping_add(1) % 3;
                }
                let reassure = now + REASSURE;
                self.state = State::Ringing(Ring { reassure, speaking: true, said, ..ring });
            }
            State::Parting { ending, until } if now >= until => self.end(ending),
            _ => {}
        }
    }

    fn greet(&mut self, now: Instant) {
        self.out.push_back(Output::Greet);
        self.state = State::Greeting { until: now + NOBODY };
    }

    fn ring(&mut self, now: Instant, reason: String, speaking: bool, asked: bool) {
        self.decide("ring", reason);
        self.out.push_back(Output::Ring);
        let (until, left) = (now + self.policy.ring_for, self.policy.ring_again);
        let reassure = now + REASSURE;
        let greeted = speaking || matches!(self.state, State::Greeting { .. });
        let ring = Ring {
            until,
            left,
            again: None,
            reassure,
            speaking,
            said: 0,
            elsewhere: false,
            asked,
            mute: false,
            greeted,
        };
        self.state = State::Ringing(ring);
    }

    /// Whoever is at the far end hears nothing while the phones ring.
    pub fn is_mute(&self) -> bool {
        matches!(self.state, State::Ringing(Ring { mute: true, .. }))
    }

    /// Questions are answered, offers decided, bad news kept for what comes after them.
    fn told(&mut self, now: Instant, told: Told) {
        let waits = matches!(self.state, State::Waiting | State::Greeting { .. });
        match told {
            Told::AllBusy => self.nobody_comes = Some(told),
            // Words come after the sound that follows them: this is said to those who wait.
            Told::Closed | Told::Voicemail if matches!(self.sound, Some(Sound::Music | Sound::Ringback)) => {}
            Told::Closed | Told::Voicemail => {
                self.nobody_comes = Some(told);
                if waits {
                    let patience = if told == Told::Voicemail { VOICEMAIL } else { CLOSED };
                    self.vain_at.get_or_insert(now + patience);
                    self.hush();
                }
            }
            Told::Survey => self.hush(),
            _ if !waits || now < self.answers_from => {}
            Told::StillThere(_) if !self.policy.still_there => {
                self.answers_from = now + ANSWERED;
                self.decide(
                    "wait on",
                    "it asks whether anybody is there: the configuration answers no such question".into(),
                );
            }
            Told::StillThere(Some(key)) => self.press(now, key, "it asks whether anybody is still there"),
            Told::StillThere(None) => {
                self.decide("greet", "it asks whether anybody is still there".into());
                self.answers_from = now + ANSWERED;
                self.greet(now);
            }
            Told::CallBack(Some(key)) if self.policy.call_back => {
                self.nobody_comes = Some(told);
                self.press(now, key, "it offers to call back, and the configuration takes such offers");
            }
            // The key that takes it may come in the next words.
            Told::CallBack(None) if self.policy.call_back => {}
            Told::CallBack(_) => {
                self.answers_from = now + ANSWERED;
                self.decide("wait on", "it offers to call back: take the call to accept".into());
            }
        }
    }

    /// What was greeted is a machine: it is not spoken to any more.
    fn hush(&mut self) {
        if matches!(self.state, State::Greeting { .. }) {
            self.out.push_back(Output::Hush);
            self.state = State::Waiting;
        }
    }

    /// Nobody will come, and nothing that was heard since says otherwise.
    fn in_vain(&mut self, now: Instant) {
        if matches!(self.state, State::Greeting { .. }) {
            self.vain_at = Some(now + VOICEMAIL);
            return;
        }
        if !matches!(self.state, State::Waiting) {
            return;
        }
        if self.nobody_comes == Some(Told::Voicemail) && self.policy.voicemail == Voicemail::Ring {
            let (until, left) = (now + self.policy.ring_for, self.policy.ring_again);
            let reassure = now + REASSURE;
            let (speaking, said, elsewhere, asked, mute, greeted) = (false, 0, false, true, true, false);
            self.state = State::Ringing(Ring {
                until,
                left,
                again: None,
                reassure,
                speaking,
                said,
                elsewhere,
                asked,
                mute,
                greeted,
            });
            self.decide("ring", "a machine takes a message: the owner may leave one".into());
            return self.out.push_back(Output::Ring);
        }
        let voicemail = self.nobody_comes == Some(Told::Voicemail);
        let why =
            if voicemail { "a machine takes a message, and the box leaves none" } else { "they are closed" };
        self.decide("end", why.into());
        self.end(Ending::NobodyThere);
    }

    fn press(&mut self, now: Instant, key: Digit, why: &str) {
        self.decide("press", format!("key {}: {why}", key.as_char()));
        self.answers_from = now + ANSWERED;
        self.out.push_back(Output::Press(key));
    }

    /// The phones have rung for one go: once more, or never mind.
    fn go_over(&mut self, now: Instant, ring: Ring) {
        let Some(left) = ring.left.checked_sub(1) else {
            return self.give_up(now);
        };
        self.decide("ring again soon", "the phone was not answered".into());
        self.out.push_back(Output::StopRinging);
        let again = now + RING_AGAIN;
        let until = again + self.policy.ring_for;
        self.state = State::Ringing(Ring { until, left, again: Some(again), ..ring });
    }

    /// Nobody came to the phone, however often it rang.
    fn give_up(&mut self, now: Instant) {
        match self.policy.unanswered {
            Unanswered::Goodbye => self.part(now, Ending::OwnerNotReached, "the phone was not answered"),
            Unanswered::Wait if self.is_mute() => {
                self.part(now, Ending::OwnerNotReached, "the phone was not answered");
            }
            Unanswered::Wait => {
                self.decide("wait on", "the phone was not answered: the box keeps the line".into());
                self.out.extend([Output::StopRinging, Output::Reassure(Comfort::StillHere)]);
                self.state = State::Waiting;
            }
        }
    }

    fn part(&mut self, now: Instant, ending: Ending, reason: &str) {
        if self.is_mute() {
            self.decide("end", reason.into());
            self.out.push_back(Output::StopRinging);
            return self.end(if ending == Ending::Declined { ending } else { Ending::NobodyThere });
        }
        self.decide("apologise", reason.into());
        self.out.extend([Output::StopRinging, Output::Apologise]);
        self.state = State::Parting { ending, until: now + FAREWELL };
    }

    fn end(&mut self, ending: Ending) {
        self.state = State::Over;
        self.out.push_back(Output::End(ending));
    }

    fn decide(&mut self, what: &'static str, reason: String) {
        self.out.push_back(Output::Decided(what, reason));
    }
}

fn ring_end(end: RingEnd) -> &'static str {
    match end {
        RingEnd::Elsewhere => "the phones are taken by another held call",
        RingEnd::Busy => "the phone is busy with another call",
        RingEnd::Unreachable => "the phone is not connected",
        RingEnd::NoAnswer => "the phone stopped ringing without an answer",
        RingEnd::Declined => "the owner declined",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Tick;

    const POLICY: Policy = Policy {
        cap: Duration::from_secs(3600),
        ring_for: Duration::from_secs(45),
        ring_again: 0,
        greet: true,
        unanswered: Unanswered::Goodbye,
        call_back: false,
        still_there: true,
        voicemail: Voicemail::HangUp,
    };

    fn perhaps() -> Input {
        Input::Heard(Heard::Perhaps { at: Tick(0), confidence: 0.5, reason: "r".into() })
    }

    fn person() -> Input {
        Input::Heard(Heard::Person { at: Tick(0), confidence: 0.9, reason: "r".into() })
    }

    fn recording() -> Input {
        Input::Heard(Heard::Recording { at: Tick(0), reason: "r".into() })
    }

    fn busy_tone() -> Input {
        Input::Heard(Heard::Sound { at: Tick(0), sound: Sound::Busy, confidence: 0.9 })
    }

    /// Feeds `(second, input)` and drives the timers up to `end` seconds; what was done, by second.
    fn story(policy: Policy, inputs: Vec<(u64, Input)>, end: u64) -> Vec<(u64, Output)> {
        let mut hold = Hold::new(Instant::ZERO, policy);
        let mut inputs = VecDeque::from(inputs);
        let mut told = Vec::new();
        for _ in 0..10_000 {
            let next = inputs.front().map(|(s, _)| Instant(s * 1_000_000));
            let timer = hold.deadline();
            let Some(now) = [next, timer].into_iter().flatten().min().filter(|t| t.0 <= end * 1_000_000)
            else {
                break;
            };
            if next == Some(now) {
                let (_, input) = inputs.pop_front().unwrap_or((0, Input::Timeout));
                hold.handle(now, input);
            } else {
                hold.handle(now, Input::Timeout);
            }
            while let Some(out) = hold.poll() {
                if !matches!(out, Output::Decided(..) | Output::Warn(_)) {
                    told.push((now.0 / 1_000_000, out));
                }
            }
        }
        told
    }

    #[test]
    fn a_person_is_greeted_kept_warm_and_lost_politely() {
        let inputs = vec![(10, perhaps()), (12, person()), (13, Input::Played)];
        let told = story(POLICY, inputs, 200);
        assert_eq!(
            told[..3],
            [(10, Output::Greet), (12, Output::Ring), (18, Output::Reassure(Comfort::Ringing))]
        );
        assert_eq!(
            told[told.len() - 3..],
            [(57, Output::StopRinging), (57, Output::Apologise), (72, Output::End(Ending::OwnerNotReached))]
        );
    }

    #[test]
    fn an_owner_who_asks_for_the_call_gets_it_whatever_is_heard() {
        let told = story(POLICY, vec![(10, Input::Take), (12, recording())], 13);
        assert_eq!(told, [(10, Output::Ring)]);
    }

    #[test]
    fn a_person_who_comes_while_the_owner_is_rung_anyway_hears_a_voice() {
        for why in [Input::Take, Input::Need("the menu has changed")] {
            let told = story(POLICY, vec![(10, why.clone()), (12, person()), (14, person())], 15);
            assert_eq!(told, [(10, Output::Ring), (12, Output::Greet)], "once");
            let told = story(POLICY, vec![(10, perhaps()), (11, why), (12, person())], 13);
            assert_eq!(told, [(10, Output::Greet), (11, Output::Ring)], "who was greeted is not again");
        }
    }

    #[test]
    fn a_recording_stops_the_ringing_and_the_wait_goes_on() {
        let told = story(POLICY, vec![(10, person()), (12, recording()), (30, person())], 31);
        let want =
            [Output::Greet, Output::Ring, Output::StopRinging, Output::Hush, Output::Greet, Output::Ring];
        assert_eq!(told.into_iter().map(|(_, o)| o).collect::<Vec<_>>(), want);
    }

    #[test]
    fn a_busy_phone_is_rung_again() {
        let busy = Input::RingEnded(RingEnd::Busy);
        let told = story(POLICY, vec![(10, person()), (11, busy)], 16);
        assert_eq!(told, [(10, Output::Greet), (10, Output::Ring), (15, Output::Ring)]);
    }

    #[test]
    fn an_unanswered_phone_rings_for_as_many_goes_as_configured() {
        let rings = |ring_again| {
            let told = story(Policy { ring_again, ..POLICY }, vec![(10, person())], 400);
            told.iter().filter(|(_, o)| *o == Output::Ring).count()
        };
        assert_eq!((rings(0), rings(1), rings(3)), (1, 2, 4));
    }

    #[test]
    fn declining_ends_the_call_after_an_apology() {
        let inputs = vec![(10, person()), (11, Input::RingEnded(RingEnd::Declined)), (14, Input::Played)];
        let told = story(POLICY, inputs, 60);
        assert_eq!(told.last(), Some(&(14, Output::End(Ending::Declined))));
    }

    #[test]
    fn a_greeting_that_nobody_answers_is_forgotten() {
        let told = story(POLICY, vec![(10, perhaps()), (40, perhaps())], 41);
        assert_eq!(told, [(10, Output::Greet), (40, Output::Greet)]);
    }

    #[test]
    fn a_busy_tone_ends_the_wait_but_a_short_one_does_not() {
        assert_eq!(story(POLICY, vec![(10, busy_tone())], 60), [(18, Output::End(Ending::FarGone))]);
        let music = Input::Heard(Heard::Sound { at: Tick(0), sound: Sound::Music, confidence: 0.9 });
        assert_eq!(story(POLICY, vec![(10, busy_tone()), (15, music)], 60), []);
    }

    #[test]
    fn the_cap_ends_a_wait_but_never_a_handshake() {
        assert_eq!(story(POLICY, vec![], 4000), [(3600, Output::End(Ending::Cap))]);
        let told = story(POLICY, vec![(3599, person())], 3610);
        assert!(!told.contains(&(3600, Output::End(Ending::Cap))), "{told:?}");
    }

    #[test]
    fn careful_owners_are_not_spoken_for_at_perhaps() {
        let policy = Policy { greet: false, ..POLICY };
        assert_eq!(story(policy, vec![(10, perhaps())], 20), []);
    }

    #[test]
    fn who_waits_long_hears_something_else_each_time() {
        let ticks = |n: u64| (n, Input::Played);
        let inputs = [vec![(10, person())], (11..120).map(ticks).collect()].concat();
        let policy = Policy { ring_for: Duration::from_secs(180), ..POLICY };
        // Played is told at every second, so a reassurance is never due; only a machine that hears its end speaks again.
        let all = story(policy, vec![(10, person()), (11, Input::Played)], 60);
        assert!(story(policy, inputs, 60).iter().all(|(_, o)| !matches!(o, Output::Reassure(_))));
        assert!(all.contains(&(16, Output::Reassure(Comfort::Ringing))), "{all:?}");
        let said: Vec<Comfort> = (0..4).map(|n| Comfort::nth(n, false)).collect();
        assert_eq!(said, [Comfort::Ringing, Comfort::StillRinging, Comfort::StillHere, Comfort::Ringing]);
        assert_ne!(Comfort::nth(0, true), Comfort::nth(1, true));
    }

    #[test]
    fn a_second_person_waits_for_the_first() {
        let other = |at| (at, Input::RingEnded(RingEnd::Elsewhere));
        let told =
            story(POLICY, vec![(10, person()), other(10), (12, Input::Played), other(14), other(19)], 24);
        assert!(told.contains(&(17, Output::Reassure(Comfort::OtherCall))), "{told:?}");
        assert_eq!(told.iter().filter(|(_, o)| *o == Output::Ring).count(), 3, "{told:?}");
    }

    #[test]
    fn an_owner_whom_nobody_reaches_may_want_the_line_kept() {
        let policy = Policy { unanswered: Unanswered::Wait, ..POLICY };
        let told = story(policy, vec![(10, person()), (11, Input::Played), (70, person())], 71);
        let last: Vec<_> = told.iter().rev().take(4).rev().map(|(_, o)| o.clone()).collect();
        let want = [Output::StopRinging, Output::Reassure(Comfort::StillHere), Output::Greet, Output::Ring];
        assert_eq!(last, want);
    }

    #[test]
    fn the_owner_is_warned_before_the_cap_and_may_put_it_off() {
        let mut hold = Hold::new(Instant::ZERO, POLICY);
        let at = |s: u64| Instant(s * 1_000_000);
        let warned =
            |hold: &mut Hold| core::iter::from_fn(|| hold.poll()).any(|o| matches!(o, Output::Warn(_)));
        assert_eq!(hold.deadline(), Some(at(3000)));
        hold.handle(at(3000), Input::Timeout);
        assert!(warned(&mut hold));
        hold.extend(at(3100));
        assert_eq!((hold.ends_at(), hold.deadline()), (at(6700), Some(at(6100))));
        hold.handle(at(3600), Input::Timeout);
        assert!(!warned(&mut hold));
    }

    #[test]
    fn questions_are_answered_and_offers_decided() {
        let key = Digit::from_char('1');
        let pressed = |policy, told: Told| {
            let told = story(policy, vec![(10, Input::Told(told)), (15, Input::Told(told))], 60);
            told.iter().filter(|(_, o)| matches!(o, Output::Press(_))).count()
        };
        let takes = Policy { call_back: true, ..POLICY };
        assert_eq!(pressed(POLICY, Told::StillThere(key)), 1, "asked twice, answered once");
        assert_eq!(pressed(POLICY, Told::CallBack(key)), 0);
        assert_eq!(pressed(takes, Told::CallBack(key)), 1);
        assert_eq!(story(POLICY, vec![(10, Input::Told(Told::StillThere(None)))], 11), [(10, Output::Greet)]);
        let silent = Policy { still_there: false, ..POLICY };
        assert_eq!(pressed(silent, Told::StillThere(key)), 0);
        assert_eq!(story(silent, vec![(10, Input::Told(Told::StillThere(None)))], 11), []);
        // The key may come after the offer.
        let late = vec![(10, Input::Told(Told::CallBack(None))), (13, Input::Told(Told::CallBack(key)))];
        assert_eq!(story(takes, late, 60).len(), 1);
        let mut hold = Hold::new(Instant::ZERO, POLICY);
        hold.handle(Instant::ZERO, Input::Told(Told::AllBusy));
        assert_eq!(hold.nobody_comes(), Some(Told::AllBusy));
    }

    #[test]
    fn where_nobody_comes_nothing_is_said_and_the_line_is_given_up() {
        let told = |told| Input::Told(told);
        let end = Output::End(Ending::NobodyThere);
        for (vain, patience) in [(Told::Closed, 180), (Told::Voicemail, 20)] {
            let spoken = vec![(10, perhaps()), (13, told(vain))];
            let want = [(10, Output::Greet), (13, Output::Hush), (13 + patience, end.clone())];
            assert_eq!(story(POLICY, spoken, 300), want, "{vain:?}");
            // A voice after it is greeted, unless it is the machine's.
            let greeted = story(POLICY, vec![(10, told(vain)), (15, perhaps())], 20);
            assert_eq!(greeted.contains(&(15, Output::Greet)), vain == Told::Closed, "{vain:?}");
            // It was said to those who wait, or by a person.
            let music = Input::Heard(Heard::Sound { at: Tick(0), sound: Sound::Music, confidence: 0.9 });
            assert_eq!(story(POLICY, vec![(10, told(vain)), (20, music)], 600), [], "{vain:?}");
            let person = story(POLICY, vec![(10, told(vain)), (20, person())], 31);
            assert!(!person.contains(&(30, end.clone())), "{person:?}");
        }
        // Whoever is being greeted is heard out.
        let answered = vec![(10, told(Told::Voicemail)), (29, told(Told::StillThere(None)))];
        assert!(!story(POLICY, answered, 40).contains(&(30, end.clone())), "in the middle of a greeting");
        let rings = Policy { voicemail: Voicemail::Ring, ..POLICY };
        let person = story(rings, vec![(10, told(Told::Voicemail)), (35, person())], 36);
        assert_eq!(person, [(30, Output::Ring), (35, Output::Greet)], "a person after all is spoken to");
        let rung = [(30, Output::Ring), (75, Output::StopRinging), (75, end.clone())];
        assert_eq!(story(rings, vec![(10, told(Told::Voicemail))], 100), rung, "nothing is said to it");
        assert_eq!(story(rings, vec![(10, told(Told::Closed))], 200), [(190, end)]);
        assert_eq!(
            story(POLICY, vec![(10, perhaps()), (12, told(Told::Survey))], 60).last(),
            Some(&(12, Output::Hush))
        );
    }
}

//! The other end of the trunk: a provider to the box, and behind it companies that follow a script.

use super::ear::Ear;
use super::endpoint::{BOX, Endpoint, Setup};
use super::line::{Line, Playing};
use super::live::{Agent, Manner as Person};
use super::sounds::Sound;
use super::{Fact, NetInput, NetOutput, Who};
use crate::sip::{Caller, Cause, Command, Event, Manner, Progress, Session};
use crate::units::{Digit, Instant, LegId};
use core::time::Duration;

/// A voice this long is an answer to a menu that listens.
const ANSWER: Duration = Duration::from_millis(200);
/// Calls the company has at once; more are busy.
const CALLS: usize = 16;

/// One line of a company's script.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// 180 (if the call came from outside), then wait.
    Ring(Duration),
    /// 183 with SDP: what follows is heard before the answer.
    EarlyMedia,
    /// 200.
    Answer,
    /// A final response instead of an answer.
    Refuse(Cause),
    /// A recording, to its end. It talks on, whoever speaks.
    Play(Sound),
    /// A sound around and around, this long.
    Loop(Sound, Duration),
    /// A quiet line.
    Quiet(Duration),
    /// The queue hears the agent's phone ring.
    Ringback(Duration),
    /// A test tone, Hz.
    Tone(u16, Duration),
    /// Plays the menu until this key is pressed.
    Menu(Sound, Digit),
    /// Plays the menu until this key is pressed. Another key is told so once, by the menu from its start; the second time the
    /// company hangs up.
    Choice(Sound, Digit),
    /// As [`Self::Choice`] with several keys: the steps of the one that is pressed come next, and then those after this.
    Fork(Sound, &'static [(Digit, &'static [Self])]),
    /// A menu that listens: asks until somebody says something.
    Ask(Sound),
    /// A live agent takes the call, and stays for `patience` without a sign of life. The step ends when he leaves.
    Agent {
        /// See [`Agent::new`].
        patience: Duration,
    },
    /// A live agent who puts the caller back on hold after this long. The step ends then.
    AgentPutsBack(Duration),
    /// A live agent of this kind. The step ends when he is gone.
    Person(Person),
    /// Any recording, µ-law at 8 kHz, to its end.
    Clip(&'static [u8]),
    /// The same around and around, this long.
    ClipLoop(&'static [u8], Duration),
    /// Wait for the other side to hang up.
    Forever,
    /// Presses a key.
    Press(Digit),
    /// BYE.
    HangUp,
}

impl Step {
    /// Waits until there is sound: a call that was placed is answered, or a 183 has been sent.
    const fn needs_line(self) -> bool {
        use Step::{
            Agent, AgentPutsBack, Ask, Choice, Clip, ClipLoop, Fork, Loop, Menu, Person, Play, Press, Quiet,
            Ringback, Tone,
        };
        matches!(
            self,
            Play(_)
                | Person(_)
                | Clip(_)
                | ClipLoop(..)
                | Press(_)
                | Loop(..)
                | Quiet(_)
                | Ringback(_)
                | Tone(..)
                | Menu(..)
                | Choice(..)
                | Fork(..)
                | Ask(_)
                | Agent { .. }
                | AgentPutsBack(_)
        )
    }
}

/// What happens on one number. An empty number takes every call that no other takes. Of several with one number each takes
/// one call, the last all that follow.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The number that is called.
    pub number: String,
    /// What happens.
    pub script: Vec<Step>,
}

struct Call {
    leg: LegId,
    offer: Option<Session>,
    script: Vec<Step>,
    at: usize,
    entered: Option<Instant>,
    agent: Option<Agent>,
    keys: Vec<Digit>,
    /// Wrong keys in a row.
    wrong: u8,
    up: bool,
}

/// The company.
pub struct Company {
    end: Endpoint,
    desks: Vec<Desk>,
    /// The numbers that were called, in order.
    called: Vec<String>,
    /// Every call that came: its number, and when.
    came: Vec<(LegId, String, Instant)>,
    calls: Vec<Call>,
    /// It puts calls through itself when it is asked to, RFC 3515.
    pub puts_through: bool,
}

impl Company {
    /// A company with these numbers. The box is a `RegistersHere` or a `Static` account of it.
    pub fn new(setup: Setup, desks: Vec<Desk>) -> Self {
        Self {
            end: Endpoint::new(Who::Company, setup),
            desks,
            called: Vec::new(),
            came: Vec::new(),
            calls: Vec::new(),
            puts_through: true,
        }
    }

    /// Calls a number through the box's trunk and follows this script when it is answered.
    pub fn call(&mut self, now: Instant, number: &str, caller: Caller, script: Vec<Step>) {
        let (leg, media) = (self.end.next_leg(), self.end.media());
        self.end.say(now, Fact::Dials(number.into()));
        self.calls.push(Call::new(leg, None, script));
        self.end.command(
            now,
            Command::Call { leg, account: BOX, to: number.into(), caller, media, manner: Manner::default() },
        );
        self.settle(now);
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: NetInput<'_>) {
        self.end.handle(now, input);
        self.settle(now);
    }

    /// The next output; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<NetOutput> {
        self.end.poll()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.calls.iter().filter_map(Call::deadline).chain(self.end.deadline()).min()
    }

    /// From now on whoever calls finds these.
    pub fn change(&mut self, desks: Vec<Desk>) {
        self.desks = desks;
        self.called.clear();
    }

    /// A person is on one of the lines.
    pub fn has_agent(&self) -> bool {
        self.calls.iter().any(|call| call.agent.is_some())
    }

    /// Calls that are up or ringing.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// What was heard in each call that came, in their order: its number, when it came, and the ear on it.
    pub fn ears(&self) -> impl Iterator<Item = (&str, Instant, &Ear)> {
        let ear = |(leg, ..): &(LegId, String, Instant)| self.end.ear(*leg);
        self.came.iter().filter_map(move |call| Some((call.1.as_str(), call.2, ear(call)?)))
    }

    /// The line of the newest call, to see what was heard on it.
    pub fn line(&mut self) -> Option<&mut Line> {
        let leg = self.calls.last()?.leg;
        self.end.line(leg)
    }

    /// Whose turn it is to take this call.
    fn desk(&self, called: &str) -> Option<&Desk> {
        let first = self.desks.iter().find(|d| d.number == called || d.number.is_empty())?;
        let before = self.called.iter().filter(|number| *number == called).count();
        let its: Vec<&Desk> = self.desks.iter().filter(|desk| desk.number == first.number).collect();
        its.get(before).or(its.last()).copied()
    }

    fn settle(&mut self, now: Instant) {
        loop {
            while let Some(event) = self.end.event() {
                self.on_event(now, event);
            }
            let mut moved = false;
            for call in &mut self.calls {
                moved |= call.advance(now, &mut self.end);
            }
            if !moved {
                break;
            }
        }
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Incoming { leg, called, caller, session, .. } => {
                self.end.say(now, Fact::Called { number: called.clone(), caller });
                let script = self.desk(&called).map(|desk| desk.script.clone());
                self.came.push((leg, called.clone(), now));
                self.called.push(called);
                match script {
                    _ if self.calls.len() >= CALLS => self.end.hang_up(now, leg, Cause::Busy),
                    Some(script) => self.calls.push(Call::new(leg, session, script)),
                    None => self.end.hang_up(now, leg, Cause::NoSuchNumber),
                }
            }
            Event::Answered(leg, _) => {
                if let Some(call) = self.calls.iter_mut().find(|c| c.leg == leg) {
                    call.up = true;
                }
            }
            Event::Ended(leg, cause) => {
                if let Some(place) = self.calls.iter().position(|c| c.leg == leg) {
                    self.calls.remove(place);
                    self.end.say(now, Fact::Ended(cause));
                }
            }
            Event::Ringing(_) => self.end.say(now, Fact::HearsRinging),
            Event::Refer { leg, to, .. } => {
                self.end.say(now, Fact::IsAsked(to));
                let told = match self.puts_through {
                    true => Progress::Done,
                    false => Progress::Failed(Cause::Rejected),
                };
                self.end.command(now, Command::Report(leg, Progress::Trying));
                self.end.command(now, Command::Report(leg, told));
            }
            Event::PhoneRegistered(..) => self.end.say(now, Fact::Registered),
            _ => {}
        }
    }
}

impl Call {
    fn new(leg: LegId, offer: Option<Session>, script: Vec<Step>) -> Self {
        Self { leg, offer, script, at: 0, entered: None, agent: None, keys: Vec::new(), wrong: 0, up: false }
    }

    /// Waits of the script that no packet would end.
    fn deadline(&self) -> Option<Instant> {
        let Step::Ring(wait) = self.script.get(self.at)? else { return None };
        self.entered.map(|at| at + *wait)
    }

    /// Goes on in the script as far as it goes. True if something happened that may have raised events.
    fn advance(&mut self, now: Instant, end: &mut Endpoint) -> bool {
        let start = self.at;
        if let Some(digit) = end.line(self.leg).and_then(Line::take_digit) {
            self.keys.push(digit);
            end.say(now, Fact::HearsKey(digit));
            return true;
        }
        while let Some(step) = self.script.get(self.at).copied() {
            if step.needs_line() && end.line(self.leg).is_none() {
                break;
            }
            if self.entered.is_none() {
                self.entered = Some(now);
                self.enter(now, &step, end);
            }
            let since = self.entered.unwrap_or(now);
            if !self.is_done(now, since, &step, end) {
                break;
            }
            self.at += 1;
            self.entered = None;
        }
        self.at != start
    }

    fn enter(&mut self, now: Instant, step: &Step, end: &mut Endpoint) {
        let playing = match step {
            Step::Play(sound)
            | Step::Menu(sound, _)
            | Step::Choice(sound, _)
            | Step::Fork(sound, _)
            | Step::Ask(sound) => Playing::Once(*sound),
            Step::Loop(sound, _) => Playing::Loop(*sound),
            Step::Ringback(_) => Playing::RINGBACK,
            Step::Tone(hz, _) => Playing::Tone(*hz),
            Step::Clip(samples) => Playing::Clip(samples, false),
            Step::ClipLoop(samples, _) => Playing::Clip(samples, true),
            _ => Playing::Quiet,
        };
        if let Some(line) = end.line(self.leg) {
            line.play(playing);
            if let Step::Press(key) = step {
                line.press(*key, Duration::from_millis(100));
            }
        }
        match step {
            Step::Ring(_) => end.command(now, Command::Ringing(self.leg)),
            Step::EarlyMedia => {
                end.command(now, Command::Progress(self.leg, end.media()));
                if let Some(session) = self.offer {
                    end.open(now, self.leg, session);
                }
            }
            Step::Answer => {
                end.say(now, Fact::Answers);
                end.command(now, Command::Answer(self.leg, end.media()));
            }
            Step::Refuse(cause) => {
                end.say(now, Fact::Refuses(*cause));
                end.hang_up(now, self.leg, *cause);
            }
            Step::HangUp => {
                end.say(now, Fact::HangsUp);
                end.hang_up(now, self.leg, Cause::Normal);
            }
            Step::Play(sound)
            | Step::Loop(sound, _)
            | Step::Menu(sound, _)
            | Step::Choice(sound, _)
            | Step::Fork(sound, _)
            | Step::Ask(sound) => end.say(now, Fact::Says(*sound)),
            Step::Agent { patience } => self.agent = Some(Agent::new(now, Person::patient(*patience))),
            Step::AgentPutsBack(after) => {
                self.agent = Some(Agent::new(now, Person { stays: *after, ..Person::patient(*after * 2) }));
            }
            Step::Person(manner) => self.agent = Some(Agent::new(now, *manner)),
            Step::Clip(_)
            | Step::ClipLoop(..)
            | Step::Quiet(_)
            | Step::Ringback(_)
            | Step::Tone(..)
            | Step::Press(_)
            | Step::Forever => {}
        }
    }

    fn is_done(&mut self, now: Instant, since: Instant, step: &Step, end: &mut Endpoint) -> bool {
        let passed = now.since(since);
        let Some(line) = end.line(self.leg) else {
            return match step {
                Step::Ring(wait) => passed >= *wait,
                Step::EarlyMedia => true,
                _ => false,
            };
        };
        match step {
            Step::Ring(wait)
            | Step::Loop(_, wait)
            | Step::ClipLoop(_, wait)
            | Step::Quiet(wait)
            | Step::Ringback(wait)
            | Step::Tone(_, wait) => passed >= *wait,
            Step::EarlyMedia => true,
            Step::Answer => self.up,
            Step::Play(_) | Step::Clip(_) | Step::Press(_) => !line.is_busy(),
            Step::Menu(_, key) if self.keys.contains(key) => {
                self.keys.clear();
                true
            }
            Step::Choice(_, key) if !self.keys.is_empty() => {
                let right = self.keys.remove(0) == *key;
                self.chosen(now, right, end)
            }
            Step::Fork(_, ways) if !self.keys.is_empty() => {
                let key = self.keys.remove(0);
                let way = ways.iter().find(|(wanted, _)| *wanted == key);
                let next = self.at + 1;
                self.script.splice(next..next, way.iter().flat_map(|(_, steps)| steps.iter().copied()));
                self.chosen(now, way.is_some(), end)
            }
            Step::Ask(_) if line.ear.voice(now) >= ANSWER => true,
            Step::Menu(sound, _) | Step::Choice(sound, _) | Step::Fork(sound, _) | Step::Ask(sound) => {
                if passed >= sound_time(*sound) + Duration::from_secs(3) {
                    self.entered = None;
                }
                false
            }
            Step::Agent { .. } | Step::AgentPutsBack(_) | Step::Person(_) => {
                let fact = self.agent.as_mut().and_then(|agent| agent.advance(now, line));
                if let Some(fact) = fact {
                    end.say(now, fact);
                }
                let gone = self.agent.as_ref().is_none_or(Agent::is_gone);
                if gone {
                    self.agent = None;
                }
                gone
            }
            Step::Refuse(_) | Step::HangUp | Step::Forever => false,
        }
    }

    /// A key was pressed in a menu that takes few: a wrong one is told so once.
    fn chosen(&mut self, now: Instant, right: bool, end: &mut Endpoint) -> bool {
        self.wrong = if right { 0 } else { self.wrong + 1 };
        if self.wrong > 1 {
            end.say(now, Fact::HangsUp);
            end.hang_up(now, self.leg, Cause::Normal);
        } else if !right {
            self.entered = None;
        }
        right
    }
}

fn sound_time(sound: Sound) -> Duration {
    Duration::from_micros(sound.samples().len() as u64 * 125)
}

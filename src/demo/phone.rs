//! The household's phone behind its adapter, and the owner who uses it, following a script.

use super::endpoint::{BOX, Endpoint, Setup};
use super::line::{Line, Playing, USUAL};
use super::sounds::Sound;
use super::{Fact, NetInput, NetOutput, Who};
use crate::sip::{Caller, Cause, Command, Event, Manner, Progress};
use crate::units::{Digit, Instant, LegId};
use core::time::Duration;

/// How a hook flash reaches the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlashBy {
    /// Telephone-event 16, RFC 2833 §3.10.
    Event,
    /// INFO.
    Info,
    /// As an HT801 does by default: a re-INVITE that holds the call; the owner then hears its own dial tone.
    Hold,
}

/// One line of the owner's script.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// REGISTER, and wait until the box has taken it.
    Register,
    /// Do nothing for so long.
    Wait(Duration),
    /// Lift the handset and dial. A call that is up stays as it is (held, after a flash).
    Dial(String),
    /// Until the call is answered, or over.
    AwaitAnswer,
    /// Until sound comes, early media or not, or the call is over.
    AwaitSound,
    /// Press keys in the call, until the last is sent.
    Press(String),
    /// Hold one key down for so long.
    HoldKey(char, Duration),
    /// Tell of a key by INFO, which says how long it was held.
    InfoKey(char, Duration),
    /// Hook flash.
    Flash(FlashBy),
    /// End a hold of the phone's own.
    Resume,
    /// Hold the call that is up and go to the other one, as an adapter does on a hook flash.
    Swap,
    /// Put the call through to this number, RFC 3515.
    Transfer(String),
    /// Put the first call through to whoever is in the last one, RFC 5589 §7.
    JoinBoth,
    /// Until it is known what became of that.
    AwaitTransfer,
    /// Say this, to its end.
    Say(Sound),
    /// Send a test tone, Hz.
    Tone(u16, Duration),
    /// Listen until somebody has talked and paused for 700 ms, but no longer than this.
    Listen(Duration),
    /// Put the handset down: ends every call.
    HangUp,
    /// Until it rings.
    AwaitRing,
    /// Until it has stopped ringing by itself.
    AwaitRingEnd,
    /// Answer what rings. If it has stopped ringing, go back to waiting for it.
    PickUp,
    /// Refuse what rings.
    Decline,
    /// Until the other side ends the call.
    AwaitEnd,
    /// Pull the network plug: from then on nothing is sent and nothing heard.
    Unplug,
}

/// A person who has heard this much quiet takes it for a pause.
const TURN: Duration = Duration::from_millis(700);

/// The phone.
pub struct Phone {
    end: Endpoint,
    script: Vec<Step>,
    at: usize,
    entered: Option<Instant>,
    /// Answers a second call with 486 instead of ringing for it.
    busy_when_talking: bool,
    registered: bool,
    ringing: Option<LegId>,
    legs: Vec<Talk>,
    /// How the last transfer goes.
    transfer: Option<Progress>,
    unplugged: bool,
}

#[derive(Clone, Copy)]
struct Talk {
    leg: LegId,
    up: bool,
}

impl Phone {
    /// A phone of this owner. The box is a `RegisterAt` or a `Static` account of it.
    pub fn new(setup: Setup, busy_when_talking: bool, script: Vec<Step>) -> Self {
        Self {
            end: Endpoint::new(Who::Phone, setup),
            script,
            at: 0,
            entered: None,
            busy_when_talking,
            registered: false,
            ringing: None,
            legs: Vec::new(),
            transfer: None,
            unplugged: false,
        }
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: NetInput<'_>) {
        if self.unplugged {
            return;
        }
        self.end.handle(now, input);
        self.settle(now);
    }

    /// The next output; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<NetOutput> {
        self.end.poll()
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        if self.unplugged {
            return None;
        }
        let wait = match (self.script.get(self.at), self.entered) {
            (Some(_), None) => Some(Instant::ZERO),
            (Some(Step::Wait(d)), Some(at)) => Some(at + *d),
            _ => None,
        };
        wait.into_iter().chain(self.end.deadline()).min()
    }

    /// It rings.
    pub fn is_ringing(&self) -> bool {
        self.ringing.is_some()
    }

    /// The owner does this as well, after all that he was to do before.
    pub fn then(&mut self, steps: Vec<Step>) {
        self.script.extend(steps);
    }

    /// The script has been played to its end.
    pub fn is_finished(&self) -> bool {
        self.at >= self.script.len()
    }

    /// The line of the call that is up, to see what was heard on it.
    pub fn line(&mut self) -> Option<&mut Line> {
        let leg = self.legs.last()?.leg;
        self.end.line(leg)
    }

    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.end.event() {
            self.on_event(now, event);
        }
        while let Some(step) = self.script.get(self.at).cloned() {
            if self.entered.is_none() {
                self.entered = Some(now);
                self.enter(now, &step);
                while let Some(event) = self.end.event() {
                    self.on_event(now, event);
                }
            }
            let since = self.entered.unwrap_or(now);
            if !self.is_done(now, since, &step) {
                break;
            }
            self.at += 1;
            self.entered = None;
            if self.is_finished() {
                self.end.say(now, Fact::Finished);
            }
        }
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Registered(..) if !self.registered => {
                self.registered = true;
                self.end.say(now, Fact::Registered);
            }
            Event::RegisterFailed(_, cause, _) => self.end.say(now, Fact::NotRegistered(cause)),
            Event::Incoming { leg, called, caller, .. } => self.on_call(now, leg, called, caller),
            Event::Ringing(_) => self.end.say(now, Fact::HearsRinging),
            Event::Answered(leg, _) => {
                if let Some(talk) = self.legs.iter_mut().find(|t| t.leg == leg) {
                    talk.up = true;
                    self.end.say(now, Fact::Answered);
                }
            }
            Event::Referred(_, progress) => {
                self.transfer = Some(progress);
                self.end.say(now, Fact::Transfer(progress));
            }
            Event::Ended(leg, _) if self.ringing == Some(leg) => {
                self.ringing = None;
                self.end.say(now, Fact::StopsRinging);
            }
            Event::Ended(leg, cause) => {
                let before = self.legs.len();
                self.legs.retain(|t| t.leg != leg);
                if self.legs.len() < before {
                    self.end.say(now, Fact::Ended(cause));
                }
            }
            _ => {}
        }
    }

    fn on_call(&mut self, now: Instant, leg: LegId, number: String, caller: Caller) {
        if self.ringing.is_some() || (self.busy_when_talking && !self.legs.is_empty()) {
            self.end.say(now, Fact::Refuses(Cause::Busy));
            self.end.hang_up(now, leg, Cause::Busy);
            return;
        }
        self.ringing = Some(leg);
        self.end.say(now, Fact::Called { number, caller });
        self.end.command(now, Command::Ringing(leg));
    }

    fn enter(&mut self, now: Instant, step: &Step) {
        match step {
            Step::Register => self.end.command(now, Command::Register(BOX)),
            Step::Dial(number) => self.dial(now, number),
            Step::Press(keys) => {
                self.end.say(now, Fact::Presses(keys.clone()));
                if let Some(line) = self.line() {
                    keys.chars().filter_map(Digit::from_char).for_each(|key| line.press(key, USUAL));
                }
            }
            Step::HoldKey(key, held) => {
                self.end.say(now, Fact::Presses((*key).into()));
                if let (Some(line), Some(key)) = (self.line(), Digit::from_char(*key)) {
                    line.press(key, *held);
                }
            }
            Step::InfoKey(key, held) => {
                if let Some(key) = Digit::from_char(*key) {
                    self.with_leg(now, |leg| Command::Info(leg, key, *held));
                }
            }
            Step::Flash(by) => self.flash(now, *by),
            Step::Resume => self.with_leg(now, |leg| Command::Hold(leg, false)),
            Step::Swap => {
                self.with_leg(now, |leg| Command::Hold(leg, true));
                self.legs.rotate_right(1);
                self.with_leg(now, |leg| Command::Hold(leg, false));
            }
            Step::Transfer(number) => {
                self.transfer(now, self.legs.last().map(|t| t.leg), number.clone(), None);
            }
            Step::JoinBoth => {
                let other = self.legs.last().map(|t| t.leg);
                self.transfer(now, self.legs.first().map(|t| t.leg), String::new(), other);
            }
            Step::Say(sound) => {
                self.end.say(now, Fact::Says(*sound));
                self.play(Playing::Once(*sound));
            }
            Step::Tone(hz, _) => self.play(Playing::Tone(*hz)),
            Step::HangUp => self.hang_up(now),
            Step::PickUp => self.pick_up(now),
            Step::Decline => {
                if let Some(leg) = self.ringing.take() {
                    self.end.say(now, Fact::Refuses(Cause::Rejected));
                    self.end.hang_up(now, leg, Cause::Rejected);
                }
            }
            Step::Unplug => self.unplugged = true,
            Step::Wait(_)
            | Step::AwaitTransfer
            | Step::AwaitAnswer
            | Step::AwaitSound
            | Step::Listen(_)
            | Step::AwaitRing
            | Step::AwaitRingEnd
            | Step::AwaitEnd => {
                self.play(Playing::Quiet);
            }
        }
    }

    fn is_done(&mut self, now: Instant, since: Instant, step: &Step) -> bool {
        let passed = now.since(since);
        let over = self.legs.is_empty();
        match step {
            Step::Register => self.registered,
            Step::Wait(wait) => passed >= *wait,
            Step::AwaitAnswer => over || self.legs.last().is_some_and(|t| t.up),
            Step::AwaitSound => over || self.line().is_some_and(|line| line.ear.level_dbm0().is_some()),
            Step::Press(_) | Step::HoldKey(..) | Step::Say(_) => {
                !self.line().is_some_and(|line| line.is_busy())
            }
            Step::Tone(_, wait) => over || passed >= *wait,
            Step::Listen(at_most) => {
                over || passed >= *at_most || self.line().is_some_and(|l| has_paused(l, now, since))
            }
            Step::AwaitRing => self.ringing.is_some(),
            Step::AwaitRingEnd => self.ringing.is_none(),
            // What rang stopped before it was picked up: wait for the next ring.
            Step::PickUp if over => {
                self.at =
                    self.script.iter().take(self.at).rposition(|s| *s == Step::AwaitRing).unwrap_or(self.at);
                self.entered = None;
                false
            }
            Step::PickUp => self.legs.last().is_some_and(|t| t.up),
            Step::AwaitEnd => over,
            Step::AwaitTransfer => over || self.transfer.is_some_and(Progress::is_final),
            Step::Unplug => false,
            Step::Dial(_)
            | Step::Flash(_)
            | Step::InfoKey(..)
            | Step::Resume
            | Step::Swap
            | Step::Transfer(_)
            | Step::JoinBoth
            | Step::HangUp
            | Step::Decline => true,
        }
    }

    fn dial(&mut self, now: Instant, number: &str) {
        let (leg, media) = (self.end.next_leg(), self.end.media());
        self.end.say(now, Fact::Dials(number.into()));
        self.legs.push(Talk { leg, up: false });
        let caller = Caller::default();
        self.end.command(
            now,
            Command::Call { leg, account: BOX, to: number.into(), caller, media, manner: Manner::default() },
        );
    }

    fn pick_up(&mut self, now: Instant) {
        let Some(leg) = self.ringing.take() else { return };
        self.end.say(now, Fact::Answers);
        self.legs.push(Talk { leg, up: false });
        self.end.command(now, Command::Answer(leg, self.end.media()));
    }

    fn hang_up(&mut self, now: Instant) {
        if !self.legs.is_empty() {
            self.end.say(now, Fact::HangsUp);
        }
        for talk in core::mem::take(&mut self.legs) {
            self.end.hang_up(now, talk.leg, Cause::Normal);
        }
    }

    fn flash(&mut self, now: Instant, by: FlashBy) {
        self.end.say(now, Fact::Flashes);
        match by {
            FlashBy::Event => {
                if let Some(line) = self.line() {
                    line.press(Digit::FLASH, USUAL);
                }
            }
            FlashBy::Info => self.with_leg(now, |leg| Command::Info(leg, Digit::FLASH, Duration::ZERO)),
            FlashBy::Hold => self.with_leg(now, |leg| Command::Hold(leg, true)),
        }
    }

    fn with_leg(&mut self, now: Instant, command: impl Fn(LegId) -> Command) {
        if let Some(talk) = self.legs.last() {
            self.end.command(now, command(talk.leg));
        }
    }

    fn transfer(&mut self, now: Instant, leg: Option<LegId>, to: String, other: Option<LegId>) {
        let Some(leg) = leg else { return };
        self.transfer = None;
        self.end.say(now, Fact::Transfers);
        self.end.command(now, Command::Refer(leg, to, other));
    }

    fn play(&mut self, playing: Playing) {
        if let Some(line) = self.line() {
            line.play(playing);
        }
    }
}

/// Somebody talked since, and then paused for a turn.
fn has_paused(line: &Line, now: Instant, since: Instant) -> bool {
    let pause = line.ear.pause(now);
    pause >= TURN && pause < now.since(since)
}

//! The policy of holding: from the owner's gesture to the handshake. One table of (state, input).
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

pub mod book;
pub mod flow;
pub mod learn;
pub mod navigate;
pub mod schedule;
pub mod text;

use crate::listen::{Heard, Sound};
use crate::units::Instant;
use core::time::Duration;
use std::collections::VecDeque;

/// How the owner wants to be held and rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Longest hold.
    pub cap: Duration,
    /// How long the phones ring in one go.
    pub ring_for: Duration,
    /// How many times more they ring if nobody answers.
    pub ring_again: u8,
    /// Speak at `Perhaps`; without it only `Person` makes the box speak, and it rings in the same moment.
    pub greet: bool,
}

/// Pause before a phone that was busy or unreachable is tried again.
const RING_AGAIN: Duration = Duration::from_secs(4);
/// The agent hears something at least this often while the phone rings: dead air makes agents hang up.
const REASSURE: Duration = Duration::from_secs(8);
/// A greeting that neither a voice nor the listener's verdict followed for this long was spoken to nobody.
const NOBODY: Duration = Duration::from_secs(12);
/// A busy or congestion tone this long means that the far side has gone without a BYE.
const GONE: Duration = Duration::from_secs(8);
/// A farewell that was never reported as played ends all the same.
const FAREWELL: Duration = Duration::from_secs(15);

/// What the call tells the machine.
#[derive(Clone, Debug)]
pub enum Input {
    /// The listener concluded something.
    Heard(Heard),
    /// The prompt asked for last has been played to its end.
    Played,
    /// No phone rings any more and none answered.
    RingEnded(RingEnd),
    /// A phone that was busy is so no longer.
    PhoneFree,
    /// The owner asks for the call now, person or not.
    Take,
    /// He is needed for this, person or not.
    Need(&'static str),
    /// Time passed.
    Timeout,
}

/// Why no phone rings any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingEnd {
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
    /// Say that the phone is ringing.
    Reassure,
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
}

/// One hold.
#[derive(Debug)]
pub struct Hold {
    policy: Policy,
    cap_at: Instant,
    /// Since when a busy tone is heard.
    busy_since: Option<Instant>,
    state: State,
    out: VecDeque<Output>,
}

impl Hold {
    /// A hold that begins at `now`.
    pub fn new(now: Instant, policy: Policy) -> Self {
        let state = State::Waiting;
        Self { policy, cap_at: now + policy.cap, busy_since: None, state, out: VecDeque::new() }
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
        [own, gone, Some(self.cap_at)].into_iter().flatten().min()
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        if let Input::Heard(Heard::Sound { sound, .. }) = &input {
            self.busy_since = (*sound == Sound::Busy).then(|| self.busy_since.unwrap_or(now));
        }
        match (self.state, input) {
            (State::Over, _) => {}
            (State::Waiting, Input::Heard(Heard::Perhaps { reason, .. })) if self.policy.greet => {
                self.decide("greet", reason);
                self.greet(now);
            }
            (State::Waiting, Input::Heard(Heard::Person { reason, .. })) => {
                self.out.push_back(Output::Greet);
                self.ring(now, "ring", reason, true);
            }
            (State::Greeting { .. }, Input::Heard(Heard::Person { reason, .. })) => {
                self.ring(now, "ring", reason, false);
            }
            (State::Waiting | State::Greeting { .. }, Input::Take) => {
                self.ring(now, "ring", "the owner asked for the call".into(), false);
            }
            (State::Waiting | State::Greeting { .. }, Input::Need(why)) => {
                self.ring(now, "ring", why.into(), false);
            }
            (State::Greeting { .. }, Input::Heard(Heard::Recording { reason, .. })) => {
                self.decide("wait on", reason);
                self.out.push_back(Output::Hush);
                self.state = State::Waiting;
            }
            (State::Ringing(_), Input::Heard(Heard::Recording { reason, .. })) => {
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
                self.decide("ring again soon", ring_end(end).into());
                self.state = State::Ringing(Ring { again: Some(now + RING_AGAIN), ..ring });
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
        if self.busy_since.is_some_and(|since| now >= since + GONE) {
            self.decide("end", "the far side plays a busy tone: it has hung up".into());
            return self.end(Ending::FarGone);
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
                if !ring.speaking {
                    self.out.push_back(Output::Reassure);
                }
                self.state = State::Ringing(Ring { reassure: now + REASSURE, speaking: true, ..ring });
            }
            State::Parting { ending, until } if now >= until => self.end(ending),
            _ => {}
        }
    }

    fn greet(&mut self, now: Instant) {
        self.out.push_back(Output::Greet);
        self.state = State::Greeting { until: now + NOBODY };
    }

    fn ring(&mut self, now: Instant, what: &'static str, reason: String, speaking: bool) {
        self.decide(what, reason);
        self.out.push_back(Output::Ring);
        let (until, left) = (now + self.policy.ring_for, self.policy.ring_again);
        self.state = State::Ringing(Ring { until, left, again: None, reassure: now + REASSURE, speaking });
    }

    /// The phones have rung for one go: once more, or never mind.
    fn go_over(&mut self, now: Instant, ring: Ring) {
        let Some(left) = ring.left.checked_sub(1) else {
            return self.part(now, Ending::OwnerNotReached, "the phone was not answered");
        };
        self.decide("ring again soon", "the phone was not answered".into());
        self.out.push_back(Output::StopRinging);
        let again = now + RING_AGAIN;
        let until = again + self.policy.ring_for;
        self.state = State::Ringing(Ring { until, left, again: Some(again), ..ring });
    }

    fn part(&mut self, now: Instant, ending: Ending, reason: &str) {
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
                if !matches!(out, Output::Decided(..)) {
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
        assert_eq!(told[..3], [(10, Output::Greet), (12, Output::Ring), (21, Output::Reassure)]);
        assert_eq!(
            told[told.len() - 3..],
            [(57, Output::StopRinging), (57, Output::Apologise), (72, Output::End(Ending::OwnerNotReached))]
        );
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
}

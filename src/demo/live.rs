//! A person on the company's end: greets, stops when spoken to, answers, asks whether anybody is there, gives up.
//! This is what tells him from a recording, which talks on.

use super::Fact;
use super::line::{Line, Playing};
use super::sounds::Sound;
use crate::units::Instant;
use core::time::Duration;

/// A voice this long makes a person stop talking.
const NOTICES: Duration = Duration::from_millis(300);
/// A pause this long means that it is his turn.
const TURN: Duration = Duration::from_millis(700);
/// Silence this long makes him ask.
const WONDERS: Duration = Duration::from_secs(6);

/// What kind of person takes the call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    /// He leaves after so long without the owner's own voice.
    pub patience: Duration,
    /// He leaves after so long without any sound.
    pub dead_air: Duration,
    /// What he says first.
    pub greeting: Sound,
    /// He puts the caller back on hold, or hands him on, so long after he came.
    pub stays: Duration,
    /// He speaks in this voice, not in the demo's.
    pub voice: Option<Voice>,
}

/// Recordings of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voice {
    /// What he says first, µ-law at 8 kHz in whole frames.
    pub greeting: &'static [u8],
    /// Whatever he says after that.
    pub answer: &'static [u8],
}

impl Manner {
    /// A person of the demo who stays for `patience` without hearing the owner.
    pub const fn patient(patience: Duration) -> Self {
        let ever = Duration::MAX;
        Self { patience, dead_air: ever, greeting: Sound::AgentGreeting, stays: ever, voice: None }
    }
}

/// What he says to the owner, in turn.
const ANSWERS: [Sound; 3] = [Sound::AgentHelp, Sound::AgentTalk, Sound::AgentBye];

/// One agent on one call.
#[derive(Clone, Debug)]
pub struct Agent {
    state: State,
    manner: Manner,
    came: Instant,
    last_sign_of_life: Instant,
    greeted_the_machine: bool,
    answers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Comes,
    Speaking(Sound),
    Listening { since: Instant },
    Hearing,
    Gone,
}

impl Agent {
    /// An agent who takes the call at `now`.
    pub fn new(now: Instant, manner: Manner) -> Self {
        Self {
            state: State::Comes,
            manner,
            came: now,
            last_sign_of_life: now,
            greeted_the_machine: false,
            answers: 0,
        }
    }

    /// He has left: said goodbye, or lost patience.
    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Lets him act. Call on every packet and every 20 ms.
    pub fn advance(&mut self, now: Instant, line: &mut Line) -> Option<Fact> {
        let spoken_to = line.ear.voice(now) >= NOTICES;
        // The box's greeting is no caller: only the owner's own voice keeps him.
        if spoken_to && line.ear.recognised(now, TURN).is_some() {
            self.last_sign_of_life = now;
        }
        match self.state {
            _ if now.since(self.came) >= self.manner.stays => {
                self.state = State::Gone;
                None
            }
            State::Comes => Some(self.speak(self.manner.greeting, line)),
            State::Speaking(Sound::AgentBye) if !line.is_busy() => {
                self.state = State::Gone;
                None
            }
            State::Speaking(sound) if sound != Sound::AgentBye && spoken_to => {
                line.play(Playing::Quiet);
                self.state = State::Hearing;
                Some(Fact::FallsSilent)
            }
            State::Speaking(_) if !line.is_busy() => {
                self.state = State::Listening { since: now };
                None
            }
            State::Hearing if line.ear.pause(now) >= TURN => self.reply(now, line),
            State::Listening { .. } if spoken_to => {
                self.state = State::Hearing;
                None
            }
            State::Listening { .. } if now.since(self.last_sign_of_life) >= self.manner.patience => {
                Some(self.speak(Sound::AgentBye, line))
            }
            State::Listening { .. }
                if line.ear.pause(now).min(now.since(self.came)) >= self.manner.dead_air =>
            {
                self.state = State::Gone;
                None
            }
            State::Listening { since } if now.since(since) >= WONDERS => {
                Some(self.speak(Sound::AgentThere, line))
            }
            _ => None,
        }
    }

    fn reply(&mut self, now: Instant, line: &mut Line) -> Option<Fact> {
        let owner = line.ear.recognised(now, Duration::from_secs(3));
        match owner.and_then(|_| ANSWERS.get(self.answers)) {
            Some(answer) => {
                self.answers += 1;
                Some(self.speak(*answer, line))
            }
            None if owner.is_none() && !self.greeted_the_machine => {
                self.greeted_the_machine = true;
                Some(self.speak(Sound::AgentWaits, line))
            }
            None => {
                self.state = State::Listening { since: now };
                None
            }
        }
    }

    fn speak(&mut self, sound: Sound, line: &mut Line) -> Fact {
        line.play(match self.manner.voice {
            Some(voice) if sound == self.manner.greeting => Playing::Clip(voice.greeting, false),
            Some(voice) => Playing::Clip(voice.answer, false),
            None => Playing::Once(sound),
        });
        self.state = State::Speaking(sound);
        Fact::Speaks(sound)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sip::Session;
    use crate::units::Codec;

    /// An agent with somebody on the other end who plays something at some seconds; returns what the agent did when.
    fn talk(patience_s: u64, until_s: u64, other: &[(u64, Playing)]) -> Vec<(u64, Fact)> {
        let session = Session {
            remote: "127.0.0.1:4000".parse().unwrap(),
            codec: Codec::Pcmu,
            payload_type: 0,
            event_type: Some(101),
            rtcp: None,
            send: true,
            receive: true,
            keys: None,
        };
        let (mut ours, mut theirs) =
            (Line::new(Instant::ZERO, session, 1), Line::new(Instant::ZERO, session, 2));
        let mut agent = Agent::new(Instant::ZERO, Manner::patient(Duration::from_secs(patience_s)));
        let mut did = Vec::new();
        for ms in (0..until_s * 1_000).step_by(20) {
            let now = Instant(ms * 1_000);
            if let Some((_, playing)) = other.iter().find(|(at, _)| at * 1_000 == ms) {
                theirs.play(*playing);
            }
            while let Some(packet) = theirs.packet(now) {
                ours.receive(now, &packet);
            }
            did.extend(agent.advance(now, &mut ours).map(|fact| (ms / 1_000, fact)));
            while ours.packet(now).is_some() {}
            if agent.is_gone() {
                break;
            }
        }
        did
    }

    #[test]
    fn an_agent_stops_when_spoken_to_waits_and_then_serves_the_owner() {
        let other = [
            (2, Playing::Tone(660)),
            (7, Playing::Quiet),
            (14, Playing::Once(Sound::OwnerHello)),
            (22, Playing::Once(Sound::OwnerAsks)),
        ];
        let did = talk(60, 30, &other);
        let expected = [
            (0, Fact::Speaks(Sound::AgentGreeting)),
            (2, Fact::FallsSilent),
            (7, Fact::Speaks(Sound::AgentWaits)),
            (17, Fact::Speaks(Sound::AgentHelp)),
            (26, Fact::Speaks(Sound::AgentTalk)),
        ];
        assert_eq!(did, expected);
    }

    #[test]
    fn an_agent_whom_nobody_speaks_to_asks_and_leaves() {
        let did = talk(15, 60, &[]);
        let said: Vec<_> = did.iter().map(|(_, fact)| fact.clone()).collect();
        assert_eq!(said.first(), Some(&Fact::Speaks(Sound::AgentGreeting)));
        assert!(said.contains(&Fact::Speaks(Sound::AgentThere)));
        assert_eq!(said.last(), Some(&Fact::Speaks(Sound::AgentBye)));
        assert!((15..25).contains(&did.last().unwrap().0), "left at {did:?}");
    }

    #[test]
    fn a_second_stranger_is_not_answered() {
        let other =
            [(1, Playing::Tone(660)), (4, Playing::Quiet), (9, Playing::Tone(660)), (11, Playing::Quiet)];
        let waits =
            talk(60, 14, &other).into_iter().filter(|(_, f)| *f == Fact::Speaks(Sound::AgentWaits)).count();
        assert_eq!(waits, 1);
    }
}

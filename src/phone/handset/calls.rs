//! What the box tells the handset: calls that come, go on and end.

use super::{Handset, Output, Sound, State};
use crate::media::Tone;
use crate::sip::{Cause, Command, Event, Output as Sip, Progress};
use crate::units::{Instant, LegId};

impl Handset {
    pub(super) fn drain(&mut self, now: Instant) {
        while let Some(output) = self.ua.poll() {
            match output {
                Sip::Send { to, bytes } => self.out.push_back(Output::Send(to.addr, bytes)),
                Sip::Event(event) => self.event(now, event),
            }
        }
    }

    fn event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Incoming { leg, .. } => self.incoming(now, leg),
            // Where the far side's own sound comes already, that is heard.
            Event::Ringing(leg) if matches!(self.state, State::Calls { leg: own, early: false } if own == leg) => {
                self.sound(Sound::Tone(Some(Tone::Ringback)))
            }
            Event::Progress(leg, session) if self.calls(leg) => {
                self.talk(session);
                self.state = State::Calls { leg, early: true };
            }
            Event::Answered(leg, session) if self.current() == Some(leg) => {
                self.talk(session);
                if self.calls(leg) {
                    self.state = State::Talks(leg);
                }
            }
            Event::Changed(leg, session) if self.current() == Some(leg) => self.talk(session),
            Event::Refer { leg, .. } => {
                self.order(now, Command::Report(leg, Progress::Failed(Cause::Rejected)));
            }
            Event::Ended(leg, cause) => self.ended(now, leg, cause),
            _ => {}
        }
    }

    /// Nothing is heard aloud any more.
    pub(super) fn silent(&mut self) {
        self.sound(Sound::Quiet);
        self.sound(Sound::Aloud(false));
        self.state = State::Down;
    }

    fn incoming(&mut self, now: Instant, leg: LegId) {
        match self.state {
            _ if self.card.is_err() => self.order(now, Command::Hangup(leg, Cause::Unavailable)),
            State::Down => self.rings(now, leg),
            // Who comes is more than what is heard aloud.
            State::Aloud(heard) => {
                self.hang_up(now, heard);
                self.silent();
                self.rings(now, leg);
            }
            // The box tells its owner by a tone, and rings again when this call is over.
            _ => self.order(now, Command::Hangup(leg, Cause::Busy)),
        }
    }

    fn rings(&mut self, now: Instant, leg: LegId) {
        self.order(now, Command::Ringing(leg));
        self.sound(Sound::Ring(true));
        self.state = State::Rings(leg);
    }

    fn ended(&mut self, now: Instant, leg: LegId, cause: Cause) {
        if self.parked == Some(leg) {
            self.parked = None;
            if let State::Recalls { .. } = self.state {
                self.sound(Sound::Ring(false));
                self.state = State::Down;
            }
            return;
        }
        if self.current() != Some(leg) {
            return;
        }
        match self.state {
            State::Rings(_) => {
                self.sound(Sound::Ring(false));
                self.state = State::Down;
            }
            State::Aloud(_) => self.silent(),
            State::Calls { .. } => self.over(
                now,
                match cause {
                    Cause::Busy | Cause::Rejected => Tone::Busy,
                    Cause::NoSuchNumber => Tone::Special,
                    _ => Tone::Congestion,
                },
            ),
            _ => self.over(now, Tone::Busy),
        }
    }
}

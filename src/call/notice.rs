//! A leg of the house that only hears one prompt: "there is no call to hold".

use super::desk::Desk;
use super::leg::Leg;
use crate::media::MediaCommand;
use crate::sip::{Cause, Command};
use crate::sounds::Prompt;
use crate::units::{Codec, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// A prompt that was never reported as played ends the notice all the same.
const LONGEST: Duration = Duration::from_secs(20);
/// A phone that has put its call through has this long to hang up before the box does it.
const LEAVES: Duration = Duration::from_secs(4);

/// A piece of what is said.
#[derive(Debug)]
pub(super) enum Saying {
    Prompt(Prompt),
    /// If it has been spoken by then; else these.
    Text(String, Vec<Prompt>),
}

#[derive(Debug)]
pub(super) struct Notice {
    pub(super) leg: Leg,
    prompt: Option<Prompt>,
    /// What is said after it, in order.
    then: VecDeque<Saying>,
    pub(super) until: Instant,
}

impl Notice {
    /// Answers the leg and begins to speak.
    pub(super) fn begin(desk: &mut Desk, mut leg: Leg, prompt: Prompt) -> Self {
        let codec = leg.session.map_or(Codec::Pcmu, |s| s.codec);
        let local = desk.local(&leg, codec);
        desk.sip(Command::Answer(leg.id, local));
        if let Some(session) = leg.session {
            desk.settle(&mut leg, session);
            desk.say(&leg, prompt);
        }
        Self { until: desk.now + LONGEST, leg, prompt: Some(prompt), then: VecDeque::new() }
    }

    /// With something to say after it.
    pub(super) fn followed_by(self, then: VecDeque<Saying>) -> Self {
        Self { then, ..self }
    }

    /// The prompt has been said: the next one. False: there is none.
    pub(super) fn go_on(&mut self, desk: &mut Desk) -> bool {
        while let Some(next) = self.then.pop_front() {
            let said = match next {
                Saying::Prompt(prompt) => {
                    desk.say(&self.leg, prompt);
                    true
                }
                Saying::Text(text, instead) => {
                    let said = desk.say_text(self.leg.port, &text);
                    let instead = instead.into_iter().rev().filter(|_| !said);
                    instead.for_each(|prompt| self.then.push_front(Saying::Prompt(prompt)));
                    said
                }
            };
            if said {
                self.until = desk.now + LONGEST;
                return true;
            }
        }
        false
    }

    /// A leg that hears nothing more: its call has been put through.
    pub(super) fn leaving(desk: &Desk, leg: Leg) -> Self {
        Self { until: desk.now + LEAVES, leg, prompt: None, then: VecDeque::new() }
    }

    /// Tells something on a leg that is up.
    pub(super) fn tell(desk: &mut Desk, leg: Leg, prompt: Prompt) -> Self {
        desk.media(MediaCommand::Part(leg.port));
        desk.say(&leg, prompt);
        Self { until: desk.now + LONGEST, leg, prompt: Some(prompt), then: VecDeque::new() }
    }

    /// The offer was ours: only here is it known where to speak to.
    pub(super) fn answered(&mut self, desk: &mut Desk, session: crate::sip::Session) {
        let silent = self.leg.open.is_none();
        desk.settle(&mut self.leg, session);
        if let Some(prompt) = self.prompt.filter(|_| silent) {
            desk.say(&self.leg, prompt);
        }
    }

    pub(super) fn end(self, desk: &mut Desk) {
        desk.hang_up(self.leg, Cause::Normal);
    }
}

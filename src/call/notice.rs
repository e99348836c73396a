//! A leg of the house that only hears one prompt: "there is no call to hold".

use super::desk::Desk;
use super::leg::Leg;
use crate::media::MediaCommand;
use crate::sip::{Cause, Command};
use crate::sounds::Prompt;
use crate::units::{Codec, Instant};
use core::time::Duration;

/// A prompt that was never reported as played ends the notice all the same.
const LONGEST: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Notice {
    pub(super) leg: Leg,
    prompt: Prompt,
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
        Self { until: desk.now + LONGEST, leg, prompt }
    }

    /// Tells something on a leg that is up.
    pub(super) fn tell(desk: &mut Desk, leg: Leg, prompt: Prompt) -> Self {
        desk.media(MediaCommand::Part(leg.port));
        desk.say(&leg, prompt);
        Self { until: desk.now + LONGEST, leg, prompt }
    }

    /// The offer was ours: only here is it known where to speak to.
    pub(super) fn answered(&mut self, desk: &mut Desk, session: crate::sip::Session) {
        let silent = self.leg.open.is_none();
        desk.settle(&mut self.leg, session);
        if silent {
            desk.say(&self.leg, self.prompt);
        }
    }

    pub(super) fn end(self, desk: &mut Desk) {
        desk.hang_up(self.leg, Cause::Normal);
    }
}

//! The owner who was rung answers. Where that is switched on he first hears, in fast motion, what the person has said
//! since he was found, who is asked for a moment meanwhile; then the two talk.
//!
//! ```text
//!  answers ──► asked ──sound──► plays ──to its end, a key, 12 s──► joined, beep
//!                └── nothing was said, or no answer ───────────────────▲
//! ```

use super::ListenOrder;
use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::{Leg, Role};
use super::record::By;
use crate::media::MediaCommand;
use crate::sounds::Prompt;
use crate::units::{Digit, Instant, PortId};
use core::time::Duration;
use std::sync::Arc;

/// The listener has so long to cut it out; nobody waits longer.
const CUTS: Duration = Duration::from_millis(400);
/// A sound that was never reported as played ends all the same.
const MARGIN: Duration = Duration::from_millis(500);
/// The person hears words again this long after the last ones: nobody is kept in silence for 4 s.
const COMFORT: Duration = Duration::from_secs(3);
/// A key that skips it is often pressed twice.
const SKIPS: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(super) enum Replay {
    /// The listener cuts it out.
    Asked { until: Instant },
    /// The owner hears it at this port; when the person hears words again, who hears some just now until then.
    Plays { near: PortId, until: Instant, comfort: Option<Instant> },
    /// He has skipped it: keys still mean that.
    Skipped { until: Instant },
}

impl Replay {
    pub(super) fn until(self) -> Instant {
        match self {
            Self::Asked { until } | Self::Skipped { until } => until,
            Self::Plays { until, comfort, .. } => comfort.unwrap_or(until).min(until),
        }
    }
}

impl Call {
    /// The two are not joined yet: he hears what was said.
    pub(super) const fn is_replayed(&self) -> bool {
        matches!(self.replay, Some(Replay::Asked { .. } | Replay::Plays { .. }))
    }

    pub(super) fn owner_answered(&mut self, desk: &mut Desk, at: usize) {
        let winner = self.near.swap_remove(at);
        let reason =
            if winner.outside { "the owner answered outside the house" } else { "the owner answered" };
        let helps = self.menu.help.is_some();
        if !helps {
            self.want_replay(desk);
        }
        self.join_owner(desk, winner, reason);
        if helps {
            self.near.iter().for_each(|near| desk.say(near, Prompt::YourKeys));
        } else if !self.is_replayed() {
            self.announce(desk);
        }
    }

    fn want_replay(&mut self, desk: &mut Desk) {
        let person = matches!(&self.state, State::Held(holding) if holding.is_person());
        let far = self.far.as_ref().filter(|_| person && desk.plan.replay);
        if let Some((port, (_, epoch))) = far.and_then(|far| Some((far.port, far.open?))) {
            desk.listen(ListenOrder::Replay(port, epoch));
            self.replay = Some(Replay::Asked { until: desk.now + CUTS });
        }
    }

    /// What was said, as the box plays it; nothing: nobody has spoken.
    pub(super) fn replay(&mut self, desk: &mut Desk, epoch: u32, said: Option<&Arc<[u8]>>) {
        let current = self.far.as_ref().and_then(|far| far.open).is_some_and(|(_, open)| open == epoch);
        if !current || !matches!(self.replay, Some(Replay::Asked { .. })) {
            return;
        }
        let hears = |leg: &&Leg| leg.role == Role::Talks && leg.open.is_some() && !leg.parked;
        let near = self.near.iter().find(hears).map(|leg| leg.port);
        let sound = said.and_then(|said| desk.load(said));
        let (Some(near), Some(sound), Some(said)) = (near, sound, said) else {
            return self.end_replay(desk);
        };
        desk.media(MediaCommand::Play { port: near, sound, repeat: false });
        self.comfort_meanwhile(desk, Prompt::OneMoment);
        let lasts = Duration::from_micros(125) * u32::try_from(said.len()).unwrap_or(u32::MAX);
        self.replay = Some(Replay::Plays { near, until: desk.now + lasts + MARGIN, comfort: None });
        let seconds = lasts.as_secs_f32();
        self.decide(desk, "replay", format!("the person's first words in fast motion, {seconds:.1} s"));
    }

    /// Says it to the person who waits.
    fn comfort_meanwhile(&mut self, desk: &mut Desk, prompt: Prompt) {
        let Some(port) = self.far.as_ref().map(|far| far.port) else { return };
        let (sound, words) = desk.prompt(prompt);
        desk.media(MediaCommand::Play { port, sound, repeat: false });
        if desk.plan.transcript {
            let at_ms = self.since_start_ms(desk.now);
            self.record.say(at_ms, By::Box, words);
        }
    }

    /// The sound at this port is at its end. False: it was another.
    pub(super) fn replay_played(&mut self, desk: &mut Desk, port: PortId) -> bool {
        match &mut self.replay {
            Some(Replay::Plays { near, .. }) if *near == port => self.end_replay(desk),
            Some(Replay::Plays { comfort, .. }) => *comfort = Some(desk.now + COMFORT),
            _ => return false,
        }
        true
    }

    /// The owner presses a key. False: it is for something else.
    pub(super) fn skips_replay(&mut self, desk: &mut Desk, key: Digit) -> bool {
        if self.is_replayed() {
            self.decide(desk, "skip", "the owner pressed a key: he talks at once".into());
            self.end_replay(desk);
            self.replay = Some(Replay::Skipped { until: desk.now + SKIPS });
        }
        self.replay.is_some() && key != Digit::FLASH
    }

    /// They talk.
    fn end_replay(&mut self, desk: &mut Desk) {
        self.drop_replay(desk);
        // Whoever finds that it is no person finds it from here on.
        self.slain = self.slain.map(|_| desk.now);
        self.connect(desk);
        self.announce(desk);
    }

    /// Something else becomes of the call.
    pub(super) fn drop_replay(&mut self, desk: &mut Desk) {
        if let Some(Replay::Plays { near, .. }) = self.replay.take() {
            let far = self.far.iter().map(|far| far.port);
            far.chain([near]).for_each(|port| desk.media(MediaCommand::Quiet(port)));
        }
    }

    pub(super) fn replay_timeout(&mut self, desk: &mut Desk) {
        match self.replay {
            Some(replay) if desk.now < replay.until() => {}
            Some(Replay::Skipped { .. }) => self.replay = None,
            Some(Replay::Plays { near, until, comfort: Some(_) }) if desk.now < until => {
                self.comfort_meanwhile(desk, Prompt::StillHere);
                self.replay = Some(Replay::Plays { near, until, comfort: None });
            }
            Some(_) => self.end_replay(desk),
            None => {}
        }
    }
}

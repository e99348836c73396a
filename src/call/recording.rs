//! Which calls are recorded, and who may listen in.

use super::StudioOrder;
use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::Role;
use super::plan::{Notice, Which};
use crate::media::{MediaCommand, Overlay};
use crate::sounds::Prompt;

/// What the studio does with a call.
#[derive(Debug, Default)]
pub(super) struct Studio {
    /// The last order, if it was not the end.
    order: Option<StudioOrder>,
    /// Who listens in on the page.
    listeners: u32,
    /// Voices of it are kept as clips.
    clips: bool,
}

/// Whether something is done with a call, as the configuration says.
fn applies(which: Which, emergency: bool, answered: bool, held: bool) -> bool {
    match which {
        // What is said to those who help is not kept, and nobody listens.
        _ if emergency => false,
        Which::None => false,
        Which::Holds => held,
        Which::All => answered || held,
    }
}

impl Call {
    /// The studio follows the call: after everything that happened to it.
    pub(super) fn attend_studio(&mut self, desk: &mut Desk) {
        let plan = desk.plan.recording;
        let (answered, held) = (self.record.answered.is_some(), matches!(self.state, State::Held(_)));
        let (over, emergency) = (self.is_over(), self.emergency);
        let applies = |which| !over && applies(which, emergency, answered, held);
        if !applies(plan.listen_in) {
            self.studio.listeners = 0;
        }
        let (record, listen) = (applies(plan.record), self.studio.listeners > 0);
        let far = self.far.as_ref().and_then(|far| Some((far.port, far.open?.1)));
        let wanted = far.filter(|_| record || listen).map(|(port, epoch)| StudioOrder {
            call: self.id,
            port,
            epoch,
            record,
            listen,
        });
        if wanted != self.studio.order {
            let recorded = self.studio.order.is_some_and(|order| order.record);
            self.order_studio(desk, wanted);
            if record != recorded && !self.is_over() {
                let (what, why) = match record {
                    true => ("record", "the configuration asks for a recording"),
                    false => ("stop recording", "only what the box holds is recorded"),
                };
                self.decide(desk, what, why.into());
            }
        }
        self.studio.clips = plan.clips && applies(Which::Holds);
        if self.is_recorded() {
            self.tell_of_recording(desk, plan.notice, held);
        }
    }

    fn order_studio(&mut self, desk: &mut Desk, wanted: Option<StudioOrder>) {
        let before = core::mem::replace(&mut self.studio.order, wanted);
        if let Some(gone) = before.filter(|b| wanted.is_none_or(|w| (w.port, w.epoch) != (b.port, b.epoch))) {
            desk.media(MediaCommand::Studio(gone.port, false));
            desk.studio(StudioOrder { record: false, listen: false, ..gone });
        }
        if let Some(order) = wanted {
            // The studio first: it then knows the frames that come.
            desk.studio(order);
            desk.media(MediaCommand::Studio(order.port, true));
        }
    }

    /// Whoever is recorded is told, once, as soon as he can be.
    fn tell_of_recording(&mut self, desk: &mut Desk, notice: Notice, held: bool) {
        self.want_prompts(desk);
        let talking = |role| role == Role::Talks;
        // Told together, and not before both can hear it: a join would cut the words short.
        if !held && !self.near.iter().any(|near| talking(near.role) && near.up) {
            return;
        }
        let legs = self.near.iter_mut().filter(|near| talking(near.role)).chain(&mut self.far);
        for leg in legs.filter(|leg| leg.open.is_some() && leg.up && !leg.noticed) {
            leg.noticed = true;
            match (notice, held) {
                (Notice::None, _) => {}
                // Words would be spoken to music: the tone reaches whoever comes.
                (Notice::Tone, _) | (Notice::Words, true) => {
                    leg.overlay = Some(Overlay::Recorded);
                    if !leg.beeps {
                        desk.media(MediaCommand::Overlay(leg.port, leg.overlay));
                    }
                }
                (Notice::Words, false) => {
                    let (sound, _) = desk.prompt(Prompt::Recorded);
                    desk.media(MediaCommand::Play { port: leg.port, sound, repeat: false });
                }
            }
        }
    }

    /// Its sound goes to a file, or may do so.
    pub(super) fn is_recorded(&self) -> bool {
        self.studio.clips || self.studio.order.is_some_and(|order| order.record)
    }

    /// The page may listen in.
    pub(super) fn may_listen(&self, which: Which) -> bool {
        let (answered, held) = (self.record.answered.is_some(), matches!(self.state, State::Held(_)));
        applies(which, self.emergency, answered, held)
            && self.far.as_ref().is_some_and(|far| far.open.is_some())
    }

    /// Somebody on the page wants to listen.
    pub(super) fn listen_in(&mut self, desk: &Desk) -> Result<(), String> {
        if !self.may_listen(desk.plan.recording.listen_in) {
            return Err("this call is not listened in to: see listen_in under [record]".into());
        }
        self.studio.listeners += 1;
        Ok(())
    }

    /// He has heard enough.
    pub(super) fn listen_end(&mut self) {
        self.studio.listeners = self.studio.listeners.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_for_help_are_never_recorded_and_nothing_is_by_default() {
        let default = super::super::plan::Recording::default();
        for (answered, held) in [(false, false), (true, false), (false, true), (true, true)] {
            assert!(!applies(default.record, false, answered, held));
            for which in [Which::None, Which::Holds, Which::All] {
                assert!(!applies(which, true, answered, held));
            }
            assert_eq!(applies(Which::Holds, false, answered, held), held);
            assert_eq!(applies(Which::All, false, answered, held), answered || held);
        }
    }
}

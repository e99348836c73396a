//! The call-waiting beep: a person has come, and the phone is on another call and takes no second one. Who talks on it
//! hears the tone of the country for as long as the person waits; when he hangs up, his phone rings.

use super::conversation::State;
use super::leg::Role;
use super::switchboard::Switchboard;
use crate::media::{MediaCommand, Overlay};
use crate::units::{AccountId, CallId};

impl Switchboard {
    /// After everything that happened: who is to hear the beep hears it, and who is free again is rung.
    pub(super) fn attend_waiting(&mut self) {
        let refused = self.calls.values().flat_map(|call| call.refused.iter().map(|phone| (call.id, *phone)));
        let refused: Vec<(CallId, AccountId)> = refused.collect();
        if refused.is_empty() && !self.beeping {
            return;
        }
        self.beeping = !refused.is_empty();
        for call in self.calls.values_mut() {
            // Help is not interrupted.
            let talks = matches!(call.state, State::Talking) && !call.emergency;
            for leg in call.near.iter_mut().filter(|leg| leg.open.is_some()) {
                let wanted = talks && leg.up && leg.role == Role::Talks;
                let wanted = wanted && refused.iter().any(|(_, phone)| *phone == leg.account);
                if core::mem::replace(&mut leg.beeps, wanted) != wanted {
                    let tone = if wanted { Some(Overlay::Waiting) } else { leg.overlay };
                    self.desk.media(MediaCommand::Overlay(leg.port, tone));
                }
            }
        }
        for (id, phone) in refused {
            if self.desk.peers.get(&phone).is_some_and(|state| state.busy == 0) {
                self.with(id, |call, desk| call.phone_free(desk, phone));
            }
        }
    }
}

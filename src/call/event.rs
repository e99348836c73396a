//! What happens, as events for programs: one closed set. Told once each, in order; the calls themselves take no notice.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::Role;
use super::record::{Outcome, Span};
use crate::listen::Sound;
use crate::sip::Side;
use crate::units::{AccountId, CallId, Digit, Wall};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::LazyLock;

/// An event, when it was, and of which call.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Happened {
    /// When.
    pub at: Wall,
    /// In which call; none for devices and the box itself.
    pub call: Option<CallId>,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// All that is told. The part of `type` before the dot is its kind.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type")]
pub enum Event {
    /// A call begins.
    #[serde(rename = "call.started")]
    CallStarted {
        /// The household calls out.
        outgoing: bool,
        /// The other party; empty if withheld.
        number: String,
    },
    /// It rings at the other side.
    #[serde(rename = "call.ringing")]
    CallRinging,
    /// It is answered.
    #[serde(rename = "call.connected")]
    CallConnected,
    /// The box decided something.
    #[serde(rename = "call.decided")]
    CallDecided {
        /// What is done, in a few words.
        what: String,
        /// Why.
        reason: String,
    },
    /// It is over, having been answered or given up.
    #[serde(rename = "call.ended")]
    CallEnded {
        /// How.
        outcome: Outcome,
        /// Why, in words.
        reason: String,
        /// Time on hold, milliseconds.
        held_ms: u64,
    },
    /// It did not go through.
    #[serde(rename = "call.failed")]
    CallFailed {
        /// How.
        outcome: Outcome,
        /// Why, in words.
        reason: String,
    },
    /// The box waits on hold from here on.
    #[serde(rename = "hold.detected")]
    HoldDetected,
    /// A person is there.
    #[serde(rename = "hold.human_detected")]
    HumanDetected,
    /// The longest hold allowed will soon end it, unless the owner asks for more.
    #[serde(rename = "hold.ends_soon")]
    EndsSoon {
        /// In so many minutes.
        minutes: u64,
    },
    /// It was no person after all.
    #[serde(rename = "hold.human_lost")]
    HumanLost,
    /// The line told the place in the queue.
    #[serde(rename = "hold.queue_position")]
    QueuePosition {
        /// 1 is next.
        place: u32,
    },
    /// The line told how long one waits.
    #[serde(rename = "hold.wait_announced")]
    WaitAnnounced {
        /// Minutes, at least.
        least_minutes: u32,
        /// At most.
        most_minutes: u32,
    },
    /// The line offers to call back.
    #[serde(rename = "hold.callback_offered")]
    CallbackOffered {
        /// The key that takes the offer, if it is known.
        key: Option<String>,
    },
    /// The line asks whether the caller is still there.
    #[serde(rename = "hold.still_there")]
    StillThere {
        /// The key that says so, if one does.
        key: Option<String>,
    },
    /// The line says why nobody will come.
    #[serde(rename = "hold.nobody_comes")]
    NobodyComes {
        /// In words.
        why: String,
    },
    /// The line wants an opinion.
    #[serde(rename = "hold.survey")]
    Survey,
    /// The phones of the house ring for a held call.
    #[serde(rename = "hold.transfer_started")]
    TransferStarted,
    /// Somebody of the house and the far side talk.
    #[serde(rename = "hold.transfer_complete")]
    TransferComplete,
    /// A menu was heard.
    #[serde(rename = "menu.detected")]
    MenuDetected {
        /// What is known of it.
        heard: String,
    },
    /// A step of a stored flow begins.
    #[serde(rename = "menu.step")]
    MenuStep {
        /// The step.
        step: String,
        /// Why it is taken.
        reason: String,
    },
    /// The box sent keys.
    #[serde(rename = "menu.keys_sent")]
    MenuKeysSent {
        /// The keys; empty if they are a number of more than two digits, which may be a PIN or a card.
        digits: String,
    },
    /// The box finds its way without a flow.
    #[serde(rename = "menu.exploration")]
    MenuExploration {
        /// What it tries.
        step: String,
    },
    /// Another sound is heard on the far side.
    #[serde(rename = "audio.classified")]
    AudioClassified {
        /// Which.
        sound: Sound,
        /// How sure, 0 to 1.
        confidence: f32,
    },
    /// Words of the held line were understood; long numbers are blanked.
    #[serde(rename = "audio.transcript")]
    AudioTranscript {
        /// What was said.
        text: String,
    },
    /// A recording begins.
    #[serde(rename = "audio.recording_started")]
    RecordingStarted,
    /// A recording ends.
    #[serde(rename = "audio.recording_stopped")]
    RecordingStopped,
    /// A phone has registered.
    #[serde(rename = "device.registered")]
    DeviceRegistered {
        /// The phone.
        name: String,
    },
    /// A phone has gone.
    #[serde(rename = "device.unregistered")]
    DeviceUnregistered {
        /// The phone.
        name: String,
    },
    /// A phone rings.
    #[serde(rename = "device.ringing")]
    DeviceRinging {
        /// The phone.
        name: String,
    },
    /// The box is up.
    #[serde(rename = "system.started")]
    Started,
    /// The box is being stopped.
    #[serde(rename = "system.stopped")]
    Stopped,
    /// The box has registered at a trunk.
    #[serde(rename = "system.trunk_registered")]
    TrunkRegistered {
        /// The trunk.
        name: String,
    },
    /// It cannot.
    #[serde(rename = "system.trunk_failed")]
    TrunkFailed {
        /// The trunk.
        name: String,
        /// Why, in words.
        reason: String,
    },
    /// Something is wrong with the box itself.
    #[serde(rename = "system.trouble")]
    Trouble {
        /// In words, with what to do.
        words: String,
    },
}

impl Event {
    /// The box sent these keys.
    pub(super) fn keys_sent(keys: &[Digit]) -> Self {
        let is_number = keys.iter().filter(|key| key.as_char().is_ascii_digit()).count() > 2;
        let keys = keys.iter().filter(|_| !is_number);
        Self::MenuKeysSent { digits: keys.map(|key| key.as_char()).collect() }
    }

    /// Whether `wanted` names this type, or its kind: what stands before the dot.
    pub fn names(wanted: &str, kind: &str) -> bool {
        kind.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Every type there is, as `type` has it, and before its first type each kind.
    pub fn kinds() -> &'static [String] {
        static KINDS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let schema = schemars::schema_for!(Event).to_value();
            let each = schema["oneOf"].as_array().into_iter().flatten();
            let types = each.filter_map(|one| one["properties"]["type"]["const"].as_str());
            let mut kinds: Vec<String> = Vec::new();
            for name in types {
                let kind = name.split('.').next().unwrap_or(name);
                if !kinds.iter().any(|known| known == kind) {
                    kinds.push(kind.to_owned());
                }
                kinds.push(name.to_owned());
            }
            kinds
        });
        &KINDS
    }
}

/// What has been told of one call.
#[derive(Debug, Default)]
pub(super) struct Told {
    started: bool,
    ringing: bool,
    connected: bool,
    held: bool,
    person: bool,
    rings: bool,
    recorded: bool,
    heard: Option<Span>,
    ringing_phones: Vec<AccountId>,
}

impl Call {
    /// Tells that it has begun, once.
    pub(super) fn tell_start(&mut self, desk: &mut Desk) {
        if !core::mem::replace(&mut self.told.started, true) {
            let (outgoing, number) = (self.record.outgoing, self.record.number.clone());
            desk.happened(Some(self.id), Event::CallStarted { outgoing, number });
        }
    }

    /// Tells what has changed since the last time: after everything that happened to it.
    pub(super) fn tell_news(&mut self, desk: &mut Desk) {
        self.tell_start(desk);
        let id = Some(self.id);
        let rings = self.near.iter().filter(|leg| leg.role == Role::Rings).map(|leg| leg.account);
        let rings: Vec<AccountId> = rings.collect();
        for phone in rings.iter().filter(|phone| !self.told.ringing_phones.contains(phone)) {
            let name = desk.peer(*phone).map(|peer| peer.name.clone()).unwrap_or_default();
            desk.happened(id, Event::DeviceRinging { name });
        }
        let ringing = self.is_heard_ringing() || !self.record.outgoing && !rings.is_empty();
        let (held, person, calls) = match &self.state {
            State::Held(holding) => (true, holding.is_person(), holding.is_ringing()),
            _ => (false, false, false),
        };
        let joined = self.told.held && matches!(self.state, State::Talking);
        let lost = self.told.person && !person && held;
        let begins = |told: &mut bool, now: bool| !core::mem::replace(told, now) && now;
        let ringing = ringing || self.told.ringing;
        let told = &mut self.told;
        told.ringing_phones = rings;
        let news = [
            (begins(&mut told.ringing, ringing), Event::CallRinging),
            (begins(&mut told.connected, self.record.answered.is_some()), Event::CallConnected),
            (begins(&mut told.held, held), Event::HoldDetected),
            (begins(&mut told.person, person), Event::HumanDetected),
            (lost, Event::HumanLost),
            (begins(&mut told.rings, calls), Event::TransferStarted),
            (joined, Event::TransferComplete),
        ];
        for (_, event) in news.into_iter().filter(|(new, _)| *new) {
            desk.happened(id, event);
        }
        let heard = self.record.heard.last().copied();
        if heard != core::mem::replace(&mut self.told.heard, heard)
            && let Some(Span { sound, confidence, .. }) = heard
        {
            desk.happened(id, Event::AudioClassified { sound, confidence });
        }
        let recorded = self.is_recorded();
        match (core::mem::replace(&mut self.told.recorded, recorded), recorded) {
            (false, true) => desk.happened(id, Event::RecordingStarted),
            (true, false) => desk.happened(id, Event::RecordingStopped),
            _ => {}
        }
    }

    /// Tells that it is over.
    pub(super) fn tell_end(&self, desk: &mut Desk, outcome: Outcome, reason: &str) {
        let reason = reason.to_owned();
        let event = match outcome {
            Outcome::Busy | Outcome::NoAnswer | Outcome::Failed => Event::CallFailed { outcome, reason },
            _ => Event::CallEnded { outcome, reason, held_ms: self.record.held_ms },
        };
        desk.happened(Some(self.id), event);
    }
}

impl Desk {
    /// A trunk or phone was `up` or not before; tells what has become of it. `news`: why it is down is new.
    pub(super) fn tell_peer(&mut self, account: AccountId, was_up: bool, news: bool) {
        let Some(peer) = self.peer(account).filter(|peer| peer.side == Side::Trunk || peer.is_phone()) else {
            return;
        };
        let (name, side) = (peer.name.clone(), peer.side);
        let Some(state) = self.peers.get(&account) else { return };
        let reason = state.status.clone();
        let event = match (side, was_up, state.up) {
            (Side::Trunk, false, true) => Event::TrunkRegistered { name },
            (Side::Trunk, was, false) if was || news => Event::TrunkFailed { name, reason },
            (Side::Phone, false, true) => Event::DeviceRegistered { name },
            (Side::Phone, true, false) => Event::DeviceUnregistered { name },
            _ => return,
        };
        self.happened(None, event);
    }
}

//! The state of everything, as the page and the lamp see it. Made anew on each change; never read back.

use crate::listen::{Sound, Weighs};
use crate::rtp::report::Quality;
use crate::units::{CallId, Wall};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// All that is going on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Snapshot {
    /// Calls that are up, oldest first.
    pub calls: Vec<CallView>,
    /// Trunks.
    pub trunks: Vec<PeerView>,
    /// Phones.
    pub phones: Vec<PeerView>,
    /// Numbers that will be dialled again by themselves.
    pub redials: Vec<RedialView>,
    /// Silently dropped things by kind.
    pub discards: BTreeMap<String, u64>,
    /// Something is wrong with the box itself (disk, real-time priority), in plain words.
    pub troubles: Vec<String>,
}

/// A call that is up.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CallView {
    /// Also names its record.
    pub id: CallId,
    /// The household called out.
    pub outgoing: bool,
    /// The other party.
    pub number: String,
    /// Where it stands.
    pub phase: Phase,
    /// When it began.
    pub started: Wall,
    /// When holding began, while holding.
    pub hold_started: Option<Wall>,
    /// When the longest hold allowed ends it, while holding.
    pub ends_at: Option<Wall>,
    /// How long one usually waits at this number, milliseconds, if the box has waited there before.
    pub usual_wait_ms: Option<u64>,
    /// What the line has told of the wait, while the box holds.
    pub queue: Option<QueueView>,
    /// What is heard on the far end, while the box listens.
    pub sound: Option<Sound>,
    /// What was said on the far end of late, oldest first, while the box listens and has words for it.
    pub captions: Vec<String>,
    /// The last few stretches of sound, oldest first: start in ms since `started`, sound.
    pub heard: Vec<(u64, Sound)>,
    /// It is being recorded.
    pub recording: bool,
    /// The page may listen in.
    pub may_listen: bool,
    /// The owner talks to whom the box has found.
    pub found: bool,
    /// What the listener weighs, while there is a voice to be judged.
    pub weighs: Option<Weighs>,
    /// The last decision and its reason, in words.
    pub last: String,
    /// Sound to and from the line is encrypted.
    pub line_encrypted: bool,
    /// So is that of every phone in the call.
    pub phones_encrypted: bool,
    /// How the sound of each leg fares, as told last.
    pub streams: Vec<StreamView>,
}

/// What is known of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QueueView {
    /// Place in the queue as it was told last; 1 is next.
    pub place: Option<u32>,
    /// The wait that was announced last, minutes at least.
    pub least_minutes: Option<u32>,
    /// At most.
    pub most_minutes: Option<u32>,
    /// How long it probably still takes, milliseconds: by the pace of the queue, else by what was announced, else by earlier
    /// waits at this number.
    pub left_ms: Option<u64>,
    /// They offer to call back.
    pub offer: Option<OfferView>,
}

/// An offer to call back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OfferView {
    /// The key that takes it, if it is known.
    pub key: Option<char>,
    /// The box has taken it.
    pub taken: bool,
}

/// A number that will be dialled again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RedialView {
    /// The number.
    pub number: String,
    /// When.
    pub at: Wall,
    /// Which call to it that will be, counted from 1.
    pub attempt: u16,
    /// What became of the one before.
    pub why: String,
}

/// The streams of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StreamView {
    /// It is the trunk's, not one of the house.
    pub trunk: bool,
    /// How they fare.
    pub quality: Quality,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Ringing at the far side.
    Dialing,
    /// The household's phone rings for an incoming call.
    Incoming,
    /// Two-way talk.
    Talking,
    /// The phone holds the call by itself (a flash): not yet slaying.
    Parked,
    /// The box goes through a menu.
    Menu,
    /// The language model leads the call.
    Assisted,
    /// Slaying confirmed to the owner, who has not hung up yet.
    Confirming,
    /// The box waits.
    Holding,
    /// The box speaks to a person, perhaps.
    Greeting,
    /// A person is there; the phone rings.
    Ringing,
}

/// A trunk or a phone.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PeerView {
    /// Its name in the configuration.
    pub name: String,
    /// Calls can be placed to it.
    pub up: bool,
    /// In plain words: "registered, to be renewed within 5 min", "not registered yet".
    pub status: String,
    /// Of a trunk that the box registers at; of a phone, only since when.
    pub registration: Registration,
}

/// How a registration stands. Everything is `None` where nobody registers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Registration {
    /// Held without a break since then.
    pub since: Option<Wall>,
    /// It is renewed before then.
    pub until: Option<Wall>,
    /// How long the registrar took to answer last, milliseconds.
    pub round_trip_ms: Option<u64>,
    /// What went wrong last, in plain words; kept after it is well again.
    pub last_error: Option<String>,
}

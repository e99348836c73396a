//! The ear: frames of one leg in, what is heard out. Pure and deterministic; the same code behind `run` and `listen`.

pub mod booth;
mod challenge;
pub mod classifier;
pub mod ear;
pub mod evidence;
pub mod features;
pub mod file;
mod listener;
pub mod lore;
pub mod memory;
mod plot;
mod prints;
pub mod prompt;
pub mod reel;
pub mod replay;
pub mod spectrum;
mod spoken;
pub mod tones;
mod verdict;
pub mod voice;
pub mod words;

pub use file::{Form, Words, file, picture};
pub use listener::{Insight, Listener, Settings};

use crate::units::{Frame, Tick};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use words::Said;

/// A class of sound on the far end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sound {
    /// Nothing above the line's floor.
    Silence,
    /// Steady noise, comfort noise, clicks.
    Noise,
    /// The called phone, or an agent's phone, rings.
    Ringback,
    /// Busy or congestion cadence.
    Busy,
    /// Any other single steady or cadenced tone: dial tone, SIT, fax, beep.
    Tone,
    /// A key pressed by the far side.
    Dtmf,
    /// Hold music.
    Music,
    /// Speech known or judged to be a recording.
    Announcement,
    /// Speech that may be a person.
    Speech,
}

/// What the listener is told besides sound.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The next 20 ms. What lies between two ticks that do not follow each other was not listened to and counts for
    /// nothing.
    Frame(Tick, &'a Frame),
    /// The next 20 ms, of which nothing was received. The network may have lost it: only when it lasts is it silence.
    Lost(Tick),
    /// The box began (true) or stopped (false) speaking to the far end: what is heard now is an answer, or a recording
    /// that talks on, and may contain our echo.
    Speaking(bool),
    /// The owner says it was a recording: remember what was heard and be less sure.
    WasRecording,
    /// The owner says that it is a person: nothing of him is remembered.
    WasPerson,
    /// The owner has talked to the person: nothing of him is remembered, and whoever speaks next is judged anew.
    Met,
    /// The owner takes the call, or the call ends, and nobody said who was heard last.
    Taken,
    /// What was said in a segment, as the recogniser has found out by now.
    Words {
        /// The segment's first frame.
        from: Tick,
        /// The frame after its last.
        to: Tick,
        /// What was said.
        said: &'a Said,
    },
}

/// What the listener concludes.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The class of sound changed.
    Sound {
        /// When the new sound began (not when it was recognised).
        at: Tick,
        /// What it is.
        sound: Sound,
        /// 0 to 1.
        confidence: f32,
    },
    /// Perhaps a person: worth speaking to, not yet worth ringing for.
    Perhaps {
        /// When it was concluded.
        at: Tick,
        /// 0 to 1.
        confidence: f32,
        /// In words, for the record and the page.
        reason: String,
    },
    /// A person: ring.
    Person {
        /// When it was concluded.
        at: Tick,
        /// 0 to 1.
        confidence: f32,
        /// In words, for the record and the page.
        reason: String,
    },
    /// Words were recognised: a caption. What they mean for the verdict is told by the others.
    Words {
        /// When they began.
        at: Tick,
        /// As the recogniser writes them.
        text: String,
    },
    /// After `Perhaps` or `Person`: it was a recording after all.
    Recording {
        /// When it was concluded.
        at: Tick,
        /// In words, for the record and the page.
        reason: String,
    },
    /// What is weighed just now; `None` when there is nothing any more. Only told by who asks the listener from time to time.
    Weighs {
        /// When it was weighed.
        at: Tick,
        /// Sum and terms.
        weighs: Option<Weighs>,
    },
}

/// What speaks for a person and what against, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Weighs {
    /// Nats for a person.
    pub sum: f32,
    /// The sum at which the phone rings.
    pub rings_at: f32,
    /// What adds up to it.
    pub terms: Vec<evidence::Term>,
}

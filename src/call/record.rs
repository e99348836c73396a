//! The story of one call, as it is kept.

use crate::listen::Sound;
use crate::units::{CallId, Wall};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One call. Written when it starts, at every turn, and when it ends; the last write counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Unique for ever; rises with time.
    pub id: CallId,
    /// The household called out (true) or was called (false).
    pub outgoing: bool,
    /// The other party's number as dialled or shown; empty if withheld.
    pub number: String,
    /// Start of the call.
    pub started: Wall,
    /// When the far side answered.
    pub answered: Option<Wall>,
    /// When it was over; `None` while it is up, or if the box lost power (then `outcome` is `Interrupted` after restart).
    pub ended: Option<Wall>,
    /// How it ended; `Up` until then.
    pub outcome: Outcome,
    /// Time on hold with the owner away, milliseconds.
    pub held_ms: u64,
    /// When holding first began.
    pub hold_started: Option<Wall>,
    /// What was heard on the far end while holding, in order. At most [`SPANS`].
    pub heard: Vec<Span>,
    /// Every decision with its reason, in order. At most [`DECISIONS`].
    pub decisions: Vec<Decision>,
    /// What the story comes to.
    pub figures: Figures,
    /// What was said while holding, where the owner has it kept. In order, at most [`SAID`].
    pub said: Vec<Utterance>,
}

/// What the story of a call comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Which call to this number this is, counted from 1: more than 1 if the box dialled again.
    pub attempt: u16,
    /// From the beginning of the first hold to the person whom the owner was joined to, milliseconds.
    pub waited_ms: Option<u64>,
    /// Rings for what the owner said was a recording.
    pub false_alarms: u16,
    /// The trunk that carried it; empty if none did.
    pub trunk: String,
    /// What it has probably cost, in the hundredth part of the currency; `None` where the trunk has no price.
    pub cents: Option<f32>,
}

impl Default for Figures {
    fn default() -> Self {
        Self { attempt: 1, waited_ms: None, false_alarms: 0, trunk: String::new(), cents: None }
    }
}

/// Most utterances kept of one call; the oldest go first.
pub const SAID: usize = 2048;

/// Most spans kept of one call; the oldest go first.
pub const SPANS: usize = 4096;

/// Most decisions kept of one call; the oldest go first, except how it began.
pub const DECISIONS: usize = 1024;

impl Record {
    /// A call that begins at `started`.
    pub fn new(id: CallId, outgoing: bool, number: &str, started: Wall) -> Self {
        Self {
            id,
            outgoing,
            number: number.into(),
            started,
            answered: None,
            ended: None,
            outcome: Outcome::Up,
            held_ms: 0,
            hold_started: None,
            heard: Vec::new(),
            decisions: Vec::new(),
            figures: Figures::default(),
            said: Vec::new(),
        }
    }

    /// Adds a decision.
    pub fn decide(&mut self, decision: Decision) {
        if self.decisions.len() >= DECISIONS {
            self.decisions.remove(1);
        }
        self.decisions.push(decision);
    }

    /// Adds what was said.
    pub(super) fn say(&mut self, at_ms: u64, by: By, text: &str) {
        if self.said.len() >= SAID {
            self.said.remove(0);
        }
        self.said.push(Utterance { at_ms, by, text: text.into() });
    }
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Utterance {
    /// Milliseconds since `Record::started`.
    pub at_ms: u64,
    /// By whom.
    pub by: By,
    /// Numbers of four digits and more are blanked.
    pub text: String,
}

/// Who speaks. The owner is not understood: the box listens only while it holds the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The far end: a recording or a person.
    Line,
    /// The box.
    Box,
}

/// A stretch of one sound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Milliseconds since `Record::started`.
    pub at_ms: u64,
    /// What it was.
    pub sound: Sound,
    /// 0 to 1.
    pub confidence: f32,
}

/// Something the box decided, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Milliseconds since `Record::started`.
    pub at_ms: u64,
    /// What was done, in a few words: "hold", "greet", "ring", "join", "stop ringing", "end".
    pub what: String,
    /// Why, in words.
    pub reason: String,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not over yet.
    Up,
    /// Both sides talked; an ordinary call.
    Talked,
    /// Held, a person came, the owner was joined to him.
    Slain,
    /// Held, and the far side hung up before anyone came.
    CompanyHungUp,
    /// A person came and left before the owner answered.
    AgentLost,
    /// Held, and the owner ended it.
    OwnerGaveUp,
    /// Held until the cap.
    CapReached,
    /// The far side was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The caller gave up before an answer.
    Cancelled,
    /// Refused, unreachable, no such number, and the like: the reason is in the last decision.
    Failed,
    /// Dropped to free the line for an emergency call.
    PreEmpted,
    /// The box stopped while the call was up.
    Interrupted,
    /// Held, and the far side said that nobody comes: it is closed, or takes messages.
    NobodyThere,
    /// Held, and the far side's offer to call back was taken.
    CallBack,
    /// The language model led the call to its end.
    Assisted,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 16] = [
        Self::Up,
        Self::Talked,
        Self::Slain,
        Self::CompanyHungUp,
        Self::AgentLost,
        Self::OwnerGaveUp,
        Self::CapReached,
        Self::Busy,
        Self::NoAnswer,
        Self::Cancelled,
        Self::Failed,
        Self::PreEmpted,
        Self::Interrupted,
        Self::NobodyThere,
        Self::CallBack,
        Self::Assisted,
    ];

    /// The hold ended without the owner.
    pub(super) const fn is_lost(self) -> bool {
        matches!(
            self,
            Self::AgentLost
                | Self::CompanyHungUp
                | Self::CapReached
                | Self::PreEmpted
                | Self::NobodyThere
                | Self::CallBack
        )
    }
}

//! How the owner wants to be held and rung, and what else he leaves to the box.

use core::time::Duration;

/// How the owner wants to be held and rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Longest hold.
    pub cap: Duration,
    /// How long the phones ring in one go.
    pub ring_for: Duration,
    /// How many times more they ring if nobody answers.
    pub ring_again: u8,
    /// Speak at `Perhaps`; without it only `Person` makes the box speak, and it rings in the same moment.
    pub greet: bool,
    /// What becomes of a person whose owner no phone reached.
    pub unanswered: Unanswered,
    /// An offer to be called back is taken, if a key takes it. The company then calls the household's number.
    pub call_back: bool,
    /// "Are you still there?" is answered, by the key that is named or by a voice.
    pub still_there: bool,
    /// What is done where a machine takes a message and nobody comes.
    pub voicemail: Voicemail,
}

/// What the box does where a machine takes a message: it never leaves one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Voicemail {
    /// It hangs up.
    #[default]
    HangUp,
    /// It rings the owner, who may leave one himself.
    Ring,
}

impl Voicemail {
    /// Both with their names in the configuration.
    pub const NAMES: [(&'static str, Self); 2] = [("hang_up", Self::HangUp), ("ring", Self::Ring)];
}

/// What the box does when every go of ringing is over and nobody came to the phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unanswered {
    /// It excuses the owner and hangs up.
    #[default]
    Goodbye,
    /// It keeps the line, and rings again when it hears a person again.
    Wait,
}

impl Unanswered {
    /// Both with their names in the configuration.
    pub const NAMES: [(&'static str, Self); 2] = [("goodbye", Self::Goodbye), ("wait", Self::Wait)];
}

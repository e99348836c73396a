//! Sounds that live in the program.
use crate::media::SoundId;
/// What the box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// To the agent.
    Greet,
    /// To the agent.
    Moment,
    /// To the owner.
    Holding,
    /// To the agent.
    Sorry,
    /// To the owner.
    NothingToHold,
    /// To the owner.
    StatusHolding,
    /// To the owner.
    Cancelled,
    /// To the owner.
    NoTrunk,
}
impl Prompt {
    /// Media's name for it.
    pub fn sound(self) -> SoundId {
        SoundId(self as u8)
    }
}

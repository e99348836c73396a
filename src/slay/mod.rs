//! The policy of holding: what is done on a line that is held for the owner, as pure machines.

pub mod advice;
pub mod book;
pub mod explore;
pub mod flow;
mod hold;
pub mod learn;
pub mod navigate;
mod policy;
pub mod queue;
pub mod schedule;
pub mod text;

pub use hold::{Comfort, Doing, Ending, Hold, Input, Output, RingEnd, Told};
pub use policy::{Policy, Unanswered, Voicemail};

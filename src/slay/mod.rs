//! The policy of holding: what is done on a line that is held for the owner, as pure machines.

mod hold;

pub use hold::{Comfort, Doing, Ending, Hold, Input, Output, Policy, RingEnd, Told, Unanswered};

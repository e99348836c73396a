//! What the line says: speech as words, words as evidence and as facts.
//!
//! ```text
//!  ear ──► Cutter: segments between pauses ──► (words thread) Recogniser: mel → encoder → decoder → text
//!                                                                                     │
//!  verdict ◄── wording: nats for a person ◄── Input::Words, late ◄────────────────────┘──► page: captions
//!                                              facts: place, wait, offers, menu options ──► slay
//! ```
//!
//! [`network`] is the edge that runs TensorFlow Lite; all else is pure.

mod decode;
mod facts;
mod lexicon;
mod mel;
pub mod menu;
pub mod network;
mod phrases;
mod segment;
mod text;
mod tokens;
mod wish;

pub use decode::Said;
pub use facts::{Facts, Minutes, facts, key_of_offer};
pub use lexicon::{Intent, Language};
pub use phrases::{Wording, wording};
pub use segment::{Cutter, Segment};
pub use text::{discreet, numbers};
pub use wish::{Pick, affirms, denies, is_forbidden, matter, pick, says, unnamed_choice};

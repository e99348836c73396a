//! What the line says: speech as words, words as evidence and as facts.

mod facts;
mod lexicon;
pub mod menu;
mod phrases;
mod text;

pub use facts::{Facts, Minutes, facts};
pub use lexicon::{Intent, Language};
pub use phrases::{Wording, wording};

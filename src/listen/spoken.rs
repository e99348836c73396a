//! What was said in the phrase that is judged, as the recogniser tells it: late, and a stretch at a time.

use super::verdict::frames;
use super::words::{Language, Wording, wording};
use crate::units::Tick;

/// A segment ends a pause after its last word: one that ends so shortly after a phrase began is of the phrase before.
pub(super) const OVERLAP: u64 = frames(400);
/// Letters that are remembered of one phrase.
const LETTERS: usize = 600;

/// The words of the phrase.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// Words before this are another's.
    from: Tick,
    text: String,
    wording: Wording,
}

impl Spoken {
    /// Takes the words of a stretch that ended at `to`. Those of whoever spoke before are left out.
    pub(super) fn add(&mut self, to: Tick, text: &str, language: Language, owner: &str) {
        if to.since(self.from) <= OVERLAP {
            return;
        }
        if self.text.len() + text.len() > LETTERS {
            self.text.clear();
        }
        self.text.push(' ');
        self.text.push_str(text);
        self.wording = wording(&self.text, language, owner);
    }

    /// From here on another may speak: what was said before neither speaks for him nor against him.
    pub(super) fn another(&mut self, from: Tick) {
        self.from = from;
        self.text.clear();
        self.wording = Wording::default();
    }

    /// What the words are worth, nats for a person.
    pub(super) fn nats(&self) -> f32 {
        self.wording.nats
    }

    /// The words that weigh most; empty where none do.
    pub(super) fn phrase(&self) -> &str {
        &self.wording.phrase
    }
}

//! What the voice that is judged has said so far, as the recogniser tells it: late, and a stretch at a time.

use super::words::{Language, Wording, wording};
use crate::units::Tick;

/// Letters that are remembered of one voice.
const LETTERS: usize = 600;

/// The words of the turn.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    /// Words before this are another's.
    from: Tick,
    text: String,
    wording: Wording,
}

impl Spoken {
    /// Takes the words of a stretch that ended at `to`. Those of somebody else are left out.
    pub(super) fn add(&mut self, to: Tick, text: &str, language: Language, owner: &str) {
        if to <= self.from {
            return;
        }
        if self.text.len() + text.len() > LETTERS {
            self.text.clear();
        }
        self.text.push(' ');
        self.text.push_str(text);
        self.wording = wording(&self.text, language, owner);
    }

    /// From here on another voice may speak.
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

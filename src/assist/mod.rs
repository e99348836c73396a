//! Bigger machines that help the box, where the owner has them: a language model with an OpenAI-compatible chat interface,
//! and by [`hear`] a recogniser of speech.
//!
//! The model is asked what words alone leave open, by [`chat`] (pure: what is asked, and what an answer must be) and a thread of
//! its own (the edge). Nothing waits for it: a question that finds the queue full, or gets no good answer in time, is as if
//! there were no model. What it answers is only a proposal, which `slay` admits or refuses.

pub mod chat;
pub mod hear;
mod thread;

pub use thread::{Assistant, Job, ask, start};

use crate::net::http::Url;
use crate::tables::Secret;
use core::time::Duration;

/// Which model on which machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where its interface is, up to what stands before `/chat/completions` or `/audio/transcriptions`.
    pub url: Url,
    /// What it wants to see, if anything.
    pub key: Option<Secret>,
    /// The model's name there.
    pub model: String,
    /// An answer must be there within this time, 1 to 60 s.
    pub limit: Duration,
}

impl Service {
    /// The header field that shows the key.
    fn authorization(&self) -> Option<String> {
        self.key.as_ref().map(|key| format!("Bearer {}", key.expose()))
    }
}

//! A bigger machine that helps the box, where the owner has one: by [`hear`] a recogniser of speech.
//!
//! Nothing waits for it: what it does not answer in time is as if nothing had been said.

pub mod hear;

use crate::net::http::Url;
use crate::tables::Secret;
use core::time::Duration;

/// Which model on which machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Where its interface is, up to what stands before `/audio/transcriptions`.
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

//! The studio: recordings of calls, and listening in on the page.
//!
//! ```text
//!  media ── StudioFrame: both sides, 20 ms ──► studio thread ──► Take ──► Wav ──► DATA/recordings/CALL-both.wav
//!                                                  ▲                                     │ if asked for, when it has ended
//!                                                  └──────── packer thread: `flac` ◄─────┘
//!  control ── StudioOrder: record, let listen ──►  │
//!  web ────── Listener ───────────────────────────►┴──► a bounded queue for each who listens in ──► web
//! ```
//!
//! Media waits for none of it. A disk that is slow makes the ring run over: those frames are counted, and the recording
//! has silence in their place, so that it stays in time. A reader of the page that is slow misses what it does not take.

mod archive;
mod clips;
mod flac;
mod take;
mod thread;
mod wav;

pub use archive::{Archive, Found, NAMES};
pub use clips::Clips;
pub(crate) use thread::live_header;
pub use thread::{Listening, Outlets, Studio, start};

use core::time::Duration;

/// How the sides of a call lie in its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// One file: the house left, the far side right.
    Stereo,
    /// One file, both sides together.
    Mono,
    /// A file for each side.
    Separate,
}

/// How recordings are coded once they have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 16 bits, linear.
    Wav,
    /// The same sound, coded without loss.
    Flac,
}

/// How recordings are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How the sides lie in the files.
    pub sides: Sides,
    /// How they are coded.
    pub format: Format,
    /// Recordings older than this are deleted.
    pub keep: Duration,
    /// Bytes that all recordings may take; the oldest are deleted.
    pub most: u64,
    /// Bytes that stay free on the disk: with less, nothing is recorded.
    pub spare: u64,
    /// Keep the seconds around each voice that was greeted or rung for.
    pub clips: bool,
}

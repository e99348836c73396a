//! Sound. A fixed table of ports, two entry points: [`Media::packet`] and [`Media::tick`].
//!
//! ```text
//!              packet(port, from, bytes)                 tick(): every 20 ms
//!   RTP in ──► joined, same codec? ──rewrite──► RTP out   port without a talking partner ──► prompt, tone or silence
//!                    │ copy                               tap: jitter buffer ──► frame ──► ring
//!                    └──► tap's jitter buffer
//! ```

pub mod command;

pub use command::{Event, MediaCommand, SoundId, Stream, TapFrame, Tone};

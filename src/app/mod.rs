//! The wiring: threads, rings, and the start and end of the box.
//!
//! | thread | priority | owns | is woken by |
//! |---|---|---|---|
//! | `control` | normal | user agent, switchboard, SIP sockets and connections | messages, media's and the listener's facts, requests, timers |
//! | `media` | SCHED_FIFO, if granted | RTP sockets, ports, prompts | packets, a 20 ms timer, orders |
//! | `listener` | normal | one `Listener` for each held leg | tapped frames, orders |
//! | `words` | nice 10, where there is a speech model | the recogniser's networks, given back after a minute without work | segments |
//! | `speech` | nice 10, where a program speaks | the program's process, and what was spoken | texts |
//! | `clips` | normal, where clips are kept | the folder of clips | clips |
//! | `studio` | normal | recordings, and who listens in | frames, orders |
//! | `store` | normal | the database's writes | records |
//! | `assist` | normal, where there is a language model | questions to it, one after the other | questions |
//! | `notify` … | normal | one target each | what happens, timers |
//! | `web` … | normal | the gate and the pages | connections |
//! | `board` | normal | button and lamp | edges of GPIO lines, keys of an input device |
//! | `handset`, `handset-sound`, `monitor`, `monitor-sound` | normal; SCHED_FIFO, if granted | the box's own telephone and loudspeaker ([`crate::board::handset`]) | messages, its hook and keys; packets, a 20 ms timer |
//!
//! | ring | from → to | covers | when full |
//! |---|---|---|---|
//! | SIP messages | connections → control | a busy second | they wait in the network |
//! | SIP messages | control → a connection | a busy second of it | the connection is closed |
//! | media commands | control → media | a second of switching, or two long loose sounds | an error is logged, the order is lost |
//! | media events | media → control | a second of digits on every port | counted, the event is lost |
//! | taps | media → listener | 2 s of 16 legs | the listener sees a gap |
//! | studio frames | media → studio | a second of all calls | counted; the recording has silence there |
//! | studio orders | control → studio | a second | an error is logged |
//! | live sound | studio → who listens in | 2 s | he misses it |
//! | listen orders | control → listener | a second | an error is logged |
//! | heard | listener → control | more than is ever concluded in a second | the listener waits |
//! | segments, words | listener → words, and back | half a minute of two holds | not recognised: the sound alone decides |
//! | texts, what is spoken | control → speech, and back | a dozen sentences | it is not spoken |
//! | clips | listener → clips | several voices | it is not kept |
//! | questions, advice | control → assist, and back | one for each held call | refused: the box goes by its own rules |
//! | what happens | control → notify | a busy minute | it is logged, and not told there |
//! | asks, presses | web, board → control | a person's patience | refused with 503, or dropped |
//! | records | control → store | one state for each call | a newer state replaces an older one |
//!
//! Nothing waits on media, and media waits on nobody.

mod control;
pub mod core;
pub mod ear;
mod ear_thread;
pub mod flows;
mod handset;
pub(crate) mod look_up;
mod paired;
pub(crate) mod plan;
mod run;
mod sockets;
mod speech_thread;
mod start;
mod words_thread;

pub use run::{End, run};
pub use start::{Options, Running, start};

//! The ear, from the outside: tones, sound classes, memory, verdicts, files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod calls;
mod country;
mod files;
mod golden;
mod menus;
mod repeat;
mod tones;
mod words;

//! Hold Slayer: a telephone line that waits on hold for you.

pub mod app;
pub mod board;
pub mod call;
pub mod check;
pub mod clock;
pub mod config;
pub mod demo;
pub mod dsp;
pub mod limits;
pub mod listen;
pub mod log;
pub mod media;
pub mod net;
pub mod phone;
pub mod rtp;
pub mod sip;
pub mod slay;
pub mod sounds;
pub mod store;
pub mod trunk;
pub mod units;
pub mod web;

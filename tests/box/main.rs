//! The running box under bad input, with a call that is up between a company and a phone on real sockets. Nothing may stop
//! the box, or disturb the call.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod attacks;
mod backup;
mod core;
mod ctl;
mod disk;
mod far;
mod flood;
mod handset;
mod notify;
mod page;
mod paired;
mod ports;
mod real_time;
mod recording;
mod running;
mod secrets;
mod settings;
#[path = "../asks/stand_in.rs"]
#[allow(dead_code)]
mod stand_in;
mod stop;
mod stranger;
mod strangers;
mod tls;
mod trunk;
mod update;
mod waits;
mod words;

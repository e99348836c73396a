//! Whole calls in virtual time: the real user agent, switchboard, media loop and listener between a scripted company and
//! a scripted phone, over a seeded network. A test reads as the story that it checks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod assisted;
mod calls;
mod companies;
mod emergency;
mod events;
mod explore;
mod failover;
mod faults;
mod gestures;
mod greeting;
mod guard;
mod handset;
mod handshake;
mod holds;
mod hunt;
mod joins;
mod keys;
mod memory;
mod menus;
mod net;
mod numbers;
mod placing;
mod presets;
mod refer;
mod replay;
mod signs;
mod speech;
mod srtp;
mod stories;
mod studio;
mod swarm;
mod table;
mod transfers;
mod trees;
mod understood;
mod waiting;
mod world;

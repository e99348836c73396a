//! What the box asks of other machines and tells them, against stand-ins on loopback: good, slow, broken and malicious ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod http;
mod letters;
mod model;
mod mqtt;
mod notify;
mod recogniser;
mod stand_in;

//! The page over loopback, as a browser, a script and an attacker meet it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod attacks;
mod claim;
mod flows;
mod pages;
mod phones;
mod server;
mod show;

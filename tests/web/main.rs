//! The page over loopback, as a browser, a script and an attacker meet it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod api;
mod attacks;
mod backup;
mod board;
mod claim;
mod clients;
mod flows;
mod german;
mod greeting;
mod mcp;
mod pages;
mod phones;
mod server;
mod settings;
mod show;
mod teach;
mod tls;
mod update;

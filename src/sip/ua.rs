//! The user agent: one table of accounts, legs and transactions behind `handle`, `poll` and `deadline`.

use super::{Account, Input, Output};
use crate::units::Instant;
use std::net::SocketAddr;

/// What the user agent must know of its surroundings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our SIP address as the peers see it: Via, Contact.
    pub local: SocketAddr,
    /// Trunks and phones.
    pub accounts: Vec<Account>,
    /// Digest realm for phones that register here.
    pub realm: String,
    /// An unanswered incoming or outgoing INVITE is never given up by us while it rings; only this long without any
    /// provisional response (Timer B).
    pub seed: u64,
}

/// SIP user agent for all accounts.
pub struct Ua {}

impl Ua {
    /// A user agent without registrations; `Command::Register` starts them.
    pub fn new(_config: Config) -> Self {
        Self {}
    }

    /// Takes one input.
    pub fn handle(&mut self, _now: Instant, _input: Input<'_>) {}

    /// The next output; call until `None` after each `handle`.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// When to call `handle(Timeout)` if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }
}

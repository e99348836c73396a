//! What a household's phone can do, whoever wrote it.

use crate::place::Place;
use crate::way::{Certificates, Way};
use std::net::SocketAddr;
use std::path::Path;

/// Who a phone is.
pub struct Account<'a> {
    pub user: &'a str,
    pub password: &'a str,
    /// Its registrar; without one it is known by its address alone.
    pub registrar: Option<SocketAddr>,
    /// `pcmu` or `pcma`.
    pub codec: &'a str,
    /// How it reaches the registrar.
    pub way: Way,
    /// As baresip names it: `srtp`, `srtp-mand`; empty: none.
    pub encryption: &'a str,
    /// For TLS.
    pub certificates: Option<&'a Certificates>,
}

impl<'a> Account<'a> {
    /// The household's phone over UDP.
    pub fn hall(registrar: SocketAddr) -> Self {
        Account { registrar: Some(registrar), ..Account::of("hall", "of-the-hall") }
    }

    /// Somebody who registers nowhere.
    pub fn of(user: &'a str, password: &'a str) -> Self {
        Account {
            user,
            password,
            registrar: None,
            codec: "pcmu",
            encryption: "",
            way: Way::Udp,
            certificates: None,
        }
    }
}

/// A phone. What waits, waits no longer than [`crate::process::SOON`], and panics with what was waited for.
pub trait Softphone: Sized {
    /// Starts it with this sound at its microphone.
    fn start(place: &Place, name: &'static str, account: &Account<'_>, microphone: &Path) -> Self;
    /// Waits until it is registered.
    fn registers(&self);
    fn dial(&self, number: &str);
    /// Waits until so many of its calls have been answered.
    fn talks(&self, calls: usize);
    /// Waits until it rings and shows this.
    fn rings(&self, caller: &str);
    fn accept(&self);
    fn hang_up(&self);
    /// Waits until so many of its calls are over.
    fn is_free(&self, calls: usize);
    fn hold(&self);
    fn resume(&self);
    /// Asks that whom it talks to be connected to this address instead, and hangs up once that is so.
    fn transfer(&self, uri: &str);
    fn key(&self, key: char);
    /// Waits until it has heard a pure tone for a moment.
    fn hears(&self, hz: f64);
}

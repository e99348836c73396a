//! What the owner is told elsewhere: by a webhook, by ntfy, by e-mail or over MQTT, as `[[notify]]` says.
//!
//! ```text
//!  control ── Happened ──► one bounded queue for each target ──► its thread: message → outbox → webhook │ ntfy │ mail │ mqtt
//! ```
//!
//! No call ever waits for it: a queue that is full loses what comes, and says so. [`message`] (events as words) and
//! [`outbox`] (what waits, how often it is tried and when it is given up) are pure; the rest is the edge.

pub mod mail;
pub mod message;
pub mod mqtt;
pub mod outbox;
mod thread;
pub mod webhook;

pub use thread::{Notices, start};

use crate::call::Event;
use crate::net::http::{Url, is_at_home};
use crate::tables::Secret;
use std::path::PathBuf;

/// One place where things are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The owner's name for it, unique.
    pub name: String,
    /// How it is reached.
    pub way: Way,
    /// What is told: types of events, or what stands before their dot.
    pub events: Vec<String>,
    /// The other party's number is told, too.
    pub numbers: bool,
    /// The only root that is trusted; `None`: the system's authorities.
    pub ca: Option<PathBuf>,
}

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// JSON by POST, signed if there is a key.
    Webhook {
        /// There.
        url: Url,
        /// Signs the body.
        key: Option<Secret>,
    },
    /// A topic of an ntfy server.
    Ntfy {
        /// The topic's address.
        url: Url,
        /// An access token.
        key: Option<Secret>,
    },
    /// E-mail.
    Mail {
        /// The server that takes it.
        server: Server,
        /// Whom it is from.
        from: String,
        /// Whom it is for.
        to: String,
    },
    /// An MQTT broker.
    Mqtt {
        /// The broker.
        server: Server,
        /// What all topics begin with.
        topic: String,
    },
}

/// A server that is no web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// Who the box is there, and its password.
    pub login: Option<(String, Secret)>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// From its begin.
    Tls,
    /// After a greeting in the clear, never without.
    StartTls,
    /// Not at all.
    None,
}

impl Target {
    /// Where what is told goes to, for people.
    pub fn host(&self) -> &str {
        match &self.way {
            Way::Webhook { url, .. } | Way::Ntfy { url, .. } => url.host(),
            Way::Mail { server, .. } | Way::Mqtt { server, .. } => &server.host,
        }
    }

    /// Whether what is told can be read on its way through strange networks.
    pub fn is_exposed(&self) -> bool {
        match &self.way {
            Way::Webhook { url, .. } | Way::Ntfy { url, .. } => url.is_exposed(),
            Way::Mail { server, .. } | Way::Mqtt { server, .. } => {
                server.security == Security::None && !is_at_home(&server.host)
            }
        }
    }

    /// Whether an event of this type is told.
    pub fn wants(&self, kind: &str) -> bool {
        self.events.iter().any(|wanted| Event::names(wanted, kind))
    }
}

//! How a trunk is reached: its transport, whom TLS trusts, and how its name is resolved.

use crate::sip::Transport;
use crate::tables::Section;
use std::path::{Path, PathBuf};

/// The way to a trunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// `None`: UDP, or what the name service asks for where `srv` is true.
    pub transport: Option<Transport>,
    /// The only authorities whose word on its certificate is good; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// The name service is asked for servers (NAPTR and SRV, RFC 3263), not for an address alone.
    pub srv: bool,
}

/// The keys read here.
pub(super) const KEYS: [&str; 3] = ["transport", "ca", "srv"];

/// Reads them; `named`: the trunk has a server, which may be a name, and not just an address.
pub(super) fn way(s: &mut Section<'_, '_>, named: bool) -> Way {
    let transport = s.text("transport", "allowed is one of udp, tcp, tls", |text| match text {
        "udp" => Some(Transport::Udp),
        "tcp" => Some(Transport::Tcp),
        "tls" => Some(Transport::Tls),
        _ => None,
    });
    let ca = file(s, "ca");
    let srv = s.flag("srv").unwrap_or(false);
    if srv && !named {
        s.refuse(
            "srv",
            "an address has no servers to ask for: leave this key out, or write server instead of address",
        );
    }
    if ca.is_some() && transport != Some(Transport::Tls) && !(srv && transport.is_none()) {
        s.refuse("ca", "only TLS has certificates: write transport = \"tls\", or leave this key out");
    }
    Way { transport, ca, srv: srv && named }
}

/// A file named from the root on, for the box may be started anywhere.
pub(super) fn file(s: &mut Section<'_, '_>, key: &str) -> Option<PathBuf> {
    s.text(key, "allowed is the whole path of a file, such as \"/etc/hold-slayer/root.pem\"", |text| {
        Path::new(text).is_absolute().then(|| text.into())
    })
}

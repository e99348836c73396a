//! Rules between keys: names are told apart, codes stand in no number's way.

use super::{Codes, Phone, PhonePeer, Trunk, TrunkPeer};
use crate::tables::{Placed, Section, Source};
use std::net::{IpAddr, SocketAddr};

/// A name, a phone's user and a fixed IP address each belong to one peer only.
pub(super) fn peers(
    source: &mut Source<'_>,
    trunks: &[Placed<Trunk>],
    phones: &[Placed<Phone>],
    handset: Option<&str>,
) {
    let mut names: Vec<(usize, &'static str, &str)> = Vec::new();
    let mut addresses: Vec<(usize, &'static str, IpAddr)> = Vec::new();
    let mut users: Vec<(usize, &'static str, &str)> = Vec::new();
    for (at, trunk) in trunks {
        names.push((*at, "[[trunk]]", &trunk.name));
        if let TrunkPeer::Static { addr } = &trunk.peer {
            addresses.push((*at, "[[trunk]]", addr.ip()));
        }
    }
    for (at, phone) in phones {
        names.push((*at, "[[phone]]", &phone.name));
        match &phone.peer {
            PhonePeer::Static { addr } => addresses.push((*at, "[[phone]]", addr.ip())),
            PhonePeer::Register { user, .. } => users.push((*at, "[[phone]]", user)),
        }
    }
    // Told at the other's line: it is named there.
    let own = names.iter().rev().find(|(_, _, name)| Some(*name) == handset);
    if let Some((at, title, name)) = own {
        source
            .wrong(*at, format!("{title} name = \"{name}\": the handset has this name; each needs its own"));
    }
    twice(source, &names, |n| {
        format!("name = \"{n}\": another trunk or phone has this name; each needs its own")
    });
    twice(source, &users, |u| format!("user = \"{u}\": another phone has this user; each needs its own"));
    // Requests are told apart by the IP address they come from, whatever their port.
    twice(source, &addresses, |ip| {
        format!("address: another trunk or phone is at {ip}; each needs its own IP address")
    });
}

fn twice<T: PartialEq>(
    source: &mut Source<'_>,
    all: &[(usize, &'static str, T)],
    say: impl Fn(&T) -> String,
) {
    for (i, (at, title, one)) in all.iter().enumerate() {
        if all.iter().take(i).any(|(_, _, earlier)| earlier == one) {
            source.wrong(*at, format!("{title} {}", say(one)));
        }
    }
}

/// `[codes]`: none may stand in the way of an emergency number, of another code, or of an adapter's own menu.
pub(super) fn codes(s: &mut Section<'_, '_>, emergency: &[String]) -> Codes {
    let allowed = "allowed is * (or 11, for a phone without *) and 1 to 4 digits";
    let mut code = |key: &str, default: String| {
        s.text(key, allowed, |text| is_code(text).then(|| text.to_owned())).unwrap_or(default)
    };
    let usual = Codes::default();
    let (hold, slay) = (code("hold", usual.hold), code("slay", usual.slay));
    let (rejoin, listen) = (code("rejoin", usual.rejoin), code("listen", usual.listen));
    let (status, cancel, withhold) =
        (code("status", usual.status), code("cancel", usual.cancel), code("withhold", usual.withhold));
    let greeting = code("greeting", usual.greeting);
    let gesture = s.text("gesture", "allowed are 2 to 4 of 0-9, * and #, but not ***", |text| {
        let keys = text.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#');
        // *** opens an HT801's own menu and never reaches us.
        (keys && (2..=4).contains(&text.len()) && !text.contains("***")).then(|| text.to_owned())
    });
    let codes = Codes {
        hold,
        slay,
        rejoin,
        listen,
        status,
        cancel,
        withhold,
        greeting,
        gesture: gesture.unwrap_or(usual.gesture),
    };
    let all = codes.named();
    for (i, (key, code)) in all.iter().enumerate() {
        if let Some(number) = emergency.iter().find(|n| shadows(code, n)) {
            s.refuse(key, &format!("a code may not stand in the way of the emergency number {number}"));
        }
        if let Some((other, theirs)) = all.iter().take(i).find(|(_, theirs)| shadows(code, theirs)) {
            s.refuse(key, &format!("it begins like {other} = \"{theirs}\"; the two could not be told apart"));
        }
    }
    codes
}

/// One begins with the other: whoever dials the longer has dialled the shorter on the way.
fn shadows(a: &str, b: &str) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix('*').or_else(|| text.strip_prefix("11"));
    digits.is_some_and(|d| (1..=4).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()))
}

/// A host name or an IP address: letters, digits, dots, hyphens (RFC 1123 §2.1); underscores occur.
pub(super) fn is_host(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label) || text.parse::<IpAddr>().is_ok()
}

/// "sip.example.net", "sip.example.net:5062", "192.0.2.1:5060", "[2001:db8::1]:5060".
pub(super) fn host_port(text: &str) -> Option<(String, Option<u16>)> {
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some((ip.to_string(), None));
    }
    if let Ok(addr) = text.parse::<SocketAddr>() {
        return (addr.port() != 0).then(|| (addr.ip().to_string(), Some(addr.port())));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port.parse().ok().filter(|p| *p != 0)?)),
        _ => (text, None),
    };
    is_host(host).then(|| (host.to_owned(), port))
}

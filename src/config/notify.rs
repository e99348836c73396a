//! `[[notify]]`: where the owner is told what happens.

use super::{Secret, rules, way};
use crate::call::Event;
use crate::limits::NOTIFY_TARGETS;
use crate::net::http::{URL_ALLOWED, Url};
use crate::notify::message::{EVENTS, USUAL};
use crate::notify::{Security, Server, Target, Way, mail};
use crate::tables::{Section, Source, tables};
use toml::de::DeTable;

const KEYS: [&str; 14] = [
    "name", "kind", "events", "numbers", "ca", "url", "key", "server", "security", "user", "secret", "from",
    "to", "topic",
];

/// The kinds of targets, and the keys of each besides those that all have.
const KINDS: [(&str, &[&str]); 4] = [
    ("webhook", &["url", "key"]),
    ("ntfy", &["url", "key"]),
    ("mail", &["server", "security", "user", "secret", "from", "to"]),
    ("mqtt", &["server", "security", "user", "secret", "topic"]),
];
/// Keys that every target may have.
const COMMON: usize = 5;

/// All targets, in the file's order.
pub(super) fn targets<'t>(source: &mut Source<'t>, root: &DeTable<'t>) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for (at, table) in tables(source, root, "notify", "[[notify]]", NOTIFY_TARGETS) {
        let mut s = Section::open(source, "[[notify]]", Some((at, table)), &KEYS);
        let Some(target) = target(&mut s) else { continue };
        if targets.iter().any(|other| other.name == target.name) {
            s.refuse("name", "another [[notify]] has this name already");
        }
        targets.push(target);
    }
    targets
}

fn target(s: &mut Section<'_, '_>) -> Option<Target> {
    let name = s.needed("name", "needed is a name of up to 40 letters, digits, spaces, - and _", |text| {
        let fits = |c: char| c.is_alphanumeric() || " -_".contains(c);
        ((1..=40).contains(&text.chars().count()) && text.chars().all(fits)).then(|| text.to_owned())
    });
    let kind = s.needed("kind", "needed is one of webhook, ntfy, mail, mqtt", |text| {
        KINDS.into_iter().find(|(name, _)| *name == text)
    });
    let allowed = format!("each is one of {}, or what stands before the dot", EVENTS.join(", "));
    let mut events = s.list("events", &allowed, |text| {
        let known = EVENTS.iter().any(|event| Event::names(text, event));
        known.then(|| text.to_owned())
    });
    if !s.has("events") {
        events = USUAL.map(str::to_owned).to_vec();
    }
    let numbers = s.flag("numbers").unwrap_or(false);
    let ca = way::file(s, "ca");
    let (kind, own) = kind?;
    for key in KEYS.iter().skip(COMMON).filter(|key| !own.contains(key)) {
        if s.has(key) {
            s.refuse_unseen(key, &format!("{kind} has no such key. It has {}", own.join(", ")));
        }
    }
    let way = match kind {
        "webhook" => webhook(s).map(|(url, key)| Way::Webhook { url, key }),
        "ntfy" => webhook(s).map(|(url, key)| Way::Ntfy { url, key }),
        "mail" => self::mail(s),
        _ => mqtt(s),
    };
    Some(Target { name: name?, way: way?, events, numbers, ca })
}

fn webhook(s: &mut Section<'_, '_>) -> Option<(Url, Option<Secret>)> {
    // The address may be a secret itself.
    let text = s.secret("url", URL_ALLOWED, 1);
    let url = text.and_then(Url::parse);
    if url.is_none() && (text.is_some() || !s.has("url")) {
        s.refuse_unseen("url", URL_ALLOWED);
    }
    let allowed = "allowed are up to 500 letters, digits and signs without spaces";
    let key = s.secret("key", allowed, 1);
    if key.is_some_and(|key| key.len() > 500 || !key.bytes().all(|b| b.is_ascii_graphic())) {
        s.refuse_unseen("key", allowed);
    }
    Some((url?, key.map(Secret::new)))
}

fn mail(s: &mut Section<'_, '_>) -> Option<Way> {
    let address = "needed is an e-mail address, such as \"you@example.org\"";
    let mut one = |key| s.needed(key, address, |text| mail::is_address(text).then(|| text.to_owned()));
    let (from, to) = (one("from"), one("to"));
    let security = security(s, Security::StartTls, &SECURITIES);
    let port = match security {
        Security::Tls => 465,
        Security::StartTls => 587,
        Security::None => 25,
    };
    if security == Security::None && s.has("secret") {
        s.refuse_unseen(
            "secret",
            "without encryption everybody on the way could read it: write security = \"starttls\" or \"tls\"",
        );
    }
    Some(Way::Mail { server: server(s, security, port)?, from: from?, to: to? })
}

fn mqtt(s: &mut Section<'_, '_>) -> Option<Way> {
    let security = security(s, Security::None, &[SECURITIES[0], SECURITIES[2]]);
    let port = if security == Security::Tls { 8883 } else { 1883 };
    let allowed = "allowed are up to 60 letters, digits, -, _ and / between them";
    let topic = s.text("topic", allowed, |text| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_/".contains(&b);
        let whole = text.split('/').all(|part| !part.is_empty());
        (text.len() <= 60 && whole && text.bytes().all(fits)).then(|| text.to_owned())
    });
    let topic = topic.unwrap_or_else(|| "hold-slayer".to_owned());
    Some(Way::Mqtt { server: server(s, security, port)?, topic })
}

const SECURITIES: [(&str, Security); 3] =
    [("tls", Security::Tls), ("starttls", Security::StartTls), ("none", Security::None)];

fn security(s: &mut Section<'_, '_>, usual: Security, known: &[(&str, Security)]) -> Security {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let found = s.text("security", &format!("allowed is one of {}", names.join(", ")), |text| {
        known.iter().find(|(name, _)| *name == text).map(|(_, security)| *security)
    });
    found.unwrap_or(usual)
}

fn server(s: &mut Section<'_, '_>, security: Security, usual: u16) -> Option<Server> {
    let allowed = "needed is a host name or an IP address, with :port if it is not the usual one";
    let place = s.needed("server", allowed, |text| {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, port.parse().ok().filter(|port| *port > 0)?),
            _ => (text, usual),
        };
        let host = host.trim_matches(['[', ']']);
        (rules::is_host(host) || host.parse::<std::net::IpAddr>().is_ok()).then(|| (host.to_owned(), port))
    });
    let user = s.text("user", "allowed are up to 100 signs", |text| {
        ((1..=100).contains(&text.len()) && !text.chars().any(char::is_control)).then(|| text.to_owned())
    });
    let secret = s.secret("secret", "allowed is the password for user, in quotes", 1);
    for (key, other) in [("user", "secret"), ("secret", "user")] {
        if s.has(other) && !s.has(key) {
            s.refuse_unseen(key, "user and secret belong together: give both or neither");
        }
    }
    let (host, port) = place?;
    Some(Server { host, port, security, login: user.zip(secret.map(Secret::new)) })
}

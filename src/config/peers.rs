//! `[[trunk]]` and `[[phone]]`: who is on either side of the box.

use super::{
    PHONE_RINGS, PHONES, Phone, PhonePeer, TRUNKS, Trunk, TrunkPeer, Way, address, numbers, presets, rules,
    way,
};
use crate::sip::Srtp;
use crate::tables::{Placed, Section, Source, tables};
use core::time::Duration;
use toml::de::DeTable;

const HOUR: Duration = Duration::from_secs(3600);

/// What only a trunk that registers has.
const REGISTERING: [&str; 9] =
    ["preset", "server", "user", "auth_user", "secret", "domain", "realm", "outbound_proxy", "expires"];

/// Every `[[trunk]]` that could be read.
pub(super) fn trunks<'t>(source: &mut Source<'t>, root: &DeTable<'t>, own: &str) -> Vec<Placed<Trunk>> {
    let known =
        [&["name"], &REGISTERING[..], &["address", "channels", "srtp"], &way::KEYS, &numbers::KEYS].concat();
    let presets = presets::all();
    let mut found = Vec::new();
    for (at, table) in tables(source, root, "trunk", "[[trunk]]", TRUNKS) {
        let mut s = Section::open(source, "[[trunk]]", Some((at, table)), &known);
        let preset = presets::chosen(&mut s, &presets);
        // Who writes an address has chosen to know the trunk by it alone.
        if !s.has("address") {
            s.preset(preset);
        }
        let name = name(&mut s);
        let channels = s.number("channels", 1..=1000).and_then(|n| u16::try_from(n).ok()).unwrap_or(2);
        let named = !s.has("address");
        let way = way::way(&mut s, named);
        if let (Some(name), Some(peer)) = (name, trunk_peer(&mut s, &way)) {
            let (rules, identity) = (numbers::rules(&mut s, own), numbers::identity(&mut s));
            let srtp = srtp(&mut s);
            found.push((at, Trunk { name, peer, channels, way, rules, identity, srtp }));
        }
    }
    found
}

fn trunk_peer(s: &mut Section<'_, '_>, way: &Way) -> Option<TrunkPeer> {
    if s.has("address") {
        let only = "a trunk with an address is known by it alone: leave this key out, or write server instead of address";
        for key in REGISTERING {
            if s.has(key) {
                s.refuse(if key == "secret" { "address" } else { key }, only);
            }
        }
        return Some(TrunkPeer::Static { addr: address(s, "address", "\"203.0.113.5:5060\"")? });
    }
    let server = "allowed is a host name or IP address, with :port if it is not 5060 (5061 for TLS). \
                  (A trunk that asks for no registration has address = \"IP:port\" instead)";
    let host_port = s.needed("server", server, rules::host_port);
    let user = user(s);
    let auth_user = auth_user(s);
    let secret = secret(s);
    let domain = s.text("domain", "allowed is a host name", |t| rules::is_host(t).then(|| t.to_owned()));
    let expires = s.duration("expires", Duration::from_secs(60)..=24 * HOUR).unwrap_or(HOUR / 12);
    let realm = s.text("realm", "allowed is what the provider's challenge names, in quotes", |text| {
        let fits =
            (1..=128).contains(&text.len()) && !text.contains(|c: char| c.is_control() || "\"\\".contains(c));
        fits.then(|| text.to_owned())
    });
    let proxy = s.text(
        "outbound_proxy",
        "allowed is a host name or IP address, with :port if needed",
        rules::host_port,
    );
    let ((registrar, port), user, secret) = (host_port?, user?, secret?);
    if way.srv && port.is_some() {
        s.refuse("server", "with srv = true the name service tells the port: leave :port away");
    }
    let domain = domain.unwrap_or_else(|| registrar.clone());
    if way.srv && proxy.as_ref().is_some_and(|(_, port)| port.is_some()) {
        s.refuse("outbound_proxy", "with srv = true the name service tells the port: leave :port away");
    }
    // RFC 3261 §8.1.2: all goes through the proxy; whom it is for does not change.
    let (host, port) = proxy.unwrap_or((registrar, port));
    let port = port.unwrap_or(way.transport.unwrap_or_default().port());
    let auth_user = auth_user.unwrap_or_else(|| user.clone());
    Some(TrunkPeer::Register { host, port, user, auth_user, secret, domain, realm, expires })
}

/// Every `[[phone]]` that could be read.
pub(super) fn phones<'t>(source: &mut Source<'t>, root: &DeTable<'t>) -> Vec<Placed<Phone>> {
    let mut found = Vec::new();
    for (at, table) in tables(source, root, "phone", "[[phone]]", PHONES) {
        let mut s = Section::open(
            source,
            "[[phone]]",
            Some((at, table)),
            &["name", "user", "secret", "address", "rings", "srtp", "wideband"],
        );
        let wideband = s.flag("wideband").unwrap_or(false);
        let rings = s.duration("rings", Duration::from_secs(5)..=HOUR / 20).unwrap_or(PHONE_RINGS);
        if let (Some(name), Some(peer), srtp) = (name(&mut s), phone_peer(&mut s), srtp(&mut s)) {
            found.push((at, Phone { name, peer, rings, srtp, wideband, listens: false }));
        }
    }
    found
}

fn phone_peer(s: &mut Section<'_, '_>) -> Option<PhonePeer> {
    if s.has("address") {
        if s.has("user") || s.has("secret") {
            s.refuse("address", "a phone has either an address, or a user and a secret to register with");
        }
        return Some(PhonePeer::Static { addr: address(s, "address", "\"192.168.1.30:5060\"")? });
    }
    let (user, secret) = (user(s), secret(s));
    Some(PhonePeer::Register { user: user?, secret: secret? })
}

/// Encrypted sound; off unless written.
fn srtp(s: &mut Section<'_, '_>) -> Srtp {
    let read = s.text("srtp", "allowed is one of off, optional, required", |text| match text {
        "off" => Some(Srtp::Off),
        "optional" => Some(Srtp::Optional),
        "required" => Some(Srtp::Required),
        _ => None,
    });
    read.unwrap_or_default()
}

fn name(s: &mut Section<'_, '_>) -> Option<String> {
    s.needed("name", "allowed are 1 to 32 characters, in quotes", |text| {
        let fits = (1..=32).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    })
}

pub(super) const USER: &str = "allowed are 1 to 64 letters, digits and -_.+ in quotes";
const AUTH_USER: &str = "allowed are 1 to 64 letters, digits and -_.+@ in quotes";

/// A SIP user that needs no escaping in an address, RFC 3261 §25.1.
fn user(s: &mut Section<'_, '_>) -> Option<String> {
    s.needed("user", USER, |text| made_of(text, b"-_.+"))
}

/// A digest user name stands between quotes only: some providers give one with an `@`.
fn auth_user(s: &mut Section<'_, '_>) -> Option<String> {
    s.text("auth_user", AUTH_USER, |text| made_of(text, b"-_.+@"))
}

pub(super) fn made_of(text: &str, signs: &[u8]) -> Option<String> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || signs.contains(&b);
    ((1..=64).contains(&text.len()) && text.bytes().all(fits)).then(|| text.to_owned())
}

fn secret(s: &mut Section<'_, '_>) -> Option<super::Secret> {
    let allowed = "needed is the password for user, in quotes";
    if !s.has("secret") {
        s.refuse("secret", allowed);
    }
    s.secret("secret", allowed, 1).map(super::Secret::new)
}

//! Pairing a phone: the owner asks for it here, and an adapter fetches its file here.
//!
//! A password is made for each phone, shown once, and kept in memory for the quarter of an hour in which its adapter may
//! fetch it; what is written down is its H(A1). Whoever may not have a file is told what every unknown address is told.

use super::answer::Answer;
use super::api::shapes::{Device, Origin, Pair, Phone, Phones};
use super::{Order, Site, login, page, phones_page};
use crate::clock;
use crate::phone::pairing::{Mac, REALM, WINDOW, Windows};
use crate::phone::provisioning::{self, Jack, Line, Make};
use crate::sip::auth::ha1;
use crate::store::PairedPhone;
use crate::units::{Instant, Wall};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::sync::{MutexGuard, PoisonError};

pub(super) use phones_page::told;

/// Fetched files that the page remembers.
const SERVED: usize = 8;

/// What is known of pairings for as long as their windows are open.
#[derive(Default)]
pub(super) struct Pairing {
    windows: Windows,
    fresh: Vec<Fresh>,
    /// Whose files were fetched: name, when, from where; newest last.
    served: Vec<(String, Wall, IpAddr)>,
}

/// A phone whose password is still known.
struct Fresh {
    phone: PairedPhone,
    secret: String,
    until: Instant,
}

/// What the owner is told of a phone that was paired, once.
#[derive(Serialize, JsonSchema)]
pub(super) struct Told {
    /// As he calls it.
    pub(super) name: String,
    /// Registrar, with its port unless it is 5060.
    pub(super) server: String,
    /// SIP user and digest user name.
    pub(super) user: String,
    /// Password.
    pub(super) secret: String,
    /// Where an adapter finds its file; `None`: it is typed in.
    pub(super) file: Option<String>,
    /// The kind of device, as in the form.
    pub(super) device: &'static str,
    /// Seconds until the pairing lapses.
    pub(super) lapses_in_s: u64,
}

type Refusal = (u16, String);

fn refuse(status: u16, words: &str) -> Refusal {
    (status, words.to_owned())
}

impl Site {
    fn pairing(&self) -> MutexGuard<'_, Pairing> {
        self.pairing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the form says.
struct Wanted {
    name: String,
    device: &'static str,
    adapter: Option<(Make, Mac, Jack)>,
}

fn read(fields: &[(String, String)]) -> Result<Wanted, Refusal> {
    let sent = |key: &str| fields.iter().find(|(k, _)| k == key).map_or("", |(_, value)| value.trim());
    let name = sent("name");
    if !(1..=32).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(refuse(400, "Give the phone a name of 1 to 32 characters, such as its room."));
    }
    let (device, make) = match sent("device") {
        "grandstream" => ("grandstream", Some(Make::Grandstream)),
        "cisco" => ("cisco", Some(Make::Cisco)),
        "any" => ("any", None),
        _ => return Err(refuse(400, "Choose what kind of phone it is: grandstream, cisco or any.")),
    };
    let jack = if sent("jack") == "2" { Jack::Two } else { Jack::One };
    let mac = || {
        Mac::parse(sent("mac")).ok_or_else(|| {
        refuse(400, "The MAC address is on the adapter's label: 12 of the digits 0-9 and a-f, such as c0:74:ad:12:34:56.")
    })
    };
    let adapter = make.map(|make| Ok((make, mac()?, jack))).transpose()?;
    Ok(Wanted { name: name.to_owned(), device, adapter })
}

/// What a program sends, as the form has it.
pub(super) fn fields(pair: &Pair) -> Vec<(String, String)> {
    let device = match pair.device {
        Device::Grandstream => "grandstream",
        Device::Cisco => "cisco",
        Device::Any => "any",
    };
    let jack = pair.jack.unwrap_or(1).to_string();
    let mac = pair.mac.as_deref().unwrap_or_default();
    [("name", &*pair.name), ("device", device), ("mac", mac), ("jack", &jack)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Pairs a phone: makes its password, writes it down, lets it register, and opens its adapter's window.
pub(super) fn pair(site: &Site, fields: &[(String, String)], local: IpAddr) -> Result<Told, Refusal> {
    let wanted = read(fields)?;
    let no_store =
        || refuse(503, "Phones cannot be paired: the box has no database, and says why in its log.");
    let store = site.store.as_ref().ok_or_else(no_store)?;
    let all = store.phones().map_err(|error| (503, error.to_string()))?;
    let socket = wanted.adapter.map(|(_, mac, jack)| (mac.0, if jack == Jack::One { 1 } else { 2 }));
    if let Some(other) = all.iter().find(|phone| socket.is_some() && phone.adapter == socket) {
        let words =
            format!("This socket of the adapter is paired as {} already: take that away first.", other.name);
        return Err((409, words));
    }
    let random =
        || login::password().map_err(|_| refuse(500, "The system gives no random numbers. Restart the box."));
    let (secret, suffix) = (random()?, random()?);
    let slug: String =
        wanted.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    let slug = if slug.is_empty() { "phone" } else { &slug };
    let user = format!("{slug}-{}", &suffix[..4]);
    let phone = PairedPhone {
        name: wanted.name,
        ha1: ha1(&user, REALM, &secret),
        user,
        adapter: socket,
        paired: clock::wall(),
        used: false,
    };
    store.put_phone(&phone).map_err(|error| (503, error.to_string()))?;
    if let Err(refusal) = site.ask(Order::Pair(Box::new(phone.clone()))) {
        if let Err(error) = store.remove_phone(&phone.user) {
            tracing::warn!(%error, "a phone that was not paired is still written down; it lapses at the next start");
        }
        return Err(refusal);
    }
    tracing::info!(name = phone.name, "a phone was paired; it has a quarter of an hour to register");
    let ip = reached(site, local);
    let now = clock::now();
    let mut pairing = site.pairing();
    if let Some((_, mac, _)) = wanted.adapter {
        pairing.windows.open(now, mac);
    }
    let told = Told {
        name: phone.name.clone(),
        server: provisioning::server(SocketAddr::new(ip, site.house.sip_port)),
        user: phone.user.clone(),
        secret: secret.clone(),
        file: wanted.adapter.map(|(make, mac, _)| {
            let place = SocketAddr::new(ip, site.port);
            match make {
                Make::Grandstream => format!("http://{place}/cfg{mac}.xml"),
                Make::Cisco => format!("http://{place}/spa{mac}.cfg"),
            }
        }),
        device: wanted.device,
        lapses_in_s: WINDOW.as_secs(),
    };
    pairing.fresh.retain(|fresh| now < fresh.until);
    pairing.fresh.push(Fresh { phone, secret, until: now + WINDOW });
    Ok(told)
}

/// Takes a paired phone away.
pub(super) fn unpair(site: &Site, user: &str) -> Result<(), Refusal> {
    let gone =
        || refuse(404, "There is no such paired phone. Those of hold-slayer.toml are taken away there.");
    let store = site.store.as_ref().ok_or_else(gone)?;
    let all = store.phones().map_err(|error| (503, error.to_string()))?;
    let phone = all.into_iter().find(|phone| phone.user == user).ok_or_else(gone)?;
    store.remove_phone(user).map_err(|error| (503, error.to_string()))?;
    let mut pairing = site.pairing();
    pairing.fresh.retain(|fresh| fresh.phone.user != user);
    let others =
        pairing.fresh.iter().any(|fresh| fresh.phone.adapter.map(|a| a.0) == phone.adapter.map(|a| a.0));
    if let Some((mac, _)) = phone.adapter.filter(|_| !others) {
        pairing.windows.close(Mac(mac));
    }
    drop(pairing);
    tracing::info!(name = phone.name, "a paired phone was taken away");
    site.ask(Order::Unpair(user.to_owned())).map(drop)
}

/// Whether this is the address of an adapter's file.
pub(super) fn is_file(path: &str, query: &[(String, String)]) -> bool {
    let mac = query.iter().find(|(key, _)| key == "mac").map(|(_, value)| value.as_str());
    provisioning::asked(path, mac).is_some()
}

/// The file that a path asks for, if it is one that may be had by `from`, who reached the box at `local`.
pub(super) fn file(
    site: &Site,
    path: &str,
    query: &[(String, String)],
    (from, local): (IpAddr, IpAddr),
) -> Option<Answer> {
    let mac = query.iter().find(|(key, _)| key == "mac").map(|(_, value)| value.as_str());
    let (make, mac) = provisioning::asked(path, mac)?;
    let now = clock::now();
    let mut pairing = site.pairing();
    if let Err(why) = pairing.windows.fetch(now, mac, from) {
        tracing::warn!(%from, ?why, "an adapter's file was asked for and not handed out");
        return None;
    }
    pairing.fresh.retain(|fresh| now < fresh.until);
    let at_mac = pairing.fresh.iter().filter_map(|fresh| {
        let (at, jack) = fresh.phone.adapter?;
        let jack = if jack == 1 { Jack::One } else { Jack::Two };
        (at == mac.0).then_some(Line {
            jack,
            name: &fresh.phone.name,
            user: &fresh.phone.user,
            secret: &fresh.secret,
        })
    });
    let lines: Vec<Line<'_>> = at_mac.collect();
    if lines.is_empty() {
        return None;
    }
    let house = provisioning::House {
        sip: SocketAddr::new(reached(site, local), site.house.sip_port),
        emergency: &site.house.emergency,
        codes: &site.house.codes,
    };
    let text = provisioning::file(make, mac, &lines, &house);
    let names: Vec<String> = lines.iter().map(|line| line.name.to_owned()).collect();
    tracing::info!(%from, phones = names.join(", "), "an adapter has fetched its file");
    pairing.served.extend(names.into_iter().map(|name| (name, clock::wall(), from)));
    let most = pairing.served.len().saturating_sub(SERVED);
    pairing.served.drain(..most);
    Some(Answer::xml(text))
}

/// The address of the box to tell: the one it was reached at, unless that leads nowhere else.
fn reached(site: &Site, local: IpAddr) -> IpAddr {
    if local.is_loopback() { *site.house.ip.borrow() } else { local }
}

/// The page of phones, with what went wrong, and what was typed then.
pub(super) fn page(
    site: &Site,
    form: &str,
    (wrong, typed): (Option<&str>, &[(String, String)]),
    status: u16,
) -> Answer {
    let (phones, wrong) = match site.store.as_ref().map(crate::store::Store::phones) {
        Some(Ok(phones)) => (phones, wrong.map(str::to_owned)),
        Some(Err(error)) => (Vec::new(), Some(error.to_string())),
        None => (Vec::new(), Some(super::visit::NO_STORE.to_owned())),
    };
    let (snapshot, served) = (site.snapshot.borrow().clone(), site.pairing().served.clone());
    let content = phones_page::content((&snapshot.phones, &phones), &served, form, (wrong.as_deref(), typed));
    Answer::page(status, page::frame("Phones", page::Place::Phones, Some(form), &content))
}

/// `GET /api/v1/phones`: all of them, without anything secret. One that is paired and left out comes last.
pub(super) fn list(site: &Site) -> Answer {
    let mut paired = match site.store.as_ref().map(crate::store::Store::phones).transpose() {
        Ok(paired) => paired.unwrap_or_default(),
        Err(error) => return Answer::problem(503, &error.to_string()),
    };
    let peers = site.snapshot.borrow().phones.clone();
    let mut phones = Vec::new();
    for peer in peers {
        let own = paired.iter().position(|phone| phone.name == peer.name).map(|at| paired.remove(at));
        let handset = site.parts.handset.as_deref() == Some(&*peer.name);
        let origin = if handset { Origin::Handset } else { Origin::File };
        phones.push(shown(peer.name, (origin, peer.up, peer.status), own.as_ref()));
    }
    let left_out = paired.iter().map(|phone| {
        let status = match phone.used {
            true => "left out: the troubles say why",
            false => "waiting for its first registration",
        };
        shown(phone.name.clone(), (Origin::Paired, false, status.to_owned()), Some(phone))
    });
    phones.extend(left_out);
    Answer::json(200, &Phones { phones })
}

fn shown(name: String, (origin, up, status): (Origin, bool, String), paired: Option<&PairedPhone>) -> Phone {
    let adapter = paired.and_then(|phone| phone.adapter);
    Phone {
        name,
        origin: if paired.is_some() { Origin::Paired } else { origin },
        up,
        status,
        user: paired.map(|phone| phone.user.clone()),
        mac: adapter.map(|(mac, _)| Mac(mac).to_string()),
        jack: adapter.map(|(_, jack)| jack),
        paired: paired.map(|phone| phone.paired),
        used: paired.map(|phone| phone.used),
    }
}

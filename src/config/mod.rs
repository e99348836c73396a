//! The configuration: one file in, checked settings for each room out.
//!
//! Every mistake names file, line, key, the value found (never a secret) and what is allowed, and all of them are told
//! at once. Nothing here resolves a host name or opens a port: that happens at start.

mod board;
mod country;
mod handset;
mod hold;
mod menu;
mod notify;
mod numbers;
mod peers;
mod presets;
mod recording;
mod rules;
mod services;
mod settings;
mod speech;
mod way;

pub use crate::tables::{Mistake, Mistakes};
pub use country::Country;
pub use presets::{TEXT as PRESETS, asks as preset_asks, names as presets};
pub use settings::{
    Codes, Config, Guard, Handset, History, Hold, Line, Log, Media, Menu, PageTls, Phone, PhonePeer, Record,
    Secret, Sip, SipTls, Speech, Trunk, TrunkPeer, Web, Words,
};
pub use way::Way;

use crate::limits;
use crate::listen::words::Language;
use crate::tables::{Section, Source};
use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Where the file is unless `--config` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/hold-slayer/hold-slayer.toml";
/// Where the database is unless `--data` says otherwise.
pub const DEFAULT_DATA: &str = "/var/lib/hold-slayer";
/// A commented file with every key and its default.
pub const EXAMPLE: &str = include_str!("../../systemd/hold-slayer.toml");

/// Most trunks in one file.
pub const TRUNKS: usize = 8;
/// Most phones in one file.
pub const PHONES: usize = 32;
/// Most calls at once: a held call with its ring-back beside an ordinary one takes four legs.
pub const CALLS: u32 = (limits::LEGS / 4) as u32;
/// UDP ports set aside for each call: four legs, RTP on the even port of each pair (RFC 3550 §11).
pub const PORTS_PER_CALL: u32 = 8;

/// Where SIP is taken if nobody says, or not well, RFC 3261 §19.1.2.
pub const SIP_PORT: u16 = 5060;
/// And SIP over TLS.
pub const SIP_TLS_PORT: u16 = 5061;
/// Where the page is.
pub const PAGE_PORT: u16 = 8080;

const _: () = assert!(TRUNKS + PHONES < 254, "AccountId is a byte, and handset and monitor are two more");

/// Reads the file and the board file that it names. Whatever is wrong with the board file is in [`Config::board_faults`]: no
/// button is worth the telephone.
///
/// # Errors
/// All mistakes found; one mistake if the file itself cannot be read.
pub fn load(path: &Path) -> Result<Config, Mistakes> {
    let file = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let what = "the file may be read by its box and by root alone: use sudo".to_owned();
            return Err(Mistakes(vec![Mistake { file, line: 0, what }]));
        }
        Err(error) => {
            let what = format!(
                "the file cannot be read: {error}. `hold-slayer --help` says where it belongs, \
                 `hold-slayer check --example` prints one to start from"
            );
            return Err(Mistakes(vec![Mistake { file, line: 0, what }]));
        }
    };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    read(&text, &file, &|board| std::fs::read_to_string(folder.join(board)), false)
}

/// Reads a configuration from `text`; `file` names it in messages, `open` reads a board file that it names by path.
///
/// # Errors
/// All mistakes found, those of the board file, too.
pub fn parse(
    text: &str,
    file: &str,
    open: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Config, Mistakes> {
    read(text, file, open, true)
}

/// `whole`: a board file that cannot be used is a mistake of the configuration.
fn read(
    text: &str,
    file: &str,
    open: &dyn Fn(&Path) -> std::io::Result<String>,
    whole: bool,
) -> Result<Config, Mistakes> {
    let mut source = Source::new(file, text);
    let root = source.root().unwrap_or_default();
    let known = [
        "line",
        "sip",
        "media",
        "trunk",
        "phone",
        "handset",
        "monitor",
        "hold",
        "menu",
        "speed_dial",
        "record",
        "history",
        "words",
        "speech",
        "assistant",
        "notify",
        "guard",
        "codes",
        "board",
        "web",
        "log",
    ];
    Section::open(&mut source, "", Some((0, &root)), &known);
    let line_keys = ["country", "emergency", "number", "private", "rewrite", "order"];
    let line = line(&mut section(&mut source, &root, "[line]", &line_keys));
    let sip = sip(&mut section(&mut source, &root, "[sip]", &SIP_KEYS));
    let media = media(&mut section(&mut source, &root, "[media]", &["rtp_ports", "calls"]), sip.listen);
    let trunks = peers::trunks(&mut source, &root, &line.number);
    let phones = peers::phones(&mut source, &root);
    let hold = hold::hold(&mut section(&mut source, &root, "[hold]", &hold::KEYS));
    let record = recording::record(&mut section(&mut source, &root, "[record]", &recording::KEYS));
    let history = recording::history(&mut section(&mut source, &root, "[history]", &["keep"]));
    let spoken = line.country.language();
    let words_keys = ["model", "url", "key", "service_model", "language", "owner", "transcript", "keep"];
    let words = words(&mut section(&mut source, &root, "[words]", &words_keys), spoken);
    let speech = speech::speech(&mut section(&mut source, &root, "[speech]", &speech::KEYS), spoken);
    let assistant = services::assistant(&mut section(&mut source, &root, "[assistant]", &services::KEYS));
    let (assistant, assisted) = assistant.map_or((None, None), |(service, limits)| (Some(service), limits));
    let notify = notify::targets(&mut source, &root);
    let code_keys =
        ["hold", "slay", "rejoin", "listen", "status", "cancel", "greeting", "gesture", "withhold"];
    let codes = rules::codes(&mut section(&mut source, &root, "[codes]", &code_keys), &line.emergency);
    let menu = menu::menu(&mut source, &root, &line.emergency);
    let guard = numbers::guard(&mut section(&mut source, &root, "[guard]", &["allow", "longest"]));
    let (board, board_faults) = board::choose(&mut source, &root, open);
    // What a board file that cannot be used has under [sound] is not known.
    let sound = board_faults.is_empty().then_some(&board.sound);
    let handset = handset::handset(&mut section(&mut source, &root, "[handset]", &handset::KEYS), sound);
    let monitor = handset::monitor(
        &mut section(&mut source, &root, "[monitor]", &handset::MONITOR_KEYS),
        sound,
        handset.as_ref(),
    );
    if whole {
        source.adopt(board_faults.clone());
    }
    rules::peers(&mut source, &trunks, &phones, handset.as_ref().map(|handset| handset.name.as_str()));
    let web = web(&mut section(
        &mut source,
        &root,
        "[web]",
        &["listen", "password", "names", "local_name", "tls", "tls_cert", "tls_key"],
    ));
    let log = log(&mut section(&mut source, &root, "[log]", &["level"]));
    let trunks = trunks.into_iter().map(|(_, trunk)| trunk).collect();
    let phones = phones.into_iter().map(|(_, phone)| phone).collect();
    source.finish(Config {
        line,
        sip,
        media,
        trunks,
        phones,
        handset,
        monitor,
        hold,
        menu,
        record,
        history,
        words,
        speech,
        assistant,
        assisted,
        notify,
        guard,
        codes,
        board,
        board_faults,
        web,
        log,
    })
}

/// Opens the section called `title`, if the file has it.
fn section<'s, 't>(
    source: &'s mut Source<'t>,
    root: &'s DeTable<'t>,
    title: &'static str,
    known: &[&str],
) -> Section<'s, 't> {
    let name = title.trim_matches(['[', ']']);
    let table = match root.iter().find(|(key, _)| key.get_ref() == name) {
        None => None,
        Some((key, value)) => match value.get_ref() {
            DeValue::Table(table) => Some((key.span().start, table)),
            _ => {
                source.wrong(
                    key.span().start,
                    format!("{name}: this is a section; write {title} on a line of its own"),
                );
                None
            }
        },
    };
    Section::open(source, title, table, known)
}

fn line(s: &mut Section<'_, '_>) -> Line {
    let allowed = format!("allowed is one of {}", Country::codes());
    let country = s.text("country", &allowed, Country::from_code).unwrap_or(Country::DEFAULT);
    let mut emergency: Vec<String> = country.emergency().iter().map(|n| (*n).to_owned()).collect();
    let more = s.list("emergency", "each is a number of 2 to 6 digits in quotes", |text| {
        ((2..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
    });
    for number in more {
        if !emergency.contains(&number) {
            emergency.push(number);
        }
    }
    let number = numbers::number(s).unwrap_or_default();
    let (private, rewrite) = (s.flag("private").unwrap_or(false), numbers::rewrite(s));
    let order = numbers::choice(s, "order", &crate::phone::hunt::Order::NAMES);
    Line { country, emergency, number, private, rewrite, order }
}

fn sip(s: &mut Section<'_, '_>) -> Sip {
    let listen = address(s, "listen", "\"0.0.0.0:5060\"").unwrap_or(any(SIP_PORT));
    let advertise = s.text("advertise", "allowed is an IP address such as \"192.168.1.20\"", |text| {
        text.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified() && !ip.is_multicast())
    });
    let tcp = s.flag("tcp").unwrap_or(true);
    Sip { listen, advertise, tcp, tls: sip_tls(s) }
}

const SIP_KEYS: [&str; 6] = ["listen", "advertise", "tcp", "tls_listen", "tls_cert", "tls_key"];

/// Phones are let in by TLS only with a certificate to show them.
fn sip_tls(s: &mut Section<'_, '_>) -> Option<SipTls> {
    let listen = address(s, "tls_listen", "\"0.0.0.0:5061\"");
    let (cert, key) = (way::file(s, "tls_cert"), way::file(s, "tls_key"));
    for (key, needs) in [("tls_cert", "tls_listen"), ("tls_key", "tls_listen")] {
        if s.has(needs) && !s.has(key) {
            s.refuse(key, "tls_listen needs the files of a certificate and of its key");
        }
        if s.has(key) && !s.has(needs) {
            s.refuse(key, "this is for tls_listen, which is not there");
        }
    }
    Some(SipTls { listen: listen?, cert: cert?, key: key? })
}

fn media(s: &mut Section<'_, '_>, sip: SocketAddr) -> Media {
    let calls = s.number("calls", 1..=CALLS).unwrap_or(8);
    let last = 65_536 - calls * PORTS_PER_CALL;
    let first = s.number("rtp_ports", 1024..=last).unwrap_or(16_000);
    let end = first + calls * PORTS_PER_CALL;
    if first % 2 == 1 {
        s.refuse("rtp_ports", "allowed is an even port");
    }
    if (first..end).contains(&u32::from(sip.port())) {
        let allowed =
            format!("{calls} calls use the ports {first} to {}, and [sip] listen is among them", end - 1);
        s.refuse("rtp_ports", &allowed);
    }
    Media { rtp_ports: u16::try_from(first).unwrap_or(16_000), calls: u16::try_from(calls).unwrap_or(8) }
}

/// How long a phone rings when they ring in turn.
pub const PHONE_RINGS: Duration = Duration::from_secs(15);

fn words(s: &mut Section<'_, '_>, spoken: Language) -> Words {
    const HOUR: Duration = Duration::from_secs(3600);
    let codes = Language::NAMES.map(|(code, _)| code).join(", ");
    Words {
        service: services::recogniser(s),
        model: s.text(
            "model",
            "allowed is the whole path of a folder, such as \"/var/lib/hold-slayer/words\"",
            |text| Path::new(text).is_absolute().then(|| text.into()),
        ),
        language: s
            .text("language", &format!("allowed is one of {codes}"), Language::from_code)
            .unwrap_or(spoken),
        owner: s
            .text("owner", "allowed is a name of 2 to 40 letters", |text| {
                let letters = text.chars().filter(|c| c.is_alphabetic()).count();
                (2..=40).contains(&letters).then(|| text.to_owned())
            })
            .unwrap_or_default(),
        transcript: s.flag("transcript").unwrap_or(false),
        keep: s.duration("keep", HOUR..=8760 * HOUR).unwrap_or(720 * HOUR),
    }
}

fn web(s: &mut Section<'_, '_>) -> Web {
    let listen = address(s, "listen", "\"0.0.0.0:8080\"").unwrap_or(any(PAGE_PORT));
    let password = s.secret("password", "allowed are 8 characters or more, in quotes", 8);
    let password = password.map(Secret::new);
    let allowed = "each is a host name in quotes, without port or http://";
    let names = s.list("names", allowed, |text| rules::is_host(text).then(|| text.to_ascii_lowercase()));
    let local = "allowed are letters, digits and - , without .local; \"\": the network is told nothing";
    let is_label =
        |text: &str| text.len() <= 63 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let local_name = s.text("local_name", local, |text| is_label(text).then(|| text.to_ascii_lowercase()));
    let local_name = local_name.unwrap_or_else(|| "holdslayer".into());
    Web { listen, password, names, local_name, tls: page_tls(s) }
}

/// The page is encrypted with a certificate of the box's own, or with the owner's.
fn page_tls(s: &mut Section<'_, '_>) -> PageTls {
    let allowed = "allowed is \"off\", \"self-signed\" or \"files\"";
    let how =
        s.text("tls", allowed, |text| ["off", "self-signed", "files"].into_iter().find(|one| *one == text));
    let (cert, key) = (way::file(s, "tls_cert"), way::file(s, "tls_key"));
    for one in ["tls_cert", "tls_key"] {
        if how == Some("files") && !s.has(one) {
            s.refuse(one, "tls = \"files\" needs the files of a certificate and of its key");
        }
    }
    match (how, cert, key) {
        (Some("self-signed"), ..) => PageTls::SelfSigned,
        (Some("files"), Some(cert), Some(key)) => PageTls::Files { cert, key },
        _ => PageTls::Off,
    }
}

fn log(s: &mut Section<'_, '_>) -> Log {
    let level = s.text("level", "allowed is one of error, warn, info, debug, trace", |text| {
        text.chars().all(|c| c.is_ascii_lowercase()).then(|| text.parse().ok())?
    });
    Log { level: level.unwrap_or(tracing::Level::INFO) }
}

/// An IP address and port to listen on or to send to.
fn address(s: &mut Section<'_, '_>, key: &str, example: &str) -> Option<SocketAddr> {
    let allowed = format!("allowed is an IP address and a port such as {example}");
    s.text(key, &allowed, |text| text.parse().ok().filter(|a: &SocketAddr| a.port() != 0))
}

fn any(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))
}

#[cfg(test)]
mod tests;

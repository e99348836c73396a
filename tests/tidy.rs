//! The house is tidy: layers, owners of crates, sizes, names. The rules are the tables at the top.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from the roof to the floor. A room uses those below its row, never its own row or those above.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["demo", "check", "ctl"],
    &["app"],
    &["web"],
    &["backup"],
    &["config"],
    &["assist", "notify"],
    &["net", "board"],
    &["store", "studio", "speech", "update"],
    &["call"],
    &["slay", "trunk", "phone"],
    &["media", "listen"],
    &["sip", "rtp"],
    &["dsp", "sounds"],
    &["limits", "clock", "log", "tables"],
    &["units"],
];

/// Who may use a crate: paths below `src/`. A crate that is missing here may not be used at all; `""` is everybody.
const OWNERS: &[(&str, &[&str])] = &[
    ("aes", &["rtp/srtp.rs"]),
    ("alsa", &["board/handset/card.rs"]),
    ("anyhow", &["main.rs", "app", "demo"]),
    ("argon2", &["web/", "backup/"]),
    ("audio_codec", &["dsp/g722.rs"]),
    ("audio_codec_algorithms", &["dsp/", "demo/"]),
    ("base64ct", &["sip/", "web/websocket.rs"]),
    ("bytes", &["notify/mqtt.rs"]),
    ("chacha20poly1305", &["backup/"]),
    ("clap", &["main.rs"]),
    ("ctr", &["rtp/srtp.rs"]),
    ("flac_codec", &["studio/flac.rs"]),
    ("futures_util", &["web/websocket.rs"]),
    ("getrandom", &["app", "web/", "backup/", "demo/"]),
    ("evdev", &["board/input.rs"]),
    ("gpiocdev", &["board/gpio.rs"]),
    ("hickory_resolver", &["net/names.rs"]),
    ("hmac", &["notify/", "rtp/srtp.rs", "sip/", "web/"]),
    ("hound", &["assist/hear.rs", "listen/file.rs", "sounds/", "speech/sound.rs", "demo/"]),
    ("http", &["web/mcp/"]),
    ("http_body_util", &["web/mcp/"]),
    ("httparse", &["web/"]),
    ("jiff", &["notify/", "web/", "demo/", "check/"]),
    ("lettre", &["notify/mail.rs"]),
    ("maud", &["web/"]),
    ("md5", &["sip/"]),
    ("mdns_sd", &["net/mdns.rs"]),
    ("minisign_verify", &["update/bundle.rs"]),
    (
        "nix",
        &[
            "main.rs",
            "clock.rs",
            "web/health.rs",
            "web/gate.rs",
            "media/",
            "board/",
            "app",
            "net",
            "check/probe.rs",
            "ctl/",
            "studio/archive.rs",
            "speech/program.rs",
            "update/bundle.rs",
            "update/desk.rs",
            "update/folder.rs",
        ],
    ),
    ("postcard", &["store/", "backup/"]),
    ("rcgen", &["net/tls.rs"]),
    ("realfft", &["listen/"]),
    ("redb", &["store/"]),
    ("rmcp", &["web/mcp/"]),
    ("rsip", &["sip/message.rs"]),
    ("rtp_rs", &["rtp/packet.rs", "demo/"]),
    ("rtcp_types", &["rtp/report.rs"]),
    ("rtrb", &["media/", "app", "board/handset/"]),
    ("rustls_native_certs", &["net/"]),
    ("rumqttc", &["notify/mqtt.rs"]),
    ("schemars", &[""]),
    ("sd_notify", &["app"]),
    ("sdp_types", &["sip/"]),
    ("serde", &[""]),
    (
        "serde_json",
        &["assist/", "notify/", "web/", "store/", "demo/", "ctl/", "listen/file.rs", "main.rs", "update/"],
    ),
    ("sha1", &["rtp/srtp.rs", "web/websocket.rs"]),
    ("sha2", &["notify/", "sip/", "speech/cache.rs", "web/", "backup/", "update/bundle.rs"]),
    ("subtle", &["sip/", "web/"]),
    ("tflitec", &["listen/classifier.rs", "listen/words/network.rs"]),
    ("tiny_http", &["web/"]),
    (
        "tokio",
        &[
            "main.rs",
            "app",
            "net",
            "notify/",
            "web/",
            "board/panel.rs",
            "board/handset/",
            "demo/",
            "check/ask.rs",
            "studio/thread.rs",
        ],
    ),
    ("tokio_tungstenite", &["web/websocket.rs"]),
    ("tokio_rustls", &["net/", "notify/mqtt.rs"]),
    ("toml", &["config/", "slay/text.rs", "tables.rs", "update/slots.rs"]),
    ("toml_edit", &["web/settings/"]),
    (
        "tracing",
        &[
            "main.rs",
            "app",
            "demo",
            "config/",
            "log.rs",
            "net",
            "web/",
            "store/",
            "studio/",
            "notify",
            "update/folder.rs",
        ],
    ),
    ("tracing_subscriber", &["log.rs"]),
    ("ureq", &["net/http.rs"]),
];

/// Rooms that are pure, but for the files named as their edge: nothing in them reads a clock, a file, a socket or chance.
const PURE: &[&str] = &[
    "units.rs",
    "limits.rs",
    "sip/",
    "rtp/",
    "dsp/",
    "listen/",
    "slay/",
    "trunk",
    "phone/",
    "call/",
    "net/order.rs",
    "update/machine.rs",
    "update/quiet.rs",
    "update/standing.rs",
];
const EDGES: &[&str] = &["listen/file.rs", "listen/words/network.rs"];
const IMPURE: &[&str] = &[
    "crate::clock",
    "Instant::now",
    "SystemTime",
    "std::fs",
    "std::thread",
    "thread::sleep",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "std::env::",
    "println!",
    "Mutex",
];

/// Lines of a source file, without its tests.
const LONGEST_FILE: usize = 600;
/// Names that say nothing.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "helper", "helpers", "types", "manager", "service", "common", "misc"];
/// Marks of unfinished work (written apart, so that this file is clean).
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
/// Hosts of registries and mirrors: which one is used is the machine's own business.
const REGISTRIES: &[&str] =
    &[concat!("crates", ".io"), concat!("pypi", ".org"), concat!("debian", ".org"), concat!("npmjs", ".")];

struct Source {
    /// Below `src/` or `tests/`, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The text without tests and without comments.
    fn code(&self) -> String {
        let own = self.text.split("#[cfg(test)]").next().unwrap_or_default();
        own.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }

    /// The room it belongs to: `sip` for `sip/message.rs`, `config` for `config.rs`.
    fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs") || self.path.contains("/tests/")
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let skipped = name.starts_with('.') && name != ".ci" || ["target", "shared"].contains(&&*name);
        if path.is_dir() && !skipped {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
}

fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    files(Path::new(folder), &mut found);
    found.retain(|path| path.extension().is_some_and(|ext| ext == "rs"));
    let source = |path: &PathBuf| Source {
        path: path.strip_prefix(folder).unwrap().to_string_lossy().into_owned(),
        text: fs::read_to_string(path).unwrap(),
    };
    found.iter().map(source).collect()
}

/// Whether the code names the path `name::`, as a whole word and from its root.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + name.len()..];
        let word = |c: char| c.is_alphanumeric() || c == '_';
        !before.is_some_and(|c| word(c) || c == ':') && after.starts_with("::")
            || code[..at].ends_with("use ") && !after.starts_with(word)
    })
}

/// The rooms that follow `crate::` in the code, also within `use crate::{…}`.
fn used_rooms(code: &str) -> Vec<&str> {
    let mut rooms = Vec::new();
    for path in ["crate::", "hold_slayer::"] {
        for (at, _) in code.match_indices(path) {
            let rest = &code[at + path.len()..];
            let word =
                |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
            match rest.strip_prefix('{') {
                None => rooms.push(&rest[..word(rest)]),
                Some(group) => {
                    let mut depth = 0;
                    let mut start = true;
                    for (i, c) in group.char_indices() {
                        match c {
                            '{' => depth += 1,
                            '}' if depth == 0 => break,
                            '}' => depth -= 1,
                            ',' if depth == 0 => start = true,
                            c if start && c.is_alphanumeric() => {
                                rooms.push(&group[i..i + word(&group[i..])]);
                                start = false;
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    rooms
}

fn row(room: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&room))
}

fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn rooms_use_only_rooms_below() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|source| source.path != "lib.rs" && !source.is_test()) {
        let Some(own) = row(source.room()) else {
            wrong.push(format!("src/{}: the room {} is not in LAYERS", source.path, source.room()));
            continue;
        };
        let code = source.code();
        for used in used_rooms(&code).into_iter().filter(|used| *used != source.room()) {
            if row(used).is_some_and(|row| row <= own) {
                wrong.push(format!("src/{}: {} may not use {used}", source.path, source.room()));
            }
        }
    }
    none(wrong);
}

#[test]
fn crates_are_used_by_their_owners_only() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let code = source.code();
        for (name, owners) in OWNERS {
            if names(&code, name) && !owners.iter().any(|owner| source.path.starts_with(owner)) {
                wrong.push(format!("src/{}: {name} belongs to {}", source.path, owners.join(", ")));
            }
        }
    }
    none(wrong);
}

#[test]
fn every_dependency_has_an_owner_and_says_why_it_is_there() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let mut wrong = Vec::new();
    let section = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    for line in section.lines().filter(|line| line.contains(" = ")) {
        let name = line.split(" = ").next().unwrap().replace('-', "_");
        let name = if name == "md_5" { "md5".to_owned() } else { name };
        if !OWNERS.iter().any(|(owned, _)| *owned == name) {
            wrong.push(format!("Cargo.toml: {name} is not in OWNERS"));
        }
        if !line.contains(" # ") {
            wrong.push(format!("Cargo.toml: {name} does not say why it is there"));
        }
    }
    none(wrong);
}

#[test]
fn pure_rooms_touch_nothing_outside() {
    let mut wrong = Vec::new();
    let inside = |path: &str, of: &[&str]| of.iter().any(|prefix| path.starts_with(prefix));
    for source in
        sources("src").iter().filter(|s| inside(&s.path, PURE) && !inside(&s.path, EDGES) && !s.is_test())
    {
        let code = source.code();
        for impure in IMPURE.iter().filter(|impure| code.contains(**impure)) {
            wrong.push(format!("src/{}: {impure} in a pure room", source.path));
        }
    }
    none(wrong);
}

#[test]
fn files_are_short_documented_and_well_named() {
    let mut wrong = Vec::new();
    for (folder, source) in
        ["src", "tests"].into_iter().flat_map(|f| sources(f).into_iter().map(move |s| (f, s)))
    {
        let path = format!("{folder}/{}", source.path);
        let own = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        if folder == "src" && own > LONGEST_FILE && !source.is_test() {
            wrong.push(format!("{path}: {own} lines without tests, allowed are {LONGEST_FILE}"));
        }
        if !source.text.starts_with("//! ") {
            wrong.push(format!("{path}: does not begin with a line that says what it is (//!)"));
        }
        let stem = Path::new(&source.path).file_stem().unwrap().to_string_lossy().into_owned();
        if EMPTY_NAMES.contains(&&*stem) || EMPTY_NAMES.contains(&source.room()) {
            wrong.push(format!("{path}: the name says nothing"));
        }
    }
    none(wrong);
}

#[test]
fn nothing_is_marked_unfinished_and_no_registry_is_named() {
    let mut found = Vec::new();
    files(Path::new("."), &mut found);
    let mut wrong = Vec::new();
    let texts = [
        "rs", "toml", "md", "sh", "py", "service", "rules", "conf", "html", "css", "js", "xml", "yaml", "yml",
    ];
    for path in found {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ext = path.extension().map(|ext| ext.to_string_lossy().into_owned()).unwrap_or_default();
        if ["orig", "rej"].contains(&&*ext) {
            wrong.push(format!("{}: left over from a merge", path.display()));
        }
        if name != "Makefile" && name != "run" && !texts.contains(&&*ext) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let word = |mark: &&&str| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == **mark);
            if let Some(mark) = MARKS.iter().find(word) {
                wrong.push(format!("{}:{}: {mark}", path.display(), number + 1));
            }
            if let Some(host) = REGISTRIES.iter().find(|host| line.contains(**host)) {
                wrong.push(format!("{}:{}: names {host}", path.display(), number + 1));
            }
        }
    }
    none(wrong);
}

#[test]
fn the_compiler_is_the_one_that_is_pinned() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let toolchain = fs::read_to_string("rust-toolchain.toml").unwrap();
    let quoted =
        |text: &str, key: &str| text.split(key).nth(1).unwrap().split('"').nth(1).unwrap().to_owned();
    assert_eq!(quoted(&toolchain, "channel"), format!("{}.0", quoted(&manifest, "rust-version")));
}

#[test]
fn the_readme_names_every_folder() {
    let readme = fs::read_to_string("README.md").unwrap();
    let mut wrong = Vec::new();
    for path in fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let ours = !name.starts_with('.') && !["target", "shared"].contains(&&*name);
        if ours && !readme.contains(&format!("`{name}/`")) {
            wrong.push(format!("README.md: does not say what {name}/ is"));
        }
    }
    none(wrong);
}

#[test]
fn the_reading_of_this_file_is_right() {
    assert_eq!(used_rooms("use crate::sip::{ua, x}; crate::dsp::f()"), ["sip", "dsp"]);
    assert_eq!(
        used_rooms("use crate::{call::{Record, Span}, units::Wall, clock};"),
        ["call", "units", "clock"]
    );
    assert!(
        names("use rsip::Method;", "rsip")
            && names("let x = rsip::y();", "rsip")
            && names("use toml;", "toml")
    );
    assert!(!names("mod my_rsip; my_rsip::x(); crate::rsip::y()", "rsip"));
}

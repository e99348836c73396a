//! The owner's own greeting: brought as a file, heard and deleted, by his page and by programs.

use crate::server::{self, Server, TOKEN};
use hold_slayer::listen::words::Language;
use hold_slayer::web::{Config, House};
use std::io::{Read, Write};

pub const MULTIPART: &str = "Content-Type: multipart/form-data; boundary=xyz\r\n";

pub fn send(server: &Server, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = server.connect();
    let head = format!("{head}Host: {}\r\nContent-Length: {}\r\n\r\n", server.addr(), body.len());
    stream.write_all(head.as_bytes()).unwrap();
    // It may be refused before it is whole.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
    let status = String::from_utf8_lossy(&bytes[..end]).split(' ').nth(1).and_then(|s| s.parse().ok());
    (status.unwrap_or(0), bytes.get(end + 4..).unwrap_or_default().to_vec())
}

pub fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let file = if *name == "file" { "; filename=\"hello.wav\"" } else { "" };
        let head = format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend_from_slice(b"--xyz--\r\n");
    body
}

/// A tone with half a second of silence on each side.
fn wav(rate: u32, channels: u16, seconds: f32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: format };
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    let (quiet, loud) = (rate / 2, (rate as f32 * seconds) as u32);
    for n in 0..quiet + loud + quiet {
        let tone = (n as f32 / rate as f32 * 500.0 * std::f32::consts::TAU).sin() * 9_000.0;
        let sample = if (quiet..quiet + loud).contains(&n) { tone as i16 } else { 0 };
        (0..channels).for_each(|_| writer.write_sample(sample).unwrap());
    }
    writer.finalize().unwrap();
    file.into_inner()
}

fn bring(server: &Server, token: &str, file: &[u8]) -> (u16, String) {
    let head = format!("POST /api/v1/greeting HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{MULTIPART}");
    let (status, words) = send(server, &head, &form(&[("file", file)]));
    (status, String::from_utf8_lossy(&words).into_owned())
}

#[test]
fn programs_bring_hear_and_delete_it() {
    let server = Server::new();
    let state = || server.ask("/api/v1/greeting").json();
    assert_eq!(state()["recorded"], false);
    assert_eq!(server.ask("/api/v1/greeting/sound").status, 404);
    for (rate, channels) in [(8_000, 1), (16_000, 1), (44_100, 1), (48_000, 2)] {
        let (status, words) = bring(&server, TOKEN, &wav(rate, channels, 3.0));
        assert_eq!(status, 200, "{rate}: {words}");
        let length = state()["length_ms"].as_u64().unwrap();
        assert!((3_000..3_200).contains(&length), "{rate}: {length} ms");
    }
    let head = format!("GET /api/v1/greeting/sound HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
    let (status, sound) = send(&server, &head, b"");
    let heard = hound::WavReader::new(sound.as_slice()).unwrap();
    assert_eq!((status, heard.spec().sample_rate, heard.spec().channels), (200, 8_000, 1));
    let peak = heard.into_samples::<i16>().map(|s| s.unwrap().unsigned_abs()).max().unwrap();
    assert!((3_300..4_000).contains(&peak), "at the level of a handset: {peak}");
    assert_eq!(server.order("/api/v1/greeting/remove", TOKEN, "").status, 200);
    assert_eq!(state()["recorded"], false);
}

#[test]
fn what_cannot_be_a_greeting_is_refused_and_changes_nothing() {
    let server = Server::new();
    assert_eq!(bring(&server, TOKEN, &wav(8_000, 1, 2.0)).0, 200);
    let before = server.store.as_ref().unwrap().greeting().unwrap();
    let mut loud_is_short = wav(8_000, 1, 0.5);
    let cases: [(&[u8], &str); 6] = [
        (b"", "choose a WAV file"),
        (b"hello", "no WAV file"),
        (&wav(8_000, 1, 0.0), "nothing can be heard"),
        (&loud_is_short, "must be 1 to 8 s"),
        (&wav(16_000, 1, 9.0), "must be 1 to 8 s"),
        (&wav(8_000, 2, 12.0), "longer than 12 s"),
    ];
    for (file, why) in cases {
        let (status, words) = bring(&server, TOKEN, file);
        assert!(
            status == 409 && words.contains(why) && words.contains("stays as it was"),
            "{status} {words}"
        );
    }
    loud_is_short.resize(4 * 1024 * 1024 + 5_000, 0);
    assert_eq!(bring(&server, TOKEN, &loud_is_short).0, 413);
    let head = format!("POST /api/v1/greeting HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
    assert_eq!(send(&server, &format!("{head}{MULTIPART}"), &form(&[("other", b"x")])).0, 400);
    assert_eq!(send(&server, &format!("{head}Content-Type: application/json\r\n"), b"{}").0, 415);
    assert_eq!(server.store.as_ref().unwrap().greeting().unwrap(), before);
}

#[test]
fn only_who_may_change_settings_brings_or_hears_one() {
    let server = Server::new();
    let (cookie, csrf) = server.log_in();
    let token = |scopes: &str| {
        let made = server.post("/access", &cookie, "", &format!("csrf={csrf}&name=t{scopes}"));
        made.text.split("code class=\"token\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    let others = token("&scope=read&scope=calls&scope=recordings&scope=backup");
    let settings = token("&scope=settings");
    let (small, large) = (wav(8_000, 1, 2.0), wav(48_000, 2, 2.0));
    for file in [&small, &large] {
        assert_eq!(bring(&server, "hs_wrong", file).0, 401);
        // The gate turns the large one away before it is read.
        assert!(matches!(bring(&server, &others, file).0, 401 | 403));
        assert_eq!(bring(&server, &settings, file).0, 200);
    }
    for path in ["/api/v1/greeting", "/api/v1/greeting/sound"] {
        let asked = |token: &str| {
            let head = format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n");
            send(&server, &head, b"").0
        };
        assert_eq!((asked(&others), asked(&settings)), (403, 200), "{path}");
    }
}

#[test]
fn the_words_shown_are_those_that_are_spoken() {
    let house = server::config().house;
    let german = Config { house: House { speech: Some(Language::German), ..house }, ..server::config() };
    for (server, words) in [(Server::new(), "Hello"), (Server::with(german), "Guten Tag!")] {
        let (cookie, _) = server.log_in();
        let page = server.get("/greeting", &cookie).text;
        assert!(page.contains(words), "{page}");
    }
}

#[test]
fn the_owner_brings_hears_and_deletes_it_on_the_page() {
    let server = Server::new();
    let (cookie, csrf) = server.log_in();
    assert!(server.get("/settings", &cookie).text.contains("href=\"/greeting\""));
    let page = server.get("/greeting", &cookie).text;
    assert!(page.contains("In the box's own words") && page.contains("*48"), "{page}");
    assert!(!server.get("/privacy", &cookie).text.contains("Delete your greeting"));
    let bring = |csrf: &str, file: &[u8]| {
        let head = format!("POST /greeting HTTP/1.1\r\nCookie: {cookie}\r\n{MULTIPART}");
        let (status, words) = send(&server, &head, &form(&[("csrf", csrf.as_bytes()), ("file", file)]));
        (status, String::from_utf8_lossy(&words).into_owned())
    };
    assert_eq!(bring("", &wav(16_000, 2, 4.0)).0, 403, "our form only");
    let (status, words) = bring(&csrf, b"hello");
    assert!(status == 409 && words.contains("no WAV file"), "{words}");
    assert_eq!(bring(&csrf, &wav(16_000, 2, 4.0)).0, 303);
    let page = server.get("/greeting", &cookie).text;
    assert!(page.contains("4.1 seconds") && page.contains("src=\"/greeting/sound.wav\""), "{page}");
    let (status, sound) =
        send(&server, &format!("GET /greeting/sound.wav HTTP/1.1\r\nCookie: {cookie}\r\n"), b"");
    assert!(status == 200 && sound.starts_with(b"RIFF"));
    // Deleting the history leaves it, and says so; it has a button of its own.
    let purge = |what: &str| server.post("/privacy", &cookie, "", &format!("csrf={csrf}&purge={what}"));
    assert!(purge("history").text.contains("your own greeting is not"));
    assert!(server.get("/privacy", &cookie).text.contains("Delete your greeting"));
    assert_eq!(purge("greeting").status, 200);
    assert!(server.get("/greeting", &cookie).text.contains("In the box's own words"));
    assert_eq!(bring(&csrf, &wav(16_000, 2, 4.0)).0, 303);
    assert_eq!(server.post("/greeting/remove", &cookie, "", &format!("csrf={csrf}")).status, 303);
    assert_eq!(server.store.as_ref().unwrap().greeting().unwrap(), None);
}

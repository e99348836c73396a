//! Text spoken by another machine, and by the program on the box while that fails.

use super::stand_in::{Say, StandIn, answers};
use hold_slayer::assist::speak;
use hold_slayer::config::{self, Config};
use hold_slayer::limits::HTTP_SOUND_BYTES;
use hold_slayer::speech::{Choice, Config as Names, Program, Voice};
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn config(there: &StandIn) -> Config {
    let url = there.url("/v1");
    let text = format!("[speech]\nurl = \"{url}\"\nkey = \"k3y\"\nmodel = \"kokoro\"\nvoice = \"af_sky\"\n");
    config::parse(&text, "t.toml", &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
}

/// A tone of so many seconds as a WAV file: what the machine says, 1 kHz apart from what the program does.
fn wav(seconds: u32, hz: f32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels: 1, sample_rate: 24_000, bits_per_sample: 16, sample_format };
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for n in 0..seconds * 24_000 {
        let turns = n as f32 / 24_000.0 * hz * core::f32::consts::TAU;
        writer.write_sample((turns.sin() * 8_000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

fn sound(body: &[u8]) -> Say {
    let mut bytes = Vec::new();
    write!(bytes, "HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nContent-Length: {}\r\n\r\n", body.len())
        .unwrap();
    bytes.extend_from_slice(body);
    Say::Bytes(bytes)
}

/// A folder for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hold-slayer-speaker-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A program that says a second of its own.
    fn program(&self) -> Program {
        let (file, path) = (self.0.join("own.wav"), self.0.join("speaker"));
        fs::write(&file, wav(1, 400.0)).unwrap();
        fs::write(&path, format!("#!/bin/sh\nexec cat {}\n", file.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let names = Names { program: Choice::At(path), language: "en", ..Names::default() };
        Program::find(&names).unwrap().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn voice(there: &StandIn, program: Option<Program>, data: &Path) -> Voice {
    let (service, name) = config(there).speech.elsewhere.unwrap();
    // What is silent is not waited for as long as the box does.
    let service = hold_slayer::assist::Service { limit: std::time::Duration::from_secs(1), ..service };
    Voice::new(program, Some(speak::voice(service, name).unwrap()), data).unwrap()
}

#[test]
fn a_text_is_spoken_by_the_machine_as_it_is_asked_to_and_once() {
    let folder = Folder::new("good");
    let mut endless = wav(2, 1_400.0);
    // OpenAI's machine does not know the length beforehand.
    endless[4..8].fill(0xFF);
    endless[40..44].fill(0xFF);
    for (name, body) in [("plain", wav(2, 1_400.0)), ("endless", endless)] {
        let there = answers(&[sound(&body), Say::Whole(500, String::new())]);
        let voice = voice(&there, Some(folder.program()), &folder.0.join(name));
        let said = voice.say("Example Energy").unwrap();
        assert_eq!(said.instead, None);
        assert!((15_500..=16_000).contains(&said.sound.len()), "{name}: {}", said.sound.len());
        let seen = there.next();
        assert!(seen.head.starts_with("POST /v1/audio/speech "), "{}", seen.head);
        assert_eq!(seen.field("authorization"), Some("Bearer k3y"));
        let asked = serde_json::json!({
            "model": "kokoro", "input": "Example Energy", "voice": "af_sky", "response_format": "wav"
        });
        assert_eq!(seen.json(), asked);
        assert_eq!(voice.say("Example Energy").unwrap().sound, said.sound, "it is kept");
        assert!(there.seen.try_recv().is_err());
    }
}

#[test]
fn what_is_slow_broken_too_large_or_no_sound_is_spoken_by_the_program_which_says_so() {
    let wrong = [
        (Say::Silence, "did not answer within"),
        (Say::Drip, "did not answer within"),
        (Say::Flood, "answers far too much"),
        (sound(&vec![0; HTTP_SOUND_BYTES + 1]), "answers far too much"),
        (sound(b"{\"error\": \"no such voice\"}"), "no WAV file"),
        (sound(&wav(2, 400.0)[..30]), "no WAV file"),
        (sound(&wav(20, 400.0)), "takes longer than"),
        (sound(&[&wav(1, 0.0)[..44], &[0; 48_000]].concat()), "gave silence"),
        (Say::Bytes(b"nonsense".to_vec()), "does not answer as HTTP should"),
        (Say::Whole(401, "k3y".into()), "refuses the key"),
        (Say::Fields(302, "Location: /x"), "sends elsewhere"),
    ];
    for (n, (say, why)) in wrong.into_iter().enumerate() {
        let folder = Folder::new(&format!("bad{n}"));
        let there = answers(std::slice::from_ref(&say));
        let voice = voice(&there, Some(folder.program()), &folder.0);
        let said = voice.say("Example Energy").unwrap();
        let told = said.instead.unwrap_or_default();
        assert!(told.contains(why) && !told.contains("k3y"), "{why}: {told}");
        assert!((7_500..=8_000).contains(&said.sound.len()), "the program's second: {}", said.sound.len());
        // It is left alone for a while: the next text comes at once.
        assert_eq!(voice.say("Another text").unwrap().instead.as_deref(), Some(&*told));
        assert!(there.seen.try_iter().count() <= 1, "{why}");
    }
}

#[test]
fn without_a_program_either_the_text_is_not_spoken_and_that_is_told() {
    let folder = Folder::new("alone");
    let there = answers(&[Say::Whole(503, String::new())]);
    let told = voice(&there, None, &folder.0).say("Example Energy").unwrap_err();
    assert!(told.contains("an error (503)"), "{told}");
    assert!(Voice::new(None, None, &folder.0).is_none());
    let leaves = config(&there).leaves();
    assert!(leaves.len() == 1 && leaves[0].contains(&there.addr.to_string()), "{leaves:?}");
}

//! A tool of `model/`, run by hand: what is heard in a folder of composed calls, for measuring.

use hold_slayer::listen::ear::Ear;
use hold_slayer::listen::voice::Voice;
use hold_slayer::listen::words::Language;
use hold_slayer::listen::words::network::{Files, Recogniser};
use hold_slayer::listen::{Heard, Input, Listener, Settings};
use hold_slayer::units::{Frame, Tick};
use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;

pub fn folder() -> Vec<PathBuf> {
    let dir = std::env::var("LISTEN_DIR").expect("LISTEN_DIR names a folder of WAV files");
    let mut found: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|p| p.extension().is_some_and(|e| e == "wav"));
    found.sort();
    found
}

pub fn frames(path: &std::path::Path) -> Vec<Frame> {
    let samples: Vec<i16> =
        hound::WavReader::open(path).unwrap().into_samples().map(Result::unwrap).collect();
    samples.as_chunks::<160>().0.iter().map(|c| Frame(*c)).collect()
}

/// Writes beside each file what the verdict weighed, a line every 100 ms, for `model/weigh.py`.
#[test]
#[ignore = "a tool of model/"]
fn weighed() {
    for path in folder() {
        let mut listener = Listener::new(Settings { eagerness: 0.0, ..Settings::default() });
        let mut out = std::io::BufWriter::new(std::fs::File::create(path.with_extension("weighed")).unwrap());
        for (n, frame) in frames(&path).iter().enumerate() {
            listener.handle(Input::Frame(Tick(n as u64), frame));
            while listener.poll().is_some() {}
            if n % 5 == 0
                && let Some(e) = listener.insight().evidence
            {
                let seconds = |frames: u64| frames as f32 * 0.02;
                let distance = e.distance.unwrap_or(-1.0);
                let (novel, span, pause) = (seconds(e.novel), seconds(e.span), seconds(e.pause));
                let flags = [e.ringback, e.music, e.another].map(u8::from);
                let sum = hold_slayer::listen::evidence::sum(&e);
                writeln!(
                    out,
                    "{} {novel} {span} {pause} {distance} {} {} {} {} {} {} {sum}",
                    n as f32 * 0.02,
                    e.over_music,
                    e.sure,
                    e.live,
                    flags[0],
                    flags[1],
                    flags[2]
                )
                .unwrap();
            }
        }
    }
}

/// Writes beside each file what its voices are like, a line for each 1.5 s of active speech, for `model/voices.py`.
#[test]
#[ignore = "a tool of model/"]
fn voices() {
    for path in folder() {
        let truth = std::fs::read_to_string(path.with_extension("json")).unwrap();
        let truth: serde_json::Value = serde_json::from_str(&truth).unwrap();
        let mut out = std::io::BufWriter::new(std::fs::File::create(path.with_extension("voices")).unwrap());
        let sound = frames(&path);
        let mut ear = Ear::default();
        let moments: Vec<_> = sound.iter().enumerate().map(|(n, f)| ear.hear(Tick(n as u64), f)).collect();
        for (k, s) in truth["segments"].as_array().unwrap().iter().enumerate() {
            if !["speech", "announcement", "agent"].contains(&s[2].as_str().unwrap()) {
                continue;
            }
            let tick = |v: &serde_json::Value| ((v.as_f64().unwrap() * 50.0) as usize).min(moments.len());
            let mut voice = Voice::default();
            let mut active = 0;
            for m in moments[tick(&s[0])..tick(&s[1])].iter().filter(|m| m.active) {
                voice.add(&m.look);
                active += 1;
                if active == 75 {
                    let (shape, spread, pitch) = voice.traits();
                    let numbers: Vec<_> = shape.iter().chain(&spread).map(|x| format!("{x:.2}")).collect();
                    let pitch = pitch.unwrap_or(-1.0);
                    writeln!(out, "{k} {} {pitch:.3} {}", s[3].as_str().unwrap(), numbers.join(" ")).unwrap();
                    (voice, active) = (Voice::default(), 0);
                }
            }
        }
    }
}

/// Where the agent speaks first and second, in frames, by the truth of `compose.py`.
fn agent(path: &std::path::Path) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let truth = std::fs::read_to_string(path.with_extension("json")).ok()?;
    let truth: serde_json::Value = serde_json::from_str(&truth).ok()?;
    let tick = |v: &serde_json::Value| (v.as_f64().unwrap_or(0.0) * 50.0) as usize;
    let mut spoken =
        truth["segments"].as_array()?.iter().filter(|s| s[2] == "agent").map(|s| tick(&s[0])..tick(&s[1]));
    Some((spoken.next()?, spoken.next()?))
}

/// Frames that the box's own greeting takes: 6.1 s.
const GREETING: usize = 306;
/// Frames that recognition takes: 0.4 s.
const LATE: usize = 20;

/// Writes beside each file everything that was heard in it, a line each; with `WORDS`, the folder of a speech model, also
/// what was said.
#[test]
#[ignore = "a tool of model/"]
fn events() {
    let eagerness = std::env::var("EAGERNESS").ok().and_then(|e| e.parse().ok()).unwrap_or(0.5);
    let greets = std::env::var("GREETS").is_ok();
    let model = std::env::var_os("WORDS").map(|folder| Files::open(folder.as_ref()).unwrap());
    let mut recogniser = model.as_ref().map(|files| Recogniser::new(files).unwrap());
    for path in folder() {
        eprintln!("FILE {}", path.display());
        let words = model.as_ref().map(|_| Language::English);
        let mut listener = Listener::new(Settings { eagerness, words, ..Settings::default() });
        let mut late = VecDeque::new();
        let mut out = std::io::BufWriter::new(std::fs::File::create(path.with_extension("heard")).unwrap());
        // The box that greets at once: 100 ms after a perhaps, as long as it really does. A recording goes on; the agent stops
        // half a second later, and gives the second answer when the greeting is over.
        let mut greeting = 0_usize;
        let (mut sound, agent) = (frames(&path), agent(&path));
        for n in 0..sound.len() {
            if greeting == GREETING
                && greets
                && let Some((first, second)) = &agent
                && (first.start..first.end + 50).contains(&n)
                && let Some(answer) = sound.get(second.clone()).map(<[Frame]>::to_vec)
            {
                let quiet = *sound.last().unwrap();
                sound.truncate(first.end.min(n + 25));
                sound.resize(n + GREETING + 25, quiet);
                sound.extend(answer);
                sound.extend([quiet; 300]);
            }
            let Some(frame) = sound.get(n) else { break };
            listener.handle(Input::Frame(Tick(n as u64), frame));
            if let Some((segment, recogniser)) = listener.segment().zip(recogniser.as_mut()) {
                late.push_back((
                    n + LATE,
                    recogniser.hear(&segment.samples, Language::English).unwrap(),
                    segment,
                ));
            }
            while let Some((_, said, segment)) = late.pop_front_if(|(at, ..)| *at <= n) {
                if let Some(said) = &said {
                    listener.handle(Input::Words { from: segment.from, to: segment.to, said });
                }
            }
            greeting = greeting.saturating_sub(1);
            match greeting {
                GREETING => listener.handle(Input::Speaking(true)),
                1 => listener.handle(Input::Speaking(false)),
                _ => {}
            }
            while let Some(heard) = listener.poll() {
                if greets && matches!(heard, Heard::Perhaps { .. }) && greeting == 0 {
                    greeting = GREETING + 5;
                }
                let (now, line) = (
                    n * 20,
                    match heard {
                        Heard::Sound { at, sound, confidence } => {
                            format!(
                                "sound {} {} {confidence:.2}",
                                at.as_millis(),
                                format!("{sound:?}").to_lowercase()
                            )
                        }
                        Heard::Perhaps { at, confidence, reason } => {
                            format!("perhaps {} {confidence:.2} {reason}", at.as_millis())
                        }
                        Heard::Person { at, confidence, reason } => {
                            format!("person {} {confidence:.2} {reason}", at.as_millis())
                        }
                        Heard::Recording { at, reason } => format!("recording {} {reason}", at.as_millis()),
                        Heard::Weighs { .. } => continue,
                        Heard::Words { at, text } => format!("words {} {text}", at.as_millis()),
                    },
                );
                writeln!(out, "{now} {line}").unwrap();
            }
        }
    }
}

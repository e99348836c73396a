//! Tools for `model/dsp`, run by hand: what the ear computes from a folder of files, for training and measuring.

use hold_slayer::listen::ear::Ear;
use hold_slayer::listen::{Heard, Input, Listener, Settings};
use hold_slayer::units::{Frame, Tick};
use std::io::Write;
use std::path::PathBuf;

fn folder() -> Vec<PathBuf> {
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

/// Writes beside each file its features every 100 ms, as little-endian f32.
#[test]
#[ignore = "a tool of model/dsp"]
fn dump() {
    for path in folder() {
        let mut ear = Ear::default();
        let mut out = std::io::BufWriter::new(std::fs::File::create(path.with_extension("feat")).unwrap());
        for (n, frame) in frames(&path).iter().enumerate() {
            ear.hear(Tick(n as u64), frame);
            if n % 5 == 4 {
                for x in ear.features() {
                    out.write_all(&x.to_le_bytes()).unwrap();
                }
            }
        }
    }
}

/// Writes beside each file everything that was heard in it, a line each.
#[test]
#[ignore = "a tool of model/dsp"]
fn events() {
    let eagerness = std::env::var("EAGERNESS").ok().and_then(|e| e.parse().ok()).unwrap_or(0.5);
    for path in folder() {
        eprintln!("FILE {}", path.display());
        let mut listener = Listener::new(Settings { eagerness });
        let mut out = std::io::BufWriter::new(std::fs::File::create(path.with_extension("heard")).unwrap());
        for (n, frame) in frames(&path).iter().enumerate() {
            listener.handle(Input::Frame(Tick(n as u64), frame));
            while let Some(heard) = listener.poll() {
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
                    },
                );
                writeln!(out, "{now} {line}").unwrap();
            }
        }
    }
}

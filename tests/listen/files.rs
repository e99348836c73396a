//! `hold-slayer listen`: formats, errors, lines, and that it is the listener of `run`.

use hold_slayer::listen::file::Error;
use hold_slayer::listen::{Form, file, picture};
use std::path::PathBuf;

/// A WAV file of its own for each test, gone afterwards.
struct Wav(PathBuf);

impl Wav {
    fn new(name: &str, spec: hound::WavSpec, samples: &[i16]) -> Self {
        let path = std::env::temp_dir().join(format!("hold-slayer-{}-{name}.wav", std::process::id()));
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        for &s in samples {
            if spec.bits_per_sample == 8 {
                writer.write_sample((s >> 8) as i8).unwrap()
            } else {
                writer.write_sample(s).unwrap()
            }
        }
        writer.finalize().unwrap();
        Self(path)
    }
}

impl Drop for Wav {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn spec(sample_rate: u32, channels: u16, bits_per_sample: u16) -> hound::WavSpec {
    hound::WavSpec { channels, sample_rate, bits_per_sample, sample_format: hound::SampleFormat::Int }
}

fn listen(path: &std::path::Path, json: bool) -> Result<String, Error> {
    let mut out = Vec::new();
    file(path, if json { Form::Json } else { Form::Readable }, None, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// German ringback, 1 s on and 4 s off.
fn ringing() -> Vec<i16> {
    let tone = |i: usize| (f32::sin(i as f32 * 425.0 * std::f32::consts::TAU / 8000.0) * 3000.0) as i16;
    (0..8000 * 12).map(|i| if i / 8000 % 5 == 1 { tone(i) } else { 0 }).collect()
}

#[test]
fn json_lines_are_as_documented() {
    let wav = Wav::new("ringing", spec(8000, 1, 16), &ringing());
    let text = listen(&wav.0, true).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[0]["event"], "sound");
    assert_eq!(lines[0]["sound"], "silence");
    let ringback = lines.iter().find(|l| l["sound"] == "ringback").expect("ringback is heard");
    let at = ringback["at_ms"].as_u64().unwrap();
    assert!((960..=1_080).contains(&at), "begins at 1 s, was {at}");
    assert!(ringback["confidence"].as_f64().unwrap() > 0.5);
    assert!(lines.iter().all(|l| l["event"] != "person"));
    assert!(listen(&wav.0, false).unwrap().contains("ringback"));
}

#[test]
fn other_formats_are_refused_with_the_way_out() {
    for (rate, channels, bits) in [(16_000, 1, 16), (8_000, 2, 16), (8_000, 1, 8), (44_100, 2, 16)] {
        let wav = Wav::new(&format!("bad-{rate}-{channels}-{bits}"), spec(rate, channels, bits), &[0; 800]);
        let Err(error @ Error::Format { .. }) = listen(&wav.0, true) else {
            panic!("{rate} {channels} {bits}")
        };
        let text = error.to_string();
        assert!(text.contains(&format!("{rate} Hz")) && text.contains("sox"), "{text}");
        assert!(text.contains("8000 Hz mono 16-bit"), "{text}");
    }
}

#[test]
fn what_is_no_wav_file_is_named() {
    let path = std::env::temp_dir().join(format!("hold-slayer-{}-text.wav", std::process::id()));
    std::fs::write(&path, "not sound at all").unwrap();
    let text = listen(&path, true).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(text.contains("not a WAV file") && text.contains("sox"), "{text}");
    let text = listen(std::path::Path::new("/nonexistent/call.wav"), true).unwrap_err().to_string();
    assert!(text.contains("/nonexistent/call.wav"), "{text}");
}

#[test]
fn an_empty_and_a_cut_file_are_heard_to_their_end() {
    let wav = Wav::new("empty", spec(8000, 1, 16), &[]);
    assert_eq!(listen(&wav.0, true).unwrap(), "");
    let wav = Wav::new("short", spec(8000, 1, 16), &[100; 250]);
    listen(&wav.0, true).unwrap();
    let wav = Wav::new("cut", spec(8000, 1, 16), &ringing());
    let bytes = std::fs::read(&wav.0).unwrap();
    std::fs::write(&wav.0, &bytes[..bytes.len() / 2 + 1]).unwrap();
    let mut out = Vec::new();
    let text = file(&wav.0, Form::Json, None, &mut out).unwrap_err().to_string();
    assert!(text.contains("damaged"), "{text}");
    assert!(String::from_utf8(out).unwrap().contains("ringback"), "what came before is told");
}

/// Hold music, then a voice that has something to say and waits.
fn hold() -> Vec<i16> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listen/sound");
    let piece = |name: &str| {
        let bytes = std::fs::read(format!("{folder}/{name}.ul")).unwrap();
        bytes.into_iter().map(audio_codec_algorithms::decode_ulaw).collect::<Vec<i16>>()
    };
    [piece("music-0"), piece("agent-human-0"), vec![0; 20_000]].concat()
}

#[test]
fn reasons_and_their_weights_are_told_and_drawn() {
    let wav = Wav::new("explained", spec(8000, 1, 16), &hold());
    let mut out = Vec::new();
    file(&wav.0, Form::Explained, None, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let weighed: Vec<_> = text.lines().skip(1).filter(|l| l.contains("weighs")).collect();
    assert!(weighed.len() >= 2 && weighed.iter().all(|l| l.contains("prior -0.8")), "{text}");
    assert!(text.contains("PERSON") && text.contains("the line waits (+"), "{text}");
    assert!(text.starts_with("What weighs for a person") && text.contains("the phone rings"), "{text}");
    let told = listen(&wav.0, true).unwrap();
    let times: Vec<u64> = told
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["at_ms"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{told}");
    assert!(told.contains("\"perhaps\"") && told.contains("\"person\""), "{told}");
    let svg = picture(&wav.0).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert!(svg.contains(">perhaps<") && svg.contains("rings above"), "conclusions and evidence are drawn");
    assert!(!svg.contains("NaN") && svg.len() < 1_500_000, "{}", svg.len());
}

#[test]
fn a_long_sound_is_drawn_no_wider() {
    let long: Vec<i16> = hold().iter().cycle().take(8000 * 120).copied().collect();
    let wav = Wav::new("long", spec(8000, 1, 16), &long);
    let svg = picture(&wav.0).unwrap();
    assert!(svg.contains(">2:00<") || svg.contains(">1:50<"), "the time line goes on to the end");
    assert!(svg.len() < 1_500_000, "{}", svg.len());
}

//! Every country's tones at every level, with noise, drift, cadence error and the codecs of the network, through the whole
//! ear. `make tones` tries the whole grid, `make test` a seeded part of it.

use super::country::{COUNTRIES, KEYS, Kind, LEAD, Line, Noise, Span, Tone, sound};
use hold_slayer::listen::Sound;
use hold_slayer::listen::ear::Ear;
use hold_slayer::listen::spectrum::Spectrum;
use hold_slayer::listen::tones::Tones;
use hold_slayer::units::{Frame, Tick};

/// What carries the tone between two exchanges; AMR at 12.2 and at 4.75 kbit/s.
pub const CODECS: [&str; 6] = ["linear", "µ-law", "A-law", "gsm", "amr-nb -C 7", "amr-nb"];
/// Austria's call waiting is 40 ms of tone: too short to tell from a click. It is sent to whoever talks already, never to who
/// called.
pub const NOT_TOLD: [&str; 1] = ["AT waiting"];
/// Of a thousand tones this many may fail: mobile codecs bend the highest tones, and take a steady one for noise.
const FAIL: [usize; 6] = [1, 1, 1, 10, 10, 10];

/// Every line that a tone must survive: 135.
fn lines() -> Vec<Line> {
    let mut all = Vec::new();
    for level in [-40.0, -30.0, -20.0, -10.0, 0.0] {
        for snr in [40.0, 20.0, 10.0] {
            for drift in [0.985, 1.0, 1.015] {
                for stretch in [0.85, 1.0, 1.15] {
                    all.push(Line { level, snr, drift, stretch });
                }
            }
        }
    }
    all
}

/// The sound of the ear through the samples, one a frame.
fn hear(samples: &[i16]) -> Vec<Sound> {
    let mut ear = Ear::default();
    let frames = samples.as_chunks::<160>().0;
    frames.iter().enumerate().map(|(n, c)| ear.hear(Tick(n as u64), &Frame(*c)).sound).collect()
}

/// The same of the tones alone, which tell one key from the next.
fn states(samples: &[i16]) -> Vec<Option<Sound>> {
    let (mut spectrum, mut tones) = (Spectrum::default(), Tones::default());
    let hear = |(n, c): (usize, &[i16; 160])| {
        let look = spectrum.look(&Frame(*c));
        tones.hear(Tick(n as u64), &look, spectrum.recent()).map(|(sound, _)| sound)
    };
    samples.as_chunks::<160>().0.iter().enumerate().map(hear).collect()
}

pub fn is_tone(sound: Sound) -> bool {
    matches!(sound, Sound::Ringback | Sound::Busy | Sound::Tone | Sound::Dtmf)
}

/// What is wrong with what was heard of a tone, if anything.
pub fn wrong(tone: &Tone, stretch: f32, spans: &[Span], heard: &[Sound]) -> Option<String> {
    let frame = |s: f32| ((s * 50.0) as usize).min(heard.len());
    let ms = |n: usize| tone.bursts.iter().take(n).map(|b| f32::from(b.1) * 1e-3).sum::<f32>() * stretch;
    let cadence = ms(tone.bursts.len());
    let end = heard.len() as f32 / 50.0;
    let within = |from: f32, to: f32, what: Sound| {
        heard[frame(from)..frame(to)].iter().filter(|s| **s == what).count()
    };
    let steady = |from: f32, what: Sound| {
        let (n, all) = (within(from, end, what), frame(end) - frame(from));
        (n * 10 < all * 9).then(|| format!("{what:?} in {n} of {all} frames after {from:.1} s"))
    };
    let never = |from: f32, what: &[Sound]| {
        let at = heard.iter().skip(frame(from)).position(|s| what.contains(s))? + frame(from);
        Some(format!("{:?} at {:.2} s", heard[at], at as f32 / 50.0))
    };
    match tone.kind {
        // A ring is known when its first burst has lasted, or its second short one has ended.
        Kind::Ringback => {
            let known = if tone.bursts.len() > 2 { ms(3) + 1.1 } else { 1.0 };
            steady(LEAD + known, Sound::Ringback)
                .or_else(|| never(0.0, &[Sound::Busy, Sound::Dtmf]))
                .or_else(|| never(LEAD + known, &[Sound::Tone]))
        }
        // Busy is known at its third burst.
        Kind::Busy => steady(spans[2].0 + 0.3, Sound::Busy)
            .or_else(|| never(0.0, &[Sound::Ringback, Sound::Dtmf]))
            .or_else(|| never(spans[2].0 + 0.3, &[Sound::Tone])),
        // A steady tone may be a ring until it has lasted longer than any.
        Kind::Dial if spans.len() == 1 => {
            let long = if tone.bursts[0].0[0] < 400.0 { 0.6 } else { 3.1 };
            let other = if long < 1.0 { 0.0 } else { LEAD + long };
            steady(LEAD + long, Sound::Tone)
                .or_else(|| never(0.0, &[Sound::Busy, Sound::Dtmf]))
                .or_else(|| never(other, &[Sound::Ringback]))
        }
        // Each cadence is named, and nothing else is ever heard. A burst of 2.5 s may be a ring: the second names it.
        _ => {
            let lasting = tone.bursts[0].1 > 740 && tone.bursts[0].0[0] < 500.0;
            // A beep of a tenth of a second is told from a word at its second.
            let first = usize::from(lasting || tone.bursts[0].1 <= 100);
            let missed = (first..(end / cadence) as usize).find(|k| {
                let from = LEAD + *k as f32 * cadence;
                within(from, from + cadence.min(4.0), Sound::Tone) == 0
            });
            let after = if lasting { LEAD + cadence + 1.0 } else { 0.0 };
            missed
                .map(|k| format!("no tone in cadence {k}"))
                .or_else(|| never(0.0, &[Sound::Busy, Sound::Dtmf]))
                .or_else(|| never(after, &[Sound::Ringback]))
        }
    }
}

/// The same samples through an encoder of the network and back; `None` where `sox` does not know it.
fn through(codec: &str, samples: Vec<i16>) -> Option<Vec<i16>> {
    use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
    match codec {
        "linear" => Some(samples),
        "µ-law" => Some(samples.into_iter().map(|x| decode_ulaw(encode_ulaw(x))).collect()),
        "A-law" => Some(samples.into_iter().map(|x| decode_alaw(encode_alaw(x))).collect()),
        _ => sox(codec, &samples),
    }
}

fn sox(codec: &str, samples: &[i16]) -> Option<Vec<i16>> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let raw = "-t raw -r 8000 -c 1 -b 16 -e signed -";
    let (name, rate) = codec.split_once(' ').unwrap_or((codec, ""));
    let line = format!(
        "sox -D {raw} -t {name} {rate} - 2>/dev/null | sox -D -t {name} -r 8000 -c 1 - {raw} 2>/dev/null"
    );
    let mut sox =
        Command::new("sh").args(["-c", &line]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    let mut input = sox.stdin.take()?;
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = sox.wait_with_output().ok()?;
    let _ = writer.join();
    let mut back: Vec<i16> = output.stdout.as_chunks().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    if back.is_empty() {
        return None;
    }
    back.resize(samples.len(), 0);
    Some(back)
}

/// A tone on a line, as it arrives.
pub struct Try {
    pub line: Line,
    pub samples: Vec<i16>,
    pub spans: Vec<Span>,
}

/// The tone on the lines that `chosen` takes, through the codec; `None` where `sox` does not know it.
pub fn tries(tone: &Tone, codec: &str, mut chosen: impl FnMut() -> bool) -> Option<Vec<Try>> {
    let cadence: u32 = tone.bursts.iter().map(|b| u32::from(b.1)).sum();
    let cadences = if tone.bursts.len() == 1 { 1 } else { (6_000 / cadence).max(2) as usize };
    let name = tone.name.bytes().fold(0_u64, |n, b| n.wrapping_mul(31).wrapping_add(u64::from(b)));
    let make = |(n, line)| {
        let (samples, spans) = sound(tone.bursts, cadences, line, name.wrapping_add(n as u64));
        Try { line, samples, spans }
    };
    let mut made: Vec<Try> = lines().into_iter().enumerate().filter(|_| chosen()).map(make).collect();
    if made.is_empty() {
        return Some(made);
    }
    // One run of sox for all; the gaps let its encoder forget.
    const GAP: [i16; 1600] = [0; 1600];
    let all = made.iter().flat_map(|t| t.samples.iter().chain(&GAP).copied()).collect();
    let all = through(codec, all)?;
    let mut at = 0;
    for t in &mut made {
        let len = t.samples.len();
        t.samples.copy_from_slice(&all[at..at + len]);
        at += len + GAP.len();
    }
    Some(made)
}

/// Tries each tone with each codec on the lines that `chosen` takes, and prints which are not named.
fn grid(mut chosen: impl FnMut() -> bool) {
    let only = std::env::var("TONES").unwrap_or_default();
    let tones = || COUNTRIES.iter().filter(|t| t.name.contains(&only) && !NOT_TOLD.contains(&t.name));
    let mut worse = Vec::new();
    for (codec, most) in CODECS.into_iter().zip(FAIL) {
        let (mut failed, mut tried) = (Vec::new(), 0);
        for tone in tones() {
            let Some(tries) = tries(tone, codec, &mut chosen) else {
                println!("sox does not know {codec} here: not tried");
                break;
            };
            for t in tries {
                tried += 1;
                failed.extend(
                    wrong(tone, t.line.stretch, &t.spans, &hear(&t.samples))
                        .map(|why| format!("{} {codec} {:?}: {why}", tone.name, t.line)),
                );
            }
        }
        println!("{codec}: {} of {tried} failed", failed.len());
        if failed.len() * 1000 > tried * most {
            worse.append(&mut failed);
        }
    }
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}

#[test]
fn every_countrys_tones_are_named() {
    let mut dice = Noise(5);
    grid(|| dice.uniform() < 0.02);
}

#[test]
#[ignore = "the whole grid: `make tones`"]
fn every_countrys_tones_are_named_on_every_line() {
    let mut dice = Noise(11);
    let part: f32 = std::env::var("GRID").ok().and_then(|p| p.parse().ok()).unwrap_or(1.0);
    grid(|| dice.uniform() < part);
}

/// Presses of each key of 50 ms and more are counted, with noise, drift, level and codec.
fn keys(codecs: &[&str], mut chosen: impl FnMut() -> bool) {
    let (mut failed, mut tried) = (Vec::new(), 0);
    for codec in codecs {
        for (key, hz) in &KEYS {
            for (ms, gap) in [(50, 50), (80, 80), (200, 300)] {
                for line in lines().into_iter().filter(|l| l.stretch == 1.0) {
                    if !chosen() {
                        continue;
                    }
                    let (samples, _) =
                        sound(&[(hz.as_slice(), ms), (&[], gap)], 10, line, u64::from(*key as u32));
                    let Some(samples) = through(codec, samples) else {
                        println!("sox does not know {codec} here: not tried");
                        return;
                    };
                    let heard = states(&samples);
                    let presses =
                        heard.windows(2).filter(|w| w[0] != w[1] && w[1] == Some(Sound::Dtmf)).count();
                    tried += 1;
                    if presses != 10 {
                        failed.push(format!("{key} {ms} ms {codec} {line:?}: {presses} of 10"));
                    }
                }
            }
        }
    }
    println!("keys: {} of {tried} failed", failed.len());
    assert!(failed.len() * 1000 <= tried, "{} of {tried} failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn keys_are_heard_and_counted() {
    let mut dice = Noise(3);
    keys(&CODECS[..3], || dice.uniform() < 0.05);
}

#[test]
#[ignore = "the whole grid: `make tones`"]
fn keys_are_heard_and_counted_on_every_line() {
    keys(&CODECS[..3], || true);
}

/// Hours of the pool of `model/`, one piece after the other as in a call.
#[test]
#[ignore = "`make tones POOL=…`: needs the pool that model/ gathers"]
fn hours_of_speech_and_music_are_no_tones() {
    let Ok(pool) = std::env::var("POOL") else {
        println!("POOL is not set: not tried");
        return;
    };
    let mut folders: Vec<_> = ["music", "announcement", "live", "sung"]
        .iter()
        .filter_map(|c| std::fs::read_dir(format!("{pool}/{c}")).ok())
        .flatten()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    let (mut false_tones, mut hours) = (Vec::new(), 0.0);
    for folder in folders {
        let mut ear = Ear::default();
        let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        let (mut n, mut last) = (0, Sound::Silence);
        for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "wav")) {
            for (k, frame) in super::bench::frames(path).iter().enumerate() {
                let now = ear.hear(Tick(n), frame).sound;
                n += 1;
                if is_tone(now) && now != last {
                    false_tones.push(format!("{} at {:.2} s: {now:?}", path.display(), k as f32 / 50.0));
                }
                last = now;
            }
        }
        hours += n as f64 / 180_000.0;
    }
    println!("{hours:.2} h, {} false tones\n{}", false_tones.len(), false_tones.join("\n"));
    // A hummed vowel or a flute at 425 Hz remains: one in two hours of such sound.
    assert!(false_tones.len() as f64 <= hours / 2.0);
}

/// The pieces of sound that lie beside the tests.
fn pieces() -> Vec<(std::path::PathBuf, Vec<i16>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listen/sound");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "ul"));
    paths.sort();
    let read = |path: &std::path::PathBuf| std::fs::read(path).unwrap();
    let linear = |x| audio_codec_algorithms::decode_ulaw(x);
    paths.into_iter().map(|p| (p.clone(), read(&p).into_iter().map(linear).collect())).collect()
}

/// An agent's phone may ring as soon as the music stops, and no quiet lies between.
#[test]
fn ringing_on_the_heels_of_music_is_heard() {
    let ring: &[(&[f32], u16)] = &[(&[425.0], 1000), (&[], 4000)];
    let line = Line { level: -18.0, snr: 40.0, drift: 1.0, stretch: 1.0 };
    let (ring, _) = sound(ring, 1, line, 1);
    let ring = &ring[(LEAD * 8000.0) as usize..];
    for (path, music) in pieces().iter().filter(|(p, _)| p.to_string_lossy().contains("music")) {
        let heard = hear(&[&music[..], ring].concat());
        let began = music.len() / 160;
        assert!(heard[..began].iter().all(|s| !is_tone(*s)), "{}", path.display());
        let known = heard[began..].iter().position(|s| *s == Sound::Ringback);
        assert!(known.is_some_and(|frames| frames < 52), "{}: {known:?}", path.display());
    }
}

#[test]
fn speech_and_music_are_no_tones() {
    // One after the other, as in a call.
    let mut ear = Ear::default();
    let mut n = 0;
    for (path, samples) in pieces() {
        for c in samples.as_chunks::<160>().0 {
            let sound = ear.hear(Tick(n), &Frame(*c)).sound;
            n += 1;
            assert!(!is_tone(sound), "{} at {} ms: {sound:?}", path.display(), n * 20);
        }
    }
}

#[test]
fn noise_is_no_tone() {
    for level in [-50.0, -30.0, -10.0] {
        let line = Line { level, snr: 0.0, drift: 1.0, stretch: 1.0 };
        let (samples, _) = sound(&[(&[], 10_000)], 1, line, 1);
        assert!(!hear(&samples).into_iter().any(is_tone), "{level}");
    }
}

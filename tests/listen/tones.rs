//! Every country's tones at every level, with noise, drift and cadence error; ITU-T E.180 Supplement 2.

use hold_slayer::listen::Sound;
use hold_slayer::listen::ear::Ear;
use hold_slayer::listen::spectrum::Spectrum;
use hold_slayer::listen::tones::Tones;
use hold_slayer::units::{Frame, Tick};
use std::f32::consts::TAU;

/// On and off times, seconds; an off time of 0 is a steady tone.
type Cadence = &'static [(f32, f32)];

const RINGBACK: &[(&str, &[f32], Cadence)] = &[
    ("US", &[440.0, 480.0], &[(2.0, 4.0)]),
    ("UK", &[400.0, 450.0], &[(0.4, 0.2), (0.4, 2.0)]),
    ("DE", &[425.0], &[(1.0, 4.0)]),
    ("FR", &[440.0], &[(1.5, 3.5)]),
    ("ES", &[425.0], &[(1.5, 3.0)]),
    ("AT", &[420.0], &[(1.0, 5.0)]),
    ("BE", &[425.0], &[(1.0, 3.0)]),
    ("SE", &[425.0], &[(1.0, 5.0)]),
    ("AU", &[413.0, 438.0], &[(0.4, 0.2), (0.4, 2.0)]),
    ("JP", &[384.0, 400.0, 416.0], &[(1.0, 2.0)]),
];
const BUSY: &[(&str, &[f32], Cadence)] = &[
    ("US busy", &[480.0, 620.0], &[(0.5, 0.5)]),
    ("US congestion", &[480.0, 620.0], &[(0.25, 0.25)]),
    ("UK busy", &[400.0], &[(0.375, 0.375)]),
    ("UK congestion", &[400.0], &[(0.4, 0.35), (0.225, 0.525)]),
    ("DE busy", &[425.0], &[(0.48, 0.48)]),
    ("DE congestion", &[425.0], &[(0.24, 0.24)]),
    ("FR busy", &[440.0], &[(0.5, 0.5)]),
    ("IT congestion", &[425.0], &[(0.2, 0.2)]),
    ("ES congestion", &[425.0], &[(0.2, 0.2), (0.2, 0.2), (0.2, 0.6)]),
    ("AT busy", &[420.0], &[(0.4, 0.4)]),
    ("BE congestion", &[425.0], &[(0.167, 0.167)]),
    ("SE busy", &[425.0], &[(0.25, 0.25)]),
    ("SE congestion", &[425.0], &[(0.25, 0.75)]),
    ("AU busy", &[425.0], &[(0.375, 0.375)]),
    ("JP busy", &[400.0], &[(0.5, 0.5)]),
];
const TONE: &[(&str, &[f32], Cadence)] = &[
    ("US dial", &[350.0, 440.0], &[(9.0, 0.0)]),
    ("DE dial", &[425.0], &[(9.0, 0.0)]),
    ("FR dial", &[440.0], &[(9.0, 0.0)]),
    ("fax answer", &[2100.0], &[(3.0, 0.3)]),
    ("fax calling", &[1100.0], &[(0.5, 3.0)]),
    ("beep", &[1000.0], &[(0.6, 4.0)]),
    ("ES special", &[950.0], &[(0.33, 1.0)]),
];

/// Noise without a crate: Xorshift, summed to something bell-shaped.
pub struct Noise(pub u64);

impl Noise {
    pub fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn bell(&mut self) -> f32 {
        ((0..4).map(|_| self.uniform()).sum::<f32>() - 2.0) * 1.732
    }
}

/// Ten seconds of a cadence after half a second of the line's noise.
fn sound(hz: &[f32], cadence: Cadence, level: f32, snr: f32, drift: f32, stretch: f32) -> Vec<Frame> {
    // ITU-T G.711: a full-scale sine is 3.14 dBm0.
    #[allow(clippy::approx_constant)]
    let rms = 10f32.powf((level - 3.14) / 20.0) / 2f32.sqrt();
    let each = rms * (2.0 / hz.len() as f32).sqrt();
    let floor = rms * 10f32.powf(-snr / 20.0);
    let mut noise = Noise(42 + hz[0] as u64);
    let total: f32 = cadence.iter().map(|(on, off)| on + off).sum::<f32>() * stretch;
    let long = 10.5f32.max(0.5 + 3.0 * total);
    let samples: Vec<i16> = (0..(long * 8000.0) as usize)
        .map(|i| {
            let t = i as f32 / 8000.0;
            let mut phase = (t - 0.5).rem_euclid(total);
            let mut on = false;
            for (burst, pause) in cadence {
                on |= (0.0..burst * stretch).contains(&phase);
                phase -= (burst + pause) * stretch;
            }
            let tone: f32 = hz.iter().map(|f| (TAU * f * drift * t).sin() * each).sum();
            let x = if on && t >= 0.5 { tone } else { 0.0 } + noise.bell() * floor;
            (x.clamp(-1.0, 1.0) * 32767.0) as i16
        })
        .collect();
    samples.as_chunks::<160>().0.iter().map(|c| Frame(*c)).collect()
}

/// The states through the sound, one a frame.
fn states(frames: &[Frame]) -> Vec<Option<Sound>> {
    let (mut spectrum, mut tones) = (Spectrum::default(), Tones::default());
    let hear = |(n, frame): (usize, &Frame)| {
        let look = spectrum.look(frame);
        tones.hear(Tick(n as u64), &look, spectrum.recent()).map(|(sound, _)| sound)
    };
    frames.iter().enumerate().map(hear).collect()
}

#[test]
fn every_countrys_tones_are_named_at_every_level() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for (table, expected) in [(RINGBACK, Sound::Ringback), (BUSY, Sound::Busy), (TONE, Sound::Tone)] {
        for (name, hz, cadence) in table {
            for level in [-40.0, -30.0, -20.0, -10.0, 0.0] {
                for snr in [60.0, 20.0, 10.0] {
                    for (drift, stretch) in [(1.0, 1.0), (1.015, 0.87), (0.985, 1.13)] {
                        tried += 1;
                        let heard = states(&sound(hz, cadence, level, snr, drift, stretch));
                        let late = &heard[heard.len() / 2..];
                        let steady = cadence.iter().all(|(on, _)| *on < 0.7) && expected == Sound::Tone;
                        let named = late.iter().filter(|s| **s == Some(expected)).count();
                        let other = late.iter().any(|s| s.is_some() && *s != Some(expected));
                        // A beep with long pauses sounds only now and then; the others fill the time.
                        let enough = if steady || cadence.len() == 1 && cadence[0].1 > 1.0 {
                            5
                        } else {
                            late.len() * 3 / 4
                        };
                        if named < enough || other {
                            wrong.push(format!(
                                "{name} {level} dBm0, SNR {snr}, ×{drift}, {stretch}: {named}/{}",
                                late.len()
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.len() * 1000 <= tried, "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same samples through an encoder of the telephone network and back, by sox; `None` where it is not installed.
fn through(codec: &str, frames: &[Frame]) -> Option<Vec<Frame>> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let raw = "-t raw -r 8000 -c 1 -b 16 -e signed -";
    let line =
        format!("sox -D {raw} -t {codec} - 2>/dev/null | sox -D -t {codec} -r 8000 -c 1 - {raw} 2>/dev/null");
    let mut sox =
        Command::new("sh").args(["-c", &line]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let bytes: Vec<u8> = frames.iter().flat_map(|f| f.0).flat_map(i16::to_le_bytes).collect();
    let mut input = sox.stdin.take()?;
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = sox.wait_with_output().ok()?;
    let _ = writer.join();
    let samples: Vec<i16> = output.stdout.as_chunks().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
    (!samples.is_empty()).then(|| samples.as_chunks::<160>().0.iter().map(|c| Frame(*c)).collect())
}

#[test]
fn tones_survive_the_codecs_of_mobile_networks() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (table, expected) in [(RINGBACK, Sound::Ringback), (BUSY, Sound::Busy)] {
        for (name, hz, cadence) in table {
            for (codec, level) in [("gsm", -30.0), ("gsm", -12.0), ("amr-nb", -30.0), ("amr-nb", -12.0)] {
                let Some(frames) = through(codec, &sound(hz, cadence, level, 30.0, 1.0, 1.0)) else {
                    eprintln!("sox does not know {codec} here: not tried");
                    continue;
                };
                tried += 1;
                let heard = states(&frames);
                let late = &heard[heard.len() / 2..];
                let named = late.iter().filter(|s| **s == Some(expected)).count();
                let other = late.iter().any(|s| s.is_some() && *s != Some(expected));
                let enough = if cadence.len() == 1 && cadence[0].1 > 1.0 { 5 } else { late.len() * 3 / 4 };
                if named < enough || other {
                    wrong.push(format!("{name} {codec} {level} dBm0: {named}/{}", late.len()));
                }
            }
        }
    }
    assert!(wrong.len() * 1000 <= tried, "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn speech_and_music_are_no_tones() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/listen/sound");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "ul"));
    paths.sort();
    // One after the other, as in a call: a held note is told from a tone by the music around it.
    let mut ear = Ear::default();
    let mut n = 0;
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        let samples: Vec<i16> = bytes.into_iter().map(audio_codec_algorithms::decode_ulaw).collect();
        for c in samples.as_chunks::<160>().0 {
            let sound = ear.hear(Tick(n), &Frame(*c)).sound;
            n += 1;
            let tone = matches!(sound, Sound::Ringback | Sound::Busy | Sound::Tone | Sound::Dtmf);
            assert!(!tone, "{} at {} ms: {sound:?}", path.display(), n * 20);
        }
    }
}

#[test]
fn keys_are_heard_and_counted() {
    for (low, high) in [(697.0, 1209.0), (941.0, 1336.0), (852.0, 1477.0), (770.0, 1633.0)] {
        for level in [-30.0, -10.0] {
            let heard = states(&sound(&[low, high], &[(0.08, 0.4)], level, 20.0, 1.0, 1.0));
            let presses = heard.windows(2).filter(|w| w[0] != w[1] && w[1] == Some(Sound::Dtmf)).count();
            assert!((20..=22).contains(&presses), "{low}+{high} at {level}: {presses}");
        }
    }
}

#[test]
fn noise_is_no_tone() {
    for level in [-50.0, -30.0, -10.0] {
        let heard = states(&sound(&[440.0], &[(0.0, 10.0)], level, 0.0, 1.0, 1.0));
        assert!(heard.iter().all(Option::is_none), "{level}");
    }
}

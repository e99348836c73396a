//! Real sounds from files, and what is measured in sound that came over the line.

use hold_slayer::dsp::g711;
use hold_slayer::units::Codec;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

/// Samples of a second.
pub const SECOND: usize = 8000;

/// Hold music of the package `asterisk-moh-opsound-wav`, without the `.wav`.
pub fn music(name: &str, seconds: usize) -> Vec<i16> {
    let mut samples = read(&package(&format!("moh/{name}.wav")));
    // Most pieces fade in.
    samples.drain(..10 * SECOND);
    samples.truncate(seconds * SECOND);
    samples
}

/// An announcement of the package `asterisk-core-sounds-en-wav`, without the `.wav`.
pub fn announcement(name: &str) -> Vec<i16> {
    read(&package(&format!("sounds/en_US_f_Allison/{name}.wav")))
}

/// A real human voice of `tests/peers/sounds/`.
pub fn voice(name: &str) -> Vec<i16> {
    read(&root().join(format!("tests/peers/sounds/{name}.wav")))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn package(file: &str) -> PathBuf {
    let path = root().join(".cache/sounds/usr/share/asterisk").join(file);
    assert!(path.exists(), "{} is missing: run tests/setup.sh test", path.display());
    path
}

/// A WAV file of 8 kHz, mono, 16 bits.
pub fn read(path: &Path) -> Vec<i16> {
    let mut reader = hound::WavReader::open(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let spec = reader.spec();
    assert_eq!((spec.sample_rate, spec.channels, spec.bits_per_sample), (8000, 1, 16), "{}", path.display());
    reader.samples::<i16>().map(Result::unwrap).collect()
}

/// A WAV file that is still being written: its header does not know its length yet.
pub fn unfinished(path: &Path) -> Vec<i16> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let samples = bytes.get(44..).unwrap_or_default();
    samples.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

/// Writes a WAV file.
pub fn write(path: &Path, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|s| writer.write_sample(*s).unwrap());
    writer.finalize().unwrap();
}

/// A pure tone of about -13 dBm0.
pub fn tone(hz: f64, seconds: usize) -> Vec<i16> {
    let sample = |i: usize| (8000.0 * (TAU * hz * i as f64 / 8000.0).sin()) as i16;
    (0..seconds * SECOND).map(sample).collect()
}

/// As µ-law.
pub fn encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|s| g711::encode(Codec::Pcmu, *s)).collect()
}

/// From µ-law.
pub fn decode(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|o| g711::decode(Codec::Pcmu, *o)).collect()
}

/// Mean square of the samples.
pub fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

/// Mean square of the part at one frequency (Goertzel).
pub fn power_at(samples: &[i16], hz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / 8000.0).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (f64::from(*sample) + coefficient * one - two, one);
    }
    let n = samples.len().max(1) as f64;
    2.0 * (one * one + two * two - coefficient * one * two) / (n * n)
}

/// A fifth of a second: long enough to tell tones apart, short enough that a loaded machine leaves some whole.
pub const MOMENT: usize = SECOND / 5;

/// Almost nothing but this tone, and loud enough to be one.
pub fn is_tone(samples: &[i16], hz: f64) -> bool {
    power(samples) > 1e5 && power_at(samples, hz) > 0.8 * power(samples)
}

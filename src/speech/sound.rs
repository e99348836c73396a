//! Anybody's sound as the box plays it: 8 kHz, its silent ends cut off, at the level of a handset, in µ-law.

use crate::dsp::g711;
use crate::units::{Codec, FRAME_SAMPLES, SAMPLE_RATE_HZ};
use std::borrow::Cow;
use std::io::Cursor;

/// Speech at −16 dBm0, the level of a good handset (ITU-T P.56) and of the box's prompts, as RMS of linear samples.
const SPEECH_RMS: f32 = 2_560.0;
/// No sample is louder than this.
const PEAK: f32 = 30_000.0;
/// Frames so much softer than the loudest are a pause, as a share of its amplitude: 26 dB.
const PAUSE: f32 = 0.05;
/// Softer than this nothing was said, RMS.
const SILENCE_RMS: f32 = 40.0;
/// Frames that stay before and after what is said: 40 ms.
const MARGIN: usize = 2;
/// Zero crossings of the filter on each side.
const WINGS: f64 = 12.0;

/// The sound of a WAV file as mono at 8 kHz. A file that ends early, as one written into a pipe does, is as long as it is.
///
/// # Errors
/// In words: it is no WAV file of PCM, or longer than so many seconds.
pub fn from_wav(bytes: &[u8], most_seconds: u32) -> Result<Vec<i16>, String> {
    let whole = measured(bytes);
    let mut reader = hound::WavReader::new(Cursor::new(&whole[..]))
        .map_err(|error| format!("it is no WAV file that can be read ({error})"))?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels.max(1));
    if !(8_000..=48_000).contains(&spec.sample_rate) || channels > 2 {
        return Err(format!("a WAV file of {} Hz and {channels} channels cannot be used", spec.sample_rate));
    }
    let most = (spec.sample_rate * most_seconds) as usize * channels;
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().map_while(Result::ok).take(most + 1).collect(),
        hound::SampleFormat::Int => {
            let full = 2f32.powi(i32::from(spec.bits_per_sample.max(1)) - 1);
            let read = reader.samples::<i32>().map_while(Result::ok).take(most + 1);
            read.map(|sample| sample as f32 / full).collect()
        }
    };
    if samples.len() > most {
        return Err(format!("the sound in the WAV file is longer than {most_seconds} s"));
    }
    if samples.len() < channels * spec.sample_rate as usize / 10 {
        return Err("there is no sound in the WAV file".into());
    }
    let mono: Vec<f32> = samples
        .chunks_exact(channels)
        .map(|frame| frame.iter().map(|s| if s.is_finite() { s.clamp(-1.0, 1.0) } else { 0.0 }).sum::<f32>())
        .map(|sum| sum / channels as f32)
        .collect();
    Ok(resample(&mono, spec.sample_rate))
}

/// The file with the true length of its sound: who writes while he speaks does not know it, and writes 0xFFFFFFFF or the like.
fn measured(bytes: &[u8]) -> Cow<'_, [u8]> {
    let four = |at: usize| bytes.get(at..at.saturating_add(4));
    let number = |at: usize| Some(u32::from_le_bytes(four(at)?.try_into().ok()?) as usize);
    let (mut at, mut block) = (12, 1);
    while let (Some(kind), Some(length)) = (four(at), number(at.saturating_add(4))) {
        let body = at + 8;
        match kind {
            b"data" if length > bytes.len() - body => {
                let true_length = (bytes.len() - body) / block * block;
                let mut whole = bytes.to_vec();
                whole[at + 4..body].copy_from_slice(&u32::try_from(true_length).unwrap_or(0).to_le_bytes());
                return Cow::Owned(whole);
            }
            b"data" => break,
            b"fmt " => block = number(body + 12).map_or(1, |both| both & 0xFFFF).max(1),
            _ => {}
        }
        at = body.saturating_add(length);
    }
    Cow::Borrowed(bytes)
}

/// To 8 kHz, by a windowed sinc below both Nyquist frequencies.
fn resample(samples: &[f32], rate: u32) -> Vec<i16> {
    let step = f64::from(rate) / f64::from(SAMPLE_RATE_HZ);
    let cut = 0.92 / step.max(1.0);
    let reach = WINGS / cut;
    let count = (samples.len() as f64 / step) as usize;
    let at = |n: usize| {
        let middle = n as f64 * step;
        let (first, last) = ((middle - reach).ceil().max(0.0) as usize, (middle + reach) as usize);
        let taps = samples.iter().enumerate().take(last + 1).skip(first);
        let sum: f64 = taps.map(|(i, s)| f64::from(*s) * tap(i as f64 - middle, cut, reach)).sum();
        (sum * 32_767.0).clamp(-32_768.0, 32_767.0) as i16
    };
    (0..count).map(at).collect()
}

fn tap(x: f64, cut: f64, reach: f64) -> f64 {
    let angle = core::f64::consts::PI * x * cut;
    let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
    cut * sinc * (0.5 + 0.5 * (core::f64::consts::PI * x / reach).cos())
}

/// A sound as the box plays it, as a WAV file: mono, 8 kHz, 16 bits.
pub fn to_wav(sound: &[u8]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::with_capacity(44 + 2 * sound.len()));
    let sample_format = hound::SampleFormat::Int;
    let spec =
        hound::WavSpec { channels: 1, sample_rate: SAMPLE_RATE_HZ, bits_per_sample: 16, sample_format };
    let written = hound::WavWriter::new(&mut file, spec).and_then(|mut writer| {
        sound.iter().try_for_each(|octet| writer.write_sample(g711::decode(Codec::Pcmu, *octet)))?;
        writer.finalize()
    });
    debug_assert!(written.is_ok(), "memory takes all");
    file.into_inner()
}

/// Cuts off the silent ends, sets the level and codes it: whole frames of µ-law. `None`: nothing was said.
pub fn finish(samples: &[i16]) -> Option<Vec<u8>> {
    let levels: Vec<f32> = samples.chunks(FRAME_SAMPLES).map(rms).collect();
    let loudest = levels.iter().copied().fold(0.0, f32::max);
    if loudest < SILENCE_RMS {
        return None;
    }
    let speaks = |level: &f32| *level > loudest * PAUSE;
    let first = levels.iter().position(speaks)?.saturating_sub(MARGIN);
    let last = levels.iter().rposition(speaks)? + 1 + MARGIN;
    let said = samples.get(first * FRAME_SAMPLES..(last * FRAME_SAMPLES).min(samples.len()))?;
    let loud: Vec<f32> = levels.iter().copied().filter(|level| *level > loudest * 0.1).collect();
    let active = (loud.iter().map(|level| level * level).sum::<f32>() / loud.len() as f32).sqrt();
    let peak = said.iter().map(|s| f32::from(s.unsigned_abs())).fold(1.0, f32::max);
    let gain = (SPEECH_RMS / active).min(PEAK / peak);
    let coded = said.iter().map(|s| g711::encode(Codec::Pcmu, (f32::from(*s) * gain) as i16));
    let mut coded: Vec<u8> = coded.collect();
    coded.resize(coded.len().next_multiple_of(FRAME_SAMPLES), g711::silence(Codec::Pcmu));
    Some(coded)
}

fn rms(frame: &[i16]) -> f32 {
    (frame.iter().map(|s| f32::from(*s) * f32::from(*s)).sum::<f32>() / frame.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wav(rate: u32, channels: u16, seconds: f32, hz: f32, amplitude: f32) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let format = hound::SampleFormat::Int;
        let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 16, sample_format: format };
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        for n in 0..(rate as f32 * seconds) as u32 {
            let sample = (n as f32 / rate as f32 * hz * core::f32::consts::TAU).sin() * amplitude;
            (0..channels).for_each(|_| writer.write_sample(sample as i16).unwrap());
        }
        writer.finalize().unwrap();
        file.into_inner()
    }

    #[test]
    fn the_voice_band_passes_and_what_is_above_it_does_not_come_back_as_a_whistle() {
        for (rate, channels) in [(8_000, 1), (16_000, 1), (22_050, 1), (44_100, 2), (48_000, 1)] {
            let pass = from_wav(&wav(rate, channels, 0.5, 1_000.0, 10_000.0), 30).unwrap();
            assert!(pass.len().abs_diff(4_000) <= 1, "{rate}");
            let level = rms(&pass[400..3_600]);
            assert!((6_700.0..7_450.0).contains(&level), "{rate}: {level}");
            if rate > 12_000 {
                let stop = from_wav(&wav(rate, channels, 0.5, 5_500.0, 10_000.0), 30).unwrap();
                assert!(rms(&stop[400..3_600]) < 40.0, "{rate}");
            }
        }
    }

    #[test]
    fn ends_are_cut_and_the_level_is_set() {
        let tone = from_wav(&wav(8_000, 1, 1.0, 400.0, 300.0), 30).unwrap();
        let said = [vec![0; 8_000], tone, vec![0; 5_000]].concat();
        let sound = finish(&said).unwrap();
        assert!((8_000..8_000 + 6 * 160).contains(&sound.len()) && sound.len().is_multiple_of(160));
        let linear: Vec<i16> = sound.iter().map(|b| g711::decode(Codec::Pcmu, *b)).collect();
        assert!((2_400.0..2_700.0).contains(&rms(&linear[1_600..6_400])));
        assert_eq!(from_wav(&to_wav(&sound), 30).unwrap().len(), sound.len());
        assert_eq!(finish(&[0; 8_000]), None);
        assert_eq!(finish(&[]), None);
    }

    #[test]
    fn what_is_no_sound_is_told_in_words() {
        assert!(from_wav(b"hello", 30).unwrap_err().contains("no WAV file"));
        assert!(from_wav(&wav(8_000, 1, 31.0, 400.0, 300.0), 30).unwrap_err().contains("longer"));
        assert!(from_wav(&wav(8_000, 1, 0.05, 400.0, 300.0), 30).unwrap_err().contains("no sound"));
        // Into a pipe the sizes in the head are wrong: what is there counts.
        let mut cut = wav(8_000, 1, 1.0, 400.0, 300.0);
        cut.truncate(44 + 8_001);
        assert_eq!(from_wav(&cut, 30).unwrap().len(), 4_000);
        cut[40..44].fill(0xFF);
        assert_eq!(from_wav(&cut, 30).unwrap().len(), 4_000);
        for end in 0..44 {
            assert!(from_wav(&cut[..end], 30).is_err(), "{end}");
        }
    }
}

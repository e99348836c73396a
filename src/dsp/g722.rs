//! ITU-T G.722 at 64 kbit/s as the box needs it: its lower band alone, which is telephone sound at 8 kHz.
//!
//! The coder splits 16 kHz into two bands of 8 kHz each and codes them apart. Whoever takes the lower one as it is has
//! resampled without a filter and without delay. The other way a half-band filter doubles the rate, which takes 1 ms (a
//! general resampler would take 20). Between two wide-band telephones packets pass untouched, so nothing here ever
//! makes sound of the upper band.

use super::g711;
use crate::units::Codec;
use audio_codec::g722::{Bitrate, G722Decoder, G722Encoder};
use audio_codec::{Decoder, Encoder};

/// Octets taken in one go.
const CHUNK: usize = 80;
/// What the sound is while it is in the box.
const INSIDE: Codec = Codec::Pcmu;

/// Half of the symmetric filter that says what lies between two samples: a windowed sinc, in 32,768ths.
const BETWEEN: [i32; 8] = [20741, -6495, 3431, -2010, 1182, -661, 333, -137];
/// Samples that the filter looks at.
const SPAN: usize = 2 * BETWEEN.len();

/// Both directions of one stream.
pub struct Band {
    decoder: G722Decoder,
    encoder: G722Encoder,
    /// The last samples to be widened, the newest last.
    past: [i16; SPAN],
}

impl Band {
    /// At rest, as both ends of a stream begin.
    pub fn new() -> Self {
        Self {
            decoder: G722Decoder::with_options(Bitrate::Mode1_64000, false, true),
            encoder: G722Encoder::new(),
            past: [0; SPAN],
        }
    }

    /// Turns G.722 octets into µ-law in place: one of the one for one of the other.
    pub fn narrow(&mut self, octets: &mut [u8]) {
        let mut linear = [0; CHUNK];
        for chunk in octets.chunks_mut(CHUNK) {
            // As many samples as octets: the chunk is never too small.
            let _ = self.decoder.decode_into(chunk, &mut linear);
            chunk.iter_mut().zip(linear).for_each(|(octet, s)| *octet = g711::encode(INSIDE, s));
        }
    }

    /// Turns octets of a G.711 law into G.722 in place.
    pub fn widen(&mut self, law: Codec, octets: &mut [u8]) {
        let mut linear = [0; 2 * CHUNK];
        for chunk in octets.chunks_mut(CHUNK) {
            for (pair, octet) in linear.chunks_exact_mut(2).zip(&*chunk) {
                pair.copy_from_slice(&self.double(g711::decode(law, *octet)));
            }
            let samples = linear.get(..2 * chunk.len()).unwrap_or(&linear);
            let _ = self.encoder.encode_into(samples, chunk);
        }
    }

    /// Two samples at 16 kHz for one at 8, half the filter's span later.
    fn double(&mut self, sample: i16) -> [i16; 2] {
        self.past.copy_within(1.., 0);
        self.past[SPAN - 1] = sample;
        let half = BETWEEN.len();
        let sides = self.past[..half].iter().rev().zip(&self.past[half..]);
        let between: i32 =
            BETWEEN.iter().zip(sides).map(|(h, (a, b))| h * (i32::from(*a) + i32::from(*b))).sum();
        let between = (between >> 15).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        [self.past[half - 1], between]
    }
}

impl Default for Band {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::detect::Goertzel;

    const PEAK: f32 = 6000.0;

    fn tone(hz: f32) -> Vec<u8> {
        let at = |i: usize| core::f32::consts::TAU * hz * i as f32 / 8000.0;
        (0..8000).map(|i| g711::encode(INSIDE, (PEAK * at(i).sin()) as i16)).collect()
    }

    /// The level of a tone relative to how it was made, and how far all else lies below it.
    fn judge(octets: &[u8], hz: f32) -> (f32, f32) {
        let sound: Vec<f32> = octets[4000..].iter().map(|o| f32::from(g711::decode(INSIDE, *o))).collect();
        let (tone, all) =
            (Goertzel::new(hz).power(&sound), sound.iter().map(|s| s * s).sum::<f32>() / 4000.0);
        (10.0 * (tone / (PEAK * PEAK / 2.0)).log10(), 10.0 * (tone / (all - tone)).log10())
    }

    #[test]
    fn telephone_sound_comes_back_at_its_level() {
        for hz in [300.0, 500.0, 1000.0, 1700.0, 2400.0, 3000.0, 3400.0] {
            let mut band = Band::new();
            let mut octets = tone(hz);
            octets.chunks_mut(160).for_each(|packet| {
                band.widen(INSIDE, packet);
                band.narrow(packet);
            });
            let (level, clean) = judge(&octets, hz);
            assert!(level.abs() < if hz < 3200.0 { 0.2 } else { 1.5 }, "{hz} Hz at {level:.2} dB");
            assert!(clean > if hz < 3200.0 { 25.0 } else { 15.0 }, "{hz} Hz: {clean:.1} dB");
        }
    }

    #[test]
    fn another_coder_is_understood_and_understands() {
        // 250 ms of 1 kHz at a peak of 6000, coded by ffmpeg 5.1: `aevalsrc=6000/32768*sin(2000*PI*t):s=16000`.
        let theirs: &[u8] = include_bytes!("g722_1khz.bin");
        let mut octets = theirs.to_vec();
        Band::new().narrow(&mut octets);
        let sound: Vec<f32> = octets[400..].iter().map(|o| f32::from(g711::decode(INSIDE, *o))).collect();
        let level = 10.0 * (Goertzel::new(1000.0).power(&sound) / (PEAK * PEAK / 2.0)).log10();
        assert!(level.abs() < 0.2, "{level:.2} dB");
        // What is said with it is nearly what the other coder says of the same sound: the lower band's leading bits.
        let mut ours = tone(1000.0)[..theirs.len()].to_vec();
        Band::new().widen(INSIDE, &mut ours);
        let mut back = ours.clone();
        Band::new().narrow(&mut back);
        let sound: Vec<f32> = back[400..].iter().map(|o| f32::from(g711::decode(INSIDE, *o))).collect();
        let level = 10.0 * (Goertzel::new(1000.0).power(&sound) / (PEAK * PEAK / 2.0)).log10();
        assert!(level.abs() < 0.2, "{level:.2} dB");
    }

    #[test]
    fn any_octets_are_sound() {
        let mut band = Band::new();
        let mut dice = 1_u64;
        for _ in 0..2000 {
            let mut packet = [0_u8; 160];
            packet.fill_with(|| {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (dice >> 56) as u8
            });
            band.narrow(&mut packet);
            band.widen(INSIDE, &mut packet);
        }
    }
}

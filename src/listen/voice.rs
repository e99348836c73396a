//! Whose voice it is, roughly: the long-term spectrum, its spread and the pitch of a phrase, compared with the voices that
//! were recordings earlier in this call. Says nothing about anyone between calls.

use super::spectrum::{BANDS, Look};

/// Voices remembered as recordings. The oldest is overwritten.
const VOICES: usize = 8;
/// Active frames that a phrase needs before its voice says anything.
const ENOUGH: f32 = 35.0;
/// Band levels below this say more about the line than about the voice.
const BAND_FLOOR_DBM0: f32 = -65.0;

/// Sums over the active frames of one voice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Voice {
    frames: f32,
    sum: [f32; BANDS],
    squares: [f32; BANDS],
    voiced: f32,
    pitch: f32,
}

impl Voice {
    /// Adds one active frame.
    pub fn add(&mut self, look: &Look) {
        self.frames += 1.0;
        for (b, level) in look.bands.iter().enumerate() {
            let level = level.max(BAND_FLOOR_DBM0);
            self.sum[b] += level;
            self.squares[b] += level * level;
        }
        if look.voicing > 0.6 {
            self.voiced += 1.0;
            self.pitch += look.pitch;
        }
    }

    /// True once there is enough of it to compare.
    pub fn clear(&self) -> bool {
        self.frames >= ENOUGH
    }

    fn merge(&mut self, other: &Self) {
        // Old hearings fade, so that the sums stay small and a drifting line is followed.
        let keep = if self.frames > 1_500.0 { 0.5 } else { 1.0 };
        let add = |mine: &mut f32, theirs: f32| *mine = *mine * keep + theirs;
        add(&mut self.frames, other.frames);
        add(&mut self.voiced, other.voiced);
        add(&mut self.pitch, other.pitch);
        for b in 0..BANDS {
            add(&mut self.sum[b], other.sum[b]);
            add(&mut self.squares[b], other.squares[b]);
        }
    }

    /// What is compared: shape and spread of the spectrum in dB, and the pitch in octaves where there is enough of it.
    pub fn traits(&self) -> ([f32; BANDS], [f32; BANDS], Option<f32>) {
        let (shape, spread) = self.spectrum();
        (shape, spread, (self.voiced > 10.0).then(|| self.pitch / self.voiced))
    }

    /// Shape and spread of the spectrum, dB.
    fn spectrum(&self) -> ([f32; BANDS], [f32; BANDS]) {
        let mean = self.sum.map(|s| s / self.frames);
        let middle = mean.iter().sum::<f32>() / BANDS as f32;
        let spread =
            core::array::from_fn(|b| (self.squares[b] / self.frames - mean[b] * mean[b]).max(0.0).sqrt());
        (mean.map(|m| m - middle), spread)
    }

    /// How unlike two voices are: 0 for the same, about 5 for one voice twice, 12 and more for two people.
    pub fn distance(&self, other: &Self) -> f32 {
        let ((shape_a, spread_a), (shape_b, spread_b)) = (self.spectrum(), other.spectrum());
        let rms = |a: &[f32; BANDS], b: &[f32; BANDS]| {
            (a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>() / BANDS as f32).sqrt()
        };
        let pitch = if self.voiced > 10.0 && other.voiced > 10.0 {
            (self.pitch / self.voiced - other.pitch / other.voiced).abs()
        } else {
            0.2
        };
        rms(&shape_a, &shape_b) + 0.8 * rms(&spread_a, &spread_b) + 8.0 * pitch
    }
}

/// The voices that were recordings in this call.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    voices: [Option<Voice>; VOICES],
    next: usize,
}

impl Recorded {
    /// Distance at which two phrases are taken for one voice.
    const SAME: f32 = 8.0;

    /// A phrase of this voice was a recording.
    pub fn learn(&mut self, voice: &Voice) {
        if !voice.clear() {
            return;
        }
        if let Some(same) = self.voices.iter_mut().flatten().find(|v| v.distance(voice) < Self::SAME) {
            same.merge(voice);
            return;
        }
        self.voices[self.next] = Some(*voice);
        self.next = (self.next + 1) % VOICES;
    }

    /// Distance to the nearest recorded voice, if there is one and the phrase is long enough to tell.
    pub fn distance(&self, voice: &Voice) -> Option<f32> {
        if !voice.clear() {
            return None;
        }
        self.voices.iter().flatten().map(|v| v.distance(voice)).min_by(f32::total_cmp)
    }
}

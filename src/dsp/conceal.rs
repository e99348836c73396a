//! Fills holes in a stream with what was heard before them, period by period: ITU-T G.711 Appendix I's class of
//! concealment, without its delay.
//!
//! A hole begins with the last pitch period, goes on with the last two and three so that it does not buzz, fades from
//! 10 ms on and is silent after 60 ms. Where the stream returns the two overlap.

/// Samples of a hole after which it is silent: 60 ms.
const SILENT: usize = 480;
/// Samples of a hole at full level, and of its first and second stage: 10 ms.
const STAGE: usize = 80;
/// Pitch periods looked for: 5 to 15 ms, 200 to 66 Hz.
const SHORTEST: usize = 40;
const LONGEST: usize = 120;
/// Samples compared to find the period: 20 ms.
const COMPARED: usize = 160;
/// What a hole is made of: three of the longest periods and a quarter to join their ends.
const PAST: usize = 3 * LONGEST + LONGEST / 4;
/// The past stays where it is while a hole that follows it is played.
const HISTORY: usize = PAST + SILENT;
/// Longest overlap where the stream returns: 10 ms.
const LONGEST_RETURN: usize = 80;

/// What was last played of one stream.
#[derive(Clone, Copy, Debug)]
pub struct Conceal {
    /// The newest last.
    history: [i16; HISTORY],
    /// Samples concealed since the last one heard; no more than [`SILENT`].
    hole: usize,
    period: usize,
    /// The step from what was heard to what follows it, which is not to be heard.
    step: i32,
}

impl Conceal {
    /// Nothing heard yet: a hole at the beginning is silent.
    pub const fn new() -> Self {
        Self { history: [0; HISTORY], hole: SILENT, period: SHORTEST, step: 0 }
    }

    /// The stream goes on with this sound. Its beginning is blended with the end of the hole before it, if there was one.
    pub fn heard(&mut self, sound: &mut [i16]) {
        if self.hole > 0 && !self.is_silent() {
            let overlap = (self.period / 4 + self.hole * 2 / 5).min(LONGEST_RETURN).min(sound.len());
            for (i, sample) in sound.iter_mut().take(overlap).enumerate() {
                let stand_in = self.stand_in(self.hole + i);
                *sample = blend(stand_in, i32::from(*sample), i, overlap);
            }
        }
        self.hole = 0;
        self.remember(sound);
    }

    /// Stands in for as many samples as are missing.
    pub fn fill(&mut self, sound: &mut [i16]) {
        if self.hole == 0 {
            self.period = self.find_period();
            self.step = self.past(1) - self.past(self.period + 1);
        }
        for (i, sample) in sound.iter_mut().enumerate() {
            *sample = clip(self.stand_in(self.hole + i));
        }
        // The past moves back as the hole grows: only then may it be remembered.
        let long = self.hole + sound.len() >= SILENT;
        self.remember(sound);
        self.hole = if long { SILENT } else { self.hole + sound.len() };
    }

    /// Whether a hole has become silence.
    pub const fn is_silent(&self) -> bool {
        self.hole >= SILENT
    }

    /// The sample `back` before the hole, from 1.
    fn past(&self, back: usize) -> i32 {
        let hole = if self.hole >= SILENT { 0 } else { self.hole };
        self.history.get(HISTORY.wrapping_sub(hole + back)).copied().map_or(0, i32::from)
    }

    /// The `at`th sample of the hole.
    fn stand_in(&self, at: usize) -> i32 {
        if at >= SILENT || self.is_silent() {
            return 0;
        }
        let stage = (at / STAGE + 1).min(3);
        let mut sample = self.looped(stage, at);
        // A new stage does not begin with a step.
        let (into, quarter) = (at - (stage - 1) * STAGE, self.period / 4);
        if stage > 1 && into < quarter {
            sample = i32::from(blend(self.looped(stage - 1, at), sample, into, quarter));
        }
        if at < quarter {
            sample += self.step * (quarter - at) as i32 / quarter as i32;
        }
        // G.711 Appendix I §I.2.7: 20 % of the level for each 10 ms after the first.
        let faded = at.saturating_sub(STAGE) as i32;
        sample * (5 * STAGE as i32 - faded) / (5 * STAGE as i32)
    }

    /// The last `periods` of the past again and again, the end of each round blended into what came before its beginning.
    fn looped(&self, periods: usize, at: usize) -> i32 {
        let (length, quarter) = (periods * self.period, self.period / 4);
        let place = at % length;
        let back = length - place;
        if back > quarter {
            return self.past(back);
        }
        i32::from(blend(self.past(back), self.past(back + length), quarter - back, quarter))
    }

    /// The shift at which the last 20 ms are most like what came before them.
    fn find_period(&self) -> usize {
        let now: &[i16] = self.history.get(HISTORY - COMPARED..).unwrap_or(&[]);
        let mut best = (f32::MIN, SHORTEST);
        for lag in SHORTEST..=LONGEST {
            let before = self.history.get(HISTORY - COMPARED - lag..HISTORY - lag).unwrap_or(&[]);
            let (mut product, mut energy) = (0.0f32, 1.0f32);
            for (a, b) in now.iter().zip(before) {
                product += f32::from(*a) * f32::from(*b);
                energy += f32::from(*b) * f32::from(*b);
            }
            let likeness = product / energy.sqrt();
            if likeness > best.0 {
                best = (likeness, lag);
            }
        }
        best.1
    }

    fn remember(&mut self, sound: &[i16]) {
        let new = sound.get(sound.len().saturating_sub(HISTORY)..).unwrap_or(sound);
        self.history.copy_within(new.len().., 0);
        if let Some(end) = self.history.get_mut(HISTORY - new.len()..) {
            end.copy_from_slice(new);
        }
    }
}

/// `from` at the beginning, `to` at the end of `length`.
fn blend(from: i32, to: i32, at: usize, length: usize) -> i16 {
    let (at, length) = (at as i32, length.max(1) as i32);
    clip((from * (length - at) + to * at) / length)
}

fn clip(sample: i32) -> i16 {
    sample.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

impl Default for Conceal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dsp::g711;
    use crate::units::{Codec, FRAME_SAMPLES};

    fn sine(hz: f64, samples: usize) -> Vec<i16> {
        (0..samples)
            .map(|i| (8000.0 * (i as f64 * std::f64::consts::TAU * hz / 8000.0).sin()) as i16)
            .collect()
    }

    #[test]
    fn a_steady_sound_goes_on_through_a_hole_of_10_ms() {
        for hz in [100.0, 133.0, 200.0] {
            let whole = sine(hz, 1000);
            let mut conceal = Conceal::new();
            conceal.heard(&mut whole[..800].to_vec());
            let mut hole = [0i16; 80];
            conceal.fill(&mut hole);
            let error = hole.iter().zip(&whole[800..]).map(|(a, b)| (a - b).abs()).max().unwrap();
            assert!(error < 1500, "{hz} Hz: {error} of 8000");
        }
    }

    #[test]
    fn a_hole_fades_to_silence_in_60_ms_without_a_step_anywhere() {
        for pieces in [1, 3, 20] {
            let mut conceal = Conceal::new();
            let mut sound = sine(150.0, 800);
            conceal.heard(&mut sound);
            for _ in 0..600 / (pieces * 10) {
                let mut piece = vec![0; pieces * 10];
                conceal.fill(&mut piece);
                sound.extend(piece);
            }
            let mut after = sine(150.0, 400);
            conceal.heard(&mut after);
            sound.extend(after);
            // The steepest step of the sine itself is 940.
            let steepest = sound.windows(2).map(|w| (w[1] - w[0]).unsigned_abs()).max().unwrap();
            assert!(steepest < 1400, "{pieces}: {steepest}");
            assert!(sound[800 + 481..1400].iter().all(|s| *s == 0), "silent after 60 ms");
            let loudest =
                |range: core::ops::Range<usize>| sound[range].iter().map(|s| s.abs()).max().unwrap();
            assert!(loudest(800..880) > 7000 && (2500..5500).contains(&loudest(1040..1120)));
        }
    }

    #[test]
    fn before_anything_was_heard_there_is_silence() {
        let (mut conceal, mut sound) = (Conceal::new(), [7; 200]);
        conceal.fill(&mut sound);
        assert!(sound.iter().all(|s| *s == 0) && conceal.is_silent());
    }

    /// Which packets of 20 ms are lost: `percent` of them, `burst` in a row.
    fn losses(percent: u64, burst: u64, packets: usize) -> Vec<bool> {
        let mut dice = 0x1234_5678_u64 + percent * 31 + burst;
        let mut left = 0;
        let mut roll = || {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % (100 * burst)
        };
        let lost = |_| {
            if left == 0 && roll() < percent {
                left = burst;
            }
            let lost = left > 0;
            left = u64::saturating_sub(left, 1);
            lost
        };
        (0..packets).map(lost).collect()
    }

    /// Mean of the signal-to-noise ratios of lost frames that were speech, each within −10 to 35 dB.
    fn segmental_snr(speech: &[i16], heard: &[i16], lost: &[bool]) -> f64 {
        let frames = speech.chunks_exact(FRAME_SAMPLES).zip(heard.chunks_exact(FRAME_SAMPLES)).zip(lost);
        let (mut sum, mut count) = (0.0, 0.0);
        for ((clean, heard), lost) in frames {
            let energy: f64 = clean.iter().map(|s| f64::from(*s).powi(2)).sum();
            if *lost && energy > 160.0 * 100.0 * 100.0 {
                let noise: f64 =
                    clean.iter().zip(heard).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
                sum += (10.0 * (energy / noise.max(1.0)).log10()).clamp(-10.0, 35.0);
                count += 1.0;
            }
        }
        sum / f64::max(count, 1.0)
    }

    /// Level of a stretch of 20 ms in 12 bands of 300 Hz, dB.
    fn bands(sound: &[i16]) -> [f64; 12] {
        core::array::from_fn(|band| {
            let mut power = 1e3;
            for hz in (0..6).map(|k| 100.0 + 300.0 * band as f64 + 50.0 * f64::from(k)) {
                let (mut re, mut im) = (0.0, 0.0);
                for (i, s) in sound.iter().enumerate() {
                    let angle = i as f64 * std::f64::consts::TAU * hz / 8000.0;
                    let window = (i as f64 * std::f64::consts::PI / sound.len() as f64).sin();
                    re += f64::from(*s) * window * angle.cos();
                    im += f64::from(*s) * window * angle.sin();
                }
                power += re * re + im * im;
            }
            10.0 * power.log10()
        })
    }

    /// Mean difference of spectra in and around what was lost, dB: what the ear makes of it.
    fn spectral_distance(speech: &[i16], heard: &[i16], lost: &[bool]) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for n in (1..lost.len().min(speech.len() / FRAME_SAMPLES - 1)).filter(|n| lost[*n]) {
            for start in [n * FRAME_SAMPLES - 80, n * FRAME_SAMPLES, n * FRAME_SAMPLES + 80] {
                let (a, b) = (
                    bands(&speech[start..start + FRAME_SAMPLES]),
                    bands(&heard[start..start + FRAME_SAMPLES]),
                );
                sum += a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / 12.0;
                count += 1.0;
            }
        }
        sum / f64::max(count, 1.0)
    }

    /// What other ways of filling a hole would do.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Way {
        Silence,
        Repetition,
        Ours,
    }

    fn through(way: Way, speech: &[i16], lost: &[bool]) -> Vec<i16> {
        let mut conceal = Conceal::new();
        let mut last = vec![0; FRAME_SAMPLES];
        let mut out = Vec::new();
        for (frame, lost) in speech.chunks_exact(FRAME_SAMPLES).zip(lost) {
            let mut frame = frame.to_vec();
            match (way, lost) {
                (Way::Ours, false) => conceal.heard(&mut frame),
                (Way::Ours, true) => conceal.fill(&mut frame),
                (_, false) => last.clone_from(&frame),
                (Way::Silence, true) => frame.fill(0),
                (Way::Repetition, true) => {
                    frame.clone_from(&last);
                    last.iter_mut().for_each(|s| *s /= 2);
                }
            }
            out.extend(frame);
        }
        out
    }

    #[test]
    fn speech_with_losses_is_nearer_to_the_truth_than_with_silence_or_repetition() {
        let files: [&[u8]; 4] = [
            include_bytes!("../../tests/listen/sound/agent-human-0.ul"),
            include_bytes!("../../tests/listen/sound/agent-human-2.ul"),
            include_bytes!("../../tests/listen/sound/recorded-hans-0.ul"),
            include_bytes!("../../tests/listen/sound/recorded-matthew-1.ul"),
        ];
        let speech: Vec<i16> = files
            .repeat(6)
            .into_iter()
            .flat_map(|f| f.iter().map(|o| g711::decode(Codec::Pcmu, *o)))
            .collect();
        for burst in [1, 3] {
            for percent in [1, 3, 10] {
                let lost = losses(percent, burst, speech.len() / FRAME_SAMPLES + 1);
                let share = lost.iter().filter(|l| **l).count() as f64 / lost.len() as f64;
                let judged = |way| {
                    let heard = through(way, &speech, &lost);
                    (segmental_snr(&speech, &heard, &lost), spectral_distance(&speech, &heard, &lost))
                };
                let [silence, repetition, ours] = [Way::Silence, Way::Repetition, Way::Ours].map(judged);
                println!(
                    "{percent:2} % in bursts of {burst} ({:.1} %): SNR and spectral distance, dB: silence {silence:.1?}, \
                     repetition {repetition:.1?}, ours {ours:.1?}",
                    share * 100.0
                );
                assert!(ours.0 > repetition.0 + 0.5, "{percent} % bursts of {burst}");
                assert!(ours.1 < silence.1 * 0.6, "{percent} % bursts of {burst}");
                // Of a hole of 60 ms the last 20 are all but silent by the standard: no waveform is near there.
                assert!(burst > 1 || ours.0 > silence.0 && ours.1 < repetition.1, "{percent} %");
            }
        }
    }
}

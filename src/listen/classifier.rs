//! What a window of sound is: a small network of one hidden layer over [`super::features`], trained by `model/dsp`.

use super::features::FEATURES;
use super::weights::{HIDDEN, HIDDEN_BIAS, HIDDEN_WEIGHTS, MEAN, OUT_BIAS, OUT_WEIGHTS, SCALE};

/// Probabilities of what is heard; they add up to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Classes {
    /// Steady noise, clicks, breath.
    pub noise: f32,
    /// Music, sung or not.
    pub music: f32,
    /// Speech and nothing else.
    pub speech: f32,
    /// Speech with music beneath: no live agent sounds like that.
    pub over_music: f32,
}

/// Classifies one window.
pub fn classify(features: &[f32; FEATURES]) -> Classes {
    let mut input = [0.0; FEATURES];
    for (i, x) in input.iter_mut().enumerate() {
        *x = ((features[i] - MEAN[i]) * SCALE[i]).clamp(-4.0, 4.0);
    }
    let mut hidden = [0.0; HIDDEN];
    for ((h, weights), bias) in hidden.iter_mut().zip(&HIDDEN_WEIGHTS).zip(&HIDDEN_BIAS) {
        let sum: f32 = weights.iter().zip(&input).map(|(w, x)| w * x).sum();
        *h = (sum + bias).max(0.0);
    }
    let mut odds = OUT_BIAS;
    for (o, weights) in odds.iter_mut().zip(&OUT_WEIGHTS) {
        *o += weights.iter().zip(&hidden).map(|(w, h)| w * h).sum::<f32>();
    }
    let most = odds.iter().fold(f32::MIN, |a, &b| a.max(b));
    let odds = odds.map(|o| (o - most).exp());
    let sum: f32 = odds.iter().sum();
    let [noise, music, speech, over_music] = odds.map(|o| o / sum);
    Classes { noise, music, speech, over_music }
}

//! The last half second and the last second and a half of looks, as numbers that tell music, speech and noise apart.

use super::spectrum::{BANDS, Look};

/// Frames kept: the long window.
pub const LONG: usize = 75;
/// Frames of the short window.
const SHORT: usize = 25;
/// Numbers per window.
const EACH: usize = 2 * BANDS + 17;
/// Numbers in all.
pub const FEATURES: usize = 2 * EACH;
/// Band levels below this count as this: what lies deeper is the studio, not the sound.
const BAND_FLOOR_DBM0: f32 = -65.0;

/// A ring of looks and what they add up to.
pub struct Window {
    looks: [Option<Look>; LONG],
    next: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { looks: [None; LONG], next: 0 }
    }
}

impl Window {
    /// Takes the next look.
    pub fn push(&mut self, look: Look) {
        self.looks[self.next] = Some(look);
        self.next = (self.next + 1) % LONG;
    }

    /// The features of both windows, the short one first. Zeros before anything was heard.
    pub fn features(&self) -> [f32; FEATURES] {
        let mut all = [0.0; FEATURES];
        let (short, long) = all.split_at_mut(EACH);
        self.window(SHORT, short);
        self.window(LONG, long);
        all
    }

    /// The last `n` looks, oldest first.
    fn last(&self, n: usize) -> impl Iterator<Item = &Look> + Clone {
        (LONG - n..LONG).filter_map(move |i| self.looks[(self.next + i) % LONG].as_ref())
    }

    fn window(&self, n: usize, out: &mut [f32]) {
        let looks = self.last(n);
        if looks.clone().next().is_none() {
            return;
        }
        let (shape, rest) = out.split_at_mut(BANDS);
        let (spread, rest) = rest.split_at_mut(BANDS);
        for b in 0..BANDS {
            let (mean, deviation) = moments(looks.clone().map(|l| l.bands[b].max(BAND_FLOOR_DBM0)));
            shape[b] = mean / 10.0;
            spread[b] = deviation / 5.0;
        }
        let middle = shape.iter().sum::<f32>() / BANDS as f32;
        shape.iter_mut().for_each(|s| *s -= middle);
        rest[0] = middle + 4.0;
        levels(looks.clone(), &mut rest[1..6]);
        flux(looks.clone(), &mut rest[6..8]);
        pitch(looks.clone(), &mut rest[8..12]);
        (rest[12], rest[13]) = moments(looks.clone().map(|l| l.crossings * 5.0));
        rest[14] = moments(looks.clone().map(|l| l.steady)).0 * 2.0;
        rest[15] = moments(looks.clone().map(|l| l.standing)).0 * 2.0;
        rest[16] = moments(looks.map(|l| l.tracks)).0 / 3.0;
    }
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for v in values {
        n += 1.0;
        sum += v;
        squares += v * v;
    }
    if n == 0.0 {
        return (0.0, 0.0);
    }
    let mean = sum / n;
    (mean, (squares / n - mean * mean).max(0.0).sqrt())
}

/// Spread of level, share of low frames, range, and how much of its movement is syllabic (3–6 Hz) or slower.
fn levels<'a>(looks: impl Iterator<Item = &'a Look> + Clone, out: &mut [f32]) {
    let level = looks.map(|l| l.level_dbm0.max(BAND_FLOOR_DBM0));
    let (mean, deviation) = moments(level.clone());
    let (loudest, softest) = level.clone().fold((-90.0_f32, 10.0_f32), |(a, b), l| (a.max(l), b.min(l)));
    let n = level.clone().count() as f32;
    out[0] = deviation / 8.0;
    out[1] = level.clone().filter(|&l| l < loudest - 15.0).count() as f32 / n;
    out[2] = (loudest - softest) / 30.0;
    out[3] = modulation(level.clone(), mean, 4.0) / n / 4.0;
    out[4] = modulation(level, mean, 2.0) / n / 4.0;
}

/// Amplitude of the level's movement at `hz`, dB times frames.
fn modulation(level: impl Iterator<Item = f32>, mean: f32, hz: f32) -> f32 {
    let step = core::f32::consts::TAU * hz / 50.0;
    let (mut re, mut im) = (0.0, 0.0);
    for (i, l) in level.enumerate() {
        let (sin, cos) = (step * i as f32).sin_cos();
        re += (l - mean) * cos;
        im += (l - mean) * sin;
    }
    (re * re + im * im).sqrt()
}

/// How much the coarse spectrum changes from frame to frame.
fn flux<'a>(looks: impl Iterator<Item = &'a Look> + Clone, out: &mut [f32]) {
    let floor = |x: f32| x.max(BAND_FLOOR_DBM0);
    let change = |(a, b): (&Look, &Look)| {
        a.bands.iter().zip(&b.bands).map(|(x, y)| (floor(*x) - floor(*y)).abs()).sum::<f32>() / BANDS as f32
    };
    let (mean, deviation) = moments(looks.clone().zip(looks.skip(1)).map(change));
    out[0] = mean / 4.0;
    out[1] = deviation / 3.0;
}

/// How voiced, how often, and how far the pitch wanders.
fn pitch<'a>(looks: impl Iterator<Item = &'a Look> + Clone, out: &mut [f32]) {
    let voiced = |l: &Look| l.voicing > 0.55;
    let n = looks.clone().count() as f32;
    (out[0], out[1]) = moments(looks.clone().map(|l| l.voicing));
    out[2] = looks.clone().filter(|l| voiced(l)).count() as f32 / n;
    let pairs = looks.clone().zip(looks.skip(1)).filter(|(a, b)| voiced(a) && voiced(b));
    out[3] = moments(pairs.map(|(a, b)| ((a.pitch - b.pitch).abs() * 10.0).min(3.0))).0;
}

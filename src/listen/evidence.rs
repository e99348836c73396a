//! What speaks for a person and what against, as weights in nats that add up, and the words for them.

use super::verdict::frames;
use std::fmt::Write;

/// What is known about one phrase at one moment. Times are frames of 20 ms.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// Active frames not heard before in this call.
    pub novel: u64,
    /// From the phrase's begin to its last active frame.
    pub span: u64,
    /// Quiet since then.
    pub pause: u64,
    /// Distance to the nearest recorded voice of this call.
    pub distance: Option<f32>,
    /// How surely music lies beneath, 0 to 1.
    pub over_music: f32,
    /// How surely it is a voice at all, 0 to 1.
    pub sure: f32,
    /// A phone rang just before, after the hold had begun.
    pub ringback: bool,
    /// Music was heard in this hold, so silence after a voice means something.
    pub music: bool,
}

/// The weights, shifted by the one knob between careful and eager.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    careful: f32,
}

impl Weights {
    /// `eagerness` from 0 to 1.
    pub fn new(eagerness: f32) -> Self {
        Self { careful: (0.5 - eagerness.clamp(0.0, 1.0)) * 4.0 }
    }

    /// A ring was false: ask for a little more from here on.
    pub fn more_careful(&mut self) {
        self.careful = (self.careful + 0.5).min(3.0);
    }

    /// The sum that rings.
    pub fn ring(&self) -> f32 {
        self.careful
    }

    /// The sum that is worth a greeting: speaking to a recording costs nothing.
    pub fn hope(&self) -> f32 {
        -3.5 + self.careful * 0.5
    }

    /// Nats for a person.
    pub fn sum(&self, e: &Evidence) -> f32 {
        Self::PRIOR + length(e) + waits(e) + voice(e) + beneath(e) + certain(e) + rang(e)
    }

    /// Most speech that is new in a hold is a recording heard for the first time.
    const PRIOR: f32 = -2.0;

    /// Confidence and the reasons in words.
    pub fn explain(&self, e: &Evidence) -> (f32, String) {
        let seconds = |f: u64| f as f32 * 0.02;
        let mut words = String::from("speech not heard before");
        // Writing to a String cannot fail.
        let _ = match e.pause {
            p if p >= frames(400) => write!(words, ", ended after {:.1} s and the line waits", seconds(e.span)),
            _ => write!(words, " for {:.1} s", seconds(e.span)),
        };
        if voice(e) > 0.5 {
            words.push_str(", unlike the recorded voices of this call");
        } else if voice(e) < -0.5 {
            words.push_str(", though like a recorded voice of this call");
        }
        if e.ringback {
            words.push_str(", after a phone rang");
        }
        if beneath(e) < -0.5 {
            words.push_str(", though music lies beneath");
        }
        let odds = self.sum(e).clamp(-4.0, 4.0);
        (1.0 / (1.0 + (-odds - 0.5).exp()), words)
    }
}

/// A greeting is short. What has spoken for long without a pause reads a text.
fn length(e: &Evidence) -> f32 {
    match e.span {
        s if e.novel < frames(240) || s < frames(240) => -4.0,
        s if s < frames(3_600) => 0.3,
        s if s < frames(5_200) => -0.4,
        s if s < frames(7_000) => -1.2,
        _ => -2.2,
    }
}

/// Who has greeted waits for an answer; after a recording the music comes back, or the next sentence.
fn waits(e: &Evidence) -> f32 {
    let waited = match e.pause {
        p if p < frames(600) => 0.0,
        p if p < frames(800) => 0.6,
        p if p < frames(1_000) => 1.4,
        p if p < frames(1_300) => 2.4,
        p if p < frames(1_800) => 3.0,
        _ => 3.4,
    };
    // In a silent queue silence follows everything.
    if e.music || e.ringback { waited } else { waited * 0.7 }
}

fn voice(e: &Evidence) -> f32 {
    // A second of a voice says little about whose it is, three seconds say much.
    let most = if e.novel < frames(1_600) { 0.8 } else { 2.2 };
    e.distance.map_or(0.0, |d| ((d - 5.5) * 0.6).clamp(-2.5, most))
}

fn beneath(e: &Evidence) -> f32 {
    if e.over_music > 0.5 { -4.0 * (e.over_music - 0.5) } else { 0.0 }
}

/// Drums and sung words look like a voice for a while, but not for sure.
fn certain(e: &Evidence) -> f32 {
    ((e.sure - 0.8) * 8.0).clamp(-3.0, 0.3)
}

fn rang(e: &Evidence) -> f32 {
    if e.ringback { 1.5 } else { 0.0 }
}

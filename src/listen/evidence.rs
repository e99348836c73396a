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
        // A word or two may be anything until the line has waited.
        if e.pause < frames(400) && e.novel < frames(1_200) {
            return Self::TOO_SOON + voice(e).min(0.0);
        }
        let unfinished = if e.pause < frames(400) { Self::UNFINISHED } else { 0.0 };
        Self::PRIOR
            + unfinished
            + overdue(e)
            + length(e)
            + waits(e)
            + voice(e)
            + beneath(e)
            + certain(e)
            + rang(e)
    }

    /// Most speech that is new in a hold is a recording heard for the first time.
    const PRIOR: f32 = -2.0;

    /// Who still speaks may yet turn out to be reading.
    const UNFINISHED: f32 = -0.7;

    /// Before the first pause, and before there is enough of a voice to know it by: worth a greeting, never a ring.
    const TOO_SOON: f32 = -3.0;

    /// Confidence for the whole `sum` and the reasons in words.
    pub fn explain(&self, e: &Evidence, sum: f32) -> (f32, String) {
        let mut words = String::from("speech not heard before");
        // Writing to a String cannot fail.
        let _ = match e.pause {
            p if p >= frames(400) => {
                write!(words, ", ended after {:.1} s and the line waits", seconds(e.span))
            }
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
        let odds = sum.clamp(-4.0, 4.0);
        (1.0 / (1.0 + (-odds - 0.5).exp()), words)
    }
}

/// A greeting is short. What has spoken for long without a pause reads a text.
fn length(e: &Evidence) -> f32 {
    match seconds(e.span) {
        _ if e.novel < 5 => -5.0,
        s if e.novel < 14 || s < 0.24 => -2.0,
        s if s < 3.6 => 0.3,
        s if s < 5.2 => -0.5,
        s if s < 7.0 => -1.2,
        _ => -2.1,
    }
}

/// Who has greeted waits for an answer; after a recording the music comes back, or the next sentence.
fn waits(e: &Evidence) -> f32 {
    const WAITED: [(f32, f32); 7] =
        [(0.0, 0.0), (0.5, 0.0), (0.7, 0.5), (0.9, 1.4), (1.15, 2.4), (1.55, 2.9), (2.2, 3.0)];
    let waited = curve(&WAITED, seconds(e.pause));
    // In a silent queue silence follows everything.
    if e.music || e.ringback { waited } else { waited * 0.9 }
}

/// The voice of this call's recordings speaks for one more of them; another voice for a person, the surer the longer it
/// is heard.
fn voice(e: &Evidence) -> f32 {
    const UNLIKE: [(f32, f32); 6] =
        [(2.0, -3.5), (4.0, -1.1), (5.5, 0.0), (8.0, 0.7), (10.0, 1.3), (13.0, 1.8)];
    let nats = e.distance.map_or(0.0, |d| curve(&UNLIKE, d));
    if nats > 0.0 { nats * (seconds(e.novel) / 2.2).min(1.0) } else { nats }
}

/// A voice that is not the recordings' has spoken for seconds: waiting for its pause would lose it.
fn overdue(e: &Evidence) -> f32 {
    let late = (3.4..6.2).contains(&seconds(e.span + e.pause)) && e.pause < frames(500);
    if late && e.novel > frames(1_200) && e.distance.is_some_and(|d| d > 5.5) { 0.6 } else { 0.0 }
}

fn beneath(e: &Evidence) -> f32 {
    if e.over_music > 0.5 { -4.0 * (e.over_music - 0.5) } else { 0.0 }
}

/// Drums and sung words look like a voice for a while, but not for sure.
fn certain(e: &Evidence) -> f32 {
    ((e.sure - 0.83) * 6.0).clamp(-3.2, 0.3)
}

fn rang(e: &Evidence) -> f32 {
    if e.ringback { 1.1 } else { 0.0 }
}

fn seconds(frames: u64) -> f32 {
    frames as f32 * 0.02
}

/// The value at `x` of a curve through points of rising `x`, level outside them.
fn curve(points: &[(f32, f32)], x: f32) -> f32 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return 0.0 };
    let step = points.windows(2).find(|w| x < w[1].0);
    match step {
        _ if x <= first.0 => first.1,
        Some(w) => w[0].1 + (w[1].1 - w[0].1) * (x - w[0].0) / (w[1].0 - w[0].0),
        None => last.1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// A greeting of two seconds after music, in a voice unlike the recordings', and a second of waiting.
    const AGENT: Evidence = Evidence {
        novel: 70,
        span: 100,
        pause: 50,
        distance: Some(10.0),
        over_music: 0.0,
        sure: 0.95,
        ringback: false,
        music: true,
    };

    #[test]
    fn each_evidence_points_its_way() {
        let weights = Weights::new(0.5);
        assert!(weights.sum(&AGENT) > weights.ring());
        let against = [
            Evidence { pause: 0, ..AGENT },
            Evidence { distance: Some(3.0), ..AGENT },
            Evidence { over_music: 0.9, ..AGENT },
            Evidence { sure: 0.5, ..AGENT },
            Evidence { span: 500, novel: 350, ..AGENT },
            Evidence { novel: 2, ..AGENT },
        ];
        for evidence in against {
            assert!(weights.sum(&evidence) < weights.ring(), "{evidence:?}");
        }
        assert!(weights.sum(&Evidence { ringback: true, ..AGENT }) > weights.sum(&AGENT));
    }

    #[test]
    fn the_knob_and_the_owner_move_the_threshold() {
        assert!(Weights::new(1.0).ring() < Weights::new(0.5).ring());
        assert!(Weights::new(0.0).ring() > Weights::new(0.5).ring());
        let mut taught = Weights::new(0.5);
        (0..100).for_each(|_| taught.more_careful());
        assert!(
            taught.ring() > Weights::new(0.5).ring() && taught.ring() < 4.0,
            "bounded: an agent is still heard"
        );
    }

    #[test]
    fn reasons_are_words() {
        let weights = Weights::new(0.5);
        let (confidence, words) = weights.explain(&AGENT, weights.sum(&AGENT));
        assert!(confidence > 0.5 && confidence < 1.0);
        assert_eq!(
            words,
            "speech not heard before, ended after 2.0 s and the line waits, unlike the recorded voices of this call"
        );
    }
}

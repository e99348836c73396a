//! What speaks for a person and what against, as weights in nats that add up, and the words for them.

use super::verdict::frames;
use serde::Serialize;
use std::fmt::Write;

/// What is known about one phrase at one moment. Times are frames of 20 ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Active frames not heard before in this call.
    pub novel: u64,
    /// From the phrase's begin to its last active frame.
    pub span: u64,
    /// Quiet since then.
    pub pause: u64,
    /// Distance to the nearest recorded voice of this call.
    pub distance: Option<f32>,
    /// How much music lies beneath or is sung, 0 to 1.
    pub over_music: f32,
    /// How surely it is a voice at all, 0 to 1.
    pub sure: f32,
    /// How much it sounds live rather than recorded, 0 to 1.
    pub live: f32,
    /// A phone rang just before, after the hold had begun.
    pub ringback: bool,
    /// Music was heard in this hold, so silence after a voice means something.
    pub music: bool,
    /// Another voice has taken over from the one that spoke just before.
    pub another: bool,
    /// It spoke on through our greeting.
    pub talked_on: bool,
    /// What its reaction to our greeting is worth, nats, and the reason in words.
    pub reaction: (f32, &'static str),
    /// What its words are worth, nats; 0 while they are not known.
    pub words: f32,
}

/// What one kind of evidence adds to the sum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Term {
    /// What it is about.
    pub name: &'static str,
    /// Nats for a person; against one when negative.
    pub nats: f32,
}

/// Number of terms.
pub const TERMS: usize = 13;

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
        self.careful - 0.6
    }

    /// The sum that is worth a greeting: speaking to a recording costs nothing.
    pub fn hope(&self) -> f32 {
        -4.5 + self.careful * 0.5
    }

    /// Confidence for the whole `sum` and the reasons in words, each with its weight.
    pub fn explain(&self, e: &Evidence, sum: f32) -> (f32, String) {
        let mut words = String::new();
        // Writing to a String cannot fail.
        let _ = match e.pause {
            _ if e.reaction.0 > 0.0 => {
                write!(words, "{} ({:+.1}): speech not heard before", e.reaction.1, e.reaction.0)
            }
            p if p >= WAITS => write!(
                words,
                "speech not heard before, ended after {:.1} s and the line waits ({:+.1})",
                seconds(e.span),
                waits(e)
            ),
            _ => write!(words, "speech not heard before for {:.1} s", seconds(e.span)),
        };
        let compared = if e.distance.is_some() { voice(e) } else { 0.0 };
        for (nats, good, bad) in [
            (
                compared,
                "unlike the recorded voices of this call",
                "though like a recorded voice of this call",
            ),
            (live(e), "sounds live", "though it sounds recorded"),
            (takes_over(e), "in another voice than just before", ""),
            (rang(e), "after a phone rang", ""),
            (beneath(e), "", "though music lies beneath"),
            (length(e), "", "though long for a greeting"),
            (talked_on(e), "", "though it spoke on through our greeting"),
            (e.words, "in a person's words", "though in a recording's words"),
        ] {
            let reason = if nats > 0.4 { good } else { bad };
            if nats.abs() > 0.4 && !reason.is_empty() {
                let _ = write!(words, ", {reason} ({nats:+.1})");
            }
        }
        let odds = sum.clamp(-4.0, 4.0);
        (1.0 / (1.0 + (-odds - 0.5).exp()), words)
    }
}

/// Quiet that is no breath.
const WAITS: u64 = frames(400);
/// Most speech that is new in a hold is a recording heard for the first time.
const PRIOR: f32 = -0.8;
/// Who still speaks may yet turn out to be reading.
const UNFINISHED: f32 = -2.0;
/// Before the first pause, and before there is enough of a voice to know it by: worth a greeting, never a ring.
const TOO_SOON: f32 = -4.0;

/// Every term, in the order in which a picture shows them.
pub fn terms(e: &Evidence) -> [Term; TERMS] {
    let term = |name, nats| Term { name, nats };
    // A word or two may be anything until the line has waited.
    let soon = e.pause < WAITS && e.novel < frames(1_200);
    let unfinished = if e.pause < WAITS { UNFINISHED } else { 0.0 };
    [
        term("prior", PRIOR),
        term("unfinished", if soon { TOO_SOON } else { unfinished }),
        term("length", length(e)),
        term("waits", waits(e)),
        term("voice", voice(e)),
        term("live", live(e)),
        term("takes over", takes_over(e)),
        term("music beneath", beneath(e)),
        term("a voice at all", certain(e)),
        term("phone rang", rang(e)),
        term("talked on", talked_on(e)),
        term("reaction", e.reaction.0),
        term("words", e.words),
    ]
}

/// Nats for a person.
pub fn sum(e: &Evidence) -> f32 {
    terms(e).iter().map(|t| t.nats).sum()
}

/// A greeting is short. What has spoken for long without a pause reads a text.
fn length(e: &Evidence) -> f32 {
    const LONG: [(f32, f32); 6] =
        [(0.3, 0.2), (2.6, 0.2), (3.6, -0.6), (4.6, -1.2), (6.0, -2.4), (8.0, -3.0)];
    match seconds(e.span) {
        _ if e.novel < 5 => -5.0,
        s if e.novel < 14 || s < 0.24 => -2.0,
        s => curve(&LONG, s),
    }
}

/// Who has greeted waits for an answer; after a recording the music comes back, or the next sentence.
fn waits(e: &Evidence) -> f32 {
    const WAITED: [(f32, f32); 7] =
        [(0.4, -1.5), (0.55, -0.6), (0.7, 0.6), (0.9, 1.4), (1.2, 1.9), (1.6, 2.4), (2.2, 3.0)];
    match e.pause {
        p if p < WAITS => 0.0,
        p if e.music || e.ringback => curve(&WAITED, seconds(p)),
        // In a silent queue silence follows everything.
        p => curve(&[(0.4, -1.5), (0.8, -0.3), (2.5, 0.4)], seconds(p)),
    }
}

/// The voice of this call's recordings speaks for one more of them; another voice for a person, the surer the longer it
/// is heard.
fn voice(e: &Evidence) -> f32 {
    const UNLIKE: [(f32, f32); 6] =
        [(3.0, -3.2), (4.0, -2.2), (5.5, -0.6), (6.5, 0.0), (8.0, 0.6), (11.0, 0.9)];
    match e.distance {
        None => UNKNOWN,
        Some(d) if d > 6.5 => UNKNOWN + (curve(&UNLIKE, d) - UNKNOWN) * (seconds(e.novel) / 1.6).min(1.0),
        Some(d) => curve(&UNLIKE, d),
    }
}

/// A voice that cannot be compared: too little was heard of it, or it is the first of the call.
const UNKNOWN: f32 = -0.9;

/// How it sounds is a hint only: the studios that the network knows are few, and a new one sounds live to it.
fn live(e: &Evidence) -> f32 {
    const SOUNDS: [(f32, f32); 4] = [(0.1, -1.2), (0.3, -0.5), (0.6, 0.0), (0.9, 0.4)];
    curve(&SOUNDS, e.live) * (seconds(e.novel) / 1.5).min(1.0)
}

/// Announcements keep their speaker.
fn takes_over(e: &Evidence) -> f32 {
    if e.another { 0.3 } else { 0.0 }
}

fn beneath(e: &Evidence) -> f32 {
    if e.over_music > 0.3 { -7.0 * (e.over_music - 0.3) } else { 0.0 }
}

/// Drums and sung words look like a voice for a while, but not for sure.
fn certain(e: &Evidence) -> f32 {
    ((e.sure - 0.88) * 5.0).clamp(-3.2, 0.4)
}

fn rang(e: &Evidence) -> f32 {
    if e.ringback { 1.5 } else { 0.0 }
}

/// Who is spoken to stops; but some finish their sentence first.
fn talked_on(e: &Evidence) -> f32 {
    if e.talked_on { -1.8 } else { 0.0 }
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

    /// A greeting of two seconds after music, in a voice unlike the recordings', and a second and a half of waiting.
    const AGENT: Evidence = Evidence {
        novel: 70,
        span: 100,
        pause: 75,
        distance: Some(10.0),
        over_music: 0.0,
        sure: 0.95,
        live: 0.5,
        ringback: false,
        music: true,
        another: false,
        talked_on: false,
        reaction: (0.0, ""),
        words: 0.0,
    };

    #[test]
    fn each_evidence_points_its_way() {
        let ring = Weights::new(0.5).ring();
        assert!(sum(&AGENT) > ring);
        let against = [
            Evidence { pause: 0, ..AGENT },
            Evidence { distance: Some(3.0), ..AGENT },
            Evidence { over_music: 0.9, ..AGENT },
            Evidence { sure: 0.2, ..AGENT },
            Evidence { span: 500, novel: 350, live: 0.2, ..AGENT },
            Evidence { novel: 2, ..AGENT },
            Evidence { music: false, distance: None, ..AGENT },
            Evidence { distance: None, live: 0.1, talked_on: true, ..AGENT },
            Evidence { words: -4.0, ..AGENT },
        ];
        for evidence in against {
            assert!(sum(&evidence) < ring, "{evidence:?}");
        }
        let more = [
            Evidence { ringback: true, ..AGENT },
            Evidence { live: 0.9, ..AGENT },
            Evidence { another: true, ..AGENT },
            Evidence { reaction: (3.0, ""), ..AGENT },
            Evidence { words: 2.6, ..AGENT },
        ];
        for evidence in more {
            assert!(sum(&evidence) > sum(&AGENT), "{evidence:?}");
        }
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
    fn reasons_are_words_with_their_weights() {
        let (confidence, words) = Weights::new(0.5).explain(&AGENT, sum(&AGENT));
        assert!(confidence > 0.5 && confidence < 1.0);
        let begins = "speech not heard before, ended after 2.0 s and the line waits (+2.";
        assert!(words.starts_with(begins), "{words}");
        assert!(words.contains(", unlike the recorded voices of this call (+"), "{words}");
    }
}

//! Person or recording: evidence over time, with its reasons.

use super::ear::Moment;
use super::listener::Settings;
use super::memory::Memory;
use super::{Heard, Sound};
use crate::units::Tick;

/// Frames in so many milliseconds.
const fn frames(ms: u64) -> u64 {
    ms / 20
}

/// The speech that goes on, or has just ended.
#[derive(Clone, Copy, Debug)]
struct Turn {
    began: Tick,
    /// Where speech not heard before began: the turn's start, or the end of the last known part.
    novel_from: Tick,
    /// Active frames since `novel_from`.
    novel: u64,
    /// Last active frame.
    last: Tick,
    /// A part of it was heard before in this call.
    known: bool,
    /// Perhaps was said.
    perhaps: bool,
    /// A verdict stands.
    judged: Option<bool>,
    over_music: f32,
}

/// What the box's own voice is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Greeting {
    None,
    Speaking { since: Tick },
    Done { since: Tick, until: Tick },
}

/// The verdict machine of one leg.
pub struct Verdict {
    settings: Settings,
    turn: Option<Turn>,
    greeting: Greeting,
    now: Tick,
    /// A sound of waiting was heard: from here on a voice means something.
    holding: bool,
    before: Sound,
    before_since: Tick,
    /// Person was said and not taken back.
    person: bool,
}

impl Verdict {
    /// Nothing heard yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            turn: None,
            greeting: Greeting::None,
            now: Tick(0),
            holding: false,
            before: Sound::Silence,
            before_since: Tick(0),
            person: false,
        }
    }

    /// The box began or stopped speaking.
    pub fn speaking(&mut self, speaking: bool) {
        self.greeting = match (speaking, self.greeting) {
            (true, _) => Greeting::Speaking { since: self.now },
            (false, Greeting::Speaking { since }) => Greeting::Done { since, until: self.now },
            (false, other) => other,
        };
    }

    /// The owner says that it was a recording.
    pub fn was_recording(&mut self) {
        self.person = false;
        self.greeting = Greeting::None;
        if let Some(turn) = &mut self.turn {
            turn.judged = Some(false);
            turn.known = true;
        }
    }

    /// True while the speech that is heard is known or judged to be a recording.
    pub fn is_recording(&self) -> bool {
        self.turn.is_some_and(|t| t.judged == Some(false) || (t.known && t.novel < frames(1_000)))
    }

    /// Weighs one frame.
    pub fn hear(&mut self, at: Tick, moment: &Moment, memory: &mut Memory) -> Option<Heard> {
        self.now = at;
        let speech = moment.sound == Sound::Speech;
        if speech {
            return self.speech(at, moment, memory);
        }
        let heard = self.other(at, moment, memory);
        if moment.sound != self.before {
            self.before = moment.sound;
            self.before_since = moment.since;
        }
        let lasted = at.since(self.before_since);
        self.holding |= match self.before {
            Sound::Music | Sound::Silence | Sound::Noise => lasted >= frames(3_000),
            Sound::Ringback => lasted >= frames(1_000),
            _ => false,
        };
        heard
    }

    fn speech(&mut self, at: Tick, moment: &Moment, memory: &mut Memory) -> Option<Heard> {
        memory.hear(moment.print, moment.active);
        let turn = self.turn.get_or_insert(Turn {
            began: moment.since,
            novel_from: moment.since,
            novel: at.since(moment.since),
            last: at,
            known: false,
            perhaps: false,
            judged: None,
            over_music: 0.0,
        });
        if moment.active {
            turn.novel += 1;
            turn.last = at;
        }
        turn.over_music += (moment.classes.over_music - turn.over_music) * 0.02;
        if memory.known() {
            turn.known = true;
            turn.novel = 0;
            turn.novel_from = at;
        }
        self.judge(at)
    }

    /// Sound other than speech: the turn waits for an answer, or is over.
    fn other(&mut self, at: Tick, moment: &Moment, memory: &mut Memory) -> Option<Heard> {
        let turn = self.turn?;
        match moment.sound {
            Sound::Silence | Sound::Noise if at.since(turn.last) < frames(2_500) => self.judge(at),
            Sound::Silence | Sound::Noise => {
                self.finish(memory);
                None
            }
            _ => {
                self.finish(memory);
                self.greeting = Greeting::None;
                let rung = self.person || turn.perhaps && turn.judged.is_none();
                self.person = false;
                let reason = format!(
                    "{} came back {:.1} s after the voice",
                    name(moment.sound),
                    seconds(moment.since.since(turn.last))
                );
                rung.then_some(Heard::Recording { at, reason })
            }
        }
    }

    fn finish(&mut self, memory: &mut Memory) {
        memory.learn();
        self.turn = None;
    }

    fn judge(&mut self, at: Tick) -> Option<Heard> {
        let turn = self.turn.as_mut()?;
        if self.person || turn.judged.is_some() {
            return None;
        }
        let wait = at.since(turn.last);
        let span = turn.last.since(turn.novel_from);
        let enough = frames(300);
        if !self.holding || turn.novel < enough {
            return None;
        }
        if wait >= frames(800) && span <= frames(5_000) {
            turn.judged = Some(true);
            self.person = true;
            let reason =
                format!("speech not heard before, ended after {:.1} s, and the line waits", seconds(span));
            return Some(Heard::Person { at, confidence: 0.8, reason });
        }
        if !turn.perhaps && turn.novel >= frames(900) {
            turn.perhaps = true;
            let _ = self.settings;
            return Some(Heard::Perhaps {
                at,
                confidence: 0.5,
                reason: "speech not heard before in this call".into(),
            });
        }
        None
    }
}

fn seconds(frames: u64) -> f32 {
    frames as f32 * 0.02
}

fn name(sound: Sound) -> &'static str {
    match sound {
        Sound::Silence => "silence",
        Sound::Noise => "noise",
        Sound::Ringback => "ringing",
        Sound::Busy => "the busy tone",
        Sound::Tone | Sound::Dtmf => "a tone",
        Sound::Music => "music",
        Sound::Announcement | Sound::Speech => "speech",
    }
}

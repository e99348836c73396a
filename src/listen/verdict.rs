//! Person or recording: evidence over time, with its reasons.
//!
//! Speech is cut into *turns* (from one sound of waiting to the next) and turns into *phrases* (from one pause to the
//! next). Each phrase gathers [`Evidence`]; the sum decides. Three things do not depend on the studio and weigh most:
//! whether the phrase was heard before, whether the line then waits, and what the voice does when the box speaks to it.

use super::challenge::{Challenge, Reaction};
use super::ear::Moment;
use super::evidence::{Evidence, Weights};
use super::listener::Settings;
use super::memory::Memory;
use super::voice::{Recorded, Voice};
use super::{Heard, Sound};
use crate::units::Tick;

/// Frames in so many milliseconds.
pub(super) const fn frames(ms: u64) -> u64 {
    ms / 20
}

/// A pause this long begins a new phrase.
const PHRASE_PAUSE: u64 = frames(500);
/// Silence this long after a turn ends it.
const TURN_PAUSE: u64 = frames(3_000);
/// The same after the box has spoken: an answer may take its time.
const ANSWER_PAUSE: u64 = frames(8_000);
/// Music must go on this long before it ends a turn: a vowel held for a moment is no music.
const MUSIC_BACK: u64 = frames(500);
/// After such a pause another may have taken over: what was judged of the voice before does not bind.
const SECOND_THOUGHT: u64 = frames(900);
/// The shortest pause between a recording and the agent who follows it.
const HANDOVER: u64 = frames(240);
/// Distance from all recorded voices at which a phrase after a recording is another's.
const ANOTHER: f32 = 8.0;
/// Active speech not heard before that is worth a greeting.
const PERHAPS: u64 = frames(800);
/// Known speech followed by this much that is not known: another voice has taken over.
const NOVEL_AGAIN: u64 = frames(900);
/// After a ring, so much other sound makes the next voice a new one.
const RING_STANDS: u64 = frames(10_000);

/// The speech that goes on, or has just ended.
#[derive(Clone, Copy, Debug)]
struct Turn {
    began: Tick,
    phrase: Phrase,
    /// Last frame in which the voice was active.
    last: Tick,
    /// A part of it was heard before in this call.
    known: bool,
    perhaps: Option<Tick>,
    /// Judged a recording: nothing more to decide.
    recording: bool,
}

/// Speech between two pauses.
#[derive(Clone, Copy, Debug)]
struct Phrase {
    began: Tick,
    /// Active frames not heard before, since `began` or since the last known part.
    novel: u64,
    voice: Voice,
    over_music: f32,
    /// Sum over the novel frames of the classifier's certainty that this is a voice.
    sure: f32,
    /// The frames of that sum.
    weighed: f32,
}

impl Phrase {
    fn at(began: Tick) -> Self {
        Self { began, novel: 0, voice: Voice::default(), over_music: 0.0, sure: 0.0, weighed: 0.0 }
    }
}

/// The verdict machine of one leg.
pub struct Verdict {
    weights: Weights,
    turn: Option<Turn>,
    greeting: Option<Challenge>,
    recorded: Recorded,
    now: Tick,
    /// A sound of waiting was heard: from here on a voice means something.
    holding: bool,
    /// A voice was heard: before that, silence is only the network at work.
    spoken: bool,
    /// Music was heard: its return is expected after a recording.
    music: bool,
    ringback: Option<Tick>,
    other: (Sound, Tick),
    /// When Person was said, while it stands.
    person: Option<Tick>,
}

impl Verdict {
    /// Nothing heard yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            weights: Weights::new(settings.eagerness),
            turn: None,
            greeting: None,
            recorded: Recorded::default(),
            now: Tick(0),
            holding: false,
            spoken: false,
            music: false,
            ringback: None,
            other: (Sound::Silence, Tick(0)),
            person: None,
        }
    }

    /// The box began or stopped speaking. Once a person was found, what the box says is no question any more.
    pub fn speaking(&mut self, speaking: bool) {
        let pause = self.turn.map_or(u64::MAX, |t| self.now.since(t.last));
        match (speaking, &mut self.greeting) {
            (true, greeting) if self.person.is_none() => {
                *greeting = Some(Challenge::begin(self.now, self.turn.is_none()));
            }
            (true, _) => {}
            (false, Some(challenge)) => challenge.end(self.now, pause),
            (false, None) => {}
        }
    }

    /// The owner says that it was a recording.
    pub fn was_recording(&mut self) {
        self.person = None;
        self.greeting = None;
        if let Some(turn) = &mut self.turn {
            turn.recording = true;
            self.recorded.learn(&turn.phrase.voice);
        }
        self.weights.more_careful();
    }

    /// True while the speech that is heard is known or judged to be a recording.
    pub fn is_recording(&self) -> bool {
        !self.holding || self.turn.is_some_and(|t| t.recording || (t.known && t.phrase.novel < NOVEL_AGAIN))
    }

    /// Weighs one frame.
    pub fn hear(&mut self, at: Tick, moment: &Moment, memory: &mut Memory) -> Option<Heard> {
        self.now = at;
        if moment.sound == Sound::Speech {
            return self.speech(at, moment, memory);
        }
        if moment.sound != self.other.0 {
            self.other = (moment.sound, moment.since);
        }
        let lasted = at.since(self.other.1);
        match self.other.0 {
            Sound::Music => {
                let enough = if self.spoken { frames(2_000) } else { frames(6_000) };
                self.music |= lasted >= enough;
                self.holding |= lasted >= enough;
            }
            Sound::Silence | Sound::Noise => self.holding |= self.spoken && lasted >= frames(3_000),
            Sound::Ringback if lasted >= frames(600) => {
                // The first ringing of a call says nothing; ringing after any sound of waiting does.
                self.holding |= self.spoken;
                self.ringback = self.holding.then_some(at);
            }
            _ => {}
        }
        self.waiting(at, moment, memory)
    }

    fn speech(&mut self, at: Tick, moment: &Moment, memory: &mut Memory) -> Option<Heard> {
        let loud = moment.active;
        self.other = (Sound::Speech, at);
        self.spoken = true;
        memory.hear(moment.look.print, loud);
        let began = moment.since;
        let turn = self.turn.get_or_insert_with(|| Turn {
            began,
            phrase: Phrase { novel: at.since(began).min(frames(600)), ..Phrase::at(began) },
            last: at,
            known: false,
            perhaps: None,
            recording: false,
        });
        if self.person.is_some_and(|p| turn.began.since(p) > RING_STANDS) {
            self.person = None;
        }
        if loud {
            let pause = at.since(turn.last);
            if pause >= PHRASE_PAUSE || turn.recording && pause >= HANDOVER {
                if turn.known || turn.recording {
                    self.recorded.learn(&turn.phrase.voice);
                }
                turn.phrase = Phrase::at(at);
                if pause >= SECOND_THOUGHT {
                    (turn.recording, turn.known, turn.perhaps) = (false, false, None);
                }
            }
            turn.last = at;
            if turn.recording && self.recorded.distance(&turn.phrase.voice).is_some_and(|d| d > ANOTHER) {
                // An agent comes in on the heels of the recording.
                (turn.recording, turn.perhaps) = (false, None);
            }
            turn.phrase.novel += 1;
            turn.phrase.voice.add(&moment.look);
            turn.phrase.sure += moment.classes.speech + moment.classes.over_music;
            turn.phrase.weighed += 1.0;
            turn.phrase.over_music += (moment.classes.over_music - turn.phrase.over_music) * 0.03;
        }
        if memory.known() {
            turn.known = true;
            // What follows may be another voice: it begins without what was said before.
            self.recorded.learn(&turn.phrase.voice);
            turn.phrase = Phrase::at(at);
        }
        self.judge(at, loud, at.since(self.turn?.last))
    }

    /// Sound other than speech: the line waits for an answer, or the turn is over.
    fn waiting(&mut self, at: Tick, moment: &Moment, memory: &mut Memory) -> Option<Heard> {
        let still = matches!(moment.sound, Sound::Silence | Sound::Noise);
        let Some(turn) = self.turn else {
            return if still { None } else { self.music_back(at, moment) };
        };
        let pause = at.since(turn.last);
        let patience = if self.greeting.is_some() { ANSWER_PAUSE } else { TURN_PAUSE };
        if still && pause < patience {
            // Something sounds again and its class is not yet clear: hold the verdict back.
            if moment.active {
                return None;
            }
            return self.judge(at, false, pause);
        }
        if still {
            self.finish(memory, !self.holding);
            return None;
        }
        if at.since(moment.since) < MUSIC_BACK && moment.sound == Sound::Music {
            return None;
        }
        let rung = self.person.is_some() || turn.perhaps.is_some() && !turn.recording;
        self.finish(memory, moment.sound == Sound::Music);
        self.end_of_hope(rung.then(|| {
            let pause = moment.since.since(turn.last) as f32 * 0.02;
            Heard::Recording {
                at,
                reason: format!("{} came back {pause:.1} s after the voice", name(moment.sound)),
            }
        }))
    }

    /// After the turn: music that comes back takes a ring back.
    fn music_back(&mut self, at: Tick, moment: &Moment) -> Option<Heard> {
        let hoped = self.person.is_some() || self.greeting.is_some();
        let lasting = moment.sound == Sound::Music && at.since(moment.since) >= frames(1_000);
        if !hoped || !lasting {
            return None;
        }
        self.end_of_hope(Some(Heard::Recording { at, reason: "music came back".into() }))
    }

    fn end_of_hope(&mut self, heard: Option<Heard>) -> Option<Heard> {
        if heard.is_some() {
            self.person = None;
            self.greeting = None;
        }
        heard
    }

    fn finish(&mut self, memory: &mut Memory, recording: bool) {
        memory.learn();
        if let Some(turn) = self.turn.take()
            && (recording || turn.known || turn.recording)
        {
            self.recorded.learn(&turn.phrase.voice);
        }
    }

    /// What the far end does when the box speaks to it: nats for a person, or the end of the hope.
    fn challenge(&mut self, at: Tick, loud: bool, pause: u64) -> Result<(f32, &'static str), Heard> {
        let Some(challenge) = &mut self.greeting else { return Ok((0.0, "")) };
        match challenge.hear(at, loud, pause) {
            Reaction::Open => Ok((0.0, "")),
            Reaction::Lives(nats, words) => Ok((nats, words)),
            Reaction::Over => {
                self.greeting = None;
                Ok((0.0, ""))
            }
            Reaction::TalksOn => {
                self.greeting = None;
                self.person = None;
                if let Some(turn) = &mut self.turn {
                    turn.recording = true;
                    self.recorded.learn(&turn.phrase.voice);
                }
                Err(Heard::Recording { at, reason: "spoke on through our greeting: a recording".into() })
            }
        }
    }

    fn person(&mut self, at: Tick, confidence: f32, reason: String) -> Option<Heard> {
        self.person = Some(at);
        self.greeting = None;
        Some(Heard::Person { at, confidence, reason })
    }

    /// The evidence of the phrase as it stands.
    fn judge(&mut self, at: Tick, loud: bool, pause: u64) -> Option<Heard> {
        let (reaction, words) = match self.challenge(at, loud, pause) {
            Ok(reaction) => reaction,
            Err(recording) => return Some(recording),
        };
        let turn = self.turn.as_ref()?;
        if self.person.is_some() || turn.recording || !self.holding {
            return None;
        }
        let phrase = &turn.phrase;
        if turn.known && phrase.novel < NOVEL_AGAIN {
            return None;
        }
        let evidence = Evidence {
            novel: phrase.novel,
            span: turn.last.since(phrase.began),
            pause,
            distance: self.recorded.distance(&phrase.voice),
            over_music: phrase.over_music,
            sure: if phrase.weighed > 0.0 { phrase.sure / phrase.weighed } else { 0.0 },
            ringback: self.ringback.is_some_and(|r| turn.began.since(r) < frames(6_000)),
            music: self.music,
        };
        let sum = self.weights.sum(&evidence) + reaction;
        // While the far end speaks and the box has greeted it, its reaction will tell better than its voice.
        let open = self.greeting.is_some() && reaction == 0.0 && pause < PHRASE_PAUSE;
        if sum >= self.weights.ring() && !open {
            let (confidence, mut reason) = self.weights.explain(&evidence, sum);
            if reaction > 0.0 {
                reason = format!("{words}: {reason}");
            }
            return self.person(at, confidence, reason);
        }
        let turn = self.turn.as_mut()?;
        if turn.perhaps.is_none() && evidence.novel >= PERHAPS && sum >= self.weights.hope() {
            turn.perhaps = Some(at);
            let (confidence, reason) = self.weights.explain(&evidence, sum);
            return Some(Heard::Perhaps { at, confidence, reason });
        }
        None
    }
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

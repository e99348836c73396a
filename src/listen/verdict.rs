//! Person or recording: evidence over time, with its reasons.
//!
//! Speech is cut into *turns* (from one sound of waiting to the next) and turns into *phrases* (from one pause to the
//! next). Each phrase gathers [`Evidence`]; the sum decides. Three things do not depend on the studio and weigh most:
//! whether the phrase was heard before, whether the line then waits, and what the voice does when the box speaks to it.

use super::challenge::{Challenge, Reaction};
use super::ear::Moment;
use super::evidence::{Evidence, Weights, sum, terms};
use super::listener::Settings;
use super::memory::Memory;
use super::spoken::{OVERLAP, Spoken};
use super::voice::{Recorded, Voice};
use super::words::{Language, wording};
use super::{Heard, Sound, Weighs};
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
const HANDOVER: u64 = frames(160);
/// Distance at which what follows a pause is another's voice.
const ANOTHER: f32 = 8.5;
/// Who spoke on through our greeting and then waits so long is worth another.
const GREET_AGAIN: u64 = frames(1_000);
/// Nobody is quiet for so long who has something to say.
const APART: u64 = frames(10_000);
/// Our own words come back from the line at least so much beneath the voice at the other end.
const ECHO_DB: f32 = 12.0;
/// A voice is not so faint for so long.
const FAINT: u64 = frames(1_200);
/// Active speech not heard before that is worth a greeting.
const PERHAPS: u64 = frames(800);
/// Known speech followed by this much that is not known: another voice has taken over.
const NOVEL_AGAIN: u64 = frames(900);
/// What more it takes to ring while our greeting has found out nothing yet.
const UNANSWERED: f32 = 1.0;
/// Share of power in two lines above which a frame is a ringing tone's: few vowels are so pure just there.
const TONE: f32 = 0.93;
/// Where ringing and busy tones lie.
const RINGS_HZ: core::ops::Range<f32> = 380.0..500.0;
/// The same hold does not ring twice within this time.
const RINGS_AGAIN: u64 = frames(2_000);
/// Active frames that are speech for sure.
const SPOKEN: u64 = frames(1_200);
/// Words of this worth are a machine's, whatever the voice.
const MACHINE: f32 = -2.4;
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
    /// The owner said that it is a recording: nothing more to decide.
    recording: bool,
    /// It spoke on through our greeting.
    talked_on: bool,
    /// What follows the last short pause, and the voice before it: perhaps another's.
    fresh: Option<(Phrase, Voice)>,
}

impl Turn {
    fn at(began: Tick, now: Tick) -> Self {
        let novel = now.since(began).min(frames(600));
        Self {
            began,
            phrase: Phrase { novel, ..Phrase::at(began) },
            last: now,
            known: false,
            perhaps: None,
            recording: false,
            talked_on: false,
            fresh: None,
        }
    }
}

/// Speech between two pauses.
#[derive(Clone, Copy, Debug)]
struct Phrase {
    began: Tick,
    /// Active frames not heard before, since `began` or since the last known part.
    novel: u64,
    voice: Voice,
    /// Smoothed: music beneath, or song.
    over_music: f32,
    /// Sums over the novel frames: certainty that this is a voice, and that it is a live one, and the weight of that.
    sure: f32,
    live: f32,
    weighed: f32,
    clean: f32,
    /// It took over from another voice.
    another: bool,
}

impl Phrase {
    fn at(began: Tick) -> Self {
        let voice = Voice::default();
        Self {
            began,
            novel: 0,
            voice,
            over_music: 0.0,
            sure: 0.0,
            live: 0.0,
            weighed: 0.0,
            clean: 0.0,
            another: false,
        }
    }

    /// Adds an active frame. A tone whose cadence is not known yet is no voice.
    fn add(&mut self, moment: &Moment) {
        let lines = &moment.look.lines;
        if lines.share > TONE && RINGS_HZ.contains(&lines.first_hz) {
            return;
        }
        let c = &moment.classes;
        self.novel += 1;
        self.voice.add(&moment.look);
        self.sure += c.speech + c.over_music;
        self.weighed += 1.0;
        self.live += c.live * c.speech;
        self.clean += c.speech;
        self.over_music += (c.over_music + c.vocals - self.over_music) * 0.03;
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
    /// Where the speech began that no music, ringing or long quiet has parted since; and that it is parted from what comes.
    stretch: Tick,
    apart: bool,
    /// The box speaks.
    speaks: bool,
    /// Level of the far voice, which forgets 3 dB a second.
    level_dbm0: f32,
    /// Last frame at about this level.
    strong: Tick,
    /// When Person was said, while it stands.
    person: Option<Tick>,
    /// What the far end's reaction to our greeting is worth just now, and why.
    reaction: (f32, &'static str),
    /// When the phrase began that caused the last hope or ring.
    judged: Tick,
    /// What the voice has said, and the language and the owner's name to know it by.
    said: Spoken,
    language: Language,
    owner: String,
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
            stretch: Tick(0),
            apart: true,
            speaks: false,
            level_dbm0: f32::NEG_INFINITY,
            strong: Tick(0),
            person: None,
            reaction: (0.0, ""),
            judged: Tick(0),
            said: Spoken::default(),
            language: settings.words.unwrap_or_default(),
            owner: settings.owner,
        }
    }

    /// The box began or stopped speaking. Once a person was found, what the box says is no question any more.
    pub fn speaking(&mut self, speaking: bool) {
        let pause = self.turn.map_or(u64::MAX, |t| self.quiet(self.now.since(t.last)));
        self.speaks = speaking;
        match (speaking, &mut self.greeting) {
            (true, greeting) if self.person.is_none() => {
                *greeting = Some(Challenge::begin(self.now, self.turn.is_none()));
            }
            (true, _) => {}
            (false, Some(challenge)) => challenge.end(self.now, pause),
            (false, None) => {}
        }
    }

    /// The owner says that it was a recording. Whatever was hoped is taken back.
    pub fn was_recording(&mut self) -> Option<Heard> {
        let hoped = self.person.take().is_some() | self.greeting.take().is_some();
        if let Some(turn) = &mut self.turn {
            turn.recording = true;
            self.recorded.learn(&turn.phrase.voice);
        }
        self.weights.more_careful();
        hoped.then(|| Heard::Recording { at: self.now, reason: "you said that it was a recording".into() })
    }

    /// The owner says that it is a person.
    pub fn was_person(&mut self) -> Option<Heard> {
        let reason = "you said that it is a person".into();
        self.person.is_none().then(|| self.person(self.now, 1.0, reason))?
    }

    /// The owner has talked to the person, and the line is held again.
    pub fn met(&mut self) {
        (self.person, self.greeting, self.turn) = (None, None, None);
        self.said.another(self.now);
        self.apart = true;
    }

    /// Since when the one may have spoken who was judged last: since the last sound of waiting or a long quiet.
    pub fn voice_began(&self) -> Tick {
        self.stretch
    }

    /// What was said from `from` to before `to` is known now: it counts for the voice that is judged, and takes back a ring
    /// that was for a machine's words.
    pub fn words(&mut self, from: Tick, to: Tick, text: &str) -> Option<Heard> {
        self.said.add(to, text, self.language, &self.owner);
        let alone = wording(text, self.language, &self.owner);
        let hoped = self.person.or(self.turn.and_then(|turn| turn.perhaps))?;
        // Of whom was judged: neither of who spoke before nor of who came after.
        if from > hoped || to.since(self.judged) <= OVERLAP || alone.nats > MACHINE {
            return None;
        }
        let reason = format!("a recording's words: \"{}\"", alone.phrase);
        if let Some(turn) = &mut self.turn {
            turn.recording = true;
            self.recorded.learn(&turn.phrase.voice);
        }
        self.person = None;
        self.greeting = None;
        Some(Heard::Recording { at: self.now, reason })
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
        self.apart |= match self.other.0 {
            Sound::Music | Sound::Ringback => lasted >= frames(600),
            _ => lasted >= APART,
        };
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
        self.follow_level(at, moment);
        self.other = (Sound::Speech, at);
        // The first blow of a ringing tone may be taken for a word.
        self.spoken |= self.turn.is_some_and(|t| t.phrase.novel > SPOKEN);
        memory.hear(at, moment.look.print, loud);
        let began = moment.since;
        if core::mem::take(&mut self.apart) {
            self.stretch = began;
        }
        let turn = self.turn.get_or_insert_with(|| Turn::at(began, at));
        if self.person.is_some_and(|p| turn.began.since(p) > RING_STANDS) {
            self.person = None;
        }
        if loud {
            let pause = at.since(turn.last);
            turn.last = at;
            if pause >= PHRASE_PAUSE {
                self.next_phrase(at, pause);
            } else if pause >= HANDOVER {
                turn.fresh = Some((Phrase::at(at), turn.phrase.voice));
            }
            self.add(moment);
        }
        if memory.known()
            && let Some(turn) = &mut self.turn
        {
            turn.known = true;
            // What follows may be another voice: it begins without what was said before.
            self.said.another(at);
            self.recorded.learn(&turn.phrase.voice);
            turn.phrase = Phrase::at(at);
            turn.fresh = None;
        }
        self.judge(at, loud, at.since(self.turn?.last))
    }

    /// While the box speaks, what is so much fainter than the voice was may be our own words.
    fn follow_level(&mut self, at: Tick, moment: &Moment) {
        let level = moment.look.level_dbm0;
        if !self.speaks {
            self.level_dbm0 = (self.level_dbm0 - 0.06).max(level);
        }
        if moment.active && level >= self.level_dbm0 - ECHO_DB {
            self.strong = at;
        }
    }

    /// Frames since the far end was heard for sure, if it was active last so many ago: what is faint for long is our echo.
    fn quiet(&self, pause: u64) -> u64 {
        let faint = self.now.since(self.strong);
        if faint >= FAINT { pause.max(faint) } else { pause }
    }

    /// A pause has ended that parts two phrases.
    fn next_phrase(&mut self, at: Tick, pause: u64) {
        let Some(turn) = &mut self.turn else { return };
        if turn.known || turn.recording {
            self.recorded.learn(&turn.phrase.voice);
        }
        turn.fresh = Some((Phrase::at(at), turn.phrase.voice));
        turn.phrase = Phrase::at(at);
        self.said.another(at);
        if pause >= SECOND_THOUGHT {
            (turn.recording, turn.known, turn.perhaps, turn.talked_on) = (false, false, None, false);
        }
    }

    /// Adds an active frame to the phrase, and sees whether another has taken over since the last pause: an agent comes in
    /// on the heels of the recording.
    fn add(&mut self, moment: &Moment) {
        let Some(turn) = &mut self.turn else { return };
        turn.phrase.add(moment);
        let Some((fresh, before)) = &mut turn.fresh else { return };
        fresh.add(moment);
        if !fresh.voice.clear() {
            return;
        }
        if before.clear() && fresh.voice.distance(before) > ANOTHER {
            self.recorded.learn(before);
            self.said.another(fresh.began);
            turn.phrase = Phrase { another: true, ..*fresh };
            (turn.recording, turn.known, turn.perhaps, turn.talked_on) = (false, false, None, false);
        }
        turn.fresh = None;
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
            if self.person.take().is_some() {
                // The music itself says that the ring was false: this company's sounds deceive.
                self.weights.more_careful();
            }
            self.greeting = None;
        }
        heard
    }

    fn finish(&mut self, memory: &mut Memory, recording: bool) {
        self.said.another(self.now);
        memory.learn();
        if let Some(turn) = self.turn.take()
            && (recording || turn.known || turn.recording)
        {
            self.recorded.learn(&turn.phrase.voice);
        }
    }

    /// What the far end does when the box speaks to it: nats for a person, or the end of the hope.
    fn challenge(&mut self, at: Tick, loud: bool, pause: u64) -> Result<(f32, &'static str), Heard> {
        let quiet = self.quiet(pause);
        let Some(challenge) = &mut self.greeting else { return Ok((0.0, "")) };
        match challenge.hear(at, loud, quiet) {
            Reaction::Open => Ok((0.0, "")),
            // In a silent queue silence follows recordings too.
            Reaction::Waits(nats, words) if self.music || self.ringback.is_some() => Ok((nats, words)),
            Reaction::Waits(nats, words) => Ok((nats * 0.3, words)),
            Reaction::Listens(nats, words) | Reaction::Answers(nats, words) => Ok((nats, words)),
            Reaction::Over => {
                self.greeting = None;
                Ok((0.0, ""))
            }
            Reaction::TalksOn => {
                self.greeting = None;
                self.person = None;
                if let Some(turn) = &mut self.turn {
                    turn.talked_on = true;
                }
                Err(Heard::Recording { at, reason: "spoke on through our greeting".into() })
            }
        }
    }

    fn person(&mut self, at: Tick, confidence: f32, reason: String) -> Option<Heard> {
        self.person = Some(at);
        self.greeting = None;
        Some(Heard::Person { at, confidence, reason })
    }

    /// The evidence of the phrase as it stands, while there is anything to decide.
    pub fn evidence(&self) -> Option<Evidence> {
        let turn = self.turn.as_ref()?;
        let phrase = &turn.phrase;
        // While a ring stands, only a phrase that began after it can ring again: who comes in after a recording that rang.
        let rung = self.person.is_some_and(|p| phrase.began <= p || self.now.since(p) < RINGS_AGAIN);
        let undecided = !rung && self.holding && !turn.recording;
        if !undecided || turn.known && phrase.novel < NOVEL_AGAIN {
            return None;
        }
        let mean = |sum: f32, weight: f32| if weight > 1.0 { sum / weight } else { 0.5 };
        Some(Evidence {
            novel: phrase.novel,
            span: turn.last.since(phrase.began),
            pause: self.now.since(turn.last),
            distance: self.recorded.distance(&phrase.voice),
            over_music: phrase.over_music,
            sure: mean(phrase.sure, phrase.weighed),
            live: mean(phrase.live, phrase.clean),
            ringback: self.ringback.is_some_and(|r| turn.began.since(r) < frames(6_000)),
            music: self.music,
            another: phrase.another,
            talked_on: turn.talked_on,
            reaction: self.reaction,
            words: self.said.nats(),
        })
    }

    /// The same in figures.
    pub fn weighs(&self) -> Option<Weighs> {
        let evidence = self.evidence()?;
        Some(Weighs { sum: sum(&evidence), rings_at: self.weights.ring(), terms: terms(&evidence).into() })
    }

    fn explain(&self, evidence: &Evidence, sum: f32) -> (f32, String) {
        let (confidence, mut reason) = self.weights.explain(evidence, sum);
        if !self.said.phrase().is_empty() {
            reason.push_str(&format!(": \"{}\"", self.said.phrase()));
        }
        (confidence, reason)
    }

    /// Weighs the evidence.
    fn judge(&mut self, at: Tick, loud: bool, pause: u64) -> Option<Heard> {
        self.reaction = match self.challenge(at, loud, pause) {
            Ok(reaction) => reaction,
            Err(recording) => {
                self.reaction = (0.0, "");
                return Some(recording);
            }
        };
        let evidence = self.evidence()?;
        let sum = sum(&evidence);
        // While the far end speaks and the box has greeted it, its reaction will tell better than its voice.
        let unanswered = self.greeting.is_some() && self.reaction.0 == 0.0;
        let bar = self.weights.ring() + if unanswered { UNANSWERED } else { 0.0 };
        if sum >= bar && !(unanswered && pause < PHRASE_PAUSE) {
            let (confidence, reason) = self.explain(&evidence, sum);
            self.judged = self.turn?.phrase.began;
            return self.person(at, confidence, reason);
        }
        let turn = self.turn.as_mut()?;
        let told = turn.perhaps.is_some_and(|p| !turn.talked_on || turn.last < p || pause < GREET_AGAIN);
        if !told
            && (!turn.talked_on || pause >= GREET_AGAIN)
            && self.greeting.is_none()
            && evidence.novel >= PERHAPS
            && sum >= self.weights.hope()
        {
            turn.perhaps = Some(at);
            self.judged = turn.phrase.began;
            let (confidence, reason) = self.explain(&evidence, sum);
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

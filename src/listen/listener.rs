//! The listener of one leg: the ear, the memory and the verdict behind one `handle` and one `poll`.

use super::ear::{Ear, Moment};
use super::evidence::Evidence;
use super::lore::{Lesson, Lore};
use super::memory::Memory;
use super::verdict::Verdict;
use super::words::{Cutter, Language, Segment, discreet};
use super::{Heard, Input, Sound, Weighs};
use crate::units::{Frame, Tick};

/// Facts waiting to be polled. Full: the oldest sound event is lost, which no caller that drains can see.
const WAITING: usize = 16;
/// So long a hole in the stream is the network's, 3 s: a stall of a router or of this machine must not be taken for a
/// line that waits. What lasts longer is a far end that sends nothing while it is silent.
const HOLE_TICKS: u64 = 150;

/// How the listener decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// From 0 (careful: rings late and seldom) to 1 (eager: rings early, and for some recordings too).
    pub eagerness: f32,
    /// The language that the far end is expected to speak, where there is a recogniser.
    pub words: Option<Language>,
    /// The name that agents call the owner by; empty if it is not known.
    pub owner: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { eagerness: 0.5, words: None, owner: String::new() }
    }
}

/// What lies behind the conclusions, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Insight {
    /// What the ear said of the newest frame; nothing before the first.
    pub moment: Option<Moment>,
    /// What the verdict weighs, while there is speech to be judged.
    pub evidence: Option<Evidence>,
}

/// Hears one leg. Pure and deterministic; all memory is taken when it is made.
pub struct Listener {
    ear: Ear,
    /// Cuts segments for the recogniser, where there is one.
    cutter: Option<Cutter>,
    /// The box speaks to the far end.
    speaking: bool,
    memory: Memory,
    verdict: Verdict,
    moment: Option<Moment>,
    next: Option<Tick>,
    /// Ticks that were not listened to since the first.
    skipped: u64,
    /// Ticks in a row of which nothing was received.
    lost: u64,
    told: Option<(Sound, Tick)>,
    out: std::collections::VecDeque<Heard>,
}

impl Listener {
    /// A listener that has heard nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self::knowing(settings, &Lore::default())
    }

    /// One that has heard nothing in this call, and knows what earlier ones taught.
    pub fn knowing(settings: Settings, lore: &Lore) -> Self {
        // Whoever starts the box or opens a file says so if this fails; here it is done ahead of the first frame.
        let _ = super::classifier::ready();
        Self {
            ear: Ear::default(),
            cutter: settings.words.map(|_| Cutter::default()),
            speaking: false,
            memory: Memory::of(lore),
            verdict: Verdict::new(settings),
            moment: None,
            next: None,
            skipped: 0,
            lost: 0,
            told: None,
            out: std::collections::VecDeque::with_capacity(WAITING),
        }
    }

    /// Takes one input; drain [`Self::poll`] after it.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Frame(at, frame) => {
                self.lost = 0;
                self.frame(at, frame);
            }
            Input::Lost(at) => {
                self.lost += 1;
                if self.lost > HOLE_TICKS {
                    self.frame(at, &Frame::SILENCE);
                }
            }
            Input::Speaking(speaking) => {
                self.speaking = speaking;
                self.verdict.speaking(speaking);
            }
            Input::WasRecording => {
                self.memory.was_recording();
                if let Some(heard) = self.verdict.was_recording() {
                    self.tell(heard);
                }
            }
            Input::WasPerson => {
                self.memory.was_person();
                if let Some(heard) = self.verdict.was_person() {
                    self.tell(heard);
                }
            }
            Input::Met => {
                self.memory.met();
                self.verdict.met();
            }
            Input::Taken => {
                // Who holds now has not been told what is heard.
                self.told = None;
                self.memory.doubt_just_now();
            }
            Input::Words { from, to, said } => {
                self.tell(Heard::Words { at: from, text: discreet(&said.text) });
                if let Some(heard) = self.verdict.words(from, to, &said.text) {
                    self.tell(heard);
                }
            }
        }
    }

    /// What the listener makes of the frame that it heard last, for a picture or a table.
    pub fn insight(&self) -> Insight {
        Insight { moment: self.moment, evidence: self.verdict.evidence() }
    }

    /// Since when the one may have spoken who was judged last.
    pub fn voice_began(&self) -> Tick {
        Tick(self.verdict.voice_began().0 + self.skipped)
    }

    /// What the call taught, which is over. `offset_ms`: from the begin of the call to the first tick.
    pub fn lesson(&mut self, offset_ms: u64) -> Lesson {
        self.memory.doubt_the_end();
        self.memory.lesson(offset_ms)
    }

    /// What the verdict weighs, for a page. Allocates.
    pub fn weighs(&self) -> Option<Weighs> {
        self.verdict.weighs()
    }

    /// The next segment for the recogniser, oldest first, until `None`. What it finds comes back as [`Input::Words`].
    pub fn segment(&mut self) -> Option<Segment> {
        self.cutter.as_mut()?.poll()
    }

    /// The next conclusion, oldest first, until `None`.
    pub fn poll(&mut self) -> Option<Heard> {
        self.out.pop_front()
    }

    /// The ear and the verdict count only what was listened to; `skipped` is what their time lacks.
    fn frame(&mut self, at: Tick, frame: &Frame) {
        let expected = self.next.unwrap_or(at);
        if at < expected {
            return;
        }
        self.skipped += at.since(expected);
        self.memory.skip(self.skipped);
        self.next = Some(at.next());
        self.hear(Tick(at.0.saturating_sub(self.skipped)), frame);
    }

    fn hear(&mut self, at: Tick, frame: &Frame) {
        let moment = self.ear.hear(at, frame);
        self.moment = Some(moment);
        if let Some(cutter) = &mut self.cutter {
            cutter.hear(at, frame, &moment, self.speaking);
        }
        if let Some(heard) = self.verdict.hear(at, &moment, &mut self.memory) {
            match &heard {
                Heard::Person { .. } => self.memory.doubt(self.verdict.voice_began()),
                Heard::Recording { .. } => self.memory.seems_recording(),
                Heard::Sound { .. } | Heard::Perhaps { .. } | Heard::Weighs { .. } | Heard::Words { .. } => {}
            }
            self.tell(heard);
        }
        self.name(&moment);
    }

    /// Tells of a change of sound, under the name that the verdict gives to speech.
    fn name(&mut self, moment: &Moment) {
        let sound = match moment.sound {
            Sound::Speech if self.verdict.is_recording() => Sound::Announcement,
            other => other,
        };
        if self.told.is_some_and(|(s, _)| s == sound) {
            return;
        }
        let c = &moment.classes;
        let confidence = match sound {
            Sound::Music => c.music + c.vocals,
            Sound::Noise => c.noise,
            Sound::Speech | Sound::Announcement => c.speech + c.over_music,
            _ => 0.95,
        };
        let at = self.told.map_or(moment.since, |(_, last)| moment.since.max(last));
        self.told = Some((sound, at));
        self.tell(Heard::Sound { at, sound, confidence: confidence.clamp(0.5, 0.99) });
    }

    fn tell(&mut self, mut heard: Heard) {
        let (Heard::Sound { at, .. }
        | Heard::Words { at, .. }
        | Heard::Perhaps { at, .. }
        | Heard::Person { at, .. }
        | Heard::Recording { at, .. }
        | Heard::Weighs { at, .. }) = &mut heard;
        at.0 += self.skipped;
        if self.out.len() == WAITING {
            self.out.pop_front();
        }
        self.out.push_back(heard);
    }
}

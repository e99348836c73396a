//! The listener's thread: tapped frames in, conclusions and segments for the recogniser out, and at the end of each call
//! what it taught.

use crate::call::{Line, ListenOrder};
use crate::limits::GREETING_SHORTEST;
use crate::listen::booth::Booth;
use crate::listen::lore::{Lesson, Lore, Taught};
use crate::listen::prompt::{Prompted, Scribe, Spotter};
use crate::listen::reel::{Clip, Reel};
use crate::listen::replay::first_words;
use crate::listen::words::{Said, Segment};
use crate::listen::{Heard, Input, Listener, Settings};
use crate::media::TapFrame;
use crate::speech::sound::finish;
use crate::units::{CallId, Frame, PortId, Tick};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// The page is told what is weighed every half second.
const WEIGHED_TICKS: u64 = 25;

/// What an ear is there for just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Nothing: the owner talks.
    Nobody,
    /// The box holds the call: it waits for a person.
    Hold,
    /// The owner is in the call: its menu is heard along, and nothing else is kept of it.
    Menu,
}

struct Ear {
    line: Line,
    now: For,
    /// What was heard on hold. Only this teaches.
    hold: Option<Listener>,
    /// What was heard along since the last hold.
    along: Option<Listener>,
    scribe: Scribe,
    spotter: Option<Spotter>,
    /// It was told that something is weighed.
    weighs: bool,
    /// The last seconds of what was heard on hold, for clips and for what is replayed.
    reel: Option<Reel>,
    /// Since when the one speaks who may be a person.
    voice: Option<Tick>,
}

impl Ear {
    fn new(line: Line) -> Self {
        Self {
            line,
            now: For::Nobody,
            hold: None,
            along: None,
            scribe: Scribe::default(),
            spotter: None,
            weighs: false,
            reel: None,
            voice: None,
        }
    }

    /// Milliseconds from the begin of the call.
    fn at_ms(&self, at: Tick) -> u64 {
        self.line.opened_ms + at.as_millis()
    }

    fn clip(&self, clip: Clip) -> Told {
        Told::Clip { call: self.line.call, at_ms: self.at_ms(clip.at), samples: clip.samples }
    }

    /// Who hears what comes now.
    fn listener(&mut self) -> Option<&mut Listener> {
        match self.now {
            For::Nobody => None,
            For::Hold => self.hold.as_mut(),
            For::Menu => self.along.as_mut(),
        }
    }

    /// What is weighed, from time to time while anything is, and once when nothing is any more.
    fn weighs(&mut self, at: Tick) -> Option<Heard> {
        let listener = self.hold.as_ref().filter(|_| self.now == For::Hold)?;
        let due =
            at.0.is_multiple_of(WEIGHED_TICKS) && (self.weighs || listener.insight().evidence.is_some());
        let weighs = due.then(|| listener.weighs())?;
        self.weighs = weighs.is_some();
        Some(Heard::Weighs { at, weighs })
    }

    /// What is said is written down, and looked for among the prompts that are expected. A frame that was lost takes its
    /// time all the same.
    fn read_along(&mut self, received: bool) -> Option<Prompted> {
        let moment = self.listener()?.insight().moment.filter(|_| received);
        let (print, loud) = moment.map_or((0, false), |moment| (moment.look.print, moment.active));
        self.scribe.hear(print, loud);
        self.spotter.as_mut()?.hear(print, loud).map(Prompted::Known)
    }
}

/// What comes out.
#[derive(Debug)]
pub enum Told {
    /// Concluded about this port in this opening of it.
    Heard(PortId, u32, Heard),
    /// The same of the prompts that are said there.
    Prompt(PortId, u32, Prompted),
    /// What was said in this opening of the port, as the box plays it: the sentence for it to keep, or the person's first
    /// words; nothing: nothing was.
    Cut(PortId, u32, Option<Arc<[u8]>>),
    /// A call with this company is over and has taught this.
    Learnt {
        /// The call.
        call: CallId,
        /// The company's number in full.
        company: String,
        /// What the call taught.
        lesson: Lesson,
    },
    /// A voice was greeted or rung for so many milliseconds after the call began. This was heard around it.
    Clip {
        /// The call.
        call: CallId,
        /// When the verdict fell.
        at_ms: u64,
        /// At 8 kHz.
        samples: Vec<i16>,
    },
    /// The owner says what is in that clip.
    Taught {
        /// The call.
        call: CallId,
        /// When the clip's verdict fell.
        at_ms: u64,
        /// What he says.
        taught: Taught,
    },
}

/// Ears for each leg that is listened to. Pure: the thread below and the simulator drive it.
#[derive(Default)]
pub struct Ears {
    settings: Settings,
    along: Settings,
    clips: bool,
    replay: bool,
    ears: HashMap<PortId, Ear>,
    /// Phones whose owner speaks a sentence for the box to keep, in this opening.
    booths: HashMap<PortId, (u32, Booth)>,
    segments: VecDeque<(PortId, u32, Segment)>,
    out: VecDeque<Told>,
}

impl Ears {
    /// Ears that decide so, and keep clips and what a person says first, or not. `along`: how the menu of an ordinary call is
    /// heard, in which the box does nothing: what is said there goes to no other machine.
    pub fn new(settings: Settings, along: Settings, clips: bool, replay: bool) -> Self {
        Self { settings, along, clips, replay, ..Self::default() }
    }

    /// Follows an order of the switchboard. `recall` tells what earlier calls with a company taught.
    pub fn order(&mut self, order: ListenOrder, recall: impl FnOnce(&str) -> Lore) {
        match order {
            ListenOrder::Start(line) => {
                let (settings, keeps) = (self.settings.clone(), self.clips || self.replay);
                let ear = self.ear(&line);
                (ear.now, ear.along) = (For::Hold, None);
                ear.reel = ear.reel.take().or_else(|| keeps.then(Reel::default));
                ear.hold.get_or_insert_with(|| {
                    // Whoever hides his number shares it with all who do.
                    let lore = if line.company.is_empty() { Lore::default() } else { recall(&line.company) };
                    Listener::knowing(settings, &lore)
                });
            }
            ListenOrder::Attend(line) => {
                // Of its words only what the menu says of a key is kept. The owner himself is on another port.
                let settings = self.along.clone();
                let ear = self.ear(&line);
                ear.now = For::Menu;
                ear.along = Some(Listener::new(settings));
            }
            ListenOrder::Speaking(port, on) => self.tell(port, Input::Speaking(on)),
            ListenOrder::WasRecording(port) => {
                self.tell_holder(port, Input::WasRecording);
                self.taught(port, Taught::Recording);
            }
            ListenOrder::WasPerson(port) => {
                self.tell_holder(port, Input::WasPerson);
                self.taught(port, Taught::Person);
            }
            ListenOrder::Met(port) => {
                self.tell_holder(port, Input::Met);
                self.taught(port, Taught::Person);
            }
            ListenOrder::WasMenu(port) => self.tell(port, Input::WasRecording),
            ListenOrder::Expect(port, prompts) => {
                if let Some(ear) = self.ears.get_mut(&port) {
                    ear.spotter = Some(Spotter::new(prompts));
                }
            }
            ListenOrder::Ask(port) => {
                if let Some(ear) = self.ears.get_mut(&port) {
                    let said = Prompted::Said(ear.scribe.take());
                    self.out.push_back(Told::Prompt(port, ear.line.epoch, said));
                }
            }
            ListenOrder::Pause(port) => {
                self.tell(port, Input::Taken);
                if let Some(ear) = self.ears.get_mut(&port) {
                    (ear.now, ear.voice) = (For::Nobody, None);
                    let clip = ear.reel.as_mut().and_then(Reel::cut);
                    self.out.extend(clip.map(|clip| ear.clip(clip)));
                    if !self.clips {
                        ear.reel = None;
                    }
                }
            }
            ListenOrder::Stop(port) => self.end(port),
            ListenOrder::Sentence(port, epoch) => drop(self.booths.insert(port, (epoch, Booth::default()))),
            ListenOrder::SentenceEnds(port) => {
                self.booths.get_mut(&port).into_iter().for_each(|(_, booth)| booth.cut());
                self.sentence_is_over(port);
            }
            ListenOrder::NoSentence(port) => drop(self.booths.remove(&port)),
            ListenOrder::Replay(port, epoch) => self.replay(port, epoch),
        }
    }

    /// The ear of this line; the one of an earlier opening of its port is done with.
    fn ear(&mut self, line: &Line) -> &mut Ear {
        if self.ears.get(&line.port).is_some_and(|ear| ear.line != *line) {
            self.end(line.port);
        }
        self.ears.entry(line.port).or_insert_with(|| Ear::new(line.clone()))
    }

    fn end(&mut self, port: PortId) {
        let Some(mut ear) = self.ears.remove(&port) else { return };
        let clip = ear.reel.as_mut().and_then(Reel::cut);
        self.out.extend(clip.map(|clip| ear.clip(clip)));
        if let Some(listener) = ear.hold.as_mut().filter(|_| !ear.line.company.is_empty()) {
            let lesson = listener.lesson(ear.line.opened_ms);
            self.out.push_back(Told::Learnt { call: ear.line.call, company: ear.line.company, lesson });
        }
    }

    fn sentence_is_over(&mut self, port: PortId) {
        let Some((epoch, booth)) = self.booths.remove(&port) else { return };
        let said = finish(&booth.samples()).filter(|sound| sound.len() >= GREETING_SHORTEST);
        self.out.push_back(Told::Cut(port, epoch, said.map(Into::into)));
    }

    /// What the person has said who was found.
    fn replay(&mut self, port: PortId, epoch: u32) {
        let ear = self.ears.get(&port).filter(|ear| ear.line.epoch == epoch);
        let heard = ear.and_then(|ear| Some(ear.reel.as_ref()?.since(ear.voice?)));
        let said = heard.and_then(first_words).and_then(|words| finish(&words));
        self.out.push_back(Told::Cut(port, epoch, said.map(Into::into)));
    }

    /// The owner says what was heard last.
    fn taught(&mut self, port: PortId, taught: Taught) {
        let Some(ear) = self.ears.get_mut(&port).filter(|_| self.clips) else { return };
        let Some((clip, at)) = ear.reel.as_mut().map(Reel::cut_now) else { return };
        self.out.extend(clip.map(|clip| ear.clip(clip)));
        self.out.push_back(Told::Taught { call: ear.line.call, at_ms: ear.at_ms(at), taught });
    }

    /// Hears one frame. Frames of another opening of the port are not for this ear.
    pub fn frame(&mut self, tap: &TapFrame) {
        if let Some((_, booth)) = self.booths.get_mut(&tap.port).filter(|(epoch, _)| *epoch == tap.epoch) {
            if booth.hear(&tap.frame) {
                self.sentence_is_over(tap.port);
            }
            return;
        }
        let ear = self.ears.get_mut(&tap.port).filter(|ear| ear.line.epoch == tap.epoch);
        let Some(ear) = ear.filter(|ear| ear.now != For::Nobody) else { return };
        let weighs = ear.weighs(tap.tick);
        self.out.extend(weighs.map(|heard| Told::Heard(tap.port, tap.epoch, heard)));
        if let Some(reel) = ear.reel.as_mut().filter(|_| ear.now == For::Hold) {
            let clip = reel.hear(tap.tick, if tap.received { &tap.frame } else { &Frame::SILENCE });
            self.out.extend(clip.map(|clip| ear.clip(clip)));
        }
        let input = if tap.received { Input::Frame(tap.tick, &tap.frame) } else { Input::Lost(tap.tick) };
        self.tell(tap.port, input);
        let known = self.ears.get_mut(&tap.port).and_then(|ear| ear.read_along(tap.received));
        self.out.extend(known.map(|known| Told::Prompt(tap.port, tap.epoch, known)));
    }

    /// What was said in a segment of this opening of the port. Of a port that is not listened to any more it is forgotten.
    pub fn words(&mut self, port: PortId, epoch: u32, (from, to): (Tick, Tick), said: &Said) {
        if self.ears.get(&port).is_some_and(|ear| ear.now != For::Nobody && ear.line.epoch == epoch) {
            self.tell(port, Input::Words { from, to, said });
        }
    }

    /// What the owner says is said of what was heard on hold, whoever listens now.
    fn tell_holder(&mut self, port: PortId, input: Input<'_>) {
        let Some(ear) = self.ears.get_mut(&port) else { return };
        let now = core::mem::replace(&mut ear.now, For::Hold);
        self.tell(port, input);
        if let Some(ear) = self.ears.get_mut(&port) {
            ear.now = now;
        }
    }

    fn tell(&mut self, port: PortId, input: Input<'_>) {
        let Some(ear) = self.ears.get_mut(&port) else { return };
        let epoch = ear.line.epoch;
        let Some(listener) = ear.listener() else { return };
        listener.handle(input);
        self.segments.extend(listener.segment().map(|segment| (port, epoch, segment)));
        let told: Vec<Heard> = core::iter::from_fn(|| listener.poll()).collect();
        let began = listener.voice_began();
        for heard in told.iter().filter(|_| ear.now == For::Hold) {
            match heard {
                Heard::Perhaps { .. } | Heard::Person { .. } => {
                    ear.voice.get_or_insert(began);
                    ear.reel.iter_mut().filter(|_| self.clips).for_each(Reel::mark);
                }
                Heard::Recording { .. } => ear.voice = None,
                Heard::Sound { .. } | Heard::Words { .. } | Heard::Weighs { .. } => {}
            }
        }
        self.out.extend(told.into_iter().map(|heard| Told::Heard(port, epoch, heard)));
    }

    /// The next segment for the recogniser.
    pub fn segment(&mut self) -> Option<(PortId, u32, Segment)> {
        self.segments.pop_front()
    }

    /// The next conclusion or lesson.
    pub fn poll(&mut self) -> Option<Told> {
        self.out.pop_front()
    }
}

//! The listener's thread: tapped frames in, conclusions and segments for the recogniser out, and at the end of each call
//! what it taught.

use crate::call::{Line, ListenOrder};
use crate::listen::lore::{Lesson, Lore, Taught};
use crate::listen::reel::{Clip, Reel};
use crate::listen::words::{Said, Segment};
use crate::listen::{Heard, Input, Listener, Settings};
use crate::media::TapFrame;
use crate::units::{CallId, Frame, PortId, Tick};
use std::collections::{HashMap, VecDeque};

/// The page is told what is weighed every half second.
const WEIGHED_TICKS: u64 = 25;

struct Ear {
    line: Line,
    on: bool,
    listener: Listener,
    /// It was told that something is weighed.
    weighs: bool,
    /// Where clips are kept.
    reel: Option<Reel>,
}

impl Ear {
    /// Milliseconds from the begin of the call.
    fn at_ms(&self, at: Tick) -> u64 {
        self.line.opened_ms + at.as_millis()
    }

    fn clip(&self, clip: Clip) -> Told {
        Told::Clip { call: self.line.call, at_ms: self.at_ms(clip.at), samples: clip.samples }
    }

    /// What is weighed, from time to time while anything is, and once when nothing is any more.
    fn weighs(&mut self, at: Tick) -> Option<Heard> {
        let due =
            at.0.is_multiple_of(WEIGHED_TICKS) && (self.weighs || self.listener.insight().evidence.is_some());
        let weighs = due.then(|| self.listener.weighs())?;
        self.weighs = weighs.is_some();
        Some(Heard::Weighs { at, weighs })
    }
}

/// What comes out.
#[derive(Debug)]
pub enum Told {
    /// Concluded about this port in this opening of it.
    Heard(PortId, u32, Heard),
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

/// A listener for each held leg. Pure: the thread below and the simulator drive it.
#[derive(Default)]
pub struct Ears {
    settings: Settings,
    clips: bool,
    ears: HashMap<PortId, Ear>,
    segments: VecDeque<(PortId, u32, Segment)>,
    out: VecDeque<Told>,
}

impl Ears {
    /// Ears that decide so, and keep clips or not.
    pub fn new(settings: Settings, clips: bool) -> Self {
        Self { settings, clips, ..Self::default() }
    }

    /// Follows an order of the switchboard. `recall` tells what earlier calls with a company taught.
    pub fn order(&mut self, order: ListenOrder, recall: impl FnOnce(&str) -> Lore) {
        match order {
            ListenOrder::Start(line) => match self.ears.get_mut(&line.port) {
                Some(ear) if ear.line == line => ear.on = true,
                _ => {
                    self.end(line.port);
                    // Whoever hides his number shares it with all who do.
                    let lore = if line.company.is_empty() { Lore::default() } else { recall(&line.company) };
                    let listener = Listener::knowing(self.settings.clone(), &lore);
                    let reel = self.clips.then(Reel::default);
                    self.ears.insert(line.port, Ear { line, on: true, listener, weighs: false, reel });
                }
            },
            ListenOrder::Speaking(port, on) => self.tell(port, Input::Speaking(on)),
            ListenOrder::WasRecording(port) => {
                self.tell(port, Input::WasRecording);
                self.taught(port, Taught::Recording);
            }
            ListenOrder::WasPerson(port) => {
                self.tell(port, Input::WasPerson);
                self.taught(port, Taught::Person);
            }
            ListenOrder::Pause(port) => {
                self.tell(port, Input::Taken);
                if let Some(ear) = self.ears.get_mut(&port) {
                    ear.on = false;
                    let clip = ear.reel.as_mut().and_then(Reel::cut);
                    self.out.extend(clip.map(|clip| ear.clip(clip)));
                }
            }
            ListenOrder::Stop(port) => self.end(port),
        }
    }

    fn end(&mut self, port: PortId) {
        let Some(mut ear) = self.ears.remove(&port) else { return };
        let clip = ear.reel.as_mut().and_then(Reel::cut);
        self.out.extend(clip.map(|clip| ear.clip(clip)));
        if ear.line.company.is_empty() {
            return;
        }
        let lesson = ear.listener.lesson(ear.line.opened_ms);
        self.out.push_back(Told::Learnt { call: ear.line.call, company: ear.line.company, lesson });
    }

    /// The owner says what was heard last.
    fn taught(&mut self, port: PortId, taught: Taught) {
        let Some(ear) = self.ears.get_mut(&port) else { return };
        let Some((clip, at)) = ear.reel.as_mut().map(Reel::cut_now) else { return };
        self.out.extend(clip.map(|clip| ear.clip(clip)));
        self.out.push_back(Told::Taught { call: ear.line.call, at_ms: ear.at_ms(at), taught });
    }

    /// Hears one frame. Frames of another opening of the port are not for this ear.
    pub fn frame(&mut self, tap: &TapFrame) {
        let ear = self.ears.get_mut(&tap.port).filter(|ear| ear.on && ear.line.epoch == tap.epoch);
        if let Some(ear) = ear {
            let weighs = ear.weighs(tap.tick);
            let epoch = ear.line.epoch;
            self.out.extend(weighs.map(|heard| Told::Heard(tap.port, epoch, heard)));
            let frame = if tap.received { &tap.frame } else { &Frame::SILENCE };
            let clip = ear.reel.as_mut().and_then(|reel| reel.hear(tap.tick, frame));
            self.out.extend(clip.map(|clip| ear.clip(clip)));
            let input = if tap.received { Input::Frame(tap.tick, &tap.frame) } else { Input::Lost(tap.tick) };
            self.tell(tap.port, input);
        }
    }

    /// What was said in a segment of this opening of the port. Of a port that is not listened to any more it is forgotten.
    pub fn words(&mut self, port: PortId, epoch: u32, (from, to): (Tick, Tick), said: &Said) {
        if self.ears.get(&port).is_some_and(|ear| ear.on && ear.line.epoch == epoch) {
            self.tell(port, Input::Words { from, to, said });
        }
    }

    fn tell(&mut self, port: PortId, input: Input<'_>) {
        let Some(ear) = self.ears.get_mut(&port) else { return };
        ear.listener.handle(input);
        self.segments.extend(ear.listener.segment().map(|segment| (port, ear.line.epoch, segment)));
        while let Some(heard) = ear.listener.poll() {
            if matches!(heard, Heard::Perhaps { .. } | Heard::Person { .. }) {
                ear.reel.iter_mut().for_each(Reel::mark);
            }
            self.out.push_back(Told::Heard(port, ear.line.epoch, heard));
        }
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

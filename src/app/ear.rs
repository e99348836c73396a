//! The listener's thread: tapped frames in, conclusions and segments for the recogniser out, and at the end of each call
//! what it taught.

use crate::call::{Line, ListenOrder};
use crate::listen::lore::{Lesson, Lore};
use crate::listen::words::{Said, Segment};
use crate::listen::{Heard, Input, Listener, Settings};
use crate::media::TapFrame;
use crate::units::{CallId, PortId, Tick};
use std::collections::{HashMap, VecDeque};

/// The page is told what is weighed every half second.
const WEIGHED_TICKS: u64 = 25;

struct Ear {
    line: Line,
    on: bool,
    listener: Listener,
    /// It was told that something is weighed.
    weighs: bool,
}

impl Ear {
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
}

/// A listener for each held leg. Pure: the thread below and the simulator drive it.
#[derive(Default)]
pub struct Ears {
    settings: Settings,
    ears: HashMap<PortId, Ear>,
    segments: VecDeque<(PortId, u32, Segment)>,
    out: VecDeque<Told>,
}

impl Ears {
    /// Ears that decide so.
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
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
                    self.ears.insert(line.port, Ear { line, on: true, listener, weighs: false });
                }
            },
            ListenOrder::Speaking(port, on) => self.tell(port, Input::Speaking(on)),
            ListenOrder::WasRecording(port) => self.tell(port, Input::WasRecording),
            ListenOrder::WasPerson(port) => self.tell(port, Input::WasPerson),
            ListenOrder::Pause(port) => {
                self.tell(port, Input::Taken);
                if let Some(ear) = self.ears.get_mut(&port) {
                    ear.on = false;
                }
            }
            ListenOrder::Stop(port) => self.end(port),
        }
    }

    fn end(&mut self, port: PortId) {
        let Some(mut ear) = self.ears.remove(&port).filter(|ear| !ear.line.company.is_empty()) else {
            return;
        };
        let lesson = ear.listener.lesson(ear.line.opened_ms);
        self.out.push_back(Told::Learnt { call: ear.line.call, company: ear.line.company, lesson });
    }

    /// Hears one frame. Frames of another opening of the port are not for this ear.
    pub fn frame(&mut self, tap: &TapFrame) {
        let ear = self.ears.get_mut(&tap.port).filter(|ear| ear.on && ear.line.epoch == tap.epoch);
        if let Some(ear) = ear {
            let weighs = ear.weighs(tap.tick);
            let epoch = ear.line.epoch;
            self.out.extend(weighs.map(|heard| Told::Heard(tap.port, epoch, heard)));
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

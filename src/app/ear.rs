//! The listener's thread: tapped frames in, conclusions and segments for the recogniser out.

use crate::call::ListenOrder;
use crate::listen::prompt::{Prompted, Scribe, Spotter};
use crate::listen::words::{Said, Segment};
use crate::listen::{Heard, Input, Listener, Settings};
use crate::media::TapFrame;
use crate::units::{PortId, Tick};
use std::collections::{HashMap, VecDeque};

struct Ear {
    epoch: u32,
    on: bool,
    listener: Listener,
    scribe: Scribe,
    spotter: Option<Spotter>,
}

/// What is concluded of one leg.
#[derive(Clone, Debug)]
pub enum Told {
    /// Of what is heard.
    Heard(Heard),
    /// Of the prompts that are said.
    Prompt(Prompted),
}

/// A listener for each held leg. Pure: the thread below and the simulator drive it.
#[derive(Default)]
pub struct Ears {
    settings: Settings,
    ears: HashMap<PortId, Ear>,
    segments: VecDeque<(PortId, u32, Segment)>,
    out: VecDeque<(PortId, u32, Told)>,
}

impl Ears {
    /// Listeners that decide in this way.
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Follows an order of the switchboard.
    pub fn order(&mut self, order: ListenOrder) {
        match order {
            ListenOrder::Start(port, epoch) => match self.ears.get_mut(&port) {
                Some(ear) if ear.epoch == epoch => ear.on = true,
                _ => {
                    let listener = Listener::new(self.settings.clone());
                    let ear = Ear { epoch, on: true, listener, scribe: Scribe::default(), spotter: None };
                    self.ears.insert(port, ear);
                }
            },
            ListenOrder::Speaking(port, on) => self.tell(port, Input::Speaking(on)),
            ListenOrder::WasRecording(port) => self.tell(port, Input::WasRecording),
            ListenOrder::Expect(port, prompts) => {
                if let Some(ear) = self.ears.get_mut(&port) {
                    ear.spotter = Some(Spotter::new(prompts));
                }
            }
            ListenOrder::Ask(port) => {
                if let Some(ear) = self.ears.get_mut(&port) {
                    let said = Prompted::Said(ear.scribe.take());
                    self.out.push_back((port, ear.epoch, Told::Prompt(said)));
                }
            }
            ListenOrder::Pause(port) => {
                if let Some(ear) = self.ears.get_mut(&port) {
                    ear.on = false;
                }
            }
            ListenOrder::Stop(port) => {
                self.ears.remove(&port);
            }
        }
    }

    /// Hears one frame. Frames of another opening of the port are not for this ear.
    pub fn frame(&mut self, tap: &TapFrame) {
        if self.ears.get(&tap.port).is_some_and(|ear| ear.on && ear.epoch == tap.epoch) {
            let input = if tap.received { Input::Frame(tap.tick, &tap.frame) } else { Input::Lost(tap.tick) };
            self.tell(tap.port, input);
            self.read_along(tap);
        }
    }

    /// What is said is written down, and looked for among the prompts that are expected. A frame that was lost takes its
    /// time all the same.
    fn read_along(&mut self, tap: &TapFrame) {
        let Some(ear) = self.ears.get_mut(&tap.port) else { return };
        let moment = ear.listener.insight().moment.filter(|_| tap.received);
        let (print, loud) = moment.map_or((0, false), |moment| (moment.look.print, moment.active));
        ear.scribe.hear(print, loud);
        if let Some(which) = ear.spotter.as_mut().and_then(|spotter| spotter.hear(print, loud)) {
            self.out.push_back((tap.port, ear.epoch, Told::Prompt(Prompted::Known(which))));
        }
    }

    /// What was said in a segment of this opening of the port. Of a port that is not listened to any more it is forgotten.
    pub fn words(&mut self, port: PortId, epoch: u32, (from, to): (Tick, Tick), said: &Said) {
        if self.ears.get(&port).is_some_and(|ear| ear.on && ear.epoch == epoch) {
            self.tell(port, Input::Words { from, to, said });
        }
    }

    fn tell(&mut self, port: PortId, input: Input<'_>) {
        let Some(ear) = self.ears.get_mut(&port) else { return };
        ear.listener.handle(input);
        self.segments.extend(ear.listener.segment().map(|segment| (port, ear.epoch, segment)));
        while let Some(heard) = ear.listener.poll() {
            self.out.push_back((port, ear.epoch, Told::Heard(heard)));
        }
    }

    /// The next segment for the recogniser.
    pub fn segment(&mut self) -> Option<(PortId, u32, Segment)> {
        self.segments.pop_front()
    }

    /// The next conclusion.
    pub fn poll(&mut self) -> Option<(PortId, u32, Told)> {
        self.out.pop_front()
    }
}

//! The listener's thread: tapped frames in, conclusions and segments for the recogniser out.

use crate::call::ListenOrder;
use crate::listen::words::{Said, Segment};
use crate::listen::{Heard, Input, Listener, Settings};
use crate::media::TapFrame;
use crate::units::{PortId, Tick};
use std::collections::{HashMap, VecDeque};

struct Ear {
    epoch: u32,
    on: bool,
    listener: Listener,
}

/// A listener for each held leg. Pure: the thread below and the simulator drive it.
#[derive(Default)]
pub struct Ears {
    settings: Settings,
    ears: HashMap<PortId, Ear>,
    segments: VecDeque<(PortId, u32, Segment)>,
    out: VecDeque<(PortId, u32, Heard)>,
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
                    self.ears.insert(port, Ear { epoch, on: true, listener });
                }
            },
            ListenOrder::Speaking(port, on) => self.tell(port, Input::Speaking(on)),
            ListenOrder::WasRecording(port) => self.tell(port, Input::WasRecording),
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
            self.out.push_back((port, ear.epoch, heard));
        }
    }

    /// The next segment for the recogniser.
    pub fn segment(&mut self) -> Option<(PortId, u32, Segment)> {
        self.segments.pop_front()
    }

    /// The next conclusion.
    pub fn poll(&mut self) -> Option<(PortId, u32, Heard)> {
        self.out.pop_front()
    }
}

//! The rings on which the machine tells what it found, and what happens when nobody reads them: it is counted.

use super::command::{Event, TapFrame};
use super::counters::Counters;
use crate::limits::{MEDIA_EVENT_RING, TAP_RING};
use std::sync::Arc;

/// What the media loop tells: read by one thread each.
pub struct Outlets {
    /// For the control loop.
    pub events: rtrb::Consumer<Event>,
    /// For the listener.
    pub taps: rtrb::Consumer<TapFrame>,
    /// For the page.
    pub counters: Arc<Counters>,
}

/// Where facts and frames go.
pub(super) struct Mouth {
    events: rtrb::Producer<Event>,
    taps: rtrb::Producer<TapFrame>,
    pub(super) counters: Arc<Counters>,
    pub(super) told: Told,
}

/// What was told since last asked: whom to wake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Events wait.
    pub events: bool,
    /// Frames wait.
    pub taps: bool,
}

impl Mouth {
    pub(super) fn event(&mut self, event: Event) {
        match self.events.push(event) {
            Ok(()) => self.told.events = true,
            Err(_) => self.counters.event_lost(),
        }
    }

    pub(super) fn frame(&mut self, frame: TapFrame) {
        match self.taps.push(frame) {
            Ok(()) => self.told.taps = true,
            Err(_) => self.counters.tap_frame_lost(),
        }
    }
}

/// Both ends.
pub(super) fn rings() -> (Mouth, Outlets) {
    let (event_in, events) = rtrb::RingBuffer::new(MEDIA_EVENT_RING);
    let (tap_in, taps) = rtrb::RingBuffer::new(TAP_RING);
    let counters = Arc::new(Counters::default());
    let mouth = Mouth { events: event_in, taps: tap_in, counters: counters.clone(), told: Told::default() };
    (mouth, Outlets { events, taps, counters })
}

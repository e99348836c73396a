//! The rings on which the machine tells what it found, and what happens when nobody reads them: it is counted.

use super::command::{Event, StudioFrame, TapFrame};
use super::counters::Counters;
use crate::limits::{MEDIA_EVENT_RING, TAP_RING};
use std::sync::Arc;

/// Ticks from one wake of the studio to the next: 200 ms.
const STUDIO_TICKS: u64 = 10;

/// What the media loop tells: read by one thread each.
pub struct Outlets {
    /// For the control loop.
    pub events: rtrb::Consumer<Event>,
    /// For the listener.
    pub taps: rtrb::Consumer<TapFrame>,
    /// For the studio.
    pub studio: rtrb::Consumer<StudioFrame>,
    /// For the page.
    pub counters: Arc<Counters>,
}

/// Where facts and frames go.
pub(super) struct Mouth {
    events: rtrb::Producer<Event>,
    taps: rtrb::Producer<TapFrame>,
    studio: rtrb::Producer<StudioFrame>,
    pub(super) counters: Arc<Counters>,
    pub(super) told: Told,
}

/// What was told since last asked: whom to wake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Events wait.
    pub events: bool,
    /// Frames wait for the listener.
    pub taps: bool,
    /// Frames wait for the studio.
    pub studio: bool,
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

    /// A wake costs more than a frame, and nobody waits for a recording: the studio is woken now and then, and when its
    /// ring is half full.
    pub(super) fn film(&mut self, frame: StudioFrame) {
        let due = frame.tick.0.is_multiple_of(STUDIO_TICKS);
        match self.studio.push(frame) {
            Ok(()) => self.told.studio |= due || self.studio.slots() < self.studio.buffer().capacity() / 2,
            Err(_) => {
                self.told.studio = true;
                self.counters.studio_frame_lost();
            }
        }
    }
}

/// Both ends; the studio's ring takes so many frames.
pub(super) fn rings(studio: usize) -> (Mouth, Outlets) {
    let (event_in, events) = rtrb::RingBuffer::new(MEDIA_EVENT_RING);
    let (tap_in, taps) = rtrb::RingBuffer::new(TAP_RING);
    let (studio_in, studio) = rtrb::RingBuffer::new(studio);
    let counters = Arc::new(Counters::default());
    let mouth = Mouth {
        events: event_in,
        taps: tap_in,
        studio: studio_in,
        counters: counters.clone(),
        told: Told::default(),
    };
    (mouth, Outlets { events, taps, studio, counters })
}

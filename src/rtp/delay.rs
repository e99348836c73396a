//! How long sound has to wait in a jitter buffer so that nearly all of it is there in time.
//!
//! Counted in ticks, because it is on the tick that sound is played: the transit of a packet is the playout clock at its
//! arrival less its timestamp. The fastest packets of the last seconds are the base; how much slower the others are is
//! kept as a histogram that forgets in some seconds, and the delay is where all but one in a hundred are in time.

use crate::units::FRAME_SAMPLES;

const FRAME: i32 = FRAME_SAMPLES as i32;
/// Classes of lateness of 20 ms each; the last takes all that are worse.
const CLASSES: usize = 7;
/// The whole of the histogram.
const ALL: u32 = 1 << 24;
/// Packets that may be late: one in a hundred.
const MAY_BE_LATE: u32 = ALL / 100;
/// A packet counts 1/256, and takes that from the others: they are forgotten in five seconds.
const WEIGHT: u32 = 8;
/// A packet that was too late counts as so many.
const LATE_COUNTS: u8 = 3;
/// Ticks for which the fastest packet is remembered, at least: 2 s.
const FASTEST_TICKS: u8 = 100;
/// Before anything is known the delay is two frames.
const UNKNOWN: [u32; CLASSES] = [ALL - ALL / 10, 0, ALL / 10, 0, 0, 0, 0];

/// The measure of one stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delay {
    /// Samples played since it began.
    clock: u32,
    /// The transit that counts as zero.
    base: u32,
    /// Transits of the fastest packet in this stretch of time and the one before it.
    fastest: [i32; 2],
    ticks: u8,
    lateness: [u32; CLASSES],
    target: i32,
}

impl Delay {
    pub(super) const fn new() -> Self {
        Self { clock: 0, base: 0, fastest: [0; 2], ticks: 0, lateness: UNKNOWN, target: 2 * FRAME }
    }

    /// A stream begins (again) with this packet. The timestamp to be played next.
    pub(super) fn start(&mut self, timestamp: u32) -> u32 {
        self.base = self.clock.wrapping_sub(timestamp);
        self.fastest = [0; 2];
        self.ticks = 0;
        timestamp.wrapping_sub(self.target as u32)
    }

    /// A frame's time has passed.
    pub(super) fn tick(&mut self) {
        self.clock = self.clock.wrapping_add(FRAME as u32);
        self.ticks += 1;
        if self.ticks >= FASTEST_TICKS {
            self.ticks = 0;
            self.fastest = [i32::MAX, self.fastest[0]];
        }
    }

    /// A packet came.
    pub(super) fn arrived(&mut self, timestamp: u32, too_late: bool) {
        let transit = self.transit(timestamp);
        self.fastest[0] = self.fastest[0].min(transit);
        let late = transit.saturating_sub(self.base_transit()).max(0);
        let class = usize::try_from((late + FRAME - 1) / FRAME).unwrap_or(0).min(CLASSES - 1);
        for _ in 0..if too_late { LATE_COUNTS } else { 1 } {
            for share in &mut self.lateness {
                *share -= *share >> WEIGHT;
            }
            self.lateness[class] += ALL >> WEIGHT;
        }
        self.aim();
    }

    fn aim(&mut self) {
        let (mut later, mut class) = (0, CLASSES - 1);
        while class > 1 {
            later += self.lateness[class];
            if later > MAY_BE_LATE {
                break;
            }
            class -= 1;
        }
        self.target = class as i32 * FRAME;
    }

    /// By how much the delay is too short if this timestamp is played next; negative if it is too long.
    pub(super) fn short_by(&self, next: u32) -> i32 {
        self.target.saturating_add(self.base_transit()).saturating_sub(self.transit(next))
    }

    /// The delay itself, samples.
    pub(super) const fn of(&self, next: u32) -> u32 {
        let fastest = if self.fastest[0] < self.fastest[1] { self.fastest[0] } else { self.fastest[1] };
        let delay = self.transit(next).saturating_sub(fastest);
        if delay > 0 { delay.unsigned_abs() } else { 0 }
    }

    fn base_transit(&self) -> i32 {
        self.fastest[0].min(self.fastest[1])
    }

    const fn transit(&self, timestamp: u32) -> i32 {
        self.clock.wrapping_sub(timestamp).wrapping_sub(self.base) as i32
    }
}

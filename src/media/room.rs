//! What is heard in rooms: the frame of each port that is decoded, and the sum of those who talk in each room.
//!
//! Both tables are as long as the table of ports, since a room is named after one of them. They are memory that is not
//! touched before it is used.

use crate::dsp::mix::{self, Sum};
use crate::units::{FRAME_SAMPLES, Frame};

/// Frames and sums of one tick.
pub(super) struct Rooms {
    heard: Box<[i16]>,
    sums: Box<[i32]>,
}

impl Rooms {
    pub(super) fn new(ports: usize) -> Self {
        Self {
            heard: vec![0; ports * FRAME_SAMPLES].into_boxed_slice(),
            sums: vec![0; ports * FRAME_SAMPLES].into_boxed_slice(),
        }
    }

    /// Nobody has said anything in this room yet.
    pub(super) fn clear(&mut self, room: u16) {
        if let Some(sum) = self.sum_mut(room) {
            *sum = [0; FRAME_SAMPLES];
        }
    }

    /// A port hears this frame, and says it in that room.
    pub(super) fn hear(&mut self, port: u16, frame: &Frame, room: Option<u16>) {
        let start = usize::from(port) * FRAME_SAMPLES;
        if let Some(slot) = self.heard.get_mut(start..start + FRAME_SAMPLES) {
            slot.copy_from_slice(&frame.0);
        }
        if let Some(sum) = room.and_then(|room| self.sum_mut(room)) {
            mix::add(sum, frame);
        }
    }

    /// What a port heard last.
    pub(super) fn heard(&self, port: u16) -> Frame {
        let start = usize::from(port) * FRAME_SAMPLES;
        let slot = self.heard.get(start..start + FRAME_SAMPLES).and_then(|s| s.try_into().ok());
        slot.map_or(Frame::SILENCE, Frame)
    }

    /// What all who talk in a room say together.
    pub(super) fn sum(&self, room: u16) -> Sum {
        let start = usize::from(room) * FRAME_SAMPLES;
        let sum = self.sums.get(start..start + FRAME_SAMPLES).and_then(|s| s.try_into().ok());
        sum.unwrap_or([0; FRAME_SAMPLES])
    }

    fn sum_mut(&mut self, room: u16) -> Option<&mut Sum> {
        let start = usize::from(room) * FRAME_SAMPLES;
        self.sums.get_mut(start..start + FRAME_SAMPLES)?.try_into().ok()
    }
}

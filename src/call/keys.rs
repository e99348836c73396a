//! Keys that are pressed in a call: the owner's gestures are taken out, the rest goes to the other side.

use super::conversation::{Call, State};
use super::desk::Desk;
use super::leg::{Leg, Role};
use crate::phone::gesture;
use crate::sounds::Prompt;
use crate::units::{Digit, PortId};
use core::time::Duration;

impl Call {
    /// A key came from this leg, held for so long; `None`: it is still held, and `digit_end` will follow.
    pub(super) fn digit(&mut self, desk: &mut Desk, from: PortId, digit: Digit, held: Option<Duration>) {
        // A flash has no length.
        let held = if digit == Digit::FLASH { Some(Duration::ZERO) } else { held };
        if self.far.as_ref().is_some_and(|f| f.port == from) {
            if matches!(self.state, State::Talking) {
                self.talking().for_each(|near| desk.digit(near, digit, held));
            }
        } else if self.emergency || self.transferred {
            self.far.iter().for_each(|far| desk.digit(far, digit, held));
        } else if let Some(at) = self.near.iter().position(|l| l.port == from && l.role == Role::Asked) {
            self.outside_key(desk, at, digit);
        } else if !self.skips_replay(desk, digit) {
            self.pressed_on = Some(from);
            self.gesture.handle(desk.now, digit);
            if let Some(held) = held {
                self.gesture.released(digit, held);
            }
            self.drain_gesture(desk);
        }
    }

    /// A key that came from this leg was let go.
    pub(super) fn digit_end(&mut self, desk: &mut Desk, from: PortId, digit: Digit, held: Duration) {
        if digit == Digit::FLASH {
        } else if self.far.as_ref().is_some_and(|f| f.port == from) {
            self.talking().for_each(|near| desk.digit_end(near, digit, held));
        } else if self.emergency || self.transferred {
            self.far.iter().for_each(|far| desk.digit_end(far, digit, held));
        } else {
            self.gesture.released(digit, held);
            self.drain_gesture(desk);
        }
    }

    fn talking(&self) -> impl Iterator<Item = &Leg> {
        self.near.iter().filter(|leg| leg.role == Role::Talks)
    }

    pub(super) fn drain_gesture(&mut self, desk: &mut Desk) {
        while let Some(out) = self.gesture.poll() {
            match (out, &self.state) {
                (gesture::Output::Forward(digit, held), State::Dialing | State::Talking) => {
                    self.keyed = true;
                    self.far.iter().for_each(|far| desk.digit(far, digit, held));
                    self.menu_key(desk, digit);
                }
                (gesture::Output::Release(digit, held), _) => {
                    self.far.iter().for_each(|far| desk.digit_end(far, digit, held));
                }
                (gesture::Output::Slay, State::Held(_)) => self.take_back(desk),
                (gesture::Output::Conference, _) => self.wants_conference = true,
                (gesture::Output::Slay, _) => {
                    if self.hold(desk, "the owner pressed ** in the call").is_err() {
                        self.talking().for_each(|leg| desk.say(leg, Prompt::CannotHold));
                    }
                }
                (gesture::Output::Forward(..), _) => {}
            }
        }
    }
}

//! Keys pressed during a call: which go to the far side, and which start slaying.
//!
//! `**` starts it, and so does a hook flash sent as an event followed by the hold code. The first `*` is held back until
//! it is clear what it is.

use crate::units::{Digit, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// How long the first `*` is held back.
const STAR_WAIT: Duration = Duration::from_millis(700);
/// How long digits are collected after a flash.
const CODE_WAIT: Duration = Duration::from_secs(4);

/// What a key turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A digit for the far side.
    Forward(Digit),
    /// Hold this call for me.
    Slay,
}

#[derive(Debug)]
enum State {
    Plain,
    Star(Instant),
    Code(String, Instant),
}

/// The keys of one phone in one call.
#[derive(Debug)]
pub struct Gesture {
    code: String,
    state: State,
    out: VecDeque<Output>,
}

impl Gesture {
    /// Watches for `**` and for a flash followed by `code`.
    pub fn new(code: &str) -> Self {
        Self { code: code.into(), state: State::Plain, out: VecDeque::new() }
    }

    /// A key was pressed.
    pub fn handle(&mut self, now: Instant, digit: Digit) {
        self.timeout(now);
        match (&mut self.state, digit) {
            (_, Digit::FLASH) => self.state = State::Code(String::new(), now + CODE_WAIT),
            (State::Code(so_far, until), digit) => {
                so_far.push(digit.as_char());
                *until = now + CODE_WAIT;
                if *so_far == self.code || so_far == "**" {
                    self.state = State::Plain;
                    self.out.push_back(Output::Slay);
                } else if !self.code.starts_with(so_far.as_str()) && so_far != "*" {
                    let typed = core::mem::take(so_far);
                    self.state = State::Plain;
                    self.out.extend(typed.chars().filter_map(Digit::from_char).map(Output::Forward));
                }
            }
            (State::Star(_), Digit::STAR) => {
                self.state = State::Plain;
                self.out.push_back(Output::Slay);
            }
            (State::Star(_), digit) => {
                self.state = State::Plain;
                self.out.extend([Output::Forward(Digit::STAR), Output::Forward(digit)]);
            }
            (State::Plain, Digit::STAR) => self.state = State::Star(now + STAR_WAIT),
            (State::Plain, digit) => self.out.push_back(Output::Forward(digit)),
        }
    }

    /// Time passed: a lone `*` goes on its way; an unfinished code is dropped.
    pub fn timeout(&mut self, now: Instant) {
        match self.state {
            State::Star(until) if now >= until => {
                self.out.push_back(Output::Forward(Digit::STAR));
                self.state = State::Plain;
            }
            State::Code(_, until) if now >= until => self.state = State::Plain,
            _ => {}
        }
    }

    /// The next result.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `timeout`.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Plain => None,
            State::Star(until) | State::Code(_, until) => Some(until),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Keys as `(ms, key)`; returns what came out as text, `S` for slay.
    fn typed(keys: &[(u64, char)], end_ms: u64) -> String {
        let mut gesture = Gesture::new("*58");
        for (ms, key) in keys {
            gesture.handle(Instant(ms * 1000), Digit::from_char(*key).unwrap());
        }
        gesture.timeout(Instant(end_ms * 1000));
        core::iter::from_fn(|| gesture.poll())
            .map(|out| match out {
                Output::Forward(digit) => digit.as_char(),
                Output::Slay => 'S',
            })
            .collect()
    }

    #[test]
    fn keys_become_digits_or_a_gesture() {
        for (keys, end, want) in [
            (&[(0, '1'), (100, '#')][..], 100, "1#"),
            (&[(0, '*'), (300, '*')], 300, "S"),
            (&[(0, '*')], 699, ""),
            (&[(0, '*')], 700, "*"),
            (&[(0, '*'), (800, '*')], 800, "*"),
            (&[(0, '*'), (100, '5')], 100, "*5"),
            (&[(0, '!'), (200, '*'), (400, '5'), (600, '8')], 600, "S"),
            (&[(0, '!'), (200, '*'), (400, '*')], 400, "S"),
            (&[(0, '!'), (200, '1')], 200, "1"),
            (&[(0, '!'), (200, '*'), (9000, '1')], 9000, "1"),
        ] {
            assert_eq!(typed(keys, end), want, "{keys:?}");
        }
    }
}

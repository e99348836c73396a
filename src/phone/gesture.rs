//! Keys pressed during a call: which go to the far side, and which start slaying.
//!
//! The gesture (`**`) starts it, and so does a hook flash sent as an event followed by the hold code. Keys that may
//! become a gesture are held back until it is clear what they are.

use crate::units::{Digit, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// How long a key that may begin the gesture is held back for the next one.
const KEY_WAIT: Duration = Duration::from_millis(700);
/// How long digits are collected after a flash.
const CODE_WAIT: Duration = Duration::from_secs(4);

/// What a key turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A digit for the far side, held for so long if its release was heard already.
    Forward(Digit, Option<Duration>),
    /// The release of one that was forwarded before.
    Release(Digit, Duration),
    /// Hold this call for me.
    Slay,
    /// Put my calls together.
    Conference,
}

/// The key that makes a conference when it follows a flash, as in ETSI EN 300 738 and at most exchanges of Europe.
const THREE: char = '3';

/// The keys of one phone in one call.
#[derive(Debug)]
pub struct Gesture {
    gesture: Vec<Digit>,
    code: Vec<Digit>,
    /// Keys not yet forwarded, and how long each was held if it is no longer.
    typed: Vec<(Digit, Option<Duration>)>,
    /// Keys that were forwarded while they were held.
    down: Vec<Digit>,
    /// A flash came before them: they may become the code, too.
    flashed: bool,
    until: Option<Instant>,
    out: VecDeque<Output>,
}

impl Gesture {
    /// Watches for `gesture`, and for a flash followed by `code`.
    pub fn new(gesture: &str, code: &str) -> Self {
        let keys = |text: &str| text.chars().filter_map(Digit::from_char).collect();
        let (gesture, code) = (keys(gesture), keys(code));
        Self {
            gesture,
            code,
            typed: Vec::new(),
            down: Vec::new(),
            flashed: false,
            until: None,
            out: VecDeque::new(),
        }
    }

    /// A key was pressed.
    pub fn handle(&mut self, now: Instant, digit: Digit) {
        self.timeout(now);
        if digit == Digit::FLASH {
            self.release();
            self.flashed = true;
            self.until = Some(now + CODE_WAIT);
            return;
        }
        if self.flashed && self.typed.is_empty() && digit.as_char() == THREE {
            self.release();
            self.out.push_back(Output::Conference);
            return;
        }
        self.typed.push((digit, None));
        if self.is_typed(&self.gesture) || (self.flashed && self.is_typed(&self.code)) {
            self.typed.clear();
            self.out.push_back(Output::Slay);
        }
        let begins = |keys: &[Digit]| keys.get(..self.typed.len()).is_some_and(|keys| self.is_typed(keys));
        let open = begins(&self.gesture) || (self.flashed && begins(&self.code));
        if self.typed.is_empty() || !open {
            self.release();
        } else {
            self.until = Some(now + if self.flashed { CODE_WAIT } else { KEY_WAIT });
        }
    }

    /// A key was let go, after so long.
    pub fn released(&mut self, digit: Digit, held: Duration) {
        let mut typed = self.typed.iter_mut().rev();
        if let Some((_, kept)) = typed.find(|(key, kept)| *key == digit && kept.is_none()) {
            *kept = Some(held);
        } else if let Some(at) = self.down.iter().position(|key| *key == digit) {
            self.down.swap_remove(at);
            self.out.push_back(Output::Release(digit, held));
        }
    }

    fn is_typed(&self, keys: &[Digit]) -> bool {
        self.typed.iter().map(|(digit, _)| digit).eq(keys)
    }

    /// Time passed: keys held back for nothing go on their way.
    pub fn timeout(&mut self, now: Instant) {
        if self.until.is_some_and(|until| now >= until) {
            self.release();
        }
    }

    /// The next result.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call `timeout`.
    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }

    fn release(&mut self) {
        for (digit, held) in self.typed.drain(..) {
            if held.is_none() && !self.down.contains(&digit) {
                self.down.push(digit);
            }
            self.out.push_back(Output::Forward(digit, held));
        }
        self.flashed = false;
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    /// Keys as `(ms, key)`; returns what came out as text, `S` for slay.
    fn typed(gesture: &str, keys: &[(u64, char)], end_ms: u64) -> String {
        let mut gesture = Gesture::new(gesture, "*58");
        for (ms, key) in keys {
            gesture.handle(Instant(ms * 1000), Digit::from_char(*key).unwrap());
        }
        gesture.timeout(Instant(end_ms * 1000));
        core::iter::from_fn(|| gesture.poll())
            .map(|out| match out {
                Output::Forward(digit, _) => digit.as_char(),
                Output::Release(digit, _) => panic!("{digit:?} was never released"),
                Output::Conference => 'C',
                Output::Slay => 'S',
            })
            .collect()
    }

    #[test]
    fn keys_become_digits_or_a_gesture() {
        for (gesture, keys, end, want) in [
            ("**", &[(0, '1'), (100, '#')][..], 100, "1#"),
            ("**", &[(0, '!'), (100, '3')][..], 100, "C"),
            ("**", &[(0, '!'), (100, '1'), (200, '3')][..], 200, "13"),
            ("**", &[(0, '*'), (300, '*')], 300, "S"),
            ("**", &[(0, '*')], 699, ""),
            ("**", &[(0, '*')], 700, "*"),
            ("**", &[(0, '*'), (800, '*')], 1400, "*"),
            ("**", &[(0, '*'), (100, '5')], 100, "*5"),
            ("**", &[(0, '!'), (200, '*'), (400, '5'), (600, '8')], 600, "S"),
            ("**", &[(0, '!'), (200, '*'), (400, '*')], 400, "S"),
            ("**", &[(0, '!'), (200, '1')], 200, "1"),
            ("**", &[(0, '!'), (200, '*'), (9000, '1')], 9000, "*1"),
            ("**", &[(0, '*'), (100, '5'), (200, '8')], 200, "*58"),
            // A rotary phone has no star.
            ("11", &[(0, '1'), (100, '2'), (200, '1'), (300, '1')], 300, "12S"),
        ] {
            assert_eq!(typed(gesture, keys, end), want, "{keys:?}");
        }
    }

    #[test]
    fn a_key_is_let_go_where_it_was_forwarded() {
        let mut gesture = Gesture::new("**", "*58");
        let (star, five) = (Digit::STAR, Digit::from_char('5').unwrap());
        let (short, long) = (Duration::from_millis(90), Duration::from_secs(2));
        let all = |gesture: &mut Gesture| core::iter::from_fn(|| gesture.poll()).collect::<Vec<_>>();
        // Held back until it was let go: its length is known.
        gesture.handle(Instant(0), star);
        gesture.released(star, short);
        gesture.timeout(Instant(700_000));
        assert_eq!(all(&mut gesture), [Output::Forward(star, Some(short))]);
        // Held longer than it is held back.
        gesture.handle(Instant(1_000_000), star);
        gesture.timeout(Instant(1_700_000));
        gesture.released(star, long);
        assert_eq!(all(&mut gesture), [Output::Forward(star, None), Output::Release(star, long)]);
        // No part of a gesture, and its release is told once.
        gesture.handle(Instant(5_000_000), five);
        gesture.released(five, long);
        gesture.released(five, long);
        assert_eq!(all(&mut gesture), [Output::Forward(five, None), Output::Release(five, long)]);
        // The stars of the gesture are nobody else's, pressed or let go.
        for at in [6_000_000, 6_300_000] {
            gesture.handle(Instant(at), star);
            gesture.released(star, short);
        }
        assert_eq!(all(&mut gesture), [Output::Slay]);
    }
}

//! The contacts of a handset: what the hook switch and a rotary dial mean. Pure.
//!
//! ```text
//!   contact open for     < 130 ms (rotary dial): a pulse     130 ms … 700 ms: a flash     longer: the handset is down
//!   closed for             200 ms after a pulse: the pulses are a digit
//! ```
//!
//! A rotary dial opens its contact as often as the digit says, ten times in a second (ITU-T Q.23 names 9 to 11), 60 % of
//! the time open. In old telephones that contact is in series with the hook; it may have a line of its own.

use crate::units::{Digit, Instant};
use core::time::Duration;
use std::collections::VecDeque;

/// Shorter changes are contact bounce. Less than a third of the shortest part of a pulse.
const BOUNCE: Duration = Duration::from_millis(10);
/// The longest opening that is a pulse of a rotary dial: the slowest dials are open for 80 ms.
const PULSE: Duration = Duration::from_millis(130);
/// The shortest opening of the hook that is a flash where there is no rotary dial in series.
const FLASH: Duration = Duration::from_millis(80);
/// A handset that is down for so long has been hung up.
const DOWN: Duration = Duration::from_millis(700);
/// The pulses of a digit are over; the next digit comes 500 ms later at the earliest.
const DIGIT: Duration = Duration::from_millis(200);

/// What somebody did with the handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Lifted it.
    Lifted,
    /// Put it down.
    PutDown,
    /// Tapped the hook.
    Flash,
    /// Dialled this.
    Digit(Digit),
}

/// A contact without its bounce.
#[derive(Clone, Copy, Debug)]
struct Contact {
    /// As last seen, and since when.
    raw: (bool, Instant),
    /// As believed, and since when.
    believed: (bool, Instant),
}

impl Contact {
    const fn new(now: Instant) -> Self {
        Self { raw: (false, now), believed: (false, now) }
    }

    /// Believes what has been still for long enough; says how long it was otherwise before.
    fn settle(&mut self, now: Instant) -> Option<Duration> {
        let (level, since) = self.raw;
        if level == self.believed.0 || now.since(since) < BOUNCE {
            return None;
        }
        let lasted = since.since(self.believed.1);
        self.believed = self.raw;
        Some(lasted)
    }

    fn see(&mut self, now: Instant, level: bool) {
        if level != self.raw.0 {
            self.raw = (level, now);
        }
    }

    /// When what is seen is believed.
    fn deadline(&self) -> Option<Instant> {
        (self.raw.0 != self.believed.0).then(|| self.raw.1 + BOUNCE)
    }
}

/// Counts the openings of a rotary dial's contact.
#[derive(Clone, Copy, Debug, Default)]
struct Pulses {
    count: u8,
    last: Instant,
}

impl Pulses {
    fn add(&mut self, at: Instant) {
        self.count = self.count.saturating_add(1);
        self.last = at;
    }

    fn deadline(&self) -> Option<Instant> {
        (self.count > 0).then(|| self.last + DIGIT)
    }

    /// The digit, once no more pulses come. Ten are a zero, and no digit has more.
    fn digit(&mut self, now: Instant) -> Option<Digit> {
        if self.deadline().is_none_or(|at| now < at) {
            return None;
        }
        let count = core::mem::take(&mut self.count);
        (count <= 10).then(|| Digit::from_event(count % 10)).flatten()
    }
}

/// How digits are dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dial {
    /// By keys.
    #[default]
    Keypad,
    /// By a rotary dial.
    Pulse,
}

/// The hook, and the rotary dial beside it.
#[derive(Debug)]
pub struct Hook {
    dial: Dial,
    hook: Contact,
    /// The dial's own contact; closed at rest.
    own: Contact,
    pulses: Pulses,
    lifted: bool,
    out: VecDeque<Told>,
}

impl Hook {
    /// A handset that is down.
    pub fn new(now: Instant, dial: Dial) -> Self {
        Self {
            dial,
            hook: Contact::new(now),
            own: Contact::new(now),
            pulses: Pulses::default(),
            lifted: false,
            out: VecDeque::new(),
        }
    }

    /// The hook's contact as it is at this moment: true is lifted.
    pub fn contact(&mut self, now: Instant, lifted: bool) {
        self.timeout(now);
        self.hook.see(now, lifted);
        self.timeout(now);
    }

    /// The dial's own contact as it is at this moment: true while a pulse opens it.
    pub fn pulse(&mut self, now: Instant, open: bool) {
        self.timeout(now);
        self.own.see(now, open);
        self.timeout(now);
    }

    /// Time has passed.
    pub fn timeout(&mut self, now: Instant) {
        if let Some(lasted) = self.hook.settle(now) {
            self.hook_changed(lasted);
        }
        if let Some(lasted) = self.own.settle(now)
            && !self.own.believed.0
            && self.lifted
            && lasted < PULSE
        {
            self.pulses.add(self.own.believed.1);
        }
        let (closed, since) = self.hook.believed;
        if self.lifted && !closed && now.since(since) >= DOWN {
            self.lifted = false;
            self.pulses = Pulses::default();
            self.out.push_back(Told::PutDown);
        }
        if self.at_rest()
            && let Some(digit) = self.pulses.digit(now)
        {
            self.out.push_back(Told::Digit(digit));
        }
    }

    /// While a contact is open more pulses may come, or the handset is put down.
    fn at_rest(&self) -> bool {
        self.hook.believed.0 && !self.own.believed.0
    }

    /// The contact closed after it was open for so long, or opened.
    fn hook_changed(&mut self, lasted: Duration) {
        let (closed, at) = self.hook.believed;
        match (self.lifted, closed) {
            (false, true) => {
                self.lifted = true;
                self.out.push_back(Told::Lifted);
            }
            (true, true) if self.dial == Dial::Pulse && lasted < PULSE => self.pulses.add(at),
            (true, true) if lasted >= FLASH => {
                self.pulses = Pulses::default();
                self.out.push_back(Told::Flash);
            }
            (true, true) | (_, false) => {}
        }
    }

    /// What was done; call until `None`.
    pub fn poll(&mut self) -> Option<Told> {
        self.out.pop_front()
    }

    /// When to call [`Self::timeout`] if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        let (closed, since) = self.hook.believed;
        let down = (self.lifted && !closed).then(|| since + DOWN);
        let digit = self.pulses.deadline().filter(|_| self.at_rest());
        [self.hook.deadline(), self.own.deadline(), down, digit].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant(ms * 1_000)
    }

    /// Plays levels of the hook (or of the dial's own contact) with every deadline met, and tells what was done as text.
    fn play(dial: Dial, own: bool, levels: &[(u64, bool)]) -> String {
        let mut hook = Hook::new(at(0), dial);
        if own {
            hook.contact(at(0), true);
        }
        let mut told = String::new();
        let mut levels = levels.iter().peekable();
        loop {
            let next = levels.peek().map_or(at(1_000_000), |(ms, _)| at(*ms));
            match hook.deadline().filter(|deadline| *deadline < next) {
                Some(deadline) => hook.timeout(deadline),
                None => match levels.next() {
                    Some((ms, level)) if own => hook.pulse(at(*ms), *level),
                    Some((ms, level)) => hook.contact(at(*ms), *level),
                    None => return told,
                },
            }
            while let Some(what) = hook.poll() {
                told.push(match what {
                    Told::Lifted => 'L',
                    Told::PutDown => 'D',
                    Told::Flash => 'F',
                    Told::Digit(digit) => digit.as_char(),
                });
            }
        }
    }

    /// The levels of a rotary dial: lifted at 100 ms, then these digits with 600 ms between them.
    fn rotary(digits: &str, open_ms: u64, closed_ms: u64, rest: bool) -> Vec<(u64, bool)> {
        let mut levels = Vec::new();
        let mut now = 1_000;
        for digit in digits.chars() {
            let pulses = digit.to_digit(10).map(|d| if d == 0 { 10 } else { d }).unwrap();
            for _ in 0..pulses {
                levels.extend([(now, !rest), (now + open_ms, rest)]);
                now += open_ms + closed_ms;
            }
            now += 600;
        }
        levels
    }

    #[test]
    fn a_hook_is_lifted_tapped_and_put_down() {
        for (what, levels, told) in [
            ("lifted", &[(100, true)][..], "L"),
            ("with bounce", &[(100, true), (102, false), (105, true), (108, false), (109, true)], "L"),
            ("a spike", &[(100, true), (105, false)], ""),
            ("down", &[(100, true), (2000, false)], "LD"),
            ("down with bounce", &[(100, true), (2000, false), (2004, true), (2007, false)], "LD"),
            ("a flash", &[(100, true), (2000, false), (2300, true)], "LF"),
            ("too short for one", &[(100, true), (2000, false), (2060, true)], "L"),
            ("too long for one", &[(100, true), (2000, false), (2900, true)], "LDL"),
        ] {
            assert_eq!(play(Dial::Keypad, false, levels), told, "{what}");
        }
    }

    #[test]
    fn a_rotary_dial_is_read_on_the_hooks_line_and_on_its_own() {
        for (open_ms, closed_ms) in [(60, 40), (67, 33), (55, 36), (72, 48)] {
            let series = [vec![(100, true)], rotary("1905", open_ms, closed_ms, true)].concat();
            assert_eq!(play(Dial::Pulse, false, &series), "L1905", "{open_ms}/{closed_ms}");
            let own = rotary("1905", open_ms, closed_ms, false);
            assert_eq!(play(Dial::Pulse, true, &own), "L1905", "{open_ms}/{closed_ms}");
        }
    }

    #[test]
    fn in_series_with_a_dial_a_flash_is_longer_and_hanging_up_is_no_digit() {
        let dial = |levels: &[(u64, bool)]| play(Dial::Pulse, false, levels);
        assert_eq!(dial(&[(100, true), (2000, false), (2300, true)]), "LF");
        assert_eq!(
            dial(&[(100, true), (2000, false), (2060, true), (2100, false)]),
            "LD",
            "one pulse, then down"
        );
        let eleven: Vec<_> =
            (0..11).flat_map(|n| [(1_000 + n * 100, false), (1_060 + n * 100, true)]).collect();
        assert_eq!(dial(&[vec![(100, true)], eleven].concat()), "L", "no digit has eleven pulses");
        assert_eq!(play(Dial::Keypad, false, &[(100, true), (1000, false), (1060, true)]), "L");
    }

    #[test]
    fn a_late_thread_loses_nothing() {
        let mut hook = Hook::new(at(0), Dial::Keypad);
        hook.contact(at(100), true);
        hook.contact(at(3_000), false);
        hook.timeout(at(9_000));
        assert_eq!([hook.poll(), hook.poll(), hook.poll()], [Some(Told::Lifted), Some(Told::PutDown), None]);
        assert_eq!(hook.deadline(), None);
    }
}

//! What waits to be told at one target: in order, tried again when that may help, and given up when it is old.

use super::message::Message;
use crate::limits::{NOTIFY_BURST, NOTIFY_OUTBOX, NOTIFY_REFILL};
use crate::net::backoff::Backoff;
use crate::units::Instant;
use core::time::Duration;
use std::collections::VecDeque;

/// The first pause after a failure; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(2);
/// And no longer than this.
const LONGEST: Duration = Duration::from_secs(300);
/// What could not be told for so long is of no use any more.
const STALE: Duration = Duration::from_secs(900);

/// The outbox of one target.
#[derive(Debug)]
pub struct Outbox {
    waiting: VecDeque<(Instant, Message)>,
    backoff: Backoff,
    /// How many may be told at once, and since when that is counted.
    may: u32,
    counted: Instant,
    /// What was never told.
    lost: u64,
}

impl Outbox {
    /// An empty one.
    pub fn new(now: Instant) -> Self {
        Self {
            waiting: VecDeque::new(),
            backoff: Backoff::new(FIRST, LONGEST),
            may: NOTIFY_BURST,
            counted: now,
            lost: 0,
        }
    }

    /// Takes a message. Too many at once, or too many that wait: one is lost, the newest or the oldest.
    pub fn push(&mut self, now: Instant, message: Message) {
        self.refill(now);
        if self.may == 0 && !message.urgent {
            self.lost += 1;
            return;
        }
        self.may = self.may.saturating_sub(1);
        if self.waiting.len() >= NOTIFY_OUTBOX {
            let plain = self.waiting.iter().position(|(_, message)| !message.urgent);
            self.waiting.remove(plain.unwrap_or(0));
            self.lost += 1;
        }
        if !message.urgent {
            return self.waiting.push_back((now, message));
        }
        // It goes before what is not urgent, and is tried at once.
        self.backoff.cut_short();
        let at = self.waiting.iter().position(|(_, other)| !other.urgent).unwrap_or(self.waiting.len());
        self.waiting.insert(at, (now, message));
    }

    /// The message that is to be told now.
    pub fn due(&mut self, now: Instant) -> Option<&Message> {
        let all = self.waiting.len();
        self.waiting.retain(|(since, _)| now.since(*since) < STALE);
        self.lost += (all - self.waiting.len()) as u64;
        if self.backoff.rests(now) {
            return None;
        }
        self.waiting.front().map(|(_, message)| message)
    }

    /// The first one was told.
    pub fn told(&mut self) {
        self.backoff.worked();
        self.waiting.pop_front();
    }

    /// It was not. It is tried again if that may help, after a pause.
    pub fn failed(&mut self, now: Instant, passes: bool) {
        if !passes {
            self.waiting.pop_front();
            self.lost += 1;
        }
        self.backoff.failed(now);
    }

    /// When there is something to do if nothing else happens.
    pub fn deadline(&self) -> Option<Instant> {
        let since = self.waiting.iter().map(|(since, _)| *since).min()?;
        Some(self.backoff.until().map_or(since, |until| until.min(since + STALE)))
    }

    /// Messages that were never told, since this was asked last.
    pub fn take_lost(&mut self) -> u64 {
        core::mem::take(&mut self.lost)
    }

    fn refill(&mut self, now: Instant) {
        while self.may < NOTIFY_BURST && now.since(self.counted) >= NOTIFY_REFILL {
            self.may += 1;
            self.counted += NOTIFY_REFILL;
        }
        if self.may == NOTIFY_BURST {
            self.counted = now;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::clock;
    use crate::units::Wall;

    fn message(at: u64) -> Message {
        Message { at: Wall(at), ..Message::test(Wall(0)) }
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn what_fails_is_tried_again_after_longer_and_longer_and_then_given_up() {
        let start = clock::now();
        let mut outbox = Outbox::new(start);
        outbox.push(start, message(1));
        let (mut now, mut tries) = (start, Vec::new());
        while let Some(at) = outbox.deadline() {
            now = at.max(now);
            if outbox.due(now).is_some() {
                tries.push(now.since(start).as_secs());
                outbox.failed(now, true);
            }
        }
        assert_eq!(tries, [0, 2, 6, 14, 30, 62, 126, 254, 510, 810]);
        assert_eq!((now.since(start), outbox.take_lost()), (STALE, 1));
    }

    #[test]
    fn the_order_is_kept_and_what_can_never_be_told_is_left_out() {
        let now = clock::now();
        let mut outbox = Outbox::new(now);
        (1..=3).for_each(|n| outbox.push(now, message(n)));
        assert_eq!(outbox.due(now).unwrap().at, Wall(1));
        outbox.told();
        outbox.failed(now, false);
        assert_eq!(outbox.due(now), None, "it rests");
        assert_eq!(outbox.due(now + seconds(2)).unwrap().at, Wall(3));
        outbox.told();
        assert_eq!((outbox.deadline(), outbox.take_lost()), (None, 1));
    }

    #[test]
    fn a_flood_is_bounded_and_what_is_urgent_goes_first_through_it() {
        let start = clock::now();
        let mut outbox = Outbox::new(start);
        (0..1_000).for_each(|n| outbox.push(start, message(n)));
        assert_eq!(outbox.waiting.len(), NOTIFY_BURST as usize);
        assert_eq!(outbox.take_lost(), 1_000 - u64::from(NOTIFY_BURST));
        outbox.failed(start, true);
        assert_eq!(outbox.due(start), None, "it rests");
        outbox.push(start, Message { urgent: true, ..message(7) });
        assert_eq!(outbox.due(start).unwrap().at, Wall(7), "what is urgent does not wait for that");
        assert_eq!(outbox.waiting.front().unwrap().1.at, Wall(7));
        outbox.push(start + NOTIFY_REFILL, message(8));
        assert_eq!(outbox.waiting.back().unwrap().1.at, Wall(8));
        (0..1_000).for_each(|n| outbox.push(start, Message { urgent: true, ..message(n) }));
        assert_eq!(outbox.waiting.len(), NOTIFY_OUTBOX);
    }
}

//! A machine that failed is not asked for a while, and each time for longer. Pure.

use crate::units::Instant;
use core::time::Duration;

/// How long one machine is left alone.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    until: Option<Instant>,
}

impl Backoff {
    /// After the first failure it rests for `first`, after each further one for twice as long, up to `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failures: 0, until: None }
    }

    /// When it may be asked again; `None`: at once.
    pub const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Whether it is left alone at this moment.
    pub fn rests(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// It failed.
    pub fn failed(&mut self, now: Instant) {
        let pause = self.first.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.longest);
        self.until = Some(now + pause);
        self.failures = self.failures.saturating_add(1);
    }

    /// It worked: the next failure is the first again.
    pub fn worked(&mut self) {
        (self.failures, self.until) = (0, None);
    }

    /// It is asked once more before its time; how long it rests after a failure is not forgotten.
    pub fn cut_short(&mut self) {
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_longer_and_longer_up_to_the_longest() {
        let s = Duration::from_secs;
        let mut backoff = Backoff::new(s(5), s(30));
        let start = Instant::ZERO;
        assert!(!backoff.rests(start));
        let mut pauses = Vec::new();
        for _ in 0..40 {
            backoff.failed(start);
            pauses.push(backoff.until().map_or(0, |until| until.since(start).as_secs()));
        }
        assert_eq!(pauses[..5], [5, 10, 20, 30, 30]);
        assert!(pauses[5..].iter().all(|pause| *pause == 30));
        backoff.cut_short();
        assert!(!backoff.rests(start));
        backoff.failed(start);
        assert_eq!(backoff.until(), Some(start + s(30)), "it was only cut short");
        backoff.worked();
        backoff.failed(start);
        assert_eq!(backoff.until(), Some(start + s(5)));
    }
}

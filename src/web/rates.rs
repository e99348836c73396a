//! How often somebody may ask. Pure.

use crate::limits::{WEB_BURST, WEB_LOGINS, WEB_RATE, WEB_TOKENS};
use crate::units::Instant;
use core::time::Duration;

/// Most askers that are remembered; one more forgets the one that asked longest ago.
const ASKERS: usize = WEB_LOGINS + WEB_TOKENS;

/// A bucket for each asker, which fills by so many a second.
#[derive(Debug)]
pub(super) struct Rates {
    burst: u32,
    every: Duration,
    /// Who, when the bucket is full again, when he asked last.
    askers: Vec<(String, Instant, Instant)>,
}

impl Rates {
    /// For all requests.
    pub(super) fn of_requests() -> Self {
        Self::new(WEB_BURST, Duration::from_secs(1) / WEB_RATE)
    }

    /// As many as `burst` at once, then one in `every`.
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every, askers: Vec::new() }
    }

    /// Counts a request of `who`. `Err`: too many, and how long to wait.
    pub(super) fn ask(&mut self, now: Instant, who: &str) -> Result<(), Duration> {
        let at = self.askers.iter().position(|(asker, ..)| asker == who).unwrap_or_else(|| {
            if self.askers.len() >= ASKERS
                && let Some(oldest) = (0..self.askers.len()).min_by_key(|&at| self.askers[at].2)
            {
                self.askers.swap_remove(oldest);
            }
            self.askers.push((who.to_owned(), now, now));
            self.askers.len() - 1
        });
        let (_, full, last) = &mut self.askers[at];
        *last = now;
        let next = (*full).max(now) + self.every;
        let ahead = next.since(now);
        let most = self.every * self.burst;
        if ahead > most {
            return Err(ahead - most);
        }
        *full = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let second = Duration::from_secs(1);
        let mut rates = Rates::new(3, second);
        let now = Instant::ZERO + second;
        let asked: Vec<bool> = (0..4).map(|_| rates.ask(now, "a").is_ok()).collect();
        assert_eq!(asked, [true, true, true, false]);
        assert_eq!(rates.ask(now, "a"), Err(second));
        assert_eq!(rates.ask(now, "b"), Ok(()), "another is not concerned");
        assert_eq!(rates.ask(now + second, "a"), Ok(()));
        assert!(rates.ask(now + second, "a").is_err());
        for n in 0..2 * ASKERS {
            let _ = rates.ask(now + second * 2, &n.to_string());
        }
        assert!(rates.askers.len() <= ASKERS);
    }
}

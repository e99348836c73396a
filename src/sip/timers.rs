//! The constants of RFC 3261 §17 and one queue for all that waits.

use crate::units::Instant;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// Estimate of the round trip, RFC 3261 §17.1.1.1.
pub const T1: Duration = Duration::from_millis(500);
/// Longest gap between two copies of a request other than INVITE, or of a response to INVITE.
pub const T2: Duration = Duration::from_secs(4);
/// Longest time a message stays in the network.
pub const T4: Duration = Duration::from_secs(5);
/// 64·T1: timers B, D, F, H, J, L and M over UDP. Nothing waits longer for the other end.
pub const PATIENCE: Duration = Duration::from_secs(32);

const _: () = assert!(PATIENCE.as_millis() == 64 * T1.as_millis());

/// The next gap of a retransmission: doubled, at most T2.
pub fn backed_off(gap: Duration) -> Duration {
    (gap * 2).min(T2)
}

/// At most one deadline for each key, earliest first.
#[derive(Debug)]
pub struct Deadlines<K> {
    at: BTreeMap<K, Instant>,
    order: BTreeSet<(Instant, K)>,
}

impl<K: Ord + Clone> Deadlines<K> {
    /// Nothing waits.
    pub const fn new() -> Self {
        Self { at: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Sets, moves or (with `None`) clears the deadline of `key`.
    pub fn set(&mut self, key: K, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.at.insert(key.clone(), at),
            None => self.at.remove(&key),
        };
        if let Some(before) = before {
            self.order.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            self.order.insert((at, key));
        }
    }

    /// The earliest deadline of all.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes one key whose deadline has come.
    pub fn expired(&mut self, now: Instant) -> Option<K> {
        if self.next()? > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.at.remove(&key);
        Some(key)
    }
}

impl<K: Ord + Clone> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_deadline_and_the_earliest_comes_first() {
        let mut waiting = Deadlines::new();
        waiting.set("a", Some(Instant(5)));
        waiting.set("b", Some(Instant(3)));
        waiting.set("a", Some(Instant(2)));
        assert_eq!(waiting.next(), Some(Instant(2)));
        assert_eq!(waiting.expired(Instant(1)), None);
        assert_eq!(waiting.expired(Instant(9)), Some("a"));
        waiting.set("b", None);
        assert_eq!((waiting.expired(Instant(9)), waiting.next()), (None, None));
    }

    #[test]
    fn gaps_double_up_to_t2() {
        let gaps: Vec<_> = core::iter::successors(Some(T1), |gap| Some(backed_off(*gap))).take(5).collect();
        assert_eq!(gaps.iter().map(Duration::as_millis).collect::<Vec<_>>(), [500, 1000, 2000, 4000, 4000]);
    }
}

//! How long one usually waits at a number, from the holds there that a person ended.

use super::Record;
use std::collections::{BTreeMap, VecDeque};

/// Numbers that are remembered; one more, and the first in their order goes.
const NUMBERS: usize = 512;
/// Holds of each; one more, and the oldest goes.
const HOLDS: usize = 9;

/// Past waits by number.
#[derive(Clone, Debug, Default)]
pub struct Waits(BTreeMap<String, VecDeque<u64>>);

impl Waits {
    /// Takes the wait out of the record of a call that is over, if a person came. In the order of time.
    pub fn note(&mut self, record: &Record) {
        let Some(waited) = record.figures.waited_ms.filter(|_| !record.number.is_empty()) else { return };
        if !self.0.contains_key(&record.number) && self.0.len() >= NUMBERS {
            self.0.pop_first();
        }
        let waits = self.0.entry(record.number.clone()).or_default();
        if waits.len() >= HOLDS {
            waits.pop_front();
        }
        waits.push_back(waited);
    }

    /// The median, milliseconds; `None` if nobody has waited there yet.
    pub fn usual(&self, number: &str) -> Option<u64> {
        let mut waits: Vec<u64> = self.0.get(number)?.iter().copied().collect();
        waits.sort_unstable();
        waits.get(waits.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{CallId, Wall};

    #[test]
    fn the_median_of_the_last_holds_counts() {
        let mut waits = Waits::default();
        let mut note = |minutes: Option<u64>| {
            let mut record = Record::new(CallId(1), true, "1800", Wall(0));
            record.figures.waited_ms = minutes.map(|m| m * 60_000);
            waits.note(&record);
        };
        [Some(500), Some(3), None, Some(40), Some(5)].into_iter().for_each(&mut note);
        (0..8).for_each(|n| note(Some(6 + n % 2)));
        assert_eq!(waits.usual("1800"), Some(7 * 60_000), "the oldest are forgotten");
        assert_eq!(waits.usual("1801"), None);
        for n in 0..2 * NUMBERS {
            let mut record = Record::new(CallId(1), true, &n.to_string(), Wall(0));
            record.figures.waited_ms = Some(1);
            waits.note(&record);
        }
        assert_eq!(waits.0.len(), NUMBERS);
    }
}

//! How long one usually waits at a number, from the holds there that a person ended.

use std::collections::{BTreeMap, VecDeque};

/// Numbers that are remembered; one more, and the first in their order goes.
const NUMBERS: usize = 512;
/// Holds of each; one more, and the oldest goes.
const HOLDS: usize = 9;

/// Past waits by number.
#[derive(Clone, Debug, Default)]
pub struct Waits(BTreeMap<String, VecDeque<u64>>);

impl Waits {
    /// Somebody waited there for so many milliseconds until a person came.
    pub fn note(&mut self, company: String, waited: u64) {
        if !self.0.contains_key(&company) && self.0.len() >= NUMBERS {
            self.0.pop_first();
        }
        let waits = self.0.entry(company).or_default();
        if waits.len() >= HOLDS {
            waits.pop_front();
        }
        waits.push_back(waited);
    }

    /// The median, milliseconds; `None` if nobody has waited there yet.
    pub(super) fn usual(&self, company: &str) -> Option<u64> {
        let mut waits: Vec<u64> = self.0.get(company)?.iter().copied().collect();
        waits.sort_unstable();
        waits.get(waits.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_last_holds_counts() {
        let mut waits = Waits::default();
        let mut note = |minutes: u64| waits.note("1800".into(), minutes * 60_000);
        [500, 3, 40, 5].into_iter().for_each(&mut note);
        (0..8).for_each(|n| note(6 + n % 2));
        assert_eq!(waits.usual("1800"), Some(6 * 60_000), "the oldest are forgotten");
        assert_eq!(waits.usual("1801"), None);
        for n in 0..2 * NUMBERS {
            waits.note(n.to_string(), 1);
        }
        assert_eq!(waits.0.len(), NUMBERS);
    }
}

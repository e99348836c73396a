//! The flows of every number: versions, how they fared, and which one is used.

use super::flow::Flow;
use crate::sip::plain;
use crate::units::Wall;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most versions kept of one number's flow; of those not in use the oldest goes first.
pub const VERSIONS: usize = 8;
/// Most numbers with flows.
pub const NUMBERS: usize = 500;
/// A learnt flow is the default after so many successes.
const PROVEN: u32 = 2;
/// So many failures in a row, and a flow is used no more.
const BROKEN: u32 = 2;

/// All that is known of one number's menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Digits and `+` only; in full where the house can tell, so that it is one however it is dialled.
    pub number: String,
    /// Oldest first. Empty: nothing is kept any more.
    pub versions: Vec<Version>,
}

/// One version of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Unique for the number; rises.
    pub id: u32,
    /// The steps.
    pub flow: Flow,
    /// The box learnt it; otherwise the owner wrote it.
    pub learnt: bool,
    /// When it was made.
    pub made: Wall,
    /// Calls in which it led to its end.
    pub successes: u32,
    /// Calls in which it did not.
    pub failures: u32,
    /// Of these, since the last success.
    pub failed_in_a_row: u32,
}

/// How much a version is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It failed too often: used only if the owner chooses it.
    Demoted,
    /// Learnt, and not yet proven: the owner is told that it is there.
    Offered,
    /// Used without a word.
    Default,
}

impl Version {
    /// How much it is trusted.
    pub fn standing(&self) -> Standing {
        match self.failed_in_a_row {
            n if n >= BROKEN => Standing::Demoted,
            0 if !self.learnt || self.successes >= PROVEN => Standing::Default,
            _ => Standing::Offered,
        }
    }
}

/// Every number's flows.
#[derive(Debug, Default)]
pub struct Book {
    entries: BTreeMap<String, Entry>,
}

/// The form of a number by which its flows are found.
pub fn key(number: &str) -> String {
    plain(number)
}

impl Book {
    /// With what was kept earlier.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self { entries: entries.into_iter().map(|entry| (entry.number.clone(), entry)).collect() }
    }

    /// With what was kept earlier, each number in the form that `full` gives it: what was kept under several forms of one
    /// number becomes one entry. Returns what is to be written, too.
    pub fn gathered(entries: Vec<Entry>, full: impl Fn(&str) -> String) -> (Self, Vec<Entry>) {
        let (moved, same): (Vec<Entry>, _) = entries.into_iter().partition(|e| full(&e.number) != e.number);
        let mut book = Self::new(same);
        let mut written = Vec::new();
        for old in moved {
            let number = full(&old.number);
            let fresh = Entry { number: number.clone(), versions: Vec::new() };
            let entry = book.entries.entry(number).or_insert(fresh);
            // Those that are there keep their ids: planned calls name them.
            let next = entry.versions.iter().map(|version| version.id).max();
            for (n, mut version) in (1..).zip(old.versions) {
                version.id = next.map_or(version.id, |last| last + n);
                entry.versions.push(version);
            }
            while entry.versions.len() > VERSIONS {
                let in_use = entry.versions.iter().max_by_key(|v| (v.standing(), v.id)).map(|v| v.id);
                let oldest = (0..entry.versions.len()).filter(|at| Some(entry.versions[*at].id) != in_use);
                let Some(at) = oldest.min_by_key(|at| entry.versions[*at].made) else { break };
                entry.versions.remove(at);
            }
            written.extend([entry.clone(), Entry { number: old.number, versions: Vec::new() }]);
        }
        (book, written)
    }

    /// The version to be used for a number, if one can be trusted: the best standing, of these the newest.
    pub fn choose(&self, number: &str) -> Option<&Version> {
        let versions = self.entries.get(&key(number))?.versions.iter();
        // What was found for one wish is not for every call.
        let general = |v: &&Version| !v.learnt || v.flow.name.is_empty();
        let trusted = versions.filter(general).filter(|v| v.standing() > Standing::Demoted);
        trusted.max_by_key(|v| (v.standing(), v.id))
    }

    /// The same of those that are called by this wish.
    pub fn choose_for(&self, number: &str, wish: &str) -> Option<&Version> {
        let versions = self.entries.get(&key(number))?.versions.iter();
        let named = versions.filter(|v| v.flow.name.to_lowercase() == wish.to_lowercase());
        named.filter(|v| v.standing() > Standing::Demoted).max_by_key(|v| (v.standing(), v.id))
    }

    /// Flows are known for this number, and all of them failed: its menu is not what it was.
    pub fn is_lost(&self, number: &str) -> bool {
        let general = |v: &Version| !v.learnt || v.flow.name.is_empty();
        let known = self.entries.get(&key(number)).is_some_and(|entry| entry.versions.iter().any(general));
        known && self.choose(number).is_none()
    }

    /// This version, whatever its standing.
    pub fn version(&self, number: &str, id: u32) -> Option<&Version> {
        self.entries.get(&key(number))?.versions.iter().find(|v| v.id == id)
    }

    /// Keeps a flow as the newest version. Returns what is to be written; nothing if a learnt flow is known already.
    ///
    /// # Errors
    /// The number is none, or there are flows of too many numbers.
    pub fn keep(
        &mut self,
        number: &str,
        flow: Flow,
        learnt: bool,
        now: Wall,
    ) -> Result<Option<Entry>, String> {
        let number = key(number);
        if number.is_empty() || number.len() > 32 {
            return Err("a flow belongs to a number of 1 to 32 digits".into());
        }
        if !self.entries.contains_key(&number) && self.entries.len() >= NUMBERS {
            return Err(format!("flows are kept for {NUMBERS} numbers at most: remove some first"));
        }
        let fresh = Entry { number: number.clone(), versions: Vec::new() };
        let entry = self.entries.entry(number).or_insert(fresh);
        let known = |v: &&Version| {
            v.standing() > Standing::Demoted && v.flow.does_the_same(&flow) && v.flow.name == flow.name
        };
        if learnt && entry.versions.iter().rev().any(|v| known(&v)) {
            return Ok(None);
        }
        let id = entry.versions.last().map_or(1, |v| v.id + 1);
        let (successes, failures, failed_in_a_row) = (0, 0, 0);
        entry.versions.push(Version { id, flow, learnt, made: now, successes, failures, failed_in_a_row });
        if entry.versions.len() > VERSIONS {
            let in_use = entry.versions.iter().max_by_key(|v| (v.standing(), v.id)).map(|v| v.id);
            let oldest = entry.versions.iter().position(|v| Some(v.id) != in_use && v.id != id);
            if let Some(at) = oldest {
                entry.versions.remove(at);
            }
        }
        Ok(Some(entry.clone()))
    }

    /// A call in which a version was followed is over. Returns what is to be written.
    pub fn count(&mut self, number: &str, id: u32, success: bool) -> Option<Entry> {
        let entry = self.entries.get_mut(&key(number))?;
        let version = entry.versions.iter_mut().find(|v| v.id == id)?;
        if success {
            version.successes = version.successes.saturating_add(1);
            version.failed_in_a_row = 0;
        } else {
            version.failures = version.failures.saturating_add(1);
            version.failed_in_a_row = version.failed_in_a_row.saturating_add(1);
        }
        Some(entry.clone())
    }

    /// Forgets one version, or all. Returns what is to be written.
    pub fn forget(&mut self, number: &str, id: Option<u32>) -> Option<Entry> {
        let number = key(number);
        let entry = self.entries.get_mut(&number)?;
        let before = entry.versions.len();
        entry.versions.retain(|v| id.is_some_and(|id| v.id != id));
        let written = (entry.versions.len() < before).then(|| entry.clone());
        if entry.versions.is_empty() {
            self.entries.remove(&number);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::flow::tests::{after, keys};
    use super::*;

    const NUMBER: &str = "18005550123";

    fn flow(pressed: &str) -> Flow {
        Flow::new("", vec![after(1, keys(pressed))]).unwrap()
    }

    fn learnt(book: &mut Book, pressed: &str) -> Option<u32> {
        let entry = book.keep(NUMBER, flow(pressed), true, Wall(0)).unwrap()?;
        Some(entry.versions.last().unwrap().id)
    }

    fn in_use(book: &Book) -> Option<(u32, Standing)> {
        book.choose(NUMBER).map(|v| (v.id, v.standing()))
    }

    #[test]
    fn a_learnt_flow_is_offered_proven_by_two_calls_and_demoted_by_two() {
        let mut book = Book::default();
        assert_eq!(learnt(&mut book, "2"), Some(1));
        assert_eq!(in_use(&book), Some((1, Standing::Offered)));
        book.count(NUMBER, 1, true);
        assert_eq!(in_use(&book), Some((1, Standing::Offered)));
        book.count(NUMBER, 1, true);
        assert_eq!(in_use(&book), Some((1, Standing::Default)));
        book.count(NUMBER, 1, false);
        assert_eq!(in_use(&book), Some((1, Standing::Offered)));
        book.count(NUMBER, 1, false);
        assert_eq!((in_use(&book), book.is_lost(NUMBER), book.is_lost("1900")), (None, true, false));
        assert_eq!(book.version(NUMBER, 1).map(|v| (v.successes, v.failures)), Some((2, 2)));
        // What is learnt anew after that is another version, even if the keys are the same: its prompts are not.
        assert_eq!(learnt(&mut book, "2"), Some(2));
    }

    #[test]
    fn what_is_known_is_not_learnt_again_and_what_the_owner_wrote_counts_at_once() {
        let mut book = Book::default();
        learnt(&mut book, "2");
        assert_eq!(learnt(&mut book, "2"), None);
        assert_eq!(learnt(&mut book, "3"), Some(2));
        book.keep("+1 800-555-0199", flow("4"), false, Wall(0)).unwrap();
        let written = book.choose("+18005550199").unwrap();
        assert_eq!((written.standing(), written.learnt), (Standing::Default, false));
        assert!(book.keep("", flow("4"), false, Wall(0)).is_err());
    }

    #[test]
    fn one_number_dialled_in_two_ways_is_one_entry() {
        let mut old = Book::default();
        let [plain, full] = ["18005550123", "+18005550123"].map(|number| {
            let made = Wall(if number.starts_with('+') { 5 } else { 9 });
            old.keep(number, flow(if made.0 == 5 { "1" } else { "2" }), true, made).unwrap().unwrap()
        });
        let in_full =
            |number: &str| if number.starts_with('1') { format!("+{number}") } else { number.to_owned() };
        let (book, written) = Book::gathered(vec![plain, full.clone()], in_full);
        let entry = &written[0];
        assert_eq!((written[1].number.as_str(), written[1].versions.len()), ("18005550123", 0));
        assert_eq!(entry.versions.iter().map(|v| (v.id, v.made.0)).collect::<Vec<_>>(), [(1, 5), (2, 9)]);
        assert_eq!(book.choose("+18005550123").map(|v| v.made.0), Some(9));
        assert!(Book::gathered(vec![full], in_full).1.is_empty(), "what is in full stays as it is");
    }

    #[test]
    fn versions_are_bounded_and_the_one_in_use_stays() {
        let mut book = Book::default();
        learnt(&mut book, "0");
        book.count(NUMBER, 1, true);
        book.count(NUMBER, 1, true);
        for n in 1..30 {
            learnt(&mut book, &format!("{n}"));
        }
        let entry = book.count(NUMBER, 1, true).unwrap();
        assert_eq!(entry.versions.iter().map(|v| v.id).collect::<Vec<_>>(), [1, 24, 25, 26, 27, 28, 29, 30]);
        assert_eq!(in_use(&book), Some((1, Standing::Default)));
        assert_eq!(book.forget(NUMBER, Some(1)).unwrap().versions.len(), 7);
        assert!(book.forget(NUMBER, Some(1)).is_none());
        assert!(book.forget(NUMBER, None).unwrap().versions.is_empty() && in_use(&book).is_none());
    }
}

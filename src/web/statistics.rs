//! What the records add up to. Pure.

use super::words;
use crate::call::{Outcome, Record};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

/// Numbers in the table; those that cost most time.
const NUMBERS: usize = 20;

/// What the box has done.
#[derive(Debug, Default, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Statistics {
    /// Calls that are over.
    pub(super) calls: u32,
    /// Of them, held.
    pub(super) held: u32,
    /// Of those, ended with a person.
    pub(super) slain: u32,
    /// Time that the box waited, milliseconds.
    pub(super) held_ms: u64,
    /// How often a phone rang for what was no person.
    pub(super) false_rings: u32,
    /// Those that were waited for longest, first.
    pub(super) numbers: Vec<OfNumber>,
    /// Time waited by the hour at which the wait began, on the box's clock, milliseconds; 24 of them.
    pub(super) by_hour_ms: Vec<u64>,
    /// The same by weekday, Monday first.
    pub(super) by_weekday_ms: Vec<u64>,
}

/// What is known of one number.
#[derive(Debug, Default, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct OfNumber {
    /// The number.
    pub(super) number: String,
    /// Calls that were held.
    pub(super) held: u32,
    /// Of them, ended with a person.
    pub(super) slain: u32,
    /// Time that the box waited, milliseconds.
    pub(super) held_ms: u64,
    /// Half of the waits that ended with a person were shorter, milliseconds.
    pub(super) median_ms: Option<u64>,
}

/// Half of them are shorter.
pub(super) fn median(mut waits: Vec<u64>) -> Option<u64> {
    waits.sort_unstable();
    waits.get(waits.len() / 2).copied()
}

/// Adds up. Calls that are up do not count.
pub(super) fn reckon<'a>(records: impl Iterator<Item = &'a Record>) -> Statistics {
    let mut sum = Statistics { by_hour_ms: vec![0; 24], by_weekday_ms: vec![0; 7], ..Statistics::default() };
    let mut numbers: HashMap<&str, (OfNumber, Vec<u64>)> = HashMap::new();
    for record in records.filter(|record| record.outcome != Outcome::Up) {
        sum.calls += 1;
        let stopped = record.decisions.iter().filter(|decision| decision.what == "stop ringing").count();
        sum.false_rings += u32::try_from(stopped).unwrap_or(u32::MAX);
        let Some(since) = record.hold_started else { continue };
        let slain = record.outcome == Outcome::Slain;
        sum.held += 1;
        sum.slain += u32::from(slain);
        sum.held_ms += record.held_ms;
        let (hour, weekday) = words::hour_and_weekday(since);
        add(&mut sum.by_hour_ms, hour, record.held_ms);
        add(&mut sum.by_weekday_ms, weekday, record.held_ms);
        let (number, waits) = numbers.entry(&record.number).or_default();
        number.held += 1;
        number.slain += u32::from(slain);
        number.held_ms += record.held_ms;
        waits.extend(slain.then_some(record.held_ms));
    }
    sum.numbers = numbers
        .into_iter()
        .map(|(number, (known, waits))| {
            let median_ms = median(waits);
            OfNumber { number: number.to_owned(), median_ms, ..known }
        })
        .collect();
    sum.numbers.sort_by(|a, b| b.held_ms.cmp(&a.held_ms).then_with(|| a.number.cmp(&b.number)));
    sum.numbers.truncate(NUMBERS);
    sum
}

fn add(to: &mut [u64], at: usize, ms: u64) {
    if let Some(sum) = to.get_mut(at) {
        *sum += ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Decision;
    use crate::units::{CallId, Wall};

    #[test]
    fn times_and_ends_are_added_up_by_number() {
        let held = |id, number: &str, outcome, ms| Record {
            outcome,
            held_ms: ms,
            hold_started: Some(Wall(id * 1000)),
            ..Record::new(CallId(id), true, number, Wall(0))
        };
        let stop = Decision { at_ms: 0, what: "stop ringing".into(), reason: String::new() };
        let records = [
            held(1, "1", Outcome::Slain, 100),
            held(2, "1", Outcome::Slain, 300),
            Record { decisions: vec![stop], ..held(3, "1", Outcome::Slain, 200) },
            held(4, "2", Outcome::CompanyHungUp, 1000),
            held(5, "2", Outcome::Up, 5000),
            Record { outcome: Outcome::Talked, ..Record::new(CallId(6), true, "3", Wall(0)) },
        ];
        let sum = reckon(records.iter());
        assert_eq!((sum.calls, sum.held, sum.slain, sum.held_ms, sum.false_rings), (5, 4, 3, 1600, 1));
        assert_eq!((sum.by_hour_ms.iter().sum::<u64>(), sum.by_weekday_ms.iter().sum::<u64>()), (1600, 1600));
        let numbers: Vec<_> =
            sum.numbers.iter().map(|n| (n.number.as_str(), n.held, n.slain, n.median_ms)).collect();
        assert_eq!(numbers, [("2", 1, 0, None), ("1", 3, 3, Some(200))]);
    }
}

//! What the records add up to. Pure.

use super::api::Refusal;
use super::history::{self, Names};
use super::{Site, words};
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
    /// Those that were waited for longest, first. Calls without a number belong to none.
    pub(super) numbers: Vec<OfNumber>,
    /// Companies that are not among them, for they were waited for less.
    pub(super) left_out: u32,
    /// Time waited by the hour at which the wait began, on the box's clock, milliseconds; 24 of them.
    pub(super) by_hour_ms: Vec<u64>,
    /// The same by weekday, Monday first.
    pub(super) by_weekday_ms: Vec<u64>,
}

/// What is known of one company, however its number was dialled.
#[derive(Debug, Default, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct OfNumber {
    /// The number, as it was dialled last.
    pub(super) number: String,
    /// What the newest flow through its menu is called, if there is one.
    pub(super) name: Option<String>,
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

/// What is kept of calls, added up.
pub(super) fn of(site: &Site) -> Result<Statistics, Refusal> {
    let names = Names::known(site)?;
    let records = history::every(site.store()?)?;
    let name = |number: &str| names.of(number).map(str::to_owned);
    Ok(reckon(records.iter(), &|number| site.company(number), &name))
}

/// Adds up, the newest call first, by the `company` that a number is one of, and its `name`. Calls that are up do not count.
fn reckon<'a>(
    records: impl Iterator<Item = &'a Record>,
    company: &dyn Fn(&str) -> String,
    name: &dyn Fn(&str) -> Option<String>,
) -> Statistics {
    let mut sum = Statistics { by_hour_ms: vec![0; 24], by_weekday_ms: vec![0; 7], ..Statistics::default() };
    let mut numbers: HashMap<String, (OfNumber, Vec<u64>)> = HashMap::new();
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
        if record.number.is_empty() {
            continue;
        }
        let (number, waits) = numbers.entry(company(&record.number)).or_default();
        if number.number.is_empty() {
            number.number.clone_from(&record.number);
        }
        number.held += 1;
        number.slain += u32::from(slain);
        number.held_ms += record.held_ms;
        waits.extend(slain.then_some(record.held_ms));
    }
    sum.numbers = numbers
        .into_values()
        .map(|(known, waits)| OfNumber { name: name(&known.number), median_ms: median(waits), ..known })
        .collect();
    sum.numbers.sort_by(|a, b| b.held_ms.cmp(&a.held_ms).then_with(|| a.number.cmp(&b.number)));
    sum.left_out = u32::try_from(sum.numbers.len().saturating_sub(NUMBERS)).unwrap_or(u32::MAX);
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
    fn times_and_ends_are_added_up_by_company() {
        let held = |id, number: &str, outcome, ms| Record {
            outcome,
            held_ms: ms,
            hold_started: Some(Wall(id * 1000)),
            ..Record::new(CallId(id), true, number, Wall(0))
        };
        let stop = Decision { at_ms: 0, what: "stop ringing".into(), reason: String::new() };
        let records = [
            held(1, "1", Outcome::Slain, 100),
            held(2, "+1", Outcome::Slain, 300),
            Record { decisions: vec![stop], ..held(3, "1", Outcome::Slain, 200) },
            held(4, "2", Outcome::CompanyHungUp, 1000),
            held(5, "2", Outcome::Up, 5000),
            Record { outcome: Outcome::Talked, ..Record::new(CallId(6), true, "3", Wall(0)) },
            held(7, "", Outcome::Slain, 400),
        ];
        let full = |number: &str| format!("+{}", number.trim_start_matches('+'));
        let name = |number: &str| (full(number) == "+1").then(|| "Care".to_owned());
        let sum = reckon(records.iter(), &full, &name);
        assert_eq!((sum.calls, sum.held, sum.slain, sum.held_ms, sum.false_rings), (6, 5, 4, 2000, 1));
        let known = |n: &OfNumber| (n.number.clone(), n.name.clone(), n.held, n.slain, n.median_ms);
        let numbers: Vec<_> = sum.numbers.iter().map(known).collect();
        let expected =
            [("2".to_owned(), None, 1, 0, None), ("1".to_owned(), Some("Care".to_owned()), 3, 3, Some(200))];
        assert_eq!(numbers, expected, "withheld numbers are no company");
        let many: Vec<Record> = (0..25).map(|n| held(n, &n.to_string(), Outcome::Slain, 1_000 + n)).collect();
        let sum = reckon(many.iter(), &full, &name);
        assert_eq!((sum.numbers.len(), sum.left_out, sum.numbers[19].held_ms), (20, 5, 1_005));
    }

    #[test]
    fn waits_count_in_the_hour_and_on_the_day_at_which_they_began() {
        const HOUR: u64 = 3_600_000;
        // 2026-11-23, a Monday, 00:30 UTC; the zone of this machine moves all of it alike.
        let first = 1_795_393_800_000;
        let (hour, day) = words::hour_and_weekday(Wall(first));
        let held = |id: u64, after, ms| Record {
            outcome: Outcome::Slain,
            held_ms: ms,
            hold_started: Some(Wall(first + after)),
            ..Record::new(CallId(id), true, "1", Wall(first))
        };
        let records = [held(1, 0, 5), held(2, HOUR / 4, 7), held(3, 3 * HOUR, 11), held(4, 48 * HOUR, 13)];
        let sum = reckon(records.iter(), &|number| number.to_owned(), &|_| None);
        let mut hours = vec![0; 24];
        (hours[hour], hours[(hour + 3) % 24]) = (5 + 7 + 13, 11);
        let mut days = vec![0; 7];
        (days[day], days[(day + 2) % 7]) = (5 + 7 + 11, 13);
        if hour + 3 >= 24 {
            (days[day], days[(day + 1) % 7]) = (5 + 7, 11);
        }
        assert_eq!((sum.by_hour_ms, sum.by_weekday_ms), (hours, days));
    }
}

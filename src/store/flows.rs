//! Flows through menus, and calls that are planned: the control thread changes them and never waits for the disk.

use super::form::{decode, decode_of, encode, encode_as};
use super::queue::Shelf;
use super::{Error, SETTINGS, Store};
use crate::slay::book::{Entry, key};
use crate::slay::schedule::Appointment;
use redb::ReadableDatabase;

/// Keys of flows among the settings begin with this, and end before [`AFTER`].
const PREFIX: &str = "flow.";
const AFTER: &str = "flow/";
const SCHEDULE: &str = "schedule";

/// How an entry is written since its steps may expect words.
const FORM: u8 = 2;

fn entry(bytes: &[u8]) -> Option<Entry> {
    decode_of(FORM, bytes).or_else(|| decode::<old::Entry>(bytes).map(Entry::from))
}

/// An entry as it was written before.
mod old {
    use crate::listen::prompt::Print;
    use crate::slay::book;
    use crate::slay::flow::{Act, Flow, Otherwise, Step as NewStep};
    use crate::units::Wall;
    use core::time::Duration;
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    pub(super) struct Entry {
        pub(super) number: String,
        pub(super) versions: Vec<Version>,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Version {
        pub(super) id: u32,
        pub(super) name: String,
        pub(super) steps: Vec<Step>,
        pub(super) learnt: bool,
        pub(super) made: Wall,
        pub(super) successes: u32,
        pub(super) failures: u32,
        pub(super) failed_in_a_row: u32,
    }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Step {
        pub(super) label: Option<String>,
        pub(super) prompt: Option<Print>,
        pub(super) within: Duration,
        pub(super) otherwise: Otherwise,
        pub(super) act: Act,
    }

    impl From<Entry> for book::Entry {
        fn from(Entry { number, versions }: Entry) -> Self {
            Self { number, versions: versions.into_iter().map(Into::into).collect() }
        }
    }

    impl From<Version> for book::Version {
        fn from(old: Version) -> Self {
            let Version { id, name, steps, learnt, made, successes, failures, failed_in_a_row } = old;
            let step = |Step { label, prompt, within, otherwise, act }| NewStep {
                label,
                prompt,
                expect: None,
                within,
                otherwise,
                act,
            };
            let flow = Flow { name, steps: steps.into_iter().map(step).collect() };
            Self { id, flow, learnt, made, successes, failures, failed_in_a_row }
        }
    }
}

impl Store {
    /// The flows of every number, by number. What cannot be understood is left out.
    ///
    /// # Errors
    /// The disk fails.
    pub fn flows(&self) -> Result<Vec<Entry>, Error> {
        // Before the disk is read: what gets there in between would be found at neither place.
        let waiting = self.shared.queue.values(Shelf::Settings, PREFIX);
        let mut found = self.shared.read(|database| {
            let settings = database.begin_read()?.open_table(SETTINGS)?;
            let all = settings.range(PREFIX..AFTER)?;
            all.map(|entry| {
                let (key, value) = entry?;
                Ok((key.value().to_owned(), Some(value.value().to_vec())))
            })
            .collect::<Result<std::collections::BTreeMap<_, _>, Error>>()
        })?;
        found.extend(waiting);
        Ok(found.into_values().flatten().filter_map(|bytes| entry(&bytes)).collect())
    }

    /// The flows of one number.
    ///
    /// # Errors
    /// The disk fails.
    pub fn flows_of(&self, number: &str) -> Result<Option<Entry>, Error> {
        let number = key(number);
        Ok(self.flows()?.into_iter().find(|entry| entry.number == number))
    }

    /// Keeps the flows of a number; none are removed. Never waits for the disk.
    ///
    /// # Errors
    /// The disk has failed for so long that nothing more is taken.
    pub fn put_flows(&self, entry: &Entry) -> Result<(), Error> {
        let bytes = (!entry.versions.is_empty()).then(|| encode_as(FORM, entry)).transpose()?;
        self.shared.queue.put_value(Shelf::Settings, &format!("{PREFIX}{}", entry.number), bytes)
    }

    /// The calls that are planned.
    ///
    /// # Errors
    /// The disk fails.
    pub fn schedule(&self) -> Result<Vec<Appointment>, Error> {
        let waiting = self.shared.queue.value(Shelf::Settings, SCHEDULE);
        let bytes = match waiting {
            Some(bytes) => bytes,
            None => self.setting(SCHEDULE)?,
        };
        Ok(bytes.and_then(|bytes| decode(&bytes)).unwrap_or_default())
    }

    /// Keeps the calls that are planned. Never waits for the disk.
    ///
    /// # Errors
    /// The disk has failed for so long that nothing more is taken.
    pub fn put_schedule(&self, list: &[Appointment]) -> Result<(), Error> {
        self.shared.queue.put_value(Shelf::Settings, SCHEDULE, Some(encode(&list)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::slay::book::Book;
    use crate::slay::flow::Flow;
    use crate::slay::flow::tests::{after, keys};
    use crate::slay::schedule::Way;
    use crate::units::Wall;
    use core::time::Duration;

    #[test]
    fn flows_and_planned_calls_outlive_a_restart() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-flows-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let (store, _) = Store::open(&dir).unwrap();
        let mut book = Book::default();
        let flow = Flow::new("Care", vec![after(1, keys("2"))]).unwrap();
        let entry = book.keep("1800", flow.clone(), true, Wall(7)).unwrap().unwrap();
        let other = book.keep("1900", flow, false, Wall(8)).unwrap().unwrap();
        let planned = [Appointment { id: 1, number: "1800".into(), at: Wall(9), way: Way::Known }];
        store.put_flows(&entry).unwrap();
        store.put_flows(&other).unwrap();
        store.put_schedule(&planned).unwrap();
        assert_eq!(store.flows().unwrap(), [entry.clone(), other.clone()], "before they are written");
        let counted = book.count("1800", 1, true).unwrap();
        store.put_flows(&counted).unwrap();
        assert!(store.stop(Duration::from_secs(20)));
        let (store, _) = Store::open(&dir).unwrap();
        assert_eq!(store.flows_of("1-800").unwrap(), Some(counted.clone()));
        assert_eq!(store.schedule().unwrap(), planned);
        store.put_flows(&book.forget("1900", None).unwrap()).unwrap();
        assert_eq!(store.flows().unwrap(), std::slice::from_ref(&counted));
        assert!(store.flush(Duration::from_secs(20)));
        assert_eq!(store.flows().unwrap(), [counted]);
        assert!(store.stop(Duration::from_secs(20)));
        let _ = std::fs::remove_dir_all(&dir);
    }

    #[test]
    fn what_was_kept_is_found_at_once_whatever_the_disk_does_meanwhile() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-at-once-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let (store, _) = Store::open(&dir).unwrap();
        let mut book = Book::default();
        for n in 1..=100_usize {
            let flow = Flow::new("Care", vec![after(1, keys("2"))]).unwrap();
            store.put_flows(&book.keep(&format!("1{n:03}"), flow, true, Wall(7)).unwrap().unwrap()).unwrap();
            // Until long after it has been written.
            for _ in 0..50 {
                assert_eq!(store.flows().unwrap().len(), n);
            }
        }
        assert!(store.stop(Duration::from_secs(20)));
        let _ = std::fs::remove_dir_all(&dir);
    }

    #[test]
    fn flows_that_were_kept_before_steps_expected_words_are_read() {
        let flow = Flow::new("Care", vec![after(1, keys("2"))]).unwrap();
        let steps = flow.steps.iter().cloned().map(|s| old::Step {
            label: s.label,
            prompt: s.prompt,
            within: s.within,
            otherwise: s.otherwise,
            act: s.act,
        });
        let version = old::Version {
            id: 3,
            name: flow.name.clone(),
            steps: steps.collect(),
            learnt: true,
            made: Wall(7),
            successes: 2,
            failures: 1,
            failed_in_a_row: 0,
        };
        let bytes = encode(&old::Entry { number: "1800".into(), versions: vec![version] }).unwrap();
        let read = entry(&bytes).unwrap();
        assert_eq!(
            (read.number.as_str(), &read.versions[0].flow, read.versions[0].successes),
            ("1800", &flow, 2)
        );
        let written = encode_as(FORM, &read).unwrap();
        assert_eq!(entry(&written), Some(read));
        assert_eq!(entry(&[9, 1]), None);
    }
}

//! The bounded queue between the control thread and the disk: the newest state of each call and of each value that is kept
//! beside the records, and nothing older.

use super::Error;
use crate::call::Record;
use crate::limits::STORE_QUEUE;
use crate::units::CallId;
use core::time::Duration;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Neither end ever waits for the disk while it holds the lock.
#[derive(Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// The writer has something to do.
    work: Condvar,
    /// Nothing waits and nothing is being written.
    quiet: Condvar,
}

/// Where values are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shelf {
    /// What the listener knows of each company.
    Lore,
    /// Among the settings: flows and planned calls.
    Settings,
}

/// Values by their place and key, as bytes; nothing: it is removed.
pub(super) type Values = BTreeMap<(Shelf, String), Option<Vec<u8>>>;

/// What is written at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    pub(super) values: Values,
}

#[derive(Default)]
struct Inner {
    pending: BTreeMap<CallId, Record>,
    values: Values,
    /// What is being written of them: newer than what a reader of the disk finds.
    under_way: Values,
    writing: bool,
    closed: bool,
    ended: bool,
}

impl Inner {
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.values.is_empty()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a state of a call, in place of an older one that still waits.
    pub(super) fn put(&self, record: Record) -> Result<(), Error> {
        let mut inner = self.lock();
        if inner.pending.len() >= STORE_QUEUE && !inner.pending.contains_key(&record.id) {
            return Err(Error::Full);
        }
        inner.pending.insert(record.id, record);
        self.work.notify_one();
        Ok(())
    }

    /// Adds a value, or its removal, in place of what still waits under its key.
    pub(super) fn put_value(&self, shelf: Shelf, key: &str, value: Option<Vec<u8>>) -> Result<(), Error> {
        let (mut inner, place) = (self.lock(), (shelf, key.to_owned()));
        if inner.values.len() >= STORE_QUEUE && !inner.values.contains_key(&place) {
            return Err(Error::Full);
        }
        inner.values.insert(place, value);
        self.work.notify_one();
        Ok(())
    }

    /// The values that are not on the disk yet and whose keys begin like this.
    pub(super) fn values(&self, shelf: Shelf, prefix: &str) -> BTreeMap<String, Option<Vec<u8>>> {
        let inner = self.lock();
        let all = inner.under_way.iter().chain(&inner.values);
        let wanted = all.filter(|((place, key), _)| *place == shelf && key.starts_with(prefix));
        wanted.map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }

    /// Waits for something to write; `None` once closed and empty.
    pub(super) fn take(&self) -> Option<Batch> {
        let inner = self.lock();
        let mut inner = self
            .work
            .wait_while(inner, |inner| inner.is_empty() && !inner.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if inner.is_empty() {
            return None;
        }
        inner.writing = true;
        let records = core::mem::take(&mut inner.pending).into_values().collect();
        inner.under_way = core::mem::take(&mut inner.values);
        Some(Batch { records, values: inner.under_way.clone() })
    }

    /// What was taken last is on the disk.
    pub(super) fn written(&self) {
        let mut inner = self.lock();
        inner.writing = false;
        inner.under_way.clear();
        if inner.is_empty() {
            self.quiet.notify_all();
        }
    }

    /// What was taken last could not be written: it waits again, except where a newer state has come.
    pub(super) fn give_back(&self, batch: Batch) {
        let mut inner = self.lock();
        inner.writing = false;
        inner.under_way.clear();
        for record in batch.records {
            if let Entry::Vacant(place) = inner.pending.entry(record.id) {
                place.insert(record);
            }
        }
        for (place, value) in batch.values {
            inner.values.entry(place).or_insert(value);
        }
    }

    /// Rests for `time`, less if the queue is closed meanwhile. Returns whether it is closed.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let inner = self.lock();
        let (inner, _) = self
            .work
            .wait_timeout_while(inner, time, |inner| !inner.closed)
            .unwrap_or_else(PoisonError::into_inner);
        inner.closed
    }

    /// Waits until all is written, at most `time`. Returns whether it is.
    pub(super) fn flush(&self, time: Duration) -> bool {
        let inner = self.lock();
        let (inner, _) = self
            .quiet
            .wait_timeout_while(inner, time, |inner| (!inner.is_empty() || inner.writing) && !inner.ended)
            .unwrap_or_else(PoisonError::into_inner);
        inner.is_empty() && !inner.writing
    }

    /// Tells the writer to finish what waits and to end.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    /// The writer has ended.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.quiet.notify_all();
    }

    /// Waits for the writer's end, at most `time`. Returns whether nothing was left unwritten.
    pub(super) fn wait_for_end(&self, time: Duration) -> bool {
        let inner = self.lock();
        let (inner, _) = self
            .quiet
            .wait_timeout_while(inner, time, |inner| !inner.ended)
            .unwrap_or_else(PoisonError::into_inner);
        inner.ended && inner.is_empty()
    }

    /// The state of a call that still waits.
    pub(super) fn get(&self, id: CallId) -> Option<Record> {
        self.lock().pending.get(&id).cloned()
    }

    /// How many calls wait.
    pub(super) fn len(&self) -> usize {
        self.lock().pending.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::store::tests::record;

    #[test]
    fn a_newer_state_replaces_an_unwritten_older_one() {
        let queue = Queue::default();
        queue.put(record(7, "old")).unwrap();
        queue.put(record(7, "new")).unwrap();
        let taken = queue.take().unwrap().records;
        assert_eq!(taken.iter().map(|r| r.number.as_str()).collect::<Vec<_>>(), ["new"]);
    }

    #[test]
    fn what_could_not_be_written_never_hides_a_newer_state() {
        let queue = Queue::default();
        queue.put(record(7, "old")).unwrap();
        queue.put(record(8, "only")).unwrap();
        let taken = queue.take().unwrap();
        queue.put(record(7, "new")).unwrap();
        queue.give_back(taken);
        assert_eq!(queue.get(CallId(7)).unwrap().number, "new");
        assert_eq!(queue.get(CallId(8)).unwrap().number, "only");
    }

    #[test]
    fn a_full_queue_refuses_a_new_call_but_still_takes_news_of_those_it_has() {
        let queue = Queue::default();
        for id in 0..STORE_QUEUE as u64 {
            queue.put(record(id, "")).unwrap();
        }
        assert!(matches!(queue.put(record(9999, "")), Err(Error::Full)));
        queue.put(record(3, "news")).unwrap();
        assert_eq!(queue.get(CallId(3)).unwrap().number, "news");
    }
}

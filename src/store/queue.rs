//! The bounded queue between the control thread and the disk: the newest state of each call and of each value that is kept
//! beside the records, and nothing older.

use super::Error;
use crate::call::Record;
use crate::limits::STORE_QUEUE;
use crate::units::CallId;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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

/// What is written at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: BTreeMap<CallId, Record>,
    /// By their place and key, as bytes; nothing: it is removed.
    pub(super) values: BTreeMap<(Shelf, String), Option<Vec<u8>>>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.values.is_empty()
    }
}

#[derive(Default)]
struct Inner {
    waits: Batch,
    /// What is being written: newer than what a reader of the disk finds.
    under_way: Option<Arc<Batch>>,
    woken: bool,
    closed: bool,
    ended: bool,
}

impl Inner {
    fn is_quiet(&self) -> bool {
        self.waits.is_empty() && self.under_way.is_none()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a state of a call, in place of an older one that still waits.
    pub(super) fn put(&self, record: Record) -> Result<(), Error> {
        let mut inner = self.lock();
        let records = &mut inner.waits.records;
        if records.len() >= STORE_QUEUE && !records.contains_key(&record.id) {
            return Err(Error::Full);
        }
        records.insert(record.id, record);
        self.work.notify_one();
        Ok(())
    }

    /// Adds a value, or its removal, in place of what still waits under its key.
    pub(super) fn put_value(&self, shelf: Shelf, key: &str, value: Option<Vec<u8>>) -> Result<(), Error> {
        let (mut inner, place) = (self.lock(), (shelf, key.to_owned()));
        let values = &mut inner.waits.values;
        if values.len() >= STORE_QUEUE && !values.contains_key(&place) {
            return Err(Error::Full);
        }
        values.insert(place, value);
        self.work.notify_one();
        Ok(())
    }

    /// A value that is not on the disk yet.
    pub(super) fn value(&self, shelf: Shelf, key: &str) -> Option<Option<Vec<u8>>> {
        let place = (shelf, key.to_owned());
        self.newest(|batch| batch.values.get(&place).cloned())
    }

    /// Those of them whose keys begin like this, by key.
    pub(super) fn values(&self, shelf: Shelf, prefix: &str) -> BTreeMap<String, Option<Vec<u8>>> {
        let inner = self.lock();
        let under_way = inner.under_way.iter().flat_map(|batch| &batch.values);
        let wanted = under_way
            .chain(&inner.waits.values)
            .filter(|((place, key), _)| *place == shelf && key.starts_with(prefix));
        wanted.map(|((_, key), value)| (key.clone(), value.clone())).collect()
    }

    /// What waits, or else what is being written.
    fn newest<T>(&self, of: impl Fn(&Batch) -> Option<T>) -> Option<T> {
        let inner = self.lock();
        of(&inner.waits).or_else(|| of(inner.under_way.as_ref()?))
    }

    /// Waits at most `time` for something to write or to be woken, after that it is nothing; `None` once closed and empty.
    pub(super) fn take(&self, time: Duration) -> Option<Arc<Batch>> {
        let inner = self.lock();
        let (mut inner, _) = self
            .work
            .wait_timeout_while(inner, time, |inner| inner.waits.is_empty() && !inner.woken && !inner.closed)
            .unwrap_or_else(PoisonError::into_inner);
        inner.woken = false;
        if inner.waits.is_empty() && inner.closed {
            return None;
        }
        let batch = Arc::new(core::mem::take(&mut inner.waits));
        inner.under_way = Some(Arc::clone(&batch));
        Some(batch)
    }

    /// The writer has something else to do.
    pub(super) fn wake(&self) {
        self.lock().woken = true;
        self.work.notify_one();
    }

    /// What was taken last is on the disk.
    pub(super) fn written(&self) {
        let mut inner = self.lock();
        inner.under_way = None;
        if inner.is_quiet() {
            self.quiet.notify_all();
        }
    }

    /// What was taken last could not be written: it waits again, except where a newer state has come.
    pub(super) fn give_back(&self) {
        let mut inner = self.lock();
        let Some(batch) = inner.under_way.take() else { return };
        for (id, record) in &batch.records {
            inner.waits.records.entry(*id).or_insert_with(|| record.clone());
        }
        for (place, value) in &batch.values {
            inner.waits.values.entry(place.clone()).or_insert_with(|| value.clone());
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
            .wait_timeout_while(inner, time, |inner| !inner.is_quiet() && !inner.ended)
            .unwrap_or_else(PoisonError::into_inner);
        inner.is_quiet()
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
        inner.ended && inner.is_quiet()
    }

    /// The state of a call that is not on the disk yet.
    pub(super) fn get(&self, id: CallId) -> Option<Record> {
        self.newest(|batch| batch.records.get(&id).cloned())
    }

    /// How many calls wait.
    pub(super) fn len(&self) -> usize {
        self.lock().waits.records.len()
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
        let taken = queue.take(Duration::ZERO).unwrap();
        assert_eq!(taken.records.values().map(|r| r.number.as_str()).collect::<Vec<_>>(), ["new"]);
    }

    #[test]
    fn what_could_not_be_written_never_hides_a_newer_state() {
        let queue = Queue::default();
        queue.put(record(7, "old")).unwrap();
        queue.put(record(8, "only")).unwrap();
        queue.take(Duration::ZERO).unwrap();
        assert_eq!(queue.get(CallId(7)).unwrap().number, "old", "it is not on the disk yet");
        queue.put(record(7, "new")).unwrap();
        assert_eq!(queue.get(CallId(7)).unwrap().number, "new");
        queue.give_back();
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

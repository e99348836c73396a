//! How long calls are kept, and how they are deleted: by themselves when their time is over, and when the owner wants it.

use super::{Error, RECORDS, Shared, Store, lore, writer};
use crate::call::{Outcome, Record};
use crate::clock;
use crate::units::CallId;
use core::time::Duration;
use redb::{ReadableDatabase, ReadableTable};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

/// So long whoever deletes waits for what is being written.
const FORGET_WAIT: Duration = Duration::from_secs(5);

/// Milliseconds after a call's end.
pub(super) struct Keeps {
    said_ms: AtomicU64,
    calls_ms: AtomicU64,
}

impl Default for Keeps {
    /// Until they are told otherwise, for ever.
    fn default() -> Self {
        Self { said_ms: AtomicU64::new(u64::MAX), calls_ms: AtomicU64::new(u64::MAX) }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A call that the box was stopped in has no end that is known.
fn is_before(record: &Record, moment_ms: u64) -> bool {
    record.outcome != Outcome::Up && record.ended.unwrap_or(record.started).0 < moment_ms
}

impl Store {
    /// From now on what was said in a call is deleted so long after its end, and the call with all that is known of it so
    /// long; within an hour.
    pub fn keep(&self, said: Duration, calls: Duration) {
        self.shared.keeps.said_ms.store(milliseconds(said), Ordering::Relaxed);
        self.shared.keeps.calls_ms.store(milliseconds(calls), Ordering::Relaxed);
        self.shared.queue.wake();
    }

    /// Deletes every record but those of these calls, and what was learnt. Returns how many records went. Waits for the
    /// disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full; nothing has gone then.
    pub fn forget(&self, but: &[CallId]) -> Result<usize, Error> {
        // Nothing is learnt meanwhile.
        let _alone = self.shared.lore.lock().unwrap_or_else(PoisonError::into_inner);
        self.settle()?;
        self.shared.read(|database| {
            let writing = database.begin_write()?;
            let mut gone = 0;
            writing.open_table(RECORDS)?.retain(|id, _| {
                let stays = but.contains(&CallId(id));
                gone += usize::from(!stays);
                stays
            })?;
            writing.open_table(lore::LORE)?.retain(|_, _| false)?;
            writing.commit()?;
            Ok(gone)
        })
    }

    /// Deletes what was said in every call but these; their stories stay. Returns in how many calls something was. Waits
    /// for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full; nothing has gone then.
    pub fn forget_said(&self, but: &[CallId]) -> Result<usize, Error> {
        self.settle()?;
        self.shared.strike(&|record| match but.contains(&record.id) || record.said.is_empty() {
            true => Fate::Stays,
            false => Fate::Unsaid,
        })
    }

    /// What waits is written first, else it would come back; and what other versions had goes.
    fn settle(&self) -> Result<(), Error> {
        if !self.flush(FORGET_WAIT) {
            return Err(Error::Other("what waits to be written does not get to the disk".into()));
        }
        self.shared.place.forget_earlier(true);
        self.shared.place.forget_newer();
        Ok(())
    }
}

/// What becomes of a record.
enum Fate {
    Stays,
    /// Without what was said.
    Unsaid,
    Goes,
}

impl Shared {
    /// Deletes what has been kept for long enough.
    pub(super) fn forget_old(&self) -> Result<(), Error> {
        let now = clock::wall().0;
        let before = |keeps: &AtomicU64| now.saturating_sub(keeps.load(Ordering::Relaxed));
        let (said, calls) = (before(&self.keeps.said_ms), before(&self.keeps.calls_ms));
        self.strike(&|record| match record {
            record if is_before(record, calls) => Fate::Goes,
            record if !record.said.is_empty() && is_before(record, said) => Fate::Unsaid,
            _ => Fate::Stays,
        })
        .map(drop)
    }

    /// Goes through all records. Returns how many did not stay as they were.
    fn strike(&self, fate: &dyn Fn(&Record) -> Fate) -> Result<usize, Error> {
        self.read(|database| {
            let (mut unsaid, mut gone) = (Vec::new(), Vec::new());
            for entry in database.begin_read()?.open_table(RECORDS)?.iter()? {
                let Some(record) = writer::decode(entry?.1.value()) else { continue };
                match fate(&record) {
                    Fate::Stays => {}
                    Fate::Unsaid => unsaid.push(record),
                    Fate::Goes => gone.push(record.id),
                }
            }
            let struck = unsaid.len() + gone.len();
            if struck == 0 {
                return Ok(0);
            }
            let writing = database.begin_write()?;
            {
                let mut records = writing.open_table(RECORDS)?;
                for id in gone {
                    records.remove(id.0)?;
                }
                for mut record in unsaid {
                    record.said.clear();
                    records.insert(record.id.0, writer::encode(&record)?.as_slice())?;
                }
            }
            writing.commit()?;
            Ok(struck)
        })
    }
}

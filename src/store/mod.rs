//! What outlives a power cut: the record of every call, what the listener knows of each company, flows and planned calls, and
//! a few settings.
//!
//! Invariants: what [`Store::flush`] acknowledged survives a power cut; a damaged file is never deleted, only put aside;
//! no caller of [`Store::put`] ever waits for the disk.

mod dump;
mod error;
mod flows;
mod form;
mod greeting;
mod keep;
mod lore;
mod migrate;
mod phones;
mod place;
mod queue;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod writer;

pub use dump::Dump;
pub use error::Error;
pub use phones::PairedPhone;
pub use tokens::AppToken;

use crate::call::{Outcome, Record};
use crate::units::CallId;
use core::time::Duration;
use place::{Aside, Place};
use queue::{Batch, Queue, Shelf};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::watch;

const RECORDS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("records");
const SETTINGS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("settings");

/// Most records that [`Store::history`] returns at once.
pub const HISTORY_PAGE: usize = 200;

/// Whether a running box has the database in the folder `dir`. Nothing is changed.
pub fn is_in_use(dir: &Path) -> bool {
    use redb::DatabaseError::{DatabaseAlreadyOpen, LockProtocolMismatch};
    let path = Place::in_dir(dir).path().to_owned();
    path.exists()
        && matches!(redb::ReadOnlyDatabase::open(path), Err(DatabaseAlreadyOpen | LockProtocolMismatch))
}

/// Whether the database, if there is one, may be written.
///
/// # Errors
/// It may not, and what to do.
pub fn may_write(dir: &Path) -> Result<(), Error> {
    let path = Place::in_dir(dir).path().to_owned();
    match std::fs::OpenOptions::new().read(true).write(true).open(&path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(Error::Unusable { path, cause }),
        _ => Ok(()),
    }
}

/// The open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// What was found on opening.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The database was damaged: its file was moved here, and a fresh one was made.
    pub damaged: Option<PathBuf>,
    /// A newer version, which did not stay, had changed the database: its file was moved here, and what was before is back.
    pub newer: Option<PathBuf>,
    /// Records of calls that were up when the box stopped; they say so from then on.
    pub interrupted: usize,
}

impl Opened {
    /// What the owner should know, a sentence or two each.
    pub fn words(&self) -> Vec<String> {
        let damaged = self.damaged.iter().map(|aside| {
            let aside = aside.display();
            format!("The call history was damaged. The old file is kept as {aside}; a fresh one was begun.")
        });
        let newer = self.newer.iter().map(|aside| {
            format!(
                "A newer version had changed the call history and did not stay. The history before it is back; the newer file is kept as {}.",
                aside.display()
            )
        });
        let interrupted = match self.interrupted {
            0 => None,
            1 => Some("One call was up when the box stopped.".to_string()),
            n => Some(format!("{n} calls were up when the box stopped.")),
        };
        damaged.chain(newer).chain(interrupted).collect()
    }
}

struct Shared {
    place: Place,
    /// Empty while the disk fails. Readers hold the lock for one read; only the writer's reopening takes it alone.
    database: RwLock<Option<Database>>,
    queue: Queue,
    next: AtomicU64,
    /// Held while what is known of a company changes.
    lore: Mutex<()>,
    keeps: keep::Keeps,
    /// A damaged file was put aside.
    begun_anew: AtomicBool,
    troubles: watch::Sender<Vec<String>>,
}

impl Store {
    /// Opens the database in the folder `dir`, or makes one, and starts the thread that writes.
    ///
    /// # Errors
    /// The folder is missing or may not be written, another process has the database, or a later version wrote it. The
    /// box works on without a store then.
    pub fn open(dir: &Path) -> Result<(Self, Opened), Error> {
        if let Err(cause) = std::fs::read_dir(dir) {
            return Err(Error::Unusable { path: dir.to_path_buf(), cause });
        }
        Self::open_at(Place::in_dir(dir))
    }

    fn open_at(place: Place) -> Result<(Self, Opened), Error> {
        let (database, Aside { damaged, newer }) = place.open()?;
        let up = still_up(&database)?;
        let next = last_id(&database)?.map_or(1, |id| id + 1);
        let shared = Arc::new(Shared {
            place,
            database: RwLock::new(Some(database)),
            queue: Queue::default(),
            next: AtomicU64::new(next),
            lore: Mutex::default(),
            keeps: keep::Keeps::default(),
            begun_anew: AtomicBool::new(damaged.is_some()),
            troubles: watch::Sender::new(Vec::new()),
        });
        let opened = Opened { damaged, newer, interrupted: up.len() };
        let records = up.into_iter().map(|record| (record.id, record)).collect();
        let batch = Batch { records, ..Batch::default() };
        if shared.write(&batch).is_err() {
            // The writer will try until the disk takes them.
            batch.records.into_values().try_for_each(|record| shared.queue.put(record))?;
        }
        let writers = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || writer::run(&writers))
            .map_err(Error::Disk)?;
        Ok((Self { shared }, opened))
    }

    /// Keeps this state of a call; the newest one counts. Never waits for the disk.
    ///
    /// # Errors
    /// [`Error::Full`] if the disk has failed for [`crate::limits::STORE_QUEUE`] calls already.
    pub fn put(&self, record: &Record) -> Result<(), Error> {
        self.shared.queue.put(record.clone())
    }

    /// The newest state of a call, if there is such a call.
    ///
    /// # Errors
    /// The disk fails, or the record is another version's.
    pub fn get(&self, id: CallId) -> Result<Option<Record>, Error> {
        if let Some(record) = self.shared.queue.get(id) {
            return Ok(Some(record));
        }
        self.shared.read(|database| {
            let records = database.begin_read()?.open_table(RECORDS)?;
            let Some(bytes) = records.get(id.0)? else { return Ok(None) };
            writer::decode(bytes.value()).map(Some).ok_or(Error::Record(id.0))
        })
    }

    /// Up to `limit` records (at most [`HISTORY_PAGE`]), newest first, older than `before`. A record that cannot be
    /// understood is left out.
    ///
    /// # Errors
    /// The disk fails.
    pub fn history(&self, before: Option<CallId>, limit: usize) -> Result<Vec<Record>, Error> {
        let end = before.map_or(u64::MAX, |id| id.0);
        self.shared.read(|database| {
            let records = database.begin_read()?.open_table(RECORDS)?;
            let mut found = Vec::new();
            for entry in records.range(..end)?.rev() {
                if found.len() >= limit.min(HISTORY_PAGE) {
                    break;
                }
                found.extend(writer::decode(entry?.1.value()));
            }
            Ok(found)
        })
    }

    /// Whether what was there at the start, or since, was damaged and put aside.
    pub fn is_begun_anew(&self) -> bool {
        self.shared.begun_anew.load(Ordering::Relaxed)
    }

    /// Deletes what newer versions had that did not stay and was put aside. Waits for the disk: not for the control thread.
    pub fn forget_newer(&self) {
        self.shared.place.forget_newer();
    }

    /// The number of the next call: one above every number given before and every record on the disk.
    pub fn next_call_id(&self) -> CallId {
        CallId(self.shared.next.fetch_add(1, Ordering::Relaxed))
    }

    /// A setting that the box itself keeps, such as the page's password as a hash.
    ///
    /// # Errors
    /// The disk fails.
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.shared.read(|database| {
            let settings = database.begin_read()?.open_table(SETTINGS)?;
            Ok(settings.get(key)?.map(|value| value.value().to_vec()))
        })
    }

    /// Keeps a setting. Waits for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full.
    pub fn set_setting(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.shared.read(|database| {
            let writing = database.begin_write()?;
            writing.open_table(SETTINGS)?.insert(key, value)?;
            writing.commit()?;
            Ok(())
        })
    }

    /// Forgets a setting. Waits for the disk: not for the control thread.
    ///
    /// # Errors
    /// The disk fails or is full.
    pub fn remove_setting(&self, key: &str) -> Result<(), Error> {
        self.shared.read(|database| {
            let writing = database.begin_write()?;
            writing.open_table(SETTINGS)?.remove(key)?;
            writing.commit()?;
            Ok(())
        })
    }

    /// What is wrong with the disk, in words; empty while all is well.
    pub fn troubles(&self) -> watch::Receiver<Vec<String>> {
        self.shared.troubles.subscribe()
    }

    /// Waits until every record is on the disk, at most `time`. Returns whether it is.
    pub fn flush(&self, time: Duration) -> bool {
        self.shared.queue.flush(time)
    }

    /// Writes what waits, ends the writer and closes the file, within `time`. Returns whether nothing was lost.
    pub fn stop(&self, time: Duration) -> bool {
        self.shared.queue.close();
        let all = self.shared.queue.wait_for_end(time);
        *self.shared.database.write().unwrap_or_else(PoisonError::into_inner) = None;
        all
    }
}

impl Shared {
    fn read<T>(&self, with: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        with(database.as_ref().ok_or(Error::Closed)?)
    }

    fn write(&self, batch: &Batch) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        self.read(|database| {
            let writing = database.begin_write()?;
            {
                let mut records = writing.open_table(RECORDS)?;
                for record in batch.records.values() {
                    records.insert(record.id.0, writer::encode(record)?.as_slice())?;
                }
                for ((shelf, key), value) in &batch.values {
                    let mut table = writing.open_table(match shelf {
                        Shelf::Lore => lore::LORE,
                        Shelf::Settings => SETTINGS,
                    })?;
                    match value {
                        Some(value) => drop(table.insert(key.as_str(), value.as_slice())?),
                        None => drop(table.remove(key.as_str())?),
                    }
                    if *shelf == Shelf::Lore {
                        lore::make_room(&mut table)?;
                    }
                }
            }
            writing.commit()?;
            Ok(())
        })
    }

    /// Closes the file and opens it anew.
    fn reopen(&self) -> Result<(), Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old handle holds the file's lock: it goes first.
        *database = None;
        let (fresh, aside) = self.place.open()?;
        if let Some(aside) = aside.damaged {
            tracing::error!(aside = %aside.display(), "a fresh call history was begun");
            self.begun_anew.store(true, Ordering::Relaxed);
        }
        *database = Some(fresh);
        Ok(())
    }

    fn report(&self, error: Option<&Error>) {
        let troubles: Vec<String> =
            error.map(|error| writer::trouble(error, self.queue.len())).into_iter().collect();
        self.troubles.send_if_modified(|now| {
            let changed = *now != troubles;
            *now = troubles;
            changed
        });
    }
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Store({})", self.shared.place.path().display())
    }
}

/// The records of calls that were up when the box stopped, as they shall be from now on.
fn still_up(database: &Database) -> Result<Vec<Record>, Error> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    let mut up = Vec::new();
    for entry in records.iter()? {
        match writer::decode(entry?.1.value()) {
            Some(record) if record.outcome == Outcome::Up => {
                up.push(Record { outcome: Outcome::Interrupted, ..record });
            }
            _ => {}
        }
    }
    Ok(up)
}

fn last_id(database: &Database) -> Result<Option<u64>, Error> {
    let records = database.begin_read()?.open_table(RECORDS)?;
    Ok(records.last()?.map(|(id, _)| id.value()))
}

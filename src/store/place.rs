//! Where the database lies: opening it, and putting a damaged one aside.

use super::{Error, migrate};
use crate::clock;
use redb::{Builder, Database, DatabaseError};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// redb's own default is 1 GiB: more than a small board has.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

type Open = dyn Fn(&Builder) -> Result<Database, DatabaseError> + Send + Sync;

/// A database that can be opened again after the disk has failed.
pub(super) struct Place {
    path: PathBuf,
    open: Box<Open>,
}

impl Place {
    /// The database file in `dir`.
    pub(super) fn in_dir(dir: &Path) -> Self {
        let path = dir.join("hold-slayer.redb");
        let file = path.clone();
        Self { path, open: Box::new(move |builder| builder.create(&file)) }
    }

    /// A disk that a test makes.
    #[cfg(test)]
    pub(super) fn on_disk(
        open: impl Fn(&Builder) -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Self {
        Self { path: PathBuf::from("a-test-has-no-file"), open: Box::new(open) }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens, checks and migrates the database. A damaged one is moved aside and a fresh one made; its new name is
    /// returned then.
    pub(super) fn open(&self) -> Result<(Database, Option<PathBuf>), Error> {
        match self.attempt() {
            Err(Error::Damaged(why)) => {
                let aside = self.move_aside()?;
                tracing::error!(why, aside = %aside.display(), "the database is damaged and was put aside");
                Ok((self.attempt()?, Some(aside)))
            }
            opened => Ok((opened?, None)),
        }
    }

    fn attempt(&self) -> Result<Database, Error> {
        let mut builder = Database::builder();
        // Without the check redb trusts a file that was closed cleanly, and a flipped bit is a panic later.
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let database = (self.open)(&builder).map_err(|error| Error::opening(&self.path, error))?;
        migrate::migrate(&database).map_err(|error| error.at(&self.path))?;
        if let Some(dir) = self.path.parent().filter(|dir| dir.is_dir()) {
            // A new file's name is on the disk only after its folder is.
            let _ = File::open(dir).and_then(|dir| dir.sync_all());
        }
        Ok(database)
    }

    fn move_aside(&self) -> Result<PathBuf, Error> {
        let millis = i64::try_from(clock::wall().0).unwrap_or(i64::MAX);
        let date =
            jiff::Timestamp::from_millisecond(millis).unwrap_or_default().strftime("%Y-%m-%dT%H-%M-%SZ");
        let stem = format!("{}.damaged-{date}", self.path.display());
        let free = core::iter::once(stem.clone())
            .chain((2..100).map(|n| format!("{stem}-{n}")))
            .map(PathBuf::from)
            .find(|path| !path.exists())
            .unwrap_or_else(|| PathBuf::from(stem));
        fs::rename(&self.path, &free).map_err(|cause| Error::Unusable { path: self.path.clone(), cause })?;
        Ok(free)
    }
}

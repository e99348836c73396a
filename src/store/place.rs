//! Where the database lies: opening it, putting a damaged one aside, and the copy that is made before a newer schema is.

use super::{Error, migrate};
use crate::clock;
use core::time::Duration;
use redb::{Builder, Database, DatabaseError};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// redb's own default is 1 GiB: more than a small board has.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

type Open = dyn Fn(&Builder) -> Result<Database, DatabaseError> + Send + Sync;

/// So long the version before may come back and find its database.
const RETURN: Duration = Duration::from_secs(24 * 3600);

/// A database that can be opened again after the disk has failed.
pub(super) struct Place {
    path: PathBuf,
    open: Box<Open>,
    schema: u64,
}

/// What was put aside on opening, and where to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Aside {
    pub(super) damaged: Option<PathBuf>,
    pub(super) newer: Option<PathBuf>,
}

impl Place {
    /// The database file in `dir`.
    pub(super) fn in_dir(dir: &Path) -> Self {
        let path = dir.join("hold-slayer.redb");
        let file = path.clone();
        Self { path, open: Box::new(move |builder| builder.create(&file)), schema: migrate::SCHEMA }
    }

    /// As a version opens it that knows another schema.
    #[cfg(test)]
    pub(super) fn of_schema(dir: &Path, schema: u64) -> Self {
        Self { schema, ..Self::in_dir(dir) }
    }

    /// A disk that a test makes.
    #[cfg(test)]
    pub(super) fn on_disk(
        open: impl Fn(&Builder) -> Result<Database, DatabaseError> + Send + Sync + 'static,
    ) -> Self {
        let path = PathBuf::from("a-test-has-no-file");
        Self { path, open: Box::new(open), schema: migrate::SCHEMA }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens, checks and migrates the database. A damaged one is moved aside and a fresh one made. One that a newer version
    /// has changed, which did not stay, is moved aside, too, if there is what was before it.
    pub(super) fn open(&self) -> Result<(Database, Aside), Error> {
        match self.attempt() {
            Err(Error::Damaged(why)) => {
                let aside = self.move_aside("damaged")?;
                tracing::error!(why, aside = %aside.display(), "the database is damaged and was put aside");
                Ok((self.attempt()?, Aside { damaged: Some(aside), newer: None }))
            }
            Err(newer @ Error::Newer { .. }) => {
                let earlier = (1..=self.schema).rev().map(|schema| self.before(schema));
                let earlier = earlier.into_iter().find(|copy| copy.exists()).ok_or(newer)?;
                // At no moment is there neither.
                let aside = self.free_name("newer");
                fs::hard_link(&self.path, &aside)
                    .and_then(|()| fs::rename(earlier, &self.path))
                    .map_err(|cause| self.unusable(cause))?;
                tracing::error!(aside = %aside.display(), "a newer version's database was put aside");
                Ok((self.attempt()?, Aside { damaged: None, newer: Some(aside) }))
            }
            opened => Ok((opened?, Aside::default())),
        }
    }

    /// What an earlier version had, as it had it.
    fn before(&self, schema: u64) -> PathBuf {
        format!("{}.schema-{schema}", self.path.display()).into()
    }

    /// Deletes what newer versions had, which did not stay.
    pub(super) fn forget_newer(&self) {
        let Some((folder, name)) = self.path.parent().zip(self.path.file_name()) else { return };
        let begin = format!("{}.newer-", name.to_string_lossy());
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        for file in files.filter(|file| file.file_name().to_string_lossy().starts_with(&begin)) {
            let _ = fs::remove_file(file.path());
        }
    }

    /// Deletes what earlier versions had: all of it, or what none has come back for.
    pub(super) fn forget_earlier(&self, all: bool) {
        for copy in (1..=self.schema).map(|schema| self.before(schema)) {
            let age = fs::metadata(&copy).and_then(|about| about.modified()).ok().map(|at| at.elapsed());
            if age.is_some_and(|age| all || age.is_ok_and(|age| age > RETURN)) {
                let _ = fs::remove_file(copy);
            }
        }
    }

    fn unusable(&self, cause: io::Error) -> Error {
        Error::Unusable { path: self.path.clone(), cause }
    }

    fn attempt(&self) -> Result<Database, Error> {
        let database = self.sound()?;
        let found = migrate::found(&database).map_err(|error| error.at(&self.path))?;
        let database = match found.filter(|found| (1..self.schema).contains(found)) {
            Some(earlier) => {
                drop(database);
                self.copy(&self.before(earlier)).map_err(|cause| self.unusable(cause))?;
                self.sound()?
            }
            None => database,
        };
        migrate::migrate(&database, self.schema).map_err(|error| error.at(&self.path))?;
        if let Some(dir) = self.path.parent().filter(|dir| dir.is_dir()) {
            // A new file's name is on the disk only after its folder is.
            let _ = File::open(dir).and_then(|dir| dir.sync_all());
        }
        Ok(database)
    }

    /// Whole or not at all.
    fn copy(&self, to: &Path) -> io::Result<()> {
        let part = to.with_added_extension("part");
        fs::copy(&self.path, &part)?;
        File::open(&part)?.sync_all()?;
        fs::rename(part, to)
    }

    fn sound(&self) -> Result<Database, Error> {
        let mut builder = Database::builder();
        // Without the check redb trusts a file that was closed cleanly, and a flipped bit is a panic later.
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        (self.open)(&builder).map_err(|error| Error::opening(&self.path, error))
    }

    fn move_aside(&self, what: &str) -> Result<PathBuf, Error> {
        let free = self.free_name(what);
        fs::rename(&self.path, &free).map_err(|cause| self.unusable(cause))?;
        Ok(free)
    }

    fn free_name(&self, what: &str) -> PathBuf {
        let millis = i64::try_from(clock::wall().0).unwrap_or(i64::MAX);
        let date =
            jiff::Timestamp::from_millisecond(millis).unwrap_or_default().strftime("%Y-%m-%dT%H-%M-%SZ");
        let stem = format!("{}.{what}-{date}", self.path.display());
        core::iter::once(stem.clone())
            .chain((2..100).map(|n| format!("{stem}-{n}")))
            .map(PathBuf::from)
            .find(|path| !path.exists())
            .unwrap_or_else(|| PathBuf::from(stem))
    }
}

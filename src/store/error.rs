//! What can go wrong with the disk, in words that say what to do.

use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the store cannot be opened, read or written. Its text is for the owner.
#[derive(Debug)]
pub enum Error {
    /// The folder is missing, read-only, full or not ours.
    Unusable {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Another process has the database open.
    InUse(PathBuf),
    /// A later version of Hold Slayer wrote this database.
    Newer {
        /// Schema number in the file.
        found: u64,
        /// The last schema number that this version knows.
        known: u64,
    },
    /// The file is not a sound database, with the cause.
    Damaged(String),
    /// The disk failed a moment ago; the writer is about to reopen the file.
    Closed,
    /// More different calls than [`crate::limits::STORE_QUEUE`] wait for the disk.
    Full,
    /// A single record cannot be understood; the others are not concerned.
    Record(u64),
    /// The disk refused a read or a write.
    Disk(io::Error),
    /// Anything else the database library reports.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable { path, cause } => {
                let path = path.display();
                match cause.kind() {
                    io::ErrorKind::NotFound => {
                        write!(f, "{path} does not exist: create the folder, or name another one with --data")
                    }
                    io::ErrorKind::PermissionDenied => {
                        write!(
                            f,
                            "{path} may not be written: give it to this user (chown), or name another one with --data"
                        )
                    }
                    io::ErrorKind::ReadOnlyFilesystem => {
                        write!(
                            f,
                            "{path} is on a read-only disk: remount it for writing, or name another one with --data"
                        )
                    }
                    io::ErrorKind::NotADirectory => {
                        write!(f, "{path} is not a folder: name a folder with --data")
                    }
                    io::ErrorKind::StorageFull => {
                        write!(f, "the disk of {path} is full: free some space and start again")
                    }
                    _ => write!(
                        f,
                        "{path} cannot be used ({cause}): check the disk, or name another folder with --data"
                    ),
                }
            }
            Self::InUse(path) => write!(
                f,
                "{} is in use by another Hold Slayer: stop that one, or name another folder with --data",
                path.display()
            ),
            Self::Newer { found, known } => write!(
                f,
                "the database was written by a newer Hold Slayer (schema {found}, this one knows {known}): \
                 install the newer version, or name another folder with --data"
            ),
            Self::Damaged(why) => write!(f, "the database is damaged ({why})"),
            Self::Closed => {
                write!(f, "the database is being reopened after a disk error: try again in a moment")
            }
            Self::Full => write!(f, "too many records wait for the disk: check that it works and has space"),
            Self::Record(id) => {
                write!(f, "the record of call {id} cannot be read: it was written by another version")
            }
            Self::Disk(cause) if cause.kind() == io::ErrorKind::StorageFull => {
                write!(f, "the disk is full: free some space")
            }
            Self::Disk(cause) => write!(f, "the disk failed ({cause}): check it, or replace the card"),
            Self::Other(why) => write!(f, "the database failed ({why})"),
        }
    }
}

impl core::error::Error for Error {}

impl Error {
    /// The same error, with the file named where only the disk is known.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Disk(cause) => Self::Unusable { path: path.to_path_buf(), cause },
            other => other,
        }
    }

    /// An error of opening the file at `path`.
    pub(super) fn opening(path: &Path, error: redb::DatabaseError) -> Self {
        match error {
            redb::DatabaseError::DatabaseAlreadyOpen | redb::DatabaseError::LockProtocolMismatch => {
                Self::InUse(path.to_path_buf())
            }
            redb::DatabaseError::UpgradeRequired(version) => Self::Damaged(format!("file format {version}")),
            redb::DatabaseError::RepairAborted => Self::Damaged("it could not be repaired".into()),
            // What redb reports of a file that ends early or never was a database.
            redb::DatabaseError::Storage(redb::StorageError::Io(cause))
                if matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Damaged(cause.to_string())
            }
            redb::DatabaseError::Storage(redb::StorageError::Io(cause)) => {
                Self::Unusable { path: path.to_path_buf(), cause }
            }
            other => redb::Error::from(other).into(),
        }
    }
}

impl From<redb::Error> for Error {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(cause) => Self::Disk(cause),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => Self::Closed,
            redb::Error::Corrupted(why) => Self::Damaged(why),
            redb::Error::TableTypeMismatch { table, .. } => {
                Self::Damaged(format!("table {table} is another program's"))
            }
            redb::Error::TableIsMultimap(table) => {
                Self::Damaged(format!("table {table} is another program's"))
            }
            other => Self::Other(other.to_string()),
        }
    }
}

/// redb has one error type for each verb; all of them are one to us.
macro_rules! from_redb {
    ($($name:ident),*) => {
        $(impl From<redb::$name> for Error {
            fn from(error: redb::$name) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}

from_redb!(StorageError, TableError, TransactionError, CommitError);

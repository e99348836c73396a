//! Backup and restore: one file, sealed with a password, that holds the configuration and all that the box keeps but sound
//! of calls. What is restored is judged as a whole before anything is changed, and takes the old one's place at the next start.
//!
//! ```text
//!   make:    configuration, database ──► Contents ──► seal ──► one file
//!   restore: one file ──► open ──► check ──► DATA/restore ──(next start)──► in place; what was there: DATA/before-restore
//! ```

mod place;
mod seal;

pub use place::finish;

use crate::clock;
use crate::config;
use crate::limits::BACKUP_BYTES;
use crate::speech::Choice;
use crate::store::{Dump, Store};
use crate::units::Wall;
use core::fmt;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Shortest password of a backup, characters: whoever has the file may try as many as he likes.
pub const SHORTEST: usize = 8;

/// The name of the configuration among what is restored.
const CONFIG: &str = "hold-slayer.toml";

/// Why a backup cannot be made or restored. Its text is for the owner.
#[derive(Debug)]
pub enum Error {
    /// The file is something else.
    NoBackup,
    /// It was made by a later version.
    NewerForm,
    /// Its end is missing.
    CutShort,
    /// It is not as it was made.
    Damaged,
    /// It is another's password.
    WrongPassword,
    /// The password is too short to be one.
    ShortPassword,
    /// More than a backup may hold.
    TooLarge,
    /// The system gave none.
    NoRandomness,
    /// The system gave no memory to make the key in.
    NoMemory,
    /// The configuration in it is not one that this box can start with; why.
    Config(String),
    /// It names this program, and the configuration that is there does not.
    Program(PathBuf),
    /// The database could not be read, or that in the backup is not understood.
    Store(crate::store::Error),
    /// A file could not be read or written.
    Disk(PathBuf, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBackup => write!(f, "This file is no backup of a Hold Slayer."),
            Self::NewerForm | Self::Store(crate::store::Error::Newer { .. }) => {
                write!(f, "This backup was made by a newer Hold Slayer: update this one first.")
            }
            Self::CutShort => write!(f, "This backup is cut short: copy the whole file again."),
            Self::Damaged => write!(
                f,
                "This backup is damaged: it is not as it was made. Copy it again, or take another one."
            ),
            Self::WrongPassword => write!(f, "This is not the password of this backup."),
            Self::ShortPassword => write!(
                f,
                "Choose a password of at least {SHORTEST} characters for the backup, and keep it: nobody can open the file without it."
            ),
            Self::TooLarge => write!(
                f,
                "There is more to keep than a backup may hold ({} MB): delete old history under Privacy, or copy the data folder while the box is stopped.",
                BACKUP_BYTES / 1_000_000
            ),
            Self::NoRandomness => write!(f, "The system gives no random numbers. Restart the box."),
            Self::NoMemory => write!(
                f,
                "There are not 64 MB of memory free to make the key in. Try again when less is going on."
            ),
            Self::Config(why) => write!(f, "The configuration in this backup does not fit this box: {why}"),
            Self::Program(path) => write!(
                f,
                "This backup names the program {}: write that into hold-slayer.toml first, as program under [speech].",
                path.display()
            ),
            Self::Store(error) => write!(f, "The database: {error}."),
            Self::Disk(path, error) => write!(f, "{}: {error}.", path.display()),
        }
    }
}

impl core::error::Error for Error {}

/// What is in a backup.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    made: Wall,
    /// The version that made it.
    version: String,
    /// The text of the configuration file.
    config: String,
    dump: Dump,
}

/// What a backup that was judged holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// When it was made.
    pub made: Wall,
    /// The version that made it.
    pub version: String,
    /// How many calls it knows.
    pub calls: usize,
}

/// A backup of everything, sealed with `password`. Takes a core for a second.
///
/// # Errors
/// A file or the database cannot be read, there is too much, or the password is too short.
pub fn make(config: &Path, store: &Store, password: &str) -> Result<Vec<u8>, Error> {
    if password.chars().count() < SHORTEST {
        return Err(Error::ShortPassword);
    }
    let text = fs::read_to_string(config).map_err(|error| Error::Disk(config.to_owned(), error))?;
    let contents = Contents {
        made: clock::wall(),
        version: env!("CARGO_PKG_VERSION").into(),
        config: text,
        dump: store.dump().map_err(Error::Store)?,
    };
    let bytes = postcard::to_stdvec(&contents).map_err(|_| Error::TooLarge)?;
    if bytes.len() + seal::OVERHEAD > BACKUP_BYTES {
        return Err(Error::TooLarge);
    }
    seal::seal(bytes, password)
}

/// Judges a backup and lays it out in the data folder for [`finish`] to put in place. Nothing else is changed.
///
/// # Errors
/// It is no backup, not whole, not this password's, a later version's, or its configuration is none for this box, or names a
/// program that the one there does not; or the disk does not take it.
pub fn stage(file: &[u8], password: &str, config: &Path, data: &Path) -> Result<About, Error> {
    let bytes = seal::open(file, password)?;
    let contents: Contents = postcard::from_bytes(&bytes).map_err(|_| Error::NewerForm)?;
    let folder = config.parent().unwrap_or(Path::new("")).to_owned();
    let restored = config::parse(&contents.config, CONFIG, &|board| fs::read_to_string(folder.join(board)))
        .map_err(|mistakes| Error::Config(mistakes.to_string()))?;
    // A program is named by nobody from afar.
    if let Choice::At(program) = &restored.speech.voice.program
        && !config::load(config)
            .is_ok_and(|there| there.speech.voice.program == restored.speech.voice.program)
    {
        return Err(Error::Program(program.clone()));
    }
    contents.dump.check().map_err(Error::Store)?;
    place::lay_out(&contents, config, data)?;
    Ok(About { made: contents.made, version: contents.version, calls: contents.dump.records.len() })
}

#[cfg(test)]
mod tests;

//! The folder of recordings: their names, what may be kept, and how much room there is.

use super::clips::Clips;
use super::{Config, Sides, wav};
use crate::units::CallId;
use nix::sys::statvfs::statvfs;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The recordings, for whoever reads them.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
}

/// A recording of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// One of [`NAMES`].
    pub name: &'static str,
    /// What is in it, in words.
    pub what: &'static str,
    /// How its file's name ends: `wav` or `flac`.
    pub ending: &'static str,
    /// Its size.
    pub bytes: u64,
}

/// The names of a call's recordings.
pub const NAMES: [&str; 3] = ["both", "house", "far"];
const WHAT: [&str; 3] = ["both sides", "the house", "the far side"];

/// What is coded again is all there; what is not yet goes on.
const ENDINGS: [&str; 2] = ["flac", "wav"];

fn file_name(call: CallId, name: &str, ending: &str) -> String {
    format!("{}-{name}.{ending}", call.0)
}

impl Archive {
    /// The recordings in this data folder.
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("recordings") }
    }

    /// The clips beside the recordings.
    pub fn clips(&self) -> Clips {
        Clips::new(self.folder.parent().unwrap_or(&self.folder))
    }

    /// The recordings of a call.
    pub fn of(&self, call: CallId) -> Vec<Found> {
        let found = |(name, what): (&'static str, &'static str)| {
            ENDINGS.iter().find_map(|ending| {
                let bytes = fs::metadata(self.folder.join(file_name(call, name, ending))).ok()?.len();
                Some(Found { name, what, ending, bytes })
            })
        };
        NAMES.into_iter().zip(WHAT).filter_map(found).collect()
    }

    /// Opens one of them.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn open(&self, call: CallId, name: &str) -> io::Result<(File, Found)> {
        let found = self.of(call).into_iter().find(|found| found.name == name);
        let found = found.ok_or(io::ErrorKind::NotFound)?;
        Ok((File::open(self.folder.join(file_name(call, found.name, found.ending)))?, found))
    }

    /// Empty files for a call. A call that is held twice, where only holds are recorded, keeps the second hold.
    pub(super) fn create(&self, call: CallId, sides: Sides) -> io::Result<Vec<File>> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let names = if sides == Sides::Separate { &NAMES[1..] } else { &NAMES[..1] };
        let open = |name: &&str| {
            for ending in ENDINGS {
                // Another file, not the old one emptied: that may be in the packer's hands, or a reader's.
                match fs::remove_file(self.folder.join(file_name(call, name, ending))) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            let path = self.folder.join(file_name(call, name, "wav"));
            File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
        };
        names.iter().map(open).collect()
    }

    /// After a start: what a power cut left unfinished is told of, what is no recording goes.
    pub(super) fn mend(&self) -> io::Result<()> {
        for (path, _, _) in self.all(&["part"])? {
            fs::remove_file(path)?;
        }
        for (path, _, _) in self.all(&["wav"])? {
            if !wav::mend(&File::options().read(true).write(true).open(&path)?)? {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Recordings that are not coded again: of one call, or all.
    pub(super) fn unpacked(&self, call: Option<CallId>) -> Vec<PathBuf> {
        let own = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            call.is_none_or(|call| NAMES.iter().any(|part| *name == file_name(call, part, "wav")))
        };
        let all = self.all(&["wav"]).unwrap_or_default();
        all.into_iter().map(|(path, _, _)| path).filter(|path| own(path)).collect()
    }

    /// Deletes what is too old, and the oldest of what is too much; never those of these calls. Returns how many went.
    pub(super) fn tidy(&self, config: &Config, busy: &[CallId]) -> io::Result<usize> {
        let mut all = self.all(&ENDINGS)?;
        all.sort_by_key(|(_, at, _)| *at);
        let mut total: u64 = all.iter().map(|(_, _, bytes)| bytes).sum();
        let (now, mut gone) = (SystemTime::now(), 0);
        for (path, at, bytes) in all {
            let old = now.duration_since(at).is_ok_and(|age| age > config.keep);
            let own = |call: &CallId| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                NAMES.iter().any(|part| *name == file_name(*call, part, "wav"))
            };
            if (old || total > config.most) && !busy.iter().any(own) {
                fs::remove_file(&path)?;
                total -= bytes;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// How many recordings there are, and their size together.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn size(&self) -> io::Result<(usize, u64)> {
        let all = self.all(&ENDINGS)?;
        Ok((all.len(), all.iter().map(|(_, _, bytes)| bytes).sum()))
    }

    /// Deletes all but those of these calls. Returns how many went.
    ///
    /// # Errors
    /// The disk fails; those before have gone.
    pub fn forget(&self, but: &[CallId]) -> io::Result<usize> {
        let mut gone = 0;
        for (path, ..) in self.all(&ENDINGS)? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_of = |call: &CallId| NAMES.iter().any(|part| *name == file_name(*call, part, "wav"));
            if !but.iter().any(is_of) {
                fs::remove_file(&path)?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// Whether the disk has more room than is to be left.
    pub(super) fn has_room(&self, config: &Config) -> bool {
        has_room(&self.folder, config.spare)
    }

    fn all(&self, endings: &[&str]) -> io::Result<Vec<(PathBuf, SystemTime, u64)>> {
        files(&self.folder, endings)
    }
}

/// Whether the disk of a folder has more room than so many bytes.
#[allow(clippy::useless_conversion)] // the system's counts have 32 bits on a 32-bit Pi
pub(super) fn has_room(folder: &Path, spare: u64) -> bool {
    let at = if folder.exists() { folder } else { folder.parent().unwrap_or(folder) };
    // Without an answer nothing speaks against it: the write itself will say.
    statvfs(at)
        .map_or(true, |disk| u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()) > spare)
}

/// The files in a folder whose names end so, when they were changed, and their sizes. Without the folder there are none.
pub(super) fn files(folder: &Path, endings: &[&str]) -> io::Result<Vec<(PathBuf, SystemTime, u64)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let (path, about) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        if about.is_file() && path.extension().is_some_and(|ending| endings.iter().any(|e| ending == *e)) {
            found.push((path, about.modified()?, about.len()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::studio::Format;
    use core::time::Duration;

    fn config(keep_s: u64, most: u64, spare: u64) -> Config {
        let keep = Duration::from_secs(keep_s);
        Config { sides: Sides::Mono, format: Format::Wav, keep, most, spare, clips: false }
    }

    #[test]
    fn the_oldest_go_first_and_those_that_go_on_stay() {
        let data = std::env::temp_dir().join(format!("hold-slayer-archive-{}", std::process::id()));
        let archive = Archive::new(&data);
        for (n, call) in [1_u64, 2, 3].into_iter().enumerate() {
            let file = &archive.create(CallId(call), Sides::Mono).unwrap()[0];
            file.set_len(1000).unwrap();
            let age = Duration::from_secs(3000 - n as u64 * 1000);
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        let left =
            |archive: &Archive| (1..=3).filter(|n| !archive.of(CallId(*n)).is_empty()).collect::<Vec<_>>();
        assert_eq!(archive.tidy(&config(3600, 9999, 0), &[]).unwrap(), 0);
        assert_eq!(archive.tidy(&config(3600, 2500, 0), &[CallId(1)]).unwrap(), 1);
        assert_eq!(left(&archive), [1, 3], "too much: the oldest that is finished");
        assert_eq!(archive.tidy(&config(1500, 9999, 0), &[]).unwrap(), 1);
        assert_eq!(left(&archive), [3], "too old");
        assert!(archive.has_room(&config(1, 1, 0)) && !archive.has_room(&config(1, 1, u64::MAX)));
        assert!(archive.open(CallId(3), "../3-both").is_err() && archive.open(CallId(3), "both").is_ok());
        let path = |ending| archive.folder.join(format!("3-both.{ending}"));
        fs::write(path("part"), "half of one").unwrap();
        assert_eq!(archive.unpacked(Some(CallId(3))), [path("wav")]);
        assert!(archive.unpacked(Some(CallId(33))).is_empty() && archive.unpacked(None).len() == 1);
        fs::write(path("flac"), "coded").unwrap();
        assert_eq!((archive.of(CallId(3))[0].ending, archive.of(CallId(3))[0].bytes), ("flac", 5));
        archive.create(CallId(3), Sides::Mono).unwrap();
        assert_eq!(archive.of(CallId(3))[0].ending, "wav", "the second hold takes the place of the first");
        fs::write(path("wav"), [0; 1000]).unwrap();
        archive.mend().unwrap();
        assert!(!path("part").exists());
        assert_eq!(left(&archive), [0_u64; 0], "a thousand zeros are no recording");
        std::fs::remove_dir_all(&data).unwrap();
    }
}

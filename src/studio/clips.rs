//! Clips: seconds around each voice that the box greeted or rang for, where the owner wants them kept. `hold-slayer listen`
//! hears them again.

use super::{archive, wav};
use crate::listen::lore::Taught;
use crate::units::CallId;
use core::time::Duration;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Most clips, of 320 kB each; the oldest go.
const MOST: usize = 200;
/// What the owner says of a moment is said of a clip whose verdict fell so near to it, milliseconds.
const NEAR_MS: u64 = 20_000;

/// The folder of clips. The name of a file says the call, the milliseconds from its begin to the verdict, and what the owner
/// has said of it.
#[derive(Clone, Debug)]
pub struct Clips {
    folder: PathBuf,
}

fn file_name(call: CallId, at_ms: u64, taught: Option<Taught>) -> String {
    let what = match taught {
        None => "unsure",
        Some(Taught::Recording) => "recording",
        Some(Taught::Person) => "person",
    };
    format!("{}-{at_ms}-{what}.wav", call.0)
}

/// Of which call a file is, and when its verdict fell.
fn of(path: &Path) -> Option<(CallId, u64)> {
    let mut parts = path.file_stem()?.to_str()?.split('-');
    let call = parts.next()?.parse().ok()?;
    Some((CallId(call), parts.next()?.parse().ok()?))
}

impl Clips {
    /// Those in this data folder.
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("clips") }
    }

    /// Keeps one, of a verdict that fell `at_ms` after the call began: samples at 8 kHz. Those that are older than `keep` go.
    ///
    /// # Errors
    /// The disk fails, or has less room than `spare` bytes.
    pub fn keep(
        &self,
        (call, at_ms): (CallId, u64),
        samples: &[i16],
        keep: Duration,
        spare: u64,
    ) -> io::Result<()> {
        self.tidy(keep)?;
        if !archive::has_room(&self.folder, spare) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(file_name(call, at_ms, None));
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let sound: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        file.write_all(&wav::header(1, sound.len() as u64))?;
        file.write_all(&sound)
    }

    /// Writes down what the owner says of a moment, milliseconds after the call began. True if there is a clip of it.
    ///
    /// # Errors
    /// The disk fails.
    pub fn teach(&self, call: CallId, at_ms: u64, taught: Taught) -> io::Result<bool> {
        let mut near: Vec<_> = self
            .all()?
            .into_iter()
            .filter_map(|(path, ..)| {
                let (own, at) = of(&path)?;
                let distance = at.abs_diff(at_ms);
                (own == call && distance <= NEAR_MS).then_some((distance, at, path))
            })
            .collect();
        near.sort();
        let Some((_, at, path)) = near.into_iter().next() else { return Ok(false) };
        fs::rename(path, self.folder.join(file_name(call, at, Some(taught))))?;
        Ok(true)
    }

    /// Those go that are too old, or too many.
    pub(super) fn tidy(&self, keep: Duration) -> io::Result<()> {
        let mut all = self.all()?;
        all.sort_by_key(|(_, at, _)| core::cmp::Reverse(*at));
        let now = SystemTime::now();
        for (n, (path, at, _)) in all.into_iter().enumerate() {
            if n + 1 >= MOST || now.duration_since(at).is_ok_and(|age| age > keep) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// How many there are, and their bytes together.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn size(&self) -> io::Result<(usize, u64)> {
        let all = self.all()?;
        Ok((all.len(), all.iter().map(|(.., bytes)| bytes).sum()))
    }

    /// Deletes all. Returns how many went.
    ///
    /// # Errors
    /// The disk fails; those before have gone.
    pub fn forget(&self) -> io::Result<usize> {
        let all = self.all()?;
        all.iter().try_for_each(|(path, ..)| fs::remove_file(path))?;
        Ok(all.len())
    }

    fn all(&self) -> io::Result<Vec<(PathBuf, SystemTime, u64)>> {
        archive::files(&self.folder, &["wav"])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_clip_is_kept_named_by_the_owner_and_forgotten() {
        let data = std::env::temp_dir().join(format!("hold-slayer-clips-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        let clips = Clips::new(&data);
        assert_eq!((clips.size().unwrap(), clips.forget().unwrap()), ((0, 0), 0));
        let keep = |call, at| clips.keep((CallId(call), at), &[7; 16_000], LONG, 0);
        keep(3, 60_000).unwrap();
        keep(3, 95_000).unwrap();
        keep(4, 60_000).unwrap();
        assert_eq!(clips.size().unwrap(), (3, 3 * (44 + 32_000)));
        assert!(!clips.teach(CallId(3), 5_000, Taught::Person).unwrap());
        assert!(clips.teach(CallId(3), 62_000, Taught::Person).unwrap());
        assert!(clips.teach(CallId(3), 61_000, Taught::Recording).unwrap(), "he has thought again");
        let mut names: Vec<_> = fs::read_dir(data.join("clips"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["3-60000-recording.wav", "3-95000-unsure.wav", "4-60000-unsure.wav"]);
        let file = fs::read(data.join("clips/3-60000-recording.wav")).unwrap();
        assert!(file.starts_with(&wav::header(1, 32_000)) && file.ends_with(&[7, 0]));
        let full = clips.keep((CallId(5), 0), &[7], LONG, u64::MAX);
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
        (10..10 + MOST as u64).for_each(|call| keep(call, 0).unwrap());
        assert_eq!(clips.size().unwrap().0, MOST);
        clips.keep((CallId(6), 0), &[7], Duration::ZERO, 0).unwrap();
        assert_eq!(clips.size().unwrap().0, 1, "all others were too old");
        assert_eq!(clips.forget().unwrap(), 1);
        fs::remove_dir_all(&data).unwrap();
    }
}

//! What was spoken once, as files.

use crate::limits::LOOSE_SECONDS;
use crate::units::{FRAME_SAMPLES, SAMPLE_RATE_HZ};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Most files; one more, and those go that were written first. 96 kB each at most.
const FILES: usize = 200;

/// A folder of sounds, µ-law, by a digest of who speaks and what.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    key: String,
}

impl Cache {
    /// The folder `speech` in the data folder; `key` tells voices apart.
    pub(super) fn new(data: &Path, key: &str) -> Self {
        Self { folder: data.join("speech"), key: key.into() }
    }

    fn path(&self, text: &str) -> PathBuf {
        let digest = Sha256::digest(format!("{}\n{text}", self.key));
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(name + ".ulaw")
    }

    /// What a power cut has left of a file is no sound.
    pub(super) fn get(&self, text: &str) -> Option<Arc<[u8]>> {
        let bytes = fs::read(self.path(text)).ok()?;
        let fits = (FRAME_SAMPLES..=LOOSE_SECONDS * SAMPLE_RATE_HZ as usize).contains(&bytes.len());
        (fits && bytes.len().is_multiple_of(FRAME_SAMPLES)).then(|| bytes.into())
    }

    /// Keeps it, if the disk takes it: without, it is spoken anew.
    pub(super) fn put(&self, text: &str, sound: &[u8]) {
        let (path, new) = (self.path(text), self.folder.join("new"));
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&new, sound));
        if written.and_then(|()| fs::rename(&new, &path)).is_err() {
            let _ = fs::remove_file(&new);
        }
        self.make_room();
    }

    fn make_room(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let age =
            |path: &PathBuf| path.metadata().and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut files: Vec<(SystemTime, PathBuf)> =
            entries.flatten().map(|entry| entry.path()).map(|path| (age(&path), path)).collect();
        files.sort();
        for (_, path) in files.iter().take(files.len().saturating_sub(FILES)) {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_bounded_keeps_voices_apart_and_leaves_out_what_is_cut_short() {
        let dir = std::env::temp_dir().join(format!("hold-slayer-spoken-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let (one, other) = (Cache::new(&dir, "one"), Cache::new(&dir, "other"));
        for n in 0..FILES + 20 {
            one.put(&n.to_string(), &[1; 320]);
        }
        assert_eq!(fs::read_dir(dir.join("speech")).unwrap().count(), FILES);
        one.put("x", &[2; 320]);
        assert_eq!((one.get("x").unwrap().len(), other.get("x")), (320, None));
        fs::write(one.path("x"), [2; 300]).unwrap();
        assert_eq!(one.get("x"), None);
        fs::remove_dir_all(&dir).unwrap();
    }
}

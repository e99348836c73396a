//! Where an update waits: `update` in the data folder. The box, `hold-slayer update` and root meet here.
//!
//! The box's user owns it. Root holds the folder itself, follows no link in it and waits for no pipe.

use super::bundle::{self, STRETCH, Version};
use super::machine::Kept;
use super::slots::Slots;
use super::{Manifest, Refusal, judge, look};
use crate::limits::{UPDATE_BYTES, UPDATE_HEAD_BYTES, UPDATE_SPARE_BYTES};
use core::time::Duration;
use nix::fcntl::OFlag;
use nix::sys::statvfs::statvfs;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest file of ours beside the bundle.
const NOTE_BYTES: u64 = 64 * 1024;
/// The box says anew whether a call is up when its word is taken away; so long root waits for that.
const WORD: Duration = Duration::from_secs(3);
const WORD_EVERY: Duration = Duration::from_millis(50);

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder {
    at: PathBuf,
    /// `at` is this one's name.
    _held: Option<Arc<File>>,
}

/// A bundle that is being received. While it is held nobody else brings one.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    /// Bytes that may not be on the disk yet.
    unsettled: u64,
    _turn: File,
}

impl Incoming {
    /// All of it is on the disk.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.unsettled += written as u64;
        if self.unsettled >= STRETCH {
            self.unsettled = 0;
            self.file.sync_data()?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Folder {
    /// The folder itself.
    pub(super) fn at(&self) -> &Path {
        &self.at
    }

    /// Below the data folder.
    pub fn of(data: &Path) -> Self {
        Self { at: data.join("update"), _held: None }
    }

    /// The same for root: whoever owns the data folder cannot put another one in its place. None if there is none yet.
    ///
    /// # Errors
    /// It is no folder, or cannot be opened.
    pub(super) fn held(&self) -> io::Result<Option<Self>> {
        let flags = (OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits();
        match File::options().read(true).custom_flags(flags).open(&self.at) {
            Ok(folder) => {
                let at = format!("/proc/self/fd/{}", folder.as_raw_fd()).into();
                Ok(Some(Self { at, _held: Some(Arc::new(folder)) }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn bundle(&self) -> PathBuf {
        self.at.join("bundle")
    }

    /// There while it may be older than what runs.
    fn older(&self) -> PathBuf {
        self.at.join("older")
    }

    /// There while no call is up.
    fn quiet(&self) -> PathBuf {
        self.at.join("quiet")
    }

    /// There while no call is up and a bundle waits.
    fn ready(&self) -> PathBuf {
        self.at.join("ready")
    }

    /// Where a bundle is received.
    fn incoming(&self) -> PathBuf {
        self.at.join("incoming")
    }

    /// The versions that were tried and did not do, one a line.
    fn fell_back(&self) -> PathBuf {
        self.at.join("fell-back")
    }

    fn has_room(&self, bytes: u64) -> bool {
        #[allow(clippy::useless_conversion)] // the system's counts have 32 bits on a 32-bit Pi
        let free = |disk: nix::sys::statvfs::Statvfs| {
            u64::from(disk.blocks_available()) * u64::from(disk.fragment_size())
        };
        // Without an answer nothing speaks against it: the write itself will say.
        statvfs(&self.at).map_or(true, |disk| free(disk) > bytes)
    }

    /// Makes the folder and takes away what a power cut has left of a bundle that was being received.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn tidy(&self) -> io::Result<()> {
        match self.turn() {
            Ok(_turn) => {
                self.discard();
                Ok(())
            }
            Err(Refusal::Writing(error)) => Err(error),
            Err(_) => Ok(()),
        }
    }

    fn turn(&self) -> Result<File, Refusal> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.at).map_err(Refusal::Writing)?;
        let turn = File::open(&self.at).map_err(Refusal::Writing)?;
        match turn.try_lock() {
            Ok(()) => Ok(turn),
            Err(fs::TryLockError::WouldBlock) => Err(Refusal::Busy),
            Err(fs::TryLockError::Error(error)) => Err(Refusal::Writing(error)),
        }
    }

    /// A fresh file to receive a bundle of so many bytes in.
    ///
    /// # Errors
    /// It is too large, somebody else brings one, or the disk does not take it.
    pub fn receive(&self, bytes: u64) -> Result<Incoming, Refusal> {
        let turn = self.turn()?;
        if bytes > UPDATE_BYTES + 2 * UPDATE_HEAD_BYTES as u64 {
            return Err(Refusal::TooLarge);
        }
        // What was left by a power cut makes room, too.
        self.discard();
        if !self.has_room(bytes.saturating_add(UPDATE_SPARE_BYTES)) {
            return Err(Refusal::NoRoom);
        }
        let file = File::options().write(true).create_new(true).mode(0o600).open(self.incoming());
        Ok(Incoming { file: file.map_err(Refusal::Writing)?, unsettled: 0, _turn: turn })
    }

    /// What was received is not wanted.
    pub fn discard(&self) {
        let _ = fs::remove_file(self.incoming());
    }

    /// Judges what was received, as a whole. If it is good it waits from now on until no call is up. `older`: even if it is
    /// not newer, or was tried before. Whoever received it still holds it.
    ///
    /// # Errors
    /// Why it is not taken; it is gone then, and everything is as before.
    pub fn stage(&self, slots: &Slots, older: bool) -> Result<Manifest, Refusal> {
        let judged = self.judge_incoming(slots, older);
        if judged.is_err() {
            self.discard();
        }
        judged
    }

    fn judge_incoming(&self, slots: &Slots, older: bool) -> Result<Manifest, Refusal> {
        if self.is_under_way(slots) {
            return Err(Refusal::Busy);
        }
        let mut incoming = plain(&self.incoming()).map_err(Refusal::Reading)?;
        self.glance(&mut incoming, slots, older)?;
        let manifest = look(incoming, slots, older)?;
        match older {
            true => fs::write(self.older(), b"").map_err(Refusal::Writing)?,
            false => drop(fs::remove_file(self.older())),
        }
        fs::rename(self.incoming(), self.bundle()).map_err(Refusal::Writing)?;
        File::open(&self.at).and_then(|folder| folder.sync_all()).map_err(Refusal::Writing)?;
        Ok(manifest)
    }

    /// Whether a bundle would be taken if it is whole: its head alone is read, from where the file stands, which it does again then.
    ///
    /// # Errors
    /// Why not.
    pub fn glance(&self, file: &mut File, slots: &Slots, older: bool) -> Result<(), Refusal> {
        let Manifest { version, .. } = bundle::read(file, &slots.key).and_then(|manifest| {
            judge(&manifest, slots, older)?;
            file.rewind().map_err(Refusal::Reading)?;
            Ok(manifest)
        })?;
        match self.kept() {
            _ if older => Ok(()),
            // Under that name; the program may call itself otherwise.
            Kept::Good { version: runs } if runs == version => {
                Err(Refusal::NotNewer { theirs: version, ours: version })
            }
            _ if self.has_fallen_back(version) => Err(Refusal::FellBack(version)),
            _ => Ok(()),
        }
    }

    /// A bundle is being written, or the slot that runs is being tried.
    pub fn is_under_way(&self, slots: &Slots) -> bool {
        match self.kept() {
            Kept::Writing { .. } => self.has_bundle(),
            kept => kept.is_trial_of(&slots.running()),
        }
    }

    /// The slot that runs is being tried.
    pub fn is_in_trial(&self, slots: &Slots) -> bool {
        self.kept().is_trial_of(&slots.running())
    }

    /// Takes away a bundle that waits; whether there was one. What of it is being written is not started.
    pub fn withdraw(&self) -> bool {
        self.drop_bundle()
    }

    /// Whether a bundle waits.
    pub fn has_bundle(&self) -> bool {
        self.bundle().exists()
    }

    pub(super) fn may_be_older(&self) -> bool {
        self.older().exists()
    }

    /// The bundle that waits.
    pub(super) fn open(&self) -> Result<File, Refusal> {
        plain(&self.bundle()).map_err(Refusal::Reading)
    }

    /// Whether this is the bundle that waits.
    pub(super) fn has_this(&self, bundle: &File) -> bool {
        let waits = fs::symlink_metadata(self.bundle());
        bundle
            .metadata()
            .is_ok_and(|this| waits.is_ok_and(|it| (it.dev(), it.ino()) == (this.dev(), this.ino())))
    }

    /// Whether there was one.
    pub(super) fn drop_bundle(&self) -> bool {
        let was_there = fs::remove_file(self.bundle()).is_ok();
        for path in [self.ready(), self.older()] {
            let _ = fs::remove_file(path);
        }
        was_there
    }

    /// Whether a system that could not start its program has said so and gone back. It is said once.
    pub(super) fn was_lame(&self) -> bool {
        fs::remove_file(self.at.join("lame")).is_ok()
    }

    /// Says whether an update may go on: no call is up, and none is expected.
    pub(super) fn tell_quiet(&self, quiet: bool) -> io::Result<()> {
        for (file, wanted) in [(self.quiet(), quiet), (self.ready(), quiet && self.has_bundle())] {
            match (wanted, file.exists()) {
                (true, false) => drop(File::create(&file)?),
                (false, true) => fs::remove_file(&file)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet().exists()
    }

    /// The same, by a word that the box says from now on.
    pub(super) fn is_quiet_now(&self) -> bool {
        if fs::remove_file(self.quiet()).is_err() {
            return false;
        }
        (0..WORD.as_millis() / WORD_EVERY.as_millis()).any(|_| {
            std::thread::sleep(WORD_EVERY);
            self.is_quiet()
        })
    }

    /// What became of the last update.
    pub fn kept(&self) -> Kept {
        serde_json::from_slice(&note(&self.at.join("state.json"))).unwrap_or_default()
    }

    pub(super) fn keep(&self, kept: &Kept) -> Result<(), String> {
        if let Kept::FellBack { version, .. } = kept
            && !self.has_fallen_back(*version)
        {
            let mut all = note(&self.fell_back());
            all.extend_from_slice(format!("{version}\n").as_bytes());
            self.write(&self.fell_back(), &all)?;
        }
        self.write(&self.at.join("state.json"), &serde_json::to_vec(kept).unwrap_or_default())
    }

    fn has_fallen_back(&self, version: Version) -> bool {
        let all = note(&self.fell_back());
        String::from_utf8_lossy(&all).lines().any(|line| line.parse() == Ok(version))
    }

    /// Whole or not at all. The box may read what root has written.
    fn write(&self, to: &Path, bytes: &[u8]) -> Result<(), String> {
        let part = to.with_extension("part");
        let _ = fs::remove_file(&part);
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o644).open(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, to)?;
            File::open(&self.at)?.sync_all()
        };
        write().map_err(|error: io::Error| format!("{}: {error}", to.display()))
    }
}

/// A file of this folder: no link, and no pipe that would be waited for.
fn plain(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")),
    }
}

/// What is in a small file; nothing if it is not there.
fn note(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = plain(path).and_then(|file| file.take(NOTE_BYTES).read_to_end(&mut bytes));
    bytes
}

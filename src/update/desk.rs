//! The box's end of the folder: it says there whether it can be spared, and is told when something changes there.

use super::folder::Folder;
use super::machine::Kept;
use super::quiet::Quiet;
use super::slots::Slots;
use crate::units::Instant;
use core::time::Duration;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// Its descriptor can be read when something has changed: then call [`Desk::changed`].
#[derive(Debug)]
pub struct Desk {
    folder: Folder,
    slots: Slots,
    quiet: Quiet,
    changes: Inotify,
    /// What became of the last update, when it was last changed.
    kept: Kept,
    under_way: bool,
    /// What the folder says of us, as long as nobody has taken anything away there.
    said: Option<bool>,
}

impl Desk {
    /// Of this folder, which is there.
    ///
    /// # Errors
    /// The system does not tell of changes.
    pub fn new(folder: Folder, slots: Slots) -> io::Result<Self> {
        let changes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        // Everything is put there whole.
        changes.add_watch(folder.at(), AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_DELETE)?;
        let quiet = Quiet::new(Duration::from_millis(slots.pace.rest_ms));
        let mut desk =
            Self { folder, slots, quiet, changes, kept: Kept::Nothing, under_way: false, said: None };
        desk.read();
        Ok(desk)
    }

    /// A bundle is being written, or the slot that runs is being tried.
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// Says at `now` whether an update may go on. Once a second, and after each change; `busy`: a call is up, or help may call
    /// back.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn look(&mut self, now: Instant, busy: bool) -> io::Result<()> {
        let quiet = self.quiet.look(now, busy);
        if self.said != Some(quiet) {
            self.folder.tell_quiet(quiet)?;
            self.said = Some(quiet);
        }
        Ok(())
    }

    /// Looks at what has changed; whether an update has just been found good.
    pub fn changed(&mut self) -> bool {
        // What it was is all the same: there is little to look at.
        while !matches!(self.changes.read_events(), Err(error) if error != Errno::EINTR) {}
        self.said = None;
        let before = core::mem::take(&mut self.kept);
        self.read();
        self.kept != before && matches!(self.kept, Kept::Good { .. })
    }

    fn read(&mut self) {
        self.kept = self.folder.kept();
        self.under_way = self.folder.is_under_way(&self.slots);
    }
}

impl AsRawFd for Desk {
    fn as_raw_fd(&self) -> RawFd {
        self.changes.as_fd().as_raw_fd()
    }
}

//! A contact: on a line of a chip, as an input device, or the hook of a USB telephone.

use super::ButtonLine;
use super::gpio::{Line, Trouble};
use super::hid::Hook;
use super::input::{Keys, Use};
use core::time::Duration;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::os::fd::{AsFd, BorrowedFd};

/// Where something that is pressed or lifted is felt.
pub(super) enum Contact {
    Line(Line),
    Keys(Keys),
    Hook(Hook),
}

/// What a contact did: whether it is closed, and how long it has been so already.
pub(super) type Change = (bool, Duration);

impl Contact {
    /// The line if it can be had, else the device; as a hook the device first, for a line that nothing is wired to can be had, too.
    pub(super) fn open(button: &ButtonLine, wanted: Use) -> Result<Self, Trouble> {
        let line = button.place.as_ref().map(|place| Line::button(button, place));
        let device = || button.input.as_ref().map(|name| Self::device(name, wanted));
        if wanted == Use::Hook
            && let Some(Ok(device)) = device()
        {
            return Ok(device);
        }
        match line {
            Some(Ok(line)) => Ok(Self::Line(line)),
            // What is wrong with the line says more than that there is no device instead.
            Some(Err(trouble)) => device().and_then(Result::ok).ok_or(trouble),
            None => device().unwrap_or(Err(Trouble::NoChip)),
        }
    }

    /// A device with such keys; as a hook also a telephone, whose hook is no key.
    fn device(name: &str, wanted: Use) -> Result<Self, Trouble> {
        match Keys::open(name, wanted) {
            Err(Trouble::NoInput(..)) if wanted == Use::Hook => Hook::open(name).map(Self::Hook),
            keys => keys.map(Self::Keys),
        }
    }

    /// Waits for a change at most so long.
    pub(super) fn wait(&self, wait: Duration) {
        let mut ready = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        // A signal is as good as a change, and one that is gone is found out when it is asked.
        let _ = ppoll(&mut ready, Some(TimeSpec::from_duration(wait)), None);
    }

    /// What it did since, in order, by the kernel's own times: who looks late misses nothing. The last is how it is now, if
    /// that is known. `None`: it is gone.
    pub(super) fn changes(&mut self) -> Option<Vec<Change>> {
        match self {
            Self::Line(line) => line.changes(),
            Self::Keys(keys) => keys.changes(),
            Self::Hook(hook) => hook.changes(),
        }
    }

    /// How it is now. `None`: it is gone, or has not told yet.
    pub(super) fn level(&self) -> Option<bool> {
        match self {
            Self::Line(line) => line.level(),
            Self::Keys(keys) => Some(keys.level()),
            Self::Hook(hook) => hook.level(),
        }
    }
}

impl AsFd for Contact {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Line(line) => line.as_fd(),
            Self::Keys(keys) => keys.as_fd(),
            Self::Hook(hook) => hook.as_fd(),
        }
    }
}

//! A contact: on a line of a chip, or as an input device.

use super::ButtonLine;
use super::gpio::{Line, Trouble};
use super::input::Keys;
use core::time::Duration;
use std::os::fd::{AsFd, BorrowedFd};

/// Where something that is pressed or lifted is felt.
pub(super) enum Contact {
    Line(Line),
    Keys(Keys),
}

/// What a contact did: how it is now, and how long it has been so already.
pub(super) type Change = (bool, Duration);

impl Contact {
    /// The line if it can be had, else the device.
    pub(super) fn open(button: &ButtonLine) -> Result<Self, Trouble> {
        let line = button.place.as_ref().map(|place| Line::button(button, place));
        let keys = || button.input.as_ref().map(|name| Keys::open(name));
        match line {
            Some(Ok(line)) => Ok(Self::Line(line)),
            // What is wrong with the line says more than that there is no device instead.
            Some(Err(trouble)) => keys().and_then(Result::ok).map(Self::Keys).ok_or(trouble),
            None => keys().unwrap_or(Err(Trouble::NoChip)).map(Self::Keys),
        }
    }

    /// Waits for a change at most so long, and says whether it is closed. `None`: it is gone.
    pub(super) fn wait(&mut self, wait: Duration) -> Option<bool> {
        let there = match self {
            Self::Line(line) => line.wait(wait),
            Self::Keys(keys) => keys.wait(wait),
        };
        there.then(|| self.level()).flatten()
    }

    /// The next of the changes that were waited for elsewhere; at least how it is now. `None`: it is gone.
    pub(super) fn change(&mut self) -> Option<Change> {
        match self {
            Self::Line(line) => line.change(),
            Self::Keys(keys) => {
                let there = keys.wait(Duration::ZERO);
                Some((there.then(|| keys.lifted()).flatten()?, Duration::ZERO))
            }
        }
    }

    /// As a hook switch: a device may have a telephone's keys beside it. `None`: it is gone.
    pub(super) fn lifted(&self) -> Option<bool> {
        match self {
            Self::Line(line) => line.level(),
            Self::Keys(keys) => keys.lifted(),
        }
    }

    /// How it is. `None`: it is gone.
    pub(super) fn level(&self) -> Option<bool> {
        match self {
            Self::Line(line) => line.level(),
            Self::Keys(keys) => keys.level(),
        }
    }
}

impl AsFd for Contact {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Line(line) => line.as_fd(),
            Self::Keys(keys) => keys.as_fd(),
        }
    }
}

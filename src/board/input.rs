//! The edge: a button that the kernel tells of as an input device: gpio-keys, a power button, a button on USB.

use super::gpio::Trouble;
use core::time::Duration;
use evdev::Device;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::ErrorKind;
use std::os::fd::AsFd;

/// An input device that is open.
pub(super) struct Keys(Box<Device>);

impl Keys {
    /// The first device of this name that has keys.
    ///
    /// # Errors
    /// There is none, or it may not be opened.
    pub(super) fn open(name: &str) -> Result<Self, Trouble> {
        let mut found =
            evdev::enumerate().map(|(_, device)| device).filter(|device| device.name() == Some(name));
        let device = found
            .find(|device| device.supported_keys().is_some())
            .ok_or_else(|| Trouble::NoInput(name.to_owned()))?;
        device.set_nonblocking(true).map_err(|e| Trouble::Failed(name.to_owned(), e.to_string()))?;
        Ok(Self(Box::new(device)))
    }

    /// Waits for a key to change. False: the device is gone.
    pub(super) fn wait(&mut self, wait: Duration) -> bool {
        let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
        match poll(&mut ready, wait) {
            Ok(0) | Err(Errno::EINTR) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
        match self.0.fetch_events() {
            // What they say is read from the device itself.
            Ok(events) => {
                events.for_each(drop);
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }

    /// Whether any key is down. `None`: the device is gone.
    pub(super) fn level(&self) -> Option<bool> {
        self.0.get_key_state().ok().map(|keys| keys.iter().next().is_some())
    }
}

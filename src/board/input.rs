//! The edge: what the kernel tells of as an input device: a button (gpio-keys, a power button, one on USB), a hook switch, a
//! keypad.

use super::gpio::Trouble;
use crate::phone::handset::Key;
use crate::units::Digit;
use core::time::Duration;
use evdev::{Device, EventSummary, KeyCode};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};

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

    /// Takes the device for itself: what is typed there is typed nowhere else. Without that it works, too.
    pub(super) fn take(&mut self) {
        let _ = self.0.grab();
    }

    /// The keys of a telephone that were pressed since. `None`: the device is gone.
    pub(super) fn pressed(&mut self) -> Option<Vec<Key>> {
        let key = |event: evdev::InputEvent| match event.destructure() {
            // 0 is let go, 2 is held for so long that it repeats.
            EventSummary::Key(_, code, 1) => meaning(code),
            _ => None,
        };
        match self.0.fetch_events() {
            Ok(events) => Some(events.filter_map(key).collect()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(Vec::new()),
            Err(_) => None,
        }
    }

    /// Whether a hook switch is closed: any key that is none of a keypad is down. `None`: the device is gone.
    pub(super) fn lifted(&self) -> Option<bool> {
        self.0.get_key_state().ok().map(|keys| keys.iter().any(|key| meaning(key).is_none()))
    }

    /// Whether any key is down. `None`: the device is gone.
    pub(super) fn level(&self) -> Option<bool> {
        self.0.get_key_state().ok().map(|keys| keys.iter().next().is_some())
    }
}

impl AsFd for Keys {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What a key of a keypad is to a telephone. A numeric keypad has no hash: its slash is one.
fn meaning(code: KeyCode) -> Option<Key> {
    const TOP: [u16; 10] = [11, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    const PAD: [u16; 10] = [82, 79, 80, 81, 75, 76, 77, 71, 72, 73];
    let numeric = code.0.checked_sub(KeyCode::KEY_NUMERIC_0.0).filter(|n| *n < 10).map(usize::from);
    let number = TOP.iter().chain(&PAD).position(|one| *one == code.0).map(|at| at % 10).or(numeric);
    if let Some(number) = number {
        return u8::try_from(number).ok().and_then(Digit::from_event).map(Key::Digit);
    }
    match code {
        KeyCode::KEY_NUMERIC_STAR | KeyCode::KEY_KPASTERISK => Some(Key::Digit(Digit::STAR)),
        KeyCode::KEY_NUMERIC_POUND | KeyCode::KEY_KPSLASH => Some(Key::Digit(Digit::HASH)),
        KeyCode::KEY_ENTER | KeyCode::KEY_KPENTER => Some(Key::Dial),
        KeyCode::KEY_BACKSPACE | KeyCode::KEY_DELETE => Some(Key::Erase),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keys_of_every_keypad_are_a_telephones() {
        let digits = |codes: &[KeyCode]| -> String {
            codes
                .iter()
                .map(|code| match meaning(*code) {
                    Some(Key::Digit(digit)) => digit.as_char(),
                    Some(Key::Dial) => 'd',
                    Some(Key::Erase) => 'e',
                    None => '-',
                })
                .collect()
        };
        use KeyCode as K;
        let top = [K::KEY_0, K::KEY_1, K::KEY_5, K::KEY_9, K::KEY_ENTER, K::KEY_BACKSPACE, K::KEY_PHONE];
        assert_eq!(digits(&top), "0159de-");
        let pad =
            [K::KEY_KP0, K::KEY_KP1, K::KEY_KP4, K::KEY_KP7, K::KEY_KP9, K::KEY_KPASTERISK, K::KEY_KPSLASH];
        assert_eq!(digits(&pad), "01479*#");
        let phone = [K::KEY_NUMERIC_0, K::KEY_NUMERIC_9, K::KEY_NUMERIC_STAR, K::KEY_NUMERIC_POUND, K::KEY_A];
        assert_eq!(digits(&phone), "09*#-");
    }
}

//! The edge: what the kernel tells of as an input device: a button (gpio-keys, a power button, one on USB), a hook switch, a
//! keypad.

use super::contact::Change;
use super::gpio::Trouble;
use crate::clock;
use crate::phone::handset::Key;
use crate::units::{Digit, Instant};
use core::time::Duration;
use evdev::{Device, EventSummary, KeyCode};
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::SystemTime;

/// How often what waits is read at once: a device that never rests keeps the thread from nothing.
const ROUNDS: usize = 16;

/// What a device is to the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A button: any key is it.
    Button,
    /// A hook switch: lifted while a key is down that may be one.
    Hook,
    /// The keys of a telephone.
    Keypad,
}

impl Use {
    fn is(self, code: KeyCode) -> bool {
        match self {
            Self::Button => true,
            Self::Hook => is_hook(code),
            Self::Keypad => meaning(code).is_some(),
        }
    }
}

/// An input device that is open.
pub(super) struct Keys {
    device: Box<Device>,
    wanted: Use,
    /// Those that are down, as far as its events say.
    down: Vec<KeyCode>,
    looked: Instant,
}

impl Keys {
    /// The first device of this name that has keys of this use.
    ///
    /// # Errors
    /// There is none, or it may not be opened.
    pub(super) fn open(name: &str, wanted: Use) -> Result<Self, Trouble> {
        let mut found =
            evdev::enumerate().map(|(_, device)| device).filter(|device| device.name() == Some(name));
        let device = found
            .find(|device| device.supported_keys().is_some_and(|keys| keys.iter().any(|key| wanted.is(key))))
            .ok_or_else(|| missing(name))?;
        device.set_nonblocking(true).map_err(|e| Trouble::Failed(name.to_owned(), e.to_string()))?;
        let mut keys = Self { device: Box::new(device), wanted, down: Vec::new(), looked: clock::now() };
        keys.down = keys.held().unwrap_or_default();
        Ok(keys)
    }

    /// Takes the device for itself: what is typed there is typed nowhere else. Without that it works, too.
    pub(super) fn take(&mut self) {
        let _ = self.device.grab();
    }

    /// The keys of a telephone that were pressed since. `None`: the device is gone.
    pub(super) fn pressed(&mut self) -> Option<Vec<Key>> {
        let key = |event: evdev::InputEvent| match event.destructure() {
            // 0 is let go, 2 is held for so long that it repeats.
            EventSummary::Key(_, code, 1) => meaning(code),
            _ => None,
        };
        match self.device.fetch_events() {
            Ok(events) => Some(events.filter_map(key).collect()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(Vec::new()),
            Err(_) => None,
        }
    }

    /// Whether any key of its use was down, as its events say it, and at last how it is: as the device says where there was no
    /// event, for who has taken it for himself leaves us none. `None`: it is gone.
    pub(super) fn changes(&mut self) -> Option<Vec<Change>> {
        let mut seen = Vec::new();
        let (date, now) = (SystemTime::now(), clock::now());
        let since = now.since(core::mem::replace(&mut self.looked, now));
        let mut heard = false;
        for _ in 0..ROUNDS {
            let events = match self.device.fetch_events() {
                Ok(events) => events,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return None,
            };
            heard = true;
            for event in events {
                let EventSummary::Key(_, code, value) = event.destructure() else { continue };
                if !self.wanted.is(code) || value > 1 {
                    continue;
                }
                self.down.retain(|down| *down != code);
                self.down.extend((value == 1).then_some(code));
                // The kernel's times are the date's, which may be put right meanwhile: no event is older than the last look.
                let age = date.duration_since(event.timestamp()).unwrap_or_default().min(since);
                seen.push((!self.down.is_empty(), age));
            }
        }
        // To be asked makes the kernel forget the events that wait.
        if !heard {
            self.down = self.held()?;
        }
        seen.push((self.level(), Duration::ZERO));
        Some(seen)
    }

    /// Whether any key of its use was down at the last look.
    pub(super) fn level(&self) -> bool {
        !self.down.is_empty()
    }

    fn held(&self) -> Option<Vec<KeyCode>> {
        let keys = self.device.get_key_state().ok()?;
        Some(keys.iter().filter(|key| self.wanted.is(*key)).collect())
    }
}

impl AsFd for Keys {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// That no device of this name can be had, and the names of those that there are, as the kernel lists them for everybody.
pub(super) fn missing(name: &str) -> Trouble {
    let list = std::fs::read_to_string("/proc/bus/input/devices").unwrap_or_default();
    Trouble::NoInput(name.to_owned(), names(&list))
}

/// Each name once, quoted by the kernel as `N: Name="USB Keypad"`.
fn names(list: &str) -> Vec<String> {
    let name = |line: &str| Some(line.strip_prefix("N: Name=\"")?.strip_suffix('"')?.to_owned());
    let mut names: Vec<String> = list.lines().filter_map(name).collect();
    names.sort();
    names.dedup();
    names
}

/// Whether a key may be a hook switch: a telephone's own, and those that gpio-keys and makers of buttons give to what has no
/// name. No keypad's, and none that turns the sound up, down or off, as headsets have.
fn is_hook(code: KeyCode) -> bool {
    let own = [KeyCode::KEY_PHONE, KeyCode::KEY_PICKUP_PHONE];
    let programs = [KeyCode::KEY_PROG1, KeyCode::KEY_PROG2, KeyCode::KEY_PROG3, KeyCode::KEY_PROG4];
    own.contains(&code) || programs.contains(&code) || (KeyCode::BTN_0.0..=KeyCode::BTN_9.0).contains(&code.0)
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

    #[test]
    fn a_device_that_is_missed_is_told_of_with_those_that_are_there() {
        let list = "I: Bus=0003\nN: Name=\"USB Keypad\"\nP: Phys=usb\n\nI: Bus=0019\nN: Name=\"Power Button\"\n\nN: Name=\"USB Keypad\"\n";
        let told = |name: &str, list: &str| Trouble::NoInput(name.to_owned(), names(list)).to_string();
        assert_eq!(
            told("Hook", list),
            "no input device is called \"Hook\"; there are: Power Button, USB Keypad"
        );
        assert_eq!(told("Hook", ""), "no input device is called \"Hook\", and there is no other");
        assert_eq!(
            told("USB Keypad", list),
            "the input device \"USB Keypad\" may not be opened, or has no such keys"
        );
    }

    #[test]
    fn no_key_of_the_sound_lifts_a_handset() {
        use KeyCode as K;
        assert!(
            [K::KEY_PHONE, K::KEY_PICKUP_PHONE, K::KEY_PROG1, K::BTN_0, K::BTN_9]
                .map(is_hook)
                .iter()
                .all(|is| *is)
        );
        let media = [K::KEY_MICMUTE, K::KEY_MUTE, K::KEY_VOLUMEUP, K::KEY_VOLUMEDOWN, K::KEY_PLAYPAUSE];
        let others = [K::KEY_HANGUP_PHONE, K::KEY_1, K::KEY_NUMERIC_STAR, K::KEY_ENTER, K::BTN_LEFT];
        assert!(media.into_iter().chain(others).all(|key| !is_hook(key)));
    }
}

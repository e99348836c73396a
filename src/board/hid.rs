//! The edge: the hook switch of a USB telephone. The kernel makes a key of each of its digits, but none of its hook (usage page
//! Telephony, usage Hook Switch): that is read from the raw reports, whose form the device itself describes.

use super::contact::Change;
use super::gpio::Trouble;
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Where the kernel lists them, each with its name and the description of its reports.
const LIST: &str = "/sys/class/hidraw";
/// USB HID Usage Tables §14: page Telephony Device, usage Hook Switch.
const HOOK_SWITCH: u32 = 0x000B_0020;
/// Longer than any report of a telephone, octets.
const REPORT: usize = 1024;
/// Reports that are taken at once: a device that never rests keeps the thread from nothing.
const REPORTS: usize = 64;

/// Where in its reports a device tells of the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// The first octet of such a report; `None`: all its reports are of one kind, and do not say so.
    report: Option<u8>,
    /// Bits before it, the kind not counted.
    bit: usize,
}

/// A hook switch that is open.
pub(super) struct Hook {
    file: File,
    place: Place,
    /// `None`: the device has not told yet.
    lifted: Option<bool>,
}

impl Hook {
    /// The first device of this name that has a hook switch.
    ///
    /// # Errors
    /// There is none, or it may not be opened.
    pub(super) fn open(name: &str) -> Result<Self, Trouble> {
        let found = fs::read_dir(LIST).into_iter().flatten().flatten().find_map(|entry| {
            let about = fs::read_to_string(entry.path().join("device/uevent")).ok()?;
            let is_it = about.lines().any(|line| line.strip_prefix("HID_NAME=") == Some(name));
            let description = fs::read(entry.path().join("device/report_descriptor")).ok()?;
            Some((entry.file_name(), find(&description).filter(|_| is_it)?))
        });
        let (device, place) = found.ok_or_else(|| super::input::missing(name))?;
        let path = Path::new("/dev").join(device);
        let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(&path);
        let file = file.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => Trouble::Forbidden(path.display().to_string()),
            _ => Trouble::Failed(name.to_owned(), error.to_string()),
        })?;
        Ok(Self { file, place, lifted: None })
    }

    /// What its reports say. `None`: the device is gone.
    pub(super) fn changes(&mut self) -> Option<Vec<Change>> {
        let mut seen = Vec::new();
        let mut report = [0; REPORT];
        for _ in 0..REPORTS {
            match self.file.read(&mut report) {
                Ok(length) => {
                    let Some(bit) = self.place.read(report.get(..length)?) else { continue };
                    self.lifted = Some(bit);
                    seen.push((bit, Duration::ZERO));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        Some(seen)
    }

    /// `None`: the device has not told yet.
    pub(super) const fn level(&self) -> Option<bool> {
        self.lifted
    }
}

impl AsFd for Hook {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Place {
    /// The hook's bit in this report; `None`: it is of another kind.
    fn read(self, report: &[u8]) -> Option<bool> {
        let body = match self.report {
            None => report,
            Some(kind) => report.split_first().filter(|(first, _)| **first == kind)?.1,
        };
        body.get(self.bit / 8).map(|octet| octet >> (self.bit % 8) & 1 == 1)
    }
}

/// Finds the hook in a description of reports, Device Class Definition for HID 1.11 §6.2.2.
fn find(description: &[u8]) -> Option<Place> {
    /// The global items that count here: page, bits of a field, fields, kind of report.
    #[derive(Clone, Copy, Default)]
    struct Global {
        page: u32,
        size: usize,
        count: usize,
        report: Option<u8>,
    }
    let (mut global, mut kept) = (Global::default(), Vec::new());
    let mut usages: Vec<u32> = Vec::new();
    let mut first = 0;
    let mut bits: BTreeMap<Option<u8>, usize> = BTreeMap::new();
    let mut rest = description;
    while let Some((prefix, after)) = rest.split_first() {
        // Long items, which nobody uses, carry their length.
        let length = match prefix {
            0xFE => usize::from(*after.first()?) + 2,
            _ => [0, 1, 2, 4][usize::from(prefix & 3)],
        };
        let data = after.get(..length)?;
        rest = after.get(length..)?;
        let value = data.iter().take(4).rev().fold(0, |value, octet| value << 8 | u32::from(*octet));
        // A usage of four octets brings its page.
        let usage = if length == 4 { value } else { global.page << 16 | value };
        match prefix & 0xFC {
            0x04 => global.page = value,
            0x74 => global.size = value as usize,
            0x94 => global.count = value as usize,
            0x84 => global.report = u8::try_from(value).ok(),
            0xA4 => kept.push(global),
            0xB4 => global = kept.pop()?,
            0x08 => usages.push(usage),
            0x18 => first = usage,
            0x28 if usage.checked_sub(first)? < 1024 => usages.extend(first..=usage),
            // Input.
            0x80 => {
                let bit = bits.entry(global.report).or_default();
                // One that only told of changes (bit 2) could come to be taken for the opposite.
                let tells = value & 0b110 == 0b010;
                let at = usages.iter().position(|usage| *usage == HOOK_SWITCH);
                if let Some(at) = at.filter(|at| tells && *at < global.count) {
                    let bit = bit.checked_add(at.checked_mul(global.size)?)?;
                    return Some(Place { report: global.report, bit });
                }
                *bit = bit.checked_add(global.size.checked_mul(global.count)?)?;
                usages.clear();
            }
            // Output, feature, collection.
            0x90 | 0xB0 | 0xA0 => usages.clear(),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A headset: volume keys in report 1; hook, flash and mute in report 8; a lamp for the hook in report 9.
    const HEADSET: &[u8] = &[
        0x05, 0x0C, 0x09, 0x01, 0xA1, 0x01, 0x85, 0x01, 0x15, 0x00, 0x25, 0x01, 0x09, 0xE9, 0x09, 0xEA, 0x75,
        0x01, 0x95, 0x02, 0x81, 0x02, 0x95, 0x06, 0x81, 0x01, 0xC0, // volume up, down, filler
        0x05, 0x0B, 0x09, 0x05, 0xA1, 0x01, 0x85, 0x08, 0x95, 0x03, 0x81, 0x01, // three bits of filler
        0x95, 0x03, 0x09, 0x21, 0x09, 0x20, 0x09, 0x2F, 0x81, 0x22, 0x95, 0x02, 0x81,
        0x01, // flash, hook, mute
        0x85, 0x09, 0x05, 0x08, 0x09, 0x17, 0x95, 0x01, 0x91, 0x02, 0x95, 0x07, 0x91, 0x01,
        0xC0, // off-hook lamp
    ];
    /// A handset with one kind of report: twelve keys, then the hook, its usage with the page.
    const HANDSET: &[u8] = &[
        0x05, 0x0B, 0x09, 0x01, 0xA1, 0x01, 0x15, 0x00, 0x25, 0x01, 0x19, 0xB0, 0x29, 0xBB, 0x75, 0x01, 0x95,
        0x0C, 0x81, 0x02, 0x0B, 0x20, 0x00, 0x0B, 0x00, 0x95, 0x01, 0x81, 0x02, 0x95, 0x03, 0x81, 0x01, 0xC0,
    ];
    const KEYBOARD: &[u8] = &[
        0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01, 0x75,
        0x01, 0x95, 0x08, 0x81, 0x02, 0xC0,
    ];

    #[test]
    fn the_hook_is_where_the_device_says() {
        let headset = find(HEADSET).unwrap();
        assert_eq!(headset, Place { report: Some(8), bit: 4 });
        assert_eq!(headset.read(&[8, 0b0001_0000]), Some(true));
        assert_eq!(headset.read(&[8, 0b0010_1000]), Some(false), "flash and mute are not the hook");
        assert_eq!(headset.read(&[1, 0b0001_0011]), None, "the keys of the volume");
        assert_eq!(headset.read(&[8]), None);
        let handset = find(HANDSET).unwrap();
        assert_eq!(handset, Place { report: None, bit: 12 });
        assert_eq!((handset.read(&[0xFF, 0x0F]), handset.read(&[0, 0x10])), (Some(false), Some(true)));
        assert_eq!(find(KEYBOARD), None);
    }

    #[test]
    fn one_that_only_tells_of_changes_is_none() {
        let mut relative = HANDSET.to_vec();
        let at = relative.windows(2).rposition(|two| two == [0x81, 0x02]).unwrap();
        relative[at + 1] = 0x06;
        assert_eq!(find(&relative), None);
    }

    #[test]
    fn no_description_does_harm() {
        for whole in [HEADSET, HANDSET, KEYBOARD] {
            for end in 0..whole.len() {
                let _ = find(&whole[..end]);
            }
        }
        // Sizes without end, more ends than beginnings, ranges the wrong way round.
        let huge = [0x77, 0xFF, 0xFF, 0xFF, 0xFF, 0x97, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0x02, 0x81, 0x02];
        assert_eq!(find(&huge), None);
        assert_eq!((find(&[0xB4]), find(&[0x19, 9, 0x29, 2]), find(&[0xFE, 9])), (None, None, None));
        let long: Vec<u8> =
            [0x1B, 0, 0, 0, 0, 0x2B, 0xFF, 0xFF, 0xFF, 0xFF].into_iter().cycle().take(1000).collect();
        assert_eq!(find(&long), None);
    }
}

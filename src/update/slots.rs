//! The two slots of a card, and the file by which the firmware chooses one. `image/README.md` draws the card.

use super::machine::Pace;
use core::fmt;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// In the file of the firmware's choice: what it boots,
const BOOTS: &str = "boot_partition=";
/// and, in a comment of ours, what boots whatever happens: the first program of every start turns the choice back to it.
const GOOD: &str = "# good=";

/// Where an image says that it has slots. Without this file updates are the package manager's, or the owner's.
pub const DEFAULT: &str = "/usr/lib/hold-slayer/slots.toml";

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// The one beside it.
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::A { "a" } else { "b" })
    }
}

/// The partitions of a slot.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The number of its boot partition, as the firmware counts: one digit.
    pub partition: u8,
    /// Its boot partition.
    pub boot: PathBuf,
    /// Its root file system.
    pub root: PathBuf,
}

fn system() -> PathBuf {
    "/".into()
}

/// What the image says of itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// The kind of board that it is for.
    pub board: String,
    /// The key that bundles are signed with: minisign's, base64.
    pub key: String,
    /// The file by which the firmware chooses the boot partition.
    pub autoboot: PathBuf,
    /// Starts the machine anew.
    pub reboot: Vec<String>,
    /// Succeeds if the box runs.
    #[serde(default)]
    pub active: Vec<String>,
    /// What of the running slot's root file system is mounted.
    #[serde(default = "system")]
    pub system: PathBuf,
    /// How long things take.
    #[serde(default)]
    pub pace: Pace,
    /// The first slot.
    pub a: Place,
    /// The second.
    pub b: Place,
}

impl Slots {
    /// What is in `file`; `None`: there is no such file, or no key of whoever may bring updates, so there are none.
    ///
    /// # Errors
    /// In words: it cannot be read or understood.
    pub fn read(file: &Path) -> Result<Option<Self>, String> {
        let at = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        match fs::read_to_string(file) {
            Ok(text) => {
                let slots: Self = toml::from_str(&text).map_err(|error| at(&error))?;
                Ok(Some(slots).filter(|slots| !slots.key.is_empty()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&error)),
        }
    }

    /// The slot that runs: the one whose root is mounted.
    ///
    /// # Errors
    /// In words: it is none of them.
    pub fn running(&self) -> Result<Slot, String> {
        let of = |path: &Path| fs::metadata(path).ok();
        let system = of(&self.system);
        // A file may stand for a partition.
        let is = |here: &fs::Metadata, root: &fs::Metadata| {
            here.dev() == root.rdev() || (here.dev(), here.ino()) == (root.dev(), root.ino())
        };
        let runs = |slot: &Slot| {
            system.as_ref().zip(of(&self.place(*slot).root)).is_some_and(|(here, root)| is(here, &root))
        };
        let not = || format!("what runs at {} is none of them", self.system.display());
        [Slot::A, Slot::B].into_iter().find(runs).ok_or_else(not)
    }

    /// Whether the box runs, be it without its page.
    pub fn box_runs(&self) -> bool {
        order(&self.active).is_ok()
    }

    /// Where a slot lies.
    pub const fn place(&self, slot: Slot) -> &Place {
        match slot {
            Slot::A => &self.a,
            Slot::B => &self.b,
        }
    }

    /// Whether `slot` boots whatever happens.
    ///
    /// # Errors
    /// In words: the firmware's choice cannot be read.
    pub(super) fn is_confirmed(&self, slot: Slot) -> Result<bool, String> {
        let (_, mut text) = self.choice()?;
        Ok(digit(&mut text, GOOD).is_some_and(|good| *good == b'0' + self.place(slot).partition))
    }

    /// Lets the firmware boot `slot` at the next start; at that start it is turned back. The file is written over in place,
    /// within one sector of the card: a power cut leaves the old or the new choice, never none.
    ///
    /// # Errors
    /// In words: it cannot be read, written, or is not as expected.
    pub(super) fn choose(&self, slot: Slot) -> Result<(), String> {
        self.turn(slot, &[BOOTS])
    }

    /// Lets the firmware boot `slot` from now on.
    ///
    /// # Errors
    /// As for [`Slots::choose`].
    pub(super) fn confirm(&self, slot: Slot) -> Result<(), String> {
        self.turn(slot, &[BOOTS, GOOD])
    }

    fn turn(&self, slot: Slot, keys: &[&str]) -> Result<(), String> {
        let (file, mut text) = self.choice()?;
        for key in keys {
            if let Some(digit) = digit(&mut text, key) {
                *digit = b'0' + self.place(slot).partition;
            }
        }
        file.write_all_at(&text, 0).and_then(|()| file.sync_all()).map_err(|error| self.at_choice(&error))
    }

    fn at_choice(&self, error: &dyn fmt::Display) -> String {
        format!("{}: {error}", self.autoboot.display())
    }

    /// The file of the firmware's choice, and what is in it.
    fn choice(&self) -> Result<(File, Vec<u8>), String> {
        const SECTOR_BYTES: usize = 512;
        let at = |error: io::Error| self.at_choice(&error);
        let file = File::options().read(true).write(true).open(&self.autoboot).map_err(at)?;
        let mut text = vec![0; SECTOR_BYTES];
        let length = file.read_at(&mut text, 0).map_err(at)?;
        text.truncate(length);
        match [BOOTS, GOOD].iter().all(|key| digit(&mut text, key).is_some()) {
            true => Ok((file, text)),
            false => Err(self.at_choice(&"not as the image made it: nothing was changed")),
        }
    }
}

/// The one digit behind `key`, which is there once.
fn digit<'t>(text: &'t mut [u8], key: &str) -> Option<&'t mut u8> {
    let mut found = text.windows(key.len()).enumerate().filter(|(_, window)| *window == key.as_bytes());
    let (at, _) = found.next()?;
    let once = found.next().is_none();
    let (digit, rest) = text.get_mut(at + key.len()..)?.split_first_mut()?;
    let alone = !rest.first().is_some_and(u8::is_ascii_digit);
    (once && alone && digit.is_ascii_digit()).then_some(digit)
}

/// How much a partition holds. The kernel tells everybody; only root may open it.
pub(super) fn room(device: &Path) -> Result<u64, String> {
    const SECTOR_BYTES: u64 = 512;
    let told = |device: &Path| {
        let name = fs::canonicalize(device).ok()?.file_name()?.to_owned();
        let size = Path::new("/sys/class/block").join(name).join("size");
        fs::read_to_string(size).ok()?.trim().parse::<u64>().ok()
    };
    if let Some(sectors) = told(device) {
        return Ok(sectors * SECTOR_BYTES);
    }
    let size = File::open(device).and_then(|mut file| file.seek(SeekFrom::End(0)));
    size.map_err(|error| format!("{}: {error}", device.display()))
}

/// Runs one of the commands.
pub(super) fn order(command: &[String]) -> Result<(), String> {
    let (program, arguments) =
        command.split_first().ok_or("there is no command to start the machine anew")?;
    match Command::new(program).args(arguments).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_digit_is_turned_and_everything_else_stays() {
        let turned = |text: &str, key| {
            let mut text = text.as_bytes().to_vec();
            *digit(&mut text, key)? = b'3';
            Some(String::from_utf8(text).unwrap())
        };
        let fresh = "[all]\nboot_partition=2\n# good=2\n";
        assert_eq!(turned(fresh, BOOTS).as_deref(), Some("[all]\nboot_partition=3\n# good=2\n"));
        assert_eq!(turned(fresh, GOOD).as_deref(), Some("[all]\nboot_partition=2\n# good=3\n"));
        // As Windows's editor leaves it.
        let windows = fresh.replace('\n', "\r\n");
        assert_eq!(turned(&windows, GOOD).as_deref(), Some("[all]\r\nboot_partition=2\r\n# good=3\r\n"));
        for other in [
            "",
            "boot_partition=",
            "boot_partition=22",
            "boot_partition=x",
            "boot_partition=2 boot_partition=3",
        ] {
            assert_eq!(turned(other, BOOTS), None, "{other}");
        }
    }
}

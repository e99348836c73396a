//! The two slots of a card, and the file by which the firmware chooses one. `image/README.md` draws the card.

use super::machine::Pace;
use core::fmt;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    /// The number of its boot partition, as the firmware counts.
    pub partition: u8,
    /// Its boot partition.
    pub boot: PathBuf,
    /// Its root file system.
    pub root: PathBuf,
}

fn proc_cmdline() -> PathBuf {
    "/proc/cmdline".into()
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
    /// Boots the slot that is confirmed.
    pub reboot: Vec<String>,
    /// Boots the other one, once.
    #[serde(rename = "try")]
    pub try_other: Vec<String>,
    /// Where `holdslayer.slot=` says which slot runs.
    #[serde(default = "proc_cmdline")]
    pub cmdline: PathBuf,
    /// How long things take.
    #[serde(default)]
    pub pace: Pace,
    /// The first slot.
    pub a: Place,
    /// The second.
    pub b: Place,
}

impl Slots {
    /// What is in `file`; `None`: there is no such file, so there are no slots.
    ///
    /// # Errors
    /// In words: it cannot be read or understood.
    pub fn read(file: &Path) -> Result<Option<Self>, String> {
        let at = |error: &dyn fmt::Display| format!("{}: {error}", file.display());
        match fs::read_to_string(file) {
            Ok(text) => toml::from_str(&text).map(Some).map_err(|error| at(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&error)),
        }
    }

    /// The slot that runs.
    ///
    /// # Errors
    /// In words: the kernel was not told.
    pub fn running(&self) -> Result<Slot, String> {
        let line = fs::read_to_string(&self.cmdline)
            .map_err(|error| format!("{}: {error}", self.cmdline.display()))?;
        let slot = line.split_whitespace().find_map(|word| word.strip_prefix("holdslayer.slot="));
        match slot {
            Some("a") => Ok(Slot::A),
            Some("b") => Ok(Slot::B),
            _ => Err(format!("{} does not say which slot runs (holdslayer.slot=)", self.cmdline.display())),
        }
    }

    /// Where a slot lies.
    pub const fn place(&self, slot: Slot) -> &Place {
        match slot {
            Slot::A => &self.a,
            Slot::B => &self.b,
        }
    }

    /// Lets the firmware boot `slot` from now on, and the other one when it is tried. The file is written over in place, in one
    /// sector of the card: a power cut leaves the old or the new choice, never none.
    ///
    /// # Errors
    /// In words: it cannot be read, written, or is not as expected.
    pub(super) fn confirm(&self, slot: Slot) -> Result<(), String> {
        let at = |error: io::Error| format!("{}: {error}", self.autoboot.display());
        let file = File::options().read(true).write(true).open(&self.autoboot).map_err(at)?;
        let mut text = vec![0; 512];
        let length = file.read_at(&mut text, 0).map_err(at)?;
        let text = String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned();
        let turned = turned(&text, self.place(slot).partition, self.place(slot.other()).partition);
        let turned = turned.filter(|turned| turned.len() == text.len()).ok_or_else(|| {
            format!("{} is not as the image made it: nothing was changed", self.autoboot.display())
        })?;
        file.write_all_at(turned.as_bytes(), 0).and_then(|()| file.sync_all()).map_err(at)
    }
}

/// The file with the partition that boots, and the one that is tried.
fn turned(text: &str, boots: u8, tried: u8) -> Option<String> {
    let (mut out, mut in_trial, mut set) = (String::new(), false, 0);
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if bare.starts_with('[') {
            in_trial = bare == "[tryboot]";
        }
        if bare.starts_with("boot_partition=") {
            let end = line.strip_prefix(bare)?;
            out.push_str(&format!("boot_partition={}{end}", if in_trial { tried } else { boots }));
            set += 1;
        } else {
            out.push_str(line);
        }
    }
    (set == 2).then_some(out)
}

/// How much a partition holds.
pub(super) fn room(device: &Path) -> Result<u64, String> {
    let size = File::open(device).and_then(|mut file| file.seek(SeekFrom::End(0)));
    size.map_err(|error| format!("{}: {error}", device.display()))
}

/// Runs one of the commands.
pub(super) fn order(command: &[String]) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("there is no command to boot with")?;
    match Command::new(program).args(arguments).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_the_firmware_is_turned_and_keeps_its_length() {
        let fresh = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n";
        let turned_once = turned(fresh, 3, 2);
        assert_eq!(
            turned_once.as_deref(),
            Some("[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n")
        );
        assert_eq!(turned(&turned_once.unwrap_or_default(), 2, 3).as_deref(), Some(fresh));
        assert_eq!(turned(fresh, 2, 3).as_deref(), Some(fresh));
        for other in ["", "[all]\nboot_partition=2\n", "boot=2\n[tryboot]\nboot=3\n"] {
            assert_eq!(turned(other, 2, 3), None, "{other}");
        }
    }
}

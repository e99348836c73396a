//! Updates of a box that was made from an image: a signed bundle is taken in, written to the slot that does not run, tried
//! once, and kept if it answers. Everything that fails leaves the box as it was.
//!
//! ```text
//!   page, program, stick ──► DATA/update/bundle      judged as a whole: signature, board, version, room
//!   control thread ────────► DATA/update/ready       there only while no call is up
//!   root, another process:   both ──► other slot ──► boot it once ──► it answers ──► the firmware boots it from now on
//!                                                                 └─ or not ──► the old one boots, and the page says so
//! ```
//!
//! The box's own user cannot write partitions or boot: [`carry_out`] is root's (`systemd/hold-slayer-update.service`), and it
//! believes nothing that lies in the folder but what the key has signed.

mod bundle;
mod carry;
mod machine;
mod quiet;
mod slots;

pub use bundle::{Manifest, Part, Version};
pub use carry::carry_out;
pub use machine::{Kept, Pace};
pub use quiet::Quiet;
pub use slots::{DEFAULT, Place, Slot, Slots};

use bundle::{Carrier, Target};
use core::fmt;
use nix::sys::statvfs::statvfs;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

/// Why a bundle is not taken. Its text is for the owner.
#[derive(Debug)]
pub enum Refusal {
    /// The file is something else.
    NoBundle,
    /// It is made in a way that this version does not know.
    NewerForm,
    /// Its end is missing.
    CutShort,
    /// It is not as it was made.
    Damaged,
    /// The key of this box has not signed it.
    WrongSignature,
    /// The box's own key is none.
    NoKey,
    /// It is for another kind of board.
    OtherBoard {
        /// For which.
        theirs: String,
        /// What this is.
        ours: String,
    },
    /// It is not newer.
    NotNewer {
        /// What it has.
        theirs: Version,
        /// What runs.
        ours: Version,
    },
    /// It does not fit into the slot.
    TooLarge,
    /// Another one is on its way.
    Busy,
    /// The bundle cannot be read.
    Reading(io::Error),
    /// The slot or the folder cannot be written.
    Writing(io::Error),
    /// The slots cannot be looked at.
    Slots(String),
}

impl Refusal {
    fn of_reading(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::CutShort } else { Self::Reading(error) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBundle => write!(f, "This file is no update of a Hold Slayer."),
            Self::NewerForm => {
                write!(f, "This update is made for a newer Hold Slayer: take the one before it first.")
            }
            Self::CutShort => write!(f, "This update is cut short: copy the whole file again."),
            Self::Damaged => write!(f, "This update is damaged: it is not as it was made. Copy it again."),
            Self::WrongSignature => {
                write!(f, "This update is not signed by who made this box: it is not taken.")
            }
            Self::NoKey => write!(f, "This box does not know by whom updates must be signed: it takes none."),
            Self::OtherBoard { theirs, ours } => {
                write!(f, "This update is for another kind of board: for {theirs}, and this is {ours}.")
            }
            Self::NotNewer { theirs, ours } if theirs == ours => {
                write!(f, "This update is version {theirs}, which runs already.")
            }
            Self::NotNewer { theirs, ours } => {
                write!(
                    f,
                    "This update is version {theirs}, older than {ours}, which runs: ask for the older one if you want it."
                )
            }
            Self::TooLarge => write!(f, "This update is larger than the room that this card has for it."),
            Self::Busy => write!(f, "Another update is on its way: wait until it is done."),
            Self::Reading(error) => write!(f, "The update cannot be read: {error}."),
            Self::Writing(error) => write!(f, "The update cannot be written: {error}."),
            Self::Slots(why) => write!(f, "The slots of this card: {why}."),
        }
    }
}

impl core::error::Error for Refusal {}

/// The version that runs.
pub fn version() -> Version {
    // The manifest of the crate has nothing else.
    env!("CARGO_PKG_VERSION").parse().unwrap_or_else(|_| unreachable!())
}

/// Whether what was signed is for this box; `older`: even if it is not newer.
fn judge(manifest: &Manifest, slots: &Slots, older: bool) -> Result<(), Refusal> {
    if manifest.board != slots.board {
        return Err(Refusal::OtherBoard { theirs: manifest.board.clone(), ours: slots.board.clone() });
    }
    let (theirs, ours) = (manifest.version, version());
    if theirs <= ours && !older {
        return Err(Refusal::NotNewer { theirs, ours });
    }
    let place = slots.place(slots.running().map_err(Refusal::Slots)?.other());
    for (part, device) in [(&manifest.boot, &place.boot), (&manifest.root, &place.root)] {
        if part.bytes > slots::room(device).map_err(Refusal::Slots)? {
            return Err(Refusal::TooLarge);
        }
    }
    Ok(())
}

/// Where an update waits: `update` in the data folder. The box, `hold-slayer update` and root meet here.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// Below the data folder.
    pub fn of(data: &Path) -> Self {
        Self(data.join("update"))
    }

    fn bundle(&self) -> PathBuf {
        self.0.join("bundle")
    }

    /// There while it may be older than what runs.
    fn older(&self) -> PathBuf {
        self.0.join("older")
    }

    /// There while no call is up.
    fn ready(&self) -> PathBuf {
        self.0.join("ready")
    }

    /// Where a bundle is received.
    fn incoming(&self) -> PathBuf {
        self.0.join("incoming")
    }

    /// Whether the disk has more room than so many bytes.
    #[allow(clippy::useless_conversion)] // the system's counts have 32 bits on a 32-bit Pi
    pub fn has_room(&self, bytes: u64) -> bool {
        let at = self.0.parent().unwrap_or(&self.0);
        // Without an answer nothing speaks against it: the write itself will say.
        statvfs(at)
            .map_or(true, |disk| u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()) > bytes)
    }

    /// A fresh file to receive a bundle in.
    ///
    /// # Errors
    /// The disk does not take it.
    pub fn receive(&self) -> io::Result<File> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        self.give_away(&self.0)?;
        let _ = fs::remove_file(self.incoming());
        File::options().write(true).create_new(true).mode(0o600).open(self.incoming())
    }

    /// What was received is not wanted.
    pub fn discard(&self) {
        let _ = fs::remove_file(self.incoming());
    }

    /// Judges what was received, as a whole. If it is good it waits from now on until no call is up.
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
        if matches!(self.kept(), Kept::Writing { .. }) && self.has_bundle() || self.is_tried(slots) {
            return Err(Refusal::Busy);
        }
        let manifest = look(&self.incoming(), slots, older)?;
        match older {
            true => fs::write(self.older(), b"").map_err(Refusal::Writing)?,
            false => drop(fs::remove_file(self.older())),
        }
        self.give_away(&self.incoming()).map_err(Refusal::Writing)?;
        fs::rename(self.incoming(), self.bundle()).map_err(Refusal::Writing)?;
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(Refusal::Writing)?;
        Ok(manifest)
    }

    /// Root may bring what the box's own user shall have.
    fn give_away(&self, path: &Path) -> io::Result<()> {
        let owner = fs::metadata(self.0.parent().unwrap_or(Path::new("/")))?;
        match fs::metadata(path)?.uid() == owner.uid() {
            true => Ok(()),
            false => chown(path, Some(owner.uid()), Some(owner.gid())),
        }
    }

    /// The slot that runs is being tried.
    fn is_tried(&self, slots: &Slots) -> bool {
        let runs = slots.running().ok();
        matches!(self.kept(), Kept::Trying { to, .. } if Some(to) == runs)
    }

    /// Whether a bundle waits.
    pub fn has_bundle(&self) -> bool {
        self.bundle().exists()
    }

    fn may_be_older(&self) -> bool {
        self.older().exists()
    }

    /// The bundle that waits, at its first part.
    fn open(&self, slots: &Slots) -> Result<(Manifest, BufReader<File>), Refusal> {
        open(&self.bundle(), slots)
    }

    fn drop_bundle(&self) {
        for path in [self.ready(), self.older(), self.bundle()] {
            let _ = fs::remove_file(path);
        }
    }

    /// Says whether an update may go on: no call is up, and none is expected.
    pub fn tell_quiet(&self, quiet: bool) {
        let (ready, wanted) = (self.ready(), quiet && self.has_bundle());
        if wanted == ready.exists() {
            return;
        }
        let told = if wanted { File::create(&ready).map(drop) } else { fs::remove_file(&ready) };
        if let Err(error) = told {
            tracing::error!(%error, "an update cannot be told whether a call is up");
        }
    }

    fn is_quiet(&self) -> bool {
        self.ready().exists()
    }

    fn mark_trial(&self, slot: Slot) -> Result<(), String> {
        self.write("tryboot", slot.to_string().as_bytes())
    }

    fn forget_trial(&self) {
        let _ = fs::remove_file(self.0.join("tryboot"));
    }

    /// What became of the last update.
    pub fn kept(&self) -> Kept {
        let text = fs::read(self.0.join("state.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn keep(&self, kept: &Kept) -> Result<(), String> {
        self.write("state.json", &serde_json::to_vec(kept).unwrap_or_default())
    }

    /// Whole or not at all. The box may read what root has written.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let (to, part) = (self.0.join(name), self.0.join(format!("{name}.part")));
        let _ = fs::remove_file(&part);
        let write = || {
            let mut file = File::options().write(true).create_new(true).mode(0o644).open(&part)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&part, &to)?;
            File::open(&self.0)?.sync_all()
        };
        write().map_err(|error: io::Error| format!("{}: {error}", to.display()))
    }
}

fn open(file: &Path, slots: &Slots) -> Result<(Manifest, BufReader<File>), Refusal> {
    let mut from = BufReader::new(File::open(file).map_err(Refusal::Reading)?);
    let manifest = bundle::read(&mut from, &slots.key)?;
    Ok((manifest, from))
}

/// Looks at a bundle from beginning to end; `older`: even if it is not newer. Nothing is changed.
///
/// # Errors
/// Why it would not be taken.
pub fn look(file: &Path, slots: &Slots, older: bool) -> Result<Manifest, Refusal> {
    let (manifest, from) = open(file, slots)?;
    judge(&manifest, slots, older)?;
    let mut carrier = Carrier::new(from, &manifest, Target::Nowhere, Target::Nowhere);
    while !carrier.stretch()? {}
    Ok(manifest)
}

#[cfg(test)]
mod tests;

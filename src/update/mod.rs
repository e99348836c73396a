//! Updates of a box that was made from an image: a signed bundle is taken in, written to the slot that does not run, tried
//! once, and kept if it answers. Everything that fails leaves the box as it was.
//!
//! ```text
//!   page, program, stick ──► DATA/update/bundle      judged as a whole: signature, board, version, room
//!   control thread ────────► DATA/update/quiet       there only while no call is up; with a bundle `ready`, which starts
//!   root, another process:   other slot is written ──► it is chosen, and boots ──► its first program chooses the old one
//!                            ──► it does well and has all that the old one had ──► it is chosen for good
//!                            ├─ or not ──► the old one boots, and the page says so
//!                            └─ nobody knows what came of it ──► the old one boots, and tries it once more
//! ```
//!
//! The box's own user cannot write partitions or boot: [`carry_out`] is root's (`systemd/hold-slayer-update.service`), and it
//! believes nothing that lies in the folder but what the key has signed.

mod bundle;
mod carry;
mod desk;
mod folder;
mod machine;
mod quiet;
mod slots;
mod standing;

pub use bundle::{Manifest, Part, Version};
pub use carry::carry_out;
pub use desk::Desk;
pub use folder::{Folder, Incoming};
pub use machine::{Kept, Pace};
pub use slots::{DEFAULT, Place, Slot, Slots};
pub use standing::{History, Sign, Standing};

use bundle::{Carrier, Target};
use core::fmt;
use std::fs::File;
use std::io::{self, BufReader};

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
    /// It is the one that is being tried.
    InTrial(Version),
    /// It was tried once, and did not do.
    FellBack(Version),
    /// It does not fit into the slot.
    TooLarge,
    /// There is no room for it on the data partition.
    NoRoom,
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
            Self::NoBundle => write!(
                f,
                "This file is no update of a Hold Slayer: the name of one ends in .update, and a .img is what a card is written from."
            ),
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
                write!(
                    f,
                    "This update is version {theirs}, which runs already: ask for it again if you want it all the same."
                )
            }
            Self::NotNewer { theirs, ours } => {
                write!(
                    f,
                    "This update is version {theirs}, older than {ours}, which runs: ask for the older one if you want it."
                )
            }
            Self::InTrial(version) => {
                write!(
                    f,
                    "Version {version} is being tried already: wait until it is known what came of that."
                )
            }
            Self::FellBack(version) => {
                write!(
                    f,
                    "Version {version} was tried before and did not do: ask for it again if you want it all the same."
                )
            }
            Self::NoRoom => {
                write!(
                    f,
                    "There is not enough room on the disk for this file: delete old recordings under Privacy."
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

/// Looks at a bundle from beginning to end; `older`: even if it is not newer. Nothing is changed.
///
/// # Errors
/// Why it would not be taken.
pub fn look(file: File, slots: &Slots, older: bool) -> Result<Manifest, Refusal> {
    let mut from = BufReader::new(file);
    let manifest = bundle::read(&mut from, &slots.key)?;
    judge(&manifest, slots, older)?;
    let mut carrier = Carrier::new(from, &manifest, Target::Nowhere, Target::Nowhere);
    while !carrier.stretch()? {}
    Ok(manifest)
}

#[cfg(test)]
mod tests;

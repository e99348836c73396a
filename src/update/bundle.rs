//! A bundle: a head line, what is in it (JSON) with a minisign signature over that, then the parts, whose hashes are in what
//! was signed. It is read from front to end and never into memory as a whole.

use super::Refusal;
use crate::limits::{UPDATE_BYTES, UPDATE_HEAD_BYTES};
use core::fmt;
use core::str::FromStr;
use minisign_verify::{PublicKey, Signature};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// The beginning of every bundle; a number follows that says how it is made.
const MAGIC: &str = "hold-slayer update ";
/// How those are made that this program understands.
const FORM: &str = "1";
/// Bytes that are read and written at once.
const PIECE: usize = 256 * 1024;
/// Bytes of a stretch, after which others have their turn.
pub(super) const STRETCH: u64 = 4 * 1024 * 1024;

/// A version, by which the newer of two is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version([u32; 3]);

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is no version such as 1.2.3");
        let parts: Vec<u32> =
            text.split('.').map(|part| part.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
        parts.try_into().map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What is in a bundle, as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it makes of the box.
    pub version: Version,
    /// For which kind of board.
    pub board: String,
    /// The boot partition.
    pub boot: Part,
    /// The root file system.
    pub root: Part,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

impl Part {
    fn is(&self, sha256: &str) -> bool {
        sha256.eq_ignore_ascii_case(&self.sha256)
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the beginning of a bundle, up to its first part. Only what `key` (minisign's, base64) has signed is believed.
pub(super) fn read(from: &mut impl Read, key: &str) -> Result<Manifest, Refusal> {
    let (length, signature) = lengths(&line(from)?)?;
    let text = take(from, length)?;
    let signature = take(from, signature)?;
    let key = PublicKey::from_base64(key).map_err(|_| Refusal::NoKey)?;
    let signature = core::str::from_utf8(&signature).ok().and_then(|text| Signature::decode(text).ok());
    let signature = signature.ok_or(Refusal::WrongSignature)?;
    key.verify(&text, &signature, false).map_err(|_| Refusal::WrongSignature)?;
    // What was signed is whole: what is not understood in it is of a later day.
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| Refusal::NewerForm)?;
    match manifest.boot.bytes.checked_add(manifest.root.bytes) {
        Some(bytes) if bytes <= UPDATE_BYTES => Ok(manifest),
        _ => Err(Refusal::TooLarge),
    }
}

fn line(from: &mut impl Read) -> Result<String, Refusal> {
    let mut line = Vec::new();
    for _ in 0..64 {
        match take(from, 1).map_err(|_| Refusal::NoBundle)?.as_slice() {
            [b'\n'] => return String::from_utf8(line).map_err(|_| Refusal::NoBundle),
            byte => line.extend_from_slice(byte),
        }
    }
    Err(Refusal::NoBundle)
}

fn lengths(line: &str) -> Result<(usize, usize), Refusal> {
    let mut words = line.strip_prefix(MAGIC).ok_or(Refusal::NoBundle)?.split(' ');
    if words.next() != Some(FORM) {
        return Err(Refusal::NewerForm);
    }
    let mut length = || {
        let length = words.next().and_then(|word| word.parse().ok()).ok_or(Refusal::NoBundle)?;
        if length > UPDATE_HEAD_BYTES { Err(Refusal::Damaged) } else { Ok(length) }
    };
    Ok((length()?, length()?))
}

fn take(from: &mut impl Read, length: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).map_err(Refusal::of_reading)?;
    Ok(bytes)
}

/// Where a part goes.
#[derive(Debug)]
pub(super) enum Target {
    /// It is only looked at.
    Nowhere,
    /// A partition, from its beginning.
    Device(File),
}

impl Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Device(file) => file.write_all(bytes),
        }
    }

    /// What was written so far is on the disk: what piled up in memory would keep a call's records waiting for seconds.
    fn settle(&self) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Device(file) => file.sync_data(),
        }
    }

    /// All of it is on the disk, and comes back from there as it was written.
    fn finish(&mut self, part: &Part) -> io::Result<()> {
        let Self::Device(file) = self else { return Ok(()) };
        file.sync_all()?;
        posix_fadvise(&*file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        file.rewind()?;
        let mut hash = Sha256::new();
        let (mut back, mut piece) = (file.take(part.bytes), vec![0; PIECE]);
        loop {
            match back.read(&mut piece)? {
                0 => break,
                read => hash.update(piece.get(..read).unwrap_or_default()),
            }
        }
        match part.is(&hex(hash)) {
            true => Ok(()),
            false => Err(io::Error::other("the card does not keep what is written")),
        }
    }
}

/// Brings the parts of a bundle to where they belong, stretch by stretch.
#[derive(Debug)]
pub(super) struct Carrier<R> {
    from: R,
    parts: VecDeque<(Part, Target)>,
    /// Of the first of them.
    hash: Sha256,
    left: u64,
    piece: Vec<u8>,
}

impl<R: Read> Carrier<R> {
    /// `from` stands where [`read`] left it.
    pub(super) fn new(from: R, manifest: &Manifest, boot: Target, root: Target) -> Self {
        let parts = VecDeque::from([(manifest.boot.clone(), boot), (manifest.root.clone(), root)]);
        Self { from, left: manifest.boot.bytes, parts, hash: Sha256::new(), piece: vec![0; PIECE] }
    }

    /// Carries on for a stretch. Whether that was all: then every part is what was signed, and on the disk.
    pub(super) fn stretch(&mut self) -> Result<bool, Refusal> {
        let mut stretch = STRETCH;
        while let Some((part, target)) = self.parts.front_mut() {
            if self.left == 0 {
                if !part.is(&hex(core::mem::take(&mut self.hash))) {
                    return Err(Refusal::Damaged);
                }
                target.finish(part).map_err(Refusal::Writing)?;
                self.parts.pop_front();
                self.left = self.parts.front().map_or(0, |(part, _)| part.bytes);
                continue;
            }
            if stretch == 0 {
                target.settle().map_err(Refusal::Writing)?;
                return Ok(false);
            }
            let most = usize::try_from(self.left.min(stretch)).unwrap_or(PIECE).min(PIECE);
            let piece = self.piece.get_mut(..most).unwrap_or_default();
            self.from.read_exact(piece).map_err(Refusal::of_reading)?;
            self.hash.update(&*piece);
            target.write(piece).map_err(Refusal::Writing)?;
            self.left -= most as u64;
            stretch -= most as u64;
        }
        // What follows was not signed.
        match self.from.read(&mut [0]) {
            Ok(0) => Ok(true),
            Ok(_) => Err(Refusal::Damaged),
            Err(error) => Err(Refusal::Reading(error)),
        }
    }
}

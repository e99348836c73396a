//! `hold-slayer update`: brings a bundle, says how it stands, and is the part of it that only root can do.

use super::talk;
use crate::config;
use crate::update::{self, Folder, Kept, Slots};
use crate::web;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Said where there are no slots.
const NO_SLOTS: &str = "this machine was not made from an image of Hold Slayer. Install the new package over the old one instead: \
                        `sudo apt install ./hold-slayer_VERSION_ARCHITECTURE.deb`; or build again and start again.";

/// Where the box's things are.
#[derive(Debug, Clone)]
pub struct Box {
    /// The data folder.
    pub data: PathBuf,
    /// Where an image says that it has slots.
    pub slots: PathBuf,
}

impl Box {
    fn slots(&self) -> Result<Slots, String> {
        Slots::read(&self.slots)?.ok_or_else(|| NO_SLOTS.to_owned())
    }

    fn folder(&self) -> Folder {
        Folder::of(&self.data)
    }

    /// How it stands.
    ///
    /// # Errors
    /// In words: there are no slots.
    pub fn status(&self) -> Result<String, String> {
        let (slots, folder) = (self.slots()?, self.folder());
        let waits = if folder.has_bundle() { "\nAn update waits until no call is up." } else { "" };
        let last = match folder.kept() {
            Kept::Nothing => "no update was made yet".to_owned(),
            kept => kept.to_string(),
        };
        Ok(format!(
            "Version {} runs, from slot {}.\nLast: {last}.{waits}",
            update::version(),
            slots.running()?
        ))
    }

    /// Checks a bundle and, unless `only_check`, lets it be written when no call is up. What to tell.
    ///
    /// # Errors
    /// In words: why it is not taken. Everything is as before then.
    pub fn bring(&self, file: &Path, older: bool, only_check: bool) -> Result<String, String> {
        let slots = self.slots()?;
        if only_check {
            let manifest = update::look(file, &slots, older).map_err(|refusal| refusal.to_string())?;
            return Ok(format!("This update is good: version {} for {}.", manifest.version, manifest.board));
        }
        let folder = self.folder();
        let at = |error: io::Error| format!("{}: {error}", file.display());
        let mut from = File::open(file).map_err(at)?;
        if !folder.has_room(from.metadata().map_err(at)?.len()) {
            return Err(format!("there is not enough room in {} for this update", self.data.display()));
        }
        let mut to = folder.receive().map_err(|error| format!("{}: {error}", self.data.display()))?;
        if let Err(error) = io::copy(&mut from, &mut to).and_then(|_| to.sync_all()) {
            folder.discard();
            return Err(at(error));
        }
        let manifest = folder.stage(&slots, older).map_err(|refusal| refusal.to_string())?;
        Ok(format!(
            "Version {} is written when no call was up for a minute; then the box starts anew with it.",
            manifest.version
        ))
    }

    /// What root does for it: writes, boots, confirms.
    ///
    /// # Errors
    /// In words: the slots are not known, or cannot be written.
    pub fn carry_out(&self) -> Result<String, String> {
        let slots = self.slots()?;
        let service = Path::new(web::CONSOLE);
        let own = web::console_in(None, &self.data);
        let ours = self.data == Path::new(config::DEFAULT_DATA);
        let answers = || talk::answers(if ours { service } else { &own });
        update::carry_out(&self.folder(), &slots, &answers, &|words| eprintln!("hold-slayer: {words}"))?;
        Ok("Nothing is left to be done.".into())
    }
}

//! `hold-slayer update`: brings a bundle, says how it stands, and is the part of it that only root can do.

use super::sign::sign;
use crate::config;
use crate::update::{self, Folder, Kept, Refusal, Sign, Slots};
use crate::web;
use nix::unistd::{Gid, Uid, geteuid, setegid, seteuid, setgroups};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
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
        let at = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => format!(
                "there is no file {}: name the update that you have, such as hold-slayer-1.2.3-pi.update",
                file.display()
            ),
            _ => format!("{}: {error}", file.display()),
        };
        let mut from = File::open(file).map_err(at)?;
        let refused = |refusal: Refusal| refusal.to_string();
        if only_check {
            let manifest = update::look(from, &slots, older).map_err(refused)?;
            return Ok(format!("This update is good: version {} for {}.", manifest.version, manifest.board));
        }
        let about = from.metadata().map_err(at)?;
        if !about.is_file() {
            return Err(format!("{} is no file: name the update itself", file.display()));
        }
        self.become_the_box()?;
        let folder = self.folder();
        // A stick that stays in the box shall not wear the card out.
        folder.glance(&mut from, &slots, older).map_err(refused)?;
        let mut to = folder.receive(about.len()).map_err(refused)?;
        // A file that grows meanwhile is not taken on and on.
        if let Err(error) = io::copy(&mut from.take(about.len()), &mut to).and_then(|_| to.sync()) {
            folder.discard();
            return Err(at(error));
        }
        let manifest = folder.stage(&slots, older).map_err(refused)?;
        Ok(format!(
            "Version {} is written when no call was up for a minute; then the box starts anew with it.",
            manifest.version
        ))
    }

    /// Takes away an update that waits. What to tell.
    ///
    /// # Errors
    /// In words: none waits.
    pub fn withdraw(&self) -> Result<String, String> {
        self.slots()?;
        self.become_the_box()?;
        match self.folder().withdraw() {
            true => Ok("The update that waited is gone.".into()),
            false => Err("no update waits: there is nothing to withdraw".into()),
        }
    }

    /// What lies in the data folder is the box's user's: root has no business there that he has not.
    fn become_the_box(&self) -> Result<(), String> {
        let at = |error: io::Error| format!("{}: {error}", self.data.display());
        let owner = fs::metadata(&self.data).map_err(at)?;
        if geteuid().is_root() && owner.uid() != 0 {
            setgroups(&[])
                .and_then(|()| setegid(Gid::from_raw(owner.gid())))
                .and_then(|()| seteuid(Uid::from_raw(owner.uid())))
                .map_err(|error| at(error.into()))?;
        }
        Ok(())
    }

    /// What root does for it: writes, boots, confirms.
    ///
    /// # Errors
    /// In words: the slots are not known, or cannot be written.
    pub fn carry_out(&self) -> Result<String, String> {
        let Some(slots) = Slots::read(&self.slots)? else {
            return Ok("This machine takes no updates.".into());
        };
        let service = Path::new(web::CONSOLE);
        let own = web::console_in(None, &self.data);
        let ours = self.data == Path::new(config::DEFAULT_DATA);
        let ask = || match sign(if ours { service } else { &own }) {
            // Its page may be all that is missing.
            Sign::Gone if slots.box_runs() => Sign::Silent,
            sign => sign,
        };
        update::carry_out(&self.folder(), &slots, &ask, &|words| eprintln!("hold-slayer: {words}"))?;
        Ok("Nothing is left to be done.".into())
    }
}

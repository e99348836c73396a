//! How a backup takes the place of what is there: first whole beside it, then file by file by renaming, so that a box whose
//! power fails in between goes on where it was at its next start.

use super::{CONFIG, Contents, Error};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::Path;

/// Whole and waiting.
const READY: &str = "restore";
/// Not whole yet.
const DRAFT: &str = "restore.draft";
/// What was there before.
const BEFORE: &str = "before-restore";
const DATABASE: &str = "hold-slayer.redb";

/// Lays everything out under `data`, whole or not at all.
pub(super) fn lay_out(contents: &Contents, config: &Path, data: &Path) -> Result<(), Error> {
    let (draft, ready) = (data.join(DRAFT), data.join(READY));
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::Disk(path, error)
    };
    // Whether the configuration can be replaced is found out now, not when the box has stopped.
    let probe = beside(config);
    write(&probe, b"", 0o600).and_then(|()| fs::remove_file(&probe)).map_err(at(&probe))?;
    clear(&draft).and_then(|()| fs::DirBuilder::new().mode(0o700).create(&draft)).map_err(at(&draft))?;
    write(&draft.join(CONFIG), contents.config.as_bytes(), 0o600).map_err(at(&draft))?;
    contents.dump.write(&draft).map_err(Error::Store)?;
    give_away(&draft, data).map_err(at(&draft))?;
    clear(&ready).map_err(at(&ready))?;
    fs::rename(&draft, &ready).and_then(|()| sync(data)).map_err(at(&ready))
}

/// Puts what waits in `data` in place, at a start, before anything else reads it. Whether there was something.
///
/// # Errors
/// In words, where it could not be done; what was there is in place then, and what waited is put aside.
pub fn finish(config: &Path, data: &Path) -> Result<bool, String> {
    let ready = data.join(READY);
    if !ready.is_dir() {
        return Ok(false);
    }
    if let Err(error) = replace_config(config, &ready, &data.join(BEFORE)) {
        let failed = data.join("restore.failed");
        let _ = clear(&failed).and_then(|()| fs::rename(&ready, &failed));
        return Err(format!(
            "the backup was not restored: {} cannot be written ({error}); everything is as before",
            config.display()
        ));
    }
    match replace_database(data).and_then(|()| clear(&ready)).and_then(|()| sync(data)) {
        Ok(()) => Ok(true),
        // The next start goes on with it.
        Err(error) => Err(format!("the backup is not yet restored: {} fails ({error})", data.display())),
    }
}

/// It may lie on another disk than the data: copied, not moved.
fn replace_config(config: &Path, ready: &Path, before: &Path) -> io::Result<()> {
    let fresh = match fs::read(ready.join(CONFIG)) {
        Ok(fresh) => fresh,
        // Done before the power failed.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    // The file itself, not a link to it.
    let config = &fs::canonicalize(config).unwrap_or_else(|_| config.to_owned());
    if before.join(CONFIG).exists() && fs::read(config).is_ok_and(|there| there == fresh) {
        // Only the last step was missing when the power failed.
        return fs::remove_file(ready.join(CONFIG));
    }
    clear(before)?;
    fs::DirBuilder::new().mode(0o700).create(before)?;
    let mode = match fs::read(config) {
        Ok(old) => {
            write(&before.join(CONFIG), &old, 0o600)?;
            fs::metadata(config)?.permissions().mode() & 0o777
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0o600,
        Err(error) => return Err(error),
    };
    let draft = beside(config);
    let _ = fs::remove_file(&draft);
    write(&draft, &fresh, mode)?;
    fs::rename(&draft, config)?;
    sync(config.parent().unwrap_or(Path::new("/")))?;
    fs::remove_file(ready.join(CONFIG))
}

/// What waits takes the place of what is there, which is kept. Each of the steps may have been done at the start before.
fn replace_database(data: &Path) -> io::Result<()> {
    let (old, fresh) = (data.join(DATABASE), data.join(READY).join(DATABASE));
    if !fresh.exists() {
        return Ok(());
    }
    if old.exists() {
        fs::rename(&old, data.join(BEFORE).join(DATABASE))?;
    }
    fs::rename(&fresh, &old)
}

/// Root may lay out what the box's own user shall put in place.
fn give_away(folder: &Path, data: &Path) -> io::Result<()> {
    let (owner, own) = (fs::metadata(data)?, fs::metadata(folder)?);
    if (owner.uid(), owner.gid()) == (own.uid(), own.gid()) {
        return Ok(());
    }
    let inside = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let all: Vec<_> = inside.collect::<io::Result<_>>()?;
    let mut all = all.iter().map(std::path::PathBuf::as_path).chain([folder]);
    all.try_for_each(|path| lchown(path, Some(owner.uid()), Some(owner.gid())))
}

fn beside(config: &Path) -> std::path::PathBuf {
    fs::canonicalize(config).unwrap_or_else(|_| config.to_owned()).with_extension("toml.new")
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

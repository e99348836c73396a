//! The settings: `hold-slayer.toml` changed in place, checked as a start would check it before it is written.
//!
//! What is written takes effect at the next start, which the box makes itself as soon as no call is up once it is told to.

mod edit;
mod field;
mod page;
mod table;

pub(super) use page::{page, restart, stored, values};
pub(super) use table::COUNTRIES;

use super::api::Refusal;
use super::{Order, Site, Updates};
use crate::config::{self, Config, PageTls};
use crate::listen::words::network::PARTS as MODEL;
use crate::net::listen;
use edit::{Change, Set};
use serde_json::{Map, Value};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

const NO_FILE: &str = "This box has no configuration file: what it runs with was made up for it.";

/// The file, and whether it has been changed since the start.
#[derive(Default)]
pub(super) struct Settings {
    /// One change at a time.
    path: Mutex<Option<PathBuf>>,
    changed: AtomicBool,
    /// Where the box listens, and whether by TCP.
    listens: Vec<(bool, SocketAddr)>,
    /// What takes updates, where there is such.
    updates: Option<Updates>,
}

/// What is to be done with a section.
pub(super) enum Act<'a> {
    /// Write these values.
    Write(&'a [Set]),
    /// Take the section away.
    Remove,
}

impl Settings {
    /// Of this file; it is not changed while an update is tried.
    pub(super) fn of(path: Option<PathBuf>, updates: Option<Updates>) -> Self {
        let runs = path.as_deref().and_then(|path| check(path, &read(path).ok()?).ok());
        let listens = runs.iter().flat_map(places).collect();
        Self { path: Mutex::new(path), changed: AtomicBool::new(false), listens, updates }
    }

    /// The file.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.path.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It has been changed, and the box runs with what was there before.
    pub(super) fn is_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// What is written, by section and key, without secrets.
    pub(super) fn written(&self) -> Result<Map<String, Value>, Refusal> {
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let path = path.as_ref().ok_or((409, NO_FILE.to_owned()))?;
        edit::written(&read(path)?).map_err(|why| (409, why))
    }

    /// Changes one section, if the file is a good one afterwards.
    pub(super) fn change(&self, section: &str, at: Option<usize>, act: &Act<'_>) -> Result<(), Refusal> {
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner);
        let path = path.as_ref().ok_or((409, NO_FILE.to_owned()))?;
        let part = table::part(section).ok_or((404, "There is no such section.".to_owned()))?;
        self.updates.as_ref().map_or(Ok(()), Updates::not_in_trial)?;
        let before = read(path)?;
        let after = match (act, at) {
            (Act::Write(values), at) => edit::change(&before, &Change { part, at, values }),
            (Act::Remove, Some(at)) if part.many => edit::remove(&before, part, at),
            (Act::Remove, _) => Err("This section cannot be taken away.".into()),
        };
        let after = after.map_err(|why| (400, why))?;
        let config = check(path, &after)?;
        // What was missing before is no fault of this change.
        let before = check(path, &before).ok();
        let was_missing = before.as_ref().map(missing).unwrap_or_default();
        let wrong = missing(&config).into_iter().find(|one| !was_missing.contains(one));
        if let Some(wrong) = wrong.or_else(|| self.unheard(&config)) {
            return Err((400, format!("Nothing was changed. {wrong}.")));
        }
        write(path, &after)?;
        self.changed.store(true, Ordering::Relaxed);
        tracing::info!(section, "the configuration was changed on the page");
        Ok(())
    }

    /// Where it could not listen, and why, but for the places that the box has.
    fn unheard(&self, config: &Config) -> Option<String> {
        let new = places(config).filter(|place| !self.listens.contains(place));
        new.filter_map(|(is_tcp, at)| {
            let bound = if is_tcp { TcpListener::bind(at).map(drop) } else { UdpSocket::bind(at).map(drop) };
            match bound.err()?.kind() {
                ErrorKind::AddrInUse => {
                    let is_ours =
                        self.listens.iter().any(|(tcp, own)| (*tcp, own.port()) == (is_tcp, at.port()));
                    (!is_ours).then(|| format!("Port {} is in use by another program", at.port()))
                }
                why => listen::why_not(at, why),
            }
        })
        .next()
    }
}

impl Site {
    /// Where the page is after the next start, if that is another place than now.
    pub(super) fn moves(&self) -> Option<String> {
        let path = self.settings.path()?;
        let web = check(&path, &read(&path).ok()?).ok()?.web;
        let is_encrypted = web.tls != PageTls::Off;
        let stays = self.settings.listens.contains(&(true, web.listen))
            && web.listen.port() == self.port
            && is_encrypted != self.secure.is_empty();
        let ip = if web.listen.ip().is_unspecified() { *self.house.ip.borrow() } else { web.listen.ip() };
        let scheme = if is_encrypted { "https" } else { "http" };
        (!stays).then(|| format!("{scheme}://{}", SocketAddr::new(ip, web.listen.port())))
    }

    /// Starts the box anew when no call is up. Who is logged in stays so.
    pub(super) fn restart(&self) -> Result<(), Refusal> {
        self.keep_logins();
        self.ask(Order::Restart).map(drop)
    }
}

fn read(path: &Path) -> Result<String, Refusal> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) => Err((503, format!("{} cannot be read: {error}.", path.display()))),
    }
}

/// What a start would make of it, or refuse.
fn check(path: &Path, text: &str) -> Result<Config, Refusal> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let good = config::parse(text, &name, &|board| fs::read_to_string(folder.join(board)));
    good.map_err(|mistakes| {
        let words: Vec<&str> = mistakes.0.iter().map(|mistake| mistake.what.as_str()).collect();
        (400, format!("Nothing was changed. {}", words.join(". ")))
    })
}

/// Files and folders that are named and cannot be used, with where they are named and why.
fn missing(config: &Config) -> Vec<String> {
    let model = config.words.model.iter().filter(|_| config.words.service.is_none());
    let parts = model.flat_map(|folder| MODEL.map(|part| ("model", folder.join(part))));
    let mut files: Vec<(&str, PathBuf)> = parts.collect();
    if let PageTls::Files { cert, key } = &config.web.tls {
        files.extend([("tls_cert", cert.clone()), ("tls_key", key.clone())]);
    }
    let sip =
        config.sip.tls.iter().flat_map(|tls| [("tls_cert", tls.cert.clone()), ("tls_key", tls.key.clone())]);
    files.extend(sip);
    files.extend(config.trunks.iter().filter_map(|trunk| Some(("ca", trunk.way.ca.clone()?))));
    let closed = files.into_iter().filter_map(|(key, file)| Some((key, File::open(&file).err()?, file)));
    closed.map(|(key, error, file)| format!("{key}: {} cannot be read: {error}", file.display())).collect()
}

/// Where it shall listen, and whether by TCP.
fn places(config: &Config) -> impl Iterator<Item = (bool, SocketAddr)> {
    let tls = config.sip.tls.as_ref().map(|tls| (true, tls.listen));
    [(false, config.sip.listen), (true, config.web.listen)].into_iter().chain(tls)
}

/// The new text is whole on the disk before it takes the old one's place.
fn write(path: &Path, text: &str) -> Result<(), Refusal> {
    let place = || -> std::io::Result<()> {
        let path = fs::canonicalize(path)?;
        let fresh = path.with_extension("toml.new");
        let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
        let _ = fs::remove_file(&fresh);
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    place().map_err(|error| {
        let (file, folder) = (path.display(), path.parent().unwrap_or(Path::new(".")).display());
        (503, format!("Nothing was changed: {file} cannot be written ({error}). The box's user must be allowed to write into {folder}."))
    })
}

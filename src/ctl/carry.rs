//! `hold-slayer backup` and `restore`: by the box if it runs, else from its files.

use super::talk;
use crate::net::http::form;
use crate::store::{self, Store};
use crate::{backup, config, web};
use core::time::Duration;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the box's things are.
#[derive(Debug, Clone)]
pub struct Files {
    /// The configuration.
    pub config: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// A file whose first line is the password; `None`: it is asked for.
    pub password: Option<PathBuf>,
}

impl Files {
    /// The socket of the box that has the data folder now, if one runs.
    fn running(&self) -> Option<PathBuf> {
        let service = Path::new(web::CONSOLE);
        let own = web::console_in(None, &self.data);
        let ours = self.data == Path::new(config::DEFAULT_DATA) && service.exists();
        store::is_in_use(&self.data).then(|| if ours { service.to_owned() } else { own })
    }
}

/// Writes a backup to `to`, which must not exist yet. What to tell.
///
/// # Errors
/// In words: the password is no good, something cannot be read, or the file cannot be written.
pub fn backup(files: &Files, to: &Path) -> Result<String, String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} exists already: name another file.", to.display()),
        _ => format!("{} cannot be written: {error}", to.display()),
    };
    let password = password(files.password.as_deref(), true)?;
    let bytes = match files.running() {
        Some(socket) => {
            let body = json!({ "password": password }).to_string();
            talk::send(&socket, "/api/v1/backup", "application/json", Some(body.as_bytes()))?
        }
        None => {
            let (store, _) = Store::open(&files.data).map_err(|error| error.to_string())?;
            let made = backup::make(&files.config, &store, &password);
            store.stop(Duration::from_secs(5));
            made.map_err(|error| error.to_string())?
        }
    };
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = fs::remove_file(to);
        failed(error)
    })?;
    Ok(format!(
        "{}: {} kB. Without its password nobody can open it.",
        to.display(),
        bytes.len().div_ceil(1000)
    ))
}

/// Checks the backup `from` and lays it out for the next start. What to tell.
///
/// # Errors
/// In words; nothing is changed then.
pub fn restore(files: &Files, from: &Path) -> Result<String, String> {
    let bytes = fs::read(from).map_err(|error| format!("{} cannot be read: {error}", from.display()))?;
    let password = password(files.password.as_deref(), false)?;
    match files.running() {
        Some(socket) => {
            let (kind, body) = form(&[("password", &password)], "backup", "application/octet-stream", &bytes);
            let told = talk::send(&socket, "/api/v1/restore", &kind, Some(&body))?;
            let told: Value = serde_json::from_slice(&told).unwrap_or_default();
            Ok(format!(
                "The backup is good ({} calls). The box starts anew with it as soon as no call is up.",
                told["calls"]
            ))
        }
        None => {
            let about = backup::stage(&bytes, &password, &files.config, &files.data)
                .map_err(|error| error.to_string())?;
            Ok(format!(
                "The backup is good ({} calls, made by version {}). The box has it from its next start on; what is there now is \
                 kept then in {}.",
                about.calls,
                about.version,
                files.data.join("before-restore").display()
            ))
        }
    }
}

/// The password: a file's first line, or what is typed, twice if it is new.
fn password(file: Option<&Path>, new: bool) -> Result<String, String> {
    if let Some(file) = file {
        let text = fs::read_to_string(file)
            .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let password = typed("Password of the backup: ")?;
    if new && io::stdin().is_terminal() && typed("The same once more: ")? != password {
        return Err("these were two different passwords.".into());
    }
    Ok(password)
}

/// A line that is typed without being seen, or that comes by a pipe.
fn typed(prompt: &str) -> Result<String, String> {
    let stdin = io::stdin();
    let before = if stdin.is_terminal() { tcgetattr(&stdin).ok() } else { None };
    if let Some(before) = &before {
        eprint!("{prompt}");
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        let _ = tcsetattr(&stdin, SetArg::TCSANOW, &silent);
    }
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    if let Some(before) = &before {
        let _ = tcsetattr(&stdin, SetArg::TCSANOW, before);
        eprintln!();
    }
    read.map_err(|error| format!("the password cannot be read: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

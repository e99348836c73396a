//! The socket for people on the box and their scripts: the same interface as for programs, open to whoever may open the
//! file. Its folder and mode say who that is: the box's user, and its group where systemd gave it a folder.

use super::gate::Door;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The box's user, and where systemd has made the folder its group.
fn mode() -> u32 {
    if std::env::var_os("RUNTIME_DIRECTORY").is_some() { 0o660 } else { 0o600 }
}

/// Where the socket of the service is.
pub const CONSOLE: &str = "/run/hold-slayer/ctl.sock";

/// Where the socket is: in the folder that systemd gives for the time it runs, else in the one for data.
pub fn console_in(runtime: Option<&OsStr>, data: &Path) -> PathBuf {
    runtime.map_or(data, Path::new).join("ctl.sock")
}

/// The open socket; its file goes with it.
pub(super) struct Console {
    path: PathBuf,
    listener: UnixListener,
}

impl Console {
    /// Makes the socket. One that a box left behind is replaced, one that a running box has is not.
    pub(super) fn open(path: PathBuf) -> Result<Self, String> {
        let failed = |why: &dyn core::fmt::Display| {
            format!("`hold-slayer ctl` does not reach this box: {} cannot be made ({why})", path.display())
        };
        if UnixStream::connect(&path).is_ok() {
            return Err(failed(&"another box that runs has it"));
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&error)),
            _ => {}
        }
        let open = || -> io::Result<UnixListener> {
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(mode()))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        open().map_err(|error| failed(&error)).map(|listener| Self { path: path.clone(), listener })
    }

    /// For the gate, inside its runtime.
    pub(super) fn listener(&self) -> io::Result<Door> {
        tokio::net::UnixListener::from_std(self.listener.try_clone()?).map(Door::Console)
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

//! What is done with the rights of the service, or to one of its threads.

use nix::libc;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The test that the unit itself runs.
pub const NAME: &str = "inside::the_rights_of_the_unit";

#[test]
#[ignore = "the unit runs it: what_the_service_is_not_given_it_cannot_open"]
fn the_rights_of_the_unit() {
    let refused = |path: &Path| {
        let kind = File::open(path).map(drop).map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::PermissionDenied), "{}", path.display());
    };
    for path in ["/dev/vda", "/dev/mem", "/dev/uinput", "/dev/ttyS0", "/etc/shadow", "/root"] {
        assert!(fs::symlink_metadata(path).is_ok() || path == "/root", "{path} is not there to be refused");
        refused(Path::new(path));
    }
    // Devices of the same kinds as its own: by their names.
    let (mut own, mut foreign) = (0, 0);
    for entry in fs::read_dir("/sys/class/input").unwrap().flatten() {
        let Ok(name) = fs::read_to_string(entry.path().join("device/name")) else { continue };
        let device: PathBuf = Path::new("/dev/input").join(entry.file_name());
        if !entry.file_name().to_string_lossy().starts_with("event") {
            continue;
        }
        if name.starts_with("hold-slayer ") {
            File::open(device).unwrap();
            own += 1;
        } else {
            refused(&device);
            foreign += 1;
        }
    }
    let mut raw = fs::read_dir("/sys/class/hidraw").unwrap().flatten();
    refused(&Path::new("/dev").join(raw.next().expect("a raw device").file_name()));
    assert!(own >= 1 && foreign >= 1, "{own} of its own, {foreign} of others");
    let mut chips = fs::read_dir("/dev").unwrap().flatten();
    let chip = chips.find(|entry| entry.file_name().to_string_lossy().starts_with("gpiochip")).unwrap();
    File::options().read(true).write(true).open(chip.path()).unwrap();
    // The system is read-only to it.
    for path in ["/usr/bin/x", "/etc/x", "/var/lib/x", "/boot/x"] {
        assert!(File::create(path).is_err(), "{path}");
    }
}

/// The threads of a process, and on which cores each may run.
pub fn cores(process: &str) -> Vec<(String, String)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    // One that ends meanwhile has none.
    let status = tasks.filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
    status
        .map(|status| {
            let field =
                |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
            (field("Name:"), field("Cpus_allowed_list:"))
        })
        .collect()
}

/// A thread that stands still for as long as it lives.
pub struct Stopped(Pid);

impl Stopped {
    /// The one thread of the process that is called so. Whoever stops it must take note of its end: without that nobody sees
    /// that the process has ended.
    pub fn new(process: &str, name: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
        let is_it = |path: &Path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name);
        let thread = tasks.map(|task| task.path()).find(|path| is_it(path)).expect("the thread");
        let thread = Pid::from_raw(thread.file_name().unwrap().to_str().unwrap().parse().unwrap());
        trace(libc::PTRACE_SEIZE, thread);
        trace(libc::PTRACE_INTERRUPT, thread);
        Self(thread)
    }

    /// Takes note of what has become of it.
    pub fn look(&self) {
        let _ = waitpid(self.0, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG));
    }
}

#[allow(unsafe_code)]
fn trace(request: libc::c_uint, thread: Pid) {
    let nothing = core::ptr::null_mut::<libc::c_void>();
    // SAFETY: neither request reads or writes memory of this process.
    let done = unsafe { libc::ptrace(request, thread.as_raw(), nothing, nothing) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

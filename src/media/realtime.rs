//! What the operating system grants a thread that must not be late. Each grant is asked for, none is required.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::close;
use std::os::fd::{AsFd, RawFd};

/// Above ordinary work, below the kernel's own threads (which have 50).
const PRIORITY: i32 = 20;

/// What was granted, for the page and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The thread runs before everything ordinary (`SCHED_FIFO`); if not, why.
    pub priority: Result<(), Errno>,
    /// Its memory is never paged out; if not, why.
    pub memory: Result<(), Errno>,
}

impl Granted {
    /// Nothing was asked for.
    pub const NOT_ASKED: Self = Self { priority: Err(Errno::ENOTSUP), memory: Err(Errno::ENOTSUP) };
}

/// Asks for both on behalf of the calling thread.
pub(super) fn ask() -> Granted {
    Granted { memory: lock_memory(), priority: raise() }
}

/// Locks what is in memory and what is touched later of that. Not what other rooms map later: under a limit that
/// would make their allocations fail.
fn lock_memory() -> Result<(), Errno> {
    let (soft, _) = getrlimit(Resource::RLIMIT_MEMLOCK)?;
    if soft != RLIM_INFINITY {
        // Under a limit the kernel refuses growing stacks once memory is locked.
        return Err(Errno::EPERM);
    }
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT))
}

#[allow(unsafe_code)]
fn raise() -> Result<(), Errno> {
    let parameters = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: the pointer is to a live, initialised sched_param; 0 names the calling thread; nothing else is touched.
    Errno::result(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) }).map(drop)
}

/// Makes room for so many open files more than a program usually has, as far as the hard limit allows; `any` is an open
/// one. To be called before there are threads: from then on each doubling of the kernel's table, which starts at 64, stops
/// whoever opens a file for some 10 ms.
pub(super) fn allow_files(files: u64, any: &impl AsFd) -> Result<(), Errno> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = (files + 256).min(hard);
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    }
    // The table never shrinks.
    let last = RawFd::try_from(wanted.saturating_sub(1)).unwrap_or(RawFd::MAX);
    fcntl(any, FcntlArg::F_DUPFD_CLOEXEC(last)).map_or(Ok(()), close)
}

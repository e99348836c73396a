//! What the operating system grants a thread that must not be late. Each grant is asked for, none is required.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::unistd::{Pid, close};
use std::os::fd::{AsFd, RawFd};

/// Above ordinary work, below the kernel's own threads (which have 50). `LimitRTPRIO` of the systemd unit allows it.
pub const PRIORITY: u8 = 20;

/// The calling thread, to the scheduler.
const MYSELF: Pid = Pid::from_raw(0);

/// What was granted, for the page and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The thread runs before everything ordinary (`SCHED_FIFO`); if not, why.
    pub priority: Result<(), Errno>,
    /// What memory it has touched is never paged out, but for [`forget_the_start`]; if not, why.
    pub memory: Result<(), Errno>,
    /// The core that was asked for, and that it runs there and nowhere else; if not, why.
    pub core: Option<(u16, Result<(), Errno>)>,
}

impl Granted {
    /// Nothing was asked for.
    pub const NOT_ASKED: Self =
        Self { priority: Err(Errno::ENOTSUP), memory: Err(Errno::ENOTSUP), core: None };
}

/// Asks for all of it on behalf of the calling thread.
pub(super) fn ask(core: Option<u16>) -> Granted {
    Granted { memory: lock_memory(), priority: raise(), core: core.map(|core| (core, stay(core))) }
}

/// Binds the calling thread to one core.
fn stay(core: u16) -> Result<(), Errno> {
    let mut cores = CpuSet::new();
    cores.set(usize::from(core))?;
    sched_setaffinity(MYSELF, &cores)
}

/// Keeps the calling thread, and those that it starts from now on, off a core. Where there is no other, nothing happens.
pub(super) fn leave(core: u16) -> Result<(), Errno> {
    let mut cores = sched_getaffinity(MYSELF)?;
    cores.unset(usize::from(core))?;
    let others = (0..CpuSet::count()).any(|core| cores.is_set(core) == Ok(true));
    if others { sched_setaffinity(MYSELF, &cores) } else { Ok(()) }
}

/// Whether this program may run there. Tried, by a thread that ends with that: a core that the kernel keeps free (`isolcpus`) is
/// among nobody's until it is asked for.
pub fn may_use(core: u16) -> bool {
    std::thread::spawn(move || stay(core)).join().is_ok_and(|granted| granted.is_ok())
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

/// Gives back what of the programs' code only the start has used, more than half of all that is locked then. What is used
/// again comes back from the file, and is locked again: the first call after a start may wait for that, as it would for code
/// that no start touches. To be called once, when everything is up. A kernel older than 5.18 refuses.
#[allow(unsafe_code)]
pub fn forget_the_start() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (begin, length) in maps.lines().filter_map(code) {
        // SAFETY: the range is code of a file, mapped here for good and never written to: pages that go are read from the
        // file when they are needed.
        unsafe { libc::madvise(begin as *mut libc::c_void, length, libc::MADV_DONTNEED_LOCKED) };
    }
}

/// Where the code of a file lies, of a line of `/proc/self/maps`, proc(5).
fn code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (begin, end) = fields.next()?.split_once('-')?;
    let is_code = fields.next()? == "r-xp" && fields.nth(3)?.starts_with('/');
    let begin = usize::from_str_radix(begin, 16).ok()?;
    let length = usize::from_str_radix(end, 16).ok()?.checked_sub(begin)?;
    is_code.then_some((begin, length))
}

/// Lets the calling thread go before everything ordinary.
///
/// # Errors
/// `LimitRTPRIO` does not allow it.
#[allow(unsafe_code)]
pub fn raise() -> Result<(), Errno> {
    let parameters = libc::sched_param { sched_priority: i32::from(PRIORITY) };
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn code_of_files_alone_is_given_back_and_the_program_runs_on() {
        let line = |rights: &str, path: &str| format!("5580000-5590000 {rights} 00001000 fe:00 77 {path}");
        assert_eq!(code(&line("r-xp", "/usr/bin/hold-slayer")), Some((0x0558_0000, 0x1_0000)));
        for other in
            [line("r--p", "/usr/bin/x"), line("rw-p", "/x"), line("r-xp", "[vdso]"), line("r-xp", "")]
        {
            assert_eq!(code(&other), None, "{other}");
        }
        let resident = || {
            let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
            pages.split(' ').nth(2).unwrap().parse::<u64>().unwrap()
        };
        let before = resident();
        forget_the_start();
        assert!(resident() < before, "{} of {before} pages of files", resident());
    }
}

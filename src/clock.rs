//! The only reader of the operating system's clocks. Everything else is told the time.

use crate::units::{Instant, Wall};
use core::time::Duration;
use nix::time::{ClockId, clock_gettime};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

/// Monotonic time since the first call, which `main` makes at once.
pub fn now() -> Instant {
    Instant(u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// How long the machine has been on, sleep and all. For ever if the kernel does not say.
pub fn since_power_on() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::MAX, Duration::from)
}

/// The operating system's idea of the date. May jump: a Pi has no battery clock.
pub fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Nobody ran this program before it was written: 2026-01-01, in milliseconds since 1970.
pub const WRITTEN: Wall = Wall(1_767_225_600_000);

/// Whether the date can be right at all. A Pi without a battery clock begins in the past until a time server has told it.
pub fn is_plausible() -> bool {
    wall() >= WRITTEN
}

/// Whether the kernel's clock is kept by a time server (adjtimex(2)); `None`: the kernel does not say.
#[allow(unsafe_code)]
pub fn is_kept() -> Option<bool> {
    // SAFETY: all zeroes is a timex that asks for nothing to be changed (modes 0), and the call only writes into it.
    let (state, asked) = unsafe {
        let mut asked: nix::libc::timex = core::mem::zeroed();
        (nix::libc::adjtimex(&raw mut asked), asked)
    };
    (state >= 0).then_some(state != nix::libc::TIME_ERROR && asked.status & nix::libc::STA_UNSYNC == 0)
}

/// The operating system's monotonic instant for `at`, for timers of tokio.
pub fn std_instant(at: Instant) -> std::time::Instant {
    *START + Duration::from_micros(at.0)
}

//! The only reader of the operating system's clocks. Everything else is told the time.

use crate::units::{Instant, Wall};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);

/// Monotonic time since the first call, which `main` makes at once.
pub fn now() -> Instant {
    Instant(u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// The operating system's idea of the date. May jump: a Pi has no battery clock.
pub fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The operating system's monotonic instant for `at`, for timers of tokio.
pub fn std_instant(at: Instant) -> std::time::Instant {
    *START + std::time::Duration::from_micros(at.0)
}

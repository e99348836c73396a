//! Whether the box can be spared for the two minutes of an update. Pure.

use crate::units::Instant;
use core::time::Duration;

/// Watches calls come and go.
#[derive(Debug)]
pub struct Quiet {
    rest: Duration,
    since: Option<Instant>,
}

impl Quiet {
    /// The line must have rested for so long.
    pub const fn new(rest: Duration) -> Self {
        Self { rest, since: None }
    }

    /// Whether an update may go on at `now`. `busy`: a call is up, or help may call back.
    pub fn look(&mut self, now: Instant, busy: bool) -> bool {
        if busy {
            self.since = None;
            return false;
        }
        now >= *self.since.get_or_insert(now) + self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_waits_until_the_line_has_rested() {
        let mut quiet = Quiet::new(Duration::from_secs(60));
        let mut at = |seconds, busy| quiet.look(Instant::ZERO + Duration::from_secs(seconds), busy);
        assert!(!at(0, false) && !at(59, false), "a box that has just started may have a call in a moment");
        assert!(at(60, false));
        assert!(!at(61, true) && !at(62, false) && !at(121, false));
        assert!(at(122, false));
    }
}

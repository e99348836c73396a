//! Whose packets a port takes, and where it sends: symmetric RTP (RFC 4961) with a guard against takeover.

use crate::units::Instant;
use core::time::Duration;
use std::net::SocketAddr;

/// A source that was silent this long may be replaced.
const ALIVE: Duration = Duration::from_secs(2);

/// How well a source fits the address that was signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Neither its IP nor its port.
    Foreign,
    /// Its port alone: a NAT changed the IP, or it is anybody on the usual port.
    Port,
    /// Its IP alone: a NAT changed the port.
    Ip,
    /// Signalled.
    Exact,
}

/// One port's idea of its peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latch {
    signalled: SocketAddr,
    source: Option<(SocketAddr, Fit)>,
    last: Instant,
    best: Fit,
}

impl Latch {
    pub(super) const fn new(signalled: SocketAddr) -> Self {
        Self { signalled, source: None, last: Instant::ZERO, best: Fit::Foreign }
    }

    /// A renegotiation: another address starts the search anew, the same one changes nothing.
    pub(super) fn signal(&mut self, signalled: SocketAddr) {
        if signalled != self.signalled {
            *self = Self::new(signalled);
        }
    }

    /// Where to send.
    pub(super) fn target(&self) -> SocketAddr {
        self.source.map_or(self.signalled, |(address, _)| address)
    }

    /// Whether a packet from there is the peer's. The first one is; then only its source, until that falls silent or one
    /// appears that fits the signalled address better. Once any fitted, strangers never do.
    pub(super) fn accept(&mut self, now: Instant, from: SocketAddr) -> bool {
        let taken = match self.source {
            Some((address, _)) if address == from => true,
            None => true,
            Some((_, held)) => {
                let fit = self.fit(from);
                fit >= Fit::Ip && fit > held
                    || (now.since(self.last) >= ALIVE && (fit > Fit::Foreign || self.best == Fit::Foreign))
            }
        };
        if taken {
            let fit = self.fit(from);
            self.source = Some((from, fit));
            self.best = self.best.max(fit);
            self.last = now;
        }
        taken
    }

    fn fit(&self, from: SocketAddr) -> Fit {
        match (from.ip() == self.signalled.ip(), from.port() == self.signalled.port()) {
            (true, true) => Fit::Exact,
            (false, false) => Fit::Foreign,
            (true, false) => Fit::Ip,
            (false, true) => Fit::Port,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SIGNALLED: &str = "10.0.0.5:4000";

    /// Plays `(seconds, source, taken)` and checks each; returns where we would send in the end.
    fn play(table: &[(u64, &str, bool)]) -> SocketAddr {
        let mut latch = Latch::new(SIGNALLED.parse().unwrap());
        for (i, (seconds, from, taken)) in table.iter().enumerate() {
            let now = Instant::ZERO + Duration::from_secs(*seconds);
            assert_eq!(latch.accept(now, from.parse().unwrap()), *taken, "row {i}: {from}");
        }
        latch.target()
    }

    #[test]
    fn nobody_takes_a_live_stream_over() {
        let end = play(&[
            (0, SIGNALLED, true),
            (1, "10.0.0.66:9", false),
            (1, SIGNALLED, true),
            (1, "10.0.0.5:4002", false),
            (2, "10.0.0.66:4000", false),
            (2, SIGNALLED, true),
        ]);
        assert_eq!(end, SIGNALLED.parse().unwrap());
    }

    #[test]
    fn a_peer_behind_nat_is_found_and_may_move() {
        let end = play(&[
            (0, "203.0.113.9:50000", true),
            (1, "203.0.113.9:50002", false),
            (1, "198.51.100.7:4000", false),
            (2, "203.0.113.9:50002", true),
        ]);
        assert_eq!(end, "203.0.113.9:50002".parse().unwrap());
    }

    #[test]
    fn the_signalled_source_displaces_a_stranger_for_good() {
        play(&[
            (0, "203.0.113.9:50000", true),
            (0, SIGNALLED, true),
            (1, "203.0.113.9:50000", false),
            (9, "203.0.113.9:50000", false),
            (9, "10.0.0.5:5555", true),
            (9, SIGNALLED, true),
        ]);
    }

    #[test]
    fn a_renegotiated_address_is_used_at_once() {
        let mut latch = Latch::new(SIGNALLED.parse().unwrap());
        latch.accept(Instant::ZERO, "10.0.0.5:7".parse().unwrap());
        latch.signal(SIGNALLED.parse().unwrap());
        assert_eq!(latch.target().port(), 7);
        latch.signal("10.0.0.6:8".parse().unwrap());
        assert_eq!(latch.target(), "10.0.0.6:8".parse().unwrap());
    }
}

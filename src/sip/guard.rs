//! Who is listened to at all: a rate for each source, and bans for those who guess passwords or users.
//!
//! Sources can be forged, so nothing here is a proof; what it does is keep work and memory bounded whoever knocks.

use super::ua::Ua;
use super::{Discard, Hop};
use crate::units::Instant;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What one datagram of a stranger costs, and how many may come at once: 50 a second after a burst of 200.
const STRANGER: (Duration, u32) = (Duration::from_millis(20), 200);
/// The same for a source at which a phone of the house is registered: 500 a second after 1,000.
const PHONE: (Duration, u32) = (Duration::from_millis(2), 1_000);
/// Failures until a ban, and how long they are remembered.
const FAILURES: u32 = 8;
const MEMORY: Duration = Duration::from_secs(600);
/// First and longest ban; each one doubles the next.
const BAN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// Sources in each generation of the rate table. Full: the older generation is forgotten.
const RATES: usize = 1_024;
/// Sources whose failures are remembered. Full: the one that erred longest ago is forgotten.
const ERRING: usize = 512;

/// A source: an IPv4 address, or the /64 that one IPv6 customer has to himself.
type Source = u128;

fn source(ip: IpAddr) -> Source {
    match ip.to_canonical() {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip) >> 64 << 64,
    }
}

#[derive(Clone, Copy, Debug)]
struct Erring {
    failures: u32,
    last: Instant,
    bans: u32,
    until: Instant,
}

/// The tables.
#[derive(Debug, Default)]
pub struct Guard {
    /// When the datagrams so far would have come at the allowed rate (ITU-T I.371, GCRA); two generations.
    rates: [BTreeMap<Source, Instant>; 2],
    erring: BTreeMap<Source, Erring>,
}

impl Guard {
    /// Whether a datagram is taken; counts it.
    fn takes(&mut self, now: Instant, ip: IpAddr, phone: bool) -> Result<(), Discard> {
        let key = source(ip);
        if !phone && self.erring.get(&key).is_some_and(|erring| now < erring.until) {
            return Err(Discard::Banned);
        }
        let (cost, burst) = if phone { PHONE } else { STRANGER };
        let [young, old] = &mut self.rates;
        let due = young.get(&key).or_else(|| old.get(&key)).copied().unwrap_or(now).max(now);
        if due.since(now) > cost * burst {
            return Err(Discard::Flood);
        }
        if young.len() >= RATES && !young.contains_key(&key) {
            *old = core::mem::take(young);
        }
        young.insert(key, due + cost);
        Ok(())
    }

    /// Wrong credentials, or a user that does not exist. True if that was once too often.
    fn fails(&mut self, now: Instant, ip: IpAddr) -> bool {
        let key = source(ip);
        if self.erring.len() >= ERRING && !self.erring.contains_key(&key) {
            let oldest = self.erring.iter().min_by_key(|(_, erring)| erring.last.max(erring.until));
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.erring.remove(&oldest);
            }
        }
        let fresh = Erring { failures: 0, last: now, bans: 0, until: Instant::ZERO };
        let erring = self.erring.entry(key).or_insert(fresh);
        if now.since(erring.last) > MEMORY {
            erring.failures = 0;
        }
        if now.since(erring.last) > BAN.1 * 2 {
            erring.bans = 0;
        }
        erring.last = now;
        erring.failures += 1;
        let banned = erring.failures >= FAILURES;
        if banned {
            erring.failures = 0;
            erring.until = now + (BAN.0 * 2_u32.saturating_pow(erring.bans.min(16))).min(BAN.1);
            erring.bans += 1;
        }
        banned
    }

    /// Right credentials: what went wrong before was a slip.
    fn succeeds(&mut self, ip: IpAddr) {
        self.erring.remove(&source(ip));
    }
}

impl Ua {
    /// Whether this source is to be heard; what it sends is otherwise dropped unread.
    pub(super) fn heeds(&mut self, now: Instant, from: Hop) -> bool {
        // A provider or a peer by address may send what it likes: the owner named it.
        if self.peer_at(from).is_some() {
            return true;
        }
        let phone = self.bindings.values().any(|binding| binding.flow.ip() == from.ip());
        match self.guard.takes(now, from.ip(), phone) {
            Ok(()) => true,
            Err(why) => {
                self.discard(why);
                false
            }
        }
    }

    /// A request that only someone with no business here, or with the wrong password, sends. True if the source is
    /// not heard for a while from here on.
    pub(super) fn suspect(&mut self, now: Instant, from: Hop) -> bool {
        self.guard.fails(now, from.ip())
    }

    /// A request that has proved who sends it.
    pub(super) fn trust(&mut self, from: Hop) {
        self.guard.succeeds(from.ip());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn ip(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0A00_0000 + n))
    }

    fn at(ms: u64) -> Instant {
        Instant(ms * 1_000)
    }

    #[test]
    fn each_source_has_its_own_rate() {
        let mut guard = Guard::default();
        let taken = (0..10_000).filter(|_| guard.takes(at(0), ip(1), false).is_ok()).count();
        assert_eq!(taken, 201);
        assert!(guard.takes(at(0), ip(2), false).is_ok(), "another source");
        let taken = (0..10_000).filter(|_| guard.takes(at(0), ip(4), true).is_ok()).count();
        assert_eq!(taken, 1_001, "a phone of the house has more");
        let per_second = (1_000..2_000).filter(|ms| guard.takes(at(*ms), ip(3), false).is_ok()).count();
        assert!((240..=260).contains(&per_second), "{per_second}");
    }

    #[test]
    fn wrong_passwords_are_answered_with_longer_and_longer_bans() {
        let mut guard = Guard::default();
        let mut now = 0;
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            for _ in 0..FAILURES {
                assert!(guard.takes(at(now), ip(1), false).is_ok());
                guard.fails(at(now), ip(1));
            }
            assert_eq!(guard.takes(at(now), ip(1), false), Err(Discard::Banned));
            assert!(guard.takes(at(now), ip(2), false).is_ok());
            now += minutes * 60_000;
            assert_eq!(guard.takes(at(now - 1), ip(1), false), Err(Discard::Banned), "{minutes}");
        }
        assert!(guard.takes(at(now), ip(1), false).is_ok());
    }

    #[test]
    fn slips_are_forgotten_after_a_success_or_in_time() {
        let mut guard = Guard::default();
        for round in 0..20 {
            for _ in 1..FAILURES {
                guard.fails(at(0), ip(1));
                guard.fails(at(round * 700_000), ip(2));
            }
            guard.succeeds(ip(1));
            assert!(guard.takes(at(round * 700_000), ip(1), false).is_ok());
            assert!(guard.takes(at(round * 700_000), ip(2), false).is_ok());
        }
    }

    #[test]
    fn the_tables_stay_bounded_whoever_knocks() {
        let mut guard = Guard::default();
        for n in 0..50_000 {
            let _ = guard.takes(at(u64::from(n)), ip(n), false);
            guard.fails(at(u64::from(n)), ip(n));
        }
        assert!(guard.rates.iter().all(|rates| rates.len() <= RATES) && guard.erring.len() <= ERRING);
    }

    #[test]
    fn an_ipv6_customer_is_one_source() {
        let v6 = |text: &str| text.parse().map(source);
        assert_eq!(v6("2001:db8:1:2::1"), v6("2001:db8:1:2:ffff::9"));
        assert_ne!(v6("2001:db8:1:2::1"), v6("2001:db8:1:3::1"));
        assert_eq!(v6("::ffff:10.0.0.1"), v6("10.0.0.1"));
    }
}

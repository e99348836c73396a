//! Pairing: for a quarter of an hour after the owner has asked for it, an adapter may fetch its file and a phone may
//! register for the first time. Pure: times and sources are told.

use crate::units::Instant;
use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Digest realm of the phones that register here: a stored H(A1) holds for it alone.
pub const REALM: &str = "hold-slayer";
/// How long a pairing waits to be used.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// An adapter asks again when it restarts; more often than this it is no adapter.
const FETCHES: u8 = 4;
/// Refusals that a source has for nothing within [`CALM`]; then it gets nothing at all until it has calmed down.
const TRIES: u8 = 8;
const CALM: Duration = Duration::from_secs(60);
/// Sources whose refusals are remembered; one more forgets the one that erred longest ago.
const SOURCES: usize = 64;

/// The address of a network card, 48 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Reads 12 hexadecimal digits, with `:`, `-`, `.` or spaces between them as labels print them. Neither all zeros nor
    /// a group address belongs to an adapter.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u32> =
            text.chars().filter(|c| !":-. ".contains(*c)).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
        let bytes: Vec<u8> =
            digits.chunks_exact(2).filter_map(|two| u8::try_from(two[0] << 4 | two[1]).ok()).collect();
        let mac: [u8; 6] = bytes.try_into().ok().filter(|_| digits.len() == 12)?;
        (mac != [0; 6] && mac[0] & 1 == 0).then_some(Self(mac))
    }
}

/// 12 small hexadecimal digits, as in the names of provisioning files.
impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why a file is not handed out. Whoever asked is never told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// From outside the household's network.
    NotFromHere,
    /// This source has asked in vain too often.
    TooOften,
    /// No adapter of this address is being paired.
    NotPaired,
    /// Another source has had the file.
    OtherSource,
    /// It has been fetched often enough.
    Served,
}

#[derive(Debug)]
struct Window {
    until: Instant,
    /// Who had it first has it alone.
    source: Option<IpAddr>,
    fetches: u8,
}

/// The adapters that are being paired.
#[derive(Debug, Default)]
pub struct Windows {
    open: BTreeMap<Mac, Window>,
    vain: Vec<(IpAddr, u8, Instant)>,
}

impl Windows {
    /// The owner pairs the adapter at this address. A window that is open begins anew.
    pub fn open(&mut self, now: Instant, mac: Mac) {
        self.expire(now);
        self.open.insert(mac, Window { until: now + WINDOW, source: None, fetches: 0 });
    }

    /// The owner has changed his mind.
    pub fn close(&mut self, mac: Mac) {
        self.open.remove(&mac);
    }

    /// Whether the file of `mac` may go to `from`.
    ///
    /// # Errors
    /// [`Refused`], for the log alone.
    pub fn fetch(&mut self, now: Instant, mac: Mac, from: IpAddr) -> Result<(), Refused> {
        self.expire(now);
        let from = from.to_canonical();
        if !is_local(from) {
            return Err(Refused::NotFromHere);
        }
        if self.vain.iter().any(|(source, tries, _)| *source == from && *tries >= TRIES) {
            self.in_vain(now, from);
            return Err(Refused::TooOften);
        }
        let judged = match self.open.get_mut(&mac) {
            None => Err(Refused::NotPaired),
            Some(window) if window.source.is_some_and(|source| source != from) => Err(Refused::OtherSource),
            Some(window) if window.fetches >= FETCHES => Err(Refused::Served),
            Some(window) => {
                window.source = Some(from);
                window.fetches += 1;
                Ok(())
            }
        };
        if judged.is_err() {
            self.in_vain(now, from);
        }
        judged
    }

    fn expire(&mut self, now: Instant) {
        self.open.retain(|_, window| now < window.until);
        self.vain.retain(|(_, _, last)| now.since(*last) < CALM);
    }

    fn in_vain(&mut self, now: Instant, from: IpAddr) {
        if let Some(source) = self.vain.iter_mut().find(|(source, ..)| *source == from) {
            (source.1, source.2) = (source.1.saturating_add(1), now);
            return;
        }
        if self.vain.len() >= SOURCES {
            let oldest = (0..self.vain.len()).min_by_key(|&at| self.vain[at].2);
            oldest.map(|at| self.vain.swap_remove(at));
        }
        self.vain.push((from, 1, now));
    }
}

/// An address of the household's own network: private (RFC 1918, RFC 4193), link-local, or this machine.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
    }
}

/// Pairings that no phone has used yet, and when each lapses.
#[derive(Debug, Default)]
pub struct Pending(BTreeMap<String, Instant>);

impl Pending {
    /// The phone with this user was paired.
    pub fn begin(&mut self, now: Instant, user: &str) {
        self.0.insert(user.to_owned(), now + WINDOW);
    }

    /// The phone has registered, or the owner took it away. True if it had been waited for.
    pub fn end(&mut self, user: &str) -> bool {
        self.0.remove(user).is_some()
    }

    /// The users whose pairing has lapsed by now; each is told once.
    pub fn lapsed(&mut self, now: Instant) -> Vec<String> {
        let due: Vec<String> =
            self.0.iter().filter(|(_, until)| now >= **until).map(|(user, _)| user.clone()).collect();
        self.0.retain(|_, until| now < *until);
        due
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    const MAC: Mac = Mac([0xC0, 0x74, 0xAD, 0x12, 0x34, 0x56]);

    #[test]
    fn a_mac_is_read_as_labels_print_it() {
        for text in ["C074AD123456", "c0:74:ad:12:34:56", "C0-74-AD-12-34-56", "c074.ad12.3456"] {
            assert_eq!(Mac::parse(text), Some(MAC), "{text}");
        }
        for text in ["", "c074ad12345", "c074ad1234567", "c074ad12345g", "000000000000", "ffffffffffff"] {
            assert_eq!(Mac::parse(text), None, "{text}");
        }
        assert_eq!(MAC.to_string(), "c074ad123456");
    }

    #[test]
    fn a_file_goes_to_one_source_of_the_house_within_its_window_only() {
        let (ata, other) = (ip("192.168.1.30"), ip("192.168.1.66"));
        let mut windows = Windows::default();
        assert_eq!(windows.fetch(at(0), MAC, ata), Err(Refused::NotPaired));
        windows.open(at(10), MAC);
        assert_eq!(windows.fetch(at(11), MAC, ip("203.0.113.9")), Err(Refused::NotFromHere));
        assert_eq!(windows.fetch(at(11), MAC, ip("100.64.0.9")), Err(Refused::NotFromHere));
        assert_eq!(windows.fetch(at(11), Mac([2; 6]), ata), Err(Refused::NotPaired));
        assert_eq!(windows.fetch(at(12), MAC, ata), Ok(()));
        assert_eq!(windows.fetch(at(13), MAC, other), Err(Refused::OtherSource));
        assert_eq!(
            windows.fetch(at(14), MAC, ip("::ffff:192.168.1.30")),
            Ok(()),
            "the same, written otherwise"
        );
        assert_eq!(windows.fetch(at(10 + 899), MAC, ata), Ok(()));
        assert_eq!(windows.fetch(at(10 + 900), MAC, ata), Err(Refused::NotPaired), "the window has closed");
        windows.open(at(2000), MAC);
        assert_eq!(windows.fetch(at(2001), MAC, other), Ok(()), "a new window is for anybody's first fetch");
        windows.close(MAC);
        assert_eq!(windows.fetch(at(2002), MAC, other), Err(Refused::NotPaired));
    }

    #[test]
    fn fetches_and_guesses_are_limited() {
        let (ata, guesser) = (ip("fe80::1"), ip("192.168.1.66"));
        let mut windows = Windows::default();
        windows.open(at(0), MAC);
        let fetched: Vec<_> = (0..5).map(|n| windows.fetch(at(n), MAC, ata)).collect();
        assert_eq!(fetched[3..], [Ok(()), Err(Refused::Served)]);
        for n in 0..TRIES {
            assert_eq!(windows.fetch(at(20), Mac([2, 0, 0, 0, 0, n]), guesser), Err(Refused::NotPaired));
        }
        windows.open(at(20), Mac([4; 6]));
        assert_eq!(windows.fetch(at(21), Mac([4; 6]), guesser), Err(Refused::TooOften), "even the right one");
        assert_eq!(windows.fetch(at(21), Mac([4; 6]), ip("10.0.0.9")), Ok(()), "another is not concerned");
        assert_eq!(
            windows.fetch(at(82), Mac([6; 6]), guesser),
            Err(Refused::NotPaired),
            "it has calmed down"
        );
        for n in 0..10_000_u32 {
            let _ = windows.fetch(at(100), MAC, IpAddr::from((0x0A00_0000 + n).to_be_bytes()));
        }
        assert!(windows.vain.len() <= SOURCES);
    }

    #[test]
    fn a_pairing_that_nobody_uses_lapses_once() {
        let mut pending = Pending::default();
        pending.begin(at(0), "hall");
        pending.begin(at(60), "attic");
        assert!(pending.end("hall") && !pending.end("hall"));
        assert_eq!(pending.lapsed(at(60 + 899)), Vec::<String>::new());
        assert_eq!(pending.lapsed(at(60 + 900)), ["attic"]);
        assert_eq!(pending.lapsed(at(9999)), Vec::<String>::new());
    }
}

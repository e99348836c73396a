//! Who may use the page: the password, the browsers that are logged in, and the patience with wrong passwords.

use super::Site;
use crate::clock;
use crate::limits::{WEB_ERRING_SOURCES, WEB_LOGINS};
use crate::store::Store;
use crate::units::Instant;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use core::fmt::Write as _;
use core::time::Duration;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// A login that nobody uses ends.
const IDLE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Every login ends.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The system gave no random numbers.
#[derive(Debug)]
pub(super) struct NoRandomness;

/// 128 random bits in hexadecimal.
pub(super) fn token() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    let mut text = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// A password that can be read out and typed: four groups of four, 80 bits.
pub(super) fn password() -> Result<String, NoRandomness> {
    groups::<16>()
}

/// A code of the same kind: two groups, 40 bits. Guessing is slowed as for passwords.
pub(super) fn claim_code() -> Result<String, NoRandomness> {
    groups::<8>()
}

fn groups<const N: usize>() -> Result<String, NoRandomness> {
    // 32 signs that nobody takes for another: five bits of each byte choose one.
    const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    let groups =
        bytes.chunks(4).map(|group| group.iter().map(|b| char::from(SIGNS[usize::from(b % 32)])).collect());
    Ok(groups.collect::<Vec<String>>().join("-"))
}

/// The password, as an Argon2id hash.
pub(super) struct Password {
    hash: String,
    /// A check takes 19 MiB and a core for a tenth of a second: one at a time.
    turn: Mutex<()>,
}

impl Password {
    /// Keeps `hash`, if it is one.
    pub(super) fn from_hash(hash: String) -> Option<Self> {
        PasswordHash::new(&hash).ok()?;
        Some(Self { hash, turn: Mutex::new(()) })
    }

    /// Hashes `plain` with a fresh salt.
    pub(super) fn from_plain(plain: &str) -> Option<Self> {
        let hash = Argon2::default().hash_password(plain.as_bytes()).ok()?.to_string();
        Some(Self { hash, turn: Mutex::new(()) })
    }

    /// The hash, to be stored.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// Whether `plain` is the password. Slow on purpose.
    pub(super) fn is(&self, plain: &str) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        PasswordHash::new(&self.hash)
            .is_ok_and(|hash| Argon2::default().verify_password(plain.as_bytes(), &hash).is_ok())
    }
}

/// The most of a browser's name that is kept, characters.
const AGENT: usize = 256;

/// A browser that is logged in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    /// SHA-256 of the cookie: a look at our memory gives no cookie, and comparing takes no telling time.
    cookie: [u8; 32],
    form: String,
    /// What it called itself when it logged in, and whence it came then.
    pub(super) agent: String,
    pub(super) source: IpAddr,
    begun: Instant,
    /// Its age when the box was started, in which it was not begun.
    older: Duration,
    used: Instant,
}

impl Login {
    /// Names it on the page; nothing can be done with it without a login.
    pub(super) fn id(&self) -> String {
        self.cookie.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// How long it has been logged in, and how long it has been away.
    pub(super) fn ages(&self, now: Instant) -> (Duration, Duration) {
        (now.since(self.begun) + self.older, now.since(self.used))
    }
}

/// A login as it is kept over a restart: hash of the cookie, the forms' token, age in seconds, what the browser called
/// itself, whence it came.
pub(super) type Kept = ([u8; 32], String, u64, String, IpAddr);

/// The browsers that are logged in, at most [`WEB_LOGINS`].
///
/// A login is bound to the kind of browser that it was made by, which is its `User-Agent` but for figures, for a browser
/// renews itself: a cookie that turns up in another kind was carried away, and ends the login at once. It is not bound to an
/// address: a telephone goes from one network of the house to another, and a router hands out addresses anew.
#[derive(Debug, Default)]
pub(super) struct Logins(Vec<Login>);

impl Logins {
    /// Adds a browser with its cookie and the token that its forms carry.
    pub(super) fn add(&mut self, now: Instant, cookie: &str, form: String, (agent, source): (&str, IpAddr)) {
        self.expire(now);
        if self.0.len() >= WEB_LOGINS
            && let Some(at) = (0..self.0.len()).min_by_key(|&at| self.0[at].used)
        {
            self.0.remove(at);
        }
        let agent = agent.chars().take(AGENT).collect();
        let (cookie, older) = (digest(cookie), Duration::ZERO);
        self.0.push(Login { cookie, form, agent, source, begun: now, older, used: now });
    }

    /// The form token of the browser with this cookie, which calls itself so. In another kind of browser it ends the login.
    pub(super) fn form_token(&mut self, now: Instant, cookie: &str, agent: &str) -> Option<String> {
        self.expire(now);
        let cookie = digest(cookie);
        let at = self.0.iter().position(|login| login.cookie == cookie)?;
        let agent: String = agent.chars().take(AGENT).collect();
        if kind(&self.0[at].agent) != kind(&agent) {
            self.0.remove(at);
            tracing::warn!("a browser was logged out: its cookie came from another kind of browser");
            return None;
        }
        self.0[at].used = now;
        Some(self.0[at].form.clone())
    }

    /// All of them, the one used last first, and which is the one with this cookie.
    pub(super) fn all(&mut self, now: Instant, cookie: &str) -> Vec<(Login, bool)> {
        self.expire(now);
        let cookie = digest(cookie);
        let mut all: Vec<_> =
            self.0.iter().map(|login| (login.clone(), same_bytes(&login.cookie, &cookie))).collect();
        all.sort_by_key(|(login, own)| (!own, core::cmp::Reverse(login.used)));
        all
    }

    /// Logs a browser out.
    pub(super) fn remove(&mut self, cookie: &str) {
        let cookie = digest(cookie);
        self.0.retain(|login| login.cookie != cookie);
    }

    /// Logs the browser of this name out; whether there was one.
    pub(super) fn end(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|login| login.id() != id);
        self.0.len() < before
    }

    /// Logs everybody out.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Logs out everybody but the browser with this cookie.
    pub(super) fn keep_only(&mut self, cookie: &str) {
        let cookie = digest(cookie);
        self.0.retain(|login| login.cookie == cookie);
    }

    /// What the next start needs to know them again.
    pub(super) fn keep(&mut self, now: Instant) -> Vec<Kept> {
        self.expire(now);
        let kept = |login: &Login| {
            let age = login.ages(now).0.as_secs();
            (login.cookie, login.form.clone(), age, login.agent.clone(), login.source)
        };
        self.0.iter().map(kept).collect()
    }

    /// Takes over those of the start before.
    pub(super) fn restore(&mut self, now: Instant, kept: Vec<Kept>) {
        let login = |(cookie, form, age, agent, source)| Login {
            cookie,
            form,
            agent,
            source,
            begun: now,
            older: Duration::from_secs(age),
            used: now,
        };
        self.0 = kept.into_iter().take(WEB_LOGINS).map(login).collect();
        self.expire(now);
    }

    fn expire(&mut self, now: Instant) {
        self.0.retain(|login| now.since(login.used) < IDLE && now.since(login.begun) + login.older < LONGEST);
    }
}

/// The setting that carries logins over a restart that the owner asked for.
const KEPT: &str = "page.logins";

impl Site {
    /// Keeps the logins for the next start.
    pub(super) fn keep_logins(&self) {
        let kept = self.doors().logins.keep(clock::now());
        let bytes = serde_json::to_vec(&kept).unwrap_or_default();
        if let Some(store) = &self.store
            && let Err(error) = store.set_setting(KEPT, &bytes)
        {
            tracing::warn!(%error, "browsers have to log in again after the restart");
        }
    }
}

/// The logins of the start before, good for this one start. Those that another version of the box wrote in another way
/// have to log in again.
pub(super) fn kept(store: &Store) -> Vec<Kept> {
    let bytes = store.setting(KEPT).ok().flatten().unwrap_or_default();
    if !bytes.is_empty() && store.remove_setting(KEPT).is_err() {
        return Vec::new();
    }
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// What stays of a browser's name when it is renewed.
fn kind(agent: &str) -> String {
    agent.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '_')).collect()
}

fn digest(cookie: &str) -> [u8; 32] {
    Sha256::digest(cookie.as_bytes()).into()
}

/// Whether two secrets are the same, in constant time.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// The same for hashes.
pub(super) fn same_bytes(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// Wrong passwords that a source has for nothing.
const FREE: u32 = 3;
/// The longest a source waits.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A source that has been quiet for so long begins anew.
const FORGIVEN: Duration = Duration::from_secs(3600);
/// Wrong passwords from everywhere together before everybody waits a little, and how fast they are forgiven.
const FREE_FOR_ALL: u32 = 20;
const FORGIVE_ONE: Duration = Duration::from_secs(2);

/// Patience with wrong passwords, by source and over all.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    sources: Vec<(IpAddr, u32, Instant)>,
    all: u32,
    forgiven: Instant,
}

impl BackOff {
    /// How long this source must wait before it may try; zero if it may now.
    pub(super) fn wait(&mut self, now: Instant, from: IpAddr) -> Duration {
        self.sources.retain(|&(_, _, last)| now.since(last) < FORGIVEN);
        let steps = now.since(self.forgiven).as_micros() / FORGIVE_ONE.as_micros();
        if steps > 0 {
            self.all = self.all.saturating_sub(u32::try_from(steps).unwrap_or(u32::MAX));
            self.forgiven = now;
        }
        let own =
            self.sources.iter().find(|(source, ..)| *source == network(from)).map_or(Duration::ZERO, |s| {
                let wait = match s.1.checked_sub(FREE) {
                    None => Duration::ZERO,
                    Some(more) => Duration::from_secs(2_u64.saturating_pow(more)).min(LONGEST_WAIT),
                };
                wait.saturating_sub(now.since(s.2))
            });
        let all = if self.all >= FREE_FOR_ALL { FORGIVE_ONE } else { Duration::ZERO };
        own.max(all)
    }

    /// This source gave a wrong password.
    pub(super) fn wrong(&mut self, now: Instant, from: IpAddr) {
        self.all = (self.all + 1).min(FREE_FOR_ALL);
        let from = network(from);
        if let Some(source) = self.sources.iter_mut().find(|(source, ..)| *source == from) {
            (source.1, source.2) = (source.1.saturating_add(1), now);
            return;
        }
        if self.sources.len() >= WEB_ERRING_SOURCES
            && let Some(at) = (0..self.sources.len()).min_by_key(|&at| self.sources[at].2)
        {
            self.sources.swap_remove(at);
        }
        self.sources.push((from, 1, now));
    }

    /// This source gave the right one.
    pub(super) fn right(&mut self, from: IpAddr) {
        self.sources.retain(|(source, ..)| *source != network(from));
    }
}

/// A household has a whole /64 of IPv6 addresses: they are one source.
fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const HERE: (&str, IpAddr) = ("x/1", ME);
    const ME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let plain = password().unwrap();
        assert_eq!((plain.len(), claim_code().unwrap().len()), (19, 9), "{plain}");
        let stored = Password::from_plain(&plain).unwrap().hash().to_string();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        let password = Password::from_hash(stored).unwrap();
        assert!(password.is(&plain));
        assert!(!password.is(""));
        assert!(!password.is("x"));
        assert!(Password::from_hash("plain".into()).is_none());
    }

    #[test]
    fn logins_end_and_are_few() {
        let mut logins = Logins::default();
        logins.add(at(0), "first", "f".into(), HERE);
        assert_eq!(logins.form_token(at(1), "first", "x/1").as_deref(), Some("f"));
        assert_eq!(logins.form_token(at(1), "other", "x/1"), None);
        assert_eq!(logins.form_token(at(2) + IDLE, "first", "x/1"), None, "idle for too long");

        logins.add(at(0), "busy", "f".into(), HERE);
        for day in 1..30 {
            assert!(logins.form_token(at(day * 24 * 3600), "busy", "x/1").is_some());
        }
        assert_eq!(logins.form_token(at(30 * 24 * 3600), "busy", "x/1"), None, "too old");

        let mut logins = Logins::default();
        for n in 0..=WEB_LOGINS as u64 {
            logins.add(at(n), &n.to_string(), "f".into(), HERE);
        }
        assert_eq!(logins.form_token(at(99), "0", "x/1"), None, "made room");
        assert!(logins.form_token(at(99), "1", "x/1").is_some());
        logins.remove("1");
        assert_eq!(logins.form_token(at(99), "1", "x/1"), None);
    }

    #[test]
    fn a_cookie_that_was_carried_to_another_browser_ends_the_login() {
        const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let mut logins = Logins::default();
        logins.add(at(0), "mine", "f".into(), (FIREFOX, ME));
        logins.add(at(1), "other", "g".into(), HERE);
        let renewed = FIREFOX.replace("145.0", "146.0.1");
        assert_eq!(
            logins.form_token(at(2), "mine", &renewed).as_deref(),
            Some("f"),
            "a browser renews itself"
        );
        let all = logins.all(at(3), "other");
        assert_eq!(
            all.iter().map(|(login, own)| (login.agent.as_str(), *own)).collect::<Vec<_>>(),
            [("x/1", true), (FIREFOX, false)]
        );
        assert_eq!(logins.form_token(at(4), "mine", "curl/8.5.0"), None);
        assert_eq!(logins.form_token(at(4), "mine", FIREFOX), None, "it has ended");
        assert!(!logins.end("mine") && logins.end(&all[0].0.id()));
        assert_eq!(logins.form_token(at(4), "other", "x/1"), None);
    }

    #[test]
    fn logins_outlive_a_restart_and_grow_no_younger() {
        let mut logins = Logins::default();
        logins.add(at(0), "old", "f".into(), HERE);
        logins.add(at(5), "new", "g".into(), HERE);
        let mut again = Logins::default();
        again.restore(at(0), logins.keep(at(3600)));
        assert_eq!(again.form_token(at(1), "old", "x/1").as_deref(), Some("f"));
        for day in 1..30 {
            again.form_token(at(day * 24 * 3600), "new", "x/1");
        }
        assert_eq!(again.form_token(at(30 * 24 * 3600 - 3595), "new", "x/1"), None, "thirty days in all");
        logins.keep_only("new");
        assert_eq!(logins.form_token(at(3600), "old", "x/1"), None);
        assert!(logins.form_token(at(3600), "new", "x/1").is_some());
    }

    #[test]
    fn a_source_that_guesses_waits_longer_each_time() {
        let mut patience = BackOff::default();
        let mut waits = Vec::new();
        let mut now = at(100);
        for _ in 0..14 {
            let wait = patience.wait(now, ME);
            waits.push(wait.as_secs());
            now += wait;
            patience.wrong(now, ME);
        }
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(
            patience.wait(now, IpAddr::from([192, 0, 2, 1])),
            Duration::ZERO,
            "another is not concerned"
        );
        patience.right(ME);
        assert_eq!(patience.wait(now, ME), Duration::ZERO);
    }

    #[test]
    fn many_sources_together_slow_everybody_but_lock_out_nobody() {
        let mut patience = BackOff::default();
        for n in 0..1000_u32 {
            patience.wrong(at(1), IpAddr::from(n.to_be_bytes()));
        }
        assert_eq!(patience.wait(at(1), ME), FORGIVE_ONE);
        assert_eq!(patience.wait(at(3), ME), Duration::ZERO);
        assert!(patience.sources.len() <= WEB_ERRING_SOURCES);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let mut patience = BackOff::default();
        for n in 0..4 {
            patience.wrong(at(1), format!("2001:db8::{n}").parse().unwrap());
        }
        assert!(patience.wait(at(1), "2001:db8::99".parse().unwrap()) > Duration::ZERO);
        assert_eq!(patience.wait(at(1), "2001:db8:0:1::1".parse().unwrap()), Duration::ZERO);
    }
}

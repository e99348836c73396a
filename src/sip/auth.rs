//! Digest authentication both ways, RFC 7616 and RFC 8760.

use super::grammar::{quote, split_outside_quotes};
use super::message::Method;
use super::value::{Scheme, Uri};
use crate::units::Instant;
use core::time::Duration;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use subtle::ConstantTimeEq;

/// How long a nonce of ours is good. Short enough that a captured one is soon worthless, long enough that a call and
/// its re-INVITE need one challenge.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);

/// Hash algorithms, weakest first, RFC 8760 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

impl Hash {
    /// The algorithm and whether it is the `-sess` variant, RFC 7616 §3.4.2. Without a name it is MD5.
    fn from_name(name: Option<&str>) -> Option<(Self, bool)> {
        let name = name.unwrap_or("MD5").to_ascii_uppercase();
        let (base, session) = name.strip_suffix("-SESS").map_or((name.as_str(), false), |base| (base, true));
        let hash = match base {
            "MD5" => Self::Md5,
            "SHA-256" => Self::Sha256,
            "SHA-512-256" => Self::Sha512_256,
            _ => return None,
        };
        Some((hash, session))
    }

    fn hex(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
            Self::Sha512_256 => hex(&Sha512_256::digest(text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Parameters of a challenge or of credentials; the insides of quotes as they are, for RFC 7616 §3.4 hashes those.
struct Fields<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Fields<'a> {
    /// `None` if the scheme is not Digest or the parameters are malformed.
    fn parse(header: &'a str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let mut fields = Vec::new();
        for part in
            split_outside_quotes(rest, b',')?.into_iter().map(str::trim).filter(|part| !part.is_empty())
        {
            let (name, value) = part.split_once('=')?;
            let value = value.trim();
            fields.push((
                name.trim(),
                value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value),
            ));
        }
        Some(Self(fields))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }
}

/// What is hashed, RFC 7616 §3.4.
struct Proof<'a> {
    hash: Hash,
    session: bool,
    user: &'a str,
    realm: &'a str,
    password: &'a str,
    method: &'a Method,
    uri: &'a str,
    nonce: &'a str,
    /// qop, nc and cnonce as written; `None` for a peer of RFC 2069.
    counted: Option<(&'a str, &'a str, &'a str)>,
    /// cnonce for `-sess`, which needs one even without qop.
    cnonce: &'a str,
}

impl Proof<'_> {
    fn response(&self) -> String {
        let Self { user, realm, password, method, uri, nonce, .. } = self;
        let mut secret = self.hash.hex(&format!("{user}:{realm}:{password}"));
        if self.session {
            secret = self.hash.hex(&format!("{secret}:{nonce}:{}", self.cnonce));
        }
        let asked = self.hash.hex(&format!("{method}:{uri}"));
        self.hash.hex(&match self.counted {
            Some((qop, nc, cnonce)) => format!("{secret}:{nonce}:{nc}:{cnonce}:{qop}:{asked}"),
            None => format!("{secret}:{nonce}:{asked}"),
        })
    }
}

/// The credentials for one of `challenges` (values of WWW-Authenticate or Proxy-Authenticate): the one with the
/// strongest algorithm we know. `uri` must be the Request-URI byte for byte; `nc` counts uses of the nonce from 1.
/// `None` if no challenge can be met.
pub fn answer(
    challenges: &[&str],
    user: &str,
    password: &str,
    method: &Method,
    uri: &str,
    nc: u32,
    cnonce: &str,
) -> Option<String> {
    let usable = challenges.iter().filter_map(|challenge| {
        let fields = Fields::parse(challenge)?;
        let (hash, session) = Hash::from_name(fields.get("algorithm"))?;
        // RFC 7616 §3.3: a challenge that wants only auth-int needs the body hashed, which no trunk asks for.
        let qop = fields.get("qop");
        let auth = qop.is_some_and(|list| list.split(',').any(|q| q.trim().eq_ignore_ascii_case("auth")));
        (qop.is_none() || auth).then_some((hash, session, auth, fields))
    });
    // The first of equals: it is the one the server prefers.
    let (hash, session, auth, fields) =
        usable.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let (realm, nonce) = (fields.get("realm")?, fields.get("nonce")?);
    let count = format!("{nc:08x}");
    let quoted_user = quote(user);
    let user = &quoted_user[1..quoted_user.len() - 1];
    let counted = auth.then_some(("auth", count.as_str(), cnonce));
    let proof = Proof { hash, session, user, realm, password, method, uri, nonce, counted, cnonce };
    let mut line = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{}\"",
        proof.response()
    );
    // Echoed as written, and only if written: some registrars refuse an algorithm they did not name.
    if let Some(algorithm) = fields.get("algorithm") {
        line.push_str(&format!(", algorithm={algorithm}"));
    }
    if auth {
        line.push_str(&format!(", cnonce=\"{cnonce}\", qop=auth, nc={count}"));
    } else if session {
        line.push_str(&format!(", cnonce=\"{cnonce}\""));
    }
    if let Some(opaque) = fields.get("opaque") {
        line.push_str(&format!(", opaque=\"{opaque}\""));
    }
    Some(line)
}

/// Why credentials do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// None for our realm: challenge.
    Missing,
    /// Right, but for a nonce that is too old or not ours: challenge with `stale=true`.
    Stale,
    /// Unknown user, wrong password, or meant for another request.
    Wrong,
}

/// Challenges and checks without keeping state: a nonce carries its time and is signed.
pub struct Verifier {
    realm: String,
    key: [u8; 32],
}

impl Verifier {
    /// `key` is random and lives as long as the program.
    pub fn new(realm: &str, key: [u8; 32]) -> Self {
        // A quote or a break in the realm would end the challenge early.
        Self { realm: realm.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect(), key }
    }

    /// The value of WWW-Authenticate or Proxy-Authenticate. MD5 alone, for that is what every telephone adapter
    /// speaks and many trip over a second challenge; stronger credentials are accepted.
    pub fn challenge(&self, now: Instant, stale: bool) -> String {
        let (realm, nonce) = (&self.realm, self.nonce(now.0));
        let stale = if stale { ", stale=true" } else { "" };
        format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{stale}")
    }

    /// Checks the value of one Authorization or Proxy-Authorization; `secret_of` knows the users' passwords.
    /// A nonce may be used as often as wanted while it lives, with any nc and cnonce: devices repeat both after a
    /// restart, and strict counting makes their registrations flap.
    ///
    /// # Errors
    /// [`Denied`] says what to answer.
    pub fn check<'s>(
        &self,
        now: Instant,
        header: &str,
        method: &Method,
        request_uri: &str,
        secret_of: impl Fn(&str) -> Option<&'s str>,
    ) -> Result<String, Denied> {
        let fields = Fields::parse(header).ok_or(Denied::Missing)?;
        let realm = fields.get("realm").filter(|realm| *realm == self.realm).ok_or(Denied::Missing)?;
        let field = |name| fields.get(name).ok_or(Denied::Wrong);
        let (user, nonce, uri) = (field("username")?, field("nonce")?, field("uri")?);
        let (hash, session) = Hash::from_name(fields.get("algorithm")).ok_or(Denied::Wrong)?;
        let cnonce = fields.get("cnonce").unwrap_or("");
        let counted = match fields.get("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some((qop, field("nc")?, cnonce)),
            Some(_) => return Err(Denied::Wrong),
        };
        let password = secret_of(user).ok_or(Denied::Wrong)?;
        let proof = Proof { hash, session, user, realm, password, method, uri, nonce, counted, cnonce };
        let given = field("response")?.to_ascii_lowercase();
        let right = bool::from(proof.response().as_bytes().ct_eq(given.as_bytes()));
        if !right || !same_target(uri, request_uri) {
            return Err(Denied::Wrong);
        }
        // RFC 7616 §3.3: stale only if the credentials are right otherwise.
        if self.is_fresh(now, nonce) { Ok(user.to_owned()) } else { Err(Denied::Stale) }
    }

    /// 8 bytes of time and 16 of its signature, in hexadecimal.
    fn nonce(&self, micros: u64) -> String {
        // RFC 2104 §2: a key shorter than the block is padded with zeros; a whole block needs no fallible call.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        mac.update(&micros.to_be_bytes());
        mac.update(self.realm.as_bytes());
        let signature = mac.finalize().into_bytes();
        format!("{micros:016x}{}", hex(&signature[..16]))
    }

    fn is_fresh(&self, now: Instant, nonce: &str) -> bool {
        let Some(micros) = nonce.get(..16).and_then(|time| u64::from_str_radix(time, 16).ok()) else {
            return false;
        };
        let ours = bool::from(self.nonce(micros).as_bytes().ct_eq(nonce.as_bytes()));
        ours && now.since(Instant(micros)) <= NONCE_LIFE
    }
}

/// Whether credentials for `given` may serve a request to `asked`. Devices leave out or add the port, parameters or
/// the scheme `sips`, and change the case of the host; user and host are what a replay would have to change.
fn same_target(given: &str, asked: &str) -> bool {
    if given == asked {
        return true;
    }
    let (Ok(given), Ok(asked)) = (given.parse::<Uri>(), asked.parse::<Uri>()) else { return false };
    let hierarchic = |uri: &Uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips);
    hierarchic(&given) == hierarchic(&asked)
        && given.user_decoded() == asked.user_decoded()
        && given.host.eq_ignore_ascii_case(&asked.host)
}

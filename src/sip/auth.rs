//! Digest authentication both ways, RFC 7616 and RFC 8760.

use super::grammar::{quote, split_outside_quotes};
use super::message::Method;
use super::value::{Scheme, Uri};
use crate::units::Instant;
use core::time::Duration;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// How long a nonce of ours is good. Short enough that a captured one is soon worthless, long enough that a call and
/// its re-INVITE need one challenge.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);

/// The quality of protection that covers the body, RFC 7616 §3.4.3.
const AUTH_INT: &str = "auth-int";

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

    fn hex(self, text: impl AsRef<[u8]>) -> String {
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

/// What is known of a user to check his credentials by.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// His password.
    Password(&'a str),
    /// [`ha1`] alone. Only MD5 can be checked by it, the one algorithm that our challenges name.
    Ha1(&'a str),
}

impl<'a> From<&'a str> for Known<'a> {
    fn from(password: &'a str) -> Self {
        Self::Password(password)
    }
}

/// H(A1) of RFC 7616 §3.4.2 by MD5: enough to know a user by, at this realm alone, without knowing his password.
pub fn ha1(user: &str, realm: &str, password: &str) -> String {
    Hash::Md5.hex(format!("{user}:{realm}:{password}"))
}

/// What is asked for, and so what the credentials are for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The Request-URI byte for byte.
    pub uri: &'a str,
    /// The request's body.
    pub body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// A request without a body.
    pub const fn bare(method: &'a Method, uri: &'a str) -> Self {
        Self { method, uri, body: &[] }
    }
}

/// What is hashed, RFC 7616 §3.4.
struct Proof<'a> {
    hash: Hash,
    session: bool,
    user: &'a str,
    realm: &'a str,
    known: Known<'a>,
    asked: Asked<'a>,
    nonce: &'a str,
    /// qop, nc and cnonce as written; `None` for a peer of RFC 2069.
    counted: Option<(&'a str, &'a str, &'a str)>,
    /// cnonce for `-sess`, which needs one even without qop.
    cnonce: &'a str,
}

impl Proof<'_> {
    fn response(&self) -> String {
        let Self { user, realm, nonce, .. } = self;
        let Asked { method, uri, body } = self.asked;
        let mut secret = match self.known {
            Known::Password(password) => self.hash.hex(format!("{user}:{realm}:{password}")),
            Known::Ha1(ha1) => ha1.to_owned(),
        };
        if self.session {
            secret = self.hash.hex(format!("{secret}:{nonce}:{}", self.cnonce));
        }
        // RFC 7616 §3.4.3: auth-int vouches for the body as well.
        let whole = self.counted.is_some_and(|(qop, ..)| qop.eq_ignore_ascii_case(AUTH_INT));
        let asked = match whole {
            true => format!("{method}:{uri}:{}", self.hash.hex(body)),
            false => format!("{method}:{uri}"),
        };
        let asked = self.hash.hex(asked);
        self.hash.hex(match self.counted {
            Some((qop, nc, cnonce)) => format!("{secret}:{nonce}:{nc}:{cnonce}:{qop}:{asked}"),
            None => format!("{secret}:{nonce}:{asked}"),
        })
    }
}

/// The credentials for one of `challenges` (values of WWW-Authenticate or Proxy-Authenticate): the one with the
/// strongest algorithm we know. `nc` counts uses of the nonce from 1.
/// `None` if no challenge can be met.
pub fn answer(
    challenges: &[&str],
    user: &str,
    password: &str,
    asked: Asked<'_>,
    nc: u32,
    cnonce: &str,
) -> Option<String> {
    let each: Vec<String> = challenges.iter().flat_map(|line| apart(line)).collect();
    let usable = each.iter().filter_map(|challenge| {
        let fields = Fields::parse(challenge)?;
        let (hash, session) = Hash::from_name(fields.get("algorithm"))?;
        let list = fields.get("qop").filter(|list| !list.trim().is_empty());
        // auth-int where nothing less will do: a proxy that touches the body on its way would void it.
        let named =
            |qop: &&str| list.is_some_and(|l| l.split(',').any(|q| q.trim().eq_ignore_ascii_case(qop)));
        let qop = ["auth", AUTH_INT].into_iter().find(named);
        (list.is_none() || qop.is_some()).then_some((hash, session, qop, fields))
    });
    // The first of equals: it is the one the server prefers.
    let (hash, session, qop, fields) =
        usable.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let (realm, nonce) = (fields.get("realm")?, fields.get("nonce")?);
    let count = format!("{nc:08x}");
    let quoted_user = quote(user);
    let user = &quoted_user[1..quoted_user.len() - 1];
    let counted = qop.map(|qop| (qop, count.as_str(), cnonce));
    let known = Known::Password(password);
    let proof = Proof { hash, session, user, realm, known, asked, nonce, counted, cnonce };
    let uri = asked.uri;
    let mut line = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{}\"",
        proof.response()
    );
    // Echoed as written, and only if written: some registrars refuse an algorithm they did not name.
    if let Some(algorithm) = fields.get("algorithm") {
        line.push_str(&format!(", algorithm={algorithm}"));
    }
    if let Some(qop) = qop {
        line.push_str(&format!(", cnonce=\"{cnonce}\", qop={qop}, nc={count}"));
    } else if session {
        line.push_str(&format!(", cnonce=\"{cnonce}\""));
    }
    if let Some(opaque) = fields.get("opaque") {
        line.push_str(&format!(", opaque=\"{opaque}\""));
    }
    Some(line)
}

/// Those of these challenges that are of this realm.
pub fn of_realm(challenges: &[&str], realm: &str) -> Vec<String> {
    let mut each: Vec<String> = challenges.iter().flat_map(|line| apart(line)).collect();
    each.retain(|challenge| {
        Fields::parse(challenge).is_some_and(|fields| fields.get("realm") == Some(realm))
    });
    each
}

/// The challenges of one header line: several may be joined by commas as their own parameters are, RFC 9110 §11.6.1. A
/// new one begins where two words come before the `=`.
fn apart(line: &str) -> Vec<String> {
    let mut challenges: Vec<String> = Vec::new();
    for part in split_outside_quotes(line, b',').unwrap_or_default().into_iter().map(str::trim) {
        let name = part.split(['=', '"']).next().unwrap_or_default().trim();
        let begins = name.contains([' ', '\t']) || !part.contains('=');
        match challenges.last_mut() {
            Some(last) if !begins => {
                last.push_str(", ");
                last.push_str(part);
            }
            _ => challenges.push(part.to_owned()),
        }
    }
    challenges
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

    /// The same for one source alone: credentials that somebody overheard there are stale anywhere else.
    pub fn towards(&self, source: IpAddr) -> Self {
        let ip = match source.to_canonical() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let key = Sha256::new_with_prefix(self.key).chain_update(ip.octets()).finalize();
        Self { realm: self.realm.clone(), key: key.into() }
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
    pub fn check<'s, K: Into<Known<'s>>>(
        &self,
        now: Instant,
        header: &str,
        method: &Method,
        request_uri: &str,
        secret_of: impl Fn(&str) -> Option<K>,
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
        let known = secret_of(user).ok_or(Denied::Wrong)?.into();
        if matches!(known, Known::Ha1(_)) && hash != Hash::Md5 {
            return Err(Denied::Wrong);
        }
        let asked = Asked::bare(method, uri);
        let proof = Proof { hash, session, user, realm, known, asked, nonce, counted, cnonce };
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const NONCE_7616: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const CNONCE_7616: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn get() -> Method {
        Method::Other("GET".to_owned())
    }

    fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
        Fields::parse(line).unwrap().get(name)
    }

    #[test]
    fn vectors_of_rfc_2617_and_7616() {
        let rfc_2617 = |rest: &str| {
            format!("Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"{rest}")
        };
        let rfc_7616 = |algorithm: &str| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", nonce=\"{NONCE_7616}\"{algorithm}"
            )
        };
        // RFC 2617 §3.5, RFC 7616 §3.9.1; the rest computed with OpenSSL on the same input.
        let cases = [
            (
                rfc_2617(", qop=\"auth,auth-int\""),
                "Circle Of Life",
                "0a4f113b",
                "6629fae49393a05397450978507c4ef1",
            ),
            (rfc_2617(""), "Circle Of Life", "0a4f113b", "670fd8c2df070c60b045671b8b24ff02"),
            (
                rfc_2617(", qop=\"auth\", algorithm=MD5-sess"),
                "Circle Of Life",
                "0a4f113b",
                "8e3825c57e897f5a0dec6c2d4e5059d0",
            ),
            (rfc_7616(""), "Circle of Life", CNONCE_7616, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                rfc_7616(", algorithm=SHA-256"),
                "Circle of Life",
                CNONCE_7616,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
            (
                rfc_7616(", algorithm=sha-512-256"),
                "Circle of Life",
                CNONCE_7616,
                "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0",
            ),
        ];
        for (challenge, password, cnonce, response) in cases {
            let line =
                answer(&[&challenge], "Mufasa", password, Asked::bare(&get(), "/dir/index.html"), 1, cnonce)
                    .unwrap();
            assert_eq!(field(&line, "response"), Some(response), "{challenge}");
        }
    }

    #[test]
    fn a_user_is_known_by_ha1_alone() {
        let verifier = Verifier::new("box", [7; 32]);
        let challenge = verifier.challenge(Instant(5), false);
        let answered = |challenge: &str, password| {
            answer(&[challenge], "hall", password, Asked::bare(&Method::Register, "sip:box"), 1, "c").unwrap()
        };
        let ha1 = ha1("hall", "box", "right");
        let check = |line: &str| {
            let known = |user: &str| (user == "hall").then_some(Known::Ha1(&ha1));
            verifier.check(Instant(6), line, &Method::Register, "sip:box", known)
        };
        assert_eq!(check(&answered(&challenge, "right")), Ok("hall".to_owned()));
        assert_eq!(check(&answered(&challenge, "wrong")), Err(Denied::Wrong));
        assert_eq!(check(&answered(&challenge, &ha1)), Err(Denied::Wrong), "it is no password");
        let stronger = challenge.replace("MD5", "SHA-256");
        assert_eq!(check(&answered(&stronger, "right")), Err(Denied::Wrong));
    }

    #[test]
    fn credentials_echo_the_challenge() {
        let challenge = "digest  nonce=\"n\\\"1\",opaque=\"o,o\",realm=\"a \\\"b\\\"\",stale=FALSE , qop=\"auth\", algorithm=md5";
        let line = answer(&[challenge], "me", "pw", Asked::bare(&Method::Register, "sip:h:5060;x"), 10, "cn")
            .unwrap();
        let fields = ["nonce", "opaque", "realm", "algorithm", "uri", "nc", "cnonce", "qop", "username"];
        let found: Vec<_> = fields.iter().map(|name| field(&line, name).unwrap()).collect();
        assert_eq!(
            found,
            ["n\\\"1", "o,o", "a \\\"b\\\"", "md5", "sip:h:5060;x", "0000000a", "cn", "auth", "me"]
        );
        assert!(
            line.contains(", algorithm=md5, ") && line.contains(" qop=auth, nc=0000000a"),
            "tokens bare: {line}"
        );
        let old = answer(
            &["Digest realm=\"r\", nonce=\"n\""],
            "me",
            "pw",
            Asked::bare(&Method::Register, "sip:h"),
            1,
            "cn",
        )
        .unwrap();
        for absent in ["algorithm", "cnonce", "qop", "nc", "opaque"] {
            assert_eq!(field(&old, absent), None);
        }
    }

    #[test]
    fn the_body_is_vouched_for_where_nothing_less_will_do() {
        let asked = Asked { method: &Method::Invite, uri: "sip:h", body: b"v=0\r\n" };
        let line = |qop: &str| {
            let challenge = format!("Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"{qop}\"");
            answer(&[&challenge], "me", "pw", asked, 1, "c").unwrap()
        };
        let (whole, head) = (line("auth-int"), line("auth-int, auth"));
        assert!(whole.ends_with("cnonce=\"c\", qop=auth-int, nc=00000001"), "{whole}");
        // By another implementation: H(H(me:r:pw):n:00000001:c:auth-int:H(INVITE:sip:h:H(v=0 CR LF))).
        let proof = "89e7b1da01d50c60b3169d9bbc9b363a3c4090f2a07824c80b60a40b9782d3e2";
        assert!(whole.contains(&format!("response=\"{proof}\"")), "{whole}");
        assert!(head.ends_with("qop=auth, nc=00000001") && !head.contains(proof), "{head}");
    }

    #[test]
    fn the_strongest_known_challenge_is_met() {
        let with = |rest: &str| format!("Digest realm=\"r\", nonce=\"n\", qop=\"auth\"{rest}");
        let (plain, md5, sha) = (with(""), with(", algorithm=MD5"), with(", algorithm=SHA-256"));
        let unknown = with(", algorithm=AKAv1-MD5");
        let beyond = "Digest realm=\"r\", nonce=\"n\", qop=\"auth-more\"";
        let pick =
            |challenges: &[&str]| answer(challenges, "u", "p", Asked::bare(&Method::Invite, "sip:h"), 1, "c");
        assert_eq!(field(&pick(&[&md5, &sha, &unknown]).unwrap(), "algorithm"), Some("SHA-256"));
        assert_eq!(field(&pick(&[&plain, &md5]).unwrap(), "algorithm"), None);
        let basic = "Basic realm=\"r\"";
        let line = format!("{basic}, {unknown}, {md5},{sha}, {beyond}");
        assert_eq!(field(&pick(&[&line]).unwrap(), "algorithm"), Some("SHA-256"), "all in one line");
        for hopeless in ["", "Digest", "Digest qop=\"auth\"", basic, beyond, &unknown] {
            assert_eq!(pick(&[hopeless]), None, "{hopeless:?}");
        }
        assert_eq!(pick(&[]), None);
    }

    fn verifier() -> Verifier {
        Verifier::new("box", [7; 32])
    }

    fn secret(user: &str) -> Option<&'static str> {
        (user == "phone").then_some("s3cret")
    }

    fn check(at: u64, line: &str, uri: &str) -> Result<String, Denied> {
        verifier().check(Instant(at), line, &Method::Invite, uri, secret)
    }

    fn login(challenge: &str, user: &str, password: &str, uri: &str, nc: u32) -> String {
        answer(&[challenge], user, password, Asked::bare(&Method::Invite, uri), nc, "c").unwrap()
    }

    #[test]
    fn who_gets_in() {
        let challenge = verifier().challenge(Instant(1_000), false);
        let good = login(&challenge, "phone", "s3cret", "sip:1@h", 1);
        let life = u64::try_from(NONCE_LIFE.as_micros()).unwrap();
        let cases = [
            (1_000, good.clone(), Ok("phone".to_owned())),
            // The same counter and cnonce again: devices do that.
            (2_000, good.clone(), Ok("phone".to_owned())),
            (1_000 + life, good.clone(), Ok("phone".to_owned())),
            (1_001 + life, good.clone(), Err(Denied::Stale)),
            (1_000, login(&challenge, "phone", "wrong", "sip:1@h", 1), Err(Denied::Wrong)),
            (1_000, login(&challenge, "other", "s3cret", "sip:1@h", 1), Err(Denied::Wrong)),
            (1_000, login(&challenge, "phone", "s3cret", "sip:2@h", 1), Err(Denied::Wrong)),
            // A nonce of an earlier run of the program, or a forged one.
            (
                1_000,
                login("Digest realm=\"box\", nonce=\"00\", qop=\"auth\"", "phone", "s3cret", "sip:1@h", 1),
                Err(Denied::Stale),
            ),
            (
                1_000,
                login("Digest realm=\"elsewhere\", nonce=\"n\"", "phone", "s3cret", "sip:1@h", 1),
                Err(Denied::Missing),
            ),
            (1_000, good.replace("qop=auth", "qop=auth-int"), Err(Denied::Wrong)),
            (1_000, good.replace("nc=00000001", "nc=00000002"), Err(Denied::Wrong)),
            (1_000, good.replace("algorithm=MD5", "algorithm=ROT13"), Err(Denied::Wrong)),
            (1_000, good.replace("response=", "x="), Err(Denied::Wrong)),
            (1_000, "Basic cGhvbmU6czNjcmV0".to_owned(), Err(Denied::Missing)),
            (1_000, String::new(), Err(Denied::Missing)),
            (1_000, "Digest".to_owned(), Err(Denied::Missing)),
            (1_000, "Digest realm=\"box\"".to_owned(), Err(Denied::Wrong)),
        ];
        for (at, line, expected) in cases {
            assert_eq!(check(at, &line, "sip:1@h"), expected, "{line}");
        }
    }

    #[test]
    fn stronger_and_older_credentials_count_too() {
        let challenge = verifier().challenge(Instant(0), false);
        for other in ["SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess"] {
            let challenge = challenge.replace("MD5", other);
            assert_eq!(
                check(0, &login(&challenge, "phone", "s3cret", "sip:1@h", 1), "sip:1@h").as_deref(),
                Ok("phone")
            );
        }
        let without_qop = challenge.replace(", qop=\"auth\"", "");
        assert_eq!(
            check(0, &login(&without_qop, "phone", "s3cret", "sip:1@h", 1), "sip:1@h").as_deref(),
            Ok("phone")
        );
    }

    #[test]
    fn the_uri_is_compared_as_devices_write_it() {
        let challenge = verifier().challenge(Instant(0), false);
        // uri in the credentials, Request-URI, whether it counts
        let cases = [
            ("sip:1@h", "sip:1@h:5060;transport=udp", true),
            ("sip:1@h:5060", "sip:1@H", true),
            ("sips:1@h", "sip:1@h", true),
            ("sip:%31@h", "sip:1@h", true),
            ("sip:h", "sip:h:5060", true),
            ("sip:1@h", "sip:2@h", false),
            ("sip:1@h", "sip:1@g", false),
            ("sip:h", "sip:1@h", false),
            ("tel:1", "sip:1@h", false),
            ("tel:1", "tel:1", true),
            ("nonsense", "sip:1@h", false),
        ];
        for (given, asked, counts) in cases {
            let line = login(&challenge, "phone", "s3cret", given, 1);
            assert_eq!(check(0, &line, asked).is_ok(), counts, "{given} for {asked}");
        }
    }

    #[test]
    fn challenges_are_well_formed() {
        let stale = Verifier::new("a\"b\\\r\n", [0; 32]).challenge(Instant(5), true);
        assert_eq!((field(&stale, "realm"), field(&stale, "stale")), (Some("ab"), Some("true")));
        let (one, two) = (verifier().challenge(Instant(1), false), verifier().challenge(Instant(2), false));
        assert_ne!(field(&one, "nonce"), field(&two, "nonce"));
        assert_ne!(
            field(&one, "nonce"),
            field(&Verifier::new("box", [8; 32]).challenge(Instant(1), false), "nonce")
        );
        assert_eq!(field(&one, "stale"), None);
    }
}

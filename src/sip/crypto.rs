//! Keys for SRTP in the description itself, RFC 4568 (SDES).
//!
//! Three policies for each peer. `Optional` offers plain RTP with `crypto` attributes: whoever does not know them answers in
//! the clear, and whoever does (Asterisk, baresip, Snom, FreeSWITCH, Yealink call it optional or best effort) answers with a
//! key of its own. RFC 4568 knows `crypto` in RTP/SAVP only, which is what `Required` offers; a peer without SRTP refuses
//! that with 488. An offer that comes is answered in the profile that it has.

use super::offer::NoMatch;
use crate::units::{SRTP_MATERIAL_BYTES, SrtpKey, SrtpKeys, Suite};
use base64ct::{Base64, Base64Unpadded, Encoding};
use sha2::{Digest, Sha256};

/// Whether the sound to and from a peer is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Srtp {
    /// Never.
    #[default]
    Off,
    /// If the peer can do it.
    Optional,
    /// Always: without it there is no call, but for help.
    Required,
}

/// What we offer, best first; the place in it is the tag less one. Other suites are taken where a peer offers them.
const OFFERED: [Suite; 2] = [Suite::Aes128Tag80, Suite::Aes128Tag32];

/// RFC 4568 §6.2 and RFC 6188 §3; both spellings of the latter are in use.
const NAMES: [(&str, Suite); 6] = [
    ("AES_CM_128_HMAC_SHA1_80", Suite::Aes128Tag80),
    ("AES_CM_128_HMAC_SHA1_32", Suite::Aes128Tag32),
    ("AES_256_CM_HMAC_SHA1_80", Suite::Aes256Tag80),
    ("AES_256_CM_HMAC_SHA1_32", Suite::Aes256Tag32),
    ("AES_CM_256_HMAC_SHA1_80", Suite::Aes256Tag80),
    ("AES_CM_256_HMAC_SHA1_32", Suite::Aes256Tag32),
];

/// What one leg offers and answers with. The same secret gives the same keys, so a re-offer keeps them.
#[derive(Clone, Default)]
pub struct Protection {
    policy: Srtp,
    secret: [u8; 32],
    /// The peer has used RTP/SAVP, so we do.
    savp: bool,
}

impl core::fmt::Debug for Protection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} (keys not shown)", self.policy)
    }
}

/// A `crypto` attribute that both sides can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    tag: u32,
    pub(super) keys: SrtpKeys,
}

/// The `crypto` attribute of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    tag: u32,
    key: SrtpKey,
}

/// What a description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Offer,
    Answer,
}

impl Protection {
    /// For one leg: `origin` is secret, `number` differs from leg to leg.
    pub fn new(policy: Srtp, origin: &[u8; 32], number: u64) -> Self {
        let secret = Sha256::new_with_prefix(origin).chain_update(b"srtp").chain_update(number.to_be_bytes());
        Self { policy, secret: secret.finalize().into(), savp: policy == Srtp::Required }
    }

    /// Our own key.
    fn key(&self, suite: Suite) -> Option<SrtpKey> {
        let half = |n: u8| Sha256::new_with_prefix(self.secret).chain_update([suite as u8, n]).finalize();
        let mut material = [0; SRTP_MATERIAL_BYTES];
        material.iter_mut().zip(half(0).into_iter().chain(half(1))).for_each(|(octet, bits)| *octet = bits);
        SrtpKey::new(suite, material.get(..suite.material_bytes())?, 0)
    }

    /// The profile and the attributes of an offer of ours.
    pub(super) fn offered(&self) -> (&'static str, String) {
        let profile = if self.savp { "RTP/SAVP" } else { "RTP/AVP" };
        if self.policy == Srtp::Off {
            return (profile, String::new());
        }
        let keys = OFFERED.into_iter().filter_map(|suite| self.key(suite));
        (profile, (1..).zip(keys).map(|(tag, key)| attribute(tag, &key)).collect())
    }

    /// Notes the profile of the stream that both sides agreed on.
    pub(super) fn settled(&mut self, savp: bool) {
        self.savp |= savp && self.policy != Srtp::Off;
    }

    /// What the policy makes of one stream of the other side: whether its profile is RTP/SAVP, and its `crypto` attributes.
    pub(super) fn agree<'a>(
        &self,
        savp: bool,
        attributes: impl Iterator<Item = &'a str>,
        role: Role,
    ) -> Result<Option<Agreed>, NoMatch> {
        if self.policy == Srtp::Off {
            return if savp { Err(NoMatch::Encrypted) } else { Ok(None) };
        }
        let mut any = false;
        let agreed =
            attributes.inspect(|_| any = true).filter_map(read).find_map(|line| self.with(line, role));
        match agreed {
            Some(agreed) => Ok(Some(agreed)),
            // RFC 4568 §5.1.2 and §7.1.3: without a usable key there is no such stream; in the clear it could be another.
            None if savp || (any && role == Role::Answer) => Err(NoMatch::NoKey),
            None if self.policy == Srtp::Required => Err(NoMatch::Clear),
            None => Ok(None),
        }
    }

    fn with(&self, line: Line, role: Role) -> Option<Agreed> {
        let suite = line.key.suite();
        // RFC 4568 §5.1.3: an answer has the tag and the suite of one of the offered.
        let ours = |tag: u32| OFFERED.get(usize::try_from(tag).ok()?.checked_sub(1)?).copied();
        if role == Role::Answer && ours(line.tag) != Some(suite) {
            return None;
        }
        Some(Agreed { tag: line.tag, keys: SrtpKeys { ours: self.key(suite)?, theirs: line.key } })
    }
}

impl Agreed {
    /// Our attribute in the answer, RFC 4568 §5.1.2: the tag that was offered, and our key.
    pub(super) fn answered(&self) -> String {
        attribute(self.tag, &self.keys.ours)
    }
}

fn attribute(tag: u32, key: &SrtpKey) -> String {
    let name = NAMES.iter().find(|(_, suite)| *suite == key.suite()).map_or("", |(name, _)| name);
    let mut text = [0; SRTP_MATERIAL_BYTES.div_ceil(3) * 4];
    let material = Base64::encode(key.expose(), &mut text).unwrap_or_default();
    format!("a=crypto:{tag} {name} inline:{material}\r\n")
}

/// Reads one attribute, RFC 4568 §9.1. `None` is one that we cannot do: other suites, several keys at once, a session
/// parameter that changes what is encrypted or derived.
fn read(value: &str) -> Option<Line> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next().filter(|tag| tag.len() <= 9)?.parse().ok()?;
    let name = words.next()?;
    let suite = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, suite)| *suite)?;
    let key = key(words.next()?, suite)?;
    words.all(is_harmless).then_some(Line { tag, key })
}

/// RFC 4568 §6.3.6: a hint at the size of the window; §6.3.7: an extension that need not be understood.
fn is_harmless(parameter: &str) -> bool {
    parameter.starts_with('-') || parameter.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("WSH="))
}

/// `inline:` key and salt, lifetime, MKI with its length. A lifetime counts at least hours: a call is shorter.
fn key(parameter: &str, suite: Suite) -> Option<SrtpKey> {
    let (method, rest) = parameter.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") || rest.contains(';') {
        return None;
    }
    let mut parts = rest.split('|');
    let mut material = [0; SRTP_MATERIAL_BYTES + 2];
    let text = parts.next()?.trim_end_matches('=');
    let material = Base64Unpadded::decode(text, &mut material).ok()?;
    let mut mki_bytes = 0;
    for part in parts {
        match part.split_once(':') {
            Some((_, length)) => {
                mki_bytes = length.parse().ok().filter(|length| (1..=128).contains(length))?
            }
            None if part.strip_prefix("2^").unwrap_or(part).parse::<u64>().is_ok() => {}
            None => return None,
        }
    }
    SrtpKey::new(suite, material, mki_bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// The key of RFC 4568 §4.1's example.
    const KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

    fn protection(policy: Srtp) -> Protection {
        Protection::new(policy, &[7; 32], 1)
    }

    #[test]
    fn attributes_are_read_as_rfc_4568_writes_them() {
        let long = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ==";
        // Attribute with K for the key, what is understood: tag, suite and octets of MKI.
        let cases = [
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K", Some((1, Suite::Aes128Tag80, 0))),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K|2^20|1:4", Some((1, Suite::Aes128Tag80, 4))),
            ("2 aes_cm_128_hmac_sha1_32  INLINE:K|1048576", Some((2, Suite::Aes128Tag32, 0))),
            ("7 AES_CM_128_HMAC_SHA1_32 inline:K|1:1 WSH=128 -x=1", Some((7, Suite::Aes128Tag32, 1))),
            ("3 AES_256_CM_HMAC_SHA1_80 inline:L", Some((3, Suite::Aes256Tag80, 0))),
            ("3 AES_CM_256_HMAC_SHA1_32 inline:L", Some((3, Suite::Aes256Tag32, 0))),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:L", None),
            ("1 AES_256_CM_HMAC_SHA1_80 inline:K", None),
            ("1 F8_128_HMAC_SHA1_80 inline:K", None),
            ("1 AEAD_AES_128_GCM inline:K", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K|2^20|1:4;inline:K|2^20|2:4", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K|1:129", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K|x", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K UNENCRYPTED_SRTP", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K UNENCRYPTED_SRTCP", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K UNAUTHENTICATED_SRTP", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K KDR=1", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K FEC_ORDER=FEC_SRTP", None),
            ("1 AES_CM_128_HMAC_SHA1_80 uri:K", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:", None),
            ("1 AES_CM_128_HMAC_SHA1_80 inline:K*", None),
            ("1 AES_CM_128_HMAC_SHA1_80", None),
            ("1234567890 AES_CM_128_HMAC_SHA1_80 inline:K", None),
            ("x", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            let line = read(&text.replace(":K", &format!(":{KEY}")).replace(":L", &format!(":{long}")));
            let found = line.map(|line| (line.tag, line.key.suite(), line.key.mki_bytes()));
            assert_eq!(found, wanted, "{text}");
        }
        let line = read(&format!("1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}")).unwrap();
        assert_eq!(line.key.expose(), b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ");
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let protection = protection(Srtp::Optional);
        let all = [Suite::Aes128Tag80, Suite::Aes128Tag32, Suite::Aes256Tag80, Suite::Aes256Tag32];
        for suite in all {
            let key = protection.key(suite).unwrap();
            let text = attribute(9, &key);
            let value = text.trim_end().strip_prefix("a=crypto:").unwrap();
            assert_eq!(read(value), Some(Line { tag: 9, key }), "{text}");
        }
        let keys: Vec<_> =
            all.iter().map(|suite| protection.key(*suite).unwrap().expose()[..16].to_vec()).collect();
        assert!((0..4).all(|i| (0..i).all(|j| keys[i] != keys[j])), "no key serves two suites");
        let other = Protection::new(Srtp::Optional, &[7; 32], 2);
        assert_ne!(other.key(Suite::Aes128Tag80), protection.key(Suite::Aes128Tag80), "nor two legs");
    }

    /// Whether it is encrypted, by off, optional and required.
    type Decided = [Result<bool, NoMatch>; 3];

    #[test]
    fn the_policy_decides() {
        use NoMatch::{Clear, Encrypted, NoKey};
        let good = format!("2 AES_CM_128_HMAC_SHA1_32 inline:{KEY}");
        let bad = "1 F8_128_HMAC_SHA1_80 inline:x";
        // Of RTP/SAVP, its attributes; then what off, optional and required make of it as an offer, and as an answer.
        let cases: [(bool, Vec<&str>, Decided, Decided); 6] = [
            (false, vec![], [Ok(false), Ok(false), Err(Clear)], [Ok(false), Ok(false), Err(Clear)]),
            (false, vec![bad, &good], [Ok(false), Ok(true), Ok(true)], [Ok(false), Ok(true), Ok(true)]),
            (false, vec![bad], [Ok(false), Ok(false), Err(Clear)], [Ok(false), Err(NoKey), Err(NoKey)]),
            (
                true,
                vec![],
                [Err(Encrypted), Err(NoKey), Err(NoKey)],
                [Err(Encrypted), Err(NoKey), Err(NoKey)],
            ),
            (
                true,
                vec![bad],
                [Err(Encrypted), Err(NoKey), Err(NoKey)],
                [Err(Encrypted), Err(NoKey), Err(NoKey)],
            ),
            (true, vec![&good], [Err(Encrypted), Ok(true), Ok(true)], [Err(Encrypted), Ok(true), Ok(true)]),
        ];
        for (savp, attributes, offered, answered) in cases {
            for (role, wanted) in [(Role::Offer, offered), (Role::Answer, answered)] {
                let found = [Srtp::Off, Srtp::Optional, Srtp::Required]
                    .map(|policy| protection(policy).agree(savp, attributes.iter().copied(), role))
                    .map(|agreed| agreed.map(|agreed| agreed.is_some()));
                assert_eq!(found, wanted, "{role:?} {savp} {attributes:?}");
            }
        }
        let strange = format!("5 AES_CM_128_HMAC_SHA1_32 inline:{KEY}");
        let answer = |text: &str| protection(Srtp::Optional).agree(true, [text].into_iter(), Role::Answer);
        assert_eq!(answer(&strange), Err(NoKey), "a tag that was not offered");
        assert_eq!(answer(&good.replace("2 ", "1 ")), Err(NoKey), "the tag of another suite");
    }
}

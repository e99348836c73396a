//! SRTP and SRTCP, RFC 3711: what leaves is encrypted and signed, what arrives is checked and opened, in place.
//!
//! The ciphers are crates; here are the packet's form, the index that no packet carries whole, and the window against
//! replay. Nothing is allocated.

use crate::units::{SRTP_SALT_BYTES, SrtpKey, Suite};
use aes::cipher::{InnerIvInit, StreamCipherCore};
use aes::{Aes128Enc, Aes256Enc};
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The most that protection adds behind a packet: SRTCP's index and a tag of 80 bits, RFC 3711 §3.4.
pub const TAIL_BYTES: usize = RTCP_INDEX_BYTES + RTCP_TAG_BYTES;
/// RFC 3711 §5.2: 80 bits; RFC 4568 §6.2.2: with the short tag, too.
const RTCP_TAG_BYTES: usize = 10;
const RTCP_INDEX_BYTES: usize = 4;
/// RTCP's header and sender stay readable, RFC 3711 §3.4.
const RTCP_CLEAR_BYTES: usize = 8;
/// The E flag beside SRTCP's index: the packet is encrypted.
const ENCRYPTED: u32 = 1 << 31;
/// SRTP's index has 48 bits, RFC 3711 §3.3.1; past them the key is used up.
const INDICES: u64 = 1 << 48;
/// Synchronisation sources known at once under one key: a peer changes its own with each announcement it plays.
const SOURCES: usize = 4;

/// Why a packet is not protected or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not RTP or RTCP, cut short, or there is no room behind it.
    Malformed,
    /// The tag is wrong: not the peer's, changed on its way, or of another key.
    Forged,
    /// Seen before, or too old to tell.
    Replayed,
    /// The key has no numbers left, or more sources than it may send as.
    Exhausted,
}

/// Whether this is RTCP, RFC 5761 §4: packet types 192 to 223.
pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|t| (192..=223).contains(t))
}

#[allow(clippy::large_enum_variant)] // The larger one is room that the smaller one leaves empty: no box, for no allocation.
enum Cipher {
    Aes128(Aes128Enc),
    Aes256(Aes256Enc),
}

impl Cipher {
    /// Of 16 or 32 octets.
    fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128Enc::new_from_slice(key).ok().map(Self::Aes128),
            _ => Aes256Enc::new_from_slice(key).ok().map(Self::Aes256),
        }
    }

    /// AES in counter mode, RFC 3711 §4.1.1: the last two octets of the start value count blocks.
    fn apply(&self, start: [u8; 16], text: &mut [u8]) {
        match self {
            Self::Aes128(aes) => {
                CtrCore::<_, Ctr128BE>::inner_iv_init(aes, &start.into()).apply_keystream_partial(text.into())
            }
            Self::Aes256(aes) => {
                CtrCore::<_, Ctr128BE>::inner_iv_init(aes, &start.into()).apply_keystream_partial(text.into())
            }
        }
    }

    /// The key derivation function with a rate of 0, RFC 3711 §4.3.1 and §4.3.3.
    fn derive<const N: usize>(&self, salt: [u8; SRTP_SALT_BYTES], label: u8) -> [u8; N] {
        let mut start = [0; 16];
        start[..SRTP_SALT_BYTES].copy_from_slice(&salt);
        start[7] ^= label;
        let mut derived = [0; N];
        self.apply(start, &mut derived);
        derived
    }
}

/// What one of the two protocols uses.
struct Half {
    cipher: Cipher,
    salt: [u8; SRTP_SALT_BYTES],
    signer: Hmac<Sha1>,
}

impl Half {
    /// Derives the session keys; `label` is the first of three, RFC 3711 §4.3.2.
    fn new(key: &SrtpKey, label: u8) -> Option<Self> {
        let (master, salt) = key.expose().split_at_checked(key.suite().key_bytes())?;
        let (master, salt) = (Cipher::new(master)?, salt.try_into().ok()?);
        let cipher = match key.suite() {
            Suite::Aes128Tag80 | Suite::Aes128Tag32 => Cipher::new(&master.derive::<16>(salt, label)),
            Suite::Aes256Tag80 | Suite::Aes256Tag32 => Cipher::new(&master.derive::<32>(salt, label)),
        };
        let signer = Hmac::new_from_slice(&master.derive::<20>(salt, label + 1)).ok()?;
        Some(Self { cipher: cipher?, salt: master.derive(salt, label + 2), signer })
    }

    fn apply(&self, ssrc: u32, index: u64, text: &mut [u8]) {
        let mut start = [0; 16];
        start[..SRTP_SALT_BYTES].copy_from_slice(&self.salt);
        // RFC 3711 §4.1.1: salt · 2^16 ⊕ SSRC · 2^64 ⊕ index · 2^16.
        let mix = u128::from(ssrc) << 64 | u128::from(index) << 16;
        self.cipher.apply((u128::from_be_bytes(start) ^ mix).to_be_bytes(), text);
    }

    /// RFC 3711 §4.2: over the packet and, for RTP, the count of rounds that it does not carry.
    fn signed(&self, packet: &[u8], rounds: Option<u32>) -> Hmac<Sha1> {
        let mut signer = self.signer.clone();
        signer.update(packet);
        if let Some(rounds) = rounds {
            signer.update(&rounds.to_be_bytes());
        }
        signer
    }
}

/// The indices of one stream: the highest so far, and which of the 128 up to it were there.
#[derive(Clone, Copy, Default)]
struct Window {
    highest: Option<u64>,
    seen: u128,
    /// The key has changed, and nothing came under it yet.
    rekeyed: bool,
}

impl Window {
    /// RFC 3711 §3.3.1: the index nearest to the highest so far that ends in this sequence number.
    fn guess(&self, sequence: u16) -> Option<u64> {
        let Some(highest) = self.highest else { return Some(sequence.into()) };
        let step = sequence.wrapping_sub(highest as u16) as i16;
        highest.checked_add_signed(step.into()).filter(|index| *index < INDICES)
    }

    /// RFC 3711 §3.3.2: neither seen nor older than the window.
    fn is_fresh(&self, index: u64) -> bool {
        match self.highest {
            Some(highest) if index <= highest && !self.rekeyed => {
                let behind = highest - index;
                behind < 128 && self.seen & 1 << behind == 0
            }
            _ => true,
        }
    }

    fn note(&mut self, index: u64) {
        match self.highest.filter(|_| !self.rekeyed) {
            Some(highest) if index <= highest => {
                self.seen |= 1_u128.checked_shl((highest - index) as u32).unwrap_or(0);
            }
            Some(highest) => {
                let ahead = u32::try_from(index - highest).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
                self.highest = Some(index);
            }
            None => *self = Self { highest: Some(index), seen: 1, rekeyed: false },
        }
    }
}

/// One synchronisation source.
#[derive(Clone, Copy, Default)]
struct Source {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
    /// When it was last heard, in packets of this context; 0: never, the place is free.
    used: u64,
}

/// Which numbers go on under another key.
#[derive(Clone, Copy, Default)]
struct Sources {
    all: [Source; SOURCES],
    packets: u64,
}

impl Sources {
    fn find(&self, ssrc: u32) -> Option<&Source> {
        self.all.iter().find(|source| source.used > 0 && source.ssrc == ssrc)
    }

    /// The place of this source, which is made if needed: a free one, or (`evict`) that of the one silent longest.
    fn place(&mut self, ssrc: u32, evict: bool) -> Option<&mut Source> {
        self.packets += 1;
        let known = self.all.iter().position(|source| source.used > 0 && source.ssrc == ssrc);
        let free = || self.all.iter().enumerate().min_by_key(|(_, source)| source.used).map(|(at, _)| at);
        let at = known.or_else(free)?;
        let source = self.all.get_mut(at)?;
        if known.is_none() {
            if source.used > 0 && !evict {
                return None;
            }
            *source = Source { ssrc, ..Source::default() };
        }
        source.used = self.packets;
        Some(source)
    }
}

/// One direction of a stream under one key: it protects, or it opens.
pub struct Context {
    key: SrtpKey,
    rtp: Half,
    rtcp: Half,
    sources: Sources,
}

impl Context {
    /// Nothing sent or received yet. `None` never: every [`SrtpKey`] has its length.
    pub fn new(key: SrtpKey) -> Option<Self> {
        let (rtp, rtcp) = (Half::new(&key, 0)?, Half::new(&key, 3)?);
        Some(Self { key, rtp, rtcp, sources: Sources::default() })
    }

    /// Another key from here on. RFC 3711 §3.3.1: the rounds go on counting; the window is a new one, for no packet was
    /// seen under this key.
    pub fn change(&mut self, key: SrtpKey) {
        if key == self.key {
            return;
        }
        let mut sources = self.sources;
        for source in &mut sources.all {
            (source.rtp.rekeyed, source.rtcp.rekeyed) = (true, true);
        }
        if let Some(fresh) = Self::new(key) {
            *self = Self { sources, ..fresh };
        }
    }

    /// Protects the packet in the first `length` octets: RTP or RTCP, told apart by its type. Returns the length that it
    /// has then; [`TAIL_BYTES`] of room behind it are enough.
    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Fault> {
        let packet = buffer.get(..length).ok_or(Fault::Malformed)?;
        if is_rtcp(packet) { self.protect_rtcp(buffer, length) } else { self.protect_rtp(buffer, length) }
    }

    /// A packet leaves in the clear: its number is used up as well, so that the rounds go on counting.
    pub fn pass(&mut self, packet: &[u8]) {
        let Some(head) = Head::read(packet).ok().filter(|_| !is_rtcp(packet)) else { return };
        let Some(source) = self.sources.place(head.ssrc, false) else { return };
        if let Some(index) = source.rtp.guess(head.sequence).filter(|index| source.rtp.is_fresh(*index)) {
            source.rtp.note(index);
        }
    }

    /// Opens a packet, RTP or RTCP. Returns the length of what was protected. A packet that is refused may be changed only
    /// if it is the peer's.
    pub fn open(&mut self, packet: &mut [u8]) -> Result<usize, Fault> {
        if is_rtcp(packet) { self.open_rtcp(packet) } else { self.open_rtp(packet) }
    }

    fn protect_rtp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Fault> {
        let tag_bytes = self.key.suite().tag_bytes();
        let (packet, room) = buffer.split_at_mut_checked(length).ok_or(Fault::Malformed)?;
        let (head, tag) = (Head::read(packet)?, room.get_mut(..tag_bytes).ok_or(Fault::Malformed)?);
        // Sources are never forgotten here: coming back to one, its numbers and so the key's stream would be used twice.
        let source = self.sources.place(head.ssrc, false).ok_or(Fault::Exhausted)?;
        let index = source.rtp.guess(head.sequence).ok_or(Fault::Exhausted)?;
        if !source.rtp.is_fresh(index) {
            return Err(Fault::Replayed);
        }
        source.rtp.note(index);
        self.rtp.apply(head.ssrc, index, packet.get_mut(head.bytes..).ok_or(Fault::Malformed)?);
        let signature = self.rtp.signed(packet, Some(rounds(index))).finalize().into_bytes();
        tag.iter_mut().zip(signature).for_each(|(octet, signed)| *octet = signed);
        Ok(length + tag_bytes)
    }

    fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, Fault> {
        let tail = self.key.suite().tag_bytes() + self.key.mki_bytes();
        let (length, tag_at) = cut(packet, tail, self.key.mki_bytes())?;
        let (text, tag) = packet.split_at_mut_checked(tag_at).ok_or(Fault::Malformed)?;
        let text = text.get_mut(..length).ok_or(Fault::Malformed)?;
        let head = Head::read(text)?;
        let known = self.sources.find(head.ssrc);
        let guess = known.map_or(Some(u64::from(head.sequence)), |source| source.rtp.guess(head.sequence));
        let other = match known {
            // Some peers begin to count rounds anew with a new key.
            Some(source) if source.rtp.rekeyed => Some(u64::from(head.sequence)),
            Some(_) => None,
            // It may have spoken, and gone past 65,535, before we listened.
            None => Some(1 << 16 | u64::from(head.sequence)),
        };
        let is_signed =
            |index: &u64| self.rtp.signed(text, Some(rounds(*index))).verify_truncated_left(tag).is_ok();
        let guess = guess.ok_or(Fault::Replayed)?;
        // RFC 3711 §3.3: the window is looked at before the tag, which costs more.
        if !known.is_none_or(|source| source.rtp.is_fresh(guess)) {
            return Err(Fault::Replayed);
        }
        let index = [Some(guess), other].into_iter().flatten().find(is_signed).ok_or(Fault::Forged)?;
        let source = self.sources.place(head.ssrc, true).ok_or(Fault::Exhausted)?;
        source.rtp.note(index);
        self.rtp.apply(head.ssrc, index, text.get_mut(head.bytes..).ok_or(Fault::Malformed)?);
        Ok(length)
    }

    fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Fault> {
        let end = length + RTCP_INDEX_BYTES;
        let ssrc = sender(buffer.get(..length).unwrap_or_default())?;
        let body = buffer.get_mut(..end + RTCP_TAG_BYTES).ok_or(Fault::Malformed)?;
        let source = self.sources.place(ssrc, false).ok_or(Fault::Exhausted)?;
        let index = source.rtcp.highest.map_or(0, |highest| highest + 1);
        let word = u32::try_from(index).ok().filter(|word| *word < ENCRYPTED).ok_or(Fault::Exhausted)?;
        source.rtcp.note(index);
        let (packet, tag) = body.split_at_mut_checked(end).ok_or(Fault::Malformed)?;
        let (text, trailer) = packet.split_at_mut_checked(length).ok_or(Fault::Malformed)?;
        self.rtcp.apply(ssrc, index, text.get_mut(RTCP_CLEAR_BYTES..).ok_or(Fault::Malformed)?);
        trailer.copy_from_slice(&(word | ENCRYPTED).to_be_bytes());
        let signature = self.rtcp.signed(packet, None).finalize().into_bytes();
        tag.iter_mut().zip(signature).for_each(|(octet, signed)| *octet = signed);
        Ok(end + RTCP_TAG_BYTES)
    }

    fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Fault> {
        let tail = RTCP_TAG_BYTES + self.key.mki_bytes();
        let (signed, tag_at) = cut(packet, tail, self.key.mki_bytes())?;
        let (packet, tag) = packet.split_at_mut_checked(tag_at).ok_or(Fault::Malformed)?;
        let packet = packet.get_mut(..signed).ok_or(Fault::Malformed)?;
        let length = signed.checked_sub(RTCP_INDEX_BYTES).ok_or(Fault::Malformed)?;
        let ssrc = sender(packet.get(..length).unwrap_or_default())?;
        let word: [u8; 4] = packet.get(length..).and_then(|w| w.try_into().ok()).ok_or(Fault::Malformed)?;
        let word = u32::from_be_bytes(word);
        let index = u64::from(word & !ENCRYPTED);
        let known = self.sources.find(ssrc);
        if !known.is_none_or(|source| source.rtcp.is_fresh(index)) {
            return Err(Fault::Replayed);
        }
        self.rtcp.signed(packet, None).verify_truncated_left(tag).map_err(|_| Fault::Forged)?;
        let source = self.sources.place(ssrc, true).ok_or(Fault::Exhausted)?;
        source.rtcp.note(index);
        if word & ENCRYPTED != 0 {
            let text = packet.get_mut(RTCP_CLEAR_BYTES..length).ok_or(Fault::Malformed)?;
            self.rtcp.apply(ssrc, index, text);
        }
        Ok(length)
    }
}

/// Times that the sequence number has gone round.
const fn rounds(index: u64) -> u32 {
    (index >> 16) as u32
}

/// Where the signed part of a packet with such a tail ends, and where its tag begins behind the identifier.
fn cut(packet: &[u8], tail: usize, mki: usize) -> Result<(usize, usize), Fault> {
    let length = packet.len().checked_sub(tail).ok_or(Fault::Malformed)?;
    Ok((length, length + mki))
}

/// What of an RTP header is needed here.
struct Head {
    ssrc: u32,
    sequence: u16,
    /// Octets that stay readable: header, contributors and extension, RFC 3711 §3.1.
    bytes: usize,
}

impl Head {
    fn read(packet: &[u8]) -> Result<Self, Fault> {
        let (Some([first, _, s1, s0, _, _, _, _, a, b, c, d]), true) =
            (packet.first_chunk::<12>(), packet.first().is_some_and(|first| first >> 6 == 2))
        else {
            return Err(Fault::Malformed);
        };
        let mut bytes = 12 + 4 * usize::from(first & 15);
        if first & 0x10 != 0 {
            let words = packet.get(bytes + 2..bytes + 4).ok_or(Fault::Malformed)?;
            bytes += 4 + 4 * words.iter().fold(0, |n, octet| n << 8 | usize::from(*octet));
        }
        let head = Self {
            ssrc: u32::from_be_bytes([*a, *b, *c, *d]),
            sequence: u16::from_be_bytes([*s1, *s0]),
            bytes,
        };
        if bytes <= packet.len() { Ok(head) } else { Err(Fault::Malformed) }
    }
}

/// The sender of an RTCP packet.
fn sender(packet: &[u8]) -> Result<u32, Fault> {
    match packet.first_chunk::<RTCP_CLEAR_BYTES>() {
        Some([first, _, _, _, ssrc @ ..]) if first >> 6 == 2 => Ok(u32::from_be_bytes(*ssrc)),
        _ => Err(Fault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    const MASTER: &str = "E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6";

    fn key(suite: Suite, mki: u8) -> SrtpKey {
        let material: Vec<u8> = (0..suite.material_bytes()).map(|n| n as u8).collect();
        SrtpKey::new(suite, &material, mki).unwrap()
    }

    fn pair(suite: Suite) -> (Context, Context) {
        (Context::new(key(suite, 0)).unwrap(), Context::new(key(suite, 0)).unwrap())
    }

    /// An RTP packet with 20 octets of payload.
    fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
        let mut packet = vec![0x80, 8];
        packet.extend(sequence.to_be_bytes());
        packet.extend([0, 0, 0, 1]);
        packet.extend(ssrc.to_be_bytes());
        packet.extend([0x55; 20]);
        packet
    }

    fn protected(context: &mut Context, packet: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + TAIL_BYTES, 0);
        let length = context.protect(&mut buffer, packet.len())?;
        buffer.truncate(length);
        Ok(buffer)
    }

    fn opened(context: &mut Context, packet: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut packet = packet.to_vec();
        let length = context.open(&mut packet)?;
        packet.truncate(length);
        Ok(packet)
    }

    #[test]
    fn the_key_stream_of_rfc_3711_b_2() {
        let cipher = Cipher::new(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
        let mut text = [0; 48];
        cipher.apply(hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000").try_into().unwrap(), &mut text);
        let wanted = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0";
        assert_eq!(text.to_vec(), hex(wanted));
    }

    #[test]
    fn session_keys_are_derived_as_rfc_3711_b_3_says() {
        let material = hex(MASTER);
        let (master, salt) = (Cipher::new(&material[..16]).unwrap(), material[16..].try_into().unwrap());
        assert_eq!(master.derive::<16>(salt, 0).to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
        assert_eq!(master.derive::<14>(salt, 2).to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
        let signing = "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4 8F0A0ACF3C34E2359E6CDBCEE049646C";
        assert_eq!(master.derive::<36>(salt, 1).to_vec(), hex(signing));
    }

    #[test]
    fn session_keys_of_256_bits_are_derived_as_rfc_6188_7_4_says() {
        let master = hex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6");
        let salt = hex("3b04803de51ee7c96423ab5b78d2").try_into().unwrap();
        let master = Cipher::new(&master).unwrap();
        let cipher = "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4";
        assert_eq!(master.derive::<32>(salt, 0).to_vec(), hex(cipher));
        assert_eq!(master.derive::<14>(salt, 2).to_vec(), hex("fa31791685ca444a9e07c6c64e93"));
        assert_eq!(master.derive::<20>(salt, 1).to_vec(), hex("fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"));
    }

    /// What other implementations make of the keys of RFC 3711 B.3.
    #[test]
    fn packets_are_those_of_other_implementations() {
        let key = SrtpKey::new(Suite::Aes128Tag80, &hex(MASTER), 0).unwrap();
        let plain = hex("800f1234decafbadcafebabe abababababababababababababababab");
        let sealed = hex("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb");
        assert_eq!(protected(&mut Context::new(key).unwrap(), &plain), Ok(sealed.clone()));
        assert_eq!(opened(&mut Context::new(key).unwrap(), &sealed), Ok(plain));
        let plain = hex("81c8000bcafebabe abababababababababababababababab");
        let sealed = hex("81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798");
        let mut sender = Context::new(key).unwrap();
        protected(&mut sender, &plain).unwrap();
        assert_eq!(protected(&mut sender, &plain), Ok(sealed.clone()));
        assert_eq!(opened(&mut Context::new(key).unwrap(), &sealed), Ok(plain));
    }

    #[test]
    fn every_suite_opens_what_it_protects_and_nothing_else() {
        for suite in [Suite::Aes128Tag80, Suite::Aes128Tag32, Suite::Aes256Tag80, Suite::Aes256Tag32] {
            let (mut sender, mut receiver) = pair(suite);
            let rtcp = hex("80c90001cafebabe 0102030405060708");
            for (plain, more) in [(rtp(7, 1), suite.tag_bytes()), (rtcp, TAIL_BYTES)] {
                let sealed = protected(&mut sender, &plain).unwrap();
                assert_eq!(sealed.len(), plain.len() + more, "{suite:?}");
                for bit in 0..sealed.len() * 8 {
                    let mut changed = sealed.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    assert!(opened(&mut receiver, &changed).is_err(), "{suite:?}: bit {bit}");
                }
                assert_eq!(opened(&mut receiver, &sealed), Ok(plain), "{suite:?}");
                assert_eq!(opened(&mut receiver, &sealed), Err(Fault::Replayed), "{suite:?}");
            }
        }
        let (mut sender, _) = pair(Suite::Aes128Tag80);
        let sealed = protected(&mut sender, &rtp(7, 1)).unwrap();
        assert_eq!(opened(&mut pair(Suite::Aes256Tag80).1, &sealed), Err(Fault::Forged));
    }

    #[test]
    fn contributors_and_extension_stay_readable() {
        let (mut sender, mut receiver) = pair(Suite::Aes128Tag80);
        let mut plain = hex("9100 0001 00000002 00000003 09090909 bede0001 05050505");
        let head = plain.len();
        plain.extend(*b"payload");
        let sealed = protected(&mut sender, &plain).unwrap();
        assert_eq!(sealed[..head], plain[..head]);
        assert_ne!(sealed[head..plain.len()], plain[head..]);
        assert_eq!(opened(&mut receiver, &sealed), Ok(plain));
    }

    #[test]
    fn the_index_is_guessed_across_the_wrap_in_any_order() {
        // RFC 3711 §3.3.1: rounds are counted by both ends alike, though packets are lost and overtake each other.
        let (mut sender, mut receiver) = pair(Suite::Aes128Tag80);
        for sequence in [65_000, 65_534, 65_535, 1, 0, 65_533, 30_000, 60_000, 3] {
            let sealed = protected(&mut sender, &rtp(7, sequence)).unwrap();
            if sequence != 65_535 {
                assert_eq!(opened(&mut receiver, &sealed), Ok(rtp(7, sequence)), "{sequence}");
            }
        }
        assert_eq!(sender.sources.find(7).unwrap().rtp.highest, Some(2 << 16 | 3));
    }

    #[test]
    fn who_listens_late_finds_the_round() {
        let (mut sender, mut receiver) = pair(Suite::Aes128Tag80);
        for sequence in [65_534, 65_535, 0] {
            protected(&mut sender, &rtp(7, sequence)).unwrap();
        }
        let sealed = protected(&mut sender, &rtp(7, 1)).unwrap();
        assert_eq!(opened(&mut receiver, &sealed), Ok(rtp(7, 1)));
    }

    #[test]
    fn replay_is_refused_within_the_window_and_behind_it() {
        let (mut sender, mut receiver) = pair(Suite::Aes128Tag32);
        let packets: Vec<_> = (0..300).map(|n| protected(&mut sender, &rtp(7, n)).unwrap()).collect();
        // Each even one, then each odd one of the last 128, from behind.
        for n in (0..300).step_by(2) {
            assert!(opened(&mut receiver, &packets[n]).is_ok(), "{n}");
        }
        for n in (1..298).rev().step_by(2) {
            assert_eq!(opened(&mut receiver, &packets[n]).is_ok(), n > 298 - 128, "{n}");
        }
        for (n, packet) in packets.iter().enumerate().take(299) {
            assert_eq!(opened(&mut receiver, packet), Err(Fault::Replayed), "{n}");
        }
    }

    #[test]
    fn a_sender_never_uses_a_number_twice() {
        let (mut sender, _) = pair(Suite::Aes128Tag80);
        assert!(protected(&mut sender, &rtp(7, 10)).is_ok());
        assert!(protected(&mut sender, &rtp(7, 9)).is_ok(), "overtaken on its way through the box");
        assert_eq!(protected(&mut sender, &rtp(7, 10)), Err(Fault::Replayed));
        for ssrc in 1..=SOURCES as u32 {
            let other = protected(&mut sender, &rtp(100 + ssrc, 1));
            assert_eq!(other.is_ok(), ssrc < SOURCES as u32, "source {ssrc}");
        }
        assert_eq!(protected(&mut sender, &rtp(200, 1)), Err(Fault::Exhausted));
        sender.sources.all[0].rtp.highest = Some(INDICES - 1);
        assert_eq!(protected(&mut sender, &rtp(7, 0)), Err(Fault::Exhausted), "the last round is over");
    }

    #[test]
    fn a_peer_may_change_its_source_as_often_as_it_likes() {
        let (_, mut receiver) = pair(Suite::Aes128Tag80);
        for ssrc in 0..100 {
            let (mut sender, _) = pair(Suite::Aes128Tag80);
            for sequence in 0..3 {
                let sealed = protected(&mut sender, &rtp(ssrc, sequence)).unwrap();
                assert!(opened(&mut receiver, &sealed).is_ok());
            }
        }
        let mut forged = rtp(5000, 1);
        forged.extend([0; 10]);
        assert_eq!(opened(&mut receiver, &forged), Err(Fault::Forged));
        assert!(receiver.sources.find(5000).is_none(), "a stranger takes no place");
    }

    #[test]
    fn another_key_goes_on_with_the_numbers() {
        let (mut sender, mut receiver) = pair(Suite::Aes128Tag80);
        for sequence in [65_534, 65_535, 0, 1] {
            let sealed = protected(&mut sender, &rtp(7, sequence)).unwrap();
            assert!(opened(&mut receiver, &sealed).is_ok());
        }
        let late = protected(&mut sender, &rtp(7, 2)).unwrap();
        let next = SrtpKey::new(Suite::Aes128Tag80, &hex(MASTER), 0).unwrap();
        sender.change(next);
        receiver.change(next);
        assert_eq!(opened(&mut receiver, &late), Err(Fault::Forged), "of the old key");
        // RFC 3711 §3.3.1: rounds go on; a peer that begins anew is understood as well.
        let sealed = protected(&mut sender, &rtp(7, 3)).unwrap();
        assert_eq!(opened(&mut receiver, &sealed), Ok(rtp(7, 3)));
        assert_eq!(opened(&mut receiver, &sealed), Err(Fault::Replayed));
        let other = key(Suite::Aes256Tag80, 0);
        receiver.change(other);
        let sealed = protected(&mut Context::new(other).unwrap(), &rtp(7, 4)).unwrap();
        assert_eq!(opened(&mut receiver, &sealed), Ok(rtp(7, 4)));
        receiver.change(other);
        assert_eq!(opened(&mut receiver, &sealed), Err(Fault::Replayed), "the same key changes nothing");
    }

    #[test]
    fn a_master_key_identifier_is_left_out() {
        let mut sender = Context::new(key(Suite::Aes128Tag80, 0)).unwrap();
        let mut receiver = Context::new(key(Suite::Aes128Tag80, 4)).unwrap();
        for plain in [rtp(7, 1), hex("80c90001cafebabe0102030405060708")] {
            let mut sealed = protected(&mut sender, &plain).unwrap();
            let at = sealed.len() - 10;
            sealed.splice(at..at, [0, 0, 0, 1]);
            assert_eq!(opened(&mut receiver, &sealed), Ok(plain));
        }
    }

    #[test]
    fn no_octets_whatever_do_harm() {
        // SplitMix64, so that a failure can be repeated.
        let mut seed = 1u64;
        let mut dice = move || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z ^ (z >> 27)
        };
        let (mut sender, mut receiver) = pair(Suite::Aes128Tag32);
        let mut identified = Context::new(key(Suite::Aes256Tag80, 128)).unwrap();
        for round in 0..20_000u64 {
            let mut packet: Vec<u8> = (0..dice() % 80).map(|_| dice() as u8).collect();
            if round % 2 == 0
                && let [first, kind, ..] = packet.as_mut_slice()
            {
                (*first, *kind) = (0x80 | *first & 0x3f, if round % 4 == 0 { 200 } else { *kind });
            }
            assert!(opened(&mut receiver, &packet).is_err());
            assert!(opened(&mut identified, &packet).is_err());
            if let Ok(sealed) = protected(&mut sender, &packet) {
                let mut short = packet.clone();
                let length = short.len();
                assert_eq!(pair(Suite::Aes128Tag32).0.protect(&mut short, length), Err(Fault::Malformed));
                assert!(sealed.len() > packet.len());
            }
        }
    }

    #[test]
    fn a_key_is_never_in_print() {
        let text = format!("{:?}", key(Suite::Aes128Tag80, 0));
        assert_eq!(text, "Aes128Tag80 (key not shown)");
    }
}

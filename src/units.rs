//! The quantities every room speaks in. None of them reads a clock, a socket or a file.

use core::ops::{Add, AddAssign, Index};
use core::time::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Samples per second on every telephone leg, ITU-T G.711.
pub const SAMPLE_RATE_HZ: u32 = 8_000;
/// Samples in one frame of 20 ms.
pub const FRAME_SAMPLES: usize = 160;
/// Length of one frame and of one [`Tick`].
pub const FRAME_TIME: Duration = Duration::from_millis(20);

/// Monotonic time in microseconds since the program started. Has no `now()`: see `clock`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// The start of the program.
    pub const ZERO: Self = Self(0);

    /// Time from `earlier` to `self`, zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds since the program started.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, by: Duration) {
        *self = *self + by;
    }
}

/// A count of 20 ms frames on one port or in one recording: the time of sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tick(pub u64);

impl Tick {
    /// The tick's start in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0 * 20
    }

    /// Ticks from `earlier` to `self`, zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The tick after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Wall time, milliseconds since 1970-01-01 UTC. For people and records, never for timers.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Wall(pub u64);

impl Wall {
    /// The wall time `by` later.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// 20 ms of 8 kHz linear sound, 16-bit full scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame(pub [i16; FRAME_SAMPLES]);

impl Frame {
    /// Digital silence.
    pub const SILENCE: Self = Self([0; FRAME_SAMPLES]);
}

impl Index<usize> for Frame {
    type Output = i16;
    fn index(&self, i: usize) -> &i16 {
        &self.0[i]
    }
}

/// Level relative to 0 dBm0. A full-scale sine is +3.14 dBm0 here, as in G.711 A-law.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Dbm0(pub f32);

/// One side of a call. The lowest bit says who opened it (0: the peer, 1: the box), so that the SIP core and the
/// switchboard each number their own legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(u32);

impl LegId {
    /// The `n`th leg opened by a peer.
    pub const fn incoming(n: u32) -> Self {
        Self(n << 1)
    }

    /// The `n`th leg opened by the box.
    pub const fn outgoing(n: u32) -> Self {
        Self(n << 1 | 1)
    }

    /// The box opened it, and so made its Call-ID.
    pub const fn is_outgoing(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A conversation as its owner sees it. Unique for ever: it names the record in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct CallId(pub u64);

/// A slot of the media loop's fixed table: one RTP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u16);

/// An entry of the configuration's list of peers: a trunk or a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u8);

/// Speech coding of one RTP stream. All of them have 8,000 octets in a second, and a clock as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 µ-law, static payload type 0, RFC 3551 §6.
    Pcmu,
    /// G.711 A-law, static payload type 8, RFC 3551 §6.
    Pcma,
    /// G.722, wide-band, static payload type 9, RFC 3551 §4.5.2 (whose clock says 8,000 by an old mistake). Inside the
    /// box µ-law stands in for it: see `dsp::g722`.
    G722,
}

/// How RTP and RTCP are encrypted and authenticated, RFC 4568 §6.2 and RFC 6188. Keys are derived once, RFC 3711 §4.3.1
/// with a rate of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES in counter mode with 128 bits, HMAC-SHA1 with a tag of 80 bits.
    Aes128Tag80,
    /// As before, with a tag of 32 bits for RTP (and 80 for RTCP).
    Aes128Tag32,
    /// 256 bits, a tag of 80 bits.
    Aes256Tag80,
    /// 256 bits, a tag of 32 bits for RTP.
    Aes256Tag32,
}

impl Suite {
    /// Octets of the master key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Tag80 | Self::Aes128Tag32 => 16,
            Self::Aes256Tag80 | Self::Aes256Tag32 => 32,
        }
    }

    /// Octets of the master key and the master salt behind it.
    pub const fn material_bytes(self) -> usize {
        self.key_bytes() + SRTP_SALT_BYTES
    }

    /// Octets of the tag behind each RTP packet.
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::Aes128Tag80 | Self::Aes256Tag80 => 10,
            Self::Aes128Tag32 | Self::Aes256Tag32 => 4,
        }
    }
}

/// Octets of a master salt, RFC 3711 §8.2.
pub const SRTP_SALT_BYTES: usize = 14;
/// Octets of the longest master key with its salt.
pub const SRTP_MATERIAL_BYTES: usize = 32 + SRTP_SALT_BYTES;

/// One sender's master key and salt. Its `Debug` says nothing of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SrtpKey {
    suite: Suite,
    material: [u8; SRTP_MATERIAL_BYTES],
    mki_bytes: u8,
}

impl SrtpKey {
    /// From the octets of key and salt, exactly [`Suite::material_bytes`]; `mki_bytes` (up to 128) of a master key identifier
    /// stand in each packet, RFC 3711 §3.1.
    pub fn new(suite: Suite, material: &[u8], mki_bytes: u8) -> Option<Self> {
        let mut kept = [0; SRTP_MATERIAL_BYTES];
        kept.get_mut(..suite.material_bytes())?.copy_from_slice(material.get(..suite.material_bytes())?);
        (material.len() == suite.material_bytes() && mki_bytes <= 128).then_some(Self {
            suite,
            material: kept,
            mki_bytes,
        })
    }

    /// What it is for.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Octets of the identifier in each packet.
    pub const fn mki_bytes(&self) -> usize {
        self.mki_bytes as usize
    }

    /// Key and salt, one behind the other; never for a message to a person.
    pub fn expose(&self) -> &[u8] {
        self.material.get(..self.suite.material_bytes()).unwrap_or_default()
    }
}

impl core::fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?} (key not shown)", self.suite)
    }
}

/// The keys of one stream: each side sends with its own, RFC 4568 §6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// What we send with.
    pub ours: SrtpKey,
    /// What the peer sends with.
    pub theirs: SrtpKey,
}

/// A telephone event, RFC 4733 §3.2 (0–15) and event 16, the hook flash of RFC 2833 §3.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digit(u8);

impl Digit {
    /// `*`
    pub const STAR: Self = Self(10);
    /// `#`
    pub const HASH: Self = Self(11);
    /// Hook flash.
    pub const FLASH: Self = Self(16);

    /// The event with this RFC 4733 code, if it is one a telephone sends.
    pub const fn from_event(code: u8) -> Option<Self> {
        if code <= 16 { Some(Self(code)) } else { None }
    }

    /// The event for `0`–`9`, `*`, `#`, `A`–`D` and `!` (flash).
    pub fn from_char(c: char) -> Option<Self> {
        "0123456789*#ABCD!".find(c.to_ascii_uppercase()).and_then(|i| u8::try_from(i).ok()).map(Self)
    }

    /// RFC 4733 event code.
    pub const fn event(self) -> u8 {
        self.0
    }

    /// The key's own sign; `!` for a flash.
    pub fn as_char(self) -> char {
        char::from(b"0123456789*#ABCD!"[usize::from(self.0.min(16))])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    #[test]
    fn every_digit_survives_the_way_through_text() {
        for code in 0..=16 {
            let digit = Digit::from_event(code).expect("0..=16 are events");
            assert_eq!(Digit::from_char(digit.as_char()), Some(digit));
        }
        assert_eq!(Digit::from_event(17), None);
        assert_eq!(Digit::from_char('x'), None);
    }

    #[test]
    fn time_never_wraps() {
        assert_eq!(Instant(5).since(Instant(9)), Duration::ZERO);
        assert_eq!(Instant(u64::MAX) + Duration::from_secs(1), Instant(u64::MAX));
    }
}

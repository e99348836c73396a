//! Tags, branches and jitter from one seed: the same seed gives the same messages.

use core::time::Duration;

/// SplitMix64 over a secret seed.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence that depends on `seed` alone.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A token of 16 hexadecimal digits: a tag, a branch, a Call-ID, a cnonce.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.bits())
    }

    /// A time between `from` and `to`.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let width = u64::try_from(to.saturating_sub(from).as_millis()).unwrap_or(u64::MAX).max(1);
        from + Duration::from_millis(self.bits() % width)
    }
}

/// The same 64 bits for the same seed and text: a To tag that a stateless answer repeats, RFC 3261 §8.2.7.
pub fn fingerprint(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed), |sum, byte| mix(sum ^ u64::from(byte)))
}

const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_tokens() {
        let tokens = |seed| {
            let mut random = Random::new(seed);
            [random.token(), random.token()]
        };
        assert_eq!(tokens(1), tokens(1));
        assert_ne!(tokens(1), tokens(2));
        assert_ne!(fingerprint(1, "a"), fingerprint(1, "b"));
    }

    #[test]
    fn jitter_stays_in_its_range() {
        let mut random = Random::new(7);
        for _ in 0..100 {
            let time = random.between(Duration::from_secs(2), Duration::from_secs(4));
            assert!((2_000..4_000).contains(&time.as_millis()));
        }
    }
}

//! Tags, branches and jitter from one secret: the same seed gives the same messages.
//!
//! A tag or branch is all that keeps a stranger from speaking in somebody else's dialog, and everybody whom we answer
//! sees some of them. So none may tell anything of the others: each is a hash of the secret.

use core::time::Duration;
use sha2::{Digest, Sha256};

/// Bits that nobody can foretell without the seed.
#[derive(Debug)]
pub struct Random {
    seed: u64,
    count: u64,
}

impl Random {
    /// A sequence that depends on `seed` alone.
    pub const fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.count += 1;
        hash(self.seed, b"sequence", &self.count.to_be_bytes())
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

    /// The same 64 bits each time for the same text: a To tag that a stateless answer repeats, RFC 3261 §8.2.7.
    pub fn of(&self, text: &str) -> u64 {
        hash(self.seed, b"text", text.as_bytes())
    }
}

fn hash(seed: u64, purpose: &[u8], value: &[u8]) -> u64 {
    let digest =
        Sha256::new_with_prefix(seed.to_be_bytes()).chain_update(purpose).chain_update(value).finalize();
    digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
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
        assert_ne!(tokens(1)[0], tokens(1)[1]);
        assert_eq!(Random::new(1).of("a"), Random::new(1).of("a"));
        assert_ne!(Random::new(1).of("a"), Random::new(1).of("b"));
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

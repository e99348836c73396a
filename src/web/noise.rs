//! What reads browsers' bytes is given what the fuzzer kept (`make fuzz` finds more), and that damaged at random.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{form, head};
use std::fs;
use std::path::Path;

#[path = "../../tests/fuzz/src/web/trials.rs"]
mod trials;

/// Marsaglia's xorshift64: the same seed, the same noise.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap()
    }

    /// A byte is changed, a piece that means something is put in, or bytes are cut out.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        const PIECES: [&[u8]; 16] = [
            b"\r\n",
            b"\r\n\r\n",
            b"\r",
            b"\n",
            b"\0",
            b" ",
            b": ",
            b"\"",
            b"=",
            b"&",
            b"%",
            b"--x",
            b"\r\n--x-y",
            b"Host: localhost\r\n",
            b"Content-Length: 7\r\n",
            b"\xff",
        ];
        let at = self.below(bytes.len() + 1);
        match self.below(3) {
            0 if at < bytes.len() => bytes[at] = self.below(256) as u8,
            1 => drop(bytes.splice(at..at, PIECES[self.below(PIECES.len())].iter().copied())),
            _ => drop(bytes.drain(at..(at + self.below(9)).min(bytes.len()))),
        }
    }
}

#[test]
fn whatever_a_browser_sends_is_read_or_refused() {
    let targets = [("head", trials::head as fn(&[u8])), ("form", trials::form)];
    for (name, trial) in targets {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 5, "{name}");
        let mut noise = Noise(0x5EED);
        for file in files {
            let bytes = fs::read(file).unwrap();
            trial(&bytes);
            for _ in 0..2_000 {
                let mut damaged = bytes.clone();
                (0..=noise.below(6)).for_each(|_| noise.damage(&mut damaged));
                trial(&damaged);
            }
        }
    }
}

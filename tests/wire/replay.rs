//! What the fuzzer kept, tried again: `make fuzz` finds more.

#[path = "../fuzz/src/trials.rs"]
mod trials;

use std::fs;
use std::path::PathBuf;

/// A target of `tests/fuzz`.
type Trial = (&'static str, fn(&[u8]));

#[test]
fn the_corpus_of_every_fuzz_target_holds() {
    let targets: [Trial; 6] = [
        ("message", trials::message),
        ("values", trials::values),
        ("framing", trials::framing),
        ("sdp", trials::sdp),
        ("digest", trials::digest),
        ("machine", trials::machine),
    ];
    for (name, trial) in targets {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
        let mut files: Vec<PathBuf> =
            fs::read_dir(&folder).expect("in the repository").map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.len() >= 5, "{name}: {}", files.len());
        for file in files {
            trial(&fs::read(&file).unwrap());
        }
    }
}

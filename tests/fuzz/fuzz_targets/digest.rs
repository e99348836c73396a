//! Any bytes for `trials::digest`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::trials::digest(bytes));

//! Any bytes for `trials::machine`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::trials::machine(bytes));

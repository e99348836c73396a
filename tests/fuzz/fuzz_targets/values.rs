//! Any bytes for `trials::values`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::trials::values(bytes));

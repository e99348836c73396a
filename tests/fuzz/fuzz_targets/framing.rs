//! Any bytes for `trials::framing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::trials::framing(bytes));

//! Any bytes for `trials::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::trials::message(bytes));

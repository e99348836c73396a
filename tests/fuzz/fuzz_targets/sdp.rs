//! Any bytes for `trials::sdp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::trials::sdp(bytes));

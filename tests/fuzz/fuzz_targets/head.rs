//! Any bytes for `web::trials::head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::web::trials::head(bytes));

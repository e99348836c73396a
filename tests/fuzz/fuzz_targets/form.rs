//! Any bytes for `web::trials::form`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hold_slayer::web::trials::form(bytes));

//! The signalling room by itself, as the fuzzer sees it, and what is tried on it.

extern crate self as hold_slayer;

#[path = "../../../src/limits.rs"]
pub mod limits;
#[path = "../../../src/sip/mod.rs"]
pub mod sip;
pub mod trials;
#[path = "../../../src/units.rs"]
pub mod units;

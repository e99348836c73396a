//! Hold Slayer: a telephone line that waits on hold for you.

pub mod call;
pub mod clock;
pub mod limits;
pub mod listen;
pub mod media;
pub mod sip;
pub mod store;
pub mod units;
pub mod web;

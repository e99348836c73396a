//! Hold Slayer: a telephone line that waits on hold for you.

pub mod call;
pub mod clock;
pub mod dsp;
pub mod limits;
pub mod listen;
pub mod media;
pub mod rtp;
pub mod sip;
pub mod units;

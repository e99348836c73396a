//! Arithmetic on frames. Nothing here knows of packets, ports or time of day.

pub mod conceal;
pub mod g711;
pub mod level;
pub mod tone;

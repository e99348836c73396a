//! Arithmetic on sound: pure functions and small machines on frames, without a table, a clock or an edge.

pub mod conceal;
pub mod detect;
pub mod g711;
pub mod g722;
pub mod level;
pub mod mix;
pub mod noise;
pub mod splice;
pub mod tone;

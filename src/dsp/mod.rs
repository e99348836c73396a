//! Arithmetic on frames of telephone sound: nothing here knows a call.

pub mod detect;

//! The household's side: what a dialled string means, what a key pressed in a call means, and how a phone is paired.

pub mod dial;
pub mod gesture;
pub mod handset;
pub mod hunt;
pub mod pairing;
pub mod provisioning;
pub mod shadow;

//! The household's side: what a dialled string means and what a key pressed in a call means.

pub mod dial;
pub mod gesture;

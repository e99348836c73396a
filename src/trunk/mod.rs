//! The provider's side: which trunk takes a call, how it wants numbers, and what may be dialled at all.

pub mod number;
pub mod route;
pub mod toll;

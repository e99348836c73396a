//! The provider's side: which trunk takes a call, how it wants numbers, and what may be dialled at all.

pub mod number;
pub mod route;
pub mod toll;

use number::{Form, Numbering, Rewrite};
use toll::Allowed;

/// What the household dials means this.
#[derive(Clone, Debug)]
pub struct Dialling {
    /// Of its country.
    pub numbering: &'static Numbering,
    /// Its own rules, for every trunk.
    pub rewrite: Vec<Rewrite>,
    /// Never show the caller, unless he calls for help.
    pub private: bool,
    /// What may be dialled though it costs extra.
    pub allowed: Allowed,
}

/// How one trunk wants numbers. A phone has the default, which changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Both ways.
    pub form: Form,
    /// Applied to what is dialled, before `form`.
    pub rewrite: Vec<Rewrite>,
    /// The household's number, shown to those called; empty: what the provider shows.
    pub number: String,
}

impl Rules {
    /// What this trunk is given for a dialled number.
    pub fn dialled(&self, numbering: &Numbering, number: &str) -> String {
        numbering.write(&number::rewrite(&self.rewrite, number), self.form)
    }
}

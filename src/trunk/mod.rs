//! The provider's side: which trunk takes a call, how it wants numbers, and what may be dialled at all.

pub mod number;
pub mod route;
pub mod toll;

use crate::units::Codec;
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

/// How keys pressed in a call reach a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// As telephone-events, RFC 4733; by INFO, then in the sound, where its answer takes none.
    #[default]
    Events,
    /// By INFO, whatever its answer takes; in the sound where it refuses that.
    Info,
    /// As tones in the sound.
    InBand,
}

impl Keys {
    /// Every way with its name in the configuration.
    pub const NAMES: [(&'static str, Self); 3] =
        [("rfc4733", Self::Events), ("info", Self::Info), ("inband", Self::InBand)];
}

/// How one trunk wants numbers, keys and sound. A phone has the default, which changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Codecs offered and taken, in this order; empty: every one, that of the other leg first.
    pub codecs: Vec<Codec>,
    /// How it wants keys.
    pub keys: Keys,
    /// Both ways.
    pub form: Form,
    /// Applied to what is dialled, before `form`.
    pub rewrite: Vec<Rewrite>,
    /// The household's number, shown to those called; empty: what the provider shows.
    pub number: String,
    /// What a minute of an outgoing call costs, in the hundredth part of the currency.
    pub cents_per_minute: Option<f32>,
    /// It takes REFER: a call is put through at the provider, and needs no channel of ours any more.
    pub refer: bool,
}

impl Rules {
    /// What this trunk is given for a dialled number.
    pub fn dialled(&self, numbering: &Numbering, number: &str) -> String {
        numbering.write(&number::rewrite(&self.rewrite, number), self.form)
    }
}

//! What one key of the configuration file is on the page.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text in quotes.
    Text,
    /// Text that is never shown again.
    Secret,
    /// true or false.
    Flag,
    /// A whole number.
    Number,
    /// A number with or without a fraction.
    Decimal,
    /// Texts, one a line.
    List,
    /// One of these.
    Choice(&'static [&'static str]),
    /// One of these, each with its name for people.
    Named(&'static [(&'static str, &'static str)]),
}

/// One key.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: Kind,
    /// What holds where nothing is written, and what else is to be known.
    pub(super) says: &'static str,
}

/// One section.
#[derive(Debug)]
pub(super) struct Part {
    /// As in the file.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// There may be several.
    pub(super) many: bool,
    pub(super) fields: &'static [Field],
}

pub(super) const fn field(key: &'static str, label: &'static str, kind: Kind, says: &'static str) -> Field {
    Field { key, label, kind, says }
}

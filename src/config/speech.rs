//! `[speech]`.

use super::{Speech, services};
use crate::listen::words::Language;
use crate::speech::{Choice, Config};
use crate::tables::Section;
use std::path::Path;

pub(super) const KEYS: [&str; 7] = ["program", "voice", "language", "announce", "url", "key", "model"];

/// The voice of another machine unless named: OpenAI's first.
const VOICE: &str = "alloy";

pub(super) fn speech(s: &mut Section<'_, '_>, spoken: Language) -> Speech {
    let allowed = "allowed are \"auto\" (espeak-ng or flite, if one is installed), \"none\", or the whole path of a program";
    let program = s.text("program", allowed, |text| match text {
        "auto" => Some(Choice::Installed),
        "none" => Some(Choice::Nobody),
        path => Path::new(path).is_absolute().then(|| Choice::At(path.into())),
    });
    let allowed = "allowed is a name of up to 40 letters, digits, -, _ and +, as the program or the other machine has it";
    let voice = s.text("voice", allowed, |text| {
        let marks = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
        let fits = text.len() <= 40 && text.chars().all(marks) && !text.starts_with(['-', '+', '_']);
        fits.then(|| text.to_owned())
    });
    let codes = Language::NAMES.map(|(code, _)| code).join(", ");
    let language =
        s.text("language", &format!("allowed is one of {codes}"), Language::from_code).unwrap_or(spoken);
    let announce = s.flag("announce").unwrap_or(true);
    let program = program.unwrap_or_default();
    // The voice is the machine's: the program that stands in for it has its usual one.
    let (elsewhere, voice) = match services::speaker(s) {
        Some(service) => (Some((service, voice.unwrap_or_else(|| VOICE.to_owned()))), String::new()),
        None => (None, voice.unwrap_or_default()),
    };
    Speech { voice: Config { program, voice, language: language.code() }, elsewhere, language, announce }
}

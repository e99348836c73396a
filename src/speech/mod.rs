//! Text to speech: a program of the system's, espeak-ng or flite, is given a text and gives sound back.
//!
//! Only names, numbers and the owner's own words are spoken so; what the box always says are recordings. The program gets
//! a plain text that can be neither an option nor markup, a time limit, and no more room for its answer than a sentence
//! takes. What was spoken once is kept in a folder of the data folder.

mod cache;
mod program;
pub mod sound;

pub use program::Program;

use crate::limits::LOOSE_SECONDS;
use crate::units::SAMPLE_RATE_HZ;
use cache::Cache;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most that is read of a program's sound, seconds: its silent ends are cut off.
const MOST_SECONDS: u32 = 30;

/// What speaks, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Which program.
    pub program: Choice,
    /// The program's name of the voice; empty: its own for the language.
    pub voice: String,
    /// ISO 639-1.
    pub language: &'static str,
}

/// Which program speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// espeak-ng or flite, the first that is installed.
    #[default]
    Installed,
    /// Nobody.
    Nobody,
    /// This one.
    At(PathBuf),
}

/// A voice, and what it has spoken.
#[derive(Debug)]
pub struct Voice {
    program: Program,
    cache: Cache,
}

impl Voice {
    /// The voice that is configured; `Ok(None)` if nobody shall speak, or no program is installed.
    ///
    /// # Errors
    /// In words: the program that is named is not there.
    pub fn find(config: &Config, data: &Path) -> Result<Option<Self>, String> {
        let program = Program::find(config)?;
        Ok(program.map(|program| Self { cache: Cache::new(data, &program.key()), program }))
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Speaks: µ-law at 8 kHz, whole frames, at the level of the box's prompts.
    ///
    /// # Errors
    /// In words: nothing of it can be spoken, the program failed, hung or gave something else than sound, or it takes
    /// longer than [`LOOSE_SECONDS`].
    pub fn say(&self, text: &str) -> Result<Arc<[u8]>, String> {
        let text = plain(text);
        if text.is_empty() {
            return Err("there is nothing in it that can be spoken".into());
        }
        if let Some(known) = self.cache.get(&text) {
            return Ok(known);
        }
        let samples = sound::from_wav(&self.program.run(&text)?, MOST_SECONDS)?;
        let said: Arc<[u8]> = sound::finish(&samples).ok_or("the program gave silence")?.into();
        if said.len() > LOOSE_SECONDS * SAMPLE_RATE_HZ as usize {
            return Err(format!("it takes longer than {LOOSE_SECONDS} s"));
        }
        self.cache.put(&text, &said);
        Ok(said)
    }
}

/// The text as a program may have it: letters, digits and plain marks, so that it is no option, no markup, and none of the
/// phonemes that espeak takes in brackets. It begins with a letter or digit.
pub fn plain(text: &str) -> String {
    let fits = |c: char| if c.is_alphanumeric() || ".,'!?:+%".contains(c) { c } else { ' ' };
    let words: String = text.chars().map(fits).collect();
    let words: Vec<&str> = words.split_whitespace().collect();
    let words = words.join(" ");
    words
        .trim_start_matches(|c: char| !c.is_alphanumeric())
        .chars()
        .take(crate::limits::SPOKEN_CHARS * 4)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_neither_option_nor_markup_nor_phonemes() {
        for (text, spoken) in [
            ("--stdin", "stdin"),
            ("-f /etc/passwd", "f etc passwd"),
            ("<speak><audio src=\"x\"/></speak>", "speak audio src x speak"),
            ("[[h@'loU]] Acme & Sons, Ltd.", "h 'loU Acme Sons, Ltd."),
            ("Müller\n`rm -rf`; $HOME", "Müller rm rf HOME"),
            ("...", ""),
        ] {
            assert_eq!(plain(text), spoken);
        }
    }
}

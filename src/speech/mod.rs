//! Text to speech: a program of the system's, espeak-ng or flite, is given a text and gives sound back; or another machine
//! that the owner has named, and the program only while that fails.
//!
//! Only names, numbers and the owner's own words are spoken so; what the box always says are recordings. The program gets
//! a plain text that can be neither an option nor markup, a time limit, and no more room for its answer than a sentence
//! takes. What was spoken once is kept in a folder of the data folder.

mod cache;
mod program;
pub mod sound;

pub use program::Program;

use crate::clock;
use crate::limits::LOOSE_SECONDS;
use crate::units::{Instant, SAMPLE_RATE_HZ};
use cache::Cache;
use core::time::Duration;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most that is read of a program's sound, seconds: its silent ends are cut off.
const MOST_SECONDS: u32 = 30;
/// A machine that has failed is not asked for so long: what it would be waited for each time, the program speaks at once.
const REST: Duration = Duration::from_secs(60);

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

/// Another machine that speaks.
pub struct Elsewhere {
    /// Tells its sound from that of another machine, model or voice.
    name: String,
    ask: Box<Ask>,
    /// It has failed, why, and is left alone until then.
    rests: RefCell<Option<(Instant, String)>>,
}

/// Makes a WAV file of a text, or says in words why there is none.
type Ask = dyn Fn(&str) -> Result<Vec<u8>, String> + Send;

impl Elsewhere {
    /// `name` tells its sound from that of other machines, models and voices.
    pub fn new(name: String, ask: impl Fn(&str) -> Result<Vec<u8>, String> + Send + 'static) -> Self {
        Self { name, ask: Box::new(ask), rests: RefCell::new(None) }
    }

    fn say(&self, text: &str) -> Result<Arc<[u8]>, String> {
        let now = clock::now();
        if let Some((_, why)) = self.rests.borrow().as_ref().filter(|(until, _)| now < *until) {
            return Err(why.clone());
        }
        let said = (self.ask)(text).and_then(|wav| sound_of(&wav, "the machine"));
        let failed = said.as_ref().err().map(|why| (clock::now() + REST, why.clone()));
        self.rests.replace(failed);
        said
    }
}

/// A voice, and what it has spoken: that of another machine, and while it fails that of a program.
pub struct Voice {
    elsewhere: Option<(Elsewhere, Cache)>,
    program: Option<(Program, Cache)>,
}

/// A text as sound.
#[derive(Debug)]
pub struct Spoken {
    /// µ-law at 8 kHz, whole frames, at the level of the box's prompts.
    pub sound: Arc<[u8]>,
    /// Why the other machine has not spoken it, where one should have.
    pub instead: Option<String>,
}

impl Voice {
    /// What there is to speak; `None` if nothing is. What it has spoken is kept in a folder of `data`.
    pub fn new(program: Option<Program>, elsewhere: Option<Elsewhere>, data: &Path) -> Option<Self> {
        if program.is_none() && elsewhere.is_none() {
            return None;
        }
        let program = program.map(|program| (Cache::new(data, &program.key()), program));
        let elsewhere = elsewhere.map(|machine| (Cache::new(data, &machine.name), machine));
        Some(Self {
            program: program.map(|(cache, program)| (program, cache)),
            elsewhere: elsewhere.map(|(cache, machine)| (machine, cache)),
        })
    }

    /// Speaks.
    ///
    /// # Errors
    /// In words: nothing of it can be spoken; or who speaks failed, hung or gave something else than sound, or more than
    /// [`LOOSE_SECONDS`] of it.
    pub fn say(&self, text: &str) -> Result<Spoken, String> {
        let text = plain(text);
        if text.is_empty() {
            return Err("there is nothing in it that can be spoken".into());
        }
        let instead = match &self.elsewhere {
            None => None,
            Some((machine, cache)) => match cached(cache, &text, || machine.say(&text)) {
                Ok(sound) => return Ok(Spoken { sound, instead: None }),
                Err(why) => Some(why),
            },
        };
        let Some((program, cache)) = &self.program else { return Err(instead.unwrap_or_default()) };
        let sound = cached(cache, &text, || sound_of(&program.run(&text)?, "the program"))?;
        Ok(Spoken { sound, instead })
    }
}

fn cached(
    cache: &Cache,
    text: &str,
    say: impl FnOnce() -> Result<Arc<[u8]>, String>,
) -> Result<Arc<[u8]>, String> {
    if let Some(known) = cache.get(text) {
        return Ok(known);
    }
    let said = say()?;
    cache.put(text, &said);
    Ok(said)
}

/// What a WAV file says.
fn sound_of(wav: &[u8], who: &str) -> Result<Arc<[u8]>, String> {
    let samples = sound::from_wav(wav, MOST_SECONDS)?;
    let said: Arc<[u8]> = sound::finish(&samples).ok_or_else(|| format!("{who} gave silence"))?.into();
    if said.len() > LOOSE_SECONDS * SAMPLE_RATE_HZ as usize {
        return Err(format!("it takes longer than {LOOSE_SECONDS} s"));
    }
    Ok(said)
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

//! What is known of a language: its numbers, how its menus name keys, and the phrases of queues, menus and people. Data in
//! `lexicon/`, one file for each language.

use super::text::{phrase, plain};
use std::collections::HashMap;
use std::sync::LazyLock;

/// A language that the box knows phrases of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them, by the code of ISO 639-1.
    pub const NAMES: [(&'static str, Self); 4] =
        [("en", Self::English), ("de", Self::German), ("fr", Self::French), ("es", Self::Spanish)];

    /// By its code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| *name == code).map(|(_, language)| *language)
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        Self::NAMES.iter().find(|(_, language)| *language == self).map_or("en", |(name, _)| name)
    }

    pub(super) fn lexicon(self) -> &'static Lexicon {
        static ALL: LazyLock<[Lexicon; 4]> = LazyLock::new(|| {
            [
                include_str!("lexicon/en.txt"),
                include_str!("lexicon/de.txt"),
                include_str!("lexicon/fr.txt"),
                include_str!("lexicon/es.txt"),
            ]
            .map(Lexicon::read)
        });
        &ALL[self as usize]
    }
}

/// What somebody wants with a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Intent {
    /// A queue keeps its callers.
    Queue,
    /// Advertising, advice, the law: read out to everybody.
    Recording,
    /// A machine wants keys or words.
    Menu,
    /// A machine offers to call back.
    Callback,
    /// Nobody works there now.
    Closed,
    /// A machine wants a message.
    Voicemail,
    /// A machine wants an opinion.
    Survey,
    /// A machine asks whether the caller is still there.
    Still,
    /// Somebody offers help.
    Help,
    /// Somebody says who he is.
    Introduction,
    /// A greeting.
    Greeting,
    /// Somebody thanks for the waiting: recordings do, too.
    Waited,
    /// Somebody asks what only a person asks.
    There,
}

impl Intent {
    const NAMES: [(&'static str, Self); 13] = [
        ("queue", Self::Queue),
        ("recording", Self::Recording),
        ("menu", Self::Menu),
        ("callback", Self::Callback),
        ("closed", Self::Closed),
        ("voicemail", Self::Voicemail),
        ("survey", Self::Survey),
        ("still", Self::Still),
        ("help", Self::Help),
        ("self", Self::Introduction),
        ("greeting", Self::Greeting),
        ("waited", Self::Waited),
        ("there", Self::There),
    ];
}

/// Words in a row; [`NUMBER`] stands for any number.
pub(super) type Phrase = Vec<String>;

/// Stands for a number in a phrase.
pub(super) const NUMBER: &str = "#";

/// One language.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    /// Counting and ordinal words with their value.
    pub numbers: HashMap<String, u32>,
    pub ordinals: HashMap<String, u32>,
    /// Keys that are no digits, and words that stand for a digit where a key is expected.
    pub keys: HashMap<String, char>,
    pub misheard: HashMap<String, char>,
    lists: HashMap<String, Vec<Phrase>>,
    /// What people and machines say, with its worth in nats for a person.
    pub says: Vec<(Intent, f32, Phrase)>,
}

impl Lexicon {
    /// The phrases of a list; none if the language has no such list.
    pub fn list(&self, name: &str) -> &[Phrase] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }

    /// What menus are about, by name, each with its words.
    pub fn subjects(&self) -> impl Iterator<Item = (&str, &[Phrase])> {
        let all = self.lists.iter().filter(|(name, _)| name.starts_with("subject "));
        all.map(|(name, phrases)| (name.as_str(), phrases.as_slice()))
    }

    /// True if the list has this word, alone.
    pub fn has(&self, name: &str, word: &str) -> bool {
        self.list(name).iter().any(|phrase| phrase.len() == 1 && phrase[0] == word)
    }

    fn read(text: &str) -> Self {
        let mut all = Self::default();
        let (mut name, mut items) = (String::new(), String::new());
        // A line that begins with a space goes on with the one before.
        for line in text.lines().chain(["end:"]) {
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            if line.starts_with(' ') {
                items.push_str(line);
                continue;
            }
            all.take(&name, &items);
            let (key, rest) = line.split_once(':').unwrap_or((line, ""));
            (name, items) = (key.trim().to_owned(), rest.to_owned());
        }
        all
    }

    fn take(&mut self, name: &str, items: &str) {
        let items = items.split('|').map(str::trim).filter(|item| !item.is_empty());
        let valued = |item: &str| {
            let (word, value) = item.split_once('=')?;
            Some((plain(word).join(" "), value.trim().parse::<u32>().ok()?))
        };
        let digit = |(word, value): (String, u32)| Some((word, char::from_digit(value, 10)?));
        let mut said = name.split(' ');
        match (said.next(), said.next(), said.next().and_then(|nats| nats.parse().ok())) {
            (Some("numbers"), ..) => self.numbers.extend(items.filter_map(valued)),
            (Some("ordinals"), ..) => self.ordinals.extend(items.filter_map(valued)),
            (Some("misheard"), ..) => self.misheard.extend(items.filter_map(valued).filter_map(digit)),
            (Some("star"), ..) => self.keys.extend(items.map(|item| (plain(item).join(" "), '*'))),
            (Some("pound"), ..) => self.keys.extend(items.map(|item| (plain(item).join(" "), '#'))),
            (Some("says"), Some(intent), Some(nats)) => {
                let intent = Intent::NAMES.iter().find(|(name, _)| *name == intent).map(|(_, i)| *i);
                let found = items.filter_map(|item| Some((intent?, nats, phrase(item, self))));
                let found: Vec<_> = found.collect();
                self.says.extend(found);
            }
            _ => {
                let phrases = items.map(|item| phrase(item, self)).collect();
                self.lists.insert(name.to_owned(), phrases);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn every_language_has_every_list_and_every_intent() {
        for (code, language) in Language::NAMES {
            let lexicon = language.lexicon();
            for list in [
                "fills",
                "press",
                "opens",
                "drops",
                "last",
                "neither",
                "denies",
                "after",
                "minutes",
                "hours",
                "half",
                "whole",
                "position",
                "ahead",
                "next",
                "joins",
                "goodbye",
                "calls back",
                "keeps",
                "agrees",
                "never",
                "harmless",
                "idle",
                "own name",
                "everything else",
                "subject agent",
                "shut",
                "records",
            ] {
                assert!(!lexicon.list(list).is_empty(), "{code}: {list}");
            }
            for (name, intent) in Intent::NAMES {
                assert!(lexicon.says.iter().any(|(i, _, _)| *i == intent), "{code}: {name}");
            }
            assert!((0..=10).all(|n| lexicon.numbers.values().any(|v| *v == n)), "{code}: numbers");
            assert!(
                lexicon.keys.values().any(|k| *k == '*') && lexicon.keys.values().any(|k| *k == '#'),
                "{code}"
            );
            assert_eq!(Language::from_code(code), Some(language));
            assert_eq!(language.code(), code);
        }
    }

    #[test]
    fn machines_speak_against_a_person_and_people_for_one() {
        for (_, language) in Language::NAMES {
            for (intent, nats, phrase) in &language.lexicon().says {
                let person = *intent >= Intent::Help;
                assert!(if person { *nats >= 0.0 } else { *nats < 0.0 }, "{intent:?} {phrase:?} {nats}");
            }
        }
    }
}

//! What wording is worth: the phrases of machines speak against a person, those of people for one.

use super::lexicon::{Intent, Language};
use super::menu::keys_named;
use super::text::{find, words};

/// The most that wording alone may add or take, nats: recognition errs, and people read from cards.
const MOST: f32 = 4.0;
/// A key that is named is a machine's, nats.
const KEY_NAMED: f32 = -3.0;

/// Who says the owner's name has an account before him.
const OWNER_NAMED: f32 = 2.4;

/// What was recognised in a phrase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wording {
    /// Nats for a person, against one when negative, 0 when nothing was recognised.
    pub nats: f32,
    /// The intents, each once, in the order of [`Intent`].
    pub intents: Vec<Intent>,
    /// The words that weigh most.
    pub phrase: String,
}

/// Weighs the words of one stretch of speech. Each intent counts once, with its weightiest phrase. `owner` is the name that
/// agents call the owner by, where it is known: who says it is a person.
pub fn wording(text: &str, language: Language, owner: &str) -> Wording {
    let lexicon = language.lexicon();
    let said = words(text, lexicon);
    let mut found: Vec<(Intent, f32, usize, usize)> = lexicon
        .says
        .iter()
        .filter_map(|(intent, nats, phrase)| find(phrase, &said).map(|f| (*intent, *nats, f.start, f.end)))
        .collect();
    // "Are you still there?" is asked by people and by machines.
    let neither: Vec<_> = lexicon.list("neither").iter().filter_map(|phrase| find(phrase, &said)).collect();
    found.retain(|(_, nats, from, to)| {
        *nats <= 0.0 || !neither.iter().any(|n| n.start < *to && *from < n.end)
    });
    found.extend(keys_named(&said, lexicon).first().map(|(from, to)| (Intent::Menu, KEY_NAMED, *from, *to)));
    let name = super::text::plain(owner);
    if !name.is_empty()
        && let Some(f) = name.iter().find_map(|part| find(&vec![part.clone()], &said))
    {
        found.push((Intent::There, OWNER_NAMED, f.start, f.end));
    }
    // The weightiest and then the longest phrase of each intent stands for it.
    found.sort_by_key(|(intent, nats, from, to)| {
        (*intent, core::cmp::Reverse(((nats.abs() * 10.0) as i32, to - from)))
    });
    found.dedup_by_key(|(intent, ..)| *intent);
    let weightiest = found.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    let phrase = weightiest.map_or(String::new(), |(_, _, from, to)| {
        said[*from..*to].iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    });
    Wording {
        nats: found.iter().map(|(_, nats, ..)| nats).sum::<f32>().clamp(-MOST, MOST),
        intents: found.iter().map(|(intent, ..)| *intent).collect(),
        phrase,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn nats(text: &str, language: Language) -> f32 {
        wording(text, language, "").nats
    }

    #[test]
    fn machines_and_people_are_told_apart_by_their_words() {
        let cases = [
            (
                Language::English,
                "Your call is important to us. Please stay on the line.",
                "Hi, thanks for holding, how can I help you today?",
            ),
            (
                Language::English,
                "All of our representatives are currently assisting other customers.",
                "Hello? Hello? Is anyone there?",
            ),
            (
                Language::English,
                "You are caller number 5 in the queue.",
                "Good morning, my name is Peter, who am I speaking to?",
            ),
            (Language::English, "To repeat this menu, press star.", "Okay, can I have your name please?"),
            (
                Language::German,
                "Alle unsere Mitarbeiter sind zurzeit im Gespräch.",
                "Guten Tag, mein Name ist Müller, was kann ich für Sie tun?",
            ),
            (Language::German, "Bitte haben Sie noch etwas Geduld.", "Hallo, hören Sie mich?"),
            (
                Language::French,
                "Tous nos conseillers sont en ligne, veuillez patienter.",
                "Bonjour, comment puis-je vous aider?",
            ),
            (
                Language::Spanish,
                "Su llamada es muy importante para nosotros.",
                "Buenos días, mi nombre es Ana, ¿en qué puedo ayudarle?",
            ),
        ];
        for (language, machine, person) in cases {
            assert!(nats(machine, language) <= -2.5, "{machine}: {:?}", wording(machine, language, ""));
            assert!(nats(person, language) >= 1.8, "{person}: {:?}", wording(person, language, ""));
        }
    }

    #[test]
    fn errors_of_recognition_names_and_numbers_do_not_hide_a_phrase() {
        for text in [
            "your cool is importent to us",
            "you are call number 17, please hold",
            "please remain on the the line",
            "all of our representatives are presently assisting other customers",
        ] {
            assert!(
                nats(text, Language::English) <= -2.5,
                "{text}: {:?}",
                wording(text, Language::English, "")
            );
        }
        // What sounds alike is not the same: the longest word must be there.
        for text in ["you want to do", "how may i held you", "you are trying to"] {
            assert_eq!(nats(text, Language::English), 0.0, "{text}");
        }
    }

    #[test]
    fn what_says_nothing_weighs_nothing() {
        for text in
            ["", "The weather was lovely in the mountains.", "Yes.", "Mm-hmm.", "I am going to the shop."]
        {
            assert_eq!(wording(text, Language::English, "").nats, 0.0, "{text}");
        }
        // Who asks this may be either.
        assert_eq!(nats("Are you still there?", Language::English), 0.0);
        assert_eq!(nats("Sind Sie noch da?", Language::German), 0.0);
        assert!(nats("Hello? Are you there?", Language::English) > 2.0);
        assert!(nats("Are you still there? Press one.", Language::English) < -2.0);
    }

    #[test]
    fn the_owner_s_name_is_a_persons_word() {
        let heard = wording("Is that Mr. Hofmann?", Language::English, "Hoffmann");
        assert!(heard.nats > 2.0 && heard.intents == [Intent::There], "{heard:?}");
        assert_eq!(wording("Is that Mr. Miller?", Language::English, "Hoffmann").nats, 0.0);
    }

    #[test]
    fn nothing_weighs_more_than_the_most() {
        let text =
            "your call is important to us press one our offices are closed leave a message after the tone";
        let heard = wording(text, Language::English, "");
        assert_eq!(heard.nats, -MOST);
        assert!(heard.intents.len() >= 4 && !heard.phrase.is_empty(), "{heard:?}");
    }
}

//! Which of a menu's options leads to what the owner wants, and which are never taken by a machine.

use super::lexicon::{Language, Lexicon, Phrase};
use super::menu::Choice;
use super::text::{Word, plain, words};

/// What is to be done at a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Press the key of this option, and why, in words.
    Press(Choice, String),
    /// Nothing is clear enough, or it is not for a machine: why, in words.
    Unsure(String),
}

/// A word of the wish in the label is worth more than the same subject in other words.
const WORD: u32 = 3;
const SUBJECT: u32 = 2;
/// Shorter words are alike only if they are the same.
const SHORT: usize = 4;
/// An ending that does not make another word: "claim", "claims"; "bill", "billing".
const ENDING: usize = 4;

/// Picks one of the options by the wish, which is words of the owner's: "billing", "my router is broken", "agent".
pub fn pick(choices: &[Choice], wish: &str, language: Language) -> Pick {
    let lexicon = language.lexicon();
    if is_forbidden(wish, language) {
        return Pick::Unsure(format!("\u{201c}{wish}\u{201d} is nothing that the box does by itself"));
    }
    let allowed: Vec<&Choice> = choices
        .iter()
        .filter(|choice| !choice.label.is_empty() && !is_forbidden(&choice.label, language))
        .collect();
    let wanted = words(wish, lexicon);
    let subjects: Vec<&str> =
        lexicon.subjects().filter(|(_, list)| any(list, &wanted)).map(|(name, _)| name).collect();
    let worth = |choice: &Choice| {
        let label = words(&choice.label, lexicon);
        let said = wanted
            .iter()
            .filter(|word| tells(word, lexicon) && label.iter().any(|l| alike(&word.text, &l.text)));
        let alike = subjects.iter().filter(|name| any(lexicon.list(name), &label)).count();
        WORD * u32::try_from(said.count()).unwrap_or(0) + SUBJECT * u32::try_from(alike).unwrap_or(0)
    };
    let mut best: Vec<(u32, &Choice)> = allowed.iter().map(|choice| (worth(choice), *choice)).collect();
    best.sort_by_key(|(worth, _)| core::cmp::Reverse(*worth));
    match best.as_slice() {
        [(first, choice), rest @ ..] if *first > 0 => {
            return match rest.first().filter(|(second, _)| second == first) {
                Some((_, other)) => {
                    let (one, other) = (&choice.label, &other.label);
                    Pick::Unsure(format!(
                        "\u{201c}{one}\u{201d} or \u{201c}{other}\u{201d}: it is not clear which"
                    ))
                }
                None => Pick::Press(
                    (*choice).clone(),
                    format!("\u{201c}{}\u{201d} fits \u{201c}{wish}\u{201d}", choice.label),
                ),
            };
        }
        _ => {}
    }
    // What leads on whatever is wanted: the language, then people, then everything else.
    for (list, why) in
        [("own name", "the language"), ("subject agent", "people"), ("everything else", "everything else")]
    {
        let mut leads =
            allowed.iter().filter(|choice| any(lexicon.list(list), &words(&choice.label, lexicon)));
        if let (Some(choice), None) = (leads.next(), leads.next()) {
            return Pick::Press(
                (*choice).clone(),
                format!("\u{201c}{}\u{201d} leads to {why}", choice.label),
            );
        }
    }
    Pick::Unsure(format!("none of its {} options fits \u{201c}{wish}\u{201d}", choices.len()))
}

/// Payments, consents, cancellations, deletions, surveys and messages: never a machine's choice, in doubt neither.
pub fn is_forbidden(label: &str, language: Language) -> bool {
    let lexicon = language.lexicon();
    let label = words(label, lexicon);
    any(lexicon.list("never"), &label) && !any(lexicon.list("harmless"), &label)
}

/// Whether something like this was said: the words in this order, give and take their endings.
pub fn says(text: &str, phrase: &str, language: Language) -> bool {
    let said = words(text, language.lexicon());
    let phrase: Phrase = plain(phrase);
    !phrase.is_empty() && stands(&phrase, &said)
}

/// A word that tells what is wanted.
fn tells(word: &Word, lexicon: &Lexicon) -> bool {
    word.number.is_none() && word.text.chars().count() > 2 && !lexicon.has("idle", &word.text)
}

fn any(list: &[Phrase], said: &[Word]) -> bool {
    list.iter().any(|phrase| stands(phrase, said))
}

/// The words of the phrase stand there one after the other.
fn stands(phrase: &Phrase, said: &[Word]) -> bool {
    said.windows(phrase.len().max(1))
        .any(|there| phrase.iter().zip(there).all(|(p, word)| alike(p, &word.text)))
}

/// The same word with another ending, or one that the other is put together with.
fn alike(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let begins = short.len() >= SHORT && long.starts_with(short) && long.len() <= short.len() + ENDING;
    // "Störungsmeldung", "Kundenkonto".
    short == long || begins || short.len() > SHORT && (long.starts_with(short) || long.ends_with(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::words::menu::options;

    fn pressed(menu: &str, wish: &str) -> Option<char> {
        match pick(&options(menu, Language::English), wish, Language::English) {
            Pick::Press(choice, why) => {
                assert!(!why.is_empty());
                Some(choice.key)
            }
            Pick::Unsure(why) => {
                assert!(!why.is_empty());
                None
            }
        }
    }

    #[test]
    fn the_option_that_fits_is_taken_and_none_if_two_do() {
        let menu =
            "For billing, press one. For technical support, press two. For all other questions, press zero.";
        assert_eq!(pressed(menu, "billing"), Some('1'));
        assert_eq!(pressed(menu, "my invoice is wrong"), Some('1'));
        assert_eq!(pressed(menu, "my internet does not work, technical"), Some('2'));
        assert_eq!(pressed(menu, "agent"), Some('0'));
        assert_eq!(pressed("For new claims, press 1. For old claims, press 2.", "claims"), None);
        assert_eq!(pressed("Press 5. Press 6.", "agent"), None, "keys that are not explained");
        assert_eq!(pressed("For sales, press 1. For repairs, press 2.", "agent"), None);
    }

    #[test]
    fn what_commits_the_owner_is_never_taken() {
        let menu = "To make a payment, press one. To cancel your service, press two. To leave a message, press three. \
                    To take a short survey, press four. If you agree, press five. To delete your account, press six.";
        for wish in ["agent", "payment", "cancel", "message", "survey", "agree", "account", "service", "one"]
        {
            assert_eq!(pressed(menu, wish), None, "{wish}");
        }
        assert_eq!(pressed("For billing and payments, press one.", "billing"), Some('1'));
        assert_eq!(pressed("To pay your bill, press one.", "billing"), None);
    }

    #[test]
    fn a_phrase_is_said_whatever_its_endings() {
        let said = |text, phrase| says(text, phrase, Language::English);
        assert!(
            said("For billing questions, press 1.", "billing question")
                && !said("For sales, press 1.", "billing")
        );
        assert!(!said("anything", "") && !said("", "billing"));
        assert!(says("Für die Störungsmeldung drücken Sie die 1", "störung", Language::German));
    }
}

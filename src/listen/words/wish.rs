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
const WORD: u32 = 6;
const SUBJECT: u32 = 4;
/// What has led here already says little of the way on: "billing" in a menu of billing.
const SPENT: u32 = 1;
/// Shorter words are alike only if they are the same.
const SHORT: usize = 4;
/// An ending that does not make another word: "claim", "claims"; "bill", "billing".
const ENDING: usize = 4;
/// Two endings on a stem of so many letters: "pharmacy", "pharmacist".
const STEM: usize = 6;
const ENDINGS: usize = 3;

/// Who is always wanted.
const PEOPLE: &str = "subject agent";

/// An option, and what it has for the wish.
struct Worth<'c> {
    choice: &'c Choice,
    /// Whether anything of it is new, and in all.
    points: (bool, u32),
    /// Which words and subjects of the wish it has, a bit for each.
    has: u64,
    /// It is about so many things else.
    besides: usize,
}

/// Picks one of the options by the wish, which is words of the owner's: "billing", "my router is broken", "agent".
/// `taken`: the options that led to this menu.
pub fn pick(choices: &[Choice], wish: &str, taken: &[Choice], language: Language) -> Pick {
    if is_forbidden(wish, language) {
        return Pick::Unsure(format!("\u{201c}{wish}\u{201d} is nothing that the box does by itself"));
    }
    let allowed = choices.iter().filter(|c| !c.label.is_empty() && !is_forbidden(&c.label, language));
    let wanted = Wanted::new(wish, taken, language.lexicon());
    let mut best: Vec<Worth> = allowed.map(|choice| wanted.worth(choice)).collect();
    best.sort_by_key(|worth| (core::cmp::Reverse(worth.points), worth.besides));
    let first = best.first().filter(|first| first.points.1 > 0);
    // Two that have the same of the wish are told apart by what else they are about: "an order", "order a catalogue".
    let clear = |a: &Worth| {
        best.get(1).is_none_or(|b| a.points > b.points || a.has == b.has && a.besides < b.besides)
    };
    let fits = |first: &Worth| {
        let why = format!("\u{201c}{}\u{201d} fits \u{201c}{wish}\u{201d}", first.choice.label);
        Pick::Press(first.choice.clone(), why)
    };
    match first {
        Some(first) if first.points.0 && clear(first) => fits(first),
        Some(first) if first.points.0 => {
            let (one, other) = (&first.choice.label, best.get(1).map_or("", |other| &other.choice.label));
            Pick::Unsure(format!("\u{201c}{one}\u{201d} or \u{201c}{other}\u{201d}: it is not clear which"))
        }
        first => leads_on(&best, language.lexicon())
            .or_else(|| first.filter(|first| clear(first)).map(fits))
            .unwrap_or_else(|| {
                Pick::Unsure(format!("none of its {} options fits \u{201c}{wish}\u{201d}", choices.len()))
            }),
    }
}

/// What leads on whatever is wanted: the language, then people, then everything else.
fn leads_on(all: &[Worth<'_>], lexicon: &Lexicon) -> Option<Pick> {
    let ways = [("own name", "the language"), (PEOPLE, "people"), ("everything else", "everything else")];
    ways.iter().find_map(|(list, why)| {
        let label = |worth: &&Worth<'_>| any(lexicon.list(list), &words(&worth.choice.label, lexicon));
        let mut leads = all.iter().filter(label);
        let (choice, None) = (leads.next()?.choice, leads.next()) else { return None };
        Some(Pick::Press(choice.clone(), format!("\u{201c}{}\u{201d} leads to {why}", choice.label)))
    })
}

/// The wish as words and subjects, each with what it is worth in a label.
struct Wanted<'l> {
    lexicon: &'l Lexicon,
    words: Vec<(String, u32)>,
    subjects: Vec<(&'l str, u32)>,
}

impl<'l> Wanted<'l> {
    fn new(wish: &str, taken: &[Choice], lexicon: &'l Lexicon) -> Self {
        let wish = words(wish, lexicon);
        let taken: Vec<Vec<Word>> = taken.iter().map(|choice| words(&choice.label, lexicon)).collect();
        let spent = |word: &Word| taken.iter().flatten().any(|told| alike(&word.text, &told.text));
        let told = wish.iter().filter(|word| tells(word, lexicon));
        let subjects = lexicon.subjects().filter(|(_, list)| any(list, &wish));
        Self {
            lexicon,
            words: told.map(|word| (word.text.clone(), if spent(word) { SPENT } else { WORD })).collect(),
            subjects: subjects
                .map(|(name, list)| (name, if taken.iter().any(|l| any(list, l)) { SPENT } else { SUBJECT }))
                .collect(),
        }
    }

    fn worth<'c>(&self, choice: &'c Choice) -> Worth<'c> {
        let label = words(&choice.label, self.lexicon);
        let about: Vec<&str> =
            self.lexicon.subjects().filter(|(_, list)| any(list, &label)).map(|(name, _)| name).collect();
        let words =
            self.words.iter().map(|(word, points)| (label.iter().any(|l| alike(word, &l.text)), points));
        let subjects = self.subjects.iter().map(|(name, points)| (about.contains(name), points));
        let (mut new, mut points, mut has) = (false, 0, 0);
        for (n, (there, worth)) in words.chain(subjects).enumerate().filter(|(_, (there, _))| *there).take(64)
        {
            (new, points, has) = (new || *worth > SPENT, points + worth, has | u64::from(there) << (n % 64));
        }
        let wanted = |name: &str| name == PEOPLE || self.subjects.iter().any(|(wanted, _)| *wanted == name);
        let besides = about.iter().filter(|name| !wanted(name)).count();
        Worth { choice, points: (new, points), has, besides }
    }
}

/// Payments, consents, cancellations, deletions, surveys and messages: never a machine's choice, in doubt neither.
pub fn is_forbidden(label: &str, language: Language) -> bool {
    unnamed_choice(label, "", language).is_some()
}

/// What is forbidden in a text, or in what a key leads to, and not named in `named`, which must name what it is about, too: who wants to cancel an appointment does not want
/// to cancel a contract. What only sounds forbidden is not.
pub fn unnamed_choice(label: &str, named: &str, language: Language) -> Option<String> {
    let lexicon = language.lexicon();
    let (said, wanted) = (words(label, lexicon), words(named, lexicon));
    let found: Vec<&Phrase> = lexicon.list("never").iter().filter(|phrase| stands(phrase, &said)).collect();
    let first = found.first()?.join(" ");
    let is_matter =
        |word: &Word| found.iter().any(|phrase| phrase.iter().any(|part| alike(part, &word.text)));
    let about: Vec<&Word> = said.iter().filter(|word| tells(word, lexicon) && !is_matter(word)).collect();
    let is_wanted = |word: &&Word| wanted.iter().any(|other| alike(&word.text, &other.text));
    let named = found.iter().all(|phrase| stands(phrase, &wanted));
    let allowed = named && (about.is_empty() || about.iter().any(is_wanted));
    let harmless = any(lexicon.list("harmless"), &said);
    (!allowed && !harmless).then_some(first)
}

/// What pressing this key is about: where it leads, or all that the menu says where it only confirms.
pub fn matter<'t>(choice: &'t Choice, menu: &'t str, language: Language) -> &'t str {
    let lexicon = language.lexicon();
    let confirms = choice.label.is_empty() || any(lexicon.list("agrees"), &words(&choice.label, lexicon));
    if confirms { menu } else { &choice.label }
}

/// Whether somebody says no with this.
pub fn denies(text: &str, language: Language) -> bool {
    let lexicon = language.lexicon();
    any(lexicon.list("denies"), &words(text, lexicon))
}

/// Whether somebody says yes with this.
pub fn affirms(text: &str, language: Language) -> bool {
    let lexicon = language.lexicon();
    any(lexicon.list("affirms"), &words(text, lexicon))
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

/// The words of the phrase stand there one after the other, with other endings or as the end or the begin of longer ones.
fn stands(phrase: &Phrase, said: &[Word]) -> bool {
    said.windows(phrase.len().max(1)).any(|there| {
        phrase.iter().zip(there).all(|(p, word)| related(p, &word.text) || within(p, &word.text))
    })
}

/// The same word, or one that the other is put together with.
fn alike(a: &str, b: &str) -> bool {
    related(a, b) || within(a, b) || within(b, a)
}

/// The same word with another ending.
fn related(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short == long || short.len() >= SHORT && long.starts_with(short) && long.len() <= short.len() + ENDING
    {
        return true;
    }
    let stem = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    stem >= STEM && long.len() - stem <= ENDINGS
}

/// "konto" in "kundenkonto", "störung" in "störungsmeldung".
fn within(part: &str, whole: &str) -> bool {
    part.len() > SHORT && (whole.starts_with(part) || whole.ends_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::words::menu::options;

    fn pressed(menu: &str, wish: &str) -> Option<char> {
        match pick(&options(menu, Language::English), wish, &[], Language::English) {
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
    fn what_led_to_a_menu_says_little_in_it() {
        let english = Language::English;
        let taken = |label: &str| [Choice { key: '3', label: label.into() }];
        let key = |menu, wish, from: &str, language| match pick(
            &options(menu, language),
            wish,
            &taken(from),
            language,
        ) {
            Pick::Press(choice, _) => Some(choice.key),
            Pick::Unsure(_) => None,
        };
        let menu = "To appeal a parking fine, press two. For resident permits, press three.";
        assert_eq!(key(menu, "parking permit", "parking", english), Some('3'));
        assert_eq!(pressed(menu, "parking permit"), None);
        let menu = "For billing addresses, press one. To speak to the billing team, press two.";
        assert_eq!(key(menu, "billing", "billing", english), Some('2'), "rather a person");
        assert_eq!(key("For old bills, press one.", "billing", "billing", english), Some('1'));
        let menu =
            "Für Ihren Vertrag drücken Sie die Eins. Für eine Vertragsverlängerung drücken Sie die Zwei.";
        assert_eq!(key(menu, "vertrag", "", Language::German), Some('1'));
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

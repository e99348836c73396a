//! What an announcement tells: the place in the queue, the wait, what it offers and asks.

use super::lexicon::{Intent, Language, Lexicon};
use super::menu::{Choice, options};
use super::phrases::wording;
use super::text::{Word, find, words};

/// Minutes, from and to.
pub type Minutes = (u32, u32);

/// What a stretch of speech tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Place in the queue; 1 is next.
    pub position: Option<u32>,
    /// The wait that is announced.
    pub wait: Option<Minutes>,
    /// A call back is offered, and the key that takes it, if one does.
    pub callback: Option<Option<char>>,
    /// It wants to know whether the caller is still there, and the key that says so, if one does.
    pub still_there: Option<Option<char>>,
    /// Nobody works there now.
    pub closed: bool,
    /// It takes a message, and nothing else: one that offers to take one by a key is a menu.
    pub voicemail: bool,
    /// Everybody is busy, and it says goodbye.
    pub all_busy: bool,
    /// It wants an opinion.
    pub survey: bool,
    /// What a menu offers.
    pub options: Vec<Choice>,
}

/// Longest wait that is believed, minutes.
const LONGEST: u32 = 24 * 60;

/// Understands one stretch of speech.
pub fn facts(text: &str, language: Language) -> Facts {
    let lexicon = language.lexicon();
    let said = words(text, lexicon);
    let intents = wording(text, language, "").intents;
    let has = |intent| intents.contains(&intent);
    let options = options(text, language);
    let offers = |list: &str| taker(list, &options, lexicon);
    let (position, wait) = (position(&said, lexicon), wait(&said, lexicon));
    // Opening hours and mailboxes are also spoken of to those who wait: more is needed before a line is given up.
    let queues = has(Intent::Queue) || position.is_some() || wait.is_some() || !options.is_empty();
    Facts {
        position,
        wait,
        callback: has(Intent::Callback).then(|| offers("calls back")),
        still_there: has(Intent::Still).then(|| offers("keeps")),
        closed: has(Intent::Closed) && any(lexicon, "shut", &said) && !queues,
        voicemail: has(Intent::Voicemail) && any(lexicon, "records", &said) && !queues,
        all_busy: has(Intent::Queue) && any(lexicon, "goodbye", &said),
        survey: has(Intent::Survey),
        options,
    }
}

fn any(lexicon: &Lexicon, list: &str, said: &[Word]) -> bool {
    lexicon.list(list).iter().any(|phrase| find(phrase, said).is_some())
}

/// The key of an offer that was made without one in the words before: "to do so, press two".
pub fn key_of_offer(text: &str, language: Language) -> Option<char> {
    let options = options(text, language);
    match options.as_slice() {
        [_] if has_intent(text, language) => None,
        all => taker("calls back", all, language.lexicon()),
    }
}

/// Of several keys the one whose label says so. One alone needs no more than a yes: but "if you are still there, hold on; to
/// leave a message, press 1" is no question that 1 answers.
fn taker(list: &str, options: &[Choice], lexicon: &Lexicon) -> Option<char> {
    let label = |choice: &Choice| words(&choice.label, lexicon);
    let says = |choice: &&Choice| any(lexicon, list, &label(choice));
    let agrees = |choice: &&Choice| label(choice).is_empty() || any(lexicon, "agrees", &label(choice));
    let alone = match options {
        [only] => Some(only).filter(agrees),
        _ => None,
    };
    options.iter().find(says).or(alone).map(|choice| choice.key)
}

/// It is about something else than a menu and a call back.
fn has_intent(text: &str, language: Language) -> bool {
    let other = |intent: &Intent| !matches!(intent, Intent::Menu | Intent::Callback);
    wording(text, language, "").intents.iter().any(other)
}

fn position(said: &[Word], lexicon: &Lexicon) -> Option<u32> {
    let named = |list| lexicon.list(list).iter().find_map(|phrase| find(phrase, said));
    let number = |list| named(list).and_then(|found| found.number);
    number("position")
        .or_else(|| number("ahead").map(|ahead| ahead.saturating_add(1)))
        .or_else(|| named("next").map(|_| 1))
        .filter(|place| (1..1000).contains(place))
}

/// "about five minutes", "between five and ten minutes", "less than an hour".
fn wait(said: &[Word], lexicon: &Lexicon) -> Option<Minutes> {
    let phrase = |list| any(lexicon, list, said);
    let timed = (1..said.len()).find_map(|at| {
        let unit = if lexicon.has("minutes", &said[at].text) {
            1
        } else {
            lexicon.has("hours", &said[at].text).then_some(60)?
        };
        let most = said[at - 1].number.filter(|_| !said[at - 1].clause)?;
        // Before it one more number, a word between: "5 to 10", "5 und 10".
        let least = at.checked_sub(3).and_then(|before| said[before].number).filter(|least| *least < most);
        let minutes = |n: u32| n.saturating_mul(unit);
        Some((minutes(least.unwrap_or(most)), minutes(most)))
    });
    let spoken = || {
        let minutes = if phrase("half") { 30 } else { phrase("whole").then_some(60)? };
        Some((minutes, minutes))
    };
    timed.or_else(spoken).filter(|(_, most)| (1..=LONGEST).contains(most))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn places_and_waits_are_read() {
        use Language::{English, French, German, Spanish};
        let cases: [(Language, &str, Option<u32>, Option<Minutes>); 22] = [
            (English, "You are caller number five in the queue.", Some(5), None),
            (
                English,
                "You are number 12 in line. Your estimated wait time is twenty-five minutes.",
                Some(12),
                Some((25, 25)),
            ),
            (English, "There are 3 callers ahead of you.", Some(4), None),
            (English, "You are next in line.", Some(1), None),
            (English, "You are third in line.", Some(3), None),
            (English, "Your wait will be between five and ten minutes.", None, Some((5, 10))),
            (English, "The expected waiting time is 5 to 10 minutes.", None, Some((5, 10))),
            (English, "The wait is more than half an hour.", None, Some((30, 30))),
            (English, "The wait is about two hours.", None, Some((120, 120))),
            (English, "Your estimated wait is less than a minute.", None, None),
            (English, "Call us on 0800 12 34 56.", None, None),
            (English, "Thank you for holding.", None, None),
            (German, "Sie sind auf Platz drei in der Warteschlange.", Some(3), None),
            (
                German,
                "Vor Ihnen: noch 2 Anrufer vor Ihnen. Die Wartezeit beträgt etwa fünfundzwanzig Minuten.",
                Some(3),
                Some((25, 25)),
            ),
            (German, "Die voraussichtliche Wartezeit beträgt 10 Minuten.", None, Some((10, 10))),
            (German, "Sie sind der nächste.", Some(1), None),
            (German, "Die Wartezeit beträgt eine halbe Stunde.", None, Some((30, 30))),
            (French, "Il y a quatre personnes avant vous.", Some(5), None),
            (French, "Le temps d'attente est de quatre-vingt-dix minutes.", None, Some((90, 90))),
            (French, "Votre temps d'attente estimé est de vingt et une minutes.", None, Some((21, 21))),
            (Spanish, "Usted es el número dos en la cola.", Some(2), None),
            (Spanish, "El tiempo de espera es de treinta y cinco minutos.", None, Some((35, 35))),
        ];
        for (language, text, position, wait) in cases {
            let found = facts(text, language);
            assert_eq!((found.position, found.wait), (position, wait), "{text}");
        }
    }

    #[test]
    fn offers_and_questions_are_understood_with_their_key() {
        let told = |text| facts(text, Language::English);
        let callback =
            told("We can call you back without losing your place in line. To request a call back, press 2.");
        assert_eq!(callback.callback, Some(Some('2')));
        let still = told("Are you still there? Press one to remain on hold, press 1.");
        assert_eq!(still.still_there, Some(Some('1')));
        assert!(told("Our offices are closed. Please call back during business hours.").closed);
        assert!(told("Please leave a message after the tone.").voicemail);
        assert!(told("After the call, please take part in a short survey.").survey);
        assert!(
            facts(
                "Zurzeit ist geschlossen: Sie rufen außerhalb unserer Geschäftszeiten an.",
                Language::German
            )
            .closed
        );
        let german = facts("Wünschen Sie einen Rückruf? Dann drücken Sie die Eins.", Language::German);
        assert_eq!(german.callback, Some(Some('1')));
        assert_eq!(told("Hello, how can I help?"), Facts::default());
        // Of several keys the one whose label says so; none, if none does.
        let two = told("We can call you back. To receive a callback press 1. To keep holding press 2.");
        assert_eq!(two.callback, Some(Some('1')));
        let other = told("We can call you back. For sales press 1. For support press 2.");
        assert_eq!(other.callback, Some(None));
        let message = told("To leave a message, press 3, or stay on the line.");
        assert!(
            !message.voicemail && message.options.len() == 1,
            "a menu takes it, not the line: {message:?}"
        );
        assert!(told("All of our agents are busy. Please try again later. Goodbye.").all_busy);
        assert!(!told("All of our agents are busy. Please stay on the line.").all_busy);
        let german = facts(
            "Alle unsere Mitarbeiter sind im Gespräch. Bitte versuchen Sie es später noch einmal.",
            Language::German,
        );
        assert!(german.all_busy, "{german:?}");
    }

    #[test]
    fn the_key_of_an_offer_may_come_in_the_next_words() {
        let cases = [
            ("To do so, press 2 now.", Some('2')),
            ("Press 1.", Some('1')),
            ("To accept, press 1. To decline, press 2.", None),
            ("To be called back press 1, to continue holding press 2.", Some('1')),
            ("For billing, press 2.", None),
            ("To leave a message, press 2.", None),
            ("", None),
        ];
        for (text, key) in cases {
            assert_eq!(key_of_offer(text, Language::English), key, "{text}");
        }
        assert_eq!(key_of_offer("Drücken Sie dazu die Eins.", Language::German), Some('1'));
    }

    #[test]
    fn what_is_said_to_those_who_wait_gives_no_line_up_and_presses_no_strange_key() {
        let told = |text| facts(text, Language::English);
        for text in [
            "Our office hours are monday through friday.",
            "Our offices are closed on Sundays. You are caller number 3.",
            "You can also leave us a voicemail. Please stay on the line.",
        ] {
            let found = told(text);
            assert!(!found.closed && !found.voicemail, "{text}");
        }
        let found = told("If you are still there, please stay on the line. To leave a message, press 1.");
        assert!(!matches!(found.still_there, Some(Some(_))), "{found:?}");
    }

    #[test]
    fn bad_input_says_nothing() {
        for text in [
            "",
            "press",
            "99999999999999999999 minutes",
            "in the queue",
            "# # #",
            "press press press 1 1 1",
            "\u{0}\u{ffff}",
        ] {
            let _ = facts(text, Language::English);
            assert_eq!(facts(text, Language::German).position, None);
        }
    }
}

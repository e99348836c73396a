//! Recognised text as words that can be compared: without case, accents and marks, numbers as numbers.

use super::lexicon::{Lexicon, NUMBER, Phrase};

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Lower case, without accents; digits where it is a number.
    pub text: String,
    /// The number that it is.
    pub number: Option<u32>,
    /// A clause ends after it; or a sentence.
    pub clause: bool,
    pub sentence: bool,
}

/// Where a phrase was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub start: usize,
    pub end: usize,
    /// The number that it names.
    pub number: Option<u32>,
}

/// The text without numbers that may be secret: four digits and more in a row, whatever parts them, are blanked.
pub fn discreet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..start]);
        let run = &rest[start..];
        let length = run.find(|c: char| !c.is_ascii_digit() && !" -.,".contains(c)).unwrap_or(run.len());
        let digits = run[..length].trim_end_matches(|c: char| !c.is_ascii_digit());
        if digits.bytes().filter(u8::is_ascii_digit).count() >= 4 {
            out.push_str("••••");
        } else {
            out.push_str(digits);
        }
        rest = &run[digits.len()..];
    }
    out.push_str(rest);
    out
}

/// The words of `text`, lower case and without accents.
pub(super) fn plain(text: &str) -> Vec<String> {
    raw(text).into_iter().map(|word| word.text).collect()
}

/// A phrase to look for: numbers in it stand for any.
pub(super) fn phrase(text: &str, lexicon: &Lexicon) -> Phrase {
    words(text, lexicon)
        .into_iter()
        .map(|word| if word.number.is_some() { NUMBER.to_owned() } else { word.text })
        .collect()
}

/// The words of `text` in a language, its numbers put together.
pub(super) fn words(text: &str, lexicon: &Lexicon) -> Vec<Word> {
    let raw = raw(text);
    let mut all: Vec<Word> = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let (value, used) =
            number(&raw[at..], lexicon).map_or((None, 1), |(value, used)| (Some(value), used));
        let text = value.map_or_else(|| raw[at].text.clone(), |n| n.to_string());
        all.push(Word { text, number: value, ..raw[at + used - 1].clone() });
        at += used;
    }
    all
}

fn raw(text: &str) -> Vec<Word> {
    let mut all: Vec<Word> = Vec::new();
    let mut word = String::new();
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let next = letters.peek().copied();
        // "2,000" and "1.5" are one number each, and "you're" is one word. In French "l'attente" is two.
        let joins = matches!(c, ',' | '.')
            && word.ends_with(|c: char| c.is_ascii_digit())
            && next.is_some_and(|c| c.is_ascii_digit());
        match c {
            '\'' | '’' if word.chars().count() > 1 && !matches!(&*word, "qu") => {}
            _ if joins => {}
            c if c.is_alphanumeric() || matches!(c, '#' | '*') => {
                c.to_lowercase().for_each(|c| push_plain(&mut word, c));
            }
            _ => {
                end(&mut all, &mut word);
                if let Some(last) = all.last_mut() {
                    last.clause |= matches!(c, ',' | ';' | ':' | '.' | '!' | '?' | '…' | '\n');
                    last.sentence |= matches!(c, '.' | '!' | '?' | '…' | '\n');
                }
            }
        }
    }
    end(&mut all, &mut word);
    all
}

fn end(all: &mut Vec<Word>, word: &mut String) {
    if !word.is_empty() {
        let text = core::mem::take(word);
        all.push(Word { text, number: None, clause: false, sentence: false });
    }
}

fn push_plain(word: &mut String, c: char) {
    let same = match c {
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        'ß' => return word.push_str("ss"),
        'œ' => return word.push_str("oe"),
        // The dot that Turkish lower case leaves.
        '\u{307}' => return,
        c => c,
    };
    word.push(same);
}

/// The number that the words begin with, and how many words it takes.
fn number(words: &[Word], lexicon: &Lexicon) -> Option<(u32, usize)> {
    let first = &words.first()?.text;
    let digits: String = first.chars().take_while(char::is_ascii_digit).collect();
    if !digits.is_empty() {
        // "3rd", "5th", "2e".
        let short = first.len() <= digits.len() + 3;
        return digits.parse().ok().filter(|_| short).map(|n| (n, 1));
    }
    ordinal_or_count(first, words, lexicon)
}

fn ordinal_or_count(first: &str, words: &[Word], lexicon: &Lexicon) -> Option<(u32, usize)> {
    if let Some(n) = lexicon.ordinals.get(first) {
        return Some((*n, 1));
    }
    let known = |at: usize| words.get(at).and_then(|word| lexicon.numbers.get(&word.text)).copied();
    let Some(n) = known(0) else { return compound(first, lexicon).map(|n| (n, 1)) };
    // quatre-vingts
    let (n, used) = match (n, known(1)) {
        (4, Some(20)) => (80, 2),
        _ => (n, 1),
    };
    if !(20..=90).contains(&n) || words[used - 1].clause {
        return Some((n, used));
    }
    let joined = words.get(used).is_some_and(|word| lexicon.has("joins", &word.text));
    let most = if matches!(n, 60 | 80) { 19 } else { 9 };
    match known(used + usize::from(joined)).filter(|unit| (1..=most).contains(unit)) {
        Some(unit) => Some((n + unit, used + usize::from(joined) + 1)),
        None => Some((n, used)),
    }
}

/// fünfundzwanzig
fn compound(word: &str, lexicon: &Lexicon) -> Option<u32> {
    let (unit, tens) = word.split_once("und")?;
    let unit = lexicon.numbers.get(unit).filter(|n| (1..=9).contains(*n))?;
    let tens = lexicon.numbers.get(tens).filter(|n| (20..=90).contains(*n))?;
    Some(unit + tens)
}

/// The first place where `phrase` stands in `words`, give and take errors of recognition: a word in five may be missing
/// or be another, but not the longest, and one may come between.
pub(super) fn find(phrase: &Phrase, words: &[Word]) -> Option<Found> {
    let allowed = phrase.len() / 5;
    let longest = phrase.iter().map(String::len).max().unwrap_or_default();
    (0..words.len()).find_map(|start| {
        let (mut at, mut missed, mut number) = (start, 0, None);
        for wanted in phrase {
            let here = |at: usize| words.get(at).is_some_and(|word| like(wanted, word));
            if here(at) {
                at += 1;
            } else if at > start && here(at + 1) && !words[at].sentence {
                at += 2;
            } else {
                missed += 1;
                // What stands here may be the word, misheard.
                at += usize::from(at > start && !here(at));
                if missed > allowed || wanted == NUMBER || wanted.len() == longest {
                    return None;
                }
                continue;
            }
            if wanted == NUMBER {
                number = words[at - 1].number;
            }
        }
        (at > start).then_some(Found { start, end: at.min(words.len()), number })
    })
}

fn like(wanted: &str, word: &Word) -> bool {
    if wanted == NUMBER {
        return word.number.is_some();
    }
    if wanted == word.text {
        return true;
    }
    // "call" for "caller", "agent" for "agents".
    let (short, long) =
        if wanted.len() < word.text.len() { (wanted, &*word.text) } else { (&*word.text, wanted) };
    if short.len() >= 4 && long.len() - short.len() <= 2 && long.starts_with(short) {
        return true;
    }
    let allowed = match wanted.len() {
        0..=4 => return false,
        5..=7 => 1,
        _ => 2,
    };
    word.text.len().abs_diff(wanted.len()) <= allowed && distance(wanted, &word.text) <= allowed
}

/// Letters that differ.
fn distance(a: &str, b: &str) -> usize {
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = core::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let best = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = core::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn secrets_are_blanked_and_small_numbers_are_not() {
        for (text, shown) in [
            ("Press 1 for sales, 2 for support.", "Press 1 for sales, 2 for support."),
            ("My card is 4111 1111-1111 1111, thanks.", "My card is ••••, thanks."),
            ("The PIN is 1-2-3-4.", "The PIN is ••••."),
            ("You are caller 12 of 345.", "You are caller 12 of 345."),
            ("9876", "••••"),
            ("", ""),
        ] {
            assert_eq!(discreet(text), shown);
        }
    }

    #[test]
    fn marks_case_and_accents_do_not_count() {
        assert_eq!(plain("You're FÜR l'attente, ok?"), ["youre", "fur", "l", "attente", "ok"]);
        assert_eq!(plain("2,000 people"), ["2000", "people"]);
    }
}

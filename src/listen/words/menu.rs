//! A menu's words as its options: "for billing press two, for anything else stay on the line".

use super::lexicon::{Language, Lexicon};
use super::text::{Word, words};

/// What a key leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// `0` to `9`, `*` or `#`.
    pub key: char,
    /// Where it leads, in the menu's plain words: lower case, without accents. Empty where the menu does not say.
    pub label: String,
}

/// A key that is named, and the words that name it.
#[derive(Clone, Copy, Debug)]
struct Named {
    key: char,
    start: usize,
    end: usize,
}

/// The options that `text` offers, in its order. What is no menu has none. A key named twice leads where it was said first
/// to lead.
pub fn options(text: &str, language: Language) -> Vec<Choice> {
    let lexicon = language.lexicon();
    let words = words(text, lexicon);
    let named = keys(&words, lexicon);
    let mut all: Vec<Choice> = Vec::new();
    let mut labels_come_first = None;
    for (i, key) in named.iter().enumerate() {
        let from = i.checked_sub(1).map_or(0, |before| named[before].end);
        let to = named.get(i + 1).map_or(words.len(), |next| next.start);
        let mut before = sentence_end(&words, from, key.start);
        // A label stands before its key in a whole menu, or after it. A key that begins a sentence says it later.
        let behind = after(&words[key.end - 1..to]);
        if behind.is_empty() && !before.is_empty() && without_end(before, lexicon).is_empty() {
            // "You are moving? Then press two."
            before = last_sentence(&words[from..key.start - before.len()]);
        }
        let first = *labels_come_first
            .get_or_insert(opening(before, lexicon).is_some() || !before.is_empty() && behind.is_empty());
        let label = if before.is_empty() || !first && !behind.is_empty() {
            label_after(behind, lexicon)
        } else {
            label_before(before, lexicon)
        };
        match all.iter_mut().find(|choice| choice.key == key.key) {
            Some(choice) if choice.label.is_empty() => choice.label = label,
            Some(_) => {}
            None => all.push(Choice { key: key.key, label }),
        }
    }
    all
}

/// Where keys are named, first and last word.
pub(super) fn keys_named(words: &[Word], lexicon: &Lexicon) -> Vec<(usize, usize)> {
    keys(words, lexicon).iter().map(|key| (key.start, key.end)).collect()
}

/// Where keys are named: a word for pressing, perhaps others that say nothing, and a key.
fn keys(words: &[Word], lexicon: &Lexicon) -> Vec<Named> {
    let mut all: Vec<Named> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let presses = lexicon.list("press").iter().filter(|p| starts(&words[at..], p)).map(Vec::len).max();
        let Some(length) = presses.filter(|_| !words[at].sentence) else {
            let further = all.last().and_then(|last| listed(words, at, last.end, lexicon));
            at = further.map_or(at + 1, |key| key.end);
            all.extend(further);
            continue;
        };
        let mut end = at + length;
        while words
            .get(end)
            .is_some_and(|w| lexicon.has("fills", &w.text) && !w.sentence && w.number.is_none())
        {
            end += 1;
        }
        let Some(key) = words.get(end).and_then(|word| key(word, words.get(end + 1), lexicon)) else {
            at += length;
            continue;
        };
        end += 1;
        let more = lexicon.list("after").iter().filter(|p| starts(&words[end..], p)).map(Vec::len).max();
        if !words[end - 1].sentence {
            end += more.unwrap_or(0);
        }
        // "press or say two": the second names nothing new.
        all.push(Named { key, start: at, end });
        at = end;
    }
    all
}

/// A key that is named without a word for pressing, after another was: "press one for sales, two for support", "for sales
/// press one, for support two". `from`: where the key before ends.
fn listed(words: &[Word], at: usize, from: usize, lexicon: &Lexicon) -> Option<Named> {
    let before = at.checked_sub(1).filter(|before| *before + 1 >= from).map(|before| &words[before])?;
    let key = words[at]
        .number
        .filter(|n| *n <= 9)
        .and_then(|n| char::from_digit(n, 10))
        .or_else(|| lexicon.keys.get(&words[at].text).copied())?;
    let begins = before.clause || ["fills", "joins"].iter().any(|list| lexicon.has(list, &before.text));
    // "the pound key"
    let more = words.get(at + 1).filter(|next| !words[at].clause && lexicon.has("after", &next.text));
    let end = at + 1 + usize::from(more.is_some());
    let label_follows = !words[end - 1].clause && words.get(end).is_some_and(|next| opens(next, lexicon));
    if begins && label_follows {
        return Some(Named { key, start: at, end });
    }
    let said = sentence_end(words, from.min(at), at);
    let opened = opening(said, lexicon)
        .is_some_and(|place| place == 0 || said[place - 1].clause || said.len() == at - from);
    let ends = words[end - 1].clause || end == words.len();
    (ends && opened && lexicon.has("last", &before.text)).then_some(Named { key, start: at, end })
}

fn starts(words: &[Word], phrase: &[String]) -> bool {
    words.len() >= phrase.len() && phrase.iter().zip(words).all(|(p, word)| *p == word.text)
}

/// The key that a word names where one is expected. A word that only sounds like a digit must be followed by the end of a
/// clause, or by what opens a label.
fn key(word: &Word, next: Option<&Word>, lexicon: &Lexicon) -> Option<char> {
    match (word.number, word.text.chars().next()) {
        (Some(n), _) if n <= 9 => return char::from_digit(n, 10),
        (Some(_), _) => return None,
        (None, Some(key @ ('#' | '*'))) if word.text.len() == 1 => return Some(key),
        _ => {}
    }
    if let Some(key) = lexicon.keys.get(&word.text) {
        return Some(*key);
    }
    let last = word.clause || next.is_none_or(|next| opens(next, lexicon));
    lexicon.misheard.get(&word.text).copied().filter(|_| last)
}

fn opens(word: &Word, lexicon: &Lexicon) -> bool {
    lexicon.list("opens").iter().any(|phrase| phrase[0] == word.text)
}

/// What lies between the end of the last sentence before `to` and `to`.
fn sentence_end(words: &[Word], from: usize, to: usize) -> &[Word] {
    let between = &words[from..to];
    let start = between.iter().rposition(|word| word.sentence).map_or(0, |last| last + 1);
    &between[start..]
}

/// The sentence that the words end with.
fn last_sentence(words: &[Word]) -> &[Word] {
    let inner = words.len().saturating_sub(1);
    let start = words[..inner].iter().rposition(|word| word.sentence).map_or(0, |last| last + 1);
    &words[start..]
}

/// The words after the first, to the end of its sentence.
fn after(words: &[Word]) -> &[Word] {
    let end = words.iter().position(|word| word.sentence).map_or(words.len(), |last| last + 1);
    &words[1..end]
}

/// Where the label of the last clauses opens, and the length of what opens it: at the begin of a clause if there is such a
/// place, else anywhere.
fn opening(words: &[Word], lexicon: &Lexicon) -> Option<usize> {
    let at = |i: usize| lexicon.list("opens").iter().any(|phrase| starts(&words[i..], phrase));
    let begins = |i: &usize| *i == 0 || words[i - 1].clause;
    let mut places = (0..words.len()).filter(|i| at(*i));
    places.clone().find(begins).or_else(|| places.next())
}

fn label_before(words: &[Word], lexicon: &Lexicon) -> String {
    let from = opening(words, lexicon).unwrap_or_else(|| {
        // "Welcome to Acme, billing, press two": the last clause.
        let inner = words.len().saturating_sub(1);
        words[..inner].iter().rposition(|word| word.clause).map_or(0, |last| last + 1)
    });
    label(&words[from..], lexicon)
}

fn label_after(words: &[Word], lexicon: &Lexicon) -> String {
    let from = opening(words, lexicon).filter(|from| *from <= 3).unwrap_or(0);
    label(&words[from..], lexicon)
}

/// The words without what fills their end.
fn without_end<'w>(mut words: &'w [Word], lexicon: &Lexicon) -> &'w [Word] {
    while let [inner @ .., last] = words
        && ["fills", "joins", "drops"].iter().any(|list| lexicon.has(list, &last.text))
    {
        words = inner;
    }
    words
}

/// The words without what opens and fills them.
fn label(words: &[Word], lexicon: &Lexicon) -> String {
    let mut rest = words;
    loop {
        // An article is a number in most languages.
        if let [first, inner @ ..] = rest
            && first.number == Some(1)
            && !inner.is_empty()
        {
            rest = inner;
        }
        let skips = ["opens", "drops"].into_iter().flat_map(|list| lexicon.list(list));
        let longest = skips.filter(|p| rest.len() > p.len() && starts(rest, p)).map(Vec::len).max();
        match longest {
            Some(length) => rest = &rest[length..],
            None => break,
        }
    }
    rest = match without_end(rest, lexicon) {
        [] => &rest[..rest.len().min(1)],
        inner => inner,
    };
    rest.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;

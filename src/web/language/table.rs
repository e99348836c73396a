//! The table: `English => German`, a line for each text. `{}` stands for what differs each time. In German `{1}` puts the
//! first of these as it is, `{1?}` in German if the table has it, and `{1!}` demands that the table has it: otherwise the
//! line is not the right one.
//!
//! A text may begin with a capital letter, or end with a full stop, that its line has not.

use std::collections::HashMap;

/// German, by what it is about.
pub(super) const DE: [&str; 4] = [
    include_str!("de/pages.txt"),
    include_str!("de/settings.txt"),
    include_str!("de/calls.txt"),
    include_str!("de/faults.txt"),
];

/// Lines that are tried for one text, so that none takes long.
const TRIES: u32 = 200;
/// Words that are the same everywhere.
const UNITS: [&str; 6] = ["s", "ms", "min", "h", "MB", "kB"];

/// Texts and what they are in another language.
#[derive(Default)]
pub(super) struct Table {
    whole: HashMap<&'static str, &'static str>,
    /// Those with the most letters of their own come first.
    patterns: Vec<Pattern>,
}

struct Pattern {
    /// What stands before, between and after what differs.
    between: Vec<&'static str>,
    german: Vec<Piece>,
}

enum Piece {
    Text(&'static str),
    Given(usize, Need),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    AsItIs,
    IfKnown,
    Known,
}

/// The two sides of each line.
pub(super) fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(" => "))
}

impl Table {
    pub(super) fn read(texts: &[&'static str]) -> Self {
        let mut table = Self::default();
        for (english, german) in texts.iter().copied().flat_map(lines) {
            match english.contains("{}") {
                false => drop(table.whole.insert(english, german)),
                true => table
                    .patterns
                    .push(Pattern { between: english.split("{}").collect(), german: pieces(german) }),
            }
        }
        let own = |pattern: &Pattern| pattern.between.iter().map(|text| text.len()).sum::<usize>();
        table.patterns.sort_by_key(|pattern| core::cmp::Reverse(own(pattern)));
        table
    }

    /// The text in the other language; `None`: the table does not have it.
    pub(super) fn say(&self, text: &str) -> Option<String> {
        self.try_to_say(text, &mut { TRIES })
    }

    fn try_to_say(&self, text: &str, tries: &mut u32) -> Option<String> {
        if is_figures(text) {
            return Some(text.to_owned());
        }
        *tries = tries.checked_sub(1)?;
        let small = with_first(text, char::is_uppercase, char::to_lowercase);
        let capital =
            |said: String| with_first(&said, char::is_lowercase, char::to_uppercase).unwrap_or(said);
        let whole = |text: &str| self.whole.get(text).map(|said| (*said).to_owned());
        if let Some(said) = whole(text).or_else(|| small.as_deref().and_then(whole).map(capital)) {
            return Some(said);
        }
        if let Some(sentence) = text.strip_suffix('.').filter(|sentence| !sentence.is_empty())
            && let Some(said) = self.try_to_say(sentence, tries)
        {
            return Some(said + ".");
        }
        let mut fill = |text: &str| self.patterns.iter().find_map(|pattern| self.fill(pattern, text, tries));
        fill(text).or_else(|| fill(&small?).map(capital))
    }

    fn fill(&self, pattern: &Pattern, text: &str, tries: &mut u32) -> Option<String> {
        let given = given(&pattern.between, text)?;
        let mut said = String::new();
        for piece in &pattern.german {
            match piece {
                Piece::Text(text) => said.push_str(text),
                Piece::Given(at, need) => {
                    let given = given.get(*at).copied().unwrap_or_default();
                    match need {
                        Need::AsItIs => said.push_str(given),
                        Need::IfKnown => match self.try_to_say(given, tries) {
                            Some(known) => said.push_str(&known),
                            None => said.push_str(given),
                        },
                        Need::Known => said.push_str(&self.try_to_say(given, tries)?),
                    }
                }
            }
        }
        Some(said)
    }
}

/// What stands in the gaps, if the text fits.
fn given<'t>(between: &[&str], text: &'t str) -> Option<Vec<&'t str>> {
    let (first, rest) = between.split_first()?;
    let (last, middle) = rest.split_last()?;
    let mut text = text.strip_prefix(first)?.strip_suffix(last)?;
    let mut given = Vec::new();
    for literal in middle {
        // A gap is never empty.
        let step = text.chars().next()?.len_utf8();
        let at = step + text.get(step..)?.find(literal)?;
        given.push(&text[..at]);
        text = &text[at + literal.len()..];
    }
    given.push(text);
    (!text.is_empty()).then_some(given)
}

fn pieces(german: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = german;
    while let Some((text, after)) = rest.split_once('{') {
        let Some((inner, next)) = after.split_once('}') else { break };
        let need = match inner.as_bytes().last() {
            Some(b'!') => Need::Known,
            Some(b'?') => Need::IfKnown,
            _ => Need::AsItIs,
        };
        let Ok(number) = inner.trim_end_matches(['!', '?']).parse::<usize>() else { break };
        pieces.push(Piece::Text(text));
        pieces.push(Piece::Given(number.saturating_sub(1), need));
        rest = next;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Nothing in it has to be said.
fn is_figures(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.all(|word| UNITS.contains(&word))
}

/// The text with its first letter made another, if it is of that kind.
fn with_first<I: Iterator<Item = char>>(
    text: &str,
    is: fn(char) -> bool,
    make: fn(char) -> I,
) -> Option<String> {
    let mut rest = text.chars();
    let first = rest.next().filter(|first| is(*first))?;
    Some(make(first).chain(rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_whole_by_pattern_and_in_pieces() {
        let table = Table::read(&[
            "# a remark\nmusic => Musik\n{}, {} => {1!}, {2!}\n{} is gone => {1} ist weg\n{} came back {} s later => {1!} kam {2} s später\n\
             {}: {} => {1?}: {2!}\nthe line => die Leitung\n",
        ]);
        let cases = [
            ("music", Some("Musik")),
            ("Music", Some("Musik")),
            ("The line.", Some("Die Leitung.")),
            ("music, the line, music", Some("Musik, die Leitung, Musik")),
            ("music, nobody knows", None),
            ("The hall is gone.", Some("The hall ist weg.")),
            ("music came back 3.2 s later", Some("Musik kam 3.2 s später")),
            ("noise came back 3.2 s later", None),
            ("hall: the line", Some("hall: die Leitung")),
            ("4 min 7 s", Some("4 min 7 s")),
            (" is gone", None),
            ("nothing", None),
        ];
        for (text, german) in cases {
            assert_eq!(table.say(text).as_deref(), german, "{text}");
        }
        assert_eq!(table.say(&"nobody, ".repeat(10_000)), None, "soon enough");
    }
}

//! Tables of TOML, read strictly: each value is taken with what is allowed for it, and each mistake is kept with its
//! line, so that all of them are told at once.

use core::fmt;
use core::ops::RangeInclusive;
use core::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// Section, key and value found, and what is allowed there. Never a secret.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.what),
            line => write!(f, "{}:{line}: {}", self.file, self.what),
        }
    }
}

/// All that is wrong in a file, in the order of its lines. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.0.iter().enumerate() {
            write!(f, "{}{mistake}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A file being read, and what was wrong so far.
pub(crate) struct Source<'t> {
    file: &'t str,
    text: &'t str,
    mistakes: Vec<Mistake>,
}

impl<'t> Source<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, mistakes: Vec::new() }
    }

    /// The file as TOML. What TOML itself refuses is one mistake each.
    pub fn root(&mut self) -> Option<DeTable<'t>> {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            let found = error.span().and_then(|span| self.text.get(span)).unwrap_or_default();
            let what = match error.message() {
                "duplicate key" => format!(
                    "{found} stands further up already. Keep one of the two, and all lines of a section under one heading"
                ),
                message => format!("not TOML: {message}"),
            };
            self.wrong(at, what);
        }
        errors.is_empty().then(|| root.into_inner())
    }

    /// Notes a mistake at a byte offset.
    pub fn wrong(&mut self, at: usize, what: String) {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        self.mistakes.push(Mistake { file: self.file.to_owned(), line, what });
    }

    /// Takes over what was wrong in another file.
    pub fn adopt(&mut self, mistakes: Vec<Mistake>) {
        self.mistakes.extend(mistakes);
    }

    /// The result, if nothing was wrong.
    pub fn finish<T>(mut self, result: T) -> Result<T, Mistakes> {
        if self.mistakes.is_empty() {
            return Ok(result);
        }
        self.mistakes.sort_by_key(|mistake| (mistake.file != self.file, mistake.line));
        Err(Mistakes(self.mistakes))
    }

    /// A value as it is written, short enough for a message.
    fn written(&self, value: &Spanned<DeValue<'_>>) -> String {
        match value.get_ref() {
            DeValue::Table(_) => "a table".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            _ => {
                let text = self.text.get(value.span()).unwrap_or_default();
                let short: String =
                    text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
                if short.len() < text.len() { format!("{short}…") } else { short }
            }
        }
    }
}

/// Where a table starts in the file, and what it says.
pub(crate) type Placed<T> = (usize, T);

/// The tables of a list of tables. One table with single brackets is told how to write it.
pub(crate) fn tables<'s, 't>(
    source: &mut Source<'t>,
    root: &'s DeTable<'t>,
    name: &str,
    title: &str,
    most: usize,
) -> Vec<Placed<&'s DeTable<'t>>> {
    let Some((key, value)) = root.iter().find(|(key, _)| key.get_ref() == name) else { return Vec::new() };
    let at = key.span().start;
    let Some(items) = value.get_ref().as_array() else {
        source.wrong(
            at,
            format!("{name}: there can be several, so write {title} with two brackets on each side"),
        );
        return Vec::new();
    };
    if items.len() > most {
        source.wrong(at, format!("{title} is there {} times: allowed are at most {most}", items.len()));
    }
    let tables = items.iter().filter_map(|item: &Spanned<DeValue<'t>>| match item.get_ref() {
        DeValue::Table(table) => Some((item.span().start, table)),
        _ => {
            source.wrong(item.span().start, format!("{name}: write {title} on a line of its own for each"));
            None
        }
    });
    tables.collect()
}

/// A password. Its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Of what the owner wrote.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The password itself, for digest or hash; never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(not shown)")
    }
}

/// One table of the file.
pub(crate) struct Section<'s, 't> {
    source: &'s mut Source<'t>,
    /// As in the file: `[sip]`, `[[trunk]]`.
    title: &'static str,
    table: Option<&'s DeTable<'t>>,
    /// What holds for keys that are not written.
    preset: Option<&'s DeTable<'t>>,
    at: usize,
}

impl<'s, 't> Section<'s, 't> {
    /// Opens a table that may hold `known` keys only. `None` is an absent table: every key has its default.
    pub fn open(
        source: &'s mut Source<'t>,
        title: &'static str,
        table: Option<(usize, &'s DeTable<'t>)>,
        known: &[&str],
    ) -> Self {
        for (key, _) in table.iter().flat_map(|(_, table)| table.iter()) {
            if !known.contains(&key.get_ref().as_ref()) {
                // The value stays out of the message: it may be a secret under a misspelt key.
                let guess =
                    nearest(key.get_ref(), known).map_or(".".to_owned(), |k| format!("; did you mean {k}?"));
                let (key_text, keys) = (key.get_ref(), known.join(", "));
                let what = join(title, &format!("{key_text}: no such key{guess} Allowed here: {keys}"));
                source.wrong(key.span().start, what);
            }
        }
        Self {
            source,
            title,
            table: table.map(|(_, table)| table),
            preset: None,
            at: table.map_or(0, |(at, _)| at),
        }
    }

    fn find(&self, key: &str) -> Option<&'s Spanned<DeValue<'t>>> {
        let tables = [self.table, self.preset].into_iter().flatten();
        tables.flat_map(|table| table.iter()).find(|(k, _)| k.get_ref() == key).map(|(_, value)| value)
    }

    /// Takes what is not written from here.
    pub fn preset(&mut self, preset: Option<&'s DeTable<'t>>) {
        self.preset = preset;
    }

    /// Whether the key is written at all.
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Notes that `key`'s value is not allowed, at its line (or the table's, if it is not written).
    pub fn refuse(&mut self, key: &str, allowed: &str) {
        let (at, found) = match self.find(key) {
            Some(value) => (value.span().start, format!("{key} = {}", self.source.written(value))),
            None => (self.at, format!("{key} is missing")),
        };
        self.source.wrong(at, join(self.title, &format!("{found}: {allowed}")));
    }

    /// As [`Self::refuse`], but the file is taken all the same: for the caller to tell.
    pub fn fault(&mut self, key: &str, why: &str) -> Option<Mistake> {
        self.refuse(key, why);
        self.source.mistakes.pop()
    }

    /// The value of `key`; noted as a mistake and `None` if `read` does not take it; `None` if absent.
    pub fn get<T>(
        &mut self,
        key: &str,
        allowed: &str,
        read: impl FnOnce(&DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let read = read(self.find(key)?.get_ref());
        if read.is_none() {
            self.refuse(key, allowed);
        }
        read
    }

    /// As [`Self::get`], for a text that `read` takes apart.
    pub fn text<T>(&mut self, key: &str, allowed: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.get(key, allowed, |value| read(value.as_str()?))
    }

    /// A text that must be there.
    pub fn needed<T>(&mut self, key: &str, allowed: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        if !self.has(key) {
            self.refuse(key, allowed);
        }
        self.text(key, allowed, read)
    }

    /// A password: as [`Self::text`], but the value found is never in a message.
    pub fn secret(&mut self, key: &str, allowed: &str, least: usize) -> Option<&'s str> {
        let value = self.find(key)?;
        let text = value
            .get_ref()
            .as_str()
            .filter(|t| t.chars().count() >= least && !t.chars().any(char::is_control));
        if text.is_none() {
            self.refuse_unseen(key, allowed);
        }
        text
    }

    /// As [`Self::refuse`], without the value.
    pub fn refuse_unseen(&mut self, key: &str, allowed: &str) {
        let Some(at) = self.find(key).map(|value| value.span().start) else {
            return self.refuse(key, allowed);
        };
        self.source.wrong(at, join(self.title, &format!("{key} (not shown): {allowed}")));
    }

    /// A whole number within bounds.
    pub fn number(&mut self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let allowed = format!("allowed is a whole number from {} to {}", range.start(), range.end());
        self.get(key, &allowed, |value| {
            let number = value.as_integer()?;
            u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|n| range.contains(n))
        })
    }

    /// true or false.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        self.get(key, "allowed is true or false", DeValue::as_bool)
    }

    /// A time such as "45s" within bounds.
    pub fn duration(&mut self, key: &str, range: RangeInclusive<Duration>) -> Option<Duration> {
        let (least, most) = (show_duration(*range.start()), show_duration(*range.end()));
        let allowed =
            format!("allowed is a time from \"{least}\" to \"{most}\", written with d, h, m, s or ms");
        self.text(key, &allowed, |text| duration(text).filter(|d| range.contains(d)))
    }

    /// A list of texts, each of which `read` must take.
    pub fn list<T>(&mut self, key: &str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.refuse(key, allowed);
            return Vec::new();
        };
        let mut taken = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str().and_then(&read) {
                Some(one) => taken.push(one),
                None => {
                    let found = self.source.written(item);
                    let what = join(self.title, &format!("{key} = [… {found} …]: {allowed}"));
                    self.source.wrong(item.span().start, what);
                }
            }
        }
        taken
    }
}

fn join(title: &str, rest: &str) -> String {
    if title.is_empty() { rest.to_owned() } else { format!("{title} {rest}") }
}

/// The known key nearest to a misspelt one, if any is near enough to be meant.
pub(crate) fn nearest<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let best = known.iter().map(|k| (distance(&key.to_lowercase(), k), *k)).min()?;
    (best.0 <= 1 + best.1.len() / 3).then_some(best.1)
}

/// Insertions, deletions and replacements from one word to the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// "1h30m", "45s", "20ms": whole numbers with their units, largest first or not, each once or more.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let millis: u64 = match unit {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(millis)?))?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// The shortest way to write it.
pub(crate) fn show_duration(d: Duration) -> String {
    match d.as_millis() {
        ms if ms % 3_600_000 == 0 => format!("{}h", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn durations() {
        let table: &[(&str, Option<u64>)] = &[
            ("45s", Some(45_000)),
            ("1h30m", Some(5_400_000)),
            ("90d", Some(7_776_000_000)),
            ("20ms", Some(20)),
            ("0s", Some(0)),
            ("", None),
            ("45", None),
            ("s", None),
            ("-4s", None),
            ("4 s", None),
            ("4w", None),
            ("99999999999999999999h", None),
            ("18446744073709551615h", None),
        ];
        for (text, millis) in table {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text:?}");
        }
        for text in ["45s", "90m", "4h", "20ms"] {
            assert_eq!(show_duration(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn distances() {
        for (a, b, d) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("secrt", "secret", 1), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), d, "{a} {b}");
            assert_eq!(distance(b, a), d, "{b} {a}");
        }
        assert_eq!(nearest("Lisen", &["listen", "advertise"]), Some("listen"));
        assert_eq!(nearest("colour", &["listen", "advertise"]), None);
    }
}

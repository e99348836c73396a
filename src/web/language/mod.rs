//! The language of the page. It is made in English; what leaves for somebody who reads German is put into German by a
//! table of whole texts (`de/*.txt`), text node by text node. Names, numbers, what was said and the interfaces for programs
//! stay as they are, and so does a text that the table does not have.

mod table;

use std::sync::LazyLock;
use table::Table;

/// The cookie that keeps what was chosen.
pub(super) const COOKIE: &str = "hold-slayer-language";

static GERMAN: LazyLock<Table> = LazyLock::new(|| Table::read(&table::DE));

/// What somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    English,
    German,
}

impl Language {
    /// By its code, RFC 5646: `de`, `de-AT`.
    pub(super) fn by_code(code: &str) -> Option<Self> {
        match code.trim().split('-').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What was chosen, else what the browser likes best (RFC 9110 §12.5.4), else English.
    pub(super) fn of(chosen: Option<&str>, accepted: Option<&str>) -> Self {
        chosen.and_then(Self::by_code).or_else(|| liked(accepted?)).unwrap_or(Self::English)
    }

    /// The page for who reads this.
    pub(super) fn put(self, page: String) -> String {
        match self {
            Self::English => page,
            Self::German => rewrite(&page, &GERMAN),
        }
    }
}

/// The language with the greatest weight; of equal ones the first.
fn liked(accepted: &str) -> Option<Language> {
    let mut best = None;
    for range in accepted.split(',') {
        let mut parts = range.split(';');
        let Some(language) = parts.next().and_then(Language::by_code) else { continue };
        let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0_f32);
        if weight > best.map_or(0.0, |(most, _)| most) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// Attributes that people read or hear.
const HUMAN: [&str; 5] = ["aria-label", "placeholder", "title", "alt", "data-title"];
/// What these hold is typed or run as it stands.
const VERBATIM: [&str; 6] = ["code", "kbd", "pre", "textarea", "script", "style"];
/// They have no end.
const VOID: [&str; 9] = ["input", "meta", "link", "img", "br", "hr", "source", "wbr", "!DOCTYPE"];

/// The page with its texts put into another language. It is one of ours: quotes and angle brackets within texts and values
/// are escaped.
fn rewrite(page: &str, table: &Table) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 4);
    // Whether each element that is open is to be left alone.
    let mut open: Vec<bool> = Vec::new();
    let mut rest = page;
    while let Some(begin) = rest.find('<') {
        let (text, from_tag) = rest.split_at(begin);
        put_text(&mut out, text, table, open.last() == Some(&true));
        let end = from_tag.find('>').map_or(from_tag.len(), |end| end + 1);
        let (tag, after) = from_tag.split_at(end);
        rest = after;
        let name = tag.trim_start_matches(['<', '/']).split([' ', '>']).next().unwrap_or_default();
        if tag.starts_with("</") {
            open.pop();
            out.push_str(tag);
            continue;
        }
        let alone = open.last() == Some(&true) || tag.contains(" translate=\"no\"");
        put_tag(&mut out, tag, table, (name, alone));
        if !VOID.contains(&name) {
            open.push(alone || VERBATIM.contains(&name));
        }
    }
    put_text(&mut out, rest, table, open.last() == Some(&true));
    out
}

fn put_tag(out: &mut String, tag: &str, table: &Table, (element, alone): (&str, bool)) {
    let mut rest = tag;
    while let Some(equals) = rest.find("=\"") {
        let (before, value) = rest.split_at(equals + 2);
        let name = before.rsplit(' ').next().unwrap_or_default().trim_end_matches("=\"");
        let (value, after) = value.split_at(value.find('"').unwrap_or(value.len()));
        out.push_str(before);
        match name {
            "lang" if element == "html" => out.push_str(Language::German.code()),
            name if HUMAN.contains(&name) => put_text(out, value, table, alone),
            _ => out.push_str(value),
        }
        rest = after;
    }
    out.push_str(rest);
}

/// Spaces around a text are the page's own.
fn put_text(out: &mut String, escaped: &str, table: &Table, alone: bool) {
    let text = escaped.trim();
    let said = match alone || text.is_empty() {
        true => None,
        false => table.say(&unescape(text)),
    };
    let Some(said) = said else { return out.push_str(escaped) };
    let begin = escaped.len() - escaped.trim_start().len();
    out.push_str(&escaped[..begin]);
    for c in said.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out.push_str(&escaped[begin + text.len()..]);
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_goes_before_what_the_browser_likes() {
        let cases = [
            (None, None, "en"),
            (None, Some("de-AT,de;q=0.9,en;q=0.8"), "de"),
            (None, Some("fr, en;q=0.4, de;q=0.7"), "de"),
            (None, Some("en-GB, de"), "en"),
            (None, Some("de;q=0"), "en"),
            (None, Some("fr"), "en"),
            (Some("en"), Some("de"), "en"),
            (Some("de"), Some("en"), "de"),
            (Some("xx"), Some("de"), "de"),
        ];
        for (chosen, accepted, code) in cases {
            assert_eq!(Language::of(chosen, accepted).code(), code, "{chosen:?} {accepted:?}");
        }
    }

    #[test]
    fn texts_and_what_is_read_out_are_put_and_all_else_stays() {
        let table = Table::read(&[
            "Name => Name\nHang up => Auflegen\nTake away {} => {1} entfernen\n<x> & \"y\" => „x“ & <y>\n",
        ]);
        let page = r#"<!DOCTYPE html><html lang="en"><p title="Hang up"> Hang up <b translate="no">Hang up</b><br>Hang up</p><code>Hang up</code><input value="Hang up" placeholder="Take away &lt;b&gt;"><i>&lt;x&gt; &amp; &quot;y&quot;</i><i>No such text</i>"#;
        let german = r#"<!DOCTYPE html><html lang="de"><p title="Auflegen"> Auflegen <b translate="no">Hang up</b><br>Auflegen</p><code>Hang up</code><input value="Hang up" placeholder="&lt;b&gt; entfernen"><i>„x“ &amp; &lt;y&gt;</i><i>No such text</i>"#;
        assert_eq!(rewrite(page, &table), german);
    }
}

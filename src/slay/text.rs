//! A flow as TOML: for the page, for a file, for whoever wants to read or change it. What is written is read back the same.

use super::flow::{Act, Flow, KEYS, NAME, Otherwise, STEPS, Step, WITHIN, Word, is_spoken, is_words};
use crate::limits::SPOKEN_CHARS;
use crate::listen::prompt::Print;
use crate::tables::{Mistakes, Section, Source, show_duration, tables};
use crate::units::Digit;
use core::fmt::Write;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::BTreeMap;
use toml::de::DeTable;

/// How long a step may wait for its prompt.
const PATIENCE: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(30 * 60);
/// How long a step may do nothing.
const PAUSE: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30 * 60);
/// What a step may be.
const ACTS: &str =
    "allowed are \"dtmf\", \"wait\", \"listen\", \"speak\", \"branch\", \"transfer\" and \"hold\"";
const OTHERWISE: &str = "allowed are \"owner\" (ring you), \"next\", \"end\", or the label of a later step";

/// The flow as text.
pub fn write(flow: &Flow) -> String {
    let prompts = flow.prompts();
    let name = |print: &Print| prompts.iter().position(|p| p == print).map_or(0, |n| n + 1);
    let mut text = format!("name = {}\n", quoted(&flow.name));
    // Writing to a String cannot fail.
    for step in &flow.steps {
        let _ = write!(text, "\n[[step]]\ndo = \"{}\"\n", kind(&step.act));
        if let Some(label) = &step.label {
            let _ = writeln!(text, "label = {}", quoted(label));
        }
        if let Some(print) = &step.prompt {
            let seconds = print.seconds();
            let _ =
                writeln!(text, "prompt = \"p{}\" # once this has been said ({seconds:.0} s)", name(print));
        }
        if let Some(words) = &step.expect {
            let _ = writeln!(text, "expect = {}", quoted(words));
        }
        match &step.act {
            Act::Dtmf(keys) => {
                let keys: String = keys.iter().map(|key| key.as_char()).collect();
                let _ = writeln!(text, "keys = \"{keys}\"");
            }
            Act::Wait(time) => {
                let _ = writeln!(text, "time = \"{}\"", show_duration(*time));
            }
            Act::Speak(word) => {
                let said = Word::ALL.iter().find(|(known, _)| known == word).map_or("", |(_, said)| said);
                let _ = writeln!(text, "say = \"{said}\"");
            }
            Act::Say(words) => {
                let _ = writeln!(text, "text = {}", quoted(words));
            }
            Act::Listen | Act::Branch(_) | Act::Transfer | Act::Hold => {}
        }
        if step.within != WITHIN {
            let _ = writeln!(text, "within = \"{}\"", show_duration(step.within));
        }
        match &step.otherwise {
            Otherwise::Owner => {}
            Otherwise::Next => text.push_str("otherwise = \"next\"\n"),
            Otherwise::HangUp => text.push_str("otherwise = \"end\"\n"),
            Otherwise::GoTo(label) => {
                let _ = writeln!(text, "otherwise = {}", quoted(label));
            }
        }
        if let Act::Branch(ways) = &step.act {
            for (print, label) in ways {
                let _ = write!(text, "[[step.way]]\nprompt = \"p{}\"\nto = {}\n", name(print), quoted(label));
            }
        }
    }
    if !prompts.is_empty() {
        text.push_str(
            "\n# Fingerprints of what the company says: no sound can be made of them.\n[prompts]\n",
        );
        for (n, print) in prompts.iter().enumerate() {
            let _ = writeln!(text, "p{} = \"{}\"", n + 1, print.to_text());
        }
    }
    text
}

const fn kind(act: &Act) -> &'static str {
    match act {
        Act::Dtmf(_) => "dtmf",
        Act::Wait(_) => "wait",
        Act::Listen => "listen",
        Act::Speak(_) | Act::Say(_) => "speak",
        Act::Branch(_) => "branch",
        Act::Transfer => "transfer",
        Act::Hold => "hold",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Reads a flow; `file` names it in messages.
///
/// # Errors
/// All mistakes found, each with its line, its key and what is allowed.
pub fn read(file: &str, text: &str) -> Result<Flow, Mistakes> {
    let mut source = Source::new(file, text);
    let Some(root) = source.root() else { return source.finish(nothing()) };
    let mut s = Section::open(&mut source, "", Some((0, &root)), &["name", "step", "prompts"]);
    let name =
        s.text("name", "allowed is a text in quotes", |text| Some(text.to_owned())).unwrap_or_default();
    let prompts = prompts(&mut source, &root);
    let mut steps = Vec::new();
    let mut places = Vec::new();
    for (at, table) in tables(&mut source, &root, "step", "[[step]]", STEPS) {
        places.push(at);
        steps.extend(step(&mut source, at, table, &prompts));
    }
    if steps.len() < places.len() {
        // What is wrong has been noted; what follows from it need not be.
        return source.finish(nothing());
    }
    match Flow::new(&name, steps) {
        Ok(flow) => source.finish(flow),
        Err((at, what)) => {
            let place = places.get(at).or(places.last()).copied().unwrap_or_default();
            source.wrong(place, what);
            source.finish(nothing())
        }
    }
}

/// Stands in where mistakes are returned anyway.
fn nothing() -> Flow {
    Flow { name: String::new(), steps: Vec::new() }
}

fn prompts<'t>(source: &mut Source<'t>, root: &DeTable<'t>) -> BTreeMap<String, Print> {
    let mut found = BTreeMap::new();
    let Some((key, value)) = root.iter().find(|(key, _)| key.get_ref() == "prompts") else { return found };
    let Some(table) = value.get_ref().as_table() else {
        source.wrong(key.span().start, "prompts: write [prompts] on a line of its own".into());
        return found;
    };
    for (key, value) in table.iter() {
        match value.get_ref().as_str().and_then(Print::from_text) {
            Some(print) => {
                found.insert(key.get_ref().to_string(), print);
            }
            None => {
                let what = format!(
                    "[prompts] {}: allowed is a fingerprint as the box writes it, whole",
                    key.get_ref()
                );
                source.wrong(value.span().start, what);
            }
        }
    }
    found
}

fn step<'t>(
    source: &mut Source<'t>,
    at: usize,
    table: &DeTable<'t>,
    prompts: &BTreeMap<String, Print>,
) -> Option<Step> {
    const KNOWN: [&str; 11] =
        ["do", "label", "prompt", "expect", "within", "otherwise", "keys", "time", "say", "text", "way"];
    let known = |text: &str| prompts.get(text).cloned();
    let allowed = "allowed is the name of one of [prompts]";
    let mut s = Section::open(source, "[[step]]", Some((at, table)), &KNOWN);
    let label = s.text("label", "allowed is a text of 1 to 32 characters", named);
    let prompt = s.text("prompt", allowed, known);
    let allowed_words = format!("allowed are words of at least two letters, {NAME} characters at most");
    let expect = s.text("expect", &allowed_words, |text| is_words(text).then(|| text.to_owned()));
    let within = s.duration("within", PATIENCE).unwrap_or(WITHIN);
    let otherwise = s.text("otherwise", OTHERWISE, |text| {
        Some(match text {
            "owner" => Otherwise::Owner,
            "next" => Otherwise::Next,
            "end" => Otherwise::HangUp,
            label => Otherwise::GoTo(named(label)?),
        })
    });
    let kind = s.needed("do", ACTS, |text| {
        ["dtmf", "wait", "listen", "speak", "branch", "transfer", "hold"]
            .into_iter()
            .find(|kind| *kind == text)
    })?;
    for (key, of) in
        [("keys", "dtmf"), ("time", "wait"), ("say", "speak"), ("text", "speak"), ("way", "branch")]
    {
        if s.has(key) && kind != of {
            s.refuse(key, &format!("this is for do = \"{of}\""));
        }
    }
    let missing = if s.has("prompt") && prompt.is_none() { None } else { Some(()) };
    let act = match kind {
        "dtmf" => Act::Dtmf(s.needed("keys", &format!("allowed are 1 to {KEYS} of 0-9, * and #"), keys)?),
        "wait" if !s.has("time") => {
            s.refuse("time", "needed is a time such as \"2s\"");
            return None;
        }
        "wait" => Act::Wait(s.duration("time", PAUSE)?),
        "listen" => Act::Listen,
        "speak" if s.has("text") && s.has("say") => {
            s.refuse("say", "give either say or text");
            return None;
        }
        "speak" if s.has("text") => {
            let allowed = format!(
                "allowed are 1 to {SPOKEN_CHARS} characters with letters or digits among them, in quotes"
            );
            Act::Say(s.text("text", &allowed, |text| is_spoken(text).then(|| text.to_owned()))?)
        }
        "speak" => Act::Speak(s.needed("say", "allowed are \"agent\", \"yes\" and \"no\"", |text| {
            Word::ALL.iter().find(|(_, said)| *said == text).map(|(word, _)| *word)
        })?),
        "transfer" => Act::Transfer,
        "hold" => Act::Hold,
        _ => {
            let mut ways = Vec::new();
            for (at, way) in tables(source, table, "way", "[[step.way]]", STEPS) {
                let mut s = Section::open(source, "[[step.way]]", Some((at, way)), &["prompt", "to"]);
                let print = s.needed("prompt", allowed, known);
                let to = s.needed("to", "needed is the label of a later step", named);
                ways.extend(print.zip(to));
            }
            Act::Branch(ways)
        }
    };
    missing.map(|()| Step {
        label,
        prompt,
        expect,
        within,
        otherwise: otherwise.unwrap_or(Otherwise::Owner),
        act,
    })
}

fn named(text: &str) -> Option<String> {
    let fits = (1..=32).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    (fits && !["owner", "next", "end"].contains(&text)).then(|| text.to_owned())
}

fn keys(text: &str) -> Option<Vec<Digit>> {
    let keys =
        text.chars().map(|c| Digit::from_char(c).filter(|_| c.is_ascii_digit() || matches!(c, '*' | '#')));
    keys.collect::<Option<Vec<_>>>().filter(|keys| (1..=KEYS).contains(&keys.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::flow::tests::{after, keys, print};
    use super::*;

    /// Every kind of step there is.
    fn everything() -> Flow {
        let end = Step { label: Some("the \"end\"\\".into()), ..Step::plain(Act::Hold) };
        let branch = Act::Branch(vec![(print(1), "care".into()), (print(2), "the \"end\"\\".into())]);
        let steps = vec![
            Step::plain(Act::Wait(Duration::from_millis(1_500))),
            after(1, keys("2")),
            Step { within: Duration::from_secs(90), otherwise: Otherwise::Next, ..after(2, keys("12#*")) },
            Step { otherwise: Otherwise::GoTo("care".into()), ..after(3, Act::Listen) },
            Step { otherwise: Otherwise::HangUp, ..Step::plain(branch) },
            Step { label: Some("care".into()), ..after(3, Act::Speak(Word::Agent)) },
            Step { expect: Some("your \"bill\"".into()), ..after(4, keys("5")) },
            Step { expect: Some("agent".into()), ..Step::plain(Act::Listen) },
            Step::plain(Act::Say("my \"bill\" please".into())),
            after(4, Act::Transfer),
            end,
        ];
        Flow::new("Example \"Energy\"", steps).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let flow = everything();
        let text = write(&flow);
        assert_eq!(read("flow", &text).unwrap(), flow, "{text}");
    }

    #[test]
    fn every_mistake_is_told_with_its_line_its_key_and_what_is_allowed() {
        let table: &[(&str, usize, &[&str])] = &[
            ("name = 1", 1, &["name = 1", "text"]),
            ("nmae = \"x\"", 1, &["no such key", "did you mean name"]),
            ("[[step]]\ndo = \"jump\"", 2, &["do = \"jump\"", "\"dtmf\""]),
            ("[[step]]", 1, &["do is missing"]),
            ("[[step]]\ndo = \"dtmf\"", 1, &["keys is missing", "1 to 32"]),
            ("[[step]]\ndo = \"dtmf\"\nkeys = \"12a3\"", 3, &["keys", "0-9"]),
            ("[[step]]\ndo = \"wait\"\ntime = \"3h\"", 3, &["time", "\"100ms\" to \"30m\""]),
            ("[[step]]\ndo = \"wait\"", 1, &["time is missing"]),
            ("[[step]]\ndo = \"speak\"\ntext = \"!\"", 3, &["text", "1 to 120"]),
            ("[[step]]\ndo = \"speak\"\nsay = \"yes\"\ntext = \"x\"", 3, &["either"]),
            ("[[step]]\ndo = \"hold\"\nkeys = \"1\"", 3, &["keys", "do = \"dtmf\""]),
            ("[[step]]\ndo = \"hold\"\nprompt = \"p9\"", 3, &["prompt = \"p9\"", "[prompts]"]),
            ("[[step]]\ndo = \"hold\"\nexpect = \"1\"", 3, &["expect = \"1\"", "two letters"]),
            ("[[step]]\ndo = \"hold\"\nwithin = \"1s\"", 3, &["within", "\"2s\" to \"30m\""]),
            ("[[step]]\ndo = \"listen\"\notherwise = \"x\"", 1, &["no step has the label x"]),
            ("[[step]]\ndo = \"branch\"\n[[step.way]]\nto = \"x\"", 3, &["prompt is missing"]),
            ("[prompts]\np1 = \"beef\"", 2, &["[prompts] p1", "fingerprint"]),
            ("[step]\ndo = \"hold\"", 1, &["[[step]]", "two brackets"]),
            ("name = ", 1, &["not TOML"]),
        ];
        for (text, line, words) in table {
            let mistakes = read("flow", text).unwrap_err();
            let found =
                mistakes.0.iter().any(|m| m.line == *line && words.iter().all(|w| m.what.contains(w)));
            assert!(found, "{text:?}: {mistakes}");
        }
    }

    #[test]
    fn a_flow_written_by_hand_reads_well() {
        let flow = read(
            "flow",
            "name = \"Care\"\n[[step]]\ndo = \"wait\"\ntime = \"4s\"\n[[step]]\ndo = \"dtmf\"\nkeys = \"2\"\n",
        );
        let acts = [Act::Wait(Duration::from_secs(4)), keys("2"), Act::Hold];
        assert_eq!(flow.unwrap().steps.into_iter().map(|s| s.act).collect::<Vec<_>>(), acts);
    }
}

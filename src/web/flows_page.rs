//! The page of menus: what the box knows of them, one version to be changed, and calls for later.

use super::answer::Answer;
use super::api::Refusal;
use super::api::shapes::Chosen;
use super::flows::{self, Gone, Plan, Unplan, Written};
use super::page::{Place, alert, frame, notice, token};
use super::{Site, words};
use crate::slay::book::{Entry, Standing, Version};
use crate::slay::flow::{Act, Flow, Otherwise, Step, Word};
use crate::slay::schedule::{Appointment, Way};
use crate::slay::text;
use maud::{Markup, html};

/// What is asked of these pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    List,
    /// One version, in words and as text.
    Version,
    /// The same as a file.
    File,
    Keep,
    /// A flow in a file.
    Import,
    Remove,
    Plan,
    Unplan,
}

/// What came with the request: names and values.
pub(super) struct Came<'a> {
    /// Of the address, or of the form if there is one.
    pub(super) fields: &'a [(String, String)],
    /// The token of our forms.
    pub(super) form: &'a str,
}

impl Came<'_> {
    fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    fn number(&self) -> String {
        self.text("number").into()
    }

    fn count<T: core::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let wrong = |_| (400, format!("{name}: allowed is a number"));
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::parse).transpose().map_err(wrong)
    }
}

/// Shows a page, or does what a form asks and shows the list, with what went wrong and what was written.
pub(super) fn go(site: &Site, go: Go, came: &Came<'_>) -> Answer {
    let done = match go {
        Go::List => return page(site, came, None),
        Go::Version => return version(site, came),
        Go::File => return file(site, came),
        Go::Keep | Go::Import => flows::keep(
            site,
            &Written { number: words::dialled(came.text("number")), flow: came.text("flow").into() },
        ),
        Go::Remove => {
            let gone = came.count("version").map(|version| Gone { number: came.number(), version });
            gone.and_then(|gone| flows::remove(site, &gone))
        }
        Go::Plan => {
            let at = came.text("at").into();
            flows::plan(
                site,
                &Plan {
                    number: words::dialled(came.text("number")),
                    at,
                    flow: Chosen::default(),
                    wish: Some(came.text("wish")).filter(|wish| !wish.is_empty()).map(Into::into),
                },
            )
            .map_err(|(status, why)| (status, words::capital(&why)))
        }
        Go::Unplan => {
            let id = came.count("id").map(|id| Unplan { id: id.unwrap_or_default() });
            id.and_then(|id| flows::unplan(site, &id))
        }
    };
    match done {
        Ok(()) => Answer::see("/flows".into()),
        Err(refused) => page(site, came, Some(refused)),
    }
}

fn page(site: &Site, came: &Came<'_>, wrong: Option<Refusal>) -> Answer {
    let draft = (came.text("number"), came.text("flow"));
    let status = wrong.as_ref().map_or(200, |(status, _)| *status);
    let words = wrong.as_ref().map(|(_, words)| words.as_str());
    match flows::entries(site).and_then(|entries| Ok((entries, flows::appointments(site)?))) {
        Ok((entries, planned)) => Answer::page(status, list(&entries, &planned, came.form, words, draft)),
        Err((status, why)) => Answer::page(status, notice(came.form, "No menus", &why)),
    }
}

fn version(site: &Site, came: &Came<'_>) -> Answer {
    match came.count("version").and_then(|id| flows::version(site, came.text("number"), id)) {
        Ok((entry, version)) => Answer::page(200, one(&entry.number, &version, came.form)),
        Err((status, why)) => Answer::page(status, notice(came.form, "No such flow", &why)),
    }
}

fn file(site: &Site, came: &Came<'_>) -> Answer {
    match came.count("version").and_then(|id| flows::version(site, came.text("number"), id)) {
        Ok((entry, version)) => {
            let number = entry.number.trim_start_matches('+');
            let name = format!("attachment; filename=\"flow-{number}-{}.toml\"", version.id);
            Answer::text(200, &text::write(&version.flow)).with("Content-Disposition", name)
        }
        Err((status, why)) => Answer::page(status, notice(came.form, "No such flow", &why)),
    }
}

/// `draft`: a number and a text that could not be kept, to be put right.
fn list(
    entries: &[Entry],
    planned: &[Appointment],
    form: &str,
    wrong: Option<&str>,
    (number, draft): (&str, &str),
) -> Markup {
    let content = html! {
        h1 { "Menus" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        section.card.peers {
            h2 { "What the box knows" }
            @if entries.is_empty() {
                p.muted { "Nothing yet. Press the keys of a menu yourself once: the box learns them, and offers to do it the next time." }
            }
            @for entry in entries {
                h3 { (words::number(&entry.number)) }
                ul { @for version in entry.versions.iter().rev() { (line(&entry.number, version, form)) } }
            }
        }
        section.card.peers {
            h2 { "Call later" }
            p.muted.lead { "At that time the box calls, goes through the menu if it knows it, waits, and rings you when a person is there." }
            @if !planned.is_empty() { ul { @for call in planned { (appointment(call, form)) } } }
            form method="post" action="/planned" {
                (token(form))
                label for="plan-number" { "Number" }
                input #plan-number type="tel" name="number" maxlength="40" autocomplete="off" required value=[draft.is_empty().then_some(number)];
                label for="plan-at" { "When" }
                input #plan-at type="text" name="at" maxlength="16" autocomplete="off" placeholder="08:00" required aria-describedby="at-help";
                p #at-help .muted.lead { "08:00 is the next time it is that late. Or a day and a time: 2026-11-29 08:00." }
                label for="plan-wish" { "What you want there (if the box understands words)" }
                input #plan-wish type="text" name="wish" maxlength="64" autocomplete="off" placeholder="agent";
                button { "Call then" }
            }
        }
        section.card {
            h2 { "Import a flow" }
            form method="post" action="/flows/import" enctype="multipart/form-data" {
                (token(form))
                label for="import-number" { "Number" }
                input #import-number type="tel" name="number" maxlength="40" autocomplete="off" required;
                label for="import-file" { "A file, as a box exports it" }
                input #import-file type="file" name="file" accept=".toml,application/toml,text/plain" required;
                button { "Import" }
            }
        }
        section.card {
            h2 { "Write a flow" }
            (editor(number, if draft.is_empty() { EXAMPLE } else { draft }, form))
        }
    };
    frame("Menus", Place::Flows, Some(form), &content)
}

fn line(number: &str, version: &Version, form: &str) -> Markup {
    let calls = version.successes + version.failures;
    html! {
        li {
            span class=(if version.standing() == Standing::Demoted { "state down" } else { "state up" }) {
                (standing(version.standing()))
            }
            b {
                a href=(address("/flows/version", number, version.id)) { "Version " (version.id) }
                (named(version))
            }
            span.muted {
                @if version.learnt { "Learnt from your keys on " } @else { "Written on " } (words::day(version.made))
                ". " (version.flow.steps.len()) @if version.flow.steps.len() == 1 { " step, " } @else { " steps, " }
                @if calls == 0 { "not used yet." } @else { "worked " (version.successes) " of " (calls) " times." }
            }
            (remove(number, version.id, form))
        }
    }
}

fn appointment(call: &Appointment, form: &str) -> Markup {
    html! {
        li {
            b { (words::number(&call.number)) }
            span.muted {
                (words::day(call.at)) ", " (words::time(call.at))
                @match &call.way {
                    Way::Wish(wish) => { ". " "Wanted: " span translate="no" { (wish) } },
                    Way::Task(task) => { ". " "The assistant's task: " span translate="no" { (task) } },
                    Way::Version(id) => { ". " "By version " (id) " of its flow" },
                    Way::Known | Way::Straight => {}
                }
            }
            form method="post" action="/planned/forget" {
                (token(form))
                input type="hidden" name="id" value=(call.id);
                button.danger aria-label={ "Do not call " (call.number) } { "Do not call" }
            }
        }
    }
}

fn remove(number: &str, version: u32, form: &str) -> Markup {
    html! {
        form method="post" action="/flows/remove" {
            (token(form))
            input type="hidden" name="number" value=(number);
            input type="hidden" name="version" value=(version);
            button.danger aria-label={ "Remove version " (version) " of " (number) } { "Remove" }
        }
    }
}

/// Numbers with flows are digits and `+`.
pub(super) fn address(page: &str, number: &str, version: u32) -> String {
    format!("{page}?number={}&version={version}", number.replace('+', "%2B"))
}

/// What the owner calls it.
fn named(version: &Version) -> Markup {
    html! { @if !version.flow.name.is_empty() { ", " span translate="no" { (version.flow.name) } } }
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Default => "In use",
        Standing::Offered => "Offered",
        Standing::Demoted => "Failed",
    }
}

/// One version: what it does, a call with it, and its text.
fn one(number: &str, version: &Version, form: &str) -> Markup {
    let content = html! {
        p { a href="/flows" { "← Menus" } }
        h1 { (words::number(number)) }
        p.muted { span { "Version " (version.id) } (named(version)) ": " span { (standing(version.standing())) } }
        section.card {
            h2 { "What the box does" }
            ol.steps { @for step in &version.flow.steps { li { (in_words(&version.flow, step)) } } }
            form method="post" action="/calls" {
                (token(form))
                input type="hidden" name="number" value=(number);
                input type="hidden" name="flow" value=(version.id);
                button.primary name="mode" value="hold_slayer" { "Call with it, and wait" }
            }
        }
        section.card {
            h2 { "Change it" }
            p.muted.lead { "What you save becomes the newest version; this one is kept." }
            (editor(number, &text::write(&version.flow), form))
            p { a href=(address("/flows/file", number, version.id)) download { "Export as a file" } }
        }
    };
    frame("Flow", Place::Flows, Some(form), &content)
}

/// A step as a sentence or two.
fn in_words(flow: &Flow, step: &Step) -> String {
    let place =
        |label: &str| flow.at(label).map_or_else(|| label.to_owned(), |at| format!("step {}", at + 1));
    let act = match &step.act {
        Act::Dtmf(keys) => {
            format!("press {}", keys.iter().map(|key| key.as_char()).collect::<String>())
        }
        Act::Wait(time) => format!("wait {} s", time.as_secs_f32()),
        Act::Listen if step.prompt.is_some() || step.expect.is_some() => "go on".into(),
        Act::Listen => "listen until whoever speaks pauses".into(),
        Act::Speak(Word::Agent) => "say \u{201c}agent\u{201d}".into(),
        Act::Speak(Word::Yes) => "say \u{201c}yes\u{201d}".into(),
        Act::Speak(Word::No) => "say \u{201c}no, thank you\u{201d}".into(),
        Act::Say(text) => format!("say \u{201c}{text}\u{201d}"),
        Act::Branch(ways) => {
            let ways: Vec<String> = ways.iter().map(|(_, to)| place(to)).collect();
            format!("go on by which of {} prompts is said, at {}", ways.len(), ways.join(" or "))
        }
        Act::Transfer => "ring you: from here on you go on yourself".into(),
        Act::Hold => "hold the line until a person comes".into(),
    };
    let mut text = match (&step.prompt, &step.expect) {
        (Some(print), None) => format!("Once a prompt of {:.0} s has been said, {act}.", print.seconds()),
        (Some(print), Some(words)) => {
            let seconds = print.seconds();
            format!("Once a prompt of {seconds:.0} s or \u{201c}{words}\u{201d} has been said, {act}.")
        }
        (None, Some(words)) => format!("Once \u{201c}{words}\u{201d} has been said, {act}."),
        (None, None) => words::capital(&format!("{act}.")),
    };
    if step.prompts().next().is_some() || step.expect.is_some() {
        let otherwise = match &step.otherwise {
            Otherwise::Owner => "ring you: the menu has changed".into(),
            Otherwise::Next => "go on with the next step".into(),
            Otherwise::GoTo(label) => format!("go on at {}", place(label)),
            Otherwise::HangUp => "hang up".into(),
        };
        text += &format!(" If nothing like it is said within {} s: {otherwise}.", step.within.as_secs());
    }
    text
}

fn editor(number: &str, text: &str, form: &str) -> Markup {
    html! {
        form method="post" action="/flows" {
            (token(form))
            label for="flow-number" { "Number" }
            input #flow-number type="tel" name="number" maxlength="40" autocomplete="off" required value=(number);
            label for="flow-text" { "Flow" }
            textarea #flow-text name="flow" rows="16" spellcheck="false" autocapitalize="off" { (text) }
            button.primary { "Save" }
        }
    }
}

/// What a flow looks like.
const EXAMPLE: &str = "\
name = \"Customer care\"

[[step]]
do = \"listen\"          # until whoever speaks pauses

[[step]]
do = \"dtmf\"
keys = \"2\"

[[step]]
do = \"hold\"
";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_example_is_a_good_flow_and_reads_as_sentences() {
        let worded = "[[step]]\ndo = \"dtmf\"\nkeys = \"2\"\nexpect = \"billing\"\n";
        let flow = text::read("worded", worded).unwrap();
        let words = in_words(&flow, &flow.steps[0]);
        assert!(
            words.starts_with("Once \u{201c}billing\u{201d} has been said, press 2. If nothing like it"),
            "{words}"
        );
        let flow = text::read("example", EXAMPLE).unwrap();
        let words: Vec<String> = flow.steps.iter().map(|step| in_words(&flow, step)).collect();
        assert_eq!(
            words,
            ["Listen until whoever speaks pauses.", "Press 2.", "Hold the line until a person comes.",]
        );
    }
}

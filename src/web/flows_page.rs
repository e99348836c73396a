//! The page of flows: what the box knows of menus, calls that it places by itself, now and later.

use super::page::{Place, alert, frame, token};
use super::words;
use crate::slay::book::{Entry, Standing, Version};
use crate::slay::schedule::Appointment;
use maud::{Markup, html};

/// Everything there is. `draft`: a number and a text that could not be kept, to be put right.
pub(super) fn list(
    entries: &[Entry],
    planned: &[Appointment],
    form: &str,
    wrong: Option<&str>,
    (number, text): (&str, &str),
) -> Markup {
    let content = html! {
        h1 { "Menus" }
        @if let Some(wrong) = wrong { (alert(wrong)) }
        section.card {
            h2 { "Call and hold" }
            p.muted.lead { "The box calls, goes through the menu if it knows it, waits, and rings you when a person is there." }
            form method="post" action="/slay" {
                (token(form))
                label for="slay-number" { "Number" }
                input #slay-number type="tel" name="number" maxlength="32" autocomplete="off" required value=(number);
                label for="slay-at" { "When" }
                input #slay-at type="text" name="at" autocomplete="off" placeholder="now, or 08:00" aria-describedby="at-help";
                p #at-help .muted.lead { "Empty: now. 08:00: the next time it is that late. Or a day: 2026-11-29T08:00." }
                button.primary { "Call" }
            }
            @if !planned.is_empty() {
                ul {
                    @for call in planned {
                        li {
                            b { (call.number) } " "
                            span.muted { (words::day(call.at)) ", " (words::time(call.at)) }
                            form method="post" action="/slay/forget" {
                                (token(form))
                                input type="hidden" name="id" value=(call.id);
                                button.danger aria-label={ "Do not call " (call.number) } { "Do not call" }
                            }
                        }
                    }
                }
            }
        }
        section.card {
            h2 { "What the box knows" }
            @if entries.is_empty() {
                p.muted { "Nothing yet. Press the keys of a menu yourself once: the box learns them, and offers to do it the next time." }
            }
            @for entry in entries {
                h3 { (entry.number) }
                ul { @for version in entry.versions.iter().rev() { (line(&entry.number, version, form)) } }
            }
        }
        section.card {
            h2 { "Write or import a flow" }
            (editor(number, text, form))
        }
    };
    frame("Menus", Place::Flows, Some(form), &content)
}

fn line(number: &str, version: &Version, form: &str) -> Markup {
    let at = format!("?number={number}&version={}", version.id);
    html! {
        li {
            span class=(if version.standing() == Standing::Demoted { "state down" } else { "state up" }) {
                (standing(version.standing()))
            }
            b {
                "Version " (version.id)
                @if !version.flow.name.is_empty() { ", " (version.flow.name) }
            }
            span.muted {
                @if version.learnt { "learnt on " } @else { "written on " } (words::day(version.made))
                ", " (version.flow.steps.len()) " steps, worked " (version.successes) " of "
                (version.successes + version.failures) " times"
            }
            a href={ "/flows/edit" (at) } { "Edit" } " "
            a href={ "/flows/export" (at) } download { "Export" }
            form method="post" action="/flows/remove" {
                (token(form))
                input type="hidden" name="number" value=(number);
                input type="hidden" name="version" value=(version.id);
                button.danger aria-label={ "Remove version " (version.id) " of " (number) } { "Remove" }
            }
        }
    }
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Default => "In use",
        Standing::Offered => "Offered",
        Standing::Demoted => "Failed",
    }
}

/// One version, to be changed.
pub(super) fn edit(number: &str, version: &Version, text: &str, form: &str) -> Markup {
    let content = html! {
        h1 { "Version " (version.id) " for " (number) }
        section.card {
            p.muted.lead { "What you save becomes the newest version; this one is kept." }
            (editor(number, text, form))
            p { a href="/flows" { "To the menus" } }
        }
    };
    frame("Flow", Place::Flows, Some(form), &content)
}

fn editor(number: &str, text: &str, form: &str) -> Markup {
    let text = if text.is_empty() { EXAMPLE } else { text };
    html! {
        form method="post" action="/flows" {
            (token(form))
            label for="flow-number" { "Number" }
            input #flow-number type="tel" name="number" maxlength="32" autocomplete="off" required value=(number);
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
    fn the_example_is_a_good_flow() {
        assert_eq!(crate::slay::text::read("example", EXAMPLE).unwrap().steps.len(), 3);
    }
}

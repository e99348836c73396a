//! What the box has saved, in tables and bars.

use super::Site;
use super::answer::Answer;
use super::page::{Place, frame, notice};
use super::statistics::{OfNumber, Statistics, of};
use super::{visit, words};
use maud::{Markup, html};

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The page.
pub(super) fn page(site: &Site, form: &str) -> Answer {
    if site.store.is_none() {
        return Answer::page(503, notice(form, "No statistics", visit::NO_STORE));
    }
    match of(site) {
        Ok(sum) => {
            let content = content(&sum);
            Answer::page(200, frame("Statistics", Place::History, Some(form), &content))
        }
        Err((status, why)) => Answer::page(status, notice(form, "No statistics for the moment", &why)),
    }
}

fn content(sum: &Statistics) -> Markup {
    let hours = (0..24).map(|hour| format!("{hour}:00"));
    html! {
        p { a href="/history" { "← History" } }
        h1 { "Statistics" }
        section.card {
            dl.figures {
                div { dt { "The box waited for you" } dd.big { (words::length(sum.held_ms)) } }
                div { dt { "Calls held" } dd { (sum.held) " of " (sum.calls) } }
                div { dt { "Ended with a person" } dd { (sum.slain) } }
                div { dt { "Rang for a recording" } dd { (sum.false_rings) } }
            }
        }
        @if !sum.numbers.is_empty() {
            section.card {
                h2 { "By company" }
                div.scroll tabindex="0" role="region" aria-label="By company" {
                    table {
                        thead { tr { th scope="col" { "Company" } th scope="col" { "Held" } th scope="col" { "Answered" }
                            th scope="col" { "Usual wait" } th scope="col" { "Together" } } }
                        tbody { @for number in &sum.numbers { (row(number)) } }
                    }
                }
                @if sum.left_out > 0 {
                    p.muted { "And " (sum.left_out) " that were waited for less: " a href="/companies" { "all companies" } "." }
                }
            }
            (bars("By weekday", WEEKDAYS.map(str::to_owned).into_iter().zip(&sum.by_weekday_ms)))
            (bars("By hour", hours.zip(&sum.by_hour_ms)))
        }
    }
}

fn row(number: &OfNumber) -> Markup {
    html! {
        tr {
            th scope="row" {
                @if let Some(name) = &number.name { span translate="no" { (name) } " " }
                a href={ "/history?number=" (words::in_address(&number.number)) } { (words::number(&number.number)) }
            }
            td { (number.held) }
            td { (number.slain) }
            td { @if let Some(ms) = number.median_ms { (words::length(ms)) } @else { "–" } }
            td { (words::length(number.held_ms)) }
        }
    }
}

fn bars<'a>(title: &str, of: impl Iterator<Item = (String, &'a u64)>) -> Markup {
    let rows: Vec<(String, &u64)> = of.filter(|(_, ms)| **ms > 0).collect();
    let most = rows.iter().map(|(_, ms)| **ms).max().unwrap_or(1);
    html! {
        section.card {
            h2 { (title) }
            dl.bars {
                @for (name, ms) in rows {
                    div { dt { (name) } dd { meter min="0" max=(most) value=(ms) aria-hidden="true" {} " " (words::length(*ms)) } }
                }
            }
        }
    }
}
